/* eval.h - how good is a model: by questions whose answers can be checked, and by a text.
 *
 * Model:    A suite is a list of questions, each of a family: the messages of a talk up to the
 *           question, and a check that recognises a right answer. A run asks a model all of them;
 *           scores count the right answers of a family. A text needs no answers: it tells how well
 *           each of its tokens was foreseen, and how far the model is from a reference. Same model,
 *           instruction set and seed: same results, whatever the number of threads.
 * Threads:  A suite is immutable after select; any thread. A run uses threads of its own.
 * Example:  TRY(aeon_suite_load(&suite, "builtin", err));
 *           TRY(aeon_eval_run(&eval, model, suite, NULL, err));
 *           aeon_eval_score all = aeon_eval_score_get(eval, NULL);
 *           printf("%zu of %zu\n", all.n_right, all.n);
 *
 *           TRY(aeon_tokenizer_encode(vocab, text, len, AEON_ENCODE_BOS, &ids, err));
 *           TRY(aeon_text_eval_run(&on, model, ids.ids, ids.n, NULL, err));
 *           printf("perplexity %.3f\n", on.perplexity.value);
 */
#ifndef AEON_EVAL_H
#define AEON_EVAL_H

#include "aeon/model.h"
#include "aeon/sampler.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- suites ---------------------------------------------------------------------------------- */

typedef struct aeon_suite aeon_suite;

typedef struct {
    const char *family;
    const aeon_message *messages; /* the last one is the question, or the result of a tool */
    size_t n_messages;
    const char *answer; /* a right one; NULL if the suite gives none */
    bool wants_json;    /* its check parses the answer as JSON */
} aeon_question;

/* path: "builtin", or a file with a JSON object on each line:
 *
 *     {"family": "..", "messages": [{"role": "..", "content": ".."}, ..], "check": {..},
 *      "answer": ".."}
 *
 * A system message, or the line, may have "tools", an answer "tool_calls". All conditions of a
 * check must hold:
 *
 *     "equals": ["..", ..]    the answer is one of these texts; the case of ASCII letters, white
 *                             space around and one final "." or "!" don't count
 *     "matches": ["..", ..]   each regular expression is found in it, whatever the case
 *     "lacks": ["..", ..]     none of these is found. A search that takes too long decides nothing:
 *                             then neither of the two conditions holds
 *     "json": value           it is JSON and equals value; numbers are equal by value
 *     "tool_calls": [{"name": "..", "arguments": {..}}, ..]
 *                             it is these calls between <|tool_call|> and <|/tool_call|>
 *
 * Errors: NOT_FOUND, IO, BAD_FORMAT (names file and line), OUT_OF_MEMORY. */
AEON_API AEON_MUST_USE aeon_status aeon_suite_load(aeon_suite **out, const char *path,
                                                   aeon_error *err);
AEON_API void aeon_suite_free(aeon_suite *s);

/* Keep the first n_each questions (0: all) of each of these families (n 0: of all families).
 * Errors: NOT_FOUND (names the families that there are). */
AEON_API AEON_MUST_USE aeon_status aeon_suite_select(aeon_suite *s, const char *const *families,
                                                     size_t n, size_t n_each, aeon_error *err);

AEON_API size_t aeon_suite_n(const aeon_suite *s);
AEON_API aeon_question aeon_suite_question(const aeon_suite *s, size_t i); /* i < n; borrowed */

/* Families in the order of their first questions: i = 0, 1, ... until NULL. */
AEON_API const char *aeon_suite_family_at(const aeon_suite *s, size_t i);

typedef struct {
    bool is_right;
    bool is_json; /* what wants JSON got some, right or wrong */
} aeon_verdict;

/* Check an answer to question i. Control tokens are expected as text. Errors: OUT_OF_MEMORY. */
AEON_API AEON_MUST_USE aeon_status aeon_suite_judge(const aeon_suite *s, size_t i, const char *text,
                                                    size_t len, aeon_verdict *out, aeon_error *err);

/* ---- runs ------------------------------------------------------------------------------------ */

typedef struct aeon_eval aeon_eval;

typedef struct {
    int n_threads;     /* 0: one per core */
    size_t n_max;      /* most tokens of an answer; 0: 160 */
    size_t n_samples;  /* answers to each question, drawn at temperature; 0: one, greedy */
    float temperature; /* the other settings are those of aeon_sampler_params_default */
    uint64_t seed;     /* every sample draws by a seed made from this one */
    bool has_kv_type;  /* keys and values of kv_type; else the usual */
    aeon_type kv_type;
    /* NULL, or a model with the same vocabulary: how many tokens of the greedy answers would it
     * have chosen as well? */
    const aeon_model *against;
    /* Asked again and again in the caller's thread: false ends the run with the questions answered
     * by then. Or NULL. */
    bool (*goes_on)(void *user, size_t n_answered, size_t n);
    void *user;
} aeon_eval_params;

/* params may be NULL. Model and suite are borrowed and must outlive the result. A small model
 * answers as many questions at once as there are threads. Errors: UNSUPPORTED (a model without a
 * chat template), BAD_FORMAT (a question that the template cannot write or the context cannot hold,
 * by its line), MISMATCH (against has another vocabulary), INVALID_ARGUMENT, OUT_OF_MEMORY. */
