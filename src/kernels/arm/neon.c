/* neon.c - 64-bit ARM: 4 floats or 16 bytes at a time; the dot product instruction where the
 * compiler may use it (-march=armv8.2-a+dotprod), else multiplications of bytes.
 *
 * A load or store of n values touches exactly min(n, 4) of them; the lanes beyond are zero. So one
 * loop serves the body and the tail of a row. */
#include "kernels/isa.h"
#include "tensor/blocks.h"

#include <arm_neon.h>
#include <math.h>

enum { LANES = 4, MIX_VECTORS = 4 };

/* ---- loads and stores, by bytes where the address may be any --------------------------------- */

AE_INLINE float32x4_t load_f32(const void *x, size_t n)
{
    if (n >= LANES) return vreinterpretq_f32_u8(vld1q_u8(x));
    float part[LANES] = {0};
    memcpy(part, x, n * sizeof *part);
    return vld1q_f32(part);
}

AE_INLINE void store_f32(float *y, float32x4_t v, size_t n)
{
    if (n >= LANES) {
        vst1q_f32(y, v);
        return;
    }
    float part[LANES];
    vst1q_f32(part, v);
    memcpy(y, part, n * sizeof *part);
}

AE_INLINE uint16x4_t load_u16(const void *x, size_t n)
{
    if (n >= LANES) return vreinterpret_u16_u8(vld1_u8(x));
    uint16_t part[LANES] = {0};
    memcpy(part, x, n * sizeof *part);
    return vld1_u16(part);
}

AE_INLINE void store_u16(void *y, uint16x4_t v, size_t n)
{
    if (n >= LANES) {
        vst1_u8(y, vreinterpret_u8_u16(v));
        return;
    }
    uint16_t part[LANES];
    vst1_u16(part, v);
    memcpy(y, part, n * sizeof *part);
}

AE_INLINE float32x4_t load_f16(const void *x, size_t n)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(load_u16(x, n)));
}

AE_INLINE float32x4_t load_bf16(const void *x, size_t n)
{
    return vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(load_u16(x, n)), 16));
}

/* 4 values of an F32, F16 or BF16 row. */
typedef float32x4_t load_fn(const void *x, size_t n);

/* The lanes beyond n set to a value. */
AE_INLINE float32x4_t pad(float32x4_t v, size_t n, float value)
{
    static const uint32_t places[LANES] = {0, 1, 2, 3};
    uint32x4_t inside = vcgtq_u32(vdupq_n_u32(n < LANES ? (uint32_t)n : LANES), vld1q_u32(places));
    return vbslq_f32(inside, v, vdupq_n_f32(value));
}

/* ---- dot products of floats: two sums of 4 lanes, for even and odd fours of the row -----------
 */

typedef struct {
    float32x4_t even, odd;
} sums;

AE_INLINE void step_float(sums sum[], const char *w, const char *x, size_t x_row_bytes, size_t left,
                          const int n, load_fn *load, size_t w_size)
{
    size_t left_odd = left > LANES ? left - LANES : 0;
    float32x4_t w0 = load(w, left), w1 = load(w + LANES * w_size, left_odd);
    for (int i = 0; i < n; i++) {
        const char *a = x + (size_t)i * x_row_bytes;
        float32x4_t a0 = load_f32(a, left), a1 = load_f32(a + LANES * sizeof(float), left_odd);
        sum[i].even = vfmaq_f32(sum[i].even, w0, a0);
        sum[i].odd = vfmaq_f32(sum[i].odd, w1, a1);
    }
}

AE_INLINE void tile_float(ae_tile t, const int n, load_fn *load, size_t w_size)
{
    enum { STEP = 2 * LANES };
    sums sum[AE_TILE];
    for (int i = 0; i < n; i++) sum[i].even = sum[i].odd = vdupq_n_f32(0);
    const char *w = t.w;
    size_t c = 0;
    for (; c + STEP <= t.n_cols; c += STEP)
        step_float(sum, w + c * w_size, t.x + c * sizeof(float), t.x_row_bytes, STEP, n, load,
                   w_size);
    if (c < t.n_cols)
        step_float(sum, w + c * w_size, t.x + c * sizeof(float), t.x_row_bytes, t.n_cols - c, n,
                   load, w_size);
    for (int i = 0; i < n; i++)
        t.y[(size_t)i * t.y_stride] = vaddvq_f32(vaddq_f32(sum[i].even, sum[i].odd));
}

AE_INLINE void tile_f32(ae_tile t, const int n)
{
    tile_float(t, n, load_f32, sizeof(float));
}

