/* synth.c - models of a real shape with random weights: to test and to measure without a download.
 *
 * Every weight is a pure function of (seed, tensor, place), so blocks of rows can be made by any
 * number of threads, in any order. Matrices have mean 0 and variance 1 / n_cols: a row times a
 * normalized activation is again about 1.
 */
#include "model/synth.h"

#include "base/mem.h"
#include "base/pool.h"
#include "model/config_put.h"
#include "model/presets.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Row lengths (n_embd, n_ff, n_heads * head_dim) are multiples of 256, the largest block. */
static const ae_synth_shape shapes[] = {
    {
        .name = "phi-4-mini",
        .architecture = "phi3",
        .n_layers = 32,
        .n_embd = 3072,
        .n_heads = 24,
        .n_kv_heads = 8,
        .head_dim = 128,
        .n_ff = 8192,
        .n_vocab = 200064,
        .rope_dim = 96,
        .n_ctx = 131072,
        .n_ctx_original = 4096,
        .rope_theta = 10000,
        .norm_eps = 1e-5f,
        .is_fused = true,
        .is_tied = true,
        .split = "gpt-4o",
        .has_chat_template = true,
    },
    {
        .name = "phi3-nano",
        .architecture = "phi3",
        .n_layers = 2,
        .n_embd = 256,
        .n_heads = 4,
        .n_kv_heads = 2,
        .head_dim = 64,
        .n_ff = 512,
        .n_vocab = 1000,
        .rope_dim = 48,
        .n_ctx = 131072,
        .n_ctx_original = 4096,
        .rope_theta = 10000,
        .norm_eps = 1e-5f,
        .is_fused = true,
        .is_tied = true,
        .split = "gpt-4o",
        .has_chat_template = true,
    },
    {
        /* LongRoPE's border within reach of quick tests. */
        .name = "phi3-pico",
        .architecture = "phi3",
        .n_layers = 2,
        .n_embd = 256,
        .n_heads = 4,
        .n_kv_heads = 2,
        .head_dim = 64,
        .n_ff = 256,
        .n_vocab = 1000,
        .rope_dim = 48,
        .n_ctx = 1024,
        .n_ctx_original = 128,
        .rope_theta = 10000,
        .norm_eps = 1e-5f,
        .is_fused = true,
        .is_tied = true,
        .split = "gpt-4o",
        .has_chat_template = true,
    },
    {
        .name = "phi3-micro",
        .architecture = "phi3",
        .n_layers = 3,
        .n_embd = 768,
        .n_heads = 6,
        .n_kv_heads = 2,
        .head_dim = 128,
        .n_ff = 1280,
        .n_vocab = 2003,
        .rope_dim = 96,
        .n_ctx = 131072,
        .n_ctx_original = 4096,
        .rope_theta = 10000,
        .norm_eps = 1e-5f,
        .is_fused = true,
        .is_tied = true,
        .split = "gpt-4o",
        .has_chat_template = true,
    },
    {
        .name = "llama-nano",
        .architecture = "llama",
        .n_layers = 2,
        .n_embd = 256,
        .n_heads = 4,
        .n_kv_heads = 2,
        .head_dim = 64,
        .n_ff = 768,
        .n_vocab = 1000,
        .rope_dim = 64,
        .n_ctx = 131072,
        .rope_theta = 500000,
        .norm_eps = 1e-5f,
        .rope_freqs_last = 8,
        .split = "llama-bpe",
        .adds_bos = true,
    },
    {
        .name = "qwen2-nano",
        .architecture = "qwen2",
        .n_layers = 2,
        .n_embd = 256,
        .n_heads = 4,
        .n_kv_heads = 2,
        .head_dim = 64,
        .n_ff = 512,
        .n_vocab = 1000,
        .rope_dim = 64,
        .n_ctx = 32768,
        .rope_theta = 1000000,
        .norm_eps = 1e-6f,
        .is_tied = true,
        .has_qkv_bias = true,
        .split = "qwen2",
    },
    {
        .name = "qwen3-nano",
        .architecture = "qwen3",
        .n_layers = 2,
        .n_embd = 256,
        .n_heads = 4,
        .n_kv_heads = 2,
        .head_dim = 128, /* the heads together are wider than the model, as in Qwen3-0.6B */
        .n_ff = 768,
        .n_vocab = 1000,
        .rope_dim = 128,
        .n_ctx = 40960,
        .rope_theta = 1000000,
        .norm_eps = 1e-6f,
        .is_tied = true,
        .has_qk_norm = true,
        .split = "qwen2",
    },
};

