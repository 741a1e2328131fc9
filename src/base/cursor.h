/* cursor.h - read little-endian numbers from hostile bytes, and multiply them safely.
 *
 * Model:    A cursor walks over borrowed bytes; the first read past the end makes it fail, and it
 *           stays failed: later reads give 0. Check once, after a group of reads.
 * Example:  ae_cursor c = {data, size};  uint32_t magic = ae_cursor_u32(&c);  if (c.failed) ...
 */
#ifndef AE_BASE_CURSOR_H
#define AE_BASE_CURSOR_H

#include "base/status.h"

#include <string.h>

typedef struct {
    const unsigned char *data; /* borrowed */
    size_t size;
    size_t pos;
    bool failed;
} ae_cursor;

static inline size_t ae_cursor_left(const ae_cursor *c)
{
    return c->failed ? 0 : c->size - c->pos;
}

/* The next n bytes, borrowed; NULL (and failed) if there are fewer. */
static inline const unsigned char *ae_cursor_take(ae_cursor *c, uint64_t n)
{
    if (n > ae_cursor_left(c)) {
        c->failed = true;
        return NULL;
    }
    const unsigned char *at = c->data + c->pos;
    c->pos += (size_t)n;
    return at;
}

#define AE_CURSOR_READ(name, type)                                                                 \
    static inline type ae_cursor_##name(ae_cursor *c)                                              \
    {                                                                                              \
        type value = 0;                                                                            \
        const unsigned char *at = ae_cursor_take(c, sizeof value);                                 \
        if (at) memcpy(&value, at, sizeof value);                                                  \
        return value;                                                                              \
    }
AE_CURSOR_READ(u8, uint8_t)
AE_CURSOR_READ(u16, uint16_t)
AE_CURSOR_READ(u32, uint32_t)
AE_CURSOR_READ(u64, uint64_t)
#undef AE_CURSOR_READ

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are read without swapping bytes");

/* *out = a * b or a + b; false on overflow, *out is then untouched. */
static inline bool ae_mul_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    uint64_t r;
    if (__builtin_mul_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}

static inline bool ae_add_u64(uint64_t a, uint64_t b, uint64_t *out)
{
    uint64_t r;
    if (__builtin_add_overflow(a, b, &r)) return false;
    *out = r;
    return true;
}

#endif
