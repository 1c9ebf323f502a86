// SPDX-License-Identifier: Apache-2.0
/* Goal: frames are written as RFC 6455 section 5.2 says, in exactly the room that was asked for.
 * Method: against a header written by hand, a dead page behind, and back through the parser. */
#include "test.h"

static guarded page;
static uint8_t payload[TEXT_MAX], expected[TEXT_MAX + 14];

static size_t naive_header(uint8_t *h, uint8_t b0, uint64_t n, bool masked, uint32_t key)
{
    size_t size = 2, width = 0;
    h[0] = b0;
    if (n < 126) {
        h[1] = (uint8_t)n;
    } else if (n < 65536) {
        h[1] = 126;
        width = 2;
    } else {
        h[1] = 127;
        width = 8;
    }
    for (size_t i = width; i != 0; i--)
        h[size++] = (uint8_t)(n >> (8 * (i - 1)));
    if (masked) {
        h[1] |= 128;
        memcpy(h + size, &key, 4);
        size += 4;
    }
    return size;
}

static void check_length(size_t n)
{
    for (int masked = 0; masked < 2; masked++) {
        const uint32_t key = (uint32_t)random_bits();
        const uint8_t b0 = masked ? 0x82 : 0x02;
        const size_t header = naive_header(expected, b0, n, masked, key);
        naive_mask(expected + header, payload, n, masked ? key : 0);
        const size_t size = cframe_frame_size(n, masked);
        CHECK(size == header + n, "n %zu: %zu", n, size);
        uint8_t *const dst = page.end - size;
        memset(dst - 16, 0xA5, 16);
        const size_t written = cframe_encode(dst, b0, payload, n, masked, key);
        CHECK(written == size && memcmp(dst, expected, size) == 0, "n %zu masked %d", n, masked);
        CHECK(dst[-1] == 0xA5, "before, n %zu", n);

        cframe_parser parser;
        cframe_record record;
        size_t used;
        cframe_status status;
        cframe_parser_init(&parser, masked ? CFRAME_SERVER : CFRAME_CLIENT, n, n, 1);
        dst[0] |= 0x80;
        const size_t count = cframe_parse(&parser, dst, size, &record, 1, &used, &status);
        CHECK(count == 1 && used == size && status == CFRAME_OK, "n %zu: %d", n, (int)status);
        CHECK(
            record.length == n && record.offset == header
                && memcmp(dst + record.offset, payload, n) == 0,
            "n %zu", n);
    }
}

static void test_kernel(void)
{
    for (size_t n = 0; n <= 300; n++)
        check_length(n);
    static const size_t longer[] = {4096, 65534, 65535, 65536, 65537, 70000};
    for (size_t i = 0; i < sizeof longer / sizeof longer[0]; i++)
        check_length(longer[i]);
}

void test_encode(void)
{
    page = guarded_new();
    random_fill(payload, sizeof payload);
    static const uint64_t lengths[] = {
        0, 125, 126, 65535, 65536, UINT32_MAX, (uint64_t)1 << 32, INT64_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        for (int masked = 0; masked < 2; masked++) {
            uint8_t header[14];
            const size_t size = cframe_encode_header(header, 0x81, lengths[i], masked, 0x04030201);
            const size_t naive_size = naive_header(expected, 0x81, lengths[i], masked, 0x04030201);
            CHECK(size == naive_size && memcmp(header, expected, size) == 0, "length %zu", i);
        }
    }
    CHECK(cframe_encode(page.end - 2, 0x89, NULL, 0, 0, 0) == 2, "empty");
    CHECK(cframe_encode(page.end - 6, 0x89, NULL, 0, 1, 1) == 6, "empty, masked");
    each_kernel(test_kernel);
}