const char *aeon_synth_shape_at(size_t i)
{
    return i < AE_COUNT(shapes) ? shapes[i].name : NULL;
}

static aeon_status find_shape(const ae_synth_shape **out, const char *name, aeon_error *err)
{
    char known[256] = "";
    for (size_t i = 0, len = 0; i < AE_COUNT(shapes) && len < sizeof known; i++) {
        if (strcmp(shapes[i].name, name) == 0) {
            *out = &shapes[i];
            return AEON_OK;
        }
        len += (size_t)snprintf(known + len, sizeof known - len, "%s%s", i ? ", " : "",
                                shapes[i].name);
    }
    return ae_fail(err, AEON_NOT_FOUND, "no shape is called \"%.64s\"; there are %s", name, known);
}

/* ---- metadata -------------------------------------------------------------------------------- */

/* The name does not say "phi3": llama.cpp would then ask for tokens of Phi-3's own vocabulary. */
static ae_config config_of(const ae_synth_shape *s, uint64_t seed)
{
    ae_config c = {
        .n_vocab = s->n_vocab,
        .n_embd = s->n_embd,
        .n_layers = s->n_layers,
        .n_heads = s->n_heads,
        .n_kv_heads = s->n_kv_heads,
        .head_dim = s->head_dim,
        .n_ff = s->n_ff,
        .n_ctx_max = s->n_ctx,
        .n_ctx_original = s->n_ctx_original,
        .norm_eps = s->norm_eps,
        .rope_dim = s->rope_dim,
        .rope_theta = s->rope_theta,
        .has_rope_factors[AE_ROPE_SET_LONG] = s->n_ctx_original != 0,
    };
    c.rope_magnitude = ae_longrope_magnitude(s->n_ctx, s->n_ctx_original);
    snprintf(c.architecture, sizeof c.architecture, "%s", s->architecture);
    snprintf(c.name, sizeof c.name, "Random weights, %u layers of %u, seed %llu", s->n_layers,
             s->n_embd, (unsigned long long)seed);
    return c;
}

/* ---- tensors --------------------------------------------------------------------------------- */

typedef enum {
    MATRIX, /* variance 1 / n_cols; of the type asked for, all others f32 */
    NORM,   /* around 1 */
    BIAS,   /* around 0 */
    RISE,   /* 1 ... last, along a parabola: factors of rotary frequencies */
} content;

typedef struct {
    char name[40];
    content content;
    uint64_t n_cols, n_rows;
    float last; /* RISE */
} tensor;

/* A list with room for n_max. */
typedef struct {
    tensor *at;
    size_t n, n_max;
} tensor_list;

static void add(tensor_list *list, content kind, const char *name, uint64_t n_cols, uint64_t n_rows)
{
    AEON_ASSERT(list->n < list->n_max);
    tensor *t = &list->at[list->n++];
    *t = (tensor){.content = kind, .n_cols = n_cols, .n_rows = n_rows, .last = 1};
    snprintf(t->name, sizeof t->name, "%s", name);
}

static void add_to_layer(tensor_list *list, uint32_t layer, content kind, const char *name,
                         uint64_t n_cols, uint64_t n_rows)
{
    char full[40];
    snprintf(full, sizeof full, "blk.%u.%s", layer, name);
    add(list, kind, full, n_cols, n_rows);
}

