/* report.h - what the programs of this folder share: a clock, token ids, medians, rows of results.
 *
 * Model:    A result is a row: what was measured, how much, and the target if there is one. All
 * rows are printed at the end, as a table for people or one JSON document for scripts. Uses: aeon/,
 * jansson.      Threads: one. Example:  TRY(bench_report_add(&r, (bench_row){"fork", "a fork",
 * "us", 3.1, BENCH_AT_MOST, 20})); bench_report_print(&r, model, engine_threads, is_json);
 */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include <aeon/aeon.h>

/* Return from this function if the call fails. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        aeon_status status_ = (call);                                                              \
        if (status_ != AEON_OK) return status_;                                                    \
    } while (0)

#define BENCH_COUNT(array) (sizeof(array) / sizeof *(array))

/* Fill err and return code. */
aeon_status bench_fail(aeon_error *err, aeon_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Seconds from some moment on. */
double bench_clock_s(void);

/* The i-th of token ids that are the same in every run. */
int32_t bench_id_at(uint64_t i, uint32_t n_vocab);

/* A decimal number from least to 100,000. */
bool bench_parse_size(const char *text, size_t least, size_t *out);

/* A growing list of measured times. Start from {0}. */
typedef struct {
    double *values;
    size_t n, cap;
} bench_times;
AEON_MUST_USE aeon_status bench_times_add(bench_times *t, double value, aeon_error *err);
void bench_times_release(bench_times *t);
/* Of at least one; both sort the list. */
double bench_times_median(bench_times *t);
double bench_times_worst(bench_times *t);

typedef enum { BENCH_NO_GOAL, BENCH_AT_MOST, BENCH_AT_LEAST } bench_goal;

typedef struct {
    const char *what, *unit; /* static texts */
    double value;
    bench_goal goal;
    double target;
} bench_row;

enum { BENCH_MAX_ROWS = 64 };

typedef struct {
    bench_row rows[BENCH_MAX_ROWS];
    const char *tests[BENCH_MAX_ROWS]; /* that they belong to */
    size_t n;
} bench_report;
/* The rows of one test; those without a unit are ratios. */
AEON_MUST_USE aeon_status bench_report_add(bench_report *r, const char *test, bench_row *rows,
                                           size_t n, aeon_error *err);

/* settings: a line on what was measured, for people and scripts alike. */
AEON_MUST_USE aeon_status bench_report_print(const bench_report *r, const aeon_model_info *model,
                                             int n_threads, const char *settings, bool is_json,
                                             aeon_error *err);

#endif
