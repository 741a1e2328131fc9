/* attention.c
 *
 * Notation: H = n_heads, G = n_kv_heads, D = head_dim; the R = H / G query heads that share a
 * key/value head are answered together, so that each key is read once for all of them.
 *
 * A query keeps, over the runs so far, the largest score `max`, the `sum` of exp(score - max), and
 * the values weighted with these; where a run has a larger score, what was before fades. */
#include "model/attention.h"

#include <math.h>
#include <string.h>

/* Tokens of a tile, which one member does at a time; queries that meet a run at once, so that they
 * stay in the first cache together with it. */
enum { MOST_TOKENS = 64, LEAST_TOKENS = 16, AT_ONCE = 16 };

/* The work of one member: the tokens [begin, end) of the batch under one key/value head. Query i is
 * that of token begin + i / R; there are R for each token. */
typedef struct {
    const ae_attention *a;
    size_t layer, head, begin, end;
    float *queries;   /* [MOST_TOKENS R][D] */
    float *mixed;     /* [MOST_TOKENS R][D] values, weighted by exp(score - max) */
    float *max, *sum; /* [MOST_TOKENS R] of the scores so far, and of those weights */
    float *scores;    /* [AT_ONCE][AE_KV_RUN] */
    float *keep;      /* [AT_ONCE] what a run leaves of the mixture before it */
    float *expanded;  /* [2][AE_KV_RUN][D] keys and values of a type without kernels of its own */
} tile;

/* A run of keys and values as the kernels take them. */
typedef struct {
    const char *keys, *values;
    size_t row_bytes;
    aeon_type type;
    size_t pos;
} run;

static size_t n_group(const ae_config *c)
{
    return c->n_heads / c->n_kv_heads;
}

size_t ae_attention_scratch(const ae_config *c)
{
    size_t n_queries = MOST_TOKENS * n_group(c);
    return 2 * n_queries * (c->head_dim + 1) + AT_ONCE * (AE_KV_RUN + 1) +
           2 * (size_t)AE_KV_RUN * c->head_dim;
}

static void place_scratch(tile *t, float *scratch)
{
    size_t d = t->a->config->head_dim, n_queries = MOST_TOKENS * n_group(t->a->config);
    t->queries = scratch;
    t->mixed = t->queries + n_queries * d;
    t->max = t->mixed + n_queries * d;
    t->sum = t->max + n_queries;
    t->scores = t->sum + n_queries;
    t->keep = t->scores + AT_ONCE * AE_KV_RUN;
    t->expanded = t->keep + AT_ONCE;
}

/* ---- queries against a run ------------------------------------------------------------------- */

/* n <= AT_ONCE queries from the first against these keys of the run. */
static void attend_few(const tile *t, size_t first, size_t n, const run *r, ae_range seen)
{
    const ae_kernels *k = t->a->kernels;
    size_t d = t->a->config->head_dim, n_keys = seen.end - seen.begin;
    const char *key = r->keys + seen.begin * r->row_bytes;
    for (size_t i = 0; i < n_keys; i++, key += r->row_bytes)
        k->dot[r->type](t->scores + i, AE_KV_RUN, key, t->queries + first * d, d * sizeof(float), n,
                        d);
    for (size_t q = 0; q < n; q++) {
        float *max = &t->max[first + q], *sum = &t->sum[first + q], before = *max;
        float run_sum = k->softmax_part(t->scores + q * AE_KV_RUN, n_keys, max);
        t->keep[q] = expf(before - *max);
        *sum = *sum * t->keep[q] + run_sum;
    }
    k->mix[r->type](t->mixed + first * d, t->keep, r->values + seen.begin * r->row_bytes,
                    r->row_bytes, n_keys, t->scores, AE_KV_RUN, n, d);
}

/* The tokens [begin, end) against these keys. */
static void attend(const tile *t, ae_range tokens, const run *r, ae_range seen)
{
    size_t group = n_group(t->a->config), end = (tokens.end - t->begin) * group;
    for (size_t q = (tokens.begin - t->begin) * group; q < end; q += AT_ONCE)
        attend_few(t, q, end - q < AT_ONCE ? end - q : AT_ONCE, r, seen);
}

