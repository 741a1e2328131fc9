/* engine/plan.c: the parts add up, what was left open is chosen, what is impossible is refused with
 * the nearest that is possible, and what is planned holds. */
#include "aeon/file.h"
#include "aeon/machine.h"
#include "aeon/plan.h"
#include "check.h"
#include "model/logits.h"

#include <stdlib.h>
#include <string.h>

static aeon_error err;
static const uint64_t GB = 1000000000;

static aeon_model_info phi(aeon_type type)
{
    aeon_model_info info;
    CHECK_OK(aeon_synth_describe(&info, "phi-4-mini", type, &err));
    return info;
}

static aeon_plan planned(const aeon_model_info *info, aeon_plan_params params)
{
    aeon_plan plan;
    CHECK_OK(aeon_plan_estimate(&plan, info, &params, &err));
    return plan;
}

static void refused(const aeon_model_info *info, aeon_plan_params params, aeon_status status,
                    const char *says)
{
    aeon_plan plan, before;
    memset(&plan, 0x5a, sizeof plan);
    before = plan;
    CHECK_FAILS(aeon_plan_estimate(&plan, info, &params, &err), status);
    if (!strstr(err.text, says)) fail_msg("\"%s\" does not say \"%s\"", err.text, says);
    assert_memory_equal(&plan, &before, sizeof plan);
}

static uint64_t sum_of(const aeon_plan *p)
{
    return p->weights_bytes + p->vocab_bytes + p->scratch_bytes + p->logits_bytes + p->kv_bytes +
           p->reserve_bytes;
}

static size_t fits(const aeon_plan *p, aeon_type type)
{
    for (int i = 0; i < AEON_PLAN_N_KV; i++)
        if (p->fits[i].type == type) return p->fits[i].n_ctx;
    fail();
    return 0;
}

/* ---- the sum -------------------------------------------------------------------------------- */

static void parts_add_up(void **state)
{
    (void)state;
    aeon_model_info info = phi(AEON_TYPE_Q4_0);
    for (uint64_t ram = 5 * GB / 2; ram < 20 * GB; ram += GB / 7) {
        aeon_plan p = planned(&info, (aeon_plan_params){.ram_bytes = ram});
        assert_int_equal(p.total_bytes, sum_of(&p));
        assert_true(p.total_bytes <= ram);
        assert_int_equal(p.ram_bytes, ram);
        assert_int_equal(p.weights_bytes, info.size_bytes);
        /* Nothing is left that another page would fit into, unless the model ends. */
        uint64_t page = p.kv_bytes / (p.n_kv_tokens / 32);
        assert_true(ram - p.total_bytes < page + 32 * 64 || p.n_ctx == info.n_ctx_max);
        assert_true(p.cap_bytes >= p.kv_bytes + p.scratch_bytes + p.logits_bytes);
        assert_true(p.cap_bytes <= ram - p.weights_bytes - p.reserve_bytes);
    }
}

static void without_a_limit_the_usual_is_planned(void **state)
{
    (void)state;
    aeon_model_info info = phi(AEON_TYPE_Q4_0);
    aeon_plan p = planned(&info, (aeon_plan_params){0});
    assert_int_equal(p.n_ctx, 4096);
    assert_int_equal(p.kv_type, aeon_machine_kv_type());
    assert_int_equal(p.kv_bytes, 4096ull * 131072); /* 2 x 32 layers x 8 heads x 128 values x 2 */
    assert_int_equal(p.total_bytes, sum_of(&p));
    assert_int_equal(p.cap_bytes, 0);
    assert_int_equal(fits(&p, AEON_TYPE_F32), info.n_ctx_max);
    p = planned(&info,
                (aeon_plan_params){.n_ctx = 33, .has_kv_type = true, .kv_type = AEON_TYPE_Q8_0});
    assert_int_equal(p.kv_bytes, 64ull * 69632); /* two pages; 34 bytes for 32 values */
    assert_int_equal(p.n_kv_tokens, 64);
    CHECK_OK(aeon_plan_estimate(&p, &info, NULL, &err));
    assert_int_equal(p.n_ctx, 4096);
}

static void more_memory_never_holds_less(void **state)
{
    (void)state;
    aeon_model_info info = phi(AEON_TYPE_Q8_0);
    size_t before[AEON_PLAN_N_KV] = {0};
    for (uint64_t ram = 9 * GB / 2; ram < 50 * GB; ram += GB / 3) {
        aeon_plan p = planned(&info, (aeon_plan_params){.ram_bytes = ram});
        for (int i = 0; i < AEON_PLAN_N_KV; i++) {
            assert_true(p.fits[i].n_ctx >= before[i]);
            before[i] = p.fits[i].n_ctx;
        }
        assert_int_equal(fits(&p, aeon_machine_kv_type()), fits(&p, AEON_TYPE_BF16));
        assert_true(fits(&p, AEON_TYPE_F32) <= fits(&p, aeon_machine_kv_type()));
        assert_true(fits(&p, aeon_machine_kv_type()) <= fits(&p, AEON_TYPE_Q8_0));
    }
    for (int i = 0; i < AEON_PLAN_N_KV; i++) assert_int_equal(before[i], info.n_ctx_max);
}

