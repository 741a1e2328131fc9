/* session.c - one token timeline and the part of it that is computed.
 *
 *     ids      [ t0 t1 t2 ... | ...        ]      n of n_ctx
 *               computed: keys and values stand under the session's rope set
 *
 * feed brings `computed` up to n. Whatever invalidates keys (a rewind, a change of the rope set, a
 * cancelled feed) only lowers `computed`; the next feed makes good what is missing. */
#include "engine/engine.h"

#include "base/mem.h"
#include "base/pool.h"
#include "model/forward.h"
#include "model/model.h"

#include <string.h>

enum { DEFAULT_CHUNK = 256, DEFAULT_CTX = 4096, LOGITS_TILE = 8 };

struct aeon_engine {
    const aeon_model *model;
    ae_pool *pool;
    ae_forward *forward;
    uint32_t *positions; /* [n_chunk] */
};

struct aeon_session {
    aeon_engine *engine;
    aeon_rope_mode rope;
    ae_rope_set rope_set;
    size_t n_ctx, n, n_computed, n_recomputed;
    int32_t *ids;  /* [n_ctx] */
    float *logits; /* [LOGITS_TILE][n_vocab]; the first row holds the session's logits */
    bool has_logits;
    ae_kv *kv;
};

/* ---- engine ---------------------------------------------------------------------------------- */

static aeon_status engine_init(aeon_engine *e, const aeon_engine_params *p, aeon_error *err)
{
    size_t n_chunk = p->n_chunk ? p->n_chunk : DEFAULT_CHUNK;
    if (n_chunk > 1 << 16)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "chunks of %zu tokens: choose 1 to 65536",
                       n_chunk);
    if (!ae_model_weights(e->model)->layers)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "the model was opened without its weights");
    TRY(ae_pool_new(&e->pool, p->n_threads, err));
    TRY(ae_forward_new(&e->forward, ae_model_config(e->model), ae_model_weights(e->model), e->pool,
                       n_chunk, err));
    e->positions = ae_mem_alloc_array(AE_MEM_SCRATCH, n_chunk, sizeof *e->positions);
    return e->positions ? AEON_OK : ae_fail_memory(err, n_chunk * sizeof *e->positions, "a chunk");
}

aeon_status aeon_engine_new(aeon_engine **out, const aeon_model *model,
                            const aeon_engine_params *params, aeon_error *err)
{
    aeon_engine *e = ae_mem_alloc(AE_MEM_OTHER, sizeof *e);
    if (!e) return ae_fail_memory(err, sizeof *e, "an engine");
    e->model = model;
    aeon_status status = engine_init(e, params ? params : &(aeon_engine_params){0}, err);
    if (status != AEON_OK) {
        aeon_engine_free(e);
        return status;
    }
    *out = e;
    return AEON_OK;
}

void aeon_engine_free(aeon_engine *e)
{
    if (!e) return;
    ae_forward_free(e->forward);
    ae_pool_free(e->pool);
    ae_mem_free(e->positions);
    ae_mem_free(e);
}

int aeon_engine_n_threads(const aeon_engine *e)
{
    return ae_pool_n_threads(e->pool);
}

/* ---- session --------------------------------------------------------------------------------- */

aeon_session_params aeon_session_params_default(void)
{
    return (aeon_session_params){.kv_type = AEON_TYPE_F16, .rope = AEON_ROPE_AUTO};
}

/* The longest timeline that the model and the rope mode allow. */
static size_t longest_ctx(const ae_config *c, aeon_rope_mode rope)
{
    return rope == AEON_ROPE_SHORT ? c->n_ctx_original : c->n_ctx_max;
}

static aeon_status check_params(const aeon_session_params *p, const ae_config *c, aeon_error *err)
{
    if (p->kv_type != AEON_TYPE_F32 && p->kv_type != AEON_TYPE_F16 && p->kv_type != AEON_TYPE_BF16)
        return ae_fail(err, AEON_UNSUPPORTED, "keys and values can be f32, f16 or bf16");
    if (p->rope != AEON_ROPE_AUTO && p->rope != AEON_ROPE_SHORT && p->rope != AEON_ROPE_LONG)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "unknown rope mode %d", (int)p->rope);
    size_t longest = longest_ctx(c, p->rope);
    if (p->n_ctx > longest)
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "a context of %zu tokens; this model reaches %zu%s", p->n_ctx, longest,
                       longest < c->n_ctx_max ? " under the short rope factors" : "");
    return AEON_OK;
}

