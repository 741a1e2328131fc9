#include "train/export.h"

#include "base/mem.h"
#include "format/gguf.h"
#include "format/vocab_gguf.h"
#include "tensor/dtype.h"

#include <string.h>

#define EACH_MESSAGE  "{% for message in messages %}"
#define THEN_ANSWER   "{% endfor %}{% if add_generation_prompt %}"
#define END_OF_ANSWER "{% endif %}"

/* The chat templates in Jinja, as other programs read them. What the last one says serves phi-3 as
 * well, which differs in white space that a model of ours never saw. */
static const struct {
    const char *name, *jinja;
} chat_templates[] = {
    {"llama-3",
     EACH_MESSAGE "{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + "
                  "(message['content'] | trim) + '<|eot_id|>' }}" THEN_ANSWER
                  "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}" END_OF_ANSWER},
    {"phi-4", EACH_MESSAGE "{{ '<|im_start|>' + message['role'] + '<|im_sep|>' + "
                           "message['content'] + '<|im_end|>' }}" THEN_ANSWER
                           "{{ '<|im_start|>assistant<|im_sep|>' }}" END_OF_ANSWER},
    {"chatml", EACH_MESSAGE "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + "
                            "'<|im_end|>\\n' }}" THEN_ANSWER
                            "{{ '<|im_start|>assistant\\n' }}" END_OF_ANSWER},
    {"phi-4-mini", EACH_MESSAGE
     "{{ '<|' + message['role'] + '|>' + (message['content'] or '') }}"
     "{% if message['tools'] %}{{ '<|tool|>' + message['tools'] + '<|/tool|>' }}{% endif %}"
     "{% if message['tool_calls'] %}{{ '<|tool_call|>' + (message['tool_calls'] | tojson) + "
     "'<|/tool_call|>' }}{% endif %}{{ '<|end|>' }}" THEN_ANSWER
     "{{ '<|assistant|>' }}" END_OF_ANSWER},
};

static const char *jinja_of(const char *name)
{
    size_t i = 0;
    while (i + 1 < AE_COUNT(chat_templates) && strcmp(chat_templates[i].name, name) != 0) i++;
    return chat_templates[i].jinja;
}

/* The numbers by which files of this format call the mix of types they hold. */
static uint32_t file_type(aeon_type type)
{
    return type == AEON_TYPE_Q8_0 ? 7 : 0;
}

static aeon_status put_keys(ae_gguf_writer *w, const ae_export *e, aeon_error *err)
{
    const ae_net_shape *s = &e->net->shape;
    /* Phi-4-mini's own value: a window no sequence reaches. */
    const uint32_t no_window = 262144;
    TRY(ae_gguf_put_str(w, "general.architecture", "phi3", err));
    TRY(ae_gguf_put_str(w, "general.name", e->name, err));
    TRY(ae_gguf_put_u32(w, "general.file_type", file_type(e->type), err));
    TRY(ae_gguf_put_u32(w, "general.quantization_version", 2, err));
    TRY(ae_gguf_put_u32(w, "phi3.context_length", s->n_ctx, err));
    TRY(ae_gguf_put_u32(w, "phi3.rope.scaling.original_context_length", s->n_ctx_original, err));
    TRY(ae_gguf_put_f32(w, "phi3.rope.scaling.attn_factor", (float)ae_net_rope_scale(s), err));
    TRY(ae_gguf_put_u32(w, "phi3.rope.dimension_count", (uint32_t)(2 * e->net->n_rope), err));
    TRY(ae_gguf_put_f32(w, "phi3.rope.freq_base", (float)s->rope_theta, err));
    TRY(ae_gguf_put_u32(w, "phi3.embedding_length", s->n_embd, err));
    TRY(ae_gguf_put_u32(w, "phi3.feed_forward_length", s->n_ff, err));
    TRY(ae_gguf_put_u32(w, "phi3.block_count", s->n_layers, err));
    TRY(ae_gguf_put_u32(w, "phi3.attention.head_count", s->n_heads, err));
    TRY(ae_gguf_put_u32(w, "phi3.attention.head_count_kv", s->n_kv_heads, err));
    TRY(ae_gguf_put_f32(w, "phi3.attention.layer_norm_rms_epsilon", (float)s->norm_eps, err));
    TRY(ae_gguf_put_u32(w, "phi3.attention.sliding_window", no_window, err));
    TRY(ae_gguf_put_vocab(w, e->vocab, err));
    return ae_gguf_put_str(w, "tokenizer.chat_template", jinja_of(e->chat_template), err);
}

