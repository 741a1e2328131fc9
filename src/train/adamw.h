/* adamw.h - from gradients to new weights: sum, clip, AdamW (Loshchilov and Hutter, 2019).
 *
 * Model:    Each sequence of a batch has its own gradient; they are added in the order of the
 *           sequences, value by value, so that the sum does not depend on which thread made which.
 * Threads:  One pool run; the values are split among its members.
 * Promises: (1) the same bits for any number of threads  (2) a gradient that is not finite leaves
 *           weights and moments as they were
 */
#ifndef AE_TRAIN_ADAMW_H
#define AE_TRAIN_ADAMW_H

#include "base/pool.h"
#include "train/net.h"

typedef struct {
    const ae_net *net;
    float *weights, *moment1, *moment2; /* [n_weights] */
    float **gradients;                  /* [n_gradients][n_weights]; the first becomes the sum */
    size_t n_gradients;
    double *chunk_sums; /* [ae_adamw_n_chunks] scratch */
} ae_adamw;

typedef struct {
    double learning_rate, beta1, beta2, epsilon, weight_decay, clip; /* clip 0: none */
    uint64_t step;                                                   /* of this update, from 1 */
    bool has_muon; /* the layers' matrices are left alone */
} ae_adamw_rates;

/* What clipping leaves of a gradient of this length, as a factor. */
double ae_adamw_clip_scale(const ae_adamw_rates *rates, double norm);

size_t ae_adamw_n_chunks(const ae_net *net);

/* Add all gradients to the first, so that the others can take those of further sequences. */
void ae_adamw_gather(ae_adamw *a, ae_pool *pool);

/* Matrices inside the layers decay, norms and the embedding do not. Returns the length of the
 * summed gradient before clipping. */
double ae_adamw_step(ae_adamw *a, const ae_adamw_rates *rates, ae_pool *pool);

#endif
