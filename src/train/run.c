/* run.c - the training loop: aeon_train_run. */
#include "base/file.h"
#include "train/export.h"
#include "train/trainer.h"

#include <cblas.h>
#include <math.h>
#include <stdatomic.h>

/* ---- one step -------------------------------------------------------------------------------- */

/* Sequences are taken by whoever is free; each has its own gradient and loss, so it does not matter
 * by whom. */
typedef struct {
    ae_trainer *t;
    size_t begin, end; /* which sequences */
    float **gradients; /* [end - begin], NULL: only the losses */
    float scale;
    atomic_size_t n_taken;
} batch_job;

static void run_sequences(void *arg, ae_member member)
{
    batch_job *job = arg;
    ae_trainer *t = job->t;
    for (size_t k; (k = atomic_fetch_add(&job->n_taken, 1)) < job->end - job->begin;) {
        size_t i = job->begin + k;
        t->losses[i] =
            ae_net_step(t->net, t->adamw.weights, job->gradients ? job->gradients[k] : NULL,
                        t->works[member.index], &t->sequences[i], job->scale);
    }
}

static double sum_losses(const ae_trainer *t, size_t n)
{
    double loss = 0;
    for (size_t i = 0; i < n; i++) loss += t->losses[i];
    return loss;
}

/* Fill the sequences of the step and return how many targets they hold. */
static uint64_t fill_sequences(ae_trainer *t)
{
    uint32_t long_every = t->recipe.long_every;
    uint64_t n_targets = 0, first = (uint64_t)t->step * t->n_sequences;
    for (size_t i = 0; i < t->n_sequences; i++) {
        ae_sequence *s = &t->sequences[i];
        ae_packer_fill(&t->packer, s);
        s->has_long_factors = long_every && (first + i) % long_every == long_every - 1;
        n_targets += s->n_targets;
        t->progress.n_tokens += s->n;
    }
    return n_targets;
}

/* The gradient of all sequences, a batch at a time. From the second batch on, the first array holds
 * the sum so far; gradients are added in the order of the sequences, so that two batches of four
 * give the very bits of one batch of eight. */
static void find_gradient(ae_trainer *t, float scale)
{
    size_t n_batch = t->recipe.batch;
    ae_adamw *a = &t->adamw;
    for (size_t begin = 0; begin < t->n_sequences; begin += n_batch) {
        size_t n_sums = begin > 0;
        if (n_sums) ae_adamw_gather(a, t->pool);
        batch_job job = {.t = t,
                         .begin = begin,
                         .end = begin + n_batch,
                         .gradients = a->gradients + n_sums,
                         .scale = scale};
        ae_pool_run(t->pool, run_sequences, &job);
        a->n_gradients = n_sums + n_batch;
    }
}

static aeon_status fail_no_number(const ae_trainer *t, uint32_t step, const char *what,
                                  aeon_error *err)
{
    return ae_fail(err, AEON_INTERNAL, "step %u: the %s is not a number: lower learning_rate; %s%s",
                   step, what, t->is_saved ? t->recipe.checkpoint : "no checkpoint was written yet",
                   t->is_saved ? " keeps the last good state" : "");
}

static void step_muon(ae_trainer *t, const ae_adamw_rates *rates, double norm)
{
    ae_muon_rates muon = {.learning_rate = rates->learning_rate,
                          .momentum = 0.95,
                          .weight_decay = rates->weight_decay,
                          .gradient_scale = ae_adamw_clip_scale(rates, norm)};
    ae_muon_step(&t->muon, &muon, t->pool);
}

aeon_status ae_trainer_step(ae_trainer *t, aeon_train_report *report, aeon_error *err)
{
    const ae_recipe *r = &t->recipe;
    uint64_t n_targets = fill_sequences(t);
    find_gradient(t, 1 / (float)n_targets);
    double loss = sum_losses(t, t->n_sequences);
    ae_adamw_rates rates = {.learning_rate = ae_recipe_learning_rate(r, t->step),
                            .beta1 = r->beta1,
                            .beta2 = r->beta2,
                            .epsilon = r->epsilon,
                            .weight_decay = r->weight_decay,
                            .clip = r->clip,
                            .step = (uint64_t)t->step + 1,
                            .has_muon = t->muon.scratch != NULL};
    double norm = isfinite(loss) ? ae_adamw_step(&t->adamw, &rates, t->pool) : NAN;
    if (!isfinite(norm)) return fail_no_number(t, t->step + 1, "loss", err);
    if (rates.has_muon) step_muon(t, &rates, norm);
    t->step++;
    t->progress.loss += loss;
    t->progress.n_targets += n_targets;
    report->learning_rate = rates.learning_rate;
    report->grad_norm = norm;
    return AEON_OK;
}

/* Mean loss per target over the held-out talks. */
static aeon_status measure_held_out(ae_trainer *t, aeon_error *err)
{
    ae_packer packer;
    double loss = 0;
    uint64_t n_targets = 0;
    TRY(ae_packer_init(&packer, &t->held_out, t->recipe.sequence, false, 0, err));
    while (packer.next < t->held_out.n_talks) {
        batch_job job = {.t = t};
        for (; job.end < t->n_sequences && packer.next < t->held_out.n_talks; job.end++) {
            ae_packer_fill(&packer, &t->sequences[job.end]);
            t->sequences[job.end].has_long_factors = false;
            n_targets += t->sequences[job.end].n_targets;
        }
        ae_pool_run(t->pool, run_sequences, &job);
        loss += sum_losses(t, job.end);
    }
    ae_packer_release(&packer);
    if (!isfinite(loss)) return fail_no_number(t, t->step, "held-out loss", err);
    t->progress.held_out_loss = loss / (double)n_targets;
    t->progress.held_out_step = t->step;
    return AEON_OK;
}

