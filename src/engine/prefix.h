/* prefix.h - beginnings of timelines that were computed before: whole pages, ready to be shared.
 *
 *     key (short factors, adapter 0)
 *      |
 *     [You are a kind ..]        page 4       a system prompt, known to two talks
 *      |
 *     [.. answer briefly.]       page 7
 *      |            \
 *     [What is ..]  [Write a ..] pages 2, 9   where they part
 *
 * Model:    A radix tree whose edges are whole pages: a node stands for the page_tokens ids of one
 *           page behind its parent, and holds that page. A timeline that repeats a known path takes
 *           its pages and computes the rest. Results do not depend on who computed them, so nothing
 *           changes but the time (the idea: RadixAttention, arXiv:2312.07104).
 * Uses:     base/, model/ (kv.h).
 * Threads:  One, that of the arena.
 * Promises: (1) ids are compared in full: chance and ill will cost time, never a wrong page
 *           (2) keys never see each other's pages  (3) a node is forgotten before its parent, the
 *           least recently used first  (4) nothing is allocated after the birth  (5) nothing is
 *           written to disk, and the ids of what is forgotten are erased
 * Example:  n_known = ae_prefix_find(p, key, ids, n - 1, &kv);  one token at least is computed
 *           .. compute ids[n_known .. n) ..
 *           ae_prefix_add(p, key, ids, n, &kv);
 *           ae_prefix_make_room(p, ae_kv_grow_needs(&kv, n, 1));  before a table grows
 */
#ifndef AE_ENGINE_PREFIX_H
#define AE_ENGINE_PREFIX_H

#include "model/kv.h"

typedef struct ae_prefix ae_prefix;

/* What keys and values depend on beside the ids. */
typedef struct {
    ae_rope_set rope_set;
    uint64_t adapter; /* 0: the model as it is */
} ae_prefix_key;

/* An empty tree over the pages of an arena, which must outlive it. n_chains: of its hash table; 0:
 * one for every page. Takes 4 bytes for a token of the arena and 44 for a page. Errors:
 * OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_prefix_new(ae_prefix **out, ae_kv_arena *arena, size_t n_chains,
                                        aeon_error *err);
/* Drops its pages. */
void ae_prefix_free(ae_prefix *p);

/* Give an empty table the pages of the longest known beginning of ids[0..n); how many tokens they
 * hold, a multiple of page_tokens. */
size_t ae_prefix_find(ae_prefix *p, ae_prefix_key key, const int32_t *ids, size_t n, ae_kv *kv);

/* Remember the full pages among the first n tokens of a table, which this engine computed from ids
 * under this key. Where the tree knows a page of the same ids, the table takes that one and drops
 * its own: the bits are the same, and memory holds them once. Rows of the table that were borrowed
 * are void. */
void ae_prefix_add(ae_prefix *p, ae_prefix_key key, const int32_t *ids, size_t n, ae_kv *kv);

/* Forget until the arena has n_pages free pages, or the tree holds only what tables hold too: that
 * costs nothing to keep. The number of free pages. */
size_t ae_prefix_make_room(ae_prefix *p, size_t n_pages);

/* Forget everything. */
void ae_prefix_clear(ae_prefix *p);

typedef struct {
    size_t n_pages;                                 /* remembered now */
    size_t n_lookups, n_asked_tokens, n_hit_tokens; /* of all finds */
    size_t n_evicted;                               /* pages forgotten to make room */
} ae_prefix_stats;
ae_prefix_stats ae_prefix_stats_get(const ae_prefix *p);

#endif
