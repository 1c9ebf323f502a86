// SPDX-License-Identifier: Apache-2.0
/*
 * Template (see each_simd.h): the frames that servers see most. Takes whole masked text and binary
 * messages of one frame and at most 125 octets, one behind the other from buf[*at] on, and stops in
 * front of anything else. The parser stands between messages.
 */
#include "fused_kernel.h"

INLINE void K(unmask_binary)(uint8_t *payload, size_t n, uint32_t key)
{
    if (n <= 4 * WIDTH)
        K(mask_small)(payload, payload, n, key);
    else
        K(mask)(payload, payload, n, key);
}

/* At most 125 octets: of a text the tail, or UTF8_INVALID. */
INLINE uint32_t K(unmask_text)(uint8_t *payload, size_t n, uint32_t key)
{
    return n <= 4 * WIDTH ? K(text_small)(payload, payload, n, key, 1)
                          : K(fused_middle)(payload, payload, n, key);
}

static TARGET size_t K(small_frames)(
    uint8_t *buf, size_t n, cframe_record *out, size_t cap, uint32_t limit, size_t *at,
    cframe_status *status)
{
    size_t i = *at, count = 0;
    /* A short header and the octets it shares a word with: b0, b1, key, two of payload. */
    uint64_t word = n - i >= 8 ? load64(buf + i) : 0;
    while (n - i >= 8 && count < cap) {
        const uint8_t b0 = (uint8_t)word;
        /* With the mask bit turned over: a frame without it is beyond any limit. */
        const uint32_t length = (uint8_t)(word >> 8) ^ MASK;
        if ((b0 != (FIN | OPCODE_TEXT) && b0 != (FIN | OPCODE_BINARY)) || length > limit)
            break;
        const size_t left = n - i - SHORT_HEADER;
        if (length > left)
            break;
        uint8_t *const payload = buf + i + SHORT_HEADER;
        /* The word of the next header, loaded before stores to this payload that it would have to
         * wait for. */
        const uint64_t next = left - length >= 8 ? load64(payload + length) : 0;
        const uint32_t key = (uint32_t)(word >> 16);
        if (b0 == (FIN | OPCODE_TEXT)) {
            if (K(unmask_text)(payload, length, key) != 0) {
                *status = CFRAME_INVALID_UTF8;
                break;
            }
        } else {
            K(unmask_binary)(payload, length, key);
        }
        out[count++] = (cframe_record){
            .offset = (uint32_t)(i + SHORT_HEADER), .length = length, .b0 = b0, .message_b0 = b0,
            .flags = WHOLE_MESSAGE};
        i += SHORT_HEADER + length;
        word = next;
    }
    *at = i;
    return count;
}
