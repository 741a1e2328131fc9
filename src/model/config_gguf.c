/* config_gguf.c - a configuration from GGUF metadata (keys "ARCH.name") and rope factor tensors. */
#include "base/file.h"
#include "format/names.h"
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

ae_rope_layout ae_gguf_rope_layout(const char *architecture)
{
    size_t i = 0;
    while (i < AE_COUNT(architectures) && strcmp(architectures[i].name, architecture) != 0) i++;
    AEON_ASSERT(i < AE_COUNT(architectures));
    return architectures[i].layout;
}

typedef struct {
    const ae_gguf *g;
    const char *arch;
} reader;

typedef struct {
    char text[96];
} arch_key;

static arch_key key_of(const reader *r, const char *name)
{
    arch_key key;
    snprintf(key.text, sizeof key.text, "%s.%s", r->arch, name);
    return key;
}

static bool has(const reader *r, const char *name)
{
    return ae_gguf_value_find(r->g, key_of(r, name).text) != NULL;
}

static aeon_status fail_key(const reader *r, const char *name, const char *what, aeon_error *err)
{
    return ae_fail(err, AEON_BAD_FORMAT, "%s: %s.%s %s", ae_gguf_path(r->g), r->arch, name, what);
}

/* *out stays as it is if the key is absent. */
static aeon_status read_u32(const reader *r, const char *name, uint32_t *out, aeon_error *err)
{
    if (!has(r, name) || ae_gguf_get_u32(r->g, key_of(r, name).text, out)) return AEON_OK;
    return fail_key(r, name, "is not a whole number of 32 bits", err);
}

static aeon_status read_f32(const reader *r, const char *name, float *out, aeon_error *err)
{
    if (!has(r, name) || ae_gguf_get_f32(r->g, key_of(r, name).text, out)) return AEON_OK;
    return fail_key(r, name, "is not a number with a fraction", err);
}

static aeon_status get_u32(const reader *r, const char *name, uint32_t *out, aeon_error *err)
{
    return has(r, name) ? read_u32(r, name, out, err) : fail_key(r, name, "is missing", err);
}

static aeon_status get_f32(const reader *r, const char *name, float *out, aeon_error *err)
{
    return has(r, name) ? read_f32(r, name, out, err) : fail_key(r, name, "is missing", err);
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
                   "%s: architecture \"%s\" is not supported; phi3, llama, qwen2 and qwen3 are",
                   ae_gguf_path(g), ae_show(arch.data, arch.len).text);
}

static aeon_status read_sizes(ae_config *c, const reader *r, aeon_error *err)
{
    TRY(get_u32(r, "block_count", &c->n_layers, err));
    TRY(get_u32(r, "embedding_length", &c->n_embd, err));
    TRY(get_u32(r, "feed_forward_length", &c->n_ff, err));
    TRY(get_u32(r, "attention.head_count", &c->n_heads, err));
    TRY(get_u32(r, "context_length", &c->n_ctx_max, err));
    TRY(get_f32(r, "attention.layer_norm_rms_epsilon", &c->norm_eps, err));
    c->n_kv_heads = c->n_heads;
    c->head_dim = c->n_heads ? c->n_embd / c->n_heads : 0;
    TRY(read_u32(r, "attention.head_count_kv", &c->n_kv_heads, err));
    TRY(read_u32(r, "attention.sliding_window", &c->n_window, err));
    uint32_t value_length = c->head_dim, n_experts = 0;
    TRY(read_u32(r, "attention.key_length", &c->head_dim, err));
    TRY(read_u32(r, "attention.value_length", &value_length, err));
    TRY(read_u32(r, "expert_count", &n_experts, err));
    if (value_length != c->head_dim)
        return ae_fail(err, AEON_UNSUPPORTED, "%s: heads of %u for keys and %u for values",
                       ae_gguf_path(r->g), c->head_dim, value_length);
    if (n_experts)
        return ae_fail(err, AEON_UNSUPPORTED, "%s: mixtures of experts are not supported",
                       ae_gguf_path(r->g));
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

/* Without a type, a factor is a linear one. */
static aeon_status read_scaling(ae_config *c, const reader *r, aeon_error *err)
{
    static const char *const known[] = {"linear", "none", "longrope"};
    ae_str kind = {"linear", 6};
    if (has(r, "rope.scaling.type") &&
        !ae_gguf_get_str(r->g, key_of(r, "rope.scaling.type").text, &kind))
        return fail_key(r, "rope.scaling.type", "is not a text", err);
    size_t i = 0;
    while (i < AE_COUNT(known) &&
           !(kind.len == strlen(known[i]) && memcmp(kind.data, known[i], kind.len) == 0))
        i++;
    if (i == AE_COUNT(known))
        return ae_fail(err, AEON_UNSUPPORTED, "%s: rope scaling \"%s\" is not supported",
                       ae_gguf_path(r->g), ae_show(kind.data, kind.len).text);
    float factor = 1;
    if (i == 0) TRY(read_f32(r, "rope.scaling.factor", &factor, err));
    if (factor == 1 || c->rope_dim > AE_MAX_HEAD_DIM) return AEON_OK;
    for (uint32_t k = 0; k < c->rope_dim / 2; k++) c->rope_factors[AE_ROPE_SET_SHORT][k] = factor;
    c->has_rope_factors[AE_ROPE_SET_SHORT] = true;
    return AEON_OK;
}

static aeon_status read_rope(ae_config *c, const reader *r, aeon_error *err)
{
    c->rope_theta = 10000;
    c->rope_dim = c->head_dim;
    c->rope_magnitude = 1;
    TRY(read_f32(r, "rope.freq_base", &c->rope_theta, err));
    TRY(read_u32(r, "rope.dimension_count", &c->rope_dim, err));
    TRY(read_scaling(c, r, err));
    TRY(read_factors(c, AE_ROPE_SET_SHORT, "rope_freqs.weight", r, err));
    TRY(read_factors(c, AE_ROPE_SET_SHORT, "rope_factors_short.weight", r, err));
    TRY(read_factors(c, AE_ROPE_SET_LONG, "rope_factors_long.weight", r, err));
    if (c->has_rope_factors[AE_ROPE_SET_LONG]) {
        if (!c->has_rope_factors[AE_ROPE_SET_SHORT])
            return ae_fail(err, AEON_BAD_FORMAT, "%s: tensor rope_factors_short.weight is missing",
                           ae_gguf_path(r->g));
        TRY(get_u32(r, "rope.scaling.original_context_length", &c->n_ctx_original, err));
        c->rope_magnitude = ae_longrope_magnitude(c->n_ctx_max, c->n_ctx_original);
    }
    return read_f32(r, "rope.scaling.attn_factor", &c->rope_magnitude, err);
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
        snprintf(c.name, sizeof c.name, "%.95s", ae_path_base(ae_gguf_path(g)));
    *out = c;
    return AEON_OK;
}
