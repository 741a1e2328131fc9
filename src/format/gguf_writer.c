#include "base/cursor.h"
#include "base/mem.h"
#include "format/gguf.h"
#include "format/names.h"

#include <string.h>

/* MAX_TENSOR_NAME: what other readers accept. */
enum { VERSION = 3, DEFAULT_ALIGNMENT = 32, MAX_TENSOR_NAME = 63 };

typedef struct {
    char *name;
    uint64_t size_bytes;
} part;

/* declaring --first put_data or commit--> writing data --commit--> gone */
struct ae_gguf_writer {
    ae_writer *file; /* one of the two is where it goes */
    ae_map *map;
    uint64_t n_mapped; /* bytes that are in the map */
    char *path;
    bool is_writing; /* the header is in the file */
    bool failed;
    uint32_t alignment;
    aeon_text values, tensors; /* encoded while declaring */
    part *keys, *parts;        /* declared so far; parts are tensors */
    size_t n_keys, n_parts;
    uint64_t data_end; /* offset behind the last declared tensor, padded */
    size_t part_at;    /* the tensor whose data is being put, and how much of it is there */
    uint64_t part_done;
};

/* Remember a failure: what was put since may be half there. */
static aeon_status settle(ae_gguf_writer *w, aeon_status status)
{
    if (status != AEON_OK) w->failed = true;
    return status;
}

static uint64_t padding(uint64_t pos, uint32_t alignment)
{
    return (alignment - pos % alignment) % alignment;
}

/* ---- declaring ---- */

static aeon_status append(aeon_text *text, const void *data, size_t size, aeon_error *err)
{
    return aeon_text_append(text, data, size, err);
}

static aeon_status append_u32(aeon_text *text, uint32_t value, aeon_error *err)
{
    return append(text, &value, sizeof value, err);
}

static aeon_status append_u64(aeon_text *text, uint64_t value, aeon_error *err)
{
    return append(text, &value, sizeof value, err);
}

static aeon_status append_str(aeon_text *text, const char *data, size_t len, aeon_error *err)
{
    TRY(append_u64(text, len, err));
    return append(text, data, len, err);
}

/* Add a name to a list. */
static aeon_status declare(const ae_gguf_writer *w, part **list, size_t *n, const char *name,
                           size_t max_bytes, aeon_error *err)
{
    size_t len = strlen(name);
    if (w->failed || w->is_writing)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: '%s' comes too late, after %s", w->path,
                       name, w->failed ? "a failure" : "the first data");
    if (len > max_bytes || !ae_name_is_proper(name, len))
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: bad name '%s' (%zu bytes, %zu fit)",
                       w->path, ae_show(name, len).text, len, max_bytes);
    if ((*n & (*n - 1)) == 0) { /* room doubles at 0, 1, 2, 4, ... */
        size_t size = (*n ? *n * 2 : 1) * sizeof **list;
        part *grown = ae_mem_resize(AE_MEM_INDEX, *list, size);
        if (!grown) return ae_fail_memory(err, size, "the header of a GGUF file");
        *list = grown;
    }
    char *copy = ae_mem_text(AE_MEM_INDEX, name, len);
    if (!copy) return ae_fail_memory(err, len, "the header of a GGUF file");
    (*list)[(*n)++] = (part){copy, 0};
    return AEON_OK;
}

static aeon_status begin_value(ae_gguf_writer *w, const char *key, ae_gguf_type type,
                               aeon_error *err)
{
    TRY(declare(w, &w->keys, &w->n_keys, key, AE_NAME_MAX_BYTES, err));
    TRY(append_str(&w->values, key, strlen(key), err));
    return append_u32(&w->values, type, err);
}

