#include "kernels/activations.h"

#include <string.h>

/* A unit holds 1 << log2_values values in so many bytes. */
static const struct {
    unsigned log2_values;
    size_t bytes;
} units[AE_N_ACT_KINDS] = {
    [AE_ACT_F32] = {0, sizeof(float)},
    [AE_ACT_BF16] = {1, 2 * sizeof(uint16_t)},
    [AE_ACT_Q8] = {5, sizeof(ae_act_q8)},
};
_Static_assert(1 << 5 == AE_ACT_BLOCK, "values of a block");

size_t ae_act_row_bytes(ae_act_kind kind, size_t n_cols)
{
    return (n_cols >> units[kind].log2_values) * units[kind].bytes;
}

ae_act_tile ae_acts_tile(const ae_acts *a, size_t first)
{
    size_t n = a->n_rows - first < AE_PANEL_TILE ? a->n_rows - first : AE_PANEL_TILE;
    return (ae_act_tile){(const char *)a->data + first * ae_act_row_bytes(a->kind, a->n_cols), n,
                         n * units[a->kind].bytes};
}

static void put_pairs(const ae_kernels *k, char *to, size_t block_bytes, const float *x, size_t n)
{
    enum { N_AT_ONCE = 64, PAIR = 2 * sizeof(uint16_t) };
    uint16_t rounded[N_AT_ONCE];
    for (size_t done = 0, n_now; done < n; done += n_now) {
        n_now = n - done < N_AT_ONCE ? n - done : N_AT_ONCE;
        k->f32_to_bf16(x + done, rounded, n_now);
        for (size_t i = 0; i < n_now; i += 2, to += block_bytes) memcpy(to, rounded + i, PAIR);
    }
}

void ae_acts_put(const ae_kernels *k, const ae_acts *a, size_t row, size_t col, const float *x,
                 size_t n)
{
    size_t lane = row % AE_PANEL_TILE;
    ae_act_tile tile = ae_acts_tile(a, row - lane);
    char *to = (char *)tile.data + (col >> units[a->kind].log2_values) * tile.block_bytes +
               lane * units[a->kind].bytes;
    switch (a->kind) {
    case AE_ACT_F32:
        for (size_t i = 0; i < n; i++) memcpy(to + i * tile.block_bytes, x + i, sizeof *x);
        break;
    case AE_ACT_BF16: put_pairs(k, to, tile.block_bytes, x, n); break;
    default:
        for (size_t i = 0; i < n; i += AE_ACT_BLOCK, to += tile.block_bytes)
            k->quantize_act((ae_act_q8 *)(void *)to, x + i, AE_ACT_BLOCK);
    }
}
