#include "model/rope.h"

#include <math.h>

static void find_angles(const ae_config *c, ae_rope_set set, double pos, double magnitude,
                        float *cos_sin)
{
    uint32_t half = c->rope_dim / 2;
    for (uint32_t i = 0; i < half; i++) {
        double frequency = pow((double)c->rope_theta, -2.0 * i / c->rope_dim);
        if (c->has_rope_factors[set]) frequency /= (double)c->rope_factors[set][i];
        double angle = pos * frequency;
        cos_sin[i] = (float)(cos(angle) * magnitude);
        cos_sin[half + i] = (float)(sin(angle) * magnitude);
    }
}

void ae_rope_angles(const ae_config *c, ae_rope_set set, size_t pos, float *cos_sin)
{
    find_angles(c, set, (double)pos, (double)c->rope_magnitude, cos_sin);
}

void ae_rope_turn_back(const ae_config *c, ae_rope_set set, size_t n, float *cos_sin)
{
    find_angles(c, set, -(double)n, 1, cos_sin);
}

void ae_rope_rotate(const ae_config *c, const float *cos_sin, float *x, size_t n_heads)
{
    uint32_t half = c->rope_dim / 2;
    bool is_pairs = c->rope_layout == AE_ROPE_PAIRS;
    for (size_t h = 0; h < n_heads; h++, x += c->head_dim) {
        for (uint32_t i = 0; i < half; i++) {
            float *a = is_pairs ? x + 2 * i : x + i;
            float *b = is_pairs ? a + 1 : a + half;
            float x0 = *a, x1 = *b;
            *a = x0 * cos_sin[i] - x1 * cos_sin[half + i];
            *b = x0 * cos_sin[half + i] + x1 * cos_sin[i];
        }
    }
}
