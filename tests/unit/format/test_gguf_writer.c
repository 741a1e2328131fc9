/* format/gguf_writer: what is written is read back, and only whole files appear. */
#include "base/file.h"
#include "base/mem.h"
#include "check.h"
#include "format/gguf.h"
#include "unit/format/scratch.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

static aeon_error err;
static char path[64], path2[64];

static int make_paths(void **state)
{
    if (scratch_make(state) != 0) return -1;
    snprintf(path, sizeof path, "%s/a.gguf", scratch);
    snprintf(path2, sizeof path2, "%s/b.gguf", scratch);
    return 0;
}

#define WRITE_TRY(call)                                                                            \
    if ((status = (call)) != AEON_OK) goto failed

static const uint64_t dims[] = {3, 2};
static const float matrix[] = {1, 2, 3, 4, 5, 6};

/* A small file: one value, one matrix. */
static aeon_status write_small(aeon_error *e)
{
    ae_gguf_writer *w;
    aeon_status status = ae_gguf_writer_open(&w, path, e);
    if (status != AEON_OK) return status;
    WRITE_TRY(ae_gguf_put_str(w, "general.architecture", "phi3", e));
    WRITE_TRY(ae_gguf_put_strings(w, "words", (ae_str[]){{"a", 1}, {"b", 1}}, 2, e));
    WRITE_TRY(ae_gguf_add_tensor(w, "m", AEON_TYPE_F32, 2, dims, e));
    WRITE_TRY(ae_gguf_put_data(w, matrix, sizeof matrix, e));
    return ae_gguf_writer_commit(w, e);
failed:
    ae_gguf_writer_abort(w);
    return status;
}

/* One array of each fixed-size type; each has three elements, the bytes of `numbers`. */
static const unsigned char numbers[24] = {1, 0, 1, 0x80, 0xff, 0x7f, 7, 8, 9, 10, 11, 12};
static const ae_gguf_type fixed[] = {AE_GGUF_U8,  AE_GGUF_I8,  AE_GGUF_U16, AE_GGUF_I16,
                                     AE_GGUF_U32, AE_GGUF_I32, AE_GGUF_F32, AE_GGUF_BOOL,
                                     AE_GGUF_U64, AE_GGUF_I64, AE_GGUF_F64};

static void write_every_type(void)
{
    ae_gguf_writer *w;
    CHECK_OK(ae_gguf_writer_open(&w, path, &err));
    CHECK_OK(ae_gguf_put_u32(w, "u32", UINT32_MAX, &err));
    CHECK_OK(ae_gguf_put_u64(w, "u64", UINT64_MAX, &err));
    CHECK_OK(ae_gguf_put_f32(w, "f32", -1.5f, &err));
    CHECK_OK(ae_gguf_put_bool(w, "yes", true, &err));
    CHECK_OK(ae_gguf_put_bool(w, "no", false, &err));
    CHECK_OK(ae_gguf_put_str(w, "text", "gr\xc3\xbc\xc3\x9f", &err));
    CHECK_OK(ae_gguf_put_str(w, "nothing", "", &err));
    CHECK_OK(ae_gguf_put_strings(w, "texts", (ae_str[]){{"a\0b", 3}, {"", 0}, {"c", 1}}, 3, &err));
    CHECK_OK(ae_gguf_put_strings(w, "no texts", NULL, 0, &err));
    for (size_t i = 0; i < AE_COUNT(fixed); i++) {
        char key[16];
        snprintf(key, sizeof key, "array %d", (int)fixed[i]);
        CHECK_OK(ae_gguf_put_array(w, key, fixed[i], numbers, 3, &err));
        /* A scalar of the type, through put_value. */
        snprintf(key, sizeof key, "scalar %d", (int)fixed[i]);
        ae_gguf_value v = {.key = key, .type = fixed[i], .n = 1, .data = numbers};
        CHECK_OK(ae_gguf_put_value(w, &v, &err));
    }
    CHECK_OK(ae_gguf_put_array(w, "empty", AE_GGUF_F64, NULL, 0, &err));
    CHECK_OK(ae_gguf_writer_commit(w, &err));
}

