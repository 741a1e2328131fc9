#include "format/mlx.h"

#include "base/file.h"
#include "base/mem.h"
#include "format/names.h"
#include "tensor/blocks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* How the values of a matrix are packed. */
typedef struct {
    uint32_t bits, group;
} packing;

/* What MLX takes where nothing is said. */
static const packing usual = {.bits = 4, .group = 64};

/* A tensor of the list. */
typedef struct {
    ae_tensor tensor; /* first, so that its address is that of all */
    packing packing;  /* of those without data, and where their rows come from: */
    const ae_tensor *words, *scales, *biases;
} entry;

struct ae_mlx {
    entry *entries; /* [n] */
    size_t n;
    ae_names index;
};

/* ---- "quantization" -------------------------------------------------------------------------- */

/* The number of a key, within 0 .. 255; *out stays as it is if the key is absent or null. */
static bool read_number(const json_t *object, const char *key, uint32_t *out)
{
    const json_t *v = json_object_get(object, key);
    if (!v || json_is_null(v)) return true;
    json_int_t n = json_integer_value(v);
    if (!json_is_integer(v) || n < 0 || n > UINT8_MAX) return false;
    *out = (uint32_t)n;
    return true;
}

/* One object with bits, group_size and mode. name: whose it is, for error texts. */
static aeon_status check_object(const json_t *object, const char *name, const char *where,
                                aeon_error *err)
{
    packing p = usual;
    const json_t *mode = json_object_get(object, "mode");
    if (mode && !json_is_null(mode) && !json_is_string(mode))
        return ae_fail(err, AEON_BAD_FORMAT, "%s/config.json: %s: \"mode\" is not a text", where,
                       name);
    if (json_is_string(mode) && strcmp(json_string_value(mode), "affine") != 0)
        return ae_fail(err, AEON_UNSUPPORTED,
                       "%s/config.json: %s: mode %s is not supported; get the model in mode affine",
                       where, name,
                       ae_show(json_string_value(mode), json_string_length(mode)).text);
    if (!read_number(object, "bits", &p.bits) || !read_number(object, "group_size", &p.group))
        return ae_fail(err, AEON_BAD_FORMAT,
                       "%s/config.json: %s: \"bits\" or \"group_size\" is no number of a size that "
                       "exists",
                       where, name);
    if (p.bits < 2 || p.bits > 8 || p.bits == 7)
        return ae_fail(err, AEON_UNSUPPORTED,
                       "%s/config.json: %s: %u bits are not supported; 2, 3, 4, 5, 6 and 8 are",
                       where, name, p.bits);
    if (p.group != 32 && p.group != 64 && p.group != 128)
        return ae_fail(err, AEON_UNSUPPORTED,
                       "%s/config.json: %s: groups of %u are not supported; 32, 64 and 128 are",
                       where, name, p.group);
    return AEON_OK;
}

aeon_status ae_mlx_check(json_t *quantization, const char *where, aeon_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(quantization))
        return ae_fail(err, AEON_BAD_FORMAT, "%s/config.json: \"quantization\" is not an object",
                       where);
    TRY(check_object(quantization, "quantization", where, err));
    json_object_foreach(quantization, key, value)
    {
        if (json_is_object(value))
            TRY(check_object(value, ae_show(key, strlen(key)).text, where, err));
    }
    return AEON_OK;
}

/* What the object, which was checked, says of the matrix of this name. */
static packing find_packing(const json_t *quantization, const char *matrix)
{
    packing p = usual;
    const json_t *own = json_object_get(quantization, matrix);
    const json_t *object = json_is_object(own) ? own : quantization;
    bool is_read =
        read_number(object, "bits", &p.bits) && read_number(object, "group_size", &p.group);
    AEON_ASSERT(is_read);
    return p;
}

/* ---- three tensors become one ---------------------------------------------------------------- */

/* The folder being read, for the functions below. */
typedef struct {
    const ae_safetensors *s;
    const json_t *quantization;
    const char *where;
    aeon_error *err;
} reader;

