/* model/convert, presets: what is written again is the same model, as exactly as its types allow.
 */
#include "aeon/file.h"
#include "aeon/quantize.h"
#include "base/file.h"
#include "base/mem.h"
#include "check.h"
#include "failing_writer.h"
#include "gguf_copy.h"
#include "model/presets.h"
#include "model/weights.h"
#include "same_files.h"
#include "unit/format/scratch.h"

#include <math.h>
#include <string.h>

#define TINY AEON_SOURCE_DIR "/models/aeon-tiny.gguf"

static aeon_error err;

static void synth(const char *name, const char *shape, aeon_type type)
{
    CHECK_OK(aeon_synth_write(in_scratch(name), shape, type, 1, NULL, NULL, &err));
}

static aeon_quantize_result quantize(const char *in, const char *out, const char *type)
{
    aeon_quantize_result r = {0};
    CHECK_OK(aeon_quantize(in, out, &(aeon_quantize_params){.type = type}, &r, &err));
    return r;
}

/* ---- every type ------------------------------------------------------------------------------ */

/* The root mean square of the differences, over that of the values. */
static double distance(const ae_tensor *a, const ae_tensor *b)
{
    static float x[1 << 14], y[1 << 14];
    size_t n = (size_t)ae_tensor_n_cols(a);
    double sum = 0, difference = 0;
    assert_true(n <= 1 << 14);
    for (uint64_t r = 0; r < ae_tensor_n_rows(a); r++) {
        a->type->to_f32((const char *)a->data + r * ae_dtype_row_bytes(a->type, n), x, n);
        b->type->to_f32((const char *)b->data + r * ae_dtype_row_bytes(b->type, n), y, n);
        for (size_t i = 0; i < n; i++) {
            sum += (double)(x[i] * x[i]);
            difference += (double)((x[i] - y[i]) * (x[i] - y[i]));
        }
    }
    return sqrt(difference / sum);
}

/* What a type may lose of random weights with a bell's shape. */
static double limit_of(aeon_type type)
{
    switch (type) {
    case AEON_TYPE_F32: return 0;
    case AEON_TYPE_F16: return 0.0003;
    case AEON_TYPE_BF16: return 0.002;
    case AEON_TYPE_Q8_0: return 0.006;
    case AEON_TYPE_Q6_K: return 0.021;
    case AEON_TYPE_Q5_K:
    case AEON_TYPE_Q5_0:
    case AEON_TYPE_Q5_1: return 0.045;
    default: return 0.09;
    }
}

/* A whole model, and the tensors of the one it was made from. */
static void check_file(const char *in, const char *out, const aeon_quantize_result *told)
{
    ae_gguf *a, *b;
    ae_config config;
    ae_weights weights;
    double worst = 0;
    CHECK_OK(ae_gguf_open(&a, in, &err));
    CHECK_OK(ae_gguf_open(&b, out, &err));
    CHECK_OK(ae_config_from_gguf(&config, b, &err));
    CHECK_OK(ae_weights_load(&weights, &config, (ae_weights_source){.gguf = b}, &err));
    ae_weights_release(&weights);
    assert_int_equal(ae_gguf_n_tensors(a), ae_gguf_n_tensors(b));
    assert_int_equal(told->n_tensors, ae_gguf_n_tensors(b));
    for (size_t i = 0; i < ae_gguf_n_tensors(a); i++) {
        const ae_tensor *from = ae_gguf_tensor_at(a, i), *to = ae_gguf_tensor_at(b, i);
        assert_string_equal(from->name, to->name);
        assert_memory_equal(from->dims, to->dims, sizeof from->dims);
        if (to->n_dims == 1) assert_int_equal(to->type->type, AEON_TYPE_F32);
        double lost = distance(from, to);
        if (lost > limit_of(to->type->type))
            fail_msg("%s: %s as %s lost %g", out, to->name, to->type->name, lost);
        if (strcmp(to->name, told->worst_tensor) == 0)
            assert_true(fabs(lost - told->worst_error) < 1e-6);
        if (lost > worst) worst = lost;
    }
    assert_true(fabs(worst - told->worst_error) < 1e-6 && told->rms_error <= told->worst_error);
    ae_gguf_close(a);
    ae_gguf_close(b);
}

