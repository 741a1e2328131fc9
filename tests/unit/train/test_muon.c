/* train/muon: the step is orthogonal, has the stated length, and is the same for any threads. */
#include "check.h"
#include "train/muon.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static aeon_error err;
static ae_net *net;

static const ae_net_shape shape = {.n_vocab = 300,
                                   .n_embd = 32,
                                   .n_layers = 2,
                                   .n_heads = 4,
                                   .n_kv_heads = 2,
                                   .n_ff = 48,
                                   .n_ctx = 1024,
                                   .n_ctx_original = 1024,
                                   .rope_theta = 10000,
                                   .partial_rotary = 1,
                                   .norm_eps = 1e-5};
static const ae_muon_rates rates = {.learning_rate = 1, .momentum = 0.9, .gradient_scale = 0.5};

static int make_net(void **state)
{
    (void)state;
    CHECK_OK(ae_net_new(&net, &shape, 8, &err));
    return 0;
}

static int free_net(void **state)
{
    (void)state;
    ae_net_free(net);
    return 0;
}

/* Weights start at 0, so that they become the step itself. */
static void begin(ae_muon *m, float **gradient)
{
    uint64_t random = 5;
    *gradient = malloc(net->n_weights * sizeof(float));
    *m = (ae_muon){.net = net,
                   .weights = calloc(net->n_weights, sizeof(float)),
                   .momentum = calloc(net->n_weights, sizeof(float)),
                   .gradient = *gradient,
                   .scratch = malloc(4 * sizeof(float *))};
    for (int i = 0; i < 4; i++) m->scratch[i] = malloc(ae_muon_scratch_floats(net) * sizeof(float));
    for (size_t i = 0; i < net->n_weights; i++) (*gradient)[i] = check_random_float(&random);
}

static void end(ae_muon *m, float *gradient)
{
    for (int i = 0; i < 4; i++) free(m->scratch[i]);
    free(m->scratch);
    free(m->weights);
    free(m->momentum);
    free(gradient);
}

static void step(ae_muon *m, const ae_muon_rates *with, int n_threads)
{
    ae_pool *pool;
    CHECK_OK(ae_pool_new(&pool, n_threads, &err));
    ae_muon_step(m, with, pool);
    ae_pool_free(pool);
}

/* x x^T is near the identity: five rounds leave singular values between 0.7 and 1.2, so squares on
 * the diagonal average near 1 and the rest is small. x: [s, l], s <= l. */
static void check_orthogonal(const float *x, size_t s, size_t l, size_t stride_s, size_t stride_l)
{
    double unit = 0.2 * sqrt((double)l);
    for (size_t i = 0; i < s; i++) {
        for (size_t k = 0; k < s; k++) {
            double sum = 0;
            for (size_t j = 0; j < l; j++)
                sum += (double)x[i * stride_s + j * stride_l] / unit *
                       ((double)x[k * stride_s + j * stride_l] / unit);
            if (i == k && !(sum > 0.4 && sum < 1.5)) fail_msg("row %zu: length^2 %g", i, sum);
            if (i != k && !(fabs(sum) < 0.35)) fail_msg("rows %zu, %zu: product %g", i, k, sum);
        }
    }
}

static const ae_param *param(ae_param_kind kind)
{
    for (size_t i = 0; i < net->n_params; i++)
        if (net->params[i].kind == kind && net->params[i].layer == 1) return &net->params[i];
    return NULL;
}

static void test_step_is_orthogonal(void **state)
{
    (void)state;
    ae_muon m;
    float *gradient;
    begin(&m, &gradient);
    step(&m, &rates, 1);
    const float *w = m.weights;
    size_t qkv = param(AE_PARAM_QKV)->begin, up = param(AE_PARAM_GATE_UP)->begin;
    check_orthogonal(w + qkv, 32, 32, 32, 1);           /* queries */
    check_orthogonal(w + qkv + 32 * 32, 16, 32, 32, 1); /* keys */
    check_orthogonal(w + qkv + 48 * 32, 16, 32, 32, 1); /* values */
    check_orthogonal(w + up, 32, 48, 1, 32);            /* gate, a tall matrix */
    check_orthogonal(w + up + 48 * 32, 32, 48, 1, 32);  /* up */
    check_orthogonal(w + param(AE_PARAM_DOWN)->begin, 32, 48, 48, 1);
    for (size_t i = 0; i < net->n_params; i++) {
        const ae_param *p = &net->params[i];
        if (!ae_param_is_layer_matrix(p))
            for (size_t k = 0; k < p->n_rows * p->n_cols; k++) assert_true(w[p->begin + k] == 0);
    }
    end(&m, gradient);
}

/* The step goes down: against a gradient that is orthogonal already it is its negative. */
static void test_step_goes_against_the_gradient(void **state)
{
    (void)state;
    ae_muon m;
    float *gradient;
    begin(&m, &gradient);
    const ae_param *p = param(AE_PARAM_ATTN_OUT);
    memset(gradient + p->begin, 0, 32 * 32 * sizeof(float));
    for (size_t i = 0; i < 32; i++) gradient[p->begin + i * 32 + (i + 5) % 32] = 3;
    step(&m, &rates, 1);
    for (size_t i = 0; i < 32; i++)
        for (size_t k = 0; k < 32; k++) {
            double got = (double)m.weights[p->begin + i * 32 + k] / (0.2 * sqrt(32.0));
            double want = k == (i + 5) % 32 ? -1 : 0;
            if (!(fabs(got - want) < 0.35)) fail_msg("%zu, %zu: %g, not %g", i, k, got, want);
        }
    end(&m, gradient);
}

static void test_momentum_and_decay(void **state)
{
    (void)state;
    ae_muon m;
    float *gradient;
    begin(&m, &gradient);
    size_t at = param(AE_PARAM_DOWN)->begin + 7;
    step(&m, &rates, 1);
    assert_true(fabsf(m.momentum[at] - 0.5f * gradient[at]) < 1e-6f);
    step(&m, &rates, 1);
    assert_true(fabsf(m.momentum[at] - 0.95f * gradient[at]) < 1e-6f);
    float before = m.weights[at];
    memset(gradient, 0, net->n_weights * sizeof(float));
    memset(m.momentum, 0, net->n_weights * sizeof(float));
    step(&m, &(ae_muon_rates){.learning_rate = 0.5, .weight_decay = 0.5, .gradient_scale = 1}, 1);
    assert_true(fabsf(m.weights[at] - 0.75f * before) < 1e-6f);
    end(&m, gradient);
}

static void test_same_bits_for_any_threads(void **state)
{
    (void)state;
    ae_muon one, many;
    float *g1, *g2;
    begin(&one, &g1);
    begin(&many, &g2);
    step(&one, &rates, 1);
    step(&many, &rates, 3);
    assert_memory_equal(one.weights, many.weights, net->n_weights * sizeof(float));
    end(&one, g1);
    end(&many, g2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step_is_orthogonal),
        cmocka_unit_test(test_step_goes_against_the_gradient),
        cmocka_unit_test(test_momentum_and_decay),
        cmocka_unit_test(test_same_bits_for_any_threads),
    };
    return cmocka_run_group_tests_name("muon", tests, make_net, free_net);
}
