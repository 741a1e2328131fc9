/* model.c - open a model from whichever form it has on disk: one description from either world. */
#include "model/model.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/system.h"
#include "format/builtin.h"
#include "format/vocab_gguf.h"
#include "format/vocab_hf.h"
#include "model/synth.h"
#include "text/vocab.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { MAX_STOPS = 16 };

/* The part of a model that changes once after it was opened: when its first engine, or somebody who
 * waits for it with a bar, has the weights packed. */
struct shared_weights {
    ae_weights w;
    pthread_mutex_t lock;
    bool is_ready;
};

struct aeon_model {
    ae_gguf *gguf; /* one of the two is open */
    ae_hf *hf;
    ae_map map; /* what gguf is read from if that is no file: what is packed of it is gone, */
    uint8_t fingerprint[AE_FINGERPRINT_BYTES]; /* so this was made before */
    ae_config config;
    struct shared_weights *weights; /* empty if opened for the vocabulary alone */
    aeon_tokenizer *tokenizer;
    const aeon_chat_template *chat;
    int32_t stops[MAX_STOPS];
    size_t n_stops;
    aeon_model_info info;
    uint64_t counted_bytes; /* what opening left in counted memory */
};

static const char *path_of(const aeon_model *m)
{
    return m->gguf ? ae_gguf_path(m->gguf) : m->hf->path;
}

static void add_stop(aeon_model *m, int64_t id)
{
    if (id < 0 || id > INT32_MAX || aeon_model_is_stop(m, (int32_t)id)) return;
    if (m->n_stops < MAX_STOPS) m->stops[m->n_stops++] = (int32_t)id;
}

/* ---- GGUF ------------------------------------------------------------------------------------ */

static aeon_status load_gguf_text(aeon_model *m, ae_str *chat, aeon_error *err)
{
    ae_vocab vocab = {0};
    aeon_status status = ae_vocab_from_gguf(&vocab, m->gguf, err);
    if (status == AEON_OK) status = ae_tokenizer_new(&m->tokenizer, &vocab, err);
    ae_vocab_release(&vocab);
    TRY(status);

    uint32_t id;
    add_stop(m, aeon_tokenizer_eos(m->tokenizer));
    static const char *const keys[] = {"tokenizer.ggml.eot_token_id",
                                       "tokenizer.ggml.eom_token_id"};
    for (size_t i = 0; i < AE_COUNT(keys); i++)
        if (ae_gguf_get_u32(m->gguf, keys[i], &id)) add_stop(m, id);
    if (!ae_gguf_get_str(m->gguf, "tokenizer.chat_template", chat)) *chat = (ae_str){"", 0};
    return AEON_OK;
}

/* ---- Hugging Face ---------------------------------------------------------------------------- */

static aeon_status load_hf_text(aeon_model *m, ae_str *chat, aeon_error *err)
{
    ae_vocab vocab = {0};
    aeon_status status = ae_vocab_from_hf(&vocab, m->hf, m->config.n_vocab, err);
    if (status == AEON_OK) status = ae_tokenizer_new(&m->tokenizer, &vocab, err);
    ae_vocab_release(&vocab);
    m->n_stops = ae_hf_stops(m->hf, m->stops, MAX_STOPS);
    *chat = (ae_str){m->hf->chat_template.data, m->hf->chat_template.len};
    return status;
}

/* ---- opening --------------------------------------------------------------------------------- */

static aeon_status open_files(aeon_model *m, const char *path, bool with_weights, aeon_error *err)
{
    if (m->map.data) return ae_gguf_open_memory(&m->gguf, m->map.data, m->map.size, path, err);
    m->info.is_builtin = ae_is_builtin(path);
    if (m->info.is_builtin) return ae_builtin_open(&m->gguf, path, err);
    if (ae_file_is_folder(path)) return ae_hf_open(&m->hf, path, with_weights, err);
    TRY(ae_gguf_open(&m->gguf, path, err));
    return ae_gguf_check_whole(m->gguf, err);
}

static aeon_status load_weights(aeon_model *m, aeon_error *err)
{
    uint64_t memory = ae_memory_bytes();
    TRY(ae_weights_load(&m->weights->w, &m->config, (ae_weights_source){m->gguf, m->hf}, err));
    if (memory && m->weights->w.size_bytes > memory)
        return ae_fail(err, AEON_OUT_OF_MEMORY,
                       "%s: needs %.1f GB of memory, this machine has %.1f GB; use a smaller type "
                       "of the same model",
                       path_of(m), (double)m->weights->w.size_bytes / 1e9, (double)memory / 1e9);
    return AEON_OK;
}

static aeon_status choose_chat(aeon_model *m, const char *name, ae_str jinja, aeon_error *err)
{
    if (!name) {
        m->chat = jinja.len ? aeon_chat_template_recognize(jinja.data, jinja.len) : NULL;
    } else {
        m->chat = aeon_chat_template_find(name);
        if (!m->chat)
            return ae_fail(err, AEON_NOT_FOUND, "no chat template is called \"%.40s\"", name);
    }
    if (m->chat) add_stop(m, aeon_chat_stop_id(m->chat, m->tokenizer));
    return AEON_OK;
}

