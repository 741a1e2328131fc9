/* eval/check: every condition right and wrong, and what hostile checks and answers do to it. */
#include "eval/check.h"

#include "base/mem.h"
#include "check.h"
#include "text/json.h"

#include <stdlib.h>
#include <string.h>

static aeon_error err;

static aeon_status read_check(ae_check *c, json_t **json, const char *text)
{
    CHECK_OK(ae_json_value(json, text, strlen(text), "check", &err));
    return ae_check_read(c, *json, &err);
}

static aeon_verdict judge_bytes(const char *check, const char *answer, size_t len)
{
    ae_check c;
    json_t *json;
    aeon_verdict v;
    if (read_check(&c, &json, check) != AEON_OK) fail_msg("%s: %s", check, err.text);
    CHECK_OK(ae_check_judge(&c, answer, len, &v, &err));
    ae_check_release(&c);
    json_decref(json);
    return v;
}

static void right(const char *check, const char *answer)
{
    if (!judge_bytes(check, answer, strlen(answer)).is_right)
        fail_msg("%s refuses \"%s\"", check, answer);
}

static void wrong(const char *check, const char *answer)
{
    if (judge_bytes(check, answer, strlen(answer)).is_right)
        fail_msg("%s accepts \"%s\"", check, answer);
}

static void equals(void **state)
{
    (void)state;
    const char *check = "{\"equals\": [\"You live in Rome.\", \"Rome!\"]}";
    right(check, "You live in Rome.");
    right(check, " you LIVE in rome!\n");
    right(check, "Rome");
    wrong(check, "You live in Rome..");
    wrong(check, "You live in Rome. Yes.");
    wrong(check, "You live in");
    wrong(check, "");
    right("{\"equals\": [\"\"]}", " . ");
    wrong("{\"equals\": []}", "");
    right("{\"equals\": [\"caf\xC3\xA9\"]}", "Caf\xC3\xA9");
}

static void matches_and_lacks(void **state)
{
    (void)state;
    const char *check = "{\"matches\": [\"\\\\[2\\\\]\", \"tuesday\"], \"lacks\": "
                        "[\"\\\\[[^2]\\\\]\", \"sorry\"]}";
    right(check, "It is on Tuesday [2].");
    right(check, "[2] TUESDAY");
    wrong(check, "It is on Monday [2].");
    wrong(check, "It is on Tuesday [1].");
    wrong(check, "It is on Tuesday [2] [1].");
    wrong(check, "Sorry, it is on Tuesday [2].");
    right("{\"lacks\": [\"x\"]}", "");
    right("{\"matches\": [], \"lacks\": []}", "anything");
}

static void json(void **state)
{
    (void)state;
    const char *check = "{\"json\": {\"name\": \"Anna\", \"age\": 34, \"likes\": [\"tea\", null, "
                        "true, 1.5]}}";
    right(check, "{\"age\": 34, \"likes\":[\"tea\",null,true,1.50], \"name\":\"\\u0041nna\"}\n");
    right(check, "{\"age\": 34.0, \"likes\":[\"tea\",null,true,15e-1], \"name\":\"Anna\"}");
    wrong(check, "{\"age\": 34, \"likes\":[null,\"tea\",true,1.5], \"name\":\"Anna\"}");
    wrong(check, "{\"age\": 34, \"likes\":[\"tea\",null,true], \"name\":\"Anna\"}");
    wrong(check, "{\"age\": \"34\", \"likes\":[\"tea\",null,true,1.5], \"name\":\"Anna\"}");
    wrong(check, "{\"age\": 34, \"likes\":[\"tea\",null,true,1.5]}");
    wrong(check, "{\"age\": 34, \"likes\":[\"tea\",null,1,1.5], \"name\":\"Anna\"}");
    wrong(check, "{\"age\": 34, \"likes\":[\"tea\",null,true,1.5], \"name\":\"Anna\", \"x\": 0}");
    wrong(check, "{\"age\": 34, \"likes\":{}, \"name\":\"Anna\"}");
    right("{\"json\": []}", "[]");
    wrong("{\"json\": []}", "{}");
    right("{\"json\": \"a\"}", "\"a\"");
    right("{\"json\": null}", "null");
    wrong("{\"json\": null}", "nothing");
    right("{\"json\": 9007199254740993}", "9007199254740993");
    wrong("{\"json\": 9007199254740993}", "9007199254740992");

    assert_true(judge_bytes("{\"json\": 1}", "[2]", 3).is_json);
    assert_false(judge_bytes("{\"json\": 1}", "[2", 2).is_json);
    assert_false(judge_bytes("{\"json\": 1}", "[2] yes", 7).is_json);
    assert_false(judge_bytes("{\"json\": 1}", "{\"a\":1,\"a\":1}", 13).is_json);
    assert_false(judge_bytes("{\"equals\": [\"2\"]}", "2", 1).is_json); /* it was not asked for */
}

