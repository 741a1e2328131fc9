/* safetensors.h - read tensors from a .safetensors file, or from the shards of a folder.
 *
 * Model:    One or more mappings and one index name -> tensor over all of them.
 * Uses:     base/, tensor/, jansson.      Threads: immutable after open.
 * Promises: (1) every tensor lies inside its mapping, and its size is that of its type and shape
 *           (2) names are unique over all shards  (3) tensors of one file do not overlap
 * Format:   github.com/huggingface/safetensors#format; dimensions come out innermost first
 */
#ifndef AE_FORMAT_SAFETENSORS_H
#define AE_FORMAT_SAFETENSORS_H

#include "tensor/tensor.h"

typedef struct ae_safetensors ae_safetensors;

/* path: one file. F32, F16, BF16 and U32 tensors are kept; others are refused by name. U32 is no
 * type of weights, and its to_f32 is NULL: only format/mlx.h reads them. Errors: NOT_FOUND, IO,
 * BAD_FORMAT, UNSUPPORTED, OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_safetensors_open(ae_safetensors **out, const char *path,
                                              aeon_error *err);
/* folder: model.safetensors, or every shard that model.safetensors.index.json names. */
AEON_MUST_USE aeon_status ae_safetensors_open_folder(ae_safetensors **out, const char *folder,
                                                     aeon_error *err);
void ae_safetensors_close(ae_safetensors *s);

size_t ae_safetensors_n_tensors(const ae_safetensors *s);
const ae_tensor *ae_safetensors_tensor_at(const ae_safetensors *s, size_t i);
const ae_tensor *ae_safetensors_tensor_find(const ae_safetensors *s, const char *name);

#endif