static void expect_every_type(const char *file)
{
    ae_gguf *g;
    CHECK_OK(ae_gguf_open(&g, file, &err));
    assert_int_equal(ae_gguf_version(g), 3);
    assert_int_equal(ae_gguf_n_values(g), 10 + 2 * AE_COUNT(fixed));
    assert_string_equal(ae_gguf_value_at(g, 0)->key, "u32");
    uint32_t u32 = 0;
    float f32 = 0;
    bool yes = false, no = true;
    ae_str s;
    assert_true(ae_gguf_get_u32(g, "u32", &u32) && u32 == UINT32_MAX);
    assert_true(ae_gguf_get_f32(g, "f32", &f32) && f32 == -1.5f);
    assert_true(ae_gguf_get_bool(g, "yes", &yes) && yes);
    assert_true(ae_gguf_get_bool(g, "no", &no) && !no);
    assert_true(ae_gguf_get_str(g, "text", &s) && s.len == 6 &&
                memcmp(s.data, "gr\xc3\xbc\xc3\x9f", 6) == 0);
    assert_true(ae_gguf_get_str(g, "nothing", &s) && s.len == 0);
    const ae_gguf_value *v = ae_gguf_value_find(g, "texts");
    assert_true(v && v->type == AE_GGUF_ARRAY && v->element_type == AE_GGUF_STRING && v->n == 3);
    assert_true(v->strings[0].len == 3 && memcmp(v->strings[0].data, "a\0b", 3) == 0);
    assert_true(v->strings[1].len == 0 && v->strings[2].len == 1 && *v->strings[2].data == 'c');
    assert_int_equal(ae_gguf_value_find(g, "no texts")->n, 0);
    assert_int_equal(ae_gguf_value_find(g, "empty")->n, 0);
    for (size_t i = 0; i < AE_COUNT(fixed); i++) {
        char key[16];
        snprintf(key, sizeof key, "array %d", (int)fixed[i]);
        v = ae_gguf_value_find(g, key);
        assert_true(v && v->type == AE_GGUF_ARRAY && v->element_type == fixed[i] && v->n == 3);
        assert_memory_equal(v->data, numbers, 3 * ae_gguf_type_bytes(fixed[i]));
        snprintf(key, sizeof key, "scalar %d", (int)fixed[i]);
        v = ae_gguf_value_find(g, key);
        assert_true(v && v->type == fixed[i] && v->n == 1 && !v->strings);
        assert_memory_equal(v->data, numbers, ae_gguf_type_bytes(fixed[i]));
    }
    ae_gguf_close(g);
}

static void every_value_type_round_trips(void **state)
{
    (void)state;
    write_every_type();
    expect_every_type(path);
}

static void values_are_copied_unchanged(void **state)
{
    (void)state;
    write_every_type();
    ae_gguf *g;
    ae_gguf_writer *w;
    CHECK_OK(ae_gguf_open(&g, path, &err));
    CHECK_OK(ae_gguf_writer_open(&w, path2, &err));
    for (size_t i = 0; i < ae_gguf_n_values(g); i++)
        CHECK_OK(ae_gguf_put_value(w, ae_gguf_value_at(g, i), &err));
    CHECK_OK(ae_gguf_writer_commit(w, &err));
    ae_gguf_close(g);
    expect_every_type(path2);
}

