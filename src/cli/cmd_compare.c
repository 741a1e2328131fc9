/* cmd_compare.c - aeon compare: what each type of a model costs, and what it loses. */
#include "cli/commands.h"
#include "cli/compare.h"
#include "cli/console.h"

#include <string.h>

/* ---- what there is to compare ---------------------------------------------------------------- */

static aeon_status check_options(const cli_options *o, aeon_error *err)
{
    if (o->json && o->markdown)
        return cli_error(err, CLI_USAGE, "--json and --markdown: give one of them");
    if (o->shape && o->argument)
        return cli_error(err, CLI_USAGE, "--shape %s: not together with a file", o->shape);
    if (o->shape && (o->file || o->ask || o->imatrix))
        return cli_error(err, CLI_USAGE,
                         "--shape %s: random weights have no quality to measure or keep", o->shape);
    if (o->no_quality && (o->file || o->ask))
        return cli_error(err, CLI_USAGE, "--no-quality: not together with %s",
                         o->file ? "-f" : "--ask");
    if (!o->file && (o->n_ctx || o->n_max))
        return cli_error(err, CLI_USAGE, "--ctx and --tokens: are for a text; give one with -f");
    TRY(cli_check_head(o, err));
    return o->svg ? cli_check_target(o->svg, o->force, err) : AEON_OK;
}

/* Write down all talks, only to count: one that the template cannot write is better known now. */
static aeon_status count_talks(cli_comparison *c, const cli_runtime *r, const aeon_suite *suite,
                               aeon_error *err)
{
    aeon_tokens ids = {0};
    aeon_error reason;
    aeon_status status = AEON_OK;
    const aeon_chat_template *chat = aeon_model_chat(r->model);
    c->n_questions = aeon_suite_n(suite);
    for (size_t i = 0; i < c->n_questions && status == AEON_OK; i++) {
        aeon_question q = aeon_suite_question(suite, i);
        status = aeon_chat_encode(chat, r->vocab, q.messages, q.n_messages, 0, &ids, &reason);
    }
    if (!c->ids.n) c->n_to_read = ids.n;
    aeon_tokens_release(&ids);
    if (status == AEON_OK) return AEON_OK;
    return cli_error(err, status,
                     "%.400s; choose others with --family, or give a text with -f FILE",
                     reason.text);
}

static aeon_status look_at_suite(cli_comparison *c, const cli_runtime *r, aeon_error *err)
{
    aeon_suite *suite = NULL;
    const aeon_chat_template *chat;
    TRY(cli_chat_template(&chat, r, ", or give a text with -f FILE", err));
    aeon_status status = cli_compare_open_suite(&suite, c->options, err);
    if (status == AEON_OK) status = count_talks(c, r, suite, err);
    aeon_suite_free(suite);
    return status;
}

static aeon_status encode_text(cli_comparison *c, const cli_input *input, const cli_runtime *r,
                               aeon_error *err)
{
    TRY(cli_input_encode(&c->ids, input, r, err));
    if (c->options->n_max && c->ids.n > c->options->n_max) c->ids.n = c->options->n_max;
    c->n_to_read = c->ids.n;
    return AEON_OK;
}

/* Everything that can be said of the original before it is read. It does not stay open: what is
 * measured later shall have the memory for itself. */
static aeon_status look_at_original(cli_comparison *c, const cli_input *input, cli_runtime *r,
                                    aeon_error *err)
{
    cli_options o = *c->options;
    o.model = c->variants[0].path.data;
    o.shape = NULL;
    TRY(cli_runtime_open_model(r, &o, err));
    c->about = *r->info;
    c->reads = !o.no_quality && !c->options->shape;
    c->asks = c->reads && (o.ask || r->info->is_builtin);
    c->variants[0].name = aeon_type_name(r->info->type);
    if (c->reads && o.file) TRY(encode_text(c, input, r, err));
    return c->reads && (!o.file || c->asks) ? look_at_suite(c, r, err) : AEON_OK;
}

