/* run.c - the training loop: aeon_train_run. */
#include "aeon/train.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pool.h"
#include "kernels/kernels.h"
#include "text/vocab.h"
#include "train/adamw.h"
#include "train/checkpoint.h"
#include "train/export.h"
#include "train/recipe.h"
#include "train/talks.h"

#include <cblas.h>
#include <math.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const aeon_train_params *params;
    ae_recipe recipe;
    json_t *identity;

    ae_vocab vocab;
    aeon_tokenizer *tokenizer;
    ae_talks train, held_out; /* held_out.n_talks may be 0 */
    ae_packer packer;

    ae_net *net;
    ae_pool *pool;
    ae_net_work **works;    /* [members of the pool] */
    ae_sequence *sequences; /* [batch] */
    double *losses;         /* [batch] */
    ae_adamw adamw;         /* weights, moments, and a gradient for each sequence */

    uint32_t step; /* steps done */
} trainer;

/* Since the last report, or the last checkpoint. */
typedef struct {
    double start_s, loss;
    uint64_t n_targets, n_tokens;
} interval;

__attribute__((format(printf, 2, 3))) static void note(const trainer *t, const char *format, ...)
{
    char line[256];
    va_list args;
    if (!t->params->on_note) return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    t->params->on_note(t->params->user, line);
}

/* ---- setting up ------------------------------------------------------------------------------ */

static aeon_status load_tokenizer(trainer *t, aeon_error *err)
{
    enum { MAX_BYTES = 1 << 28 };
    aeon_text json = {0};
    const char *path = t->recipe.tokenizer;
    aeon_status status = ae_file_read(path, MAX_BYTES, &json, err);
    if (status == AEON_OK) status = ae_vocab_from_json(&t->vocab, json.data, json.len, path, err);
    aeon_text_release(&json);
    TRY(status);
    TRY(ae_tokenizer_new(&t->tokenizer, &t->vocab, err));
    t->vocab.bos = t->vocab.eos = t->vocab.pad = aeon_tokenizer_find(t->tokenizer, "<|endoftext|>");
    t->recipe.shape.n_vocab = (uint32_t)aeon_tokenizer_n_vocab(t->tokenizer);
    return AEON_OK;
}

static aeon_status load_talks(trainer *t, aeon_error *err)
{
    const ae_recipe *r = &t->recipe;
    ae_talks_how how = {.tokenizer = t->tokenizer,
                        .chat = aeon_chat_template_find(r->chat_template),
                        .learn_all = strcmp(r->loss, "all") == 0,
                        .max_tokens = r->sequence};
    if (!how.chat)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: chat_template: \"%s\" is unknown",
                       t->params->config_path, r->chat_template);
    TRY(ae_talks_load(&t->train, &how, r->train, err));
    note(t, "%s: %zu talks, %zu tokens, %llu of them to be learned", r->train, t->train.n_talks,
         t->train.ids.n, (unsigned long long)t->train.n_targets);
    if (!r->held_out[0]) return AEON_OK;
    TRY(ae_talks_load(&t->held_out, &how, r->held_out, err));
    if (t->held_out.n_talks > r->held_out_talks) t->held_out.n_talks = r->held_out_talks;
    return AEON_OK;
}

/* The recipe's identity, and which data and vocabulary it met. */
static aeon_status fill_identity(trainer *t, aeon_error *err)
{
    char hash[17];
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)t->train.hash);
    t->identity = ae_recipe_identity(&t->recipe);
    if (!t->identity || json_object_set_new(t->identity, "data", json_string(hash)) != 0 ||
        json_object_set_new(t->identity, "n_vocab", json_integer(t->recipe.shape.n_vocab)) != 0)
        return ae_fail_memory(err, sizeof *t, "the identity of the run");
    return AEON_OK;
}

static void note_memory(const trainer *t, size_t n_threads)
{
    double mb = 1.0 / (1 << 20), weights = (double)t->net->n_weights * sizeof(float);
    double activations = (double)n_threads * (double)ae_net_work_bytes(t->net);
    double gradients = weights * t->recipe.batch;
    note(t,
         "%.2f M parameters; memory: %.0f MB weights and moments, %.0f MB gradients, %.0f MB "
         "activations of %zu threads",
         weights / sizeof(float) * 1e-6, 3 * weights * mb, gradients * mb, activations * mb,
         n_threads);
}

