/* neon_panel.c - panels of blocks: a block of 32 values of 8 rows is sixteen registers of signed
 * bytes, which stay while the activations pass.
 *
 *     values of rows 0 .. 7 in the first four registers:
 *
 *     as the panel has them:     0 0 0 0  1 1 1 1  2 2 2 2  3 3 3 3     values 0..3 of rows 0..3
 *                                4 4 4 4  5 5 5 5  6 6 6 6  7 7 7 7               of rows 4..7
 *                                0 0 0 0  1 1 1 1  2 2 2 2  3 3 3 3     values 4..7 of rows 0..3
 *                                4 4 4 4  5 5 5 5  6 6 6 6  7 7 7 7               of rows 4..7
 *
 *     for i8mm, zipped:          0 0 0 0  0 0 0 0  1 1 1 1  1 1 1 1     values 0..7 of rows 0 and 1
 *                                and so on: rows 2 and 3, 4 and 5, 6 and 7
 *
 * A step takes one row of activations, and a lane of a sum is a row of the panel; or, by i8mm, two,
 * and the lanes are (row 0, x 0), (row 0, x 1), (row 1, x 0), (row 1, x 1). Either way a sum takes
 * its blocks in order, in its own lane, by the same operations: it is the same however many rows of
 * activations come along. */
#include "kernels/arm/neon_panel.h"

#include <stddef.h>

enum {
    ROWS = AE_NEON_ROWS,
    SIDES = AE_NEON_SIDES,
    MAX_STEP = 2,
    HALF = 8,      /* registers with 16 values of each row */
    HALF_UNITS = 4 /* and how many units of the panel that is */
};

/* 16 values of each row as the file has them, and the 32 of a block. */
typedef struct {
    uint8x16_t q[HALF];
} half;
typedef struct {
    int8x16_t q[2 * HALF];
} weights;

/* A number for each sum of a step: SIDES * step registers of them are in use. */
typedef struct {
    float32x4_t s[SIDES * MAX_STEP];
} numbers;

/* ---- weights --------------------------------------------------------------------------------- */

AE_INLINE uint8x16_t zip_low(uint8x16_t a, uint8x16_t b)
{
    return vreinterpretq_u8_u32(vzip1q_u32(vreinterpretq_u32_u8(a), vreinterpretq_u32_u8(b)));
}

AE_INLINE uint8x16_t zip_high(uint8x16_t a, uint8x16_t b)
{
    return vreinterpretq_u8_u32(vzip2q_u32(vreinterpretq_u32_u8(a), vreinterpretq_u32_u8(b)));
}

/* The half that begins with a unit. */
AE_INLINE half load_half(ae_neon_field f, size_t unit, const size_t step)
{
    half h, zipped;
    for (size_t i = 0; i < HALF; i++) h.q[i] = ae_neon_load(f, unit + i / SIDES, i % SIDES);
    if (step == 1) return h;
    for (size_t i = 0; i < HALF; i += 4)
        for (size_t s = 0; s < SIDES; s++) {
            zipped.q[i + 2 * s] = zip_low(h.q[i + s], h.q[i + 2 + s]);
            zipped.q[i + 2 * s + 1] = zip_high(h.q[i + s], h.q[i + 2 + s]);
        }
    return zipped;
}

AE_INLINE half low_nibbles(half h)
{
    for (size_t i = 0; i < HALF; i++) h.q[i] = vandq_u8(h.q[i], vdupq_n_u8(15));
    return h;
}

AE_INLINE half high_nibbles(half h)
{
    for (size_t i = 0; i < HALF; i++) h.q[i] = vshrq_n_u8(h.q[i], 4);
    return h;
}

/* The bits of mask, which stand in bits of h from `from` on, added to q at their place `to`. */
AE_INLINE half with_bits(half q, half h, int from, int to, uint8_t mask)
{
    int8x16_t shift = vdupq_n_s8((int8_t)(to - from)); /* negative: to the right */
    uint8x16_t place = vdupq_n_u8((uint8_t)(mask << to));
    for (size_t i = 0; i < HALF; i++)
        q.q[i] = vorrq_u8(q.q[i], vandq_u8(vshlq_u8(h.q[i], shift), place));
    return q;
}

