/* model/attention.c against softmax(q k) v written down in f64: over many runs and pages, in mixed
 * batches, with windows, and with scores so far apart that one run outweighs another entirely.
 *
 * The kernels count in f32. A score of D = 32 products is off by about 32 * 2^-24 of its size (at
 * most 60 here), exp turns that into a relative error, and the values are averages: TOLERANCE. */
#include "check.h"
#include "model/attention.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE 2e-4

enum { H = 6, G = 2, D = 32, N_CTX = 2100, ROW = H * D, N_LAYERS = 2, LAYER = 1 };

static aeon_error err;

typedef struct {
    ae_kv kv;
    float keys[N_CTX][G * D], values[N_CTX][G * D];
} timeline;

static float random_value(uint64_t *random, float scale)
{
    return scale * (float)((double)(check_random(random) % 20001) / 10000.0 - 1);
}

static void fill(timeline *t, ae_kv_arena *arena, size_t n, uint64_t *random)
{
    CHECK_OK(ae_kv_init(&t->kv, arena, N_CTX, &err));
    CHECK_OK(ae_kv_grow(&t->kv, 0, n, &err));
    for (size_t pos = 0; pos < n; pos++) {
        for (int i = 0; i < G * D; i++) {
            t->keys[pos][i] = random_value(random, 1);
            t->values[pos][i] = random_value(random, 1);
        }
        for (size_t g = 0; g < G; g++) {
            ae_kv_put_key(&t->kv, ae_kernels_get(), LAYER, g, pos, t->keys[pos] + g * D);
            ae_kv_put_value(&t->kv, ae_kernels_get(), LAYER, g, pos, t->values[pos] + g * D);
        }
    }
}

/* out [D] of one head. */
static void reference(const timeline *t, const float *q, size_t g, size_t begin, size_t end,
                      double *out)
{
    double max = -INFINITY, sum = 0, scores[N_CTX];
    memset(out, 0, D * sizeof *out);
    for (size_t pos = begin; pos < end; pos++) {
        scores[pos] = 0;
        for (size_t i = 0; i < D; i++)
            scores[pos] += (double)q[i] * (double)t->keys[pos][g * D + i];
        if (scores[pos] > max) max = scores[pos];
    }
    for (size_t pos = begin; pos < end; pos++) {
        double p = exp(scores[pos] - max);
        sum += p;
        for (size_t i = 0; i < D; i++) out[i] += p * (double)t->values[pos][g * D + i];
    }
    for (size_t i = 0; i < D; i++) out[i] /= sum;
}

typedef struct {
    const ae_attention *a;
    float *scratch;
    size_t n_scratch;
} job;

static void member(void *arg, ae_member m)
{
    const job *j = arg;
    for (size_t u; ae_pool_take(m, ae_attention_n_parts(j->a, m.n), &u);)
        ae_attention_run(j->a, LAYER, ae_attention_part_at(j->a, m.n, u),
                         j->scratch + (size_t)m.index * j->n_scratch);
    ae_pool_barrier(m);
    ae_range tokens = ae_split(j->a->n_tokens, 1, m);
    for (size_t t = tokens.begin; t < tokens.end && j->a->n_stretches; t++)
        ae_attention_merge(j->a, t);
}

/* Whole, or by stretches where there is room for their shares. Returns how many stood apart. */
static size_t attend(ae_attention *a, ae_pool *pool, size_t n_shares)
{
    int n_threads = ae_pool_n_threads(pool);
    size_t n_scratch = ae_attention_scratch(a->config);
    float *scratch = malloc((size_t)n_threads * n_scratch * sizeof *scratch);
    a->shares = malloc(n_shares * sizeof *a->shares + 1);
    assert_true(scratch && a->shares);
    a->n_shares = n_shares;
    ae_attention_cut(a, n_threads);
    ae_pool_run(pool, member, &(job){a, scratch, n_scratch});
    free(scratch);
    free(a->shares);
    return a->n_stretches;
}

static int n_apart; /* batches whose stretches stood apart */

