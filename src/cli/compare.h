/* compare.h - inside aeon compare: a model and what it becomes in other types, made, measured one
 * after the other, and told of.
 *
 * Model:    The first variant is the original as it was given; the others are made from it into a
 *           folder of their own and deleted once they are measured. Of each: speed and memory with
 *           nothing else open, then, beside the original, how far its expectations are from that.
 * Uses:     cli/bench.h.      Threads: main only.
 */
#ifndef CLI_COMPARE_H
#define CLI_COMPARE_H

#include "cli/bench.h"

#include <stdio.h>

enum { CLI_MAX_VARIANTS = 20 };

/* What is done with a variant, in this order. */
typedef enum { CLI_MAKE, CLI_LOAD, CLI_TIME, CLI_READ, CLI_ASK, CLI_N_STAGES } cli_stage;

typedef struct {
    const char *name; /* of the type, as quantize calls it; the original: of what it is stored in */
    aeon_text path;   /* what is opened */
    bool has_file;    /* that is to be deleted */
    aeon_quantize_result made;       /* not of the original */
    double expected_s[CLI_N_STAGES]; /* 0: not done */

    aeon_type type;      /* of most weights */
    uint64_t file_bytes; /* of a folder and the built-in model: of its tensors */
    double make_s, load_s;
    uint64_t peak_bytes;
    cli_spread prefill_tps, decode_tps, first_s;
    aeon_text_eval text;   /* the reference is the original; n_scored 0: was not read */
    aeon_eval_score score; /* n 0: was not asked */
    bool is_done;
} cli_variant;

typedef struct {
    const cli_options *options;
    const char *model;     /* as the person gave it; or the shape */
    aeon_model_info about; /* the original */
    cli_variant variants[CLI_MAX_VARIANTS];
    size_t n_variants;
    char same[64]; /* names of types that were asked for and change nothing, with commas */

    bool reads, asks;              /* is quality measured? by questions too? */
    aeon_tokens ids;               /* of the text to read; none: the answers of the suite are */
    size_t n_questions, n_to_read; /* about so many tokens in all */

    char folder[4096];       /* for the variants; "": not made yet */
    uint64_t own_bytes;      /* the program's, before anything was opened */
    bool has_planned_memory; /* the system does not tell the peak: it is reckoned */
    bool is_requantized;     /* the original was rounded before */
    int n_threads;           /* that were used */

    double start_s, expected_s, begun_s; /* of all stages; of those begun before this one */
} cli_comparison;

/* ---- compare_make.c -------------------------------------------------------------------------- */

/* Find out which variants there are and how large each gets: the types of --types that change
 * anything. Errors: those of aeon_quantize_plan. */
AEON_MUST_USE aeon_status cli_compare_plan(cli_comparison *c, aeon_error *err);

/* Make the folder, if one is needed, where there is room for what comes. more_bytes: beside the
 * variants. Errors: IO (says how much is missing). */
AEON_MUST_USE aeon_status cli_compare_make_folder(cli_comparison *c, uint64_t more_bytes,
                                                  aeon_error *err);

/* Write a model of random weights as the original, for --shape. */
AEON_MUST_USE aeon_status cli_compare_make_original(cli_comparison *c, aeon_error *err);
/* Write a variant. */
AEON_MUST_USE aeon_status cli_compare_make(cli_comparison *c, cli_variant *v, aeon_error *err);
/* Delete its file, if it has one. */
void cli_compare_delete(cli_variant *v);
/* Delete all that is left, or with --keep say where it is. */
void cli_compare_clean(cli_comparison *c);

/* ---- compare_measure.c ----------------------------------------------------------------------- */

/* The suite that the options choose. */
AEON_MUST_USE aeon_status cli_compare_open_suite(aeon_suite **out, const cli_options *o,
                                                 aeon_error *err);

/* All that is to be known of a variant whose file is there. */
AEON_MUST_USE aeon_status cli_compare_measure(cli_comparison *c, cli_variant *v, aeon_error *err);

/* ---- compare_time.c -------------------------------------------------------------------------- */

/* Reckon how long each stage takes, from sizes and a short measurement of this machine, and say it
 * if that is long. */
AEON_MUST_USE aeon_status cli_compare_reckon(cli_comparison *c, aeon_error *err);

/* What bars show from now on. */
void cli_compare_begin(cli_comparison *c, const cli_variant *v, cli_stage stage);

/* ---- compare_report.c ------------------------------------------------------------------------ */

/* What it is called in tables and pictures: "int4"; the original by the type that was asked for, if
 * that is what it is. */
const char *cli_compare_name(const cli_comparison *c, const cli_variant *v);

/* The variants that are done, as the options ask. */
AEON_MUST_USE aeon_status cli_compare_report(const cli_comparison *c, aeon_error *err);

/* ---- compare_svg.c --------------------------------------------------------------------------- */

/* Draw the variants: a field for each figure, a bar for each variant. */
AEON_MUST_USE aeon_status cli_compare_draw(const cli_comparison *c, const char *path,
                                           aeon_error *err);

#endif
