// SPDX-License-Identifier: Apache-2.0
#ifndef CFRAME_MASK_PLAIN_H
#define CFRAME_MASK_PLAIN_H

#include "CFrame.h"
#include "octets.h"

/* At most 16 octets, each loaded before any is stored: two overlapping words, so that the length
 * costs no loop. The phase of the word that ends at n is that of n, whatever its width. */
static inline __attribute__((always_inline)) void
mask_16(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    if (n >= 8) {
        const uint64_t head = load64(src) ^ key64(key);
        const uint64_t tail = load64(src + n - 8) ^ key64(cframe_key_advance(key, n));
        store64(dst, head);
        store64(dst + n - 8, tail);
    } else if (n >= 4) {
        const uint32_t head = load32(src) ^ key;
        const uint32_t tail = load32(src + n - 4) ^ cframe_key_advance(key, n);
        store32(dst, head);
        store32(dst + n - 4, tail);
    } else if (n != 0) {
        /* One to three octets: first, middle, last; some may be the same. */
        const size_t middle = n >> 1, last = n - 1;
        const uint32_t a = src[0] ^ key;
        const uint32_t b = src[middle] ^ key >> (8 * middle);
        const uint32_t c = src[last] ^ key >> (8 * last);
        dst[0] = (uint8_t)a;
        dst[middle] = (uint8_t)b;
        dst[last] = (uint8_t)c;
    }
}

static inline void mask_plain(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    if (n <= 16) {
        mask_16(dst, src, n, key);
        return;
    }
    const uint64_t keys = key64(key);
    /* Loaded before the loop can have unmasked part of it, stored after. */
    const uint64_t tail = load64(src + n - 8) ^ key64(cframe_key_advance(key, n));
    for (size_t i = 0; i < n - 8; i += 8)
        store64(dst + i, load64(src + i) ^ keys);
    store64(dst + n - 8, tail);
}

#endif
