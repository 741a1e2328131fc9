/* prefix.c - the tree of known beginnings.
 *
 *     chains  [ 3 | - | 0 | .. ]           hash of (key, parent, ids) -> first node of a chain
 *     nodes   [ 0 | 1 | 2 | 3 | .. ]       the node of page i is node i: no list of free ones
 *     ids     [ .. | .. | .. | .. ]        page_tokens of each
 *     newest <-> .. <-> oldest             of all nodes
 *
 * A path is touched from its end to its beginning. So a parent is always newer than its children,
 * and one walk from the oldest to the newest meets every node after all that stand on it. */
#include "engine/prefix.h"

#include "base/mem.h"

#include <string.h>

#define NO_PAGE UINT32_MAX

typedef struct {
    ae_prefix_key key;
    ae_kv_page parent; /* NO_PAGE: the page begins a timeline */
    ae_kv_page next;   /* in its chain */
    ae_kv_page newer, older;
    uint32_t n_children;
    bool is_known;
} node;

struct ae_prefix {
    ae_kv_arena *arena;
    size_t page_tokens, n_chains;
    uint64_t hash_key;  /* odd; differs from run to run, so that no prompt can aim at one chain */
    node *nodes;        /* [n_pages] */
    int32_t *ids;       /* [n_pages][page_tokens] */
    ae_kv_page *chains; /* [n_chains] */
    ae_kv_page newest, oldest;
    ae_prefix_stats stats;
};

/* ---- birth and death ------------------------------------------------------------------------- */

static aeon_status prefix_init(ae_prefix *p, ae_kv_arena *arena, size_t n_chains, aeon_error *err)
{
    size_t n_pages = ae_kv_arena_n_pages(arena), page_tokens = ae_kv_arena_page_tokens(arena);
    *p = (ae_prefix){.arena = arena,
                     .page_tokens = page_tokens,
                     .n_chains = n_chains ? n_chains : n_pages,
                     .hash_key = (uint64_t)(uintptr_t)p * 0x9E3779B97F4A7C15u | 1,
                     .newest = NO_PAGE,
                     .oldest = NO_PAGE};
    AEON_ASSERT(p->n_chains > 0);
    p->nodes = ae_mem_alloc_array(AE_MEM_KV, n_pages, sizeof *p->nodes);
    p->ids = ae_mem_alloc_array(AE_MEM_KV, n_pages, page_tokens * sizeof *p->ids);
    p->chains = ae_mem_alloc_array(AE_MEM_KV, p->n_chains, sizeof *p->chains);
    if (!p->nodes || !p->ids || !p->chains)
        return ae_fail_memory(err, n_pages * (sizeof *p->nodes + page_tokens * sizeof *p->ids),
                              "known beginnings (choose a smaller --ctx)");
    for (size_t i = 0; i < p->n_chains; i++) p->chains[i] = NO_PAGE;
    return AEON_OK;
}

static void prefix_release(ae_prefix *p)
{
    ae_mem_free(p->nodes);
    ae_mem_free(p->ids);
    ae_mem_free(p->chains);
    ae_mem_free(p);
}

aeon_status ae_prefix_new(ae_prefix **out, ae_kv_arena *arena, size_t n_chains, aeon_error *err)
{
    ae_prefix *p = ae_mem_alloc(AE_MEM_KV, sizeof *p);
    if (!p) return ae_fail_memory(err, sizeof *p, "known beginnings");
    aeon_status status = prefix_init(p, arena, n_chains, err);
    if (status != AEON_OK) {
        prefix_release(p);
        return status;
    }
    *out = p;
    return AEON_OK;
}

void ae_prefix_free(ae_prefix *p)
{
    if (!p) return;
    ae_prefix_clear(p);
    prefix_release(p);
}

/* ---- the list of use ------------------------------------------------------------------------- */

static void unlink_use(ae_prefix *p, ae_kv_page page)
{
    node *n = &p->nodes[page];
    *(n->newer == NO_PAGE ? &p->newest : &p->nodes[n->newer].older) = n->older;
    *(n->older == NO_PAGE ? &p->oldest : &p->nodes[n->older].newer) = n->newer;
}

static void link_newest(ae_prefix *p, ae_kv_page page)
{
    p->nodes[page].newer = NO_PAGE;
    p->nodes[page].older = p->newest;
    *(p->newest == NO_PAGE ? &p->oldest : &p->nodes[p->newest].newer) = page;
    p->newest = page;
}

static void touch_path(ae_prefix *p, const ae_kv_page *pages, size_t n)
{
    while (n-- > 0) {
        unlink_use(p, pages[n]);
        link_newest(p, pages[n]);
    }
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t value, uint64_t key)
{
    h = (h ^ value) * key;
    return h ^ h >> 32;
}

/* The chain of a node with these ids [page_tokens]. */
static ae_kv_page *chain_of(const ae_prefix *p, ae_prefix_key key, ae_kv_page parent,
                            const int32_t *ids)
{
    uint64_t h = mix(mix((uint64_t)key.rope_set, key.adapter, p->hash_key), parent, p->hash_key);
    for (size_t i = 0; i < p->page_tokens; i++) h = mix(h, (uint32_t)ids[i], p->hash_key);
    return &p->chains[h % p->n_chains];
}

