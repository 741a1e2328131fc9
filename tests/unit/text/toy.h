/* toy.h - small vocabularies made by hand.
 *
 * A toy starts with its bytes (BPE: ids 0-255 are the bytes) and grows token by token; its texts
 * live in it. toy_spell writes bytes the way byte-level vocabularies do.
 */
#ifndef AEON_TESTS_TOY_H
#define AEON_TESTS_TOY_H

#include "base/mem.h"
#include "check.h"
#include "text/vocab.h"

#include <string.h>

enum { TOY_MAX = 600 };

typedef struct {
    ae_vocab vocab; /* points into the lists below */
    ae_vocab_token tokens[TOY_MAX];
    ae_vocab_merge merges[TOY_MAX];
    char texts[TOY_MAX * 32];
    size_t n_texts;
} toy;

static inline const char *toy_text(toy *t, const char *text, size_t len)
{
    assert_true(t->n_texts + len + 1 <= sizeof t->texts);
    char *copy = t->texts + t->n_texts;
    memcpy(copy, text, len);
    copy[len] = 0;
    t->n_texts += len + 1;
    return copy;
}

/* Add a token as a file would spell it; its id. */
static inline int32_t toy_token(toy *t, const char *text, ae_token_kind kind, float score)
{
    size_t len = strlen(text);
    assert_true(t->vocab.n_tokens < TOY_MAX);
    t->tokens[t->vocab.n_tokens] =
        (ae_vocab_token){toy_text(t, text, len), (uint32_t)len, kind, score};
    return (int32_t)t->vocab.n_tokens++;
}

/* One byte in GPT-2's spelling. */
static inline void toy_spell(int byte, char out[3])
{
    int c = byte;
    if (byte <= 32) c = 256 + byte;
    if (byte >= 127 && byte <= 160) c = 256 + 33 + byte - 127;
    if (byte == 173) c = 256 + 67;
    out[0] = (char)(c < 128 ? c : 0xC0 | c >> 6);
    out[1] = (char)(c < 128 ? 0 : 0x80 | (c & 0x3F));
    out[2] = 0;
}

/* Add a merge of two spellings and the token that it makes; its id. */
static inline int32_t toy_merge(toy *t, const char *left, const char *right)
{
    char whole[64];
    snprintf(whole, sizeof whole, "%s%s", left, right);
    left = toy_text(t, left, strlen(left));
    right = toy_text(t, right, strlen(right));
    t->merges[t->vocab.n_merges++] =
        (ae_vocab_merge){left, right, (uint32_t)strlen(left), (uint32_t)strlen(right)};
    return toy_token(t, whole, AE_TOKEN_NORMAL, 0);
}

static inline void toy_begin(toy *t, ae_vocab_kind kind)
{
    *t = (toy){.vocab = {.kind = kind, .bos = -1, .eos = -1, .unk = -1, .pad = -1}};
    t->vocab.tokens = t->tokens;
    t->vocab.merges = t->merges;
}

/* The 256 bytes; ids 0-255. */
static inline void toy_bpe(toy *t, const char *split)
{
    toy_begin(t, AE_VOCAB_BPE);
    t->vocab.split = split;
    for (int b = 0; b < 256; b++) {
        char spelling[3];
        toy_spell(b, spelling);
        toy_token(t, spelling, AE_TOKEN_NORMAL, 0);
    }
}

/* <unk>, <s>, </s> and the 256 bytes; ids 3-258. */
static inline void toy_spm(toy *t)
{
    toy_begin(t, AE_VOCAB_SPM);
    t->vocab.unk = toy_token(t, "<unk>", AE_TOKEN_UNKNOWN, 0);
    t->vocab.bos = toy_token(t, "<s>", AE_TOKEN_CONTROL, 0);
    t->vocab.eos = toy_token(t, "</s>", AE_TOKEN_CONTROL, 0);
    t->vocab.add_space_prefix = true;
    for (int b = 0; b < 256; b++) {
        char text[8];
        snprintf(text, sizeof text, "<0x%02X>", b);
        toy_token(t, text, AE_TOKEN_BYTE, 0);
    }
}

static inline aeon_tokenizer *toy_build(const toy *t)
{
    aeon_error err;
    aeon_tokenizer *tokenizer = NULL;
    CHECK_OK(ae_tokenizer_new(&tokenizer, &t->vocab, &err));
    return tokenizer;
}

/* The ids of text must be expected[0..n). */
static inline void check_ids(const aeon_tokenizer *t, const char *text, size_t len, unsigned flags,
                             const int32_t *expected, size_t n)
{
    aeon_error err;
    aeon_tokens ids = {0};
    CHECK_OK(aeon_tokenizer_encode(t, text, len, flags, &ids, &err));
    for (size_t i = 0; i < ids.n && i < n; i++) {
        if (ids.ids[i] != expected[i]) {
            fail_msg("'%s': id %zu is %d, not %d", text, i, ids.ids[i], expected[i]);
        }
    }
    if (ids.n != n) fail_msg("'%s': %zu ids, not %zu", text, ids.n, n);
    aeon_tokens_release(&ids);
}
#define CHECK_IDS(t, text, flags, ...)                                                             \
    check_ids(t, text, sizeof(text) - 1, flags, (const int32_t[]){__VA_ARGS__},                    \
              sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

/* Encoding and decoding gives the same bytes; the ids are left in *ids if it is not NULL. */
static inline void check_round_trip(const aeon_tokenizer *t, const char *text, size_t len)
{
    aeon_error err;
    aeon_tokens ids = {0};
    aeon_text back = {0};
    CHECK_OK(aeon_tokenizer_encode(t, text, len, 0, &ids, &err));
    CHECK_OK(aeon_tokenizer_decode(t, ids.ids, ids.n, false, &back, &err));
    assert_int_equal(back.len, len);
    if (len) assert_memory_equal(back.data, text, len);
    aeon_tokens_release(&ids);
    aeon_text_release(&back);
}

#endif
