#include "cli/runtime.h"

#include "cli/console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- opening ------------------------------------------------------------------------------- */

static aeon_status open_model(cli_runtime *r, const cli_options *o, bool vocab_only,
                              aeon_error *err)
{
    aeon_model_params params = {
        .chat_template = o->chat_template, .vocab_only = vocab_only, .progress = cli_progress};
    r->path = o->model;
    aeon_status status = aeon_model_open(&r->model, o->model, &params, err);
    cli_progress_end();
    TRY(status);
    r->info = aeon_model_describe(r->model);
    r->vocab = aeon_model_tokenizer(r->model);
    return AEON_OK;
}

aeon_status cli_runtime_open_vocab(cli_runtime *r, const cli_options *o, aeon_error *err)
{
    return open_model(r, o, true, err);
}

aeon_session_params cli_session_params(const cli_options *o)
{
    aeon_session_params params = aeon_session_params_default();
    params.n_ctx = o->n_ctx;
    params.kv_type = o->kv_type;
    params.rope = o->rope;
    return params;
}

aeon_status cli_runtime_open(cli_runtime *r, const cli_options *o,
                             const aeon_session_params *session, aeon_error *err)
{
    double start_s = cli_clock_s();
    TRY(open_model(r, o, false, err));
    aeon_engine_params engine = {.n_threads = (int)o->n_threads, .n_chunk = o->n_chunk};
    TRY(aeon_engine_new(&r->engine, r->model, &engine, err));
    TRY(aeon_session_new(&r->session, r->engine, session, err));
    r->load_ms = 1e3 * (cli_clock_s() - start_s);
    return AEON_OK;
}

void cli_runtime_close(cli_runtime *r)
{
    aeon_session_free(r->session);
    aeon_engine_free(r->engine);
    aeon_model_close(r->model);
    *r = (cli_runtime){0};
}

/* ---- input --------------------------------------------------------------------------------- */

aeon_status cli_read_input(aeon_text *out, const cli_options *o, aeon_error *err)
{
    if (o->prompt && o->file)
        return cli_error(err, CLI_USAGE, "-p and -f: give one of them, not both");
    if (o->prompt) return aeon_text_append(out, o->prompt, strlen(o->prompt), err);
    if (!o->file && cli_is_terminal(stdin))
        return cli_error(err, CLI_USAGE, "no text: give -p TEXT or -f FILE, or pipe it in");
    TRY(aeon_text_append(out, "", 0, err));
    return cli_read_file(out, o->file ? o->file : "-", err);
}

aeon_status cli_parse_ids(aeon_tokens *out, const char *text, const char *where, aeon_error *err)
{
    static const char between[] = ", \t\r\n";
    for (text += strspn(text, between); *text; text += strspn(text, between)) {
        char word[16];
        size_t len = strcspn(text, between);
        uint64_t id;
        snprintf(word, sizeof word, "%.*s", len < sizeof word ? (int)len : 12, text);
        if (len >= sizeof word || !cli_parse_size(word, INT32_MAX, &id))
            return cli_error(err, CLI_USAGE, "%s: %s is not a token id; write ids as 1,2,3", where,
                             word);
        TRY(aeon_tokens_push(out, (int32_t)id, err));
        text += len;
    }
    if (!out->n) return cli_error(err, CLI_USAGE, "%s: no token ids; write them as 1,2,3", where);
    return AEON_OK;
}

aeon_status cli_read_tokens(aeon_tokens *out, const cli_runtime *r, const cli_options *o,
                            aeon_error *err)
{
    aeon_text text = {0};
    aeon_status status;
    if (o->ids && (o->prompt || o->file))
        return cli_error(err, CLI_USAGE, "--ids: not together with -p or -f");
    if (o->ids && strcmp(o->ids, "-") != 0) return cli_parse_ids(out, o->ids, "--ids", err);
    if (o->ids) {
        status = cli_read_file(&text, "-", err);
        if (status == AEON_OK)
            status = cli_parse_ids(out, text.data ? text.data : "", "standard input", err);
    } else {
        status = cli_read_input(&text, o, err);
        if (status == AEON_OK)
            status =
                aeon_tokenizer_encode(r->vocab, text.data, text.len, AEON_ENCODE_BOS, out, err);
        if (status == AEON_OK && !out->n)
            status = cli_error(err, AEON_INVALID_ARGUMENT,
                               "the text is empty; give at least one character");
    }
    aeon_text_release(&text);
    return status;
}

/* ---- generation ---------------------------------------------------------------------------- */

/* Seeds by chance stay small enough to be typed again. */
static uint64_t chance_seed(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t x =
        (uint64_t)now.tv_sec * 1000000007u ^ (uint64_t)now.tv_nsec << 20 ^ (uint64_t)getpid() << 40;
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
    return x >> 36;
}

aeon_status cli_sampler_new(aeon_sampler **out, uint64_t *seed, const cli_runtime *r,
                            const cli_options *o, aeon_error *err)
{
    aeon_sampler_params params = o->sampling;
    if (!o->has_seed) params.seed = chance_seed();
    *seed = params.seed;
    return aeon_sampler_new(out, &params, aeon_tokenizer_n_vocab(r->vocab), err);
}

aeon_status cli_chat_template(const aeon_chat_template **out, const cli_runtime *r,
                              const char *otherwise, aeon_error *err)
{
    char names[128];
    *out = aeon_model_chat(r->model);
    if (*out) return AEON_OK;
    cli_template_names(names, sizeof names);
    return cli_error(
        err, AEON_UNSUPPORTED,
        "%s: has no chat template that is known here; choose one with --template (%s)%s", r->path,
        names, otherwise);
}

/* ---- JSON ---------------------------------------------------------------------------------- */

aeon_status cli_print_json(json_t *document, aeon_error *err)
{
    if (!document) return cli_error(err, AEON_OUT_OF_MEMORY, "not enough memory for the JSON text");
    int failed = json_dumpf(document, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(document);
    fputc('\n', stdout);
    if (failed) return cli_error(err, AEON_IO, "standard output: cannot write the JSON text");
    return AEON_OK;
}

json_t *cli_json_text(const char *text, size_t len)
{
    aeon_text clean = {0};
    json_t *value = NULL;
    if (cli_text_append_utf8(&clean, text ? text : "", len, NULL) == AEON_OK)
        value = json_stringn(clean.data, clean.len);
    aeon_text_release(&clean);
    return value;
}

json_t *cli_json_ids(const int32_t *ids, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; i < n && array; i++) {
        if (json_array_append_new(array, json_integer(ids[i])) == 0) continue;
        json_decref(array);
        array = NULL;
    }
    return array;
}
