/* base.h - what every public function of AEON shares: status, error text, progress, memory.
 *
 * Model:    A function that can fail returns aeon_status and takes an aeon_error last. Results go
 *           through out-parameters, which are untouched on failure.
 * Threads:  An aeon_error belongs to its caller; any thread may call everything else here.
 * Example:  aeon_error err;
 *           if (aeon_model_open(&model, "builtin", NULL, &err) != AEON_OK) fputs(err.text, stderr);
 */
#ifndef AEON_BASE_H
#define AEON_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AEON_VERSION_MAJOR 0
#define AEON_VERSION_MINOR 1
#define AEON_VERSION_PATCH 0

#define AEON_API      __attribute__((visibility("default")))
#define AEON_MUST_USE __attribute__((warn_unused_result))

/* Every status with the words a person sees. 0 is success, errors are negative. */
#define AEON_STATUS_LIST(X)                                                                        \
    X(OK, 0, "done")                                                                               \
    X(INVALID_ARGUMENT, -1, "invalid argument")                                                    \
    X(OUT_OF_MEMORY, -2, "out of memory")                                                          \
    X(IO, -3, "input/output error")                                                                \
    X(NOT_FOUND, -4, "not found")                                                                  \
    X(BAD_FORMAT, -5, "malformed file")                                                            \
    X(UNSUPPORTED, -6, "not supported")                                                            \
    X(CONTEXT_FULL, -7, "context full")                                                            \
    X(CANCELLED, -8, "cancelled")                                                                  \
    X(MISMATCH, -9, "parts that do not belong together")                                           \
    X(INTERNAL, -10, "internal error")

typedef enum {
#define X(name, value, text) AEON_##name = value,
    AEON_STATUS_LIST(X)
#undef X
} aeon_status;

/* The words of a status ("out of memory"). Static storage, never NULL. */
AEON_API const char *aeon_status_text(aeon_status status);

/* What went wrong, where, and what to do, in one line for a person. Filled on failure only. */
typedef struct {
    aeon_status code;
    char text[512];
} aeon_error;

/* The library's version, "0.1.0". Static storage. */
AEON_API const char *aeon_version(void);

/* Reports long work. what: a short phrase ("loading"); fraction: 0..1. Return false to cancel: the
 * call that reports then ends with AEON_CANCELLED and leaves nothing half done. */
typedef bool (*aeon_progress_fn)(void *user, const char *what, double fraction);

/* Bytes the library holds now, and the most it has held. Memory-mapped files are not counted. */
typedef struct {
    size_t current_bytes;
    size_t peak_bytes;
} aeon_memory_stats;
AEON_API aeon_memory_stats aeon_memory_stats_get(void);

/* The most bytes the library may hold; 0: no limit (the start). What would pass it fails with
 * OUT_OF_MEMORY. plan.h says which number keeps a process within a budget. */
AEON_API void aeon_memory_set_cap(size_t cap_bytes);

/* A growing list of token ids. Start from {0}; release frees the storage and makes it {0} again. */
typedef struct {
    int32_t *ids;
    size_t n, cap;
} aeon_tokens;
AEON_API AEON_MUST_USE aeon_status aeon_tokens_push(aeon_tokens *list, int32_t id, aeon_error *err);
AEON_API AEON_MUST_USE aeon_status aeon_tokens_append(aeon_tokens *list, const int32_t *ids,
                                                      size_t n, aeon_error *err);
AEON_API void aeon_tokens_release(aeon_tokens *list);

/* A growing text, always followed by a 0 byte that len does not count. Start from {0}. The bytes
 * need not be UTF-8. release frees the storage and makes it {0} again. */
typedef struct {
    char *data;
    size_t len, cap;
} aeon_text;
AEON_API AEON_MUST_USE aeon_status aeon_text_append(aeon_text *text, const char *bytes, size_t len,
                                                    aeon_error *err);
AEON_API void aeon_text_release(aeon_text *text);

#ifdef __cplusplus
}
#endif
#endif
