#include "format/snapshot.h"

#include "base/cursor.h"
#include "base/file.h"
#include "base/mem.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

enum { VERSION = 2, TAG_BYTES = 16, KEY_BYTES = 32, CHECK_BYTES = 16, BODY = 0 };

/* The table in snapshot.h. */
typedef struct {
    char magic[8];
    uint32_t version, is_locked;
    uint8_t model[32], adapter[32];
    uint32_t rope_set, kv_type, page_tokens, n_passes;
    uint64_t page_bytes, n_ids, n_computed, n_pages, text_bytes, memory_bytes;
    uint8_t salt[16], id[16], check[CHECK_BYTES], hash[32];
} header;

#define AT(field, offset, size)                                                                    \
    _Static_assert(offsetof(header, field) == (offset) && sizeof((header *)0)->field == (size),    \
                   #field " has its place in the file")
AT(magic, 0, 8);
AT(version, 8, 4);
AT(is_locked, 12, 4);
AT(model, 16, 32);
AT(adapter, 48, 32);
AT(rope_set, 80, 4);
AT(kv_type, 84, 4);
AT(page_tokens, 88, 4);
AT(n_passes, 92, 4);
AT(page_bytes, 96, 8);
AT(n_ids, 104, 8);
AT(n_computed, 112, 8);
AT(n_pages, 120, 8);
AT(text_bytes, 128, 8);
AT(memory_bytes, 136, 8);
AT(salt, 144, crypto_pwhash_SALTBYTES);
AT(id, 160, crypto_aead_xchacha20poly1305_ietf_NPUBBYTES - 8);
AT(check, 176, 16);
AT(hash, 192, 32);
_Static_assert(sizeof(header) == 224, "the header has no gaps");
_Static_assert(KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES &&
                   KEY_BYTES == crypto_onetimeauth_KEYBYTES,
               "one size of keys");
_Static_assert(TAG_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES &&
                   TAG_BYTES == crypto_onetimeauth_BYTES,
               "one size of tags");

static const char magic[8] = {'A', 'E', 'O', 'N', 'S', 'N', 'A', 'P'};

static aeon_status start_libsodium(aeon_error *err)
{
    if (sodium_init() < 0) return ae_fail(err, AEON_INTERNAL, "libsodium does not start");
    return AEON_OK;
}

const char *ae_snapshot_differs(const ae_snapshot_key *a, const ae_snapshot_key *b)
{
    if (memcmp(a->model, b->model, sizeof a->model) != 0) return "another model";
    if (memcmp(a->adapter, b->adapter, sizeof a->adapter) != 0) return "another adapter";
    if (a->rope_set != b->rope_set) return "the other set of rope factors";
    if (a->kv_type != b->kv_type) return "another type of keys and values";
    if (a->page_tokens != b->page_tokens || a->page_bytes != b->page_bytes)
        return "another size of pages";
    return NULL;
}

/* ---- locks ----------------------------------------------------------------------------------- */

struct ae_snapshot_lock {
    uint8_t salt[crypto_pwhash_SALTBYTES];
    ae_snapshot_cost cost;
    uint8_t key[KEY_BYTES];
};

static const ae_snapshot_cost full_cost = {crypto_pwhash_OPSLIMIT_MODERATE,
                                           crypto_pwhash_MEMLIMIT_MODERATE};

/* A file does not decide how long its reader works. */
static bool is_bearable(ae_snapshot_cost c)
{
    return c.n_passes >= crypto_pwhash_OPSLIMIT_MIN && c.n_passes <= full_cost.n_passes &&
           c.memory_bytes >= crypto_pwhash_MEMLIMIT_MIN && c.memory_bytes <= full_cost.memory_bytes;
}

/* key = Argon2id of passphrase, salt and cost. libsodium takes the memory from the system: an
 * untouched block stands for it in the accounts. */
static aeon_status derive(ae_snapshot_lock *lock, const char *passphrase, aeon_error *err)
{
    size_t size = (size_t)lock->cost.memory_bytes;
    void *stand_in = ae_mem_alloc(AE_MEM_OTHER, size);
    if (!stand_in) return ae_fail_memory(err, size, "a passphrase");
    int failed = crypto_pwhash(lock->key, sizeof lock->key, passphrase, strlen(passphrase),
                               lock->salt, lock->cost.n_passes, size, crypto_pwhash_ALG_ARGON2ID13);
    ae_mem_free(stand_in);
    return failed ? ae_fail_memory(err, size, "a passphrase") : AEON_OK;
}

static aeon_status new_lock(ae_snapshot_lock **out, const char *passphrase, const uint8_t *salt,
                            ae_snapshot_cost cost, aeon_error *err)
{
    ae_snapshot_lock *lock = ae_mem_alloc(AE_MEM_OTHER, sizeof *lock);
    if (!lock) return ae_fail_memory(err, sizeof *lock, "a passphrase");
    lock->cost = cost;
    memcpy(lock->salt, salt, sizeof lock->salt);
    aeon_status status = derive(lock, passphrase, err);
    if (status == AEON_OK)
        *out = lock;
    else
        ae_snapshot_lock_free(lock);
    return status;
}

aeon_status ae_snapshot_lock_new(ae_snapshot_lock **out, const char *passphrase,
                                 const ae_snapshot_cost *cost, aeon_error *err)
{
    uint8_t salt[crypto_pwhash_SALTBYTES];
    TRY(start_libsodium(err));
    AEON_ASSERT(!cost || is_bearable(*cost));
    if (!passphrase[0])
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "an empty passphrase locks nothing; give one, or save without");
    randombytes_buf(salt, sizeof salt);
    return new_lock(out, passphrase, salt, cost ? *cost : full_cost, err);
}

