/* eval/measure: the numbers of one place against their definition, and intervals. */
#include "eval/measure.h"

#include "check.h"

#include <float.h>
#include <math.h>

enum { N = 1000 };

static bool is_near(double a, double b, double relative)
{
    return fabs(a - b) <= relative * fmax(fabs(a), fabs(b));
}

/* ---- one place ------------------------------------------------------------------------------- */

/* The definition, term by term, in long double. */
static void log_softmax(const float *x, size_t n, long double *out)
{
    long double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) top = fmaxl(top, x[i]);
    for (size_t i = 0; i < n; i++) sum += expl(x[i] - top);
    for (size_t i = 0; i < n; i++) out[i] = x[i] - top - logl(sum);
}

static void fill(float *x, float scale, uint64_t seed)
{
    for (size_t i = 0; i < N; i++) x[i] = scale * check_random_float(&seed);
}

/* kl is a difference of sums near 1, so what is promised of it is absolute. */
static void check_definition(const float *q, const float *p, size_t next)
{
    static long double ln_q[N], ln_p[N];
    long double kl = 0;
    log_softmax(q, N, ln_q);
    log_softmax(p, N, ln_p);
    for (size_t i = 0; i < N; i++) kl += expl(ln_p[i]) * (ln_p[i] - ln_q[i]);
    ae_place at = ae_place_of(q, p, N, (int32_t)next),
             alone = ae_place_of(q, NULL, N, (int32_t)next);
    assert_true(is_near(at.loss, (double)-ln_q[next], 1e-12));
    assert_true(is_near(at.reference_loss, (double)-ln_p[next], 1e-12));
    if (!(fabsl(at.kl - kl) <= 1e-14L + 1e-12L * kl))
        fail_msg("%.17g, not %.17g", at.kl, (double)kl);
    assert_true(at.kl > 0);
    assert_true(is_near(alone.loss, at.loss, 1e-13));
}

static void the_definition(void **state)
{
    (void)state;
    static const float scales[] = {0.01f, 1, 10, 60, 500};
    float q[N], p[N];
    for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
        fill(q, scales[k], 2 * k + 1);
        fill(p, scales[k], 2 * k + 2);
        check_definition(q, p, 17 * k);
    }
}

/* Divergences of half floats: a thousandth of a logit apart. */
static void small_differences(void **state)
{
    (void)state;
    float q[N], p[N];
    fill(p, 12, 5);
    for (size_t i = 0; i < N; i++) q[i] = p[i] + (i % 2 ? 1e-3f : -1e-3f);
    check_definition(q, p, 3);
    assert_true(ae_place_of(q, p, N, 3).kl < 1e-6);
}

static void a_model_is_not_far_from_itself(void **state)
{
    (void)state;
    float p[N], q[N];
    fill(p, 30, 7);
    ae_place at = ae_place_of(p, p, N, 1);
    assert_true(at.kl == 0 && at.is_same_top && at.loss == at.reference_loss);
    /* A constant on all logits is no difference; powers of two keep it exact. */
    for (size_t i = 0; i < N; i++) p[i] = rintf(p[i]), q[i] = p[i] + 4096;
    at = ae_place_of(q, p, N, 1);
    assert_true(at.kl == 0 && at.is_same_top && at.loss == at.reference_loss);
}

static void extreme_logits(void **state)
{
    (void)state;
    const float up[] = {FLT_MAX, -FLT_MAX, -1, 0}, down[] = {-FLT_MAX, FLT_MAX, 1, 0};
    ae_place at = ae_place_of(up, up, 4, 0);
    assert_true(at.kl == 0 && at.loss == 0);
    at = ae_place_of(up, down, 4, 0);
    assert_true(at.kl == 2 * (double)FLT_MAX && at.loss == 0);
    assert_true(at.reference_loss == 2 * (double)FLT_MAX);
    assert_false(at.is_same_top);
    const float zeros[8] = {0};
    assert_true(is_near(ae_place_of(zeros, zeros, 8, 5).loss, log(8), 1e-15));
    assert_true(ae_place_of(zeros, NULL, 1, 0).loss == 0); /* a vocabulary of one */
}

