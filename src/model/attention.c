/* attention.c
 *
 * Notation: H = n_heads, G = n_kv_heads, D = head_dim; the R = H / G query heads that share a
 * key/value head are answered together, so that each key is read once for all of them.
 *
 * Keys and values stand in panels (kv.h), which queries meet as activations meet weights. That goes
 * chunk by chunk of CHUNK positions, in three steps: the scores of all queries against the keys,
 * the weights exp(score - max), and the values under these weights. A query keeps, over the chunks
 * so far, the largest score `max`, the `sum` of its weights, and the values mixed with them: its
 * share. Where a chunk has a larger score, what was before fades. Every stretch begins a new share,
 * and shares are merged in order: so several threads may answer stretches of one query, and the
 * result is the same as if one did it all. */
#include "model/attention.h"

#include "kernels/activations.h"

#include <math.h>
#include <string.h>

/* Tokens of a tile, which one member does at a time; positions that are softened at once. */
enum { MOST_TOKENS = 32, LEAST_TOKENS = 16, CHUNK = 8 * AE_KV_RUN, STRETCH = AE_ATTENTION_STRETCH };
_Static_assert(STRETCH % CHUNK == 0, "a stretch is whole chunks");

/* What some positions come to for queries. */
typedef struct {
    float *max, *sum; /* [queries] the largest score, and the weights exp(score - max) together */
    float *mixed;     /* [queries][D] values under those weights */
} share;

/* The work of one member: the tokens [begin, end) of the batch under one key/value head. Query i is
 * that of token begin + i / R; there are R for each token. */
typedef struct {
    const ae_attention *a;
    size_t layer, head, stretch, begin, end;
    aeon_type key_type, value_type; /* as they are multiplied */
    ae_acts queries;                /* [MOST_TOKENS R][D] */
    ae_acts weights;                /* [MOST_TOKENS R][CHUNK] */
    float *scores;                  /* [MOST_TOKENS R][CHUNK] */
    share now, all;                 /* of the stretch, and of those before it */
    float *expanded; /* [AE_KV_RUN][D] values of a type that is not multiplied as it is */
} tile;

static size_t n_group(const ae_config *c)
{
    return c->n_heads / c->n_kv_heads;
}

size_t ae_attention_scratch(const ae_config *c)
{
    size_t n_queries = MOST_TOKENS * n_group(c), d = c->head_dim;
    return n_queries * (d + 2 * CHUNK + 2 * (d + 2)) + AE_KV_RUN * d;
}

/* Share i of n_queries ones, which lie from a place on. */
static share share_at(float *at, size_t i, size_t n_queries, size_t d)
{
    at += i * n_queries * (d + 2);
    return (share){at, at + n_queries, at + 2 * n_queries};
}

static void place_scratch(tile *t, float *scratch)
{
    const ae_kernels *k = t->a->kernels;
    size_t d = t->a->config->head_dim, n_queries = MOST_TOKENS * n_group(t->a->config);
    t->scores = scratch + n_queries * d;
    float *shares = t->scores + 2 * n_queries * CHUNK;
    t->now = share_at(shares, 0, n_queries, d);
    t->all = share_at(shares, 1, n_queries, d);
    t->expanded = shares + 2 * n_queries * (d + 2);
    t->queries = (ae_acts){k->panel[t->key_type].act, scratch, 0, d};
    t->weights = (ae_acts){k->panel[t->value_type].act, t->scores + n_queries * CHUNK, 0, CHUNK};
}

/* ---- what is seen ---------------------------------------------------------------------------- */

/* Where a token's keys lie in the n_positions from pos on: nothing if begin >= end. */
static ae_range seen_of(const tile *t, size_t token, size_t pos, size_t n_positions)
{
    size_t n_window = t->a->config->n_window, n = (size_t)t->a->places[token].pos + 1;
    size_t oldest = n_window && n > n_window ? n - n_window : 0;
    ae_range seen = {oldest > pos ? oldest - pos : 0, n > pos ? n - pos : 0};
    if (seen.end > n_positions) seen.end = n_positions;
    return seen;
}

