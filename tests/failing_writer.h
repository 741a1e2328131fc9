/* failing_writer.h - a call that writes a file, stopped halfway and short of memory: it leaves
 * neither a part of the file nor memory behind. */
#ifndef AEON_TESTS_FAILING_WRITER_H
#define AEON_TESTS_FAILING_WRITER_H

#include "base/mem.h"
#include "unit/format/scratch.h"

#include <string.h>

/* Writes one more file into the folder of scratch.h. */
typedef aeon_status (*write_fn)(aeon_progress_fn progress, void *user, aeon_error *err);

typedef struct {
    const char *task; /* as progress is to name it */
    double last;      /* fraction that was told */
} told_progress;

static inline bool stop_halfway(void *user, const char *task, double fraction)
{
    told_progress *told = user;
    assert_string_equal(task, told->task);
    assert_true(fraction >= told->last && fraction <= 1);
    told->last = fraction;
    return fraction < 0.5;
}

static inline void check_cancelled(write_fn write, const char *task)
{
    aeon_error err;
    told_progress told = {.task = task};
    size_t before = aeon_memory_stats_get().current_bytes;
    int n_files = scratch_n_files();
    CHECK_FAILS(write(stop_halfway, &told, &err), AEON_CANCELLED);
    assert_non_null(strstr(err.text, "cancelled"));
    assert_true(told.last >= 0.5 && told.last < 1);
    assert_int_equal(scratch_n_files(), n_files);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

/* One allocation after the other fails, until all succeed. */
static inline void check_short_of_memory(write_fn write)
{
    aeon_error err;
    size_t before = aeon_memory_stats_get().current_bytes;
    int n_files = scratch_n_files();
    aeon_status status = AEON_OUT_OF_MEMORY;
    uint64_t k = 1;
    for (; status != AEON_OK; k++) {
        ae_mem_fail_at(k, false);
        status = write(NULL, NULL, &err);
        ae_mem_fail_at(0, false);
        assert_true(status == AEON_OK || status == AEON_OUT_OF_MEMORY);
        assert_int_equal(scratch_n_files(), n_files + (status == AEON_OK));
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
    assert_true(k > 20);
}

#endif
