/* engine/generate.c: stop strings across token borders, characters in many tokens, how an answer
 * ends, and that a talk can go on from there.
 *
 * The model is random; the sampler makes it say what a test needs. A bias that falls along a list
 * of different tokens, and a presence penalty that outweighs all of it once a token was said, give
 * exactly that list. */
#include "aeon/engine.h"
#include "aeon/file.h"
#include "base/mem.h"
#include "check.h"
#include "gguf_copy.h"
#include "text/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_CTX = 64, N_PROMPT = 3, MAX_SAID = 40 };

static aeon_error err;
static char folder[] = "/tmp/aeon-generate-XXXXXX", path[64], spm_path[64];
static aeon_model *model;
static aeon_engine *engine;
static const int32_t prompt[N_PROMPT] = {65, 66, 67};

/* ---- tools ----------------------------------------------------------------------------------- */

/* A greedy sampler that says ids[0..n) in this order, whatever the model thinks. */
static aeon_sampler *sampler_that_says(const int32_t *ids, size_t n, size_t n_vocab)
{
    aeon_logit_bias bias[MAX_SAID];
    assert_in_range(n, 1, MAX_SAID);
    for (size_t i = 0; i < n; i++) {
        bias[i] = (aeon_logit_bias){ids[i], 1000.0f * (float)(n - i)};
        for (size_t k = 0; k < i; k++) assert_int_not_equal(ids[i], ids[k]);
    }
    aeon_sampler *s = NULL;
    const aeon_sampler_params p = {.top_p = 1,
                                   .repeat_penalty = 1,
                                   .presence_penalty = 1e6f,
                                   .penalty_window = MAX_SAID,
                                   .bias = bias,
                                   .n_bias = n};
    CHECK_OK(aeon_sampler_new(&s, &p, n_vocab, &err));
    return s;
}

static size_t n_vocab_of(const aeon_model *m)
{
    return aeon_model_describe(m)->n_vocab;
}

static size_t encode(const char *text, unsigned flags, int32_t ids[MAX_SAID])
{
    aeon_tokens list = {0};
    CHECK_OK(
        aeon_tokenizer_encode(aeon_model_tokenizer(model), text, strlen(text), flags, &list, &err));
    assert_in_range(list.n, 1, MAX_SAID);
    size_t n = list.n;
    memcpy(ids, list.ids, n * sizeof *ids);
    aeon_tokens_release(&list);
    return n;
}

static aeon_session *new_session(size_t n_ctx)
{
    aeon_session *s = NULL;
    const aeon_session_params p = {.n_ctx = n_ctx};
    CHECK_OK(aeon_session_new(&s, engine, &p, &err));
    CHECK_OK(aeon_session_feed(s, prompt, N_PROMPT, NULL, &err));
    return s;
}

/* The session back at the end of its prompt. */
static void restart(aeon_session *s)
{
    CHECK_OK(aeon_session_rewind(s, N_PROMPT - 1, &err));
    CHECK_OK(aeon_session_feed(s, prompt + N_PROMPT - 1, 1, NULL, &err));
}

/* What an answer gave out. */
typedef struct {
    char text[512];
    size_t len, n_calls, n_cut; /* calls after which the text ended within a character */
    size_t cancel_at;           /* the call that says no; 0: none */
} heard;

static bool hear(void *user, const char *text, size_t len)
{
    heard *h = user;
    assert_true(h->len + len < sizeof h->text);
    memcpy(h->text + h->len, text, len);
    h->len += len;
    h->text[h->len] = 0;
    h->n_cut += ae_utf8_valid_prefix(h->text, h->len) != h->len;
    return ++h->n_calls != h->cancel_at;
}

static aeon_generate_result generate(aeon_session *s, aeon_sampler *sampler, aeon_generate_params p,
                                     heard *h)
{
    aeon_generate_result r;
    memset(h->text, 0, sizeof h->text);
    h->len = h->n_calls = h->n_cut = 0;
    p.on_text = hear;
    p.user = h;
    aeon_sampler_reset(sampler);
    CHECK_OK(aeon_session_generate(s, sampler, &p, &r, &err));
    assert_true(r.first_ms >= 0 && r.total_ms >= r.first_ms);
    return r;
}

