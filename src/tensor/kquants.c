/* kquants.c - rows of the K types: 256 values in groups that have small integer scales. */
#include "tensor/blocks.h"
#include "tensor/dtype.h"
#include "tensor/rows.h"

/* Bits of value i where a byte holds `per_byte` values, and the values that share a byte are a
 * whole run of `run` bytes apart: the order in which the K types pack. */
static inline int packed_bits(const uint8_t *bytes, int i, int run, int per_byte)
{
    int bits = 8 / per_byte;
    int chunk = i / (run * per_byte), place = i % (run * per_byte);
    return bytes[chunk * run + place % run] >> place / run * bits & ((1 << bits) - 1);
}

void ae_q2_k_row_to_f32(const void *x, float *y, size_t n)
{
    const ae_block_q2_k *b = x;
    for (; n > 0; n -= AE_SUPERBLOCK, y += AE_SUPERBLOCK, b++) {
        float d = ae_f16_to_f32(b->d), dmin = ae_f16_to_f32(b->dmin);
        for (int i = 0; i < AE_SUPERBLOCK; i++) {
            uint8_t scale = b->scales[i / 16];
            int q = packed_bits(b->qs, i, 32, 4);
            y[i] = d * (float)(scale & 15) * (float)q - dmin * (float)(scale >> 4);
        }
    }
}

void ae_q3_k_row_to_f32(const void *x, float *y, size_t n)
{
    const ae_block_q3_k *b = x;
    for (; n > 0; n -= AE_SUPERBLOCK, y += AE_SUPERBLOCK, b++) {
        float d = ae_f16_to_f32(b->d);
        int8_t scale[16];
        ae_q3_k_scales(b->scales, scale);
        for (int i = 0; i < AE_SUPERBLOCK; i++) {
            int q = packed_bits(b->qs, i, 32, 4) | packed_bits(b->hmask, i, 32, 8) << 2;
            y[i] = d * (float)scale[i / 16] * (float)(q - 4);
        }
    }
}

void ae_q4_k_row_to_f32(const void *x, float *y, size_t n)
{
    const ae_block_q4_k *b = x;
    for (; n > 0; n -= AE_SUPERBLOCK, y += AE_SUPERBLOCK, b++) {
        float d = ae_f16_to_f32(b->d), dmin = ae_f16_to_f32(b->dmin);
        uint8_t scale[8], min[8];
        ae_k_scales(b->scales, scale, min);
        for (int i = 0; i < AE_SUPERBLOCK; i++) {
            int q = packed_bits(b->qs, i, 32, 2);
            y[i] = d * (float)scale[i / 32] * (float)q - dmin * (float)min[i / 32];
        }
    }
}

void ae_q5_k_row_to_f32(const void *x, float *y, size_t n)
{
    const ae_block_q5_k *b = x;
    for (; n > 0; n -= AE_SUPERBLOCK, y += AE_SUPERBLOCK, b++) {
        float d = ae_f16_to_f32(b->d), dmin = ae_f16_to_f32(b->dmin);
        uint8_t scale[8], min[8];
        ae_k_scales(b->scales, scale, min);
        for (int i = 0; i < AE_SUPERBLOCK; i++) {
            int q = packed_bits(b->qs, i, 32, 2) | packed_bits(b->qh, i, 32, 8) << 4;
            y[i] = d * (float)scale[i / 32] * (float)q - dmin * (float)min[i / 32];
        }
    }
}

void ae_q6_k_row_to_f32(const void *x, float *y, size_t n)
{
    const ae_block_q6_k *b = x;
    for (; n > 0; n -= AE_SUPERBLOCK, y += AE_SUPERBLOCK, b++) {
        float d = ae_f16_to_f32(b->d);
        for (int i = 0; i < AE_SUPERBLOCK; i++) {
            int q = packed_bits(b->ql, i, 64, 2) | packed_bits(b->qh, i, 32, 4) << 4;
            y[i] = d * (float)b->scales[i / 16] * (float)(q - 32);
        }
    }
}
