/* Many timelines in one engine: the same bits in any company, forks that share and part, the order
 * of a step, and what happens when there are no more pages. */
#include "aeon/engine.h"
#include "aeon/file.h"
#include "base/mem.h"
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_VOCAB_MAX = 1 << 16, N_IDS = 400 };

static aeon_error err;
static char folder[] = "/tmp/aeon-pages-XXXXXX";
static aeon_model *model;
static size_t n_vocab;
static int32_t ids[N_IDS];

static aeon_engine *make_engine(aeon_engine_params p)
{
    aeon_engine *e = NULL;
    if (!p.n_kv_tokens) p.n_kv_tokens = 2000;
    CHECK_OK(aeon_engine_new(&e, model, &p, &err));
    return e;
}

static aeon_session *make_session(aeon_engine *e, int priority)
{
    aeon_session *s = NULL;
    CHECK_OK(aeon_session_new(&s, e, &(aeon_session_params){.n_ctx = N_IDS, .priority = priority},
                              &err));
    return s;
}

static aeon_session *make_fork(const aeon_session *s)
{
    aeon_session *fork = NULL;
    CHECK_OK(aeon_session_fork(&fork, s, &err));
    return fork;
}

/* The logits after ids[0..n), computed alone. */
static const float *alone(const int32_t *some, size_t n, aeon_type kv, size_t page_tokens)
{
    static float logits[N_VOCAB_MAX];
    aeon_engine *e = make_engine((aeon_engine_params){
        .n_threads = 1, .n_chunk = 16, .kv_type = kv, .page_tokens = page_tokens});
    aeon_session *s = make_session(e, 0);
    CHECK_OK(aeon_session_feed(s, some, n, NULL, &err));
    memcpy(logits, aeon_session_logits(s), n_vocab * sizeof *logits);
    aeon_session_free(s);
    aeon_engine_free(e);
    return logits;
}

static void check_same(const aeon_session *s, const float *expected)
{
    assert_non_null(aeon_session_logits(s));
    assert_memory_equal(aeon_session_logits(s), expected, n_vocab * sizeof *expected);
}

static int32_t mixed[N_IDS];

static bool count(void *user, size_t pos, const float *logits)
{
    (void)pos;
    (void)logits;
    ++*(size_t *)user;
    return true;
}

static const aeon_type kv_types[] = {AEON_TYPE_F32, AEON_TYPE_F16, AEON_TYPE_BF16, AEON_TYPE_Q8_0};
enum { N_KV_TYPES = sizeof kv_types / sizeof *kv_types };

/* A page of 512 tokens is a contiguous cache. */
static void pages_do_not_change_a_bit(void **state)
{
    (void)state;
    for (int i = 0; i < N_KV_TYPES; i++) {
        float contiguous[N_VOCAB_MAX];
        memcpy(contiguous, alone(ids, 150, kv_types[i], 512), n_vocab * sizeof *contiguous);
        assert_memory_equal(alone(ids, 150, kv_types[i], 0), contiguous,
                            n_vocab * sizeof *contiguous);
        assert_memory_equal(alone(ids, 150, kv_types[i], 64), contiguous,
                            n_vocab * sizeof *contiguous);
    }
}

static void company_does_not_change_a_bit(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 33, 100, 7, 64, 150, 2, 31};
    enum { N = sizeof lengths / sizeof *lengths };
    for (int i = 0; i < N_KV_TYPES; i++)
        for (int threads = 1; threads <= 3; threads++) {
            aeon_engine *e = make_engine(
                (aeon_engine_params){.n_threads = threads, .n_chunk = 40, .kv_type = kv_types[i]});
            aeon_session *s[N];
            for (size_t k = 0; k < N; k++) {
                s[k] = make_session(e, (int)k % 3);
                CHECK_OK(aeon_session_push(s[k], ids + k, lengths[k], &err));
                assert_int_equal(aeon_session_state_get(s[k]), AEON_SESSION_WAITING);
                assert_null(aeon_session_logits(s[k]));
                if (k % 2) aeon_engine_step(e); /* they begin at different times */
            }
            while (aeon_engine_step(e)) {
            }
            for (size_t k = 0; k < N; k++) {
                assert_int_equal(aeon_session_state_get(s[k]), AEON_SESSION_READY);
                check_same(s[k], alone(ids + k, lengths[k], kv_types[i], 0));
                aeon_session_free(s[k]);
            }
            aeon_engine_free(e);
        }
}

