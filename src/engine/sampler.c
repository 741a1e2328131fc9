/* sampler.c - from logits to one token.
 *
 * The order is fixed: bias and penalties on the logits; temperature; then the tail is cut by top-k,
 * min-p and top-p, each on the probabilities of what is left before it; then one draw. */
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

struct aeon_sampler {
    aeon_sampler_params params;
    size_t n_vocab;
    aeon_logit_bias *bias;
    candidate *candidates; /* [n_vocab] */
    float *logits;         /* [n_vocab] after bias and penalties */
    int32_t *window;       /* [penalty_window] the last tokens, a ring */
    size_t n_seen;         /* accepted so far */
    uint16_t *counts;      /* [n_vocab] how often each stands in the window */
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

aeon_status aeon_sampler_new(aeon_sampler **out, const aeon_sampler_params *params, size_t n_vocab,
                             aeon_error *err)
{
    TRY(check_params(params, n_vocab, err));
    aeon_sampler *s = ae_mem_alloc(AE_MEM_SCRATCH, sizeof *s);
    if (!s) return ae_fail_memory(err, sizeof *s, "a sampler");
    size_t n_window = (size_t)params->penalty_window;
    s->params = *params;
    s->n_vocab = n_vocab;
    s->bias = ae_mem_alloc_array(AE_MEM_SCRATCH, params->n_bias, sizeof *s->bias);
    s->candidates = ae_mem_alloc_array(AE_MEM_SCRATCH, n_vocab, sizeof *s->candidates);
    s->logits = ae_mem_alloc_array(AE_MEM_SCRATCH, n_vocab, sizeof *s->logits);
    s->window = ae_mem_alloc_array(AE_MEM_SCRATCH, n_window, sizeof *s->window);
    s->counts = ae_mem_alloc_array(AE_MEM_SCRATCH, n_vocab, sizeof *s->counts);
    if (!s->bias || !s->candidates || !s->logits || !s->window || !s->counts) {
        aeon_sampler_free(s);
        return ae_fail_memory(err, n_vocab * sizeof(candidate), "a sampler");
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
    ae_mem_free(s->logits);
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

/* s->logits = logits with bias and penalties. NaN counts as -infinity, also where it is the sum of
 * opposite infinities. */
static void adjust(aeon_sampler *s, const float *logits)
{
    const aeon_sampler_params *p = &s->params;
    for (size_t i = 0; i < s->n_vocab; i++) s->logits[i] = or_nothing(logits[i]);
    for (size_t i = 0; i < p->n_bias; i++) {
        float *l = &s->logits[s->bias[i].id];
        *l = or_nothing(*l + s->bias[i].bias);
    }
    if (p->repeat_penalty == 1 && p->presence_penalty == 0 && p->frequency_penalty == 0) return;
    for (size_t i = 0; i < s->n_vocab; i++) {
        if (s->counts[i] == 0) continue;
        float *l = &s->logits[i];
        *l = *l > 0 ? *l / p->repeat_penalty : *l * p->repeat_penalty;
        *l -= p->presence_penalty + (float)s->counts[i] * p->frequency_penalty;
    }
}

/* ---- picking --------------------------------------------------------------------------------- */

static int32_t largest(const float *logits, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (logits[i] > logits[best]) best = i;
    return (int32_t)best;
}

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

/* Keep the best k of s->logits in s->candidates, through a heap whose root is the worst kept. */
static size_t keep_best(aeon_sampler *s, size_t k)
{
    candidate *heap = s->candidates;
    size_t n = 0;
    for (size_t i = 0; i < s->n_vocab; i++) {
        candidate c = {(int32_t)i, s->logits[i], 0};
        size_t at;
        if (n < k) {
            at = n++;
            for (size_t up; at > 0 && ranks_before(heap[up = (at - 1) / 2], c); at = up)
                heap[at] = heap[up];
        } else {
            if (!ranks_before(c, heap[0])) continue;
            at = 0;
            for (size_t down; (down = 2 * at + 1) < n; at = down) {
                if (down + 1 < n && ranks_before(heap[down], heap[down + 1])) down++;
                if (!ranks_before(c, heap[down])) break;
                heap[at] = heap[down];
            }
        }
        heap[at] = c;
    }
    return n;
}

/* Everything that can survive min-p; without it, everything. */
static size_t keep_above(aeon_sampler *s, float least)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_vocab; i++)
        if (s->logits[i] >= least) s->candidates[n++] = (candidate){(int32_t)i, s->logits[i], 0};
    return n;
}

size_t ae_sampler_n_vocab(const aeon_sampler *s)
{
    return s->n_vocab;
}

int32_t aeon_sampler_pick(aeon_sampler *s, const float *logits)
{
    const aeon_sampler_params *p = &s->params;
    adjust(s, logits);
    int32_t best_id = largest(s->logits, s->n_vocab);
    float best = s->logits[best_id];
    if (p->temperature == 0 || !isfinite(best))
        return best_id; /* 0 where nothing is above -infinity */

    bool is_cut = p->top_k > 0 && (size_t)p->top_k < s->n_vocab;
    float least = p->min_p > 0 ? best + logf(p->min_p) * p->temperature : -INFINITY;
    size_t n = is_cut ? keep_best(s, (size_t)p->top_k) : keep_above(s, least);
    qsort(s->candidates, n, sizeof *s->candidates, by_rank);

    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        candidate *c = &s->candidates[i];
        c->p = exp(((double)c->logit - (double)best) / (double)p->temperature);
        if (i > 0 && c->p < (double)p->min_p) {
            n = i;
            break;
        }
        sum += c->p;
    }
    double kept = 0;
    for (size_t i = 0; i < n; i++) {
        kept += s->candidates[i].p;
        if (kept >= (double)p->top_p * sum) {
            n = i + 1;
            break;
        }
    }
    double target = draw(s) * kept, reached = 0;
    for (size_t i = 0; i < n; i++) {
        reached += s->candidates[i].p;
        if (reached > target) return s->candidates[i].id;
    }
    return s->candidates[n - 1].id;
}
