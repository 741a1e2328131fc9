/* tokenizer.c - build a tokenizer from a vocabulary, and look things up in it. */
#include "base/mem.h"
#include "text/tables.h"
#include "text/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the spelling of bytes ------------------------------------------------------------------- */

/* Byte-level vocabularies spell each byte as one printable character: printable Latin-1 bytes as
 * themselves, the other 68 (0-32, 127-160, 173) in order from U+0100. Returns the byte of the
 * character at text and its length, or -1 if no byte is spelled so. */
static int spelled_byte(const char *text, size_t len, size_t *n)
{
    const unsigned char *p = (const unsigned char *)text;
    *n = ae_utf8_length(text, len);
    if (*n == 1) return p[0] > 32 && p[0] < 127 ? p[0] : -1;
    if (*n != 2) return -1;
    int c = (p[0] & 0x1F) << 6 | (p[1] & 0x3F);
    if (c < 256) return c > 160 && c != 173 ? c : -1;
    int k = c - 256;
    return k < 33 ? k : k < 67 ? 127 + k - 33 : k == 67 ? 173 : -1;
}

/* Bytes of a spelling into out[0..len); SIZE_MAX if it is not a spelling of bytes. */
static size_t unspell(const char *text, size_t len, char *out)
{
    size_t n_out = 0, n;
    for (size_t pos = 0; pos < len; pos += n) {
        int byte = spelled_byte(text + pos, len - pos, &n);
        if (byte < 0) return SIZE_MAX;
        out[n_out++] = (char)byte;
    }
    return n_out;
}

