#define _GNU_SOURCE /* sched_getaffinity, sysconf names */
#include "base/system.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/auxv.h>
#if __has_include(<asm/hwcap.h>) /* some C libraries leave the names to the kernel's header */
#include <asm/hwcap.h>
#endif
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

/* ---- files of the kernel --------------------------------------------------------------------- */

/* The line of a small text file that begins with key, without key and what separates it from the
 * value, into out[size]; false if there is no such file or line. */
static bool read_fact(const char *path, const char *key, char *out, size_t size)
{
    char text[8192];
    size_t len = 0;
    ssize_t n = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    while (len < sizeof text - 1 && (n = read(fd, text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)n;
    close(fd);
    text[len] = 0;
    for (const char *line = text; *line; line += strspn(line, "\n")) {
        size_t n_line = strcspn(line, "\n");
        if (strncmp(line, key, strlen(key)) == 0) {
            const char *value = line + strlen(key);
            value += strspn(value, ": \t");
            size_t n_value = value < line + n_line ? (size_t)(line + n_line - value) : 0;
            if (n_value >= size) n_value = size - 1;
            memcpy(out, value, n_value);
            out[n_value] = 0;
            return true;
        }
        line += n_line;
    }
    return false;
}

/* The same as a number; UINT64_MAX if there is none (a limit may be the word "max"). */
static uint64_t read_number(const char *path, const char *key)
{
    char text[32];
    if (!read_fact(path, key, text, sizeof text) || text[0] < '0' || text[0] > '9')
        return UINT64_MAX;
    return strtoull(text, NULL, 10);
}

/* ---- cores ----------------------------------------------------------------------------------- */

#ifdef __linux__
/* Is this thread of the processor the one that stands for its core? The kernel lists the threads of
 * a core as "0,64" or "0-1"; where the first is not ours to use, all others count. */
static bool leads_core(int cpu, const cpu_set_t *usable)
{
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
    uint64_t first = read_number(path, "");
    return first >= CPU_SETSIZE || (int)first == cpu || !CPU_ISSET((int)first, usable);
}

/* Whole processors that a container may use at a time; INT_MAX without a limit. */
static int container_cores(void)
{
    char text[64], *period;
    if (!read_fact("/sys/fs/cgroup/cpu.max", "", text, sizeof text)) return INT_MAX;
    uint64_t quota_us = strtoull(text, &period, 10), period_us = strtoull(period, NULL, 10);
    if (!quota_us || !period_us) return INT_MAX; /* "max 100000" */
    uint64_t n = (quota_us + period_us - 1) / period_us;
    return n < INT_MAX ? (int)n : INT_MAX;
}
#endif

int ae_n_cores(void)
{
#ifdef __linux__
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) {
        int n = 0, most = container_cores();
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
            n += CPU_ISSET(cpu, &set) && leads_core(cpu, &set);
        return n < most ? n : most;
    }
#elif defined(__APPLE__)
    int n_physical = 0;
    size_t size = sizeof n_physical;
    if (sysctlbyname("hw.physicalcpu", &n_physical, &size, NULL, 0) == 0 && n_physical > 0)
        return n_physical;
#endif
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* What the container may take in all, and how much of that is left; both UINT64_MAX without one. */
static uint64_t container_limit(void)
{
    return read_number("/sys/fs/cgroup/memory.max", "");
}

static uint64_t container_room(void)
{
    uint64_t limit = container_limit(), used = read_number("/sys/fs/cgroup/memory.current", "");
    uint64_t cached = read_number("/sys/fs/cgroup/memory.stat", "file ");
    if (limit == UINT64_MAX || used == UINT64_MAX) return UINT64_MAX;
    if (cached < used) used -= cached;
    return limit > used ? limit - used : 0;
}

uint64_t ae_memory_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t all = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
    uint64_t limit = container_limit();
    return limit < all ? limit : all;
}

uint64_t ae_memory_available_bytes(void)
{
    uint64_t kib = read_number("/proc/meminfo", "MemAvailable:"), room = container_room();
    uint64_t available = kib < UINT64_MAX / 1024 ? kib * 1024 : 0;
    return room < available ? room : available;
}

void ae_processor_name(char *out, size_t size)
{
    if (!read_fact("/proc/cpuinfo", "model name", out, size)) *out = 0;
}

bool ae_processor_has(ae_arm_extension extension)
{
#if defined(__linux__) && defined(HWCAP2_BF16)
    static const struct {
        unsigned long word, bit;
    } flags[AE_N_ARM_EXTENSIONS] = {[AE_ARM_DOTPROD] = {AT_HWCAP, HWCAP_ASIMDDP},
                                    [AE_ARM_I8MM] = {AT_HWCAP2, HWCAP2_I8MM},
                                    [AE_ARM_BF16] = {AT_HWCAP2, HWCAP2_BF16}};
    return (getauxval(flags[extension].word) & flags[extension].bit) != 0;
#elif defined(__APPLE__)
    static const char *const names[AE_N_ARM_EXTENSIONS] = {
        [AE_ARM_DOTPROD] = "hw.optional.arm.FEAT_DotProd",
        [AE_ARM_I8MM] = "hw.optional.arm.FEAT_I8MM",
        [AE_ARM_BF16] = "hw.optional.arm.FEAT_BF16"};
    int has = 0;
    size_t size = sizeof has;
    return sysctlbyname(names[extension], &has, &size, NULL, 0) == 0 && has;
#else
    (void)extension;
    return false;
#endif
}
