#include "train/passes.h"

#include "base/clones.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

/* ---- helpers --------------------------------------------------------------------------------- */

/* Sums run in LANES independent lanes that are added at the end: an order of our own choice, which
 * compilers can keep in vector registers without being allowed to reorder. */
enum { LANES = 16 };

AE_CLONED_INLINE float add_lanes(const float *lane)
{
    float sum = 0;
    for (int i = 0; i < LANES; i++) sum += lane[i];
    return sum;
}

AE_CLONED_INLINE float dot(const float *a, const float *b, size_t n)
{
    float lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++) lane[j] += a[i + j] * b[i + j];
    for (; i < n; i++) lane[i % LANES] += a[i] * b[i];
    return add_lanes(lane);
}

/* The sum of a_i b_i c_i. */
AE_CLONED_INLINE float dot3(const float *a, const float *b, const float *c, size_t n)
{
    float lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++) lane[j] += a[i + j] * b[i + j] * c[i + j];
    for (; i < n; i++) lane[i % LANES] += a[i] * b[i] * c[i];
    return add_lanes(lane);
}

/* exp(x) for x <= 88 with a relative error below 2e-7, made of operations that vectorize:
 * 2^(k + f) with k = round(x / ln 2), where 2^f comes from the Taylor polynomial of degree 6 and
 * 2^k is written into the exponent. */
AE_CLONED_INLINE float exp_approx(float x)
{
    const float rounder = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */
    x = x > -87.0f ? x : -87.0f;       /* no number becomes one: it shows elsewhere in the loss */
    float k = (x * 1.44269504f + rounder) - rounder;
    float f = (x - k * 0.693359375f) + k * 2.12194440e-4f; /* ln 2 in two parts, |f| <= 0.35 */
    float p = 1.0f / 720;
    p = p * f + 1.0f / 120;
    p = p * f + 1.0f / 24;
    p = p * f + 1.0f / 6;
    p = p * f + 0.5f;
    p = p * f + 1.0f;
    p = p * f + 1.0f;
    union {
        int32_t i;
        float f;
    } power = {((int32_t)k + 127) << 23};
    return p * power.f;
}

AE_CLONED_INLINE float max_of(const float *x, size_t n)
{
    float lane[LANES];
    for (size_t j = 0; j < LANES; j++) lane[j] = x[0];
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++) lane[j] = x[i + j] > lane[j] ? x[i + j] : lane[j];
    for (; i < n; i++) lane[0] = x[i] > lane[0] ? x[i] : lane[0];
    for (size_t j = 1; j < LANES; j++) lane[0] = lane[j] > lane[0] ? lane[j] : lane[0];
    return lane[0];
}

/* x = exp(x - max x); returns the sum. */
AE_CLONED_INLINE float exp_and_sum(float *x, size_t n, float max)
{
    float lane[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (size_t j = 0; j < LANES; j++) {
            x[i + j] = exp_approx(x[i + j] - max);
            lane[j] += x[i + j];
        }
    }
    for (; i < n; i++) {
        x[i] = exp_approx(x[i] - max);
        lane[i % LANES] += x[i];
    }
    return add_lanes(lane);
}

/* ---- embedding ------------------------------------------------------------------------------- */

void ae_embed_forward(float *x, const float *table, const int32_t *ids, size_t n, size_t width)
{
    for (size_t t = 0; t < n; t++)
        memcpy(x + t * width, table + (size_t)ids[t] * width, width * sizeof *x);
}

AE_CLONES void ae_embed_backward(float *d_table, const float *d_x, const int32_t *ids, size_t n,
                                 size_t width)
{
    for (size_t t = 0; t < n; t++) {
        float *row = d_table + (size_t)ids[t] * width;
        for (size_t i = 0; i < width; i++) row[i] += d_x[t * width + i];
    }
}

/* ---- linear ---------------------------------------------------------------------------------- */

