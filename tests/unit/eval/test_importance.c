/* eval/imatrix, model/importance: from a text to weights that are rounded by it; stopping, bad
 * calls, and memory that is not there. */
#include "aeon/imatrix.h"

#include "aeon/quantize.h"
#include "base/file.h"
#include "base/mem.h"
#include "check.h"
#include "format/imatrix.h"
#include "unit/format/scratch.h"

#include <string.h>

static aeon_error err;
static aeon_model *model;
static int32_t ids[200];

static void names_shapes_and_counts(void **state)
{
    (void)state;
    aeon_imatrix_result r;
    ae_imatrix m;
    const aeon_imatrix_params p = {.n_ctx = 64, .text_name = "ids"};
    CHECK_OK(aeon_imatrix_make(in_scratch("m"), model, ids, 200, &p, &r, &err));
    assert_true(r.n_windows == 3 && r.n_ctx == 64 && r.n_tokens == 192 && r.n_tensors == 25);
    CHECK_OK(ae_imatrix_load(&m, in_scratch("m"), &err));
    assert_int_equal(m.n, 25);
    for (size_t i = 0; i < m.n; i++) assert_true(m.entries[i].n_tokens == 192);
    const ae_imatrix_entry *e = ae_imatrix_find(&m, "blk.5.ffn_down.weight");
    assert_true(e && e->n_cols == aeon_model_describe(model)->n_ff);
    ae_imatrix_release(&m);
}

static void a_short_text_is_one_window(void **state)
{
    (void)state;
    aeon_imatrix_result r;
    CHECK_OK(aeon_imatrix_make(in_scratch("m"), model, ids, 20, NULL, &r, &err));
    assert_true(r.n_windows == 1 && r.n_ctx == 20 && r.n_tokens == 20);
}

static void bad_calls_are_refused(void **state)
{
    (void)state;
    const int32_t outside[] = {1, 2, 1 << 20};
    aeon_imatrix_params p = {.n_ctx = 1};
    const char *path = in_scratch("m");
    CHECK_FAILS(aeon_imatrix_make(path, model, ids, 1, NULL, NULL, &err), AEON_INVALID_ARGUMENT);
    CHECK_FAILS(aeon_imatrix_make(path, model, ids, 9, &p, NULL, &err), AEON_INVALID_ARGUMENT);
    p.n_ctx = 1 << 20;
    CHECK_FAILS(aeon_imatrix_make(path, model, ids, 9, &p, NULL, &err), AEON_INVALID_ARGUMENT);
    CHECK_FAILS(aeon_imatrix_make(path, model, outside, 3, NULL, NULL, &err),
                AEON_INVALID_ARGUMENT);
    assert_int_equal(scratch_n_files(), 0);
}

/* Lets so many reports pass. */
static bool count_down(void *user, const char *what, double fraction)
{
    assert_true(what[0] && fraction >= 0 && fraction <= 1);
    return (*(int *)user)-- > 0;
}

static void stopped_it_writes_nothing(void **state)
{
    (void)state;
    int n_left;
    aeon_imatrix_params p = {.n_ctx = 50, .progress = count_down, .progress_user = &n_left};
    for (int n = 0; n < 4; n++) {
        n_left = n;
        CHECK_FAILS(aeon_imatrix_make(in_scratch("m"), model, ids, 200, &p, NULL, &err),
                    AEON_CANCELLED);
        assert_int_equal(scratch_n_files(), 0);
    }
    n_left = 4;
    CHECK_OK(aeon_imatrix_make(in_scratch("m"), model, ids, 200, &p, NULL, &err));
}

static aeon_status quantize(const char *type, aeon_quantize_result *r)
{
    char im[512];
    snprintf(im, sizeof im, "%s", in_scratch("m"));
    const aeon_quantize_params p = {
        .type = type, .imatrix = im, .requantize = true, .n_threads = 2};
    return aeon_quantize("builtin", in_scratch("out.gguf"), &p, r, &err);
}

static void weights_are_rounded_by_it(void **state)
{
    (void)state;
    aeon_quantize_result r;
    CHECK_OK(aeon_imatrix_make(in_scratch("m"), model, ids, 100, NULL, NULL, &err));
    CHECK_OK(quantize("q4_0", &r));
    assert_int_equal(r.n_weighted, 25);
    CHECK_OK(quantize("f16", &r));
    assert_int_equal(r.n_weighted, 0);
    CHECK_OK(quantize("q8_0", &r)); /* what it is: nothing is rounded */
    assert_int_equal(r.n_weighted, 0);
}

/* Nothing of the file needs to be there for a type that rounds no layer. */
static void only_what_is_rounded_needs_importance(void **state)
{
    (void)state;
    ae_imatrix m = {0};
    float *sums;
    aeon_quantize_result r;
    const ae_imatrix_text text = {"", 1, 2};
    CHECK_OK(ae_imatrix_add(&m, "token_embd.weight", 256, 7, &sums, &err));
    CHECK_OK(ae_imatrix_save(&m, in_scratch("m"), &text, &err));
    ae_imatrix_release(&m);
    CHECK_OK(quantize("f16", &r));
    CHECK_FAILS(quantize("q4_0", &r), AEON_MISMATCH);
    const aeon_quantize_params p = {.type = "q4_0", .imatrix = in_scratch("m"), .requantize = true};
    CHECK_FAILS(aeon_quantize_plan("builtin", &p, &r, &err), AEON_MISMATCH);
    assert_non_null(strstr(err.text, "builtin: tensor blk.0."));
    assert_false(ae_file_exists(in_scratch("out.gguf.aeon-tmp")));
}

static void no_allocation_is_trusted(void **state)
{
    (void)state;
    aeon_status status = AEON_OUT_OF_MEMORY;
    const aeon_imatrix_params p = {.n_threads = 1};
    size_t before = aeon_memory_stats_get().current_bytes;
    for (uint64_t k = 1; status != AEON_OK; k += k < 40 ? 1 : 7) {
        ae_mem_fail_at(k, false);
        status = aeon_imatrix_make(in_scratch("m"), model, ids, 8, &p, NULL, &err);
        ae_mem_fail_at(0, false);
        assert_true(status == AEON_OK || status == AEON_OUT_OF_MEMORY);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
        if (status != AEON_OK) assert_int_equal(scratch_n_files(), 0);
    }
}

static int open_model(void **state)
{
    for (int32_t i = 0; i < 200; i++) ids[i] = i * 37 % 1000;
    if (aeon_model_open(&model, "builtin", NULL, &err) != AEON_OK) return -1;
    return scratch_make(state) || aeon_model_read(model, NULL, NULL, &err) != AEON_OK;
}

static int close_model(void **state)
{
    aeon_model_close(model);
    return scratch_remove(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(names_shapes_and_counts),
        SCRATCH_TEST(a_short_text_is_one_window),
        SCRATCH_TEST(bad_calls_are_refused),
        SCRATCH_TEST(stopped_it_writes_nothing),
        SCRATCH_TEST(weights_are_rounded_by_it),
        SCRATCH_TEST(only_what_is_rounded_needs_importance),
        SCRATCH_TEST(no_allocation_is_trusted),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
