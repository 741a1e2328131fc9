#include "train/checkpoint.h"

#include "format/gguf.h"
#include "text/json.h"

#include <stdlib.h>
#include <string.h>

static const char *const tensor_names[] = {"weights", "moment1", "moment2"};
enum { N_TENSORS = 3 };

/* ---- progress -------------------------------------------------------------------------------- */

/* Integers and reals of JSON keep every bit. */
static char *progress_text(const ae_progress *p)
{
    json_t *json = json_pack(
        "{s:I, s:f, s:I, s:I, s:f, s:I}", "n_tokens", (json_int_t)p->n_tokens, "held_out_loss",
        p->held_out_loss, "held_out_step", (json_int_t)p->held_out_step, "reported_step",
        (json_int_t)p->reported_step, "loss", p->loss, "n_targets", (json_int_t)p->n_targets);
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    return text;
}

static bool parse_progress(ae_progress *out, ae_str text)
{
    double held_out_loss, loss;
    json_int_t n_tokens, held_out_step, reported_step, n_targets;
    json_t *json = json_loadb(text.data, text.len, 0, NULL);
    int failed =
        json_unpack(json, "{s:I, s:F, s:I, s:I, s:F, s:I}", "n_tokens", &n_tokens, "held_out_loss",
                    &held_out_loss, "held_out_step", &held_out_step, "reported_step",
                    &reported_step, "loss", &loss, "n_targets", &n_targets);
    json_decref(json);
    if (failed) return false;
    *out = (ae_progress){.n_tokens = (uint64_t)n_tokens,
                         .held_out_loss = held_out_loss,
                         .held_out_step = (uint32_t)held_out_step,
                         .reported_step = (uint32_t)reported_step,
                         .loss = loss,
                         .n_targets = (uint64_t)n_targets};
    return true;
}

static aeon_status read_progress(ae_checkpoint *c, const ae_gguf *g, const char *path,
                                 aeon_error *err)
{
    ae_str text;
    c->progress = (ae_progress){.reported_step = c->step};
    if (!ae_gguf_get_str(g, "train.progress", &text)) return AEON_OK;
    if (!parse_progress(&c->progress, text) || c->progress.reported_step > c->step)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: train.progress makes no sense", path);
    return AEON_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

static aeon_status put_all(ae_gguf_writer *w, const ae_checkpoint *c, const char *identity,
                           const char *progress, aeon_error *err)
{
    const float *data[N_TENSORS] = {c->weights, c->moment1, c->moment2};
    uint64_t dims[] = {c->n_weights};
    TRY(ae_gguf_put_str(w, "general.architecture", "aeon-checkpoint", err));
    TRY(ae_gguf_put_u32(w, "train.step", c->step, err));
    TRY(ae_gguf_put_u32(w, "train.epoch", c->epoch, err));
    TRY(ae_gguf_put_u32(w, "train.next", c->next, err));
    TRY(ae_gguf_put_str(w, "train.identity", identity, err));
    TRY(ae_gguf_put_str(w, "train.progress", progress, err));
    for (int i = 0; i < N_TENSORS; i++)
        TRY(ae_gguf_add_tensor(w, tensor_names[i], AEON_TYPE_F32, 1, dims, err));
    for (int i = 0; i < N_TENSORS; i++)
        TRY(ae_gguf_put_data(w, data[i], c->n_weights * sizeof(float), err));
    return AEON_OK;
}

static aeon_status save(const ae_checkpoint *c, const char *identity, const char *progress,
                        const char *path, aeon_error *err)
{
    ae_gguf_writer *w;
    if (!identity || !progress) return ae_fail_memory(err, 0, "the state of a run");
    TRY(ae_gguf_writer_open(&w, path, err));
    aeon_status status = put_all(w, c, identity, progress, err);
    if (status == AEON_OK) return ae_gguf_writer_commit(w, err);
    ae_gguf_writer_abort(w);
    return status;
}

aeon_status ae_checkpoint_save(const ae_checkpoint *c, const json_t *identity, const char *path,
                               aeon_error *err)
{
    char *identity_text = json_dumps(identity, JSON_COMPACT | JSON_SORT_KEYS);
    char *progress = progress_text(&c->progress);
    aeon_status status = save(c, identity_text, progress, path, err);
    free(identity_text);
    free(progress);
    return status;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* A value as a short text; the caller frees. */
static char *shown(const json_t *value)
{
    return value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(9))
                 : NULL;
}

static aeon_status check_identity(json_t *wanted, const json_t *found, const char *path,
                                  aeon_error *err)
{
    for (void *i = json_object_iter(wanted); i; i = json_object_iter_next(wanted, i)) {
        const char *name = json_object_iter_key(i);
        const json_t *here = json_object_iter_value(i), *there = json_object_get(found, name);
        if (there && ae_json_same(here, there)) continue;
        if (strcmp(name, "data") == 0)
            return ae_fail(err, AEON_MISMATCH,
                           "%s: made with other data than \"train\" names: restore that or remove "
                           "the checkpoint",
                           path);
        char *shown_here = shown(here), *shown_there = shown(there);
        aeon_status status = ae_fail(
            err, AEON_MISMATCH,
            "%s: made with %s %s, this run has %s: restore that or remove the checkpoint", path,
            name, shown_there ? shown_there : "absent", shown_here ? shown_here : "another");
        free(shown_here);
        free(shown_there);
        return status;
    }
    return AEON_OK;
}

static aeon_status read_identity(json_t **out, const ae_gguf *g, const char *path, aeon_error *err)
{
    ae_str text;
    *out = NULL;
    if (ae_gguf_get_str(g, "train.identity", &text))
        *out = json_loadb(text.data, text.len, 0, NULL);
    if (!*out)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: is not a checkpoint: no train.identity", path);
    return AEON_OK;
}

static aeon_status read_all(ae_checkpoint *c, const ae_gguf *g, const char *path, aeon_error *err)
{
    const ae_tensor *tensors[N_TENSORS];
    for (int i = 0; i < N_TENSORS; i++) {
        const ae_tensor *t = tensors[i] = ae_gguf_tensor_find(g, tensor_names[i]);
        if (!t || t->type->type != AEON_TYPE_F32 || t->size_bytes != c->n_weights * sizeof(float))
            return ae_fail(err, AEON_BAD_FORMAT, "%s: tensor %s is not %zu f32 values", path,
                           tensor_names[i], c->n_weights);
    }
    uint32_t step, epoch, next;
    if (!ae_gguf_get_u32(g, "train.step", &step) || !ae_gguf_get_u32(g, "train.epoch", &epoch) ||
        !ae_gguf_get_u32(g, "train.next", &next))
        return ae_fail(err, AEON_BAD_FORMAT, "%s: train.step, .epoch or .next is missing", path);
    memcpy(c->weights, tensors[0]->data, c->n_weights * sizeof(float));
    memcpy(c->moment1, tensors[1]->data, c->n_weights * sizeof(float));
    memcpy(c->moment2, tensors[2]->data, c->n_weights * sizeof(float));
    c->step = step;
    c->epoch = epoch;
    c->next = next;
    return read_progress(c, g, path, err);
}

aeon_status ae_checkpoint_load(ae_checkpoint *c, json_t *identity, const char *path,
                               aeon_error *err)
{
    ae_gguf *g;
    json_t *found;
    TRY(ae_gguf_open(&g, path, err));
    aeon_status status = read_identity(&found, g, path, err);
    if (status == AEON_OK) {
        status = check_identity(identity, found, path, err);
        json_decref(found);
    }
    if (status == AEON_OK) status = read_all(c, g, path, err);
    ae_gguf_close(g);
    return status;
}
