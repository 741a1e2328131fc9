/* vocab.h - what a tokenizer is made from, whichever file it came from.
 *
 * Model:    A plain description (tokens, merges, split pattern, special ids) that the loaders fill
 *           and ae_tokenizer_new turns into a tokenizer. The description borrows its texts and can
 *           be released once the tokenizer exists.
 * Uses:     base/, jansson, PCRE2.      Threads: a tokenizer is immutable; any thread.
 */
#ifndef AE_TEXT_VOCAB_H
#define AE_TEXT_VOCAB_H

#include "aeon/tokenizer.h"
#include "base/status.h"

typedef enum {
    AE_VOCAB_BPE, /* byte-level BPE: tokens in GPT-2's byte-to-unicode spelling, ranked merges */
    AE_VOCAB_SPM, /* SentencePiece-style BPE: scores, U+2581 for space, <0xNN> byte tokens */
} ae_vocab_kind;

/* Values as in tokenizer.ggml.token_type. */
typedef enum {
    AE_TOKEN_NORMAL = 1,
    AE_TOKEN_UNKNOWN = 2,
    AE_TOKEN_CONTROL = 3,      /* written by templates only */
    AE_TOKEN_USER_DEFINED = 4, /* matched in any text before splitting */
    AE_TOKEN_UNUSED = 5,
    AE_TOKEN_BYTE = 6,
} ae_token_kind;

typedef struct {
    const char *text; /* borrowed, not 0-terminated */
    uint32_t len;
    ae_token_kind kind;
    float score; /* SPM */
} ae_vocab_token;

typedef struct {
    const char *left, *right; /* borrowed */
    uint32_t left_len, right_len;
} ae_vocab_merge; /* its rank is its place in the list */

typedef struct {
    ae_vocab_kind kind;
    ae_vocab_token *tokens; /* [n_tokens], owned */
    size_t n_tokens;
    ae_vocab_merge *merges; /* [n_merges] BPE, owned */
    size_t n_merges;
    /* Canonical name of the split rule, from ae_vocab_split_find: "gpt-4o", "llama-bpe", "gpt-2",
     * "qwen2", "tekken", "smollm" or "default". BPE only; static. */
    const char *split;
    bool ignore_merges;         /* a whole word that is a token is taken as it is (Llama-3) */
    bool add_space_prefix;      /* SPM: text begins with a space */
    bool add_bos;               /* the model expects the start token */
    int32_t bos, eos, unk, pad; /* -1 if absent */
    void *owner;                /* a parsed document that the texts live in, or NULL */
    char *padding;              /* owned: the texts of tokens that fill the embedding, or NULL */
} ae_vocab;

/* Read a Hugging Face tokenizer.json (models BPE with byte-level or metaspace/byte-fallback
 * pre-tokenizers; see vocab_json.c). name stands in error texts. bos/eos stay -1: they are in other
 * files. Errors: BAD_FORMAT, UNSUPPORTED (names what), OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_vocab_from_json(ae_vocab *out, const char *json, size_t len,
                                             const char *name, aeon_error *err);
/* Free the lists and the document; not the texts of others. */
void ae_vocab_release(ae_vocab *v);

/* The split pattern that GGUF's tokenizer.ggml.pre names ("gpt-4o", "llama-bpe", "llama3", "qwen2",
 * "gpt-2", "default", "smollm", ...) by its canonical name; NULL if unknown. */
const char *ae_vocab_split_find(const char *pre, size_t len);

/* Build a tokenizer; v is only read and may be released afterwards. Tokens written <|so|> become
 * control tokens whatever their kind. A BPE vocabulary may lack bytes (SmolLM's lacks 21):
 * characters that need one are encoded as U+FFFD. Errors: BAD_FORMAT (an id out of range, a merge
 * of unknown parts, duplicate tokens, lacking bytes without U+FFFD or unk in their place),
 * UNSUPPORTED (no such split rule), OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_tokenizer_new(aeon_tokenizer **out, const ae_vocab *v,
                                           aeon_error *err);
void ae_tokenizer_free(aeon_tokenizer *t);

/* A token's spelling as stored in the vocabulary, for writing it to a file; and its kind. Borrowed.
 */
const char *ae_tokenizer_spelling(const aeon_tokenizer *t, int32_t id, size_t *len,
                                  ae_token_kind *kind);

#endif
