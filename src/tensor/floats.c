/* floats.c - half and bfloat16 without special instructions, and rows of plain floats.
 *
 *         sign  exponent  fraction
 *   f32      1         8        23
 *   f16      1         5        10    exponents are 112 smaller than those of f32
 *   bf16     1         8         7    the upper half of an f32
 *
 * As the conversion instructions of x86 and ARM do, a signaling NaN becomes quiet and keeps the
 * upper bits of its payload.
 */
#include "tensor/dtype.h"
#include "tensor/rows.h"

#include <string.h>

static inline float f32_of_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static inline uint32_t bits_of_f32(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static inline float f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t exponent = h >> 10 & 31, fraction = h & 0x3ff;
    uint32_t magnitude;
    if (exponent == 0)
        magnitude = bits_of_f32((float)fraction * 0x1p-24f);
    else if (exponent < 31)
        magnitude = (exponent + 112) << 23 | fraction << 13;
    else
        magnitude = 0x7f800000 | fraction << 13 | (fraction ? 0x400000 : 0);
    return f32_of_bits(sign | magnitude);
}

static inline uint16_t f32_to_f16(float f)
{
    uint32_t u = bits_of_f32(f), magnitude = u & 0x7fffffff;
    uint32_t h;
    if (magnitude > 0x7f800000)
        h = 0x7e00 | (magnitude >> 13 & 0x3ff);
    else if (magnitude >= 0x47800000) /* 65536 and above; 65520 and above round up to infinity */
        h = 0x7c00;
    else if (magnitude >= 0x38800000) /* normal: the carry of rounding may raise the exponent */
        h = (magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13;
    else /* below 2^-14: beside 0.5 an f32 has steps of 2^-24, those of a subnormal half */
        h = bits_of_f32(f32_of_bits(magnitude) + 0.5f) - bits_of_f32(0.5f);
    return (uint16_t)((u >> 16 & 0x8000) | h);
}

static inline uint16_t f32_to_bf16(float f)
{
    uint32_t u = bits_of_f32(f);
    if ((u & 0x7fffffff) > 0x7f800000) return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

float ae_f16_to_f32(uint16_t h)
{
    return f16_to_f32(h);
}

uint16_t ae_f32_to_f16(float f)
{
    return f32_to_f16(f);
}

uint16_t ae_f32_to_bf16(float f)
{
    return f32_to_bf16(f);
}

/* ---- rows: the stored side may lie at any address -------------------------------------------- */

void ae_f32_row_to_f32(const void *x, float *y, size_t n)
{
    memcpy(y, x, n * sizeof *y);
}

void ae_f32_row_from_f32(const float *x, void *y, size_t n)
{
    memcpy(y, x, n * sizeof *x);
}

static inline uint16_t load_u16(const void *row, size_t i)
{
    uint16_t h;
    memcpy(&h, (const char *)row + i * sizeof h, sizeof h);
    return h;
}

static inline void store_u16(void *row, size_t i, uint16_t h)
{
    memcpy((char *)row + i * sizeof h, &h, sizeof h);
}

void ae_f16_row_to_f32(const void *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] = f16_to_f32(load_u16(x, i));
}

void ae_f16_row_from_f32(const float *x, void *y, size_t n)
{
    for (size_t i = 0; i < n; i++) store_u16(y, i, f32_to_f16(x[i]));
}

void ae_bf16_row_to_f32(const void *x, float *y, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] = ae_bf16_to_f32(load_u16(x, i));
}

void ae_bf16_row_from_f32(const float *x, void *y, size_t n)
{
    for (size_t i = 0; i < n; i++) store_u16(y, i, f32_to_bf16(x[i]));
}
