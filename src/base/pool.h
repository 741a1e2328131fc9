/* pool.h - a persistent team of threads that runs one function at a time.
 *
 * Model:    run(task) lets every member call the task once with its index; run returns when all are
 *           done. The caller is member 0. Inside a task, barrier lets the members meet, and between
 *           two barriers take shares out units of work: who is slow, or has to share a core with
 *           another program, takes fewer. Who waits spins for a moment, then sleeps.
 * Threads:  One caller at a time.
 * Promises: (1) no thread is created after new  (2) all writes before run are seen by the task, all
 *           writes of the task are seen after run
 * Example:  ae_pool_run(pool, multiply, &job);
 *           static void multiply(void *arg, ae_member m)
 *           {
 *               for (size_t u; ae_pool_take(m, n_units, &u);) multiply_unit(arg, u);
 *           }
 */
#ifndef AE_BASE_POOL_H
#define AE_BASE_POOL_H

#include "base/status.h"

typedef struct ae_pool ae_pool;

typedef struct {
    ae_pool *pool;
    int index; /* 0 .. n-1 */
    int n;     /* members */
} ae_member;

typedef void (*ae_task)(void *arg, ae_member member);

enum { AE_POOL_MAX_THREADS = 256 };

/* One thread per core, but no more than the maximum. */
int ae_pool_default_threads(void);

/* n_threads 0: the default. Errors: OUT_OF_MEMORY, INVALID_ARGUMENT (more than the maximum was
 * asked for). */
AEON_MUST_USE aeon_status ae_pool_new(ae_pool **out, int n_threads, aeon_error *err);
void ae_pool_free(ae_pool *pool);
int ae_pool_n_threads(const ae_pool *pool);

void ae_pool_run(ae_pool *pool, ae_task task, void *arg);

/* All members of a running task must come here before any goes on. */
void ae_pool_barrier(ae_member member);

/* One of the units 0 .. n-1 that nobody has taken since the last barrier, or since the task began;
 * false when there is none. Each member has a share of them, as ae_split makes it, and takes it in
 * order, so what it has fetched ahead is its own; then it helps others with what is left of theirs.
 * Members that take give the same n, and meet at a barrier before they take anything else. */
bool ae_pool_take(ae_member member, size_t n, size_t *unit);

/* The part of 0..n that belongs to a member: contiguous, sizes differ by at most align. */
typedef struct {
    size_t begin, end;
} ae_range;
ae_range ae_split(size_t n, size_t align, ae_member member);

#endif