static aeon_status session_init(aeon_session *s, aeon_engine *e, const aeon_session_params *p,
                                aeon_error *err)
{
    const ae_config *c = ae_model_config(e->model);
    TRY(check_params(p, c, err));
    size_t longest = longest_ctx(c, p->rope);
    s->engine = e;
    s->rope = p->rope;
    s->n_ctx = p->n_ctx ? p->n_ctx : longest < DEFAULT_CTX ? longest : DEFAULT_CTX;
    if (ae_config_has_long_rope(c) && p->rope == AEON_ROPE_LONG) s->rope_set = AE_ROPE_SET_LONG;
    TRY(ae_kv_new(&s->kv, c, p->kv_type, s->n_ctx, err));
    TRY(ae_forward_reserve(e->forward, s->n_ctx, err));
    size_t n_logits = (size_t)LOGITS_TILE * c->n_vocab;
    s->ids = ae_mem_alloc_array(AE_MEM_SCRATCH, s->n_ctx, sizeof *s->ids);
    s->logits = ae_mem_alloc_array(AE_MEM_SCRATCH, n_logits, sizeof *s->logits);
    if (!s->ids || !s->logits) return ae_fail_memory(err, n_logits * sizeof(float), "a session");
    return AEON_OK;
}

aeon_status aeon_session_new(aeon_session **out, aeon_engine *engine,
                             const aeon_session_params *params, aeon_error *err)
{
    aeon_session_params defaults = aeon_session_params_default();
    aeon_session *s = ae_mem_alloc(AE_MEM_OTHER, sizeof *s);
    if (!s) return ae_fail_memory(err, sizeof *s, "a session");
    aeon_status status = session_init(s, engine, params ? params : &defaults, err);
    if (status != AEON_OK) {
        aeon_session_free(s);
        return status;
    }
    *out = s;
    return AEON_OK;
}

void aeon_session_free(aeon_session *s)
{
    if (!s) return;
    ae_kv_free(s->kv);
    ae_mem_free(s->ids);
    ae_mem_free(s->logits);
    ae_mem_free(s);
}

/* ---- feeding --------------------------------------------------------------------------------- */

/* Compute the logits of the chunk's tokens from position first_new on, tile by tile, and hand them
 * out. base: the position of the chunk's first token. */
static aeon_status give_logits(aeon_session *s, size_t base, size_t n, size_t first_new,
                               const aeon_feed_params *p, aeon_error *err)
{
    size_t n_vocab = ae_model_config(s->engine->model)->n_vocab;
    for (size_t i = first_new > base ? first_new - base : 0; i < n; i += LOGITS_TILE) {
        size_t n_tile = n - i < LOGITS_TILE ? n - i : LOGITS_TILE;
        s->has_logits = false;
        ae_forward_logits(s->engine->forward, i, n_tile, s->logits);
        for (size_t k = 0; k < n_tile; k++)
            if (!p->on_logits(p->user, base + i + k, s->logits + k * n_vocab))
                return ae_fail(err, AEON_CANCELLED, "cancelled at token %zu", base + i + k);
    }
    return AEON_OK;
}

/* Bring the computed part up to the end of the timeline. first_new: where this feed's tokens begin.
 */
static aeon_status compute(aeon_session *s, size_t first_new, const aeon_feed_params *p,
                           aeon_error *err)
{
    aeon_engine *e = s->engine;
    size_t n_chunk = ae_forward_n_max(e->forward), start = s->n_computed;
    while (s->n_computed < s->n) {
        size_t base = s->n_computed, n = s->n - base < n_chunk ? s->n - base : n_chunk;
        if (p->progress && n_chunk < s->n - start &&
            !p->progress(p->user, "reading", (double)(base - start) / (double)(s->n - start)))
            return ae_fail(err, AEON_CANCELLED, "cancelled after %zu of %zu tokens", base, s->n);
        for (size_t i = 0; i < n; i++) e->positions[i] = (uint32_t)(base + i);
        ae_forward_run(e->forward, s->kv, &(ae_batch){s->ids + base, e->positions, n, s->rope_set});
        s->n_computed += n;
        if (p->on_logits) TRY(give_logits(s, base, n, first_new, p, err));
        if (s->n_computed == s->n) ae_forward_logits(e->forward, n - 1, 1, s->logits);
    }
    return AEON_OK;
}

