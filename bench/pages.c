/* pages.c - what shared pages give: forks, branches, resuming, company, known beginnings.
 *
 *     pages [MODEL] [--kv bf16] [--prefix 3584] [--branches 50] [--tail 128] [--json]
 *
 * Token ids come from a fixed generator and nothing is drawn: the same work in every run. What is
 * compared is measured in turns, and medians are taken, so that a busy machine tells on both. */
#include "bench/report.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    N_LONG = 4000,     /* tokens of a long talk and of a long prompt, */
    N_RESUMED = 3000,  /* of a talk that is kept on disk, */
    N_REPEATED = 1024, /* of a prompt that is repeated, */
    N_SPOKEN = 256,    /* of what somebody has said who goes on speaking */
    N_FORKS = 200,
    N_SOLO = 64, /* steps of a round in which one session speaks alone */
    MOST_CTX = 4096,
};

typedef struct {
    const char *model, *only;
    size_t n_prefix, n_branches, n_tail, n_rounds, n_threads, n_steps;
    aeon_type kv_type;
    bool json;
} options;

typedef struct {
    options o;
    aeon_model *model;
    const aeon_model_info *info;
    size_t n_ctx, n_long;
    size_t page_tokens, page_bytes;
    int n_threads;
    int32_t ids[MOST_CTX];
    aeon_engine *engine; /* of the running test, */
    aeon_session *trunk; /* and its first session */
    bench_report report;
} bench;

/* ---- engines and sessions -------------------------------------------------------------------- */

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static aeon_status new_engine(bench *b, size_t n_kv_tokens, bool has_prefixes, aeon_error *err)
{
    aeon_engine_params p = aeon_engine_params_default();
    p.n_threads = (int)b->o.n_threads;
    p.kv_type = b->o.kv_type;
    p.n_kv_tokens = n_kv_tokens;
    p.has_prefixes = has_prefixes;
    TRY(aeon_engine_new(&b->engine, b->model, &p, err));
    aeon_engine_stats stats = aeon_engine_stats_get(b->engine);
    b->page_tokens = stats.page_tokens;
    b->page_bytes = stats.page_bytes;
    b->n_threads = aeon_engine_n_threads(b->engine);
    return AEON_OK;
}

/* One set of LongRoPE factors for all lengths: no run pays for a crossing. */
static aeon_status new_session(bench *b, aeon_session **out, aeon_error *err)
{
    aeon_session_params p = aeon_session_params_default();
    p.n_ctx = b->n_ctx;
    if (b->info->n_ctx_original < b->n_ctx) p.rope = AEON_ROPE_LONG;
    return aeon_session_new(out, b->engine, &p, err);
}

static void close_engine(bench *b)
{
    aeon_session_free(b->trunk);
    aeon_engine_free(b->engine);
    b->trunk = NULL;
    b->engine = NULL;
}

/* Make the trunk the first n ids. */
static aeon_status hold(bench *b, size_t n, aeon_error *err)
{
    size_t n_held = aeon_session_stats_get(b->trunk).n_past;
    if (n_held > n) return aeon_session_rewind(b->trunk, n, err);
    if (n_held == n) return AEON_OK;
    return aeon_session_feed(b->trunk, b->ids + n_held, n - n_held, NULL, err);
}

static void tell(const char *what)
{
    fprintf(stderr, "pages: %s ...\n", what);
}

/* ---- forks ----------------------------------------------------------------------------------- */

static void free_sessions(aeon_session **s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        aeon_session_free(s[i]);
        s[i] = NULL;
    }
}

