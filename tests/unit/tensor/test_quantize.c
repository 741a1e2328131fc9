/* tensor/quantize.h: how good the rounding is, against exhaustive searches; that importance counts,
 * and that nothing but its own values changes a block. */
#include "check.h"
#include "tensor/blocks.h"
#include "tensor/dtype.h"
#include "tensor/quantize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const aeon_type block_types[] = {AEON_TYPE_Q4_0, AEON_TYPE_Q4_1,   AEON_TYPE_Q5_0,
                                        AEON_TYPE_Q5_1, AEON_TYPE_Q8_0,   AEON_TYPE_Q2_K,
                                        AEON_TYPE_Q3_K, AEON_TYPE_Q4_K,   AEON_TYPE_Q5_K,
                                        AEON_TYPE_Q6_K, AEON_TYPE_IQ4_NL, AEON_TYPE_IQ4_XS};
enum { N_TYPES = sizeof block_types / sizeof *block_types, MAX_ROW_BYTES = 16384 };

#define EACH_TYPE(t)                                                                               \
    for (size_t index = 0; index < N_TYPES; index++)                                               \
        for (const ae_dtype *t = ae_dtype_get(block_types[index]); t; t = NULL)

/* A bell without logarithms, which differ among machines; one value in 64 is ten times as large. */
static float random_weight(uint64_t *seed)
{
    float sum = 0;
    for (int i = 0; i < 4; i++) sum += check_random_float(seed);
    return sum * (check_random(seed) >> 58 ? 0.02f : 0.2f);
}

static void random_weights(float *x, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) x[i] = random_weight(&seed);
}

/* Most are small, some are large: squares of squares. */
static void random_importance(float *w, size_t n, uint64_t seed)
{
    for (size_t i = 0; i < n; i++) {
        float v = check_random_float(&seed);
        w[i] = v * v * v * v;
    }
}

static double error_of(const float *x, const float *y, const float *w, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double r = (double)x[i] - (double)y[i];
        sum += (w ? (double)w[i] : 1.0) * r * r;
    }
    return sum;
}

/* The weighted error of a row under what importance makes of it. */
static double quantized_error(const ae_dtype *t, const float *x, const float *importance,
                              const float *w, size_t n)
{
    unsigned char row[MAX_ROW_BYTES];
    float *y = malloc(n * sizeof *y);
    assert_true(y && ae_dtype_row_bytes(t, n) <= sizeof row);
    ae_quantize_row(t->type, x, importance, row, n);
    t->to_f32(row, y, n);
    double error = error_of(x, y, w, n);
    free(y);
    return error;
}

/* ---- how good it is -------------------------------------------------------------------------- */

static void never_worse_than_plain_rounding(void **state)
{
    (void)state;
    static const aeon_type types[] = {AEON_TYPE_Q4_0, AEON_TYPE_Q8_0};
    enum { N = 32 * 256 };
    float *x = malloc(N * sizeof *x);
    assert_non_null(x);
    random_weights(x, N, 21);
    for (size_t k = 0; k < 2; k++) {
        const ae_dtype *t = ae_dtype_get(types[k]);
        for (size_t begin = 0; begin < N; begin += AE_BLOCK) {
            unsigned char block[64];
            float y[AE_BLOCK];
            t->from_f32(x + begin, block, AE_BLOCK);
            t->to_f32(block, y, AE_BLOCK);
            double plain = error_of(x + begin, y, NULL, AE_BLOCK);
            double ours = quantized_error(t, x + begin, NULL, NULL, AE_BLOCK);
            assert_true(ours <= plain * (1 + 1e-6)); /* sums of other lengths round otherwise */
        }
    }
    free(x);
}

