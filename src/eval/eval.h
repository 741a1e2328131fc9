/* eval.h - the answers of a run, shared by the files of this folder. */
#ifndef AE_EVAL_EVAL_H
#define AE_EVAL_EVAL_H

#include "eval/suite.h"

enum { AE_MAX_SAMPLES = 1000 };

typedef struct {
    aeon_text text;
    aeon_verdict verdict;
    size_t n_tokens, n_agreed;
} ae_answer;

struct aeon_eval {
    const aeon_suite *suite; /* borrowed */
    size_t n_samples;        /* 1 to AE_MAX_SAMPLES */
    ae_answer *answers;      /* [suite->n][n_samples] */
    bool *is_answered;       /* [suite->n] all samples of it */
};

/* The 95% interval of the share of right ones in the world from which n were drawn (Wilson 1927).
 * 0 and 1 if n is 0. */
void ae_wilson(size_t n_right, size_t n, double *low, double *high);

/* Append the tokens of a question, and open the assistant's turn. Errors: UNSUPPORTED, BAD_FORMAT
 * (names the question's line), OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_question_encode(const aeon_suite *s, const ae_question *q,
                                             const aeon_model *model, aeon_tokens *out,
                                             aeon_error *err);

/* Do two models speak of the same tokens? Errors: MISMATCH, OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_check_vocabulary(const aeon_tokenizer *a, const aeon_tokenizer *b,
                                              aeon_error *err);

#endif
