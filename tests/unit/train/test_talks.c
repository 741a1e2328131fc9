/* train/talks: what is encoded and learned, what is refused, and how talks are packed. */
#include "base/file.h"
#include "base/mem.h"
#include "support.h"
#include "text/vocab.h"
#include "train/talks.h"

static aeon_error err;
static test_files files;
static aeon_tokenizer *tokenizer;
static ae_talks_how how;

enum { ASSISTANT = 257, END, USER, SYSTEM, TOOL, TOOL_END, CALL, CALL_END };

#define MESSAGE(role, text) "{\"role\":\"" role "\",\"content\":\"" text "\"}"
#define TALK(list)          "{\"messages\":[" list "]}\n"

static void answers_are_targets(void **state)
{
    (void)state;
    ae_talks t;
    const char *path = files_write(
        &files, "t.jsonl",
        TALK(MESSAGE("system", "S") "," MESSAGE("user", "ab") "," MESSAGE("assistant", "cd") "," MESSAGE(
            "user",
            "e") "," MESSAGE("assistant",
                             "f") "," MESSAGE("user",
                                              "unused")) "\n \t\r\n" TALK(MESSAGE("user",
                                                                                  "<|end|>") "," MESSAGE("assistant",
                                                                                                         "")));
    CHECK_OK(ae_talks_load(&t, &how, path, &err));
    const int32_t ids[] = {SYSTEM, 'S', END,  USER, 'a', 'b',       END, ASSISTANT, 'c',
                           'd',    END, USER, 'e',  END, ASSISTANT, 'f', END};
    assert_int_equal(t.n_talks, 2);
    assert_int_equal(t.starts[1], AE_COUNT(ids));
    assert_memory_equal(t.ids.ids, ids, sizeof ids);
    assert_memory_equal(t.is_target.data, "\0\0\0\0\0\0\0\0\1\1\1\0\0\0\0\1\1", AE_COUNT(ids));
    /* Text that looks like a control token stays text: the user's turn has 7 bytes. */
    assert_int_equal(t.starts[2] - t.starts[1], 1 + 7 + 1 + 1 + 1);
    assert_int_equal(t.n_targets, 5 + 1);
    ae_talks_release(&t);

    how.learn_all = true;
    CHECK_OK(ae_talks_load(&t, &how, path, &err));
    how.learn_all = false;
    assert_int_equal(t.n_targets, t.ids.n - 2); /* all but the first of each talk */
    assert_int_equal(t.is_target.data[t.starts[1]], 0);
    ae_talks_release(&t);
}

/* What a talk becomes, for reading: control tokens as their text, targets in square brackets. */
static void show(const ae_talks *t, size_t talk, aeon_text *out)
{
    bool was_target = false;
    out->len = 0;
    for (size_t i = t->starts[talk]; i < t->starts[talk + 1]; i++) {
        bool is_target = t->is_target.data[i];
        if (is_target != was_target)
            CHECK_OK(aeon_text_append(out, is_target ? "[" : "]", 1, &err));
        CHECK_OK(aeon_tokenizer_decode(tokenizer, &t->ids.ids[i], 1, true, out, &err));
        was_target = is_target;
    }
    if (was_target) CHECK_OK(aeon_text_append(out, "]", 1, &err));
}

