/* engine.c - births and deaths: threads, scratch, the arena of pages, buffers for logits. */
#include "engine/engine.h"
#include "aeon/machine.h"

#include "base/mem.h"
#include "model/model.h"

enum { DEFAULT_CHUNK = 256, MOST_CHUNK = 1 << 16 };

aeon_engine_params aeon_engine_params_default(void)
{
    return (aeon_engine_params){.kv_type = aeon_machine_kv_type(), .has_prefixes = true};
}

static aeon_status new_scratch(aeon_engine *e, aeon_error *err)
{
    size_t n_floats = AE_LOGITS_TILE * ae_logits_len(ae_model_config(e->model)->n_vocab);
    e->spans = ae_mem_alloc_array(AE_MEM_SCRATCH, e->n_chunk, sizeof *e->spans);
    e->members = ae_mem_alloc_array(AE_MEM_SCRATCH, e->n_chunk, sizeof *e->members);
    e->tile = ae_mem_alloc_array(AE_MEM_SCRATCH, n_floats, sizeof *e->tile);
    e->last_tokens = ae_mem_alloc_array(AE_MEM_SCRATCH, e->n_chunk, sizeof *e->last_tokens);
    e->last_logits = ae_mem_alloc_array(AE_MEM_SCRATCH, e->n_chunk, sizeof *e->last_logits);
    if (e->spans && e->members && e->tile && e->last_tokens && e->last_logits) return AEON_OK;
    return ae_fail_memory(err, n_floats * sizeof *e->tile, "a step");
}

static aeon_status engine_init(aeon_engine *e, const aeon_engine_params *p, aeon_error *err)
{
    const ae_config *c = ae_model_config(e->model);
    e->n_chunk = p->n_chunk ? p->n_chunk : DEFAULT_CHUNK;
    if (e->n_chunk > MOST_CHUNK)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "chunks of %zu tokens: choose 1 to %d",
                       e->n_chunk, MOST_CHUNK);
    if (p->page_tokens % AE_KV_RUN)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "pages of %zu tokens: choose a multiple of %d",
                       p->page_tokens, AE_KV_RUN);
    if (!ae_model_weights(e->model)->layers)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "the model was opened without its weights");
    size_t n_tokens = p->n_kv_tokens                  ? p->n_kv_tokens
                      : c->n_ctx_max < AE_DEFAULT_CTX ? c->n_ctx_max
                                                      : AE_DEFAULT_CTX;
    TRY(ae_pool_new(&e->pool, p->n_threads, err));
    TRY(ae_model_prepare(e->model, e->pool, NULL, NULL, err));
    TRY(ae_forward_new(&e->forward, c, ae_model_weights(e->model), e->pool, e->n_chunk, err));
    TRY(ae_kv_arena_new(&e->arena, c,
                        &(ae_kv_arena_params){.type = p->kv_type,
                                              .n_tokens = n_tokens,
                                              .page_tokens = p->page_tokens},
                        err));
    if (p->has_prefixes) TRY(ae_prefix_new(&e->prefixes, e->arena, 0, err));
    return new_scratch(e, err);
}

aeon_status aeon_engine_new(aeon_engine **out, const aeon_model *model,
                            const aeon_engine_params *params, aeon_error *err)
{
    aeon_engine_params defaults = aeon_engine_params_default();
    aeon_engine *e = ae_mem_alloc(AE_MEM_OTHER, sizeof *e);
    if (!e) return ae_fail_memory(err, sizeof *e, "an engine");
    e->model = model;
    aeon_status status = engine_init(e, params ? params : &defaults, err);
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
    AEON_ASSERT(!e->sessions);
    for (ae_logits *l = e->free_logits, *next; l; l = next) {
        next = l->next;
        ae_mem_free(l);
    }
    ae_forward_free(e->forward);
    ae_prefix_free(e->prefixes);
    ae_kv_arena_free(e->arena);
    ae_pool_free(e->pool);
    ae_mem_free(e->spans);
    ae_mem_free(e->members);
    ae_mem_free(e->tile);
    ae_mem_free(e->last_tokens);
    ae_mem_free(e->last_logits);
    ae_mem_free(e);
}

