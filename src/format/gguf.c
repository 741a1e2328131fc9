#include "format/gguf.h"

#include "base/cursor.h"
#include "base/file.h"
#include "base/mem.h"
#include "format/names.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/*  offset  size  field                                  every number little-endian
 *       0     4  magic "GGUF"
 *       4     4  version
 *       8     8  n_tensors
 *      16     8  n_values
 *      24        n_values  x { string key, u32 type, value }
 *                n_tensors x { string name, u32 n_dims, u64 dims[n_dims], u32 type, u64 offset }
 *                zeros up to a multiple of general.alignment (32 if absent)
 *                tensor data; offsets count from here
 *  string: u64 length, bytes.   array: u32 element type, u64 n, elements. */
enum { DEFAULT_ALIGNMENT = 32 };

struct ae_gguf {
    ae_map map; /* empty when opened over memory */
    const unsigned char *data;
    size_t size;
    char *path;
    uint32_t version;
    uint64_t n_values, n_tensors;
    ae_gguf_value *values;
    ae_tensor *tensors;
    char *names;     /* all keys and tensor names, each with a 0 behind it */
    ae_str *strings; /* all strings of all values */
    ae_names key_index, tensor_index;
};

/* The header is walked twice by the same code. The first walk proves that the file holds what its
 * counts promise and measures; the second one, after allocation, places. */
typedef struct {
    ae_gguf *g;
    ae_cursor c;
    aeon_error *err;
    bool placing;
    size_t n_name_bytes, n_strings; /* seen so far in this walk */
    uint32_t alignment;
    uint64_t data_begin; /* known after the first walk */
} reader;

size_t ae_gguf_type_bytes(ae_gguf_type type)
{
    static const uint8_t bytes[] = {
        [AE_GGUF_U8] = 1,   [AE_GGUF_I8] = 1,  [AE_GGUF_U16] = 2, [AE_GGUF_I16] = 2,
        [AE_GGUF_U32] = 4,  [AE_GGUF_I32] = 4, [AE_GGUF_F32] = 4, [AE_GGUF_U64] = 8,
        [AE_GGUF_BOOL] = 1, [AE_GGUF_I64] = 8, [AE_GGUF_F64] = 8,
    };
    return (size_t)type < AE_COUNT(bytes) ? bytes[type] : 0;
}

/* ---- strings and names ---- */

static aeon_status fail_truncated(reader *r)
{
    return ae_fail(r->err, AEON_BAD_FORMAT,
                   "%s: the header runs past the end of the file (at byte %zu of %zu); the file is "
                   "damaged or not complete, fetch it again",
                   r->g->path, r->c.pos, r->c.size);
}

static ae_str take_str(ae_cursor *c)
{
    uint64_t len = ae_cursor_u64(c);
    const unsigned char *data = ae_cursor_take(c, len);
    return data ? (ae_str){(const char *)data, (size_t)len} : (ae_str){"", 0};
}

/* A key or tensor name. *out is 0-terminated once placing. */
static aeon_status take_name(reader *r, const char *what, ae_str *out)
{
    ae_str name = take_str(&r->c);
    if (r->c.failed) return fail_truncated(r);
    if (!ae_name_is_proper(name.data, name.len))
        return ae_fail(r->err, AEON_BAD_FORMAT, "%s: bad %s '%s' (%zu bytes)", r->g->path, what,
                       ae_show(name.data, name.len).text, name.len);
    if (r->placing) {
        char *copy = r->g->names + r->n_name_bytes;
        memcpy(copy, name.data, name.len);
        copy[name.len] = 0;
        name.data = copy;
    }
    r->n_name_bytes += name.len + 1;
    *out = name;
    return AEON_OK;
}

/* ---- values ---- */

static aeon_status take_strings(reader *r, ae_gguf_value *v)
{
    if (r->placing) v->strings = r->g->strings + r->n_strings;
    for (uint64_t i = 0; i < v->n; i++) {
        ae_str s = take_str(&r->c);
        if (r->c.failed) return fail_truncated(r);
        if (r->placing) r->g->strings[r->n_strings] = s;
        r->n_strings++;
    }
    return AEON_OK;
}

