/* reading.c - windows in, numbers out. */
#include "eval/reading.h"

#include "eval/eval.h"
#include "eval/measure.h"

#include "aeon/engine.h"
#include "base/mem.h"
#include "base/pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 64, /* tokens read at a time: what the buffers hold, and how soon a stop is heard */
};

/* One model's seat at the text. */
typedef struct {
    const aeon_model_info *model;
    aeon_engine *engine;
    aeon_session *session; /* of the window */
    float *logits;         /* [CHUNK][n_vocab] of the chunk read last */
    float *next_row;       /* where the next go */
    size_t n_vocab;
} reader;

/* What is kept of a place, a list of all places each. */
typedef enum { LOSS, REFERENCE_LOSS, GAIN, KL, N_COLUMNS } column;

typedef struct {
    const aeon_model *model;
    const aeon_text_eval_params *params;
    aeon_text_eval *out;
    const ae_windows *windows;
    reader reader, reference;
    ae_pool *pool;
    double *columns[N_COLUMNS]; /* [n_wanted]; those of the reference may be NULL */
    size_t n_same_top;
    ae_place places[CHUNK]; /* of the chunk, */
    const int32_t *next;    /* the tokens that follow its own, */
    size_t n_places;        /* and how many */
} reading;

/* ---- readers --------------------------------------------------------------------------------- */

static aeon_status open_reader(reader *r, const reading *all, const aeon_model *model,
                               aeon_error *err)
{
    aeon_engine_params how = aeon_engine_params_default();
    how.n_threads = all->params->n_threads;
    how.n_chunk = CHUNK;
    how.n_kv_tokens = all->out->n_ctx;
    how.has_prefixes = false;
    if (all->params->has_kv_type) how.kv_type = all->params->kv_type;
    TRY(aeon_engine_new(&r->engine, model, &how, err));
    r->model = aeon_model_describe(model);
    r->n_vocab = r->model->n_vocab;
    r->logits = ae_mem_alloc_array(AE_MEM_SCRATCH, CHUNK * r->n_vocab, sizeof *r->logits);
    if (r->logits) return AEON_OK;
    return ae_fail_memory(err, CHUNK * r->n_vocab * sizeof *r->logits, "the logits of a text");
}

static void close_reader(reader *r)
{
    aeon_session_free(r->session);
    aeon_engine_free(r->engine);
    ae_mem_free(r->logits);
}

static aeon_status begin_window(reader *r, size_t n, aeon_error *err)
{
    aeon_session_params params = ae_window_session(r->model, n);
    aeon_session_free(r->session);
    r->session = NULL;
    return aeon_session_new(&r->session, r->engine, &params, err);
}

static bool keep_logits(void *user, size_t pos, const float *logits)
{
    reader *r = user;
    (void)pos;
    memcpy(r->next_row, logits, r->n_vocab * sizeof *logits);
    r->next_row += r->n_vocab;
    return true;
}

static aeon_status read_with(reader *r, const int32_t *ids, size_t n, bool is_scored,
                             aeon_error *err)
{
    aeon_feed_params how = {.on_logits = is_scored ? keep_logits : NULL, .user = r};
    r->next_row = r->logits;
    return aeon_session_feed(r->session, ids, n, &how, err);
}

static aeon_status goes_on(const reading *r, aeon_error *err)
{
    const aeon_text_eval_params *p = r->params;
    size_t n = r->out->n_tokens - r->out->n_windows;
    if (!p->goes_on || p->goes_on(p->user, r->out->n_read, n)) return AEON_OK;
    return ae_fail(err, AEON_CANCELLED, "stopped after %zu of %zu tokens", r->out->n_read, n);
}

/* At most CHUNK tokens, by all readers. */
static aeon_status read_chunk(reading *r, const int32_t *ids, size_t n, bool is_scored,
                              aeon_error *err)
{
    TRY(goes_on(r, err));
    TRY(read_with(&r->reader, ids, n, is_scored, err));
    if (r->params->reference) {
        TRY(goes_on(r, err));
        TRY(read_with(&r->reference, ids, n, is_scored, err));
    }
    r->out->n_read += n;
    return AEON_OK;
}

/* ---- places ---------------------------------------------------------------------------------- */