/* Forks at many places, each with tails of its own, against timelines that were never shared. */
static void a_fork_is_a_timeline_of_its_own(void **state)
{
    (void)state;
    static const size_t cuts[] = {1, 31, 32, 33, 64, 100};
    int32_t tail[N_IDS];
    for (int i = 0; i < N_KV_TYPES; i++)
        for (size_t c = 0; c < sizeof cuts / sizeof *cuts; c++) {
            aeon_engine *e = make_engine(
                (aeon_engine_params){.n_threads = 2, .n_chunk = 64, .kv_type = kv_types[i]});
            aeon_session *trunk = make_session(e, 0), *fork[5];
            CHECK_OK(aeon_session_feed(trunk, ids, cuts[c], NULL, &err));
            size_t n_free = aeon_engine_stats_get(e).n_free_pages;
            for (size_t k = 0; k < 5; k++) {
                fork[k] = make_fork(trunk);
                check_same(fork[k], aeon_session_logits(trunk));
                CHECK_OK(aeon_session_push(fork[k], ids + 200 + k, 1 + 20 * k, &err));
            }
            assert_int_equal(aeon_engine_stats_get(e).n_free_pages, n_free);
            while (aeon_engine_step(e)) {
            }
            for (size_t k = 0; k < 5; k++) {
                memcpy(tail, ids, cuts[c] * sizeof *ids);
                memcpy(tail + cuts[c], ids + 200 + k, (1 + 20 * k) * sizeof *ids);
                check_same(fork[k], alone(tail, cuts[c] + 1 + 20 * k, kv_types[i], 0));
            }
            check_same(trunk, alone(ids, cuts[c], kv_types[i], 0));
            CHECK_OK(aeon_session_feed(trunk, ids + cuts[c], 40, NULL, &err));
            check_same(trunk, alone(ids, cuts[c] + 40, kv_types[i], 0));
            aeon_session_free(trunk);
            for (size_t k = 0; k < 5; k++) aeon_session_free(fork[k]);
            assert_int_equal(aeon_engine_stats_get(e).n_free_pages,
                             aeon_engine_stats_get(e).n_pages);
            aeon_engine_free(e);
        }
}

static void a_step_takes_those_who_speak_and_the_most_urgent(void **state)
{
    (void)state;
    aeon_engine *e = make_engine((aeon_engine_params){.n_threads = 1, .n_chunk = 32});
    aeon_session *speaks = make_session(e, 0), *early = make_session(e, 0),
                 *urgent = make_session(e, 1);
    CHECK_OK(aeon_session_feed(speaks, ids, 5, NULL, &err));
    CHECK_OK(aeon_session_push(early, ids, 40, &err));
    CHECK_OK(aeon_session_push(urgent, ids, 40, &err));
    for (size_t n = 5; aeon_session_state_get(urgent) == AEON_SESSION_WAITING; n++) {
        CHECK_OK(aeon_session_push(speaks, ids + n, 1, &err));
        size_t n_done = aeon_engine_step(e);
        assert_true(n_done >= 1 && n_done <= 32);
        assert_int_equal(aeon_session_state_get(speaks), AEON_SESSION_READY);
        assert_int_equal(aeon_session_state_get(early), AEON_SESSION_WAITING);
    }
    while (aeon_engine_step(e)) {
    }
    check_same(early, alone(ids, 40, AEON_TYPE_F32, 0));
    check_same(urgent, alone(ids, 40, AEON_TYPE_F32, 0));
    aeon_session_free(speaks);
    aeon_session_free(early);
    aeon_session_free(urgent);
    aeon_engine_free(e);
}

static void cancelling_gives_the_pages_back(void **state)
{
    (void)state;
    aeon_engine *e = make_engine((aeon_engine_params){.n_threads = 1, .n_chunk = 64});
    aeon_session *s = make_session(e, 0);
    CHECK_OK(aeon_session_feed(s, ids, 40, NULL, &err));
    size_t n_free = aeon_engine_stats_get(e).n_free_pages, n;
    CHECK_OK(aeon_session_push(s, ids + 100, 200, &err));
    assert_int_equal(aeon_engine_step(e), 64);
    assert_true(aeon_engine_stats_get(e).n_free_pages < n_free);
    aeon_session *fork = NULL;
    CHECK_FAILS(aeon_session_fork(&fork, s, &err), AEON_INVALID_ARGUMENT);
    aeon_session_cancel(s);
    assert_int_equal(aeon_engine_stats_get(e).n_free_pages, n_free);
    assert_int_equal(aeon_engine_step(e), 0);
    check_same(s, alone(ids, 40, AEON_TYPE_F32, 0));
    aeon_session_ids(s, &n);
    assert_int_equal(n, 40);
    aeon_session_cancel(s); /* nothing waits: nothing happens */
    CHECK_OK(aeon_session_push(s, ids + 40, 10, &err));
    CHECK_OK(aeon_session_rewind(s, 20, &err));
    CHECK_OK(aeon_session_feed(s, ids + 20, 30, NULL, &err));
    check_same(s, alone(ids, 50, AEON_TYPE_F32, 0));
    aeon_session_free(s);
    aeon_engine_free(e);
}

