/* cmd_tokenize.c - aeon tokenize: text to token ids and back. */
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/runtime.h"

#include <string.h>

typedef struct {
    const cli_options *options;
    cli_runtime runtime;
    cli_input input;
    aeon_text text; /* of one answer */
    aeon_tokens ids;
} tokenizing;

static aeon_status encode(tokenizing *t, const char *text, size_t len, aeon_error *err)
{
    t->ids.n = 0;
    unsigned flags = t->options->special ? AEON_ENCODE_SPECIAL : 0;
    return aeon_tokenizer_encode(t->runtime.vocab, text, len, flags, &t->ids, err);
}

static aeon_status decode(tokenizing *t, const int32_t *ids, size_t n, aeon_error *err)
{
    t->text.len = 0;
    TRY(aeon_text_append(&t->text, "", 0, err));
    return aeon_tokenizer_decode(t->runtime.vocab, ids, n, true, &t->text, err);
}

static void print_ids(const tokenizing *t, const char *between)
{
    for (size_t i = 0; i < t->ids.n; i++) printf("%s%d", i ? between : "", (int)t->ids.ids[i]);
}

/* ---- one text ------------------------------------------------------------------------------ */

static aeon_status print_pieces(tokenizing *t, aeon_error *err)
{
    for (size_t i = 0; i < t->ids.n; i++) {
        TRY(decode(t, &t->ids.ids[i], 1, err));
        printf("%8d  ", (int)t->ids.ids[i]);
        cli_write_quoted(stdout, t->text.data, t->text.len);
        printf("\n");
    }
    return AEON_OK;
}

static aeon_status encode_input(tokenizing *t, aeon_error *err)
{
    TRY(encode(t, t->input.text.data, t->input.text.len, err));
    if (t->options->json)
        return cli_print_json(json_pack("{s:o}", "ids", cli_json_ids(t->ids.ids, t->ids.n)), err);
    if (t->options->pieces) return print_pieces(t, err);
    print_ids(t, " ");
    printf("\n");
    return AEON_OK;
}

static aeon_status decode_input(tokenizing *t, aeon_error *err)
{
    if (t->options->pieces) return print_pieces(t, err);
    TRY(decode(t, t->ids.ids, t->ids.n, err));
    if (t->options->json)
        return cli_print_json(json_pack("{s:o}", "text", cli_json_text(t->text.data, t->text.len)),
                              err);
    cli_write(stdout, t->text.data, t->text.len);
    if (cli_is_terminal(stdout)) printf("\n"); /* a file gets the bytes and nothing else */
    return AEON_OK;
}

/* ---- a file of many texts ------------------------------------------------------------------ */

/* One line is a JSON string; out goes its array of ids. */
static aeon_status encode_line(tokenizing *t, json_t *line, aeon_error *err)
{
    if (!json_is_string(line)) return cli_error(err, AEON_BAD_FORMAT, "is not a JSON string");
    TRY(encode(t, json_string_value(line), json_string_length(line), err));
    printf("[");
    print_ids(t, ",");
    printf("]\n");
    return AEON_OK;
}

/* One line is a JSON array of ids; out goes its text as a JSON string. */
static aeon_status decode_line(tokenizing *t, json_t *line, aeon_error *err)
{
    size_t i;
    json_t *id;
    if (!json_is_array(line))
        return cli_error(err, AEON_BAD_FORMAT, "is not a JSON array of token ids");
    t->ids.n = 0;
    json_array_foreach(line, i, id)
    {
        json_int_t value = json_is_integer(id) ? json_integer_value(id) : -1;
        if (value < 0 || value > INT32_MAX)
            return cli_error(err, AEON_BAD_FORMAT, "element %zu is not a token id", i);
        TRY(aeon_tokens_push(&t->ids, (int32_t)value, err));
    }
    TRY(decode(t, t->ids.ids, t->ids.n, err));
    json_t *text = cli_json_text(t->text.data, t->text.len);
    int failed = json_dumpf(text, stdout, JSON_ENCODE_ANY);
    json_decref(text);
    printf("\n");
    return failed ? cli_error(err, AEON_OUT_OF_MEMORY, "not enough memory") : AEON_OK;
}

