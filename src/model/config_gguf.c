/* config_gguf.c - a configuration from GGUF metadata (keys "ARCH.name") and rope factor tensors. */
#include "model/config_load.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    ae_rope_layout layout; /* converters permute llama's q and k so that neighbours rotate */
} architectures[] = {
    {"phi3", AE_ROPE_HALVES},
    {"llama", AE_ROPE_PAIRS},
    {"qwen2", AE_ROPE_HALVES},
    {"qwen3", AE_ROPE_HALVES},
};

typedef struct {
    const ae_gguf *g;
    const char *arch;
} reader;

static const char *full_key(char *out, size_t size, const reader *r, const char *name)
{
    snprintf(out, size, "%s.%s", r->arch, name);
    return out;
}

static bool find_u32(const reader *r, const char *name, uint32_t *out)
{
    char key[96];
    return ae_gguf_get_u32(r->g, full_key(key, sizeof key, r, name), out);
}

static bool find_f32(const reader *r, const char *name, float *out)
{
    char key[96];
    return ae_gguf_get_f32(r->g, full_key(key, sizeof key, r, name), out);
}

static aeon_status get_u32(const reader *r, const char *name, uint32_t *out, aeon_error *err)
{
    if (find_u32(r, name, out)) return AEON_OK;
    return ae_fail(err, AEON_BAD_FORMAT, "%s: %s.%s is missing or not a number", ae_gguf_path(r->g),
                   r->arch, name);
}

static aeon_status read_architecture(ae_config *c, const ae_gguf *g, aeon_error *err)
{
    ae_str arch;
    if (!ae_gguf_get_str(g, "general.architecture", &arch))
        return ae_fail(err, AEON_BAD_FORMAT, "%s: general.architecture is missing",
                       ae_gguf_path(g));
    for (size_t i = 0; i < AE_COUNT(architectures); i++) {
        const char *name = architectures[i].name;
        if (arch.len != strlen(name) || memcmp(arch.data, name, arch.len) != 0) continue;
        snprintf(c->architecture, sizeof c->architecture, "%s", name);
        c->rope_layout = architectures[i].layout;
        return AEON_OK;
    }
    return ae_fail(err, AEON_UNSUPPORTED,
                   "%s: architecture \"%.*s\" is not supported; phi3, llama, qwen2 and qwen3 are",
                   ae_gguf_path(g), (int)(arch.len < 64 ? arch.len : 64), arch.data);
}

static aeon_status read_sizes(ae_config *c, const reader *r, aeon_error *err)
{
    TRY(get_u32(r, "block_count", &c->n_layers, err));
    TRY(get_u32(r, "embedding_length", &c->n_embd, err));
    TRY(get_u32(r, "feed_forward_length", &c->n_ff, err));
    TRY(get_u32(r, "attention.head_count", &c->n_heads, err));
    TRY(get_u32(r, "context_length", &c->n_ctx_max, err));
    if (!find_u32(r, "attention.head_count_kv", &c->n_kv_heads)) c->n_kv_heads = c->n_heads;
    if (!find_f32(r, "attention.layer_norm_rms_epsilon", &c->norm_eps)) c->norm_eps = 1e-5f;
    find_u32(r, "attention.key_length", &c->head_dim);
    uint32_t value_length = c->head_dim, n_experts = 0;
    find_u32(r, "attention.value_length", &value_length);
    if (value_length != c->head_dim)
        return ae_fail(err, AEON_UNSUPPORTED, "%s: heads of %u for keys and %u for values",
                       ae_gguf_path(r->g), c->head_dim, value_length);
    if (find_u32(r, "expert_count", &n_experts) && n_experts)
        return ae_fail(err, AEON_UNSUPPORTED, "%s: mixtures of experts are not supported",
                       ae_gguf_path(r->g));
    find_u32(r, "attention.sliding_window", &c->n_window);
    return AEON_OK;
}

