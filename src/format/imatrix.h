/* imatrix.h - importance matrices: which columns of a model's matrices meet large activations.
 *
 * Model:    For each matrix of a model one number per column: the squares of what entered there,
 *           summed over the tokens of a text. An error of a weight is multiplied by what enters, so
 *           rounding takes most care where these sums are large; only their relations matter.
 * Uses:     base/, format/gguf.h.      Threads: immutable once filled.
 * Format:   as llama.cpp's imatrix tool has it: a GGUF file whose general.type is "imatrix", and
 *           for each matrix NAME two F32 tensors, NAME.in_sum2 [n_cols, 1] and NAME.counts [1, 1],
 *           of which the second tells how many tokens were summed. Older files are read as well:
 *
 *               i32 n, then n times
 *               i32 len | char name[len] | i32 n_calls | i32 n_cols | f32 sums[n_cols]
 *
 * Example:  TRY(ae_imatrix_load(&m, path, err));
 *           const ae_imatrix_entry *e = ae_imatrix_find(&m, "blk.0.ffn_down.weight");
 *           ae_imatrix_release(&m);
 */
#ifndef AE_FORMAT_IMATRIX_H
#define AE_FORMAT_IMATRIX_H

#include "format/names.h"

typedef struct {
    char *name;    /* of the tensor, as in GGUF files */
    float *sums;   /* [n_cols], none negative */
    size_t n_cols; /* at least 1 */
    float n_tokens;
} ae_imatrix_entry;

/* Starts from {0}. */
typedef struct {
    ae_imatrix_entry *entries; /* [n] */
    size_t n, cap;
    ae_names index; /* of a loaded one */
} ae_imatrix;

/* One more entry; *sums [n_cols], all 0, is for the caller to fill. Errors: OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_imatrix_add(ae_imatrix *m, const char *name, size_t n_cols,
                                         float n_tokens, float **sums, aeon_error *err);

/* Read a file of either form. Errors: NOT_FOUND, IO, OUT_OF_MEMORY, BAD_FORMAT (no importance
 * matrix, or damaged: the entry is named), UNSUPPORTED (several experts in one tensor). */
AEON_MUST_USE aeon_status ae_imatrix_load(ae_imatrix *out, const char *path, aeon_error *err);

/* What a loaded one says of a tensor; NULL: nothing. */
const ae_imatrix_entry *ae_imatrix_find(const ae_imatrix *m, const char *name);

/* The text that it was made from: a name for it, read in so many windows of so many tokens. */
typedef struct {
    const char *name;
    uint32_t n_windows, window_tokens;
} ae_imatrix_text;

/* Write the GGUF form. Errors: IO, OUT_OF_MEMORY, INVALID_ARGUMENT (a name too long). */
AEON_MUST_USE aeon_status ae_imatrix_save(const ae_imatrix *m, const char *path,
                                          const ae_imatrix_text *text, aeon_error *err);
void ae_imatrix_release(ae_imatrix *m);

#endif
