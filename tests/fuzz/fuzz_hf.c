/* Any text as config.json and as the index of the shards of a Hugging Face folder: refused, or
 * every value of it can be written as JSON and is JSON again. */
#include "fuzz.h"

#include "aeon/file.h"
#include "base/file.h"

#include <jansson.h>
#include <stdlib.h>

static const char sample[] =
    "{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"two.safetensors\"},"
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

static void write_shard(const char *name, char tensor)
{
    char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    uint64_t size = sizeof header - 1;
    header[2] = tensor;
    FILE *f = fopen(in_folder(name), "wb");
    AEON_ASSERT(f);
    AEON_ASSERT(fwrite(&size, sizeof size, 1, f) == 1 && fwrite(header, size, 1, f) == 1);
    AEON_ASSERT(fwrite("1234", 4, 1, f) == 1 && fclose(f) == 0);
}

/* Both JSON files are links to the input. */
static void make_folder(const char *input)
{
    AEON_ASSERT(mkdtemp(folder));
    atexit(remove_folder);
    write_shard("one.safetensors", 'a');
    write_shard("two.safetensors", 'b');
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *input = fuzz_file(data, size);
    if (folder[sizeof folder - 2] == 'X') make_folder(input);
    aeon_error err = {0};
    aeon_file *f;
    if (aeon_file_open(&f, folder, &err) == AEON_OK) {
        read_back(f);
        aeon_file_close(f);
    } else {
        AEON_ASSERT(err.code != AEON_OK && err.text[0] != 0);
    }
    AEON_ASSERT(aeon_memory_stats_get().current_bytes == 0);
    return 0;
}
