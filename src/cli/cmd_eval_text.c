/* cmd_eval_text.c - aeon eval -f, --perplexity: how well a model foresees a text, and how far it is
 * from another model on it. */
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/runtime.h"

#include <math.h>
#include <string.h>

typedef struct {
    const cli_options *options;
    cli_input input;
    aeon_suite *suite; /* without -f: its answers */
    cli_runtime runtime;
    aeon_model *against;
    aeon_tokens ids;
    aeon_text_eval found;
    double start_s, seconds;
} evaluation;

/* Tokens that a model reads in a second; two take turns, and each reads all of them. */
static double speed(const evaluation *e)
{
    return e->seconds > 0 ? (double)e->found.n_read / e->seconds : 0;
}

/* ---- the table ------------------------------------------------------------------------------- */

/* A column of its own for a number; a bound that the text does not give is a line. */
static void print_cell(const char *format, double value)
{
    char cell[32];
    snprintf(cell, sizeof cell, format, value);
    printf(" %12s", isfinite(value) ? cell : "-");
}

static void print_row(const char *name, const char *format, aeon_estimate e)
{
    printf("%-20s", name);
    print_cell(format, e.value);
    print_cell(format, e.low);
    print_cell(format, e.high);
    printf("\n");
}

static void print_comparison(const aeon_text_eval *t)
{
    aeon_estimate same = t->top1_agreement;
    print_row("  of the reference", "%.4f", t->reference_perplexity);
    print_row("gain, nats a token", "%+.6f", t->gain);
    print_row("KL mean, nats", "%.4g", t->kl_mean);
    print_row("   median", "%.4g", t->kl_median);
    print_row("   99th percentile", "%.4g", t->kl_p99);
    printf("%-20s", "   max");
    print_cell("%.4g", t->kl_max);
    printf("\n");
    print_row("top-1 agreement, %", "%.2f",
              (aeon_estimate){100 * same.value, 100 * same.low, 100 * same.high});
}

static void print_text(const evaluation *e)
{
    char tokens[16], scored[16], rest[16];
    const aeon_text_eval *t = &e->found;
    cli_grouped(tokens, sizeof tokens, t->n_tokens);
    cli_grouped(scored, sizeof scored, t->n_scored);
    printf("%s tokens in %zu %s%s", tokens, t->n_windows, e->suite ? "talk" : "window",
           t->n_windows == 1 ? "" : "s");
    if (e->suite)
        printf(", %s of the answers scored", scored);
    else
        printf(" of %zu, %s scored, %s at the end left out", t->n_ctx, scored,
               cli_grouped(rest, sizeof rest, e->ids.n - t->n_tokens));
    printf("; %.1f s, %.0f tokens/s\n", e->seconds, speed(e));
}

