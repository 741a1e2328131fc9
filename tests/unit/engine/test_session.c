/* engine/session.c on small synthetic models: the same bits however the work is cut, LongRoPE's
 * crossing, rewinding, cancelling, and every refusal. */
#include "aeon/engine.h"
#include "aeon/file.h"
#include "base/mem.h"
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static aeon_error err;
static char folder[] = "/tmp/aeon-session-XXXXXX";

static aeon_model *open_synth(const char *shape, aeon_type type)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s-%d.gguf", folder, shape, (int)type);
    if (access(path, R_OK) != 0) CHECK_OK(aeon_synth_write(path, shape, type, 1, NULL, NULL, &err));
    aeon_model *m = NULL;
    CHECK_OK(aeon_model_open(&m, path, NULL, &err));
    return m;
}

static aeon_engine *make_engine_of(const aeon_model *m, aeon_engine_params p)
{
    aeon_engine *e = NULL;
    CHECK_OK(aeon_engine_new(&e, m, &p, &err));
    return e;
}

static aeon_engine *make_engine(const aeon_model *m, int n_threads, size_t n_chunk)
{
    return make_engine_of(m, (aeon_engine_params){.n_threads = n_threads,
                                                  .n_chunk = n_chunk,
                                                  .kv_type = AEON_TYPE_F16,
                                                  .n_kv_tokens = 256});
}

static aeon_session *make_session(aeon_engine *e, aeon_session_params p)
{
    aeon_session *s = NULL;
    CHECK_OK(aeon_session_new(&s, e, &p, &err));
    return s;
}

static int32_t *random_ids(const aeon_model *m, size_t n)
{
    uint64_t random = 5;
    int32_t *ids = calloc(n, sizeof *ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)(check_random(&random) % aeon_model_describe(m)->n_vocab);
    return ids;
}

/* A hash over all logits of a feed: equal hashes, equal bits. */
typedef struct {
    size_t n_vocab, n_calls;
    uint64_t hash;
} collected;

static bool collect(void *user, size_t pos, const float *logits)
{
    collected *c = user;
    (void)pos;
    for (size_t i = 0; i < c->n_vocab; i++) {
        uint32_t bits;
        memcpy(&bits, &logits[i], sizeof bits);
        c->hash = (c->hash ^ bits) * 0x100000001B3u;
    }
    c->n_calls++;
    return true;
}

static uint64_t hash_of(const aeon_model *m, int n_threads, size_t n_chunk, aeon_type kv,
                        const int32_t *ids, size_t n, size_t n_first)
{
    aeon_engine *e = make_engine_of(
        m, (aeon_engine_params){
               .n_threads = n_threads, .n_chunk = n_chunk, .kv_type = kv, .n_kv_tokens = n});
    aeon_session *s = make_session(e, (aeon_session_params){.n_ctx = n});
    collected c = {.n_vocab = aeon_model_describe(m)->n_vocab};
    aeon_feed_params p = {.on_logits = collect, .user = &c};
    if (n_first) CHECK_OK(aeon_session_feed(s, ids, n_first, &p, &err));
    CHECK_OK(aeon_session_feed(s, ids + n_first, n - n_first, &p, &err));
    assert_int_equal(c.n_calls, n);
    aeon_session_free(s);
    aeon_engine_free(e);
    return c.hash;
}

static void chunks_and_threads_do_not_change_a_bit(void **state)
{
    (void)state;
    const struct {
        const char *shape;
        aeon_type type;
    } models[] = {{"phi3-nano", AEON_TYPE_F32},   {"phi3-nano", AEON_TYPE_F16},
                  {"phi3-nano", AEON_TYPE_BF16},  {"phi3-nano", AEON_TYPE_Q8_0},
                  {"phi3-nano", AEON_TYPE_Q4_0},  {"phi3-nano", AEON_TYPE_MLX4_64_BF16},
                  {"llama-nano", AEON_TYPE_Q8_0}, {"qwen2-nano", AEON_TYPE_F32},
                  {"qwen3-nano", AEON_TYPE_F32}};
    const size_t chunks[] = {1, 7, 64, 512}, n = 75;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        aeon_model *m = open_synth(models[i].shape, models[i].type);
        int32_t *ids = random_ids(m, n);
        uint64_t expected = hash_of(m, 1, 512, AEON_TYPE_F16, ids, n, 0);
        for (int threads = 1; threads <= 3; threads++)
            for (size_t c = 0; c < 4; c++)
                assert_true(hash_of(m, threads, chunks[c], AEON_TYPE_F16, ids, n, 0) == expected);
        assert_true(hash_of(m, 2, 16, AEON_TYPE_F16, ids, n, 33) == expected); /* in two feeds */
        assert_false(hash_of(m, 1, 512, AEON_TYPE_F32, ids, n, 0) == expected);
        free(ids);
        aeon_model_close(m);
    }
}

