/* hf.h - a Hugging Face or MLX checkpoint folder: its JSON files and its tensors.
 *
 * Model:    config.json (required), generation_config.json and tokenizer_config.json (optional) as
 *           parsed JSON; tokenizer.json as text for text/vocab.h; the tensors from safetensors.h;
 *           of an MLX checkpoint, from mlx.h.
 * Uses:     base/, tensor/, jansson.      Threads: immutable after open.
 * Example:  TRY(ae_hf_open(&h, folder, true, err));  json_object_get(h->config, "hidden_size");
 *           ... ae_hf_close(h);
 */
#ifndef AE_FORMAT_HF_H
#define AE_FORMAT_HF_H

#include "format/mlx.h"
#include "text/json.h"

typedef struct {
    char *path;
    json_t *config;
    json_t *generation_config; /* or NULL */
    json_t *tokenizer_config;  /* or NULL */
    aeon_text tokenizer_json;  /* len 0 if there is none */
    aeon_text chat_template;   /* chat_template.jinja, or the text in tokenizer_config, or empty */
    ae_safetensors *tensors;   /* as they stand in the files; NULL if opened without weights */
    ae_mlx *mlx;               /* or NULL: they are not quantized */
} ae_hf;

/* Errors: NOT_FOUND (names the missing file), IO, BAD_FORMAT (file, line, what), UNSUPPORTED,
 * OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_hf_open(ae_hf **out, const char *folder, bool with_weights,
                                     aeon_error *err);
void ae_hf_close(ae_hf *h);

/* The tensors, opened with weights: of the types of weights alone. Those of an MLX folder that have
 * no data are read by ae_mlx_rows. */
size_t ae_hf_n_tensors(const ae_hf *h);
const ae_tensor *ae_hf_tensor_at(const ae_hf *h, size_t i);
const ae_tensor *ae_hf_tensor_find(const ae_hf *h, const char *name);

#endif
