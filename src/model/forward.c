/* forward.c - one layer after the other, as the members of a pool work through it together.
 *
 * Notation: n tokens in the batch, E = n_embd, H = n_heads, G = n_kv_heads, D = head_dim, F = n_ff.
 * Every phase is split over tokens (rows of activations) or over weight rows; a barrier stands
 * where one phase reads what another member wrote. */
#include "model/forward.h"

#include "base/mem.h"
#include "model/attention.h"
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
    size_t n_max;

    float *x;           /* [n][E] the residual stream */
    activations normed; /* [n][E] input of qkv, gate_up and the head */
    float *qkv;         /* [n][(H + 2G) D] */
    activations mixed;  /* [n][H D] attention's output */
    float *branch;      /* [n][E] what a block adds to the residual stream */
    float *gate_up;     /* [n][2F] */
    activations hidden; /* [n][F] */
    activations picked; /* [n][E] what the head reads of normed */
    float *cos_sin;     /* [n][rope_dim] */
    float *scratch;     /* [threads][scratch_values] for matmul and attention */
    size_t scratch_values;

    const ae_batch *batch; /* the running one */
    ae_place *places;      /* [n] */
    size_t n;              /* tokens of the last batch */
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
        if (scratch > f->scratch_values) f->scratch_values = scratch;
    }
}

static aeon_status allocate(ae_forward *f, aeon_error *err)
{
    const ae_config *c = f->c;
    bool normed_q8 = false, mixed_q8 = false, hidden_q8 = false, picked_q8 = false;
    f->scratch_values = ae_attention_scratch(c);
    survey(f, &f->w->output, &picked_q8);
    normed_q8 = picked_q8;
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
    TRY(new_activations(&f->picked, n, c->n_embd, picked_q8, err));
    TRY(new_floats(&f->cos_sin, n, c->rope_dim, err));
    TRY(new_floats(&f->scratch, n_threads, f->scratch_values, err));
    f->places = ae_mem_alloc_array(AE_MEM_SCRATCH, n, sizeof *f->places);
    return f->places ? AEON_OK : ae_fail_memory(err, n * sizeof *f->places, "activations");
}

/* As allocate has it, where every weight wants its input in 8-bit blocks. */
uint64_t ae_forward_token_bytes(const ae_config *c)
{
    uint64_t n_q = (uint64_t)c->n_heads * c->head_dim, n_kv = (uint64_t)c->n_kv_heads * c->head_dim;
    uint64_t n_inputs = 2ull * c->n_embd + n_q + c->n_ff; /* normed, picked, mixed, hidden */
    uint64_t n_floats = n_inputs + 2ull * c->n_embd + n_q + 2 * n_kv + 2ull * c->n_ff + c->head_dim;
    return n_floats * sizeof(float) + n_inputs / AE_ACT_BLOCK * sizeof(ae_act_q8) +
           sizeof(ae_place);
}

/* Attention's scratch, or a row of weights in f32. */
uint64_t ae_forward_thread_bytes(const ae_config *c)
{
    uint64_t n_q = (uint64_t)c->n_heads * c->head_dim, n_values = ae_attention_scratch(c);
    if (n_values < n_q) n_values = n_q;
    if (n_values < c->n_ff) n_values = c->n_ff;
    if (n_values < c->n_embd) n_values = c->n_embd;
    return n_values * sizeof(float);
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
    void *const blocks[] = {f->x,          f->normed.f32, f->normed.q8, f->qkv,        f->mixed.f32,
                            f->mixed.q8,   f->branch,     f->gate_up,   f->hidden.f32, f->hidden.q8,
                            f->picked.f32, f->picked.q8,  f->cos_sin,   f->scratch,    f->places};
    for (size_t i = 0; i < AE_COUNT(blocks); i++) ae_mem_free(blocks[i]);
    ae_mem_free(f);
}

size_t ae_forward_n_max(const ae_forward *f)
{
    return f->n_max;
}

/* ---- phases ---------------------------------------------------------------------------------- */

