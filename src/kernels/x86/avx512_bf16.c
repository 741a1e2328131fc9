/* avx512_bf16.c - panels of bf16 for processors that multiply pairs of bf16 (AVX512_BF16). */
#include "kernels/isa.h"

#include <immintrin.h>

enum { LANES = 16, SIDES = 2, VECTOR = 64, PAIR = 4 };

/* Rows first .. first+n-1 of the tile; n is a constant. A lane takes the pairs of its row in order.
 */
AE_INLINE void part_pairs(const ae_panel *p, size_t first, const size_t n)
{
    __m512 sum[AE_PANEL_PART][SIDES]; /* an initializer would write it to memory at each call */
    for (size_t i = 0; i < n; i++)
        for (int s = 0; s < SIDES; s++) sum[i][s] = _mm512_setzero_ps();
    const char *x = p->x + first * PAIR, *at = p->w + p->w_lane * PAIR;
    const char *ahead = p->ahead + p->w_lane * PAIR;
    size_t pair_bytes = p->w_lanes * PAIR;
    for (size_t pair = 0; pair < p->n_cols / 2; pair++, at += pair_bytes, ahead += pair_bytes) {
        __m512bh w[SIDES];
        for (int s = 0; s < SIDES; s++) {
            _mm_prefetch(ahead + s * VECTOR, _MM_HINT_T0);
            w[s] = (__m512bh)_mm512_loadu_si512(at + s * VECTOR);
        }
        for (size_t i = 0; i < n; i++) {
            int32_t a;
            memcpy(&a, x + pair * p->x_block_bytes + i * sizeof a, sizeof a);
            for (int s = 0; s < SIDES; s++)
                sum[i][s] = _mm512_dpbf16_ps(sum[i][s], w[s], (__m512bh)_mm512_set1_epi32(a));
        }
    }
    uint32_t rows = p->n_rows < SIDES * LANES ? (1u << p->n_rows) - 1 : UINT32_MAX;
    for (size_t i = 0; i < n; i++)
        for (int s = 0; s < SIDES; s++) {
            float *y = p->y + (first + i) * p->y_stride + s * LANES;
            __mmask16 mask = (__mmask16)(rows >> s * LANES);
            __m512 before = p->adds ? _mm512_maskz_loadu_ps(mask, y) : _mm512_setzero_ps();
            _mm512_mask_storeu_ps(y, mask, _mm512_add_ps(before, sum[i][s]));
        }
}

AE_PANEL_PARTS(ae_panel_avx512_bf16_pairs, part_pairs)
