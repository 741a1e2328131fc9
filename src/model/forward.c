/* forward.c - one layer after the other, as the members of a pool work through it together.
 *
 * Notation: n tokens in the batch, E = n_embd, H = n_heads, G = n_kv_heads, D = head_dim, F = n_ff.
 * Every phase is split over tokens (rows of activations) or over weight rows; a barrier stands
 * where one phase reads what another member wrote. */
#include "model/forward.h"

#include "base/mem.h"
#include "model/rope.h"

#include <math.h>
#include <string.h>

/* A set of activation rows in f32 and, where some weight wants it, in 8-bit blocks. */
typedef struct {
    float *f32;    /* [n_max][n_cols] */
    ae_act_q8 *q8; /* [n_max][n_cols / 32] or NULL */
    size_t n_cols;
} activations;

struct ae_forward {
    const ae_config *c;
    const ae_weights *w;
    const ae_kernels *k;
    ae_pool *pool;
    size_t n_max, n_ctx;

    float *x;           /* [n][E] the residual stream */
    activations normed; /* [n][E] input of qkv, gate_up and the head */
    float *qkv;         /* [n][(H + 2G) D] */
    activations mixed;  /* [n][H D] attention's output */
    float *branch;      /* [n][E] what a block adds to the residual stream */
    float *gate_up;     /* [n][2F] */
    activations hidden; /* [n][F] */
    float *cos_sin;     /* [n][rope_dim] */
    float *scores;      /* [threads][H / G][n_ctx] */
    float *rows;        /* [threads][row_values] weight rows expanded by matmul */
    size_t row_values;

    ae_kv *kv; /* of the running batch */
    const ae_batch *batch;
};

/* ---- scratch --------------------------------------------------------------------------------- */

static aeon_status new_floats(float **out, size_t n_rows, size_t n_cols, aeon_error *err)
{
    *out = ae_mem_alloc_array(AE_MEM_SCRATCH, n_rows, n_cols * sizeof(float));
    return *out ? AEON_OK : ae_fail_memory(err, n_rows * n_cols * sizeof(float), "activations");
}

static aeon_status new_activations(activations *a, size_t n_rows, size_t n_cols, bool needs_q8,
                                   aeon_error *err)
{
    a->n_cols = n_cols;
    TRY(new_floats(&a->f32, n_rows, n_cols, err));
    if (!needs_q8) return AEON_OK;
    a->q8 = ae_mem_alloc_array(AE_MEM_SCRATCH, n_rows, n_cols / AE_ACT_BLOCK * sizeof *a->q8);
    return a->q8 ? AEON_OK : ae_fail_memory(err, n_rows * n_cols, "activations");
}

/* What a projection asks of its input and of each member's scratch. */
static void survey(ae_forward *f, const ae_projection *p, bool *needs_q8)
{
    for (int i = 0; i < p->n_parts; i++) {
        if (ae_kernels_act(f->k, p->parts[i].type->type) == AE_ACT_Q8) *needs_q8 = true;
        size_t scratch = ae_matmul_scratch(f->k, &p->parts[i]);
        if (scratch > f->row_values) f->row_values = scratch;
    }
}

static aeon_status allocate(ae_forward *f, aeon_error *err)
{
    const ae_config *c = f->c;
    bool normed_q8 = false, mixed_q8 = false, hidden_q8 = false;
    survey(f, &f->w->output, &normed_q8);
    for (size_t i = 0; i < f->w->n_layers; i++) {
        const ae_layer *layer = &f->w->layers[i];
        survey(f, &layer->qkv, &normed_q8);
        survey(f, &layer->gate_up, &normed_q8);
        survey(f, &layer->attn_output, &mixed_q8);
        survey(f, &layer->ffn_down, &hidden_q8);
    }
    size_t n = f->n_max, n_threads = (size_t)ae_pool_n_threads(f->pool);
    size_t n_q = (size_t)c->n_heads * c->head_dim, n_kv = (size_t)c->n_kv_heads * c->head_dim;
    TRY(new_floats(&f->x, n, c->n_embd, err));
    TRY(new_activations(&f->normed, n, c->n_embd, normed_q8, err));
    TRY(new_floats(&f->qkv, n, n_q + 2 * n_kv, err));
    TRY(new_activations(&f->mixed, n, n_q, mixed_q8, err));
    TRY(new_floats(&f->branch, n, c->n_embd, err));
    TRY(new_floats(&f->gate_up, n, 2 * (size_t)c->n_ff, err));
    TRY(new_activations(&f->hidden, n, c->n_ff, hidden_q8, err));
    TRY(new_floats(&f->cos_sin, n, c->rope_dim, err));
    return new_floats(&f->rows, n_threads, f->row_values, err);
}

