/* model/synth: the files are whole models, random in the right way, and the same for a seed. */
#include "aeon/chat.h"
#include "base/file.h"
#include "base/mem.h"
#include "check.h"
#include "format/vocab_gguf.h"
#include "model/model.h"
#include "model/synth.h"
#include "model/weights.h"
#include "same_files.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static aeon_error err;
static char folder[] = "/tmp/aeon-synth-XXXXXX";
static char file_a[64], file_b[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(file_a, sizeof file_a, "%s/a.gguf", folder);
    snprintf(file_b, sizeof file_b, "%s/b.gguf", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(file_a);
    unlink(file_b);
    return rmdir(folder); /* fails if anything else was left there */
}

static int n_files(void)
{
    DIR *d = opendir(folder);
    assert_non_null(d);
    int n = 0;
    for (struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static const aeon_type all_types[] = {AEON_TYPE_F32,         AEON_TYPE_F16,  AEON_TYPE_BF16,
                                      AEON_TYPE_Q8_0,        AEON_TYPE_Q4_0, AEON_TYPE_MLX4_64_BF16,
                                      AEON_TYPE_MLX8_128_F16};

static void every_small_shape_is_a_whole_model(void **state)
{
    (void)state;
    size_t n_shapes = 0;
    for (const char *shape; (shape = aeon_synth_shape_at(n_shapes)); n_shapes++) {
        if (strcmp(shape, "phi-4-mini") == 0) continue;
        for (size_t k = 0; k < AE_COUNT(all_types); k++) {
            CHECK_OK(aeon_synth_write(file_a, shape, all_types[k], 1, NULL, NULL, &err));
            ae_gguf *g;
            CHECK_OK(ae_gguf_open(&g, file_a, &err));
            ae_config config;
            CHECK_OK(ae_config_from_gguf(&config, g, &err));
            ae_weights weights;
            CHECK_OK(ae_weights_load(&weights, &config, (ae_weights_source){.gguf = g}, &err));
            const ae_tensor *embedding = ae_gguf_tensor_find(g, "token_embd.weight");
            assert_int_equal(embedding->type->type, all_types[k]);
            assert_int_equal(embedding->dims[1], config.n_vocab);
            assert_int_equal(ae_config_has_long_rope(&config), strncmp(shape, "phi3", 4) == 0);
            assert_null(strstr(config.name, "phi3")); /* see put_general */
            uint32_t file_type;
            assert_int_equal(ae_gguf_get_u32(g, "general.file_type", &file_type),
                             all_types[k] < AEON_TYPE_MLX4_32_BF16);
            aeon_model_info told;
            CHECK_OK(aeon_synth_describe(&told, shape, all_types[k], &err));
            assert_int_equal(told.n_params, weights.n_params);
            assert_int_equal(told.size_bytes, weights.size_bytes);
            assert_int_equal(told.step_bytes, weights.step_bytes);
            assert_int_equal(told.macs_per_token, weights.macs_per_token);
            assert_int_equal(told.type, weights.main_type);
            assert_int_equal(told.n_ctx_max, config.n_ctx_max);
            assert_int_equal(told.n_ctx_original, config.n_ctx_original);
            assert_int_equal(told.has_long_rope, ae_config_has_long_rope(&config));
            /* Rows fit every block type there is. */
            assert_int_equal(config.n_embd % 256, 0);
            assert_int_equal(config.n_ff % 256, 0);
            assert_int_equal(config.n_heads * config.head_dim % 256, 0);
            ae_weights_release(&weights);
            ae_gguf_close(g);
        }
    }
    assert_true(n_shapes >= 5);
}

static void special_tensors_of_the_families(void **state)
{
    (void)state;
    static const struct {
        const char *shape, *has, *lacks;
    } cases[] = {
        {"phi3-nano", "rope_factors_long.weight", "output.weight"},
        {"phi3-nano", "blk.1.attn_qkv.weight", "blk.0.ffn_gate.weight"},
        {"llama-nano", "output.weight", "blk.0.attn_q.bias"},
        {"llama-nano", "rope_freqs.weight", "blk.2.attn_q.weight"},
        {"qwen2-nano", "blk.0.attn_k.bias", "blk.0.attn_q_norm.weight"},
        {"qwen3-nano", "blk.0.attn_q_norm.weight", "blk.0.attn_k.bias"},
    };
    for (size_t i = 0; i < AE_COUNT(cases); i++) {
        CHECK_OK(aeon_synth_write(file_a, cases[i].shape, AEON_TYPE_Q4_0, 1, NULL, NULL, &err));
        ae_gguf *g;
        CHECK_OK(ae_gguf_open(&g, file_a, &err));
        assert_non_null(ae_gguf_tensor_find(g, cases[i].has));
        assert_null(ae_gguf_tensor_find(g, cases[i].lacks));
        ae_gguf_close(g);
    }
}

static void a_seed_is_a_file_whatever_the_threads(void **state)
{
    (void)state;
    CHECK_OK(ae_synth_write(file_a, "phi3-micro", AEON_TYPE_Q4_0, 7, 1, NULL, NULL, &err));
    CHECK_OK(ae_synth_write(file_b, "phi3-micro", AEON_TYPE_Q4_0, 7, 3, NULL, NULL, &err));
    assert_true(files_are_equal(file_a, file_b));
    CHECK_OK(ae_synth_write(file_b, "phi3-micro", AEON_TYPE_Q4_0, 8, 3, NULL, NULL, &err));
    assert_false(files_are_equal(file_a, file_b));
}

static void a_model_in_memory_is_the_file(void **state)
{
    (void)state;
    ae_map in_memory, file;
    CHECK_OK(ae_synth_write(file_a, "phi3-nano", AEON_TYPE_Q8_0, 7, 2, NULL, NULL, &err));
    CHECK_OK(ae_synth_make(&in_memory, "phi3-nano", AEON_TYPE_Q8_0, 7, 2, NULL, NULL, &err));
    CHECK_OK(ae_map_open(&file, file_a, &err));
    assert_int_equal(in_memory.size, file.size);
    assert_memory_equal(in_memory.data, file.data, file.size);
    ae_map_close(&in_memory);
    ae_map_close(&file);
}

/* Also after its weights were packed, and the memory they came from given back. */
static void a_model_in_memory_is_known_again(void **state)
{
    (void)state;
    uint8_t of_file[AE_FINGERPRINT_BYTES], of_memory[AE_FINGERPRINT_BYTES];
    aeon_model *m;
    CHECK_OK(aeon_synth_write(file_a, "phi3-micro", AEON_TYPE_F16, 7, NULL, NULL, &err));
    CHECK_OK(aeon_model_open(&m, file_a, NULL, &err));
    CHECK_OK(ae_model_fingerprint(m, of_file, &err));
    aeon_model_close(m);
    CHECK_OK(aeon_synth_open(&m, "phi3-micro", AEON_TYPE_F16, 7, NULL, NULL, &err));
    CHECK_OK(aeon_model_read(m, NULL, NULL, &err));
    CHECK_OK(ae_model_fingerprint(m, of_memory, &err));
    assert_memory_equal(of_memory, of_file, sizeof of_file);
    assert_int_equal(aeon_model_describe(m)->type, AEON_TYPE_F16);
    aeon_model_close(m);
}

static bool stop_halfway(void *user, const char *what, double fraction)
{
    (void)user;
    (void)what;
    return fraction < 0.5;
}

static void what_cannot_be_opened_in_memory(void **state)
{
    (void)state;
    aeon_model *m = NULL;
    size_t before = aeon_memory_stats_get().current_bytes;
    CHECK_FAILS(aeon_synth_open(&m, "gpt-5", AEON_TYPE_F16, 1, NULL, NULL, &err), AEON_NOT_FOUND);
    CHECK_FAILS(aeon_synth_open(&m, "phi3-nano", AEON_TYPE_Q4_K, 1, NULL, NULL, &err),
                AEON_UNSUPPORTED);
    CHECK_FAILS(aeon_synth_open(&m, "phi3-nano", AEON_TYPE_F32, 1, stop_halfway, NULL, &err),
                AEON_CANCELLED);
    for (uint64_t k = 1; m == NULL; k++) { /* every allocation of it fails once */
        ae_mem_fail_at(k, false);
        aeon_status status = aeon_synth_open(&m, "phi3-nano", AEON_TYPE_Q4_0, 1, NULL, NULL, &err);
        ae_mem_fail_at(0, false);
        assert_true(status == AEON_OK || status == AEON_OUT_OF_MEMORY);
        assert_true((m != NULL) == (status == AEON_OK));
    }
    aeon_model_close(m);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

typedef struct {
    double mean, deviation, smallest, largest;
    double neighbours; /* correlation of each value with the next */
} statistics;

static statistics measure(const ae_tensor *t)
{
    size_t n = (size_t)(ae_tensor_n_cols(t) * ae_tensor_n_rows(t));
    float *x = malloc(n * sizeof *x);
    assert_non_null(x);
    t->type->to_f32(t->data, x, n);
    double sum = 0, squares = 0, products = 0;
    statistics s = {.smallest = x[0], .largest = x[0]};
    for (size_t i = 0; i < n; i++) {
        sum += x[i];
        squares += (double)x[i] * x[i];
        if (i) products += (double)x[i] * x[i - 1];
        s.smallest = fmin(s.smallest, x[i]);
        s.largest = fmax(s.largest, x[i]);
    }
    double count = (double)n;
    s.mean = sum / count;
    s.deviation = sqrt(squares / count - s.mean * s.mean);
    s.neighbours = (products / count - s.mean * s.mean) / (s.deviation * s.deviation);
    free(x);
    return s;
}

static void weights_have_the_promised_distribution(void **state)
{
    (void)state;
    CHECK_OK(aeon_synth_write(file_a, "qwen3-nano", AEON_TYPE_F32, 3, NULL, NULL, &err));
    ae_gguf *g;
    CHECK_OK(ae_gguf_open(&g, file_a, &err));
    for (size_t i = 0; i < ae_gguf_n_tensors(g); i++) {
        const ae_tensor *t = ae_gguf_tensor_at(g, i);
        statistics s = measure(t);
        if (t->n_dims == 2) { /* at least 65536 values: the bounds are 6 standard errors or more */
            double unit = 1 / sqrt((double)t->dims[0]);
            assert_true(fabs(s.mean) < 0.025 * unit);
            assert_true(fabs(s.deviation / unit - 1) < 0.02);
            assert_true(fabs(s.neighbours) < 0.025);
            assert_true(s.largest < 3.5 * unit && s.largest > 3 * unit);
            assert_true(s.smallest > -3.5 * unit && s.smallest < -3 * unit);
        } else {
            assert_true(fabs(s.mean - 1) < 0.06);
            assert_true(s.deviation > 0.07 && s.deviation < 0.13);
        }
    }
    /* Equal places of two tensors, and of two rows, hold different values. */
    const float *k = ae_gguf_tensor_find(g, "blk.0.attn_k.weight")->data;
    const float *v = ae_gguf_tensor_find(g, "blk.0.attn_v.weight")->data;
    for (int i = 0; i < 4; i++) assert_true(k[i] != v[i] && k[i] != k[256 + i]);
    ae_gguf_close(g);
}

static void long_factors_rise_to_their_end(void **state)
{
    (void)state;
    CHECK_OK(aeon_synth_write(file_a, "phi3-micro", AEON_TYPE_F16, 3, NULL, NULL, &err));
    ae_gguf *g;
    CHECK_OK(ae_gguf_open(&g, file_a, &err));
    ae_config c;
    CHECK_OK(ae_config_from_gguf(&c, g, &err));
    assert_int_equal(c.rope_dim, 96);
    assert_true(c.rope_factors[AE_ROPE_SET_LONG][0] == 1.0f);
    assert_true(fabsf(c.rope_factors[AE_ROPE_SET_LONG][47] - 47.77f) < 1e-4f);
    for (int i = 0; i < 48; i++) {
        assert_true(c.rope_factors[AE_ROPE_SET_SHORT][i] == 1.0f);
        if (i)
            assert_true(c.rope_factors[AE_ROPE_SET_LONG][i] >
                        c.rope_factors[AE_ROPE_SET_LONG][i - 1]);
    }
    assert_int_equal(c.n_ctx_original, 4096);
    assert_int_equal(c.n_ctx_max, 131072);
    assert_true(fabsf(c.rope_magnitude - 1.19024f) < 1e-5f);
    ae_gguf_close(g);
}

/* The weights of a quantized file are those of the f32 file of the same seed, quantized. */
static void types_hold_the_same_weights(void **state)
{
    (void)state;
    CHECK_OK(aeon_synth_write(file_a, "llama-nano", AEON_TYPE_F32, 5, NULL, NULL, &err));
    ae_gguf *exact, *coded;
    CHECK_OK(ae_gguf_open(&exact, file_a, &err));
    for (size_t k = 1; k < AE_COUNT(all_types); k++) {
        CHECK_OK(aeon_synth_write(file_b, "llama-nano", all_types[k], 5, NULL, NULL, &err));
        CHECK_OK(ae_gguf_open(&coded, file_b, &err));
        assert_int_equal(ae_gguf_n_tensors(coded), ae_gguf_n_tensors(exact));
        for (size_t i = 0; i < ae_gguf_n_tensors(exact); i++) {
            const ae_tensor *x = ae_gguf_tensor_at(exact, i), *y = ae_gguf_tensor_at(coded, i);
            assert_string_equal(x->name, y->name);
            unsigned char *expected = malloc((size_t)y->size_bytes);
            assert_non_null(expected);
            y->type->from_f32(x->data, expected,
                              (size_t)(ae_tensor_n_cols(x) * ae_tensor_n_rows(x)));
            assert_memory_equal(y->data, expected, (size_t)y->size_bytes);
            free(expected);
        }
        ae_gguf_close(coded);
    }
    ae_gguf_close(exact);
}

static void the_tokenizer_encodes_any_text(void **state)
{
    (void)state;
    static const char *const shapes[] = {"phi3-nano", "llama-nano", "qwen2-nano"};
    for (size_t k = 0; k < AE_COUNT(shapes); k++) {
        CHECK_OK(aeon_synth_write(file_a, shapes[k], AEON_TYPE_Q4_0, 1, NULL, NULL, &err));
        ae_gguf *g;
        CHECK_OK(ae_gguf_open(&g, file_a, &err));
        ae_vocab v;
        CHECK_OK(ae_vocab_from_gguf(&v, g, &err));
        assert_int_equal(v.n_tokens, 1000);
        assert_true(v.n_merges >= 200);
        assert_int_equal(v.add_bos, k == 1);
        aeon_tokenizer *t;
        CHECK_OK(ae_tokenizer_new(&t, &v, &err));
        assert_int_equal(aeon_tokenizer_eos(t), 995);
        assert_int_equal(aeon_tokenizer_find(t, "<|end|>"), 996);
        assert_true(aeon_tokenizer_is_control(t, 999));
        assert_false(aeon_tokenizer_is_control(t, 994));

        static const char text[] = "hello world, there is \xE4\xB8\xAD and \x01\xFF\xAD too\n";
        aeon_tokens ids = {0};
        aeon_text back = {0};
        CHECK_OK(aeon_tokenizer_encode(t, text, sizeof text - 1, 0, &ids, &err));
        assert_true(ids.n < sizeof text - 1 - 12); /* the words were merged */
        CHECK_OK(aeon_tokenizer_decode(t, ids.ids, ids.n, true, &back, &err));
        assert_int_equal(back.len, sizeof text - 1);
        assert_memory_equal(back.data, text, back.len);
        back.len = 0;
        CHECK_OK(aeon_tokenizer_decode(t, &(int32_t){990}, 1, false, &back, &err));
        assert_string_equal(back.data, "[filler_990]"); /* visible, unlike a control token */
        aeon_text_release(&back);
        aeon_tokens_release(&ids);

        ae_str jinja;
        bool has_template = ae_gguf_get_str(g, "tokenizer.chat_template", &jinja);
        assert_int_equal(has_template, k == 0);
        if (has_template)
            assert_ptr_equal(aeon_chat_template_recognize(jinja.data, jinja.len),
                             aeon_chat_template_find("phi-4-mini"));
        ae_tokenizer_free(t);
        ae_vocab_release(&v);
        ae_gguf_close(g);
    }
}

/* Remembers the fractions it is told, and cancels at the n-th. */
typedef struct {
    int n_calls, cancel_at;
    double first, last;
} listener;

static bool listen(void *user, const char *what, double fraction)
{
    listener *l = user;
    assert_non_null(what);
    assert_true(fraction > l->last && fraction <= 1);
    if (!l->n_calls++) l->first = fraction;
    l->last = fraction;
    return l->n_calls != l->cancel_at;
}

static void progress_ends_at_one(void **state)
{
    (void)state;
    listener l = {0};
    CHECK_OK(aeon_synth_write(file_a, "phi3-micro", AEON_TYPE_Q8_0, 1, listen, &l, &err));
    assert_true(l.n_calls > 10 && l.last == 1);
}

static void cancelling_leaves_the_old_file(void **state)
{
    (void)state;
    CHECK_OK(aeon_synth_write(file_a, "phi3-nano", AEON_TYPE_Q8_0, 1, NULL, NULL, &err));
    CHECK_OK(aeon_synth_write(file_b, "phi3-nano", AEON_TYPE_Q8_0, 1, NULL, NULL, &err));
    int n_before = n_files();
    size_t bytes_before = aeon_memory_stats_get().current_bytes;
    listener l = {.cancel_at = 3};
    CHECK_FAILS(aeon_synth_write(file_a, "phi3-micro", AEON_TYPE_Q8_0, 1, listen, &l, &err),
                AEON_CANCELLED);
    assert_int_equal(l.n_calls, 3);
    assert_int_equal(n_files(), n_before);
    assert_true(files_are_equal(file_a, file_b));
    assert_int_equal(aeon_memory_stats_get().current_bytes, bytes_before);
}

/* The first piece is 341 rows of the embedding; the fraction it stands for gives the size of all:
 * the 3,836,021,760 parameters of Phi-4-mini and 2 x 48 rope factors. */
static void phi_4_mini_has_its_exact_size(void **state)
{
    (void)state;
    assert_string_equal(aeon_synth_shape_at(0), "phi-4-mini");
    listener l = {.cancel_at = 1};
    CHECK_FAILS(aeon_synth_write(file_a, "phi-4-mini", AEON_TYPE_F32, 1, listen, &l, &err),
                AEON_CANCELLED);
    double n_values = 341 * 3072 / l.first;
    assert_true(fabs(n_values - (3836021760.0 + 96)) < 0.01);
}

static void bad_requests_are_refused(void **state)
{
    (void)state;
    unlink(file_a);
    int n_before = n_files();
    CHECK_FAILS(aeon_synth_write(file_a, "gpt-5", AEON_TYPE_F32, 1, NULL, NULL, &err),
                AEON_NOT_FOUND);
    assert_non_null(strstr(err.text, "phi3-nano"));
    CHECK_FAILS(aeon_synth_write(file_a, "phi3-nano", AEON_TYPE_IQ4_XS, 1, NULL, NULL, &err),
                AEON_UNSUPPORTED);
    assert_non_null(strstr(err.text, "iq4_xs"));
    CHECK_FAILS(aeon_synth_write(file_a, "phi3-nano", (aeon_type)99, 1, NULL, NULL, &err),
                AEON_UNSUPPORTED);
    CHECK_FAILS(
        aeon_synth_write("/nowhere/at/all.gguf", "phi3-nano", AEON_TYPE_F32, 1, NULL, NULL, &err),
        AEON_NOT_FOUND);
    aeon_model_info info;
    CHECK_FAILS(aeon_synth_describe(&info, "gpt-5", AEON_TYPE_F32, &err), AEON_NOT_FOUND);
    CHECK_FAILS(aeon_synth_describe(&info, "phi3-nano", (aeon_type)99, &err), AEON_UNSUPPORTED);
    assert_int_equal(n_files(), n_before);
    assert_int_equal(aeon_synth_write(file_a, "gpt-5", AEON_TYPE_F32, 1, NULL, NULL, NULL),
                     AEON_NOT_FOUND);
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    unlink(file_a);
    int n_before = n_files();
    size_t bytes_before = aeon_memory_stats_get().current_bytes;
    aeon_status status = AEON_OUT_OF_MEMORY;
    int k = 1;
    for (; status != AEON_OK; k++) {
        ae_mem_fail_at((uint64_t)k, false);
        err.text[0] = 0;
        status = ae_synth_write(file_a, "qwen2-nano", AEON_TYPE_Q4_0, 1, 2, NULL, NULL, &err);
        ae_mem_fail_at(0, false);
        if (status != AEON_OK) {
            assert_int_equal(status, AEON_OUT_OF_MEMORY);
            assert_int_equal(n_files(), n_before);
        }
        assert_int_equal(aeon_memory_stats_get().current_bytes, bytes_before);
    }
    assert_true(k > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_small_shape_is_a_whole_model),
        cmocka_unit_test(special_tensors_of_the_families),
        cmocka_unit_test(a_seed_is_a_file_whatever_the_threads),
        cmocka_unit_test(a_model_in_memory_is_the_file),
        cmocka_unit_test(a_model_in_memory_is_known_again),
        cmocka_unit_test(what_cannot_be_opened_in_memory),
        cmocka_unit_test(weights_have_the_promised_distribution),
        cmocka_unit_test(long_factors_rise_to_their_end),
        cmocka_unit_test(types_hold_the_same_weights),
        cmocka_unit_test(the_tokenizer_encodes_any_text),
        cmocka_unit_test(progress_ends_at_one),
        cmocka_unit_test(cancelling_leaves_the_old_file),
        cmocka_unit_test(phi_4_mini_has_its_exact_size),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
