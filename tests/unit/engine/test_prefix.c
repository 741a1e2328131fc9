/* The tree of known beginnings: what it finds, what it forgets, who holds which page. Pages carry a
 * mark that says which ids they were computed from, so a wrong page shows whatever its number. */
#include "aeon/base.h"
#include "base/mem.h"
#include "check.h"
#include "engine/prefix.h"

#include <string.h>

enum { N_PAGES = 24, PAGE = AE_KV_RUN, DEPTH = 6, N_IDS = DEPTH * PAGE, N_TABLES = 8 };

static aeon_error err;
static const ae_config config = {.n_layers = 1, .n_heads = 1, .n_kv_heads = 1, .head_dim = 32};
static const ae_prefix_key keys[] = {
    {AE_ROPE_SET_SHORT, 0}, {AE_ROPE_SET_LONG, 0}, {AE_ROPE_SET_SHORT, 1}};
enum { N_KEYS = sizeof keys / sizeof *keys };

/* ---- timelines of the tests ------------------------------------------------------------------ */

/* A timeline is a word: a letter stands for a page of ids. Letters 0 and 1 part at the last id of
 * the page, 2 parts from both at the first. */
typedef struct {
    bool is_open;
    int key;
    uint8_t word[DEPTH];
    size_t n; /* ids computed */
    ae_kv kv;
} table;

typedef struct {
    ae_kv_arena *arena;
    ae_prefix *prefix;
} setup;

static setup make_setup(size_t n_chains)
{
    setup s = {0};
    ae_kv_arena_params params = {.type = AEON_TYPE_F32, .n_tokens = N_PAGES * PAGE};
    CHECK_OK(ae_kv_arena_new(&s.arena, &config, &params, &err));
    CHECK_OK(ae_prefix_new(&s.prefix, s.arena, n_chains, &err));
    assert_int_equal(ae_kv_arena_page_tokens(s.arena), PAGE);
    return s;
}

static void free_setup(setup *s)
{
    ae_prefix_free(s->prefix);
    assert_int_equal(ae_kv_arena_n_free(s->arena), N_PAGES);
    ae_kv_arena_free(s->arena);
}

static const int32_t *ids_of(const uint8_t *word)
{
    static int32_t ids[N_IDS];
    for (size_t i = 0; i < N_IDS; i++) ids[i] = 7;
    for (size_t i = 0; i < DEPTH; i++) {
        ids[i * PAGE] += word[i] == 2;
        ids[i * PAGE + PAGE - 1] += word[i] == 1;
    }
    return ids;
}

/* What the page at place i of a timeline is marked with: all that its bits depend on. */
static uint64_t mark_of(int key, const uint8_t *word, size_t i)
{
    uint64_t mark = 1 + (uint64_t)key;
    for (size_t k = 0; k <= i; k++) mark = mark * 4 + word[k];
    return mark;
}

static uint64_t *mark_at(const table *t, size_t i)
{
    return ae_kv_page_data(t->kv.arena, t->kv.pages[i]);
}

/* Of full pages: what is behind the last id of a page that is begun is written before it is read.
 */
static void check_marks(const table *t)
{
    for (size_t i = 0; i < t->n / PAGE; i++)
        assert_int_equal(*mark_at(t, i), mark_of(t->key, t->word, i));
}

/* "Compute" n more ids; false if there are no pages. */
static bool compute(table *t, size_t n)
{
    if (!n) return true;
    if (ae_kv_grow(&t->kv, t->n, n, &err) != AEON_OK) return false;
    for (size_t i = t->n / PAGE; i < t->kv.n_pages; i++)
        *mark_at(t, i) = mark_of(t->key, t->word, i);
    t->n += n;
    return true;
}

static size_t find(setup *s, table *t, size_t n)
{
    return ae_prefix_find(s->prefix, keys[t->key], ids_of(t->word), n, &t->kv);
}

