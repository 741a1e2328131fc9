/* format/mlx: groups of every width come out exactly, and no folder that lies is believed. */
#include "base/mem.h"
#include "check.h"
#include "format/hf.h"
#include "unit/format/scratch.h"

#include <string.h>

static aeon_error err;

/* ---- folders --------------------------------------------------------------------------------- */

/* A tensor of the file; its bytes are random. */
typedef struct {
    const char *name, *dtype;
    unsigned rows, cols;
} part;

enum { MAX_PARTS = 8, MAX_BYTES = 1 << 14 };
static unsigned char data[MAX_BYTES]; /* of the tensors, one after the other */

static size_t bytes_of(const part *p)
{
    size_t n = strcmp(p->dtype, "U32") == 0 || strcmp(p->dtype, "F32") == 0 ? 4 : 2;
    return n * p->rows * p->cols;
}

/* config.json with this value of "quantization", and n parts as model.safetensors. */
static void write_folder(const char *quantization, const part *parts, size_t n)
{
    static unsigned char file[2 * MAX_BYTES];
    char config[1024], *header = (char *)file + 8;
    size_t at = 0, len = 0;
    snprintf(config, sizeof config, "{\"quantization\": %s}", quantization);
    scratch_write("config.json", config, strlen(config));
    for (size_t i = 0; i < n; at += bytes_of(&parts[i++]))
        len += (size_t)snprintf(header + len, 1000,
                                "%c\"%s\":{\"dtype\":\"%s\",\"shape\":[%u,%u],"
                                "\"data_offsets\":[%zu,%zu]}",
                                i ? ',' : '{', parts[i].name, parts[i].dtype, parts[i].rows,
                                parts[i].cols, at, at + bytes_of(&parts[i]));
    header[len++] = '}';
    assert_true(at <= MAX_BYTES && len < MAX_BYTES);
    uint64_t size = len;
    memcpy(file, &size, 8);
    memcpy(header + len, data, at);
    scratch_write("model.safetensors", file, 8 + len + at);
}

/* Random bytes; the numbers among them, which lie behind n_words, are finite and not tiny. */
static void fill_data(size_t n_words, size_t n_numbers, const char *dtype)
{
    uint64_t random = 7;
    for (size_t i = 0; i < 4 * n_words; i++) data[i] = (unsigned char)(check_random(&random) >> 40);
    unsigned char *at = data + 4 * n_words;
    for (size_t i = 0; i < n_numbers; i++) {
        float f = (float)((double)(check_random(&random) >> 11) / 9007199254740992.0 - 0.5);
        uint16_t half = dtype[0] == 'B' ? ae_f32_to_bf16(f) : ae_f32_to_f16(f);
        size_t size = dtype[1] == '3' ? 4 : 2;
        memcpy(at, size == 4 ? (void *)&f : (void *)&half, size);
        at += size;
    }
}

/* ---- what is good ---------------------------------------------------------------------------- */

enum { N_ROWS = 3, N_COLS = 256 };

/* Value i of a row as the format describes it, bit by bit. */
static unsigned level(const unsigned char *row, size_t i, unsigned bits)
{
    unsigned q = 0;
    for (size_t k = i * bits; k < (i + 1) * bits; k++)
        q |= (row[k / 8] >> k % 8 & 1u) << (k - i * bits);
    return q;
}

static float number(const unsigned char *at, const char *dtype, size_t i)
{
    uint16_t half;
    float f;
    memcpy(&f, at + 4 * i, dtype[1] == '3' ? 4 : 0);
    if (dtype[1] == '3') return f;
    memcpy(&half, at + 2 * i, 2);
    return dtype[0] == 'B' ? ae_bf16_to_f32(half) : ae_f16_to_f32(half);
}

/* Row r is scale * q + bias. */
static void check_row(const ae_tensor *t, size_t r, unsigned bits, unsigned group,
                      const char *dtype)
{
    unsigned char blocks[N_COLS * 4];
    float row[N_COLS];
    size_t n_words = N_ROWS * N_COLS * bits / 32, n_groups = N_COLS / group;
    size_t width = dtype[1] == '3' ? 4 : 2;
    const unsigned char *scales = data + 4 * n_words;
    const unsigned char *biases = scales + width * N_ROWS * n_groups;
    ae_mlx_rows(t, r, 1, blocks);
    t->type->to_f32(blocks, row, N_COLS);
    for (size_t i = 0; i < N_COLS; i++) {
        size_t g = r * n_groups + i / group;
        float q = (float)level(data + r * N_COLS * bits / 8, i, bits);
        float product = number(scales, dtype, g) * q;
        assert_true(row[i] == product + number(biases, dtype, g));
    }
}

