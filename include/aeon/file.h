/* file.h - look into model files, and write synthetic and packed ones.
 *
 * Model:    A file is a list of metadata pairs and a list of tensors, whatever its format.
 * Threads:  Immutable after open; any thread.
 * Example:  TRY(aeon_file_open(&f, path, err));
 *           for (size_t i = 0; i < aeon_file_n_tensors(f); i++) puts(aeon_file_tensor(f, i).name);
 */
#ifndef AEON_FILE_H
#define AEON_FILE_H

#include "aeon/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct aeon_file aeon_file;

typedef struct {
    const char *name; /* borrowed from the file */
    aeon_type type;
    const char *type_name; /* also where the type is none of weights: "u32" */
    int n_dims;
    uint64_t dims[4]; /* dims[0] is the length of a row, as in GGUF */
    uint64_t size_bytes;
} aeon_file_tensor_info;

/* path: a GGUF file, a safetensors file, a Hugging Face or MLX folder, or "builtin". Errors:
 * NOT_FOUND, IO, BAD_FORMAT, UNSUPPORTED, OUT_OF_MEMORY. */
AEON_API AEON_MUST_USE aeon_status aeon_file_open(aeon_file **out, const char *path,
                                                  aeon_error *err);
AEON_API void aeon_file_close(aeon_file *f);

/* "gguf v3", "safetensors", "hugging face folder", "mlx folder". */
AEON_API const char *aeon_file_format(const aeon_file *f);

/* Of an MLX folder a quantized matrix is one tensor, of the type that it runs in. */
AEON_API size_t aeon_file_n_tensors(const aeon_file *f);
AEON_API aeon_file_tensor_info aeon_file_tensor(const aeon_file *f, size_t i); /* i < n_tensors */

/* Metadata pair i < n_metadata: the key, borrowed, and its value as one JSON text appended to
 * value; arrays beyond max_array elements are cut after that many and say so:
 * {"array":[...],"n":200064}. */
AEON_API size_t aeon_file_n_metadata(const aeon_file *f);
AEON_API AEON_MUST_USE aeon_status aeon_file_metadata(const aeon_file *f, size_t i,
                                                      size_t max_array, const char **key,
                                                      aeon_text *value, aeon_error *err);

/* ---- synthetic models ------------------------------------------------------------------------ */

/* Names of the shapes that can be written: i = 0, 1, ... until NULL ("phi-4-mini", ...). */
AEON_API const char *aeon_synth_shape_at(size_t i);

/* Describe a model of the named shape with matrices of any type, without writing it: what a plan
 * (plan.h) needs. Errors: NOT_FOUND (shape), UNSUPPORTED (type), OUT_OF_MEMORY. */
AEON_API AEON_MUST_USE aeon_status aeon_synth_describe(aeon_model_info *out, const char *shape,
                                                       aeon_type type, aeon_error *err);

/* Write a GGUF of the named shape with random weights (scaled so that activations stay near 1),
 * streamed tensor by tensor, beside path and renamed at the end. type: F32, F16, BF16, Q8_0 or
 * Q4_0; norms stay F32. The same seed gives the same file. Errors: NOT_FOUND (shape),
 * UNSUPPORTED (type), IO, CANCELLED. */
AEON_API AEON_MUST_USE aeon_status aeon_synth_write(const char *path, const char *shape,
                                                    aeon_type type, uint64_t seed,
                                                    aeon_progress_fn progress, void *user,
                                                    aeon_error *err);

/* Open such a model without a file: its weights stand in memory, once. As aeon_model_open, with the
 * errors of aeon_synth_write, and OUT_OF_MEMORY if less is available than it needs. */
AEON_API AEON_MUST_USE aeon_status aeon_synth_open(aeon_model **out, const char *shape,
                                                   aeon_type type, uint64_t seed,
                                                   aeon_progress_fn progress, void *user,
                                                   aeon_error *err);

/* ---- packed models --------------------------------------------------------------------------- */

/* Write the model of the GGUF file in to the file out, with its matrices in panels as the kernels
 * of this machine take them: such a file is used as it is mapped, where others are packed at every
 * start, into memory. Its logits are the same bits. No other program reads it, and no machine whose
 * panels have another number of rows; matrices that cannot stand in panels stay rows. Written
 * beside out and renamed. Errors: those of aeon_model_open, UNSUPPORTED (in is no GGUF file, or
 * nothing in it can be packed), INVALID_ARGUMENT (in is packed; out is in), IO, CANCELLED. */
AEON_API AEON_MUST_USE aeon_status aeon_model_pack(const char *in, const char *out,
                                                   aeon_progress_fn progress, void *user,
                                                   aeon_error *err);

#ifdef __cplusplus
}
#endif
#endif
