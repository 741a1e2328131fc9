#include "format/safetensors.h"

#include "base/cursor.h"
#include "base/file.h"
#include "base/mem.h"
#include "format/names.h"
#include "text/json.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/*  offset  size  field
 *       0     8  n, little-endian
 *       8     n  JSON: { "name": {"dtype": "F16", "shape": [rows, cols], "data_offsets": [from,
 * to]},
 *                        ..., "__metadata__": {...} }
 *     8+n        tensor data without gaps; offsets count from here */
enum { MAX_HEADER_BYTES = 100 * 1000 * 1000, MAX_SHARDS = 1000 };

typedef struct {
    char *file; /* its name in the folder, or its path */
    ae_map map;
    char *names; /* of its tensors, each with a 0 behind it */
} shard;

struct ae_safetensors {
    shard *shards;
    size_t n_shards;
    ae_tensor *tensors; /* shard by shard, in the order of their data */
    size_t n_tensors;
    ae_names index;
};

/* ---- one file ---- */

/* The file being read, for the functions below. */
typedef struct {
    const char *path;
    const unsigned char *data; /* the data section */
    uint64_t size;
    aeon_error *err;
} section;

static const ae_dtype *find_dtype(const char *name)
{
    static const ae_dtype words = {"u32", AEON_TYPE_U32, 1, 4, NULL, NULL};
    if (strcmp(name, "U32") == 0) return &words;
    if (strcmp(name, "F32") == 0) return ae_dtype_get(AEON_TYPE_F32);
    if (strcmp(name, "F16") == 0) return ae_dtype_get(AEON_TYPE_F16);
    if (strcmp(name, "BF16") == 0) return ae_dtype_get(AEON_TYPE_BF16);
    return NULL;
}

/* A list of n whole numbers >= 0 into out[]. */
static bool read_numbers(const json_t *list, uint64_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const json_t *number = json_array_get(list, i);
        if (!json_is_integer(number) || json_integer_value(number) < 0) return false;
        out[i] = (uint64_t)json_integer_value(number);
    }
    return true;
}

/* t->name is set; fill in the rest from its entry in the header. */
static aeon_status read_tensor(ae_tensor *t, const json_t *entry, const section *s)
{
    size_t len = strlen(t->name);
    ae_shown name = ae_show(t->name, len);
    const char *type = json_string_value(json_object_get(entry, "dtype"));
    const json_t *shape = json_object_get(entry, "shape");
    const json_t *range = json_object_get(entry, "data_offsets");
    size_t n_dims = json_array_size(shape);
    uint64_t outer_first[AE_MAX_DIMS] = {1}, dims[AE_MAX_DIMS] = {1}, offsets[2];
    if (!ae_name_is_proper(t->name, len))
        return ae_fail(s->err, AEON_BAD_FORMAT, "%s: bad tensor name '%s' (%zu bytes)", s->path,
                       name.text, len);
    if (n_dims > AE_MAX_DIMS)
        return ae_fail(s->err, AEON_UNSUPPORTED,
                       "%s: tensor '%s' has %zu dimensions, at most %d "
                       "are possible",
                       s->path, name.text, n_dims, AE_MAX_DIMS);
    if (!type || !json_is_array(shape) || !read_numbers(shape, outer_first, n_dims) ||
        json_array_size(range) != 2 || !read_numbers(range, offsets, 2))
        return ae_fail(s->err, AEON_BAD_FORMAT,
                       "%s: tensor '%s' has no proper dtype, shape and "
                       "data_offsets",
                       s->path, name.text);
    const ae_dtype *dtype = find_dtype(type);
    if (!dtype)
        return ae_fail(s->err, AEON_UNSUPPORTED,
                       "%s: tensor '%s' has type %s, which is not "
                       "supported; F32, F16 and BF16 are",
                       s->path, name.text, ae_show(type, strlen(type)).text);
    for (size_t i = 0; i < n_dims; i++) dims[i] = outer_first[n_dims - 1 - i];
    TRY(ae_tensor_shape(t, dtype, n_dims ? (int)n_dims : 1, dims, s->path, s->err));
    if (offsets[0] > offsets[1] || offsets[1] > s->size)
        return ae_fail(s->err, AEON_BAD_FORMAT,
                       "%s: tensor '%s' runs past the end of the file; "
                       "the file is damaged or not complete, fetch it again",
                       s->path, name.text);
    if (offsets[1] - offsets[0] != t->size_bytes)
        return ae_fail(s->err, AEON_BAD_FORMAT,
                       "%s: tensor '%s' has %" PRIu64 " bytes where its "
                       "shape needs %" PRIu64,
                       s->path, name.text, offsets[1] - offsets[0], t->size_bytes);
    t->data = s->data + offsets[0];
    return AEON_OK;
}

static int by_data(const void *a, const void *b)
{
    const unsigned char *x = ((const ae_tensor *)a)->data, *y = ((const ae_tensor *)b)->data;
    return (x > y) - (x < y);
}

