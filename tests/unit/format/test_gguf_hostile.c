/* format/gguf: every file is an attack until it is read. The names of the tests say which one; the
 * CVE numbers are those of engines that fell for it. */
#include "base/mem.h"
#include "check.h"
#include "unit/format/gguf_bytes.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static aeon_error err;
static const uint64_t one[] = {8};

/* Reads from a copy of exactly b.n bytes, so that a sanitizer sees the first byte too many. */
static void *exact_copy;

static aeon_status open_bytes(ae_gguf **g, const bytes *b)
{
    free(exact_copy);
    exact_copy = malloc(b->n ? b->n : 1);
    assert_non_null(exact_copy);
    memcpy(exact_copy, b->at, b->n);
    err.text[0] = 0;
    return ae_gguf_open_memory(g, exact_copy, b->n, "hostile.gguf", &err);
}

/* The file is refused with a text that names it and says `words`, and nothing stays allocated. */
static void refuse(const bytes *b, aeon_status expected, const char *words)
{
    size_t before = aeon_memory_stats_get().current_bytes;
    ae_gguf *g = NULL;
    assert_int_equal(open_bytes(&g, b), expected);
    assert_null(g);
    if (strncmp(err.text, "hostile.gguf: ", 14) != 0 || !strstr(err.text, words))
        fail_msg("'%s' does not say '%s'", err.text, words);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

static unsigned sum; /* what reads every byte must do something with it */

/* Reads every byte that the object offers: a wrong pointer is a sanitizer fault. */
static void read_all(const ae_gguf *g)
{
    for (size_t i = 0; i < ae_gguf_n_tensors(g); i++) {
        const ae_tensor *t = ae_gguf_tensor_at(g, i);
        assert_ptr_equal(ae_gguf_tensor_find(g, t->name), t);
        assert_true(t->n_dims >= 1 && t->n_dims <= AE_MAX_DIMS);
        assert_int_equal(ae_dtype_row_bytes(t->type, ae_tensor_n_cols(t)) * ae_tensor_n_rows(t),
                         t->size_bytes);
        for (uint64_t k = 0; k < t->size_bytes; k++) sum += ((const unsigned char *)t->data)[k];
    }
    for (size_t i = 0; i < ae_gguf_n_values(g); i++) {
        const ae_gguf_value *v = ae_gguf_value_at(g, i);
        assert_ptr_equal(ae_gguf_value_find(g, v->key), v);
        for (uint64_t k = 0; k < v->n; k++) {
            for (size_t j = 0; v->strings && j < v->strings[k].len; j++)
                sum += (unsigned char)v->strings[k].data[j];
            if (v->type == AE_GGUF_ARRAY && !v->strings) sum += ae_gguf_array_number(v, k) > 0;
        }
    }
}

/* ---- counts and lengths ---- */

/* CVE-2024-23496, CVE-2024-21825: a length near 2^64 wrapped to a small allocation. */
static void string_length_overflows(void **state)
{
    (void)state;
    static const uint64_t lens[] = {UINT64_MAX, UINT64_MAX - 1, 1ULL << 63, 1ULL << 32, 100};
    for (size_t i = 0; i < AE_COUNT(lens); i++) {
        bytes b = head(0, 1);
        put64(&b, lens[i]); /* of the key */
        put(&b, "key", 3);
        refuse(&b, AEON_BAD_FORMAT, "past the end");
        b = head(0, 1);
        put_key(&b, "key", AE_GGUF_STRING);
        put64(&b, lens[i]); /* of the value */
        put(&b, "value", 5);
        refuse(&b, AEON_BAD_FORMAT, "past the end");
        b = head(1, 0);
        put64(&b, lens[i]); /* of a tensor's name */
        put(&b, "name", 4);
        refuse(&b, AEON_BAD_FORMAT, "past the end");
    }
}

/* CVE-2024-21802, CVE-2024-23605: counts in the header sized a table. */
static void tensor_count_overflows(void **state)
{
    (void)state;
    static const uint64_t counts[] = {UINT64_MAX, UINT64_MAX / 72 + 1, 1ULL << 32, 2};
    for (size_t i = 0; i < AE_COUNT(counts); i++) {
        bytes b = head(counts[i], 0);
        put_tensor(&b, "t", 1, one, AEON_TYPE_F32, 0);
        uint64_t before = (ae_mem_fail_at(0, false), ae_mem_n_allocs());
        refuse(&b, AEON_BAD_FORMAT, "past the end");
        assert_true(ae_mem_n_allocs() - before <= 2); /* the object and its path */
    }
}

static void value_count_overflows(void **state)
{
    (void)state;
    static const uint64_t counts[] = {UINT64_MAX, UINT64_MAX / 56 + 1, 1ULL << 32, 2};
    for (size_t i = 0; i < AE_COUNT(counts); i++) {
        bytes b = head(0, counts[i]);
        put_key(&b, "k", AE_GGUF_U8);
        put(&b, "x", 1);
        refuse(&b, AEON_BAD_FORMAT, "past the end");
    }
}

/* CVE-2024-21836: n x element size wrapped. */
static void array_count_overflows(void **state)
{
    (void)state;
    static const uint64_t counts[] = {UINT64_MAX, UINT64_MAX / 8 + 1, (1ULL << 61) + 1, 1ULL << 32,
                                      3};
    static const uint32_t types[] = {AE_GGUF_U8, AE_GGUF_U32, AE_GGUF_F64, AE_GGUF_STRING};
    for (size_t i = 0; i < AE_COUNT(counts); i++)
        for (size_t t = 0; t < AE_COUNT(types); t++) {
            bytes b = head(0, 1);
            put_key(&b, "array", AE_GGUF_ARRAY);
            put32(&b, types[t]);
            put64(&b, counts[i]);
            put(&b, "\0\0", 2);
            refuse(&b, AEON_BAD_FORMAT, "past the end");
        }
}

/* CVE-2024-32878: an array of strings was freed uninitialised after its third string failed. */
static void string_array_fails_half_way(void **state)
{
    (void)state;
    bytes b = head(0, 1);
    put_key(&b, "array", AE_GGUF_ARRAY);
    put32(&b, AE_GGUF_STRING);
    put64(&b, 3);
    put_str(&b, "one");
    put_str(&b, "two");
    put64(&b, 1ULL << 40);
    refuse(&b, AEON_BAD_FORMAT, "past the end");
}

/* ---- tensors ---- */

static bytes one_tensor(uint32_t n_dims, const uint64_t *dims, uint32_t type, uint64_t offset)
{
    bytes b = head(1, 0);
    put_tensor(&b, "blk.0.attn", n_dims, dims, type, offset);
    put_data(&b, 64);
    return b;
}

/* The product of dimensions wraps around to something small. */
static void tensor_dimensions_overflow(void **state)
{
    (void)state;
    static const uint64_t dims[][4] = {
        {1ULL << 32, 1ULL << 32, 1, 1}, /* 2^64 wraps to 0 */
        {1ULL << 31, 1ULL << 31, 4, 1}, /* the same in three */
        {UINT64_MAX, UINT64_MAX, 1, 1}, /* wraps to 1 */
        {1ULL << 62, 1, 1, 1},          /* x 4 bytes wraps to 0 */
        {(1ULL << 62) + 4, 1, 1, 1},    /* x 4 bytes wraps to 16 */
        {1ULL << 16, 1ULL << 16, 1ULL << 16, 1ULL << 16},
    };
    for (size_t i = 0; i < AE_COUNT(dims); i++) {
        bytes b = one_tensor(4, dims[i], AEON_TYPE_F32, 0);
        refuse(&b, AEON_BAD_FORMAT, "larger than any file");
    }
}

/* CVE-2026-33298: sizes that fit in 64 bits but not in any file were believed. */
static void exabyte_tensor_in_a_tiny_file(void **state)
{
    (void)state;
    bytes b = one_tensor(2, (uint64_t[]){1ULL << 30, 1ULL << 29}, AEON_TYPE_F32, 0);
    refuse(&b, AEON_BAD_FORMAT, "runs past the end");
    b = one_tensor(4, (uint64_t[]){1ULL << 15, 1ULL << 15, 1ULL << 15, 1ULL << 15}, AEON_TYPE_F16,
                   0);
    refuse(&b, AEON_BAD_FORMAT, "runs past the end");
}

/* CVE-2025-53630, CVE-2026-27940: the sum of sizes, padded, wrapped; the fix added unguarded. */
static void summed_sizes_wrap(void **state)
{
    (void)state;
    for (uint64_t rest = 0; rest <= 64; rest += 32) {
        bytes b = head(2, 0);
        put_tensor(&b, "huge", 1, (uint64_t[]){(UINT64_MAX - 31) - rest}, AEON_TYPE_Q8_0, 0);
        put_tensor(&b, "next", 1, one, AEON_TYPE_F32, 0);
        put_data(&b, 64);
        refuse(&b, AEON_BAD_FORMAT, "than any file");
        b = head(2, 0);
        put_tensor(&b, "huge", 1, (uint64_t[]){UINT64_MAX / 4 - 7 - rest}, AEON_TYPE_F32, 0);
        put_tensor(&b, "next", 1, one, AEON_TYPE_F32, 0);
        put_data(&b, 64);
        refuse(&b, AEON_BAD_FORMAT, "runs past the end");
    }
}

static void offset_plus_size_wraps(void **state)
{
    (void)state;
    static const uint64_t offsets[] = {UINT64_MAX - 31, UINT64_MAX - 63, 1ULL << 63, 1ULL << 40};
    for (size_t i = 0; i < AE_COUNT(offsets); i++) {
        bytes b = one_tensor(1, one, AEON_TYPE_F32, offsets[i]);
        refuse(&b, AEON_BAD_FORMAT, "runs past the end");
    }
}

/* CVE-2026-7482: what lay behind the file was read as weights. */
static void tensor_extent_past_the_end(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 20; n++) { /* 64 bytes of data hold 16 numbers, 8 behind offset 32 */
        bytes b = one_tensor(1, &n, AEON_TYPE_F32, 32);
        ae_gguf *g;
        if (n > 8) {
            refuse(&b, AEON_BAD_FORMAT, "runs past the end");
            continue;
        }
        CHECK_OK(open_bytes(&g, &b));
        read_all(g);
        ae_gguf_close(g);
    }
}

