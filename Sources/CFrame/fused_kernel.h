// SPDX-License-Identifier: Apache-2.0
/*
 * Template (see each_simd.h): unmasking and validating a text that starts on a character, in one
 * pass over memory. Gives its tail, or UTF8_INVALID. `dst` is `src` or disjoint from it.
 */
#include "utf8_kernel.h"
#include "text_small_kernel.h"

/* The last vector of a payload of more than 4 * WIDTH octets, unmasked, and checked while what
 * stands before it is still masked. */
INLINE V(vec) K(check_last)(V(vec) *ok, const uint8_t *src, size_t n, uint32_t key)
{
    const uint8_t *const p = src + n - WIDTH;
    const V(vec) last = V(xor)(V(load)(p), V(key)(cframe_key_advance(key, n)));
    const V(vec) before3 = V(xor)(V(load)(p - 3), V(key)(cframe_key_advance(key, n - 3)));
    if (V(any_high)(V(or)(last, before3)))
        *ok = K(check)(
            *ok, last, V(xor)(V(load)(p - 1), V(key)(cframe_key_advance(key, n - 1))),
            V(xor)(V(load)(p - 2), V(key)(cframe_key_advance(key, n - 2))), before3);
    return last;
}

/* More than 4 * WIDTH octets: all in registers, each vector keeping the one before it. */
OUTLINE uint32_t K(fused_middle)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
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
/* From here up the next block is fetched while one is validated. Below, it is near already. */
enum { K(FETCH_AHEAD_MIN) = 1 << 18 };

/* A payload being unmasked and validated in blocks. */
typedef struct K(blocks) {
    const uint8_t *src;
    uint8_t *dst;
    size_t n;
    /* Key of the octets from the first aligned store on. */
    uint32_t key;
} K(blocks);

/* Unmasks from `i` to `to` or up to WIDTH - 1 further; returns where it stopped. With `collects`,
 * constant at each call, ORs all of it into `*most`. */
INLINE size_t
K(unmask_block)(const K(blocks) *b, size_t i, size_t to, V(vec) *most, const int collects)
{
    const V(vec) keys = V(key)(b->key);
    const uint8_t *s = b->src + i;
    uint8_t *d = b->dst + i;
    uint8_t *const end = b->dst + to;
    V(vec) all = *most;
    while (end - d >= 4 * WIDTH) {
        const V(vec) x0 = V(xor)(V(load)(s), keys);
        const V(vec) x1 = V(xor)(V(load)(s + WIDTH), keys);
        const V(vec) x2 = V(xor)(V(load)(s + 2 * WIDTH), keys);
        const V(vec) x3 = V(xor)(V(load)(s + 3 * WIDTH), keys);
        V(store)(d, x0);
        V(store)(d + WIDTH, x1);
        V(store)(d + 2 * WIDTH, x2);
        V(store)(d + 3 * WIDTH, x3);
        if (collects)
            all = V(or)(all, V(or)(V(or)(x0, x1), V(or)(x2, x3)));
        s += 4 * WIDTH;
        d += 4 * WIDTH;
    }
    for (; d < end; s += WIDTH, d += WIDTH) {
        const V(vec) x = V(xor)(V(load)(s), keys);
        V(store)(d, x);
        if (collects)
            all = V(or)(all, x);
    }
    *most = all;
    return (size_t)(d - b->dst);
}

/* utf8_range over what was just unmasked: whether it is invalid. A function for each way to fetch
 * the next block, so that their loops have all registers and ask for nothing that stays the same. */
OUTLINE int K(invalid_near)(const uint8_t *p, const uint8_t *end, int *dirty)
{
    return !V(all_ones)(K(utf8_range)(V(ones)(), p, end, dirty, 0, 0));
}

OUTLINE int K(invalid_far)(const uint8_t *p, const uint8_t *end, int *dirty)
{
    return !V(all_ones)(K(utf8_range)(V(ones)(), p, end, dirty, K(BLOCK), 0));
}

OUTLINE int
K(invalid_copied)(const uint8_t *p, const uint8_t *end, int *dirty, uintptr_t to_source)
{
    return !V(all_ones)(K(utf8_range)(
        V(ones)(), p, end, dirty, to_source + K(BLOCK), K(BLOCK)));
}

INLINE int K(invalid_block)(const K(blocks) *b, size_t from, size_t to, int *dirty)
{
    const uint8_t *const p = b->dst + from, *const end = b->dst + to;
    if (b->n < K(FETCH_AHEAD_MIN))
        return K(invalid_near)(p, end, dirty);
    if (b->src == b->dst)
        return K(invalid_far)(p, end, dirty);
    return K(invalid_copied)(p, end, dirty, (uintptr_t)b->src - (uintptr_t)b->dst);
}

/* At least half a block. Unmasks a block at the speed of masking alone and validates it behind
 * that, or not at all if it is found to be ASCII. Text is much like what stood before it: behind a
 * block that was not ASCII, the next is validated without collecting whether it is. */
OUTLINE uint32_t K(fused_blocks)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    /* As in masking: stores are aligned, the first and last vector overlap them. */
    const size_t peel = WIDTH - ((uintptr_t)dst & (WIDTH - 1)), end = n - WIDTH;
    const K(blocks) b = {src, dst, n, cframe_key_advance(key, peel)};
    const V(vec) first = V(xor)(V(load)(src), V(key)(key));
    V(vec) ok = K(check_after)(V(ones)(), first, V(zero)());
    const V(vec) last = K(check_last)(&ok, src, n, key);

    int dirty = V(any_high)(V(or)(first, last)), invalid = 0;
    size_t i = peel, from = 0;
    while (i < end) {
        const size_t to = end - i > K(BLOCK) ? i + K(BLOCK) : end;
        V(vec) most = first;
        if (dirty) {
            i = K(unmask_block)(&b, i, to, &most, 0);
        } else {
            i = K(unmask_block)(&b, i, to, &most, 1);
            dirty = V(any_high)(most);
        }
        if (from == 0) {
            V(store)(dst, first);
            from = WIDTH;
        }
        if (dirty) {
            dirty = 0;
            invalid |= K(invalid_block)(&b, from, i, &dirty);
        }
        from = i;
    }
    V(store)(dst + end, last);
    return V(all_ones)(ok) && !invalid ? utf8_tail_of(V(last)(last)) : UTF8_INVALID;
}

/* What is longer is called for, so that the short need not save what the long use. */
OUTLINE uint32_t K(fused)(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    if (n <= 4 * WIDTH)
        return K(text_small)(dst, src, n, key, 1);
    /* Below half a block the loads of a second look would meet stores that are not done. */
    return n < K(BLOCK) / 2 ? K(fused_middle)(dst, src, n, key) : K(fused_blocks)(dst, src, n, key);
}
