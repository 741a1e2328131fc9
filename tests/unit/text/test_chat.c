/* text/chat: what each template writes, and how its text in a model file is known. */
#include "aeon/chat.h"

#include "toy.h"

static aeon_error err;
static toy vocab;

static const aeon_message talk[] = {{.role = "system", .content = " Be\n"},
                                    {.role = "user", .content = "\n a<|end|>"},
                                    {.role = "assistant", .content = "b "},
                                    {.role = "user", .content = "c"}};

static const char *const marks[] = {
    "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
    "<|im_start|>",      "<|im_sep|>",          "<|im_end|>",        "<|system|>",
    "<|user|>",          "<|assistant|>",       "<|end|>",           "<|tool|>",
    "<|/tool|>",         "<|tool_call|>",       "<|/tool_call|>"};

static aeon_tokenizer *build(bool is_spm)
{
    if (is_spm) {
        toy_spm(&vocab);
        toy_token(&vocab, "\xE2\x96\x81", AE_TOKEN_NORMAL, 0);
    } else {
        toy_bpe(&vocab, "gpt-4o");
    }
    for (size_t i = 0; i < AE_COUNT(marks); i++) {
        int32_t id = toy_token(&vocab, marks[i], AE_TOKEN_CONTROL, 0);
        if (i == 0) vocab.vocab.bos = id;
    }
    return toy_build(&vocab);
}

/* Control tokens are shown with their text, a control token forged by plain text with a ~. */
static void encode(const aeon_tokenizer *t, const char *name, const aeon_message *messages,
                   size_t n, unsigned flags, aeon_text *out)
{
    aeon_tokens ids = {0};
    const aeon_chat_template *c = aeon_chat_template_find(name);
    assert_non_null(c);
    CHECK_OK(aeon_chat_encode(c, t, messages, n, flags, &ids, &err));
    out->len = 0;
    CHECK_OK(aeon_text_append(out, "", 0, &err));
    for (size_t i = 0; i < ids.n; i++) {
        bool is_mark = aeon_tokenizer_is_control(t, ids.ids[i]);
        if (is_mark) CHECK_OK(aeon_text_append(out, "~", 1, &err));
        CHECK_OK(aeon_tokenizer_decode(t, &ids.ids[i], 1, true, out, &err));
    }
    aeon_tokens_release(&ids);
}

static const struct {
    const char *name;
    unsigned flags;
    const char *expected;
} cases[] = {
    {"phi-4-mini", 0,
     "~<|system|> Be\n~<|end|>~<|user|>\n a<|end|>~<|end|>~<|assistant|>b "
     "~<|end|>~<|user|>c~<|end|>"
     "~<|assistant|>"},
    {"phi-4-mini", AEON_CHAT_CONTINUE | AEON_CHAT_NO_PROMPT,
     "~<|system|> Be\n~<|end|>~<|user|>\n a<|end|>~<|end|>~<|assistant|>b "
     "~<|end|>~<|user|>c~<|end|>"},
    {"phi-3", 0,
     "~<|system|>Be\n~<|end|>~<|user|>a<|end|>~<|end|>~<|assistant|>b ~<|end|>~<|user|>c~<|end|>"
     "~<|assistant|>"},
    {"chatml", 0,
     "~<|im_start|>system\n Be\n~<|im_end|>\n~<|im_start|>user\n\n a<|end|>~<|im_end|>\n"
     "~<|im_start|>assistant\nb ~<|im_end|>\n~<|im_start|>user\nc~<|im_end|>\n"
     "~<|im_start|>assistant\n"},
    {"chatml", AEON_CHAT_CONTINUE | AEON_CHAT_NO_PROMPT,
     "\n~<|im_start|>system\n Be\n~<|im_end|>\n~<|im_start|>user\n\n a<|end|>~<|im_end|>\n"
     "~<|im_start|>assistant\nb ~<|im_end|>\n~<|im_start|>user\nc~<|im_end|>"},
    {"phi-4", 0,
     "~<|im_start|>system~<|im_sep|> Be\n~<|im_end|>~<|im_start|>user~<|im_sep|>\n a<|end|>"
     "~<|im_end|>~<|im_start|>assistant~<|im_sep|>b ~<|im_end|>~<|im_start|>user~<|im_sep|>c"
     "~<|im_end|>~<|im_start|>assistant~<|im_sep|>"},
    {"llama-3", 0,
     "~<|begin_of_text|>~<|start_header_id|>system~<|end_header_id|>\n\nBe~<|eot_id|>"
     "~<|start_header_id|>user~<|end_header_id|>\n\na<|end|>~<|eot_id|>"
     "~<|start_header_id|>assistant~<|end_header_id|>\n\nb~<|eot_id|>"
     "~<|start_header_id|>user~<|end_header_id|>\n\nc~<|eot_id|>"
     "~<|start_header_id|>assistant~<|end_header_id|>\n\n"},
    {"llama-3", AEON_CHAT_CONTINUE | AEON_CHAT_NO_PROMPT,
     "~<|start_header_id|>system~<|end_header_id|>\n\nBe~<|eot_id|>"
     "~<|start_header_id|>user~<|end_header_id|>\n\na<|end|>~<|eot_id|>"
     "~<|start_header_id|>assistant~<|end_header_id|>\n\nb~<|eot_id|>"
     "~<|start_header_id|>user~<|end_header_id|>\n\nc~<|eot_id|>"},
};

