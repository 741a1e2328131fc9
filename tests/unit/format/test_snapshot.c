/* format/snapshot: a session comes back as it was; locks, failures, threads. */
#include "base/pool.h"
#include "unit/format/snapshot_sample.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void a_session_comes_back(void **state)
{
    (void)state;
    size_t before = aeon_memory_stats_get().current_bytes;
    for (int is_locked = 0; is_locked < 2; is_locked++) {
        const ae_snapshot_lock *with = is_locked ? lock : NULL;
        const char *passphrase = is_locked ? words : NULL;
        ae_snapshot s = sample();
        save(path, &s, pages, with);
        comes_back(&s, pages, passphrase);
        save(path, &s, pages2, with); /* over an old file */
        comes_back(&s, pages2, passphrase);
        s.n_pages = 0;
        s.n_computed = 0;
        CHECK_OK(ae_snapshot_write(path, &s, NULL, NULL, with, &err));
        comes_back(&s, NULL, passphrase);
        s.text = NULL;
        s.text_len = 0;
        CHECK_OK(ae_snapshot_write(path, &s, NULL, NULL, with, &err));
        comes_back(&s, NULL, passphrase);
        s = (ae_snapshot){0};
        CHECK_OK(ae_snapshot_write(path, &s, NULL, NULL, with, &err));
        comes_back(&s, NULL, passphrase);
        assert_int_equal(scratch_n_files(), 1);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

/* ---- locks ----------------------------------------------------------------------------------- */

static bool contains(const uint8_t *bytes, size_t n, const void *what, size_t len)
{
    for (size_t i = 0; i + len <= n; i++)
        if (memcmp(bytes + i, what, len) == 0) return true;
    return false;
}

static void a_locked_file_tells_nothing(void **state)
{
    (void)state;
    uint8_t bytes[CHANGED_BYTES], again[CHANGED_BYTES];
    size_t n = good_bytes(bytes, false);
    assert_true(contains(bytes, n, text, 12) && contains(bytes, n, ids, 12));
    assert_true(contains(bytes, n, pages[2], 12));
    n = good_bytes(bytes, true);
    assert_false(contains(bytes, n, text, 4) || contains(bytes, n, ids, 8));
    for (int i = 0; i < N_PAGES; i++) assert_false(contains(bytes, n, pages[i], 8));
    assert_false(contains(bytes, n, words, 5));
    good_bytes(again, true); /* the same session: no block is encrypted alike */
    for (size_t i = 160; i + 16 <= n; i += 16) assert_memory_not_equal(bytes + i, again + i, 16);
}

static void every_wrong_key_has_its_error(void **state)
{
    (void)state;
    ae_snapshot s = sample();
    ae_snapshot_file *f = NULL;
    save(path, &s, pages, lock);
    CHECK_FAILS(ae_snapshot_open(&f, path, "correct horsf", &err), AEON_MISMATCH);
    assert_non_null(strstr(err.text, "another passphrase"));
    assert_null(strstr(err.text, "horsf"));
    CHECK_FAILS(ae_snapshot_open(&f, path, NULL, &err), AEON_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "give the passphrase"));
    CHECK_FAILS(ae_snapshot_open(&f, path, "", &err), AEON_INVALID_ARGUMENT);
    save(path, &s, pages, NULL);
    CHECK_FAILS(ae_snapshot_open(&f, path, words, &err), AEON_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "without"));
    ae_snapshot_lock *none = NULL;
    CHECK_FAILS(ae_snapshot_lock_new(&none, "", NULL, &err), AEON_INVALID_ARGUMENT);
    assert_true(!f && !none);
    ae_snapshot_close(NULL);
    ae_snapshot_lock_free(NULL);
}

/* Who opened a file saves again with the same lock. */
static void a_lock_outlives_its_file(void **state)
{
    (void)state;
    ae_snapshot s = sample();
    ae_snapshot_file *f;
    save(path, &s, pages, lock);
    CHECK_OK(ae_snapshot_open(&f, path, words, &err));
    ae_snapshot_lock *taken = ae_snapshot_take_lock(f);
    assert_non_null(taken);
    assert_null(ae_snapshot_take_lock(f));
    uint8_t page[PAGE_BYTES];
    CHECK_OK(ae_snapshot_read_page(f, 3, page, &err));
    ae_snapshot_close(f);
    save(path, &s, pages2, taken);
    ae_snapshot_lock_free(taken);
    comes_back(&s, pages2, words);
    save(path, &s, pages, NULL);
    CHECK_OK(ae_snapshot_open(&f, path, NULL, &err));
    assert_null(ae_snapshot_take_lock(f));
    ae_snapshot_close(f);
}

