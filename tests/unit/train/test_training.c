/* train/: whole runs, on a model of a few thousand weights: learning, resuming, refusing. */
#include "aeon/chat.h"
#include "aeon/train.h"

#include "base/file.h"
#include "base/mem.h"
#include "format/gguf.h"
#include "format/vocab_gguf.h"
#include "support.h"
#include "train/checkpoint.h"
#include "train/export.h"
#include "train/trainer.h"

#include <math.h>

static aeon_error err;
static test_files files;

enum { N_STEPS = 12 };

/* What a run reported, and when it should stop. */
typedef struct {
    double loss[4 * N_STEPS], held_out;
    uint64_t step, stop_after;
    int n_asked; /* counts down; at 0 the run stops */
    int n_notes, n_saved;
    const char *settings[4]; /* up to the first NULL */
} record;

static void on_report(void *user, const aeon_train_report *report)
{
    record *r = user;
    assert_in_range(report->step, 1, 4 * N_STEPS);
    r->loss[report->step - 1] = report->loss;
    r->held_out = report->held_out_loss;
    r->step = report->step;
}

static bool goes_on(void *user)
{
    record *r = user;
    if (r->n_asked && --r->n_asked == 0) return false;
    return r->step != r->stop_after || r->stop_after == 0;
}

static void on_note(void *user, const char *line)
{
    record *r = user;
    assert_true(line[0] != 0);
    r->n_notes++;
    r->n_saved += strstr(line, "c.gguf: written after step") != NULL;
}

/* extra: fields of the recipe beside the usual ones, each with a comma before it. */
static const char *write_recipe(const char *extra)
{
    static char text[2048];
    snprintf(
        text, sizeof text,
        "{\"train\":\"%s\",\"held_out\":\"%s\",\"tokenizer\":\"%s\",\"output\":\"%s/out.gguf\","
        "\"checkpoint\":\"%s/c.gguf\",\"n_embd\":32,\"n_layers\":1,\"n_heads\":4,"
        "\"n_kv_heads\":2,\"n_ff\":32,\"batch\":3,\"sequence\":48,\"report_steps\":1,"
        "\"warmup_steps\":2,\"learning_rate\":0.01,\"long_every\":4,\"name\":\"toy\"%s}",
        files_path(&files, "train.jsonl"), files_path(&files, "held.jsonl"),
        files_path(&files, "tokenizer.json"), files.folder, files.folder, extra);
    return files_write(&files, "recipe.json", text);
}

static aeon_status run(const char *recipe, bool resume, int n_threads, record *r)
{
    aeon_train_params p = {.config_path = recipe,
                           .resume = resume,
                           .n_threads = n_threads,
                           .on_report = on_report,
                           .goes_on = goes_on,
                           .on_note = on_note,
                           .user = r};
    p.settings = r->settings;
    while (p.n_settings < AE_COUNT(r->settings) && r->settings[p.n_settings]) p.n_settings++;
    return aeon_train_run(&p, &err);
}

#define STEPS ",\"steps\":12"

static aeon_text read_file(const char *name)
{
    aeon_text text = {0};
    CHECK_OK(ae_file_read(files_path(&files, name), 1 << 24, &text, &err));
    return text;
}

static void assert_same_bytes(const aeon_text *a, const aeon_text *b)
{
    assert_int_equal(a->len, b->len);
    assert_memory_equal(a->data, b->data, a->len);
}

static void loss_falls(void **state)
{
    (void)state;
    record r = {0};
    CHECK_OK(run(write_recipe(",\"steps\":48"), false, 2, &r));
    assert_true(r.loss[0] > 5 && r.loss[0] < 6.5); /* ln 265 = 5.6: knowing nothing */
    assert_true(r.loss[47] < 0.6 * r.loss[0]);
    assert_true(r.held_out > 0 && r.held_out < r.loss[0]);
    assert_true(r.n_notes >= 3);
}

/* Both ways to compute a step; what promises the same bits does so either way. */
static const char *ways[][2] = {{"optimizer=adamw", "products=f32"},
                                {"optimizer=muon", "products=bf16"}};

