/* cmd_eval.c - aeon eval: ask a model questions whose answers can be checked; with a
 * text (-f, --perplexity), see cmd_eval_text.c. */
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/runtime.h"

#include <string.h>

typedef struct {
    const cli_options *options;
    cli_runtime runtime;
    aeon_model *against;
    aeon_suite *suite;
    aeon_eval *eval;
    double seconds;
} evaluation;

/* A family's name comes from a file and may hold anything; width: at least so many columns. */
static void print_family(const char *name, int width)
{
    int len = (int)strlen(name);
    cli_write(stdout, name, strlen(name));
    printf("%*s", width > len ? width - len : 0, "");
}

/* ---- a talk as text -------------------------------------------------------------------------- */

/* "ROLE       TEXT", further lines of the text below the first. */
static void print_turn(const char *role, const char *text, size_t len)
{
    printf("%-10s ", role);
    for (const char *end = text + len;;) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        cli_write(stdout, text, (size_t)((newline ? newline : end) - text));
        if (!newline) break;
        printf("\n%-10s ", "");
        text = newline + 1;
    }
    printf("\n");
}

static void print_text(const char *role, const char *text)
{
    if (text && *text) print_turn(role, text, strlen(text));
}

static void print_question(const aeon_question *q)
{
    for (size_t i = 0; i < q->n_messages; i++) {
        print_text(q->messages[i].role, q->messages[i].content);
        print_text("  tools", q->messages[i].tools);
        print_text("  calls", q->messages[i].tool_calls);
    }
}

static void print_transcript(const evaluation *e)
{
    size_t n_samples = e->options->n_samples ? e->options->n_samples : 1;
    for (size_t i = 0; i < aeon_suite_n(e->suite); i++) {
        aeon_question q = aeon_suite_question(e->suite, i);
        if (!aeon_eval_answer_get(e->eval, i, 0).text) continue;
        printf("--- ");
        print_family(q.family, 0);
        printf("\n");
        print_question(&q);
        for (size_t k = 0; k < n_samples; k++) {
            aeon_eval_answer a = aeon_eval_answer_get(e->eval, i, k);
            print_turn(a.is_right ? "right:" : "wrong:", a.text, a.len);
        }
        printf("\n");
    }
}

/* ---- wrong answers --------------------------------------------------------------------------- */

static void print_field(const char *name, const char *text, size_t len)
{
    printf("  %-9s ", name);
    cli_write_quoted(stdout, text, len);
    printf("\n");
}

static const char *last_words(const aeon_question *q)
{
    const char *text = q->messages[q->n_messages - 1].content;
    return text ? text : "";
}

static void print_wrong(const aeon_question *q, const aeon_eval_answer *a)
{
    print_family(q->family, 0);
    printf("\n");
    print_field("question", last_words(q), strlen(last_words(q)));
    print_field("got", a->text, a->len);
    if (q->answer) print_field("wanted", q->answer, strlen(q->answer));
}

static json_t *json_wrong(const aeon_question *q, const aeon_eval_answer *a)
{
    return json_pack("{s:s, s:s, s:o, s:s?}", "family", q->family, "question", last_words(q), "got",
                     cli_json_text(a->text, a->len), "wanted", q->answer);
}

/* Show every wrong answer, or append it to the list. */
static aeon_status show_wrong(const evaluation *e, json_t *list, aeon_error *err)
{
    size_t n_samples = e->options->n_samples ? e->options->n_samples : 1;
    for (size_t i = 0; i < aeon_suite_n(e->suite) * n_samples; i++) {
        aeon_eval_answer a = aeon_eval_answer_get(e->eval, i / n_samples, i % n_samples);
        if (!a.text || a.is_right) continue;
        aeon_question q = aeon_suite_question(e->suite, i / n_samples);
        if (!list)
            print_wrong(&q, &a);
        else if (json_array_append_new(list, json_wrong(&q, &a)) != 0)
            return cli_error(err, AEON_OUT_OF_MEMORY, "not enough memory for the JSON text");
    }
    return AEON_OK;
}