static void rewinding_forgets_exactly(void **state)
{
    (void)state;
    aeon_model *m = open_synth("phi3-nano", AEON_TYPE_Q8_0);
    size_t n_vocab = aeon_model_describe(m)->n_vocab, n;
    int32_t *ids = random_ids(m, 60);
    aeon_engine *e = make_engine(m, 2, 16);
    aeon_session *s = make_session(e, (aeon_session_params){.n_ctx = 64});
    assert_null(aeon_session_logits(s));
    CHECK_OK(aeon_session_feed(s, ids, 40, NULL, &err));
    float *expected = malloc(n_vocab * sizeof *expected);
    memcpy(expected, aeon_session_logits(s), n_vocab * sizeof *expected);

    CHECK_OK(aeon_session_feed(s, ids + 40, 20, NULL, &err));
    CHECK_FAILS(aeon_session_rewind(s, 61, &err), AEON_INVALID_ARGUMENT);
    CHECK_OK(aeon_session_rewind(s, 30, &err));
    assert_null(aeon_session_logits(s));
    CHECK_OK(aeon_session_feed(s, ids + 30, 10, NULL, &err));
    assert_memory_equal(aeon_session_logits(s), expected, n_vocab * sizeof *expected);
    assert_memory_equal(aeon_session_ids(s, &n), ids, 40 * sizeof *ids);
    assert_int_equal(n, 40);
    CHECK_OK(aeon_session_rewind(s, 0, &err));
    assert_int_equal(aeon_session_stats_get(s).n_past, 0);
    free(expected);
    free(ids);
    aeon_session_free(s);
    aeon_engine_free(e);
    aeon_model_close(m);
}

static bool cancel_at_third(void *user, size_t pos, const float *logits)
{
    (void)logits;
    return pos < *(size_t *)user + 2;
}

/* Cancelled by on_logits, a feed leaves the timeline and its logits; the next one is exact. */
static void a_cancelled_feed_leaves_no_trace(void **state)
{
    (void)state;
    aeon_model *m = open_synth("phi3-nano", AEON_TYPE_Q8_0);
    size_t bytes = aeon_model_describe(m)->n_vocab * sizeof(float), n_before = 20;
    int32_t *ids = random_ids(m, 60);
    aeon_engine *e = make_engine(m, 2, 8);
    aeon_session_params p = {.n_ctx = 64};
    aeon_session *s = make_session(e, p), *straight = make_session(e, p);
    CHECK_OK(aeon_session_feed(s, ids, n_before, NULL, &err));
    aeon_feed_params cancel = {.on_logits = cancel_at_third, .user = &n_before};
    CHECK_FAILS(aeon_session_feed(s, ids + 30, 30, &cancel, &err), AEON_CANCELLED);
    assert_int_equal(aeon_session_stats_get(s).n_past, n_before);
    CHECK_OK(aeon_session_feed(straight, ids, n_before, NULL, &err));
    assert_memory_equal(aeon_session_logits(s), aeon_session_logits(straight), bytes);
    CHECK_OK(aeon_session_feed(s, ids + n_before, 10, NULL, &err));
    CHECK_OK(aeon_session_feed(straight, ids + n_before, 10, NULL, &err));
    assert_memory_equal(aeon_session_logits(s), aeon_session_logits(straight), bytes);
    free(ids);
    aeon_session_free(s);
    aeon_session_free(straight);
    aeon_engine_free(e);
    aeon_model_close(m);
}

static bool cancel_at_half(void *user, const char *what, double fraction)
{
    (void)user;
    (void)what;
    return fraction < 0.5;
}

