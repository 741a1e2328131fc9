/* blocks.h - the bytes of every block type, exactly as GGUF stores them.
 *
 * Model:    A block is a few f16 or small-integer scales and a field of packed integers. Structs
 *           are packed, so a block may lie at any address; all numbers are little-endian.
 * Uses:     base/.      Threads: plain data.
 * Promises: (1) the size of every struct is asserted
 *           (2) the formula beside a struct is its f32 arithmetic: products and differences are
 *           rounded one by one, in the order written, so every correct reader gets the same bits.
 *
 * In the tables "f16" is an IEEE half. Where a formula names q[i], i is the place of the value in
 * its block; low and high mean the nibbles of a byte.
 */
#ifndef AE_TENSOR_BLOCKS_H
#define AE_TENSOR_BLOCKS_H

#include <stdint.h>

enum {
    AE_BLOCK = 32,       /* values in a block of the plain types and of IQ4_NL */
    AE_SUPERBLOCK = 256, /* values in a block of the K types and of IQ4_XS */
    AE_K_SCALES = 12,    /* bytes of packed 6-bit scales in Q3_K, Q4_K and Q5_K */
};

#define AE_PACKED __attribute__((packed))

/* ---- blocks of 32 ---------------------------------------------------------------------------- */

/* Q4_0: 4.5 bits a value. y[i] = d * (q[i] - 8)
 *   0   2  d    f16
 *   2  16  qs   byte i: low = q[i], high = q[i + 16] */
typedef struct AE_PACKED {
    uint16_t d;
    uint8_t qs[AE_BLOCK / 2];
} ae_block_q4_0;
_Static_assert(sizeof(ae_block_q4_0) == 18, "size of a Q4_0 block");

/* Q4_1: 5 bits a value. y[i] = d * q[i] + m
 *   0   2  d    f16
 *   2   2  m    f16
 *   4  16  qs   byte i: low = q[i], high = q[i + 16] */
typedef struct AE_PACKED {
    uint16_t d;
    uint16_t m;
    uint8_t qs[AE_BLOCK / 2];
} ae_block_q4_1;
_Static_assert(sizeof(ae_block_q4_1) == 20, "size of a Q4_1 block");

/* Q5_0: 5.5 bits a value. y[i] = d * (q[i] - 16)
 *   0   2  d    f16
 *   2   4  qh   bit i of this 32-bit number is bit 4 of q[i]
 *   6  16  qs   bits 0-3: byte i: low = q[i], high = q[i + 16] */
typedef struct AE_PACKED {
    uint16_t d;
    uint32_t qh;
    uint8_t qs[AE_BLOCK / 2];
} ae_block_q5_0;
_Static_assert(sizeof(ae_block_q5_0) == 22, "size of a Q5_0 block");

/* Q5_1: 6 bits a value. y[i] = d * q[i] + m
 *   0   2  d    f16
 *   2   2  m    f16
 *   4   4  qh   bit i of this 32-bit number is bit 4 of q[i]
 *   8  16  qs   bits 0-3: byte i: low = q[i], high = q[i + 16] */
typedef struct AE_PACKED {
    uint16_t d;
    uint16_t m;
    uint32_t qh;
    uint8_t qs[AE_BLOCK / 2];
} ae_block_q5_1;
_Static_assert(sizeof(ae_block_q5_1) == 24, "size of a Q5_1 block");

/* Q8_0: 8.5 bits a value. y[i] = d * q[i]
 *   0   2  d    f16
 *   2  32  qs   signed bytes */
typedef struct AE_PACKED {
    uint16_t d;
    int8_t qs[AE_BLOCK];
} ae_block_q8_0;
_Static_assert(sizeof(ae_block_q8_0) == 34, "size of a Q8_0 block");

/* IQ4_NL: 4.5 bits a value. y[i] = d * ae_iq4_values[q[i]]
 *   0   2  d    f16
 *   2  16  qs   byte i: low = q[i], high = q[i + 16] */
typedef struct AE_PACKED {
    uint16_t d;
    uint8_t qs[AE_BLOCK / 2];
} ae_block_iq4_nl;
_Static_assert(sizeof(ae_block_iq4_nl) == 18, "size of an IQ4_NL block");

