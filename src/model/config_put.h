/* config_put.h - the other way round: a configuration becomes the metadata of a GGUF file.
 *
 * Model:    What config_gguf.c reads is written here, in words that llama.cpp reads as well.
 * Factors of rotary frequencies are tensors in such files; they are named here, the caller puts
 *           them.
 * Uses:     config.h, format/gguf.h.
 */
#ifndef AE_MODEL_CONFIG_PUT_H
#define AE_MODEL_CONFIG_PUT_H

#include "model/config.h"

/* general.* and ARCH.*: all keys but the tokenizer's. file_type: general.file_type, or
 * AE_NO_FILE_TYPE (presets.h). */
AEON_MUST_USE aeon_status ae_gguf_put_config(ae_gguf_writer *w, const ae_config *c,
                                             uint32_t file_type, aeon_error *err);

/* The tensor, of rope_dim / 2 values of F32, that holds the factors of a set; NULL if there are
 * none, or a key says them. */
const char *ae_rope_tensor_name(const ae_config *c, ae_rope_set set);

#endif
