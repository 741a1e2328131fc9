/* text/vocab_json: tokenizer.json as checkpoints write it, and as attackers do. */
#include "base/mem.h"
#include "check.h"
#include "text/vocab.h"

#include <stdlib.h>
#include <string.h>

static aeon_error err;

/* ---- a small file, put together from parts -----------------------------------------------------
 */

#define O200K_REGEX                                                                                \
    "[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*[\\\\p{Ll}"      \
    "\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?"     \
    "[\\\\p{Lu}\\\\p{Lt}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]+[\\\\p{Ll}\\\\p{Lm}\\\\p{Lo}\\\\p{M}]*"        \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n/]*|"       \
    "\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"
#define QWEN2_REGEX                                                                                \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}| "              \
    "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"
#define BYTE_LEVEL(regex)                                                                          \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":" regex "}"
#define SPLIT(regex)                                                                               \
    "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":"        \
    "\"" regex "\"},\"behavior\":\"Isolated\"}," BYTE_LEVEL("false") "]}"
#define LLAMA_NORMALIZER                                                                           \
    "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":\"\\u2581\"},"      \
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\\u2581\"}]}"

/* The 256 bytes with ids 0-255, spelled. */
static void append_bytes(aeon_text *out, bool is_spm)
{
    char line[32];
    for (int b = 0, next = 256; b < 256; b++) {
        bool is_printable = (b > 32 && b < 127) || (b > 160 && b != 173);
        if (is_spm) {
            snprintf(line, sizeof line, "\"<0x%02X>\":%d,", b, b);
        } else {
            snprintf(line, sizeof line, "\"\\u%04x\":%d,", is_printable ? b : next, b);
        }
        next += !is_printable;
        CHECK_OK(aeon_text_append(out, line, strlen(line), &err));
    }
}

typedef struct {
    const char *normalizer, *pre_tokenizer, *vocab, *merges, *added, *model, *rest;
} parts;

/* The whole file; overwritten by the next call. */
static const char *write_parts(const parts *p)
{
    static char text[20000];
    aeon_text bytes = {0};
    append_bytes(&bytes, p->normalizer && strstr(p->normalizer, "Replace"));
    int n = snprintf(text, sizeof text,
                     "{\"normalizer\":%s,\"pre_tokenizer\":%s,\"added_tokens\":[%s],%s"
                     "\"model\":{\"type\":\"BPE\",%s\"vocab\":{%s%s},\"merges\":[%s]}}",
                     p->normalizer ? p->normalizer : "null",
                     p->pre_tokenizer ? p->pre_tokenizer : SPLIT(O200K_REGEX),
                     p->added ? p->added : "", p->rest ? p->rest : "", p->model ? p->model : "",
                     bytes.data, p->vocab ? p->vocab : "\"ab\":256", p->merges ? p->merges : "");
    aeon_text_release(&bytes);
    assert_in_range(n, 1, sizeof text - 1);
    return text;
}

static aeon_status read_parts(const parts *p, ae_vocab *v)
{
    const char *text = write_parts(p);
    return ae_vocab_from_json(v, text, strlen(text), "tokenizer.json", &err);
}