/* c [m, n] = keep * c + alpha * op(a) op(b), the inner dimension being k; ld: floats in a row. */
static void gemm(CBLAS_TRANSPOSE op_a, CBLAS_TRANSPOSE op_b, size_t m, size_t n, size_t k,
                 float alpha, const float *a, size_t ld_a, const float *b, size_t ld_b, float keep,
                 float *c, size_t ld_c)
{
    cblas_sgemm(CblasRowMajor, op_a, op_b, (blasint)m, (blasint)n, (blasint)k, alpha, a,
                (blasint)ld_a, b, (blasint)ld_b, keep, c, (blasint)ld_c);
}

/* A matrix whose rows are the lines of a product, and one whose columns are. */
static ae_matrix rows_of(const float *data, size_t n_cols)
{
    return (ae_matrix){data, n_cols, 1};
}

static ae_matrix columns_of(const float *data, size_t n_cols)
{
    return (ae_matrix){data, 1, n_cols};
}

void ae_linear_forward(float *out, const float *x, const float *w, size_t n, size_t n_in,
                       size_t n_out, ae_products p)
{
    if (p.bf16)
        p.bf16(p.scratch, out, n_out, 0, rows_of(x, n_in), n, rows_of(w, n_in), n_out, n_in);
    else
        gemm(CblasNoTrans, CblasTrans, n, n_out, n_in, 1, x, n_in, w, n_in, 0, out, n_out);
}

void ae_linear_backward(float *d_x, float *d_w, float d_w_keep, const float *d_out, const float *x,
                        const float *w, size_t n, size_t n_in, size_t n_out, ae_products p)
{
    if (p.bf16) {
        p.bf16(p.scratch, d_x, n_in, 0, rows_of(d_out, n_out), n, columns_of(w, n_in), n_in, n_out);
        p.bf16(p.scratch, d_w, n_in, d_w_keep, columns_of(d_out, n_out), n_out, columns_of(x, n_in),
               n_in, n);
        return;
    }
    gemm(CblasNoTrans, CblasNoTrans, n, n_in, n_out, 1, d_out, n_out, w, n_in, 0, d_x, n_in);
    gemm(CblasTrans, CblasNoTrans, n_out, n_in, n, 1, d_out, n_out, x, n_in, d_w_keep, d_w, n_in);
}

/* ---- RMS norm -------------------------------------------------------------------------------- */

AE_CLONES void ae_norm_forward(float *out, float *r, const float *x, const float *w, size_t n,
                               size_t width, float eps)
{
    for (size_t t = 0; t < n; t++, x += width, out += width) {
        r[t] = 1 / sqrtf(dot(x, x, width) / (float)width + eps);
        for (size_t i = 0; i < width; i++) out[i] = x[i] * r[t] * w[i];
    }
}

/* With g = d_out * w:  d_x = r * g - x * r^3 * mean(g * x). */
AE_CLONES void ae_norm_backward(float *d_x, float *d_w, const float *d_out, const float *x,
                                const float *r, const float *w, size_t n, size_t width)
{
    for (size_t t = 0; t < n; t++, x += width, d_x += width, d_out += width) {
        float pull = dot3(d_out, w, x, width) / (float)width * r[t] * r[t] * r[t];
        for (size_t i = 0; i < width; i++) {
            d_x[i] += r[t] * d_out[i] * w[i] - pull * x[i];
            d_w[i] += d_out[i] * x[i] * r[t];
        }
    }
}

/* ---- rotary positions ------------------------------------------------------------------------ */

void ae_rope_table(float *cos_sin, size_t n_pos, size_t n_pairs, double theta, const float *factors,
                   double scale)
{
    for (size_t pos = 0; pos < n_pos; pos++) {
        for (size_t i = 0; i < n_pairs; i++) {
            double turn = (double)pos * pow(theta, -(double)i / (double)n_pairs);
            if (factors) turn /= (double)factors[i];
            cos_sin[(2 * pos) * n_pairs + i] = (float)(cos(turn) * scale);
            cos_sin[(2 * pos + 1) * n_pairs + i] = (float)(sin(turn) * scale);
        }
    }
}