/* A plan tells the same, but for what only rounding can tell. */
static void check_plan(const char *in, const char *type, const aeon_quantize_result *told)
{
    aeon_quantize_result p;
    CHECK_OK(aeon_quantize_plan(in, &(aeon_quantize_params){.type = type}, &p, &err));
    assert_int_equal(p.n_tensors, told->n_tensors);
    assert_int_equal(p.n_changed, told->n_changed);
    assert_int_equal(p.n_fallback, told->n_fallback);
    assert_int_equal(p.n_values, told->n_values);
    assert_int_equal(p.in_bytes, told->in_bytes);
    assert_int_equal(p.out_bytes, told->out_bytes);
    assert_true(p.rms_error == 0 && p.worst_error == 0 && !p.worst_tensor[0]);
}

static void convert_and_check(const char *type)
{
    char in[512], out[512];
    snprintf(in, sizeof in, "%s", in_scratch("in.gguf"));
    snprintf(out, sizeof out, "%s", in_scratch("out.gguf"));
    aeon_quantize_result r = quantize(in, out, type);
    check_file(in, out, &r);
    check_plan(in, type, &r);
    assert_int_equal(r.n_fallback, 0);
    assert_int_equal(r.n_requantized, 0);
}

/* Some of each kind: the rounding has tests of its own, and the parity tests take every type. */
static void converted_files_are_the_same_model(void **state)
{
    (void)state;
    static const char *const types[] = {"f32", "f16", "q8_0", "q4_k_m"};
    static const char *const shapes[] = {"llama-nano", "qwen2-nano", "qwen3-nano"};
    synth("in.gguf", "phi3-nano", AEON_TYPE_F32);
    for (size_t t = 0; t < AE_COUNT(types); t++) convert_and_check(types[t]);
    for (size_t s = 0; s < AE_COUNT(shapes); s++) {
        synth("in.gguf", shapes[s], AEON_TYPE_F32);
        convert_and_check("bf16");
    }
}

static void metadata_stays(void **state)
{
    (void)state;
    ae_gguf *a, *b;
    uint32_t value;
    synth("in.gguf", "phi3-nano", AEON_TYPE_F16);
    quantize(in_scratch("in.gguf"), in_scratch("out.gguf"), "BF16");
    CHECK_OK(ae_gguf_open(&a, in_scratch("in.gguf"), &err));
    CHECK_OK(ae_gguf_open(&b, in_scratch("out.gguf"), &err));
    assert_int_equal(ae_gguf_n_values(a), ae_gguf_n_values(b));
    for (size_t i = 0; i < ae_gguf_n_values(a); i++) {
        const ae_gguf_value *from = ae_gguf_value_at(a, i), *to = ae_gguf_value_at(b, i);
        assert_string_equal(from->key, to->key);
        assert_int_equal(from->type, to->type);
        assert_int_equal(from->n, to->n);
    }
    assert_true(ae_gguf_get_u32(b, "general.file_type", &value) && value == 32);
    ae_gguf_close(a);
    ae_gguf_close(b);
}

static void what_does_not_change_is_copied(void **state)
{
    (void)state;
    static const aeon_type types[] = {AEON_TYPE_F32, AEON_TYPE_F16, AEON_TYPE_BF16, AEON_TYPE_Q8_0};
    for (size_t i = 0; i < AE_COUNT(types); i++) {
        synth("in.gguf", "llama-nano", types[i]);
        aeon_quantize_result r =
            quantize(in_scratch("in.gguf"), in_scratch("out.gguf"), aeon_type_name(types[i]));
        assert_true(files_are_equal(in_scratch("in.gguf"), in_scratch("out.gguf")));
        assert_int_equal(r.n_changed, 0);
        assert_true(r.rms_error == 0 && r.worst_tensor[0] == 0);
        assert_int_equal(r.in_bytes, r.out_bytes);
    }
}

