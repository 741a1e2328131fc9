/* forward.h - the transformer: tokens in, logits out.
 *
 * Model:    A forward object is scratch for up to n_max tokens at a time, and the pool that works
 *           on it. run pushes a batch through all layers and leaves its final hidden states;
 *           logits multiplies chosen ones with the output head.
 * Uses:     kernels/, model/{config,weights,kv,rope}.h.      Threads: one caller at a time.
 * Promises: (1) the result for a token depends on its timeline alone: not on the batch, the
 *           chunking or the number of threads  (2) run and logits allocate nothing, cannot fail
 *           (3) weights may be packed or plain, each in its own way
 * Example:  ae_span span = {.kv = &kv, .ids = ids, .pos = 0, .n = n};
 *           ae_forward_run(f, &(ae_batch){&span, 1});
 *           ae_forward_logits(f, &(size_t){n - 1}, 1, &logits);
 */
#ifndef AE_MODEL_FORWARD_H
#define AE_MODEL_FORWARD_H

#include "model/attention.h"
#include "model/inputs.h"
#include "model/logits.h"
#include "model/weights.h"

typedef struct ae_forward ae_forward;

/* config, weights and pool are borrowed. Errors: OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_forward_new(ae_forward **out, const ae_config *config,
                                         const ae_weights *weights, ae_pool *pool, size_t n_max,
                                         aeon_error *err);
void ae_forward_free(ae_forward *f);
size_t ae_forward_n_max(const ae_forward *f);

/* From now on every run adds what enters the matrices to sums, which outlives f: before rounding,
 * in f32, for which room is taken here. Errors: OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_forward_watch(ae_forward *f, ae_input_sums *sums, aeon_error *err);

/* What one takes for each of its n_max tokens and for each thread of its pool, whatever the types
 * of the weights: at most so many bytes. For plans, before there are weights. */
uint64_t ae_forward_token_bytes(const ae_config *c);
uint64_t ae_forward_thread_bytes(const ae_config *c, size_t n_max);

/* Store the keys and values of a batch of 1 to n_max tokens in their tables and compute its hidden
 * states. */
void ae_forward_run(ae_forward *f, const ae_batch *batch);

/* logits[i] [ae_logits_len(n_vocab)] becomes that of tokens[i] with its peaks (logits.h), n <=
 * n_max tokens of the last batch by their places in it: the weights of the head are read once for
 * all. */
void ae_forward_logits(ae_forward *f, const size_t *tokens, size_t n, float *const *logits);

#endif