static aeon_status name_original(cli_comparison *c, aeon_error *err)
{
    const cli_options *o = c->options;
    aeon_model_info info;
    c->n_variants = 1;
    if (!o->shape) {
        c->model = o->argument ? o->argument : o->model;
        return aeon_text_append(&c->variants[0].path, c->model, strlen(c->model), err);
    }
    c->model = o->shape;
    if (aeon_synth_describe(&info, o->shape, AEON_TYPE_F16, err) != AEON_OK) return CLI_USAGE;
    TRY(cli_compare_make_folder(c, info.size_bytes, err));
    return cli_compare_make_original(c, err);
}

static aeon_status open_original(cli_comparison *c, aeon_error *err)
{
    cli_input input = {0};
    cli_runtime runtime = {0};
    aeon_status status = AEON_OK;
    if (c->options->file) status = cli_input_read(&input, c->options, err);
    if (c->options->file && status == AEON_OK) status = cli_input_need(&input, err);
    if (status == AEON_OK) status = name_original(c, err);
    if (status == AEON_OK) status = look_at_original(c, &input, &runtime, err);
    cli_runtime_close(&runtime);
    cli_input_release(&input);
    return status;
}

/* ---- the command ----------------------------------------------------------------------------- */

static aeon_status measure_one(cli_comparison *c, cli_variant *v, aeon_error *err)
{
    bool is_original = v == c->variants;
    if (!is_original) {
        cli_compare_begin(c, v, CLI_MAKE);
        TRY(cli_compare_make(c, v, err));
    }
    TRY(cli_compare_measure(c, v, err));
    if (!is_original && !c->options->keep) cli_compare_delete(v);
    return AEON_OK;
}

static aeon_status measure_all(cli_comparison *c, aeon_error *err)
{
    for (size_t i = 0; i < c->n_variants; i++) TRY(measure_one(c, &c->variants[i], err));
    return AEON_OK;
}

/* What was measured before Ctrl-C is worth showing. */
static aeon_status report(const cli_comparison *c, aeon_status status, aeon_error *err)
{
    bool is_stopped = status == AEON_CANCELLED && c->variants[0].is_done;
    if (status != AEON_OK && !is_stopped) return status;
    TRY(cli_compare_report(c, err));
    if (is_stopped) cli_notice("interrupted: not all was measured");
    if (c->options->svg && !is_stopped) TRY(cli_compare_draw(c, c->options->svg, err));
    return status;
}

static aeon_status compare(cli_comparison *c, aeon_error *err)
{
    TRY(check_options(c->options, err));
    TRY(open_original(c, err));
    TRY(cli_compare_plan(c, err));
    TRY(cli_compare_make_folder(c, 0, err));
    TRY(cli_compare_reckon(c, err));
    aeon_status status = measure_all(c, err);
    cli_progress_part(NULL, 0, 0, 0, 0);
    return report(c, status, err);
}

static aeon_status run_compare(const cli_options *o, aeon_error *err)
{
    cli_comparison c = {.options = o, .own_bytes = cli_rss_bytes()};
    aeon_status status = compare(&c, err);
    cli_compare_clean(&c);
    for (size_t i = 0; i < c.n_variants; i++) aeon_text_release(&c.variants[i].path);
    aeon_tokens_release(&c.ids);
    return status;
}

static const cli_option model_options[] = {
    {0, "types", CLI_TEXT, AT(types), 0, 0, "T,T", "what to make of it (f16,int8,int4)"},
    {0, "head", CLI_TEXT, AT(head), 0, 0, "TYPE",
     "type of output head and embedding in all of them: q8_0, q6_k, ..."},
    {0, "imatrix", CLI_TEXT, AT(imatrix), 0, 0, "FILE",
     "round by importance: made by aeon imatrix, or llama.cpp"},
    {'t', "threads", CLI_SIZE, AT(n_threads), 0, 256, "N", "threads; 0: one per core"},
    {0, "kv", CLI_KV, 0, 0, 0, "TYPE", "keys and values as f32, f16, bf16 or q8_0"},
    {0, "template", CLI_TEMPLATE, 0, 0, 0, "NAME", "chat template instead of the file's own"},
    {0, "requantize", CLI_FLAG, AT(requantize), 0, 0, NULL,
     "round weights that were rounded before"},
    {0, "allow-nan", CLI_FLAG, AT(allow_nan), 0, 0, NULL,
     "take NaN for 0 and infinity for the largest value"},
    {0, "shape", CLI_TEXT, AT(shape), 0, 0, "NAME",
     "random weights in f16 instead of a file, such as phi-4-mini"},
    CLI_OPTION_END,
};

