/* Any bytes as a suite: refused by line, or questions whose checks judge any answer, in time. */
#include "fuzz.h"

#include "eval/suite.h"

static const char sample[] =
    "{\"family\":\"a\",\"messages\":[{\"role\":\"system\",\"content\":\"S\",\"tools\":[{\"x\":1}]},"
    "{\"role\":\"assistant\",\"tool_calls\":[{\"name\":\"f\",\"arguments\":{\"a\":1}}]},"
    "{\"role\":\"tool\",\"content\":\"1\"}],\"check\":{\"equals\":[\"a.\"],\"matches\":[\"(a|b)+$"
    "\","
    "\"\\\\[2\\\\]\"],\"lacks\":[\"x*y\"],\"json\":{\"a\":[1,2.5,null]},\"tool_calls\":"
    "[{\"name\":\"f\",\"arguments\":{\"a\":1}}]},\"answer\":\"<|tool_call|>[]<|/tool_call|>\"}\n"
    "{\"family\":\"b\",\"messages\":[{\"role\":\"user\",\"content\":\"q\"}],\"check\":{\"json\":1}}"
    "\n";

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    size = fuzz_start(data, size, max_size, seed, sample, sizeof sample - 1);
    return LLVMFuzzerMutate(data, size, max_size);
}

static void judge(const aeon_suite *s, size_t i, const char *text, size_t len)
{
    aeon_verdict v;
    aeon_error err = {0};
    aeon_status status = aeon_suite_judge(s, i, text, len, &v, &err);
    AEON_ASSERT(status == AEON_OK || err.text[0] != 0);
    if (status == AEON_OK) fuzz_sink = v.is_right + 2u * v.is_json;
}

static void use(aeon_suite *s, const char *text, size_t len)
{
    for (size_t i = 0; i < aeon_suite_n(s); i++) {
        aeon_question q = aeon_suite_question(s, i);
        AEON_ASSERT(q.n_messages > 0 && q.messages[0].role && q.family[0] != 0);
        if (q.answer) judge(s, i, q.answer, strlen(q.answer));
        judge(s, i, text, len < 256 ? len : 256);
        judge(s, i, "aaaaaaaaaaaaaaaaaaaaaaaa\xFF\0!", 27);
    }
    const char *family = aeon_suite_family_at(s, 0);
    AEON_ASSERT(aeon_suite_select(s, &family, 1, 1, NULL) == AEON_OK && aeon_suite_n(s) == 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aeon_suite *s;
    aeon_error err = {0};
    if (ae_suite_parse(&s, (const char *)data, size, "fuzz", &err) == AEON_OK) {
        use(s, (const char *)data, size);
        aeon_suite_free(s);
    } else {
        AEON_ASSERT(err.code == AEON_BAD_FORMAT && err.text[0] != 0);
    }
    AEON_ASSERT(aeon_memory_stats_get().current_bytes == 0);
    return 0;
}
