/* measure.h - one place of a text, and the numbers of all places.
 *
 * Model:    A place is a row of logits and the token that came next. Sums are taken in double and
 *           in the order of the text, so that no number depends on who computed what first.
 * Uses:     base/.      Threads: pure functions; any thread.
 * Example:  ae_place at = ae_place_of(logits, NULL, n_vocab, next);
 *           losses[i] = at.loss;
 *           aeon_estimate mean = ae_estimate_mean(losses, n);
 */
#ifndef AE_EVAL_MEASURE_H
#define AE_EVAL_MEASURE_H

#include "aeon/eval.h"

typedef struct {
    double loss;           /* -ln q(next) of the model, in nats */
    double reference_loss; /* -ln p(next) of the reference */
    double kl;             /* sum p ln(p/q), at least 0 */
    bool is_same_top;      /* the lowest of the likeliest tokens is the same one */
} ae_place;

/* logits, reference [n_vocab]; reference may be NULL: then loss alone is filled. A logit of -inf is
 * a probability of 0; loss is infinite if that is next, and kl if the reference expects it. Logits
 * that are no distribution (NaN, +inf, all -inf) make NaN. Equal logits make a kl of exactly 0. */
ae_place ae_place_of(const float *logits, const float *reference, size_t n_vocab, int32_t next);

/* The mean of values[0..n), n >= 1, and its interval by the normal distribution; everything for a
 * single value. */
aeon_estimate ae_estimate_mean(const double *values, size_t n);

/* The value below which so large a part of them lies, between two where it falls between them, and
 * the interval that its rank has by the binomial distribution. sorted: ascending, n >= 1. low and
 * high are infinite where that interval ends beyond the values. */
aeon_estimate ae_estimate_quantile(const double *sorted, size_t n, double part);

#endif