#define SUFFIX ".weight"
enum { NAME_BYTES = 256 }; /* more than any matrix that a model has */

/* The matrix X of a tensor X.SUFFIX; false if the name has another end, or is longer than any. */
static bool find_matrix_name(char out[NAME_BYTES], const char *name, const char *suffix)
{
    size_t len = strlen(name), suffix_len = strlen(suffix);
    if (len <= suffix_len || len >= NAME_BYTES || strcmp(name + len - suffix_len, suffix) != 0)
        return false;
    snprintf(out, NAME_BYTES, "%.*s", (int)(len - suffix_len), name);
    return true;
}

static const ae_tensor *find_part(const reader *r, const char *matrix, const char *suffix)
{
    char name[NAME_BYTES + 16];
    snprintf(name, sizeof name, "%s%s", matrix, suffix);
    return ae_safetensors_tensor_find(r->s, name);
}

static bool is_words(const ae_tensor *t)
{
    return t->type->type == AEON_TYPE_U32;
}

/* Are these the scales or biases of a matrix, and so no tensor of the list? */
static bool is_part(const reader *r, const ae_tensor *t)
{
    char matrix[NAME_BYTES];
    if (!find_matrix_name(matrix, t->name, ".scales") &&
        !find_matrix_name(matrix, t->name, ".biases"))
        return false;
    const ae_tensor *words = find_part(r, matrix, SUFFIX);
    return words && is_words(words);
}

/* The type whose blocks hold the groups of a matrix. */
static const ae_dtype *find_type(const entry *e)
{
    static const aeon_type types[2][3][2] = {
        {{AEON_TYPE_Q4_1, AEON_TYPE_MLX4_32_BF16},
         {AEON_TYPE_MLX4_64_F16, AEON_TYPE_MLX4_64_BF16},
         {AEON_TYPE_MLX4_128_F16, AEON_TYPE_MLX4_128_BF16}},
        {{AEON_TYPE_MLX8_32_F16, AEON_TYPE_MLX8_32_BF16},
         {AEON_TYPE_MLX8_64_F16, AEON_TYPE_MLX8_64_BF16},
         {AEON_TYPE_MLX8_128_F16, AEON_TYPE_MLX8_128_BF16}},
    };
    aeon_type scales = e->scales->type->type;
    if (scales != e->biases->type->type || scales == AEON_TYPE_F32)
        return ae_dtype_get(AEON_TYPE_F32);
    return ae_dtype_get(
        types[e->packing.bits > 4][e->packing.group / 64][scales == AEON_TYPE_BF16]);
}

/* Scales or biases: one for each group of each row of words. */
static aeon_status check_part(const entry *e, const ae_tensor *t, const char *suffix,
                              const reader *r)
{
    const ae_tensor *w = e->words;
    const char *name = w->name;
    if (!t)
        return ae_fail(r->err, AEON_BAD_FORMAT, "%s: tensor %.*s%s is missing", r->where,
                       (int)(strlen(name) - strlen(SUFFIX)), name, suffix);
    /* Hostile counts do not overflow: every dimension is below the size of a file. */
    uint64_t n_words = w->dims[0] * 32, n_bits = t->dims[0] * e->packing.group * e->packing.bits;
    if (is_words(t) || n_words != n_bits || t->n_dims != w->n_dims ||
        memcmp(t->dims + 1, w->dims + 1, (AE_MAX_DIMS - 1) * sizeof *t->dims) != 0)
        return ae_fail(r->err, AEON_BAD_FORMAT,
                       "%s: tensor %s of %" PRIu64 " x %" PRIu64 " %s does not fit %s of %" PRIu64
                       " x %" PRIu64 " words of %u bits in groups of %u",
                       r->where, t->name, ae_tensor_n_rows(t), t->dims[0], t->type->name, name,
                       ae_tensor_n_rows(w), w->dims[0], e->packing.bits, e->packing.group);
    return AEON_OK;
}

