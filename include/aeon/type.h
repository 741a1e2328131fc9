/* type.h - the data types of weights and caches, by the numbers and names that GGUF files use.
 *
 * Model:    A type stores a row as blocks of block_size values in block_bytes bytes. F32, F16 and
 *           BF16 are blocks of one.
 * Threads:  Immutable tables; any thread.
 */
#ifndef AEON_TYPE_H
#define AEON_TYPE_H

#include "aeon/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Values equal ggml_type in GGUF files (gaps are types that were withdrawn or are not known here).
 */
typedef enum {
    AEON_TYPE_F32 = 0,
    AEON_TYPE_F16 = 1,
    AEON_TYPE_Q4_0 = 2,
    AEON_TYPE_Q4_1 = 3,
    AEON_TYPE_Q5_0 = 6,
    AEON_TYPE_Q5_1 = 7,
    AEON_TYPE_Q8_0 = 8,
    AEON_TYPE_Q2_K = 10,
    AEON_TYPE_Q3_K = 11,
    AEON_TYPE_Q4_K = 12,
    AEON_TYPE_Q5_K = 13,
    AEON_TYPE_Q6_K = 14,
    AEON_TYPE_IQ4_NL = 20,
    AEON_TYPE_IQ4_XS = 23,
    AEON_TYPE_BF16 = 30,

    /* Groups of MLX checkpoints: bits, values in a group, type of scale and bias. Numbers of ours,
     * above those of ggml; only files that AEON packs have them. */
    AEON_TYPE_MLX4_32_BF16 = 128,
    AEON_TYPE_MLX4_64_F16 = 129,
    AEON_TYPE_MLX4_64_BF16 = 130,
    AEON_TYPE_MLX4_128_F16 = 131,
    AEON_TYPE_MLX4_128_BF16 = 132,
    AEON_TYPE_MLX8_32_F16 = 133,
    AEON_TYPE_MLX8_32_BF16 = 134,
    AEON_TYPE_MLX8_64_F16 = 135,
    AEON_TYPE_MLX8_64_BF16 = 136,
    AEON_TYPE_MLX8_128_F16 = 137,
    AEON_TYPE_MLX8_128_BF16 = 138,

    /* What those checkpoints keep their values in: 32-bit words. No type of weights, so it has no
     * name here and is not supported anywhere; aeon_file_tensor names it. */
    AEON_TYPE_U32 = 139,
} aeon_type;
#define AEON_TYPE_MAX 144 /* one above any type number that a file may name */

/* The lower-case name ("q4_0"); NULL for a number that is not supported. */
AEON_API const char *aeon_type_name(aeon_type type);

/* Find a type by its name, upper or lower case. Returns false if there is none. */
AEON_API bool aeon_type_find(const char *name, aeon_type *out);

#ifdef __cplusplus
}
#endif
#endif
