/* gemm_bf16.c - products of matrices in bf16, for processors with AVX-512 BF16.
 *
 * Both matrices are packed into panels: some lines of a matrix side by side, where a 32-bit value
 * holds two neighbours of the inner dimension, as vdpbf16ps takes them. A block of b stays in the
 * second level cache while blocks of a pass by; a panel of a stays in the first. */
#include "kernels/isa.h"

#include <immintrin.h>

enum {
    LANES = 16,
    TILE_ROWS = 14,        /* of c in registers: 28 sums, 2 vectors of b, 1 value of a */
    TILE_COLS = 2 * LANES, /* of c in registers */
    ROWS = 8 * TILE_ROWS,  /* of c in a block */
    COLS = 32 * TILE_COLS,
    DEPTH = 256, /* of the inner dimension in a block */
};

/* One row longer than needed: else those of all panels would compete for one place in the cache. */
typedef uint32_t panel[DEPTH / 2 + 1][LANES];

typedef struct {
    panel a[ROWS / TILE_ROWS]; /* two lanes are not used */
    panel b[COLS / LANES];
} packed;
_Static_assert(sizeof(packed) <= AE_GEMM_SCRATCH, "the scratch is too small");

/* ---- packing --------------------------------------------------------------------------------- */

AE_INLINE size_t at_most(size_t n, size_t limit)
{
    return n < limit ? n : limit;
}

AE_INLINE __mmask16 first(size_t n)
{
    return (__mmask16)(n >= LANES ? 0xffffu : (1u << n) - 1);
}

/* The bits of two rows of values as pairs, the even one below. */
AE_INLINE __m512i pair(__m512 even, __m512 odd)
{
    __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(even));
    __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(odd));
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
}

/* Lines lie side by side: value k of line j is src[k * ld + j]. */
AE_INLINE void pack_columns(panel *out, size_t panel_lines, const float *src, size_t ld,
                            size_t n_lines, size_t n_deep)
{
    for (size_t k = 0; k < n_deep; k += 2, src += 2 * ld) {
        bool has_odd = k + 1 < n_deep;
        for (size_t j = 0, p = 0; j < n_lines; j += panel_lines, p++) {
            __mmask16 lines = first(at_most(n_lines - j, panel_lines));
            __m512 even = _mm512_maskz_loadu_ps(lines, src + j);
            __m512 odd = _mm512_maskz_loadu_ps(has_odd ? lines : 0, src + ld + j);
            _mm512_storeu_si512(out[p][k / 2], pair(even, odd));
        }
    }
}

/* v becomes its transpose: at each of four steps, rows that are step apart swap the columns whose
 * number has that bit. */
AE_INLINE void transpose(__m512i v[LANES])
{
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
#pragma GCC unroll 4
    for (int step = 1; step < LANES; step *= 2) {
        __mmask16 upper = _mm512_test_epi32_mask(lane, _mm512_set1_epi32(step));
        __m512i from = _mm512_xor_si512(lane, _mm512_set1_epi32(step));
#pragma GCC unroll 16
        for (int i = 0; i < LANES; i++) {
            if (i & step) continue;
            __m512i a = v[i], b = v[i + step];
            v[i] = _mm512_mask_permutexvar_epi32(a, upper, from, b);
            v[i + step] = _mm512_mask_permutexvar_epi32(b, (__mmask16)~upper, from, a);
        }
    }
}

/* Lines lie one after another: value k of line j is src[j * ld + k]. n_lines is at most that of a
 * panel. */
AE_INLINE void pack_rows(panel out, const float *src, size_t ld, size_t n_lines, size_t n_deep)
{
    for (size_t k = 0; k < n_deep; k += 2 * LANES) {
        size_t n = at_most(n_deep - k, 2 * LANES);
        __mmask16 low = first(n), high = n > LANES ? first(n - LANES) : 0;
        __m512i v[LANES];
#pragma GCC unroll 16
        for (size_t j = 0; j < LANES; j++) {
            const float *line = src + j * ld + k;
            v[j] = _mm512_setzero_si512();
            if (j < n_lines)
                v[j] = (__m512i)_mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(high, line + LANES),
                                                    _mm512_maskz_loadu_ps(low, line));
        }
        transpose(v);
#pragma GCC unroll 16
        for (size_t i = 0; i < LANES; i++)
            if (2 * i < n) _mm512_storeu_si512(out[k / 2 + i], v[i]);
    }
}

