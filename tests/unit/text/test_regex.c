/* text/regex: what is found, what is refused, and that hostile patterns end. */
#include "text/regex.h"

#include "base/mem.h"
#include "check.h"

#include <string.h>

static aeon_error err;

static ae_regex_result find(const char *pattern, const char *text, size_t len)
{
    ae_regex *r;
    ae_regex_result result;
    CHECK_OK(ae_regex_new(&r, pattern, &err));
    CHECK_OK(ae_regex_find(r, text, len, &result, &err));
    ae_regex_free(r);
    return result;
}

static void expect(const char *pattern, const char *text, ae_regex_result wanted)
{
    if (find(pattern, text, strlen(text)) != wanted) fail_msg("%s in \"%s\"", pattern, text);
}

static void finds_what_is_there(void **state)
{
    (void)state;
    expect("\\[2\\]", "so says [2].", AE_REGEX_FOUND);
    expect("\\[[^2]\\]", "so says [2].", AE_REGEX_ABSENT);
    expect("answer: 42\\.?$", "6 * 7 = 42\nAnswer: 42.", AE_REGEX_FOUND);
    expect("answer: 42\\.?$", "Answer: 42.\n", AE_REGEX_FOUND);
    expect("answer: 42\\.?$", "Answer: 421", AE_REGEX_ABSENT);
    expect("^6", "5\n6", AE_REGEX_ABSENT); /* ^ is the start of the text alone */
    expect("a.b", "a\nb", AE_REGEX_ABSENT);
    expect("a.b", "a\rb", AE_REGEX_FOUND);
    expect("(?<![a-z])ann(?![a-z])", "It is Ann's.", AE_REGEX_FOUND);
    expect("(?<![a-z])ann(?![a-z])", "It is Anna's.", AE_REGEX_ABSENT);
    expect("\\bcaf\xC3\x89\\b", "a caf\xC3\xA9.", AE_REGEX_FOUND);
    expect("", "", AE_REGEX_FOUND);
}

static void takes_any_bytes(void **state)
{
    (void)state;
    assert_int_equal(find("b$", "a\0b", 3), AE_REGEX_FOUND);
    assert_int_equal(find("a\\x00b", "a\0b", 3), AE_REGEX_FOUND);
    assert_int_equal(find("b",
                          "\xFF"
                          "b\xC3",
                          3),
                     AE_REGEX_FOUND);
    assert_int_equal(find("a.b",
                          "a\xFF"
                          "b",
                          3),
                     AE_REGEX_ABSENT);
}

static void refuses_what_is_no_pattern(void **state)
{
    (void)state;
    static const char *const wrong[] = {"(", "[a", "a{2,1}", "*", "\\", "(?<n", "\xFF", "\\C"};
    ae_regex *r;
    char deep[1024], large[5000] = "";
    for (size_t i = 0; i < AE_COUNT(wrong); i++) {
        CHECK_FAILS(ae_regex_new(&r, wrong[i], &err), AEON_BAD_FORMAT);
        assert_non_null(strstr(err.text, "byte"));
    }
    memset(deep, '(', 500);
    memset(deep + 500, ')', 500);
    deep[1000] = 0;
    CHECK_FAILS(ae_regex_new(&r, deep, &err), AEON_BAD_FORMAT);
    memset(large, 'a', sizeof large - 1);
    CHECK_FAILS(ae_regex_new(&r, large, &err), AEON_BAD_FORMAT);
    CHECK_FAILS(ae_regex_new(&r, "(((a{1,9999}){1,9999}){1,9999})", &err), AEON_BAD_FORMAT);
}

static void gives_up_in_time(void **state)
{
    (void)state;
    static const char *const hostile[] = {"(a+)+$", "(a|a)*$", "(a|aa)+$", "((a*)*)*$",
                                          "^(([a-z])+.)+[A-Z]([a-z])+$"};
    char text[601];
    memset(text, 'a', 600);
    text[599] = '!';
    text[600] = 0;
    for (size_t i = 0; i < AE_COUNT(hostile); i++)
        assert_int_not_equal(find(hostile[i], text, 600), AE_REGEX_FOUND);
    expect("(a+)+$", text, AE_REGEX_GAVE_UP);
    expect("(?R)?a!", text, AE_REGEX_GAVE_UP); /* recursion without end */
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    size_t before = aeon_memory_stats_get().current_bytes;
    aeon_status status = AEON_OUT_OF_MEMORY;
    for (uint64_t k = 1; status != AEON_OK; k++) {
        ae_regex *r = NULL;
        ae_regex_result result;
        ae_mem_fail_at(k, false);
        status = ae_regex_new(&r, "(a|b)+c", &err);
        if (status == AEON_OK) status = ae_regex_find(r, "ababc", 5, &result, &err);
        ae_mem_fail_at(0, false);
        if (status != AEON_OK) assert_int_equal(status, AEON_OUT_OF_MEMORY);
        ae_regex_free(r);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_is_there),
        cmocka_unit_test(takes_any_bytes),
        cmocka_unit_test(refuses_what_is_no_pattern),
        cmocka_unit_test(gives_up_in_time),
        cmocka_unit_test(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("regex", tests, NULL, NULL);
}
