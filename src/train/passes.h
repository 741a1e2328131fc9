/* passes.h - the layers of a transformer: what each does forward, and what its gradient is.
 *
 * Model:    Matrices are row-major f32; a row is one token. Each forward pass has its backward pass
 *           below it: given the gradient of the loss by the output (d_out), it finds those by the
 *           input (d_x) and by the weights (d_w). Products go to the matrix library (one thread),
 *           all else is plain loops that compilers vectorize.
 * Threads:  Pure functions on caller's memory.
 * Promises: (1) the same input gives the same bits  (2) "=" overwrites, "+=" adds, as stated
 */
#ifndef AE_TRAIN_PASSES_H
#define AE_TRAIN_PASSES_H

#include "kernels/gemm.h"

#include <stddef.h>
#include <stdint.h>

/* ---- embedding: x [n, width] = table[ids] ---------------------------------------------------- */

void ae_embed_forward(float *x, const float *table, const int32_t *ids, size_t n, size_t width);
/* d_table += d_x, row by row. */
void ae_embed_backward(float *d_table, const float *d_x, const int32_t *ids, size_t n,
                       size_t width);

/* ---- linear: out [n, n_out] = x [n, n_in] w^T, w [n_out, n_in] ------------------------------- */

/* Who multiplies: in bf16, or the matrix library in f32. */
typedef struct {
    ae_gemm_fn *bf16; /* NULL: f32 */
    void *scratch;    /* [AE_GEMM_SCRATCH] bytes for bf16 */
} ae_products;

void ae_linear_forward(float *out, const float *x, const float *w, size_t n, size_t n_in,
                       size_t n_out, ae_products products);
/* d_x = d_out w,  d_w = d_w_keep * d_w + d_out^T x. */
void ae_linear_backward(float *d_x, float *d_w, float d_w_keep, const float *d_out, const float *x,
                        const float *w, size_t n, size_t n_in, size_t n_out, ae_products products);

/* ---- RMS norm: out = x * r * w, r [n] = 1 / sqrt(mean(x^2) + eps) ---------------------------- */

void ae_norm_forward(float *out, float *r, const float *x, const float *w, size_t n, size_t width,
                     float eps);
/* d_x += ..., d_w += ...  r as the forward pass left it. */
void ae_norm_backward(float *d_x, float *d_w, const float *d_out, const float *x, const float *r,
                      const float *w, size_t n, size_t width);

/* ---- rotary positions ------------------------------------------------------------------------ */

/* cos and sin [n_pos, n_pairs] of pos * theta^(-i/n_pairs) / factors[i], times scale. factors may
 * be NULL: all ones. */
void ae_rope_table(float *cos_sin, size_t n_pos, size_t n_pairs, double theta, const float *factors,
                   double scale);

/* Turn the first 2 * n_pairs values of every head, dim i with i + n_pairs, in place: x [n, stride]
 * holds n_heads heads of head_dim from its first column on; row t stands at position t. cos_sin is
 * a table of ae_rope_table with at least n positions. direction: 1 forward, -1 backward (a rotation
 * times a scale is undone in gradients by the same scale and the opposite turn). */
void ae_rope(float *x, size_t n, size_t stride, size_t n_heads, size_t head_dim,
             const float *cos_sin, size_t n_pairs, float direction);

/* ---- causal attention over one document ------------------------------------------------------ */

typedef struct {
    size_t n_heads, n_kv_heads, head_dim;
} ae_heads;

/* Queries are taken in blocks of so many rows, which see the keys up to their last row. */
enum { AE_ATTENTION_BLOCK = 64 };

/* out [n, n_heads * head_dim] from qkv [n, (n_heads + 2 n_kv_heads) * head_dim]: queries, keys,
 * values side by side; query head h reads key head h / (n_heads / n_kv_heads).
 * scratch: [AE_ATTENTION_BLOCK, n]. */
void ae_attention_forward(float *out, const float *qkv, size_t n, ae_heads heads, float *scratch);
/* d_qkv = ...  The probabilities are computed again rather than kept: n^2 floats per head saved for
 * one product more. scratch: [2 * AE_ATTENTION_BLOCK, n]. */
void ae_attention_backward(float *d_qkv, const float *d_out, const float *out, const float *qkv,
                           size_t n, ae_heads heads, float *scratch);

/* ---- SwiGLU: out [n, n_ff] = silu(gate) * up, gate_up [n, 2 n_ff] = gate | up ---------------- */

void ae_swiglu_forward(float *out, const float *gate_up, size_t n, size_t n_ff);
/* d_gate_up = ... */
void ae_swiglu_backward(float *d_gate_up, const float *d_out, const float *gate_up, size_t n,
                        size_t n_ff);

/* ---- cross entropy --------------------------------------------------------------------------- */

/* The sum over rows of -log softmax(logits)[target]. In the same sweep logits [n, n_vocab] become
 * their gradient: scale * (softmax - one at the target). */
double ae_cross_entropy(float *logits, const int32_t *targets, size_t n, size_t n_vocab,
                        float scale);

#endif
