/* neon_panel.h - panels of 8 rows on 64-bit Arm: the names of their kernels, and loads and stores.
 *
 *     neon       every processor: products of 8-bit integers in 16 bits
 *     dotprod    four products at once in each lane (FEAT_DotProd)
 *     i8mm       two rows of weights times two of activations (FEAT_I8MM), pairs of bf16
 * (FEAT_BF16)
 *
 * Model:    The files of the panels are compiled once for each of these tables, with the options of
 *           its instruction set and AE_NEON_TABLE as its name; the compiler's feature macros say
 *           what they may use. All three share one layout, so a packed file serves them all.
 * Uses:     isa.h.
 * Example:  void AE_NEON(q8_0)(ae_panel p, size_t n_x) { ... }
 */
#ifndef AE_KERNELS_ARM_NEON_PANEL_H
#define AE_KERNELS_ARM_NEON_PANEL_H

#include "kernels/isa.h"

#include <arm_neon.h>

/* ---- names ----------------------------------------------------------------------------------- */

#define AE_NEON_JOIN(table, name)       ae_panel_##table##_##name
#define AE_NEON_JOIN_NAMES(table, name) AE_NEON_JOIN(table, name)
#define AE_NEON(name)                   AE_NEON_JOIN_NAMES(AE_NEON_TABLE, name)

AE_PANELS_DECLARE(neon)
AE_PANELS_DECLARE(dotprod)
AE_PANELS_DECLARE(i8mm)
ae_peak_fn ae_panel_neon_peak_int8, ae_panel_dotprod_peak_int8, ae_panel_i8mm_peak_int8,
    ae_panel_i8mm_peak_bf16;

enum { AE_NEON_ROWS = 8 };

/* ---- memory ---------------------------------------------------------------------------------- */

enum { AE_NEON_SIDES = 2 /* registers that hold a value of all rows */, AE_NEON_VECTOR = 16 };

/* A number of each row. */
typedef struct {
    float32x4_t s[AE_NEON_SIDES];
} ae_neon_rows;

/* A field of a block in a panel, from the first row that is meant: unit u is at + u * stride. */
typedef struct {
    const char *at;
    size_t stride;
} ae_neon_field;

/* offset: where the field begins in a block of one row, in the order of the panel's fields. */
AE_INLINE ae_neon_field ae_neon_field_at(const ae_panel *p, const char *block, size_t offset,
                                         size_t unit_bytes)
{
    return (ae_neon_field){block + p->w_lanes * offset + p->w_lane * unit_bytes,
                           p->w_lanes * unit_bytes};
}

/* A unit of four bytes of the rows of a side. */
AE_INLINE uint8x16_t ae_neon_load(ae_neon_field f, size_t unit, size_t side)
{
    return vld1q_u8((const uint8_t *)f.at + unit * f.stride + side * AE_NEON_VECTOR);
}

/* A half float of each row. */
AE_INLINE ae_neon_rows ae_neon_halves(ae_neon_field f, size_t unit)
{
    float16x8_t h = vreinterpretq_f16_u8(vld1q_u8((const uint8_t *)f.at + unit * f.stride));
    return (ae_neon_rows){{vcvt_f32_f16(vget_low_f16(h)), vcvt_high_f32_f16(h)}};
}

AE_INLINE ae_neon_rows ae_neon_bf16s(ae_neon_field f, size_t unit)
{
    uint16x8_t h = vreinterpretq_u16_u8(vld1q_u8((const uint8_t *)f.at + unit * f.stride));
    return (ae_neon_rows){{vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(h), 16)),
                           vreinterpretq_f32_u32(vshll_high_n_u16(h, 16))}};
}

/* Asks for what is wanted next while block b of n passes: these rows' share of it, in its order.
 * bytes: of a block of one row. */
AE_INLINE void ae_neon_prefetch(const ae_panel *p, size_t b, size_t n, const size_t bytes)
{
    enum { LINE = 64 };
    const char *at = p->ahead + (p->w_lane * n + b * AE_NEON_ROWS) * bytes;
    for (size_t i = 0; i < AE_NEON_ROWS * bytes; i += LINE) __builtin_prefetch(at + i);
}

/* y = or y += the sums of all rows. */
AE_INLINE void ae_neon_put(float *y, ae_neon_rows sum, bool adds)
{
    if (adds) {
        sum.s[0] = vaddq_f32(vld1q_f32(y), sum.s[0]);
        sum.s[1] = vaddq_f32(vld1q_f32(y + 4), sum.s[1]);
    }
    vst1q_f32(y, sum.s[0]);
    vst1q_f32(y + 4, sum.s[1]);
}

/* The rows' sums with activation row i. */
AE_INLINE void ae_neon_store(const ae_panel *p, size_t i, ae_neon_rows sum)
{
    float *y = p->y + i * p->y_stride, all[AE_NEON_ROWS] = {0};
    if (p->n_rows >= AE_NEON_ROWS) {
        ae_neon_put(y, sum, p->adds);
        return;
    }
    memcpy(all, y, p->n_rows * sizeof *y);
    ae_neon_put(all, sum, p->adds);
    memcpy(y, all, p->n_rows * sizeof *y);
}

#endif
