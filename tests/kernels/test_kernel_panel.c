/* Panels: packing moves bytes and loses none; products of every table that has kernels for them
 * against sums in double precision, on fenced memory. */
#include "exact.h"
#include "kernels/panel.h"

static const aeon_type types[] = {AEON_TYPE_F32,  AEON_TYPE_F16,  AEON_TYPE_BF16,
                                  AEON_TYPE_Q8_0, AEON_TYPE_Q4_0, AEON_TYPE_Q4_K,
                                  AEON_TYPE_Q5_K, AEON_TYPE_Q6_K, AFFINE_TYPES};

enum { MAX_COLS = 1024, MAX_LANES = AE_PANEL_MAX_LANES, MAX_ROW_BYTES = MAX_COLS * 4 };

/* ---- packing --------------------------------------------------------------------------------- */

static void test_rows_come_out_as_they_went_in(void **state)
{
    (void)state;
    enum { N_COLS = 512 };
    static const size_t lanes[] = {1, 4, 8, 16, 32};
    static unsigned char rows[MAX_LANES * MAX_ROW_BYTES + 1], row[MAX_ROW_BYTES];
    fence panel = fence_new();
    uint64_t seed = 1;
    for (size_t j = 0; j < AE_COUNT(types); j++)
        for (size_t l = 0; l < AE_COUNT(lanes); l++)
            for (size_t n = lanes[l]; n > 0; n /= 2) {
                size_t row_bytes = (size_t)ae_dtype_row_bytes(ae_dtype_get(types[j]), N_COLS);
                for (size_t i = 0; i < n * row_bytes; i++)
                    rows[1 + i] = (unsigned char)check_random(&seed);
                void *at = fence_place(&panel, lanes[l] * row_bytes, 0);
                ae_panel_pack(at, types[j], lanes[l], rows + 1, n, N_COLS); /* at any address */
                fence_check(&panel);
                for (size_t i = 0; i < lanes[l]; i++) {
                    ae_panel_row(row, types[j], lanes[l], at, i, N_COLS);
                    if (i < n) assert_memory_equal(row, rows + 1 + i * row_bytes, row_bytes);
                    for (size_t c = 0; i >= n && c < row_bytes; c++) assert_int_equal(row[c], 0);
                }
            }
    fence_free(&panel);
}

/* The picture of panel.h, byte for byte. */
static void test_units_stand_side_by_side(void **state)
{
    (void)state;
    ae_block_q8_0 rows[2][2];
    unsigned char panel[sizeof rows];
    for (int r = 0; r < 2; r++)
        for (int b = 0; b < 2; b++) {
            rows[r][b].d = (uint16_t)(0x100 + 2 * b + r);
            for (int i = 0; i < AE_BLOCK; i++) rows[r][b].qs[i] = (int8_t)(32 * (2 * b + r) + i);
        }
    ae_panel_pack(panel, AEON_TYPE_Q8_0, 2, rows, 2, 2 * AE_BLOCK);
    static const unsigned char begin[] = {0x00, 0x01, 0x01, 0x01,                 /* d */
                                          0,    1,    2,    3,    32, 33, 34, 35, /* 0 .. 3 */
                                          4,    5,    6,    7,    36, 37, 38, 39};
    static const unsigned char second[] = {0x02, 0x01, 0x03, 0x01, 64, 65, 66, 67, 96, 97, 98, 99};
    assert_memory_equal(panel, begin, sizeof begin);
    assert_memory_equal(panel + sizeof panel / 2, second, sizeof second);
}

static void test_what_fits_into_panels(void **state)
{
    (void)state;
    assert_true(ae_panel_has(AEON_TYPE_Q4_0, 32));
    assert_false(ae_panel_has(AEON_TYPE_Q4_0, 48));
    assert_false(ae_panel_has(AEON_TYPE_BF16, 33));
    assert_false(ae_panel_has(AEON_TYPE_IQ4_XS, 256));
    assert_true(ae_panel_has(AEON_TYPE_MLX4_64_BF16, 192));
    assert_false(ae_panel_has(AEON_TYPE_MLX4_64_BF16, 160));
    assert_false(ae_panel_has(AEON_TYPE_MLX8_128_F16, 192));
}

/* ---- products -------------------------------------------------------------------------------- */