/* y[n][p->n_rows] = x . p, split over weight rows. */
static void project(const ae_forward *f, const ae_projection *p, const activations *x, size_t n,
                    float *y, ae_member m)
{
    float *scratch = f->scratch + (size_t)m.index * f->scratch_values;
    for (int i = 0; i < p->n_parts; i++) {
        const ae_matrix *w = &p->parts[i];
        const void *rows = ae_kernels_act(f->k, w->type->type) == AE_ACT_Q8 ? (const void *)x->q8
                                                                            : (const void *)x->f32;
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
    ae_place place = f->places[t];
    const ae_span *span = &f->batch->spans[place.span];
    const char *row = (const char *)e->data + (size_t)span->ids[place.pos - span->pos] * row_bytes;
    e->type->to_f32(row, f->x + t * e->n_cols, e->n_cols);
    ae_rope_angles(f->c, span->rope_set, place.pos, f->cos_sin + t * f->c->rope_dim);
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
    ae_place place = f->places[t];
    ae_kv_put(f->batch->spans[place.span].kv, f->k, i_layer, place.pos, k, v);
}

/* branch = attention(normed) . output, without its bias */
static void attention_block(ae_forward *f, size_t i_layer, ae_range tokens, ae_member m)
{
    const ae_layer *layer = &f->w->layers[i_layer];
    const ae_attention attention = {f->c, f->k, f->batch, f->places, f->n, f->qkv, f->mixed.f32};
    project(f, &layer->qkv, &f->normed, f->n, f->qkv, m);
    ae_pool_barrier(m);
    for (size_t t = tokens.begin; t < tokens.end; t++) place_row(f, layer, i_layer, t);
    ae_pool_barrier(m);
    ae_attention_run(&attention, i_layer, f->scratch + (size_t)m.index * f->scratch_values, m);
    ae_pool_barrier(m);
    for (size_t t = tokens.begin; t < tokens.end; t++) quantize_row(f, &f->mixed, t);
    ae_pool_barrier(m);
    project(f, &layer->attn_output, &f->mixed, f->n, f->branch, m);
    ae_pool_barrier(m);
}

/* branch = (silu(normed . gate) * (normed . up)) . down, without the last bias */
static void feed_forward_block(ae_forward *f, size_t i_layer, ae_range tokens, ae_member m)
{
    const ae_layer *layer = &f->w->layers[i_layer];
    size_t n_ff = f->c->n_ff;
    project(f, &layer->gate_up, &f->normed, f->n, f->gate_up, m);
    ae_pool_barrier(m);
    for (size_t t = tokens.begin; t < tokens.end; t++) {
        float *gate = f->gate_up + t * 2 * n_ff;
        if (layer->gate_up.bias) f->k->add(gate, layer->gate_up.bias, 2 * n_ff);
        f->k->swiglu(f->hidden.f32 + t * n_ff, gate, gate + n_ff, n_ff);
        quantize_row(f, &f->hidden, t);
    }
    ae_pool_barrier(m);
    project(f, &layer->ffn_down, &f->hidden, f->n, f->branch, m);
    ae_pool_barrier(m);
}

static void run_member(void *arg, ae_member m)
{
    ae_forward *f = arg;
    ae_mem_forbid(true);
    ae_range tokens = ae_split(f->n, 1, m);
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

void ae_forward_run(ae_forward *f, const ae_batch *batch)
{
    f->batch = batch;
    f->n = 0;
    for (size_t s = 0; s < batch->n_spans; s++) {
        const ae_span *span = &batch->spans[s];
        AEON_ASSERT(span->n <= f->n_max - f->n);
        for (size_t i = 0; i < span->n; i++)
            f->places[f->n++] = (ae_place){(uint32_t)s, (uint32_t)(span->pos + i)};
    }
    AEON_ASSERT(f->n > 0);
    ae_pool_run(f->pool, run_member, f);
}

/* ---- the head -------------------------------------------------------------------------------- */

static void pick_row(ae_forward *f, size_t from, size_t to)
{
    size_t n = f->c->n_embd, n_blocks = n / AE_ACT_BLOCK;
    memcpy(f->picked.f32 + to * n, f->normed.f32 + from * n, n * sizeof(float));
    if (f->picked.q8)
        memcpy(f->picked.q8 + to * n_blocks, f->normed.q8 + from * n_blocks,
               n_blocks * sizeof *f->picked.q8);
}

typedef struct {
    ae_forward *f;
    size_t n;
    float *logits;
} head_job;

static void head_member(void *arg, ae_member m)
{
    head_job *job = arg;
    ae_mem_forbid(true);
    project(job->f, &job->f->w->output, &job->f->picked, job->n, job->logits, m);
    ae_mem_forbid(false);
}

void ae_forward_logits(ae_forward *f, const size_t *tokens, size_t n, float *logits)
{
    for (size_t i = 0; i < n; i++) {
        AEON_ASSERT(tokens[i] < f->n);
        pick_row(f, tokens[i], i);
    }
    ae_pool_run(f->pool, head_member, &(head_job){f, n, logits});
}
