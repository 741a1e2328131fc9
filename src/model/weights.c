#include "model/weights.h"

#include "base/mem.h"
#include "kernels/panel.h"
#include "model/tensor_names.h"
#include "model/weights_pack.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    ae_weights_source source;
    const char *where; /* the file, for error texts */
    size_t n_lanes;    /* of the panels of a packed file, else 0 */
    ae_weights *w;
    uint64_t bytes_of_type[AEON_TYPE_MAX];
    float *next_vector; /* in w->vectors; NULL while the vectors are only counted */
    size_t n_vector_values;
    aeon_error *err;
} loader;

void ae_weights_spell(char *out, size_t size, const char *name, uint32_t layer)
{
    ae_tensor_spell(out, size, name, layer, AE_ROWS_SUFFIX);
}

static const char *spell(char *out, size_t size, const loader *l, ae_tensor_id name, uint32_t layer,
                         const char *suffix)
{
    const ae_tensor_name *n = &ae_tensor_names[name];
    return ae_tensor_spell(out, size, l->source.gguf ? n->gguf : n->hf, layer, suffix);
}

static const ae_tensor *find(const loader *l, ae_tensor_id name, uint32_t layer, const char *suffix)
{
    char text[128];
    spell(text, sizeof text, l, name, layer, suffix);
    return l->source.gguf ? ae_gguf_tensor_find(l->source.gguf, text)
                          : ae_hf_tensor_find(l->source.hf, text);
}

static bool is_panels(const ae_tensor *t)
{
    return ae_has_suffix(t->name, AE_PANELS_SUFFIX);
}

/* The tensor of a matrix: rows, or in a packed file panels. */
static const ae_tensor *find_rows(const loader *l, ae_tensor_id name, uint32_t layer,
                                  const char *suffix)
{
    char text[128];
    const ae_tensor *t = find(l, name, layer, suffix);
    if (t || !l->n_lanes) return t;
    spell(text, sizeof text, l, name, layer, suffix);
    _Static_assert(sizeof AE_PANELS_SUFFIX == sizeof AE_ROWS_SUFFIX, "one takes the other's place");
    memcpy(text + strlen(text) - strlen(AE_ROWS_SUFFIX), AE_PANELS_SUFFIX, sizeof AE_PANELS_SUFFIX);
    return ae_gguf_tensor_find(l->source.gguf, text);
}

/* How many rows the panels of the file have, if it has any: as many as those of this machine. */
static aeon_status read_lanes(loader *l)
{
    const ae_gguf *g = l->source.gguf;
    const ae_kernels *k = ae_kernels_get();
    uint32_t n_lanes;
    size_t i = 0, n = g ? ae_gguf_n_tensors(g) : 0;
    while (i < n && !is_panels(ae_gguf_tensor_at(g, i))) i++;
    if (i == n) return AEON_OK;
    if (!ae_gguf_get_u32(g, AE_PANELS_KEY, &n_lanes) || !n_lanes || n_lanes > AE_PANEL_MAX_LANES)
        return ae_fail(l->err, AEON_BAD_FORMAT,
                       "%s: tensor %s, but key " AE_PANELS_KEY " is missing or out of 1..%d",
                       l->where, ae_gguf_tensor_at(g, i)->name, AE_PANEL_MAX_LANES);
    if (n_lanes != k->n_lanes)
        return ae_fail(l->err, AEON_UNSUPPORTED,
                       "%s: packed for kernels that take %u rows at a time, those of this machine "
                       "(%s) take %zu; pack it again from the original with aeon quantize",
                       l->where, n_lanes, k->isa, k->n_lanes);
    l->n_lanes = n_lanes;
    return AEON_OK;
}

static aeon_status check_shape(const loader *l, const ae_tensor *t, uint64_t n_cols,
                               uint64_t n_rows)
{
    if (ae_tensor_n_cols(t) == n_cols && ae_tensor_n_rows(t) == n_rows) return AEON_OK;
    return ae_fail(l->err, AEON_BAD_FORMAT,
                   "%s: tensor %s is %llu x %llu; the configuration asks for %llu x %llu", l->where,
                   t->name, (unsigned long long)ae_tensor_n_rows(t),
                   (unsigned long long)ae_tensor_n_cols(t), (unsigned long long)n_rows,
                   (unsigned long long)n_cols);
}

static aeon_status fail_missing(const loader *l, ae_tensor_id name, uint32_t layer,
                                const char *suffix)
{
    char text[128];
    spell(text, sizeof text, l, name, layer, suffix);
    return ae_fail(l->err, AEON_BAD_FORMAT, "%s: tensor %s is missing", l->where, text);
}

