/* train/net: loss and gradients against a reference in f64 that shares no code with the net. */
#include "base/mem.h"
#include "check.h"
#include "train/net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static aeon_error err;

static const ae_net_shape shape = {.n_vocab = 37,
                                   .n_embd = 32,
                                   .n_layers = 2,
                                   .n_heads = 4,
                                   .n_kv_heads = 2,
                                   .n_ff = 24,
                                   .n_ctx = 4096,
                                   .n_ctx_original = 1024,
                                   .rope_theta = 10000,
                                   .partial_rotary = 0.75,
                                   .norm_eps = 1e-5};
enum { MAX_TOKENS = 200, E = 32, H = 4, KV = 2, D = 8, N_ROPE = 3, F = 24, V = 37 };

/* ---- the reference: one token at a time, straight from the definition ------------------------ */

static void ref_norm(double *out, const double *x, const double *w)
{
    double sum = 0;
    for (int i = 0; i < E; i++) sum += x[i] * x[i];
    for (int i = 0; i < E; i++) out[i] = x[i] / sqrt(sum / E + 1e-5) * w[i];
}

static void ref_matrix(double *out, const double *w, const double *x, int n_out, int n_in)
{
    for (int o = 0; o < n_out; o++) {
        out[o] = 0;
        for (int i = 0; i < n_in; i++) out[o] += w[o * n_in + i] * x[i];
    }
}

static void ref_rope(double *head, size_t pos, bool is_long)
{
    double scale = sqrt(1 + log(4096.0 / 1024) / log(1024));
    for (int i = 0; i < N_ROPE; i++) {
        double turn = (double)pos / pow(10000, (double)i / N_ROPE);
        if (is_long) turn /= pow(4, i / (N_ROPE - 1.0));
        double c = cos(turn) * scale, s = sin(turn) * scale;
        double a = head[i], b = head[i + N_ROPE];
        head[i] = a * c - b * s;
        head[i + N_ROPE] = a * s + b * c;
    }
}

typedef struct {
    double k[2][MAX_TOKENS][KV * D], v[2][MAX_TOKENS][KV * D];
} ref_cache;

static void ref_attention(double *out, const double *qkv, const ref_cache *c, int l, size_t pos)
{
    for (int h = 0; h < H; h++) {
        double p[MAX_TOKENS], sum = 0;
        int kv = h / (H / KV);
        for (size_t j = 0; j <= pos; j++) {
            double score = 0;
            for (int i = 0; i < D; i++) score += qkv[h * D + i] * c->k[l][j][kv * D + i];
            sum += p[j] = exp(score / sqrt(D));
        }
        for (int i = 0; i < D; i++) {
            out[h * D + i] = 0;
            for (size_t j = 0; j <= pos; j++) out[h * D + i] += p[j] / sum * c->v[l][j][kv * D + i];
        }
    }
}

/* -log p(target) after the token id at position pos of a document. */
static double ref_token(const double *w, ref_cache *c, size_t pos, int id, int target, bool is_long)
{
    const double *table = w;
    double x[E], h[E], qkv[(H + 2 * KV) * D], attn[H * D], branch[E], gu[2 * F], act[F], logits[V];
    memcpy(x, table + id * E, sizeof x);
    w += V * E;
    for (int l = 0; l < 2; l++) {
        ref_norm(h, x, w);
        w += E;
        ref_matrix(qkv, w, h, (H + 2 * KV) * D, E);
        w += (H + 2 * KV) * D * E;
        for (int i = 0; i < H + KV; i++) ref_rope(qkv + i * D, pos, is_long);
        memcpy(c->k[l][pos], qkv + H * D, sizeof c->k[l][pos]);
        memcpy(c->v[l][pos], qkv + (H + KV) * D, sizeof c->v[l][pos]);
        ref_attention(attn, qkv, c, l, pos);
        ref_matrix(branch, w, attn, E, H * D);
        w += E * H * D;
        for (int i = 0; i < E; i++) x[i] += branch[i];
        ref_norm(h, x, w);
        w += E;
        ref_matrix(gu, w, h, 2 * F, E);
        w += 2 * F * E;
        for (int i = 0; i < F; i++) act[i] = gu[i] / (1 + exp(-gu[i])) * gu[F + i];
        ref_matrix(branch, w, act, E, F);
        w += E * F;
        for (int i = 0; i < E; i++) x[i] += branch[i];
    }
    ref_norm(h, x, w);
    ref_matrix(logits, table, h, V, E);
    double sum = 0;
    for (int i = 0; i < V; i++) sum += exp(logits[i]);
    return target < 0 ? 0 : log(sum) - logits[target];
}

static double ref_loss(const double *w, const ae_sequence *q)
{
    static ref_cache cache;
    double loss = 0;
    for (size_t d = 0; d < q->n_documents; d++) {
        for (size_t t = q->starts[d]; t < q->starts[d + 1]; t++) {
            int target = t + 1 < q->n && q->is_target[t + 1] ? q->ids[t + 1] : -1;
            loss += ref_token(w, &cache, t - q->starts[d], q->ids[t], target, q->has_long_factors);
        }
    }
    return loss;
}

