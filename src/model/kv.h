/* kv.h - keys and values in pages, and the timelines that share them.
 *
 *     arena  [ page 0 | page 1 | page 2 | page 3 | ... ]    all memory, taken at the start
 *     table A   0 1 3                   positions 0..95 of one timeline, 32 to a page
 *     table B   0 1 2                   a fork of A: the first 64 tokens stand in memory once
 *
 * Model:    A page holds the keys and values of page_tokens positions, for all layers and heads. A
 *           table (ae_kv) lists the pages of one timeline. Pages are counted: tables that share a
 *           beginning share its pages, and a shared page is copied when a table wants to write it.
 * Uses:     base/, tensor/, kernels/.
 * Threads:  One thread per arena, but put: different rows may be put at once.
 * Promises: (1) a table that failed to grow is what it was  (2) sharing and dropping cost a few
 *           nanoseconds a page, whatever it holds  (3) nothing is allocated after the births
 * Layout:   of a page: [layer][head] { keys, values }, each page_tokens rows of head_dim numbers of
 *           type F32, F16, BF16 or Q8_0. Keys stand in panels (kernels/panel.h) of AE_KV_RUN lanes,
 *           one for each position. Values stand as panels with a lane for each of the head_dim
 *           numbers, whose columns are positions: row by row, but BF16 in pairs of positions; Q8_0
 *           stands row by row.
 * Example:  TRY(ae_kv_grow(&kv, n_past, n_new, err));
 *           ae_kv_put_key(&kv, kernels, layer, head, pos, key);
 *           ae_kv_rows rows = ae_kv_rows_at(&kv, layer, head, pos);
 */
#ifndef AE_MODEL_KV_H
#define AE_MODEL_KV_H

#include "kernels/kernels.h"
#include "model/config.h"

/* Attention adds up keys in runs of this many positions; a page holds one run or several. */
enum { AE_KV_RUN = 32 };

typedef struct ae_kv_arena ae_kv_arena;

/* Bytes that one token takes over all layers. */
uint64_t ae_kv_bytes_per_token(const ae_config *c, aeon_type type);

typedef struct {
    aeon_type type;
    size_t n_tokens;    /* that the arena holds, rounded up to whole pages */
    size_t page_tokens; /* a multiple of AE_KV_RUN; 0: AE_KV_RUN */
} ae_kv_arena_params;

/* Errors: OUT_OF_MEMORY (says how much is needed), INVALID_ARGUMENT. */
AEON_MUST_USE aeon_status ae_kv_arena_new(ae_kv_arena **out, const ae_config *c,
                                          const ae_kv_arena_params *params, aeon_error *err);
/* No table may hold pages any more (asserted). */
void ae_kv_arena_free(ae_kv_arena *a);

aeon_type ae_kv_arena_type(const ae_kv_arena *a);
size_t ae_kv_arena_page_tokens(const ae_kv_arena *a);
size_t ae_kv_arena_page_bytes(const ae_kv_arena *a);
size_t ae_kv_arena_n_pages(const ae_kv_arena *a);
size_t ae_kv_arena_n_free(const ae_kv_arena *a);

/* ---- pages ----------------------------------------------------------------------------------- */

typedef uint32_t ae_kv_page; /* its place in the arena */

/* One more holder, one less. A page without holders is free. */
void ae_kv_page_hold(ae_kv_arena *a, ae_kv_page page);
void ae_kv_page_drop(ae_kv_arena *a, ae_kv_page page);
uint32_t ae_kv_page_n_holders(const ae_kv_arena *a, ae_kv_page page);

/* Its bytes [page_bytes]. */
void *ae_kv_page_data(ae_kv_arena *a, ae_kv_page page);

/* Make all positions from n on zeros in a copy of a page [page_bytes]. */
void ae_kv_page_clear(const ae_kv_arena *a, void *copy, size_t n);

/* ---- tables ---------------------------------------------------------------------------------- */

typedef struct {
    ae_kv_arena *arena;
    ae_kv_page *pages; /* [cap], n_pages of them held */
    size_t n_pages, cap;
} ae_kv;

/* An empty table for up to n_ctx positions. Errors: OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_kv_init(ae_kv *kv, ae_kv_arena *arena, size_t n_ctx, aeon_error *err);
void ae_kv_release(ae_kv *kv);

/* Make positions pos .. pos+n-1 writable, n >= 1: take free pages, and copy those of them that
 * others hold. All positions below pos must have pages. Errors: OUT_OF_MEMORY (no page is free). */
AEON_MUST_USE aeon_status ae_kv_grow(ae_kv *kv, size_t pos, size_t n, aeon_error *err);

/* Free pages that ae_kv_grow would take. */
size_t ae_kv_grow_needs(const ae_kv *kv, size_t pos, size_t n);

/* Give positions pos .. pos+n-1, which have pages, pages that nobody else holds, with what stands
 * in them. Errors: OUT_OF_MEMORY (no page is free). */
AEON_MUST_USE aeon_status ae_kv_part(ae_kv *kv, size_t pos, size_t n, aeon_error *err);

/* Drop the pages behind the first n_tokens positions. */
void ae_kv_shorten(ae_kv *kv, size_t n_tokens);

/* Give an empty table of the same arena the pages of the first n_tokens positions of another. */
void ae_kv_share(ae_kv *to, const ae_kv *from, size_t n_tokens);

/* Append a page, held once more, to a table whose pages are all full. */
void ae_kv_append(ae_kv *kv, ae_kv_page page);

/* Store a head's key or value [head_dim] of a writable position; those of a head in the order of
 * positions. */
void ae_kv_put_key(ae_kv *kv, const ae_kernels *kernels, size_t layer, size_t head, size_t pos,
                   const float *key);
void ae_kv_put_value(ae_kv *kv, const ae_kernels *kernels, size_t layer, size_t head, size_t pos,
                     const float *value);

/* A head's key or value of a position in f32 [head_dim]. */
void ae_kv_get_key(const ae_kv *kv, size_t layer, size_t head, size_t pos, float *key);
void ae_kv_get_value(const ae_kv *kv, size_t layer, size_t head, size_t pos, float *value);
size_t ae_kv_row_bytes(const ae_kv_arena *a);

/* The keys and values of one head at AE_KV_RUN positions from pos on, a multiple of it. Borrowed
 * until the table changes. */
typedef struct {
    const char *keys, *values;
} ae_kv_run;
ae_kv_run ae_kv_run_at(const ae_kv *kv, size_t layer, size_t head, size_t pos);

#endif
