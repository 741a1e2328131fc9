/* A plan with fifty branches, carried out: the peak of resident memory stays within the planned
 * sum. A program of its own, because a peak never falls again. What this program takes before it
 * begins stands for the plan's reserve, which is measured for another one. */
#include "aeon/plan.h"
#include "check.h"

#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_INSTRUMENTED true /* sanitizers keep memory of their own */
#else
#define IS_INSTRUMENTED false
#endif

enum { N_BRANCHES = 50, N_TALK = 220, N_TAIL = 8 };

static aeon_error err;

static uint64_t peak_bytes(void)
{
    struct rusage usage;
    assert_int_equal(getrusage(RUSAGE_SELF, &usage), 0);
    return (uint64_t)usage.ru_maxrss * 1024;
}

static void push(aeon_session *s, uint64_t *seed, size_t n, size_t n_vocab)
{
    int32_t ids[N_TALK];
    for (size_t i = 0; i < n; i++) ids[i] = (int32_t)(check_random(seed) % n_vocab);
    CHECK_OK(aeon_session_push(s, ids, n, &err));
}

/* Each branch goes its own way, a token a step, all of them in one batch. */
static void grow_branches(aeon_engine *e, aeon_session *const *branches, uint64_t *seed,
                          size_t n_vocab)
{
    for (size_t t = 0; t < N_TAIL; t++) {
        for (size_t i = 0; i < N_BRANCHES; i++) push(branches[i], seed, 1, n_vocab);
        while (aeon_engine_step(e)) {
        }
        for (size_t i = 0; i < N_BRANCHES; i++) assert_non_null(aeon_session_logits(branches[i]));
    }
}

static void fifty_branches_stay_within_the_plan(void **state)
{
    (void)state;
    aeon_model *m;
    aeon_engine *e;
    aeon_session *talk, *branches[N_BRANCHES];
    aeon_plan plan;
    uint64_t seed = 1, start_bytes = peak_bytes();
    aeon_plan_params want = {.n_ctx = N_TALK + N_TAIL,
                             .has_kv_type = true,
                             .kv_type = AEON_TYPE_F32,
                             .n_threads = 2,
                             .n_branches = N_BRANCHES,
                             .n_branch_tokens = N_TAIL};
    CHECK_OK(aeon_model_open(&m, "builtin", NULL, &err));
    CHECK_OK(aeon_plan_make(&plan, m, &want, &err));
    want.ram_bytes = plan.total_bytes;
    CHECK_OK(aeon_plan_make(&plan, m, &want, &err));
    aeon_memory_set_cap((size_t)plan.cap_bytes);

    aeon_engine_params how = aeon_engine_params_default();
    how.n_threads = want.n_threads;
    how.kv_type = plan.kv_type;
    how.n_kv_tokens = plan.n_kv_tokens;
    size_t n_vocab = aeon_model_describe(m)->n_vocab;
    CHECK_OK(aeon_engine_new(&e, m, &how, &err));
    CHECK_OK(aeon_session_new(&talk, e, &(aeon_session_params){.n_ctx = plan.n_ctx}, &err));
    push(talk, &seed, N_TALK, n_vocab);
    while (aeon_engine_step(e)) {
    }
    for (size_t i = 0; i < N_BRANCHES; i++) CHECK_OK(aeon_session_fork(&branches[i], talk, &err));
    grow_branches(e, branches, &seed, n_vocab);

    uint64_t planned = plan.total_bytes - plan.reserve_bytes, taken = peak_bytes() - start_bytes;
    print_message("planned %.1f MB, taken %.1f MB\n", (double)planned / 1e6, (double)taken / 1e6);
    if (!IS_INSTRUMENTED) assert_true(taken <= planned);
    assert_true(taken >= plan.kv_bytes / 2); /* the branches were really there */
    for (size_t i = 0; i < N_BRANCHES; i++) aeon_session_free(branches[i]);
    aeon_session_free(talk);
    aeon_engine_free(e);
    aeon_memory_set_cap(0);
    aeon_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(fifty_branches_stay_within_the_plan)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