/* Spans of these lengths at the ends of timelines of these lengths, all in one batch. */
static void check_batch(const ae_config *c, const size_t *lengths, const size_t *n_new, size_t n,
                        float query_scale, size_t page_tokens, int n_threads)
{
    static timeline timelines[8];
    ae_span spans[8];
    uint64_t random = 11;
    size_t n_tokens = 0;
    ae_kv_arena *arena = NULL;
    ae_pool *pool = NULL;
    CHECK_OK(ae_pool_new(&pool, n_threads, &err));
    CHECK_OK(ae_kv_arena_new(
        &arena, c, &(ae_kv_arena_params){.n_tokens = 8 * 2112, .page_tokens = page_tokens}, &err));
    for (size_t s = 0; s < n; s++) {
        fill(&timelines[s], arena, lengths[s], &random);
        spans[s] = (ae_span){.kv = &timelines[s].kv, .pos = lengths[s] - n_new[s], .n = n_new[s]};
        n_tokens += n_new[s];
    }
    float *queries = malloc(n_tokens * ROW * sizeof *queries),
          *out = malloc(n_tokens * ROW * sizeof *out),
          *apart = malloc(n_tokens * ROW * sizeof *out);
    ae_place *places = malloc(n_tokens * sizeof *places);
    size_t t = 0, n_shares = n_tokens * ae_attention_shares(c, N_CTX);
    for (size_t i = 0; i < n_tokens * ROW; i++) queries[i] = random_value(&random, query_scale);
    for (size_t s = 0; s < n; s++)
        for (size_t i = 0; i < spans[s].n; i++)
            places[t++] = (ae_place){(uint32_t)s, (uint32_t)(spans[s].pos + i)};
    ae_batch batch = {spans, n};
    ae_attention a = {.config = c,
                      .kernels = ae_kernels_get(),
                      .batch = &batch,
                      .places = places,
                      .n_tokens = n_tokens,
                      .queries = queries,
                      .out = apart};
    n_apart += attend(&a, pool, n_shares) > 0;
    a.out = out;
    assert_int_equal(attend(&a, pool, 0), 0);
    assert_memory_equal(out, apart, n_tokens * ROW * sizeof *out);

    double worst = 0, expected[D];
    for (t = 0; t < n_tokens; t++)
        for (size_t h = 0; h < H; h++) {
            size_t end = (size_t)places[t].pos + 1;
            size_t begin = c->n_window && end > c->n_window ? end - c->n_window : 0;
            reference(&timelines[places[t].span], queries + t * ROW + h * D, h / (H / G), begin,
                      end, expected);
            for (size_t i = 0; i < D; i++) {
                double off = fabs((double)out[(t * H + h) * D + i] - expected[i]);
                if (!(off <= worst)) worst = off; /* NaN too */
            }
        }
    if (!(worst < TOLERANCE)) fail_msg("off by %g", worst);
    for (size_t s = 0; s < n; s++) ae_kv_release(&timelines[s].kv);
    ae_kv_arena_free(arena);
    ae_pool_free(pool);
    free(queries);
    free(out);
    free(apart);
    free(places);
}

static void one_token_and_many(void **state)
{
    (void)state;
    ae_config c = {.n_layers = N_LAYERS, .n_heads = H, .n_kv_heads = G, .head_dim = D};
    static const size_t lengths[] = {1, 31, 32, 33, 64, 65, 200, 300, 1025};
    for (size_t i = 0; i < AE_COUNT(lengths); i++) {
        check_batch(&c, &lengths[i], (size_t[]){1}, 1, 1, 0, 1);
        check_batch(&c, &lengths[i], &lengths[i], 1, 1, 0, 2);
    }
    static const size_t n_new[] = {1, 5, 1, 33, 1, 40, 1, 100};
    for (int threads = 1; threads <= 3; threads++)
        check_batch(&c, lengths, n_new, 8, 1, 0, threads);
    check_batch(&c, lengths, n_new, 8, 1, 320, 2);
}

/* One thread more than there are heads for: stretches are answered apart, to the same bits. */
static void many_threads_for_few_heads(void **state)
{
    (void)state;
    ae_config c = {.n_layers = N_LAYERS, .n_heads = H, .n_kv_heads = G, .head_dim = D};
    static const size_t lengths[] = {1025, 2100, 40, 2048}, n_new[] = {1, 3, 2, 20};
    n_apart = 0;
    for (size_t i = 0; i < 4; i++) check_batch(&c, &lengths[i], &n_new[i], 1, 1, 0, 3);
    assert_int_equal(n_apart, 3);
    check_batch(&c, lengths, n_new, 4, 20, 0, 5);
    c.n_window = 1100;
    check_batch(&c, lengths, n_new, 4, 1, 0, 5);
    assert_int_equal(n_apart, 5);
}

static void scores_far_apart(void **state)
{
    (void)state;
    ae_config c = {.n_layers = N_LAYERS, .n_heads = H, .n_kv_heads = G, .head_dim = D};
    static const size_t lengths[] = {1300, 90}, n_new[] = {64, 1};
    check_batch(&c, lengths, n_new, 2, 5, 0, 2);
    check_batch(&c, lengths, n_new, 2, 20, 0, 2);
}

static void a_window_begins_anywhere_in_a_run(void **state)
{
    (void)state;
    ae_config c = {.n_layers = N_LAYERS, .n_heads = H, .n_kv_heads = G, .head_dim = D};
    static const size_t lengths[] = {300, 45, 10}, n_new[] = {70, 45, 1};
    for (c.n_window = 1; c.n_window < 140; c.n_window += 9)
        check_batch(&c, lengths, n_new, 3, 1, 0, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_token_and_many),
        cmocka_unit_test(many_threads_for_few_heads),
        cmocka_unit_test(scores_far_apart),
        cmocka_unit_test(a_window_begins_anywhere_in_a_run),
    };
    return cmocka_run_group_tests_name("attention", tests, NULL, NULL);
}
