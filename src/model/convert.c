/* convert.c - a model file written again in another type, some rows at a time.
 *
 * Rows are made in chunks. Within a chunk, members of the team take units of rows, read them, round
 * them and read back what they wrote, to know the error; meanwhile the first of them writes the
 * chunk before into the file, so that neither waits for the other. What a unit adds to the error
 * stands in a place of its own and is summed in order, so threads change no digit of it.
 */
#include "model/convert.h"
#include "aeon/quantize.h"
#include "base/clones.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/pool.h"
#include "model/importance.h"
#include "model/presets.h"
#include "tensor/quantize.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* About so many values are in a chunk, and in a unit. */
enum { CHUNK_VALUES = 1 << 22, UNIT_VALUES = 1 << 14 };

/* What is known of some rows. */
typedef struct {
    double weights, errors; /* sums of squares */
    uint64_t n_not_finite, n_too_large;
} sums;

typedef struct {
    const ae_source *in;
    ae_gguf_writer *out;
    ae_pool *pool;
    const aeon_quantize_params *params;
    const ae_preset *preset;
    const ae_dtype *head;     /* instead of the preset's, or NULL */
    const ae_dtype **types;   /* [in->n_tensors] */
    bool has_blocks;          /* among them */
    ae_imatrix imatrix;       /* of params, or empty; */
    const float **importance; /* [in->n_tensors] what it says of the columns, or NULL: nothing */

    char *chunks[2]; /* one is made while the other is written */
    float *scratch;  /* [threads][unit_values + row_values] */
    size_t unit_values, row_values;
    sums *sums; /* [units of a chunk] */

    /* The chunk that is made now, */
    const ae_source_tensor *t;
    const ae_dtype *type;
    bool is_copied;
    const float *columns; /* how important they are, or NULL */
    uint64_t first;
    size_t n_rows, unit_rows;
    char *chunk;
    /* and the one that is written meanwhile. */
    const char *ready;
    size_t ready_bytes;
    aeon_status write_status;
    aeon_error write_error;

    uint64_t done_bytes;
    sums all, tensor;
    aeon_quantize_result result;
} converter;

static size_t n_cols(const ae_source_tensor *t)
{
    return (size_t)t->stored->dims[0];
}

static uint64_t n_rows(const ae_source_tensor *t)
{
    return t->stored->dims[1] * t->stored->dims[2] * t->stored->dims[3];
}

static bool is_float(const ae_dtype *type)
{
    return type->block_values == 1;
}

/* How many rows of the tensor have about n_values; at least one. */
static size_t rows_of(size_t n_values, const ae_source_tensor *t)
{
    return n_values > n_cols(t) ? n_values / n_cols(t) : 1;
}

/* ---- the plan -------------------------------------------------------------------------------- */

/* What the tensor is meant to become, whether its rows allow it or not. */
static const ae_dtype *wanted_type(const converter *c, const ae_source_tensor *t)
{
    ae_role role = ae_role_of(t->name);
    if (t->stored->n_dims == 1) return ae_dtype_get(AEON_TYPE_F32);
    if (role.kind == AE_ROLE_OTHER) return t->stored->type;
    if (c->head && (role.kind == AE_ROLE_EMBEDDING || role.kind == AE_ROLE_HEAD)) return c->head;
    return ae_dtype_get(ae_preset_type(c->preset, role, c->in->n_layers, c->in->is_tied));
}

static void count_fallback(aeon_quantize_result *r, const ae_source_tensor *t, const ae_dtype *from,
                           const ae_dtype *to)
{
    if (r->n_fallback++) return;
    memcpy(r->fallback_tensor, t->name, sizeof r->fallback_tensor);
    r->fallback_from = from->type;
    r->fallback_to = to->type;
}

