/* compare_make.c - aeon compare: the variants as files, in a folder that goes with them. */
#include "cli/compare.h"
#include "cli/console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { MOST_NAME = 16 };

static aeon_quantize_params make_params(const cli_comparison *c, const cli_variant *v)
{
    const cli_options *o = c->options;
    return (aeon_quantize_params){.type = v->name,
                                  .head = o->head,
                                  .imatrix = o->imatrix,
                                  .n_threads = (int)o->n_threads,
                                  .allow_nan = o->allow_nan,
                                  .requantize = c->is_requantized,
                                  .progress = cli_progress};
}

/* ---- which there are ------------------------------------------------------------------------- */

static aeon_status unknown_type(const char *word, size_t len, aeon_error *err)
{
    char names[256];
    cli_type_names(names, sizeof names);
    if (len > MOST_NAME) len = MOST_NAME;
    return cli_error(err, CLI_USAGE, "--types: no type is called \"%.*s\"; there are %s", (int)len,
                     word, names);
}

static bool has_variant(const cli_comparison *c, const char *name)
{
    for (size_t i = 1; i < c->n_variants; i++)
        if (c->variants[i].name == name) return true;
    return false;
}

/* A type that would change nothing is a name for the original. */
static aeon_status add_type(cli_comparison *c, const char *name, aeon_error *err)
{
    cli_variant *v = &c->variants[c->n_variants];
    v->name = name;
    aeon_quantize_params params = make_params(c, v);
    TRY(aeon_quantize_plan(c->variants[0].path.data, &params, &v->made, err));
    if (v->made.n_changed) {
        c->n_variants++;
        return AEON_OK;
    }
    size_t used = strlen(c->same);
    snprintf(c->same + used, sizeof c->same - used, "%s%s", used ? ", " : "", name);
    *v = (cli_variant){0};
    return AEON_OK;
}

static aeon_status add_types(cli_comparison *c, const char *list, aeon_error *err)
{
    for (const char *word = list;; word++) {
        char text[MOST_NAME];
        size_t len = strcspn(word, ",");
        snprintf(text, sizeof text, "%.*s", len < sizeof text ? (int)len : 0, word);
        const char *name = cli_find_type(text);
        if (!name) return unknown_type(word, len, err);
        if (!has_variant(c, name) && c->n_variants < CLI_MAX_VARIANTS) TRY(add_type(c, name, err));
        word += len;
        if (!*word) return AEON_OK;
    }
}

static bool is_rounded(aeon_type type)
{
    return type != AEON_TYPE_F32 && type != AEON_TYPE_F16 && type != AEON_TYPE_BF16;
}

aeon_status cli_compare_plan(cli_comparison *c, aeon_error *err)
{
    const cli_options *o = c->options;
    const char *name = aeon_type_name(c->about.type);
    bool was_rounded = is_rounded(c->about.type);
    /* The built-in model has no other form to begin with. */
    c->is_requantized = was_rounded && (o->requantize || c->about.is_builtin);
    if (!was_rounded || c->is_requantized || o->types)
        return add_types(c, o->types ? o->types : "f16,int8,int4", err);
    cli_notice("%s: holds weights that were rounded to %s already, so it is measured as it is; "
               "bring the f16 or bf16 original, or say --requantize",
               c->model, name);
    return AEON_OK;
}

/* ---- room ------------------------------------------------------------------------------------ */

/* One variant after the other, unless they are kept. */
static uint64_t bytes_needed(const cli_comparison *c)
{
    enum { VOCAB_BYTES = 16 << 20 }; /* metadata, of the largest vocabularies */
    uint64_t most = 0, all = 0;
    for (size_t i = 1; i < c->n_variants; i++) {
        uint64_t bytes = c->variants[i].made.out_bytes + VOCAB_BYTES;
        all += bytes;
        if (bytes > most) most = bytes;
    }
    return c->options->keep ? all : most;
}

