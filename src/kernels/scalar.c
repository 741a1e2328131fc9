/* scalar.c - the reference: every entry in plain C, in the order a person would write it.
 *
 * Sums run from the first value to the last in one f32. The file is compiled without contraction
 * into fused multiply-adds, so its results are the same on every machine. */
#include "kernels/isa.h"
#include "kernels/panel.h"

#include <math.h>

AE_INLINE float load_f32(const void *row, size_t i)
{
    float f;
    memcpy(&f, (const char *)row + i * sizeof f, sizeof f);
    return f;
}

AE_INLINE uint16_t load_u16(const void *row, size_t i)
{
    uint16_t h;
    memcpy(&h, (const char *)row + i * sizeof h, sizeof h);
    return h;
}

AE_INLINE float load_f16(const void *row, size_t i)
{
    return ae_f16_to_f32(load_u16(row, i));
}

AE_INLINE float load_bf16(const void *row, size_t i)
{
    return ae_bf16_to_f32(load_u16(row, i));
}

/* ---- dot products: one weight row and one activation row --------------------------------------*/

#define DOT_FLOAT(name, load)                                                                      \
    static float row_##name(const void *w, const void *x, size_t n_cols)                           \
    {                                                                                              \
        const float *a = x;                                                                        \
        float sum = 0;                                                                             \
        for (size_t c = 0; c < n_cols; c++) sum += load(w, c) * a[c];                              \
        return sum;                                                                                \
    }
DOT_FLOAT(f32, load_f32)
DOT_FLOAT(f16, load_f16)
DOT_FLOAT(bf16, load_bf16)

static float row_q8_0(const void *w, const void *x, size_t n_cols)
{
    const ae_block_q8_0 *b = w;
    const ae_act_q8 *a = x;
    float sum = 0;
    for (; n_cols > 0; n_cols -= AE_BLOCK, b++, a++) {
        int32_t dot = 0;
        for (int i = 0; i < AE_BLOCK; i++) dot += b->qs[i] * a->q[i];
        sum += ae_f16_to_f32(b->d) * a->d * (float)dot;
    }
    return sum;
}

static float row_q4_0(const void *w, const void *x, size_t n_cols)
{
    enum { HALF = AE_BLOCK / 2 };
    const ae_block_q4_0 *b = w;
    const ae_act_q8 *a = x;
    float sum = 0;
    for (; n_cols > 0; n_cols -= AE_BLOCK, b++, a++) {
        int32_t dot = 0;
        for (int i = 0; i < HALF; i++) {
            dot += (b->qs[i] & 15) * a->q[i];
            dot += (b->qs[i] >> 4) * a->q[i + HALF];
        }
        sum += ae_f16_to_f32(b->d) * a->d * (float)(dot - 8 * ae_act_sum(a));
    }
    return sum;
}

static float row_q4_k(const void *w, const void *x, size_t n_cols)
{
    const ae_block_q4_k *b = w;
    const ae_act_q8 *a = x;
    float sum = 0;
    for (; n_cols > 0; n_cols -= AE_SUPERBLOCK, b++) {
        float d = ae_f16_to_f32(b->d), dmin = ae_f16_to_f32(b->dmin);
        uint8_t scale[8], min[8];
        ae_k_scales(b->scales, scale, min);
        for (int g = 0; g < 8; g++, a++) {
            const uint8_t *qs = b->qs + g / 2 * AE_BLOCK;
            int32_t dot = 0;
            for (int i = 0; i < AE_BLOCK; i++) dot += (qs[i] >> g % 2 * 4 & 15) * a->q[i];
            sum += d * (float)scale[g] * a->d * (float)dot;
            sum -= dmin * (float)min[g] * a->d * (float)ae_act_sum(a);
        }
    }
    return sum;
}

static float row_q6_k(const void *w, const void *x, size_t n_cols)
{
    const ae_block_q6_k *b = w;
    const ae_act_q8 *a = x;
    float sum = 0;
    for (; n_cols > 0; n_cols -= AE_SUPERBLOCK, b++) {
        float d = ae_f16_to_f32(b->d);
        for (int g = 0; g < 8; g++, a++) { /* 32 values, which have two scales */
            const uint8_t *ql = b->ql + g / 4 * 64 + g % 2 * 32, *qh = b->qh + g / 4 * 32;
            int32_t dot = 0;
            for (int i = 0; i < AE_BLOCK; i++) {
                int low = ql[i] >> g % 4 / 2 * 4 & 15, high = qh[i] >> g % 4 * 2 & 3;
                dot += b->scales[2 * g + i / 16] * ((low | high << 4) - 32) * a->q[i];
            }
            sum += d * a->d * (float)dot;
        }
    }
    return sum;
}