/* OpenBLAS takes old kernels on a processor newer than itself; a person can name better ones. */
static void note_old_blas(const trainer *t)
{
    const char *core = openblas_get_corename();
    bool is_old = strcmp(core, "Haswell") == 0 || strcmp(core, "Zen") == 0;
    if (is_old && strcmp(ae_kernels_get()->isa, "avx512") == 0)
        note(t,
             "OpenBLAS runs its %s kernels; with OPENBLAS_CORETYPE=SkylakeX in the environment "
             "this machine may be twice as fast",
             core);
}

static aeon_status alloc_arrays(trainer *t, aeon_error *err)
{
    size_t n = t->net->n_weights, batch = t->recipe.batch;
    ae_adamw *a = &t->adamw;
    a->net = t->net;
    a->weights = ae_mem_alloc_array(AE_MEM_TRAIN, n, sizeof(float));
    a->moment1 = ae_mem_alloc_array(AE_MEM_TRAIN, n, sizeof(float));
    a->moment2 = ae_mem_alloc_array(AE_MEM_TRAIN, n, sizeof(float));
    a->chunk_sums = ae_mem_alloc_array(AE_MEM_TRAIN, ae_adamw_n_chunks(t->net), sizeof(double));
    a->gradients = ae_mem_alloc_array(AE_MEM_TRAIN, batch, sizeof *a->gradients);
    t->sequences = ae_mem_alloc_array(AE_MEM_TRAIN, batch, sizeof *t->sequences);
    t->losses = ae_mem_alloc_array(AE_MEM_TRAIN, batch, sizeof *t->losses);
    if (!a->weights || !a->moment1 || !a->moment2 || !a->chunk_sums || !a->gradients ||
        !t->sequences || !t->losses)
        return ae_fail_memory(err, 3 * n * sizeof(float), "the weights and their moments");
    for (; a->n_gradients < batch; a->n_gradients++) {
        size_t i = a->n_gradients;
        TRY(ae_sequence_init(&t->sequences[i], t->recipe.sequence, err));
        a->gradients[i] = ae_mem_alloc_array(AE_MEM_TRAIN, n, sizeof(float));
        if (!a->gradients[i])
            return ae_fail_memory(err, n * batch * sizeof(float), "the gradients of a batch");
    }
    return AEON_OK;
}

static aeon_status alloc_threads(trainer *t, aeon_error *err)
{
    int n = t->params->n_threads ? t->params->n_threads : ae_n_cores();
    if (n > (int)t->recipe.batch) n = (int)t->recipe.batch; /* a sequence is not split */
    note_memory(t, (size_t)(n > 0 ? n : 0));
    TRY(ae_pool_new(&t->pool, n, err));
    t->works = ae_mem_alloc_array(AE_MEM_TRAIN, (size_t)n, sizeof *t->works);
    if (!t->works) return ae_fail_memory(err, sizeof *t->works, "the threads");
    for (int i = 0; i < n; i++) TRY(ae_net_work_new(&t->works[i], t->net, err));
    return AEON_OK;
}

static aeon_status start_or_resume(trainer *t, aeon_error *err)
{
    const ae_recipe *r = &t->recipe;
    if (!t->params->resume || !ae_file_exists(r->checkpoint)) {
        ae_net_init_weights(t->net, t->adamw.weights, r->seed);
        return AEON_OK;
    }
    ae_checkpoint c = {.weights = t->adamw.weights,
                       .moment1 = t->adamw.moment1,
                       .moment2 = t->adamw.moment2,
                       .n_weights = t->net->n_weights};
    TRY(ae_checkpoint_load(&c, t->identity, r->checkpoint, err));
    if (c.next > t->train.n_talks || c.step > r->steps)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: its place in the data does not exist",
                       r->checkpoint);
    ae_packer_seek(&t->packer, c.epoch, c.next);
    t->step = c.step;
    note(t, "%s: going on after step %u", r->checkpoint, c.step);
    return AEON_OK;
}

static aeon_status set_up(trainer *t, aeon_error *err)
{
    const ae_recipe *r = &t->recipe;
    TRY(ae_recipe_load(&t->recipe, t->params->config_path, err));
    TRY(load_tokenizer(t, err));
    TRY(load_talks(t, err));
    TRY(fill_identity(t, err));
    TRY(ae_net_new(&t->net, &r->shape, r->sequence, err));
    note_old_blas(t);
    TRY(alloc_threads(t, err));
    TRY(alloc_arrays(t, err));
    TRY(ae_packer_init(&t->packer, &t->train, r->sequence, true, r->seed, err));
    return start_or_resume(t, err);
}

