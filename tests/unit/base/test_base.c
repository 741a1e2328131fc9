/* base/: memory accounting, cursor, files, lists, pool. */
#include "base/cursor.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/pool.h"
#include "base/system.h"
#include "unit/format/scratch.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static aeon_error err;

static void memory_is_counted_aligned_and_zeroed(void **state)
{
    (void)state;
    size_t before = aeon_memory_stats_get().current_bytes;
    unsigned char *p = ae_mem_alloc(AE_MEM_SCRATCH, 1000);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 64, 0);
    for (int i = 0; i < 1000; i++) assert_int_equal(p[i], 0);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before + 1000);
    memset(p, 7, 1000);
    p = ae_mem_resize(AE_MEM_SCRATCH, p, 2000);
    assert_int_equal(p[999], 7);
    assert_int_equal(p[1000], 0);
    ae_mem_free(p);
    ae_mem_free(NULL);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    assert_null(ae_mem_alloc_array(AE_MEM_OTHER, SIZE_MAX / 2, 3));
    assert_null(ae_mem_alloc(AE_MEM_OTHER, SIZE_MAX));
}

static void memory_of_a_thread_is_what_its_work_left(void **state)
{
    (void)state;
    int64_t before = ae_mem_of_thread();
    void *kept = ae_mem_alloc(AE_MEM_OTHER, 100), *freed = ae_mem_alloc(AE_MEM_OTHER, 300);
    kept = ae_mem_resize(AE_MEM_OTHER, kept, 1000);
    ae_mem_free(freed);
    assert_int_equal(ae_mem_of_thread() - before, 1000);
    ae_mem_free(kept);
    assert_int_equal(ae_mem_of_thread(), before);
}

static void the_system_tells_its_size(void **state)
{
    (void)state;
    char name[4] = "???";
    assert_true(ae_n_cores() >= 1);
    assert_true(ae_memory_bytes() > 1 << 20);
    assert_true(ae_memory_available_bytes() <= ae_memory_bytes());
#ifdef __linux__
    assert_true(ae_memory_available_bytes() > 1 << 20);
#endif
    ae_processor_name(name, sizeof name); /* cut to what there is room for */
    assert_true(strlen(name) < sizeof name);
}

static void memory_cap_and_injected_failure(void **state)
{
    (void)state;
    aeon_memory_set_cap(aeon_memory_stats_get().current_bytes + 100);
    assert_null(ae_mem_alloc(AE_MEM_KV, 101));
    void *p = ae_mem_alloc(AE_MEM_KV, 100);
    assert_non_null(p);
    ae_mem_free(p);
    aeon_memory_set_cap(0);

    ae_mem_fail_at(2, false);
    void *a = ae_mem_alloc(AE_MEM_OTHER, 1), *b = ae_mem_alloc(AE_MEM_OTHER, 1),
         *c = ae_mem_alloc(AE_MEM_OTHER, 1);
    assert_true(a && !b && c);
    assert_int_equal(ae_mem_n_allocs(), 3);
    ae_mem_fail_at(1, true);
    assert_null(ae_mem_alloc(AE_MEM_OTHER, 1));
    assert_null(ae_mem_alloc(AE_MEM_OTHER, 1));
    ae_mem_fail_at(0, false);
    ae_mem_free(a);
    ae_mem_free(c);
}

