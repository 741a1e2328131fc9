/* Dot products of plain rows: every table that has them against sums in double precision, on fenced
 * memory. */
#include "exact.h"

static const aeon_type types[] = {AEON_TYPE_F32,  AEON_TYPE_F16,  AEON_TYPE_BF16, AEON_TYPE_Q8_0,
                                  AEON_TYPE_Q4_0, AEON_TYPE_Q4_K, AEON_TYPE_Q6_K};

enum { MAX_COLS = EXACT_MAX_COLS, MAX_X = 9 };

static double act_value(ae_act_kind kind, const void *x, size_t c)
{
    if (kind == AE_ACT_F32) return ((const float *)x)[c];
    const ae_act_q8 *a = (const ae_act_q8 *)x + c / AE_ACT_BLOCK;
    return (double)a->d * a->q[c % AE_ACT_BLOCK];
}

static void check_near(float y, const exact_row *row, ae_act_kind kind, const void *x,
                       size_t n_cols)
{
    double values[MAX_COLS];
    for (size_t c = 0; c < n_cols; c++) values[c] = act_value(kind, x, c);
    exact_check(y, row, values, n_cols);
}

/* One weight row against 1..9 activation rows: near the exact sums, the same bits in every tile,
 * nothing else written. */
static void check_dot(const ae_kernels *k, aeon_type type, const void *w, const void *x,
                      size_t x_row_bytes, size_t n_cols, fence *out)
{
    ae_act_kind kind = ae_kernels_act(k, type);
    static exact_row exact;
    float alone[MAX_X];
    exact_expand(&exact, type, w, n_cols);
    for (size_t i = 0; i < MAX_X; i++) {
        const char *row = (const char *)x + i * x_row_bytes;
        k->dot[type](alone + i, 1, w, row, x_row_bytes, 1, n_cols);
        check_near(alone[i], &exact, kind, row, n_cols);
    }
    for (size_t n_x = 0; n_x <= MAX_X; n_x++) {
        size_t stride = 1 + n_x % 3;
        size_t n_out = n_x ? (n_x - 1) * stride + 1 : 0;
        float *y = fence_place(out, n_out * sizeof *y, 0);
        k->dot[type](y, stride, w, x, x_row_bytes, n_x, n_cols);
        fence_check(out);
        for (size_t i = 0; i < n_out; i++) {
            if (i % stride == 0)
                assert_memory_equal(&y[i], &alone[i / stride], sizeof *y);
            else
                assert_true(is_pattern(&y[i]));
        }
    }
}

/* Floats: every length up to 300; blocks: up to 8 of them; and the longest row. */
static size_t next_length(const ae_dtype *t, size_t n)
{
    size_t step = t->block_values, all_to = step == 1 ? 300 : 8 * step;
    return n < all_to || n == MAX_COLS ? n + step : MAX_COLS;
}

static void test_random_rows_of_every_length(void **state)
{
    (void)state;
    uint64_t seed = 1;
    fence w = fence_new(), x = fence_new(), y = fence_new();
    EACH_TABLE(k)
    for (size_t j = 0; j < AE_COUNT(types); j++) {
        if (!k->dot[types[j]]) continue;
        const ae_dtype *t = ae_dtype_get(types[j]);
        ae_act_kind kind = ae_kernels_act(k, types[j]);
        for (size_t n = t->block_values; n <= MAX_COLS; n = next_length(t, n)) {
            size_t gap = n / t->block_values % 4; /* weights at any address */
            void *row = fence_place(&w, (size_t)ae_dtype_row_bytes(t, n), gap);
            random_row(types[j], row, n, &seed);
            size_t x_row_bytes = ae_act_row_bytes(kind, n);
            void *rows = fence_place(&x, MAX_X * x_row_bytes, 0);
            random_acts(kind, rows, MAX_X, n, &seed);
            check_dot(k, types[j], row, rows, x_row_bytes, n, &y);
        }
    }
    fence_free(&w);
    fence_free(&x);
    fence_free(&y);
}

/* Rows that lie apart, and the bytes between them, make no difference. */
static void test_rows_apart(void **state)
{
    (void)state;
    enum { N = 512, APART = 80 };
    uint64_t seed = 2;
    fence out = fence_new();
    static unsigned char w[4 * N];
    static _Alignas(64) unsigned char near_x[4 * N * MAX_X], far_x[(4 * N + APART) * MAX_X];
    EACH_TABLE(k)
    for (size_t j = 0; j < AE_COUNT(types); j++) {
        if (!k->dot[types[j]]) continue;
        size_t row_bytes = ae_act_row_bytes(ae_kernels_act(k, types[j]), N);
        random_row(types[j], w, N, &seed);
        random_acts(ae_kernels_act(k, types[j]), near_x, MAX_X, N, &seed);
        memset(far_x, 0x7f, sizeof far_x); /* NaN as floats */
        for (size_t i = 0; i < MAX_X; i++)
            memcpy(far_x + i * (row_bytes + APART), near_x + i * row_bytes, row_bytes);
        float near_y[MAX_X], far_y[MAX_X];
        k->dot[types[j]](near_y, 1, w, near_x, row_bytes, MAX_X, N);
        k->dot[types[j]](far_y, 1, w, far_x, row_bytes + APART, MAX_X, N);
        assert_memory_equal(near_y, far_y, sizeof near_y);
        check_dot(k, types[j], w, far_x, row_bytes + APART, N, &out);
    }
    fence_free(&out);
}

