// SPDX-License-Identifier: Apache-2.0
#include "CYardstick.h"

/* Compilers make vector code of the loop that masks, which is then no longer what its source says.
 * The automaton they leave as it is, as each step depends on the last. */
#if defined(__clang__)
#define OCTET_BY_OCTET _Pragma("clang loop vectorize(disable) interleave(disable) unroll(disable)")
#define PLAIN_LOOP
#else
#define OCTET_BY_OCTET
#define PLAIN_LOOP __attribute__((optimize("no-tree-vectorize", "no-unroll-loops")))
#endif

PLAIN_LOOP void yardstick_mask_naive(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    OCTET_BY_OCTET
    for (size_t i = 0; i < n; i++)
        dst[i] = src[i] ^ ((const uint8_t *)&key)[i & 3];
}

int yardstick_utf8_naive(const uint8_t *src, size_t n)
{
    /* How many octets the open character still wants, and between what the next one has to be. */
    unsigned wanted = 0;
    uint8_t low = 0x80, high = 0xBF;
    for (size_t i = 0; i < n; i++) {
        const uint8_t octet = src[i];
        if (wanted != 0) {
            if (octet < low || octet > high)
                return 0;
            low = 0x80;
            high = 0xBF;
            wanted--;
        } else if (octet < 0x80) {
            continue;
        } else if (octet >= 0xC2 && octet <= 0xDF) {
            wanted = 1;
        } else if (octet >= 0xE0 && octet <= 0xEF) {
            wanted = 2;
            if (octet == 0xE0)
                low = 0xA0;
            if (octet == 0xED)
                high = 0x9F;
        } else if (octet >= 0xF0 && octet <= 0xF4) {
            wanted = 3;
            if (octet == 0xF0)
                low = 0x90;
            if (octet == 0xF4)
                high = 0x8F;
        } else {
            return 0;
        }
    }
    return wanted == 0;
}