AE_INLINE weights block_of(half first, half second, int offset)
{
    weights w;
    int8x16_t minus = vdupq_n_s8((int8_t)offset);
    for (size_t i = 0; i < HALF; i++) {
        w.q[i] = vsubq_s8(vreinterpretq_s8_u8(first.q[i]), minus);
        w.q[HALF + i] = vsubq_s8(vreinterpretq_s8_u8(second.q[i]), minus);
    }
    return w;
}

/* A number of each row where the sums of a step want it. */
AE_INLINE numbers spread(ae_neon_rows r, const size_t step)
{
    if (step == 1) return (numbers){{r.s[0], r.s[1]}};
    return (numbers){{vzip1q_f32(r.s[0], r.s[0]), vzip2q_f32(r.s[0], r.s[0]),
                      vzip1q_f32(r.s[1], r.s[1]), vzip2q_f32(r.s[1], r.s[1])}};
}

/* ---- activations ----------------------------------------------------------------------------- */

typedef struct {
    const ae_act_q8 *row[MAX_STEP];
} acts;

/* Block b of the rows of a step from i on. The last row of an odd number is its own neighbour. */
AE_INLINE acts act_blocks(const ae_panel *p, size_t i, size_t b, size_t n, const size_t step)
{
    const ae_act_q8 *a = (const ae_act_q8 *)(const void *)(p->x + b * p->x_block_bytes) + i;
    return (acts){{a, step == 1 || i + 1 == n ? a : a + 1}};
}

/* Four bytes of each block, from an offset on, where the sums of a step want them. */
AE_INLINE uint32x4_t act_field(acts x, size_t offset, const size_t step)
{
    uint32_t first = ae_four((const char *)x.row[0] + offset);
    if (step == 1) return vdupq_n_u32(first);
    uint32_t second = ae_four((const char *)x.row[1] + offset);
    uint32x2_t both = vset_lane_u32(second, vdup_n_u32(first), 1);
    return vcombine_u32(both, both);
}

AE_INLINE float32x4_t act_scales(acts x, const size_t step)
{
    return vreinterpretq_f32_u32(act_field(x, offsetof(ae_act_q8, d), step));
}

/* Minus the sums of the blocks, from those of their halves. */
AE_INLINE float32x4_t minus_sums(acts x, const size_t step)
{
    int16x8_t halves = vreinterpretq_s16_u32(act_field(x, offsetof(ae_act_q8, minus_sum), step));
    return vcvtq_f32_s32(vpaddlq_s16(halves));
}

/* ---- products of bytes -----------------------------------------------------------------------
 *
 * dot_halves: dot = products of the halves begin .. end-1 of a block. n_fit: how many products of
 * this type's weights fit into 16 bits. */

enum { FIT_BYTES = 2 /* * 128 * 127 */, FIT_SMALL = 8 /* * 32 * 127 */ };

#ifdef __ARM_FEATURE_DOTPROD
/* One row of activations, four values from a lane of its register. */
AE_INLINE void add_fours(int32x4_t dot[], const int8x16_t q[], const int8_t *x)
{
    int8x16_t a = vld1q_s8(x);
    for (int s = 0; s < SIDES; s++) {
        dot[s] = vdotq_laneq_s32(dot[s], q[s], a, 0);
        dot[s] = vdotq_laneq_s32(dot[s], q[SIDES + s], a, 1);
        dot[s] = vdotq_laneq_s32(dot[s], q[2 * SIDES + s], a, 2);
        dot[s] = vdotq_laneq_s32(dot[s], q[3 * SIDES + s], a, 3);
    }
}
#endif

#if defined(__ARM_FEATURE_MATMUL_INT8)
enum { STEP = 2, PEAK_PRODUCTS = 32 };

AE_INLINE int32x4_t peak_step(int32x4_t sum, int8x16_t a, int8x16_t b)
{
    return vmmlaq_s32(sum, a, b);
}