/* A timeline that grows over the border equals one that was long from its first token. */
static void crossing_equals_a_fresh_long_timeline(void **state)
{
    (void)state;
    aeon_model *m = open_synth("phi3-pico", AEON_TYPE_Q4_0);
    const aeon_model_info *info = aeon_model_describe(m);
    assert_true(info->has_long_rope);
    size_t border = info->n_ctx_original, n_ctx = border + 40,
           bytes = info->n_vocab * sizeof(float);
    int32_t *ids = random_ids(m, n_ctx);
    aeon_engine *e = make_engine_of(m, (aeon_engine_params){.n_threads = 2,
                                                            .n_chunk = 32,
                                                            .kv_type = AEON_TYPE_F16,
                                                            .n_kv_tokens = 2 * n_ctx + 256});
    aeon_session_params p = {.n_ctx = n_ctx};
    aeon_session *s = make_session(e, p);
    CHECK_OK(aeon_session_feed(s, ids, border, NULL, &err));
    assert_false(aeon_session_stats_get(s).is_long_rope);

    /* Cancelled on the way, the timeline is short again and goes on as if nothing had happened. */
    float *before = malloc(bytes);
    memcpy(before, aeon_session_logits(s), bytes);
    aeon_feed_params cancel = {.progress = cancel_at_half};
    CHECK_FAILS(aeon_session_feed(s, ids + border, 8, &cancel, &err), AEON_CANCELLED);
    assert_false(aeon_session_stats_get(s).is_long_rope);
    assert_int_equal(aeon_session_stats_get(s).n_past, border);
    CHECK_OK(aeon_session_rewind(s, border - 1, &err));
    CHECK_OK(aeon_session_feed(s, ids + border - 1, 1, NULL, &err));
    assert_memory_equal(aeon_session_logits(s), before, bytes);

    CHECK_OK(aeon_session_feed(s, ids + border, 8, NULL, &err));
    assert_true(aeon_session_stats_get(s).is_long_rope);
    assert_true(aeon_session_stats_get(s).n_recomputed >= border);
    p.rope = AEON_ROPE_LONG;
    aeon_session *fresh = make_session(e, p);
    CHECK_OK(aeon_session_feed(fresh, ids, border + 8, NULL, &err));
    assert_memory_equal(aeon_session_logits(s), aeon_session_logits(fresh), bytes);

    /* Under the short factors the same tokens give something else. */
    p = (aeon_session_params){.n_ctx = 64, .rope = AEON_ROPE_LONG};
    aeon_session *brief_long = make_session(e, p);
    p.rope = AEON_ROPE_SHORT;
    aeon_session *brief_short = make_session(e, p);
    CHECK_OK(aeon_session_feed(brief_long, ids, 64, NULL, &err));
    CHECK_OK(aeon_session_feed(brief_short, ids, 64, NULL, &err));
    assert_memory_not_equal(aeon_session_logits(brief_long), aeon_session_logits(brief_short),
                            bytes);

    /* Shortened, the timeline stays under the long factors; emptied, it is as good as new. */
    CHECK_OK(aeon_session_rewind(s, 1, &err));
    assert_true(aeon_session_stats_get(s).is_long_rope);
    CHECK_OK(aeon_session_rewind(s, 0, &err));
    assert_false(aeon_session_stats_get(s).is_long_rope);
    CHECK_OK(aeon_session_feed(s, ids, 64, NULL, &err));
    assert_memory_equal(aeon_session_logits(s), aeon_session_logits(brief_short), bytes);
    CHECK_OK(aeon_session_rewind(fresh, 0, &err));
    CHECK_OK(aeon_session_feed(fresh, ids, 64, NULL, &err));
    assert_memory_equal(aeon_session_logits(fresh), aeon_session_logits(brief_long), bytes);

    p.n_ctx = border + 1;
    aeon_session *none = NULL;
    CHECK_FAILS(aeon_session_new(&none, e, &p, &err), AEON_INVALID_ARGUMENT);
    aeon_session *const all[] = {s, fresh, brief_long, brief_short};
    for (int i = 0; i < 4; i++) aeon_session_free(all[i]);
    free(before);
    free(ids);
    aeon_engine_free(e);
    aeon_model_close(m);
}

