/* model.h - the inside of aeon_model, for the floors above. */
#ifndef AE_MODEL_MODEL_H
#define AE_MODEL_MODEL_H

#include "aeon/model.h"
#include "model/config.h"
#include "model/fingerprint.h"
#include "model/weights.h"

/* Borrowed from the model. The model must have been opened with its weights. */
const ae_config *ae_model_config(const aeon_model *m);
const ae_weights *ae_model_weights(const aeon_model *m);

/* What it was opened from; NULL for a folder. */
const ae_gguf *ae_model_gguf(const aeon_model *m);

/* Have the weights packed for this machine's kernels, if nobody has yet; any thread, and before the
 * first forward pass. progress may be NULL. Errors: OUT_OF_MEMORY, CANCELLED. */
AEON_MUST_USE aeon_status ae_model_prepare(const aeon_model *m, ae_pool *pool,
                                           aeon_progress_fn progress, void *user, aeon_error *err);

/* See model/fingerprint.h. The model must have been opened with its weights. */
AEON_MUST_USE aeon_status ae_model_fingerprint(const aeon_model *m,
                                               uint8_t out[AE_FINGERPRINT_BYTES], aeon_error *err);

/* What an open model occupies, in bytes. */
typedef struct {
    uint64_t weights; /* all tensors as stored, resident once they were read */
    uint64_t vocab;   /* the vocabulary, the file's description, and the vectors that were copied */
    uint64_t
        counted; /* of both: what base/mem counts once weights are packed; the rest is mapped */
} ae_model_size;
ae_model_size ae_model_measure(const aeon_model *m);

#endif