static void the_key_says_what_differs(void **state)
{
    (void)state;
    const ae_snapshot_key a = sample().key;
    ae_snapshot_key b = a;
    assert_null(ae_snapshot_differs(&a, &b));
    b.page_bytes++;
    assert_string_equal(ae_snapshot_differs(&a, &b), "another size of pages");
    b = a;
    b.page_tokens++;
    assert_string_equal(ae_snapshot_differs(&a, &b), "another size of pages");
    b.kv_type++;
    assert_string_equal(ae_snapshot_differs(&a, &b), "another type of keys and values");
    b.rope_set = 0;
    assert_string_equal(ae_snapshot_differs(&a, &b), "the other set of rope factors");
    b.adapter[31] = 1;
    assert_string_equal(ae_snapshot_differs(&a, &b), "another adapter");
    b.model[31] = 1;
    assert_string_equal(ae_snapshot_differs(&a, &b), "another model");
}

/* ---- failures -------------------------------------------------------------------------------- */

enum { N_BIG = 33, BIG_BYTES = 100003 };

static const void *big_page(void *user, size_t i)
{
    return (const uint8_t *)user + i * BIG_BYTES;
}

/* While no file may become larger than limit. */
static void fails_to_save(rlim_t limit, const ae_snapshot *s, ae_snapshot_page_fn page, void *from,
                          const ae_snapshot_lock *with)
{
    struct rlimit old;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, old.rlim_max}), 0);
    err.text[0] = 0;
    aeon_status status = ae_snapshot_write(path, s, page, from, with, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, AEON_IO);
    assert_true(strstr(err.text, path) && strstr(err.text, "ulimit"));
    assert_int_equal(scratch_n_files(), 1);
}

static void a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    static uint8_t big[3 * BIG_BYTES];
    ae_snapshot s = sample();
    size_t before = aeon_memory_stats_get().current_bytes;
    save(path, &s, pages, NULL);
    for (rlim_t limit = 0; limit < 512; limit += 61)
        fails_to_save(limit, &s, page_of, pages2, limit % 2 ? lock : NULL);
    s.n_pages = 3;
    s.key.page_bytes = BIG_BYTES;
    for (rlim_t limit = 0; limit < sizeof big; limit += 70001)
        fails_to_save(limit, &s, big_page, big, limit % 2 ? lock : NULL);
    s = sample();
    comes_back(&s, pages, NULL);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

/* In a child that is not root, whom no permission binds: 0 if it was refused as it should be. */
static int save_without_permission(void)
{
    ae_snapshot s = sample();
    if (geteuid() == 0 && setuid(65534) != 0) return 1;
    if (ae_snapshot_write(path, &s, page_of, pages, NULL, &err) != AEON_IO) return 2;
    return strstr(err.text, path) && strstr(err.text, "choose a folder") ? 0 : 3;
}

static void places_where_nothing_can_be_written(void **state)
{
    (void)state;
    ae_snapshot s = sample();
    int status;
    CHECK_FAILS(ae_snapshot_write("/nonexistent/a", &s, page_of, pages, NULL, &err),
                AEON_NOT_FOUND);
    CHECK_FAILS(ae_snapshot_write("/dev/full", &s, page_of, pages, NULL, &err), AEON_IO);
    CHECK_FAILS(ae_snapshot_write(scratch, &s, page_of, pages, NULL, &err), AEON_IO);
    ae_snapshot_file *f;
    CHECK_FAILS(ae_snapshot_open(&f, path, NULL, &err), AEON_NOT_FOUND);
    CHECK_FAILS(ae_snapshot_open(&f, scratch, NULL, &err), AEON_IO);
    assert_int_equal(chmod(scratch, 0555), 0);
    pid_t child = fork();
    if (child == 0) _exit(save_without_permission());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(scratch, 0700), 0);
    assert_int_equal(status, 0);
    assert_int_equal(scratch_n_files(), 0);
}

static mode_t mode_of(const char *of)
{
    struct stat st;
    assert_int_equal(stat(of, &st), 0);
    return st.st_mode & 0777;
}

static void nobody_else_may_read_it(void **state)
{
    (void)state;
    ae_snapshot s = sample();
    mode_t mask = umask(0);
    save(path, &s, pages, NULL);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(chmod(path, 0644), 0);
    scratch_write("a.session.aeon-tmp", "left", 4); /* by a killed process, readable by all */
    assert_int_equal(mode_of(in_scratch("a.session.aeon-tmp")), 0666);
    save(path, &s, pages, NULL);
    umask(mask);
    assert_int_equal(mode_of(path), 0600);
    assert_int_equal(scratch_n_files(), 1);
}