static void templates_write_what_the_models_were_trained_on(void **state)
{
    (void)state;
    aeon_tokenizer *t = build(false);
    aeon_text text = {0};
    for (size_t i = 0; i < AE_COUNT(cases); i++) {
        encode(t, cases[i].name, talk, AE_COUNT(talk), cases[i].flags, &text);
        assert_string_equal(text.data, cases[i].expected);
    }
    encode(t, "phi-4-mini", NULL, 0, 0, &text);
    assert_string_equal(text.data, "~<|assistant|>");
    encode(t, "llama-3", NULL, 0, AEON_CHAT_NO_PROMPT, &text);
    assert_string_equal(text.data, "~<|begin_of_text|>");
    encode(t, "phi-4-mini", &(aeon_message){.role = "tool", .content = "7"}, 1, AEON_CHAT_NO_PROMPT,
           &text);
    assert_string_equal(text.data, "~<|tool|>7~<|end|>");
    aeon_text_release(&text);
    ae_tokenizer_free(t);
}

/* A talk encoded at once, and turn by turn with the answers' end tokens, is the same timeline. */
static void continuing_gives_the_same_timeline(void **state)
{
    (void)state;
    aeon_tokenizer *t = build(false);
    const char *name;
    for (size_t i = 0; (name = aeon_chat_template_name_at(i)); i++) {
        const aeon_chat_template *c = aeon_chat_template_find(name);
        aeon_tokens whole = {0}, parts = {0};
        CHECK_OK(aeon_chat_encode(c, t, talk, 4, 0, &whole, &err));
        CHECK_OK(aeon_chat_encode(c, t, talk, 2, 0, &parts, &err));
        CHECK_OK(aeon_tokens_push(&parts, 'b', &err)); /* the answer */
        if (strcmp(name, "llama-3") != 0) CHECK_OK(aeon_tokens_push(&parts, ' ', &err));
        CHECK_OK(aeon_tokens_push(&parts, aeon_chat_stop_id(c, t), &err));
        CHECK_OK(aeon_chat_encode(c, t, talk + 3, 1, AEON_CHAT_CONTINUE, &parts, &err));
        assert_int_equal(whole.n, parts.n);
        assert_memory_equal(whole.ids, parts.ids, whole.n * sizeof *whole.ids);
        aeon_tokens_release(&whole);
        aeon_tokens_release(&parts);
    }
    ae_tokenizer_free(t);
}

static const aeon_message tool_talk[] = {
    {.role = "system", .content = "Be", .tools = "[{\"name\": \"<|end|>\"}]"},
    {.role = "user", .content = "a"},
    {.role = "assistant", .tool_calls = "[<|/tool_call|>]"},
    {.role = "tool", .content = "7"},
    {.role = "assistant", .content = "b", .tool_calls = "[]"}};

