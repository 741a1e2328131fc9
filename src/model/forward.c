/* forward.c - one layer after the other, as the members of a pool work through it together.
 *
 * Notation: n tokens in the batch, E = n_embd, H = n_heads, G = n_kv_heads, D = head_dim, F = n_ff.
 *
 * A layer is seven phases, and a barrier stands behind each:
 *
 *     norm        of x                     a token at a time
 *     qkv         queries, keys, values    a few heads at a time: rotated; keys and values put away
 *     attention                            a part at a time (attention.h)
 *     output      x += attended . output   a strip of rows at a time
 *     norm        of x                     a token at a time
 *     gate, up    silu(gate) * up          a strip of both at a time
 *     down        x += hidden . down       a strip of rows at a time
 *
 * What multiplies a strip of weight rows for all tokens also finishes it, while the results are in
 * its cache, and leaves it in the kind of numbers that the next product takes. */
#include "model/forward.h"

#include "base/mem.h"
#include "kernels/panel.h"
#include "model/attention.h"
#include "model/rope.h"

#include <math.h>
#include <string.h>

/* Rows of weights that a member takes at a time: few, so that members finish together. */
enum { STRIP_ROWS = 32 };

/* Positions of one token for whose shares each thread brings room (attention.h). */
enum { SHARED_CTX = 8192 };
_Static_assert(STRIP_ROWS % AE_PEAK_LOGITS == 0, "strips of logits have whole peaks");

/* Rows that enter products, in the kinds that some weight multiplies with. */
typedef struct {
    void *data[AE_N_ACT_KINDS]; /* [n_max] rows each; NULL: no weight wants it */
    size_t n_cols;
} activations;

struct ae_forward {
    const ae_config *c;
    const ae_weights *w;
    const ae_kernels *k;
    ae_pool *pool;
    size_t n_max;

    float *x;           /* [n][E] the residual stream */
    activations normed; /* [n][E] input of qkv, of gate and up, and of the head */
    float *queries;     /* [n][H D] */
    float *attended;    /* [n][H D] */
    float *shares;      /* [threads][share_values] of attention */
    activations mixed;  /* [n][H D] attended, as an input */
    activations hidden; /* [n][F] */
    float *cos_sin;     /* [n][rope_dim] */
    float *scratch;     /* [threads][scratch_values] */
    size_t scratch_values;

    const ae_batch *batch; /* the running one */
    ae_place *places;      /* [n] */
    size_t n;              /* tokens of the last batch */
    ae_attention attention;
    ae_input_sums *watched; /* or NULL */
};

/* ---- scratch --------------------------------------------------------------------------------- */

static aeon_status new_block(void *out, size_t n_rows, size_t row_bytes, aeon_error *err)
{
    void *block = ae_mem_alloc_array(AE_MEM_SCRATCH, n_rows, row_bytes);
    if (!block) return ae_fail_memory(err, n_rows * row_bytes, "activations");
    memcpy(out, &block, sizeof block);
    return AEON_OK;
}

/* kinds: which of them are wanted. */
static aeon_status new_activations(activations *a, size_t n_rows, size_t n_cols,
                                   const bool kinds[AE_N_ACT_KINDS], aeon_error *err)
{
    a->n_cols = n_cols;
    for (int i = 0; i < AE_N_ACT_KINDS; i++)
        if (kinds[i]) TRY(new_block(&a->data[i], n_rows, ae_act_row_bytes(i, n_cols), err));
    return AEON_OK;
}

/* What a member needs besides its results: a row of the embedding or of the residual stream, twice,
 * or what a matrix takes that is not packed. */
static size_t row_values(const ae_config *c)
{
    size_t n = 2 * (size_t)c->n_embd, n_most = ae_matmul_scratch();
    return n < n_most ? n_most : n;
}

/* Heads that are multiplied together: whole panels of rows. */
static size_t heads_at_once(const ae_config *c, size_t n_lanes)
{
    size_t n = 1;
    while (n_lanes && n * c->head_dim % n_lanes) n++;
    return n;
}

/* A row of weights; and attention's scratch, or the strip of a phase. */
static size_t scratch_values(const ae_config *c, size_t n_max)
{
    size_t n_heads = heads_at_once(c, AE_PANEL_MAX_LANES) * c->head_dim;
    size_t n_strip = n_max * (n_heads > 2 * STRIP_ROWS ? n_heads : 2 * STRIP_ROWS);
    size_t n_attention = ae_attention_scratch(c);
    return row_values(c) + (n_strip > n_attention ? n_strip : n_attention);
}

