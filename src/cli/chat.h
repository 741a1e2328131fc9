/* chat.h - one conversation, shared by the files of aeon chat.
 *
 *     cmd_chat.c   turns, commands, the loop
 *     chat_keep.c  /save, /load, --session, --continue
 */
#ifndef CLI_CHAT_H
#define CLI_CHAT_H

#include "cli/line.h"
#include "cli/runtime.h"
#include "cli/state.h"

typedef struct {
    const cli_options *options;
    cli_runtime runtime;
    const aeon_chat_template *chat;
    aeon_sampler *sampler;
    uint64_t seed;
    uint64_t n_renewed; /* samplers made after the first, each with the next seed */
    cli_line *line;
    aeon_text system; /* empty: none */
    aeon_text input;
    aeon_tokens fed;              /* what the next feed gets; */
    size_t n_ended;               /* so many tokens of it end the last answer */
    aeon_tokens turns;            /* two for each turn: where it begins, where its answer begins */
    size_t n_dropped;             /* tokens that the window dropped, as far as turns know */
    char name[CLI_TALK_NAME + 1]; /* under which it is kept at its end; NULL: it is not */
    bool was_kept;                /* it goes on from a kept one */
    bool quit;

    size_t n_read; /* of the last turn */
    double read_ms;
    char last; /* the last byte of the answer */
    aeon_generate_result result;
} talk;

size_t cli_talk_length(const talk *t); /* tokens of the timeline */

/* After the timeline went back: a generator that draws anew, with the tokens that remain. */
AEON_MUST_USE aeon_status cli_talk_renew_sampler(talk *t, aeon_error *err);

/* The system message is never dropped. */
AEON_MUST_USE aeon_status cli_talk_pin_system(talk *t, aeon_error *err);

/* Positions of the turn and of its answer. */
AEON_MUST_USE aeon_status cli_talk_begin_turn(talk *t, size_t start, size_t answer,
                                              aeon_error *err);

/* /save NAME and /load NAME; what goes wrong is told and does not end the talk. */
AEON_MUST_USE aeon_status cli_talk_do_save(talk *t, const char *text, aeon_error *err);
AEON_MUST_USE aeon_status cli_talk_do_load(talk *t, const char *text, aeon_error *err);

/* Go on with the talk that the options name, or that was the last one. */
AEON_MUST_USE aeon_status cli_talk_resume(talk *t, aeon_error *err);

/* A talk with a name is kept when it ends, however it ends. Returns status, or why it could not be
 * kept. */
AEON_MUST_USE aeon_status cli_talk_keep_at_end(talk *t, aeon_status status, aeon_error *err);

#endif