AE_CLONES void ae_rope(float *x, size_t n, size_t stride, size_t n_heads, size_t head_dim,
                       const float *cos_sin, size_t n_pairs, float direction)
{
    for (size_t t = 0; t < n; t++) {
        const float *c = cos_sin + 2 * t * n_pairs, *s = c + n_pairs;
        for (size_t h = 0; h < n_heads; h++) {
            float *a = x + t * stride + h * head_dim, *b = a + n_pairs;
            for (size_t i = 0; i < n_pairs; i++) {
                float a_i = a[i], b_i = b[i], s_i = direction * s[i];
                a[i] = a_i * c[i] - b_i * s_i;
                b[i] = b_i * c[i] + a_i * s_i;
            }
        }
    }
}

/* ---- attention ------------------------------------------------------------------------------- */

/* One head of one block of queries: rows begin .. begin + n_rows of the document, which see n_keys
 * = begin + n_rows keys. Pointers are into qkv; rows are stride apart. */
typedef struct {
    const float *q, *k, *v;
    size_t begin, n_rows, n_keys, stride, head_dim;
} block;

static block block_at(const float *qkv, size_t n, ae_heads heads, size_t head, size_t begin)
{
    size_t n_rows = n - begin < AE_ATTENTION_BLOCK ? n - begin : AE_ATTENTION_BLOCK;
    size_t d = heads.head_dim, stride = (heads.n_heads + 2 * heads.n_kv_heads) * d;
    size_t kv = head / (heads.n_heads / heads.n_kv_heads);
    return (block){.q = qkv + begin * stride + head * d,
                   .k = qkv + (heads.n_heads + kv) * d,
                   .v = qkv + (heads.n_heads + heads.n_kv_heads + kv) * d,
                   .begin = begin,
                   .n_rows = n_rows,
                   .n_keys = begin + n_rows,
                   .stride = stride,
                   .head_dim = d};
}

static float score_scale(size_t head_dim)
{
    return 1 / sqrtf((float)head_dim);
}

/* Softmax over keys at or before the query's place; 0 behind it. */
AE_CLONES static void causal_softmax(float *p, block b)
{
    for (size_t i = 0; i < b.n_rows; i++, p += b.n_keys) {
        size_t n_seen = b.begin + i + 1;
        float scale = 1 / exp_and_sum(p, n_seen, max_of(p, n_seen));
        for (size_t j = 0; j < n_seen; j++) p[j] *= scale;
        memset(p + n_seen, 0, (b.n_keys - n_seen) * sizeof *p);
    }
}

/* p [n_rows, n_keys] = softmax(q k^T / sqrt(head_dim)) over keys at or before the query's place. */
static void probabilities(float *p, block b)
{
    gemm(CblasNoTrans, CblasTrans, b.n_rows, b.n_keys, b.head_dim, score_scale(b.head_dim), b.q,
         b.stride, b.k, b.stride, 0, p, b.n_keys);
    causal_softmax(p, b);
}

void ae_attention_forward(float *out, const float *qkv, size_t n, ae_heads heads, float *scratch)
{
    size_t out_stride = heads.n_heads * heads.head_dim;
    for (size_t h = 0; h < heads.n_heads; h++) {
        for (size_t begin = 0; begin < n; begin += AE_ATTENTION_BLOCK) {
            block b = block_at(qkv, n, heads, h, begin);
            probabilities(scratch, b);
            gemm(CblasNoTrans, CblasNoTrans, b.n_rows, b.head_dim, b.n_keys, 1, scratch, b.n_keys,
                 b.v, b.stride, 0, out + begin * out_stride + h * b.head_dim, out_stride);
        }
    }
}

/* d_score = p * (d_p - sum_j p_j d_p_j), in place of d_p [n_rows, n_keys]. The sum over keys equals
 * the dot product of the output row with its gradient, which is shorter. */
AE_CLONES static void softmax_backward(float *d_p, const float *p, const float *out,
                                       const float *d_out, size_t out_stride, block b)
{
    for (size_t i = 0; i < b.n_rows; i++, p += b.n_keys, d_p += b.n_keys) {
        float sum = dot(out + i * out_stride, d_out + i * out_stride, b.head_dim);
        for (size_t j = 0; j < b.n_keys; j++) d_p[j] = p[j] * (d_p[j] - sum);
    }
}

