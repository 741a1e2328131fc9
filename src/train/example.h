/* example.h - what one line of a data file says.
 *
 * Model:    A JSON object in any of the forms that mlx-lm reads: "messages", a chat; "prompt" and
 *           "completion", a chat of one question; "text". Texts are borrowed from the parsed line.
 * Threads:  Immutable after read.
 * Example:  TRY(ae_example_read(&e, line, len, err)); ... ae_example_release(&e);
 */
#ifndef AE_TRAIN_EXAMPLE_H
#define AE_TRAIN_EXAMPLE_H

#include "aeon/chat.h"
#include "base/status.h"

#include <jansson.h>

typedef struct {
    json_t *json;
    aeon_message *messages; /* [n] */
    size_t n;
    const char *text; /* NULL: it is a chat */
} ae_example;

/* Tools may also stand beside the messages, for all of them. Errors: BAD_FORMAT (says what is
 * wrong, not in which line), OUT_OF_MEMORY. release accepts a zeroed example. */
AEON_MUST_USE aeon_status ae_example_read(ae_example *out, const char *line, size_t len,
                                          aeon_error *err);
void ae_example_release(ae_example *e);

#endif