aeon_status ae_forward_new(ae_forward **out, const ae_config *config, const ae_weights *weights,
                           ae_pool *pool, size_t n_max, aeon_error *err)
{
    ae_forward *f = ae_mem_alloc(AE_MEM_SCRATCH, sizeof *f);
    if (!f) return ae_fail_memory(err, sizeof *f, "activations");
    *f = (ae_forward){
        .c = config, .w = weights, .k = ae_kernels_get(), .pool = pool, .n_max = n_max};
    aeon_status status = allocate(f, err);
    if (status != AEON_OK) {
        ae_forward_free(f);
        return status;
    }
    *out = f;
    return AEON_OK;
}

void ae_forward_free(ae_forward *f)
{
    if (!f) return;
    void *const blocks[] = {f->x,        f->normed.f32, f->normed.q8, f->qkv,        f->mixed.f32,
                            f->mixed.q8, f->branch,     f->gate_up,   f->hidden.f32, f->hidden.q8,
                            f->cos_sin,  f->scores,     f->rows};
    for (size_t i = 0; i < AE_COUNT(blocks); i++) ae_mem_free(blocks[i]);
    ae_mem_free(f);
}

size_t ae_forward_n_max(const ae_forward *f)
{
    return f->n_max;
}

aeon_status ae_forward_reserve(ae_forward *f, size_t n_ctx, aeon_error *err)
{
    if (n_ctx <= f->n_ctx) return AEON_OK;
    size_t n_rows = (size_t)ae_pool_n_threads(f->pool) * (f->c->n_heads / f->c->n_kv_heads);
    float *scores;
    TRY(new_floats(&scores, n_rows, n_ctx, err));
    ae_mem_free(f->scores);
    f->scores = scores;
    f->n_ctx = n_ctx;
    return AEON_OK;
}

/* ---- phases ---------------------------------------------------------------------------------- */

/* y[n][p->n_rows] = x . p, split over weight rows. */
static void project(const ae_forward *f, const ae_projection *p, const activations *x, size_t first,
                    size_t n, float *y, ae_member m)
{
    float *scratch = f->rows + (size_t)m.index * f->row_values;
    for (int i = 0; i < p->n_parts; i++) {
        const ae_matrix *w = &p->parts[i];
        const void *rows = ae_kernels_act(f->k, w->type->type) == AE_ACT_Q8
                               ? (const void *)(x->q8 + first * (x->n_cols / AE_ACT_BLOCK))
                               : (const void *)(x->f32 + first * x->n_cols);
        ae_matmul(f->k, w, rows, n, y, p->n_rows, scratch, m);
        y += w->n_rows;
    }
}

/* Bring row t of a into 8-bit blocks, once its f32 values stand. */
static void quantize_row(const ae_forward *f, const activations *a, size_t t)
{
    if (a->q8)
        f->k->quantize_act(a->q8 + t * (a->n_cols / AE_ACT_BLOCK), a->f32 + t * a->n_cols,
                           a->n_cols);
}

static void norm_row(ae_forward *f, const float *weight, size_t t)
{
    size_t n_embd = f->c->n_embd;
    f->k->rms_norm(f->normed.f32 + t * n_embd, f->x + t * n_embd, weight, n_embd, f->c->norm_eps);
    quantize_row(f, &f->normed, t);
}

/* The branch is what p gave, before its bias. */
static void add_branch_row(ae_forward *f, const ae_projection *p, size_t t)
{
    size_t n_embd = f->c->n_embd;
    float *branch = f->branch + t * n_embd;
    if (p->bias) f->k->add(branch, p->bias, n_embd);
    f->k->add(f->x + t * n_embd, branch, n_embd);
}

