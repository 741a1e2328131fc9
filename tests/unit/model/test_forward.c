/* model/forward.c against the same transformer written once more (tests/oracle_forward.py): every
 * architecture, both sets of rope factors, a sliding window, biases wherever a file may have them.
 *
 * The oracle counts in f64 and the kernels in f32, so what differs is rounding. A dot product of
 * 768 values is off by about sqrt(768) * 2^-24 = 1.7e-6 of its size; a token passes about 20 of
 * them one after the other, between norms that keep values near 1: that adds up to TOLERANCE. A
 * mistake in the mathematics is a thousand times larger. */
#include "aeon/file.h"
#include "check.h"
#include "model/forward.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOLERANCE 4e-5

enum { N = 6, CHUNK = 4 };
static const int32_t ids[N] = {999, 7, 7, 500, 0, 31};

static aeon_error err;
static char folder[] = "/tmp/aeon-forward-XXXXXX";

static const char *path_of(const char *shape)
{
    static char path[2][128];
    static int turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s.gguf", folder, shape);
    return path[turn];
}

/* [N][n_vocab] logits by the oracle. */
static double *ask_oracle(const char *shape, const char *set, uint32_t window, size_t n_vocab)
{
    char command[512];
    int len =
        snprintf(command, sizeof command, "python3 '%s/tests/oracle_forward.py' logits '%s' %s %u ",
                 AEON_SOURCE_DIR, path_of(shape), set, window);
    for (int i = 0; i < N; i++)
        len += snprintf(command + len, sizeof command - (size_t)len, "%s%d", i ? "," : "", ids[i]);
    double *out = malloc(N * n_vocab * sizeof *out);
    assert_non_null(out);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(fread(out, n_vocab * sizeof *out, N, pipe), N);
    assert_int_equal(fgetc(pipe), EOF);
    assert_int_equal(pclose(pipe), 0);
    return out;
}

static void check_peaks(const float *logits, size_t n_vocab)
{
    for (size_t i = 0; i < n_vocab; i += AE_PEAK_LOGITS) {
        float peak = logits[i];
        for (size_t k = i; k < n_vocab && k < i + AE_PEAK_LOGITS; k++)
            peak = fmaxf(peak, logits[k]);
        assert_true(logits[n_vocab + i / AE_PEAK_LOGITS] == peak);
    }
}

/* [N][ae_logits_len(n_vocab)] logits by the forward pass, in two batches on two threads. */
static float *run(const aeon_model *m, const ae_config *c, ae_rope_set set)
{
    ae_pool *pool = NULL;
    ae_kv_arena *arena = NULL;
    ae_kv kv = {0};
    ae_forward *f = NULL;
    CHECK_OK(ae_pool_new(&pool, 2, &err));
    CHECK_OK(ae_kv_arena_new(&arena, c, &(ae_kv_arena_params){.n_tokens = N}, &err));
    CHECK_OK(ae_kv_init(&kv, arena, N, &err));
    CHECK_OK(ae_kv_grow(&kv, 0, N, &err));
    CHECK_OK(ae_forward_new(&f, c, ae_model_weights(m), pool, CHUNK, &err));
    float *logits = malloc(N * ae_logits_len(c->n_vocab) * sizeof *logits);
    assert_non_null(logits);
    const size_t all[CHUNK] = {0, 1, 2, 3};
    for (size_t first = 0; first < N; first += CHUNK) {
        size_t n = N - first < CHUNK ? N - first : CHUNK;
        ae_span span = {&kv, ids + first, first, n, set};
        ae_forward_run(f, &(ae_batch){&span, 1});
        float *rows[CHUNK];
        for (size_t i = 0; i < n; i++) rows[i] = logits + (first + i) * ae_logits_len(c->n_vocab);
        ae_forward_logits(f, all, n, rows);
        for (size_t i = 0; i < n; i++) check_peaks(rows[i], c->n_vocab);
    }
    ae_forward_free(f);
    ae_kv_release(&kv);
    ae_kv_arena_free(arena);
    ae_pool_free(pool);
    return logits;
}

