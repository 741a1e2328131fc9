/* weights.h - the tensors of a model, found, checked and in the order the forward pass uses them.
 *
 * Model:    Matrices are borrowed from the mapped file until they are packed; the few small vectors
 *           (norms, biases) are copied to f32. A projection has one matrix or several whose outputs
 *           stand one after the other: fused tensors (phi3) are taken apart here, so that they run
 *           through the same code as separate ones (llama).
 * Uses:     base/, format/, kernels/.      Threads: immutable once packed.
 */
#ifndef AE_MODEL_WEIGHTS_H
#define AE_MODEL_WEIGHTS_H

#include "kernels/matmul.h"
#include "model/config.h"

enum { AE_MAX_PARTS = 3 };

/* Rows that stand nowhere in one piece (format/mlx.h): until they are packed their matrix has no
 * data, and cannot be used. */
typedef struct {
    const ae_tensor *tensor; /* NULL: the rows stand in the matrix */
    size_t first;            /* of the tensor's rows */
} ae_row_source;

/* y [n_rows] = the parts' outputs one after the other (+ bias). */
typedef struct {
    ae_matrix parts[AE_MAX_PARTS]; /* each [rows][n_cols] */
    ae_row_source sources[AE_MAX_PARTS];
    int n_parts;
    /* Of the tensors that they stand in, in GGUF files; see ae_weights_spell. NULL: in the one
     * before. */
    const char *names[AE_MAX_PARTS];
    size_t n_rows, n_cols; /* of all parts together */
    float *bias;           /* [n_rows] or NULL */
} ae_projection;

typedef struct {
    float *attn_norm;       /* [n_embd] */
    ae_projection qkv;      /* 3 parts: [n_heads head_dim], twice [n_kv_heads head_dim][n_embd] */
    float *q_norm, *k_norm; /* [head_dim] or NULL */
    ae_projection attn_output; /* [n_embd][n_heads * head_dim] */
    float *ffn_norm;           /* [n_embd] */
    ae_projection gate_up;     /* 2 parts: [n_ff][n_embd] */
    ae_projection ffn_down;    /* [n_embd][n_ff] */
} ae_layer;

typedef struct {
    ae_matrix embedding; /* [n_vocab][n_embd] */
    ae_row_source embedding_source;
    ae_projection output; /* [n_vocab][n_embd]; the embedding again where the file ties them */
    float *output_norm;   /* [n_embd] */
    ae_layer *layers;     /* [n_layers] */
    size_t n_layers;
    float *vectors; /* one block that holds all norms and biases */
    char *panels;   /* one block that holds what is packed or put together, or NULL */

    aeon_type main_type; /* of most of the bytes */
    uint64_t n_params, size_bytes, step_bytes, macs_per_token;
} ae_weights;

/* Where tensors come from: exactly one is set. */
typedef struct {
    const ae_gguf *gguf;
    const ae_hf *hf;
} ae_weights_source;

/* Fill out and set config->n_vocab from the embedding. Errors: BAD_FORMAT (a tensor missing or of
 * another shape than the configuration says, named), OUT_OF_MEMORY. */
AEON_MUST_USE aeon_status ae_weights_load(ae_weights *out, ae_config *config,
                                          ae_weights_source source, aeon_error *err);
void ae_weights_release(ae_weights *w);

/* The whole name of a projection's tensor, in out[size]. */
void ae_weights_spell(char *out, size_t size, const char *name, uint32_t layer);

/* ---- packing (weights_pack.c) ---------------------------------------------------------------- */

/* Bring the matrices into panels, as the kernels multiply them, wherever the table has kernels for
 * their type; half floats become bf16 where those are multiplied directly. Rows that stand in no
 * piece are put together, as panels or as they are. Memory of the file that was read for it is
 * given back piece by piece, so that there are never two copies. Once.
 * progress may be NULL. Errors: OUT_OF_MEMORY, CANCELLED; the weights are then what they were. */
AEON_MUST_USE aeon_status ae_weights_pack(ae_weights *w, const ae_kernels *k, ae_pool *pool,
                                          aeon_progress_fn progress, void *user, aeon_error *err);

/* What packing will take, in bytes; 0 once it is done. */
uint64_t ae_weights_panel_bytes(const ae_weights *w, const ae_kernels *k);

#endif