/* ---- the fixture: three documents, one longer than an attention block ------------------------ */

typedef struct {
    ae_net *net;
    ae_net_work *work;
    float *weights, *gradient;
    double *exact; /* the weights in f64 */
    int32_t ids[MAX_TOKENS];
    uint8_t is_target[MAX_TOKENS];
    size_t starts[4];
    ae_sequence sequence;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    *state = f;
    CHECK_OK(ae_net_new(&f->net, &shape, MAX_TOKENS, &err));
    CHECK_OK(ae_net_work_new(&f->work, f->net, &err));
    f->weights = calloc(f->net->n_weights, sizeof *f->weights);
    f->gradient = calloc(f->net->n_weights, sizeof *f->gradient);
    f->exact = calloc(f->net->n_weights, sizeof *f->exact);
    ae_net_init_weights(f->net, f->weights, 7);
    uint64_t random = 3;
    for (size_t i = 0; i < f->net->n_weights; i++) {
        /* Larger than at the start of training, so that attention and norms are not nearly flat. */
        f->weights[i] += 0.2f * check_random_float(&random);
        f->exact[i] = (double)f->weights[i];
    }
    size_t starts[] = {0, 5, 6, 160};
    memcpy(f->starts, starts, sizeof starts);
    for (size_t t = 0; t < 160; t++) {
        f->ids[t] = (int32_t)(check_random(&random) % V);
        f->is_target[t] = t != 0 && t != 5 && t != 6 && check_random(&random) % 4 != 0;
    }
    f->sequence = (ae_sequence){
        .ids = f->ids, .is_target = f->is_target, .n = 160, .starts = f->starts, .n_documents = 3};
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    ae_net_work_free(f->work);
    ae_net_free(f->net);
    free(f->weights);
    free(f->gradient);
    free(f->exact);
    free(f);
    assert_int_equal(ae_mem_current(AE_MEM_TRAIN), 0);
    return 0;
}

static double step(fixture *f, float scale)
{
    return ae_net_step(f->net, f->weights, f->gradient, f->work, &f->sequence, scale);
}

static void loss_equals_the_reference(void **state)
{
    fixture *f = *state;
    for (int is_long = 0; is_long < 2; is_long++) {
        f->sequence.has_long_factors = is_long;
        double expected = ref_loss(f->exact, &f->sequence);
        double loss = ae_net_step(f->net, f->weights, NULL, f->work, &f->sequence, 0);
        assert_true(fabs(loss - expected) < 2e-5 * expected);
    }
}

/* Along a random direction in one parameter, the slope of the f64 reference by central difference
 * (error about step^2 + 1e-16 / step, far below) against the f32 gradient. Both are compared on the
 * scale of the parameter's whole gradient: f32 sums of about 1e4 terms leave 1e-5 of it. */
static void check_parameter(fixture *f, const ae_param *p, float scale)
{
    enum { N_DIRECTIONS = 4 };
    size_t n = p->n_rows * p->n_cols;
    double norm = 0, h = 1e-5;
    for (size_t i = 0; i < n; i++)
        norm += (double)f->gradient[p->begin + i] * (double)f->gradient[p->begin + i];
    norm = sqrt(norm);
    assert_true(norm > 1e-4);
    uint64_t random = p->begin + 1;
    for (int k = 0; k < N_DIRECTIONS; k++) {
        double *direction = calloc(n, sizeof *direction), length = 0, slope = 0;
        for (size_t i = 0; i < n; i++) {
            /* Half of it along the gradient, so that the slope is never near 0 by chance. */
            direction[i] = (double)check_random_float(&random) / sqrt((double)n) +
                           (double)f->gradient[p->begin + i] / norm;
            length += direction[i] * direction[i];
            slope += direction[i] * (double)f->gradient[p->begin + i];
        }
        double loss[2];
        for (int side = 0; side < 2; side++) {
            for (size_t i = 0; i < n; i++)
                f->exact[p->begin + i] = (double)f->weights[p->begin + i] +
                                         (side ? h : -h) * direction[i] / sqrt(length);
            loss[side] = ref_loss(f->exact, &f->sequence);
        }
        for (size_t i = 0; i < n; i++) f->exact[p->begin + i] = (double)f->weights[p->begin + i];
        double expected = (double)scale * (loss[1] - loss[0]) / (2 * h);
        char name[64];
        ae_param_name(p, name);
        if (!(fabs(expected - slope / sqrt(length)) < 1e-4 * norm))
            fail_msg("%s: slope %.8g, gradient %.8g", name, expected, slope / sqrt(length));
        free(direction);
    }
}

static void gradients_of_every_parameter_equal_finite_differences(void **state)
{
    fixture *f = *state;
    const float scale = 1.0f / 64;
    step(f, scale);
    for (size_t i = 0; i < f->net->n_params; i++) check_parameter(f, &f->net->params[i], scale);
    f->sequence.has_long_factors = true;
    step(f, scale);
    check_parameter(f, &f->net->params[2], scale); /* attn_qkv: what rotation touches */
}

