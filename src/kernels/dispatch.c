/* dispatch.c - which tables this build has, which of them the processor runs, and which is best. */
#include "kernels/isa.h"

#include <stdatomic.h>
#include <stdlib.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* The builtins also ask whether the system saves the wide registers; f16c has no builtin in older
 * compilers, but uses the registers of avx2. */
static bool runs_avx2(void)
{
    unsigned a, b, c, d;
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

/* Older compilers have no builtin for it. */
static bool runs_avxvnni(void)
{
    const unsigned avx_vnni = 1u << 4;
    unsigned a, b, c, d;
    return runs_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & avx_vnni);
}

static bool runs_avx512(void)
{
    return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vnni");
}

static bool runs_avx512bf16(void)
{
    return runs_avx512() && __builtin_cpu_supports("avx512bf16");
}
#elif defined(__aarch64__)
#include "base/system.h"

static bool runs_dotprod(void)
{
    return ae_processor_has(AE_ARM_DOTPROD);
}

static bool runs_i8mm(void)
{
    return runs_dotprod() && ae_processor_has(AE_ARM_I8MM) && ae_processor_has(AE_ARM_BF16);
}
#endif

static bool runs_always(void)
{
    return true;
}

/* Best first. */
static const struct {
    const ae_kernels *table;
    bool (*runs)(void);
} tables[] = {
#if defined(__x86_64__)
    {&ae_kernels_avx512bf16, runs_avx512bf16},
    {&ae_kernels_avx512, runs_avx512},
    {&ae_kernels_avxvnni, runs_avxvnni}, /* newer processors without AVX-512 */
    {&ae_kernels_avx2, runs_avx2},
#elif defined(__aarch64__)
    {&ae_kernels_i8mm, runs_i8mm},
    {&ae_kernels_dotprod, runs_dotprod},
    {&ae_kernels_neon, runs_always}, /* part of every 64-bit ARM processor */
#endif
    {&ae_kernels_scalar, runs_always},
};

const ae_kernels *ae_kernels_find(const char *isa)
{
    for (size_t i = 0; i < AE_COUNT(tables); i++) {
        if (strcmp(tables[i].table->isa, isa) == 0)
            return tables[i].runs() ? tables[i].table : NULL;
    }
    return NULL;
}

static const ae_kernels *choose(void)
{
    const char *wanted = getenv("AEON_ISA");
    const ae_kernels *k = wanted ? ae_kernels_find(wanted) : NULL;
    for (size_t i = 0; !k; i++) {
        if (tables[i].runs()) k = tables[i].table;
    }
    return k;
}

/* Threads that meet here at the first call find the same table, so it does not matter who stores
 * it. */
const ae_kernels *ae_kernels_get(void)
{
    static _Atomic(const ae_kernels *) chosen;
    const ae_kernels *k = atomic_load_explicit(&chosen, memory_order_relaxed);
    if (!k) {
        k = choose();
        atomic_store_explicit(&chosen, k, memory_order_relaxed);
    }
    return k;
}

ae_gemm_fn *ae_gemm_bf16(void)
{
#if defined(__x86_64__)
    if (ae_kernels_get() == &ae_kernels_avx512bf16) return ae_gemm_avx512_bf16;
#endif
    return NULL;
}