/* As many forks alive at once as a search has branches, then all gone; and once more. */
static aeon_status time_forks(bench *b, bench_times *forks, bench_times *frees, aeon_error *err)
{
    enum { N_ALIVE = 50 };
    aeon_session *s[N_ALIVE] = {NULL};
    aeon_status status = AEON_OK;
    for (size_t n = 0; n < N_FORKS && status == AEON_OK; n += N_ALIVE) {
        for (size_t i = 0; i < N_ALIVE && status == AEON_OK; i++) {
            double start = bench_clock_s();
            status = aeon_session_fork(&s[i], b->trunk, err);
            double took_us = 1e6 * (bench_clock_s() - start);
            if (status == AEON_OK) status = bench_times_add(forks, took_us, err);
        }
        for (size_t i = 0; i < N_ALIVE && status == AEON_OK; i++) {
            double start = bench_clock_s();
            aeon_session_free(s[i]);
            s[i] = NULL;
            status = bench_times_add(frees, 1e6 * (bench_clock_s() - start), err);
        }
        free_sessions(s, N_ALIVE);
    }
    return status;
}

static aeon_status report_forks(bench *b, bench_times *forks, bench_times *frees, aeon_error *err)
{
    bench_row rows[] = {
        {"a fork of a long talk, median", "us", bench_times_median(forks), BENCH_AT_MOST, 20},
        {.what = "the worst of 200", .unit = "us", .value = bench_times_worst(forks)},
        {.what = "to free one, median", .unit = "us", .value = bench_times_median(frees)},
    };
    return bench_report_add(&b->report, "fork", rows, BENCH_COUNT(rows), err);
}

static aeon_status run_forks(bench *b, aeon_error *err)
{
    bench_times forks = {0}, frees = {0};
    tell("forks");
    TRY(hold(b, b->n_long, err));
    aeon_status status = time_forks(b, &forks, &frees, err);
    if (status == AEON_OK) status = report_forks(b, &forks, &frees, err);
    bench_times_release(&forks);
    bench_times_release(&frees);
    return status;
}

/* ---- branches -------------------------------------------------------------------------------- */

typedef struct {
    aeon_session **shared, **plain; /* [n_branches] */
    size_t n_plain;                 /* tokens before the decode of the plain ones */
    size_t n_pages;                 /* in use after the decode of the shared ones alone */
    size_t rest_bytes;              /* counted memory that they took beside pages */
    bench_times shared_tps, plain_tps;
} branches;

/* One token for each session, n_tail times. */
static aeon_status decode(bench *b, aeon_session **s, bench_times *tps, aeon_error *err)
{
    double start = bench_clock_s();
    for (size_t i = 0; i < b->o.n_tail; i++) {
        for (size_t k = 0; k < b->o.n_branches; k++) {
            int32_t id = bench_id_at(MOST_CTX + k * b->o.n_tail + i, b->info->n_vocab);
            TRY(aeon_session_push(s[k], &id, 1, err));
        }
        while (aeon_engine_step(b->engine)) {
        }
    }
    for (size_t k = 0; k < b->o.n_branches; k++)
        if (aeon_session_error(s[k]))
            return bench_fail(err, AEON_OUT_OF_MEMORY, "%s", aeon_session_error(s[k])->text);
    double took_s = bench_clock_s() - start;
    return bench_times_add(tps, (double)(b->o.n_tail * b->o.n_branches) / took_s, err);
}

static aeon_status rewind_all(const bench *b, aeon_session **s, size_t n, aeon_error *err)
{
    for (size_t k = 0; k < b->o.n_branches; k++) TRY(aeon_session_rewind(s[k], n, err));
    return AEON_OK;
}

static aeon_status open_branches(bench *b, branches *x, aeon_error *err)
{
    TRY(hold(b, b->o.n_prefix, err));
    size_t before = aeon_memory_stats_get().current_bytes;
    for (size_t k = 0; k < b->o.n_branches; k++)
        TRY(aeon_session_fork(&x->shared[k], b->trunk, err));
    TRY(decode(b, x->shared, &x->shared_tps, err)); /* to warm up, and to count */
    aeon_engine_stats stats = aeon_engine_stats_get(b->engine);
    x->n_pages = stats.n_pages - stats.n_free_pages;
    x->rest_bytes = aeon_memory_stats_get().current_bytes - before;
    return rewind_all(b, x->shared, b->o.n_prefix, err);
}

