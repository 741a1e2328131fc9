/* engine/pace.c against machines that are made up: the time that speakers have to wait follows what
 * tokens of a prompt cost, a prompt always gets on, and a bad moment is forgotten. */
#include "check.h"
#include "engine/pace.h"

/* A step takes speak_s, and so much for each token of a prompt. */
typedef struct {
    double speak_s, token_s;
} machine;

typedef struct {
    size_t n_tokens, n_alone, n_late; /* late: steps of more than a tenth above the patience */
    double worst;                     /* the longest step, over a step without the prompt */
} outcome;

static outcome run(ae_pace *p, machine m, size_t n_steps)
{
    outcome o = {0};
    for (size_t i = 0; i < n_steps; i++) {
        size_t n = ae_pace_room(p, 1);
        double took_s = m.speak_s + m.token_s * (double)n, ratio = took_s / m.speak_s;
        ae_pace_learn(p, 1, n, took_s);
        o.n_tokens += n;
        o.n_alone += n == 0;
        o.n_late += ratio > 1.1 * AE_PACE_PATIENCE;
        if (ratio > o.worst) o.worst = ratio;
    }
    return o;
}

static void prompts_take_what_is_spare(void **state)
{
    (void)state;
    ae_pace p = {0};
    run(&p, (machine){1e-3, 0.99e-4}, 20);
    assert_int_equal(ae_pace_room(&p, 1), 10); /* ten tokens take as long as the speaker */
    outcome o = run(&p, (machine){1e-3, 0.99e-4}, 640);
    assert_int_equal(o.n_late, 0);
    assert_in_range(o.n_alone, 9, 11);
    assert_true(o.n_tokens > 9 * 625);
}

static void a_prompt_gets_on_however_dear(void **state)
{
    (void)state;
    ae_pace p = {0};
    outcome o = run(&p, (machine){1e-3, 1}, 640);
    assert_int_equal(o.n_tokens, 640 - o.n_alone);
    assert_in_range(o.n_alone, 10, 11);
}

/* Tokens that become ten times dearer are late once; the first step of all is the smallest. */
static void dearer_tokens_count_at_once(void **state)
{
    (void)state;
    ae_pace p = {0};
    outcome first = run(&p, (machine){1e-3, 1e-5}, 40);
    assert_true(first.worst < 1.1 * AE_PACE_PATIENCE);
    outcome then = run(&p, (machine){1e-3, 1e-4}, 40);
    assert_int_equal(then.n_late, 1);
}

static void a_bad_moment_is_forgotten(void **state)
{
    (void)state;
    ae_pace p = {0};
    run(&p, (machine){1e-3, 1e-5}, 40);
    assert_int_equal(ae_pace_room(&p, 1), 100);
    ae_pace_learn(&p, 1, 100, 0.5);
    assert_int_equal(ae_pace_room(&p, 1), 1);
    run(&p, (machine){1e-3, 1e-5}, 10);
    assert_int_equal(ae_pace_room(&p, 1), 100);
}

/* Free tokens, and a clock that stands still. */
static void nothing_is_divided_by_zero(void **state)
{
    (void)state;
    ae_pace p = {0};
    run(&p, (machine){1e-3, 0}, 200);
    assert_true(ae_pace_room(&p, 1) >= 1);
    p = (ae_pace){0};
    ae_pace_learn(&p, 1, 0, 0);
    ae_pace_learn(&p, 1, 1, 0);
    assert_int_equal(ae_pace_room(&p, 1), 1);
}

static void other_speakers_go_alone_first(void **state)
{
    (void)state;
    ae_pace p = {0};
    assert_int_equal(ae_pace_room(&p, 1), 0);
    ae_pace_learn(&p, 1, 0, 1e-3);
    assert_int_equal(ae_pace_room(&p, 1), 1);
    assert_int_equal(ae_pace_room(&p, 2), 0);
    ae_pace_learn(&p, 2, 0, 2e-3);
    assert_int_equal(ae_pace_room(&p, 2), 1);
    ae_pace_learn(&p, 0, 500, 9); /* nobody speaks: nothing to learn */
    assert_int_equal(ae_pace_room(&p, 2), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompts_take_what_is_spare),
        cmocka_unit_test(a_prompt_gets_on_however_dear),
        cmocka_unit_test(dearer_tokens_count_at_once),
        cmocka_unit_test(a_bad_moment_is_forgotten),
        cmocka_unit_test(nothing_is_divided_by_zero),
        cmocka_unit_test(other_speakers_go_alone_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