AE_INLINE void tile_f16(ae_tile t, const int n)
{
    tile_float(t, n, load_f16, sizeof(uint16_t));
}

AE_INLINE void tile_bf16(ae_tile t, const int n)
{
    tile_float(t, n, load_bf16, sizeof(uint16_t));
}

AE_DOT(dot_f32, tile_f32)
AE_DOT(dot_f16, tile_f16)
AE_DOT(dot_bf16, tile_bf16)

/* ---- dot products of blocks: 8 products in a 32-bit lane, then one f32 sum of 4 lanes ---------
 */

/* 32 signed bytes. */
typedef struct {
    int8x16_t low, high;
} bytes32;

AE_INLINE bytes32 load_q(const int8_t *q)
{
    return (bytes32){vld1q_s8(q), vld1q_s8(q + 16)};
}

/* sum + the products of 16 bytes, 4 in each lane. Without the instruction two products meet in 16
 * bits: 2 * 128 * 127 fits. */
AE_INLINE int32x4_t dot16(int32x4_t sum, int8x16_t w, int8x16_t a)
{
#ifdef __ARM_FEATURE_DOTPROD
    return vdotq_s32(sum, w, a);
#else
    int16x8_t products = vmull_s8(vget_low_s8(w), vget_low_s8(a));
    return vpadalq_s16(sum, vmlal_high_s8(products, w, a));
#endif
}

AE_INLINE int32x4_t dot32(bytes32 w, bytes32 a)
{
    return dot16(dot16(vdupq_n_s32(0), w.low, a.low), w.high, a.high);
}

AE_INLINE float f16(uint16_t h)
{
    return vgetq_lane_f32(vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(h))), 0);
}

/* sum + scale * dot */
AE_INLINE float32x4_t fold(float32x4_t sum, float scale, int32x4_t dot)
{
    return vfmaq_n_f32(sum, vcvtq_f32_s32(dot), scale);
}

AE_INLINE void clear_sums(float32x4_t sum[], const int n)
{
    for (int i = 0; i < n; i++) sum[i] = vdupq_n_f32(0);
}

AE_INLINE void store_sums(ae_tile t, const float32x4_t sum[], const int n)
{
    for (int i = 0; i < n; i++) t.y[(size_t)i * t.y_stride] = vaddvq_f32(sum[i]);
}

AE_INLINE void tile_q8_0(ae_tile t, const int n)
{
    const ae_block_q8_0 *w = t.w;
    float32x4_t sum[AE_TILE];
    clear_sums(sum, n);
    for (size_t b = 0; b < t.n_cols / AE_BLOCK; b++) {
        float d = f16(w[b].d);
        bytes32 q = load_q(w[b].qs);
        for (int i = 0; i < n; i++) {
            const ae_act_q8 *a = ae_tile_act(t.x, t.x_row_bytes, i, b);
            sum[i] = fold(sum[i], d * a->d, dot32(q, load_q(a->q)));
        }
    }
    store_sums(t, sum, n);
}

AE_INLINE uint8x16_t low_nibbles(uint8x16_t bytes)
{
    return vandq_u8(bytes, vdupq_n_u8(15));
}

AE_INLINE void tile_q4_0(ae_tile t, const int n)
{
    const ae_block_q4_0 *w = t.w;
    const int8x16_t offset = vdupq_n_s8(8);
    float32x4_t sum[AE_TILE];
    clear_sums(sum, n);
    for (size_t b = 0; b < t.n_cols / AE_BLOCK; b++) {
        float d = f16(w[b].d);
        uint8x16_t bytes = vld1q_u8(w[b].qs);
        bytes32 q = {vsubq_s8(vreinterpretq_s8_u8(low_nibbles(bytes)), offset),
                     vsubq_s8(vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4)), offset)};
        for (int i = 0; i < n; i++) {
            const ae_act_q8 *a = ae_tile_act(t.x, t.x_row_bytes, i, b);
            sum[i] = fold(sum[i], d * a->d, dot32(q, load_q(a->q)));
        }
    }
    store_sums(t, sum, n);
}

/* Group g of 32 values of a Q4_K block, 0 .. 15. */
AE_INLINE bytes32 q4_group(const ae_block_q4_k *w, const int g)
{
    const int8x16_t shift = vdupq_n_s8((int8_t)(g % 2 * -4)); /* negative: to the right */
    const uint8_t *qs = w->qs + g / 2 * AE_BLOCK;
    return (bytes32){vreinterpretq_s8_u8(low_nibbles(vshlq_u8(vld1q_u8(qs), shift))),
                     vreinterpretq_s8_u8(low_nibbles(vshlq_u8(vld1q_u8(qs + 16), shift)))};
}