/* What a unit of a tile holds at column c for row i, as products take it. */
static double act_value(const ae_acts *a, size_t i, size_t c)
{
    ae_act_tile tile = ae_acts_tile(a, i / AE_PANEL_TILE * AE_PANEL_TILE);
    size_t lane = i % AE_PANEL_TILE;
    float f;
    uint16_t h;
    switch (a->kind) {
    case AE_ACT_F32:
        memcpy(&f, tile.data + c * tile.block_bytes + lane * sizeof f, sizeof f);
        return f;
    case AE_ACT_BF16:
        memcpy(&h, tile.data + c / 2 * tile.block_bytes + (2 * lane + c % 2) * sizeof h, sizeof h);
        return ae_bf16_to_f32(h);
    default: {
        const void *at = tile.data + c / AE_ACT_BLOCK * tile.block_bytes;
        const ae_act_q8 *block = (const ae_act_q8 *)at + lane;
        return (double)block->d * block->q[c % AE_ACT_BLOCK];
    }
    }
}

typedef struct {
    const ae_kernels *k;
    aeon_type type;
    const unsigned char *rows; /* [n_rows] as a file has them */
    void *panel;
    size_t n_rows, n_cols;
} product;

static void multiply(const product *p, const ae_acts *x, float *y, size_t y_stride)
{
    ae_act_tile tile = ae_acts_tile(x, 0);
    ae_panel panel = {.y = y,
                      .y_stride = y_stride,
                      .n_rows = p->n_rows,
                      .w = p->panel,
                      .w_lanes = p->k->n_lanes,
                      .ahead = p->panel,
                      .x = tile.data,
                      .x_block_bytes = tile.block_bytes,
                      .n_cols = p->n_cols};
    p->k->panel[p->type].multiply(panel, x->n_rows);
}

static void check_exact(const product *p, const ae_acts *x, const float *y, size_t y_stride)
{
    static exact_row exact;
    size_t row_bytes = (size_t)ae_dtype_row_bytes(ae_dtype_get(p->type), p->n_cols);
    double values[MAX_COLS];
    for (size_t r = 0; r < p->n_rows; r++) {
        exact_expand(&exact, p->type, p->rows + r * row_bytes, p->n_cols);
        for (size_t i = 0; i < x->n_rows; i++) {
            for (size_t c = 0; c < p->n_cols; c++) values[c] = act_value(x, i, c);
            exact_check(y[i * y_stride + r], &exact, values, p->n_cols);
        }
    }
}

/* n_x rows of activations at once and one by one: the same bits, and nothing else written. */
static void check_product(const product *p, size_t n_x, fence *in, fence *out, uint64_t *seed)
{
    ae_act_kind kind = p->k->panel[p->type].act;
    size_t row_bytes = ae_act_row_bytes(kind, p->n_cols), stride = p->n_rows + n_x % 3;
    static float floats[AE_PANEL_TILE][MAX_COLS], alone[MAX_LANES];
    ae_acts x = {kind, fence_place(in, n_x * row_bytes, 0), n_x, p->n_cols};
    for (size_t i = 0; i < n_x; i++) {
        random_floats(floats[i], p->n_cols, seed);
        ae_acts_put(p->k, &x, i, 0, floats[i], p->n_cols);
    }
    fence_check(in);
    size_t n_out = (n_x - 1) * stride + p->n_rows;
    float *y = fence_place(out, n_out * sizeof *y, 0);
    multiply(p, &x, y, stride);
    fence_check(out);
    for (size_t i = 0; i < n_out; i++)
        if (i % stride >= p->n_rows) assert_true(is_pattern(&y[i]));
    check_exact(p, &x, y, stride);
    for (size_t i = 0; i < n_x; i++) {
        x.n_rows = 1;
        ae_acts_put(p->k, &x, 0, 0, floats[i], p->n_cols);
        multiply(p, &x, alone, p->n_rows);
        assert_memory_equal(alone, y + i * stride, p->n_rows * sizeof *alone);
    }
}

static void random_rows(const product *p, unsigned char *rows, uint64_t *seed)
{
    size_t row_bytes = (size_t)ae_dtype_row_bytes(ae_dtype_get(p->type), p->n_cols);
    for (size_t r = 0; r < p->n_rows; r++)
        random_row(p->type, rows + r * row_bytes, p->n_cols, seed);
}

/* The panel ends where memory does. */
static void pack(product *p, fence *panel)
{
    size_t row_bytes = (size_t)ae_dtype_row_bytes(ae_dtype_get(p->type), p->n_cols);
    p->panel = fence_place(panel, p->k->n_lanes * row_bytes, 0);
    ae_panel_pack(p->panel, p->type, p->k->n_lanes, p->rows, p->n_rows, p->n_cols);
}

#define EACH_PANEL_KERNEL(k, j)                                                                    \
    EACH_TABLE(k)                                                                                  \
    for (size_t j = 0; j < AE_COUNT(types); j++)                                                   \
        if (k->panel[types[j]].multiply)