static void tensor_offset_is_not_aligned(void **state)
{
    (void)state;
    bytes b = one_tensor(1, one, AEON_TYPE_F32, 8);
    refuse(&b, AEON_BAD_FORMAT, "not aligned");
}

/* The limit of 4 was only an assertion. */
static void more_than_four_dimensions(void **state)
{
    (void)state;
    static const uint64_t dims[6] = {1, 1, 1, 1, 1, 1};
    bytes b = one_tensor(5, dims, AEON_TYPE_F32, 0);
    refuse(&b, AEON_BAD_FORMAT, "5 dimensions");
    b = head(1, 0);
    put_str(&b, "t");
    put32(&b, UINT32_MAX);
    put_data(&b, 64);
    refuse(&b, AEON_BAD_FORMAT, "4294967295 dimensions");
}

static void no_dimensions_and_empty_dimensions(void **state)
{
    (void)state;
    bytes b = one_tensor(0, NULL, AEON_TYPE_F32, 0);
    refuse(&b, AEON_BAD_FORMAT, "0 dimensions");
    for (int i = 0; i < 4; i++) {
        uint64_t dims[] = {8, 8, 8, 8};
        dims[i] = 0;
        b = one_tensor(4, dims, AEON_TYPE_F32, 0);
        refuse(&b, AEON_BAD_FORMAT, "is 0");
    }
}

