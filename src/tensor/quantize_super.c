/* quantize_super.c - the search for the scales of superblocks: a small integer in each group of 16
 * or 32 values, and one f16 for all groups; with minimums, two of each.
 *
 * First each group is searched as if it were alone. The largest of the scales found says where the
 * common one must be about, and a few of those are tried: given d (and m), the integers of a group
 * are tried around what it would like best, then d and m are fitted to all groups at once, and the
 * groups choose again. Everything is compared as it will be stored.
 */
#include "tensor/lanes.h"

static const ae_lane zeros;

/* ---- over the groups of a superblock --------------------------------------------------------- */

/* v becomes the sum over the groups, in all of them. */
AE_CLONED_INLINE void sum_groups(ae_lane v, int n_groups)
{
    for (int first = 0; first < AE_LANES; first += n_groups) {
        float sum = 0;
        for (int l = first; l < first + n_groups; l++) sum += v[l];
        for (int l = first; l < first + n_groups; l++) v[l] = sum;
    }
}

/* The value of largest magnitude among the groups, with its sign. */
AE_CLONED_INLINE void find_largest(const ae_lane v, int n_groups, ae_lane largest)
{
    for (int first = 0; first < AE_LANES; first += n_groups) {
        float best = 0;
        for (int l = first; l < first + n_groups; l++)
            best = fabsf(v[l]) > fabsf(best) ? v[l] : best;
        for (int l = first; l < first + n_groups; l++) largest[l] = best;
    }
}

/* One way to store superblocks, and the errors of whole ones under it. */
typedef struct {
    ae_lane d, m, scale, min, error;
} trial;

AE_CLONED_INLINE void trial_start(trial *best)
{
    AE_EACH_LANE(l)
    {
        best->d[l] = best->m[l] = best->scale[l] = best->min[l] = 0;
        best->error[l] = INFINITY;
    }
}

AE_CLONED_INLINE void trial_update(trial *best, const trial *t)
{
    AE_EACH_LANE(l)
    {
        bool is_better = t->error[l] < best->error[l];
        best->d[l] = is_better ? t->d[l] : best->d[l];
        best->m[l] = is_better ? t->m[l] : best->m[l];
        best->scale[l] = is_better ? t->scale[l] : best->scale[l];
        best->min[l] = is_better ? t->min[l] : best->min[l];
        best->error[l] = is_better ? t->error[l] : best->error[l];
    }
}

/* ---- scales ---------------------------------------------------------------------------------- */

/* Given t->d: in each group the best integer within reach of the one nearest to wish, and of the
 * one that mirrors it, whose range of levels ends elsewhere. */
AE_CLONED_INLINE void choose_scales(const ae_lanes *b, ae_nearest_fn *nearest, const ae_form *f,
                                    const ae_lane wish, int reach, trial *t)
{
    ae_sums sums;
    ae_best best;
    ae_lane scale, d;
    ae_best_start(&best);
    for (int side = 1; side >= (f->is_lopsided ? -1 : 1); side -= 2) {
        for (int by = -reach; by <= reach; by++) {
            AE_EACH_LANE(l)
            {
                float at = wish[l] * ae_inverse(t->d[l]) * (float)side + (float)by;
                scale[l] = ae_nearest(at, f->scale_low, f->scale_high);
                d[l] = scale[l] * t->d[l];
            }
            ae_try_scale(b, nearest, f->low, f->high, d, &sums);
            ae_best_update(&best, scale, zeros, sums.rr);
        }
    }
    AE_EACH_LANE(l) t->scale[l] = best.d[l];
}

