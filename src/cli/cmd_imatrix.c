/* cmd_imatrix.c - aeon imatrix: what a text makes of a model's matrices, for aeon quantize. */
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/runtime.h"

#include <string.h>
#include <sys/stat.h>

typedef struct {
    const cli_options *options;
    cli_input input;
    cli_runtime runtime;
    aeon_tokens ids;
    aeon_imatrix_result result;
    double seconds;
} making;

/* Are both there, and one and the same file? */
static bool is_same(const char *a, const char *b)
{
    struct stat sa, sb;
    return stat(a, &sa) == 0 && stat(b, &sb) == 0 && sa.st_dev == sb.st_dev &&
           sa.st_ino == sb.st_ino;
}

static aeon_status check_options(const cli_options *o, aeon_error *err)
{
    if (!o->output) return cli_error(err, CLI_USAGE, "-o FILE: the file to write is missing");
    if (is_same(o->output, o->model) || (o->file && is_same(o->output, o->file)))
        return cli_error(err, CLI_USAGE, "-o %s: is read as well; choose another name", o->output);
    return AEON_OK;
}

/* What the file says of the text: its name, without the folders of the person. */
static const char *text_name(const cli_options *o)
{
    if (!o->file) return "ids";
    const char *slash = strrchr(o->file, '/');
    return slash ? slash + 1 : o->file;
}

/* What a model answers to is full of control tokens; so is a text of talks. */
static aeon_status encode(making *m, aeon_error *err)
{
    if (!m->options->special || m->input.ids.n)
        return cli_input_encode(&m->ids, &m->input, &m->runtime, err);
    return aeon_tokenizer_encode(m->runtime.vocab, m->input.text.data, m->input.text.len,
                                 AEON_ENCODE_BOS | AEON_ENCODE_SPECIAL, &m->ids, err);
}

static aeon_status open_all(making *m, aeon_error *err)
{
    const cli_options *o = m->options;
    TRY(check_options(o, err));
    TRY(cli_check_target(o->output, o->force, err));
    TRY(cli_input_read(&m->input, o, err));
    TRY(cli_input_need(&m->input, err));
    TRY(cli_runtime_open_model(&m->runtime, o, err));
    TRY(encode(m, err));
    if (o->n_max && m->ids.n > o->n_max) m->ids.n = o->n_max;
    aeon_status status = aeon_model_read(m->runtime.model, cli_progress, NULL, err);
    cli_progress_end();
    return status;
}

static aeon_status print(const making *m, aeon_error *err)
{
    const cli_options *o = m->options;
    const aeon_imatrix_result *r = &m->result;
    if (o->json)
        return cli_print_json(json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:f}", "file",
                                        cli_json_text(o->output, strlen(o->output)), "tensors",
                                        (json_int_t)r->n_tensors, "windows",
                                        (json_int_t)r->n_windows, "ctx", (json_int_t)r->n_ctx,
                                        "text_tokens", (json_int_t)m->ids.n, "tokens",
                                        (json_int_t)r->n_tokens, "seconds", m->seconds),
                              err);
    char tokens[16];
    cli_notice("%s: importance for %zu matrices, from %s tokens in %zu window%s of %zu, in %.1f s",
               o->output, r->n_tensors, cli_grouped(tokens, sizeof tokens, r->n_tokens),
               r->n_windows, r->n_windows == 1 ? "" : "s", r->n_ctx, m->seconds);
    return AEON_OK;
}

static aeon_status make(making *m, aeon_error *err)
{
    const cli_options *o = m->options;
    TRY(open_all(m, err));
    const aeon_imatrix_params params = {.n_ctx = o->n_ctx,
                                        .n_threads = (int)o->n_threads,
                                        .text_name = text_name(o),
                                        .progress = cli_progress};
    double start_s = cli_clock_s();
    aeon_status status = aeon_imatrix_make(o->output, m->runtime.model, m->ids.ids, m->ids.n,
                                           &params, &m->result, err);
    cli_progress_end();
    if (status == AEON_CANCELLED) cli_notice("stopped, nothing was written");
    TRY(status);
    m->seconds = cli_clock_s() - start_s;
    return print(m, err);
}

static aeon_status run_imatrix(const cli_options *o, aeon_error *err)
{
    making m = {.options = o};
    aeon_status status = make(&m, err);
    cli_input_release(&m.input);
    aeon_tokens_release(&m.ids);
    cli_runtime_close(&m.runtime);
    return status;
}

static const cli_option own_options[] = {
    {'m', "model", CLI_TEXT, AT(model), 0, 0, "MODEL",
     "what will be quantized, best the original: GGUF, a folder, or builtin"},
    {'f', "file", CLI_TEXT, AT(file), 0, 0, "TEXT",
     "a text like those it will read and write; - for standard input"},
    {0, "ids", CLI_TEXT, AT(ids), 0, 0, "LIST", "token ids 1,2,3 instead of a text"},
    {'o', "output", CLI_TEXT, AT(output), 0, 0, "FILE", "the file to write"},
    {0, "special", CLI_FLAG, AT(special), 0, 0, NULL,
     "control tokens in the text (<|user|>, <|end|>) count as such"},
    {0, "ctx", CLI_SIZE, AT(n_ctx), 2, 1 << 30, "N", "tokens of a window of the text (512)"},
    {'n', "tokens", CLI_SIZE, AT(n_max), 2, 1 << 30, "N", "only the beginning of the text (all)"},
    {'t', "threads", CLI_SIZE, AT(n_threads), 0, 256, "N", "threads; 0: one per core"},
    {0, "force", CLI_FLAG, AT(force), 0, 0, NULL, "replace FILE if it exists"},
    {0, "json", CLI_FLAG, AT(json), 0, 0, NULL, "one JSON document on standard output"},
    CLI_OPTION_END,
};

const cli_command cli_imatrix = {
    .name = "imatrix",
    .summary = "find the weights that matter most for a text, for quantize",
    .usage = "[-m MODEL] -f TEXT -o FILE [--ctx N] [-n TOKENS] [-t N] [--force] [--json]",
    .groups = (const cli_group[]){{"Options", own_options}, CLI_GROUP_END},
    .notes =
        "The model reads the text in windows, and the squares of what enters each column of\n"
        "each matrix are summed. aeon quantize --imatrix FILE, and llama.cpp's quantizer, then\n"
        "take most care of the columns that meet large values. 20,000 tokens and more are\n"
        "good; what the text lacks (a language, code, talks) counts for little.",
    .example = "aeon imatrix -m phi-f16.gguf -f texts.txt -o phi.imatrix",
    .run = run_imatrix,
};
