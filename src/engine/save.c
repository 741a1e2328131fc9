/* save.c - sessions on disk: what a snapshot is made of, and when one fits. */
#include "engine/engine.h"

#include "base/mem.h"
#include "model/model.h"

#include <string.h>

/* ---- the key --------------------------------------------------------------------------------- */

static aeon_status find_fingerprint(aeon_engine *e, aeon_error *err)
{
    if (!e->has_fingerprint) TRY(ae_model_fingerprint(e->model, e->fingerprint, err));
    e->has_fingerprint = true;
    return AEON_OK;
}

/* What the session's keys and values depend on. */
static ae_snapshot_key key_of(const aeon_session *s, ae_rope_set rope_set)
{
    const ae_kv_arena *arena = s->engine->arena;
    ae_snapshot_key key = {.rope_set = rope_set,
                           .kv_type = ae_kv_arena_type(arena),
                           .page_tokens = (uint32_t)ae_kv_arena_page_tokens(arena),
                           .page_bytes = ae_kv_arena_page_bytes(arena)};
    memcpy(key.model, s->engine->fingerprint, sizeof key.model);
    return key;
}

/* ---- saving ---------------------------------------------------------------------------------- */

aeon_status aeon_session_lock(aeon_session *s, const char *passphrase, aeon_error *err)
{
    ae_snapshot_lock *lock = NULL;
    if (passphrase && *passphrase) TRY(ae_snapshot_lock_new(&lock, passphrase, NULL, err));
    ae_snapshot_lock_free(s->lock);
    s->lock = lock;
    return AEON_OK;
}

typedef struct {
    const aeon_session *session;
    size_t n_full; /* pages */
    char *last;    /* the page behind them: rows that it does not use may hold another talk */
} pages;

static const void *page_at(void *user, size_t i)
{
    const pages *p = user;
    const ae_kv *kv = &p->session->kv;
    return i < p->n_full ? ae_kv_page_data(kv->arena, kv->pages[i]) : p->last;
}

static aeon_status write_pages(const aeon_session *s, const char *path, const ae_snapshot *snapshot,
                               aeon_error *err)
{
    size_t page_tokens = snapshot->key.page_tokens, n_rest = snapshot->n_computed % page_tokens;
    pages p = {s, snapshot->n_computed / page_tokens, NULL};
    if (n_rest) {
        p.last = ae_mem_alloc(AE_MEM_SCRATCH, (size_t)snapshot->key.page_bytes);
        if (!p.last) return ae_fail_memory(err, (size_t)snapshot->key.page_bytes, "saving a talk");
        memcpy(p.last, ae_kv_page_data(s->kv.arena, s->kv.pages[p.n_full]),
               (size_t)snapshot->key.page_bytes);
        ae_kv_page_clear(s->kv.arena, p.last, n_rest);
    }
    aeon_status status = ae_snapshot_write(path, snapshot, page_at, &p, s->lock, err);
    ae_mem_free(p.last);
    return status;
}

aeon_status aeon_session_save(aeon_session *s, const char *path, const char *text, size_t len,
                              aeon_error *err)
{
    TRY(ae_session_check_idle(s, err));
    TRY(find_fingerprint(s->engine, err));
    size_t page_tokens = ae_kv_arena_page_tokens(s->engine->arena);
    size_t n = s->n_computed < s->n_exact ? s->n_computed : s->n_exact; /* moved keys stay here */
    ae_snapshot snapshot = {.key = key_of(s, s->rope_set),
                            .ids = s->ids,
                            .n_ids = s->n,
                            .n_computed = n,
                            .n_pages = n / page_tokens + (n % page_tokens != 0),
                            .text = text,
                            .text_len = len};
    return write_pages(s, path, &snapshot, err);
}

/* ---- loading --------------------------------------------------------------------------------- */

/* Is this a timeline that the session may have? */
static aeon_status check_timeline(const aeon_session *s, const char *path, const ae_snapshot *saved,
                                  aeon_error *err)
{
    uint32_t n_vocab = ae_model_config(s->engine->model)->n_vocab;
    if (memcmp(saved->key.model, s->engine->fingerprint, sizeof saved->key.model) != 0)
        return ae_fail(err, AEON_MISMATCH,
                       "%s: was saved with another model; open it with that one", path);
    if (saved->n_ids > s->n_ctx)
        return ae_fail(err, AEON_CONTEXT_FULL,
                       "%s: has %zu tokens, the context holds %zu; raise --ctx", path, saved->n_ids,
                       s->n_ctx);
    for (size_t i = 0; i < saved->n_ids; i++)
        if (saved->ids[i] < 0 || (uint32_t)saved->ids[i] >= n_vocab)
            return ae_fail(err, AEON_BAD_FORMAT, "%s: token id %d, the vocabulary has 0 to %u",
                           path, saved->ids[i], n_vocab - 1);
    return AEON_OK;
}

/* The factors under which the session would compute so many tokens from the start; those of the
 * snapshot where it may choose. */
static ae_rope_set fitting_set(const aeon_session *s, const ae_snapshot *saved)
{
    const ae_config *c = ae_model_config(s->engine->model);
    if (!ae_config_has_long_rope(c) || s->rope == AEON_ROPE_SHORT) return AE_ROPE_SET_SHORT;
    if (s->rope == AEON_ROPE_LONG || saved->n_ids > c->n_ctx_original) return AE_ROPE_SET_LONG;
    return saved->key.rope_set == AE_ROPE_SET_LONG ? AE_ROPE_SET_LONG : AE_ROPE_SET_SHORT;
}

