/* generate.c - the loop of an answer: pick, show, feed.
 *
 * Text that could still become a stop string is held back: `pending` always starts at the first
 * byte not yet given out. */
#include "engine/engine.h"

#include "base/file.h"

#include <string.h>

/* Pending text starts with this much room: enough for a long token after most of a long stop
 * string, so that the loop allocates nothing. */
static const char room[1024];

typedef struct {
    aeon_session *session;
    aeon_sampler *sampler;
    const aeon_generate_params *params;
    aeon_generate_result *result;
    aeon_detokenizer detokenizer;
    aeon_text pending;
    aeon_error *err;
} generation;

const char *aeon_finish_name(aeon_finish f)
{
    static const char *const names[] = {"stop", "length", "context", "cancel"};
    return (size_t)f < AE_COUNT(names) ? names[f] : "unknown";
}

/* ---- stop strings ---------------------------------------------------------------------------- */

/* Length of the text before the first stop string; -1 if there is none. */
static ptrdiff_t find_stop(const generation *g)
{
    for (size_t at = 0; at < g->pending.len; at++)
        for (size_t i = 0; i < g->params->n_stops; i++) {
            size_t len = strlen(g->params->stops[i]);
            if (len <= g->pending.len - at &&
                memcmp(g->pending.data + at, g->params->stops[i], len) == 0)
                return (ptrdiff_t)at;
        }
    return -1;
}

/* Length of the longest end of the text that begins a stop string. */
static size_t held_back(const generation *g)
{
    size_t longest = 0;
    for (size_t i = 0; i < g->params->n_stops; i++) {
        size_t len = strlen(g->params->stops[i]) - 1;
        if (len > g->pending.len) len = g->pending.len;
        for (; len > longest; len--)
            if (memcmp(g->pending.data + g->pending.len - len, g->params->stops[i], len) == 0)
                longest = len;
    }
    return longest;
}

