/* weights_pack.h - what packing in memory and packing into a file share.
 *
 * Model:    A matrix of plain rows becomes panels (kernels/panel.h), of its own type or of one that
 *           is multiplied faster. A packed file is a GGUF in which matrices stand as panels: tensor
 *           NAME.panels instead of NAME.weight, of the same dimensions, and the key below says how
 *           many rows a panel has. Only tensors are packed whose parts are whole panels, so that a
 *           part is found where its rows would be; the others are rows, packed at every start.
 * Uses:     base/pool.h, kernels/.
 */
#ifndef AE_MODEL_WEIGHTS_PACK_H
#define AE_MODEL_WEIGHTS_PACK_H

#include "format/names.h"
#include "model/weights.h"

#define AE_PANELS_KEY    "aeon.panels.lanes" /* u32 */
#define AE_PANELS_SUFFIX ".panels"
#define AE_ROWS_SUFFIX   ".weight"

/* Every matrix that is multiplied, until one is refused. */
typedef aeon_status ae_visit_fn(void *user, ae_matrix *w, ae_row_source *from, aeon_error *err);
AEON_MUST_USE aeon_status ae_weights_visit(ae_weights *w, ae_visit_fn *visit, void *user,
                                           aeon_error *err);

/* The type of w's values once they are packed; NULL if w stays as it is. */
const ae_dtype *ae_panel_type(const ae_kernels *k, const ae_matrix *w);

/* to = from as panels of to->n_lanes rows. scratch: where the types differ, for each member of the
 * pool 2 * to->n_lanes * n_cols floats. */
void ae_matrix_pack(const ae_matrix *to, const ae_matrix *from, ae_pool *pool, float *scratch);

#endif
