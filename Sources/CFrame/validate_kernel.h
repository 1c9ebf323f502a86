// SPDX-License-Identifier: Apache-2.0
/* Template (see each_simd.h): the tail of a text that starts on a character, or UTF8_INVALID. */
#include "utf8_kernel.h"
#include "text_small_kernel.h"

static TARGET uint32_t K(utf8)(const uint8_t *src, size_t n)
{
    if (n <= 4 * WIDTH)
        return K(text_small)(0, src, n, 0, 0);
    V(vec) ok = V(ones)();
    const V(vec) first = V(load)(src);
    if (V(any_high)(first))
        ok = K(check_after)(ok, first, V(zero)());
    ok = K(check_range)(ok, src + WIDTH, src + n);
    return V(all_ones)(ok) ? utf8_tail_of(load32(src + n - 4)) : UTF8_INVALID;
}
