/* machine.h - what this machine is, and what it can do at best.
 *
 * Model:    describe reads facts; probe measures, in the same units as the work: streaming reads
 *           for decode, dot products for prefill. A speed is then stated as a fraction of a limit.
 * Threads:  probe uses its own threads and should run alone.
 */
#ifndef AEON_MACHINE_H
#define AEON_MACHINE_H

#include "aeon/type.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const char *isa; /* the kernels in use: "avx512bf16", "i8mm", "scalar", ... Static storage. */
    int n_cores;     /* usable by this process */
    uint64_t memory_bytes;           /* of the machine or its container; 0: unknown */
    uint64_t memory_available_bytes; /* now, without pushing others out; 0: unknown */
    char processor[64];              /* as it calls itself; "" if unknown */
} aeon_machine;
AEON_API aeon_machine aeon_machine_describe(void);

/* The instruction sets that this library has kernels for and this machine runs, best first:
 * i = 0, 1, ... until NULL. AEON_ISA in the environment chooses one. Static storage. */
AEON_API const char *aeon_machine_isa_at(size_t i);

/* The type for keys and values where nobody asks for another: bf16 where the processor multiplies
 * it directly, else f16. Both take two bytes. */
AEON_API aeon_type aeon_machine_kv_type(void);

typedef struct {
    double read_gbps;  /* 1e9 bytes/s streamed by all threads */
    double int8_gmacs; /* 1e9 8-bit multiply-adds/s */
    double bf16_gmacs; /* 1e9 bf16 multiply-adds/s, 0 if the instruction set has none */
    double f32_gmacs;  /* 1e9 f32 multiply-adds/s */
} aeon_machine_limits;

/* Measure for about a second. n_threads 0: one per core. Errors: OUT_OF_MEMORY. */
AEON_API AEON_MUST_USE aeon_status aeon_machine_probe(int n_threads, aeon_machine_limits *out,
                                                      aeon_error *err);

#ifdef __cplusplus
}
#endif
#endif