/* A table of this timeline that begins with what the tree knows of its first n ids. */
static table open_table(setup *s, int key, const char *word, size_t n)
{
    table t = {.is_open = true, .key = key};
    for (size_t i = 0; i < DEPTH && word[i]; i++) t.word[i] = (uint8_t)(word[i] - '0');
    CHECK_OK(ae_kv_init(&t.kv, s->arena, N_IDS, &err));
    t.n = find(s, &t, n);
    check_marks(&t);
    return t;
}

static void add(setup *s, table *t)
{
    ae_prefix_add(s->prefix, keys[t->key], ids_of(t->word), t->n, &t->kv);
    check_marks(t);
}

/* A timeline comes, is remembered and goes. */
static void tell(setup *s, int key, const char *word)
{
    size_t n = strlen(word) * PAGE;
    table t = open_table(s, key, word, n);
    assert_true(compute(&t, n - t.n));
    add(s, &t);
    ae_kv_release(&t.kv);
}

/* How many pages of a word the tree knows; the lookup makes them the newest. */
static size_t known(setup *s, int key, const char *word)
{
    table t = open_table(s, key, word, strlen(word) * PAGE);
    size_t n = t.kv.n_pages;
    ae_kv_release(&t.kv);
    return n;
}

static size_t n_known_pages(const setup *s)
{
    return ae_prefix_stats_get(s->prefix).n_pages;
}

/* ---- finding --------------------------------------------------------------------------------- */

static void finds_the_longest_known_beginning_at_every_cut(void **state)
{
    (void)state;
    setup s = make_setup(0);
    table t = open_table(&s, 0, "01201", N_IDS);
    assert_int_equal(t.n, 0);
    assert_true(compute(&t, 4 * PAGE + 5)); /* the fifth page is not full */
    add(&s, &t);
    assert_int_equal(n_known_pages(&s), 4);
    int32_t ids[N_IDS];
    for (size_t n = 0; n <= N_IDS; n++)
        for (size_t part = 0; part <= N_IDS; part++) {
            table other = {0};
            CHECK_OK(ae_kv_init(&other.kv, s.arena, N_IDS, &err));
            memcpy(ids, ids_of(t.word), sizeof ids);
            if (part < N_IDS) ids[part] ^= 1 << part % 31;
            size_t same = part < n ? part : n, expected = same < 4 * PAGE ? same / PAGE : 4;
            assert_int_equal(ae_prefix_find(s.prefix, keys[0], ids, n, &other.kv), expected * PAGE);
            assert_int_equal(other.kv.n_pages, expected);
            assert_memory_equal(other.kv.pages, t.kv.pages, expected * sizeof(ae_kv_page));
            ae_kv_release(&other.kv);
        }
    ae_kv_release(&t.kv);
    assert_int_equal(ae_kv_arena_n_free(s.arena), N_PAGES - 4);
    free_setup(&s);
}

static void keys_are_apart(void **state)
{
    (void)state;
    for (size_t n_chains = 0; n_chains <= 1; n_chains++) {
        setup s = make_setup(n_chains);
        for (int key = 0; key < N_KEYS; key++) {
            assert_int_equal(known(&s, key, "012"), 0);
            tell(&s, key, "012");
            for (int other = 0; other < N_KEYS; other++)
                assert_int_equal(known(&s, other, "012"), other <= key ? 3 : 0);
        }
        assert_int_equal(n_known_pages(&s), 3 * N_KEYS);
        free_setup(&s);
    }
}

/* "0" stands at the beginning, behind "1", and behind itself: equal ids, three pages. */
static void a_page_is_known_by_all_before_it(void **state)
{
    (void)state;
    setup s = make_setup(1);
    tell(&s, 0, "00");
    tell(&s, 0, "10");
    assert_int_equal(n_known_pages(&s), 4);
    assert_int_equal(known(&s, 0, "000"), 2);
    assert_int_equal(known(&s, 0, "100"), 2);
    assert_int_equal(known(&s, 0, "200"), 0);
    free_setup(&s);
}