void ae_attention_backward(float *d_qkv, const float *d_out, const float *out, const float *qkv,
                           size_t n, ae_heads heads, float *scratch)
{
    size_t out_stride = heads.n_heads * heads.head_dim;
    memset(d_qkv, 0, n * (heads.n_heads + 2 * heads.n_kv_heads) * heads.head_dim * sizeof *d_qkv);
    for (size_t h = 0; h < heads.n_heads; h++) {
        for (size_t begin = 0; begin < n; begin += AE_ATTENTION_BLOCK) {
            block b = block_at(qkv, n, heads, h, begin);
            size_t d = b.head_dim, at = begin * out_stride + h * d;
            float *d_q = d_qkv + (b.q - qkv), *d_k = d_qkv + (b.k - qkv),
                  *d_v = d_qkv + (b.v - qkv);
            float *p = scratch, *d_p = scratch + AE_ATTENTION_BLOCK * n;
            probabilities(p, b);
            /* d_v += p^T d_out,  d_p = d_out v^T */
            gemm(CblasTrans, CblasNoTrans, b.n_keys, d, b.n_rows, 1, p, b.n_keys, d_out + at,
                 out_stride, 1, d_v, b.stride);
            gemm(CblasNoTrans, CblasTrans, b.n_rows, b.n_keys, d, 1, d_out + at, out_stride, b.v,
                 b.stride, 0, d_p, b.n_keys);
            softmax_backward(d_p, p, out + at, d_out + at, out_stride, b);
            /* d_q = scale d_score k,  d_k += scale d_score^T q */
            gemm(CblasNoTrans, CblasNoTrans, b.n_rows, d, b.n_keys, score_scale(d), d_p, b.n_keys,
                 b.k, b.stride, 0, d_q, b.stride);
            gemm(CblasTrans, CblasNoTrans, b.n_keys, d, b.n_rows, score_scale(d), d_p, b.n_keys,
                 b.q, b.stride, 1, d_k, b.stride);
        }
    }
}

/* ---- SwiGLU ---------------------------------------------------------------------------------- */

AE_CLONED_INLINE float sigmoid(float x)
{
    /* exp(-x) overflows f32 from x = -88 on, where the result is 0 to all digits. */
    return 1 / (1 + exp_approx(x < -80.0f ? 80.0f : -x));
}

AE_CLONES void ae_swiglu_forward(float *out, const float *gate_up, size_t n, size_t n_ff)
{
    for (size_t t = 0; t < n; t++, out += n_ff, gate_up += 2 * n_ff) {
        const float *gate = gate_up, *up = gate_up + n_ff;
        for (size_t i = 0; i < n_ff; i++) out[i] = gate[i] * sigmoid(gate[i]) * up[i];
    }
}

/* silu'(g) = s + g s (1 - s) with s = sigmoid(g). */
AE_CLONES void ae_swiglu_backward(float *d_gate_up, const float *d_out, const float *gate_up,
                                  size_t n, size_t n_ff)
{
    for (size_t t = 0; t < n; t++, d_out += n_ff, gate_up += 2 * n_ff, d_gate_up += 2 * n_ff) {
        const float *gate = gate_up, *up = gate_up + n_ff;
        float *d_gate = d_gate_up, *d_up = d_gate_up + n_ff;
        for (size_t i = 0; i < n_ff; i++) {
            float s = sigmoid(gate[i]);
            d_gate[i] = d_out[i] * up[i] * (s + gate[i] * s * (1 - s));
            d_up[i] = d_out[i] * gate[i] * s;
        }
    }
}

/* ---- cross entropy --------------------------------------------------------------------------- */

AE_CLONES double ae_cross_entropy(float *logits, const int32_t *targets, size_t n, size_t n_vocab,
                                  float scale)
{
    double loss = 0;
    for (size_t t = 0; t < n; t++, logits += n_vocab) {
        float max = max_of(logits, n_vocab), at_target = logits[targets[t]];
        float sum = exp_and_sum(logits, n_vocab, max);
        loss += log((double)sum) + (double)max - (double)at_target;
        float factor = scale / sum;
        for (size_t i = 0; i < n_vocab; i++) logits[i] *= factor;
        logits[targets[t]] -= scale;
    }
    return loss;
}
