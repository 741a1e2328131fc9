/* The entries that work on rows of activations, each against double precision on fenced memory, for
 * every length from 1 to 300. */
#include "support.h"

enum { MAX_N = 300 };

static const double ULP = 0x1p-24; /* of one rounding, relative */

static fence in_a, in_b, out;

static int open_fences(void **state)
{
    (void)state;
    in_a = fence_new();
    in_b = fence_new();
    out = fence_new();
    return 0;
}

static int close_fences(void **state)
{
    (void)state;
    fence_free(&in_a);
    fence_free(&in_b);
    fence_free(&out);
    return 0;
}

/* n floats that end at the fence, copied from values. */
static float *place_copy(fence *f, const float *values, size_t n)
{
    float *x = fence_place(f, n * sizeof *x, 0);
    memcpy(x, values, n * sizeof *x);
    return x;
}

static void check_near(double y, double exact, double tolerance)
{
    if (!(fabs(y - exact) <= tolerance))
        fail_msg("%.9g, exact %.17g, off by %.3g, allowed %.3g", y, exact, y - exact, tolerance);
}

static void test_add(void **state)
{
    (void)state;
    uint64_t seed = 1;
    float a[MAX_N], b[MAX_N];
    random_floats(a, MAX_N, &seed);
    random_floats(b, MAX_N, &seed);
    EACH_TABLE(k)
    for (size_t n = 0; n <= MAX_N; n++) {
        float *y = place_copy(&out, a, n);
        k->add(y, place_copy(&in_a, b, n), n);
        fence_check(&out);
        for (size_t i = 0; i < n; i++) assert_true(y[i] == a[i] + b[i]);
    }
}

/* The mean has n roundings, their root half of that; the rest is 5 more. */
static void check_rms_norm(const ae_kernels *k, const float *values, const float *weights, size_t n,
                           float eps)
{
    double mean = 0;
    for (size_t i = 0; i < n; i++) mean += (double)values[i] * values[i] / (double)n;
    float *x = place_copy(&in_a, values, n), *w = place_copy(&in_b, weights, n);
    float *y = fence_place(&out, n * sizeof *y, 0);
    k->rms_norm(y, x, w, n, eps);
    fence_check(&out);
    for (size_t i = 0; i < n; i++) {
        double exact = values[i] / sqrt(mean + eps) * weights[i];
        check_near(y[i], exact, ((double)n / 2 + 5) * ULP * fabs(exact));
    }
    k->rms_norm(x, x, w, n, eps); /* in place */
    assert_memory_equal(x, y, n * sizeof *x);
}

static void test_rms_norm(void **state)
{
    (void)state;
    uint64_t seed = 3;
    float values[MAX_N], weights[MAX_N], zeros[MAX_N] = {0};
    random_floats(values, MAX_N, &seed);
    random_floats(weights, MAX_N, &seed);
    EACH_TABLE(k)
    {
        for (size_t n = 1; n <= MAX_N; n++) check_rms_norm(k, values, weights, n, 1e-5f);
        check_rms_norm(k, zeros, weights, MAX_N, 1e-5f);
        for (size_t i = 0; i < MAX_N; i++) zeros[i] = values[i] * 1e15f; /* squares near 1e31 */
        check_rms_norm(k, zeros, weights, MAX_N, 1e-5f);
        memset(zeros, 0, sizeof zeros);
    }
}

/* exp within 1.5e-7 (isa.h); a sum, a quotient and a product are rounded. Beyond -88 exp stays
 * finite where the exact one would not, which leaves less than 1e-36. */
