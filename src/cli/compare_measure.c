/* compare_measure.c - aeon compare: speed, memory and quality of one variant. */
#include "cli/compare.h"
#include "cli/console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- size ------------------------------------------------------------------------------------ */

/* A folder holds other files too, and the built-in model is none: there the tensors count. */
static void measure_size(cli_variant *v, const aeon_model_info *info)
{
    struct stat st;
    bool is_file = stat(v->path.data, &st) == 0 && S_ISREG(st.st_mode);
    v->file_bytes = is_file ? (uint64_t)st.st_size : info->size_bytes;
    v->type = info->type;
}

/* ---- speed ----------------------------------------------------------------------------------- */

typedef struct {
    cli_comparison *c;
    cli_variant *v;
    cli_benchmark bench;
    aeon_sampler *sampler;
    double *prefill_tps, *decode_tps, *first_s; /* [runs] of each */
} timing;

/* Read the prompt, choose the first token of the answer, and write on. run -1: to warm up. */
static aeon_status run_once(timing *t, ptrdiff_t run, aeon_error *err)
{
    const cli_options *o = t->bench.options;
    double prefill_tps, decode_tps, start_s = cli_clock_s();
    const cli_bench_test prefill = {.n_tokens = o->n_prefill, .n_batch = 1};
    const cli_bench_test decode = {
        .is_decode = true, .n_tokens = o->n_decode, .depth = o->n_prefill, .n_batch = 1};
    TRY(cli_bench_time(&t->bench, &prefill, &prefill_tps, err));
    aeon_sampler_pick(t->sampler, aeon_session_logits(t->bench.runtime.session));
    double first_s = cli_clock_s() - start_s;
    TRY(cli_bench_time(&t->bench, &decode, &decode_tps, err));
    if (run < 0) return AEON_OK;
    t->prefill_tps[run] = prefill_tps;
    t->decode_tps[run] = decode_tps;
    t->first_s[run] = first_s;
    return AEON_OK;
}

static aeon_status run_all(timing *t, aeon_error *err)
{
    ptrdiff_t n = (ptrdiff_t)t->bench.options->n_runs;
    cli_compare_begin(t->c, t->v, CLI_TIME);
    for (ptrdiff_t run = -1; run < n; run++) {
        cli_progress(NULL, "", (double)(run + 1) / (double)(n + 1));
        TRY(run_once(t, run, err));
    }
    cli_progress_end();
    t->v->prefill_tps = cli_spread_of(t->prefill_tps, (size_t)n);
    t->v->decode_tps = cli_spread_of(t->decode_tps, (size_t)n);
    t->v->first_s = cli_spread_of(t->first_s, (size_t)n);
    return AEON_OK;
}

/* Where the system does not tell the peak of what came after cli_peak_rss_reset. */
static aeon_status plan_memory(timing *t, aeon_error *err)
{
    aeon_plan plan;
    const cli_runtime *r = &t->bench.runtime;
    aeon_plan_params params = {.n_ctx = aeon_session_stats_get(r->session).n_ctx,
                               .has_kv_type = true,
                               .kv_type = r->kv_type,
                               .n_threads = (int)t->bench.options->n_threads};
    TRY(aeon_plan_make(&plan, r->model, &params, err));
    t->v->peak_bytes = plan.total_bytes;
    t->c->has_planned_memory = true;
    return AEON_OK;
}

static aeon_status time_with(timing *t, aeon_error *err)
{
    aeon_sampler_params greedy = aeon_sampler_params_default();
    greedy.temperature = 0;
    bool tells_peak = cli_peak_rss_reset();
    uint64_t before_bytes = cli_rss_bytes();
    cli_compare_begin(t->c, t->v, CLI_LOAD);
    TRY(cli_bench_open(&t->bench, &t->c->about, err));
    const cli_runtime *r = &t->bench.runtime;
    measure_size(t->v, r->info);
    t->v->load_s = 1e-3 * r->load_ms;
    t->c->n_threads = aeon_engine_n_threads(r->engine);
    TRY(aeon_sampler_new(&t->sampler, &greedy, r->info->n_vocab, err));
    TRY(run_all(t, err));
    t->v->peak_bytes = cli_peak_rss_bytes() - before_bytes + t->c->own_bytes;
    return tells_peak ? AEON_OK : plan_memory(t, err);
}