/* The timeline is the prompt and the first n of ids. */
static void assert_timeline(const aeon_session *s, const int32_t *ids, size_t n)
{
    size_t n_held;
    const int32_t *held = aeon_session_ids(s, &n_held);
    assert_int_equal(n_held, N_PROMPT + n);
    assert_memory_equal(held, prompt, sizeof prompt);
    assert_memory_equal(held + N_PROMPT, ids, n * sizeof *ids);
}

/* ---- stop strings ---------------------------------------------------------------------------- */

/* How many of the tokens it takes until their whole characters contain the stop string. */
static size_t tokens_until(const int32_t *ids, size_t n, const char *stop)
{
    aeon_detokenizer d = {.tokenizer = aeon_model_tokenizer(model), .not_first = true};
    aeon_text text = {0};
    size_t k = 0;
    do CHECK_OK(aeon_detokenizer_push(&d, ids[k++], &text, &err));
    while (k < n && !strstr(text.data, stop));
    aeon_text_release(&text);
    return k;
}

static void every_substring_stops_before_itself(void **state)
{
    (void)state;
    const char text[] = "hello w\xC3\xB6rld, good \xE2\x82\xAC.";
    int32_t ids[MAX_SAID];
    size_t n = encode(text, 0, ids), len = strlen(text);
    assert_true(n >= 8 && n < len); /* tokens of one letter, of many, and parts of characters */
    aeon_sampler *says = sampler_that_says(ids, n, n_vocab_of(model));
    aeon_session *s = new_session(N_CTX);
    heard h = {0};
    for (size_t at = 0; at < len; at++) {
        if ((text[at] & 0xC0) == 0x80) continue;
        for (size_t stop_len = 1; stop_len <= len - at; stop_len++) {
            char stop[64];
            snprintf(stop, sizeof stop, "%.*s", (int)stop_len, text + at);
            const char *const stops[] = {"nowhere", stop, "hello \xC3\xB6"};
            restart(s);
            aeon_generate_result r = generate(
                s, says, (aeon_generate_params){.n_max = n, .stops = stops, .n_stops = 3}, &h);
            size_t expected = (size_t)(strstr(text, stop) - text);
            assert_int_equal(r.finish, AEON_FINISH_STOP);
            assert_int_equal(h.len, expected);
            assert_memory_equal(h.text, text, expected);
            assert_int_equal(h.n_cut, 0);
            assert_int_equal(r.n_tokens, tokens_until(ids, n, stop));
            assert_timeline(s, ids, r.n_tokens);
        }
    }
    aeon_session_free(s);
    aeon_sampler_free(says);
}

/* Text that looks like the beginning of a stop string is late, not lost. */
static void a_stop_that_never_comes_hides_nothing(void **state)
{
    (void)state;
    const char text[] = "hello world, good day";
    int32_t ids[MAX_SAID];
    size_t n = encode(text, 0, ids);
    aeon_sampler *says = sampler_that_says(ids, n, n_vocab_of(model));
    aeon_session *s = new_session(N_CTX);
    heard h = {0};
    const char *const stops[] = {"lo world, bad", "hello world, good days", "day!", "yy"};
    aeon_generate_result r =
        generate(s, says, (aeon_generate_params){.n_max = n, .stops = stops, .n_stops = 4}, &h);
    assert_int_equal(r.finish, AEON_FINISH_LENGTH);
    assert_string_equal(h.text, text);
    assert_int_equal(h.n_calls, n + 1); /* at every token, and once for what was held back */
    aeon_session_free(s);
    aeon_sampler_free(says);
}

/* ---- characters ------------------------------------------------------------------------------ */

