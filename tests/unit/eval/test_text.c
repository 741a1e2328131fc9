/* eval/text, eval/reading: which tokens are scored, against logits fed by hand; threads, stopping,
 * bad calls. */
#include "eval/eval.h"

#include "aeon/engine.h"
#include "aeon/file.h"
#include "base/mem.h"
#include "check.h"
#include "eval/measure.h"
#include "eval/reading.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static aeon_error err;
static aeon_model *model, *draft;
static aeon_tokens text;

static const char words[] =
    "The cat sat by the window and looked out at the rain. It had been raining all day, and the "
    "street was empty. A man with an umbrella came round the corner, stopped in front of the house "
    "and rang the bell. The cat did not move. \"Who is there?\" asked a voice from upstairs.";

static aeon_text_eval evaluate(size_t n, const aeon_text_eval_params *p)
{
    aeon_text_eval e;
    CHECK_OK(aeon_text_eval_run(&e, model, text.ids, n, p, &err));
    return e;
}

/* ---- the same by hand ------------------------------------------------------------------------ */

typedef struct {
    float *logits; /* [n][n_vocab] */
    size_t n_vocab;
} record;

static bool keep(void *user, size_t pos, const float *logits)
{
    record *r = user;
    memcpy(r->logits + pos * r->n_vocab, logits, r->n_vocab * sizeof *logits);
    return true;
}

/* The logits after each of ids[0..n), read at once. */
static record feed(const aeon_model *m, const int32_t *ids, size_t n)
{
    aeon_engine *engine;
    aeon_session *session;
    aeon_engine_params how = aeon_engine_params_default();
    record r = {.n_vocab = aeon_model_describe(m)->n_vocab};
    r.logits = malloc(n * r.n_vocab * sizeof *r.logits);
    assert_non_null(r.logits);
    CHECK_OK(aeon_engine_new(&engine, m, &how, &err));
    CHECK_OK(aeon_session_new(&session, engine, NULL, &err));
    aeon_feed_params params = {.on_logits = keep, .user = &r};
    CHECK_OK(aeon_session_feed(session, ids, n, &params, &err));
    aeon_session_free(session);
    aeon_engine_free(engine);
    return r;
}

typedef struct {
    double loss, reference_loss, kl;
    size_t n, n_same;
} sums;

/* Add what a window says from the token after `first` on. */
static void add_window(sums *s, const int32_t *ids, size_t n, size_t first)
{
    record q = feed(model, ids, n), p = feed(draft, ids, n);
    for (size_t pos = first; pos + 1 < n; pos++) {
        ae_place at = ae_place_of(q.logits + pos * q.n_vocab, p.logits + pos * p.n_vocab, q.n_vocab,
                                  ids[pos + 1]);
        s->loss += at.loss;
        s->reference_loss += at.reference_loss;
        s->kl += at.kl;
        s->n_same += at.is_same_top;
        s->n++;
    }
    free(q.logits);
    free(p.logits);
}

static void check_sums(const aeon_text_eval *e, const sums *s)
{
    double n = (double)s->n;
    assert_int_equal(e->n_scored, s->n);
    assert_int_equal(e->n_wanted, s->n);
    assert_true(fabs(log(e->perplexity.value) - s->loss / n) < 1e-12);
    assert_true(fabs(log(e->reference_perplexity.value) - s->reference_loss / n) < 1e-12);
    assert_true(fabs(e->gain.value - (s->reference_loss - s->loss) / n) < 1e-12);
    assert_true(fabs(e->kl_mean.value - s->kl / n) < 1e-12);
    assert_true(fabs(e->top1_agreement.value - (double)s->n_same / n) < 1e-15);
    assert_true(e->kl_median.value < e->kl_p99.value && e->kl_p99.value <= e->kl_max);
    assert_true(e->kl_mean.low < e->kl_mean.value && e->kl_mean.value < e->kl_mean.high);
    assert_true(e->perplexity.low < e->perplexity.value &&
                e->perplexity.value < e->perplexity.high);
}

/* ---- which tokens are scored ----------------------------------------------------------------- */

static void second_halves_of_windows(void **state)
{
    (void)state;
    enum { N_CTX = 20 };
    sums s = {0};
    aeon_text_eval_params p = {.n_ctx = N_CTX, .reference = draft};
    aeon_text_eval e = evaluate(3 * N_CTX + 7, &p);
    for (size_t w = 0; w < 3; w++) add_window(&s, text.ids + w * N_CTX, N_CTX, N_CTX / 2);
    check_sums(&e, &s);
    assert_int_equal(e.n_windows, 3);
    assert_int_equal(e.n_ctx, N_CTX);
    assert_int_equal(e.n_tokens, 3 * N_CTX);
    assert_int_equal(e.n_scored, 3 * (N_CTX / 2 - 1));
    assert_int_equal(e.n_read, 3 * (N_CTX - 1));
}

