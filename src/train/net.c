#include "train/net.h"

#include "base/mem.h"
#include "train/random.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- parameters ------------------------------------------------------------------------------ */

static void add_param(ae_net *net, ae_param_kind kind, uint32_t layer, size_t n_rows, size_t n_cols)
{
    net->params[net->n_params++] = (ae_param){kind, layer, net->n_weights, n_rows, n_cols};
    net->n_weights += n_rows * n_cols;
}

enum { PARAMS_PER_LAYER = AE_PARAM_DOWN - AE_PARAM_ATTN_NORM + 1 };

static void list_params(ae_net *net)
{
    const ae_net_shape *s = &net->shape;
    size_t q_width = s->n_heads * net->heads.head_dim;
    add_param(net, AE_PARAM_EMBEDDING, 0, s->n_vocab, s->n_embd);
    for (uint32_t l = 0; l < s->n_layers; l++) {
        add_param(net, AE_PARAM_ATTN_NORM, l, 1, s->n_embd);
        add_param(net, AE_PARAM_QKV, l, net->qkv_width, s->n_embd);
        add_param(net, AE_PARAM_ATTN_OUT, l, s->n_embd, q_width);
        add_param(net, AE_PARAM_FFN_NORM, l, 1, s->n_embd);
        add_param(net, AE_PARAM_GATE_UP, l, 2 * s->n_ff, s->n_embd);
        add_param(net, AE_PARAM_DOWN, l, s->n_embd, s->n_ff);
    }
    add_param(net, AE_PARAM_OUT_NORM, 0, 1, s->n_embd);
}

/* Where a parameter begins in the flat array. */
static size_t at(const ae_net *net, ae_param_kind kind, uint32_t layer)
{
    if (kind == AE_PARAM_EMBEDDING) return 0;
    if (kind == AE_PARAM_OUT_NORM) return net->params[net->n_params - 1].begin;
    return net->params[1 + layer * PARAMS_PER_LAYER + (kind - AE_PARAM_ATTN_NORM)].begin;
}

bool ae_param_is_layer_matrix(const ae_param *p)
{
    return p->n_rows > 1 && p->kind != AE_PARAM_EMBEDDING;
}

void ae_param_name(const ae_param *p, char out[64])
{
    static const char *const names[] = {"token_embd", "attn_norm", "attn_qkv", "attn_output",
                                        "ffn_norm",   "ffn_up",    "ffn_down", "output_norm"};
    if (p->kind == AE_PARAM_EMBEDDING || p->kind == AE_PARAM_OUT_NORM)
        snprintf(out, 64, "%s.weight", names[p->kind]);
    else
        snprintf(out, 64, "blk.%u.%s.weight", p->layer, names[p->kind]);
}

void ae_net_init_weights(const ae_net *net, float *weights, uint64_t seed)
{
    uint64_t random = ae_random_seed(seed, 0);
    for (size_t i = 0; i < net->n_params; i++) {
        const ae_param *p = &net->params[i];
        double deviation = 1 / sqrt((double)p->n_cols);
        if (p->kind == AE_PARAM_EMBEDDING) deviation = 0.02;
        if (p->kind == AE_PARAM_ATTN_OUT || p->kind == AE_PARAM_DOWN)
            deviation /= sqrt(2.0 * net->shape.n_layers);
        float half_width = (float)(sqrt(3.0) * deviation);
        for (size_t j = p->begin; j < p->begin + p->n_rows * p->n_cols; j++)
            weights[j] = p->n_rows == 1 ? 1 : half_width * (2 * ae_random_float(&random) - 1);
    }
}

/* ---- the net --------------------------------------------------------------------------------- */

static aeon_status check_shape(const ae_net_shape *s, aeon_error *err)
{
    if (s->n_embd % s->n_heads != 0 || s->n_heads % s->n_kv_heads != 0)
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "n_heads: %u does not divide n_embd %u, or is no multiple of n_kv_heads %u",
                       s->n_heads, s->n_embd, s->n_kv_heads);
    double rotated = s->n_embd / s->n_heads * s->partial_rotary;
    if (rotated < 2 || rotated != 2 * floor(rotated / 2))
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "partial_rotary: %g of a head of %u is %g, no even number of dimensions",
                       s->partial_rotary, s->n_embd / s->n_heads, rotated);
    if (s->n_ctx < s->n_ctx_original)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "n_ctx: %u is less than n_ctx_original %u",
                       s->n_ctx, s->n_ctx_original);
    return AEON_OK;
}