static void two_who_computed_the_same_share_it_when_both_have_added(void **state)
{
    (void)state;
    setup s = make_setup(0);
    table a = open_table(&s, 0, "0120", N_IDS), b = open_table(&s, 0, "0121", N_IDS);
    assert_true(compute(&a, 4 * PAGE) && compute(&b, 4 * PAGE));
    assert_int_equal(ae_kv_arena_n_free(s.arena), N_PAGES - 8);
    add(&s, &a);
    add(&s, &a);
    assert_int_equal(ae_kv_arena_n_free(s.arena), N_PAGES - 8);
    add(&s, &b);
    assert_int_equal(ae_kv_arena_n_free(s.arena), N_PAGES - 5);
    assert_memory_equal(a.kv.pages, b.kv.pages, 3 * sizeof(ae_kv_page));
    assert_int_not_equal(a.kv.pages[3], b.kv.pages[3]);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ae_kv_page_n_holders(s.arena, a.kv.pages[i]), 3);
    ae_kv_release(&a.kv);
    ae_kv_release(&b.kv);
    assert_int_equal(ae_kv_arena_n_free(s.arena), N_PAGES - 5);
    free_setup(&s);
}

/* ---- forgetting ------------------------------------------------------------------------------ */

static void the_least_recently_used_goes_first(void **state)
{
    (void)state;
    setup s = make_setup(0);
    tell(&s, 0, "00");
    tell(&s, 0, "11");
    tell(&s, 1, "22");
    assert_int_equal(known(&s, 0, "0"), 1); /* the newest now, but "00" is the oldest */
    assert_int_equal(ae_prefix_make_room(s.prefix, 0), N_PAGES - 6);
    assert_int_equal(ae_prefix_make_room(s.prefix, N_PAGES - 6), N_PAGES - 6);
    static const struct {
        size_t n00, n11, n22;
    } left[] = {{1, 2, 2}, {1, 1, 2}, {1, 0, 2}, {1, 0, 1}, {1, 0, 0}, {0, 0, 0}};
    for (size_t k = 0; k < AE_COUNT(left); k++) {
        assert_int_equal(ae_prefix_make_room(s.prefix, N_PAGES - 5 + k), N_PAGES - 5 + k);
        assert_int_equal(ae_prefix_stats_get(s.prefix).n_evicted, k + 1);
        assert_int_equal(known(&s, 0, "11"), left[k].n11); /* in the order they came, */
        assert_int_equal(known(&s, 1, "22"), left[k].n22);
        assert_int_equal(known(&s, 0, "00"), left[k].n00); /* the oldest stays the newest */
    }
    free_setup(&s);
}

static void branches_go_before_what_they_grow_on(void **state)
{
    (void)state;
    setup s = make_setup(0);
    tell(&s, 0, "000");
    tell(&s, 0, "001");
    tell(&s, 0, "012");
    assert_int_equal(n_known_pages(&s), 6);
    for (size_t n = 6; n-- > 0;) {
        ae_prefix_make_room(s.prefix, N_PAGES - n);
        size_t a = known(&s, 0, "000"), b = known(&s, 0, "001"), c = known(&s, 0, "012");
        size_t both = a < b ? a : b; /* of 000 and 001; 012 shares their first page */
        if (both > 2) both = 2;
        size_t found = a + b - both + c - (c && (a || b));
        assert_int_equal(found, n); /* what is remembered is reached: no branch hangs in the air */
    }
    free_setup(&s);
}

static void pages_in_use_are_kept(void **state)
{
    (void)state;
    setup s = make_setup(0);
    tell(&s, 0, "012");
    table t = open_table(&s, 0, "01", 2 * PAGE);
    tell(&s, 1, "00");
    assert_int_equal(ae_prefix_make_room(s.prefix, N_PAGES), N_PAGES - 2);
    assert_int_equal(ae_prefix_stats_get(s.prefix).n_evicted, 3);
    assert_int_equal(known(&s, 0, "012"), 2);
    ae_kv_release(&t.kv);
    assert_int_equal(ae_prefix_make_room(s.prefix, N_PAGES), N_PAGES);
    assert_int_equal(n_known_pages(&s), 0);
    free_setup(&s);
}

/* A fork holds the second page that the tree took from its origin, but a first page of its own: the
 * one below the second in the tree belongs to nobody else, and must not be stuck. */
