/* train/recipe: reading configurations, refusing wrong ones by field; the schedule. */
#include "base/mem.h"
#include "support.h"
#include "train/recipe.h"

#include <math.h>

static aeon_error err;
static test_files files;

#define MODEL    "\"n_embd\":32,\"n_layers\":1,\"n_heads\":4,\"n_kv_heads\":2,\"n_ff\":16"
#define PATHS    "\"train\":\"t\",\"tokenizer\":\"k\",\"output\":\"o\",\"checkpoint\":\"c\""
#define COMPLETE MODEL "," PATHS ",\"steps\":110"

static void defaults_fill_what_is_absent(void **state)
{
    (void)state;
    ae_recipe r;
    CHECK_OK(ae_recipe_load(&r, files_write(&files, "r.json", "{" COMPLETE ",\"seed\":7}"), NULL, 0,
                            &err));
    assert_string_equal(r.train, "t");
    assert_string_equal(r.loss, "assistant");
    assert_string_equal(r.output_type, "q8_0");
    assert_string_equal(r.chat_template, "phi-4-mini");
    assert_int_equal(r.seed, 7);
    assert_int_equal(r.batch, 16);
    assert_int_equal(r.shape.n_ff, 16);
    assert_true(r.beta2 == 0.95 && r.shape.partial_rotary == 0.75);
    ae_recipe_release(&r);
}

static void wrong_fields_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } wrong[] = {
        {"{" COMPLETE ",\"batchsize\":8}", "batchsize: there is no such field"},
        {"{" MODEL "," PATHS "}", "steps: is missing"},
        {"{" MODEL ",\"steps\":1}", "train: is missing"},
        {"{" COMPLETE ",\"batch\":0}", "batch: 0 is out of range"},
        {"{" COMPLETE ",\"batch\":-1}", "batch: -1 is out of range"},
        {"{" COMPLETE ",\"batch\":1e3}", "batch: must be a whole number"},
        {"{" COMPLETE ",\"seed\":99999999999}", "seed: 1e+11 is out of range"},
        {"{" COMPLETE ",\"beta2\":1}", "beta2: 1 is out of range"},
        {"{" COMPLETE ",\"clip\":\"1\"}", "clip: must be a number"},
        {"{" COMPLETE ",\"name\":3}", "name: must be a text"},
        {"{" COMPLETE ",\"loss\":\"user\"}", "loss: \"user\" is none of assistant|all"},
        {"{" COMPLETE ",\"loss\":\"\"}", "loss: \"\" is none of"},
        {"{" COMPLETE ",\"output_type\":\"q8\"}", "output_type: \"q8\" is none of"},
        {"{" COMPLETE ",\"sequence\":5000}", "sequence: 5000 is more than n_ctx 4096"},
        {"{" COMPLETE ",\"checkpoint_minutes\":0}", "checkpoint_steps: must not be 0"},
        {"{" COMPLETE ",\"held_out\":\"o\"}", "output: o is also held_out"},
        {"{\"train\":\"\"," MODEL "}", "train: must not be empty"},
    };
    for (size_t i = 0; i < AE_COUNT(wrong); i++) {
        ae_recipe r;
        const char *path = files_write(&files, "r.json", wrong[i].text);
        CHECK_FAILS(ae_recipe_load(&r, path, NULL, 0, &err), AEON_INVALID_ARGUMENT);
        if (!strstr(err.text, wrong[i].said) || !strstr(err.text, path))
            fail_msg("\"%s\" does not say \"%s\"", err.text, wrong[i].said);
    }
    ae_recipe r;
    CHECK_FAILS(ae_recipe_load(&r, files_write(&files, "r.json", "{\"steps\":"), NULL, 0, &err),
                AEON_BAD_FORMAT);
    CHECK_FAILS(ae_recipe_load(&r, "/nonexistent/recipe.json", NULL, 0, &err), AEON_NOT_FOUND);
}