static void check_swiglu(const ae_kernels *k, const float *gates, const float *ups, size_t n)
{
    float *gate = place_copy(&in_a, gates, n), *up = place_copy(&in_b, ups, n);
    float *y = fence_place(&out, n * sizeof *y, 0);
    k->swiglu(y, gate, up, n);
    fence_check(&out);
    for (size_t i = 0; i < n; i++) {
        double g = gates[i], exact = g / (1 + exp(-g)) * ups[i];
        check_near(y[i], exact, (1.5e-7 + 3 * ULP) * fabs(exact) + 1e-36 * fabs((double)ups[i]));
    }
    k->swiglu(gate, gate, up, n);
    assert_memory_equal(gate, y, n * sizeof *y);
    memcpy(gate, gates, n * sizeof *gate);
    k->swiglu(up, gate, up, n);
    assert_memory_equal(up, y, n * sizeof *y);
}

static void test_swiglu(void **state)
{
    (void)state;
    enum { N_POINTS = 100000 };
    uint64_t seed = 4;
    float gate[MAX_N], up[MAX_N];
    EACH_TABLE(k)
    {
        for (size_t n = 0; n <= MAX_N; n++) {
            random_floats(gate, n, &seed);
            random_floats(up, n, &seed);
            check_swiglu(k, gate, up, n);
        }
        for (int i = 0; i < N_POINTS; i += MAX_N) { /* the whole range of exp, densely */
            for (int j = 0; j < MAX_N; j++) {
                gate[j] = (float)(i + j) * (240.0f / N_POINTS) - 120;
                up[j] = 1;
            }
            check_swiglu(k, gate, up, MAX_N);
        }
        float y, nan = NAN;
        k->swiglu(&y, &nan, up, 1);
        assert_true(isnan(y));
    }
}

/* Besides exp: x - max is rounded, which exp turns into a relative error |x - max| times as large;
 * the sum has n roundings. Below e^-87 results are cut to 0. before: the maximum of earlier parts.
 */
static void check_softmax_part(const ae_kernels *k, const float *values, size_t n, float before)
{
    double max = before, sum = 0;
    for (size_t i = 0; i < n; i++) max = values[i] > max ? values[i] : max;
    for (size_t i = 0; i < n; i++) sum += exp(values[i] - max);
    float *x = place_copy(&out, values, n), top = before;
    float x_sum = k->softmax_part(x, n, &top);
    fence_check(&out);
    assert_true(top == (float)max);
    double farthest = 0; /* of those that count */
    for (size_t i = 0; i < n; i++) {
        double exact = exp(values[i] - max);
        double distance = exact > 0 ? max - values[i] : 0;
        if (max - values[i] > 88) assert_true(x[i] == 0);
        if (distance < 88 && distance > farthest) farthest = distance;
        check_near(x[i], exact, (3e-7 + (4 + distance) * ULP) * exact + 1.2e-38);
    }
    check_near(x_sum, sum, (3e-7 + ((double)n + 4 + farthest) * ULP) * sum + 1.2e-38 * (double)n);
}

static void test_softmax_part(void **state)
{
    (void)state;
    uint64_t seed = 5;
    float x[MAX_N];
    EACH_TABLE(k)
    {
        for (size_t n = 1; n <= MAX_N; n++) {
            random_floats(x, n, &seed);
            check_softmax_part(k, x, n, -INFINITY);
            check_softmax_part(k, x, n, 0.25f);
            check_softmax_part(k, x, n, 20);
            for (size_t i = 0; i < n; i++) x[i] = x[i] * 40 - 1000; /* all negative, wide */
            check_softmax_part(k, x, n, -INFINITY);
            check_softmax_part(k, x, n, -990);
            x[n / 2] = 1e4f; /* one takes all */
            check_softmax_part(k, x, n, -990);
            for (size_t i = 0; i < n; i++) x[i] = i == n - 1 ? -5 : -INFINITY; /* masked */
            check_softmax_part(k, x, n, -INFINITY);
        }
        float poisoned[20] = {[17] = NAN}, top = -INFINITY;
        assert_true(isnan(k->softmax_part(poisoned, AE_COUNT(poisoned), &top)));
    }
}

