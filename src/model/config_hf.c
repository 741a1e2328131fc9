/* config_hf.c - a configuration from the config.json of a Hugging Face folder. */
#include "base/file.h"
#include "format/names.h"
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
    const json_t *config;
    char where[256]; /* the file, for error texts */
} reader;

/* Present, and not null. */
static bool has(const json_t *object, const char *key)
{
    const json_t *v = json_object_get(object, key);
    return v && !json_is_null(v);
}

/* *out stays as it is if the key is absent. */
static aeon_status read_number(const reader *r, const json_t *object, const char *key, double *out,
                               aeon_error *err)
{
    if (!has(object, key)) return AEON_OK;
    const json_t *v = json_object_get(object, key);
    if (!json_is_number(v))
        return ae_fail(err, AEON_BAD_FORMAT, "%s: \"%s\" is not a number", r->where, key);
    *out = json_number_value(v);
    return AEON_OK;
}

static aeon_status read_u32(const reader *r, const json_t *object, const char *key, uint32_t *out,
                            aeon_error *err)
{
    double v = *out;
    TRY(read_number(r, object, key, &v, err));
    if (!(v >= 0 && v <= UINT32_MAX && v == floor(v)))
        return ae_fail(err, AEON_BAD_FORMAT, "%s: \"%s\" is %g, not a whole number of 32 bits",
                       r->where, key, v);
    *out = (uint32_t)v;
    return AEON_OK;
}

static aeon_status read_float(const reader *r, const json_t *object, const char *key, float *out,
                              aeon_error *err)
{
    double v = (double)*out;
    TRY(read_number(r, object, key, &v, err));
    *out = (float)v;
    return AEON_OK;
}

static aeon_status require(const reader *r, const json_t *object, const char *key, aeon_error *err)
{
    if (has(object, key)) return AEON_OK;
    return ae_fail(err, AEON_BAD_FORMAT, "%s: \"%s\" is missing", r->where, key);
}

static aeon_status get_u32(const reader *r, const char *key, uint32_t *out, aeon_error *err)
{
    TRY(require(r, r->config, key, err));
    return read_u32(r, r->config, key, out, err);
}

/* *out is NULL if the key is absent. */
static aeon_status read_object(const reader *r, const char *key, const json_t **out,
                               aeon_error *err)
{
    *out = has(r->config, key) ? json_object_get(r->config, key) : NULL;
    if (!*out || json_is_object(*out)) return AEON_OK;
    return ae_fail(err, AEON_BAD_FORMAT, "%s: \"%s\" is not an object", r->where, key);
}

static aeon_status read_architecture(ae_config *c, const reader *r, aeon_error *err)
{
    const json_t *list = json_object_get(r->config, "architectures");
    const char *name = json_string_value(json_array_get(list, 0));
    if (!name)
        return ae_fail(err, AEON_BAD_FORMAT,
                       "%s: \"architectures\" is missing or not a list of "
                       "names",
                       r->where);
    for (size_t i = 0; i < AE_COUNT(classes); i++) {
        if (strcmp(name, classes[i].class_name) != 0) continue;
        snprintf(c->architecture, sizeof c->architecture, "%s", classes[i].architecture);
        return AEON_OK;
    }
    return ae_fail(err, AEON_UNSUPPORTED,
                   "%s: architecture \"%s\" is not supported; Phi3, Llama, Mistral, Qwen2 and "
                   "Qwen3 (ForCausalLM) are",
                   r->where, ae_show(name, strlen(name)).text);
}

/* How many layers have the sliding window, if the file does not mean all of them. */
static aeon_status count_windowed(uint32_t *n, const ae_config *c, const reader *r, aeon_error *err)
{
    const json_t *types = json_object_get(r->config, "layer_types");
    if (!json_is_array(types)) { /* only Qwen knows layers without it: the first ones */
        uint32_t n_full = 0;
        TRY(read_u32(r, r->config, "max_window_layers", &n_full, err));
        *n = n_full < c->n_layers ? c->n_layers - n_full : 0;
        return AEON_OK;
    }
    uint32_t n_full = 0;
    *n = 0;
    for (size_t i = 0; i < json_array_size(types); i++) {
        const char *type = json_string_value(json_array_get(types, i));
        *n += type && strcmp(type, "sliding_attention") == 0;
        n_full += type && strcmp(type, "full_attention") == 0;
    }
    if (*n + n_full == c->n_layers && json_array_size(types) == c->n_layers) return AEON_OK;
    return ae_fail(err, AEON_UNSUPPORTED,
                   "%s: \"layer_types\" must name full_attention or sliding_attention for each of "
                   "%u layers",
                   r->where, c->n_layers);
}