static int32_t *ids_of(const ae_prefix *p, ae_kv_page page)
{
    return p->ids + page * p->page_tokens;
}

/* NO_PAGE if there is none. */
static ae_kv_page find_child(const ae_prefix *p, ae_prefix_key key, ae_kv_page parent,
                             const int32_t *ids)
{
    ae_kv_page page = *chain_of(p, key, parent, ids);
    for (; page != NO_PAGE; page = p->nodes[page].next) {
        const node *n = &p->nodes[page];
        if (n->parent == parent && n->key.rope_set == key.rope_set &&
            n->key.adapter == key.adapter &&
            memcmp(ids_of(p, page), ids, p->page_tokens * sizeof *ids) == 0)
            break;
    }
    return page;
}

static void remember(ae_prefix *p, ae_prefix_key key, ae_kv_page parent, const int32_t *ids,
                     ae_kv_page page)
{
    ae_kv_page *chain = chain_of(p, key, parent, ids);
    AEON_ASSERT(!p->nodes[page].is_known); /* or it would hold two beginnings */
    p->nodes[page] = (node){.key = key, .parent = parent, .next = *chain, .is_known = true};
    *chain = page;
    memcpy(ids_of(p, page), ids, p->page_tokens * sizeof *ids);
    if (parent != NO_PAGE) p->nodes[parent].n_children++;
    link_newest(p, page);
    ae_kv_page_hold(p->arena, page);
    p->stats.n_pages++;
}

static void forget(ae_prefix *p, ae_kv_page page)
{
    node *n = &p->nodes[page];
    AEON_ASSERT(n->is_known && n->n_children == 0);
    ae_kv_page *link = chain_of(p, n->key, n->parent, ids_of(p, page));
    while (*link != page) link = &p->nodes[*link].next;
    *link = n->next;
    if (n->parent != NO_PAGE) p->nodes[n->parent].n_children--;
    unlink_use(p, page);
    memset(ids_of(p, page), 0, p->page_tokens * sizeof *p->ids);
    n->is_known = false;
    ae_kv_page_drop(p->arena, page);
    p->stats.n_pages--;
}

/* ---- finding and adding ---------------------------------------------------------------------- */

size_t ae_prefix_find(ae_prefix *p, ae_prefix_key key, const int32_t *ids, size_t n, ae_kv *kv)
{
    AEON_ASSERT(kv->arena == p->arena && kv->n_pages == 0);
    ae_kv_page page = NO_PAGE;
    size_t pos = 0;
    for (; pos + p->page_tokens <= n; pos += p->page_tokens) {
        page = find_child(p, key, page, ids + pos);
        if (page == NO_PAGE) break;
        ae_kv_append(kv, page);
    }
    touch_path(p, kv->pages, kv->n_pages);
    p->stats.n_lookups++;
    p->stats.n_asked_tokens += n;
    p->stats.n_hit_tokens += pos;
    return pos;
}

/* Put another page of the same bits into place i of a table. */
static void replace_page(ae_kv *kv, size_t i, ae_kv_page page)
{
    ae_kv_page_hold(kv->arena, page);
    ae_kv_page_drop(kv->arena, kv->pages[i]);
    kv->pages[i] = page;
}

void ae_prefix_add(ae_prefix *p, ae_prefix_key key, const int32_t *ids, size_t n, ae_kv *kv)
{
    size_t n_full = n / p->page_tokens;
    AEON_ASSERT(kv->arena == p->arena && n_full <= kv->n_pages);
    ae_kv_page parent = NO_PAGE;
    for (size_t i = 0; i < n_full; i++, ids += p->page_tokens) {
        ae_kv_page page = find_child(p, key, parent, ids);
        if (page == NO_PAGE)
            remember(p, key, parent, ids, kv->pages[i]);
        else
            replace_page(kv, i, page);
        parent = kv->pages[i];
    }
    touch_path(p, kv->pages, n_full);
}

/* ---- forgetting ------------------------------------------------------------------------------ */

/* Does forgetting a leaf free its page, or clear the way to one that it stands on? Tables hold the
 * parents of what they hold, so the second is rare: two sessions computed one beginning side by
 * side, the pages of one are remembered, and a fork of the other, which never added, holds the
 * leaf. */
static bool is_worth_forgetting(const ae_prefix *p, ae_kv_page leaf)
{
    for (ae_kv_page page = leaf; page != NO_PAGE; page = p->nodes[page].parent)
        if (ae_kv_page_n_holders(p->arena, page) == 1) return true;
    return false;
}

size_t ae_prefix_make_room(ae_prefix *p, size_t n_pages)
{
    ae_kv_page page = p->oldest;
    while (page != NO_PAGE && ae_kv_arena_n_free(p->arena) < n_pages) {
        ae_kv_page newer = p->nodes[page].newer;
        if (p->nodes[page].n_children == 0 && is_worth_forgetting(p, page)) {
            forget(p, page);
            p->stats.n_evicted++;
        }
        page = newer;
    }
    return ae_kv_arena_n_free(p->arena);
}

void ae_prefix_clear(ae_prefix *p)
{
    while (p->oldest != NO_PAGE) forget(p, p->oldest);
}

ae_prefix_stats ae_prefix_stats_get(const ae_prefix *p)
{
    return p->stats;
}
