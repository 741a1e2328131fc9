/* attention.c
 *
 * Notation: H = n_heads, G = n_kv_heads, D = head_dim; the R = H / G query heads that share a
 * key/value head are answered together, so that each key is read once for all of them.
 *
 * A query keeps, over the runs so far, the largest score `max`, the `sum` of exp(score - max), and
 * the values weighted with these; a run is worked out alone and then merged. */
#include "model/attention.h"

#include <math.h>
#include <string.h>

enum { MOST_TOKENS = 64, LEAST_TOKENS = 16 }; /* of a tile: what one member does at a time */

/* The work of one member: the tokens [begin, end) of the batch under one key/value head. */
typedef struct {
    const ae_attention *a;
    size_t layer, head, begin, end;
    float *scores;    /* [R][AE_KV_RUN] */
    float *part;      /* [D] */
    float *expanded;  /* [2][AE_KV_RUN][D] keys and values of a type without kernels of its own */
    float *max, *sum; /* [MOST_TOKENS][R] */
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
    return (size_t)AE_KV_RUN * (n_group(c) + 2 * c->head_dim) + c->head_dim +
           2 * MOST_TOKENS * n_group(c);
}

static void place_scratch(tile *t, float *scratch)
{
    const ae_config *c = t->a->config;
    t->scores = scratch;
    t->expanded = t->scores + n_group(c) * AE_KV_RUN;
    t->part = t->expanded + 2 * (size_t)AE_KV_RUN * c->head_dim;
    t->max = t->part + c->head_dim;
    t->sum = t->max + MOST_TOKENS * n_group(c);
}

/* ---- one token, one run ---------------------------------------------------------------------- */

/* Add a run's values, weighted under its own maximum, to those of the runs before. */
static void merge(const tile *t, float *out, float *max, float *sum, float run_max, float run_sum)
{
    size_t d = t->a->config->head_dim;
    float weight = 1;
    if (run_max > *max) {
        float fade = expf(*max - run_max);
        for (size_t i = 0; i < d; i++) out[i] *= fade;
        *sum *= fade;
        *max = run_max;
    } else {
        weight = expf(run_max - *max);
    }
    t->a->kernels->axpy[AEON_TYPE_F32](out, t->part, weight, d);
    *sum += weight * run_sum;
}

/* The queries of one token against the keys [begin, end) of the run. */
static void attend(const tile *t, size_t token, const run *r, size_t begin, size_t end)
{
    const ae_config *c = t->a->config;
    const ae_kernels *k = t->a->kernels;
    size_t group = n_group(c), d = c->head_dim, first = t->head * group * d, n = end - begin;
    size_t qkv_row = ((size_t)c->n_heads + 2 * (size_t)c->n_kv_heads) * d;
    const float *q = t->a->qkv + token * qkv_row + first;
    for (size_t i = 0; i < n; i++)
        k->dot[r->type](t->scores + i, AE_KV_RUN, r->keys + (begin + i) * r->row_bytes, q,
                        d * sizeof(float), group, d);
    for (size_t h = 0; h < group; h++) {
        float *p = t->scores + h * AE_KV_RUN, run_max;
        float run_sum = k->softmax_part(p, n, &run_max);
        memset(t->part, 0, d * sizeof(float));
        for (size_t i = 0; i < n; i++)
            k->axpy[r->type](t->part, r->values + (begin + i) * r->row_bytes, p[i], d);
        size_t at = (token - t->begin) * group + h;
        merge(t, t->a->out + token * c->n_heads * d + first + h * d, &t->max[at], &t->sum[at],
              run_max, run_sum);
    }
}

/* The same, for as much of the run as the token sees. */
static void attend_seen(const tile *t, size_t token, const run *r)
{
    size_t n_window = t->a->config->n_window, seen = (size_t)t->a->places[token].pos + 1;
    size_t oldest = n_window && seen > n_window ? seen - n_window : 0;
    size_t begin = oldest > r->pos ? oldest - r->pos : 0;
    size_t end = seen > r->pos ? seen - r->pos : 0;
    if (end > AE_KV_RUN) end = AE_KV_RUN;
    if (begin < end) attend(t, token, r, begin, end);
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
    if (t->a->kernels->axpy[r.type]) return r;
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

static void attend_page(const tile *t, const walker *w, size_t n, size_t pos)
{
    size_t end = 0;
    for (size_t i = 0; i < n; i++) end = w[i].end > end ? w[i].end : end;
    run r = run_at(t, w->span, pos, end - pos < AE_KV_RUN ? end - pos : AE_KV_RUN);
    for (size_t i = 0; i < n; i++)
        for (size_t token = w[i].tokens.begin; token < w[i].tokens.end; token++)
            attend_seen(t, token, &r);
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

static void begin_tile(const tile *t)
{
    const ae_config *c = t->a->config;
    size_t group = n_group(c), d = c->head_dim, n = (t->end - t->begin) * group;
    for (size_t i = 0; i < n; i++) {
        t->max[i] = -INFINITY;
        t->sum[i] = 0;
    }
    for (size_t i = t->begin; i < t->end; i++)
        memset(t->a->out + (i * c->n_heads + t->head * group) * d, 0, group * d * sizeof(float));
}

static void end_tile(const tile *t)
{
    const ae_config *c = t->a->config;
    size_t group = n_group(c), d = c->head_dim;
    for (size_t i = t->begin; i < t->end; i++)
        for (size_t h = 0; h < group; h++) {
            float *out = t->a->out + (i * c->n_heads + t->head * group + h) * d;
            float scale = 1 / t->sum[(i - t->begin) * group + h];
            for (size_t k = 0; k < d; k++) out[k] *= scale;
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

/* Large enough that forks meet in a tile, small enough that every member has a few. */
static size_t tile_tokens(const ae_attention *a, ae_member m)
{
    size_t n = a->n_tokens * a->config->n_kv_heads / (4 * (size_t)m.n);
    return n > MOST_TOKENS ? MOST_TOKENS : n < LEAST_TOKENS ? LEAST_TOKENS : n;
}

void ae_attention_run(const ae_attention *a, size_t layer, float *scratch, ae_member m)
{
    size_t n_tile = tile_tokens(a, m), n_heads = a->config->n_kv_heads;
    size_t n_tiles = (a->n_tokens + n_tile - 1) / n_tile;
    tile t = {.a = a, .layer = layer};
    place_scratch(&t, scratch);
    for (size_t u = (size_t)m.index; u < n_tiles * n_heads; u += (size_t)m.n) {
        t.head = u % n_heads;
        t.begin = u / n_heads * n_tile;
        t.end = t.begin + n_tile < a->n_tokens ? t.begin + n_tile : a->n_tokens;
        attend_tile(&t);
    }
}