static void threads_chunks_and_branches_cost(void **state)
{
    (void)state;
    aeon_model_info info = phi(AEON_TYPE_Q4_0);
    aeon_plan p = planned(&info, (aeon_plan_params){.n_threads = 1, .n_chunk = 64});
    aeon_plan threads = planned(&info, (aeon_plan_params){.n_threads = 8, .n_chunk = 64});
    aeon_plan chunk = planned(&info, (aeon_plan_params){.n_threads = 1, .n_chunk = 256});
    aeon_plan branches = planned(
        &info, (aeon_plan_params){
                   .n_threads = 1, .n_chunk = 64, .n_branches = 50, .n_branch_tokens = 128});
    assert_true(threads.scratch_bytes > p.scratch_bytes);
    assert_true(threads.reserve_bytes > p.reserve_bytes);
    assert_true(chunk.scratch_bytes > 3 * p.scratch_bytes);
    /* 128 tokens are 4 pages, and one more is copied where a branch leaves the talk. */
    assert_int_equal(branches.n_kv_tokens - p.n_kv_tokens, 50 * 5 * 32);
    assert_int_equal(branches.kv_bytes - p.kv_bytes, 50ull * 5 * 32 * 131072);
    assert_int_equal(branches.logits_bytes - p.logits_bytes, 50 * ae_logits_len(info.n_vocab) * 4);
    assert_int_equal(branches.total_bytes, sum_of(&branches));
}

/* ---- choices -------------------------------------------------------------------------------- */

static void the_type_falls_only_where_it_must(void **state)
{
    (void)state;
    aeon_model_info info = phi(AEON_TYPE_Q4_0);
    aeon_plan p = planned(&info, (aeon_plan_params){.ram_bytes = 4 * GB});
    assert_int_equal(p.kv_type, aeon_machine_kv_type());
    assert_int_equal(p.n_ctx, fits(&p, aeon_machine_kv_type()));

    /* Less than the usual context in two bytes: q8_0 takes its place. */
    p = planned(&info, (aeon_plan_params){.ram_bytes = 27 * GB / 10});
    assert_int_equal(p.kv_type, AEON_TYPE_Q8_0);
    assert_int_equal(p.n_ctx, fits(&p, AEON_TYPE_Q8_0));
    assert_true(fits(&p, aeon_machine_kv_type()) < 4096 && p.n_ctx > 4096);

    /* A context that was asked for is kept, and decides. */
    p = planned(&info, (aeon_plan_params){.ram_bytes = 4 * GB, .n_ctx = 13000});
    assert_int_equal(p.kv_type, aeon_machine_kv_type());
    assert_int_equal(p.n_ctx, 13000);
    p = planned(&info, (aeon_plan_params){.ram_bytes = 4 * GB, .n_ctx = 20000});
    assert_int_equal(p.kv_type, AEON_TYPE_Q8_0);
    assert_int_equal(p.n_ctx, 20000);

    /* A type that was asked for as well. */
    p = planned(&info, (aeon_plan_params){
                           .ram_bytes = 4 * GB, .has_kv_type = true, .kv_type = AEON_TYPE_F32});
    assert_int_equal(p.kv_type, AEON_TYPE_F32);
    assert_int_equal(p.n_ctx, fits(&p, AEON_TYPE_F32));
}

/* The total of a plan is the least limit for it, whatever part of a page its context ends in. */
static void a_plan_fits_into_its_own_total(void **state)
{
    (void)state;
    aeon_model_info info = phi(AEON_TYPE_Q4_0);
    for (size_t n_ctx = 1; n_ctx < 200; n_ctx += 3) {
        aeon_plan_params params = {.n_ctx = n_ctx, .has_kv_type = true, .kv_type = AEON_TYPE_BF16};
        params.ram_bytes = planned(&info, params).total_bytes;
        aeon_plan p = planned(&info, params);
        assert_int_equal(p.n_ctx, n_ctx);
        assert_int_equal(p.total_bytes, params.ram_bytes);
        params.ram_bytes--;
        CHECK_FAILS(aeon_plan_estimate(&p, &info, &params, &err), AEON_OUT_OF_MEMORY);
    }
}