/* The same for a SentencePiece byte token, "<0x0A>". */
static size_t unspell_byte(const char *text, size_t len, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    if (len != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>') return SIZE_MAX;
    const char *high = memchr(digits, text[3], 16), *low = memchr(digits, text[4], 16);
    if (!high || !low) return SIZE_MAX;
    *out = (char)((high - digits) * 16 + (low - digits));
    return 1;
}

/* ---- lookups --------------------------------------------------------------------------------- */

static uint32_t hash_bytes(const aeon_tokenizer *t, const char *bytes, size_t len)
{
    uint64_t h = t->hash_key;
    for (size_t i = 0; i < len; i++) h = (h ^ (unsigned char)bytes[i]) * 0x100000001B3ULL;
    return (uint32_t)(h ^ h >> 32);
}

/* The slot of these bytes, or the free slot where they belong. */
static ae_word_slot *word_slot(const aeon_tokenizer *t, const char *bytes, size_t len)
{
    uint32_t hash = hash_bytes(t, bytes, len);
    for (size_t i = hash & t->word_mask;; i = (i + 1) & t->word_mask) {
        ae_word_slot *s = &t->words[i];
        if (s->id < 0) return s;
        const ae_entry *e = &t->entries[s->id];
        if (s->hash == hash && e->n_bytes == len && memcmp(e->bytes, bytes, len) == 0) return s;
    }
}

int32_t ae_tables_word(const aeon_tokenizer *t, const char *bytes, size_t len)
{
    return word_slot(t, bytes, len)->id;
}

/* Within [lo, hi) all texts share depth bytes; narrow to those whose next byte is b. */
static void narrow(const aeon_tokenizer *t, size_t *lo, size_t *hi, size_t depth, unsigned char b)
{
    size_t bounds[2];
    for (int side = 0; side < 2; side++) {
        size_t low = *lo, high = *hi;
        while (low < high) {
            size_t mid = low + (high - low) / 2;
            const ae_special *s = &t->specials[mid];
            int next = s->len > depth ? (unsigned char)s->text[depth] : -1;
            if (next < b + side) {
                low = mid + 1;
            } else {
                high = mid;
            }
        }
        bounds[side] = low;
    }
    *lo = bounds[0];
    *hi = bounds[1];
}

const ae_special *ae_tables_special(const aeon_tokenizer *t, const char *text, size_t len,
                                    bool with_control)
{
    if (len == 0) return NULL;
    unsigned char first = (unsigned char)text[0];
    size_t lo = t->special_range[first], hi = t->special_range[first + 1];
    const ae_special *longest = NULL;
    for (size_t depth = 1; lo < hi; depth++) {
        const ae_special *s = &t->specials[lo]; /* the shortest comes first */
        if (s->len == depth && (with_control || !s->is_control)) longest = s;
        if (depth == len) break;
        narrow(t, &lo, &hi, depth, (unsigned char)text[depth]);
    }
    return longest;
}

/* ---- building -------------------------------------------------------------------------------- */

static aeon_status check_ids(const ae_vocab *v, aeon_error *err)
{
    if (v->n_tokens == 0 || v->n_tokens > AE_MAX_VOCAB) {
        return ae_fail(err, AEON_BAD_FORMAT, "a vocabulary of %zu tokens; 1 to %d are possible",
                       v->n_tokens, AE_MAX_VOCAB);
    }
    const int32_t ids[] = {v->bos, v->eos, v->unk, v->pad};
    for (size_t i = 0; i < AE_COUNT(ids); i++) {
        if (ids[i] < -1 || ids[i] >= (int64_t)v->n_tokens) {
            return ae_fail(err, AEON_BAD_FORMAT,
                           "special token id %d does not exist: the vocabulary has %zu tokens",
                           ids[i], v->n_tokens);
        }
    }
    return AEON_OK;
}

static bool is_special(ae_token_kind kind)
{
    return kind == AE_TOKEN_CONTROL || kind == AE_TOKEN_USER_DEFINED || kind == AE_TOKEN_UNKNOWN;
}

/* The kind we give a token: fillers without text are unused, and whatever is written <|so|> is a
 * control token. Files call some of these (tool calls, or all in careless conversions) user-defined
 * or normal, which would let the text of a user or a document forge them. */
static ae_token_kind true_kind(const ae_vocab_token *token)
{
    if (token->len == 0) return AE_TOKEN_UNUSED;
    bool is_marked = token->len > 4 && memcmp(token->text, "<|", 2) == 0 &&
                     memcmp(token->text + token->len - 2, "|>", 2) == 0;
    return is_marked ? AE_TOKEN_CONTROL : token->kind;
}

static char *copy_text(char **at, const char *text, size_t len)
{
    char *copy = *at;
    if (len) memcpy(copy, text, len);
    *at += len + 1; /* the arena is zeroed: a 0 byte follows */
    return copy;
}

/* Bytes of an entry into out, if they are not simply its spelling (SIZE_MAX). */
static size_t unspell_entry(const aeon_tokenizer *t, const ae_entry *e, char *out)
{
    if (is_special(e->kind)) return SIZE_MAX;
    if (t->kind == AE_VOCAB_BPE) return unspell(e->spelling, e->n_spelling, out);
    return e->kind == AE_TOKEN_BYTE ? unspell_byte(e->spelling, e->n_spelling, out) : SIZE_MAX;
}

static aeon_status copy_tokens(aeon_tokenizer *t, const ae_vocab *v, aeon_error *err)
{
    size_t total = 0;
    for (size_t i = 0; i < v->n_tokens; i++) total += 2 * ((size_t)v->tokens[i].len + 1);
    t->entries = ae_mem_alloc_array(AE_MEM_VOCAB, v->n_tokens, sizeof *t->entries);
    t->arena = ae_mem_alloc(AE_MEM_VOCAB, total);
    if (!t->entries || !t->arena) return ae_fail_memory(err, total, "the vocabulary");
    t->n_tokens = v->n_tokens;
    char *at = t->arena;
    for (size_t i = 0; i < v->n_tokens; i++) {
        const ae_vocab_token *token = &v->tokens[i];
        ae_entry *e = &t->entries[i];
        e->kind = true_kind(token);
        e->spelling = e->bytes = copy_text(&at, token->text, token->len);
        e->n_spelling = e->n_bytes = token->len;
        size_t n = unspell_entry(t, e, at);
        if (n == SIZE_MAX) {
            memset(at, 0, token->len);
            if (t->kind == AE_VOCAB_BPE && e->kind == AE_TOKEN_NORMAL) {
                e->kind = AE_TOKEN_UNUSED; /* no bytes ever become it: it can only be decoded */
            }
            continue;
        }
        e->bytes = at;
        e->n_bytes = (uint32_t)n;
        at += n + 1;
    }
    return AEON_OK;
}

static size_t table_size(size_t n)
{
    size_t size = 64;
    while (size < n * 2) size *= 2;
    return size;
}

static aeon_status index_words(aeon_tokenizer *t, aeon_error *err)
{
    size_t size = table_size(t->n_tokens);
    t->words = ae_mem_alloc_array(AE_MEM_VOCAB, size, sizeof *t->words);
    if (!t->words) return ae_fail_memory(err, size * sizeof *t->words, "the vocabulary");
    t->word_mask = size - 1;
    for (size_t i = 0; i < size; i++) t->words[i].id = -1;
    for (size_t i = 0; i < t->n_tokens; i++) {
        const ae_entry *e = &t->entries[i];
        if (e->kind != AE_TOKEN_NORMAL) continue;
        ae_word_slot *s = word_slot(t, e->bytes, e->n_bytes);
        if (s->id >= 0) {
            return ae_fail(err, AEON_BAD_FORMAT, "tokens %d and %zu of the vocabulary are the same",
                           s->id, i);
        }
        *s = (ae_word_slot){hash_bytes(t, e->bytes, e->n_bytes), (int32_t)i};
    }
    return AEON_OK;
}

static aeon_status index_bytes(aeon_tokenizer *t, aeon_error *err)
{
    for (int b = 0; b < 256; b++) {
        char byte = (char)b;
        t->byte_id[b] = t->kind == AE_VOCAB_BPE ? ae_tables_word(t, &byte, 1) : -1;
    }
    for (size_t i = 0; t->kind == AE_VOCAB_SPM && i < t->n_tokens; i++) {
        if (t->entries[i].kind != AE_TOKEN_BYTE) continue;
        const ae_entry *e = &t->entries[i];
        int b = (unsigned char)e->bytes[0];
        if (e->bytes == e->spelling || t->byte_id[b] >= 0) {
            return ae_fail(
                err, AEON_BAD_FORMAT,
                "token %zu of the vocabulary stands for no byte, or for one that has a token", i);
        }
        t->byte_id[b] = (int32_t)i;
    }
    for (int b = 0; b < 256; b++) t->lacks_bytes |= t->byte_id[b] < 0;
    if (!t->lacks_bytes) return AEON_OK;
    bool has_stand_in = t->unk >= 0;
    if (t->kind == AE_VOCAB_BPE) { /* some lack bytes that their training text did not contain */
        has_stand_in = true;
        for (const char *p = AE_UNKNOWN; *p; p++) {
            has_stand_in = has_stand_in && t->byte_id[(unsigned char)*p] >= 0;
        }
    }
    if (has_stand_in) return AEON_OK;
    return ae_fail(err, AEON_BAD_FORMAT,
                   "the vocabulary lacks bytes and has nothing to put in their place");
}

static int compare_specials(const void *left, const void *right)
{
    const ae_special *a = left, *b = right;
    int order = memcmp(a->text, b->text, a->len < b->len ? a->len : b->len);
    return order ? order : (a->len > b->len) - (a->len < b->len);
}

static aeon_status index_specials(aeon_tokenizer *t, aeon_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < t->n_tokens; i++) n += is_special(t->entries[i].kind);
    t->specials = ae_mem_alloc_array(AE_MEM_VOCAB, n, sizeof *t->specials);
    if (!t->specials) return ae_fail_memory(err, n * sizeof *t->specials, "the vocabulary");
    for (size_t i = 0; i < t->n_tokens; i++) {
        const ae_entry *e = &t->entries[i];
        if (!is_special(e->kind)) continue;
        t->specials[t->n_specials++] =
            (ae_special){e->bytes, e->n_bytes, (int32_t)i, e->kind != AE_TOKEN_USER_DEFINED};
    }
    qsort(t->specials, n, sizeof *t->specials, compare_specials);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && compare_specials(&t->specials[i - 1], &t->specials[i]) == 0) {
            return ae_fail(err, AEON_BAD_FORMAT, "tokens %d and %d of the vocabulary are the same",
                           t->specials[i - 1].id, t->specials[i].id);
        }
        t->special_range[(unsigned char)t->specials[i].text[0] + 1]++;
    }
    for (int b = 0; b < 256; b++) t->special_range[b + 1] += t->special_range[b];
    return AEON_OK;
}

