/* cmd_synth.c - aeon synth: a model of a real shape with random weights. */
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/runtime.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static void shape_names(char *out, size_t size)
{
    size_t used = 0;
    const char *name;
    *out = 0;
    for (size_t i = 0; (name = aeon_synth_shape_at(i)) && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", name);
}

static bool is_shape(const char *shape)
{
    const char *name;
    for (size_t i = 0; (name = aeon_synth_shape_at(i)); i++)
        if (strcmp(name, shape) == 0) return true;
    return false;
}

static const char types[] = "f32, f16, bf16, q8_0, q4_0, or MLX's, as mlx4_64_bf16";

static aeon_status check_options(const cli_options *o, aeon_error *err)
{
    char names[256];
    shape_names(names, sizeof names);
    if (!o->shape) return cli_error(err, CLI_USAGE, "--shape: is needed, one of %s", names);
    if (!is_shape(o->shape))
        return cli_error(err, CLI_USAGE, "--shape %s: no such shape, there are %s", o->shape,
                         names);
    if (!o->has_type) return cli_error(err, CLI_USAGE, "--type: is needed, one of %s", types);
    if (!o->argument) return cli_error(err, CLI_USAGE, "the name of the file to write is missing");
    return AEON_OK;
}

static aeon_status run_synth(const cli_options *o, aeon_error *err)
{
    TRY(check_options(o, err));
    TRY(cli_check_target(o->argument, o->force, err));
    double start_s = cli_clock_s();
    aeon_status status =
        aeon_synth_write(o->argument, o->shape, o->type, o->sampling.seed, cli_progress, NULL, err);
    cli_progress_end();
    if (status == AEON_CANCELLED) cli_notice("stopped, nothing was written");
    TRY(status);

    struct stat st = {0};
    if (stat(o->argument, &st) != 0)
        return cli_error(err, AEON_IO, "%s: %s", o->argument, strerror(errno));
    if (o->json)
        return cli_print_json(json_pack("{s:o, s:s, s:s, s:I, s:I, s:f}", "file",
                                        cli_json_text(o->argument, strlen(o->argument)), "shape",
                                        o->shape, "type", aeon_type_name(o->type), "seed",
                                        (json_int_t)o->sampling.seed, "size_bytes",
                                        (json_int_t)st.st_size, "seconds", cli_clock_s() - start_s),
                              err);
    char size[16];
    cli_notice("%s: %s, %s, %s in %.1f s", o->argument, o->shape, aeon_type_name(o->type),
               cli_short_bytes(size, sizeof size, (double)st.st_size), cli_clock_s() - start_s);
    return AEON_OK;
}

static const cli_option own_options[] = {
    {0, "shape", CLI_TEXT, AT(shape), 0, 0, "NAME", "the model whose shape it takes (phi-4-mini)"},
    {0, "type", CLI_TYPE, 0, 0, 0, "TYPE", types},
    {0, "seed", CLI_SEED, 0, 0, 0, "N", "the same seed gives the same file; 0 if not given"},
    {0, "force", CLI_FLAG, AT(force), 0, 0, NULL, "replace OUT.gguf if it exists"},
    {0, "json", CLI_FLAG, AT(json), 0, 0, NULL, "one JSON document on standard output"},
    CLI_OPTION_END,
};

const cli_command cli_synth = {
    .name = "synth",
    .summary = "write a model of a real shape with random weights",
    .usage = "--shape NAME --type TYPE [--seed N] OUT.gguf",
    .argument = "OUT.gguf",
    .groups = (const cli_group[]){{"Options", own_options}, CLI_GROUP_END},
    .notes = "Such a model talks nonsense; it is for measuring speed and memory.",
    .example = "aeon synth --shape phi-4-mini --type q4_0 big.gguf",
    .run = run_synth,
};