void ae_snapshot_lock_free(ae_snapshot_lock *lock)
{
    if (!lock) return;
    sodium_memzero(lock, sizeof *lock);
    ae_mem_free(lock);
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* What the tags of a file depend on. */
typedef struct {
    header header;
    uint8_t key[KEY_BYTES]; /* if locked */
} binding;

static void hash_header(uint8_t hash[32], const header *h)
{
    crypto_generichash(hash, 32, (const unsigned char *)h, offsetof(header, hash), NULL, 0);
}

/* The file's key and the check of the passphrase, by a header that is complete up to the check. */
static void derive_file_key(uint8_t key[KEY_BYTES], uint8_t check[CHECK_BYTES], const header *h,
                            const ae_snapshot_lock *lock)
{
    uint8_t both[KEY_BYTES + CHECK_BYTES];
    crypto_generichash(both, sizeof both, (const unsigned char *)h, offsetof(header, check),
                       lock->key, sizeof lock->key);
    memcpy(key, both, KEY_BYTES);
    memcpy(check, both + KEY_BYTES, CHECK_BYTES);
    sodium_memzero(both, sizeof both);
}

typedef struct {
    uint8_t bytes[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
} nonce;

static nonce nonce_of(const header *h, uint64_t part)
{
    nonce n;
    memcpy(n.bytes, h->id, sizeof h->id);
    memcpy(n.bytes + sizeof h->id, &part, sizeof part);
    return n;
}

static void start_tag(crypto_onetimeauth_state *state, const header *h, uint64_t part)
{
    uint8_t key[KEY_BYTES];
    crypto_generichash(key, sizeof key, (const unsigned char *)&part, sizeof part, h->hash,
                       sizeof h->hash);
    crypto_onetimeauth_init(state, key);
}

/* to may be from. */
static void encrypt(const binding *b, uint64_t part, const void *from, size_t size, void *to,
                    uint8_t tag[TAG_BYTES])
{
    nonce n = nonce_of(&b->header, part);
    crypto_aead_xchacha20poly1305_ietf_encrypt_detached(to, tag, NULL, from, size,
                                                        (const unsigned char *)&b->header,
                                                        sizeof b->header, NULL, n.bytes, b->key);
}

static bool decrypt(const binding *b, uint64_t part, void *data, size_t size,
                    const uint8_t tag[TAG_BYTES])
{
    nonce n = nonce_of(&b->header, part);
    return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(
               data, NULL, data, size, tag, (const unsigned char *)&b->header, sizeof b->header,
               n.bytes, b->key) == 0;
}

static void tag_plain(const header *h, uint64_t part, const void *data, size_t size,
                      uint8_t tag[TAG_BYTES])
{
    crypto_onetimeauth_state state;
    start_tag(&state, h, part);
    crypto_onetimeauth_update(&state, data, size);
    crypto_onetimeauth_final(&state, tag);
}

/* In pieces that are still in the core's cache when they are checked: memory is read once. */
static bool copy_plain(const header *h, uint64_t part, const uint8_t *from, size_t size,
                       uint8_t *to, const uint8_t tag[TAG_BYTES])
{
    enum { PIECE = 1 << 15 };
    uint8_t found[TAG_BYTES];
    crypto_onetimeauth_state state;
    start_tag(&state, h, part);
    for (size_t at = 0; at < size; at += PIECE) {
        size_t n = size - at < PIECE ? size - at : PIECE;
        memcpy(to + at, from + at, n);
        crypto_onetimeauth_update(&state, to + at, n);
    }
    crypto_onetimeauth_final(&state, found);
    return crypto_verify_16(found, tag) == 0;
}

/* A part at `from`, with its tag behind it. False leaves zeros at `to`. */
static bool read_part(const binding *b, uint64_t part, const uint8_t *from, size_t size, void *to)
{
    uint8_t tag[TAG_BYTES];
    bool is_good;
    memcpy(tag, from + size, sizeof tag);
    if (b->header.is_locked) {
        memcpy(to, from, size); /* what is decrypted is what was checked */
        is_good = decrypt(b, part, to, size, tag);
    } else {
        is_good = copy_plain(&b->header, part, from, size, to, tag);
    }
    if (!is_good) memset(to, 0, size);
    return is_good;
}

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct {
    binding binding;
    ae_writer *file;
    uint8_t *scratch; /* the body; a locked page */
    size_t scratch_bytes;
} job;

/* Data is encrypted in scratch, where it may be already. */
static aeon_status put_part(job *j, uint64_t part, const void *data, size_t size, aeon_error *err)
{
    uint8_t tag[TAG_BYTES];
    if (j->binding.header.is_locked) {
        encrypt(&j->binding, part, data, size, j->scratch, tag);
        data = j->scratch;
    } else {
        tag_plain(&j->binding.header, part, data, size, tag);
    }
    TRY(ae_writer_put(j->file, data, size, err));
    return ae_writer_put(j->file, tag, sizeof tag, err);
}

static aeon_status put_all(job *j, const ae_snapshot *s, ae_snapshot_page_fn page, void *user,
                           aeon_error *err)
{
    size_t ids_bytes = s->n_ids * sizeof *s->ids;
    TRY(ae_writer_put(j->file, &j->binding.header, sizeof j->binding.header, err));
    if (ids_bytes) memcpy(j->scratch, s->ids, ids_bytes);
    if (s->text_len) memcpy(j->scratch + ids_bytes, s->text, s->text_len);
    TRY(put_part(j, BODY, j->scratch, ids_bytes + s->text_len, err));
    for (size_t i = 0; i < s->n_pages; i++)
        TRY(put_part(j, BODY + 1 + i, page(user, i), (size_t)s->key.page_bytes, err));
    return AEON_OK;
}

static void fill_header(binding *b, const ae_snapshot *s, const ae_snapshot_lock *lock)
{
    header *h = &b->header;
    *h = (header){.version = VERSION,
                  .is_locked = lock != NULL,
                  .rope_set = s->key.rope_set,
                  .kv_type = s->key.kv_type,
                  .page_tokens = s->key.page_tokens,
                  .page_bytes = s->key.page_bytes,
                  .n_ids = s->n_ids,
                  .n_computed = s->n_computed,
                  .n_pages = s->n_pages,
                  .text_bytes = s->text_len};
    memcpy(h->magic, magic, sizeof magic);
    memcpy(h->model, s->key.model, sizeof h->model);
    memcpy(h->adapter, s->key.adapter, sizeof h->adapter);
    randombytes_buf(h->id, sizeof h->id);
    if (lock) {
        h->n_passes = lock->cost.n_passes;
        h->memory_bytes = lock->cost.memory_bytes;
        memcpy(h->salt, lock->salt, sizeof h->salt);
        derive_file_key(b->key, h->check, h, lock);
    }
    hash_header(h->hash, h);
}

static aeon_status write_file(job *j, const char *path, const ae_snapshot *s,
                              ae_snapshot_page_fn page, void *user, aeon_error *err)
{
    size_t body_bytes = s->n_ids * sizeof *s->ids + s->text_len;
    bool is_locked = j->binding.header.is_locked;
    j->scratch_bytes =
        is_locked && s->key.page_bytes > body_bytes ? (size_t)s->key.page_bytes : body_bytes;
    j->scratch = ae_mem_alloc(AE_MEM_OTHER, j->scratch_bytes);
    if (!j->scratch) return ae_fail_memory(err, j->scratch_bytes, "a copy of the session");
    TRY(ae_writer_open_private(&j->file, path, err));
    aeon_status status = put_all(j, s, page, user, err);
    if (status == AEON_OK) return ae_writer_commit(j->file, err);
    ae_writer_abort(j->file);
    return status;
}

aeon_status ae_snapshot_write(const char *path, const ae_snapshot *s, ae_snapshot_page_fn page,
                              void *user, const ae_snapshot_lock *lock, aeon_error *err)
{
    AEON_ASSERT(s->n_computed <= s->n_ids && (s->n_pages == 0 || s->key.page_bytes > 0));
    job j = {0};
    TRY(start_libsodium(err));
    fill_header(&j.binding, s, lock);
    aeon_status status = write_file(&j, path, s, page, user, err);
    if (lock && j.scratch) sodium_memzero(j.scratch, j.scratch_bytes);
    ae_mem_free(j.scratch);
    sodium_memzero(&j.binding, sizeof j.binding);
    return status;
}

/* ---- reading --------------------------------------------------------------------------------- */

struct ae_snapshot_file {
    ae_map map;
    char *path;
    binding binding;
    ae_snapshot_lock *lock; /* NULL if not locked, or taken */
    void *body;             /* ids, text, a 0; a copy that no one can change any more */
    size_t body_bytes;
    ae_snapshot snapshot;
};

/* The bytes that a file with this header has; false if there are no such numbers. */
static bool add_up(const header *h, uint64_t *body_bytes, uint64_t *file_bytes)
{
    uint64_t ids, body, page, pages, all;
    if (!ae_mul_u64(h->n_ids, sizeof(int32_t), &ids) || !ae_add_u64(ids, h->text_bytes, &body) ||
        !ae_add_u64(h->page_bytes, TAG_BYTES, &page) || !ae_mul_u64(h->n_pages, page, &pages) ||
        !ae_add_u64(body, sizeof *h + TAG_BYTES, &all) || !ae_add_u64(all, pages, &all))
        return false;
    *body_bytes = body;
    *file_bytes = all;
    return true;
}

/* A file whose hash is right may still come from a stranger. */
static bool makes_sense(const header *h)
{
    ae_snapshot_cost cost = {h->n_passes, h->memory_bytes};
    static const uint8_t zeros[sizeof h->salt + sizeof h->check];
    if (h->n_computed > h->n_ids || (h->n_pages && !h->page_bytes)) return false;
    if (h->is_locked) return h->is_locked == 1 && is_bearable(cost);
    return !cost.n_passes && !cost.memory_bytes && !memcmp(h->salt, zeros, sizeof h->salt) &&
           !memcmp(h->check, zeros, sizeof h->check);
}

static aeon_status read_header(ae_snapshot_file *f, aeon_error *err)
{
    header *h = &f->binding.header;
    uint8_t hash[sizeof h->hash];
    uint64_t body_bytes = 0, file_bytes = 0;
    ae_cursor c = {f->map.data, f->map.size, 0, false};
    const unsigned char *at = ae_cursor_take(&c, sizeof *h);
    if (!at || memcmp(at, magic, sizeof magic) != 0)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: not a saved session", f->path);
    memcpy(h, at, sizeof *h);
    if (h->version != VERSION)
        return ae_fail(err, AEON_UNSUPPORTED,
                       "%s: a saved session of version %" PRIu32 ", this program reads %d", f->path,
                       h->version, VERSION);
    hash_header(hash, h);
    if (memcmp(hash, h->hash, sizeof hash) != 0)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: damaged: the header is not what was saved",
                       f->path);
    if (!makes_sense(h) || !add_up(h, &body_bytes, &file_bytes))
        return ae_fail(err, AEON_BAD_FORMAT, "%s: the numbers in the header make no sense",
                       f->path);
    if (file_bytes != f->map.size)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: damaged: %zu bytes, %" PRIu64 " were saved",
                       f->path, f->map.size, file_bytes);
    f->body_bytes = (size_t)body_bytes;
    return AEON_OK;
}