static void embed_row(ae_forward *f, size_t t)
{
    const ae_matrix *e = &f->w->embedding;
    size_t row_bytes = (size_t)ae_dtype_row_bytes(e->type, e->n_cols);
    const char *row = (const char *)e->data + (size_t)f->batch->ids[t] * row_bytes;
    e->type->to_f32(row, f->x + t * e->n_cols, e->n_cols);
    ae_rope_angles(f->c, f->batch->rope_set, f->batch->pos[t], f->cos_sin + t * f->c->rope_dim);
}

/* Finish the queries and keys of a token and store its keys and values. Queries take the factor
 * 1 / sqrt(D) here, once, instead of every score. */
static void place_row(ae_forward *f, const ae_layer *layer, size_t i_layer, size_t t)
{
    const ae_config *c = f->c;
    size_t n_q = (size_t)c->n_heads * c->head_dim, n_kv = (size_t)c->n_kv_heads * c->head_dim;
    float *q = f->qkv + t * (n_q + 2 * n_kv), *k = q + n_q, *v = k + n_kv;
    const float *cos_sin = f->cos_sin + t * c->rope_dim;
    if (layer->qkv.bias) f->k->add(q, layer->qkv.bias, n_q + 2 * n_kv);
    for (size_t h = 0; layer->q_norm && h < c->n_heads; h++)
        f->k->rms_norm(q + h * c->head_dim, q + h * c->head_dim, layer->q_norm, c->head_dim,
                       c->norm_eps);
    for (size_t h = 0; layer->k_norm && h < c->n_kv_heads; h++)
        f->k->rms_norm(k + h * c->head_dim, k + h * c->head_dim, layer->k_norm, c->head_dim,
                       c->norm_eps);
    ae_rope_rotate(c, cos_sin, q, c->n_heads);
    ae_rope_rotate(c, cos_sin, k, c->n_kv_heads);
    float scale = 1.0f / sqrtf((float)c->head_dim);
    for (size_t i = 0; i < n_q; i++) q[i] *= scale;
    ae_kv_put(f->kv, f->k, i_layer, f->batch->pos[t], k, v);
}

/* The queries of token t that share key/value head g: each key row is read once for all of them.
 * Keys are taken in the order of their positions, whatever runs the cache gives. */
static void attend(ae_forward *f, size_t i_layer, size_t t, size_t g, float *scores)
{
    const ae_config *c = f->c;
    size_t n_group = c->n_heads / c->n_kv_heads, d = c->head_dim;
    size_t row = ((size_t)c->n_heads + 2 * (size_t)c->n_kv_heads) * d;
    const float *q = f->qkv + t * row + g * n_group * d;              /* [n_group][D] */
    float *out = f->mixed.f32 + t * c->n_heads * d + g * n_group * d; /* [n_group][D] */
    ae_dot_fn *dot = f->k->dot[ae_kv_type(f->kv)];
    size_t end = (size_t)f->batch->pos[t] + 1;
    size_t begin = c->n_window && end > c->n_window ? end - c->n_window : 0;

    for (size_t p = begin; p < end;) {
        ae_kv_run run = ae_kv_run_at(f->kv, i_layer, g, p, end - p);
        for (size_t i = 0; i < run.n; i++)
            dot(scores + p + i, f->n_ctx, run.keys + i * run.row_bytes, q, d * sizeof(float),
                n_group, d);
        p += run.n;
    }
    for (size_t h = 0; h < n_group; h++) f->k->softmax(scores + h * f->n_ctx + begin, end - begin);

    memset(out, 0, n_group * d * sizeof(float));
    for (size_t p = begin; p < end;) {
        ae_kv_run run = ae_kv_run_at(f->kv, i_layer, g, p, end - p);
        for (size_t i = 0; i < run.n; i++)
            for (size_t h = 0; h < n_group; h++)
                f->k->axpy[ae_kv_type(f->kv)](out + h * d, run.values + i * run.row_bytes,
                                              scores[h * f->n_ctx + p + i], d);
        p += run.n;
    }
}