/* ---- the table ------------------------------------------------------------------------------- */

static double percent(size_t part, size_t whole)
{
    return whole ? 100 * (double)part / (double)whole : 0;
}

static void print_greedy_row(const evaluation *e, const aeon_eval_score *s, bool has_json)
{
    printf(" %6zu %6zu %6.1f  %5.1f-%5.1f", s->n, s->n_right, percent(s->n_right, s->n),
           100 * s->low, 100 * s->high);
    if (has_json && s->n_json_wanted) printf(" %6.1f", percent(s->n_json, s->n_json_wanted));
    if (has_json && !s->n_json_wanted) printf("       ");
    if (e->against) printf(" %6.1f", percent(s->n_agreed, s->n_tokens));
}

static void print_sampled_row(const evaluation *e, const aeon_eval_score *s)
{
    size_t n = s->n / e->options->n_samples;
    printf(" %6zu %6.1f %6.1f %8.1f %8.1f", n, percent(s->n_right, s->n),
           percent(s->n_any_right, n), percent(s->n_majority_right, n), s->n_distinct);
}

static void print_row(const evaluation *e, int width, const char *family, bool has_json)
{
    aeon_eval_score s = aeon_eval_score_get(e->eval, family);
    if (s.n == 0 && family) return; /* interrupted before it began */
    print_family(family ? family : "total", width);
    if (e->options->n_samples)
        print_sampled_row(e, &s);
    else
        print_greedy_row(e, &s, has_json);
    printf("\n");
}

