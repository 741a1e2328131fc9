/* weights_pack.c - from the rows of a file to panels, or to rows in one piece. */
#include "model/weights_pack.h"

#include "base/file.h"
#include "base/mem.h"
#include "kernels/panel.h"

#include <string.h>

/* Panels of a unit of work; what is packed of a file before its memory is given back. */
enum { UNIT_PANELS = 4, PIECE_BYTES = 32 << 20 };

/* ---- what becomes what ----------------------------------------------------------------------- */

static aeon_status visit_projection(ae_projection *p, ae_visit_fn *visit, void *user,
                                    aeon_error *err)
{
    for (int i = 0; i < p->n_parts; i++) TRY(visit(user, &p->parts[i], &p->sources[i], err));
    return AEON_OK;
}

aeon_status ae_weights_visit(ae_weights *w, ae_visit_fn *visit, void *user, aeon_error *err)
{
    for (size_t i = 0; i < w->n_layers; i++) {
        ae_layer *layer = &w->layers[i];
        ae_projection *const all[] = {&layer->qkv, &layer->attn_output, &layer->gate_up,
                                      &layer->ffn_down};
        for (size_t k = 0; k < AE_COUNT(all); k++) TRY(visit_projection(all[k], visit, user, err));
    }
    return visit_projection(&w->output, visit, user, err);
}

/* Rounding halves to bf16 costs less than activations lose that are rounded to it. */
const ae_dtype *ae_panel_type(const ae_kernels *k, const ae_matrix *w)
{
    bool has_bf16 = k->panel[AEON_TYPE_BF16].act == AE_ACT_BF16;
    bool is_half = w->type->type == AEON_TYPE_F16;
    aeon_type type = has_bf16 && is_half ? AEON_TYPE_BF16 : w->type->type;
    bool is_packable = k->n_lanes && k->panel[type].multiply && ae_panel_has(type, w->n_cols);
    return is_packable && !w->n_lanes ? ae_dtype_get(type) : NULL;
}

/* What becomes of w, its data aside. n_bytes: of all panels, the lanes beyond the last row
 * included, or of all rows that are put together, on whole lines of the cache; 0: w stays as it is.
 */
static ae_matrix find_form(const ae_kernels *k, const ae_matrix *w, const ae_row_source *source,
                           uint64_t *n_bytes)
{
    enum { LINE = 64 };
    const ae_dtype *type = ae_panel_type(k, w);
    ae_matrix to = *w;
    if (type) to.type = type, to.n_lanes = k->n_lanes;
    size_t step = type ? k->n_lanes : 1;
    uint64_t size = (w->n_rows + step - 1) / step * step * ae_dtype_row_bytes(to.type, w->n_cols);
    *n_bytes = type || source->tensor ? (size + LINE - 1) / LINE * LINE : 0;
    return to;
}

/* ---- one matrix ------------------------------------------------------------------------------ */

/* Rows first .. first+n-1 of w: where they stand, or put together at made. */
static const void *get_rows(const ae_matrix *w, const ae_row_source *source, size_t first, size_t n,
                            void *made)
{
    if (!source->tensor)
        return (const char *)w->data + first * ae_dtype_row_bytes(w->type, w->n_cols);
    ae_mlx_rows(source->tensor, source->first + first, n, made);
    return made;
}

static void forget_rows(const ae_matrix *w, const ae_row_source *source, size_t first, size_t n)
{
    size_t row_bytes = (size_t)ae_dtype_row_bytes(w->type, w->n_cols);
    if (source->tensor)
        ae_mlx_forget(source->tensor, source->first + first, n);
    else
        ae_map_forget((const char *)w->data + first * row_bytes, n * row_bytes);
}

typedef struct {
    ae_matrix to, from;
    ae_row_source source; /* of from */
    ae_range rows;        /* the piece that is packed, from a whole panel on */
    float *scratch;
} packing;

/* A panel, by way of f32 where the type changes; or a row that is only put together. */
static void pack_panel(const packing *p, size_t first, size_t n, ae_member m)
{
    const ae_matrix *from = &p->from, *to = &p->to;
    size_t n_lanes = to->n_lanes, n_cols = to->n_cols;
    char *at = (char *)to->data + first * ae_dtype_row_bytes(to->type, n_cols);
    float *values = p->scratch + (size_t)m.index * 2 * n_lanes * n_cols;
    float *made = values + n_lanes * n_cols;
    const void *rows = get_rows(from, &p->source, first, n, n_lanes ? (void *)made : at);
    if (from->type != to->type) {
        from->type->to_f32(rows, values, n * n_cols);
        to->type->from_f32(values, made, n * n_cols);
        rows = made;
    }
    if (n_lanes) ae_panel_pack(at, to->type->type, n_lanes, rows, n, n_cols);
}

/* Rows that are packed at once. */
static size_t rows_at_once(const ae_matrix *to)
{
    return to->n_lanes ? to->n_lanes : 1;
}

static void pack_member(void *arg, ae_member m)
{
    const packing *p = arg;
    size_t step = rows_at_once(&p->to), n_unit = UNIT_PANELS * step;
    size_t n_rows = p->rows.end - p->rows.begin;
    for (size_t u; ae_pool_take(m, (n_rows + n_unit - 1) / n_unit, &u);) {
        size_t begin = p->rows.begin + u * n_unit;
        size_t end = p->rows.end - begin < n_unit ? p->rows.end : begin + n_unit;
        for (size_t r = begin; r < end; r += step)
            pack_panel(p, r, end - r < step ? end - r : step, m);
    }
}

