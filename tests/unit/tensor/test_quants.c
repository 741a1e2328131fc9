/* tensor/: rows of every type against an independent reader (tests/oracle_quants.py), at any
 * address, within their bounds, and with values no model should hold. */
#include "check.h"
#include "tensor/blocks.h"
#include "tensor/dtype.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Everything that the oracle prints for these arguments: exactly size bytes, on the heap. */
static unsigned char *ask_oracle(const char *direction, const char *type, int count, size_t size)
{
    char command[512];
    snprintf(command, sizeof command, "python3 '%s/tests/oracle_quants.py' %s %s %d 7",
             AEON_SOURCE_DIR, direction, type, count);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    unsigned char *out = malloc(size + 1);
    assert_non_null(out);
    size_t n = fread(out, 1, size + 1, pipe);
    assert_int_equal(pclose(pipe), 0);
    assert_int_equal(n, size);
    return out;
}

enum { GUARD = 64, GUARD_BYTE = 0xA5 };

static void assert_guard(const unsigned char *guard)
{
    for (int i = 0; i < GUARD; i++) assert_int_equal(guard[i], GUARD_BYTE);
}

/* Read a row of n values at every offset from alignment; the block's last byte is the last byte of
 * its allocation, so that a sanitizer sees any read beyond it. */
static void check_read(const ae_dtype *t, const unsigned char *row, const float *expected, size_t n)
{
    size_t row_bytes = (size_t)ae_dtype_row_bytes(t, n);
    unsigned char *y = malloc(n * sizeof(float) + 2 * GUARD);
    assert_non_null(y);
    for (size_t offset = 0; offset < 4; offset++) {
        unsigned char *x = malloc(offset + row_bytes);
        assert_non_null(x);
        memcpy(x + offset, row, row_bytes);
        memset(y, GUARD_BYTE, n * sizeof(float) + 2 * GUARD);
        t->to_f32(x + offset, (float *)(y + GUARD), n);
        assert_memory_equal(y + GUARD, expected, n * sizeof(float));
        assert_guard(y);
        assert_guard(y + GUARD + n * sizeof(float));
        free(x);
    }
    free(y);
}

static void every_type_reads_as_the_oracle_does(void **state)
{
    (void)state;
    enum { COUNT = 40, ROW_BLOCKS = 3 };
    size_t n_types = 0;
    for (uint32_t type = 0; type < AEON_TYPE_MAX; type++) {
        const ae_dtype *t = ae_dtype_find(type);
        if (!t || t->block_values == 1) continue;
        size_t values_bytes = t->block_values * sizeof(float),
               record = t->block_bytes + values_bytes;
        unsigned char *vectors = ask_oracle("to", t->name, COUNT, COUNT * record);
        unsigned char *row = malloc(COUNT * t->block_bytes);
        float *expected = malloc(COUNT * values_bytes);
        assert_true(row && expected);
        for (size_t i = 0; i < COUNT; i++) {
            memcpy(row + i * t->block_bytes, vectors + i * record, t->block_bytes);
            memcpy(expected + i * t->block_values, vectors + i * record + t->block_bytes,
                   values_bytes);
        }
        check_read(t, row, expected, COUNT * t->block_values);
        for (size_t i = 0; i < COUNT - ROW_BLOCKS; i++)
            check_read(t, row + i * t->block_bytes, expected + i * t->block_values,
                       (i % ROW_BLOCKS + 1) * t->block_values);
        check_read(t, row, expected, 0);
        free(expected);
        free(row);
        free(vectors);
        n_types++;
    }
    assert_int_equal(n_types, 23);
}

static void float_rows_at_any_address(void **state)
{
    (void)state;
    static const aeon_type types[] = {AEON_TYPE_F32, AEON_TYPE_F16, AEON_TYPE_BF16};
    enum { N = 37 };
    uint64_t seed = 5;
    for (size_t k = 0; k < 3; k++) {
        const ae_dtype *t = ae_dtype_get(types[k]);
        float x[N], expected[N];
        unsigned char row[1 + N * sizeof(float) + GUARD];
        for (int i = 0; i < N; i++) {
            x[i] = 100 * check_random_float(&seed);
            expected[i] = types[k] == AEON_TYPE_F32   ? x[i]
                          : types[k] == AEON_TYPE_F16 ? ae_f16_to_f32(ae_f32_to_f16(x[i]))
                                                      : ae_bf16_to_f32(ae_f32_to_bf16(x[i]));
        }
        memset(row, GUARD_BYTE, sizeof row);
        t->from_f32(x, row + 1, N);
        assert_int_equal(row[0], GUARD_BYTE);
        assert_guard(row + 1 + ae_dtype_row_bytes(t, N));
        check_read(t, row + 1, expected, N);
    }
}

