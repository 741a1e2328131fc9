/* names.h - find things by name, and measure shapes.
 *
 * Model:    A sorted list of (name, place). Sorting costs n log n whatever the names are, so no
 *           file can slow it down as it could a hash table.
 * Uses:     base/, tensor/, text/utf8.h.      Threads: immutable after the sort.
 * Example:  TRY(ae_names_new(&names, n, err));
 *           for (i...) names.sorted[i] = (ae_name){tensors[i].name, i};
 *           const char *twice = ae_names_sort(&names);
 */
#ifndef AE_FORMAT_NAMES_H
#define AE_FORMAT_NAMES_H

#include "base/status.h"
#include "tensor/tensor.h"

#include <string.h>

typedef struct {
    const char *name; /* 0-terminated, borrowed */
    size_t at;
} ae_name;

typedef struct {
    ae_name *sorted; /* [n], owned */
    size_t n;
} ae_names;

/* Room for n names, to be filled by the caller. */
AEON_MUST_USE aeon_status ae_names_new(ae_names *out, size_t n, aeon_error *err);
void ae_names_free(ae_names *names);
/* Returns a name that stands there twice, or NULL if all differ. */
const char *ae_names_sort(ae_names *names);
/* The place of a name; SIZE_MAX if absent. */
size_t ae_names_find(const ae_names *names, const char *name);

/* Is data[0..len) fit for a name: 1 to AE_NAME_MAX_BYTES bytes of UTF-8, no control characters? */
enum { AE_NAME_MAX_BYTES = 65535 };
bool ae_name_is_proper(const char *data, size_t len);

/* Does a name end so, and is not that alone? */
static inline bool ae_has_suffix(const char *name, const char *suffix)
{
    size_t len = strlen(name), suffix_len = strlen(suffix);
    return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

/* Give t its type, shape and size_bytes. Errors: BAD_FORMAT if a dimension is 0, a row is not made
 * of whole blocks, or the size overflows. file and t->name stand in the text. */
AEON_MUST_USE aeon_status ae_tensor_shape(ae_tensor *t, const ae_dtype *type, int n_dims,
                                          const uint64_t *dims, const char *file, aeon_error *err);

#endif
