#include "format/vocab_hf.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>

/* A token id, -1 if it is none. An integer may come as a real (see text/json.h). */
static int32_t id_of(const json_t *v)
{
    double id = json_is_number(v) ? json_number_value(v) : -1;
    return id >= 0 && id <= INT32_MAX && id == floor(id) ? (int32_t)id : -1;
}

/* The id that is written as {"eos_token_id": 3}, or the first of a list; -1 if absent. */
static int32_t read_id(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return id_of(json_is_array(v) ? json_array_get(v, 0) : v);
}

static void add_stop(int32_t *ids, size_t *n, size_t n_max, int32_t id)
{
    for (size_t i = 0; i < *n; i++)
        if (ids[i] == id) return;
    if (id >= 0 && *n < n_max) ids[(*n)++] = id;
}

size_t ae_hf_stops(const ae_hf *h, int32_t *ids, size_t n_max)
{
    const json_t *const files[] = {h->generation_config, h->config};
    size_t n = 0;
    for (size_t k = 0; k < AE_COUNT(files); k++) {
        const json_t *v = json_object_get(files[k], "eos_token_id");
        add_stop(ids, &n, n_max, id_of(v));
        for (size_t i = 0; i < json_array_size(v); i++)
            add_stop(ids, &n, n_max, id_of(json_array_get(v, i)));
    }
    return n;
}

static aeon_status pad(ae_vocab *v, size_t n_rows, aeon_error *err)
{
    enum { TEXT_BYTES = 24 };
    if (v->n_tokens >= n_rows) return AEON_OK;
    size_t n_missing = n_rows - v->n_tokens;
    v->padding = ae_mem_alloc_array(AE_MEM_VOCAB, n_missing, TEXT_BYTES);
    ae_vocab_token *grown = ae_mem_resize(AE_MEM_VOCAB, v->tokens, n_rows * sizeof *v->tokens);
    if (grown) v->tokens = grown;
    if (!v->padding || !grown) return ae_fail_memory(err, n_missing * TEXT_BYTES, "the vocabulary");
    for (size_t i = 0; i < n_missing; i++) {
        char *text = v->padding + i * TEXT_BYTES;
        int len = snprintf(text, TEXT_BYTES, "<|unused_%zu|>", v->n_tokens + i);
        v->tokens[v->n_tokens + i] =
            (ae_vocab_token){.text = text, .len = (uint32_t)len, .kind = AE_TOKEN_UNUSED};
    }
    v->n_tokens = n_rows;
    return AEON_OK;
}

aeon_status ae_vocab_from_hf(ae_vocab *out, const ae_hf *h, size_t n_rows, aeon_error *err)
{
    char name[300];
    snprintf(name, sizeof name, "%.280s/tokenizer.json", h->path);
    if (h->tokenizer_json.len == 0)
        return ae_fail(err, AEON_NOT_FOUND, "%s: the file is missing or empty", name);
    ae_vocab v = {0};
    TRY(ae_vocab_from_json(&v, h->tokenizer_json.data, h->tokenizer_json.len, name, err));

    /* generation_config.json is closer to how the model is used than config.json. */
    v.eos = read_id(h->generation_config, "eos_token_id");
    if (v.eos < 0) v.eos = read_id(h->config, "eos_token_id");
    v.bos = read_id(h->config, "bos_token_id");
    v.pad = read_id(h->config, "pad_token_id");
    /* Where the tokenizer's own configuration says nothing, tokenizer.json's template counts. */
    const json_t *add_bos = json_object_get(h->tokenizer_config, "add_bos_token");
    if (json_is_boolean(add_bos)) v.add_bos = json_is_true(add_bos);
    aeon_status status = pad(&v, n_rows, err);
    if (status != AEON_OK) {
        ae_vocab_release(&v);
        return status;
    }
    *out = v;
    return AEON_OK;
}
