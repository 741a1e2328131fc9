/* gemm.h - products of matrices whose values are rounded to bf16, for training.
 *
 * Model:    c [m, n] = keep * c + the sum over k of a(i, k) b(j, k). Lines are rows of c for a, and
 *           columns of c for b; either may lie along rows or along columns in memory. Values are
 *           rounded to bf16 (8 bits) and multiplied and summed in f32.
 * Uses:     kernels.h.      Threads: pure functions; each thread brings its own scratch.
 * Promises: the same input gives the same bits.
 */
#ifndef AE_KERNELS_GEMM_H
#define AE_KERNELS_GEMM_H

#include <stddef.h>
#include <stdint.h>

/* Value k of line i is data[i * line_stride + k * deep_stride]; one of the strides is 1. */
typedef struct {
    const float *data;
    size_t line_stride, deep_stride;
} ae_matrix;

/* Bytes of scratch, best on a line of the cache. */
enum { AE_GEMM_SCRATCH = 5 << 17 };

/* keep 0 overwrites c, whatever it holds. ld_c: floats from row to row. */
typedef void ae_gemm_fn(void *scratch, float *c, size_t ld_c, float keep, ae_matrix a, size_t m,
                        ae_matrix b, size_t n, size_t k);

/* NULL if this machine has no instructions for it, or AEON_ISA names others. */
ae_gemm_fn *ae_gemm_bf16(void);

#endif
