/* importance.h - what an importance matrix says of the tensors that a conversion writes.
 *
 * Model:    Entries are matched with tensors by name. A matrix that was made of another model gives
 *           itself away: by a name that is not there on one of the sides, or another width.
 * Uses:     convert.h, format/imatrix.h.      Threads: pure function.
 */
#ifndef AE_MODEL_IMPORTANCE_H
#define AE_MODEL_IMPORTANCE_H

#include "format/imatrix.h"
#include "model/convert.h"

/* out[i] = the importance of the columns of tensor i, [dims[0]], borrowed from m, or NULL: of that
 * tensor nothing is known. types: what the tensors become. Each matrix of a layer that is rounded
 * to blocks must be in m; head and embedding may be, for llama.cpp leaves them out.
 * Errors: MISMATCH (names the tensor). */
AEON_MUST_USE aeon_status ae_importance_match(const float **out, const ae_imatrix *m,
                                              const ae_source *s, const ae_dtype *const *types,
                                              aeon_error *err);

#endif
