/* bench.c - how fast training is, beside the peak of the matrix library: aeon_train_bench. */
#include "base/file.h"
#include "base/mem.h"
#include "train/random.h"
#include "train/trainer.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the peak -------------------------------------------------------------------------------- */

enum { SIDE = 1024, N_WINDOWS = 8 };

typedef struct {
    float *matrices; /* [members, 3, SIDE, SIDE] */
} square_job;

static void multiply_squares(void *arg, ae_member member)
{
    const size_t n = (size_t)SIDE * SIDE;
    float *a = ((square_job *)arg)->matrices + (size_t)member.index * 3 * n;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, SIDE, SIDE, SIDE, 1, a, SIDE, a + n,
                SIDE, 0, a + 2 * n, SIDE);
}

/* The best of a few windows: what disturbs a measurement only makes it lower. */
static aeon_status measure_peak(ae_pool *pool, double *gflops, aeon_error *err)
{
    size_t n_threads = (size_t)ae_pool_n_threads(pool), n = n_threads * 3 * SIDE * SIDE;
    square_job job = {.matrices = ae_mem_alloc_array(AE_MEM_TRAIN, n, sizeof(float))};
    if (!job.matrices) return ae_fail_memory(err, n * sizeof(float), "the peak");
    for (size_t i = 0; i < n; i++) job.matrices[i] = (float)(i % 7) - 3;
    double best_s = INFINITY;
    for (int i = 0; i < N_WINDOWS; i++) {
        double start_s = ae_clock_s();
        ae_pool_run(pool, multiply_squares, &job);
        best_s = fmin(best_s, ae_clock_s() - start_s);
    }
    ae_mem_free(job.matrices);
    *gflops = 2e-9 * SIDE * SIDE * SIDE * (double)n_threads / best_s;
    return AEON_OK;
}

/* ---- something to train ---------------------------------------------------------------------- */

/* What models/aeon-tiny.json says of the built-in model. */
static ae_recipe built_in_recipe(void)
{
    return (ae_recipe){
        .optimizer = "muon",
        .products = "bf16",
        .shape = {.n_vocab = 3072,
                  .n_embd = 256,
                  .n_layers = 6,
                  .n_heads = 8,
                  .n_kv_heads = 2,
                  .n_ff = 640,
                  .n_ctx = 4096,
                  .n_ctx_original = 1024,
                  .rope_theta = 10000,
                  .partial_rotary = 0.75,
                  .norm_eps = 1e-5},
        .batch = 8,
        .accumulate = 1,
        .sequence = 1024,
        .learning_rate = 0.003,
        .final_fraction = 1,
        .beta1 = 0.9,
        .beta2 = 0.95,
        .epsilon = 1e-8,
        .weight_decay = 0.1,
        .clip = 1,
    };
}

static aeon_status add_document(ae_talks *t, uint64_t *random, size_t n, uint32_t n_vocab,
                                aeon_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const char is_target = i > 0 && 3 * i >= 2 * n;
        TRY(aeon_tokens_push(&t->ids, (int32_t)ae_random_below(random, n_vocab), err));
        TRY(aeon_text_append(&t->is_target, &is_target, 1, err));
        t->n_targets += (uint64_t)is_target;
    }
    t->starts[++t->n_talks] = t->ids.n;
    return AEON_OK;
}