/* Two rows of activations, eight values of both side by side. */
AE_INLINE void add_eights(int32x4_t dot[], const int8x16_t q[], const int8_t *x0, const int8_t *x1)
{
    int64x2_t a0 = vreinterpretq_s64_s8(vld1q_s8(x0)), a1 = vreinterpretq_s64_s8(vld1q_s8(x1));
    int8x16_t first = vreinterpretq_s8_s64(vzip1q_s64(a0, a1));
    int8x16_t second = vreinterpretq_s8_s64(vzip2q_s64(a0, a1));
    for (int r = 0; r < ROWS / 2; r++) {
        dot[r] = vmmlaq_s32(dot[r], q[r], first);
        dot[r] = vmmlaq_s32(dot[r], q[ROWS / 2 + r], second);
    }
}

AE_INLINE void dot_halves(int32x4_t dot[], const weights *w, acts x, int begin, int end,
                          const size_t step, const int n_fit)
{
    (void)n_fit;
    for (size_t r = 0; r < SIDES * step; r++) dot[r] = vdupq_n_s32(0);
    for (int h = begin; h < end; h++) {
        if (step == 1)
            add_fours(dot, w->q + h * HALF, x.row[0]->q + 16 * h);
        else
            add_eights(dot, w->q + h * HALF, x.row[0]->q + 16 * h, x.row[1]->q + 16 * h);
    }
}

#elif defined(__ARM_FEATURE_DOTPROD)
enum { STEP = 1, PEAK_PRODUCTS = 16 };

AE_INLINE int32x4_t peak_step(int32x4_t sum, int8x16_t a, int8x16_t b)
{
    return vdotq_s32(sum, a, b);
}

AE_INLINE void dot_halves(int32x4_t dot[], const weights *w, acts x, int begin, int end,
                          const size_t step, const int n_fit)
{
    (void)step, (void)n_fit;
    for (int s = 0; s < SIDES; s++) dot[s] = vdupq_n_s32(0);
    for (int h = begin; h < end; h++) add_fours(dot, w->q + h * HALF, x.row[0]->q + 16 * h);
}

#else
enum { STEP = 1, PEAK_PRODUCTS = 16 };

AE_INLINE int32x4_t peak_step(int32x4_t sum, int8x16_t a, int8x16_t b)
{
    int16x8_t products = vmull_s8(vget_low_s8(a), vget_low_s8(b));
    return vpadalq_s16(sum, vmlal_high_s8(products, a, b));
}

/* Sums of products of rows 0 and 1, and of rows 2 and 3, of a side. */
typedef struct {
    int16x8_t low, high;
} products;

/* The four bytes at x times those of each row. */
AE_INLINE products add_products(products sum, int8x16_t q, const int8_t *x)
{
    int8x16_t a = vreinterpretq_s8_u32(vdupq_n_u32(ae_four(x)));
    return (products){vmlal_s8(sum.low, vget_low_s8(q), vget_low_s8(a)),
                      vmlal_high_s8(sum.high, q, a)};
}

AE_INLINE void dot_halves(int32x4_t dot[], const weights *w, acts x, int begin, int end,
                          const size_t step, const int n_fit)
{
    (void)step;
    const int n_meet = n_fit < 4 * (end - begin) ? n_fit : 4 * (end - begin);
    for (int s = 0; s < SIDES; s++) {
        int32x4_t low = vdupq_n_s32(0), high = vdupq_n_s32(0);
        for (int j = begin * 4; j < end * 4; j += n_meet) {
            products sum = {vdupq_n_s16(0), vdupq_n_s16(0)};
            for (int k = j; k < j + n_meet; k++)
                sum = add_products(sum, w->q[k * SIDES + s], x.row[0]->q + 4 * k);
            low = vpadalq_s16(low, sum.low);
            high = vpadalq_s16(high, sum.high);
        }
        dot[s] = vpaddq_s32(low, high);
    }
}
#endif

/* ---- blocks of 32 ----------------------------------------------------------------------------
 *
 * sum: the sums of activation row i begin at register SIDES * i. */

enum { MAX_SUMS = SIDES * AE_PANEL_TILE };

/* Block b of n, of all rows of the panel. bytes: of a block of one row. */
AE_INLINE const char *next_block(const ae_panel *p, size_t b, size_t n, const size_t bytes)
{
    ae_neon_prefetch(p, b, n, bytes);
    return p->w + b * p->w_lanes * bytes;
}