static void describe(aeon_model *m)
{
    const ae_config *c = &m->config;
    aeon_model_info *i = &m->info;
    memcpy(i->architecture, c->architecture, sizeof i->architecture);
    memcpy(i->name, c->name, sizeof i->name);
    i->type = m->weights->w.main_type;
    i->n_params = m->weights->w.n_params;
    i->size_bytes = m->weights->w.size_bytes;
    i->step_bytes = m->weights->w.step_bytes;
    i->macs_per_token = m->weights->w.macs_per_token;
    i->n_vocab = c->n_vocab ? c->n_vocab : (uint32_t)aeon_tokenizer_n_vocab(m->tokenizer);
    i->n_embd = c->n_embd;
    i->n_layers = c->n_layers;
    i->n_heads = c->n_heads;
    i->n_kv_heads = c->n_kv_heads;
    i->head_dim = c->head_dim;
    i->n_ff = c->n_ff;
    i->n_ctx_max = c->n_ctx_max;
    i->n_ctx_original = c->n_ctx_original;
    i->has_long_rope = ae_config_has_long_rope(c);
}

/* Rows that stay as they are in the file are read once from front to back. */
static aeon_status read_rows(const aeon_model *m, aeon_progress_fn progress, void *user,
                             aeon_error *err)
{
    enum { SMALL = 64 << 20, STRIDE = 4096, REPORT = 16 << 20 };
    if (m->weights->w.size_bytes < SMALL || m->weights->w.panels) return AEON_OK;
    size_t n_tensors =
        m->gguf ? ae_gguf_n_tensors(m->gguf) : ae_safetensors_n_tensors(m->hf->tensors);
    uint64_t n_done = 0, n_next = 0;
    for (size_t i = 0; i < n_tensors; i++) {
        const ae_tensor *t =
            m->gguf ? ae_gguf_tensor_at(m->gguf, i) : ae_safetensors_tensor_at(m->hf->tensors, i);
        for (uint64_t at = 0; at < t->size_bytes; at += STRIDE) {
            (void)*((const volatile unsigned char *)t->data + at);
            if (n_done + at < n_next) continue;
            double fraction = (double)(n_done + at) / (double)m->weights->w.size_bytes;
            if (progress && !progress(user, "loading", fraction < 1 ? fraction : 1))
                return ae_fail(err, AEON_CANCELLED, "%s: loading was cancelled", path_of(m));
            n_next += REPORT;
        }
        n_done += t->size_bytes;
    }
    if (progress) progress(user, "loading", 1.0);
    return AEON_OK;
}

aeon_status ae_model_prepare(const aeon_model *m, ae_pool *pool, aeon_progress_fn progress,
                             void *user, aeon_error *err)
{
    struct shared_weights *s = m->weights;
    aeon_status status = AEON_OK;
    pthread_mutex_lock(&s->lock);
    if (!s->is_ready) {
        status = ae_weights_pack(&s->w, ae_kernels_get(), pool, progress, user, err);
        s->is_ready = status == AEON_OK;
    }
    pthread_mutex_unlock(&s->lock);
    return status;
}

aeon_status aeon_model_read(const aeon_model *m, aeon_progress_fn progress, void *user,
                            aeon_error *err)
{
    ae_pool *pool;
    if (!m->weights->w.layers) return AEON_OK;
    TRY(ae_pool_new(&pool, 0, err));
    aeon_status status = ae_model_prepare(m, pool, progress, user, err);
    ae_pool_free(pool);
    return status == AEON_OK ? read_rows(m, progress, user, err) : status;
}

static aeon_status load(aeon_model *m, const char *path, const aeon_model_params *params,
                        aeon_error *err)
{
    int64_t before_bytes = ae_mem_of_thread();
    TRY(open_files(m, path, !params->vocab_only, err));
    /* A file may hold nothing but a vocabulary; it then needs no description of layers. */
    if (!params->vocab_only) {
        TRY(m->gguf ? ae_config_from_gguf(&m->config, m->gguf, err)
                    : ae_config_from_hf(&m->config, m->hf, err));
        TRY(load_weights(m, err));
    }
    ae_str jinja;
    TRY(m->gguf ? load_gguf_text(m, &jinja, err) : load_hf_text(m, &jinja, err));
    if (!params->vocab_only && aeon_tokenizer_n_vocab(m->tokenizer) != m->config.n_vocab)
        return ae_fail(err, AEON_MISMATCH, "%s: %zu tokens, but embeddings for %u", path_of(m),
                       aeon_tokenizer_n_vocab(m->tokenizer), m->config.n_vocab);
    TRY(choose_chat(m, params->chat_template, jinja, err));
    describe(m);
    m->counted_bytes = (uint64_t)(ae_mem_of_thread() - before_bytes);
    return params->progress ? aeon_model_read(m, params->progress, params->progress_user, err)
                            : AEON_OK;
}