static void test_products(void **state)
{
    (void)state;
    static unsigned char rows[MAX_LANES * MAX_ROW_BYTES];
    static const size_t n_blocks[] = {1, 2, 3, 7};
    fence panel = fence_new(), in = fence_new(), out = fence_new();
    uint64_t seed = 2;
    EACH_PANEL_KERNEL(k, j)
    for (size_t b = 0; b < AE_COUNT(n_blocks); b++) {
        size_t block = ae_dtype_get(types[j])->block_values;
        size_t n_cols = n_blocks[b] * (block == 1 ? 2 : block);
        if (n_cols > MAX_COLS) continue;
        size_t some[] = {k->n_lanes, k->n_lanes - 1, 1};
        for (size_t s = 0; s < AE_COUNT(some); s++) {
            product p = {k, types[j], rows, NULL, some[s], n_cols};
            random_rows(&p, rows, &seed);
            pack(&p, &panel);
            for (size_t n_x = 1; n_x <= AE_PANEL_TILE; n_x += n_x < 9 ? 1 : 23)
                check_product(&p, n_x, &in, &out, &seed);
        }
    }
    fence_free(&panel);
    fence_free(&in);
    fence_free(&out);
}

/* Lanes from the middle of a wider panel, as keys of a cache stand, give what they give alone; and
 * sums come on top of what is there. */
static void test_wide_panels_and_sums(void **state)
{
    (void)state;
    enum { N_COLS = 256, N_X = 3, N_LANES = 2 * MAX_LANES };
    static const aeon_type kinds[] = {AEON_TYPE_F32, AEON_TYPE_F16, AEON_TYPE_BF16, AEON_TYPE_Q8_0};
    static unsigned char rows[N_LANES * MAX_ROW_BYTES];
    static _Alignas(64) unsigned char wide[N_LANES * MAX_ROW_BYTES], acts[N_X * N_COLS * 4];
    static float alone[N_X * MAX_LANES], y[N_X * MAX_LANES], x[N_COLS];
    fence panel = fence_new();
    uint64_t seed = 4;
    EACH_TABLE(k)
    for (size_t j = 0; j < AE_COUNT(kinds); j++) {
        if (!k->panel[kinds[j]].multiply) continue;
        size_t n_lanes = k->n_lanes, row_bytes;
        row_bytes = (size_t)ae_dtype_row_bytes(ae_dtype_get(kinds[j]), N_COLS);
        product p = {k, kinds[j], rows + n_lanes * row_bytes, NULL, n_lanes, N_COLS};
        ae_acts a = {k->panel[kinds[j]].act, acts, N_X, N_COLS};
        for (size_t i = 0; i < N_X; i++) {
            random_floats(x, N_COLS, &seed);
            ae_acts_put(k, &a, i, 0, x, N_COLS);
        }
        for (size_t r = 0; r < 2 * n_lanes; r++)
            random_row(kinds[j], rows + r * row_bytes, N_COLS, &seed);
        pack(&p, &panel);
        multiply(&p, &a, alone, MAX_LANES);
        ae_panel_pack(wide, kinds[j], 2 * n_lanes, rows, 2 * n_lanes, N_COLS);
        ae_act_tile tile = ae_acts_tile(&a, 0);
        for (int adds = 0; adds < 2; adds++) {
            for (size_t i = 0; i < AE_COUNT(y); i++) y[i] = 3;
            ae_panel both = {.y = y,
                             .y_stride = MAX_LANES,
                             .n_rows = n_lanes,
                             .adds = adds,
                             .w = (char *)wide,
                             .w_lanes = 2 * n_lanes,
                             .w_lane = n_lanes,
                             .ahead = (char *)wide,
                             .x = tile.data,
                             .x_block_bytes = tile.block_bytes,
                             .n_cols = N_COLS};
            k->panel[kinds[j]].multiply(both, N_X);
            for (size_t i = 0; i < N_X; i++)
                for (size_t r = 0; r < n_lanes; r++) {
                    float sum = alone[i * MAX_LANES + r] + (adds ? 3 : 0);
                    assert_true(y[i * MAX_LANES + r] == sum);
                }
        }
    }
    fence_free(&panel);
}

/* Blocks of equal bytes: the largest weights and scales against activations of +-127 and 0. A sum
 * of 8 or 16 bits that saturates shows here. */