/* The minimum is the weight of all 32 values: each of the 4 lanes takes min * sum / 4. */
AE_INLINE void tile_q4_k(ae_tile t, const int n)
{
    const ae_block_q4_k *w = t.w;
    float32x4_t sum[AE_TILE];
    clear_sums(sum, n);
    for (size_t b = 0; b < t.n_cols / AE_SUPERBLOCK; b++) {
        float d = f16(w[b].d), dmin = f16(w[b].dmin);
        uint8_t scale[8], min[8];
        ae_k_scales(w[b].scales, scale, min);
        for (int g = 0; g < 8; g++) {
            bytes32 q = q4_group(w + b, g);
            float d_g = d * (float)scale[g], min_g = dmin * (float)min[g] / -4;
            for (int i = 0; i < n; i++) {
                const ae_act_q8 *a = ae_tile_act(t.x, t.x_row_bytes, i, 8 * b + (size_t)g);
                sum[i] = fold(sum[i], d_g * a->d, dot32(q, load_q(a->q)));
                sum[i] = fold(sum[i], min_g * a->d, vdupq_n_s32(ae_act_sum(a)));
            }
        }
    }
    store_sums(t, sum, n);
}

/* 16 values of a Q6_K block, -32 .. 31, from their bytes of ql and qh and the places of their bits,
 * given as negative shifts. */
AE_INLINE int8x16_t q6_values(const uint8_t *ql, const uint8_t *qh, int8x16_t low, int8x16_t high)
{
    uint8x16_t lower = low_nibbles(vshlq_u8(vld1q_u8(ql), low));
    uint8x16_t upper = vandq_u8(vshlq_u8(vld1q_u8(qh), high), vdupq_n_u8(3));
    uint8x16_t q = vorrq_u8(lower, vshlq_n_u8(upper, 4));
    return vsubq_s8(vreinterpretq_s8_u8(q), vdupq_n_s8(32));
}

/* Group g of 32 values of a Q6_K block. */
AE_INLINE bytes32 q6_group(const ae_block_q6_k *w, const int g)
{
    const uint8_t *ql = w->ql + g / 4 * 64 + g % 2 * 32, *qh = w->qh + g / 4 * 32;
    int8x16_t low = vdupq_n_s8((int8_t)(g % 4 / 2 * -4)), high = vdupq_n_s8((int8_t)(g % 4 * -2));
    return (bytes32){q6_values(ql, qh, low, high), q6_values(ql + 16, qh + 16, low, high)};
}

AE_INLINE void tile_q6_k(ae_tile t, const int n)
{
    const ae_block_q6_k *w = t.w;
    const int32x4_t zero = vdupq_n_s32(0);
    float32x4_t sum[AE_TILE];
    clear_sums(sum, n);
    for (size_t b = 0; b < t.n_cols / AE_SUPERBLOCK; b++) {
        float d = f16(w[b].d);
        for (int g = 0; g < 8; g++) {
            bytes32 q = q6_group(w + b, g);
            const int8_t *scale = w[b].scales + 2 * g;
            for (int i = 0; i < n; i++) {
                const ae_act_q8 *a = ae_tile_act(t.x, t.x_row_bytes, i, 8 * b + (size_t)g);
                bytes32 aq = load_q(a->q);
                int32x4_t dot = vmulq_n_s32(dot16(zero, q.low, aq.low), scale[0]);
                dot = vmlaq_n_s32(dot, dot16(zero, q.high, aq.high), scale[1]);
                sum[i] = fold(sum[i], d * a->d, dot);
            }
        }
    }
    store_sums(t, sum, n);
}

AE_DOT(dot_q8_0, tile_q8_0)
AE_DOT(dot_q4_0, tile_q4_0)
AE_DOT(dot_q4_k, tile_q4_k)
AE_DOT(dot_q6_k, tile_q6_k)

/* ---- rows of activations --------------------------------------------------------------------- */

/* The largest 32-bit integer of a block's magnitudes. */
AE_INLINE uint32_t max_magnitude_bits(const float *x)
{
    uint32x4_t max = vdupq_n_u32(0);
    for (int j = 0; j < AE_ACT_BLOCK; j += LANES)
        max = vmaxq_u32(max, vreinterpretq_u32_f32(vabsq_f32(vld1q_f32(x + j))));
    return vmaxvq_u32(max);
}

