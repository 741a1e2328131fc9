/* same_files.h - do two files hold the same bytes? */
#ifndef AEON_TESTS_SAME_FILES_H
#define AEON_TESTS_SAME_FILES_H

#include "base/file.h"
#include "check.h"

#include <string.h>

static inline bool files_are_equal(const char *a, const char *b)
{
    aeon_error err;
    ae_map ma, mb;
    CHECK_OK(ae_map_open(&ma, a, &err));
    CHECK_OK(ae_map_open(&mb, b, &err));
    bool equal = ma.size == mb.size && memcmp(ma.data, mb.data, ma.size) == 0;
    ae_map_close(&ma);
    ae_map_close(&mb);
    return equal;
}

#endif