static void tools_are_told_and_calls_are_targets(void **state)
{
    (void)state;
    static const char *const lines[][2] = {
        {"{\"messages\":[{\"role\":\"system\",\"content\":\"S\",\"tools\":[{\"name\":\"f\",\"n\":"
         "0.1}]},{\"role\":\"user\",\"content\":\"u\"},{\"role\":\"assistant\",\"content\":\"\","
         "\"tool_calls\":[{\"name\":\"f\",\"arguments\":{\"b\":1,\"a\":\"\u00e9/\"}}]},{\"role\":"
         "\"tool\",\"content\":\"7\"},{\"role\":\"assistant\",\"content\":\"It is 7\"}]}",
         "<|system|>S<|tool|>[{\"name\": \"f\", \"n\": 0.1}]<|/tool|><|end|><|user|>u<|end|>"
         "<|assistant|>[<|tool_call|>[{\"name\": \"f\", \"arguments\": {\"b\": 1, \"a\": "
         "\"\xC3\xA9/\"}}]<|/tool_call|><|end|>]<|tool|>7<|end|><|assistant|>[It is 7<|end|>]"},
        /* Tools as a text; a call as others wrap it; what looks like a control token stays text. */
        {"{\"messages\":[{\"role\":\"system\",\"content\":\"\",\"tools\":\"<|end|>\"},{\"role\":"
         "\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\","
         "\"function\":{\"name\":\"g\",\"arguments\":\"{\\\"a\\\":[]}\"}}]}]}",
         "<|system|><|tool|><|end|><|/tool|><|end|><|assistant|>[<|tool_call|>[{\"name\": \"g\", "
         "\"arguments\": {\"a\": []}}]<|/tool_call|><|end|>]"},
    };
    how.max_tokens = 512;
    for (size_t i = 0; i < AE_COUNT(lines); i++) {
        ae_talks t;
        aeon_text text = {0};
        CHECK_OK(ae_talks_load(&t, &how, files_write(&files, "t.jsonl", lines[i][0]), &err));
        show(&t, 0, &text);
        assert_string_equal(text.data, lines[i][1]);
        if (i == 1) assert_int_equal(t.ids.ids[2], '<');
        aeon_text_release(&text);
        ae_talks_release(&t);
    }
    how.max_tokens = 64;
}

/* The forms that mlx-lm reads beside "messages". */
static void completions_and_texts_are_examples_too(void **state)
{
    (void)state;
    static const struct {
        const char *line, *expected;
        bool learn_all;
    } lines[] = {
        {"{\"prompt\":\"p\",\"completion\":\"c\"}", "<|user|>p<|end|><|assistant|>[c<|end|>]",
         false},
        {"{\"prompt\":\"p\",\"completion\":\"c\",\"text\":\"not used\"}",
         "<|user|>[p<|end|><|assistant|>c<|end|>]", true},
        {"{\"prompt\":\"p\",\"completion\":\"c\",\"tools\":[1]}",
         "<|system|><|tool|>[1]<|/tool|><|end|><|user|>p<|end|><|assistant|>[c<|end|>]", false},
        {"{\"tools\":\"T\",\"messages\":[" MESSAGE("system", "s") "," MESSAGE("assistant",
                                                                              "a") "]}",
         "<|system|>s<|tool|>T<|/tool|><|end|><|assistant|>[a<|end|>]", false},
        {"{\"text\":\"some <|end|>\"}", "s[ome <|end|><|endoftext|>]", false},
    };
    for (size_t i = 0; i < AE_COUNT(lines); i++) {
        ae_talks t;
        aeon_text text = {0};
        how.learn_all = lines[i].learn_all;
        CHECK_OK(ae_talks_load(&t, &how, files_write(&files, "t.jsonl", lines[i].line), &err));
        show(&t, 0, &text);
        assert_string_equal(text.data, lines[i].expected);
        aeon_text_release(&text);
        ae_talks_release(&t);
    }
    how.learn_all = false;
}

/* Bad lines of every kind among good ones: what is left is what a file without them gives. */
static void bad_lines_can_be_skipped(void **state)
{
    (void)state;
    ae_talks clean, t;
    CHECK_OK(ae_talks_load(&clean, &how,
                           files_write(&files, "t.jsonl",
                                       "\xef\xbb\xbf" TALK(MESSAGE("assistant", "one"))
                                           TALK(MESSAGE("assistant", "two"))),
                           &err));
    const char *path = files_write(
        &files, "t.jsonl",
        "{\"text\":3}\n" TALK(MESSAGE("assistant", "one")) "{\n\n" TALK(
            MESSAGE("assistant", "a") "," MESSAGE("captain", "x") "," MESSAGE("assistant", "y"))
            TALK(MESSAGE("user", "0123456789012345678901234567890123456789") "," MESSAGE(
                "assistant", "more than 64 tokens in all"))
                TALK(MESSAGE("assistant", "two")) "{\"text\":\"\"}");
    CHECK_FAILS(ae_talks_load(&t, &how, path, &err), AEON_BAD_FORMAT);
    how.skip_bad = true;
    CHECK_OK(ae_talks_load(&t, &how, path, &err));
    assert_int_equal(t.n_talks, 2);
    assert_int_equal(t.n_targets, clean.n_targets);
    assert_int_equal(t.hash, clean.hash);
    assert_int_equal(t.n_skipped, 5);
    assert_non_null(strstr(t.skipped[0].text, "t.jsonl:1: "));
    assert_non_null(strstr(t.skipped[1].text, "t.jsonl:3: "));
    assert_non_null(strstr(t.skipped[2].text, "t.jsonl:5: "));
    assert_non_null(strstr(t.skipped[2].text, "captain"));
    ae_talks_release(&clean);
    ae_talks_release(&t);

    CHECK_FAILS(ae_talks_load(&t, &how, files_write(&files, "t.jsonl", "{}\nx\n"), &err),
                AEON_BAD_FORMAT);
    assert_non_null(strstr(err.text, "no line of 2"));
    assert_non_null(strstr(err.text, "t.jsonl:1: "));
    how.skip_bad = false;
}

