/* forward.h - the transformer: tokens in, logits out.
 *
 * Model:    A forward object is scratch for up to n_max tokens at a time, and the pool that works
 *           on it. run pushes a batch through all layers and leaves its final hidden states;
 *           logits multiplies chosen ones with the output head.
 * Uses:     kernels/, model/{config,weights,kv,rope}.h.      Threads: one caller at a time.
 * Promises: (1) the result for a token depends on its timeline alone: not on the batch, the
 *           chunking or the number of threads  (2) run and logits allocate nothing, cannot fail
 * Example:  ae_forward_run(f, kv, &(ae_batch){ids, pos, n, AE_ROPE_SET_SHORT});
 *           ae_forward_logits(f, n - 1, 1, logits);
 */
#ifndef AE_MODEL_FORWARD_H
#define AE_MODEL_FORWARD_H

#include "base/pool.h"
#include "model/kv.h"
#include "model/weights.h"

typedef struct ae_forward ae_forward;

/* n_max tokens of one timeline at the given positions, each after those before it. */
typedef struct {
    const int32_t *ids;  /* [n], each below n_vocab */
    const uint32_t *pos; /* [n], below the cache's n_ctx */
    size_t n;            /* 1 .. n_max */
    ae_rope_set rope_set;
} ae_batch;

/* config, weights and pool are borrowed. Errors: OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_forward_new(ae_forward **out, const ae_config *config,
                                         const ae_weights *weights, ae_pool *pool, size_t n_max,
                                         aeon_error *err);
void ae_forward_free(ae_forward *f);
size_t ae_forward_n_max(const ae_forward *f);

/* Make room for attention over n_ctx positions; called before a session of that length runs. */
AEON_MUST_USE aeon_status ae_forward_reserve(ae_forward *f, size_t n_ctx, aeon_error *err);

/* Store the batch's keys and values in kv and compute its hidden states. */
void ae_forward_run(ae_forward *f, ae_kv *kv, const ae_batch *batch);

/* logits [n][n_vocab] of tokens first .. first+n-1 of the last batch. */
void ae_forward_logits(ae_forward *f, size_t first, size_t n, float *logits);

#endif