static aeon_status save_or_load(bool is_save, const char *passphrase)
{
    ae_snapshot s = sample();
    ae_snapshot_lock *with = NULL;
    ae_snapshot_file *f = NULL;
    if (!is_save) {
        TRY(ae_snapshot_open(&f, path2, passphrase, &err));
        ae_snapshot_close(f);
        return AEON_OK;
    }
    if (passphrase) TRY(ae_snapshot_lock_new(&with, passphrase, &cheap, &err));
    aeon_status status = ae_snapshot_write(path, &s, page_of, pages, with, &err);
    ae_snapshot_lock_free(with);
    return status;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    ae_snapshot s = sample();
    size_t before = aeon_memory_stats_get().current_bytes;
    for (int kind = 0; kind < 8; kind++) {
        const char *passphrase = kind & 1 ? words : NULL;
        aeon_status status = AEON_OUT_OF_MEMORY;
        uint64_t k = 1;
        save(path2, &s, pages, passphrase ? lock : NULL);
        unlink(path);
        for (; status != AEON_OK; k++) {
            ae_mem_fail_at(k, kind & 4);
            err.text[0] = 0;
            status = save_or_load(kind & 2, passphrase);
            ae_mem_fail_at(0, false);
            assert_true(status == AEON_OK || (status == AEON_OUT_OF_MEMORY && err.text[0]));
            assert_int_equal(aeon_memory_stats_get().current_bytes, before);
            if (status != AEON_OK) assert_int_equal(scratch_n_files(), 1);
        }
        assert_true(k > 3);
    }
}

/* ---- threads --------------------------------------------------------------------------------- */

typedef struct {
    const ae_snapshot_file *file;
    uint8_t *to;
    aeon_status status[2];
} reading;

static void read_share(void *arg, ae_member m)
{
    reading *r = arg;
    for (size_t i = (size_t)m.index; i < N_BIG; i += (size_t)m.n) {
        aeon_status status = ae_snapshot_read_page(r->file, i, r->to + i * BIG_BYTES, NULL);
        if (status != AEON_OK) r->status[m.index] = status;
    }
}

static void two_threads_read_pages(void **state)
{
    (void)state;
    ae_pool *pool;
    uint8_t *from = malloc((size_t)N_BIG * BIG_BYTES), *to = malloc((size_t)N_BIG * BIG_BYTES);
    assert_true(from && to);
    for (size_t i = 0; i < (size_t)N_BIG * BIG_BYTES; i++) from[i] = (uint8_t)(i * i >> 7);
    CHECK_OK(ae_pool_new(&pool, 2, &err));
    for (int is_locked = 0; is_locked < 2; is_locked++) {
        ae_snapshot s = sample();
        ae_snapshot_file *f;
        s.n_pages = N_BIG;
        s.key.page_bytes = BIG_BYTES;
        CHECK_OK(ae_snapshot_write(path, &s, big_page, from, is_locked ? lock : NULL, &err));
        CHECK_OK(ae_snapshot_open(&f, path, is_locked ? words : NULL, &err));
        memset(to, 0, (size_t)N_BIG * BIG_BYTES);
        reading r = {f, to, {AEON_OK, AEON_OK}};
        ae_pool_run(pool, read_share, &r);
        assert_true(r.status[0] == AEON_OK && r.status[1] == AEON_OK);
        assert_memory_equal(to, from, (size_t)N_BIG * BIG_BYTES);
        ae_snapshot_close(f);
    }
    ae_pool_free(pool);
    free(from);
    free(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(a_session_comes_back),
        SCRATCH_TEST(a_locked_file_tells_nothing),
        SCRATCH_TEST(every_wrong_key_has_its_error),
        SCRATCH_TEST(a_lock_outlives_its_file),
        SCRATCH_TEST(the_key_says_what_differs),
        SCRATCH_TEST(a_failed_write_leaves_the_old_file),
        SCRATCH_TEST(places_where_nothing_can_be_written),
        SCRATCH_TEST(nobody_else_may_read_it),
        SCRATCH_TEST(any_allocation_may_fail),
        SCRATCH_TEST(two_threads_read_pages),
    };
    return cmocka_run_group_tests_name("snapshot", tests, prepare, clean_up);
}
