// SPDX-License-Identifier: Apache-2.0
/*
 * Template (see each_simd.h): unmasking and validating a text that starts on a character, in one
 * pass over memory. Gives its tail, or UTF8_INVALID. `dst` is `src` or disjoint from it.
 */
#include "utf8_kernel.h"
#include "text_small_kernel.h"

/* Checks the last vector of a payload while it and what stands before it are still masked, and
 * gives it unmasked. */
INLINE V(vec) K(check_last)(V(vec) *ok, const uint8_t *src, size_t n, uint32_t key)
{
    const uint8_t *const p = src + n - WIDTH;
    const V(vec) last = V(xor)(V(load)(p), V(key)(cframe_key_advance(key, n)));
    *ok = K(check)(
        *ok, last,
        V(xor)(V(load)(p - 1), V(key)(cframe_key_advance(key, n - 1))),
        V(xor)(V(load)(p - 2), V(key)(cframe_key_advance(key, n - 2))),
        V(xor)(V(load)(p - 3), V(key)(cframe_key_advance(key, n - 3))));
    return last;
}

/* More than 4 * WIDTH octets: all in registers, each vector keeping the one before it. */
INLINE uint32_t K(fused_middle)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    V(vec) ok = V(ones)();
    const V(vec) last = K(check_last)(&ok, src, n, key);
    const V(vec) keys = V(key)(key);
    V(vec) before = V(zero)();
    const size_t end = n - WIDTH;
    size_t i = 0;
    for (; i + 2 * WIDTH <= end; i += 2 * WIDTH) {
        const V(vec) x0 = V(xor)(V(load)(src + i), keys);
        const V(vec) x1 = V(xor)(V(load)(src + i + WIDTH), keys);
        V(store)(dst + i, x0);
        V(store)(dst + i + WIDTH, x1);
        const V(vec) most = V(max)(V(max)(x0, x1), before);
        if (V(any_high)(most)) {
            if (!V(any_lead3)(most)) {
                ok = V(and)(ok, K(check_pairs)(x0, V(previous1)(x0, before)));
                ok = V(and)(ok, K(check_pairs)(x1, V(previous1)(x1, x0)));
            } else {
                ok = K(check_after)(ok, x0, before);
                ok = K(check_after)(ok, x1, x0);
            }
        }
        before = x1;
    }
    for (; i < end; i += WIDTH) {
        const V(vec) x = V(xor)(V(load)(src + i), keys);
        V(store)(dst + i, x);
        if (V(any_high)(V(or)(x, before)))
            ok = K(check_after)(ok, x, before);
        before = x;
    }
    V(store)(dst + end, last);
    return V(all_ones)(ok) ? utf8_tail_of(V(last)(last)) : UTF8_INVALID;
}

/* Octets unmasked before they are validated: few enough to be in the first-level cache then, and
 * enough that no load meets a store that has not reached it yet. */
enum { K(BLOCK) = 4096 };

/* At least half a block. Unmasks a block at the speed of masking alone, and validates it only if it
 * or the end of the one before is not ASCII. */
INLINE uint32_t K(fused_blocks)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    V(vec) ok = V(ones)();
    const V(vec) last = K(check_last)(&ok, src, n, key);
    const V(vec) first = V(xor)(V(load)(src), V(key)(key));
    const size_t end = n - WIDTH;
    /* As in masking: stores are aligned, the first and last vector overlap them. */
    size_t i = WIDTH - ((uintptr_t)dst & (WIDTH - 1));
    const V(vec) keys = V(key)(cframe_key_advance(key, i));
    const uintptr_t ahead = (uintptr_t)src - (uintptr_t)dst + K(BLOCK);
    int dirty_before = 0;
    size_t from = 0;
    while (i < end) {
        const size_t block_end = end - i > K(BLOCK) ? i + K(BLOCK) : end;
        V(vec) most = V(zero)();
        while (i + 4 * WIDTH <= block_end) {
            const V(vec) x0 = V(xor)(V(load)(src + i), keys);
            const V(vec) x1 = V(xor)(V(load)(src + i + WIDTH), keys);
            const V(vec) x2 = V(xor)(V(load)(src + i + 2 * WIDTH), keys);
            const V(vec) x3 = V(xor)(V(load)(src + i + 3 * WIDTH), keys);
            V(store)(dst + i, x0);
            V(store)(dst + i + WIDTH, x1);
            V(store)(dst + i + 2 * WIDTH, x2);
            V(store)(dst + i + 3 * WIDTH, x3);
            most = V(or)(most, V(or)(V(or)(x0, x1), V(or)(x2, x3)));
            i += 4 * WIDTH;
        }
        for (; i < block_end; i += WIDTH) {
            const V(vec) x = V(xor)(V(load)(src + i), keys);
            V(store)(dst + i, x);
            most = V(or)(most, x);
        }
        if (from == 0) {
            V(store)(dst, first);
            most = V(or)(most, first);
            ok = K(check_after)(ok, first, V(zero)());
            from = WIDTH;
        }
        const int dirty = V(any_high)(most);
        if (dirty | dirty_before)
            ok = K(utf8_range)(
                ok, dst + from, dst + i, ahead, dst == src ? 0 : (uintptr_t)K(BLOCK));
        dirty_before = dirty;
        from = i;
    }
    V(store)(dst + end, last);
    return V(all_ones)(ok) ? utf8_tail_of(V(last)(last)) : UTF8_INVALID;
}

static inline TARGET uint32_t K(fused)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    if (n <= 4 * WIDTH)
        return K(text_small)(dst, src, n, key, 1);
    /* Below half a block the loads of a second look would meet stores that are not done. */
    return n < K(BLOCK) / 2 ? K(fused_middle)(dst, src, n, key) : K(fused_blocks)(dst, src, n, key);
}
