/* avx512_panel.c - panels of 32 rows, the lanes of two registers, against a tile of activations.
 *
 * A block of 32 values becomes sixteen registers of unsigned bytes, four values of a row in a lane.
 * They stay while one activation row after the other passes, broadcast four bytes at a time, and
 * each broadcast serves both registers. A row's sum takes its blocks in order, in its own lane, so
 * it is the same however many rows of activations come along. */
#include "kernels/x86/avx512_panel.h"

enum {
    SIDES = AE_AVX512_SIDES,
    ROWS = AE_AVX512_ROWS,
    VECTOR = AE_AVX512_VECTOR,
    QUADS = AE_BLOCK / 4
};

/* A block of weights as bytes from 0 on. */
typedef struct {
    __m512i q[SIDES][QUADS];
} weights;

/* ---- memory ---------------------------------------------------------------------------------- */

AE_INLINE void prefetch(const ae_panel *p, size_t offset, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i += VECTOR) _mm_prefetch(p->ahead + offset + i, _MM_HINT_T0);
}

/* A half float of each row. */
AE_INLINE ae_avx512_rows load_halves(const char *at)
{
    ae_avx512_rows out;
    for (int s = 0; s < SIDES; s++)
        out.s[s] = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)at + s));
    return out;
}

AE_INLINE ae_avx512_rows load_bf16s(const char *at)
{
    ae_avx512_rows out;
    for (int s = 0; s < SIDES; s++) {
        __m512i h = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)at + s));
        out.s[s] = _mm512_castsi512_ps(_mm512_slli_epi32(h, 16));
    }
    return out;
}

/* ---- blocks of 32 ---------------------------------------------------------------------------- */

AE_INLINE const ae_act_q8 *act_block(const ae_panel *p, size_t i, size_t b)
{
    return (const ae_act_q8 *)(const void *)(p->x + b * p->x_block_bytes) + i;
}

/* Minus the sums of a block's halves, each times a factor: what an offset of the weights adds too
 * much. */
AE_INLINE __m512i minus_sums(const ae_act_q8 *a, int low, int high)
{
    return _mm512_madd_epi16(ae_avx512_four(a->minus_sum), _mm512_set1_epi32(high << 16 | low));
}

AE_INLINE void dot_quads(__m512i dot[SIDES], const weights *w, const ae_act_q8 *a, int begin,
                         int end)
{
    __m512i odd[SIDES] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
    for (int j = begin; j < end; j += 2) {
        __m512i x = ae_avx512_four(a->q + 4 * j);
        for (int s = 0; s < SIDES; s++) dot[s] = _mm512_dpbusd_epi32(dot[s], w->q[s][j], x);
        x = ae_avx512_four(a->q + 4 * j + 4);
        for (int s = 0; s < SIDES; s++) odd[s] = _mm512_dpbusd_epi32(odd[s], w->q[s][j + 1], x);
    }
    for (int s = 0; s < SIDES; s++) dot[s] = _mm512_add_epi32(dot[s], odd[s]);
}

/* Weights d * (w - offset). */
AE_INLINE void add_block(ae_avx512_rows sum[], const ae_panel *p, size_t b, const weights *w,
                         ae_avx512_rows d, int offset, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const ae_act_q8 *a = act_block(p, i, b);
        __m512i start = minus_sums(a, offset, offset), dot[SIDES] = {start, start};
        __m512 d_a = _mm512_set1_ps(a->d);
        dot_quads(dot, w, a, 0, QUADS);
        for (int s = 0; s < SIDES; s++) {
            __m512 d_both = _mm512_mul_ps(d.s[s], d_a);
            sum[i].s[s] = _mm512_fmadd_ps(d_both, _mm512_cvtepi32_ps(dot[s]), sum[i].s[s]);
        }
    }
}

/* d0 * dot0 + d1 * dot1 */
AE_INLINE __m512 combine(__m512 d0, __m512i dot0, __m512 d1, __m512i dot1)
{
    __m512 first = _mm512_mul_ps(d0, _mm512_cvtepi32_ps(dot0));
    return _mm512_fmadd_ps(d1, _mm512_cvtepi32_ps(dot1), first);
}

/* Weights d * w - min. */
AE_INLINE void add_block_min(ae_avx512_rows sum[], const ae_panel *p, size_t b, const weights *w,
                             ae_avx512_rows d, ae_avx512_rows min, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const ae_act_q8 *a = act_block(p, i, b);
        __m512i dot[SIDES] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
        __m512i minus = minus_sums(a, 1, 1);
        __m512 d_a = _mm512_set1_ps(a->d);
        dot_quads(dot, w, a, 0, QUADS);
        for (int s = 0; s < SIDES; s++)
            sum[i].s[s] =
                _mm512_fmadd_ps(combine(d.s[s], dot[s], min.s[s], minus), d_a, sum[i].s[s]);
    }
}