static aeon_status check_feed(const aeon_session *s, const int32_t *ids, size_t n, aeon_error *err)
{
    const ae_config *c = ae_model_config(s->engine->model);
    if (n == 0) return ae_fail(err, AEON_INVALID_ARGUMENT, "no tokens to feed");
    if (n > s->n_ctx - s->n)
        return ae_fail(err, AEON_CONTEXT_FULL,
                       "%zu tokens after %zu do not fit into a context of %zu; shorten the prompt "
                       "or raise --ctx",
                       n, s->n, s->n_ctx);
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (uint32_t)ids[i] >= c->n_vocab)
            return ae_fail(err, AEON_INVALID_ARGUMENT,
                           "token id %d at place %zu; the vocabulary has 0 to %u", ids[i], i,
                           c->n_vocab - 1);
    return AEON_OK;
}

/* Does a timeline of n tokens have to leave the short factors? */
static bool crosses(const aeon_session *s, size_t n)
{
    const ae_config *c = ae_model_config(s->engine->model);
    return s->rope == AEON_ROPE_AUTO && s->rope_set == AE_ROPE_SET_SHORT &&
           ae_config_has_long_rope(c) && n > c->n_ctx_original;
}

aeon_status aeon_session_feed(aeon_session *s, const int32_t *ids, size_t n,
                              const aeon_feed_params *params, aeon_error *err)
{
    TRY(check_feed(s, ids, n, err));
    size_t n_before = s->n;
    bool is_crossing = crosses(s, s->n + n);
    if (is_crossing) {
        s->rope_set = AE_ROPE_SET_LONG;
        s->n_recomputed += s->n_computed;
        s->n_computed = 0;
    }
    memcpy(s->ids + s->n, ids, n * sizeof *ids);
    s->n += n;
    aeon_status status = compute(s, n_before, params ? params : &(aeon_feed_params){0}, err);
    if (status == AEON_OK) {
        s->has_logits = true;
        return AEON_OK;
    }
    s->n = n_before;
    if (s->n_computed > s->n) s->n_computed = s->n;
    if (is_crossing) {
        s->rope_set = AE_ROPE_SET_SHORT;
        s->n_computed = 0;
    }
    return status;
}

void ae_session_append(aeon_session *s, int32_t id)
{
    AEON_ASSERT(s->n < s->n_ctx);
    s->ids[s->n++] = id;
    s->has_logits = false;
}

const float *aeon_session_logits(const aeon_session *s)
{
    return s->has_logits ? s->logits : NULL;
}

aeon_status aeon_session_rewind(aeon_session *s, size_t n_keep, aeon_error *err)
{
    if (n_keep > s->n)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "cannot keep %zu of %zu tokens", n_keep, s->n);
    if (n_keep == s->n) return AEON_OK;
    s->n = n_keep;
    if (s->n_computed > n_keep) s->n_computed = n_keep;
    if (n_keep == 0 && s->rope == AEON_ROPE_AUTO) s->rope_set = AE_ROPE_SET_SHORT;
    s->has_logits = false;
    return AEON_OK;
}

/* ---- looking --------------------------------------------------------------------------------- */

const int32_t *aeon_session_ids(const aeon_session *s, size_t *n)
{
    *n = s->n;
    return s->ids;
}

aeon_session_stats aeon_session_stats_get(const aeon_session *s)
{
    uint64_t per_token =
        ae_kv_bytes_per_token(ae_model_config(s->engine->model), ae_kv_type(s->kv));
    return (aeon_session_stats){
        .n_past = s->n,
        .n_ctx = s->n_ctx,
        .kv_bytes = (size_t)per_token * s->n_ctx,
        .kv_bytes_per_token = (size_t)per_token,
        .is_long_rope = s->rope_set == AE_ROPE_SET_LONG,
        .n_recomputed = s->n_recomputed,
    };
}

const aeon_model *ae_session_model(const aeon_session *s)
{
    return s->engine->model;
}

size_t ae_session_room(const aeon_session *s)
{
    return s->n_ctx - s->n;
}
