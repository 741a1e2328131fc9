/* file_info.c - the public look into a file (aeon/file.h), whatever its format. */
#include "aeon/file.h"

#include "base/file.h"
#include "base/mem.h"
#include "format/builtin.h"
#include "format/gguf.h"
#include "format/hf.h"
#include "format/names.h"
#include "text/utf8.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One of the three is open. */
struct aeon_file {
    ae_gguf *gguf;
    ae_safetensors *tensors;
    ae_hf *hf;
    const char **keys; /* of hf->config, in its order; owned, the texts borrowed */
    char format[24];
};

/* ---- open and close ---- */

static aeon_status open_folder(aeon_file *f, const char *path, aeon_error *err)
{
    TRY(ae_hf_open(&f->hf, path, true, err));
    size_t n = json_object_size(f->hf->config), i = 0;
    f->keys = ae_mem_alloc_array(AE_MEM_OTHER, n, sizeof *f->keys);
    if (!f->keys) return ae_fail_memory(err, n * sizeof *f->keys, "the keys of config.json");
    const char *key;
    json_t *value;
    json_object_foreach(f->hf->config, key, value) f->keys[i++] = key;
    snprintf(f->format, sizeof f->format, f->hf->mlx ? "mlx folder" : "hugging face folder");
    return AEON_OK;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* A safetensors file begins with the length of its header, which begins with a brace. */
static aeon_status is_safetensors(bool *out, const char *path, aeon_error *err)
{
    ae_map map;
    TRY(ae_map_open(&map, path, err));
    bool is_gguf = map.size >= 4 && (memcmp(map.data, "GGUF", 4) == 0);
    *out = !is_gguf && ((map.size > 8 && map.data[8] == '{') || ends_with(path, ".safetensors"));
    ae_map_close(&map);
    return AEON_OK;
}

static aeon_status open_any(aeon_file *f, const char *path, aeon_error *err)
{
    bool safetensors = false;
    if (!ae_is_builtin(path)) {
        if (ae_file_is_folder(path)) return open_folder(f, path, err);
        TRY(is_safetensors(&safetensors, path, err));
    }
    if (safetensors) {
        TRY(ae_safetensors_open(&f->tensors, path, err));
        snprintf(f->format, sizeof f->format, "safetensors");
        return AEON_OK;
    }
    TRY(ae_is_builtin(path) ? ae_builtin_open(&f->gguf, path, err)
                            : ae_gguf_open(&f->gguf, path, err));
    snprintf(f->format, sizeof f->format, "gguf v%" PRIu32, ae_gguf_version(f->gguf));
    return AEON_OK;
}

aeon_status aeon_file_open(aeon_file **out, const char *path, aeon_error *err)
{
    aeon_file *f = ae_mem_alloc(AE_MEM_OTHER, sizeof *f);
    if (!f) return ae_fail_memory(err, sizeof *f, "a model file");
    aeon_status status = open_any(f, path, err);
    if (status != AEON_OK) {
        aeon_file_close(f);
        return status;
    }
    *out = f;
    return AEON_OK;
}

void aeon_file_close(aeon_file *f)
{
    if (!f) return;
    ae_gguf_close(f->gguf);
    ae_safetensors_close(f->tensors);
    ae_hf_close(f->hf);
    ae_mem_free(f->keys);
    ae_mem_free(f);
}

const char *aeon_file_format(const aeon_file *f)
{
    return f->format;
}

/* ---- tensors ---- */

size_t aeon_file_n_tensors(const aeon_file *f)
{
    if (f->gguf) return ae_gguf_n_tensors(f->gguf);
    return f->hf ? ae_hf_n_tensors(f->hf) : ae_safetensors_n_tensors(f->tensors);
}

static const ae_tensor *tensor_at(const aeon_file *f, size_t i)
{
    if (f->gguf) return ae_gguf_tensor_at(f->gguf, i);
    return f->hf ? ae_hf_tensor_at(f->hf, i) : ae_safetensors_tensor_at(f->tensors, i);
}

aeon_file_tensor_info aeon_file_tensor(const aeon_file *f, size_t i)
{
    const ae_tensor *t = tensor_at(f, i);
    aeon_file_tensor_info info = {.name = t->name,
                                  .type = t->type->type,
                                  .type_name = t->type->name,
                                  .n_dims = t->n_dims,
                                  .size_bytes = t->size_bytes};
    memcpy(info.dims, t->dims, sizeof info.dims);
    return info;
}

/* ---- metadata as JSON ---- */

static aeon_status put(aeon_text *out, const char *text, aeon_error *err)
{
    return aeon_text_append(out, text, strlen(text), err);
}

/* Bytes that are not UTF-8 become U+FFFD, one each. */
static aeon_status put_string(aeon_text *out, const char *data, size_t len, aeon_error *err)
{
    TRY(put(out, "\"", err));
    for (size_t i = 0, n; i < len; i += n ? n : 1) {
        char escape[8] = {'\\', data[i], 0};
        n = ae_utf8_length(data + i, len - i);
        if (n == 0)
            TRY(put(out, "\xef\xbf\xbd", err));
        else if (data[i] == '"' || data[i] == '\\')
            TRY(put(out, escape, err));
        else if (n == 1 && (data[i] < ' ' || data[i] == 0x7f)) {
            snprintf(escape, sizeof escape, "\\u%04x", (unsigned)data[i]);
            TRY(put(out, escape, err));
        } else
            TRY(aeon_text_append(out, data + i, n, err));
    }
    return put(out, "\"", err);
}

/* The shortest digits that give the number back; JSON has no infinities and no NaN. */
static aeon_status put_real(aeon_text *out, double value, bool is_single, aeon_error *err)
{
    char digits[40];
    if (!isfinite(value)) return put(out, "null", err);
    for (int n = 6; n <= 17; n++) {
        snprintf(digits, sizeof digits, "%.*g", n, value);
        double back = strtod(digits, NULL);
        if (is_single ? (float)back == (float)value : back == value) break;
    }
    for (char *c = digits; *c; c++) /* the decimal point of the locale */
        if (!strchr("0123456789+-e", *c)) *c = '.';
    return put(out, digits, err);
}

/* One number of a GGUF value. */
static aeon_status put_number(aeon_text *out, const unsigned char *at, ae_gguf_type type,
                              aeon_error *err)
{
    char digits[24];
    uint64_t bits = 0;
    float single;
    double real;
    size_t size = ae_gguf_type_bytes(type);
    memcpy(&bits, at, size);
    switch (type) {
    case AE_GGUF_F32: memcpy(&single, at, sizeof single); return put_real(out, single, true, err);
    case AE_GGUF_F64: memcpy(&real, at, sizeof real); return put_real(out, real, false, err);
    case AE_GGUF_BOOL: return put(out, bits ? "true" : "false", err);
    case AE_GGUF_I8:
    case AE_GGUF_I16:
    case AE_GGUF_I32:
    case AE_GGUF_I64: /* shift the sign up, and down again with copies of it */
        snprintf(digits, sizeof digits, "%" PRId64,
                 (int64_t)(bits << (64 - 8 * size)) >> (64 - 8 * size));
        break;
    default: snprintf(digits, sizeof digits, "%" PRIu64, bits);
    }
    return put(out, digits, err);
}

/* The frame of an array of n elements of which shown are written between begin and end. */
static aeon_status begin_array(aeon_text *out, size_t n, size_t shown, aeon_error *err)
{
    return put(out, shown < n ? "{\"array\":[" : "[", err);
}

static aeon_status end_array(aeon_text *out, size_t n, size_t shown, aeon_error *err)
{
    char end[40];
    snprintf(end, sizeof end, "],\"n\":%zu}", n);
    return put(out, shown < n ? end : "]", err);
}

static aeon_status put_element(aeon_text *out, const ae_gguf_value *v, ae_gguf_type type, size_t i,
                               aeon_error *err)
{
    if (v->strings) return put_string(out, v->strings[i].data, v->strings[i].len, err);
    const unsigned char *data = v->data;
    return put_number(out, data + i * ae_gguf_type_bytes(type), type, err);
}

static aeon_status put_gguf_value(aeon_text *out, const ae_gguf_value *v, size_t max_array,
                                  aeon_error *err)
{
    if (v->type != AE_GGUF_ARRAY) return put_element(out, v, v->type, 0, err);
    size_t n = (size_t)v->n, shown = n < max_array ? n : max_array;
    TRY(begin_array(out, n, shown, err));
    for (size_t i = 0; i < shown; i++) {
        if (i) TRY(put(out, ",", err));
        TRY(put_element(out, v, v->element_type, i, err));
    }
    return end_array(out, n, shown, err);
}

/* Recursion is as deep as the file, at most AE_JSON_MAX_DEPTH. */
static aeon_status put_json(aeon_text *out, const json_t *value, size_t max_array, aeon_error *err);

static aeon_status put_json_array(aeon_text *out, const json_t *list, size_t max_array,
                                  aeon_error *err)
{
    size_t n = json_array_size(list), shown = n < max_array ? n : max_array;
    TRY(begin_array(out, n, shown, err));
    for (size_t i = 0; i < shown; i++) {
        if (i) TRY(put(out, ",", err));
        TRY(put_json(out, json_array_get(list, i), max_array, err));
    }
    return end_array(out, n, shown, err);
}

static aeon_status put_json_object(aeon_text *out, json_t *object, size_t max_array,
                                   aeon_error *err)
{
    const char *key, *comma = "";
    json_t *value;
    TRY(put(out, "{", err));
    json_object_foreach(object, key, value)
    {
        TRY(put(out, comma, err));
        TRY(put_string(out, key, strlen(key), err));
        TRY(put(out, ":", err));
        TRY(put_json(out, value, max_array, err));
        comma = ",";
    }
    return put(out, "}", err);
}

static aeon_status put_json(aeon_text *out, const json_t *value, size_t max_array, aeon_error *err)
{
    char digits[24];
    switch (json_typeof(value)) {
    case JSON_OBJECT: return put_json_object(out, (json_t *)value, max_array, err);
    case JSON_ARRAY: return put_json_array(out, value, max_array, err);
    case JSON_STRING:
        return put_string(out, json_string_value(value), json_string_length(value), err);
    case JSON_INTEGER:
        snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return put(out, digits, err);
    case JSON_REAL: return put_real(out, json_real_value(value), false, err);
    case JSON_TRUE: return put(out, "true", err);
    case JSON_FALSE: return put(out, "false", err);
    default: return put(out, "null", err);
    }
}

size_t aeon_file_n_metadata(const aeon_file *f)
{
    if (f->gguf) return ae_gguf_n_values(f->gguf);
    return f->hf ? json_object_size(f->hf->config) : 0;
}

aeon_status aeon_file_metadata(const aeon_file *f, size_t i, size_t max_array, const char **key,
                               aeon_text *value, aeon_error *err)
{
    AEON_ASSERT(i < aeon_file_n_metadata(f));
    if (f->gguf) {
        const ae_gguf_value *v = ae_gguf_value_at(f->gguf, i);
        TRY(put_gguf_value(value, v, max_array, err));
        *key = v->key;
        return AEON_OK;
    }
    TRY(put_json(value, json_object_get(f->hf->config, f->keys[i]), max_array, err));
    *key = f->keys[i];
    return AEON_OK;
}