static aeon_status take_numbers(reader *r, ae_str key, uint64_t n, ae_gguf_type type)
{
    uint64_t bytes = 0;
    bool fits = ae_mul_u64(n, ae_gguf_type_bytes(type), &bytes);
    const unsigned char *data = fits ? ae_cursor_take(&r->c, bytes) : NULL;
    if (!data) return fail_truncated(r);
    for (uint64_t i = 0; type == AE_GGUF_BOOL && i < n; i++)
        if (data[i] > 1)
            return ae_fail(r->err, AEON_BAD_FORMAT, "%s: '%s' holds %u where 0 or 1 belongs",
                           r->g->path, ae_show(key.data, key.len).text, (unsigned)data[i]);
    return AEON_OK;
}

static aeon_status check_value_type(reader *r, uint32_t type, ae_str key)
{
    if (type == AE_GGUF_STRING || type == AE_GGUF_ARRAY || ae_gguf_type_bytes(type)) return AEON_OK;
    return ae_fail(r->err, AEON_BAD_FORMAT, "%s: '%s' has the unknown value type %" PRIu32,
                   r->g->path, ae_show(key.data, key.len).text, type);
}

/* The whole header depends on it, so it is the one value looked at while walking. */
static aeon_status note_alignment(reader *r, const ae_gguf_value *v)
{
    if (v->type == AE_GGUF_U32) memcpy(&r->alignment, v->data, sizeof r->alignment);
    if (v->type == AE_GGUF_U32 && r->alignment && (r->alignment & (r->alignment - 1)) == 0)
        return AEON_OK;
    return ae_fail(r->err, AEON_BAD_FORMAT, "%s: general.alignment is not a power of two",
                   r->g->path);
}

static aeon_status take_value(reader *r, ae_gguf_value *v)
{
    ae_str key;
    TRY(take_name(r, "metadata key", &key));
    uint32_t type = ae_cursor_u32(&r->c);
    TRY(check_value_type(r, type, key));
    *v = (ae_gguf_value){.key = key.data, .type = type, .n = 1};
    uint32_t element = type;
    if (type == AE_GGUF_ARRAY) {
        element = ae_cursor_u32(&r->c);
        TRY(check_value_type(r, element, key));
        if (element == AE_GGUF_ARRAY)
            return ae_fail(r->err, AEON_UNSUPPORTED, "%s: '%s' is an array of arrays", r->g->path,
                           ae_show(key.data, key.len).text);
        v->element_type = element;
        v->n = ae_cursor_u64(&r->c);
    }
    if (r->c.failed) return fail_truncated(r);
    v->data = r->c.data + r->c.pos;
    if (element == AE_GGUF_STRING)
        TRY(take_strings(r, v));
    else
        TRY(take_numbers(r, key, v->n, element));
    static const char alignment[] = "general.alignment";
    if (key.len == sizeof alignment - 1 && memcmp(key.data, alignment, key.len) == 0)
        return note_alignment(r, v);
    return AEON_OK;
}

/* ---- tensors ---- */

/* Types of ggml that are not supported, so that a message can name them. */
static const char *foreign_type_name(uint32_t type)
{
    static const char *const names[AEON_TYPE_MAX] = {
        [9] = "q8_1",      [15] = "q8_k",     [16] = "iq2_xxs", [17] = "iq2_xs", [18] = "iq3_xxs",
        [19] = "iq1_s",    [21] = "iq3_s",    [22] = "iq2_s",   [24] = "i8",     [25] = "i16",
        [26] = "i32",      [27] = "i64",      [28] = "f64",     [29] = "iq1_m",  [31] = "q4_0_4_4",
        [32] = "q4_0_4_8", [33] = "q4_0_8_8", [34] = "tq1_0",   [35] = "tq2_0",  [39] = "mxfp4",
        [40] = "nvfp4",    [41] = "q1_0",     [42] = "q2_0",
    };
    return type < AEON_TYPE_MAX && names[type] ? names[type] : "unknown";
}

/* The tensor's bytes lie between the end of the header and the end of the file. */
static aeon_status place_tensor(reader *r, ae_tensor *t, uint64_t offset)
{
    uint64_t begin = 0, end = 0;
    if (offset % r->alignment != 0)
        return ae_fail(r->err, AEON_BAD_FORMAT,
                       "%s: tensor '%s' at offset %" PRIu64 " is not aligned to %" PRIu32,
                       r->g->path, ae_show(t->name, strlen(t->name)).text, offset, r->alignment);
    if (!ae_add_u64(r->data_begin, offset, &begin) || !ae_add_u64(begin, t->size_bytes, &end) ||
        end > r->g->size)
        return ae_fail(r->err, AEON_BAD_FORMAT,
                       "%s: tensor '%s' (%" PRIu64 " bytes at offset %" PRIu64
                       ") runs past the end of the file; the file is damaged or not complete, "
                       "fetch it again",
                       r->g->path, ae_show(t->name, strlen(t->name)).text, t->size_bytes, offset);
    t->data = r->g->data + begin;
    return AEON_OK;
}

