/* config_hf.c - a configuration from the config.json of a Hugging Face folder. */
#include "model/config_load.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *class_name, *architecture;
} classes[] = {
    {"Phi3ForCausalLM", "phi3"},   {"LlamaForCausalLM", "llama"}, {"MistralForCausalLM", "llama"},
    {"Qwen2ForCausalLM", "qwen2"}, {"Qwen3ForCausalLM", "qwen3"},
};

typedef struct {
    const ae_hf *h;
    const json_t *config;
} reader;

static bool find_number(const json_t *object, const char *key, double *out)
{
    const json_t *v = json_object_get(object, key);
    if (!json_is_number(v)) return false;
    *out = json_number_value(v);
    return true;
}

/* false if the key is absent (or null); a number that is no u32 counts as 0, which no size may be.
 */
static bool find_u32(const json_t *object, const char *key, uint32_t *out)
{
    double v;
    if (!find_number(object, key, &v)) return false;
    *out = v >= 0 && v <= UINT32_MAX && v == floor(v) ? (uint32_t)v : 0;
    return true;
}

static aeon_status get_u32(const reader *r, const char *key, uint32_t *out, aeon_error *err)
{
    if (find_u32(r->config, key, out)) return AEON_OK;
    return ae_fail(err, AEON_BAD_FORMAT, "%s/config.json: \"%s\" is missing or not a number",
                   r->h->path, key);
}

static aeon_status read_architecture(ae_config *c, const reader *r, aeon_error *err)
{
    const json_t *list = json_object_get(r->config, "architectures");
    const char *name = json_string_value(json_array_get(list, 0));
    if (!name)
        return ae_fail(err, AEON_BAD_FORMAT, "%s/config.json: \"architectures\" is missing",
                       r->h->path);
    for (size_t i = 0; i < AE_COUNT(classes); i++) {
        if (strcmp(name, classes[i].class_name) != 0) continue;
        snprintf(c->architecture, sizeof c->architecture, "%s", classes[i].architecture);
        return AEON_OK;
    }
    return ae_fail(err, AEON_UNSUPPORTED,
                   "%s/config.json: architecture \"%.64s\" is not supported; Phi3, Llama, Mistral, "
                   "Qwen2 and Qwen3 (ForCausalLM) are",
                   r->h->path, name);
}

static aeon_status read_sizes(ae_config *c, const reader *r, aeon_error *err)
{
    TRY(get_u32(r, "num_hidden_layers", &c->n_layers, err));
    TRY(get_u32(r, "hidden_size", &c->n_embd, err));
    TRY(get_u32(r, "intermediate_size", &c->n_ff, err));
    TRY(get_u32(r, "num_attention_heads", &c->n_heads, err));
    TRY(get_u32(r, "max_position_embeddings", &c->n_ctx_max, err));
    if (!find_u32(r->config, "num_key_value_heads", &c->n_kv_heads)) c->n_kv_heads = c->n_heads;
    find_u32(r->config, "head_dim", &c->head_dim);
    if (c->head_dim == 0 && c->n_heads) c->head_dim = c->n_embd / c->n_heads;
    double eps = 1e-5;
    find_number(r->config, "rms_norm_eps", &eps);
    c->norm_eps = (float)eps;

    const json_t *use_window = json_object_get(r->config, "use_sliding_window");
    if (!json_is_false(use_window)) find_u32(r->config, "sliding_window", &c->n_window);
    const char *activation = json_string_value(json_object_get(r->config, "hidden_act"));
    if (activation && strcmp(activation, "silu") != 0)
        return ae_fail(err, AEON_UNSUPPORTED, "%s/config.json: hidden_act \"%.32s\"; only silu is",
                       r->h->path, activation);
    return AEON_OK;
}

static aeon_status read_factor_list(ae_config *c, ae_rope_set set, const json_t *scaling,
                                    const char *key, const reader *r, aeon_error *err)
{
    const json_t *list = json_object_get(scaling, key);
    if (!json_is_array(list) || json_array_size(list) != c->rope_dim / 2 ||
        c->rope_dim > AE_MAX_HEAD_DIM)
        return ae_fail(err, AEON_BAD_FORMAT, "%s/config.json: rope_scaling.%s must hold %u numbers",
                       r->h->path, key, c->rope_dim / 2);
    for (uint32_t i = 0; i < c->rope_dim / 2; i++)
        c->rope_factors[set][i] = (float)json_number_value(json_array_get(list, i));
    c->has_rope_factors[set] = true;
    return AEON_OK;
}

