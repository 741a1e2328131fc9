/* sampler.c - from logits to one token.
 *
 * The order is fixed: bias and penalties on the logits; temperature; then the tail is cut by top-k,
 * min-p and top-p, each on the probabilities of what is left before it; then one draw.
 *
 * Few tokens have a bias or a penalty. They are `changed`: taken aside, and weighed one by one with
 * what their logits become; of the others only those are looked at whose peak (model/logits.h)
 * promises something. */
#include "engine/engine.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int32_t id;
    float logit;
    double p; /* not normalized: exp(logit - best) */
} candidate;

/* A token whose logit is changed before it is weighed. */
typedef struct {
    int32_t id;
    float logit;
} changed_token;

struct aeon_sampler {
    aeon_sampler_params params;
    size_t n_vocab;
    aeon_logit_bias *bias;
    candidate *candidates;  /* [most_candidates] */
    changed_token *changed; /* [penalty_window + n_bias], each token once */
    size_t n_changed;
    uint32_t *places; /* [n_vocab] 1 + the place in changed; 0: as it came */
    float *peaks;     /* of logits that came without */
    int32_t *window;  /* [penalty_window] the last tokens, a ring */
    size_t n_seen;    /* accepted so far */
    uint16_t *counts; /* [n_vocab] how often each stands in the window */
    uint64_t random[2];
};

aeon_sampler_params aeon_sampler_params_default(void)
{
    return (aeon_sampler_params){
        .temperature = 0.7f,
        .top_k = 40,
        .top_p = 0.95f,
        .min_p = 0.05f,
        .repeat_penalty = 1.0f,
        .penalty_window = 64,
    };
}

/* ---- birth and death ------------------------------------------------------------------------- */

static aeon_status check_params(const aeon_sampler_params *p, size_t n_vocab, aeon_error *err)
{
    const struct {
        const char *name;
        double value, min, max;
    } fields[] = {
        {"temperature", (double)p->temperature, 0, 1e6},
        {"top-k", p->top_k, 0, 1e9},
        {"top-p", (double)p->top_p, 0, 1},
        {"min-p", (double)p->min_p, 0, 1},
        {"repeat penalty", (double)p->repeat_penalty, 1e-6, 1e6},
        {"presence penalty", (double)p->presence_penalty, -1e6, 1e6},
        {"frequency penalty", (double)p->frequency_penalty, -1e6, 1e6},
        {"penalty window", p->penalty_window, 0, UINT16_MAX},
    };
    for (size_t i = 0; i < AE_COUNT(fields); i++)
        if (!(fields[i].value >= fields[i].min && fields[i].value <= fields[i].max))
            return ae_fail(err, AEON_INVALID_ARGUMENT, "%s is %g; it must be %g to %g",
                           fields[i].name, fields[i].value, fields[i].min, fields[i].max);
    if (n_vocab < 1 || n_vocab > INT32_MAX)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "a vocabulary of %zu tokens", n_vocab);
    for (size_t i = 0; i < p->n_bias; i++)
        if (p->bias[i].id < 0 || (size_t)p->bias[i].id >= n_vocab || isnan(p->bias[i].bias))
            return ae_fail(err, AEON_INVALID_ARGUMENT,
                           "logit bias for token %d; the vocabulary has 0 to %zu", p->bias[i].id,
                           n_vocab - 1);
    return AEON_OK;
}

static size_t most_candidates(const aeon_sampler_params *p, size_t n_vocab)
{
    return p->top_k > 0 && (size_t)p->top_k < n_vocab ? (size_t)p->top_k : n_vocab;
}

static aeon_status allocate(aeon_sampler *s, aeon_error *err)
{
    const aeon_sampler_params *p = &s->params;
    size_t n_window = (size_t)p->penalty_window, n_vocab = s->n_vocab;
    size_t n_most = most_candidates(p, n_vocab);
    s->bias = ae_mem_alloc_array(AE_MEM_SCRATCH, p->n_bias, sizeof *s->bias);
    s->candidates = ae_mem_alloc_array(AE_MEM_SCRATCH, n_most, sizeof *s->candidates);
    s->changed = ae_mem_alloc_array(AE_MEM_SCRATCH, n_window + p->n_bias, sizeof *s->changed);
    s->places = ae_mem_alloc_array(AE_MEM_SCRATCH, n_vocab, sizeof *s->places);
    s->peaks = ae_mem_alloc_array(AE_MEM_SCRATCH, ae_logits_n_peaks(n_vocab), sizeof *s->peaks);
    s->window = ae_mem_alloc_array(AE_MEM_SCRATCH, n_window, sizeof *s->window);
    s->counts = ae_mem_alloc_array(AE_MEM_SCRATCH, n_vocab, sizeof *s->counts);
    if (s->bias && s->candidates && s->changed && s->places && s->peaks && s->window && s->counts)
        return AEON_OK;
    return ae_fail_memory(err, n_most * sizeof *s->candidates, "a sampler");
}