static void quantizers_write_as_the_oracle_does(void **state)
{
    (void)state;
    static const aeon_type types[] = {AEON_TYPE_Q4_0, AEON_TYPE_Q8_0};
    enum { COUNT = 400 };
    for (size_t k = 0; k < 2; k++) {
        const ae_dtype *t = ae_dtype_get(types[k]);
        size_t values_bytes = AE_BLOCK * sizeof(float), record = values_bytes + t->block_bytes;
        unsigned char *vectors = ask_oracle("from", t->name, COUNT, COUNT * record);
        float *x = malloc(COUNT * values_bytes);
        unsigned char *row = malloc(1 + COUNT * t->block_bytes + GUARD);
        assert_true(x && row);
        for (size_t i = 0; i < COUNT; i++)
            memcpy(x + i * AE_BLOCK, vectors + i * record, values_bytes);
        memset(row, GUARD_BYTE, 1 + COUNT * t->block_bytes + GUARD);
        t->from_f32(x, row + 1, COUNT * AE_BLOCK);
        for (size_t i = 0; i < COUNT; i++)
            assert_memory_equal(row + 1 + i * t->block_bytes, vectors + i * record + values_bytes,
                                t->block_bytes);
        assert_int_equal(row[0], GUARD_BYTE);
        assert_guard(row + 1 + COUNT * t->block_bytes);
        free(row);
        free(x);
        free(vectors);
    }
}

/* A value is off by half a step, plus the rounding of the scale to f16: 2^-11 of the value, or half
 * the distance of subnormal scales. Only Q4_0 lacks a level at the short end of its range, where a
 * whole step may be lost. */
static void quantized_values_stay_close(void **state)
{
    (void)state;
    enum { N = 32 * 1024 };
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    unsigned char *row = malloc(N * 2);
    assert_true(x && y && row);
    uint64_t seed = 11;
    for (int i = 0; i < N; i++)
        x[i] = check_random_float(&seed) * ldexpf(1, i / AE_BLOCK % 20 - 10);

    static const struct {
        aeon_type type;
        float levels; /* the largest magnitude is this many steps */
    } cases[] = {{AEON_TYPE_Q4_0, 8}, {AEON_TYPE_Q8_0, 127}};
    for (size_t k = 0; k < 2; k++) {
        const ae_dtype *t = ae_dtype_get(cases[k].type);
        t->from_f32(x, row, N);
        t->to_f32(row, y, N);
        for (int begin = 0; begin < N; begin += AE_BLOCK) {
            float extreme = 0;
            for (int i = begin; i < begin + AE_BLOCK; i++)
                if (fabsf(x[i]) > fabsf(extreme)) extreme = x[i];
            float step = fabsf(extreme) / cases[k].levels;
            for (int i = begin; i < begin + AE_BLOCK; i++) {
                bool is_short_end = t->type == AEON_TYPE_Q4_0 && x[i] / extreme < -7.5f / 8;
                float bound = step * (is_short_end ? 1.0f : 0.50001f);
                bound += fmaxf(fabsf(x[i]) * 0x1p-11f, 0x1p-25f * cases[k].levels) * 1.01f;
                assert_true(fabsf(x[i] - y[i]) <= bound);
            }
        }
    }
    free(row);
    free(y);
    free(x);
}

/* Half a step of 15 or 255 over the range of the group, or a whole one: the end that is nearer to
 * zero may be cut where the step was made to meet zero. Scale and bias are rounded besides: 2^-11
 * or, as bf16, 2^-8 of themselves, the scale times the level. */
static void affine_values_stay_close(void **state)
{
    (void)state;
    enum { N = 128 * 256 };
    float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
    unsigned char *row = malloc(N * 2);
    assert_true(x && y && row);
    uint64_t seed = 12;
    for (int i = 0; i < N; i++)
        x[i] =
            (check_random_float(&seed) + (float)(i / 128 % 3 - 1)) * ldexpf(1, i / 128 % 20 - 10);
    for (uint32_t type = AEON_TYPE_MLX4_32_BF16; type <= AEON_TYPE_MLX8_128_BF16; type++) {
        const ae_dtype *t = ae_dtype_get((aeon_type)type);
        int group = (int)t->block_values;
        float top = strncmp(t->name, "mlx4", 4) == 0 ? 15 : 255;
        float rounding = strstr(t->name, "_bf16") ? 0x1p-8f : 0x1p-11f;
        t->from_f32(x, row, N);
        t->to_f32(row, y, N);
        for (int begin = 0; begin < N; begin += group) {
            float low = x[begin], high = x[begin];
            for (int i = begin; i < begin + group; i++) {
                low = fminf(low, x[i]);
                high = fmaxf(high, x[i]);
            }
            float most = fmaxf(fabsf(low), fabsf(high));
            float bound = (high - low) / top + 3 * rounding * (most + high - low);
            for (int i = begin; i < begin + group; i++) assert_true(fabsf(x[i] - y[i]) <= bound);
        }
    }
    free(row);
    free(y);
    free(x);
}

