/* fuzz_tokenizer.h - a small tokenizer.json that both tokenizer fuzzers start from. */
#ifndef AEON_TESTS_FUZZ_TOKENIZER_H
#define AEON_TESTS_FUZZ_TOKENIZER_H

#include "fuzz.h"
#include "text/vocab.h"

/* What the two families of files say beside the 256 bytes (ids 0-255). */
static const char *const fuzz_families[2][2] = {
    {"{\"normalizer\":null,\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"use_regex\":true},",
     "\"th\":256,\"the\":257,\"aa\":258,\"aaaa\":259,\"\\u0120the\":260},"
     "\"merges\":[\"t h\",[\"th\",\"e\"],\"a a\",\"aa aa\",\"\\u0120 the\"]}}"},
    {"{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":"
     "\"\\u2581\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" "
     "\"},\"content\":\"\\u2581\"}]},",
     "\"t\":256,\"h\":257,\"th\":258,\"e\":259,\"the\":260,\"\\u2581\":261,\"\\u2581the\":262},"
     "\"merges\":[\"t h\",\"th e\",[\"\\u2581\",\"the\"]]}}"},
};

/* Static storage, made on the first call. */
static inline const char *fuzz_vocab_json(int family)
{
    static char texts[2][8192];
    char *at = texts[family];
    if (at[0]) return at;
    at += sprintf(at, "%s", fuzz_families[family][0]);
    at += sprintf(at, "\"added_tokens\":[{\"id\":270,\"content\":\"<|end|>\",\"special\":true},"
                      "{\"id\":271,\"content\":\"<tool>\",\"special\":false}],"
                      "\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,\"vocab\":{");
    for (int b = 0, next = 256; b < 256; b++) {
        bool is_printable = (b > 32 && b < 127) || (b > 160 && b != 173);
        at += family ? sprintf(at, "\"<0x%02X>\":%d,", b, b)
                     : sprintf(at, "\"\\u%04x\":%d,", is_printable ? b : next, b);
        next += !is_printable;
    }
    sprintf(at, "%s", fuzz_families[family][1]);
    return texts[family];
}

/* Encode a text; without flags no id may be a control token. */
static inline void fuzz_encode(const aeon_tokenizer *t, const char *text, size_t len,
                               unsigned flags, aeon_tokens *ids)
{
    AEON_ASSERT(aeon_tokenizer_encode(t, text, len, flags, ids, NULL) == AEON_OK);
    for (size_t i = 0; i < ids->n; i++) {
        AEON_ASSERT(ids->ids[i] >= 0 && (size_t)ids->ids[i] < aeon_tokenizer_n_vocab(t));
        AEON_ASSERT((flags & AEON_ENCODE_SPECIAL) || !aeon_tokenizer_is_control(t, ids->ids[i]));
    }
}

#endif
