/* quantize.c - rows in, blocks out: which search serves which type, and the search for the scales
 * of blocks of 32 values. */
#include "tensor/quantize.h"

#include "tensor/lanes.h"

#include <string.h>

/* ---- search ---------------------------------------------------------------------------------- */

typedef struct {
    ae_lane d, m, error;
} line;

static const ae_lane zeros;

AE_CLONED_INLINE void start(line *best)
{
    AE_EACH_LANE(l)
    {
        best->d[l] = best->m[l] = 0;
        best->error[l] = INFINITY;
    }
}

AE_CLONED_INLINE void keep_better(line *best, const ae_lane d, const ae_lane m, const ae_lane error)
{
    AE_EACH_LANE(l)
    {
        bool is_better = error[l] < best->error[l];
        best->d[l] = is_better ? d[l] : best->d[l];
        best->m[l] = is_better ? m[l] : best->m[l];
        best->error[l] = is_better ? error[l] : best->error[l];
    }
}

AE_CLONES static void search_scale(const ae_lanes *b, float low, float high, ae_found *out)
{
    line best;
    ae_lane least, most, d, error, fit;
    ae_find_range(b, AE_BLOCK, least, most);
    start(&best);
    for (int k = 0; k < 16; k++) {
        float steps = (k & 1 ? high : -low) + 0.25f * (float)(k / 2 - 2);
        AE_EACH_LANE(l)
        {
            float extreme = most[l] > -least[l] ? most[l] : least[l];
            d[l] = extreme / (k & 1 ? steps : -steps);
        }
        ae_fit_scale(b, AE_BLOCK, low, high, d, error, fit);
        keep_better(&best, d, zeros, error);
        ae_fit_scale(b, AE_BLOCK, low, high, fit, error, d);
        keep_better(&best, fit, zeros, error);
    }
    AE_EACH_LANE(l) out->d[l] = ae_as_f16(best.d[l]);
    ae_choose_levels(b, AE_BLOCK, low, high, out->d, zeros, out->q);
}

AE_CLONES static void search_line(const ae_lanes *b, float low, float top, ae_found *out)
{
    line best;
    ae_lane least, most, d, m, error, fit_d, fit_m;
    ae_find_range(b, AE_BLOCK, least, most);
    start(&best);
    for (int k = 0; k < 8; k++) {
        AE_EACH_LANE(l)
        {
            d[l] = (most[l] - least[l]) / (top + 0.25f * (float)(k - 2));
            m[l] = least[l];
        }
        ae_fit_line(b, top, d, m, error, fit_d, fit_m);
        keep_better(&best, d, m, error);
        ae_fit_line(b, top, fit_d, fit_m, error, d, m);
        keep_better(&best, fit_d, fit_m, error);
    }
    AE_EACH_LANE(l)
    {
        out->d[l] = ae_as_f16(best.d[l]);
        out->m[l] = ae_as_f16(best.m[l]);
    }
    ae_choose_levels(b, AE_BLOCK, low, top, out->d, out->m, out->q);
}

/* The level of IQ4_NL nearest to v: how many of the middles between levels lie below it. */
AE_CLONED_INLINE int nearest_iq4(float v)
{
    int q = 0;
    for (int k = 0; k < 15; k++)
        q += v > 0.5f * (float)(ae_iq4_values[k] + ae_iq4_values[k + 1]) ? 1 : 0;
    return q;
}

AE_CLONES static void search_iq4(const ae_lanes *b, float low, float high, ae_found *out)
{
    line best;
    ae_lane least, most, d, error;
    ae_find_range(b, AE_BLOCK, least, most);
    start(&best);
    for (int k = 0; k < 16; k++) {
        AE_EACH_LANE(l)
        {
            float extreme = most[l] > -least[l] ? most[l] : least[l];
            d[l] = extreme / ((k & 1 ? high : low) * (1 + 0.03f * (float)(k / 2 - 2)));
        }
        AE_EACH_LANE(l)
        {
            float inverse = ae_inverse(d[l]), e = 0;
            for (int i = 0; i < AE_BLOCK; i++) {
                float x = b->x[i][l], w = b->w[i][l];
                float q = (float)ae_iq4_values[nearest_iq4(x * inverse)], r = x - d[l] * q;
                e += w * r * r;
            }
            error[l] = e;
        }
        keep_better(&best, d, zeros, error);
    }
    AE_EACH_LANE(l)
    {
        out->d[l] = ae_as_f16(best.d[l]);
        float inverse = ae_inverse(out->d[l]);
        for (int i = 0; i < AE_BLOCK; i++)
            out->q[i][l] = (uint8_t)nearest_iq4(b->x[i][l] * inverse);
    }
}

