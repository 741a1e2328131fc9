/* convert_gguf.c - a GGUF file as the source of a conversion, and what is done with any source. */
#include "base/file.h"
#include "base/mem.h"
#include "format/builtin.h"
#include "format/vocab_gguf.h"
#include "model/convert.h"
#include "model/weights.h"
#include "model/weights_pack.h"

#include <stdio.h>
#include <string.h>

/* ---- rows ------------------------------------------------------------------------------------ */

/* Where row (of a vector: element) i of a tensor is stored. */
static uint64_t place_of(const ae_source_tensor *t, uint64_t i)
{
    if (!t->head_dim) return i;
    uint64_t in_head = i % t->head_dim, head = i - in_head;
    if (in_head >= t->rope_dim) return i;
    return head + in_head % 2 * (t->rope_dim / 2) + in_head / 2;
}

/* What exchanges places: rows, and of a bias values. */
static bool has_ordered_values(const ae_source_tensor *t)
{
    return t->stored->n_dims == 1 && t->head_dim;
}

static size_t piece_values(const ae_source_tensor *t)
{
    return has_ordered_values(t) ? 1 : (size_t)t->stored->dims[0];
}

static size_t piece_bytes(const ae_source_tensor *t)
{
    return (size_t)ae_dtype_row_bytes(t->stored->type, piece_values(t));
}

static size_t n_pieces(const ae_source_tensor *t, uint64_t n_rows)
{
    return (size_t)(has_ordered_values(t) ? t->stored->dims[0] : n_rows);
}

/* Piece i as it is stored, or put together in buffer. */
static const void *piece_at(const ae_source_tensor *t, uint64_t i, void *buffer)
{
    uint64_t place = place_of(t, i);
    if (t->stored->data) return (const char *)t->stored->data + place * piece_bytes(t);
    ae_mlx_rows(t->stored, (size_t)place, 1, buffer);
    return buffer;
}

bool ae_source_is_quantized(const ae_source_tensor *t)
{
    return !t->stored->data || t->stored->type->block_values > 1;
}

void ae_source_read(const ae_source_tensor *t, uint64_t first, uint64_t n, float *out,
                    float *scratch)
{
    size_t n_values = piece_values(t);
    for (size_t i = 0; i < n_pieces(t, n); i++)
        t->stored->type->to_f32(piece_at(t, first + i, scratch), out + i * n_values, n_values);
}

void ae_source_copy(const ae_source_tensor *t, uint64_t first, uint64_t n, void *out)
{
    size_t size = piece_bytes(t);
    for (size_t i = 0; i < n_pieces(t, n); i++) {
        char *to = (char *)out + i * size;
        const void *from = piece_at(t, first + i, to);
        if (from != to) memcpy(to, from, size);
    }
}

void ae_source_forget(const ae_source_tensor *t, uint64_t first, uint64_t n)
{
    uint64_t row_bytes = ae_dtype_row_bytes(t->stored->type, t->stored->dims[0]);
    if (t->stored->data)
        ae_map_forget((const char *)t->stored->data + first * row_bytes, (size_t)(n * row_bytes));
    else
        ae_mlx_forget(t->stored, (size_t)first, (size_t)n);
}

/* ---- the vocabulary -------------------------------------------------------------------------- */

aeon_status ae_source_check_vocab(const ae_source *s, const ae_vocab *v, size_t n_rows,
                                  aeon_error *err)
{
    aeon_tokenizer *t;
    if (v->n_tokens != n_rows)
        return ae_fail(err, AEON_MISMATCH, "%s: %zu tokens, but embeddings for %zu", s->path,
                       v->n_tokens, n_rows);
    TRY(ae_tokenizer_new(&t, v, err));
    ae_tokenizer_free(t);
    return AEON_OK;
}

/* ---- the file -------------------------------------------------------------------------------- */

typedef struct {
    ae_source base;
    ae_gguf *gguf;
    uint32_t n_vocab;
} gguf_source;

static const gguf_source *of(const ae_source *s)
{
    return (const gguf_source *)s;
}

static void close_gguf(ae_source *s)
{
    ae_gguf_close(of(s)->gguf);
    ae_mem_free(s->tensors);
    ae_mem_free(s);
}