AE_INLINE __m512i nibbles(__m512i bytes, unsigned shift)
{
    return _mm512_and_si512(_mm512_srli_epi16(bytes, shift), _mm512_set1_epi8(15));
}

/* Nibbles j of four units of a panel of weights are values 4j .. 4j+3, or 16 further. */
AE_INLINE weights nibble_weights(const char *qs)
{
    enum { HALF = QUADS / 2 };
    weights w;
    for (int j = 0; j < HALF; j++)
        for (int s = 0; s < SIDES; s++) {
            w.q[s][j] = nibbles(ae_avx512_load(qs, j * SIDES + s), 0);
            w.q[s][j + HALF] = nibbles(ae_avx512_load(qs, j * SIDES + s), 4);
        }
    return w;
}

AE_INLINE weights byte_weights(const char *qs)
{
    weights w;
    for (int j = 0; j < QUADS; j++)
        for (int s = 0; s < SIDES; s++) w.q[s][j] = ae_avx512_load(qs, j * SIDES + s);
    return w;
}

AE_INLINE void tile_q8_0(const ae_panel *p, size_t n)
{
    size_t lanes = p->w_lanes, block_bytes = lanes * sizeof(ae_block_q8_0);
    ae_avx512_rows sum[AE_PANEL_TILE];
    ae_avx512_clear(sum, n);
    for (size_t b = 0; b < p->n_cols / AE_BLOCK; b++) {
        const char *at = p->w + b * block_bytes, *qs = at + 2 * lanes + 4 * p->w_lane;
        ae_avx512_rows d = load_halves(at + 2 * p->w_lane);
        weights w;
        prefetch(p, b * block_bytes, ROWS * sizeof(ae_block_q8_0));
        for (size_t j = 0; j < QUADS; j++)
            for (size_t s = 0; s < SIDES; s++) /* plus 128 */
                w.q[s][j] =
                    _mm512_xor_si512(ae_avx512_load(qs + j * 4 * lanes, s), _mm512_set1_epi8(-128));
        add_block(sum, p, b, &w, d, 128, n);
    }
    ae_avx512_store(p, 0, sum, n);
}

AE_INLINE void tile_q4_0(const ae_panel *p, size_t n)
{
    enum { BYTES = ROWS * sizeof(ae_block_q4_0) };
    ae_avx512_rows sum[AE_PANEL_TILE];
    ae_avx512_clear(sum, n);
    for (size_t b = 0; b < p->n_cols / AE_BLOCK; b++) {
        const char *at = p->w + b * BYTES;
        weights w = nibble_weights(at + ROWS * 2);
        prefetch(p, b * BYTES, BYTES);
        add_block(sum, p, b, &w, load_halves(at), 8, n);
    }
    ae_avx512_store(p, 0, sum, n);
}

/* ---- affine groups --------------------------------------------------------------------------- */

AE_INLINE ae_avx512_rows negative(ae_avx512_rows x)
{
    for (int s = 0; s < SIDES; s++) x.s[s] = _mm512_sub_ps(_mm512_set1_ps(-0.0f), x.s[s]);
    return x;
}

/* Weights s * q + b in groups of so many values. Only the bits are constants: a group is long
 * enough to look at the rest. */
AE_INLINE void tile_affine(const ae_panel *p, const size_t bits, size_t group, bool is_bf16,
                           size_t n)
{
    size_t bytes = ROWS * AE_AFFINE_BYTES(bits, group), n_blocks = group / AE_BLOCK;
    const size_t block_bytes = ROWS * AE_BLOCK * bits / 8;
    ae_avx512_rows sum[AE_PANEL_TILE];
    ae_avx512_clear(sum, n);
    for (size_t g = 0; g < p->n_cols / group; g++) {
        const char *at = p->w + g * bytes, *b_at = at + ROWS * 2, *qs = b_at + ROWS * 2;
        ae_avx512_rows s = is_bf16 ? load_bf16s(at) : load_halves(at);
        ae_avx512_rows minus_b = negative(is_bf16 ? load_bf16s(b_at) : load_halves(b_at));
        prefetch(p, g * bytes, ROWS * sizeof(ae_affine));
        for (size_t b = 0; b < n_blocks; b++, qs += block_bytes) {
            prefetch(p, qs - p->w, block_bytes);
            weights w = bits == 4 ? nibble_weights(qs) : byte_weights(qs);
            add_block_min(sum, p, g * n_blocks + b, &w, s, minus_b, n);
        }
    }
    ae_avx512_store(p, 0, sum, n);
}

