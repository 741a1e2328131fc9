#include "train/example.h"

#include "base/mem.h"
#include "text/json.h"
#include "text/messages.h"

/* The messages of a line, which owns them; NULL if it has none, or there is no memory. */
static json_t *messages_of(json_t *line)
{
    json_t *prompt = json_object_get(line, "prompt");
    json_t *completion = json_object_get(line, "completion");
    if (json_is_string(prompt) && json_is_string(completion)) {
        json_t *chat = json_pack("[{s:s, s:O}, {s:s, s:O}]", "role", "user", "content", prompt,
                                 "role", "assistant", "content", completion);
        if (json_object_set_new(line, "messages", chat) != 0) return NULL;
    }
    return json_object_get(line, "messages");
}

static aeon_status read_messages(ae_example *e, json_t *list, aeon_error *err)
{
    e->n = json_array_size(list);
    if (e->n == 0) return ae_fail(err, AEON_BAD_FORMAT, "\"messages\" must be a list of messages");
    e->messages = ae_mem_alloc_array(AE_MEM_TRAIN, e->n, sizeof *e->messages);
    if (!e->messages) return ae_fail_memory(err, e->n * sizeof *e->messages, "a talk");
    return ae_messages_read(e->messages, list, err);
}

static aeon_status read_line(ae_example *e, const char *line, size_t len, aeon_error *err)
{
    TRY(ae_json_object(&e->json, line, len, NULL, err));
    json_t *messages = messages_of(e->json);
    e->text = messages ? NULL : json_string_value(json_object_get(e->json, "text"));
    if (e->text) return AEON_OK;
    if (!messages)
        return ae_fail(err, AEON_BAD_FORMAT,
                       "needs \"messages\", or texts \"prompt\" and \"completion\", or a \"text\"");
    TRY(ae_messages_place_tools(e->json, messages, err));
    return read_messages(e, messages, err);
}

aeon_status ae_example_read(ae_example *out, const char *line, size_t len, aeon_error *err)
{
    ae_example e = {0};
    aeon_status status = read_line(&e, line, len, err);
    if (status == AEON_OK)
        *out = e;
    else
        ae_example_release(&e);
    return status;
}

void ae_example_release(ae_example *e)
{
    json_decref(e->json);
    ae_mem_free(e->messages);
    *e = (ae_example){0};
}