static void threads_change_no_byte(void **state)
{
    (void)state;
    aeon_quantize_result one, three;
    synth("in.gguf", "phi3-nano", AEON_TYPE_BF16);
    aeon_quantize_params p = {.type = "q8_0", .n_threads = 1};
    CHECK_OK(aeon_quantize(in_scratch("in.gguf"), in_scratch("a.gguf"), &p, &one, &err));
    p.n_threads = 3;
    CHECK_OK(aeon_quantize(in_scratch("in.gguf"), in_scratch("b.gguf"), &p, &three, &err));
    assert_true(files_are_equal(in_scratch("a.gguf"), in_scratch("b.gguf")));
    assert_true(one.rms_error == three.rms_error && one.worst_error == three.worst_error);
    assert_true(one.rms_error > 0);
    assert_string_equal(one.worst_tensor, three.worst_tensor);
}

/* ---- presets --------------------------------------------------------------------------------- */

static aeon_type type_in(const char *preset, const char *tensor, bool is_tied)
{
    return ae_preset_type(ae_preset_find(preset), ae_role_of(tensor), 32, is_tied);
}

static void the_mixes(void **state)
{
    (void)state;
    static const struct {
        const char *preset, *tensor;
        aeon_type type;
    } cases[] = {
        {"q4_k_m", "blk.0.attn_v.weight", AEON_TYPE_Q6_K},
        {"q4_k_m", "blk.4.attn_v.weight", AEON_TYPE_Q4_K},
        {"q4_k_m", "blk.6.attn_v.weight", AEON_TYPE_Q6_K},
        {"q4_k_m", "blk.31.ffn_down.weight", AEON_TYPE_Q6_K},
        {"q4_k_m", "blk.17.attn_qkv.weight", AEON_TYPE_Q5_K},
        {"q4_k_m", "blk.0.ffn_up.weight", AEON_TYPE_Q4_K},
        {"INT4", "blk.0.ffn_down.weight", AEON_TYPE_Q6_K},
        {"q4_k_s", "blk.3.ffn_down.weight", AEON_TYPE_Q5_K},
        {"q4_k_s", "blk.31.ffn_down.weight", AEON_TYPE_Q4_K},
        {"q5_k_s", "blk.0.ffn_down.weight", AEON_TYPE_Q5_K},
        {"q4_0", "blk.0.ffn_down.weight", AEON_TYPE_Q4_0},
        {"q4_0", "output.weight", AEON_TYPE_Q6_K},
        {"q4_0", "token_embd.weight", AEON_TYPE_Q4_0},
        {"int8", "output.weight", AEON_TYPE_Q8_0},
        {"f16", "output.weight", AEON_TYPE_F16},
    };
    for (size_t i = 0; i < AE_COUNT(cases); i++)
        if (type_in(cases[i].preset, cases[i].tensor, false) != cases[i].type)
            fail_msg("%s in %s is not %s", cases[i].tensor, cases[i].preset,
                     aeon_type_name(cases[i].type));
    assert_int_equal(type_in("q4_0", "token_embd.weight", true), AEON_TYPE_Q6_K);
    assert_null(ae_preset_find("q4_k_xl"));
    static const char *const others[] = {"rope_freqs.weight", "blk.1.attn_norm.weight",
                                         "blk.1.attn_q.bias", "blk.x.attn_q.weight", "v.weight"};
    for (size_t i = 0; i < AE_COUNT(others); i++)
        assert_int_equal(ae_role_of(others[i]).kind, AE_ROLE_OTHER);
}

/* 16 of 32 layers, in both M mixes: what the published files have. */
static void half_the_layers_are_better(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        int n = 0;
        for (int i = 0; i < 32; i++) {
            char name[64];
            snprintf(name, sizeof name, "blk.%d.ffn_down.weight", i);
            n += type_in(k ? "q4_k_m" : "q5_k_m", name, true) == AEON_TYPE_Q6_K;
        }
        assert_int_equal(n, 16);
    }
}

