#include "model/kv.h"

#include "base/cursor.h"
#include "base/mem.h"
#include "kernels/panel.h"

#include <string.h>

/* Kernels load all lanes of a panel, also where the last page has fewer numbers. */
enum { SPARE_BYTES = AE_PANEL_MAX_LANES * sizeof(float) };

struct ae_kv_arena {
    aeon_type type;
    size_t n_layers, n_heads, head_dim, page_tokens;
    size_t row_bytes;  /* head_dim values */
    size_t head_bytes; /* page_tokens rows of keys and as many of values */
    size_t page_bytes;
    size_t n_pages, n_free;
    char *data;             /* [n_pages][page_bytes] */
    uint32_t *n_holders;    /* [n_pages] */
    ae_kv_page *free_pages; /* [n_pages] a stack of n_free */
};

/* ---- arena ----------------------------------------------------------------------------------- */

uint64_t ae_kv_bytes_per_token(const ae_config *c, aeon_type type)
{
    uint64_t row_bytes = ae_dtype_row_bytes(ae_dtype_get(type), c->head_dim);
    return 2 * row_bytes * c->n_kv_heads * c->n_layers;
}

static aeon_status check_params(const ae_config *c, const ae_kv_arena_params *p, aeon_error *err)
{
    static const aeon_type types[] = {AEON_TYPE_F32, AEON_TYPE_F16, AEON_TYPE_BF16, AEON_TYPE_Q8_0};
    bool is_known = false;
    for (size_t i = 0; i < AE_COUNT(types); i++) is_known |= types[i] == p->type;
    if (!is_known)
        return ae_fail(err, AEON_UNSUPPORTED, "keys and values can be f32, f16, bf16 or q8_0");
    if (!ae_panel_has(p->type, c->head_dim))
        return ae_fail(err, AEON_UNSUPPORTED,
                       "keys and values of %u numbers do not fit into %s blocks; choose f16",
                       c->head_dim, aeon_type_name(p->type));
    return AEON_OK;
}

static aeon_status arena_init(ae_kv_arena *a, const ae_config *c, const ae_kv_arena_params *p,
                              aeon_error *err)
{
    uint64_t size, page_bytes;
    TRY(check_params(c, p, err));
    size_t page_tokens = p->page_tokens ? p->page_tokens : AE_KV_RUN;
    AEON_ASSERT(page_tokens % AE_KV_RUN == 0);
    size_t n_pages = p->n_tokens / page_tokens + (p->n_tokens % page_tokens != 0);
    if (!ae_mul_u64(ae_kv_bytes_per_token(c, p->type), page_tokens, &page_bytes) ||
        !ae_mul_u64(page_bytes, n_pages, &size) || size > SIZE_MAX / 2 || n_pages > UINT32_MAX)
        return ae_fail(err, AEON_INVALID_ARGUMENT, "a context of %zu tokens is too long",
                       p->n_tokens);
    *a = (ae_kv_arena){.type = p->type,
                       .n_layers = c->n_layers,
                       .n_heads = c->n_kv_heads,
                       .head_dim = c->head_dim,
                       .page_tokens = page_tokens,
                       .page_bytes = (size_t)page_bytes,
                       .n_pages = n_pages,
                       .n_free = n_pages};
    a->row_bytes = (size_t)ae_dtype_row_bytes(ae_dtype_get(p->type), c->head_dim);
    a->head_bytes = 2 * page_tokens * a->row_bytes;
    a->data = ae_mem_alloc(AE_MEM_KV, (size_t)size + SPARE_BYTES);
    a->n_holders = ae_mem_alloc_array(AE_MEM_KV, n_pages, sizeof *a->n_holders);
    a->free_pages = ae_mem_alloc_array(AE_MEM_KV, n_pages, sizeof *a->free_pages);
    if (!a->data || !a->n_holders || !a->free_pages)
        return ae_fail_memory(err, (size_t)size, "keys and values (choose a smaller --ctx)");
    for (size_t i = 0; i < n_pages; i++) a->free_pages[i] = (ae_kv_page)(n_pages - 1 - i);
    return AEON_OK;
}

static void arena_release(ae_kv_arena *a)
{
    ae_mem_free(a->data);
    ae_mem_free(a->n_holders);
    ae_mem_free(a->free_pages);
    ae_mem_free(a);
}