AEON_API AEON_MUST_USE aeon_status aeon_eval_run(aeon_eval **out, const aeon_model *model,
                                                 const aeon_suite *suite,
                                                 const aeon_eval_params *params, aeon_error *err);
AEON_API void aeon_eval_free(aeon_eval *e);

typedef struct {
    const char *text; /* control tokens included, the end token not; NULL: was not asked */
    size_t len;
    bool is_right, is_json;
    size_t n_tokens, n_agreed; /* the end token included; agreed: with the model against */
} aeon_eval_answer;

/* Borrowed. question < aeon_suite_n, sample < n_samples (0 alone if that is 0). */
AEON_API aeon_eval_answer aeon_eval_answer_get(const aeon_eval *e, size_t question, size_t sample);

typedef struct {
    size_t n;             /* questions answered, n_samples times if drawn */
    size_t n_right;       /* of these answers */
    double low, high;     /* 95% interval (Wilson) of the part that is right; greedy answers only */
    size_t n_json_wanted; /* answers that should be JSON */
    size_t n_json;        /* and are */
    size_t n_tokens, n_agreed;
    /* of the samples */
    size_t n_any_right;      /* questions with a right one among them */
    size_t n_majority_right; /* questions whose most frequent answer is right; answers are the same
                                if the text behind "Answer:" is, or without that the whole text */
    double n_distinct;       /* different texts to a question, mean */
} aeon_eval_score;

/* family NULL: of all questions. */
AEON_API aeon_eval_score aeon_eval_score_get(const aeon_eval *e, const char *family);

/* ---- texts ----------------------------------------------------------------------------------- */

/*     text     [ window 0       | window 1       | .. | too short for a window ]   n tokens
 *     window   [ read  | scored ]                     each read as if nothing came before it
 *
 * The second half of a window of n tokens is scored: what the model expects after each of its
 * tokens n/2 .. n-2, where the token that follows is looked up. Windows do not overlap, and the
 * rest of the text is left out: the same tokens that llama.cpp's perplexity scores, by default in
 * the same windows. A shorter text is one window. Where the model was trained with a start token,
 * it takes the place of each window's first. */

/* A number and its 95% interval: where it would lie on all text of this kind, if its tokens were
 * drawn one by one. A text's are not, so the truth varies somewhat more. */
typedef struct {
    double value, low, high;
} aeon_estimate;

typedef struct {
    size_t n_ctx;     /* tokens of a window, at least 2; 0: 512, or all that the models hold */
    int n_threads;    /* 0: one per core */
    bool has_kv_type; /* keys and values of kv_type; else the usual */
    aeon_type kv_type;
    const aeon_model *reference; /* NULL, or a model with the same vocabulary to be compared with */
    /* Asked after every few tokens: false ends the run with what is scored by then. Or NULL.
     * n_read: tokens that were read, of n. */
    bool (*goes_on)(void *user, size_t n_read, size_t n);
    void *user;
} aeon_text_eval_params;

/* p: what the reference expects at a place of the text, q: what the model does; natural logarithms.
 * The estimates are 0 if nothing was scored. */
typedef struct {
    size_t n_windows, n_ctx; /* how many, and tokens of the longest */
    size_t n_tokens;         /* of all windows */
    size_t n_wanted;         /* tokens to be scored, */
    size_t n_scored;         /* and those that are: fewer if goes_on ended the run */
    size_t n_read;           /* tokens that the model read for it, and the reference too */
    aeon_estimate perplexity;

    /* With a reference: */
    aeon_estimate reference_perplexity;
    aeon_estimate gain; /* mean of ln q - ln p of the text's tokens: below 0, the model is worse */
    aeon_estimate kl_mean; /* of the Kullback-Leibler divergence sum p ln(p/q), in nats; */
    aeon_estimate kl_median, kl_p99; /* 99 of 100 places are below kl_p99. high is infinite where
                                      * the text is too short to bound it */
    double kl_max;
    aeon_estimate top1_agreement; /* part of the places where both expect the same token most */
} aeon_text_eval;

/* Read the text ids[0..n) with the model, and with the reference in turn: neither writes down what
 * it expected, and results do not depend on threads. params may be NULL. Models are borrowed.
 * Each has an engine of its own, with keys and values for one window, and 64 rows of logits.
 * Errors: INVALID_ARGUMENT (fewer than 2 tokens; an id out of range; a window that a model does not
 * hold), MISMATCH (reference has another vocabulary), BAD_FORMAT (logits that are not finite),
 * OUT_OF_MEMORY. */
AEON_API AEON_MUST_USE aeon_status aeon_text_eval_run(aeon_text_eval *out, const aeon_model *model,
                                                      const int32_t *ids, size_t n,
                                                      const aeon_text_eval_params *params,
                                                      aeon_error *err);

/* The same for the right answers that come with the questions of a suite: each talk is a window,
 * written as the model's chat template does, and its answer with the end token is what is scored.
 * n_ctx has no effect. Errors: also UNSUPPORTED (a model without a chat template), BAD_FORMAT (a
 * question that the template cannot write, by its line), INVALID_ARGUMENT (no answers). */
AEON_API AEON_MUST_USE aeon_status aeon_suite_eval_run(aeon_text_eval *out, const aeon_model *model,
                                                       const aeon_suite *suite,
                                                       const aeon_text_eval_params *params,
                                                       aeon_error *err);

#ifdef __cplusplus
}
#endif
#endif