static size_t share_values(const ae_config *c)
{
    return ae_attention_shares(c, SHARED_CTX);
}

/* Note what a projection multiplies with. */
static void survey(const ae_forward *f, const ae_projection *p, bool kinds[AE_N_ACT_KINDS])
{
    for (int i = 0; i < p->n_parts; i++) kinds[ae_matmul_act(f->k, &p->parts[i])] = true;
}

static aeon_status allocate(ae_forward *f, aeon_error *err)
{
    enum { NORMED, MIXED, HIDDEN, N_INPUTS };
    bool kinds[N_INPUTS][AE_N_ACT_KINDS] = {{0}};
    const ae_config *c = f->c;
    survey(f, &f->w->output, kinds[NORMED]);
    for (size_t i = 0; i < f->w->n_layers; i++) {
        const ae_layer *layer = &f->w->layers[i];
        survey(f, &layer->qkv, kinds[NORMED]);
        survey(f, &layer->gate_up, kinds[NORMED]);
        survey(f, &layer->attn_output, kinds[MIXED]);
        survey(f, &layer->ffn_down, kinds[HIDDEN]);
    }
    size_t n = f->n_max, n_q = (size_t)c->n_heads * c->head_dim;
    size_t n_threads = (size_t)ae_pool_n_threads(f->pool);
    f->scratch_values = scratch_values(c, n);
    TRY(new_block(&f->x, n, c->n_embd * sizeof *f->x, err));
    TRY(new_block(&f->queries, n, n_q * sizeof *f->queries, err));
    TRY(new_block(&f->attended, n, n_q * sizeof *f->attended, err));
    TRY(new_activations(&f->normed, n, c->n_embd, kinds[NORMED], err));
    TRY(new_activations(&f->mixed, n, n_q, kinds[MIXED], err));
    TRY(new_activations(&f->hidden, n, c->n_ff, kinds[HIDDEN], err));
    TRY(new_block(&f->cos_sin, n, c->rope_dim * sizeof *f->cos_sin, err));
    TRY(new_block(&f->scratch, n_threads, f->scratch_values * sizeof *f->scratch, err));
    TRY(new_block(&f->shares, n_threads, share_values(c) * sizeof *f->shares, err));
    return new_block(&f->places, n, sizeof *f->places, err);
}

/* As allocate has it, where every weight wants its input as f32, which is the largest kind. */
uint64_t ae_forward_token_bytes(const ae_config *c)
{
    uint64_t n_q = (uint64_t)c->n_heads * c->head_dim;
    uint64_t n_floats = 2ull * c->n_embd + 3 * n_q + c->n_ff + c->head_dim;
    return n_floats * sizeof(float) + sizeof(ae_place);
}

uint64_t ae_forward_thread_bytes(const ae_config *c, size_t n_max)
{
    return (scratch_values(c, n_max) + share_values(c)) * sizeof(float);
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
    void *const blocks[] = {f->x,       f->queries, f->attended, f->shares,
                            f->cos_sin, f->scratch, f->places};
    for (size_t i = 0; i < AE_COUNT(blocks); i++) ae_mem_free(blocks[i]);
    for (int i = 0; i < AE_N_ACT_KINDS; i++) {
        ae_mem_free(f->normed.data[i]);
        ae_mem_free(f->mixed.data[i]);
        ae_mem_free(f->hidden.data[i]);
    }
    ae_mem_free(f);
}

size_t ae_forward_n_max(const ae_forward *f)
{
    return f->n_max;
}

/* Room for f32, unless a weight wants that anyway. */
static aeon_status add_floats(ae_forward *f, activations *a, aeon_error *err)
{
    if (a->data[AE_ACT_F32]) return AEON_OK;
    return new_block(&a->data[AE_ACT_F32], f->n_max, ae_act_row_bytes(AE_ACT_F32, a->n_cols), err);
}

aeon_status ae_forward_watch(ae_forward *f, ae_input_sums *sums, aeon_error *err)
{
    TRY(add_floats(f, &f->normed, err));
    TRY(add_floats(f, &f->mixed, err));
    TRY(add_floats(f, &f->hidden, err));
    f->watched = sums;
    return AEON_OK;
}

/* ---- inputs and products --------------------------------------------------------------------- */

/* The n rows of an input that are in use, in one kind. */
static ae_acts acts_of(const activations *a, int kind, size_t n)
{
    return (ae_acts){(ae_act_kind)kind, a->data[kind], n, a->n_cols};
}

