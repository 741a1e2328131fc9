/* snapshot_sample.h - a small session, saved and read back; a lock that costs next to nothing. */
#ifndef AEON_TESTS_SNAPSHOT_SAMPLE_H
#define AEON_TESTS_SNAPSHOT_SAMPLE_H

#include "base/mem.h"
#include "check.h"
#include "format/snapshot.h"
#include "unit/format/scratch.h"

#include <sodium.h>
#include <string.h>

enum { N_IDS = 7, N_PAGES = 4, PAGE_BYTES = 64, TAG = 16, HEADER = 224, HASHED = 192 };
enum { CHANGED_BYTES = 2048 };

static aeon_error err;
static char path[64], path2[64];
static const char words[] = "correct horse";
static const ae_snapshot_cost cheap = {1, 8192};
static const char text[] = "{\"turns\": [\"gr\xc3\xbc\xc3\x9f dich\"]}";
static const int32_t ids[N_IDS] = {0, 200063, INT32_MAX, 1, 65536, INT32_MIN, 7};
static uint8_t pages[N_PAGES][PAGE_BYTES], pages2[N_PAGES][PAGE_BYTES];
static ae_snapshot_lock *lock;

static inline ae_snapshot sample(void)
{
    ae_snapshot s = {.key = {.rope_set = 1, .kv_type = 30, .page_tokens = 2},
                     .ids = ids,
                     .n_ids = N_IDS,
                     .n_computed = N_IDS - 1,
                     .n_pages = N_PAGES,
                     .text = text,
                     .text_len = sizeof text - 1};
    s.key.page_bytes = PAGE_BYTES;
    memset(s.key.model, 0xA5, sizeof s.key.model);
    return s;
}

static inline int prepare(void **state)
{
    uint64_t seed = 7;
    if (scratch_make(state) != 0 || sodium_init() < 0) return -1;
    snprintf(path, sizeof path, "%s/a.session", scratch);
    snprintf(path2, sizeof path2, "%s/b.session", scratch);
    for (int i = 0; i < N_PAGES; i++)
        for (int k = 0; k < PAGE_BYTES; k++) {
            pages[i][k] = (uint8_t)(check_random(&seed) >> 32);
            pages2[i][k] = (uint8_t)(check_random(&seed) >> 32);
        }
    return ae_snapshot_lock_new(&lock, words, &cheap, NULL) == AEON_OK ? 0 : -1;
}

static inline int clean_up(void **state)
{
    ae_snapshot_lock_free(lock);
    return scratch_remove(state) || aeon_memory_stats_get().current_bytes != 0;
}

static inline const void *page_of(void *user, size_t i)
{
    return (const uint8_t *)user + i * PAGE_BYTES;
}

static inline void save(const char *to, const ae_snapshot *s, void *from,
                        const ae_snapshot_lock *with)
{
    CHECK_OK(ae_snapshot_write(to, s, page_of, from, with, &err));
}

/* The bytes of a file; the number of them. */
static inline size_t load_bytes(const char *from, uint8_t *bytes, size_t max_bytes)
{
    FILE *f = fopen(from, "rb");
    assert_non_null(f);
    size_t n = fread(bytes, 1, max_bytes, f);
    assert_true(n < max_bytes);
    fclose(f);
    return n;
}

static inline void equal_snapshots(const ae_snapshot *a, const ae_snapshot *b)
{
    assert_null(ae_snapshot_differs(&a->key, &b->key));
    assert_int_equal(a->n_ids, b->n_ids);
    assert_int_equal(a->n_computed, b->n_computed);
    assert_int_equal(a->n_pages, b->n_pages);
    assert_int_equal(a->text_len, b->text_len);
    if (b->n_ids) assert_memory_equal(a->ids, b->ids, b->n_ids * sizeof *b->ids);
    if (b->text_len) assert_memory_equal(a->text, b->text, b->text_len);
}

static inline void comes_back(const ae_snapshot *s, uint8_t (*from)[PAGE_BYTES],
                              const char *passphrase)
{
    ae_snapshot_file *f = NULL;
    CHECK_OK(ae_snapshot_open(&f, path, passphrase, &err));
    const ae_snapshot *found = ae_snapshot_get(f);
    equal_snapshots(found, s);
    assert_int_equal(found->text[found->text_len], 0);
    for (size_t i = 0; i < found->n_pages; i++) {
        uint8_t page[PAGE_BYTES];
        CHECK_OK(ae_snapshot_read_page(f, i, page, &err));
        assert_memory_equal(page, from[i], PAGE_BYTES);
    }
    ae_snapshot_close(f);
}

/* A good file of each kind and its bytes. */
static inline size_t good_bytes(uint8_t *bytes, bool is_locked)
{
    ae_snapshot s = sample();
    save(path, &s, pages, is_locked ? lock : NULL);
    size_t n = load_bytes(path, bytes, CHANGED_BYTES);
    assert_int_equal(n, HEADER + N_IDS * 4 + sizeof text - 1 + TAG + N_PAGES * (PAGE_BYTES + TAG));
    return n;
}

#endif
