/* text/tokenizer: merging, special tokens, bytes, vocabularies that lie. */
#include "text/tables.h"
#include "toy.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

static aeon_error err;
static toy vocab;

#define NEL "\xC4\xA0" /* a space, spelled */

/* ---- byte-level BPE -------------------------------------------------------------------------- */

static void lowest_rank_merges_first(void **state)
{
    (void)state;
    toy_bpe(&vocab, "gpt-4o");
    int32_t he = toy_merge(&vocab, "h", "e"), ll = toy_merge(&vocab, "l", "l");
    int32_t hell = toy_merge(&vocab, "he", "ll"), lo = toy_merge(&vocab, "l", "o");
    int32_t space_w = toy_merge(&vocab, NEL, "w"), aa = toy_merge(&vocab, "a", "a");
    aeon_tokenizer *t = toy_build(&vocab);
    CHECK_IDS(t, "hello", 0, hell, 'o');
    CHECK_IDS(t, "hell", 0, hell);
    CHECK_IDS(t, "helo", 0, he, lo);
    CHECK_IDS(t, "l low", 0, 'l', ' ', lo, 'w');
    CHECK_IDS(t, "l wow", 0, 'l', space_w, 'o', 'w');
    CHECK_IDS(t, "aaa", 0, aa, 'a'); /* the leftmost of equal ranks */
    CHECK_IDS(t, "llll", 0, ll, ll);
    check_ids(t, "", 0, 0, NULL, 0);
    ae_tokenizer_free(t);
}

/* The definition, in quadratic time. */
static size_t merge_slowly(const aeon_tokenizer *t, int32_t *ids, size_t n)
{
    for (;;) {
        size_t best = SIZE_MAX;
        uint32_t best_rank = UINT32_MAX;
        for (size_t i = 0; i + 1 < n; i++) {
            const ae_pair_slot *pair = ae_tables_pair(t, ids[i], ids[i + 1]);
            if (pair && pair->rank < best_rank) best = i, best_rank = pair->rank;
        }
        if (best == SIZE_MAX) return n;
        ids[best] = ae_tables_pair(t, ids[best], ids[best + 1])->id;
        memmove(ids + best + 1, ids + best + 2, (n - best - 2) * sizeof *ids);
        n--;
    }
}

static void short_and_long_pieces_follow_the_definition(void **state)
{
    (void)state;
    toy_bpe(&vocab, "gpt-4o");
    static const char *const merges[][2] = {{"a", "b"},   {"b", "a"},   {"a", "a"},  {"ab", "a"},
                                            {"aa", "aa"}, {"ba", "ba"}, {"b", "b"},  {"bb", "ab"},
                                            {"aba", "b"}, {"aa", "b"},  {"bba", "b"}};
    for (size_t i = 0; i + 1 < AE_COUNT(merges); i++) {
        toy_merge(&vocab, merges[i][0], merges[i][1]);
    }
    aeon_tokenizer *t = toy_build(&vocab);
    uint64_t seed = 9;
    for (int round = 0; round < 2000; round++) {
        char text[300];
        int32_t ids[300];
        size_t len = check_random(&seed) % (round % 2 ? 40 : 300);
        for (size_t i = 0; i < len; i++) {
            text[i] = check_random(&seed) % 3 ? 'a' : 'b';
            ids[i] = text[i];
        }
        check_ids(t, text, len, 0, ids, merge_slowly(t, ids, len));
    }
    ae_tokenizer_free(t);
}

static void whole_words_come_first_where_merges_are_ignored(void **state)
{
    (void)state;
    toy_bpe(&vocab, "llama-bpe");
    int32_t ab = toy_merge(&vocab, "a", "b");
    int32_t abc = toy_token(&vocab, "abc", AE_TOKEN_NORMAL, 0); /* no merge makes it */
    aeon_tokenizer *t = toy_build(&vocab);
    CHECK_IDS(t, "abc", 0, ab, 'c');
    ae_tokenizer_free(t);
    vocab.vocab.ignore_merges = true;
    t = toy_build(&vocab);
    CHECK_IDS(t, "abc", 0, abc);
    CHECK_IDS(t, "abcd", 0, ab, 'c', 'd');
    ae_tokenizer_free(t);
}