#define AFFINE_BITS(bits)                                                                          \
    static void affine_##bits(const ae_panel *p, size_t group, bool is_bf16, size_t n_x)           \
    {                                                                                              \
        if (n_x == 1)                                                                              \
            tile_affine(p, bits, group, is_bf16, 1);                                               \
        else                                                                                       \
            tile_affine(p, bits, group, is_bf16, n_x);                                             \
    }
AFFINE_BITS(4)
AFFINE_BITS(8)

#define AFFINE_PANEL(table, TYPE, name, bits, group, is_bf16)                                      \
    void ae_panel_##table##_##name(ae_panel p, size_t n_x)                                         \
    {                                                                                              \
        affine_##bits(&p, group, is_bf16, n_x);                                                    \
    }
AE_AFFINE_TYPES(AFFINE_PANEL, avx512)

/* ---- blocks of 256 --------------------------------------------------------------------------- */

/* Small integers, one of each row, as bytes. */
AE_INLINE __m256i load_small(const char *at, size_t i)
{
    return _mm256_loadu_si256((const __m256i *)at + i);
}

/* factor * the small integers */
AE_INLINE ae_avx512_rows scale_small(ae_avx512_rows factor, __m256i bytes)
{
    __m512i low = _mm512_cvtepi8_epi32(_mm256_castsi256_si128(bytes));
    __m512i high = _mm512_cvtepi8_epi32(_mm256_extracti128_si256(bytes, 1));
    return (ae_avx512_rows){{_mm512_mul_ps(factor.s[0], _mm512_cvtepi32_ps(low)),
                             _mm512_mul_ps(factor.s[1], _mm512_cvtepi32_ps(high))}};
}

/* Scale and minimum of group g, as ae_k_scales has them. */
AE_INLINE void k_scale(const char *scales, size_t g, __m256i *scale, __m256i *min)
{
    const __m256i six = _mm256_set1_epi8(63), low = _mm256_set1_epi8(15),
                  top = _mm256_set1_epi8(48);
    if (g < 4) {
        *scale = _mm256_and_si256(load_small(scales, g), six);
        *min = _mm256_and_si256(load_small(scales, g + 4), six);
        return;
    }
    __m256i both = load_small(scales, g + 4);
    __m256i top_scale = _mm256_srli_epi16(load_small(scales, g - 4), 2);
    __m256i top_min = _mm256_srli_epi16(load_small(scales, g), 2);
    *scale = _mm256_or_si256(_mm256_and_si256(both, low), _mm256_and_si256(top_scale, top));
    *min = _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(both, 4), low),
                           _mm256_and_si256(top_min, top));
}

/* A quarter of the superblock that is wanted next: all of it at once was slower, and so were parts
 * that are not whole lines. bytes: of a superblock of all rows. */
AE_INLINE void prefetch_quarter(const ae_panel *p, size_t b, size_t quarter, const size_t bytes)
{
    const size_t share = bytes / 4 / VECTOR * VECTOR, rest = bytes - 3 * share;
    prefetch(p, b * bytes + quarter * share, quarter < 3 ? share : rest);
}

/* And the bits of `bytes` that begin at `bit`, above four others. Four bytes rotate: what comes
 * from the neighbours is beyond the mask. */
AE_INLINE __m512i with_bits(__m512i four_bits, __m512i bytes, size_t bit, const char mask)
{
    bytes = _mm512_rorv_epi32(bytes, _mm512_set1_epi32((int)bit - 4));
    return _mm512_or_si512(four_bits, _mm512_and_si512(bytes, _mm512_set1_epi8(mask)));
}

/* The fields of a superblock of Q4_K or Q5_K. */
typedef struct {
    ae_avx512_rows d, dmin;
    const char *scales, *fifth, *qs;
} k_block;

/* Group g, whose nibbles begin at bit `shift`. */
AE_INLINE void add_k_group(ae_avx512_rows sum[], const ae_panel *p, size_t b, const k_block *k,
                           size_t g, const unsigned shift, const bool has_fifth, size_t n)
{
    weights w;
    __m256i scale, min;
    for (size_t j = 0; j < QUADS; j++)
        for (size_t s = 0; s < SIDES; s++) {
            w.q[s][j] = nibbles(ae_avx512_load(k->qs, (g / 2 * QUADS + j) * SIDES + s), shift);
            if (has_fifth)
                w.q[s][j] =
                    with_bits(w.q[s][j], ae_avx512_load(k->fifth, j * SIDES + s), g, 1 << 4);
        }
    k_scale(k->scales, g, &scale, &min);
    add_block_min(sum, p, b, &w, scale_small(k->d, scale), scale_small(k->dmin, min), n);
}

