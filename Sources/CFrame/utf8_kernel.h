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

/* Checks the four vectors at `p`, before which three octets of the text can be read. What stands
 * before an octet is loaded again at its address: loads are cheaper here than the shuffles that
 * would move it. Sets `*dirty` unless all of it is ASCII. */
INLINE V(vec) K(check_four)(V(vec) ok, const uint8_t *p, int *dirty)
{
    const V(vec) x0 = V(load)(p), x1 = V(load)(p + WIDTH);
    const V(vec) x2 = V(load)(p + 2 * WIDTH), x3 = V(load)(p + 3 * WIDTH);
    const V(vec) most = V(max)(V(max)(V(max)(x0, x1), V(max)(x2, x3)), V(load)(p - 3));
    if (!V(any_high)(most))
        return ok;
    *dirty = 1;
    if (!V(any_lead3)(most)) {
        HIDE(p);
        ok = V(and)(ok, K(check_pairs)(x0, V(load)(p - 1)));
        ok = V(and)(ok, K(check_pairs)(x1, V(load)(p + WIDTH - 1)));
        ok = V(and)(ok, K(check_pairs)(x2, V(load)(p + 2 * WIDTH - 1)));
        return V(and)(ok, K(check_pairs)(x3, V(load)(p + 3 * WIDTH - 1)));
    }
    HIDE(p);
    ok = K(check_at)(ok, p);
    ok = K(check_at)(ok, p + WIDTH);
    ok = K(check_at)(ok, p + 2 * WIDTH);
    return K(check_at)(ok, p + 3 * WIDTH);
}

/* Checks [p, end), at least WIDTH octets, before which three octets of the text can be read. */
INLINE V(vec) K(check_range)(V(vec) ok, const uint8_t *p, const uint8_t *end)
{
    int dirty;
    for (; end - p >= 4 * WIDTH; p += 4 * WIDTH)
        ok = K(check_four)(ok, p, &dirty);
    while (p != end) {
        if (end - p < WIDTH)
            p = end - WIDTH;
        if (V(any_high)(V(or)(V(load)(p), V(load)(p - 3))))
            ok = K(check_at)(ok, p);
        p += WIDTH;
    }
    return ok;
}