aeon_status ae_export_check(const ae_net *net, aeon_type type, aeon_error *err)
{
    for (size_t i = 0; i < net->n_params; i++) {
        const ae_param *p = &net->params[i];
        if (p->n_rows == 1 || ae_dtype_row_bytes(ae_dtype_get(type), p->n_cols) > 0) continue;
        char name[64];
        ae_param_name(p, name);
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "output_type: %s has rows of %zu values, no whole blocks of %s: use f32",
                       name, p->n_cols, aeon_type_name(type));
    }
    return AEON_OK;
}

static aeon_type type_of(const ae_export *e, const ae_param *p)
{
    return p->n_rows == 1 ? AEON_TYPE_F32 : e->type;
}

static aeon_status add_tensors(ae_gguf_writer *w, const ae_export *e, aeon_error *err)
{
    for (size_t i = 0; i < e->net->n_params; i++) {
        const ae_param *p = &e->net->params[i];
        uint64_t dims[] = {p->n_cols, p->n_rows};
        char name[64];
        ae_param_name(p, name);
        TRY(ae_gguf_add_tensor(w, name, type_of(e, p), p->n_rows == 1 ? 1 : 2, dims, err));
    }
    uint64_t n_rope[] = {e->net->n_rope};
    TRY(ae_gguf_add_tensor(w, "rope_factors_long.weight", AEON_TYPE_F32, 1, n_rope, err));
    return ae_gguf_add_tensor(w, "rope_factors_short.weight", AEON_TYPE_F32, 1, n_rope, err);
}

/* row: a buffer for any one row in its type. */
static aeon_status put_data(ae_gguf_writer *w, const ae_export *e, void *row, aeon_error *err)
{
    for (size_t i = 0; i < e->net->n_params; i++) {
        const ae_param *p = &e->net->params[i];
        const ae_dtype *type = ae_dtype_get(type_of(e, p));
        for (size_t r = 0; r < p->n_rows; r++) {
            type->from_f32(e->weights + p->begin + r * p->n_cols, row, p->n_cols);
            TRY(ae_gguf_put_data(w, row, ae_dtype_row_bytes(type, p->n_cols), err));
        }
    }
    const float one = 1;
    TRY(ae_gguf_put_data(w, e->net->rope_factor, e->net->n_rope * sizeof(float), err));
    for (size_t i = 0; i < e->net->n_rope; i++) TRY(ae_gguf_put_data(w, &one, sizeof one, err));
    return AEON_OK;
}

static aeon_status write_all(ae_gguf_writer *w, const ae_export *e, aeon_error *err)
{
    TRY(put_keys(w, e, err));
    TRY(add_tensors(w, e, err));
    size_t longest = 0;
    for (size_t i = 0; i < e->net->n_params; i++)
        if (e->net->params[i].n_cols > longest) longest = e->net->params[i].n_cols;
    void *row = ae_mem_alloc(AE_MEM_TRAIN, longest * sizeof(float));
    if (!row) return ae_fail_memory(err, longest * sizeof(float), "a row to write");
    aeon_status status = put_data(w, e, row, err);
    ae_mem_free(row);
    return status;
}

aeon_status ae_export_model(const ae_export *e, const char *path, aeon_error *err)
{
    ae_gguf_writer *w;
    TRY(ae_gguf_writer_open(&w, path, err));
    aeon_status status = write_all(w, e, err);
    if (status == AEON_OK) return ae_gguf_writer_commit(w, err);
    ae_gguf_writer_abort(w);
    return status;
}