/* Columns col .. col+n_cols-1 of row t of an input of n rows become x, in every kind. */
static void put_input(const ae_forward *f, const activations *a, size_t n, size_t t, size_t col,
                      const float *x, size_t n_cols)
{
    for (int i = 0; i < AE_N_ACT_KINDS; i++) {
        ae_acts acts = acts_of(a, i, n);
        if (acts.data) ae_acts_put(f->k, &acts, t, col, x, n_cols);
    }
}

/* If someone watches: a member's share of the columns of an input that is complete. */
static void watch(const ae_forward *f, ae_input input, size_t i_layer, const activations *a,
                  ae_member m)
{
    if (!f->watched) return;
    ae_acts rows = acts_of(a, AE_ACT_F32, f->n);
    ae_input_sums_add(f->watched, input, i_layer, &rows, ae_split(a->n_cols, 1, m));
}

/* A member's scratch: a row of weights, and behind it a strip of results. */
static float *row_scratch(const ae_forward *f, ae_member m)
{
    return f->scratch + (size_t)m.index * f->scratch_values;
}

static float *strip_scratch(const ae_forward *f, ae_member m)
{
    return row_scratch(f, m) + row_values(f->c);
}

/* y [n][y_stride] = rows of w times n rows of an input. */
static void multiply(const ae_forward *f, const ae_matrix *w, ae_range rows, const activations *a,
                     size_t n, float *y, size_t y_stride, ae_member m)
{
    ae_acts x = acts_of(a, ae_matmul_act(f->k, w), n);
    ae_matmul(f->k, w, rows, &x, y, y_stride, row_scratch(f, m));
}

/* A strip of w that nobody has taken yet. */
static bool take_strip(ae_member m, const ae_matrix *w, ae_range *rows)
{
    size_t u;
    if (!ae_pool_take(m, (w->n_rows + STRIP_ROWS - 1) / STRIP_ROWS, &u)) return false;
    rows->begin = u * STRIP_ROWS;
    rows->end = rows->begin + STRIP_ROWS < w->n_rows ? rows->begin + STRIP_ROWS : w->n_rows;
    return true;
}

/* x += input . p + bias, by strips of rows */
static void add_projection(ae_forward *f, const ae_projection *p, const activations *input,
                           ae_member m)
{
    size_t n_embd = f->c->n_embd;
    float *strip = strip_scratch(f, m);
    for (ae_range rows; take_strip(m, &p->parts[0], &rows);) {
        size_t n_rows = rows.end - rows.begin;
        multiply(f, &p->parts[0], rows, input, f->n, strip, n_rows, m);
        for (size_t t = 0; t < f->n; t++) {
            float *y = strip + t * n_rows;
            if (p->bias) f->k->add(y, p->bias + rows.begin, n_rows);
            f->k->add(f->x + t * n_embd + rows.begin, y, n_rows);
        }
    }
}

/* ---- phases ---------------------------------------------------------------------------------- */

static void embed_row(ae_forward *f, size_t t, ae_member m)
{
    ae_place place = f->places[t];
    const ae_span *span = &f->batch->spans[place.span];
    ae_matrix_row(&f->w->embedding, (size_t)span->ids[place.pos - span->pos],
                  f->x + t * f->c->n_embd, row_scratch(f, m));
    ae_rope_angles(f->c, span->rope_set, place.pos, f->cos_sin + t * f->c->rope_dim);
}

/* Row `to` of n normed ones is that of token t. */
static void norm_row(ae_forward *f, const float *weight, size_t t, size_t to, size_t n, ae_member m)
{
    size_t n_embd = f->c->n_embd;
    float *row = row_scratch(f, m);
    f->k->rms_norm(row, f->x + t * n_embd, weight, n_embd, f->c->norm_eps);
    put_input(f, &f->normed, n, to, 0, row, n_embd);
}

static void norm_phase(ae_forward *f, const float *weight, ae_member m)
{
    ae_range tokens = ae_split(f->n, 1, m);
    for (size_t t = tokens.begin; t < tokens.end; t++) norm_row(f, weight, t, t, f->n, m);
}

/* The three parts of qkv. */
enum { QUERIES, KEYS, VALUES };

/* Finish head h of a part, of token t, at x [D]. Queries take the factor 1 / sqrt(D) here, once,
 * instead of every score. */
