// SPDX-License-Identifier: Apache-2.0
#include "CFrame.h"
#include "mask_plain.h"
#include "utf8_plain.h"
#include "utf8_tables.h"

#define TEMPLATE "fused_kernel.h"
#include "each_simd.h"

/* Two passes, over a piece at a time that the cache holds. */
static __attribute__((noinline)) uint32_t fused_plain(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    uint32_t tail = 0;
    while (n != 0 && tail != UTF8_INVALID) {
        /* A multiple of four, so the key stays in phase. */
        const size_t piece = n < 4096 ? n : 4096;
        mask_plain(dst, src, piece, key);
        tail = utf8_plain(dst, piece, tail);
        dst += piece;
        src += piece;
        n -= piece;
    }
    return tail;
}

/* The tail of `n` octets that start on a character, or UTF8_INVALID. */
static uint32_t mask_and_validate(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    switch (current_level()) {
#if CFRAME_X86
    case LEVEL_AVX2:
        return fused_avx2(dst, src, n, key);
    case LEVEL_SSSE3:
        return fused_sse(dst, src, n, key);
#endif
#if CFRAME_ARM
    case LEVEL_NEON:
        return fused_neon(dst, src, n, key);
#endif
    default:
        return fused_plain(dst, src, n, key);
    }
}

/* The tail of `n` octets behind a tail `t` that is not 0, or UTF8_INVALID. */
static __attribute__((noinline)) uint32_t mask_and_validate_after(
    uint8_t *dst, const uint8_t *src, size_t n, uint32_t key, uint32_t t)
{
    size_t taken = 0;
    for (; taken < n && t != 0 && t != UTF8_INVALID; taken++) {
        dst[taken] = (uint8_t)(src[taken] ^ key >> (8 * (taken & 3)));
        t = utf8_step(t, dst[taken]);
    }
    if (t != 0)
        return t;
    return mask_and_validate(
        dst + taken, src + taken, n - taken, cframe_key_advance(key, taken));
}

int32_t cframe_mask_utf8(
    uint8_t *dst, const uint8_t *src, size_t n, uint32_t key, uint32_t *tail)
{
    const uint32_t t = *tail == 0 ? mask_and_validate(dst, src, n, key)
                                  : mask_and_validate_after(dst, src, n, key, *tail);
    *tail = t;
    return t == UTF8_INVALID;
}
