/* main.c - find the command, read its options, run it, tell how it went. */
#include "cli/commands.h"
#include "cli/console.h"
#include "cli/runtime.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

static const cli_command *const commands[] = {
    &cli_chat,   &cli_run,   &cli_tokenize, &cli_score,   &cli_inspect,
    &cli_doctor, &cli_synth, &cli_quantize, &cli_imatrix, &cli_train,
    &cli_eval,   &cli_bench, &cli_compare,  &cli_help,    &cli_version,
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static const cli_command *find_command(const char *name)
{
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    return NULL;
}

static aeon_status unknown_command(const char *name, aeon_error *err)
{
    struct stat st;
    const char *nearest = NULL;
    unsigned best = 3;
    if (stat(name, &st) == 0)
        return cli_error(err, CLI_USAGE, "%s: not a command; to talk with a model: aeon chat %s",
                         name, name);
    for (int i = 0; i < N_COMMANDS; i++) {
        unsigned distance = cli_word_distance(name, commands[i]->name);
        if (distance >= best) continue;
        best = distance;
        nearest = commands[i]->name;
    }
    if (nearest)
        return cli_error(err, CLI_USAGE, "%s: no such command, did you mean aeon %s? (aeon help)",
                         name, nearest);
    return cli_error(err, CLI_USAGE, "%s: no such command; aeon help lists them", name);
}

/* ---- help and version ---------------------------------------------------------------------- */

static aeon_status run_help(const cli_options *o, aeon_error *err)
{
    if (o->argument) {
        const cli_command *command = find_command(o->argument);
        if (!command) return unknown_command(o->argument, err);
        cli_options_help(command);
        return AEON_OK;
    }
    puts("aeon - a private AI companion that lives on this device\n\n"
         "Usage: aeon [COMMAND] [options]      without a command: chat\n\nCommands:");
    for (int i = 0; i < N_COMMANDS; i++)
        printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
    puts("\nMODEL is a GGUF file, a Hugging Face or MLX folder, or builtin (the default).\n"
         "aeon COMMAND --help shows a command's options and an example.\n"
         "AEON_ISA chooses the instruction set: avx512bf16, avx512, avxvnni, avx2; i8mm, dotprod,\n"
         "neon; scalar. NO_COLOR=1 stays plain.");
    return AEON_OK;
}

const cli_command cli_help = {
    .name = "help",
    .summary = "what the program can do",
    .usage = "[COMMAND]",
    .argument = "COMMAND",
    .groups = (const cli_group[]){CLI_GROUP_END},
    .example = "aeon help run",
    .run = run_help,
};

static aeon_status run_version(const cli_options *o, aeon_error *err)
{
    aeon_machine machine = aeon_machine_describe();
    char memory[16];
    if (o->json)
        return cli_print_json(json_pack("{s:s, s:s, s:i, s:I}", "version", aeon_version(), "isa",
                                        machine.isa, "cores", machine.n_cores, "memory_bytes",
                                        (json_int_t)machine.memory_bytes),
                              err);
    printf("aeon %s (%s, %d %s, %s)\n", aeon_version(), machine.isa, machine.n_cores,
           machine.n_cores == 1 ? "core" : "cores",
           cli_short_bytes(memory, sizeof memory, (double)machine.memory_bytes));
    return AEON_OK;
}

const cli_command cli_version = {
    .name = "version",
    .summary = "the version, and what it found in this machine",
    .usage = "[--json]",
    .groups = (const cli_group[]){{"Output", cli_json_options}, CLI_GROUP_END},
    .example = "aeon version",
    .run = run_version,
};

/* ---- one command --------------------------------------------------------------------------- */

/* The library falls back to what the machine can do; a person who asked for more should know. */
static aeon_status check_isa(aeon_error *err)
{
    const char *wanted = getenv("AEON_ISA");
    const char *used = aeon_machine_describe().isa;
    if (!wanted || !*wanted || strcmp(wanted, used) == 0) return AEON_OK;
    return cli_error(err, AEON_UNSUPPORTED,
                     "AEON_ISA=%s: not an instruction set of this machine and program; "
                     "take one that aeon help lists, or unset it (then: %s)",
                     wanted, used);
}

static aeon_status run_command(int argc, char **argv, aeon_error *err)
{
    const cli_command *command = &cli_chat;
    const char *first = argc > 1 ? argv[1] : "chat";
    int n_used = argc > 1 ? 2 : 1;
    if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) first = "help";
    if (strcmp(first, "--version") == 0) first = "version";
    if (first[0] == '-')
        n_used = 1; /* options alone: they are chat's */
    else if (!(command = find_command(first)))
        return unknown_command(first, err);

    cli_options options = cli_options_default();
    TRY(cli_options_parse(&options, command, argc - n_used, argv + n_used, err));
    if (options.help) {
        cli_options_help(command);
        return AEON_OK;
    }
    TRY(check_isa(err));
    return command->run(&options, err);
}

int main(int argc, char **argv)
{
    aeon_error err = {AEON_OK, ""};
    aeon_status status = cli_signals_catch(&err);
    if (status == AEON_OK) status = run_command(argc, argv, &err);

    bool written = cli_flush();
    if (!written && errno == EPIPE) return EXIT_FAILURE; /* the reader has gone: nobody to tell */
    if (status == AEON_OK && !written)
        status = cli_error(&err, AEON_IO, "standard output: cannot write: %s", strerror(errno));

    if (status == AEON_OK) return EXIT_SUCCESS;
    if (status == AEON_CANCELLED) return EXIT_INTERRUPTED;
    cli_print_error(err.text);
    return status == CLI_USAGE ? EXIT_USAGE : EXIT_FAILURE;
}