/* What a token sees of the run: nothing if begin >= end. */
static ae_range seen_of(const tile *t, size_t token, const run *r)
{
    size_t n_window = t->a->config->n_window, n = (size_t)t->a->places[token].pos + 1;
    size_t oldest = n_window && n > n_window ? n - n_window : 0;
    ae_range seen = {oldest > r->pos ? oldest - r->pos : 0, n > r->pos ? n - r->pos : 0};
    if (seen.end > AE_KV_RUN) seen.end = AE_KV_RUN;
    return seen;
}

/* ---- the runs of a tile ---------------------------------------------------------------------- */

/* Where the tokens of a span lie in the tile. */
static ae_range tokens_of(const tile *t, size_t span)
{
    ae_range r = {t->begin, t->end};
    while (t->a->places[r.begin].span != span) r.begin++;
    r.end = r.begin;
    while (r.end < t->end && t->a->places[r.end].span == span) r.end++;
    return r;
}

/* The run at a position of a span's timeline. n: how many of its keys anyone sees. */
static run run_at(const tile *t, const ae_span *s, size_t pos, size_t n)
{
    const ae_kv_arena *arena = s->kv->arena;
    const ae_dtype *type = ae_dtype_get(ae_kv_arena_type(arena));
    ae_kv_rows rows = ae_kv_rows_at(s->kv, t->layer, t->head, pos);
    run r = {rows.keys, rows.values, ae_kv_row_bytes(arena), ae_kv_arena_type(arena), pos};
    if (t->a->kernels->mix[r.type]) return r;
    size_t d = t->a->config->head_dim;
    float *keys = t->expanded, *values = keys + AE_KV_RUN * d;
    for (size_t i = 0; i < n; i++) {
        type->to_f32(rows.keys + i * r.row_bytes, keys + i * d, d);
        type->to_f32(rows.values + i * r.row_bytes, values + i * d, d);
    }
    return (run){(char *)keys, (char *)values, d * sizeof(float), AEON_TYPE_F32, pos};
}

/* A span of the tile while its runs are walked. */
typedef struct {
    const ae_span *span;
    ae_range tokens;
    size_t end; /* positions that its last token sees */
    ae_kv_page page;
} walker;

/* Bring those who stand on the same page together; those who have arrived go to the end. Returns
 * how many still walk. Forks stay in order for as long as they share pages. */
static size_t line_up(walker *w, size_t n, size_t pos)
{
    for (size_t i = 0; i < n; i++) {
        size_t i_page = pos / ae_kv_arena_page_tokens(w[i].span->kv->arena);
        w[i].page = w[i].end > pos ? w[i].span->kv->pages[i_page] : UINT32_MAX;
    }
    for (size_t i = 1; i < n; i++) {
        walker moved = w[i];
        size_t at = i;
        for (; at > 0 && w[at - 1].page > moved.page; at--) w[at] = w[at - 1];
        w[at] = moved;
    }
    while (n && w[n - 1].page == UINT32_MAX) n--;
    return n;
}

/* The tokens of n walkers on one page: neighbours that see the same keys go together. */
static void attend_page(const tile *t, const walker *w, size_t n, size_t pos)
{
    size_t end = 0;
    for (size_t i = 0; i < n; i++) end = w[i].end > end ? w[i].end : end;
    run r = run_at(t, w->span, pos, end - pos < AE_KV_RUN ? end - pos : AE_KV_RUN);
    ae_range together = {0, 0};
    ae_range same = {0, 0};
    for (size_t i = 0; i < n; i++)
        for (size_t token = w[i].tokens.begin; token < w[i].tokens.end; token++) {
            ae_range seen = seen_of(t, token, &r);
            if (seen.begin >= seen.end) continue;
            bool joins = token == together.end && seen.begin == same.begin && seen.end == same.end;
            if (!joins) {
                attend(t, together, &r, same);
                together.begin = token;
                same = seen;
            }
            together.end = token + 1;
        }
    attend(t, together, &r, same);
}

