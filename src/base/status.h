/* status.h - report a failure once, pass it up with TRY.
 *
 * Model:    The function that meets the failure fills the error; callers only pass the code on.
 * Example:  if (n > limit) return ae_fail(err, AEON_BAD_FORMAT, "%s: %zu rows, at most %zu", ...);
 *           TRY(ae_gguf_open(&g, path, err));
 */
#ifndef AE_BASE_STATUS_H
#define AE_BASE_STATUS_H

#include "aeon/base.h"

/* Fill err (may be NULL) with a printf text and return code. */
__attribute__((format(printf, 3, 4))) aeon_status ae_fail(aeon_error *err, aeon_status code,
                                                          const char *format, ...);

/* AEON_OUT_OF_MEMORY with the size that was wanted and what for. */
aeon_status ae_fail_memory(aeon_error *err, size_t size_bytes, const char *what);

/* The first bytes of a text with everything unprintable replaced, for error messages:
 * ae_show(key.data, key.len).text */
typedef struct {
    char text[72];
} ae_shown;
ae_shown ae_show(const char *data, size_t len);

/* Return from the calling function with any status that is not AEON_OK. */
#define TRY(expression)                                                                            \
    do {                                                                                           \
        aeon_status try_status_ = (expression);                                                    \
        if (try_status_ != AEON_OK) return try_status_;                                            \
    } while (0)

/* A broken invariant of our own, never bad input. Kept in release builds. */
#define AEON_ASSERT(condition)                                                                     \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0)) ae_assert_failed(#condition, __FILE__, __LINE__);   \
    } while (0)
__attribute__((noreturn)) void ae_assert_failed(const char *condition, const char *file, int line);

#define AE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
