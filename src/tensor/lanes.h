/* lanes.h - blocks side by side, and the passes over them that the search for scales is made of.
 *
 * Model:    Value i of sixteen blocks stands together, and each lane of a vector works on one of
 *           the blocks: no sum crosses lanes, so every instruction set adds in the same order. A
 *           pass rounds all values to their nearest levels under given scales, and returns the
 *           weighted error and the scales that would fit these levels best.
 * Uses:     base/clones.h.      Threads: pure functions.
 * Example:  ae_fit_scale(b, 32, -8, 7, d, error, better_d);
 */
#ifndef AE_TENSOR_LANES_H
#define AE_TENSOR_LANES_H

#include "base/clones.h"
#include "tensor/blocks.h"
#include "tensor/dtype.h"

#include <math.h>
#include <stddef.h>

enum { AE_LANES = 16 };
typedef float ae_lane[AE_LANES]; /* a number for each block */

#define AE_EACH_LANE(l) for (int l = 0; l < AE_LANES; l++)

/* What a search is given: blocks of 32 values, or of 16. */
typedef struct {
    ae_lane x[AE_BLOCK];
    ae_lane w[AE_BLOCK]; /* weights of the squared errors, above 0 */
} ae_lanes;

/* What it finds: the numbers that blocks store. */
typedef struct {
    ae_lane d, m;           /* what is stored as f16; the same in all groups of a superblock */
    int8_t scale[AE_LANES]; /* groups of superblocks: integers that multiply d and m */
    uint8_t min[AE_LANES];
    uint8_t q[AE_BLOCK][AE_LANES]; /* levels, counted from 0 */
} ae_found;

/* Levels low .. high. */
typedef void ae_search_fn(const ae_lanes *b, float low, float high, ae_found *out);

/* quantize_k.c: 16 blocks of 16 values, 2 superblocks of 8 groups of 32 */
ae_search_fn ae_search_q6_k, ae_search_k;

/* ---- numbers --------------------------------------------------------------------------------- */

/* The integer nearest to v within [low, high], as a float; NaN gives low. Beside 1.5 * 2^23, floats
 * have steps of one. */
AE_CLONED_INLINE float ae_nearest(float v, float low, float high)
{
    v = v > low ? v : low;
    v = v < high ? v : high;
    return v + 0x1.8p23f - 0x1.8p23f;
}

/* 1 / d; 0 for what an f16 has no better word for. */
AE_CLONED_INLINE float ae_inverse(float d)
{
    return fabsf(d) > 0x1p-25f ? 1 / d : 0;
}

/* The finite f16 nearest to v. */
static inline float ae_as_f16(float v)
{
    v = v > -65504.0f ? v : -65504.0f;
    v = v < 65504.0f ? v : 65504.0f;
    return ae_f16_to_f32(ae_f32_to_f16(v));
}

/* ---- passes ---------------------------------------------------------------------------------- */

/* y = d * q, low <= q <= high, in blocks of n values. */
AE_CLONED_INLINE void ae_fit_scale(const ae_lanes *b, int n, float low, float high, const ae_lane d,
                                   ae_lane error, ae_lane fit)
{
    AE_EACH_LANE(l)
    {
        float inverse = ae_inverse(d[l]), e = 0, qr = 0, qq = 0;
        for (int i = 0; i < n; i++) {
            float x = b->x[i][l], w = b->w[i][l], q = ae_nearest(x * inverse, low, high);
            float r = x - d[l] * q, wq = w * q;
            e += w * r * r;
            qr += wq * r;
            qq += wq * q;
        }
        error[l] = e;
        fit[l] = d[l] + (qq > 0 ? qr / qq : 0);
    }
}

/* y = d * q + m, 0 <= q <= top, in blocks of 32. */
AE_CLONED_INLINE void ae_fit_line(const ae_lanes *b, float top, const ae_lane d, const ae_lane m,
                                  ae_lane error, ae_lane fit_d, ae_lane fit_m)
{
    AE_EACH_LANE(l)
    {
        float inverse = ae_inverse(d[l]), e = 0, one = 0, r1 = 0, q1 = 0, qr = 0, qq = 0;
        for (int i = 0; i < AE_BLOCK; i++) {
            float x = b->x[i][l] - m[l], w = b->w[i][l], q = ae_nearest(x * inverse, 0, top);
            float r = x - d[l] * q, wr = w * r, wq = w * q;
            e += wr * r;
            one += w;
            r1 += wr;
            q1 += wq;
            qr += wr * q;
            qq += wq * q;
        }
        float det = one * qq - q1 * q1, inverse_det = det > 0 ? 1 / det : 0;
        error[l] = e;
        fit_d[l] = d[l] + (one * qr - q1 * r1) * inverse_det;
        fit_m[l] = m[l] + (qq * r1 - q1 * qr) * inverse_det;
    }
}

/* The levels themselves, counted from low, in blocks of n values; m is added if it is not NULL. */
AE_CLONED_INLINE void ae_choose_levels(const ae_lanes *b, int n, float low, float high,
                                       const ae_lane d, const ae_lane m,
                                       uint8_t q[AE_BLOCK][AE_LANES])
{
    ae_lane inverse;
    AE_EACH_LANE(l) inverse[l] = ae_inverse(d[l]);
    for (int i = 0; i < n; i++) {
        AE_EACH_LANE(l)
        {
            float x = b->x[i][l] - m[l];
            q[i][l] = (uint8_t)(int)(ae_nearest(x * inverse[l], low, high) - low);
        }
    }
}

AE_CLONED_INLINE void ae_find_range(const ae_lanes *b, int n, ae_lane low, ae_lane high)
{
    AE_EACH_LANE(l)
    {
        float least = b->x[0][l], most = b->x[0][l];
        for (int i = 1; i < n; i++) {
            least = b->x[i][l] < least ? b->x[i][l] : least;
            most = b->x[i][l] > most ? b->x[i][l] : most;
        }
        low[l] = least;
        high[l] = most;
    }
}

#endif