void ae_matrix_pack(const ae_matrix *to, const ae_matrix *from, ae_pool *pool, float *scratch)
{
    packing p = {.to = *to, .from = *from, .rows = {0, from->n_rows}, .scratch = scratch};
    ae_pool_run(pool, pack_member, &p);
}

/* ---- all ------------------------------------------------------------------------------------- */

typedef struct {
    const ae_kernels *kernels;
    ae_pool *pool;
    aeon_progress_fn progress;
    void *user;
    uint64_t n_bytes;      /* of all that is made */
    size_t n_scratch_cols; /* the longest row that is not packed from the file as it stands there */
    uint64_t n_done;
    char *panels;
    float *scratch;
} packer;

static aeon_status add_size(void *user, ae_matrix *w, ae_row_source *from, aeon_error *err)
{
    packer *p = user;
    uint64_t size;
    ae_matrix to = find_form(p->kernels, w, from, &size);
    (void)err;
    p->n_bytes += size;
    if ((to.type != w->type || from->tensor) && w->n_cols > p->n_scratch_cols)
        p->n_scratch_cols = w->n_cols;
    return AEON_OK;
}

/* Piece by piece, so that little of the file is in memory beside the panels. */
static void pack_pieces(const packer *p, const ae_matrix *to, const ae_matrix *from,
                        const ae_row_source *source)
{
    packing piece = {.to = *to, .from = *from, .source = *source, .scratch = p->scratch};
    size_t step = rows_at_once(to),
           row_bytes = (size_t)ae_dtype_row_bytes(from->type, from->n_cols);
    size_t n_piece = (PIECE_BYTES / row_bytes / step + 1) * step;
    for (size_t first = 0; first < from->n_rows; first += n_piece) {
        size_t n = from->n_rows - first < n_piece ? from->n_rows - first : n_piece;
        piece.rows = (ae_range){first, first + n};
        ae_pool_run(p->pool, pack_member, &piece);
        forget_rows(from, source, first, n);
    }
}

static aeon_status pack_matrix(void *user, ae_matrix *w, ae_row_source *from, aeon_error *err)
{
    packer *p = user;
    uint64_t size;
    ae_matrix to = find_form(p->kernels, w, from, &size);
    if (!size) return AEON_OK;
    if (p->progress && !p->progress(p->user, "loading", (double)p->n_done / (double)p->n_bytes))
        return ae_fail(err, AEON_CANCELLED, "loading was cancelled");
    to.data = p->panels + p->n_done;
    pack_pieces(p, &to, w, from);
    *w = to;
    *from = (ae_row_source){0};
    p->n_done += size;
    return AEON_OK;
}

/* Is the embedding what the head is, too? */
static bool is_tied(const ae_weights *w)
{
    return w->embedding.data == w->output.parts[0].data &&
           w->embedding_source.tensor == w->output.sources[0].tensor;
}

/* Of an embedding of its own single rows are read: it stays in the file if it stands there. */
static aeon_status visit_all(ae_weights *w, ae_visit_fn *visit, packer *p, aeon_error *err)
{
    if (w->embedding_source.tensor && !is_tied(w))
        TRY(visit(p, &w->embedding, &w->embedding_source, err));
    return ae_weights_visit(w, visit, p, err);
}

/* w: a copy, whose layers are its own. */
static aeon_status pack(packer *p, ae_weights *w, aeon_error *err)
{
    size_t n_rows = 2 * p->kernels->n_lanes * (size_t)ae_pool_n_threads(p->pool);
    p->panels = w->panels = ae_mem_alloc(AE_MEM_WEIGHTS, (size_t)p->n_bytes);
    p->scratch = ae_mem_alloc_array(AE_MEM_SCRATCH, n_rows, p->n_scratch_cols * sizeof(float));
    if (!p->panels || !p->scratch) return ae_fail_memory(err, (size_t)p->n_bytes, "the weights");
    bool shares = is_tied(w);
    TRY(visit_all(w, pack_matrix, p, err));
    if (shares) {
        w->embedding = w->output.parts[0];
        w->embedding_source = w->output.sources[0];
    }
    if (p->progress) p->progress(p->user, "loading", 1.0);
    return AEON_OK;
}

aeon_status ae_weights_pack(ae_weights *w, const ae_kernels *k, ae_pool *pool,
                            aeon_progress_fn progress, void *user, aeon_error *err)
{
    packer p = {.kernels = k, .pool = pool, .progress = progress, .user = user};
    ae_weights packed = *w;
    TRY(visit_all(&packed, add_size, &p, err));
    if (!p.n_bytes) return AEON_OK;
    packed.layers = ae_mem_alloc_array(AE_MEM_WEIGHTS, w->n_layers, sizeof *w->layers);
    if (!packed.layers) return ae_fail_memory(err, w->n_layers * sizeof *w->layers, "the layers");
    memcpy(packed.layers, w->layers, w->n_layers * sizeof *w->layers);
    aeon_status status = pack(&p, &packed, err);
    ae_mem_free(p.scratch);
    ae_mem_free(status == AEON_OK ? w->layers : packed.layers);
    if (status != AEON_OK) {
        ae_mem_free(packed.panels);
        return status;
    }
    *w = packed;
    return AEON_OK;
}

uint64_t ae_weights_panel_bytes(const ae_weights *w, const ae_kernels *k)
{
    packer p = {.kernels = k};
    ae_weights view = *w; /* its layers are only looked at */
    aeon_status status = visit_all(&view, add_size, &p, NULL);
    AEON_ASSERT(status == AEON_OK);
    return p.n_bytes;
}