/* -inf forbids a token: its probability is 0, and 0 ln 0 is 0. */
static void forbidden_tokens(void **state)
{
    (void)state;
    const float all[] = {1, 2, 3}, two[] = {1, -INFINITY, 3};
    ae_place at = ae_place_of(all, two, 3, 0);
    double p = 1 / (1 + exp(2)), q = 1 / (1 + exp(1) + exp(2));
    assert_true(is_near(at.kl, log(p / q), 1e-14)); /* of both tokens alike */
    at = ae_place_of(two, two, 3, 0);
    assert_true(at.kl == 0 && is_near(at.loss, -log(p), 1e-14));
    at = ae_place_of(two, all, 3, 1);
    assert_true(isinf(at.kl) && at.kl > 0 && isinf(at.loss) && at.loss > 0);
    assert_true(isfinite(at.reference_loss));
}

static void damaged_logits_show(void **state)
{
    (void)state;
    const float good[] = {1, 2, 3};
    const float bad[][3] = {{NAN, 2, 3},     {1, 2, NAN},      {1, INFINITY, 3},
                            {NAN, NAN, NAN}, {INFINITY, 1, 1}, {-INFINITY, -INFINITY, -INFINITY}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_true(isnan(ae_place_of(bad[i], NULL, 3, 0).loss));
        assert_true(isnan(ae_place_of(bad[i], good, 3, 0).loss));
        assert_true(isnan(ae_place_of(good, bad[i], 3, 0).reference_loss));
        assert_true(isnan(ae_place_of(good, bad[i], 3, 0).kl));
        assert_true(isnan(ae_place_of(bad[i], good, 3, 0).kl));
    }
}

static void the_lowest_of_equals_is_the_top(void **state)
{
    (void)state;
    const float tie[] = {0, 5, 5, 1}, first[] = {0, 9, 1, 1}, second[] = {0, 1, 9, 1};
    assert_true(ae_place_of(tie, first, 4, 0).is_same_top);
    assert_true(ae_place_of(first, tie, 4, 0).is_same_top);
    assert_false(ae_place_of(tie, second, 4, 0).is_same_top);
    assert_false(ae_place_of(second, tie, 4, 0).is_same_top);
}

/* ---- estimates ------------------------------------------------------------------------------- */

static void means(void **state)
{
    (void)state;
    const double values[] = {1, 2, 3, 4}, same[] = {7, 7, 7};
    aeon_estimate e = ae_estimate_mean(values, 4);
    assert_true(e.value == 2.5);
    assert_true(is_near(e.high - 2.5, 1.2651513, 1e-6) && is_near(2.5 - e.low, 1.2651513, 1e-6));
    e = ae_estimate_mean(same, 3);
    assert_true(e.value == 7 && e.low == 7 && e.high == 7);
    e = ae_estimate_mean(same, 1); /* one value says nothing of the spread */
    assert_true(e.value == 7 && isinf(e.low) && isinf(e.high) && e.low < 0);
}

/* 0, 1, 2 .. n-1, so that a value is its place. */
static aeon_estimate quantile_of(size_t n, double part)
{
    static double values[N];
    for (size_t i = 0; i < n; i++) values[i] = (double)i;
    return ae_estimate_quantile(values, n, part);
}

static void quantiles(void **state)
{
    (void)state;
    assert_true(quantile_of(5, 0.5).value == 2);
    assert_true(quantile_of(4, 0.5).value == 1.5);
    assert_true(quantile_of(1, 0.99).value == 0);
    assert_true(is_near(quantile_of(1000, 0.99).value, 989.01, 1e-12));
    assert_true(quantile_of(10, 0).value == 0 && quantile_of(10, 1).value == 9);
}

/* The quantile lies between the values of ranks r and s if r <= B < s, B of Binomial(n, part): for
 * the median of 5 that is a chance of 1 - 2/32. */
static void intervals_of_quantiles(void **state)
{
    (void)state;
    aeon_estimate e = quantile_of(5, 0.5);
    assert_true(e.low == 0 && e.high == 4);
    e = quantile_of(3, 0.5);
    assert_true(isinf(e.low) && e.low < 0 && isinf(e.high));
    e = quantile_of(1000, 0.99);
    assert_true(e.low == 983 && e.high == 996);
    e = quantile_of(255, 0.99); /* one window does not bound it */
    assert_true(e.low == 249 && isinf(e.high));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_definition),
        cmocka_unit_test(small_differences),
        cmocka_unit_test(a_model_is_not_far_from_itself),
        cmocka_unit_test(extreme_logits),
        cmocka_unit_test(forbidden_tokens),
        cmocka_unit_test(damaged_logits_show),
        cmocka_unit_test(the_lowest_of_equals_is_the_top),
        cmocka_unit_test(means),
        cmocka_unit_test(quantiles),
        cmocka_unit_test(intervals_of_quantiles),
    };
    return cmocka_run_group_tests_name("measure", tests, NULL, NULL);
}
