#include "cli/runtime.h"

#include "cli/console.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- opening ------------------------------------------------------------------------------- */

aeon_status cli_check_shape(const cli_options *o, aeon_error *err)
{
    if (!o->shape && o->has_type)
        return cli_error(err, CLI_USAGE, "--type: only with --shape; a file has its own");
    if (!o->shape) return AEON_OK;
    if (o->argument || strcmp(o->model, cli_options_default().model) != 0)
        return cli_error(err, CLI_USAGE, "--shape %s: not together with a file", o->shape);
    if (!o->has_type)
        return cli_error(err, CLI_USAGE, "--shape %s: needs --type, such as q4_0", o->shape);
    return AEON_OK;
}

static aeon_status check_folder(const char *path, aeon_error *err)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int len = slash ? (int)(slash - path + 1) : 0;
    if (snprintf(folder, sizeof folder, "%.*s.", len, path) >= PATH_MAX)
        return cli_error(err, AEON_INVALID_ARGUMENT, "%.80s...: the path is too long", path);
    if (access(folder, W_OK) == 0) return AEON_OK;
    return cli_error(err, AEON_IO, "%s: cannot write here: %s", path, strerror(errno));
}

aeon_status cli_check_target(const char *path, bool force, aeon_error *err)
{
    struct stat st;
    TRY(check_folder(path, err));
    if (lstat(path, &st) != 0) return AEON_OK;
    if (!S_ISREG(st.st_mode))
        return cli_error(err, AEON_INVALID_ARGUMENT, "%s: is not a plain file; choose another name",
                         path);
    if (!force)
        return cli_error(err, AEON_INVALID_ARGUMENT, "%s: exists; --force replaces it", path);
    return AEON_OK;
}

aeon_status cli_check_head(const cli_options *o, aeon_error *err)
{
    aeon_type head;
    if (!o->head || aeon_type_find(o->head, &head)) return AEON_OK;
    return cli_error(err, CLI_USAGE, "--head %s: must be a type such as f16, q8_0 or q6_k",
                     o->head);
}

static aeon_status open_shape(cli_runtime *r, const cli_options *o, aeon_error *err)
{
    aeon_status status = aeon_synth_open(&r->model, o->shape, o->type, 0, cli_progress, NULL, err);
    cli_progress_end();
    return status;
}

static aeon_status open_model(cli_runtime *r, const cli_options *o, aeon_model_params params,
                              aeon_error *err)
{
    r->path = o->shape ? o->shape : o->model;
    params.chat_template = o->chat_template;
    TRY(o->shape ? open_shape(r, o, err) : aeon_model_open(&r->model, o->model, &params, err));
    r->info = aeon_model_describe(r->model);
    r->vocab = aeon_model_tokenizer(r->model);
    return AEON_OK;
}

aeon_status cli_runtime_open_vocab(cli_runtime *r, const cli_options *o, aeon_error *err)
{
    return open_model(r, o, (aeon_model_params){.vocab_only = true}, err);
}

aeon_status cli_runtime_open_model(cli_runtime *r, const cli_options *o, aeon_error *err)
{
    return open_model(r, o, (aeon_model_params){0}, err);
}

aeon_session_params cli_session_params(const cli_options *o)
{
    aeon_session_params params = aeon_session_params_default();
    params.n_ctx = o->n_ctx;
    params.rope = o->rope;
    return params;
}

aeon_plan_params cli_plan_params(const cli_options *o, const aeon_session_params *session)
{
    return (aeon_plan_params){
        .ram_bytes = o->ram_bytes,
        .n_ctx = session->n_ctx,
        .has_kv_type = o->has_kv_type,
        .kv_type = o->kv_type,
        .rope = session->rope,
        .n_threads = (int)o->n_threads,
        .n_chunk = o->n_chunk,
    };
}

static void tell_plan(const aeon_plan *p)
{
    char all[16], ram[16], weights[16], n_ctx[16], kv[16], rest[16];
    double rest_bytes = (double)(p->total_bytes - p->weights_bytes - p->kv_bytes);
    cli_notice("plan: %s of %s: weights %s, %s tokens of context (%s) %s, the rest %s",
               cli_short_bytes(all, sizeof all, (double)p->total_bytes),
               cli_short_bytes(ram, sizeof ram, (double)p->ram_bytes),
               cli_short_bytes(weights, sizeof weights, (double)p->weights_bytes),
               cli_grouped(n_ctx, sizeof n_ctx, p->n_ctx), aeon_type_name(p->kv_type),
               cli_short_bytes(kv, sizeof kv, (double)p->kv_bytes),
               cli_short_bytes(rest, sizeof rest, rest_bytes));
}

/* A budget that the machine does not have would be kept by swapping. */
static aeon_status check_machine(uint64_t ram_bytes, aeon_error *err)
{
    char ram[16], has[16];
    aeon_machine m = aeon_machine_describe();
    cli_short_bytes(ram, sizeof ram, (double)ram_bytes);
    if (m.memory_bytes && ram_bytes > m.memory_bytes)
        return cli_error(err, AEON_OUT_OF_MEMORY, "--ram: %s are asked for, this machine has %s",
                         ram, cli_short_bytes(has, sizeof has, (double)m.memory_bytes));
    if (m.memory_available_bytes && ram_bytes > m.memory_available_bytes)
        cli_notice("only %s of memory are available now, not %s: it may get slow",
                   cli_short_bytes(has, sizeof has, (double)m.memory_available_bytes), ram);
    return AEON_OK;
}