static void every_byte_survives(void **state)
{
    (void)state;
    toy_bpe(&vocab, "gpt-4o");
    toy_merge(&vocab, "\xC3\x83", "\xC2\xA9"); /* the two bytes of é */
    toy_token(&vocab, "<tool>", AE_TOKEN_USER_DEFINED, 0);
    aeon_tokenizer *t = toy_build(&vocab);
    uint64_t seed = 3;
    char bytes[600];
    for (int round = 0; round < 3000; round++) {
        size_t len = check_random(&seed) % sizeof bytes;
        for (size_t i = 0; i < len; i++) {
            uint64_t r = check_random(&seed);
            bytes[i] = (char)(round % 3 == 0 ? r : round % 3 == 1 ? r % 5 + 0xC1 : r % 90 + 0x7F);
        }
        check_round_trip(t, bytes, len);
    }
    check_round_trip(t, "a\0b", 3);
    check_round_trip(t, "caf\xC3\xA9 \xFF\xC3 <tool>x", 16);
    ae_tokenizer_free(t);
}

static void million_equal_characters_encode_in_well_under_a_second(void **state)
{
    (void)state;
    static const char *const chars[] = {"a",  "A",  "7",        " ", "\n",       "!", "<",
                                        "中", "\t", "\xCC\x81", "'", "\xC2\xA0", "/", "\xFF"};
    enum { N = 1 << 20 };
    toy_bpe(&vocab, "gpt-4o");
    for (const char *c = "aA7!</"; *c; c++) { /* runs of 2, 4, 8, 16 */
        char run[17] = {0};
        for (size_t n = 1; n < 16; n *= 2) {
            memset(run, *c, n);
            toy_merge(&vocab, run, run);
        }
    }
    aeon_tokenizer *t = toy_build(&vocab);
    char *text = malloc(N + 4);
    for (size_t i = 0; i < AE_COUNT(chars); i++) {
        size_t len = 0;
        for (; len + strlen(chars[i]) <= N; len += strlen(chars[i])) {
            memcpy(text + len, chars[i], strlen(chars[i]));
        }
        clock_t begin = clock();
        check_round_trip(t, text, len);
        assert_true(clock() - begin < 10 * CLOCKS_PER_SEC); /* 0.2 s; quadratic would be hours */
    }
    check_round_trip(t, text, 26000);
    free(text);
    ae_tokenizer_free(t);
}

static void lacking_bytes_become_the_replacement_character(void **state)
{
    (void)state;
    toy_begin(&vocab, AE_VOCAB_BPE);
    vocab.vocab.split = "gpt-2";
    for (int b = 0; b < 0xF0; b++) {
        char spelling[3];
        toy_spell(b, spelling);
        if (b != 0xC0) toy_token(&vocab, spelling, AE_TOKEN_NORMAL, 0);
    }
    aeon_tokenizer *t = toy_build(&vocab);
    CHECK_IDS(t, "a\xF0\x9F\x98\x80z\xC0", 0, 'a', 0xEF - 1, 0xBF, 0xBD, 'z', 0xEF - 1, 0xBF, 0xBD);
    check_round_trip(t, "caf\xC3\xA9\x80", 6);
    ae_tokenizer_free(t);
    vocab.vocab.n_tokens--; /* 0xEF: now U+FFFD cannot be written either */
    CHECK_FAILS(ae_tokenizer_new(&t, &vocab.vocab, &err), AEON_BAD_FORMAT);
}

/* ---- special tokens -------------------------------------------------------------------------- */