static aeon_status open_plain(bench *b, branches *x, aeon_error *err)
{
    for (size_t k = 0; k < b->o.n_branches; k++) {
        TRY(new_session(b, &x->plain[k], err));
        if (x->n_plain) TRY(aeon_session_feed(x->plain[k], b->ids, x->n_plain, NULL, err));
    }
    return decode(b, x->plain, &x->plain_tps, err);
}

static aeon_status time_branches(bench *b, branches *x, aeon_error *err)
{
    TRY(open_branches(b, x, err));
    TRY(open_plain(b, x, err));
    x->shared_tps.n = x->plain_tps.n = 0;
    for (size_t i = 0; i < b->o.n_rounds; i++) {
        TRY(rewind_all(b, x->plain, x->n_plain, err));
        TRY(decode(b, x->shared, &x->shared_tps, err));
        TRY(rewind_all(b, x->shared, b->o.n_prefix, err));
        TRY(decode(b, x->plain, &x->plain_tps, err));
    }
    return AEON_OK;
}

static aeon_status report_branches(bench *b, branches *x, aeon_error *err)
{
    double shared = bench_times_median(&x->shared_tps), plain = bench_times_median(&x->plain_tps);
    double n_pages =
        (double)(b->o.n_prefix + b->o.n_branches * b->o.n_tail) / (double)b->page_tokens;
    double least = n_pages * (double)b->page_bytes;
    double pages = (double)x->n_pages * (double)b->page_bytes, rest = (double)x->rest_bytes;
    bench_row rows[] = {
        {"pages in use, over beginning and tails", "", pages / least, BENCH_AT_MOST, 1.05},
        {"with the branches' logits", "", (pages + rest) / least, BENCH_AT_MOST, 1.05},
        {.what = "beginning and tails", .unit = "MB", .value = 1e-6 * least},
        {.what = "decode behind a shared beginning", .unit = "tokens/s", .value = shared},
        {.what = "decode of short talks", .unit = "tokens/s", .value = plain},
        {"shared over short", "", shared / plain, BENCH_AT_LEAST, 0.8},
    };
    if (!x->n_plain) return bench_report_add(&b->report, "branches", rows, BENCH_COUNT(rows), err);
    rows[3].what = "decode behind a shared beginning, again";
    rows[4].what = "decode, each behind its own beginning";
    rows[5].what = "shared over own";
    return bench_report_add(&b->report, "branches", rows + 3, BENCH_COUNT(rows) - 3, err);
}

static aeon_status run_branches(bench *b, size_t n_plain, aeon_error *err)
{
    branches x = {.n_plain = n_plain};
    tell(n_plain ? "branches, against as many whole talks" : "branches, against short talks");
    x.shared = calloc(b->o.n_branches, sizeof *x.shared);
    x.plain = calloc(b->o.n_branches, sizeof *x.plain);
    aeon_status status = x.shared && x.plain ? time_branches(b, &x, err)
                                             : bench_fail(err, AEON_OUT_OF_MEMORY, "no memory");
    if (status == AEON_OK) status = report_branches(b, &x, err);
    if (x.shared) free_sessions(x.shared, b->o.n_branches);
    if (x.plain) free_sessions(x.plain, b->o.n_branches);
    free(x.shared);
    free(x.plain);
    bench_times_release(&x.shared_tps);
    bench_times_release(&x.plain_tps);
    return status;
}

/* ---- company --------------------------------------------------------------------------------- */

/* The trunk says one more token, whoever else waits; it goes back when it is a while ahead. */
static aeon_status say_token(bench *b, bench_times *ms, aeon_error *err)
{
    size_t n = aeon_session_stats_get(b->trunk).n_past;
    if (n >= 2 * N_SPOKEN || n + 1 >= b->n_ctx) TRY(hold(b, n = N_SPOKEN, err));
    double start = bench_clock_s();
    TRY(aeon_session_push(b->trunk, b->ids + n, 1, err));
    while (aeon_session_state_get(b->trunk) == AEON_SESSION_WAITING) aeon_engine_step(b->engine);
    return bench_times_add(ms, 1e3 * (bench_clock_s() - start), err);
}

