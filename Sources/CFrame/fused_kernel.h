// SPDX-License-Identifier: Apache-2.0
/*
 * Template (see each_simd.h): unmasking and validating a text that starts on a character, in one
 * pass over memory. Gives its tail, or UTF8_INVALID. `dst` is `src` or disjoint from it.
 */
#include "mask_kernel.h"
#include "utf8_kernel.h"
#include "text_small_kernel.h"

/* More than 4 * WIDTH octets, from the end to the front: so what stands before a vector is still
 * masked, and loads of it wait for no store. */
OUTLINE uint32_t K(fused_middle)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    const V(vec) keys = V(key)(cframe_key_advance(key, n));
    const V(vec) keys1 = V(key)(cframe_key_advance(key, n - 1));
    const V(vec) keys2 = V(key)(cframe_key_advance(key, n - 2));
    const V(vec) keys3 = V(key)(cframe_key_advance(key, n - 3));
    const uint32_t last = load32(src + n - 4) ^ cframe_key_advance(key, n);
    V(vec) ok = V(ones)();
    while (n > 4 * WIDTH) {
        n -= 2 * WIDTH;
        const uint8_t *p = src + n;
        const V(vec) x0 = V(xor)(V(load)(p), keys);
        const V(vec) x1 = V(xor)(V(load)(p + WIDTH), keys);
        const V(vec) most = V(max)(V(max)(x0, x1), V(xor)(V(load)(p - 3), keys3));
        if (V(any_high)(most)) {
            if (!V(any_lead3)(most)) {
                HIDE(p);
                ok = V(and)(ok, K(check_pairs)(x0, V(xor)(V(load)(p - 1), keys1)));
                ok = V(and)(ok, K(check_pairs)(x1, V(xor)(V(load)(p + WIDTH - 1), keys1)));
            } else {
                HIDE(p);
                ok = K(check)(
                    ok, x0, V(xor)(V(load)(p - 1), keys1), V(xor)(V(load)(p - 2), keys2),
                    V(xor)(V(load)(p - 3), keys3));
                p += WIDTH;
                ok = K(check)(
                    ok, x1, V(xor)(V(load)(p - 1), keys1), V(xor)(V(load)(p - 2), keys2),
                    V(xor)(V(load)(p - 3), keys3));
            }
        }
        V(store)(dst + n, x0);
        V(store)(dst + n + WIDTH, x1);
    }
    const uint32_t front = K(text_quad)(dst, src, n, key, 1);
    return V(all_ones)(ok) && front != UTF8_INVALID ? utf8_tail_of(last) : UTF8_INVALID;
}

/* How far validation stands behind unmasking: so far that no load meets a store that has not
 * reached the cache yet. */
enum { K(LAG) = 512 };
/* How much is unmasked and validated before it is asked whether it is ASCII. */
enum { K(RUN) = 4096 };

/* Unmasks `n` octets, a multiple of 4 * WIDTH, and validates as many from `p` on, each with what the
 * other leaves idle of the processor. Gives whether those are not all ASCII. */
OUTLINE int K(unmask_and_check)(
    uint8_t *dst, const uint8_t *src, const uint8_t *p, size_t n, uint32_t key, int *invalid)
{
    const V(vec) keys = V(key)(key);
    V(vec) ok = V(ones)();
    int dirty = 0;
    for (size_t i = 0; i < n; i += 4 * WIDTH) {
        K(mask_four)(dst + i, src + i, keys);
        ok = K(check_four)(ok, p + i, &dirty);
    }
    *invalid |= !V(all_ones)(ok);
    return dirty;
}

OUTLINE int K(check_rest)(const uint8_t *p, const uint8_t *end)
{
    return !V(all_ones)(K(check_range)(V(ones)(), p, end));
}

/* At least 2 * LAG octets. Unmasks a stretch while it validates the one before, or only unmasks if
 * that one was found to be ASCII. */
OUTLINE uint32_t K(fused_long)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    /* As in masking: stores are aligned, the first and last vector overlap them. */
    const size_t peel = WIDTH - ((uintptr_t)dst & (WIDTH - 1)), end = n - WIDTH;
    const uint32_t key_at_peel = cframe_key_advance(key, peel);
    const V(vec) keys = V(key)(key_at_peel);
    const V(vec) first = V(xor)(V(load)(src), V(key)(key));
    const V(vec) last = V(xor)(V(load)(src + end), V(key)(cframe_key_advance(key, n)));
    V(vec) ok = K(check_after)(V(ones)(), first, V(zero)());
    V(vec) most = first;
    size_t i = peel, from = WIDTH;
    for (; i < peel + K(LAG); i += 4 * WIDTH)
        most = V(or)(most, K(mask_four)(dst + i, src + i, keys));
    V(store)(dst, first);
    int dirty = V(any_high)(most), invalid = 0;
    if (!dirty)
        from = i;
    while (end - i >= K(LAG)) {
        if (dirty) {
            const size_t left = (end - i) & ~(size_t)(4 * WIDTH - 1);
            const size_t run = left < K(RUN) ? left : K(RUN);
            dirty = K(unmask_and_check)(dst + i, src + i, dst + from, run, key_at_peel, &invalid);
            i += run;
            from += run;
            if (!dirty) {
                invalid |= K(check_rest)(dst + from, dst + i);
                from = i;
            }
        } else {
            V(vec) next = V(zero)();
            for (size_t to = i + K(LAG); i < to; i += 4 * WIDTH)
                next = V(or)(next, K(mask_four)(dst + i, src + i, keys));
            dirty = V(any_high)(next);
            if (!dirty)
                from = i;
        }
    }
    for (; end - i >= 4 * WIDTH; i += 4 * WIDTH)
        dirty |= V(any_high)(K(mask_four)(dst + i, src + i, keys));
    for (; i < end; i += WIDTH) {
        const V(vec) x = V(xor)(V(load)(src + i), keys);
        V(store)(dst + i, x);
        dirty |= V(any_high)(x);
    }
    V(store)(dst + end, last);
    if (dirty || V(any_high)(last))
        invalid |= K(check_rest)(dst + from, dst + n);
    return V(all_ones)(ok) && !invalid ? utf8_tail_of(V(last)(last)) : UTF8_INVALID;
}

/* What is longer is called for, so that the short need not save what the long use. */
OUTLINE uint32_t K(fused)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    if (n <= 4 * WIDTH)
        return K(text_small)(dst, src, n, key, 1);
    return n < 2 * K(LAG) ? K(fused_middle)(dst, src, n, key) : K(fused_long)(dst, src, n, key);
}
