/* attention.h - every query of a batch against the keys that it may see, run by run.
 *
 * Model:    A batch is spans of tokens, each the next ones of a timeline. For each key/value head
 *           and each run of AE_KV_RUN positions, all queries that see the same page are answered
 *           while it lies in the cache: forks of one beginning read it once for all of them
 *           (cascade attention, arXiv:2402.05099; chunks of runs merged as in arXiv:2205.14135).
 * Uses:     model/kv.h, kernels/.      Threads: different parts may be answered at once.
 * Promises: a query's result depends on its own timeline alone: its keys are summed in order within
 *           a stretch of AE_ATTENTION_STRETCH positions, and the stretches merged in order, whoever
 *           else is in the batch, and whoever answers which stretch.
 */
#ifndef AE_MODEL_ATTENTION_H
#define AE_MODEL_ATTENTION_H

#include "base/pool.h"
#include "model/kv.h"

enum { AE_ATTENTION_STRETCH = 1024 };

/* Tokens for positions pos .. pos+n-1 of a timeline, writable in kv; those before have their keys
 * and values there. No two spans of a batch write the same page. */
typedef struct {
    ae_kv *kv;
    const int32_t *ids; /* [n], each below n_vocab */
    size_t pos, n;      /* n >= 1 */
    ae_rope_set rope_set;
} ae_span;

typedef struct {
    const ae_span *spans;
    size_t n_spans;
} ae_batch;

/* Where a token of the batch stands. */
typedef struct {
    uint32_t span, pos;
} ae_place;

typedef struct {
    const ae_config *config;
    const ae_kernels *kernels;
    const ae_batch *batch;
    const ae_place *places; /* [n_tokens] of all spans, one after the other */
    size_t n_tokens;
    const float *queries; /* [n_tokens][H D], rotated and scaled */
    float *out;           /* [n_tokens][H D] */
    float *shares;        /* [n_shares]: what stretches come to, where they are answered by many */
    size_t n_shares;
    size_t n_stretches; /* those that stand apart in shares; 0: parts are answered whole */
} ae_attention;

/* Floats of scratch that each thread needs, and of shares for a token that sees n_ctx positions. */
size_t ae_attention_scratch(const ae_config *c);
size_t ae_attention_shares(const ae_config *c, size_t n_ctx);

/* Cut the work into parts for a pool of n_threads: some tokens, and all query heads that share a
 * key/value head; where that is too few for all, and shares has room, also by stretches. Sets
 * n_stretches. */
void ae_attention_cut(ae_attention *a, int n_threads);

typedef struct {
    size_t head;    /* of keys and values */
    size_t stretch; /* SIZE_MAX: all */
    ae_range tokens;
} ae_attention_part;
size_t ae_attention_n_parts(const ae_attention *a, int n_threads);
ae_attention_part ae_attention_part_at(const ae_attention *a, int n_threads, size_t i);

/* Answer the queries of a part, after the keys and values of the layer were put. */
void ae_attention_run(const ae_attention *a, size_t layer, ae_attention_part part, float *scratch);

/* The answers to a token's queries, where stretches stand apart: when all parts are done. */
void ae_attention_merge(const ae_attention *a, size_t token);

#endif