/* Blocks of equal bytes: -128 and all-ones weights, the largest scales, against activations of
 * +-127 and 0. An 8- or 16-bit sum that saturates shows here. */
static void test_extreme_blocks(void **state)
{
    (void)state;
    enum { N = 512 };
    static const unsigned char fills[] = {0x00, 0x7f, 0x80, 0x88, 0xff};
    static const float halves[] = {0, 0x1p-24f, 1, -1, 65504};
    static const int8_t quants[] = {-127, 0, 127};
    static const float act_scales[] = {1e-30f, 1, 1e25f};
    fence out = fence_new();
    static unsigned char w[4 * N];
    static ae_act_q8 x[MAX_X][N / AE_ACT_BLOCK];
    EACH_TABLE(k)
    for (size_t j = 3; j < AE_COUNT(types); j++)
        for (size_t c = 0; k->dot[types[j]] && c < AE_COUNT(fills) * AE_COUNT(halves); c++) {
            const ae_dtype *t = ae_dtype_get(types[j]);
            uint16_t d = ae_f32_to_f16(halves[c % AE_COUNT(halves)]);
            memset(w, fills[c / AE_COUNT(halves)], sizeof w);
            for (size_t b = 0; b < N / t->block_values; b++) {
                unsigned char *block = w + b * t->block_bytes;
                if (types[j] == AEON_TYPE_Q6_K) block += offsetof(ae_block_q6_k, d);
                set_u16(block, d);
                if (types[j] == AEON_TYPE_Q4_K) set_u16(block + 2, d);
            }
            for (size_t i = 0; i < MAX_X; i++)
                for (size_t b = 0; b < AE_COUNT(x[0]); b++) {
                    int8_t q = quants[i % 3];
                    int16_t minus = (int16_t)(-AE_ACT_BLOCK / 2 * q);
                    x[i][b] = (ae_act_q8){.d = act_scales[i / 3], .minus_sum = {minus, minus}};
                    memset(x[i][b].q, q, sizeof x[i][b].q);
                }
            check_dot(k, types[j], w, x, sizeof x[0], N, &out);
        }
    fence_free(&out);
}

/* Every half and every bfloat16 is read exactly: subnormals, infinities and NaN too. */
static void test_every_16_bit_float(void **state)
{
    (void)state;
    const float one = 1;
    EACH_TABLE(k)
    for (uint32_t h = 0; h < 65536; h++) {
        uint16_t w = (uint16_t)h;
        float y, f16 = ae_f16_to_f32(w), bf16 = ae_bf16_to_f32(w);
        k->dot[AEON_TYPE_F16](&y, 1, &w, &one, sizeof one, 1, 1);
        assert_true(y == f16 || (isnan(y) && isnan(f16)));
        k->dot[AEON_TYPE_BF16](&y, 1, &w, &one, sizeof one, 1, 1);
        assert_true(y == bf16 || (isnan(y) && isnan(bf16)));
    }
}

/* A damaged activation is not hidden: its products are NaN, those of its neighbours are not. */
static void test_nan_stays_in_its_row(void **state)
{
    (void)state;
    enum { N = 256 };
    uint64_t seed = 3;
    static unsigned char w[4 * N];
    static float x[4][N];
    static ae_act_q8 q[4][N / AE_ACT_BLOCK];
    EACH_TABLE(k)
    for (size_t j = 0; j < AE_COUNT(types); j++) {
        if (!k->dot[types[j]]) continue;
        random_row(types[j], w, N, &seed);
        random_floats(x[0], 4 * N, &seed);
        x[2][N - 1] = NAN;
        k->quantize_act(q[0], x[0], 4 * N);
        bool floats = ae_kernels_act(k, types[j]) == AE_ACT_F32;
        float y[4];
        k->dot[types[j]](y, 1, w, floats ? (void *)x : (void *)q,
                         floats ? sizeof x[0] : sizeof q[0], 4, N);
        assert_true(isfinite(y[0]) && isfinite(y[1]) && isnan(y[2]) && isfinite(y[3]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_rows_of_every_length),
        cmocka_unit_test(test_rows_apart),
        cmocka_unit_test(test_extreme_blocks),
        cmocka_unit_test(test_every_16_bit_float),
        cmocka_unit_test(test_nan_stays_in_its_row),
    };
    return cmocka_run_group_tests_name("kernels: dot products", tests, NULL, NULL);
}