static void release(trainer *t)
{
    ae_adamw *a = &t->adamw;
    for (size_t i = 0; a->gradients && i < t->recipe.batch; i++) ae_mem_free(a->gradients[i]);
    for (size_t i = 0; t->sequences && i < t->recipe.batch; i++)
        ae_sequence_release(&t->sequences[i]);
    for (int i = 0; t->works && i < ae_pool_n_threads(t->pool); i++) ae_net_work_free(t->works[i]);
    ae_mem_free(a->gradients);
    ae_mem_free(a->weights);
    ae_mem_free(a->moment1);
    ae_mem_free(a->moment2);
    ae_mem_free(a->chunk_sums);
    ae_mem_free(t->sequences);
    ae_mem_free(t->losses);
    ae_mem_free(t->works);
    ae_pool_free(t->pool);
    ae_net_free(t->net);
    ae_packer_release(&t->packer);
    ae_talks_release(&t->train);
    ae_talks_release(&t->held_out);
    ae_tokenizer_free(t->tokenizer);
    ae_vocab_release(&t->vocab);
    json_decref(t->identity);
    ae_recipe_release(&t->recipe);
}

/* ---- one step -------------------------------------------------------------------------------- */

/* Sequences are taken by whoever is free; each has its own gradient and loss, so it does not matter
 * by whom. */
typedef struct {
    trainer *t;
    size_t n_sequences;
    bool has_gradient;
    float scale;
    atomic_size_t next;
} batch_job;

static void run_sequences(void *arg, ae_member member)
{
    batch_job *job = arg;
    trainer *t = job->t;
    for (size_t i; (i = atomic_fetch_add(&job->next, 1)) < job->n_sequences;) {
        float *gradient = job->has_gradient ? t->adamw.gradients[i] : NULL;
        t->losses[i] = ae_net_step(t->net, t->adamw.weights, gradient, t->works[member.index],
                                   &t->sequences[i], job->scale);
    }
}

/* The sum of the losses of the first n sequences, and their gradients if asked for. */
static double run_batch(trainer *t, size_t n, bool has_gradient, float scale)
{
    batch_job job = {.t = t, .n_sequences = n, .has_gradient = has_gradient, .scale = scale};
    ae_pool_run(t->pool, run_sequences, &job);
    double loss = 0;
    for (size_t i = 0; i < n; i++) loss += t->losses[i];
    return loss;
}

/* One update of the weights. Fails if loss or gradient is no number; the weights are then as
 * before. */
static aeon_status train_step(trainer *t, interval *since, aeon_train_report *report,
                              aeon_error *err)
{
    const ae_recipe *r = &t->recipe;
    uint64_t n_targets = 0;
    for (uint32_t i = 0; i < r->batch; i++) {
        ae_sequence *s = &t->sequences[i];
        ae_packer_fill(&t->packer, s);
        uint64_t number = (uint64_t)t->step * r->batch + i;
        s->has_long_factors = r->long_every && number % r->long_every == r->long_every - 1;
        n_targets += s->n_targets;
        since->n_tokens += s->n;
    }
    double loss = run_batch(t, r->batch, true, 1 / (float)n_targets);
    ae_adamw_rates rates = {.learning_rate = ae_recipe_learning_rate(r, t->step),
                            .beta1 = r->beta1,
                            .beta2 = r->beta2,
                            .epsilon = r->epsilon,
                            .weight_decay = r->weight_decay,
                            .clip = r->clip,
                            .step = (uint64_t)t->step + 1};
    double norm = ae_adamw_step(&t->adamw, &rates, t->pool);
    if (!isfinite(loss) || !isfinite(norm))
        return ae_fail(err, AEON_INTERNAL,
                       "step %u: the loss is not a number; %s keeps the last good state: lower "
                       "learning_rate",
                       t->step + 1, r->checkpoint);
    t->step++;
    since->loss += loss;
    since->n_targets += n_targets;
    report->learning_rate = rates.learning_rate;
    report->grad_norm = norm;
    return AEON_OK;
}

