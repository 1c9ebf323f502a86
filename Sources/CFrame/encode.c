// SPDX-License-Identifier: Apache-2.0
#include "CFrame.h"
#include "octets.h"

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
    if (!masked && length - 16 <= 48) {
        /* The commonest of frames: cheaper than the call of memcpy. Sixteen octets from the front,
         * sixteen from the end, and above 32 the sixteen beside each; they may overlap. */
        dst[0] = b0;
        dst[1] = (uint8_t)length;
        dst += 2;
        if (length > 32) {
            memcpy(dst + 16, payload + 16, 16);
            memcpy(dst + length - 32, payload + length - 32, 16);
        }
        memcpy(dst, payload, 16);
        memcpy(dst + length - 16, payload + length - 16, 16);
        return 2 + length;
    }
    const size_t header = cframe_encode_header(dst, b0, length, masked, key);
    if (masked)
        cframe_mask(dst + header, payload, length, key);
    else if (length != 0)
        memcpy(dst + header, payload, length);
    return header + length;
}
