/* activations.h - the other side of a product: tiles of rows of activations.
 *
 *     three rows:    a0 a1 a2 ..     tiles of two rows, unit by unit:    a0 b0 a1 b1 a2 b2 ..
 *                    b0 b1 b2 ..                                         c0 c1 c2 ..
 *                    c0 c1 c2 ..
 *
 * Model:    A unit is what a kernel broadcasts with its scale: one f32, a pair of bf16, a block of
 *           32 8-bit integers. In a tile the units of up to AE_PANEL_TILE rows stand side by side,
 *           so that a kernel reads one stream; the last tile is as narrow as what is left.
 * Uses:     kernels.h.      Threads: different units may be put at once.
 * Example:  ae_acts a = {AE_ACT_Q8, data, n_rows, n_cols};
 *           ae_acts_put(k, &a, row, 0, x, n_cols);
 */
#ifndef AE_KERNELS_ACTIVATIONS_H
#define AE_KERNELS_ACTIVATIONS_H

#include "kernels/kernels.h"

typedef struct {
    ae_act_kind kind;
    void *data; /* n_rows rows of ae_act_row_bytes bytes */
    size_t n_rows, n_cols;
} ae_acts;

/* Bytes of one row of n_cols values. */
size_t ae_act_row_bytes(ae_act_kind kind, size_t n_cols);

/* Columns col .. col+n-1 of a row become x, rounded to its kind; col and n are whole units. */
void ae_acts_put(const ae_kernels *k, const ae_acts *a, size_t row, size_t col, const float *x,
                 size_t n);

/* The tile that begins with row first, a multiple of AE_PANEL_TILE. */
typedef struct {
    const char *data;
    size_t n_rows, block_bytes; /* from one unit of a row to its next */
} ae_act_tile;
ae_act_tile ae_acts_tile(const ae_acts *a, size_t first);

#endif
