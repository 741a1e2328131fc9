#include "kernels/matmul.h"

#include "kernels/panel.h"

static size_t row_bytes_of(const ae_matrix *w)
{
    return (size_t)ae_dtype_row_bytes(w->type, w->n_cols);
}

ae_act_kind ae_matmul_act(const ae_kernels *k, const ae_matrix *w)
{
    return w->n_lanes ? k->panel[w->type->type].act : AE_ACT_F32;
}

/* Columns that are expanded at a time: whole blocks of every type. */
enum { EXPANDED = 256 };

size_t ae_matmul_scratch(void)
{
    return 2 * AE_PANEL_MAX_LANES * (size_t)EXPANDED;
}

/* Weights that are on their way from memory: a core takes 40 bytes a nanosecond, and they take up
 * to 200 to come. */
enum { AHEAD_BYTES = 8192 };

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

/* Columns begin .. begin+n_cols-1 of n rows from the first as a panel of f32 at scratch. */
static void expand(const ae_kernels *k, const ae_matrix *w, size_t first, size_t n, size_t begin,
                   size_t n_cols, float *scratch)
{
    float *rows = scratch + k->n_lanes * EXPANDED;
    size_t skipped_bytes = (size_t)ae_dtype_row_bytes(w->type, begin);
    for (size_t r = 0; r < n; r++) {
        const char *row = (const char *)w->data + (first + r) * row_bytes_of(w);
        w->type->to_f32(row + skipped_bytes, rows + r * n_cols, n_cols);
    }
    ae_panel_pack(scratch, AEON_TYPE_F32, k->n_lanes, rows, n, n_cols);
}

/* Columns piece by piece, the later ones on top of the earlier. */
static void multiply_rows(const ae_kernels *k, const ae_matrix *w, ae_range rows, const ae_acts *x,
                          float *y, size_t y_stride, float *scratch)
{
    ae_panel p = {.y_stride = y_stride,
                  .w = (char *)scratch,
                  .w_lanes = k->n_lanes,
                  .ahead = (char *)scratch};
    for (size_t r = rows.begin; r < rows.end; r += p.n_rows) {
        p.n_rows = rows.end - r < k->n_lanes ? rows.end - r : k->n_lanes;
        for (size_t c = 0; c < w->n_cols; c += p.n_cols) {
            p.n_cols = w->n_cols - c < EXPANDED ? w->n_cols - c : EXPANDED;
            p.adds = c > 0;
            expand(k, w, r, p.n_rows, c, p.n_cols, scratch);
            for (size_t i = 0; i < x->n_rows; i += AE_PANEL_TILE) {
                ae_act_tile tile = ae_acts_tile(x, i);
                p.x = tile.data + c * tile.block_bytes;
                p.x_block_bytes = tile.block_bytes;
                p.y = y + i * y_stride + (r - rows.begin);
                k->panel[AEON_TYPE_F32].multiply(p, tile.n_rows);
            }
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