static void a_held_leaf_does_not_block_the_pages_below_it(void **state)
{
    (void)state;
    setup s = make_setup(0);
    table a = open_table(&s, 0, "01", N_IDS), b = open_table(&s, 0, "01", N_IDS), fork = {0};
    assert_true(compute(&a, PAGE) && compute(&b, 2 * PAGE));
    CHECK_OK(ae_kv_init(&fork.kv, s.arena, N_IDS, &err));
    memcpy(fork.word, b.word, sizeof fork.word);
    fork.n = b.n;
    ae_kv_share(&fork.kv, &b.kv, b.n);
    add(&s, &a);
    add(&s, &b);
    ae_kv_release(&a.kv);
    ae_kv_release(&b.kv);
    assert_int_equal(ae_kv_arena_n_free(s.arena), N_PAGES - 3);
    assert_int_equal(ae_prefix_make_room(s.prefix, N_PAGES), N_PAGES - 2);
    check_marks(&fork);
    add(&s, &fork);
    assert_int_equal(n_known_pages(&s), 2);
    ae_kv_release(&fork.kv);
    free_setup(&s);
}

static void clearing_forgets_all_and_counts_go_on(void **state)
{
    (void)state;
    setup s = make_setup(0);
    tell(&s, 0, "0120");
    tell(&s, 2, "01");
    table t = open_table(&s, 0, "0122", 4 * PAGE - 1);
    ae_prefix_clear(s.prefix);
    assert_int_equal(ae_kv_arena_n_free(s.arena), N_PAGES - 3);
    assert_int_equal(known(&s, 0, "012"), 0);
    check_marks(&t);
    ae_kv_release(&t.kv);
    ae_prefix_stats stats = ae_prefix_stats_get(s.prefix);
    assert_int_equal(stats.n_pages, 0);
    assert_int_equal(stats.n_evicted, 0);
    assert_int_equal(stats.n_lookups, 4);
    assert_int_equal(stats.n_asked_tokens, (4 + 2 + 4 + 3) * PAGE - 1);
    assert_int_equal(stats.n_hit_tokens, 3 * PAGE);
    tell(&s, 0, "0120");
    assert_int_equal(known(&s, 0, "012"), 3);
    free_setup(&s);
}

/* ---- against a naive model ------------------------------------------------------------------- */

/* A remembered page: a list of these, searched from end to end, is the model of the tree. */
typedef struct {
    int key;
    size_t n; /* pages of its path, itself included */
    uint8_t word[DEPTH];
    ae_kv_page page;
    uint64_t used;
} entry;

typedef struct {
    setup s;
    table tables[N_TABLES];
    entry entries[N_PAGES];
    size_t n_entries, n_evicted;
    uint64_t now, random;
} history;

static size_t chance(history *h, size_t n)
{
    return (size_t)(check_random(&h->random) % n);
}

static entry *find_entry(history *h, int key, const uint8_t *word, size_t n)
{
    for (entry *e = h->entries; e < h->entries + h->n_entries; e++)
        if (e->key == key && e->n == n && memcmp(e->word, word, n) == 0) return e;
    return NULL;
}

static bool is_below(const entry *a, const entry *b)
{
    return a->key == b->key && a->n < b->n && memcmp(a->word, b->word, a->n) == 0;
}

static uint32_t n_holders(const history *h, ae_kv_page page)
{
    uint32_t n = 0;
    for (size_t i = 0; i < h->n_entries; i++) n += h->entries[i].page == page;
    for (size_t k = 0; k < N_TABLES; k++)
        for (size_t i = 0; i < h->tables[k].kv.n_pages; i++) n += h->tables[k].kv.pages[i] == page;
    return n;
}

static size_t n_free(const history *h)
{
    size_t n = 0;
    for (ae_kv_page page = 0; page < N_PAGES; page++) n += n_holders(h, page) == 0;
    return n;
}

static void check_history(history *h)
{
    for (ae_kv_page page = 0; page < N_PAGES; page++)
        assert_int_equal(ae_kv_page_n_holders(h->s.arena, page), n_holders(h, page));
    assert_int_equal(n_known_pages(&h->s), h->n_entries);
    assert_int_equal(ae_prefix_stats_get(h->s.prefix).n_evicted, h->n_evicted);
    for (size_t k = 0; k < N_TABLES; k++) check_marks(&h->tables[k]);
}