static aeon_status plan_tensor(converter *c, size_t i, aeon_error *err)
{
    const ae_source_tensor *t = &c->in->tensors[i];
    aeon_quantize_result *r = &c->result;
    const ae_dtype *wanted = wanted_type(c, t), *before = t->stored->type;
    const ae_dtype *type = ae_dtype_get(ae_type_that_fits(wanted->type, t->stored->dims[0]));
    if (type != wanted) count_fallback(r, t, wanted, type);
    if (type != before && ae_source_is_quantized(t)) {
        if (!c->params->requantize)
            return ae_fail(err, AEON_INVALID_ARGUMENT,
                           "%s: tensor %s is %s already, and would be rounded twice; take the "
                           "unquantized original, or say --requantize",
                           c->in->path, t->name, t->stored->type->name);
        r->n_requantized++;
    }
    if (!is_float(type)) c->has_blocks = true;
    c->types[i] = type;
    r->n_tensors++;
    r->n_changed += type != before;
    r->n_values += t->stored->dims[0] * n_rows(t);
    r->in_bytes += t->stored->size_bytes;
    r->out_bytes += ae_dtype_row_bytes(type, t->stored->dims[0]) * n_rows(t);
    return AEON_OK;
}

static aeon_status plan(converter *c, aeon_error *err)
{
    size_t n = c->in->n_tensors;
    c->types = ae_mem_alloc_array(AE_MEM_SCRATCH, n, sizeof *c->types);
    if (!c->types) return ae_fail_memory(err, n * sizeof *c->types, "a list of types");
    for (size_t i = 0; i < n; i++) TRY(plan_tensor(c, i, err));
    return AEON_OK;
}

/* Without an importance matrix all columns are alike. */
static aeon_status find_importance(converter *c, aeon_error *err)
{
    size_t n = c->in->n_tensors;
    c->importance = ae_mem_alloc_array(AE_MEM_SCRATCH, n, sizeof *c->importance);
    if (!c->importance) return ae_fail_memory(err, n * sizeof *c->importance, "a list");
    if (!c->params->imatrix) return AEON_OK;
    TRY(ae_imatrix_load(&c->imatrix, c->params->imatrix, err));
    TRY(ae_importance_match(c->importance, &c->imatrix, c->in, c->types, err));
    for (size_t i = 0; i < n; i++)
        c->result.n_weighted += c->importance[i] && !is_float(c->types[i]) &&
                                c->types[i] != c->in->tensors[i].stored->type;
    return AEON_OK;
}

static aeon_status declare(converter *c, aeon_error *err)
{
    TRY(c->in->put_values(c->in, c->out, ae_preset_file_type(c->preset), c->has_blocks, err));
    for (size_t i = 0; i < c->in->n_tensors; i++) {
        const ae_source_tensor *t = &c->in->tensors[i];
        TRY(ae_gguf_add_tensor(c->out, t->name, c->types[i]->type, t->stored->n_dims,
                               t->stored->dims, err));
    }
    return AEON_OK;
}