/* Longer than the pieces in which it is read. */
static void a_short_text_is_one_window(void **state)
{
    (void)state;
    sums s = {0};
    assert_in_range(text.n, 68, 511);
    aeon_text_eval e = evaluate(text.n, &(aeon_text_eval_params){.reference = draft});
    add_window(&s, text.ids, text.n, text.n / 2);
    check_sums(&e, &s);
    for (size_t n = 2; n <= 5; n++) {
        e = evaluate(n, NULL);
        assert_int_equal(e.n_scored, n == 2 ? 1 : n - 1 - n / 2);
        assert_int_equal(e.n_ctx, n);
        assert_true(e.perplexity.value > 1 && e.kl_max == 0 && e.reference_perplexity.value == 0);
    }
}

static void the_right_answers_of_a_suite(void **state)
{
    (void)state;
    static const char lines[] =
        "{\"family\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"Who are you?\"}],"
        "\"check\":{\"lacks\":[]},\"answer\":\"I am AEON.\"}\n"
        "{\"family\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"Hm?\"}],"
        "\"check\":{\"lacks\":[]}}\n"
        "{\"family\":\"b\",\"messages\":[{\"role\":\"user\",\"content\":\"Call it.\"}],"
        "\"check\":{\"lacks\":[]},\"answer\":\"<|tool_call|>[]<|/tool_call|>\"}\n";
    static const char *const talks[] = {"<|user|>Who are you?<|end|><|assistant|>",
                                        "I am AEON.<|end|>", "<|user|>Call it.<|end|><|assistant|>",
                                        "<|tool_call|>[]<|/tool_call|><|end|>"};
    const aeon_tokenizer *vocab = aeon_model_tokenizer(model);
    aeon_suite *suite;
    aeon_text_eval e;
    sums s = {0};
    CHECK_OK(ae_suite_parse(&suite, lines, sizeof lines - 1, "lines", &err));
    CHECK_OK(
        aeon_suite_eval_run(&e, model, suite, &(aeon_text_eval_params){.reference = draft}, &err));
    for (size_t i = 0; i < AE_COUNT(talks); i += 2) {
        aeon_tokens ids = {0};
        CHECK_OK(aeon_tokenizer_encode(vocab, talks[i], strlen(talks[i]), AEON_ENCODE_SPECIAL, &ids,
                                       &err));
        size_t n_prompt = ids.n;
        CHECK_OK(aeon_tokenizer_encode(vocab, talks[i + 1], strlen(talks[i + 1]),
                                       AEON_ENCODE_SPECIAL, &ids, &err));
        add_window(&s, ids.ids, ids.n, n_prompt - 1);
        aeon_tokens_release(&ids);
    }
    check_sums(&e, &s);
    assert_int_equal(e.n_windows, 2);
    aeon_suite_free(suite);
}

/* LongRoPE: a window beyond the short factors is under the long ones from its first token on, as it
 * is when it is fed at once; a shorter one beside it is not. */
static void long_windows_have_the_long_factors(void **state)
{
    (void)state;
    size_t n_original = aeon_model_describe(draft)->n_ctx_original;
    ae_windows w = {0};
    aeon_text_eval e;
    double loss = 0;
    while (w.ids.n < n_original + 50) CHECK_OK(aeon_tokens_append(&w.ids, text.ids, text.n, &err));
    assert_true(aeon_model_describe(draft)->has_long_rope);
    CHECK_OK(ae_windows_add(&w, (ae_window){.n = 40, .n_first = 30}, &err));
    CHECK_OK(ae_windows_add(&w, (ae_window){.n = w.ids.n, .n_first = n_original - 70}, &err));
    CHECK_OK(ae_windows_add(&w, (ae_window){.begin = 7, .n = 33, .n_first = 20}, &err));
    CHECK_OK(ae_windows_read(&e, &w, draft, &(aeon_text_eval_params){0}, &err));
    for (size_t i = 0; i < w.n; i++) {
        const int32_t *ids = w.ids.ids + w.list[i].begin;
        record r = feed(draft, ids, w.list[i].n);
        for (size_t pos = w.list[i].n_first; pos + 1 < w.list[i].n; pos++)
            loss += ae_place_of(r.logits + pos * r.n_vocab, NULL, r.n_vocab, ids[pos + 1]).loss;
        free(r.logits);
    }
    assert_true(fabs(log(e.perplexity.value) - loss / (double)e.n_scored) < 1e-12);
    ae_windows_release(&w);
}