aeon_status aeon_sampler_new(aeon_sampler **out, const aeon_sampler_params *params, size_t n_vocab,
                             aeon_error *err)
{
    TRY(check_params(params, n_vocab, err));
    aeon_sampler *s = ae_mem_alloc(AE_MEM_SCRATCH, sizeof *s);
    if (!s) return ae_fail_memory(err, sizeof *s, "a sampler");
    s->params = *params;
    s->n_vocab = n_vocab;
    aeon_status status = allocate(s, err);
    if (status != AEON_OK) {
        aeon_sampler_free(s);
        return status;
    }
    if (params->n_bias) memcpy(s->bias, params->bias, params->n_bias * sizeof *s->bias);
    aeon_sampler_reset(s);
    *out = s;
    return AEON_OK;
}

void aeon_sampler_free(aeon_sampler *s)
{
    if (!s) return;
    ae_mem_free(s->bias);
    ae_mem_free(s->candidates);
    ae_mem_free(s->changed);
    ae_mem_free(s->places);
    ae_mem_free(s->peaks);
    ae_mem_free(s->window);
    ae_mem_free(s->counts);
    ae_mem_free(s);
}

/* ---- the random generator: xoroshiro128+ (Blackman, Vigna), seeded by splitmix64 ------------- */

static uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
}

