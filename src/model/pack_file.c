/* pack_file.c - a GGUF file becomes a packed one (weights_pack.h), some panels at a time. */
#include "aeon/file.h"
#include "base/file.h"
#include "base/mem.h"
#include "format/builtin.h"
#include "model/model.h"
#include "model/weights_pack.h"

#include <stdio.h>
#include <string.h>

/* Panels begin on lines of the cache. BLOCK_BYTES: about so much is made before it is written. */
enum { ALIGNMENT = 64, BLOCK_BYTES = 4 << 20, NAME_BYTES = 64 };

typedef struct {
    const ae_gguf *in;
    const ae_weights *weights;
    const ae_kernels *kernels;
    ae_pool *pool;
    ae_gguf_writer *out;
    char *block;    /* at least one panel of every tensor */
    float *scratch; /* as ae_matrix_pack takes it for every tensor */
    uint64_t n_done, n_bytes;
    aeon_progress_fn progress;
    void *user;
} packer;

/* ---- what is packed -------------------------------------------------------------------------- */

/* The parts of one tensor: what of it is multiplied. */
typedef struct {
    const packer *p;
    const ae_tensor *t;
    uint64_t n_rows;
    bool are_whole; /* panels of the tensor's rows */
    const ae_dtype *type;
} parts;

static aeon_status add_part(void *user, ae_matrix *w, ae_row_source *from, aeon_error *err)
{
    parts *all = user;
    uint64_t offset = (uintptr_t)w->data - (uintptr_t)all->t->data;
    const ae_dtype *type = ae_panel_type(all->p->kernels, w);
    (void)from, (void)err;
    if (offset >= all->t->size_bytes) return AEON_OK; /* of another tensor */
    if (!type || w->n_rows % all->p->kernels->n_lanes || w->type != all->t->type ||
        w->n_cols != ae_tensor_n_cols(all->t))
        all->are_whole = false;
    all->type = type;
    all->n_rows += w->n_rows;
    return AEON_OK;
}

/* The type of a tensor's panels; NULL if it stays as it is. */
static const ae_dtype *type_of_panels(const packer *p, const ae_tensor *t)
{
    if (!ae_has_suffix(t->name, AE_ROWS_SUFFIX)) return NULL;
    parts all = {.p = p, .t = t, .are_whole = true};
    ae_weights view = *p->weights; /* its layers are only looked at */
    aeon_status status = ae_weights_visit(&view, add_part, &all, NULL);
    AEON_ASSERT(status == AEON_OK);
    return all.are_whole && all.n_rows == ae_tensor_n_rows(t) ? all.type : NULL;
}

/* NAME.panels for NAME.weight. */
static void name_panels(char out[NAME_BYTES], const ae_tensor *t)
{
    int n = (int)(strlen(t->name) - strlen(AE_ROWS_SUFFIX));
    snprintf(out, NAME_BYTES, "%.*s" AE_PANELS_SUFFIX, n, t->name);
}

/* ---- the head of the file -------------------------------------------------------------------- */

static aeon_status put_values(const packer *p, aeon_error *err)
{
    TRY(ae_gguf_put_u32(p->out, "general.alignment", ALIGNMENT, err));
    TRY(ae_gguf_put_u32(p->out, AE_PANELS_KEY, (uint32_t)p->kernels->n_lanes, err));
    for (size_t i = 0; i < ae_gguf_n_values(p->in); i++) {
        const ae_gguf_value *v = ae_gguf_value_at(p->in, i);
        if (strcmp(v->key, "general.alignment") != 0) TRY(ae_gguf_put_value(p->out, v, err));
    }
    return AEON_OK;
}

static aeon_status declare_tensors(packer *p, aeon_error *err)
{
    size_t n_packed = 0;
    for (size_t i = 0; i < ae_gguf_n_tensors(p->in); i++) {
        const ae_tensor *t = ae_gguf_tensor_at(p->in, i);
        const ae_dtype *type = type_of_panels(p, t);
        char name[NAME_BYTES];
        if (type) name_panels(name, t);
        TRY(ae_gguf_add_tensor(p->out, type ? name : t->name, (type ? type : t->type)->type,
                               t->n_dims, t->dims, err));
        n_packed += type != NULL;
        p->n_bytes += t->size_bytes;
    }
    if (n_packed) return AEON_OK;
    return ae_fail(err, AEON_UNSUPPORTED,
                   "%s: the kernels of this machine (%s) have panels of %zu rows for none of its "
                   "matrices; use the file as it is",
                   ae_gguf_path(p->in), p->kernels->isa, p->kernels->n_lanes);
}

/* ---- data ------------------------------------------------------------------------------------ */

/* data: bytes of the source that are done with. */
static aeon_status report(packer *p, const void *data, size_t size, aeon_error *err)
{
    ae_map_forget(data, size);
    p->n_done += size;
    if (!p->progress || p->progress(p->user, "packing", (double)p->n_done / (double)p->n_bytes))
        return AEON_OK;
    return ae_fail(err, AEON_CANCELLED, "%s: packing was cancelled", ae_gguf_path(p->in));
}

