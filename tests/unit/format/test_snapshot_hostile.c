/* format/snapshot: whatever happened to a file, nothing wrong is read from it. */
#include "unit/format/snapshot_sample.h"

#include <fcntl.h>

/* The file at path2. Not emptied first: some file systems then wait for the disk each time. */
static void store_bytes(const uint8_t *bytes, size_t n)
{
    int fd = open(path2, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, n, 0), n);
    assert_int_equal(ftruncate(fd, (off_t)n), 0);
    close(fd);
}

/* ---- corruption ------------------------------------------------------------------------------ */

/* The file at path2 is not what was saved: opening fails, or a page does; what is read is right. */
static void refused(const char *passphrase, bool may_be_forged)
{
    ae_snapshot s = sample();
    ae_snapshot_file *f = NULL;
    size_t n_bad = 0, before = aeon_memory_stats_get().current_bytes;
    err.text[0] = 0;
    aeon_status status = ae_snapshot_open(&f, path2, passphrase, &err);
    if (status != AEON_OK) {
        bool is_clear =
            status == AEON_BAD_FORMAT || status == AEON_UNSUPPORTED ||
            (may_be_forged && (status == AEON_MISMATCH || status == AEON_INVALID_ARGUMENT));
        if (!is_clear || !strstr(err.text, path2)) fail_msg("status %d: %s", status, err.text);
        assert_null(f);
        n_bad = 1;
    } else {
        equal_snapshots(ae_snapshot_get(f), &s);
    }
    for (size_t i = 0; f && i < N_PAGES; i++) {
        static const uint8_t zeros[PAGE_BYTES];
        uint8_t page[PAGE_BYTES];
        status = ae_snapshot_read_page(f, i, page, &err);
        assert_true(status == AEON_OK || status == AEON_BAD_FORMAT);
        assert_memory_equal(page, status == AEON_OK ? pages[i] : zeros, PAGE_BYTES);
        n_bad += status != AEON_OK;
    }
    ae_snapshot_close(f);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    assert_true(n_bad > 0);
}

static void every_bit_counts(void **state)
{
    (void)state;
    uint8_t bytes[CHANGED_BYTES];
    for (int is_locked = 0; is_locked < 2; is_locked++) {
        size_t n = good_bytes(bytes, is_locked);
        for (size_t i = 0; i < 8 * n; i++) {
            bytes[i / 8] ^= (uint8_t)(1 << i % 8);
            store_bytes(bytes, n);
            refused(is_locked ? words : NULL, false);
            bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        }
    }
}

static void no_length_but_its_own(void **state)
{
    (void)state;
    uint8_t bytes[CHANGED_BYTES] = {0};
    for (int is_locked = 0; is_locked < 2; is_locked++) {
        size_t n = good_bytes(bytes, is_locked);
        for (size_t len = 0; len < n + 3 * (PAGE_BYTES + TAG); len++) {
            if (len == n) continue;
            store_bytes(bytes, len);
            refused(is_locked ? words : NULL, false);
        }
    }
}

/* What can be done to the good bytes a, with those of another session b. The new length. */
static size_t corrupt(uint8_t *a, const uint8_t *b, size_t n, uint64_t *seed, bool is_locked)
{
    enum { PART = PAGE_BYTES + TAG };
    size_t first = n - N_PAGES * PART, at = check_random(seed) % n,
           len = 1 + check_random(seed) % (n - at), from = check_random(seed) % (n - len + 1);
    uint8_t *page1 = a + first + check_random(seed) % N_PAGES * PART,
            *page2 = a + first + check_random(seed) % N_PAGES * PART, page[PART];
    size_t moved = check_random(seed) % 2 ? PART : PAGE_BYTES; /* with its tag or without */
    switch (check_random(seed) % 10) {
    case 0: /* a few bytes */
        for (int i = (int)(check_random(seed) % 8); i >= 0; i--)
            a[check_random(seed) % n] = (uint8_t)(check_random(seed) >> 40);
        break;
    case 1: /* swapped pages */
        memcpy(page, page1, moved);
        memcpy(page1, page2, moved);
        memcpy(page2, page, moved);
        break;
    case 2: memcpy(page1, page2, moved); break;                    /* a page twice */
    case 3: memcpy(page1, b + (page1 - a), moved); break;          /* a page of the other */
    case 4: memcpy(a, b, HEADER); break;                           /* the header of the other */
    case 5: memcpy(a + HEADER, b + HEADER, first - HEADER); break; /* the talk of the other */
    case 6: memset(a + at, 0, len); break;
    case 7: memmove(a + at, a + from, len); break;
    case 8: return at;
    default: /* another header under a right hash */
        at = check_random(seed) % HASHED;
        if (is_locked && ((at >= 92 && at < 96) || (at >= 136 && at < 144))) at = 0; /* cost */
        a[at] = (uint8_t)(check_random(seed) >> 40);
        crypto_generichash(a + HASHED, 32, a, HASHED, NULL, 0);
    }
    return n;
}

