/* cmd_bench.c - aeon bench: how fast a model runs, beside what the machine could do at best. */
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/runtime.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_RUNS = 1000, MAX_RESULTS = 2 * CLI_MAX_DEPTHS };

typedef struct {
    const char *test; /* "prefill" or "decode" */
    size_t n_tokens, depth;
    double median_tps, min_tps, max_tps;
    double bytes_per_step; /* decode: read for one token; prefill: the weights, read once a chunk */
    double limit_fraction; /* of what the probe says is possible */
} bench_result;

typedef struct {
    const cli_options *options;
    cli_runtime runtime;
    aeon_machine_limits limits;
    aeon_tokens ids; /* tokens by chance, enough for every test */
    bench_result results[MAX_RESULTS];
    size_t n_results;
} bench;

/* ---- limits --------------------------------------------------------------------------------- */

/* Multiply-adds of the scores and the weighted values for one token that sees n_past others. */
static double attention_macs(const aeon_model_info *m, double n_past)
{
    return 2.0 * m->n_layers * m->n_heads * m->head_dim * n_past;
}

/* The peak of the dot products that this type of weights goes through. */
static double peak_gmacs(const bench *b)
{
    switch (b->runtime.info->type) {
    case AEON_TYPE_F32:
    case AEON_TYPE_F16: return b->limits.f32_gmacs;
    case AEON_TYPE_BF16:
        return b->limits.bf16_gmacs > 0 ? b->limits.bf16_gmacs : b->limits.f32_gmacs;
    default: return b->limits.int8_gmacs;
    }
}

static void set_limit(const bench *b, bench_result *r)
{
    const aeon_model_info *m = b->runtime.info;
    aeon_session_stats stats = aeon_session_stats_get(b->runtime.session);
    double mean_past = (double)r->depth + 0.5 * (double)r->n_tokens;
    bool is_decode = r->test[0] == 'd';
    r->bytes_per_step = (double)m->step_bytes;
    if (is_decode) r->bytes_per_step += (double)stats.kv_bytes_per_token * mean_past;
    double limit_tps = is_decode ? 1e9 * b->limits.read_gbps / r->bytes_per_step
                                 : 1e9 * peak_gmacs(b) /
                                       ((double)m->macs_per_token + attention_macs(m, mean_past));
    r->limit_fraction = limit_tps > 0 ? r->median_tps / limit_tps : 0;
}

/* ---- measuring ------------------------------------------------------------------------------ */