/* Enough documents for a few different steps; then they come again in another order. */
static aeon_status make_talks(ae_trainer *t, aeon_error *err)
{
    enum { SHORTEST = 60, LONGEST = 400, N_STEPS = 4 };
    const ae_recipe *r = &t->recipe;
    size_t n_tokens = (size_t)r->batch * r->accumulate * r->sequence * N_STEPS;
    size_t longest = r->sequence < LONGEST ? r->sequence : LONGEST;
    size_t shortest = longest < SHORTEST ? longest : SHORTEST;
    uint64_t random = ae_random_seed(1, 0);
    t->train.cap = n_tokens / shortest + 2;
    t->train.starts = ae_mem_alloc_array(AE_MEM_TRAIN, t->train.cap, sizeof(size_t));
    if (!t->train.starts) return ae_fail_memory(err, t->train.cap * sizeof(size_t), "the data");
    while (t->train.ids.n < n_tokens) {
        size_t n = shortest + ae_random_below(&random, longest - shortest + 1);
        TRY(add_document(&t->train, &random, n, r->shape.n_vocab, err));
    }
    return AEON_OK;
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* As the public header counts them. */
static double count_flop(const ae_trainer *t)
{
    const ae_net *net = t->net;
    double in_layers = 0, head = 0, pairs = 0, n_tokens = 0, n_targets = 0;
    for (size_t i = 0; i < net->n_params; i++) {
        const ae_param *p = &net->params[i];
        double n = (double)p->n_rows * (double)p->n_cols;
        if (p->kind == AE_PARAM_EMBEDDING)
            head = n;
        else if (ae_param_is_layer_matrix(p))
            in_layers += n;
    }
    for (size_t i = 0; i < t->n_sequences; i++) {
        const ae_sequence *s = &t->sequences[i];
        n_tokens += (double)s->n;
        n_targets += (double)s->n_targets;
        for (size_t d = 0; d < s->n_documents; d++) {
            double n = (double)(s->starts[d + 1] - s->starts[d]);
            pairs += n * (n + 1) / 2;
        }
    }
    double width = (double)net->heads.n_heads * (double)net->heads.head_dim;
    return 6 * in_layers * n_tokens + 6 * head * n_targets +
           12 * width * net->shape.n_layers * pairs;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* tps [n_steps] becomes the speed of each step, in rising order. */
static aeon_status time_steps(ae_trainer *t, const aeon_train_bench_params *params, double *tps,
                              aeon_train_speed *out, aeon_error *err)
{
    aeon_train_report report;
    double flop = 0;
    TRY(ae_trainer_step(t, &report, err));
    ae_progress warm = t->progress;
    for (size_t i = 0; i < params->n_steps; i++) {
        uint64_t before = t->progress.n_tokens;
        double start_s = ae_clock_s();
        TRY(ae_trainer_step(t, &report, err));
        tps[i] = (double)(t->progress.n_tokens - before) / (ae_clock_s() - start_s);
        flop += count_flop(t);
        if (params->goes_on && !params->goes_on(params->user))
            return ae_fail(err, AEON_CANCELLED, "interrupted");
    }
    uint64_t n_tokens = t->progress.n_tokens - warm.n_tokens;
    qsort(tps, params->n_steps, sizeof *tps, compare_doubles);
    out->n_tokens = n_tokens / params->n_steps;
    out->n_targets = (t->progress.n_targets - warm.n_targets) / params->n_steps;
    out->flop_per_token = flop / (double)n_tokens;
    out->min_tps = tps[0];
    out->max_tps = tps[params->n_steps - 1];
    out->median_tps = 0.5 * (tps[(params->n_steps - 1) / 2] + tps[params->n_steps / 2]);
    out->gflops = 1e-9 * out->median_tps * out->flop_per_token;
    return AEON_OK;
}

static aeon_status run_bench(ae_trainer *t, const aeon_train_bench_params *params, double *tps,
                             aeon_train_speed *out, aeon_error *err)
{
    if (params->config_path)
        TRY(ae_trainer_read_recipe(t, err));
    else
        t->recipe = built_in_recipe();
    TRY(make_talks(t, err));
    TRY(ae_trainer_build(t, err));
    ae_net_init_weights(t->net, t->adamw.weights, 1);
    *out = (aeon_train_speed){.n_parameters = t->net->n_weights,
                              .n_threads = ae_pool_n_threads(t->pool),
                              .has_bf16 = t->net->bf16 != NULL,
                              .has_muon = t->muon.scratch != NULL};
    TRY(measure_peak(t->pool, &out->peak_gflops, err));
    return time_steps(t, params, tps, out, err);
}

aeon_status aeon_train_bench(const aeon_train_bench_params *params, aeon_train_speed *out,
                             aeon_error *err)
{
    if (params->n_steps == 0)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "n_steps: 0 steps cannot be measured");
    aeon_train_params train = {.config_path = params->config_path, .n_threads = params->n_threads};
    ae_trainer t = {.params = &train};
    double *tps = ae_mem_alloc_array(AE_MEM_TRAIN, params->n_steps, sizeof *tps);
    if (!tps) return ae_fail_memory(err, params->n_steps * sizeof *tps, "the times of the steps");
    int blas_threads = openblas_get_num_threads();
    openblas_set_num_threads(1); /* as in a run: each thread has its own sequence */
    aeon_status status = run_bench(&t, params, tps, out, err);
    ae_trainer_release(&t);
    ae_mem_free(tps);
    openblas_set_num_threads(blas_threads);
    return status;
}