/* ---- activations in 8-bit blocks ------------------------------------------------------------- */

/* What the header promises of a block of finite values that are not all tiny. */
static void check_block(const ae_act_q8 *b, const float *x)
{
    float max = 0;
    int sum[2] = {0}, max_q = 0;
    for (int i = 0; i < AE_ACT_BLOCK; i++) {
        max = fmaxf(max, fabsf(x[i]));
        sum[i / 16] += b->q[i];
        max_q = abs(b->q[i]) > max_q ? abs(b->q[i]) : max_q;
        /* half a step, and 3 roundings of a product up to 127 */
        check_near((double)b->d * b->q[i], x[i], b->d * (0.5 + 127 * 4 * ULP));
    }
    assert_int_equal(b->minus_sum[0], -sum[0]);
    assert_int_equal(b->minus_sum[1], -sum[1]);
    assert_int_equal(max_q, 127);
    assert_true(b->d == max / 127);
}

static void test_quantize_act(void **state)
{
    (void)state;
    uint64_t seed = 6;
    float values[MAX_N];
    ae_act_q8 reference[MAX_N / AE_ACT_BLOCK];
    static const float sizes[] = {1e-30f, 1, 1e30f};
    EACH_TABLE(k)
    for (size_t n = 0; n <= MAX_N; n += AE_ACT_BLOCK)
        for (size_t s = 0; s < AE_COUNT(sizes); s++) {
            random_floats(values, n, &seed);
            for (size_t i = 0; i < n; i++) values[i] *= sizes[s];
            float *x = place_copy(&in_a, values, n);
            size_t n_blocks = n / AE_ACT_BLOCK;
            ae_act_q8 *y = fence_place(&out, n_blocks * sizeof *y, 0);
            k->quantize_act(y, x, n);
            fence_check(&out);
            for (size_t b = 0; b < n_blocks; b++) check_block(y + b, x + b * AE_ACT_BLOCK);
            ae_kernels_find("scalar")->quantize_act(reference, x, n);
            assert_memory_equal(y, reference, n_blocks * sizeof *y);
        }
}

/* Ties go to even; blocks that cannot be scaled are zeros or NaN, as the header says. */
static void test_quantize_act_special(void **state)
{
    (void)state;
    EACH_TABLE(k)
    {
        float x[AE_ACT_BLOCK] = {127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, -127};
        static const int8_t even[AE_ACT_BLOCK] = {127, 0, 2, 2, 0, -2, -2, -127};
        ae_act_q8 y;
        k->quantize_act(&y, x, AE_ACT_BLOCK);
        assert_memory_equal(y.q, even, sizeof even);
        assert_true(y.d == 1 && ae_act_sum(&y) == 0);

        static const int8_t zeros[AE_ACT_BLOCK] = {0};
        static const float tiny[] = {0, -0.0f, 0x1p-149f, 0x1p-126f, 0x1.f7p-120f};
        for (size_t j = 0; j < AE_COUNT(tiny); j++) {
            for (int i = 0; i < AE_ACT_BLOCK; i++) x[i] = i % 2 ? tiny[j] : -tiny[j];
            k->quantize_act(&y, x, AE_ACT_BLOCK);
            assert_true(y.d == 0 && ae_act_sum(&y) == 0);
            assert_memory_equal(y.q, zeros, sizeof zeros);
        }
        static const float bad[] = {INFINITY, -INFINITY, NAN};
        for (size_t j = 0; j < AE_COUNT(bad) * AE_ACT_BLOCK; j++) {
            for (int i = 0; i < AE_ACT_BLOCK; i++) x[i] = 1;
            x[j % AE_ACT_BLOCK] = bad[j / AE_ACT_BLOCK];
            k->quantize_act(&y, x, AE_ACT_BLOCK);
            assert_true(isnan(y.d) && ae_act_sum(&y) == 0);
            assert_memory_equal(y.q, zeros, sizeof zeros);
        }
        float largest[AE_ACT_BLOCK] = {0x1.fffffep127f, -0x1.fffffep127f};
        k->quantize_act(&y, largest, AE_ACT_BLOCK);
        check_block(&y, largest);
    }
}

