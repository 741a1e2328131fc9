/* matmul.h - the driver above the dot products: rows of weights times many activations.
 *
 * Model:    Members of a running pool task share the weight rows; each computes whole outputs, so
 *           results do not depend on the number of threads.
 * Uses:     base/pool, kernels.h.
 */
#ifndef AE_KERNELS_MATMUL_H
#define AE_KERNELS_MATMUL_H

#include "base/pool.h"
#include "kernels/kernels.h"

typedef struct {
    const ae_dtype *type;
    const void *data; /* [n_rows] rows of n_cols values, borrowed */
    size_t n_rows, n_cols;
} ae_matrix;

/* Floats of scratch each member needs for a matrix: a row expanded to f32 where the type has no dot
 * product of its own, else 0. */
size_t ae_matmul_scratch(const ae_kernels *k, const ae_matrix *w);

/* y [n_x][y_stride] of which columns 0..n_rows are written: y[i][r] = w[r] . x[i]. x: activation
 * rows [n_x] in the kind ae_kernels_act gives for w's type. Called by every member of a task; the
 * results are complete after a barrier. scratch: this member's own. */
void ae_matmul(const ae_kernels *k, const ae_matrix *w, const void *x, size_t n_x, float *y,
               size_t y_stride, float *scratch, ae_member member);

#endif
