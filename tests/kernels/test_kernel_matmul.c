/* The matrix product: the same bits for every strip, and equal to its kernels on single rows. */
#include "support.h"

#include "kernels/matmul.h"
#include "kernels/panel.h"

enum {
    N_ROWS = 101,
    N_COLS = 512,
    MAX_X = 70,
    Y_STRIDE = N_ROWS + 3,
    MAX_BYTES = 4 * N_COLS,
    N_SCRATCH = 1 << 14
};

/* Of affine groups some: the panels of all have their own test. */
static const aeon_type types[] = {AEON_TYPE_F32,          AEON_TYPE_F16,         AEON_TYPE_BF16,
                                  AEON_TYPE_Q8_0,         AEON_TYPE_Q4_0,        AEON_TYPE_Q4_K,
                                  AEON_TYPE_Q6_K,         AEON_TYPE_Q5_K,        AEON_TYPE_IQ4_XS,
                                  AEON_TYPE_MLX4_64_BF16, AEON_TYPE_MLX8_128_F16};

/* y[i][r] by products of one row of activations, all rows of the matrix at once. */
static void multiply_alone(const ae_kernels *k, const ae_matrix *w, float (*x)[N_COLS], size_t n_x,
                           float *y)
{
    static _Alignas(64) unsigned char acts[MAX_BYTES];
    static float scratch[N_SCRATCH];
    for (size_t i = 0; i < n_x; i++) {
        ae_acts a = {ae_matmul_act(k, w), acts, 1, N_COLS};
        ae_acts_put(k, &a, 0, 0, x[i], N_COLS);
        ae_matmul(k, w, (ae_range){0, N_ROWS}, &a, y + i * Y_STRIDE, Y_STRIDE, scratch);
    }
}

static void check_strips(const ae_kernels *k, const ae_matrix *w, float (*x)[N_COLS], size_t n_x)
{
    static float expected[MAX_X * Y_STRIDE], y[MAX_X * Y_STRIDE];
    static _Alignas(64) unsigned char acts[MAX_X * MAX_BYTES];
    static float scratch[N_SCRATCH];
    ae_acts a = {ae_matmul_act(k, w), acts, n_x, N_COLS};
    for (size_t i = 0; i < n_x; i++) ae_acts_put(k, &a, i, 0, x[i], N_COLS);
    memset(expected, FENCE_PATTERN, sizeof expected); /* the columns beyond stay as they are */
    multiply_alone(k, w, x, n_x, expected);
    for (size_t strip = 32; strip <= 128; strip += 32) {
        memset(y, FENCE_PATTERN, sizeof y);
        for (size_t r = 0; r < N_ROWS; r += strip) {
            ae_range rows = {r, r + strip < N_ROWS ? r + strip : N_ROWS};
            ae_matmul(k, w, rows, &a, y + r, Y_STRIDE, scratch);
        }
        assert_memory_equal(y, expected, sizeof y);
    }
}

/* Rows come out of panels as they do from a file. */
static void check_rows(const ae_matrix *plain, const ae_matrix *packed)
{
    float scratch[N_COLS], row[N_COLS], expected[N_COLS];
    for (size_t r = 0; r < N_ROWS; r++) {
        ae_matrix_row(plain, r, expected, scratch);
        ae_matrix_row(packed, r, row, scratch);
        assert_memory_equal(row, expected, sizeof row);
    }
}

static void pack(const ae_kernels *k, ae_matrix *w, unsigned char *panels)
{
    size_t row_bytes = (size_t)ae_dtype_row_bytes(w->type, N_COLS);
    for (size_t r = 0; r < N_ROWS; r += k->n_lanes) {
        size_t n = N_ROWS - r < k->n_lanes ? N_ROWS - r : k->n_lanes;
        ae_panel_pack(panels + r * row_bytes, w->type->type, k->n_lanes,
                      (const char *)w->data + r * row_bytes, n, N_COLS);
    }
    w->data = panels;
    w->n_lanes = k->n_lanes;
}

static void test_products(void **state)
{
    (void)state;
    static const size_t n_xs[] = {1, 2, 7, 31, 32, 33, MAX_X};
    static unsigned char rows[N_ROWS * MAX_BYTES + 1];
    static _Alignas(64) unsigned char panels[(N_ROWS + AE_PANEL_MAX_LANES) * MAX_BYTES];
    static float x[MAX_X][N_COLS];
    uint64_t seed = 1;
    random_floats(x[0], MAX_X * N_COLS, &seed);
    assert_true(ae_matmul_scratch() <= N_SCRATCH);
    EACH_TABLE(k)
    for (size_t j = 0; j < AE_COUNT(types); j++) {
        const ae_dtype *t = ae_dtype_get(types[j]);
        ae_matrix plain = {t, rows + 1, N_ROWS, N_COLS, 0}; /* a file need not align anything */
        ae_matrix w = plain;
        for (size_t r = 0; r < N_ROWS; r++)
            random_row(types[j], rows + 1 + r * (size_t)ae_dtype_row_bytes(t, N_COLS), N_COLS,
                       &seed);
        if (k->n_lanes && k->panel[types[j]].multiply) {
            pack(k, &w, panels);
            check_rows(&plain, &w);
        }
        for (size_t i = 0; i < AE_COUNT(n_xs); i++) check_strips(k, &w, x, n_xs[i]);
    }
}

/* Small enough for a head: the exact product. */
static void test_known_product(void **state)
{
    (void)state;
    static float scratch[N_SCRATCH];
    float w[4] = {1, 2, 3, 4}, x[4] = {1, 10, 100, 1000}, y = 0;
    EACH_TABLE(k)
    {
        ae_matrix m = {ae_dtype_get(AEON_TYPE_F32), w, 1, 4, 0};
        ae_acts a = {AE_ACT_F32, x, 1, 4};
        ae_matmul(k, &m, (ae_range){0, 1}, &a, &y, 1, scratch);
        assert_true(y == 4321);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_known_product),
    };
    return cmocka_run_group_tests_name("kernels: matrix product", tests, NULL, NULL);
}
