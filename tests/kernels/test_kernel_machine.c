/* Which table is chosen, and what the machine is said to be and to reach. */
#include "support.h"

#include "kernels/panel.h"

#include "aeon/machine.h"
#include "base/mem.h"
#include "base/pool.h"

#include <sys/wait.h>
#include <unistd.h>

/* The table a fresh process gets with AEON_ISA set (NULL: unset), as the place in all_isas. */
static int chosen_with(const char *isa)
{
    pid_t child = fork();
    if (child == 0) {
        if (isa)
            setenv("AEON_ISA", isa, 1);
        else
            unsetenv("AEON_ISA");
        for (int i = 0; i < (int)AE_COUNT(all_isas); i++) {
            if (strcmp(ae_kernels_get()->isa, all_isas[i]) == 0) _exit(i);
        }
        _exit(99);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_choice(void **state)
{
    (void)state;
    int best = 0; /* all_isas is in rising order */
    for (int i = 0; i < (int)AE_COUNT(all_isas); i++) {
        if (ae_kernels_find(all_isas[i])) best = i;
    }
    assert_int_equal(chosen_with(NULL), best);
    assert_int_equal(chosen_with("no such thing"), best);
    assert_int_equal(chosen_with(""), best);
    for (int i = 0; i < (int)AE_COUNT(all_isas); i++)
        assert_int_equal(chosen_with(all_isas[i]), ae_kernels_find(all_isas[i]) ? i : best);
}

static void test_find(void **state)
{
    (void)state;
    assert_null(ae_kernels_find("no such thing"));
    assert_null(ae_kernels_find(""));
    assert_non_null(ae_kernels_find("scalar"));
    assert_true(!ae_kernels_find("neon") || !ae_kernels_find("avx2"));
    EACH_TABLE(k) assert_string_equal(k->isa, all_isas[k_i]);
}

/* Every table multiplies the common types, and says with what. */
static void test_every_table_has_panels(void **state)
{
    (void)state;
    static const aeon_type types[] = {AEON_TYPE_F32,  AEON_TYPE_F16,  AEON_TYPE_BF16,
                                      AEON_TYPE_Q8_0, AEON_TYPE_Q4_0, AEON_TYPE_Q4_K,
                                      AEON_TYPE_Q6_K, AFFINE_TYPES};
    EACH_TABLE(k)
    {
        assert_true(k->n_lanes >= 1 && k->n_lanes <= AE_PANEL_MAX_LANES);
        assert_int_equal(k->panel[AEON_TYPE_F32].act, AE_ACT_F32);
        for (size_t j = 0; j < AE_COUNT(types); j++) {
            bool is_float = ae_dtype_get(types[j])->block_values == 1;
            assert_non_null(k->panel[types[j]].multiply);
            assert_int_equal(k->panel[types[j]].act == AE_ACT_Q8, !is_float);
        }
        assert_null(k->panel[AEON_TYPE_IQ4_XS].multiply);
    }
}

static void get_table(void *arg, ae_member member)
{
    ((const ae_kernels **)arg)[member.index] = ae_kernels_get();
}

static void test_threads_agree(void **state)
{
    (void)state;
    enum { N = 4 };
    aeon_error err;
    ae_pool *pool;
    const ae_kernels *got[N] = {0};
    CHECK_OK(ae_pool_new(&pool, N, &err));
    ae_pool_run(pool, get_table, got);
    for (int i = 0; i < N; i++) assert_ptr_equal(got[i], ae_kernels_get());
    ae_pool_free(pool);
}

static void test_describe(void **state)
{
    (void)state;
    aeon_machine m = aeon_machine_describe();
    assert_string_equal(m.isa, ae_kernels_get()->isa);
    assert_true(m.n_cores >= 1);
    assert_true(m.memory_bytes > 1 << 20);
    assert_true(m.memory_available_bytes <= m.memory_bytes);
    assert_true(strlen(m.processor) < sizeof m.processor);

    bool is_listed = false;
    size_t n = 0;
    for (; aeon_machine_isa_at(n); n++) {
        assert_non_null(ae_kernels_find(aeon_machine_isa_at(n)));
        if (strcmp(aeon_machine_isa_at(n), m.isa) == 0) is_listed = true;
    }
    assert_true(is_listed);
    assert_string_equal(aeon_machine_isa_at(n - 1), "scalar"); /* runs everywhere */
}

/* A peak does the work that it counts: twice the rounds, twice the count. */
static void test_peaks_count(void **state)
{
    (void)state;
    EACH_TABLE(k)
    {
        assert_true(k->peak_f32(1) > 0 && k->peak_int8(1) > 0);
        assert_true(k->peak_f32(10) == 10 * k->peak_f32(1));
        assert_true(k->peak_int8(10) == 10 * k->peak_int8(1));
        assert_true(!k->peak_bf16 || k->peak_bf16(10) == 10 * k->peak_bf16(1));
    }
}

static void test_probe(void **state)
{
    (void)state;
    aeon_error err;
    aeon_machine_limits limits = {-1, -1, -1, -1};
    CHECK_OK(aeon_machine_probe(1, &limits, &err));
    assert_true(limits.read_gbps > 0.01 && limits.read_gbps < 1e4);
    assert_true(limits.int8_gmacs > 0.01 && limits.int8_gmacs < 1e5);
    assert_true(limits.f32_gmacs > 0.01 && limits.f32_gmacs < 1e5);
    assert_true(limits.bf16_gmacs >= 0 && limits.bf16_gmacs < 1e5);
    assert_int_equal(aeon_memory_stats_get().current_bytes, 0);
    CHECK_FAILS(aeon_machine_probe(-1, &limits, &err), AEON_INVALID_ARGUMENT);
}

static void test_probe_without_memory(void **state)
{
    (void)state;
    enum { N_ALLOCS = 3 }; /* the pool, its second thread, the buffer */
    aeon_error err;
    aeon_machine_limits limits = {-1, -1, -1, -1};
    for (uint64_t i = 1; i <= N_ALLOCS; i++) {
        ae_mem_fail_at(i, false);
        CHECK_FAILS(aeon_machine_probe(2, &limits, &err), AEON_OUT_OF_MEMORY);
        assert_true(limits.read_gbps == -1);
        assert_int_equal(aeon_memory_stats_get().current_bytes, 0);
    }
    ae_mem_fail_at(N_ALLOCS + 1, false); /* there is no further one */
    CHECK_OK(aeon_machine_probe(2, &limits, &err));
    ae_mem_fail_at(0, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice), /* first: children inherit no choice */
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_every_table_has_panels),
        cmocka_unit_test(test_threads_agree),
        cmocka_unit_test(test_describe),
        cmocka_unit_test(test_peaks_count),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_probe_without_memory),
    };
    return cmocka_run_group_tests_name("kernels: the machine", tests, NULL, NULL);
}