/* What any of these tokens sees. */
static ae_range seen_by_any(const tile *t, ae_range tokens, size_t pos, size_t n_positions)
{
    ae_range all = {n_positions, 0};
    for (size_t i = tokens.begin; i < tokens.end; i++) {
        ae_range seen = seen_of(t, i, pos, n_positions);
        if (seen.begin >= seen.end) continue;
        if (seen.begin < all.begin) all.begin = seen.begin;
        if (seen.end > all.end) all.end = seen.end;
    }
    return all;
}

/* ---- queries against a run ------------------------------------------------------------------- */

/* A run of keys and values, and neighbours of the tile that see it. */
typedef struct {
    ae_kv_run at, next; /* next: what will be wanted then */
    size_t pos;
    ae_range tokens;
} run;

/* Some queries that stand together in a tile of activations: [begin, end). */
typedef void queries_fn(const tile *t, const run *r, ae_range seen, ae_range queries);

static void for_tiles(const tile *t, const run *r, queries_fn *fn)
{
    size_t group = n_group(t->a->config), end = (r->tokens.end - t->begin) * group, next;
    ae_range seen = seen_by_any(t, r->tokens, r->pos, AE_KV_RUN);
    if (seen.begin >= seen.end) return;
    for (size_t q = (r->tokens.begin - t->begin) * group; q < end; q = next) {
        next = q / AE_PANEL_TILE * AE_PANEL_TILE + AE_PANEL_TILE;
        if (next > end) next = end;
        fn(t, r, seen, (ae_range){q, next});
    }
}

/* The activations of these queries, from a column on. */
static ae_panel panel_for(const ae_acts *acts, ae_range queries, size_t unit)
{
    ae_act_tile x = ae_acts_tile(acts, queries.begin / AE_PANEL_TILE * AE_PANEL_TILE);
    size_t unit_bytes = x.block_bytes / x.n_rows;
    return (ae_panel){.x = x.data + unit * x.block_bytes +
                           queries.begin % AE_PANEL_TILE * unit_bytes,
                      .x_block_bytes = x.block_bytes};
}

/* Scores, for whole panels of the keys seen. */
static void score(const tile *t, const run *r, ae_range seen, ae_range queries)
{
    const ae_kernels *k = t->a->kernels;
    ae_panel p = panel_for(&t->queries, queries, 0);
    float *scores = t->scores + queries.begin * CHUNK + r->pos % CHUNK;
    p.y_stride = CHUNK;
    p.n_rows = k->n_lanes;
    p.w = r->at.keys;
    p.w_lanes = AE_KV_RUN;
    p.ahead = r->next.keys;
    p.n_cols = t->a->config->head_dim;
    p.w_lane = seen.begin / k->n_lanes * k->n_lanes;
    for (; p.w_lane < seen.end; p.w_lane += k->n_lanes) {
        p.y = scores + p.w_lane;
        k->panel[t->key_type].multiply(p, queries.end - queries.begin);
    }
}

/* mixed += the values seen under their weights. Positions go two by two: what only completes a pair
 * has the weight 0. */
static void mix(const tile *t, const run *r, ae_range seen, ae_range queries)
{
    const ae_kernels *k = t->a->kernels;
    size_t d = t->a->config->head_dim, begin = seen.begin / 2 * 2, col = r->pos % CHUNK + begin;
    size_t unit = t->weights.kind == AE_ACT_BF16 ? col / 2 : col;
    size_t skipped_bytes = begin * d * (size_t)ae_dtype_get(t->value_type)->block_bytes;
    ae_panel p = panel_for(&t->weights, queries, unit);
    p.y_stride = p.w_lanes = d;
    p.adds = true;
    p.w = r->at.values + skipped_bytes;
    p.ahead = r->next.values + skipped_bytes;
    p.n_cols = (seen.end + 1 - begin) / 2 * 2;
    for (; p.w_lane < d; p.w_lane += k->n_lanes) {
        p.y = t->now.mixed + queries.begin * d + p.w_lane;
        p.n_rows = d - p.w_lane < k->n_lanes ? d - p.w_lane : k->n_lanes;
        k->panel[t->value_type].multiply(p, queries.end - queries.begin);
    }
}

/* ---- the softmax of a chunk ------------------------------------------------------------------ */

static void scale(float *x, float factor, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] *= factor;
}

/* What exp(score - before) is multiplied with where the largest score is no longer `before`. */
static float fading(float before, float max)
{
    return before == max ? 1 : expf(before - max);
}

