/* engine/sampler.c: the order of the cuts, penalties, determinism, and hostile logits. */
#include "aeon/sampler.h"
#include "base/mem.h"
#include "check.h"

#include <math.h>
#include <string.h>

static aeon_error err;

enum { N = 8 };
static const float logits[N] = {1.0f, 3.0f, 2.0f, 0.0f, -1.0f, 2.5f, -5.0f, 0.5f};

static aeon_sampler_params plain(void)
{
    return (aeon_sampler_params){
        .temperature = 1, .top_p = 1, .repeat_penalty = 1, .penalty_window = 4, .seed = 7};
}

static aeon_sampler *make(const aeon_sampler_params *p)
{
    aeon_sampler *s = NULL;
    CHECK_OK(aeon_sampler_new(&s, p, N, &err));
    return s;
}

/* How often each token comes in n draws. */
static void count_draws(const aeon_sampler_params *p, int n, int counts[N])
{
    aeon_sampler *s = make(p);
    for (int i = 0; i < N; i++) counts[i] = 0;
    for (int i = 0; i < n; i++) counts[aeon_sampler_pick(s, logits)]++;
    aeon_sampler_free(s);
}

static void greedy_takes_the_largest_and_the_lowest_id_on_ties(void **state)
{
    (void)state;
    aeon_sampler_params p = plain();
    p.temperature = 0;
    aeon_sampler *s = make(&p);
    assert_int_equal(aeon_sampler_pick(s, logits), 1);
    const float ties[N] = {0, 2, 2, 2, 1, 1, 1, 1};
    assert_int_equal(aeon_sampler_pick(s, ties), 1);
    aeon_sampler_free(s);
}

/* 20,000 draws: each frequency within 5 standard deviations of its probability. */
static void draws_follow_the_softmax(void **state)
{
    (void)state;
    for (int t = 0; t < 2; t++) {
        aeon_sampler_params p = plain();
        p.temperature = t ? 2.0f : 1.0f;
        int counts[N], n = 20000;
        count_draws(&p, n, counts);
        double sum = 0;
        for (int i = 0; i < N; i++) sum += exp((double)logits[i] / (double)p.temperature);
        for (int i = 0; i < N; i++) {
            double q = exp((double)logits[i] / (double)p.temperature) / sum;
            assert_true(fabs(counts[i] - n * q) < 5 * sqrt(n * q * (1 - q)) + 1);
        }
    }
}

static void cuts_keep_what_they_say(void **state)
{
    (void)state;
    int counts[N];
    aeon_sampler_params p = plain();
    p.top_k = 3; /* ids 1, 5, 2 */
    count_draws(&p, 2000, counts);
    assert_true(counts[1] > 0 && counts[5] > 0 && counts[2] > 0);
    assert_int_equal(counts[1] + counts[5] + counts[2], 2000);

    p = plain();
    p.min_p = 0.5f; /* at least exp(3) / 2: ids 1 (3.0) and 5 (2.5) */
    count_draws(&p, 2000, counts);
    assert_true(counts[1] > 0 && counts[5] > 0);
    assert_int_equal(counts[1] + counts[5], 2000);

    p = plain();
    p.top_p = 0.5f; /* p(1) = 0.42, p(5) = 0.26: two tokens reach a half */
    count_draws(&p, 2000, counts);
    assert_int_equal(counts[1] + counts[5], 2000);

    p.top_p = 0; /* always the best */
    count_draws(&p, 100, counts);
    assert_int_equal(counts[1], 100);
}

static void same_seed_same_draws(void **state)
{
    (void)state;
    aeon_sampler_params p = plain();
    aeon_sampler *a = make(&p), *b = make(&p);
    p.seed = 8;
    aeon_sampler *c = make(&p);
    int n_different = 0;
    int32_t first[64];
    for (int i = 0; i < 64; i++) {
        first[i] = aeon_sampler_pick(a, logits);
        assert_int_equal(first[i], aeon_sampler_pick(b, logits));
        n_different += first[i] != aeon_sampler_pick(c, logits);
    }
    assert_true(n_different > 0);
    aeon_sampler_reset(a);
    for (int i = 0; i < 64; i++) assert_int_equal(first[i], aeon_sampler_pick(a, logits));
    aeon_sampler_free(a);
    aeon_sampler_free(b);
    aeon_sampler_free(c);
}

static void penalties_count_the_window_only(void **state)
{
    (void)state;
    aeon_sampler_params p = plain();
    p.temperature = 0;
    p.presence_penalty = 1; /* 3.0 - 1 < 2.5 */
    aeon_sampler *s = make(&p);
    aeon_sampler_accept(s, 1);
    assert_int_equal(aeon_sampler_pick(s, logits), 5);
    for (int i = 0; i < 4; i++) aeon_sampler_accept(s, 6); /* pushes 1 out of the window of 4 */
    assert_int_equal(aeon_sampler_pick(s, logits), 1);
    aeon_sampler_accept(s, -1); /* ids out of range do nothing */
    aeon_sampler_accept(s, N);
    aeon_sampler_free(s);

    p = plain();
    p.temperature = 0;
    p.frequency_penalty = 0.2f; /* one occurrence: 2.8 wins; three: 2.4 loses to 2.5 */
    s = make(&p);
    aeon_sampler_accept(s, 1);
    assert_int_equal(aeon_sampler_pick(s, logits), 1);
    aeon_sampler_accept(s, 1);
    aeon_sampler_accept(s, 1);
    assert_int_equal(aeon_sampler_pick(s, logits), 5);
    aeon_sampler_free(s);

    p = plain();
    p.temperature = 0;
    p.repeat_penalty = 2; /* positive logits are divided, negative ones multiplied */
    s = make(&p);
    aeon_sampler_accept(s, 1);
    aeon_sampler_accept(s, 4);
    assert_int_equal(aeon_sampler_pick(s, logits), 5);
    const float low[N] = {-9, -9, -9, -9, -1, -1.5f, -9, -9};
    assert_int_equal(aeon_sampler_pick(s, low), 5);
    aeon_sampler_free(s);
}