static aeon_status take_tensor(reader *r, ae_tensor *t)
{
    ae_str name;
    TRY(take_name(r, "tensor name", &name));
    ae_shown shown = ae_show(name.data, name.len);
    uint32_t n_dims = ae_cursor_u32(&r->c);
    if (!r->c.failed && (n_dims < 1 || n_dims > AE_MAX_DIMS))
        return ae_fail(r->err, AEON_BAD_FORMAT,
                       "%s: tensor '%s' has %" PRIu32 " dimensions, 1 to %d are possible",
                       r->g->path, shown.text, n_dims, AE_MAX_DIMS);
    uint64_t dims[AE_MAX_DIMS] = {0};
    for (uint32_t i = 0; i < n_dims && !r->c.failed; i++) dims[i] = ae_cursor_u64(&r->c);
    uint32_t type = ae_cursor_u32(&r->c);
    uint64_t offset = ae_cursor_u64(&r->c);
    if (r->c.failed) return fail_truncated(r);
    if (!r->placing) return AEON_OK;

    const ae_dtype *dtype = ae_dtype_find(type);
    if (!dtype)
        return ae_fail(r->err, AEON_UNSUPPORTED,
                       "%s: tensor '%s' has type %s (number %" PRIu32
                       "), which is not supported; get the model as f16, q8_0 or q4_0",
                       r->g->path, shown.text, foreign_type_name(type), type);
    *t = (ae_tensor){.name = name.data};
    TRY(ae_tensor_shape(t, dtype, (int)n_dims, dims, r->g->path, r->err));
    return place_tensor(r, t, offset);
}

/* ---- the walk ---- */

static aeon_status take_head(reader *r)
{
    ae_gguf *g = r->g;
    const unsigned char *magic = ae_cursor_take(&r->c, 4);
    if (g->size == 0) return ae_fail(r->err, AEON_BAD_FORMAT, "%s: the file is empty", g->path);
    if (!magic || (memcmp(magic, "GGUF", 4) != 0 && memcmp(magic, "FUGG", 4) != 0))
        return ae_fail(r->err, AEON_BAD_FORMAT, "%s: not a GGUF file", g->path);
    g->version = ae_cursor_u32(&r->c);
    g->n_tensors = ae_cursor_u64(&r->c);
    g->n_values = ae_cursor_u64(&r->c);
    if (r->c.failed) return fail_truncated(r);
    if (magic[0] == 'F' || (g->version && (g->version & 0xffff) == 0))
        return ae_fail(r->err, AEON_UNSUPPORTED,
                       "%s: a big-endian GGUF file; get the little-endian one", g->path);
    if (g->version == 2 || g->version == 3) return AEON_OK;
    return ae_fail(r->err, AEON_UNSUPPORTED,
                   "%s: GGUF version %" PRIu32 " is too %s; 2 and 3 can "
                   "be read",
                   g->path, g->version,
                   g->version < 2 ? "old, convert the model again" : "new for this program");
}

static aeon_status walk(reader *r)
{
    ae_gguf *g = r->g;
    r->c = (ae_cursor){g->data, g->size, 0, false};
    r->n_name_bytes = r->n_strings = 0;
    r->alignment = r->placing ? r->alignment : DEFAULT_ALIGNMENT;
    TRY(take_head(r));
    for (uint64_t i = 0; i < g->n_values; i++) {
        ae_gguf_value value;
        TRY(take_value(r, r->placing ? &g->values[i] : &value));
    }
    for (uint64_t i = 0; i < g->n_tensors; i++) {
        ae_tensor tensor;
        TRY(take_tensor(r, r->placing ? &g->tensors[i] : &tensor));
    }
    uint64_t mask = (uint64_t)r->alignment - 1;
    r->data_begin = (r->c.pos + mask) & ~mask;
    return AEON_OK;
}

