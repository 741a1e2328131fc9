/* avx2_panel.c - panels of blocks against a tile of activations.
 *
 * A block of 32 values becomes sixteen registers of bytes, four values of a row in a lane. Four
 * rows of activations pass at a time, broadcast four bytes by four, and their eight sums stay in
 * registers. A row's sum takes its blocks in order, in its own lane, so it is the same however many
 * rows of activations come along. */
#include "kernels/x86/avx2_panel.h"

enum {
    SIDES = AE_AVX2_SIDES,
    ROWS = AE_AVX2_ROWS,
    AT_ONCE = AE_AVX2_AT_ONCE,
    QUADS = AE_BLOCK / 4,
};

/* Keeps the compiler from putting off additions and storing what is to be added. */
AE_INLINE __m256i in_order(__m256i sum)
{
    __asm__("" : "+x"(sum));
    return sum;
}

/* ---- products of bytes ----------------------------------------------------------------------- */

/* Weights are bytes from 0 to 15, 31 or 63, or whole ones: signed in Q8_0, unsigned in affine
 * groups, and shifted by an offset to what the products take. The products of up to ROOM(max) quads
 * meet in a run of 16 or 32 bits, and `whole` of it is their sum. */
enum { MAX_Q8 = 128 };

#ifdef __AVXVNNI__

#define ROOM(max) QUADS
enum { S8_OFFSET = 128, U8_OFFSET = 0 };

AE_INLINE __m256i add_products(__m256i run, __m256i w, __m256i x, const int max)
{
    (void)max;
    return _mm256_dpbusd_avx_epi32(run, w, x);
}

AE_INLINE __m256i whole(__m256i run)
{
    return run;
}

#else

/* 16 bits take two products of a quad, each at most max * 127, so this many quads stay below 2^15:
 * 8 of weights up to 15, 4 up to 31, 2 up to 63, and one up to 128. */
#define ROOM(max) (INT16_MAX / (2 * 127 * (max)))
enum { S8_OFFSET = 0, U8_OFFSET = -128 };

/* The sign of a signed weight moves over to x: |w| is 128 at most, also as a byte. */
AE_INLINE __m256i add_products(__m256i run, __m256i w, __m256i x, const int max)
{
    if (max == MAX_Q8) {
        x = _mm256_sign_epi8(x, w);
        w = _mm256_abs_epi8(w);
    }
    return in_order(_mm256_add_epi16(run, _mm256_maddubs_epi16(w, x)));
}

AE_INLINE __m256i whole(__m256i run)
{
    return _mm256_madd_epi16(run, _mm256_set1_epi16(1));
}

#endif

/* Where the bytes of a block's weights are; a quad_fn gets those of quad j. */
typedef struct {
    ae_avx2_field low, high;
    int low_shift, high_shift;
} source;
typedef __m256i quad_fn(const source *from, int j, int side);

/* The weights (d * (byte - offset)) or (d * byte - min). */
typedef struct {
    source from;
    ae_avx2_rows d, min;
} weights;

/* What holds for all blocks of a type. */
typedef struct {
    quad_fn *quad;
    int begin, end; /* the quads that a scale belongs to */
    int max;        /* of the bytes */
    int offset[2];  /* of the first and the second 16 of them */
    bool has_min;
} form;

/* dot += the products of quads begin .. end-1, for which there is room, with n activation rows. */
AE_INLINE void dot_run(__m256i dot[][SIDES], const source *from, const ae_act_q8 *a, const form f,
                       const int begin, const int end, const int n)
{
    __m256i run[AT_ONCE][SIDES];
    for (int i = 0; i < n; i++)
        for (int s = 0; s < SIDES; s++) run[i][s] = _mm256_setzero_si256();
    for (int j = begin; j < end; j++)
        for (int i = 0; i < n; i++) {
            __m256i x = ae_avx2_four(a[i].q + 4 * j);
            for (int s = 0; s < SIDES; s++)
                run[i][s] = add_products(run[i][s], f.quad(from, j, s), x, f.max);
        }
    for (int i = 0; i < n; i++)
        for (int s = 0; s < SIDES; s++)
            dot[i][s] = in_order(_mm256_add_epi32(dot[i][s], whole(run[i][s])));
}