static void ten_thousand_corruptions_are_refused(void **state)
{
    (void)state;
    uint8_t good[CHANGED_BYTES], other[CHANGED_BYTES], bad[CHANGED_BYTES];
    uint64_t seed = 4711;
    for (int is_locked = 0; is_locked < 2; is_locked++) {
        const char *passphrase = is_locked ? words : NULL;
        ae_snapshot s = sample();
        int32_t other_ids[N_IDS] = {9, 8, 7, 6, 5, 4, 3};
        s.ids = other_ids;
        save(path, &s, pages2, is_locked ? lock : NULL);
        size_t n = load_bytes(path, other, sizeof other);
        assert_int_equal(good_bytes(good, is_locked), n);
        for (int i = 0; i < 5000;) {
            memcpy(bad, good, n);
            size_t len = corrupt(bad, other, n, &seed, is_locked);
            if (len == n && memcmp(bad, good, n) == 0) continue;
            store_bytes(bad, len);
            refused(passphrase, true);
            i++;
        }
        s = sample();
        comes_back(&s, pages, passphrase);
    }
}

/* ---- headers that lie under a right hash ----------------------------------------------------- */

static void claim(const uint8_t *good, size_t n, size_t offset, uint64_t value, size_t size,
                  const char *passphrase, const char *says)
{
    uint8_t bytes[CHANGED_BYTES];
    ae_snapshot_file *f = NULL;
    memcpy(bytes, good, n);
    memcpy(bytes + offset, &value, size);
    crypto_generichash(bytes + HASHED, 32, bytes, HASHED, NULL, 0);
    store_bytes(bytes, n);
    aeon_memory_set_cap(aeon_memory_stats_get().current_bytes + 4096);
    aeon_status status = ae_snapshot_open(&f, path2, passphrase, &err);
    aeon_memory_set_cap(0);
    if (status == AEON_OK || !strstr(err.text, says))
        fail_msg("offset %zu: status %d: %s", offset, status, err.text);
}

static void numbers_that_lie_are_refused(void **state)
{
    (void)state;
    uint8_t good[CHANGED_BYTES];
    size_t n = good_bytes(good, false);
    const uint64_t lies[] = {UINT64_MAX,      1ull << 63, 1ull << 62, 1ull << 60,
                             UINT64_MAX - 15, INT64_MAX,  1ull << 32, N_IDS + 1};
    for (size_t offset = 96; offset < 136; offset += 8)
        for (size_t i = 0; i < AE_COUNT(lies); i++)
            if (offset != 112 || lies[i] > N_IDS) claim(good, n, offset, lies[i], 8, NULL, path2);
    /* Products and sums that come back to the right length when they wrap. */
    claim(good, n, 104, (1ull << 62) + N_IDS, 8, NULL, "no sense");
    claim(good, n, 120, (1ull << 60) + N_PAGES, 8, NULL, "no sense");
    claim(good, n, 96, 0, 8, NULL, "no sense");
    claim(good, n, 112, N_IDS + 1, 8, NULL, "no sense");
    claim(good, n, 12, 1, 4, words, "no sense");
    claim(good, n, 12, 2, 4, words, "no sense");
    claim(good, n, 92, 1, 4, NULL, "no sense");
    claim(good, n, 136, 1, 8, NULL, "no sense");
    claim(good, n, 144, 1, 8, NULL, "no sense");
    claim(good, n, 184, 1, 8, NULL, "no sense");
    claim(good, n, 8, 3, 4, NULL, "version 3");
    claim(good, n, 8, 1, 4, NULL, "version 1");
    claim(good, n, 0, 0, 4, NULL, "not a saved session");
    n = good_bytes(good, true);
    const uint64_t costs[] = {0, 1ull << 32, 1ull << 40, UINT64_MAX};
    for (size_t i = 0; i < AE_COUNT(costs); i++)
        claim(good, n, 136, costs[i], 8, words, "no sense");
    claim(good, n, 92, 0, 4, words, "no sense");
    claim(good, n, 92, UINT32_MAX, 4, words, "no sense");
    claim(good, n, 12, 0, 4, NULL, "no sense");
    claim(good, n, 12, 2, 4, words, "no sense");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(every_bit_counts),
        SCRATCH_TEST(no_length_but_its_own),
        SCRATCH_TEST(ten_thousand_corruptions_are_refused),
        SCRATCH_TEST(numbers_that_lie_are_refused),
    };
    return cmocka_run_group_tests_name("snapshot_hostile", tests, prepare, clean_up);
}
