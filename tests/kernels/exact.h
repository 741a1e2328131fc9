/* exact.h - products in double precision, and how far from them a kernel may be.
 *
 * Example:  exact_row row; exact_expand(&row, type, bytes, n_cols);
 *           exact_check(y, &row, x, n_cols);
 */
#ifndef AEON_TESTS_KERNELS_EXACT_H
#define AEON_TESTS_KERNELS_EXACT_H

#include "support.h"

enum { EXACT_MAX_COLS = 2048 };

/* A row of weights: its values, and for each the largest magnitude that enters a sum on its behalf.
 */
typedef struct {
    bool is_float;
    float weight[EXACT_MAX_COLS], span[EXACT_MAX_COLS];
} exact_row;

/* Of s * q + b; bytes may be taken as 128 more than signed ones, which b then has on top. */
static inline float affine_span(const void *block, int bits, bool is_bf16)
{
    const ae_affine *a = block;
    float s = is_bf16 ? ae_bf16_to_f32(a->s) : ae_f16_to_f32(a->s);
    float b = is_bf16 ? ae_bf16_to_f32(a->b) : ae_f16_to_f32(a->b);
    return fabsf(s) * (bits == 8 ? 256 : 15) + fabsf(b);
}

/* For value c of a block the largest magnitude that enters a sum on its behalf: offsets and minima
 * enter by themselves, before they cancel. */
static inline float block_span(aeon_type type, const void *block, size_t c)
{
#define AFFINE_SPAN(none, TYPE, name, bits, group, is_bf16)                                        \
    case AEON_TYPE_##TYPE: return affine_span(block, bits, is_bf16);
    uint8_t scale[8], min[8];
    switch (type) {
    case AEON_TYPE_Q8_0:
        return fabsf(ae_f16_to_f32(((const ae_block_q8_0 *)block)->d)) *
               255; /* and an offset of 128 */
    case AEON_TYPE_Q4_0: return fabsf(ae_f16_to_f32(((const ae_block_q4_0 *)block)->d)) * 23;
    case AEON_TYPE_Q4_K: {
        const ae_block_q4_k *b = block;
        ae_k_scales(b->scales, scale, min);
        return fabsf(ae_f16_to_f32(b->d)) * scale[c / 32] * 15 +
               fabsf(ae_f16_to_f32(b->dmin)) * min[c / 32];
    }
    case AEON_TYPE_Q5_K: {
        const ae_block_q5_k *b = block;
        ae_k_scales(b->scales, scale, min);
        return fabsf(ae_f16_to_f32(b->d)) * scale[c / 32] * 31 +
               fabsf(ae_f16_to_f32(b->dmin)) * min[c / 32];
    }
    case AEON_TYPE_Q6_K: {
        const ae_block_q6_k *b = block;
        return fabsf(ae_f16_to_f32(b->d)) * (float)abs(b->scales[c / 16]) *
               95; /* and the offset of 32 */
    }
        AE_AFFINE_TYPES(AFFINE_SPAN, )
    default: return 0;
    }
#undef AFFINE_SPAN
}

static inline void exact_expand(exact_row *out, aeon_type type, const void *row, size_t n_cols)
{
    const ae_dtype *t = ae_dtype_get(type);
    out->is_float = t->block_values == 1;
    t->to_f32(row, out->weight, n_cols);
    for (size_t c = 0; c < n_cols; c++) {
        const char *block = (const char *)row + c / t->block_values * t->block_bytes;
        out->span[c] =
            out->is_float ? fabsf(out->weight[c]) : block_span(type, block, c % t->block_values);
    }
}

/* y may differ from the exact sum over x [n_cols] by its roundings: each of at most 2^-24 of what
 * was summed so far, one for each product and addition of a chain. Floats: 2 for each value.
 * Blocks: 2 sums of 3 factors for each 32 values, and 8 for the lanes and the weights' own
 * rounding. */
static inline void exact_check(float y, const exact_row *row, const double *x, size_t n_cols)
{
    double sum = 0, magnitude = 0;
    for (size_t c = 0; c < n_cols; c++) {
        sum += row->weight[c] * x[c];
        magnitude += row->span[c] * fabs(x[c]);
    }
    double n_roundings = row->is_float ? 2 * (double)n_cols : 8 * (double)(n_cols / AE_BLOCK) + 8;
    double tolerance = magnitude * n_roundings * 0x1p-24 + 1e-37; /* and for subnormal sums */
    if (!(fabs(y - sum) <= tolerance))
        fail_msg("%zu values: %.9g, exact %.17g, off by %.3g, allowed %.3g", n_cols, (double)y, sum,
                 y - sum, tolerance);
}

#endif
