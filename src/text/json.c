#include "text/json.h"

#include "base/file.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* name: NULL if the caller will tell the place. */
__attribute__((format(printf, 4, 5))) static aeon_status fail_at(aeon_error *err, const char *name,
                                                                 size_t line, const char *format,
                                                                 ...)
{
    char what[160];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (!name) return ae_fail(err, AEON_BAD_FORMAT, "%s", what);
    return ae_fail(err, AEON_BAD_FORMAT, "%s: line %zu: %s", name, line, what);
}

/* Knows brackets, commas and strings only; what is wrong otherwise, the parser will say. */
static aeon_status check_limits(const char *text, size_t len, const char *name, aeon_error *err)
{
    size_t depth = 0, n_values = 0, line = 1;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        line += c == '\n';
        if (c == 0) return fail_at(err, name, line, "a zero byte"); /* jansson would skip it */
        if (c == '"') in_string = !in_string;
        if (in_string) {
            i += c == '\\';
            continue;
        }
        depth += c == '{' || c == '[';
        depth -= (c == '}' || c == ']') && depth > 0;
        n_values += c == '{' || c == '[' || c == ',';
        if (depth > AE_JSON_MAX_DEPTH)
            return fail_at(err, name, line, "nested deeper than %d", AE_JSON_MAX_DEPTH);
        if (n_values > AE_JSON_MAX_VALUES)
            return fail_at(err, name, line, "more than %d values", AE_JSON_MAX_VALUES);
    }
    return AEON_OK;
}

aeon_status ae_json_value(json_t **out, const char *text, size_t len, const char *name,
                          aeon_error *err)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    json_error_t e;
    TRY(check_limits(text, len, name, err));
    json_t *root = json_loadb(text, len, flags, &e);
    if (!root && json_error_code(&e) == json_error_numeric_overflow)
        root = json_loadb(text, len, flags | JSON_DECODE_INT_AS_REAL, &e);
    if (!root && json_error_code(&e) == json_error_out_of_memory)
        return ae_fail_memory(err, len, name ? name : "JSON");
    if (!root)
        return fail_at(err, name, e.line < 1 ? 1 : (size_t)e.line, "not JSON: %s",
                       ae_show(e.text, strlen(e.text)).text);
    *out = root;
    return AEON_OK;
}

aeon_status ae_json_object(json_t **out, const char *text, size_t len, const char *name,
                           aeon_error *err)
{
    json_t *root;
    TRY(ae_json_value(&root, text, len, name, err));
    if (!json_is_object(root)) {
        json_decref(root);
        return fail_at(err, name, 1, "not a JSON object");
    }
    *out = root;
    return AEON_OK;
}

aeon_status ae_json_load(json_t **out, const char *path, aeon_error *err)
{
    aeon_text text = {0};
    aeon_status status = ae_file_read(path, AE_JSON_MAX_BYTES, &text, err);
    if (status == AEON_OK) status = ae_json_object(out, text.data, text.len, path, err);
    aeon_text_release(&text);
    return status;
}

static bool is_blank(const char *line, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!memchr(" \t\r", line[i], 3)) return false;
    return true;
}

bool ae_json_lines_next(ae_json_lines *l)
{
    if (l->at >= l->size) return false;
    l->line = l->text + l->at;
    const char *newline = memchr(l->line, '\n', l->size - l->at);
    l->len = newline ? (size_t)(newline - l->line) : l->size - l->at;
    l->at += l->len + 1;
    l->number++;
    l->is_blank = is_blank(l->line, l->len);
    return true;
}

bool ae_json_same(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b))
        return json_is_integer(a) && json_is_integer(b)
                   ? json_integer_value(a) == json_integer_value(b)
                   : json_number_value(a) == json_number_value(b);
    if (!json_is_array(a) && !json_is_object(a)) return json_equal(a, b);
    if (json_typeof(a) != json_typeof(b) || json_array_size(a) != json_array_size(b) ||
        json_object_size(a) != json_object_size(b))
        return false;
    for (size_t i = 0; i < json_array_size(a); i++)
        if (!ae_json_same(json_array_get(a, i), json_array_get(b, i))) return false;
    const char *name;
    const json_t *value;
    json_object_foreach((json_t *)a, name, value)
    {
        const json_t *other = json_object_get(b, name);
        if (!other || !ae_json_same(value, other)) return false;
    }
    return true;
}
