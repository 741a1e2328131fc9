/* Any text as config.json and as the index of the shards of a Hugging Face or MLX folder: refused,
 * or every value of it can be written as JSON and is JSON again, and every row can be read. */
#include "fuzz.h"

#include "aeon/file.h"
#include "base/file.h"
#include "format/hf.h"

#include <jansson.h>
#include <stdlib.h>

static const char sample[] =
    "{\"weight_map\":{\"a\":\"one.safetensors\",\"x.weight\":\"two.safetensors\"},"
    "\"quantization\":{\"group_size\":64,\"bits\":8,\"mode\":\"affine\","
    "\"x\":{\"bits\":4,\"group_size\":128},\"y\":true,\"z\":false},"
    "\"hidden_size\":3072,\"eps\":1e-05,\"bias\":false,\"window\":null,"
    "\"rope\":{\"factor\":[1.0,2.5],\"type\":\"long\\u0072ope\"}}";

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    size = fuzz_start(data, size, max_size, seed, sample, sizeof sample - 1);
    return LLVMFuzzerMutate(data, size, max_size);
}

static char folder[] = "/tmp/aeon-fuzz-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[128];
    AEON_ASSERT(ae_path_join(path, sizeof path, folder, name));
    return path;
}

static void remove_folder(void)
{
    static const char *const names[] = {"config.json", "model.safetensors.index.json",
                                        "one.safetensors", "two.safetensors"};
    for (size_t i = 0; i < AE_COUNT(names); i++) unlink(in_folder(names[i]));
    rmdir(folder);
}

static void write_shard(const char *name, const char *header)
{
    static const char data[76];
    uint64_t size = strlen(header), n_data = strchr(header, 'x') ? 76 : 4;
    FILE *f = fopen(in_folder(name), "wb");
    AEON_ASSERT(f);
    AEON_ASSERT(fwrite(&size, sizeof size, 1, f) == 1 && fwrite(header, size, 1, f) == 1);
    AEON_ASSERT(fwrite(data, n_data, 1, f) == 1 && fclose(f) == 0);
}

/* Both JSON files are links to the input. */
static void make_folder(const char *input)
{
    AEON_ASSERT(mkdtemp(folder));
    atexit(remove_folder);
    write_shard("one.safetensors",
                "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}");
    write_shard("two.safetensors", /* 128 values of 4 bits, or 64 of 8 */
                "{\"x.weight\":{\"dtype\":\"U32\",\"shape\":[1,16],\"data_offsets\":[0,64]},"
                "\"x.scales\":{\"dtype\":\"BF16\",\"shape\":[1,1],\"data_offsets\":[64,66]},"
                "\"x.biases\":{\"dtype\":\"BF16\",\"shape\":[1,1],\"data_offsets\":[66,68]},"
                "\"y.scales\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[68,76]}}");
    AEON_ASSERT(symlink(input, in_folder("config.json")) == 0);
    AEON_ASSERT(symlink(input, in_folder("model.safetensors.index.json")) == 0);
}

static void read_back(const aeon_file *f)
{
    for (size_t i = 0; i < aeon_file_n_metadata(f); i++) {
        const char *key;
        aeon_text text = {0};
        json_error_t why;
        AEON_ASSERT(aeon_file_metadata(f, i, 3, &key, &text, NULL) == AEON_OK);
        json_t *value = json_loadb(text.data, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &why);
        AEON_ASSERT(value || json_error_code(&why) == json_error_numeric_overflow);
        json_decref(value);
        aeon_text_release(&text);
    }
}

static void read_rows(void)
{
    ae_hf *h;
    float values[128];
    if (ae_hf_open(&h, folder, true, NULL) != AEON_OK) return;
    for (size_t i = 0; i < ae_hf_n_tensors(h); i++) {
        const ae_tensor *t = ae_hf_tensor_at(h, i);
        AEON_ASSERT(t->type->to_f32 && t->size_bytes <= sizeof values);
        if (t->data) continue;
        ae_mlx_rows(t, 0, ae_tensor_n_rows(t), values);
        fuzz_sink += ((const unsigned char *)values)[t->size_bytes - 1];
    }
    ae_hf_close(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *input = fuzz_file(data, size);
    if (folder[sizeof folder - 2] == 'X') make_folder(input);
    aeon_error err = {0};
    aeon_file *f;
    if (aeon_file_open(&f, folder, &err) == AEON_OK) {
        read_back(f);
        aeon_file_close(f);
        read_rows();
    } else {
        AEON_ASSERT(err.code != AEON_OK && err.text[0] != 0);
    }
    AEON_ASSERT(aeon_memory_stats_get().current_bytes == 0);
    return 0;
}