static aeon_status convert_lines(tokenizing *t, aeon_error *err)
{
    const char *at = t->input.text.data, *end = at + t->input.text.len;
    for (size_t number = 1; at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) stop = end;
        json_error_t problem;
        aeon_error inner = {AEON_OK, ""};
        json_t *line =
            json_loadb(at, (size_t)(stop - at), JSON_DECODE_ANY | JSON_ALLOW_NUL, &problem);
        aeon_status status =
            !line ? cli_error(&inner, AEON_BAD_FORMAT, "is not JSON: %s", problem.text)
            : t->options->decode ? decode_line(t, line, &inner)
                                 : encode_line(t, line, &inner);
        json_decref(line);
        if (status != AEON_OK)
            return cli_error(err, status, "line %zu: %.400s", number, inner.text);
        at = stop + 1;
    }
    return AEON_OK;
}

/* ---- the command --------------------------------------------------------------------------- */

static aeon_status convert(tokenizing *t, aeon_error *err)
{
    const cli_options *o = t->options;
    if (o->lines && (o->json || o->pieces))
        return cli_error(err, CLI_USAGE, "--lines: has its own form, without --json or --pieces");
    if (o->lines && o->decode && strcmp(o->decode, "-") != 0)
        return cli_error(err, CLI_USAGE, "--lines: takes its ids from the input, give --decode -");
    bool from_input = !o->decode || strcmp(o->decode, "-") == 0;
    if (from_input) TRY(cli_input_read(&t->input, o, err));
    if (o->decode && !o->lines)
        TRY(cli_parse_ids(&t->ids, from_input ? t->input.text.data : o->decode,
                          from_input ? "the input" : "--decode", err));
    TRY(cli_runtime_open_vocab(&t->runtime, o, err));
    if (o->lines) return convert_lines(t, err);
    return o->decode ? decode_input(t, err) : encode_input(t, err);
}

static aeon_status run_tokenize(const cli_options *o, aeon_error *err)
{
    tokenizing t = {.options = o};
    aeon_status status = convert(&t, err);
    cli_input_release(&t.input);
    aeon_text_release(&t.text);
    aeon_tokens_release(&t.ids);
    cli_runtime_close(&t.runtime);
    return status;
}

static const cli_option input_options[] = {
    {'p', "prompt", CLI_TEXT, AT(prompt), 0, 0, "TEXT", "the text"},
    {'f', "file", CLI_TEXT, AT(file), 0, 0, "FILE", "the text from a file, - for standard input"},
    {0, "decode", CLI_TEXT, AT(decode), 0, 0, "1,2,3",
     "the other way: ids to text; - takes them from the input"},
    {0, "lines", CLI_FLAG, AT(lines), 0, 0, NULL,
     "each input line is a JSON string, each output line an array of ids"},
    {0, "special", CLI_FLAG, AT(special), 0, 0, NULL,
     "control tokens written in the text count as such"},
    CLI_OPTION_END,
};

static const cli_option output_options[] = {
    {0, "pieces", CLI_FLAG, AT(pieces), 0, 0, NULL, "one token a line, with its text"},
    {0, "json", CLI_FLAG, AT(json), 0, 0, NULL, "one JSON document on standard output"},
    CLI_OPTION_END,
};

const cli_command cli_tokenize = {
    .name = "tokenize",
    .summary = "text to token ids, and back",
    .usage = "[-m MODEL] [-p TEXT | -f FILE | --decode 1,2,3] [options]",
    .groups = (const cli_group[]){{"Input", input_options},
                                  {"Model", cli_vocab_options},
                                  {"Output", output_options},
                                  CLI_GROUP_END},
    .example = "aeon tokenize -p \"Hello, world!\" --pieces",
    .run = run_tokenize,
};