/* The data section is laid out by this value, so it is the one that the writer itself obeys. */
static aeon_status obey_alignment(ae_gguf_writer *w, ae_gguf_type type, const void *data,
                                  aeon_error *err)
{
    uint32_t alignment = 0;
    if (type == AE_GGUF_U32) memcpy(&alignment, data, sizeof alignment);
    if (alignment == 0 || (alignment & (alignment - 1)) != 0 || w->n_parts > 0)
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "%s: general.alignment must be a u32 power of two, before any tensor",
                       w->path);
    w->alignment = alignment;
    return AEON_OK;
}

static aeon_status put_number(ae_gguf_writer *w, const char *key, ae_gguf_type type,
                              const void *data, aeon_error *err)
{
    TRY(begin_value(w, key, type, err));
    if (strcmp(key, "general.alignment") == 0) TRY(obey_alignment(w, type, data, err));
    return append(&w->values, data, ae_gguf_type_bytes(type), err);
}

static aeon_status put_text(ae_gguf_writer *w, const char *key, ae_str value, aeon_error *err)
{
    TRY(begin_value(w, key, AE_GGUF_STRING, err));
    return append_str(&w->values, value.data, value.len, err);
}

static aeon_status begin_array(ae_gguf_writer *w, const char *key, ae_gguf_type element_type,
                               uint64_t n, aeon_error *err)
{
    TRY(begin_value(w, key, AE_GGUF_ARRAY, err));
    TRY(append_u32(&w->values, element_type, err));
    return append_u64(&w->values, n, err);
}

static aeon_status put_strings(ae_gguf_writer *w, const char *key, const ae_str *values, uint64_t n,
                               aeon_error *err)
{
    TRY(begin_array(w, key, AE_GGUF_STRING, n, err));
    for (uint64_t i = 0; i < n; i++)
        TRY(append_str(&w->values, values[i].data, values[i].len, err));
    return AEON_OK;
}

static aeon_status put_array(ae_gguf_writer *w, const char *key, ae_gguf_type element_type,
                             const void *values, uint64_t n, aeon_error *err)
{
    uint64_t bytes = 0;
    if (!ae_gguf_type_bytes(element_type) ||
        !ae_mul_u64(n, ae_gguf_type_bytes(element_type), &bytes))
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: '%s' is not an array of numbers", w->path,
                       key);
    TRY(begin_array(w, key, element_type, n, err));
    return append(&w->values, values, bytes, err);
}

static aeon_status add_tensor(ae_gguf_writer *w, const char *name, aeon_type type, int n_dims,
                              const uint64_t *dims, aeon_error *err)
{
    const ae_dtype *dtype = ae_dtype_find(type);
    if (!dtype || n_dims < 1 || n_dims > AE_MAX_DIMS)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: tensor '%s' with %d dimensions of type %d",
                       w->path, name, n_dims, (int)type);
    ae_tensor shape = {.name = name};
    TRY(ae_tensor_shape(&shape, dtype, n_dims, dims, w->path, err));
    TRY(declare(w, &w->parts, &w->n_parts, name, MAX_TENSOR_NAME, err));
    w->parts[w->n_parts - 1].size_bytes = shape.size_bytes;
    TRY(append_str(&w->tensors, name, strlen(name), err));
    TRY(append_u32(&w->tensors, (uint32_t)n_dims, err));
    for (int i = 0; i < n_dims; i++) TRY(append_u64(&w->tensors, dims[i], err));
    TRY(append_u32(&w->tensors, type, err));
    TRY(append_u64(&w->tensors, w->data_end, err));
    uint64_t end;
    if (!ae_add_u64(w->data_end, shape.size_bytes, &end) || end > INT64_MAX)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: larger than any file", w->path);
    w->data_end = end + padding(end, w->alignment);
    return AEON_OK;
}

/* ---- writing ---- */

static aeon_status put(ae_gguf_writer *w, const void *data, size_t size, aeon_error *err)
{
    if (w->file) return ae_writer_put(w->file, data, size, err);
    AEON_ASSERT(size <= w->map->size - w->n_mapped);
    if (size) memcpy((char *)w->map->data + w->n_mapped, data, size);
    w->n_mapped += size;
    return AEON_OK;
}

