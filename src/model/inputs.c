#include "model/inputs.h"

#include "base/mem.h"
#include "kernels/panel.h"

aeon_status ae_input_sums_init(ae_input_sums *out, const ae_config *c, aeon_error *err)
{
    size_t n_q = (size_t)c->n_heads * c->head_dim, n = 0;
    ae_input_sums s = {.n_layers = c->n_layers,
                       .n_cols = {[AE_INPUT_QKV] = c->n_embd,
                                  [AE_INPUT_ATTN_OUTPUT] = n_q,
                                  [AE_INPUT_GATE_UP] = c->n_embd,
                                  [AE_INPUT_FFN_DOWN] = c->n_ff,
                                  [AE_INPUT_HEAD] = c->n_embd}};
    for (int i = 0; i < AE_INPUT_HEAD; i++) n += s.n_layers * s.n_cols[i];
    n += s.n_cols[AE_INPUT_HEAD];
    s.values = ae_mem_alloc_array(AE_MEM_SCRATCH, n, sizeof *s.values);
    if (!s.values) return ae_fail_memory(err, n * sizeof *s.values, "sums of activations");
    *out = s;
    return AEON_OK;
}

void ae_input_sums_release(ae_input_sums *s)
{
    ae_mem_free(s->values);
    *s = (ae_input_sums){0};
}

double *ae_input_sums_at(const ae_input_sums *s, ae_input input, size_t layer)
{
    double *at = s->values;
    for (int i = 0; i < (int)input; i++) at += s->n_layers * s->n_cols[i];
    return at + layer * s->n_cols[input];
}

void ae_input_sums_add(const ae_input_sums *s, ae_input input, size_t layer, const ae_acts *rows,
                       ae_range columns)
{
    double *sums = ae_input_sums_at(s, input, layer);
    AEON_ASSERT(rows->kind == AE_ACT_F32 && rows->n_cols == s->n_cols[input]);
    for (size_t first = 0; first < rows->n_rows; first += AE_PANEL_TILE) {
        ae_act_tile tile = ae_acts_tile(rows, first);
        const float *values = (const float *)(const void *)tile.data;
        for (size_t col = columns.begin; col < columns.end; col++)
            for (size_t t = 0; t < tile.n_rows; t++) {
                double x = (double)values[col * tile.n_rows + t];
                sums[col] += x * x;
            }
    }
}
