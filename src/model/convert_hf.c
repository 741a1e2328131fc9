/* convert_hf.c - a Hugging Face or MLX folder as the source of a conversion: other names, the
 * metadata written anew, and where GGUF files order queries and keys differently, their rows
 * exchanged. */
#include "base/mem.h"
#include "format/vocab_gguf.h"
#include "format/vocab_hf.h"
#include "model/config_put.h"
#include "model/convert.h"
#include "model/tensor_names.h"
#include "model/weights_pack.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    ae_source base;
    ae_hf *hf;
    ae_config config;
    ae_tensor factors[AE_N_ROPE_SETS]; /* those of config */
} hf_source;

static const hf_source *of(const ae_source *s)
{
    return (const hf_source *)s;
}

/* ---- metadata -------------------------------------------------------------------------------- */

/* Beside the end of text there may be an end of turn, and before that an end of message. */
static aeon_status put_stops(const ae_hf *h, ae_gguf_writer *w, aeon_error *err)
{
    enum { END_OF_TEXT, MAX_STOPS = 3 };
    int32_t ids[MAX_STOPS];
    size_t n = ae_hf_stops(h, ids, MAX_STOPS);
    if (n > 2) TRY(ae_gguf_put_u32(w, "tokenizer.ggml.eom_token_id", (uint32_t)ids[1], err));
    if (n < 2) return AEON_OK;
    return ae_gguf_put_u32(w, "tokenizer.ggml.eot_token_id", (uint32_t)ids[n - 1], err);
}

static aeon_status put_vocab(const hf_source *s, ae_gguf_writer *w, aeon_error *err)
{
    ae_vocab vocab = {0};
    TRY(ae_vocab_from_hf(&vocab, s->hf, s->config.n_vocab, err));
    aeon_status status = ae_source_check_vocab(&s->base, &vocab, s->config.n_vocab, err);
    if (status == AEON_OK) status = ae_gguf_put_vocab(w, &vocab, err);
    ae_vocab_release(&vocab);
    return status;
}

static aeon_status put_values(const ae_source *base, ae_gguf_writer *w, uint32_t file_type,
                              bool has_blocks, aeon_error *err)
{
    const hf_source *s = of(base);
    (void)has_blocks; /* the version of the block types may stand there without any */
    TRY(ae_gguf_put_config(w, &s->config, file_type, err));
    TRY(put_vocab(s, w, err));
    TRY(put_stops(s->hf, w, err));
    if (!s->hf->chat_template.len) return AEON_OK;
    return ae_gguf_put_str(w, "tokenizer.chat_template", s->hf->chat_template.data, err);
}

/* ---- tensors --------------------------------------------------------------------------------- */

static const char *const suffixes[] = {AE_ROWS_SUFFIX, ".bias"};

enum {
    MAX_OUTSIDE = AE_FIRST_IN_LAYER + AE_N_ROPE_SETS,
    MAX_IN_LAYER = AE_N_TENSOR_NAMES - AE_FIRST_IN_LAYER,
};

static ae_source_tensor *add(hf_source *s, const char *name)
{
    ae_source_tensor *t = &s->base.tensors[s->base.n_tensors++];
    snprintf(t->name, sizeof t->name, "%s", name);
    return t;
}

/* A tensor of the folder under its other name. Returns NULL if it is not there. */
static ae_source_tensor *add_stored(hf_source *s, ae_tensor_id id, uint32_t layer,
                                    const char *suffix)
{
    char name[64], hf_name[96];
    ae_tensor_spell(name, sizeof name, ae_tensor_names[id].gguf, layer, suffix);
    ae_tensor_spell(hf_name, sizeof hf_name, ae_tensor_names[id].hf, layer, suffix);
    const ae_tensor *stored = ae_hf_tensor_find(s->hf, hf_name);
    if (!stored) return NULL;
    ae_source_tensor *t = add(s, name);
    t->stored = stored;
    return t;
}

/* Queries and keys: positions rotate their heads. */
static bool is_rotated(ae_tensor_id name)
{
    return name == AE_TENSOR_ATTN_Q || name == AE_TENSOR_ATTN_K;
}

static void add_layer(hf_source *s, uint32_t layer)
{
    bool has_pairs = ae_gguf_rope_layout(s->config.architecture) == AE_ROPE_PAIRS;
    for (ae_tensor_id i = AE_FIRST_IN_LAYER; i < AE_N_TENSOR_NAMES; i++)
        for (size_t k = 0; k < AE_COUNT(suffixes); k++) {
            ae_source_tensor *t = add_stored(s, i, layer, suffixes[k]);
            if (!t || !has_pairs || !is_rotated(i)) continue;
            t->head_dim = s->config.head_dim;
            t->rope_dim = s->config.rope_dim;
        }
}

static void add_factors(hf_source *s)
{
    for (int set = 0; set < AE_N_ROPE_SETS; set++) {
        const char *name = ae_rope_tensor_name(&s->config, (ae_rope_set)set);
        uint64_t n = s->config.rope_dim / 2;
        if (!name) continue;
        s->factors[set] = (ae_tensor){.name = name,
                                      .type = ae_dtype_get(AEON_TYPE_F32),
                                      .n_dims = 1,
                                      .dims = {n, 1, 1, 1},
                                      .data = s->config.rope_factors[set],
                                      .size_bytes = n * sizeof(float)};
        add(s, name)->stored = &s->factors[set];
    }
}

static aeon_status list_tensors(hf_source *s, aeon_error *err)
{
    size_t n = MAX_OUTSIDE + s->config.n_layers * MAX_IN_LAYER * AE_COUNT(suffixes);
    s->base.tensors = ae_mem_alloc_array(AE_MEM_INDEX, n, sizeof *s->base.tensors);
    if (!s->base.tensors) return ae_fail_memory(err, n * sizeof *s->base.tensors, "a list");
    add_stored(s, AE_TENSOR_TOKEN_EMBD, 0, AE_ROWS_SUFFIX);
    add_factors(s);
    for (uint32_t i = 0; i < s->config.n_layers; i++) add_layer(s, i);
    add_stored(s, AE_TENSOR_OUTPUT_NORM, 0, AE_ROWS_SUFFIX);
    bool says_tied = json_is_true(json_object_get(s->hf->config, "tie_word_embeddings"));
    s->base.is_tied = says_tied || !add_stored(s, AE_TENSOR_OUTPUT, 0, AE_ROWS_SUFFIX);
    return AEON_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

static void close_hf(ae_source *s)
{
    ae_hf_close(of(s)->hf);
    ae_mem_free(s->tensors);
    ae_mem_free(s);
}

static aeon_status open_folder(hf_source *s, const char *folder, aeon_error *err)
{
    ae_weights weights;
    TRY(ae_hf_open(&s->hf, folder, true, err));
    s->base.path = s->hf->path;
    TRY(ae_config_from_hf(&s->config, s->hf, err));
    TRY(ae_weights_load(&weights, &s->config, (ae_weights_source){.hf = s->hf}, err));
    ae_weights_release(&weights);
    s->base.n_layers = s->config.n_layers;
    return list_tensors(s, err);
}

aeon_status ae_source_open_hf(ae_source **out, const char *folder, aeon_error *err)
{
    hf_source *s = ae_mem_alloc(AE_MEM_INDEX, sizeof *s);
    if (!s) return ae_fail_memory(err, sizeof *s, "a source of tensors");
    s->base = (ae_source){.put_values = put_values, .close = close_hf};
    aeon_status status = open_folder(s, folder, err);
    if (status != AEON_OK) {
        close_hf(&s->base);
        return status;
    }
    *out = &s->base;
    return AEON_OK;
}
