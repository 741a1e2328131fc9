/* state.h - where the program keeps what outlives it: typed lines and talks.
 *
 * Model:    $XDG_STATE_HOME/aeon, or ~/.local/state/aeon (XDG Base Directory Specification), made
 *           for the owner alone when it is first needed.
 * Uses:     aeon/.      Threads: main only.
 */
#ifndef CLI_STATE_H
#define CLI_STATE_H

#include "cli/options.h"

enum { CLI_TALK_NAME = 64 }; /* characters, at most */

/* The path of a file, such as "history" or "talks/NAME.talk", with its folders made. False if there
 * is no such place: out is then "". */
bool cli_state_path(char *out, size_t size, const char *file);

/* Where the talk of this name is kept. Errors: CLI_USAGE (a name that is none: letters, digits, "-"
 * and "_", at most 64), IO. */
AEON_MUST_USE aeon_status cli_talk_path(char *out, size_t size, const char *name, aeon_error *err);

/* Append the names of all talks, the latest first, one to a line with how long ago. */
AEON_MUST_USE aeon_status cli_talk_list(aeon_text *out, aeon_error *err);

#endif