static void numbers_are_read_only_where_they_fit(void **state)
{
    (void)state;
    static const int8_t minus = -1;
    static const int64_t five = 5;
    static const double big = 1e300, half = 0.5;
    static const uint64_t most = UINT64_MAX;
    const ae_gguf_value values[] = {
        {.key = "minus", .type = AE_GGUF_I8, .n = 1, .data = &minus},
        {.key = "five", .type = AE_GGUF_I64, .n = 1, .data = &five},
        {.key = "big", .type = AE_GGUF_F64, .n = 1, .data = &big},
        {.key = "half", .type = AE_GGUF_F64, .n = 1, .data = &half},
        {.key = "most", .type = AE_GGUF_U64, .n = 1, .data = &most},
    };
    ae_gguf_writer *w;
    CHECK_OK(ae_gguf_writer_open(&w, path, &err));
    for (size_t i = 0; i < AE_COUNT(values); i++) CHECK_OK(ae_gguf_put_value(w, &values[i], &err));
    CHECK_OK(ae_gguf_put_array(w, "array", AE_GGUF_I8, "\xff\x02", 2, &err));
    CHECK_OK(ae_gguf_put_array(w, "reals", AE_GGUF_F32, (float[]){0.25f}, 1, &err));
    CHECK_OK(ae_gguf_put_array(w, "large", AE_GGUF_U64, &most, 1, &err));
    CHECK_OK(ae_gguf_writer_commit(w, &err));
    ae_gguf *g;
    CHECK_OK(ae_gguf_open(&g, path, &err));
    uint32_t u = 77;
    float f = 77;
    bool b = true;
    ae_str s = {"x", 1};
    assert_false(ae_gguf_get_u32(g, "minus", &u));
    assert_false(ae_gguf_get_u32(g, "most", &u));
    assert_false(ae_gguf_get_u32(g, "half", &u));
    assert_false(ae_gguf_get_u32(g, "array", &u));
    assert_false(ae_gguf_get_u32(g, "absent", &u));
    assert_false(ae_gguf_get_f32(g, "big", &f));
    assert_false(ae_gguf_get_f32(g, "five", &f));
    assert_false(ae_gguf_get_bool(g, "five", &b));
    assert_false(ae_gguf_get_str(g, "five", &s));
    assert_true(u == 77 && f == 77 && b && s.len == 1); /* untouched on failure */
    assert_true(ae_gguf_get_u32(g, "five", &u) && u == 5);
    assert_true(ae_gguf_get_f32(g, "half", &f) && f == 0.5f);
    assert_true(ae_gguf_array_number(ae_gguf_value_find(g, "array"), 0) == -1);
    assert_true(ae_gguf_array_number(ae_gguf_value_find(g, "array"), 1) == 2);
    assert_true(ae_gguf_array_number(ae_gguf_value_find(g, "reals"), 0) == 0.25);
    assert_true(ae_gguf_array_number(ae_gguf_value_find(g, "large"), 0) == 0x1p64);
    ae_gguf_close(g);
}

static void numbers_of_every_type_in_arrays(void **state)
{
    (void)state;
    static const unsigned char number[8] = {1}; /* in any integer type, and false or true */
    ae_gguf_writer *w;
    ae_gguf *g;
    CHECK_OK(ae_gguf_writer_open(&w, path, &err));
    for (size_t i = 0; i < AE_COUNT(fixed); i++) {
        char key[16];
        snprintf(key, sizeof key, "array %zu", i);
        CHECK_OK(ae_gguf_put_array(w, key, fixed[i], number, 1, &err));
    }
    CHECK_OK(ae_gguf_writer_commit(w, &err));
    CHECK_OK(ae_gguf_open(&g, path, &err));
    for (size_t i = 0; i < AE_COUNT(fixed); i++) {
        double value = ae_gguf_array_number(ae_gguf_value_at(g, i), 0);
        if (fixed[i] == AE_GGUF_F32 || fixed[i] == AE_GGUF_F64)
            assert_true(value > 0 && value < 1e-40); /* the smallest of all */
        else
            assert_true(value == 1);
    }
    ae_gguf_close(g);
}

static void tensors_round_trip_in_pieces_and_aligned(void **state)
{
    (void)state;
    static const unsigned char q8[68] = {3, 1, 4, 1, 5};
    ae_gguf_writer *w;
    CHECK_OK(ae_gguf_writer_open(&w, path, &err));
    CHECK_OK(ae_gguf_put_u32(w, "general.alignment", 64, &err));
    CHECK_OK(ae_gguf_add_tensor(w, "m", AEON_TYPE_F32, 2, dims, &err));
    CHECK_OK(ae_gguf_add_tensor(w, "q", AEON_TYPE_Q8_0, 4, (uint64_t[]){32, 1, 2, 1}, &err));
    const char *rest = (const char *)matrix;
    for (size_t n = 0, step = 1; n < sizeof matrix; n += step, step = 23)
        CHECK_OK(ae_gguf_put_data(w, rest + n, step, &err));
    CHECK_OK(ae_gguf_put_data(w, q8, sizeof q8, &err));
    CHECK_OK(ae_gguf_writer_commit(w, &err));
    ae_gguf *g;
    CHECK_OK(ae_gguf_open(&g, path, &err));
    assert_int_equal(ae_gguf_n_tensors(g), 2);
    const ae_tensor *m = ae_gguf_tensor_at(g, 0), *q = ae_gguf_tensor_find(g, "q");
    assert_string_equal(m->name, "m");
    assert_true(m->n_dims == 2 && ae_tensor_n_cols(m) == 3 && ae_tensor_n_rows(m) == 2);
    assert_int_equal(m->size_bytes, sizeof matrix);
    assert_memory_equal(m->data, matrix, sizeof matrix);
    assert_true(q && q->n_dims == 4 && q->type->type == AEON_TYPE_Q8_0 && q->size_bytes == 68);
    assert_memory_equal(q->data, q8, sizeof q8);
    assert_int_equal((const char *)q->data - (const char *)m->data, 64);
    assert_int_equal((uintptr_t)q->data % 64, 0);
    assert_null(ae_gguf_tensor_find(g, "absent"));
    assert_int_equal(ae_gguf_file_bytes(g) % 64, 0);
    assert_string_equal(ae_gguf_path(g), path);
    ae_gguf_close(g);
}

