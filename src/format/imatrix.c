#include "format/imatrix.h"

#include "base/cursor.h"
#include "base/file.h"
#include "base/mem.h"
#include "format/gguf.h"

#include <float.h>
#include <stdio.h>

static const char sums_suffix[] = ".in_sum2", counts_suffix[] = ".counts";
enum { MAX_NAME = 128 }; /* with a suffix; longer than any tensor's of the models we know */

/* ---- entries --------------------------------------------------------------------------------- */

static aeon_status add(ae_imatrix *m, ae_str name, size_t n_cols, float n_tokens, float **sums,
                       aeon_error *err)
{
    ae_imatrix_entry *room =
        ae_mem_room(AE_MEM_INDEX, m->entries, m->n, &m->cap, sizeof *m->entries);
    if (!room) return ae_fail_memory(err, (m->n + 1) * sizeof *room, "an importance matrix");
    m->entries = room;
    ae_imatrix_entry *e = &room[m->n];
    *e = (ae_imatrix_entry){.name = ae_mem_text(AE_MEM_INDEX, name.data, name.len),
                            .sums = ae_mem_alloc_array(AE_MEM_INDEX, n_cols, sizeof *e->sums),
                            .n_cols = n_cols,
                            .n_tokens = n_tokens};
    m->n++;
    if (!e->name || !e->sums)
        return ae_fail_memory(err, n_cols * sizeof *e->sums, "an importance matrix");
    *sums = e->sums;
    return AEON_OK;
}

aeon_status ae_imatrix_add(ae_imatrix *m, const char *name, size_t n_cols, float n_tokens,
                           float **sums, aeon_error *err)
{
    return add(m, (ae_str){name, strlen(name)}, n_cols, n_tokens, sums, err);
}

void ae_imatrix_release(ae_imatrix *m)
{
    for (size_t i = 0; i < m->n; i++) {
        ae_mem_free(m->entries[i].name);
        ae_mem_free(m->entries[i].sums);
    }
    ae_mem_free(m->entries);
    ae_names_free(&m->index);
    *m = (ae_imatrix){0};
}

const ae_imatrix_entry *ae_imatrix_find(const ae_imatrix *m, const char *name)
{
    size_t i = ae_names_find(&m->index, name);
    return i == SIZE_MAX ? NULL : &m->entries[i];
}

/* ---- the GGUF form --------------------------------------------------------------------------- */

/* The tensor that tells how many tokens were summed for the entry called name. */
static const ae_tensor *find_count(const ae_gguf *g, ae_str name)
{
    char text[MAX_NAME];
    int len = snprintf(text, sizeof text, "%.*s%s", (int)name.len, name.data, counts_suffix);
    return (size_t)len < sizeof text ? ae_gguf_tensor_find(g, text) : NULL;
}

static bool is_floats(const ae_tensor *t)
{
    return t->type->type == AEON_TYPE_F32;
}

static aeon_status read_entry(ae_imatrix *m, const ae_gguf *g, const ae_tensor *t, aeon_error *err)
{
    const char *path = ae_gguf_path(g);
    ae_str name = {t->name, strlen(t->name) - strlen(sums_suffix)};
    ae_shown shown = ae_show(name.data, name.len);
    if (name.len >= MAX_NAME - sizeof counts_suffix)
        return ae_fail(err, AEON_BAD_FORMAT, "%s: the name %s is too long", path, shown.text);
    const ae_tensor *count = find_count(g, name);
    if (!count || !is_floats(t) || !is_floats(count))
        return ae_fail(err, AEON_BAD_FORMAT, "%s: %s: no sums and count in f32; make it again",
                       path, shown.text);
    uint64_t n_counts = ae_tensor_n_cols(count) * ae_tensor_n_rows(count);
    if (ae_tensor_n_rows(t) != 1 || n_counts != 1)
        return ae_fail(err, AEON_UNSUPPORTED,
                       "%s: %s: %llu rows of sums and %llu counts; models of several experts are "
                       "not supported",
                       path, shown.text, (unsigned long long)ae_tensor_n_rows(t),
                       (unsigned long long)n_counts);
    float n_tokens, *sums;
    memcpy(&n_tokens, count->data, sizeof n_tokens);
    TRY(add(m, name, (size_t)ae_tensor_n_cols(t), n_tokens, &sums, err));
    memcpy(sums, t->data, (size_t)t->size_bytes);
    return AEON_OK;
}

static aeon_status read_gguf(ae_imatrix *m, const ae_gguf *g, aeon_error *err)
{
    ae_str type;
    static const char imatrix[] = "imatrix";
    if (!ae_gguf_get_str(g, "general.type", &type) || type.len != strlen(imatrix) ||
        memcmp(type.data, imatrix, type.len) != 0)
        return ae_fail(err, AEON_BAD_FORMAT,
                       "%s: is no importance matrix; aeon imatrix makes one from a text",
                       ae_gguf_path(g));
    for (size_t i = 0; i < ae_gguf_n_tensors(g); i++) {
        const ae_tensor *t = ae_gguf_tensor_at(g, i);
        if (ae_has_suffix(t->name, sums_suffix)) TRY(read_entry(m, g, t, err));
    }
    return AEON_OK;
}

static aeon_status load_gguf(ae_imatrix *m, const char *path, aeon_error *err)
{
    ae_gguf *g;
    TRY(ae_gguf_open(&g, path, err));
    aeon_status status = read_gguf(m, g, err);
    ae_gguf_close(g);
    return status;
}

/* ---- the older form -------------------------------------------------------------------------- */

