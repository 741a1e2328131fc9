/* neon_panel_float.c - panels of floats: the sums of up to 8 activation rows stay in registers
 * while the weights pass. A lane takes the values of its row in order; with pairs of bf16, its
 * pairs. */
#include "kernels/arm/neon_panel.h"

enum { SIDES = AE_NEON_SIDES, FOUR = 4 };

/* Unrolled, it leaves the sums in registers, in the loops before it too. */
AE_INLINE void store_sums(const ae_panel *p, size_t first, const ae_neon_rows sum[], const size_t n)
{
#pragma GCC unroll 8
    for (size_t i = 0; i < n; i++) ae_neon_store(p, first + i, sum[i]);
}

/* ---- products of f32 ------------------------------------------------------------------------- */

/* Weight times the values of n activation rows, which lie side by side; n is a constant. */
AE_INLINE void add_value(ae_neon_rows sum[], ae_neon_rows w, const char *x, const size_t n)
{
    for (size_t i = 0; i < n; i++) {
        float a;
        memcpy(&a, x + i * sizeof a, sizeof a);
        for (int s = 0; s < SIDES; s++) sum[i].s[s] = vfmaq_n_f32(sum[i].s[s], w.s[s], a);
    }
}

/* Values 2c and 2c + 1 of each row. */
typedef struct {
    ae_neon_rows even, odd;
} two;

typedef two load_fn(ae_neon_field f, size_t c);

AE_INLINE two load_f32(ae_neon_field f, size_t c)
{
    two w;
    for (size_t s = 0; s < SIDES; s++) {
        w.even.s[s] = vreinterpretq_f32_u8(ae_neon_load(f, 2 * c, s));
        w.odd.s[s] = vreinterpretq_f32_u8(ae_neon_load(f, 2 * c + 1, s));
    }
    return w;
}

AE_INLINE two load_f16(ae_neon_field f, size_t c)
{
    return (two){ae_neon_halves(f, 2 * c), ae_neon_halves(f, 2 * c + 1)};
}

/* Rows first .. first+n-1 of the tile; n is a constant. size: bytes of a value; unit_bytes: of what
 * stands together in a lane. */
AE_INLINE void part_float(const ae_panel *p, size_t first, const size_t n, load_fn *load_two,
                          const size_t size, const size_t unit_bytes)
{
    ae_neon_rows sum[AE_PANEL_PART] = {0};
    ae_neon_field f = ae_neon_field_at(p, p->w, 0, unit_bytes);
    const char *x = p->x + first * sizeof(float);
    for (size_t c = 0; c < p->n_cols / 2; c++) {
        ae_neon_prefetch(p, c, p->n_cols / 2, 2 * size);
        two w = load_two(f, c);
        add_value(sum, w.even, x + 2 * c * p->x_block_bytes, n);
        add_value(sum, w.odd, x + (2 * c + 1) * p->x_block_bytes, n);
    }
    store_sums(p, first, sum, n);
}

#define FLOAT_PANEL(type, size, unit_bytes)                                                        \
    AE_INLINE void part_##type(const ae_panel *p, size_t first, const size_t n)                    \
    {                                                                                              \
        part_float(p, first, n, load_##type, size, unit_bytes);                                    \
    }                                                                                              \
    AE_PANEL_PARTS(AE_NEON(type), part_##type)
FLOAT_PANEL(f32, sizeof(float), sizeof(float))
FLOAT_PANEL(f16, sizeof(uint16_t), sizeof(uint16_t))

/* ---- bf16: by pairs where the processor multiplies them, else as f32 ---------------------------
 */

#ifdef __ARM_FEATURE_BF16_VECTOR_ARITHMETIC

/* A pair of weights of each row, times the pairs of n activation rows. */
AE_INLINE void add_pair(ae_neon_rows sum[], const bfloat16x8_t w[SIDES], const char *x,
                        const size_t n)
{
    size_t i = 0;
    for (; i + FOUR <= n; i += FOUR) {
        bfloat16x8_t a = vreinterpretq_bf16_u8(vld1q_u8((const uint8_t *)x + i * sizeof(uint32_t)));
        for (int s = 0; s < SIDES; s++) {
            sum[i].s[s] = vbfdotq_laneq_f32(sum[i].s[s], w[s], a, 0);
            sum[i + 1].s[s] = vbfdotq_laneq_f32(sum[i + 1].s[s], w[s], a, 1);
            sum[i + 2].s[s] = vbfdotq_laneq_f32(sum[i + 2].s[s], w[s], a, 2);
            sum[i + 3].s[s] = vbfdotq_laneq_f32(sum[i + 3].s[s], w[s], a, 3);
        }
    }
    for (; i < n; i++) {
        bfloat16x8_t a = vreinterpretq_bf16_u32(vdupq_n_u32(ae_four(x + i * sizeof(uint32_t))));
        for (int s = 0; s < SIDES; s++) sum[i].s[s] = vbfdotq_f32(sum[i].s[s], w[s], a);
    }
}

AE_INLINE void part_bf16(const ae_panel *p, size_t first, const size_t n)
{
    ae_neon_rows sum[AE_PANEL_PART] = {0};
    ae_neon_field f = ae_neon_field_at(p, p->w, 0, sizeof(uint32_t));
    const char *x = p->x + first * sizeof(uint32_t);
    for (size_t c = 0; c < p->n_cols / 2; c++) {
        bfloat16x8_t w[SIDES];
        ae_neon_prefetch(p, c, p->n_cols / 2, sizeof(uint32_t));
        for (size_t s = 0; s < SIDES; s++) w[s] = vreinterpretq_bf16_u8(ae_neon_load(f, c, s));
        add_pair(sum, w, x + c * p->x_block_bytes, n);
    }
    store_sums(p, first, sum, n);
}

AE_PANEL_PARTS(AE_NEON(bf16), part_bf16)

enum { CHAINS = 16 }; /* hide the latency of four units */

uint64_t AE_NEON(peak_bf16)(uint64_t n_rounds)
{
    float32x4_t sum[CHAINS] = {0};
    bfloat16x8_t a = vreinterpretq_bf16_u16(vdupq_n_u16(0x3f01));
    bfloat16x8_t b = vreinterpretq_bf16_u16(vdupq_n_u16(0x3e81));
    for (uint64_t i = 0; i < n_rounds; i++)
        for (int j = 0; j < CHAINS; j++) {
            sum[j] = vbfmmlaq_f32(sum[j], a, b);
            __asm__ volatile("" : "+w"(sum[j]));
        }
    return n_rounds * CHAINS * 16;
}

#else

AE_INLINE two load_bf16(ae_neon_field f, size_t c)
{
    const uint32x4_t upper = vdupq_n_u32(0xffff0000u);
    two w;
    for (size_t s = 0; s < SIDES; s++) {
        uint32x4_t pair = vreinterpretq_u32_u8(ae_neon_load(f, c, s));
        w.even.s[s] = vreinterpretq_f32_u32(vshlq_n_u32(pair, 16));
        w.odd.s[s] = vreinterpretq_f32_u32(vandq_u32(pair, upper));
    }
    return w;
}

FLOAT_PANEL(bf16, sizeof(uint16_t), sizeof(uint32_t))

#endif
