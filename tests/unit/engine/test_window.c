/* engine/window.c: what a full timeline drops, what stays, and how right the rest is. */
#include "aeon/engine.h"
#include "aeon/file.h"
#include "base/mem.h"
#include "check.h"
#include "engine/engine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_CTX = 160, N_SYSTEM = 10, N_TURN = 25, N_IDS = 2000 };

static aeon_error err;
static char folder[] = "/tmp/aeon-window-XXXXXX";
static aeon_model *model;
static int32_t ids[N_IDS];

static aeon_engine *open_engine(aeon_type kv_type, size_t n_contexts, bool has_prefixes)
{
    aeon_engine *e = NULL;
    CHECK_OK(aeon_engine_new(&e, model,
                             &(aeon_engine_params){.n_threads = 2,
                                                   .n_chunk = 32,
                                                   .kv_type = kv_type,
                                                   .n_kv_tokens = n_contexts * N_CTX,
                                                   .has_prefixes = has_prefixes},
                             &err));
    return e;
}

static aeon_engine *make_engine(aeon_type kv_type)
{
    return open_engine(kv_type, 4, false);
}

static aeon_session *make_session(aeon_engine *e, aeon_session_params p)
{
    aeon_session *s = NULL;
    p.n_ctx = N_CTX;
    CHECK_OK(aeon_session_new(&s, e, &p, &err));
    return s;
}

static void close_both(aeon_engine *e, aeon_session *s)
{
    aeon_session_free(s);
    aeon_engine_free(e);
}

/* A system message that is pinned, and turns: turn k is ids[100 + 25 k ..]. */
static void say_turn(aeon_session *s, size_t k)
{
    size_t before = aeon_session_stats_get(s).n_turns;
    CHECK_OK(aeon_session_feed(s, ids + 100 + N_TURN * k, N_TURN, NULL, &err));
    CHECK_OK(aeon_session_begin_turn(s, aeon_session_stats_get(s).n_past - N_TURN, &err));
    assert_true(aeon_session_stats_get(s).n_turns <= before + 1);
}

static void begin_talk(aeon_session *s, size_t n_turns)
{
    CHECK_OK(aeon_session_feed(s, ids, N_SYSTEM, NULL, &err));
    CHECK_OK(aeon_session_pin(s, N_SYSTEM, &err));
    for (size_t k = 0; k < n_turns; k++) say_turn(s, k);
}

static void check_ids(const aeon_session *s, size_t at, const int32_t *expected, size_t n)
{
    size_t n_all;
    const int32_t *held = aeon_session_ids(s, &n_all);
    assert_true(at + n <= n_all);
    assert_memory_equal(held + at, expected, n * sizeof *expected);
}

static void check_same_logits(const aeon_session *a, const aeon_session *b)
{
    assert_non_null(aeon_session_logits(a));
    assert_memory_equal(aeon_session_logits(a), aeon_session_logits(b),
                        aeon_model_describe(model)->n_vocab * sizeof(float));
}

/* The logits are those of a session that was fed the same tokens at once, and so are those that
 * follow one more token: these show the keys and values. */
static void check_exact(const aeon_session *s)
{
    size_t n;
    const int32_t *held = aeon_session_ids(s, &n);
    aeon_engine *own = make_engine(ae_kv_arena_type(s->engine->arena));
    aeon_session *fresh = make_session(own, (aeon_session_params){.rope = s->rope}), *fork = NULL;
    CHECK_OK(aeon_session_feed(fresh, held, n, NULL, &err));
    if (aeon_session_logits(s)) check_same_logits(s, fresh);
    if (n < N_CTX) {
        CHECK_OK(aeon_session_fork(&fork, s, &err));
        CHECK_OK(aeon_session_feed(fork, ids, 1, NULL, &err));
        CHECK_OK(aeon_session_feed(fresh, ids, 1, NULL, &err));
        check_same_logits(fork, fresh);
        aeon_session_free(fork);
    }
    close_both(own, fresh);
}