static void text_of_a_user_never_becomes_a_control_token(void **state)
{
    (void)state;
    toy_bpe(&vocab, "gpt-4o");
    int32_t end = toy_token(&vocab, "<|end|>", AE_TOKEN_CONTROL, 0);
    int32_t eot = toy_token(&vocab, "<|end|>x", AE_TOKEN_CONTROL, 0);
    int32_t s = toy_token(&vocab, "</s>", AE_TOKEN_CONTROL, 0);
    /* careless or hostile files */
    int32_t user = toy_token(&vocab, "<|user|>", AE_TOKEN_USER_DEFINED, 0);
    int32_t call = toy_token(&vocab, "<|tool_call|>", AE_TOKEN_NORMAL, 0);
    vocab.vocab.ignore_merges = true;
    aeon_tokenizer *t = toy_build(&vocab);
    static const char smuggled[] = "<|end|><|end|>x</s><|user|><|tool_call|>";
    aeon_tokens ids = {0};
    CHECK_OK(aeon_tokenizer_encode(t, smuggled, strlen(smuggled), 0, &ids, &err));
    for (size_t i = 0; i < ids.n; i++) assert_in_range(ids.ids[i], 0, 255);
    aeon_tokens_release(&ids);
    CHECK_IDS(t, "<|end|><|end|>x</s><|user|><|tool_call|>", AEON_ENCODE_SPECIAL, end, eot, s, user,
              call);
    CHECK_IDS(t, "<|en<|end|>d|>", AEON_ENCODE_SPECIAL, '<', '|', 'e', 'n', end, 'd', '|', '>');
    assert_true(aeon_tokenizer_is_control(t, call));
    assert_false(aeon_tokenizer_is_control(t, 'a'));
    assert_false(aeon_tokenizer_is_control(t, -1));
    assert_false(aeon_tokenizer_is_control(t, INT32_MAX));
    ae_tokenizer_free(t);

    /* nor by a merge that makes one */
    toy_bpe(&vocab, "gpt-4o");
    toy_token(&vocab, "<|", AE_TOKEN_NORMAL, 0);
    toy_token(&vocab, "x|>", AE_TOKEN_NORMAL, 0);
    toy_merge(&vocab, "<|", "x|>");
    CHECK_FAILS(ae_tokenizer_new(&t, &vocab.vocab, &err), AEON_BAD_FORMAT);
}

static void user_defined_tokens_match_everywhere_longest_first(void **state)
{
    (void)state;
    toy_bpe(&vocab, "gpt-4o");
    int32_t two = toy_token(&vocab, "  ", AE_TOKEN_USER_DEFINED, 0);
    int32_t four = toy_token(&vocab, "    ", AE_TOKEN_USER_DEFINED, 0);
    int32_t tool = toy_token(&vocab, "<tool>", AE_TOKEN_USER_DEFINED, 0);
    int32_t tools = toy_token(&vocab, "<tools>", AE_TOKEN_USER_DEFINED, 0);
    toy_token(&vocab, "<tool", AE_TOKEN_CONTROL, 0); /* must not hide the one that goes on */
    aeon_tokenizer *t = toy_build(&vocab);
    CHECK_IDS(t, "a<tool>b<tools>", 0, 'a', tool, 'b', tools);
    CHECK_IDS(t, "       x", 0, four, two, ' ', 'x');
    CHECK_IDS(t, "<tool", 0, '<', 't', 'o', 'o', 'l');
    CHECK_IDS(t, "<too", AEON_ENCODE_SPECIAL, '<', 't', 'o', 'o');
    assert_int_equal(aeon_tokenizer_find(t, "<tools>"), tools);
    assert_int_equal(aeon_tokenizer_find(t, "a"), 'a');
    assert_int_equal(aeon_tokenizer_find(t, "<tools"), -1);
    assert_int_equal(aeon_tokenizer_find(t, ""), -1);
    ae_tokenizer_free(t);
}

static void start_token_is_written_where_the_model_expects_it(void **state)
{
    (void)state;
    toy_bpe(&vocab, "gpt-2");
    vocab.vocab.bos = vocab.vocab.eos = toy_token(&vocab, "<|endoftext|>", AE_TOKEN_CONTROL, 0);
    aeon_tokenizer *t = toy_build(&vocab);
    CHECK_IDS(t, "a", AEON_ENCODE_BOS, 'a');
    ae_tokenizer_free(t);
    vocab.vocab.add_bos = true;
    t = toy_build(&vocab);
    CHECK_IDS(t, "a", AEON_ENCODE_BOS, 256, 'a');
    CHECK_IDS(t, "a", 0, 'a');
    assert_int_equal(aeon_tokenizer_bos(t), 256);
    assert_int_equal(aeon_tokenizer_eos(t), 256);
    assert_int_equal(aeon_tokenizer_n_vocab(t), 257);
    ae_tokenizer_free(t);
}