AE_INLINE void store_sums(const ae_panel *p, const float32x4_t sum[], size_t n, const size_t step)
{
    for (size_t i = 0; i < n; i += step, sum += SIDES * step) {
        if (step == 1) {
            ae_neon_store(p, i, (ae_neon_rows){{sum[0], sum[1]}});
            continue;
        }
        ae_neon_rows first = {{vuzp1q_f32(sum[0], sum[1]), vuzp1q_f32(sum[2], sum[3])}};
        ae_neon_rows second = {{vuzp2q_f32(sum[0], sum[1]), vuzp2q_f32(sum[2], sum[3])}};
        ae_neon_store(p, i, first);
        if (i + 1 < n) ae_neon_store(p, i + 1, second);
    }
}

/* Weights d * w. */
AE_INLINE void add_block(float32x4_t sum[], const ae_panel *p, size_t b, const weights *w,
                         ae_neon_rows d_rows, size_t n, const size_t step, const int n_fit)
{
    numbers d = spread(d_rows, step);
    for (size_t i = 0; i < n; i += step, sum += SIDES * step) {
        acts x = act_blocks(p, i, b, n, step);
        int32x4_t dot[SIDES * MAX_STEP];
        dot_halves(dot, w, x, 0, 2, step, n_fit);
        float32x4_t d_x = act_scales(x, step);
        for (size_t r = 0; r < SIDES * step; r++)
            sum[r] = vfmaq_f32(sum[r], vmulq_f32(d.s[r], d_x), vcvtq_f32_s32(dot[r]));
    }
}

/* Weights d * w - min. */
AE_INLINE void add_block_min(float32x4_t sum[], const ae_panel *p, size_t b, const weights *w,
                             ae_neon_rows d_rows, ae_neon_rows min_rows, size_t n,
                             const size_t step, const int n_fit)
{
    numbers d = spread(d_rows, step), min = spread(min_rows, step);
    for (size_t i = 0; i < n; i += step, sum += SIDES * step) {
        acts x = act_blocks(p, i, b, n, step);
        int32x4_t dot[SIDES * MAX_STEP];
        dot_halves(dot, w, x, 0, 2, step, n_fit);
        float32x4_t d_x = act_scales(x, step), minus = minus_sums(x, step);
        for (size_t r = 0; r < SIDES * step; r++) {
            float32x4_t product = vmulq_f32(d.s[r], vcvtq_f32_s32(dot[r]));
            sum[r] = vfmaq_f32(sum[r], vfmaq_f32(product, min.s[r], minus), d_x);
        }
    }
}

AE_INLINE void tile_q8_0(const ae_panel *p, size_t n, const size_t step)
{
    float32x4_t sum[MAX_SUMS] = {0};
    size_t n_blocks = p->n_cols / AE_BLOCK;
    for (size_t b = 0; b < n_blocks; b++) {
        const char *block = next_block(p, b, n_blocks, sizeof(ae_block_q8_0));
        ae_neon_field d = ae_neon_field_at(p, block, 0, 2), qs = ae_neon_field_at(p, block, 2, 4);
        weights w = block_of(load_half(qs, 0, step), load_half(qs, HALF_UNITS, step), 0);
        add_block(sum, p, b, &w, ae_neon_halves(d, 0), n, step, FIT_BYTES);
    }
    store_sums(p, sum, n, step);
}

AE_INLINE void tile_q4_0(const ae_panel *p, size_t n, const size_t step)
{
    float32x4_t sum[MAX_SUMS] = {0};
    size_t n_blocks = p->n_cols / AE_BLOCK;
    for (size_t b = 0; b < n_blocks; b++) {
        const char *block = next_block(p, b, n_blocks, sizeof(ae_block_q4_0));
        ae_neon_field d = ae_neon_field_at(p, block, 0, 2), qs = ae_neon_field_at(p, block, 2, 4);
        half both = load_half(qs, 0, step);
        weights w = block_of(low_nibbles(both), high_nibbles(both), 8);
        add_block(sum, p, b, &w, ae_neon_halves(d, 0), n, step, FIT_SMALL);
    }
    store_sums(p, sum, n, step);
}

/* ---- affine groups --------------------------------------------------------------------------- */

