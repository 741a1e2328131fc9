/* model/config_hf.c: config.json as the families write it, and every field of it as a lie. */
#include "check.h"
#include "model/config.h"
#include "unit/format/scratch.h"

#include <math.h>
#include <string.h>

static aeon_error err;

/* A key and the JSON text of its value; NULL leaves the key out. Lists end with {0}. */
typedef struct {
    const char *key, *value;
} field;

static const field phi[] = {{"architectures", "[\"Phi3ForCausalLM\"]"},
                            {"num_hidden_layers", "32"},
                            {"hidden_size", "3072"},
                            {"intermediate_size", "8192"},
                            {"num_attention_heads", "24"},
                            {"num_key_value_heads", "8"},
                            {"max_position_embeddings", "131072"},
                            {"original_max_position_embeddings", "4096"},
                            {"rms_norm_eps", "1e-05"},
                            {"rope_theta", "10000.0"},
                            {"partial_rotary_factor", "0.75"},
                            {"sliding_window", "262144"},
                            {"hidden_act", "\"silu\""},
                            {0}};
static const field llama[] = {{"architectures", "[\"LlamaForCausalLM\"]"},
                              {"num_hidden_layers", "16"},
                              {"hidden_size", "2048"},
                              {"intermediate_size", "8192"},
                              {"num_attention_heads", "32"},
                              {"num_key_value_heads", "8"},
                              {"max_position_embeddings", "131072"},
                              {"rms_norm_eps", "1e-05"},
                              {"rope_theta", "500000.0"},
                              {0}};
#define LLAMA3_SCALING                                                                             \
    "{\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0,"                       \
    " \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 8192"

static const field *find(const field *list, const char *key)
{
    for (; list && list->key; list++)
        if (strcmp(list->key, key) == 0) return list;
    return NULL;
}

static void put(FILE *f, int *n, const field *x)
{
    if (x->value) fprintf(f, "%s\"%s\": %s\n", (*n)++ ? ", " : "{ ", x->key, x->value);
}

/* The base with changes (or NULL) in place of, or besides, its fields. */
static aeon_status load(ae_config *c, const field *base, const field *changes)
{
    int n = 0;
    FILE *f = fopen(in_scratch("config.json"), "w");
    assert_non_null(f);
    for (const field *x = base; x->key; x++) {
        const field *change = find(changes, x->key);
        put(f, &n, change ? change : x);
    }
    for (const field *x = changes; x && x->key; x++)
        if (!find(base, x->key)) put(f, &n, x);
    fputs("}\n", f);
    assert_int_equal(fclose(f), 0);
    ae_hf *h = NULL;
    CHECK_OK(ae_hf_open(&h, scratch, false, &err));
    err.text[0] = 0;
    aeon_status status = ae_config_from_hf(c, h, &err);
    ae_hf_close(h);
    return status;
}

#define LOAD(c, base, ...) CHECK_OK(load(c, base, (const field[]){__VA_ARGS__, {0}}))

static void refuse(const field *base, field change, aeon_status status, const char *word)
{
    ae_config c = {.n_layers = 77};
    aeon_status got = load(&c, base, (const field[]){change, {0}});
    if (got != status || !strstr(err.text, word) || !strstr(err.text, "config.json"))
        fail_msg("%s = %s: status %d, \"%s\"; expected %d and \"%s\"", change.key,
                 change.value ? change.value : "(absent)", got, err.text, status, word);
    assert_int_equal(c.n_layers, 77); /* untouched on failure */
}

/* {"type": "longrope", ...} with n factors from 1 to last, as text. */
static const char *longrope(const char *type_key, int n, double last, const char *more)
{
    static char text[8192];
    size_t len = (size_t)snprintf(text, sizeof text, "{\"%s\": \"longrope\"", type_key);
    for (int set = 0; set < 2; set++) {
        len += (size_t)snprintf(text + len, sizeof text - len, ", \"%s_factor\": [",
                                set ? "long" : "short");
        for (int i = 0; i < n; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%.17g", i ? ", " : "",
                                    set ? 1 + (last - 1) * i / (n - 1) : 1.0);
        len += (size_t)snprintf(text + len, sizeof text - len, "]");
    }
    snprintf(text + len, sizeof text - len, "%s}", more);
    return text;
}