/* The error of t, and the d that fits its levels best. */
AE_CLONED_INLINE void measure_scales(const ae_lanes *b, ae_nearest_fn *nearest, const ae_form *f,
                                     trial *t, ae_lane fit)
{
    ae_sums sums;
    ae_lane d, qr, qq;
    AE_EACH_LANE(l) d[l] = t->d[l] * t->scale[l];
    ae_try_scale(b, nearest, f->low, f->high, d, &sums);
    AE_EACH_LANE(l)
    {
        t->error[l] = sums.rr[l];
        qr[l] = t->scale[l] * sums.qr[l];
        qq[l] = t->scale[l] * t->scale[l] * sums.qq[l];
    }
    sum_groups(t->error, f->n_groups);
    sum_groups(qr, f->n_groups);
    sum_groups(qq, f->n_groups);
    AE_EACH_LANE(l) fit[l] = ae_as_f16(t->d[l] + qr[l] / (qq[l] > 0 ? qq[l] : 1));
}

AE_CLONED_INLINE void search_scales(const ae_lanes *b, ae_nearest_fn *nearest, const ae_form *f,
                                    trial *best)
{
    ae_best alone;
    ae_lane extreme, largest, wish, fit;
    ae_find_extreme(b, extreme);
    ae_climb_scale(b, nearest, f, extreme, &alone);
    find_largest(alone.d, f->n_groups, largest);
    trial_start(best);
    for (int k = 0; k < 2; k++) {
        trial t = *best;
        AE_EACH_LANE(l)
        {
            t.d[l] = ae_as_f16(largest[l] / (f->scale_low + (float)k));
            wish[l] = alone.d[l];
        }
        choose_scales(b, nearest, f, wish, 2, &t);
        measure_scales(b, nearest, f, &t, fit);
        trial_update(best, &t);
        AE_EACH_LANE(l)
        {
            wish[l] = t.d[l] * t.scale[l];
            t.d[l] = fit[l];
        }
        choose_scales(b, nearest, f, wish, 1, &t);
        measure_scales(b, nearest, f, &t, fit);
        trial_update(best, &t);
    }
}

AE_CLONED_INLINE void store_scales(const trial *t, ae_found *out, ae_lane d)
{
    AE_EACH_LANE(l)
    {
        out->d[l] = t->d[l];
        out->scale[l] = t->scale[l];
        d[l] = t->d[l] * t->scale[l];
    }
}

AE_CLONES void ae_search_scales(const ae_lanes *b, const ae_form *f, ae_found *out)
{
    trial best;
    ae_lane d;
    search_scales(b, ae_nearest, f, &best);
    store_scales(&best, out, d);
    ae_choose_levels(b, f->low, f->high, d, zeros, out->q);
}

AE_CLONES void ae_search_iq4_scales(const ae_lanes *b, const ae_form *f, ae_found *out)
{
    trial best;
    ae_lane d;
    search_scales(b, ae_nearest_iq4, f, &best);
    store_scales(&best, out, d);
    ae_choose_iq4(b, d, out->q);
}

/* ---- scales and minimums --------------------------------------------------------------------- */

AE_CLONED_INLINE void lines_of(const trial *t, ae_lane d, ae_lane m)
{
    AE_EACH_LANE(l)
    {
        d[l] = t->d[l] * t->scale[l];
        m[l] = -(t->m[l] * t->min[l]);
    }
}

/* Given t->d and t->m: in each group the best scale within reach of the one nearest to wish_d, each
 * with the minimum that fits the levels which it had with the one before. */
AE_CLONED_INLINE void choose_lines(const ae_lanes *b, const ae_form *f, const ae_lane total,
                                   const ae_lane wish_d, const ae_lane wish_m, int reach, trial *t)
{
    ae_sums sums;
    ae_best best;
    ae_lane scale, min, d, m, error;
    ae_best_start(&best);
    for (int by = -reach; by <= reach; by++) {
        AE_EACH_LANE(l)
        {
            float at = wish_d[l] * ae_inverse(t->d[l]) + (float)by;
            scale[l] = ae_nearest(at, 0, f->scale_high);
            min[l] = ae_nearest(-wish_m[l] * ae_inverse(t->m[l]), 0, f->scale_high);
            d[l] = t->d[l] * scale[l];
            m[l] = -(t->m[l] * min[l]);
        }
        for (int round = 0; round < 2; round++) {
            ae_try_offset(b, f->high, d, m, &sums);
            ae_best_update(&best, scale, min, sums.rr);
            AE_EACH_LANE(l)
            {
                float fit = -(m[l] + sums.r1[l] / total[l]);
                min[l] = ae_nearest(fit * ae_inverse(t->m[l]), 0, f->scale_high);
                float change = -(t->m[l] * min[l]) - m[l];
                error[l] = sums.rr[l] - change * (2 * sums.r1[l] - change * total[l]);
                m[l] = -(t->m[l] * min[l]);
            }
        }
        ae_best_update(&best, scale, min, error);
    }
    AE_EACH_LANE(l) t->scale[l] = best.d[l], t->min[l] = best.m[l];
}