static uint64_t pos(const ae_gguf_writer *w)
{
    return w->file ? ae_writer_pos(w->file) : w->n_mapped;
}

static aeon_status pad(ae_gguf_writer *w, aeon_error *err)
{
    static const char zeros[64];
    uint64_t left = padding(pos(w), w->alignment);
    while (left > 0) {
        size_t n = left < sizeof zeros ? (size_t)left : sizeof zeros;
        TRY(put(w, zeros, n, err));
        left -= n;
    }
    return AEON_OK;
}

/* Once all are there: a look at every earlier name for each would take hours for some files. */
static aeon_status check_names(const ae_gguf_writer *w, const part *list, size_t n, aeon_error *err)
{
    ae_names names;
    TRY(ae_names_new(&names, n, err));
    for (size_t i = 0; i < n; i++) names.sorted[i] = (ae_name){list[i].name, i};
    const char *twice = ae_names_sort(&names);
    ae_names_free(&names);
    if (!twice) return AEON_OK;
    return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: '%s' is put twice", w->path, twice);
}

static aeon_status write_header(ae_gguf_writer *w, aeon_error *err)
{
    if (w->is_writing) return AEON_OK;
    w->is_writing = true;
    TRY(check_names(w, w->keys, w->n_keys, err));
    TRY(check_names(w, w->parts, w->n_parts, err));
    const struct {
        char magic[4];
        uint32_t version;
        uint64_t n_tensors, n_values;
    } head = {{'G', 'G', 'U', 'F'}, VERSION, w->n_parts, w->n_keys};
    _Static_assert(sizeof head == 24, "the fixed part of the header has no gaps");
    uint64_t size = sizeof head + w->values.len + w->tensors.len;
    size += padding(size, w->alignment) + w->data_end;
    if (w->map) TRY(ae_map_new(w->map, (size_t)size, err));
    TRY(put(w, &head, sizeof head, err));
    TRY(put(w, w->values.data, w->values.len, err));
    TRY(put(w, w->tensors.data, w->tensors.len, err));
    return pad(w, err);
}

static aeon_status put_data(ae_gguf_writer *w, const void *data, size_t size, aeon_error *err)
{
    if (w->failed) return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: data after a failure", w->path);
    if (size == 0) return AEON_OK;
    TRY(write_header(w, err));
    const part *p = w->part_at < w->n_parts ? &w->parts[w->part_at] : NULL;
    if (!p || size > p->size_bytes - w->part_done)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: more data than tensor '%s' holds", w->path,
                       p ? p->name : "(none left)");
    TRY(put(w, data, size, err));
    w->part_done += size;
    if (w->part_done < p->size_bytes) return AEON_OK;
    w->part_at++;
    w->part_done = 0;
    return pad(w, err);
}

static aeon_status finish(ae_gguf_writer *w, aeon_error *err)
{
    if (w->failed)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: commit after a failure", w->path);
    if (w->part_at < w->n_parts)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: the data of tensor '%s' is missing",
                       w->path, w->parts[w->part_at].name);
    return write_header(w, err);
}

/* ---- public face: a failure sticks ---- */

/* map NULL: into the file of that name. */
static aeon_status writer_open(ae_gguf_writer **out, ae_map *map, const char *path, aeon_error *err)
{
    ae_gguf_writer *w = ae_mem_alloc(AE_MEM_INDEX, sizeof *w);
    if (!w) return ae_fail_memory(err, sizeof *w, "a GGUF writer");
    w->alignment = DEFAULT_ALIGNMENT;
    w->map = map;
    w->path = ae_mem_text(AE_MEM_INDEX, path, strlen(path));
    aeon_status status = w->path ? AEON_OK : ae_fail_memory(err, strlen(path), "a path");
    if (status == AEON_OK && !map) status = ae_writer_open(&w->file, path, err);
    if (status != AEON_OK) {
        ae_gguf_writer_abort(w);
        return status;
    }
    *out = w;
    return AEON_OK;
}