static uint64_t rotate_left(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

/* Uniform in [0, 1). */
static double draw(aeon_sampler *s)
{
    uint64_t a = s->random[0], b = s->random[1], sum = a + b;
    b ^= a;
    s->random[0] = rotate_left(a, 24) ^ b ^ (b << 16);
    s->random[1] = rotate_left(b, 37);
    return (double)(sum >> 11) * 0x1p-53;
}

/* ---- penalties ------------------------------------------------------------------------------- */

void aeon_sampler_reset(aeon_sampler *s)
{
    uint64_t seed = s->params.seed;
    s->random[0] = splitmix(&seed);
    s->random[1] = splitmix(&seed);
    s->n_seen = 0;
    memset(s->counts, 0, s->n_vocab * sizeof *s->counts);
}

void aeon_sampler_accept(aeon_sampler *s, int32_t id)
{
    size_t n_window = (size_t)s->params.penalty_window;
    if (n_window == 0 || id < 0 || (size_t)id >= s->n_vocab) return;
    int32_t *slot = &s->window[s->n_seen % n_window];
    if (s->n_seen >= n_window) s->counts[*slot]--;
    *slot = id;
    s->counts[id]++;
    s->n_seen++;
}

static float or_nothing(float x)
{
    return isnan(x) ? -INFINITY : x;
}

static bool has_penalties(const aeon_sampler_params *p)
{
    return p->repeat_penalty != 1 || p->presence_penalty != 0 || p->frequency_penalty != 0;
}

/* The token among those that are changed, with the logit that it has there so far. */
static float *change(aeon_sampler *s, int32_t id, const float *logits)
{
    uint32_t *place = &s->places[id];
    if (!*place) {
        s->changed[s->n_changed] = (changed_token){id, or_nothing(logits[id])};
        *place = (uint32_t)++s->n_changed;
    }
    return &s->changed[*place - 1].logit;
}

/* Find the changed tokens. NaN counts as -infinity, also where it is the sum of opposite
 * infinities. */
static void change_all(aeon_sampler *s, const float *logits)
{
    const aeon_sampler_params *p = &s->params;
    size_t n_window = s->n_seen < (size_t)p->penalty_window ? s->n_seen : (size_t)p->penalty_window;
    for (size_t i = 0; i < p->n_bias; i++) {
        float *l = change(s, s->bias[i].id, logits);
        *l = or_nothing(*l + s->bias[i].bias);
    }
    if (!has_penalties(p)) return;
    for (size_t i = 0; i < n_window; i++) change(s, s->window[i], logits);
    for (size_t i = 0; i < s->n_changed; i++) {
        float *l = &s->changed[i].logit;
        uint16_t count = s->counts[s->changed[i].id];
        if (count == 0) continue;
        *l = *l > 0 ? *l / p->repeat_penalty : *l * p->repeat_penalty;
        *l -= p->presence_penalty + (float)count * p->frequency_penalty;
    }
}

static void forget_changes(aeon_sampler *s)
{
    for (size_t i = 0; i < s->n_changed; i++) s->places[s->changed[i].id] = 0;
    s->n_changed = 0;
}

/* ---- picking --------------------------------------------------------------------------------- */

/* Best first; the lower id on ties, so that the order is total. */
static int by_rank(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->logit != y->logit) return x->logit < y->logit ? 1 : -1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static bool ranks_before(candidate a, candidate b)
{
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

/* The best k of what was offered: a heap whose root is the worst kept. What is below the floor
 * cannot enter: at first the caller's, and the root's logit once there are k. */
typedef struct {
    candidate *heap; /* [k] */
    size_t n, k;
    float floor;
} best;

static void offer(best *b, int32_t id, float logit)
{
    candidate c = {id, logit, 0};
    size_t at;
    if (logit < b->floor) return;
    if (b->n < b->k) {
        at = b->n++;
        for (size_t up; at > 0 && ranks_before(b->heap[up = (at - 1) / 2], c); at = up)
            b->heap[at] = b->heap[up];
    } else {
        if (!ranks_before(c, b->heap[0])) return;
        at = 0;
        for (size_t down; (down = 2 * at + 1) < b->n; at = down) {
            if (down + 1 < b->n && ranks_before(b->heap[down], b->heap[down + 1])) down++;
            if (!ranks_before(c, b->heap[down])) break;
            b->heap[at] = b->heap[down];
        }
    }
    b->heap[at] = c;
    if (b->n == b->k) b->floor = b->heap[0].logit;
}

/* Keep the best k that are not below the floor in heap. Returns how many there are. */
static size_t keep_best(const aeon_sampler *s, const float *logits, const float *peaks, size_t k,
                        float floor, candidate *heap)
{
    best b = {heap, 0, k, floor};
    for (size_t i = 0; i < s->n_changed; i++) offer(&b, s->changed[i].id, s->changed[i].logit);
    for (size_t first = 0; first < s->n_vocab; first += AE_PEAK_LOGITS) {
        if (peaks[first / AE_PEAK_LOGITS] < b.floor) continue;
        size_t end = first + AE_PEAK_LOGITS < s->n_vocab ? first + AE_PEAK_LOGITS : s->n_vocab;
        for (size_t i = first; i < end; i++)
            if (!s->places[i]) offer(&b, (int32_t)i, or_nothing(logits[i]));
    }
    return b.n;
}

/* Draw one of n candidates, after those that are too unlikely are gone. */
static int32_t draw_candidate(aeon_sampler *s, size_t n)
{
    const aeon_sampler_params *p = &s->params;
    double sum = 0, kept = 0, reached = 0, best_logit;
    qsort(s->candidates, n, sizeof *s->candidates, by_rank);
    best_logit = (double)s->candidates[0].logit;
    for (size_t i = 0; i < n; i++) {
        candidate *c = &s->candidates[i];
        c->p = exp(((double)c->logit - best_logit) / (double)p->temperature);
        if (i > 0 && c->p < (double)p->min_p) {
            n = i;
            break;
        }
        sum += c->p;
    }
    for (size_t i = 0; i < n; i++) {
        kept += s->candidates[i].p;
        if (kept >= (double)p->top_p * sum) {
            n = i + 1;
            break;
        }
    }
    double target = draw(s) * kept;
    for (size_t i = 0; i < n; i++) {
        reached += s->candidates[i].p;
        if (reached > target) return s->candidates[i].id;
    }
    return s->candidates[n - 1].id;
}

static int32_t pick(aeon_sampler *s, const float *logits, const float *peaks)
{
    const aeon_sampler_params *p = &s->params;
    candidate first;
    keep_best(s, logits, peaks, 1, -INFINITY, &first);
    if (p->temperature == 0 || !isfinite(first.logit))
        return first.id; /* 0 where nothing is above -infinity */
    /* What can survive min-p, unless top-k comes before. */
    size_t k = most_candidates(p, s->n_vocab);
    bool has_floor = k == s->n_vocab && p->min_p > 0;
    float least = has_floor ? first.logit + logf(p->min_p) * p->temperature : -INFINITY;
    size_t n = keep_best(s, logits, peaks, k, least, s->candidates);
    return draw_candidate(s, n);
}

size_t ae_sampler_n_vocab(const aeon_sampler *s)
{
    return s->n_vocab;
}

int32_t ae_sampler_pick(aeon_sampler *s, const float *logits, const float *peaks)
{
    change_all(s, logits);
    int32_t id = pick(s, logits, peaks);
    forget_changes(s);
    return id;
}

int32_t aeon_sampler_pick(aeon_sampler *s, const float *logits)
{
    ae_logits_find_peaks(logits, s->n_vocab, s->peaks);
    return ae_sampler_pick(s, logits, s->peaks);
}
