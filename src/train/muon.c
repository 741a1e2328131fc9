#include "train/muon.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

/* A block of rows of a parameter that is a matrix of its own. */
typedef struct {
    size_t begin; /* of its first value in the flat array */
    size_t n_rows, n_cols;
} block;

enum { MAX_BLOCKS = 3, N_ITERATIONS = 5 };

static size_t list_blocks(block out[MAX_BLOCKS], const ae_net *net, const ae_param *p)
{
    const ae_heads *h = &net->heads;
    size_t q = h->n_heads * h->head_dim, kv = h->n_kv_heads * h->head_dim;
    size_t rows[MAX_BLOCKS] = {p->n_rows}, n = 1, begin = p->begin;
    if (p->kind == AE_PARAM_QKV) rows[0] = q, rows[1] = rows[2] = kv, n = 3;
    if (p->kind == AE_PARAM_GATE_UP) rows[0] = rows[1] = p->n_rows / 2, n = 2;
    for (size_t i = 0; i < n; i++) {
        out[i] = (block){begin, rows[i], p->n_cols};
        begin += rows[i] * p->n_cols;
    }
    return n;
}

static size_t shorter(const block *b)
{
    return b->n_rows < b->n_cols ? b->n_rows : b->n_cols;
}

static size_t longer(const block *b)
{
    return b->n_rows < b->n_cols ? b->n_cols : b->n_rows;
}

/* Two matrices of the block's size, and two squares of its shorter side. */
static size_t block_scratch(const block *b)
{
    return 2 * b->n_rows * b->n_cols + 2 * shorter(b) * shorter(b);
}

size_t ae_muon_scratch_floats(const ae_net *net)
{
    size_t most = 0;
    for (size_t i = 0; i < net->n_params; i++) {
        block blocks[MAX_BLOCKS];
        size_t n = list_blocks(blocks, net, &net->params[i]);
        for (size_t k = 0; ae_param_is_layer_matrix(&net->params[i]) && k < n; k++)
            if (block_scratch(&blocks[k]) > most) most = block_scratch(&blocks[k]);
    }
    return most;
}

/* The momentum with the newest gradient looked ahead, laid out with the shorter side as rows. */
static void advance(float *x, const ae_muon *m, const ae_muon_rates *r, const block *b)
{
    float keep = (float)r->momentum, scale = (float)r->gradient_scale;
    bool is_wide = b->n_rows <= b->n_cols;
    for (size_t i = 0; i < b->n_rows; i++) {
        for (size_t k = 0; k < b->n_cols; k++) {
            size_t at = b->begin + i * b->n_cols + k;
            float g = scale * m->gradient[at];
            m->momentum[at] = keep * m->momentum[at] + g;
            x[is_wide ? i * b->n_cols + k : k * b->n_rows + i] = g + keep * m->momentum[at];
        }
    }
}

/* x [s, l], s <= l: all singular values go near 1 (0.7 to 1.2), the singular vectors stay. Each
 * round is x = (a + b (x x^T) + c (x x^T)^2) x, an odd polynomial of the singular values. */
static void orthogonalize(float *x, int s, int l, float *scratch)
{
    const float a = 3.4445f, b = -4.7750f, c = 2.0315f;
    size_t n = (size_t)s * (size_t)l, n_square = (size_t)s * (size_t)s;
    float *next = scratch, *square = next + n, *poly = square + n_square;
    float length = cblas_snrm2((int)n, x, 1) + 1e-7f;
    cblas_sscal((int)n, 1 / length, x, 1);
    for (int round = 0; round < N_ITERATIONS; round++) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, s, s, l, 1, x, l, x, l, 0, square, s);
        memcpy(poly, square, n_square * sizeof(float));
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, s, s, s, c, square, s, square, s, b,
                    poly, s);
        memcpy(next, x, n * sizeof(float));
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, s, l, s, 1, poly, s, x, l, a, next,
                    l);
        memcpy(x, next, n * sizeof(float));
    }
}

static void update(const ae_muon *m, const ae_muon_rates *r, const block *b, float *scratch)
{
    float *x = scratch;
    advance(x, m, r, b);
    orthogonalize(x, (int)shorter(b), (int)longer(b), scratch + b->n_rows * b->n_cols);
    float rate = (float)(r->learning_rate * 0.2 * sqrt((double)longer(b)));
    float keep = (float)(1 - r->learning_rate * r->weight_decay);
    bool is_wide = b->n_rows <= b->n_cols;
    for (size_t i = 0; i < b->n_rows; i++) {
        for (size_t k = 0; k < b->n_cols; k++) {
            float *w = m->weights + b->begin + i * b->n_cols + k;
            *w = keep * *w - rate * x[is_wide ? i * b->n_cols + k : k * b->n_rows + i];
        }
    }
}

typedef struct {
    const ae_muon *muon;
    const ae_muon_rates *rates;
} job;

/* Matrices are dealt out in turn; layers repeat the same sizes, so the shares are even. */
static void step(void *arg, ae_member member)
{
    const job *j = arg;
    const ae_net *net = j->muon->net;
    size_t turn = 0;
    for (size_t i = 0; i < net->n_params; i++) {
        block blocks[MAX_BLOCKS];
        if (!ae_param_is_layer_matrix(&net->params[i])) continue;
        size_t n = list_blocks(blocks, net, &net->params[i]);
        for (size_t k = 0; k < n; k++)
            if (turn++ % (size_t)member.n == (size_t)member.index)
                update(j->muon, j->rates, &blocks[k], j->muon->scratch[member.index]);
    }
}

void ae_muon_step(const ae_muon *m, const ae_muon_rates *rates, ae_pool *pool)
{
    job j = {m, rates};
    ae_pool_run(pool, step, &j);
}
