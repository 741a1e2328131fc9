/* net.h - a phi3 transformer for training: its weights in one array, one sequence at a time.
 *
 * Model:    The shape gives a table of parameters, which lie one after another in one flat array of
 *           f32; gradients and moments are arrays of the same layout. A step runs one packed
 *           sequence (documents side by side, each with its own attention and positions) forward,
 *           through the loss, and backward.
 * Uses:     base/, train/passes.h.      Threads: a net is immutable; each thread has its own work.
 * Example:  TRY(ae_net_new(&net, &shape, 512, err));  TRY(ae_net_work_new(&work, net, err));
 *           double sum = ae_net_step(net, weights, gradient, work, &sequence, 1.0f / n_targets);
 */
#ifndef AE_TRAIN_NET_H
#define AE_TRAIN_NET_H

#include "base/status.h"
#include "train/passes.h"

typedef struct {
    uint32_t n_vocab, n_embd, n_layers, n_heads, n_kv_heads, n_ff;
    uint32_t n_ctx;          /* the longest sequence the model claims */
    uint32_t n_ctx_original; /* LongRoPE: the long factors begin behind it */
    double rope_theta, partial_rotary, norm_eps;
} ae_net_shape;

typedef enum {
    AE_PARAM_EMBEDDING, /* [n_vocab, n_embd], input and output */
    AE_PARAM_ATTN_NORM, /* [n_embd] */
    AE_PARAM_QKV,       /* [(n_heads + 2 n_kv_heads) head_dim, n_embd]: queries, keys, values */
    AE_PARAM_ATTN_OUT,  /* [n_embd, n_heads head_dim] */
    AE_PARAM_FFN_NORM,  /* [n_embd] */
    AE_PARAM_GATE_UP,   /* [2 n_ff, n_embd]: gate, up */
    AE_PARAM_DOWN,      /* [n_embd, n_ff] */
    AE_PARAM_OUT_NORM,  /* [n_embd] */
} ae_param_kind;

typedef struct {
    ae_param_kind kind;
    uint32_t layer;        /* of kinds that each layer has */
    size_t begin;          /* its first value in the flat array */
    size_t n_rows, n_cols; /* n_rows 1: a norm */
} ae_param;

typedef struct {
    ae_net_shape shape;
    ae_heads heads;
    size_t max_tokens;  /* of one sequence */
    size_t qkv_width;   /* (n_heads + 2 n_kv_heads) * head_dim */
    size_t n_rope;      /* rotated pairs per head */
    float *rope_factor; /* [n_rope] long factors */
    float *rope[2];     /* tables [max_tokens, 2, n_rope] with the short and the long factors */
    ae_param *params;   /* [n_params] in the order of the flat array */
    size_t n_params;
    size_t n_weights; /* length of the flat array */
    ae_gemm_fn *bf16; /* multiplies outside attention; NULL, as new: f32. The caller's to set */
} ae_net;

/* Errors: INVALID_ARGUMENT (names the field), OUT_OF_MEMORY. free accepts NULL. */
AEON_MUST_USE aeon_status ae_net_new(ae_net **out, const ae_net_shape *shape, size_t max_tokens,
                                     aeon_error *err);
void ae_net_free(ae_net *net);

/* The factor on cos and sin: sqrt(1 + ln(n_ctx / n_ctx_original) / ln n_ctx_original). */
double ae_net_rope_scale(const ae_net_shape *shape);

/* A matrix inside a layer: neither a norm nor the embedding. */
bool ae_param_is_layer_matrix(const ae_param *p);

/* The parameter's name in GGUF files ("blk.3.attn_qkv.weight"). */
void ae_param_name(const ae_param *p, char out[64]);

/* Fill weights [n_weights]: norms 1, matrices uniform with deviation 1/sqrt(n_cols), those that
 * write into the residual stream smaller by sqrt(2 n_layers), the embedding 0.02. */
void ae_net_init_weights(const ae_net *net, float *weights, uint64_t seed);

/* ---- one sequence ---------------------------------------------------------------------------- */

typedef struct {
    int32_t *ids;          /* [n] */
    uint8_t *is_target;    /* [n]: should the model have predicted this token? */
    size_t n;              /* <= max_tokens */
    size_t *starts;        /* [n_documents + 1] first token of each; starts[n_documents] = n */
    size_t n_documents;    /* is_target is 0 at starts */
    size_t n_targets;      /* set bytes in is_target */
    bool has_long_factors; /* rotate with the long factors */
} ae_sequence;

/* What a forward pass leaves for the backward pass. */
typedef struct ae_net_work ae_net_work;
AEON_MUST_USE aeon_status ae_net_work_new(ae_net_work **out, const ae_net *net, aeon_error *err);
void ae_net_work_free(ae_net_work *work);
size_t ae_net_work_bytes(const ae_net *net);

/* The sum over targets of -log p(target). If gradient [n_weights] is not NULL it becomes that of
 * scale * the sum. */
double ae_net_step(const ae_net *net, const float *weights, float *gradient, ae_net_work *work,
                   const ae_sequence *sequence, float scale);

#endif