static void count_tensor(loader *l, const ae_tensor *t)
{
    l->bytes_of_type[t->type->type] += t->size_bytes;
    l->w->size_bytes += t->size_bytes;
    l->w->n_params += ae_tensor_n_cols(t) * ae_tensor_n_rows(t);
}

/* ---- vectors: f32 copies in one block ------------------------------------------------------- */

/* *out = the vector in f32. While counting, only the size is added. */
static aeon_status load_vector(loader *l, float **out, ae_tensor_id name, uint32_t layer,
                               const char *suffix, uint64_t n)
{
    const ae_tensor *t = find(l, name, layer, suffix);
    if (!t) return fail_missing(l, name, layer, suffix);
    TRY(check_shape(l, t, n, 1));
    if (!t->data)
        return ae_fail(l->err, AEON_BAD_FORMAT,
                       "%s: tensor %s is quantized, which only matrices can be", l->where, t->name);
    l->n_vector_values += (size_t)n;
    if (!l->next_vector) return AEON_OK;
    count_tensor(l, t);
    t->type->to_f32(t->data, l->next_vector, (size_t)n);
    *out = l->next_vector;
    l->next_vector += n;
    return AEON_OK;
}

/* ---- matrices: borrowed from the file ------------------------------------------------------- */

typedef struct {
    ae_tensor_id name;
    uint64_t n_rows;
} part;

/* n_rows: of a part. The parts before it are whole panels, so it begins with one. */
static aeon_status check_panels(const loader *l, const ae_tensor *t, uint64_t n_rows)
{
    if (n_rows % l->n_lanes)
        return ae_fail(l->err, AEON_BAD_FORMAT,
                       "%s: tensor %s: %llu rows are no whole panels of %zu", l->where, t->name,
                       (unsigned long long)n_rows, l->n_lanes);
    if (!ae_kernels_get()->panel[t->type->type].multiply ||
        !ae_panel_has(t->type->type, (size_t)ae_tensor_n_cols(t)))
        return ae_fail(l->err, AEON_UNSUPPORTED, "%s: tensor %s: no kernels for panels of %s",
                       l->where, t->name, t->type->name);
    return AEON_OK;
}

/* Rows of a tensor, from the first on. Panels have the bytes of their rows, so whole ones begin
 * where their rows would. */
static aeon_status borrow(const loader *l, ae_matrix *out, ae_row_source *source,
                          const ae_tensor *t, uint64_t first, uint64_t n_rows)
{
    if (is_panels(t)) TRY(check_panels(l, t, n_rows));
    size_t n_cols = (size_t)ae_tensor_n_cols(t);
    *out = (ae_matrix){.type = t->type,
                       .n_rows = (size_t)n_rows,
                       .n_cols = n_cols,
                       .n_lanes = is_panels(t) ? l->n_lanes : 0};
    if (t->data)
        out->data = (const char *)t->data + first * ae_dtype_row_bytes(t->type, n_cols);
    else
        *source = (ae_row_source){t, (size_t)first};
    return AEON_OK;
}

/* The same as the next part of a projection. */
static aeon_status add_part(const loader *l, ae_projection *p, const char *name, const ae_tensor *t,
                            uint64_t first, uint64_t n_rows)
{
    TRY(borrow(l, &p->parts[p->n_parts], &p->sources[p->n_parts], t, first, n_rows));
    p->names[p->n_parts] = name;
    p->n_parts++;
    p->n_rows += (size_t)n_rows;
    return AEON_OK;
}

static aeon_status find_matrix(const loader *l, const ae_tensor **out, ae_tensor_id name,
                               uint32_t layer, uint64_t n_cols, uint64_t n_rows)
{
    const ae_tensor *t = find_rows(l, name, layer, AE_ROWS_SUFFIX);
    if (!t) return fail_missing(l, name, layer, AE_ROWS_SUFFIX);
    TRY(check_shape(l, t, n_cols, n_rows));
    *out = t;
    return AEON_OK;
}

/* The parts' biases follow one another in the block of vectors. */
static aeon_status load_biases(loader *l, ae_projection *p, const part *parts, int n_parts,
                               uint32_t layer)
{
    int n_biases = 0;
    for (int i = 0; i < n_parts; i++) n_biases += find(l, parts[i].name, layer, ".bias") != NULL;
    for (int i = 0; i < n_parts && n_biases; i++) {
        float *bias = NULL;
        TRY(load_vector(l, &bias, parts[i].name, layer, ".bias", parts[i].n_rows));
        if (i == 0) p->bias = bias;
    }
    return AEON_OK;
}

