/* tensor/: half and bfloat16 conversions, and the table of types. */
#include "base/cursor.h"
#include "check.h"
#include "tensor/dtype.h"

#include <math.h>
#include <string.h>

static uint32_t bits(float f)
{
    uint32_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static float from_bits(uint32_t u)
{
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

/* The value of a finite half by the definition of the format. */
static float half_by_definition(uint16_t h)
{
    int exponent = h >> 10 & 31, fraction = h & 0x3ff;
    double magnitude = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    return (float)(h & 0x8000 ? -magnitude : magnitude);
}

static void every_half_is_read_and_written_back(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        float f = ae_f16_to_f32((uint16_t)h);
        uint16_t back = ae_f32_to_f16(f);
        if ((h & 0x7c00) != 0x7c00) {
            assert_int_equal(bits(f), bits(half_by_definition((uint16_t)h)));
            assert_int_equal(back, h);
        } else if (h & 0x3ff) {
            assert_true(isnan(f));
            assert_int_equal(back, h | 0x200); /* a NaN comes back quiet, the payload kept */
        } else {
            assert_int_equal(bits(f), h & 0x8000 ? 0xff800000 : 0x7f800000);
            assert_int_equal(back, h);
        }
    }
}

/* Between two neighbouring halves: the middle goes to the even one, all else to the nearer. */
static void every_tie_between_halves_goes_to_even(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x7c00; h++) {
        float low = ae_f16_to_f32((uint16_t)h);
        float high = h + 1 < 0x7c00 ? ae_f16_to_f32((uint16_t)(h + 1)) : 65536.0f;
        float middle = (low + high) / 2;
        uint32_t even = h & 1 ? h + 1 : h;
        for (uint32_t sign = 0; sign <= 0x8000; sign += 0x8000) {
            float s = sign ? -1.0f : 1.0f;
            assert_int_equal(ae_f32_to_f16(s * middle), even | sign);
            assert_int_equal(ae_f32_to_f16(s * nextafterf(middle, low)), h | sign);
            assert_int_equal(ae_f32_to_f16(s * nextafterf(middle, high)), (h + 1) | sign);
        }
    }
}

static void halves_of_extreme_floats(void **state)
{
    (void)state;
    assert_int_equal(ae_f32_to_f16(3.4e38f), 0x7c00);
    assert_int_equal(ae_f32_to_f16(-65536.0f), 0xfc00);
    assert_int_equal(ae_f32_to_f16(-INFINITY), 0xfc00);
    assert_int_equal(ae_f32_to_f16(from_bits(1)), 0);
    assert_int_equal(ae_f32_to_f16(-0.0f), 0x8000);
    assert_int_equal(ae_f32_to_f16(from_bits(0x7f800001)), 0x7e00); /* payload below the half's */
    assert_int_equal(ae_f32_to_f16(from_bits(0xffffffff)), 0xffff);
}

static void every_bf16_and_its_ties(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 0x10000; h++) {
        assert_int_equal(bits(ae_bf16_to_f32((uint16_t)h)), h << 16);
        bool is_nan = (h & 0x7fff) > 0x7f80, is_finite = (h & 0x7f80) != 0x7f80;
        assert_int_equal(ae_f32_to_bf16(from_bits(h << 16)), is_nan ? h | 0x40 : h);
        if (!is_finite) continue;
        /* h + 1 is the next magnitude, infinity after the largest. */
        assert_int_equal(ae_f32_to_bf16(from_bits(h << 16 | 0x7fff)), h);
        assert_int_equal(ae_f32_to_bf16(from_bits(h << 16 | 0x8000)), h & 1 ? h + 1 : h);
        assert_int_equal(ae_f32_to_bf16(from_bits(h << 16 | 0x8001)), h + 1);
    }
    /* A NaN whose payload lies in the dropped half must not become infinity. */
    assert_int_equal(ae_f32_to_bf16(from_bits(0x7f800001)), 0x7fc0);
    assert_int_equal(ae_f32_to_bf16(from_bits(0xffffffff)), 0xffff);
}

