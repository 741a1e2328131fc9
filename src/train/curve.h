/* curve.h - the loss curve of a run: a table that grows as reports come, and a picture of it.
 *
 * Model:    NAME.csv gets a row for each report; NAME.svg is drawn from all rows so far. A run that
 *           goes on from a checkpoint keeps the rows up to its step and forgets those behind it, so
 *           that the table is that of a run that never stopped.
 * Threads:  One at a time.
 * Example:  TRY(ae_curve_open(&curve, "build/tiny-curve", step, err));
 *           TRY(ae_curve_add(&curve, &point, err));  TRY(ae_curve_draw(&curve, "Tiny", err));
 */
#ifndef AE_TRAIN_CURVE_H
#define AE_TRAIN_CURVE_H

#include "base/status.h"

#include <stdio.h>

typedef struct {
    double step, n_tokens;      /* whole numbers; tokens since the first step */
    double seconds;             /* of training since the first step */
    double loss, held_out_loss; /* held_out_loss is NaN where it was not measured */
    double learning_rate, tokens_per_s;
} ae_curve_point;

typedef struct {
    char *name; /* of both files, without .csv and .svg */
    FILE *csv;  /* at its end */
    ae_curve_point *points;
    size_t n, cap;
} ae_curve;

/* Write NAME.csv anew: a header, and the rows it had up to last_step (0: none). Errors: IO,
 * BAD_FORMAT (it is no such table), OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_curve_open(ae_curve *out, const char *name, uint32_t last_step,
                                        aeon_error *err);
/* Append a row. Errors: IO, OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_curve_add(ae_curve *c, const ae_curve_point *point, aeon_error *err);
/* Replace NAME.svg: loss and held-out loss over the steps, legible on light and on dark. */
AEON_MUST_USE aeon_status ae_curve_draw(const ae_curve *c, const char *title, aeon_error *err);
/* Of the last row; 0 if there is none. */
double ae_curve_seconds(const ae_curve *c);
/* Accepts a zeroed curve. */
void ae_curve_close(ae_curve *c);

#endif
