/* cmd_doctor.c - aeon doctor: this machine, a model, and whether the one has room for the other. */
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/runtime.h"

#include <string.h>

typedef struct {
    const cli_options *options;
    aeon_machine machine;
    cli_runtime runtime;   /* the model, its weights not read; empty for a shape */
    aeon_model_info shape; /* filled in for a shape */
    const aeon_model_info *info;
    const char *path;   /* of the model, or the name of the shape */
    uint64_t ram_bytes; /* what the plan is for; 0: not known */
    bool has_plan;
    aeon_plan plan;
    aeon_error problem; /* why there is none */
} checkup;

/* ---- for people ----------------------------------------------------------------------------- */

static void print_machine(const aeon_machine *m)
{
    char all[16], free[16];
    printf("machine   ");
    if (*m->processor) {
        cli_write(stdout, m->processor, strlen(m->processor));
        printf(", ");
    }
    printf("%d %s, %s", m->n_cores, m->n_cores == 1 ? "core" : "cores", m->isa);
    const char *separator = " (also runs ", *isa;
    for (size_t i = 0; (isa = aeon_machine_isa_at(i)); i++) {
        if (strcmp(isa, m->isa) == 0) continue;
        printf("%s%s", separator, isa);
        separator = ", ";
    }
    printf("%s\n", *separator == ',' ? ")" : "");
    if (!m->memory_bytes) return;
    printf("memory    %s", cli_short_bytes(all, sizeof all, (double)m->memory_bytes));
    if (m->memory_available_bytes)
        printf(", %s available",
               cli_short_bytes(free, sizeof free, (double)m->memory_available_bytes));
    printf("\n");
}

static void print_model(const checkup *d)
{
    char count[16], size[16], ctx[16];
    const aeon_model_info *m = d->info;
    const char *type = aeon_type_name(m->type);
    printf("model     ");
    cli_write(stdout, d->path, strlen(d->path));
    if (d->runtime.model) {
        printf("\n          ");
        cli_write_quoted(stdout, m->name, strlen(m->name));
    }
    printf("\n          %s, %s parameters, %s, %s, up to %s tokens\n", m->architecture,
           cli_short_count(count, sizeof count, (double)m->n_params), type ? type : "?",
           cli_short_bytes(size, sizeof size, (double)m->size_bytes),
           cli_grouped(ctx, sizeof ctx, m->n_ctx_max));
}

/* A line of the plan, with a bar for its share of the whole. */
static void print_part(const aeon_plan *p, const char *name, uint64_t bytes)
{
    enum { WIDTH = 30 };
    static const char full[] = "##############################";
    char size[16];
    double share = p->total_bytes ? (double)bytes / (double)p->total_bytes : 0;
    int n = (int)(share * WIDTH + 0.5);
    printf("  %-34s %8s", name, cli_short_bytes(size, sizeof size, (double)bytes));
    if (n) printf("  %.*s", n, full);
    printf("\n");
}

static void print_plan(const checkup *d)
{
    const aeon_plan *p = &d->plan;
    char all[16], ram[16], left[16], n_ctx[16], kv[48];
    snprintf(kv, sizeof kv, "keys and values, %s tokens",
             cli_grouped(n_ctx, sizeof n_ctx, p->n_ctx));
    cli_short_bytes(ram, sizeof ram, (double)p->ram_bytes);
    if (d->options->ram_bytes)
        printf("\nplan for %s\n", ram);
    else if (p->ram_bytes)
        printf("\nplan for the %s that are available; --ram SIZE plans for another size\n", ram);
    else
        printf("\nplan without a limit; --ram SIZE sets one\n");
    print_part(p, d->info->is_builtin ? "weights, in the program" : "weights, in the mapped file",
               p->weights_bytes);
    print_part(p, kv, p->kv_bytes);
    print_part(p, "work space", p->scratch_bytes);
    print_part(p, "logits and sampling", p->logits_bytes);
    print_part(p, "vocabulary", p->vocab_bytes);
    print_part(p, "the program itself", p->reserve_bytes);
    printf("  %-34s %8s", "together", cli_short_bytes(all, sizeof all, (double)p->total_bytes));
    if (p->ram_bytes)
        printf("  %s left",
               cli_short_bytes(left, sizeof left, (double)(p->ram_bytes - p->total_bytes)));
    printf("\n");
}