/* Feed ids[depth..depth+n) after the first depth tokens, n_step at a time. */
static aeon_status time_feed(bench *b, const bench_result *r, size_t n_step, double *tps,
                             aeon_error *err)
{
    aeon_session *session = b->runtime.session;
    TRY(aeon_session_rewind(session, r->depth, err));
    double start_s = cli_clock_s();
    for (size_t done = 0; done < r->n_tokens; done += n_step) {
        TRY(aeon_session_feed(session, b->ids.ids + r->depth + done, n_step, NULL, err));
        if (cli_is_interrupted()) return cli_error(err, AEON_CANCELLED, "interrupted");
    }
    *tps = (double)r->n_tokens / (cli_clock_s() - start_s);
    return AEON_OK;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static aeon_status measure(bench *b, const char *test, size_t n_tokens, size_t depth,
                           aeon_error *err)
{
    if (!n_tokens) return AEON_OK;
    double tps[MAX_RUNS];
    size_t n = b->options->n_runs;
    bench_result r = {.test = test, .n_tokens = n_tokens, .depth = depth};
    size_t n_step = test[0] == 'd' ? 1 : n_tokens;
    TRY(time_feed(b, &r, n_step, &tps[0], err)); /* the first run warms the caches */
    for (size_t i = 0; i < n; i++) {
        cli_progress(NULL, test, (double)i / (double)n);
        TRY(time_feed(b, &r, n_step, &tps[i], err));
    }
    qsort(tps, n, sizeof *tps, compare_doubles);
    r.min_tps = tps[0];
    r.max_tps = tps[n - 1];
    r.median_tps = 0.5 * (tps[(n - 1) / 2] + tps[n / 2]);
    set_limit(b, &r);
    b->results[b->n_results++] = r;
    return AEON_OK;
}

static aeon_status measure_depth(bench *b, size_t depth, aeon_error *err)
{
    aeon_session *session = b->runtime.session;
    size_t n_held = aeon_session_stats_get(session).n_past;
    if (n_held > depth) {
        TRY(aeon_session_rewind(session, depth, err));
    } else if (n_held < depth) {
        aeon_feed_params feed = {.progress = cli_progress};
        TRY(aeon_session_feed(session, b->ids.ids + n_held, depth - n_held, &feed, err));
    }
    TRY(measure(b, "prefill", b->options->n_prefill, depth, err));
    return measure(b, "decode", b->options->n_decode, depth, err);
}

/* ---- reports -------------------------------------------------------------------------------- */

static aeon_status print_json(const bench *b, aeon_error *err)
{
    json_t *results = json_array();
    for (size_t i = 0; i < b->n_results; i++) {
        const bench_result *r = &b->results[i];
        json_array_append_new(
            results,
            json_pack("{s:s, s:i, s:i, s:i, s:f, s:f, s:f, s:I, s:f}", "test", r->test, "tokens",
                      (int)r->n_tokens, "depth", (int)r->depth, "batch", 1, "median_tps",
                      r->median_tps, "min_tps", r->min_tps, "max_tps", r->max_tps, "bytes_per_step",
                      (json_int_t)r->bytes_per_step, "limit_fraction", r->limit_fraction));
    }
    const cli_runtime *rt = &b->runtime;
    return cli_print_json(
        json_pack("{s:o, s:s, s:s, s:i, s:{s:f, s:f, s:f, s:f}, s:f, s:I, s:o}", "model",
                  cli_json_text(rt->info->name, strlen(rt->info->name)), "type",
                  aeon_type_name(rt->info->type), "isa", aeon_machine_describe().isa, "threads",
                  aeon_engine_n_threads(rt->engine), "probe", "read_gbps", b->limits.read_gbps,
                  "int8_gmacs", b->limits.int8_gmacs, "bf16_gmacs", b->limits.bf16_gmacs,
                  "f32_gmacs", b->limits.f32_gmacs, "load_ms", rt->load_ms, "peak_rss_bytes",
                  (json_int_t)cli_peak_rss_bytes(), "results", results),
        err);
}

static void print_table(const bench *b)
{
    const cli_runtime *rt = &b->runtime;
    char size[16], rss[16];
    printf("model    ");
    cli_write_quoted(stdout, rt->info->name, strlen(rt->info->name));
    printf(", %s, %s\n", aeon_type_name(rt->info->type),
           cli_short_bytes(size, sizeof size, (double)rt->info->size_bytes));
    printf("machine  %s, %d threads; reads %.1f GB/s; %.0f int8, %.0f bf16, %.0f f32 Gmac/s\n",
           aeon_machine_describe().isa, aeon_engine_n_threads(rt->engine), b->limits.read_gbps,
           b->limits.int8_gmacs, b->limits.bf16_gmacs, b->limits.f32_gmacs);
    printf("memory   %s at most; loaded in %.0f ms\n\n",
           cli_short_bytes(rss, sizeof rss, (double)cli_peak_rss_bytes()), rt->load_ms);
    printf("%-8s %7s %7s %12s %12s %12s %9s\n", "test", "tokens", "depth", "tokens/s", "slowest",
           "fastest", "of limit");
    for (size_t i = 0; i < b->n_results; i++) {
        const bench_result *r = &b->results[i];
        printf("%-8s %7zu %7zu %12.2f %12.2f %12.2f %7.1f %%\n", r->test, r->n_tokens, r->depth,
               r->median_tps, r->min_tps, r->max_tps, 100 * r->limit_fraction);
    }
}

/* ---- the command ---------------------------------------------------------------------------- */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* Ordinary tokens by chance, from a fixed seed: speed hardly depends on them. */
static aeon_status make_ids(bench *b, size_t n, aeon_error *err)
{
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        TRY(aeon_tokens_push(&b->ids, (int32_t)((x >> 8) % b->runtime.info->n_vocab), err));
    }
    return AEON_OK;
}

