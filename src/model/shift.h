/* shift.h - close a gap in a timeline: keys and values move to earlier positions.
 *
 * Model:    A key was rotated by its position; moved d positions back, it is rotated by -d (RoPE
 *           angles add up, arXiv:2104.09864). The magnitude of LongRoPE was multiplied in when the
 *           key was made and must not come in again. Values carry no position.
 * Uses:     model/kv.h, model/rope.h, base/pool.h.
 * Promises: exact for the first layer alone: deeper keys and all values have seen the tokens that
 *           are gone. They are what such a cache is; computing anew is what cures it.
 */
#ifndef AE_MODEL_SHIFT_H
#define AE_MODEL_SHIFT_H

#include "base/pool.h"
#include "model/kv.h"

/* Move positions end .. n-1 of a timeline to begin .. in place and drop the pages behind. begin <
 * end <= n; nobody else may hold the pages from begin on (ae_kv_part). */
void ae_kv_shift(ae_kv *kv, const ae_config *c, ae_rope_set set, size_t begin, size_t end, size_t n,
                 ae_pool *pool);

#endif
