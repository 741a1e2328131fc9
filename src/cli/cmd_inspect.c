/* cmd_inspect.c - aeon inspect: what a model file holds. */
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/runtime.h"

#include <string.h>

typedef struct {
    const cli_options *options;
    const char *path;
    aeon_file *file;
    cli_runtime runtime; /* the model alone; empty if it cannot run */
    aeon_error problem;  /* why it cannot run */
    aeon_text value;
} inspection;

static const char *type_name(aeon_type type)
{
    const char *name = aeon_type_name(type);
    return name ? name : "unknown";
}

/* ---- for people ----------------------------------------------------------------------------- */

static void print_model(const inspection *s)
{
    char a[16], b[16], c[16];
    if (!s->runtime.model) {
        printf("model       cannot run: ");
        cli_write(stdout, s->problem.text, strlen(s->problem.text));
        printf("\n");
        return;
    }
    const aeon_model_info *m = s->runtime.info;
    const aeon_chat_template *chat = aeon_model_chat(s->runtime.model);
    printf("model       %s, ", m->architecture);
    cli_write_quoted(stdout, m->name, strlen(m->name));
    printf("\nparameters  %s, %s, %s\n", cli_short_count(a, sizeof a, (double)m->n_params),
           type_name(m->type), cli_short_bytes(b, sizeof b, (double)m->size_bytes));
    printf("layers      %u of width %u, feed-forward %u\n", m->n_layers, m->n_embd, m->n_ff);
    printf("attention   %u heads, %u for keys and values, of %u values\n", m->n_heads,
           m->n_kv_heads, m->head_dim);
    printf("context     %u tokens", m->n_ctx_max);
    if (m->has_long_rope) printf(", LongRoPE from %u", m->n_ctx_original);
    printf("\nvocabulary  %u tokens\n", m->n_vocab);
    printf("template    %s\n",
           chat ? aeon_chat_template_name(chat) : "not known here (--template)");
    printf("per token   reads %s of weights, %s multiply-adds\n",
           cli_short_bytes(a, sizeof a, (double)m->step_bytes),
           cli_short_count(c, sizeof c, (double)m->macs_per_token));
}

static void print_tensor(aeon_file_tensor_info t)
{
    enum { NAME_WIDTH = 36 };
    size_t len = strlen(t.name);
    printf("  ");
    cli_write(stdout, t.name, len);
    printf("%*s %-6s ", len < NAME_WIDTH ? (int)(NAME_WIDTH - len) : 0, "", t.type_name);
    for (int i = 0; i < t.n_dims; i++)
        printf("%s%llu", i ? " x " : "", (unsigned long long)t.dims[i]);
    printf("\n");
}