/* What 8 bits are beyond signed bytes. */
enum { U8_OFFSET = 128 };

/* The 32 values of each row that begin with a unit, 8-bit ones less their offset. */
AE_INLINE weights affine_weights(ae_neon_field qs, size_t unit, const size_t bits,
                                 const size_t step)
{
    half first = load_half(qs, unit, step);
    if (bits == 4) return block_of(low_nibbles(first), high_nibbles(first), 0);
    return block_of(first, load_half(qs, unit + HALF_UNITS, step), U8_OFFSET);
}

/* The minimum of weights s * (q + offset) + b. */
AE_INLINE ae_neon_rows affine_min(ae_neon_rows s, ae_neon_rows b, const float offset)
{
    for (size_t i = 0; i < SIDES; i++) b.s[i] = vnegq_f32(vfmaq_n_f32(b.s[i], s.s[i], offset));
    return b;
}

/* Only the bits are constants: a group is long enough to look at the rest. */
AE_INLINE void tile_affine(const ae_panel *p, const size_t bits, size_t group, bool is_bf16,
                           size_t n, const size_t step)
{
    float32x4_t sum[MAX_SUMS] = {0};
    size_t n_groups = p->n_cols / group, n_blocks = group / AE_BLOCK;
    for (size_t g = 0; g < n_groups; g++) {
        const char *block = next_block(p, g, n_groups, AE_AFFINE_BYTES(bits, group));
        ae_neon_field scale = ae_neon_field_at(p, block, 0, 2);
        ae_neon_field qs = ae_neon_field_at(p, block, sizeof(ae_affine), 4);
        ae_neon_rows s = is_bf16 ? ae_neon_bf16s(scale, 0) : ae_neon_halves(scale, 0);
        ae_neon_rows b = is_bf16 ? ae_neon_bf16s(scale, 1) : ae_neon_halves(scale, 1);
        ae_neon_rows min = affine_min(s, b, bits == 8 ? U8_OFFSET : 0);
        for (size_t i = 0; i < n_blocks; i++) {
            weights w = affine_weights(qs, i * bits, bits, step); /* `bits` units are 32 values */
            add_block_min(sum, p, g * n_blocks + i, &w, s, min, n, step,
                          bits == 8 ? FIT_BYTES : FIT_SMALL);
        }
    }
    store_sums(p, sum, n, step);
}

#define AFFINE_BITS(bits)                                                                          \
    static void affine_##bits(ae_panel p, size_t group, bool is_bf16, size_t n_x)                  \
    {                                                                                              \
        p.w_lanes = ROWS;                                                                          \
        p.w_lane = 0;                                                                              \
        if (n_x == 1)                                                                              \
            tile_affine(&p, bits, group, is_bf16, 1, 1);                                           \
        else                                                                                       \
            tile_affine(&p, bits, group, is_bf16, n_x, STEP);                                      \
    }
AFFINE_BITS(4)
AFFINE_BITS(8)

#define AFFINE_PANEL(name_of, TYPE, name, bits, group, is_bf16)                                    \
    void name_of(name)(ae_panel p, size_t n_x)                                                     \
    {                                                                                              \
        affine_##bits(p, group, is_bf16, n_x);                                                     \
    }
AE_AFFINE_TYPES(AFFINE_PANEL, AE_NEON)

/* ---- blocks of 256 --------------------------------------------------------------------------- */

/* Small integers, one of each row. */
AE_INLINE uint8x8_t load_small(ae_neon_field f, size_t unit)
{
    return vld1_u8((const uint8_t *)f.at + unit * f.stride);
}

/* factor * the small integers */
AE_INLINE ae_neon_rows scale_small(ae_neon_rows factor, uint8x8_t bytes)
{
    int16x8_t wide = vmovl_s8(vreinterpret_s8_u8(bytes));
    float32x4_t low = vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
    float32x4_t high = vcvtq_f32_s32(vmovl_high_s16(wide));
    return (ae_neon_rows){{vmulq_f32(factor.s[0], low), vmulq_f32(factor.s[1], high)}};
}

