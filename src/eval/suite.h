/* suite.h - the inside of a suite: questions read from JSON lines.
 *
 * Uses:     base/, text/, jansson.      Threads: immutable after select.
 * Promises: every question has at least one message, and its check was read
 */
#ifndef AE_EVAL_SUITE_H
#define AE_EVAL_SUITE_H

#include "eval/check.h"

typedef struct {
    json_t *json;           /* the line: owns all texts below */
    aeon_message *messages; /* [n_messages] */
    size_t n_messages;
    const char *answer; /* NULL: none */
    size_t family;      /* index in the suite's families */
    size_t line;        /* in the file, from 1 */
    ae_check check;
} ae_question;

struct aeon_suite {
    char *name; /* as errors call it: the path */
    ae_question *questions;
    size_t n, cap;
    char **families; /* by their first questions */
    size_t n_families;
};

/* Read JSON lines from memory; name stands in error texts. Errors: as aeon_suite_load. */
AEON_MUST_USE aeon_status ae_suite_parse(aeon_suite **out, const char *text, size_t len,
                                         const char *name, aeon_error *err);

#endif