static void add_rise(tensor_list *list, const char *name, uint64_t n, float last)
{
    add(list, RISE, name, n, 1);
    list->at[list->n - 1].last = last;
}

static void add_attention(tensor_list *list, const ae_synth_shape *s, uint32_t i)
{
    uint64_t q = s->n_heads * s->head_dim, kv = s->n_kv_heads * s->head_dim;
    add_to_layer(list, i, NORM, "attn_norm.weight", s->n_embd, 1);
    if (s->is_fused) {
        add_to_layer(list, i, MATRIX, "attn_qkv.weight", s->n_embd, q + 2 * kv);
    } else {
        add_to_layer(list, i, MATRIX, "attn_q.weight", s->n_embd, q);
        add_to_layer(list, i, MATRIX, "attn_k.weight", s->n_embd, kv);
        add_to_layer(list, i, MATRIX, "attn_v.weight", s->n_embd, kv);
    }
    if (s->has_qkv_bias) {
        add_to_layer(list, i, BIAS, "attn_q.bias", q, 1);
        add_to_layer(list, i, BIAS, "attn_k.bias", kv, 1);
        add_to_layer(list, i, BIAS, "attn_v.bias", kv, 1);
    }
    if (s->has_qk_norm) {
        add_to_layer(list, i, NORM, "attn_q_norm.weight", s->head_dim, 1);
        add_to_layer(list, i, NORM, "attn_k_norm.weight", s->head_dim, 1);
    }
    add_to_layer(list, i, MATRIX, "attn_output.weight", q, s->n_embd);
}

static void add_feed_forward(tensor_list *list, const ae_synth_shape *s, uint32_t i)
{
    add_to_layer(list, i, NORM, "ffn_norm.weight", s->n_embd, 1);
    if (!s->is_fused) add_to_layer(list, i, MATRIX, "ffn_gate.weight", s->n_embd, s->n_ff);
    add_to_layer(list, i, MATRIX, "ffn_up.weight", s->n_embd, s->n_ff * (s->is_fused ? 2 : 1));
    add_to_layer(list, i, MATRIX, "ffn_down.weight", s->n_ff, s->n_embd);
}

enum { MAX_PER_LAYER = 14, MAX_OUTSIDE = 6 };

static void fill_list(tensor_list *list, const ae_synth_shape *s)
{
    add(list, MATRIX, "token_embd.weight", s->n_embd, s->n_vocab);
    if (s->n_ctx_original) {
        add_rise(list, "rope_factors_long.weight", s->rope_dim / 2, 47.77f);
        add_rise(list, "rope_factors_short.weight", s->rope_dim / 2, 1);
    }
    if (s->rope_freqs_last > 0)
        add_rise(list, "rope_freqs.weight", s->rope_dim / 2, s->rope_freqs_last);
    for (uint32_t i = 0; i < s->n_layers; i++) {
        add_attention(list, s, i);
        add_feed_forward(list, s, i);
    }
    add(list, NORM, "output_norm.weight", s->n_embd, 1);
    if (!s->is_tied) add(list, MATRIX, "output.weight", s->n_embd, s->n_vocab);
}

static aeon_status new_list(tensor_list *list, const ae_synth_shape *shape, aeon_error *err)
{
    size_t n = shape->n_layers * MAX_PER_LAYER + MAX_OUTSIDE;
    list->at = ae_mem_alloc_array(AE_MEM_SCRATCH, n, sizeof *list->at);
    if (!list->at) return ae_fail_memory(err, n * sizeof *list->at, "a list of tensors");
    list->n_max = n;
    fill_list(list, shape);
    return AEON_OK;
}

/* ---- description ----------------------------------------------------------------------------- */

