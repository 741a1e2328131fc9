/* step.c - one pass through the model for the sessions that wait.
 *
 * Sessions that speak wait for one token each and all come along. What room remains is for prompts,
 * the most urgent first, and beside sessions that speak so little of them that nobody has to wait
 * long (pace.h). How the work is cut changes no bit of any result. */
#include "engine/engine.h"

#include "base/file.h"
#include "model/model.h"

#include <string.h>

static size_t n_left(const aeon_session *s)
{
    return s->n - s->n_computed;
}

/* ---- who comes along ------------------------------------------------------------------------- */

/* Put the next n tokens of a session into the step. False: there are no pages, and it has failed.
 */
static bool take(aeon_engine *e, aeon_session *s, size_t n)
{
    aeon_error reason;
    ae_engine_free_pages(e, &s->kv, s->n_computed, n);
    if (ae_kv_grow(&s->kv, s->n_computed, n, &reason) != AEON_OK) {
        ae_session_fail(s, &reason);
        return false;
    }
    e->spans[e->n_members] = (ae_span){.kv = &s->kv,
                                       .ids = s->ids + s->n_computed,
                                       .pos = s->n_computed,
                                       .n = n,
                                       .rope_set = s->rope_set};
    e->members[e->n_members++] = s;
    e->n_tokens += n;
    return true;
}

static bool is_more_urgent(const aeon_session *a, const aeon_session *b)
{
    return a->priority != b->priority ? a->priority > b->priority : a->turn < b->turn;
}

static bool is_member(const aeon_engine *e, const aeon_session *s)
{
    for (size_t i = 0; i < e->n_members; i++)
        if (e->members[i] == s) return true;
    return false;
}

/* The most urgent session that waits for one token, or for several, and is not in the step yet.
 * Copies that are rebuilt are nobody's concern while others wait. */
static aeon_session *most_urgent(const aeon_engine *e, bool speaks)
{
    aeon_session *best = NULL;
    for (aeon_session *s = e->sessions; s; s = s->next)
        if (s->is_waiting && !s->rebuilds && (n_left(s) == 1) == speaks &&
            (!best || is_more_urgent(s, best)) && !is_member(e, s))
            best = s;
    return best;
}

static aeon_session *first_rebuilding(const aeon_engine *e)
{
    aeon_session *s = e->sessions;
    while (s && !(s->rebuilds && s->is_waiting)) s = s->next;
    return s;
}

/* How much of the prompts goes into this step. */
static size_t room_for_prompts(const aeon_engine *e)
{
    size_t room = e->n_chunk - e->n_tokens;
    if (!e->n_speaking) return room;
    size_t beside = ae_pace_room(&e->pace, e->n_speaking);
    return room < beside ? room : beside;
}

static void choose(aeon_engine *e)
{
    aeon_session *s;
    e->n_members = e->n_tokens = 0;
    while (e->n_tokens < e->n_chunk && (s = most_urgent(e, true))) take(e, s, 1);
    e->n_speaking = e->n_members;
    size_t room = room_for_prompts(e);
    while (room && (s = most_urgent(e, false))) {
        size_t n = n_left(s) < room ? n_left(s) : room;
        if (take(e, s, n)) room -= n;
    }
    if (!e->n_members && (s = first_rebuilding(e)))
        take(e, s, n_left(s) < e->n_chunk ? n_left(s) : e->n_chunk);
}

/* ---- logits ---------------------------------------------------------------------------------- */

/* With their peaks. */
static size_t logits_len(const aeon_engine *e)
{
    return ae_logits_len(ae_model_config(e->model)->n_vocab);
}

static void keep_logits(aeon_session *s, const float *logits)
{
    memcpy(ae_session_own_logits(s), logits, logits_len(s->engine) * sizeof *logits);
    s->n_logits = s->n;
}

/* Give a feed the logits of its tokens in this span, which begin at the step's token `first`. */
static aeon_status give_logits(aeon_session *s, const ae_span *span, size_t first, aeon_error *err)
{
    aeon_engine *e = s->engine;
    const aeon_feed_params *p = s->feed;
    size_t skipped = s->n_before > span->pos ? s->n_before - span->pos : 0, n_tile;
    for (size_t i = skipped; i < span->n; i += n_tile) {
        size_t tokens[AE_LOGITS_TILE];
        n_tile = span->n - i < AE_LOGITS_TILE ? span->n - i : AE_LOGITS_TILE;
        float *tile[AE_LOGITS_TILE];
        for (size_t k = 0; k < n_tile; k++) {
            tokens[k] = first + i + k;
            tile[k] = e->tile + k * logits_len(e);
        }
        ae_forward_logits(e->forward, tokens, n_tile, tile);
        for (size_t k = 0; k < n_tile; k++) {
            size_t pos = span->pos + i + k;
            const float *logits = tile[k];
            if (!p->on_logits(p->user, pos, logits))
                return ae_fail(err, AEON_CANCELLED, "cancelled at token %zu", pos);
            if (pos + 1 == s->n) keep_logits(s, logits);
        }
    }
    return AEON_OK;
}

/* ---- the step -------------------------------------------------------------------------------- */

/* A session that has computed all its tokens takes its logits along, unless a feed was given them.
 */
static void settle(aeon_engine *e)
{
    size_t first = 0, n_last = 0;
    for (size_t i = 0; i < e->n_members; i++) {
        aeon_session *s = e->members[i];
        const ae_span *span = &e->spans[i];
        aeon_error reason;
        s->n_computed += span->n;
        bool gives = s->feed && s->feed->on_logits, is_over = s->n_computed == s->n;
        if (gives && give_logits(s, span, first, &reason) != AEON_OK) {
            ae_session_fail(s, &reason);
        } else if (is_over) {
            s->is_waiting = false;
            if (!gives) {
                e->last_logits[n_last] = ae_session_own_logits(s);
                e->last_tokens[n_last++] = first + span->n - 1;
                s->n_logits = s->n;
            }
        }
        first += span->n;
    }
    if (n_last) ae_forward_logits(e->forward, e->last_tokens, n_last, e->last_logits);
}

/* Remember beginnings that end with a full page. */
static void remember(aeon_engine *e)
{
    size_t page_tokens = ae_kv_arena_page_tokens(e->arena);
    for (size_t i = 0; i < e->n_members && e->prefixes; i++) {
        aeon_session *s = e->members[i];
        size_t n = s->n_computed, n_before = e->spans[i].pos;
        bool is_pure = !s->is_foreign && s->n_exact == SIZE_MAX;
        if (is_pure && n / page_tokens > n_before / page_tokens)
            ae_prefix_add(e->prefixes, ae_session_prefix_key(s), s->ids, n, &s->kv);
    }
}

static void take_rebuilt(aeon_engine *e)
{
    for (aeon_session *s = e->sessions; s; s = s->next)
        if (s->rebuilt && !s->rebuilt->is_waiting) ae_session_take_rebuilt(s->rebuilt);
}

size_t aeon_engine_step(aeon_engine *e)
{
    AEON_ASSERT(!e->is_stepping);
    choose(e);
    take_rebuilt(e); /* a copy that found no page ends here */
    if (!e->n_members) return 0;
    double start = ae_clock_s();
    e->is_stepping = true;
    ae_forward_run(e->forward, &(ae_batch){e->spans, e->n_members});
    settle(e);
    e->is_stepping = false;
    remember(e);
    take_rebuilt(e);
    ae_pace_learn(&e->pace, e->n_speaking, e->n_tokens - e->n_speaking, ae_clock_s() - start);
    return e->n_tokens;
}
