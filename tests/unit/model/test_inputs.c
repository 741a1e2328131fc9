/* model/inputs, forward's watch: the sums are the same bits however tokens are cut into batches and
 * work among threads, and watching changes no result. What they are of is compared with the
 * oracle's in tests/e2e/test_imatrix.py. */
#include "aeon/file.h"
#include "base/mem.h"
#include "check.h"
#include "model/forward.h"
#include "model/model.h"
#include "unit/format/scratch.h"

#include <string.h>

enum { N = 21 };

static aeon_error err;

typedef struct {
    ae_input_sums sums;
    float *logits; /* of the last token */
} outcome;

/* N tokens in batches of n_batch; watched or not. */
static outcome run(const aeon_model *m, int n_threads, size_t n_batch, bool is_watched)
{
    const ae_config *c = ae_model_config(m);
    ae_pool *pool;
    ae_kv_arena *arena;
    ae_kv kv = {0};
    ae_forward *f;
    int32_t ids[N];
    outcome o = {.logits = calloc(ae_logits_len(c->n_vocab), sizeof(float))};
    assert_non_null(o.logits);
    for (int32_t i = 0; i < N; i++) ids[i] = i * 37 % 1000;
    CHECK_OK(ae_pool_new(&pool, n_threads, &err));
    CHECK_OK(ae_kv_arena_new(&arena, c, &(ae_kv_arena_params){.n_tokens = N}, &err));
    CHECK_OK(ae_kv_init(&kv, arena, N, &err));
    CHECK_OK(ae_kv_grow(&kv, 0, N, &err));
    CHECK_OK(ae_forward_new(&f, c, ae_model_weights(m), pool, n_batch, &err));
    CHECK_OK(ae_input_sums_init(&o.sums, c, &err));
    if (is_watched) CHECK_OK(ae_forward_watch(f, &o.sums, &err));
    for (size_t first = 0; first < N; first += n_batch) {
        size_t n = N - first < n_batch ? N - first : n_batch;
        ae_span span = {&kv, ids + first, first, n, AE_ROPE_SET_SHORT};
        ae_forward_run(f, &(ae_batch){&span, 1});
        if (first + n == N) ae_forward_logits(f, &(size_t){n - 1}, 1, &o.logits);
    }
    ae_forward_free(f);
    ae_kv_release(&kv);
    ae_kv_arena_free(arena);
    ae_pool_free(pool);
    return o;
}

static size_t n_values(const ae_input_sums *s)
{
    return (size_t)(ae_input_sums_at(s, AE_INPUT_HEAD, 0) - s->values) + s->n_cols[AE_INPUT_HEAD];
}

static void release(outcome *o)
{
    ae_input_sums_release(&o->sums);
    free(o->logits);
}

static void check(const char *shape, aeon_type type)
{
    aeon_model *m;
    CHECK_OK(aeon_synth_write(in_scratch("m.gguf"), shape, type, 5, NULL, NULL, &err));
    CHECK_OK(aeon_model_open(&m, in_scratch("m.gguf"), NULL, &err));
    outcome first = run(m, 1, N, true);
    size_t n = n_values(&first.sums), logits_bytes = ae_model_config(m)->n_vocab * sizeof(float);
    assert_int_equal(first.sums.n_tokens, N);
    for (size_t i = 0; i < n; i++) assert_true(first.sums.values[i] > 0);
    static const struct {
        int n_threads;
        size_t n_batch;
    } ways[] = {{2, N}, {3, 8}, {1, 1}, {3, 5}};
    for (size_t i = 0; i < AE_COUNT(ways); i++) {
        outcome o = run(m, ways[i].n_threads, ways[i].n_batch, true);
        assert_int_equal(o.sums.n_tokens, N);
        assert_memory_equal(o.sums.values, first.sums.values, n * sizeof *o.sums.values);
        release(&o);
    }
    outcome alone = run(m, 2, 8, false);
    assert_memory_equal(alone.logits, first.logits, logits_bytes);
    assert_int_equal(alone.sums.n_tokens, 0);
    for (size_t i = 0; i < n; i++) assert_true(alone.sums.values[i] == 0);
    release(&alone);
    release(&first);
    aeon_model_close(m);
}

static void fused_matrices_of_floats(void **state)
{
    (void)state;
    check("phi3-nano", AEON_TYPE_F32);
}

static void separate_ones_of_blocks(void **state)
{
    (void)state;
    check("llama-nano", AEON_TYPE_Q8_0);
    check("qwen3-nano", AEON_TYPE_BF16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(fused_matrices_of_floats),
        SCRATCH_TEST(separate_ones_of_blocks),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
