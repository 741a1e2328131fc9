/* model/kv.c: pages are shared, copied on write, counted and given back; a table that can't grow is
 * what it was. A long random history is compared with tables that share nothing. */
#include "base/mem.h"
#include "check.h"
#include "model/kv.h"

#include <stdlib.h>
#include <string.h>

enum { N_CTX = 200, N_TABLES = 6, N_VALUES = 2 * 32 };

static aeon_error err;
static const ae_config config = {.n_layers = 3, .n_heads = 4, .n_kv_heads = 2, .head_dim = 32};

static ae_kv_arena *make_arena(aeon_type type, size_t n_tokens, size_t page_tokens)
{
    ae_kv_arena *a = NULL;
    CHECK_OK(
        ae_kv_arena_new(&a, &config, &(ae_kv_arena_params){type, n_tokens, page_tokens}, &err));
    return a;
}

/* Write a token whose rows all hold this mark. */
static void put(ae_kv *kv, size_t pos, float mark)
{
    float k[N_VALUES], v[N_VALUES];
    for (int i = 0; i < N_VALUES; i++) {
        k[i] = mark;
        v[i] = -mark;
    }
    for (size_t layer = 0; layer < config.n_layers; layer++)
        for (size_t head = 0; head < config.n_kv_heads; head++) {
            ae_kv_put_key(kv, ae_kernels_get(), layer, head, pos, k);
            ae_kv_put_value(kv, ae_kernels_get(), layer, head, pos, v);
        }
}

static void check_mark(const ae_kv *kv, size_t pos, float mark)
{
    float row[32];
    for (size_t layer = 0; layer < config.n_layers; layer++)
        for (size_t head = 0; head < config.n_kv_heads; head++) {
            ae_kv_get_key(kv, layer, head, pos, row);
            assert_true(row[0] == mark && row[31] == mark);
            ae_kv_get_value(kv, layer, head, pos, row);
            assert_true(row[0] == -mark && row[31] == -mark);
        }
}

static void a_fork_shares_until_it_writes(void **state)
{
    (void)state;
    ae_kv_arena *arena = make_arena(AEON_TYPE_F16, 10 * 32, 0);
    ae_kv a, b;
    CHECK_OK(ae_kv_init(&a, arena, N_CTX, &err));
    CHECK_OK(ae_kv_init(&b, arena, N_CTX, &err));
    CHECK_OK(ae_kv_grow(&a, 0, 70, &err));
    for (size_t i = 0; i < 70; i++) put(&a, i, (float)i);
    assert_int_equal(ae_kv_arena_n_free(arena), 7);

    ae_kv_share(&b, &a, 70);
    assert_int_equal(ae_kv_arena_n_free(arena), 7);
    assert_int_equal(ae_kv_page_n_holders(arena, a.pages[2]), 2);
    assert_int_equal(ae_kv_grow_needs(&b, 70, 1), 1);
    CHECK_OK(ae_kv_grow(&b, 70, 1, &err));
    put(&b, 70, 500);
    assert_int_equal(b.pages[1], a.pages[1]);
    assert_int_not_equal(b.pages[2], a.pages[2]);
    assert_int_equal(ae_kv_grow_needs(&a, 70, 1), 0); /* alone again with its last page */
    CHECK_OK(ae_kv_grow(&a, 70, 1, &err));
    put(&a, 70, 600);
    for (size_t i = 0; i < 70; i++) check_mark(&b, i, (float)i);
    check_mark(&b, 70, 500);
    check_mark(&a, 70, 600);

    ae_kv_release(&a);
    for (size_t i = 0; i < 70; i++) check_mark(&b, i, (float)i);
    assert_int_equal(ae_kv_arena_n_free(arena), 7);
    ae_kv_release(&b);
    assert_int_equal(ae_kv_arena_n_free(arena), 10);
    ae_kv_arena_free(arena);
}

static void a_full_arena_changes_nothing(void **state)
{
    (void)state;
    ae_kv_arena *arena = make_arena(AEON_TYPE_BF16, 4 * 32, 0);
    ae_kv a, b;
    CHECK_OK(ae_kv_init(&a, arena, N_CTX, &err));
    CHECK_OK(ae_kv_init(&b, arena, N_CTX, &err));
    CHECK_OK(ae_kv_grow(&a, 0, 100, &err));
    put(&a, 99, 7);
    ae_kv_share(&b, &a, 100);
    CHECK_FAILS(ae_kv_grow(&b, 100, 1, &err), AEON_OUT_OF_MEMORY); /* no page for the copy */
    assert_non_null(strstr(err.text, "1 more page"));
    assert_int_equal(b.n_pages, 4);
    check_mark(&b, 99, 7);
    ae_kv_shorten(&b, 96);
    CHECK_FAILS(ae_kv_grow(&b, 96, 40, &err), AEON_OUT_OF_MEMORY);
    assert_int_equal(b.n_pages, 3);
    ae_kv_shorten(&a, 0);
    CHECK_OK(ae_kv_grow(&b, 96, 30, &err));
    ae_kv_release(&a);
    ae_kv_release(&b);
    ae_kv_arena_free(arena);
}

