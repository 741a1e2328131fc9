/* train/adamw: one update against the formula in f64; the same bits for any number of threads. */
#include "base/mem.h"
#include "check.h"
#include "train/adamw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static aeon_error err;
enum { N_GRADIENTS = 3 };

static const ae_net_shape shape = {.n_vocab = 300,
                                   .n_embd = 32,
                                   .n_layers = 1,
                                   .n_heads = 4,
                                   .n_kv_heads = 2,
                                   .n_ff = 48,
                                   .n_ctx = 1024,
                                   .n_ctx_original = 1024,
                                   .rope_theta = 10000,
                                   .partial_rotary = 1,
                                   .norm_eps = 1e-5};
static const ae_adamw_rates rates = {.learning_rate = 0.01,
                                     .beta1 = 0.9,
                                     .beta2 = 0.95,
                                     .epsilon = 1e-8,
                                     .weight_decay = 0.1,
                                     .clip = 1,
                                     .step = 3};

static void begin(ae_adamw *a, const ae_net *net)
{
    size_t n = net->n_weights;
    uint64_t random = 9;
    *a = (ae_adamw){.net = net,
                    .weights = malloc(n * sizeof(float)),
                    .moment1 = malloc(n * sizeof(float)),
                    .moment2 = malloc(n * sizeof(float)),
                    .gradients = calloc(N_GRADIENTS, sizeof(float *)),
                    .n_gradients = N_GRADIENTS,
                    .chunk_sums = calloc(ae_adamw_n_chunks(net), sizeof(double))};
    for (int k = 0; k < N_GRADIENTS; k++) a->gradients[k] = malloc(n * sizeof(float));
    for (size_t i = 0; i < n; i++) {
        a->weights[i] = check_random_float(&random);
        a->moment1[i] = 0.1f * check_random_float(&random);
        a->moment2[i] = 0.01f * fabsf(check_random_float(&random));
        for (int k = 0; k < N_GRADIENTS; k++) a->gradients[k][i] = check_random_float(&random);
    }
}

static void end(ae_adamw *a)
{
    for (int k = 0; k < N_GRADIENTS; k++) free(a->gradients[k]);
    free(a->gradients);
    free(a->weights);
    free(a->moment1);
    free(a->moment2);
    free(a->chunk_sums);
}

static double update(ae_adamw *a, const ae_adamw_rates *with, int n_threads)
{
    ae_pool *pool;
    CHECK_OK(ae_pool_new(&pool, n_threads, &err));
    double norm = ae_adamw_step(a, with, pool);
    ae_pool_free(pool);
    return norm;
}

static void update_follows_the_formula(void **state)
{
    const ae_net *net = *state;
    ae_adamw before, after;
    begin(&before, net);
    begin(&after, net);
    double squares = 0, norm = update(&after, &rates, 2);
    for (size_t i = 0; i < net->n_weights; i++) {
        double g = 0;
        for (int k = 0; k < N_GRADIENTS; k++) g += (double)before.gradients[k][i];
        squares += g * g;
    }
    assert_true(fabs(norm - sqrt(squares)) < 1e-6 * norm);

    for (size_t p = 0; p < net->n_params; p++) {
        const ae_param *q = &net->params[p];
        bool decays = q->kind == AE_PARAM_QKV || q->kind == AE_PARAM_ATTN_OUT ||
                      q->kind == AE_PARAM_GATE_UP || q->kind == AE_PARAM_DOWN;
        for (size_t i = q->begin; i < q->begin + q->n_rows * q->n_cols; i++) {
            double g = 0, w = (double)before.weights[i];
            for (int k = 0; k < N_GRADIENTS; k++) g += (double)before.gradients[k][i] / norm;
            double m = 0.9 * (double)before.moment1[i] + 0.1 * g;
            double v = 0.95 * (double)before.moment2[i] + 0.05 * g * g;
            w -= 0.01 * (decays ? 0.1 : 0) * w;
            w -= 0.01 * (m / (1 - pow(0.9, 3))) / (sqrt(v / (1 - pow(0.95, 3))) + 1e-8);
            assert_true(fabs((double)after.weights[i] - w) < 1e-5);
            assert_true(fabs((double)after.moment1[i] - m) < 1e-6);
            assert_true(fabs((double)after.moment2[i] - v) < 1e-6);
        }
    }
    end(&before);
    end(&after);
}

static void threads_change_no_bit(void **state)
{
    const ae_net *net = *state;
    ae_adamw one, many;
    begin(&one, net);
    double norm = update(&one, &rates, 1);
    for (int n = 2; n <= 5; n++) {
        begin(&many, net);
        assert_true(update(&many, &rates, n) == norm);
        assert_memory_equal(one.weights, many.weights, net->n_weights * sizeof(float));
        assert_memory_equal(one.moment1, many.moment1, net->n_weights * sizeof(float));
        assert_memory_equal(one.moment2, many.moment2, net->n_weights * sizeof(float));
        end(&many);
    }
    end(&one);
}

/* Without a limit, or below it, the gradient counts as it is. */
static void clipping_only_shortens(void **state)
{
    const ae_net *net = *state;
    ae_adamw_rates free_rates = rates, wide = rates;
    ae_adamw a, b;
    begin(&a, net);
    begin(&b, net);
    free_rates.clip = 0;
    wide.clip = 2 * update(&a, &free_rates, 1);
    update(&b, &wide, 1);
    assert_memory_equal(a.weights, b.weights, net->n_weights * sizeof(float));
    end(&b);
    begin(&b, net);
    update(&b, &rates, 1);
    assert_memory_not_equal(a.weights, b.weights, net->n_weights * sizeof(float));
    end(&a);
    end(&b);
}

static void no_number_changes_nothing(void **state)
{
    const ae_net *net = *state;
    const float bad[] = {NAN, INFINITY};
    ae_adamw before, after;
    begin(&before, net);
    for (int i = 0; i < 2; i++) {
        begin(&after, net);
        after.gradients[1][net->n_weights - 1] = bad[i];
        assert_false(isfinite(update(&after, &rates, 2)));
        assert_memory_equal(before.weights, after.weights, net->n_weights * sizeof(float));
        assert_memory_equal(before.moment1, after.moment1, net->n_weights * sizeof(float));
        assert_memory_equal(before.moment2, after.moment2, net->n_weights * sizeof(float));
        end(&after);
    }
    end(&before);
}

static int make_net(void **state)
{
    CHECK_OK(ae_net_new((ae_net **)state, &shape, 8, &err));
    return 0;
}

static int free_net(void **state)
{
    ae_net_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(update_follows_the_formula),
        cmocka_unit_test(threads_change_no_bit),
        cmocka_unit_test(clipping_only_shortens),
        cmocka_unit_test(no_number_changes_nothing),
    };
    return cmocka_run_group_tests_name("adamw", tests, make_net, free_net);
}
