/* builtin.h - the model that is part of the program: models/aeon-tiny.gguf, as bytes. */
#ifndef AE_FORMAT_BUILTIN_H
#define AE_FORMAT_BUILTIN_H

#include <stddef.h>

extern const unsigned char ae_builtin_data[] __attribute__((visibility("hidden")));
extern const unsigned char ae_builtin_end[] __attribute__((visibility("hidden")));

static inline size_t ae_builtin_size(void)
{
    return (size_t)(ae_builtin_end - ae_builtin_data);
}

#endif
