/* isa.h - what the instruction sets share: the tables, the panels of floats, and exp.
 *
 * Uses:     kernels.h.
 * Example:  AE_INLINE void part_f32(const ae_panel *p, size_t first, const size_t n) { ... }
 *           AE_PANEL_PARTS(ae_panel_avx512_f32, part_f32)
 */
#ifndef AE_KERNELS_ISA_H
#define AE_KERNELS_ISA_H

#include "kernels/gemm.h"
#include "kernels/kernels.h"
#include "tensor/blocks.h"

#include <string.h>

#define AE_INLINE static inline __attribute__((always_inline))

/* The tables; a build has those of its own processor family. */
extern const ae_kernels ae_kernels_scalar, ae_kernels_avx2, ae_kernels_avxvnni, ae_kernels_avx512,
    ae_kernels_avx512bf16, ae_kernels_neon, ae_kernels_dotprod, ae_kernels_i8mm;
ae_gemm_fn ae_gemm_avx512_bf16;

/* ---- panels ---------------------------------------------------------------------------------- */

/* An ae_panel_fn from a function (p, first, N) that multiplies with rows first .. first + N - 1 of
 * the tile, N = 1 .. AE_PANEL_PART a constant in each copy that the compiler makes. */
enum { AE_PANEL_PART = 8 };
#define AE_PANEL_PARTS(name, part)                                                                 \
    void name(ae_panel p, size_t n_x)                                                              \
    {                                                                                              \
        size_t first = 0;                                                                          \
        for (; first + AE_PANEL_PART <= n_x; first += AE_PANEL_PART) part(&p, first, 8);           \
        switch (n_x - first) {                                                                     \
        case 7: part(&p, first, 7); break;                                                         \
        case 6: part(&p, first, 6); break;                                                         \
        case 5: part(&p, first, 5); break;                                                         \
        case 4: part(&p, first, 4); break;                                                         \
        case 3: part(&p, first, 3); break;                                                         \
        case 2: part(&p, first, 2); break;                                                         \
        case 1: part(&p, first, 1); break;                                                         \
        default: break;                                                                            \
        }                                                                                          \
    }

/* The kernels of a table for panels, which are named after it and their types. */
#define AE_PANELS_DECLARE(table)                                                                   \
    ae_panel_fn ae_panel_##table##_f32, ae_panel_##table##_f16, ae_panel_##table##_bf16,           \
        ae_panel_##table##_q8_0, ae_panel_##table##_q4_0, ae_panel_##table##_q4_k,                 \
        ae_panel_##table##_q5_k, ae_panel_##table##_q6_k;                                          \
    AE_AFFINE_TYPES(AE_PANEL_DECLARE, table)
#define AE_PANEL_DECLARE(table, TYPE, name, bits, group, is_bf16)                                  \
    ae_panel_fn ae_panel_##table##_##name;
AE_PANELS_DECLARE(avx2)
AE_PANELS_DECLARE(avxvnni)
AE_PANELS_DECLARE(avx512)
ae_panel_fn ae_panel_avx512_bf16_pairs;

/* And their entries; bf16: the name of the one for BF16, bf16_act: what it multiplies with. */
#define AE_PANELS(table, bf16, bf16_act)                                                           \
    .panel = {[AEON_TYPE_F32] = {ae_panel_##table##_f32, AE_ACT_F32},                              \
              [AEON_TYPE_F16] = {ae_panel_##table##_f16, AE_ACT_F32},                              \
              [AEON_TYPE_BF16] = {ae_panel_##table##_##bf16, bf16_act},                            \
              [AEON_TYPE_Q8_0] = {ae_panel_##table##_q8_0, AE_ACT_Q8},                             \
              [AEON_TYPE_Q4_0] = {ae_panel_##table##_q4_0, AE_ACT_Q8},                             \
              [AEON_TYPE_Q4_K] = {ae_panel_##table##_q4_k, AE_ACT_Q8},                             \
              [AEON_TYPE_Q5_K] = {ae_panel_##table##_q5_k, AE_ACT_Q8},                             \
              [AEON_TYPE_Q6_K] = {ae_panel_##table##_q6_k, AE_ACT_Q8},                             \
              AE_AFFINE_TYPES(AE_PANEL_ENTRY, table)}
#define AE_PANEL_ENTRY(table, TYPE, name, bits, group, is_bf16)                                    \
    [AEON_TYPE_##TYPE] = {ae_panel_##table##_##name, AE_ACT_Q8},

/* ---- tables ---------------------------------------------------------------------------------- */

/* The entries that every table has: a file names its functions after them. Tables that differ in
 * their products of bytes share those of floats. */
#define AE_KERNELS_FLOAT_ENTRIES                                                                   \
    .quantize_act = quantize_act, .rms_norm = rms_norm, .swiglu = swiglu,                          \
    .softmax_part = softmax_part, .add = add, .f32_to_f16 = f32_to_f16,                            \
    .f32_to_bf16 = f32_to_bf16, .q8_0_to_f32 = q8_0_to_f32, .peak_f32 = peak_f32
#define AE_KERNELS_ENTRIES AE_KERNELS_FLOAT_ENTRIES, .peak_int8 = peak_int8

/* ---- numbers --------------------------------------------------------------------------------- */

AE_INLINE float ae_float_of_bits(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

AE_INLINE uint32_t ae_bits_of_float(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* Four bytes that need not be aligned: what a kernel spreads over all lanes. */
AE_INLINE uint32_t ae_four(const void *at)
{
    uint32_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

/* The scale of an activation block from the bits of its largest magnitude, which order as the
 * magnitudes do, infinity and NaN on top. *inverse is 0 where q shall be 0. */
AE_INLINE float ae_act_scale(uint32_t max_bits, float *inverse)
{
    const uint32_t infinity = 0x7f800000, smallest_normal = 0x00800000;
    *inverse = 0;
    if (max_bits >= infinity) return ae_float_of_bits(infinity | 0x400000); /* NaN */
    float d = ae_float_of_bits(max_bits) / 127;
    if (ae_bits_of_float(d) < smallest_normal) return 0;
    *inverse = 1 / d;
    return d;
}

/* exp(x) = 2^k * exp(r), k = x / ln 2 rounded, |r| <= ln 2 / 2, exp(r) = 1 + r + r^2 * p(r).
 *
 * p interpolates at Chebyshev nodes, within 1.1e-8 of exp; with the rounding of f32 the relative
 * error stays below 1.5e-7. ln 2 is split in two so that k * LN2_HIGH is exact. Below AE_EXP_MIN
 * = ln 2^-126 the result is 0; from AE_EXP_MAX on it stays at exp(AE_EXP_MAX), about 2^127.5. */
#define AE_EXP_MIN      (-87.33f)
#define AE_EXP_MAX      88.37f
#define AE_EXP_LOG2E    0x1.715476p+0f
#define AE_EXP_LN2_HIGH 0x1.62e4p-1f
#define AE_EXP_LN2_LOW  0x1.7f7d1cp-20f
#define AE_EXP_P0       0.5f
#define AE_EXP_P1       0x1.5554dcp-3f
#define AE_EXP_P2       0x1.55551ap-5f
#define AE_EXP_P3       0x1.120b6ep-7f
#define AE_EXP_P4       0x1.6d110ap-10f

#endif
