/* runtime.h - a model opened as the options say, with all that generation needs.
 *
 * Model:    open takes everything, close gives everything back, also after a failed open.
 * Uses:     aeon/.      Threads: main only.
 * Example:  cli_runtime r = {0};
 *           aeon_status status = cli_runtime_open(&r, o, err);
 *           if (status == AEON_OK) status = answer(&r, o, err);
 *           cli_runtime_close(&r);
 */
#ifndef CLI_RUNTIME_H
#define CLI_RUNTIME_H

#include "cli/options.h"

#include <jansson.h>

typedef struct {
    aeon_model *model;
    aeon_engine *engine;
    aeon_session *session;
    const aeon_model_info *info; /* borrowed from model */
    const aeon_tokenizer *vocab; /* borrowed from model */
    const char *path;            /* as the person gave it */
    double load_ms;
    aeon_type kv_type;                  /* of the keys and values, as planned */
    size_t n_branches, n_branch_tokens; /* set before opening: forks that get room, and for what */
} cli_runtime;

/* Open the model, or one of random weights for --shape, and a session, with a bar while a large
 * file is read from the disk. With --ram the plan is made and shown before the weights are read; it
 * fills in what the session leaves open, and holds from then on. */
AEON_MUST_USE aeon_status cli_runtime_open(cli_runtime *r, const cli_options *o,
                                           const aeon_session_params *session, aeon_error *err);

/* The model alone, its weights not yet read: enough to describe it. */
AEON_MUST_USE aeon_status cli_runtime_open_model(cli_runtime *r, const cli_options *o,
                                                 aeon_error *err);

/* The vocabulary alone; the file needs no weights. */
AEON_MUST_USE aeon_status cli_runtime_open_vocab(cli_runtime *r, const cli_options *o,
                                                 aeon_error *err);
void cli_runtime_close(cli_runtime *r);

/* Does --shape stand alone, and with a type? */
AEON_MUST_USE aeon_status cli_check_shape(const cli_options *o, aeon_error *err);

/* May a command write this file? Only a plain one is replaced, and only if the person says so. */
AEON_MUST_USE aeon_status cli_check_target(const char *path, bool force, aeon_error *err);

/* Is what --head says a type, if it says anything? */
AEON_MUST_USE aeon_status cli_check_head(const cli_options *o, aeon_error *err);

/* The session that the options ask for. */
aeon_session_params cli_session_params(const cli_options *o);

/* The plan of memory that the options ask for, for such a session. */
aeon_plan_params cli_plan_params(const cli_options *o, const aeon_session_params *session);

/* What the person gave to work on: a text, or ids that are taken as they are. */
typedef struct {
    aeon_text text;
    aeon_tokens ids;
} cli_input;

/* Read --ids, -p, -f or, when none is given, a standard input that is not a terminal. To be called
 * before a model is opened: a mistake should not wait for a large file. */
AEON_MUST_USE aeon_status cli_input_read(cli_input *in, const cli_options *o, aeon_error *err);
/* An error if there is nothing in it. */
AEON_MUST_USE aeon_status cli_input_need(const cli_input *in, aeon_error *err);
void cli_input_release(cli_input *in);

/* Append the input's tokens, without a chat template. */
AEON_MUST_USE aeon_status cli_input_encode(aeon_tokens *out, const cli_input *in,
                                           const cli_runtime *r, aeon_error *err);

/* Append ids written as "1,2 3" with commas or white space between them. where: for the error. */
AEON_MUST_USE aeon_status cli_parse_ids(aeon_tokens *out, const char *text, const char *where,
                                        aeon_error *err);

/* A sampler as the options ask; without --seed the seed comes from the clock. *seed: the one used.
 */
AEON_MUST_USE aeon_status cli_sampler_new(aeon_sampler **out, uint64_t *seed, const cli_runtime *r,
                                          const cli_options *o, aeon_error *err);

/* The chat template of the model, or an error that says how to choose one. */
AEON_MUST_USE aeon_status cli_chat_template(const aeon_chat_template **out, const cli_runtime *r,
                                            const char *otherwise, aeon_error *err);

/* Print a document on standard output and free it. NULL counts as out of memory. */
AEON_MUST_USE aeon_status cli_print_json(json_t *document, aeon_error *err);

/* A JSON string of any bytes, U+FFFD for those that are not UTF-8; NULL: out of memory. */
json_t *cli_json_text(const char *text, size_t len);
json_t *cli_json_ids(const int32_t *ids, size_t n);
json_t *cli_json_limits(const aeon_machine_limits *limits);
/* Add "name" and, as [low, high], "name_95"; null for what is infinite. */
void cli_json_add_estimate(json_t *document, const char *name, aeon_estimate e);

#endif
