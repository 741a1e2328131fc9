/* config.h - the numbers that drive the forward pass, from GGUF metadata or from config.json.
 *
 * Model:    One description for all architectures of the family: a model differs from its relatives
 *           in sizes, in its rotary embedding, and in which optional tensors its file holds.
 * Uses:     base/, format/, jansson.
 * Promises: after a successful load every size is at least 1 and within sane limits, n_heads is a
 *           multiple of n_kv_heads, rope_dim is even and at most head_dim
 */
#ifndef AE_MODEL_CONFIG_H
#define AE_MODEL_CONFIG_H

#include "format/gguf.h"
#include "format/hf.h"

/* Which two values of a head rotate together: i with i + rope_dim/2, or 2i with 2i + 1. */
typedef enum { AE_ROPE_HALVES, AE_ROPE_PAIRS } ae_rope_layout;

/* LongRoPE's two sets of factors; other models use the short set alone. */
typedef enum { AE_ROPE_SET_SHORT, AE_ROPE_SET_LONG, AE_N_ROPE_SETS } ae_rope_set;

enum { AE_MAX_HEAD_DIM = 512, AE_MAX_LAYERS = 512 };

typedef struct {
    char architecture[32]; /* as GGUF names it */
    char name[96];
    uint32_t n_vocab, n_embd, n_layers, n_heads, n_kv_heads, head_dim, n_ff;
    uint32_t n_ctx_max;
    uint32_t n_ctx_original; /* the long factors begin after this many tokens; else n_ctx_max */
    uint32_t n_window;       /* a token sees this many, itself included; 0: all */
    float norm_eps;

    ae_rope_layout rope_layout;
    uint32_t rope_dim; /* the first rope_dim values of a head rotate */
    float rope_theta;
    float rope_magnitude; /* cos and sin are multiplied by this */
    /* [rope_dim / 2] divisors of the frequencies for each set; has_rope_factors false: all 1. */
    bool has_rope_factors[AE_N_ROPE_SETS];
    float rope_factors[AE_N_ROPE_SETS][AE_MAX_HEAD_DIM / 2];
} ae_config;

static inline bool ae_config_has_long_rope(const ae_config *c)
{
    return c->has_rope_factors[AE_ROPE_SET_LONG] && c->n_ctx_original < c->n_ctx_max;
}

/* Errors: BAD_FORMAT (names the key), UNSUPPORTED (names architecture or feature). */
AEON_MUST_USE aeon_status ae_config_from_gguf(ae_config *out, const ae_gguf *g, aeon_error *err);
AEON_MUST_USE aeon_status ae_config_from_hf(ae_config *out, const ae_hf *h, aeon_error *err);

/* How GGUF files of an architecture order the rows of queries and keys. */
ae_rope_layout ae_gguf_rope_layout(const char *architecture);

/* The attention factor of LongRoPE: sqrt(1 + ln(max / original) / ln original). */
float ae_longrope_magnitude(uint32_t n_ctx_max, uint32_t n_ctx_original);

#endif