static void threads_change_no_bit(void **state)
{
    const char **way = *state;
    const char *recipe = write_recipe(STEPS);
    record one = {.settings = {way[0], way[1]}};
    CHECK_OK(run(recipe, false, 1, &one));
    aeon_text checkpoint = read_file("c.gguf"), output = read_file("out.gguf");
    for (int n = 2; n <= 3; n++) {
        record many = {.settings = {way[0], way[1]}};
        CHECK_OK(run(recipe, false, n, &many));
        assert_memory_equal(one.loss, many.loss, sizeof one.loss);
        assert_true(one.held_out == many.held_out);
        aeon_text checkpoint_n = read_file("c.gguf"), output_n = read_file("out.gguf");
        assert_same_bytes(&checkpoint, &checkpoint_n);
        assert_same_bytes(&output, &output_n);
        aeon_text_release(&checkpoint_n);
        aeon_text_release(&output_n);
    }
    aeon_text_release(&checkpoint);
    aeon_text_release(&output);
}

static void resumed_run_is_the_same_run(void **state)
{
    const char **way = *state;
    const char *recipe = write_recipe(STEPS);
    record whole = {.settings = {way[0], way[1], "accumulate=2"}}, parts = whole;
    record none = whole;
    parts.stop_after = 5;
    CHECK_OK(run(recipe, false, 2, &whole));
    aeon_text checkpoint = read_file("c.gguf"), output = read_file("out.gguf");
    CHECK_FAILS(run(recipe, false, 1, &parts), AEON_CANCELLED);
    parts.stop_after = 6;
    CHECK_FAILS(run(recipe, true, 2, &parts), AEON_CANCELLED);
    parts.stop_after = 0;
    CHECK_OK(run(recipe, true, 2, &parts));
    assert_memory_equal(whole.loss, parts.loss, sizeof whole.loss);
    aeon_text checkpoint_2 = read_file("c.gguf"), output_2 = read_file("out.gguf");
    assert_same_bytes(&checkpoint, &checkpoint_2);
    assert_same_bytes(&output, &output_2);
    /* Nothing is left to do: only the model is written again. */
    CHECK_OK(run(recipe, true, 2, &none));
    for (int i = 0; i < N_STEPS; i++) assert_true(none.loss[i] == 0);
    aeon_text_release(&checkpoint);
    aeon_text_release(&checkpoint_2);
    aeon_text_release(&output);
    aeon_text_release(&output_2);
}

/* Several small batches are one big batch, to the bit; it may be too big for the memory. */
static void accumulating_changes_no_bit(void **state)
{
    const char **way = *state;
    static const char *const splits[][2] = {
        {"batch=6", "accumulate=1"}, {"batch=3", "accumulate=2"}, {"batch=1", "accumulate=6"}};
    const char *recipe = write_recipe(STEPS);
    record whole = {0};
    aeon_text output = {0};
    for (size_t i = 0; i < AE_COUNT(splits); i++) {
        record r = {.settings = {splits[i][0], splits[i][1], way[0], way[1]}};
        CHECK_OK(run(recipe, false, 2, &r));
        aeon_text text = read_file("out.gguf");
        if (i == 0) {
            whole = r;
            output = text;
            continue;
        }
        assert_memory_equal(whole.loss, r.loss, sizeof whole.loss);
        assert_same_bytes(&output, &text);
        aeon_text_release(&text);
    }
    aeon_text_release(&output);
}

static void checkpoints_come_by_steps_and_by_the_clock(void **state)
{
    (void)state;
    static const struct {
        const char *settings[2];
        int n_saved;
    } cases[] = {{{"checkpoint_minutes=1e-9", "checkpoint_steps=0"}, N_STEPS},
                 {{"checkpoint_minutes=0", "checkpoint_steps=5"}, 3}, /* 5, 10 and the last */
                 {{"checkpoint_minutes=60", "checkpoint_steps=0"}, 1}};
    for (size_t i = 0; i < AE_COUNT(cases); i++) {
        record r = {.settings = {cases[i].settings[0], cases[i].settings[1]}};
        CHECK_OK(run(write_recipe(STEPS), false, 1, &r));
        assert_int_equal(r.n_saved, cases[i].n_saved);
    }
}

/* Counted over all steps, three sequences each. */
static void every_fourth_sequence_is_long(void **state)
{
    (void)state;
    aeon_train_report report;
    aeon_train_params p = {.config_path = write_recipe(STEPS), .n_threads = 1};
    ae_trainer t = {.params = &p};
    CHECK_OK(ae_trainer_set_up(&t, &err));
    for (int n = 0; n < 12; n++) {
        if (n % 3 == 0) CHECK_OK(ae_trainer_step(&t, &report, &err));
        assert_int_equal(t.sequences[n % 3].has_long_factors, n % 4 == 3);
    }
    ae_trainer_release(&t);
}

