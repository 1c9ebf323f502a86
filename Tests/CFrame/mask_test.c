// SPDX-License-Identifier: Apache-2.0
/* Goal: masking is right at every length and alignment, in place and copying, and touches nothing
 * else. Method: against naive_mask, with octets around that must stay, and against dead pages. */
#include "test.h"

static uint8_t source[TEXT_MAX + 2 * AROUND + 64], expected[TEXT_MAX];
static uint8_t target[TEXT_MAX + 2 * AROUND + 64];
static guarded from, to;

static bool all_are(const uint8_t *p, size_t n, uint8_t octet)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != octet)
            return false;
    }
    return true;
}

static void check_at(size_t n, size_t source_offset, size_t target_offset)
{
    const uint32_t key = (uint32_t)random_bits();
    uint8_t *const src = source + AROUND + source_offset;
    uint8_t *const dst = target + AROUND + target_offset;
    naive_mask(expected, src, n, key);

    memset(dst - AROUND, 0xA5, n + 2 * AROUND);
    cframe_mask(dst, src, n, key);
    CHECK(memcmp(dst, expected, n) == 0, "copy, n %zu, to %zu", n, target_offset);
    CHECK(all_are(dst - AROUND, AROUND, 0xA5), "before, n %zu, to %zu", n, target_offset);
    CHECK(all_are(dst + n, AROUND, 0xA5), "behind, n %zu, to %zu", n, target_offset);

    memcpy(dst, src, n);
    cframe_mask(dst, dst, n, key);
    CHECK(memcmp(dst, expected, n) == 0, "in place, n %zu, at %zu", n, target_offset);
    CHECK(all_are(dst - AROUND, AROUND, 0xA5), "before, n %zu, at %zu", n, target_offset);
    CHECK(all_are(dst + n, AROUND, 0xA5), "behind, n %zu, at %zu", n, target_offset);
}

/* Every combination of first and last octet of both ranges against a dead page. */
static void check_flush(size_t n)
{
    const uint32_t key = (uint32_t)random_bits();
    for (int c = 0; c < 4; c++) {
        uint8_t *const src = c & 1 ? from.end - n : from.begin;
        uint8_t *const dst = c & 2 ? to.end - n : to.begin;
        memcpy(src, source, n);
        naive_mask(expected, src, n, key);
        cframe_mask(dst, src, n, key);
        CHECK(memcmp(dst, expected, n) == 0, "flush copy %d, n %zu", c, n);
        cframe_mask(src, src, n, key);
        CHECK(memcmp(src, expected, n) == 0, "flush in place %d, n %zu", c, n);
    }
}

static const size_t LONGER[] = {
    383,  384,  385,  511,  512,  513,  1023, 1024,  1025,  2047,  2048,  2049,  4000,
    4095, 4096, 4097, 4200, 8191, 8192, 8193, 16384, 32767, 65535, 65536, 65537, 70000};

static void test_kernel(void)
{
    cframe_mask(NULL, NULL, 0, 1);
    const size_t step = quick ? 7 : 1;
    for (size_t n = 0; n <= 300; n++) {
        for (size_t offset = 0; offset < 64; offset += step)
            check_at(n, (offset * 5 + n) % 64, offset);
        check_flush(n);
    }
    for (size_t i = 0; i < sizeof LONGER / sizeof LONGER[0]; i++) {
        for (size_t offset = 0; offset < 64; offset += LONGER[i] > 5000 ? 9 * step : step)
            check_at(LONGER[i], (offset * 5 + i) % 64, offset);
        check_flush(LONGER[i]);
    }
}

void test_mask(void)
{
    from = guarded_new();
    to = guarded_new();
    random_fill(source, sizeof source);
    for (size_t n = 0; n < 20; n++) {
        uint8_t zeros[8] = {0}, octets[8] = {0};
        naive_mask(octets, zeros, 8, 0x04030201);
        const uint32_t key = cframe_key_advance(0x04030201, n);
        CHECK(memcmp(&key, octets + n % 4, 4) == 0, "advance by %zu", n);
    }
    each_kernel(test_kernel);
}
