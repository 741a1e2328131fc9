/* session.c - one token timeline and the part of it that is computed. */
#include "engine/engine.h"

#include "base/mem.h"
#include "model/model.h"

#include <string.h>

/* ---- birth and death ------------------------------------------------------------------------- */

aeon_session_params aeon_session_params_default(void)
{
    return (aeon_session_params){.rope = AEON_ROPE_AUTO};
}

/* The longest timeline that the model and the rope mode allow. */
static size_t longest_ctx(const ae_config *c, aeon_rope_mode rope)
{
    return rope == AEON_ROPE_SHORT ? c->n_ctx_original : c->n_ctx_max;
}

static aeon_status check_params(const aeon_engine *e, const aeon_session_params *p, aeon_error *err)
{
    const ae_config *c = ae_model_config(e->model);
    if (p->rope != AEON_ROPE_AUTO && p->rope != AEON_ROPE_SHORT && p->rope != AEON_ROPE_LONG)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "unknown rope mode %d", (int)p->rope);
    if (!aeon_window_name(p->window))
        return ae_fail(err, AEON_INVALID_ARGUMENT, "unknown window policy %d", (int)p->window);
    size_t longest = longest_ctx(c, p->rope);
    size_t held = ae_kv_arena_n_pages(e->arena) * ae_kv_arena_page_tokens(e->arena);
    if (p->n_ctx > longest)
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "a context of %zu tokens; this model reaches %zu%s", p->n_ctx, longest,
                       longest < c->n_ctx_max ? " under the short rope factors" : "");
    if (p->n_ctx > held)
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "a context of %zu tokens; the engine was made to hold %zu", p->n_ctx, held);
    return AEON_OK;
}

static size_t default_ctx(const aeon_engine *e, aeon_rope_mode rope)
{
    size_t longest = longest_ctx(ae_model_config(e->model), rope);
    size_t held = ae_kv_arena_n_pages(e->arena) * ae_kv_arena_page_tokens(e->arena);
    size_t n = longest < AE_DEFAULT_CTX ? longest : AE_DEFAULT_CTX;
    return n < held ? n : held;
}

static void link_session(aeon_session *s)
{
    aeon_engine *e = s->engine;
    s->next = e->sessions;
    if (s->next) s->next->previous = s;
    e->sessions = s;
    e->n_sessions++;
}

static void unlink_session(aeon_session *s)
{
    if (s->next) s->next->previous = s->previous;
    if (s->previous)
        s->previous->next = s->next;
    else
        s->engine->sessions = s->next;
    s->engine->n_sessions--;
}

static aeon_status session_init(aeon_session *s, aeon_error *err)
{
    TRY(ae_kv_init(&s->kv, s->engine->arena, s->n_ctx, err));
    s->ids = ae_mem_alloc_array(AE_MEM_SCRATCH, s->n_ctx, sizeof *s->ids);
    if (!s->ids) return ae_fail_memory(err, s->n_ctx * sizeof *s->ids, "a session");
    return ae_logits_add(s->engine, err);
}

static void session_release(aeon_session *s)
{
    ae_kv_release(&s->kv);
    ae_mem_free(s->ids);
    ae_mem_free(s->turns);
    ae_snapshot_lock_free(s->lock);
    ae_mem_free(s);
}

aeon_status ae_session_new(aeon_session **out, aeon_engine *e, size_t n_ctx, aeon_rope_mode rope,
                           aeon_error *err)
{
    aeon_session *s = ae_mem_alloc(AE_MEM_OTHER, sizeof *s);
    if (!s) return ae_fail_memory(err, sizeof *s, "a session");
    *s = (aeon_session){.engine = e, .n_ctx = n_ctx, .rope = rope, .n_exact = SIZE_MAX};
    aeon_status status = session_init(s, err);
    if (status != AEON_OK) {
        session_release(s);
        return status;
    }
    if (ae_config_has_long_rope(ae_model_config(e->model)) && rope == AEON_ROPE_LONG)
        s->rope_set = AE_ROPE_SET_LONG;
    link_session(s);
    *out = s;
    return AEON_OK;
}

