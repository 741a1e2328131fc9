/* bench_report.c - the results of aeon bench: for people, as JSON, as CSV. */
#include "cli/bench.h"
#include "cli/console.h"

#include <string.h>

/* What was measured: the shape that was asked for, or what the file calls itself. */
static const char *model_name(const cli_benchmark *b)
{
    return b->options->shape ? b->options->shape : b->runtime.info->name;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

json_t *cli_bench_header(const cli_benchmark *b)
{
    const cli_runtime *r = &b->runtime;
    const char *name = model_name(b);
    return json_pack("{s:o, s:s, s:s, s:i, s:f}", "model", cli_json_text(name, strlen(name)),
                     "type", aeon_type_name(r->info->type), "isa", aeon_machine_describe().isa,
                     "threads", aeon_engine_n_threads(r->engine), "load_ms", r->load_ms);
}

static json_t *test_json(const cli_bench_test *t)
{
    return json_pack("{s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:I, s:f}", "test", cli_bench_name(t),
                     "tokens", (json_int_t)t->n_tokens, "depth", (json_int_t)t->depth, "batch",
                     (json_int_t)t->n_batch, "median_tps", t->speed.median, "min_tps", t->speed.min,
                     "max_tps", t->speed.max, "bytes_per_step", (json_int_t)t->bytes_per_step,
                     "limit_fraction", t->limit_fraction);
}

static aeon_status print_json(const cli_benchmark *b, aeon_error *err)
{
    json_t *document = cli_bench_header(b), *results = json_array();
    for (size_t i = 0; i < b->n_tests; i++) json_array_append_new(results, test_json(&b->tests[i]));
    json_object_set_new(document, "peak_rss_bytes", json_integer((json_int_t)b->peak_rss_bytes));
    json_object_set_new(document, "probe", cli_json_limits(&b->limits));
    json_object_set_new(document, "results", results);
    return cli_print_json(document, err);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

/* In quotes, those within doubled (RFC 4180). */
static void print_csv_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"') putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static void print_csv(const cli_benchmark *b)
{
    const cli_runtime *r = &b->runtime;
    printf("model,type,isa,threads,test,tokens,depth,batch,median_tps,min_tps,max_tps,"
           "bytes_per_step,limit_fraction\n");
    for (size_t i = 0; i < b->n_tests; i++) {
        const cli_bench_test *t = &b->tests[i];
        print_csv_text(model_name(b));
        printf(",%s,%s,%d,%s,%zu,%zu,%zu,%.9g,%.9g,%.9g,%.0f,%.9g\n", aeon_type_name(r->info->type),
               aeon_machine_describe().isa, aeon_engine_n_threads(r->engine), cli_bench_name(t),
               t->n_tokens, t->depth, t->n_batch, t->speed.median, t->speed.min, t->speed.max,
               t->bytes_per_step, t->limit_fraction);
    }
}

/* ---- for people ------------------------------------------------------------------------------ */

static void print_header(const cli_benchmark *b)
{
    const cli_runtime *r = &b->runtime;
    const aeon_machine_limits *l = &b->limits;
    char size[16], rss[16];
    printf("model    ");
    cli_write_quoted(stdout, model_name(b), strlen(model_name(b)));
    printf(", %s%s, %s\n", b->options->shape ? "random weights, " : "",
           aeon_type_name(r->info->type),
           cli_short_bytes(size, sizeof size, (double)r->info->size_bytes));
    printf("machine  %s, %d threads; reads %.1f GB/s; %.0f int8, %.0f bf16, %.0f f32 Gmac/s\n",
           aeon_machine_describe().isa, aeon_engine_n_threads(r->engine), l->read_gbps,
           l->int8_gmacs, l->bf16_gmacs, l->f32_gmacs);
    printf("memory   %s at most; loaded in %.0f ms\n\n",
           cli_short_bytes(rss, sizeof rss, (double)b->peak_rss_bytes), r->load_ms);
}

static void print_table(const cli_benchmark *b)
{
    print_header(b);
    printf("%-8s %6s %6s %5s %10s %10s %10s %6s %8s\n", "test", "tokens", "depth", "batch",
           "tokens/s", "slowest", "fastest", "step", "of limit");
    for (size_t i = 0; i < b->n_tests; i++) {
        const cli_bench_test *t = &b->tests[i];
        char ratio[16] = "";
        if (t->step_ratio > 0) snprintf(ratio, sizeof ratio, "%.2f", t->step_ratio);
        printf("%-8s %6zu %6zu %5zu %10.2f %10.2f %10.2f %6s %6.1f %%\n", cli_bench_name(t),
               t->n_tokens, t->depth, t->n_batch, t->speed.median, t->speed.min, t->speed.max,
               ratio, 100 * t->limit_fraction);
    }
}

aeon_status cli_bench_report(const cli_benchmark *b, aeon_error *err)
{
    if (b->options->json) return print_json(b, err);
    if (b->options->csv)
        print_csv(b);
    else
        print_table(b);
    return AEON_OK;
}
