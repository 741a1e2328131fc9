/* cmd_quantize.c - aeon quantize: a model in another type, or packed for this machine. */
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/runtime.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static aeon_status check_options(const cli_options *o, aeon_error *err)
{
    char names[256];
    cli_type_names(names, sizeof names);
    if (!o->argument) return cli_error(err, CLI_USAGE, "the name of the file to read is missing");
    if (!o->second) return cli_error(err, CLI_USAGE, "the name of the file to write is missing");
    if (!o->pack && !o->to_type)
        return cli_error(err, CLI_USAGE, "--type: is needed, one of %s; or --pack", names);
    if (o->pack && (o->to_type || o->head || o->imatrix || o->requantize || o->allow_nan))
        return cli_error(err, CLI_USAGE, "--pack: changes no types; convert first, then pack");
    if (o->to_type && !cli_find_type(o->to_type))
        return cli_error(err, CLI_USAGE, "--type %s: must be one of %s", o->to_type, names);
    return cli_check_head(o, err);
}

static aeon_status measure(long long *size_bytes, const char *path, aeon_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0) return cli_error(err, AEON_IO, "%s: %s", path, strerror(errno));
    *size_bytes = st.st_size;
    return AEON_OK;
}

/* ---- packing --------------------------------------------------------------------------------- */

typedef struct {
    size_t n_tensors, n_packed;
    long long size_bytes;
} contents;

/* What was written. */
static aeon_status look_into(contents *out, const char *path, aeon_error *err)
{
    static const char suffix[] = ".panels";
    aeon_file *f;
    contents c = {0};
    TRY(measure(&c.size_bytes, path, err));
    TRY(aeon_file_open(&f, path, err));
    c.n_tensors = aeon_file_n_tensors(f);
    for (size_t i = 0; i < c.n_tensors; i++) {
        aeon_file_tensor_info t = aeon_file_tensor(f, i);
        size_t len = strlen(t.name), suffix_len = sizeof suffix - 1;
        c.n_packed += len > suffix_len && strcmp(t.name + len - suffix_len, suffix) == 0;
    }
    aeon_file_close(f);
    *out = c;
    return AEON_OK;
}

static aeon_status pack(const cli_options *o, aeon_error *err)
{
    double start_s = cli_clock_s();
    aeon_status status = aeon_model_pack(o->argument, o->second, cli_progress, NULL, err);
    cli_progress_end();
    if (status == AEON_CANCELLED) cli_notice("stopped, nothing was written");
    TRY(status);

    contents c = {0};
    double seconds = cli_clock_s() - start_s;
    TRY(look_into(&c, o->second, err));
    if (o->json)
        return cli_print_json(json_pack("{s:o, s:I, s:I, s:I, s:f}", "file",
                                        cli_json_text(o->second, strlen(o->second)), "tensors",
                                        (json_int_t)c.n_tensors, "packed", (json_int_t)c.n_packed,
                                        "size_bytes", (json_int_t)c.size_bytes, "seconds", seconds),
                              err);
    char size[16];
    cli_notice("%s: %zu of %zu tensors in panels for %s, %s in %.1f s", o->second, c.n_packed,
               c.n_tensors, aeon_machine_describe().isa,
               cli_short_bytes(size, sizeof size, (double)c.size_bytes), seconds);
    return AEON_OK;
}

/* ---- converting ------------------------------------------------------------------------------ */

typedef struct {
    aeon_quantize_result result;
    long long size_bytes; /* of the whole file */
    double seconds, bits_per_weight, mb_per_s;
} conversion;

static aeon_status print_json(const cli_options *o, const conversion *c, aeon_error *err)
{
    const aeon_quantize_result *r = &c->result;
    json_t *root =
        json_pack("{s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "file",
                  cli_json_text(o->second, strlen(o->second)), "type", o->to_type, "tensors",
                  (json_int_t)r->n_tensors, "changed", (json_int_t)r->n_changed, "requantized",
                  (json_int_t)r->n_requantized, "weighted", (json_int_t)r->n_weighted, "fell_back",
                  (json_int_t)r->n_fallback, "weight_bytes", (json_int_t)r->out_bytes, "size_bytes",
                  (json_int_t)c->size_bytes);
    json_t *rest =
        json_pack("{s:I, s:f, s:f, s:s, s:f, s:f, s:f}", "strange", (json_int_t)r->n_strange,
                  "bits_per_weight", c->bits_per_weight, "rms_error", r->rms_error, "worst_tensor",
                  r->worst_tensor, "worst_error", r->worst_error, "seconds", c->seconds, "mb_per_s",
                  c->mb_per_s);
    json_object_update(root, rest);
    json_decref(rest);
    return cli_print_json(root, err);
}