/* Later tokens see more keys, so units are dealt out in turn. */
static void attend_all(ae_forward *f, size_t i_layer, ae_member m)
{
    size_t n_group = f->c->n_heads / f->c->n_kv_heads, n_heads = f->c->n_kv_heads;
    float *scores = f->scores + (size_t)m.index * n_group * f->n_ctx;
    for (size_t u = (size_t)m.index; u < f->batch->n * n_heads; u += (size_t)m.n)
        attend(f, i_layer, u / n_heads, u % n_heads, scores);
}

/* branch = attention(normed) . output, without its bias */
static void attention_block(ae_forward *f, size_t i_layer, ae_range tokens, ae_member m)
{
    const ae_layer *layer = &f->w->layers[i_layer];
    size_t n = f->batch->n;
    project(f, &layer->qkv, &f->normed, 0, n, f->qkv, m);
    ae_pool_barrier(m);
    for (size_t t = tokens.begin; t < tokens.end; t++) place_row(f, layer, i_layer, t);
    ae_pool_barrier(m);
    attend_all(f, i_layer, m);
    ae_pool_barrier(m);
    for (size_t t = tokens.begin; t < tokens.end; t++) quantize_row(f, &f->mixed, t);
    ae_pool_barrier(m);
    project(f, &layer->attn_output, &f->mixed, 0, n, f->branch, m);
    ae_pool_barrier(m);
}

/* branch = (silu(normed . gate) * (normed . up)) . down, without the last bias */
static void feed_forward_block(ae_forward *f, size_t i_layer, ae_range tokens, ae_member m)
{
    const ae_layer *layer = &f->w->layers[i_layer];
    size_t n = f->batch->n, n_ff = f->c->n_ff;
    project(f, &layer->gate_up, &f->normed, 0, n, f->gate_up, m);
    ae_pool_barrier(m);
    for (size_t t = tokens.begin; t < tokens.end; t++) {
        float *gate = f->gate_up + t * 2 * n_ff;
        if (layer->gate_up.bias) f->k->add(gate, layer->gate_up.bias, 2 * n_ff);
        f->k->swiglu(f->hidden.f32 + t * n_ff, gate, gate + n_ff, n_ff);
        quantize_row(f, &f->hidden, t);
    }
    ae_pool_barrier(m);
    project(f, &layer->ffn_down, &f->hidden, 0, n, f->branch, m);
    ae_pool_barrier(m);
}

static void run_member(void *arg, ae_member m)
{
    ae_forward *f = arg;
    ae_mem_forbid(true);
    ae_range tokens = ae_split(f->batch->n, 1, m);
    for (size_t t = tokens.begin; t < tokens.end; t++) {
        embed_row(f, t);
        norm_row(f, f->w->layers[0].attn_norm, t);
    }
    ae_pool_barrier(m);
    for (size_t i = 0; i < f->w->n_layers; i++) {
        const float *next_norm =
            i + 1 < f->w->n_layers ? f->w->layers[i + 1].attn_norm : f->w->output_norm;
        attention_block(f, i, tokens, m);
        for (size_t t = tokens.begin; t < tokens.end; t++) {
            add_branch_row(f, &f->w->layers[i].attn_output, t);
            norm_row(f, f->w->layers[i].ffn_norm, t);
        }
        ae_pool_barrier(m);
        feed_forward_block(f, i, tokens, m);
        for (size_t t = tokens.begin; t < tokens.end; t++) {
            add_branch_row(f, &f->w->layers[i].ffn_down, t);
            norm_row(f, next_norm, t);
        }
        ae_pool_barrier(m);
    }
    ae_mem_forbid(false);
}

void ae_forward_run(ae_forward *f, ae_kv *kv, const ae_batch *batch)
{
    AEON_ASSERT(batch->n >= 1 && batch->n <= f->n_max);
    f->kv = kv;
    f->batch = batch;
    ae_pool_run(f->pool, run_member, f);
}

typedef struct {
    ae_forward *f;
    size_t first, n;
    float *logits;
} head_job;

static void head_member(void *arg, ae_member m)
{
    head_job *job = arg;
    ae_mem_forbid(true);
    project(job->f, &job->f->w->output, &job->f->normed, job->first, job->n, job->logits, m);
    ae_mem_forbid(false);
}

void ae_forward_logits(ae_forward *f, size_t first, size_t n, float *logits)
{
    ae_pool_run(f->pool, head_member, &(head_job){f, first, n, logits});
}
