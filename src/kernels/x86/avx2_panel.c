/* avx2_panel.c - panels of 16 rows, the lanes of two registers, against a tile of activations.
 *
 * A block of 32 values becomes sixteen registers of bytes, four values of a row in a lane. Four
 * rows of activations pass at a time, broadcast four bytes by four, and their eight sums stay in
 * registers. A row's sum takes its blocks in order, in its own lane, so it is the same however many
 * rows of activations come along.
 *
 * The file is compiled for two tables: avx2 sums products of bytes in 16 bits, as many as fit;
 * avxvnni has an instruction that adds four of them to 32 bits (AVX-VNNI). */
#include "kernels/isa.h"

#include <immintrin.h>

enum {
    LANES = 8,
    SIDES = 2, /* registers that hold the rows of a panel */
    ROWS = SIDES * LANES,
    QUADS = AE_BLOCK / 4,
    AT_ONCE = 4, /* rows of activations */
    VECTOR = 32  /* bytes */
};

/* A number of each row. */
typedef struct {
    __m256 s[SIDES];
} numbers;

/* ---- memory ---------------------------------------------------------------------------------- */

/* A field of a block, from the first row that is meant: unit u stands at `at + u * stride`. */
typedef struct {
    const char *at;
    size_t stride;
} field;

/* Where a block of the panel begins; block_bytes: of a single row. */
AE_INLINE const char *block_at(const ae_panel *p, size_t b, size_t block_bytes)
{
    return p->w + b * p->w_lanes * block_bytes;
}

/* offset: where it begins in the block of a single row, fields in the order of panels. */
AE_INLINE field field_at(const ae_panel *p, const char *block, size_t offset, size_t unit_bytes)
{
    return (field){block + p->w_lanes * offset + p->w_lane * unit_bytes, p->w_lanes * unit_bytes};
}

AE_INLINE field skip(field f, size_t n_units)
{
    return (field){f.at + n_units * f.stride, f.stride};
}

/* A unit of four bytes of the rows of a side. */
AE_INLINE __m256i load(field f, size_t unit, int side)
{
    return _mm256_loadu_si256(
        (const __m256i *)(const void *)(f.at + unit * f.stride + side * VECTOR));
}

/* 16 bytes of a unit: half of its half floats, or all of its bytes. */
AE_INLINE __m128i load_short(field f, size_t unit, int part)
{
    return _mm_loadu_si128((const __m128i *)(const void *)(f.at + unit * f.stride) + part);
}

AE_INLINE numbers load_halves(field f, size_t unit)
{
    return (numbers){
        {_mm256_cvtph_ps(load_short(f, unit, 0)), _mm256_cvtph_ps(load_short(f, unit, 1))}};
}

AE_INLINE numbers load_bf16s(field f, size_t unit)
{
    numbers out;
    for (int s = 0; s < SIDES; s++) {
        __m256i h = _mm256_cvtepu16_epi32(load_short(f, unit, s));
        out.s[s] = _mm256_castsi256_ps(_mm256_slli_epi32(h, 16));
    }
    return out;
}

/* Asks for what is wanted next while block b of n passes: these rows' share of it, in its order.
 * bytes: of a block of one row. */
AE_INLINE void prefetch(const ae_panel *p, size_t b, size_t n, const size_t bytes)
{
    enum { LINE = 64 };
    const char *at = p->ahead + (p->w_lane * n + b * ROWS) * bytes;
    for (size_t i = 0; i < ROWS * bytes; i += LINE) _mm_prefetch(at + i, _MM_HINT_T0);
}

/* The same four bytes in every lane. */
AE_INLINE __m256i four(const void *at)
{
    int32_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    return _mm256_set1_epi32(bytes);
}

/* The sums with activation row i. */
AE_INLINE void store(const ae_panel *p, size_t i, numbers sum)
{
    const __m256i place = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    float *y = p->y + i * p->y_stride;
    for (int s = 0; s < SIDES; s++, y += LANES) {
        __m256i left = _mm256_set1_epi32((int)p->n_rows - s * LANES);
        __m256i mask = _mm256_cmpgt_epi32(left, place);
        if (p->adds) sum.s[s] = _mm256_add_ps(_mm256_maskload_ps(y, mask), sum.s[s]);
        if (p->n_rows >= ROWS)
            _mm256_storeu_ps(y, sum.s[s]);
        else
            _mm256_maskstore_ps(y, mask, sum.s[s]);
    }
}

