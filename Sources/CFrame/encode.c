// SPDX-License-Identifier: Apache-2.0
#include "CFrame.h"
#include "octets.h"

size_t cframe_frame_size(size_t length, int masked)
{
    const size_t extended = length <= 125 ? 0 : length <= 0xFFFF ? 2 : 8;
    return 2 + extended + (masked ? 4 : 0) + length;
}

size_t cframe_encode_header(uint8_t dst[14], uint8_t b0, uint64_t length, int masked, uint32_t key)
{
    const uint8_t mask_bit = masked ? 0x80 : 0;
    size_t size = 2;
    dst[0] = b0;
    if (length <= 125) {
        dst[1] = (uint8_t)(mask_bit | length);
    } else if (length <= 0xFFFF) {
        dst[1] = mask_bit | 126;
        store16(dst + 2, __builtin_bswap16((uint16_t)length));
        size = 4;
    } else {
        dst[1] = mask_bit | 127;
        store64(dst + 2, __builtin_bswap64(length));
        size = 10;
    }
    if (masked) {
        store32(dst + size, key);
        size += 4;
    }
    return size;
}

size_t cframe_encode(
    uint8_t *dst, uint8_t b0, const uint8_t *payload, size_t length, int masked, uint32_t key)
{
    const size_t header = cframe_encode_header(dst, b0, length, masked, key);
    if (masked)
        cframe_mask(dst + header, payload, length, key);
    else if (length != 0)
        memcpy(dst + header, payload, length);
    return header + length;
}