/* ---- 16-bit floats --------------------------------------------------------------------------- */

typedef struct {
    void (*convert)(const float *x, void *y, size_t n);
    uint16_t (*one)(float x);
    float (*back)(uint16_t h);
} conversion;

static float bf16_back(uint16_t h)
{
    return ae_bf16_to_f32(h);
}

static void check_conversion(const conversion *c, const float *values, size_t n)
{
    float *x = place_copy(&in_a, values, n);
    unsigned char *y = fence_place(&out, n * sizeof(uint16_t), n % 2);
    c->convert(x, y, n);
    fence_check(&out);
    if (n % 2) assert_int_equal(y[n * sizeof(uint16_t)], FENCE_PATTERN);
    for (size_t i = 0; i < n; i++) {
        uint16_t h;
        memcpy(&h, y + i * sizeof h, sizeof h);
        if (h != c->one(values[i]))
            fail_msg("%a becomes %04x, not %04x", (double)values[i], h, c->one(values[i]));
    }
}

/* Every 16-bit value, those just beside the middle to the next one, and every length. */
static void test_conversions(void **state)
{
    (void)state;
    uint64_t seed = 7;
    float values[MAX_N];
    EACH_TABLE(k)
    {
        const conversion kinds[] = {{k->f32_to_f16, ae_f32_to_f16, ae_f16_to_f32},
                                    {k->f32_to_bf16, ae_f32_to_bf16, bf16_back}};
        for (size_t j = 0; j < AE_COUNT(kinds); j++) {
            for (size_t n = 0; n <= MAX_N; n++) {
                for (size_t i = 0; i < n; i++) { /* any bits, NaN among them */
                    uint32_t bits = (uint32_t)check_random(&seed);
                    memcpy(&values[i], &bits, sizeof bits);
                }
                check_conversion(&kinds[j], values, n);
            }
            for (uint32_t h = 0; h < 65535; h++) {
                float here = kinds[j].back((uint16_t)h), next = kinds[j].back((uint16_t)(h + 1));
                float middle = here / 2 + next / 2;
                float edge[] = {here, middle, nextafterf(middle, here), nextafterf(middle, next)};
                check_conversion(&kinds[j], edge, AE_COUNT(edge));
            }
        }
    }
}

/* Rows of blocks that end at the fence, at any address: the bits of the type's own reader. */
static void test_q8_0_to_f32(void **state)
{
    (void)state;
    enum { MAX_BLOCKS = 9 };
    const ae_dtype *t = ae_dtype_get(AEON_TYPE_Q8_0);
    uint64_t seed = 9;
    EACH_TABLE(k)
    for (size_t n = AE_BLOCK; n <= MAX_BLOCKS * AE_BLOCK; n += AE_BLOCK) {
        float expected[MAX_BLOCKS * AE_BLOCK], *y = fence_place(&out, n * sizeof *y, 0);
        void *row = fence_place(&in_a, (size_t)ae_dtype_row_bytes(t, n), 0);
        random_row(t->type, row, n, &seed);
        t->to_f32(row, expected, n);
        k->q8_0_to_f32(row, y, n);
        fence_check(&out);
        assert_memory_equal(y, expected, n * sizeof *y);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add),          cmocka_unit_test(test_rms_norm),
        cmocka_unit_test(test_swiglu),       cmocka_unit_test(test_softmax_part),
        cmocka_unit_test(test_quantize_act), cmocka_unit_test(test_quantize_act_special),
        cmocka_unit_test(test_conversions),  cmocka_unit_test(test_q8_0_to_f32),
    };
    return cmocka_run_group_tests_name("kernels: rows", tests, open_fences, close_fences);
}
