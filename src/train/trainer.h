/* trainer.h - the parts of a running training: put together, and taken apart again.
 *
 * Model:    set_up reads the recipe, the tokenizer and the talks, says what memory is needed, takes
 *           it, and starts from new weights or from the checkpoint. Steps and the loop are run.c's.
 * Threads:  One run at a time.
 * Example:  ae_trainer t = {.params = params};  status = ae_trainer_set_up(&t, err); ...
 *           ae_trainer_release(&t);
 */
#ifndef AE_TRAIN_TRAINER_H
#define AE_TRAIN_TRAINER_H

#include "aeon/train.h"
#include "base/pool.h"
#include "text/vocab.h"
#include "train/adamw.h"
#include "train/checkpoint.h"
#include "train/curve.h"
#include "train/muon.h"
#include "train/recipe.h"
#include "train/talks.h"

typedef struct {
    const aeon_train_params *params;
    ae_recipe recipe;
    json_t *identity;

    ae_vocab vocab;
    aeon_tokenizer *tokenizer;
    ae_talks train, held_out; /* held_out.n_talks may be 0 */
    ae_packer packer;

    ae_net *net;
    ae_pool *pool;
    ae_net_work **works;    /* [members of the pool] */
    ae_sequence *sequences; /* [n_sequences] of one step */
    double *losses;         /* [n_sequences] */
    size_t n_sequences;     /* batch * accumulate */
    ae_adamw adamw;         /* weights, moments, and a gradient for each sequence of a batch */
    ae_muon muon;           /* shares weights, moment1 and the gradient; no scratch: not used */

    uint32_t step; /* steps done */
    bool is_saved; /* the checkpoint is one of this run */
    ae_progress progress;
    ae_curve curve; /* has no name if none is wanted */
} ae_trainer;

/* The errors of aeon_train_run. Release also after a failure. */
AEON_MUST_USE aeon_status ae_trainer_set_up(ae_trainer *t, aeon_error *err);
void ae_trainer_release(ae_trainer *t);

/* Parts of set_up: the recipe with its vocabulary; and, from recipe and talks, all that computes.
 */
AEON_MUST_USE aeon_status ae_trainer_read_recipe(ae_trainer *t, aeon_error *err);
AEON_MUST_USE aeon_status ae_trainer_build(ae_trainer *t, aeon_error *err);

/* One update of the weights. Fails if loss or gradient is no number; the weights are then as
 * before. */
AEON_MUST_USE aeon_status ae_trainer_step(ae_trainer *t, aeon_train_report *report,
                                          aeon_error *err);

/* The type of the output's matrices. */
aeon_type ae_trainer_output_type(const ae_trainer *t);

/* A line for the person who watches. */
__attribute__((format(printf, 2, 3))) void ae_trainer_note(const ae_trainer *t, const char *format,
                                                           ...);

#endif