static void check_vocab_ids(const ae_vocab *v, const char *text, const int32_t *expected, size_t n)
{
    aeon_tokenizer *t;
    aeon_tokens ids = {0};
    CHECK_OK(ae_tokenizer_new(&t, v, &err));
    CHECK_OK(aeon_tokenizer_encode(t, text, strlen(text), 0, &ids, &err));
    assert_int_equal(ids.n, n);
    for (size_t i = 0; i < n; i++) assert_int_equal(ids.ids[i], expected[i]);
    aeon_tokens_release(&ids);
    ae_tokenizer_free(t);
}
#define CHECK_IDS(v, text, ...)                                                                    \
    check_vocab_ids(v, text, (const int32_t[]){__VA_ARGS__},                                       \
                    sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

/* ---- what checkpoints write --------------------------------------------------------------------
 */

static void byte_level_vocabulary_is_read(void **state)
{
    (void)state;
    ae_vocab v;
    parts p = {.vocab = "\"ab\":256,\"\\u0120a\":257,\"abc\":300",
               .merges = "\"a b\",[\"\\u0120\",\"a\"],[\"ab\",\"c\"]",
               .added = "{\"id\":301,\"content\":\"<|end|>\",\"special\":true},"
                        "{\"id\":302,\"content\":\"<tool>\",\"special\":false}",
               .model = "\"ignore_merges\":true,\"unk_token\":null,"};
    CHECK_OK(read_parts(&p, &v));
    assert_int_equal(v.kind, AE_VOCAB_BPE);
    assert_string_equal(v.split, "gpt-4o");
    assert_int_equal(v.n_tokens, 303);
    assert_int_equal(v.n_merges, 3);
    assert_true(v.ignore_merges);
    assert_false(v.add_bos);
    assert_int_equal(v.bos, -1);
    assert_int_equal(v.unk, -1);
    assert_int_equal(v.tokens[299].kind, AE_TOKEN_UNUSED); /* a gap */
    assert_int_equal(v.tokens[301].kind, AE_TOKEN_CONTROL);
    assert_int_equal(v.tokens[302].kind, AE_TOKEN_USER_DEFINED);
    CHECK_IDS(&v, "abc ab a<tool>", 300, 32, 256, 257, 302);
    ae_vocab_release(&v);
    assert_null(v.owner);
}

static void split_rules_are_recognized(void **state)
{
    (void)state;
    static const char digits[] = "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\","
                                 "\"individual_digits\":true}," BYTE_LEVEL("true") "]}";
    static const char *const cases[][2] = {{SPLIT(O200K_REGEX), "gpt-4o"},
                                           {SPLIT(QWEN2_REGEX), "qwen2"},
                                           {BYTE_LEVEL("true"), "gpt-2"},
                                           {"{\"type\":\"ByteLevel\"}", "gpt-2"},
                                           {digits, "smollm"}};
    for (size_t i = 0; i < AE_COUNT(cases); i++) {
        ae_vocab v;
        parts p = {.pre_tokenizer = cases[i][0], .normalizer = i % 2 ? "{\"type\":\"NFC\"}" : NULL};
        CHECK_OK(read_parts(&p, &v));
        assert_string_equal(v.split, cases[i][1]);
        ae_vocab_release(&v);
    }
}

static void start_token_is_seen_in_the_post_processor(void **state)
{
    (void)state;
    ae_vocab v;
    parts p = {.rest =
                   "\"post_processor\":{\"type\":\"Sequence\",\"processors\":[{\"type\":"
                   "\"ByteLevel\"},{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\""
                   ":{\"id\":\"<s>\"}},{\"Sequence\":{\"id\":\"A\"}}]}]},"};
    CHECK_OK(read_parts(&p, &v));
    assert_true(v.add_bos);
    ae_vocab_release(&v);
    p.rest = "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":{}}]},";
    CHECK_OK(read_parts(&p, &v));
    assert_false(v.add_bos);
    ae_vocab_release(&v);
}