/* The columns of the table that do not tell the time. */
static aeon_text read_curve(void)
{
    aeon_text text = read_file("curve.csv"), kept = {0};
    for (char *line = text.data, *end; (end = strchr(line, '\n')); line = end + 1) {
        int column = 0;
        for (const char *c = line; c <= end; c++) {
            if ((column != 2 && column != 6) || c == end)
                CHECK_OK(aeon_text_append(&kept, c, 1, &err));
            column += *c == ',';
        }
    }
    aeon_text_release(&text);
    return kept;
}

/* Stopped within an interval of reports, killed behind a checkpoint: the table does not show it. */
static void resumed_run_has_the_same_curve(void **state)
{
    (void)state;
    char curve_field[96];
    snprintf(curve_field, sizeof curve_field, "curve=%s/curve", files.folder);
    const char *recipe = write_recipe(STEPS);
    record whole = {.settings = {"report_steps=4", "held_out_steps=3", curve_field}};
    record parts = whole;
    CHECK_OK(run(recipe, false, 2, &whole));
    aeon_text curve = read_curve();
    assert_true(strstr(curve.data, "step,tokens,loss,held_out_loss,learning_rate,\n4,") ==
                curve.data);

    parts.n_asked = 6;
    CHECK_FAILS(run(recipe, false, 2, &parts), AEON_CANCELLED);
    aeon_text part = read_curve();
    assert_true(part.len < curve.len);
    aeon_text_release(&part);
    FILE *csv = fopen(files_path(&files, "curve.csv"), "a");
    fprintf(csv, "8,100,1,2.5,,0.1,7\n12,1"); /* rows of steps that were lost again */
    fclose(csv);
    CHECK_OK(run(recipe, true, 2, &parts));
    aeon_text curve_2 = read_curve();
    assert_string_equal(curve.data, curve_2.data);
    aeon_text_release(&curve_2);
    aeon_text_release(&curve);

    files_write(&files, "curve.csv", "other,table\n");
    CHECK_FAILS(run(recipe, true, 2, &parts), AEON_BAD_FORMAT);
    assert_non_null(strstr(err.text, "curve.csv"));
    CHECK_OK(run(recipe, false, 2, &parts));
    remove(files_path(&files, "curve.csv"));
    CHECK_OK(run(recipe, true, 2, &parts)); /* lost: begun anew */
}

static void other_checkpoints_are_refused(void **state)
{
    (void)state;
    record r = {0};
    CHECK_OK(run(write_recipe(STEPS), false, 1, &r));
    static const char *const changed[][2] = {{",\"steps\":13", "steps"},
                                             {STEPS ",\"seed\":2", "seed"},
                                             {STEPS ",\"weight_decay\":0.2", "weight_decay"},
                                             {STEPS ",\"loss\":\"all\"", "data"}};
    for (size_t i = 0; i < AE_COUNT(changed); i++) {
        CHECK_FAILS(run(write_recipe(changed[i][0]), true, 1, &r), AEON_MISMATCH);
        if (i < 3) assert_non_null(strstr(err.text, changed[i][1]));
        if (i == 0) assert_non_null(strstr(err.text, "made with steps 12, this run has 13"));
    }
    /* The same written differently is the same. */
    CHECK_OK(run(write_recipe(STEPS ",\"clip\":1,\"weight_decay\":1e-1"), true, 1, &r));
    /* A model file, no file of this kind, and a checkpoint cut short. */
    const char *recipe = write_recipe(STEPS);
    aeon_text output = read_file("out.gguf"), checkpoint = read_file("c.gguf");
    const aeon_text wrong[] = {output, {.data = "no file", .len = 7}, checkpoint};
    for (size_t i = 0; i < AE_COUNT(wrong); i++) {
        FILE *f = fopen(files_path(&files, "c.gguf"), "wb");
        fwrite(wrong[i].data, 1, wrong[i].len - (i == 2 ? 100 : 0), f);
        fclose(f);
        CHECK_FAILS(run(recipe, true, 1, &r), AEON_BAD_FORMAT);
        assert_non_null(strstr(err.text, "c.gguf"));
    }
    aeon_text_release(&output);
    aeon_text_release(&checkpoint);
}