/* For a person, in lines: what was written, what it costs, and what was not as expected. */
static void print_notices(const cli_options *o, const conversion *c)
{
    const aeon_quantize_result *r = &c->result;
    char before[16], after[16];
    cli_notice("%s: %s, %s from %s, %.2f bits per weight, in %.1f s (%.0f MB/s)", o->second,
               o->to_type, cli_short_bytes(after, sizeof after, (double)c->size_bytes),
               cli_short_bytes(before, sizeof before, (double)r->in_bytes), c->bits_per_weight,
               c->seconds, c->mb_per_s);
    if (r->worst_tensor[0])
        cli_notice(
            "rounding error: %.3f %% of the weights' size (root mean square), worst %.3f %% in %s",
            100 * r->rms_error, 100 * r->worst_error, r->worst_tensor);
    if (o->imatrix)
        cli_notice("%zu of %zu tensors were rounded by importance (%s); their error above counts "
                   "all columns alike",
                   r->n_weighted, r->n_tensors, o->imatrix);
    if (r->n_fallback)
        cli_notice("%zu tensors have rows that are no whole blocks: %s became %s instead of %s%s",
                   r->n_fallback, r->fallback_tensor, aeon_type_name(r->fallback_to),
                   aeon_type_name(r->fallback_from), r->n_fallback > 1 ? ", others likewise" : "");
    if (r->n_strange)
        cli_notice(
            "warning: %llu values were NaN, infinite or too large for %s; the file they come "
            "from is damaged, or was made for another type",
            (unsigned long long)r->n_strange, o->to_type);
    if (r->n_requantized)
        cli_notice("warning: %zu tensors were rounded a second time; the file is worse than one "
                   "made from the original, and the error above is only what was added",
                   r->n_requantized);
}

static aeon_status convert(const cli_options *o, aeon_error *err)
{
    const aeon_quantize_params params = {.type = o->to_type,
                                         .head = o->head,
                                         .imatrix = o->imatrix,
                                         .n_threads = (int)o->n_threads,
                                         .allow_nan = o->allow_nan,
                                         .requantize = o->requantize,
                                         .progress = cli_progress};
    conversion c = {0};
    double start_s = cli_clock_s();
    aeon_status status = aeon_quantize(o->argument, o->second, &params, &c.result, err);
    cli_progress_end();
    if (status == AEON_CANCELLED) cli_notice("stopped, nothing was written");
    TRY(status);
    TRY(measure(&c.size_bytes, o->second, err));
    c.seconds = cli_clock_s() - start_s;
    c.bits_per_weight = 8 * (double)c.result.out_bytes / (double)c.result.n_values;
    c.mb_per_s = (double)c.result.in_bytes / 1e6 / (c.seconds > 1e-9 ? c.seconds : 1e-9);
    if (o->json) return print_json(o, &c, err);
    print_notices(o, &c);
    return AEON_OK;
}

static aeon_status run_quantize(const cli_options *o, aeon_error *err)
{
    TRY(check_options(o, err));
    TRY(cli_check_target(o->second, o->force, err));
    return o->pack ? pack(o, err) : convert(o, err);
}

static const cli_option own_options[] = {
    {0, "type", CLI_TEXT, AT(to_type), 0, 0, "TYPE", "what the weights become: see below"},
    {0, "head", CLI_TEXT, AT(head), 0, 0, "TYPE",
     "type of output head and embedding: q8_0, q6_k, ..."},
    {0, "imatrix", CLI_TEXT, AT(imatrix), 0, 0, "FILE",
     "round by importance: made by aeon imatrix, or llama.cpp"},
    {'t', "threads", CLI_SIZE, AT(n_threads), 0, 256, "N", "threads; 0: one per core"},
    {0, "requantize", CLI_FLAG, AT(requantize), 0, 0, NULL,
     "round weights that were rounded before"},
    {0, "allow-nan", CLI_FLAG, AT(allow_nan), 0, 0, NULL,
     "take NaN for 0 and infinity for the largest value"},
    {0, "pack", CLI_FLAG, AT(pack), 0, 0, NULL, "order the weights as this machine reads them"},
    {0, "force", CLI_FLAG, AT(force), 0, 0, NULL, "replace OUT.gguf if it exists"},
    {0, "json", CLI_FLAG, AT(json), 0, 0, NULL, "one JSON document on standard output"},
    CLI_OPTION_END,
};

const cli_command cli_quantize = {
    .name = "quantize",
    .summary = "write a model in another type, or packed for this machine",
    .usage = "IN OUT.gguf --type TYPE [--imatrix FILE] [--head TYPE] [--force] [--json]\n"
             "       aeon quantize IN OUT.gguf --pack [--force] [--json]",
    .argument = "IN",
    .second = "OUT.gguf",
    .groups = (const cli_group[]){{"Options", own_options}, CLI_GROUP_END},
    .notes =
        "IN is a GGUF file, or a folder of Hugging Face or MLX. OUT runs here and in every "
        "program\n"
        "that reads GGUF files. Sizes are those of Phi-4-mini:\n"
        "  f32     15.3 GB  for measuring against\n"
        "  f16      7.7 GB  (bf16) what models are published as, and the source for all the "
        "others\n"
        "  q8_0     4.1 GB  int8: half the size, twice the speed, next to no loss\n"
        "  q6_k     3.2 GB  for 8 GB of memory without a thought of quality\n"
        "  q5_k_m   2.8 GB  (q5_k_s 2.7) a little below that\n"
        "  q4_k_m   2.5 GB  int4: the usual choice where memory is short\n"
        "  q4_k_s   2.3 GB  a little smaller, a little worse\n"
        "  q4_0     2.3 GB  (iq4_nl 2.3, q4_1 2.5, q5_0 2.7, q5_1 2.9) one simple type for all\n"
        "Begin with f16 or bf16: what is rounded twice is worse than what is rounded once.\n\n"
        "A packed model starts at once, its weights stay in the file, and it answers as before.\n"
        "No other program reads it, nor do machines with other kernels: keep the original.",
    .example = "aeon quantize Phi-4-mini-instruct/ phi-q4.gguf --type q4_k_m",
    .run = run_quantize,
};
