/* scratch.h - a folder in /tmp that lives as long as a group of tests, empty before each. */
#ifndef AEON_TESTS_SCRATCH_H
#define AEON_TESTS_SCRATCH_H

#include "check.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static char scratch[] = "/tmp/aeon-format-XXXXXX";

/* A path in the folder; good until the call after the next. */
static inline const char *in_scratch(const char *name)
{
    static char path[2][512];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", scratch, name);
    return path[turn];
}

static inline void scratch_write(const char *name, const void *data, size_t n)
{
    FILE *f = fopen(in_scratch(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static inline int scratch_n_files(void)
{
    int n = 0;
    DIR *d = opendir(scratch);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static inline int scratch_make(void **state)
{
    (void)state;
    return mkdtemp(scratch) ? 0 : -1;
}

static inline int scratch_clear(void **state)
{
    (void)state;
    DIR *d = opendir(scratch);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        if (e->d_name[0] != '.') unlink(in_scratch(e->d_name));
    closedir(d);
    return 0;
}

static inline int scratch_remove(void **state)
{
    return scratch_clear(state) || rmdir(scratch);
}

#define SCRATCH_TEST(f) cmocka_unit_test_setup(f, scratch_clear)

#endif