double ae_net_rope_scale(const ae_net_shape *s)
{
    return sqrt(1 + log((double)s->n_ctx / s->n_ctx_original) / log(s->n_ctx_original));
}

/* The long factors rise smoothly from 1 for the fastest pair, which tells neighbours apart, to
 * n_ctx / n_ctx_original for the slowest, whose turn must stay within what was trained. */
static void fill_rope(ae_net *net)
{
    const ae_net_shape *s = &net->shape;
    double stretch = (double)s->n_ctx / s->n_ctx_original, scale = ae_net_rope_scale(s);
    for (size_t i = 0; i < net->n_rope; i++) {
        double part = net->n_rope > 1 ? (double)i / (double)(net->n_rope - 1) : 1;
        net->rope_factor[i] = (float)pow(stretch, part);
    }
    ae_rope_table(net->rope[0], net->max_tokens, net->n_rope, s->rope_theta, NULL, scale);
    ae_rope_table(net->rope[1], net->max_tokens, net->n_rope, s->rope_theta, net->rope_factor,
                  scale);
}

aeon_status ae_net_new(ae_net **out, const ae_net_shape *shape, size_t max_tokens, aeon_error *err)
{
    TRY(check_shape(shape, err));
    ae_net *net = ae_mem_alloc(AE_MEM_TRAIN, sizeof *net);
    if (!net) return ae_fail_memory(err, sizeof *net, "the net");
    net->shape = *shape;
    net->heads = (ae_heads){shape->n_heads, shape->n_kv_heads, shape->n_embd / shape->n_heads};
    net->max_tokens = max_tokens;
    net->qkv_width = (shape->n_heads + 2 * shape->n_kv_heads) * net->heads.head_dim;
    net->n_rope = (size_t)((double)net->heads.head_dim * shape->partial_rotary) / 2;

    size_t n_params = 2 + (size_t)shape->n_layers * PARAMS_PER_LAYER;
    size_t table_bytes = max_tokens * 2 * net->n_rope * sizeof(float);
    net->params = ae_mem_alloc_array(AE_MEM_TRAIN, n_params, sizeof *net->params);
    net->rope_factor = ae_mem_alloc(AE_MEM_TRAIN, net->n_rope * sizeof(float));
    net->rope[0] = ae_mem_alloc(AE_MEM_TRAIN, table_bytes);
    net->rope[1] = ae_mem_alloc(AE_MEM_TRAIN, table_bytes);
    if (!net->params || !net->rope_factor || !net->rope[0] || !net->rope[1]) {
        ae_net_free(net);
        return ae_fail_memory(err, table_bytes, "the tables of the net");
    }
    list_params(net);
    fill_rope(net);
    *out = net;
    return AEON_OK;
}

void ae_net_free(ae_net *net)
{
    if (!net) return;
    ae_mem_free(net->params);
    ae_mem_free(net->rope_factor);
    ae_mem_free(net->rope[0]);
    ae_mem_free(net->rope[1]);
    ae_mem_free(net);
}

/* ---- work ------------------------------------------------------------------------------------ */

/* The output head runs on so many targets at a time, so that their logits stay in the cache. */
enum { HEAD_ROWS = 256 };

/* T: tokens of the sequence, E: n_embd, F: n_ff, Q: n_heads * head_dim, W: qkv_width. */
typedef struct {
    float *x;         /* [T, E] residual stream at the layer's entry */
    float *attn_r;    /* [T] of its norm */
    float *attn_in;   /* [T, E] normed */
    float *qkv;       /* [T, W] rotated */
    float *attn;      /* [T, Q] */
    float *mid;       /* [T, E] residual stream after attention */
    float *ffn_r;     /* [T] */
    float *ffn_in;    /* [T, E] */
    float *gate_up;   /* [T, 2F] */
    float *activated; /* [T, F] */
} layer_acts;

struct ae_net_work {
    float *arena; /* everything below, n_layers times what a layer has */
    layer_acts *layers;
    float *x, *r, *out;         /* after the last layer: [T, E], [T], normed [T, E] */
    float *d_x, *d_out;         /* [T, E] gradients of the residual stream, and by a branch */
    float *d_wide;              /* [T, max(W, 2F)] */
    float *d_inner;             /* [T, max(Q, F)] */
    float *scratch;             /* [2 * AE_ATTENTION_BLOCK, T] attention */
    float *head_in, *d_head_in; /* [HEAD_ROWS, E] */
    float *logits;              /* [HEAD_ROWS, n_vocab] */
    float *packed;              /* [AE_GEMM_SCRATCH] bytes */
    size_t *target_rows;        /* [T] the position before each target */
    int32_t *targets;           /* [T] */
};

