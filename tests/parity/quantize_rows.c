/* quantize_rows TYPE N_COLS [importance]: rows of floats on standard input, for test_quantizers.py
 * (with "importance" the first row is that of all others); on standard output each row in the type,
 * then the values that it stands for. */
#include "tensor/dtype.h"
#include "tensor/quantize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    aeon_type type;
    if (argc < 3 || !aeon_type_find(argv[1], &type) || !ae_quantize_has(type)) return 2;
    const ae_dtype *t = ae_dtype_get(type);
    size_t n = strtoul(argv[2], NULL, 10), row_bytes = (size_t)ae_dtype_row_bytes(t, n);
    float *x = malloc(n * sizeof *x), *importance = malloc(n * sizeof *importance);
    unsigned char *row = malloc(row_bytes);
    if (row_bytes == 0 || !x || !importance || !row) return 2;
    bool is_weighted = argc > 3;
    if (is_weighted && fread(importance, sizeof *importance, n, stdin) != n) return 2;
    while (fread(x, sizeof *x, n, stdin) == n) {
        ae_quantize_row(type, x, is_weighted ? importance : NULL, row, n);
        t->to_f32(row, x, n);
        fwrite(row, 1, row_bytes, stdout);
        fwrite(x, sizeof *x, n, stdout);
    }
    free(row);
    free(importance);
    free(x);
    return ferror(stdout) || fflush(stdout) != 0;
}
