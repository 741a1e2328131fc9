/* eval/suite: reading, what is refused and where, selecting. */
#include "eval/suite.h"

#include "base/mem.h"
#include "check.h"

#include <string.h>

static aeon_error err;

#define USER(text) "{\"role\":\"user\",\"content\":\"" text "\"}"
#define ASK(family, question)                                                                      \
    "{\"family\":\"" family                                                                        \
    "\",\"messages\":[" USER(question) "],\"check\":{\"equals\":[\"yes\"]},\"answer\":\"yes\"}\n"

static aeon_suite *parse(const char *text)
{
    aeon_suite *s;
    CHECK_OK(ae_suite_parse(&s, text, strlen(text), "s.jsonl", &err));
    return s;
}

static void reads_questions_in_order(void **state)
{
    (void)state;
    aeon_suite *s =
        parse(ASK("b", "1") "\n \t\r\n" ASK("a", "2")
                  ASK("b", "3") "{\"family\":\"c\",\"messages\":[{\"role\":\"system\",\"content\":"
                                "\"S\",\"tools\":[1]},"
                                "{\"role\":\"tool\",\"content\":\"4\"}],\"check\":{\"json\":4}}");
    assert_int_equal(aeon_suite_n(s), 4);
    assert_string_equal(aeon_suite_family_at(s, 0), "b");
    assert_string_equal(aeon_suite_family_at(s, 1), "a");
    assert_string_equal(aeon_suite_family_at(s, 2), "c");
    assert_null(aeon_suite_family_at(s, 3));
    assert_int_equal(s->questions[1].line, 4);
    aeon_question q = aeon_suite_question(s, 3);
    assert_string_equal(q.family, "c");
    assert_int_equal(q.n_messages, 2);
    assert_string_equal(q.messages[0].tools, "[1]");
    assert_string_equal(q.messages[1].role, "tool");
    assert_null(q.answer);
    assert_true(q.wants_json);
    q = aeon_suite_question(s, 2);
    assert_string_equal(q.messages[0].content, "3");
    assert_string_equal(q.answer, "yes");
    assert_false(q.wants_json);
    aeon_verdict v;
    CHECK_OK(aeon_suite_judge(s, 2, "Yes.", 4, &v, &err));
    assert_true(v.is_right);
    aeon_suite_free(s);
}

static void tools_of_a_line_are_those_of_its_system_message(void **state)
{
    (void)state;
    aeon_suite *s = parse(
        "{\"family\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"u\"}],\"tools\":[1],"
        "\"check\":{\"json\":4}}\n"
        "{\"family\":\"a\",\"messages\":[{\"role\":\"system\",\"content\":\"S\"},"
        "{\"role\":\"user\",\"content\":\"u\"}],\"tools\":[2],\"check\":{\"json\":4}}");
    for (size_t i = 0; i < 2; i++) {
        aeon_question q = aeon_suite_question(s, i);
        assert_int_equal(q.n_messages, 2);
        assert_string_equal(q.messages[0].role, "system");
        assert_string_equal(q.messages[0].content, i ? "S" : "");
        assert_string_equal(q.messages[0].tools, i ? "[2]" : "[1]");
    }
    aeon_suite_free(s);
}

