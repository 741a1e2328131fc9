/* support.h - what the kernel tests share: every table, fenced memory, random rows of every type.
 *
 * Model:    A fence is memory whose last byte lies before a page that cannot be touched, so reading
 *           or writing past the end faults at once; the bytes before it hold a pattern.
 */
#ifndef AEON_TESTS_KERNELS_SUPPORT_H
#define AEON_TESTS_KERNELS_SUPPORT_H

#include "check.h"

#include "kernels/activations.h"
#include "tensor/blocks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* ---- tables ---------------------------------------------------------------------------------- */

static const char *const all_isas[] = {"scalar",     "avx2", "avxvnni", "avx512",
                                       "avx512bf16", "neon", "dotprod", "i8mm"};

/* for (each table k of this machine) */
#define EACH_TABLE(k)                                                                              \
    for (size_t k##_i = 0; k##_i < AE_COUNT(all_isas); k##_i++)                                    \
        for (const ae_kernels *k = ae_kernels_find(all_isas[k##_i]); k; k = NULL)

/* ---- fences ---------------------------------------------------------------------------------- */

enum { FENCE_BYTES = 1 << 18, FENCE_PAGE = 1 << 16, FENCE_PATTERN = 0xA5 };

typedef struct {
    unsigned char *map, *data;
} fence;

static inline fence fence_new(void)
{
    fence f = {mmap(NULL, FENCE_BYTES + FENCE_PAGE, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
               NULL};
    assert_ptr_not_equal(f.map, MAP_FAILED);
    assert_int_equal(mprotect(f.map + FENCE_BYTES, FENCE_PAGE, PROT_NONE), 0);
    return f;
}

static inline void fence_free(fence *f)
{
    munmap(f->map, FENCE_BYTES + FENCE_PAGE);
}

/* The last size bytes, or those that end gap bytes before the end. All bytes become the pattern. */
static inline void *fence_place(fence *f, size_t size, size_t gap)
{
    assert_true(size + gap <= FENCE_BYTES);
    size_t fresh = size + 4096 < FENCE_BYTES ? size + 4096 : FENCE_BYTES;
    memset(f->map + FENCE_BYTES - fresh, FENCE_PATTERN, fresh);
    f->data = f->map + FENCE_BYTES - gap - size;
    return f->data;
}

/* The bytes before the data, as far as place set them, still hold the pattern. */
static inline void fence_check(const fence *f)
{
    for (int i = 1; i <= 1024; i++) assert_int_equal(f->data[-i], FENCE_PATTERN);
}

/* A float that nobody wrote to. */
static inline bool is_pattern(const float *y)
{
    static const unsigned char pattern[] = {FENCE_PATTERN, FENCE_PATTERN, FENCE_PATTERN,
                                            FENCE_PATTERN};
    return memcmp(y, pattern, sizeof pattern) == 0;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static inline void set_u16(void *at, uint16_t h)
{
    memcpy(at, &h, sizeof h);
}

/* The affine types, in a list. */
#define AFFINE_TYPE(none, TYPE, name, bits, group, is_bf16) AEON_TYPE_##TYPE,
#define AFFINE_TYPES                                        AE_AFFINE_TYPES(AFFINE_TYPE, )

static inline void set_affine(void *block, bool is_bf16, float s, float b)
{
    set_u16(block, is_bf16 ? ae_f32_to_bf16(s) : ae_f32_to_f16(s));
    set_u16((char *)block + 2, is_bf16 ? ae_f32_to_bf16(b) : ae_f32_to_f16(b));
}

/* The scale of a block and, if it has one, its minimum or bias. */
static inline void set_scales(aeon_type type, unsigned char *block, float d, float min)
{
#define SET_AFFINE(none, TYPE, name, bits, group, is_bf16)                                         \
    case AEON_TYPE_##TYPE: set_affine(block, is_bf16, d, min); break;
    switch (type) {
    case AEON_TYPE_Q6_K: set_u16(block + offsetof(ae_block_q6_k, d), ae_f32_to_f16(d)); break;
    case AEON_TYPE_Q4_K:
    case AEON_TYPE_Q5_K:
        set_affine(block, false, d, min);
        break; /* in the same places */
        AE_AFFINE_TYPES(SET_AFFINE, )
    default: set_u16(block, ae_f32_to_f16(d));
    }
#undef SET_AFFINE
}

/* A random row; a scale of a block type is a finite half of either sign. */
static inline void random_row(aeon_type type, void *row, size_t n, uint64_t *seed)
{
    const ae_dtype *t = ae_dtype_get(type);
    unsigned char *bytes = row;
    if (t->block_values == 1) {
        float x[2048];
        assert_true(n <= AE_COUNT(x));
        for (size_t i = 0; i < n; i++) x[i] = check_random_float(seed) * 2;
        t->from_f32(x, row, n);
        return;
    }
    for (size_t b = 0; b < n / t->block_values; b++, bytes += t->block_bytes) {
        for (size_t i = 0; i < t->block_bytes; i++) bytes[i] = (unsigned char)check_random(seed);
        float d = check_random_float(seed), min = check_random_float(seed);
        set_scales(type, bytes, d, min);
    }
}

static inline void random_floats(float *x, size_t n, uint64_t *seed)
{
    for (size_t i = 0; i < n; i++) x[i] = check_random_float(seed) * 3;
}

/* n_rows activation rows in the kind that the type multiplies with, by the scalar table. */
static inline void random_acts(ae_act_kind kind, void *x, size_t n_rows, size_t n_cols,
                               uint64_t *seed)
{
    ae_acts acts = {kind, x, n_rows, n_cols};
    float row[2048];
    assert_true(n_cols <= AE_COUNT(row));
    for (size_t i = 0; i < n_rows; i++) {
        random_floats(row, n_cols, seed);
        ae_acts_put(ae_kernels_find("scalar"), &acts, i, 0, row, n_cols);
    }
}

#endif