static void describe_sizes(aeon_model_info *info, const ae_synth_shape *s)
{
    snprintf(info->architecture, sizeof info->architecture, "%s", s->architecture);
    snprintf(info->name, sizeof info->name, "%s", s->name);
    info->n_vocab = s->n_vocab;
    info->n_embd = s->n_embd;
    info->n_layers = s->n_layers;
    info->n_heads = s->n_heads;
    info->n_kv_heads = s->n_kv_heads;
    info->head_dim = s->head_dim;
    info->n_ff = s->n_ff;
    info->n_ctx_max = s->n_ctx;
    info->n_ctx_original = s->n_ctx_original ? s->n_ctx_original : s->n_ctx;
    info->has_long_rope = s->n_ctx_original != 0;
}

/* As weights.c counts: factors of rotary frequencies are no weights, and an embedding is read whole
 * only where it is the output head as well. */
static void count_tensor(aeon_model_info *info, const tensor *t, const ae_dtype *type, bool is_tied)
{
    uint64_t n_values = t->n_cols * t->n_rows;
    uint64_t bytes = ae_dtype_row_bytes(type, t->n_cols) * t->n_rows;
    bool is_embedding = strcmp(t->name, "token_embd.weight") == 0;
    bool is_output = strcmp(t->name, "output.weight") == 0;
    if (t->content == RISE) return;
    info->n_params += n_values;
    info->size_bytes += bytes;
    if (t->content != MATRIX) return;
    if (!is_embedding || is_tied) info->step_bytes += bytes;
    if (!is_embedding && !is_output) info->macs_per_token += n_values;
}

aeon_status aeon_synth_describe(aeon_model_info *out, const char *shape_name, aeon_type type,
                                aeon_error *err)
{
    const ae_synth_shape *shape = NULL;
    const ae_dtype *matrices = ae_dtype_find((uint32_t)type), *others = ae_dtype_get(AEON_TYPE_F32);
    tensor_list list = {0};
    TRY(find_shape(&shape, shape_name, err));
    if (!matrices) return ae_fail(err, AEON_UNSUPPORTED, "type number %d is not known", (int)type);
    TRY(new_list(&list, shape, err));
    *out = (aeon_model_info){.type = type};
    describe_sizes(out, shape);
    for (size_t i = 0; i < list.n; i++)
        count_tensor(out, &list.at[i], list.at[i].content == MATRIX ? matrices : others,
                     shape->is_tied);
    ae_mem_free(list.at);
    return AEON_OK;
}

/* ---- values ---------------------------------------------------------------------------------- */

#define GOLDEN 0x9E3779B97F4A7C15ull /* 2^64 / golden ratio */

/* The finalizer of SplitMix64 (Steele, Lea and Flood 2014). */
static inline uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ull;
    x = (x ^ x >> 27) * 0x94D049BB133111EBull;
    return x ^ x >> 31;
}

/* Mean 0, variance 1, bell-shaped, within 3.5: the sum of the four 16-bit parts of a hash. */
static inline float bell(uint64_t key, uint64_t i)
{
    uint64_t h = mix(key + i * GOLDEN);
    int sum = (int)((h & 0xffff) + (h >> 16 & 0xffff) + (h >> 32 & 0xffff) + (h >> 48));
    return (float)(sum - 2 * 0xffff) * (1 / 37837.2f);
}

static void fill_row(float *x, const tensor *t, uint64_t key, uint64_t row)
{
    size_t n = (size_t)t->n_cols;
    float mean = t->content == NORM ? 1.0f : 0.0f;
    float scale = t->content == MATRIX ? 1 / sqrtf((float)n) : 0.1f;
    for (size_t i = 0; i < n; i++) {
        if (t->content == RISE) {
            float place = n > 1 ? (float)i / (float)(n - 1) : 0;
            x[i] = 1 + (t->last - 1) * place * place;
        } else {
            x[i] = mean + scale * bell(key, row * n + i);
        }
    }
}

/* ---- writing --------------------------------------------------------------------------------- */