/* The child that allocates where it may not dies of it. */
static void forbidden_allocations_are_broken_invariants(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        if (dup2(open("/dev/null", O_WRONLY), STDERR_FILENO) < 0) _exit(1);
        ae_mem_forbid(true);
        ae_mem_forbid(false);
        ae_mem_free(ae_mem_alloc(AE_MEM_OTHER, 1)); /* allowed again */
        ae_mem_forbid(true);
        ae_mem_free(ae_mem_alloc(AE_MEM_OTHER, 1));
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* What could not grow is what it was. */
static void failed_growth_loses_nothing(void **state)
{
    (void)state;
    size_t before = aeon_memory_stats_get().current_bytes;
    char *block = ae_mem_text(AE_MEM_OTHER, "kept", 4);
    aeon_tokens list = {0};
    aeon_text text = {0};
    CHECK_OK(aeon_tokens_push(&list, 7, &err));
    CHECK_OK(aeon_text_append(&text, "kept", 4, &err));
    ae_mem_fail_at(1, true);
    assert_null(ae_mem_resize(AE_MEM_OTHER, block, 1000));
    const int32_t ids[100] = {0};
    CHECK_FAILS(aeon_tokens_append(&list, ids, 100, &err), AEON_OUT_OF_MEMORY);
    CHECK_FAILS(aeon_text_append(&text, (const char *)ids, 100, &err), AEON_OUT_OF_MEMORY);
    ae_mem_fail_at(0, false);
    CHECK_FAILS(aeon_tokens_append(&list, ids, SIZE_MAX, &err), AEON_OUT_OF_MEMORY);
    CHECK_FAILS(aeon_text_append(&text, text.data, SIZE_MAX - 4, &err), AEON_OUT_OF_MEMORY);
    assert_string_equal(block, "kept");
    assert_string_equal(text.data, "kept");
    assert_true(list.n == 1 && list.ids[0] == 7);
    ae_mem_free(block);
    aeon_tokens_release(&list);
    aeon_text_release(&text);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

static void cursor_fails_once_and_for_all(void **state)
{
    (void)state;
    unsigned char bytes[] = {1, 0, 0, 0, 2, 0};
    ae_cursor c = {bytes, sizeof bytes, 0, false};
    assert_int_equal(ae_cursor_u32(&c), 1);
    assert_null(ae_cursor_take(&c, UINT64_MAX));
    assert_true(c.failed);
    assert_int_equal(ae_cursor_u16(&c), 0);
    assert_int_equal(ae_cursor_left(&c), 0);
    uint64_t out = 5;
    assert_false(ae_mul_u64(UINT64_MAX, 2, &out));
    assert_false(ae_add_u64(UINT64_MAX, 1, &out));
    assert_int_equal(out, 5);
}

static void writer_replaces_whole_files_only(void **state)
{
    (void)state;
    const char *path = in_scratch("file"), *tmp = in_scratch("file.aeon-tmp");
    ae_writer *w;
    CHECK_OK(ae_writer_open(&w, path, &err));
    CHECK_OK(ae_writer_put(w, "old", 3, &err));
    assert_false(ae_file_exists(path));
    CHECK_OK(ae_writer_commit(w, &err));

    char *big = calloc(1, 200000);
    CHECK_OK(ae_writer_open(&w, path, &err));
    CHECK_OK(ae_writer_put(w, big, 200000, &err));
    ae_writer_abort(w);
    free(big);
    assert_false(ae_file_exists(tmp));

    ae_map m;
    CHECK_OK(ae_map_open(&m, path, &err));
    assert_int_equal(m.size, 3);
    assert_memory_equal(m.data, "old", 3);
    ae_map_close(&m);

    aeon_text text = {0};
    CHECK_OK(ae_file_read(path, 3, &text, &err));
    assert_string_equal(text.data, "old");
    aeon_text_release(&text);
    CHECK_FAILS(ae_file_read(path, 2, &text, &err), AEON_INVALID_ARGUMENT);
    aeon_text_release(&text);
}

static void write_file(const char *path, const char *text, const int *is_open)
{
    ae_writer *w;
    CHECK_OK(ae_writer_open(&w, path, &err));
    if (is_open) assert_int_equal(write(*is_open, "", 1), 1);
    if (is_open) usleep(100000);
    CHECK_OK(ae_writer_put(w, text, strlen(text), &err));
    CHECK_OK(ae_writer_commit(w, &err));
}

/* A writer that takes long, as of a model, is not waited for. */
static void a_file_that_stays_open_is_refused(void **state)
{
    (void)state;
    const char *path = in_scratch("file");
    ae_writer *first, *second;
    CHECK_OK(ae_writer_open(&first, path, &err));
    CHECK_FAILS(ae_writer_open(&second, path, &err), AEON_IO);
    assert_non_null(strstr(err.text, "another program is writing"));
    CHECK_OK(ae_writer_put(first, "whole", 5, &err));
    CHECK_OK(ae_writer_commit(first, &err));
    CHECK_OK(ae_writer_open(&second, path, &err));
    ae_writer_abort(second);
    assert_int_equal(scratch_n_files(), 1);
}

/* A process that is killed leaves one file, which the next one takes; two that live wait. */
static void writers_of_a_file_take_turns(void **state)
{
    (void)state;
    const char *path = in_scratch("file"), *tmp = in_scratch("file.aeon-tmp");
    char byte;
    int pipes[2], status;
    FILE *left = fopen(tmp, "w");
    assert_true(left && fputs("what a killed process left", left) >= 0 && fclose(left) == 0);
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        write_file(path, "first", &pipes[1]);
        _exit(0); /* a failed check does not get here */
    }
    assert_int_equal(read(pipes[0], &byte, 1), 1); /* now it is open there */
    write_file(path, "second", NULL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    aeon_text text = {0};
    CHECK_OK(ae_file_read(path, 100, &text, &err));
    assert_string_equal(text.data, "second");
    aeon_text_release(&text);
    assert_false(ae_file_exists(tmp));
    close(pipes[0]);
    close(pipes[1]);
    assert_int_equal(scratch_n_files(), 1);
}

/* What a killed process left, and the old file, may be readable by all. */
static void private_files_are_read_by_their_owner_alone(void **state)
{
    (void)state;
    const char *path = in_scratch("file"), *tmp = in_scratch("file.aeon-tmp");
    struct stat st;
    ae_writer *w;
    write_file(path, "old", NULL);
    FILE *left = fopen(tmp, "w");
    assert_true(left && fclose(left) == 0 && chmod(tmp, 0644) == 0 && chmod(path, 0644) == 0);
    CHECK_OK(ae_writer_open_private(&w, path, &err));
    assert_true(stat(tmp, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK_OK(ae_writer_commit(w, &err));
    assert_true(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    assert_int_equal(scratch_n_files(), 1);
}

static void only_regular_files_are_opened(void **state)
{
    (void)state;
    ae_map m;
    CHECK_FAILS(ae_map_open(&m, "/nonexistent/file", &err), AEON_NOT_FOUND);
    CHECK_FAILS(ae_map_open(&m, "/tmp", &err), AEON_IO);
    CHECK_FAILS(ae_map_open(&m, "/dev/zero", &err), AEON_IO);
    const char *fifo = in_scratch("fifo");
    assert_int_equal(mkfifo(fifo, 0600), 0);
    CHECK_FAILS(ae_map_open(&m, fifo, &err), AEON_IO);
    ae_writer *w;
    CHECK_FAILS(ae_writer_open(&w, fifo, &err), AEON_IO); /* nor replaced by a file */
    CHECK_FAILS(ae_writer_open(&w, "/tmp", &err), AEON_IO);
    CHECK_FAILS(ae_writer_open(&w, "/nonexistent/folder/file", &err), AEON_NOT_FOUND);
}

static void lists_grow(void **state)
{
    (void)state;
    aeon_tokens list = {0};
    for (int i = 0; i < 1000; i++) CHECK_OK(aeon_tokens_push(&list, i, &err));
    assert_int_equal(list.n, 1000);
    assert_int_equal(list.ids[999], 999);
    aeon_tokens_release(&list);
    assert_null(list.ids);
    aeon_text text = {0};
    for (int i = 0; i < 1000; i++) CHECK_OK(aeon_text_append(&text, "ab", 2, &err));
    assert_int_equal(strlen(text.data), 2000);
    aeon_text_release(&text);
}

enum { N_ITEMS = 1003 };
typedef struct {
    unsigned char touched[N_ITEMS];
    int sums[8];
} pool_job;

static void touch_then_sum(void *arg, ae_member m)
{
    pool_job *job = arg;
    ae_range r = ae_split(N_ITEMS, 16, m);
    for (size_t i = r.begin; i < r.end; i++) job->touched[i]++;
    ae_pool_barrier(m);
    for (int i = 0; i < N_ITEMS; i++) job->sums[m.index] += job->touched[i];
}

static void pool_covers_every_item_once(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++) {
        ae_pool *pool;
        CHECK_OK(ae_pool_new(&pool, n, &err));
        for (int round = 0; round < 200; round++) {
            pool_job job = {0};
            ae_pool_run(pool, touch_then_sum, &job);
            for (int i = 0; i < n; i++) assert_int_equal(job.sums[i], N_ITEMS);
        }
        ae_pool_free(pool);
    }
    ae_pool *none = NULL;
    CHECK_FAILS(ae_pool_new(&none, 100000, &err), AEON_INVALID_ARGUMENT);
    CHECK_FAILS(ae_pool_new(&none, -1, &err), AEON_INVALID_ARGUMENT);
    assert_null(none);
    ae_pool_free(none);
}

typedef struct {
    unsigned char touched[2][N_ITEMS];
    int n_units;
} take_job;

/* Units of two rounds; some members dawdle, so that others run ahead and fall asleep. */
static void take_twice(void *arg, ae_member m)
{
    take_job *job = arg;
    for (int round = 0; round < 2; round++) {
        if (m.index == round) usleep(300);
        for (size_t u; ae_pool_take(m, (size_t)job->n_units, &u);) job->touched[round][u]++;
        ae_pool_barrier(m);
    }
}

static void units_are_taken_once_in_every_round(void **state)
{
    (void)state;
    for (int n = 1; n <= 5; n++) {
        ae_pool *pool;
        CHECK_OK(ae_pool_new(&pool, n, &err));
        for (int round = 0; round < 50; round++) {
            take_job job = {.n_units = round % 7 ? round * 20 : 0};
            ae_pool_run(pool, take_twice, &job);
            for (int i = 0; i < N_ITEMS; i++)
                for (int k = 0; k < 2; k++) assert_int_equal(job.touched[k][i], i < job.n_units);
        }
        ae_pool_free(pool);
    }
}

static void take_one(void *arg, ae_member m)
{
    size_t *first = arg;
    assert_true(ae_pool_take(m, N_ITEMS, &first[m.index]));
}

static void members_begin_with_their_own_units(void **state)
{
    (void)state;
    enum { N = 5 };
    ae_pool *pool;
    CHECK_OK(ae_pool_new(&pool, N, &err));
    size_t first[N];
    ae_pool_run(pool, take_one, first);
    for (int i = 0; i < N; i++)
        assert_int_equal(first[i], ae_split(N_ITEMS, 1, (ae_member){pool, i, N}).begin);
    ae_pool_free(pool);
}

static void split_is_fair_and_leaves_nothing_out(void **state)
{
    (void)state;
    const size_t aligns[] = {1, 16, 32};
    for (size_t n = 0; n < 300; n++)
        for (int a = 0; a < 3; a++)
            for (int members = 1; members <= 7; members++) {
                size_t end = 0, least = SIZE_MAX, most = 0;
                for (int i = 0; i < members; i++) {
                    ae_range r = ae_split(n, aligns[a], (ae_member){NULL, i, members});
                    assert_int_equal(r.begin, end);
                    size_t size = r.end - r.begin;
                    least = size < least ? size : least;
                    most = size > most ? size : most;
                    end = r.end;
                }
                assert_int_equal(end, n);
                assert_true(most - least <= aligns[a]);
            }
}

static void a_pool_that_cannot_be_born_leaves_nothing(void **state)
{
    (void)state;
    size_t before = aeon_memory_stats_get().current_bytes;
    for (uint64_t k = 1; k <= 4; k++) { /* the pool and one argument for each of three threads */
        ae_pool *pool = NULL;
        ae_mem_fail_at(k, false);
        CHECK_FAILS(ae_pool_new(&pool, 4, &err), AEON_OUT_OF_MEMORY);
        ae_mem_fail_at(0, false);
        assert_null(pool);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_counted_aligned_and_zeroed),
        cmocka_unit_test(memory_of_a_thread_is_what_its_work_left),
        cmocka_unit_test(the_system_tells_its_size),
        cmocka_unit_test(memory_cap_and_injected_failure),
        cmocka_unit_test(forbidden_allocations_are_broken_invariants),
        cmocka_unit_test(failed_growth_loses_nothing),
        cmocka_unit_test(cursor_fails_once_and_for_all),
        SCRATCH_TEST(writer_replaces_whole_files_only),
        SCRATCH_TEST(a_file_that_stays_open_is_refused),
        SCRATCH_TEST(writers_of_a_file_take_turns),
        SCRATCH_TEST(private_files_are_read_by_their_owner_alone),
        SCRATCH_TEST(only_regular_files_are_opened),
        cmocka_unit_test(lists_grow),
        cmocka_unit_test(pool_covers_every_item_once),
        cmocka_unit_test(units_are_taken_once_in_every_round),
        cmocka_unit_test(members_begin_with_their_own_units),
        cmocka_unit_test(split_is_fair_and_leaves_nothing_out),
        cmocka_unit_test(a_pool_that_cannot_be_born_leaves_nothing),
    };
    return cmocka_run_group_tests_name("base", tests, scratch_make, scratch_remove);
}