static void bias_can_force_and_forbid(void **state)
{
    (void)state;
    const aeon_logit_bias bias[] = {{1, -INFINITY}, {6, 100}};
    aeon_sampler_params p = plain();
    p.bias = bias;
    p.n_bias = 1;
    int counts[N];
    count_draws(&p, 1000, counts);
    assert_int_equal(counts[1], 0);
    p.n_bias = 2;
    count_draws(&p, 1000, counts);
    assert_int_equal(counts[6], 1000);
}

static void hostile_logits_give_a_valid_id(void **state)
{
    (void)state;
    const float cases[][N] = {
        {NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN},
        {-INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY, -INFINITY},
        {NAN, 1, NAN, NAN, NAN, NAN, NAN, NAN},
        {0, INFINITY, 0, 0, 0, 0, 0, 0},
    };
    /* Opposite infinities are a NaN, which must not win either. */
    const aeon_logit_bias bias[] = {{0, INFINITY}, {0, -INFINITY}, {1, -INFINITY}};
    const int32_t expected[] = {0, 0, 1, 1};
    for (int greedy = 0; greedy < 2; greedy++) {
        aeon_sampler_params p = plain();
        if (greedy) p.temperature = 0;
        aeon_sampler *s = make(&p);
        for (int i = 0; i < 4; i++) assert_int_equal(aeon_sampler_pick(s, cases[i]), expected[i]);
        aeon_sampler_free(s);

        p.bias = bias;
        p.n_bias = 3;
        s = make(&p);
        const float hostile[N] = {-1, INFINITY, -9, 5, -9, -9, -9, -INFINITY};
        for (int i = 0; i < 20; i++) {
            int32_t id = aeon_sampler_pick(s, hostile);
            assert_true(id > 1 && id < N - 1);
        }
        aeon_sampler_free(s);
    }
}

static void bad_params_are_named(void **state)
{
    (void)state;
    aeon_sampler *s = NULL;
    const struct {
        aeon_sampler_params p;
        const char *word;
    } cases[] = {
        {{.temperature = -1, .top_p = 1, .repeat_penalty = 1}, "temperature"},
        {{.temperature = NAN, .top_p = 1, .repeat_penalty = 1}, "temperature"},
        {{.top_k = -1, .top_p = 1, .repeat_penalty = 1}, "top-k"},
        {{.top_p = 1.5f, .repeat_penalty = 1}, "top-p"},
        {{.top_p = 1, .min_p = -0.1f, .repeat_penalty = 1}, "min-p"},
        {{.top_p = 1, .repeat_penalty = 0}, "repeat"},
        {{.top_p = 1, .repeat_penalty = 1, .penalty_window = 1 << 20}, "window"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_FAILS(aeon_sampler_new(&s, &cases[i].p, N, &err), AEON_INVALID_ARGUMENT);
        assert_non_null(strstr(err.text, cases[i].word));
    }
    aeon_sampler_params good = plain();
    CHECK_FAILS(aeon_sampler_new(&s, &good, 0, &err), AEON_INVALID_ARGUMENT);
    const aeon_logit_bias bias = {N, 1};
    aeon_sampler_params p = plain();
    p.bias = &bias;
    p.n_bias = 1;
    CHECK_FAILS(aeon_sampler_new(&s, &p, N, &err), AEON_INVALID_ARGUMENT);
    assert_null(s);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    size_t before = aeon_memory_stats_get().current_bytes;
    aeon_sampler_params p = plain();
    aeon_status status = AEON_OUT_OF_MEMORY;
    for (uint64_t k = 1; status != AEON_OK; k++) {
        aeon_sampler *s = NULL;
        ae_mem_fail_at(k, false);
        status = aeon_sampler_new(&s, &p, N, &err);
        ae_mem_fail_at(0, false);
        assert_true(status == AEON_OK || status == AEON_OUT_OF_MEMORY);
        aeon_sampler_free(s);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_takes_the_largest_and_the_lowest_id_on_ties),
        cmocka_unit_test(draws_follow_the_softmax),
        cmocka_unit_test(cuts_keep_what_they_say),
        cmocka_unit_test(same_seed_same_draws),
        cmocka_unit_test(penalties_count_the_window_only),
        cmocka_unit_test(bias_can_force_and_forbid),
        cmocka_unit_test(hostile_logits_give_a_valid_id),
        cmocka_unit_test(bad_params_are_named),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
