/* run.c - ask the questions: workers take the next one until there is none.
 *
 * Of a small model, whose weights stay in the caches, every thread has an engine of its own; a
 * large one is asked by a single engine with all threads, or else its weights would be read from
 * memory several times over. The logits are the same bits either way. */
#include "eval/eval.h"

#include "aeon/engine.h"
#include "base/mem.h"
#include "base/pool.h"

#include <stdatomic.h>
#include <string.h>

enum { DEFAULT_TOKENS = 160, SMALL_MODEL_BYTES = 64 << 20 };

/* An engine with one talk. */
typedef struct {
    aeon_engine *engine;
    aeon_session *session;
} seat;

typedef struct {
    struct run *run;
    int index;
    seat seat, peer; /* peer: of the model to compare with */
    aeon_status status;
    aeon_error err;
} worker;

typedef struct run {
    const aeon_model *model;
    const aeon_suite *suite;
    const aeon_eval_params *params;
    aeon_eval *eval;
    aeon_tokens prompts; /* of all questions, one after another */
    size_t *starts;      /* [suite->n + 1] in prompts */
    size_t n_longest, n_max;
    worker *workers;
    int n_workers;
    atomic_size_t next, n_answered;
    atomic_bool is_over; /* nobody begins or continues an answer */
} run;

/* ---- prompts --------------------------------------------------------------------------------- */

aeon_status ae_question_encode(const aeon_suite *s, const ae_question *q, const aeon_model *model,
                               aeon_tokens *out, aeon_error *err)
{
    aeon_error inner;
    const aeon_chat_template *chat = aeon_model_chat(model);
    if (!chat)
        return ae_fail(err, AEON_UNSUPPORTED, "the model has no chat template that is known here");
    aeon_status status = aeon_chat_encode(chat, aeon_model_tokenizer(model), q->messages,
                                          q->n_messages, 0, out, &inner);
    if (status == AEON_INVALID_ARGUMENT)
        return ae_fail(err, AEON_BAD_FORMAT, "%s:%zu: %s", s->name, q->line, inner.text);
    return status == AEON_OK ? AEON_OK : ae_fail(err, status, "%s", inner.text);
}

static aeon_status encode_question(run *r, const ae_question *q, aeon_error *err)
{
    size_t n_before = r->prompts.n, n_ctx = aeon_model_describe(r->model)->n_ctx_max;
    TRY(ae_question_encode(r->suite, q, r->model, &r->prompts, err));
    size_t n = r->prompts.n - n_before;
    if (n >= n_ctx)
        return ae_fail(err, AEON_BAD_FORMAT,
                       "%s:%zu: the question has %zu tokens, the model's context holds %zu",
                       r->suite->name, q->line, n, n_ctx);
    if (n > r->n_longest) r->n_longest = n;
    return AEON_OK;
}

static aeon_status encode_all(run *r, aeon_error *err)
{
    r->starts = ae_mem_alloc_array(AE_MEM_OTHER, r->suite->n + 1, sizeof *r->starts);
    if (!r->starts) return ae_fail_memory(err, r->suite->n * sizeof *r->starts, "the questions");
    for (size_t i = 0; i < r->suite->n; i++) {
        TRY(encode_question(r, &r->suite->questions[i], err));
        r->starts[i + 1] = r->prompts.n;
    }
    return AEON_OK;
}

/* ---- one question ---------------------------------------------------------------------------- */

/* The caller is asked in its own thread, which is that of the first worker. */
static bool goes_on(worker *w)
{
    run *r = w->run;
    const aeon_eval_params *p = r->params;
    if (w->index == 0 && p->goes_on &&
        !p->goes_on(p->user, atomic_load(&r->n_answered), r->suite->n))
        atomic_store(&r->is_over, true);
    return !atomic_load(&r->is_over);
}

static bool on_feeding(void *user, const char *what, double fraction)
{
    (void)what;
    (void)fraction;
    return goes_on(user);
}

/* Bring the session to this timeline; what it shares with the last one is kept. A timeline under
 * the long rope factors cannot be shortened to one that began under the short ones. */
