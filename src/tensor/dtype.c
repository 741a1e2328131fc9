#include "tensor/dtype.h"

#include "base/cursor.h"
#include "tensor/blocks.h"
#include "tensor/rows.h"

#include <strings.h>

static const ae_dtype types[AEON_TYPE_MAX] = {
#define FLOAT(TYPE, name, bytes)                                                                   \
    [AEON_TYPE_##TYPE] = {#name, AEON_TYPE_##TYPE,       1,                                        \
                          bytes, ae_##name##_row_to_f32, ae_##name##_row_from_f32}
#define BLOCK(TYPE, name, values, from_f32)                                                        \
    [AEON_TYPE_##TYPE] = {#name,                                                                   \
                          AEON_TYPE_##TYPE,                                                        \
                          values,                                                                  \
                          sizeof(ae_block_##name),                                                 \
                          ae_##name##_row_to_f32,                                                  \
                          from_f32}
#define AFFINE(bits, group, FLOAT, float)                                                          \
    [AEON_TYPE_MLX##bits##_##group##_##FLOAT] = {"mlx" #bits "_" #group "_" #float,                \
                                                 AEON_TYPE_MLX##bits##_##group##_##FLOAT,          \
                                                 group,                                            \
                                                 AE_AFFINE_BYTES(bits, group),                     \
                                                 ae_mlx##bits##_##group##_##float##_row_to_f32,    \
                                                 ae_mlx##bits##_##group##_##float##_row_from_f32}
    FLOAT(F32, f32, 4),
    FLOAT(F16, f16, 2),
    FLOAT(BF16, bf16, 2),
    BLOCK(Q4_0, q4_0, AE_BLOCK, ae_q4_0_row_from_f32),
    BLOCK(Q4_1, q4_1, AE_BLOCK, NULL),
    BLOCK(Q5_0, q5_0, AE_BLOCK, NULL),
    BLOCK(Q5_1, q5_1, AE_BLOCK, NULL),
    BLOCK(Q8_0, q8_0, AE_BLOCK, ae_q8_0_row_from_f32),
    BLOCK(Q2_K, q2_k, AE_SUPERBLOCK, NULL),
    BLOCK(Q3_K, q3_k, AE_SUPERBLOCK, NULL),
    BLOCK(Q4_K, q4_k, AE_SUPERBLOCK, NULL),
    BLOCK(Q5_K, q5_k, AE_SUPERBLOCK, NULL),
    BLOCK(Q6_K, q6_k, AE_SUPERBLOCK, NULL),
    BLOCK(IQ4_NL, iq4_nl, AE_BLOCK, NULL),
    BLOCK(IQ4_XS, iq4_xs, AE_SUPERBLOCK, NULL),
    AFFINE(4, 32, BF16, bf16),
    AFFINE(4, 64, F16, f16),
    AFFINE(4, 64, BF16, bf16),
    AFFINE(4, 128, F16, f16),
    AFFINE(4, 128, BF16, bf16),
    AFFINE(8, 32, F16, f16),
    AFFINE(8, 32, BF16, bf16),
    AFFINE(8, 64, F16, f16),
    AFFINE(8, 64, BF16, bf16),
    AFFINE(8, 128, F16, f16),
    AFFINE(8, 128, BF16, bf16),
#undef FLOAT
#undef BLOCK
#undef AFFINE
};

const ae_dtype *ae_dtype_find(uint32_t type)
{
    return type < AEON_TYPE_MAX && types[type].name ? &types[type] : NULL;
}

const ae_dtype *ae_dtype_get(aeon_type type)
{
    const ae_dtype *t = ae_dtype_find((uint32_t)type);
    AEON_ASSERT(t != NULL);
    return t;
}

uint64_t ae_dtype_row_bytes(const ae_dtype *t, uint64_t n)
{
    uint64_t size_bytes = 0;
    if (n % t->block_values != 0 || !ae_mul_u64(n / t->block_values, t->block_bytes, &size_bytes))
        return 0;
    return size_bytes;
}

const char *aeon_type_name(aeon_type type)
{
    const ae_dtype *t = ae_dtype_find((uint32_t)type);
    return t ? t->name : NULL;
}

bool aeon_type_find(const char *name, aeon_type *out)
{
    for (uint32_t i = 0; i < AEON_TYPE_MAX; i++) {
        if (types[i].name && strcasecmp(types[i].name, name) == 0) {
            *out = types[i].type;
            return true;
        }
    }
    return false;
}