static void the_model_and_the_rope_end_the_context(void **state)
{
    (void)state;
    aeon_model_info info = phi(AEON_TYPE_Q4_0);
    aeon_plan p = planned(&info, (aeon_plan_params){.ram_bytes = 100 * GB});
    assert_int_equal(p.n_ctx, 131072);
    p = planned(&info, (aeon_plan_params){.ram_bytes = 100 * GB, .rope = AEON_ROPE_SHORT});
    assert_int_equal(p.n_ctx, 4096);
    refused(&info, (aeon_plan_params){.n_ctx = 131073}, AEON_INVALID_ARGUMENT, "reaches 131072");
    refused(&info, (aeon_plan_params){.n_ctx = 4097, .rope = AEON_ROPE_SHORT},
            AEON_INVALID_ARGUMENT, "reaches 4096 under the short rope factors");
}

static void heads_that_do_not_divide_have_no_blocks(void **state)
{
    (void)state;
    aeon_model_info info = phi(AEON_TYPE_F16);
    info.head_dim = 80;
    aeon_plan p = planned(&info, (aeon_plan_params){.ram_bytes = 20 * GB});
    assert_int_equal(fits(&p, AEON_TYPE_Q8_0), 0);
    assert_int_equal(p.kv_type, aeon_machine_kv_type());
    refused(&info, (aeon_plan_params){.has_kv_type = true, .kv_type = AEON_TYPE_Q8_0},
            AEON_UNSUPPORTED, "80 values");
}

/* ---- refusals ------------------------------------------------------------------------------- */

/* The size in "...; 2.6 GB would hold ..." is enough, and was not rounded up by much. */
static void the_advice_works(const aeon_model_info *info, aeon_plan_params params)
{
    const char *would = strstr(err.text, " GB would hold"), *at = would;
    assert_non_null(would);
    while (at[-1] != ' ') at--;
    params.ram_bytes = (uint64_t)(strtod(at, NULL) * 1e9 + 0.5);
    aeon_plan p = planned(info, params);
    assert_true(p.n_ctx >= (params.n_ctx ? params.n_ctx : 4096));
    params.ram_bytes -= GB / 5;
    if (!params.n_ctx) params.n_ctx = 4096;
    CHECK_FAILS(aeon_plan_estimate(&p, info, &params, &err), AEON_OUT_OF_MEMORY);
}

static void what_is_impossible_names_the_nearest(void **state)
{
    (void)state;
    aeon_model_info info = phi(AEON_TYPE_Q4_0);
    aeon_plan_params p = {.ram_bytes = 2 * GB};
    refused(&info, p, AEON_OUT_OF_MEMORY,
            "2.0 GB are too small for this model: its weights alone "
            "take 2.2 GB; 2.6 GB would hold 4096 tokens at q8_0");
    the_advice_works(&info, p);
    p.ram_bytes = 22 * GB / 10;
    refused(&info, p, AEON_OUT_OF_MEMORY, "before the first token");
    the_advice_works(&info, p);
    p = (aeon_plan_params){.ram_bytes = 4 * GB, .n_ctx = 100000};
    refused(&info, p, AEON_OUT_OF_MEMORY, "of 100000 tokens at q8_0");
    the_advice_works(&info, p);
    p = (aeon_plan_params){
        .ram_bytes = 4 * GB, .n_ctx = 20000, .has_kv_type = true, .kv_type = AEON_TYPE_BF16};
    refused(&info, p, AEON_OUT_OF_MEMORY, "of 20000 tokens at bf16; q8_0 would leave room for 2");
    the_advice_works(&info, p);
    refused(&info, (aeon_plan_params){.ram_bytes = 1}, AEON_OUT_OF_MEMORY, "1 B are too small");
}

/* A context nobody asked for is not planned: a hundred tokens are no talk. */
static void a_context_too_short_to_talk_in_is_refused(void **state)
{
    (void)state;
    aeon_model_info info = phi(AEON_TYPE_Q4_0);
    aeon_plan without = planned(&info, (aeon_plan_params){.n_ctx = 100});
    aeon_plan_params p = {.ram_bytes = without.total_bytes};
    refused(&info, p, AEON_OUT_OF_MEMORY, "of 4096 tokens at q8_0");
    p.n_ctx = 100;
    assert_int_equal(planned(&info, p).n_ctx, 100);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    aeon_model_info info = phi(AEON_TYPE_Q4_0);
    refused(&info, (aeon_plan_params){.has_kv_type = true, .kv_type = AEON_TYPE_Q4_0},
            AEON_UNSUPPORTED, "f32, f16, bf16 or q8_0");
    for (uint64_t ram = 0; ram <= 8 * GB; ram += 4 * GB)
        refused(&info,
                (aeon_plan_params){
                    .ram_bytes = ram, .n_branches = SIZE_MAX / 2, .n_branch_tokens = SIZE_MAX},
                AEON_INVALID_ARGUMENT, "more than any memory holds");
    refused(&info, (aeon_plan_params){.ram_bytes = 8 * GB, .n_chunk = SIZE_MAX},
            AEON_INVALID_ARGUMENT, "more than any memory holds");
    info.n_kv_heads = 0;
    refused(&info, (aeon_plan_params){0}, AEON_BAD_FORMAT, "key/value heads");
    info = phi(AEON_TYPE_Q4_0);
    info.n_layers = UINT32_MAX;
    refused(&info, (aeon_plan_params){0}, AEON_BAD_FORMAT, "layers");
    info = phi(AEON_TYPE_Q4_0);
    info.size_bytes = UINT64_MAX;
    refused(&info, (aeon_plan_params){0}, AEON_INVALID_ARGUMENT, "more than any memory holds");
}

