/* muon.h - orthogonalized momentum for the matrices inside the layers.
 *
 * Model:    The running mean of a matrix's gradients is replaced by the nearest orthogonal matrix,
 *           so that every direction is learned at the same rate: on small transformers a given loss
 *           takes a quarter fewer steps than with AdamW. Queries, keys, values, gate and up are
 *           matrices of their own. Norms and the embedding stay with AdamW.
 * Source:   Jordan et al., "Muon", 2024 (iteration); Liu et al., "Muon is scalable", 2025 (step
 *           length sqrt(longer side) / 5, which suits the learning rate and decay of AdamW).
 * Threads:  One pool run; each matrix is one member's work.
 * Promises: the same bits for any number of threads
 */
#ifndef AE_TRAIN_MUON_H
#define AE_TRAIN_MUON_H

#include "base/pool.h"
#include "train/net.h"

typedef struct {
    const ae_net *net;
    float *weights, *momentum; /* [n_weights] */
    const float *gradient;     /* [n_weights] */
    float **scratch;           /* [members of the pool][ae_muon_scratch_floats] */
} ae_muon;

typedef struct {
    double learning_rate, momentum, weight_decay;
    double gradient_scale; /* what clipping left of the gradient */
} ae_muon_rates;

size_t ae_muon_scratch_floats(const ae_net *net);

/* Updates what ae_param_is_layer_matrix names. */
void ae_muon_step(const ae_muon *m, const ae_muon_rates *rates, ae_pool *pool);

#endif
