/* A model as a Hugging Face folder (written by tests/parity/gguf_to_hf.py) is the model that it was
 * as a GGUF file, to the last bit; and what its JSON files say about tokens and ties is obeyed. */
#include "aeon/engine.h"
#include "aeon/file.h"
#include "base/mem.h"
#include "check.h"
#include "unit/engine/folder.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static aeon_error err;

/* model.gguf and the same as the folder hf. */
static void write_both(const char *shape, int n_shards)
{
    char command[512];
    CHECK_OK(aeon_synth_write(in_scratch("model.gguf"), shape, AEON_TYPE_F32, 2, NULL, NULL, &err));
    snprintf(command, sizeof command,
             "cd '%s' && rm -rf hf && python3 '%s/tests/parity/gguf_to_hf.py' model.gguf hf %d",
             scratch, AEON_SOURCE_DIR, n_shards);
    run_shell(command);
}

static void write_text(const char *name, const char *text)
{
    scratch_write(name, text, strlen(text));
}

/* Replace the one place where the file says `from`. */
static void edit(const char *name, const char *from, const char *to)
{
    static char text[1 << 18];
    FILE *f = fopen(in_scratch(name), "r");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    char *at = strstr(text, from);
    assert_non_null(at);
    f = fopen(in_scratch(name), "w");
    assert_non_null(f);
    fprintf(f, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    assert_int_equal(fclose(f), 0);
}

static aeon_model *open_model(const char *name)
{
    aeon_model *m = NULL;
    CHECK_OK(aeon_model_open(&m, in_scratch(name), NULL, &err));
    return m;
}

/* Logits [n_vocab] after some tokens under the given factors; the caller frees them. */
static float *logits_of(const aeon_model *m, aeon_rope_mode rope)
{
    const int32_t ids[] = {1, 500, 0, 999, 77, 77, 3};
    size_t bytes = aeon_model_describe(m)->n_vocab * sizeof(float);
    aeon_engine *e = NULL;
    aeon_session *s = NULL;
    CHECK_OK(aeon_engine_new(&e, m, &(aeon_engine_params){.n_threads = 1, .n_chunk = 8}, &err));
    CHECK_OK(aeon_session_new(&s, e, &(aeon_session_params){.n_ctx = 16, .rope = rope}, &err));
    CHECK_OK(aeon_session_feed(s, ids, 7, NULL, &err));
    float *copy = malloc(bytes);
    assert_non_null(copy);
    memcpy(copy, aeon_session_logits(s), bytes);
    aeon_session_free(s);
    aeon_engine_free(e);
    return copy;
}

static void both_forms_are_one_model(void **state)
{
    (void)state;
    static const char *const shapes[] = {"phi3-nano", "qwen2-nano", "qwen3-nano"};
    for (int i = 0; i < 3; i++) {
        write_both(shapes[i], i + 1);
        aeon_model *file = open_model("model.gguf"), *hf = open_model("hf");
        const aeon_model_info *a = aeon_model_describe(file), *b = aeon_model_describe(hf);
        assert_string_equal(a->architecture, b->architecture);
        assert_true(a->has_long_rope == b->has_long_rope);
        assert_int_equal(a->n_ctx_original, b->n_ctx_original);
        for (int rope = AEON_ROPE_AUTO; rope <= AEON_ROPE_LONG; rope++) {
            float *x = logits_of(file, (aeon_rope_mode)rope),
                  *y = logits_of(hf, (aeon_rope_mode)rope);
            assert_memory_equal(x, y, a->n_vocab * sizeof *x);
            free(x);
            free(y);
        }
        aeon_model_close(file);
        aeon_model_close(hf);
    }
}

static void every_listed_id_stops_and_nothing_else(void **state)
{
    (void)state;
    write_both("qwen2-nano", 1);
    write_text("hf/generation_config.json", "{\"eos_token_id\": [5, \"x\", 7.0, -3, 2.5, 1e99]}");
    aeon_model *m = open_model("hf");
    assert_true(aeon_model_is_stop(m, 5) && aeon_model_is_stop(m, 7));
    for (int32_t id = -5; id < 5; id++) assert_false(aeon_model_is_stop(m, id));
    assert_int_equal(aeon_tokenizer_eos(aeon_model_tokenizer(m)), 5);
    aeon_model_close(m);
    write_text("hf/generation_config.json", "{\"eos_token_id\": 100000}");
    m = NULL;
    CHECK_FAILS(aeon_model_open(&m, in_scratch("hf"), NULL, &err), AEON_BAD_FORMAT);
    assert_non_null(strstr(err.text, "100000"));
    assert_null(m);
}

static int32_t first_id(const char *name)
{
    aeon_model *m = open_model(name);
    aeon_tokens ids = {0};
    CHECK_OK(aeon_tokenizer_encode(aeon_model_tokenizer(m), "x", 1, AEON_ENCODE_BOS, &ids, &err));
    int32_t first = ids.ids[0];
    aeon_tokens_release(&ids);
    aeon_model_close(m);
    return first;
}

/* Llama 3 says in tokenizer.json alone that a text begins with a start token. */
static void the_start_token_comes_where_a_file_asks_for_it(void **state)
{
    (void)state;
    write_both("qwen2-nano", 1);
    edit("hf/config.json", "\"bos_token_id\":", "\"bos_token_id\": 3, \"old\":");
    assert_int_equal(first_id("hf"), 'x');
    edit("hf/tokenizer.json", "\"post_processor\": null",
         "\"post_processor\": {\"type\": \"TemplateProcessing\", \"single\": ["
         "{\"SpecialToken\": {\"id\": \"b\", \"type_id\": 0}},"
         "{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}]}");
    assert_int_equal(first_id("hf"), 3);
    write_text("hf/tokenizer_config.json", "{\"add_bos_token\": false}");
    assert_int_equal(first_id("hf"), 'x');
    write_text("hf/tokenizer_config.json", "{\"add_bos_token\": null}");
    assert_int_equal(first_id("hf"), 3);
}

/* The number of parameters of the folder hf, which counts a head of its own. */
static uint64_t n_params(void)
{
    aeon_model *m = open_model("hf");
    uint64_t n = aeon_model_describe(m)->n_params;
    aeon_model_close(m);
    return n;
}

static void config_says_whether_the_head_is_the_embedding(void **state)
{
    (void)state;
    static const char tied[] = "\"tie_word_embeddings\": true",
                      apart[] = "\"tie_word_embeddings\": false";
    aeon_model *m = NULL;
    write_both("phi3-nano", 1);
    edit("hf/config.json", tied, apart);
    CHECK_FAILS(aeon_model_open(&m, in_scratch("hf"), NULL, &err), AEON_BAD_FORMAT);
    assert_non_null(strstr(err.text, "lm_head.weight"));
    write_both("llama-nano", 1);
    uint64_t n = n_params();
    edit("hf/config.json", apart, tied);
    assert_int_equal(n_params(), n - 1000 * 256);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    write_both("qwen3-nano", 2);
    size_t before = aeon_memory_stats_get().current_bytes;
    aeon_status status = AEON_OUT_OF_MEMORY;
    for (uint64_t k = 1; status != AEON_OK; k++) {
        aeon_model *m = NULL;
        ae_mem_fail_at(k, false);
        status = aeon_model_open(&m, in_scratch("hf"), NULL, &err);
        ae_mem_fail_at(0, false);
        assert_true(status == AEON_OK || (status == AEON_OUT_OF_MEMORY && !m));
        aeon_model_close(m);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_forms_are_one_model),
        cmocka_unit_test(every_listed_id_stops_and_nothing_else),
        cmocka_unit_test(the_start_token_comes_where_a_file_asks_for_it),
        cmocka_unit_test(config_says_whether_the_head_is_the_embedding),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("checkpoint", tests, scratch_make, remove_folders);
}