/* Of y = d * level, the least error that any f16 d gives. */
static double best_scale_error(const float *x, const float *w, const float *levels, int n_levels)
{
    double best = INFINITY;
    float largest = 0;
    for (int i = 0; i < AE_BLOCK; i++) largest = fmaxf(largest, fabsf(x[i]));
    float most = fmaxf(fabsf(levels[0]), levels[n_levels - 1]);
    uint16_t first = ae_f32_to_f16(largest / most / 8), last = ae_f32_to_f16(largest / most * 1.5f);
    for (uint32_t h = first; h <= last; h++) {
        for (int sign = -1; sign <= 1; sign += 2) {
            float d = (float)sign * ae_f16_to_f32((uint16_t)h);
            double error = 0;
            for (int i = 0; i < AE_BLOCK; i++) {
                float nearest = INFINITY;
                for (int q = 0; q < n_levels; q++)
                    nearest = fminf(nearest, fabsf(x[i] - d * levels[q]));
                error += (w ? (double)w[i] : 1.0) * (double)nearest * (double)nearest;
            }
            best = fmin(best, error);
        }
    }
    return best;
}

static void scales_are_nearly_the_best(void **state)
{
    (void)state;
    enum { BLOCKS = 8 };
    float x[BLOCKS * AE_BLOCK], w[BLOCKS * AE_BLOCK], levels[16];
    random_weights(x, BLOCKS * AE_BLOCK, 31);
    random_importance(w, BLOCKS * AE_BLOCK, 32);
    for (int is_iq4 = 0; is_iq4 < 2; is_iq4++) {
        const ae_dtype *t = ae_dtype_get(is_iq4 ? AEON_TYPE_IQ4_NL : AEON_TYPE_Q4_0);
        for (int q = 0; q < 16; q++) levels[q] = is_iq4 ? ae_iq4_values[q] : (float)(q - 8);
        for (int is_weighted = 0; is_weighted < 2; is_weighted++) {
            double ours = 0, best = 0;
            for (int k = 0; k < BLOCKS; k++) {
                const float *bx = x + k * AE_BLOCK, *bw = is_weighted ? w + k * AE_BLOCK : NULL;
                ours += quantized_error(t, bx, bw, bw, AE_BLOCK);
                best += best_scale_error(bx, bw, levels, 16);
            }
            double most = is_weighted ? 1.04 : 1.01; /* of squares */
            if (!(ours >= best * 0.9999 && ours <= best * most))
                fail_msg("%s: %g, the best is %g", t->name, ours, best);
        }
    }
}

/* The least error of a group under all scales and minimums that a Q4_K block with this d and dmin
 * may give it. */
static double best_group_error(const float *x, float d, float dmin)
{
    double best = INFINITY;
    for (int scale = 0; scale < 64; scale++) {
        for (int min = 0; min < 64; min++) {
            float step = d * (float)scale, low = dmin * (float)min;
            double error = 0;
            for (int i = 0; i < AE_BLOCK && error < best; i++) {
                float q = step > 0 ? roundf((x[i] + low) / step) : 0;
                float r = x[i] - (step * fminf(fmaxf(q, 0), 15) - low);
                error += (double)r * (double)r;
            }
            best = fmin(best, error);
        }
    }
    return best;
}

static void groups_make_the_most_of_their_superblock(void **state)
{
    (void)state;
    const ae_dtype *t = ae_dtype_get(AEON_TYPE_Q4_K);
    double ours = 0, best = 0;
    for (uint64_t seed = 41; seed < 42; seed++) {
        float x[AE_SUPERBLOCK], y[AE_SUPERBLOCK];
        ae_block_q4_k b;
        random_weights(x, AE_SUPERBLOCK, seed);
        ae_quantize_row(AEON_TYPE_Q4_K, x, NULL, &b, AE_SUPERBLOCK);
        t->to_f32(&b, y, AE_SUPERBLOCK);
        ours += error_of(x, y, NULL, AE_SUPERBLOCK);
        for (int i = 0; i < AE_SUPERBLOCK; i += AE_BLOCK)
            best += best_group_error(x + i, ae_f16_to_f32(b.d), ae_f16_to_f32(b.dmin));
    }
    if (!(ours >= best * 0.9999 && ours <= best * 1.03)) fail_msg("%g, the best is %g", ours, best);
}