/* Scale and minimum of group g, as ae_k_scales has them. */
AE_INLINE void k_scale(ae_neon_field packed, size_t g, uint8x8_t *scale, uint8x8_t *min)
{
    const uint8x8_t six = vdup_n_u8(63), low = vdup_n_u8(15), top = vdup_n_u8(48);
    if (g < 4) {
        *scale = vand_u8(load_small(packed, g), six);
        *min = vand_u8(load_small(packed, g + 4), six);
        return;
    }
    uint8x8_t both = load_small(packed, g + 4);
    uint8x8_t top_scale = vand_u8(vshr_n_u8(load_small(packed, g - 4), 2), top);
    uint8x8_t top_min = vand_u8(vshr_n_u8(load_small(packed, g), 2), top);
    *scale = vorr_u8(vand_u8(both, low), top_scale);
    *min = vorr_u8(vshr_n_u8(both, 4), top_min);
}

/* The fields of a Q4_K or, with fifth bits, of a Q5_K block. */
typedef struct {
    ae_neon_field d, scales, fifth, qs;
} k_fields;

AE_INLINE k_fields k_fields_at(const ae_panel *p, const char *block, const bool has_fifth)
{
    enum { FIFTH = 4 + AE_K_SCALES, FIFTH_BYTES = AE_SUPERBLOCK / 8 };
    return (k_fields){.d = ae_neon_field_at(p, block, 0, 2),
                      .scales = ae_neon_field_at(p, block, 4, 1),
                      .fifth = ae_neon_field_at(p, block, FIFTH, 4),
                      .qs = ae_neon_field_at(p, block, FIFTH + (has_fifth ? FIFTH_BYTES : 0), 4)};
}

/* Group g, block b of 32. is_high: g is odd. */
AE_INLINE void add_k_group(float32x4_t sum[], const ae_panel *p, size_t b, k_fields f, size_t g,
                           const bool is_high, const bool has_fifth, size_t n, const size_t step)
{
    half q[2];
    for (size_t h = 0; h < 2; h++) {
        q[h] = load_half(f.qs, (g / 2 * 2 + h) * HALF_UNITS, step);
        q[h] = is_high ? high_nibbles(q[h]) : low_nibbles(q[h]);
        if (has_fifth)
            q[h] = with_bits(q[h], load_half(f.fifth, h * HALF_UNITS, step), (int)g, 4, 1);
    }
    weights w = block_of(q[0], q[1], 0);
    uint8x8_t scale, min;
    k_scale(f.scales, g, &scale, &min);
    add_block_min(sum, p, b, &w, scale_small(ae_neon_halves(f.d, 0), scale),
                  scale_small(ae_neon_halves(f.d, 1), min), n, step, FIT_SMALL);
}

AE_INLINE void tile_k(const ae_panel *p, size_t block_bytes, const bool has_fifth, size_t n,
                      const size_t step)
{
    float32x4_t sum[MAX_SUMS] = {0};
    size_t n_blocks = p->n_cols / AE_SUPERBLOCK;
    for (size_t b = 0; b < n_blocks; b++) {
        k_fields f = k_fields_at(p, next_block(p, b, n_blocks, block_bytes), has_fifth);
        for (size_t g = 0; g < 8; g += 2) {
            add_k_group(sum, p, 8 * b + g, f, g, false, has_fifth, n, step);
            add_k_group(sum, p, 8 * b + g + 1, f, g + 1, true, has_fifth, n, step);
        }
    }
    store_sums(p, sum, n, step);
}

AE_INLINE void tile_q4_k(const ae_panel *p, size_t n, const size_t step)
{
    tile_k(p, sizeof(ae_block_q4_k), false, n, step);
}

AE_INLINE void tile_q5_k(const ae_panel *p, size_t n, const size_t step)
{
    tile_k(p, sizeof(ae_block_q5_k), true, n, step);
}