static aeon_status read_window(ae_config *c, const reader *r, aeon_error *err)
{
    /* Absent, the switch is on for Mistral and Phi-3, which do not have it, and off for Qwen. */
    const json_t *use = json_object_get(r->config, "use_sliding_window");
    bool is_qwen = strncmp(c->architecture, "qwen", 4) == 0;
    uint32_t n_windowed = 0;
    TRY(count_windowed(&n_windowed, c, r, err));
    TRY(read_u32(r, r->config, "sliding_window", &c->n_window, err));
    if (n_windowed == 0 || (is_qwen ? !json_is_true(use) : json_is_false(use))) c->n_window = 0;
    if (c->n_window == 0 || n_windowed == c->n_layers) return AEON_OK;
    return ae_fail(err, AEON_UNSUPPORTED,
                   "%s: a sliding window on %u of %u layers is not supported", r->where, n_windowed,
                   c->n_layers);
}

static aeon_status read_sizes(ae_config *c, const reader *r, aeon_error *err)
{
    TRY(get_u32(r, "num_hidden_layers", &c->n_layers, err));
    TRY(get_u32(r, "hidden_size", &c->n_embd, err));
    TRY(get_u32(r, "intermediate_size", &c->n_ff, err));
    TRY(get_u32(r, "num_attention_heads", &c->n_heads, err));
    TRY(get_u32(r, "max_position_embeddings", &c->n_ctx_max, err));
    c->n_kv_heads = c->n_heads;
    c->head_dim = c->n_heads ? c->n_embd / c->n_heads : 0;
    TRY(read_u32(r, r->config, "num_key_value_heads", &c->n_kv_heads, err));
    TRY(read_u32(r, r->config, "head_dim", &c->head_dim, err));
    TRY(require(r, r->config, "rms_norm_eps", err));
    TRY(read_float(r, r->config, "rms_norm_eps", &c->norm_eps, err));
    TRY(read_window(c, r, err));
    const char *activation = json_string_value(json_object_get(r->config, "hidden_act"));
    if (has(r->config, "hidden_act") && (!activation || strcmp(activation, "silu") != 0))
        return ae_fail(err, AEON_UNSUPPORTED, "%s: \"hidden_act\" must be \"silu\"", r->where);
    return AEON_OK;
}

/* ---- rotary embedding ------------------------------------------------------------------------ */

static aeon_status read_factor_list(ae_config *c, ae_rope_set set, const json_t *scaling,
                                    const char *key, const reader *r, aeon_error *err)
{
    const json_t *list = json_object_get(scaling, key);
    uint32_t n = c->rope_dim / 2;
    bool fits = json_is_array(list) && json_array_size(list) == n && n <= AE_MAX_HEAD_DIM / 2;
    for (uint32_t i = 0; fits && i < n; i++) {
        const json_t *v = json_array_get(list, i);
        fits = json_is_number(v);
        c->rope_factors[set][i] = (float)json_number_value(v);
    }
    if (!fits)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: \"%s\" must hold %u numbers", r->where, key, n);
    c->has_rope_factors[set] = true;
    return AEON_OK;
}

static aeon_status read_longrope(ae_config *c, const json_t *scaling, const reader *r,
                                 aeon_error *err)
{
    static const char original[] = "original_max_position_embeddings";
    const json_t *holder = has(r->config, original) ? r->config : scaling;
    TRY(read_factor_list(c, AE_ROPE_SET_SHORT, scaling, "short_factor", r, err));
    TRY(read_factor_list(c, AE_ROPE_SET_LONG, scaling, "long_factor", r, err));
    TRY(require(r, holder, original, err));
    TRY(read_u32(r, holder, original, &c->n_ctx_original, err));
    c->rope_magnitude = ae_longrope_magnitude(c->n_ctx_max, c->n_ctx_original);
    return read_float(r, scaling, "attention_factor", &c->rope_magnitude, err);
}

