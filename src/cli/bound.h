/* bound.h - the fastest that a machine's measured limits allow.
 *
 * Model:    A step reads bytes and multiplies; both can go on at once, so it lasts at least as long
 *           as the longer of the two. No program is faster with this model in this memory, save
 *           where a model is so small that caches hold it.
 * Uses:     aeon/ alone.      Threads: pure functions.
 * Example:  cli_step step = cli_step_decode(&work, 4096, 32, 1);
 *           double most_tps = 1 / cli_step_least_s(&work, &step, &limits);
 */
#ifndef CLI_BOUND_H
#define CLI_BOUND_H

#include "aeon/aeon.h"

typedef struct {
    const aeon_model_info *model;
    aeon_type kv_type;
    double kv_bytes_per_token;
} cli_work;

/* What one step has to do. */
typedef struct {
    double bytes;          /* read from memory: the weights once, and keys and values */
    double weight_macs;    /* multiply-adds with weights, */
    double attention_macs; /* and with keys and values */
} cli_step;

/* n_tokens read at once behind depth others, and one row of logits. */
cli_step cli_step_prefill(const cli_work *w, double depth, double n_tokens);

/* One token for each of n_batch branches of a talk, in the mean of n_tokens steps; they share the
 * first depth tokens, whose keys and values need to be read only once. */
cli_step cli_step_decode(const cli_work *w, double depth, double n_tokens, double n_batch);

/* Seconds that the step takes at least. */
double cli_step_least_s(const cli_work *w, const cli_step *step, const aeon_machine_limits *limits);

#endif