/* All quads of a scale. Short runs pass row by row: sums of many would not leave them registers. */
AE_INLINE void dot_quads(__m256i dot[][SIDES], const source *from, const ae_act_q8 *a, const form f,
                         const int n)
{
    const int room = ROOM(f.max) < f.end - f.begin ? ROOM(f.max) : f.end - f.begin;
    const int together = room < 4 ? 1 : n;
    for (int j = f.begin; j < f.end; j += room)
        for (int i = 0; i < n; i += together)
            dot_run(dot + i, from, a + i, f, j, j + room, together);
}

/* Minus the sums of a block's halves, each times a factor. */
AE_INLINE __m256i minus_sums(const ae_act_q8 *a, int low, int high)
{
    return _mm256_madd_epi16(ae_avx2_four(a->minus_sum), _mm256_set1_epi32(high << 16 | low));
}

/* A block of weights with n activation rows. */
AE_INLINE void add_rows(ae_avx2_rows sum[], const weights *w, const ae_act_q8 *a, const form f,
                        const int n)
{
    __m256i dot[AT_ONCE][SIDES];
    for (int i = 0; i < n; i++)
        for (int s = 0; s < SIDES; s++) dot[i][s] = _mm256_setzero_si256();
    dot_quads(dot, &w->from, a, f, n);
    for (int i = 0; i < n; i++) {
        __m256 d_a = _mm256_set1_ps(a[i].d);
        __m256 minus_sum = _mm256_mul_ps(d_a, _mm256_cvtepi32_ps(minus_sums(a + i, 1, 1)));
        __m256i excess =
            f.has_min ? _mm256_setzero_si256() : minus_sums(a + i, f.offset[0], f.offset[1]);
        for (int s = 0; s < SIDES; s++) {
            __m256i exact = _mm256_add_epi32(dot[i][s], excess);
            __m256 d = _mm256_mul_ps(w->d.s[s], d_a);
            sum[i].s[s] = _mm256_fmadd_ps(d, _mm256_cvtepi32_ps(exact), sum[i].s[s]);
            if (f.has_min) sum[i].s[s] = _mm256_fmadd_ps(w->min.s[s], minus_sum, sum[i].s[s]);
        }
    }
}

AE_INLINE __m256i quad_unpacked(const source *from, int j, int side)
{
    return ae_avx2_load(from->low, j, side);
}

/* Block b of the activations. Weights that meet more than one row are unpacked once. */
AE_INLINE void add_block(ae_avx2_rows sum[], const ae_panel *p, size_t b, const weights *w, form f,
                         size_t n)
{
    const ae_act_q8 *a = (const ae_act_q8 *)(const void *)(p->x + b * p->x_block_bytes);
    if (n == 1) {
        add_rows(sum, w, a, f, 1);
        return;
    }
    __m256i unpacked[QUADS][SIDES];
    for (int j = f.begin; j < f.end; j++)
        for (int s = 0; s < SIDES; s++) unpacked[j][s] = f.quad(&w->from, j, s);
    weights u = {{.low = {(const char *)unpacked, sizeof *unpacked}}, w->d, w->min};
    f.quad = quad_unpacked;
    size_t i = 0;
    for (; i + AT_ONCE <= n; i += AT_ONCE) add_rows(sum + i, &u, a + i, f, AT_ONCE);
    if (n & 2) add_rows(sum + i, &u, a + i, f, 2);
    i += n & 2;
    if (n & 1) add_rows(sum + i, &u, a + i, f, 1);
}

/* ---- blocks of 32 ---------------------------------------------------------------------------- */

AE_INLINE __m256i nibbles(__m256i bytes, int shift)
{
    return _mm256_and_si256(_mm256_srli_epi16(bytes, shift), _mm256_set1_epi8(15));
}

/* bytes + offset, which is 0 or +-128 */
AE_INLINE __m256i shifted(__m256i bytes, const int offset)
{
    return offset ? _mm256_xor_si256(bytes, _mm256_set1_epi8(-128)) : bytes;
}

AE_INLINE __m256i quad_s8(const source *from, int j, int side)
{
    return shifted(ae_avx2_load(from->low, j, side), S8_OFFSET);
}

AE_INLINE __m256i quad_u8(const source *from, int j, int side)
{
    return shifted(ae_avx2_load(from->low, j, side), U8_OFFSET);
}

AE_INLINE __m256i quad_nibbles(const source *from, int j, int side)
{
    enum { HALF = QUADS / 2 };
    return nibbles(ae_avx2_load(from->low, j % HALF, side), j < HALF ? 0 : 4);
}

