/* bench_lines.c - aeon bench --lines: another program asks, test by test. So a comparison can run
 * two engines in turns, each of which has loaded its model once; this program starts no other. */
#include "cli/bench.h"
#include "cli/console.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { MOST_LINE = 512 };

/* One line of standard input without its end, at most MOST_LINE bytes. *has_line: false at the end
 * of the input, or when it was interrupted. */
static aeon_status read_line(aeon_text *line, size_t number, bool *has_line, aeon_error *err)
{
    line->len = 0;
    *has_line = false;
    while (cli_wait_input(STDIN_FILENO)) {
        char c;
        ssize_t n = read(STDIN_FILENO, &c, 1);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return cli_error(err, AEON_IO, "standard input: cannot read: %s", strerror(errno));
        if (n == 0 && !line->len) return AEON_OK;
        *has_line = true;
        if (n == 0 || c == '\n') return AEON_OK;
        if (line->len == MOST_LINE)
            return cli_error(err, AEON_INVALID_ARGUMENT,
                             "standard input, line %zu: longer than %d bytes", number, MOST_LINE);
        TRY(aeon_text_append(line, &c, 1, err));
    }
    *has_line = false;
    return AEON_OK;
}

/* A whole number least..most under a key, otherwise where it is absent. */
static bool get_size(const json_t *test, const char *key, size_t otherwise, size_t least,
                     size_t most, size_t *out)
{
    const json_t *value = json_object_get(test, key);
    json_int_t n = value ? json_integer_value(value) : (json_int_t)otherwise;
    if ((value && !json_is_integer(value)) || n < (json_int_t)least || n > (json_int_t)most)
        return false;
    *out = (size_t)n;
    return true;
}

/* *is_probe: it asks for the limits instead. */
static aeon_status parse_test(const cli_benchmark *b, cli_bench_test *t, bool *is_probe,
                              const aeon_text *line, size_t number, aeon_error *err)
{
    const cli_options *o = b->options;
    json_t *test = json_loadb(line->data ? line->data : "", line->len, 0, NULL);
    const char *name = json_string_value(json_object_get(test, "test"));
    *is_probe = name && strcmp(name, "probe") == 0;
    t->is_decode = name && strcmp(name, "decode") == 0;
    size_t most = t->is_decode ? o->n_decode : o->n_prefill;
    bool is_good = name && (t->is_decode || strcmp(name, "prefill") == 0) &&
                   get_size(test, "tokens", most, 1, most, &t->n_tokens) &&
                   get_size(test, "depth", 0, 0, b->most_depth, &t->depth) &&
                   get_size(test, "batch", 1, 1, t->is_decode ? b->n_talks : 1, &t->n_batch);
    json_decref(test);
    if (is_good || *is_probe) return AEON_OK;
    return cli_error(
        err, AEON_INVALID_ARGUMENT,
        "standard input, line %zu: no test that can be run; write "
        "{\"test\":\"prefill\",\"tokens\":N,\"depth\":N} or \"decode\", at most as large "
        "as -p, -n, --depth and --batch say, or \"probe\"",
        number);
}

static aeon_status answer_test(cli_benchmark *b, const cli_bench_test *t, aeon_error *err)
{
    double tps, bytes;
    TRY(cli_bench_time(b, t, &tps, err));
    json_t *answer = json_pack("{s:f}", "tps", tps);
    if (b->limits.read_gbps > 0)
        json_object_set_new(answer, "limit_fraction",
                            json_real(tps / cli_bench_most_tps(b, t, &bytes)));
    return cli_print_json(answer, err);
}

static aeon_status answer_probe(cli_benchmark *b, aeon_error *err)
{
    TRY(aeon_machine_probe((int)b->options->n_threads, &b->limits, err));
    return cli_print_json(cli_json_limits(&b->limits), err);
}

static aeon_status answer_line(cli_benchmark *b, const aeon_text *line, size_t number,
                               aeon_error *err)
{
    cli_bench_test t = {0};
    bool is_probe;
    TRY(parse_test(b, &t, &is_probe, line, number, err));
    TRY(is_probe ? answer_probe(b, err) : answer_test(b, &t, err));
    if (!cli_flush()) return cli_error(err, AEON_IO, "standard output: %s", strerror(errno));
    return AEON_OK;
}

aeon_status cli_bench_answer(cli_benchmark *b, aeon_error *err)
{
    aeon_text line = {0};
    bool has_line = true;
    aeon_status status = cli_print_json(cli_bench_header(b), err);
    if (!cli_flush()) has_line = false;
    for (size_t number = 1; status == AEON_OK && has_line; number++) {
        status = read_line(&line, number, &has_line, err);
        if (status == AEON_OK && has_line) status = answer_line(b, &line, number, err);
    }
    aeon_text_release(&line);
    return status;
}
