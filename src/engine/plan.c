/* plan.c - the sum of a model's memory, and its solution for what was left open.
 *
 *     total(type, n) = fixed + (page_bytes(type) + lists) * pages(n)      n tokens of context
 *
 * Sums saturate: what would overflow is UINT64_MAX, which fits nowhere. */
#include "aeon/plan.h"

#include "aeon/machine.h"

#include "base/cursor.h"
#include "base/pool.h"
#include "base/status.h"
#include "engine/engine.h"
#include "model/config_load.h"
#include "model/forward.h"
#include "model/model.h"

#include <stdio.h>

enum {
    DEFAULT_CHUNK = 256,
    DEFAULT_CTX = 4096,
    LEAST_CTX = 256, /* a shorter one is no context to talk in; who wants it asks for it */
    PAGE_TOKENS = 32,
    SAMPLER_BYTES = 23, /* a token of the vocabulary: a candidate, its place, a count, a peak */
    VOCAB_BYTES = 192,  /* a token of a vocabulary that is not there yet; o200k has 180 */
    TOKEN_BYTES = 24, /* a token of context: its id in a few lists, its part of tables and trees */
    STEP_BYTES = 80,  /* a token of a step: whose it is, where it goes */
    TEXT_BYTES = 2 << 20, /* what is said, and whatever is small */
};

/* What a process has resident beside what is reckoned. Measured (docs/memory.md): 6.9 MB, and 60 kB
 * for each thread. */
static const uint64_t PROGRAM_BYTES = 8000000, THREAD_BYTES = 100000;

/* The largest first; the cheapest that keeps its quality comes last. */
static const aeon_type kv_types[AEON_PLAN_N_KV] = {AEON_TYPE_F32, AEON_TYPE_F16, AEON_TYPE_BF16,
                                                   AEON_TYPE_Q8_0};

/* The numbers of the sum for one model and one way to run it. */
typedef struct {
    const ae_config *config;
    const aeon_plan_params *params;
    size_t longest;      /* tokens that model and rope mode allow */
    size_t n_fork_pages; /* of all branches */
    uint64_t weights, vocab, scratch, logits, reserve;
    uint64_t counted; /* of weights and vocab: what base/mem counts */
    uint64_t lists;   /* beside keys and values, for the tokens of a page */
} sum;

static uint64_t add(uint64_t a, uint64_t b)
{
    uint64_t r = UINT64_MAX;
    return ae_add_u64(a, b, &r) ? r : UINT64_MAX;
}

static uint64_t mul(uint64_t a, uint64_t b)
{
    uint64_t r = UINT64_MAX;
    return ae_mul_u64(a, b, &r) ? r : UINT64_MAX;
}

static size_t n_pages(size_t n_tokens)
{
    return n_tokens / PAGE_TOKENS + (n_tokens % PAGE_TOKENS != 0);
}

/* ---- the parts ------------------------------------------------------------------------------- */

/* 0 if heads do not divide into blocks of the type. */
static uint64_t page_bytes(const ae_config *c, aeon_type type)
{
    if (c->head_dim % ae_dtype_get(type)->block_values) return 0;
    return PAGE_TOKENS * ae_kv_bytes_per_token(c, type);
}

static void add_up(sum *s)
{
    const aeon_plan_params *p = s->params;
    const ae_config *c = s->config;
    size_t n_threads = (size_t)(p->n_threads > 0 ? p->n_threads : ae_pool_default_threads());
    size_t n_step = p->n_chunk ? p->n_chunk : DEFAULT_CHUNK;
    size_t n_sessions = (size_t)add(1, p->n_branches);
    if (n_step < n_sessions) n_step = n_sessions;
    /* A branch copies the page in which it leaves the talk, and then fills its own. */
    s->n_fork_pages = (size_t)mul(p->n_branches, add(n_pages(p->n_branch_tokens), 1));
    s->longest = p->rope == AEON_ROPE_SHORT ? c->n_ctx_original : c->n_ctx_max;
    s->logits =
        add(mul(ae_logits_len(c->n_vocab), mul(add(AE_LOGITS_TILE, n_sessions), sizeof(float))),
            mul(c->n_vocab, SAMPLER_BYTES));
    s->reserve = add(PROGRAM_BYTES, mul(n_threads, THREAD_BYTES));
    s->lists = mul(PAGE_TOKENS, mul(TOKEN_BYTES, n_sessions));
    s->scratch = add(mul(n_step, ae_forward_token_bytes(c) + STEP_BYTES),
                     mul(n_threads, ae_forward_thread_bytes(c, n_step)));
    s->scratch = add(add(s->scratch, TEXT_BYTES), mul(s->lists, s->n_fork_pages));
}

/* Of everything but keys and values, for n tokens of context. */
static uint64_t total_beside(const sum *s, size_t n)
{
    uint64_t total = add(add(s->weights, s->vocab), add(s->logits, s->reserve));
    return add(add(total, s->scratch), mul(s->lists, n_pages(n)));
}

