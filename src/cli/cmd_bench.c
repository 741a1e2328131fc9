/* cmd_bench.c - aeon bench: how fast a model runs, beside what the machine could do at best. */
#include "cli/bench.h"
#include "cli/bound.h"
#include "cli/commands.h"
#include "cli/console.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_RUNS = 1000 };

const char *cli_bench_name(const cli_bench_test *t)
{
    return t->is_decode ? "decode" : "prefill";
}

/* ---- running a test -------------------------------------------------------------------------- */

static void free_forks(cli_benchmark *b)
{
    for (size_t i = 1; i < b->n_talks; i++) {
        aeon_session_free(b->talks[i]);
        b->talks[i] = NULL;
    }
}

/* Let all talks hold the same first tokens. */
static aeon_status set_depth(cli_benchmark *b, size_t depth, aeon_error *err)
{
    aeon_feed_params feed = {.progress = cli_progress};
    size_t n_held = aeon_session_stats_get(b->talks[0]).n_past;
    if (depth == b->depth && (b->n_talks == 1 || b->talks[1])) return AEON_OK;
    free_forks(b);
    if (n_held > depth) TRY(aeon_session_rewind(b->talks[0], depth, err));
    if (n_held < depth)
        TRY(aeon_session_feed(b->talks[0], b->ids.ids + n_held, depth - n_held, &feed, err));
    for (size_t i = 1; i < b->n_talks; i++) TRY(aeon_session_fork(&b->talks[i], b->talks[0], err));
    b->depth = depth;
    return AEON_OK;
}

/* The next n tokens of every talk, computed together. */
static aeon_status advance(cli_benchmark *b, const cli_bench_test *t, size_t done, size_t n,
                           aeon_error *err)
{
    for (size_t i = 0; i < t->n_batch; i++) /* each talk says something else */
        TRY(aeon_session_push(b->talks[i], b->ids.ids + t->depth + done + i, n, err));
    while (aeon_engine_step(b->runtime.engine)) {
        if (cli_is_interrupted()) return cli_error(err, AEON_CANCELLED, "interrupted");
    }
    for (size_t i = 0; i < t->n_batch; i++) {
        const aeon_error *reason = aeon_session_error(b->talks[i]);
        if (reason) return cli_error(err, reason->code, "%s", reason->text);
    }
    return AEON_OK;
}

aeon_status cli_bench_time(cli_benchmark *b, const cli_bench_test *t, double *tps, aeon_error *err)
{
    size_t n_step = t->is_decode ? 1 : t->n_tokens;
    TRY(set_depth(b, t->depth, err));
    for (size_t i = 0; i < t->n_batch; i++) TRY(aeon_session_rewind(b->talks[i], t->depth, err));
    double start_s = cli_clock_s();
    for (size_t done = 0; done < t->n_tokens; done += n_step) TRY(advance(b, t, done, n_step, err));
    *tps = (double)(t->n_tokens * t->n_batch) / (cli_clock_s() - start_s);
    return AEON_OK;
}

/* ---- all tests ------------------------------------------------------------------------------- */

static void add_test(cli_benchmark *b, cli_bench_test t)
{
    t.tps = b->samples + b->n_tests * b->options->n_runs;
    b->tests[b->n_tests++] = t;
}

/* Those of one depth stand beside each other. */
static aeon_status list_tests(cli_benchmark *b, aeon_error *err)
{
    const cli_options *o = b->options;
    size_t n_most = o->depths.n * (1 + o->batches.n);
    b->tests = calloc(n_most, sizeof *b->tests);
    b->samples = calloc(n_most * o->n_runs, sizeof *b->samples);
    if (!b->tests || !b->samples)
        return cli_error(err, AEON_OUT_OF_MEMORY, "not enough memory for the results");
    for (size_t i = 0; i < o->depths.n; i++) {
        size_t depth = o->depths.at[i];
        if (o->n_prefill)
            add_test(b, (cli_bench_test){.n_tokens = o->n_prefill, .depth = depth, .n_batch = 1});
        for (size_t k = 0; k < o->batches.n && o->n_decode; k++)
            add_test(b, (cli_bench_test){.is_decode = true,
                                         .n_tokens = o->n_decode,
                                         .depth = depth,
                                         .n_batch = o->batches.at[k]});
    }
    return AEON_OK;
}