static aeon_status feed(worker *w, aeon_session *s, const int32_t *ids, size_t n, aeon_error *err)
{
    size_t n_held, n_keep = 0;
    const int32_t *held = aeon_session_ids(s, &n_held);
    if (!aeon_session_stats_get(s).is_long_rope)
        while (n_keep < n_held && n_keep < n - 1 && held[n_keep] == ids[n_keep]) n_keep++;
    TRY(aeon_session_rewind(s, n_keep, err));
    aeon_feed_params how = {.progress = on_feeding, .user = w};
    return aeon_session_feed(s, ids + n_keep, n - n_keep, &how, err);
}

/* Spread the seed over questions and samples, by the line so that a selection changes nothing. */
static uint64_t seed_of(uint64_t seed, size_t line, size_t sample)
{
    uint64_t x = seed ^ (uint64_t)line * 0x9E3779B97F4A7C15u ^ (uint64_t)sample << 48;
    x = (x ^ x >> 32) * 0xD6E8FEB86659FD93u;
    x = (x ^ x >> 32) * 0xD6E8FEB86659FD93u;
    return x ^ x >> 32;
}

typedef struct {
    worker *worker;
    aeon_text *text;
    aeon_status status;
    aeon_error *err;
} listener;

static bool on_text(void *user, const char *text, size_t len)
{
    listener *l = user;
    l->status = aeon_text_append(l->text, text, len, l->err);
    return l->status == AEON_OK && goes_on(l->worker);
}

static aeon_status answer(worker *w, ae_answer *a, uint64_t seed, aeon_error *err)
{
    run *r = w->run;
    aeon_sampler_params sampling = aeon_sampler_params_default();
    sampling.temperature = r->params->n_samples ? r->params->temperature : 0;
    sampling.seed = seed;
    listener l = {.worker = w, .text = &a->text, .err = err};
    aeon_generate_params how = {
        .n_max = r->n_max, .with_control = true, .on_text = on_text, .user = &l};
    aeon_generate_result result;
    aeon_sampler *sampler;
    TRY(aeon_sampler_new(&sampler, &sampling, aeon_model_describe(r->model)->n_vocab, err));
    aeon_status status = aeon_session_generate(w->seat.session, sampler, &how, &result, err);
    aeon_sampler_free(sampler);
    TRY(status);
    a->n_tokens = result.n_tokens;
    return l.status;
}

typedef struct {
    const int32_t *ids; /* the whole timeline */
    size_t n_vocab, n_agreed;
} comparison;

static bool on_logits(void *user, size_t pos, const float *logits)
{
    comparison *c = user;
    int32_t best = 0;
    for (size_t i = 1; i < c->n_vocab; i++)
        if (logits[i] > logits[best]) best = (int32_t)i;
    c->n_agreed += best == c->ids[pos + 1];
    return true;
}

/* Feed the peer the talk up to the answer's last token but one, and count what it expects next. */
static aeon_status compare(worker *w, ae_answer *a, aeon_error *err)
{
    size_t n, n_prompt;
    const int32_t *ids = aeon_session_ids(w->seat.session, &n);
    if (a->n_tokens == 0) return AEON_OK;
    n_prompt = n - a->n_tokens;
    TRY(n_prompt > 1 ? feed(w, w->peer.session, ids, n_prompt - 1, err)
                     : aeon_session_rewind(w->peer.session, 0, err));
    comparison c = {ids, aeon_model_describe(w->run->model)->n_vocab, 0};
    aeon_feed_params how = {.on_logits = on_logits, .user = &c};
    TRY(aeon_session_feed(w->peer.session, ids + n_prompt - 1, a->n_tokens, &how, err));
    a->n_agreed = c.n_agreed;
    return AEON_OK;
}

static aeon_status ask(worker *w, size_t i, aeon_error *err)
{
    run *r = w->run;
    aeon_eval *e = r->eval;
    for (size_t k = 0; k < e->n_samples; k++) {
        ae_answer *a = &e->answers[i * e->n_samples + k];
        TRY(aeon_text_append(&a->text, "", 0, err)); /* an empty answer is "", not NULL */
        TRY(feed(w, w->seat.session, r->prompts.ids + r->starts[i], r->starts[i + 1] - r->starts[i],
                 err));
        TRY(answer(w, a, seed_of(r->params->seed, r->suite->questions[i].line, k), err));
        if (atomic_load(&r->is_over)) return AEON_CANCELLED;
        TRY(aeon_suite_judge(r->suite, i, a->text.data, a->text.len, &a->verdict, err));
        if (r->params->against) TRY(compare(w, a, err));
    }
    e->is_answered[i] = true;
    atomic_fetch_add(&r->n_answered, 1);
    return AEON_OK;
}

