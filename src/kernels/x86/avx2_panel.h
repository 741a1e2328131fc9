/* avx2_panel.h - panels of 16 rows for AVX2: the names of their kernels, and loads and stores.
 *
 *     avx2       products of bytes are summed in 16 bits, as many as fit
 *     avxvnni    four of them are added to 32 bits at once (AVX-VNNI)
 *
 * Model:    The files of the panels are compiled once for each of these tables, with the options of
 *           its instruction set; the compiler's feature macro says which. Both share one layout, so
 *           a packed file serves them both.
 * Uses:     isa.h.
 * Example:  void AE_AVX2(q8_0)(ae_panel p, size_t n_x) { ... }
 */
#ifndef AE_KERNELS_X86_AVX2_PANEL_H
#define AE_KERNELS_X86_AVX2_PANEL_H

#include "kernels/isa.h"

#include <immintrin.h>

#ifdef __AVXVNNI__
#define AE_AVX2(name) ae_panel_avxvnni_##name
#else
#define AE_AVX2(name) ae_panel_avx2_##name
#endif

/* ---- memory ---------------------------------------------------------------------------------- */

enum {
    AE_AVX2_LANES = 8,
    AE_AVX2_SIDES = 2, /* registers that hold the rows of a panel */
    AE_AVX2_ROWS = AE_AVX2_SIDES * AE_AVX2_LANES,
    AE_AVX2_AT_ONCE = 4, /* rows of activations */
    AE_AVX2_VECTOR = 32  /* bytes */
};

/* A number of each row. */
typedef struct {
    __m256 s[AE_AVX2_SIDES];
} ae_avx2_rows;

/* A field of a block, from the first row that is meant: unit u stands at `at + u * stride`. */
typedef struct {
    const char *at;
    size_t stride;
} ae_avx2_field;

/* Where a block of the panel begins; block_bytes: of a single row. */
AE_INLINE const char *ae_avx2_block_at(const ae_panel *p, size_t b, size_t block_bytes)
{
    return p->w + b * p->w_lanes * block_bytes;
}

/* offset: where it begins in the block of a single row, fields in the order of panels. */
AE_INLINE ae_avx2_field ae_avx2_field_at(const ae_panel *p, const char *block, size_t offset,
                                         size_t unit_bytes)
{
    return (ae_avx2_field){block + p->w_lanes * offset + p->w_lane * unit_bytes,
                           p->w_lanes * unit_bytes};
}

AE_INLINE ae_avx2_field ae_avx2_skip(ae_avx2_field f, size_t n_units)
{
    return (ae_avx2_field){f.at + n_units * f.stride, f.stride};
}

/* A unit of four bytes of the rows of a side. */
AE_INLINE __m256i ae_avx2_load(ae_avx2_field f, size_t unit, int side)
{
    return _mm256_loadu_si256(
        (const __m256i *)(const void *)(f.at + unit * f.stride + side * AE_AVX2_VECTOR));
}

/* 16 bytes of a unit: half of its half floats, or all of its bytes. */
AE_INLINE __m128i ae_avx2_load_short(ae_avx2_field f, size_t unit, int part)
{
    return _mm_loadu_si128((const __m128i *)(const void *)(f.at + unit * f.stride) + part);
}

AE_INLINE ae_avx2_rows ae_avx2_halves(ae_avx2_field f, size_t unit)
{
    return (ae_avx2_rows){{_mm256_cvtph_ps(ae_avx2_load_short(f, unit, 0)),
                           _mm256_cvtph_ps(ae_avx2_load_short(f, unit, 1))}};
}

AE_INLINE ae_avx2_rows ae_avx2_bf16s(ae_avx2_field f, size_t unit)
{
    ae_avx2_rows out;
    for (int s = 0; s < AE_AVX2_SIDES; s++) {
        __m256i h = _mm256_cvtepu16_epi32(ae_avx2_load_short(f, unit, s));
        out.s[s] = _mm256_castsi256_ps(_mm256_slli_epi32(h, 16));
    }
    return out;
}

/* Asks for what is wanted next while block b of n passes: these rows' share of it, in its order.
 * bytes: of a block of one row. */
AE_INLINE void ae_avx2_prefetch(const ae_panel *p, size_t b, size_t n, const size_t bytes)
{
    enum { LINE = 64 };
    const char *at = p->ahead + (p->w_lane * n + b * AE_AVX2_ROWS) * bytes;
    for (size_t i = 0; i < AE_AVX2_ROWS * bytes; i += LINE) _mm_prefetch(at + i, _MM_HINT_T0);
}

/* The same four bytes in every lane. */
AE_INLINE __m256i ae_avx2_four(const void *at)
{
    return _mm256_set1_epi32((int)ae_four(at));
}

/* Not an initializer: that writes all of the tile to memory, where few sums would be registers. */
AE_INLINE void ae_avx2_clear(ae_avx2_rows sum[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (int s = 0; s < AE_AVX2_SIDES; s++) sum[i].s[s] = _mm256_setzero_ps();
}

/* The sums with one activation row, into y. */
AE_INLINE void ae_avx2_store_row(const ae_panel *p, float *y, ae_avx2_rows sum)
{
    const __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (int s = 0; s < AE_AVX2_SIDES; s++, y += AE_AVX2_LANES) {
        __m256i left = _mm256_set1_epi32((int)p->n_rows - s * AE_AVX2_LANES);
        __m256i mask = _mm256_cmpgt_epi32(left, place);
        if (p->adds) sum.s[s] = _mm256_add_ps(_mm256_maskload_ps(y, mask), sum.s[s]);
        if (p->n_rows >= AE_AVX2_ROWS)
            _mm256_storeu_ps(y, sum.s[s]);
        else
            _mm256_maskstore_ps(y, mask, sum.s[s]);
    }
}

/* The sums with n activation rows from `first` on. */
AE_INLINE void ae_avx2_store(const ae_panel *p, size_t first, const ae_avx2_rows sum[], size_t n)
{
    for (size_t i = 0; i < n; i++) ae_avx2_store_row(p, p->y + (first + i) * p->y_stride, sum[i]);
}

#endif