static void check_matrix(unsigned bits, unsigned group, const char *dtype)
{
    const part parts[] = {{"x.weight", "U32", N_ROWS, N_COLS * bits / 32},
                          {"x.scales", dtype, N_ROWS, N_COLS / group},
                          {"x.biases", dtype, N_ROWS, N_COLS / group}};
    char settings[64], name[24];
    snprintf(settings, sizeof settings, "{\"group_size\": %u, \"bits\": %u}", group, bits);
    fill_data(N_ROWS * parts[0].cols, 2 * N_ROWS * parts[1].cols, dtype);
    write_folder(settings, parts, 3);
    snprintf(name, sizeof name, "mlx%u_%u_%s", bits > 4 ? 8 : 4, group,
             dtype[0] == 'B' ? "bf16" : "f16");
    ae_hf *h;
    CHECK_OK(ae_hf_open(&h, scratch, true, &err));
    assert_int_equal(ae_hf_n_tensors(h), 1);
    const ae_tensor *t = ae_hf_tensor_find(h, "x.weight");
    assert_true(t && t == ae_hf_tensor_at(h, 0) && !t->data && t->n_dims == 2);
    assert_true(t->dims[0] == N_COLS && t->dims[1] == N_ROWS);
    assert_true(t->size_bytes == N_ROWS * ae_dtype_row_bytes(t->type, N_COLS));
    if (dtype[1] == '3')
        assert_int_equal(t->type->type, AEON_TYPE_F32);
    else if (strcmp(name, "mlx4_32_f16") == 0)
        assert_int_equal(t->type->type, AEON_TYPE_Q4_1);
    else
        assert_string_equal(t->type->name, name);
    for (size_t r = 0; r < N_ROWS; r++) check_row(t, r, bits, group, dtype);

    unsigned char all[N_ROWS * N_COLS * 4], two[2 * N_COLS * 4];
    size_t row_bytes = (size_t)(t->size_bytes / N_ROWS);
    ae_mlx_rows(t, 0, N_ROWS, all);
    ae_mlx_rows(t, 1, 2, two);
    assert_memory_equal(two, all + row_bytes, 2 * row_bytes);
    ae_mlx_forget(t, 0, N_ROWS); /* can be read again */
    ae_mlx_rows(t, 1, 2, two);
    assert_memory_equal(two, all + row_bytes, 2 * row_bytes);
    ae_hf_close(h);
}

static void every_width_is_exact(void **state)
{
    (void)state;
    static const unsigned bits[] = {2, 3, 4, 5, 6, 8}, groups[] = {32, 64, 128};
    static const char *const dtypes[] = {"F16", "BF16", "F32"};
    for (size_t b = 0; b < AE_COUNT(bits); b++)
        for (size_t g = 0; g < AE_COUNT(groups); g++)
            for (size_t d = 0; d < AE_COUNT(dtypes); d++)
                check_matrix(bits[b], groups[g], dtypes[d]);
}

static const char usual[] = "{\"group_size\": 64, \"bits\": 4}";
static const part good[] = {{"x.weight", "U32", 2, 16},
                            {"x.scales", "BF16", 2, 2},
                            {"x.biases", "BF16", 2, 2},
                            {"norm.weight", "F32", 1, 8}};

static void scales_and_biases_may_differ_in_type(void **state)
{
    (void)state;
    part parts[3];
    memcpy(parts, good, sizeof parts);
    parts[2].dtype = "F16";
    fill_data(2 * 16, 8, "BF16");
    write_folder(usual, parts, 3);
    ae_hf *h;
    CHECK_OK(ae_hf_open(&h, scratch, true, &err));
    const ae_tensor *t = ae_hf_tensor_find(h, "x.weight");
    float row[128];
    assert_int_equal(t->type->type, AEON_TYPE_F32);
    ae_mlx_rows(t, 1, 1, row);
    float scale = number(data + 4 * 32, "BF16", 3), bias = number(data + 4 * 32 + 8, "F16", 3);
    assert_true(row[127] == scale * (float)level(data + 64, 127, 4) + bias);
    ae_hf_close(h);
}