/* ---- workers --------------------------------------------------------------------------------- */

static void work(void *user, ae_member member)
{
    run *r = user;
    worker *w = &r->workers[member.index];
    while (goes_on(w)) {
        size_t i = atomic_fetch_add(&r->next, 1);
        if (i >= r->suite->n) return;
        w->status = ask(w, i, &w->err);
        if (w->status != AEON_OK) atomic_store(&r->is_over, true);
    }
}

static aeon_status open_seat(seat *s, const run *r, const aeon_model *model, int n_threads,
                             aeon_error *err)
{
    size_t n_ctx_max = aeon_model_describe(model)->n_ctx_max;
    aeon_engine_params how = aeon_engine_params_default();
    how.n_threads = n_threads;
    how.has_prefixes = false; /* no two questions begin alike */
    if (r->params->has_kv_type) how.kv_type = r->params->kv_type;
    how.n_kv_tokens = r->n_max < n_ctx_max - r->n_longest ? r->n_longest + r->n_max : n_ctx_max;
    TRY(aeon_engine_new(&s->engine, model, &how, err));
    aeon_session_params longest = {.n_ctx = how.n_kv_tokens};
    return aeon_session_new(&s->session, s->engine, &longest, err);
}

static void close_seat(seat *s)
{
    aeon_session_free(s->session);
    aeon_engine_free(s->engine);
}

static aeon_status open_workers(run *r, int n_threads, aeon_error *err)
{
    r->workers = ae_mem_alloc_array(AE_MEM_OTHER, (size_t)r->n_workers, sizeof *r->workers);
    if (!r->workers) return ae_fail_memory(err, sizeof *r->workers, "the workers");
    for (int i = 0; i < r->n_workers; i++) {
        worker *w = &r->workers[i];
        w->run = r;
        w->index = i;
        TRY(open_seat(&w->seat, r, r->model, n_threads, err));
        if (r->params->against) TRY(open_seat(&w->peer, r, r->params->against, n_threads, err));
    }
    return AEON_OK;
}

static void close_workers(run *r)
{
    for (int i = 0; i < r->n_workers && r->workers; i++) {
        close_seat(&r->workers[i].seat);
        close_seat(&r->workers[i].peer);
    }
    ae_mem_free(r->workers);
}

/* The first failure of any worker; an interrupted one did not fail. */
static aeon_status result_of(const run *r, aeon_error *err)
{
    for (int i = 0; i < r->n_workers; i++) {
        const worker *w = &r->workers[i];
        if (w->status != AEON_OK && w->status != AEON_CANCELLED)
            return ae_fail(err, w->status, "%s", w->err.text);
    }
    return AEON_OK;
}

static aeon_status run_all(run *r, aeon_error *err)
{
    ae_pool *pool;
    TRY(encode_all(r, err));
    int n_threads = r->params->n_threads ? r->params->n_threads : ae_pool_default_threads();
    bool is_small = aeon_model_describe(r->model)->step_bytes <= SMALL_MODEL_BYTES;
    r->n_workers = !is_small ? 1 : (size_t)n_threads < r->suite->n ? n_threads : (int)r->suite->n;
    TRY(ae_pool_new(&pool, r->n_workers, err));
    aeon_status status = open_workers(r, is_small ? 1 : n_threads, err);
    if (status == AEON_OK) {
        ae_pool_run(pool, work, r);
        status = result_of(r, err);
    }
    close_workers(r);
    ae_pool_free(pool);
    return status;
}

/* ---- the run --------------------------------------------------------------------------------- */

