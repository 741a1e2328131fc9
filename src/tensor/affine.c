/* affine.c - rows of MLX's affine groups: s * q + b, in 4 or 8 bits. */
#include "tensor/blocks.h"
#include "tensor/dtype.h"
#include "tensor/rows.h"

#include <math.h>

#define INLINE static inline __attribute__((always_inline))

/* The 16-bit floats that scales and biases may be. */
typedef float widen_fn(uint16_t h);
typedef uint16_t round_fn(float f);

/* ---- values of a group ----------------------------------------------------------------------- */

/* Value i of a group: 4-bit ones stand in runs of 32 (blocks.h). */
INLINE unsigned get(const uint8_t *qs, size_t i, unsigned bits)
{
    if (bits == 8) return qs[i];
    unsigned byte = qs[i / 32 * 16 + i % 16];
    return i % 32 < 16 ? byte & 15 : byte >> 4;
}

INLINE void put(uint8_t *qs, size_t i, unsigned bits, unsigned q)
{
    uint8_t *byte = bits == 8 ? qs + i : qs + i / 32 * 16 + i % 16;
    *byte = (uint8_t)(bits == 8 || i % 32 < 16 ? q : *byte | q << 4);
}

INLINE void to_f32(const uint8_t *block, float *y, size_t n, unsigned bits, size_t group,
                   widen_fn *widen)
{
    for (; n > 0; n -= group, y += group, block += AE_AFFINE_BYTES(bits, group)) {
        const ae_affine *a = (const ae_affine *)block;
        float s = widen(a->s), b = widen(a->b);
        for (size_t i = 0; i < group; i++) y[i] = s * (float)get(a->qs, i, bits) + b;
    }
}

/* ---- from f32 -------------------------------------------------------------------------------- */

/* The smallest and the largest of x; NaN is passed over, and nothing else gives zeros. */
INLINE void find_range(const float *x, size_t n, float *low, float *high)
{
    *low = INFINITY, *high = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (x[i] < *low) *low = x[i];
        if (x[i] > *high) *high = x[i];
    }
    if (!(*low <= *high)) *low = *high = 0;
}

/* The level nearest to v, 0 .. top; NaN gives 0. A plain cast would be undefined for it. */
INLINE unsigned level(float v, unsigned top)
{
    if (!(v > 0)) return 0;
    return v < (float)top ? (unsigned)(v + 0.5f) : top;
}

/* The end of the range that is further from zero becomes exact, and so does zero: the step is
 * changed so that a whole number of them lies between. */
INLINE void from_f32(const float *x, uint8_t *block, size_t n, unsigned bits, size_t group,
                     widen_fn *widen, round_fn *narrow)
{
    const unsigned top = (1u << bits) - 1;
    for (; n > 0; n -= group, x += group, block += AE_AFFINE_BYTES(bits, group)) {
        ae_affine *a = (ae_affine *)block;
        float low, high;
        find_range(x, group, &low, &high);
        bool is_low = fabsf(low) > fabsf(high);
        float edge = is_low ? low : high, step = (is_low ? high - low : low - high) / (float)top;
        float n_steps = step != 0 ? roundf(edge / step) : 0;
        if (n_steps != 0) step = edge / n_steps;
        a->s = narrow(step);
        a->b = narrow(n_steps != 0 || step == 0 ? edge : 0);
        float s = widen(a->s), b = widen(a->b), inverse = s != 0 ? 1 / s : 0;
        for (size_t i = 0; i < group; i++) put(a->qs, i, bits, level((x[i] - b) * inverse, top));
    }
}

#define ROWS(bits, group, type, widen, narrow)                                                     \
    void ae_mlx##bits##_##group##_##type##_row_to_f32(const void *x, float *y, size_t n)           \
    {                                                                                              \
        to_f32(x, y, n, bits, group, widen);                                                       \
    }                                                                                              \
    void ae_mlx##bits##_##group##_##type##_row_from_f32(const float *x, void *y, size_t n)         \
    {                                                                                              \
        from_f32(x, y, n, bits, group, widen, narrow);                                             \
    }
#define F16_ROWS(bits, group)  ROWS(bits, group, f16, ae_f16_to_f32, ae_f32_to_f16)
#define BF16_ROWS(bits, group) ROWS(bits, group, bf16, ae_bf16_to_f32, ae_f32_to_bf16)
BF16_ROWS(4, 32)
F16_ROWS(4, 64)
BF16_ROWS(4, 64)
F16_ROWS(4, 128)
BF16_ROWS(4, 128)
F16_ROWS(8, 32)
BF16_ROWS(8, 32)
F16_ROWS(8, 64)
BF16_ROWS(8, 64)
F16_ROWS(8, 128)
BF16_ROWS(8, 128)