aeon_status ae_kv_arena_new(ae_kv_arena **out, const ae_config *c, const ae_kv_arena_params *params,
                            aeon_error *err)
{
    ae_kv_arena *a = ae_mem_alloc(AE_MEM_KV, sizeof *a);
    if (!a) return ae_fail_memory(err, sizeof *a, "keys and values");
    aeon_status status = arena_init(a, c, params, err);
    if (status != AEON_OK) {
        arena_release(a);
        return status;
    }
    *out = a;
    return AEON_OK;
}

void ae_kv_arena_free(ae_kv_arena *a)
{
    if (!a) return;
    AEON_ASSERT(a->n_free == a->n_pages);
    arena_release(a);
}

aeon_type ae_kv_arena_type(const ae_kv_arena *a)
{
    return a->type;
}

size_t ae_kv_arena_page_tokens(const ae_kv_arena *a)
{
    return a->page_tokens;
}

size_t ae_kv_arena_page_bytes(const ae_kv_arena *a)
{
    return a->page_bytes;
}

size_t ae_kv_arena_n_pages(const ae_kv_arena *a)
{
    return a->n_pages;
}

size_t ae_kv_arena_n_free(const ae_kv_arena *a)
{
    return a->n_free;
}

size_t ae_kv_row_bytes(const ae_kv_arena *a)
{
    return a->row_bytes;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* BF16 values stand in pairs of positions: number d of position 2 i is at 2 (i D + d), that of the
 * next behind it. The second of a pair that has only its first is zeros: attention multiplies it,
 * by 0. */
static bool is_paired(const ae_kv_arena *a)
{
    return a->type == AEON_TYPE_BF16;
}

static uint16_t *pair_at(const ae_kv_arena *a, char *values, size_t pos)
{
    return (uint16_t *)(void *)values + pos / 2 * 2 * a->head_dim;
}

/* values: those of a head in a page. row: as the type has it. */
static void put_value_row(const ae_kv_arena *a, char *values, size_t pos, const void *row)
{
    const uint16_t *halves = row;
    if (!is_paired(a)) {
        memcpy(values + pos * a->row_bytes, row, a->row_bytes);
        return;
    }
    uint16_t *pair = pair_at(a, values, pos);
    for (size_t d = 0; d < a->head_dim; d++) {
        if (pos % 2 == 0) pair[2 * d + 1] = 0;
        pair[2 * d + pos % 2] = halves[d];
    }
}

static void get_value_row(const ae_kv_arena *a, char *values, size_t pos, void *row)
{
    uint16_t *halves = row;
    if (!is_paired(a)) {
        memcpy(row, values + pos * a->row_bytes, a->row_bytes);
        return;
    }
    for (size_t d = 0; d < a->head_dim; d++) halves[d] = pair_at(a, values, pos)[2 * d + pos % 2];
}

/* ---- pages ----------------------------------------------------------------------------------- */

static ae_kv_page take_page(ae_kv_arena *a)
{
    AEON_ASSERT(a->n_free > 0);
    ae_kv_page page = a->free_pages[--a->n_free];
    a->n_holders[page] = 1;
    return page;
}

void ae_kv_page_hold(ae_kv_arena *a, ae_kv_page page)
{
    AEON_ASSERT(page < a->n_pages && a->n_holders[page] > 0);
    a->n_holders[page]++;
}

void ae_kv_page_drop(ae_kv_arena *a, ae_kv_page page)
{
    AEON_ASSERT(page < a->n_pages && a->n_holders[page] > 0);
    if (--a->n_holders[page] == 0) a->free_pages[a->n_free++] = page;
}

uint32_t ae_kv_page_n_holders(const ae_kv_arena *a, ae_kv_page page)
{
    AEON_ASSERT(page < a->n_pages);
    return a->n_holders[page];
}

void *ae_kv_page_data(ae_kv_arena *a, ae_kv_page page)
{
    AEON_ASSERT(page < a->n_pages);
    return a->data + page * a->page_bytes;
}

void ae_kv_page_clear(const ae_kv_arena *a, void *copy, size_t n)
{
    static const char zeros[AE_MAX_HEAD_DIM * sizeof(float)];
    char *end = (char *)copy + a->page_bytes;
    for (char *head = copy; head < end; head += a->head_bytes) {
        for (size_t pos = n; pos < a->page_tokens; pos++) {
            ae_panel_put_row(head + pos / AE_KV_RUN * AE_KV_RUN * a->row_bytes, a->type, AE_KV_RUN,
                             pos % AE_KV_RUN, zeros, a->head_dim);
            put_value_row(a, head + a->page_tokens * a->row_bytes, pos, zeros);
        }
    }
}

/* ---- tables ---------------------------------------------------------------------------------- */

static size_t pages_for(const ae_kv *kv, size_t n_tokens)
{
    size_t page_tokens = kv->arena->page_tokens;
    return n_tokens / page_tokens + (n_tokens % page_tokens != 0);
}

aeon_status ae_kv_init(ae_kv *kv, ae_kv_arena *arena, size_t n_ctx, aeon_error *err)
{
    ae_kv empty = {.arena = arena};
    empty.cap = pages_for(&empty, n_ctx);
    empty.pages = ae_mem_alloc_array(AE_MEM_KV, empty.cap, sizeof *empty.pages);
    if (!empty.pages)
        return ae_fail_memory(err, empty.cap * sizeof *empty.pages, "a table of pages");
    *kv = empty;
    return AEON_OK;
}

void ae_kv_release(ae_kv *kv)
{
    if (!kv->pages) return;
    ae_kv_shorten(kv, 0);
    ae_mem_free(kv->pages);
    *kv = (ae_kv){0};
}

size_t ae_kv_grow_needs(const ae_kv *kv, size_t pos, size_t n)
{
    size_t end = pages_for(kv, pos + n), n_needed = end > kv->n_pages ? end - kv->n_pages : 0;
    for (size_t i = pos / kv->arena->page_tokens; i < kv->n_pages && i < end; i++)
        n_needed += kv->arena->n_holders[kv->pages[i]] > 1;
    return n_needed;
}

/* Put a page of the table's own, with what stands in it or empty, in the place of a shared one. */
static void part_page(ae_kv *kv, size_t i, bool is_empty)
{
    ae_kv_arena *a = kv->arena;
    ae_kv_page own = take_page(a);
    if (!is_empty) memcpy(ae_kv_page_data(a, own), ae_kv_page_data(a, kv->pages[i]), a->page_bytes);
    ae_kv_page_drop(a, kv->pages[i]);
    kv->pages[i] = own;
}

static aeon_status check_free(const ae_kv *kv, size_t pos, size_t n, aeon_error *err)
{
    const ae_kv_arena *a = kv->arena;
    size_t n_needed = ae_kv_grow_needs(kv, pos, n);
    if (n_needed <= a->n_free) return AEON_OK;
    return ae_fail(err, AEON_OUT_OF_MEMORY,
                   "keys and values: %zu more pages of %zu tokens are needed, %zu of %zu are free; "
                   "close other talks or raise --ctx",
                   n_needed, a->page_tokens, a->n_free, a->n_pages);
}

aeon_status ae_kv_part(ae_kv *kv, size_t pos, size_t n, aeon_error *err)
{
    size_t page_tokens = kv->arena->page_tokens;
    AEON_ASSERT(pages_for(kv, pos + n) <= kv->n_pages);
    TRY(check_free(kv, pos, n, err));
    for (size_t i = pos / page_tokens; i < pages_for(kv, pos + n); i++)
        if (kv->arena->n_holders[kv->pages[i]] > 1) part_page(kv, i, false);
    return AEON_OK;
}

aeon_status ae_kv_grow(ae_kv *kv, size_t pos, size_t n, aeon_error *err)
{
    ae_kv_arena *a = kv->arena;
    size_t begin = pos / a->page_tokens, end = pages_for(kv, pos + n);
    AEON_ASSERT(n >= 1 && end <= kv->cap && pages_for(kv, pos) <= kv->n_pages);
    TRY(check_free(kv, pos, n, err));
    for (size_t i = begin; i < kv->n_pages && i < end; i++)
        if (a->n_holders[kv->pages[i]] > 1) part_page(kv, i, i * a->page_tokens >= pos);
    while (kv->n_pages < end) kv->pages[kv->n_pages++] = take_page(a);
    return AEON_OK;
}

void ae_kv_shorten(ae_kv *kv, size_t n_tokens)
{
    size_t n_keep = pages_for(kv, n_tokens);
    while (kv->n_pages > n_keep) ae_kv_page_drop(kv->arena, kv->pages[--kv->n_pages]);
}

void ae_kv_append(ae_kv *kv, ae_kv_page page)
{
    AEON_ASSERT(kv->n_pages < kv->cap);
    ae_kv_page_hold(kv->arena, page);
    kv->pages[kv->n_pages++] = page;
}

void ae_kv_share(ae_kv *to, const ae_kv *from, size_t n_tokens)
{
    size_t n = pages_for(from, n_tokens);
    AEON_ASSERT(to->arena == from->arena && to->n_pages == 0 && n <= from->n_pages);
    for (size_t i = 0; i < n; i++) ae_kv_append(to, from->pages[i]);
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* Where a head's keys begin in the page of a position; its values follow. */
static char *head_at(const ae_kv *kv, size_t layer, size_t head, size_t pos)
{
    const ae_kv_arena *a = kv->arena;
    size_t i = pos / a->page_tokens;
    AEON_ASSERT(i < kv->n_pages && layer < a->n_layers && head < a->n_heads);
    return a->data + kv->pages[i] * a->page_bytes + (layer * a->n_heads + head) * a->head_bytes;
}

/* The panel of the run that a position stands in. */
static char *panel_at(const ae_kv *kv, size_t layer, size_t head, size_t pos)
{
    size_t run = pos % kv->arena->page_tokens / AE_KV_RUN;
    return head_at(kv, layer, head, pos) + run * AE_KV_RUN * kv->arena->row_bytes;
}

static char *values_at(const ae_kv *kv, size_t layer, size_t head, size_t pos)
{
    return head_at(kv, layer, head, pos) + kv->arena->page_tokens * kv->arena->row_bytes;
}

ae_kv_run ae_kv_run_at(const ae_kv *kv, size_t layer, size_t head, size_t pos)
{
    AEON_ASSERT(pos % AE_KV_RUN == 0);
    size_t before = pos % kv->arena->page_tokens * kv->arena->row_bytes;
    return (ae_kv_run){panel_at(kv, layer, head, pos), values_at(kv, layer, head, pos) + before};
}

static void to_row(const ae_kv_arena *a, const ae_kernels *kernels, const float *x, void *row)
{
    if (a->type == AEON_TYPE_F16)
        kernels->f32_to_f16(x, row, a->head_dim);
    else if (a->type == AEON_TYPE_BF16)
        kernels->f32_to_bf16(x, row, a->head_dim);
    else
        ae_dtype_get(a->type)->from_f32(x, row, a->head_dim);
}

void ae_kv_put_key(ae_kv *kv, const ae_kernels *kernels, size_t layer, size_t head, size_t pos,
                   const float *key)
{
    const ae_kv_arena *a = kv->arena;
    float row[AE_MAX_HEAD_DIM];
    to_row(a, kernels, key, row);
    ae_panel_put_row(panel_at(kv, layer, head, pos), a->type, AE_KV_RUN, pos % AE_KV_RUN, row,
                     a->head_dim);
}

void ae_kv_put_value(ae_kv *kv, const ae_kernels *kernels, size_t layer, size_t head, size_t pos,
                     const float *value)
{
    const ae_kv_arena *a = kv->arena;
    float row[AE_MAX_HEAD_DIM];
    to_row(a, kernels, value, row);
    put_value_row(a, values_at(kv, layer, head, pos), pos % a->page_tokens, row);
}

void ae_kv_get_key(const ae_kv *kv, size_t layer, size_t head, size_t pos, float *key)
{
    const ae_kv_arena *a = kv->arena;
    float row[AE_MAX_HEAD_DIM];
    ae_panel_row(row, a->type, AE_KV_RUN, panel_at(kv, layer, head, pos), pos % AE_KV_RUN,
                 a->head_dim);
    ae_dtype_get(a->type)->to_f32(row, key, a->head_dim);
}

void ae_kv_get_value(const ae_kv *kv, size_t layer, size_t head, size_t pos, float *value)
{
    const ae_kv_arena *a = kv->arena;
    float row[AE_MAX_HEAD_DIM];
    get_value_row(a, values_at(kv, layer, head, pos), pos % a->page_tokens, row);
    ae_dtype_get(a->type)->to_f32(row, value, a->head_dim);
}