/* Relative errors of a bell are known: a type that falls behind these has lost its search. */
static void errors_are_those_of_the_search(void **state)
{
    (void)state;
    static const double most[N_TYPES] = {0.094, 0.078, 0.047,  0.039,  0.0050, 0.27,
                                         0.158, 0.079, 0.0395, 0.0193, 0.086,  0.087};
    enum { N = 4096 };
    float x[N];
    double squares = 0;
    uint64_t seed = 51;
    for (int i = 0; i < N; i++) {
        x[i] = 0;
        for (int k = 0; k < 8; k++) x[i] += check_random_float(&seed);
        squares += (double)x[i] * (double)x[i];
    }
    EACH_TYPE(t)
    {
        double error = sqrt(quantized_error(t, x, NULL, NULL, N) / squares);
        if (!(error < most[index] && error > most[index] * 0.8))
            fail_msg("%s: %.4f of the values", t->name, error);
    }
}

/* ---- importance ------------------------------------------------------------------------------ */

static void importance_lessens_the_error_that_counts(void **state)
{
    (void)state;
    enum { N = 2048 };
    float x[N], w[N], alike[N];
    random_weights(x, N, 61);
    random_importance(w, N, 62);
    for (int i = 0; i < N; i++) alike[i] = 3;
    EACH_TYPE(t)
    {
        double with = quantized_error(t, x, w, w, N), without = quantized_error(t, x, NULL, w, N);
        assert_true(with < 0.9 * without);
        assert_true(quantized_error(t, x, alike, NULL, N) <
                    1.05 * quantized_error(t, x, NULL, NULL, N));
    }
}

static void what_counts_most_is_nearly_exact(void **state)
{
    (void)state;
    enum { N = 2048 };
    float x[N], y[N], w[N];
    unsigned char row[MAX_ROW_BYTES];
    random_weights(x, N, 71);
    EACH_TYPE(t)
    {
        double chosen = 0, chosen_before = 0;
        size_t block = t->block_values;
        ae_quantize_row(t->type, x, NULL, row, N);
        t->to_f32(row, y, N);
        for (size_t i = 0; i < N; i += block) chosen_before += fabs((double)x[i] - (double)y[i]);
        for (size_t i = 0; i < N; i++) w[i] = i % block ? 1 : 1e4f;
        ae_quantize_row(t->type, x, w, row, N);
        t->to_f32(row, y, N);
        for (size_t i = 0; i < N; i += block) chosen += fabs((double)x[i] - (double)y[i]);
        if (!(chosen < 0.4 * chosen_before))
            fail_msg("%s: %g, without importance %g", t->name, chosen, chosen_before);
    }
}

static void no_importance_at_all_is_all_alike(void **state)
{
    (void)state;
    enum { N = 512 };
    float x[N], w[N] = {0};
    random_weights(x, N, 81);
    EACH_TYPE(t)
    {
        double without = quantized_error(t, x, NULL, NULL, N);
        assert_true(quantized_error(t, x, w, NULL, N) < 1.05 * without);
        /* A block, or a group, that never counts still gets levels near its values. */
        for (int i = 0; i < N; i++) w[i] = i < 16 ? 1 : 0;
        assert_true(quantized_error(t, x, w, NULL, N) < 3 * without);
        memset(w, 0, sizeof w);
    }
}

/* ---- the same bytes -------------------------------------------------------------------------- */

static uint32_t hash_of(const unsigned char *bytes, size_t n)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < n; i++) hash = (hash ^ bytes[i]) * 16777619u;
    return hash;
}

