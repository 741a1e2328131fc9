/* format/hf and text/json: checkpoint folders, and JSON that costs or lies too much. */
#include "base/mem.h"
#include "check.h"
#include "format/hf.h"
#include "unit/format/scratch.h"

#include <string.h>

static aeon_error err;

static void write_text(const char *name, const char *text)
{
    scratch_write(name, text, strlen(text));
}

static void refuse_json(const char *text, const char *words)
{
    json_t *root = NULL;
    write_text("config.json", text);
    CHECK_FAILS(ae_json_load(&root, in_scratch("config.json"), &err), AEON_BAD_FORMAT);
    assert_null(root);
    if (!strstr(err.text, "config.json: ") || !strstr(err.text, words))
        fail_msg("'%s' does not say '%s'", err.text, words);
}

static void json_errors_tell_the_line(void **state)
{
    (void)state;
    refuse_json("{\"a\": 1,\n\"b\": 2,\n\"c\" 3}", "line 3");
    refuse_json("{\"a\": 1,\n\"a\": 2}", "line 2");
    refuse_json("{\"a\": 1,\n\"a\": 2}", "duplicate");
    refuse_json("", "not JSON");
    refuse_json("[1]", "not a JSON object");
    refuse_json("{\"a\": \"\x1b[31m\"}", "not JSON");
    refuse_json("{\"a\": \"\xff\"}", "decode byte 0xff");
    refuse_json("{} x", "end of file");
    json_t *root;
    CHECK_FAILS(ae_json_load(&root, in_scratch("none.json"), &err), AEON_NOT_FOUND);
    CHECK_FAILS(ae_json_load(&root, scratch, &err), AEON_IO);
}

/* Its recursion overflowed the stacks of others. */
static void json_nested_3000_deep(void **state)
{
    (void)state;
    static char deep[16000];
    for (int kind = 0; kind < 2; kind++) {
        size_t n = (size_t)snprintf(deep, sizeof deep, "{\"a\":\n");
        for (int i = 0; i < 3000; i++)
            n += (size_t)snprintf(deep + n, sizeof deep - n, kind ? "[" : "{\"a\":");
        refuse_json(deep, "line 2: nested deeper than 64");
    }
}

static void json_depth_64_is_the_last(void **state)
{
    (void)state;
    for (int depth = 64; depth <= 65; depth++) {
        char text[256];
        int n = snprintf(text, sizeof text, "{\"]}\\\"]\":");
        for (int i = 1; i < depth; i++) text[n++] = '[';
        for (int i = 1; i < depth; i++) text[n++] = ']';
        memcpy(text + n, "}", 2);
        if (depth == 65) {
            refuse_json(text, "nested");
            continue;
        }
        write_text("config.json", text);
        json_t *root;
        CHECK_OK(ae_json_load(&root, in_scratch("config.json"), &err));
        json_decref(root);
    }
}

static void json_with_too_many_values(void **state)
{
    (void)state;
    size_t n = 2 * (AE_JSON_MAX_VALUES + 2);
    char *text = malloc(n + 16);
    assert_non_null(text);
    size_t at = (size_t)snprintf(text, n, "{\"a\":[");
    for (size_t i = 0; i < n; i += 2) memcpy(text + at + i, "0,", 3);
    memcpy(text + at + n, "0]}", 4);
    refuse_json(text, "values");
    free(text);
}

/* Python writes 10^30 as an integer where it means "no limit". */
static void json_integer_beyond_64_bits(void **state)
{
    (void)state;
    json_t *root;
    write_text("config.json", "{\"model_max_length\": 1000000000000000019884624838656, \"n\": 3}");
    CHECK_OK(ae_json_load(&root, in_scratch("config.json"), &err));
    assert_true(json_number_value(json_object_get(root, "model_max_length")) == 1e30);
    assert_true(json_number_value(json_object_get(root, "n")) == 3);
    json_decref(root);
    refuse_json("{\"a\": 1e999}", "overflow");
}

/* ---- folders ---- */

static void write_weights(void)
{
    static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    char file[8 + sizeof header - 1 + 4] = {0};
    uint64_t len = sizeof header - 1;
    memcpy(file, &len, 8);
    memcpy(file + 8, header, len);
    scratch_write("model.safetensors", file, sizeof file);
}

