/* utf8.h - tell whole characters from raw bytes and from unfinished characters.
 *
 * Model:    Well-formed UTF-8 as in table 3-7 of the Unicode standard: no overlong forms, no
 *           surrogates, nothing above U+10FFFF.
 * Threads:  Pure functions.
 */
#ifndef AE_TEXT_UTF8_H
#define AE_TEXT_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a character by its first byte, 0 if no character begins so. */
static inline size_t ae_utf8_need(unsigned char first)
{
    if (first < 0x80) return 1;
    if (first < 0xC2) return 0;
    if (first < 0xE0) return 2;
    if (first < 0xF0) return 3;
    return first < 0xF5 ? 4 : 0;
}

/* May byte i (1, 2, 3) of a character that begins with first be b? */
static inline bool ae_utf8_may_follow(unsigned char first, size_t i, unsigned char b)
{
    if (i == 1) {
        if (first == 0xE0) return b >= 0xA0 && b <= 0xBF;
        if (first == 0xED) return b >= 0x80 && b <= 0x9F;
        if (first == 0xF0) return b >= 0x90 && b <= 0xBF;
        if (first == 0xF4) return b >= 0x80 && b <= 0x8F;
    }
    return (b & 0xC0) == 0x80;
}

/* Length of the character that text[0..len) begins with; 0 if it begins with none. */
static inline size_t ae_utf8_length(const char *text, size_t len)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t need = len ? ae_utf8_need(p[0]) : 0;
    if (need > len) return 0;
    for (size_t i = 1; i < need; i++) {
        if (!ae_utf8_may_follow(p[0], i, p[i])) return 0;
    }
    return need;
}

/* Length of the well-formed text that text[0..len) begins with. */
static inline size_t ae_utf8_valid_prefix(const char *text, size_t len)
{
    size_t pos = 0;
    while (pos < len) {
        size_t n = (unsigned char)text[pos] < 0x80 ? 1 : ae_utf8_length(text + pos, len - pos);
        if (n == 0) break;
        pos += n;
    }
    return pos;
}

/* How many bytes at the end of text[0..len) begin a character that more bytes can complete: 0-3. */
static inline size_t ae_utf8_unfinished(const char *text, size_t len)
{
    const unsigned char *end = (const unsigned char *)text + len;
    for (size_t n = 1; n <= 3 && n <= len; n++) {
        unsigned char first = end[-(ptrdiff_t)n];
        if ((first & 0xC0) == 0x80) continue;
        if (ae_utf8_need(first) <= n) return 0;
        for (size_t i = 1; i < n; i++) {
            if (!ae_utf8_may_follow(first, i, (end - n)[i])) return 0;
        }
        return n;
    }
    return 0;
}

#endif
