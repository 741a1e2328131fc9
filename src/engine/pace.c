#include "engine/pace.h"

#include <stdint.h>

size_t ae_pace_room(const ae_pace *p, size_t n_speakers)
{
    if (p->n_speakers != n_speakers || p->n_since >= AE_PACE_MEASURE) return 0;
    double spare_s = (AE_PACE_PATIENCE - 1) * p->speak_s;
    if (spare_s < 2 * p->prompt_token_s || p->prompt_token_s <= 0) return 1;
    double n = spare_s / p->prompt_token_s;
    return n < (double)UINT32_MAX ? (size_t)n : UINT32_MAX;
}

void ae_pace_learn(ae_pace *p, size_t n_speakers, size_t n_prompt, double took_s)
{
    if (n_speakers == 0) return;
    if (n_prompt == 0) {
        p->speak_s = p->n_speakers == n_speakers ? 0.75 * p->speak_s + 0.25 * took_s : took_s;
        p->n_speakers = n_speakers;
        p->n_since = 0;
        return;
    }
    double each_s = (took_s - p->speak_s) / (double)n_prompt, least_s = p->prompt_token_s / 2;
    p->prompt_token_s = each_s > least_s ? each_s : least_s;
    p->n_since++;
}