/* ---- merges ---------------------------------------------------------------------------------- */

/* The id of a merge's part by its bytes: an ordinary token, or one that any text may contain. */
static int32_t part_id(const aeon_tokenizer *t, const char *bytes, size_t len)
{
    int32_t id = ae_tables_word(t, bytes, len);
    if (id >= 0) return id;
    const ae_special *s = ae_tables_special(t, bytes, len, false);
    return s && s->len == len ? s->id : -1;
}

/* Merge number rank into the table. buffer has room for both parts. */
static aeon_status add_merge(aeon_tokenizer *t, const ae_vocab_merge *m, uint32_t rank,
                             char *buffer, aeon_error *err)
{
    size_t n_left = unspell(m->left, m->left_len, buffer), n_right = SIZE_MAX;
    if (n_left != SIZE_MAX) n_right = unspell(m->right, m->right_len, buffer + n_left);
    int32_t left = -1, right = -1, whole = -1;
    if (n_right != SIZE_MAX) {
        left = part_id(t, buffer, n_left);
        right = part_id(t, buffer + n_left, n_right);
        whole = part_id(t, buffer, n_left + n_right);
    }
    if (left < 0 || right < 0 || whole < 0) {
        return ae_fail(err, AEON_BAD_FORMAT, "merge %u names a token that the vocabulary lacks",
                       rank);
    }
    ae_pair_slot *s = ae_tables_pair_slot(t, left, right);
    if (s->left < 0)
        *s = (ae_pair_slot){left, right, rank, whole}; /* else: the first rank counts */
    return AEON_OK;
}