static void test_extreme_blocks(void **state)
{
    (void)state;
    enum { N_COLS = 512, N_X = 3 };
    static const unsigned char fills[] = {0x00, 0x7f, 0x80, 0x88, 0xff};
    static const float halves[] = {0, 0x1p-24f, 1, -1, 65504};
    static unsigned char rows[MAX_LANES * MAX_ROW_BYTES];
    static float y[N_X * MAX_LANES], x[N_COLS];
    static _Alignas(64) unsigned char acts[N_X * N_COLS * 4];
    fence panel = fence_new();
    EACH_PANEL_KERNEL(k, j)
    for (size_t c = 0; c < AE_COUNT(fills) * AE_COUNT(halves); c++) {
        const ae_dtype *t = ae_dtype_get(types[j]);
        if (t->block_values == 1) continue;
        product p = {k, types[j], rows, NULL, k->n_lanes, N_COLS};
        memset(rows, fills[c / AE_COUNT(halves)], sizeof rows);
        float d = halves[c % AE_COUNT(halves)];
        for (size_t b = 0; b < k->n_lanes * N_COLS / t->block_values; b++)
            set_scales(types[j], rows + b * t->block_bytes, d, d);
        pack(&p, &panel);
        ae_acts a = {k->panel[types[j]].act, acts, N_X, N_COLS};
        for (size_t i = 0; i < N_X; i++) {
            for (size_t v = 0; v < N_COLS; v++) x[v] = (float)i - 1;
            ae_acts_put(k, &a, i, 0, x, N_COLS);
        }
        multiply(&p, &a, y, MAX_LANES);
        check_exact(&p, &a, y, MAX_LANES);
    }
    fence_free(&panel);
}

/* Every half and every bfloat16 is read exactly: subnormals, infinities and NaN too. Products of
 * bf16 take what is subnormal as zero (AVX512_BF16). */
static void test_every_16_bit_float(void **state)
{
    (void)state;
    static const aeon_type halves[] = {AEON_TYPE_F16, AEON_TYPE_BF16};
    fence panel = fence_new();
    EACH_TABLE(k)
    for (size_t j = 0; j < AE_COUNT(halves); j++) {
        float unit[4], x[2] = {1, 0}, y;
        ae_acts a = {k->panel[halves[j]].act, unit, 1, 2};
        ae_acts_put(k, &a, 0, 0, x, 2);
        for (uint32_t h = 0; h < 65536; h++) {
            const uint16_t row[2] = {(uint16_t)h, 0};
            product p = {k, halves[j], (const unsigned char *)row, NULL, 1, 2};
            float exact;
            ae_dtype_get(halves[j])->to_f32(row, &exact, 1);
            pack(&p, &panel);
            multiply(&p, &a, &y, 1);
            bool is_flushed = a.kind == AE_ACT_BF16 && fabsf(exact) < 0x1p-126f && y == 0;
            assert_true(y == exact || is_flushed || (isnan(y) && isnan(exact)));
        }
    }
    fence_free(&panel);
}

/* A damaged activation is not hidden: its products are NaN, those of its neighbours are not. */
static void test_nan_stays_in_its_row(void **state)
{
    (void)state;
    enum { N_COLS = 256, N_X = 4 };
    static unsigned char rows[MAX_LANES * MAX_ROW_BYTES];
    static _Alignas(64) unsigned char acts[N_X * N_COLS * 4];
    static float y[N_X * MAX_LANES], x[N_COLS];
    fence panel = fence_new();
    uint64_t seed = 3;
    EACH_PANEL_KERNEL(k, j)
    {
        product p = {k, types[j], rows, NULL, k->n_lanes, N_COLS};
        random_rows(&p, rows, &seed);
        pack(&p, &panel);
        ae_acts a = {k->panel[types[j]].act, acts, N_X, N_COLS};
        for (size_t i = 0; i < N_X; i++) {
            random_floats(x, N_COLS, &seed);
            if (i == 2) x[N_COLS - 1] = NAN;
            ae_acts_put(k, &a, i, 0, x, N_COLS);
        }
        multiply(&p, &a, y, MAX_LANES);
        for (size_t i = 0; i < N_X; i++)
            for (size_t r = 0; r < k->n_lanes; r++)
                assert_true(isnan(y[i * MAX_LANES + r]) == (i == 2));
    }
    fence_free(&panel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come_out_as_they_went_in),
        cmocka_unit_test(test_units_stand_side_by_side),
        cmocka_unit_test(test_what_fits_into_panels),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_wide_panels_and_sums),
        cmocka_unit_test(test_extreme_blocks),
        cmocka_unit_test(test_every_16_bit_float),
        cmocka_unit_test(test_nan_stays_in_its_row),
    };
    return cmocka_run_group_tests_name("kernels: panels", tests, NULL, NULL);
}
