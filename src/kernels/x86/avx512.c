/* avx512.c - AVX-512 (F, BW, DQ, VL) with VNNI: 16 floats or 64 bytes at a time.
 *
 * A load or store of n values touches exactly min(n, 16) of them; the lanes beyond are zero. Blocks
 * of 32 bytes go in pairs: the first in the lower half of a register, the second in the upper. */
#include "kernels/isa.h"
#include "tensor/blocks.h"

#include <immintrin.h>
#include <math.h>

enum { LANES = 16, MIX_VECTORS = 4 };

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

AE_INLINE __m256i load_u16(const void *x, size_t n)
{
    return n >= LANES ? _mm256_loadu_si256(x) : _mm256_maskz_loadu_epi16(first_lanes(n), x);
}

AE_INLINE void store_u16(void *y, __m256i v, size_t n)
{
    _mm256_mask_storeu_epi16(y, first_lanes(n), v);
}

AE_INLINE __m512 load_f16(const void *x, size_t n)
{
    return _mm512_cvtph_ps(load_u16(x, n));
}

AE_INLINE __m512 load_bf16(const void *x, size_t n)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(load_u16(x, n)), 16));
}

/* 16 values of an F32, F16 or BF16 row. */
typedef __m512 load_fn(const void *x, size_t n);

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

/* ---- dot products of floats: two sums of 16 lanes, for even and odd sixteens of the row -------
 */

typedef struct {
    __m512 even, odd;
} sums;

AE_INLINE void step_float(sums sum[], const char *w, const char *x, size_t x_row_bytes, size_t left,
                          const int n, load_fn *load, size_t w_size)
{
    size_t left_odd = left > LANES ? left - LANES : 0;
    __m512 w0 = load(w, left), w1 = load(w + LANES * w_size, left_odd);
    for (int i = 0; i < n; i++) {
        const char *a = x + (size_t)i * x_row_bytes;
        __m512 a0 = load_f32(a, left), a1 = load_f32(a + LANES * sizeof(float), left_odd);
        sum[i].even = _mm512_fmadd_ps(w0, a0, sum[i].even);
        sum[i].odd = _mm512_fmadd_ps(w1, a1, sum[i].odd);
    }
}

AE_INLINE void tile_float(ae_tile t, const int n, load_fn *load, size_t w_size)
{
    enum { STEP = 2 * LANES };
    sums sum[AE_TILE] = {0};
    const char *w = t.w;
    size_t c = 0;
    for (; c + STEP <= t.n_cols; c += STEP)
        step_float(sum, w + c * w_size, t.x + c * sizeof(float), t.x_row_bytes, STEP, n, load,
                   w_size);
    if (c < t.n_cols)
        step_float(sum, w + c * w_size, t.x + c * sizeof(float), t.x_row_bytes, t.n_cols - c, n,
                   load, w_size);
    for (int i = 0; i < n; i++)
        t.y[(size_t)i * t.y_stride] = sum_lanes(_mm512_add_ps(sum[i].even, sum[i].odd));
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

/* ---- dot products of blocks: 4 products in a 32-bit lane, then one f32 sum of 16 lanes --------
 */

enum { UPPER = 0xff00 }; /* the lanes of the second block */

AE_INLINE __m512i pair(__m256i first, __m256i second)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1);
}

AE_INLINE __m512 pair_f32(float first, float second)
{
    return _mm512_mask_broadcastss_ps(_mm512_set1_ps(first), UPPER, _mm_set_ss(second));
}

AE_INLINE __m512i pair_i32(int32_t first, int32_t second)
{
    return _mm512_mask_set1_epi32(_mm512_set1_epi32(first), UPPER, second);
}

AE_INLINE __m256i load_q(const void *q)
{
    return _mm256_loadu_si256(q);
}

AE_INLINE __m512i act_q(const ae_act_q8 a[2])
{
    return pair(load_q(a[0].q), load_q(a[1].q));
}

AE_INLINE __m512 act_d(const ae_act_q8 a[2])
{
    return pair_f32(a[0].d, a[1].d);
}

/* VNNI multiplies unsigned by signed bytes: the sign of w moves over to a. */
AE_INLINE __m512i dot_signed(__m512i w, __m512i a)
{
    const __m512i zero = _mm512_setzero_si512();
    a = _mm512_mask_sub_epi8(a, _mm512_movepi8_mask(w), zero, a);
    return _mm512_dpbusd_epi32(zero, _mm512_abs_epi8(w), a);
}

/* sum + scale * dot */
AE_INLINE __m512 fold(__m512 sum, __m512 scale, __m512i dot)
{
    return _mm512_fmadd_ps(scale, _mm512_cvtepi32_ps(dot), sum);
}

