/* tensor.h - a named, read-only view of rows in somebody else's memory. */
#ifndef AE_TENSOR_TENSOR_H
#define AE_TENSOR_TENSOR_H

#include "tensor/dtype.h"

enum { AE_MAX_DIMS = 4 };

typedef struct {
    const char *name;     /* 0-terminated, borrowed from the file */
    const ae_dtype *type; /* never NULL */
    int n_dims;
    uint64_t dims[AE_MAX_DIMS]; /* dims[0] is the row length; unused ones are 1 */
    const void *data;           /* size_bytes bytes, borrowed from the file; may be unaligned */
    uint64_t size_bytes;
} ae_tensor;

static inline uint64_t ae_tensor_n_cols(const ae_tensor *t)
{
    return t->dims[0];
}

static inline uint64_t ae_tensor_n_rows(const ae_tensor *t)
{
    return t->dims[1] * t->dims[2] * t->dims[3];
}

#endif
