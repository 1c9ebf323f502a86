// SPDX-License-Identifier: Apache-2.0
/*
 * Template (see each_simd.h): masking. `dst` is `src` or disjoint from it. XOR done twice is
 * undone, so whatever two stores share in place is loaded before the first of them.
 */

/* At most 4 * WIDTH octets. */
INLINE void K(mask_small)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    if (n <= 16) {
        mask_16(dst, src, n, key);
        return;
    }
    /* Widths are multiples of four, so the phase of a vector that ends at n is that of n. */
    const uint32_t key_at_end = cframe_key_advance(key, n);
    if (WIDTH > 16 && n <= 32) {
        const H(vec) x = H(xor)(H(load)(src), H(key)(key));
        const H(vec) y = H(xor)(H(load)(src + n - 16), H(key)(key_at_end));
        H(store)(dst, x);
        H(store)(dst + n - 16, y);
        return;
    }
    const V(vec) keys = V(key)(key), keys_at_end = V(key)(key_at_end);
    if (n <= 2 * WIDTH) {
        const V(vec) x = V(xor)(V(load)(src), keys);
        const V(vec) y = V(xor)(V(load)(src + n - WIDTH), keys_at_end);
        V(store)(dst, x);
        V(store)(dst + n - WIDTH, y);
        return;
    }
    const V(vec) x0 = V(xor)(V(load)(src), keys);
    const V(vec) x1 = V(xor)(V(load)(src + WIDTH), keys);
    const V(vec) y0 = V(xor)(V(load)(src + n - 2 * WIDTH), keys_at_end);
    const V(vec) y1 = V(xor)(V(load)(src + n - WIDTH), keys_at_end);
    V(store)(dst, x0);
    V(store)(dst + WIDTH, x1);
    V(store)(dst + n - 2 * WIDTH, y0);
    V(store)(dst + n - WIDTH, y1);
}

/* Any number of octets. */
OUTLINE void K(mask)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    if (n <= 4 * WIDTH) {
        K(mask_small)(dst, src, n, key);
        return;
    }
    /* The first and last vector overlap the loop, whose stores are aligned: from 1 KiB up stores
     * that cross cache lines cost half as much again. */
    const V(vec) first = V(xor)(V(load)(src), V(key)(key));
    const V(vec) last = V(xor)(V(load)(src + n - WIDTH), V(key)(cframe_key_advance(key, n)));
    const size_t peel = WIDTH - ((uintptr_t)dst & (WIDTH - 1));
    const V(vec) keys = V(key)(cframe_key_advance(key, peel));
    const uint8_t *s = src + peel;
    uint8_t *d = dst + peel;
    uint8_t *const end = dst + n - WIDTH;
    while (end - d >= 4 * WIDTH) {
        const V(vec) x0 = V(xor)(V(load)(s), keys);
        const V(vec) x1 = V(xor)(V(load)(s + WIDTH), keys);
        const V(vec) x2 = V(xor)(V(load)(s + 2 * WIDTH), keys);
        const V(vec) x3 = V(xor)(V(load)(s + 3 * WIDTH), keys);
        V(store)(d, x0);
        V(store)(d + WIDTH, x1);
        V(store)(d + 2 * WIDTH, x2);
        V(store)(d + 3 * WIDTH, x3);
        s += 4 * WIDTH;
        d += 4 * WIDTH;
    }
    for (; d < end; s += WIDTH, d += WIDTH)
        V(store)(d, V(xor)(V(load)(s), keys));
    V(store)(dst, first);
    V(store)(end, last);
}