static void measure(void *user, ae_member member)
{
    reading *r = user;
    for (size_t i; ae_pool_take(member, r->n_places, &i);) {
        size_t row = i * r->reader.n_vocab;
        const float *reference = r->reference.logits ? r->reference.logits + row : NULL;
        r->places[i] =
            ae_place_of(r->reader.logits + row, reference, r->reader.n_vocab, r->next[i]);
    }
}

static aeon_status keep_place(reading *r, const ae_place *at, aeon_error *err)
{
    size_t i = r->out->n_scored;
    if (!isfinite(at->loss + at->reference_loss + at->kl))
        return ae_fail(err, AEON_BAD_FORMAT,
                       "scored token %zu: the logits are not finite; the weights of %s are damaged",
                       i, isfinite(at->reference_loss) ? "the model" : "the reference");
    r->columns[LOSS][i] = at->loss;
    if (r->params->reference) {
        r->columns[REFERENCE_LOSS][i] = at->reference_loss;
        r->columns[GAIN][i] = at->reference_loss - at->loss;
        r->columns[KL][i] = at->kl;
        r->n_same_top += at->is_same_top;
    }
    r->out->n_scored++;
    return AEON_OK;
}

/* Score the chunk that was read: next [n] are the tokens that follow. */
static aeon_status score_chunk(reading *r, const int32_t *next, size_t n, aeon_error *err)
{
    r->next = next;
    r->n_places = n;
    ae_pool_run(r->pool, measure, r);
    for (size_t i = 0; i < n; i++) TRY(keep_place(r, &r->places[i], err));
    return AEON_OK;
}

/* ---- windows --------------------------------------------------------------------------------- */

static aeon_status read_window(reading *r, const ae_window *w, aeon_error *err)
{
    const int32_t *ids = r->windows->ids.ids + w->begin;
    size_t n_last = w->n - 1, n;
    TRY(begin_window(&r->reader, w->n, err));
    if (r->params->reference) TRY(begin_window(&r->reference, w->n, err));
    for (size_t i = 0; i < n_last; i += n) {
        size_t end = i < w->n_first ? w->n_first : n_last;
        n = end - i < CHUNK ? end - i : CHUNK;
        TRY(read_chunk(r, ids + i, n, i >= w->n_first, err));
        if (i >= w->n_first) TRY(score_chunk(r, ids + i + 1, n, err));
    }
    return AEON_OK;
}

static aeon_status read_all(reading *r, aeon_error *err)
{
    for (size_t i = 0; i < r->windows->n; i++) TRY(read_window(r, &r->windows->list[i], err));
    return AEON_OK;
}

static aeon_status check_window(const reading *r, const ae_window *w, aeon_error *err)
{
    size_t longest = ae_windows_longest(r->model, r->params->reference);
    uint32_t n_vocab = aeon_model_describe(r->model)->n_vocab;
    const int32_t *ids = r->windows->ids.ids + w->begin;
    if (w->n > longest)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "a window of %zu tokens; the model holds %zu",
                       w->n, longest);
    for (size_t i = 0; i < w->n; i++)
        if (ids[i] < 0 || (uint32_t)ids[i] >= n_vocab)
            return ae_fail(err, AEON_INVALID_ARGUMENT,
                           "token id %d at place %zu; the vocabulary has 0 to %u", ids[i],
                           w->begin + i, n_vocab - 1);
    return AEON_OK;
}

static aeon_status count(reading *r, aeon_error *err)
{
    aeon_text_eval *out = r->out;
    out->n_windows = r->windows->n;
    for (size_t i = 0; i < r->windows->n; i++) {
        const ae_window *w = &r->windows->list[i];
        TRY(check_window(r, w, err));
        out->n_tokens += w->n;
        out->n_wanted += w->n - 1 - w->n_first;
        if (w->n > out->n_ctx) out->n_ctx = w->n;
    }
    return AEON_OK;
}

/* ---- results --------------------------------------------------------------------------------- */