static void row_is_not_whole_blocks(void **state)
{
    (void)state;
    bytes b = one_tensor(1, (uint64_t[]){33}, AEON_TYPE_Q8_0, 0);
    refuse(&b, AEON_BAD_FORMAT, "whole q8_0 blocks");
    b = one_tensor(2, (uint64_t[]){16, 2}, AEON_TYPE_Q4_0, 0); /* whole only over rows */
    refuse(&b, AEON_BAD_FORMAT, "whole q4_0 blocks");
}

/* A negative type indexed before the table of types. */
static void negative_and_unknown_tensor_types(void **state)
{
    (void)state;
    static const uint32_t types[] = {UINT32_MAX, 0x80000000u, 4, 5, 43, 143, 1000};
    for (size_t i = 0; i < AE_COUNT(types); i++) {
        bytes b = one_tensor(1, one, types[i], 0);
        refuse(&b, AEON_UNSUPPORTED, "type unknown");
    }
}

/* Other programs write these. */
static void foreign_tensor_types_are_named(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        const char *name;
    } types[] = {{16, "iq2_xxs"}, {31, "q4_0_4_4"}, {39, "mxfp4"}, {40, "nvfp4"}, {42, "q2_0"}};
    for (size_t i = 0; i < AE_COUNT(types); i++) {
        bytes b = one_tensor(1, (uint64_t[]){256}, types[i].type, 0);
        refuse(&b, AEON_UNSUPPORTED, types[i].name);
    }
}

