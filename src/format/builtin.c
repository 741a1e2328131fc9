#include "format/builtin.h"

#include <string.h>

#define BYTES extern const unsigned char __attribute__((visibility("hidden")))
BYTES ae_builtin_tiny[], ae_builtin_tiny_end[], ae_builtin_draft[], ae_builtin_draft_end[];

static const struct {
    const char *name;
    const unsigned char *begin, *end;
} models[] = {
    {"builtin", ae_builtin_tiny, ae_builtin_tiny_end},
    {"builtin-draft", ae_builtin_draft, ae_builtin_draft_end},
};

static int find(const char *model)
{
    for (int i = 0; i < (int)AE_COUNT(models); i++)
        if (strcmp(models[i].name, model) == 0) return i;
    return -1;
}

bool ae_is_builtin(const char *model)
{
    return find(model) >= 0;
}

aeon_status ae_builtin_open(ae_gguf **out, const char *model, aeon_error *err)
{
    int i = find(model);
    if (i < 0) return ae_fail(err, AEON_NOT_FOUND, "%s: no built-in model", model);
    size_t size = (size_t)(models[i].end - models[i].begin);
    return ae_gguf_open_memory(out, models[i].begin, size, models[i].name, err);
}
