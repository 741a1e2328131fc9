/* isa.h - what the instruction sets share: the shape of a dot product, the table, and exp.
 *
 * Model:    A tile is one weight row against N activation rows, N = 1..4 a constant in each copy
 *           that the compiler makes, so the sums stay in registers and a weight is unpacked once.
 *           The N sums never meet: an output is the same in every tile size.
 * Uses:     kernels.h.
 * Example:  AE_INLINE void tile_f16(ae_tile t, const int n) { ... t.y[i * t.y_stride] = ...; }
 *           AE_DOT(dot_f16, tile_f16)
 */
#ifndef AE_KERNELS_ISA_H
#define AE_KERNELS_ISA_H

#include "kernels/gemm.h"
#include "kernels/kernels.h"

#include <string.h>

#define AE_INLINE static inline __attribute__((always_inline))

/* The tables; a build has those of its own processor family. */
extern const ae_kernels ae_kernels_scalar, ae_kernels_avx2, ae_kernels_avxvnni, ae_kernels_avx512,
    ae_kernels_avx512bf16, ae_kernels_neon, ae_kernels_dotprod, ae_kernels_i8mm;
ae_gemm_fn ae_gemm_avx512_bf16;
ae_panel_fn ae_panel_avx2_f32, ae_panel_avx2_f16, ae_panel_avx2_bf16, ae_panel_avx2_q8_0,
    ae_panel_avx2_q4_0, ae_panel_avx2_q4_k, ae_panel_avx2_q5_k, ae_panel_avx2_q6_k;
ae_panel_fn ae_panel_avxvnni_f32, ae_panel_avxvnni_f16, ae_panel_avxvnni_bf16,
    ae_panel_avxvnni_q8_0, ae_panel_avxvnni_q4_0, ae_panel_avxvnni_q4_k, ae_panel_avxvnni_q5_k,
    ae_panel_avxvnni_q6_k;
ae_panel_fn ae_panel_avx512_f32, ae_panel_avx512_f16, ae_panel_avx512_bf16, ae_panel_avx512_q8_0,
    ae_panel_avx512_q4_0, ae_panel_avx512_q4_k, ae_panel_avx512_q5_k, ae_panel_avx512_q6_k;
ae_panel_fn ae_panel_avx512_bf16_pairs;

/* ---- tiles ----------------------------------------------------------------------------------- */

enum { AE_TILE = 4 };

/* The arguments of ae_dot_fn without n_x. */
typedef struct {
    float *y;
    size_t y_stride;
    const void *w;
    const char *x;
    size_t x_row_bytes;
    size_t n_cols;
} ae_tile;

/* An ae_dot_fn from a tile function. */
#define AE_DOT(name, tile)                                                                         \
    static void name(float *y, size_t y_stride, const void *w, const void *x, size_t x_row_bytes,  \
                     size_t n_x, size_t n_cols)                                                    \
    {                                                                                              \
        ae_tile t = {y, y_stride, w, x, x_row_bytes, n_cols};                                      \
        for (; n_x >= AE_TILE; n_x -= AE_TILE) {                                                   \
            tile(t, AE_TILE);                                                                      \
            t.y += AE_TILE * y_stride;                                                             \
            t.x += AE_TILE * x_row_bytes;                                                          \
        }                                                                                          \
        if (n_x == 3) tile(t, 3);                                                                  \
        if (n_x == 2) tile(t, 2);                                                                  \
        if (n_x == 1) tile(t, 1);                                                                  \
    }

/* The arguments of ae_mix_fn without n_x. */
typedef struct {
    float *y;
    const float *keep;
    const char *rows;
    size_t row_bytes, n_rows;
    const float *p;
    size_t p_stride, n_cols;
} ae_mix;

/* An ae_mix_fn from a table's mix_tile(m, N, load, size), which mixes rows of one type for N = 1..4
 * queries; size: bytes of a value. */
#define AE_MIX(name, load, size)                                                                   \
    static void name(float *y, const float *keep, const void *rows, size_t row_bytes,              \
                     size_t n_rows, const float *p, size_t p_stride, size_t n_x, size_t n_cols)    \
    {                                                                                              \
        ae_mix m = {y, keep, rows, row_bytes, n_rows, p, p_stride, n_cols};                        \
        for (; n_x >= AE_TILE; n_x -= AE_TILE) {                                                   \
            mix_tile(m, AE_TILE, load, size);                                                      \
            m.y += AE_TILE * n_cols;                                                               \
            m.keep += AE_TILE;                                                                     \
            m.p += AE_TILE * p_stride;                                                             \
        }                                                                                          \
        if (n_x == 3) mix_tile(m, 3, load, size);                                                  \
        if (n_x == 2) mix_tile(m, 2, load, size);                                                  \
        if (n_x == 1) mix_tile(m, 1, load, size);                                                  \
    }

/* An ae_panel_fn from a function (p, first, N) that multiplies with rows first .. first + N - 1 of
 * the tile, N = 1 .. 8 a constant in each copy that the compiler makes. */
#define AE_PANEL_PARTS(name, part)                                                                 \
    void name(ae_panel p, size_t n_x)                                                              \
    {                                                                                              \
        size_t first = 0;                                                                          \
        for (; first + 8 <= n_x; first += 8) part(&p, first, 8);                                   \
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

/* Block b of activation row i. */
AE_INLINE const ae_act_q8 *ae_tile_act(const char *x, size_t x_row_bytes, int i, size_t b)
{
    return (const ae_act_q8 *)(const void *)(x + (size_t)i * x_row_bytes) + b;
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* The entries that every table has: a file names its functions after them. Tables that differ in
 * their products of bytes share those of floats. */
#define AE_KERNELS_FLOAT_ENTRIES                                                                   \
    .dot[AEON_TYPE_F32] = dot_f32, .dot[AEON_TYPE_F16] = dot_f16, .dot[AEON_TYPE_BF16] = dot_bf16, \
    .mix = {[AEON_TYPE_F32] = mix_f32, [AEON_TYPE_F16] = mix_f16, [AEON_TYPE_BF16] = mix_bf16},    \
    .quantize_act = quantize_act, .rms_norm = rms_norm, .swiglu = swiglu,                          \
    .softmax_part = softmax_part, .add = add, .f32_to_f16 = f32_to_f16,                            \
    .f32_to_bf16 = f32_to_bf16, .peak_f32 = peak_f32
#define AE_KERNELS_ENTRIES AE_KERNELS_FLOAT_ENTRIES, .peak_int8 = peak_int8

/* And those of tables that multiply plain rows of blocks. */
#define AE_KERNELS_BLOCK_DOTS                                                                      \
    .dot[AEON_TYPE_Q8_0] = dot_q8_0, .dot[AEON_TYPE_Q4_0] = dot_q4_0,                              \
    .dot[AEON_TYPE_Q4_K] = dot_q4_k, .dot[AEON_TYPE_Q6_K] = dot_q6_k

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