static void print_fits(const checkup *d)
{
    const aeon_plan *p = &d->plan;
    char n_ctx[16], size[16];
    printf("\ncontext that fits, by the type of keys and values\n");
    for (int i = 0; i < AEON_PLAN_N_KV; i++) {
        aeon_type type = p->fits[i].type;
        size_t n = p->fits[i].n_ctx;
        if (!p->fits[i].bytes_per_token) continue;
        printf("  %-4s %12s tokens of %s%s%s\n", aeon_type_name(type),
               cli_grouped(n_ctx, sizeof n_ctx, n),
               cli_short_bytes(size, sizeof size, (double)p->fits[i].bytes_per_token),
               n == d->info->n_ctx_max ? ", all that the model is made for" : "",
               type == p->kv_type ? "  <- planned" : "");
    }
}

static void print_text(const checkup *d)
{
    print_machine(&d->machine);
    print_model(d);
    if (!d->has_plan) return;
    print_plan(d);
    print_fits(d);
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static json_t *machine_json(const aeon_machine *m)
{
    const char *isa;
    json_t *runs = json_array();
    for (size_t i = 0; (isa = aeon_machine_isa_at(i)); i++)
        json_array_append_new(runs, json_string(isa));
    return json_pack("{s:o, s:s, s:o, s:i, s:I, s:I}", "processor",
                     cli_json_text(m->processor, strlen(m->processor)), "isa", m->isa, "runs", runs,
                     "cores", m->n_cores, "memory_bytes", (json_int_t)m->memory_bytes,
                     "memory_available_bytes", (json_int_t)m->memory_available_bytes);
}

static json_t *model_json(const checkup *d)
{
    const aeon_model_info *m = d->info;
    const char *type = aeon_type_name(m->type);
    return json_pack("{s:s, s:o, s:s, s:o, s:s, s:I, s:I, s:I}", "source",
                     d->runtime.model ? "file" : "shape", "path",
                     cli_json_text(d->path, strlen(d->path)), "architecture", m->architecture,
                     "name", cli_json_text(m->name, strlen(m->name)), "type", type ? type : "?",
                     "n_params", (json_int_t)m->n_params, "size_bytes", (json_int_t)m->size_bytes,
                     "n_ctx_max", (json_int_t)m->n_ctx_max);
}

static json_t *fits_json(const aeon_plan *p)
{
    json_t *all = json_object();
    for (int i = 0; i < AEON_PLAN_N_KV; i++)
        json_object_set_new(all, aeon_type_name(p->fits[i].type),
                            json_integer((json_int_t)p->fits[i].n_ctx));
    return all;
}

static json_t *plan_json(const checkup *d)
{
    const aeon_plan *p = &d->plan;
    if (!d->has_plan) return json_null();
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:o}", "ram_bytes",
        (json_int_t)p->ram_bytes, "total_bytes", (json_int_t)p->total_bytes, "weights_bytes",
        (json_int_t)p->weights_bytes, "vocab_bytes", (json_int_t)p->vocab_bytes, "scratch_bytes",
        (json_int_t)p->scratch_bytes, "logits_bytes", (json_int_t)p->logits_bytes, "kv_bytes",
        (json_int_t)p->kv_bytes, "reserve_bytes", (json_int_t)p->reserve_bytes, "n_ctx",
        (json_int_t)p->n_ctx, "kv_type", aeon_type_name(p->kv_type), "fits", fits_json(p));
}

static aeon_status print_json(const checkup *d, aeon_error *err)
{
    json_t *problem =
        d->has_plan ? json_null() : cli_json_text(d->problem.text, strlen(d->problem.text));
    return cli_print_json(json_pack("{s:o, s:o, s:o, s:o}", "machine", machine_json(&d->machine),
                                    "model", model_json(d), "plan", plan_json(d), "problem",
                                    problem),
                          err);
}

