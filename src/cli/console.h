/* console.h - what passes between the program and a person: messages, progress, text, signals.
 *
 * Model:    Answers go to standard output, everything else to standard error. Signals only set a
 *           flag and wake whoever waits for input; the code in charge looks and decides.
 * Uses:     aeon/, POSIX.      Threads: main only, signal handlers aside.
 */
#ifndef CLI_CONSOLE_H
#define CLI_CONSOLE_H

#include "cli/options.h"

#include <stdio.h>

/* ---- messages ------------------------------------------------------------------------------ */

/* Fill err and return code. */
aeon_status cli_error(aeon_error *err, aeon_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "aeon: error: TEXT", one line on standard error, control characters made harmless. */
void cli_print_error(const char *text);

/* A dim line on standard error. */
void cli_notice(const char *format, ...) __attribute__((format(printf, 1, 2)));

typedef enum { CLI_PLAIN, CLI_DIM, CLI_BOLD } cli_style;

/* The escape sequence that begins a style on this stream; "" where it is not a terminal or NO_COLOR
 * is set. */
const char *cli_style_text(const FILE *stream, cli_style style);
bool cli_is_terminal(const FILE *stream);

/* Show a bar on standard error, if that is a terminal and the work takes a while. An
 * aeon_progress_fn: returns false once the person has pressed Ctrl-C. */
bool cli_progress(void *user, const char *what, double fraction);
/* What stands behind the bar from now on, such as a speed, until it is wiped. */
void cli_progress_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Wipe the bar; also when none was shown. */
void cli_progress_end(void);

/* From now on a bar shows where a larger work stands, whatever reports: name is what it does, from
 * and to (0..1) the part that it is of the whole, which was reckoned to take expected_s and began
 * at start_s. name NULL: bars stand for themselves again. */
void cli_progress_part(const char *name, double from, double to, double start_s, double expected_s);

/* ---- text ---------------------------------------------------------------------------------- */

/* Length of the UTF-8 character at text[0..len), 0 if the bytes are none. */
size_t cli_utf8_len(const char *text, size_t len);

/* Write what a model said. A terminal gets no control characters but newline and tab, and U+FFFD
 * for bytes that are not UTF-8; a file or pipe gets the bytes as they are. */
void cli_write(FILE *stream, const char *text, size_t len);

/* Send out what was written to standard output. False once it cannot be written (errno says why):
 * the reader has gone, or the disk is full. */
bool cli_flush(void);

/* Write text in quotes on one line, whatever its bytes. */
void cli_write_quoted(FILE *stream, const char *text, size_t len);

/* Append text with U+FFFD in place of bytes that are not UTF-8. */
AEON_MUST_USE aeon_status cli_text_append_utf8(aeon_text *out, const char *text, size_t len,
                                               aeon_error *err);

/* Read a whole file, "-" for standard input, into out. Errors: NOT_FOUND, IO, CANCELLED. */
AEON_MUST_USE aeon_status cli_read_file(aeon_text *out, const char *path, aeon_error *err);

/* "1.6 M" for a count of 1600000, "2.3 GB" for bytes, in out[size]; steps of 1000. */
const char *cli_short_count(char *out, size_t size, double value);
const char *cli_short_bytes(char *out, size_t size, double value);
/* "131,072" */
const char *cli_grouped(char *out, size_t size, uint64_t value);

/* The names of all types that aeon_quantize knows, with commas. */
void cli_type_names(char *out, size_t size);
/* That name among them, whatever its case: static storage. NULL if there is none. */
const char *cli_find_type(const char *word);

/* The names of all chat templates, with commas. */
void cli_template_names(char *out, size_t size);

/* ---- signals and the clock ----------------------------------------------------------------- */

/* Catch SIGINT, SIGTERM and SIGHUP, ignore SIGPIPE and SIGXFSZ. */
AEON_MUST_USE aeon_status cli_signals_catch(aeon_error *err);

/* Was Ctrl-C pressed (or the program asked to end) since cli_signals_clear? */
bool cli_is_interrupted(void);
/* Was the program asked to end? That is never cleared. */
bool cli_is_terminated(void);
void cli_signals_clear(void);

/* Wait until fd has input, or has ended. False if a signal came first. */
bool cli_wait_input(int fd);

double cli_clock_s(void);
/* The most memory that was resident so far, in bytes. */
uint64_t cli_peak_rss_bytes(void);
/* Let it count from now on; false where the system cannot. */
bool cli_peak_rss_reset(void);
/* What is resident now; 0: unknown. */
uint64_t cli_rss_bytes(void);

/* "25 ms", "3.4 s", "12 min", "2.5 h" in out[size]. */
const char *cli_short_time(char *out, size_t size, double seconds);

#endif
