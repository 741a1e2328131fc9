/* json.h - parse JSON files of strangers within limits.
 *
 * Model:    jansson behind a scan that refuses what would cost too much: deep nesting (its parser
 *           recurses) and millions of values (each takes far more memory than its text).
 * Uses:     base/, jansson.      Threads: any.
 * Promises: (1) depth at most AE_JSON_MAX_DEPTH  (2) no key twice in an object
 * Example:  json_t *root;  TRY(ae_json_load(&root, path, err));  ... json_decref(root);
 */
#ifndef AE_TEXT_JSON_H
#define AE_TEXT_JSON_H

#include "base/status.h"

#include <jansson.h>

enum {
    AE_JSON_MAX_DEPTH = 64,
    AE_JSON_MAX_VALUES = 1 << 21, /* the largest vocabularies have 1.3 million */
    AE_JSON_MAX_BYTES = 64 << 20
};

/* The value in text[0..len). name stands in error texts, which tell the line; NULL: neither does,
 * the caller knows the place. The result is the caller's (json_decref). If an integer does not fit
 * in 64 bits, which Python writes without a thought, all numbers of the text become reals. Errors:
 * BAD_FORMAT, OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_json_value(json_t **out, const char *text, size_t len,
                                        const char *name, aeon_error *err);

/* The same where only an object will do. */
AEON_MUST_USE aeon_status ae_json_object(json_t **out, const char *text, size_t len,
                                         const char *name, aeon_error *err);

/* The same for a file of at most AE_JSON_MAX_BYTES. Errors: also NOT_FOUND, IO. */
AEON_MUST_USE aeon_status ae_json_load(json_t **out, const char *path, aeon_error *err);

/* A file of JSON lines. Begin with text and size set, and at past a byte order mark if there is
 * one; each call goes to the next line, false behind the last. */
typedef struct {
    const char *text;
    size_t size, at;
    const char *line; /* without its line break */
    size_t len;
    size_t number; /* of the line in the file, from 1 */
    bool is_blank; /* and says nothing */
} ae_json_lines;
bool ae_json_lines_next(ae_json_lines *l);

/* As json_equal, but 1 is 1.0. For values of limited depth. */
bool ae_json_same(const json_t *a, const json_t *b);

#endif