/* What a slide moves belongs to nobody else: forks and remembered beginnings stay what they were.
 */
static void a_slide_touches_no_other_timeline(void **state)
{
    (void)state;
    aeon_engine *e = make_engine(AEON_TYPE_F16), *apart = make_engine(AEON_TYPE_F16);
    aeon_session_params p = {.window = AEON_WINDOW_SLIDE};
    aeon_session *s = make_session(e, p), *lone = make_session(apart, p), *fork = NULL;
    begin_talk(s, 8);
    begin_talk(lone, 8);
    CHECK_OK(aeon_session_fork(&fork, s, &err));
    for (size_t k = 8; k < 20; k++) say_turn(s, k);
    CHECK_OK(aeon_session_feed(fork, ids + 7, 1, NULL, &err));
    CHECK_OK(aeon_session_feed(lone, ids + 7, 1, NULL, &err));
    check_same_logits(fork, lone);
    aeon_session *again = make_session(e, (aeon_session_params){0});
    CHECK_OK(aeon_session_feed(again, ids, N_SYSTEM, NULL, &err));
    CHECK_OK(aeon_session_feed(again, ids + 100, 4 * N_TURN, NULL, &err));
    check_exact(again);
    aeon_session_free(again);
    aeon_session_free(fork);
    close_both(e, s);
    close_both(apart, lone);
}

static void names_and_refusals(void **state)
{
    (void)state;
    aeon_window w;
    assert_true(aeon_window_find("compact", &w) && w == AEON_WINDOW_COMPACT);
    assert_string_equal(aeon_window_name(AEON_WINDOW_SLIDE), "window");
    assert_false(aeon_window_find("windows", &w));
    assert_null(aeon_window_name((aeon_window)7));
    aeon_engine *e = make_engine(AEON_TYPE_F16);
    aeon_session *s = NULL;
    CHECK_FAILS(aeon_session_new(&s, e, &(aeon_session_params){.window = (aeon_window)7}, &err),
                AEON_INVALID_ARGUMENT);
    for (int policy = AEON_WINDOW_ERROR; policy <= AEON_WINDOW_COMPACT; policy++) {
        s = make_session(e, (aeon_session_params){.window = (aeon_window)policy});
        begin_talk(s, 5);
        CHECK_FAILS(aeon_session_feed(s, ids, N_CTX - N_SYSTEM + 1, NULL, &err), AEON_CONTEXT_FULL);
        assert_non_null(strstr(err.text, "160"));
        assert_int_equal(aeon_session_stats_get(s).n_dropped, 0);
        if (policy <= AEON_WINDOW_STOP)
            CHECK_FAILS(aeon_session_feed(s, ids, N_TURN + 1, NULL, &err), AEON_CONTEXT_FULL);
        CHECK_FAILS(aeon_session_pin(s, N_CTX, &err), AEON_INVALID_ARGUMENT);
        CHECK_FAILS(aeon_session_begin_turn(s, N_SYSTEM, &err), AEON_INVALID_ARGUMENT);
        CHECK_FAILS(aeon_session_rewind(s, N_SYSTEM - 1, &err), AEON_INVALID_ARGUMENT);
        assert_non_null(strstr(err.text, "pinned"));
        CHECK_OK(aeon_session_rewind(s, N_SYSTEM, &err));
        assert_int_equal(aeon_session_stats_get(s).n_turns, 0);
        CHECK_OK(aeon_session_rewind(s, 0, &err));
        assert_int_equal(aeon_session_stats_get(s).n_pinned, 0);
        aeon_session_free(s);
    }
    aeon_engine_free(e);
}

