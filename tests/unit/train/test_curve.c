/* train/curve: rows kept and forgotten; what a damaged table does. Whole runs: test_training.c. */
#include "base/mem.h"
#include "support.h"
#include "train/curve.h"

#include <math.h>

static aeon_error err;
static test_files files;

#define HEADER                    "step,tokens,seconds,loss,held_out_loss,learning_rate,tokens_per_s\n"
#define ROW(step, loss, held_out) step ",100,1," loss "," held_out ",0.1,7\n"

/* How many rows of a table are kept up to step 10. They are drawn, too. */
static size_t n_kept(const char *rows)
{
    char text[1024], name[64];
    ae_curve c;
    snprintf(text, sizeof text, "%s%s", HEADER, rows);
    files_write(&files, "c.csv", text);
    files_path(&files, "c.svg");
    snprintf(name, sizeof name, "%s/c", files.folder);
    CHECK_OK(ae_curve_open(&c, name, 10, &err));
    CHECK_OK(ae_curve_draw(&c, "A curve", &err));
    size_t n = c.n;
    ae_curve_close(&c);
    return n;
}

static void rows_up_to_the_step_are_kept(void **state)
{
    (void)state;
    assert_int_equal(n_kept(""), 0);
    assert_int_equal(n_kept(ROW("1", "5.5", "")), 1);
    assert_int_equal(n_kept(ROW("1", "5.5", "") ROW("10", "0", "1e-9") ROW("11", "4", "")), 2);
    assert_int_equal(n_kept(ROW("1", "5.5", "nan") "2,100,1,5"), 1);
    assert_int_equal(n_kept(ROW("1", "1e15", "1e-15") ROW("2", "1e-300", "")), 2);
}

static void rows_that_no_run_writes_end_the_table(void **state)
{
    (void)state;
    static const char *const rows[] = {
        ROW("2", "inf", ""),        ROW("2", "nan", ""),      ROW("2", "", ""),
        ROW("2", "4", "inf"),       ROW("2", "1e308", ""),    ROW("nan", "4", ""),
        ROW("-1e300", "4", ""),     ROW("0", "4", ""),        "2,1e308,1,4,,0.1,7\n",
        "2,100,-inf,4,,0.1,7\n",    "2,100,1,4,,0.1,1e308\n", "2;100\n",
        "2,100,1,4,,0.1,\n3,1,1\n", "2,100,1,4,,0.1,7,8\n"};
    for (size_t i = 0; i < AE_COUNT(rows); i++) {
        char text[256];
        snprintf(text, sizeof text, "%s%s%s", ROW("1", "5", ""), rows[i], ROW("3", "4", ""));
        assert_int_equal(n_kept(text), 1);
    }
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
    assert_int_equal(ae_mem_current(AE_MEM_TRAIN), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_up_to_the_step_are_kept),
        cmocka_unit_test(rows_that_no_run_writes_end_the_table),
    };
    return cmocka_run_group_tests_name("curve", tests, begin, end);
}