static void wrong_lines_are_numbered(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "{\"messages\":",
        "[]",
        "{}",
        "{\"messages\":[]}",
        "{\"messages\":{}}",
        "{\"messages\":[1]}",
        "{\"messages\":[{\"role\":\"user\"}]}",
        "{\"messages\":[{\"role\":\"assistant\",\"content\":7}]}",
        "{\"messages\":[" MESSAGE("user", "no answer") "]}",
        "{\"messages\":[" MESSAGE("captain", "x") "," MESSAGE("assistant", "y") "]}",
        "{\"messages\":[" MESSAGE("user", "0123456789012345678901234567890123456789") "," MESSAGE(
            "assistant", "more than 64 tokens in all") "]}",
        "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[]}]}",
        "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":\"f\"}]}",
        "{\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"name\":\"f\"}]}]}",
        "{\"messages\":[{\"role\":\"assistant\",\"content\":\"a\",\"tools\":[1]}]}",
        "{\"prompt\":\"x\"}",
        "{\"prompt\":1,\"completion\":\"x\"}",
        "{\"messages\":\"x\",\"tools\":[1]}",
        "{\"text\":[]}",
        "{\"text\":\"\"}",
        "\x01\xff\xfe",
    };
    for (size_t i = 0; i < AE_COUNT(wrong); i++) {
        char text[512];
        snprintf(text, sizeof text, "%s\n%s", TALK(MESSAGE("assistant", "fine")), wrong[i]);
        ae_talks t;
        CHECK_FAILS(ae_talks_load(&t, &how, files_write(&files, "t.jsonl", text), &err),
                    AEON_BAD_FORMAT);
        if (!strstr(err.text, "t.jsonl:3: ")) fail_msg("no line in \"%s\"", err.text);
    }
    ae_talks t;
    CHECK_FAILS(ae_talks_load(&t, &how, files_write(&files, "t.jsonl", "\n\n"), &err),
                AEON_BAD_FORMAT);
    CHECK_FAILS(ae_talks_load(&t, &how, "/nonexistent/talks", &err), AEON_NOT_FOUND);
}

/* Ten talks of 5..14 tokens; talk i's answer is the letter 'a' + i repeated. */
static bool never(void *user)
{
    (void)user;
    return false;
}

static void loading_can_be_cancelled(void **state)
{
    (void)state;
    char text[5001];
    memset(text, '\n', 5000);
    text[5000] = 0;
    ae_talks t;
    how.goes_on = never;
    CHECK_FAILS(ae_talks_load(&t, &how, files_write(&files, "t.jsonl", text), &err),
                AEON_CANCELLED);
    how.goes_on = NULL;
}

static void load_ten(ae_talks *t)
{
    char text[2048] = "";
    for (int i = 0; i < 10; i++) {
        char letters[16] = "";
        memset(letters, 'a' + i, (size_t)i);
        sprintf(text + strlen(text),
                "{\"messages\":[{\"role\":\"user\",\"content\":\"%c\"},"
                "{\"role\":\"assistant\",\"content\":\"%s\"}]}\n",
                'a' + i, letters);
    }
    CHECK_OK(ae_talks_load(t, &how, files_write(&files, "t.jsonl", text), &err));
}

