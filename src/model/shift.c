#include "model/shift.h"

#include "model/rope.h"

typedef struct {
    ae_kv *kv;
    const ae_config *c;
    const float *turn; /* [rope_dim] */
    size_t begin, end, n;
} job;

/* What was rounded to the type of the cache once is rounded to the same bits again. */
static void shift_head(const job *j, size_t layer, size_t head)
{
    const ae_kernels *k = ae_kernels_get();
    float row[AE_MAX_HEAD_DIM];
    for (size_t from = j->end, to = j->begin; from < j->n; from++, to++) {
        ae_kv_get_key(j->kv, layer, head, from, row);
        ae_rope_rotate(j->c, j->turn, row, 1);
        ae_kv_put_key(j->kv, k, layer, head, to, row);
        ae_kv_get_value(j->kv, layer, head, from, row);
        ae_kv_put_value(j->kv, k, layer, head, to, row);
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