static uint64_t kv_bytes(const sum *s, aeon_type type, size_t n)
{
    return mul(page_bytes(s->config, type), add(n_pages(n), s->n_fork_pages));
}

static uint64_t total(const sum *s, aeon_type type, size_t n)
{
    return add(total_beside(s, n), kv_bytes(s, type, n));
}

/* ---- the solution ---------------------------------------------------------------------------- */

/* Tokens of context that a limit leaves room for. */
static size_t n_fit(const sum *s, aeon_type type, uint64_t ram_bytes)
{
    uint64_t page = page_bytes(s->config, type), without = total(s, type, 0);
    if (!page) return 0;
    if (!ram_bytes) return s->longest;
    if (without > ram_bytes) return 0;
    uint64_t n = mul((ram_bytes - without) / add(page, s->lists), PAGE_TOKENS);
    return n < s->longest ? (size_t)n : s->longest;
}

static size_t default_ctx(const sum *s)
{
    return s->longest < DEFAULT_CTX ? s->longest : DEFAULT_CTX;
}

/* The type in which the context fits, else the last of those allowed; false if none is possible. */
static bool choose_type(const sum *s, size_t n_ctx, aeon_type *out)
{
    const aeon_type usual[] = {aeon_machine_kv_type(), AEON_TYPE_Q8_0}; /* in this order */
    const aeon_type *types = s->params->has_kv_type ? &s->params->kv_type : usual;
    size_t n = s->params->has_kv_type ? 1 : AE_COUNT(usual);
    bool is_found = false;
    for (size_t i = 0; i < n; i++) {
        if (!page_bytes(s->config, types[i])) continue;
        *out = types[i];
        is_found = true;
        if (n_fit(s, types[i], s->params->ram_bytes) >= n_ctx) break;
    }
    return is_found;
}

static void fill(aeon_plan *plan, const sum *s, aeon_type type, size_t n)
{
    uint64_t ram_bytes = s->params->ram_bytes;
    uint64_t uncounted = add(s->weights, add(s->vocab, s->reserve)) - s->counted;
    *plan = (aeon_plan){
        .weights_bytes = s->weights,
        .vocab_bytes = s->vocab,
        .scratch_bytes = add(s->scratch, mul(s->lists, n_pages(n))),
        .logits_bytes = s->logits,
        .kv_bytes = kv_bytes(s, type, n),
        .reserve_bytes = s->reserve,
        .total_bytes = total(s, type, n),
        .ram_bytes = ram_bytes,
        .cap_bytes = ram_bytes ? ram_bytes - uncounted : 0,
        .kv_type = type,
        .n_ctx = n,
        .n_kv_tokens = PAGE_TOKENS * (n_pages(n) + s->n_fork_pages),
    };
    for (int i = 0; i < AEON_PLAN_N_KV; i++) {
        plan->fits[i].type = kv_types[i];
        plan->fits[i].bytes_per_token = page_bytes(s->config, kv_types[i]) / PAGE_TOKENS;
        plan->fits[i].n_ctx = n_fit(s, kv_types[i], ram_bytes);
    }
}

/* ---- refusals -------------------------------------------------------------------------------- */

typedef struct {
    char text[24];
} size_words;

/* "2.6 GB" in steps of 1000, to the nearest or, for what shall be enough, upwards. */
static size_words in_words(uint64_t bytes, bool is_upwards)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    size_words w;
    uint64_t unit = 1;
    int i = 0;
    for (; i < 6 && bytes / unit >= 1000; i++) unit *= 1000;
    uint64_t step = i && bytes / unit < 100 ? unit / 10 : unit;
    uint64_t n = bytes / step, rest = bytes % step;
    if (is_upwards ? rest > 0 : rest >= step - rest) n++;
    if (step < unit)
        snprintf(w.text, sizeof w.text, "%llu.%llu %s", (unsigned long long)n / 10,
                 (unsigned long long)n % 10, units[i]);
    else
        snprintf(w.text, sizeof w.text, "%llu %s", (unsigned long long)n, units[i]);
    return w;
}

/* Says what is too small, and the nearest that would do: type holds more tokens than any other that
 * is allowed. */
