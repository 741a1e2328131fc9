/* encode.c - from text to ids: special tokens, pieces, merges.
 *
 *   text -> stretches between special tokens -> pieces -> symbols -> merged symbols -> ids
 *
 * A piece starts as a list of symbols (BPE: bytes, SPM: characters). Each symbol knows the rank of
 * its merge with the next one; the lowest rank, and of equals the leftmost, is merged until nothing
 * merges. Short pieces look for it by scanning, long ones keep a heap, so that a piece of n symbols
 * takes O(n log n).
 *
 *   symbols   [t][h][e][r][e]        linked by prev/next, so that merging moves nothing
 *   ranks      5  2  9  7  -         rank of (symbol, next)
 */
#include "base/mem.h"
#include "text/tables.h"
#include "text/utf8.h"

#include <string.h>

enum { N_SHORT = 32 }; /* symbols of a piece up to which scanning wins over the heap */
#define NONE UINT32_MAX
/* Positions inside a piece are 32 bits wide. */
static const size_t max_piece = UINT32_MAX / 4;

typedef struct {
    int32_t id;          /* -1: no token has these bytes */
    int32_t merged;      /* id after merging with next */
    uint32_t rank;       /* of that merge; AE_NO_RANK: none */
    uint32_t begin;      /* byte of the piece; it ends where the next one begins */
    uint32_t prev, next; /* symbols; NONE at the ends */
} symbol;

typedef struct {
    const aeon_tokenizer *t;
    aeon_tokens *out;
    ae_split_state *split; /* BPE */
    const char *piece;
    uint32_t piece_len;
    symbol short_piece[N_SHORT];
    symbol *symbols;
    uint32_t n_symbols;
    symbol *long_piece; /* grown as needed */
    size_t long_cap;
    uint64_t *heap; /* rank << 32 | symbol: the smallest is the next merge */
    size_t n_heap, heap_cap;
    aeon_text text; /* a stretch as the vocabulary writes it (SPM: U+2581 for spaces) */
} encoder;

/* ---- merging --------------------------------------------------------------------------------- */

static uint32_t end_of(const encoder *e, const symbol *s)
{
    return s->next == NONE ? e->piece_len : e->symbols[s->next].begin;
}

/* Find what symbol i and the next one would become. */
static void rate(encoder *e, uint32_t i)
{
    symbol *s = &e->symbols[i];
    s->rank = AE_NO_RANK;
    if (s->next == NONE) return;
    const symbol *next = &e->symbols[s->next];
    if (e->t->kind == AE_VOCAB_BPE) {
        const ae_pair_slot *pair = ae_tables_pair(e->t, s->id, next->id);
        if (!pair) return;
        s->merged = pair->id;
        s->rank = pair->rank;
    } else {
        s->merged = ae_tables_word(e->t, e->piece + s->begin, end_of(e, next) - s->begin);
        if (s->merged >= 0) s->rank = e->t->ranks[s->merged];
    }
}

/* Symbol i swallows the next one. */
static void merge(encoder *e, uint32_t i)
{
    symbol *s = &e->symbols[i], *gone = &e->symbols[s->next];
    s->id = s->merged;
    s->next = gone->next;
    gone->rank = AE_NO_RANK;
    if (s->next != NONE) e->symbols[s->next].prev = i;
    rate(e, i);
    if (s->prev != NONE) rate(e, s->prev);
}

static void merge_by_scanning(encoder *e)
{
    for (;;) {
        uint32_t best = 0;
        for (uint32_t i = 0; i != NONE; i = e->symbols[i].next) {
            if (e->symbols[i].rank < e->symbols[best].rank) best = i;
        }
        if (e->symbols[best].rank == AE_NO_RANK) return;
        merge(e, best);
    }
}

static void heap_push(encoder *e, uint32_t i)
{
    if (i == NONE || e->symbols[i].rank == AE_NO_RANK) return;
    uint64_t key = (uint64_t)e->symbols[i].rank << 32 | i;
    size_t at = e->n_heap++;
    for (; at > 0 && e->heap[(at - 1) / 2] > key; at = (at - 1) / 2) {
        e->heap[at] = e->heap[(at - 1) / 2];
    }
    e->heap[at] = key;
}

static uint64_t heap_pop(encoder *e)
{
    uint64_t top = e->heap[0], last = e->heap[--e->n_heap];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < e->n_heap; at = child) {
        if (child + 1 < e->n_heap && e->heap[child + 1] < e->heap[child]) child++;
        if (e->heap[child] >= last) break;
        e->heap[at] = e->heap[child];
    }
    e->heap[at] = last;
    return top;
}