/* Llama 3.1: long wavelengths are stretched by factor, short ones kept, between them a blend. */
static aeon_status read_llama3(ae_config *c, const json_t *scaling, const reader *r,
                               aeon_error *err)
{
    static const char *const keys[] = {"factor", "low_freq_factor", "high_freq_factor",
                                       "original_max_position_embeddings"};
    double values[AE_COUNT(keys)] = {0};
    for (size_t i = 0; i < AE_COUNT(keys); i++) {
        TRY(require(r, scaling, keys[i], err));
        TRY(read_number(r, scaling, keys[i], &values[i], err));
        if (!(values[i] > 0))
            return ae_fail(err, AEON_BAD_FORMAT, "%s: \"%s\" is %g", r->where, keys[i], values[i]);
    }
    double factor = values[0], low = values[1], high = values[2], original = values[3];
    if (high <= low)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: \"%s\" must be above \"%s\"", r->where, keys[2],
                       keys[1]);
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

static aeon_status read_linear(ae_config *c, const json_t *scaling, const reader *r,
                               aeon_error *err)
{
    float factor = 1;
    TRY(require(r, scaling, "factor", err));
    TRY(read_float(r, scaling, "factor", &factor, err));
    for (uint32_t i = 0; i < c->rope_dim / 2; i++) c->rope_factors[AE_ROPE_SET_SHORT][i] = factor;
    c->has_rope_factors[AE_ROPE_SET_SHORT] = true;
    return AEON_OK;
}

static aeon_status read_scaling(ae_config *c, const json_t *scaling, const reader *r,
                                aeon_error *err)
{
    const char *key = has(scaling, "rope_type") ? "rope_type" : "type";
    const char *kind = json_string_value(json_object_get(scaling, key));
    if (!kind)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: the type of rope scaling is missing or no text",
                       r->where);
    if (c->rope_dim > AE_MAX_HEAD_DIM || strcmp(kind, "default") == 0) return AEON_OK;
    if (strcmp(kind, "longrope") == 0 || strcmp(kind, "su") == 0)
        return read_longrope(c, scaling, r, err);
    if (strcmp(kind, "llama3") == 0) return read_llama3(c, scaling, r, err);
    if (strcmp(kind, "linear") == 0) return read_linear(c, scaling, r, err);
    return ae_fail(err, AEON_UNSUPPORTED, "%s: rope scaling \"%s\" is not supported", r->where,
                   ae_show(kind, strlen(kind)).text);
}

static aeon_status read_rope(ae_config *c, const reader *r, aeon_error *err)
{
    /* Newer files hold all of it in "rope_parameters", and may leave the type out there. */
    const json_t *scaling, *parameters;
    TRY(read_object(r, "rope_scaling", &scaling, err));
    TRY(read_object(r, "rope_parameters", &parameters, err));
    if (!scaling && has(parameters, "rope_type")) scaling = parameters;

    double partial = 1;
    c->rope_theta = 10000;
    TRY(read_float(r, parameters, "rope_theta", &c->rope_theta, err));
    TRY(read_float(r, r->config, "rope_theta", &c->rope_theta, err));
    TRY(read_number(r, parameters, "partial_rotary_factor", &partial, err));
    TRY(read_number(r, r->config, "partial_rotary_factor", &partial, err));
    if (!(partial > 0 && partial <= 1))
        return ae_fail(err, AEON_BAD_FORMAT,
                       "%s: \"partial_rotary_factor\" is %g; it must be above 0 and at most 1",
                       r->where, partial);
    c->rope_layout = AE_ROPE_HALVES;
    c->rope_dim = (uint32_t)(c->head_dim * partial);
    c->rope_magnitude = 1;
    return scaling ? read_scaling(c, scaling, r, err) : AEON_OK;
}

aeon_status ae_config_from_hf(ae_config *out, const ae_hf *h, aeon_error *err)
{
    ae_config c = {0};
    reader r = {.config = h->config};
    snprintf(r.where, sizeof r.where, "%.230s/config.json", h->path);
    TRY(read_architecture(&c, &r, err));
    TRY(read_sizes(&c, &r, err));
    TRY(read_rope(&c, &r, err));
    TRY(ae_config_check(&c, r.where, err));

    const char *name = json_string_value(json_object_get(h->config, "_name_or_path"));
    if (!name || !*name) name = ae_path_base(h->path);
    snprintf(c.name, sizeof c.name, "%.95s", *name ? name : h->path);
    *out = c;
    return AEON_OK;
}