/* The same pass twice, and over what an earlier pass left, gives the same bits. */
static void gradients_depend_on_nothing_left_over(void **state)
{
    fixture *f = *state;
    size_t bytes = f->net->n_weights * sizeof(float);
    double loss = step(f, 1);
    float *first = malloc(bytes);
    memcpy(first, f->gradient, bytes);
    for (size_t i = 0; i < f->net->n_weights; i++) f->gradient[i] = NAN;
    f->sequence.n = 5;
    f->sequence.n_documents = 1;
    step(f, 1);
    f->sequence.n = 160;
    f->sequence.n_documents = 3;
    assert_true(step(f, 1) == loss);
    assert_memory_equal(first, f->gradient, bytes);
    free(first);
}

/* Each rounding to 8 bits is off by up to 0.4 %, and a value passes a dozen products. */
static void bf16_products_stay_near(void **state)
{
    fixture *f = *state;
    size_t n = f->net->n_weights;
    if (!ae_gemm_bf16()) skip();
    float *exact = calloc(n, sizeof *exact);
    double loss = step(f, 0.01f);
    memcpy(exact, f->gradient, n * sizeof *exact);
    f->net->bf16 = ae_gemm_bf16();
    double rounded_loss = step(f, 0.01f);
    for (size_t i = 0; i < f->net->n_params; i++) {
        const ae_param *p = &f->net->params[i];
        double error = 0, length = 0;
        for (size_t k = p->begin; k < p->begin + p->n_rows * p->n_cols; k++) {
            double difference = (double)f->gradient[k] - (double)exact[k];
            error += difference * difference;
            length += (double)exact[k] * (double)exact[k];
        }
        assert_true(error > 0 && sqrt(error) <= 0.05 * sqrt(length));
    }
    assert_true(fabs(rounded_loss - loss) < 0.005 * loss);
    free(exact);
}

static void sequence_without_targets_has_no_gradient(void **state)
{
    fixture *f = *state;
    memset(f->is_target, 0, sizeof f->is_target);
    assert_true(step(f, 1) == 0);
    for (size_t i = 0; i < f->net->n_weights; i++) assert_true(f->gradient[i] == 0);
}

static void exponentials_do_not_overflow(void **state)
{
    fixture *f = *state;
    for (size_t i = 0; i < f->net->n_weights; i++) f->weights[i] *= 1000;
    assert_true(isfinite(step(f, 1)));
    for (size_t i = 0; i < f->net->n_weights; i++) assert_true(isfinite(f->gradient[i]));
}

static void impossible_shapes_are_refused(void **state)
{
    fixture *f = *state;
    struct {
        uint32_t n_embd, n_heads, n_kv_heads, n_ctx;
        double partial_rotary;
        const char *field;
    } bad[] = {{33, 4, 2, 4096, 0.75, "n_heads"},
               {32, 4, 3, 4096, 0.75, "n_heads"},
               {32, 4, 2, 512, 0.75, "n_ctx"},
               {32, 4, 2, 4096, 0.6, "partial_rotary"},
               {32, 4, 2, 4096, 0.1, "partial_rotary"}};
    for (size_t i = 0; i < AE_COUNT(bad); i++) {
        ae_net_shape s = shape;
        s.n_embd = bad[i].n_embd;
        s.n_heads = bad[i].n_heads;
        s.n_kv_heads = bad[i].n_kv_heads;
        s.n_ctx = bad[i].n_ctx;
        s.partial_rotary = bad[i].partial_rotary;
        ae_net *net = f->net;
        CHECK_FAILS(ae_net_new(&net, &s, 8, &err), AEON_INVALID_ARGUMENT);
        assert_ptr_equal(net, f->net);
        assert_memory_equal(err.text, bad[i].field, strlen(bad[i].field));
    }
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    size_t before = aeon_memory_stats_get().current_bytes;
    aeon_status status = AEON_OUT_OF_MEMORY;
    for (uint64_t k = 1; status != AEON_OK; k++) {
        ae_net *net = NULL;
        ae_net_work *work = NULL;
        ae_mem_fail_at(k, false);
        status = ae_net_new(&net, &shape, MAX_TOKENS, &err);
        if (status == AEON_OK) status = ae_net_work_new(&work, net, &err);
        ae_mem_fail_at(0, false);
        if (status != AEON_OK) assert_int_equal(status, AEON_OUT_OF_MEMORY);
        ae_net_work_free(work);
        ae_net_free(net);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

#define FIXTURE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(loss_equals_the_reference),
        FIXTURE_TEST(gradients_of_every_parameter_equal_finite_differences),
        FIXTURE_TEST(gradients_depend_on_nothing_left_over),
        FIXTURE_TEST(bf16_products_stay_near),
        FIXTURE_TEST(sequence_without_targets_has_no_gradient),
        FIXTURE_TEST(exponentials_do_not_overflow),
        FIXTURE_TEST(impossible_shapes_are_refused),
        cmocka_unit_test(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