aeon_status ae_check_vocabulary(const aeon_tokenizer *a, const aeon_tokenizer *b, aeon_error *err)
{
    size_t n = aeon_tokenizer_n_vocab(a);
    aeon_text texts[2] = {{0}, {0}};
    aeon_status status = AEON_OK;
    if (aeon_tokenizer_n_vocab(b) != n)
        return ae_fail(err, AEON_MISMATCH,
                       "the model to compare with has another vocabulary: %zu tokens, not %zu",
                       aeon_tokenizer_n_vocab(b), n);
    for (int32_t id = 0; status == AEON_OK && (size_t)id < n; id++) {
        texts[0].len = texts[1].len = 0;
        status = aeon_tokenizer_decode(a, &id, 1, true, &texts[0], err);
        if (status == AEON_OK) status = aeon_tokenizer_decode(b, &id, 1, true, &texts[1], err);
        if (status == AEON_OK && (texts[0].len != texts[1].len ||
                                  memcmp(texts[0].data, texts[1].data, texts[0].len) != 0))
            status = ae_fail(err, AEON_MISMATCH,
                             "the model to compare with has another vocabulary: token %d differs",
                             (int)id);
    }
    aeon_text_release(&texts[0]);
    aeon_text_release(&texts[1]);
    return status;
}

static aeon_status check_call(const aeon_model *model, const aeon_suite *suite,
                              const aeon_eval_params *p, aeon_error *err)
{
    if (p->n_samples > AE_MAX_SAMPLES)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%zu samples: choose 1 to %d", p->n_samples,
                       AE_MAX_SAMPLES);
    if (p->n_threads < 0 || p->n_threads > AE_POOL_MAX_THREADS)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%d threads: choose 1 to %d", p->n_threads,
                       AE_POOL_MAX_THREADS);
    if (p->against && p->n_samples)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "models are compared on greedy answers alone");
    if (suite->n == 0) return ae_fail(err, AEON_INVALID_ARGUMENT, "a suite without questions");
    if (!p->against) return AEON_OK;
    if (aeon_model_describe(p->against)->n_ctx_max < aeon_model_describe(model)->n_ctx_max)
        return ae_fail(
            err, AEON_MISMATCH, "the model to compare with holds %u tokens, the model asked %u",
            aeon_model_describe(p->against)->n_ctx_max, aeon_model_describe(model)->n_ctx_max);
    return ae_check_vocabulary(aeon_model_tokenizer(model), aeon_model_tokenizer(p->against), err);
}

static aeon_status new_eval(aeon_eval **out, const aeon_suite *suite, size_t n_samples,
                            aeon_error *err)
{
    aeon_eval *e = ae_mem_alloc(AE_MEM_OTHER, sizeof *e);
    if (!e) return ae_fail_memory(err, sizeof *e, "the answers");
    e->suite = suite;
    e->n_samples = n_samples ? n_samples : 1;
    e->answers = ae_mem_alloc_array(AE_MEM_OTHER, suite->n * e->n_samples, sizeof *e->answers);
    e->is_answered = ae_mem_alloc_array(AE_MEM_OTHER, suite->n, sizeof *e->is_answered);
    if (!e->answers || !e->is_answered) {
        aeon_eval_free(e);
        return ae_fail_memory(err, suite->n * sizeof *e->answers, "the answers");
    }
    *out = e;
    return AEON_OK;
}

void aeon_eval_free(aeon_eval *e)
{
    if (!e) return;
    for (size_t i = 0; e->answers && i < e->suite->n * e->n_samples; i++)
        aeon_text_release(&e->answers[i].text);
    ae_mem_free(e->answers);
    ae_mem_free(e->is_answered);
    ae_mem_free(e);
}

aeon_status aeon_eval_run(aeon_eval **out, const aeon_model *model, const aeon_suite *suite,
                          const aeon_eval_params *params, aeon_error *err)
{
    static const aeon_eval_params defaults;
    run r = {.model = model, .suite = suite, .params = params ? params : &defaults};
    TRY(check_call(model, suite, r.params, err));
    TRY(new_eval(&r.eval, suite, r.params->n_samples, err));
    r.n_max = r.params->n_max ? r.params->n_max : DEFAULT_TOKENS;
    aeon_status status = run_all(&r, err);
    aeon_tokens_release(&r.prompts);
    ae_mem_free(r.starts);
    if (status != AEON_OK) {
        aeon_eval_free(r.eval);
        return status;
    }
    *out = r.eval;
    return AEON_OK;
}