/* Overwrites n weights of the checkpoint from begin on. */
static void damage_checkpoint(size_t begin, size_t n, float value)
{
    const char *path = files_path(&files, "c.gguf");
    ae_gguf *g;
    ae_str identity;
    CHECK_OK(ae_gguf_open(&g, path, &err));
    size_t n_weights = (size_t)ae_gguf_tensor_find(g, "weights")->dims[0];
    assert_true(ae_gguf_get_str(g, "train.identity", &identity));
    json_t *json = json_loadb(identity.data, identity.len, 0, NULL);
    ae_gguf_close(g);
    float *arrays = calloc(3 * n_weights, sizeof(float));
    ae_checkpoint c = {.n_weights = n_weights,
                       .weights = arrays,
                       .moment1 = arrays + n_weights,
                       .moment2 = arrays + 2 * n_weights};
    CHECK_OK(ae_checkpoint_load(&c, json, path, &err));
    for (size_t i = 0; i < n; i++) arrays[begin + i] = value;
    CHECK_OK(ae_checkpoint_save(&c, json, path, &err));
    json_decref(json);
    free(arrays);
}

static void assert_stops_and_keeps_the_checkpoint(const char *recipe, record *r, const char *why)
{
    aeon_text before = read_file("c.gguf");
    r->stop_after = 0;
    CHECK_FAILS(run(recipe, true, 2, r), AEON_INTERNAL);
    if (!strstr(err.text, why)) fail_msg("\"%s\" does not say \"%s\"", err.text, why);
    assert_non_null(strstr(err.text, "c.gguf keeps the last good state"));
    aeon_text after = read_file("c.gguf");
    assert_same_bytes(&before, &after);
    aeon_text_release(&before);
    aeon_text_release(&after);
}

/* A checkpoint whose weights are damaged stands for a run that went astray. */
static void no_number_stops_and_keeps_the_checkpoint(void **state)
{
    (void)state;
    enum { N_EMBD = 32, FIRST_NORM = 265 * N_EMBD };
    const char *recipe = write_recipe(STEPS ",\"checkpoint_steps\":1");
    static const size_t damaged[] = {FIRST_NORM, 'x' * N_EMBD}; /* all of the loss, a gradient */
    for (size_t i = 0; i < AE_COUNT(damaged); i++) {
        record r = {.stop_after = 3};
        CHECK_FAILS(run(recipe, false, 1, &r), AEON_CANCELLED);
        damage_checkpoint(damaged[i], 1, NAN);
        assert_stops_and_keeps_the_checkpoint(recipe, &r, "step 4: the loss is not a number");
    }

    /* Only the held-out talk has this token, whose norm divides by 0. */
    char held_out[96];
    snprintf(held_out, sizeof held_out, "held_out=%s",
             files_write(&files, "tilde.jsonl", "{\"text\":\"a ~ b\"}"));
    record r = {.stop_after = 3, .settings = {"norm_eps=0", "learning_rate=0", held_out}};
    recipe = write_recipe(STEPS ",\"checkpoint_steps\":100,\"held_out_steps\":5");
    CHECK_FAILS(run(recipe, false, 1, &r), AEON_CANCELLED);
    damage_checkpoint('~' * N_EMBD, N_EMBD, 0);
    assert_stops_and_keeps_the_checkpoint(recipe, &r, "step 5: the held-out loss is not a number");
}

/* Nor does it count as saved what an earlier run left. */
static void no_number_changes_no_weight(void **state)
{
    (void)state;
    aeon_train_report report;
    aeon_train_params p = {.config_path = write_recipe(STEPS), .n_threads = 1};
    ae_trainer t = {.params = &p};
    files_write(&files, "c.gguf", "of an earlier run");
    CHECK_OK(ae_trainer_set_up(&t, &err));
    size_t bytes = t.net->n_weights * sizeof(float);
    float *before = malloc(bytes);
    t.adamw.weights[t.net->n_weights - 1] = NAN;
    memcpy(before, t.adamw.weights, bytes);
    CHECK_FAILS(ae_trainer_step(&t, &report, &err), AEON_INTERNAL);
    assert_non_null(strstr(err.text, "step 1: the loss is not a number"));
    assert_non_null(strstr(err.text, "no checkpoint was written yet"));
    assert_memory_equal(before, t.adamw.weights, bytes);
    free(before);
    ae_trainer_release(&t);
}

