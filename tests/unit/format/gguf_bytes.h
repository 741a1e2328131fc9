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

/* A file of all kinds of values and two tensors; its last tensor ends at the end of the file. */
static inline bytes valid(void)
{
    bytes b = head(2, 6);
    put_key(&b, "general.architecture", AE_GGUF_STRING);
    put_str(&b, "phi3");
    put_key(&b, "general.alignment", AE_GGUF_U32);
    put32(&b, 32);
    put_key(&b, "phi3.rope.freq_base", AE_GGUF_F32);
    put32(&b, 0x461c4000);
    put_key(&b, "tokens", AE_GGUF_ARRAY);
    put32(&b, AE_GGUF_STRING);
    put64(&b, 3);
    put_str(&b, "a");
    put_str(&b, "");
    put_str(&b, "bc");
    put_key(&b, "types", AE_GGUF_ARRAY);
    put32(&b, AE_GGUF_I32);
    put64(&b, 3);
    for (uint32_t i = 0; i < 3; i++) put32(&b, i);
    put_key(&b, "yes", AE_GGUF_BOOL);
    put(&b, "\1", 1);
    put_tensor(&b, "token_embd.weight", 2, (uint64_t[]){32, 2}, AEON_TYPE_Q8_0, 0);
    put_tensor(&b, "norm.weight", 1, (uint64_t[]){8}, AEON_TYPE_F32, 96);
    put_data(&b, 96 + 32);
    return b;
}

#endif
