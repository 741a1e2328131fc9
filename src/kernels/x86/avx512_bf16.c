/* avx512_bf16.c - panels of bf16 for processors that multiply pairs of bf16 (AVX512_BF16). */
#include "kernels/x86/avx512_panel.h"

enum { SIDES = AE_AVX512_SIDES, VECTOR = AE_AVX512_VECTOR, PAIR = 4 /* bytes */ };

/* Rows first .. first+n-1 of the tile; n is a constant. A lane takes the pairs of its row in order.
 */
AE_INLINE void part_pairs(const ae_panel *p, size_t first, const size_t n)
{
    ae_avx512_rows sum[AE_PANEL_PART];
    const char *x = p->x + first * PAIR, *at = p->w + p->w_lane * PAIR;
    const char *ahead = p->ahead + p->w_lane * PAIR;
    size_t pair_bytes = p->w_lanes * PAIR;
    ae_avx512_clear(sum, n);
    for (size_t pair = 0; pair < p->n_cols / 2; pair++, at += pair_bytes, ahead += pair_bytes) {
        __m512bh w[SIDES];
        for (int s = 0; s < SIDES; s++) {
            _mm_prefetch(ahead + s * VECTOR, _MM_HINT_T0);
            w[s] = (__m512bh)ae_avx512_load(at, s);
        }
        for (size_t i = 0; i < n; i++) {
            __m512bh a = (__m512bh)ae_avx512_four(x + pair * p->x_block_bytes + i * PAIR);
            for (int s = 0; s < SIDES; s++) sum[i].s[s] = _mm512_dpbf16_ps(sum[i].s[s], w[s], a);
        }
    }
    ae_avx512_store(p, first, sum, n);
}

AE_PANEL_PARTS(ae_panel_avx512_bf16_pairs, part_pairs)