/* ---- as they are ----------------------------------------------------------------------------- */

static void phi_4_mini(void **state)
{
    (void)state;
    ae_config c;
    LOAD(&c, phi, {"rope_scaling", longrope("type", 48, 47.77, "")});
    assert_string_equal(c.architecture, "phi3");
    assert_true(c.n_layers == 32 && c.n_embd == 3072 && c.n_ff == 8192);
    assert_true(c.n_heads == 24 && c.n_kv_heads == 8 && c.head_dim == 128);
    assert_true(c.n_ctx_max == 131072 && c.n_ctx_original == 4096 && c.n_window == 0);
    assert_true(c.rope_layout == AE_ROPE_HALVES && c.rope_dim == 96 && c.rope_theta == 10000);
    assert_true(c.norm_eps == 1e-5f && fabsf(c.rope_magnitude - 1.19024f) < 1e-5f);
    assert_true(ae_config_has_long_rope(&c) && c.has_rope_factors[AE_ROPE_SET_SHORT]);
    assert_true(c.rope_factors[AE_ROPE_SET_SHORT][47] == 1);
    assert_true(c.rope_factors[AE_ROPE_SET_LONG][0] == 1);
    assert_true(c.rope_factors[AE_ROPE_SET_LONG][47] == 47.77f);

    LOAD(&c, phi, {"rope_scaling", longrope("type", 48, 2, ", \"attention_factor\": 1.5")});
    assert_true(c.rope_magnitude == 1.5f);
    LOAD(&c, phi, {"rope_scaling", "null"}, {"original_max_position_embeddings", NULL},
         {"sliding_window", "2047"});
    assert_true(!ae_config_has_long_rope(&c) && c.n_ctx_original == 131072);
    assert_true(c.rope_magnitude == 1 && c.n_window == 2047);
}

static void llama_3_stretches_long_waves(void **state)
{
    (void)state;
    ae_config c;
    LOAD(&c, llama, {"rope_scaling", LLAMA3_SCALING "}"});
    assert_string_equal(c.architecture, "llama");
    assert_true(c.head_dim == 64 && c.rope_dim == 64 && !ae_config_has_long_rope(&c));
    assert_true(c.n_ctx_original == c.n_ctx_max && c.rope_magnitude == 1);
    int n_kept = 0, n_stretched = 0;
    for (int i = 0; i < 32; i++) {
        double f = (double)c.rope_factors[AE_ROPE_SET_SHORT][i];
        double wave = 2 * acos(-1) * pow(500000, i / 32.0), expected;
        if (wave < 8192 / 4.0) {
            expected = 1;
            n_kept++;
        } else if (wave > 8192) {
            expected = 8;
            n_stretched++;
        } else {
            double smooth = (8192 / wave - 1) / 3;
            expected = 1 / ((1 - smooth) / 8 + smooth);
        }
        assert_true(fabs(f - expected) < 1e-5 * expected);
    }
    assert_true(n_kept > 8 && n_stretched > 8 && n_kept + n_stretched < 32);

    LOAD(&c, llama, {"rope_scaling", "{\"type\": \"linear\", \"factor\": 4}"});
    assert_true(c.rope_factors[AE_ROPE_SET_SHORT][0] == 4);
    assert_true(c.rope_factors[AE_ROPE_SET_SHORT][31] == 4);
    LOAD(&c, llama, {"rope_scaling", "{\"type\": \"default\"}"}, {"num_key_value_heads", NULL},
         {"rope_theta", NULL});
    assert_true(!c.has_rope_factors[AE_ROPE_SET_SHORT] && c.n_kv_heads == 32);
    assert_true(c.rope_theta == 10000);
}

