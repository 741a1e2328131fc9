#include "format/names.h"

#include "base/cursor.h"
#include "base/mem.h"
#include "text/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

aeon_status ae_names_new(ae_names *out, size_t n, aeon_error *err)
{
    ae_name *sorted = ae_mem_alloc_array(AE_MEM_INDEX, n, sizeof *sorted);
    if (!sorted) return ae_fail_memory(err, n * sizeof *sorted, "an index of names");
    *out = (ae_names){sorted, n};
    return AEON_OK;
}

void ae_names_free(ae_names *names)
{
    ae_mem_free(names->sorted);
    *names = (ae_names){0};
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const ae_name *)a)->name, ((const ae_name *)b)->name);
}

const char *ae_names_sort(ae_names *names)
{
    qsort(names->sorted, names->n, sizeof *names->sorted, compare);
    for (size_t i = 1; i < names->n; i++)
        if (compare(&names->sorted[i - 1], &names->sorted[i]) == 0) return names->sorted[i].name;
    return NULL;
}

size_t ae_names_find(const ae_names *names, const char *name)
{
    ae_name wanted = {name, 0};
    const ae_name *found =
        names->n ? bsearch(&wanted, names->sorted, names->n, sizeof *names->sorted, compare) : NULL;
    return found ? found->at : SIZE_MAX;
}

bool ae_name_is_proper(const char *data, size_t len)
{
    if (len == 0 || len > AE_NAME_MAX_BYTES) return false;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)data[i] < ' ' || data[i] == 0x7f) return false;
    return ae_utf8_valid_prefix(data, len) == len;
}

aeon_status ae_tensor_shape(ae_tensor *t, const ae_dtype *type, int n_dims, const uint64_t *dims,
                            const char *file, aeon_error *err)
{
    ae_shown name = ae_show(t->name, strlen(t->name));
    t->type = type;
    t->n_dims = n_dims;
    for (int i = 0; i < AE_MAX_DIMS; i++) {
        t->dims[i] = i < n_dims ? dims[i] : 1;
        if (t->dims[i] == 0)
            return ae_fail(err, AEON_BAD_FORMAT, "%s: dimension %d of tensor '%s' is 0", file, i,
                           name.text);
    }
    if (t->dims[0] % type->block_values != 0)
        return ae_fail(err, AEON_BAD_FORMAT,
                       "%s: rows of %" PRIu64 " values in tensor '%s' are not whole %s blocks of "
                       "%u",
                       file, t->dims[0], name.text, type->name, (unsigned)type->block_values);
    uint64_t bytes = ae_dtype_row_bytes(type, t->dims[0]);
    bool fits = bytes > 0;
    for (int i = 1; i < AE_MAX_DIMS; i++) fits = fits && ae_mul_u64(bytes, t->dims[i], &bytes);
    if (!fits)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: tensor '%s' is larger than any file", file,
                       name.text);
    t->size_bytes = bytes;
    return AEON_OK;
}
