/* rope.h - rotary position embedding (arXiv:2104.09864), with LongRoPE's factors (2402.13753).
 *
 * Model:    A table gives cos and sin per position; rotate applies them to the heads of a token.
 * Uses:     base/, model/config.h.
 */
#ifndef AE_MODEL_ROPE_H
#define AE_MODEL_ROPE_H

#include "model/config.h"

/* cos_sin [rope_dim]: first the rope_dim/2 cosines, then the sines of a position, times the
 * magnitude. Angles are computed in f64: at position 100,000 an f32 angle is off by 0.004. */
void ae_rope_angles(const ae_config *c, ae_rope_set set, size_t pos, float *cos_sin);

/* The same for moving a rotated key n positions back: angles of -n, magnitude 1. */
void ae_rope_turn_back(const ae_config *c, ae_rope_set set, size_t n, float *cos_sin);

/* Rotate the first rope_dim values of each of n_heads heads at x [n_heads * head_dim]. */
void ae_rope_rotate(const ae_config *c, const float *cos_sin, float *x, size_t n_heads);

#endif