aeon_status aeon_session_new(aeon_session **out, aeon_engine *engine,
                             const aeon_session_params *params, aeon_error *err)
{
    aeon_session_params p = params ? *params : aeon_session_params_default();
    TRY(check_params(engine, &p, err));
    size_t n_ctx = p.n_ctx ? p.n_ctx : default_ctx(engine, p.rope);
    TRY(ae_session_new(out, engine, n_ctx, p.rope, err));
    (*out)->priority = p.priority;
    (*out)->window = p.window;
    (*out)->compact = p.compact;
    (*out)->compact_user = p.user;
    return AEON_OK;
}

void aeon_session_free(aeon_session *s)
{
    if (!s) return;
    AEON_ASSERT(!s->engine->is_stepping);
    ae_session_stop_rebuilding(s);
    ae_logits_drop(s->engine, s->logits);
    unlink_session(s);
    session_release(s);
}

static aeon_status check_not_stepping(const aeon_session *s, aeon_error *err)
{
    if (!s->engine->is_stepping) return AEON_OK;
    return ae_fail(err, AEON_INVALID_ARGUMENT,
                   "the engine is in the middle of a step; wait for its end");
}

aeon_status ae_session_check_idle(const aeon_session *s, aeon_error *err)
{
    TRY(check_not_stepping(s, err));
    if (!s->is_waiting) return AEON_OK;
    return ae_fail(err, AEON_INVALID_ARGUMENT,
                   "%zu tokens of the session still wait; step until they are computed, or cancel "
                   "them",
                   s->n - s->n_computed);
}

/* What a fork has of its own from the start. */
static aeon_status copy_turns(aeon_session *fork, const aeon_session *s, aeon_error *err)
{
    for (size_t i = 0; i < s->n_turns; i++) TRY(aeon_session_begin_turn(fork, s->turns[i], err));
    return AEON_OK;
}

static void copy_timeline(aeon_session *fork, const aeon_session *s)
{
    fork->rope_set = s->rope_set;
    fork->n = s->n;
    fork->n_computed = s->n_computed;
    fork->n_recomputed = s->n_recomputed;
    memcpy(fork->ids, s->ids, fork->n * sizeof *s->ids);
    ae_kv_share(&fork->kv, &s->kv, fork->n_computed);
    if (aeon_session_logits(s)) {
        fork->logits = s->logits;
        fork->logits->n_holders++;
        fork->n_logits = s->n_logits;
    }
}

static void copy_ways(aeon_session *fork, const aeon_session *s)
{
    fork->priority = s->priority;
    fork->window = s->window;
    fork->compact = s->compact;
    fork->compact_user = s->compact_user;
    fork->n_pinned = s->n_pinned;
    fork->n_summary = s->n_summary;
    fork->n_dropped = s->n_dropped;
    fork->n_dropped_turns = s->n_dropped_turns;
    fork->n_exact = s->n_exact;
    fork->is_foreign = s->is_foreign;
}

aeon_status aeon_session_fork(aeon_session **out, const aeon_session *s, aeon_error *err)
{
    aeon_session *fork;
    TRY(ae_session_check_idle(s, err));
    TRY(ae_session_new(&fork, s->engine, s->n_ctx, s->rope, err));
    copy_timeline(fork, s);
    copy_ways(fork, s);
    aeon_status status = copy_turns(fork, s, err);
    if (status != AEON_OK) {
        aeon_session_free(fork);
        return status;
    }
    *out = fork;
    return AEON_OK;
}

/* ---- appending ------------------------------------------------------------------------------- */