/* Alone, and beside a long prompt until it is read (or --steps are over). */
static aeon_status time_company(bench *b, aeon_session *reader, bench_times *solo,
                                bench_times *beside, double *prompt_tps, aeon_error *err)
{
    size_t n_read = 0, n_steps = 0;
    double took_s = 0;
    for (size_t round = 0; round < b->o.n_rounds; round++) {
        for (size_t i = 0; i < N_SOLO; i++) TRY(say_token(b, solo, err));
        TRY(aeon_session_push(reader, b->ids, b->n_long, err));
        double start = bench_clock_s();
        size_t n_free = aeon_engine_stats_get(b->engine).n_free_pages;
        for (n_steps = 0; aeon_session_state_get(reader) == AEON_SESSION_WAITING; n_steps++) {
            if (b->o.n_steps && n_steps == b->o.n_steps) break;
            TRY(say_token(b, beside, err));
        }
        took_s += bench_clock_s() - start;
        bool is_read = aeon_session_state_get(reader) == AEON_SESSION_READY;
        size_t n_taken = n_free - aeon_engine_stats_get(b->engine).n_free_pages;
        n_read += is_read ? b->n_long : n_taken * b->page_tokens;
        TRY(aeon_session_rewind(reader, 0, err));
    }
    *prompt_tps = (double)n_read / took_s;
    return AEON_OK;
}

/* A person interrupts between two steps: when are the pages of the prompt free? */
static aeon_status time_cancel(bench *b, aeon_session *reader, double *us, aeon_error *err)
{
    size_t n_free = aeon_engine_stats_get(b->engine).n_free_pages;
    TRY(aeon_session_push(reader, b->ids, b->n_long, err));
    for (int i = 0; i < 4; i++) aeon_engine_step(b->engine);
    double start = bench_clock_s();
    aeon_session_cancel(reader);
    *us = 1e6 * (bench_clock_s() - start);
    if (aeon_engine_stats_get(b->engine).n_free_pages == n_free) return AEON_OK;
    return bench_fail(err, AEON_INTERNAL, "a cancelled prompt keeps pages");
}

static aeon_status report_company(bench *b, bench_times *solo, bench_times *beside,
                                  double prompt_tps, double cancel_us, aeon_error *err)
{
    bench_row rows[] = {
        {.what = "between two tokens alone, median",
         .unit = "ms",
         .value = bench_times_median(solo)},
        {.what = "the worst", .unit = "ms", .value = bench_times_worst(solo)},
        {.what = "beside a long prompt, median", .unit = "ms", .value = bench_times_median(beside)},
        {.what = "the worst beside it", .unit = "ms", .value = bench_times_worst(beside)},
        {.what = "median over median", .goal = BENCH_AT_MOST, .target = 3},
        {.what = "worst over worst", .goal = BENCH_AT_MOST, .target = 3},
        {.what = "reading of the prompt meanwhile", .unit = "tokens/s", .value = prompt_tps},
        {.what = "cancelled: its pages are free after", .unit = "us", .value = cancel_us},
    };
    rows[4].value = rows[2].value / rows[0].value;
    rows[5].value = rows[3].value / rows[1].value;
    return bench_report_add(&b->report, "scheduler", rows, BENCH_COUNT(rows), err);
}

static aeon_status run_company(bench *b, aeon_error *err)
{
    bench_times solo = {0}, beside = {0};
    aeon_session *reader;
    double prompt_tps, cancel_us;
    tell("a talk beside a long prompt");
    TRY(hold(b, N_SPOKEN, err));
    TRY(new_session(b, &reader, err));
    aeon_status status = time_company(b, reader, &solo, &beside, &prompt_tps, err);
    if (status == AEON_OK) status = time_cancel(b, reader, &cancel_us, err);
    if (status == AEON_OK) status = report_company(b, &solo, &beside, prompt_tps, cancel_us, err);
    aeon_session_free(reader);
    bench_times_release(&solo);
    bench_times_release(&beside);
    return status;
}