static void the_oldest_turns_go_the_pinned_stay(void **state)
{
    (void)state;
    aeon_engine *e = make_engine(AEON_TYPE_F16);
    aeon_session *s = make_session(e, (aeon_session_params){.window = AEON_WINDOW_SLIDE});
    begin_talk(s, 6); /* full to the brim */
    assert_true(aeon_session_stats_get(s).is_exact);
    say_turn(s, 6);
    aeon_session_stats stats = aeon_session_stats_get(s);
    size_t n_gone = stats.n_dropped_turns;
    assert_true(n_gone >= 1 && n_gone < 6);
    assert_int_equal(stats.n_dropped, n_gone * N_TURN);
    assert_int_equal(stats.n_turns, 7 - n_gone);
    assert_int_equal(stats.n_past, N_SYSTEM + (7 - n_gone) * N_TURN);
    assert_false(stats.is_exact);
    check_ids(s, 0, ids, N_SYSTEM);
    check_ids(s, N_SYSTEM, ids + 100 + n_gone * N_TURN, (7 - n_gone) * N_TURN);

    aeon_session *fork = NULL;
    CHECK_OK(aeon_session_fork(&fork, s, &err));
    assert_int_equal(aeon_session_stats_get(fork).n_turns, stats.n_turns);
    assert_false(aeon_session_stats_get(fork).is_exact);
    for (size_t k = 7; k < 40; k++) say_turn(s, k);
    check_ids(s, 0, ids, N_SYSTEM);
    check_ids(s, aeon_session_stats_get(s).n_past - N_TURN, ids + 100 + 39 * N_TURN, N_TURN);
    check_ids(fork, N_SYSTEM, ids + 100 + n_gone * N_TURN, (7 - n_gone) * N_TURN);
    aeon_session_free(fork);
    close_both(e, s);
}

/* In the first layer a key depends on its token and its position alone: moved, it is what it would
 * be there but for the rounding of two rotations. The long factors have a magnitude of their own,
 * which must not come in twice. */
static void moved_keys_are_those_of_their_new_place(void **state)
{
    (void)state;
    size_t head_dim = aeon_model_describe(model)->head_dim;
    for (int is_long = 0; is_long < 2; is_long++) {
        aeon_session_params p = {.rope = is_long ? AEON_ROPE_LONG : AEON_ROPE_SHORT};
        aeon_engine *e = make_engine(AEON_TYPE_F32);
        aeon_session *fresh = make_session(e, p);
        p.window = AEON_WINDOW_SLIDE;
        aeon_session *s = make_session(e, p);
        begin_talk(s, 12);
        size_t n = s->n;
        assert_true(s->n_dropped > 0 && s->n_computed == n);
        CHECK_OK(aeon_session_feed(fresh, s->ids, n, NULL, &err));
        double worst = 0, largest = 0;
        for (size_t pos = 0; pos < n; pos++) {
            float moved[AE_MAX_HEAD_DIM], straight[AE_MAX_HEAD_DIM];
            ae_kv_get_value(&s->kv, 0, 0, pos, moved);
            ae_kv_get_value(&fresh->kv, 0, 0, pos, straight);
            assert_memory_equal(moved, straight, head_dim * sizeof(float));
            ae_kv_get_key(&s->kv, 0, 0, pos, moved);
            ae_kv_get_key(&fresh->kv, 0, 0, pos, straight);
            for (size_t i = 0; i < head_dim; i++) {
                double a = moved[i], b = straight[i];
                if (fabs(a - b) > worst) worst = fabs(a - b);
                if (fabs(b) > largest) largest = fabs(b);
            }
        }
        assert_true(largest > 0.1 && worst < 1e-5 * largest);
        aeon_session_free(fresh);
        close_both(e, s);
    }
}

