#include "text/messages.h"

#include "base/status.h"

#include <stdlib.h>

/* 15 digits keep every decimal number as a person wrote it. */
enum { DUMP_FLAGS = JSON_ENCODE_ANY | JSON_REAL_PRECISION(15) };

/* The text of a field that is JSON or its text; NULL where it is absent or null. */
static aeon_status read_json_text(const char **out, json_t *message, const char *name,
                                  aeon_error *err)
{
    const json_t *value = json_object_get(message, name);
    *out = NULL;
    if (!value || json_is_null(value)) return AEON_OK;
    if (!json_is_string(value)) {
        char *text = json_dumps(value, DUMP_FLAGS);
        int failed = !text || json_object_set_new(message, name, json_string(text)) != 0;
        free(text);
        if (failed) return ae_fail_memory(err, 0, "a message");
    }
    *out = json_string_value(json_object_get(message, name));
    return AEON_OK;
}

static aeon_status read_message(aeon_message *out, json_t *message, aeon_error *err)
{
    aeon_message m = {
        .role = json_string_value(json_object_get(message, "role")),
        .content = json_string_value(json_object_get(message, "content")),
    };
    const json_t *content = json_object_get(message, "content");
    TRY(read_json_text(&m.tools, message, "tools", err));
    TRY(read_json_text(&m.tool_calls, message, "tool_calls", err));
    bool has_content = m.content || (m.tool_calls && (!content || json_is_null(content)));
    if (!m.role || !has_content)
        return ae_fail(err, AEON_BAD_FORMAT, "a message needs the texts \"role\" and \"content\"");
    *out = m;
    return AEON_OK;
}

aeon_status ae_messages_read(aeon_message *out, json_t *list, aeon_error *err)
{
    if (json_array_size(list) == 0) return ae_fail(err, AEON_BAD_FORMAT, "no list of \"messages\"");
    for (size_t i = 0; i < json_array_size(list); i++)
        TRY(read_message(&out[i], json_array_get(list, i), err));
    return AEON_OK;
}
