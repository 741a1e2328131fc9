/* window.c - room in a timeline that is full.
 *
 *     [ pinned | summary | turn | turn | turn | ... | last turn ]
 *                          `-- dropped, whole turns --'
 *
 * window: keys of what remains move to earlier positions (StreamingLLM, arXiv:2309.17453; the first
 * tokens stay, as attention leans on them). They have seen what is gone: nearly right, and marked
 * so until rebuilt. compact: what remains is computed anew behind the summary. */
#include "engine/engine.h"

#include "base/mem.h"
#include "model/model.h"
#include "model/shift.h"

#include <string.h>

enum { N_SINKS = 4, MOST_SUMMARY = 256 };

static const char *const names[] = {"error", "stop", "window", "compact"};

const char *aeon_window_name(aeon_window w)
{
    return (size_t)w < AE_COUNT(names) ? names[w] : NULL;
}

bool aeon_window_find(const char *name, aeon_window *out)
{
    for (size_t i = 0; i < AE_COUNT(names); i++)
        if (strcmp(name, names[i]) == 0) {
            *out = (aeon_window)i;
            return true;
        }
    return false;
}

/* ---- turns ----------------------------------------------------------------------------------- */

aeon_status aeon_session_pin(aeon_session *s, size_t n, aeon_error *err)
{
    if (n > s->n)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "cannot pin %zu of %zu tokens", n, s->n);
    s->n_pinned = n;
    return AEON_OK;
}

aeon_status aeon_session_begin_turn(aeon_session *s, size_t pos, aeon_error *err)
{
    if (pos > s->n || (s->n_turns && pos <= s->turns[s->n_turns - 1]))
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "a turn can't begin at %zu: it must be after the last one, and at most %zu",
                       pos, s->n);
    size_t *turns =
        ae_mem_room(AE_MEM_OTHER, s->turns, s->n_turns, &s->turns_cap, sizeof *s->turns);
    if (!turns) return ae_fail_memory(err, s->n_turns * sizeof *turns, "the turns of a talk");
    s->turns = turns;
    s->turns[s->n_turns++] = pos;
    return AEON_OK;
}

void ae_session_cut_turns(aeon_session *s, size_t n)
{
    while (s->n_turns && s->turns[s->n_turns - 1] >= n) s->n_turns--;
    if (n < s->n_pinned) s->n_pinned = 0;
    if (n < s->n_pinned + s->n_summary) s->n_summary = 0;
}

/* ---- what goes ------------------------------------------------------------------------------- */

typedef struct {
    size_t begin, end; /* tokens to drop */
    size_t n_turns;    /* whole ones among them */
} gap;

static size_t most_summary(const aeon_session *s)
{
    if (s->window != AEON_WINDOW_COMPACT || !s->compact) return 0;
    return s->n_ctx / 8 < MOST_SUMMARY ? s->n_ctx / 8 : MOST_SUMMARY;
}

/* The tokens to drop so that n more fit, and for a while others after them: whole turns, or if the
 * last alone is too long, the oldest of its tokens. */
static gap find_gap(const aeon_session *s, size_t n)
{
    gap g = {.begin = s->n_pinned < N_SINKS ? N_SINKS : s->n_pinned};
    size_t n_wanted = s->n + n + most_summary(s), n_spare = s->n_ctx / 4;
    size_t n_least = n_wanted > s->n_ctx ? n_wanted - s->n_ctx : 0;
    g.end = g.begin;
    for (size_t i = 0; i < s->n_turns && g.end - g.begin < n_least + n_spare; i++)
        if (s->turns[i] > g.begin) {
            g.end = s->turns[i];
            g.n_turns = i; /* those that began before */
        }
    if (g.end - g.begin < n_least) {
        g.end = g.begin + n_least + n_spare;
        if (g.end > s->n) g.end = g.begin + n_least;
        g.n_turns = s->n_turns ? s->n_turns - 1 : 0;
    }
    return g;
}

static aeon_status refuse(const aeon_session *s, size_t n, aeon_error *err)
{
    return ae_fail(err, AEON_CONTEXT_FULL,
                   "%zu tokens after %zu do not fit into a context of %zu; shorten the prompt or "
                   "raise --ctx",
                   n, s->n, s->n_ctx);
}

/* ---- dropping -------------------------------------------------------------------------------- */

/* Put n ids in the place of the gap, in the lists; keys and values are the caller's business. */
static void close_gap(aeon_session *s, gap g, const int32_t *ids, size_t n)
{
    memmove(s->ids + g.begin + n, s->ids + g.end, (s->n - g.end) * sizeof *s->ids);
    if (n) memcpy(s->ids + g.begin, ids, n * sizeof *ids);
    size_t n_gone = g.end - g.begin, n_left = 0;
    for (size_t i = 0; i < s->n_turns; i++)
        if (s->turns[i] >= g.end) s->turns[n_left++] = s->turns[i] - n_gone + n;
    s->n_turns = n_left;
    s->n = s->n - n_gone + n;
    s->n_dropped += n_gone;
    s->n_dropped_turns += g.n_turns;
}