AE_INLINE void store_sums(ae_tile t, const __m512 sum[], const int n)
{
    for (int i = 0; i < n; i++) t.y[(size_t)i * t.y_stride] = sum_lanes(sum[i]);
}

/* Two weight blocks at w with two activation blocks of each row at x. */
typedef void step_fn(__m512 sum[], const void *w, const char *x, size_t x_row_bytes, int n);

/* A row of blocks of 32; an odd last block is paired with one of zeros. */
AE_INLINE void tile_pairs(ae_tile t, const int n, step_fn *step, size_t block_bytes)
{
    __m512 sum[AE_TILE] = {0};
    const char *w = t.w;
    size_t n_blocks = t.n_cols / AE_BLOCK, b = 0;
    for (; b + 2 <= n_blocks; b += 2)
        step(sum, w + b * block_bytes, t.x + b * sizeof(ae_act_q8), t.x_row_bytes, n);
    if (b < n_blocks) {
        char last_w[2 * sizeof(ae_block_q8_0)] = {0};
        ae_act_q8 last_x[AE_TILE][2] = {0};
        memcpy(last_w, w + b * block_bytes, block_bytes);
        for (int i = 0; i < n; i++) last_x[i][0] = *ae_tile_act(t.x, t.x_row_bytes, i, b);
        step(sum, last_w, (const char *)last_x, sizeof last_x[0], n);
    }
    store_sums(t, sum, n);
}

AE_INLINE void step_q8_0(__m512 sum[], const void *blocks, const char *x, size_t x_row_bytes,
                         const int n)
{
    const ae_block_q8_0 *w = blocks;
    __m512 d = pair_f32(_cvtsh_ss(w[0].d), _cvtsh_ss(w[1].d));
    __m512i q = pair(load_q(w[0].qs), load_q(w[1].qs));
    for (int i = 0; i < n; i++) {
        const ae_act_q8 *a = ae_tile_act(x, x_row_bytes, i, 0);
        sum[i] = fold(sum[i], _mm512_mul_ps(d, act_d(a)), dot_signed(q, act_q(a)));
    }
}

/* 16 bytes as 32 nibbles, the low ones first; the upper bits are still to be cleared. */
AE_INLINE __m256i spread_nibbles(const uint8_t *qs)
{
    __m128i b = _mm_loadu_si128((const __m128i *)qs);
    return _mm256_inserti128_si256(_mm256_castsi128_si256(b), _mm_srli_epi16(b, 4), 1);
}

/* q - 8 is the weight: each of a block's 8 lanes starts at -8 * a->sum / 8. */
AE_INLINE void step_q4_0(__m512 sum[], const void *blocks, const char *x, size_t x_row_bytes,
                         const int n)
{
    const ae_block_q4_0 *w = blocks;
    __m512 d = pair_f32(_cvtsh_ss(w[0].d), _cvtsh_ss(w[1].d));
    __m512i q = pair(spread_nibbles(w[0].qs), spread_nibbles(w[1].qs));
    q = _mm512_and_si512(q, _mm512_set1_epi8(15));
    for (int i = 0; i < n; i++) {
        const ae_act_q8 *a = ae_tile_act(x, x_row_bytes, i, 0);
        __m512i dot = _mm512_dpbusd_epi32(pair_i32(-a[0].sum, -a[1].sum), q, act_q(a));
        sum[i] = fold(sum[i], _mm512_mul_ps(d, act_d(a)), dot);
    }
}

AE_INLINE void tile_q8_0(ae_tile t, const int n)
{
    tile_pairs(t, n, step_q8_0, sizeof(ae_block_q8_0));
}

AE_INLINE void tile_q4_0(ae_tile t, const int n)
{
    tile_pairs(t, n, step_q4_0, sizeof(ae_block_q4_0));
}

/* The minimum is the weight of all 32 values: each of a block's 8 lanes takes min * a->sum / 8. */
AE_INLINE void tile_q4_k(ae_tile t, const int n)
{
    const ae_block_q4_k *w = t.w;
    __m512 sum[AE_TILE] = {0};
    for (size_t b = 0; b < t.n_cols / AE_SUPERBLOCK; b++) {
        float d = _cvtsh_ss(w[b].d), dmin = _cvtsh_ss(w[b].dmin) / -8;
        uint8_t scale[8], min[8];
        ae_k_scales(w[b].scales, scale, min);
        for (size_t g = 0; g < 8; g += 2) { /* two groups share 32 bytes */
            __m256i bytes = load_q(w[b].qs + g / 2 * AE_BLOCK);
            __m512i q = pair(bytes, _mm256_srli_epi16(bytes, 4));
            q = _mm512_and_si512(q, _mm512_set1_epi8(15));
            __m512 d_g = pair_f32(d * (float)scale[g], d * (float)scale[g + 1]);
            __m512 min_g = pair_f32(dmin * (float)min[g], dmin * (float)min[g + 1]);
            for (int i = 0; i < n; i++) {
                const ae_act_q8 *a = ae_tile_act(t.x, t.x_row_bytes, i, 8 * b + g);
                __m512i dot = _mm512_dpbusd_epi32(_mm512_setzero_si512(), q, act_q(a));
                __m512 d_a = act_d(a);
                sum[i] = fold(sum[i], _mm512_mul_ps(d_g, d_a), dot);
                sum[i] = fold(sum[i], _mm512_mul_ps(min_g, d_a), pair_i32(a[0].sum, a[1].sum));
            }
        }
    }
    store_sums(t, sum, n);
}