/* Keeps the compiler from putting off additions and storing what is to be added. */
AE_INLINE __m256i in_order(__m256i sum)
{
    __asm__("" : "+x"(sum));
    return sum;
}

/* ---- products of bytes ----------------------------------------------------------------------- */

/* Weights are bytes from 0 to 15, 31 or 63, or whole ones, signed in Q8_0 and unsigned in affine
 * groups, which become what the products take: greater or smaller by 128 and so by an offset. The
 * products of up to ROOM(max) quads meet in a run of 16 or 32 bits, and `whole` of it is their sum.
 */
enum { MAX_Q8 = 128 };

#ifdef __AVXVNNI__

#define KERNEL(type) ae_panel_avxvnni_##type
#define ROOM(max)    QUADS
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

#define KERNEL(type) ae_panel_avx2_##type
/* 16 bits take two products of a quad, each at most max * 127, so this many quads stay below 2^15:
 * 8 of weights up to 15, 4 up to 31, 2 up to 63, and one up to 128. */
#define ROOM(max)    (INT16_MAX / (2 * 127 * (max)))
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
    field low, high;
    int low_shift, high_shift;
} source;
typedef __m256i quad_fn(const source *from, int j, int side);

/* The weights (d * (byte - offset)) or (d * byte - min). */
typedef struct {
    source from;
    numbers d, min;
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
            __m256i x = four(a[i].q + 4 * j);
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
    return _mm256_madd_epi16(four(a->minus_sum), _mm256_set1_epi32(high << 16 | low));
}

/* A block of weights with n activation rows. */
AE_INLINE void add_rows(numbers sum[], const weights *w, const ae_act_q8 *a, const form f,
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
    return load(from->low, j, side);
}

/* Block b of the activations. Weights that meet more than one row are unpacked once. */
AE_INLINE void add_block(numbers sum[], const ae_panel *p, size_t b, const weights *w, form f,
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
    return shifted(load(from->low, j, side), S8_OFFSET);
}

AE_INLINE __m256i quad_u8(const source *from, int j, int side)
{
    return shifted(load(from->low, j, side), U8_OFFSET);
}

AE_INLINE __m256i quad_nibbles(const source *from, int j, int side)
{
    enum { HALF = QUADS / 2 };
    return nibbles(load(from->low, j % HALF, side), j < HALF ? 0 : 4);
}