static void quantize_act(ae_act_q8 *y, const float *x, size_t n)
{
    for (; n > 0; n -= AE_ACT_BLOCK, x += AE_ACT_BLOCK, y++) {
        float inverse;
        y->d = ae_act_scale(max_magnitude_bits(x), &inverse);
        y->minus_sum[0] = y->minus_sum[1] = 0;
        /* where inverse is 0, infinity gives NaN, which is 0 as an integer */
        for (int j = 0; j < AE_ACT_BLOCK; j += 2 * LANES) {
            int32x4_t q0 = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + j), inverse));
            int32x4_t q1 = vcvtnq_s32_f32(vmulq_n_f32(vld1q_f32(x + j + LANES), inverse));
            int16_t *minus = &y->minus_sum[j / 16];
            *minus = (int16_t)(*minus - vaddvq_s32(vaddq_s32(q0, q1)));
            vst1_s8(y->q + j, vmovn_s16(vcombine_s16(vmovn_s32(q0), vmovn_s32(q1))));
        }
    }
}

/* n_vectors registers of each of n outputs stay where they are while the rows go by. */
AE_INLINE void mix_columns(ae_mix m, size_t c, const int n, const int n_vectors, load_fn *load,
                           size_t size)
{
    float32x4_t sum[AE_TILE][MIX_VECTORS], row[MIX_VECTORS];
    size_t left = m.n_cols - c;
    for (int i = 0; i < n; i++)
        for (int v = 0; v < n_vectors; v++) {
            const float *y = m.y + (size_t)i * m.n_cols + c + v * LANES;
            sum[i][v] = vmulq_n_f32(load_f32(y, left - (size_t)v * LANES), m.keep[i]);
        }
    for (size_t r = 0; r < m.n_rows; r++) {
        const char *at = m.rows + r * m.row_bytes + c * size;
        for (int v = 0; v < n_vectors; v++)
            row[v] = load(at + (size_t)v * LANES * size, left - (size_t)v * LANES);
        for (int i = 0; i < n; i++) {
            float p = m.p[(size_t)i * m.p_stride + r];
            for (int v = 0; v < n_vectors; v++) sum[i][v] = vfmaq_n_f32(sum[i][v], row[v], p);
        }
    }
    for (int i = 0; i < n; i++)
        for (int v = 0; v < n_vectors; v++)
            store_f32(m.y + (size_t)i * m.n_cols + c + v * LANES, sum[i][v],
                      left - (size_t)v * LANES);
}

AE_INLINE void mix_tile(ae_mix m, const int n, load_fn *load, size_t size)
{
    size_t c = 0;
    for (; c + MIX_VECTORS * LANES <= m.n_cols; c += MIX_VECTORS * LANES)
        mix_columns(m, c, n, MIX_VECTORS, load, size);
    for (; c < m.n_cols; c += LANES) mix_columns(m, c, n, 1, load, size);
}

AE_MIX(mix_f32, load_f32, sizeof(float))
AE_MIX(mix_f16, load_f16, sizeof(uint16_t))
AE_MIX(mix_bf16, load_bf16, sizeof(uint16_t))

static void rms_norm(float *y, const float *x, const float *w, size_t n, float eps)
{
    float32x4_t sum = vdupq_n_f32(0);
    for (size_t i = 0; i < n; i += LANES) {
        float32x4_t v = load_f32(x + i, n - i);
        sum = vfmaq_f32(sum, v, v);
    }
    float scale = 1 / sqrtf(vaddvq_f32(sum) / (float)n + eps);
    for (size_t i = 0; i < n; i += LANES) {
        float32x4_t v = vmulq_n_f32(load_f32(x + i, n - i), scale);
        store_f32(y + i, vmulq_f32(v, load_f32(w + i, n - i)), n - i);
    }
}

