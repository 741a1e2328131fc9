/* model.h - a language model: description, weights, tokenizer and chat template.
 *
 * Model:    Open once, share freely. A model is read-only after opening; all state of a talk lives
 *           in sessions (engine.h). Weights are packed for the processor when they are read, at the
 *           latest by the first engine; the memory of the mapped file is given back meanwhile.
 * Threads:  Immutable after open; any thread.
 * Example:  aeon_model *model;
 *           TRY(aeon_model_open(&model, "phi-4-mini-q4_0.gguf", NULL, err));
 *           ... aeon_model_close(model);
 */
#ifndef AEON_MODEL_H
#define AEON_MODEL_H

#include "aeon/chat.h"
#include "aeon/tokenizer.h"
#include "aeon/type.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct aeon_model aeon_model;

typedef struct {
    const char *chat_template; /* name of a template to use instead of the file's own; or NULL */
    bool vocab_only;           /* the tokenizer alone: no weights, a description without sizes */
    aeon_progress_fn progress; /* or NULL: the weights are not read yet, see aeon_model_read */
    void *progress_user;
} aeon_model_params;

typedef struct {
    char architecture[32]; /* "phi3", "llama", "qwen2", ... */
    char name[96];         /* as the file calls itself, or the file's name */
    aeon_type type;        /* the type that holds most of the weights */
    uint64_t n_params;
    uint64_t size_bytes;     /* all tensors as stored */
    uint64_t step_bytes;     /* weight bytes read to decode one token */
    uint64_t macs_per_token; /* multiply-adds per token without the output head */
    uint32_t n_vocab, n_embd, n_layers, n_heads, n_kv_heads, head_dim, n_ff;
    uint32_t n_ctx_max;      /* longest sequence the model is made for */
    uint32_t n_ctx_original; /* LongRoPE: where the long factors begin; else n_ctx_max */
    bool has_long_rope;
    bool is_builtin;
} aeon_model_info;

/* Open MODEL: a GGUF file, a Hugging Face or MLX checkpoint folder, or "builtin". params may be
 * NULL. Errors: NOT_FOUND, IO, BAD_FORMAT, UNSUPPORTED (architecture or type, named), OUT_OF_MEMORY
 * (says how much is needed), CANCELLED. */
AEON_API AEON_MUST_USE aeon_status aeon_model_open(aeon_model **out, const char *path,
                                                   const aeon_model_params *params,
                                                   aeon_error *err);
AEON_API void aeon_model_close(aeon_model *m);

/* Read all weights and pack them as this machine's kernels multiply them, so that the first engine
 * does not wait and the wait has a bar. Opening with progress does it; apart from it, a plan
 * (plan.h) can come in between. progress may be NULL. Errors: OUT_OF_MEMORY, CANCELLED. */
AEON_API AEON_MUST_USE aeon_status aeon_model_read(const aeon_model *m, aeon_progress_fn progress,
                                                   void *user, aeon_error *err);

/* Borrowed from the model, valid until it is closed. chat is NULL if the file's template is unknown
 * or absent. */
AEON_API const aeon_model_info *aeon_model_describe(const aeon_model *m);
AEON_API const aeon_tokenizer *aeon_model_tokenizer(const aeon_model *m);
AEON_API const aeon_chat_template *aeon_model_chat(const aeon_model *m);

/* Does generation end at this token (end of text, end of turn)? */
AEON_API bool aeon_model_is_stop(const aeon_model *m, int32_t id);

#ifdef __cplusplus
}
#endif
#endif