static void metaspace_vocabulary_becomes_scores(void **state)
{
    (void)state;
    ae_vocab v;
    parts p = {.normalizer = LLAMA_NORMALIZER,
               .pre_tokenizer = "null",
               .vocab = "\"<unk>\":256,\"\\u2581\":257,\"a\":258,\"b\":259,\"ab\":260,"
                        "\"\\u2581a\":261,\"aba\":262,\"bb\":263,\"ba\":264",
               .merges = "\"\\u2581 a\",\"a b\",\"ab a\",\"a ba\"",
               .model = "\"byte_fallback\":true,\"unk_token\":\"<unk>\",",
               .added = "{\"id\":256,\"content\":\"<unk>\",\"special\":true}"};
    CHECK_OK(read_parts(&p, &v));
    assert_int_equal(v.kind, AE_VOCAB_SPM);
    assert_true(v.add_space_prefix);
    assert_int_equal(v.unk, 256);
    assert_int_equal(v.tokens[0x41].kind, AE_TOKEN_BYTE);
    assert_true(v.tokens[261].score > v.tokens[260].score);
    CHECK_IDS(&v, "ab", 261, 259);
    CHECK_IDS(&v, "bab", 257, 259, 260);
    CHECK_IDS(&v, "baba", 257, 259, 262);
    CHECK_IDS(&v, "bb", 257, 259, 259); /* a token that no merge makes */
    CHECK_IDS(&v, "é", 257, 0xC3, 0xA9);
    ae_vocab_release(&v);

    p.normalizer = "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\\u2581\"}";
    CHECK_OK(read_parts(&p, &v));
    assert_false(v.add_space_prefix);
    CHECK_IDS(&v, "ab", 260);
    ae_vocab_release(&v);
    p.pre_tokenizer = "{\"type\":\"Metaspace\",\"replacement\":\"\\u2581\",\"prepend_scheme\":"
                      "\"first\",\"split\":false}";
    CHECK_OK(read_parts(&p, &v));
    assert_true(v.add_space_prefix);
    ae_vocab_release(&v);
    p.merges = "\"b b\",\"a x\"";
    CHECK_FAILS(read_parts(&p, &v), AEON_BAD_FORMAT); /* "ax" is no token */
}

/* ---- what is refused ---------------------------------------------------------------------------
 */

