/* presets.h - which type each tensor of a model gets when it is written again.
 *
 * Model:    A preset is a name that people know from published files (q4_k_m) and a row of types:
 *           one for most matrices, better ones for those whose errors hurt most, one for the output
 *           head. The role of a tensor follows from its name in GGUF files.
 * Uses:     tensor/.      Threads: pure functions.
 * Example:  const ae_preset *p = ae_preset_find("q4_k_m");
 *           aeon_type type = ae_preset_type(p, ae_role_of(name), n_layers);
 */
#ifndef AE_MODEL_PRESETS_H
#define AE_MODEL_PRESETS_H

#include "tensor/dtype.h"

typedef enum {
    AE_ROLE_OTHER, /* no matrix of the architectures we know: stays as it is */
    AE_ROLE_EMBEDDING,
    AE_ROLE_HEAD,
    AE_ROLE_QKV, /* the three in one tensor */
    AE_ROLE_VALUE,
    AE_ROLE_DOWN,  /* the feed-forward's way back */
    AE_ROLE_PLAIN, /* every other matrix of a layer */
} ae_role_kind;

typedef struct {
    ae_role_kind kind;
    uint32_t layer;
} ae_role;

/* name: as in GGUF files ("blk.3.ffn_down.weight"). */
ae_role ae_role_of(const char *name);

typedef struct ae_preset ae_preset;

/* By name, upper or lower case; NULL if there is none. */
const ae_preset *ae_preset_find(const char *name);
const char *ae_preset_name(const ae_preset *p);

/* general.file_type: the number by which GGUF files call such a mix. */
uint32_t ae_preset_file_type(const ae_preset *p);

/* The type of a matrix whose role is not OTHER. is_tied: the embedding is the head as well. */
aeon_type ae_preset_type(const ae_preset *p, ae_role role, uint32_t n_layers, bool is_tied);

/* The type itself, or the next best for rows of n_cols values that are no whole blocks of it. */
aeon_type ae_type_that_fits(aeon_type type, uint64_t n_cols);

/* The number by which GGUF files call a model most of whose weights have the type, or that there is
 * none (MLX's groups). */
#define AE_NO_FILE_TYPE UINT32_MAX
uint32_t ae_file_type_of(aeon_type type);

#endif
