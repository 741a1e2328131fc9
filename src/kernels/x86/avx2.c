/* avx2.c - AVX2 with FMA and F16C: 8 floats or 32 bytes at a time.
 *
 * A load or store of n values touches exactly min(n, 8) of them; the lanes beyond are zero. So one
 * loop serves the body and the tail of a row. Weights come in panels (avx2_panel.c). */
#include "kernels/isa.h"
#include "tensor/blocks.h"

#include <immintrin.h>
#include <math.h>

enum { LANES = 8 };

/* ---- loads and stores ------------------------------------------------------------------------ */

/* All bits set in the first n lanes. */
AE_INLINE __m256i first_lanes(size_t n)
{
    __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n < LANES ? (int)n : LANES), place);
}

AE_INLINE __m256 load_f32(const void *x, size_t n)
{
    return n >= LANES ? _mm256_loadu_ps(x) : _mm256_maskload_ps(x, first_lanes(n));
}

AE_INLINE void store_f32(float *y, __m256 v, size_t n)
{
    if (n >= LANES)
        _mm256_storeu_ps(y, v);
    else
        _mm256_maskstore_ps(y, first_lanes(n), v);
}

AE_INLINE void store_u16(void *y, __m128i v, size_t n)
{
    if (n >= LANES) {
        _mm_storeu_si128(y, v);
        return;
    }
    uint16_t part[LANES];
    _mm_storeu_si128((__m128i *)part, v);
    memcpy(y, part, n * sizeof *part);
}

/* The lanes beyond n set to a value. */
AE_INLINE __m256 pad(__m256 v, size_t n, float value)
{
    return _mm256_blendv_ps(_mm256_set1_ps(value), v, _mm256_castsi256_ps(first_lanes(n)));
}

/* ---- across lanes ---------------------------------------------------------------------------- */

AE_INLINE float sum_lanes(__m256 v)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

AE_INLINE int32_t sum_lanes_i32(__m256i v)
{
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, _MM_SHUFFLE(1, 0, 3, 2)));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, _MM_SHUFFLE(2, 3, 0, 1))));
}

AE_INLINE float max_lanes(__m256 v)
{
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

/* ---- rows of activations --------------------------------------------------------------------- */

/* The largest 32-bit integer of a block's magnitudes. */
AE_INLINE uint32_t max_magnitude_bits(const float *x)
{
    const __m256i no_sign = _mm256_set1_epi32(0x7fffffff);
    __m256i max = _mm256_setzero_si256();
    for (int j = 0; j < AE_ACT_BLOCK; j += LANES)
        max = _mm256_max_epi32(
            max, _mm256_and_si256(_mm256_castps_si256(_mm256_loadu_ps(x + j)), no_sign));
    __m128i m = _mm_max_epi32(_mm256_castsi256_si128(max), _mm256_extracti128_si256(max, 1));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, _MM_SHUFFLE(1, 0, 3, 2)));
    m = _mm_max_epi32(m, _mm_shuffle_epi32(m, _MM_SHUFFLE(2, 3, 0, 1)));
    return (uint32_t)_mm_cvtsi128_si32(m);
}

static void quantize_act(ae_act_q8 *y, const float *x, size_t n)
{
    for (; n > 0; n -= AE_ACT_BLOCK, x += AE_ACT_BLOCK, y++) {
        float inverse;
        y->d = ae_act_scale(max_magnitude_bits(x), &inverse);
        if (inverse == 0) { /* 0 * infinity would not be 0 */
            y->minus_sum[0] = y->minus_sum[1] = 0;
            memset(y->q, 0, sizeof y->q);
            continue;
        }
        __m256i q[4];
        for (int j = 0; j < 4; j++) {
            __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(x + j * LANES), _mm256_set1_ps(inverse));
            q[j] = _mm256_cvtps_epi32(scaled);
        }
        y->minus_sum[0] = (int16_t)-sum_lanes_i32(_mm256_add_epi32(q[0], q[1]));
        y->minus_sum[1] = (int16_t)-sum_lanes_i32(_mm256_add_epi32(q[2], q[3]));
        /* The packs work on 128-bit halves: the groups of 4 come out as 0 2 4 6 1 3 5 7. */
        __m256i bytes =
            _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
        bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
        _mm256_storeu_si256((__m256i *)y->q, bytes);
    }
}

static void rms_norm(float *y, const float *x, const float *w, size_t n, float eps)
{
    __m256 sum = _mm256_setzero_ps();
    for (size_t i = 0; i < n; i += LANES) {
        __m256 v = load_f32(x + i, n - i);
        sum = _mm256_fmadd_ps(v, v, sum);
    }
    __m256 scale = _mm256_set1_ps(1 / sqrtf(sum_lanes(sum) / (float)n + eps));
    for (size_t i = 0; i < n; i += LANES) {
        __m256 v = _mm256_mul_ps(load_f32(x + i, n - i), scale);
        store_f32(y + i, _mm256_mul_ps(v, load_f32(w + i, n - i)), n - i);
    }
}