/* A scale and bytes. */
AE_INLINE void tile_plain(const ae_panel *p, form f, size_t block_bytes, size_t n)
{
    ae_avx2_rows sum[AE_PANEL_TILE];
    ae_avx2_clear(sum, n);
    size_t n_blocks = p->n_cols / AE_BLOCK;
    for (size_t b = 0; b < n_blocks; b++) {
        const char *block = ae_avx2_block_at(p, b, block_bytes);
        weights w = {{.low = ae_avx2_field_at(p, block, 2, 4)},
                     .d = ae_avx2_halves(ae_avx2_field_at(p, block, 0, 2), 0)};
        ae_avx2_prefetch(p, b, n_blocks, block_bytes);
        add_block(sum, p, b, &w, f, n);
    }
    ae_avx2_store(p, 0, sum, n);
}

AE_INLINE void tile_q8_0(const ae_panel *p, size_t n)
{
    const form f = {quad_s8, 0, QUADS, MAX_Q8, {S8_OFFSET, S8_OFFSET}, false};
    tile_plain(p, f, sizeof(ae_block_q8_0), n);
}

AE_INLINE void tile_q4_0(const ae_panel *p, size_t n)
{
    const form f = {quad_nibbles, 0, QUADS, 15, {8, 8}, false};
    tile_plain(p, f, sizeof(ae_block_q4_0), n);
}

/* ---- affine groups --------------------------------------------------------------------------- */

/* The minimum of weights s * (byte - offset) + b as add_rows takes it off. */
AE_INLINE ae_avx2_rows affine_min(ae_avx2_rows s, ae_avx2_rows b, const int offset)
{
    const __m256 factor = _mm256_set1_ps((float)offset);
    for (int i = 0; i < SIDES; i++) b.s[i] = _mm256_fmsub_ps(factor, s.s[i], b.s[i]);
    return b;
}

/* Only the form and the bits are constants: a group is long enough to look at the rest. */
AE_INLINE void tile_affine(const ae_panel *p, const form f, const size_t bits, size_t group,
                           bool is_bf16, size_t n)
{
    ae_avx2_rows sum[AE_PANEL_TILE];
    ae_avx2_clear(sum, n);
    size_t n_groups = p->n_cols / group, n_blocks = group / AE_BLOCK;
    for (size_t g = 0; g < n_groups; g++) {
        const char *block = ae_avx2_block_at(p, g, AE_AFFINE_BYTES(bits, group));
        ae_avx2_field scale = ae_avx2_field_at(p, block, 0, 2);
        weights w = {.from.low = ae_avx2_field_at(p, block, sizeof(ae_affine), 4)};
        w.d = is_bf16 ? ae_avx2_bf16s(scale, 0) : ae_avx2_halves(scale, 0);
        w.min = is_bf16 ? ae_avx2_bf16s(scale, 1) : ae_avx2_halves(scale, 1);
        w.min = affine_min(w.d, w.min, f.offset[0]);
        ae_avx2_prefetch(p, g, n_groups, AE_AFFINE_BYTES(bits, group));
        for (size_t b = 0; b < n_blocks; b++, w.from.low = ae_avx2_skip(w.from.low, bits))
            add_block(sum, p, g * n_blocks + b, &w, f, n);
    }
    ae_avx2_store(p, 0, sum, n);
}

AE_INLINE void tile_affine_4(const ae_panel *p, size_t group, bool is_bf16, size_t n)
{
    const form f = {quad_nibbles, 0, QUADS, 15, {0, 0}, true};
    tile_affine(p, f, 4, group, is_bf16, n);
}

AE_INLINE void tile_affine_8(const ae_panel *p, size_t group, bool is_bf16, size_t n)
{
    const form f = {quad_u8, 0, QUADS, MAX_Q8, {U8_OFFSET, U8_OFFSET}, true};
    tile_affine(p, f, 8, group, is_bf16, n);
}

#define AFFINE_BITS(bits)                                                                          \
    static void affine_##bits(ae_panel p, size_t group, bool is_bf16, size_t n_x)                  \
    {                                                                                              \
        p.w_lanes = ROWS;                                                                          \
        p.w_lane = 0;                                                                              \
        if (n_x == 1)                                                                              \
            tile_affine_##bits(&p, group, is_bf16, 1);                                             \
        else                                                                                       \
            tile_affine_##bits(&p, group, is_bf16, n_x);                                           \
    }
AFFINE_BITS(4)
AFFINE_BITS(8)

