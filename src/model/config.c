/* config.c - what both readers share: limits, defaults and the LongRoPE magnitude. */
#include "model/config.h"

#include "model/config_load.h"

#include <math.h>

float ae_longrope_magnitude(uint32_t n_ctx_max, uint32_t n_ctx_original)
{
    if (n_ctx_max <= n_ctx_original || n_ctx_original < 2) return 1.0f;
    double scale = (double)n_ctx_max / n_ctx_original;
    return (float)sqrt(1.0 + log(scale) / log((double)n_ctx_original));
}

static aeon_status check_sizes(const ae_config *c, const char *where, aeon_error *err)
{
    const struct {
        const char *name;
        uint32_t value, max;
    } sizes[] = {
        {"number of layers", c->n_layers, AE_MAX_LAYERS},
        {"hidden size", c->n_embd, 1 << 20},
        {"feed-forward size", c->n_ff, 1 << 22},
        {"number of attention heads", c->n_heads, 1 << 12},
        {"number of key/value heads", c->n_kv_heads, 1 << 12},
        {"head size", c->head_dim, AE_MAX_HEAD_DIM},
        {"rotary dimension", c->rope_dim, AE_MAX_HEAD_DIM},
        {"context length", c->n_ctx_max, 1 << 28},
        {"original context length", c->n_ctx_original, 1 << 28},
    };
    for (size_t i = 0; i < AE_COUNT(sizes); i++)
        if (sizes[i].value < 1 || sizes[i].value > sizes[i].max)
            return ae_fail(err, AEON_BAD_FORMAT, "%s: the %s is %u; it must be 1 to %u", where,
                           sizes[i].name, sizes[i].value, sizes[i].max);
    return AEON_OK;
}

aeon_status ae_config_check(ae_config *c, const char *where, aeon_error *err)
{
    if (!c->has_rope_factors[AE_ROPE_SET_LONG]) c->n_ctx_original = c->n_ctx_max;
    TRY(check_sizes(c, where, err));
    if (c->n_ctx_original > c->n_ctx_max) c->n_ctx_original = c->n_ctx_max;
    if (c->n_window >= c->n_ctx_max) c->n_window = 0;
    if (c->n_heads % c->n_kv_heads)
        return ae_fail(err, AEON_BAD_FORMAT,
                       "%s: %u attention heads cannot share %u key/value heads", where, c->n_heads,
                       c->n_kv_heads);
    if (c->rope_dim % 2 || c->rope_dim > c->head_dim)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: rotary dimension %u of a head of %u", where,
                       c->rope_dim, c->head_dim);
    if (!(c->norm_eps > 0 && c->norm_eps < 1) || !(c->rope_theta > 1 && c->rope_theta < 1e12f) ||
        !(c->rope_magnitude > 0 && c->rope_magnitude < 1e3f))
        return ae_fail(err, AEON_BAD_FORMAT, "%s: norm epsilon %g, rope base %g, rope magnitude %g",
                       where, c->norm_eps, c->rope_theta, c->rope_magnitude);
    for (int set = 0; set < AE_N_ROPE_SETS; set++)
        for (uint32_t i = 0; c->has_rope_factors[set] && i < c->rope_dim / 2; i++)
            if (!(c->rope_factors[set][i] > 0) || !isfinite(c->rope_factors[set][i]))
                return ae_fail(err, AEON_BAD_FORMAT, "%s: rope factor %u is %g", where, i,
                               c->rope_factors[set][i]);
    return AEON_OK;
}
