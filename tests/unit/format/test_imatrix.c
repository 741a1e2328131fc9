/* format/imatrix: what is saved is loaded, the older form as well; whatever else a file holds is
 * refused with a word, and leaves nothing. */
#include "format/imatrix.h"

#include "base/mem.h"
#include "check.h"
#include "format/gguf.h"
#include "unit/format/scratch.h"

#include <math.h>
#include <string.h>

static aeon_error err;

static const char down[] = "blk.0.ffn_down.weight", up[] = "blk.0.ffn_up.weight";

static void add(ae_imatrix *m, const char *name, size_t n, float n_tokens)
{
    float *sums;
    CHECK_OK(ae_imatrix_add(m, name, n, n_tokens, &sums, &err));
    for (size_t i = 0; i < n; i++) sums[i] = (float)i * 0.25f + n_tokens;
}

static void save(const char *path)
{
    ae_imatrix m = {0};
    const ae_imatrix_text text = {"words", 3, 64};
    add(&m, up, 5, 192);
    add(&m, down, 3, 0);
    CHECK_OK(ae_imatrix_save(&m, path, &text, &err));
    ae_imatrix_release(&m);
}

/* The older form of the same, in out; returns its size. */
static size_t old_form(uint8_t *out)
{
    size_t n = 0;
    const int32_t head[] = {2};
#define PUT(data, size) (memcpy(out + n, data, size), n += (size))
    PUT(head, sizeof head);
    for (int k = 0; k < 2; k++) {
        const char *name = k ? down : up;
        const int32_t len = (int32_t)strlen(name), numbers[] = {k ? 0 : 192, k ? 3 : 5};
        PUT(&len, sizeof len);
        PUT(name, strlen(name));
        PUT(numbers, sizeof numbers);
        for (int i = 0; i < numbers[1]; i++) {
            float sum = (float)i * 0.25f + (float)numbers[0];
            PUT(&sum, sizeof sum);
        }
    }
#undef PUT
    return n;
}

static void check_loaded(const char *path)
{
    ae_imatrix m;
    CHECK_OK(ae_imatrix_load(&m, path, &err));
    assert_int_equal(m.n, 2);
    const ae_imatrix_entry *e = ae_imatrix_find(&m, up);
    assert_non_null(e);
    assert_int_equal(e->n_cols, 5);
    assert_true(e->n_tokens == 192 && e->sums[0] == 192 && e->sums[4] == 193);
    e = ae_imatrix_find(&m, down);
    assert_true(e && e->n_cols == 3 && e->n_tokens == 0);
    assert_null(ae_imatrix_find(&m, "blk.0.ffn_gate.weight"));
    ae_imatrix_release(&m);
}

static void both_forms_say_the_same(void **state)
{
    (void)state;
    uint8_t bytes[256];
    save(in_scratch("new"));
    scratch_write("old", bytes, old_form(bytes));
    check_loaded(in_scratch("new"));
    check_loaded(in_scratch("old"));
    assert_int_equal(aeon_memory_stats_get().current_bytes, 0);
}

static void what_the_file_holds(void **state)
{
    (void)state;
    ae_gguf *g;
    uint32_t n;
    save(in_scratch("new"));
    CHECK_OK(ae_gguf_open(&g, in_scratch("new"), &err));
    assert_int_equal(ae_gguf_n_tensors(g), 4);
    const ae_tensor *t = ae_gguf_tensor_find(g, "blk.0.ffn_up.weight.in_sum2");
    assert_true(t && t->n_dims == 2 && t->dims[0] == 5 && t->dims[1] == 1);
    t = ae_gguf_tensor_find(g, "blk.0.ffn_up.weight.counts");
    assert_true(t && t->n_dims == 2 && t->dims[0] == 1 && t->dims[1] == 1);
    assert_true(ae_gguf_get_u32(g, "imatrix.chunk_count", &n) && n == 3);
    assert_true(ae_gguf_get_u32(g, "imatrix.chunk_size", &n) && n == 64);
    const ae_gguf_value *v = ae_gguf_value_find(g, "imatrix.datasets");
    assert_true(v && v->n == 1 && v->strings[0].len == 5);
    ae_gguf_close(g);
}

static void refuse(const void *data, size_t n)
{
    ae_imatrix m = {0};
    scratch_write("bad", data, n);
    CHECK_FAILS(ae_imatrix_load(&m, in_scratch("bad"), &err), AEON_BAD_FORMAT);
    assert_non_null(strstr(err.text, "bad"));
    assert_int_equal(aeon_memory_stats_get().current_bytes, 0);
}

