/* Any bytes as a tokenizer.json: refused, or a tokenizer that works on any text and lets no text
 * become a control token. */
#include "fuzz_tokenizer.h"

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    const char *sample = fuzz_vocab_json(seed / 1024 % 2);
    size = fuzz_start(data, size, max_size, seed, sample, strlen(sample));
    return LLVMFuzzerMutate(data, size, max_size);
}

static void use(const aeon_tokenizer *t, const char *text, size_t len)
{
    for (unsigned flags = 0; flags <= AEON_ENCODE_SPECIAL; flags += AEON_ENCODE_SPECIAL) {
        aeon_tokens ids = {0};
        aeon_text back = {0};
        fuzz_encode(t, text, len, flags, &ids);
        AEON_ASSERT(aeon_tokenizer_decode(t, ids.ids, ids.n, true, &back, NULL) == AEON_OK);
        fuzz_sink = (unsigned)back.len;
        aeon_tokens_release(&ids);
        aeon_text_release(&back);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ae_vocab v;
    aeon_tokenizer *t = NULL;
    const char *json = (const char *)data;
    AEON_ASSERT(aeon_memory_stats_get().current_bytes == 0);
    if (ae_vocab_from_json(&v, json, size, "fuzz", NULL) == AEON_OK) {
        if (ae_tokenizer_new(&t, &v, NULL) == AEON_OK) {
            ae_vocab_release(&v);
            use(t, json, size < 4096 ? size : 4096);
            use(t, "the <|end|><tool>\xFF 12", 21);
            ae_tokenizer_free(t);
        } else {
            ae_vocab_release(&v);
        }
    }
    AEON_ASSERT(aeon_memory_stats_get().current_bytes == 0);
    return 0;
}
