/* Any bytes as a safetensors file: refused, or every byte of every tensor can be read. */
#include "fuzz.h"

#include "format/safetensors.h"

static const char sample[] = "\0\0\0\0\0\0\0\0"
                             "{\"__metadata__\":{\"format\":\"pt\"},"
                             "\"a\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
                             "\"b\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[8,10]}}"
                             "0123456789";

/* The length of the header is right most of the time: else nothing behind it would be read. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    size = fuzz_start(data, size, max_size, seed, sample, sizeof sample - 1);
    size = LLVMFuzzerMutate(data, size, max_size);
    size_t end = size;
    while (end > 8 && data[end - 1] != '}') end--;
    uint64_t header = end - 8;
    if (end > 8 && seed % 8 != 0) memcpy(data, &header, sizeof header);
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned sum = 0;
    aeon_error err = {0};
    ae_safetensors *s;
    if (ae_safetensors_open(&s, fuzz_file(data, size), &err) != AEON_OK) {
        AEON_ASSERT(err.code != AEON_OK && err.text[0] != 0);
        AEON_ASSERT(aeon_memory_stats_get().current_bytes == 0);
        return 0;
    }
    for (size_t i = 0; i < ae_safetensors_n_tensors(s); i++) {
        const ae_tensor *t = ae_safetensors_tensor_at(s, i);
        AEON_ASSERT(ae_safetensors_tensor_find(s, t->name) == t);
        for (uint64_t k = 0; k < t->size_bytes; k++) sum += ((const uint8_t *)t->data)[k];
    }
    fuzz_sink = sum;
    ae_safetensors_close(s);
    AEON_ASSERT(aeon_memory_stats_get().current_bytes == 0);
    return 0;
}