/* The factors of one set stand in a tensor of rope_dim / 2 floats, if the model has them. */
static aeon_status read_factors(ae_config *c, ae_rope_set set, const char *tensor, const reader *r,
                                aeon_error *err)
{
    const ae_tensor *t = ae_gguf_tensor_find(r->g, tensor);
    if (!t) return AEON_OK;
    if (t->type->type != AEON_TYPE_F32 || t->n_dims != 1 || t->dims[0] != c->rope_dim / 2 ||
        t->dims[0] > AE_MAX_HEAD_DIM / 2)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: tensor %s must hold %u f32 values",
                       ae_gguf_path(r->g), tensor, c->rope_dim / 2);
    t->type->to_f32(t->data, c->rope_factors[set], (size_t)t->dims[0]);
    c->has_rope_factors[set] = true;
    return AEON_OK;
}

static aeon_status read_rope(ae_config *c, const reader *r, aeon_error *err)
{
    if (!find_f32(r, "rope.freq_base", &c->rope_theta)) c->rope_theta = 10000.0f;
    find_u32(r, "rope.dimension_count", &c->rope_dim);
    if (c->rope_dim == 0)
        c->rope_dim = c->head_dim ? c->head_dim : c->n_embd / (c->n_heads ? c->n_heads : 1);
    c->rope_magnitude = 1.0f;

    ae_str kind;
    char key[96];
    float factor = 1.0f;
    if (ae_gguf_get_str(r->g, full_key(key, sizeof key, r, "rope.scaling.type"), &kind)) {
        bool is_linear = kind.len == 6 && memcmp(kind.data, "linear", 6) == 0;
        bool is_known = is_linear || (kind.len == 4 && memcmp(kind.data, "none", 4) == 0) ||
                        (kind.len == 8 && memcmp(kind.data, "longrope", 8) == 0);
        if (!is_known)
            return ae_fail(err, AEON_UNSUPPORTED, "%s: rope scaling \"%.*s\" is not supported",
                           ae_gguf_path(r->g), (int)(kind.len < 64 ? kind.len : 64), kind.data);
        if (is_linear) find_f32(r, "rope.scaling.factor", &factor);
    }
    if (factor != 1.0f && c->rope_dim <= AE_MAX_HEAD_DIM) {
        for (uint32_t i = 0; i < c->rope_dim / 2; i++)
            c->rope_factors[AE_ROPE_SET_SHORT][i] = factor;
        c->has_rope_factors[AE_ROPE_SET_SHORT] = true;
    }
    TRY(read_factors(c, AE_ROPE_SET_SHORT, "rope_freqs.weight", r, err));
    TRY(read_factors(c, AE_ROPE_SET_SHORT, "rope_factors_short.weight", r, err));
    TRY(read_factors(c, AE_ROPE_SET_LONG, "rope_factors_long.weight", r, err));
    if (!c->has_rope_factors[AE_ROPE_SET_LONG]) return AEON_OK;
    TRY(get_u32(r, "rope.scaling.original_context_length", &c->n_ctx_original, err));
    if (!find_f32(r, "rope.scaling.attn_factor", &c->rope_magnitude))
        c->rope_magnitude = ae_longrope_magnitude(c->n_ctx_max, c->n_ctx_original);
    return AEON_OK;
}

aeon_status ae_config_from_gguf(ae_config *out, const ae_gguf *g, aeon_error *err)
{
    ae_config c = {0};
    TRY(read_architecture(&c, g, err));
    reader r = {g, c.architecture};
    TRY(read_sizes(&c, &r, err));
    TRY(read_rope(&c, &r, err));
    TRY(ae_config_check(&c, ae_gguf_path(g), err));

    ae_str name;
    if (ae_gguf_get_str(g, "general.name", &name) && name.len)
        snprintf(c.name, sizeof c.name, "%.*s", (int)(name.len < 95 ? name.len : 95), name.data);
    else
        snprintf(c.name, sizeof c.name, "%.95s", ae_gguf_path(g));
    *out = c;
    return AEON_OK;
}
