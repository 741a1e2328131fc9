/* rows.h - the row functions behind the table of dtype.c, with the contract of ae_dtype. */
#ifndef AE_TENSOR_ROWS_H
#define AE_TENSOR_ROWS_H

#include <stddef.h>

typedef void ae_to_f32_fn(const void *x, float *y, size_t n);
typedef void ae_from_f32_fn(const float *x, void *y, size_t n);

/* floats.c */
ae_to_f32_fn ae_f32_row_to_f32, ae_f16_row_to_f32, ae_bf16_row_to_f32;
ae_from_f32_fn ae_f32_row_from_f32, ae_f16_row_from_f32, ae_bf16_row_from_f32;

/* quants.c: blocks of 32 */
ae_to_f32_fn ae_q4_0_row_to_f32, ae_q4_1_row_to_f32, ae_q5_0_row_to_f32, ae_q5_1_row_to_f32,
    ae_q8_0_row_to_f32;
ae_from_f32_fn ae_q4_0_row_from_f32, ae_q8_0_row_from_f32;

/* kquants.c: blocks of 256 */
ae_to_f32_fn ae_q2_k_row_to_f32, ae_q3_k_row_to_f32, ae_q4_k_row_to_f32, ae_q5_k_row_to_f32,
    ae_q6_k_row_to_f32;

/* affine.c: MLX's groups; those of 4 bits, 32 values and f16 are Q4_1 */
ae_to_f32_fn ae_mlx4_32_bf16_row_to_f32, ae_mlx4_64_f16_row_to_f32, ae_mlx4_64_bf16_row_to_f32,
    ae_mlx4_128_f16_row_to_f32, ae_mlx4_128_bf16_row_to_f32, ae_mlx8_32_f16_row_to_f32,
    ae_mlx8_32_bf16_row_to_f32, ae_mlx8_64_f16_row_to_f32, ae_mlx8_64_bf16_row_to_f32,
    ae_mlx8_128_f16_row_to_f32, ae_mlx8_128_bf16_row_to_f32;
ae_from_f32_fn ae_mlx4_32_bf16_row_from_f32, ae_mlx4_64_f16_row_from_f32,
    ae_mlx4_64_bf16_row_from_f32, ae_mlx4_128_f16_row_from_f32, ae_mlx4_128_bf16_row_from_f32,
    ae_mlx8_32_f16_row_from_f32, ae_mlx8_32_bf16_row_from_f32, ae_mlx8_64_f16_row_from_f32,
    ae_mlx8_64_bf16_row_from_f32, ae_mlx8_128_f16_row_from_f32, ae_mlx8_128_bf16_row_from_f32;

/* iquants.c: uneven levels */
ae_to_f32_fn ae_iq4_nl_row_to_f32, ae_iq4_xs_row_to_f32;

#endif