/* ---- open models ---------------------------------------------------------------------------- */

static void a_model_without_weights_has_no_plan(void **state)
{
    (void)state;
    aeon_model *m = NULL;
    aeon_plan p;
    CHECK_OK(aeon_model_open(&m, "builtin", &(aeon_model_params){.vocab_only = true}, &err));
    CHECK_FAILS(aeon_plan_make(&p, m, NULL, &err), AEON_INVALID_ARGUMENT);
    aeon_model_close(m);
}

/* All that a talk needs, as the plan says, with work space so large that what is kept for texts
 * hides no mistake in it. */
enum { LARGE_CHUNK = 2048 };

static aeon_status open_all(aeon_engine **e, aeon_session **s, aeon_sampler **sampler,
                            const aeon_model *m, const aeon_plan *p)
{
    aeon_engine_params engine = aeon_engine_params_default();
    engine.n_threads = 2;
    engine.n_chunk = LARGE_CHUNK;
    engine.kv_type = p->kv_type;
    engine.n_kv_tokens = p->n_kv_tokens;
    aeon_session_params session = {.n_ctx = p->n_ctx};
    aeon_sampler_params drawing = aeon_sampler_params_default();
    aeon_status status = aeon_engine_new(e, m, &engine, &err);
    if (status == AEON_OK) status = aeon_session_new(s, *e, &session, &err);
    if (status == AEON_OK)
        status = aeon_sampler_new(sampler, &drawing, aeon_model_describe(m)->n_vocab, &err);
    return status;
}

/* What the plan says is enough to open all that it is for, and not much too much. */
static void the_cap_is_enough(void **state)
{
    (void)state;
    aeon_model *m = NULL;
    aeon_engine *e = NULL;
    aeon_session *s = NULL;
    aeon_sampler *sampler = NULL;
    aeon_plan p;
    aeon_plan_params params = {
        .ram_bytes = 100000000, .n_threads = 2, .n_chunk = LARGE_CHUNK, .n_ctx = 4000};
    CHECK_OK(aeon_model_open(&m, "builtin", NULL, &err));
    CHECK_OK(aeon_plan_make(&p, m, &params, &err));
    assert_int_equal(p.total_bytes, sum_of(&p));
    assert_int_equal(p.weights_bytes, aeon_model_describe(m)->size_bytes);
    size_t held = aeon_memory_stats_get().current_bytes;
    assert_true(p.vocab_bytes > held && p.vocab_bytes < held + 200000); /* and the file's head */

    params.ram_bytes = p.total_bytes; /* the least that is enough */
    CHECK_OK(aeon_plan_make(&p, m, &params, &err));
    aeon_memory_set_cap((size_t)p.cap_bytes);
    CHECK_OK(open_all(&e, &s, &sampler, m, &p));
    size_t taken = aeon_memory_stats_get().current_bytes;
    assert_true(taken <= p.cap_bytes);
    /* inputs of products are planned as f32, and become blocks of 8 bits */
    assert_true(taken >= p.cap_bytes / 10 * 7);
    aeon_sampler_free(sampler);
    aeon_session_free(s);
    aeon_engine_free(e);
    aeon_memory_set_cap(0);
    aeon_model_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_add_up),
        cmocka_unit_test(without_a_limit_the_usual_is_planned),
        cmocka_unit_test(more_memory_never_holds_less),
        cmocka_unit_test(threads_chunks_and_branches_cost),
        cmocka_unit_test(the_type_falls_only_where_it_must),
        cmocka_unit_test(a_plan_fits_into_its_own_total),
        cmocka_unit_test(the_model_and_the_rope_end_the_context),
        cmocka_unit_test(heads_that_do_not_divide_have_no_blocks),
        cmocka_unit_test(what_is_impossible_names_the_nearest),
        cmocka_unit_test(a_context_too_short_to_talk_in_is_refused),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(a_model_without_weights_has_no_plan),
        cmocka_unit_test(the_cap_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
