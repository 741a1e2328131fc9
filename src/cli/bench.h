/* bench.h - inside aeon bench: its tests, and the files that run them, tell of them, and answer
 * another program's questions.
 *
 * Model:    A test is a piece of work with the time that it took in each run. The tests of one
 *           depth run in turns, round after round: what disturbs the machine tells on all.
 * Uses:     cli/runtime.h.      Threads: main only.
 */
#ifndef CLI_BENCH_H
#define CLI_BENCH_H

#include "cli/runtime.h"

/* Of several runs. */
typedef struct {
    double median, min, max;
} cli_spread;

typedef struct {
    bool is_decode;  /* else prefill */
    size_t n_tokens; /* that every talk writes one by one, or reads at once */
    size_t depth;    /* tokens that they hold before */
    size_t n_batch;  /* talks at once; 1 for prefill */
    double *tps;     /* [runs] tokens per second of all talks together; sorted in the end */

    cli_spread speed; /* of tps */
    double bytes_per_step;
    double limit_fraction; /* of what the probe says is possible */
    double step_ratio; /* time of a step over that of one talk alone; 0: that was not measured */
} cli_bench_test;

typedef struct {
    const cli_options *options;
    cli_runtime runtime;
    aeon_machine_limits limits;     /* 0: not measured yet */
    size_t most_depth, most_tokens; /* of all tests */
    size_t depth;                   /* that the talks hold now */
    aeon_session **talks;           /* [n_talks]: the session of the runtime, and forks of it */
    size_t n_talks;
    aeon_tokens ids; /* tokens by chance, enough for every test */
    cli_bench_test *tests;
    size_t n_tests, n_runs_done;
    double *samples; /* of all tests */
    uint64_t peak_rss_bytes;
} cli_benchmark;

/* The word for what a test does: "prefill", "decode". */
const char *cli_bench_name(const cli_bench_test *t);

/* Open the model as the options say, with room for most_depth, most_tokens and n_talks. about: the
 * same model in this or another type. Close also after a failed open. */
AEON_MUST_USE aeon_status cli_bench_open(cli_benchmark *b, const aeon_model_info *about,
                                         aeon_error *err);
void cli_bench_close(cli_benchmark *b);

/* Run a test once. Errors: CANCELLED, those of the engine. */
AEON_MUST_USE aeon_status cli_bench_time(cli_benchmark *b, const cli_bench_test *t, double *tps,
                                         aeon_error *err);

/* values[n > 0] get sorted. */
cli_spread cli_spread_of(double *values, size_t n);

/* The highest that the limits allow, in tokens per second; *bytes: what a step reads. */
double cli_bench_most_tps(const cli_benchmark *b, const cli_bench_test *t, double *bytes);

/* ---- bench_lines.c --------------------------------------------------------------------------- */

/* Answer each line of standard input, which asks for a test, with a line that tells its speed. */
AEON_MUST_USE aeon_status cli_bench_answer(cli_benchmark *b, aeon_error *err);

/* ---- bench_report.c -------------------------------------------------------------------------- */

/* What is known before anything was measured. NULL: out of memory. */
json_t *cli_bench_header(const cli_benchmark *b);

/* All results, as the options ask. */
AEON_MUST_USE aeon_status cli_bench_report(const cli_benchmark *b, aeon_error *err);

#endif
