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

/* Four vectors of octets; gives all of them ORed. */
INLINE V(vec) K(mask_four)(uint8_t *dst, const uint8_t *src, V(vec) keys)
{
    const V(vec) x0 = V(xor)(V(load)(src), keys);
    const V(vec) x1 = V(xor)(V(load)(src + WIDTH), keys);
    const V(vec) x2 = V(xor)(V(load)(src + 2 * WIDTH), keys);
    const V(vec) x3 = V(xor)(V(load)(src + 3 * WIDTH), keys);
    V(store)(dst, x0);
    V(store)(dst + WIDTH, x1);
    V(store)(dst + 2 * WIDTH, x2);
    V(store)(dst + 3 * WIDTH, x3);
    return V(or)(V(or)(x0, x1), V(or)(x2, x3));
}

/* Any number of octets. */
OUTLINE void K(mask)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    if (n <= 4 * WIDTH) {
        K(mask_small)(dst, src, n, key);
        return;
    }
    /* The first vector and the last four overlap the loop, so that nothing is left for another one.
     * Its stores are aligned: from 1 KiB up stores that cross cache lines cost half as much again. */
    uint8_t *const end = dst + n - 4 * WIDTH;
    const V(vec) first = V(xor)(V(load)(src), V(key)(key));
    const V(vec) keys_at_end = V(key)(cframe_key_advance(key, n));
    const V(vec) last0 = V(xor)(V(load)(src + n - 4 * WIDTH), keys_at_end);
    const V(vec) last1 = V(xor)(V(load)(src + n - 3 * WIDTH), keys_at_end);
    const V(vec) last2 = V(xor)(V(load)(src + n - 2 * WIDTH), keys_at_end);
    const V(vec) last3 = V(xor)(V(load)(src + n - WIDTH), keys_at_end);
    const size_t peel = WIDTH - ((uintptr_t)dst & (WIDTH - 1));
    const V(vec) keys = V(key)(cframe_key_advance(key, peel));
    for (size_t i = peel; i < n - 4 * WIDTH; i += 4 * WIDTH)
        K(mask_four)(dst + i, src + i, keys);
    V(store)(dst, first);
    V(store)(end, last0);
    V(store)(end + WIDTH, last1);
    V(store)(end + 2 * WIDTH, last2);
    V(store)(end + 3 * WIDTH, last3);
}