/* Groups of so many values; n_cols is a multiple. */
AE_INLINE float row_affine(const void *w, const void *x, size_t n_cols, const size_t bits,
                           const size_t group, const bool is_bf16)
{
    const ae_act_q8 *a = x;
    float sum = 0;
    for (; n_cols > 0; n_cols -= group, w = (const char *)w + AE_AFFINE_BYTES(bits, group)) {
        const uint8_t *qs = ((const ae_affine *)w)->qs;
        float s = is_bf16 ? load_bf16(w, 0) : load_f16(w, 0);
        float b = is_bf16 ? load_bf16(w, 1) : load_f16(w, 1);
        for (size_t g = 0; g < group; g += AE_BLOCK, qs += AE_BLOCK * bits / 8, a++) {
            int32_t dot = 0;
            for (int i = 0; i < AE_BLOCK; i++)
                dot += (bits == 8 ? qs[i] : qs[i % 16] >> i / 16 * 4 & 15) * a->q[i];
            sum += s * a->d * (float)dot;
            sum += b * a->d * (float)ae_act_sum(a);
        }
    }
    return sum;
}

#define ROW_AFFINE(none, TYPE, name, bits, group, is_bf16)                                         \
    static float row_##name(const void *w, const void *x, size_t n_cols)                           \
    {                                                                                              \
        return row_affine(w, x, n_cols, bits, group, is_bf16);                                     \
    }
AE_AFFINE_TYPES(ROW_AFFINE, )

/* ---- panels: a block at a time, taken out of its lane -----------------------------------------*/

enum { MAX_BLOCK_BYTES = 512, MAX_BLOCK_UNITS = AE_SUPERBLOCK / AE_ACT_BLOCK };

typedef float row_fn(const void *w, const void *x, size_t n_cols);

/* How a type is cut: n_cols values of a block and of as many activations, in n_units units. */
typedef struct {
    aeon_type type;
    row_fn *row;
    size_t n_cols, block_bytes, n_units, unit_bytes;
} block_kind;

/* y = the sum over the blocks of one lane, for one row of the tile. */
static float panel_row(const ae_panel *p, const block_kind *k, size_t lane, size_t i)
{
    char block[MAX_BLOCK_BYTES];
    ae_act_q8 acts[MAX_BLOCK_UNITS];
    float sum = 0;
    for (size_t b = 0; b < p->n_cols / k->n_cols; b++) {
        ae_panel_row(block, k->type, p->w_lanes, p->w + b * p->w_lanes * k->block_bytes, lane,
                     k->n_cols);
        for (size_t u = 0; u < k->n_units; u++)
            memcpy((char *)acts + u * k->unit_bytes,
                   p->x + (b * k->n_units + u) * p->x_block_bytes + i * k->unit_bytes,
                   k->unit_bytes);
        sum += k->row(block, acts, k->n_cols);
    }
    return sum;
}

static void multiply_panel(const ae_panel *p, const block_kind *k, size_t n_x)
{
    for (size_t i = 0; i < n_x; i++)
        for (size_t r = 0; r < p->n_rows; r++)
            p->y[i * p->y_stride + r] =
                (p->adds ? p->y[i * p->y_stride + r] : 0) + panel_row(p, k, p->w_lane + r, i);
}

#define PANEL_ENTRY(TYPE, name, n_cols, block_bytes, n_units, unit_bytes)                          \
    static void panel_##name(ae_panel p, size_t n_x)                                               \
    {                                                                                              \
        static const block_kind kind = {AEON_TYPE_##TYPE, row_##name, n_cols,                      \
                                        block_bytes,      n_units,    unit_bytes};                 \
        multiply_panel(&p, &kind, n_x);                                                            \
    }
