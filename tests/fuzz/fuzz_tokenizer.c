/* Any bytes as text: the first chooses vocabulary and split rule, the rest is encoded, decoded at
 * once and decoded as a stream; what comes back is what went in. */
#include "fuzz_tokenizer.h"

static const char *const rules[] = {"gpt-4o", "llama-bpe", "qwen2",  "gpt-2",
                                    "tekken", "smollm",    "default"};
enum { N_BPE = AE_COUNT(rules) };
static aeon_tokenizer *tokenizers[N_BPE + 1]; /* the last is the SentencePiece kind */

static void build_tokenizers(void)
{
    for (int i = 0; i <= N_BPE; i++) {
        ae_vocab v;
        const char *json = fuzz_vocab_json(i == N_BPE);
        AEON_ASSERT(ae_vocab_from_json(&v, json, strlen(json), "sample", NULL) == AEON_OK);
        if (i < N_BPE) v.split = rules[i];
        AEON_ASSERT(ae_tokenizer_new(&tokenizers[i], &v, NULL) == AEON_OK);
        ae_vocab_release(&v);
    }
}

static void check_text(const aeon_text *got, const char *text, size_t len)
{
    AEON_ASSERT(got->len == len && (len == 0 || memcmp(got->data, text, len) == 0));
}

static void check_decoding(const aeon_tokenizer *t, const aeon_tokens *ids, const char *text,
                           size_t len)
{
    aeon_text whole = {0}, stream = {0};
    aeon_detokenizer d = {.tokenizer = t, .with_control = true};
    AEON_ASSERT(aeon_tokenizer_decode(t, ids->ids, ids->n, true, &whole, NULL) == AEON_OK);
    check_text(&whole, text, len);
    for (size_t i = 0; i < ids->n; i++) {
        AEON_ASSERT(aeon_detokenizer_push(&d, ids->ids[i], &stream, NULL) == AEON_OK);
    }
    AEON_ASSERT(aeon_detokenizer_flush(&d, &stream, NULL) == AEON_OK);
    check_text(&stream, text, len);
    aeon_text_release(&whole);
    aeon_text_release(&stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    if (!tokenizers[0]) build_tokenizers();
    int which = data[0] % (N_BPE + 1);
    const char *text = (const char *)data + 1;
    size_t len = size - 1;
    /* the SentencePiece kind writes a space as U+2581, and cannot tell the two apart */
    bool comes_back = which < N_BPE || !memmem(text, len, "\xE2\x96\x81", 3);
    size_t before = aeon_memory_stats_get().current_bytes;
    for (unsigned flags = 0; flags <= AEON_ENCODE_SPECIAL; flags += AEON_ENCODE_SPECIAL) {
        aeon_tokens ids = {0};
        fuzz_encode(tokenizers[which], text, len, flags, &ids);
        if (comes_back) check_decoding(tokenizers[which], &ids, text, len);
        aeon_tokens_release(&ids);
    }
    AEON_ASSERT(aeon_memory_stats_get().current_bytes == before);
    return 0;
}