/* ---- reports --------------------------------------------------------------------------------- */

/* When the loop began, and the last report of this process. */
typedef struct {
    double start_s, last_s;
    uint32_t last_step;
    uint64_t last_tokens;
} stopwatch;

static aeon_status add_to_curve(ae_trainer *t, const aeon_train_report *report, double seconds,
                                aeon_error *err)
{
    const ae_progress *p = &t->progress;
    if (!t->curve.name) return AEON_OK;
    bool is_measured = p->held_out_step > p->reported_step;
    ae_curve_point point = {.step = t->step,
                            .n_tokens = (double)p->n_tokens,
                            .seconds = seconds,
                            .loss = report->loss,
                            .held_out_loss = is_measured ? p->held_out_loss : NAN,
                            .learning_rate = report->learning_rate,
                            .tokens_per_s = report->tokens_per_s};
    return ae_curve_add(&t->curve, &point, err);
}

/* Reports what happened since the last report, and begins anew. */
static aeon_status report_interval(ae_trainer *t, stopwatch *watch, aeon_train_report *report,
                                   aeon_error *err)
{
    ae_progress *p = &t->progress;
    double now = ae_clock_s(), seconds = now - watch->last_s;
    report->step = t->step;
    report->n_steps = t->recipe.steps;
    report->loss = p->loss / (double)p->n_targets;
    report->held_out_loss = p->held_out_step ? p->held_out_loss : NAN;
    report->tokens_per_s = (double)(p->n_tokens - watch->last_tokens) / seconds;
    report->seconds_left = seconds / (t->step - watch->last_step) * (t->recipe.steps - t->step);
    TRY(add_to_curve(t, report, now - watch->start_s, err));
    watch->last_s = now;
    watch->last_step = p->reported_step = t->step;
    watch->last_tokens = p->n_tokens;
    p->loss = 0;
    p->n_targets = 0;
    if (t->params->on_report) t->params->on_report(t->params->user, report);
    return AEON_OK;
}

static aeon_status save_checkpoint(ae_trainer *t, aeon_error *err)
{
    ae_checkpoint c = {.weights = t->adamw.weights,
                       .moment1 = t->adamw.moment1,
                       .moment2 = t->adamw.moment2,
                       .n_weights = t->net->n_weights,
                       .step = t->step,
                       .epoch = t->packer.epoch,
                       .next = t->packer.next,
                       .progress = t->progress};
    TRY(ae_checkpoint_save(&c, t->identity, t->recipe.checkpoint, err));
    t->is_saved = true;
    ae_trainer_note(t, "%s: written after step %u", t->recipe.checkpoint, t->step);
    return t->curve.name ? ae_curve_draw(&t->curve, t->recipe.name, err) : AEON_OK;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static bool is_due(uint32_t every, uint32_t step)
{
    return every && step % every == 0;
}

static bool goes_on(const ae_trainer *t)
{
    return !t->params->goes_on || t->params->goes_on(t->params->user);
}

static aeon_status train(ae_trainer *t, aeon_error *err)
{
    const ae_recipe *r = &t->recipe;
    aeon_train_report report = {0};
    double now = ae_clock_s(), last_saved_s = now;
    stopwatch watch = {.start_s = now - ae_curve_seconds(&t->curve),
                       .last_s = now,
                       .last_step = t->step,
                       .last_tokens = t->progress.n_tokens};
    while (t->step < r->steps) {
        TRY(ae_trainer_step(t, &report, err));
        bool is_last = t->step == r->steps;
        if (t->held_out.n_talks && (is_last || is_due(r->held_out_steps, t->step)))
            TRY(measure_held_out(t, err));
        if (is_last || is_due(r->report_steps, t->step))
            TRY(report_interval(t, &watch, &report, err));
        bool is_stopped = !is_last && !goes_on(t);
        bool is_old =
            r->checkpoint_minutes > 0 && ae_clock_s() - last_saved_s >= 60 * r->checkpoint_minutes;
        if (is_last || is_stopped || is_old || is_due(r->checkpoint_steps, t->step)) {
            TRY(save_checkpoint(t, err));
            last_saved_s = ae_clock_s();
        }
        if (is_stopped) return ae_fail(err, AEON_CANCELLED, "stopped after step %u", t->step);
    }
    return AEON_OK;
}

static aeon_status export_model(const ae_trainer *t, aeon_error *err)
{
    const ae_recipe *r = &t->recipe;
    ae_export e = {.net = t->net,
                   .weights = t->adamw.weights,
                   .vocab = &t->vocab,
                   .name = r->name,
                   .chat_template = r->chat_template,
                   .type = ae_trainer_output_type(t)};
    TRY(ae_export_model(&e, r->output, err));
    ae_trainer_note(t, "%s: written", r->output);
    return AEON_OK;
}

aeon_status aeon_train_run(const aeon_train_params *params, aeon_error *err)
{
    ae_trainer t = {.params = params};
    /* Threads each run whole sequences, so the library must not start its own. */
    int blas_threads = openblas_get_num_threads();
    openblas_set_num_threads(1);
    aeon_status status = ae_trainer_set_up(&t, err);
    if (status == AEON_OK && !params->only_export) status = train(&t, err);
    if (status == AEON_OK) status = export_model(&t, err);
    ae_trainer_release(&t);
    openblas_set_num_threads(blas_threads);
    return status;
}
