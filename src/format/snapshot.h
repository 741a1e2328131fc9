/* snapshot.h - a session on disk: its tokens, its keys and values, and a text of the caller's.
 *
 * Model:    A file is a header, a body (token ids, text) and pages of keys and values, all of one
 *           size. Body and pages are parts: each has a tag behind it that depends on the header, on
 *           the number of the part and on every byte of it. A file may be locked with a passphrase;
 *           it has the same layout, with body and pages encrypted.
 * Uses:     base/, libsodium.
 * Threads:  A file is immutable after open; any threads may read pages at once. A lock may be used
 *           by any number of writers at once.
 * Promises: (1) no byte of a file can be changed, cut, added, or taken from another file unnoticed:
 *           opening, or reading the page, fails  (2) nothing is allocated by a number from the file
 *           before the file is seen to hold that much  (3) the old file or the whole new one is
 *           there, with mode 0600, and nothing beside it  (4) keys are wiped, a passphrase is never
 *           kept  (5) with the passphrase of a locked file unknown, what it shows is its header
 * Example:  TRY(ae_snapshot_write(path, &s, page_of, session, NULL, err));
 *           TRY(ae_snapshot_open(&f, path, NULL, err));
 *           why = ae_snapshot_differs(&ae_snapshot_get(f)->key, &key_here);
 *           for (i = 0; i < n_pages; i++) TRY(ae_snapshot_read_page(f, i, pages[i], err));
 *           ae_snapshot_close(f);
 *
 * Layout, every number little-endian:
 *
 *   offset  size  field
 *        0     8  magic "AEONSNAP"
 *        8     4  version, 2 (1 had another layout of pages)
 *       12     4  is_locked: 0 or 1
 *       16    32  fingerprint of the model
 *       48    32  fingerprint of the adapter, zeros for none
 *       80     4  set of rope factors
 *       84     4  type of keys and values
 *       88     4  tokens of a page
 *       92     4  n_passes of Argon2id            (0 if not locked)
 *       96     8  page_bytes
 *      104     8  n_ids
 *      112     8  n_computed, at most n_ids
 *      120     8  n_pages
 *      128     8  text_bytes
 *      136     8  memory_bytes of Argon2id        (0 if not locked)
 *      144    16  salt of Argon2id                (0 if not locked)
 *      160    16  id of the file, random
 *      176    16  check of the passphrase         (0 if not locked)
 *      192    32  BLAKE2b-256 of bytes 0..192
 *      224        body: n_ids ids of 4 bytes, text, tag of 16 bytes
 *                 n_pages x { page_bytes bytes, tag of 16 bytes }
 *
 * Parts are numbered: 0 is the body, 1 + i is page i. The tag of a part is
 *   not locked: Poly1305 under the key BLAKE2b-256(number as 8 bytes, keyed by the header's hash)
 *   locked:     XChaCha20-Poly1305 (IETF) under the file's key; nonce: id of the file, number as 8
 *               bytes; additional data: the header
 * where file's key (32 bytes) and check (16) are BLAKE2b-384(bytes 0..176, keyed by the Argon2id
 * hash of the passphrase). Poly1305 because resuming waits for it: one core copies and checks more
 * than 3 GB/s, with BLAKE2b 0.7 GB/s. Its key depends on the random id, so that whatever happens to
 * a page of 4 MiB goes unnoticed with a chance below 2^-84.
 */
#ifndef AE_FORMAT_SNAPSHOT_H
#define AE_FORMAT_SNAPSHOT_H

#include "base/status.h"

/* What keys and values depend on besides the tokens. */
typedef struct {
    uint8_t model[32], adapter[32]; /* fingerprints; the adapter's is zeros for none */
    uint32_t rope_set, kv_type, page_tokens;
    uint64_t page_bytes;
} ae_snapshot_key;

/* The first thing that differs, as the end of "this snapshot was made with ..."; NULL if nothing
 * does. Static storage. */
const char *ae_snapshot_differs(const ae_snapshot_key *a, const ae_snapshot_key *b);

typedef struct {
    ae_snapshot_key key;
    const int32_t *ids; /* [n_ids], the whole timeline */
    size_t n_ids;
    size_t n_computed; /* keys and values stand for this many of them; at most n_ids */
    size_t n_pages;    /* each of key.page_bytes */
    const char *text;  /* [text_len]; a 0 follows when read, and need not when written */
    size_t text_len;
} ae_snapshot;

/* ---- locks ----------------------------------------------------------------------------------- */

/* A passphrase as a key. Making one takes about a second of work, on purpose; saving with it again
 * and again does not. */
typedef struct ae_snapshot_lock ae_snapshot_lock;

/* What guessing one passphrase costs: passes over so much memory. */
typedef struct {
    uint32_t n_passes;
    uint64_t memory_bytes;
} ae_snapshot_cost;

/* cost NULL: 3 passes over 256 MiB, which is also the most. The memory is needed during this call
 * alone, and counted. Errors: INVALID_ARGUMENT (an empty passphrase), OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_snapshot_lock_new(ae_snapshot_lock **out, const char *passphrase,
                                               const ae_snapshot_cost *cost, aeon_error *err);
/* Wipes it. Accepts NULL. */
void ae_snapshot_lock_free(ae_snapshot_lock *lock);

/* ---- writing --------------------------------------------------------------------------------- */

/* The block of page i, key.page_bytes bytes, good until the next call. Never NULL. */
typedef const void *(*ae_snapshot_page_fn)(void *user, size_t i_page);

/* Replace the file at path. page may be NULL if there are no pages. lock NULL: not locked.
 * Errors: NOT_FOUND (no such folder), IO, OUT_OF_MEMORY (a locked page is copied); an old file is
 * then untouched. */
AEON_MUST_USE aeon_status ae_snapshot_write(const char *path, const ae_snapshot *s,
                                            ae_snapshot_page_fn page, void *user,
                                            const ae_snapshot_lock *lock, aeon_error *err);

/* ---- reading --------------------------------------------------------------------------------- */

typedef struct ae_snapshot_file ae_snapshot_file;

/* Map a file and check all but its pages. passphrase NULL or "": none. Errors:
 *   NOT_FOUND, IO
 *   BAD_FORMAT        no snapshot, or damaged
 *   UNSUPPORTED       of another version
 *   INVALID_ARGUMENT  locked and there is no passphrase, or the other way round
 *   MISMATCH          not the passphrase
 *   OUT_OF_MEMORY */
AEON_MUST_USE aeon_status ae_snapshot_open(ae_snapshot_file **out, const char *path,
                                           const char *passphrase, aeon_error *err);
/* Wipes what was locked. Accepts NULL. */
void ae_snapshot_close(ae_snapshot_file *f);

/* Borrowed from f. The ids are those that were written: whether a vocabulary has them is for the
 * caller to check, as is the key. */
const ae_snapshot *ae_snapshot_get(const ae_snapshot_file *f);

/* Copy page i < n_pages to `to`, key.page_bytes bytes, check it, and decrypt it. What is checked is
 * the copy. Errors: BAD_FORMAT; `to` is then all zeros. */
AEON_MUST_USE aeon_status ae_snapshot_read_page(const ae_snapshot_file *f, size_t i, void *to,
                                                aeon_error *err);

/* The lock that the passphrase opened, to save again without the work; NULL if f is not locked or
 * it was taken before. The caller frees it. */
ae_snapshot_lock *ae_snapshot_take_lock(ae_snapshot_file *f);

#endif
