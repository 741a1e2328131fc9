/* quants.c - rows of the plain block types: 32 values with one scale. */
#include "tensor/blocks.h"
#include "tensor/dtype.h"
#include "tensor/rows.h"

#include <math.h>

enum { HALF = AE_BLOCK / 2 };

/* ---- to f32 ---------------------------------------------------------------------------------- */

void ae_q4_0_row_to_f32(const void *x, float *y, size_t n)
{
    const ae_block_q4_0 *b = x;
    for (; n > 0; n -= AE_BLOCK, y += AE_BLOCK, b++) {
        float d = ae_f16_to_f32(b->d);
        for (int i = 0; i < HALF; i++) {
            y[i] = d * (float)((b->qs[i] & 15) - 8);
            y[i + HALF] = d * (float)((b->qs[i] >> 4) - 8);
        }
    }
}

void ae_q4_1_row_to_f32(const void *x, float *y, size_t n)
{
    const ae_block_q4_1 *b = x;
    for (; n > 0; n -= AE_BLOCK, y += AE_BLOCK, b++) {
        float d = ae_f16_to_f32(b->d), m = ae_f16_to_f32(b->m);
        for (int i = 0; i < HALF; i++) {
            y[i] = d * (float)(b->qs[i] & 15) + m;
            y[i + HALF] = d * (float)(b->qs[i] >> 4) + m;
        }
    }
}

/* Value i of 32: four bits from qs, the fifth from qh. */
static inline int five_bits(const uint8_t qs[HALF], uint32_t qh, int i)
{
    int low = i < HALF ? qs[i] & 15 : qs[i - HALF] >> 4;
    return low | (int)(qh >> i & 1) << 4;
}

void ae_q5_0_row_to_f32(const void *x, float *y, size_t n)
{
    const ae_block_q5_0 *b = x;
    for (; n > 0; n -= AE_BLOCK, y += AE_BLOCK, b++) {
        float d = ae_f16_to_f32(b->d);
        for (int i = 0; i < AE_BLOCK; i++) y[i] = d * (float)(five_bits(b->qs, b->qh, i) - 16);
    }
}

void ae_q5_1_row_to_f32(const void *x, float *y, size_t n)
{
    const ae_block_q5_1 *b = x;
    for (; n > 0; n -= AE_BLOCK, y += AE_BLOCK, b++) {
        float d = ae_f16_to_f32(b->d), m = ae_f16_to_f32(b->m);
        for (int i = 0; i < AE_BLOCK; i++) y[i] = d * (float)five_bits(b->qs, b->qh, i) + m;
    }
}

void ae_q8_0_row_to_f32(const void *x, float *y, size_t n)
{
    const ae_block_q8_0 *b = x;
    for (; n > 0; n -= AE_BLOCK, y += AE_BLOCK, b++) {
        float d = ae_f16_to_f32(b->d);
        for (int i = 0; i < AE_BLOCK; i++) y[i] = d * (float)b->qs[i];
    }
}

/* ---- from f32 -------------------------------------------------------------------------------- */

/* v cut to an integer in [low, high]; NaN gives low. A plain cast would be undefined for it. */
static inline int clamp_to_int(float v, int low, int high)
{
    if (!(v > (float)low)) return low;
    return v < (float)high ? (int)v : high;
}

/* The value of largest magnitude, with its sign; 0 if there are only zeros and NaN. */
static inline float extreme(const float x[AE_BLOCK])
{
    float best = 0;
    for (int i = 0; i < AE_BLOCK; i++) {
        if (fabsf(x[i]) > fabsf(best)) best = x[i];
    }
    return best;
}

/* The extreme value becomes level 0, which stands for -8, the longer end of the range. */
void ae_q4_0_row_from_f32(const float *x, void *y, size_t n)
{
    ae_block_q4_0 *b = y;
    for (; n > 0; n -= AE_BLOCK, x += AE_BLOCK, b++) {
        float d = extreme(x) / -8, inverse = d != 0 ? 1 / d : 0;
        b->d = ae_f32_to_f16(d);
        for (int i = 0; i < HALF; i++) {
            int low = clamp_to_int(x[i] * inverse + 8.5f, 0, 15);
            int high = clamp_to_int(x[i + HALF] * inverse + 8.5f, 0, 15);
            b->qs[i] = (uint8_t)(low | high << 4);
        }
    }
}

void ae_q8_0_row_from_f32(const float *x, void *y, size_t n)
{
    ae_block_q8_0 *b = y;
    for (; n > 0; n -= AE_BLOCK, x += AE_BLOCK, b++) {
        float d = fabsf(extreme(x)) / 127, inverse = d != 0 ? 1 / d : 0;
        b->d = ae_f32_to_f16(d);
        for (int i = 0; i < AE_BLOCK; i++)
            b->qs[i] = (int8_t)clamp_to_int(roundf(x[i] * inverse), -127, 127);
    }
}