static void windows(void **state)
{
    (void)state;
    const field mistral = {"architectures", "[\"MistralForCausalLM\"]"},
                qwen = {"architectures", "[\"Qwen2ForCausalLM\"]"},
                window = {"sliding_window", "4096"}, use = {"use_sliding_window", "true"};
    ae_config c;
    LOAD(&c, llama, mistral, window);
    assert_string_equal(c.architecture, "llama");
    assert_int_equal(c.n_window, 4096);
    LOAD(&c, llama, mistral, {"sliding_window", "null"});
    assert_int_equal(c.n_window, 0);
    LOAD(&c, llama, mistral, window, {"use_sliding_window", "false"});
    assert_int_equal(c.n_window, 0);

    LOAD(&c, llama, qwen, window, {"use_sliding_window", "false"}, {"max_window_layers", "10"});
    assert_string_equal(c.architecture, "qwen2");
    assert_int_equal(c.n_window, 0);
    LOAD(&c, llama, qwen, window);
    assert_int_equal(c.n_window, 0);
    LOAD(&c, llama, qwen, window, use, {"max_window_layers", "0"});
    assert_int_equal(c.n_window, 4096);
    LOAD(&c, llama, qwen, window, use, {"max_window_layers", "16"});
    assert_int_equal(c.n_window, 0);
    const field some[] = {qwen, window, use, {"max_window_layers", "10"}, {0}};
    assert_int_equal(load(&c, llama, some), AEON_UNSUPPORTED);
    assert_non_null(strstr(err.text, "6 of 16 layers"));

    const field two = {"num_hidden_layers", "2"};
    LOAD(&c, llama, mistral, window, two,
         {"layer_types", "[\"full_attention\", \"full_attention\"]"});
    assert_int_equal(c.n_window, 0);
    const char *const bad[] = {"[\"full_attention\", \"sliding_attention\"]",
                               "[\"sliding_attention\"]",
                               "[\"sliding_attention\", \"linear_attention\"]"};
    for (int i = 0; i < 3; i++) {
        const field changes[] = {mistral, window, two, {"layer_types", bad[i]}, {0}};
        assert_int_equal(load(&c, llama, changes), AEON_UNSUPPORTED);
    }
}

static void qwen_3_has_heads_wider_than_the_model(void **state)
{
    (void)state;
    ae_config c;
    LOAD(&c, llama, {"architectures", "[\"Qwen3ForCausalLM\"]"}, {"head_dim", "128"},
         {"hidden_size", "1024"}, {"num_attention_heads", "16"});
    assert_string_equal(c.architecture, "qwen3");
    assert_true(c.head_dim == 128 && c.rope_dim == 128 && c.n_heads == 16);
}

static void newer_files_hold_rope_parameters(void **state)
{
    (void)state;
    ae_config c;
    const field none = {"rope_theta", NULL};
    LOAD(&c, llama, none, {"rope_parameters", LLAMA3_SCALING ", \"rope_theta\": 500000.0}"});
    assert_true(c.rope_theta == 500000 && c.rope_factors[AE_ROPE_SET_SHORT][31] == 8);
    LOAD(&c, llama, none, {"rope_parameters", "{\"rope_theta\": 1e6}"});
    assert_true(c.rope_theta == 1e6f && !c.has_rope_factors[AE_ROPE_SET_SHORT]);
    LOAD(&c, phi, none, {"partial_rotary_factor", NULL}, {"original_max_position_embeddings", NULL},
         {"rope_parameters", longrope("rope_type", 48, 3,
                                      ", \"rope_theta\": 20000, \"partial_rotary_factor\": 0.75,"
                                      " \"original_max_position_embeddings\": 2048")});
    assert_true(c.rope_theta == 20000 && c.rope_dim == 96 && c.n_ctx_original == 2048);
    assert_true(ae_config_has_long_rope(&c) && c.rope_factors[AE_ROPE_SET_LONG][47] == 3);
}

/* ---- lies ------------------------------------------------------------------------------------ */

static void required_fields_are_asked_for_by_name(void **state)
{
    (void)state;
    static const char *const keys[] = {
        "architectures",       "num_hidden_layers",       "hidden_size", "intermediate_size",
        "num_attention_heads", "max_position_embeddings", "rms_norm_eps"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        refuse(llama, (field){keys[i], NULL}, AEON_BAD_FORMAT, keys[i]);
        refuse(llama, (field){keys[i], "null"}, AEON_BAD_FORMAT, keys[i]);
    }
}

