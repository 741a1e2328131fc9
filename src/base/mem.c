#include "base/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64, HUGE_PAGE = 2 << 20, LARGE_BLOCK = 16 << 20 };

/* In front of every block. The block is aligned by hand within memory from calloc, which leaves
 * large blocks untouched until they are used. */
typedef struct {
    void *raw; /* what calloc gave */
    size_t size_bytes;
    ae_mem_kind kind;
} header;

static atomic_size_t current[AE_MEM_N_KINDS], peak[AE_MEM_N_KINDS];
static atomic_size_t total_current, total_peak, total_cap;
static atomic_uint_fast64_t n_allocs, fail_at;
static atomic_bool fail_persistent;
static _Thread_local bool is_forbidden_here;
static _Thread_local int64_t bytes_of_thread;

static void raise_peak(atomic_size_t *p, size_t value)
{
    size_t old = atomic_load_explicit(p, memory_order_relaxed);
    while (old < value && !atomic_compare_exchange_weak(p, &old, value)) {
    }
}

static bool told_to_fail(void)
{
    uint64_t k = atomic_load(&fail_at);
    uint64_t n = atomic_fetch_add(&n_allocs, 1) + 1;
    return k != 0 && (n == k || (n > k && atomic_load(&fail_persistent)));
}

/* Count size_bytes, or refuse if the cap would be passed. */
static bool account_add(ae_mem_kind kind, size_t size_bytes)
{
    size_t total = atomic_fetch_add(&total_current, size_bytes) + size_bytes;
    size_t cap = atomic_load(&total_cap);
    if (cap && total > cap) {
        atomic_fetch_sub(&total_current, size_bytes);
        return false;
    }
    raise_peak(&total_peak, total);
    raise_peak(&peak[kind], atomic_fetch_add(&current[kind], size_bytes) + size_bytes);
    bytes_of_thread += (int64_t)size_bytes;
    return true;
}

static void account_remove(ae_mem_kind kind, size_t size_bytes)
{
    atomic_fetch_sub(&current[kind], size_bytes);
    atomic_fetch_sub(&total_current, size_bytes);
    bytes_of_thread -= (int64_t)size_bytes;
}

static header *header_of(void *block)
{
    return (header *)block - 1; /* sizeof(header) keeps it aligned for its members */
}

/* Large blocks are met all over: with pages of 2 MiB, filling one for the first time and walking
 * through it cost less. Only whole pages inside the block, so that no neighbour grows. */
static void want_huge_pages(char *block, size_t size_bytes)
{
#ifdef MADV_HUGEPAGE
    if (size_bytes < LARGE_BLOCK) return;
    size_t skipped = (size_t)(-(uintptr_t)block & (HUGE_PAGE - 1));
    madvise(block + skipped, (size_bytes - skipped) / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#else
    (void)block;
    (void)size_bytes;
#endif
}

void *ae_mem_alloc(ae_mem_kind kind, size_t size_bytes)
{
    AEON_ASSERT(!is_forbidden_here);
    if (told_to_fail() || size_bytes > SIZE_MAX / 2) return NULL;
    if (!account_add(kind, size_bytes)) return NULL;
    char *raw = calloc(1, sizeof(header) + ALIGNMENT + size_bytes);
    if (!raw) {
        account_remove(kind, size_bytes);
        return NULL;
    }
    uintptr_t first = (uintptr_t)raw + sizeof(header) + ALIGNMENT - 1;
    char *block = raw + (first / ALIGNMENT * ALIGNMENT - (uintptr_t)raw);
    *header_of(block) = (header){raw, size_bytes, kind};
    want_huge_pages(block, size_bytes);
    return block;
}

void *ae_mem_alloc_array(ae_mem_kind kind, size_t n, size_t size_bytes)
{
    size_t total;
    if (__builtin_mul_overflow(n, size_bytes, &total)) return NULL;
    return ae_mem_alloc(kind, total);
}

void *ae_mem_resize(ae_mem_kind kind, void *block, size_t size_bytes)
{
    void *grown = ae_mem_alloc(kind, size_bytes);
    if (!grown || !block) return grown;
    size_t old = header_of(block)->size_bytes;
    memcpy(grown, block, old < size_bytes ? old : size_bytes);
    ae_mem_free(block);
    return grown;
}

void *ae_mem_room(ae_mem_kind kind, void *block, size_t n, size_t *cap, size_t element_bytes)
{
    enum { FIRST = 256 };
    size_t larger = *cap ? 2 * *cap : FIRST, size_bytes;
    if (n < *cap) return block;
    if (__builtin_mul_overflow(larger, element_bytes, &size_bytes)) return NULL;
    void *grown = ae_mem_resize(kind, block, size_bytes);
    if (grown) *cap = larger;
    return grown;
}

char *ae_mem_text(ae_mem_kind kind, const char *text, size_t len)
{
    char *copy = ae_mem_alloc(kind, len + 1);
    if (copy && len) memcpy(copy, text, len);
    return copy;
}

void ae_mem_free(void *block)
{
    if (!block) return;
    header *h = header_of(block);
    account_remove(h->kind, h->size_bytes);
    free(h->raw);
}

void ae_mem_forbid(bool is_forbidden)
{
    is_forbidden_here = is_forbidden;
}

const char *ae_mem_kind_name(ae_mem_kind kind)
{
    static const char *const names[] = {
#define X(name, text) text,
        AE_MEM_LIST(X)
#undef X
    };
    return kind < AE_MEM_N_KINDS ? names[kind] : "unknown";
}

size_t ae_mem_current(ae_mem_kind kind)
{
    return atomic_load(&current[kind]);
}

size_t ae_mem_peak(ae_mem_kind kind)
{
    return atomic_load(&peak[kind]);
}

int64_t ae_mem_of_thread(void)
{
    return bytes_of_thread;
}

void ae_mem_fail_at(uint64_t k, bool persistent)
{
    atomic_store(&n_allocs, 0);
    atomic_store(&fail_persistent, persistent);
    atomic_store(&fail_at, k);
}

uint64_t ae_mem_n_allocs(void)
{
    return atomic_load(&n_allocs);
}

aeon_memory_stats aeon_memory_stats_get(void)
{
    return (aeon_memory_stats){atomic_load(&total_current), atomic_load(&total_peak)};
}

void aeon_memory_set_cap(size_t cap_bytes)
{
    atomic_store(&total_cap, cap_bytes);
}