static int compare_values(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static aeon_estimate perplexity_of(const double *losses, size_t n)
{
    aeon_estimate mean = ae_estimate_mean(losses, n);
    return (aeon_estimate){exp(mean.value), exp(mean.low), exp(mean.high)};
}

/* A divergence is never below 0. */
static aeon_estimate at_least_zero(aeon_estimate e)
{
    if (e.low < 0) e.low = 0;
    return e;
}

static void compare_models(reading *r)
{
    aeon_text_eval *out = r->out;
    size_t n = out->n_scored;
    double *kl = r->columns[KL];
    out->reference_perplexity = perplexity_of(r->columns[REFERENCE_LOSS], n);
    out->gain = ae_estimate_mean(r->columns[GAIN], n);
    out->kl_mean = at_least_zero(ae_estimate_mean(kl, n));
    qsort(kl, n, sizeof *kl, compare_values);
    out->kl_median = at_least_zero(ae_estimate_quantile(kl, n, 0.5));
    out->kl_p99 = at_least_zero(ae_estimate_quantile(kl, n, 0.99));
    out->kl_max = kl[n - 1];
    out->top1_agreement.value = (double)r->n_same_top / (double)n;
    ae_wilson(r->n_same_top, n, &out->top1_agreement.low, &out->top1_agreement.high);
}

static void sum_up(reading *r)
{
    if (!r->out->n_scored) return;
    r->out->perplexity = perplexity_of(r->columns[LOSS], r->out->n_scored);
    if (r->params->reference) compare_models(r);
}

/* ---- the run --------------------------------------------------------------------------------- */

static aeon_status check_reference(const reading *r, aeon_error *err)
{
    if (!r->params->reference) return AEON_OK;
    return ae_check_vocabulary(aeon_model_tokenizer(r->model),
                               aeon_model_tokenizer(r->params->reference), err);
}

static aeon_status open_all(reading *r, aeon_error *err)
{
    int n_columns = r->params->reference ? N_COLUMNS : LOSS + 1;
    for (int i = 0; i < n_columns; i++) {
        r->columns[i] = ae_mem_alloc_array(AE_MEM_OTHER, r->out->n_wanted, sizeof(double));
        if (!r->columns[i])
            return ae_fail_memory(err, r->out->n_wanted * sizeof(double), "the scores of a text");
    }
    TRY(ae_pool_new(&r->pool, r->params->n_threads, err));
    TRY(open_reader(&r->reader, r, r->model, err));
    if (!r->params->reference) return AEON_OK;
    return open_reader(&r->reference, r, r->params->reference, err);
}

static void close_all(reading *r)
{
    close_reader(&r->reader);
    close_reader(&r->reference);
    ae_pool_free(r->pool);
    for (int i = 0; i < N_COLUMNS; i++) ae_mem_free(r->columns[i]);
}

static aeon_status read_and_sum_up(reading *r, aeon_error *err)
{
    TRY(check_reference(r, err));
    TRY(count(r, err));
    TRY(open_all(r, err));
    aeon_status status = read_all(r, err);
    if (status != AEON_OK && status != AEON_CANCELLED) return status;
    sum_up(r);
    return AEON_OK;
}

aeon_status ae_windows_read(aeon_text_eval *out, const ae_windows *w, const aeon_model *model,
                            const aeon_text_eval_params *params, aeon_error *err)
{
    aeon_text_eval found = {0};
    reading r = {.model = model, .params = params, .out = &found, .windows = w};
    aeon_status status = read_and_sum_up(&r, err);
    close_all(&r);
    if (status == AEON_OK) *out = found;
    return status;
}

/* ---- lists of windows ------------------------------------------------------------------------ */

aeon_status ae_windows_add(ae_windows *w, ae_window window, aeon_error *err)
{
    ae_window *room = ae_mem_room(AE_MEM_OTHER, w->list, w->n, &w->cap, sizeof *w->list);
    if (!room) return ae_fail_memory(err, (w->n + 1) * sizeof *room, "the windows of a text");
    w->list = room;
    w->list[w->n++] = window;
    return AEON_OK;
}

void ae_windows_release(ae_windows *w)
{
    aeon_tokens_release(&w->ids);
    ae_mem_free(w->list);
    *w = (ae_windows){0};
}

aeon_session_params ae_window_session(const aeon_model_info *model, size_t n)
{
    bool is_long = model->has_long_rope && n > model->n_ctx_original;
    return (aeon_session_params){.n_ctx = n, .rope = is_long ? AEON_ROPE_LONG : AEON_ROPE_AUTO};
}

size_t ae_windows_longest(const aeon_model *model, const aeon_model *reference)
{
    size_t n = aeon_model_describe(model)->n_ctx_max;
    size_t n_reference = reference ? aeon_model_describe(reference)->n_ctx_max : n;
    return n < n_reference ? n : n_reference;
}