/* A key whose rank is no longer its symbol's is out of date: that pair is gone. Each merge takes
 * one key away and adds at most two, so 2 n keys are enough. */
static void merge_by_heap(encoder *e)
{
    e->n_heap = 0;
    for (uint32_t i = 0; i < e->n_symbols; i++) heap_push(e, i);
    while (e->n_heap > 0) {
        uint64_t key = heap_pop(e);
        uint32_t i = (uint32_t)key;
        if (e->symbols[i].rank != key >> 32) continue;
        merge(e, i);
        heap_push(e, i);
        heap_push(e, e->symbols[i].prev);
    }
}

/* ---- one piece ------------------------------------------------------------------------------- */

/* Room for n symbols. */
static aeon_status reserve(encoder *e, size_t n, aeon_error *err)
{
    e->symbols = e->short_piece;
    if (n <= N_SHORT) return AEON_OK;
    if (n > e->long_cap) {
        ae_mem_free(e->long_piece); /* nothing of the last piece is needed */
        ae_mem_free(e->heap);
        e->long_cap = 0;
        e->long_piece = ae_mem_alloc_array(AE_MEM_SCRATCH, n, sizeof *e->long_piece);
        e->heap = ae_mem_alloc_array(AE_MEM_SCRATCH, 2 * n, sizeof *e->heap);
        if (!e->long_piece || !e->heap) {
            return ae_fail_memory(err, n * (sizeof *e->long_piece + 2 * sizeof *e->heap),
                                  "encoding a text");
        }
        e->long_cap = n;
    }
    e->symbols = e->long_piece;
    return AEON_OK;
}

/* Bytes of the first symbol of a text; what is not UTF-8 stands alone. */
static size_t symbol_width(const encoder *e, const char *text, size_t len)
{
    size_t width = e->t->kind == AE_VOCAB_SPM ? ae_utf8_length(text, len) : 1;
    return width ? width : 1;
}

/* Cut the piece into its first symbols. */
static void cut(encoder *e)
{
    uint32_t n = 0;
    for (size_t pos = 0, width; pos < e->piece_len; pos += width, n++) {
        symbol *s = &e->symbols[n];
        const char *at = e->piece + pos;
        width = symbol_width(e, at, e->piece_len - pos);
        s->id = e->t->kind == AE_VOCAB_BPE ? e->t->byte_id[(unsigned char)*at]
                                           : ae_tables_word(e->t, at, width);
        s->begin = (uint32_t)pos;
        s->prev = n - 1; /* NONE for the first */
        s->next = n + 1;
    }
    e->n_symbols = n;
    e->symbols[n - 1].next = NONE;
    for (uint32_t i = 0; i < n; i++) rate(e, i);
}

/* The ids of a symbol: its own, or those of its bytes (SPM), or the unknown token. */
static aeon_status emit(encoder *e, const symbol *s, aeon_error *err)
{
    if (s->id >= 0) return aeon_tokens_push(e->out, s->id, err);
    uint32_t end = end_of(e, s);
    bool has_bytes = true;
    for (uint32_t i = s->begin; i < end; i++) {
        has_bytes = has_bytes && e->t->byte_id[(unsigned char)e->piece[i]] >= 0;
    }
    if (!has_bytes) return aeon_tokens_push(e->out, e->t->unk, err);
    for (uint32_t i = s->begin; i < end; i++) {
        TRY(aeon_tokens_push(e->out, e->t->byte_id[(unsigned char)e->piece[i]], err));
    }
    return AEON_OK;
}

static aeon_status encode_piece(void *user, const char *piece, size_t len, aeon_error *err)
{
    encoder *e = user;
    if (len == 0) return AEON_OK;
    if (len > max_piece) {
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%zu bytes of text without a break", len);
    }
    if (e->t->ignore_merges) {
        int32_t id = ae_tables_word(e->t, piece, len);
        if (id >= 0) return aeon_tokens_push(e->out, id, err);
    }
    size_t n = 0;
    for (size_t pos = 0; pos < len; n++) pos += symbol_width(e, piece + pos, len - pos);
    TRY(reserve(e, n, err));
    e->piece = piece;
    e->piece_len = (uint32_t)len;
    cut(e);
    if (e->n_symbols <= N_SHORT) {
        merge_by_scanning(e);
    } else {
        merge_by_heap(e);
    }
    for (uint32_t i = 0; i != NONE; i = e->symbols[i].next) TRY(emit(e, &e->symbols[i], err));
    return AEON_OK;
}

/* ---- a stretch between special tokens -------------------------------------------------------- */