static void rows_that_are_no_whole_blocks(void **state)
{
    (void)state;
    assert_int_equal(ae_type_that_fits(AEON_TYPE_Q4_K, 512), AEON_TYPE_Q4_K);
    assert_int_equal(ae_type_that_fits(AEON_TYPE_Q4_K, 640), AEON_TYPE_Q4_1);
    assert_int_equal(ae_type_that_fits(AEON_TYPE_Q5_K, 640), AEON_TYPE_Q5_1);
    assert_int_equal(ae_type_that_fits(AEON_TYPE_Q6_K, 640), AEON_TYPE_Q8_0);
    assert_int_equal(ae_type_that_fits(AEON_TYPE_Q6_K, 650), AEON_TYPE_F16);
    assert_int_equal(ae_type_that_fits(AEON_TYPE_IQ4_XS, 32), AEON_TYPE_IQ4_NL);
    assert_int_equal(ae_type_that_fits(AEON_TYPE_Q3_K, 96), AEON_TYPE_Q4_0);
    assert_int_equal(ae_type_that_fits(AEON_TYPE_Q4_0, 48), AEON_TYPE_F16);
    assert_int_equal(ae_type_that_fits(AEON_TYPE_BF16, 7), AEON_TYPE_BF16);

    aeon_quantize_result r;
    aeon_quantize_params p = {.type = "q4_k_m", .requantize = true};
    CHECK_OK(aeon_quantize_plan(TINY, &p, &r, &err));
    assert_int_equal(r.n_fallback, 6);
    assert_int_equal(r.n_requantized, 6 * 4 - 1); /* in one layer Q8_0 is what it falls back to */
    assert_string_equal(r.fallback_tensor, "blk.0.ffn_down.weight");
    assert_int_equal(r.fallback_from, AEON_TYPE_Q4_K);
    assert_int_equal(r.fallback_to, AEON_TYPE_Q4_1);
}

static void the_head_is_chosen(void **state)
{
    (void)state;
    static const char *const tensors[] = {"output.weight", "token_embd.weight"};
    ae_gguf *g;
    synth("in.gguf", "llama-nano", AEON_TYPE_F16);
    aeon_quantize_params p = {.type = "q4_0", .head = "q8_0"};
    CHECK_OK(aeon_quantize(in_scratch("in.gguf"), in_scratch("out.gguf"), &p, NULL, &err));
    CHECK_OK(ae_gguf_open(&g, in_scratch("out.gguf"), &err));
    for (size_t i = 0; i < AE_COUNT(tensors); i++)
        assert_int_equal(ae_gguf_tensor_find(g, tensors[i])->type->type, AEON_TYPE_Q8_0);
    assert_int_equal(ae_gguf_tensor_find(g, "blk.0.ffn_up.weight")->type->type, AEON_TYPE_Q4_0);
    ae_gguf_close(g);
}

/* ---- what cannot be -------------------------------------------------------------------------- */

