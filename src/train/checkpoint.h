/* checkpoint.h - everything a run needs to go on as if never stopped.
 *
 * Format:   a GGUF file of architecture "aeon-checkpoint" with three F32 tensors of n_weights
 *           values, "weights", "moment1", "moment2", and the keys train.step, train.epoch,
 *           train.next (u32), train.identity (JSON text of what decides the run) and train.progress
 *           (JSON text of ae_progress; without it reports begin at the step).
 * Promises: the file is the old or the new checkpoint, whole, whenever the machine stops
 */
#ifndef AE_TRAIN_CHECKPOINT_H
#define AE_TRAIN_CHECKPOINT_H

#include "base/status.h"

#include <jansson.h>

/* What reports are made of: with it, those of a run that goes on are those of one that never
 * stopped. Times are not part of it: equal runs write equal files. */
typedef struct {
    uint64_t n_tokens;      /* since the first step */
    double held_out_loss;   /* the last one measured, */
    uint32_t held_out_step; /* after this step; 0: none yet */
    uint32_t reported_step; /* of the last report */
    double loss;            /* the sum over the targets since then */
    uint64_t n_targets;
} ae_progress;

typedef struct {
    float *weights, *moment1, *moment2; /* [n_weights] borrowed */
    size_t n_weights;
    uint32_t step;        /* steps done */
    uint32_t epoch, next; /* of the packer */
    ae_progress progress;
} ae_checkpoint;

/* Errors: IO, OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_checkpoint_save(const ae_checkpoint *c, const json_t *identity,
                                             const char *path, aeon_error *err);
/* Fill c's arrays and numbers; c->n_weights says how long they are. Errors: NOT_FOUND, IO,
 * BAD_FORMAT, MISMATCH (names the first field in which identities differ), OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_checkpoint_load(ae_checkpoint *c, json_t *identity, const char *path,
                                             aeon_error *err);

#endif