static void numbers_that_are_none_are_named(void **state)
{
    (void)state;
    static const char *const sizes[] = {"num_hidden_layers",
                                        "hidden_size",
                                        "intermediate_size",
                                        "num_attention_heads",
                                        "num_key_value_heads",
                                        "max_position_embeddings",
                                        "head_dim",
                                        "sliding_window"};
    static const char *const bad[] = {"\"32\"", "2.5", "-1", "1e30", "[32]", "true"};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++)
            refuse(llama, (field){sizes[i], bad[k]}, AEON_BAD_FORMAT, sizes[i]);
    static const char *const reals[] = {"rms_norm_eps", "rope_theta", "partial_rotary_factor"};
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++)
        refuse(llama, (field){reals[i], "\"0.5\""}, AEON_BAD_FORMAT, reals[i]);
}

static void sizes_out_of_bounds_are_named(void **state)
{
    (void)state;
    const struct {
        field change;
        const char *word;
    } cases[] = {
        {{"num_hidden_layers", "0"}, "layers"},
        {{"num_hidden_layers", "513"}, "layers"},
        {{"hidden_size", "0"}, "hidden size"},
        {{"hidden_size", "4294967295"}, "hidden size"},
        {{"intermediate_size", "0"}, "feed-forward"},
        {{"intermediate_size", "4294967295"}, "feed-forward"},
        {{"num_attention_heads", "0"}, "heads"},
        {{"num_attention_heads", "4097"}, "heads"},
        {{"num_attention_heads", "4294967295"}, "heads"},
        {{"num_key_value_heads", "0"}, "heads"},
        {{"num_key_value_heads", "5"}, "share"},
        {{"num_key_value_heads", "64"}, "share"},
        {{"max_position_embeddings", "0"}, "context"},
        {{"max_position_embeddings", "4294967295"}, "context"},
        {{"head_dim", "0"}, "head size"},
        {{"head_dim", "513"}, "head size"},
        {{"head_dim", "63"}, "rotary dimension"},
        {{"rms_norm_eps", "0"}, "epsilon"},
        {{"rms_norm_eps", "1e-60"}, "epsilon"},
        {{"rope_theta", "-1"}, "rope base"},
        {{"rope_theta", "1e300"}, "rope base"},
        {{"partial_rotary_factor", "0"}, "partial_rotary_factor"},
        {{"partial_rotary_factor", "-0.5"}, "partial_rotary_factor"},
        {{"partial_rotary_factor", "1.5"}, "partial_rotary_factor"},
        {{"partial_rotary_factor", "0.01"}, "rotary dimension"},
        {{"partial_rotary_factor", "0.02"}, "rotary dimension"}, /* 1 of 64: odd */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuse(llama, cases[i].change, AEON_BAD_FORMAT, cases[i].word);
}

static void what_we_cannot_run_is_said(void **state)
{
    (void)state;
    refuse(llama, (field){"architectures", "[\"MambaForCausalLM\"]"}, AEON_UNSUPPORTED, "Mamba");
    refuse(llama, (field){"architectures", "[]"}, AEON_BAD_FORMAT, "architectures");
    refuse(llama, (field){"architectures", "\"LlamaForCausalLM\""}, AEON_BAD_FORMAT,
           "architectures");
    refuse(llama, (field){"architectures", "[\"\\u001b[31m\"]"}, AEON_UNSUPPORTED, "?[31m");
    refuse(llama, (field){"hidden_act", "\"gelu\""}, AEON_UNSUPPORTED, "hidden_act");
    refuse(llama, (field){"hidden_act", "7"}, AEON_UNSUPPORTED, "hidden_act");
    refuse(llama, (field){"rope_scaling", "{\"type\": \"yarn\", \"factor\": 4.0}"},
           AEON_UNSUPPORTED, "yarn");
    refuse(llama, (field){"rope_scaling", "{\"rope_type\": \"dynamic\", \"factor\": 4.0}"},
           AEON_UNSUPPORTED, "dynamic");
}

static void rope_scaling_that_lies(void **state)
{
    (void)state;
    const struct {
        const char *value, *word;
    } cases[] = {
        {"7", "rope_scaling"},
        {"{\"factor\": 2}", "type of rope scaling"},
        {"{\"type\": 3}", "type of rope scaling"},
        {"{\"type\": \"linear\"}", "factor"},
        {"{\"type\": \"linear\", \"factor\": \"2\"}", "factor"},
        {"{\"type\": \"linear\", \"factor\": 0}", "rope factor"},
        {"{\"type\": \"linear\", \"factor\": -2}", "rope factor"},
        {"{\"type\": \"linear\", \"factor\": 1e300}", "rope factor"},
        {"{\"type\": \"llama3\", \"factor\": 8}", "low_freq_factor"},
        {"{\"type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": "
         "\"4\"}",
         "high_freq_factor"},
        {"{\"type\": \"llama3\", \"factor\": 0, \"low_freq_factor\": 1}", "factor"},
        {"{\"type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, \"high_freq_factor\": 4,"
         " \"original_max_position_embeddings\": 8192}",
         "high_freq_factor"},
        {"{\"type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": 4,"
         " \"original_max_position_embeddings\": 0}",
         "original_max_position_embeddings"},
        {"{\"type\": \"longrope\"}", "short_factor"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuse(llama, (field){"rope_scaling", cases[i].value}, AEON_BAD_FORMAT, cases[i].word);
}

static void longrope_that_lies(void **state)
{
    (void)state;
    ae_config c;
    refuse(phi, (field){"rope_scaling", longrope("type", 47, 2, "")}, AEON_BAD_FORMAT,
           "short_factor");
    refuse(phi, (field){"rope_scaling", longrope("type", 64, 2, "")}, AEON_BAD_FORMAT,
           "must hold 48");
    refuse(phi, (field){"rope_scaling", longrope("type", 48, -3, "")}, AEON_BAD_FORMAT,
           "rope factor");
    refuse(phi, (field){"rope_scaling", longrope("type", 48, 2, ", \"attention_factor\": \"1\"")},
           AEON_BAD_FORMAT, "attention_factor");
    refuse(phi, (field){"rope_scaling", longrope("type", 48, 2, ", \"attention_factor\": -1")},
           AEON_BAD_FORMAT, "magnitude");
    const char *const bad[] = {NULL, "0", "4096.5", "\"4096\"", "-1"};
    for (int i = 0; i < 5; i++) {
        const field changes[] = {{"rope_scaling", longrope("type", 48, 2, "")},
                                 {"original_max_position_embeddings", bad[i]},
                                 {0}};
        assert_int_equal(load(&c, phi, changes), AEON_BAD_FORMAT);
        assert_non_null(strstr(err.text, "original"));
    }
    const field words[] = {
        {"partial_rotary_factor", "0.015625"}, /* 2 of 128: one factor in each set */
        {"rope_scaling", "{\"type\": \"su\", \"short_factor\": [1], \"long_factor\": [\"x\"]}"},
        {0}};
    assert_int_equal(load(&c, phi, words), AEON_BAD_FORMAT);
    assert_non_null(strstr(err.text, "long_factor"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(phi_4_mini),
        SCRATCH_TEST(llama_3_stretches_long_waves),
        SCRATCH_TEST(windows),
        SCRATCH_TEST(qwen_3_has_heads_wider_than_the_model),
        SCRATCH_TEST(newer_files_hold_rope_parameters),
        SCRATCH_TEST(required_fields_are_asked_for_by_name),
        SCRATCH_TEST(numbers_that_are_none_are_named),
        SCRATCH_TEST(sizes_out_of_bounds_are_named),
        SCRATCH_TEST(what_we_cannot_run_is_said),
        SCRATCH_TEST(rope_scaling_that_lies),
        SCRATCH_TEST(longrope_that_lies),
    };
    return cmocka_run_group_tests_name("config_hf", tests, scratch_make, scratch_remove);
}
