/* cmd_doctor.c - aeon doctor: this machine, a model, and whether the one has room for the other. */
#include "cli/bound.h"
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/runtime.h"

#include <string.h>

/* The ways to store a model that people choose between. */
static const struct {
    const char *name;
    aeon_type type;
    double bits; /* a weight, its share of the scales included */
} formats[] = {
    {"FP16", AEON_TYPE_F16, 16}, {"INT8", AEON_TYPE_Q8_0, 8.5}, {"INT4", AEON_TYPE_Q4_0, 4.5}};
enum { N_FORMATS = sizeof formats / sizeof *formats };

/* What speeds are told for: a prompt, and the answer after it. */
enum { PROMPT_TOKENS = 256, ANSWER_TOKENS = 256 };

/* The model in one of the formats. */
typedef struct {
    uint64_t size_bytes;
    size_t n_ctx; /* tokens of context in the memory planned for; 0: it does not fit */
    double prefill_tps, decode_tps; /* at most; 0: the limits were not measured */
} outlook;

typedef struct {
    const cli_options *options;
    aeon_machine machine;
    aeon_machine_limits limits;
    bool has_limits;
    cli_runtime runtime;   /* the model, its weights not read; empty for a shape */
    aeon_model_info shape; /* filled in for a shape */
    const aeon_model_info *info;
    const char *path;   /* of the model, or the name of the shape */
    uint64_t ram_bytes; /* what the plan is for; 0: not known */
    bool has_plan;
    aeon_plan plan;
    aeon_error problem; /* why there is none */
    outlook outlooks[N_FORMATS];
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
    printf("%d %s\n", m->n_cores, m->n_cores == 1 ? "core" : "cores");
    printf("kernels   %s", m->isa);
    const char *separator = "; it also runs ", *isa;
    for (size_t i = 0; (isa = aeon_machine_isa_at(i)); i++) {
        if (strcmp(isa, m->isa) == 0) continue;
        printf("%s%s", separator, isa);
        separator = ", ";
    }
    printf("\n");
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
    print_part(p, "weights", p->weights_bytes);
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

static void print_limits(const checkup *d)
{
    const aeon_machine_limits *l = &d->limits;
    if (!d->has_limits) return;
    printf("\nmeasured  reads %.1f GB/s; %.0f int8, ", l->read_gbps, l->int8_gmacs);
    if (l->bf16_gmacs > 0) printf("%.0f bf16, ", l->bf16_gmacs);
    printf("%.0f f32 Gmac/s\n", l->f32_gmacs);
}

static void print_outlook(const checkup *d, int i)
{
    const outlook *o = &d->outlooks[i];
    char size[16], n_ctx[16];
    printf("  %-5s %-5s %8s  ", formats[i].name, aeon_type_name(formats[i].type),
           cli_short_bytes(size, sizeof size, (double)o->size_bytes));
    printf("%9s", o->n_ctx ? cli_grouped(n_ctx, sizeof n_ctx, o->n_ctx) : "no room");
    if (d->has_limits) printf("  %14.1f  %14.1f", o->prefill_tps, o->decode_tps);
    printf("\n");
}

static void print_outlooks(const checkup *d)
{
    printf("\nwith weights of other types%s\n",
           d->has_limits ? ": no program could be faster on this machine than" : "");
    printf("               weights    context%s\n",
           d->has_limits ? "   read tokens/s  write tokens/s" : "");
    for (int i = 0; i < N_FORMATS; i++) print_outlook(d, i);
}

static void print_text(const checkup *d)
{
    print_machine(&d->machine);
    print_model(d);
    if (d->has_plan) {
        print_plan(d);
        print_fits(d);
    }
    print_limits(d);
    print_outlooks(d);
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

static json_t *speed_json(const checkup *d, double tps)
{
    return d->has_limits ? json_real(tps) : json_null();
}

static json_t *outlooks_json(const checkup *d)
{
    json_t *all = json_array();
    for (int i = 0; i < N_FORMATS; i++) {
        const outlook *o = &d->outlooks[i];
        json_array_append_new(
            all, json_pack("{s:s, s:s, s:I, s:b, s:I, s:o, s:o}", "name", formats[i].name, "type",
                           aeon_type_name(formats[i].type), "size_bytes", (json_int_t)o->size_bytes,
                           "fits", o->n_ctx > 0, "n_ctx", (json_int_t)o->n_ctx, "most_prefill_tps",
                           speed_json(d, o->prefill_tps), "most_decode_tps",
                           speed_json(d, o->decode_tps)));
    }
    return all;
}

static aeon_status print_json(const checkup *d, aeon_error *err)
{
    json_t *problem =
        d->has_plan ? json_null() : cli_json_text(d->problem.text, strlen(d->problem.text));
    json_t *limits = d->has_limits ? cli_json_limits(&d->limits) : json_null();
    return cli_print_json(json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "machine",
                                    machine_json(&d->machine), "model", model_json(d), "plan",
                                    plan_json(d), "problem", problem, "limits", limits, "types",
                                    outlooks_json(d)),
                          err);
}

/* ---- the command ---------------------------------------------------------------------------- */

static aeon_status find_shape(checkup *d, aeon_error *err)
{
    const cli_options *o = d->options;
    d->path = o->shape;
    d->info = &d->shape;
    aeon_status status = aeon_synth_describe(&d->shape, o->shape, o->type, err);
    return status == AEON_NOT_FOUND ? CLI_USAGE : status;
}

static aeon_status find_model(checkup *d, aeon_error *err)
{
    cli_options o = *d->options;
    TRY(cli_check_shape(&o, err));
    if (o.shape) return find_shape(d, err);
    if (o.argument) o.model = o.argument;
    d->path = o.model;
    TRY(cli_runtime_open_model(&d->runtime, &o, err));
    d->info = d->runtime.info;
    return AEON_OK;
}

static aeon_plan_params plan_params(const checkup *d)
{
    aeon_session_params session = cli_session_params(d->options);
    aeon_plan_params params = cli_plan_params(d->options, &session);
    const aeon_machine *m = &d->machine;
    if (!params.ram_bytes) params.ram_bytes = m->memory_available_bytes;
    if (!params.ram_bytes) params.ram_bytes = m->memory_bytes;
    return params;
}

/* What is impossible is a finding, not a failure of the examination: it is kept in problem. */
static void make_plan(checkup *d)
{
    aeon_plan_params params = plan_params(d);
    aeon_status status = d->runtime.model
                             ? aeon_plan_make(&d->plan, d->runtime.model, &params, &d->problem)
                             : aeon_plan_estimate(&d->plan, d->info, &params, &d->problem);
    d->has_plan = status == AEON_OK;
}

/* Of keys and values; whatever plan there is knows it. */
static double kv_bytes_per_token(const checkup *d)
{
    aeon_plan plan;
    aeon_plan_params unlimited = {0};
    if (aeon_plan_estimate(&plan, d->info, &unlimited, NULL) != AEON_OK) return 0;
    for (int i = 0; i < AEON_PLAN_N_KV; i++)
        if (plan.fits[i].type == d->options->kv_type) return (double)plan.fits[i].bytes_per_token;
    return 0;
}

static void set_speeds(const checkup *d, outlook *o, const aeon_model_info *info)
{
    cli_work work = {info, d->options->kv_type, kv_bytes_per_token(d)};
    cli_step prefill = cli_step_prefill(&work, 0, PROMPT_TOKENS);
    cli_step decode = cli_step_decode(&work, PROMPT_TOKENS, ANSWER_TOKENS, 1);
    o->prefill_tps = PROMPT_TOKENS / cli_step_least_s(&work, &prefill, &d->limits);
    o->decode_tps = 1 / cli_step_least_s(&work, &decode, &d->limits);
}

/* The model as if all its weights had this format: what a step reads of them is each matrix once.
 */
static void look_at(checkup *d, int format)
{
    outlook *o = &d->outlooks[format];
    aeon_model_info info = *d->info;
    aeon_plan plan;
    aeon_plan_params params = plan_params(d);
    double bytes = formats[format].bits / 8;
    double n_read = (double)info.macs_per_token + (double)info.n_vocab * info.n_embd;
    info.type = formats[format].type;
    info.size_bytes = (uint64_t)((double)info.n_params * bytes);
    info.step_bytes = (uint64_t)(n_read * bytes);
    o->size_bytes = info.size_bytes;
    if (aeon_plan_estimate(&plan, &info, &params, NULL) == AEON_OK) o->n_ctx = plan.n_ctx;
    if (d->has_limits) set_speeds(d, o, &info);
}

static aeon_status examine(checkup *d, aeon_error *err)
{
    TRY(find_model(d, err));
    d->machine = aeon_machine_describe();
    make_plan(d);
    if (!d->options->no_probe) {
        TRY(aeon_machine_probe((int)d->options->n_threads, &d->limits, err));
        d->has_limits = true;
    }
    for (int i = 0; i < N_FORMATS; i++) look_at(d, i);
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

static const cli_option output_options[] = {
    {0, "no-probe", CLI_FLAG, AT(no_probe), 0, 0, NULL,
     "do not measure the machine, which takes a second"},
    {0, "json", CLI_FLAG, AT(json), 0, 0, NULL, "one JSON document on standard output"},
    CLI_OPTION_END,
};

const cli_command cli_doctor = {
    .name = "doctor",
    .summary = "this machine, what a model would take of its memory, and its speed at best",
    .usage = "[MODEL] [--ram SIZE] [--ctx N] [--kv TYPE] [--no-probe] [--json]\n"
             "       aeon doctor --shape NAME --type TYPE [--ram SIZE] ...",
    .argument = "MODEL",
    .groups = (const cli_group[]){{"Model", cli_model_options},
                                  {"Before there is a file", cli_shape_options},
                                  {"Output", output_options},
                                  CLI_GROUP_END},
    .notes =
        "Nothing is loaded: the plan is reckoned from the file's description, and aeon chat and\n"
        "aeon run keep to the same plan with --ram. Without --ram it is made for the memory\n"
        "that is available now. What is impossible is refused with exit status 1 and the\n"
        "nearest that is possible. The speeds are bounds, for a prompt of 256 tokens and the 256\n"
        "tokens after it: each step reads all weights and multiplies with them, and no program\n"
        "does that faster than this machine reads and multiplies. aeon bench --shape measures\n"
        "what AEON reaches.",
    .example = "aeon doctor --shape phi-4-mini --type q4_0 --ram 4G",
    .run = run_doctor,
};
