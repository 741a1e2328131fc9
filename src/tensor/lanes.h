/* lanes.h - blocks side by side, and the passes over them that the search for scales is made of.
 *
 * Model:    Value i of sixteen blocks (or groups of a superblock) stands together, and each lane of
 *           a vector works on one of them: no sum crosses lanes, so every instruction set adds in
 *           the same order. A pass rounds all values to their nearest levels under given scales;
 *           its sums give the weighted error, and the scales that fit these levels best.
 * Uses:     base/clones.h.      Threads: pure functions.
 * Example:  ae_try_scale(b, ae_nearest, -8, 7, d, &sums);
 *           ae_fit_scale(&sums, d, better_d, error);
 */
#ifndef AE_TENSOR_LANES_H
#define AE_TENSOR_LANES_H

#include "base/clones.h"
#include "tensor/blocks.h"
#include "tensor/dtype.h"

#include <math.h>
#include <stddef.h>

enum { AE_LANES = 16 };
typedef float ae_lane[AE_LANES]; /* a number of each block */

#define AE_EACH_LANE(l) for (int l = 0; l < AE_LANES; l++)

/* What a search is given. */
typedef struct {
    int n;            /* values in a lane: 32 or 16 */
    bool is_weighted; /* or all weights are 1 */
    ae_lane x[AE_BLOCK];
    ae_lane w[AE_BLOCK]; /* weights of the squared errors, above 0 */
} ae_lanes;

/* What it finds: the numbers that blocks store. */
typedef struct {
    ae_lane d, m;                  /* f16; the same in all groups of a superblock */
    ae_lane scale, min;            /* integers of the groups: y = d * scale * level - m * min */
    uint8_t q[AE_BLOCK][AE_LANES]; /* levels, counted from 0 */
} ae_found;

/* How far beyond the outermost level a search puts the outermost value, in levels: it tries all of
 * first, first + step, ... up to last. What lies beyond is cut, so that the rest gets finer steps;
 * negative ones leave levels unused, for steps that happen to suit the values. */
typedef struct {
    float first, last, step;
} ae_ladder;

/* The form of a type. */
typedef struct {
    float low, high;             /* levels: all integers between, or those of IQ4_NL */
    const ae_ladder *ladder;     /* where all values count alike */
    const ae_ladder *weighted;   /* where some count for little, and more may be cut */
    int n_groups;                /* lanes that share d and m */
    bool is_lopsided;            /* so much that both signs of a group's scale are tried */
    float scale_low, scale_high; /* what multiplies d in a group; its min is 0 .. scale_high */
} ae_form;

typedef void ae_search_fn(const ae_lanes *b, const ae_form *form, ae_found *out);
/* quantize_block.c: y = d * level, and y = d * level + m */
ae_search_fn ae_search_scale, ae_search_iq4, ae_search_line;
/* quantize_super.c: y = d * scale * level, and y = d * scale * level - m * min */
ae_search_fn ae_search_scales, ae_search_iq4_scales, ae_search_lines;

/* The lanes from `first` on become the block at y. */
typedef void ae_pack_fn(const ae_found *f, int first, void *y);
/* quantize_pack.c */
ae_pack_fn ae_pack_q4_0, ae_pack_q4_1, ae_pack_q5_0, ae_pack_q5_1, ae_pack_q8_0, ae_pack_q2_k,
    ae_pack_q3_k, ae_pack_q4_k, ae_pack_q5_k, ae_pack_q6_k, ae_pack_iq4_xs;

/* ---- numbers --------------------------------------------------------------------------------- */

/* The level nearest to v. */
typedef float ae_nearest_fn(float v, float low, float high);

/* Levels are the integers of [low, high]; NaN gives low. Beside 1.5 * 2^23, floats have steps of
 * one. */
AE_CLONED_INLINE float ae_nearest(float v, float low, float high)
{
    v = v > low ? v : low;
    v = v < high ? v : high;
    return v + 0x1.8p23f - 0x1.8p23f;
}