static void spellings_are_kept_for_files(void **state)
{
    (void)state;
    toy_bpe(&vocab, "gpt-2");
    int32_t id = toy_merge(&vocab, NEL, "w");
    aeon_tokenizer *t = toy_build(&vocab);
    size_t len;
    ae_token_kind kind;
    assert_string_equal(ae_tokenizer_spelling(t, id, &len, &kind), NEL "w");
    assert_int_equal(len, 3);
    assert_int_equal(kind, AE_TOKEN_NORMAL);
    assert_int_equal(aeon_tokenizer_find(t, " w"), id);
    assert_null(ae_tokenizer_spelling(t, 257, &len, &kind));
    assert_null(ae_tokenizer_spelling(t, -1, NULL, NULL));
    ae_tokenizer_free(t);
}

/* ---- SentencePiece --------------------------------------------------------------------------- */

#define SP AE_SPM_SPACE

static void best_score_merges_first(void **state)
{
    (void)state;
    toy_spm(&vocab);
    int32_t space = toy_token(&vocab, SP, AE_TOKEN_NORMAL, -100);
    int32_t a = toy_token(&vocab, "a", AE_TOKEN_NORMAL, -101);
    int32_t b = toy_token(&vocab, "b", AE_TOKEN_NORMAL, -102);
    int32_t ab = toy_token(&vocab, "ab", AE_TOKEN_NORMAL, -2);
    int32_t space_a = toy_token(&vocab, SP "a", AE_TOKEN_NORMAL, -1);
    int32_t aba = toy_token(&vocab, "aba", AE_TOKEN_NORMAL, -3);
    int32_t spaces = toy_token(&vocab, SP SP, AE_TOKEN_NORMAL, -4);
    toy_token(&vocab, "bb", AE_TOKEN_NORMAL, -INFINITY); /* never merged into */
    aeon_tokenizer *t = toy_build(&vocab);
    CHECK_IDS(t, "ab", 0, space_a, b);
    CHECK_IDS(t, "bab", 0, space, b, ab);
    CHECK_IDS(t, "b aaba", 0, space, b, space_a, aba);
    CHECK_IDS(t, "bb", 0, space, b, b);
    CHECK_IDS(t, "   a", 0, spaces, space, space_a);
    CHECK_IDS(t, "é", 0, space, 3 + 0xC3, 3 + 0xA9);
    CHECK_IDS(t, "\xFF", 0, space, 3 + 0xFF);
    CHECK_IDS(t, "<0x41>", 0, space, 3 + '<', 3 + '0', 3 + 'x', 3 + '4', 3 + '1', 3 + '>');
    CHECK_IDS(t, "a</s>a", 0, space_a, 3 + '<', 3 + '/', 3 + 's', 3 + '>', a);
    CHECK_IDS(t, "a</s>a", AEON_ENCODE_SPECIAL, space_a, 2, space_a);
    ae_tokenizer_free(t);
    vocab.vocab.add_space_prefix = false;
    t = toy_build(&vocab);
    CHECK_IDS(t, "ab a", 0, ab, space_a);
    ae_tokenizer_free(t);
}

static void spaces_come_back(void **state)
{
    (void)state;
    for (int prefix = 0; prefix < 2; prefix++) {
        toy_spm(&vocab);
        toy_token(&vocab, SP, AE_TOKEN_NORMAL, -2);
        toy_token(&vocab, SP "a", AE_TOKEN_NORMAL, -1);
        vocab.vocab.add_space_prefix = prefix;
        aeon_tokenizer *t = toy_build(&vocab);
        static const char *const texts[] = {"", "a", " a", "a  a ", "  ", "é \xFF a", "x\ny"};
        for (size_t i = 0; i < AE_COUNT(texts); i++)
            check_round_trip(t, texts[i], strlen(texts[i]));
        aeon_tokens ids = {0};
        aeon_text text = {0};
        CHECK_OK(aeon_tokenizer_encode(t, "a</s>b", 6, AEON_ENCODE_SPECIAL, &ids, &err));
        CHECK_OK(aeon_tokenizer_decode(t, ids.ids, ids.n, true, &text, &err));
        assert_string_equal(text.data, "a</s>b");
        text.len = 0;
        CHECK_OK(aeon_tokenizer_decode(t, ids.ids, ids.n, false, &text, &err));
        assert_string_equal(text.data, "ab");
        aeon_tokens_release(&ids);
        aeon_text_release(&text);
        ae_tokenizer_free(t);
    }
}