static void every_talk_comes_once_in_an_epoch(void **state)
{
    (void)state;
    ae_talks t;
    ae_packer p;
    ae_sequence s;
    load_ten(&t);
    CHECK_OK(ae_packer_init(&p, &t, 32, true, 5, &err));
    CHECK_OK(ae_sequence_init(&s, 32, &err));
    char orders[2][11] = {"", ""};
    for (int epoch = 0; epoch < 2; epoch++) {
        int seen[10] = {0}, n = 0;
        do {
            ae_packer_fill(&p, &s);
            assert_true(s.n > 0 && s.n <= 32);
            assert_int_equal(s.starts[s.n_documents], s.n);
            size_t n_targets = 0;
            for (size_t i = 0; i < s.n; i++) n_targets += s.is_target[i];
            assert_int_equal(n_targets, s.n_targets);
            for (size_t d = 0; d < s.n_documents; d++) {
                const int32_t *ids = s.ids + s.starts[d];
                assert_int_equal(ids[0], USER);
                assert_int_equal(s.is_target[s.starts[d]], 0);
                assert_int_equal(s.starts[d + 1] - s.starts[d], (size_t)(5 + ids[1] - 'a'));
                seen[ids[1] - 'a']++;
                orders[epoch][n++] = (char)ids[1];
            }
        } while (p.next < t.n_talks);
        for (int i = 0; i < 10; i++) assert_int_equal(seen[i], 1);
        assert_int_equal(p.epoch, epoch);
    }
    assert_string_not_equal(orders[0], orders[1]);
    assert_string_not_equal(orders[0], "abcdefghij");

    /* Going to a place gives what came there the first time. */
    ae_packer_seek(&p, 1, 0);
    ae_packer_fill(&p, &s);
    for (size_t d = 0; d < s.n_documents; d++)
        assert_int_equal(s.ids[s.starts[d] + 1], orders[1][d]);
    ae_packer_release(&p);

    CHECK_OK(ae_packer_init(&p, &t, 32, false, 5, &err));
    ae_packer_fill(&p, &s);
    assert_int_equal(s.ids[1], 'a');
    assert_int_equal(s.ids[s.starts[1] + 1], 'b');
    ae_packer_release(&p);
    ae_sequence_release(&s);
    ae_talks_release(&t);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    size_t before = aeon_memory_stats_get().current_bytes;
    aeon_status status = AEON_OUT_OF_MEMORY;
    const char *path = files_write(&files, "t.jsonl",
                                   TALK(MESSAGE("user", "Hello") "," MESSAGE("assistant", "Hi")));
    for (uint64_t k = 1; status != AEON_OK; k++) {
        ae_talks t = {0};
        ae_packer p = {0};
        ae_sequence s = {0};
        ae_mem_fail_at(k, false);
        status = ae_talks_load(&t, &how, path, &err);
        if (status == AEON_OK) status = ae_packer_init(&p, &t, 32, true, 1, &err);
        if (status == AEON_OK) status = ae_sequence_init(&s, 32, &err);
        ae_mem_fail_at(0, false);
        if (status != AEON_OK) assert_int_equal(status, AEON_OUT_OF_MEMORY);
        ae_sequence_release(&s);
        ae_packer_release(&p);
        ae_talks_release(&t);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

static int begin(void **state)
{
    (void)state;
    aeon_text json = {0};
    ae_vocab vocab;
    files_begin(&files);
    CHECK_OK(ae_file_read(files_write_tokenizer(&files), 1 << 20, &json, &err));
    CHECK_OK(ae_vocab_from_json(&vocab, json.data, json.len, "tokenizer.json", &err));
    CHECK_OK(ae_tokenizer_new(&tokenizer, &vocab, &err));
    ae_vocab_release(&vocab);
    aeon_text_release(&json);
    how = (ae_talks_how){.tokenizer = tokenizer,
                         .chat = aeon_chat_template_find("phi-4-mini"),
                         .max_tokens = 64,
                         .end_of_text = 256};
    return 0;
}

static int end(void **state)
{
    (void)state;
    ae_tokenizer_free(tokenizer);
    files_end(&files);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_targets),
        cmocka_unit_test(tools_are_told_and_calls_are_targets),
        cmocka_unit_test(completions_and_texts_are_examples_too),
        cmocka_unit_test(bad_lines_can_be_skipped),
        cmocka_unit_test(loading_can_be_cancelled),
        cmocka_unit_test(wrong_lines_are_numbered),
        cmocka_unit_test(every_talk_comes_once_in_an_epoch),
        cmocka_unit_test(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("talks", tests, begin, end);
}