aeon_status ae_session_check_ids(const aeon_session *s, const int32_t *ids, size_t n,
                                 aeon_error *err)
{
    uint32_t n_vocab = ae_model_config(s->engine->model)->n_vocab;
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (uint32_t)ids[i] >= n_vocab)
            return ae_fail(err, AEON_INVALID_ARGUMENT,
                           "token id %d at place %zu; the vocabulary has 0 to %u", ids[i], i,
                           n_vocab - 1);
    return AEON_OK;
}

static aeon_status check_push(const aeon_session *s, const int32_t *ids, size_t n, aeon_error *err)
{
    TRY(check_not_stepping(s, err));
    if (n == 0) return ae_fail(err, AEON_INVALID_ARGUMENT, "no tokens to feed");
    return ae_session_check_ids(s, ids, n, err);
}

/* Does a timeline of n tokens have to leave the short factors? */
static bool crosses(const aeon_session *s, size_t n)
{
    const ae_config *c = ae_model_config(s->engine->model);
    return s->rope == AEON_ROPE_AUTO && s->rope_set == AE_ROPE_SET_SHORT &&
           ae_config_has_long_rope(c) && n > c->n_ctx_original;
}

void ae_session_forget(aeon_session *s, size_t n_keep)
{
    if (s->n_computed > n_keep) s->n_computed = n_keep;
    if (s->n_computed <= s->n_exact) s->n_exact = SIZE_MAX;
    if (s->n_computed == 0) s->is_foreign = false;
    ae_kv_shorten(&s->kv, s->n_computed);
}

static void go_back(aeon_session *s)
{
    s->n = s->n_before;
    s->n_pinned = s->pinned_before;
    ae_session_cut_turns(s, s->n);
    if (s->was_short) {
        s->rope_set = AE_ROPE_SET_SHORT;
        ae_session_forget(s, 0);
    }
    ae_session_forget(s, s->n);
    s->is_waiting = false;
}

void ae_session_fail(aeon_session *s, const aeon_error *reason)
{
    go_back(s);
    s->status = reason->code;
    s->error = *reason;
}

ae_prefix_key ae_session_prefix_key(const aeon_session *s)
{
    return (ae_prefix_key){.rope_set = s->rope_set, .adapter = 0};
}

/* Start behind what was computed before. The last token is computed in any case, for its logits,
 * and all are for somebody who wants the logits of each. */
static void reuse_prefix(aeon_session *s)
{
    ae_prefix *p = s->engine->prefixes;
    bool wants_all = s->feed && s->feed->on_logits;
    if (!p || s->n_computed || s->rebuilds || wants_all) return;
    s->n_computed = ae_prefix_find(p, ae_session_prefix_key(s), s->ids, s->n - 1, &s->kv);
}

aeon_status aeon_session_push(aeon_session *s, const int32_t *ids, size_t n, aeon_error *err)
{
    TRY(check_push(s, ids, n, err));
    TRY(ae_session_make_room(s, n, err));
    if (!s->is_waiting) {
        s->is_waiting = true;
        s->was_short = false;
        s->n_before = s->n;
        s->pinned_before = s->n_pinned;
        s->turn = s->engine->n_pushes++;
    }
    if (crosses(s, s->n + n)) {
        s->was_short = true;
        s->rope_set = AE_ROPE_SET_LONG;
        s->n_recomputed += s->n_computed;
        ae_session_forget(s, 0);
    }
    memcpy(s->ids + s->n, ids, n * sizeof *ids);
    s->n += n;
    s->status = AEON_OK;
    reuse_prefix(s);
    return AEON_OK;
}

void aeon_session_cancel(aeon_session *s)
{
    AEON_ASSERT(!s->engine->is_stepping);
    if (s->is_waiting) go_back(s);
    s->status = AEON_OK;
}