/* A token that reaches over a space must be found, one that does not exist costs nothing. */
static void words_are_only_taken_apart_where_no_token_joins_them(void **state)
{
    (void)state;
    toy_spm(&vocab);
    toy_token(&vocab, "a", AE_TOKEN_NORMAL, -5);
    toy_token(&vocab, "b", AE_TOKEN_NORMAL, -5);
    toy_token(&vocab, SP, AE_TOKEN_NORMAL, -5);
    int32_t space_b = toy_token(&vocab, SP "b", AE_TOKEN_NORMAL, -1);
    int32_t joined = toy_token(&vocab, "a" SP "b", AE_TOKEN_NORMAL, -2);
    vocab.vocab.add_space_prefix = false;
    aeon_tokenizer *t = toy_build(&vocab);
    assert_false(t->words_apart);
    CHECK_IDS(t, "a b b", 0, joined, space_b);
    ae_tokenizer_free(t);
    vocab.vocab.n_tokens--;
    t = toy_build(&vocab);
    assert_true(t->words_apart);
    CHECK_IDS(t, "a b b", 0, joined - 4, space_b, space_b);
    ae_tokenizer_free(t);
}

static void unknown_characters_become_unk_without_byte_tokens(void **state)
{
    (void)state;
    toy_begin(&vocab, AE_VOCAB_SPM);
    vocab.vocab.unk = toy_token(&vocab, "<unk>", AE_TOKEN_UNKNOWN, 0);
    int32_t a = toy_token(&vocab, "a", AE_TOKEN_NORMAL, 0);
    aeon_tokenizer *t = toy_build(&vocab);
    CHECK_IDS(t, "aéa", 0, a, 0, a);
    CHECK_IDS(t, "<unk>", AEON_ENCODE_SPECIAL, 0);
    aeon_text text = {0};
    CHECK_OK(aeon_tokenizer_decode(t, (int32_t[]){a, 0}, 2, false, &text, &err));
    assert_string_equal(text.data, "a\xEF\xBF\xBD");
    aeon_text_release(&text);
    ae_tokenizer_free(t);
    vocab.vocab.unk = -1;
    CHECK_FAILS(ae_tokenizer_new(&t, &vocab.vocab, &err), AEON_BAD_FORMAT);
}

static void million_equal_characters_merge_by_score(void **state)
{
    (void)state;
    enum { N = 1 << 20 };
    toy_spm(&vocab);
    toy_token(&vocab, "a", AE_TOKEN_NORMAL, -9);
    toy_token(&vocab, "aa", AE_TOKEN_NORMAL, -1);
    toy_token(&vocab, "aaaa", AE_TOKEN_NORMAL, -2);
    toy_token(&vocab, SP, AE_TOKEN_NORMAL, -9);
    toy_token(&vocab, SP SP, AE_TOKEN_NORMAL, -3);
    aeon_tokenizer *t = toy_build(&vocab);
    char *text = malloc(N);
    for (const char *c = "a b\n\xE9"; *c; c++) {
        memset(text, *c, N);
        clock_t begin = clock();
        check_round_trip(t, text, N);
        assert_true(clock() - begin < 10 * CLOCKS_PER_SEC);
    }
    free(text);
    ae_tokenizer_free(t);
}

/* ---- vocabularies that lie ------------------------------------------------------------------- */

#define REFUSED(change)                                                                            \
    do {                                                                                           \
        toy_bpe(&vocab, "gpt-4o");                                                                 \
        aeon_tokenizer *t_ = NULL;                                                                 \
        change;                                                                                    \
        CHECK_FAILS(ae_tokenizer_new(&t_, &vocab.vocab, &err), AEON_BAD_FORMAT);                   \
        assert_null(t_);                                                                           \
    } while (0)