static void finish_head(ae_forward *f, size_t i_layer, int part, size_t h, size_t t, float *x)
{
    const ae_config *c = f->c;
    const ae_layer *layer = &f->w->layers[i_layer];
    const float *norm = part == QUERIES ? layer->q_norm : part == KEYS ? layer->k_norm : NULL;
    const float *bias = layer->qkv.bias;
    size_t first_head = part == QUERIES ? 0
                        : part == KEYS  ? c->n_heads
                                        : c->n_heads + c->n_kv_heads;
    ae_place place = f->places[t];
    ae_kv *kv = f->batch->spans[place.span].kv;
    if (bias) f->k->add(x, bias + (first_head + h) * c->head_dim, c->head_dim);
    if (norm) f->k->rms_norm(x, x, norm, c->head_dim, c->norm_eps);
    if (part == VALUES) {
        ae_kv_put_value(kv, f->k, i_layer, h, place.pos, x);
        return;
    }
    ae_rope_rotate(c, f->cos_sin + t * c->rope_dim, x, 1);
    if (part == KEYS) {
        ae_kv_put_key(kv, f->k, i_layer, h, place.pos, x);
        return;
    }
    float scale = 1.0f / sqrtf((float)c->head_dim);
    for (size_t i = 0; i < c->head_dim; i++) x[i] *= scale;
    memcpy(f->queries + (t * c->n_heads + h) * c->head_dim, x, c->head_dim * sizeof *x);
}

static void qkv_phase(ae_forward *f, size_t i_layer, ae_member m)
{
    const ae_config *c = f->c;
    const ae_matrix *parts = f->w->layers[i_layer].qkv.parts;
    size_t n_once = heads_at_once(c, parts[0].n_lanes), n_units[3], u;
    float *strip = strip_scratch(f, m);
    for (int i = 0; i < 3; i++) n_units[i] = (parts[i].n_rows / c->head_dim + n_once - 1) / n_once;
    while (ae_pool_take(m, n_units[0] + n_units[1] + n_units[2], &u)) {
        int part = QUERIES;
        for (; u >= n_units[part]; part++) u -= n_units[part];
        size_t n_heads = parts[part].n_rows / c->head_dim, begin = u * n_once;
        size_t end = begin + n_once < n_heads ? begin + n_once : n_heads;
        size_t n_rows = (end - begin) * c->head_dim;
        multiply(f, &parts[part], (ae_range){begin * c->head_dim, end * c->head_dim}, &f->normed,
                 f->n, strip, n_rows, m);
        for (size_t t = 0; t < f->n; t++)
            for (size_t h = begin; h < end; h++)
                finish_head(f, i_layer, part, h, t, strip + t * n_rows + (h - begin) * c->head_dim);
    }
}

/* Are parts of attention whole blocks of the next input? Else its rows are put when they are
 * complete. */
static bool puts_parts(const ae_forward *f)
{
    bool is_whole = f->c->n_heads / f->c->n_kv_heads * f->c->head_dim % AE_ACT_BLOCK == 0;
    return is_whole && !f->attention.n_stretches;
}

static void attention_phase(ae_forward *f, size_t i_layer, ae_member m)
{
    const ae_config *c = f->c;
    const ae_attention *a = &f->attention;
    size_t n_q = (size_t)c->n_heads * c->head_dim, n_part = n_q / c->n_kv_heads;
    for (size_t u; ae_pool_take(m, ae_attention_n_parts(a, m.n), &u);) {
        ae_attention_part part = ae_attention_part_at(a, m.n, u);
        ae_attention_run(a, i_layer, part, strip_scratch(f, m));
        size_t col = part.head * n_part;
        for (size_t t = part.tokens.begin; puts_parts(f) && t < part.tokens.end; t++)
            put_input(f, &f->mixed, f->n, t, col, f->attended + t * n_q + col, n_part);
    }
    if (puts_parts(f)) return;
    ae_pool_barrier(m);
    ae_range tokens = ae_split(f->n, 1, m);
    for (size_t t = tokens.begin; t < tokens.end; t++) {
        if (a->n_stretches) ae_attention_merge(a, t);
        put_input(f, &f->mixed, f->n, t, 0, f->attended + t * n_q, n_q);
    }
}

