/* quantize.h - a model file written again in another type: smaller, faster, less exact.
 *
 * Model:    One pass over the tensors of IN, some rows at a time; OUT is a GGUF file that any
 *           program of the field reads. A name chooses the types: a type for all matrices, or a mix
 *           that gives more bits where errors hurt most. Norms and biases stay F32.
 * Threads:  Any thread; the work is shared out among threads of its own. The bytes of OUT depend on
 *           IN and the choice alone.
 * Example:  aeon_quantize_params p = {.type = "q4_k_m"};
 *           TRY(aeon_quantize("phi-f16.gguf", "phi-q4.gguf", &p, &result, err));
 */
#ifndef AEON_QUANTIZE_H
#define AEON_QUANTIZE_H

#include "aeon/type.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Names that a type is chosen by: i = 0, 1, ... until NULL ("f32", ... "q4_k_m", ... "int4"). */
AEON_API const char *aeon_quantize_type_at(size_t i);

typedef struct {
    const char *type;    /* one of these names, upper or lower case */
    const char *head;    /* a type's name for output head and embedding instead of the choice's own;
                            or NULL */
    const char *imatrix; /* an importance matrix of this model: a file of aeon_imatrix_make or of
                            llama.cpp (GGUF, or the older .dat); or NULL */
    int n_threads;       /* 0: one per core */
    bool allow_nan;  /* NaN and infinity are no errors: in block types they count as 0 and as the
                        largest value, in others they stay. F16 cuts off what is too large. */
    bool requantize; /* round weights that were rounded before: an error, because worse */
    aeon_progress_fn progress; /* or NULL */
    void *progress_user;
} aeon_quantize_params;

typedef struct {
    size_t n_tensors, n_changed;  /* of all; those of another type than before */
    size_t n_requantized;         /* and those that were rounded before */
    size_t n_weighted;            /* that were rounded by the importance of their columns */
    uint64_t n_values;            /* of all tensors */
    uint64_t n_strange;           /* and those that allow_nan let pass */
    uint64_t in_bytes, out_bytes; /* the data of all tensors */
    /* The error of matrices: root mean square of the differences over that of the weights, of all
     * columns alike. Those that were copied in a block type do not count. */
    double rms_error, worst_error;
    char worst_tensor[64]; /* "" if nothing was rounded */
    /* Tensors whose rows are no whole blocks of the type meant for them, and the first of them. */
    size_t n_fallback;
    char fallback_tensor[64];
    aeon_type fallback_from, fallback_to;
} aeon_quantize_result;

/* Write the model in (a GGUF file, a Hugging Face or MLX folder, or "builtin") to the GGUF file
 * out, beside it and renamed at the end. What does not change is copied byte by byte, metadata
 * included. Holds less than 1 GB whatever the size of the model. result may be NULL. Errors: those
 * of aeon_model_open and of reading imatrix; MISMATCH (it was made of another model: the tensor is
 * named); INVALID_ARGUMENT (no such type; out is in; in is packed; weights were
 * quantized before, or hold NaN, or values too large for the type: the tensor is named), IO,
 * CANCELLED. */
AEON_API AEON_MUST_USE aeon_status aeon_quantize(const char *in, const char *out,
                                                 const aeon_quantize_params *params,
                                                 aeon_quantize_result *result, aeon_error *err);

/* What it would write, found out in a moment: the result without the errors, which only rounding
 * tells. The vocabulary is not looked at. Errors: those that come before any row is read, so also
 * those of imatrix. */
AEON_API AEON_MUST_USE aeon_status aeon_quantize_plan(const char *in,
                                                      const aeon_quantize_params *params,
                                                      aeon_quantize_result *result,
                                                      aeon_error *err);

#ifdef __cplusplus
}
#endif
#endif
