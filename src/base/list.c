/* list.c - the two growing lists of the public API: token ids and text. */
#include "base/mem.h"

#include <string.h>

/* Capacity that holds need elements, at least doubling; 0 if it would overflow. */
static size_t grown_cap(size_t cap, size_t need, size_t element_bytes)
{
    if (need > SIZE_MAX / 4 / element_bytes) return 0;
    size_t wanted = cap < 16 ? 16 : cap * 2;
    return wanted < need ? need : wanted;
}

aeon_status aeon_tokens_append(aeon_tokens *list, const int32_t *ids, size_t n, aeon_error *err)
{
    if (n > list->cap - list->n) {
        size_t cap = n > SIZE_MAX - list->n ? 0 : grown_cap(list->cap, list->n + n, sizeof *ids);
        int32_t *grown = cap ? ae_mem_resize(AE_MEM_OTHER, list->ids, cap * sizeof *ids) : NULL;
        if (!grown) return ae_fail_memory(err, cap * sizeof *ids, "a list of tokens");
        list->ids = grown;
        list->cap = cap;
    }
    if (n) memcpy(list->ids + list->n, ids, n * sizeof *ids);
    list->n += n;
    return AEON_OK;
}

aeon_status aeon_tokens_push(aeon_tokens *list, int32_t id, aeon_error *err)
{
    return aeon_tokens_append(list, &id, 1, err);
}

void aeon_tokens_release(aeon_tokens *list)
{
    ae_mem_free(list->ids);
    *list = (aeon_tokens){0};
}

aeon_status aeon_text_append(aeon_text *text, const char *bytes, size_t len, aeon_error *err)
{
    if (len >= text->cap - text->len) { /* >=: room for the 0 byte */
        size_t cap = len > SIZE_MAX / 2 ? 0 : grown_cap(text->cap, text->len + len + 1, 1);
        char *grown = cap ? ae_mem_resize(AE_MEM_OTHER, text->data, cap) : NULL;
        if (!grown) return ae_fail_memory(err, cap, "a text");
        text->data = grown;
        text->cap = cap;
    }
    if (len) memcpy(text->data + text->len, bytes, len);
    text->len += len;
    text->data[text->len] = 0;
    return AEON_OK;
}

void aeon_text_release(aeon_text *text)
{
    ae_mem_free(text->data);
    *text = (aeon_text){0};
}