/* ---- the command ---------------------------------------------------------------------------- */

static aeon_status find_shape(checkup *d, aeon_error *err)
{
    const cli_options *o = d->options;
    if (o->argument)
        return cli_error(err, CLI_USAGE, "--shape %s: not together with a file", o->shape);
    if (!o->has_type)
        return cli_error(err, CLI_USAGE, "--shape %s: needs --type, such as q4_0", o->shape);
    d->path = o->shape;
    d->info = &d->shape;
    aeon_status status = aeon_synth_describe(&d->shape, o->shape, o->type, err);
    return status == AEON_NOT_FOUND ? CLI_USAGE : status;
}

static aeon_status find_model(checkup *d, aeon_error *err)
{
    cli_options o = *d->options;
    if (!o.shape && o.has_type)
        return cli_error(err, CLI_USAGE, "--type: only with --shape; a file has its own");
    if (o.shape) return find_shape(d, err);
    if (o.argument) o.model = o.argument;
    d->path = o.model;
    TRY(cli_runtime_open_model(&d->runtime, &o, err));
    d->info = d->runtime.info;
    return AEON_OK;
}

/* What is impossible is a finding, not a failure of the examination: it is kept in problem. */
static void make_plan(checkup *d)
{
    const cli_options *o = d->options;
    aeon_session_params session = cli_session_params(o);
    aeon_plan_params params = cli_plan_params(o, &session);
    const aeon_machine *m = &d->machine;
    if (!params.ram_bytes) params.ram_bytes = m->memory_available_bytes;
    if (!params.ram_bytes) params.ram_bytes = m->memory_bytes;
    aeon_status status = d->runtime.model
                             ? aeon_plan_make(&d->plan, d->runtime.model, &params, &d->problem)
                             : aeon_plan_estimate(&d->plan, d->info, &params, &d->problem);
    d->has_plan = status == AEON_OK;
}

static aeon_status examine(checkup *d, aeon_error *err)
{
    TRY(find_model(d, err));
    d->machine = aeon_machine_describe();
    make_plan(d);
    if (d->options->json)
        TRY(print_json(d, err));
    else
        print_text(d);
    if (d->has_plan) return AEON_OK;
    *err = d->problem;
    return err->code;
}

static aeon_status run_doctor(const cli_options *o, aeon_error *err)
{
    checkup d = {.options = o};
    aeon_status status = examine(&d, err);
    cli_runtime_close(&d.runtime);
    return status;
}

static const cli_option shape_options[] = {
    {0, "shape", CLI_TEXT, AT(shape), 0, 0, "NAME",
     "instead of a file: a shape that aeon synth knows (phi-4-mini)"},
    {0, "type", CLI_TYPE, 0, 0, 0, "TYPE", "and the type of its weights, such as q4_0 or q4_k"},
    CLI_OPTION_END,
};

const cli_command cli_doctor = {
    .name = "doctor",
    .summary = "this machine, and what a model would take of its memory",
    .usage = "[MODEL] [--ram SIZE] [--ctx N] [--kv TYPE] [--json]\n"
             "       aeon doctor --shape NAME --type TYPE [--ram SIZE] ...",
    .argument = "MODEL",
    .groups = (const cli_group[]){{"Model", cli_model_options},
                                  {"Before there is a file", shape_options},
                                  {"Output", cli_json_options},
                                  CLI_GROUP_END},
    .notes =
        "Nothing is loaded: the plan is reckoned from the file's description, and aeon chat and\n"
        "aeon run keep to the same plan with --ram. Without --ram it is made for the memory\n"
        "that is available now. What is impossible is refused with exit status 1 and the\n"
        "nearest that is possible.",
    .example = "aeon doctor --shape phi-4-mini --type q4_0 --ram 4G",
    .run = run_doctor,
};