static aeon_status read_longrope(ae_config *c, const json_t *scaling, const reader *r,
                                 aeon_error *err)
{
    TRY(read_factor_list(c, AE_ROPE_SET_SHORT, scaling, "short_factor", r, err));
    TRY(read_factor_list(c, AE_ROPE_SET_LONG, scaling, "long_factor", r, err));
    if (!find_u32(r->config, "original_max_position_embeddings", &c->n_ctx_original) &&
        !find_u32(scaling, "original_max_position_embeddings", &c->n_ctx_original))
        return ae_fail(err, AEON_BAD_FORMAT,
                       "%s/config.json: \"original_max_position_embeddings\" is missing",
                       r->h->path);
    c->rope_magnitude = ae_longrope_magnitude(c->n_ctx_max, c->n_ctx_original);
    return AEON_OK;
}

/* Llama 3.1: long wavelengths are stretched by factor, short ones kept, between them a blend. */
static aeon_status read_llama3(ae_config *c, const json_t *scaling, const reader *r,
                               aeon_error *err)
{
    double factor, low, high, original;
    if (!find_number(scaling, "factor", &factor) ||
        !find_number(scaling, "low_freq_factor", &low) ||
        !find_number(scaling, "high_freq_factor", &high) ||
        !find_number(scaling, "original_max_position_embeddings", &original) || high <= low ||
        c->rope_dim > AE_MAX_HEAD_DIM)
        return ae_fail(err, AEON_BAD_FORMAT,
                       "%s/config.json: rope_scaling of type llama3 needs "
                       "factor, low_freq_factor < high_freq_factor and "
                       "original_max_position_embeddings",
                       r->h->path);
    for (uint32_t i = 0; i < c->rope_dim / 2; i++) {
        double wavelength =
            2 * 3.14159265358979323846 * pow((double)c->rope_theta, 2.0 * i / c->rope_dim);
        double blend = (original / wavelength - low) / (high - low);
        blend = blend < 0 ? 0 : blend > 1 ? 1 : blend;
        c->rope_factors[AE_ROPE_SET_SHORT][i] = (float)(1 / ((1 - blend) / factor + blend));
    }
    c->has_rope_factors[AE_ROPE_SET_SHORT] = true;
    return AEON_OK;
}

static aeon_status read_rope(ae_config *c, const reader *r, aeon_error *err)
{
    /* Newer files move theta and the partial factor into "rope_parameters". */
    const json_t *scaling = json_object_get(r->config, "rope_scaling");
    const json_t *parameters = json_object_get(r->config, "rope_parameters");
    if (!json_is_object(scaling)) scaling = parameters;

    double theta = 10000, partial = 1;
    if (!find_number(r->config, "rope_theta", &theta))
        find_number(parameters, "rope_theta", &theta);
    if (!find_number(r->config, "partial_rotary_factor", &partial))
        find_number(parameters, "partial_rotary_factor", &partial);
    c->rope_layout = AE_ROPE_HALVES;
    c->rope_theta = (float)theta;
    c->rope_dim = partial > 0 && partial <= 1 ? (uint32_t)(c->head_dim * partial) : 0;
    c->rope_magnitude = 1.0f;

    const char *kind = json_string_value(json_object_get(scaling, "rope_type"));
    if (!kind) kind = json_string_value(json_object_get(scaling, "type"));
    if (!kind || strcmp(kind, "default") == 0) return AEON_OK;
    if (strcmp(kind, "longrope") == 0 || strcmp(kind, "su") == 0)
        return read_longrope(c, scaling, r, err);
    if (strcmp(kind, "llama3") == 0) return read_llama3(c, scaling, r, err);
    double factor;
    if (strcmp(kind, "linear") == 0 && find_number(scaling, "factor", &factor) &&
        c->rope_dim <= AE_MAX_HEAD_DIM) {
        for (uint32_t i = 0; i < c->rope_dim / 2; i++)
            c->rope_factors[AE_ROPE_SET_SHORT][i] = (float)factor;
        c->has_rope_factors[AE_ROPE_SET_SHORT] = true;
        return AEON_OK;
    }
    return ae_fail(err, AEON_UNSUPPORTED, "%s/config.json: rope scaling \"%.32s\" is not supported",
                   r->h->path, kind);
}

aeon_status ae_config_from_hf(ae_config *out, const ae_hf *h, aeon_error *err)
{
    ae_config c = {0};
    reader r = {h, h->config};
    TRY(read_architecture(&c, &r, err));
    TRY(read_sizes(&c, &r, err));
    TRY(read_rope(&c, &r, err));
    char where[256];
    snprintf(where, sizeof where, "%.230s/config.json", h->path);
    TRY(ae_config_check(&c, where, err));

    const char *name = json_string_value(json_object_get(h->config, "_name_or_path"));
    snprintf(c.name, sizeof c.name, "%.95s", name && *name ? name : h->path);
    *out = c;
    return AEON_OK;
}
