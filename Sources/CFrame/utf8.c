// SPDX-License-Identifier: Apache-2.0
#include "CFrame.h"
#include "utf8_plain.h"
#include "utf8_tables.h"

#define TEMPLATE "validate_kernel.h"
#include "each_simd.h"

/* The tail of `n` octets that start on a character, or UTF8_INVALID. */
static uint32_t validate(const uint8_t *src, size_t n)
{
    switch (current_level()) {
#if CFRAME_X86
    case LEVEL_AVX2:
        return utf8_avx2(src, n);
    case LEVEL_SSSE3:
        return utf8_sse(src, n);
#endif
#if CFRAME_ARM
    case LEVEL_NEON:
        return utf8_neon(src, n);
#endif
    default:
        return utf8_plain(src, n, 0);
    }
}

int32_t cframe_utf8(const uint8_t *src, size_t n, uint32_t *tail)
{
    uint32_t t = *tail;
    if (t != 0) {
        const size_t taken = utf8_finish_character(src, n, &t);
        src += taken;
        n -= taken;
    }
    if (t == 0)
        t = validate(src, n);
    *tail = t;
    return t == UTF8_INVALID;
}
