/* tensor_names.h - what a tensor is called in GGUF files and in checkpoint folders.
 *
 * Uses:     base/.      Threads: immutable.
 * Example:  const char *name = ae_tensor_names[AE_TENSOR_ATTN_Q].hf;
 *           ae_tensor_spell(text, sizeof text, name, layer, ".weight");
 */
#ifndef AE_MODEL_TENSOR_NAMES_H
#define AE_MODEL_TENSOR_NAMES_H

#include <stddef.h>
#include <stdint.h>

/* Without .weight and .bias; %u is the layer. */
typedef struct {
    const char *gguf, *hf;
} ae_tensor_name;

/* Those of a layer stand behind the others, in the order in which files have them. */
typedef enum {
    AE_TENSOR_TOKEN_EMBD,
    AE_TENSOR_OUTPUT_NORM,
    AE_TENSOR_OUTPUT,
    AE_TENSOR_ATTN_NORM,
    AE_TENSOR_ATTN_QKV,
    AE_TENSOR_ATTN_Q,
    AE_TENSOR_ATTN_K,
    AE_TENSOR_ATTN_V,
    AE_TENSOR_Q_NORM,
    AE_TENSOR_K_NORM,
    AE_TENSOR_ATTN_OUTPUT,
    AE_TENSOR_FFN_NORM,
    AE_TENSOR_FFN_GATE,
    AE_TENSOR_FFN_UP,
    AE_TENSOR_FFN_GATE_UP,
    AE_TENSOR_FFN_DOWN,
    AE_N_TENSOR_NAMES,
    AE_FIRST_IN_LAYER = AE_TENSOR_ATTN_NORM,
} ae_tensor_id;
extern const ae_tensor_name ae_tensor_names[AE_N_TENSOR_NAMES];

/* out = a name with its layer, if it is that of one, and a suffix. Returns out. */
const char *ae_tensor_spell(char *out, size_t size, const char *name, uint32_t layer,
                            const char *suffix);

#endif