#define BLOCK_ENTRY(TYPE, name, n_cols)                                                            \
    PANEL_ENTRY(TYPE, name, n_cols, sizeof(ae_block_##name), n_cols / AE_ACT_BLOCK,                \
                sizeof(ae_act_q8))
PANEL_ENTRY(F32, f32, 2, 2 * sizeof(float), 2, sizeof(float))
PANEL_ENTRY(F16, f16, 2, 2 * sizeof(uint16_t), 2, sizeof(float))
PANEL_ENTRY(BF16, bf16, 2, 2 * sizeof(uint16_t), 2, sizeof(float))
BLOCK_ENTRY(Q8_0, q8_0, AE_BLOCK)
BLOCK_ENTRY(Q4_0, q4_0, AE_BLOCK)
BLOCK_ENTRY(Q4_K, q4_k, AE_SUPERBLOCK)
BLOCK_ENTRY(Q6_K, q6_k, AE_SUPERBLOCK)
#define AFFINE_ENTRY(none, TYPE, name, bits, group, is_bf16)                                       \
    PANEL_ENTRY(TYPE, name, group, AE_AFFINE_BYTES(bits, group), (group) / AE_ACT_BLOCK,           \
                sizeof(ae_act_q8))
AE_AFFINE_TYPES(AFFINE_ENTRY, )

/* ---- rows of activations --------------------------------------------------------------------- */

static void quantize_act(ae_act_q8 *y, const float *x, size_t n)
{
    for (; n > 0; n -= AE_ACT_BLOCK, x += AE_ACT_BLOCK, y++) {
        uint32_t max_bits = 0;
        for (int i = 0; i < AE_ACT_BLOCK; i++) {
            uint32_t bits = ae_bits_of_float(x[i]) & 0x7fffffff;
            if (bits > max_bits) max_bits = bits;
        }
        float inverse;
        y->d = ae_act_scale(max_bits, &inverse);
        y->minus_sum[0] = y->minus_sum[1] = 0;
        for (int i = 0; i < AE_ACT_BLOCK; i++) {
            y->q[i] = inverse != 0 ? (int8_t)nearbyintf(x[i] * inverse) : 0;
            y->minus_sum[i / 16] = (int16_t)(y->minus_sum[i / 16] - y->q[i]);
        }
    }
}

static void rms_norm(float *y, const float *x, const float *w, size_t n, float eps)
{
    float sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
    float scale = 1 / sqrtf(sum / (float)n + eps);
    for (size_t i = 0; i < n; i++) y[i] = x[i] * scale * w[i];
}

static float exp_f32(float x)
{
    if (x < AE_EXP_MIN) return 0;
    if (x > AE_EXP_MAX) x = AE_EXP_MAX;
    if (x != x) return x;
    float k = nearbyintf(x * AE_EXP_LOG2E);
    float r = x - k * AE_EXP_LN2_HIGH - k * AE_EXP_LN2_LOW;
    float p = AE_EXP_P4;
    p = p * r + AE_EXP_P3;
    p = p * r + AE_EXP_P2;
    p = p * r + AE_EXP_P1;
    p = p * r + AE_EXP_P0;
    p = p * (r * r) + r + 1;
    return p * ae_float_of_bits((uint32_t)((int)k + 127) << 23);
}

static void swiglu(float *y, const float *gate, const float *up, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] = gate[i] / (1 + exp_f32(-gate[i])) * up[i];
}

static float softmax_part(float *x, size_t n, float *max)
{
    float top = *max, sum = 0;
    for (size_t i = 0; i < n; i++) top = x[i] > top ? x[i] : top;
    for (size_t i = 0; i < n; i++) {
        x[i] = exp_f32(x[i] - top);
        sum += x[i];
    }
    *max = top;
    return sum;
}

static void add(float *y, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) y[i] += x[i];
}

static void f32_to_f16(const float *x, void *y, size_t n)
{
    ae_dtype_get(AEON_TYPE_F16)->from_f32(x, y, n);
}

static void f32_to_bf16(const float *x, void *y, size_t n)
{
    ae_dtype_get(AEON_TYPE_BF16)->from_f32(x, y, n);
}

static void q8_0_to_f32(const void *x, float *y, size_t n)
{
    ae_dtype_get(AEON_TYPE_Q8_0)->to_f32(x, y, n);
}

/* ---- peaks ----------------------------------------------------------------------------------- */

enum { PEAK_WIDTH = 64 };

static uint64_t peak_f32(uint64_t n_rounds)
{
    float sum[PEAK_WIDTH] = {0}, a = 0.5f, b = 0.25f;
    for (uint64_t i = 0; i < n_rounds; i++)
        for (int j = 0; j < PEAK_WIDTH; j++) sum[j] = sum[j] * a + b;
    __asm__ volatile("" : : "r"(sum) : "memory"); /* the sums count as used */
    return n_rounds * PEAK_WIDTH;
}

static uint64_t peak_int8(uint64_t n_rounds)
{
    int8_t a[PEAK_WIDTH] = {1}, b[PEAK_WIDTH] = {2};
    for (uint64_t i = 0; i < n_rounds; i++) {
        __asm__ volatile("" : : "r"(a), "r"(b) : "memory"); /* and a, b may have changed */
        int32_t dot = 0;
        for (int j = 0; j < PEAK_WIDTH; j++) dot += a[j] * b[j];
        __asm__ volatile("" : : "r"(dot));
    }
    return n_rounds * PEAK_WIDTH;
}

#define AFFINE_PANEL(none, TYPE, name, bits, group, is_bf16)                                       \
    [AEON_TYPE_##TYPE] = {panel_##name, AE_ACT_Q8},

const ae_kernels ae_kernels_scalar = {
    .isa = "scalar",
    AE_KERNELS_ENTRIES,
    .n_lanes = 1,
    .panel = {[AEON_TYPE_F32] = {panel_f32, AE_ACT_F32},
              [AEON_TYPE_F16] = {panel_f16, AE_ACT_F32},
              [AEON_TYPE_BF16] = {panel_bf16, AE_ACT_F32},
              [AEON_TYPE_Q8_0] = {panel_q8_0, AE_ACT_Q8},
              [AEON_TYPE_Q4_0] = {panel_q4_0, AE_ACT_Q8},
              [AEON_TYPE_Q4_K] = {panel_q4_k, AE_ACT_Q8},
              [AEON_TYPE_Q6_K] = {panel_q6_k, AE_ACT_Q8},
              AE_AFFINE_TYPES(AFFINE_PANEL, )},
};
