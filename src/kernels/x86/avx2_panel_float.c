/* avx2_panel_float.c - panels of floats: a row's sum is that of its even columns and that of its
 * odd ones. */
#include "kernels/x86/avx2_panel.h"

enum { SIDES = AE_AVX2_SIDES, AT_ONCE = AE_AVX2_AT_ONCE };

/* Two weights of each row as floats: pair c of the columns. */
typedef struct {
    ae_avx2_rows even, odd;
} two;
typedef two load_fn(ae_avx2_field w, size_t c);

AE_INLINE ae_avx2_rows load_float(ae_avx2_field w, size_t c)
{
    return (ae_avx2_rows){
        {_mm256_castsi256_ps(ae_avx2_load(w, c, 0)), _mm256_castsi256_ps(ae_avx2_load(w, c, 1))}};
}

AE_INLINE two load_f32(ae_avx2_field w, size_t c)
{
    return (two){load_float(w, 2 * c), load_float(w, 2 * c + 1)};
}

AE_INLINE two load_f16(ae_avx2_field w, size_t c)
{
    return (two){ae_avx2_halves(w, 2 * c), ae_avx2_halves(w, 2 * c + 1)};
}

AE_INLINE two load_bf16(ae_avx2_field w, size_t c)
{
    const __m256i upper = _mm256_set1_epi32((int)0xffff0000u);
    two out;
    for (int s = 0; s < SIDES; s++) {
        __m256i pair = ae_avx2_load(w, c, s);
        out.even.s[s] = _mm256_castsi256_ps(_mm256_slli_epi32(pair, 16));
        out.odd.s[s] = _mm256_castsi256_ps(_mm256_and_si256(pair, upper));
    }
    return out;
}

AE_INLINE void add_value(ae_avx2_rows sum[], ae_avx2_rows w, const char *x, const size_t n)
{
    for (size_t i = 0; i < n; i++) {
        __m256 a = _mm256_castsi256_ps(ae_avx2_four(x + i * sizeof(float)));
        for (int s = 0; s < SIDES; s++) sum[i].s[s] = _mm256_fmadd_ps(w.s[s], a, sum[i].s[s]);
    }
}

/* Every other of 2 * n_pairs columns, with AT_ONCE activation rows. */
AE_INLINE void add_columns(ae_avx2_rows sum[], const ae_avx2_rows w[], const char *x,
                           size_t x_block_bytes, size_t n_pairs)
{
    ae_avx2_rows kept[AT_ONCE];
    memcpy(kept, sum, sizeof kept);
    for (size_t c = 0; c < n_pairs; c++)
        add_value(kept, w[2 * c], x + 2 * c * x_block_bytes, AT_ONCE);
    memcpy(sum, kept, sizeof kept);
}

AE_INLINE void store_sum(const ae_panel *p, size_t i, ae_avx2_rows even, ae_avx2_rows odd)
{
    for (int s = 0; s < SIDES; s++) even.s[s] = _mm256_add_ps(even.s[s], odd.s[s]);
    ae_avx2_store(p, i, &even, 1);
}

/* Rows first .. first + n - 1 of the tile, n = 1 or 2: all their sums stay in registers. */
AE_INLINE void tile_few(const ae_panel *p, size_t first, const size_t n, load_fn *load_two,
                        ae_avx2_field w, size_t size)
{
    ae_avx2_rows even[2], odd[2];
    size_t n_pairs = p->n_cols / 2;
    ae_avx2_clear(even, n);
    ae_avx2_clear(odd, n);
    for (size_t c = 0; c < n_pairs; c++) {
        const char *x = p->x + 2 * c * p->x_block_bytes + first * sizeof(float);
        ae_avx2_prefetch(p, c, n_pairs, 2 * size);
        two t = load_two(w, c);
        add_value(even, t.even, x, n);
        add_value(odd, t.odd, x + p->x_block_bytes, n);
    }
    for (size_t i = 0; i < n; i++) store_sum(p, first + i, even[i], odd[i]);
}

/* n rows, a multiple of AT_ONCE, pass by a few columns that were widened to floats. */
AE_INLINE void tile_many(const ae_panel *p, size_t n, load_fn *load_two, ae_avx2_field w,
                         size_t size)
{
    enum { PAIRS = 32 };
    ae_avx2_rows even[AE_PANEL_TILE], odd[AE_PANEL_TILE], part[2 * PAIRS];
    size_t n_pairs = p->n_cols / 2, n_now;
    ae_avx2_clear(even, n);
    ae_avx2_clear(odd, n);
    for (size_t c = 0; c < n_pairs; c += n_now) {
        n_now = n_pairs - c < PAIRS ? n_pairs - c : PAIRS;
        for (size_t k = 0; k < n_now; k++) {
            ae_avx2_prefetch(p, c + k, n_pairs, 2 * size);
            two t = load_two(w, c + k);
            part[2 * k] = t.even;
            part[2 * k + 1] = t.odd;
        }
        const char *x = p->x + 2 * c * p->x_block_bytes;
        for (size_t i = 0; i < n; i += AT_ONCE, x += AT_ONCE * sizeof(float)) {
            add_columns(even + i, part, x, p->x_block_bytes, n_now);
            add_columns(odd + i, part + 1, x + p->x_block_bytes, p->x_block_bytes, n_now);
        }
    }
    for (size_t i = 0; i < n; i++) store_sum(p, i, even[i], odd[i]);
}

#define FLOAT_PANEL(type, size, unit_bytes)                                                        \
    void AE_AVX2(type)(ae_panel p, size_t n_x)                                                     \
    {                                                                                              \
        ae_avx2_field w = ae_avx2_field_at(&p, p.w, 0, unit_bytes);                                \
        size_t n = n_x / AT_ONCE * AT_ONCE;                                                        \
        if (n) tile_many(&p, n, load_##type, w, size);                                             \
        if (n_x & 2) tile_few(&p, n, 2, load_##type, w, size);                                     \
        n += n_x & 2;                                                                              \
        if (n_x & 1) tile_few(&p, n, 1, load_##type, w, size);                                     \
    }
FLOAT_PANEL(f32, sizeof(float), 4)
FLOAT_PANEL(f16, sizeof(uint16_t), 2)
FLOAT_PANEL(bf16, sizeof(uint16_t), 4) /* pairs */
