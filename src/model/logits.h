/* logits.h - the logits of a token, and where the large ones are.
 *
 *     [ l0 l1 l2 ..  l(n_vocab - 1) | the largest of l0 .. l31, of l32 .. l63, .. ]
 *
 * Model:    Of 200,064 logits a sampler wants the best few. Who computes them also notes the peak
 *           of every AE_PEAK_LOGITS, while they are in the cache; then a few thousand peaks tell
 *           which logits are worth a look.
 * Threads:  Pure functions; peaks of different logits may be found at once.
 * Promises: a peak is never NaN: those are passed over, and -infinity is the peak of nothing else
 */
#ifndef AE_MODEL_LOGITS_H
#define AE_MODEL_LOGITS_H

#include <stddef.h>

enum { AE_PEAK_LOGITS = 32 };

static inline size_t ae_logits_n_peaks(size_t n_vocab)
{
    return (n_vocab + AE_PEAK_LOGITS - 1) / AE_PEAK_LOGITS;
}

/* Floats of logits and peaks together. */
static inline size_t ae_logits_len(size_t n_vocab)
{
    return n_vocab + ae_logits_n_peaks(n_vocab);
}

/* peaks [ae_logits_n_peaks(n)] of logits [n] */
void ae_logits_find_peaks(const float *logits, size_t n, float *peaks);

#endif