aeon_status ae_gguf_writer_open(ae_gguf_writer **out, const char *path, aeon_error *err)
{
    return writer_open(out, NULL, path, err);
}

aeon_status ae_gguf_writer_open_memory(ae_gguf_writer **out, ae_map *map, const char *name,
                                       aeon_error *err)
{
    return writer_open(out, map, name, err);
}

aeon_status ae_gguf_put_u32(ae_gguf_writer *w, const char *key, uint32_t value, aeon_error *err)
{
    return settle(w, put_number(w, key, AE_GGUF_U32, &value, err));
}

aeon_status ae_gguf_put_u64(ae_gguf_writer *w, const char *key, uint64_t value, aeon_error *err)
{
    return settle(w, put_number(w, key, AE_GGUF_U64, &value, err));
}

aeon_status ae_gguf_put_f32(ae_gguf_writer *w, const char *key, float value, aeon_error *err)
{
    return settle(w, put_number(w, key, AE_GGUF_F32, &value, err));
}

aeon_status ae_gguf_put_bool(ae_gguf_writer *w, const char *key, bool value, aeon_error *err)
{
    uint8_t byte = value;
    return settle(w, put_number(w, key, AE_GGUF_BOOL, &byte, err));
}

aeon_status ae_gguf_put_str(ae_gguf_writer *w, const char *key, const char *value, aeon_error *err)
{
    return settle(w, put_text(w, key, (ae_str){value, strlen(value)}, err));
}

aeon_status ae_gguf_put_strings(ae_gguf_writer *w, const char *key, const ae_str *values,
                                uint64_t n, aeon_error *err)
{
    return settle(w, put_strings(w, key, values, n, err));
}

aeon_status ae_gguf_put_array(ae_gguf_writer *w, const char *key, ae_gguf_type element_type,
                              const void *values, uint64_t n, aeon_error *err)
{
    return settle(w, put_array(w, key, element_type, values, n, err));
}

aeon_status ae_gguf_put_value(ae_gguf_writer *w, const ae_gguf_value *v, aeon_error *err)
{
    if (v->type == AE_GGUF_STRING) return settle(w, put_text(w, v->key, v->strings[0], err));
    if (v->type != AE_GGUF_ARRAY) return settle(w, put_number(w, v->key, v->type, v->data, err));
    if (v->element_type == AE_GGUF_STRING)
        return settle(w, put_strings(w, v->key, v->strings, v->n, err));
    return settle(w, put_array(w, v->key, v->element_type, v->data, v->n, err));
}

aeon_status ae_gguf_add_tensor(ae_gguf_writer *w, const char *name, aeon_type type, int n_dims,
                               const uint64_t *dims, aeon_error *err)
{
    return settle(w, add_tensor(w, name, type, n_dims, dims, err));
}

aeon_status ae_gguf_put_data(ae_gguf_writer *w, const void *data, size_t size, aeon_error *err)
{
    return settle(w, put_data(w, data, size, err));
}

static void free_names(part *list, size_t n)
{
    for (size_t i = 0; i < n; i++) ae_mem_free(list[i].name);
    ae_mem_free(list);
}

static void writer_free(ae_gguf_writer *w)
{
    free_names(w->keys, w->n_keys);
    free_names(w->parts, w->n_parts);
    aeon_text_release(&w->values);
    aeon_text_release(&w->tensors);
    ae_mem_free(w->path);
    ae_mem_free(w);
}

aeon_status ae_gguf_writer_commit(ae_gguf_writer *w, aeon_error *err)
{
    aeon_status status = finish(w, err);
    if (status != AEON_OK) {
        ae_gguf_writer_abort(w);
        return status;
    }
    if (w->file) status = ae_writer_commit(w->file, err);
    writer_free(w);
    return status;
}

void ae_gguf_writer_abort(ae_gguf_writer *w)
{
    if (!w) return;
    ae_writer_abort(w->file);
    if (w->map) ae_map_close(w->map);
    writer_free(w);
}