/* Parts that are tensors of their own, or, where fused is given, stand in that one tensor. */
static aeon_status load_projection(loader *l, ae_projection *p, const part *fused,
                                   const part *parts, int n_parts, uint64_t n_cols, uint32_t layer)
{
    const ae_tensor *t = NULL;
    uint64_t first = 0;
    *p = (ae_projection){.n_cols = (size_t)n_cols};
    if (fused) {
        TRY(find_matrix(l, &t, fused->name, layer, n_cols, fused->n_rows));
        if (l->next_vector) count_tensor(l, t);
    }
    for (int i = 0; i < n_parts; i++, first += parts[i - 1].n_rows) {
        if (!fused) {
            TRY(find_matrix(l, &t, parts[i].name, layer, n_cols, parts[i].n_rows));
            if (l->next_vector) count_tensor(l, t);
        }
        const part *own = !fused ? &parts[i] : i == 0 ? fused : NULL;
        const char *name = own ? ae_tensor_names[own->name].gguf : NULL;
        TRY(add_part(l, p, name, t, fused ? first : 0, parts[i].n_rows));
    }
    return fused ? load_biases(l, p, fused, 1, layer) : load_biases(l, p, parts, n_parts, layer);
}

static aeon_status load_layer(loader *l, ae_layer *layer, const ae_config *c, uint32_t i)
{
    uint64_t n_q = (uint64_t)c->n_heads * c->head_dim, n_kv = (uint64_t)c->n_kv_heads * c->head_dim;
    const part fused_qkv = {AE_TENSOR_ATTN_QKV, n_q + 2 * n_kv},
               fused_ffn = {AE_TENSOR_FFN_GATE_UP, 2ull * c->n_ff};
    const part q_k_v[] = {
        {AE_TENSOR_ATTN_Q, n_q}, {AE_TENSOR_ATTN_K, n_kv}, {AE_TENSOR_ATTN_V, n_kv}};
    const part gate_up[] = {{AE_TENSOR_FFN_GATE, c->n_ff}, {AE_TENSOR_FFN_UP, c->n_ff}};
    const part out = {AE_TENSOR_ATTN_OUTPUT, c->n_embd}, down = {AE_TENSOR_FFN_DOWN, c->n_embd};
    bool is_fused_qkv = find_rows(l, AE_TENSOR_ATTN_QKV, i, AE_ROWS_SUFFIX) != NULL;
    bool is_fused_ffn = find_rows(l, AE_TENSOR_FFN_GATE, i, AE_ROWS_SUFFIX) == NULL;

    TRY(load_vector(l, &layer->attn_norm, AE_TENSOR_ATTN_NORM, i, AE_ROWS_SUFFIX, c->n_embd));
    TRY(load_projection(l, &layer->qkv, is_fused_qkv ? &fused_qkv : NULL, q_k_v, 3, c->n_embd, i));
    if (strcmp(c->architecture, "qwen3") == 0) {
        TRY(load_vector(l, &layer->q_norm, AE_TENSOR_Q_NORM, i, AE_ROWS_SUFFIX, c->head_dim));
        TRY(load_vector(l, &layer->k_norm, AE_TENSOR_K_NORM, i, AE_ROWS_SUFFIX, c->head_dim));
    }
    TRY(load_projection(l, &layer->attn_output, NULL, &out, 1, n_q, i));
    TRY(load_vector(l, &layer->ffn_norm, AE_TENSOR_FFN_NORM, i, AE_ROWS_SUFFIX, c->n_embd));
    TRY(load_projection(l, &layer->gate_up, is_fused_ffn ? &fused_ffn : NULL, gate_up, 2, c->n_embd,
                        i));
    return load_projection(l, &layer->ffn_down, NULL, &down, 1, c->n_ff, i);
}