/* The error of t, and the d and m that fit its levels best. */
AE_CLONED_INLINE void measure_lines(const ae_lanes *b, const ae_form *f, const ae_lane total,
                                    trial *t, ae_lane fit_d, ae_lane fit_m)
{
    ae_sums sums;
    ae_lane d, m, dd, dm, mm, dr, mr;
    lines_of(t, d, m);
    ae_try_line(b, f->high, d, m, &sums);
    AE_EACH_LANE(l)
    {
        float s = t->scale[l], n = -t->min[l];
        t->error[l] = sums.rr[l];
        dd[l] = s * s * sums.qq[l];
        dm[l] = s * n * sums.q1[l];
        mm[l] = n * n * total[l];
        dr[l] = s * sums.qr[l];
        mr[l] = n * sums.r1[l];
    }
    float *all[] = {t->error, dd, dm, mm, dr, mr};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) sum_groups(all[k], f->n_groups);
    AE_EACH_LANE(l)
    {
        float det = dd[l] * mm[l] - dm[l] * dm[l];
        float inverse = 1 / (det > 1e-6f * dd[l] * mm[l] ? det : INFINITY);
        float new_d = ae_as_f16(t->d[l] + (mm[l] * dr[l] - dm[l] * mr[l]) * inverse);
        float new_m = ae_as_f16(t->m[l] + (dd[l] * mr[l] - dm[l] * dr[l]) * inverse);
        fit_d[l] = new_d > 0 ? new_d : t->d[l];
        fit_m[l] = new_m > 0 ? new_m : t->m[l];
    }
}

AE_CLONES void ae_search_lines(const ae_lanes *b, const ae_form *f, ae_found *out)
{
    ae_best alone;
    trial best;
    ae_lane total, largest_d, largest_m, d, m, fit_d, fit_m;
    ae_sum_weights(b, total);
    ae_climb_line(b, f, total, 0, &alone);
    find_largest(alone.d, f->n_groups, largest_d);
    find_largest(alone.m, f->n_groups, largest_m);
    trial_start(&best);
    for (int k = 0; k < 3; k++) {
        trial t = best;
        AE_EACH_LANE(l)
        {
            t.d[l] = ae_as_f16(largest_d[l] / (f->scale_high - (float)k));
            t.m[l] = ae_as_f16(-largest_m[l] / (f->scale_high - (float)k));
        }
        choose_lines(b, f, total, alone.d, alone.m, 1, &t);
        measure_lines(b, f, total, &t, fit_d, fit_m);
        trial_update(&best, &t);
        lines_of(&t, d, m);
        AE_EACH_LANE(l) t.d[l] = fit_d[l], t.m[l] = fit_m[l];
        choose_lines(b, f, total, d, m, 1, &t);
        measure_lines(b, f, total, &t, fit_d, fit_m);
        trial_update(&best, &t);
    }
    lines_of(&best, d, m);
    AE_EACH_LANE(l)
    {
        out->d[l] = best.d[l];
        out->m[l] = best.m[l];
        out->scale[l] = best.scale[l];
        out->min[l] = best.min[l];
    }
    ae_choose_levels(b, f->low, f->high, d, m, out->q);
}
