#include "model/shift.h"

#include "model/rope.h"

#include <string.h>

typedef struct {
    ae_kv *kv;
    const ae_config *c;
    const float *turn; /* [rope_dim] */
    size_t begin, end, n;
} job;

static void shift_head(const job *j, size_t layer, size_t head)
{
    const ae_dtype *type = ae_dtype_get(ae_kv_arena_type(j->kv->arena));
    size_t row_bytes = ae_kv_row_bytes(j->kv->arena);
    float key[AE_MAX_HEAD_DIM];
    for (size_t from = j->end, to = j->begin; from < j->n; from++, to++) {
        ae_kv_rows source = ae_kv_rows_at(j->kv, layer, head, from);
        ae_kv_rows target = ae_kv_rows_at(j->kv, layer, head, to);
        type->to_f32(source.keys, key, j->c->head_dim);
        ae_rope_rotate(j->c, j->turn, key, 1);
        type->from_f32(key, target.keys, j->c->head_dim);
        memcpy(target.values, source.values, row_bytes);
    }
}

static void shift_member(void *arg, ae_member m)
{
    const job *j = arg;
    size_t n_heads = j->c->n_kv_heads;
    for (size_t u = (size_t)m.index; u < j->c->n_layers * n_heads; u += (size_t)m.n)
        shift_head(j, u / n_heads, u % n_heads);
}

void ae_kv_shift(ae_kv *kv, const ae_config *c, ae_rope_set set, size_t begin, size_t end, size_t n,
                 ae_pool *pool)
{
    float turn[AE_MAX_HEAD_DIM];
    AEON_ASSERT(begin < end && end <= n);
    ae_rope_turn_back(c, set, end - begin, turn);
    ae_pool_run(pool, shift_member, &(job){kv, c, turn, begin, end, n});
    ae_kv_shorten(kv, n - (end - begin));
}