static void refusals_leave_the_timeline_alone(void **state)
{
    (void)state;
    aeon_model *m = open_synth("phi3-nano", AEON_TYPE_Q8_0);
    int32_t ids[32] = {0}, n_vocab = (int32_t)aeon_model_describe(m)->n_vocab;
    aeon_engine *e = make_engine(m, 1, 0);
    aeon_session *s = make_session(e, (aeon_session_params){.n_ctx = 16});
    CHECK_OK(aeon_session_feed(s, ids, 10, NULL, &err));

    CHECK_FAILS(aeon_session_feed(s, ids, 7, NULL, &err), AEON_CONTEXT_FULL);
    assert_non_null(strstr(err.text, "7 tokens"));
    assert_non_null(strstr(err.text, "16"));
    CHECK_FAILS(aeon_session_feed(s, ids, 0, NULL, &err), AEON_INVALID_ARGUMENT);
    ids[1] = n_vocab;
    CHECK_FAILS(aeon_session_feed(s, ids, 2, NULL, &err), AEON_INVALID_ARGUMENT);
    ids[1] = -1;
    CHECK_FAILS(aeon_session_feed(s, ids, 2, NULL, &err), AEON_INVALID_ARGUMENT);
    assert_int_equal(aeon_session_stats_get(s).n_past, 10);
    assert_non_null(aeon_session_logits(s));

    aeon_session *none = NULL;
    aeon_session_params p = {.n_ctx = 1 << 30};
    CHECK_FAILS(aeon_session_new(&none, e, &p, &err), AEON_INVALID_ARGUMENT);
    p.n_ctx = 257; /* the engine holds 256 */
    CHECK_FAILS(aeon_session_new(&none, e, &p, &err), AEON_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "256"));
    aeon_engine *no_engine = NULL;
    CHECK_FAILS(aeon_engine_new(&no_engine, m, &(aeon_engine_params){.n_threads = -1}, &err),
                AEON_INVALID_ARGUMENT);
    CHECK_FAILS(
        aeon_engine_new(&no_engine, m, &(aeon_engine_params){.kv_type = AEON_TYPE_Q4_0}, &err),
        AEON_UNSUPPORTED);
    aeon_session_free(none);
    aeon_engine_free(no_engine);
    aeon_session_free(s);
    aeon_engine_free(e);
    aeon_model_close(m);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/phi3-nano-%d.gguf", folder, (int)AEON_TYPE_Q8_0);
    aeon_model_close(open_synth("phi3-nano", AEON_TYPE_Q8_0));
    size_t before = aeon_memory_stats_get().current_bytes;
    const int32_t id = 1;
    aeon_status status = AEON_OUT_OF_MEMORY;
    for (uint64_t k = 1; status != AEON_OK; k++) {
        aeon_model *m = NULL;
        aeon_engine *e = NULL;
        aeon_session *s = NULL;
        ae_mem_fail_at(k, false);
        status = aeon_model_open(&m, path, NULL, &err);
        if (status == AEON_OK)
            status =
                aeon_engine_new(&e, m, &(aeon_engine_params){.n_threads = 2, .n_chunk = 8}, &err);
        if (status == AEON_OK) status = aeon_session_new(&s, e, NULL, &err);
        if (status == AEON_OK) status = aeon_session_feed(s, &id, 1, NULL, &err);
        ae_mem_fail_at(0, false);
        assert_true(status == AEON_OK || status == AEON_OUT_OF_MEMORY);
        aeon_session_free(s);
        aeon_engine_free(e);
        aeon_model_close(m);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

/* The token loop allocates nothing: a step after the first leaves the allocation count alone. */
static void steps_do_not_allocate(void **state)
{
    (void)state;
    aeon_model *m = open_synth("phi3-nano", AEON_TYPE_Q4_0);
    aeon_engine *e = make_engine(m, 2, 8);
    aeon_session *s = make_session(e, (aeon_session_params){.n_ctx = 64});
    int32_t *ids = random_ids(m, 40);
    ae_mem_fail_at(0, false);
    for (int i = 0; i < 40; i++) CHECK_OK(aeon_session_feed(s, ids + i, 1, NULL, &err));
    assert_int_equal(ae_mem_n_allocs(), 0);
    free(ids);
    aeon_session_free(s);
    aeon_engine_free(e);
    aeon_model_close(m);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char path[128];
    const char *const shapes[] = {"phi3-pico", "phi3-nano", "llama-nano", "qwen2-nano",
                                  "qwen3-nano"};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (int type = 0; type < AEON_TYPE_MAX; type++) {
            snprintf(path, sizeof path, "%s/%s-%d.gguf", folder, shapes[i], type);
            unlink(path);
        }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_and_threads_do_not_change_a_bit),
        cmocka_unit_test(rewinding_forgets_exactly),
        cmocka_unit_test(a_cancelled_feed_leaves_no_trace),
        cmocka_unit_test(crossing_equals_a_fresh_long_timeline),
        cmocka_unit_test(refusals_leave_the_timeline_alone),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(steps_do_not_allocate),
    };
    return cmocka_run_group_tests_name("session", tests, make_folder, remove_folder);
}
