/* avx512_panel.h - panels of 32 rows for AVX-512: their sums, loads and stores.
 *
 * Uses:     isa.h.
 * Example:  ae_avx512_rows sum[AE_PANEL_TILE];
 *           ae_avx512_clear(sum, n_x);
 *           ...
 *           ae_avx512_store(&p, 0, sum, n_x);
 */
#ifndef AE_KERNELS_X86_AVX512_PANEL_H
#define AE_KERNELS_X86_AVX512_PANEL_H

#include "kernels/isa.h"

#include <immintrin.h>

enum {
    AE_AVX512_LANES = 16,
    AE_AVX512_SIDES = 2, /* registers that hold the rows of a panel */
    AE_AVX512_ROWS = AE_AVX512_SIDES * AE_AVX512_LANES,
    AE_AVX512_VECTOR = 64 /* bytes */
};

/* A number of each row. */
typedef struct {
    __m512 s[AE_AVX512_SIDES];
} ae_avx512_rows;

AE_INLINE __m512i ae_avx512_load(const char *at, size_t i)
{
    return _mm512_loadu_si512(at + i * AE_AVX512_VECTOR);
}

/* The same four bytes in every lane. */
AE_INLINE __m512i ae_avx512_four(const void *at)
{
    return _mm512_set1_epi32((int)ae_four(at));
}

/* Not an initializer: that writes all of the tile to memory, where few sums would be registers. */
AE_INLINE void ae_avx512_clear(ae_avx512_rows sum[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (int s = 0; s < AE_AVX512_SIDES; s++) sum[i].s[s] = _mm512_setzero_ps();
}

/* The sums with n activation rows from `first` on. */
AE_INLINE void ae_avx512_store(const ae_panel *p, size_t first, const ae_avx512_rows sum[],
                               size_t n)
{
    uint32_t rows = p->n_rows < AE_AVX512_ROWS ? (1u << p->n_rows) - 1 : UINT32_MAX;
    for (size_t i = 0; i < n; i++)
        for (int s = 0; s < AE_AVX512_SIDES; s++) {
            float *y = p->y + (first + i) * p->y_stride + s * AE_AVX512_LANES;
            __mmask16 mask = (__mmask16)(rows >> s * AE_AVX512_LANES);
            __m512 before = p->adds ? _mm512_maskz_loadu_ps(mask, y) : _mm512_setzero_ps();
            _mm512_mask_storeu_ps(y, mask, _mm512_add_ps(before, sum[i].s[s]));
        }
}

#endif
