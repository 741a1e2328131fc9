/* clones.h - plain loops compiled once for each width of vectors, the widest chosen at start.
 *
 * Model:    AE_CLONES before a function makes gcc emit it for AVX-512, for AVX2 and for any
 *           processor. The build forbids fusing products into sums, so all of them round alike:
 *           the results are the same bits. Helpers of such a function are AE_CLONED_INLINE, or they
 *           would stay narrow. What needs instructions by name is a kernel.
 * Example:  AE_CLONES void scale(float *x, float a, size_t n) { for (...) x[i] *= a; }
 */
#ifndef AE_BASE_CLONES_H
#define AE_BASE_CLONES_H

#include <stdint.h> /* any header of the C library says whether it is glibc */

#define AE_CLONED_INLINE static inline __attribute__((always_inline))

/* Only gcc: clang 14 gives clones names that other files do not find. The choice is made by
 * the dynamic linker of glibc, before the thread sanitizer is ready to be called. */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) &&                            \
    !defined(__SANITIZE_THREAD__)
#define AE_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define AE_CLONES
#endif

#endif