#define AFFINE_PANEL(name_of, TYPE, name, bits, group, is_bf16)                                    \
    void name_of(name)(ae_panel p, size_t n_x)                                                     \
    {                                                                                              \
        affine_##bits(p, group, is_bf16, n_x);                                                     \
    }
AE_AFFINE_TYPES(AFFINE_PANEL, AE_AVX2)

/* ---- blocks of 256 --------------------------------------------------------------------------- */

/* factor * small integers, one of each row */
AE_INLINE ae_avx2_rows scale_small(ae_avx2_rows factor, __m128i bytes)
{
    __m256i low = _mm256_cvtepi8_epi32(bytes);
    __m256i high = _mm256_cvtepi8_epi32(_mm_unpackhi_epi64(bytes, bytes));
    return (ae_avx2_rows){{_mm256_mul_ps(factor.s[0], _mm256_cvtepi32_ps(low)),
                           _mm256_mul_ps(factor.s[1], _mm256_cvtepi32_ps(high))}};
}

/* Scale and minimum of group g, as ae_k_scales has them. */
AE_INLINE void k_scale(ae_avx2_field scales, size_t g, __m128i *scale, __m128i *min)
{
    const __m128i six = _mm_set1_epi8(63), low = _mm_set1_epi8(15), top = _mm_set1_epi8(48);
    if (g < 4) {
        *scale = _mm_and_si128(ae_avx2_load_short(scales, g, 0), six);
        *min = _mm_and_si128(ae_avx2_load_short(scales, g + 4, 0), six);
        return;
    }
    __m128i both = ae_avx2_load_short(scales, g + 4, 0);
    __m128i top_scale = _mm_srli_epi16(ae_avx2_load_short(scales, g - 4, 0), 2);
    __m128i top_min = _mm_srli_epi16(ae_avx2_load_short(scales, g, 0), 2);
    *scale = _mm_or_si128(_mm_and_si128(both, low), _mm_and_si128(top_scale, top));
    *min = _mm_or_si128(_mm_and_si128(_mm_srli_epi16(both, 4), low), _mm_and_si128(top_min, top));
}

AE_INLINE __m256i quad_q4_k(const source *from, int j, int side)
{
    return nibbles(ae_avx2_load(from->low, j, side), from->low_shift);
}

/* And a fifth bit, at its place in a byte. */
AE_INLINE __m256i quad_q5_k(const source *from, int j, int side)
{
    __m256i bits = _mm256_srli_epi16(ae_avx2_load(from->high, j, side), from->high_shift);
    bits = _mm256_slli_epi16(_mm256_and_si256(bits, _mm256_set1_epi8(1)), 4);
    return _mm256_or_si256(quad_q4_k(from, j, side), bits);
}

/* The fields of a superblock of Q4_K or Q5_K. */
typedef struct {
    ae_avx2_rows d, dmin;
    ae_avx2_field scales, fifth, qs;
} k_block;

AE_INLINE void add_k_group(ae_avx2_rows sum[], const ae_panel *p, size_t b, const k_block *k,
                           size_t g, int low_shift, const form f, size_t n)
{
    __m128i scale, min;
    k_scale(k->scales, g, &scale, &min);
    source from = {ae_avx2_skip(k->qs, g / 2 * QUADS), k->fifth, low_shift, (int)g};
    weights w = {from, scale_small(k->d, scale), scale_small(k->dmin, min)};
    add_block(sum, p, 8 * b + g, &w, f, n);
}

AE_INLINE void tile_k(const ae_panel *p, const form f, size_t block_bytes, size_t n)
{
    ae_avx2_rows sum[AE_PANEL_TILE];
    ae_avx2_clear(sum, n);
    size_t n_blocks = p->n_cols / AE_SUPERBLOCK;
    for (size_t b = 0; b < n_blocks; b++) {
        const char *block = ae_avx2_block_at(p, b, block_bytes);
        ae_avx2_field d = ae_avx2_field_at(p, block, 0, 2);
        k_block k = {ae_avx2_halves(d, 0), ae_avx2_halves(d, 1), ae_avx2_field_at(p, block, 4, 1),
                     ae_avx2_field_at(p, block, 4 + AE_K_SCALES, 4),
                     ae_avx2_field_at(p, block, block_bytes - AE_SUPERBLOCK / 2, 4)};
        ae_avx2_prefetch(p, b, n_blocks, block_bytes);
        for (size_t g = 0; g < 8; g += 2) {
            add_k_group(sum, p, b, &k, g, 0, f, n);
            add_k_group(sum, p, b, &k, g + 1, 4, f, n);
        }
    }
    ae_avx2_store(p, 0, sum, n);
}