static aeon_status allocate(reader *r)
{
    ae_gguf *g = r->g;
    g->values = ae_mem_alloc_array(AE_MEM_INDEX, g->n_values, sizeof *g->values);
    g->tensors = ae_mem_alloc_array(AE_MEM_INDEX, g->n_tensors, sizeof *g->tensors);
    g->names = ae_mem_alloc(AE_MEM_INDEX, r->n_name_bytes);
    g->strings = ae_mem_alloc_array(AE_MEM_INDEX, r->n_strings, sizeof *g->strings);
    if (g->values && g->tensors && g->names && g->strings) return AEON_OK;
    return ae_fail_memory(r->err, r->n_name_bytes + r->n_strings * sizeof *g->strings,
                          "the header of a GGUF file");
}

static aeon_status build_indexes(ae_gguf *g, aeon_error *err)
{
    TRY(ae_names_new(&g->key_index, g->n_values, err));
    for (size_t i = 0; i < g->n_values; i++)
        g->key_index.sorted[i] = (ae_name){g->values[i].key, i};
    TRY(ae_names_new(&g->tensor_index, g->n_tensors, err));
    for (size_t i = 0; i < g->n_tensors; i++)
        g->tensor_index.sorted[i] = (ae_name){g->tensors[i].name, i};
    const char *twice = ae_names_sort(&g->key_index);
    if (!twice) twice = ae_names_sort(&g->tensor_index);
    if (!twice) return AEON_OK;
    return ae_fail(err, AEON_BAD_FORMAT, "%s: '%s' stands in the file twice", g->path,
                   ae_show(twice, strlen(twice)).text);
}

static aeon_status parse(ae_gguf *g, aeon_error *err)
{
    reader r = {.g = g, .err = err};
    TRY(walk(&r));
    TRY(allocate(&r));
    r.placing = true;
    TRY(walk(&r));
    return build_indexes(g, err);
}

/* ---- open and close ---- */

/* Takes the map, also on failure. */
static aeon_status open_bytes(ae_gguf **out, const void *data, size_t size, ae_map map,
                              const char *name, aeon_error *err)
{
    ae_gguf *g = ae_mem_alloc(AE_MEM_INDEX, sizeof *g);
    if (!g) {
        ae_map_close(&map);
        return ae_fail_memory(err, sizeof *g, "a GGUF file");
    }
    g->map = map;
    g->data = data;
    g->size = size;
    g->path = ae_mem_text(AE_MEM_INDEX, name, strlen(name));
    aeon_status status = g->path ? parse(g, err) : ae_fail_memory(err, strlen(name), "a path");
    if (status != AEON_OK) {
        ae_gguf_close(g);
        return status;
    }
    *out = g;
    return AEON_OK;
}

aeon_status ae_gguf_open(ae_gguf **out, const char *path, aeon_error *err)
{
    ae_map map;
    TRY(ae_map_open(&map, path, err));
    return open_bytes(out, map.data, map.size, map, path, err);
}

aeon_status ae_gguf_open_memory(ae_gguf **out, const void *data, size_t size, const char *name,
                                aeon_error *err)
{
    return open_bytes(out, data, size, (ae_map){0}, name, err);
}

void ae_gguf_close(ae_gguf *g)
{
    if (!g) return;
    ae_names_free(&g->key_index);
    ae_names_free(&g->tensor_index);
    ae_mem_free(g->values);
    ae_mem_free(g->tensors);
    ae_mem_free(g->names);
    ae_mem_free(g->strings);
    ae_mem_free(g->path);
    ae_map_close(&g->map);
    ae_mem_free(g);
}

/* ---- reading what was found ---- */

uint32_t ae_gguf_version(const ae_gguf *g)
{
    return g->version;
}

const char *ae_gguf_path(const ae_gguf *g)
{
    return g->path;
}

uint64_t ae_gguf_file_bytes(const ae_gguf *g)
{
    return g->size;
}

size_t ae_gguf_n_tensors(const ae_gguf *g)
{
    return g->n_tensors;
}

const ae_tensor *ae_gguf_tensor_at(const ae_gguf *g, size_t i)
{
    AEON_ASSERT(i < g->n_tensors);
    return &g->tensors[i];
}

const ae_tensor *ae_gguf_tensor_find(const ae_gguf *g, const char *name)
{
    size_t at = ae_names_find(&g->tensor_index, name);
    return at == SIZE_MAX ? NULL : &g->tensors[at];
}