/* ---- values ---- */

static void negative_and_unknown_value_types(void **state)
{
    (void)state;
    static const uint32_t types[] = {13, 255, 0x80000000u, UINT32_MAX};
    for (size_t i = 0; i < AE_COUNT(types); i++) {
        bytes b = head(0, 1);
        put_key(&b, "key", types[i]);
        put64(&b, 0);
        refuse(&b, AEON_BAD_FORMAT, "unknown value type");
        b = head(0, 1);
        put_key(&b, "key", AE_GGUF_ARRAY);
        put32(&b, types[i]);
        put64(&b, 0);
        refuse(&b, AEON_BAD_FORMAT, "unknown value type");
    }
}

static void nested_arrays(void **state)
{
    (void)state;
    bytes b = head(0, 1);
    put_key(&b, "nest", AE_GGUF_ARRAY);
    for (int i = 0; i < 200; i++) { /* would be one recursion each */
        put32(&b, AE_GGUF_ARRAY);
        put64(&b, 1);
    }
    refuse(&b, AEON_UNSUPPORTED, "array of arrays");
}

static void bool_that_is_neither(void **state)
{
    (void)state;
    bytes b = head(0, 1);
    put_key(&b, "flag", AE_GGUF_BOOL);
    put(&b, "\2", 1);
    refuse(&b, AEON_BAD_FORMAT, "'flag' holds 2");
}

static void alignment_zero_or_not_a_power_of_two(void **state)
{
    (void)state;
    static const uint32_t wrong[] = {0, 3, 33, 48, UINT32_MAX};
    for (size_t i = 0; i < AE_COUNT(wrong); i++) {
        bytes b = head(1, 1);
        put_key(&b, "general.alignment", AE_GGUF_U32);
        put32(&b, wrong[i]);
        put_tensor(&b, "t", 1, one, AEON_TYPE_F32, 0);
        put_data(&b, 64);
        refuse(&b, AEON_BAD_FORMAT, "power of two");
    }
    bytes b = head(0, 1);
    put_key(&b, "general.alignment", AE_GGUF_STRING);
    put_str(&b, "32");
    refuse(&b, AEON_BAD_FORMAT, "power of two");
    b = head(1, 1); /* the data would begin behind the end */
    put_key(&b, "general.alignment", AE_GGUF_U32);
    put32(&b, 1u << 31);
    put_tensor(&b, "t", 1, one, AEON_TYPE_F32, 0);
    put_data(&b, 64);
    refuse(&b, AEON_BAD_FORMAT, "runs past the end");
}

static void duplicate_keys(void **state)
{
    (void)state;
    bytes b = head(0, 3);
    put_key(&b, "same", AE_GGUF_U8);
    put(&b, "a", 1);
    put_key(&b, "other", AE_GGUF_U8);
    put(&b, "b", 1);
    put_key(&b, "same", AE_GGUF_STRING);
    put_str(&b, "c");
    refuse(&b, AEON_BAD_FORMAT, "'same' stands in the file twice");
}

static void duplicate_tensors(void **state)
{
    (void)state;
    bytes b = head(2, 0);
    put_tensor(&b, "same", 1, one, AEON_TYPE_F32, 0);
    put_tensor(&b, "same", 1, one, AEON_TYPE_F32, 32);
    put_data(&b, 64);
    refuse(&b, AEON_BAD_FORMAT, "'same' stands in the file twice");
}

