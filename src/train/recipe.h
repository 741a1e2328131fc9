/* recipe.h - the configuration of a training run: one flat JSON object.
 *
 * Model:    A table of fields with kinds, ranges and defaults reads the object; unknown fields and
 *           values out of range are refused by name. Paths are relative to the working folder.
 * Threads:  Immutable after load.
 * Example:  TRY(ae_recipe_load(&recipe, "models/aeon-tiny.json", NULL, 0, err)); ...
 *           ae_recipe_release(&recipe);
 */
#ifndef AE_TRAIN_RECIPE_H
#define AE_TRAIN_RECIPE_H

#include "aeon/type.h"
#include "train/net.h"

#include <jansson.h>

/* What each field means and allows stands in the table of recipe.c. */
typedef struct {
    json_t *json; /* the parsed file, which owns all texts here */
    const char *train, *held_out, *tokenizer, *chat_template, *loss, *optimizer;
    const char *products;
    const char *name, *checkpoint, *output, *output_type, *curve;
    ae_net_shape shape; /* n_vocab is the tokenizer's, 0 here */
    uint32_t seed, steps, batch, accumulate, sequence, warmup_steps, long_every;
    uint32_t report_steps, held_out_steps, held_out_talks, checkpoint_steps;
    double learning_rate, final_fraction, beta1, beta2, epsilon, weight_decay, clip;
    double checkpoint_minutes;
} ae_recipe;

/* settings [n_settings], "FIELD=VALUE" each, stand in for what the file says. Errors: NOT_FOUND,
 * IO, BAD_FORMAT (file and line), INVALID_ARGUMENT (file and field). */
AEON_MUST_USE aeon_status ae_recipe_load(ae_recipe *out, const char *path,
                                         const char *const *settings, size_t n_settings,
                                         aeon_error *err);
void ae_recipe_release(ae_recipe *r);

/* All fields that decide what is learned, with defaults filled in; NULL if there is no memory. Two
 * runs with equal identities compute the same steps. The caller's (json_decref). */
json_t *ae_recipe_identity(const ae_recipe *r);

/* The learning rate of a step 0 .. steps-1: linear from 0 over warmup_steps, then half a cosine
 * from learning_rate down to final_fraction of it. */
double ae_recipe_learning_rate(const ae_recipe *r, uint64_t step);

#endif
