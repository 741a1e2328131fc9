/* text/split: what each rule makes of a text, and that no text makes it slow. */
#include "base/mem.h"
#include "check.h"
#include "text/split.h"
#include "text/utf8.h"
#include "text/vocab.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static aeon_error err;

/* Pieces are written one behind the other, each in brackets. */
static aeon_status write_piece(void *user, const char *piece, size_t len, aeon_error *e)
{
    aeon_text *out = user;
    TRY(aeon_text_append(out, "[", 1, e));
    TRY(aeon_text_append(out, piece, len, e));
    return aeon_text_append(out, "]", 1, e);
}

static void run(const char *name, const char *text, size_t len, aeon_text *out)
{
    ae_split *s;
    ae_split_state *m;
    CHECK_OK(ae_split_new(&s, name, &err));
    CHECK_OK(ae_split_state_new(&m, s, &err));
    out->len = 0;
    CHECK_OK(aeon_text_append(out, "", 0, &err));
    CHECK_OK(ae_split_run(m, text, len, write_piece, out, &err));
    ae_split_state_free(m);
    ae_split_free(s);
}

static const struct {
    const char *name, *text, *pieces;
} examples[] = {
    {"gpt-4o", "Hello, world!", "[Hello][,][ world][!]"},
    {"gpt-4o", "HTTPServer camelCase ABC", "[HTTPServer][ camel][Case][ ABC]"},
    {"gpt-4o", "it's we'LL", "[it's][ we'LL]"},
    {"gpt-4o", "1234567", "[123][456][7]"},
    {"gpt-4o", "a  b\n\n  c   ", "[a][ ][ b][\n\n][ ][ c][   ]"},
    {"gpt-4o", "x //\n/y", "[x][ //\n/][y]"},
    {"gpt-4o", "\xE1\xA0\x8E\xE1\xA0\x8E", "[\xE1\xA0\x8E\xE1\xA0\x8E]"}, /* U+180E: no space */
    {"gpt-4o",
     "a\xC2\x85\xC2\x85"
     "b",
     "[a][\xC2\x85][\xC2\x85"
     "b]"}, /* U+0085: a space */
    {"llama-bpe", "HTTPServer it's 12345", "[HTTPServer][ it]['s][ ][123][45]"},
    {"qwen2", "it's 123", "[it]['s][ ][1][2][3]"},
    {"gpt-2", "it's IT'S 123 (a)\n\nb", "[it]['s][ IT]['][S][ 123][ (][a][)][\n][\n][b]"},
    {"tekken", "camelCase it's 12", "[camel][Case][ it]['s][ ][1][2]"},
    {"smollm", "ab  12 c", "[ab][  ][1][2][ c]"},
    {"default", "a+b 1234", "[a][+][b][ ][123][4]"},
    {"gpt-4o", "", ""},
};

static void rules_cut_as_their_tokenizers_do(void **state)
{
    (void)state;
    aeon_text out = {0};
    for (size_t i = 0; i < AE_COUNT(examples); i++) {
        run(examples[i].name, examples[i].text, strlen(examples[i].text), &out);
        assert_string_equal(out.data, examples[i].pieces);
    }
    aeon_text_release(&out);
}

static size_t random_text(uint64_t *seed, char *out, size_t n_chars)
{
    static const char *const chars[] = {"a",  "B",  "1",        " ",        "\n",
                                        "\t", "'",  "s",        "!",        "/",
                                        "é",  "中", "\xCC\x81", "\xC2\xA0", "\xF0\x9F\x98\x80"};
    size_t len = 0;
    for (size_t i = 0; i < n_chars; i++) {
        const char *c = chars[check_random(seed) % AE_COUNT(chars)];
        memcpy(out + len, c, strlen(c));
        len += strlen(c);
    }
    return len;
}

static void interpreter_cuts_like_machine_code(void **state)
{
    (void)state;
    static const char *const names[] = {"gpt-4o", "llama-bpe", "gpt-2", "default"};
    uint64_t seed = 5;
    char text[400];
    aeon_text fast = {0}, slow = {0};
    for (int i = 0; i < 400; i++) {
        size_t len = random_text(&seed, text, check_random(&seed) % 100);
        run(names[i % 4], text, len, &fast);
        ae_split_forbid_jit(true);
        run(names[i % 4], text, len, &slow);
        ae_split_forbid_jit(false);
        assert_string_equal(fast.data, slow.data);
    }
    aeon_text_release(&fast);
    aeon_text_release(&slow);
}

static aeon_status count_bytes(void *user, const char *piece, size_t len, aeon_error *e)
{
    (void)piece, (void)e;
    *(size_t *)user += len;
    return AEON_OK;
}