static void characters_come_whole(void **state)
{
    (void)state;
    const char text[] = "a\xC3\xA9-\xE2\x82\xAC+\xF0\x9F\x98\x80.";
    int32_t ids[MAX_SAID];
    size_t n = encode(text, 0, ids), len = strlen(text);
    assert_int_equal(n, len); /* a token for every byte */
    aeon_sampler *says = sampler_that_says(ids, n, n_vocab_of(model));
    aeon_session *s = new_session(N_CTX);
    heard h = {0};
    for (size_t n_max = 1; n_max <= n; n_max++) {
        restart(s);
        aeon_generate_result r = generate(s, says, (aeon_generate_params){.n_max = n_max}, &h);
        assert_int_equal(r.finish, AEON_FINISH_LENGTH);
        assert_int_equal(h.len, n_max);
        assert_memory_equal(h.text, text, n_max);
        /* Only where the answer ends within a character may the last call. */
        assert_int_equal(h.n_cut, ae_utf8_valid_prefix(text, n_max) != n_max);
    }
    aeon_session_free(s);
    aeon_sampler_free(says);
}

/* ---- how an answer ends ---------------------------------------------------------------------- */

static void answers_end_for_a_reason(void **state)
{
    (void)state;
    int32_t ids[MAX_SAID];
    size_t n = encode("the good<|end|> day", AEON_ENCODE_SPECIAL, ids), n_end = 3;
    assert_true(n == 4 && aeon_model_is_stop(model, ids[n_end - 1]));
    aeon_sampler *says = sampler_that_says(ids, n, n_vocab_of(model));
    aeon_session *s = new_session(N_CTX);
    heard h = {0};

    aeon_generate_result r = generate(s, says, (aeon_generate_params){.n_max = 4}, &h);
    assert_true(r.finish == AEON_FINISH_STOP && r.n_tokens == n_end);
    assert_string_equal(h.text, "the good");
    assert_timeline(s, ids, n_end); /* the stop token included */
    assert_null(aeon_session_logits(s));

    const char *const stops[] = {"od!"}; /* what was held back for it comes before the end */
    restart(s);
    r = generate(s, says, (aeon_generate_params){.stops = stops, .n_stops = 1}, &h);
    assert_int_equal(r.finish, AEON_FINISH_STOP);
    assert_string_equal(h.text, "the good");

    restart(s);
    r = generate(s, says, (aeon_generate_params){.n_max = 4, .ignore_stop_ids = true}, &h);
    assert_true(r.finish == AEON_FINISH_LENGTH && r.n_tokens == 4);
    assert_string_equal(h.text, "the good day");
    restart(s);
    r = generate(s, says,
                 (aeon_generate_params){.n_max = 4, .ignore_stop_ids = true, .with_control = true},
                 &h);
    assert_string_equal(h.text, "the good<|end|> day");
    assert_timeline(s, ids, 4);

    restart(s);
    h.cancel_at = 2;
    r = generate(s, says, (aeon_generate_params){.n_max = 4}, &h);
    assert_true(r.finish == AEON_FINISH_CANCEL && r.n_tokens == 2);
    assert_string_equal(h.text, "the good");
    assert_int_equal(h.n_calls, 2);
    assert_timeline(s, ids, 2);
    aeon_session_free(s);

    h.cancel_at = 0;
    s = new_session(N_PROMPT + 2);
    r = generate(s, says, (aeon_generate_params){0}, &h);
    assert_true(r.finish == AEON_FINISH_CONTEXT && r.n_tokens == 2);
    assert_string_equal(h.text, "the good");
    assert_timeline(s, ids, 2);
    r = generate(s, says, (aeon_generate_params){0}, &h); /* it still is */
    assert_true(r.finish == AEON_FINISH_CONTEXT && r.n_tokens == 0 && h.n_calls == 0);
    aeon_session_free(s);
    aeon_sampler_free(says);

    static const char *const names[] = {"stop", "length", "context", "cancel"};
    for (int i = 0; i < 4; i++) assert_string_equal(aeon_finish_name((aeon_finish)i), names[i]);
    assert_string_equal(aeon_finish_name((aeon_finish)99), "unknown");
}

