#include "base/pool.h"

#include "base/mem.h"
#include "base/system.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

/* Members spin this often before they sleep: a few microseconds, less than a step's gaps. */
enum { N_SPINS = 2000 };

struct ae_pool {
    int n_threads, n_started;
    pthread_mutex_t lock;
    pthread_cond_t wake; /* a new task, or the end */

    ae_task task; /* written before the generation counter is raised */
    void *arg;
    bool is_over;
    _Alignas(64) atomic_uint generation; /* counts tasks */
    _Alignas(64) atomic_int n_running;   /* members but the caller still in the task */

    _Alignas(64) atomic_int n_arrived; /* at the barrier */
    _Alignas(64) atomic_uint sense;    /* flips when the last member arrives */

    pthread_t threads[AE_POOL_MAX_THREADS];
};

typedef struct {
    ae_pool *pool;
    int index;
} worker_arg;

static inline void relax(int i)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
    if (i % 64 == 63) sched_yield(); /* another process may need this core */
}

/* Wait for a generation other than seen: spin first, then sleep. */
static unsigned wait_for_task(ae_pool *p, unsigned seen)
{
    unsigned now;
    for (int i = 0; i < N_SPINS; i++) {
        now = atomic_load_explicit(&p->generation, memory_order_acquire);
        if (now != seen) return now;
        relax(i);
    }
    pthread_mutex_lock(&p->lock);
    while ((now = atomic_load(&p->generation)) == seen) pthread_cond_wait(&p->wake, &p->lock);
    pthread_mutex_unlock(&p->lock);
    return now;
}

static void *worker(void *raw)
{
    worker_arg a = *(worker_arg *)raw;
    ae_mem_free(raw);
    for (unsigned seen = 0;;) {
        seen = wait_for_task(a.pool, seen);
        if (a.pool->is_over) return NULL;
        a.pool->task(a.pool->arg, (ae_member){a.pool, a.index, a.pool->n_threads});
        atomic_fetch_sub_explicit(&a.pool->n_running, 1, memory_order_release);
    }
}

static void announce(ae_pool *p)
{
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add_explicit(&p->generation, 1, memory_order_release);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

static aeon_status start_worker(ae_pool *p, int index, aeon_error *err)
{
    worker_arg *a = ae_mem_alloc(AE_MEM_OTHER, sizeof *a);
    if (!a) return ae_fail_memory(err, sizeof *a, "a thread");
    *a = (worker_arg){p, index};
    if (pthread_create(&p->threads[index], NULL, worker, a) != 0) {
        ae_mem_free(a);
        return ae_fail(err, AEON_OUT_OF_MEMORY, "cannot start thread %d of %d", index + 1,
                       p->n_threads);
    }
    p->n_started = index;
    return AEON_OK;
}

int ae_pool_default_threads(void)
{
    int n_cores = ae_n_cores();
    return n_cores < AE_POOL_MAX_THREADS ? n_cores : AE_POOL_MAX_THREADS;
}

aeon_status ae_pool_new(ae_pool **out, int n_threads, aeon_error *err)
{
    if (n_threads == 0) n_threads = ae_pool_default_threads();
    if (n_threads < 0 || n_threads > AE_POOL_MAX_THREADS)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%d threads: choose 1 to %d", n_threads,
                       AE_POOL_MAX_THREADS);
    ae_pool *p = ae_mem_alloc(AE_MEM_OTHER, sizeof *p);
    if (!p) return ae_fail_memory(err, sizeof *p, "the worker pool");
    p->n_threads = n_threads;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    for (int i = 1; i < n_threads; i++) {
        aeon_status status = start_worker(p, i, err);
        if (status != AEON_OK) {
            ae_pool_free(p);
            return status;
        }
    }
    *out = p;
    return AEON_OK;
}

void ae_pool_free(ae_pool *p)
{
    if (!p) return;
    p->is_over = true;
    announce(p);
    for (int i = 1; i <= p->n_started; i++) pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    ae_mem_free(p);
}

int ae_pool_n_threads(const ae_pool *p)
{
    return p->n_threads;
}

void ae_pool_run(ae_pool *p, ae_task task, void *arg)
{
    if (p->n_threads > 1) {
        p->task = task;
        p->arg = arg;
        atomic_store_explicit(&p->n_running, p->n_threads - 1, memory_order_relaxed);
        announce(p);
    }
    task(arg, (ae_member){p, 0, p->n_threads});
    for (int i = 0; atomic_load_explicit(&p->n_running, memory_order_acquire) > 0; i++) relax(i);
}

void ae_pool_barrier(ae_member m)
{
    ae_pool *p = m.pool;
    unsigned before = atomic_load_explicit(&p->sense, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&p->n_arrived, 1, memory_order_acq_rel) == m.n - 1) {
        atomic_store_explicit(&p->n_arrived, 0, memory_order_relaxed);
        atomic_fetch_add_explicit(&p->sense, 1, memory_order_release);
        return;
    }
    for (int i = 0; atomic_load_explicit(&p->sense, memory_order_acquire) == before; i++) relax(i);
}

ae_range ae_split(size_t n, size_t align, ae_member m)
{
    size_t n_units = (n + align - 1) / align;
    size_t begin = n_units * (size_t)m.index / (size_t)m.n * align;
    size_t end = n_units * (size_t)(m.index + 1) / (size_t)m.n * align;
    return (ae_range){begin < n ? begin : n, end < n ? end : n};
}
