/* An MLX folder is the model that its numbers say: tests/parity/mlx_write.py quantizes a
 * checkpoint, and writes another with scale * q + bias as f32. The weights of both are the same to
 * the last bit, and the logits as near as activations of 8 bits allow. */
#include "aeon/engine.h"
#include "aeon/file.h"
#include "base/mem.h"
#include "check.h"
#include "kernels/matmul.h"
#include "model/model.h"
#include "unit/engine/folder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static aeon_error err;

static char written[100]; /* shape and options of what is there */

/* A model of this shape as the folders hf, mlx and f32. */
static void write_folders(const char *shape, const char *options)
{
    char command[900], wanted[sizeof written];
    snprintf(wanted, sizeof wanted, "%s %s", shape, options);
    if (strcmp(wanted, written) == 0) return;
    memcpy(written, wanted, sizeof written);
    CHECK_OK(aeon_synth_write(in_scratch("model.gguf"), shape, AEON_TYPE_F32, 3, NULL, NULL, &err));
    snprintf(command, sizeof command,
             "cd '%s' && rm -rf hf mlx f32 && python3 '%s/tests/parity/gguf_to_hf.py' model.gguf hf"
             " && python3 '%s/tests/parity/mlx_write.py' hf mlx f32 %s",
             scratch, AEON_SOURCE_DIR, AEON_SOURCE_DIR, options);
    run_shell(command);
}

static aeon_model *open_model(const char *name)
{
    aeon_model *m = NULL;
    CHECK_OK(aeon_model_open(&m, in_scratch(name), NULL, &err));
    return m;
}

/* ---- weights --------------------------------------------------------------------------------- */

enum { MAX_COLS = 1024 };

static void same_rows(const ae_matrix *a, const ae_matrix *b)
{
    float x[MAX_COLS], y[MAX_COLS], unpacked[MAX_COLS];
    assert_true(a->n_rows == b->n_rows && a->n_cols == b->n_cols && a->n_cols <= MAX_COLS);
    for (size_t r = 0; r < a->n_rows; r++) {
        ae_matrix_row(a, r, x, unpacked);
        ae_matrix_row(b, r, y, unpacked);
        assert_memory_equal(x, y, a->n_cols * sizeof *x);
    }
}

static void same_projection(const ae_projection *a, const ae_projection *b)
{
    assert_int_equal(a->n_parts, b->n_parts);
    for (int i = 0; i < a->n_parts; i++) same_rows(&a->parts[i], &b->parts[i]);
    assert_true(!a->bias == !b->bias);
    if (a->bias) assert_memory_equal(a->bias, b->bias, a->n_rows * sizeof *a->bias);
}

/* Both packed. */
static void same_weights(const ae_weights *a, const ae_weights *b)
{
    assert_true(a->n_layers == b->n_layers && a->n_params == b->n_params);
    assert_true(a->macs_per_token == b->macs_per_token);
    same_rows(&a->embedding, &b->embedding);
    same_projection(&a->output, &b->output);
    for (size_t i = 0; i < a->n_layers; i++) {
        same_projection(&a->layers[i].qkv, &b->layers[i].qkv);
        same_projection(&a->layers[i].attn_output, &b->layers[i].attn_output);
        same_projection(&a->layers[i].gate_up, &b->layers[i].gate_up);
        same_projection(&a->layers[i].ffn_down, &b->layers[i].ffn_down);
    }
}

/* ---- logits ---------------------------------------------------------------------------------- */

/* [n_vocab] after some tokens; the caller frees them. */
static float *logits_of(const aeon_model *m)
{
    const int32_t ids[] = {1, 500, 0, 999, 77, 77, 3};
    size_t bytes = aeon_model_describe(m)->n_vocab * sizeof(float);
    aeon_engine *e = NULL;
    aeon_session *s = NULL;
    CHECK_OK(aeon_engine_new(&e, m, &(aeon_engine_params){.n_threads = 2, .n_chunk = 8}, &err));
    CHECK_OK(aeon_session_new(&s, e, &(aeon_session_params){.n_ctx = 16}, &err));
    CHECK_OK(aeon_session_feed(s, ids, 7, NULL, &err));
    float *copy = malloc(bytes);
    assert_non_null(copy);
    memcpy(copy, aeon_session_logits(s), bytes);
    aeon_session_free(s);
    aeon_engine_free(e);
    return copy;
}

