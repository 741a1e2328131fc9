/* tables.h - the inside of a tokenizer, shared by building, encoding and decoding.
 *
 * Model:    Texts of all tokens lie in one arena. Three lookups lead to ids: words (the bytes of a
 *           token that ordinary text can become), pairs (two neighbours -> their merge) and
 *           specials (sorted, so that narrowing a range byte by byte walks it like a trie).
 * Promises: (1) words and pairs never lead to a control token  (2) every byte of any text has an
 *           id: byte_id of it, or unk, or the ids of U+FFFD in its place  (3) special texts are
 *           not empty and differ
 */
#ifndef AE_TEXT_TABLES_H
#define AE_TEXT_TABLES_H

#include "text/split.h"
#include "text/vocab.h"

#define AE_SPM_SPACE "\xE2\x96\x81" /* U+2581 stands for a space in SentencePiece vocabularies */
#define AE_UNKNOWN   "\xEF\xBF\xBD" /* U+FFFD */

enum { AE_MAX_VOCAB = 1 << 20 };
#define AE_NO_RANK UINT32_MAX

typedef struct {
    const char *spelling; /* as in the vocabulary; in the arena, 0-terminated */
    const char *bytes;    /* what it stands for (SPM: with U+2581); in the arena, 0-terminated */
    uint32_t n_spelling, n_bytes;
    ae_token_kind kind;
} ae_entry;

/* A slot of an open-addressing table; id < 0: free. */
typedef struct {
    uint32_t hash;
    int32_t id;
} ae_word_slot;

typedef struct {
    int32_t left, right; /* left < 0: free */
    uint32_t rank;       /* lower merges first */
    int32_t id;          /* the token they become */
} ae_pair_slot;

typedef struct {
    const char *text; /* borrowed from the arena */
    uint32_t len;
    int32_t id;
    bool is_control; /* matched only where control tokens are allowed */
} ae_special;

struct aeon_tokenizer {
    ae_vocab_kind kind;
    bool ignore_merges, add_space_prefix, add_bos;
    bool lacks_bytes; /* BPE: some byte_id is -1 */
    bool words_apart; /* SPM: no token has U+2581 behind another character */
    int32_t bos, eos, unk, pad;
    uint64_t hash_key; /* odd; differs from run to run, so that no file can aim at collisions */
    size_t n_tokens;
    ae_entry *entries; /* [n_tokens] */
    char *arena;
    ae_word_slot *words; /* [word_mask + 1] */
    size_t word_mask;
    ae_pair_slot *pairs; /* [pair_mask + 1] BPE */
    size_t pair_mask;
    uint32_t *ranks; /* [n_tokens] SPM: order of the scores, AE_NO_RANK if never merged into */
    int32_t byte_id[256];
    ae_special *specials; /* [n_specials] sorted by bytes */
    size_t n_specials;
    uint32_t special_range[257]; /* specials that begin with b: [b] .. [b + 1] */
    ae_split *split;             /* BPE */
};

/* The id of a token that ordinary text can become, by its bytes; -1 if there is none. */
int32_t ae_tables_word(const aeon_tokenizer *t, const char *bytes, size_t len);

/* The slot of two neighbours, or the free slot where their merge belongs. */
static inline ae_pair_slot *ae_tables_pair_slot(const aeon_tokenizer *t, int32_t left,
                                                int32_t right)
{
    uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    size_t i = (size_t)((pair * t->hash_key) >> 32) & t->pair_mask;
    while (t->pairs[i].left >= 0 && (t->pairs[i].left != left || t->pairs[i].right != right)) {
        i = (i + 1) & t->pair_mask;
    }
    return &t->pairs[i];
}

/* The merge of two neighbours; NULL if they do not merge. */
static inline const ae_pair_slot *ae_tables_pair(const aeon_tokenizer *t, int32_t left,
                                                 int32_t right)
{
    const ae_pair_slot *s = ae_tables_pair_slot(t, left, right);
    return s->left >= 0 ? s : NULL;
}

/* The longest special token that text[0..len) begins with; NULL if there is none. */
const ae_special *ae_tables_special(const aeon_tokenizer *t, const char *text, size_t len,
                                    bool with_control);

#endif