static void rebuilt_the_talk_is_exact_again(void **state)
{
    (void)state;
    const aeon_type types[] = {AEON_TYPE_F16, AEON_TYPE_Q8_0};
    for (int i = 0; i < 2; i++) {
        aeon_engine *e = make_engine(types[i]);
        aeon_session *s = make_session(e, (aeon_session_params){.window = AEON_WINDOW_SLIDE});
        begin_talk(s, 8);
        CHECK_OK(aeon_session_rebuild(s, &err));
        CHECK_OK(aeon_session_rebuild(s, &err)); /* under way already */
        assert_false(aeon_session_stats_get(s).is_exact);
        assert_int_equal(aeon_engine_step(e), 32);
        CHECK_OK(aeon_session_feed(s, ids, 5, NULL, &err)); /* the talk goes on meanwhile */
        assert_false(aeon_session_stats_get(s).is_exact);
        const float *before = aeon_session_logits(s);
        assert_non_null(before);
        while (aeon_engine_step(e)) {
        }
        assert_true(aeon_session_stats_get(s).is_exact);
        assert_int_equal(aeon_engine_stats_get(e).n_sessions, 1);
        check_exact(s);

        /* What is rebuilt for nothing goes away with the talk, or when the talk is another. */
        for (size_t k = 8; aeon_session_stats_get(s).is_exact; k++) say_turn(s, k);
        CHECK_OK(aeon_session_rebuild(s, &err));
        CHECK_OK(aeon_session_rewind(s, N_SYSTEM, &err));
        CHECK_OK(aeon_session_feed(s, ids + 5, 40, NULL, &err));
        while (aeon_engine_step(e)) {
        }
        check_exact(s);
        assert_int_equal(aeon_engine_stats_get(e).n_sessions, 1);
        CHECK_OK(aeon_session_rebuild(s, &err));
        close_both(e, s);
    }
}

/* With pages for one talk alone, all of them remembered as beginnings too. */
static void a_window_needs_no_more_than_the_context(void **state)
{
    (void)state;
    aeon_engine *e = NULL;
    CHECK_OK(aeon_engine_new(
        &e, model, &(aeon_engine_params){.n_chunk = 32, .n_kv_tokens = N_CTX, .has_prefixes = true},
        &err));
    aeon_session *s = make_session(e, (aeon_session_params){.window = AEON_WINDOW_SLIDE});
    begin_talk(s, 30);
    check_ids(s, 0, ids, N_SYSTEM);
    assert_true(aeon_session_stats_get(s).n_dropped_turns > 20);
    close_both(e, s);
}

/* ---- shared pages ---------------------------------------------------------------------------- */

enum { PAGE = 32, N_PAGES = N_CTX / PAGE };

/* Every page is held by the tables that list it, and perhaps by the tree; what nobody holds is
 * free.
 */
static void check_holders(const aeon_engine *e)
{
    size_t n_remembered = 0, n_free = 0;
    aeon_engine_stats stats = aeon_engine_stats_get(e);
    for (ae_kv_page page = 0; page < stats.n_pages; page++) {
        size_t n_tables = 0, n_holders = ae_kv_page_n_holders(e->arena, page);
        for (const aeon_session *s = e->sessions; s; s = s->next)
            for (size_t i = 0; i < s->kv.n_pages; i++) n_tables += s->kv.pages[i] == page;
        assert_true(n_holders == n_tables || n_holders == n_tables + 1);
        n_remembered += n_holders - n_tables;
        n_free += n_holders == 0;
    }
    assert_int_equal(n_remembered, stats.n_prefix_pages);
    assert_int_equal(n_free, stats.n_free_pages);
}

/* The bytes of a full timeline's pages, one behind the other. */
static char *copy_pages(const aeon_session *s)
{
    size_t page_bytes = ae_kv_arena_page_bytes(s->engine->arena);
    char *copy = malloc(N_PAGES * page_bytes);
    assert_true(copy && s->kv.n_pages == N_PAGES);
    for (size_t i = 0; i < N_PAGES; i++)
        memcpy(copy + i * page_bytes, ae_kv_page_data(s->engine->arena, s->kv.pages[i]),
               page_bytes);
    return copy;
}

/* After s slid behind n_pinned tokens: what is before them it shares with `full` as ever, the rest
 * is its own, and the bytes of `full` are those of `before`. */