static aeon_status check_pages(const aeon_session *s, const ae_snapshot *saved, aeon_error *why)
{
    ae_snapshot_key here = key_of(s, fitting_set(s, saved));
    const char *difference = ae_snapshot_differs(&saved->key, &here);
    if (difference)
        return ae_fail(why, AEON_MISMATCH, "the keys and values were made with %s", difference);
    size_t n = saved->n_computed, n_pages = n / here.page_tokens + (n % here.page_tokens != 0);
    if (n > saved->n_ids || saved->n_pages != n_pages)
        return ae_fail(why, AEON_BAD_FORMAT, "%zu pages for %zu tokens", saved->n_pages, n);
    return AEON_OK;
}

typedef struct {
    const ae_snapshot_file *file;
    const ae_kv *kv;
    aeon_status status[AE_POOL_MAX_THREADS];
    aeon_error error[AE_POOL_MAX_THREADS];
} reading;

static void read_pages(void *arg, ae_member m)
{
    reading *r = arg;
    for (size_t i = (size_t)m.index; i < r->kv->n_pages; i += (size_t)m.n) {
        void *to = ae_kv_page_data(r->kv->arena, r->kv->pages[i]);
        r->status[m.index] = ae_snapshot_read_page(r->file, i, to, &r->error[m.index]);
        if (r->status[m.index] != AEON_OK) return;
    }
}

/* Fill the session's empty table. */
static aeon_status load_pages(aeon_session *s, const ae_snapshot_file *file, aeon_error *why)
{
    size_t n = ae_snapshot_get(file)->n_computed;
    if (n == 0) return AEON_OK;
    ae_engine_free_pages(s->engine, &s->kv, 0, n);
    TRY(ae_kv_grow(&s->kv, 0, n, why));
    reading *r = ae_mem_alloc(AE_MEM_SCRATCH, sizeof *r);
    if (!r) return ae_fail_memory(why, sizeof *r, "loading a talk");
    r->file = file;
    r->kv = &s->kv;
    ae_pool_run(s->engine->pool, read_pages, r);
    aeon_status status = AEON_OK;
    for (int i = 0; i < AE_POOL_MAX_THREADS && status == AEON_OK; i++)
        if (r->status[i] != AEON_OK) status = ae_fail(why, r->status[i], "%s", r->error[i].text);
    ae_mem_free(r);
    return status;
}

static void take_timeline(aeon_session *s, const ae_snapshot *saved, ae_rope_set rope_set)
{
    memcpy(s->ids, saved->ids, saved->n_ids * sizeof *s->ids);
    s->n = saved->n_ids;
    s->n_computed = saved->n_computed;
    s->is_foreign = s->n_computed > 0;
    s->rope_set = rope_set;
    s->n_logits = 0;
    ae_session_cut_turns(s, 0);
}

/* Feed the tokens to the empty session; those that were not computed remain so. */
static aeon_status compute_anew(aeon_session *s, const ae_snapshot *saved,
                                const aeon_load_params *p, aeon_error *err)
{
    aeon_feed_params how = {.progress = p->progress, .user = p->user};
    TRY(aeon_session_rewind(s, 0, err));
    s->rope_set = fitting_set(s, saved);
    aeon_status status = AEON_OK;
    if (saved->n_computed) status = aeon_session_feed(s, saved->ids, saved->n_computed, &how, err);
    if (status != AEON_OK) {
        TRY(aeon_session_rewind(s, 0, NULL)); /* its factors as new, too */
        return status;
    }
    for (size_t i = saved->n_computed; i < saved->n_ids; i++) ae_session_append(s, saved->ids[i]);
    s->n_logits = 0;
    return AEON_OK;
}

static aeon_status load(aeon_session *s, const char *path, ae_snapshot_file *file,
                        const aeon_load_params *p, aeon_error *err)
{
    const ae_snapshot *saved = ae_snapshot_get(file);
    aeon_error why = {.code = AEON_OK};
    TRY(check_timeline(s, path, saved, err));
    if (p->text) {
        p->text->len = 0;
        TRY(aeon_text_append(p->text, saved->text, saved->text_len, err));
    }
    ae_session_stop_rebuilding(s);
    s->status = AEON_OK;
    if (check_pages(s, saved, &why) == AEON_OK) {
        ae_session_forget(s, 0);
        if (load_pages(s, file, &why) == AEON_OK)
            take_timeline(s, saved, fitting_set(s, saved));
        else
            ae_session_forget(s, 0);
    }
    if (why.code != AEON_OK) TRY(compute_anew(s, saved, p, err));
    if (p->note) *p->note = why;
    ae_snapshot_lock_free(s->lock);
    s->lock = ae_snapshot_take_lock(file);
    return AEON_OK;
}

aeon_status aeon_session_load(aeon_session *s, const char *path, const aeon_load_params *params,
                              aeon_error *err)
{
    static const aeon_load_params none;
    const aeon_load_params *p = params ? params : &none;
    ae_snapshot_file *file;
    TRY(ae_session_check_idle(s, err));
    TRY(find_fingerprint(s->engine, err));
    TRY(ae_snapshot_open(&file, path, p->passphrase, err));
    aeon_status status = load(s, path, file, p, err);
    ae_snapshot_close(file);
    return status;
}