/* Every instruction set and compiler finds these; they change only with the search. */
static void bytes_are_the_same_on_every_machine(void **state)
{
    (void)state;
    static const uint32_t plain[N_TYPES] = {0xa27461e3, 0x492088dd, 0x94e17c67, 0xb0a9d8a2,
                                            0x90931c1c, 0xcb04b20a, 0x5bf80415, 0xdd36d8b6,
                                            0x30269035, 0x9781ba7f, 0xee9ed201, 0x6117229d};
    static const uint32_t weighted[N_TYPES] = {0x18fd73e0, 0xb7c323b7, 0x861d046e, 0x37e3731f,
                                               0xfb58aeaa, 0x7c534280, 0xb126e871, 0x022e9de3,
                                               0x1c46e003, 0x1699fa81, 0x32f81a3e, 0x305ec6fc};
    enum { N = 2048 };
    float x[N], w[N];
    unsigned char row[MAX_ROW_BYTES];
    random_weights(x, N, 91);
    random_importance(w, N, 92);
    EACH_TYPE(t)
    {
        size_t size = (size_t)ae_dtype_row_bytes(t, N);
        ae_quantize_row(t->type, x, NULL, row, N);
        uint32_t found = hash_of(row, size);
        if (found != plain[index]) fail_msg("%s: 0x%08x", t->name, found);
        ae_quantize_row(t->type, x, w, row, N);
        found = hash_of(row, size);
        if (found != weighted[index]) fail_msg("%s with importance: 0x%08x", t->name, found);
    }
}

/* However a row is cut into pieces, its blocks stay the same; and so do the bytes around it. */
static void a_block_depends_on_its_values_alone(void **state)
{
    (void)state;
    enum { N = 19 * AE_SUPERBLOCK, GUARD = 32 };
    float x[N], w[N];
    unsigned char whole[MAX_ROW_BYTES], pieces[GUARD + MAX_ROW_BYTES / 2 + GUARD];
    random_weights(x, N, 101);
    random_importance(w, N, 102);
    EACH_TYPE(t)
    {
        size_t size = (size_t)ae_dtype_row_bytes(t, N), block = t->block_values, n_blocks = 1;
        assert_true(size <= MAX_ROW_BYTES / 2);
        ae_quantize_row(t->type, x, w, whole, N);
        memset(pieces, 0xA5, sizeof pieces);
        for (size_t at = 0; at < N; at += n_blocks * block, n_blocks = n_blocks % 5 + 1) {
            if (at + n_blocks * block > N) n_blocks = (N - at) / block;
            ae_quantize_row(t->type, x + at, w + at, pieces + GUARD + ae_dtype_row_bytes(t, at),
                            n_blocks * block);
        }
        assert_memory_equal(pieces + GUARD, whole, size);
        for (size_t i = 0; i < GUARD; i++) {
            assert_int_equal(pieces[i], 0xA5);
            assert_int_equal(pieces[GUARD + size + i], 0xA5);
        }
    }
}

/* What a type can say, its search finds again. */
static void quantized_values_stay_what_they_are(void **state)
{
    (void)state;
    static const aeon_type types[] = {AEON_TYPE_Q4_0, AEON_TYPE_Q5_0, AEON_TYPE_Q8_0,
                                      AEON_TYPE_IQ4_NL};
    enum { N = 2048 };
    float x[N], y[N];
    unsigned char row[MAX_ROW_BYTES];
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        const ae_dtype *t = ae_dtype_get(types[k]);
        random_weights(x, N, 111);
        ae_quantize_row(t->type, x, NULL, row, N);
        t->to_f32(row, x, N);
        ae_quantize_row(t->type, x, NULL, row, N);
        t->to_f32(row, y, N);
        int n_changed = 0;
        for (int i = 0; i < N; i++) n_changed += !(x[i] == y[i]);
        if (n_changed) fail_msg("%s: %d of %d values changed", t->name, n_changed, N);
    }
}

/* ---- strange values -------------------------------------------------------------------------- */

