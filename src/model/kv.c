#include "model/kv.h"

#include "base/cursor.h"
#include "base/mem.h"

struct ae_kv {
    aeon_type type;
    size_t n_ctx, n_heads, head_dim;
    size_t row_bytes;  /* head_dim values */
    size_t head_bytes; /* n_ctx rows */
    char *keys, *values;
};

uint64_t ae_kv_bytes_per_token(const ae_config *c, aeon_type type)
{
    uint64_t row_bytes = ae_dtype_row_bytes(ae_dtype_get(type), c->head_dim);
    return 2 * row_bytes * c->n_kv_heads * c->n_layers;
}

aeon_status ae_kv_new(ae_kv **out, const ae_config *c, aeon_type type, size_t n_ctx,
                      aeon_error *err)
{
    uint64_t size;
    if (!ae_mul_u64(ae_kv_bytes_per_token(c, type), n_ctx, &size) || size > SIZE_MAX / 2)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "a context of %zu tokens is too long", n_ctx);
    ae_kv *kv = ae_mem_alloc(AE_MEM_KV, sizeof *kv);
    if (!kv) return ae_fail_memory(err, sizeof *kv, "keys and values");
    *kv = (ae_kv){.type = type, .n_ctx = n_ctx, .n_heads = c->n_kv_heads, .head_dim = c->head_dim};
    kv->row_bytes = (size_t)ae_dtype_row_bytes(ae_dtype_get(type), c->head_dim);
    kv->head_bytes = kv->row_bytes * n_ctx;
    kv->keys = ae_mem_alloc(AE_MEM_KV, (size_t)size / 2);
    kv->values = ae_mem_alloc(AE_MEM_KV, (size_t)size / 2);
    if (!kv->keys || !kv->values) {
        ae_kv_free(kv);
        return ae_fail_memory(err, (size_t)size, "keys and values (choose a smaller --ctx)");
    }
    *out = kv;
    return AEON_OK;
}

void ae_kv_free(ae_kv *kv)
{
    if (!kv) return;
    ae_mem_free(kv->keys);
    ae_mem_free(kv->values);
    ae_mem_free(kv);
}

aeon_type ae_kv_type(const ae_kv *kv)
{
    return kv->type;
}

static size_t row_offset(const ae_kv *kv, size_t layer, size_t head, size_t pos)
{
    AEON_ASSERT(pos < kv->n_ctx && head < kv->n_heads);
    return (layer * kv->n_heads + head) * kv->head_bytes + pos * kv->row_bytes;
}

void ae_kv_put(ae_kv *kv, const ae_kernels *kernels, size_t layer, size_t pos, const float *k,
               const float *v)
{
    const ae_dtype *type = ae_dtype_get(kv->type);
    void (*convert)(const float *, void *, size_t) = kv->type == AEON_TYPE_F16 ? kernels->f32_to_f16
                                                     : kv->type == AEON_TYPE_BF16
                                                         ? kernels->f32_to_bf16
                                                         : type->from_f32;
    for (size_t h = 0; h < kv->n_heads; h++) {
        size_t at = row_offset(kv, layer, h, pos);
        convert(k + h * kv->head_dim, kv->keys + at, kv->head_dim);
        convert(v + h * kv->head_dim, kv->values + at, kv->head_dim);
    }
}

ae_kv_run ae_kv_run_at(const ae_kv *kv, size_t layer, size_t head, size_t pos, size_t n_wanted)
{
    size_t at = row_offset(kv, layer, head, pos);
    size_t n = kv->n_ctx - pos;
    return (ae_kv_run){kv->keys + at, kv->values + at, n < n_wanted ? n : n_wanted, kv->row_bytes};
}