/* ---- packing: lanes from `first` on become the block at y ------------------------------------ */

typedef void pack_fn(const ae_found *f, int first, void *y);

/* Low and high halves of bytes: levels of lane l from value i on, and those `apart` values later.
 */
static void pack_nibbles(const ae_found *f, int l, uint8_t qs[AE_BLOCK / 2])
{
    for (int i = 0; i < AE_BLOCK / 2; i++)
        qs[i] = (uint8_t)((f->q[i][l] & 15) | (f->q[i + AE_BLOCK / 2][l] & 15) << 4);
}

static uint32_t fifth_bits(const ae_found *f, int l)
{
    uint32_t bits = 0;
    for (int i = 0; i < AE_BLOCK; i++) bits |= (uint32_t)(f->q[i][l] >> 4) << i;
    return bits;
}

static void pack_q4_0(const ae_found *f, int l, void *y)
{
    ae_block_q4_0 *b = y;
    b->d = ae_f32_to_f16(f->d[l]);
    pack_nibbles(f, l, b->qs);
}

static void pack_q4_1(const ae_found *f, int l, void *y)
{
    ae_block_q4_1 *b = y;
    b->d = ae_f32_to_f16(f->d[l]);
    b->m = ae_f32_to_f16(f->m[l]);
    pack_nibbles(f, l, b->qs);
}

static void pack_q5_0(const ae_found *f, int l, void *y)
{
    ae_block_q5_0 *b = y;
    b->d = ae_f32_to_f16(f->d[l]);
    b->qh = fifth_bits(f, l);
    pack_nibbles(f, l, b->qs);
}

static void pack_q5_1(const ae_found *f, int l, void *y)
{
    ae_block_q5_1 *b = y;
    b->d = ae_f32_to_f16(f->d[l]);
    b->m = ae_f32_to_f16(f->m[l]);
    b->qh = fifth_bits(f, l);
    pack_nibbles(f, l, b->qs);
}

static void pack_q8_0(const ae_found *f, int l, void *y)
{
    ae_block_q8_0 *b = y;
    b->d = ae_f32_to_f16(f->d[l]);
    for (int i = 0; i < AE_BLOCK; i++) b->qs[i] = (int8_t)(f->q[i][l] - 127);
}

/* The tables of ae_k_scales, backwards. */
static void pack_k_scales(const ae_found *f, int first, uint8_t packed[AE_K_SCALES])
{
    const int8_t *s = f->scale + first;
    const uint8_t *m = f->min + first;
    for (int j = 0; j < 4; j++) {
        packed[j] = (uint8_t)(s[j] | s[j + 4] >> 4 << 6);
        packed[j + 4] = (uint8_t)(m[j] | m[j + 4] >> 4 << 6);
        packed[j + 8] = (uint8_t)((s[j + 4] & 15) | (m[j + 4] & 15) << 4);
    }
}

static void pack_q4_k(const ae_found *f, int first, void *y)
{
    ae_block_q4_k *b = y;
    b->d = ae_f32_to_f16(f->d[first]);
    b->dmin = ae_f32_to_f16(f->m[first]);
    pack_k_scales(f, first, b->scales);
    for (int i = 0; i < AE_SUPERBLOCK / 2; i++) {
        const uint8_t *q = &f->q[i % 32][first + i / 32 * 2];
        b->qs[i] = (uint8_t)(q[0] | q[1] << 4);
    }
}

static void pack_q5_k(const ae_found *f, int first, void *y)
{
    ae_block_q5_k *b = y;
    b->d = ae_f32_to_f16(f->d[first]);
    b->dmin = ae_f32_to_f16(f->m[first]);
    pack_k_scales(f, first, b->scales);
    for (int i = 0; i < AE_SUPERBLOCK / 2; i++) {
        const uint8_t *q = &f->q[i % 32][first + i / 32 * 2];
        b->qs[i] = (uint8_t)((q[0] & 15) | (q[1] & 15) << 4);
    }
    for (int i = 0; i < 32; i++) {
        int bits = 0;
        for (int g = 0; g < 8; g++) bits |= f->q[i][first + g] >> 4 << g;
        b->qh[i] = (uint8_t)bits;
    }
}

static void pack_q6_k(const ae_found *f, int first, void *y)
{
    ae_block_q6_k *b = y;
    b->d = ae_f32_to_f16(f->d[first]);
    memcpy(b->scales, f->scale + first, sizeof b->scales);
    for (int i = 0; i < AE_SUPERBLOCK / 2; i++) {
        int at = i / 64 * 128 + i % 64; /* value, and its partner 64 later: four groups */
        const uint8_t *q = &f->q[at % 16][first + at / 16];
        b->ql[i] = (uint8_t)((q[0] & 15) | (q[4] & 15) << 4);
    }
    for (int i = 0; i < AE_SUPERBLOCK / 4; i++) {
        int at = i / 32 * 128 + i % 32;
        const uint8_t *q = &f->q[at % 16][first + at / 16];
        b->qh[i] = (uint8_t)(q[0] >> 4 | q[2] >> 4 << 2 | q[4] >> 4 << 4 | q[6] >> 4 << 6);
    }
}

