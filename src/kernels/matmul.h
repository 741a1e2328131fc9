/* matmul.h - the driver above the kernels: rows of weights times many activations.
 *
 * Model:    A matrix is panels (panel.h), or plain rows as files have them, which are expanded to
 *           panels of f32 as they are needed: correct, and slow. Members of a running
 *           pool task take strips of its rows; each computes whole outputs, so results depend
 *           neither on the number of threads nor on who takes what.
 * Uses:     activations.h, panel.h.
 * Example:  ae_matmul(k, &w, (ae_range){first, first + n}, &acts, y, n, scratch);
 */
#ifndef AE_KERNELS_MATMUL_H
#define AE_KERNELS_MATMUL_H

#include "base/pool.h"
#include "kernels/activations.h"

typedef struct {
    const ae_dtype *type;
    const void *data; /* rows of n_cols values, or the panels of all rows; borrowed */
    size_t n_rows, n_cols;
    size_t n_lanes; /* rows of a panel; 0: plain rows */
} ae_matrix;

/* The activations that it is multiplied with. */
ae_act_kind ae_matmul_act(const ae_kernels *k, const ae_matrix *w);

/* Floats of scratch that each member needs: for a few columns of a panel in f32, where a matrix is
 * not packed. */
size_t ae_matmul_scratch(void);

/* y [x->n_rows][y_stride], of which columns 0 .. n-1 are written, for n rows of w from a multiple
 * of n_lanes on: y[i][r] = w[rows.begin + r] . x[i]. x is of the kind that ae_matmul_act gives.
 * scratch: this member's own. */
void ae_matmul(const ae_kernels *k, const ae_matrix *w, ae_range rows, const ae_acts *x, float *y,
               size_t y_stride, float *scratch);

/* row [n_cols] = row r in f32. scratch: n_cols floats. */
void ae_matrix_row(const ae_matrix *w, size_t r, float *row, float *scratch);

#endif
