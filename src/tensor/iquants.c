/* iquants.c - rows of the types whose 16 levels are spaced unevenly, denser around zero. */
#include "tensor/blocks.h"
#include "tensor/dtype.h"
#include "tensor/rows.h"

const int8_t ae_iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                  1,    13,   25,  38,  53,  69,  89,  113};

/* y[0..32) = d * level, from 16 bytes: low nibbles first, then the high ones. */
static inline void expand_levels(const uint8_t qs[AE_BLOCK / 2], float d, float y[AE_BLOCK])
{
    for (int i = 0; i < AE_BLOCK / 2; i++) {
        y[i] = d * (float)ae_iq4_values[qs[i] & 15];
        y[i + AE_BLOCK / 2] = d * (float)ae_iq4_values[qs[i] >> 4];
    }
}

void ae_iq4_nl_row_to_f32(const void *x, float *y, size_t n)
{
    const ae_block_iq4_nl *b = x;
    for (; n > 0; n -= AE_BLOCK, y += AE_BLOCK, b++) expand_levels(b->qs, ae_f16_to_f32(b->d), y);
}

void ae_iq4_xs_row_to_f32(const void *x, float *y, size_t n)
{
    const ae_block_iq4_xs *b = x;
    for (; n > 0; n -= AE_SUPERBLOCK, y += AE_SUPERBLOCK, b++) {
        float d = ae_f16_to_f32(b->d);
        for (int g = 0; g < AE_SUPERBLOCK / AE_BLOCK; g++) {
            int low = b->scales_l[g / 2] >> g % 2 * 4 & 15, high = b->scales_h >> 2 * g & 3;
            int scale = (low | high << 4) - 32;
            expand_levels(b->qs + g * AE_BLOCK / 2, d * (float)scale, y + g * AE_BLOCK);
        }
    }
}