size_t ae_gguf_n_values(const ae_gguf *g)
{
    return g->n_values;
}

const ae_gguf_value *ae_gguf_value_at(const ae_gguf *g, size_t i)
{
    AEON_ASSERT(i < g->n_values);
    return &g->values[i];
}

const ae_gguf_value *ae_gguf_value_find(const ae_gguf *g, const char *key)
{
    size_t at = ae_names_find(&g->key_index, key);
    return at == SIZE_MAX ? NULL : &g->values[at];
}

/* Any integer that lies in 0..INT64_MAX or is negative; false for other types and larger ones. */
static bool read_integer(const void *data, ae_gguf_type type, int64_t *out)
{
#define CASE(name, ctype)                                                                          \
    case AE_GGUF_##name: {                                                                         \
        ctype value;                                                                               \
        memcpy(&value, data, sizeof value);                                                        \
        *out = (int64_t)value;                                                                     \
        return true;                                                                               \
    }
    switch (type) {
        CASE(U8, uint8_t)
        CASE(I8, int8_t)
        CASE(U16, uint16_t)
        CASE(I16, int16_t)
        CASE(U32, uint32_t)
        CASE(I32, int32_t)
        CASE(BOOL, uint8_t)
        CASE(I64, int64_t)
    case AE_GGUF_U64: {
        uint64_t value;
        memcpy(&value, data, sizeof value);
        *out = (int64_t)value;
        return value <= INT64_MAX;
    }
    default: return false;
    }
#undef CASE
}

static bool read_real(const void *data, ae_gguf_type type, double *out)
{
    float single;
    if (type == AE_GGUF_F32) {
        memcpy(&single, data, sizeof single);
        *out = single;
    } else if (type == AE_GGUF_F64) {
        memcpy(out, data, sizeof *out);
    }
    return type == AE_GGUF_F32 || type == AE_GGUF_F64;
}

bool ae_gguf_get_u32(const ae_gguf *g, const char *key, uint32_t *out)
{
    const ae_gguf_value *v = ae_gguf_value_find(g, key);
    int64_t value;
    if (!v || v->type == AE_GGUF_BOOL || !read_integer(v->data, v->type, &value)) return false;
    if (value < 0 || value > UINT32_MAX) return false;
    *out = (uint32_t)value;
    return true;
}

bool ae_gguf_get_f32(const ae_gguf *g, const char *key, float *out)
{
    const ae_gguf_value *v = ae_gguf_value_find(g, key);
    double value;
    if (!v || !read_real(v->data, v->type, &value)) return false;
    if (isfinite(value) && fabs(value) > FLT_MAX) return false;
    *out = (float)value;
    return true;
}

bool ae_gguf_get_bool(const ae_gguf *g, const char *key, bool *out)
{
    const ae_gguf_value *v = ae_gguf_value_find(g, key);
    if (!v || v->type != AE_GGUF_BOOL) return false;
    *out = *(const unsigned char *)v->data != 0;
    return true;
}

bool ae_gguf_get_str(const ae_gguf *g, const char *key, ae_str *out)
{
    const ae_gguf_value *v = ae_gguf_value_find(g, key);
    if (!v || v->type != AE_GGUF_STRING) return false;
    *out = v->strings[0];
    return true;
}

aeon_status ae_gguf_check_whole(const ae_gguf *g, aeon_error *err)
{
    uint32_t n_parts;
    if (!ae_gguf_get_u32(g, "split.count", &n_parts) || n_parts <= 1) return AEON_OK;
    return ae_fail(err, AEON_UNSUPPORTED,
                   "%s: one of %u parts of a model; join them into one file first "
                   "(llama-gguf-split --merge does it)",
                   g->path, n_parts);
}

double ae_gguf_array_number(const ae_gguf_value *v, uint64_t i)
{
    AEON_ASSERT(v->type == AE_GGUF_ARRAY && i < v->n);
    const unsigned char *at =
        (const unsigned char *)v->data + i * ae_gguf_type_bytes(v->element_type);
    double real = 0;
    int64_t integer = 0;
    if (read_real(at, v->element_type, &real)) return real;
    if (read_integer(at, v->element_type, &integer)) return (double)integer;
    AEON_ASSERT(v->element_type == AE_GGUF_U64);
    return (double)(uint64_t)integer;
}