static aeon_status check_vocab(const gguf_source *s, aeon_error *err)
{
    ae_vocab vocab = {0};
    TRY(ae_vocab_from_gguf(&vocab, s->gguf, err));
    aeon_status status = ae_source_check_vocab(&s->base, &vocab, s->n_vocab, err);
    ae_vocab_release(&vocab);
    return status;
}

/* As they are, the two aside that tell what the tensors are. */
static aeon_status put_values(const ae_source *s, ae_gguf_writer *w, uint32_t file_type,
                              bool has_blocks, aeon_error *err)
{
    static const char type_key[] = "general.file_type";
    static const char version_key[] = "general.quantization_version";
    const ae_gguf *g = of(s)->gguf;
    TRY(check_vocab(of(s), err));
    for (size_t i = 0; i < ae_gguf_n_values(g); i++) {
        const ae_gguf_value *v = ae_gguf_value_at(g, i);
        bool is_type = strcmp(v->key, type_key) == 0;
        TRY(is_type ? ae_gguf_put_u32(w, type_key, file_type, err) : ae_gguf_put_value(w, v, err));
    }
    if (!ae_gguf_value_find(g, type_key)) TRY(ae_gguf_put_u32(w, type_key, file_type, err));
    if (!has_blocks || ae_gguf_value_find(g, version_key)) return AEON_OK;
    return ae_gguf_put_u32(w, version_key, 2, err);
}

/* Is it one whole model, with all its tensors and in rows? */
static aeon_status check_model(gguf_source *s, aeon_error *err)
{
    const char *path = ae_gguf_path(s->gguf);
    ae_config config;
    ae_weights weights;
    if (ae_gguf_value_find(s->gguf, AE_PANELS_KEY))
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "%s: is packed for one kind of machine; take the file it was made from",
                       path);
    TRY(ae_gguf_check_whole(s->gguf, err));
    TRY(ae_config_from_gguf(&config, s->gguf, err));
    TRY(ae_weights_load(&weights, &config, (ae_weights_source){.gguf = s->gguf}, err));
    ae_weights_release(&weights);
    s->base.n_layers = config.n_layers;
    s->n_vocab = config.n_vocab;
    s->base.is_tied = ae_gguf_tensor_find(s->gguf, "output.weight") == NULL;
    return AEON_OK;
}

static aeon_status list_tensors(gguf_source *s, aeon_error *err)
{
    size_t n = ae_gguf_n_tensors(s->gguf);
    s->base.tensors = ae_mem_alloc_array(AE_MEM_INDEX, n, sizeof *s->base.tensors);
    if (!s->base.tensors) return ae_fail_memory(err, n * sizeof *s->base.tensors, "a list");
    s->base.n_tensors = n;
    for (size_t i = 0; i < n; i++) {
        const ae_tensor *from = ae_gguf_tensor_at(s->gguf, i);
        ae_source_tensor *to = &s->base.tensors[i];
        if (strlen(from->name) >= sizeof to->name)
            return ae_fail(err, AEON_UNSUPPORTED, "%s: the name of tensor %s is too long",
                           ae_gguf_path(s->gguf), ae_show(from->name, strlen(from->name)).text);
        snprintf(to->name, sizeof to->name, "%s", from->name);
        to->stored = from;
    }
    return AEON_OK;
}

static aeon_status open_file(gguf_source *s, const char *path, aeon_error *err)
{
    TRY(ae_is_builtin(path) ? ae_builtin_open(&s->gguf, path, err)
                            : ae_gguf_open(&s->gguf, path, err));
    s->base.path = ae_gguf_path(s->gguf);
    TRY(check_model(s, err));
    return list_tensors(s, err);
}

aeon_status ae_source_open_gguf(ae_source **out, const char *path, aeon_error *err)
{
    gguf_source *s = ae_mem_alloc(AE_MEM_INDEX, sizeof *s);
    if (!s) return ae_fail_memory(err, sizeof *s, "a source of tensors");
    s->base = (ae_source){.put_values = put_values, .close = close_gguf};
    aeon_status status = open_file(s, path, err);
    if (status != AEON_OK) {
        close_gguf(&s->base);
        return status;
    }
    *out = &s->base;
    return AEON_OK;
}
