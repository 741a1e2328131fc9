/* neon.c - 64-bit Arm: rows of floats, 4 at a time, and the tables of its instruction sets, which
 * differ in their panels alone.
 *
 * A load or store of n values touches exactly min(n, 4) of them; the lanes beyond are zero. So one
 * loop serves the body and the tail of a row. */
#include "kernels/arm/neon_panel.h"
#include "tensor/blocks.h"

#include <math.h>

enum { LANES = 4 };

/* ---- loads and stores, by bytes where the address may be any ----------------------------------
 *
 * n % LANES is n where it is met: it shows compilers that part is never overrun. */

AE_INLINE float32x4_t load_f32(const void *x, size_t n)
{
    if (n >= LANES) return vreinterpretq_f32_u8(vld1q_u8(x));
    float part[LANES] = {0};
    memcpy(part, x, n % LANES * sizeof *part);
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
    memcpy(y, part, n % LANES * sizeof *part);
}

AE_INLINE void store_u16(void *y, uint16x4_t v, size_t n)
{
    if (n >= LANES) {
        vst1_u8(y, vreinterpret_u8_u16(v));
        return;
    }
    uint16_t part[LANES];
    vst1_u16(part, v);
    memcpy(y, part, n % LANES * sizeof *part);
}

/* The lanes beyond n set to a value. */
AE_INLINE float32x4_t pad(float32x4_t v, size_t n, float value)
{
    static const uint32_t places[LANES] = {0, 1, 2, 3};
    uint32x4_t inside = vcgtq_u32(vdupq_n_u32(n < LANES ? (uint32_t)n : LANES), vld1q_u32(places));
    return vbslq_f32(inside, v, vdupq_n_f32(value));
}

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

static void q8_0_to_f32(const void *x, float *y, size_t n)
{
    const ae_block_q8_0 *b = x;
    for (size_t i = 0; i < n; i += AE_BLOCK, b++) {
        float32x4_t d = vcvt_f32_f16(vreinterpret_f16_u16(vdup_n_u16(b->d)));
        for (size_t j = 0; j < AE_BLOCK; j += 2 * LANES) {
            int16x8_t q = vmovl_s8(vld1_s8(b->qs + j));
            vst1q_f32(y + i + j, vmulq_f32(d, vcvtq_f32_s32(vmovl_s16(vget_low_s16(q)))));
            vst1q_f32(y + i + j + LANES, vmulq_f32(d, vcvtq_f32_s32(vmovl_high_s16(q))));
        }
    }
}

/* ---- the tables ------------------------------------------------------------------------------ */

static uint64_t peak_f32(uint64_t n_rounds)
{
    enum { CHAINS = 16 }; /* hide the latency of four units */
    float32x4_t sum[CHAINS] = {0}, a = vdupq_n_f32(0.5f), b = vdupq_n_f32(0.25f);
    for (uint64_t i = 0; i < n_rounds; i++)
        for (int j = 0; j < CHAINS; j++) {
            sum[j] = vfmaq_f32(sum[j], a, b);
            __asm__ volatile("" : "+w"(sum[j]));
        }
    return n_rounds * CHAINS * 4;
}

#define ENTRIES(table, bf16_act)                                                                   \
    AE_KERNELS_FLOAT_ENTRIES, .n_lanes = AE_NEON_ROWS, AE_PANELS(table, bf16, bf16_act),           \
                              .peak_int8 = ae_panel_##table##_peak_int8

const ae_kernels ae_kernels_neon = {.isa = "neon", ENTRIES(neon, AE_ACT_F32)};
const ae_kernels ae_kernels_dotprod = {.isa = "dotprod", ENTRIES(dotprod, AE_ACT_F32)};
const ae_kernels ae_kernels_i8mm = {
    .isa = "i8mm", ENTRIES(i8mm, AE_ACT_BF16), .peak_bf16 = ae_panel_i8mm_peak_bf16};