static void bad_lines_are_numbered(void **state)
{
    (void)state;
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"{\"family\":", "not JSON"},
        {"[]", "object"},
        {"\"text\"", "object"},
        {"\x01\xff\xfe", "not JSON"},
        {"{}", "family"},
        {"{\"family\":\"\"}", "family"},
        {"{\"family\":\"a\"}", "messages"},
        {"{\"family\":\"a\",\"messages\":[]}", "messages"},
        {"{\"family\":\"a\",\"messages\":{}}", "messages"},
        {"{\"family\":\"a\",\"messages\":[1]}", "role"},
        {"{\"family\":\"a\",\"messages\":[" USER("x") "]}", "check"},
        {"{\"family\":\"a\",\"messages\":[" USER("x") "],\"check\":{\"eq\":1}}", "\"eq\""},
        {"{\"family\":\"a\",\"messages\":[" USER("x") "],\"check\":{\"json\":1},\"answer\":1}",
         "answer"},
        {"{\"family\":\"a\",\"family\":\"b\"}", "duplicate"},
        {"{\"family\":\"a\",\"messages\":[" USER(
             "x") ",{\"role\":\"assistant\",\"content\":\"\"}]}",
         "not a question"},
    };
    size_t before = aeon_memory_stats_get().current_bytes;
    for (size_t i = 0; i < AE_COUNT(cases); i++) {
        char text[512];
        aeon_suite *s;
        snprintf(text, sizeof text, "\n%s%s\n%s", ASK("a", "1"), cases[i].line, ASK("a", "2"));
        CHECK_FAILS(ae_suite_parse(&s, text, strlen(text), "s.jsonl", &err), AEON_BAD_FORMAT);
        if (strncmp(err.text, "s.jsonl:3: ", 11) != 0 || !strstr(err.text, cases[i].says))
            fail_msg("%s: %s", cases[i].line, err.text);
    }
    aeon_suite *s;
    CHECK_FAILS(ae_suite_parse(&s, "\n \n", 3, "s.jsonl", &err), AEON_BAD_FORMAT);
    CHECK_FAILS(ae_suite_parse(&s, NULL, 0, "s.jsonl", &err), AEON_BAD_FORMAT);
    CHECK_FAILS(aeon_suite_load(&s, "/nonexistent/suite", &err), AEON_NOT_FOUND);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

static void selects_families_and_counts(void **state)
{
    (void)state;
    const char *text = ASK("b", "1") ASK("a", "2") ASK("b", "3") ASK("c", "4") ASK("b", "5");
    aeon_suite *s = parse(text);
    CHECK_OK(aeon_suite_select(s, NULL, 0, 0, &err));
    assert_int_equal(aeon_suite_n(s), 5);
    CHECK_OK(aeon_suite_select(s, (const char *[]){"c", "b"}, 2, 2, &err));
    assert_int_equal(aeon_suite_n(s), 3);
    assert_string_equal(aeon_suite_question(s, 1).messages[0].content, "3");
    assert_string_equal(aeon_suite_question(s, 2).family, "c");
    assert_string_equal(aeon_suite_family_at(s, 1), "c");
    assert_null(aeon_suite_family_at(s, 2));
    CHECK_FAILS(aeon_suite_select(s, (const char *[]){"a"}, 1, 0, &err), AEON_NOT_FOUND);
    assert_non_null(strstr(err.text, "there are: b, c"));
    CHECK_OK(aeon_suite_select(s, NULL, 0, 1, &err));
    assert_int_equal(aeon_suite_n(s), 2);
    aeon_suite_free(s);
}

static void the_builtin_suite_is_one(void **state)
{
    (void)state;
    aeon_suite *s;
    CHECK_OK(aeon_suite_load(&s, "builtin", &err));
    for (size_t i = 0; i < aeon_suite_n(s); i++) {
        aeon_question q = aeon_suite_question(s, i);
        aeon_verdict v;
        assert_non_null(q.answer);
        CHECK_OK(aeon_suite_judge(s, i, q.answer, strlen(q.answer), &v, &err));
        if (!v.is_right) fail_msg("%s: its own answer \"%s\" is wrong", q.family, q.answer);
    }
    aeon_suite_free(s);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    static const char text[] = ASK("a", "1") "{\"family\":\"b\",\"messages\":[" USER(
        "2") "],\"check\":{\"matches\":[\"a\",\"b\"],\"lacks\":[\"c\"]}}";
    size_t before = aeon_memory_stats_get().current_bytes;
    aeon_status status = AEON_OUT_OF_MEMORY;
    for (uint64_t k = 1; status != AEON_OK; k++) {
        aeon_suite *s = NULL;
        ae_mem_fail_at(k, false);
        status = ae_suite_parse(&s, text, sizeof text - 1, "s.jsonl", &err);
        if (status == AEON_OK) status = aeon_suite_select(s, NULL, 0, 1, &err);
        ae_mem_fail_at(0, false);
        if (status != AEON_OK) assert_int_equal(status, AEON_OUT_OF_MEMORY);
        aeon_suite_free(s);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_questions_in_order),
        cmocka_unit_test(tools_of_a_line_are_those_of_its_system_message),
        cmocka_unit_test(bad_lines_are_numbered),
        cmocka_unit_test(selects_families_and_counts),
        cmocka_unit_test(the_builtin_suite_is_one),
        cmocka_unit_test(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("suite", tests, NULL, NULL);
}
