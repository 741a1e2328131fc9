/* checkpoint.h - everything a run needs to go on as if never stopped.
 *
 * Format:   a GGUF file of architecture "aeon-checkpoint" with three F32 tensors of n_weights
 *           values, "weights", "moment1", "moment2", and the keys train.step, train.epoch,
 *           train.next (u32) and train.identity (JSON text of what decides the run).
 * Promises: the file is the old or the new checkpoint, whole, whenever the machine stops
 */
#ifndef AE_TRAIN_CHECKPOINT_H
#define AE_TRAIN_CHECKPOINT_H

#include "base/status.h"

#include <jansson.h>

typedef struct {
    float *weights, *moment1, *moment2; /* [n_weights] borrowed */
    size_t n_weights;
    uint32_t step;        /* steps done */
    uint32_t epoch, next; /* of the packer */
} ae_checkpoint;

/* Errors: IO, OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_checkpoint_save(const ae_checkpoint *c, const json_t *identity,
                                             const char *path, aeon_error *err);
/* Fill c's arrays and numbers; c->n_weights says how long they are. Errors: NOT_FOUND, IO,
 * BAD_FORMAT, MISMATCH (names the first field in which identities differ), OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_checkpoint_load(ae_checkpoint *c, json_t *identity, const char *path,
                                             aeon_error *err);

#endif
