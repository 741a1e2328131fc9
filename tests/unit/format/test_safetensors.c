/* format/safetensors: one file, shards, and every way in which a header can lie. */
#include "base/file.h"
#include "base/mem.h"
#include "check.h"
#include "format/safetensors.h"
#include "unit/format/scratch.h"

#include <string.h>

static aeon_error err;
/* A file with this header, and n bytes 1, 2, 3, ... of data. */
static size_t compose(unsigned char *out, const char *header, size_t n)
{
    uint64_t len = strlen(header);
    memcpy(out, &len, 8);
    memcpy(out + 8, header, len);
    for (size_t i = 0; i < n; i++) out[8 + len + i] = (unsigned char)(i + 1);
    return 8 + len + n;
}

static void write_tensors(const char *name, const char *header, size_t n)
{
    static unsigned char file[1 << 16];
    scratch_write(name, file, compose(file, header, n));
}

/* Opening fails with a text that says `words`, and leaves nothing behind. */
static void refuse_status(const char *header, size_t n, aeon_status expected, const char *words)
{
    size_t before = aeon_memory_stats_get().current_bytes;
    ae_safetensors *s = NULL;
    write_tensors("x.safetensors", header, n);
    err.text[0] = 0;
    assert_int_equal(ae_safetensors_open(&s, in_scratch("x.safetensors"), &err), expected);
    assert_null(s);
    if (!strstr(err.text, "x.safetensors: ") || !strstr(err.text, words))
        fail_msg("'%s' does not say '%s'", err.text, words);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

static void refuse(const char *header, size_t n, const char *words)
{
    refuse_status(header, n, AEON_BAD_FORMAT, words);
}

#define ENTRY(name, type, shape, from, to)                                                         \
    "\"" name "\":{\"dtype\":\"" type "\",\"shape\":[" shape "],\"data_offsets\":[" #from "," #to  \
    "]}"

static const char valid[] =
    "{\"__metadata__\":{\"format\":\"pt\"}," ENTRY("b", "BF16", "2,3", 12, 24) "," ENTRY(
        "a", "F32", "3", 0, 12) "," ENTRY("scalar", "F16", "", 24, 26) "}  ";

static unsigned sum;

static void read_all(const ae_safetensors *s)
{
    for (size_t i = 0; i < ae_safetensors_n_tensors(s); i++) {
        const ae_tensor *t = ae_safetensors_tensor_at(s, i);
        assert_ptr_equal(ae_safetensors_tensor_find(s, t->name), t);
        for (uint64_t k = 0; k < t->size_bytes; k++) sum += ((const unsigned char *)t->data)[k];
    }
}

static void tensors_are_found(void **state)
{
    (void)state;
    write_tensors("x.safetensors", valid, 26);
    ae_safetensors *s;
    CHECK_OK(ae_safetensors_open(&s, in_scratch("x.safetensors"), &err));
    assert_int_equal(ae_safetensors_n_tensors(s), 3);
    assert_string_equal(ae_safetensors_tensor_at(s, 0)->name, "a"); /* in the order of data */
    const ae_tensor *b = ae_safetensors_tensor_find(s, "b");
    assert_true(b && b->type->type == AEON_TYPE_BF16 && b->n_dims == 2 && b->size_bytes == 12);
    assert_true(b->dims[0] == 3 && b->dims[1] == 2 && b->dims[2] == 1);
    assert_int_equal(*(const unsigned char *)b->data, 13);
    const ae_tensor *scalar = ae_safetensors_tensor_find(s, "scalar");
    assert_true(scalar && scalar->n_dims == 1 && scalar->dims[0] == 1 && scalar->size_bytes == 2);
    assert_null(ae_safetensors_tensor_find(s, "__metadata__"));
    read_all(s);
    ae_safetensors_close(s);
    ae_safetensors_close(NULL);
}

/* ---- attacks ---- */

static void shape_unlike_the_offsets(void **state)
{
    (void)state;
    refuse("{" ENTRY("a", "F32", "4", 0, 12) "}", 12, "12 bytes where its shape needs 16");
    refuse("{" ENTRY("a", "F16", "4", 0, 12) "}", 12, "12 bytes where its shape needs 8");
    refuse("{" ENTRY("a", "F32", "4", 0, 0) "}", 0, "0 bytes where its shape needs 16");
}

static void product_of_dimensions_wraps(void **state)
{
    (void)state;
    refuse("{" ENTRY("a", "F32", "4294967296,4294967296", 0, 0) "}", 0, "larger than any file");
    refuse("{" ENTRY("a", "F32", "4611686018427387908", 0, 16) "}", 16, "larger than any file");
    refuse("{" ENTRY("a", "F16", "9223372036854775807,2", 0, 0) "}", 0, "larger than any file");
    refuse("{" ENTRY("a", "F32", "1152921504606846976", 0, 16) "}", 16, "shape needs");
}

static void overlapping_entries(void **state)
{
    (void)state;
    refuse("{" ENTRY("a", "F32", "2", 0, 8) "," ENTRY("b", "F32", "2", 4, 12) "}", 12, "overlaps");
    refuse("{" ENTRY("a", "F32", "2", 0, 8) "," ENTRY("b", "F32", "2", 0, 8) "}", 8, "overlaps");
}

static void duplicate_entries(void **state)
{
    (void)state;
    refuse("{" ENTRY("a", "F32", "1", 0, 4) "," ENTRY("a", "F32", "1", 4, 8) "}", 8, "duplicate");
    refuse("{" ENTRY("a", "F32", "1", 0, 4) "," ENTRY("\\u0061", "F32", "1", 4, 8) "}", 8,
           "duplicate");
}

static void zero_size_entries(void **state)
{
    (void)state;
    refuse("{" ENTRY("a", "F32", "0", 0, 0) "}", 0, "is 0");
    refuse("{" ENTRY("a", "F32", "4,0", 0, 0) "}", 0, "is 0");
}

static void header_over_100_megabytes(void **state)
{
    (void)state;
    static unsigned char file[64];
    static const uint64_t lens[] = {100000001, UINT32_MAX, 1ULL << 63, UINT64_MAX - 7, UINT64_MAX};
    ae_safetensors *s;
    for (size_t i = 0; i < AE_COUNT(lens); i++) {
        memcpy(file, &lens[i], 8);
        scratch_write("x.safetensors", file, sizeof file);
        CHECK_FAILS(ae_safetensors_open(&s, in_scratch("x.safetensors"), &err), AEON_BAD_FORMAT);
        assert_non_null(strstr(err.text, "not a safetensors file"));
    }
    uint64_t len = 57; /* one more than there is */
    memcpy(file, &len, 8);
    scratch_write("x.safetensors", file, sizeof file);
    CHECK_FAILS(ae_safetensors_open(&s, in_scratch("x.safetensors"), &err), AEON_BAD_FORMAT);
    assert_non_null(strstr(err.text, "past the end"));
}

static void offsets_past_the_end_or_backwards(void **state)
{
    (void)state;
    refuse("{" ENTRY("a", "F32", "4", 0, 16) "}", 15, "past the end");
    refuse("{" ENTRY("a", "F32", "4", 9223372036854775791, 9223372036854775807) "}", 16,
           "past the end");
    refuse("{" ENTRY("a", "F32", "4", 16, 0) "}", 16, "past the end");
    refuse("{" ENTRY("a", "F32", "4", -16, 0) "}", 16, "no proper");
}

static void gaps_and_bytes_nobody_owns(void **state)
{
    (void)state;
    refuse("{" ENTRY("a", "F32", "1", 4, 8) "}", 8, "gap");
    refuse("{" ENTRY("a", "F32", "1", 0, 4) "," ENTRY("b", "F32", "1", 8, 12) "}", 12, "gap");
    refuse("{" ENTRY("a", "F32", "1", 0, 4) "}", 5, "behind the last");
    refuse("{}", 1, "behind the last");
}

static void entries_that_are_not_tensors(void **state)
{
    (void)state;
    refuse("{\"a\":1}", 0, "no proper");
    refuse("{\"a\":{}}", 0, "no proper");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":{},\"data_offsets\":[0,4]}}", 4, "no proper");
    refuse("{\"a\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "no proper");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1.0],\"data_offsets\":[0,4]}}", 4, "no proper");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "no proper");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}", 4, "no proper");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, "no proper");
}

