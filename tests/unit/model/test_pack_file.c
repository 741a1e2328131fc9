/* model/pack_file.c: a packed file is the same model, and nothing but a whole one for this machine
 * is taken for one. */
#include "aeon/file.h"
#include "check.h"
#include "failing_writer.h"
#include "gguf_copy.h"
#include "model/forward.h"
#include "model/model.h"
#include "model/weights_pack.h"
#include "unit/format/scratch.h"

#include <string.h>

/* All its matrices are whole panels; the vocabularies of the synthetic shapes may not be. */
#define WHOLE AEON_SOURCE_DIR "/models/aeon-tiny.gguf"

enum { N = 5, MAX_VOCAB = 4096 };
static const int32_t ids[N] = {9, 7, 7, 500, 0};

static aeon_error err;

/* [N] logits after ids, with their peaks. Returns how many floats that is for each. */
static size_t run(float *logits, aeon_model *m)
{
    const ae_config *c = ae_model_config(m);
    const size_t all[N] = {0, 1, 2, 3, 4};
    ae_pool *pool = NULL;
    ae_kv_arena *arena = NULL;
    ae_kv kv = {0};
    ae_forward *f = NULL;
    assert_true(ae_logits_len(c->n_vocab) <= MAX_VOCAB);
    CHECK_OK(ae_pool_new(&pool, 2, &err));
    CHECK_OK(ae_model_prepare(m, pool, NULL, NULL, &err));
    CHECK_OK(ae_kv_arena_new(&arena, c, &(ae_kv_arena_params){.n_tokens = N}, &err));
    CHECK_OK(ae_kv_init(&kv, arena, N, &err));
    CHECK_OK(ae_kv_grow(&kv, 0, N, &err));
    CHECK_OK(ae_forward_new(&f, c, ae_model_weights(m), pool, N, &err));
    ae_forward_run(f, &(ae_batch){&(ae_span){&kv, ids, 0, N, AE_ROPE_SET_SHORT}, 1});
    float *rows[N];
    for (size_t i = 0; i < N; i++) rows[i] = logits + i * ae_logits_len(c->n_vocab);
    ae_forward_logits(f, all, N, rows);
    ae_forward_free(f);
    ae_kv_release(&kv);
    ae_kv_arena_free(arena);
    ae_pool_free(pool);
    return ae_logits_len(c->n_vocab);
}

/* Those of a file. */
static size_t run_file(float *logits, const char *path)
{
    aeon_model *m = NULL;
    CHECK_OK(aeon_model_open(&m, path, NULL, &err));
    size_t n = run(logits, m);
    aeon_model_close(m);
    return n;
}

static void same_logits(const char *path)
{
    static float rows[N * MAX_VOCAB], panels[N * MAX_VOCAB];
    CHECK_OK(aeon_model_pack(path, in_scratch("packed.gguf"), NULL, NULL, &err));
    size_t n = run_file(rows, path);
    assert_int_equal(run_file(panels, in_scratch("packed.gguf")), n);
    for (size_t i = 0; i < N * n; i++) assert_false(rows[i] != rows[i]);
    assert_memory_equal(rows, panels, N * n * sizeof(float));
}

static void packed_files_give_the_same_logits(void **state)
{
    (void)state;
    static const char *const shapes[] = {"phi3-micro", "llama-nano", "qwen2-nano", "qwen3-nano"};
    static const aeon_type types[] = {AEON_TYPE_F32,  AEON_TYPE_F16,  AEON_TYPE_BF16,
                                      AEON_TYPE_Q8_0, AEON_TYPE_Q4_0, AEON_TYPE_MLX4_64_BF16};
    for (size_t s = 0; s < AE_COUNT(shapes); s++)
        for (size_t t = 0; t < AE_COUNT(types); t++) {
            char rows[600];
            snprintf(rows, sizeof rows, "%s", in_scratch("rows.gguf"));
            CHECK_OK(aeon_synth_write(rows, shapes[s], types[t], 1, NULL, NULL, &err));
            same_logits(rows);
        }
    same_logits(WHOLE);
}