static aeon_status unlock(ae_snapshot_file *f, const char *passphrase, aeon_error *err)
{
    const header *h = &f->binding.header;
    uint8_t check[CHECK_BYTES];
    bool has_passphrase = passphrase && passphrase[0];
    if (!h->is_locked && has_passphrase)
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "%s: not locked with a passphrase; load it without one", f->path);
    if (!h->is_locked) return AEON_OK;
    if (!has_passphrase)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: locked; give the passphrase it has",
                       f->path);
    TRY(new_lock(&f->lock, passphrase, h->salt, (ae_snapshot_cost){h->n_passes, h->memory_bytes},
                 err));
    derive_file_key(f->binding.key, check, h, f->lock);
    if (crypto_verify_16(check, h->check) != 0)
        return ae_fail(err, AEON_MISMATCH, "%s: locked with another passphrase", f->path);
    return AEON_OK;
}

static aeon_status read_body(ae_snapshot_file *f, aeon_error *err)
{
    const header *h = &f->binding.header;
    f->body = ae_mem_alloc(AE_MEM_OTHER, f->body_bytes + 1);
    if (!f->body) return ae_fail_memory(err, f->body_bytes + 1, "a saved session");
    if (!read_part(&f->binding, BODY, f->map.data + sizeof *h, f->body_bytes, f->body))
        return ae_fail(err, AEON_BAD_FORMAT, "%s: damaged: the talk is not what was saved",
                       f->path);
    f->snapshot = (ae_snapshot){.key = {.rope_set = h->rope_set,
                                        .kv_type = h->kv_type,
                                        .page_tokens = h->page_tokens,
                                        .page_bytes = h->page_bytes},
                                .ids = f->body,
                                .n_ids = (size_t)h->n_ids,
                                .n_computed = (size_t)h->n_computed,
                                .n_pages = (size_t)h->n_pages,
                                .text = (char *)f->body + h->n_ids * sizeof(int32_t),
                                .text_len = (size_t)h->text_bytes};
    memcpy(f->snapshot.key.model, h->model, sizeof h->model);
    memcpy(f->snapshot.key.adapter, h->adapter, sizeof h->adapter);
    return AEON_OK;
}

