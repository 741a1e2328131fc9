/* Products in bf16: against sums in double precision, on fenced memory. */
#include "support.h"

#include "kernels/gemm.h"

static fence fences[3]; /* a, b, c */

/* Values lie with lines along rows or along columns. */
static ae_matrix random_matrix(fence *f, size_t n_lines, size_t n_deep, bool is_by_line,
                               uint64_t *seed)
{
    float *data = fence_place(f, n_lines * n_deep * sizeof(float), 0);
    random_floats(data, n_lines * n_deep, seed);
    return (ae_matrix){data, is_by_line ? n_deep : 1, is_by_line ? 1 : n_lines};
}

static double value(ae_matrix m, size_t line, size_t k)
{
    float x = m.data[line * m.line_stride + k * m.deep_stride];
    return ae_bf16_to_f32(ae_f32_to_bf16(x));
}

typedef struct {
    size_t m, n, k;
} shape;

/* Each addition may err by 2^-24 of what was summed so far; the order is the kernel's own. */
static void check_product(const float *c, const float *before, float keep, ae_matrix a, ae_matrix b,
                          shape s)
{
    for (size_t i = 0; i < s.m; i++) {
        for (size_t j = 0; j < s.n; j++) {
            double sum = keep != 0 ? (double)keep * (double)before[i * s.n + j] : 0;
            double magnitude = fabs(sum);
            for (size_t k = 0; k < s.k; k++) {
                double product = value(a, i, k) * value(b, j, k);
                sum += product;
                magnitude += fabs(product);
            }
            double error = fabs((double)c[i * s.n + j] - sum);
            if (!(error <= magnitude * (double)(s.k + 4) * 0x1p-24))
                fail_msg("%zu x %zu x %zu: [%zu, %zu] is off by %g", s.m, s.n, s.k, i, j, error);
        }
    }
}

static void try_shape(ae_gemm_fn *gemm, void *scratch, shape s, int layout, float keep)
{
    static float before[1 << 16];
    uint64_t seed = 1 + s.m + s.n + s.k;
    ae_matrix a = random_matrix(&fences[0], s.m, s.k, layout & 1, &seed);
    ae_matrix b = random_matrix(&fences[1], s.n, s.k, layout & 2, &seed);
    float *c = fence_place(&fences[2], s.m * s.n * sizeof(float), 0);
    random_floats(before, s.m * s.n, &seed);
    for (size_t i = 0; i < s.m * s.n; i++) c[i] = keep != 0 ? before[i] : NAN;
    gemm(scratch, c, s.n, keep, a, s.m, b, s.n, s.k);
    check_product(c, before, keep, a, b, s);
    fence_check(&fences[2]);
}

/* Shapes around the sizes of tiles and blocks. */
static void test_shapes(void **state)
{
    (void)state;
    static const shape shapes[] = {{1, 1, 1},    {14, 32, 2},   {15, 33, 3},    {13, 17, 31},
                                   {37, 45, 65}, {28, 64, 257}, {120, 40, 300}, {5, 1030, 40}};
    ae_gemm_fn *gemm = ae_gemm_bf16();
    if (!gemm) skip();
    void *scratch = malloc(AE_GEMM_SCRATCH);
    assert_non_null(scratch);
    for (size_t i = 0; i < AE_COUNT(shapes); i++)
        for (int layout = 0; layout < 4; layout++)
            for (int k = 0; k < 3; k++)
                try_shape(gemm, scratch, shapes[i], layout, 0.5f * (float)k);
    free(scratch);
}

static int open_fences(void **state)
{
    (void)state;
    for (size_t i = 0; i < AE_COUNT(fences); i++) fences[i] = fence_new();
    return 0;
}

static int close_fences(void **state)
{
    (void)state;
    for (size_t i = 0; i < AE_COUNT(fences); i++) fence_free(&fences[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shapes)};
    return cmocka_run_group_tests_name("kernels: products", tests, open_fences, close_fences);
}
