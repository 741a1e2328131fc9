/* regex.h - regular expressions of strangers, within limits.
 *
 * Model:    PCRE2 on UTF-8, whatever the case, a line ends with \n. A search that would take too
 *           long or too much memory is given up.
 * Uses:     base/, PCRE2.      Threads: immutable after new; any thread may search.
 * Example:  TRY(ae_regex_new(&r, "answer: 42\\.?$", err));
 *           TRY(ae_regex_find(r, text, len, &found, err)); ... ae_regex_free(r);
 */
#ifndef AE_TEXT_REGEX_H
#define AE_TEXT_REGEX_H

#include "base/status.h"

typedef struct ae_regex ae_regex;

/* Errors: BAD_FORMAT (what is wrong, and at which byte), OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_regex_new(ae_regex **out, const char *pattern, aeon_error *err);
void ae_regex_free(ae_regex *r);

typedef enum { AE_REGEX_ABSENT, AE_REGEX_FOUND, AE_REGEX_GAVE_UP } ae_regex_result;

/* Is it somewhere in text[0..len)? Bytes that are not UTF-8 match nothing. Errors: OUT_OF_MEMORY,
 * INTERNAL. */
AEON_MUST_USE aeon_status ae_regex_find(const ae_regex *r, const char *text, size_t len,
                                        ae_regex_result *out, aeon_error *err);

#endif