/* The scores of a query become weights [n_cols], 0 where it does not see; n_cols is even. */
static void soften(const tile *t, size_t q, ae_range seen, size_t n_cols)
{
    const ae_kernels *k = t->a->kernels;
    float *row = t->scores + q * CHUNK, *max = &t->now.max[q], before = *max;
    size_t d = t->a->config->head_dim;
    if (seen.begin >= seen.end) seen = (ae_range){0, 0};
    memset(row, 0, seen.begin * sizeof *row);
    memset(row + seen.end, 0, (n_cols - seen.end) * sizeof *row);
    if (seen.end) {
        float part = k->softmax_part(row + seen.begin, seen.end - seen.begin, max);
        float keep = fading(before, *max);
        if (keep != 1 && t->now.sum[q] != 0) scale(t->now.mixed + q * d, keep, d);
        t->now.sum[q] = t->now.sum[q] * keep + part;
    }
    ae_acts_put(k, &t->weights, q, 0, row, n_cols);
}

static void soften_all(const tile *t, size_t pos)
{
    size_t group = n_group(t->a->config);
    ae_range all = seen_by_any(t, (ae_range){t->begin, t->end}, pos, CHUNK);
    size_t n_cols = (all.end + 1) / 2 * 2;
    for (size_t i = t->begin; i < t->end; i++) {
        ae_range seen = seen_of(t, i, pos, CHUNK);
        for (size_t h = 0; h < group; h++) soften(t, (i - t->begin) * group + h, seen, n_cols);
    }
}

/* ---- the runs of a chunk --------------------------------------------------------------------- */

/* A span of the tile while its runs are walked. */
typedef struct {
    const ae_span *span;
    ae_range tokens; /* of the batch, those in the tile */
    size_t end;      /* positions that its last token sees */
    ae_kv_page page;
} walker;

static size_t find_walkers(const tile *t, walker *w)
{
    size_t n = 0;
    for (size_t i = t->begin; i < t->end; n++) {
        uint32_t s = t->a->places[i].span;
        ae_range tokens = {i, i};
        while (i < t->end && t->a->places[i].span == s) i++;
        tokens.end = i;
        w[n] = (walker){&t->a->batch->spans[s], tokens, (size_t)t->a->places[i - 1].pos + 1, 0};
    }
    return n;
}

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

static bool is_expanded(const tile *t)
{
    return t->key_type != t->value_type;
}

/* Values as rows of f32, with a row of zeros behind the last that may complete a pair. */
static void expand_values(const tile *t, run *r, const ae_kv_arena *arena, size_t n)
{
    size_t d = t->a->config->head_dim, row_bytes = ae_kv_row_bytes(arena);
    if (n > AE_KV_RUN) n = AE_KV_RUN;
    for (size_t i = 0; i < n; i++)
        t->a->kernels->q8_0_to_f32(r->at.values + i * row_bytes, t->expanded + i * d, d);
    if (n < AE_KV_RUN) memset(t->expanded + n * d, 0, d * sizeof *t->expanded);
    r->at.values = r->next.values = (const char *)t->expanded;
}

/* Do a step of the chunk for the tokens of n walkers on one page. Neighbours go together. */
static void step_page(const tile *t, const walker *w, size_t n, size_t pos, queries_fn *step)
{
    size_t end = 0;
    for (size_t i = 0; i < n; i++) end = w[i].end > end ? w[i].end : end;
    run r = {.at = ae_kv_run_at(w->span->kv, t->layer, t->head, pos), .pos = pos};
    bool has_next = w->end > pos + AE_KV_RUN;
    r.next = has_next ? ae_kv_run_at(w->span->kv, t->layer, t->head, pos + AE_KV_RUN) : r.at;
    if (step == mix && is_expanded(t)) expand_values(t, &r, w->span->kv->arena, end - pos);
    for (size_t i = 0, next; i < n; i = next) {
        r.tokens = w[i].tokens;
        for (next = i + 1; next < n && w[next].tokens.begin == r.tokens.end; next++)
            r.tokens.end = w[next].tokens.end;
        for_tiles(t, &r, step);
    }
}