static void print_table(const evaluation *e)
{
    enum { MAX_WIDTH = 40 }; /* longer names push their row aside */
    const char *family;
    int width = (int)strlen("family");
    bool has_json = aeon_eval_score_get(e->eval, NULL).n_json_wanted > 0;
    for (size_t i = 0; (family = aeon_suite_family_at(e->suite, i)); i++) {
        int len = (int)strlen(family);
        if (len > width && len <= MAX_WIDTH) width = len;
    }
    printf("%s%-*s", cli_style_text(stdout, CLI_BOLD), width, "family");
    if (e->options->n_samples)
        printf("      n  mean%%   any%% majority distinct");
    else
        printf("      n  right      %%          95%%%s%s", has_json ? "  parse" : "",
               e->against ? "  agree" : "");
    printf("%s\n", cli_style_text(stdout, CLI_PLAIN));
    for (size_t i = 0; (family = aeon_suite_family_at(e->suite, i)); i++)
        print_row(e, width, family, has_json);
    print_row(e, width, NULL, has_json);
    printf("%.1f s\n", e->seconds);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *json_row(const evaluation *e, const char *family)
{
    aeon_eval_score s = aeon_eval_score_get(e->eval, family);
    size_t n_samples = e->options->n_samples;
    if (n_samples)
        return json_pack("{s:s?, s:I, s:I, s:I, s:I, s:f}", "family", family, "n",
                         (json_int_t)(s.n / n_samples), "right", (json_int_t)s.n_right, "any_right",
                         (json_int_t)s.n_any_right, "majority_right",
                         (json_int_t)s.n_majority_right, "distinct", s.n_distinct);
    json_t *row = json_pack("{s:s?, s:I, s:I, s:f, s:f}", "family", family, "n", (json_int_t)s.n,
                            "right", (json_int_t)s.n_right, "low", s.low, "high", s.high);
    if (s.n_json_wanted) json_object_set_new(row, "parsed", json_integer((json_int_t)s.n_json));
    if (e->against) {
        json_object_set_new(row, "tokens", json_integer((json_int_t)s.n_tokens));
        json_object_set_new(row, "agreed", json_integer((json_int_t)s.n_agreed));
    }
    return row;
}

static aeon_status print_json(const evaluation *e, bool is_complete, aeon_error *err)
{
    const cli_options *o = e->options;
    const char *family;
    json_t *families = json_array(), *wrong = o->wrong ? json_array() : NULL;
    for (size_t i = 0; (family = aeon_suite_family_at(e->suite, i)); i++)
        json_array_append_new(families, json_row(e, family));
    aeon_status status = wrong ? show_wrong(e, wrong, err) : AEON_OK;
    json_t *document =
        json_pack("{s:s, s:s, s:s*, s:b, s:o, s:o, s:f, s:o*}", "suite", o->suite, "model",
                  o->model, "against", o->against, "complete", is_complete, "families", families,
                  "total", json_row(e, NULL), "seconds", e->seconds, "wrong", wrong);
    if (o->n_samples)
        json_object_update_new(document,
                               json_pack("{s:I, s:f, s:I}", "samples", (json_int_t)o->n_samples,
                                         "temperature", (double)o->sample_temperature, "seed",
                                         (json_int_t)o->sampling.seed));
    if (status == AEON_OK) return cli_print_json(document, err);
    json_decref(document);
    return status;
}

/* ---- the command ----------------------------------------------------------------------------- */

static bool goes_on(void *user, size_t n_answered, size_t n)
{
    return cli_progress(user, "asking", (double)n_answered / (double)n);
}

static aeon_status check_options(const cli_options *o, aeon_error *err)
{
    if (o->against && o->n_samples)
        return cli_error(err, CLI_USAGE, "--against: compares greedy answers, not with --samples");
    if (o->transcript && o->json)
        return cli_error(err, CLI_USAGE, "--transcript: is text, not together with --json");
    if (o->n_ctx) return cli_error(err, CLI_USAGE, "--ctx: is for a text; give one with -f FILE");
    return AEON_OK;
}

static aeon_status open_all(evaluation *e, aeon_error *err)
{
    const cli_options *o = e->options;
    const aeon_chat_template *chat;
    TRY(check_options(o, err));
    TRY(aeon_suite_load(&e->suite, o->suite, err));
    TRY(aeon_suite_select(e->suite, o->families, o->n_families, o->n_each, err));
    TRY(cli_runtime_open_model(&e->runtime, o, err));
    TRY(cli_chat_template(&chat, &e->runtime, "", err));
    return o->against ? aeon_model_open(&e->against, o->against, NULL, err) : AEON_OK;
}

static aeon_status ask(evaluation *e, aeon_error *err)
{
    const cli_options *o = e->options;
    double start_s = cli_clock_s();
    aeon_eval_params params = {
        .n_threads = (int)o->n_threads,
        .n_max = o->n_max,
        .n_samples = o->n_samples,
        .temperature = o->sample_temperature,
        .seed = o->sampling.seed,
        .has_kv_type = o->has_kv_type,
        .kv_type = o->kv_type,
        .against = e->against,
        .goes_on = goes_on,
    };
    aeon_status status = aeon_eval_run(&e->eval, e->runtime.model, e->suite, &params, err);
    cli_progress_end();
    e->seconds = cli_clock_s() - start_s;
    return status;
}

static aeon_status evaluate(evaluation *e, aeon_error *err)
{
    const cli_options *o = e->options;
    TRY(open_all(e, err));
    TRY(ask(e, err));
    size_t n_samples = o->n_samples ? o->n_samples : 1;
    size_t n_answered = aeon_eval_score_get(e->eval, NULL).n / n_samples;
    bool is_complete = n_answered == aeon_suite_n(e->suite);
    if (o->json) {
        TRY(print_json(e, is_complete, err));
    } else {
        if (o->transcript) print_transcript(e);
        if (o->wrong) TRY(show_wrong(e, NULL, err));
        print_table(e);
    }
    if (is_complete) return AEON_OK;
    cli_notice("interrupted after %zu of %zu questions", n_answered, aeon_suite_n(e->suite));
    return cli_error(err, AEON_CANCELLED, "interrupted");
}

static aeon_status run_eval(const cli_options *o, aeon_error *err)
{
    if (o->file || o->perplexity) return cli_eval_text(o, err);
    evaluation e = {.options = o};
    aeon_status status = evaluate(&e, err);
    aeon_eval_free(e.eval);
    aeon_suite_free(e.suite);
    aeon_model_close(e.against);
    cli_runtime_close(&e.runtime);
    return status;
}

static const cli_option question_options[] = {
    {0, "suite", CLI_TEXT, AT(suite), 0, 0, "SUITE", "builtin, or a file of JSON lines"},
    {0, "family", CLI_FAMILY, 0, 0, 0, "NAME", "only these questions; may be repeated"},
    {'n', "each", CLI_SIZE, AT(n_each), 0, CLI_MAX_TOKENS, "N", "the first N of a family; 0: all"},
    CLI_OPTION_END,
};

static const cli_option text_options[] = {
    {'f', "file", CLI_TEXT, AT(file), 0, 0, "FILE",
     "not questions: how well is this text foreseen? - for standard input"},
    {0, "ctx", CLI_SIZE, AT(n_ctx), 2, 1 << 30, "N", "tokens of a window of the text (512)"},
    CLI_OPTION_END,
};

static const cli_option model_options[] = {
    {'m', "model", CLI_TEXT, AT(model), 0, 0, "MODEL",
     "a GGUF file, a Hugging Face or MLX folder, builtin, or builtin-draft"},
    {0, "against", CLI_TEXT, AT(against), 0, 0, "MODEL",
     "a model to compare with; on a text: how far from it?"},
    {'t', "threads", CLI_SIZE, AT(n_threads), 0, 256, "N", "threads; 0: one per core"},
    {0, "kv", CLI_KV, 0, 0, 0, "TYPE", "how keys and values are kept: f32, f16, bf16 or q8_0"},
    {0, "tokens", CLI_SIZE, AT(n_max), 1, CLI_MAX_TOKENS, "N",
     "most tokens of an answer (160), or of the text (all)"},
    CLI_OPTION_END,
};

static const cli_option answer_options[] = {
    {0, "perplexity", CLI_FLAG, AT(perplexity), 0, 0, NULL,
     "don't ask: how well are the right answers foreseen?"},
    {0, "template", CLI_TEMPLATE, 0, 0, 0, "NAME", "chat template instead of the file's own"},
    {0, "samples", CLI_SIZE, AT(n_samples), 0, 1000, "K", "K drawn answers, not the greedy one"},
    {0, "temp", CLI_REAL, AT(sample_temperature), 0, 100, "X", "temperature of the samples"},
    {0, "seed", CLI_SEED, 0, 0, 0, "N", "another seed, other samples"},
    CLI_OPTION_END,
};

static const cli_option output_options[] = {
    {0, "wrong", CLI_FLAG, AT(wrong), 0, 0, NULL, "the wrong answers, before the table"},
    {0, "transcript", CLI_FLAG, AT(transcript), 0, 0, NULL, "all talks with their answers"},
    {0, "json", CLI_FLAG, AT(json), 0, 0, NULL, "one JSON document on standard output"},
    CLI_OPTION_END,
};

const cli_command cli_eval = {
    .name = "eval",
    .summary = "how good is a model? by questions, or by a text",
    .usage = "[-m MODEL] [--suite SUITE [--perplexity] | -f FILE] [--against MODEL] [options]",
    .groups = (const cli_group[]){{"Model", model_options},
                                  {"Questions", question_options},
                                  {"Answers", answer_options},
                                  {"Text", text_options},
                                  {"Output", output_options},
                                  CLI_GROUP_END},
    .notes = "A line of a suite: {\"family\": \"..\", \"messages\": [..], \"check\": {..}, "
             "\"answer\": \"..\"};\n"
             "docs/evaluation.md explains the checks, and the figures of a text.",
    .example = "aeon eval --perplexity -n 5 --against builtin-draft",
    .run = run_eval,
};
