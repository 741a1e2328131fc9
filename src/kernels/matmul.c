#include "kernels/matmul.h"

/* A tile of activations, as many as a dot product takes at once, stays in the first-level cache
 * while a block of weight rows, which the second level holds, passes by. */
enum { TILE_X = 4, ROW_ALIGN = 16 };

size_t ae_matmul_scratch(const ae_kernels *k, const ae_matrix *w)
{
    return k->dot[w->type->type] ? 0 : w->n_cols;
}

void ae_matmul(const ae_kernels *k, const ae_matrix *w, const void *x, size_t n_x, float *y,
               size_t y_stride, float *scratch, ae_member member)
{
    size_t row_bytes = (size_t)ae_dtype_row_bytes(w->type, w->n_cols);
    size_t x_row_bytes = ae_act_row_bytes(ae_kernels_act(k, w->type->type), w->n_cols);
    ae_dot_fn *dot = k->dot[w->type->type];
    ae_range rows = ae_split(w->n_rows, ROW_ALIGN, member);
    for (size_t block = rows.begin; block < rows.end; block += ROW_ALIGN) {
        size_t block_end = block + ROW_ALIGN < rows.end ? block + ROW_ALIGN : rows.end;
        for (size_t i = 0; i < n_x; i += TILE_X) {
            size_t n_tile = n_x - i < TILE_X ? n_x - i : TILE_X;
            const char *x_tile = (const char *)x + i * x_row_bytes;
            for (size_t r = block; r < block_end; r++) {
                const void *row = (const char *)w->data + r * row_bytes;
                float *out = y + i * y_stride + r;
                if (dot) {
                    dot(out, y_stride, row, x_tile, x_row_bytes, n_tile, w->n_cols);
                    continue;
                }
                w->type->to_f32(row, scratch, w->n_cols);
                k->dot[AEON_TYPE_F32](out, y_stride, scratch, x_tile, x_row_bytes, n_tile,
                                      w->n_cols);
            }
        }
    }
}