/* Levels are those of IQ4_NL: a step more for every middle between two that lies below v. */
AE_CLONED_INLINE float ae_nearest_iq4(float v, float low, float high)
{
    (void)high;
    float level = low;
#define STEP(a, b) level += v > 0.5f * ((a) + (b)) ? (float)((b) - (a)) : 0.0f
    STEP(-127, -104);
    STEP(-104, -83);
    STEP(-83, -65);
    STEP(-65, -49);
    STEP(-49, -35);
    STEP(-35, -22);
    STEP(-22, -10);
    STEP(-10, 1);
    STEP(1, 13);
    STEP(13, 25);
    STEP(25, 38);
    STEP(38, 53);
    STEP(53, 69);
    STEP(69, 89);
    STEP(89, 113);
#undef STEP
    return level;
}

/* 1 / d; 0 where d is 0 as an f16. */
AE_CLONED_INLINE float ae_inverse(float d)
{
    return 1 / (fabsf(d) > 0x1p-25f ? d : INFINITY);
}

/* The finite f16 nearest to v. Beside 2^13 v floats have the steps that halves have at v, and
 * beside 0.5 those of the smallest halves. */
AE_CLONED_INLINE float ae_as_f16(float v)
{
    float size = fabsf(v);
    size = size < 65504.0f ? size : 65504.0f;
    float beside = size * 0x1.0008p13f;
    float normal = beside - (beside - size), subnormal = size + 0.5f - 0.5f;
    size = size < 0x1p-14f ? subnormal : normal;
    return v < 0 ? -size : size;
}

/* ---- passes ---------------------------------------------------------------------------------- */

/* Weighted sums over the values of each lane: of products of errors r, levels q, and ones. */
typedef struct {
    ae_lane rr, r1, qr, q1, qq;
} ae_sums;

/* y = d * q. */
AE_CLONED_INLINE void ae_try_scale(const ae_lanes *b, ae_nearest_fn *nearest, float low, float high,
                                   const ae_lane d, ae_sums *sums)
{
    ae_lane inverse, rr = {0}, qr = {0}, qq = {0};
    AE_EACH_LANE(l) inverse[l] = ae_inverse(d[l]);
    for (int i = 0; i < b->n; i++) {
        AE_EACH_LANE(l)
        {
            float x = b->x[i][l], w = b->w[i][l], q = nearest(x * inverse[l], low, high);
            float r = x - d[l] * q, wq = w * q;
            rr[l] += w * r * r;
            qr[l] += wq * r;
            qq[l] += wq * q;
        }
    }
    AE_EACH_LANE(l) sums->rr[l] = rr[l], sums->qr[l] = qr[l], sums->qq[l] = qq[l];
}

/* y = d * q + m. */
AE_CLONED_INLINE void ae_try_line(const ae_lanes *b, float top, const ae_lane d, const ae_lane m,
                                  ae_sums *sums)
{
    ae_lane inverse, rr = {0}, r1 = {0}, q1 = {0}, qr = {0}, qq = {0};
    AE_EACH_LANE(l) inverse[l] = ae_inverse(d[l]);
    for (int i = 0; i < b->n; i++) {
        AE_EACH_LANE(l)
        {
            float x = b->x[i][l] - m[l], w = b->w[i][l], q = ae_nearest(x * inverse[l], 0, top);
            float r = x - d[l] * q, wr = w * r, wq = w * q;
            rr[l] += wr * r;
            r1[l] += wr;
            q1[l] += wq;
            qr[l] += wr * q;
            qq[l] += wq * q;
        }
    }
    AE_EACH_LANE(l) sums->rr[l] = rr[l], sums->qr[l] = qr[l], sums->qq[l] = qq[l];
    AE_EACH_LANE(l) sums->r1[l] = r1[l], sums->q1[l] = q1[l];
}

/* As ae_try_line, the error and r1 alone. */
AE_CLONED_INLINE void ae_try_offset(const ae_lanes *b, float top, const ae_lane d, const ae_lane m,
                                    ae_sums *sums)
{
    ae_lane inverse, rr = {0}, r1 = {0};
    AE_EACH_LANE(l) inverse[l] = ae_inverse(d[l]);
    for (int i = 0; i < b->n; i++) {
        AE_EACH_LANE(l)
        {
            float x = b->x[i][l] - m[l], q = ae_nearest(x * inverse[l], 0, top);
            float r = x - d[l] * q, wr = b->w[i][l] * r;
            rr[l] += wr * r;
            r1[l] += wr;
        }
    }
    AE_EACH_LANE(l) sums->rr[l] = rr[l], sums->r1[l] = r1[l];
}

