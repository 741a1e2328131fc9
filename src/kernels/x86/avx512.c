/* avx512.c - AVX-512 (F, BW, DQ, VL) with VNNI: 16 floats or 64 bytes at a time.
 *
 * A load or store of n values touches exactly min(n, 16) of them; the lanes beyond are zero.
 * Weights come in panels (avx512_panel.c). */
#include "kernels/isa.h"
#include "tensor/blocks.h"

#include <immintrin.h>
#include <math.h>

enum { LANES = 16 };

/* ---- loads and stores ------------------------------------------------------------------------ */

AE_INLINE __mmask16 first_lanes(size_t n)
{
    return (__mmask16)((1u << (n < LANES ? n : LANES)) - 1);
}

AE_INLINE __m512 load_f32(const void *x, size_t n)
{
    return n >= LANES ? _mm512_loadu_ps(x) : _mm512_maskz_loadu_ps(first_lanes(n), x);
}

AE_INLINE void store_f32(float *y, __m512 v, size_t n)
{
    if (n >= LANES)
        _mm512_storeu_ps(y, v);
    else
        _mm512_mask_storeu_ps(y, first_lanes(n), v);
}

AE_INLINE void store_u16(void *y, __m256i v, size_t n)
{
    _mm256_mask_storeu_epi16(y, first_lanes(n), v);
}

/* The lanes beyond n set to a value. */
AE_INLINE __m512 pad(__m512 v, size_t n, float value)
{
    return _mm512_mask_mov_ps(_mm512_set1_ps(value), first_lanes(n), v);
}

/* Halves first: the order is part of the results. */
AE_INLINE float sum_lanes(__m512 v)
{
    __m256 h = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

/* ---- rows of activations --------------------------------------------------------------------- */

static void quantize_act(ae_act_q8 *y, const float *x, size_t n)
{
    const __m512i no_sign = _mm512_set1_epi32(0x7fffffff);
    for (; n > 0; n -= AE_ACT_BLOCK, x += AE_ACT_BLOCK, y++) {
        __m512 x0 = _mm512_loadu_ps(x), x1 = _mm512_loadu_ps(x + LANES);
        __m512i max = _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(x0), no_sign),
                                       _mm512_and_si512(_mm512_castps_si512(x1), no_sign));
        float inverse;
        y->d = ae_act_scale((uint32_t)_mm512_reduce_max_epi32(max), &inverse);
        /* 0 * infinity would not be 0: without an inverse no lane is computed */
        __mmask16 any = inverse != 0 ? 0xffff : 0;
        __m512 scale = _mm512_set1_ps(inverse);
        __m512i q0 = _mm512_maskz_cvtps_epi32(any, _mm512_mul_ps(x0, scale));
        __m512i q1 = _mm512_maskz_cvtps_epi32(any, _mm512_mul_ps(x1, scale));
        y->minus_sum[0] = (int16_t)-_mm512_reduce_add_epi32(q0);
        y->minus_sum[1] = (int16_t)-_mm512_reduce_add_epi32(q1);
        _mm_storeu_si128((__m128i *)y->q, _mm512_cvtepi32_epi8(q0));
        _mm_storeu_si128((__m128i *)(y->q + LANES), _mm512_cvtepi32_epi8(q1));
    }
}

static void rms_norm(float *y, const float *x, const float *w, size_t n, float eps)
{
    __m512 sum = _mm512_setzero_ps();
    for (size_t i = 0; i < n; i += LANES) {
        __m512 v = load_f32(x + i, n - i);
        sum = _mm512_fmadd_ps(v, v, sum);
    }
    __m512 scale = _mm512_set1_ps(1 / sqrtf(sum_lanes(sum) / (float)n + eps));
    for (size_t i = 0; i < n; i += LANES) {
        __m512 v = _mm512_mul_ps(load_f32(x + i, n - i), scale);
        store_f32(y + i, _mm512_mul_ps(v, load_f32(w + i, n - i)), n - i);
    }
}

/* Constants: isa.h. min and max give their second operand where one is NaN, so NaN stays. */
AE_INLINE __m512 exp_f32(__m512 x)
{
    __mmask16 in_range = _mm512_cmp_ps_mask(x, _mm512_set1_ps(AE_EXP_MIN), _CMP_NLT_UQ);
    x = _mm512_min_ps(_mm512_set1_ps(AE_EXP_MAX), x);
    x = _mm512_max_ps(_mm512_set1_ps(AE_EXP_MIN), x);
    __m512 k = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(AE_EXP_LOG2E)),
                                    _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = _mm512_fnmadd_ps(k, _mm512_set1_ps(AE_EXP_LN2_HIGH), x);
    r = _mm512_fnmadd_ps(k, _mm512_set1_ps(AE_EXP_LN2_LOW), r);
    __m512 p = _mm512_set1_ps(AE_EXP_P4);
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(AE_EXP_P3));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(AE_EXP_P2));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(AE_EXP_P1));
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(AE_EXP_P0));
    p = _mm512_add_ps(_mm512_fmadd_ps(p, _mm512_mul_ps(r, r), r), _mm512_set1_ps(1));
    return _mm512_maskz_scalef_ps(in_range, p, k);
}