static void other_tensors_are_what_they_were(void **state)
{
    (void)state;
    static const part parts[] = {{"x.scales", "BF16", 2, 2},
                                 {"y.scales", "F16", 1, 4},
                                 {"norm.weight", "F32", 1, 8},
                                 {"x.weight", "U32", 2, 16},
                                 {"x.biases", "BF16", 2, 2}};
    write_folder(usual, parts, AE_COUNT(parts));
    ae_hf *h;
    CHECK_OK(ae_hf_open(&h, scratch, true, &err));
    assert_int_equal(ae_hf_n_tensors(h), 3);
    assert_null(ae_hf_tensor_find(h, "x.scales"));
    assert_null(ae_hf_tensor_find(h, "x.biases"));
    const ae_tensor *norm = ae_hf_tensor_find(h, "norm.weight");
    assert_true(norm && norm->type->type == AEON_TYPE_F32);
    assert_memory_equal(norm->data, data + 16, 32);
    assert_non_null(ae_hf_tensor_find(h, "y.scales"));
    ae_hf_close(h);
}

/* What a folder says of x: its type, or why it is refused. */
static void says(const char *quantization, unsigned n_words, unsigned n_groups, const char *type)
{
    const part parts[] = {{"x.weight", "U32", 2, n_words},
                          {"x.scales", "BF16", 2, n_groups},
                          {"x.biases", "BF16", 2, n_groups}};
    ae_hf *h;
    write_folder(quantization, parts, 3);
    CHECK_OK(ae_hf_open(&h, scratch, true, &err));
    assert_string_equal(ae_hf_tensor_find(h, "x.weight")->type->name, type);
    assert_int_equal(ae_hf_tensor_find(h, "x.weight")->dims[0], 128);
    ae_hf_close(h);
}

static void a_matrix_may_have_settings_of_its_own(void **state)
{
    (void)state;
    says("{}", 16, 2, "mlx4_64_bf16"); /* as MLX has it */
    says("{\"bits\": 8, \"mode\": \"affine\"}", 32, 2, "mlx8_64_bf16");
    says("{\"group_size\": 128, \"bits\": 4, \"x\": true}", 16, 1, "mlx4_128_bf16");
    says("{\"bits\": 4, \"y\": {\"bits\": 8}, \"y.z\": false}", 16, 2, "mlx4_64_bf16");
    says("{\"bits\": 4, \"x\": {\"group_size\": 32, \"bits\": 8}}", 32, 4, "mlx8_32_bf16");
    says("{\"bits\": 8, \"quant_method\": \"x\", \"x\": {\"bits\": 2}}", 8, 2, "mlx4_64_bf16");
}

/* ---- what is not ----------------------------------------------------------------------------- */

static void refuse(aeon_status status, const char *words)
{
    size_t before = aeon_memory_stats_get().current_bytes;
    ae_hf *h = NULL;
    err.text[0] = 0;
    assert_int_equal(ae_hf_open(&h, scratch, true, &err), status);
    assert_null(h);
    if (!strstr(err.text, scratch) || !strstr(err.text, words))
        fail_msg("'%s' does not say '%s'", err.text, words);
    assert_int_equal(aeon_memory_stats_get().current_bytes, before);
}

static void settings_that_are_none(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        aeon_status status;
        const char *words;
    } bad[] = {
        {"4", AEON_BAD_FORMAT, "not an object"},
        {"[]", AEON_BAD_FORMAT, "not an object"},
        {"{\"bits\": 7}", AEON_UNSUPPORTED, "7 bits"},
        {"{\"bits\": 0}", AEON_UNSUPPORTED, "0 bits"},
        {"{\"bits\": 1}", AEON_UNSUPPORTED, "1 bits"},
        {"{\"bits\": 16}", AEON_UNSUPPORTED, "16 bits"},
        {"{\"bits\": -4}", AEON_BAD_FORMAT, "bits"},
        {"{\"bits\": 4294967300}", AEON_BAD_FORMAT, "bits"},
        {"{\"bits\": \"4\"}", AEON_BAD_FORMAT, "bits"},
        {"{\"bits\": 4.0}", AEON_BAD_FORMAT, "bits"},
        {"{\"group_size\": 48}", AEON_UNSUPPORTED, "groups of 48"},
        {"{\"group_size\": 0}", AEON_UNSUPPORTED, "groups of 0"},
        {"{\"group_size\": true}", AEON_BAD_FORMAT, "group_size"},
        {"{\"mode\": \"mxfp4\"}", AEON_UNSUPPORTED, "mode mxfp4"},
        {"{\"mode\": \"mx\\u001bfp\"}", AEON_UNSUPPORTED, "mode mx?fp"},
        {"{\"mode\": 5}", AEON_BAD_FORMAT, "mode"},
        {"{\"x\": {\"bits\": 7}}", AEON_UNSUPPORTED, "x: 7 bits"},
        {"{\"x\": {\"group_size\": 16}}", AEON_UNSUPPORTED, "x: groups of 16"},
        {"{\"lm_head\": {\"mode\": \"nvfp4\"}}", AEON_UNSUPPORTED, "lm_head: mode nvfp4"},
        {"{\"x\": false}", AEON_BAD_FORMAT, "tensor x.weight has type U32"},
        {"null", AEON_UNSUPPORTED, "no \"quantization\""},
    };
    for (size_t i = 0; i < AE_COUNT(bad); i++) {
        write_folder(bad[i].text, good, AE_COUNT(good));
        refuse(bad[i].status, bad[i].words);
    }
}