/* ---- resuming -------------------------------------------------------------------------------- */

/* In an engine of its own, as after a start of the program: load the talk, or read it anew, and
 * compute one token more. */
static aeon_status begin_again(bench *b, size_t n, const char *path, double *ready_ms,
                               double *next_ms, aeon_error *err)
{
    aeon_error note = {.code = AEON_OK};
    TRY(new_engine(b, b->n_ctx, false, err));
    TRY(new_session(b, &b->trunk, err));
    double start = bench_clock_s();
    if (path)
        TRY(aeon_session_load(b->trunk, path, &(aeon_load_params){.note = &note}, err));
    else
        TRY(hold(b, n, err));
    double ready = bench_clock_s();
    if (note.code != AEON_OK) return bench_fail(err, note.code, "not resumed: %s", note.text);
    TRY(hold(b, n + 1, err));
    *ready_ms = 1e3 * (ready - start);
    *next_ms = 1e3 * (bench_clock_s() - ready);
    return AEON_OK;
}

static aeon_status save(bench *b, size_t n, const char *path, double *ms, aeon_error *err)
{
    TRY(hold(b, n, err));
    double start = bench_clock_s();
    TRY(aeon_session_save(b->trunk, path, "", 0, err));
    *ms = 1e3 * (bench_clock_s() - start);
    return AEON_OK;
}

static aeon_status time_resuming(bench *b, const char *path, aeon_error *err)
{
    enum { COLD, NEXT_COLD, SAVE, LOAD, NEXT, BOTH, N_ROWS };
    bench_row rows[N_ROWS] = {
        {.what = "reading the talk anew"},
        {.what = "the next token after that"},
        {.what = "saving it"},
        {.what = "loading it"},
        {.what = "the next token then"},
        {.what = "loading and the next token", .goal = BENCH_AT_MOST, .target = 300},
    };
    bench_times times[N_ROWS] = {{0}};
    size_t n = smaller(N_RESUMED, b->n_long);
    aeon_status status = AEON_OK;
    for (size_t i = 0; i < b->o.n_rounds && status == AEON_OK; i++) {
        double ms[N_ROWS];
        status = begin_again(b, n, NULL, &ms[COLD], &ms[NEXT_COLD], err);
        if (status == AEON_OK) status = save(b, n, path, &ms[SAVE], err);
        close_engine(b);
        if (status == AEON_OK) status = begin_again(b, n, path, &ms[LOAD], &ms[NEXT], err);
        close_engine(b);
        if (status != AEON_OK) break;
        ms[BOTH] = ms[LOAD] + ms[NEXT];
        for (int k = 0; k < N_ROWS && status == AEON_OK; k++)
            status = bench_times_add(&times[k], ms[k], err);
    }
    for (int k = 0; k < N_ROWS && status == AEON_OK; k++) {
        rows[k].unit = "ms";
        rows[k].value = bench_times_median(&times[k]);
    }
    if (status == AEON_OK) status = bench_report_add(&b->report, "resume", rows, N_ROWS, err);
    for (int k = 0; k < N_ROWS; k++) bench_times_release(&times[k]);
    return status;
}

static aeon_status run_resuming(bench *b, aeon_error *err)
{
    char folder[256], path[300];
    const char *where = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/aeon-pages-XXXXXX", where && *where ? where : "/tmp");
    tell("a talk that was kept");
    if (!mkdtemp(folder)) return bench_fail(err, AEON_IO, "%s: cannot make this folder", folder);
    snprintf(path, sizeof path, "%s/talk", folder);
    aeon_status status = time_resuming(b, path, err);
    unlink(path);
    rmdir(folder);
    return status;
}