static aeon_status read_old_entry(ae_imatrix *m, ae_cursor *c, const char *path, aeon_error *err)
{
    uint32_t len = ae_cursor_u32(c);
    ae_str name = {(const char *)ae_cursor_take(c, len), len};
    int32_t n_calls = (int32_t)ae_cursor_u32(c);
    uint32_t n_cols = ae_cursor_u32(c);
    const unsigned char *data = ae_cursor_take(c, (uint64_t)n_cols * sizeof(float));
    float *sums;
    if (c->failed || !n_cols || !ae_name_is_proper(name.data, name.len))
        return ae_fail(err, AEON_BAD_FORMAT,
                       "%s: is no importance matrix, or damaged at entry %zu; aeon imatrix makes "
                       "one from a text",
                       path, m->n);
    TRY(add(m, name, n_cols, (float)n_calls, &sums, err));
    memcpy(sums, data, n_cols * sizeof *sums);
    return AEON_OK;
}

static aeon_status load_old(ae_imatrix *m, const ae_map *map, const char *path, aeon_error *err)
{
    ae_cursor c = {map->data, map->size, 0, false};
    uint32_t n = ae_cursor_u32(&c);
    for (uint32_t i = 0; i < n; i++) TRY(read_old_entry(m, &c, path, err));
    return AEON_OK;
}

/* ---- both ------------------------------------------------------------------------------------ */

static bool is_sum(float x)
{
    return x >= 0 && x <= FLT_MAX;
}

static aeon_status check_entry(const ae_imatrix_entry *e, const char *path, aeon_error *err)
{
    bool is_good = is_sum(e->n_tokens);
    for (size_t i = 0; i < e->n_cols; i++) is_good = is_good && is_sum(e->sums[i]);
    if (is_good) return AEON_OK;
    return ae_fail(err, AEON_BAD_FORMAT,
                   "%s: %s: holds negative numbers, NaN or infinity; make it again", path,
                   ae_show(e->name, strlen(e->name)).text);
}

static aeon_status index_entries(ae_imatrix *m, const char *path, aeon_error *err)
{
    if (!m->n)
        return ae_fail(err, AEON_BAD_FORMAT,
                       "%s: is no importance matrix, or empty; aeon imatrix makes one from a text",
                       path);
    TRY(ae_names_new(&m->index, m->n, err));
    for (size_t i = 0; i < m->n; i++) {
        m->index.sorted[i] = (ae_name){m->entries[i].name, i};
        TRY(check_entry(&m->entries[i], path, err));
    }
    const char *twice = ae_names_sort(&m->index);
    if (!twice) return AEON_OK;
    return ae_fail(err, AEON_BAD_FORMAT, "%s: %s: stands there twice", path,
                   ae_show(twice, strlen(twice)).text);
}

static aeon_status load(ae_imatrix *m, const char *path, aeon_error *err)
{
    static const char magic[] = {'G', 'G', 'U', 'F'};
    ae_map map;
    TRY(ae_map_open(&map, path, err));
    bool is_gguf = map.size >= sizeof magic && memcmp(map.data, magic, sizeof magic) == 0;
    aeon_status status = is_gguf ? load_gguf(m, path, err) : load_old(m, &map, path, err);
    ae_map_close(&map);
    return status == AEON_OK ? index_entries(m, path, err) : status;
}

aeon_status ae_imatrix_load(ae_imatrix *out, const char *path, aeon_error *err)
{
    ae_imatrix m = {0};
    aeon_status status = load(&m, path, err);
    if (status == AEON_OK)
        *out = m;
    else
        ae_imatrix_release(&m);
    return status;
}

/* ---- writing --------------------------------------------------------------------------------- */

static aeon_status declare(const ae_imatrix_entry *e, ae_gguf_writer *w, aeon_error *err)
{
    char name[MAX_NAME];
    const uint64_t sums[2] = {e->n_cols, 1}, counts[2] = {1, 1};
    snprintf(name, sizeof name, "%s%s", e->name, sums_suffix);
    TRY(ae_gguf_add_tensor(w, name, AEON_TYPE_F32, 2, sums, err));
    snprintf(name, sizeof name, "%s%s", e->name, counts_suffix);
    return ae_gguf_add_tensor(w, name, AEON_TYPE_F32, 2, counts, err);
}

static aeon_status write(const ae_imatrix *m, ae_gguf_writer *w, const ae_imatrix_text *text,
                         aeon_error *err)
{
    const ae_str name = {text->name, strlen(text->name)};
    TRY(ae_gguf_put_str(w, "general.type", "imatrix", err));
    TRY(ae_gguf_put_strings(w, "imatrix.datasets", &name, 1, err));
    TRY(ae_gguf_put_u32(w, "imatrix.chunk_count", text->n_windows, err));
    TRY(ae_gguf_put_u32(w, "imatrix.chunk_size", text->window_tokens, err));
    for (size_t i = 0; i < m->n; i++) TRY(declare(&m->entries[i], w, err));
    for (size_t i = 0; i < m->n; i++) {
        const ae_imatrix_entry *e = &m->entries[i];
        TRY(ae_gguf_put_data(w, e->sums, e->n_cols * sizeof *e->sums, err));
        TRY(ae_gguf_put_data(w, &e->n_tokens, sizeof e->n_tokens, err));
    }
    return AEON_OK;
}

aeon_status ae_imatrix_save(const ae_imatrix *m, const char *path, const ae_imatrix_text *text,
                            aeon_error *err)
{
    ae_gguf_writer *w;
    TRY(ae_gguf_writer_open(&w, path, err));
    aeon_status status = write(m, w, text, err);
    if (status == AEON_OK) return ae_gguf_writer_commit(w, err);
    ae_gguf_writer_abort(w);
    return status;
}
