#include "model/logits.h"

#include <math.h>

static float larger(float x, float best)
{
    return x > best ? x : best;
}

/* Column by column of 8: a register each, so that it is quick without changing the result. */
static float peak_of(const float x[AE_PEAK_LOGITS])
{
    enum { N = 8 };
    float best[N], peak = -INFINITY;
    for (int c = 0; c < N; c++) best[c] = -INFINITY;
    for (int i = 0; i < AE_PEAK_LOGITS; i += N)
        for (int c = 0; c < N; c++) best[c] = larger(x[i + c], best[c]);
    for (int c = 0; c < N; c++) peak = larger(best[c], peak);
    return peak;
}

void ae_logits_find_peaks(const float *logits, size_t n, float *peaks)
{
    for (; n >= AE_PEAK_LOGITS; n -= AE_PEAK_LOGITS, logits += AE_PEAK_LOGITS)
        *peaks++ = peak_of(logits);
    if (n == 0) return;
    float peak = -INFINITY;
    for (size_t i = 0; i < n; i++) peak = larger(logits[i], peak);
    *peaks = peak;
}
