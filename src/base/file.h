/* file.h - the system's files: map one to read, replace one safely, read a small one whole.
 *
 * Model:    A map is a read-only view of a whole file. A writer writes NAME.aeon-tmp beside the
 *           target and renames it at commit: the target is the old file or the whole new one. What
 *           a killed process left behind is taken over by the next writer of the same target.
 * Threads:  A map is immutable; a writer belongs to one thread.
 * Example:  TRY(ae_map_open(&map, path, err)); ... ae_map_close(&map);
 */
#ifndef AE_BASE_FILE_H
#define AE_BASE_FILE_H

#include "base/status.h"

/* ---- mapping ---- */

typedef struct {
    const unsigned char *data; /* NULL when the file is empty */
    size_t size;
} ae_map;

/* Map a regular file read-only. Errors: NOT_FOUND, IO; anything that is not a regular file is
 * refused. Close accepts a zeroed map. */
AEON_MUST_USE aeon_status ae_map_open(ae_map *out, const char *path, aeon_error *err);
void ae_map_close(ae_map *m);

/* size > 0 zero bytes that belong to no file, for the caller to fill. Errors: OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_map_new(ae_map *out, size_t size, aeon_error *err);

/* The kernel may drop the pages of data[0..size) from memory; they can be read again later, as
 * zeros where they belong to no file. */
void ae_map_forget(const void *data, size_t size);

/* ---- safe replacement ---- */

typedef struct ae_writer ae_writer;

/* Waits up to two seconds while another writer of the same target is open. Errors: NOT_FOUND (no
 * such folder), IO; a target that is there and no regular file is refused. */
AEON_MUST_USE aeon_status ae_writer_open(ae_writer **out, const char *path, aeon_error *err);
/* The same for what is nobody else's business: mode 0600, whatever the old file had. */
AEON_MUST_USE aeon_status ae_writer_open_private(ae_writer **out, const char *path,
                                                 aeon_error *err);
/* Buffered. After a failure every later call fails too. */
AEON_MUST_USE aeon_status ae_writer_put(ae_writer *w, const void *data, size_t size,
                                        aeon_error *err);
/* Bytes put so far. */
uint64_t ae_writer_pos(const ae_writer *w);
/* Flush, fsync, rename over the target, fsync the folder. Frees w, also on failure. */
AEON_MUST_USE aeon_status ae_writer_commit(ae_writer *w, aeon_error *err);
/* Remove what was written and free w. Accepts NULL. */
void ae_writer_abort(ae_writer *w);

/* ---- small helpers ---- */

/* A whole file of at most max_bytes, appended to out. "-" is standard input. */
AEON_MUST_USE aeon_status ae_file_read(const char *path, size_t max_bytes, aeon_text *out,
                                       aeon_error *err);
bool ae_file_is_folder(const char *path);
bool ae_file_exists(const char *path);
/* Are both there, and one and the same, through links as well? */
bool ae_file_is_same(const char *a, const char *b);

/* "folder/name" in out[size]; false if it does not fit. */
bool ae_path_join(char *out, size_t size, const char *folder, const char *name);
/* The part after the last '/'. Borrowed from path. */
const char *ae_path_base(const char *path);

/* Seconds on a clock that never goes back. */
double ae_clock_s(void);

#endif