static aeon_status print_text(inspection *s, aeon_error *err)
{
    enum { MAX_SHOWN = 100 };
    printf("file        ");
    cli_write(stdout, s->path, strlen(s->path));
    printf(" (%s)\n", aeon_file_format(s->file));
    print_model(s);

    size_t n = aeon_file_n_metadata(s->file);
    printf("\nmetadata    %zu\n", n);
    for (size_t i = 0; i < n; i++) {
        const char *key;
        s->value.len = 0;
        TRY(aeon_file_metadata(s->file, i, 3, &key, &s->value, err));
        size_t shown = s->value.len < MAX_SHOWN ? s->value.len : MAX_SHOWN;
        while (shown < s->value.len && (s->value.data[shown] & 0xc0) == 0x80) shown--;
        printf("  ");
        cli_write(stdout, key, strlen(key));
        printf(" = ");
        cli_write(stdout, s->value.data, shown);
        printf("%s\n", shown < s->value.len ? " ..." : "");
    }
    n = aeon_file_n_tensors(s->file);
    printf("\ntensors     %zu%s\n", n, s->options->tensors ? "" : " (--tensors lists them)");
    for (size_t i = 0; i < n && s->options->tensors; i++)
        print_tensor(aeon_file_tensor(s->file, i));
    return AEON_OK;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *model_json(const inspection *s)
{
    if (!s->runtime.model) return json_null();
    const aeon_model_info *m = s->runtime.info;
    const aeon_chat_template *chat = aeon_model_chat(s->runtime.model);
    return json_pack(
        "{s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:b, "
        "s:s?}",
        "architecture", m->architecture, "name", cli_json_text(m->name, strlen(m->name)), "type",
        type_name(m->type), "n_params", (json_int_t)m->n_params, "size_bytes",
        (json_int_t)m->size_bytes, "step_bytes", (json_int_t)m->step_bytes, "macs_per_token",
        (json_int_t)m->macs_per_token, "n_vocab", (int)m->n_vocab, "n_embd", (int)m->n_embd,
        "n_layers", (int)m->n_layers, "n_heads", (int)m->n_heads, "n_kv_heads", (int)m->n_kv_heads,
        "head_dim", (int)m->head_dim, "n_ff", (int)m->n_ff, "n_ctx_max", (int)m->n_ctx_max,
        "n_ctx_original", (int)m->n_ctx_original, "has_long_rope", (int)m->has_long_rope,
        "template", chat ? aeon_chat_template_name(chat) : NULL);
}

static aeon_status add_metadata(inspection *s, json_t *document, aeon_error *err)
{
    json_t *all = json_object();
    json_object_set_new(document, "metadata", all);
    for (size_t i = 0; i < aeon_file_n_metadata(s->file); i++) {
        const char *key;
        s->value.len = 0;
        TRY(aeon_file_metadata(s->file, i, 16, &key, &s->value, err));
        json_t *value =
            json_loadb(s->value.data, s->value.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        /* A value jansson cannot hold (a number out of its range) is given as its text. */
        if (!value) value = cli_json_text(s->value.data, s->value.len);
        json_object_set_new(all, key, value);
    }
    return AEON_OK;
}

static aeon_status add_tensors(inspection *s, json_t *document, aeon_error *err)
{
    size_t n = aeon_file_n_tensors(s->file);
    json_object_set_new(document, "n_tensors", json_integer((json_int_t)n));
    if (!s->options->tensors) return AEON_OK;
    json_t *all = json_array();
    json_object_set_new(document, "tensors", all);
    for (size_t i = 0; i < n; i++) {
        aeon_file_tensor_info t = aeon_file_tensor(s->file, i);
        json_t *dims = json_array();
        for (int d = 0; d < t.n_dims; d++)
            json_array_append_new(dims, json_integer((json_int_t)t.dims[d]));
        json_array_append_new(all,
                              json_pack("{s:o, s:s, s:o, s:I}", "name",
                                        cli_json_text(t.name, strlen(t.name)), "type", t.type_name,
                                        "dims", dims, "size_bytes", (json_int_t)t.size_bytes));
    }
    if (json_array_size(all) == n) return AEON_OK;
    return cli_error(err, AEON_OUT_OF_MEMORY, "not enough memory for the JSON text");
}

static aeon_status print_json(inspection *s, aeon_error *err)
{
    json_t *document = json_pack(
        "{s:o, s:s, s:o, s:o}", "file", cli_json_text(s->path, strlen(s->path)), "format",
        aeon_file_format(s->file), "model", model_json(s), "problem",
        s->runtime.model ? json_null() : cli_json_text(s->problem.text, strlen(s->problem.text)));
    aeon_status status = AEON_OK;
    if (document) status = add_metadata(s, document, err);
    if (document && status == AEON_OK) status = add_tensors(s, document, err);
    if (status == AEON_OK) return cli_print_json(document, err);
    json_decref(document);
    return status;
}

/* ---- the command ---------------------------------------------------------------------------- */

static aeon_status inspect(inspection *s, aeon_error *err)
{
    cli_options o = *s->options;
    if (o.argument) o.model = o.argument;
    s->path = o.model;
    TRY(aeon_file_open(&s->file, s->path, err));
    /* A file that cannot run is worth a look all the more: the reason is part of the report. */
    if (cli_runtime_open_model(&s->runtime, &o, &s->problem) == AEON_OK) s->problem.text[0] = 0;
    return o.json ? print_json(s, err) : print_text(s, err);
}

static aeon_status run_inspect(const cli_options *o, aeon_error *err)
{
    inspection s = {.options = o};
    aeon_status status = inspect(&s, err);
    aeon_text_release(&s.value);
    aeon_file_close(s.file);
    cli_runtime_close(&s.runtime);
    return status;
}

static const cli_option output_options[] = {
    {0, "tensors", CLI_FLAG, AT(tensors), 0, 0, NULL, "list the tensors as well"},
    {0, "json", CLI_FLAG, AT(json), 0, 0, NULL, "one JSON document on standard output"},
    CLI_OPTION_END,
};

const cli_command cli_inspect = {
    .name = "inspect",
    .summary = "what a model file holds",
    .usage = "[MODEL] [--tensors] [--json]",
    .argument = "MODEL",
    .groups = (const cli_group[]){{"Model", cli_vocab_options},
                                  {"Output", output_options},
                                  CLI_GROUP_END},
    .example = "aeon inspect builtin",
    .run = run_inspect,
};