/* The levels themselves. */
AE_CLONED_INLINE void ae_choose_levels(const ae_lanes *b, float low, float high, const ae_lane d,
                                       const ae_lane m, uint8_t q[AE_BLOCK][AE_LANES])
{
    ae_lane inverse;
    AE_EACH_LANE(l) inverse[l] = ae_inverse(d[l]);
    for (int i = 0; i < b->n; i++) {
        AE_EACH_LANE(l)
        {
            float x = b->x[i][l] - m[l];
            q[i][l] = (uint8_t)(int)(ae_nearest(x * inverse[l], low, high) - low);
        }
    }
}

AE_CLONED_INLINE void ae_choose_iq4(const ae_lanes *b, const ae_lane d,
                                    uint8_t q[AE_BLOCK][AE_LANES])
{
    ae_lane inverse;
    AE_EACH_LANE(l) inverse[l] = ae_inverse(d[l]);
    for (int i = 0; i < b->n; i++) {
        AE_EACH_LANE(l)
        {
            float v = b->x[i][l] * inverse[l];
            int count = 0;
            for (int k = 0; k < 15; k++)
                count += v > 0.5f * (float)(ae_iq4_values[k] + ae_iq4_values[k + 1]);
            q[i][l] = (uint8_t)count;
        }
    }
}

AE_CLONED_INLINE void ae_find_range(const ae_lanes *b, ae_lane low, ae_lane high)
{
    ae_lane least, most;
    AE_EACH_LANE(l) least[l] = most[l] = b->x[0][l];
    for (int i = 1; i < b->n; i++) {
        AE_EACH_LANE(l)
        {
            float x = b->x[i][l];
            least[l] = x < least[l] ? x : least[l];
            most[l] = x > most[l] ? x : most[l];
        }
    }
    AE_EACH_LANE(l) low[l] = least[l], high[l] = most[l];
}

/* ---- the best so far ------------------------------------------------------------------------- */

typedef struct {
    ae_lane d, m, error;
} ae_best;

AE_CLONED_INLINE void ae_best_start(ae_best *best)
{
    AE_EACH_LANE(l)
    {
        best->d[l] = best->m[l] = 0;
        best->error[l] = INFINITY;
    }
}

AE_CLONED_INLINE void ae_best_update(ae_best *best, const ae_lane d, const ae_lane m,
                                     const ae_lane error)
{
    AE_EACH_LANE(l)
    {
        bool is_better = error[l] < best->error[l];
        best->d[l] = is_better ? d[l] : best->d[l];
        best->m[l] = is_better ? m[l] : best->m[l];
        best->error[l] = is_better ? error[l] : best->error[l];
    }
}

/* ---- fits: weighted least squares ------------------------------------------------------------ */

/* The scale that fits the levels of a pass at d best, into fit, and the error it has with them;
 * choosing the levels anew can only lessen it. */
AE_CLONED_INLINE void ae_fit_scale(const ae_sums *s, const ae_lane d, ae_lane fit, ae_lane error)
{
    AE_EACH_LANE(l)
    {
        float change = s->qr[l] / (s->qq[l] > 0 ? s->qq[l] : 1);
        fit[l] = d[l] + change;
        error[l] = s->rr[l] - change * s->qr[l];
    }
}

/* The same for scale and minimum: d and m are changed to those that fit best; m stays at `most` or
 * below. total: the sums of the weights. */
AE_CLONED_INLINE void ae_fit_line(const ae_sums *s, const ae_lane total, float most, ae_lane d,
                                  ae_lane m, ae_lane error)
{
    AE_EACH_LANE(l)
    {
        float one = total[l], r1 = s->r1[l], q1 = s->q1[l], qr = s->qr[l], qq = s->qq[l];
        float det = one * qq - q1 * q1;
        float by_m = det > 0 ? (qq * r1 - q1 * qr) / det : 0;
        by_m = by_m < most - m[l] ? by_m : most - m[l];
        float by_d = qq > 0 ? (qr - by_m * q1) / qq : 0;
        d[l] += by_d;
        m[l] += by_m;
        error[l] = s->rr[l] - 2 * (by_d * qr + by_m * r1) +
                   (by_d * by_d * qq + 2 * by_d * by_m * q1 + by_m * by_m * one);
    }
}