/* MLX's affine groups: y[i] = s * q[i] + b, in 4 or 8 bits, groups of 32, 64 or 128. MLX keeps the
 * three in tensors of their own; here a group is a block. s and b are f16 or bf16, as the type has.
 *   0   2  s
 *   2   2  b
 *   4      qs   8 bits: a byte each
 *               4 bits: 16 bytes for each 32 values: byte i: low = q[i], high = q[i + 16]
 * With 4 bits, groups of 32 and f16 this is Q4_1. */
typedef struct AE_PACKED {
    uint16_t s;
    uint16_t b;
    uint8_t qs[];
} ae_affine;
#define AE_AFFINE_BYTES(bits, group) (sizeof(ae_affine) + (group) * (bits) / 8)
_Static_assert(AE_AFFINE_BYTES(4, 64) == 36, "size of an affine block");

/* X(with, TYPE, name, bits, group, is_bf16) for every type of this form. */
#define AE_AFFINE_TYPES(X, with)                                                                   \
    X(with, Q4_1, q4_1, 4, 32, false)                                                              \
    X(with, MLX4_32_BF16, mlx4_32_bf16, 4, 32, true)                                               \
    X(with, MLX4_64_F16, mlx4_64_f16, 4, 64, false)                                                \
    X(with, MLX4_64_BF16, mlx4_64_bf16, 4, 64, true)                                               \
    X(with, MLX4_128_F16, mlx4_128_f16, 4, 128, false)                                             \
    X(with, MLX4_128_BF16, mlx4_128_bf16, 4, 128, true)                                            \
    X(with, MLX8_32_F16, mlx8_32_f16, 8, 32, false)                                                \
    X(with, MLX8_32_BF16, mlx8_32_bf16, 8, 32, true)                                               \
    X(with, MLX8_64_F16, mlx8_64_f16, 8, 64, false)                                                \
    X(with, MLX8_64_BF16, mlx8_64_bf16, 8, 64, true)                                               \
    X(with, MLX8_128_F16, mlx8_128_f16, 8, 128, false)                                             \
    X(with, MLX8_128_BF16, mlx8_128_bf16, 8, 128, true)

/* The 16 unevenly spaced levels of IQ4_NL and IQ4_XS. */
extern const int8_t ae_iq4_values[16];

/* ---- blocks of 256 --------------------------------------------------------------------------- */

/* Q2_K: 2.625 bits a value, groups of 16. For i in group g = i / 16:
 * y[i] = (d * (scales[g] low)) * q[i] - dmin * (scales[g] high)
 *   0  16  scales
 *  16  64  qs      32 bytes for each half of 128: value 32 * j + l is bits 2j, 2j + 1 of byte l
 *  80   2  d       f16
 *  82   2  dmin    f16 */
typedef struct AE_PACKED {
    uint8_t scales[AE_SUPERBLOCK / 16];
    uint8_t qs[AE_SUPERBLOCK / 4];
    uint16_t d;
    uint16_t dmin;
} ae_block_q2_k;
_Static_assert(sizeof(ae_block_q2_k) == 84, "size of a Q2_K block");

/* Q3_K: 3.4375 bits a value, groups of 16. For i in group g = i / 16:
 * y[i] = (d * (scale[g] - 32)) * (q[i] - 4)
 *   0  32  hmask   bit i / 32 of byte i % 32 is bit 2 of q[i]
 *  32  64  qs      bits 0, 1 of q[i], placed as in Q2_K
 *  96  12  scales  16 numbers of 6 bits: see ae_q3_k_scales
 * 108   2  d       f16 */
typedef struct AE_PACKED {
    uint8_t hmask[AE_SUPERBLOCK / 8];
    uint8_t qs[AE_SUPERBLOCK / 4];
    uint8_t scales[AE_K_SCALES];
    uint16_t d;
} ae_block_q3_k;
_Static_assert(sizeof(ae_block_q3_k) == 110, "size of a Q3_K block");

/* Q4_K: 4.5 bits a value, groups of 32. For i in group g = i / 32:
 * y[i] = (d * scale[g]) * q[i] - dmin * min[g]
 *   0   2  d       f16
 *   2   2  dmin    f16
 *   4  12  scales  8 scales and 8 mins of 6 bits: see ae_k_scales
 *  16 128  qs      32 bytes for each 64 values: byte l: low = value l, high = value l + 32 */
typedef struct AE_PACKED {
    uint16_t d;
    uint16_t dmin;
    uint8_t scales[AE_K_SCALES];
    uint8_t qs[AE_SUPERBLOCK / 2];
} ae_block_q4_k;
_Static_assert(sizeof(ae_block_q4_k) == 144, "size of a Q4_K block");