/* A 0 byte in a name would hide the rest from every later comparison. */
static void names_that_are_not_texts(void **state)
{
    (void)state;
    bytes b = head(0, 1);
    put64(&b, 4);
    put(&b, "a\0bc", 4);
    put32(&b, AE_GGUF_U8);
    put(&b, "x", 1);
    refuse(&b, AEON_BAD_FORMAT, "bad metadata key 'a?bc'");
    b = head(1, 0);
    put_tensor(&b, "", 1, one, AEON_TYPE_F32, 0);
    put_data(&b, 64);
    refuse(&b, AEON_BAD_FORMAT, "bad tensor name");
    b = head(1, 0);
    put_tensor(&b, "\x1b[2J\n", 1, one, AEON_TYPE_F32, 0); /* would clear the terminal */
    put_data(&b, 64);
    refuse(&b, AEON_BAD_FORMAT, "bad tensor name '?[2J?'");
    b = head(0, 1);
    put_key(&b, "caf\xe9", AE_GGUF_U8); /* not UTF-8 */
    put(&b, "x", 1);
    refuse(&b, AEON_BAD_FORMAT, "bad metadata key 'caf?'");
}

/* ---- whole files ---- */

static void old_and_new_versions(void **state)
{
    (void)state;
    static const struct {
        uint32_t version;
        const char *words;
    } cases[] = {{0, "version 0 is too old"},
                 {1, "version 1 is too old"},
                 {4, "version 4 is too new"},
                 {UINT16_MAX, "too new"}};
    for (size_t i = 0; i < AE_COUNT(cases); i++) {
        bytes b = valid();
        memcpy(b.at + 4, &cases[i].version, 4);
        refuse(&b, AEON_UNSUPPORTED, cases[i].words);
    }
    bytes b = valid();
    b.at[4] = 2;
    ae_gguf *g;
    CHECK_OK(open_bytes(&g, &b));
    assert_int_equal(ae_gguf_version(g), 2);
    ae_gguf_close(g);
}

static void big_endian_is_named(void **state)
{
    (void)state;
    bytes b = valid();
    memcpy(b.at + 4, "\0\0\0\3", 4);
    refuse(&b, AEON_UNSUPPORTED, "big-endian");
    b = valid();
    memcpy(b.at, "FUGG", 4);
    refuse(&b, AEON_UNSUPPORTED, "big-endian");
}

static void empty_file_and_wrong_magic(void **state)
{
    (void)state;
    bytes b = {.n = 0};
    refuse(&b, AEON_BAD_FORMAT, "empty");
    put(&b, "GGU", 3);
    refuse(&b, AEON_BAD_FORMAT, "not a GGUF file");
    b = valid();
    b.at[3] = 'L';
    refuse(&b, AEON_BAD_FORMAT, "not a GGUF file");
}

static void missing_file_folder_and_pipe(void **state)
{
    (void)state;
    char folder[] = "/tmp/aeon-hostile-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/model.gguf", folder);
    ae_gguf *g = NULL;
    CHECK_FAILS(ae_gguf_open(&g, path, &err), AEON_NOT_FOUND);
    assert_non_null(strstr(err.text, path));
    CHECK_FAILS(ae_gguf_open(&g, folder, &err), AEON_IO);
    assert_int_equal(mkfifo(path, 0600), 0);
    CHECK_FAILS(ae_gguf_open(&g, path, &err), AEON_IO); /* and does not wait for a writer */
    assert_null(g);
    unlink(path);
    rmdir(folder);
}

static void truncated_at_every_byte(void **state)
{
    (void)state;
    bytes b = valid();
    ae_gguf *g;
    CHECK_OK(open_bytes(&g, &b));
    read_all(g);
    ae_gguf_close(g);
    while (b.n > 0) {
        b.n--;
        refuse(&b, AEON_BAD_FORMAT, "");
    }
}

/* One to four changed bytes in each of 20,000 copies: refused cleanly, or an object all of whose
 * bytes can be read. */