/* A scale covers half of a block of 32. */
AE_INLINE void add_q6_group(float32x4_t sum[], const ae_panel *p, size_t b, const weights *w,
                            ae_neon_rows d_first, ae_neon_rows d_second, size_t n,
                            const size_t step)
{
    numbers d0 = spread(d_first, step), d1 = spread(d_second, step);
    for (size_t i = 0; i < n; i += step, sum += SIDES * step) {
        acts x = act_blocks(p, i, b, n, step);
        int32x4_t first[SIDES * MAX_STEP], second[SIDES * MAX_STEP];
        dot_halves(first, w, x, 0, 1, step, FIT_SMALL);
        dot_halves(second, w, x, 1, 2, step, FIT_SMALL);
        float32x4_t d_x = act_scales(x, step);
        for (size_t r = 0; r < SIDES * step; r++) {
            float32x4_t product = vmulq_f32(d0.s[r], vcvtq_f32_s32(first[r]));
            product = vfmaq_f32(product, d1.s[r], vcvtq_f32_s32(second[r]));
            sum[r] = vfmaq_f32(sum[r], product, d_x);
        }
    }
}

/* Half h of group g. */
AE_INLINE half q6_half(ae_neon_field low, ae_neon_field high, size_t g, size_t h, const size_t step)
{
    half q = load_half(low, (g / 4 * 4 + g % 2 * 2 + h) * HALF_UNITS, step);
    q = g % 4 < 2 ? low_nibbles(q) : high_nibbles(q);
    half bits = load_half(high, (g / 4 * 2 + h) * HALF_UNITS, step);
    return with_bits(q, bits, (int)(g % 4 * 2), 4, 3);
}

AE_INLINE void tile_q6_k(const ae_panel *p, size_t n, const size_t step)
{
    enum { SCALES = 2, HIGH = SCALES + AE_SUPERBLOCK / 16, LOW = HIGH + AE_SUPERBLOCK / 4 };
    float32x4_t sum[MAX_SUMS] = {0};
    size_t n_blocks = p->n_cols / AE_SUPERBLOCK;
    for (size_t b = 0; b < n_blocks; b++) {
        const char *block = next_block(p, b, n_blocks, sizeof(ae_block_q6_k));
        ae_neon_field scales = ae_neon_field_at(p, block, SCALES, 1);
        ae_neon_field high = ae_neon_field_at(p, block, HIGH, 4);
        ae_neon_field low = ae_neon_field_at(p, block, LOW, 4);
        ae_neon_rows d = ae_neon_halves(ae_neon_field_at(p, block, 0, 2), 0);
        for (size_t g = 0; g < 8; g++) {
            weights w =
                block_of(q6_half(low, high, g, 0, step), q6_half(low, high, g, 1, step), 32);
            add_q6_group(sum, p, 8 * b + g, &w, scale_small(d, load_small(scales, 2 * g)),
                         scale_small(d, load_small(scales, 2 * g + 1)), n, step);
        }
    }
    store_sums(p, sum, n, step);
}

/* Weights alone are of these types, and known strides make shorter code. */
#define WEIGHTS(type)                                                                              \
    void AE_NEON(type)(ae_panel p, size_t n_x)                                                     \
    {                                                                                              \
        p.w_lanes = ROWS;                                                                          \
        p.w_lane = 0;                                                                              \
        if (n_x == 1)                                                                              \
            tile_##type(&p, 1, 1);                                                                 \
        else                                                                                       \
            tile_##type(&p, n_x, STEP);                                                            \
    }
WEIGHTS(q4_0)
WEIGHTS(q4_k)
WEIGHTS(q5_k)
WEIGHTS(q6_k)

/* And this one is of caches too. */
void AE_NEON(q8_0)(ae_panel p, size_t n_x)
{
    if (n_x == 1)
        tile_q8_0(&p, 1, 1);
    else
        tile_q8_0(&p, n_x, STEP);
}

/* ---- peak: 16 independent chains hide the latency of four units -------------------------------
 */

enum { CHAINS = 16 };

uint64_t AE_NEON(peak_int8)(uint64_t n_rounds)
{
    int32x4_t sum[CHAINS] = {0};
    int8x16_t a = vdupq_n_s8(3), b = vdupq_n_s8(-5);
    for (uint64_t i = 0; i < n_rounds; i++)
        for (int j = 0; j < CHAINS; j++) {
            __asm__ volatile("" : "+w"(a)); /* or the products would be computed once */
            sum[j] = peak_step(sum[j], a, b);
            __asm__ volatile("" : "+w"(sum[j]));
        }
    return n_rounds * CHAINS * PEAK_PRODUCTS;
}
