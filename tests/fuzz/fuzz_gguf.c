/* Any bytes as a GGUF file: refused, or every byte of every tensor, value and token can be read,
 * with memory in proportion to the file. */
#include "fuzz.h"

#include "format/vocab_gguf.h"

static const char sample[] =
    "GGUF\3\0\0\0\1\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0" /* one tensor, five values */
    "\x11\0\0\0\0\0\0\0general.alignment\4\0\0\0\x20\0\0\0"
    "\x14\0\0\0\0\0\0\0tokenizer.ggml.model\x8\0\0\0\4\0\0\0\0\0\0\0gpt2"
    "\x15\0\0\0\0\0\0\0tokenizer.ggml.tokens\x9\0\0\0\x8\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0a"
    "\x15\0\0\0\0\0\0\0tokenizer.ggml.merges\x9\0\0\0\x8\0\0\0\1\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0a a"
    "\x19\0\0\0\0\0\0\0tokenizer.ggml.token_type\x9\0\0\0\5\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0"
    "\4\0\0\0\0\0\0\0norm\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" /* one F32 */
    "0123456789012345678901234567890123456789";

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    size = fuzz_start(data, size, max_size, seed, sample, sizeof sample - 1);
    return LLVMFuzzerMutate(data, size, max_size);
}

static unsigned sum_bytes(const void *data, size_t n)
{
    unsigned sum = 0;
    for (size_t i = 0; i < n; i++) sum += ((const unsigned char *)data)[i];
    return sum;
}

static unsigned sum_value(const ae_gguf_value *v)
{
    unsigned sum = 0;
    for (uint64_t i = 0; i < v->n; i++) {
        if (v->strings) sum += sum_bytes(v->strings[i].data, v->strings[i].len);
        if (v->type == AE_GGUF_ARRAY && !v->strings) sum += ae_gguf_array_number(v, i) > 0;
    }
    return sum;
}

static unsigned sum_vocab(const ae_gguf *g)
{
    ae_vocab v;
    unsigned sum = 0;
    if (ae_vocab_from_gguf(&v, g, NULL) != AEON_OK) return 0;
    for (size_t i = 0; i < v.n_tokens; i++) sum += sum_bytes(v.tokens[i].text, v.tokens[i].len);
    for (size_t i = 0; i < v.n_merges; i++)
        sum += sum_bytes(v.merges[i].left, v.merges[i].left_len) +
               sum_bytes(v.merges[i].right, v.merges[i].right_len);
    AEON_ASSERT(v.bos < (int32_t)v.n_tokens && v.eos < (int32_t)v.n_tokens);
    ae_vocab_release(&v);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aeon_error err = {0};
    ae_gguf *g;
    if (ae_gguf_open_memory(&g, data, size, "input", &err) != AEON_OK) {
        AEON_ASSERT(err.code != AEON_OK && err.text[0] != 0);
        AEON_ASSERT(aeon_memory_stats_get().current_bytes == 0);
        return 0;
    }
    AEON_ASSERT(aeon_memory_stats_get().current_bytes < 16 * size + 4096);
    unsigned sum = 0;
    for (size_t i = 0; i < ae_gguf_n_tensors(g); i++) {
        const ae_tensor *t = ae_gguf_tensor_at(g, i);
        AEON_ASSERT(ae_gguf_tensor_find(g, t->name) == t);
        sum += sum_bytes(t->data, t->size_bytes);
    }
    for (size_t i = 0; i < ae_gguf_n_values(g); i++) {
        const ae_gguf_value *v = ae_gguf_value_at(g, i);
        AEON_ASSERT(ae_gguf_value_find(g, v->key) == v);
        sum += sum_value(v);
    }
    fuzz_sink = sum + sum_vocab(g);
    ae_gguf_close(g);
    AEON_ASSERT(aeon_memory_stats_get().current_bytes == 0);
    return 0;
}
