/* What smaller keys and values cost the built-in model: the distance (Kullback-Leibler, in nats)
 * between what it expects next with them and with bf16, over held-out talks and their answers. */
#include "aeon/engine.h"
#include "aeon/eval.h"
#include "check.h"

#include <math.h>
#include <stdlib.h>

enum { N_TALKS = 6, MOST_TOKENS = 1024 };

static aeon_error err;
static aeon_model *model;
static aeon_suite *suite;
static size_t n_vocab;

/* logits [n_vocab] to log-probabilities. */
static void log_softmax(const float *logits, double *out)
{
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < n_vocab; i++)
        if (logits[i] > top) top = logits[i];
    for (size_t i = 0; i < n_vocab; i++) sum += exp(logits[i] - top);
    for (size_t i = 0; i < n_vocab; i++) out[i] = logits[i] - top - log(sum);
}

typedef struct {
    double *expected; /* [MOST_TOKENS][n_vocab] of the first reading */
    double *now;      /* [n_vocab] */
    double sum;
    size_t n;
} comparison;

static bool expect(void *user, size_t pos, const float *logits)
{
    comparison *c = user;
    log_softmax(logits, c->expected + pos * n_vocab);
    return true;
}

static bool compare(void *user, size_t pos, const float *logits)
{
    comparison *c = user;
    const double *p = c->expected + pos * n_vocab;
    log_softmax(logits, c->now);
    for (size_t i = 0; i < n_vocab; i++) c->sum += exp(p[i]) * (p[i] - c->now[i]);
    c->n++;
    return true;
}

static void read_talk(aeon_session *s, const aeon_tokens *t, aeon_logits_fn look, comparison *c)
{
    aeon_feed_params how = {.on_logits = look, .user = c};
    CHECK_OK(aeon_session_rewind(s, 0, &err));
    CHECK_OK(aeon_session_feed(s, t->ids, t->n, &how, &err));
}

static aeon_session *open_session(aeon_engine **e, aeon_type type)
{
    aeon_session *s;
    aeon_engine_params how = {.kv_type = type, .n_kv_tokens = MOST_TOKENS};
    CHECK_OK(aeon_engine_new(e, model, &how, &err));
    CHECK_OK(aeon_session_new(&s, *e, NULL, &err));
    return s;
}

/* A talk of the suite with a right answer. */
static void encode(size_t i, aeon_tokens *out)
{
    const aeon_chat_template *chat = aeon_model_chat(model);
    const aeon_tokenizer *vocab = aeon_model_tokenizer(model);
    aeon_question q = aeon_suite_question(suite, i);
    aeon_message answer = {.role = "assistant", .content = q.answer};
    out->n = 0;
    CHECK_OK(aeon_chat_encode(chat, vocab, q.messages, q.n_messages, 0, out, &err));
    CHECK_OK(aeon_chat_encode_answer(chat, vocab, &answer, out, &err));
    assert_true(out->n < MOST_TOKENS);
}

static double distance(aeon_type from, aeon_type to, size_t n_talks)
{
    aeon_engine *engines[2];
    aeon_session *a = open_session(&engines[0], from), *b = open_session(&engines[1], to);
    comparison c = {.expected = malloc(MOST_TOKENS * n_vocab * sizeof *c.expected),
                    .now = malloc(n_vocab * sizeof *c.now)};
    aeon_tokens ids = {0};
    assert_non_null(c.expected);
    assert_non_null(c.now);
    for (size_t k = 0; k < n_talks; k++) {
        encode(k * aeon_suite_n(suite) / N_TALKS, &ids);
        read_talk(a, &ids, expect, &c);
        read_talk(b, &ids, compare, &c);
    }
    aeon_tokens_release(&ids);
    free(c.expected);
    free(c.now);
    aeon_session_free(a);
    aeon_session_free(b);
    for (int i = 0; i < 2; i++) aeon_engine_free(engines[i]);
    print_message("%s to %s: %.2e nats over %zu tokens\n", aeon_type_name(from), aeon_type_name(to),
                  c.sum / (double)c.n, c.n);
    return c.sum / (double)c.n;
}

static void the_same_type_costs_nothing(void **state)
{
    (void)state;
    assert_true(fabs(distance(AEON_TYPE_BF16, AEON_TYPE_BF16, 1)) < 1e-12);
}

/* bf16 itself is half as far from f32: weights of one byte round the activations anew, and any
 * change of a key may tip that. Over 16 talks of the suite the mean is 8.2e-4 (2026-11-23,
 * AVX-512), over these six 1.0e-3. A cache that loses a scale or a row is off by tenths. */
static void one_byte_costs_little(void **state)
{
    (void)state;
    double loss = distance(AEON_TYPE_BF16, AEON_TYPE_Q8_0, N_TALKS);
    assert_true(loss > 1e-6); /* it was asked of another cache */
    assert_true(loss < 2e-3);
}

static int open_all(void **state)
{
    (void)state;
    CHECK_OK(aeon_model_open(&model, "builtin", NULL, &err));
    CHECK_OK(aeon_suite_load(&suite, "builtin", &err));
    n_vocab = aeon_tokenizer_n_vocab(aeon_model_tokenizer(model));
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    aeon_suite_free(suite);
    aeon_model_close(model);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_type_costs_nothing),
        cmocka_unit_test(one_byte_costs_little),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