static void check_output(aeon_type type)
{
    ae_gguf *g;
    ae_str text;
    uint32_t number;
    float real;
    CHECK_OK(ae_gguf_open(&g, files_path(&files, "out.gguf"), &err));
    assert_true(ae_gguf_get_str(g, "general.architecture", &text));
    assert_memory_equal(text.data, "phi3", text.len);
    assert_true(ae_gguf_get_u32(g, "phi3.rope.dimension_count", &number));
    assert_int_equal(number, 6);
    assert_true(ae_gguf_get_f32(g, "phi3.rope.scaling.attn_factor", &real));
    assert_true(fabsf(real - 1.0954451f) < 1e-6f); /* sqrt(1 + ln 4 / ln 1024) */
    assert_true(ae_gguf_get_str(g, "tokenizer.chat_template", &text));
    assert_ptr_equal(aeon_chat_template_recognize(text.data, text.len),
                     aeon_chat_template_find("phi-4-mini"));
    static const struct {
        const char *name;
        uint64_t n_cols, n_rows;
        bool is_matrix;
    } tensors[] = {
        {"token_embd.weight", 32, 265, true},      {"blk.0.attn_norm.weight", 32, 1, false},
        {"blk.0.attn_qkv.weight", 32, 64, true},   {"blk.0.attn_output.weight", 32, 32, true},
        {"blk.0.ffn_norm.weight", 32, 1, false},   {"blk.0.ffn_up.weight", 32, 64, true},
        {"blk.0.ffn_down.weight", 32, 32, true},   {"output_norm.weight", 32, 1, false},
        {"rope_factors_long.weight", 3, 1, false}, {"rope_factors_short.weight", 3, 1, false}};
    assert_int_equal(ae_gguf_n_tensors(g), AE_COUNT(tensors));
    for (size_t i = 0; i < AE_COUNT(tensors); i++) {
        const ae_tensor *t = ae_gguf_tensor_find(g, tensors[i].name);
        assert_non_null(t);
        assert_int_equal(ae_tensor_n_cols(t), tensors[i].n_cols);
        assert_int_equal(ae_tensor_n_rows(t), tensors[i].n_rows);
        assert_int_equal(t->type->type, tensors[i].is_matrix ? type : AEON_TYPE_F32);
    }
    ae_vocab vocab;
    aeon_tokenizer *tokenizer;
    CHECK_OK(ae_vocab_from_gguf(&vocab, g, &err));
    CHECK_OK(ae_tokenizer_new(&tokenizer, &vocab, &err));
    assert_int_equal(aeon_tokenizer_n_vocab(tokenizer), 265);
    assert_int_equal(aeon_tokenizer_eos(tokenizer), 256);
    ae_tokenizer_free(tokenizer);
    ae_vocab_release(&vocab);
    ae_gguf_close(g);
}

static void output_is_a_whole_model(void **state)
{
    (void)state;
    record r = {0};
    CHECK_OK(run(write_recipe(STEPS), false, 2, &r));
    check_output(AEON_TYPE_Q8_0);
    CHECK_OK(run(write_recipe(STEPS ",\"output_type\":\"f32\""), true, 2, &r));
    check_output(AEON_TYPE_F32);
}

