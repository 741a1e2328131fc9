/* weights_pack.c - from the rows of a file to panels. */
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
    for (int i = 0; i < p->n_parts; i++) TRY(visit(user, &p->parts[i], err));
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

/* Of all panels, the lanes beyond the last row included, on whole lines of the cache. */
static uint64_t panel_bytes(const ae_kernels *k, const ae_matrix *w)
{
    enum { LINE = 64 };
    const ae_dtype *type = ae_panel_type(k, w);
    if (!type) return 0;
    uint64_t n_rows = (w->n_rows + k->n_lanes - 1) / k->n_lanes * k->n_lanes;
    uint64_t size = n_rows * ae_dtype_row_bytes(type, w->n_cols);
    return (size + LINE - 1) / LINE * LINE;
}

/* ---- one matrix ------------------------------------------------------------------------------ */

typedef struct {
    ae_matrix to, from;
    float *scratch;
} packing;

/* Panel i, by way of f32 where the type changes. */
static void pack_panel(const packing *p, size_t i, ae_member m)
{
    const ae_matrix *from = &p->from, *to = &p->to;
    size_t first = i * to->n_lanes, n_lanes = to->n_lanes, n_cols = to->n_cols;
    size_t n = from->n_rows - first < n_lanes ? from->n_rows - first : n_lanes;
    const char *rows = (const char *)from->data + first * ae_dtype_row_bytes(from->type, n_cols);
    char *panel = (char *)to->data + first * ae_dtype_row_bytes(to->type, n_cols);
    if (from->type != to->type) {
        float *values = p->scratch + (size_t)m.index * 2 * n_lanes * n_cols;
        float *changed = values + n_lanes * n_cols;
        from->type->to_f32(rows, values, n * n_cols);
        to->type->from_f32(values, changed, n * n_cols);
        rows = (const char *)changed;
    }
    ae_panel_pack(panel, to->type->type, n_lanes, rows, n, n_cols);
}

static void pack_member(void *arg, ae_member m)
{
    const packing *p = arg;
    size_t n_panels = (p->from.n_rows + p->to.n_lanes - 1) / p->to.n_lanes;
    for (size_t u; ae_pool_take(m, (n_panels + UNIT_PANELS - 1) / UNIT_PANELS, &u);)
        for (size_t i = u * UNIT_PANELS; i < n_panels && i < (u + 1) * UNIT_PANELS; i++)
            pack_panel(p, i, m);
}

void ae_matrix_pack(const ae_matrix *to, const ae_matrix *from, ae_pool *pool, float *scratch)
{
    packing p = {.to = *to, .from = *from, .scratch = scratch};
    ae_pool_run(pool, pack_member, &p);
}

/* ---- all ------------------------------------------------------------------------------------- */

typedef struct {
    const ae_kernels *kernels;
    ae_pool *pool;
    aeon_progress_fn progress;
    void *user;
    uint64_t n_bytes;      /* of all panels */
    size_t n_changed_cols; /* the longest row whose type changes */
    uint64_t n_done;
    char *panels;
    float *scratch;
} packer;

static aeon_status add_size(void *user, ae_matrix *w, aeon_error *err)
{
    packer *p = user;
    const ae_dtype *type = ae_panel_type(p->kernels, w);
    (void)err;
    p->n_bytes += panel_bytes(p->kernels, w);
    if (type && type != w->type && w->n_cols > p->n_changed_cols) p->n_changed_cols = w->n_cols;
    return AEON_OK;
}

/* Piece by piece, so that little of the file is in memory beside the panels. */
static void pack_pieces(const packer *p, const ae_matrix *to, const ae_matrix *from)
{
    size_t from_bytes = (size_t)ae_dtype_row_bytes(from->type, from->n_cols);
    size_t to_bytes = (size_t)ae_dtype_row_bytes(to->type, to->n_cols);
    size_t n_piece = (PIECE_BYTES / from_bytes / to->n_lanes + 1) * to->n_lanes;
    for (size_t first = 0; first < from->n_rows; first += n_piece) {
        ae_matrix rows = *from, panels = *to;
        rows.data = (const char *)from->data + first * from_bytes;
        panels.data = (const char *)to->data + first * to_bytes;
        rows.n_rows = from->n_rows - first < n_piece ? from->n_rows - first : n_piece;
        panels.n_rows = rows.n_rows;
        ae_matrix_pack(&panels, &rows, p->pool, p->scratch);
        ae_map_forget(rows.data, rows.n_rows * from_bytes);
    }
}

static aeon_status pack_matrix(void *user, ae_matrix *w, aeon_error *err)
{
    packer *p = user;
    uint64_t size = panel_bytes(p->kernels, w);
    if (!size) return AEON_OK;
    if (p->progress && !p->progress(p->user, "loading", (double)p->n_done / (double)p->n_bytes))
        return ae_fail(err, AEON_CANCELLED, "loading was cancelled");
    ae_matrix to = *w;
    to.type = ae_panel_type(p->kernels, w);
    to.data = p->panels + p->n_done;
    to.n_lanes = p->kernels->n_lanes;
    pack_pieces(p, &to, w);
    *w = to;
    p->n_done += size;
    return AEON_OK;
}

/* w: a copy, whose layers are its own. */
static aeon_status pack(packer *p, ae_weights *w, aeon_error *err)
{
    size_t n_rows = 2 * p->kernels->n_lanes * (size_t)ae_pool_n_threads(p->pool);
    p->panels = w->panels = ae_mem_alloc(AE_MEM_WEIGHTS, (size_t)p->n_bytes);
    p->scratch = ae_mem_alloc_array(AE_MEM_SCRATCH, n_rows, p->n_changed_cols * sizeof(float));
    if (!p->panels || !p->scratch) return ae_fail_memory(err, (size_t)p->n_bytes, "the weights");
    bool is_tied = w->embedding.data == w->output.parts[0].data;
    TRY(ae_weights_visit(w, pack_matrix, p, err));
    if (is_tied) w->embedding = w->output.parts[0];
    if (p->progress) p->progress(p->user, "loading", 1.0);
    return AEON_OK;
}

aeon_status ae_weights_pack(ae_weights *w, const ae_kernels *k, ae_pool *pool,
                            aeon_progress_fn progress, void *user, aeon_error *err)
{
    packer p = {.kernels = k, .pool = pool, .progress = progress, .user = user};
    ae_weights packed = *w;
    TRY(ae_weights_visit(&packed, add_size, &p, err));
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
    aeon_status status = ae_weights_visit(&view, add_size, &p, NULL);
    AEON_ASSERT(status == AEON_OK);
    return p.n_bytes;
}
