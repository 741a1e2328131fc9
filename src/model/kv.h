/* kv.h - the keys and values of one timeline.
 *
 * Model:    A row of keys and one of values per (layer, position, head). Attention reads runs: as
 *           many consecutive positions as lie one after the other in memory. This cache is
 *           contiguous, so a run is always whole; a paged cache gives shorter ones.
 * Uses:     base/, tensor/, kernels/.      Threads: different (layer, position) may be put at once.
 * Layout:   [layer][head][position][head_dim], keys and values apart, of type F32, F16 or BF16
 */
#ifndef AE_MODEL_KV_H
#define AE_MODEL_KV_H

#include "kernels/kernels.h"
#include "model/config.h"

typedef struct ae_kv ae_kv;

/* Bytes that one token takes over all layers. */
uint64_t ae_kv_bytes_per_token(const ae_config *c, aeon_type type);

/* Errors: OUT_OF_MEMORY (says how much is needed). */
AEON_MUST_USE aeon_status ae_kv_new(ae_kv **out, const ae_config *c, aeon_type type, size_t n_ctx,
                                    aeon_error *err);
void ae_kv_free(ae_kv *kv);
aeon_type ae_kv_type(const ae_kv *kv);

/* Store k and v [n_kv_heads * head_dim] of a position. */
void ae_kv_put(ae_kv *kv, const ae_kernels *kernels, size_t layer, size_t pos, const float *k,
               const float *v);

/* Rows of one head from position pos on: n consecutive ones, row_bytes apart, n >= 1 and at most
 * n_wanted. Borrowed until the next put at these positions. */
typedef struct {
    const char *keys, *values;
    size_t n, row_bytes;
} ae_kv_run;
ae_kv_run ae_kv_run_at(const ae_kv *kv, size_t layer, size_t head, size_t pos, size_t n_wanted);

#endif