/* Groups g and g + 1 of 32 values of a Q6_K block, g even, -32 .. 31. */
AE_INLINE __m512i q6_groups(const ae_block_q6_k *w, const size_t g)
{
    const unsigned shift = (unsigned)(g % 4 / 2 * 4);
    __m512i low = _mm512_srli_epi16(_mm512_loadu_si512(w->ql + g / 4 * 64), shift);
    __m256i bits = load_q(w->qh + g / 4 * 32);
    bits = _mm256_srli_epi16(bits, (int)shift);
    __m512i high = _mm512_slli_epi16(pair(bits, _mm256_srli_epi16(bits, 2)), 4);
    __m512i q = _mm512_or_si512(_mm512_and_si512(low, _mm512_set1_epi8(15)),
                                _mm512_and_si512(high, _mm512_set1_epi8(48)));
    return _mm512_sub_epi8(q, _mm512_set1_epi8(32));
}

/* A scale covers 16 values, the products of 4 lanes. */
AE_INLINE void tile_q6_k(ae_tile t, const int n)
{
    const ae_block_q6_k *w = t.w;
    const __m512i quarter = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    __m512 sum[AE_TILE] = {0};
    for (size_t b = 0; b < t.n_cols / AE_SUPERBLOCK; b++) {
        __m512i whole = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)w[b].scales));
        __m512 scales = _mm512_mul_ps(_mm512_cvtepi32_ps(whole), _mm512_set1_ps(_cvtsh_ss(w[b].d)));
        for (size_t g = 0; g < 8; g += 2) {
            __m512i place = _mm512_add_epi32(quarter, _mm512_set1_epi32((int)(2 * g)));
            __m512 d_g = _mm512_permutexvar_ps(place, scales);
            __m512i q = q6_groups(w + b, g);
            for (int i = 0; i < n; i++) {
                const ae_act_q8 *a = ae_tile_act(t.x, t.x_row_bytes, i, 8 * b + g);
                sum[i] = fold(sum[i], _mm512_mul_ps(d_g, act_d(a)), dot_signed(q, act_q(a)));
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
        y->sum = _mm512_reduce_add_epi32(_mm512_add_epi32(q0, q1));
        _mm_storeu_si128((__m128i *)y->q, _mm512_cvtepi32_epi8(q0));
        _mm_storeu_si128((__m128i *)(y->q + LANES), _mm512_cvtepi32_epi8(q1));
    }
}

/* n_vectors registers of each of n outputs stay where they are while the rows go by. */
AE_INLINE void mix_columns(ae_mix m, size_t c, const int n, const int n_vectors, load_fn *load,
                           size_t size)
{
    __m512 sum[AE_TILE][MIX_VECTORS], row[MIX_VECTORS];
    size_t left = m.n_cols - c;
    for (int i = 0; i < n; i++)
        for (int v = 0; v < n_vectors; v++) {
            const float *y = m.y + (size_t)i * m.n_cols + c + v * LANES;
            sum[i][v] =
                _mm512_mul_ps(load_f32(y, left - (size_t)v * LANES), _mm512_set1_ps(m.keep[i]));
        }
    for (size_t r = 0; r < m.n_rows; r++) {
        const char *at = m.rows + r * m.row_bytes + c * size;
        for (int v = 0; v < n_vectors; v++)
            row[v] = load(at + (size_t)v * LANES * size, left - (size_t)v * LANES);
        for (int i = 0; i < n; i++) {
            __m512 p = _mm512_set1_ps(m.p[(size_t)i * m.p_stride + r]);
            for (int v = 0; v < n_vectors; v++) sum[i][v] = _mm512_fmadd_ps(p, row[v], sum[i][v]);
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

__attribute__((target("avx512bf16"))) static uint64_t run_bf16(uint64_t n_rounds)
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

static uint64_t peak_bf16(uint64_t n_rounds)
{
    return __builtin_cpu_supports("avx512bf16") ? run_bf16(n_rounds) : 0;
}

const ae_kernels ae_kernels_avx512 = {
    .isa = "avx512",
    AE_KERNELS_ENTRIES,
    .peak_bf16 = peak_bf16,
};