/* Some byte-level vocabularies lack bytes: characters that need one become U+FFFD. */
static aeon_status replace_lacking(encoder *e, const char *text, size_t len, aeon_error *err)
{
    e->text.len = 0;
    for (size_t pos = 0, width; pos < len; pos += width) {
        width = ae_utf8_length(text + pos, len - pos);
        if (width == 0) width = 1;
        bool lacks = false;
        for (size_t i = 0; i < width; i++) lacks |= e->t->byte_id[(unsigned char)text[pos + i]] < 0;
        TRY(lacks ? aeon_text_append(&e->text, AE_UNKNOWN, 3, err)
                  : aeon_text_append(&e->text, text + pos, width, err));
    }
    return AEON_OK;
}

/* Split what is UTF-8 by the rule; bytes that are not become their byte tokens. */
static aeon_status encode_bpe(encoder *e, const char *text, size_t len, aeon_error *err)
{
    if (e->t->lacks_bytes) {
        TRY(replace_lacking(e, text, len, err));
        text = e->text.data;
        len = e->text.len;
    }
    while (len > 0) {
        size_t n = ae_utf8_valid_prefix(text, len);
        if (n > 0) TRY(ae_split_run(e->split, text, n, encode_piece, e, err));
        for (; n < len && ae_utf8_length(text + n, len - n) == 0; n++) {
            TRY(aeon_tokens_push(e->out, e->t->byte_id[(unsigned char)text[n]], err));
        }
        text += n;
        len -= n;
    }
    return AEON_OK;
}

static bool is_space_at(const aeon_text *text, size_t pos)
{
    return text->len - pos >= 3 && memcmp(text->data + pos, AE_SPM_SPACE, 3) == 0;
}

/* Write spaces as U+2581, then merge word by word where the vocabulary allows. */
static aeon_status encode_spm(encoder *e, const char *text, size_t len, aeon_error *err)
{
    e->text.len = 0;
    if (e->t->add_space_prefix) TRY(aeon_text_append(&e->text, AE_SPM_SPACE, 3, err));
    for (size_t pos = 0; pos < len;) {
        const char *space = memchr(text + pos, ' ', len - pos);
        size_t n = space ? (size_t)(space - text) - pos : len - pos;
        TRY(aeon_text_append(&e->text, text + pos, n, err));
        if (space) TRY(aeon_text_append(&e->text, AE_SPM_SPACE, 3, err));
        pos += n + (space != NULL);
    }
    size_t begin = 0, pos = 0;
    while (e->t->words_apart && pos < e->text.len) {
        while (is_space_at(&e->text, pos)) pos += 3;
        while (pos < e->text.len && !is_space_at(&e->text, pos)) pos++;
        TRY(encode_piece(e, e->text.data + begin, pos - begin, err));
        begin = pos;
    }
    return encode_piece(e, e->text.data + begin, e->text.len - begin, err);
}

static aeon_status encode_stretch(encoder *e, const char *text, size_t len, aeon_error *err)
{
    if (len == 0) return AEON_OK;
    return e->t->kind == AE_VOCAB_BPE ? encode_bpe(e, text, len, err)
                                      : encode_spm(e, text, len, err);
}

/* ---- a text ---------------------------------------------------------------------------------- */

static aeon_status encode_text(encoder *e, const char *text, size_t len, unsigned flags,
                               aeon_error *err)
{
    const aeon_tokenizer *t = e->t;
    if ((flags & AEON_ENCODE_BOS) && t->add_bos && t->bos >= 0) {
        TRY(aeon_tokens_push(e->out, t->bos, err));
    }
    size_t begin = 0;
    for (size_t pos = 0; pos < len;) {
        const ae_special *s =
            ae_tables_special(t, text + pos, len - pos, (flags & AEON_ENCODE_SPECIAL) != 0);
        if (!s) {
            pos++;
            continue;
        }
        TRY(encode_stretch(e, text + begin, pos - begin, err));
        TRY(aeon_tokens_push(e->out, s->id, err));
        pos += s->len;
        begin = pos;
    }
    return encode_stretch(e, text + begin, len - begin, err);
}

aeon_status aeon_tokenizer_encode(const aeon_tokenizer *t, const char *text, size_t len,
                                  unsigned flags, aeon_tokens *out, aeon_error *err)
{
    encoder e = {.t = t, .out = out};
    if (len == 0) text = ""; /* may be NULL */
    if (t->split) TRY(ae_split_state_new(&e.split, t->split, err));
    size_t n_before = out->n;
    aeon_status status = encode_text(&e, text, len, flags, err);
    if (status != AEON_OK) out->n = n_before;
    ae_split_state_free(e.split);
    ae_mem_free(e.long_piece);
    ae_mem_free(e.heap);
    aeon_text_release(&e.text);
    return status;
}