static aeon_status allocate(converter *c, aeon_error *err)
{
    size_t chunk_bytes = 0, max_units = 0;
    for (size_t i = 0; i < c->in->n_tensors; i++) {
        const ae_source_tensor *t = &c->in->tensors[i];
        size_t rows = rows_of(CHUNK_VALUES, t);
        if (rows > n_rows(t)) rows = (size_t)n_rows(t);
        size_t bytes = rows * (size_t)ae_dtype_row_bytes(c->types[i], t->stored->dims[0]);
        if (bytes > chunk_bytes) chunk_bytes = bytes;
        size_t units = (rows + rows_of(UNIT_VALUES, t) - 1) / rows_of(UNIT_VALUES, t);
        if (units > max_units) max_units = units;
        if (n_cols(t) > c->row_values) c->row_values = n_cols(t);
    }
    c->unit_values = c->row_values > UNIT_VALUES ? c->row_values : UNIT_VALUES;
    size_t scratch_values = (size_t)ae_pool_n_threads(c->pool) * (c->unit_values + c->row_values);
    c->scratch = ae_mem_alloc_array(AE_MEM_SCRATCH, scratch_values, sizeof *c->scratch);
    c->sums = ae_mem_alloc_array(AE_MEM_SCRATCH, max_units, sizeof *c->sums);
    for (int k = 0; k < 2; k++) c->chunks[k] = ae_mem_alloc(AE_MEM_SCRATCH, chunk_bytes);
    if (c->scratch && c->sums && c->chunks[0] && c->chunks[1]) return AEON_OK;
    return ae_fail_memory(err, 2 * chunk_bytes + scratch_values * sizeof(float), "rows of weights");
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Lanes, because a compiler may not change the order of a sum of floats by itself. */
enum { N_LANES = 16 };

/* Add the squares of x[i] and of x[i] - y[i]. */
AE_CLONES static void add_squares(sums *s, const float *x, const float *y, size_t n)
{
    double weights[N_LANES] = {0}, errors[N_LANES] = {0};
    size_t i = 0;
    for (; i + N_LANES <= n; i += N_LANES)
        for (size_t k = 0; k < N_LANES; k++) {
            double w = (double)x[i + k], d = w - (double)y[i + k];
            weights[k] += w * w;
            errors[k] += d * d;
        }
    for (; i < n; i++) {
        double w = (double)x[i], d = w - (double)y[i];
        weights[0] += w * w;
        errors[0] += d * d;
    }
    for (size_t k = 0; k < N_LANES; k++) {
        s->weights += weights[k];
        s->errors += errors[k];
    }
}

AE_CLONES static uint32_t count_not_finite(const float *x, size_t n)
{
    uint32_t count = 0;
    for (size_t i = 0; i < n; i++) count += !(fabsf(x[i]) <= FLT_MAX);
    return count;
}

/* Cut off finite values that would round to infinity. Returns how many. */
static uint32_t cut_off(float *x, size_t n, const ae_dtype *type)
{
    const float largest = 65504, past_it = 65520;
    uint32_t count = 0;
    if (type->type != AEON_TYPE_F16) return 0;
    for (size_t i = 0; i < n; i++) {
        if (!(fabsf(x[i]) >= past_it && fabsf(x[i]) <= FLT_MAX)) continue;
        x[i] = copysignf(largest, x[i]);
        count++;
    }
    return count;
}

/* Do the errors of the chunk count? Those of blocks that are copied were made by someone else. */
static bool is_measured(const converter *c)
{
    return !c->is_copied || is_float(c->type);
}

/* One row, x in f32; y: scratch for as many values. Rows with NaN tell nothing of the error. */
static void make_row(const converter *c, sums *s, float *x, float *y, char *out)
{
    size_t n = n_cols(c->t);
    uint32_t n_bad = count_not_finite(x, n);
    s->n_not_finite += n_bad;
    if (!c->is_copied) {
        s->n_too_large += cut_off(x, n, c->type);
        ae_quantize_row(c->type->type, x, c->columns, out, n);
        c->type->to_f32(out, y, n);
    }
    if (!n_bad && is_measured(c)) add_squares(s, x, c->is_copied ? x : y, n);
}

static void make_unit(const converter *c, size_t unit, float *scratch)
{
    size_t n = n_cols(c->t), begin = unit * c->unit_rows;
    size_t left = c->n_rows - begin, rows = left < c->unit_rows ? left : c->unit_rows;
    size_t row_bytes = (size_t)ae_dtype_row_bytes(c->type, n);
    char *out = c->chunk + begin * row_bytes;
    c->sums[unit] = (sums){0};
    if (c->is_copied) ae_source_copy(c->t, c->first + begin, rows, out);
    ae_source_read(c->t, c->first + begin, rows, scratch, scratch + c->unit_values);
    for (size_t i = 0; i < rows; i++)
        make_row(c, &c->sums[unit], scratch + i * n, scratch + c->unit_values, out + i * row_bytes);
}

/* ---- chunks ---------------------------------------------------------------------------------- */

static void write_ready(converter *c)
{
    if (!c->ready_bytes) return;
    c->write_status = ae_gguf_put_data(c->out, c->ready, c->ready_bytes, &c->write_error);
    c->ready_bytes = 0;
}

static size_t n_units(const converter *c)
{
    return (c->n_rows + c->unit_rows - 1) / c->unit_rows;
}

static void make_chunk(void *arg, ae_member m)
{
    converter *c = arg;
    float *scratch = c->scratch + (size_t)m.index * (c->unit_values + c->row_values);
    size_t n = n_units(c);
    if (m.index == 0) write_ready(c);
    for (size_t unit; ae_pool_take(m, n, &unit);) make_unit(c, unit, scratch);
}

static aeon_status check_values(const converter *c, aeon_error *err)
{
    const sums *s = &c->tensor;
    if (c->params->allow_nan) return AEON_OK;
    if (s->n_not_finite)
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "%s: tensor %s holds NaN or infinity: the file is damaged; fetch it again, "
                       "or say --allow-nan",
                       c->in->path, c->t->name);
    if (s->n_too_large)
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "%s: tensor %s holds values too large for f16; choose bf16, or say "
                       "--allow-nan to cut them off",
                       c->in->path, c->t->name);
    return AEON_OK;
}