/* A scale and bytes. */
AE_INLINE void tile_plain(const ae_panel *p, form f, size_t block_bytes, size_t n)
{
    numbers sum[AE_PANEL_TILE] = {0};
    size_t n_blocks = p->n_cols / AE_BLOCK;
    for (size_t b = 0; b < n_blocks; b++) {
        const char *block = block_at(p, b, block_bytes);
        weights w = {{.low = field_at(p, block, 2, 4)},
                     .d = load_halves(field_at(p, block, 0, 2), 0)};
        prefetch(p, b, n_blocks, block_bytes);
        add_block(sum, p, b, &w, f, n);
    }
    for (size_t i = 0; i < n; i++) store(p, i, sum[i]);
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
AE_INLINE numbers affine_min(numbers s, numbers b, const int offset)
{
    const __m256 factor = _mm256_set1_ps((float)offset);
    for (int i = 0; i < SIDES; i++) b.s[i] = _mm256_fmsub_ps(factor, s.s[i], b.s[i]);
    return b;
}

/* Only the form and the bits are constants: a group is long enough to look at the rest. */
AE_INLINE void tile_affine(const ae_panel *p, const form f, const size_t bits, size_t group,
                           bool is_bf16, size_t n)
{
    numbers sum[AE_PANEL_TILE] = {0};
    size_t n_groups = p->n_cols / group, n_blocks = group / AE_BLOCK;
    for (size_t g = 0; g < n_groups; g++) {
        const char *block = block_at(p, g, AE_AFFINE_BYTES(bits, group));
        field scale = field_at(p, block, 0, 2);
        weights w = {.from.low = field_at(p, block, sizeof(ae_affine), 4)};
        w.d = is_bf16 ? load_bf16s(scale, 0) : load_halves(scale, 0);
        w.min = is_bf16 ? load_bf16s(scale, 1) : load_halves(scale, 1);
        w.min = affine_min(w.d, w.min, f.offset[0]);
        prefetch(p, g, n_groups, AE_AFFINE_BYTES(bits, group));
        for (size_t b = 0; b < n_blocks; b++, w.from.low = skip(w.from.low, bits))
            add_block(sum, p, g * n_blocks + b, &w, f, n);
    }
    for (size_t i = 0; i < n; i++) store(p, i, sum[i]);
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
AE_AFFINE_TYPES(AFFINE_PANEL, KERNEL)

/* ---- blocks of 256 --------------------------------------------------------------------------- */

/* factor * small integers, one of each row */
AE_INLINE numbers scale_small(numbers factor, __m128i bytes)
{
    __m256i low = _mm256_cvtepi8_epi32(bytes);
    __m256i high = _mm256_cvtepi8_epi32(_mm_unpackhi_epi64(bytes, bytes));
    return (numbers){{_mm256_mul_ps(factor.s[0], _mm256_cvtepi32_ps(low)),
                      _mm256_mul_ps(factor.s[1], _mm256_cvtepi32_ps(high))}};
}

/* Scale and minimum of group g, as ae_k_scales has them. */
AE_INLINE void k_scale(field scales, size_t g, __m128i *scale, __m128i *min)
{
    const __m128i six = _mm_set1_epi8(63), low = _mm_set1_epi8(15), top = _mm_set1_epi8(48);
    if (g < 4) {
        *scale = _mm_and_si128(load_short(scales, g, 0), six);
        *min = _mm_and_si128(load_short(scales, g + 4, 0), six);
        return;
    }
    __m128i both = load_short(scales, g + 4, 0);
    __m128i top_scale = _mm_srli_epi16(load_short(scales, g - 4, 0), 2);
    __m128i top_min = _mm_srli_epi16(load_short(scales, g, 0), 2);
    *scale = _mm_or_si128(_mm_and_si128(both, low), _mm_and_si128(top_scale, top));
    *min = _mm_or_si128(_mm_and_si128(_mm_srli_epi16(both, 4), low), _mm_and_si128(top_min, top));
}

AE_INLINE __m256i quad_q4_k(const source *from, int j, int side)
{
    return nibbles(load(from->low, j, side), from->low_shift);
}

/* And a fifth bit, at its place in a byte. */
AE_INLINE __m256i quad_q5_k(const source *from, int j, int side)
{
    __m256i bits = _mm256_srli_epi16(load(from->high, j, side), from->high_shift);
    bits = _mm256_slli_epi16(_mm256_and_si256(bits, _mm256_set1_epi8(1)), 4);
    return _mm256_or_si256(quad_q4_k(from, j, side), bits);
}

/* The fields of a superblock of Q4_K or Q5_K. */
typedef struct {
    numbers d, dmin;
    field scales, fifth, qs;
} k_block;

AE_INLINE void add_k_group(numbers sum[], const ae_panel *p, size_t b, const k_block *k, size_t g,
                           int low_shift, const form f, size_t n)
{
    __m128i scale, min;
    k_scale(k->scales, g, &scale, &min);
    source from = {skip(k->qs, g / 2 * QUADS), k->fifth, low_shift, (int)g};
    weights w = {from, scale_small(k->d, scale), scale_small(k->dmin, min)};
    add_block(sum, p, 8 * b + g, &w, f, n);
}

AE_INLINE void tile_k(const ae_panel *p, const form f, size_t block_bytes, size_t n)
{
    numbers sum[AE_PANEL_TILE] = {0};
    size_t n_blocks = p->n_cols / AE_SUPERBLOCK;
    for (size_t b = 0; b < n_blocks; b++) {
        const char *block = block_at(p, b, block_bytes);
        field d = field_at(p, block, 0, 2);
        k_block k = {load_halves(d, 0), load_halves(d, 1), field_at(p, block, 4, 1),
                     field_at(p, block, 4 + AE_K_SCALES, 4),
                     field_at(p, block, block_bytes - AE_SUPERBLOCK / 2, 4)};
        prefetch(p, b, n_blocks, block_bytes);
        for (size_t g = 0; g < 8; g += 2) {
            add_k_group(sum, p, b, &k, g, 0, f, n);
            add_k_group(sum, p, b, &k, g + 1, 4, f, n);
        }
    }
    for (size_t i = 0; i < n; i++) store(p, i, sum[i]);
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
    __m256i bits = _mm256_srli_epi16(load(from->high, j, side), from->high_shift);
    bits = _mm256_slli_epi16(_mm256_and_si256(bits, _mm256_set1_epi8(3)), 4);
    return _mm256_or_si256(nibbles(load(from->low, j, side), from->low_shift), bits);
}

/* A scale covers half of a block of 32. */
AE_INLINE void add_q6_group(numbers sum[], const ae_panel *p, size_t b, source from, numbers d,
                            field scales, size_t n)
{
    const form first = {quad_q6_k, 0, QUADS / 2, 63, {32, 0}, false};
    const form second = {quad_q6_k, QUADS / 2, QUADS, 63, {0, 32}, false};
    weights w = {from, .d = scale_small(d, load_short(scales, 0, 0))};
    add_block(sum, p, b, &w, first, n);
    w.d = scale_small(d, load_short(scales, 1, 0));
    add_block(sum, p, b, &w, second, n);
}

AE_INLINE void tile_q6_k(const ae_panel *p, size_t n)
{
    enum { BYTES = sizeof(ae_block_q6_k), SCALES = 2, HIGH = SCALES + 16, LOW = HIGH + 64 };
    numbers sum[AE_PANEL_TILE] = {0};
    size_t n_halves = 2 * (p->n_cols / AE_SUPERBLOCK);
    for (size_t b = 0; b < n_halves; b++) { /* halves of a block */
        const char *block = block_at(p, b / 2, BYTES);
        numbers d = load_halves(field_at(p, block, 0, 2), 0);
        field scales = skip(field_at(p, block, SCALES, 1), b % 2 * 8);
        field high = skip(field_at(p, block, HIGH, 4), b % 2 * QUADS);
        field low = skip(field_at(p, block, LOW, 4), b % 2 * 2 * QUADS), low2 = skip(low, QUADS);
        prefetch(p, b, n_halves, BYTES / 2);
        add_q6_group(sum, p, 4 * b, (source){low, high, 0, 0}, d, scales, n);
        add_q6_group(sum, p, 4 * b + 1, (source){low2, high, 0, 2}, d, skip(scales, 2), n);
        add_q6_group(sum, p, 4 * b + 2, (source){low, high, 4, 4}, d, skip(scales, 4), n);
        add_q6_group(sum, p, 4 * b + 3, (source){low2, high, 4, 6}, d, skip(scales, 6), n);
    }
    for (size_t i = 0; i < n; i++) store(p, i, sum[i]);
}

/* In a panel of weights all places are constants. */
#define PANEL(type, may_be_wide)                                                                   \
    void KERNEL(type)(ae_panel p, size_t n_x)                                                      \
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

/* ---- floats: a row's sum is that of its even columns and that of its odd ones ---------------- */

/* Two weights of each row as floats: pair c of the columns. */
typedef struct {
    numbers even, odd;
} two;
typedef two load_fn(field w, size_t c);

AE_INLINE numbers load_float(field w, size_t c)
{
    return (numbers){{_mm256_castsi256_ps(load(w, c, 0)), _mm256_castsi256_ps(load(w, c, 1))}};
}

AE_INLINE two load_f32(field w, size_t c)
{
    return (two){load_float(w, 2 * c), load_float(w, 2 * c + 1)};
}

AE_INLINE two load_f16(field w, size_t c)
{
    return (two){load_halves(w, 2 * c), load_halves(w, 2 * c + 1)};
}

AE_INLINE two load_bf16(field w, size_t c)
{
    const __m256i upper = _mm256_set1_epi32((int)0xffff0000u);
    two out;
    for (int s = 0; s < SIDES; s++) {
        __m256i pair = load(w, c, s);
        out.even.s[s] = _mm256_castsi256_ps(_mm256_slli_epi32(pair, 16));
        out.odd.s[s] = _mm256_castsi256_ps(_mm256_and_si256(pair, upper));
    }
    return out;
}

AE_INLINE void add_value(numbers sum[], numbers w, const char *x, const size_t n)
{
    for (size_t i = 0; i < n; i++) {
        __m256 a = _mm256_castsi256_ps(four(x + i * sizeof(float)));
        for (int s = 0; s < SIDES; s++) sum[i].s[s] = _mm256_fmadd_ps(w.s[s], a, sum[i].s[s]);
    }
}

/* Every other of 2 * n_pairs columns, with AT_ONCE activation rows. */
AE_INLINE void add_columns(numbers sum[], const numbers w[], const char *x, size_t x_block_bytes,
                           size_t n_pairs)
{
    numbers kept[AT_ONCE];
    memcpy(kept, sum, sizeof kept);
    for (size_t c = 0; c < n_pairs; c++)
        add_value(kept, w[2 * c], x + 2 * c * x_block_bytes, AT_ONCE);
    memcpy(sum, kept, sizeof kept);
}

AE_INLINE void store_sum(const ae_panel *p, size_t i, numbers even, numbers odd)
{
    for (int s = 0; s < SIDES; s++) even.s[s] = _mm256_add_ps(even.s[s], odd.s[s]);
    store(p, i, even);
}

/* Rows first .. first + n - 1 of the tile, n = 1 or 2: all their sums stay in registers. */
AE_INLINE void tile_few(const ae_panel *p, size_t first, const size_t n, load_fn *load_two, field w,
                        size_t size)
{
    numbers even[2] = {0}, odd[2] = {0};
    size_t n_pairs = p->n_cols / 2;
    for (size_t c = 0; c < n_pairs; c++) {
        const char *x = p->x + 2 * c * p->x_block_bytes + first * sizeof(float);
        prefetch(p, c, n_pairs, 2 * size);
        two t = load_two(w, c);
        add_value(even, t.even, x, n);
        add_value(odd, t.odd, x + p->x_block_bytes, n);
    }
    for (size_t i = 0; i < n; i++) store_sum(p, first + i, even[i], odd[i]);
}

/* n rows, a multiple of AT_ONCE, pass by a few columns that were widened to floats. */
AE_INLINE void tile_many(const ae_panel *p, size_t n, load_fn *load_two, field w, size_t size)
{
    enum { PAIRS = 32 };
    numbers even[AE_PANEL_TILE] = {0}, odd[AE_PANEL_TILE] = {0}, part[2 * PAIRS];
    size_t n_pairs = p->n_cols / 2, n_now;
    for (size_t c = 0; c < n_pairs; c += n_now) {
        n_now = n_pairs - c < PAIRS ? n_pairs - c : PAIRS;
        for (size_t k = 0; k < n_now; k++) {
            prefetch(p, c + k, n_pairs, 2 * size);
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
    void KERNEL(type)(ae_panel p, size_t n_x)                                                      \
    {                                                                                              \
        field w = field_at(&p, p.w, 0, unit_bytes);                                                \
        size_t n = n_x / AT_ONCE * AT_ONCE;                                                        \
        if (n) tile_many(&p, n, load_##type, w, size);                                             \
        if (n_x & 2) tile_few(&p, n, 2, load_##type, w, size);                                     \
        n += n_x & 2;                                                                              \
        if (n_x & 1) tile_few(&p, n, 1, load_##type, w, size);                                     \
    }
FLOAT_PANEL(f32, sizeof(float), 4)
FLOAT_PANEL(f16, sizeof(uint16_t), 2)
FLOAT_PANEL(bf16, sizeof(uint16_t), 4) /* pairs */