/* Without pages a push fails and is taken back; who has pages goes on. */
static void a_full_engine_fails_one_and_serves_the_others(void **state)
{
    (void)state;
    aeon_engine *e =
        make_engine((aeon_engine_params){.n_threads = 1, .n_chunk = 32, .n_kv_tokens = N_IDS});
    aeon_session *small = make_session(e, 1), *large = make_session(e, 0);
    CHECK_OK(aeon_session_feed(large, ids, 20, NULL, &err));
    CHECK_OK(aeon_session_push(small, ids, 60, &err));
    CHECK_OK(aeon_session_push(large, ids + 20, 370, &err));
    while (aeon_engine_step(e)) {
    }
    assert_int_equal(aeon_session_state_get(small), AEON_SESSION_READY);
    assert_int_equal(aeon_session_state_get(large), AEON_SESSION_FAILED);
    assert_int_equal(aeon_session_error(large)->code, AEON_OUT_OF_MEMORY);
    assert_non_null(strstr(aeon_session_error(large)->text, "page"));
    check_same(large, alone(ids, 20, AEON_TYPE_F32, 0));
    check_same(small, alone(ids, 60, AEON_TYPE_F32, 0));
    CHECK_FAILS(aeon_session_feed(large, ids + 20, 370, NULL, &err), AEON_OUT_OF_MEMORY);
    aeon_session_free(small);
    CHECK_OK(aeon_session_feed(large, ids + 20, 370, NULL, &err));
    assert_null(aeon_session_error(large));
    check_same(large, alone(ids, 390, AEON_TYPE_F32, 0));
    aeon_session_free(large);
    aeon_engine_free(e);
}

/* The first of two prompts finds no page: the second is read all the same. */
static void a_prompt_without_pages_holds_up_nobody(void **state)
{
    (void)state;
    aeon_engine *e =
        make_engine((aeon_engine_params){.n_threads = 1, .n_chunk = 100, .n_kv_tokens = N_IDS});
    aeon_session *full = make_session(e, 0), *big = make_session(e, 1), *small = make_session(e, 0);
    CHECK_OK(aeon_session_feed(full, ids, 380, NULL, &err));
    CHECK_OK(aeon_session_push(big, ids, 100, &err));
    CHECK_OK(aeon_session_push(small, ids, 20, &err));
    assert_int_equal(aeon_engine_step(e), 20);
    assert_int_equal(aeon_session_state_get(big), AEON_SESSION_FAILED);
    check_same(small, alone(ids, 20, AEON_TYPE_F32, 0));
    CHECK_OK(aeon_session_rewind(big, 0, &err));
    assert_int_equal(aeon_session_state_get(big), AEON_SESSION_IDLE);
    aeon_session_free(full);
    aeon_session_free(big);
    aeon_session_free(small);
    aeon_engine_free(e);
}

/* A prompt gets on at every step, however many speak and whatever the pace. */
static void a_prompt_is_never_starved(void **state)
{
    (void)state;
    aeon_engine *e = make_engine((aeon_engine_params){.n_threads = 1, .n_chunk = 64});
    aeon_session *speaker[8], *prompt = make_session(e, 0);
    for (size_t k = 0; k < 8; k++) {
        speaker[k] = make_session(e, 0);
        CHECK_OK(aeon_session_feed(speaker[k], ids, 5, NULL, &err));
    }
    CHECK_OK(aeon_session_push(prompt, ids, 390, &err));
    size_t n_steps = 0;
    for (; aeon_session_state_get(prompt) == AEON_SESSION_WAITING; n_steps++) {
        for (size_t k = 0; k < (n_steps < 20 ? 8 : 1); k++)
            CHECK_OK(aeon_session_push(speaker[k], ids, 1, &err));
        assert_true(aeon_engine_step(e) > 0);
    }
    assert_true(n_steps <=
                390 + 390 / 64 + 30); /* a token at least, but where the pace is measured */
    check_same(prompt, alone(ids, 390, AEON_TYPE_F32, 0));
    for (size_t k = 0; k < 8; k++) aeon_session_free(speaker[k]);
    aeon_session_free(prompt);
    aeon_engine_free(e);
}

