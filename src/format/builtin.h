/* builtin.h - the model that is part of the program: models/aeon-tiny.gguf, as bytes. */
#ifndef AE_FORMAT_BUILTIN_H
#define AE_FORMAT_BUILTIN_H

#include "format/gguf.h"

#include <string.h>

extern const unsigned char ae_builtin_data[] __attribute__((visibility("hidden")));
extern const unsigned char ae_builtin_end[] __attribute__((visibility("hidden")));

/* Does MODEL name it? */
static inline bool ae_is_builtin(const char *model)
{
    return strcmp(model, "builtin") == 0;
}

AEON_MUST_USE static inline aeon_status ae_builtin_open(ae_gguf **out, aeon_error *err)
{
    size_t size = (size_t)(ae_builtin_end - ae_builtin_data);
    return ae_gguf_open_memory(out, ae_builtin_data, size, "builtin", err);
}

#endif
