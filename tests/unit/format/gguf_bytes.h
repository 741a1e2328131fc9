/* gguf_bytes.h - write GGUF headers byte by byte, the wrong ones too. */
#ifndef AEON_TESTS_GGUF_BYTES_H
#define AEON_TESTS_GGUF_BYTES_H

#include "format/gguf.h"

#include <string.h>

typedef struct {
    unsigned char at[4096];
    size_t n;
} bytes;

static inline void put(bytes *b, const void *data, size_t size)
{
    AEON_ASSERT(size <= sizeof b->at - b->n);
    memcpy(b->at + b->n, data, size);
    b->n += size;
}

static inline void put32(bytes *b, uint32_t value)
{
    put(b, &value, sizeof value);
}

static inline void put64(bytes *b, uint64_t value)
{
    put(b, &value, sizeof value);
}

static inline void put_str(bytes *b, const char *text)
{
    put64(b, strlen(text));
    put(b, text, strlen(text));
}

static inline bytes head(uint64_t n_tensors, uint64_t n_values)
{
    bytes b = {.n = 0};
    put(&b, "GGUF", 4);
    put32(&b, 3);
    put64(&b, n_tensors);
    put64(&b, n_values);
    return b;
}

static inline void put_key(bytes *b, const char *key, uint32_t type)
{
    put_str(b, key);
    put32(b, type);
}

static inline void put_tensor(bytes *b, const char *name, uint32_t n_dims, const uint64_t *dims,
                              uint32_t type, uint64_t offset)
{
    put_str(b, name);
    put32(b, n_dims);
    for (uint32_t i = 0; i < n_dims; i++) put64(b, dims[i]);
    put32(b, type);
    put64(b, offset);
}

/* Zeros up to the data section, and n bytes of data. */
static inline void put_data(bytes *b, size_t n)
{
    static const unsigned char zeros[64];
    put(b, zeros, (32 - b->n % 32) % 32);
    for (size_t i = 0; i < n; i++) b->at[b->n + i] = (unsigned char)(i + 1);
    b->n += n;
}

#endif
