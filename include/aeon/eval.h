/* eval.h - ask a model questions whose answers can be checked.
 *
 * Model:    A suite is a list of questions, each of a family: the messages of a talk up to the
 *           question, and a check that recognises a right answer. A run asks a model all of them;
 *           scores count the right answers of a family. Same model, instruction set and seed: same
 *           answers, whatever the number of threads.
 * Threads:  A suite is immutable after select; any thread. A run uses threads of its own.
 * Example:  TRY(aeon_suite_load(&suite, "builtin", err));
 *           TRY(aeon_eval_run(&eval, model, suite, NULL, err));
 *           aeon_eval_score all = aeon_eval_score_get(eval, NULL);
 *           printf("%zu of %zu\n", all.n_right, all.n);
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

#ifdef __cplusplus
}
#endif
#endif
