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

/* What takes tokens aside and looks at peaks must pick what plain means pick: the same logits with
 * everything done to them beforehand, and all but the best k gone. */
enum { MANY = 500 }; /* not whole blocks of peaks */

static void change_plainly(float *l, const aeon_sampler_params *p, const int32_t *window, int n)
{
    for (size_t i = 0; i < p->n_bias; i++) l[p->bias[i].id] += p->bias[i].bias;
    for (int id = 0; id < MANY; id++) {
        int count = 0;
        for (int i = 0; i < n; i++) count += window[i] == id;
        if (count == 0) continue;
        l[id] = l[id] > 0 ? l[id] / p->repeat_penalty : l[id] * p->repeat_penalty;
        l[id] -= p->presence_penalty + (float)count * p->frequency_penalty;
    }
}

static void keep_best_plainly(float *l, int k)
{
    static bool kept[MANY];
    memset(kept, 0, sizeof kept);
    for (int n = 0; n < k; n++) {
        int best = -1;
        for (int id = 0; id < MANY; id++)
            if (!kept[id] && (best < 0 || l[id] > l[best])) best = id;
        kept[best] = true;
    }
    for (int id = 0; id < MANY; id++)
        if (!kept[id]) l[id] = -INFINITY;
}

static void peaks_and_changes_alter_no_pick(void **state)
{
    (void)state;
    static const int top_ks[] = {0, 1, 7, 40, MANY - 1, MANY};
    static float l[MANY], plain_l[MANY];
    uint64_t seed = 5;
    for (int round = 0; round < 300; round++) {
        aeon_logit_bias bias[6];
        int32_t window[4];
        aeon_sampler_params p = plain();
        p.seed = (uint64_t)round;
        p.temperature = round % 5 ? 0.5f : 0;
        p.top_k = top_ks[round % 6];
        p.min_p = round % 4 ? 0 : 0.1f;
        p.top_p = round % 7 ? 1 : 0.8f;
        aeon_sampler_params bare = p;
        p.bias = bias;
        p.n_bias = (size_t)(round % 7);
        p.repeat_penalty = round % 2 ? 1.5f : 1;
        p.presence_penalty = round % 3 ? 1 : 0;
        bare.top_k = 0;
        for (int i = 0; i < MANY; i++) { /* few levels: ties are common */
            l[i] = floorf(3 * check_random_float(&seed));
            if (i % 97 == round % 97) l[i] = NAN;
        }
        for (int i = 0; i < 6; i++)
            bias[i] =
                (aeon_logit_bias){(int32_t)(check_random(&seed) % MANY), i % 2 ? 4 : -INFINITY};
        for (int i = 0; i < 4; i++) window[i] = (int32_t)(check_random(&seed) % MANY);

        for (int i = 0; i < MANY; i++) plain_l[i] = isnan(l[i]) ? -INFINITY : l[i];
        change_plainly(plain_l, &p, window, 4);
        if (p.top_k) keep_best_plainly(plain_l, p.top_k);
        aeon_sampler *a = NULL, *b = NULL;
        CHECK_OK(aeon_sampler_new(&a, &p, MANY, &err));
        CHECK_OK(aeon_sampler_new(&b, &bare, MANY, &err));
        for (int i = 0; i < 4; i++) aeon_sampler_accept(a, window[i]);
        for (int i = 0; i < 20; i++)
            assert_int_equal(aeon_sampler_pick(a, l), aeon_sampler_pick(b, plain_l));
        aeon_sampler_free(a);
        aeon_sampler_free(b);
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
        cmocka_unit_test(peaks_and_changes_alter_no_pick),
        cmocka_unit_test(bad_params_are_named),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
