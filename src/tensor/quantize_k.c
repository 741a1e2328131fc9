/* quantize_k.c - the search for the scales of the K types: those of groups, which are small
 * integers, and the one or two of the superblock that multiply them. */
#include "tensor/lanes.h"

enum { GROUPS = 8, DEPTH_Q6 = 16 };

AE_CLONES void ae_search_k(const ae_lanes *b, float low, float top, ae_found *out)
{
    ae_lane least, most, d, m, error, fit_d, fit_m;
    ae_find_range(b, AE_BLOCK, least, most);
    AE_EACH_LANE(l)
    {
        least[l] = least[l] < 0 ? least[l] : 0;
        d[l] = (most[l] > least[l] ? most[l] - least[l] : 0) / top;
        m[l] = least[l];
    }
    ae_fit_line(b, top, d, m, error, fit_d, fit_m);
    for (int first = 0; first < AE_LANES; first += GROUPS) {
        float largest_d = 0, largest_m = 0;
        for (int l = first; l < first + GROUPS; l++) {
            fit_m[l] = fit_m[l] < 0 ? -fit_m[l] : 0;
            fit_d[l] = fit_d[l] > 0 ? fit_d[l] : 0;
            largest_d = fit_d[l] > largest_d ? fit_d[l] : largest_d;
            largest_m = fit_m[l] > largest_m ? fit_m[l] : largest_m;
        }
        for (int l = first; l < first + GROUPS; l++) {
            out->d[l] = ae_as_f16(largest_d / 63);
            out->m[l] = ae_as_f16(largest_m / 63);
            float scale = ae_nearest(fit_d[l] * ae_inverse(out->d[l]), 0, 63);
            float min = ae_nearest(fit_m[l] * ae_inverse(out->m[l]), 0, 63);
            out->scale[l] = (int8_t)scale;
            out->min[l] = (uint8_t)min;
            d[l] = out->d[l] * scale;
            m[l] = -(out->m[l] * min);
        }
    }
    ae_choose_levels(b, AE_BLOCK, low, top, d, m, out->q);
}

AE_CLONES void ae_search_q6_k(const ae_lanes *b, float low, float high, ae_found *out)
{
    static const ae_lane zeros;
    ae_lane least, most, d, error, fit;
    ae_find_range(b, DEPTH_Q6, least, most);
    AE_EACH_LANE(l) d[l] = (most[l] > -least[l] ? most[l] : least[l]) / low;
    ae_fit_scale(b, DEPTH_Q6, low, high, d, error, fit);
    float largest = 0;
    AE_EACH_LANE(l) largest = fabsf(fit[l]) > largest ? fabsf(fit[l]) : largest;
    AE_EACH_LANE(l)
    {
        out->d[l] = ae_as_f16(largest / 127);
        out->scale[l] = (int8_t)ae_nearest(fit[l] * ae_inverse(out->d[l]), -128, 127);
        d[l] = out->d[l] * (float)out->scale[l];
    }
    ae_choose_levels(b, DEPTH_Q6, low, high, d, zeros, out->q);
}