/* Mean loss per target over the held-out talks. */
static aeon_status measure_held_out(trainer *t, double *out, aeon_error *err)
{
    ae_packer packer;
    double loss = 0;
    uint64_t n_targets = 0;
    TRY(ae_packer_init(&packer, &t->held_out, t->recipe.sequence, false, 0, err));
    while (packer.next < t->held_out.n_talks) {
        size_t n = 0;
        for (; n < t->recipe.batch && packer.next < t->held_out.n_talks; n++) {
            ae_packer_fill(&packer, &t->sequences[n]);
            t->sequences[n].has_long_factors = false;
            n_targets += t->sequences[n].n_targets;
        }
        loss += run_batch(t, n, false, 0);
    }
    ae_packer_release(&packer);
    *out = loss / (double)n_targets;
    return AEON_OK;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static aeon_status save_checkpoint(const trainer *t, aeon_error *err)
{
    ae_checkpoint c = {.weights = t->adamw.weights,
                       .moment1 = t->adamw.moment1,
                       .moment2 = t->adamw.moment2,
                       .n_weights = t->net->n_weights,
                       .step = t->step,
                       .epoch = t->packer.epoch,
                       .next = t->packer.next};
    TRY(ae_checkpoint_save(&c, t->identity, t->recipe.checkpoint, err));
    note(t, "%s: written after step %u", t->recipe.checkpoint, t->step);
    return AEON_OK;
}

static bool is_due(uint32_t every, uint32_t step)
{
    return every && step % every == 0;
}

/* Reports the interval and starts a new one. */
static void report_interval(const trainer *t, interval *since, aeon_train_report *report)
{
    double now = ae_clock_s(), seconds = now - since->start_s;
    uint32_t n_steps = (t->step - 1) % t->recipe.report_steps + 1;
    report->step = t->step;
    report->n_steps = t->recipe.steps;
    report->loss = since->loss / (double)since->n_targets;
    report->tokens_per_s = (double)since->n_tokens / seconds;
    report->seconds_left = seconds / n_steps * (t->recipe.steps - t->step);
    *since = (interval){.start_s = now};
    if (t->params->on_report) t->params->on_report(t->params->user, report);
}

static bool goes_on(const trainer *t)
{
    return !t->params->goes_on || t->params->goes_on(t->params->user);
}

static aeon_status train(trainer *t, aeon_error *err)
{
    const ae_recipe *r = &t->recipe;
    aeon_train_report report = {.held_out_loss = NAN};
    interval since = {.start_s = ae_clock_s()};
    double last_saved_s = since.start_s;
    while (t->step < r->steps) {
        TRY(train_step(t, &since, &report, err));
        bool is_last = t->step == r->steps;
        if (t->held_out.n_talks && (is_last || is_due(r->held_out_steps, t->step)))
            TRY(measure_held_out(t, &report.held_out_loss, err));
        if (is_last || is_due(r->report_steps, t->step)) report_interval(t, &since, &report);
        bool is_stopped = !is_last && !goes_on(t);
        bool is_old =
            r->checkpoint_minutes > 0 && ae_clock_s() - last_saved_s >= 60 * r->checkpoint_minutes;
        if (is_last || is_stopped || is_old || is_due(r->checkpoint_steps, t->step)) {
            TRY(save_checkpoint(t, err));
            last_saved_s = ae_clock_s();
        }
        if (is_stopped)
            return ae_fail(err, AEON_CANCELLED, "stopped after step %u: resume goes on from there",
                           t->step);
    }
    return AEON_OK;
}

static aeon_status export_model(const trainer *t, aeon_error *err)
{
    const ae_recipe *r = &t->recipe;
    ae_export e = {.net = t->net,
                   .weights = t->adamw.weights,
                   .vocab = &t->vocab,
                   .name = r->name,
                   .type = strcmp(r->output_type, "f32") == 0 ? AEON_TYPE_F32 : AEON_TYPE_Q8_0};
    TRY(ae_export_model(&e, r->output, err));
    note(t, "%s: written", r->output);
    return AEON_OK;
}

aeon_status aeon_train_run(const aeon_train_params *params, aeon_error *err)
{
    trainer t = {.params = params};
    /* Threads each run whole sequences, so the library must not start its own. */
    int blas_threads = openblas_get_num_threads();
    openblas_set_num_threads(1);
    aeon_status status = set_up(&t, err);
    if (status == AEON_OK) status = train(&t, err);
    if (status == AEON_OK) status = export_model(&t, err);
    release(&t);
    openblas_set_num_threads(blas_threads);
    return status;
}
