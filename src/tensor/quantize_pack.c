/* quantize_pack.c - levels and scales that a search has found, as the bytes of blocks.h. */
#include "tensor/lanes.h"

#include <string.h>

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

void ae_pack_q4_0(const ae_found *f, int l, void *y)
{
    ae_block_q4_0 *b = y;
    b->d = ae_f32_to_f16(f->d[l]);
    pack_nibbles(f, l, b->qs);
}

void ae_pack_q4_1(const ae_found *f, int l, void *y)
{
    ae_block_q4_1 *b = y;
    b->d = ae_f32_to_f16(f->d[l]);
    b->m = ae_f32_to_f16(f->m[l]);
    pack_nibbles(f, l, b->qs);
}

void ae_pack_q5_0(const ae_found *f, int l, void *y)
{
    ae_block_q5_0 *b = y;
    b->d = ae_f32_to_f16(f->d[l]);
    b->qh = fifth_bits(f, l);
    pack_nibbles(f, l, b->qs);
}

void ae_pack_q5_1(const ae_found *f, int l, void *y)
{
    ae_block_q5_1 *b = y;
    b->d = ae_f32_to_f16(f->d[l]);
    b->m = ae_f32_to_f16(f->m[l]);
    b->qh = fifth_bits(f, l);
    pack_nibbles(f, l, b->qs);
}

void ae_pack_q8_0(const ae_found *f, int l, void *y)
{
    ae_block_q8_0 *b = y;
    b->d = ae_f32_to_f16(f->d[l]);
    for (int i = 0; i < AE_BLOCK; i++) b->qs[i] = (int8_t)(f->q[i][l] - 127);
}

/* The tables of ae_k_scales, backwards. */
static void pack_k_scales(const ae_found *f, int first, uint8_t packed[AE_K_SCALES])
{
    uint8_t s[8], m[8];
    for (int j = 0; j < 8; j++) {
        s[j] = (uint8_t)f->scale[first + j];
        m[j] = (uint8_t)f->min[first + j];
    }
    for (int j = 0; j < 4; j++) {
        packed[j] = (uint8_t)(s[j] | s[j + 4] >> 4 << 6);
        packed[j + 4] = (uint8_t)(m[j] | m[j + 4] >> 4 << 6);
        packed[j + 8] = (uint8_t)((s[j + 4] & 15) | (m[j + 4] & 15) << 4);
    }
}

void ae_pack_q4_k(const ae_found *f, int first, void *y)
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

void ae_pack_q5_k(const ae_found *f, int first, void *y)
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

void ae_pack_q6_k(const ae_found *f, int first, void *y)
{
    ae_block_q6_k *b = y;
    b->d = ae_f32_to_f16(f->d[first]);
    for (int j = 0; j < 16; j++) b->scales[j] = (int8_t)f->scale[first + j];
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

/* The two low bits of the levels of a superblock, placed as Q2_K and Q3_K have them. */
static void pack_two_bits(const ae_found *f, uint8_t qs[AE_SUPERBLOCK / 4])
{
    for (int i = 0; i < AE_SUPERBLOCK / 4; i++) {
        int bits = 0;
        for (int k = 0; k < 4; k++) {
            int at = i / 32 * 128 + 32 * k + i % 32;
            bits |= (f->q[at % 16][at / 16] & 3) << 2 * k;
        }
        qs[i] = (uint8_t)bits;
    }
}

void ae_pack_q2_k(const ae_found *f, int first, void *y)
{
    ae_block_q2_k *b = y;
    b->d = ae_f32_to_f16(f->d[first]);
    b->dmin = ae_f32_to_f16(f->m[first]);
    for (int g = 0; g < 16; g++) b->scales[g] = (uint8_t)((int)f->scale[g] | (int)f->min[g] << 4);
    pack_two_bits(f, b->qs);
}

void ae_pack_q3_k(const ae_found *f, int first, void *y)
{
    ae_block_q3_k *b = y;
    b->d = ae_f32_to_f16(f->d[first]);
    pack_two_bits(f, b->qs);
    memset(b->scales, 0, sizeof b->scales);
    for (int j = 0; j < 16; j++) {
        int s = (int)f->scale[j] + 32;
        b->scales[j % 8] |= (uint8_t)((s & 15) << j / 8 * 4);
        b->scales[8 + j % 4] |= (uint8_t)(s >> 4 << j / 4 * 2);
    }
    for (int i = 0; i < 32; i++) {
        int bits = 0;
        for (int k = 0; k < 8; k++) bits |= f->q[i % 16][(32 * k + i) / 16] >> 2 << k;
        b->hmask[i] = (uint8_t)bits;
    }
}

void ae_pack_iq4_xs(const ae_found *f, int first, void *y)
{
    ae_block_iq4_xs *b = y;
    b->d = ae_f32_to_f16(f->d[first]);
    b->scales_h = 0;
    memset(b->scales_l, 0, sizeof b->scales_l);
    for (int g = 0; g < 8; g++) {
        int s = (int)f->scale[first + g] + 32;
        b->scales_l[g / 2] |= (uint8_t)((s & 15) << g % 2 * 4);
        b->scales_h |= (uint16_t)(s >> 4 << 2 * g);
        pack_nibbles(f, first + g, b->qs + 16 * g);
    }
}
