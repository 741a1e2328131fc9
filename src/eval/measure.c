/* measure.c - logits to a place's numbers, and places to the text's. */
#include "eval/measure.h"

#include <math.h>

static const double Z95 = 1.959963984540054; /* 95% of a normal distribution lie within it */

/* ---- one place ------------------------------------------------------------------------------- */

static size_t find_top(const float *x, size_t n)
{
    size_t top = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[top]) top = i;
    return top;
}

static ae_place loss_of(const float *logits, size_t n_vocab, int32_t next)
{
    double top = logits[find_top(logits, n_vocab)], sum = 0;
    for (size_t i = 0; i < n_vocab; i++) sum += exp(logits[i] - top);
    return (ae_place){.loss = log(sum) - (logits[next] - top)};
}

/* One walk over both rows. With u and v the logits less their largest, P = sum exp(u) and
 * Q = sum exp(v):  sum p ln(p/q) = sum exp(u) (u - v) / P - ln P + ln Q. */
ae_place ae_place_of(const float *logits, const float *reference, size_t n_vocab, int32_t next)
{
    if (!reference) return loss_of(logits, n_vocab, next);
    size_t top_p = find_top(reference, n_vocab), top_q = find_top(logits, n_vocab);
    double most_p = reference[top_p], most_q = logits[top_q], p = 0, q = 0, apart = 0;
    for (size_t i = 0; i < n_vocab; i++) {
        double u = reference[i] - most_p, v = logits[i] - most_q, weight = exp(u);
        p += weight;
        q += exp(v);
        if (weight > 0) apart += weight * (u - v); /* 0 ln 0 is 0 */
    }
    double kl = apart / p - (log(p) - log(q));
    return (ae_place){
        .loss = log(q) - (logits[next] - most_q),
        .reference_loss = log(p) - (reference[next] - most_p),
        .kl = kl < 0 ? 0 : kl, /* rounding alone makes it negative */
        .is_same_top = top_p == top_q,
    };
}

/* ---- all places ------------------------------------------------------------------------------ */

aeon_estimate ae_estimate_mean(const double *values, size_t n)
{
    double sum = 0, squares = 0, n_values = (double)n;
    for (size_t i = 0; i < n; i++) sum += values[i];
    double mean = sum / n_values;
    for (size_t i = 0; i < n; i++) squares += (values[i] - mean) * (values[i] - mean);
    double spread = n > 1 ? Z95 * sqrt(squares / (n_values - 1) / n_values) : INFINITY;
    return (aeon_estimate){mean, mean - spread, mean + spread};
}

/* How many of n values lie below the quantile is a binomial number B; the interval from the value
 * of rank r (from 1) to that of rank s holds the quantile where r <= B < s. */
aeon_estimate ae_estimate_quantile(const double *sorted, size_t n, double part)
{
    double at = part * (double)(n - 1), mean = part * (double)n;
    double spread = Z95 * sqrt(mean * (1 - part));
    double r = ceil(mean - spread), s = floor(mean + spread) + 1;
    size_t below = (size_t)at, above = below + 1 < n ? below + 1 : below;
    return (aeon_estimate){
        .value = sorted[below] + (at - (double)below) * (sorted[above] - sorted[below]),
        .low = r >= 1 ? sorted[(size_t)r - 1] : -INFINITY,
        .high = s <= (double)n ? sorted[(size_t)s - 1] : INFINITY,
    };
}
