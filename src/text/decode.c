/* decode.c - from ids to bytes, at once or as a stream that never cuts a character. */
#include "text/tables.h"
#include "text/utf8.h"

#include <string.h>

/* Append what a token stands for. *is_first: nothing has been written since the beginning or the
 * last special token, where encoding put a space in front (SPM); it is dropped again. */
static aeon_status append_token(const aeon_tokenizer *t, int32_t id, bool with_control,
                                bool *is_first, aeon_text *out, aeon_error *err)
{
    const ae_entry *e = &t->entries[id];
    bool was_first = *is_first;
    *is_first = e->kind == AE_TOKEN_CONTROL || e->kind == AE_TOKEN_USER_DEFINED;
    if (e->kind == AE_TOKEN_CONTROL && !with_control) return AEON_OK;
    if (e->kind == AE_TOKEN_UNKNOWN) return aeon_text_append(out, AE_UNKNOWN, 3, err);
    if (t->kind == AE_VOCAB_BPE || *is_first || e->kind == AE_TOKEN_BYTE) {
        return aeon_text_append(out, e->bytes, e->n_bytes, err);
    }
    const char *p = e->bytes, *end = p + e->n_bytes;
    if (was_first && t->add_space_prefix && strncmp(p, AE_SPM_SPACE, 3) == 0) p += 3;
    while (p < end) {
        const char *space = strstr(p, AE_SPM_SPACE);
        TRY(aeon_text_append(out, p, (size_t)((space ? space : end) - p), err));
        if (space) TRY(aeon_text_append(out, " ", 1, err));
        p = space ? space + 3 : end;
    }
    return AEON_OK;
}

static aeon_status check_id(const aeon_tokenizer *t, int32_t id, aeon_error *err)
{
    if (id >= 0 && (size_t)id < t->n_tokens) return AEON_OK;
    return ae_fail(err, AEON_INVALID_ARGUMENT, "token id %d does not exist: ids are 0 to %zu", id,
                   t->n_tokens - 1);
}

/* Cut a text back to an earlier length. */
static void text_cut(aeon_text *text, size_t len)
{
    text->len = len;
    if (text->data) text->data[len] = 0;
}

aeon_status aeon_tokenizer_decode(const aeon_tokenizer *t, const int32_t *ids, size_t n,
                                  bool with_control, aeon_text *out, aeon_error *err)
{
    for (size_t i = 0; i < n; i++) TRY(check_id(t, ids[i], err));
    size_t len_before = out->len;
    bool is_first = true;
    for (size_t i = 0; i < n; i++) {
        aeon_status status = append_token(t, ids[i], with_control, &is_first, out, err);
        if (status != AEON_OK) {
            text_cut(out, len_before);
            return status;
        }
    }
    return AEON_OK;
}

/* out serves as the buffer: the bytes held back, then those of the token, then the unfinished end
 * is taken away again. */
aeon_status aeon_detokenizer_push(aeon_detokenizer *d, int32_t id, aeon_text *out, aeon_error *err)
{
    TRY(check_id(d->tokenizer, id, err));
    size_t len_before = out->len;
    bool is_first = !d->not_first;
    aeon_status status = aeon_text_append(out, (const char *)d->held, d->n_held, err);
    if (status == AEON_OK) {
        status = append_token(d->tokenizer, id, d->with_control, &is_first, out, err);
    }
    if (status != AEON_OK) {
        text_cut(out, len_before);
        return status;
    }
    size_t n = ae_utf8_unfinished(out->data + len_before, out->len - len_before);
    memcpy(d->held, out->data + out->len - n, n);
    d->n_held = (unsigned)n;
    d->not_first = !is_first;
    text_cut(out, out->len - n);
    return AEON_OK;
}

aeon_status aeon_detokenizer_flush(aeon_detokenizer *d, aeon_text *out, aeon_error *err)
{
    TRY(aeon_text_append(out, (const char *)d->held, d->n_held, err));
    d->n_held = 0;
    d->not_first = false;
    return AEON_OK;
}