/* Put one value of f32 into a tensor of the file in.gguf. */
static void spoil(const char *tensor, size_t i, float value)
{
    ae_gguf *g;
    CHECK_OK(ae_gguf_open(&g, in_scratch("in.gguf"), &err));
    const ae_tensor *t = ae_gguf_tensor_find(g, tensor);
    long at = (long)((uintptr_t)t->data - (uintptr_t)ae_gguf_tensor_at(g, 0)->data);
    long size = (long)ae_gguf_file_bytes(g), end = 0;
    for (size_t k = 0; k < ae_gguf_n_tensors(g); k++) {
        const ae_tensor *u = ae_gguf_tensor_at(g, k);
        long here = (long)((uintptr_t)u->data - (uintptr_t)ae_gguf_tensor_at(g, 0)->data);
        if (here + (long)u->size_bytes > end) end = here + (long)u->size_bytes;
    }
    end = (end + 31) / 32 * 32;
    ae_gguf_close(g);
    FILE *f = fopen(in_scratch("in.gguf"), "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, size - end + at + (long)(i * sizeof value), SEEK_SET), 0);
    assert_int_equal(fwrite(&value, sizeof value, 1, f), 1);
    assert_int_equal(fclose(f), 0);
}

static void refuse(const aeon_quantize_params *p, aeon_status status, const char *words)
{
    char in[512];
    snprintf(in, sizeof in, "%s", in_scratch("in.gguf"));
    size_t before = aeon_memory_stats_get().current_bytes;
    int n_files = scratch_n_files();
    CHECK_FAILS(aeon_quantize(in, in_scratch("out.gguf"), p, NULL, &err), status);
    if (!strstr(err.text, words)) fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    assert_int_equal(scratch_n_files(), n_files);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

static void values_that_are_no_weights(void **state)
{
    (void)state;
    static const struct {
        const char *tensor, *type;
        float value;
    } cases[] = {
        {"blk.1.ffn_up.weight", "q8_0", NAN},        {"blk.0.ffn_down.weight", "q8_0", INFINITY},
        {"token_embd.weight", "f32", -INFINITY},     {"blk.0.attn_norm.weight", "q8_0", NAN},
        {"blk.1.attn_output.weight", "f16", 100000},
    };
    for (size_t i = 0; i < AE_COUNT(cases); i++) {
        ae_gguf *g;
        float row[1 << 12];
        synth("in.gguf", "phi3-nano", AEON_TYPE_F32);
        spoil(cases[i].tensor, 17, cases[i].value);
        refuse(&(aeon_quantize_params){.type = cases[i].type}, AEON_INVALID_ARGUMENT,
               cases[i].tensor);
        aeon_quantize_params p = {.type = cases[i].type, .allow_nan = true};
        aeon_quantize_result r;
        CHECK_OK(aeon_quantize(in_scratch("in.gguf"), in_scratch("out.gguf"), &p, &r, &err));
        assert_int_equal(r.n_strange, 1);
        if (!isfinite(r.rms_error) || !isfinite(r.worst_error))
            fail_msg("%s: errors %g, %g", cases[i].tensor, r.rms_error, r.worst_error);
        CHECK_OK(ae_gguf_open(&g, in_scratch("out.gguf"), &err));
        const ae_tensor *t = ae_gguf_tensor_find(g, cases[i].tensor);
        t->type->to_f32(t->data, row, (size_t)t->dims[0]);
        if (t->type->type != AEON_TYPE_F32) assert_true(isfinite(row[17]));
        ae_gguf_close(g);
    }
    spoil("blk.1.attn_output.weight", 17, 65519);
    quantize(in_scratch("in.gguf"), in_scratch("out.gguf"), "f16");
}

static void blocks_that_are_copied_are_looked_at(void **state)
{
    (void)state;
    const uint32_t bits = 0x7e00; /* NaN as an f16: the scale of the first block */
    float scale_and_levels;
    memcpy(&scale_and_levels, &bits, sizeof bits);
    synth("in.gguf", "phi3-nano", AEON_TYPE_Q8_0);
    spoil("blk.1.ffn_up.weight", 0, scale_and_levels);
    refuse(&(aeon_quantize_params){.type = "q8_0"}, AEON_INVALID_ARGUMENT, "blk.1.ffn_up.weight");
    aeon_quantize_params p = {.type = "q8_0", .allow_nan = true};
    CHECK_OK(aeon_quantize(in_scratch("in.gguf"), in_scratch("out.gguf"), &p, NULL, &err));
    assert_true(files_are_equal(in_scratch("in.gguf"), in_scratch("out.gguf")));
}

static bool is_eos(const void *arg, const char *name)
{
    (void)arg;
    return strcmp(name, "tokenizer.ggml.eos_token_id") == 0;
}

static void put_far_eos(const void *arg, ae_gguf_writer *w)
{
    (void)arg;
    CHECK_OK(ae_gguf_put_u32(w, "tokenizer.ggml.eos_token_id", 1 << 20, &err));
}

/* Nobody could open what it would become. */
static void a_damaged_tokenizer_is_refused(void **state)
{
    (void)state;
    synth("whole.gguf", "phi3-nano", AEON_TYPE_F16);
    gguf_copy(in_scratch("whole.gguf"), in_scratch("in.gguf"), is_eos, put_far_eos, NULL);
    refuse(&(aeon_quantize_params){.type = "q8_0"}, AEON_BAD_FORMAT, "eos_token_id");
}

static void what_cannot_be_converted(void **state)
{
    (void)state;
    synth("in.gguf", "qwen2-nano", AEON_TYPE_Q4_0);
    refuse(&(aeon_quantize_params){.type = "q8_0"}, AEON_INVALID_ARGUMENT, "--requantize");
    refuse(&(aeon_quantize_params){.type = "f16"}, AEON_INVALID_ARGUMENT, "q4_0 already");
    aeon_quantize_result r;
    CHECK_FAILS(aeon_quantize_plan(in_scratch("in.gguf"), &(aeon_quantize_params){.type = "q8_0"},
                                   &r, &err),
                AEON_INVALID_ARGUMENT);
    refuse(&(aeon_quantize_params){.type = "q9"}, AEON_INVALID_ARGUMENT, "\"q9\"");
    refuse(&(aeon_quantize_params){0}, AEON_INVALID_ARGUMENT, "q4_k_m");
    refuse(&(aeon_quantize_params){.type = "f32", .head = "mlx4_64_bf16"}, AEON_INVALID_ARGUMENT,
           "mlx4_64_bf16");
    refuse(&(aeon_quantize_params){.type = "f32", .n_threads = -1}, AEON_INVALID_ARGUMENT, "-1");
    aeon_quantize_params p = {.type = "f16"};
    const char *out = in_scratch("out.gguf");
    CHECK_FAILS(aeon_quantize(in_scratch("no.gguf"), out, &p, NULL, &err), AEON_NOT_FOUND);
    CHECK_FAILS(aeon_quantize(scratch, out, &p, NULL, &err), AEON_NOT_FOUND);
    CHECK_FAILS(aeon_quantize(AEON_SOURCE_DIR "/README.md", out, &p, NULL, &err), AEON_BAD_FORMAT);
    CHECK_OK(aeon_model_pack(TINY, in_scratch("in.gguf"), NULL, NULL, &err));
    refuse(&p, AEON_INVALID_ARGUMENT, "packed");
}

static void a_file_is_not_written_over_itself(void **state)
{
    (void)state;
    aeon_quantize_params p = {.type = "q8_0"};
    char in[512];
    synth("in.gguf", "phi3-nano", AEON_TYPE_F16);
    snprintf(in, sizeof in, "%s", in_scratch("in.gguf"));
    assert_int_equal(symlink("in.gguf", in_scratch("soft.gguf")), 0);
    assert_int_equal(link(in, in_scratch("hard.gguf")), 0);
    static const char *const names[] = {"in.gguf", "soft.gguf", "hard.gguf"};
    for (size_t i = 0; i < AE_COUNT(names); i++) {
        CHECK_FAILS(aeon_quantize(in, in_scratch(names[i]), &p, NULL, &err), AEON_INVALID_ARGUMENT);
        assert_non_null(strstr(err.text, "another name"));
    }
    assert_int_equal(scratch_n_files(), 3);
}

static aeon_status write_q8_0(aeon_progress_fn progress, void *user, aeon_error *e)
{
    const aeon_quantize_params p = {
        .type = "q8_0", .n_threads = 2, .progress = progress, .progress_user = user};
    char in[512];
    snprintf(in, sizeof in, "%s", in_scratch("in.gguf"));
    return aeon_quantize(in, in_scratch("out.gguf"), &p, NULL, e);
}

static void a_cancelled_one_leaves_nothing(void **state)
{
    (void)state;
    synth("in.gguf", "phi3-nano", AEON_TYPE_F32);
    check_cancelled(write_q8_0, "converting");
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    synth("in.gguf", "phi3-nano", AEON_TYPE_F16);
    check_short_of_memory(write_q8_0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(converted_files_are_the_same_model),
        SCRATCH_TEST(metadata_stays),
        SCRATCH_TEST(what_does_not_change_is_copied),
        SCRATCH_TEST(threads_change_no_byte),
        SCRATCH_TEST(the_mixes),
        SCRATCH_TEST(half_the_layers_are_better),
        SCRATCH_TEST(rows_that_are_no_whole_blocks),
        SCRATCH_TEST(the_head_is_chosen),
        SCRATCH_TEST(values_that_are_no_weights),
        SCRATCH_TEST(blocks_that_are_copied_are_looked_at),
        SCRATCH_TEST(a_damaged_tokenizer_is_refused),
        SCRATCH_TEST(what_cannot_be_converted),
        SCRATCH_TEST(a_file_is_not_written_over_itself),
        SCRATCH_TEST(a_cancelled_one_leaves_nothing),
        SCRATCH_TEST(any_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("convert", tests, scratch_make, scratch_remove);
}
