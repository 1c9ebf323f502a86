// SPDX-License-Identifier: Apache-2.0
/*
 * Template (see each_simd.h): validating UTF-8. `ok` collects verdicts: all ones while the text is
 * valid. A check looks at every pair of neighbours and at what stands two and three octets back, so
 * it finds every fault but one: that the text ends inside a character (utf8_tail_of).
 */

/* Checks pairs; enough for a vector with no octet >= 0xE0 in it or in the three before it. */
INLINE V(vec) K(check_pairs)(V(vec) x, V(vec) previous1)
{
    const V(vec) first = V(xor)(previous1, V(splat)(0x80));
    const V(vec) low = V(lookup_low)(V(table)(FIRST_LOW), first);
    const V(vec) high = V(lookup_high)(V(table)(FIRST_HIGH), first);
    const V(vec) second = V(lookup_high)(V(table)(SECOND_HIGH), x);
    return V(or)(V(or)(low, high), second);
}

/* Checks the octets of `x`, given those one, two and three octets before each. */
INLINE V(vec)
K(check)(V(vec) ok, V(vec) x, V(vec) previous1, V(vec) previous2, V(vec) previous3)
{
    const V(vec) pairs = K(check_pairs)(x, previous1);
    /* Two continuations in a row are right where a lead of three or four stands two octets back,
     * or one of four three octets back, and only there. */
    const V(vec) leads = V(or)(V(subs)(previous2, 0xE0 - 0x80), V(subs)(previous3, 0xF0 - 0x80));
    const V(vec) continues = V(and)(leads, V(splat)(TWO_CONTINUATIONS));
    return V(and)(ok, V(xor)(pairs, continues));
}

/* Checks `x`, which follows `before`. */
INLINE V(vec) K(check_after)(V(vec) ok, V(vec) x, V(vec) before)
{
    return K(check)(
        ok, x, V(previous1)(x, before), V(previous2)(x, before), V(previous3)(x, before));
}

/* Checks the vector at `p`, before which three octets of the text can be read. */
INLINE V(vec) K(check_at)(V(vec) ok, const uint8_t *p)
{
    return K(check)(ok, V(load)(p), V(load)(p - 1), V(load)(p - 2), V(load)(p - 3));
}

/* Checks [p, end), at least WIDTH octets, before which three octets of the text can be read. What
 * stands before an octet is loaded again at its address: loads are cheaper here than the shuffles
 * that would move it. Sets `*dirty` unless all of it is ASCII. `ahead` and `ahead_to_write` are
 * distances from p at which to fetch cache lines meanwhile, 0 for none. */
INLINE V(vec)
K(utf8_range)(
    V(vec) ok, const uint8_t *p, const uint8_t *end, int *dirty, uintptr_t ahead,
    uintptr_t ahead_to_write)
{
    while (end - p >= 4 * WIDTH) {
        for (size_t line = 0; line < 4 * WIDTH; line += 64) {
            if (ahead != 0)
                __builtin_prefetch((const void *)((uintptr_t)p + ahead + line), 0);
            if (ahead_to_write != 0)
                __builtin_prefetch((const void *)((uintptr_t)p + ahead_to_write + line), 1);
        }
        const V(vec) x0 = V(load)(p), x1 = V(load)(p + WIDTH);
        const V(vec) x2 = V(load)(p + 2 * WIDTH), x3 = V(load)(p + 3 * WIDTH);
        const V(vec) most = V(max)(
            V(max)(V(max)(x0, x1), V(max)(x2, x3)), V(load)(p - 3));
        if (V(any_high)(most)) {
            *dirty = 1;
            const uint8_t *q = p;
            if (!V(any_lead3)(most)) {
                HIDE(q);
                ok = V(and)(ok, K(check_pairs)(x0, V(load)(q - 1)));
                ok = V(and)(ok, K(check_pairs)(x1, V(load)(q + WIDTH - 1)));
                ok = V(and)(ok, K(check_pairs)(x2, V(load)(q + 2 * WIDTH - 1)));
                ok = V(and)(ok, K(check_pairs)(x3, V(load)(q + 3 * WIDTH - 1)));
            } else {
                HIDE(q);
                ok = K(check_at)(ok, q);
                ok = K(check_at)(ok, q + WIDTH);
                ok = K(check_at)(ok, q + 2 * WIDTH);
                ok = K(check_at)(ok, q + 3 * WIDTH);
            }
        }
        p += 4 * WIDTH;
    }
    while (p != end) {
        if (end - p < WIDTH)
            p = end - WIDTH;
        if (V(any_high)(V(or)(V(load)(p), V(load)(p - 3)))) {
            *dirty = 1;
            ok = K(check_at)(ok, p);
        }
        p += WIDTH;
    }
    return ok;
}
