/* text/messages: what data sets may write, and what they may not. */
#include "text/messages.h"

#include "base/status.h"
#include "check.h"

#include <string.h>

static aeon_error err;

static json_t *parse(const char *text)
{
    json_t *list = json_loads(text, 0, NULL);
    assert_non_null(list);
    return list;
}

static void reads_texts_and_tools(void **state)
{
    (void)state;
    aeon_message m[5];
    json_t *list = parse(
        "[{\"role\":\"system\",\"content\":\"Be brief.\",\"tools\":[{\"name\":\"add\",\"x\":0.1}]},"
        "{\"role\":\"user\",\"content\":\"1+2?\",\"tools\":null},"
        "{\"role\":\"assistant\",\"tool_calls\":"
        "[{\"name\":\"add\",\"arguments\":{\"a\":1,\"b\":2.5}}]},"
        "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"type\":\"function\","
        "\"function\":{\"name\":\"add\",\"arguments\":\"{\\\"a\\\":1}\"}}]},"
        "{\"role\":\"system\",\"content\":\"\",\"tools\":\"[as it is]\",\"other\":7}]");
    CHECK_OK(ae_messages_read(m, list, &err));
    assert_string_equal(m[0].role, "system");
    assert_string_equal(m[0].content, "Be brief.");
    assert_string_equal(m[0].tools, "[{\"name\": \"add\", \"x\": 0.1}]");
    assert_null(m[0].tool_calls);
    assert_string_equal(m[1].content, "1+2?");
    assert_null(m[1].tools);
    assert_null(m[2].content);
    assert_string_equal(m[2].tool_calls,
                        "[{\"name\": \"add\", \"arguments\": {\"a\": 1, \"b\": 2.5}}]");
    assert_string_equal(m[3].tool_calls, "[{\"name\": \"add\", \"arguments\": {\"a\": 1}}]");
    assert_string_equal(m[4].tools, "[as it is]");
    json_decref(list);
}

static void says_what_is_wrong(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "[1]",
        "[{\"role\":\"user\"}]",
        "[{\"content\":\"text\"}]",
        "[{\"role\":\"user\",\"content\":null}]",
        "[{\"role\":\"user\",\"content\":[\"parts\"]}]",
        "[{\"role\":\"assistant\",\"tool_calls\":\"add\"}]",
        "[{\"role\":\"assistant\",\"tool_calls\":[]}]",
        "[{\"role\":\"assistant\",\"tool_calls\":[{\"name\":\"add\"}]}]",
        "[{\"role\":\"assistant\",\"tool_calls\":[{\"name\":\"add\",\"arguments\":\"{\"}]}]",
    };
    for (size_t i = 0; i < AE_COUNT(wrong); i++) {
        aeon_message m[1];
        json_t *list = parse(wrong[i]);
        CHECK_FAILS(ae_messages_read(m, list, &err), AEON_BAD_FORMAT);
        json_decref(list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_texts_and_tools),
        cmocka_unit_test(says_what_is_wrong),
    };
    return cmocka_run_group_tests_name("messages", tests, NULL, NULL);
}