static void zeros_stay_zero(void **state)
{
    (void)state;
    float x[2 * AE_SUPERBLOCK] = {0}, y[2 * AE_SUPERBLOCK], w[2 * AE_SUPERBLOCK];
    unsigned char row[MAX_ROW_BYTES];
    random_importance(w, 2 * AE_SUPERBLOCK, 121);
    EACH_TYPE(t)
    {
        for (int is_weighted = 0; is_weighted < 2; is_weighted++) {
            memset(row, 0xff, sizeof row);
            ae_quantize_row(t->type, x, is_weighted ? w : NULL, row, 2 * AE_SUPERBLOCK);
            t->to_f32(row, y, 2 * AE_SUPERBLOCK);
            for (int i = 0; i < 2 * AE_SUPERBLOCK; i++) assert_true(y[i] == 0);
            for (size_t i = 0; t->type == AEON_TYPE_Q8_0 && i < ae_dtype_row_bytes(t, AE_BLOCK);
                 i++)
                assert_int_equal(row[i], 0); /* zero is stored as zero times zero */
        }
    }
}

/* One scale: exact where a half can say it; two factors: as near as a half is. */
static void constants_are_kept(void **state)
{
    (void)state;
    static const float constants[] = {1, -1, 0.15625f, -3.5f, 1000, 0x1p-20f};
    unsigned char row[MAX_ROW_BYTES];
    float x[AE_SUPERBLOCK], y[AE_SUPERBLOCK];
    EACH_TYPE(t)
    {
        for (size_t k = 0; k < sizeof constants / sizeof *constants; k++) {
            float c = constants[k];
            for (int i = 0; i < AE_SUPERBLOCK; i++) x[i] = c;
            ae_quantize_row(t->type, x, NULL, row, AE_SUPERBLOCK);
            t->to_f32(row, y, AE_SUPERBLOCK);
            bool is_exact = t->type == AEON_TYPE_Q4_0 || t->type == AEON_TYPE_Q4_1 ||
                            t->type == AEON_TYPE_Q5_0 || t->type == AEON_TYPE_Q5_1;
            float most = is_exact ? 0 : fmaxf(fabsf(c) * 0x1p-10f, 0x1p-18f);
            for (int i = 0; i < AE_SUPERBLOCK; i++)
                if (!(fabsf(y[i] - c) <= most))
                    fail_msg("%s: %g became %g", t->name, (double)c, (double)y[i]);
        }
    }
}

/* The undefined-behaviour sanitizer watches the conversions. */
static void strange_values_spoil_their_block_alone(void **state)
{
    (void)state;
    static const float strange[] = {INFINITY, -INFINITY, NAN,      3.4e38f, -3.4e38f,
                                    1e-45f,   1.2e-38f,  65520.0f, 1e-7f,   6e-8f};
    enum { N = 4 * AE_SUPERBLOCK };
    float clean[N], x[N], y[N], w[N];
    unsigned char clean_row[MAX_ROW_BYTES], row[MAX_ROW_BYTES];
    random_weights(clean, N, 131);
    EACH_TYPE(t)
    {
        size_t block = t->block_values, size = (size_t)ae_dtype_row_bytes(t, N);
        ae_quantize_row(t->type, clean, NULL, clean_row, N);
        for (size_t s = 0; s < sizeof strange / sizeof *strange; s++) {
            memcpy(x, clean, sizeof x);
            for (size_t i = 0; i < block; i++) x[i] = i % 3 ? strange[s] : i % 2 ? -strange[s] : 0;
            ae_quantize_row(t->type, x, NULL, row, N);
            assert_memory_equal(row + t->block_bytes, clean_row + t->block_bytes,
                                size - t->block_bytes);
            t->to_f32(row, y, N);
            for (int i = 0; i < N; i++) assert_true(isfinite(y[i]));
            for (int i = 0; i < N; i++) w[i] = i % 7 ? fabsf(strange[s]) : 1;
            ae_quantize_row(t->type, clean, w, row, N);
            t->to_f32(row, y, N);
            for (int i = 0; i < N; i++) assert_true(isfinite(y[i]));
        }
    }
}