static void types_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    ae_kv_arena *a = NULL;
    ae_config odd = config;
    odd.head_dim = 48;
    ae_kv_arena_params p = {.type = AEON_TYPE_Q8_0, .n_tokens = 64};
    CHECK_FAILS(ae_kv_arena_new(&a, &odd, &p, &err), AEON_UNSUPPORTED);
    p.type = AEON_TYPE_Q4_0;
    CHECK_FAILS(ae_kv_arena_new(&a, &config, &p, &err), AEON_UNSUPPORTED);
    p = (ae_kv_arena_params){.type = AEON_TYPE_F16, .n_tokens = SIZE_MAX / 2};
    CHECK_FAILS(ae_kv_arena_new(&a, &config, &p, &err), AEON_INVALID_ARGUMENT);
    assert_null(a);
}

/* ---- a long random history ------------------------------------------------------------------- */

typedef struct {
    ae_kv kv;
    size_t n;
    float marks[N_CTX];
} timeline;

/* Pages that the tables hold, each once, and that every page has as many holders as it should. */
static void check_holders(const ae_kv_arena *arena, const timeline *t)
{
    size_t n_pages = ae_kv_arena_n_pages(arena), n_held = 0;
    uint32_t *n_holders = calloc(n_pages, sizeof *n_holders);
    for (int i = 0; i < N_TABLES; i++)
        for (size_t k = 0; k < t[i].kv.n_pages; k++) n_holders[t[i].kv.pages[k]]++;
    for (size_t i = 0; i < n_pages; i++) {
        assert_int_equal(ae_kv_page_n_holders(arena, (ae_kv_page)i), n_holders[i]);
        n_held += n_holders[i] > 0;
    }
    assert_int_equal(ae_kv_arena_n_free(arena), n_pages - n_held);
    free(n_holders);
}

static void act(timeline *t, timeline *other, uint64_t *random, float *mark)
{
    size_t n = 1 + check_random(random) % 40;
    switch (check_random(random) % 4) {
    case 0:
    case 1: /* append */
        if (t->n + n > N_CTX || ae_kv_grow(&t->kv, t->n, n, &err) != AEON_OK) break;
        for (size_t i = 0; i < n; i++) {
            t->marks[t->n] = (*mark)++;
            put(&t->kv, t->n, t->marks[t->n]);
            t->n++;
        }
        break;
    case 2: /* rewind */
        t->n = t->n ? check_random(random) % t->n : 0;
        ae_kv_shorten(&t->kv, t->n);
        break;
    default: /* become a fork of the other's beginning */
        if (t == other) break;
        ae_kv_shorten(&t->kv, 0);
        t->n = other->n ? check_random(random) % (other->n + 1) : 0;
        ae_kv_share(&t->kv, &other->kv, t->n);
        memcpy(t->marks, other->marks, sizeof t->marks);
    }
}

static void a_random_history_is_as_if_nothing_was_shared(void **state)
{
    (void)state;
    for (size_t page = 32; page <= 64; page += 32) {
        static timeline t[N_TABLES];
        uint64_t random = page;
        float mark = 1;
        ae_kv_arena *arena = make_arena(AEON_TYPE_F32, 700, page);
        for (int i = 0; i < N_TABLES; i++) {
            t[i].n = 0;
            CHECK_OK(ae_kv_init(&t[i].kv, arena, N_CTX, &err));
        }
        for (int turn = 0; turn < 3000; turn++) {
            act(&t[check_random(&random) % N_TABLES], &t[check_random(&random) % N_TABLES], &random,
                &mark);
            if (turn % 50 == 0) {
                check_holders(arena, t);
                for (int i = 0; i < N_TABLES; i++)
                    for (size_t k = 0; k < t[i].n; k++) check_mark(&t[i].kv, k, t[i].marks[k]);
            }
        }
        for (int i = 0; i < N_TABLES; i++) ae_kv_release(&t[i].kv);
        assert_int_equal(ae_kv_arena_n_free(arena), ae_kv_arena_n_pages(arena));
        ae_kv_arena_free(arena);
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    size_t before = aeon_memory_stats_get().current_bytes;
    aeon_status status = AEON_OUT_OF_MEMORY;
    for (uint64_t k = 1; status != AEON_OK; k++) {
        ae_kv_arena *a = NULL;
        ae_kv kv = {0};
        ae_mem_fail_at(k, false);
        status = ae_kv_arena_new(&a, &config, &(ae_kv_arena_params){.n_tokens = 64}, &err);
        if (status == AEON_OK) status = ae_kv_init(&kv, a, 64, &err);
        ae_mem_fail_at(0, false);
        assert_true(status == AEON_OK || status == AEON_OUT_OF_MEMORY);
        ae_kv_release(&kv);
        ae_kv_arena_free(a);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fork_shares_until_it_writes),
        cmocka_unit_test(a_full_arena_changes_nothing),
        cmocka_unit_test(types_that_do_not_fit_are_refused),
        cmocka_unit_test(a_random_history_is_as_if_nothing_was_shared),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("kv", tests, NULL, NULL);
}