/* What the file holds for whom, and that nothing of it needs memory. */
static void a_whole_one_is_mapped(void **state)
{
    (void)state;
    CHECK_OK(aeon_model_pack(WHOLE, in_scratch("packed.gguf"), NULL, NULL, &err));
    aeon_model *m = NULL, *rows = NULL;
    CHECK_OK(aeon_model_open(&rows, WHOLE, NULL, &err));
    CHECK_OK(aeon_model_open(&m, in_scratch("packed.gguf"), NULL, &err));
    const ae_weights *w = ae_model_weights(m);
    const ae_kernels *k = ae_kernels_get();
    assert_int_equal(ae_weights_panel_bytes(w, k), 0);
    assert_true(ae_weights_panel_bytes(ae_model_weights(rows), k) > 0);
    assert_true(ae_model_measure(m).counted + ae_model_measure(m).weights / 2 <
                ae_model_measure(rows).counted);
    assert_int_equal(ae_model_measure(m).weights, ae_model_measure(rows).weights);
    CHECK_OK(aeon_model_read(m, NULL, NULL, &err));
    assert_null(w->panels);
    assert_int_equal(w->embedding.n_lanes, k->n_lanes);
    assert_int_equal(w->layers[0].qkv.parts[2].n_lanes, k->n_lanes);
    aeon_model_close(rows);

    const ae_gguf *g = ae_model_gguf(m);
    uint32_t value;
    assert_true(ae_gguf_get_u32(g, AE_PANELS_KEY, &value) && value == k->n_lanes);
    assert_true(ae_gguf_get_u32(g, "general.alignment", &value) && value == 64);
    assert_non_null(ae_gguf_tensor_find(g, "token_embd.panels"));
    assert_null(ae_gguf_tensor_find(g, "token_embd.weight"));
    assert_non_null(ae_gguf_tensor_find(g, "blk.0.attn_norm.weight"));
    for (size_t i = 0; i < ae_gguf_n_tensors(g); i++)
        assert_int_equal((uintptr_t)ae_gguf_tensor_at(g, i)->data % 64, 0);
    aeon_model_close(m);
}

/* ---- files that lie -------------------------------------------------------------------------- */

typedef struct {
    const char *drop;
    uint32_t n_lanes; /* 0: no key */
} change;

static bool drops(const void *arg, const char *name)
{
    const change *c = arg;
    return strcmp(name, AE_PANELS_KEY) == 0 || (c->drop && strcmp(name, c->drop) == 0);
}

