/* model/: descriptions that lie. Every case is a small valid model with one thing changed. */
#include "aeon/file.h"
#include "aeon/model.h"
#include "base/file.h"
#include "base/mem.h"
#include "check.h"
#include "gguf_copy.h"
#include "model/rope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static aeon_error err;
static char folder[] = "/tmp/aeon-model-XXXXXX";
static char bad[64];

/* One change to the good file. */
typedef struct {
    const char *shape;       /* of the good file; NULL: phi3-nano */
    const char *drop_key;    /* leave this key out */
    const char *drop_tensor; /* leave this tensor out */
    const char *set_key;     /* replace by set_u32, set_f32 or set_str, whichever is not zero */
    uint32_t set_u32;
    float set_f32;
    const char *set_str;
    aeon_status status; /* what opening must say */
    const char *word;   /* and name */
} change;

static bool same(const char *a, const char *b)
{
    return a && strcmp(a, b) == 0;
}

static bool drops(const void *arg, const char *name)
{
    const change *c = arg;
    return same(c->drop_key, name) || same(c->set_key, name) || same(c->drop_tensor, name);
}

static void put(const void *arg, ae_gguf_writer *w)
{
    const change *c = arg;
    if (c->set_str)
        CHECK_OK(ae_gguf_put_str(w, c->set_key, c->set_str, &err));
    else if (c->set_f32 != 0)
        CHECK_OK(ae_gguf_put_f32(w, c->set_key, c->set_f32, &err));
    else if (c->set_key)
        CHECK_OK(ae_gguf_put_u32(w, c->set_key, c->set_u32, &err));
}

/* bad: the good file of the change's shape, changed. */
static void write_changed(const change *c)
{
    const char *shape = c->shape ? c->shape : "phi3-nano";
    char good[96];
    snprintf(good, sizeof good, "%s/%s.gguf", folder, shape);
    if (access(good, R_OK) != 0)
        CHECK_OK(aeon_synth_write(good, shape, AEON_TYPE_Q8_0, 1, NULL, NULL, &err));
    gguf_copy(good, bad, drops, put, c);
}

