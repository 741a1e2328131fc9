/* imatrix.h - an importance matrix: which weights of a model a text uses most.
 *
 * Model:    A model reads a text, and for each matrix the squares of what enters its columns are
 *           summed. Who rounds the weights (quantize.h) then takes most care where these sums are
 *           large. The file is the one of llama.cpp's imatrix tool, and either program reads it.
 * Threads:  Any thread; a run uses threads of its own, whose number changes no bit of the file.
 * Example:  TRY(aeon_tokenizer_encode(vocab, text, len, AEON_ENCODE_BOS, &ids, err));
 *           TRY(aeon_imatrix_make("model.imatrix", model, ids.ids, ids.n, NULL, NULL, err));
 *           aeon_quantize_params p = {.type = "q4_k_m", .imatrix = "model.imatrix"};
 */
#ifndef AEON_IMATRIX_H
#define AEON_IMATRIX_H

#include "aeon/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    size_t n_ctx;              /* tokens of a window; 0: 512, or what the model holds */
    int n_threads;             /* 0: one per core */
    const char *text_name;     /* stands in the file, for people; or NULL */
    aeon_progress_fn progress; /* or NULL */
    void *progress_user;
} aeon_imatrix_params;

typedef struct {
    size_t n_windows, n_ctx, n_tokens; /* that were read; a rest at the end was not */
    size_t n_tensors;
} aeon_imatrix_result;

/* Read ids[0..n) in windows, each of them as a text of its own that begins as the model's texts do,
 * and write the matrix to the file path, beside it and renamed at the end. The model should be the
 * unquantized original. params and result may be NULL. Errors: INVALID_ARGUMENT (a text of less
 * than two tokens, an id out of range, a window that the model does not hold), OUT_OF_MEMORY,
 * BAD_FORMAT (activations are not finite), IO, CANCELLED. */
AEON_API AEON_MUST_USE aeon_status aeon_imatrix_make(const char *path, const aeon_model *model,
                                                     const int32_t *ids, size_t n,
                                                     const aeon_imatrix_params *params,
                                                     aeon_imatrix_result *result, aeon_error *err);

#ifdef __cplusplus
}
#endif
#endif
