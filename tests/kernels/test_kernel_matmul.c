/* The matrix product: the same bits for every number of threads, and equal to its dot products. */
#include "support.h"

#include "base/mem.h"
#include "kernels/matmul.h"

enum { N_ROWS = 37, N_COLS = 512, MAX_X = 70, Y_STRIDE = N_ROWS + 3, MAX_THREADS = 3 };

typedef struct {
    const ae_kernels *k;
    ae_matrix w;
    const void *x;
    size_t n_x;
    float *y;
    float scratch[MAX_THREADS][N_COLS];
} product;

static void multiply(void *arg, ae_member member)
{
    product *p = arg;
    ae_matmul(p->k, &p->w, p->x, p->n_x, p->y, Y_STRIDE, p->scratch[member.index], member);
}

/* y[i][r] = row r . x_i by single calls; types without a dot product as rows of f32. */
static void multiply_plainly(const product *p, float *y)
{
    const ae_dtype *t = p->w.type;
    ae_dot_fn *dot = p->k->dot[t->type];
    size_t x_row_bytes = ae_act_row_bytes(ae_kernels_act(p->k, t->type), N_COLS);
    float expanded[N_COLS];
    for (size_t r = 0; r < N_ROWS; r++) {
        const void *row = (const char *)p->w.data + r * (size_t)ae_dtype_row_bytes(t, N_COLS);
        if (!dot) t->to_f32(row, expanded, N_COLS);
        for (size_t i = 0; i < p->n_x; i++) {
            const void *x = (const char *)p->x + i * x_row_bytes;
            if (dot)
                dot(&y[i * Y_STRIDE + r], 1, row, x, x_row_bytes, 1, N_COLS);
            else
                p->k->dot[AEON_TYPE_F32](&y[i * Y_STRIDE + r], 1, expanded, x, x_row_bytes, 1,
                                         N_COLS);
        }
    }
}

static void check_product(product *p, ae_pool *pools[])
{
    static float expected[MAX_X * Y_STRIDE], y[MAX_X * Y_STRIDE];
    memset(expected, FENCE_PATTERN, sizeof expected); /* the columns beyond stay as they are */
    multiply_plainly(p, expected);
    for (int i = 0; i < MAX_THREADS; i++) {
        memset(y, FENCE_PATTERN, sizeof y);
        p->y = y;
        ae_pool_run(pools[i], multiply, p);
        assert_memory_equal(y, expected, sizeof y);
    }
}

static void test_products(void **state)
{
    (void)state;
    static const aeon_type types[] = {AEON_TYPE_F32,  AEON_TYPE_F16,  AEON_TYPE_BF16,
                                      AEON_TYPE_Q8_0, AEON_TYPE_Q4_0, AEON_TYPE_Q4_K,
                                      AEON_TYPE_Q6_K, AEON_TYPE_Q5_K, AEON_TYPE_IQ4_XS};
    static const size_t n_xs[] = {1, 2, 7, 31, 32, 33, MAX_X};
    static unsigned char w[N_ROWS * N_COLS * sizeof(float) + 1];
    static _Alignas(64) unsigned char x[MAX_X * N_COLS * sizeof(float)];
    static product p;
    aeon_error err;
    uint64_t seed = 1;
    ae_pool *pools[MAX_THREADS];
    for (int i = 0; i < MAX_THREADS; i++) CHECK_OK(ae_pool_new(&pools[i], i + 1, &err));
    EACH_TABLE(k)
    for (size_t j = 0; j < AE_COUNT(types); j++) {
        const ae_dtype *t = ae_dtype_get(types[j]);
        p.k = k;
        p.w = (ae_matrix){t, w + 1, N_ROWS, N_COLS}; /* a file need not align anything */
        p.x = x;
        random_row(types[j], w + 1, N_COLS, &seed);
        for (size_t r = 1; r < N_ROWS; r++)
            random_row(types[j], w + 1 + r * (size_t)ae_dtype_row_bytes(t, N_COLS), N_COLS, &seed);
        random_acts(ae_kernels_act(k, types[j]), x, MAX_X, N_COLS, &seed);
        assert_int_equal(ae_matmul_scratch(k, &p.w), k->dot[types[j]] ? 0 : N_COLS);
        for (size_t i = 0; i < AE_COUNT(n_xs); i++) {
            p.n_x = n_xs[i];
            check_product(&p, pools);
        }
    }
    for (int i = 0; i < MAX_THREADS; i++) ae_pool_free(pools[i]);
    assert_int_equal(aeon_memory_stats_get().current_bytes, 0);
}

/* Fewer rows than members: some have nothing to do. */
static void test_one_row(void **state)
{
    (void)state;
    aeon_error err;
    ae_pool *pool;
    CHECK_OK(ae_pool_new(&pool, MAX_THREADS, &err));
    float w[4] = {1, 2, 3, 4}, x[4] = {1, 10, 100, 1000}, y = 0;
    static product p;
    EACH_TABLE(k)
    {
        p = (product){.k = k, .x = x, .n_x = 1, .y = &y};
        p.w = (ae_matrix){ae_dtype_get(AEON_TYPE_F32), w, 1, 4};
        ae_pool_run(pool, multiply, &p);
        assert_true(y == 4321);
    }
    ae_pool_free(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_one_row),
    };
    return cmocka_run_group_tests_name("kernels: matrix product", tests, NULL, NULL);
}