/* Every test once. run -1: to warm up, not kept. */
static aeon_status run_round(cli_benchmark *b, cli_bench_test *tests, size_t n, ptrdiff_t run,
                             aeon_error *err)
{
    double warm_tps, n_all = (double)(b->n_tests * (b->options->n_runs + 1));
    for (size_t i = 0; i < n; i++) {
        cli_progress(NULL, cli_bench_name(&tests[i]), (double)b->n_runs_done++ / n_all);
        TRY(cli_bench_time(b, &tests[i], run < 0 ? &warm_tps : &tests[i].tps[run], err));
    }
    return AEON_OK;
}

static aeon_status run_tests(cli_benchmark *b, aeon_error *err)
{
    for (size_t first = 0, last; first < b->n_tests; first = last) {
        cli_bench_test *tests = b->tests + first;
        for (last = first + 1; last < b->n_tests; last++)
            if (b->tests[last].depth != tests->depth) break;
        for (ptrdiff_t run = -1; run < (ptrdiff_t)b->options->n_runs; run++)
            TRY(run_round(b, tests, last - first, run, err));
    }
    return AEON_OK;
}

/* ---- results --------------------------------------------------------------------------------- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double cli_bench_most_tps(const cli_benchmark *b, const cli_bench_test *t, double *bytes)
{
    const cli_runtime *r = &b->runtime;
    cli_work work = {.model = r->info,
                     .kv_type = r->kv_type,
                     .kv_bytes_per_token =
                         (double)aeon_session_stats_get(r->session).kv_bytes_per_token};
    double depth = (double)t->depth, n_tokens = (double)t->n_tokens, n_batch = (double)t->n_batch;
    cli_step step = t->is_decode ? cli_step_decode(&work, depth, n_tokens, n_batch)
                                 : cli_step_prefill(&work, depth, n_tokens);
    *bytes = step.bytes;
    return (t->is_decode ? n_batch : n_tokens) / cli_step_least_s(&work, &step, &b->limits);
}

cli_spread cli_spread_of(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare_doubles);
    return (cli_spread){0.5 * (values[(n - 1) / 2] + values[n / 2]), values[0], values[n - 1]};
}

static void summarize(const cli_benchmark *b, cli_bench_test *t)
{
    t->speed = cli_spread_of(t->tps, b->options->n_runs);
    t->limit_fraction = t->speed.median / cli_bench_most_tps(b, t, &t->bytes_per_step);
}

/* The decode of one talk at the depth of t; NULL if there is none. */
static const cli_bench_test *find_alone(const cli_benchmark *b, const cli_bench_test *t)
{
    for (size_t i = 0; i < b->n_tests; i++) {
        const cli_bench_test *a = &b->tests[i];
        if (a->is_decode && a->n_batch == 1 && a->depth == t->depth) return a;
    }
    return NULL;
}