/* Many talks come and go, at random: nothing remains of them. */
static void talks_leave_nothing_behind(void **state)
{
    (void)state;
    enum { N = 8 };
    uint64_t random = 3;
    aeon_engine *e = make_engine((aeon_engine_params){.n_threads = 1, .n_chunk = 32});
    aeon_session *s[N] = {0};
    size_t before = 0;
    for (int turn = 0; turn < 600; turn++) {
        size_t k = check_random(&random) % N, other = check_random(&random) % N;
        if (turn == 100) before = aeon_memory_stats_get().current_bytes;
        if (s[k] && check_random(&random) % 2) {
            aeon_session_free(s[k]);
            s[k] = NULL;
        }
        if (!s[k]) s[k] = s[other] ? make_fork(s[other]) : make_session(e, 0);
        size_t n = 1 + check_random(&random) % 9;
        aeon_status status = aeon_session_feed(s[k], ids, n, NULL, &err);
        assert_true(status == AEON_OK || status == AEON_CONTEXT_FULL);
    }
    for (int k = 0; k < N; k++) aeon_session_free(s[k]);
    assert_true(aeon_memory_stats_get().current_bytes <= before);
    assert_int_equal(aeon_engine_stats_get(e).n_sessions, 0);
    assert_int_equal(aeon_engine_stats_get(e).n_free_pages, aeon_engine_stats_get(e).n_pages);
    aeon_engine_free(e);
}

/* Who repeats a beginning gets its pages; the bits are those of computing it. */
static void a_known_beginning_is_not_computed_again(void **state)
{
    (void)state;
    int32_t some[N_IDS];
    for (int i = 0; i < N_KV_TYPES; i++) {
        aeon_engine *e = make_engine((aeon_engine_params){
            .n_threads = 2, .n_chunk = 32, .kv_type = kv_types[i], .has_prefixes = true});
        aeon_session *first = make_session(e, 0);
        CHECK_OK(aeon_session_feed(first, ids, 150, NULL, &err));
        aeon_session_free(first);
        assert_int_equal(aeon_engine_stats_get(e).n_prefix_pages, 150 / 32);
        for (size_t cut = 0; cut <= 150; cut += 25) {
            aeon_session *s = make_session(e, 0);
            memcpy(some, ids, cut * sizeof *ids);
            memcpy(some + cut, ids + 200 + cut, 40 * sizeof *ids);
            size_t before = aeon_engine_stats_get(e).n_reused;
            CHECK_OK(aeon_session_push(s, some, cut + 40, &err));
            assert_true(aeon_engine_stats_get(e).n_reused - before >= cut / 32 * 32);
            while (aeon_engine_step(e)) {
            }
            check_same(s, alone(some, cut + 40, kv_types[i], 0));
            aeon_session_free(s);
        }
        aeon_engine_forget(e);
        assert_int_equal(aeon_engine_stats_get(e).n_free_pages, aeon_engine_stats_get(e).n_pages);
        aeon_engine_free(e);
    }
}

/* Keys under one set of factors are of no use under the other. */
static void factors_do_not_share_beginnings(void **state)
{
    (void)state;
    aeon_engine *e = make_engine((aeon_engine_params){.n_chunk = 64, .has_prefixes = true});
    for (int turn = 0; turn < 2; turn++)
        for (int is_long = 0; is_long < 2; is_long++) {
            aeon_session *s = NULL;
            aeon_session_params p = {.n_ctx = N_IDS};
            p.rope = is_long ? AEON_ROPE_LONG : AEON_ROPE_AUTO;
            size_t before = aeon_engine_stats_get(e).n_reused;
            CHECK_OK(aeon_session_new(&s, e, &p, &err));
            CHECK_OK(aeon_session_feed(s, ids, 100, NULL, &err));
            assert_int_equal(aeon_engine_stats_get(e).n_reused - before, turn ? 96 : 0);
            aeon_session_free(s);
        }
    aeon_engine_free(e);
    aeon_engine *none = NULL;
    CHECK_FAILS(aeon_engine_new(&none, model, &(aeon_engine_params){.page_tokens = 33}, &err),
                AEON_INVALID_ARGUMENT);
}