static aeon_status time_variant(cli_comparison *c, cli_variant *v, aeon_error *err)
{
    cli_options o = *c->options;
    o.model = v->path.data;
    o.shape = NULL;
    o.n_ctx = 0; /* is the window of a text */
    size_t n = o.n_runs;
    double *samples = calloc(3 * n, sizeof *samples);
    if (!samples) return cli_error(err, AEON_OUT_OF_MEMORY, "not enough memory for the results");
    timing t = {.c = c,
                .v = v,
                .bench = {.options = &o, .most_tokens = o.n_prefill + o.n_decode, .n_talks = 1},
                .prefill_tps = samples,
                .decode_tps = samples + n,
                .first_s = samples + 2 * n};
    aeon_status status = time_with(&t, err);
    cli_progress_end();
    aeon_sampler_free(t.sampler);
    cli_bench_close(&t.bench);
    free(samples);
    return status;
}

/* ---- quality --------------------------------------------------------------------------------- */

aeon_status cli_compare_open_suite(aeon_suite **out, const cli_options *o, aeon_error *err)
{
    TRY(aeon_suite_load(out, o->suite, err));
    return aeon_suite_select(*out, o->families, o->n_families, o->n_talks, err);
}

typedef struct {
    aeon_suite *suite;
    aeon_model *model, *reference;
} pair;

static aeon_status open_model(aeon_model **out, const cli_variant *v, const cli_options *o,
                              aeon_error *err)
{
    const aeon_model_params params = {.chat_template = o->chat_template, .progress = cli_progress};
    return aeon_model_open(out, v->path.data, &params, err);
}

static bool has_read(void *user, size_t n_read, size_t n)
{
    return cli_progress(user, "", (double)n_read / (double)n);
}

static aeon_status read_text(cli_comparison *c, cli_variant *v, const pair *p, aeon_error *err)
{
    const cli_options *o = c->options;
    const aeon_text_eval_params params = {.n_ctx = c->ids.n ? o->n_ctx : 0,
                                          .n_threads = (int)o->n_threads,
                                          .has_kv_type = o->has_kv_type,
                                          .kv_type = o->kv_type,
                                          .reference = p->reference,
                                          .goes_on = has_read};
    TRY(c->ids.n ? aeon_text_eval_run(&v->text, p->model, c->ids.ids, c->ids.n, &params, err)
                 : aeon_suite_eval_run(&v->text, p->model, p->suite, &params, err));
    if (v->text.n_scored < v->text.n_wanted) return cli_error(err, AEON_CANCELLED, "interrupted");
    /* What the original expects is the same every time. */
    if (p->reference)
        c->variants[0].text = (aeon_text_eval){.n_windows = v->text.n_windows,
                                               .n_scored = v->text.n_scored,
                                               .perplexity = v->text.reference_perplexity,
                                               .top1_agreement = {1, 1, 1}};
    return AEON_OK;
}

static aeon_status ask(cli_comparison *c, cli_variant *v, const pair *p, aeon_error *err)
{
    aeon_eval *eval;
    const cli_options *o = c->options;
    const aeon_eval_params params = {.n_threads = (int)o->n_threads,
                                     .has_kv_type = o->has_kv_type,
                                     .kv_type = o->kv_type,
                                     .goes_on = has_read};
    TRY(aeon_eval_run(&eval, p->model, p->suite, &params, err));
    v->score = aeon_eval_score_get(eval, NULL);
    aeon_eval_free(eval);
    if (v->score.n < aeon_suite_n(p->suite)) return cli_error(err, AEON_CANCELLED, "interrupted");
    return AEON_OK;
}

static aeon_status judge_with(cli_comparison *c, cli_variant *v, pair *p, aeon_error *err)
{
    const cli_options *o = c->options;
    bool is_original = v == c->variants;
    if (!c->ids.n || c->asks) TRY(cli_compare_open_suite(&p->suite, o, err));
    cli_compare_begin(c, v, CLI_READ);
    TRY(open_model(&p->model, v, o, err));
    if (!is_original) TRY(open_model(&p->reference, &c->variants[0], o, err));
    if (!is_original || c->n_variants == 1) TRY(read_text(c, v, p, err));
    cli_compare_begin(c, v, CLI_ASK);
    return c->asks ? ask(c, v, p, err) : AEON_OK;
}

static aeon_status judge(cli_comparison *c, cli_variant *v, aeon_error *err)
{
    pair p = {0};
    bool is_needed = v != c->variants || c->n_variants == 1 || c->asks;
    aeon_status status = c->reads && is_needed ? judge_with(c, v, &p, err) : AEON_OK;
    cli_progress_end();
    aeon_model_close(p.model);
    aeon_model_close(p.reference);
    aeon_suite_free(p.suite);
    return status;
}

aeon_status cli_compare_measure(cli_comparison *c, cli_variant *v, aeon_error *err)
{
    TRY(time_variant(c, v, err));
    TRY(judge(c, v, err));
    v->is_done = true;
    return AEON_OK;
}