/* ---- rows ------------------------------------------------------------------------------------ */

typedef struct {
    ae_search_fn *search;
    pack_fn *pack;
    float low, high;
    size_t n_groups; /* of a block; a lane is a group */
} plan;

static const plan plans[] = {
    [AEON_TYPE_Q4_0] = {search_scale, pack_q4_0, -8, 7, 1},
    [AEON_TYPE_Q4_1] = {search_line, pack_q4_1, 0, 15, 1},
    [AEON_TYPE_Q5_0] = {search_scale, pack_q5_0, -16, 15, 1},
    [AEON_TYPE_Q5_1] = {search_line, pack_q5_1, 0, 31, 1},
    [AEON_TYPE_Q8_0] = {search_scale, pack_q8_0, -127, 127, 1},
    [AEON_TYPE_Q4_K] = {ae_search_k, pack_q4_k, 0, 15, 8},
    [AEON_TYPE_Q5_K] = {ae_search_k, pack_q5_k, 0, 31, 8},
    [AEON_TYPE_Q6_K] = {ae_search_q6_k, pack_q6_k, -32, 31, 16},
    [AEON_TYPE_IQ4_NL] = {search_iq4, pack_q4_0, -127, 113, 1},
};

static const plan *find_plan(aeon_type type)
{
    return (size_t)type < sizeof plans / sizeof *plans && plans[type].search ? &plans[type] : NULL;
}

/* x within [low, high]; NaN becomes 0. */
static inline float tame(float x, float low, float high)
{
    x = x < high ? x : x >= high ? high : 0;
    return x > low ? x : low;
}

/* Weights of the n values of block k in groups of `depth`: 1 on average. What has no importance at
 * all still gets a level near its value. */
static void load_weights(ae_lanes *b, size_t first, const float *importance, size_t n, size_t depth)
{
    float largest = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        float w = tame(importance[i], 0, 0x1p100f);
        largest = w > largest ? w : largest;
    }
    float scale = largest > 0 ? 1 / largest : 0;
    for (size_t i = 0; i < n; i++) sum += tame(importance[i], 0, 0x1p100f) * scale;
    float inverse_mean = sum > 0 ? (float)n / sum : 0;
    for (size_t i = 0; i < n; i++) {
        float w = tame(importance[i], 0, 0x1p100f) * scale * inverse_mean;
        b->w[i % depth][first + i / depth] = w + 1e-6f;
    }
}

/* Blocks of n values, in groups; lanes that are left over become zeros. */
static void load(ae_lanes *b, const float *x, const float *importance, size_t n_blocks, size_t n,
                 size_t n_groups)
{
    size_t depth = n / n_groups, count = n_blocks * n_groups;
    for (size_t l = 0; l < AE_LANES; l++) {
        for (size_t i = 0; i < depth; i++) {
            b->x[i][l] = l < count ? tame(x[l * depth + i], -1e9f, 1e9f) : 0;
            b->w[i][l] = 1;
        }
    }
    for (size_t k = 0; importance && k < n_blocks; k++)
        load_weights(b, k * n_groups, importance + k * n, n, depth);
}

bool ae_quantize_has(aeon_type type)
{
    return find_plan(type) || type == AEON_TYPE_F32 || type == AEON_TYPE_F16 ||
           type == AEON_TYPE_BF16;
}

void ae_quantize_row(aeon_type type, const float *x, const float *importance, void *y, size_t n)
{
    const ae_dtype *t = ae_dtype_get(type);
    const plan *p = find_plan(type);
    if (!p) {
        AEON_ASSERT(t->block_values == 1);
        t->from_f32(x, y, n);
        return;
    }
    ae_lanes b;
    ae_found found = {0};
    size_t at_once = AE_LANES / p->n_groups, n_blocks = n / t->block_values;
    uint8_t *block = y;
    for (size_t k = 0; k < n_blocks; k += at_once) {
        size_t count = n_blocks - k < at_once ? n_blocks - k : at_once;
        size_t begin = k * t->block_values;
        load(&b, x + begin, importance ? importance + begin : NULL, count, t->block_values,
             p->n_groups);
        p->search(&b, p->low, p->high, &found);
        for (size_t j = 0; j < count; j++, block += t->block_bytes)
            p->pack(&found, (int)(j * p->n_groups), block);
    }
}
