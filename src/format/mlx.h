/* mlx.h - the tensors of an MLX checkpoint, its quantized matrices as rows of blocks.
 *
 * Model:    MLX keeps a quantized matrix X in three tensors. Here the three are one, X.weight, of
 *           the block type (tensor/blocks.h) that holds the same numbers. Its rows lie nowhere in
 *           one piece: its data is NULL, and ae_mlx_rows puts them together. Other tensors of the
 *           folder are what they were.
 * Uses:     base/, tensor/, safetensors.h, jansson.      Threads: immutable after new.
 * Promises: (1) what it lists has proper shapes: three tensors that fit each other, and data for
 *           every other  (2) no value is rounded: all bits of q, scale and bias stay
 * Example:  TRY(ae_mlx_new(&m, tensors, quantization, path, err));
 *           const ae_tensor *t = ae_mlx_find(m, "lm_head.weight");
 *           if (!t->data) ae_mlx_rows(t, first, n, blocks);
 * Format:   mlx.core.quantize, mode "affine", as mlx-lm saves it:
 *
 *     X.weight   U32             [rows][cols * bits / 32]   the bits of a row are one number, low
 *                                                           ones first: q[i] from i * bits on
 *     X.scales   F16, BF16, F32  [rows][cols / group]
 *     X.biases   the same        [rows][cols / group]       value = scale * q + bias
 *
 *     config.json: "quantization": {"group_size": 64, "bits": 4, "mode": "affine",
 *         "X": {"group_size": 32, "bits": 8}, "Y": true, "Z": false, ...}
 *
 *           bits: 2, 3, 4, 5, 6, 8; groups of 32, 64, 128. What a matrix X says of itself counts
 *           instead of what stands above; true is what stands above, false: X is not quantized.
 */
#ifndef AE_FORMAT_MLX_H
#define AE_FORMAT_MLX_H

#include "format/safetensors.h"

#include <jansson.h>

typedef struct ae_mlx ae_mlx;

/* Is the object "quantization" one that ae_mlx_new reads? To be asked before the files are opened:
 * other modes have tensors of other types. where: the folder, for error texts. Errors: BAD_FORMAT,
 * UNSUPPORTED (mode, bits or group, named). */
AEON_MUST_USE aeon_status ae_mlx_check(json_t *quantization, const char *where, aeon_error *err);

/* quantization: one that was checked. s must outlive the result. Errors: BAD_FORMAT (the tensor is
 * named), OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_mlx_new(ae_mlx **out, const ae_safetensors *s,
                                     const json_t *quantization, const char *where,
                                     aeon_error *err);
void ae_mlx_free(ae_mlx *m);

/* Types of fewer than 4 bits become types of 4, and 5 and 6 bits become 8: q stays. Scales that are
 * F32, or not of the type of the biases, give rows of F32. size_bytes is that of the blocks. */
size_t ae_mlx_n_tensors(const ae_mlx *m);
const ae_tensor *ae_mlx_at(const ae_mlx *m, size_t i);
const ae_tensor *ae_mlx_find(const ae_mlx *m, const char *name);

/* out = rows first .. first+n-1 of a tensor that has no data, as rows of its type. */
void ae_mlx_rows(const ae_tensor *t, size_t first, size_t n, void *out);

/* The memory of these rows in the files may be used for something else (ae_map_forget). */
void ae_mlx_forget(const ae_tensor *t, size_t first, size_t n);

#endif
