/* cmd_quantize.c - aeon quantize: a model file becomes one that suits this machine better. */
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/runtime.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static aeon_status check_options(const cli_options *o, aeon_error *err)
{
    if (!o->argument) return cli_error(err, CLI_USAGE, "the name of the file to read is missing");
    if (!o->second) return cli_error(err, CLI_USAGE, "the name of the file to write is missing");
    if (!o->pack)
        return cli_error(err, CLI_USAGE,
                         "--pack: is needed; this program does not change types yet");
    return AEON_OK;
}

typedef struct {
    size_t n_tensors, n_packed;
    long long size_bytes;
} contents;

/* What was written. */
static aeon_status look_into(contents *out, const char *path, aeon_error *err)
{
    static const char suffix[] = ".panels";
    struct stat st;
    aeon_file *f;
    contents c = {0};
    if (stat(path, &st) != 0) return cli_error(err, AEON_IO, "%s: %s", path, strerror(errno));
    c.size_bytes = st.st_size;
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

static aeon_status run_quantize(const cli_options *o, aeon_error *err)
{
    TRY(check_options(o, err));
    TRY(cli_check_target(o->second, o->force, err));
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

static const cli_option own_options[] = {
    {0, "pack", CLI_FLAG, AT(pack), 0, 0, NULL, "order the weights as this machine reads them"},
    {0, "force", CLI_FLAG, AT(force), 0, 0, NULL, "replace OUT.gguf if it exists"},
    {0, "json", CLI_FLAG, AT(json), 0, 0, NULL, "one JSON document on standard output"},
    CLI_OPTION_END,
};

const cli_command cli_quantize = {
    .name = "quantize",
    .summary = "write a model again, packed for this machine",
    .usage = "IN.gguf OUT.gguf --pack [--force] [--json]",
    .argument = "IN.gguf",
    .second = "OUT.gguf",
    .groups = (const cli_group[]){{"Options", own_options}, CLI_GROUP_END},
    .notes =
        "A packed model starts at once, its weights stay in the file, and it answers as before.\n"
        "No other program reads it, nor do machines with other kernels: keep the original.",
    .example = "aeon quantize phi.gguf phi-packed.gguf --pack",
    .run = run_quantize,
};
