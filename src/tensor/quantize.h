/* quantize.h - the rounding of weights: rows in block types, with as little error as the type
 * allows.
 *
 * Model:    For each block a search tries scales (and minimums), rounds the values to the nearest
 *           levels, fits the scale to these levels, and keeps what is best once everything is
 *           rounded to its stored form. docs/quantization.md says how, and what it gains.
 * Uses:     base/.      Threads: pure functions.
 * Promises: (1) the same bytes on every processor, whatever its instructions
 *           (2) what stands in a block depends on the values of this block alone.
 * Example:  const ae_dtype *t = ae_dtype_get(AEON_TYPE_Q4_K);
 *           ae_quantize_row(t->type, values, NULL, row, n);
 */
#ifndef AE_TENSOR_QUANTIZE_H
#define AE_TENSOR_QUANTIZE_H

#include "aeon/type.h"

#include <stddef.h>

/* y = the row x [n] in a type that ae_quantize_has, rounded so that the sum over i of
 * importance[i] * (x[i] - y[i])^2 becomes small; n is a multiple of the type's block.
 * importance: [n] of numbers that are not negative, or NULL: all alike. Only the relations within a
 * block count; a block whose importance is all zero is rounded as if it were all alike.
 * NaN counts as zero; what is too large for the type becomes the largest that it has. */
void ae_quantize_row(aeon_type type, const float *x, const float *importance, void *y, size_t n);

/* Whether ae_quantize_row writes the type: all of GGUF's, not MLX's groups. */
bool ae_quantize_has(aeon_type type);

#endif