static aeon_status write_rows(packer *p, const ae_tensor *t, aeon_error *err)
{
    const char *data = t->data;
    for (uint64_t left = t->size_bytes, n; left; left -= n, data += n) {
        n = left < BLOCK_BYTES ? left : BLOCK_BYTES;
        TRY(ae_gguf_put_data(p->out, data, (size_t)n, err));
        TRY(report(p, data, (size_t)n, err));
    }
    return AEON_OK;
}

static uint64_t panel_bytes(const packer *p, const ae_tensor *t, const ae_dtype *type)
{
    return p->kernels->n_lanes * ae_dtype_row_bytes(type, ae_tensor_n_cols(t));
}

static aeon_status write_panels(packer *p, const ae_tensor *t, const ae_dtype *type,
                                aeon_error *err)
{
    uint64_t n_panels = BLOCK_BYTES / panel_bytes(p, t, type);
    uint64_t n_left = ae_tensor_n_rows(t), n_rows = (n_panels ? n_panels : 1) * p->kernels->n_lanes;
    ae_matrix from = {.type = t->type, .data = t->data, .n_cols = (size_t)ae_tensor_n_cols(t)};
    ae_matrix to = {
        .type = type, .data = p->block, .n_cols = from.n_cols, .n_lanes = p->kernels->n_lanes};
    for (; n_left; n_left -= from.n_rows) {
        from.n_rows = to.n_rows = (size_t)(n_left < n_rows ? n_left : n_rows);
        size_t size = from.n_rows * (size_t)ae_dtype_row_bytes(from.type, from.n_cols);
        ae_matrix_pack(&to, &from, p->pool, p->scratch);
        TRY(ae_gguf_put_data(p->out, p->block,
                             to.n_rows * (size_t)ae_dtype_row_bytes(type, to.n_cols), err));
        TRY(report(p, from.data, size, err));
        from.data = (const char *)from.data + size;
    }
    return AEON_OK;
}

/* ---- all ------------------------------------------------------------------------------------- */

static aeon_status allocate(packer *p, aeon_error *err)
{
    uint64_t block_bytes = BLOCK_BYTES, n_cols = 0;
    for (size_t i = 0; i < ae_gguf_n_tensors(p->in); i++) {
        const ae_tensor *t = ae_gguf_tensor_at(p->in, i);
        const ae_dtype *type = type_of_panels(p, t);
        if (!type) continue;
        if (panel_bytes(p, t, type) > block_bytes) block_bytes = panel_bytes(p, t, type);
        if (type != t->type && ae_tensor_n_cols(t) > n_cols) n_cols = ae_tensor_n_cols(t);
    }
    size_t n_rows = 2 * p->kernels->n_lanes * (size_t)ae_pool_n_threads(p->pool);
    p->block = ae_mem_alloc(AE_MEM_SCRATCH, (size_t)block_bytes);
    p->scratch = ae_mem_alloc_array(AE_MEM_SCRATCH, n_rows, (size_t)n_cols * sizeof *p->scratch);
    return p->block && p->scratch ? AEON_OK
                                  : ae_fail_memory(err, (size_t)block_bytes, "a block of panels");
}

static aeon_status write_all(packer *p, aeon_error *err)
{
    TRY(put_values(p, err));
    TRY(declare_tensors(p, err));
    TRY(allocate(p, err));
    for (size_t i = 0; i < ae_gguf_n_tensors(p->in); i++) {
        const ae_tensor *t = ae_gguf_tensor_at(p->in, i);
        const ae_dtype *type = type_of_panels(p, t);
        TRY(type ? write_panels(p, t, type, err) : write_rows(p, t, err));
    }
    return AEON_OK;
}

/* Only what a file holds can be packed into one, and only once; what was packed cannot go back. */
static aeon_status open_source(aeon_model **out, const char *in, const char *target,
                               aeon_error *err)
{
    aeon_model *m = NULL;
    if (ae_file_is_same(in, target))
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "%s: is what is to be read; choose another name to write", target);
    if (ae_is_builtin(in) || ae_file_is_folder(in))
        return ae_fail(err, AEON_UNSUPPORTED, "%s: only a GGUF file can be packed, this is %s", in,
                       ae_is_builtin(in) ? "part of the program" : "a folder");
    TRY(aeon_model_open(&m, in, NULL, err));
    if (ae_gguf_value_find(ae_model_gguf(m), AE_PANELS_KEY)) {
        aeon_model_close(m);
        return ae_fail(err, AEON_INVALID_ARGUMENT, "%s: is packed already", in);
    }
    *out = m;
    return AEON_OK;
}

aeon_status aeon_model_pack(const char *in, const char *out, aeon_progress_fn progress, void *user,
                            aeon_error *err)
{
    aeon_model *m = NULL;
    TRY(open_source(&m, in, out, err));
    packer p = {.in = ae_model_gguf(m),
                .weights = ae_model_weights(m),
                .kernels = ae_kernels_get(),
                .progress = progress,
                .user = user};
    aeon_status status = ae_pool_new(&p.pool, 0, err);
    if (status == AEON_OK) status = ae_gguf_writer_open(&p.out, out, err);
    if (status == AEON_OK) status = write_all(&p, err);
    if (status == AEON_OK)
        status = ae_gguf_writer_commit(p.out, err);
    else
        ae_gguf_writer_abort(p.out);
    ae_mem_free(p.block);
    ae_mem_free(p.scratch);
    ae_pool_free(p.pool);
    aeon_model_close(m);
    return status;
}