/* The token that ended an answer is computed with the next feed, to the same bits. */
static void a_talk_goes_on_after_its_end(void **state)
{
    (void)state;
    int32_t said[MAX_SAID], next[MAX_SAID], all[N_CTX];
    size_t n_said = encode("hello world<|end|>", AEON_ENCODE_SPECIAL, said);
    size_t n_next = encode("<|user|>good<|end|><|assistant|>", AEON_ENCODE_SPECIAL, next);
    aeon_sampler *says = sampler_that_says(said, n_said, n_vocab_of(model));
    aeon_session *s = new_session(N_CTX), *straight = new_session(N_CTX);
    memcpy(all, said, n_said * sizeof *said);
    memcpy(all + n_said, next, n_next * sizeof *next);
    CHECK_OK(aeon_session_feed(straight, all, n_said + n_next, NULL, &err));
    size_t bytes = n_vocab_of(model) * sizeof(float);
    for (int by_stop = 0; by_stop < 2; by_stop++) { /* ended by a stop token, or by n_max */
        heard h = {0};
        restart(s);
        aeon_generate_result r = generate(
            s, says, (aeon_generate_params){.n_max = n_said, .ignore_stop_ids = !by_stop}, &h);
        assert_int_equal(r.finish, by_stop ? AEON_FINISH_STOP : AEON_FINISH_LENGTH);
        CHECK_OK(aeon_session_feed(s, next, n_next, NULL, &err));
        assert_timeline(s, all, n_said + n_next);
        assert_memory_equal(aeon_session_logits(s), aeon_session_logits(straight), bytes);
    }
    aeon_session_free(s);
    aeon_session_free(straight);
    aeon_sampler_free(says);
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void wrong_calls_change_nothing(void **state)
{
    (void)state;
    const int32_t id = 1;
    aeon_sampler *says = sampler_that_says(&id, 1, n_vocab_of(model)),
                 *other = sampler_that_says(&id, 1, n_vocab_of(model) + 1);
    aeon_session *s = new_session(N_CTX);
    aeon_generate_result r = {.n_tokens = 77};
    const char *const empty[] = {"fine", ""}, *const inside[] = {"\xA9"};
    CHECK_FAILS(aeon_session_generate(
                    s, says, &(aeon_generate_params){.stops = empty, .n_stops = 2}, &r, &err),
                AEON_INVALID_ARGUMENT);
    CHECK_FAILS(aeon_session_generate(
                    s, says, &(aeon_generate_params){.stops = inside, .n_stops = 1}, &r, &err),
                AEON_INVALID_ARGUMENT);
    CHECK_FAILS(aeon_session_generate(s, other, NULL, &r, &err), AEON_MISMATCH);
    assert_timeline(s, &id, 0);
    assert_non_null(aeon_session_logits(s));
    CHECK_OK(aeon_session_rewind(s, 1, &err));
    CHECK_FAILS(aeon_session_generate(s, says, NULL, &r, &err), AEON_INVALID_ARGUMENT);
    assert_int_equal(r.n_tokens, 77);
    aeon_session_free(s);
    aeon_sampler_free(says);
    aeon_sampler_free(other);
}

/* One block at the start, none in the loop; without it nothing has happened. */
static void allocation_may_fail_before_the_loop_only(void **state)
{
    (void)state;
    int32_t ids[MAX_SAID];
    size_t n = encode("hello world, this is a good day for all of them", 0, ids);
    aeon_sampler *says = sampler_that_says(ids, n, n_vocab_of(model));
    aeon_session *s = new_session(N_CTX);
    size_t before = aeon_memory_stats_get().current_bytes;
    aeon_generate_result r = {0};
    const char *const stops[] = {"all of them, and some more"};
    const aeon_generate_params p = {.n_max = n, .stops = stops, .n_stops = 1};
    ae_mem_fail_at(1, true);
    CHECK_FAILS(aeon_session_generate(s, says, &p, &r, &err), AEON_OUT_OF_MEMORY);
    ae_mem_fail_at(2, true);
    CHECK_OK(aeon_session_generate(s, says, &p, &r, &err));
    ae_mem_fail_at(0, false);
    assert_int_equal(r.n_tokens, n);
    assert_timeline(s, ids, n);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    aeon_session_free(s);
    aeon_sampler_free(says);
}

/* ---- SentencePiece --------------------------------------------------------------------------- */

static bool is_vocab(const void *arg, const char *name)
{
    (void)arg;
    return strncmp(name, "tokenizer.", 10) == 0;
}

/* <unk> <s> </s>, bytes, and words after a space. */
static void put_spm_vocab(const void *arg, ae_gguf_writer *w)
{
    enum { N = 1000, FIRST_BYTE = 3, FIRST_WORD = 259 };
    static const char *const specials[] = {"<unk>", "<s>", "</s>"};
    static char spellings[N][16];
    static ae_str texts[N];
    static float scores[N];
    static int32_t kinds[N];
    (void)arg;
    for (int i = 0; i < N; i++) {
        if (i < FIRST_BYTE)
            snprintf(spellings[i], 16, "%s", specials[i]);
        else if (i < FIRST_WORD)
            snprintf(spellings[i], 16, "<0x%02X>", (unsigned)(i - FIRST_BYTE));
        else
            snprintf(spellings[i], 16, "\xE2\x96\x81w%d", i);
        texts[i] = (ae_str){spellings[i], strlen(spellings[i])};
        scores[i] = (float)-i;
        kinds[i] = i == 0 ? 2 : i < FIRST_BYTE ? 3 : i < FIRST_WORD ? 6 : 1;
    }
    CHECK_OK(ae_gguf_put_str(w, "tokenizer.ggml.model", "llama", &err));
    CHECK_OK(ae_gguf_put_strings(w, "tokenizer.ggml.tokens", texts, N, &err));
    CHECK_OK(ae_gguf_put_array(w, "tokenizer.ggml.scores", AE_GGUF_F32, scores, N, &err));
    CHECK_OK(ae_gguf_put_array(w, "tokenizer.ggml.token_type", AE_GGUF_I32, kinds, N, &err));
    CHECK_OK(ae_gguf_put_u32(w, "tokenizer.ggml.bos_token_id", 1, &err));
    CHECK_OK(ae_gguf_put_u32(w, "tokenizer.ggml.eos_token_id", 2, &err));
}

/* A text in the middle keeps its space; only after a control token does an answer begin anew. */
static void the_space_before_an_answer(void **state)
{
    (void)state;
    const int32_t said[] = {300, 301}, before[] = {302, 1};
    aeon_model *m = NULL;
    aeon_engine *e = NULL;
    gguf_copy(path, spm_path, is_vocab, put_spm_vocab, NULL);
    CHECK_OK(aeon_model_open(&m, spm_path, NULL, &err));
    CHECK_OK(aeon_engine_new(&e, m, &(aeon_engine_params){.n_threads = 1, .n_chunk = 8}, &err));
    aeon_sampler *says = sampler_that_says(said, 2, n_vocab_of(m));
    for (int after_control = 0; after_control < 2; after_control++) {
        aeon_session *s = NULL;
        heard h = {0};
        CHECK_OK(aeon_session_new(&s, e, NULL, &err));
        CHECK_OK(aeon_session_feed(s, &before[after_control], 1, NULL, &err));
        generate(s, says, (aeon_generate_params){.n_max = 2}, &h);
        assert_string_equal(h.text, after_control ? "w300 w301" : " w300 w301");
        aeon_session_free(s);
    }
    aeon_sampler_free(says);
    aeon_engine_free(e);
    aeon_model_close(m);
}

static int open_model(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/model.gguf", folder);
    snprintf(spm_path, sizeof spm_path, "%s/spm.gguf", folder);
    aeon_status status = aeon_synth_write(path, "phi3-nano", AEON_TYPE_Q8_0, 1, NULL, NULL, &err);
    if (status == AEON_OK) status = aeon_model_open(&model, path, NULL, &err);
    if (status == AEON_OK)
        status = aeon_engine_new(&engine, model,
                                 &(aeon_engine_params){.n_threads = 1, .n_chunk = 8}, &err);
    return status;
}

static int close_model(void **state)
{
    (void)state;
    aeon_engine_free(engine);
    aeon_model_close(model);
    unlink(path);
    unlink(spm_path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_substring_stops_before_itself),
        cmocka_unit_test(a_stop_that_never_comes_hides_nothing),
        cmocka_unit_test(characters_come_whole),
        cmocka_unit_test(answers_end_for_a_reason),
        cmocka_unit_test(a_talk_goes_on_after_its_end),
        cmocka_unit_test(wrong_calls_change_nothing),
        cmocka_unit_test(allocation_may_fail_before_the_loop_only),
        cmocka_unit_test(the_space_before_an_answer),
    };
    return cmocka_run_group_tests_name("generate", tests, open_model, close_model);
}
