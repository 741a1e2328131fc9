/* options.h - the command line: one table per command, from which parsing and help both come.
 *
 * Model:    A command lists groups of options; an option says where in cli_options its value goes.
 *           Parsing is strict: a value that is not wholly understood is a usage error.
 * Uses:     aeon/ alone.      Threads: main only.
 * Example:  cli_options o = cli_options_default();
 *           TRY(cli_options_parse(&o, command, argc, argv, err));
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "aeon/aeon.h"

/* One polarity here too: a command returns a status and fills err; main prints and picks the exit
 * status. CLI_USAGE stands beside the library's statuses for a wrong command line. */
#define CLI_USAGE ((aeon_status)-100)

#define TRY(call)                                                                                  \
    do {                                                                                           \
        aeon_status try_status_ = (call);                                                          \
        if (try_status_ != AEON_OK) return try_status_;                                            \
    } while (0)

enum {
    CLI_MAX_STOPS = 16,
    CLI_MAX_BIAS = 256,
    CLI_MAX_SIZES = 16,
    CLI_MAX_BATCH = 256, /* what a step holds, unless --chunk says otherwise */
    CLI_MAX_FAMILIES = 64,
    CLI_MAX_SETTINGS = 64,
    CLI_MAX_TOKENS = 1000000
};

typedef struct {
    size_t at[CLI_MAX_SIZES];
    size_t n;
} cli_sizes;

typedef struct {
    /* the model, and how it runs */
    const char *model;
    const char *chat_template;
    size_t n_threads, n_ctx, n_chunk;
    uint64_t ram_bytes; /* 0: no limit */
    aeon_type kv_type;
    bool has_kv_type;
    aeon_rope_mode rope;

    /* what goes in */
    const char *prompt, *file, *ids, *system;
    bool raw;

    /* how the answer is drawn, and when it ends */
    aeon_sampler_params sampling; /* bias points to this struct's list after parsing */
    aeon_logit_bias bias[CLI_MAX_BIAS];
    bool has_seed;
    const char *stops[CLI_MAX_STOPS];
    size_t n_stops;
    size_t n_max; /* 0: until the end */
    bool ignore_eos;

    /* what comes out */
    bool json, stats, ids_out;

    /* one command's own */
    bool no_history, go_on;             /* chat */
    const char *session;                /* chat */
    aeon_window window;                 /* chat */
    const char *decode;                 /* tokenize */
    bool special, lines, pieces;        /* tokenize; lines: bench as well */
    size_t n_top;                       /* score */
    bool tensors;                       /* inspect */
    const char *shape;                  /* synth, doctor, bench, compare */
    aeon_type type;                     /* synth, doctor, bench */
    bool has_type;                      /* synth, doctor, bench */
    bool no_probe;                      /* doctor */
    bool force;                         /* synth, quantize, compare */
    bool pack, requantize, allow_nan;   /* quantize; the last two: compare as well */
    const char *to_type, *head;         /* quantize; head: compare as well */
    const char *imatrix, *output;       /* quantize, compare; imatrix */
    const char *config;                 /* train, bench */
    bool resume, only_export, skip_bad; /* train */
    const char *settings[CLI_MAX_SETTINGS];
    size_t n_settings;
    bool train, csv;                    /* bench */
    size_t n_prefill, n_decode, n_runs; /* bench, compare */
    cli_sizes depths, batches;          /* bench */
    const char *suite, *against;        /* eval; suite: compare as well */
    const char *families[CLI_MAX_FAMILIES];
    size_t n_families, n_each, n_samples;
    float sample_temperature;
    bool wrong, transcript, perplexity;
    const char *types, *svg, *folder; /* compare */
    bool markdown, keep, ask, no_quality;
    size_t n_talks;

    bool help;
    const char *argument; /* the first word that is not an option: MODEL, IN, OUT or COMMAND */
    const char *second;   /* and the second: OUT */
} cli_options;

typedef enum {
    CLI_FLAG,     /* bool */
    CLI_TEXT,     /* const char *, borrowed from argv */
    CLI_SIZE,     /* size_t within min..max */
    CLI_WHOLE,    /* int within min..max */
    CLI_REAL,     /* float within min..max */
    CLI_SIZES,    /* cli_sizes within min..max */
    CLI_SEED,     /* sampling.seed and has_seed */
    CLI_STOP,     /* one more of stops */
    CLI_FAMILY,   /* one more of families */
    CLI_SETTING,  /* one more of settings: FIELD=VALUE */
    CLI_BIAS,     /* one more of bias: ID=VALUE */
    CLI_BYTES,    /* uint64_t: 4G, 2.5GB, 800MiB */
    CLI_KV,       /* kv_type and has_kv_type */
    CLI_TYPE,     /* type and has_type */
    CLI_ROPE,     /* rope */
    CLI_WINDOW,   /* window */
    CLI_TEMPLATE, /* chat_template, by a known name */
} cli_kind;

typedef struct {
    char letter;      /* 0: none */
    const char *name; /* without the dashes */
    cli_kind kind;
    size_t offset; /* in cli_options, for the kinds that need one */
    double min, max;
    const char *value; /* how help names the value */
    const char *help;
} cli_option;

typedef struct {
    const char *title;
    const cli_option *options; /* ends with a NULL name */
} cli_group;

typedef struct cli_command {
    const char *name, *summary;
    const char *usage;       /* what follows "aeon NAME" */
    const char *argument;    /* the name of its first plain argument; NULL: takes none */
    const char *second;      /* and of the second; NULL: takes one at most */
    const cli_group *groups; /* ends with a NULL title */
    const char *notes;       /* further lines of help, or NULL */
    const char *example;
    aeon_status (*run)(const cli_options *o, aeon_error *err);
} cli_command;

cli_options cli_options_default(void);

/* Read argv[0..argc), the words after the command's name, into o. */
AEON_MUST_USE aeon_status cli_options_parse(cli_options *o, const cli_command *command, int argc,
                                            char **argv, aeon_error *err);

/* Print a command's help on standard output. */
void cli_options_help(const cli_command *command);

/* Read text as a whole number 0..max, digits alone. */
bool cli_parse_size(const char *text, uint64_t max, uint64_t *out);

/* How many letters must change to make a into b; for "did you mean". */
unsigned cli_word_distance(const char *a, const char *b);

#endif