/* Constants: isa.h. min and max keep a NaN. */
AE_INLINE float32x4_t exp_f32(float32x4_t x)
{
    uint32x4_t below = vcltq_f32(x, vdupq_n_f32(AE_EXP_MIN));
    x = vmaxq_f32(vminq_f32(x, vdupq_n_f32(AE_EXP_MAX)), vdupq_n_f32(AE_EXP_MIN));
    float32x4_t k = vrndnq_f32(vmulq_n_f32(x, AE_EXP_LOG2E));
    float32x4_t r = vfmsq_f32(x, k, vdupq_n_f32(AE_EXP_LN2_HIGH));
    r = vfmsq_f32(r, k, vdupq_n_f32(AE_EXP_LN2_LOW));
    float32x4_t p = vdupq_n_f32(AE_EXP_P4);
    p = vfmaq_f32(vdupq_n_f32(AE_EXP_P3), p, r);
    p = vfmaq_f32(vdupq_n_f32(AE_EXP_P2), p, r);
    p = vfmaq_f32(vdupq_n_f32(AE_EXP_P1), p, r);
    p = vfmaq_f32(vdupq_n_f32(AE_EXP_P0), p, r);
    p = vaddq_f32(vfmaq_f32(r, p, vmulq_f32(r, r)), vdupq_n_f32(1));
    int32x4_t power = vaddq_s32(vcvtq_s32_f32(k), vdupq_n_s32(127));
    p = vmulq_f32(p, vreinterpretq_f32_s32(vshlq_n_s32(power, 23)));
    return vbslq_f32(below, vdupq_n_f32(0), p);
}

static void swiglu(float *y, const float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        float32x4_t g = load_f32(gate + i, n - i);
        float32x4_t silu = vdivq_f32(g, vaddq_f32(vdupq_n_f32(1), exp_f32(vnegq_f32(g))));
        store_f32(y + i, vmulq_f32(silu, load_f32(up + i, n - i)), n - i);
    }
}

static float softmax_part(float *x, size_t n, float *max)
{
    float32x4_t top = vdupq_n_f32(*max), sum = vdupq_n_f32(0);
    for (size_t i = 0; i < n; i += LANES)
        top = vmaxq_f32(top, pad(load_f32(x + i, n - i), n - i, -INFINITY));
    *max = vmaxvq_f32(top);
    top = vdupq_n_f32(*max);
    for (size_t i = 0; i < n; i += LANES) {
        float32x4_t e = exp_f32(vsubq_f32(pad(load_f32(x + i, n - i), n - i, -INFINITY), top));
        sum = vaddq_f32(sum, e);
        store_f32(x + i, e, n - i);
    }
    return vaddvq_f32(sum);
}

static void add(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += LANES)
        store_f32(y + i, vaddq_f32(load_f32(y + i, n - i), load_f32(x + i, n - i)), n - i);
}

static void f32_to_f16(const float *x, void *y, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        float16x4_t h = vcvt_f16_f32(load_f32(x + i, n - i));
        store_u16((char *)y + i * sizeof(uint16_t), vreinterpret_u16_f16(h), n - i);
    }
}

/* Round the lower half away, to even; a NaN only gets its quiet bit. */
AE_INLINE uint16x4_t to_bf16(float32x4_t v)
{
    uint32x4_t bits = vreinterpretq_u32_f32(v);
    uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
    uint32x4_t rounded = vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), odd);
    uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
    return vshrn_n_u32(vbslq_u32(vceqq_f32(v, v), rounded, quiet), 16);
}

static void f32_to_bf16(const float *x, void *y, size_t n)
{
    for (size_t i = 0; i < n; i += LANES)
        store_u16((char *)y + i * sizeof(uint16_t), to_bf16(load_f32(x + i, n - i)), n - i);
}

/* ---- peaks: 16 independent chains hide the latency of four units ------------------------------
 */

enum { CHAINS = 16 };

static uint64_t peak_f32(uint64_t n_rounds)
{
    float32x4_t sum[CHAINS], a = vdupq_n_f32(0.5f), b = vdupq_n_f32(0.25f);
    clear_sums(sum, CHAINS);
    for (uint64_t i = 0; i < n_rounds; i++)
        for (int j = 0; j < CHAINS; j++) {
            sum[j] = vfmaq_f32(sum[j], a, b);
            __asm__ volatile("" : "+w"(sum[j]));
        }
    return n_rounds * CHAINS * 4;
}

static uint64_t peak_int8(uint64_t n_rounds)
{
    int32x4_t sum[CHAINS];
    int8x16_t a = vdupq_n_s8(3), b = vdupq_n_s8(-5);
    for (int j = 0; j < CHAINS; j++) sum[j] = vdupq_n_s32(0);
    for (uint64_t i = 0; i < n_rounds; i++)
        for (int j = 0; j < CHAINS; j++) {
            __asm__ volatile("" : "+w"(a)); /* or the products would be computed once */
            sum[j] = dot16(sum[j], a, b);
            __asm__ volatile("" : "+w"(sum[j]));
        }
    return n_rounds * CHAINS * 16;
}

const ae_kernels ae_kernels_neon = {
    .isa = "neon",
    AE_KERNELS_ENTRIES,
    AE_KERNELS_BLOCK_DOTS,
};
