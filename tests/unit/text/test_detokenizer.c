/* text/decode: ids back to bytes, at once and as a stream. */
#include "text/tables.h"
#include "toy.h"

static aeon_error err;
static toy vocab;

static void ids_out_of_range_are_refused(void **state)
{
    (void)state;
    toy_bpe(&vocab, "gpt-4o");
    aeon_tokenizer *t = toy_build(&vocab);
    static const int32_t bad[] = {-1, 256, INT32_MAX, INT32_MIN};
    aeon_text text = {0};
    CHECK_OK(aeon_text_append(&text, "old", 3, &err));
    for (size_t i = 0; i < AE_COUNT(bad); i++) {
        aeon_detokenizer d = {.tokenizer = t};
        CHECK_FAILS(aeon_tokenizer_decode(t, (int32_t[]){'a', bad[i]}, 2, false, &text, &err),
                    AEON_INVALID_ARGUMENT);
        CHECK_FAILS(aeon_detokenizer_push(&d, bad[i], &text, &err), AEON_INVALID_ARGUMENT);
        assert_string_equal(text.data, "old");
    }
    aeon_text_release(&text);
    ae_tokenizer_free(t);
}

static void streamed_text_is_whole_characters_and_complete(void **state)
{
    (void)state;
    toy_bpe(&vocab, "gpt-4o");
    toy_merge(&vocab, "\xC3\xB0", "\xC4\xB1"); /* F0 9F... half a character */
    int32_t end = toy_token(&vocab, "<|end|>", AE_TOKEN_CONTROL, 0);
    aeon_tokenizer *t = toy_build(&vocab);
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
    aeon_tokens ids = {0};
    CHECK_OK(aeon_tokenizer_encode(t, text, strlen(text), 0, &ids, &err));
    CHECK_OK(aeon_tokens_push(&ids, end, &err));
    aeon_detokenizer d = {.tokenizer = t};
    aeon_text out = {0};
    for (size_t i = 0; i < ids.n; i++) {
        CHECK_OK(aeon_detokenizer_push(&d, ids.ids[i], &out, &err));
        assert_int_equal(strlen(out.data), out.len);
        for (size_t pos = 0, n; pos < out.len; pos += n) { /* never half a character */
            unsigned char c = (unsigned char)out.data[pos];
            n = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
            assert_true(pos + n <= out.len);
        }
    }
    assert_string_equal(out.data, text);
    d.with_control = true;
    CHECK_OK(aeon_detokenizer_push(&d, end, &out, &err));
    assert_string_equal(out.data + strlen(text), "<|end|>");
    aeon_tokens_release(&ids);
    aeon_text_release(&out);
    ae_tokenizer_free(t);
}

static void streamed_bytes_that_are_no_text_pass_as_they_are(void **state)
{
    (void)state;
    toy_bpe(&vocab, "gpt-4o");
    aeon_tokenizer *t = toy_build(&vocab);
    uint64_t seed = 11;
    for (int round = 0; round < 2000; round++) {
        aeon_detokenizer d = {.tokenizer = t};
        aeon_text whole = {0}, streamed = {0};
        CHECK_OK(
            aeon_text_append(&streamed, "\xE2", 1, &err)); /* what stood before is not touched */
        for (size_t n = check_random(&seed) % 20; n > 0; n--) {
            static const unsigned char bytes[] = {0xC3, 0xE2, 0xF0, 0xED, 0x80, 0x9F, 0xA9, 'a'};
            int32_t id = bytes[check_random(&seed) % sizeof bytes];
            CHECK_OK(aeon_tokenizer_decode(t, &id, 1, false, &whole, &err));
            CHECK_OK(aeon_detokenizer_push(&d, id, &streamed, &err));
            assert_true(d.n_held <= 3);
            assert_int_equal(streamed.len - 1 + d.n_held, whole.len);
        }
        CHECK_OK(aeon_detokenizer_flush(&d, &streamed, &err));
        assert_int_equal(streamed.len - 1, whole.len);
        if (whole.len) assert_memory_equal(streamed.data + 1, whole.data, whole.len);
        aeon_text_release(&whole);
        aeon_text_release(&streamed);
    }
    ae_tokenizer_free(t);
}

static void streamed_words_lose_only_the_first_space(void **state)
{
    (void)state;
    toy_spm(&vocab);
    int32_t a = toy_token(&vocab, AE_SPM_SPACE "a", AE_TOKEN_NORMAL, -1);
    aeon_tokenizer *t = toy_build(&vocab);
    aeon_detokenizer d = {.tokenizer = t};
    aeon_text out = {0};
    CHECK_OK(aeon_detokenizer_push(&d, a, &out, &err));
    CHECK_OK(aeon_detokenizer_push(&d, a, &out, &err));
    assert_string_equal(out.data, "a a");
    aeon_text_release(&out);
    ae_tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_out_of_range_are_refused),
        cmocka_unit_test(streamed_text_is_whole_characters_and_complete),
        cmocka_unit_test(streamed_bytes_that_are_no_text_pass_as_they_are),
        cmocka_unit_test(streamed_words_lose_only_the_first_space),
    };
    return cmocka_run_group_tests_name("detokenizer", tests, NULL, NULL);
}