static void abort_leaves_nothing(void **state)
{
    (void)state;
    ae_gguf_writer *w;
    ae_gguf_writer_abort(NULL);
    CHECK_OK(ae_gguf_writer_open(&w, path, &err));
    CHECK_OK(ae_gguf_add_tensor(w, "m", AEON_TYPE_F32, 2, dims, &err));
    CHECK_OK(ae_gguf_put_data(w, matrix, sizeof matrix, &err));
    ae_gguf_writer_abort(w);
    assert_int_equal(scratch_n_files(), 0);
}

static void commit_without_all_data_leaves_nothing(void **state)
{
    (void)state;
    for (size_t given = 0; given < sizeof matrix; given += sizeof matrix - 1) {
        ae_gguf_writer *w;
        CHECK_OK(ae_gguf_writer_open(&w, path, &err));
        CHECK_OK(ae_gguf_add_tensor(w, "m", AEON_TYPE_F32, 2, dims, &err));
        CHECK_OK(ae_gguf_put_data(w, matrix, given, &err));
        CHECK_FAILS(ae_gguf_writer_commit(w, &err), AEON_INVALID_ARGUMENT);
        assert_int_equal(scratch_n_files(), 0);
    }
}

static void an_old_file_stays_until_commit(void **state)
{
    (void)state;
    CHECK_OK(write_small(&err));
    ae_gguf_writer *w;
    CHECK_OK(ae_gguf_writer_open(&w, path, &err));
    CHECK_OK(ae_gguf_add_tensor(w, "other", AEON_TYPE_F32, 2, dims, &err));
    ae_gguf_writer_abort(w);
    ae_gguf *g;
    CHECK_OK(ae_gguf_open(&g, path, &err));
    assert_non_null(ae_gguf_tensor_find(g, "m"));
    ae_gguf_close(g);
}

/* Each wrong call fails, and after it only abort is possible. */
static void wrong_calls_are_refused(void **state)
{
    (void)state;
    char longest[66];
    memset(longest, 'x', sizeof longest);
    longest[65] = 0;
    for (int i = 0;; i++) {
        ae_gguf_writer *w;
        CHECK_OK(ae_gguf_writer_open(&w, path, &err));
        CHECK_OK(ae_gguf_put_u32(w, "a", 1, &err));
        CHECK_OK(ae_gguf_add_tensor(w, "m", AEON_TYPE_F32, 2, dims, &err));
        if (i >= 12) CHECK_OK(ae_gguf_put_data(w, matrix, 4, &err));
        aeon_status status = AEON_OK;
        err.text[0] = 0;
        switch (i) {
        case 0: status = ae_gguf_put_u64(w, "\n", 1, &err); break;
        case 1: status = ae_gguf_put_u64(w, "", 1, &err); break;
        case 2: status = ae_gguf_put_u32(w, "general.alignment", 64, &err); break;
        case 3: status = ae_gguf_put_array(w, "b", AE_GGUF_STRING, numbers, 1, &err); break;
        case 4:
            status = ae_gguf_put_array(w, "b", AE_GGUF_U64, numbers, UINT64_MAX / 4, &err);
            break;
        case 5: status = ae_gguf_add_tensor(w, "\n", AEON_TYPE_F32, 2, dims, &err); break;
        case 6: status = ae_gguf_add_tensor(w, "n", (aeon_type)5, 2, dims, &err); break;
        case 7: status = ae_gguf_add_tensor(w, "n", AEON_TYPE_F32, 5, dims, &err); break;
        case 8: status = ae_gguf_add_tensor(w, "n", AEON_TYPE_F32, 0, dims, &err); break;
        case 9: status = ae_gguf_add_tensor(w, "n", AEON_TYPE_Q8_0, 2, dims, &err); break;
        case 10: status = ae_gguf_add_tensor(w, longest, AEON_TYPE_F32, 2, dims, &err); break;
        case 11: status = ae_gguf_put_data(w, matrix, sizeof matrix + 1, &err); break;
        case 12: status = ae_gguf_put_u32(w, "late", 1, &err); break;
        case 13: status = ae_gguf_add_tensor(w, "late", AEON_TYPE_F32, 2, dims, &err); break;
        case 14: status = ae_gguf_put_data(w, matrix, sizeof matrix - 3, &err); break;
        default: ae_gguf_writer_abort(w); return;
        }
        if (status == AEON_OK || !err.text[0]) fail_msg("wrong call %d is accepted", i);
        assert_int_not_equal(ae_gguf_put_data(w, matrix, 4, &err), AEON_OK);
        if (i % 2)
            assert_int_not_equal(ae_gguf_writer_commit(w, &err), AEON_OK);
        else
            ae_gguf_writer_abort(w);
        assert_int_equal(scratch_n_files(), 0);
    }
}