/* row_bytes: of the block of a single row. */
AE_INLINE void tile_k(const ae_panel *p, const size_t row_bytes, const bool has_fifth, size_t n)
{
    const size_t bytes = ROWS * row_bytes;
    ae_avx512_rows sum[AE_PANEL_TILE];
    ae_avx512_clear(sum, n);
    for (size_t b = 0; b < p->n_cols / AE_SUPERBLOCK; b++) {
        const char *at = p->w + b * bytes, *scales = at + ROWS * 4;
        k_block k = {load_halves(at), load_halves(at + ROWS * 2), scales,
                     scales + ROWS * AE_K_SCALES, at + bytes - ROWS * AE_SUPERBLOCK / 2};
        for (size_t g = 0; g < 8; g += 2) {
            prefetch_quarter(p, b, g / 2, bytes);
            add_k_group(sum, p, 8 * b + g, &k, g, 0, has_fifth, n);
            add_k_group(sum, p, 8 * b + g + 1, &k, g + 1, 4, has_fifth, n);
        }
    }
    ae_avx512_store(p, 0, sum, n);
}

AE_INLINE void tile_q4_k(const ae_panel *p, size_t n)
{
    tile_k(p, sizeof(ae_block_q4_k), false, n);
}

AE_INLINE void tile_q5_k(const ae_panel *p, size_t n)
{
    tile_k(p, sizeof(ae_block_q5_k), true, n);
}

/* The weights of a group, plus 32: four bits and two, which begin at bits of their own. */
AE_INLINE weights q6_weights(const char *low, const unsigned low_bit, const char *high,
                             const unsigned high_bit)
{
    weights w;
    for (size_t j = 0; j < QUADS; j++)
        for (size_t s = 0; s < SIDES; s++) {
            w.q[s][j] = nibbles(ae_avx512_load(low, j * SIDES + s), low_bit);
            w.q[s][j] = with_bits(w.q[s][j], ae_avx512_load(high, j * SIDES + s), high_bit, 3 << 4);
        }
    return w;
}

/* A scale covers half of a block of 32. */
AE_INLINE void add_q6_group(ae_avx512_rows sum[], const ae_panel *p, size_t b, weights w,
                            ae_avx512_rows d, const char *scales, size_t n)
{
    ae_avx512_rows d_low = scale_small(d, load_small(scales, 0));
    ae_avx512_rows d_high = scale_small(d, load_small(scales, 1));
    for (size_t i = 0; i < n; i++) {
        const ae_act_q8 *a = act_block(p, i, b);
        __m512i minus_low = minus_sums(a, 32, 0), minus_high = minus_sums(a, 0, 32);
        __m512i low[SIDES] = {minus_low, minus_low}, high[SIDES] = {minus_high, minus_high};
        dot_quads(low, &w, a, 0, QUADS / 2);
        dot_quads(high, &w, a, QUADS / 2, QUADS);
        __m512 d_a = _mm512_set1_ps(a->d);
        for (int s = 0; s < SIDES; s++)
            sum[i].s[s] = _mm512_fmadd_ps(combine(d_low.s[s], low[s], d_high.s[s], high[s]), d_a,
                                          sum[i].s[s]);
    }
}

AE_INLINE void tile_q6_k(const ae_panel *p, size_t n)
{
    enum { BYTES = ROWS * sizeof(ae_block_q6_k), PART = QUADS * SIDES * VECTOR };
    ae_avx512_rows sum[AE_PANEL_TILE];
    ae_avx512_clear(sum, n);
    for (size_t b = 0; b < p->n_cols / AE_SUPERBLOCK; b++) {
        const char *at = p->w + b * BYTES, *scales = at + ROWS * 2;
        const char *high = scales + ROWS * 16, *low = high + 2 * PART;
        ae_avx512_rows d = load_halves(at);
        for (size_t g = 0; g < 8; g += 4, high += PART, low += 2 * PART, scales += ROWS * 8) {
            prefetch_quarter(p, b, g / 2, BYTES);
            add_q6_group(sum, p, 8 * b + g, q6_weights(low, 0, high, 0), d, scales, n);
            add_q6_group(sum, p, 8 * b + g + 1, q6_weights(low + PART, 0, high, 2), d,
                         scales + ROWS * 2, n);
            prefetch_quarter(p, b, g / 2 + 1, BYTES);
            add_q6_group(sum, p, 8 * b + g + 2, q6_weights(low, 4, high, 4), d, scales + ROWS * 4,
                         n);
            add_q6_group(sum, p, 8 * b + g + 3, q6_weights(low + PART, 4, high, 6), d,
                         scales + ROWS * 6, n);
        }
    }
    ae_avx512_store(p, 0, sum, n);
}