static void types_by_name_and_number(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t number, block_values, block_bytes;
    } expected[] = {
        {"f32", 0, 1, 4},
        {"f16", 1, 1, 2},
        {"q4_0", 2, 32, 18},
        {"q4_1", 3, 32, 20},
        {"q5_0", 6, 32, 22},
        {"q5_1", 7, 32, 24},
        {"q8_0", 8, 32, 34},
        {"q2_k", 10, 256, 84},
        {"q3_k", 11, 256, 110},
        {"q4_k", 12, 256, 144},
        {"q5_k", 13, 256, 176},
        {"q6_k", 14, 256, 210},
        {"iq4_nl", 20, 32, 18},
        {"iq4_xs", 23, 256, 136},
        {"bf16", 30, 1, 2},
        {"mlx4_32_bf16", 128, 32, 20},
        {"mlx4_64_f16", 129, 64, 36},
        {"mlx4_64_bf16", 130, 64, 36},
        {"mlx4_128_f16", 131, 128, 68},
        {"mlx4_128_bf16", 132, 128, 68},
        {"mlx8_32_f16", 133, 32, 36},
        {"mlx8_32_bf16", 134, 32, 36},
        {"mlx8_64_f16", 135, 64, 68},
        {"mlx8_64_bf16", 136, 64, 68},
        {"mlx8_128_f16", 137, 128, 132},
        {"mlx8_128_bf16", 138, 128, 132},
    };
    size_t n_found = 0;
    for (uint32_t i = 0; i < 2 * AEON_TYPE_MAX; i++) n_found += ae_dtype_find(i) != NULL;
    assert_int_equal(n_found, AE_COUNT(expected));
    for (size_t i = 0; i < AE_COUNT(expected); i++) {
        const ae_dtype *t = ae_dtype_find(expected[i].number);
        assert_non_null(t);
        assert_int_equal(t->type, expected[i].number);
        assert_string_equal(t->name, expected[i].name);
        assert_int_equal(t->block_values, expected[i].block_values);
        assert_int_equal(t->block_bytes, expected[i].block_bytes);
        assert_ptr_equal(ae_dtype_get(t->type), t);
        assert_string_equal(aeon_type_name(t->type), expected[i].name);
        aeon_type found;
        assert_true(aeon_type_find(expected[i].name, &found));
        assert_int_equal(found, t->type);
    }
    assert_null(ae_dtype_find(4));
    assert_null(ae_dtype_find(UINT32_MAX));
    assert_null(aeon_type_name((aeon_type)5));
    assert_null(aeon_type_name((aeon_type)-1));

    aeon_type found = AEON_TYPE_BF16;
    assert_true(aeon_type_find("Q4_K", &found));
    assert_int_equal(found, AEON_TYPE_Q4_K);
    assert_false(aeon_type_find("q4", &found));
    assert_false(aeon_type_find("", &found));
    assert_int_equal(found, AEON_TYPE_Q4_K);
}

static void bytes_of_rows(void **state)
{
    (void)state;
    const ae_dtype *f32 = ae_dtype_get(AEON_TYPE_F32), *q6_k = ae_dtype_get(AEON_TYPE_Q6_K);
    assert_int_equal(ae_dtype_row_bytes(f32, 3072), 12288);
    assert_int_equal(ae_dtype_row_bytes(q6_k, 512), 420);
    assert_int_equal(ae_dtype_row_bytes(q6_k, 0), 0);
    assert_int_equal(ae_dtype_row_bytes(q6_k, 511), 0);
    assert_int_equal(ae_dtype_row_bytes(f32, UINT64_MAX / 4), UINT64_MAX / 4 * 4);
    assert_int_equal(ae_dtype_row_bytes(f32, UINT64_MAX / 4 + 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_is_read_and_written_back),
        cmocka_unit_test(every_tie_between_halves_goes_to_even),
        cmocka_unit_test(halves_of_extreme_floats),
        cmocka_unit_test(every_bf16_and_its_ties),
        cmocka_unit_test(types_by_name_and_number),
        cmocka_unit_test(bytes_of_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
