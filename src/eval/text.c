/* text.c - what is read to measure a model: a text in windows, or the right answers of a suite. */
#include "eval/eval.h"
#include "eval/reading.h"

#include <string.h>

enum { DEFAULT_CTX = 512 };

static const aeon_text_eval_params defaults;

/* ---- a text ---------------------------------------------------------------------------------- */

static aeon_status choose_ctx(size_t *n_ctx, const aeon_model *model, const aeon_model *reference,
                              aeon_error *err)
{
    size_t longest = ae_windows_longest(model, reference);
    if (!*n_ctx) *n_ctx = longest < DEFAULT_CTX ? longest : DEFAULT_CTX;
    if (*n_ctx >= 2 && *n_ctx <= longest) return AEON_OK;
    return ae_fail(err, AEON_INVALID_ARGUMENT, "windows of %zu tokens: choose 2 to %zu", *n_ctx,
                   longest);
}

static aeon_status divide(ae_windows *w, const int32_t *ids, size_t n, size_t n_ctx,
                          aeon_error *err)
{
    if (n < 2)
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "a text of %zu token%s: a model reads one and foresees another", n,
                       n == 1 ? "" : "s");
    if (n_ctx > n) n_ctx = n;
    TRY(aeon_tokens_append(&w->ids, ids, n / n_ctx * n_ctx, err));
    ae_window window = {.n = n_ctx, .n_first = n_ctx > 2 ? n_ctx / 2 : 0};
    for (; window.begin < w->ids.n; window.begin += n_ctx) TRY(ae_windows_add(w, window, err));
    return AEON_OK;
}

/* Every window begins as the texts that the model was trained on. */
static aeon_status begin_windows(ae_windows *w, const aeon_tokenizer *vocab, aeon_error *err)
{
    aeon_tokens start = {0};
    aeon_status status = aeon_tokenizer_encode(vocab, "", 0, AEON_ENCODE_BOS, &start, err);
    for (size_t i = 0; start.n && i < w->n; i++) w->ids.ids[w->list[i].begin] = start.ids[0];
    aeon_tokens_release(&start);
    return status;
}

aeon_status ae_windows_cut(ae_windows *w, const aeon_model *model, const aeon_model *reference,
                           const int32_t *ids, size_t n, size_t n_ctx, aeon_error *err)
{
    TRY(choose_ctx(&n_ctx, model, reference, err));
    TRY(divide(w, ids, n, n_ctx, err));
    return begin_windows(w, aeon_model_tokenizer(model), err);
}

static aeon_status read_text(aeon_text_eval *out, ae_windows *w, const aeon_model *model,
                             const int32_t *ids, size_t n, const aeon_text_eval_params *params,
                             aeon_error *err)
{
    TRY(ae_windows_cut(w, model, params->reference, ids, n, params->n_ctx, err));
    return ae_windows_read(out, w, model, params, err);
}

aeon_status aeon_text_eval_run(aeon_text_eval *out, const aeon_model *model, const int32_t *ids,
                               size_t n, const aeon_text_eval_params *params, aeon_error *err)
{
    ae_windows w = {0};
    aeon_status status = read_text(out, &w, model, ids, n, params ? params : &defaults, err);
    ae_windows_release(&w);
    return status;
}

/* ---- the answers of a suite ------------------------------------------------------------------ */

/* Control tokens stand in an answer as text, just as it is judged. */
static aeon_status encode_answer(aeon_tokens *out, const char *answer, const aeon_model *model,
                                 aeon_error *err)
{
    const aeon_tokenizer *vocab = aeon_model_tokenizer(model);
    TRY(aeon_tokenizer_encode(vocab, answer, strlen(answer), AEON_ENCODE_SPECIAL, out, err));
    return aeon_tokens_push(out, aeon_chat_stop_id(aeon_model_chat(model), vocab), err);
}

static aeon_status add_talk(ae_windows *w, const aeon_suite *s, const ae_question *q,
                            const aeon_model *model, aeon_error *err)
{
    ae_window window = {.begin = w->ids.n};
    TRY(ae_question_encode(s, q, model, &w->ids, err));
    window.n_first = w->ids.n - window.begin - 1; /* after the prompt's last the answer begins */
    TRY(encode_answer(&w->ids, q->answer, model, err));
    window.n = w->ids.n - window.begin;
    return ae_windows_add(w, window, err);
}

static aeon_status read_answers(aeon_text_eval *out, ae_windows *w, const aeon_model *model,
                                const aeon_suite *s, const aeon_text_eval_params *params,
                                aeon_error *err)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->questions[i].answer) TRY(add_talk(w, s, &s->questions[i], model, err));
    if (!w->n)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: no question comes with a right answer",
                       s->name);
    return ae_windows_read(out, w, model, params, err);
}

aeon_status aeon_suite_eval_run(aeon_text_eval *out, const aeon_model *model, const aeon_suite *s,
                                const aeon_text_eval_params *params, aeon_error *err)
{
    ae_windows w = {0};
    aeon_status status = read_answers(out, &w, model, s, params ? params : &defaults, err);
    ae_windows_release(&w);
    return status;
}
