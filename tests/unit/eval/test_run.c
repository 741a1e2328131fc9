/* eval/run, eval/score: the same answers on any number of threads, counting, comparing, stopping.
 */
#include "eval/eval.h"

#include "base/mem.h"
#include "check.h"

#include <math.h>
#include <string.h>

static aeon_error err;
static aeon_model *model;
static aeon_suite *suite;

#define TALK(family, question, check)                                                              \
    "{\"family\":\"" family                                                                        \
    "\",\"messages\":[{\"role\":\"system\",\"content\":\"You are AEON.\"},"                        \
    "{\"role\":\"user\",\"content\":\"" question "\"}],\"check\":" check "}\n"
static const char questions[] = TALK("open", "Hello!", "{\"matches\":[\"[a-z]\"]}")
    TALK("open", "Hello", "{\"equals\":[\"never said\"]}")
        TALK("json", "Write JSON.", "{\"json\":1}")
            TALK("open", "What is your name?", "{\"matches\":[\"aeon\"]}")
                TALK("json", "Tell me a joke", "{\"json\":2}");
enum { N_QUESTIONS = 5, N_TOKENS = 12 };

static aeon_eval *run(const aeon_eval_params *p)
{
    aeon_eval *e;
    CHECK_OK(aeon_eval_run(&e, model, suite, p, &err));
    return e;
}

static void check_same(const aeon_eval *a, const aeon_eval *b, size_t n_samples)
{
    for (size_t i = 0; i < N_QUESTIONS * n_samples; i++) {
        aeon_eval_answer x = aeon_eval_answer_get(a, i / n_samples, i % n_samples);
        aeon_eval_answer y = aeon_eval_answer_get(b, i / n_samples, i % n_samples);
        assert_string_equal(x.text, y.text);
        assert_int_equal(x.len, y.len);
        assert_int_equal(x.n_tokens, y.n_tokens);
        assert_int_equal(x.is_right, y.is_right);
    }
}

static void threads_change_nothing(void **state)
{
    (void)state;
    aeon_eval_params p = {.n_threads = 1, .n_max = N_TOKENS};
    for (size_t n_samples = 0; n_samples <= 3; n_samples += 3) {
        p.n_samples = n_samples;
        p.temperature = 1;
        p.n_threads = 1;
        aeon_eval *one = run(&p);
        p.n_threads = 3;
        aeon_eval *three = run(&p);
        check_same(one, three, n_samples ? n_samples : 1);
        aeon_eval_free(one);
        aeon_eval_free(three);
    }
}

static void counts_what_is_right(void **state)
{
    (void)state;
    aeon_eval *e = run(&(aeon_eval_params){.n_max = N_TOKENS, .n_threads = 2});
    aeon_eval_score all = aeon_eval_score_get(e, NULL), open = aeon_eval_score_get(e, "open"),
                    json = aeon_eval_score_get(e, "json"), none = aeon_eval_score_get(e, "none");
    assert_int_equal(all.n, N_QUESTIONS);
    assert_int_equal(open.n, 3);
    assert_int_equal(open.n_json_wanted, 0);
    assert_int_equal(json.n_json_wanted, 2);
    assert_int_equal(all.n_right, open.n_right + json.n_right);
    assert_int_equal(none.n, 0);
    assert_true(aeon_eval_answer_get(e, 0, 0).is_right);
    assert_false(aeon_eval_answer_get(e, 1, 0).is_right);
    size_t n_tokens = 0;
    for (size_t i = 0; i < N_QUESTIONS; i++) {
        aeon_eval_answer a = aeon_eval_answer_get(e, i, 0);
        assert_in_range(a.n_tokens, 1, N_TOKENS);
        n_tokens += a.n_tokens;
    }
    assert_int_equal(all.n_tokens, n_tokens);
    assert_int_equal(all.n_agreed, 0);
    aeon_eval_free(e);
}

