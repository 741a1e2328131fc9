/* inputs.h - how large the activations are that enter the matrices of a model.
 *
 * Model:    A layer has four inputs, and the head one. Of each the squares of the columns are
 *           summed over all tokens that pass: what an importance matrix (format/imatrix.h) is
 *           made of.
 * Uses:     kernels/, model/config.h.      Threads: each adds to columns of its own.
 * Promises: a column is summed token by token in their order, in f64: the same bits however the
 *           tokens were cut into batches and the columns among threads
 * Example:  TRY(ae_input_sums_init(&sums, config, err));
 *           ae_forward_watch(f, &sums, err); ... ae_forward_run(f, &batch); ...
 *           double first = ae_input_sums_at(&sums, AE_INPUT_FFN_DOWN, layer)[0];
 */
#ifndef AE_MODEL_INPUTS_H
#define AE_MODEL_INPUTS_H

#include "base/pool.h"
#include "kernels/activations.h"
#include "model/config.h"

typedef enum {
    AE_INPUT_QKV,
    AE_INPUT_ATTN_OUTPUT,
    AE_INPUT_GATE_UP,
    AE_INPUT_FFN_DOWN,
    AE_INPUT_HEAD, /* once in a model */
    AE_N_INPUTS
} ae_input;

typedef struct {
    double *values; /* one block, input by input: [n_layers][n_cols[input]] each */
    size_t n_layers, n_cols[AE_N_INPUTS];
    size_t n_tokens; /* that were added */
} ae_input_sums;

/* All 0. Errors: OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_input_sums_init(ae_input_sums *out, const ae_config *c,
                                             aeon_error *err);
void ae_input_sums_release(ae_input_sums *s);

/* [n_cols[input]]; layer 0 for the head. */
double *ae_input_sums_at(const ae_input_sums *s, ae_input input, size_t layer);

/* Add the squares of some columns of rows, in f32. */
void ae_input_sums_add(const ae_input_sums *s, ae_input input, size_t layer, const ae_acts *rows,
                       ae_range columns);

#endif