static void gate_up_phase(ae_forward *f, const ae_projection *p, ae_member m)
{
    size_t n_ff = f->c->n_ff;
    float *gate = strip_scratch(f, m), *up = gate + f->n_max * STRIP_ROWS;
    for (ae_range rows; take_strip(m, &p->parts[0], &rows);) {
        size_t n = rows.end - rows.begin;
        multiply(f, &p->parts[0], rows, &f->normed, f->n, gate, n, m);
        multiply(f, &p->parts[1], rows, &f->normed, f->n, up, n, m);
        for (size_t t = 0; t < f->n; t++) {
            if (p->bias) f->k->add(gate + t * n, p->bias + rows.begin, n);
            if (p->bias) f->k->add(up + t * n, p->bias + n_ff + rows.begin, n);
            f->k->swiglu(gate + t * n, gate + t * n, up + t * n, n);
            put_input(f, &f->hidden, f->n, t, rows.begin, gate + t * n, n);
        }
    }
}

static void run_member(void *arg, ae_member m)
{
    ae_forward *f = arg;
    ae_mem_forbid(true);
    ae_range tokens = ae_split(f->n, 1, m);
    for (size_t t = tokens.begin; t < tokens.end; t++) embed_row(f, t, m);
    for (size_t i = 0; i < f->w->n_layers; i++) {
        const ae_layer *layer = &f->w->layers[i];
        norm_phase(f, layer->attn_norm, m);
        ae_pool_barrier(m);
        watch(f, AE_INPUT_QKV, i, &f->normed, m);
        qkv_phase(f, i, m);
        ae_pool_barrier(m);
        attention_phase(f, i, m);
        ae_pool_barrier(m);
        watch(f, AE_INPUT_ATTN_OUTPUT, i, &f->mixed, m);
        add_projection(f, &layer->attn_output, &f->mixed, m);
        ae_pool_barrier(m);
        norm_phase(f, layer->ffn_norm, m);
        ae_pool_barrier(m);
        watch(f, AE_INPUT_GATE_UP, i, &f->normed, m);
        gate_up_phase(f, &layer->gate_up, m);
        ae_pool_barrier(m);
        watch(f, AE_INPUT_FFN_DOWN, i, &f->hidden, m);
        add_projection(f, &layer->ffn_down, &f->hidden, m);
        ae_pool_barrier(m);
    }
    if (f->watched) { /* the head takes few of the tokens; all of them count */
        norm_phase(f, f->w->output_norm, m);
        ae_pool_barrier(m);
        watch(f, AE_INPUT_HEAD, 0, &f->normed, m);
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
    f->attention =
        (ae_attention){.config = f->c,
                       .kernels = f->k,
                       .batch = batch,
                       .places = f->places,
                       .n_tokens = f->n,
                       .queries = f->queries,
                       .out = f->attended,
                       .shares = f->shares,
                       .n_shares = (size_t)ae_pool_n_threads(f->pool) * share_values(f->c)};
    ae_attention_cut(&f->attention, ae_pool_n_threads(f->pool));
    ae_pool_run(f->pool, run_member, f);
    if (f->watched) f->watched->n_tokens += f->n;
}

/* ---- the head -------------------------------------------------------------------------------- */

typedef struct {
    ae_forward *f;
    const size_t *tokens; /* [n] */
    size_t n;
    float *const *logits; /* [n], [ae_logits_len(n_vocab)] each */
} head_job;

static void head_member(void *arg, ae_member m)
{
    const head_job *job = arg;
    const ae_matrix *w = &job->f->w->output.parts[0];
    ae_range tokens = ae_split(job->n, 1, m);
    ae_mem_forbid(true);
    for (size_t i = tokens.begin; i < tokens.end; i++)
        norm_row(job->f, job->f->w->output_norm, job->tokens[i], i, job->n, m);
    ae_pool_barrier(m);
    float *strip = strip_scratch(job->f, m);
    for (ae_range rows; take_strip(m, w, &rows);) {
        size_t n_rows = rows.end - rows.begin;
        multiply(job->f, w, rows, &job->f->normed, job->n, strip, n_rows, m);
        for (size_t i = 0; i < job->n; i++) {
            float *logits = job->logits[i];
            memcpy(logits + rows.begin, strip + i * n_rows, n_rows * sizeof *strip);
            ae_logits_find_peaks(strip + i * n_rows, n_rows,
                                 logits + w->n_rows + rows.begin / AE_PEAK_LOGITS);
        }
    }
    ae_mem_forbid(false);
}

void ae_forward_logits(ae_forward *f, const size_t *tokens, size_t n, float *const *logits)
{
    AEON_ASSERT(n <= f->n_max);
    for (size_t i = 0; i < n; i++) AEON_ASSERT(tokens[i] < f->n);
    ae_pool_run(f->pool, head_member, &(head_job){f, tokens, n, logits});
}