static void random_mutations(void **state)
{
    (void)state;
    size_t before = aeon_memory_stats_get().current_bytes;
    uint64_t random = 20260101;
    int n_opened = 0;
    static const unsigned char nasty[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff};
    for (int i = 0; i < 20000; i++) {
        bytes b = valid();
        for (uint64_t n = 1 + check_random(&random) % 4; n > 0; n--) {
            uint64_t r = check_random(&random);
            b.at[r % b.n] = r >> 63 ? (unsigned char)(r >> 40) : nasty[(r >> 40) % sizeof nasty];
        }
        ae_gguf *g;
        if (open_bytes(&g, &b) != AEON_OK) {
            assert_int_not_equal(err.text[0], 0);
            continue;
        }
        read_all(g);
        ae_gguf_close(g);
        n_opened++;
    }
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    assert_true(n_opened > 2000 && n_opened < 18000); /* both outcomes are tried */
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    bytes b = valid();
    size_t before = aeon_memory_stats_get().current_bytes;
    for (uint64_t k = 1;; k++) {
        ae_gguf *g;
        ae_mem_fail_at(k, true);
        err.text[0] = 0;
        aeon_status status = ae_gguf_open_memory(&g, b.at, b.n, "a.gguf", &err);
        ae_mem_fail_at(0, false);
        if (status == AEON_OK) {
            assert_true(k > 6);
            ae_gguf_close(g);
        } else {
            assert_int_equal(status, AEON_OUT_OF_MEMORY);
            assert_int_not_equal(err.text[0], 0);
        }
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
        if (status == AEON_OK) break;
    }
}

/* Memory follows what the file holds: a list of empty strings is the worst case. */
static void memory_is_a_small_multiple_of_the_file(void **state)
{
    (void)state;
    enum { N = 100000 };
    bytes b = head(0, 1);
    put_key(&b, "array", AE_GGUF_ARRAY);
    put32(&b, AE_GGUF_STRING);
    put64(&b, N);
    size_t size = b.n + N * sizeof(uint64_t);
    unsigned char *file = calloc(1, size);
    assert_non_null(file);
    memcpy(file, b.at, b.n);
    size_t before = aeon_memory_stats_get().current_bytes;
    ae_gguf *g;
    CHECK_OK(ae_gguf_open_memory(&g, file, size, "a.gguf", &err));
    assert_true(aeon_memory_stats_get().current_bytes - before < 2 * size + 4096);
    ae_gguf_close(g);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(string_length_overflows),
        cmocka_unit_test(tensor_count_overflows),
        cmocka_unit_test(value_count_overflows),
        cmocka_unit_test(array_count_overflows),
        cmocka_unit_test(string_array_fails_half_way),
        cmocka_unit_test(tensor_dimensions_overflow),
        cmocka_unit_test(exabyte_tensor_in_a_tiny_file),
        cmocka_unit_test(summed_sizes_wrap),
        cmocka_unit_test(offset_plus_size_wraps),
        cmocka_unit_test(tensor_extent_past_the_end),
        cmocka_unit_test(tensor_offset_is_not_aligned),
        cmocka_unit_test(more_than_four_dimensions),
        cmocka_unit_test(no_dimensions_and_empty_dimensions),
        cmocka_unit_test(row_is_not_whole_blocks),
        cmocka_unit_test(negative_and_unknown_tensor_types),
        cmocka_unit_test(foreign_tensor_types_are_named),
        cmocka_unit_test(negative_and_unknown_value_types),
        cmocka_unit_test(nested_arrays),
        cmocka_unit_test(bool_that_is_neither),
        cmocka_unit_test(alignment_zero_or_not_a_power_of_two),
        cmocka_unit_test(duplicate_keys),
        cmocka_unit_test(duplicate_tensors),
        cmocka_unit_test(names_that_are_not_texts),
        cmocka_unit_test(old_and_new_versions),
        cmocka_unit_test(big_endian_is_named),
        cmocka_unit_test(empty_file_and_wrong_magic),
        cmocka_unit_test(missing_file_folder_and_pipe),
        cmocka_unit_test(truncated_at_every_byte),
        cmocka_unit_test(random_mutations),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(memory_is_a_small_multiple_of_the_file),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(exact_copy);
    return failed;
}
