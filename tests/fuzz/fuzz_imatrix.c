/* Any bytes as an importance matrix, of the GGUF form or the older one: refused with a word, or all
 * of it is fit to round by, with memory in proportion to the file. */
#include "fuzz.h"

#include "format/imatrix.h"

static const char new_form[] =
    "GGUF\3\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0" /* two tensors, one value */
    "\x0c\0\0\0\0\0\0\0general.type\x8\0\0\0\7\0\0\0\0\0\0\0imatrix"
    "\x9\0\0\0\0\0\0\0w.in_sum2\2\0\0\0\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "\x8\0\0\0\0\0\0\0w.counts\2\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\x20\0\0\0\0\0\0\0"
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567";
static const char old_form[] = "\2\0\0\0"
                               "\1\0\0\0v\4\0\0\0\2\0\0\0abc\1def\1"
                               "\1\0\0\0w\4\0\0\0\1\0\0\0ghi\1";

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    bool is_old = (seed >> 10) % 2;
    size = fuzz_start(data, size, max_size, seed, is_old ? old_form : new_form,
                      (is_old ? sizeof old_form : sizeof new_form) - 1);
    return LLVMFuzzerMutate(data, size, max_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aeon_error err = {0};
    ae_imatrix m;
    if (ae_imatrix_load(&m, fuzz_file(data, size), &err) == AEON_OK) {
        AEON_ASSERT(aeon_memory_stats_get().current_bytes < 64 * size + 65536);
        for (size_t i = 0; i < m.n; i++) {
            const ae_imatrix_entry *e = &m.entries[i];
            AEON_ASSERT(ae_imatrix_find(&m, e->name) == e && e->n_cols > 0 && e->n_tokens >= 0);
            for (size_t k = 0; k < e->n_cols; k++) AEON_ASSERT(e->sums[k] >= 0);
        }
        ae_imatrix_release(&m);
    } else {
        AEON_ASSERT(err.code != AEON_OK && err.text[0] != 0);
    }
    AEON_ASSERT(aeon_memory_stats_get().current_bytes == 0);
    return 0;
}