static void check_parted(const aeon_session *s, const aeon_session *full, size_t n_pinned,
                         const char *before)
{
    ae_kv_arena *arena = s->engine->arena;
    size_t page_bytes = ae_kv_arena_page_bytes(arena);
    assert_false(aeon_session_stats_get(s).is_exact);
    for (size_t i = 0; i < N_PAGES; i++) {
        const char *bytes = ae_kv_page_data(arena, full->kv.pages[i]);
        assert_memory_equal(bytes, before + i * page_bytes, page_bytes);
        if (i >= s->kv.n_pages) continue;
        assert_int_equal(s->kv.pages[i] == full->kv.pages[i], i < n_pinned / PAGE);
        if (i >= n_pinned / PAGE) assert_int_equal(ae_kv_page_n_holders(arena, s->kv.pages[i]), 1);
    }
}

/* A later session with the ids of another starts behind n_reused of them, and is exact. */
static void check_later(aeon_engine *e, const aeon_session *other, size_t n_reused)
{
    size_t n, before = aeon_engine_stats_get(e).n_reused;
    const int32_t *held = aeon_session_ids(other, &n);
    aeon_session *later = make_session(e, (aeon_session_params){.rope = other->rope});
    CHECK_OK(aeon_session_feed(later, held, n, NULL, &err));
    assert_int_equal(aeon_engine_stats_get(e).n_reused - before, n_reused);
    check_exact(later);
    check_holders(e);
    aeon_session_free(later);
}

/* s shares its pages with two forks and the tree, slides, is forked, and slides on; `lone` does the
 * same with pages of its own. */
static void slide_among_others(aeon_type kv_type, aeon_rope_mode rope, size_t n_pinned)
{
    aeon_session_params p = {.rope = rope, .window = AEON_WINDOW_SLIDE};
    aeon_engine *e = open_engine(kv_type, 8, true), *apart = make_engine(kv_type);
    aeon_session *s = make_session(e, p), *lone = make_session(apart, p);
    aeon_session *fork = NULL, *full = NULL, *slid = NULL;
    begin_talk(s, 5);
    begin_talk(lone, 6);
    CHECK_OK(aeon_session_fork(&fork, s, &err));
    say_turn(s, 5);
    CHECK_OK(aeon_session_pin(s, n_pinned, &err));
    CHECK_OK(aeon_session_pin(lone, n_pinned, &err));
    CHECK_OK(aeon_session_fork(&full, s, &err));
    assert_int_equal(aeon_engine_stats_get(e).n_prefix_pages, N_PAGES);
    assert_int_equal(aeon_session_stats_get(full).n_shared_pages, N_PAGES);

    char *before = copy_pages(full);
    say_turn(s, 6);
    say_turn(lone, 6);
    check_same_logits(s, lone);
    check_parted(s, full, n_pinned, before);
    check_holders(e);
    CHECK_OK(aeon_session_fork(&slid, s, &err));
    for (size_t k = 7; k < 14; k++) {
        say_turn(s, k);
        say_turn(lone, k);
        check_same_logits(s, lone);
        check_holders(e);
    }
    check_parted(s, full, n_pinned, before);
    free(before);

    check_exact(fork);
    check_later(e, fork, N_PAGES * PAGE - PAGE);
    check_later(e, s, n_pinned / PAGE * PAGE); /* moved keys are not remembered */
    for (size_t k = 6; k < 9; k++) {
        say_turn(full, k);
        if (k > 6) say_turn(slid, k);
        check_same_logits(full, slid);
    }
    check_later(e, fork, N_PAGES * PAGE - PAGE);

    aeon_session_free(full);
    aeon_session_free(slid);
    aeon_session_free(fork);
    aeon_session_free(s);
    check_holders(e);
    assert_int_equal(aeon_engine_stats_get(e).n_forgotten, 0);
    aeon_engine_forget(e);
    assert_int_equal(aeon_engine_stats_get(e).n_free_pages, aeon_engine_stats_get(e).n_pages);
    aeon_engine_free(e);
    close_both(apart, lone);
}