static size_t find_walkers(const tile *t, walker *w)
{
    size_t n = 0, last = t->a->places[t->end - 1].span;
    for (size_t s = t->a->places[t->begin].span; s <= last; s++) {
        ae_range tokens = tokens_of(t, s);
        size_t end = (size_t)t->a->places[tokens.end - 1].pos + 1;
        w[n++] = (walker){&t->a->batch->spans[s], tokens, end, 0};
    }
    return n;
}

/* The first run that any token of the tile sees. */
static size_t first_run(const tile *t)
{
    size_t n_window = t->a->config->n_window, first = SIZE_MAX;
    if (!n_window) return 0;
    for (size_t i = t->begin; i < t->end; i++) {
        size_t seen = (size_t)t->a->places[i].pos + 1,
               oldest = seen > n_window ? seen - n_window : 0;
        if (oldest < first) first = oldest;
    }
    return first / AE_KV_RUN * AE_KV_RUN;
}

/* The R queries, or results, of token i. */
static size_t first_of(const tile *t, size_t i)
{
    const ae_config *c = t->a->config;
    return (i * c->n_heads + t->head * n_group(c)) * c->head_dim;
}

static void begin_tile(const tile *t)
{
    const ae_config *c = t->a->config;
    size_t n_floats = n_group(c) * c->head_dim, n = (t->end - t->begin) * n_group(c);
    for (size_t i = 0; i < n; i++) {
        t->max[i] = -INFINITY;
        t->sum[i] = 0;
    }
    memset(t->mixed, 0, n * c->head_dim * sizeof *t->mixed);
    for (size_t i = t->begin; i < t->end; i++)
        memcpy(t->queries + (i - t->begin) * n_floats, t->a->queries + first_of(t, i),
               n_floats * sizeof *t->queries);
}

static void end_tile(const tile *t)
{
    const ae_config *c = t->a->config;
    size_t group = n_group(c), d = c->head_dim;
    for (size_t i = t->begin; i < t->end; i++)
        for (size_t h = 0; h < group; h++) {
            size_t q = (i - t->begin) * group + h;
            const float *mixed = t->mixed + q * d;
            float *out = t->a->out + first_of(t, i) + h * d, scale = 1 / t->sum[q];
            for (size_t k = 0; k < d; k++) out[k] = mixed[k] * scale;
        }
}

static void attend_tile(const tile *t)
{
    walker walkers[MOST_TOKENS];
    size_t n = find_walkers(t, walkers);
    begin_tile(t);
    for (size_t pos = first_run(t); (n = line_up(walkers, n, pos)) > 0; pos += AE_KV_RUN)
        for (size_t i = 0, same; i < n; i += same) {
            for (same = 1; i + same < n && walkers[i + same].page == walkers[i].page;) same++;
            attend_page(t, walkers + i, same, pos);
        }
    end_tile(t);
}

/* ---- sharing the work ------------------------------------------------------------------------ */

/* Large enough that forks meet in a tile, small enough that every thread has a few. */
static size_t tile_tokens(const ae_attention *a, int n_threads)
{
    size_t n = a->n_tokens * a->config->n_kv_heads / (4 * (size_t)n_threads);
    return n > MOST_TOKENS ? MOST_TOKENS : n < LEAST_TOKENS ? LEAST_TOKENS : n;
}

size_t ae_attention_n_parts(const ae_attention *a, int n_threads)
{
    size_t n_tile = tile_tokens(a, n_threads);
    return (a->n_tokens + n_tile - 1) / n_tile * a->config->n_kv_heads;
}

ae_attention_part ae_attention_part_at(const ae_attention *a, int n_threads, size_t i)
{
    size_t n_tile = tile_tokens(a, n_threads), n_heads = a->config->n_kv_heads;
    size_t begin = i / n_heads * n_tile, end = begin + n_tile;
    return (ae_attention_part){i % n_heads, {begin, end < a->n_tokens ? end : a->n_tokens}};
}

void ae_attention_run(const ae_attention *a, size_t layer, ae_attention_part part, float *scratch)
{
    tile t = {.a = a,
              .layer = layer,
              .head = part.head,
              .begin = part.tokens.begin,
              .end = part.tokens.end};
    place_scratch(&t, scratch);
    attend_tile(&t);
}