/* Constants: isa.h. min and max give their second operand where one is NaN, so NaN stays. */
AE_INLINE __m256 exp_f32(__m256 x)
{
    const __m256 one = _mm256_set1_ps(1);
    __m256 in_range = _mm256_cmp_ps(x, _mm256_set1_ps(AE_EXP_MIN), _CMP_NLT_UQ);
    x = _mm256_min_ps(_mm256_set1_ps(AE_EXP_MAX), x);
    x = _mm256_max_ps(_mm256_set1_ps(AE_EXP_MIN), x);
    __m256 k = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(AE_EXP_LOG2E)),
                               _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 r = _mm256_fnmadd_ps(k, _mm256_set1_ps(AE_EXP_LN2_HIGH), x);
    r = _mm256_fnmadd_ps(k, _mm256_set1_ps(AE_EXP_LN2_LOW), r);
    __m256 p = _mm256_set1_ps(AE_EXP_P4);
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(AE_EXP_P3));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(AE_EXP_P2));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(AE_EXP_P1));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(AE_EXP_P0));
    p = _mm256_add_ps(_mm256_fmadd_ps(p, _mm256_mul_ps(r, r), r), one);
    __m256i power = _mm256_add_epi32(_mm256_cvtps_epi32(k), _mm256_set1_epi32(127));
    p = _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(power, 23)));
    return _mm256_and_ps(p, in_range);
}

static void swiglu(float *y, const float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        __m256 g = load_f32(gate + i, n - i);
        __m256 e = exp_f32(_mm256_sub_ps(_mm256_setzero_ps(), g));
        __m256 silu = _mm256_div_ps(g, _mm256_add_ps(_mm256_set1_ps(1), e));
        store_f32(y + i, _mm256_mul_ps(silu, load_f32(up + i, n - i)), n - i);
    }
}

static float softmax_part(float *x, size_t n, float *max)
{
    __m256 top = _mm256_set1_ps(*max), sum = _mm256_setzero_ps();
    for (size_t i = 0; i < n; i += LANES)
        top = _mm256_max_ps(top, pad(load_f32(x + i, n - i), n - i, -INFINITY));
    *max = max_lanes(top);
    top = _mm256_set1_ps(*max);
    for (size_t i = 0; i < n; i += LANES) {
        __m256 e = exp_f32(_mm256_sub_ps(pad(load_f32(x + i, n - i), n - i, -INFINITY), top));
        sum = _mm256_add_ps(sum, e);
        store_f32(x + i, e, n - i);
    }
    return sum_lanes(sum);
}

static void add(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += LANES)
        store_f32(y + i, _mm256_add_ps(load_f32(y + i, n - i), load_f32(x + i, n - i)), n - i);
}

static void f32_to_f16(const float *x, void *y, size_t n)
{
    for (size_t i = 0; i < n; i += LANES) {
        __m256 v = load_f32(x + i, n - i);
        store_u16((char *)y + i * sizeof(uint16_t), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT),
                  n - i);
    }
}

/* Round the lower half away, to even; a NaN only gets its quiet bit. */
AE_INLINE __m128i to_bf16(__m256 v)
{
    __m256i bits = _mm256_castps_si256(v);
    __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
    __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    __m256i is_nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    __m256i h = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, is_nan), 16);
    h = _mm256_permute4x64_epi64(_mm256_packus_epi32(h, h), _MM_SHUFFLE(3, 1, 2, 0));
    return _mm256_castsi256_si128(h);
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
        __m256 d = _mm256_set1_ps(_cvtsh_ss(b->d));
        for (int j = 0; j < AE_BLOCK; j += LANES) {
            __m128i q = _mm_loadl_epi64((const __m128i *)(const void *)(b->qs + j));
            __m256 values = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q));
            _mm256_storeu_ps(y + i + j, _mm256_mul_ps(d, values));
        }
    }
}

/* ---- peaks: 12 independent chains hide the latency of two units -------------------------------
 */

enum { CHAINS = 12 };

static uint64_t peak_f32(uint64_t n_rounds)
{
    __m256 sum[CHAINS] = {0}, a = _mm256_set1_ps(0.5f), b = _mm256_set1_ps(0.25f);
    for (uint64_t i = 0; i < n_rounds; i++)
        for (int j = 0; j < CHAINS; j++) {
            sum[j] = _mm256_fmadd_ps(sum[j], a, b);
            __asm__ volatile("" : "+x"(sum[j]));
        }
    return n_rounds * CHAINS * 8;
}

static uint64_t peak_int8(uint64_t n_rounds)
{
    __m256i sum[CHAINS] = {0}, a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(-5);
    for (uint64_t i = 0; i < n_rounds; i++)
        for (int j = 0; j < CHAINS; j++) {
            __asm__ volatile("" : "+x"(a)); /* or the product would be computed once */
            __m256i pairs = _mm256_maddubs_epi16(a, b);
            sum[j] = _mm256_add_epi32(sum[j], _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
            __asm__ volatile("" : "+x"(sum[j]));
        }
    return n_rounds * CHAINS * 32;
}

__attribute__((target("avxvnni"))) static uint64_t peak_int8_vnni(uint64_t n_rounds)
{
    __m256i sum[CHAINS] = {0}, a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(-5);
    for (uint64_t i = 0; i < n_rounds; i++)
        for (int j = 0; j < CHAINS; j++) {
            sum[j] = _mm256_dpbusd_avx_epi32(sum[j], a, b);
            __asm__ volatile("" : "+x"(sum[j]));
        }
    return n_rounds * CHAINS * 32;
}

#define PANELS(isa) .n_lanes = 2 * LANES, AE_PANELS(isa, bf16, AE_ACT_F32)

const ae_kernels ae_kernels_avx2 = {.isa = "avx2", AE_KERNELS_ENTRIES, PANELS(avx2)};
const ae_kernels ae_kernels_avxvnni = {
    .isa = "avxvnni", AE_KERNELS_FLOAT_ENTRIES, PANELS(avxvnni), .peak_int8 = peak_int8_vnni};