static const cli_option speed_options[] = {
    {'p', "prefill", CLI_SIZE, AT(n_prefill), 1, CLI_MAX_TOKENS, "N", "tokens of the prompt"},
    {0, "decode", CLI_SIZE, AT(n_decode), 1, CLI_MAX_TOKENS, "N", "tokens written after it"},
    {'r', "runs", CLI_SIZE, AT(n_runs), 1, 1000, "N", "runs, after one to warm up"},
    CLI_OPTION_END,
};

static const cli_option quality_options[] = {
    {'f', "file", CLI_TEXT, AT(file), 0, 0, "FILE",
     "a text to foresee, instead of the answers of the suite"},
    {0, "ctx", CLI_SIZE, AT(n_ctx), 2, 1 << 30, "N", "tokens of a window of the text (512)"},
    {0, "tokens", CLI_SIZE, AT(n_max), 1, CLI_MAX_TOKENS, "N",
     "only the beginning of the text (all)"},
    {0, "suite", CLI_TEXT, AT(suite), 0, 0, "SUITE", "builtin, or a file of JSON lines"},
    {0, "family", CLI_FAMILY, 0, 0, 0, "NAME", "only these of its questions; may be repeated"},
    {'n', "each", CLI_SIZE, AT(n_talks), 0, CLI_MAX_TOKENS, "N",
     "the first N talks of each family of the suite; 0: all"},
    {0, "ask", CLI_FLAG, AT(ask), 0, 0, NULL,
     "ask the questions as well; the built-in model always is asked"},
    {0, "no-quality", CLI_FLAG, AT(no_quality), 0, 0, NULL, "speed and memory alone"},
    CLI_OPTION_END,
};

static const cli_option output_options[] = {
    {0, "markdown", CLI_FLAG, AT(markdown), 0, 0, NULL, "a table for a README"},
    {0, "json", CLI_FLAG, AT(json), 0, 0, NULL, "one JSON document on standard output"},
    {0, "svg", CLI_TEXT, AT(svg), 0, 0, "FILE", "a picture as well"},
    {0, "force", CLI_FLAG, AT(force), 0, 0, NULL, "replace the picture if it exists"},
    {0, "folder", CLI_TEXT, AT(folder), 0, 0, "DIR",
     "where the files are made that are compared (TMPDIR, or /var/tmp)"},
    {0, "keep", CLI_FLAG, AT(keep), 0, 0, NULL, "don't delete them"},
    CLI_OPTION_END,
};

const cli_command cli_compare = {
    .name = "compare",
    .summary = "what a model costs and loses in each type: size, memory, speed, quality",
    .usage = "[MODEL] [--types f16,int8,int4] [--markdown | --json] [--svg FILE] [options]\n"
             "       aeon compare --shape phi-4-mini",
    .argument = "MODEL",
    .groups = (const cli_group[]){{"Model", model_options},
                                  {"Speed", speed_options},
                                  {"Quality", quality_options},
                                  {"Output", output_options},
                                  CLI_GROUP_END},
    .notes =
        "MODEL is a GGUF file or a folder in f32, f16 or bf16, or builtin. It is the first row,\n"
        "and what the others are made from and compared with; aeon help quantize lists the types.\n"
        "memory       most that was resident while this one alone was loaded and talked\n"
        "loaded       from the start until the first token can be read, the file in the page "
        "cache\n"
        "first token  of the answer to the prompt\n"
        "KL, top-1    how far its expectations are from the original's: docs/evaluation.md",
    .example = "aeon compare ~/models/Phi-4-mini-instruct/ --types f16,int8,int4 --svg types.svg",
    .run = run_compare,
};