/* One regex recursion per character once crashed tokenizers at 26,000 equal characters. */
static void million_equal_characters_split_in_linear_time(void **state)
{
    (void)state;
    static const char *const names[] = {"gpt-4o", "llama-bpe", "qwen2",  "gpt-2",
                                        "tekken", "smollm",    "default"};
    static const char *const chars[] = {
        "a",  "A", "ǅ", "ʰ", "中",       "\xCC\x81",         "7",  " ",        "\n",
        "\t", "!", "'", "/", "\xC2\xA0", "\xF0\x9F\x98\x80", "Aa", " \n  \t ", "'S"};
    enum { N = 1 << 20 };
    char *text = malloc(N);
    for (int jit = 1; jit >= 0; jit--) {
        ae_split_forbid_jit(!jit);
        for (size_t i = 0; i < AE_COUNT(names) * AE_COUNT(chars); i++) {
            const char *c = chars[i % AE_COUNT(chars)];
            size_t len = 0, seen = 0, n = jit ? N : N / 8;
            for (; len + strlen(c) <= n; len += strlen(c)) memcpy(text + len, c, strlen(c));
            ae_split *s;
            ae_split_state *m;
            CHECK_OK(ae_split_new(&s, names[i / AE_COUNT(chars)], &err));
            CHECK_OK(ae_split_state_new(&m, s, &err));
            clock_t begin = clock();
            CHECK_OK(ae_split_run(m, text, len, count_bytes, &seen, &err));
            /* it takes milliseconds; quadratic would be hours */
            assert_true(clock() - begin < 10 * CLOCKS_PER_SEC);
            assert_int_equal(seen, len);
            ae_split_state_free(m);
            ae_split_free(s);
        }
    }
    ae_split_forbid_jit(false);
    free(text);
}

static void names_and_spellings_are_known(void **state)
{
    (void)state;
    assert_string_equal(ae_vocab_split_find("llama3", 6), "llama-bpe");
    assert_string_equal(ae_vocab_split_find("gpt-4o", 6), "gpt-4o");
    assert_null(ae_vocab_split_find("gpt-4", 5));
    assert_null(ae_vocab_split_find("", 0));
    assert_null(ae_split_recognize("\\p{L}+", 6));
    ae_split *s = NULL;
    CHECK_FAILS(ae_split_new(&s, "nonsense", &err), AEON_UNSUPPORTED);
    CHECK_FAILS(ae_split_new(&s, NULL, &err), AEON_UNSUPPORTED);
    assert_null(s);
}

static void unfinished_characters_are_seen(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t unfinished, valid;
    } cases[] = {
        {"", 0, 0},
        {"a", 0, 1},
        {"\xC3", 1, 0},
        {"a\xC3", 1, 1},
        {"\xC3\xA9", 0, 2},
        {"\xE2\x82", 2, 0},
        {"\xF0\x9F\x98", 3, 0},
        {"\xF0\x9F\x98\x80", 0, 4},
        {"\x80\x80\x80", 0, 0}, /* continuations of nothing */
        {"\xC0", 0, 0},         /* never a character */
        {"\xF5", 0, 0},         /* above U+10FFFF */
        {"\xE0\x80", 0, 0},     /* overlong */
        {"\xED\xA0", 0, 0},     /* a surrogate */
        {"\xED\x9F", 2, 0},
        {"\xF4\x90", 0, 0}, /* above U+10FFFF */
        {"\xF0\x80", 0, 0}, /* overlong */
        {"\xE2\x28", 0, 0}, /* a character follows instead */
        {"ab\xFF"
         "cd",
         0, 2},
    };
    for (size_t i = 0; i < AE_COUNT(cases); i++) {
        size_t len = strlen(cases[i].text);
        assert_int_equal(ae_utf8_unfinished(cases[i].text, len), cases[i].unfinished);
        assert_int_equal(ae_utf8_valid_prefix(cases[i].text, len), cases[i].valid);
    }
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    size_t before = aeon_memory_stats_get().current_bytes;
    bool done = false;
    for (uint64_t k = 1; !done; k++) {
        ae_split *s = NULL;
        ae_split_state *m = NULL;
        ae_mem_fail_at(k, true);
        aeon_status status = ae_split_new(&s, "gpt-4o", &err);
        if (status == AEON_OK) status = ae_split_state_new(&m, s, &err);
        done = ae_mem_n_allocs() < k;
        ae_mem_fail_at(0, false);
        /* without memory for machine code the rule is interpreted */
        if (status != AEON_OK) assert_int_equal(status, AEON_OUT_OF_MEMORY);
        if (done) assert_int_equal(status, AEON_OK);
        ae_split_state_free(m);
        ae_split_free(s);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
        assert_true(k < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_cut_as_their_tokenizers_do),
        cmocka_unit_test(interpreter_cuts_like_machine_code),
        cmocka_unit_test(million_equal_characters_split_in_linear_time),
        cmocka_unit_test(names_and_spellings_are_known),
        cmocka_unit_test(unfinished_characters_are_seen),
        cmocka_unit_test(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("split", tests, NULL, NULL);
}