static void lying_vocabularies_are_refused(void **state)
{
    (void)state;
    size_t before = aeon_memory_stats_get().current_bytes;
    REFUSED(vocab.vocab.n_tokens = 0);
    REFUSED(vocab.vocab.n_tokens = (size_t)UINT32_MAX + 1); /* an id would wrap to 0 */
    REFUSED(vocab.vocab.n_tokens = (size_t)INT32_MAX + 1);  /* ... to a negative number */
    REFUSED(vocab.vocab.bos = 256);
    REFUSED(vocab.vocab.eos = INT32_MAX);
    REFUSED(vocab.vocab.unk = -2);
    REFUSED(vocab.vocab.pad = INT32_MIN);
    REFUSED(toy_token(&vocab, "a", AE_TOKEN_NORMAL, 0)); /* twice */
    REFUSED(toy_token(&vocab, "x", AE_TOKEN_CONTROL, 0);
            toy_token(&vocab, "x", AE_TOKEN_USER_DEFINED, 0));                      /* twice */
    REFUSED(vocab.tokens['a'].kind = AE_TOKEN_CONTROL; vocab.tokens[0xEF].len = 0); /* no bytes */
    REFUSED(toy_merge(&vocab, "zz", "a"));                        /* unknown left */
    REFUSED(toy_merge(&vocab, "a", "zz"));                        /* unknown right */
    REFUSED(toy_merge(&vocab, "a", "b"); vocab.vocab.n_tokens--); /* unknown whole */
    REFUSED(toy_merge(&vocab, "", "a"); vocab.vocab.n_tokens--);  /* empty left */
    REFUSED(toy_merge(&vocab, " ", "a"));                         /* no spelling */
    REFUSED(vocab.vocab.n_merges = SIZE_MAX / 2);

    toy_spm(&vocab);
    toy_token(&vocab, "a", AE_TOKEN_NORMAL, NAN);
    aeon_tokenizer *t = NULL;
    CHECK_FAILS(ae_tokenizer_new(&t, &vocab.vocab, &err), AEON_BAD_FORMAT);
    toy_spm(&vocab);
    toy_token(&vocab, "<0x41>", AE_TOKEN_BYTE, 0); /* twice */
    CHECK_FAILS(ae_tokenizer_new(&t, &vocab.vocab, &err), AEON_BAD_FORMAT);
    toy_spm(&vocab);
    toy_token(&vocab, "<0xzz>", AE_TOKEN_BYTE, 0);
    CHECK_FAILS(ae_tokenizer_new(&t, &vocab.vocab, &err), AEON_BAD_FORMAT);
    toy_bpe(&vocab, "by-vowels");
    CHECK_FAILS(ae_tokenizer_new(&t, &vocab.vocab, &err), AEON_UNSUPPORTED);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

static void fillers_and_odd_tokens_are_harmless(void **state)
{
    (void)state;
    toy_bpe(&vocab, "gpt-4o");
    toy_token(&vocab, "", AE_TOKEN_UNUSED, 0);
    toy_token(&vocab, "", AE_TOKEN_NORMAL, 0);
    toy_token(&vocab, "", AE_TOKEN_CONTROL, 0);
    toy_token(&vocab, "[PAD]", AE_TOKEN_UNUSED, 0);
    toy_token(&vocab, "two words", AE_TOKEN_NORMAL, 0); /* a space is no spelling of a byte */
    toy_token(&vocab, "two words too", AE_TOKEN_NORMAL, 0);
    vocab.vocab.ignore_merges = true;
    aeon_tokenizer *t = toy_build(&vocab);
    CHECK_IDS(t, "[PAD]", AEON_ENCODE_SPECIAL, '[', 'P', 'A', 'D', ']');
    aeon_text text = {0};
    CHECK_OK(aeon_tokenizer_decode(t, (int32_t[]){256, 257, 258, 260}, 4, true, &text, &err));
    assert_string_equal(text.data, "two words");
    aeon_text_release(&text);
    ae_tokenizer_free(t);
}

/* ---- memory and threads ---------------------------------------------------------------------- */

/* Build, encode, decode and stream; whatever fails, nothing is left and results are untouched. */
static aeon_status whole_life(const ae_vocab *v, aeon_error *e)
{
    static const char text[] = "hello <tool> hello hellohellohellohellohellohellohello \xFF";
    aeon_tokenizer *t = NULL;
    aeon_tokens ids = {0};
    aeon_text out = {0};
    aeon_status status = ae_tokenizer_new(&t, v, e);
    if (status == AEON_OK) {
        status = aeon_tokenizer_encode(t, text, strlen(text), AEON_ENCODE_BOS, &ids, e);
        if (status != AEON_OK) assert_int_equal(ids.n, 0);
    }
    if (status == AEON_OK) {
        status = aeon_tokenizer_decode(t, ids.ids, ids.n, true, &out, e);
        if (status != AEON_OK) assert_int_equal(out.len, 0);
    }
    aeon_detokenizer d = {.tokenizer = t};
    for (size_t i = 0; i < ids.n && status == AEON_OK; i++) {
        size_t len = out.len;
        status = aeon_detokenizer_push(&d, ids.ids[i], &out, e);
        if (status != AEON_OK) assert_int_equal(out.len, len);
    }
    aeon_text_release(&out);
    aeon_tokens_release(&ids);
    ae_tokenizer_free(t);
    return status;
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        if (kind == 0) {
            toy_bpe(&vocab, "gpt-4o");
            toy_merge(&vocab, "h", "e");
        } else {
            toy_spm(&vocab);
            toy_token(&vocab, "he", AE_TOKEN_NORMAL, -1);
        }
        toy_token(&vocab, "<tool>", AE_TOKEN_USER_DEFINED, 0);
        size_t before = aeon_memory_stats_get().current_bytes;
        bool done = false;
        for (uint64_t k = 1; !done; k++) {
            for (int persistent = 0; persistent < 2; persistent++) {
                ae_mem_fail_at(k, persistent);
                aeon_status status = whole_life(&vocab.vocab, &err);
                done = ae_mem_n_allocs() < k;
                ae_mem_fail_at(0, false);
                assert_int_equal(aeon_memory_stats_get().current_bytes, before);
                if (status != AEON_OK) assert_int_equal(status, AEON_OUT_OF_MEMORY);
                if (done) assert_int_equal(status, AEON_OK);
            }
            assert_true(k < 1000);
        }
    }
}