static aeon_status report(converter *c, uint64_t n_bytes, aeon_error *err)
{
    const aeon_quantize_params *p = c->params;
    c->done_bytes += n_bytes;
    double fraction = (double)c->done_bytes / (double)c->result.out_bytes;
    if (!p->progress || p->progress(p->progress_user, "converting", fraction)) return AEON_OK;
    return ae_fail(err, AEON_CANCELLED, "%s: converting was cancelled", c->in->path);
}

/* Make the rows from c->first on, and hand them on to be written. */
static aeon_status convert_chunk(converter *c, aeon_error *err)
{
    size_t bytes = c->n_rows * (size_t)ae_dtype_row_bytes(c->type, c->t->stored->dims[0]);
    c->chunk = c->chunks[c->ready == c->chunks[0]];
    ae_pool_run(c->pool, make_chunk, c);
    if (c->write_status != AEON_OK) {
        if (err) *err = c->write_error;
        return c->write_status;
    }
    for (size_t i = 0; i < n_units(c); i++) {
        c->tensor.weights += c->sums[i].weights;
        c->tensor.errors += c->sums[i].errors;
        c->tensor.n_not_finite += c->sums[i].n_not_finite;
        c->tensor.n_too_large += c->sums[i].n_too_large;
    }
    if (c->t->stored->n_dims > 1) ae_source_forget(c->t, c->first, c->n_rows);
    c->ready = c->chunk;
    c->ready_bytes = bytes;
    TRY(check_values(c, err));
    return report(c, bytes, err);
}

/* ---- tensors --------------------------------------------------------------------------------- */

static double relative(const sums *s)
{
    return s->weights > 0 ? sqrt(s->errors / s->weights) : 0;
}

static void note_error(converter *c)
{
    aeon_quantize_result *r = &c->result;
    if (c->t->stored->n_dims == 1) return;
    c->all.weights += c->tensor.weights;
    c->all.errors += c->tensor.errors;
    if (relative(&c->tensor) <= r->worst_error) return;
    r->worst_error = relative(&c->tensor);
    memcpy(r->worst_tensor, c->t->name, sizeof r->worst_tensor);
}

static aeon_status convert_tensor(converter *c, size_t i, aeon_error *err)
{
    c->t = &c->in->tensors[i];
    c->type = c->types[i];
    c->is_copied = c->type == c->t->stored->type;
    c->columns = c->importance[i];
    c->tensor = (sums){0};
    c->unit_rows = rows_of(UNIT_VALUES, c->t);
    size_t most = rows_of(CHUNK_VALUES, c->t);
    for (c->first = 0; c->first < n_rows(c->t); c->first += c->n_rows) {
        uint64_t left = n_rows(c->t) - c->first;
        c->n_rows = left < most ? (size_t)left : most;
        TRY(convert_chunk(c, err));
    }
    c->result.n_strange += c->tensor.n_not_finite + c->tensor.n_too_large;
    note_error(c);
    return AEON_OK;
}

