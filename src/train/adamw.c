#include "train/adamw.h"

#include "base/clones.h"

#include <math.h>

/* Squares are summed in chunks of so many values, and chunks in their order: the split among
 * threads falls between chunks and changes nothing. */
enum { CHUNK = 4096 };

typedef struct {
    ae_adamw *a;
    const ae_adamw_rates *rates;
    double norm;
} job;

size_t ae_adamw_n_chunks(const ae_net *net)
{
    return (net->n_weights + CHUNK - 1) / CHUNK;
}

AE_CLONES static void sum_gradients(ae_adamw *a, size_t begin, size_t end)
{
    float *sum = a->gradients[0];
    for (size_t k = 1; k < a->n_gradients; k++) {
        const float *g = a->gradients[k];
        for (size_t i = begin; i < end; i++) sum[i] += g[i];
    }
}

static void gather(void *arg, ae_member member)
{
    job *j = arg;
    ae_range range = ae_split(j->a->net->n_weights, CHUNK, member);
    sum_gradients(j->a, range.begin, range.end);
}

void ae_adamw_gather(ae_adamw *a, ae_pool *pool)
{
    job j = {.a = a};
    ae_pool_run(pool, gather, &j);
}

AE_CLONES static double sum_of_squares(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sum;
}

/* m and v are running means of g and g^2; dividing by 1 - beta^step takes out their start at 0. */
AE_CLONES static void update(const job *j, size_t begin, size_t end, double decay,
                             float gradient_scale)
{
    const ae_adamw_rates *r = j->rates;
    const float beta1 = (float)r->beta1, beta2 = (float)r->beta2, eps = (float)r->epsilon;
    const float rate = (float)(r->learning_rate / (1 - pow(r->beta1, (double)r->step)));
    const float v_scale = (float)(1 / (1 - pow(r->beta2, (double)r->step)));
    const float keep = (float)(1 - r->learning_rate * decay);
    float *w = j->a->weights, *m = j->a->moment1, *v = j->a->moment2, *sum = j->a->gradients[0];
    for (size_t i = begin; i < end; i++) {
        float g = sum[i] * gradient_scale;
        m[i] = beta1 * m[i] + (1 - beta1) * g;
        v[i] = beta2 * v[i] + (1 - beta2) * g * g;
        w[i] = keep * w[i] - rate * m[i] / (sqrtf(v[i] * v_scale) + eps);
    }
}

/* The part of begin..end that lies in each parameter, with the decay of its kind. */
static void update_range(const job *j, size_t begin, size_t end, float gradient_scale)
{
    const ae_net *net = j->a->net;
    for (size_t i = 0; i < net->n_params; i++) {
        const ae_param *p = &net->params[i];
        size_t p_end = p->begin + p->n_rows * p->n_cols;
        size_t from = p->begin > begin ? p->begin : begin, to = p_end < end ? p_end : end;
        bool is_matrix = ae_param_is_layer_matrix(p);
        if (is_matrix && j->rates->has_muon) continue;
        if (from < to) update(j, from, to, is_matrix ? j->rates->weight_decay : 0, gradient_scale);
    }
}

double ae_adamw_clip_scale(const ae_adamw_rates *rates, double norm)
{
    return rates->clip > 0 && norm > rates->clip ? rates->clip / norm : 1;
}

static void step(void *arg, ae_member member)
{
    job *j = arg;
    ae_adamw *a = j->a;
    size_t n = a->net->n_weights, n_chunks = ae_adamw_n_chunks(a->net);
    ae_range chunks = ae_split(n_chunks, 1, member);
    for (size_t c = chunks.begin; c < chunks.end; c++) {
        size_t begin = c * CHUNK, end = begin + CHUNK < n ? begin + CHUNK : n;
        sum_gradients(a, begin, end);
        a->chunk_sums[c] = sum_of_squares(a->gradients[0] + begin, end - begin);
    }
    ae_pool_barrier(member);

    double squares = 0;
    for (size_t c = 0; c < n_chunks; c++) squares += a->chunk_sums[c];
    double norm = sqrt(squares);
    if (member.index == 0) j->norm = norm;
    if (!isfinite(norm)) return;
    float gradient_scale = (float)ae_adamw_clip_scale(j->rates, norm);
    size_t begin = chunks.begin * CHUNK, end = chunks.end * CHUNK < n ? chunks.end * CHUNK : n;
    update_range(j, begin, end, gradient_scale);
}

double ae_adamw_step(ae_adamw *a, const ae_adamw_rates *rates, ae_pool *pool)
{
    job j = {.a = a, .rates = rates};
    ae_pool_run(pool, step, &j);
    return j.norm;
}