/* Activations in blocks of 8-bit integers are off by up to half of 1/127 of the largest of a block,
 * about 1% of a usual one; a dozen products one after the other leave 2% on these models. A matrix
 * that is not the right one gives logits that are off by more than their own size. */
static void near_logits(const aeon_model *a, const aeon_model *b)
{
    const double limit = 0.06;
    float *x = logits_of(a), *y = logits_of(b);
    double of_both = 0, of_one = 0;
    for (size_t i = 0; i < aeon_model_describe(a)->n_vocab; i++) {
        of_both += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
        of_one += (double)y[i] * (double)y[i];
    }
    free(x);
    free(y);
    if (!(sqrt(of_both / of_one) < limit))
        fail_msg("the logits differ by %.3f of their size", sqrt(of_both / of_one));
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void folders_are_one_model(const char *shape, const char *options, aeon_type type)
{
    write_folders(shape, options);
    aeon_model *mlx = open_model("mlx"), *f32 = open_model("f32");
    uint64_t size_bytes = ae_model_measure(mlx).counted;
    assert_int_equal(aeon_model_describe(mlx)->type, type);
    near_logits(mlx, f32); /* the engine packs them */
    same_weights(ae_model_weights(mlx), ae_model_weights(f32));
    assert_int_equal(ae_weights_panel_bytes(ae_model_weights(mlx), ae_kernels_get()), 0);
    assert_true(size_bytes > ae_model_weights(mlx)->step_bytes);
    aeon_model_close(mlx);
    aeon_model_close(f32);
}

/* Embedding and head of their own, and matrices of all widths. */
static void every_width_is_exact(void **state)
{
    (void)state;
    folders_are_one_model("llama-nano", "--mixed 0", AEON_TYPE_MLX8_32_BF16);
    folders_are_one_model("llama-nano", "--mixed 9 --scales f16 --shards 3", AEON_TYPE_MLX8_32_F16);
}

/* Tied, fused as Phi-4-mini is, and with biases. */
static void every_kind_of_model_is_read(void **state)
{
    (void)state;
    folders_are_one_model("qwen2-nano", "--bits 8 --group 32 --scales f16", AEON_TYPE_MLX8_32_F16);
    folders_are_one_model("phi3-pico", "--mixed 12", AEON_TYPE_F32); /* what is not quantized */
    folders_are_one_model("phi3-pico", "", AEON_TYPE_MLX4_64_BF16);
}

static void wide_scales_give_wide_rows(void **state)
{
    (void)state;
    folders_are_one_model("phi3-pico", "--scales f32", AEON_TYPE_F32);
}

/* Until they are packed, matrices have no data; and they are no larger than the file. */
static void nothing_is_put_together_twice(void **state)
{
    (void)state;
    write_folders("phi3-pico", "");
    aeon_model *m = open_model("mlx");
    const ae_weights *w = ae_model_weights(m);
    const aeon_model_info *info = aeon_model_describe(m);
    uint64_t n_bytes = 0;
    ae_hf *h = NULL;
    CHECK_OK(ae_hf_open(&h, in_scratch("mlx"), true, &err));
    for (size_t i = 0; i < ae_safetensors_n_tensors(h->tensors); i++)
        n_bytes += ae_safetensors_tensor_at(h->tensors, i)->size_bytes;
    ae_hf_close(h);
    assert_int_equal(info->size_bytes, n_bytes);
    assert_null(w->embedding.data);
    size_t before = ae_mem_current(AE_MEM_WEIGHTS);
    uint64_t wanted = ae_weights_panel_bytes(w, ae_kernels_get());
    CHECK_OK(aeon_model_read(m, NULL, NULL, &err));
    assert_int_equal(ae_mem_current(AE_MEM_WEIGHTS) - before, wanted);
    assert_true(wanted < n_bytes + n_bytes / 20); /* rows beyond the last make whole panels */
    assert_ptr_equal(w->embedding.data, w->output.parts[0].data);
    aeon_model_close(m);
}

static void it_is_told_from_others(void **state)
{
    (void)state;
    uint8_t a[AE_FINGERPRINT_BYTES], b[AE_FINGERPRINT_BYTES];
    write_folders("phi3-pico", "");
    aeon_model *m = open_model("mlx"), *f32 = open_model("f32");
    CHECK_OK(ae_model_fingerprint(m, a, &err));
    CHECK_OK(ae_model_fingerprint(f32, b, &err));
    assert_memory_not_equal(a, b, sizeof a);
    CHECK_OK(aeon_model_read(m, NULL, NULL, &err));
    CHECK_OK(ae_model_fingerprint(m, b, &err)); /* the file is still there */
    assert_memory_equal(a, b, sizeof a);
    aeon_model_close(m);
    aeon_model_close(f32);
}

static bool stop(void *user, const char *what, double fraction)
{
    (void)user, (void)what;
    return fraction < 0.5;
}

static void loading_can_be_cancelled_and_begun_again(void **state)
{
    (void)state;
    write_folders("phi3-pico", "");
    aeon_model *m = open_model("mlx"), *f32 = open_model("f32");
    CHECK_FAILS(aeon_model_read(m, stop, NULL, &err), AEON_CANCELLED);
    assert_null(ae_model_weights(m)->panels);
    CHECK_OK(aeon_model_read(m, NULL, NULL, &err));
    same_weights(ae_model_weights(m), ae_model_weights(f32));
    aeon_model_close(m);
    aeon_model_close(f32);
}

static void vectors_are_not_quantized(void **state)
{
    (void)state;
    write_folders("phi3-pico", "");
    char command[600];
    snprintf(command, sizeof command,
             "cd '%s' && python3 -c \"import pathlib, sys; sys.path.insert(0, '%s/tests/parity');"
             "import mlx_write as m; f = pathlib.Path('mlx/model.safetensors');"
             "t = m.read_safetensors(f); n = 'model.norm.weight'; d, s, b = t[n];"
             "p = m.quantize((d, [1, s[0]], b), 4, 64, 'BF16');"
             "t |= zip((n, 'model.norm.scales', 'model.norm.biases'), p);"
             "m.gguf_to_hf.write_safetensors(f, t)\"",
             scratch, AEON_SOURCE_DIR);
    run_shell(command);
    written[0] = 0;
    aeon_model *m = NULL;
    CHECK_FAILS(aeon_model_open(&m, in_scratch("mlx"), NULL, &err), AEON_BAD_FORMAT);
    assert_non_null(strstr(err.text, "model.norm.weight is quantized"));
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    write_folders("phi3-pico", "");
    size_t before = aeon_memory_stats_get().current_bytes;
    aeon_status status = AEON_OUT_OF_MEMORY;
    for (uint64_t k = 1; status != AEON_OK; k++) {
        aeon_model *m = NULL;
        ae_mem_fail_at(k, false);
        status = aeon_model_open(&m, in_scratch("mlx"), NULL, &err);
        if (status == AEON_OK) status = aeon_model_read(m, NULL, NULL, &err);
        ae_mem_fail_at(0, false);
        assert_true(status == AEON_OK || status == AEON_OUT_OF_MEMORY);
        aeon_model_close(m);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width_is_exact),
        cmocka_unit_test(wide_scales_give_wide_rows),
        cmocka_unit_test(every_kind_of_model_is_read),
        cmocka_unit_test(nothing_is_put_together_twice),
        cmocka_unit_test(it_is_told_from_others),
        cmocka_unit_test(loading_can_be_cancelled_and_begun_again),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(vectors_are_not_quantized),
    };
    return cmocka_run_group_tests_name("mlx", tests, scratch_make, remove_folders);
}
