/* imatrix.c - a text read in windows, and what of it entered the matrices. */
#include "aeon/imatrix.h"

#include "engine/engine.h"
#include "eval/reading.h"
#include "format/imatrix.h"
#include "model/model.h"

#include <float.h>

enum { CHUNK = 64 /* tokens read at a time: how soon a stop is heard */ };

static const aeon_imatrix_params defaults;

typedef struct {
    const aeon_model *model;
    const aeon_imatrix_params *params;
    aeon_imatrix_result result;
    ae_windows windows;
    aeon_engine *engine;
    ae_input_sums sums;
    ae_imatrix imatrix;
    size_t n_read; /* tokens of whole windows */
} making;

/* ---- reading --------------------------------------------------------------------------------- */

static aeon_status open_engine(making *m, aeon_error *err)
{
    aeon_engine_params how = aeon_engine_params_default();
    how.n_threads = m->params->n_threads;
    how.n_chunk = CHUNK;
    how.n_kv_tokens = m->result.n_ctx;
    how.has_prefixes = false;
    how.kv_type = AEON_TYPE_F32; /* what enters is that of the model, not of this machine's taste */
    TRY(aeon_engine_new(&m->engine, m->model, &how, err));
    TRY(ae_input_sums_init(&m->sums, ae_model_config(m->model), err));
    return ae_forward_watch(m->engine->forward, &m->sums, err);
}

static bool report(void *user, const char *what, double fraction)
{
    const making *m = user;
    const aeon_imatrix_params *p = m->params;
    double n_read = (double)m->n_read + fraction * (double)m->result.n_ctx;
    return !p->progress || p->progress(p->progress_user, what, n_read / (double)m->result.n_tokens);
}

static aeon_status read_window(making *m, const ae_window *w, aeon_error *err)
{
    aeon_session *session;
    if (!report(m, "reading", 0)) /* a feed asks between chunks alone */
        return ae_fail(err, AEON_CANCELLED, "stopped after %zu of %zu tokens", m->n_read,
                       m->result.n_tokens);
    aeon_session_params params = ae_window_session(aeon_model_describe(m->model), w->n);
    const aeon_feed_params how = {.progress = report, .user = m};
    TRY(aeon_session_new(&session, m->engine, &params, err));
    aeon_status status = aeon_session_feed(session, m->windows.ids.ids + w->begin, w->n, &how, err);
    aeon_session_free(session);
    m->n_read += w->n;
    return status;
}

static aeon_status read_text(making *m, const int32_t *ids, size_t n, aeon_error *err)
{
    TRY(ae_windows_cut(&m->windows, m->model, NULL, ids, n, m->params->n_ctx, err));
    m->result.n_windows = m->windows.n;
    m->result.n_ctx = m->windows.list[0].n;
    m->result.n_tokens = m->windows.ids.n;
    TRY(open_engine(m, err));
    for (size_t i = 0; i < m->windows.n; i++) TRY(read_window(m, &m->windows.list[i], err));
    return AEON_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

static aeon_status add_tensor(making *m, const char *name, ae_input input, size_t layer,
                              aeon_error *err)
{
    char text[64];
    float *sums;
    const double *from = ae_input_sums_at(&m->sums, input, layer);
    size_t n = m->sums.n_cols[input];
    ae_weights_spell(text, sizeof text, name, (uint32_t)layer);
    TRY(ae_imatrix_add(&m->imatrix, text, n, (float)m->sums.n_tokens, &sums, err));
    for (size_t i = 0; i < n; i++) {
        if (!(from[i] <= (double)FLT_MAX))
            return ae_fail(err, AEON_BAD_FORMAT,
                           "tensor %s: what enters column %zu is not finite; the weights of the "
                           "model are damaged",
                           text, i);
        sums[i] = (float)from[i];
    }
    return AEON_OK;
}

static aeon_status add_projection(making *m, const ae_projection *p, ae_input input, size_t layer,
                                  aeon_error *err)
{
    for (int i = 0; i < p->n_parts; i++)
        if (p->names[i]) TRY(add_tensor(m, p->names[i], input, layer, err));
    return AEON_OK;
}

static aeon_status fill(making *m, aeon_error *err)
{
    const ae_weights *w = ae_model_weights(m->model);
    for (size_t i = 0; i < w->n_layers; i++) {
        const ae_layer *layer = &w->layers[i];
        TRY(add_projection(m, &layer->qkv, AE_INPUT_QKV, i, err));
        TRY(add_projection(m, &layer->attn_output, AE_INPUT_ATTN_OUTPUT, i, err));
        TRY(add_projection(m, &layer->gate_up, AE_INPUT_GATE_UP, i, err));
        TRY(add_projection(m, &layer->ffn_down, AE_INPUT_FFN_DOWN, i, err));
    }
    return add_projection(m, &w->output, AE_INPUT_HEAD, 0, err);
}

static aeon_status make(making *m, const int32_t *ids, size_t n, const char *path, aeon_error *err)
{
    TRY(read_text(m, ids, n, err));
    TRY(fill(m, err));
    m->result.n_tensors = m->imatrix.n;
    const ae_imatrix_text text = {m->params->text_name ? m->params->text_name : "",
                                  (uint32_t)m->result.n_windows, (uint32_t)m->result.n_ctx};
    return ae_imatrix_save(&m->imatrix, path, &text, err);
}

aeon_status aeon_imatrix_make(const char *path, const aeon_model *model, const int32_t *ids,
                              size_t n, const aeon_imatrix_params *params,
                              aeon_imatrix_result *result, aeon_error *err)
{
    making m = {.model = model, .params = params ? params : &defaults};
    aeon_status status = make(&m, ids, n, path, err);
    aeon_engine_free(m.engine);
    ae_input_sums_release(&m.sums);
    ae_imatrix_release(&m.imatrix);
    ae_windows_release(&m.windows);
    if (status == AEON_OK && result) *result = m.result;
    return status;
}