/* n_lines lines from line on, n_deep values of each from deep on. */
static void pack(panel *out, size_t panel_lines, ae_matrix m, size_t line, size_t n_lines,
                 size_t deep, size_t n_deep)
{
    const float *src = m.data + line * m.line_stride + deep * m.deep_stride;
    if (m.line_stride == 1) {
        pack_columns(out, panel_lines, src, m.deep_stride, n_lines, n_deep);
        return;
    }
    for (size_t j = 0, p = 0; j < n_lines; j += panel_lines, p++)
        pack_rows(out[p], src + j * m.line_stride, m.line_stride, at_most(n_lines - j, panel_lines),
                  n_deep);
}

/* ---- multiplying ----------------------------------------------------------------------------- */

AE_INLINE void store(float *to, __mmask16 mask, __m512 sum, float keep)
{
    if (keep != 0)
        sum = _mm512_fmadd_ps(_mm512_set1_ps(keep), _mm512_maskz_loadu_ps(mask, to), sum);
    _mm512_mask_storeu_ps(to, mask, sum);
}

/* Part of c. */
typedef struct {
    float *data;
    size_t ld, n_rows, n_cols; /* at most a tile */
} part;

/* c = keep * c + a b over n_pairs of the inner dimension. rows: a constant, at least those of c;
 * lines that a panel lacks are 0. */
AE_INLINE void tile(const size_t rows, part c, const panel a, const panel *b, size_t n_pairs,
                    float keep)
{
    __m512 sum[TILE_ROWS][2];
#pragma GCC unroll 14
    for (size_t i = 0; i < rows; i++) sum[i][0] = sum[i][1] = _mm512_setzero_ps();
    for (size_t k = 0; k < n_pairs; k++) {
        __m512bh b0 = (__m512bh)_mm512_loadu_si512(b[0][k]);
        __m512bh b1 = (__m512bh)_mm512_loadu_si512(b[1][k]);
#pragma GCC unroll 14
        for (size_t i = 0; i < rows; i++) {
            __m512bh a_i = (__m512bh)_mm512_set1_epi32((int)a[k][i]);
            sum[i][0] = _mm512_dpbf16_ps(sum[i][0], a_i, b0);
            sum[i][1] = _mm512_dpbf16_ps(sum[i][1], a_i, b1);
        }
    }
    __mmask16 mask[2] = {first(c.n_cols), c.n_cols > LANES ? first(c.n_cols - LANES) : 0};
#pragma GCC unroll 14
    for (size_t i = 0; i < rows; i++) {
        if (i < c.n_rows) {
            float *to = c.data + i * c.ld;
            store(to, mask[0], sum[i][0], keep);
            store(to + LANES, mask[1], sum[i][1], keep);
        }
    }
}

/* The last rows of a block take the lowest tile that holds them. */
static void multiply_tile(part c, const panel a, const panel *b, size_t n_pairs, float keep)
{
    if (c.n_rows <= 4)
        tile(4, c, a, b, n_pairs, keep);
    else if (c.n_rows <= 8)
        tile(8, c, a, b, n_pairs, keep);
    else
        tile(TILE_ROWS, c, a, b, n_pairs, keep);
}

/* c [m, n] = keep * c + the packed block of that size. */
static void multiply(const packed *s, float *c, size_t ld_c, float keep, size_t m, size_t n,
                     size_t n_pairs)
{
    for (size_t i = 0; i < m; i += TILE_ROWS) {
        for (size_t j = 0; j < n; j += TILE_COLS) {
            part tile_c = {c + i * ld_c + j, ld_c, at_most(m - i, TILE_ROWS),
                           at_most(n - j, TILE_COLS)};
            multiply_tile(tile_c, s->a[i / TILE_ROWS], &s->b[j / LANES], n_pairs, keep);
        }
    }
}

void ae_gemm_avx512_bf16(void *scratch, float *c, size_t ld_c, float keep, ae_matrix a, size_t m,
                         ae_matrix b, size_t n, size_t k)
{
    packed *s = scratch;
    for (size_t col = 0; col < n; col += COLS) {
        size_t n_cols = at_most(n - col, COLS);
        for (size_t deep = 0; deep < k; deep += DEPTH) {
            size_t n_deep = at_most(k - deep, DEPTH);
            pack(s->b, LANES, b, col, n_cols, deep, n_deep);
            for (size_t row = 0; row < m; row += ROWS) {
                size_t n_rows = at_most(m - row, ROWS);
                pack(s->a, TILE_ROWS, a, row, n_rows, deep, n_deep);
                multiply(s, c + row * ld_c + col, ld_c, deep ? 1 : keep, n_rows, n_cols,
                         (n_deep + 1) / 2);
            }
        }
    }
}