/* Do a step for all runs of a chunk. */
static void step_chunk(const tile *t, walker *w, size_t n, size_t pos, queries_fn *step)
{
    size_t end = pos / CHUNK * CHUNK + CHUNK;
    for (; pos < end && (n = line_up(w, n, pos)) > 0; pos += AE_KV_RUN)
        for (size_t i = 0, same; i < n; i += same) {
            for (same = 1; i + same < n && w[i + same].page == w[i].page;) same++;
            step_page(t, w + i, same, pos, step);
        }
}

/* ---- tiles ----------------------------------------------------------------------------------- */

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

static void put_queries(tile *t)
{
    const ae_config *c = t->a->config;
    size_t group = n_group(c), n = (t->end - t->begin) * group;
    t->queries.n_rows = t->weights.n_rows = n;
    for (size_t q = 0; q < n; q++) {
        const float *x = t->a->queries + first_of(t, t->begin + q / group);
        ae_acts_put(t->a->kernels, &t->queries, q, 0, x + q % group * c->head_dim, c->head_dim);
    }
}

static void clear(const share *s, size_t n_queries, size_t d)
{
    for (size_t q = 0; q < n_queries; q++) s->max[q] = -INFINITY;
    memset(s->sum, 0, n_queries * sizeof *s->sum);
    memset(s->mixed, 0, n_queries * d * sizeof *s->mixed);
}

/* Query q of one share takes in query p of a later one. */
static void take_in(const share *s, size_t q, const share *later, size_t p, size_t d)
{
    float *mixed = s->mixed + q * d, before = s->max[q];
    const float *more = later->mixed + p * d;
    if (later->sum[p] == 0) return; /* it sees nothing there */
    s->max[q] = fmaxf(before, later->max[p]);
    float keep = fading(before, s->max[q]), gain = fading(later->max[p], s->max[q]);
    s->sum[q] = s->sum[q] * keep + later->sum[p] * gain;
    for (size_t i = 0; i < d; i++) mixed[i] = mixed[i] * keep + more[i] * gain;
}

/* Values under weights that sum to 1. */
static void finish(float *out, const share *s, size_t q, size_t d)
{
    float factor = 1 / s->sum[q];
    for (size_t i = 0; i < d; i++) out[i] = s->mixed[q * d + i] * factor;
}

/* Positions that any of the tokens sees. */
static size_t most_seen(const ae_attention *a, ae_range tokens)
{
    size_t n = 0;
    for (size_t i = tokens.begin; i < tokens.end; i++)
        if (a->places[i].pos >= n) n = (size_t)a->places[i].pos + 1;
    return n;
}

/* t->now becomes the share of the positions of a stretch. */
static void attend_stretch(tile *t, walker *walkers, size_t n, size_t stretch)
{
    size_t group = n_group(t->a->config), first = first_run(t);
    size_t end = most_seen(t->a, (ae_range){t->begin, t->end});
    clear(&t->now, (t->end - t->begin) * group, t->a->config->head_dim);
    if (end > (stretch + 1) * STRETCH) end = (stretch + 1) * STRETCH;
    if (first < stretch * STRETCH) first = stretch * STRETCH;
    for (size_t pos = first; pos < end; pos = pos / CHUNK * CHUNK + CHUNK) {
        step_chunk(t, walkers, n, pos, score);
        soften_all(t, pos / CHUNK * CHUNK);
        step_chunk(t, walkers, n, pos, mix);
    }
}

static void attend_tile(tile *t, walker *walkers, size_t n_walkers)
{
    const ae_config *c = t->a->config;
    size_t group = n_group(c), d = c->head_dim, n = (t->end - t->begin) * group;
    size_t end = most_seen(t->a, (ae_range){t->begin, t->end});
    clear(&t->all, n, d);
    for (size_t s = first_run(t) / STRETCH; s * STRETCH < end; s++) {
        attend_stretch(t, walkers, n_walkers, s);
        for (size_t q = 0; q < n; q++) take_in(&t->all, q, &t->now, q, d);
    }
    for (size_t q = 0; q < n; q++)
        finish(t->a->out + first_of(t, t->begin + q / group) + q % group * d, &t->all, q, d);
}

/* ---- sharing the work ------------------------------------------------------------------------ */

size_t ae_attention_shares(const ae_config *c, size_t n_ctx)
{
    return (n_ctx + STRETCH - 1) / STRETCH * c->n_heads * (c->head_dim + 2);
}