static void unsupported_kinds_are_named(void **state)
{
    (void)state;
    static const struct {
        parts p;
        const char *named;
    } cases[] = {
        {{.pre_tokenizer = SPLIT("\\\\w+")}, "\\w+"},
        {{.pre_tokenizer = "{\"type\":\"Whitespace\"}"}, "Whitespace"},
        {{.pre_tokenizer = "{\"type\":\"\\u001b[2J\"}"}, "'?[2J'"}, /* would clear the screen */
        {{.pre_tokenizer = "null"}, "none"},
        {{.pre_tokenizer = BYTE_LEVEL("false")}, "ByteLevel without a split"},
        {{.pre_tokenizer = "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}"},
         "add_prefix_space"},
        {{.pre_tokenizer = "{\"type\":\"Metaspace\",\"replacement\":\"\\u2581\"}"}, "splits"},
        {{.pre_tokenizer = "{\"type\":\"Split\",\"pattern\":{\"String\":\" \"}}"}, "by a string"},
        {{.normalizer = "{\"type\":\"Lowercase\"}"}, "Lowercase"},
        {{.normalizer = LLAMA_NORMALIZER}, "ByteLevel and metaspace"},
        {{.model = "\"continuing_subword_prefix\":\"##\","}, "##"},
        {{.model = "\"end_of_word_suffix\":\"</w>\","}, "</w>"},
    };
    size_t before = aeon_memory_stats_get().current_bytes;
    for (size_t i = 0; i < AE_COUNT(cases); i++) {
        ae_vocab v;
        CHECK_FAILS(read_parts(&cases[i].p, &v), AEON_UNSUPPORTED);
        if (!strstr(err.text, cases[i].named)) fail_msg("%s: %s", cases[i].named, err.text);
    }
    ae_vocab v;
    static const char unigram[] = "{\"model\":{\"type\":\"Unigram\"},\"pre_tokenizer\":"
                                  "{\"type\":\"ByteLevel\"}}";
    CHECK_FAILS(ae_vocab_from_json(&v, unigram, strlen(unigram), "t", &err), AEON_UNSUPPORTED);
    assert_non_null(strstr(err.text, "Unigram"));
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

static void hostile_vocabularies_are_refused(void **state)
{
    (void)state;
    static const parts cases[] = {
        {.vocab = "\"x\":-1"},
        {.vocab = "\"x\":1048576"},    /* beyond every known vocabulary */
        {.vocab = "\"x\":2147483648"}, /* negative as int32 */
        {.vocab = "\"x\":4294967296"}, /* 0 as uint32 */
        {.vocab = "\"x\":9223372036854775807"},
        {.vocab = "\"x\":99999999999999999999"},
        {.vocab = "\"x\":1.5"},
        {.vocab = "\"x\":\"7\""},
        {.vocab = "\"x\":null"},
        {.vocab = "\"x\":256,\"y\":256"}, /* one id, two tokens */
        {.vocab = "\"x\":256,\"x\":257"}, /* one token, two ids */
        {.vocab = "\"\\u0000\":256"},
        {.vocab = "\"\\ud800\":256"},
        {.added = "{\"id\":-5,\"content\":\"x\"}"},
        {.added = "{\"id\":4294967296,\"content\":\"x\"}"},
        {.added = "{\"content\":\"x\"}"},
        {.added = "{\"id\":300}"},
        {.added = "{\"id\":300,\"content\":\"\"}"},
        {.added = "{\"id\":97,\"content\":\"<|end|>\"}"}, /* takes the place of "a" */
        {.added = "7"},
        {.merges = "\"ab\""},
        {.merges = "\"a b c\""},
        {.merges = "\" b\""},
        {.merges = "\"a \""},
        {.merges = "\"\""},
        {.merges = "[\"a\"]"},
        {.merges = "[\"a\",\"b\",\"c\"]"},
        {.merges = "[\"a\",7]"},
        {.merges = "[\"\",\"b\"]"},
        {.merges = "7"},
    };
    size_t before = aeon_memory_stats_get().current_bytes;
    for (size_t i = 0; i < AE_COUNT(cases); i++) {
        ae_vocab v = {.n_tokens = 77};
        CHECK_FAILS(read_parts(&cases[i], &v), AEON_BAD_FORMAT);
        assert_int_equal(v.n_tokens, 77);
    }
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

static void merges_of_unknown_parts_are_refused(void **state)
{
    (void)state;
    ae_vocab v;
    aeon_tokenizer *t;
    parts p = {.merges = "\"zz b\""};
    CHECK_OK(read_parts(&p, &v));
    CHECK_FAILS(ae_tokenizer_new(&t, &v, &err), AEON_BAD_FORMAT);
    ae_vocab_release(&v);
}

#define BYTES_AND(model) "{\"pre_tokenizer\":{\"type\":\"ByteLevel\"},\"model\":" model "}"

static void text_that_is_no_tokenizer_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "null",
        "7",
        "\"x\"",
        "{}",
        "{\"model\":[]}",
        "{\"model\":{}}",
        "\xFF\xFE",
        BYTES_AND("{\"vocab\":{}}"),
        BYTES_AND("{\"vocab\":[1]}"),
        BYTES_AND("{\"vocab\":{\"a\":0}}"),
        BYTES_AND("{\"vocab\":{\"a\":0},\"merges\":{}}"),
        "{\"pre_tokenizer\":[{}],\"normalizer\":7,\"model\":{}}",
        "{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":7},\"model\":{}}"};
    for (size_t i = 0; i < AE_COUNT(texts); i++) {
        ae_vocab v;
        err.text[0] = 0;
        aeon_status status = ae_vocab_from_json(&v, texts[i], strlen(texts[i]), "t.json", &err);
        assert_true(status == AEON_BAD_FORMAT || status == AEON_UNSUPPORTED);
        assert_non_null(strstr(err.text, "t.json"));
    }
}

/* The parser recurses for every level. */
static void nesting_3000_deep_is_refused(void **state)
{
    (void)state;
    enum { DEEP = 3000 };
    static char text[3 * DEEP];
    for (int kind = 0; kind < 2; kind++) {
        size_t n = 0;
        for (int i = 0; i < DEEP; i++) {
            const char *open = kind ? "{\"\":" : "[";
            if (n + strlen(open) > sizeof text) break;
            memcpy(text + n, open, strlen(open));
            n += strlen(open);
        }
        ae_vocab v;
        CHECK_FAILS(ae_vocab_from_json(&v, text, n, "t", &err), AEON_BAD_FORMAT);
        assert_non_null(strstr(err.text, "nested"));
    }
    /* 65 levels are too many, and brackets inside strings are no levels */
    for (int depth = 64; depth <= 65; depth++) {
        static const char inside[] = "\"[[[[[[\\\"[[[[[[\"";
        size_t n = (size_t)depth;
        memset(text, '[', n);
        memcpy(text + n, inside, sizeof inside - 1);
        memset(text + n + sizeof inside - 1, ']', n);
        ae_vocab v;
        CHECK_FAILS(ae_vocab_from_json(&v, text, 2 * n + sizeof inside - 1, "t", &err),
                    AEON_BAD_FORMAT);
        assert_int_equal(strstr(err.text, "nested") != NULL, depth == 65);
    }
}

