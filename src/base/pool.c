#include "base/pool.h"

#include "base/mem.h"
#include "base/system.h"

#include <pthread.h>
#include <stdatomic.h>

/* How often a member looks before it sleeps: some tens of microseconds, more than the gaps of a
 * step where every thread has a core, and little to lose where it has none. It does not yield in
 * between: two members that the system has put on one core and that give way to each other look
 * like one, and are left there; two that insist are parted. Where there are more threads than
 * cores, somebody else needs this one soon. */
enum { N_LOOKS = 2000, N_LOOKS_CROWDED = 200 };

struct ae_pool {
    int n_threads, n_started, n_looks;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* one of the words, for those who sleep */
    atomic_int n_asleep;

    ae_task task; /* written before `begun` changes */
    void *arg;
    bool is_over;

    /* What members wait on, each on its own line of the cache. */
    _Alignas(64) atomic_uint begun; /* counts tasks */
    _Alignas(64) atomic_uint met;   /* counts barriers */

    _Alignas(64) atomic_int n_arrived; /* at the barrier */
    struct {
        _Alignas(64) atomic_size_t n_taken; /* of this member's share of units, since then */
    } shares[AE_POOL_MAX_THREADS];

    pthread_t threads[AE_POOL_MAX_THREADS];
};

typedef struct {
    ae_pool *pool;
    int index;
} worker_arg;

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void sleep_until_changed(ae_pool *p, atomic_uint *word, unsigned seen)
{
    pthread_mutex_lock(&p->lock);
    atomic_fetch_add(&p->n_asleep, 1);
    while (atomic_load(word) == seen) pthread_cond_wait(&p->changed, &p->lock);
    atomic_fetch_sub(&p->n_asleep, 1);
    pthread_mutex_unlock(&p->lock);
}

/* Wait until a word is no longer what was seen. */
static void wait_for(ae_pool *p, atomic_uint *word, unsigned seen)
{
    for (int i = 0; i < p->n_looks; i++) {
        if (atomic_load_explicit(word, memory_order_acquire) != seen) return;
        relax();
    }
    sleep_until_changed(p, word, seen);
}

/* Who falls asleep raises n_asleep before it looks at the word, and the word changes before
 * n_asleep is read here: one of the two sees the other. */
static void change(ae_pool *p, atomic_uint *word)
{
    atomic_fetch_add(word, 1);
    if (atomic_load(&p->n_asleep) == 0) return;
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

static void *worker(void *raw)
{
    worker_arg a = *(worker_arg *)raw;
    ae_member m = {a.pool, a.index, a.pool->n_threads};
    ae_mem_free(raw);
    for (unsigned seen = 0;; seen++) {
        wait_for(a.pool, &a.pool->begun, seen);
        if (a.pool->is_over) return NULL;
        a.pool->task(a.pool->arg, m);
        ae_pool_barrier(m);
    }
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
    p->n_looks = n_threads <= ae_n_cores() ? N_LOOKS : N_LOOKS_CROWDED;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->changed, NULL);
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
    change(p, &p->begun);
    for (int i = 1; i <= p->n_started; i++) pthread_join(p->threads[i], NULL);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    ae_mem_free(p);
}

int ae_pool_n_threads(const ae_pool *p)
{
    return p->n_threads;
}

void ae_pool_run(ae_pool *p, ae_task task, void *arg)
{
    ae_member caller = {p, 0, p->n_threads};
    p->task = task;
    p->arg = arg;
    change(p, &p->begun);
    task(arg, caller);
    ae_pool_barrier(caller);
}

void ae_pool_barrier(ae_member m)
{
    ae_pool *p = m.pool;
    unsigned before = atomic_load_explicit(&p->met, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&p->n_arrived, 1, memory_order_acq_rel) < m.n - 1) {
        wait_for(p, &p->met, before);
        return;
    }
    atomic_store_explicit(&p->n_arrived, 0, memory_order_relaxed);
    for (int i = 0; i < m.n; i++)
        atomic_store_explicit(&p->shares[i].n_taken, 0, memory_order_relaxed);
    change(p, &p->met);
}

bool ae_pool_take(ae_member m, size_t n, size_t *unit)
{
    for (int i = 0; i < m.n; i++) {
        ae_member owner = {m.pool, (m.index + i) % m.n, m.n};
        ae_range share = ae_split(n, 1, owner);
        atomic_size_t *n_taken = &m.pool->shares[owner.index].n_taken;
        *unit = share.begin + atomic_fetch_add_explicit(n_taken, 1, memory_order_relaxed);
        if (*unit < share.end) return true;
    }
    return false;
}

ae_range ae_split(size_t n, size_t align, ae_member m)
{
    size_t n_units = (n + align - 1) / align;
    size_t begin = n_units * (size_t)m.index / (size_t)m.n * align;
    size_t end = n_units * (size_t)(m.index + 1) / (size_t)m.n * align;
    return (ae_range){begin < n ? begin : n, end < n ? end : n};
}
