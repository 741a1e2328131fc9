/* dtype.h - block layouts of the data types, and rows to and from f32.
 *
 * Model:    A row of n values is n / block_values blocks. Layouts are byte-exact those of GGUF,
 *           and for MLX's groups those of blocks.h.
 * Uses:     base/.      Threads: pure functions.
 * Promises: (1) every layout has its size asserted  (2) quantizing is deterministic
 * Example:  const ae_dtype *t = ae_dtype_get(AEON_TYPE_Q4_0);
 *           t->to_f32(block_row, row, n);
 */
#ifndef AE_TENSOR_DTYPE_H
#define AE_TENSOR_DTYPE_H

#include "aeon/type.h"
#include "base/status.h"

typedef struct {
    const char *name;
    aeon_type type;
    uint32_t block_values; /* values in a block: 1 to 256 */
    uint32_t block_bytes;
    /* y[0..n) = the row at x; n is a multiple of block_values. x need not be aligned. */
    void (*to_f32)(const void *x, float *y, size_t n);
    /* The row at y = x[0..n), rounded plainly and fast, as caches need it; NULL for types that only
     * the search of quantize.h writes. */
    void (*from_f32)(const float *x, void *y, size_t n);
} ae_dtype;

/* NULL if the type is unknown or not supported. */
const ae_dtype *ae_dtype_find(uint32_t type);
/* The type must be supported. */
const ae_dtype *ae_dtype_get(aeon_type type);

/* Bytes of a row of n values; 0 if n is not a multiple of the block or the size overflows. */
uint64_t ae_dtype_row_bytes(const ae_dtype *t, uint64_t n);

/* IEEE half and bfloat16, round to nearest even; NaN stays NaN. */
float ae_f16_to_f32(uint16_t h);
uint16_t ae_f32_to_f16(float f);
static inline float ae_bf16_to_f32(uint16_t h)
{
    union {
        uint32_t u;
        float f;
    } v = {(uint32_t)h << 16};
    return v.f;
}
uint16_t ae_f32_to_bf16(float f);

#endif