static void wrong_recipes_leave_nothing(void **state)
{
    (void)state;
    size_t before = aeon_memory_stats_get().current_bytes;
    record r = {0};
    CHECK_FAILS(run("/nonexistent.json", false, 1, &r), AEON_NOT_FOUND);
    CHECK_FAILS(run(write_recipe(STEPS ",\"chat_template\":\"none\""), false, 1, &r),
                AEON_INVALID_ARGUMENT);
    CHECK_FAILS(run(write_recipe(STEPS ",\"n_ctx\":512"), false, 1, &r), AEON_INVALID_ARGUMENT);
    CHECK_FAILS(run(write_recipe(STEPS), false, -1, &r), AEON_INVALID_ARGUMENT);
    r.settings[0] = "n_ff=48"; /* no whole blocks of q8_0 */
    CHECK_FAILS(run(write_recipe(STEPS), false, 1, &r), AEON_INVALID_ARGUMENT);
    assert_non_null(strstr(err.text, "ffn_down.weight has rows of 48 values"));
    r.settings[0] = "output=/nonexistent/out.gguf";
    CHECK_FAILS(run(write_recipe(STEPS), false, 1, &r), AEON_NOT_FOUND);
    r.settings[0] = "checkpoint=/nonexistent/c.gguf";
    CHECK_FAILS(run(write_recipe(STEPS), false, 1, &r), AEON_NOT_FOUND);
    assert_int_equal(r.step, 0);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

static void read_megabytes(void *user, const char *line)
{
    const char *at = strstr(line, "memory: ");
    if (at) *(double *)user = strtod(at + strlen("memory: "), NULL);
}

/* What is told before it is taken, however it is spread. */
static void memory_is_told(void **state)
{
    (void)state;
    static const char *const settings[][4] = {
        {"sequence=2048", "batch=4", "accumulate=512", "optimizer=adamw"},
        {"sequence=4096", "batch=3", "n_embd=256", "optimizer=adamw"},
        {"sequence=64", "batch=16", "n_embd=512", "optimizer=muon"}};
    for (size_t i = 0; i < AE_COUNT(settings); i++) {
        double told = 0, before = (double)ae_mem_current(AE_MEM_TRAIN);
        aeon_train_params p = {.config_path = write_recipe(STEPS),
                               .settings = settings[i],
                               .n_settings = 4,
                               .n_threads = 3,
                               .on_note = read_megabytes,
                               .user = &told};
        ae_trainer t = {.params = &p};
        CHECK_OK(ae_trainer_set_up(&t, &err));
        double taken = ((double)ae_mem_current(AE_MEM_TRAIN) - before) / (1 << 20);
        if (!(told > 40 && fabs(told - taken) < 0.02 * taken))
            fail_msg("%g MB told, %g taken", told, taken);
        ae_trainer_release(&t);
    }
}

static void failed_allocations_leave_nothing(void **state)
{
    (void)state;
    char fields[256];
    snprintf(fields, sizeof fields,
             ",\"steps\":2,\"accumulate\":2,\"optimizer\":\"muon\",\"curve\":\"%s/curve\"",
             files.folder);
    const char *recipe = write_recipe(fields);
    size_t before = aeon_memory_stats_get().current_bytes;
    aeon_status status = AEON_OUT_OF_MEMORY;
    for (uint64_t k = 1; status != AEON_OK; k++) {
        record r = {0};
        ae_mem_fail_at(k, false);
        status = run(recipe, false, 2, &r);
        ae_mem_fail_at(0, false);
        if (status != AEON_OK) assert_int_equal(status, AEON_OUT_OF_MEMORY);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

static int begin(void **state)
{
    (void)state;
    files_begin(&files);
    files_write_tokenizer(&files);
    char text[4096] = "";
    for (int i = 0; i < 20; i++)
        sprintf(text + strlen(text),
                "{\"messages\":[{\"role\":\"user\",\"content\":\"say %c\"},"
                "{\"role\":\"assistant\",\"content\":\"it is %c\"}]}\n",
                'a' + i, 'a' + i);
    files_write(&files, "train.jsonl", text);
    files_write(&files, "held.jsonl", text);
    files_path(&files, "out.gguf");
    files_path(&files, "c.gguf");
    files_path(&files, "c.gguf.old");
    files_path(&files, "curve.csv");
    files_path(&files, "curve.svg");
    return 0;
}

static int end(void **state)
{
    (void)state;
    files_end(&files);
    return 0;
}

#define BOTH_WAYS(test)                                                                            \
    cmocka_unit_test_prestate(test, ways[0]), cmocka_unit_test_prestate(test, ways[1])

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_falls),
        BOTH_WAYS(threads_change_no_bit),
        BOTH_WAYS(resumed_run_is_the_same_run),
        BOTH_WAYS(accumulating_changes_no_bit),
        cmocka_unit_test(checkpoints_come_by_steps_and_by_the_clock),
        cmocka_unit_test(every_fourth_sequence_is_long),
        cmocka_unit_test(resumed_run_has_the_same_curve),
        cmocka_unit_test(other_checkpoints_are_refused),
        cmocka_unit_test(no_number_stops_and_keeps_the_checkpoint),
        cmocka_unit_test(no_number_changes_no_weight),
        cmocka_unit_test(output_is_a_whole_model),
        cmocka_unit_test(wrong_recipes_leave_nothing),
        cmocka_unit_test(memory_is_told),
        cmocka_unit_test(failed_allocations_leave_nothing),
    };
    return cmocka_run_group_tests_name("train run", tests, begin, end);
}
