/* mem.h - memory that is counted: every allocation has a category, a total and a cap.
 *
 * Model:    alloc/free with a small header that remembers size and category. Totals are atomic.
 * Threads:  Any thread.
 * Promises: (1) blocks are 64-byte aligned and zeroed  (2) current bytes return to 0 when all is
 *           freed  (3) a failed resize leaves the old block untouched
 * Example:  float *x = ae_mem_alloc(AE_MEM_SCRATCH, n * sizeof *x);
 *           if (!x) return ae_fail_memory(err, n * sizeof *x, "the logits");
 *           ... ae_mem_free(x);
 */
#ifndef AE_BASE_MEM_H
#define AE_BASE_MEM_H

#include "base/status.h"

#define AE_MEM_LIST(X)                                                                             \
    X(WEIGHTS, "weights")                                                                          \
    X(KV, "keys and values")                                                                       \
    X(SCRATCH, "scratch")                                                                          \
    X(VOCAB, "vocabulary")                                                                         \
    X(INDEX, "index")                                                                              \
    X(TRAIN, "training")                                                                           \
    X(OTHER, "other")

typedef enum {
#define X(name, text) AE_MEM_##name,
    AE_MEM_LIST(X)
#undef X
        AE_MEM_N_KINDS
} ae_mem_kind;

/* size_bytes zeroed bytes, 64-byte aligned; NULL if there is no memory, the cap would be passed, or
 * a test asked for failure. size 0 gives a valid block. */
void *ae_mem_alloc(ae_mem_kind kind, size_t size_bytes);

/* n objects of size bytes each; NULL also if the product overflows. */
void *ae_mem_alloc_array(ae_mem_kind kind, size_t n, size_t size_bytes);

/* Grow or shrink; new bytes are zero. block may be NULL. On failure NULL, the old block remains. */
void *ae_mem_resize(ae_mem_kind kind, void *block, size_t size_bytes);

/* Room for one more in a list that holds n of *cap elements: the block, twice as large if it was
 * full; new bytes are zero. block may be NULL with *cap 0. On failure NULL, the old block remains.
 */
void *ae_mem_room(ae_mem_kind kind, void *block, size_t n, size_t *cap, size_t element_bytes);

/* A copy of text[0..len) with a 0 byte behind it. */
char *ae_mem_text(ae_mem_kind kind, const char *text, size_t len);

/* Accepts NULL. */
void ae_mem_free(void *block);

/* The token loop's guard: while forbidden, an allocation by this thread is a broken invariant. */
void ae_mem_forbid(bool is_forbidden);

const char *ae_mem_kind_name(ae_mem_kind kind);
size_t ae_mem_current(ae_mem_kind kind);
size_t ae_mem_peak(ae_mem_kind kind);

/* What this thread has taken less what it has freed, in bytes: the difference between two calls is
 * what the work between them left behind. */
int64_t ae_mem_of_thread(void);

/* For tests: let the k-th allocation from now fail (1 = the next one), once or every one from
 * there; 0 switches it off. n_allocs counts calls since the last call of this function. */
void ae_mem_fail_at(uint64_t k, bool persistent);
uint64_t ae_mem_n_allocs(void);

#endif