static aeon_status index_merges(aeon_tokenizer *t, const ae_vocab *v, aeon_error *err)
{
    if (v->n_merges > 4 * (size_t)AE_MAX_VOCAB) {
        return ae_fail(err, AEON_BAD_FORMAT, "a vocabulary with %zu merges", v->n_merges);
    }
    size_t size = table_size(v->n_merges), longest = 0;
    t->pairs = ae_mem_alloc_array(AE_MEM_VOCAB, size, sizeof *t->pairs);
    if (!t->pairs) return ae_fail_memory(err, size * sizeof *t->pairs, "the merges");
    t->pair_mask = size - 1;
    for (size_t i = 0; i < size; i++) t->pairs[i].left = -1;
    for (size_t i = 0; i < v->n_merges; i++) {
        size_t len = (size_t)v->merges[i].left_len + v->merges[i].right_len;
        longest = len > longest ? len : longest;
    }
    char *buffer = ae_mem_alloc(AE_MEM_SCRATCH, longest + 1);
    if (!buffer) return ae_fail_memory(err, longest, "the merges");
    aeon_status status = AEON_OK;
    for (size_t i = 0; i < v->n_merges && status == AEON_OK; i++) {
        status = add_merge(t, &v->merges[i], (uint32_t)i, buffer, err);
    }
    ae_mem_free(buffer);
    return status;
}

/* ---- scores ---------------------------------------------------------------------------------- */

typedef struct {
    float score;
    int32_t id;
} scored;

static int compare_scores(const void *left, const void *right)
{
    const scored *a = left, *b = right;
    return (a->score < b->score) - (a->score > b->score);
}

/* Equal scores get equal ranks: then the leftmost pair merges first. */
static aeon_status rank_scores(aeon_tokenizer *t, const ae_vocab *v, aeon_error *err)
{
    t->ranks = ae_mem_alloc_array(AE_MEM_VOCAB, t->n_tokens, sizeof *t->ranks);
    scored *list = ae_mem_alloc_array(AE_MEM_SCRATCH, t->n_tokens, sizeof *list);
    if (!t->ranks || !list) {
        ae_mem_free(list);
        return ae_fail_memory(err, t->n_tokens * sizeof *list, "the vocabulary");
    }
    bool has_nan = false;
    for (size_t i = 0; i < t->n_tokens; i++) {
        list[i] = (scored){v->tokens[i].score, (int32_t)i};
        has_nan |= isnan(list[i].score) != 0;
    }
    if (!has_nan) qsort(list, t->n_tokens, sizeof *list, compare_scores);
    uint32_t rank = 0;
    for (size_t i = 0; i < t->n_tokens; i++) {
        rank += i > 0 && list[i].score < list[i - 1].score;
        t->ranks[list[i].id] = list[i].score == -INFINITY ? AE_NO_RANK : rank;
    }
    ae_mem_free(list);
    return has_nan ? ae_fail(err, AEON_BAD_FORMAT, "a token's score is not a number") : AEON_OK;
}