/* Of all queries of a token. */
static share token_share(const ae_attention *a, size_t token, size_t stretch)
{
    const ae_config *c = a->config;
    return share_at(a->shares, token * a->n_stretches + stretch, c->n_heads, c->head_dim);
}

/* What the stretch comes to, for merging. */
static void keep_share(const tile *t)
{
    size_t group = n_group(t->a->config), d = t->a->config->head_dim;
    for (size_t i = t->begin; i < t->end; i++) {
        share to = token_share(t->a, i, t->stretch);
        for (size_t h = 0; h < group; h++) {
            size_t q = (i - t->begin) * group + h, at = t->head * group + h;
            to.max[at] = t->now.max[q];
            to.sum[at] = t->now.sum[q];
            memcpy(to.mixed + at * d, t->now.mixed + q * d, d * sizeof *to.mixed);
        }
    }
}

/* The share of the first stretch takes in the later ones. */
void ae_attention_merge(const ae_attention *a, size_t token)
{
    const ae_config *c = a->config;
    size_t d = c->head_dim;
    share all = token_share(a, token, 0);
    for (size_t h = 0; h < c->n_heads; h++) {
        for (size_t s = 1; s < a->n_stretches; s++) {
            share later = token_share(a, token, s);
            take_in(&all, h, &later, h, d);
        }
        finish(a->out + (token * c->n_heads + h) * d, &all, h, d);
    }
}

/* Large enough that forks meet in a tile, small enough that every thread has a few. */
static size_t tile_tokens(const ae_attention *a, int n_threads)
{
    size_t n = a->n_tokens * a->config->n_kv_heads / (4 * (size_t)n_threads);
    return n > MOST_TOKENS ? MOST_TOKENS : n < LEAST_TOKENS ? LEAST_TOKENS : n;
}

/* Tiles under all heads. */
static size_t n_whole_parts(const ae_attention *a, int n_threads)
{
    size_t n_tile = tile_tokens(a, n_threads);
    return (a->n_tokens + n_tile - 1) / n_tile * a->config->n_kv_heads;
}

void ae_attention_cut(ae_attention *a, int n_threads)
{
    size_t n_seen = most_seen(a, (ae_range){0, a->n_tokens});
    size_t n_stretches = (n_seen + STRETCH - 1) / STRETCH;
    bool is_enough = n_whole_parts(a, n_threads) >= 4 * (size_t)n_threads;
    bool fits = a->n_tokens * ae_attention_shares(a->config, n_seen) <= a->n_shares;
    a->n_stretches = n_stretches > 1 && !is_enough && fits ? n_stretches : 0;
}

size_t ae_attention_n_parts(const ae_attention *a, int n_threads)
{
    return n_whole_parts(a, n_threads) * (a->n_stretches ? a->n_stretches : 1);
}

ae_attention_part ae_attention_part_at(const ae_attention *a, int n_threads, size_t i)
{
    size_t n_tile = tile_tokens(a, n_threads), n_heads = a->config->n_kv_heads;
    size_t n_whole = n_whole_parts(a, n_threads), whole = i % n_whole;
    size_t begin = whole / n_heads * n_tile, end = begin + n_tile;
    return (ae_attention_part){.head = whole % n_heads,
                               .stretch = a->n_stretches ? i / n_whole : SIZE_MAX,
                               .tokens = {begin, end < a->n_tokens ? end : a->n_tokens}};
}

/* Values in blocks of their own rows are expanded to f32. */
void ae_attention_run(const ae_attention *a, size_t layer, ae_attention_part part, float *scratch)
{
    aeon_type type = ae_kv_arena_type(a->batch->spans->kv->arena);
    bool is_float = ae_dtype_get(type)->block_values == 1;
    tile t = {.a = a,
              .layer = layer,
              .head = part.head,
              .stretch = part.stretch,
              .begin = part.tokens.begin,
              .end = part.tokens.end,
              .key_type = type,
              .value_type = is_float ? type : AEON_TYPE_F32};
    walker walkers[MOST_TOKENS];
    size_t n_walkers = find_walkers(&t, walkers);
    place_scratch(&t, scratch);
    put_queries(&t);
    if (part.stretch == SIZE_MAX) {
        attend_tile(&t, walkers, n_walkers);
    } else {
        attend_stretch(&t, walkers, n_walkers, part.stretch);
        keep_share(&t);
    }
}
