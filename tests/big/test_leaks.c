/* 10,000 talks that are begun, forked, rewound, saved, resumed and closed leave nothing behind: no
 * page, no counted byte, and no memory of the process. */
#include "aeon/engine.h"
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { N_SESSIONS = 10000, N_WARM = 1000, N_EVERY = 20, N_CTX = 128, MOST_FED = 40 };

static const double most_bytes_per_session = 1024;

static aeon_error err;
static uint64_t random_state = 7;
static char folder[] = "/tmp/aeon-leaks-XXXXXX", path[64];
static aeon_model *model;
static aeon_engine *engine;

/* Bytes of this process that no file backs; 0 where the system does not tell. */
static double anonymous_bytes(void)
{
    char line[128];
    unsigned long kib = 0;
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    if (!f) return 0;
    while (fgets(line, sizeof line, f))
        if (strncmp(line, "Anonymous:", 10) == 0) kib = strtoul(line + 10, NULL, 10);
    fclose(f);
    return 1024.0 * (double)kib;
}

/* ---- one talk -------------------------------------------------------------------------------- */

static size_t draw(size_t n)
{
    return (size_t)(check_random(&random_state) % n);
}

static size_t length(const aeon_session *s)
{
    return aeon_session_stats_get(s).n_past;
}

/* Some tokens by chance; one beginning in four has been seen before. */
static void feed(aeon_session *s, size_t n)
{
    int32_t ids[MOST_FED];
    size_t n_vocab = aeon_model_describe(model)->n_vocab;
    bool is_known = draw(4) == 0;
    for (size_t i = 0; i < n; i++) ids[i] = (int32_t)(is_known ? i : draw(n_vocab));
    CHECK_OK(aeon_session_feed(s, ids, n, NULL, &err));
}

/* A prompt that is taken back before it is read. */
static void change_ones_mind(aeon_session *s)
{
    int32_t ids[MOST_FED] = {0};
    size_t before = length(s);
    CHECK_OK(aeon_session_push(s, ids, MOST_FED, &err));
    if (draw(2)) aeon_engine_step(engine);
    aeon_session_cancel(s);
    assert_int_equal(length(s), before);
}

/* The window drops turns until there is room again. */
static void talk_on(aeon_session *s)
{
    CHECK_OK(aeon_session_pin(s, 1, &err));
    for (int i = 0; i < 8; i++) {
        size_t before = length(s);
        feed(s, MOST_FED);
        if (length(s) > before) CHECK_OK(aeon_session_begin_turn(s, length(s) - MOST_FED, &err));
    }
    assert_true(aeon_session_stats_get(s).n_dropped > 0);
    CHECK_OK(aeon_session_rebuild(s, &err));
    if (draw(2)) aeon_engine_step(engine);
}

static void save_and_load(aeon_session *from, aeon_session *to)
{
    size_t n, n_loaded;
    aeon_text text = {0};
    aeon_load_params how = {.text = &text};
    CHECK_OK(aeon_session_save(from, path, "a talk", 6, &err));
    CHECK_OK(aeon_session_load(to, path, &how, &err));
    const int32_t *ids = aeon_session_ids(from, &n), *loaded = aeon_session_ids(to, &n_loaded);
    assert_int_equal(n, n_loaded);
    assert_memory_equal(ids, loaded, n * sizeof *ids);
    assert_string_equal(text.data, "a talk");
    aeon_text_release(&text);
}

static aeon_session *begin(void)
{
    aeon_session *s = NULL;
    aeon_session_params p = {.n_ctx = N_CTX,
                             .window = draw(2) ? AEON_WINDOW_SLIDE : AEON_WINDOW_COMPACT};
    CHECK_OK(aeon_session_new(&s, engine, &p, &err));
    return s;
}

static void live(size_t i)
{
    aeon_session *trunk = begin(), *fork = NULL;
    feed(trunk, 1 + draw(MOST_FED));
    if (i % 4 == 0) change_ones_mind(trunk);
    if (i % 50 == 0) talk_on(trunk);
    while (aeon_engine_step(engine)) {
    }
    CHECK_OK(aeon_session_fork(&fork, trunk, &err));
    feed(fork, 1 + draw(4));
    size_t n_pinned = aeon_session_stats_get(fork).n_pinned;
    CHECK_OK(aeon_session_rewind(fork, n_pinned + draw(length(fork) - n_pinned), &err));
    save_and_load(trunk, fork);
    feed(fork, 1);
    aeon_session_free(i % 2 ? trunk : fork);
    aeon_session_free(i % 2 ? fork : trunk);
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* Counted bytes while no session lives and no beginning is remembered. */
static size_t counted_bytes(void)
{
    aeon_engine_forget(engine);
    aeon_engine_stats stats = aeon_engine_stats_get(engine);
    assert_int_equal(stats.n_sessions, 0);
    assert_int_equal(stats.n_free_pages, stats.n_pages);
    return aeon_memory_stats_get().current_bytes;
}

static void nothing_is_left_behind(void **state)
{
    (void)state;
    size_t warm_bytes = 0, n = 0;
    double sum_x = 0, sum_y = 0, sum_xx = 0, sum_xy = 0, first = 0, last = 0;
    if (anonymous_bytes() == 0) skip();
    for (size_t i = 0; i < N_SESSIONS; i++) {
        if (i == N_WARM) warm_bytes = counted_bytes();
        live(i);
        if (i < N_WARM || i % N_EVERY) continue;
        double x = (double)i;
        last = anonymous_bytes();
        if (!n++) first = last;
        sum_x += x;
        sum_y += last;
        sum_xx += x * x;
        sum_xy += x * last;
    }
    double count = (double)n;
    double slope = (count * sum_xy - sum_x * sum_y) / (count * sum_xx - sum_x * sum_x);
    aeon_engine_stats stats = aeon_engine_stats_get(engine);
    printf("%d sessions: anonymous memory %.2f MB after %d, %.2f MB at the end, %.1f bytes a "
           "session; of %zu tokens asked %zu were remembered\n",
           N_SESSIONS, 1e-6 * first, N_WARM, 1e-6 * last, slope, stats.n_asked, stats.n_reused);
    assert_true(slope < most_bytes_per_session);
    assert_int_equal(counted_bytes(), warm_bytes);
}

static int open_engine(void **state)
{
    (void)state;
    aeon_engine_params p = aeon_engine_params_default();
    p.n_chunk = 32; /* less than a prompt: a step leaves some of it to take back */
    p.n_kv_tokens = 16 * N_CTX;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/talk", folder);
    CHECK_OK(aeon_model_open(&model, "builtin", NULL, &err));
    CHECK_OK(aeon_engine_new(&engine, model, &p, &err));
    return 0;
}

static int close_engine(void **state)
{
    (void)state;
    aeon_engine_free(engine);
    aeon_model_close(model);
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_left_behind)};
    return cmocka_run_group_tests_name("leaks", tests, open_engine, close_engine);
}