/* The good folder with part i replaced. */
static void refuse_part(size_t i, part p, const char *words)
{
    part parts[AE_COUNT(good)];
    memcpy(parts, good, sizeof parts);
    parts[i] = p;
    write_folder(usual, parts, AE_COUNT(good));
    refuse(AEON_BAD_FORMAT, words);
}

static void tensors_that_do_not_fit(void **state)
{
    (void)state;
    refuse_part(1, (part){"y.scales", "BF16", 2, 2}, "tensor x.scales is missing");
    refuse_part(2, (part){"y.biases", "BF16", 2, 2}, "tensor x.biases is missing");
    refuse_part(1, (part){"x.scales", "BF16", 2, 3}, "x.scales of 2 x 3 bf16 does not fit");
    refuse_part(1, (part){"x.scales", "BF16", 1, 2}, "x.scales of 1 x 2");
    refuse_part(1, (part){"x.scales", "BF16", 4, 1}, "x.scales of 4 x 1");
    refuse_part(2, (part){"x.biases", "BF16", 3, 2}, "x.biases of 3 x 2");
    refuse_part(2, (part){"x.biases", "U32", 2, 2}, "x.biases of 2 x 2 u32");
    refuse_part(1, (part){"x.scales", "U32", 2, 2}, "x.scales");
    refuse_part(0, (part){"x.weight", "U32", 2, 15}, "x.weight of 2 x 15 words");
    refuse_part(0, (part){"x.weight", "U32", 2, 32}, "x.weight of 2 x 32 words");
    refuse_part(3, (part){"norm.weight", "U32", 1, 8}, "tensor norm.scales is missing");
    refuse_part(3, (part){"words", "U32", 1, 8}, "tensor words has type U32");
    refuse_part(3, (part){".weight", "U32", 1, 8}, "tensor .weight has type U32");
}

static void names_longer_than_any(void **state)
{
    (void)state;
    static char name[400];
    memset(name, 'a', sizeof name - 8);
    memcpy(name + sizeof name - 8, ".weight", 8);
    refuse_part(3, (part){name, "U32", 1, 8}, "has type U32");
    memcpy(name + sizeof name - 8, ".scales", 8);
    part parts[AE_COUNT(good)];
    memcpy(parts, good, sizeof parts);
    parts[3] = (part){name, "F32", 1, 8};
    write_folder(usual, parts, AE_COUNT(good));
    ae_hf *h;
    CHECK_OK(ae_hf_open(&h, scratch, true, &err));
    assert_non_null(ae_hf_tensor_find(h, name));
    ae_hf_close(h);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    write_folder(usual, good, AE_COUNT(good));
    size_t before = aeon_memory_stats_get().current_bytes;
    aeon_status status = AEON_OUT_OF_MEMORY;
    for (uint64_t k = 1; status != AEON_OK; k++) {
        ae_hf *h = NULL;
        ae_mem_fail_at(k, false);
        status = ae_hf_open(&h, scratch, true, &err);
        ae_mem_fail_at(0, false);
        assert_true(status == AEON_OK || (status == AEON_OUT_OF_MEMORY && !h));
        ae_hf_close(h);
        assert_int_equal(aeon_memory_stats_get().current_bytes, before);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(every_width_is_exact),
        SCRATCH_TEST(scales_and_biases_may_differ_in_type),
        SCRATCH_TEST(other_tensors_are_what_they_were),
        SCRATCH_TEST(a_matrix_may_have_settings_of_its_own),
        SCRATCH_TEST(settings_that_are_none),
        SCRATCH_TEST(tensors_that_do_not_fit),
        SCRATCH_TEST(names_longer_than_any),
        SCRATCH_TEST(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
