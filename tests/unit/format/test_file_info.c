/* format/file_info: the public look into a file, its values as JSON. */
#include "aeon/file.h"

#include "base/mem.h"
#include "check.h"
#include "format/gguf.h"
#include "unit/format/scratch.h"

#include <math.h>
#include <string.h>

static aeon_error err;

/* A GGUF with one value, and a tensor. */
static void write_gguf(const ae_gguf_value *v)
{
    ae_gguf_writer *w;
    CHECK_OK(ae_gguf_writer_open(&w, in_scratch("m.gguf"), &err));
    CHECK_OK(ae_gguf_put_value(w, v, &err));
    CHECK_OK(ae_gguf_add_tensor(w, "m", AEON_TYPE_F16, 2, (uint64_t[]){2, 3}, &err));
    CHECK_OK(ae_gguf_put_data(w, "123456789012", 12, &err));
    CHECK_OK(ae_gguf_writer_commit(w, &err));
}

/* The value stands in the file and reads as this JSON text. */
static void expect_json(ae_gguf_value v, size_t max_array, const char *json)
{
    aeon_file *f;
    const char *key;
    aeon_text text = {0};
    v.key = "k";
    write_gguf(&v);
    CHECK_OK(aeon_file_open(&f, in_scratch("m.gguf"), &err));
    assert_int_equal(aeon_file_n_metadata(f), 1);
    CHECK_OK(aeon_file_metadata(f, 0, max_array, &key, &text, &err));
    assert_string_equal(key, "k");
    assert_string_equal(text.data, json);
    aeon_text_release(&text);
    aeon_file_close(f);
}

#define SCALAR(T, ctype, value)                                                                    \
    (ae_gguf_value)                                                                                \
    {                                                                                              \
        .type = AE_GGUF_##T, .n = 1, .data = &(ctype)                                              \
        {                                                                                          \
            value                                                                                  \
        }                                                                                          \
    }

static void numbers_as_json(void **state)
{
    (void)state;
    expect_json(SCALAR(U8, uint8_t, 255), 9, "255");
    expect_json(SCALAR(I8, int8_t, -128), 9, "-128");
    expect_json(SCALAR(U16, uint16_t, 65535), 9, "65535");
    expect_json(SCALAR(I16, int16_t, -1), 9, "-1");
    expect_json(SCALAR(U32, uint32_t, UINT32_MAX), 9, "4294967295");
    expect_json(SCALAR(I32, int32_t, INT32_MIN), 9, "-2147483648");
    expect_json(SCALAR(U64, uint64_t, UINT64_MAX), 9, "18446744073709551615");
    expect_json(SCALAR(I64, int64_t, INT64_MIN), 9, "-9223372036854775808");
    expect_json(SCALAR(BOOL, uint8_t, 1), 9, "true");
    expect_json(SCALAR(BOOL, uint8_t, 0), 9, "false");
    expect_json(SCALAR(F32, float, 1e-5f), 9, "1e-05");
    expect_json(SCALAR(F32, float, 1.19024f), 9, "1.19024");
    expect_json(SCALAR(F64, double, 0.1), 9, "0.1");
    expect_json(SCALAR(F64, double, 1.0 / 3), 9, "0.3333333333333333");
    expect_json(SCALAR(F32, float, NAN), 9, "null");
    expect_json(SCALAR(F64, double, -INFINITY), 9, "null");
}

static void strings_as_json(void **state)
{
    (void)state;
    ae_str s = {"a\"b\\c\n\x1b\0d", 9};
    expect_json((ae_gguf_value){.type = AE_GGUF_STRING, .n = 1, .strings = &s}, 9,
                "\"a\\\"b\\\\c\\u000a\\u001b\\u0000d\"");
    s = (ae_str){"gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80", 11};
    expect_json((ae_gguf_value){.type = AE_GGUF_STRING, .n = 1, .strings = &s}, 9,
                "\"gr\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80\"");
    s = (ae_str){"\xff\xc3|\xc0\x80\xed\xa0\x80", 8}; /* none of these is UTF-8 */
#define BAD "\xef\xbf\xbd"
    expect_json((ae_gguf_value){.type = AE_GGUF_STRING, .n = 1, .strings = &s}, 9,
                "\"" BAD BAD "|" BAD BAD BAD BAD BAD "\"");
}

static void arrays_as_json(void **state)
{
    (void)state;
    static const int16_t numbers[] = {1, -2, 3};
    static const ae_str texts[] = {{"a", 1}, {"b", 1}};
    ae_gguf_value v = {.type = AE_GGUF_ARRAY, .element_type = AE_GGUF_I16, .n = 3, .data = numbers};
    expect_json(v, 3, "[1,-2,3]");
    expect_json(v, 2, "{\"array\":[1,-2],\"n\":3}");
    expect_json(v, 0, "{\"array\":[],\"n\":3}");
    v = (ae_gguf_value){
        .type = AE_GGUF_ARRAY, .element_type = AE_GGUF_STRING, .n = 2, .strings = texts};
    expect_json(v, 9, "[\"a\",\"b\"]");
    v.n = 0;
    expect_json(v, 0, "[]");
}

static void gguf_tensors(void **state)
{
    (void)state;
    aeon_file *f;
    write_gguf(&(ae_gguf_value){.key = "k", .type = AE_GGUF_U8, .n = 1, .data = "x"});
    CHECK_OK(aeon_file_open(&f, in_scratch("m.gguf"), &err));
    assert_string_equal(aeon_file_format(f), "gguf v3");
    assert_int_equal(aeon_file_n_tensors(f), 1);
    aeon_file_tensor_info t = aeon_file_tensor(f, 0);
    assert_string_equal(t.name, "m");
    assert_true(t.type == AEON_TYPE_F16 && t.n_dims == 2 && t.dims[0] == 2 && t.dims[1] == 3);
    assert_true(t.dims[2] == 1 && t.dims[3] == 1 && t.size_bytes == 12);
    aeon_file_close(f);
    aeon_file_close(NULL);
}