static void what_is_no_number_counts_as_zero(void **state)
{
    (void)state;
    float x[AE_SUPERBLOCK], w[AE_SUPERBLOCK];
    unsigned char row[MAX_ROW_BYTES], expected[MAX_ROW_BYTES];
    random_weights(x, AE_SUPERBLOCK, 161);
    random_importance(w, AE_SUPERBLOCK, 162);
    EACH_TYPE(t)
    {
        size_t size = (size_t)ae_dtype_row_bytes(t, AE_SUPERBLOCK);
        x[5] = w[7] = 0;
        ae_quantize_row(t->type, x, w, expected, AE_SUPERBLOCK);
        x[5] = w[7] = NAN;
        ae_quantize_row(t->type, x, w, row, AE_SUPERBLOCK);
        assert_memory_equal(row, expected, size);
    }
}

static void what_is_too_large_becomes_the_largest(void **state)
{
    (void)state;
    float x[AE_SUPERBLOCK], y[AE_SUPERBLOCK];
    unsigned char row[MAX_ROW_BYTES];
    random_weights(x, AE_SUPERBLOCK, 171);
    EACH_TYPE(t)
    {
        for (int sign = -1; sign <= 1; sign += 2) {
            x[9] = (float)sign * INFINITY;
            ae_quantize_row(t->type, x, NULL, row, AE_SUPERBLOCK);
            t->to_f32(row, y, AE_SUPERBLOCK);
            if (!(isfinite(y[9]) && y[9] * (float)sign > 60000))
                fail_msg("%s: infinity became %g", t->name, (double)y[9]);
        }
    }
}

/* Scales below the halves' normal numbers: off by half a step of the scale for each level. */
static void tiny_values_are_kept_as_far_as_halves_go(void **state)
{
    (void)state;
    enum { N = 512 };
    float x[N], y[N];
    unsigned char row[MAX_ROW_BYTES];
    random_weights(x, N, 141);
    for (int i = 0; i < N; i++) x[i] *= 0x1p-14f;
    ae_quantize_row(AEON_TYPE_Q8_0, x, NULL, row, N);
    ae_dtype_get(AEON_TYPE_Q8_0)->to_f32(row, y, N);
    for (int i = 0; i < N; i++) assert_true(fabsf(x[i] - y[i]) <= 6 * 0x1p-24f);
}

static void float_types_are_what_from_f32_writes(void **state)
{
    (void)state;
    static const aeon_type types[] = {AEON_TYPE_F32, AEON_TYPE_F16, AEON_TYPE_BF16};
    float x[37];
    unsigned char row[sizeof x], expected[sizeof x];
    random_weights(x, 37, 151);
    for (size_t k = 0; k < 3; k++) {
        const ae_dtype *t = ae_dtype_get(types[k]);
        assert_true(ae_quantize_has(t->type));
        ae_quantize_row(t->type, x, NULL, row, 37);
        t->from_f32(x, expected, 37);
        assert_memory_equal(row, expected, (size_t)ae_dtype_row_bytes(t, 37));
    }
    EACH_TYPE(t) assert_true(ae_quantize_has(t->type));
    assert_false(ae_quantize_has(AEON_TYPE_MLX4_64_F16));
    assert_false(ae_quantize_has((aeon_type)AEON_TYPE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(never_worse_than_plain_rounding),
        cmocka_unit_test(scales_are_nearly_the_best),
        cmocka_unit_test(groups_make_the_most_of_their_superblock),
        cmocka_unit_test(errors_are_those_of_the_search),
        cmocka_unit_test(importance_lessens_the_error_that_counts),
        cmocka_unit_test(what_counts_most_is_nearly_exact),
        cmocka_unit_test(no_importance_at_all_is_all_alike),
        cmocka_unit_test(bytes_are_the_same_on_every_machine),
        cmocka_unit_test(a_block_depends_on_its_values_alone),
        cmocka_unit_test(quantized_values_stay_what_they_are),
        cmocka_unit_test(zeros_stay_zero),
        cmocka_unit_test(constants_are_kept),
        cmocka_unit_test(strange_values_spoil_their_block_alone),
        cmocka_unit_test(what_is_no_number_counts_as_zero),
        cmocka_unit_test(what_is_too_large_becomes_the_largest),
        cmocka_unit_test(tiny_values_are_kept_as_far_as_halves_go),
        cmocka_unit_test(float_types_are_what_from_f32_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
