/* builtin.h - the models that are part of the program, as bytes: `builtin` is
 * models/aeon-tiny.gguf, `builtin-draft` the smaller models/aeon-draft.gguf, which guesses its next
 * tokens. */
#ifndef AE_FORMAT_BUILTIN_H
#define AE_FORMAT_BUILTIN_H

#include "format/gguf.h"

/* Does MODEL name one of them? */
bool ae_is_builtin(const char *model);

/* Errors: NOT_FOUND, and those of ae_gguf_open_memory. */
AEON_MUST_USE aeon_status ae_builtin_open(ae_gguf **out, const char *model, aeon_error *err);

#endif
