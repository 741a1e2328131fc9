/* line.h - read what a person types, with editing and history, or lines from a pipe.
 *
 * Model:    On a terminal libedit does the work; elsewhere lines are read as they come.
 * Uses:     libedit, console.h.      Threads: main only.
 * Promises: the history file is readable by its owner alone and replaced as a whole
 * Example:  cli_line *line;
 *           TRY(cli_line_open(&line, true, err));
 *           while (cli_line_read(line, "> ", &text, err) == CLI_LINE_TEXT) use(text.data);
 *           cli_line_close(line);
 */
#ifndef CLI_LINE_H
#define CLI_LINE_H

#include "cli/options.h"

typedef struct cli_line cli_line;

typedef enum {
    CLI_LINE_TEXT,      /* a line, without its newline */
    CLI_LINE_CANCELLED, /* Ctrl-C: the line was thrown away */
    CLI_LINE_END,       /* Ctrl-D on an empty line, or the end of the input */
    CLI_LINE_FAILED,    /* err is filled */
} cli_line_result;

/* Edit lines if standard input and output are terminals. keep_history: load and save it. */
AEON_MUST_USE aeon_status cli_line_open(cli_line **out, bool keep_history, aeon_error *err);

/* Saves the history. Accepts NULL. */
void cli_line_close(cli_line *line);

bool cli_line_is_edited(const cli_line *line);

/* Read one line into out, which is emptied first. prompt is shown on a terminal only. */
AEON_MUST_USE cli_line_result cli_line_read(cli_line *line, const char *prompt, aeon_text *out,
                                            aeon_error *err);

/* Remember a text for the arrow keys and the next talk. */
void cli_line_remember(cli_line *line, const char *text);

#endif