/* ---- what both kinds of search begin with: the best scales of single lanes ------------------- */

AE_CLONED_INLINE const ae_ladder *ae_ladder_of(const ae_lanes *b, const ae_form *f)
{
    return b->is_weighted ? f->weighted : f->ladder;
}

/* The distance to the next rung: where much is cut, a part of it. */
static inline float ae_rung(const ae_ladder *ladder, float cut, float part)
{
    return part * cut > ladder->step ? part * cut : ladder->step;
}

/* The value of largest magnitude, with its sign. */
AE_CLONED_INLINE void ae_find_extreme(const ae_lanes *b, ae_lane extreme)
{
    ae_lane least, most;
    ae_find_range(b, least, most);
    AE_EACH_LANE(l) extreme[l] = most[l] > -least[l] ? most[l] : least[l];
}

/* y = d * level. The extreme value is put at the low end, then at the high end. */
AE_CLONED_INLINE void ae_climb_scale(const ae_lanes *b, ae_nearest_fn *nearest, const ae_form *f,
                                     const ae_lane extreme, ae_best *best)
{
    static const ae_lane zeros;
    const ae_ladder *ladder = ae_ladder_of(b, f);
    ae_sums sums;
    ae_lane d, fit, error;
    ae_best_start(best);
    for (int side = 0; side < 2; side++) {
        if (side && f->low == -f->high) break;
        for (float cut = ladder->first; cut <= ladder->last; cut += ae_rung(ladder, cut, 0.15f)) {
            float level = side ? f->high + cut : f->low - cut;
            AE_EACH_LANE(l) d[l] = extreme[l] / level;
            ae_try_scale(b, nearest, f->low, f->high, d, &sums);
            ae_fit_scale(&sums, d, fit, error);
            ae_best_update(best, fit, zeros, error);
        }
    }
}

/* y = d * level + m, m <= most_m. The least value lies `below` levels under m, or above it. Where
 * all values count alike little is cut, and half a level either way is enough. */
AE_CLONED_INLINE void ae_climb_line(const ae_lanes *b, const ae_form *f, const ae_lane total,
                                    float most_m, ae_best *best)
{
    const ae_ladder *ladder = ae_ladder_of(b, f);
    ae_sums sums;
    ae_lane least, most, d, m, error;
    ae_find_range(b, least, most);
    AE_EACH_LANE(l)
    {
        least[l] = least[l] < most_m ? least[l] : most_m;
        most[l] = most[l] > least[l] ? most[l] : least[l];
    }
    ae_best_start(best);
    for (float cut = ladder->first; cut <= ladder->last; cut += ae_rung(ladder, cut, 0.25f)) {
        float first = -0.5f, last = 0.5f, step = 0.5f;
        if (b->is_weighted) {
            first += cut < 0 ? cut : 0;
            last += cut > 0 ? cut : 0;
            step = 2 * ae_rung(ladder, cut, 0.25f);
        }
        for (float below = first; below <= last; below += step) {
            AE_EACH_LANE(l)
            {
                d[l] = (most[l] - least[l]) / (f->high + cut);
                m[l] = least[l] + below * d[l];
                m[l] = m[l] < most_m ? m[l] : most_m;
            }
            for (int round = 0; round < 2; round++) {
                ae_try_line(b, f->high, d, m, &sums);
                ae_fit_line(&sums, total, most_m, d, m, error);
                ae_best_update(best, d, m, error);
            }
        }
    }
}

AE_CLONED_INLINE void ae_sum_weights(const ae_lanes *b, ae_lane total)
{
    AE_EACH_LANE(l) total[l] = 0;
    for (int i = 0; i < b->n; i++) AE_EACH_LANE(l) total[l] += b->w[i][l];
}

#endif
