/* check.h - what every unit test includes: cmocka and a few helpers. */
#ifndef AEON_TESTS_CHECK_H
#define AEON_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* The call succeeds; its error text is shown if not. Needs an aeon_error err in scope. */
#define CHECK_OK(call)                                                                             \
    do {                                                                                           \
        err.text[0] = 0;                                                                           \
        if ((call) != AEON_OK) fail_msg("%s: %s", #call, err.text);                                \
    } while (0)

/* The call fails with this status, and says something. */
#define CHECK_FAILS(call, status)                                                                  \
    do {                                                                                           \
        err.text[0] = 0;                                                                           \
        assert_int_equal((call), (status));                                                        \
        assert_int_not_equal(err.text[0], 0);                                                      \
    } while (0)

/* xorshift64*: the same numbers on every machine. */
static inline uint64_t check_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545F4914F6CDD1DULL;
}

/* Uniform in [-1, 1). */
static inline float check_random_float(uint64_t *state)
{
    return (float)(check_random(state) >> 40) * (2.0f / (1 << 24)) - 1.0f;
}

#endif