/* Put the tensors in the order of their data; it covers the section without gap or overlap. */
static aeon_status check_layout(ae_tensor *tensors, size_t n, const section *s)
{
    qsort(tensors, n, sizeof *tensors, by_data);
    const unsigned char *end = s->data;
    for (size_t i = 0; i < n; i++) {
        if ((const unsigned char *)tensors[i].data != end)
            return ae_fail(s->err, AEON_BAD_FORMAT, "%s: the data of tensor '%s' %s", s->path,
                           ae_show(tensors[i].name, strlen(tensors[i].name)).text,
                           (const unsigned char *)tensors[i].data < end ? "overlaps that of another"
                                                                        : "begins behind a gap");
        end += tensors[i].size_bytes;
    }
    if (end == s->data + s->size) return AEON_OK;
    return ae_fail(s->err, AEON_BAD_FORMAT, "%s: bytes behind the last tensor", s->path);
}

static bool is_tensor(const char *key)
{
    return strcmp(key, "__metadata__") != 0;
}

/* Room for the tensors of a header: their names in sh, the rest at the end of all->tensors. */
static aeon_status make_room(ae_safetensors *all, shard *sh, json_t *header, size_t *n,
                             aeon_error *err)
{
    const char *key;
    json_t *entry;
    size_t name_bytes = 0;
    *n = 0;
    json_object_foreach(header, key, entry)
    {
        if (!is_tensor(key)) continue;
        name_bytes += strlen(key) + 1;
        ++*n;
    }
    size_t bytes = (all->n_tensors + *n) * sizeof *all->tensors;
    sh->names = ae_mem_alloc(AE_MEM_INDEX, name_bytes);
    ae_tensor *grown = sh->names ? ae_mem_resize(AE_MEM_INDEX, all->tensors, bytes) : NULL;
    if (!grown) return ae_fail_memory(err, bytes + name_bytes, "a list of tensors");
    all->tensors = grown;
    return AEON_OK;
}

static aeon_status read_header(ae_safetensors *all, shard *sh, json_t *header, const section *s)
{
    size_t n;
    TRY(make_room(all, sh, header, &n, s->err));
    ae_tensor *first = all->tensors + all->n_tensors, *t = first;
    char *name = sh->names;
    const char *key;
    json_t *entry;
    json_object_foreach(header, key, entry)
    {
        if (!is_tensor(key)) continue;
        size_t size = strlen(key) + 1;
        t->name = memcpy(name, key, size);
        name += size;
        TRY(read_tensor(t++, entry, s));
    }
    all->n_tensors += n;
    return check_layout(first, n, s);
}

/* sh->map is open. */
static aeon_status read_shard(ae_safetensors *all, shard *sh, const char *path, aeon_error *err)
{
    ae_cursor c = {sh->map.data, sh->map.size, 0, false};
    uint64_t n = ae_cursor_u64(&c);
    if (sh->map.size == 0) return ae_fail(err, AEON_BAD_FORMAT, "%s: the file is empty", path);
    if (n > MAX_HEADER_BYTES)
        return ae_fail(err, AEON_BAD_FORMAT,
                       "%s: not a safetensors file (a header of %" PRIu64 " bytes)", path, n);
    const unsigned char *text = ae_cursor_take(&c, n);
    if (c.failed)
        return ae_fail(err, AEON_BAD_FORMAT,
                       "%s: the header runs past the end of the file; the "
                       "file is damaged or not complete, fetch it again",
                       path);
    json_t *header;
    TRY(ae_json_object(&header, (const char *)text, n, path, err));
    section s = {path, c.data + c.pos, ae_cursor_left(&c), err};
    aeon_status status = read_header(all, sh, header, &s);
    json_decref(header);
    return status;
}

/* Open one more file; file is its name in all->shards. */
static aeon_status add_shard(ae_safetensors *all, const char *path, const char *file,
                             aeon_error *err)
{
    size_t bytes = (all->n_shards + 1) * sizeof *all->shards;
    shard *grown = ae_mem_resize(AE_MEM_INDEX, all->shards, bytes);
    if (!grown) return ae_fail_memory(err, bytes, "a list of files");
    all->shards = grown;
    shard *sh = &all->shards[all->n_shards];
    *sh = (shard){.file = ae_mem_text(AE_MEM_INDEX, file, strlen(file))};
    if (!sh->file) return ae_fail_memory(err, strlen(file), "the name of a file");
    all->n_shards++;
    TRY(ae_map_open(&sh->map, path, err));
    return read_shard(all, sh, path, err);
}

/* ---- the shards of a folder ---- */

/* A file of the folder itself: the index could name any file of the system. */
static bool is_plain_name(const char *file)
{
    return file[0] != 0 && file[0] != '.' && !strchr(file, '/') && !strchr(file, '\\');
}

static bool has_shard(const ae_safetensors *all, const char *file)
{
    for (size_t i = all->n_shards; i > 0; i--) /* most often the latest */
        if (strcmp(all->shards[i - 1].file, file) == 0) return true;
    return false;
}