static aeon_status read_file(ae_snapshot_file *f, const char *path, const char *passphrase,
                             aeon_error *err)
{
    f->path = ae_mem_text(AE_MEM_OTHER, path, strlen(path));
    if (!f->path) return ae_fail_memory(err, strlen(path), "a path");
    TRY(ae_map_open(&f->map, path, err));
    TRY(read_header(f, err));
    TRY(unlock(f, passphrase, err));
    return read_body(f, err);
}

aeon_status ae_snapshot_open(ae_snapshot_file **out, const char *path, const char *passphrase,
                             aeon_error *err)
{
    TRY(start_libsodium(err));
    ae_snapshot_file *f = ae_mem_alloc(AE_MEM_OTHER, sizeof *f);
    if (!f) return ae_fail_memory(err, sizeof *f, "a saved session");
    aeon_status status = read_file(f, path, passphrase, err);
    if (status == AEON_OK)
        *out = f;
    else
        ae_snapshot_close(f);
    return status;
}

void ae_snapshot_close(ae_snapshot_file *f)
{
    if (!f) return;
    if (f->binding.header.is_locked && f->body) sodium_memzero(f->body, f->body_bytes);
    ae_mem_free(f->body);
    ae_snapshot_lock_free(f->lock);
    ae_map_close(&f->map);
    ae_mem_free(f->path);
    sodium_memzero(f, sizeof *f);
    ae_mem_free(f);
}

const ae_snapshot *ae_snapshot_get(const ae_snapshot_file *f)
{
    return &f->snapshot;
}

aeon_status ae_snapshot_read_page(const ae_snapshot_file *f, size_t i, void *to, aeon_error *err)
{
    const ae_snapshot *s = &f->snapshot;
    AEON_ASSERT(i < s->n_pages);
    size_t size = (size_t)s->key.page_bytes;
    const uint8_t *pages = f->map.data + sizeof(header) + f->body_bytes + TAG_BYTES;
    if (read_part(&f->binding, BODY + 1 + i, pages + i * (size + TAG_BYTES), size, to))
        return AEON_OK;
    return ae_fail(err, AEON_BAD_FORMAT,
                   "%s: damaged: page %zu of %zu of the keys and values is not what was saved",
                   f->path, i + 1, s->n_pages);
}

ae_snapshot_lock *ae_snapshot_take_lock(ae_snapshot_file *f)
{
    ae_snapshot_lock *lock = f->lock;
    f->lock = NULL;
    return lock;
}