/* No entry stands on it, and its page or one below it is held by the tree alone. */
static bool may_go(const history *h, const entry *e)
{
    bool is_worth = n_holders(h, e->page) == 1;
    for (const entry *other = h->entries; other < h->entries + h->n_entries; other++) {
        if (is_below(e, other)) return false;
        is_worth |= is_below(other, e) && n_holders(h, other->page) == 1;
    }
    return is_worth;
}

static void model_make_room(history *h, size_t n_pages)
{
    while (n_free(h) < n_pages) {
        entry *worst = NULL;
        for (entry *e = h->entries; e < h->entries + h->n_entries; e++)
            if ((!worst || e->used < worst->used) && may_go(h, e)) worst = e;
        if (!worst) break;
        *worst = h->entries[--h->n_entries];
        h->n_evicted++;
    }
}

static void make_room(history *h, size_t n_pages)
{
    model_make_room(h, n_pages);
    assert_int_equal(ae_prefix_make_room(h->s.prefix, n_pages), n_free(h));
}

/* Other letters from id t->n on, where the letter of a page that is begun keeps what was computed.
 */
static void choose_letters(history *h, table *t)
{
    for (size_t i = t->n / PAGE; i < DEPTH; i++) {
        bool is_begun = i * PAGE < t->n;
        if (!is_begun || t->word[i] < 2) t->word[i] = (uint8_t)(chance(h, 4) % (is_begun ? 2 : 3));
    }
}

static void act_find(history *h, table *t)
{
    *t = (table){.is_open = true, .key = (int)chance(h, N_KEYS)};
    CHECK_OK(ae_kv_init(&t->kv, h->s.arena, N_IDS, &err));
    choose_letters(h, t);
    size_t n = chance(h, N_IDS + 1), n_pages = 0;
    t->n = find(&h->s, t, n);
    entry *e;
    while ((n_pages + 1) * PAGE <= n && (e = find_entry(h, t->key, t->word, n_pages + 1))) {
        e->used = h->now;
        assert_int_equal(t->kv.pages[n_pages++], e->page);
    }
    assert_int_equal(t->kv.n_pages, n_pages);
    assert_int_equal(t->n, n_pages * PAGE);
}

static void act_compute(history *h, table *t)
{
    size_t n = chance(h, N_IDS - t->n + 1), needed = n ? ae_kv_grow_needs(&t->kv, t->n, n) : 0;
    make_room(h, needed);
    bool has_room = needed <= n_free(h);
    assert_int_equal(compute(t, n), has_room);
}

static void act_add(history *h, table *t)
{
    size_t n = chance(h, t->n + 1);
    for (size_t i = 0; i < n / PAGE; i++) {
        entry *e = find_entry(h, t->key, t->word, i + 1);
        if (!e) {
            e = &h->entries[h->n_entries++];
            *e = (entry){.key = t->key, .n = i + 1, .page = t->kv.pages[i]};
            memcpy(e->word, t->word, sizeof e->word);
        }
        e->used = h->now;
    }
    ae_prefix_add(h->s.prefix, keys[t->key], ids_of(t->word), n, &t->kv);
    for (size_t i = 0; i < n / PAGE; i++)
        assert_int_equal(t->kv.pages[i], find_entry(h, t->key, t->word, i + 1)->page);
}

static void act_fork(history *h, table *t, const table *from)
{
    *t = (table){.is_open = true, .key = from->key, .n = from->n};
    memcpy(t->word, from->word, sizeof t->word);
    CHECK_OK(ae_kv_init(&t->kv, h->s.arena, N_IDS, &err));
    ae_kv_share(&t->kv, &from->kv, from->n);
}

static void act_rewind(history *h, table *t)
{
    t->n = chance(h, t->n + 1);
    ae_kv_shorten(&t->kv, t->n);
    choose_letters(h, t);
}

static void act_close(table *t)
{
    ae_kv_release(&t->kv);
    *t = (table){0};
}