#define PANEL(type)                                                                                \
    void ae_panel_avx512_##type(ae_panel p, size_t n_x)                                            \
    {                                                                                              \
        if (n_x == 1)                                                                              \
            tile_##type(&p, 1);                                                                    \
        else                                                                                       \
            tile_##type(&p, n_x);                                                                  \
    }
PANEL(q8_0)
PANEL(q4_0)
PANEL(q4_k)
PANEL(q5_k)
PANEL(q6_k)

/* ---- floats: the sums of a few activation rows stay in registers -------------------------------
 */

/* Two weights of each row as floats: columns 2c and 2c + 1. */
typedef struct {
    ae_avx512_rows even, odd;
} two;

/* at: where the two columns begin; lanes: rows side by side. */
typedef two load_fn(const char *at, size_t lanes);

AE_INLINE ae_avx512_rows load_floats(const char *at)
{
    return (ae_avx512_rows){
        {_mm512_castsi512_ps(ae_avx512_load(at, 0)), _mm512_castsi512_ps(ae_avx512_load(at, 1))}};
}

AE_INLINE two load_f32(const char *at, size_t lanes)
{
    return (two){load_floats(at), load_floats(at + lanes * sizeof(float))};
}

AE_INLINE two load_f16(const char *at, size_t lanes)
{
    return (two){load_halves(at), load_halves(at + lanes * sizeof(uint16_t))};
}

AE_INLINE two load_bf16(const char *at, size_t lanes)
{
    const __m512i upper = _mm512_set1_epi32((int)0xffff0000u);
    two w;
    (void)lanes; /* a pair stands in one lane */
    for (size_t s = 0; s < SIDES; s++) {
        __m512i pair = ae_avx512_load(at, s);
        w.even.s[s] = _mm512_castsi512_ps(_mm512_slli_epi32(pair, 16));
        w.odd.s[s] = _mm512_castsi512_ps(_mm512_and_si512(pair, upper));
    }
    return w;
}

AE_INLINE void add_value(ae_avx512_rows sum[], ae_avx512_rows w, const char *x, const size_t n)
{
    for (size_t i = 0; i < n; i++) {
        __m512 a = _mm512_castsi512_ps(ae_avx512_four(x + i * sizeof(float)));
        for (int s = 0; s < SIDES; s++) sum[i].s[s] = _mm512_fmadd_ps(w.s[s], a, sum[i].s[s]);
    }
}

/* Rows first .. first+n-1 of the tile; n is a constant. size: bytes of a value; lane_bytes: of what
 * stands together in a lane. */
AE_INLINE void tile_float(const ae_panel *p, size_t first, const size_t n, load_fn *load_two,
                          const size_t size, const size_t lane_bytes)
{
    ae_avx512_rows sum[AE_PANEL_PART];
    const char *x = p->x + first * sizeof(float), *at = p->w + p->w_lane * lane_bytes;
    size_t two_bytes = 2 * p->w_lanes * size;
    ae_avx512_clear(sum, n);
    for (size_t c = 0; c < p->n_cols / 2; c++) {
        size_t offset = c * two_bytes + p->w_lane * lane_bytes;
        prefetch(p, offset, ROWS * lane_bytes);
        if (lane_bytes == size) prefetch(p, offset + two_bytes / 2, ROWS * lane_bytes);
        two w = load_two(at + c * two_bytes, p->w_lanes);
        add_value(sum, w.even, x + 2 * c * p->x_block_bytes, n);
        add_value(sum, w.odd, x + (2 * c + 1) * p->x_block_bytes, n);
    }
    ae_avx512_store(p, first, sum, n);
}

#define FLOAT_PANEL(type, size, lane_bytes)                                                        \
    AE_INLINE void part_##type(const ae_panel *p, size_t first, const size_t n)                    \
    {                                                                                              \
        tile_float(p, first, n, load_##type, size, lane_bytes);                                    \
    }                                                                                              \
    AE_PANEL_PARTS(ae_panel_avx512_##type, part_##type)
FLOAT_PANEL(f32, sizeof(float), sizeof(float))
FLOAT_PANEL(f16, sizeof(uint16_t), sizeof(uint16_t))
FLOAT_PANEL(bf16, sizeof(uint16_t), 2 * sizeof(uint16_t))
