#include "model/fingerprint.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE_BYTES = 4096 };

typedef crypto_generichash_state hasher;

static void put(hasher *h, const void *data, size_t size)
{
    crypto_generichash_update(h, data, size);
}

static void put_u64(hasher *h, uint64_t value)
{
    put(h, &value, sizeof value);
}

/* With its length, so that two texts do not run into one. */
static void put_bytes(hasher *h, const void *data, size_t size)
{
    put_u64(h, size);
    put(h, data, size);
}

/* Strings stand one after the other in the file, so that a vocabulary is one block. */
static void put_strings(hasher *h, const ae_gguf_value *v)
{
    if (v->n == 0) return;
    const ae_str *first = v->strings, *last = v->strings + v->n - 1;
    put_u64(h, first->len);
    put_bytes(h, first->data, (size_t)(last->data - first->data) + last->len);
}

static void put_value(hasher *h, const ae_gguf_value *v)
{
    ae_gguf_type type = v->type == AE_GGUF_ARRAY ? v->element_type : v->type;
    put_bytes(h, v->key, strlen(v->key));
    put_u64(h, v->type);
    put_u64(h, type);
    put_u64(h, v->n);
    if (v->strings)
        put_strings(h, v);
    else
        put_bytes(h, v->data, (size_t)v->n * ae_gguf_type_bytes(type));
}

static void put_tensor(hasher *h, const ae_tensor *t)
{
    const char *data = t->data;
    size_t size = (size_t)t->size_bytes;
    put_bytes(h, t->name, strlen(t->name));
    put_u64(h, t->type->type);
    put(h, t->dims, sizeof t->dims);
    if (size <= 2 * SAMPLE_BYTES) {
        put_bytes(h, data, size);
    } else {
        put(h, data, SAMPLE_BYTES);
        put(h, data + size - SAMPLE_BYTES, SAMPLE_BYTES);
    }
}

static void put_gguf(hasher *h, const ae_gguf *g)
{
    for (size_t i = 0; i < ae_gguf_n_values(g); i++) put_value(h, ae_gguf_value_at(g, i));
    for (size_t i = 0; i < ae_gguf_n_tensors(g); i++) put_tensor(h, ae_gguf_tensor_at(g, i));
}

static aeon_status put_hf(hasher *h, const ae_hf *hf, aeon_error *err)
{
    char *config = json_dumps(hf->config, JSON_COMPACT | JSON_SORT_KEYS);
    if (!config) return ae_fail_memory(err, 0, "the text of config.json");
    put_bytes(h, config, strlen(config));
    free(config);
    put_bytes(h, hf->tokenizer_json.data, hf->tokenizer_json.len);
    for (size_t i = 0; i < ae_safetensors_n_tensors(hf->tensors); i++)
        put_tensor(h, ae_safetensors_tensor_at(hf->tensors, i));
    return AEON_OK;
}

aeon_status ae_fingerprint(uint8_t out[AE_FINGERPRINT_BYTES], ae_weights_source source,
                           aeon_error *err)
{
    static const char what[] = "aeon model 1"; /* changes with the order of things here */
    hasher h;
    if (sodium_init() < 0) return ae_fail(err, AEON_INTERNAL, "libsodium does not start");
    crypto_generichash_init(&h, NULL, 0, AE_FINGERPRINT_BYTES);
    put(&h, what, sizeof what);
    if (source.gguf)
        put_gguf(&h, source.gguf);
    else
        TRY(put_hf(&h, source.hf, err));
    crypto_generichash_final(&h, out, AE_FINGERPRINT_BYTES);
    return AEON_OK;
}