static size_t max_size(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The next n floats of the arena; with a NULL arena only counts. */
static float *carve(float *arena, size_t *used, size_t n)
{
    float *place = arena ? arena + *used : NULL;
    *used += (n + 15) / 16 * 16; /* keep 64-byte alignment */
    return place;
}

/* Places all buffers in the arena; returns the floats used. w and its arena may be NULL. */
static size_t lay_out(const ae_net *net, ae_net_work *w, float *arena)
{
    const ae_net_shape *s = &net->shape;
    size_t T = net->max_tokens, E = s->n_embd, F = s->n_ff, W = net->qkv_width, used = 0;
    size_t Q = s->n_heads * net->heads.head_dim;
    ae_net_work all = w ? *w : (ae_net_work){0};
    for (uint32_t l = 0; l < s->n_layers; l++) {
        layer_acts a = {0};
        a.x = carve(arena, &used, T * E);
        a.attn_r = carve(arena, &used, T);
        a.attn_in = carve(arena, &used, T * E);
        a.qkv = carve(arena, &used, T * W);
        a.attn = carve(arena, &used, T * Q);
        a.mid = carve(arena, &used, T * E);
        a.ffn_r = carve(arena, &used, T);
        a.ffn_in = carve(arena, &used, T * E);
        a.gate_up = carve(arena, &used, T * 2 * F);
        a.activated = carve(arena, &used, T * F);
        if (w) w->layers[l] = a;
    }
    all.x = carve(arena, &used, T * E);
    all.r = carve(arena, &used, T);
    all.out = carve(arena, &used, T * E);
    all.d_x = carve(arena, &used, T * E);
    all.d_out = carve(arena, &used, T * E);
    all.d_wide = carve(arena, &used, T * max_size(W, 2 * F));
    all.d_inner = carve(arena, &used, T * max_size(Q, F));
    all.scratch = carve(arena, &used, 2 * AE_ATTENTION_BLOCK * T);
    all.head_in = carve(arena, &used, HEAD_ROWS * E);
    all.d_head_in = carve(arena, &used, HEAD_ROWS * E);
    all.logits = carve(arena, &used, (size_t)HEAD_ROWS * s->n_vocab);
    all.packed = carve(arena, &used, AE_GEMM_SCRATCH / sizeof(float));
    if (w) *w = all;
    return used;
}

size_t ae_net_work_bytes(const ae_net *net)
{
    return lay_out(net, NULL, NULL) * sizeof(float);
}

aeon_status ae_net_work_new(ae_net_work **out, const ae_net *net, aeon_error *err)
{
    ae_net_work *w = ae_mem_alloc(AE_MEM_TRAIN, sizeof *w);
    if (!w) return ae_fail_memory(err, sizeof *w, "the work of a training thread");
    size_t bytes = ae_net_work_bytes(net);
    w->arena = ae_mem_alloc(AE_MEM_TRAIN, bytes);
    w->layers = ae_mem_alloc_array(AE_MEM_TRAIN, net->shape.n_layers, sizeof *w->layers);
    w->target_rows = ae_mem_alloc_array(AE_MEM_TRAIN, net->max_tokens, sizeof *w->target_rows);
    w->targets = ae_mem_alloc_array(AE_MEM_TRAIN, net->max_tokens, sizeof *w->targets);
    if (!w->arena || !w->layers || !w->target_rows || !w->targets) {
        ae_net_work_free(w);
        return ae_fail_memory(err, bytes, "the activations of a training thread");
    }
    lay_out(net, w, w->arena);
    *out = w;
    return AEON_OK;
}

void ae_net_work_free(ae_net_work *w)
{
    if (!w) return;
    ae_mem_free(w->arena);
    ae_mem_free(w->layers);
    ae_mem_free(w->target_rows);
    ae_mem_free(w->targets);
    ae_mem_free(w);
}

/* ---- forward --------------------------------------------------------------------------------- */

static ae_products products(const ae_net *net, const ae_net_work *work)
{
    return (ae_products){net->bf16, work->packed};
}

/* Queries and keys lie side by side, so one call turns both. */
static void rotate(const ae_net *net, float *qkv, const ae_sequence *q, size_t doc, float direction)
{
    size_t begin = q->starts[doc], n = q->starts[doc + 1] - begin;
    ae_rope(qkv + begin * net->qkv_width, n, net->qkv_width,
            net->heads.n_heads + net->heads.n_kv_heads, net->heads.head_dim,
            net->rope[q->has_long_factors], net->n_rope, direction);
}

static void add(float *sum, const float *a, const float *b, size_t n)
{
    for (size_t i = 0; i < n; i++) sum[i] = a[i] + b[i];
}

static void attention_forward(const ae_net *net, const float *w, uint32_t l, ae_net_work *work,
                              const ae_sequence *q)
{
    layer_acts *a = &work->layers[l];
    size_t n = q->n, E = net->shape.n_embd, W = net->qkv_width;
    size_t Q = net->heads.n_heads * net->heads.head_dim;
    ae_norm_forward(a->attn_in, a->attn_r, a->x, w + at(net, AE_PARAM_ATTN_NORM, l), n, E,
                    (float)net->shape.norm_eps);
    ae_linear_forward(a->qkv, a->attn_in, w + at(net, AE_PARAM_QKV, l), n, E, W,
                      products(net, work));
    for (size_t d = 0; d < q->n_documents; d++) {
        rotate(net, a->qkv, q, d, 1);
        size_t begin = q->starts[d];
        ae_attention_forward(a->attn + begin * Q, a->qkv + begin * W, q->starts[d + 1] - begin,
                             net->heads, work->scratch);
    }
    ae_linear_forward(a->mid, a->attn, w + at(net, AE_PARAM_ATTN_OUT, l), n, Q, E,
                      products(net, work));
    add(a->mid, a->mid, a->x, n * E);
}

/* x_next [T, E]: the residual stream at the next layer's entry. */
static void ffn_forward(const ae_net *net, const float *w, uint32_t l, ae_net_work *work, size_t n,
                        float *x_next)
{
    layer_acts *a = &work->layers[l];
    size_t E = net->shape.n_embd, F = net->shape.n_ff;
    ae_norm_forward(a->ffn_in, a->ffn_r, a->mid, w + at(net, AE_PARAM_FFN_NORM, l), n, E,
                    (float)net->shape.norm_eps);
    ae_linear_forward(a->gate_up, a->ffn_in, w + at(net, AE_PARAM_GATE_UP, l), n, E, 2 * F,
                      products(net, work));
    ae_swiglu_forward(a->activated, a->gate_up, n, F);
    ae_linear_forward(x_next, a->activated, w + at(net, AE_PARAM_DOWN, l), n, F, E,
                      products(net, work));
    add(x_next, x_next, a->mid, n * E);
}

static void forward(const ae_net *net, const float *w, ae_net_work *work, const ae_sequence *q)
{
    uint32_t n_layers = net->shape.n_layers;
    size_t E = net->shape.n_embd;
    ae_embed_forward(work->layers[0].x, w, q->ids, q->n, E);
    for (uint32_t l = 0; l < n_layers; l++) {
        attention_forward(net, w, l, work, q);
        ffn_forward(net, w, l, work, q->n, l + 1 < n_layers ? work->layers[l + 1].x : work->x);
    }
    ae_norm_forward(work->out, work->r, work->x, w + at(net, AE_PARAM_OUT_NORM, 0), q->n, E,
                    (float)net->shape.norm_eps);
}

/* ---- loss ------------------------------------------------------------------------------------ */

/* Rows whose next token is a target, and that token. Documents begin with no target, so a row and
 * its target are in the same document. */
static size_t list_targets(ae_net_work *work, const ae_sequence *q)
{
    size_t n = 0;
    for (size_t t = 1; t < q->n; t++) {
        if (!q->is_target[t]) continue;
        work->target_rows[n] = t - 1;
        work->targets[n++] = q->ids[t];
    }
    return n;
}

/* The output head is the embedding once more. Only rows with a target go through it; their
 * gradient by the normed stream lands in d_out, which is 0 in all other rows. */
static double head(const ae_net *net, const float *w, float *g, ae_net_work *work,
                   const ae_sequence *q, float scale)
{
    size_t E = net->shape.n_embd, V = net->shape.n_vocab, n = list_targets(work, q);
    double loss = 0;
    if (g) memset(work->d_out, 0, q->n * E * sizeof(float));
    if (g && n == 0) memset(g, 0, V * E * sizeof(float));
    for (size_t begin = 0; begin < n; begin += HEAD_ROWS) {
        size_t n_rows = n - begin < HEAD_ROWS ? n - begin : HEAD_ROWS;
        const size_t *rows = work->target_rows + begin;
        for (size_t i = 0; i < n_rows; i++)
            memcpy(work->head_in + i * E, work->out + rows[i] * E, E * sizeof(float));
        ae_linear_forward(work->logits, work->head_in, w, n_rows, E, V, products(net, work));
        loss += ae_cross_entropy(work->logits, work->targets + begin, n_rows, V, scale);
        if (!g) continue;
        ae_linear_backward(work->d_head_in, g, begin ? 1 : 0, work->logits, work->head_in, w,
                           n_rows, E, V, products(net, work));
        for (size_t i = 0; i < n_rows; i++)
            memcpy(work->d_out + rows[i] * E, work->d_head_in + i * E, E * sizeof(float));
    }
    return loss;
}

/* ---- backward -------------------------------------------------------------------------------- */

/* In d_x comes the gradient of the residual stream after the branch; it leaves as that before it:
 * itself, plus what flows through the branch. The same for attention below. */
static void ffn_backward(const ae_net *net, const float *w, float *g, uint32_t l, ae_net_work *work,
                         size_t n)
{
    const layer_acts *a = &work->layers[l];
    size_t E = net->shape.n_embd, F = net->shape.n_ff;
    size_t down = at(net, AE_PARAM_DOWN, l), gate_up = at(net, AE_PARAM_GATE_UP, l);
    size_t norm = at(net, AE_PARAM_FFN_NORM, l);
    ae_linear_backward(work->d_inner, g + down, 0, work->d_x, a->activated, w + down, n, F, E,
                       products(net, work));
    ae_swiglu_backward(work->d_wide, work->d_inner, a->gate_up, n, F);
    ae_linear_backward(work->d_out, g + gate_up, 0, work->d_wide, a->ffn_in, w + gate_up, n, E,
                       2 * F, products(net, work));
    ae_norm_backward(work->d_x, g + norm, work->d_out, a->mid, a->ffn_r, w + norm, n, E);
}

static void attention_backward(const ae_net *net, const float *w, float *g, uint32_t l,
                               ae_net_work *work, const ae_sequence *q)
{
    const layer_acts *a = &work->layers[l];
    size_t n = q->n, E = net->shape.n_embd, W = net->qkv_width;
    size_t Q = net->heads.n_heads * net->heads.head_dim;
    size_t attn_out = at(net, AE_PARAM_ATTN_OUT, l), qkv = at(net, AE_PARAM_QKV, l);
    size_t norm = at(net, AE_PARAM_ATTN_NORM, l);
    ae_linear_backward(work->d_inner, g + attn_out, 0, work->d_x, a->attn, w + attn_out, n, Q, E,
                       products(net, work));
    for (size_t d = 0; d < q->n_documents; d++) {
        size_t begin = q->starts[d];
        ae_attention_backward(work->d_wide + begin * W, work->d_inner + begin * Q,
                              a->attn + begin * Q, a->qkv + begin * W, q->starts[d + 1] - begin,
                              net->heads, work->scratch);
        rotate(net, work->d_wide, q, d, -1);
    }
    ae_linear_backward(work->d_out, g + qkv, 0, work->d_wide, a->attn_in, w + qkv, n, E, W,
                       products(net, work));
    ae_norm_backward(work->d_x, g + norm, work->d_out, a->x, a->attn_r, w + norm, n, E);
}

static void backward(const ae_net *net, const float *w, float *g, ae_net_work *work,
                     const ae_sequence *q)
{
    size_t E = net->shape.n_embd, norm = at(net, AE_PARAM_OUT_NORM, 0);
    memset(work->d_x, 0, q->n * E * sizeof(float));
    ae_norm_backward(work->d_x, g + norm, work->d_out, work->x, work->r, w + norm, q->n, E);
    for (uint32_t l = net->shape.n_layers; l-- > 0;) {
        ffn_backward(net, w, g, l, work, q->n);
        attention_backward(net, w, g, l, work, q);
    }
    ae_embed_backward(g, work->d_x, q->ids, q->n, E);
}

double ae_net_step(const ae_net *net, const float *weights, float *gradient, ae_net_work *work,
                   const ae_sequence *q, float scale)
{
    AEON_ASSERT(q->n > 0 && q->n <= net->max_tokens);
    forward(net, weights, work, q);
    double loss = head(net, weights, gradient, work, q, scale);
    if (!gradient) return loss;
    /* Matrices are overwritten by their first product; norms gather row by row. */
    for (size_t i = 0; i < net->n_params; i++) {
        const ae_param *p = &net->params[i];
        if (p->n_rows == 1) memset(gradient + p->begin, 0, p->n_cols * sizeof(float));
    }
    backward(net, weights, gradient, work, q);
    return loss;
}