/* map is taken. */
static aeon_status open_model(aeon_model **out, ae_map map, const char *path,
                              const aeon_model_params *params, aeon_error *err)
{
    aeon_model *m = ae_mem_alloc(AE_MEM_OTHER, sizeof *m);
    if (!m) {
        ae_map_close(&map);
        return ae_fail_memory(err, sizeof *m, "a model");
    }
    m->map = map;
    m->weights = ae_mem_alloc(AE_MEM_OTHER, sizeof *m->weights);
    if (m->weights) pthread_mutex_init(&m->weights->lock, NULL);
    aeon_status status = m->weights ? load(m, path, params, err)
                                    : ae_fail_memory(err, sizeof *m->weights, "a model");
    if (status == AEON_OK && map.data)
        status = ae_fingerprint(m->fingerprint, (ae_weights_source){.gguf = m->gguf}, err);
    if (status != AEON_OK) {
        aeon_model_close(m);
        return status;
    }
    *out = m;
    return AEON_OK;
}

aeon_status aeon_model_open(aeon_model **out, const char *path, const aeon_model_params *params,
                            aeon_error *err)
{
    return open_model(out, (ae_map){0}, path, params ? params : &(aeon_model_params){0}, err);
}

aeon_status aeon_synth_open(aeon_model **out, const char *shape, aeon_type type, uint64_t seed,
                            aeon_progress_fn progress, void *user, aeon_error *err)
{
    aeon_model_info info;
    ae_map map;
    uint64_t available = ae_memory_available_bytes();
    TRY(aeon_synth_describe(&info, shape, type, err));
    if (available && info.size_bytes > available)
        return ae_fail(err, AEON_OUT_OF_MEMORY,
                       "%s as %s: needs %.1f GB of memory, %.1f GB are available; choose a smaller "
                       "type",
                       shape, ae_dtype_get(type)->name, (double)info.size_bytes / 1e9,
                       (double)available / 1e9);
    TRY(ae_synth_make(&map, shape, type, seed, 0, progress, user, err));
    return open_model(out, map, shape, &(aeon_model_params){0}, err);
}

void aeon_model_close(aeon_model *m)
{
    if (!m) return;
    if (m->weights) {
        ae_weights_release(&m->weights->w);
        pthread_mutex_destroy(&m->weights->lock);
        ae_mem_free(m->weights);
    }
    ae_tokenizer_free(m->tokenizer);
    ae_gguf_close(m->gguf);
    ae_hf_close(m->hf);
    ae_map_close(&m->map);
    ae_mem_free(m);
}

const aeon_model_info *aeon_model_describe(const aeon_model *m)
{
    return &m->info;
}

const aeon_tokenizer *aeon_model_tokenizer(const aeon_model *m)
{
    return m->tokenizer;
}

const aeon_chat_template *aeon_model_chat(const aeon_model *m)
{
    return m->chat;
}

bool aeon_model_is_stop(const aeon_model *m, int32_t id)
{
    for (size_t i = 0; i < m->n_stops; i++)
        if (m->stops[i] == id) return true;
    return false;
}

const ae_config *ae_model_config(const aeon_model *m)
{
    return &m->config;
}

const ae_weights *ae_model_weights(const aeon_model *m)
{
    return &m->weights->w;
}

const ae_gguf *ae_model_gguf(const aeon_model *m)
{
    return m->gguf;
}

/* Of a GGUF file also the head, from which the vocabulary was read. */
ae_model_size ae_model_measure(const aeon_model *m)
{
    uint64_t file_bytes = m->gguf ? ae_gguf_file_bytes(m->gguf) : 0, tensor_bytes = 0;
    for (size_t i = 0; m->gguf && i < ae_gguf_n_tensors(m->gguf); i++)
        tensor_bytes += ae_gguf_tensor_at(m->gguf, i)->size_bytes;
    /* Tensors of a strange file may lie upon each other. */
    uint64_t head_bytes = file_bytes > tensor_bytes ? file_bytes - tensor_bytes : 0;
    uint64_t panel_bytes =
        m->weights->w.layers ? ae_weights_panel_bytes(&m->weights->w, ae_kernels_get()) : 0;
    return (ae_model_size){.weights = m->weights->w.size_bytes,
                           .vocab = m->counted_bytes + head_bytes,
                           .counted = m->counted_bytes + panel_bytes};
}

aeon_status ae_model_fingerprint(const aeon_model *m, uint8_t out[AE_FINGERPRINT_BYTES],
                                 aeon_error *err)
{
    AEON_ASSERT(m->weights->w.n_layers > 0);
    if (m->map.data) {
        memcpy(out, m->fingerprint, AE_FINGERPRINT_BYTES);
        return AEON_OK;
    }
    return ae_fingerprint(out, (ae_weights_source){m->gguf, m->hf}, err);
}