/* words: a tensor of 32-bit words. */
static aeon_status read_matrix(entry *e, const ae_tensor *words, const reader *r)
{
    char matrix[NAME_BYTES];
    if (!find_matrix_name(matrix, words->name, SUFFIX) ||
        json_is_false(json_object_get(r->quantization, matrix)))
        return ae_fail(r->err, AEON_BAD_FORMAT,
                       "%s: tensor %s has type U32, but config.json does not say that it is "
                       "quantized",
                       r->where, ae_show(words->name, strlen(words->name)).text);
    *e = (entry){.tensor = {.name = words->name},
                 .packing = find_packing(r->quantization, matrix),
                 .words = words,
                 .scales = find_part(r, matrix, ".scales"),
                 .biases = find_part(r, matrix, ".biases")};
    TRY(check_part(e, e->scales, ".scales", r));
    TRY(check_part(e, e->biases, ".biases", r));
    uint64_t dims[AE_MAX_DIMS];
    memcpy(dims, words->dims, sizeof dims);
    dims[0] = e->scales->dims[0] * e->packing.group;
    return ae_tensor_shape(&e->tensor, find_type(e), words->n_dims, dims, r->where, r->err);
}

static aeon_status read_all(ae_mlx *m, const reader *r)
{
    size_t n = ae_safetensors_n_tensors(r->s);
    m->entries = ae_mem_alloc_array(AE_MEM_INDEX, n, sizeof *m->entries);
    if (!m->entries) return ae_fail_memory(r->err, n * sizeof *m->entries, "a list of tensors");
    for (size_t i = 0; i < n; i++) {
        const ae_tensor *t = ae_safetensors_tensor_at(r->s, i);
        if (is_part(r, t)) continue;
        entry *e = &m->entries[m->n];
        if (is_words(t))
            TRY(read_matrix(e, t, r));
        else
            *e = (entry){.tensor = *t};
        m->n++;
    }
    TRY(ae_names_new(&m->index, m->n, r->err));
    for (size_t i = 0; i < m->n; i++) m->index.sorted[i] = (ae_name){m->entries[i].tensor.name, i};
    const char *twice = ae_names_sort(&m->index);
    AEON_ASSERT(!twice); /* they differ in the files */
    return AEON_OK;
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* q = 32 values of so many bits each. */
INLINE void unpack(uint8_t q[32], const uint8_t *from, unsigned bits)
{
    if (bits == 8) {
        memcpy(q, from, 32);
    } else if (bits == 4) {
        for (size_t i = 0; i < 16; i++) {
            q[2 * i] = from[i] & 15;
            q[2 * i + 1] = from[i] >> 4;
        }
    } else {
        for (size_t i = 0; i < 32; i += 8, from += bits) {
            uint64_t eight = 0; /* values stand in so many bytes as one has bits */
            memcpy(&eight, from, bits);
            for (size_t k = 0; k < 8; k++, eight >>= bits)
                q[i + k] = (uint8_t)(eight & ((1u << bits) - 1));
        }
    }
}

/* Where a row begins. */
typedef struct {
    const uint8_t *words;
    const char *scales, *biases;
} place;

static place find_place(const entry *e, size_t row)
{
    return (place){(const uint8_t *)e->words->data +
                       row * ae_dtype_row_bytes(e->words->type, e->words->dims[0]),
                   (const char *)e->scales->data +
                       row * ae_dtype_row_bytes(e->scales->type, e->scales->dims[0]),
                   (const char *)e->biases->data +
                       row * ae_dtype_row_bytes(e->biases->type, e->biases->dims[0])};
}

/* The groups of a row, as blocks. */
INLINE void put_blocks(char *out, place from, const entry *e, unsigned bits)
{
    for (uint64_t g = 0; g < e->scales->dims[0]; g++, from.scales += 2, from.biases += 2) {
        memcpy(out, from.scales, 2);
        memcpy(out + 2, from.biases, 2);
        out += sizeof(ae_affine);
        for (size_t i = 0; i < e->packing.group; i += 32, from.words += 4 * bits) {
            uint8_t q[32];
            unpack(q, from.words, bits);
            for (size_t k = 0; k < 16 && bits <= 4; k++) out[k] = (char)(q[k] | q[k + 16] << 4);
            if (bits > 4) memcpy(out, q, 32);
            out += bits > 4 ? 32 : 16;
        }
    }
}

/* The same as numbers. */
static void put_numbers(char *out, place from, const entry *e)
{
    size_t bits = e->packing.bits, scale_bytes = e->scales->type->block_bytes;
    size_t bias_bytes = e->biases->type->block_bytes;
    for (uint64_t g = 0; g < e->scales->dims[0]; g++) {
        float scale, bias;
        e->scales->type->to_f32(from.scales + g * scale_bytes, &scale, 1);
        e->biases->type->to_f32(from.biases + g * bias_bytes, &bias, 1);
        for (size_t i = 0; i < e->packing.group; i += 32, from.words += 4 * bits) {
            uint8_t q[32];
            float y[32];
            unpack(q, from.words, (unsigned)bits);
            for (size_t k = 0; k < 32; k++) y[k] = scale * (float)q[k] + bias;
            memcpy(out, y, sizeof y);
            out += sizeof y;
        }
    }
}

static void put_row(char *out, place from, const entry *e)
{
    if (e->tensor.type->type == AEON_TYPE_F32) {
        put_numbers(out, from, e);
        return;
    }
    switch (e->packing.bits) {
    case 2: put_blocks(out, from, e, 2); break;
    case 3: put_blocks(out, from, e, 3); break;
    case 4: put_blocks(out, from, e, 4); break;
    case 5: put_blocks(out, from, e, 5); break;
    case 6: put_blocks(out, from, e, 6); break;
    default: put_blocks(out, from, e, 8);
    }
}

static const entry *entry_of(const ae_tensor *t)
{
    AEON_ASSERT(!t->data);
    return (const entry *)t;
}

void ae_mlx_rows(const ae_tensor *t, size_t first, size_t n, void *out)
{
    const entry *e = entry_of(t);
    size_t row_bytes = (size_t)ae_dtype_row_bytes(t->type, t->dims[0]);
    for (size_t i = 0; i < n; i++)
        put_row((char *)out + i * row_bytes, find_place(e, first + i), e);
}

void ae_mlx_forget(const ae_tensor *t, size_t first, size_t n)
{
    const entry *e = entry_of(t);
    place from = find_place(e, first), to = find_place(e, first + n);
    ae_map_forget(from.words, (size_t)(to.words - from.words));
    ae_map_forget(from.scales, (size_t)(to.scales - from.scales));
    ae_map_forget(from.biases, (size_t)(to.biases - from.biases));
}

/* ---- public face ----------------------------------------------------------------------------- */

aeon_status ae_mlx_new(ae_mlx **out, const ae_safetensors *s, const json_t *quantization,
                       const char *where, aeon_error *err)
{
    reader r = {.s = s, .quantization = quantization, .where = where, .err = err};
    ae_mlx *m = ae_mem_alloc(AE_MEM_INDEX, sizeof *m);
    if (!m) return ae_fail_memory(err, sizeof *m, "a list of tensors");
    aeon_status status = read_all(m, &r);
    if (status != AEON_OK) {
        ae_mlx_free(m);
        return status;
    }
    *out = m;
    return AEON_OK;
}

void ae_mlx_free(ae_mlx *m)
{
    if (!m) return;
    ae_mem_free(m->entries);
    ae_names_free(&m->index);
    ae_mem_free(m);
}

size_t ae_mlx_n_tensors(const ae_mlx *m)
{
    return m->n;
}

const ae_tensor *ae_mlx_at(const ae_mlx *m, size_t i)
{
    AEON_ASSERT(i < m->n);
    return &m->entries[i].tensor;
}

const ae_tensor *ae_mlx_find(const ae_mlx *m, const char *name)
{
    size_t at = ae_names_find(&m->index, name);
    return at == SIZE_MAX ? NULL : &m->entries[at].tensor;
}