static void names_with_control_characters(void **state)
{
    (void)state;
    refuse("{" ENTRY("\\u001b[2J", "F32", "1", 0, 4) "}", 4, "bad tensor name '?[2J'");
    refuse("{" ENTRY("", "F32", "1", 0, 4) "}", 4, "bad tensor name ''");
}

static void unsupported_types_are_named(void **state)
{
    (void)state;
    refuse_status("{" ENTRY("a", "F8_E4M3", "4", 0, 4) "}", 4, AEON_UNSUPPORTED, "F8_E4M3");
    refuse_status("{" ENTRY("a", "I32", "1", 0, 4) "}", 4, AEON_UNSUPPORTED, "I32");
    refuse_status("{" ENTRY("a", "f32", "1", 0, 4) "}", 4, AEON_UNSUPPORTED, "f32");
    refuse_status("{" ENTRY("a", "F32", "1,1,1,1,1", 0, 4) "}", 4, AEON_UNSUPPORTED,
                  "5 dimensions");
}

static void headers_that_are_not_json(void **state)
{
    (void)state;
    static char deep[4000];
    refuse("", 0, "not JSON");
    refuse("[]", 0, "not a JSON object");
    refuse("{\"a\":", 0, "not JSON");
    refuse("{\"a\xff\":1}", 0, "not JSON");
    refuse("{\"a\\u0000b\":1}", 0, "not JSON");
    memset(deep, '[', sizeof deep - 1);
    memcpy(deep, "{\"a\":", 5);
    refuse(deep, 0, "nested deeper than 64");
}