/* Whoever slides moves copies: forks and the tree keep their bits, whether the first page that
 * moves is moved as a whole or from its middle on. */
static void shared_pages_are_copied_before_they_move(void **state)
{
    (void)state;
    const aeon_type types[] = {AEON_TYPE_F32, AEON_TYPE_F16, AEON_TYPE_BF16, AEON_TYPE_Q8_0};
    const size_t pins[] = {N_SYSTEM, 2 * PAGE, 85};
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 3; k++)
            slide_among_others(types[i], k % 2 ? AEON_ROPE_LONG : AEON_ROPE_AUTO, pins[k]);
    assert_int_equal(ae_mem_current(AE_MEM_KV), 0);
}

/* ---- compact --------------------------------------------------------------------------------- */

typedef struct {
    size_t n_calls, n_asked, n_given;
    int32_t first;
    bool fails;
} secretary;

static aeon_status summarize(void *user, const int32_t *dropped, size_t n, size_t n_max,
                             aeon_tokens *summary, aeon_error *e)
{
    secretary *s = user;
    s->n_calls++;
    s->n_asked = n;
    s->first = dropped[0];
    assert_true(n_max == N_CTX / 8);
    if (s->fails) return ae_fail(e, AEON_IO, "no ink");
    return aeon_tokens_append(summary, ids + 1900, s->n_given, e);
}