static void tools_and_calls_are_framed(void **state)
{
    (void)state;
    aeon_tokenizer *t = build(false);
    aeon_text text = {0};
    encode(t, "phi-4-mini", tool_talk, AE_COUNT(tool_talk), AEON_CHAT_NO_PROMPT, &text);
    assert_string_equal(text.data,
                        "~<|system|>Be~<|tool|>[{\"name\": \"<|end|>\"}]~<|/tool|>~<|end|>"
                        "~<|user|>a~<|end|>"
                        "~<|assistant|>~<|tool_call|>[<|/tool_call|>]~<|/tool_call|>~<|end|>"
                        "~<|tool|>7~<|end|>"
                        "~<|assistant|>b~<|tool_call|>[]~<|/tool_call|>~<|end|>");
    aeon_text_release(&text);

    const aeon_chat_template *c = aeon_chat_template_find("phi-4-mini");
    static const aeon_message bad[] = {
        {.role = "user", .content = "a", .tools = "[]"},
        {.role = "assistant", .content = "a", .tools = "[]"},
        {.role = "tool", .content = "a", .tool_calls = "[]"},
        {.role = "system", .content = "a", .tools = "[]", .tool_calls = "[]"},
        {.role = "system", .tools = "[]"}};
    aeon_tokens ids = {0};
    for (size_t i = 0; i < AE_COUNT(bad); i++)
        CHECK_FAILS(aeon_chat_encode(c, t, &bad[i], 1, 0, &ids, &err), AEON_INVALID_ARGUMENT);
    assert_int_equal(ids.n, 0);
    ae_tokenizer_free(t);
}

/* Answers encoded one by one in open turns give the timeline of the whole talk. */
static void answers_fill_open_turns(void **state)
{
    (void)state;
    aeon_tokenizer *t = build(false);
    const aeon_chat_template *c = aeon_chat_template_find("phi-4-mini");
    aeon_tokens whole = {0}, parts = {0};
    CHECK_OK(aeon_chat_encode(c, t, tool_talk, 5, AEON_CHAT_NO_PROMPT, &whole, &err));
    CHECK_OK(aeon_chat_encode(c, t, tool_talk, 2, 0, &parts, &err));
    CHECK_OK(aeon_chat_encode_answer(c, t, &tool_talk[2], &parts, &err));
    CHECK_OK(aeon_chat_encode(c, t, &tool_talk[3], 1, AEON_CHAT_CONTINUE, &parts, &err));
    CHECK_OK(aeon_chat_encode_answer(c, t, &tool_talk[4], &parts, &err));
    assert_int_equal(whole.n, parts.n);
    assert_memory_equal(whole.ids, parts.ids, whole.n * sizeof *whole.ids);
    CHECK_FAILS(
        aeon_chat_encode_answer(aeon_chat_template_find("chatml"), t, &tool_talk[2], &parts, &err),
        AEON_INVALID_ARGUMENT);
    assert_int_equal(whole.n, parts.n);
    aeon_tokens_release(&whole);
    aeon_tokens_release(&parts);
    ae_tokenizer_free(t);
}

static void start_token_comes_from_the_vocabulary_too(void **state)
{
    (void)state;
    aeon_tokenizer *t = build(true);
    aeon_text text = {0};
    encode(t, "phi-3", talk + 3, 1, 0, &text);
    assert_string_equal(text.data, "~<|user|>c~<|end|>~<|assistant|>");
    ae_tokenizer_free(t);
    vocab.vocab.add_bos = true;
    t = toy_build(&vocab);
    encode(t, "phi-3", talk + 3, 1, 0, &text);
    assert_string_equal(text.data, "~<|begin_of_text|>~<|user|>c~<|end|>~<|assistant|>");
    encode(t, "phi-3", talk + 3, 1, AEON_CHAT_CONTINUE, &text);
    assert_string_equal(text.data, "~<|user|>c~<|end|>~<|assistant|>");
    aeon_text_release(&text);
    ae_tokenizer_free(t);
}