static void millions_of_values_are_refused(void **state)
{
    (void)state;
    enum { N = 6 << 20 };
    char *text = malloc(N);
    for (size_t i = 0; i < N; i += 2) memcpy(text + i, "7,", 2);
    text[0] = '[';
    ae_vocab v;
    CHECK_FAILS(ae_vocab_from_json(&v, text, N, "t", &err), AEON_BAD_FORMAT);
    assert_non_null(strstr(err.text, "values"));
    free(text);
}

static void damaged_files_do_no_harm(void **state)
{
    (void)state;
    static const char good[] =
        "{\"added_tokens\":[{\"id\":3,\"content\":\"<s>\",\"special\":true}],\"pre_tokenizer\":"
        "{\"type\":\"ByteLevel\",\"use_regex\":true},\"model\":{\"type\":\"BPE\",\"vocab\":"
        "{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\",[\"a\",\"b\"]]}}";
    size_t before = aeon_memory_stats_get().current_bytes;
    uint64_t seed = 17;
    for (int round = 0; round < 20000; round++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        size_t len = sizeof good - 1;
        if (round % 4 == 0) len = check_random(&seed) % sizeof good;
        for (uint64_t n = check_random(&seed) % 4; n > 0; n--) {
            static const char bytes[] = "\"{}[],:0179-\\u \xFF";
            text[check_random(&seed) % (sizeof good - 1)] =
                bytes[check_random(&seed) % (sizeof bytes - 1)];
        }
        ae_vocab v;
        if (ae_vocab_from_json(&v, text, len, "t", &err) != AEON_OK) continue;
        aeon_tokenizer *t = NULL;
        if (ae_tokenizer_new(&t, &v, &err) == AEON_OK) ae_tokenizer_free(t);
        ae_vocab_release(&v);
    }
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    size_t before = aeon_memory_stats_get().current_bytes;
    parts p = {.normalizer = LLAMA_NORMALIZER,
               .pre_tokenizer = "null",
               .vocab = "\"a\":256,\"aa\":257",
               .merges = "\"a a\""};
    const char *text = write_parts(&p);
    bool done = false;
    for (uint64_t k = 1; !done; k++) {
        ae_vocab v;
        ae_mem_fail_at(k, true);
        aeon_status status = ae_vocab_from_json(&v, text, strlen(text), "t", &err);
        done = ae_mem_n_allocs() < k;
        ae_mem_fail_at(0, false);
        assert_int_equal(status, done ? AEON_OK : AEON_OUT_OF_MEMORY);
        if (done) ae_vocab_release(&v);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(byte_level_vocabulary_is_read),
        cmocka_unit_test(split_rules_are_recognized),
        cmocka_unit_test(start_token_is_seen_in_the_post_processor),
        cmocka_unit_test(metaspace_vocabulary_becomes_scores),
        cmocka_unit_test(unsupported_kinds_are_named),
        cmocka_unit_test(hostile_vocabularies_are_refused),
        cmocka_unit_test(merges_of_unknown_parts_are_refused),
        cmocka_unit_test(text_that_is_no_tokenizer_is_refused),
        cmocka_unit_test(nesting_3000_deep_is_refused),
        cmocka_unit_test(millions_of_values_are_refused),
        cmocka_unit_test(damaged_files_do_no_harm),
        cmocka_unit_test(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("vocab_json", tests, NULL, NULL);
}