static void swiglu(float *y, const float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        __m512 g = load_f32(gate + i, n - i);
        __m512 e = exp_f32(_mm512_sub_ps(_mm512_setzero_ps(), g));
        __m512 silu = _mm512_div_ps(g, _mm512_add_ps(_mm512_set1_ps(1), e));
        store_f32(y + i, _mm512_mul_ps(silu, load_f32(up + i, n - i)), n - i);
    }
}

static float softmax_part(float *x, size_t n, float *max)
{
    __m512 top = _mm512_set1_ps(*max), sum = _mm512_setzero_ps();
    for (size_t i = 0; i < n; i += LANES)
        top = _mm512_max_ps(top, pad(load_f32(x + i, n - i), n - i, -INFINITY));
    *max = _mm512_reduce_max_ps(top);
    top = _mm512_set1_ps(*max);
    for (size_t i = 0; i < n; i += LANES) {
        __m512 e = exp_f32(_mm512_sub_ps(pad(load_f32(x + i, n - i), n - i, -INFINITY), top));
        sum = _mm512_add_ps(sum, e);
        store_f32(x + i, e, n - i);
    }
    return sum_lanes(sum);
}

static void add(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += LANES)
        store_f32(y + i, _mm512_add_ps(load_f32(y + i, n - i), load_f32(x + i, n - i)), n - i);
}

static void f32_to_f16(const float *x, void *y, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        __m256i h = _mm512_cvtps_ph(load_f32(x + i, n - i), _MM_FROUND_TO_NEAREST_INT);
        store_u16((char *)y + i * sizeof(uint16_t), h, n - i);
    }
}

/* Round the lower half away, to even; a NaN only gets its quiet bit. */
AE_INLINE __m256i to_bf16(__m512 v)
{
    __m512i bits = _mm512_castps_si512(v);
    __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
    __mmask16 is_nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    __m512i h = _mm512_mask_or_epi32(rounded, is_nan, bits, _mm512_set1_epi32(0x400000));
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(h, 16));
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
        __m512 d = _mm512_set1_ps(_cvtsh_ss(b->d));
        for (int half = 0; half < AE_BLOCK; half += LANES) {
            __m128i q = _mm_loadu_si128((const __m128i *)(const void *)(b->qs + half));
            __m512 values = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(q));
            _mm512_storeu_ps(y + i + half, _mm512_mul_ps(d, values));
        }
    }
}

/* ---- peaks: 12 independent chains hide the latency of two units -------------------------------
 */

enum { CHAINS = 12 };

static uint64_t peak_f32(uint64_t n_rounds)
{
    __m512 sum[CHAINS] = {0}, a = _mm512_set1_ps(0.5f), b = _mm512_set1_ps(0.25f);
    for (uint64_t i = 0; i < n_rounds; i++)
        for (int j = 0; j < CHAINS; j++) {
            sum[j] = _mm512_fmadd_ps(sum[j], a, b);
            __asm__ volatile("" : "+v"(sum[j]));
        }
    return n_rounds * CHAINS * 16;
}

static uint64_t peak_int8(uint64_t n_rounds)
{
    __m512i sum[CHAINS] = {0}, a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(-5);
    for (uint64_t i = 0; i < n_rounds; i++)
        for (int j = 0; j < CHAINS; j++) {
            sum[j] = _mm512_dpbusd_epi32(sum[j], a, b);
            __asm__ volatile("" : "+v"(sum[j]));
        }
    return n_rounds * CHAINS * 64;
}

__attribute__((target("avx512bf16"))) static uint64_t peak_bf16(uint64_t n_rounds)
{
    __m512 sum[CHAINS] = {0};
    __m512bh a = (__m512bh)_mm512_set1_epi16(0x3f00), b = (__m512bh)_mm512_set1_epi16(0x3e80);
    for (uint64_t i = 0; i < n_rounds; i++)
        for (int j = 0; j < CHAINS; j++) {
            sum[j] = _mm512_dpbf16_ps(sum[j], a, b);
            __asm__ volatile("" : "+v"(sum[j]));
        }
    return n_rounds * CHAINS * 32;
}

#define PANELS(bf16, bf16_act)                                                                     \
    AE_KERNELS_ENTRIES, .n_lanes = 2 * LANES, AE_PANELS(avx512, bf16, bf16_act)

const ae_kernels ae_kernels_avx512 = {.isa = "avx512", PANELS(bf16, AE_ACT_F32)};
const ae_kernels ae_kernels_avx512bf16 = {
    .isa = "avx512bf16", PANELS(bf16_pairs, AE_ACT_BF16), .peak_bf16 = peak_bf16};