static aeon_status check_room(const char *folder, uint64_t bytes, aeon_error *err)
{
    struct statvfs fs;
    char needed[16], has[16];
    if (statvfs(folder, &fs) != 0)
        return cli_error(err, AEON_IO, "%s: cannot be used for the files to compare: %s", folder,
                         strerror(errno));
    double room = (double)fs.f_bavail * (double)fs.f_frsize;
    if (room >= (double)bytes) return AEON_OK;
    return cli_error(err, AEON_IO,
                     "%s: the files to compare need %s, %s are free; choose another place with "
                     "--folder",
                     folder, cli_short_bytes(needed, sizeof needed, (double)bytes),
                     cli_short_bytes(has, sizeof has, room));
}

/* /tmp often is memory, which is what is measured. */
static const char *parent_folder(const cli_options *o)
{
    const char *set = getenv("TMPDIR");
    return o->folder ? o->folder : set && *set ? set : "/var/tmp";
}

aeon_status cli_compare_make_folder(cli_comparison *c, uint64_t more_bytes, aeon_error *err)
{
    char path[sizeof c->folder];
    const char *parent = parent_folder(c->options);
    uint64_t bytes = bytes_needed(c) + more_bytes;
    if (!bytes) return AEON_OK;
    TRY(check_room(parent, bytes, err));
    if (c->folder[0]) return AEON_OK;
    int len = snprintf(path, sizeof path, "%s/aeon-compare-XXXXXX", parent);
    if (len >= (int)sizeof path) return cli_error(err, CLI_USAGE, "--folder: the name is too long");
    if (!mkdtemp(path))
        return cli_error(err, AEON_IO,
                         "%s: cannot make a folder in it: %s; choose another place "
                         "with --folder",
                         parent, strerror(errno));
    memcpy(c->folder, path, sizeof path);
    return AEON_OK;
}

/* ---- files ----------------------------------------------------------------------------------- */

static aeon_status name_file(const cli_comparison *c, cli_variant *v, const char *name,
                             aeon_error *err)
{
    v->path.len = 0;
    TRY(aeon_text_append(&v->path, c->folder, strlen(c->folder), err));
    TRY(aeon_text_append(&v->path, "/", 1, err));
    TRY(aeon_text_append(&v->path, name, strlen(name), err));
    return aeon_text_append(&v->path, ".gguf", 5, err);
}

aeon_status cli_compare_make_original(cli_comparison *c, aeon_error *err)
{
    cli_variant *v = &c->variants[0];
    TRY(name_file(c, v, c->options->shape, err));
    aeon_status status = aeon_synth_write(v->path.data, c->options->shape, AEON_TYPE_F16, 0,
                                          cli_progress, NULL, err);
    cli_progress_end();
    v->has_file = status == AEON_OK;
    return status;
}

aeon_status cli_compare_make(cli_comparison *c, cli_variant *v, aeon_error *err)
{
    double start_s = cli_clock_s();
    aeon_quantize_params params = make_params(c, v);
    TRY(name_file(c, v, v->name, err));
    aeon_status status =
        aeon_quantize(c->variants[0].path.data, v->path.data, &params, &v->made, err);
    cli_progress_end();
    v->has_file = status == AEON_OK;
    v->make_s = cli_clock_s() - start_s;
    return status;
}

void cli_compare_delete(cli_variant *v)
{
    if (v->has_file) unlink(v->path.data);
    v->has_file = false;
}

void cli_compare_clean(cli_comparison *c)
{
    bool is_kept = false;
    for (size_t i = 0; i < c->n_variants; i++) {
        cli_variant *v = &c->variants[i];
        if (v->has_file && c->options->keep) {
            cli_notice("kept: %s", v->path.data);
            is_kept = true;
        } else {
            cli_compare_delete(v);
        }
    }
    if (c->folder[0] && !is_kept) rmdir(c->folder);
}