static aeon_status slide(aeon_session *s, gap g, aeon_error *err)
{
    aeon_engine *e = s->engine;
    ae_session_stop_rebuilding(s);
    if (s->n_computed > g.end) {
        size_t n_moved = s->n_computed - g.end;
        ae_engine_free_pages(e, &s->kv, g.begin, n_moved);
        TRY(ae_kv_part(&s->kv, g.begin, n_moved, err));
        ae_kv_shift(&s->kv, ae_model_config(e->model), s->rope_set, g.begin, g.end, s->n_computed,
                    e->pool);
        s->n_computed -= g.end - g.begin;
        if (s->n_exact > g.begin) s->n_exact = g.begin;
    } else {
        ae_session_forget(s, g.begin);
    }
    bool has_logits = s->n_logits == s->n;
    close_gap(s, g, NULL, 0);
    s->n_logits = has_logits ? s->n : 0;
    return AEON_OK;
}

static aeon_status compact(aeon_session *s, gap g, aeon_error *err)
{
    aeon_tokens summary = {0};
    size_t n_max = most_summary(s);
    aeon_status status = AEON_OK;
    s->engine->is_stepping = true; /* whoever writes a summary leaves the session alone */
    if (s->compact)
        status =
            s->compact(s->compact_user, s->ids + g.begin, g.end - g.begin, n_max, &summary, err);
    s->engine->is_stepping = false;
    if (status == AEON_OK && summary.n > n_max)
        status = ae_fail(err, AEON_INVALID_ARGUMENT, "a summary of %zu tokens; at most %zu",
                         summary.n, n_max);
    if (status == AEON_OK) status = ae_session_check_ids(s, summary.ids, summary.n, err);
    if (status == AEON_OK) {
        ae_session_stop_rebuilding(s);
        s->n_recomputed += s->n_computed > g.end ? s->n_computed - g.end : 0;
        ae_session_forget(s, g.begin);
        close_gap(s, g, summary.ids, summary.n);
        s->n_summary = summary.n;
        s->n_logits = 0;
    }
    aeon_tokens_release(&summary);
    return status;
}

aeon_status ae_session_make_room(aeon_session *s, size_t n, aeon_error *err)
{
    if (n <= s->n_ctx - s->n) return AEON_OK;
    bool may_drop = s->window == AEON_WINDOW_SLIDE || s->window == AEON_WINDOW_COMPACT;
    if (!may_drop || s->is_waiting || s->engine->is_stepping) return refuse(s, n, err);
    gap g = find_gap(s, n);
    if (g.end > s->n) return refuse(s, n, err);
    return s->window == AEON_WINDOW_SLIDE ? slide(s, g, err) : compact(s, g, err);
}

/* ---- rebuilding ------------------------------------------------------------------------------ */

void ae_session_stop_rebuilding(aeon_session *s)
{
    aeon_session *copy = s->rebuilt;
    if (s->rebuilds) s->rebuilds->rebuilt = NULL;
    s->rebuilds = s->rebuilt = NULL;
    if (copy) aeon_session_free(copy);
}

aeon_status aeon_session_rebuild(aeon_session *s, aeon_error *err)
{
    aeon_session *copy;
    TRY(ae_session_check_idle(s, err));
    if (s->n_exact >= s->n || s->rebuilt) return AEON_OK;
    TRY(ae_session_new(&copy, s->engine, s->n_ctx, s->rope, err));
    copy->rope_set = s->rope_set;
    copy->is_foreign = s->is_foreign;
    memcpy(copy->ids, s->ids, s->n_exact * sizeof *s->ids);
    copy->n = copy->n_computed = s->n_exact;
    ae_kv_share(&copy->kv, &s->kv, s->n_exact);
    aeon_status status = aeon_session_push(copy, s->ids + s->n_exact, s->n - s->n_exact, err);
    if (status != AEON_OK) {
        aeon_session_free(copy);
        return status;
    }
    s->rebuilt = copy;
    copy->rebuilds = s;
    return AEON_OK;
}

/* Is the copy still of use: the beginning of an inexact talk under the same factors? */
static bool is_of_use(const aeon_session *copy, const aeon_session *s)
{
    return copy->status == AEON_OK && s->n_exact != SIZE_MAX && copy->rope_set == s->rope_set &&
           copy->n <= s->n && memcmp(copy->ids, s->ids, copy->n * sizeof *s->ids) == 0;
}

/* The copy holds all that the talk holds: keys, values and logits change hands. */
static void change_places(aeon_session *copy, aeon_session *s)
{
    ae_kv kv = s->kv;
    ae_logits *logits = s->logits;
    s->kv = copy->kv;
    s->logits = copy->logits;
    copy->kv = kv;
    copy->logits = logits;
    s->n_computed = s->n_logits = s->n;
    s->n_exact = SIZE_MAX;
}

void ae_session_take_rebuilt(aeon_session *copy)
{
    aeon_session *s = copy->rebuilds;
    aeon_error reason;
    if (s->is_waiting) return; /* the talk goes on: the copy will follow */
    if (is_of_use(copy, s) && copy->n < s->n &&
        aeon_session_push(copy, s->ids + copy->n, s->n - copy->n, &reason) == AEON_OK)
        return;
    if (is_of_use(copy, s) && copy->n == s->n) change_places(copy, s);
    ae_session_stop_rebuilding(s);
}