static void tool_calls(void **state)
{
    (void)state;
    const char *check =
        "{\"tool_calls\": [{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}]}";
    right(check, "<|tool_call|>[{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}]"
                 "<|/tool_call|>");
    right(check, " <|tool_call|> [{\"arguments\":{\"b\":2,\"a\":1},\"name\":\"add\"}] "
                 "<|/tool_call|>\n");
    static const char *const others[] = {
        "",
        "add",
        "<|tool_call|>",
        "<|/tool_call|>",
        "<|tool_call|><|/tool_call|>",
        "<|tool_call|>[]<|/tool_call|>",
        "<|tool_call|>[{\"name\": \"add\", \"argum",
        "<|tool_call|>[{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}]",
        "<|tool_call|>[{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}<|/tool_call|>",
        "<|tool_call|>{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}<|/tool_call|>",
        "<|tool_call|>[{\"name\": \"add\", \"arguments\": {\"a\": 2, \"b\": 1}}]<|/tool_call|>",
        "<|tool_call|>[{\"name\": \"sub\", \"arguments\": {\"a\": 1, \"b\": 2}}]<|/tool_call|>",
        "Sure! <|tool_call|>[{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}]"
        "<|/tool_call|>",
        "[{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}]",
        "<|tool_call|>[{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}, "
        "{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2}}]<|/tool_call|>",
    };
    for (size_t i = 0; i < AE_COUNT(others); i++) wrong(check, others[i]);
    right("{\"tool_calls\": []}", "<|tool_call|>[]<|/tool_call|>");
}

static void all_conditions_hold_together(void **state)
{
    (void)state;
    const char *check = "{\"equals\": [\"[1]\"], \"matches\": [\"1\"], \"lacks\": [\"2\"], "
                        "\"json\": [1]}";
    right(check, "[1]");
    right(check, " [1]\n");
    wrong(check, "[1.0]"); /* JSON that equals, a text that does not */
    wrong("{\"equals\": [\"1\"], \"matches\": [\"2\"]}", "1");
}

static void answers_of_any_bytes(void **state)
{
    (void)state;
    assert_false(judge_bytes("{\"equals\": [\"a\"]}", "a\0b", 3).is_right);
    assert_true(judge_bytes("{\"matches\": [\"b$\"]}", "a\0b", 3).is_right);
    assert_false(judge_bytes("{\"json\": 1}", "1\0", 2).is_json);
    assert_false(judge_bytes("{\"json\": 1}", "\"\xFF\"", 3).is_json);

    enum { DEPTH = 100000 };
    char *deep = malloc(DEPTH);
    assert_non_null(deep);
    memset(deep, '[', DEPTH);
    assert_false(judge_bytes("{\"json\": 1}", deep, DEPTH).is_json);
    free(deep);
}

/* What cannot be decided in time holds neither way. */
static void hostile_patterns_decide_nothing(void **state)
{
    (void)state;
    char text[402];
    memset(text, 'a', 400);
    memcpy(text + 400, "!", 2);
    wrong("{\"matches\": [\"(a+)+$\"]}", text);
    wrong("{\"lacks\": [\"(a+)+$\"]}", text);
}

static void bad_checks_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *check, *says;
    } cases[] = {
        {"[]", "object"},
        {"{}", "condition"},
        {"{\"equal\": [\"a\"]}", "unknown condition \"equal\""},
        {"{\"equals\": \"a\"}", "list"},
        {"{\"equals\": [1]}", "item 1"},
        {"{\"matches\": [\"a\", null]}", "item 2"},
        {"{\"matches\": [\"(\"]}", "regular expression"},
        {"{\"matches\": [\"a\"], \"lacks\": [\"b\", \"[\"]}", "regular expression"},
        {"{\"lacks\": {}}", "list"},
        {"{\"tool_calls\": {}}", "calls"},
        {"{\"tool_calls\": [1]}", "calls"},
        {"{\"tool_calls\": [{\"name\": \"add\"}]}", "calls"},
    };
    size_t before = aeon_memory_stats_get().current_bytes;
    for (size_t i = 0; i < AE_COUNT(cases); i++) {
        ae_check c;
        json_t *json;
        assert_int_equal(read_check(&c, &json, cases[i].check), AEON_BAD_FORMAT);
        if (!strstr(err.text, cases[i].says)) fail_msg("%s: %s", cases[i].check, err.text);
        json_decref(json);
    }
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals),
        cmocka_unit_test(matches_and_lacks),
        cmocka_unit_test(json),
        cmocka_unit_test(tool_calls),
        cmocka_unit_test(all_conditions_hold_together),
        cmocka_unit_test(answers_of_any_bytes),
        cmocka_unit_test(hostile_patterns_decide_nothing),
        cmocka_unit_test(bad_checks_are_refused),
    };
    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