static void act(history *h)
{
    table *t = &h->tables[chance(h, N_TABLES)], *other = &h->tables[chance(h, N_TABLES)];
    size_t what = chance(h, 100);
    h->now += 1;
    if (chance(h, 500) == 0) {
        ae_prefix_clear(h->s.prefix);
        h->n_entries = 0;
    } else if (what < 5) {
        make_room(h, chance(h, N_PAGES + 1));
    } else if (!t->is_open) {
        if (other->is_open && what < 50)
            act_fork(h, t, other);
        else
            act_find(h, t);
    } else if (what < 25) {
        act_close(t);
    } else if (what < 35) {
        act_rewind(h, t);
    } else if (what < 65) {
        act_compute(h, t);
    } else {
        act_add(h, t);
    }
}

/* With one chain all hashes are equal. */
static void a_random_history_is_that_of_a_naive_list(void **state)
{
    (void)state;
    for (size_t n_chains = 0; n_chains <= 2; n_chains++) {
        history h = {.s = make_setup(n_chains), .random = 11 + n_chains};
        for (int turn = 0; turn < 30000; turn++) {
            act(&h);
            check_history(&h);
        }
        ae_prefix_stats stats = ae_prefix_stats_get(h.s.prefix);
        assert_true(stats.n_hit_tokens > 500 * PAGE && stats.n_evicted > 1000);
        for (size_t k = 0; k < N_TABLES; k++) act_close(&h.tables[k]);
        free_setup(&h.s);
    }
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void a_birth_without_memory_leaves_nothing(void **state)
{
    (void)state;
    ae_kv_arena *arena = NULL;
    ae_prefix *p = NULL;
    ae_kv_arena_params params = {.type = AEON_TYPE_F32, .n_tokens = N_PAGES * PAGE};
    CHECK_OK(ae_kv_arena_new(&arena, &config, &params, &err));
    size_t before = aeon_memory_stats_get().current_bytes;
    uint64_t k = 1;
    for (aeon_status status = AEON_OUT_OF_MEMORY; status != AEON_OK; k++) {
        ae_mem_fail_at(k, false);
        status = ae_prefix_new(&p, arena, 0, &err);
        ae_mem_fail_at(0, false);
        if (status == AEON_OK) break;
        assert_int_equal(status, AEON_OUT_OF_MEMORY);
        assert_null(p);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
    assert_int_equal(k, 5); /* four blocks */
    ae_prefix_free(p);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    ae_prefix_free(NULL);
    ae_kv_arena_free(arena);
}

static void nothing_is_allocated_after_the_birth(void **state)
{
    (void)state;
    setup s = make_setup(0);
    table t = open_table(&s, 0, "01201", 0), other = open_table(&s, 0, "01202", 0);
    assert_true(compute(&t, 5 * PAGE));
    ae_mem_forbid(true);
    add(&s, &t);
    find(&s, &other, N_IDS);
    ae_prefix_make_room(s.prefix, N_PAGES);
    ae_prefix_clear(s.prefix);
    ae_mem_forbid(false);
    assert_int_equal(other.kv.n_pages, 4);
    ae_kv_release(&t.kv);
    ae_kv_release(&other.kv);
    free_setup(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_longest_known_beginning_at_every_cut),
        cmocka_unit_test(keys_are_apart),
        cmocka_unit_test(a_page_is_known_by_all_before_it),
        cmocka_unit_test(two_who_computed_the_same_share_it_when_both_have_added),
        cmocka_unit_test(the_least_recently_used_goes_first),
        cmocka_unit_test(branches_go_before_what_they_grow_on),
        cmocka_unit_test(pages_in_use_are_kept),
        cmocka_unit_test(a_held_leaf_does_not_block_the_pages_below_it),
        cmocka_unit_test(clearing_forgets_all_and_counts_go_on),
        cmocka_unit_test(a_random_history_is_that_of_a_naive_list),
        cmocka_unit_test(a_birth_without_memory_leaves_nothing),
        cmocka_unit_test(nothing_is_allocated_after_the_birth),
    };
    return cmocka_run_group_tests_name("prefix", tests, NULL, NULL);
}
