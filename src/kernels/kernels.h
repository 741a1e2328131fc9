/* kernels.h - the compute table: one entry per operation, one table per instruction set.
 *
 * Model:    scalar.c is the reference of every entry. x86/ and arm/ hold the files of the
 *           instruction sets; dispatch.c picks the best table once, or the one that AEON_ISA names
 *           (avx512bf16, avx512, avxvnni, avx2; i8mm, dotprod, neon; scalar).
 * Uses:     tensor/.
 * Threads:  pure functions on caller's memory.
 * Promises: (1) batch invariance: an output depends on its own row and its own activations alone,
 *           never on n_x or on neighbours: each table sums a row in one canonical order
 *           (2) no entry reads or writes outside the ranges it names
 *           (3) panels, and other rows passed as void *, may lie at any address; activations and
 *           floats lie as C aligns them
 * Example:  const ae_kernels *k = ae_kernels_get();
 *           k->panel[AEON_TYPE_F16].multiply(panel, n_x);
 */
#ifndef AE_KERNELS_KERNELS_H
#define AE_KERNELS_KERNELS_H

#include "tensor/dtype.h"

/* Activations meet float weights as f32 or bf16, and quantized weights as blocks of 32 8-bit
 * integers (activations.h). */
typedef enum { AE_ACT_F32, AE_ACT_BF16, AE_ACT_Q8, AE_N_ACT_KINDS } ae_act_kind;

enum { AE_ACT_BLOCK = 32 };
typedef struct {
    float d;                /* scale: value = d * q */
    int16_t minus_sum[2];   /* minus the sums of the first and the second 16 q, for types with an
                               offset or a minimum */
    int8_t q[AE_ACT_BLOCK]; /* -127 .. 127 */
} ae_act_q8;
_Static_assert(sizeof(ae_act_q8) == 40, "layout of a quantized activation block");

/* A panel (panel.h) against a tile of up to AE_PANEL_TILE activation rows: y[i * y_stride + r] =
 * sum over c of w_r[c] * x_i[c] for r = 0 .. n_rows-1, which may be fewer than the panel has, and i
 * = 0 .. n_x-1. In a tile the units of the rows stand side by side: unit u of row i is at x + u *
 * x_block_bytes + i * the size of a unit. Weights have w_lanes = n_lanes and w_lane = 0; the keys
 * and values of a cache, of the float types and Q8_0, stand in wider panels. */
enum { AE_PANEL_TILE = 32 };
typedef struct {
    float *y;
    size_t y_stride, n_rows;
    bool adds;         /* y += the sums, instead of y = */
    const char *w;     /* the panel, */
    size_t w_lanes;    /* how many rows stand side by side in it, */
    size_t w_lane;     /* and the first of those that are meant */
    const char *ahead; /* what is wanted next, brought into the cache meanwhile: as many bytes */
    const char *x;     /* the tile, in units of the kind that the entry says */
    size_t x_block_bytes, n_cols;
} ae_panel;
typedef void ae_panel_fn(ae_panel p, size_t n_x);

/* For the probe: n_rounds of the instruction set's best multiply-adds of a kind, on registers
 * alone. Returns how many multiply-adds that were; 0 if this machine has no such instruction. */
typedef uint64_t ae_peak_fn(uint64_t n_rounds);

typedef struct {
    const char *isa;

    /* Rows of a panel, and the types that have kernels for panels: F32, F16, BF16, Q8_0, Q4_0,
     * Q4_1, MLX's groups, Q4_K, Q6_K and mostly Q5_K. Matrices of other types are expanded to F32.
     */
    size_t n_lanes;
    struct {
        ae_panel_fn *multiply;
        ae_act_kind act;
    } panel[AEON_TYPE_MAX];

    /* y [n/32] = x [n] in 8-bit blocks, n a multiple of 32: d = max|x| / 127, q = x * (1 / d)
     * rounded to nearest even; the same bits in every table. A block whose d would be subnormal
     * becomes zeros; one that holds an infinity or NaN gets d = NaN, so that it shows. */
    void (*quantize_act)(ae_act_q8 *y, const float *x, size_t n);

    /* y = x / sqrt(mean(x^2) + eps) * w, all [n]; y may be x. */
    void (*rms_norm)(float *y, const float *x, const float *w, size_t n, float eps);

    /* y = silu(gate) * up, all [n]; y may be either. silu(g) = g / (1 + exp(-g)). exp, here and in
     * softmax_part: see isa.h. */
    void (*swiglu)(float *y, const float *gate, const float *up, size_t n);

    /* One part of a softmax that is taken in parts (arXiv:1805.02867). *max is the largest value of
     * the parts before, -infinity for none, and becomes that of all so far; x [n] = exp(x - *max),
     * in place, n >= 1; -infinity gives 0. Returns the sum of the part. */
    float (*softmax_part)(float *x, size_t n, float *max);

    /* y += x, both [n]. */
    void (*add)(float *y, const float *x, size_t n);

    /* Rows between f32 and F16/BF16, as tensor/dtype.h rounds: for writing the KV cache. */
    void (*f32_to_f16)(const float *x, void *y, size_t n);
    void (*f32_to_bf16)(const float *x, void *y, size_t n);

    /* y [n] = a row of Q8_0: the values of a KV cache. */
    void (*q8_0_to_f32)(const void *x, float *y, size_t n);

    ae_peak_fn *peak_int8, *peak_f32;
    ae_peak_fn *peak_bf16; /* NULL if the instruction set has no such products */
} ae_kernels;

/* The table for this machine, chosen at the first call; any thread. If AEON_ISA names a table that
 * ae_kernels_find does not have, it is the best one: a program that wants to refuse compares. */
const ae_kernels *ae_kernels_get(void);

/* A table by name; NULL if it is not in this build or this machine cannot run it. */
const ae_kernels *ae_kernels_find(const char *isa);

/* The sum of all q of a block. */
static inline int32_t ae_act_sum(const ae_act_q8 *a)
{
    return -(a->minus_sum[0] + a->minus_sum[1]);
}

#endif