static void finish_tests(cli_benchmark *b)
{
    for (size_t i = 0; i < b->n_tests; i++) summarize(b, &b->tests[i]);
    for (size_t i = 0; i < b->n_tests; i++) {
        cli_bench_test *t = &b->tests[i];
        const cli_bench_test *alone = t->is_decode ? find_alone(b, t) : NULL;
        if (alone) t->step_ratio = (double)t->n_batch * alone->speed.median / t->speed.median;
    }
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void keep_larger(double *best, double value)
{
    if (value > *best) *best = value;
}

/* What disturbs the machine only makes the figures lower: of several times, the best counts. */
static aeon_status probe(cli_benchmark *b, aeon_error *err)
{
    aeon_machine_limits now;
    TRY(aeon_machine_probe((int)b->options->n_threads, &now, err));
    keep_larger(&b->limits.read_gbps, now.read_gbps);
    keep_larger(&b->limits.int8_gmacs, now.int8_gmacs);
    keep_larger(&b->limits.bf16_gmacs, now.bf16_gmacs);
    keep_larger(&b->limits.f32_gmacs, now.f32_gmacs);
    return AEON_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t largest(const cli_sizes *sizes)
{
    size_t most = 0;
    for (size_t i = 0; i < sizes->n; i++) most = larger(most, sizes->at[i]);
    return most;
}

/* Ordinary tokens by chance, from a fixed seed: speed hardly depends on them. */
static aeon_status make_ids(cli_benchmark *b, size_t n, aeon_error *err)
{
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        TRY(aeon_tokens_push(&b->ids, (int32_t)((x >> 8) % b->runtime.info->n_vocab), err));
    }
    return AEON_OK;
}

/* Cheap, nothing is loaded. */
static aeon_status describe_model(aeon_model_info *out, const cli_options *o, aeon_error *err)
{
    cli_runtime r = {0};
    aeon_status status = o->shape ? aeon_synth_describe(out, o->shape, o->type, err)
                                  : cli_runtime_open_model(&r, o, err);
    if (r.info) *out = *r.info;
    cli_runtime_close(&r);
    return o->shape && status == AEON_NOT_FOUND ? CLI_USAGE : status;
}

aeon_status cli_bench_open(cli_benchmark *b, const aeon_model_info *about, aeon_error *err)
{
    const cli_options *o = b->options;
    size_t n_longest = b->most_depth + b->most_tokens;
    aeon_session_params session = cli_session_params(o);
    session.n_ctx = larger(o->n_ctx, n_longest);
    /* One set of factors for all tests: no run pays for a crossing. */
    if (session.rope == AEON_ROPE_AUTO && n_longest > about->n_ctx_original)
        session.rope = AEON_ROPE_LONG;
    b->talks = calloc(b->n_talks, sizeof *b->talks);
    if (!b->talks) return cli_error(err, AEON_OUT_OF_MEMORY, "not enough memory for the talks");
    b->runtime.n_branches = b->n_talks - 1;
    b->runtime.n_branch_tokens = o->n_decode;
    TRY(cli_runtime_open(&b->runtime, o, &session, err));
    b->talks[0] = b->runtime.session;
    return make_ids(b, n_longest + b->n_talks, err);
}

void cli_bench_close(cli_benchmark *b)
{
    if (b->talks) free_forks(b);
    free(b->talks);
    free(b->tests);
    free(b->samples);
    aeon_tokens_release(&b->ids);
    cli_runtime_close(&b->runtime);
}

static aeon_status open_bench(cli_benchmark *b, aeon_error *err)
{
    enum { PROBE_BYTES = 300 << 20 }; /* memory that the probe takes, and more */
    aeon_model_info model;
    TRY(describe_model(&model, b->options, err));
    /* A smaller model is probed for once only, afterwards: its peak of memory shall be its own. */
    if (!b->options->lines && model.size_bytes > PROBE_BYTES) TRY(probe(b, err));
    return cli_bench_open(b, &model, err);
}

/* ---- the command ----------------------------------------------------------------------------- */

static aeon_status check_usage(const cli_benchmark *b, aeon_error *err)
{
    const cli_options *o = b->options;
    if (o->config) return cli_error(err, CLI_USAGE, "--config: only together with --train");
    if (o->json + o->csv + o->lines > 1)
        return cli_error(err, CLI_USAGE, "--json, --csv and --lines: give one of them");
    if (!o->n_prefill && !o->n_decode)
        return cli_error(err, CLI_USAGE, "-p 0 -n 0: nothing to measure; give one of them");
    if (o->n_chunk && b->n_talks > o->n_chunk)
        return cli_error(err, CLI_USAGE, "--batch %zu: more than a step holds; --chunk %zu or more",
                         b->n_talks, b->n_talks);
    return cli_check_shape(o, err);
}

static aeon_status measure(cli_benchmark *b, aeon_error *err)
{
    TRY(open_bench(b, err));
    if (b->options->lines) return cli_bench_answer(b, err);
    TRY(list_tests(b, err));
    aeon_status status = run_tests(b, err);
    cli_progress_end();
    TRY(status);
    b->peak_rss_bytes = cli_peak_rss_bytes(); /* the probe takes memory of its own, */
    aeon_memory_set_cap(0);                   /* for which --ram has no room */
    TRY(probe(b, err));
    finish_tests(b);
    return cli_bench_report(b, err);
}

static aeon_status run_bench(const cli_options *o, aeon_error *err)
{
    if (o->train) return cli_bench_train(o, err);
    cli_benchmark b = {.options = o,
                       .most_depth = largest(&o->depths),
                       .most_tokens = larger(o->n_prefill, o->n_decode),
                       .n_talks = o->n_decode ? largest(&o->batches) : 1};
    TRY(check_usage(&b, err));
    aeon_status status = measure(&b, err);
    cli_bench_close(&b);
    return status;
}

static const cli_option test_options[] = {
    {'p', "prefill", CLI_SIZE, AT(n_prefill), 0, CLI_MAX_TOKENS, "N",
     "tokens read at once; 0: skip"},
    {'n', "decode", CLI_SIZE, AT(n_decode), 0, CLI_MAX_TOKENS, "N",
     "tokens written one by one; 0: skip"},
    {0, "depth", CLI_SIZES, AT(depths), 0, CLI_MAX_TOKENS, "N,N", "tokens already in the context"},
    {0, "batch", CLI_SIZES, AT(batches), 1, CLI_MAX_BATCH, "N,N",
     "talks that write at once, branches of one"},
    {'r', "runs", CLI_SIZE, AT(n_runs), 1, MAX_RUNS, "N",
     "runs of each test, after one to warm up"},
    {0, "train", CLI_FLAG, AT(train), 0, 0, NULL,
     "measure training instead: -r steps, on tokens by chance"},
    {0, "config", CLI_TEXT, AT(config), 0, 0, "FILE",
     "with --train: a recipe to take the shape from"},
    CLI_OPTION_END,
};

static const cli_option output_options[] = {
    {0, "json", CLI_FLAG, AT(json), 0, 0, NULL, "one JSON document on standard output"},
    {0, "csv", CLI_FLAG, AT(csv), 0, 0, NULL, "a line of names, and a line for each test"},
    {0, "lines", CLI_FLAG, AT(lines), 0, 0, NULL,
     "run the tests that come as lines of JSON on standard input"},
    CLI_OPTION_END,
};

const cli_command cli_bench = {
    .name = "bench",
    .summary = "how fast a model runs here, and what the machine could do at best",
    .usage = "[-m MODEL] [-p 256] [-n 32] [--depth N,N] [--batch N,N] [-r 5] [--json]\n"
             "       aeon bench --shape NAME --type TYPE ...\n"
             "       aeon bench --train [--config FILE] [-r 5] [--json]",
    .groups = (const cli_group[]){{"Tests", test_options},
                                  {"Model", cli_model_options},
                                  {"Without a file", cli_shape_options},
                                  {"Output", output_options},
                                  CLI_GROUP_END},
    .notes =
        "of limit: the speed over the highest that the machine allows, whose limits are measured\n"
        "in the same run. A step reads the weights and the cache once, and it multiplies: the\n"
        "slower of the two bounds it. A small model that fits into caches can pass that of reads.\n"
        "step: the time of a step over that of one talk alone.\n"
        "--lines: {\"test\":\"decode\",\"tokens\":16,\"depth\":0,\"batch\":1} is answered by "
        "{\"tps\":12.3};\n"
        "-p, -n, --depth and --batch say how large they get. The first line tells of the model.\n"
        "{\"test\":\"probe\"} measures the limits, and answers after it say limit_fraction.\n"
        "Training is compared with the peak of f32 products on large squares; it counts 6\n"
        "operations for each weight in products and token, the output head only where there is\n"
        "something to learn, and attention within documents.",
    .example = "aeon bench -m phi-4-mini.gguf -p 512 -n 128 --depth 0,2048 --batch 1,4,16",
    .run = run_bench,
};