/* Give out the first len bytes of the pending text. False: the caller wants to stop. */
static bool give_out(generation *g, size_t len)
{
    bool goes_on = !g->params->on_text || g->params->on_text(g->params->user, g->pending.data, len);
    memmove(g->pending.data, g->pending.data + len, g->pending.len - len + 1);
    g->pending.len -= len;
    return goes_on;
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* Show a picked token. *is_over when the answer ends here, with the reason in the result. */
static aeon_status show(generation *g, int32_t id, bool *is_over)
{
    *is_over = true;
    if (!g->params->ignore_stop_ids && aeon_model_is_stop(ae_session_model(g->session), id)) {
        g->result->finish = AEON_FINISH_STOP;
        return AEON_OK;
    }
    TRY(aeon_detokenizer_push(&g->detokenizer, id, &g->pending, g->err));
    ptrdiff_t stop = find_stop(g);
    if (stop >= 0) {
        g->pending.data[stop] = 0;
        g->pending.len = (size_t)stop;
        g->detokenizer.n_held = 0; /* what begins after a stop string is not shown */
        g->result->finish = AEON_FINISH_STOP;
        return AEON_OK;
    }
    if (!give_out(g, g->pending.len - held_back(g))) {
        g->result->finish = AEON_FINISH_CANCEL;
        return AEON_OK;
    }
    if (g->params->n_max && g->result->n_tokens >= g->params->n_max) {
        g->result->finish = AEON_FINISH_LENGTH;
        return AEON_OK;
    }
    *is_over = false;
    return AEON_OK;
}

/* Room for the next token. A compaction takes the logits along: the last token gives them anew. */
static aeon_status make_room(generation *g)
{
    size_t n;
    aeon_session *s = g->session;
    TRY(ae_session_make_room(s, 1, g->err));
    if (aeon_session_logits(s)) return AEON_OK;
    int32_t last = aeon_session_ids(s, &n)[n - 1];
    TRY(aeon_session_rewind(s, n - 1, g->err));
    aeon_feed_params how = {.progress = g->params->progress, .user = g->params->user};
    return aeon_session_feed(s, &last, 1, &how, g->err);
}

/* A timeline that crosses to the long factors is computed anew: that may be cancelled. */
static aeon_status feed(generation *g, int32_t id, bool *is_over)
{
    aeon_feed_params how = {.progress = g->params->progress, .user = g->params->user};
    aeon_status status = aeon_session_feed(g->session, &id, 1, &how, g->err);
    if (status != AEON_CANCELLED) return status;
    g->result->finish = AEON_FINISH_CANCEL;
    *is_over = true;
    return AEON_OK;
}

static aeon_status loop(generation *g)
{
    double start = ae_clock_s();
    bool is_over = false;
    while (!is_over) {
        aeon_status status = make_room(g);
        if (status != AEON_OK) {
            if (status != AEON_CONTEXT_FULL) return status;
            g->result->finish =
                g->session->window == AEON_WINDOW_STOP ? AEON_FINISH_LENGTH : AEON_FINISH_CONTEXT;
            break;
        }
        const float *logits = aeon_session_logits(g->session);
        const float *peaks = logits + ae_sampler_n_vocab(g->sampler);
        int32_t id = ae_sampler_pick(g->sampler, logits, peaks);
        aeon_sampler_accept(g->sampler, id);
        if (++g->result->n_tokens == 1) g->result->first_ms = (ae_clock_s() - start) * 1e3;
        TRY(show(g, id, &is_over));
        if (!is_over) TRY(feed(g, id, &is_over));
        if (is_over) ae_session_append(g->session, id); /* computed only if the talk goes on */
    }
    TRY(aeon_detokenizer_flush(&g->detokenizer, &g->pending, g->err));
    if (g->pending.len && g->result->finish != AEON_FINISH_CANCEL && !give_out(g, g->pending.len))
        g->result->finish = AEON_FINISH_CANCEL;
    g->result->total_ms = (ae_clock_s() - start) * 1e3;
    return AEON_OK;
}

static aeon_status check_call(const aeon_session *s, const aeon_sampler *sampler,
                              const aeon_generate_params *params, aeon_error *err)
{
    size_t n_vocab = aeon_model_describe(ae_session_model(s))->n_vocab;
    if (!aeon_session_logits(s))
        return ae_fail(err, AEON_INVALID_ARGUMENT, "feed a prompt before generating");
    if (ae_sampler_n_vocab(sampler) != n_vocab)
        return ae_fail(err, AEON_MISMATCH, "a sampler for %zu tokens, a model with %zu",
                       ae_sampler_n_vocab(sampler), n_vocab);
    for (size_t i = 0; i < params->n_stops; i++) {
        unsigned char first = (unsigned char)params->stops[i][0];
        if (first == 0) return ae_fail(err, AEON_INVALID_ARGUMENT, "an empty stop string");
        if ((first & 0xC0) == 0x80)
            return ae_fail(err, AEON_INVALID_ARGUMENT,
                           "stop string %zu begins inside a UTF-8 character", i + 1);
    }
    return AEON_OK;
}

aeon_status aeon_session_generate(aeon_session *s, aeon_sampler *sampler,
                                  const aeon_generate_params *params, aeon_generate_result *result,
                                  aeon_error *err)
{
    static const aeon_generate_params none;
    if (!params) params = &none;
    TRY(check_call(s, sampler, params, err));

    aeon_generate_result r = {0};
    generation g = {.session = s, .sampler = sampler, .params = params, .result = &r, .err = err};
    size_t n;
    const aeon_tokenizer *tokenizer = aeon_model_tokenizer(ae_session_model(s));
    const int32_t *ids = aeon_session_ids(s, &n); /* has logits, hence n > 0 */
    g.detokenizer =
        (aeon_detokenizer){.tokenizer = tokenizer,
                           .with_control = params->with_control,
                           .not_first = !aeon_tokenizer_is_control(tokenizer, ids[n - 1])};
    aeon_status status = aeon_text_append(&g.pending, room, sizeof room, err);
    g.pending.len = 0;
    if (status == AEON_OK) status = loop(&g);
    aeon_text_release(&g.pending);
    if (status == AEON_OK) *result = r;
    return status;
}