/* Whoever wants the logits of every token gets them, and a full engine forgets what nobody holds.
 */
static void beginnings_give_way(void **state)
{
    (void)state;
    aeon_engine *e = make_engine((aeon_engine_params){
        .n_threads = 1, .n_chunk = 64, .n_kv_tokens = N_IDS, .has_prefixes = true});
    aeon_session *s = make_session(e, 0);
    size_t n_seen = 0;
    CHECK_OK(aeon_session_feed(s, ids, 300, NULL, &err));
    CHECK_OK(aeon_session_rewind(s, 0, &err));
    CHECK_OK(aeon_session_feed(s, ids, 300,
                               &(aeon_feed_params){.on_logits = count, .user = &n_seen}, &err));
    assert_int_equal(n_seen, 300);
    for (size_t k = 0; k < 4; k++) {
        CHECK_OK(aeon_session_rewind(s, 10 * k, &err));
        CHECK_OK(aeon_session_feed(s, ids + 50, 350, NULL, &err));
        memcpy(mixed + 10 * k, ids + 50, 350 * sizeof *ids);
        check_same(s, alone(mixed, 10 * k + 350, AEON_TYPE_F32, 0));
    }
    assert_true(aeon_engine_stats_get(e).n_free_pages < 3);
    aeon_session_free(s);
    aeon_engine_free(e);
}

static void a_fork_without_memory_leaves_all_as_it_was(void **state)
{
    (void)state;
    aeon_engine *e = make_engine((aeon_engine_params){.n_threads = 1});
    aeon_session *s = make_session(e, 0), *fork = NULL;
    CHECK_OK(aeon_session_feed(s, ids, 70, NULL, &err));
    aeon_engine_stats stats = aeon_engine_stats_get(e);
    for (uint64_t k = 1; !fork; k++) {
        size_t before = aeon_memory_stats_get().current_bytes;
        ae_mem_fail_at(k, false);
        aeon_status status = aeon_session_fork(&fork, s, &err);
        ae_mem_fail_at(0, false);
        if (status == AEON_OK) break;
        assert_int_equal(status, AEON_OUT_OF_MEMORY);
        assert_null(fork);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
        assert_int_equal(aeon_engine_stats_get(e).n_sessions, stats.n_sessions);
    }
    assert_int_equal(aeon_session_stats_get(fork).n_shared_pages, 3);
    aeon_session_free(s);
    check_same(fork, alone(ids, 70, AEON_TYPE_F32, 0));
    aeon_session_free(fork);
    aeon_engine_free(e);
}

static int open_model(void **state)
{
    (void)state;
    char path[128];
    uint64_t random = 9;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/model.gguf", folder);
    CHECK_OK(aeon_synth_write(path, "phi3-nano", AEON_TYPE_Q8_0, 1, NULL, NULL, &err));
    CHECK_OK(aeon_model_open(&model, path, NULL, &err));
    n_vocab = aeon_model_describe(model)->n_vocab;
    for (int i = 0; i < N_IDS; i++) ids[i] = (int32_t)(check_random(&random) % n_vocab);
    return n_vocab <= N_VOCAB_MAX ? 0 : -1;
}

static int close_model(void **state)
{
    (void)state;
    char path[128];
    aeon_model_close(model);
    snprintf(path, sizeof path, "%s/model.gguf", folder);
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_do_not_change_a_bit),
        cmocka_unit_test(company_does_not_change_a_bit),
        cmocka_unit_test(a_fork_is_a_timeline_of_its_own),
        cmocka_unit_test(a_step_takes_those_who_speak_and_the_most_urgent),
        cmocka_unit_test(cancelling_gives_the_pages_back),
        cmocka_unit_test(a_full_engine_fails_one_and_serves_the_others),
        cmocka_unit_test(a_prompt_without_pages_holds_up_nobody),
        cmocka_unit_test(a_prompt_is_never_starved),
        cmocka_unit_test(talks_leave_nothing_behind),
        cmocka_unit_test(a_known_beginning_is_not_computed_again),
        cmocka_unit_test(beginnings_give_way),
        cmocka_unit_test(factors_do_not_share_beginnings),
        cmocka_unit_test(a_fork_without_memory_leaves_all_as_it_was),
    };
    return cmocka_run_group_tests_name("pages", tests, open_model, close_model);
}