static void write_folder(void)
{
    write_text("config.json", "{\"model_type\": \"phi3\"}");
    write_text("generation_config.json", "{\"eos_token_id\": [1, 2]}");
    write_text("tokenizer_config.json", "{\"chat_template\": \"{{ from config }}\"}");
    write_text("tokenizer.json", "{\"version\": \"1.0\"}");
    write_weights();
}

static void a_whole_folder(void **state)
{
    (void)state;
    ae_hf *h;
    write_folder();
    CHECK_OK(ae_hf_open(&h, scratch, true, &err));
    assert_string_equal(h->path, scratch);
    assert_string_equal(json_string_value(json_object_get(h->config, "model_type")), "phi3");
    assert_int_equal(json_array_size(json_object_get(h->generation_config, "eos_token_id")), 2);
    assert_string_equal(h->tokenizer_json.data, "{\"version\": \"1.0\"}");
    assert_string_equal(h->chat_template.data, "{{ from config }}");
    assert_int_equal(ae_safetensors_n_tensors(h->tensors), 1);
    ae_hf_close(h);
    ae_hf_close(NULL);
}

static void only_config_is_required(void **state)
{
    (void)state;
    ae_hf *h;
    write_text("config.json", "{}");
    CHECK_OK(ae_hf_open(&h, scratch, false, &err));
    assert_true(!h->generation_config && !h->tokenizer_config && !h->tensors);
    assert_true(h->tokenizer_json.len == 0 && h->chat_template.len == 0);
    ae_hf_close(h);
    CHECK_FAILS(ae_hf_open(&h, scratch, true, &err), AEON_NOT_FOUND);
    assert_non_null(strstr(err.text, "model.safetensors"));
}

static void folder_without_config(void **state)
{
    (void)state;
    ae_hf *h;
    write_weights();
    CHECK_FAILS(ae_hf_open(&h, scratch, true, &err), AEON_NOT_FOUND);
    assert_non_null(strstr(err.text, "config.json"));
    CHECK_FAILS(ae_hf_open(&h, in_scratch("none"), true, &err), AEON_NOT_FOUND);
}

static void the_template_is_found_where_it_may_stand(void **state)
{
    (void)state;
    ae_hf *h;
    write_folder();
    write_text("tokenizer_config.json",
               "{\"chat_template\": [{\"name\": \"tools\", \"template\": \"T\"},"
               "{\"name\": \"default\", \"template\": \"D\"}]}");
    CHECK_OK(ae_hf_open(&h, scratch, false, &err));
    assert_string_equal(h->chat_template.data, "D");
    ae_hf_close(h);
    write_text("chat_template.jinja", "{{ from file }}");
    CHECK_OK(ae_hf_open(&h, scratch, false, &err));
    assert_string_equal(h->chat_template.data, "{{ from file }}");
    ae_hf_close(h);
}

static void a_damaged_optional_file_is_an_error(void **state)
{
    (void)state;
    ae_hf *h;
    write_folder();
    write_text("generation_config.json", "{");
    CHECK_FAILS(ae_hf_open(&h, scratch, true, &err), AEON_BAD_FORMAT);
    assert_non_null(strstr(err.text, "generation_config.json: line 1"));
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    write_folder();
    size_t before = aeon_memory_stats_get().current_bytes;
    for (uint64_t k = 1;; k++) {
        ae_hf *h;
        ae_mem_fail_at(k, true);
        aeon_status status = ae_hf_open(&h, scratch, true, &err);
        ae_mem_fail_at(0, false);
        if (status == AEON_OK) ae_hf_close(h);
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
        SCRATCH_TEST(json_errors_tell_the_line),
        SCRATCH_TEST(json_nested_3000_deep),
        SCRATCH_TEST(json_depth_64_is_the_last),
        SCRATCH_TEST(json_with_too_many_values),
        SCRATCH_TEST(json_integer_beyond_64_bits),
        SCRATCH_TEST(a_whole_folder),
        SCRATCH_TEST(only_config_is_required),
        SCRATCH_TEST(folder_without_config),
        SCRATCH_TEST(the_template_is_found_where_it_may_stand),
        SCRATCH_TEST(a_damaged_optional_file_is_an_error),
        SCRATCH_TEST(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
