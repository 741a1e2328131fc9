/* quantize_block.c - the search for the scales of blocks of 32 values: y = d * level, and
 * y = d * level + m, d and m stored as f16. */
#include "tensor/lanes.h"

static const ae_lane zeros;

/* The f16 that is `by` places above d, which is one: 1.2 times the least distance that halves with
 * these digits may have. */
AE_CLONED_INLINE float f16_neighbour(float d, int by)
{
    float distance = fabsf(d) * 0x1.3p-11f;
    distance = distance > 0x1p-24f ? distance : 0x1p-24f;
    return ae_as_f16(d + (float)by * distance);
}

AE_CLONED_INLINE void try_exactly(const ae_lanes *b, ae_nearest_fn *nearest, const ae_form *f,
                                  const ae_lane d, ae_best *best)
{
    ae_sums sums;
    ae_try_scale(b, nearest, f->low, f->high, d, &sums);
    ae_best_update(best, d, zeros, sums.rr);
}

/* The best of what f16 can say: the found scale rounded, its neighbours, and that of plain
 * rounding, which leaves nothing of some blocks to do better. */
AE_CLONED_INLINE void settle_scale(const ae_lanes *b, ae_nearest_fn *nearest, const ae_form *f,
                                   const ae_lane extreme, const ae_lane found, ae_best *best)
{
    ae_lane d;
    ae_best_start(best);
    static const int places[] = {0, -1, 1}; /* of alike ones the first is kept: zero stays zero */
    for (size_t k = 0; k < sizeof places / sizeof *places; k++) {
        AE_EACH_LANE(l) d[l] = f16_neighbour(ae_as_f16(found[l]), places[k]);
        try_exactly(b, nearest, f, d, best);
    }
    AE_EACH_LANE(l) d[l] = ae_as_f16(extreme[l] / f->low);
    try_exactly(b, nearest, f, d, best);
}

AE_CLONED_INLINE void search_scale(const ae_lanes *b, ae_nearest_fn *nearest, const ae_form *f,
                                   ae_lane d)
{
    ae_sums sums;
    ae_best best;
    ae_lane extreme, fit, error;
    ae_find_extreme(b, extreme);
    ae_climb_scale(b, nearest, f, extreme, &best);
    for (int round = 0; round < 2; round++) {
        ae_try_scale(b, nearest, f->low, f->high, best.d, &sums);
        ae_fit_scale(&sums, best.d, fit, error);
        ae_best_update(&best, fit, zeros, error);
    }
    AE_EACH_LANE(l) fit[l] = best.d[l];
    settle_scale(b, nearest, f, extreme, fit, &best);
    AE_EACH_LANE(l) d[l] = best.d[l];
}

AE_CLONES void ae_search_scale(const ae_lanes *b, const ae_form *f, ae_found *out)
{
    search_scale(b, ae_nearest, f, out->d);
    ae_choose_levels(b, f->low, f->high, out->d, zeros, out->q);
}

AE_CLONES void ae_search_iq4(const ae_lanes *b, const ae_form *f, ae_found *out)
{
    search_scale(b, ae_nearest_iq4, f, out->d);
    ae_choose_iq4(b, out->d, out->q);
}

/* ---- with a minimum -------------------------------------------------------------------------- */

AE_CLONED_INLINE void try_line_exactly(const ae_lanes *b, const ae_form *f, const ae_lane d,
                                       const ae_lane m, ae_sums *sums, ae_best *best)
{
    ae_try_line(b, f->high, d, m, sums);
    ae_best_update(best, d, m, sums->rr);
}

/* The best of what f16 can say: both rounded, either of them fitted to the other once that is
 * rounded, and those of plain rounding. */
AE_CLONED_INLINE void settle_line(const ae_lanes *b, const ae_form *f, const ae_lane total,
                                  const ae_best *found, ae_best *best)
{
    ae_sums sums, unused;
    ae_lane d, m, other, least, most;
    ae_best_start(best);
    AE_EACH_LANE(l) d[l] = ae_as_f16(found->d[l]), m[l] = ae_as_f16(found->m[l]);
    try_line_exactly(b, f, d, m, &sums, best);
    AE_EACH_LANE(l) other[l] = ae_as_f16(m[l] + sums.r1[l] / total[l]);
    try_line_exactly(b, f, d, other, &unused, best);
    AE_EACH_LANE(l) other[l] = ae_as_f16(d[l] + sums.qr[l] / (sums.qq[l] > 0 ? sums.qq[l] : 1));
    try_line_exactly(b, f, other, m, &unused, best);
    ae_find_range(b, least, most);
    AE_EACH_LANE(l)
    {
        d[l] = ae_as_f16((most[l] - least[l]) / f->high);
        m[l] = ae_as_f16(least[l]);
    }
    try_line_exactly(b, f, d, m, &unused, best);
}

AE_CLONES void ae_search_line(const ae_lanes *b, const ae_form *f, ae_found *out)
{
    ae_best found, best;
    ae_lane total;
    ae_sum_weights(b, total);
    ae_climb_line(b, f, total, INFINITY, &found);
    settle_line(b, f, total, &found, &best);
    AE_EACH_LANE(l) out->d[l] = best.d[l], out->m[l] = best.m[l];
    ae_choose_levels(b, f->low, f->high, out->d, out->m, out->q);
}