static void every_lie_is_refused_by_name(void **state)
{
    (void)state;
    const change changes[] = {
        {.drop_key = "general.architecture", .status = AEON_BAD_FORMAT, .word = "architecture"},
        {.set_key = "general.architecture",
         .set_str = "mamba",
         .status = AEON_UNSUPPORTED,
         .word = "mamba"},
        {.drop_key = "phi3.block_count", .status = AEON_BAD_FORMAT, .word = "block_count"},
        {.set_key = "phi3.block_count", .set_u32 = 0, .status = AEON_BAD_FORMAT, .word = "layers"},
        {.set_key = "phi3.block_count",
         .set_u32 = 1,
         .status = AEON_BAD_FORMAT,
         .word = "more layers"},
        {.set_key = "phi3.block_count",
         .set_u32 = 513,
         .status = AEON_BAD_FORMAT,
         .word = "layers"},
        {.set_key = "phi3.block_count",
         .set_u32 = UINT32_MAX,
         .status = AEON_BAD_FORMAT,
         .word = "layers"},
        {.set_key = "phi3.block_count", .set_u32 = 3, .status = AEON_BAD_FORMAT, .word = "blk.2."},
        {.set_key = "phi3.block_count",
         .set_str = "two",
         .status = AEON_BAD_FORMAT,
         .word = "block_count"},
        {.set_key = "phi3.embedding_length",
         .set_u32 = 512,
         .status = AEON_BAD_FORMAT,
         .word = "token_embd"},
        {.set_key = "phi3.attention.head_count",
         .set_u32 = 0,
         .status = AEON_BAD_FORMAT,
         .word = "heads"},
        {.set_key = "phi3.attention.head_count_kv",
         .set_u32 = 3,
         .status = AEON_BAD_FORMAT,
         .word = "share"},
        {.set_key = "phi3.attention.head_count_kv",
         .set_u32 = 0,
         .status = AEON_BAD_FORMAT,
         .word = "heads"},
        {.set_key = "phi3.feed_forward_length",
         .set_u32 = 768,
         .status = AEON_BAD_FORMAT,
         .word = "ffn_up"},
        {.set_key = "phi3.context_length",
         .set_u32 = 0,
         .status = AEON_BAD_FORMAT,
         .word = "context"},
        {.set_key = "phi3.rope.dimension_count",
         .set_u32 = 47,
         .status = AEON_BAD_FORMAT,
         .word = "rope"},
        {.set_key = "phi3.rope.dimension_count",
         .set_u32 = 1024,
         .status = AEON_BAD_FORMAT,
         .word = "rope"},
        {.set_key = "phi3.rope.freq_base",
         .set_f32 = -1,
         .status = AEON_BAD_FORMAT,
         .word = "rope base"},
        {.set_key = "phi3.rope.scaling.attn_factor",
         .set_f32 = NAN,
         .status = AEON_BAD_FORMAT,
         .word = "magnitude"},
        {.set_key = "phi3.rope.scaling.type",
         .set_str = "yarn",
         .status = AEON_UNSUPPORTED,
         .word = "yarn"},
        {.set_key = "phi3.expert_count",
         .set_u32 = 8,
         .status = AEON_UNSUPPORTED,
         .word = "experts"},
        {.set_key = "phi3.attention.layer_norm_rms_epsilon",
         .set_f32 = 2,
         .status = AEON_BAD_FORMAT,
         .word = "epsilon"},
        {.drop_key = "phi3.attention.layer_norm_rms_epsilon",
         .status = AEON_BAD_FORMAT,
         .word = "epsilon"},
        {.set_key = "phi3.rope.freq_base",
         .set_str = "10000",
         .status = AEON_BAD_FORMAT,
         .word = "freq_base"},
        {.set_key = "phi3.attention.head_count_kv",
         .set_f32 = 2.5f,
         .status = AEON_BAD_FORMAT,
         .word = "head_count_kv"},
        {.set_key = "phi3.attention.value_length",
         .set_u32 = 32,
         .status = AEON_UNSUPPORTED,
         .word = "64 for keys and 32"},
        {.set_key = "phi3.rope.dimension_count",
         .set_u32 = 0,
         .status = AEON_BAD_FORMAT,
         .word = "must hold 0"},
        {.set_key = "phi3.rope.scaling.type",
         .set_u32 = 1,
         .status = AEON_BAD_FORMAT,
         .word = "scaling.type"},
        {.drop_key = "phi3.rope.scaling.original_context_length",
         .status = AEON_BAD_FORMAT,
         .word = "original_context_length"},
        {.set_key = "phi3.rope.scaling.original_context_length",
         .set_u32 = 0,
         .status = AEON_BAD_FORMAT,
         .word = "original context"},
        {.drop_tensor = "rope_factors_short.weight",
         .status = AEON_BAD_FORMAT,
         .word = "rope_factors_short"},
        {.drop_tensor = "token_embd.weight", .status = AEON_BAD_FORMAT, .word = "token_embd"},
        {.drop_tensor = "output_norm.weight", .status = AEON_BAD_FORMAT, .word = "output_norm"},
        {.drop_tensor = "blk.1.ffn_down.weight",
         .status = AEON_BAD_FORMAT,
         .word = "blk.1.ffn_down"},
        {.set_key = "split.count", .set_u32 = 3, .status = AEON_UNSUPPORTED, .word = "3 parts"},
        {.shape = "qwen2-nano",
         .drop_tensor = "blk.1.attn_k.bias",
         .status = AEON_BAD_FORMAT,
         .word = "blk.1.attn_k.bias"},
        {.shape = "qwen3-nano",
         .drop_tensor = "blk.0.attn_q_norm.weight",
         .status = AEON_BAD_FORMAT,
         .word = "blk.0.attn_q_norm"},
        {.set_key = "tokenizer.ggml.model",
         .set_str = "t5",
         .status = AEON_UNSUPPORTED,
         .word = "t5"},
    };
    size_t before = aeon_memory_stats_get().current_bytes;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        write_changed(&changes[i]);
        aeon_model *m = NULL;
        err.text[0] = 0;
        aeon_status status = aeon_model_open(&m, bad, NULL, &err);
        if (status != changes[i].status || !strstr(err.text, changes[i].word))
            fail_msg("case %zu: status %d, \"%s\"; expected %d and \"%s\"", i, status, err.text,
                     changes[i].status, changes[i].word);
        assert_null(m);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

static void an_unchanged_copy_opens_and_is_described(void **state)
{
    (void)state;
    write_changed(&(change){0});
    aeon_model *m = NULL;
    CHECK_OK(aeon_model_open(&m, bad, NULL, &err));
    const aeon_model_info *i = aeon_model_describe(m);
    assert_string_equal(i->architecture, "phi3");
    assert_int_equal(i->type, AEON_TYPE_Q8_0);
    assert_true(i->has_long_rope && i->n_ctx_original < i->n_ctx_max);
    assert_int_equal(i->n_vocab, aeon_tokenizer_n_vocab(aeon_model_tokenizer(m)));
    assert_string_equal(aeon_chat_template_name(aeon_model_chat(m)), "phi-4-mini");
    assert_true(aeon_model_is_stop(m, aeon_tokenizer_find(aeon_model_tokenizer(m), "<|end|>")));
    assert_false(aeon_model_is_stop(m, 65));
    aeon_model_close(m);

    CHECK_FAILS(aeon_model_open(&m, bad, &(aeon_model_params){.chat_template = "no-such"}, &err),
                AEON_NOT_FOUND);
    CHECK_OK(aeon_model_open(&m, bad, &(aeon_model_params){.chat_template = "chatml"}, &err));
    assert_string_equal(aeon_chat_template_name(aeon_model_chat(m)), "chatml");
    aeon_model_close(m);
    CHECK_OK(aeon_model_open(&m, bad, &(aeon_model_params){.vocab_only = true}, &err));
    assert_true(aeon_tokenizer_n_vocab(aeon_model_tokenizer(m)) > 256);
    aeon_model_close(m);
}

static void paths_that_are_no_model(void **state)
{
    (void)state;
    aeon_model *m = NULL;
    CHECK_FAILS(aeon_model_open(&m, "/nonexistent.gguf", NULL, &err), AEON_NOT_FOUND);
    CHECK_FAILS(aeon_model_open(&m, folder, NULL, &err), AEON_NOT_FOUND);
    assert_non_null(strstr(err.text, "config.json"));
    CHECK_FAILS(aeon_model_open(&m, "/dev/zero", NULL, &err), AEON_IO);
}

/* Rotations by hand: the pairs of both layouts, the part that passes through, the magnitude. */
static void rope_rotates_the_right_pairs(void **state)
{
    (void)state;
    ae_config c = {.head_dim = 8, .rope_dim = 4, .rope_theta = 100, .rope_magnitude = 2};
    float cos_sin[4];
    ae_rope_angles(&c, AE_ROPE_SET_SHORT, 3, cos_sin);
    const double angles[] = {3.0, 3.0 / 10}; /* theta^(-2i/4) = 1, 1/10 */
    for (int i = 0; i < 2; i++) {
        assert_true(fabs((double)cos_sin[i] - 2 * cos(angles[i])) < 1e-6);
        assert_true(fabs((double)cos_sin[2 + i] - 2 * sin(angles[i])) < 1e-6);
    }
    for (int pairs = 0; pairs < 2; pairs++) {
        c.rope_layout = pairs ? AE_ROPE_PAIRS : AE_ROPE_HALVES;
        float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
        ae_rope_rotate(&c, cos_sin, x, 1);
        /* The pair of angle 1: values 2 and 3, or value 1 with 1 + rope_dim / 2. */
        int i = 1, a = pairs ? 2 : 1, b = 3;
        double x0 = a + 1, x1 = b + 1;
        assert_true(fabs((double)x[a] - 2 * (x0 * cos(angles[i]) - x1 * sin(angles[i]))) < 1e-5);
        assert_true(fabs((double)x[b] - 2 * (x0 * sin(angles[i]) + x1 * cos(angles[i]))) < 1e-5);
        for (int k = 4; k < 8; k++) assert_true(x[k] == (float)(k + 1));
    }
    assert_true(fabs((double)ae_longrope_magnitude(131072, 4096) - 1.19024) < 1e-5);

    c.has_rope_factors[AE_ROPE_SET_LONG] = true;
    c.rope_factors[AE_ROPE_SET_LONG][0] = c.rope_factors[AE_ROPE_SET_LONG][1] = 3;
    float stretched[4];
    ae_rope_angles(&c, AE_ROPE_SET_LONG, 9, stretched); /* 9 / 3 turns like 3 */
    for (int i = 0; i < 4; i++) assert_true(fabsf(stretched[i] - cos_sin[i]) < 1e-6f);
}

static int make_files(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(bad, sizeof bad, "%s/bad.gguf", folder);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    static const char *const names[] = {"phi3-nano", "qwen2-nano", "qwen3-nano", "bad"};
    for (int i = 0; i < 4; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s/%s.gguf", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unchanged_copy_opens_and_is_described),
        cmocka_unit_test(every_lie_is_refused_by_name),
        cmocka_unit_test(paths_that_are_no_model),
        cmocka_unit_test(rope_rotates_the_right_pairs),
    };
    return cmocka_run_group_tests_name("model", tests, make_files, remove_files);
}
