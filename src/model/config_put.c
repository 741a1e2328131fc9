#include "model/config_put.h"

#include "model/presets.h"

#include <stdio.h>
#include <string.h>

enum { NO_WINDOW = 262144 }; /* longer than any sequence; a phi3 file must name one */

typedef struct {
    ae_gguf_writer *w;
    const ae_config *c;
    aeon_error *err;
} putter;

static aeon_status put_u32(const putter *p, const char *name, uint32_t value)
{
    char key[96];
    snprintf(key, sizeof key, "%s.%s", p->c->architecture, name);
    return ae_gguf_put_u32(p->w, key, value, p->err);
}

static aeon_status put_f32(const putter *p, const char *name, float value)
{
    char key[96];
    snprintf(key, sizeof key, "%s.%s", p->c->architecture, name);
    return ae_gguf_put_f32(p->w, key, value, p->err);
}

static aeon_status put_sizes(const putter *p)
{
    const ae_config *c = p->c;
    const struct {
        const char *name;
        uint32_t value;
    } sizes[] = {
        {"context_length", c->n_ctx_max},      {"embedding_length", c->n_embd},
        {"block_count", c->n_layers},          {"feed_forward_length", c->n_ff},
        {"attention.head_count", c->n_heads},  {"attention.head_count_kv", c->n_kv_heads},
        {"attention.key_length", c->head_dim}, {"attention.value_length", c->head_dim},
        {"rope.dimension_count", c->rope_dim},
    };
    for (size_t i = 0; i < AE_COUNT(sizes); i++) TRY(put_u32(p, sizes[i].name, sizes[i].value));
    return put_f32(p, "attention.layer_norm_rms_epsilon", c->norm_eps);
}

/* One factor for all frequencies: 0 if there is none. */
static float linear_factor(const ae_config *c)
{
    const float *factors = c->rope_factors[AE_ROPE_SET_SHORT];
    if (!c->has_rope_factors[AE_ROPE_SET_SHORT] || c->has_rope_factors[AE_ROPE_SET_LONG]) return 0;
    for (uint32_t i = 1; i < c->rope_dim / 2; i++)
        if (factors[i] != factors[0]) return 0;
    return factors[0];
}

static aeon_status put_rope(const putter *p)
{
    const ae_config *c = p->c;
    TRY(put_f32(p, "rope.freq_base", c->rope_theta));
    if (c->has_rope_factors[AE_ROPE_SET_LONG]) {
        TRY(put_u32(p, "rope.scaling.original_context_length", c->n_ctx_original));
        return put_f32(p, "rope.scaling.attn_factor", c->rope_magnitude);
    }
    if (linear_factor(c) == 0) return AEON_OK;
    char key[96];
    snprintf(key, sizeof key, "%s.rope.scaling.type", c->architecture);
    TRY(ae_gguf_put_str(p->w, key, "linear", p->err));
    return put_f32(p, "rope.scaling.factor", linear_factor(c));
}

static aeon_status put_window(const putter *p)
{
    bool must_say = strcmp(p->c->architecture, "phi3") == 0;
    if (!p->c->n_window && !must_say) return AEON_OK;
    return put_u32(p, "attention.sliding_window", p->c->n_window ? p->c->n_window : NO_WINDOW);
}

aeon_status ae_gguf_put_config(ae_gguf_writer *w, const ae_config *c, uint32_t file_type,
                               aeon_error *err)
{
    const putter p = {w, c, err};
    TRY(ae_gguf_put_str(w, "general.architecture", c->architecture, err));
    TRY(ae_gguf_put_str(w, "general.type", "model", err));
    TRY(ae_gguf_put_str(w, "general.name", c->name, err));
    if (file_type != AE_NO_FILE_TYPE) TRY(ae_gguf_put_u32(w, "general.file_type", file_type, err));
    TRY(ae_gguf_put_u32(w, "general.quantization_version", 2, err));
    TRY(put_sizes(&p));
    TRY(put_rope(&p));
    return put_window(&p);
}

const char *ae_rope_tensor_name(const ae_config *c, ae_rope_set set)
{
    if (!c->has_rope_factors[set] || linear_factor(c) != 0) return NULL;
    if (set == AE_ROPE_SET_LONG) return "rope_factors_long.weight";
    return c->has_rope_factors[AE_ROPE_SET_LONG] ? "rope_factors_short.weight"
                                                 : "rope_freqs.weight";
}
