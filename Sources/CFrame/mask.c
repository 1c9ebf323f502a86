// SPDX-License-Identifier: Apache-2.0
#include "CFrame.h"
#include "mask_plain.h"

/* Masking needs no lookups: SSE2, which every x86-64 has. */
#define SSE_TARGET
#define TEMPLATE "mask_kernel.h"
#include "each_simd.h"

/* Not inlined, so that the others are left for with nothing saved on the stack. */
static __attribute__((noinline)) void
mask_without_vectors(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
    mask_plain(dst, src, n, key);
}

void cframe_mask(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key)
{
#if CFRAME_X86
    /* Every x86-64 has the vectors for these, and wider ones would not pay for being chosen. */
    if (n <= 64) {
        mask_small_sse(dst, src, n, key);
        return;
    }
#endif
    switch (__builtin_expect(current_level(), LEVEL_AVX2)) {
#if CFRAME_X86
    case LEVEL_AVX2:
        mask_avx2(dst, src, n, key);
        return;
    case LEVEL_SSE2:
    case LEVEL_SSSE3:
        mask_sse(dst, src, n, key);
        return;
#endif
#if CFRAME_ARM
    case LEVEL_NEON:
        mask_neon(dst, src, n, key);
        return;
#endif
    default:
        mask_without_vectors(dst, src, n, key);
    }
}