enum { BLOCK_VALUES = 1 << 20 }; /* about so many values are made before they are written */

typedef struct {
    ae_gguf_writer *file;
    ae_pool *pool;
    uint64_t seed;
    const ae_dtype *matrix_type;
    tensor_list tensors;
    float *rows;     /* [threads][longest row] */
    size_t max_cols; /* the longest row */
    unsigned char *block;
    uint64_t done_bytes, total_bytes;
    const char *what;          /* is done, in words */
    aeon_progress_fn progress; /* or NULL */
    void *user;
} synth;

static const ae_dtype *type_of(const synth *s, const tensor *t)
{
    return t->content == MATRIX ? s->matrix_type : ae_dtype_get(AEON_TYPE_F32);
}

/* Rows first .. first+n-1 of a tensor, encoded into the block. */
typedef struct {
    const synth *s;
    const tensor *t;
    uint64_t key, first;
    size_t n;
} block_task;

static void make_rows(void *arg, ae_member member)
{
    const block_task *b = arg;
    const ae_dtype *type = type_of(b->s, b->t);
    float *x = b->s->rows + (size_t)member.index * b->s->max_cols;
    size_t row_bytes = (size_t)ae_dtype_row_bytes(type, b->t->n_cols);
    ae_range range = ae_split(b->n, 1, member);
    for (size_t i = range.begin; i < range.end; i++) {
        fill_row(x, b->t, b->key, b->first + i);
        type->from_f32(x, b->s->block + i * row_bytes, (size_t)b->t->n_cols);
    }
}

static aeon_status report(synth *s, uint64_t n_bytes, aeon_error *err)
{
    s->done_bytes += n_bytes;
    if (!s->progress ||
        s->progress(s->user, s->what, (double)s->done_bytes / (double)s->total_bytes))
        return AEON_OK;
    return ae_fail(err, AEON_CANCELLED, "%s of the synthetic model was cancelled", s->what);
}

static uint64_t rows_per_block(const tensor *t)
{
    return t->n_cols < BLOCK_VALUES ? BLOCK_VALUES / t->n_cols : 1;
}

static aeon_status write_tensor(synth *s, size_t index, aeon_error *err)
{
    const tensor *t = &s->tensors.at[index];
    uint64_t row_bytes = ae_dtype_row_bytes(type_of(s, t), t->n_cols);
    block_task b = {.s = s, .t = t, .key = mix(s->seed + mix((index + 1) * GOLDEN))};
    for (; b.first < t->n_rows; b.first += b.n) {
        uint64_t left = t->n_rows - b.first;
        b.n = (size_t)(left < rows_per_block(t) ? left : rows_per_block(t));
        ae_pool_run(s->pool, make_rows, &b);
        TRY(ae_gguf_put_data(s->file, s->block, (size_t)(b.n * row_bytes), err));
        TRY(report(s, b.n * row_bytes, err));
    }
    return AEON_OK;
}

static aeon_status declare_tensors(synth *s, aeon_error *err)
{
    for (size_t i = 0; i < s->tensors.n; i++) {
        const tensor *t = &s->tensors.at[i];
        const uint64_t dims[] = {t->n_cols, t->n_rows};
        const ae_dtype *type = type_of(s, t);
        TRY(ae_gguf_add_tensor(s->file, t->name, type->type, t->content == MATRIX ? 2 : 1, dims,
                               err));
        s->total_bytes += ae_dtype_row_bytes(type, t->n_cols) * t->n_rows;
    }
    return AEON_OK;
}