static void cut_off_files_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[2048];
    for (size_t n = 0, size = old_form(bytes); n < size; n++) refuse(bytes, n);
    save(in_scratch("new"));
    FILE *f = fopen(in_scratch("new"), "rb");
    size_t size = fread(bytes, 1, sizeof bytes, f), n_last = 28; /* padding behind the last count */
    fclose(f);
    assert_true(size > 500 && size < sizeof bytes);
    for (size_t n = 0; n < size - n_last; n++) refuse(bytes, n);
}

/* A count, a length or a width that the file does not hold. */
static void numbers_that_lie_are_refused(void **state)
{
    (void)state;
    uint8_t bytes[256];
    size_t n = old_form(bytes), len = strlen(up);
    const size_t places[] = {0, 4, 8 + len, 8 + len + 4};
    for (size_t i = 0; i < AE_COUNT(places); i++)
        for (int k = 0; k < 2; k++) {
            uint8_t changed[256];
            const uint32_t lie = k ? 0xffffffff : 0x7fffffff;
            bool is_calls = places[i] == 8 + len; /* as many as one likes, but not below 0 */
            memcpy(changed, bytes, n);
            memcpy(changed + places[i], &lie, sizeof lie);
            if (!is_calls || k) refuse(changed, n);
        }
}

static void bad_entries_are_refused(void **state)
{
    (void)state;
    static const float bad[] = {-1, NAN, INFINITY};
    for (size_t i = 0; i < 2 * AE_COUNT(bad); i++) {
        ae_imatrix m = {0};
        const ae_imatrix_text text = {"", 1, 2};
        float x = bad[i / 2], *sums;
        CHECK_OK(ae_imatrix_add(&m, up, 2, i % 2 ? x : 1, &sums, &err));
        if (i % 2 == 0) sums[1] = x;
        CHECK_OK(ae_imatrix_save(&m, in_scratch("m"), &text, &err));
        ae_imatrix_release(&m);
        CHECK_FAILS(ae_imatrix_load(&m, in_scratch("m"), &err), AEON_BAD_FORMAT);
        assert_non_null(strstr(err.text, up));
    }
}

static void the_same_name_twice_is_refused(void **state)
{
    (void)state;
    uint8_t bytes[512];
    size_t first = 4 + strlen(up) + 8 + 5 * sizeof(float);
    old_form(bytes);
    memcpy(bytes + 4 + first, bytes + 4, first);
    refuse(bytes, 4 + 2 * first);
    assert_non_null(strstr(err.text, "twice"));
}

static void experts_are_refused(void **state)
{
    (void)state;
    ae_gguf_writer *w;
    ae_imatrix m;
    const uint64_t sums[2] = {4, 2}, counts[2] = {1, 2};
    const float values[8] = {0};
    CHECK_OK(ae_gguf_writer_open(&w, in_scratch("experts"), &err));
    CHECK_OK(ae_gguf_put_str(w, "general.type", "imatrix", &err));
    CHECK_OK(
        ae_gguf_add_tensor(w, "blk.0.ffn_up_exps.weight.in_sum2", AEON_TYPE_F32, 2, sums, &err));
    CHECK_OK(
        ae_gguf_add_tensor(w, "blk.0.ffn_up_exps.weight.counts", AEON_TYPE_F32, 2, counts, &err));
    CHECK_OK(ae_gguf_put_data(w, values, sizeof values, &err));
    CHECK_OK(ae_gguf_put_data(w, values, 2 * sizeof *values, &err));
    CHECK_OK(ae_gguf_writer_commit(w, &err));
    CHECK_FAILS(ae_imatrix_load(&m, in_scratch("experts"), &err), AEON_UNSUPPORTED);
    assert_non_null(strstr(err.text, "experts"));
}

static void no_allocation_is_trusted(void **state)
{
    (void)state;
    ae_imatrix m = {0};
    save(in_scratch("new"));
    aeon_status status = AEON_OUT_OF_MEMORY;
    for (uint64_t k = 1; status != AEON_OK && k < 200; k++) {
        ae_mem_fail_at(k, false);
        status = ae_imatrix_load(&m, in_scratch("new"), &err);
        ae_mem_fail_at(0, false);
        if (status == AEON_OK) break;
        assert_int_equal(status, AEON_OUT_OF_MEMORY);
        assert_int_equal(aeon_memory_stats_get().current_bytes, 0);
    }
    assert_int_equal(status, AEON_OK);
    ae_imatrix_release(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(both_forms_say_the_same),   SCRATCH_TEST(what_the_file_holds),
        SCRATCH_TEST(cut_off_files_are_refused), SCRATCH_TEST(numbers_that_lie_are_refused),
        SCRATCH_TEST(bad_entries_are_refused),   SCRATCH_TEST(the_same_name_twice_is_refused),
        SCRATCH_TEST(experts_are_refused),       SCRATCH_TEST(no_allocation_is_trusted),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
