/* panel.h - weights packed for the kernels: the rows of a panel side by side.
 *
 *     two blocks of three rows of Q8_0,      the same bytes as a panel:
 *     as a file has them:
 *                                            d0 d1 d2                 scales of the first block
 *     d0 qqqq qqqq ..  d0' qqqq qqqq ..      q0q0q0q0 q1q1q1q1 q2q2q2q2   its values 0..3
 *     d1 qqqq qqqq ..  d1' qqqq qqqq ..      q0q0q0q0 q1q1q1q1 q2q2q2q2   4..7, and so on
 *     d2 qqqq qqqq ..  d2' qqqq qqqq ..      d0' d1' d2' ..           the second block
 *
 * Model:    A panel holds n_lanes rows block by block. A block's fields follow one another; a field
 *           is cut into units (four bytes of integers, one scale), and each unit of all rows stands
 *           together. So the lanes of a register are rows, no sum crosses lanes, and a panel has
 *           exactly the bytes of its rows: packing only moves them.
 * Uses:     tensor/.      Threads: pure functions on caller's memory.
 * Promises: packing and taking a row out again gives the same bytes
 * Example:  ae_panel_pack(panel, type, 16, rows, n_rows, n_cols);
 *           ae_panel_row(row, type, 16, panel, 3, n_cols);
 */
#ifndef AE_KERNELS_PANEL_H
#define AE_KERNELS_PANEL_H

#include "tensor/dtype.h"

enum { AE_PANEL_MAX_LANES = 32 };

/* Can rows of n_cols values of this type stand in panels? */
bool ae_panel_has(aeon_type type, size_t n_cols);

/* panel = rows 0 .. n_rows-1 <= n_lanes of n_cols values, which lie one after the other at any
 * address; the lanes beyond are zero bytes. panel: n_lanes rows of bytes. */
void ae_panel_pack(void *panel, aeon_type type, size_t n_lanes, const void *rows, size_t n_rows,
                   size_t n_cols);

/* The row of one lane becomes row; the others stay. */
void ae_panel_put_row(void *panel, aeon_type type, size_t n_lanes, size_t lane, const void *row,
                      size_t n_cols);

/* row = the row of one lane, as it was packed. */
void ae_panel_row(void *row, aeon_type type, size_t n_lanes, const void *panel, size_t lane,
                  size_t n_cols);

#endif