static void settings_are_stronger_than_the_file(void **state)
{
    (void)state;
    ae_recipe r;
    const char *path = files_write(&files, "r.json", "{" COMPLETE ",\"seed\":7}");
    const char *const settings[] = {"steps=5", "name=3", "clip=0.5", "output_type=f32", "name=a=b"};
    CHECK_OK(ae_recipe_load(&r, path, settings, AE_COUNT(settings), &err));
    assert_int_equal(r.steps, 5);
    assert_int_equal(r.seed, 7);
    assert_string_equal(r.name, "a=b");
    assert_string_equal(r.output_type, "f32");
    assert_true(r.clip == 0.5);
    ae_recipe_release(&r);
    const char *const wrong[][2] = {{"steps", "steps: must be FIELD=VALUE"},
                                    {"=5", "=5: must be FIELD=VALUE"},
                                    {"stepz=5", "stepz=5: there is no such field"},
                                    {"steps=five", "steps=five: must be a number"},
                                    {"steps=", "steps=: must be a number"},
                                    {"steps=-1", "steps: -1 is out of range"},
                                    {"steps=[1]", "steps: must be a whole number"}};
    for (size_t i = 0; i < AE_COUNT(wrong); i++) {
        CHECK_FAILS(ae_recipe_load(&r, path, &wrong[i][0], 1, &err), AEON_INVALID_ARGUMENT);
        if (!strstr(err.text, wrong[i][1]))
            fail_msg("\"%s\" does not say \"%s\"", err.text, wrong[i][1]);
    }
}

/* What is learned makes the identity; where files lie does not. */
static void identity_is_what_decides_the_run(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_same;
    } others[] = {{"{" COMPLETE ",\"report_steps\":3,\"name\":\"x\"}", true},
                  {"{" COMPLETE ",\"batch\":16}", true},
                  {"{" COMPLETE ",\"batch\":17}", false},
                  {"{" COMPLETE ",\"loss\":\"all\"}", false}};
    ae_recipe r;
    CHECK_OK(ae_recipe_load(&r, files_write(&files, "r.json", "{" COMPLETE "}"), NULL, 0, &err));
    json_t *first = ae_recipe_identity(&r);
    ae_recipe_release(&r);
    for (size_t i = 0; i < AE_COUNT(others); i++) {
        CHECK_OK(ae_recipe_load(&r, files_write(&files, "r.json", others[i].text), NULL, 0, &err));
        json_t *other = ae_recipe_identity(&r);
        assert_int_equal(json_equal(first, other), others[i].is_same);
        json_decref(other);
        ae_recipe_release(&r);
    }
    json_decref(first);
}

static void rate_rises_then_falls(void **state)
{
    (void)state;
    ae_recipe r;
    CHECK_OK(ae_recipe_load(&r,
                            files_write(&files, "r.json",
                                        "{" COMPLETE ",\"warmup_steps\":10,\"learning_rate\":0.1,"
                                        "\"final_fraction\":0.2}"),
                            NULL, 0, &err));
    assert_true(fabs(ae_recipe_learning_rate(&r, 0) - 0.01) < 1e-12);
    assert_true(fabs(ae_recipe_learning_rate(&r, 9) - 0.1) < 1e-12);
    assert_true(fabs(ae_recipe_learning_rate(&r, 10) - 0.1) < 1e-12);
    assert_true(fabs(ae_recipe_learning_rate(&r, 60) - 0.06) < 1e-12); /* half way down */
    for (uint64_t s = 11; s < 110; s++)
        assert_true(ae_recipe_learning_rate(&r, s) < ae_recipe_learning_rate(&r, s - 1));
    assert_true(fabs(ae_recipe_learning_rate(&r, 110) - 0.02) < 1e-12);
    ae_recipe_release(&r);
}

static int begin(void **state)
{
    (void)state;
    files_begin(&files);
    return 0;
}

static int end(void **state)
{
    (void)state;
    files_end(&files);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_fill_what_is_absent),
        cmocka_unit_test(wrong_fields_are_named),
        cmocka_unit_test(settings_are_stronger_than_the_file),
        cmocka_unit_test(identity_is_what_decides_the_run),
        cmocka_unit_test(rate_rises_then_falls),
    };
    return cmocka_run_group_tests_name("recipe", tests, begin, end);
}