AE_INLINE void tile_q4_k(const ae_panel *p, size_t n)
{
    tile_k(p, (form){quad_q4_k, 0, QUADS, 15, {0, 0}, true}, sizeof(ae_block_q4_k), n);
}

AE_INLINE void tile_q5_k(const ae_panel *p, size_t n)
{
    tile_k(p, (form){quad_q5_k, 0, QUADS, 31, {0, 0}, true}, sizeof(ae_block_q5_k), n);
}

/* Plus 32. */
AE_INLINE __m256i quad_q6_k(const source *from, int j, int side)
{
    __m256i bits = _mm256_srli_epi16(ae_avx2_load(from->high, j, side), from->high_shift);
    bits = _mm256_slli_epi16(_mm256_and_si256(bits, _mm256_set1_epi8(3)), 4);
    return _mm256_or_si256(nibbles(ae_avx2_load(from->low, j, side), from->low_shift), bits);
}

/* A scale covers half of a block of 32. */
AE_INLINE void add_q6_group(ae_avx2_rows sum[], const ae_panel *p, size_t b, source from,
                            ae_avx2_rows d, ae_avx2_field scales, size_t n)
{
    const form first = {quad_q6_k, 0, QUADS / 2, 63, {32, 0}, false};
    const form second = {quad_q6_k, QUADS / 2, QUADS, 63, {0, 32}, false};
    weights w = {from, .d = scale_small(d, ae_avx2_load_short(scales, 0, 0))};
    add_block(sum, p, b, &w, first, n);
    w.d = scale_small(d, ae_avx2_load_short(scales, 1, 0));
    add_block(sum, p, b, &w, second, n);
}

AE_INLINE void tile_q6_k(const ae_panel *p, size_t n)
{
    enum { BYTES = sizeof(ae_block_q6_k), SCALES = 2, HIGH = SCALES + 16, LOW = HIGH + 64 };
    ae_avx2_rows sum[AE_PANEL_TILE];
    ae_avx2_clear(sum, n);
    size_t n_halves = 2 * (p->n_cols / AE_SUPERBLOCK);
    for (size_t b = 0; b < n_halves; b++) { /* halves of a block */
        const char *block = ae_avx2_block_at(p, b / 2, BYTES);
        ae_avx2_rows d = ae_avx2_halves(ae_avx2_field_at(p, block, 0, 2), 0);
        ae_avx2_field scales = ae_avx2_skip(ae_avx2_field_at(p, block, SCALES, 1), b % 2 * 8);
        ae_avx2_field high = ae_avx2_skip(ae_avx2_field_at(p, block, HIGH, 4), b % 2 * QUADS);
        ae_avx2_field low = ae_avx2_skip(ae_avx2_field_at(p, block, LOW, 4), b % 2 * 2 * QUADS),
                      low2 = ae_avx2_skip(low, QUADS);
        ae_avx2_prefetch(p, b, n_halves, BYTES / 2);
        add_q6_group(sum, p, 4 * b, (source){low, high, 0, 0}, d, scales, n);
        add_q6_group(sum, p, 4 * b + 1, (source){low2, high, 0, 2}, d, ae_avx2_skip(scales, 2), n);
        add_q6_group(sum, p, 4 * b + 2, (source){low, high, 4, 4}, d, ae_avx2_skip(scales, 4), n);
        add_q6_group(sum, p, 4 * b + 3, (source){low2, high, 4, 6}, d, ae_avx2_skip(scales, 6), n);
    }
    ae_avx2_store(p, 0, sum, n);
}

/* In a panel of weights all places are constants. */
#define PANEL(type, may_be_wide)                                                                   \
    void AE_AVX2(type)(ae_panel p, size_t n_x)                                                     \
    {                                                                                              \
        if (may_be_wide && p.w_lanes != ROWS) {                                                    \
            tile_##type(&p, n_x);                                                                  \
            return;                                                                                \
        }                                                                                          \
        p.w_lanes = ROWS;                                                                          \
        p.w_lane = 0;                                                                              \
        if (n_x == 1)                                                                              \
            tile_##type(&p, 1);                                                                    \
        else                                                                                       \
            tile_##type(&p, n_x);                                                                  \
    }
PANEL(q8_0, true)
PANEL(q4_0, false)
PANEL(q4_k, false)
PANEL(q5_k, false)
PANEL(q6_k, false)