static void write_safetensors(const char *name, const char *dtype)
{
    char header[96];
    snprintf(header, sizeof header,
             "{\"a\":{\"dtype\":\"%s\",\"shape\":[%d],\"data_offsets\":[0,4]}}", dtype,
             dtype[0] == 'U' ? 1 : 2);
    char file[8 + sizeof header + 4] = {0};
    uint64_t len = strlen(header);
    memcpy(file, &len, 8);
    memcpy(file + 8, header, len);
    scratch_write(name, file, 8 + len + 4);
}

static void safetensors_by_content(void **state)
{
    (void)state;
    aeon_file *f;
    write_safetensors("weights", "BF16");
    CHECK_OK(aeon_file_open(&f, in_scratch("weights"), &err));
    assert_string_equal(aeon_file_format(f), "safetensors");
    assert_int_equal(aeon_file_n_metadata(f), 0);
    assert_int_equal(aeon_file_n_tensors(f), 1);
    assert_int_equal(aeon_file_tensor(f, 0).type, AEON_TYPE_BF16);
    assert_string_equal(aeon_file_tensor(f, 0).type_name, "bf16");
    aeon_file_close(f);
}

static void words_have_a_name(void **state)
{
    (void)state;
    aeon_file *f;
    write_safetensors("weights", "U32");
    CHECK_OK(aeon_file_open(&f, in_scratch("weights"), &err));
    assert_int_equal(aeon_file_tensor(f, 0).type, AEON_TYPE_U32);
    assert_string_equal(aeon_file_tensor(f, 0).type_name, "u32");
    assert_null(aeon_type_name(AEON_TYPE_U32));
    aeon_file_close(f);
}

static void write_folder(void)
{
    static const char config[] = "{\"model_type\":\"phi3\",\"rope_scaling\":{\"type\":\"longrope\","
                                 "\"long_factor\":[1,2.5,3]},"
                                 "\"bias\":false,\"tied\":true,\"pad\":null,\"eps\":1e-05}";
    scratch_write("config.json", config, sizeof config - 1);
    write_safetensors("model.safetensors", "BF16");
}

static void folder_with_its_config(void **state)
{
    (void)state;
    static const char *const expected[][2] = {
        {"model_type", "\"phi3\""},
        {"rope_scaling", "{\"type\":\"longrope\",\"long_factor\":{\"array\":[1,2.5],\"n\":3}}"},
        {"bias", "false"},
        {"tied", "true"},
        {"pad", "null"},
        {"eps", "1e-05"},
    };
    aeon_file *f;
    aeon_text text = {0};
    write_folder();
    CHECK_OK(aeon_file_open(&f, scratch, &err));
    assert_string_equal(aeon_file_format(f), "hugging face folder");
    assert_int_equal(aeon_file_n_tensors(f), 1);
    assert_int_equal(aeon_file_n_metadata(f), AE_COUNT(expected));
    for (size_t i = 0; i < AE_COUNT(expected); i++) {
        const char *key;
        text.len = 0;
        CHECK_OK(aeon_file_metadata(f, i, 2, &key, &text, &err));
        assert_string_equal(key, expected[i][0]);
        assert_string_equal(text.data, expected[i][1]);
    }
    aeon_text_release(&text);
    aeon_file_close(f);
}

static void what_is_no_model_file(void **state)
{
    (void)state;
    aeon_file *f;
    CHECK_FAILS(aeon_file_open(&f, in_scratch("none"), &err), AEON_NOT_FOUND);
    CHECK_FAILS(aeon_file_open(&f, scratch, &err), AEON_NOT_FOUND);
    assert_non_null(strstr(err.text, "config.json"));
    scratch_write("notes.txt", "hello", 5);
    CHECK_FAILS(aeon_file_open(&f, in_scratch("notes.txt"), &err), AEON_BAD_FORMAT);
    scratch_write("empty", "", 0);
    CHECK_FAILS(aeon_file_open(&f, in_scratch("empty"), &err), AEON_BAD_FORMAT);
    scratch_write("x.safetensors", "hello", 5);
    CHECK_FAILS(aeon_file_open(&f, in_scratch("x.safetensors"), &err), AEON_BAD_FORMAT);
    assert_non_null(strstr(err.text, "x.safetensors: the header runs past the end"));
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    write_folder();
    size_t before = aeon_memory_stats_get().current_bytes;
    for (uint64_t k = 1;; k++) {
        aeon_file *f;
        const char *key;
        aeon_text text = {0};
        ae_mem_fail_at(k, true);
        aeon_status status = aeon_file_open(&f, scratch, &err);
        if (status == AEON_OK) {
            status = aeon_file_metadata(f, 1, 9, &key, &text, &err);
            aeon_file_close(f);
        }
        ae_mem_fail_at(0, false);
        aeon_text_release(&text);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
        if (status == AEON_OK) break;
        assert_int_equal(status, AEON_OUT_OF_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(numbers_as_json),
        SCRATCH_TEST(strings_as_json),
        SCRATCH_TEST(arrays_as_json),
        SCRATCH_TEST(gguf_tensors),
        SCRATCH_TEST(safetensors_by_content),
        SCRATCH_TEST(words_have_a_name),
        SCRATCH_TEST(folder_with_its_config),
        SCRATCH_TEST(what_is_no_model_file),
        SCRATCH_TEST(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
