#include "kernels/matmul.h"

#include "kernels/panel.h"

static size_t row_bytes_of(const ae_matrix *w)
{
    return (size_t)ae_dtype_row_bytes(w->type, w->n_cols);
}

ae_act_kind ae_matmul_act(const ae_kernels *k, const ae_matrix *w)
{
    return w->n_lanes ? k->panel[w->type->type].act : ae_kernels_act(k, w->type->type);
}

size_t ae_matmul_scratch(const ae_kernels *k, const ae_matrix *w)
{
    return w->n_lanes || k->dot[w->type->type] ? 0 : w->n_cols;
}

/* Weights that are on their way from memory. */
enum { AHEAD_BYTES = 4096 };

/* A tile of activations stays in the caches while a strip of weights passes by. */
static void multiply_panels(const ae_kernels *k, const ae_matrix *w, ae_range rows,
                            const ae_acts *x, float *y, size_t y_stride)
{
    size_t row_bytes = row_bytes_of(w);
    AEON_ASSERT(rows.begin % w->n_lanes == 0 && w->n_lanes == k->n_lanes);
    ae_panel p = {.y_stride = y_stride, .w_lanes = w->n_lanes, .n_cols = w->n_cols};
    for (size_t i = 0; i < x->n_rows; i += AE_PANEL_TILE) {
        ae_act_tile tile = ae_acts_tile(x, i);
        p.x = tile.data;
        p.x_block_bytes = tile.block_bytes;
        for (size_t r = rows.begin; r < rows.end; r += w->n_lanes) {
            p.n_rows = rows.end - r < w->n_lanes ? rows.end - r : w->n_lanes;
            p.w = (const char *)w->data + r * row_bytes;
            p.ahead = p.w + AHEAD_BYTES;
            p.y = y + i * y_stride + (r - rows.begin);
            k->panel[w->type->type].multiply(p, tile.n_rows);
        }
    }
}

static void multiply_rows(const ae_kernels *k, const ae_matrix *w, ae_range rows, const ae_acts *x,
                          float *y, size_t y_stride, float *scratch)
{
    enum { AT_ONCE = 4 };
    size_t row_bytes = row_bytes_of(w), x_row_bytes = ae_act_row_bytes(x->kind, w->n_cols);
    ae_dot_fn *dot = k->dot[w->type->type];
    for (size_t i = 0; i < x->n_rows; i += AT_ONCE) {
        size_t n = x->n_rows - i < AT_ONCE ? x->n_rows - i : AT_ONCE;
        const char *x_i = (const char *)x->data + i * x_row_bytes;
        for (size_t r = rows.begin; r < rows.end; r++) {
            const void *row = (const char *)w->data + r * row_bytes;
            float *out = y + i * y_stride + (r - rows.begin);
            if (dot) {
                dot(out, y_stride, row, x_i, x_row_bytes, n, w->n_cols);
                continue;
            }
            w->type->to_f32(row, scratch, w->n_cols);
            k->dot[AEON_TYPE_F32](out, y_stride, scratch, x_i, x_row_bytes, n, w->n_cols);
        }
    }
}

void ae_matmul(const ae_kernels *k, const ae_matrix *w, ae_range rows, const ae_acts *x, float *y,
               size_t y_stride, float *scratch)
{
    AEON_ASSERT(x->kind == ae_matmul_act(k, w) && x->n_cols == w->n_cols);
    if (w->n_lanes)
        multiply_panels(k, w, rows, x, y, y_stride);
    else
        multiply_rows(k, w, rows, x, y, y_stride, scratch);
}

void ae_matrix_row(const ae_matrix *w, size_t r, float *row, float *scratch)
{
    size_t row_bytes = row_bytes_of(w);
    const char *at = (const char *)w->data + r * row_bytes;
    if (w->n_lanes) {
        size_t lane = r % w->n_lanes;
        ae_panel_row(scratch, w->type->type, w->n_lanes, at - lane * row_bytes, lane, w->n_cols);
        at = (const char *)scratch;
    }
    w->type->to_f32(at, row, w->n_cols);
}
