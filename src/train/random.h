/* random.h - the trainer's random numbers: splitmix64, the same on every machine.
 *
 * Model:    The state is one number; streams for different purposes start from a seed and a stream
 *           number, so that no stream has to be saved to be found again.
 * Example:  uint64_t r = ae_random_seed(seed, epoch);  size_t i = ae_random_below(&r, n);
 */
#ifndef AE_TRAIN_RANDOM_H
#define AE_TRAIN_RANDOM_H

#include <stdint.h>

static inline uint64_t ae_random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static inline uint64_t ae_random_seed(uint64_t seed, uint64_t stream)
{
    uint64_t state = seed;
    state = ae_random_next(&state) + stream;
    return ae_random_next(&state);
}

/* Uniform in [0, 1). */
static inline float ae_random_float(uint64_t *state)
{
    return (float)(ae_random_next(state) >> 40) * (1.0f / (1 << 24));
}

/* Uniform in 0 .. n-1, n below 2^32 (the bias is n / 2^32). */
static inline uint64_t ae_random_below(uint64_t *state, uint64_t n)
{
    return (ae_random_next(state) >> 32) * n >> 32;
}

#endif