aeon_status aeon_session_feed(aeon_session *s, const int32_t *ids, size_t n,
                              const aeon_feed_params *params, aeon_error *err)
{
    static const aeon_feed_params none;
    const aeon_feed_params *p = params ? params : &none;
    TRY(ae_session_check_idle(s, err));
    s->feed = p;
    aeon_status status = aeon_session_push(s, ids, n, err);
    if (status != AEON_OK) {
        s->feed = NULL;
        return status;
    }
    size_t begin = s->n_computed, n_all = s->n - begin;
    while (s->is_waiting) {
        size_t n_done = s->n_computed - begin;
        if (p->progress && n_all > s->engine->n_chunk &&
            !p->progress(p->user, "reading", (double)n_done / (double)n_all)) {
            aeon_error reason;
            ae_fail(&reason, AEON_CANCELLED, "cancelled after %zu of %zu tokens", n_done, n_all);
            ae_session_fail(s, &reason);
            break;
        }
        aeon_engine_step(s->engine);
    }
    s->feed = NULL;
    return s->status == AEON_OK ? AEON_OK : ae_fail(err, s->status, "%s", s->error.text);
}

void ae_session_append(aeon_session *s, int32_t id)
{
    AEON_ASSERT(s->n < s->n_ctx && !s->is_waiting);
    s->ids[s->n++] = id;
    s->n_logits = 0;
}

aeon_status aeon_session_rewind(aeon_session *s, size_t n_keep, aeon_error *err)
{
    TRY(check_not_stepping(s, err));
    aeon_session_cancel(s);
    if (n_keep > s->n)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "cannot keep %zu of %zu tokens", n_keep, s->n);
    if (n_keep && n_keep < s->n_pinned)
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "cannot keep %zu tokens: %zu are pinned; keep these, or none", n_keep,
                       s->n_pinned);
    if (n_keep == 0 && s->rope == AEON_ROPE_AUTO) s->rope_set = AE_ROPE_SET_SHORT;
    if (n_keep == s->n) return AEON_OK;
    s->n = n_keep;
    s->n_logits = 0;
    ae_session_cut_turns(s, n_keep);
    ae_session_forget(s, n_keep);
    return AEON_OK;
}

/* ---- looking --------------------------------------------------------------------------------- */

aeon_session_state aeon_session_state_get(const aeon_session *s)
{
    if (s->is_waiting) return AEON_SESSION_WAITING;
    if (s->status != AEON_OK) return AEON_SESSION_FAILED;
    return aeon_session_logits(s) ? AEON_SESSION_READY : AEON_SESSION_IDLE;
}

const aeon_error *aeon_session_error(const aeon_session *s)
{
    return s->status == AEON_OK ? NULL : &s->error;
}

const float *aeon_session_logits(const aeon_session *s)
{
    return s->n_logits && s->n_logits == s->n && !s->is_waiting ? s->logits->values : NULL;
}

const int32_t *aeon_session_ids(const aeon_session *s, size_t *n)
{
    *n = s->n;
    return s->ids;
}

aeon_session_stats aeon_session_stats_get(const aeon_session *s)
{
    const ae_kv_arena *arena = s->engine->arena;
    size_t n_shared = 0;
    for (size_t i = 0; i < s->kv.n_pages; i++)
        n_shared += ae_kv_page_n_holders(arena, s->kv.pages[i]) > 1;
    return (aeon_session_stats){
        .n_past = s->n,
        .n_ctx = s->n_ctx,
        .n_pages = s->kv.n_pages,
        .n_shared_pages = n_shared,
        .kv_bytes = s->kv.n_pages * ae_kv_arena_page_bytes(arena),
        .kv_bytes_per_token = ae_kv_arena_page_bytes(arena) / ae_kv_arena_page_tokens(arena),
        .n_pinned = s->n_pinned,
        .n_turns = s->n_turns,
        .n_dropped = s->n_dropped,
        .n_dropped_turns = s->n_dropped_turns,
        .n_summary = s->n_summary,
        .is_exact = s->n_exact == SIZE_MAX,
        .is_locked = s->lock != NULL,
        .is_long_rope = s->rope_set == AE_ROPE_SET_LONG,
        .n_recomputed = s->n_recomputed,
    };
}

const aeon_model *ae_session_model(const aeon_session *s)
{
    return s->engine->model;
}