static aeon_status load_embedding(loader *l, ae_config *c)
{
    const ae_tensor *t = find_rows(l, AE_TENSOR_TOKEN_EMBD, 0, AE_ROWS_SUFFIX);
    if (!t) return fail_missing(l, AE_TENSOR_TOKEN_EMBD, 0, AE_ROWS_SUFFIX);
    uint64_t n_vocab = ae_tensor_n_rows(t);
    if (n_vocab > 1 << 24)
        return ae_fail(l->err, AEON_BAD_FORMAT, "%s: a vocabulary of %llu tokens", l->where,
                       (unsigned long long)n_vocab);
    TRY(check_shape(l, t, c->n_embd, n_vocab));
    c->n_vocab = (uint32_t)n_vocab;
    TRY(borrow(l, &l->w->embedding, &l->w->embedding_source, t, 0, n_vocab));
    if (l->next_vector) count_tensor(l, t);

    /* A file without a head ties it to the embedding; config.json says so aloud. */
    const json_t *tie =
        l->source.hf ? json_object_get(l->source.hf->config, "tie_word_embeddings") : NULL;
    const ae_tensor *head =
        json_is_true(tie) ? NULL : find_rows(l, AE_TENSOR_OUTPUT, 0, AE_ROWS_SUFFIX);
    if (!head && json_is_false(tie)) return fail_missing(l, AE_TENSOR_OUTPUT, 0, AE_ROWS_SUFFIX);
    const char *name = ae_tensor_names[head ? AE_TENSOR_OUTPUT : AE_TENSOR_TOKEN_EMBD].gguf;
    if (head) {
        TRY(check_shape(l, head, c->n_embd, n_vocab));
        if (l->next_vector) count_tensor(l, head);
    } else {
        head = t;
    }
    l->w->output = (ae_projection){.n_cols = c->n_embd};
    TRY(add_part(l, &l->w->output, name, head, 0, n_vocab));
    return load_vector(l, &l->w->output_norm, AE_TENSOR_OUTPUT_NORM, 0, AE_ROWS_SUFFIX, c->n_embd);
}

/* Run twice: to count the values of all vectors, then to copy them. */
static aeon_status load_all(loader *l, ae_config *c)
{
    TRY(load_embedding(l, c));
    for (uint32_t i = 0; i < c->n_layers; i++) TRY(load_layer(l, &l->w->layers[i], c, i));
    if (find(l, AE_TENSOR_ATTN_NORM, c->n_layers, AE_ROWS_SUFFIX))
        return ae_fail(l->err, AEON_BAD_FORMAT,
                       "%s: it holds more layers than the %u of its configuration", l->where,
                       c->n_layers);
    return AEON_OK;
}

static uint64_t projection_bytes(const ae_projection *p)
{
    uint64_t bytes = 0;
    for (int i = 0; i < p->n_parts; i++)
        bytes += p->parts[i].n_rows * ae_dtype_row_bytes(p->parts[i].type, p->n_cols);
    return bytes;
}

/* What one decoded token reads and multiplies. */
static void add_up_work(ae_weights *w)
{
    w->step_bytes = projection_bytes(&w->output);
    for (size_t i = 0; i < w->n_layers; i++) {
        const ae_layer *layer = &w->layers[i];
        const ae_projection *all[] = {&layer->qkv, &layer->attn_output, &layer->gate_up,
                                      &layer->ffn_down};
        for (size_t k = 0; k < AE_COUNT(all); k++) {
            w->step_bytes += projection_bytes(all[k]);
            w->macs_per_token += (uint64_t)all[k]->n_rows * all[k]->n_cols;
        }
    }
}

aeon_status ae_weights_load(ae_weights *out, ae_config *config, ae_weights_source source,
                            aeon_error *err)
{
    ae_weights w = {.n_layers = config->n_layers};
    loader l = {.source = source, .w = &w, .err = err};
    l.where = source.gguf ? ae_gguf_path(source.gguf) : source.hf->path;
    w.layers = ae_mem_alloc_array(AE_MEM_WEIGHTS, config->n_layers, sizeof *w.layers);
    if (!w.layers) return ae_fail_memory(err, config->n_layers * sizeof *w.layers, "the layers");

    aeon_status status = read_lanes(&l);
    if (status == AEON_OK) status = load_all(&l, config);
    if (status == AEON_OK) {
        size_t size = l.n_vector_values * sizeof(float);
        l.next_vector = w.vectors = ae_mem_alloc(AE_MEM_WEIGHTS, size);
        status = w.vectors ? load_all(&l, config) : ae_fail_memory(err, size, "norms and biases");
    }
    if (status != AEON_OK) {
        ae_weights_release(&w);
        return status;
    }
    add_up_work(&w);
    for (int t = 0; t < AEON_TYPE_MAX; t++)
        if (l.bytes_of_type[t] > l.bytes_of_type[w.main_type]) w.main_type = (aeon_type)t;
    *out = w;
    return AEON_OK;
}

void ae_weights_release(ae_weights *w)
{
    ae_mem_free(w->layers);
    ae_mem_free(w->vectors);
    ae_mem_free(w->panels);
    *w = (ae_weights){0};
}