/* Q5_K: 5.5 bits a value, groups of 32. Formula of Q4_K.
 *   0   2  d       f16
 *   2   2  dmin    f16
 *   4  12  scales  8 scales and 8 mins of 6 bits: see ae_k_scales
 *  16  32  qh      bit i / 32 of byte i % 32 is bit 4 of q[i]
 *  48 128  qs      bits 0-3, placed as in Q4_K */
typedef struct AE_PACKED {
    uint16_t d;
    uint16_t dmin;
    uint8_t scales[AE_K_SCALES];
    uint8_t qh[AE_SUPERBLOCK / 8];
    uint8_t qs[AE_SUPERBLOCK / 2];
} ae_block_q5_k;
_Static_assert(sizeof(ae_block_q5_k) == 176, "size of a Q5_K block");

/* Q6_K: 6.5625 bits a value, groups of 16. For i in group g = i / 16:
 * y[i] = (d * scales[g]) * (q[i] - 32)
 *   0 128  ql      bits 0-3; 64 bytes for each half of 128: byte l: low = value l, high = l + 64
 * 128  64  qh      bits 4, 5; 32 bytes for each half, placed as qs of Q2_K
 * 192  16  scales  signed bytes
 * 208   2  d       f16 */
typedef struct AE_PACKED {
    uint8_t ql[AE_SUPERBLOCK / 2];
    uint8_t qh[AE_SUPERBLOCK / 4];
    int8_t scales[AE_SUPERBLOCK / 16];
    uint16_t d;
} ae_block_q6_k;
_Static_assert(sizeof(ae_block_q6_k) == 210, "size of a Q6_K block");

/* IQ4_XS: 4.25 bits a value, groups of 32. For i in group g = i / 32:
 * y[i] = (d * (scale[g] - 32)) * ae_iq4_values[q[i]]
 *   0   2  d         f16
 *   2   2  scales_h  bits 2g, 2g + 1 are bits 4, 5 of scale[g]
 *   4   4  scales_l  bits 0-3: byte j: low = scale[2j], high = scale[2j + 1]
 *   8 128  qs        16 bytes for each group: byte l: low = value l, high = value l + 16 */
typedef struct AE_PACKED {
    uint16_t d;
    uint16_t scales_h;
    uint8_t scales_l[AE_SUPERBLOCK / 64];
    uint8_t qs[AE_SUPERBLOCK / 2];
} ae_block_iq4_xs;
_Static_assert(sizeof(ae_block_iq4_xs) == 136, "size of an IQ4_XS block");

/* ---- packed scales --------------------------------------------------------------------------- */

/* The 8 scales and 8 mins (0 .. 63) of a Q4_K or Q5_K block. Bytes 0-3 hold scales 0-3 in their low
 * six bits, bytes 4-7 hold mins 0-3; bytes 8-11 hold the low nibbles of scales 4-7 (low) and mins
 * 4-7 (high), whose upper two bits are the top bits of bytes 0-3 and 4-7. */
static inline void ae_k_scales(const uint8_t packed[AE_K_SCALES], uint8_t scale[8], uint8_t min[8])
{
    for (int j = 0; j < 4; j++) {
        scale[j] = packed[j] & 63;
        min[j] = packed[j + 4] & 63;
        scale[j + 4] = (uint8_t)((packed[j + 8] & 15) | (packed[j] >> 6 << 4));
        min[j + 4] = (uint8_t)((packed[j + 8] >> 4) | (packed[j + 4] >> 6 << 4));
    }
}

/* The 16 scales (-32 .. 31, the offset is taken off) of a Q3_K block. Bits 0-3: bytes 0-7, low for
 * scales 0-7, high for 8-15. Bits 4, 5 of scale j: bits 2(j / 4), 2(j / 4) + 1 of byte 8 + j % 4.
 */
static inline void ae_q3_k_scales(const uint8_t packed[AE_K_SCALES], int8_t scale[16])
{
    for (int j = 0; j < 16; j++) {
        int low = j < 8 ? packed[j] & 15 : packed[j - 8] >> 4;
        int high = packed[8 + j % 4] >> j / 4 * 2 & 3;
        scale[j] = (int8_t)((low | high << 4) - 32);
    }
}

#endif