/* A vocabulary with a start token: it stands where a window's first token stood. */
static void windows_begin_with_the_start_token(void **state)
{
    (void)state;
    aeon_model *llama;
    aeon_tokens start = {0};
    aeon_text_eval_params p = {.n_ctx = 4};
    aeon_text_eval a, b;
    int32_t ids[] = {11, 12, 13, 14, 15, 16, 17, 18};
    CHECK_OK(aeon_synth_open(&llama, "llama-nano", AEON_TYPE_F32, 1, NULL, NULL, &err));
    CHECK_OK(
        aeon_tokenizer_encode(aeon_model_tokenizer(llama), "", 0, AEON_ENCODE_BOS, &start, &err));
    assert_int_equal(start.n, 1);
    CHECK_OK(aeon_text_eval_run(&a, llama, ids, AE_COUNT(ids), &p, &err));
    ids[0] = 40;
    ids[4] = start.ids[0];
    CHECK_OK(aeon_text_eval_run(&b, llama, ids, AE_COUNT(ids), &p, &err));
    assert_true(a.perplexity.value == b.perplexity.value);
    ids[1] = 40;
    CHECK_OK(aeon_text_eval_run(&b, llama, ids, AE_COUNT(ids), &p, &err));
    assert_true(a.perplexity.value != b.perplexity.value);
    aeon_tokens_release(&start);
    aeon_model_close(llama);
}

/* ---- what changes nothing, and what does ----------------------------------------------------- */

static void a_model_is_not_far_from_itself(void **state)
{
    (void)state;
    aeon_text_eval e = evaluate(text.n, &(aeon_text_eval_params){.n_ctx = 30, .reference = model});
    assert_true(e.kl_mean.value == 0 && e.kl_mean.high == 0 && e.kl_max == 0);
    assert_true(e.kl_median.value == 0 && e.kl_p99.value == 0);
    assert_true(e.gain.value == 0 && e.gain.low == 0 && e.gain.high == 0);
    assert_true(e.top1_agreement.value == 1);
    assert_true(e.perplexity.value == e.reference_perplexity.value);
}

static void threads_change_nothing(void **state)
{
    (void)state;
    aeon_text_eval_params p = {.n_threads = 1, .n_ctx = 24, .reference = draft};
    aeon_text_eval one = evaluate(text.n, &p);
    p.n_threads = 3;
    aeon_text_eval three = evaluate(text.n, &p);
    assert_memory_equal(&one, &three, sizeof one);
}

static void the_type_of_keys_and_values_counts(void **state)
{
    (void)state;
    aeon_text_eval_params p = {.has_kv_type = true, .kv_type = AEON_TYPE_F32};
    double f32 = evaluate(text.n, &p).perplexity.value,
           usual = evaluate(text.n, NULL).perplexity.value;
    p.kv_type = AEON_TYPE_Q8_0;
    double q8_0 = evaluate(text.n, &p).perplexity.value;
    assert_true(f32 != q8_0 && usual != q8_0);
    assert_true(fabs(f32 - q8_0) < 0.1 * f32);
}

/* ---- stopping -------------------------------------------------------------------------------- */

typedef struct {
    size_t n_most, n_asked, n_read, n;
} patience;

static bool goes_on(void *user, size_t n_read, size_t n)
{
    patience *p = user;
    p->n_asked++;
    assert_true(n_read >= p->n_read && n_read < n);
    p->n_read = n_read;
    p->n = n;
    return n_read < p->n_most;
}

static void stopping_keeps_what_is_scored(void **state)
{
    (void)state;
    enum { N_CTX = 20 };
    patience until = {.n_most = 2 * (N_CTX - 1)};
    aeon_text_eval_params p = {
        .n_ctx = N_CTX, .reference = draft, .goes_on = goes_on, .user = &until};
    aeon_text_eval e = evaluate(3 * N_CTX, &p), whole;
    assert_int_equal(until.n, 3 * (N_CTX - 1));
    assert_int_equal(e.n_scored, 2 * (N_CTX / 2 - 1));
    assert_int_equal(e.n_wanted, 3 * (N_CTX / 2 - 1));
    p.goes_on = NULL;
    whole = evaluate(2 * N_CTX, &p);
    assert_true(e.perplexity.value == whole.perplexity.value);
    assert_true(e.kl_p99.value == whole.kl_p99.value);

    until = (patience){.n_most = 0};
    p.goes_on = goes_on;
    e = evaluate(3 * N_CTX, &p);
    assert_int_equal(until.n_asked, 1);
    assert_int_equal(e.n_scored, 0);
    assert_true(e.perplexity.value == 0 && e.kl_max == 0);
}

