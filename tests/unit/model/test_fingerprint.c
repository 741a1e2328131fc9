/* model/fingerprint: the same for the same model, another for every other. */
#include "aeon/file.h"
#include "base/mem.h"
#include "check.h"
#include "gguf_copy.h"
#include "model/fingerprint.h"
#include "model/model.h"
#include "unit/format/scratch.h"

#include <string.h>

static aeon_error err;
static unsigned char file[1 << 23];
static size_t n_file;

typedef struct {
    uint8_t bytes[AE_FINGERPRINT_BYTES];
} fingerprint;

static fingerprint of_gguf(const ae_gguf *g)
{
    fingerprint f;
    CHECK_OK(ae_fingerprint(f.bytes, (ae_weights_source){.gguf = g}, &err));
    return f;
}

static fingerprint of_file(const char *name)
{
    fingerprint f;
    aeon_model *m = NULL;
    CHECK_OK(aeon_model_open(&m, name, NULL, &err));
    CHECK_OK(ae_model_fingerprint(m, f.bytes, &err));
    aeon_model_close(m);
    return f;
}

static bool is_same(fingerprint a, fingerprint b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

static void synth(const char *name, aeon_type type, uint64_t seed)
{
    CHECK_OK(aeon_synth_write(in_scratch(name), "qwen2-nano", type, seed, NULL, NULL, &err));
}

static bool drops_one(const void *arg, const char *name)
{
    return strcmp(arg, name) == 0;
}

static void every_model_has_its_own(void **state)
{
    (void)state;
    synth("a.gguf", AEON_TYPE_Q8_0, 1);
    fingerprint a = of_file(in_scratch("a.gguf"));
    synth("b.gguf", AEON_TYPE_Q8_0, 1);
    assert_true(is_same(a, of_file(in_scratch("b.gguf")))); /* wherever it is */
    synth("b.gguf", AEON_TYPE_Q8_0, 2);
    assert_false(is_same(a, of_file(in_scratch("b.gguf"))));
    synth("b.gguf", AEON_TYPE_Q4_0, 1);
    assert_false(is_same(a, of_file(in_scratch("b.gguf"))));
    static const char *const dropped[] = {"qwen2.rope.freq_base", "blk.1.attn_q.bias"};
    for (size_t i = 0; i < AE_COUNT(dropped); i++) {
        ae_gguf *g = NULL;
        gguf_copy(in_scratch("a.gguf"), in_scratch("b.gguf"), drops_one, NULL, dropped[i]);
        CHECK_OK(ae_gguf_open(&g, in_scratch("b.gguf"), &err));
        assert_false(is_same(a, of_gguf(g)));
        ae_gguf_close(g);
    }
    fingerprint builtin = of_file("builtin");
    assert_true(is_same(builtin, of_file("builtin")));
    assert_false(is_same(builtin, a));
}

/* Change a byte that g looks at. */
static void sees(const ae_gguf *g, fingerprint a, const void *at, bool expected)
{
    unsigned char *byte = file + ((const unsigned char *)at - file);
    *byte ^= 1;
    if (is_same(a, of_gguf(g)) == expected)
        fail_msg("byte %td is %s", byte - file, expected ? "overlooked" : "looked at");
    *byte ^= 1;
}

static void see_values(const ae_gguf *g, fingerprint a)
{
    for (size_t i = 0; i < ae_gguf_n_values(g); i++) {
        const ae_gguf_value *v = ae_gguf_value_at(g, i);
        const ae_str *last = v->strings ? v->strings + v->n - 1 : NULL;
        if (!v->strings) sees(g, a, v->data, true);
        if (last && v->strings[0].len) sees(g, a, v->strings[0].data, true);
        if (last && last->len) sees(g, a, last->data + last->len - 1, true);
    }
}

static void every_value_and_the_ends_of_every_tensor_count(void **state)
{
    (void)state;
    ae_gguf *g = NULL;
    size_t n_large = 0;
    synth("a.gguf", AEON_TYPE_F32, 1);
    FILE *f = fopen(in_scratch("a.gguf"), "rb");
    assert_non_null(f);
    n_file = fread(file, 1, sizeof file, f);
    assert_true(n_file < sizeof file);
    fclose(f);
    CHECK_OK(ae_gguf_open_memory(&g, file, n_file, "a", &err));
    fingerprint a = of_gguf(g);
    see_values(g, a);
    for (size_t i = 0; i < ae_gguf_n_tensors(g); i++) {
        const ae_tensor *t = ae_gguf_tensor_at(g, i);
        const char *data = t->data, *end = data + t->size_bytes;
        sees(g, a, data, true);
        sees(g, a, end - 1, true);
        if (t->size_bytes <= 8192) sees(g, a, data + t->size_bytes / 2, true);
        if (t->size_bytes <= 8192) continue;
        sees(g, a, data + 4095, true);
        sees(g, a, end - 4096, true);
        sees(g, a, data + t->size_bytes / 2, false); /* the price of not reading everything */
        n_large++;
    }
    assert_true(n_large > 0);
    assert_true(is_same(a, of_gguf(g)));
    ae_gguf_close(g);
}

/* A folder with one tensor of 8 bytes, described up to its place. */
static fingerprint of_folder(const char *config, const char *tokenizer, const char *tensor,
                             char data)
{
    char tensors[128] = {0};
    int n = snprintf(tensors + 8, sizeof tensors - 16, "{%s,\"data_offsets\":[0,8]}}", tensor);
    tensors[0] = (char)n;
    memset(tensors + 8 + n, data, 8);
    scratch_write("config.json", config, strlen(config));
    scratch_write("tokenizer.json", tokenizer, strlen(tokenizer));
    scratch_write("model.safetensors", tensors, (size_t)n + 16);
    ae_hf *hf = NULL;
    fingerprint f;
    CHECK_OK(ae_hf_open(&hf, scratch, true, &err));
    CHECK_OK(ae_fingerprint(f.bytes, (ae_weights_source){.hf = hf}, &err));
    ae_hf_close(hf);
    return f;
}

static void folders_have_theirs(void **state)
{
    (void)state;
    const char *config = "{\"a\": 1, \"b\": 2}", *x = "\"x\":{\"dtype\":\"F16\",\"shape\":[4]";
    fingerprint a = of_folder(config, "{}", x, 1);
    assert_true(is_same(a, of_folder("{\"b\":2,\"a\":1}", "{}", x, 1)));
    assert_false(is_same(a, of_folder("{\"a\": 1, \"b\": 3}", "{}", x, 1)));
    assert_false(is_same(a, of_folder(config, "{ }", x, 1)));
    assert_false(is_same(a, of_folder(config, "{}", x, 2)));
    static const char *const others[] = {"\"y\":{\"dtype\":\"F16\",\"shape\":[4]",
                                         "\"x\":{\"dtype\":\"BF16\",\"shape\":[4]",
                                         "\"x\":{\"dtype\":\"F16\",\"shape\":[2,2]"};
    for (size_t i = 0; i < AE_COUNT(others); i++)
        assert_false(is_same(a, of_folder(config, "{}", others[i], 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(every_model_has_its_own),
        SCRATCH_TEST(every_value_and_the_ends_of_every_tensor_count),
        SCRATCH_TEST(folders_have_theirs),
    };
    return cmocka_run_group_tests_name("fingerprint", tests, scratch_make, scratch_remove);
}