static aeon_status refuse(const sum *s, aeon_type type, size_t n_wanted, aeon_error *err)
{
    uint64_t ram_bytes = s->params->ram_bytes, beside = total(s, type, 0);
    size_words ram = in_words(ram_bytes, false), weights = in_words(s->weights, false);
    size_words enough = in_words(total(s, type, n_wanted), true), base = in_words(beside, false);
    const char *name = ae_dtype_get(type)->name;
    size_t n = n_fit(s, type, ram_bytes);
    if (s->weights >= ram_bytes)
        return ae_fail(err, AEON_OUT_OF_MEMORY,
                       "%s are too small for this model: its weights alone take %s; %s would hold "
                       "%zu tokens at %s",
                       ram.text, weights.text, enough.text, n_wanted, name);
    if (n == 0)
        return ae_fail(err, AEON_OUT_OF_MEMORY,
                       "%s are too small for this model: it takes %s before the first token, %s of "
                       "them weights; %s would hold %zu tokens at %s",
                       ram.text, base.text, weights.text, enough.text, n_wanted, name);
    if (s->params->has_kv_type && n_fit(s, AEON_TYPE_Q8_0, ram_bytes) > n)
        return ae_fail(err, AEON_OUT_OF_MEMORY,
                       "%s leave room for %zu of %zu tokens at %s; q8_0 would leave room for %zu, "
                       "and %s would hold them all",
                       ram.text, n, n_wanted, name, n_fit(s, AEON_TYPE_Q8_0, ram_bytes),
                       enough.text);
    return ae_fail(err, AEON_OUT_OF_MEMORY,
                   "%s leave room for %zu of %zu tokens at %s; %s would hold them all", ram.text, n,
                   n_wanted, name, enough.text);
}

static bool is_kv_type(aeon_type type)
{
    for (int i = 0; i < AEON_PLAN_N_KV; i++)
        if (kv_types[i] == type) return true;
    return false;
}

static aeon_status check_params(const sum *s, aeon_error *err)
{
    const aeon_plan_params *p = s->params;
    if (p->has_kv_type && !is_kv_type(p->kv_type))
        return ae_fail(err, AEON_UNSUPPORTED, "keys and values can be f32, f16, bf16 or q8_0");
    if (p->has_kv_type && !page_bytes(s->config, p->kv_type))
        return ae_fail(err, AEON_UNSUPPORTED,
                       "heads of %u values do not divide into blocks of %s; choose f16",
                       s->config->head_dim, ae_dtype_get(p->kv_type)->name);
    if (p->n_ctx > s->longest)
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "a context of %zu tokens; this model reaches %zu%s", p->n_ctx, s->longest,
                       s->longest < s->config->n_ctx_max ? " under the short rope factors" : "");
    return AEON_OK;
}

static aeon_status solve(aeon_plan *out, sum *s, aeon_error *err)
{
    aeon_type type = aeon_machine_kv_type();
    add_up(s);
    TRY(check_params(s, err));
    size_t n_wanted = s->params->n_ctx ? s->params->n_ctx : default_ctx(s);
    size_t n_least = s->params->n_ctx || n_wanted < LEAST_CTX ? n_wanted : LEAST_CTX;
    bool is_possible = choose_type(s, n_wanted, &type);
    AEON_ASSERT(is_possible); /* the usual type has blocks of one */
    size_t n = n_fit(s, type, s->params->ram_bytes);
    if (total(s, type, n_wanted) == UINT64_MAX)
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "a model of %llu bytes with chunks of %zu tokens and %zu branches of %zu is "
                       "more than any memory holds",
                       (unsigned long long)s->weights, s->params->n_chunk, s->params->n_branches,
                       s->params->n_branch_tokens);
    if (n < n_least) return refuse(s, type, n_wanted, err);
    /* Left open, the context takes what there is; without a limit, what is usual. */
    if (s->params->n_ctx || !s->params->ram_bytes) n = n_wanted;
    fill(out, s, type, n);
    return AEON_OK;
}

aeon_status aeon_plan_make(aeon_plan *out, const aeon_model *model, const aeon_plan_params *params,
                           aeon_error *err)
{
    ae_model_size size = ae_model_measure(model);
    sum s = {
        .config = ae_model_config(model),
        .params = params ? params : &(aeon_plan_params){0},
        .weights = size.weights,
        .vocab = size.vocab,
        .counted = size.counted,
    };
    if (!ae_model_weights(model)->layers)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "the model was opened without its weights");
    return solve(out, &s, err);
}

aeon_status aeon_plan_estimate(aeon_plan *out, const aeon_model_info *info,
                               const aeon_plan_params *params, aeon_error *err)
{
    ae_config config = {.n_vocab = info->n_vocab,
                        .n_embd = info->n_embd,
                        .n_layers = info->n_layers,
                        .n_heads = info->n_heads,
                        .n_kv_heads = info->n_kv_heads,
                        .head_dim = info->head_dim,
                        .n_ff = info->n_ff,
                        .n_ctx_max = info->n_ctx_max,
                        .n_ctx_original = info->n_ctx_max,
                        /* rotation takes no memory: any valid numbers do */
                        .rope_dim = 2,
                        .rope_theta = 10000,
                        .rope_magnitude = 1,
                        .norm_eps = 1e-5f};
    sum s = {
        .config = &config,
        .params = params ? params : &(aeon_plan_params){0},
        .weights = info->size_bytes,
        .vocab = (uint64_t)VOCAB_BYTES * info->n_vocab,
    };
    TRY(ae_config_check(&config, "the description of the model", err));
    if (info->has_long_rope && info->n_ctx_original && info->n_ctx_original < info->n_ctx_max)
        config.n_ctx_original = info->n_ctx_original;
    return solve(out, &s, err);
}