static void seeds_and_selections(void **state)
{
    (void)state;
    aeon_eval_params p = {.n_max = N_TOKENS, .n_samples = 2, .temperature = 20, .seed = 1};
    aeon_eval *a = run(&p);
    p.seed = 2;
    aeon_eval *b = run(&p);
    size_t n_same = 0;
    for (size_t i = 0; i < N_QUESTIONS; i++)
        n_same +=
            strcmp(aeon_eval_answer_get(a, i, 0).text, aeon_eval_answer_get(b, i, 0).text) == 0;
    assert_true(n_same < N_QUESTIONS);
    assert_true(aeon_eval_score_get(a, NULL).n_distinct > 1);

    /* A question's samples do not depend on which others are asked. */
    aeon_suite *part;
    aeon_eval *c;
    CHECK_OK(ae_suite_parse(&part, questions, sizeof questions - 1, "part", &err));
    CHECK_OK(aeon_suite_select(part, (const char *[]){"json"}, 1, 0, &err));
    CHECK_OK(aeon_eval_run(&c, model, part, &p, &err));
    assert_string_equal(aeon_eval_answer_get(c, 1, 1).text, aeon_eval_answer_get(b, 4, 1).text);
    aeon_eval_free(a);
    aeon_eval_free(b);
    aeon_eval_free(c);
    aeon_suite_free(part);
}

static void a_model_agrees_with_itself(void **state)
{
    (void)state;
    aeon_eval *e = run(&(aeon_eval_params){.n_max = N_TOKENS, .against = model});
    aeon_eval_score all = aeon_eval_score_get(e, NULL);
    assert_true(all.n_tokens > 0);
    assert_int_equal(all.n_agreed, all.n_tokens);
    aeon_eval_free(e);
}

static bool stop_after_two(void *user, size_t n_answered, size_t n)
{
    (void)user;
    assert_int_equal(n, N_QUESTIONS);
    return n_answered < 2;
}

static void stopping_keeps_what_is_answered(void **state)
{
    (void)state;
    aeon_eval_params p = {.n_max = N_TOKENS, .n_threads = 1, .goes_on = stop_after_two};
    aeon_eval *e = run(&p);
    assert_int_equal(aeon_eval_score_get(e, NULL).n, 2);
    assert_non_null(aeon_eval_answer_get(e, 1, 0).text);
    assert_null(aeon_eval_answer_get(e, 2, 0).text);
    aeon_eval_free(e);
    p.n_max = SIZE_MAX; /* as long as the context */
    e = run(&p);
    assert_int_equal(aeon_eval_score_get(e, NULL).n, 2);
    aeon_eval_free(e);
    p.n_threads = 3; /* the others answer on until the first is asked again, however late */
    e = run(&p);
    assert_in_range(aeon_eval_score_get(e, NULL).n, 2, N_QUESTIONS);
    aeon_eval_free(e);
}

