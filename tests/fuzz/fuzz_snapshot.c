/* Any bytes as a saved session, locked or not: refused with a word, or every part can be read, with
 * memory in proportion to the file. Most inputs get the right hash of their header, or nothing
 * behind it would ever be reached. */
#include "fuzz.h"

#include "base/mem.h"
#include "format/snapshot.h"

#include <sodium.h>
#include <stdlib.h>

enum { HASHED = 192, HEADER = 224, PAGE_BYTES = 48, MAX_SAMPLE = 1024 };

static const char passphrase[] = "a passphrase";
static uint8_t samples[2][MAX_SAMPLE];
static size_t sizes[2]; /* of the samples: not locked, locked */

static const void *page_of(void *user, size_t i)
{
    (void)i;
    return user;
}

static size_t read_sample(const char *path, uint8_t *sample)
{
    FILE *f = fopen(path, "rb");
    AEON_ASSERT(f);
    size_t n = fread(sample, 1, MAX_SAMPLE, f);
    fclose(f);
    return n;
}

static void make_samples(void)
{
    static const int32_t ids[] = {1, 200019, 7};
    char folder[] = "/tmp/aeon-fuzz-XXXXXX", path[64], page[PAGE_BYTES] = "keys and values";
    const ae_snapshot_cost cheap = {1, 8192};
    ae_snapshot_lock *lock;
    ae_snapshot s = {.ids = ids, .n_ids = 3, .n_computed = 2, .n_pages = 2, .text = "{}"};
    s.text_len = 2;
    s.key.page_bytes = PAGE_BYTES;
    AEON_ASSERT(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/sample", folder);
    AEON_ASSERT(ae_snapshot_lock_new(&lock, passphrase, &cheap, NULL) == AEON_OK);
    for (int i = 0; i < 2; i++) {
        AEON_ASSERT(ae_snapshot_write(path, &s, page_of, page, i ? lock : NULL, NULL) == AEON_OK);
        sizes[i] = read_sample(path, samples[i]);
    }
    ae_snapshot_lock_free(lock);
    unlink(path);
    rmdir(folder);
}

/* Deriving a key may cost what a file says, within limits; here every execution costs little. */
static void make_cheap(uint8_t *data)
{
    const uint32_t n_passes = 1;
    const uint64_t memory_bytes = 8192;
    memcpy(data + 92, &n_passes, sizeof n_passes);
    memcpy(data + 136, &memory_bytes, sizeof memory_bytes);
}

/* As a stranger can who knows the format: the talk fits the header, whatever that says. */
static void tag_body(uint8_t *data, size_t size)
{
    uint64_t n_ids, text_bytes, part = 0;
    uint8_t key[32];
    memcpy(&n_ids, data + 104, sizeof n_ids);
    memcpy(&text_bytes, data + 128, sizeof text_bytes);
    if (n_ids > size || text_bytes > size || HEADER + 4 * n_ids + text_bytes + 16 > size) return;
    uint8_t *body = data + HEADER;
    size_t n = (size_t)(4 * n_ids + text_bytes);
    crypto_generichash(key, sizeof key, (uint8_t *)&part, sizeof part, data + HASHED, 32);
    crypto_onetimeauth(body + n, body, n, key);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    if (!sizes[0]) make_samples();
    int kind = (seed >> 10) % 2;
    size = fuzz_start(data, size, max_size, seed, (const char *)samples[kind], sizes[kind]);
    size = LLVMFuzzerMutate(data, size, max_size);
    if (size < HEADER || seed % 8 == 0) return size;
    if (data[12]) make_cheap(data);
    crypto_generichash(data + HASHED, 32, data, HASHED, NULL, 0);
    if (!data[12]) tag_body(data, size);
    return size;
}

static void use(const ae_snapshot_file *f, size_t size)
{
    const ae_snapshot *s = ae_snapshot_get(f);
    AEON_ASSERT(s->n_computed <= s->n_ids && s->n_ids * 4 + s->text_len < size);
    AEON_ASSERT(s->n_pages <= size && s->key.page_bytes * s->n_pages < size);
    unsigned sum = (unsigned)s->text[s->text_len];
    for (size_t i = 0; i < s->n_ids; i++) sum += (unsigned)s->ids[i];
    for (size_t i = 0; i < s->text_len; i++) sum += (unsigned char)s->text[i];
    uint8_t *page = s->n_pages ? malloc((size_t)s->key.page_bytes) : NULL;
    for (size_t i = 0; page && i < s->n_pages; i++) {
        aeon_error err = {0};
        aeon_status status = ae_snapshot_read_page(f, i, page, &err);
        AEON_ASSERT(status == AEON_OK || (status == AEON_BAD_FORMAT && err.text[0] != 0));
        for (size_t k = 0; k < s->key.page_bytes; k++) sum += page[k];
    }
    free(page);
    fuzz_sink = sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aeon_error err = {0};
    ae_snapshot_file *f;
    bool is_locked = size > 12 && data[12];
    const char *path = fuzz_file(data, size);
    if (ae_snapshot_open(&f, path, is_locked ? passphrase : NULL, &err) == AEON_OK) {
        AEON_ASSERT(aeon_memory_stats_get().current_bytes < size + 4096);
        use(f, size);
        ae_snapshot_close(f);
    } else {
        AEON_ASSERT(err.code != AEON_OK && err.text[0] != 0);
    }
    AEON_ASSERT(aeon_memory_stats_get().current_bytes == 0);
    return 0;
}
