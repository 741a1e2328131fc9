/* quantize.c - rows in, blocks out: which search and which form serve a type. */
#include "tensor/quantize.h"

#include "tensor/lanes.h"

typedef struct {
    ae_search_fn *search;
    ae_pack_fn *pack;
    ae_form form;
} plan;

/* What a search tries: beyond these the errors hardly fall, and finer steps cost more than they
 * bring. `far` ones are for rows with importance. */
static const ae_ladder near = {-0.6f, 2, 0.3f}, far_3_bits = {-1.2f, 12, 0.4f},
                       far_4_bits = {-1.2f, 24, 0.4f};
static const ae_ladder near_5_bits = {-1.5f, 2, 0.3f}, far_5_bits = {-3, 32, 0.5f};
static const ae_ladder near_6_bits = {-3, 1, 0.4f}, far_6_bits = {-4, 12, 0.6f};
static const ae_ladder near_8_bits = {-10, 0.5f, 0.4f}, far_8_bits = {-20, 32, 0.6f};
static const ae_ladder near_iq4 = {-10, 32, 4.8f}, far_iq4 = {-20, 256, 6};
static const ae_ladder near_line = {-1, 1.5f, 0.5f}, far_line = {-2, 8, 0.5f};
static const ae_ladder near_line_2_bits = {-0.5f, 1.5f, 0.5f}, far_line_2_bits = {0, 8, 0.5f};
static const ae_ladder near_line_5_bits = {-2, 1.5f, 0.5f};

/* Levels, ladders, groups; of superblocks: whether levels are lopsided, scales of groups. */
static const plan plans[] = {
    [AEON_TYPE_Q4_0] = {ae_search_scale, ae_pack_q4_0, {-8, 7, &near, &far_4_bits, 1, false, 0, 0}},
    [AEON_TYPE_Q5_0] = {ae_search_scale,
                        ae_pack_q5_0,
                        {-16, 15, &near_5_bits, &far_5_bits, 1, false, 0, 0}},
    [AEON_TYPE_Q8_0] = {ae_search_scale,
                        ae_pack_q8_0,
                        {-127, 127, &near_8_bits, &far_8_bits, 1, false, 0, 0}},
    [AEON_TYPE_IQ4_NL] = {ae_search_iq4,
                          ae_pack_q4_0,
                          {-127, 113, &near_iq4, &far_iq4, 1, false, 0, 0}},
    [AEON_TYPE_Q4_1] = {ae_search_line,
                        ae_pack_q4_1,
                        {0, 15, &near_line, &far_line, 1, false, 0, 0}},
    [AEON_TYPE_Q5_1] = {ae_search_line,
                        ae_pack_q5_1,
                        {0, 31, &near_line_5_bits, &far_line, 1, false, 0, 0}},
    [AEON_TYPE_Q3_K] = {ae_search_scales,
                        ae_pack_q3_k,
                        {-4, 3, &near, &far_3_bits, 16, true, -32, 31}},
    [AEON_TYPE_Q6_K] = {ae_search_scales,
                        ae_pack_q6_k,
                        {-32, 31, &near_6_bits, &far_6_bits, 16, false, -128, 127}},
    [AEON_TYPE_IQ4_XS] = {ae_search_iq4_scales,
                          ae_pack_iq4_xs,
                          {-127, 113, &near_iq4, &far_iq4, 8, true, -32, 31}},
    [AEON_TYPE_Q2_K] = {ae_search_lines,
                        ae_pack_q2_k,
                        {0, 3, &near_line_2_bits, &far_line_2_bits, 16, false, 0, 15}},
    [AEON_TYPE_Q4_K] = {ae_search_lines,
                        ae_pack_q4_k,
                        {0, 15, &near_line, &far_line, 8, false, 0, 63}},
    [AEON_TYPE_Q5_K] = {ae_search_lines,
                        ae_pack_q5_k,
                        {0, 31, &near_line_5_bits, &far_line, 8, false, 0, 63}},
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

/* The importance of a value, without numbers whose sum would overflow. */
static inline float tame_weight(float w)
{
    return tame(w, 0, 0x1p100f);
}

/* Weights of a block of n values, whose groups of `depth` stand in the lanes from `first` on: 1 on
 * average. What has no importance at all still gets a level near its value. */
static void load_weights(ae_lanes *b, size_t first, const float *importance, size_t n, size_t depth)
{
    float largest = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        float w = tame_weight(importance[i]);
        largest = w > largest ? w : largest;
    }
    float scale = largest > 0x1p-100f ? 1 / largest : 0;
    for (size_t i = 0; i < n; i++) sum += tame_weight(importance[i]) * scale;
    if (sum > 0) scale *= (float)n / sum;
    for (size_t i = 0; i < n; i++)
        b->w[i % depth][first + i / depth] = tame_weight(importance[i]) * scale + 1e-6f;
}

/* Blocks of n values, in groups; lanes that are left over become zeros. */
static void load(ae_lanes *b, const float *x, const float *importance, size_t n_blocks, size_t n,
                 size_t n_groups)
{
    size_t depth = n / n_groups, count = n_blocks * n_groups;
    b->n = (int)depth;
    b->is_weighted = importance != NULL;
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
    size_t n_groups = (size_t)p->form.n_groups;
    size_t at_once = AE_LANES / n_groups, n_blocks = n / t->block_values;
    uint8_t *block = y;
    for (size_t k = 0; k < n_blocks; k += at_once) {
        size_t count = n_blocks - k < at_once ? n_blocks - k : at_once;
        size_t begin = k * t->block_values;
        load(&b, x + begin, importance ? importance + begin : NULL, count, t->block_values,
             n_groups);
        p->search(&b, &p->form, &found);
        for (size_t j = 0; j < count; j++, block += t->block_bytes)
            p->pack(&found, (int)(j * n_groups), block);
    }
}