static aeon_status convert_all(converter *c, aeon_error *err)
{
    TRY(plan(c, err));
    TRY(find_importance(c, err));
    TRY(declare(c, err));
    TRY(allocate(c, err));
    for (size_t i = 0; i < c->in->n_tensors; i++) TRY(convert_tensor(c, i, err));
    c->result.rms_error = relative(&c->all);
    write_ready(c);
    if (c->write_status != AEON_OK && err) *err = c->write_error;
    return c->write_status;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static aeon_status read_choice(converter *c, aeon_error *err)
{
    const aeon_quantize_params *p = c->params;
    aeon_type head;
    c->preset = p->type ? ae_preset_find(p->type) : NULL;
    if (!c->preset)
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "no type is called \"%.40s\"; there are "
                       "f32, f16, bf16, q8_0, q6_k, q5_k_m, q4_k_m, q4_0 and others",
                       p->type ? p->type : "");
    if (!p->head) return AEON_OK;
    if (!aeon_type_find(p->head, &head) || !ae_quantize_has(head))
        return ae_fail(err, AEON_INVALID_ARGUMENT,
                       "the head cannot be of type \"%.40s\"; f16, q8_0 and q6_k are possible, and "
                       "others",
                       p->head);
    c->head = ae_dtype_get(head);
    return AEON_OK;
}

/* Is it a file of the folder, one that no conversion has written there? */
static bool is_part_of(const char *folder, const char *out)
{
    char parent[PATH_MAX];
    size_t len = strlen(out);
    int n = (int)(ae_path_base(out) - out);
    bool is_gguf = len >= 5 && strcmp(out + len - 5, ".gguf") == 0;
    if (n < 0 || snprintf(parent, sizeof parent, "%.*s.", n, out) >= PATH_MAX) return false;
    return !is_gguf && ae_file_exists(out) && ae_file_is_same(folder, parent);
}

static aeon_status check_paths(const char *in, const char *imatrix, const char *out,
                               aeon_error *err)
{
    bool is_importance = imatrix && ae_file_is_same(imatrix, out);
    if (!ae_file_is_same(in, out) && !is_part_of(in, out) && !is_importance) return AEON_OK;
    return ae_fail(err, AEON_INVALID_ARGUMENT,
                   "%s: is, or is part of, what is to be read; choose another name to write", out);
}

static aeon_status convert(converter *c, const char *out, aeon_error *err)
{
    TRY(ae_pool_new(&c->pool, c->params->n_threads, err));
    TRY(ae_gguf_writer_open(&c->out, out, err));
    aeon_status status = convert_all(c, err);
    if (status == AEON_OK) return ae_gguf_writer_commit(c->out, err);
    ae_gguf_writer_abort(c->out);
    return status;
}

static void release(converter *c)
{
    for (int k = 0; k < 2; k++) ae_mem_free(c->chunks[k]);
    ae_mem_free(c->sums);
    ae_mem_free(c->scratch);
    ae_mem_free((void *)c->types);
    ae_mem_free((void *)c->importance);
    ae_imatrix_release(&c->imatrix);
    ae_pool_free(c->pool);
}

static aeon_status open_source(ae_source **out, const char *in, aeon_error *err)
{
    return ae_file_is_folder(in) ? ae_source_open_hf(out, in, err)
                                 : ae_source_open_gguf(out, in, err);
}

aeon_status aeon_quantize(const char *in, const char *out, const aeon_quantize_params *params,
                          aeon_quantize_result *result, aeon_error *err)
{
    ae_source *source = NULL;
    converter c = {.params = params};
    TRY(read_choice(&c, err));
    TRY(check_paths(in, params->imatrix, out, err));
    TRY(open_source(&source, in, err));
    c.in = source;
    aeon_status status = convert(&c, out, err);
    release(&c);
    source->close(source);
    if (status == AEON_OK && result) *result = c.result;
    return status;
}

aeon_status aeon_quantize_plan(const char *in, const aeon_quantize_params *params,
                               aeon_quantize_result *result, aeon_error *err)
{
    ae_source *source = NULL;
    converter c = {.params = params};
    TRY(read_choice(&c, err));
    TRY(open_source(&source, in, err));
    c.in = source;
    aeon_status status = plan(&c, err);
    if (status == AEON_OK) status = find_importance(&c, err);
    release(&c);
    source->close(source);
    if (status == AEON_OK) *result = c.result;
    return status;
}
