// SPDX-License-Identifier: Apache-2.0
/*
 * Template (see each_simd.h): a text of at most 4 * WIDTH octets that starts on a character. Gives
 * its tail, or UTF8_INVALID. `unmasks` is constant at each call: 1 to XOR with the key from `src`
 * to `dst` (same or disjoint), 0 to validate `src` alone, with a key of 0.
 *
 * A length is covered by vectors from the front and vectors that end at the end, which overlap;
 * all are loaded before any is stored.
 */

#if WIDTH == 16
/* At most 16 octets. Those that are not ASCII go to a vector's end, behind zeros. */
INLINE uint32_t
K(text_16)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key, const int unmasks)
{
    const uint32_t key_at_end = cframe_key_advance(key, n);
    uint64_t lo = 0, hi;
    if (n >= 8) {
        const uint64_t a = load64(src) ^ key64(key);
        hi = load64(src + n - 8) ^ key64(key_at_end);
        if (unmasks) {
            store64(dst, a);
            store64(dst + n - 8, hi);
        }
        if (((a | hi) & HIGH_BITS64) == 0)
            return 0;
        /* In two shifts: for n = 8 it is by 64. */
        lo = a << (4 * (16 - n)) << (4 * (16 - n));
    } else if (n >= 4) {
        const uint32_t a = load32(src) ^ key;
        const uint32_t b = load32(src + n - 4) ^ key_at_end;
        if (unmasks) {
            store32(dst, a);
            store32(dst + n - 4, b);
        }
        if (((a | b) & HIGH_BITS32) == 0)
            return 0;
        hi = (uint64_t)b << 32 | (uint32_t)((uint64_t)a << (8 * (8 - n)));
    } else {
        if (n == 0)
            return 0;
        /* First, middle and last octet; some may be the same. */
        const size_t middle = n >> 1, last = n - 1;
        const uint8_t a = (uint8_t)(src[0] ^ key);
        const uint8_t b = (uint8_t)(src[middle] ^ key >> (8 * middle));
        const uint8_t c = (uint8_t)(src[last] ^ key >> (8 * last));
        if (unmasks) {
            dst[0] = a;
            dst[middle] = b;
            dst[last] = c;
        }
        if ((a | b | c) < 0x80)
            return 0;
        const uint64_t octets = a | (uint64_t)b << (8 * middle) | (uint64_t)c << (8 * last);
        hi = octets << (8 * (8 - n));
    }
    const V(vec) ok = K(check_after)(V(ones)(), V(join)(lo, hi), V(zero)());
    return V(all_ones)(ok) ? utf8_tail_of((uint32_t)(hi >> 32)) : UTF8_INVALID;
}
#endif

/* The four octets before `offset` (at least 1) of a text, zeros where it has not begun. They are
 * read where they were stored a moment ago: a load within one store is served from it. */
INLINE uint32_t K(before_offset)(const uint8_t *text, size_t offset)
{
    return offset >= 4 ? load32(text + offset - 4) : load32(text) << (8 * (4 - offset));
}

/* More than WIDTH octets, at most 2 * WIDTH. */
INLINE uint32_t
K(text_pair)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key, const int unmasks)
{
    const size_t offset = n - WIDTH;
    const V(vec) x = V(xor)(V(load)(src), V(key)(key));
    const V(vec) y = V(xor)(V(load)(src + offset), V(key)(cframe_key_advance(key, n)));
    if (unmasks) {
        V(store)(dst, x);
        V(store)(dst + offset, y);
    }
    if (!V(any_high)(V(or)(x, y)))
        return 0;
    V(vec) ok = K(check_after)(V(ones)(), x, V(zero)());
    const uint32_t before = K(before_offset)(unmasks ? dst : src, offset);
    ok = K(check_after)(ok, y, V(before)(before));
    return V(all_ones)(ok) ? utf8_tail_of(V(last)(y)) : UTF8_INVALID;
}

/* More than 2 * WIDTH octets, at most 4 * WIDTH. */
INLINE uint32_t
K(text_quad)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key, const int unmasks)
{
    const size_t offset = n - 2 * WIDTH;
    const V(vec) keys = V(key)(key), keys_at_end = V(key)(cframe_key_advance(key, n));
    const V(vec) x0 = V(xor)(V(load)(src), keys);
    const V(vec) x1 = V(xor)(V(load)(src + WIDTH), keys);
    const V(vec) y0 = V(xor)(V(load)(src + offset), keys_at_end);
    const V(vec) y1 = V(xor)(V(load)(src + offset + WIDTH), keys_at_end);
    if (unmasks) {
        V(store)(dst, x0);
        V(store)(dst + WIDTH, x1);
        V(store)(dst + offset, y0);
        V(store)(dst + offset + WIDTH, y1);
    }
    const V(vec) most = V(max)(V(max)(x0, x1), V(max)(y0, y1));
    if (!V(any_high)(most))
        return 0;
    const V(vec) before = V(before)(K(before_offset)(unmasks ? dst : src, offset));
    V(vec) ok;
    if (!V(any_lead3)(most)) {
        ok = V(and)(
            V(and)(
                K(check_pairs)(x0, V(previous1)(x0, V(zero)())),
                K(check_pairs)(x1, V(previous1)(x1, x0))),
            V(and)(
                K(check_pairs)(y0, V(previous1)(y0, before)),
                K(check_pairs)(y1, V(previous1)(y1, y0))));
    } else {
        ok = K(check_after)(V(ones)(), x0, V(zero)());
        ok = K(check_after)(ok, x1, x0);
        ok = K(check_after)(ok, y0, before);
        ok = K(check_after)(ok, y1, y0);
    }
    return V(all_ones)(ok) ? utf8_tail_of(V(last)(y1)) : UTF8_INVALID;
}

INLINE uint32_t
K(text_small)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key, const int unmasks)
{
    if (n <= 16)
        return KH(text_16)(dst, src, n, key, unmasks);
    if (WIDTH > 16 && n <= 32)
        return KH(text_pair)(dst, src, n, key, unmasks);
    if (n <= 2 * WIDTH)
        return K(text_pair)(dst, src, n, key, unmasks);
    return K(text_quad)(dst, src, n, key, unmasks);
}
