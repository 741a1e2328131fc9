#include "bench/report.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

aeon_status bench_fail(aeon_error *err, aeon_status code, const char *format, ...)
{
    va_list args;
    err->code = code;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return code;
}

double bench_clock_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int32_t bench_id_at(uint64_t i, uint32_t n_vocab)
{
    i = (i + 1) * 0x9E3779B97F4A7C15u; /* splitmix64 */
    i = (i ^ (i >> 30)) * 0xBF58476D1CE4E5B9u;
    i = (i ^ (i >> 27)) * 0x94D049BB133111EBu;
    return (int32_t)((i ^ (i >> 31)) % n_vocab);
}

bool bench_parse_size(const char *text, size_t least, size_t *out)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value < least || value > 100000) return false;
    *out = value;
    return true;
}

/* ---- times ----------------------------------------------------------------------------------- */

aeon_status bench_times_add(bench_times *t, double value, aeon_error *err)
{
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 64;
        double *values = realloc(t->values, cap * sizeof *values);
        if (!values) return bench_fail(err, AEON_OUT_OF_MEMORY, "not enough memory for times");
        t->values = values;
        t->cap = cap;
    }
    t->values[t->n++] = value;
    return AEON_OK;
}

void bench_times_release(bench_times *t)
{
    free(t->values);
    *t = (bench_times){0};
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_times_median(bench_times *t)
{
    qsort(t->values, t->n, sizeof *t->values, compare);
    return 0.5 * (t->values[(t->n - 1) / 2] + t->values[t->n / 2]);
}

double bench_times_worst(bench_times *t)
{
    qsort(t->values, t->n, sizeof *t->values, compare);
    return t->values[t->n - 1];
}

/* ---- rows ------------------------------------------------------------------------------------ */

aeon_status bench_report_add(bench_report *r, const char *test, bench_row *rows, size_t n,
                             aeon_error *err)
{
    if (n > BENCH_MAX_ROWS - r->n)
        return bench_fail(err, AEON_INTERNAL, "more than %d rows", BENCH_MAX_ROWS);
    for (size_t i = 0; i < n; i++) {
        r->rows[r->n] = rows[i];
        r->tests[r->n] = test;
        if (!rows[i].unit) r->rows[r->n].unit = "";
        r->n++;
    }
    return AEON_OK;
}

static bool is_met(const bench_row *row)
{
    return row->goal == BENCH_AT_MOST ? row->value <= row->target : row->value >= row->target;
}

static void print_table(const bench_report *r, const aeon_model_info *model, int n_threads,
                        const char *settings)
{
    aeon_machine machine = aeon_machine_describe();
    printf("model    %s, %s\n", model->name, aeon_type_name(model->type));
    printf("machine  %s, %s, %d threads\n", machine.processor, machine.isa, n_threads);
    printf("settings %s\n\n", settings);
    printf("%-10s %-44s %12s %-9s %12s\n", "test", "what", "value", "unit", "target");
    for (size_t i = 0; i < r->n; i++) {
        const bench_row *row = &r->rows[i];
        printf("%-10s %-44s %12.3f %-9s", r->tests[i], row->what, row->value, row->unit);
        if (row->goal != BENCH_NO_GOAL)
            printf(" %2s %9.3f %s", row->goal == BENCH_AT_MOST ? "<=" : ">=", row->target,
                   is_met(row) ? "met" : "MISSED");
        printf("\n");
    }
}

static json_t *describe_row(const char *test, const bench_row *row)
{
    json_t *out = json_pack("{s:s, s:s, s:s, s:f}", "test", test, "what", row->what, "unit",
                            row->unit, "value", row->value);
    if (out && row->goal != BENCH_NO_GOAL) {
        json_object_set_new(out, row->goal == BENCH_AT_MOST ? "at_most" : "at_least",
                            json_real(row->target));
        json_object_set_new(out, "is_met", json_boolean(is_met(row)));
    }
    return out;
}

static aeon_status print_json(const bench_report *r, const aeon_model_info *model, int n_threads,
                              const char *settings, aeon_error *err)
{
    aeon_machine machine = aeon_machine_describe();
    json_t *rows = json_array();
    for (size_t i = 0; i < r->n; i++)
        json_array_append_new(rows, describe_row(r->tests[i], &r->rows[i]));
    json_t *root =
        json_pack("{s:s, s:s, s:s, s:s, s:i, s:s, s:o}", "model", model->name, "type",
                  aeon_type_name(model->type), "processor", machine.processor, "isa", machine.isa,
                  "threads", n_threads, "settings", settings, "results", rows);
    bool is_written = root && json_dumpf(root, stdout, JSON_INDENT(1)) == 0 && puts("") >= 0;
    json_decref(root);
    if (is_written) return AEON_OK;
    return bench_fail(err, AEON_IO, "the results cannot be written as JSON");
}

aeon_status bench_report_print(const bench_report *r, const aeon_model_info *model, int n_threads,
                               const char *settings, bool is_json, aeon_error *err)
{
    if (is_json) return print_json(r, model, n_threads, settings, err);
    print_table(r, model, n_threads, settings);
    return AEON_OK;
}