/* ---- known beginnings ------------------------------------------------------------------------ */

static aeon_status time_prompt(bench *b, size_t n, bench_times *ms, aeon_error *err)
{
    aeon_session *s;
    TRY(new_session(b, &s, err));
    double start = bench_clock_s();
    aeon_status status = aeon_session_feed(s, b->ids, n, NULL, err);
    double took_ms = 1e3 * (bench_clock_s() - start);
    aeon_session_free(s);
    return status == AEON_OK ? bench_times_add(ms, took_ms, err) : status;
}

static aeon_status report_known(bench *b, bench_times *cold, bench_times *known, aeon_error *err)
{
    double cold_ms = bench_times_median(cold), known_ms = bench_times_median(known);
    bench_row rows[] = {
        {.what = "to the first token, cold", .unit = "ms", .value = cold_ms},
        {.what = "to the first token, known", .unit = "ms", .value = known_ms},
        {.what = "known over cold", .unit = "", .value = known_ms / cold_ms},
    };
    return bench_report_add(&b->report, "beginnings", rows, BENCH_COUNT(rows), err);
}

static aeon_status run_known(bench *b, aeon_error *err)
{
    bench_times cold = {0}, known = {0};
    size_t n = smaller(N_REPEATED, b->n_long);
    tell("a prompt that is known");
    aeon_status status = new_engine(b, b->n_ctx, true, err);
    for (size_t i = 0; i < b->o.n_rounds && status == AEON_OK; i++) {
        aeon_engine_forget(b->engine);
        status = time_prompt(b, n, &cold, err);
        if (status == AEON_OK) status = time_prompt(b, n, &known, err);
    }
    if (status == AEON_OK && aeon_engine_stats_get(b->engine).n_reused == 0)
        status = bench_fail(err, AEON_INTERNAL, "nothing was reused");
    if (status == AEON_OK) status = report_known(b, &cold, &known, err);
    close_engine(b);
    bench_times_release(&cold);
    bench_times_release(&known);
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static bool is_asked(const bench *b, const char *test)
{
    return !b->o.only || strstr(b->o.only, test);
}

/* Would so many whole talks beside each other leave half of the memory free? */
static bool fits_unshared(const bench *b, size_t n_tokens)
{
    double bytes = (double)n_tokens / (double)b->page_tokens * (double)b->page_bytes;
    return bytes < 0.5 * (double)aeon_machine_describe().memory_available_bytes;
}

static aeon_status run_shared(bench *b, aeon_error *err)
{
    TRY(new_engine(b, 1, false, err)); /* tells the size of a page */
    close_engine(b);
    size_t n_tail = b->o.n_tail + 2 * b->page_tokens; /* a page begun, and one to copy */
    size_t n_whole = b->o.n_branches * (b->o.n_prefix + n_tail);
    bool is_whole = fits_unshared(b, n_whole);
    size_t n_plain = is_whole ? n_whole : b->o.n_branches * n_tail;
    TRY(new_engine(b, 2 * b->n_ctx + b->o.n_branches * n_tail + n_plain, false, err));
    TRY(new_session(b, &b->trunk, err));
    if (is_asked(b, "fork")) TRY(run_forks(b, err));
    if (is_asked(b, "branches")) TRY(run_branches(b, 0, err));
    if (is_asked(b, "branches") && is_whole) TRY(run_branches(b, b->o.n_prefix, err));
    if (is_asked(b, "scheduler")) TRY(run_company(b, err));
    return AEON_OK;
}

static aeon_status run_tests(bench *b, aeon_error *err)
{
    aeon_model_params params = {0};
    char settings[160];
    TRY(aeon_model_open(&b->model, b->o.model, &params, err));
    TRY(aeon_model_read(b->model, NULL, NULL, err));
    b->info = aeon_model_describe(b->model);
    b->n_ctx = smaller(b->info->n_ctx_max, MOST_CTX);
    b->n_long = smaller(N_LONG, b->n_ctx - N_SPOKEN / 4);
    if (b->o.n_prefix + b->o.n_tail > b->n_ctx)
        return bench_fail(err, AEON_INVALID_ARGUMENT,
                          "--prefix %zu --tail %zu: the context has room for %zu tokens",
                          b->o.n_prefix, b->o.n_tail, b->n_ctx);
    for (size_t i = 0; i < b->n_ctx; i++) b->ids[i] = bench_id_at(i, b->info->n_vocab);
    if (is_asked(b, "resume")) TRY(run_resuming(b, err));
    if (is_asked(b, "beginnings")) TRY(run_known(b, err));
    TRY(run_shared(b, err));
    snprintf(settings, sizeof settings,
             "kv %s, long %zu, prefix %zu, %zu branches, tail %zu, %zu rounds",
             aeon_type_name(b->o.kv_type), b->n_long, b->o.n_prefix, b->o.n_branches, b->o.n_tail,
             b->o.n_rounds);
    return bench_report_print(&b->report, b->info, b->n_threads, settings, b->o.json, err);
}

/* ---- options --------------------------------------------------------------------------------- */

static const char usage[] =
    "usage: pages [MODEL] [options]     MODEL: a file, a folder, or builtin (the default)\n"
    "  --kv TYPE      of keys and values: f32, f16, bf16 or q8_0      (bf16)\n"
    "  --prefix N     tokens that the branches share                  (3584)\n"
    "  --branches N   how many                                        (50)\n"
    "  --tail N       tokens that each branch decodes                 (128)\n"
    "  --rounds N     of each comparison; medians are told            (3)\n"
    "  --steps N      beside a long prompt, at most; 0: until it is read\n"
    "  --threads N    0: one per core\n"
    "  --only NAMES   of fork,branches,scheduler,resume,beginnings\n"
    "  --json         one JSON document on standard output\n";

static bool parse(options *o, int argc, char **argv)
{
    static const struct option names[] = {
        {"kv", 1, NULL, 'k'},      {"prefix", 1, NULL, 'p'}, {"branches", 1, NULL, 'b'},
        {"tail", 1, NULL, 't'},    {"rounds", 1, NULL, 'r'}, {"steps", 1, NULL, 's'},
        {"threads", 1, NULL, 'n'}, {"only", 1, NULL, 'o'},   {"json", 0, NULL, 'j'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        bool is_good = true;
        switch (c) {
        case 'k': is_good = aeon_type_find(optarg, &o->kv_type); break;
        case 'p': is_good = bench_parse_size(optarg, 1, &o->n_prefix); break;
        case 'b': is_good = bench_parse_size(optarg, 1, &o->n_branches); break;
        case 't': is_good = bench_parse_size(optarg, 1, &o->n_tail); break;
        case 'r': is_good = bench_parse_size(optarg, 1, &o->n_rounds); break;
        case 's': is_good = bench_parse_size(optarg, 0, &o->n_steps); break;
        case 'n': is_good = bench_parse_size(optarg, 0, &o->n_threads); break;
        case 'o': o->only = optarg; break;
        case 'j': o->json = true; break;
        default: is_good = false;
        }
        if (!is_good) return false;
    }
    if (optind < argc) o->model = argv[optind++];
    return optind == argc;
}

int main(int argc, char **argv)
{
    static bench b = {.o = {.model = "builtin",
                            .n_prefix = 3584,
                            .n_branches = 50,
                            .n_tail = 128,
                            .n_rounds = 3,
                            .kv_type = AEON_TYPE_BF16}};
    aeon_error err;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return 0;
    }
    if (!parse(&b.o, argc, argv)) {
        fputs(usage, stderr);
        return 2;
    }
    aeon_status status = run_tests(&b, &err);
    if (status != AEON_OK) fprintf(stderr, "pages: error: %s\n", err.text);
    close_engine(&b);
    aeon_model_close(b.model);
    return status == AEON_OK ? 0 : 1;
}
