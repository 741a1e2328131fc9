/* commands.h - every command of the program, and the option groups that several of them share. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/options.h"

extern const cli_command cli_chat, cli_run, cli_tokenize, cli_score, cli_inspect, cli_synth,
    cli_quantize, cli_imatrix, cli_doctor, cli_train, cli_eval, cli_bench, cli_compare, cli_help,
    cli_version;

/* Shared tables, each ending with a NULL name. */
extern const cli_option cli_model_options[];    /* -m -t --ctx --chunk --ram --kv .. */
extern const cli_option cli_vocab_options[];    /* -m */
extern const cli_option cli_sampling_options[]; /* --temp ... --seed --stop */
extern const cli_option cli_json_options[];     /* --json */
extern const cli_option cli_shape_options[];    /* --shape --type */

/* aeon bench --train. */
AEON_MUST_USE aeon_status cli_bench_train(const cli_options *o, aeon_error *err);

/* aeon eval -f, --perplexity. */
AEON_MUST_USE aeon_status cli_eval_text(const cli_options *o, aeon_error *err);

/* Where an option's value goes. */
#define AT(field) offsetof(cli_options, field)

#define CLI_GROUP_END                                                                              \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }
#define CLI_OPTION_END                                                                             \
    {                                                                                              \
        0, NULL, CLI_FLAG, 0, 0, 0, NULL, NULL                                                     \
    }

#endif