static void *encode_often(void *tokenizer)
{
    aeon_error e;
    for (int i = 0; i < 200; i++) {
        aeon_tokens ids = {0};
        if (aeon_tokenizer_encode(tokenizer, "hello, <tool> 123", 17, 0, &ids, &e) != AEON_OK ||
            ids.n != 11) {
            return "differs";
        }
        aeon_tokens_release(&ids);
    }
    return NULL;
}

static void threads_share_a_tokenizer(void **state)
{
    (void)state;
    toy_bpe(&vocab, "gpt-4o");
    toy_merge(&vocab, "h", "e");
    toy_token(&vocab, "<tool>", AE_TOKEN_USER_DEFINED, 0);
    aeon_tokenizer *t = toy_build(&vocab);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, encode_often, t), 0);
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    ae_tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lowest_rank_merges_first),
        cmocka_unit_test(short_and_long_pieces_follow_the_definition),
        cmocka_unit_test(whole_words_come_first_where_merges_are_ignored),
        cmocka_unit_test(every_byte_survives),
        cmocka_unit_test(million_equal_characters_encode_in_well_under_a_second),
        cmocka_unit_test(lacking_bytes_become_the_replacement_character),
        cmocka_unit_test(text_of_a_user_never_becomes_a_control_token),
        cmocka_unit_test(user_defined_tokens_match_everywhere_longest_first),
        cmocka_unit_test(start_token_is_written_where_the_model_expects_it),
        cmocka_unit_test(spellings_are_kept_for_files),
        cmocka_unit_test(best_score_merges_first),
        cmocka_unit_test(spaces_come_back),
        cmocka_unit_test(words_are_only_taken_apart_where_no_token_joins_them),
        cmocka_unit_test(unknown_characters_become_unk_without_byte_tokens),
        cmocka_unit_test(million_equal_characters_merge_by_score),
        cmocka_unit_test(lying_vocabularies_are_refused),
        cmocka_unit_test(fillers_and_odd_tokens_are_harmless),
        cmocka_unit_test(failed_allocations_leave_nothing),
        cmocka_unit_test(threads_share_a_tokenizer),
    };
    return cmocka_run_group_tests_name("tokenizer", tests, NULL, NULL);
}