static void wrong_calls_are_refused(void **state)
{
    (void)state;
    aeon_eval *e;
    aeon_eval_params p = {.n_samples = 2, .against = model};
    CHECK_FAILS(aeon_eval_run(&e, model, suite, &p, &err), AEON_INVALID_ARGUMENT);
    p = (aeon_eval_params){.n_samples = 100000};
    CHECK_FAILS(aeon_eval_run(&e, model, suite, &p, &err), AEON_INVALID_ARGUMENT);
    p = (aeon_eval_params){.n_threads = -1};
    CHECK_FAILS(aeon_eval_run(&e, model, suite, &p, &err), AEON_INVALID_ARGUMENT);
    p = (aeon_eval_params){.n_samples = 1, .temperature = NAN};
    CHECK_FAILS(aeon_eval_run(&e, model, suite, &p, &err), AEON_INVALID_ARGUMENT);

    static const char captain[] = "\n{\"family\":\"a\",\"messages\":[{\"role\":\"captain\","
                                  "\"content\":\"x\"}],\"check\":{\"json\":1}}";
    aeon_suite *s;
    CHECK_OK(ae_suite_parse(&s, captain, sizeof captain - 1, "s.jsonl", &err));
    CHECK_FAILS(aeon_eval_run(&e, model, s, NULL, &err), AEON_BAD_FORMAT);
    assert_non_null(strstr(err.text, "s.jsonl:2: "));
    aeon_suite_free(s);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    aeon_suite *s;
    CHECK_OK(ae_suite_parse(&s, questions, sizeof questions - 1, "s.jsonl", &err));
    CHECK_OK(aeon_suite_select(s, NULL, 0, 1, &err));
    size_t before = aeon_memory_stats_get().current_bytes;
    aeon_status status = AEON_OUT_OF_MEMORY;
    for (uint64_t k = 1; status != AEON_OK; k++) {
        aeon_eval *e = NULL;
        aeon_eval_params p = {.n_threads = 1, .n_max = 2, .against = model};
        ae_mem_fail_at(k, false);
        status = aeon_eval_run(&e, model, s, &p, &err);
        ae_mem_fail_at(0, false);
        if (status != AEON_OK) assert_int_equal(status, AEON_OUT_OF_MEMORY);
        aeon_eval_free(e);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
    aeon_suite_free(s);
}

/* ---- scores ---------------------------------------------------------------------------------- */

static void wilson_interval(void **state)
{
    (void)state;
    static const struct {
        size_t n_right, n;
        double low, high;
    } cases[] = {
        {8, 10, 0.4901624715366418, 0.9433178485456247},
        {0, 10, 0, 0.2775327998628892},
        {10, 10, 0.7224672001371106, 1},
        {50, 100, 0.4038315303659957, 0.5961684696340044},
        {1, 1, 0.20654931437723742, 1},
        {297, 300, 0.9710165066376601, 0.9965933815622846},
        {0, 0, 0, 1},
    };
    for (size_t i = 0; i < AE_COUNT(cases); i++) {
        double low, high;
        ae_wilson(cases[i].n_right, cases[i].n, &low, &high);
        assert_true(fabs(low - cases[i].low) < 1e-12 && fabs(high - cases[i].high) < 1e-12);
    }
}

/* Texts of one question's samples, a + before the right ones. */
static aeon_eval_score score_of(const char *const *texts, size_t n)
{
    ae_question q = {0};
    char *family = "a";
    bool is_answered = true;
    ae_answer answers[8] = {0};
    aeon_suite s = {.questions = &q, .n = 1, .families = &family, .n_families = 1};
    aeon_eval e = {.suite = &s, .n_samples = n, .answers = answers, .is_answered = &is_answered};
    for (size_t i = 0; i < n; i++) {
        answers[i].verdict.is_right = texts[i][0] == '+';
        answers[i].text.data = (char *)texts[i] + (texts[i][0] == '+');
        answers[i].text.len = strlen(answers[i].text.data);
    }
    return aeon_eval_score_get(&e, NULL);
}
#define SCORE_OF(...)                                                                              \
    score_of((const char *[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

static void votes_among_samples(void **state)
{
    (void)state;
    aeon_eval_score s =
        SCORE_OF("+1 + 1 = 2\nAnswer: 2", "+Answer: 2", "Answer: 3", "so\nAnswer: 4");
    assert_int_equal(s.n, 4);
    assert_int_equal(s.n_right, 2);
    assert_int_equal(s.n_any_right, 1);
    assert_int_equal(s.n_majority_right, 1);
    assert_true(s.n_distinct == 4);
    s = SCORE_OF("+yes", "no", "no");
    assert_int_equal(s.n_any_right, 1);
    assert_int_equal(s.n_majority_right, 0);
    assert_true(s.n_distinct == 2);
    s = SCORE_OF("no", "+yes"); /* a draw: the first */
    assert_int_equal(s.n_majority_right, 0);
    s = SCORE_OF("", "Answer:", "Answer: 2Answer:");
    assert_int_equal(s.n_any_right, 0);
    assert_true(s.n_distinct == 3);
}

static int begin(void **state)
{
    (void)state;
    CHECK_OK(aeon_model_open(&model, "builtin", NULL, &err));
    CHECK_OK(ae_suite_parse(&suite, questions, sizeof questions - 1, "suite", &err));
    return 0;
}

static int end(void **state)
{
    (void)state;
    aeon_suite_free(suite);
    aeon_model_close(model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(counts_what_is_right),
        cmocka_unit_test(seeds_and_selections),
        cmocka_unit_test(a_model_agrees_with_itself),
        cmocka_unit_test(stopping_keeps_what_is_answered),
        cmocka_unit_test(wrong_calls_are_refused),
        cmocka_unit_test(failed_allocations_leave_nothing),
        cmocka_unit_test(wilson_interval),
        cmocka_unit_test(votes_among_samples),
    };
    return cmocka_run_group_tests_name("run", tests, begin, end);
}