/* Fill in what the session leaves open, so that all fits into --ram, and let it hold. */
static aeon_status keep_to_ram(const cli_runtime *r, const cli_options *o,
                               aeon_engine_params *engine, aeon_session_params *session,
                               aeon_error *err)
{
    aeon_plan plan;
    aeon_plan_params params = cli_plan_params(o, session);
    params.n_branches = r->n_branches;
    params.n_branch_tokens = r->n_branch_tokens;
    TRY(check_machine(o->ram_bytes, err));
    TRY(aeon_plan_make(&plan, r->model, &params, err));
    tell_plan(&plan);
    engine->kv_type = plan.kv_type;
    engine->n_kv_tokens = plan.n_kv_tokens;
    session->n_ctx = plan.n_ctx;
    aeon_memory_set_cap((size_t)plan.cap_bytes);
    return AEON_OK;
}

/* Tokens in the pages of a branch: it copies the one in which it leaves the talk, and fills others.
 */
static size_t branch_room(size_t n_tokens)
{
    enum { PAGE_TOKENS = 32 };
    return (n_tokens / PAGE_TOKENS + 2) * PAGE_TOKENS;
}

aeon_status cli_runtime_open(cli_runtime *r, const cli_options *o,
                             const aeon_session_params *session, aeon_error *err)
{
    double start_s = cli_clock_s();
    aeon_session_params planned = *session;
    TRY(open_model(r, o, (aeon_model_params){0}, err));
    aeon_engine_params engine = {.n_threads = (int)o->n_threads,
                                 .n_chunk = o->n_chunk,
                                 .kv_type = o->kv_type,
                                 .n_kv_tokens = session->n_ctx};
    if (engine.n_kv_tokens > r->info->n_ctx_max) engine.n_kv_tokens = r->info->n_ctx_max;
    if (r->n_branches) engine.n_kv_tokens += r->n_branches * branch_room(r->n_branch_tokens);
    if (o->ram_bytes) TRY(keep_to_ram(r, o, &engine, &planned, err));
    r->kv_type = engine.kv_type;
    aeon_status status = aeon_model_read(r->model, cli_progress, NULL, err);
    cli_progress_end();
    TRY(status);
    TRY(aeon_engine_new(&r->engine, r->model, &engine, err));
    TRY(aeon_session_new(&r->session, r->engine, &planned, err));
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

static aeon_status read_ids(cli_input *in, const cli_options *o, aeon_error *err)
{
    if (o->prompt || o->file) return cli_error(err, CLI_USAGE, "--ids: not together with -p or -f");
    if (strcmp(o->ids, "-") != 0) return cli_parse_ids(&in->ids, o->ids, "--ids", err);
    TRY(cli_read_file(&in->text, "-", err));
    return cli_parse_ids(&in->ids, in->text.data, "standard input", err);
}

aeon_status cli_input_read(cli_input *in, const cli_options *o, aeon_error *err)
{
    if (o->ids) return read_ids(in, o, err);
    if (o->prompt && o->file)
        return cli_error(err, CLI_USAGE, "-p and -f: give one of them, not both");
    if (o->prompt) return aeon_text_append(&in->text, o->prompt, strlen(o->prompt), err);
    if (!o->file && cli_is_terminal(stdin))
        return cli_error(err, CLI_USAGE, "no text: give -p TEXT or -f FILE, or pipe it in");
    return cli_read_file(&in->text, o->file ? o->file : "-", err);
}

aeon_status cli_input_need(const cli_input *in, aeon_error *err)
{
    if (in->ids.n || in->text.len) return AEON_OK;
    return cli_error(err, AEON_INVALID_ARGUMENT, "the text is empty; give at least one character");
}

void cli_input_release(cli_input *in)
{
    aeon_text_release(&in->text);
    aeon_tokens_release(&in->ids);
}

aeon_status cli_input_encode(aeon_tokens *out, const cli_input *in, const cli_runtime *r,
                             aeon_error *err)
{
    if (in->ids.n) return aeon_tokens_append(out, in->ids.ids, in->ids.n, err);
    return aeon_tokenizer_encode(r->vocab, in->text.data, in->text.len, AEON_ENCODE_BOS, out, err);
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

json_t *cli_json_limits(const aeon_machine_limits *limits)
{
    return json_pack("{s:f, s:f, s:f, s:f}", "read_gbps", limits->read_gbps, "int8_gmacs",
                     limits->int8_gmacs, "bf16_gmacs", limits->bf16_gmacs, "f32_gmacs",
                     limits->f32_gmacs);
}

/* null for what is infinite, which JSON cannot say. */
static json_t *json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

void cli_json_add_estimate(json_t *document, const char *name, aeon_estimate e)
{
    char interval[40];
    snprintf(interval, sizeof interval, "%s_95", name);
    json_object_set_new(document, name, json_number(e.value));
    json_object_set_new(document, interval,
                        json_pack("[o, o]", json_number(e.low), json_number(e.high)));
}