/* If no token reaches over a space, neither does a merge: words can be encoded one by one. */
static bool words_are_apart(const aeon_tokenizer *t)
{
    for (size_t i = 0; i < t->n_tokens; i++) {
        const ae_entry *e = &t->entries[i];
        const char *p = e->bytes;
        if (e->kind != AE_TOKEN_NORMAL) continue;
        while (strncmp(p, AE_SPM_SPACE, 3) == 0) p += 3;
        if (strstr(p, AE_SPM_SPACE) || strlen(e->bytes) != e->n_bytes) return false;
    }
    return true;
}

/* ---- birth and death ------------------------------------------------------------------------- */

static aeon_status build(aeon_tokenizer *t, const ae_vocab *v, aeon_error *err)
{
    TRY(copy_tokens(t, v, err));
    TRY(index_words(t, err));
    TRY(index_bytes(t, err));
    TRY(index_specials(t, err));
    if (t->kind == AE_VOCAB_BPE) {
        TRY(index_merges(t, v, err));
        return ae_split_new(&t->split, v->split, err);
    }
    t->words_apart = words_are_apart(t);
    return rank_scores(t, v, err);
}

aeon_status ae_tokenizer_new(aeon_tokenizer **out, const ae_vocab *v, aeon_error *err)
{
    TRY(check_ids(v, err));
    aeon_tokenizer *t = ae_mem_alloc(AE_MEM_VOCAB, sizeof *t);
    if (!t) return ae_fail_memory(err, sizeof *t, "the vocabulary");
    t->hash_key = (uint64_t)(uintptr_t)t * 0x9E3779B97F4A7C15ULL | 1;
    t->kind = v->kind;
    t->ignore_merges = v->ignore_merges;
    t->add_space_prefix = v->add_space_prefix;
    t->add_bos = v->add_bos;
    t->bos = v->bos;
    t->eos = v->eos;
    t->unk = v->unk;
    t->pad = v->pad;
    aeon_status status = build(t, v, err);
    if (status != AEON_OK) {
        ae_tokenizer_free(t);
        return status;
    }
    *out = t;
    return AEON_OK;
}

void ae_tokenizer_free(aeon_tokenizer *t)
{
    if (!t) return;
    ae_split_free(t->split);
    ae_mem_free(t->entries);
    ae_mem_free(t->arena);
    ae_mem_free(t->words);
    ae_mem_free(t->pairs);
    ae_mem_free(t->ranks);
    ae_mem_free(t->specials);
    ae_mem_free(t);
}

/* ---- questions ------------------------------------------------------------------------------- */

size_t aeon_tokenizer_n_vocab(const aeon_tokenizer *t)
{
    return t->n_tokens;
}

int32_t aeon_tokenizer_find(const aeon_tokenizer *t, const char *text)
{
    size_t len = strlen(text);
    const ae_special *s = ae_tables_special(t, text, len, true);
    if (s && s->len == len) return s->id;
    return ae_tables_word(t, text, len);
}

int32_t aeon_tokenizer_bos(const aeon_tokenizer *t)
{
    return t->bos;
}

int32_t aeon_tokenizer_eos(const aeon_tokenizer *t)
{
    return t->eos;
}

static const ae_entry *entry_at(const aeon_tokenizer *t, int32_t id)
{
    return id >= 0 && (size_t)id < t->n_tokens ? &t->entries[id] : NULL;
}

bool aeon_tokenizer_is_control(const aeon_tokenizer *t, int32_t id)
{
    const ae_entry *e = entry_at(t, id);
    return e && e->kind == AE_TOKEN_CONTROL;
}

const char *ae_tokenizer_spelling(const aeon_tokenizer *t, int32_t id, size_t *len,
                                  ae_token_kind *kind)
{
    const ae_entry *e = entry_at(t, id);
    if (!e) return NULL;
    if (len) *len = e->n_spelling;
    if (kind) *kind = e->kind;
    return e->spelling;
}
