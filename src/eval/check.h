/* check.h - the conditions that a right answer meets.
 *
 * Model:    A check is read once from its JSON, with the regular expressions compiled, and then
 *           judges any number of answers. What the conditions mean: aeon/eval.h.
 * Uses:     text/, jansson.      Threads: immutable after read; any thread.
 * Example:  TRY(ae_check_read(&check, json, err));
 *           TRY(ae_check_judge(&check, text, len, &verdict, err)); ... ae_check_release(&check);
 */
#ifndef AE_EVAL_CHECK_H
#define AE_EVAL_CHECK_H

#include "aeon/eval.h"
#include "text/regex.h"

#include <jansson.h>

typedef struct {
    const json_t *equals, *json, *tool_calls; /* borrowed; NULL: no such condition */
    ae_regex **regexes;                       /* first those of "matches", then of "lacks" */
    size_t n_matches, n_regexes;
} ae_check;

/* json is borrowed and must outlive the check. On failure there is nothing to release. Errors:
 * BAD_FORMAT says what is wrong, OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_check_read(ae_check *out, const json_t *json, aeon_error *err);
void ae_check_release(ae_check *c); /* accepts a zeroed check */

AEON_MUST_USE aeon_status ae_check_judge(const ae_check *c, const char *text, size_t len,
                                         aeon_verdict *out, aeon_error *err);

#endif