static void a_summary_takes_the_place_of_turns(void **state)
{
    (void)state;
    secretary clerk = {.n_given = 7};
    aeon_engine *e = make_engine(AEON_TYPE_F16);
    aeon_session *s = make_session(
        e,
        (aeon_session_params){.window = AEON_WINDOW_COMPACT, .compact = summarize, .user = &clerk});
    begin_talk(s, 6);
    CHECK_OK(aeon_session_feed(s, ids + 1000, N_TURN, NULL, &err));
    aeon_session_stats stats = aeon_session_stats_get(s);
    assert_int_equal(clerk.n_calls, 1);
    assert_int_equal(clerk.n_asked, stats.n_dropped);
    assert_int_equal(clerk.first, ids[100]);
    assert_int_equal(stats.n_summary, 7);
    assert_true(stats.is_exact);
    check_ids(s, 0, ids, N_SYSTEM);
    check_ids(s, N_SYSTEM, ids + 1900, 7);
    check_ids(s, N_SYSTEM + 7, ids + 100 + stats.n_dropped, stats.n_past - N_SYSTEM - 7 - N_TURN);
    check_exact(s);

    /* The summary is dropped with the turns behind it, and the secretary sees it. */
    for (size_t k = 20; clerk.n_calls < 2; k++) say_turn(s, k);
    assert_int_equal(clerk.first, ids[1900]);
    check_exact(s);

    clerk.fails = true;
    size_t n = aeon_session_stats_get(s).n_past;
    CHECK_FAILS(aeon_session_feed(s, ids, N_CTX - n + 1, NULL, &err), AEON_IO);
    assert_int_equal(aeon_session_stats_get(s).n_past, n);
    check_exact(s);
    clerk = (secretary){.n_given = N_CTX / 8 + 1};
    CHECK_FAILS(aeon_session_feed(s, ids, N_CTX - n + 1, NULL, &err), AEON_INVALID_ARGUMENT);
    int32_t last = ids[1900];
    ids[1900] = -100000000;
    clerk = (secretary){.n_given = 1};
    CHECK_FAILS(aeon_session_feed(s, ids, N_CTX - n + 1, NULL, &err), AEON_INVALID_ARGUMENT);
    ids[1900] = last;
    check_exact(s);
    close_both(e, s);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void an_answer_goes_on_as_the_policy_says(void **state)
{
    (void)state;
    const struct {
        aeon_window window;
        aeon_finish finish;
    } rows[] = {{AEON_WINDOW_ERROR, AEON_FINISH_CONTEXT},
                {AEON_WINDOW_STOP, AEON_FINISH_LENGTH},
                {AEON_WINDOW_SLIDE, AEON_FINISH_LENGTH},
                {AEON_WINDOW_COMPACT, AEON_FINISH_LENGTH}};
    for (size_t i = 0; i < 4; i++) {
        aeon_engine *e = make_engine(AEON_TYPE_F16);
        aeon_session *s = make_session(e, (aeon_session_params){.window = rows[i].window});
        aeon_sampler *sampler = NULL;
        aeon_sampler_params how = aeon_sampler_params_default();
        how.temperature = 0;
        CHECK_OK(aeon_sampler_new(&sampler, &how, aeon_model_describe(model)->n_vocab, &err));
        begin_talk(s, 3);
        aeon_generate_result r;
        aeon_generate_params p = {.n_max = 3 * N_CTX, .ignore_stop_ids = true};
        size_t n_free = N_CTX - s->n;
        CHECK_OK(aeon_session_generate(s, sampler, &p, &r, &err));
        assert_int_equal(r.finish, rows[i].finish);
        bool goes_on = rows[i].window >= AEON_WINDOW_SLIDE;
        assert_int_equal(r.n_tokens, goes_on ? 3 * N_CTX : n_free);
        assert_true(goes_on == (s->n_dropped > 0));
        check_ids(s, 0, ids, N_SYSTEM);
        aeon_sampler_free(sampler);
        close_both(e, s);
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    secretary clerk = {.n_given = 7};
    for (int policy = AEON_WINDOW_SLIDE; policy <= AEON_WINDOW_COMPACT; policy++) {
        aeon_engine *e = make_engine(AEON_TYPE_F16);
        aeon_session *s = make_session(e, (aeon_session_params){.window = (aeon_window)policy,
                                                                .compact = summarize,
                                                                .user = &clerk});
        begin_talk(s, 6);
        aeon_status status = AEON_OUT_OF_MEMORY;
        size_t kept = 2 * (aeon_model_describe(model)->n_vocab * sizeof(float) + 256);
        for (uint64_t k = 1; status != AEON_OK; k++) {
            aeon_session *fork = NULL;
            size_t before = aeon_memory_stats_get().current_bytes;
            ae_mem_fail_at(k, false);
            status = aeon_session_fork(&fork, s, &err);
            if (status == AEON_OK) status = aeon_session_feed(fork, ids, 20, NULL, &err);
            if (status == AEON_OK) status = aeon_session_rebuild(fork, &err);
            ae_mem_fail_at(0, false);
            assert_true(status == AEON_OK || status == AEON_OUT_OF_MEMORY);
            aeon_session_free(fork);
            size_t after = aeon_memory_stats_get().current_bytes;
            assert_true(after <= before + kept); /* buffers for logits are kept */
        }
        assert_int_equal(aeon_engine_stats_get(e).n_sessions, 1);
        check_exact(s);
        close_both(e, s);
    }
    assert_int_equal(ae_mem_current(AE_MEM_KV), 0);
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
    for (int i = 0; i < N_IDS; i++)
        ids[i] = (int32_t)(check_random(&random) % aeon_model_describe(model)->n_vocab);
    return unlink(path);
}

static int close_model(void **state)
{
    (void)state;
    aeon_model_close(model);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_refusals),
        cmocka_unit_test(the_oldest_turns_go_the_pinned_stay),
        cmocka_unit_test(a_slide_touches_no_other_timeline),
        cmocka_unit_test(moved_keys_are_those_of_their_new_place),
        cmocka_unit_test(rebuilt_the_talk_is_exact_again),
        cmocka_unit_test(a_window_needs_no_more_than_the_context),
        cmocka_unit_test(shared_pages_are_copied_before_they_move),
        cmocka_unit_test(a_summary_takes_the_place_of_turns),
        cmocka_unit_test(an_answer_goes_on_as_the_policy_says),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("window", tests, open_model, close_model);
}