static void zero_rows_stay_zero(void **state)
{
    (void)state;
    static const aeon_type types[] = {AEON_TYPE_F32,         AEON_TYPE_F16,  AEON_TYPE_BF16,
                                      AEON_TYPE_Q4_0,        AEON_TYPE_Q8_0, AEON_TYPE_MLX4_64_F16,
                                      AEON_TYPE_MLX8_32_BF16};
    for (size_t k = 0; k < AE_COUNT(types); k++) {
        float x[64] = {0}, y[64];
        unsigned char row[256];
        memset(row, 0xff, sizeof row);
        memset(y, 0xff, sizeof y);
        ae_dtype_get(types[k])->from_f32(x, row, 64);
        ae_dtype_get(types[k])->to_f32(row, y, 64);
        for (int i = 0; i < 64; i++) assert_true(y[i] == 0);
    }
}

/* Nothing is promised about the values of such a block, but its neighbours are not touched by it;
 * the undefined-behaviour sanitizer watches the conversions. */
static void strange_values_spoil_their_block_alone(void **state)
{
    (void)state;
    static const float strange[] = {INFINITY, -INFINITY, NAN,      3.4e38f,  -3.4e38f,
                                    1e-45f,   -1e-45f,   1.2e-38f, 65520.0f, 1e-7f};
    static const aeon_type types[] = {AEON_TYPE_Q4_0, AEON_TYPE_Q8_0, AEON_TYPE_MLX4_32_BF16,
                                      AEON_TYPE_MLX8_32_F16};
    for (size_t k = 0; k < AE_COUNT(types); k++) {
        const ae_dtype *t = ae_dtype_get(types[k]);
        for (size_t s = 0; s < sizeof strange / sizeof *strange; s++) {
            float clean[2 * AE_BLOCK], x[2 * AE_BLOCK], y[2 * AE_BLOCK];
            unsigned char clean_row[128], row[128]; /* of two blocks */
            for (int i = 0; i < 2 * AE_BLOCK; i++) clean[i] = x[i] = i < AE_BLOCK ? 0 : (float)i;
            x[3] = strange[s];
            x[4] = -strange[s];
            t->from_f32(clean, clean_row, 2 * AE_BLOCK);
            t->from_f32(x, row, 2 * AE_BLOCK);
            assert_memory_equal(row + t->block_bytes, clean_row + t->block_bytes, t->block_bytes);
            t->to_f32(row, y, 2 * AE_BLOCK);
            for (int i = 0; i < AE_BLOCK; i++)
                if (fabsf(strange[s]) <= 65504) assert_true(isfinite(y[i]));
        }
        float x[AE_BLOCK], y[AE_BLOCK];
        unsigned char row[64];
        for (int i = 0; i < AE_BLOCK; i++) x[i] = i % 2 ? NAN : -INFINITY;
        t->from_f32(x, row, AE_BLOCK);
        t->to_f32(row, y, AE_BLOCK);
    }
}

static void scales_of_k_blocks_unpack(void **state)
{
    (void)state;
    /* Pack known numbers by the tables of blocks.h, unpack them again. */
    for (int round = 0; round < 64; round++) {
        uint8_t packed[AE_K_SCALES] = {0}, scale[8], min[8];
        for (int j = 0; j < 4; j++) {
            int s = (round + 5 * j) & 63, m = (round * 3 + j) & 63;
            int s4 = (round * 7 + j) & 63, m4 = (round * 11 + 2 * j) & 63;
            packed[j] = (uint8_t)(s | s4 >> 4 << 6);
            packed[j + 4] = (uint8_t)(m | m4 >> 4 << 6);
            packed[j + 8] = (uint8_t)((s4 & 15) | (m4 & 15) << 4);
        }
        ae_k_scales(packed, scale, min);
        for (int j = 0; j < 4; j++) {
            assert_int_equal(scale[j], (round + 5 * j) & 63);
            assert_int_equal(min[j], (round * 3 + j) & 63);
            assert_int_equal(scale[j + 4], (round * 7 + j) & 63);
            assert_int_equal(min[j + 4], (round * 11 + 2 * j) & 63);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_reads_as_the_oracle_does),
        cmocka_unit_test(float_rows_at_any_address),
        cmocka_unit_test(quantizers_write_as_the_oracle_does),
        cmocka_unit_test(quantized_values_stay_close),
        cmocka_unit_test(affine_values_stay_close),
        cmocka_unit_test(zero_rows_stay_zero),
        cmocka_unit_test(strange_values_spoil_their_block_alone),
        cmocka_unit_test(scales_of_k_blocks_unpack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