static void print_table(const evaluation *e)
{
    if (e->found.n_scored) {
        printf("%s%-20s %12s %25s%s\n", cli_style_text(stdout, CLI_BOLD), "", "", "95% interval",
               cli_style_text(stdout, CLI_PLAIN));
        print_row("perplexity", "%.4f", e->found.perplexity);
        if (e->against) print_comparison(&e->found);
    }
    print_text(e);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static void add_comparison(json_t *document, const aeon_text_eval *t)
{
    cli_json_add_estimate(document, "reference_perplexity", t->reference_perplexity);
    cli_json_add_estimate(document, "gain", t->gain);
    cli_json_add_estimate(document, "kl_mean", t->kl_mean);
    cli_json_add_estimate(document, "kl_median", t->kl_median);
    cli_json_add_estimate(document, "kl_p99", t->kl_p99);
    json_object_set_new(document, "kl_max", json_real(t->kl_max));
    cli_json_add_estimate(document, "top1_agreement", t->top1_agreement);
}

static aeon_status print_json(const evaluation *e, bool is_complete, aeon_error *err)
{
    const cli_options *o = e->options;
    const aeon_text_eval *t = &e->found;
    json_t *document = json_pack(
        "{s:s, s:s, s:s*, s:b, s:I, s:I, s:I, s:I, s:f, s:f}", e->suite ? "suite" : "file",
        e->suite ? o->suite : o->file, "model", o->model, "against", o->against, "complete",
        is_complete, "windows", (json_int_t)t->n_windows, "ctx", (json_int_t)t->n_ctx,
        "text_tokens", (json_int_t)(e->suite ? t->n_tokens : e->ids.n), "tokens",
        (json_int_t)t->n_scored, "seconds", e->seconds, "tokens_per_second", speed(e));
    if (document && t->n_scored) {
        cli_json_add_estimate(document, "perplexity", t->perplexity);
        if (e->against) add_comparison(document, t);
    }
    return cli_print_json(document, err);
}

/* ---- options --------------------------------------------------------------------------------- */

/* An option that is for asking questions; NULL if none was given. */
static const char *asking_option(const cli_options *o)
{
    if (o->n_samples) return "--samples";
    if (o->sample_temperature != cli_options_default().sample_temperature) return "--temp";
    if (o->has_seed) return "--seed";
    if (o->wrong) return "--wrong";
    if (o->transcript) return "--transcript";
    return NULL;
}

/* One that chooses among them. */
static const char *suite_option(const cli_options *o)
{
    if (strcmp(o->suite, cli_options_default().suite) != 0) return "--suite";
    if (o->n_families) return "--family";
    if (o->n_each) return "-n";
    if (o->chat_template) return "--template";
    return NULL;
}

static aeon_status check_options(const cli_options *o, aeon_error *err)
{
    const char *asking = asking_option(o), *suite = suite_option(o);
    if (asking)
        return cli_error(err, CLI_USAGE, "%s: is for questions that are asked, not for %s", asking,
                         o->file ? "a text (-f)" : "--perplexity");
    if (o->file && suite)
        return cli_error(err, CLI_USAGE, "%s: is for questions, not for a text (-f)%s", suite,
                         o->n_each ? "; --tokens limits it" : "");
    if (!o->file && o->n_ctx)
        return cli_error(err, CLI_USAGE, "--ctx: is for a text (-f); a talk is read whole");
    if (!o->file && o->n_max)
        return cli_error(err, CLI_USAGE, "--tokens: is for a text (-f); -n limits the questions");
    return AEON_OK;
}

/* ---- the text -------------------------------------------------------------------------------- */

static aeon_status open_text(evaluation *e, aeon_error *err)
{
    const cli_options *o = e->options;
    if (o->file) {
        TRY(cli_input_read(&e->input, o, err));
        return cli_input_need(&e->input, err);
    }
    TRY(aeon_suite_load(&e->suite, o->suite, err));
    return aeon_suite_select(e->suite, o->families, o->n_families, o->n_each, err);
}

static aeon_status encode_text(evaluation *e, aeon_error *err)
{
    const aeon_chat_template *chat;
    if (e->suite) return cli_chat_template(&chat, &e->runtime, "", err);
    TRY(cli_input_encode(&e->ids, &e->input, &e->runtime, err));
    if (e->options->n_max && e->ids.n > e->options->n_max) e->ids.n = e->options->n_max;
    return AEON_OK;
}

/* ---- the command ----------------------------------------------------------------------------- */

static bool goes_on(void *user, size_t n_read, size_t n)
{
    const evaluation *e = user;
    double seconds = cli_clock_s() - e->start_s;
    if (n_read) cli_progress_note("%.0f tokens/s", (double)n_read / seconds);
    return cli_progress(NULL, "reading", (double)n_read / (double)n);
}

static aeon_status read_weights(const aeon_model *model, aeon_error *err)
{
    aeon_status status = aeon_model_read(model, cli_progress, NULL, err);
    cli_progress_end();
    return status;
}

static aeon_status open_all(evaluation *e, aeon_error *err)
{
    const cli_options *o = e->options;
    TRY(check_options(o, err));
    TRY(open_text(e, err));
    TRY(cli_runtime_open_model(&e->runtime, o, err));
    TRY(encode_text(e, err));
    if (o->against) TRY(aeon_model_open(&e->against, o->against, NULL, err));
    TRY(read_weights(e->runtime.model, err));
    return o->against ? read_weights(e->against, err) : AEON_OK;
}

static aeon_status read_text(evaluation *e, aeon_error *err)
{
    const cli_options *o = e->options;
    aeon_text_eval_params params = {
        .n_ctx = o->n_ctx,
        .n_threads = (int)o->n_threads,
        .has_kv_type = o->has_kv_type,
        .kv_type = o->kv_type,
        .reference = e->against,
        .goes_on = goes_on,
        .user = e,
    };
    e->start_s = cli_clock_s();
    const aeon_model *model = e->runtime.model;
    aeon_status status =
        e->suite ? aeon_suite_eval_run(&e->found, model, e->suite, &params, err)
                 : aeon_text_eval_run(&e->found, model, e->ids.ids, e->ids.n, &params, err);
    cli_progress_end();
    e->seconds = cli_clock_s() - e->start_s;
    return status;
}

static aeon_status evaluate(evaluation *e, aeon_error *err)
{
    TRY(open_all(e, err));
    TRY(read_text(e, err));
    bool is_complete = e->found.n_scored == e->found.n_wanted;
    if (e->options->json)
        TRY(print_json(e, is_complete, err));
    else
        print_table(e);
    if (is_complete) return AEON_OK;
    cli_notice("interrupted after %zu of %zu tokens to score", e->found.n_scored,
               e->found.n_wanted);
    return cli_error(err, AEON_CANCELLED, "interrupted");
}

aeon_status cli_eval_text(const cli_options *o, aeon_error *err)
{
    evaluation e = {.options = o};
    aeon_status status = evaluate(&e, err);
    cli_input_release(&e.input);
    aeon_suite_free(e.suite);
    aeon_tokens_release(&e.ids);
    aeon_model_close(e.against);
    cli_runtime_close(&e.runtime);
    return status;
}