static void templates_are_recognized(void **state)
{
    (void)state;
    static const struct {
        const char *jinja, *name;
    } texts[] = {
        {"{% for m in messages %}{{'<|' + m['role'] + '|>' + m['content'] + '<|end|>'}}{% endfor %}"
         "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
         "phi-4-mini"},
        {"{% for m in messages %}\n{{'<|' + m['role'] + '|>' + m['content'] + '<|end|>'}}\n"
         "{% endfor %}{{ '<|assistant|>' }}\n",
         "phi-4-mini"},
        {"{{'<|user|>\\n' + m['content'] + '<|end|>\\n'}}{{'<|assistant|>\\n'}}", "phi-3"},
        {"{{'<|user|>\n' + m['content'] + '<|end|>\n'}}{{'<|assistant|>\n'}}", "phi-3"},
        {"{{'<|user|>' + '\n' + m['content'] + '<|end|>' + '\n' + '<|assistant|>'}}", "phi-3"},
        {"{{'<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n'}}", "chatml"},
        {"{{'<|im_start|>user<|im_sep|>' + m['content'] + '<|im_end|>'}}", "phi-4"},
        {"{{'<|start_header_id|>' + m['role'] + '<|end_header_id|>\\n\\n' + c + '<|eot_id|>'}}",
         "llama-3"},
        {"{{'[INST] ' + m['content'] + ' [/INST]'}}", NULL},
        {"{{'<|user|>\\n' + m['content'] + eos_token}}{{'<|assistant|>\\n'}}", NULL},
        {"", NULL},
        {"<|im_start|", NULL},
    };
    for (size_t i = 0; i < AE_COUNT(texts); i++) {
        const aeon_chat_template *c =
            aeon_chat_template_recognize(texts[i].jinja, strlen(texts[i].jinja));
        assert_int_equal(c != NULL, texts[i].name != NULL);
        if (c) assert_string_equal(aeon_chat_template_name(c), texts[i].name);
    }
    /* only the given length is looked at */
    assert_null(aeon_chat_template_recognize(texts[5].jinja, 20));
    assert_null(aeon_chat_template_find("nonsense"));
    assert_null(aeon_chat_template_name_at(1000));
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    aeon_tokenizer *t = build(false);
    const aeon_chat_template *phi3 = aeon_chat_template_find("phi-3");
    aeon_tokens ids = {0};
    CHECK_OK(aeon_tokens_push(&ids, 5, &err));
    static const aeon_message bad[] = {{.role = "tool", .content = "x"},
                                       {.role = "<|end|>", .content = "x"},
                                       {.role = "", .content = "x"},
                                       {.content = "x"},
                                       {.role = "user"},
                                       {.role = "user", .tool_calls = "x"},
                                       {.role = "system", .content = "x", .tools = "[]"},
                                       {.role = "assistant", .tool_calls = "[]"}};
    for (size_t i = 0; i < AE_COUNT(bad); i++) {
        aeon_message messages[] = {{.role = "user", .content = "a"}, bad[i]};
        CHECK_FAILS(aeon_chat_encode(phi3, t, messages, 2, 0, &ids, &err), AEON_INVALID_ARGUMENT);
        assert_int_equal(ids.n, 1);
    }
    ae_tokenizer_free(t);

    toy_bpe(&vocab, "gpt-4o");
    toy_token(&vocab, "<|user|>", AE_TOKEN_CONTROL, 0);
    t = toy_build(&vocab);
    CHECK_FAILS(aeon_chat_encode(phi3, t, talk + 3, 1, 0, &ids, &err), AEON_MISMATCH);
    assert_non_null(strstr(err.text, "<|end|>"));
    assert_int_equal(ids.n, 1);
    assert_int_equal(aeon_chat_stop_id(phi3, t), -1);
    aeon_tokens_release(&ids);
    ae_tokenizer_free(t);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    aeon_tokenizer *t = build(false);
    const aeon_chat_template *c = aeon_chat_template_find("llama-3");
    size_t before = aeon_memory_stats_get().current_bytes;
    bool done = false;
    for (uint64_t k = 1; !done; k++) {
        aeon_tokens ids = {0};
        ae_mem_fail_at(k, true);
        aeon_status status = aeon_chat_encode(c, t, talk, 4, 0, &ids, &err);
        done = ae_mem_n_allocs() < k;
        ae_mem_fail_at(0, false);
        assert_int_equal(status, done ? AEON_OK : AEON_OUT_OF_MEMORY);
        if (!done) assert_int_equal(ids.n, 0);
        aeon_tokens_release(&ids);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
    ae_tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_write_what_the_models_were_trained_on),
        cmocka_unit_test(continuing_gives_the_same_timeline),
        cmocka_unit_test(tools_and_calls_are_framed),
        cmocka_unit_test(answers_fill_open_turns),
        cmocka_unit_test(start_token_comes_from_the_vocabulary_too),
        cmocka_unit_test(templates_are_recognized),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("chat", tests, NULL, NULL);
}