static void empty_missing_and_folder(void **state)
{
    (void)state;
    ae_safetensors *s;
    scratch_write("x.safetensors", "", 0);
    CHECK_FAILS(ae_safetensors_open(&s, in_scratch("x.safetensors"), &err), AEON_BAD_FORMAT);
    CHECK_FAILS(ae_safetensors_open(&s, in_scratch("none"), &err), AEON_NOT_FOUND);
    CHECK_FAILS(ae_safetensors_open(&s, scratch, &err), AEON_IO);
}

static void truncated_at_every_byte(void **state)
{
    (void)state;
    static unsigned char file[1024];
    size_t size = compose(file, valid, 26), before = aeon_memory_stats_get().current_bytes;
    for (size_t n = 0; n < size; n++) {
        ae_safetensors *s;
        scratch_write("x.safetensors", file, n);
        CHECK_FAILS(ae_safetensors_open(&s, in_scratch("x.safetensors"), &err), AEON_BAD_FORMAT);
    }
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

static void random_mutations(void **state)
{
    (void)state;
    static const unsigned char nasty[] = "0129[]{}\",:-.e\\ \xff";
    size_t before = aeon_memory_stats_get().current_bytes;
    uint64_t random = 20260102;
    int n_opened = 0;
    for (int i = 0; i < 5000; i++) {
        unsigned char file[1024];
        size_t size = compose(file, valid, 26);
        for (uint64_t n = 1 + check_random(&random) % 3; n > 0; n--) {
            uint64_t r = check_random(&random);
            file[r % size] = r >> 63 ? (unsigned char)(r >> 40) : nasty[(r >> 40) % sizeof nasty];
        }
        scratch_write("x.safetensors", file, size);
        ae_safetensors *s;
        err.text[0] = 0;
        if (ae_safetensors_open(&s, in_scratch("x.safetensors"), &err) != AEON_OK) {
            assert_int_not_equal(err.text[0], 0);
            continue;
        }
        read_all(s);
        ae_safetensors_close(s);
        n_opened++;
    }
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    assert_true(n_opened > 100 && n_opened < 4900);
}

/* ---- shards ---- */

static void write_shards(const char *weight_map)
{
    char index[1024];
    snprintf(index, sizeof index, "{\"metadata\":{\"total_size\":8},\"weight_map\":%s}",
             weight_map);
    write_tensors("one.safetensors", "{" ENTRY("a", "F32", "1", 0, 4) "}", 4);
    write_tensors("two.safetensors",
                  "{" ENTRY("b", "F32", "1", 0, 4) "," ENTRY("c", "F16", "1", 4, 6) "}", 6);
    scratch_write("model.safetensors.index.json", index, strlen(index));
}

static void shards_are_one_list(void **state)
{
    (void)state;
    write_shards("{\"b\":\"two.safetensors\",\"a\":\"one.safetensors\",\"c\":\"two.safetensors\"}");
    ae_safetensors *s;
    CHECK_OK(ae_safetensors_open_folder(&s, scratch, &err));
    assert_int_equal(ae_safetensors_n_tensors(s), 3);
    assert_int_equal(*(const unsigned char *)ae_safetensors_tensor_find(s, "c")->data, 5);
    read_all(s);
    ae_safetensors_close(s);
    write_tensors("model.safetensors", valid, 26); /* goes before the index */
    CHECK_OK(ae_safetensors_open_folder(&s, scratch, &err));
    assert_non_null(ae_safetensors_tensor_find(s, "scalar"));
    ae_safetensors_close(s);
}

static void index_with_hostile_paths(void **state)
{
    (void)state;
    static const char *const files[] = {"\"../two.safetensors\"",
                                        "\"/etc/passwd\"",
                                        "\"..\"",
                                        "\".\"",
                                        "\"\"",
                                        "\"sub/two.safetensors\"",
                                        "\".hidden\"",
                                        "\"a\\\\b\"",
                                        "5",
                                        "null",
                                        "[]"};
    ae_safetensors *s;
    for (size_t i = 0; i < AE_COUNT(files); i++) {
        char map[128];
        snprintf(map, sizeof map, "{\"a\":\"one.safetensors\",\"b\":%s}", files[i]);
        write_shards(map);
        CHECK_FAILS(ae_safetensors_open_folder(&s, scratch, &err), AEON_BAD_FORMAT);
        assert_non_null(strstr(err.text, "not the name of a file"));
    }
}

static void index_that_contradicts_its_files(void **state)
{
    (void)state;
    ae_safetensors *s;
    write_shards("{\"a\":\"one.safetensors\",\"ghost\":\"two.safetensors\"}");
    CHECK_FAILS(ae_safetensors_open_folder(&s, scratch, &err), AEON_BAD_FORMAT);
    assert_non_null(strstr(err.text, "no file holds tensor 'ghost'"));
    write_shards("{\"a\":\"one.safetensors\",\"b\":\"three.safetensors\"}");
    CHECK_FAILS(ae_safetensors_open_folder(&s, scratch, &err), AEON_NOT_FOUND);
    assert_non_null(strstr(err.text, "three.safetensors"));
    write_shards("{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"}");
    write_tensors("two.safetensors", "{" ENTRY("a", "F32", "1", 0, 4) "}", 4);
    CHECK_FAILS(ae_safetensors_open_folder(&s, scratch, &err), AEON_BAD_FORMAT);
    assert_non_null(strstr(err.text, "'a' stands in two files"));
    write_shards("{}");
    CHECK_FAILS(ae_safetensors_open_folder(&s, scratch, &err), AEON_BAD_FORMAT);
    write_shards("[]");
    CHECK_FAILS(ae_safetensors_open_folder(&s, scratch, &err), AEON_BAD_FORMAT);
}

static void folder_without_weights(void **state)
{
    (void)state;
    ae_safetensors *s;
    CHECK_FAILS(ae_safetensors_open_folder(&s, scratch, &err), AEON_NOT_FOUND);
    assert_non_null(strstr(err.text, "model.safetensors"));
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    write_shards("{\"b\":\"two.safetensors\",\"a\":\"one.safetensors\"}");
    size_t before = aeon_memory_stats_get().current_bytes;
    for (uint64_t k = 1;; k++) {
        ae_safetensors *s;
        ae_mem_fail_at(k, true);
        aeon_status status = ae_safetensors_open_folder(&s, scratch, &err);
        ae_mem_fail_at(0, false);
        if (status == AEON_OK) ae_safetensors_close(s);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
        if (status == AEON_OK) {
            assert_true(k > 8);
            break;
        }
        assert_int_equal(status, AEON_OUT_OF_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(tensors_are_found),
        SCRATCH_TEST(shape_unlike_the_offsets),
        SCRATCH_TEST(product_of_dimensions_wraps),
        SCRATCH_TEST(overlapping_entries),
        SCRATCH_TEST(duplicate_entries),
        SCRATCH_TEST(zero_size_entries),
        SCRATCH_TEST(header_over_100_megabytes),
        SCRATCH_TEST(offsets_past_the_end_or_backwards),
        SCRATCH_TEST(gaps_and_bytes_nobody_owns),
        SCRATCH_TEST(entries_that_are_not_tensors),
        SCRATCH_TEST(names_with_control_characters),
        SCRATCH_TEST(unsupported_types_are_named),
        SCRATCH_TEST(headers_that_are_not_json),
        SCRATCH_TEST(empty_missing_and_folder),
        SCRATCH_TEST(truncated_at_every_byte),
        SCRATCH_TEST(random_mutations),
        SCRATCH_TEST(shards_are_one_list),
        SCRATCH_TEST(index_with_hostile_paths),
        SCRATCH_TEST(index_that_contradicts_its_files),
        SCRATCH_TEST(folder_without_weights),
        SCRATCH_TEST(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