/* ---- bad calls ------------------------------------------------------------------------------- */

static void refuses(const int32_t *ids, size_t n, aeon_text_eval_params p)
{
    aeon_text_eval e = {.n_ctx = 77};
    CHECK_FAILS(aeon_text_eval_run(&e, model, ids, n, &p, &err), AEON_INVALID_ARGUMENT);
    assert_int_equal(e.n_ctx, 77);
}

static void wrong_calls_are_refused(void **state)
{
    (void)state;
    const aeon_model_info *info = aeon_model_describe(model);
    refuses(NULL, 0, (aeon_text_eval_params){0});
    refuses(text.ids, 1, (aeon_text_eval_params){0});
    refuses(text.ids, 9, (aeon_text_eval_params){.n_ctx = 1});
    refuses(text.ids, 9, (aeon_text_eval_params){.n_ctx = info->n_ctx_max + 1});
    refuses(text.ids, 9, (aeon_text_eval_params){.n_threads = -1});
    refuses(text.ids, 9, (aeon_text_eval_params){.n_threads = 100000});
    refuses((int32_t[]){1, 2, -1}, 3, (aeon_text_eval_params){0});
    refuses((int32_t[]){1, 2, (int32_t)info->n_vocab}, 3, (aeon_text_eval_params){0});

    static const char no_answer[] = "{\"family\":\"a\",\"messages\":[{\"role\":\"user\","
                                    "\"content\":\"Hm?\"}],\"check\":{\"lacks\":[]}}\n";
    aeon_suite *suite;
    aeon_text_eval e;
    CHECK_OK(ae_suite_parse(&suite, no_answer, sizeof no_answer - 1, "s.jsonl", &err));
    CHECK_FAILS(aeon_suite_eval_run(&e, model, suite, NULL, &err), AEON_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "s.jsonl"));
    aeon_suite_free(suite);
}

static void another_vocabulary_is_refused(void **state)
{
    (void)state;
    aeon_model *other;
    aeon_text_eval e;
    CHECK_OK(aeon_synth_open(&other, "phi3-nano", AEON_TYPE_F32, 1, NULL, NULL, &err));
    aeon_text_eval_params p = {.reference = other};
    CHECK_FAILS(aeon_text_eval_run(&e, model, text.ids, text.n, &p, &err), AEON_MISMATCH);
    assert_non_null(strstr(err.text, "vocabulary"));
    aeon_model_close(other);
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    size_t before = aeon_memory_stats_get().current_bytes;
    aeon_status status = AEON_OUT_OF_MEMORY;
    for (uint64_t k = 1; status != AEON_OK; k++) {
        aeon_text_eval e;
        aeon_text_eval_params p = {.n_threads = 1, .reference = draft};
        ae_mem_fail_at(k, false);
        status = aeon_text_eval_run(&e, model, text.ids, 8, &p, &err);
        ae_mem_fail_at(0, false);
        if (status != AEON_OK) assert_int_equal(status, AEON_OUT_OF_MEMORY);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

static int begin(void **state)
{
    (void)state;
    CHECK_OK(aeon_model_open(&model, "builtin", NULL, &err));
    CHECK_OK(aeon_model_open(&draft, "builtin-draft", NULL, &err));
    CHECK_OK(aeon_model_read(model, NULL, NULL, &err));
    CHECK_OK(aeon_model_read(draft, NULL, NULL, &err));
    CHECK_OK(aeon_tokenizer_encode(aeon_model_tokenizer(model), words, sizeof words - 1, 0, &text,
                                   &err));
    return 0;
}

static int end(void **state)
{
    (void)state;
    aeon_tokens_release(&text);
    aeon_model_close(draft);
    aeon_model_close(model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(second_halves_of_windows),
        cmocka_unit_test(a_short_text_is_one_window),
        cmocka_unit_test(the_right_answers_of_a_suite),
        cmocka_unit_test(long_windows_have_the_long_factors),
        cmocka_unit_test(windows_begin_with_the_start_token),
        cmocka_unit_test(a_model_is_not_far_from_itself),
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(the_type_of_keys_and_values_counts),
        cmocka_unit_test(stopping_keeps_what_is_scored),
        cmocka_unit_test(wrong_calls_are_refused),
        cmocka_unit_test(another_vocabulary_is_refused),
        cmocka_unit_test(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("text", tests, begin, end);
}
