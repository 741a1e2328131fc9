/* sampler.h - pick the next token from logits.
 *
 * Model:    Penalties and bias change the logits, temperature scales them, top-k, top-p and min-p
 *           cut the tail, a seeded generator draws. Temperature 0 takes the largest (the lowest id
 *           on ties). The same seed and logits always give the same tokens.
 * Threads:  One thread at a time per sampler.
 * Example:  aeon_sampler_params p = aeon_sampler_params_default();
 *           TRY(aeon_sampler_new(&s, &p, n_vocab, err));
 *           id = aeon_sampler_pick(s, logits); aeon_sampler_accept(s, id);
 */
#ifndef AEON_SAMPLER_H
#define AEON_SAMPLER_H

#include "aeon/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct aeon_sampler aeon_sampler;

typedef struct {
    int32_t id;
    float bias; /* added to the logit; -INFINITY forbids the token */
} aeon_logit_bias;

typedef struct {
    float temperature;       /* >= 0; 0 is greedy */
    int top_k;               /* keep the k most likely; 0: all */
    float top_p;             /* keep the smallest set with this much probability; 1: all */
    float min_p;             /* drop tokens below min_p times the best; 0: none */
    float repeat_penalty;    /* > 0; divides positive and multiplies negative logits; 1: none */
    float presence_penalty;  /* subtracted once from every token seen */
    float frequency_penalty; /* subtracted for every time it was seen */
    int penalty_window;      /* how many of the last tokens count; 0: none, at most 65,535 */
    const aeon_logit_bias *bias;
    size_t n_bias;
    uint64_t seed;
} aeon_sampler_params;

/* temperature 0.7, top_k 40, top_p 0.95, min_p 0.05, no penalties, window 64, seed 0. */
AEON_API aeon_sampler_params aeon_sampler_params_default(void);

/* For logits of n_vocab tokens, at least 1. Copies the params (and the bias list). Errors:
 * INVALID_ARGUMENT names the field, OUT_OF_MEMORY. */
AEON_API AEON_MUST_USE aeon_status aeon_sampler_new(aeon_sampler **out,
                                                    const aeon_sampler_params *params,
                                                    size_t n_vocab, aeon_error *err);
AEON_API void aeon_sampler_free(aeon_sampler *s);

/* Draw from logits [n_vocab], which are not changed. Never a NaN's index: NaN counts as -infinity;
 * where nothing is finite, id 0. */
AEON_API int32_t aeon_sampler_pick(aeon_sampler *s, const float *logits);

/* Tell the sampler a token of the timeline, prompt or picked, for the penalties. */
AEON_API void aeon_sampler_accept(aeon_sampler *s, int32_t id);

/* Forget the tokens seen and start the generator again from its seed. */
AEON_API void aeon_sampler_reset(aeon_sampler *s);

#ifdef __cplusplus
}
#endif
#endif