int aeon_engine_n_threads(const aeon_engine *e)
{
    return ae_pool_n_threads(e->pool);
}

aeon_engine_stats aeon_engine_stats_get(const aeon_engine *e)
{
    ae_prefix_stats p = e->prefixes ? ae_prefix_stats_get(e->prefixes) : (ae_prefix_stats){0};
    return (aeon_engine_stats){
        .n_sessions = e->n_sessions,
        .page_tokens = ae_kv_arena_page_tokens(e->arena),
        .page_bytes = ae_kv_arena_page_bytes(e->arena),
        .n_pages = ae_kv_arena_n_pages(e->arena),
        .n_free_pages = ae_kv_arena_n_free(e->arena),
        .n_prefix_pages = p.n_pages,
        .n_asked = p.n_asked_tokens,
        .n_reused = p.n_hit_tokens,
        .n_forgotten = p.n_evicted,
    };
}

void aeon_engine_forget(aeon_engine *e)
{
    if (e->prefixes) ae_prefix_clear(e->prefixes);
}

static bool lacks_pages(const aeon_engine *e, const ae_kv *kv, size_t pos, size_t n)
{
    return ae_kv_grow_needs(kv, pos, n) > ae_kv_arena_n_free(e->arena);
}

/* Copies that are rebuilt are a luxury; but not the one that asks. */
static void stop_rebuilding(aeon_engine *e, const ae_kv *kv)
{
    for (aeon_session *s = e->sessions; s; s = s->next)
        if (s->rebuilt && &s->rebuilt->kv != kv) ae_session_stop_rebuilding(s);
}

/* The last resort also helps where the table shares its own pages with the tree and could have them
 * to itself. What can't be had in any way costs nobody anything. */
void ae_engine_free_pages(aeon_engine *e, const ae_kv *kv, size_t pos, size_t n)
{
    if (!lacks_pages(e, kv, pos, n)) return;
    stop_rebuilding(e, kv);
    if (!e->prefixes || !lacks_pages(e, kv, pos, n)) return;
    size_t n_needed = ae_kv_grow_needs(kv, pos, n);
    if (n_needed > ae_kv_arena_n_free(e->arena) + ae_prefix_stats_get(e->prefixes).n_pages) return;
    ae_prefix_make_room(e->prefixes, n_needed);
    if (lacks_pages(e, kv, pos, n)) ae_prefix_clear(e->prefixes);
}

/* ---- logits ---------------------------------------------------------------------------------- */

aeon_status ae_logits_add(aeon_engine *e, aeon_error *err)
{
    if (e->n_logits > e->n_sessions) return AEON_OK;
    size_t size =
        sizeof(ae_logits) + ae_logits_len(ae_model_config(e->model)->n_vocab) * sizeof(float);
    ae_logits *l = ae_mem_alloc(AE_MEM_SCRATCH, size);
    if (!l) return ae_fail_memory(err, size, "logits");
    l->next = e->free_logits;
    e->free_logits = l;
    e->n_logits++;
    return AEON_OK;
}

void ae_logits_drop(aeon_engine *e, ae_logits *l)
{
    if (!l || --l->n_holders) return;
    l->next = e->free_logits;
    e->free_logits = l;
}

float *ae_session_own_logits(aeon_session *s)
{
    aeon_engine *e = s->engine;
    if (!s->logits || s->logits->n_holders > 1) {
        ae_logits_drop(e, s->logits);
        AEON_ASSERT(e->free_logits);
        s->logits = e->free_logits;
        e->free_logits = s->logits->next;
        s->logits->n_holders = 1;
    }
    return s->logits->values;
}