static aeon_status allocate(synth *s, const ae_synth_shape *shape, aeon_error *err)
{
    size_t block_bytes = 0;
    TRY(new_list(&s->tensors, shape, err));
    for (size_t i = 0; i < s->tensors.n; i++) {
        const tensor *t = &s->tensors.at[i];
        uint64_t row_bytes = ae_dtype_row_bytes(type_of(s, t), t->n_cols);
        uint64_t n_rows = t->n_rows < rows_per_block(t) ? t->n_rows : rows_per_block(t);
        if (n_rows * row_bytes > block_bytes) block_bytes = (size_t)(n_rows * row_bytes);
        if (t->n_cols > s->max_cols) s->max_cols = (size_t)t->n_cols;
    }
    s->block = ae_mem_alloc(AE_MEM_SCRATCH, block_bytes);
    if (!s->block) return ae_fail_memory(err, block_bytes, "a block of rows");
    size_t rows_bytes = (size_t)ae_pool_n_threads(s->pool) * s->max_cols * sizeof *s->rows;
    s->rows = ae_mem_alloc(AE_MEM_SCRATCH, rows_bytes);
    return s->rows ? AEON_OK : ae_fail_memory(err, rows_bytes, "rows of weights");
}

static aeon_status write_all(synth *s, const ae_synth_shape *shape, aeon_error *err)
{
    const ae_config config = config_of(shape, s->seed);
    TRY(ae_gguf_put_config(s->file, &config, ae_file_type_of(s->matrix_type->type), err));
    TRY(ae_synth_put_vocab(s->file, shape, err));
    TRY(declare_tensors(s, err));
    for (size_t i = 0; i < s->tensors.n; i++) TRY(write_tensor(s, i, err));
    return AEON_OK;
}

/* A whole model: into the file of that name or, if path is NULL, into *map. */
static aeon_status make(synth *s, const char *path, ae_map *map, const char *shape_name,
                        aeon_type type, int n_threads, aeon_error *err)
{
    const ae_synth_shape *shape = NULL;
    TRY(find_shape(&shape, shape_name, err));
    s->matrix_type = ae_dtype_find((uint32_t)type);
    if (!s->matrix_type || !s->matrix_type->from_f32)
        return ae_fail(err, AEON_UNSUPPORTED,
                       "synthetic weights cannot be written as %s; take f32, f16, bf16, q8_0, "
                       "q4_0 or a type of MLX's groups, such as mlx4_64_bf16",
                       s->matrix_type ? s->matrix_type->name : "an unknown type");

    aeon_status status = ae_pool_new(&s->pool, n_threads, err);
    if (status == AEON_OK) status = allocate(s, shape, err);
    if (status == AEON_OK)
        status = path ? ae_gguf_writer_open(&s->file, path, err)
                      : ae_gguf_writer_open_memory(&s->file, map, shape_name, err);
    if (status == AEON_OK) status = write_all(s, shape, err);
    if (status == AEON_OK)
        status = ae_gguf_writer_commit(s->file, err);
    else
        ae_gguf_writer_abort(s->file);
    ae_mem_free(s->rows);
    ae_mem_free(s->block);
    ae_mem_free(s->tensors.at);
    ae_pool_free(s->pool);
    return status;
}

aeon_status ae_synth_write(const char *path, const char *shape, aeon_type type, uint64_t seed,
                           int n_threads, aeon_progress_fn progress, void *user, aeon_error *err)
{
    synth s = {.seed = seed, .what = "writing", .progress = progress, .user = user};
    return make(&s, path, NULL, shape, type, n_threads, err);
}

aeon_status aeon_synth_write(const char *path, const char *shape, aeon_type type, uint64_t seed,
                             aeon_progress_fn progress, void *user, aeon_error *err)
{
    return ae_synth_write(path, shape, type, seed, 0, progress, user, err);
}

aeon_status ae_synth_make(ae_map *out, const char *shape, aeon_type type, uint64_t seed,
                          int n_threads, aeon_progress_fn progress, void *user, aeon_error *err)
{
    synth s = {.seed = seed, .what = "drawing weights", .progress = progress, .user = user};
    ae_map map = {0};
    TRY(make(&s, NULL, &map, shape, type, n_threads, err));
    *out = map;
    return AEON_OK;
}