static aeon_status run_tests(bench *b, aeon_error *err)
{
    const cli_options *o = b->options;
    size_t deepest = 0;
    if (!o->n_prefill && !o->n_decode)
        return cli_error(err, CLI_USAGE, "-p 0 -n 0: nothing to measure; give one of them");
    for (size_t i = 0; i < o->n_depths; i++) deepest = larger(deepest, o->depths[i]);
    size_t n_ids = deepest + larger(o->n_prefill, o->n_decode);

    aeon_session_params session = cli_session_params(o);
    session.n_ctx = larger(o->n_ctx, n_ids);
    TRY(cli_runtime_open_model(&b->runtime, o, err)); /* cheap: tells where LongRoPE begins */
    bool is_long = n_ids > b->runtime.info->n_ctx_original;
    cli_runtime_close(&b->runtime);
    /* One set of factors for all tests: no run pays for a crossing. */
    if (session.rope == AEON_ROPE_AUTO && is_long) session.rope = AEON_ROPE_LONG;
    TRY(cli_runtime_open(&b->runtime, o, &session, err));
    TRY(make_ids(b, n_ids, err));
    TRY(aeon_machine_probe((int)o->n_threads, &b->limits, err));
    aeon_status status = AEON_OK;
    for (size_t i = 0; i < o->n_depths && status == AEON_OK; i++)
        status = measure_depth(b, o->depths[i], err);
    cli_progress_end();
    TRY(status);
    if (o->json) return print_json(b, err);
    print_table(b);
    return AEON_OK;
}

static aeon_status run_bench(const cli_options *o, aeon_error *err)
{
    bench b = {.options = o};
    if (o->train) return cli_bench_train(o, err);
    if (o->config) return cli_error(err, CLI_USAGE, "--config: only together with --train");
    aeon_status status = run_tests(&b, err);
    aeon_tokens_release(&b.ids);
    cli_runtime_close(&b.runtime);
    return status;
}

static const cli_option test_options[] = {
    {'p', "prefill", CLI_SIZE, AT(n_prefill), 0, CLI_MAX_TOKENS, "N",
     "tokens read at once; 0: skip"},
    {'n', "decode", CLI_SIZE, AT(n_decode), 0, CLI_MAX_TOKENS, "N",
     "tokens written one by one; 0: skip"},
    {0, "depth", CLI_SIZES, 0, 0, CLI_MAX_TOKENS, "N,N", "tokens already in the context"},
    {0, "batch", CLI_SIZE, AT(n_batch), 1, 1, "N", "talks at once; only 1 so far"},
    {'r', "runs", CLI_SIZE, AT(n_runs), 1, MAX_RUNS, "N",
     "runs of each test, after one to warm up"},
    {0, "train", CLI_FLAG, AT(train), 0, 0, NULL,
     "measure training instead: -r steps, on tokens by chance"},
    {0, "config", CLI_TEXT, AT(config), 0, 0, "FILE",
     "with --train: a recipe to take the shape from"},
    {0, "json", CLI_FLAG, AT(json), 0, 0, NULL, "one JSON document on standard output"},
    CLI_OPTION_END,
};

const cli_command cli_bench = {
    .name = "bench",
    .summary = "how fast a model runs here, and what the machine could do at best",
    .usage = "[-m MODEL] [-p 256] [-n 32] [--depth N] [-r 5] [--json]\n"
             "       aeon bench --train [--config FILE] [-r 5] [--json]",
    .groups =
        (const cli_group[]){{"Tests", test_options}, {"Model", cli_model_options}, CLI_GROUP_END},
    .notes =
        "of limit: for decode, the speed over that of reading the weights and the cache once\n"
        "per token; for prefill, over the peak of the machine's dot products. Both limits are\n"
        "measured in the same run. Training is compared with the peak of f32 products on large\n"
        "squares; it counts 6 operations for each weight in products and token, the output head\n"
        "only where there is something to learn, and attention within documents.",
    .example = "aeon bench -m phi-4-mini.gguf -p 512 -n 128 --depth 0,2048",
    .run = run_bench,
};