/* With the first data, or at the end of a file that has none. */
static void names_that_are_put_twice_are_refused(void **state)
{
    (void)state;
    for (int is_tensor = 0; is_tensor < 2; is_tensor++) {
        ae_gguf_writer *w;
        CHECK_OK(ae_gguf_writer_open(&w, path, &err));
        for (uint32_t i = 0; i < 100; i++) {
            char name[16];
            snprintf(name, sizeof name, "name %u", i % 99);
            CHECK_OK(is_tensor ? ae_gguf_add_tensor(w, name, AEON_TYPE_F32, 2, dims, &err)
                               : ae_gguf_put_u32(w, name, i, &err));
        }
        if (is_tensor)
            CHECK_FAILS(ae_gguf_put_data(w, matrix, 4, &err), AEON_INVALID_ARGUMENT);
        else
            CHECK_FAILS(ae_gguf_writer_commit(w, &err), AEON_INVALID_ARGUMENT);
        assert_non_null(strstr(err.text, "'name 0' is put twice"));
        if (is_tensor) ae_gguf_writer_abort(w);
        assert_int_equal(scratch_n_files(), 0);
    }
}

static void a_folder_that_is_missing_is_named(void **state)
{
    (void)state;
    ae_gguf_writer *w;
    CHECK_FAILS(ae_gguf_writer_open(&w, "/nowhere/at/all.gguf", &err), AEON_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nowhere/at/all.gguf"));
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    size_t before = aeon_memory_stats_get().current_bytes;
    for (int persistent = 0; persistent < 2; persistent++)
        for (uint64_t k = 1;; k++) {
            ae_mem_fail_at(k, persistent);
            aeon_status status = write_small(&err);
            ae_mem_fail_at(0, false);
            assert_int_equal(aeon_memory_stats_get().current_bytes, before);
            if (status == AEON_OK) {
                assert_true(k > 5);
                break;
            }
            assert_int_equal(status, AEON_OUT_OF_MEMORY);
            assert_int_equal(scratch_n_files(), persistent);
            if (k > 1000) fail();
        }
}

static void a_full_disk_leaves_the_old_file(void **state)
{
    (void)state;
    CHECK_OK(write_small(&err));
    struct rlimit old, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    for (rlim_t limit = 0; limit < 192; limit += 31) {
        small = (struct rlimit){limit, old.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        err.text[0] = 0;
        aeon_status status = write_small(&err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_int_equal(status, AEON_IO);
        assert_non_null(strstr(err.text, path));
        assert_int_equal(scratch_n_files(), 1);
        ae_gguf *g;
        CHECK_OK(ae_gguf_open(&g, path, &err));
        ae_gguf_close(g);
    }
    signal(SIGXFSZ, handler);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(every_value_type_round_trips),
        SCRATCH_TEST(values_are_copied_unchanged),
        SCRATCH_TEST(numbers_are_read_only_where_they_fit),
        SCRATCH_TEST(numbers_of_every_type_in_arrays),
        SCRATCH_TEST(tensors_round_trip_in_pieces_and_aligned),
        SCRATCH_TEST(abort_leaves_nothing),
        SCRATCH_TEST(commit_without_all_data_leaves_nothing),
        SCRATCH_TEST(an_old_file_stays_until_commit),
        SCRATCH_TEST(wrong_calls_are_refused),
        SCRATCH_TEST(names_that_are_put_twice_are_refused),
        cmocka_unit_test(a_folder_that_is_missing_is_named),
        SCRATCH_TEST(every_allocation_may_fail),
        SCRATCH_TEST(a_full_disk_leaves_the_old_file),
    };
    return cmocka_run_group_tests(tests, make_paths, scratch_remove);
}