static void put_lanes(const void *arg, ae_gguf_writer *w)
{
    const change *c = arg;
    if (c->n_lanes) CHECK_OK(ae_gguf_put_u32(w, AE_PANELS_KEY, c->n_lanes, &err));
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    const uint32_t n_lanes = (uint32_t)ae_kernels_get()->n_lanes;
    const struct {
        change change;
        aeon_status status;
        const char *word;
    } cases[] = {
        {{NULL, n_lanes}, AEON_OK, ""},
        {{NULL, 0}, AEON_BAD_FORMAT, AE_PANELS_KEY},
        {{NULL, 33}, AEON_BAD_FORMAT, AE_PANELS_KEY},
        {{NULL, n_lanes % 32 + 1}, AEON_UNSUPPORTED, "aeon quantize"},
        {{"blk.1.ffn_down.panels", n_lanes}, AEON_BAD_FORMAT, "blk.1.ffn_down.weight is missing"},
        {{"blk.0.ffn_norm.weight", n_lanes}, AEON_BAD_FORMAT, "blk.0.ffn_norm.weight is missing"},
    };
    CHECK_OK(aeon_model_pack(WHOLE, in_scratch("packed.gguf"), NULL, NULL, &err));
    for (size_t i = 0; i < AE_COUNT(cases); i++) {
        aeon_model *m = NULL;
        size_t before = aeon_memory_stats_get().current_bytes;
        gguf_copy(in_scratch("packed.gguf"), in_scratch("bad.gguf"), drops, put_lanes,
                  &cases[i].change);
        err.text[0] = 0;
        aeon_status status = aeon_model_open(&m, in_scratch("bad.gguf"), NULL, &err);
        if (status != cases[i].status || !strstr(err.text, cases[i].word))
            fail_msg("case %zu: status %d, \"%s\"", i, status, err.text);
        aeon_model_close(m);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

/* Another tensor in the place of one: of this name and type, and of zeros. */
typedef struct {
    const char *name, *new_name;
    aeon_type type;
    aeon_status status;
    const char *word;
} exchange;

static void write_exchanged(const char *from, const char *to, const exchange *e)
{
    static const char zeros[1 << 23];
    ae_gguf *g = NULL;
    ae_gguf_writer *w = NULL;
    CHECK_OK(ae_gguf_open(&g, from, &err));
    CHECK_OK(ae_gguf_writer_open(&w, to, &err));
    for (size_t i = 0; i < ae_gguf_n_values(g); i++)
        CHECK_OK(ae_gguf_put_value(w, ae_gguf_value_at(g, i), &err));
    CHECK_OK(ae_gguf_put_u32(w, AE_PANELS_KEY, (uint32_t)ae_kernels_get()->n_lanes, &err));
    for (int with_data = 0; with_data < 2; with_data++)
        for (size_t i = 0; i < ae_gguf_n_tensors(g); i++) {
            const ae_tensor *t = ae_gguf_tensor_at(g, i);
            bool is_it = strcmp(t->name, e->name) == 0;
            const ae_dtype *type = is_it ? ae_dtype_get(e->type) : t->type;
            size_t size = ae_tensor_n_rows(t) * (size_t)ae_dtype_row_bytes(type, t->dims[0]);
            assert_true(!is_it || size <= sizeof zeros);
            if (with_data)
                CHECK_OK(ae_gguf_put_data(w, is_it ? zeros : t->data, size, &err));
            else
                CHECK_OK(ae_gguf_add_tensor(w, is_it ? e->new_name : t->name, type->type, t->n_dims,
                                            t->dims, &err));
        }
    CHECK_OK(ae_gguf_writer_commit(w, &err));
    ae_gguf_close(g);
}

static void panels_that_cannot_be(void **state)
{
    (void)state;
    const bool is_whole = 2003 % ae_kernels_get()->n_lanes == 0; /* one row by one */
    const exchange cases[] = {
        {"blk.0.ffn_down.weight", "blk.0.ffn_down.panels", AEON_TYPE_Q8_0, AEON_OK, ""},
        {"blk.0.ffn_down.weight", "blk.0.ffn_down.panels", AEON_TYPE_Q5_1, AEON_UNSUPPORTED,
         "panels of q5_1"},
        {"token_embd.weight", "token_embd.panels", AEON_TYPE_F32,
         is_whole ? AEON_OK : AEON_BAD_FORMAT, is_whole ? "" : "2003 rows"},
        {"output_norm.weight", "output_norm.panels", AEON_TYPE_F32, AEON_BAD_FORMAT,
         "output_norm.weight is missing"},
    };
    CHECK_OK(aeon_synth_write(in_scratch("rows.gguf"), "phi3-micro", AEON_TYPE_F32, 1, NULL, NULL,
                              &err));
    for (size_t i = 0; i < AE_COUNT(cases); i++) {
        aeon_model *m = NULL;
        write_exchanged(in_scratch("rows.gguf"), in_scratch("bad.gguf"), &cases[i]);
        err.text[0] = 0;
        aeon_status status = aeon_model_open(&m, in_scratch("bad.gguf"), NULL, &err);
        if (status != cases[i].status || !strstr(err.text, cases[i].word))
            fail_msg("case %zu: status %d, \"%s\"", i, status, err.text);
        aeon_model_close(m);
    }
}

static void a_truncated_one_is_refused(void **state)
{
    (void)state;
    CHECK_OK(aeon_model_pack(WHOLE, in_scratch("packed.gguf"), NULL, NULL, &err));
    ae_map map = {0};
    CHECK_OK(ae_map_open(&map, in_scratch("packed.gguf"), &err));
    for (int i = 1; i <= 16; i++) {
        aeon_model *m = NULL;
        scratch_write("bad.gguf", map.data, (map.size - 4096) / 16 * (size_t)i);
        CHECK_FAILS(aeon_model_open(&m, in_scratch("bad.gguf"), NULL, &err), AEON_BAD_FORMAT);
    }
    ae_map_close(&map);
}

/* ---- packing that fails ---------------------------------------------------------------------- */

static void what_cannot_be_packed(void **state)
{
    (void)state;
    const char *out = in_scratch("out.gguf");
    CHECK_FAILS(aeon_model_pack("builtin", out, NULL, NULL, &err), AEON_UNSUPPORTED);
    CHECK_FAILS(aeon_model_pack(scratch, out, NULL, NULL, &err), AEON_UNSUPPORTED);
    CHECK_FAILS(aeon_model_pack(in_scratch("no.gguf"), out, NULL, NULL, &err), AEON_NOT_FOUND);
    CHECK_FAILS(aeon_model_pack(AEON_SOURCE_DIR "/README.md", out, NULL, NULL, &err),
                AEON_BAD_FORMAT);
    CHECK_OK(aeon_model_pack(WHOLE, in_scratch("packed.gguf"), NULL, NULL, &err));
    out = in_scratch("out.gguf");
    CHECK_FAILS(aeon_model_pack(in_scratch("packed.gguf"), out, NULL, NULL, &err),
                AEON_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "packed already"));
    assert_int_equal(unlink(in_scratch("packed.gguf")), 0);
    assert_int_equal(scratch_n_files(), 0);
}

static void a_file_is_not_packed_over_itself(void **state)
{
    (void)state;
    char in[512];
    snprintf(in, sizeof in, "%s", in_scratch("in.gguf"));
    CHECK_OK(aeon_synth_write(in, "phi3-nano", AEON_TYPE_F16, 1, NULL, NULL, &err));
    assert_int_equal(symlink("in.gguf", in_scratch("soft.gguf")), 0);
    assert_int_equal(link(in, in_scratch("hard.gguf")), 0);
    static const char *const names[] = {"in.gguf", "soft.gguf", "hard.gguf"};
    for (size_t i = 0; i < AE_COUNT(names); i++) {
        CHECK_FAILS(aeon_model_pack(in, in_scratch(names[i]), NULL, NULL, &err),
                    AEON_INVALID_ARGUMENT);
        assert_non_null(strstr(err.text, "another name"));
    }
    assert_int_equal(scratch_n_files(), 3);
}

static aeon_status pack_rows(aeon_progress_fn progress, void *user, aeon_error *e)
{
    char in[512];
    snprintf(in, sizeof in, "%s", in_scratch("rows.gguf"));
    return aeon_model_pack(in, in_scratch("out.gguf"), progress, user, e);
}

static void a_cancelled_one_leaves_nothing(void **state)
{
    (void)state;
    CHECK_OK(
        aeon_synth_write(in_scratch("rows.gguf"), "phi3-nano", AEON_TYPE_F32, 1, NULL, NULL, &err));
    check_cancelled(pack_rows, "packing");
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    CHECK_OK(
        aeon_synth_write(in_scratch("rows.gguf"), "phi3-nano", AEON_TYPE_F16, 1, NULL, NULL, &err));
    check_short_of_memory(pack_rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(packed_files_give_the_same_logits, scratch_clear),
        cmocka_unit_test_setup(a_whole_one_is_mapped, scratch_clear),
        cmocka_unit_test_setup(what_does_not_fit_is_refused, scratch_clear),
        cmocka_unit_test_setup(panels_that_cannot_be, scratch_clear),
        cmocka_unit_test_setup(a_truncated_one_is_refused, scratch_clear),
        cmocka_unit_test_setup(what_cannot_be_packed, scratch_clear),
        cmocka_unit_test_setup(a_file_is_not_packed_over_itself, scratch_clear),
        cmocka_unit_test_setup(a_cancelled_one_leaves_nothing, scratch_clear),
        cmocka_unit_test_setup(any_allocation_may_fail, scratch_clear),
    };
    return cmocka_run_group_tests_name("pack_file", tests, scratch_make, scratch_remove);
}
