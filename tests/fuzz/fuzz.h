/* fuzz.h - what the fuzz programs share: libFuzzer's functions and input as a file. */
#ifndef AEON_TESTS_FUZZ_H
#define AEON_TESTS_FUZZ_H

#define _GNU_SOURCE /* memfd_create */
#include "base/status.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* libFuzzer's default mutation; returns the new size. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What reads every byte must do something with it. */
volatile unsigned fuzz_sink;

/* Where to start from: bytes alone would hardly ever make a file that is nearly right. Puts the
 * sample into data (size: what is there) if that is short, and now and then. */
static inline size_t fuzz_start(uint8_t *data, size_t size, size_t max_size, unsigned seed,
                                const char *sample, size_t sample_size)
{
    if ((size >= sample_size / 4 && seed % 1024 != 0) || max_size < sample_size) return size;
    memcpy(data, sample, sample_size);
    return sample_size;
}

/* The path of a regular file in memory that holds the input; the same file every time. */
static inline const char *fuzz_file(const uint8_t *data, size_t size)
{
    static char path[64];
    static int fd = -1;
    if (fd < 0) fd = memfd_create("fuzz", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    AEON_ASSERT(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    return path;
}

#endif
