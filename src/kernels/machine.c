/* machine.c - what the machine is and what it reaches at best.
 *
 * A figure is the best of a few windows, each long enough for threads to start and meet: what
 * disturbs a measurement only makes it lower. */
#include "aeon/machine.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/system.h"
#include "kernels/kernels.h"

#include <string.h>

enum {
    N_WINDOWS = 5,
    LINE_BYTES = 64,
};
static const double WINDOW_S = 0.05;
static const size_t READ_BYTES = 256u << 20; /* more than caches hold */

aeon_machine aeon_machine_describe(void)
{
    aeon_machine m = {.isa = ae_kernels_get()->isa,
                      .n_cores = ae_n_cores(),
                      .memory_bytes = ae_memory_bytes(),
                      .memory_available_bytes = ae_memory_available_bytes()};
    ae_processor_name(m.processor, sizeof m.processor);
    return m;
}

const char *aeon_machine_isa_at(size_t i)
{
    static const char *const best_first[] = {"avx512bf16", "avx512",  "avxvnni", "avx2",
                                             "i8mm",       "dotprod", "neon",    "scalar"};
    for (size_t k = 0; k < AE_COUNT(best_first); k++)
        if (ae_kernels_find(best_first[k]) && i-- == 0) return best_first[k];
    return NULL;
}

aeon_type aeon_machine_kv_type(void)
{
    bool has_bf16 = ae_kernels_get()->panel[AEON_TYPE_BF16].act == AE_ACT_BF16;
    return has_bf16 ? AEON_TYPE_BF16 : AEON_TYPE_F16;
}

/* One task of the pool: either reads its part of the buffer or runs n_rounds of a peak. */
typedef struct {
    const uint64_t *buffer;
    ae_peak_fn *peak;
    uint64_t n_rounds;
    uint64_t n_done[AE_POOL_MAX_THREADS]; /* bytes or multiply-adds, by member */
} job;

static void read_part(void *arg, ae_member member)
{
    enum { WORDS = LINE_BYTES / sizeof(uint64_t), AHEAD = 64 * WORDS };
    job *j = arg;
    ae_range words = ae_split(READ_BYTES / sizeof(uint64_t), WORDS, member);
    uint64_t sum = 0;
    for (size_t i = words.begin; i < words.end; i += WORDS) {
        __builtin_prefetch(j->buffer + i + AHEAD);
        sum ^= j->buffer[i]; /* a word of a line brings all of it */
    }
    __asm__ volatile("" : : "r"(sum) : "memory"); /* the sum counts as used */
    j->n_done[member.index] = (words.end - words.begin) * sizeof(uint64_t);
}

static void run_peak(void *arg, ae_member member)
{
    job *j = arg;
    j->n_done[member.index] = j->peak(j->n_rounds);
}

/* Billions per second over one window: the task again and again until the time is over. */
static double measure_window(ae_pool *pool, ae_task task, job *j)
{
    double start = ae_clock_s(), elapsed, done = 0;
    do {
        ae_pool_run(pool, task, j);
        for (int i = 0; i < ae_pool_n_threads(pool); i++) done += (double)j->n_done[i];
        elapsed = ae_clock_s() - start;
    } while (elapsed < WINDOW_S);
    return done / elapsed / 1e9;
}

static double measure(ae_pool *pool, ae_task task, job *j)
{
    double best = 0;
    for (int i = 0; i < N_WINDOWS; i++) {
        double rate = measure_window(pool, task, j);
        if (rate > best) best = rate;
    }
    return best;
}

static double measure_peak(ae_pool *pool, ae_peak_fn *peak, job *j)
{
    if (!peak || peak(1) == 0) return 0;
    j->peak = peak;
    j->n_rounds = 200000; /* a millisecond or so, against microseconds of the pool */
    return measure(pool, run_peak, j);
}

aeon_status aeon_machine_probe(int n_threads, aeon_machine_limits *out, aeon_error *err)
{
    const ae_kernels *k = ae_kernels_get();
    ae_pool *pool;
    TRY(ae_pool_new(&pool, n_threads, err));
    job j = {.buffer = ae_mem_alloc(AE_MEM_SCRATCH, READ_BYTES)};
    if (!j.buffer) {
        ae_pool_free(pool);
        return ae_fail_memory(err, READ_BYTES, "measuring the speed of memory");
    }
    memset((void *)j.buffer, 1,
           READ_BYTES); /* untouched memory is one page of zeros, over and over */
    *out = (aeon_machine_limits){
        .read_gbps = measure(pool, read_part, &j),
        .int8_gmacs = measure_peak(pool, k->peak_int8, &j),
        .bf16_gmacs = measure_peak(pool, k->peak_bf16, &j),
        .f32_gmacs = measure_peak(pool, k->peak_f32, &j),
    };
    ae_mem_free((void *)j.buffer);
    ae_pool_free(pool);
    return AEON_OK;
}