/* Open every file that the index names. */
static aeon_status add_listed_shards(ae_safetensors *all, const char *folder, json_t *weight_map,
                                     aeon_error *err)
{
    const char *name;
    json_t *value;
    char path[PATH_MAX];
    json_object_foreach(weight_map, name, value)
    {
        const char *file = json_string_value(value);
        if (!file || !is_plain_name(file) || !ae_path_join(path, sizeof path, folder, file))
            return ae_fail(err, AEON_BAD_FORMAT,
                           "%s/model.safetensors.index.json: '%s' is not the name of a file in "
                           "this folder",
                           folder, file ? ae_show(file, strlen(file)).text : "");
        if (has_shard(all, file)) continue;
        if (all->n_shards == MAX_SHARDS)
            return ae_fail(err, AEON_BAD_FORMAT, "%s: more than %d files of weights", folder,
                           MAX_SHARDS);
        TRY(add_shard(all, path, file, err));
    }
    return AEON_OK;
}

static aeon_status build_index(ae_safetensors *all, const char *path, aeon_error *err)
{
    TRY(ae_names_new(&all->index, all->n_tensors, err));
    for (size_t i = 0; i < all->n_tensors; i++)
        all->index.sorted[i] = (ae_name){all->tensors[i].name, i};
    const char *twice = ae_names_sort(&all->index);
    if (!twice) return AEON_OK;
    return ae_fail(err, AEON_BAD_FORMAT, "%s: tensor '%s' stands in two files", path,
                   ae_show(twice, strlen(twice)).text);
}

static aeon_status open_listed(ae_safetensors *all, const char *folder, const char *index_path,
                               json_t *index, aeon_error *err)
{
    json_t *weight_map = json_object_get(index, "weight_map");
    if (!json_is_object(weight_map) || json_object_size(weight_map) == 0)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: there is no weight_map", index_path);
    TRY(add_listed_shards(all, folder, weight_map, err));
    TRY(build_index(all, folder, err));
    const char *name;
    json_t *file;
    json_object_foreach(weight_map, name, file)
    {
        if (!ae_safetensors_tensor_find(all, name))
            return ae_fail(err, AEON_BAD_FORMAT, "%s: no file holds tensor '%s'", index_path,
                           ae_show(name, strlen(name)).text);
    }
    return AEON_OK;
}

static aeon_status open_index(ae_safetensors *all, const char *folder, const char *index_path,
                              aeon_error *err)
{
    json_t *index;
    TRY(ae_json_load(&index, index_path, err));
    aeon_status status = open_listed(all, folder, index_path, index, err);
    json_decref(index);
    return status;
}

static aeon_status open_single(ae_safetensors *all, const char *path, aeon_error *err)
{
    TRY(add_shard(all, path, path, err));
    return build_index(all, path, err);
}

static aeon_status open_folder(ae_safetensors *all, const char *folder, aeon_error *err)
{
    char single[PATH_MAX], index[PATH_MAX];
    if (!ae_path_join(single, sizeof single, folder, "model.safetensors") ||
        !ae_path_join(index, sizeof index, folder, "model.safetensors.index.json"))
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: the path is too long", folder);
    if (ae_file_exists(single)) return open_single(all, single, err);
    if (ae_file_exists(index)) return open_index(all, folder, index, err);
    return ae_fail(err, AEON_NOT_FOUND,
                   "%s: there is no model.safetensors nor "
                   "model.safetensors.index.json here",
                   folder);
}

/* ---- public face ---- */

static aeon_status open_with(aeon_status (*fill)(ae_safetensors *, const char *, aeon_error *),
                             ae_safetensors **out, const char *path, aeon_error *err)
{
    ae_safetensors *s = ae_mem_alloc(AE_MEM_INDEX, sizeof *s);
    if (!s) return ae_fail_memory(err, sizeof *s, "a list of tensors");
    aeon_status status = fill(s, path, err);
    if (status != AEON_OK) {
        ae_safetensors_close(s);
        return status;
    }
    *out = s;
    return AEON_OK;
}

aeon_status ae_safetensors_open(ae_safetensors **out, const char *path, aeon_error *err)
{
    return open_with(open_single, out, path, err);
}

aeon_status ae_safetensors_open_folder(ae_safetensors **out, const char *folder, aeon_error *err)
{
    return open_with(open_folder, out, folder, err);
}

void ae_safetensors_close(ae_safetensors *s)
{
    if (!s) return;
    for (size_t i = 0; i < s->n_shards; i++) {
        ae_mem_free(s->shards[i].file);
        ae_mem_free(s->shards[i].names);
        ae_map_close(&s->shards[i].map);
    }
    ae_mem_free(s->shards);
    ae_mem_free(s->tensors);
    ae_names_free(&s->index);
    ae_mem_free(s);
}

size_t ae_safetensors_n_tensors(const ae_safetensors *s)
{
    return s->n_tensors;
}

const ae_tensor *ae_safetensors_tensor_at(const ae_safetensors *s, size_t i)
{
    AEON_ASSERT(i < s->n_tensors);
    return &s->tensors[i];
}

const ae_tensor *ae_safetensors_tensor_find(const ae_safetensors *s, const char *name)
{
    size_t at = ae_names_find(&s->index, name);
    return at == SIZE_MAX ? NULL : &s->tensors[at];
}
