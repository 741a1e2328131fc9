#include "text/messages.h"

#include "base/status.h"

#include <stdlib.h>
#include <string.h>

/* Replace a value that is no text by its JSON text, as most programs write it: with a space behind
 * each comma and colon. 15 digits keep every decimal number as a person wrote it. */
static aeon_status make_text(json_t *message, const char *key, const char **out, aeon_error *err)
{
    json_t *value = json_object_get(message, key);
    *out = NULL;
    if (!value || json_is_null(value) || (json_is_array(value) && json_array_size(value) == 0))
        return AEON_OK;
    if (!json_is_string(value)) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
        value = text ? json_string(text) : NULL;
        free(text);
        if (!value || json_object_set_new(message, key, value) != 0)
            return ae_fail_memory(err, 0, "the tools of a talk");
    }
    *out = json_string_value(value);
    return AEON_OK;
}

/* A call {"name": .., "arguments": {..}} without what other programs wrap around it: an object
 * "function", and arguments as JSON text. NULL if it is no call. */
static json_t *plain_call(json_t *call)
{
    json_t *function = json_object_get(call, "function");
    json_t *name = json_object_get(function ? function : call, "name");
    json_t *arguments = json_object_get(function ? function : call, "arguments");
    json_t *parsed = json_is_string(arguments) ? json_loads(json_string_value(arguments), 0, NULL)
                                               : json_incref(arguments);
    json_t *plain = NULL;
    if (json_is_string(name) && json_is_object(parsed))
        plain = json_pack("{s:O, s:O}", "name", name, "arguments", parsed);
    json_decref(parsed);
    return plain;
}

static aeon_status read_calls(json_t *message, const char **out, aeon_error *err)
{
    json_t *calls = json_object_get(message, "tool_calls");
    if (calls && !json_is_array(calls) && !json_is_null(calls))
        return ae_fail(err, AEON_BAD_FORMAT, "\"tool_calls\" must be a list");
    for (size_t i = 0; i < json_array_size(calls); i++) {
        json_t *plain = plain_call(json_array_get(calls, i));
        if (!plain || json_array_set_new(calls, i, plain) != 0)
            return ae_fail(err, AEON_BAD_FORMAT,
                           "a call needs a \"name\" and an object \"arguments\"");
    }
    return make_text(message, "tool_calls", out, err);
}

static aeon_status read_message(aeon_message *out, json_t *message, aeon_error *err)
{
    aeon_message m = {.role = json_string_value(json_object_get(message, "role")),
                      .content = json_string_value(json_object_get(message, "content"))};
    TRY(make_text(message, "tools", &m.tools, err));
    TRY(read_calls(message, &m.tool_calls, err));
    if (!m.role || !(m.content || m.tool_calls))
        return ae_fail(err, AEON_BAD_FORMAT, "a message needs the texts \"role\" and \"content\"");
    *out = m;
    return AEON_OK;
}

aeon_status ae_messages_read(aeon_message *out, json_t *list, aeon_error *err)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        TRY(read_message(&out[i], json_array_get(list, i), err));
    return AEON_OK;
}

aeon_status ae_messages_place_tools(json_t *line, json_t *messages, aeon_error *err)
{
    json_t *tools = json_object_get(line, "tools"), *first = json_array_get(messages, 0);
    const char *role = json_string_value(json_object_get(first, "role"));
    if (!tools || json_is_null(tools) || !json_is_array(messages)) return AEON_OK;
    bool has_system = role && strcmp(role, "system") == 0;
    int failed = has_system ? json_object_set(first, "tools", tools)
                            : json_array_insert_new(messages, 0,
                                                    json_pack("{s:s, s:s, s:O}", "role", "system",
                                                              "content", "", "tools", tools));
    return failed ? ae_fail_memory(err, 0, "the tools of a talk") : AEON_OK;
}