/* The largest difference of any logit. */
static double compare(const char *shape, ae_rope_set set, ae_rope_set oracle_set, uint32_t window,
                      uint32_t oracle_window)
{
    aeon_model *m = NULL;
    if (access(path_of(shape), R_OK) != 0)
        CHECK_OK(aeon_synth_write(path_of(shape), shape, AEON_TYPE_F32, 3, NULL, NULL, &err));
    CHECK_OK(aeon_model_open(&m, path_of(shape), NULL, &err));
    ae_config c = *ae_model_config(m);
    c.n_window = window;
    float *ours = run(m, &c, set);
    double *theirs = ask_oracle(shape, oracle_set == AE_ROPE_SET_LONG ? "long" : "short",
                                oracle_window, c.n_vocab);
    double worst = 0;
    for (size_t i = 0; i < N; i++)
        for (size_t id = 0; id < c.n_vocab; id++) {
            float logit = ours[i * ae_logits_len(c.n_vocab) + id];
            double difference = fabs((double)logit - theirs[i * c.n_vocab + id]);
            assert_false(isnan(difference));
            if (difference > worst) worst = difference;
        }
    free(ours);
    free(theirs);
    aeon_model_close(m);
    return worst;
}

static void check(const char *shape, ae_rope_set set, uint32_t window)
{
    double worst = compare(shape, set, set, window, window);
    if (worst > TOLERANCE) fail_msg("%s: a logit is off by %g", shape, worst);
}

static void phi3_under_short_and_long_factors(void **state)
{
    (void)state;
    check("phi3-nano", AE_ROPE_SET_SHORT, 0);
    check("phi3-nano", AE_ROPE_SET_LONG, 0);
    assert_true(compare("phi3-nano", AE_ROPE_SET_SHORT, AE_ROPE_SET_LONG, 0, 0) > 1e-2);
}

static void llama_with_stretched_frequencies(void **state)
{
    (void)state;
    check("llama-nano", AE_ROPE_SET_SHORT, 0);
}

static void qwen2_with_biases(void **state)
{
    (void)state;
    check("qwen2-nano", AE_ROPE_SET_SHORT, 0);
}

static void qwen3_with_normed_heads(void **state)
{
    (void)state;
    check("qwen3-nano", AE_ROPE_SET_SHORT, 0);
}

static void a_window_hides_what_is_further_back(void **state)
{
    (void)state;
    check("phi3-nano", AE_ROPE_SET_SHORT, 3);
    check("phi3-nano", AE_ROPE_SET_SHORT, 1);
    assert_true(compare("phi3-nano", AE_ROPE_SET_SHORT, AE_ROPE_SET_SHORT, 3, 4) > 1e-2);
}

/* Both ways of writing projections, fused and separate, with a bias on each of them. */
static void every_projection_may_have_a_bias(void **state)
{
    (void)state;
    static const char *const shapes[] = {"phi3-nano", "llama-nano"};
    for (int i = 0; i < 2; i++) {
        char name[32], command[512];
        snprintf(name, sizeof name, "%s-bias", shapes[i]);
        snprintf(command, sizeof command, "python3 '%s/tests/oracle_forward.py' bias '%s' '%s'",
                 AEON_SOURCE_DIR, path_of(shapes[i]), path_of(name));
        FILE *pipe = popen(command, "r");
        assert_non_null(pipe);
        assert_int_equal(pclose(pipe), 0);
        check(name, AE_ROPE_SET_SHORT, 0);
    }
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"phi3-nano",  "phi3-nano-bias", "llama-nano",
                                        "qwen2-nano", "qwen3-nano",     "llama-nano-bias"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) unlink(path_of(names[i]));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(phi3_under_short_and_long_factors),
        cmocka_unit_test(llama_with_stretched_frequencies),
        cmocka_unit_test(qwen2_with_biases),
        cmocka_unit_test(qwen3_with_normed_heads),
        cmocka_unit_test(a_window_hides_what_is_further_back),
        cmocka_unit_test(every_projection_may_have_a_bias),
    };
    return cmocka_run_group_tests_name("forward", tests, make_folder, remove_folder);
}
