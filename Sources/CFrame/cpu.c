// SPDX-License-Identifier: Apache-2.0
#include "CFrame.h"
#include "level.h"

#if CFRAME_X86
#include <cpuid.h>
#endif

_Atomic(unsigned char) cframe_level = LEVEL_PLAIN;

#if CFRAME_X86
/* Asked of the processor itself: __builtin_cpu_supports needs a runtime library that not every
 * toolchain links. */
static level best_level(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3))
        return LEVEL_SSE2;
    const unsigned avx_and_xgetbv = bit_AVX | bit_OSXSAVE;
    if ((c & avx_and_xgetbv) != avx_and_xgetbv)
        return LEVEL_SSSE3;
    /* The operating system must save the upper halves too: XCR0 bits 1 (SSE) and 2 (AVX). */
    unsigned enabled, upper;
    __asm__("xgetbv" : "=a"(enabled), "=d"(upper) : "c"(0));
    if ((enabled & 6U) != 6U)
        return LEVEL_SSSE3;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || !(b & bit_AVX2))
        return LEVEL_SSSE3;
    return LEVEL_AVX2;
}
#elif CFRAME_ARM
static level best_level(void)
{
    return LEVEL_NEON;
}
#else
static level best_level(void)
{
    return LEVEL_PLAIN;
}
#endif

static void set_level(level l)
{
    atomic_store_explicit(&cframe_level, (unsigned char)l, memory_order_relaxed);
}

__attribute__((constructor)) static void choose_level(void)
{
    set_level(best_level());
}

/* The level of a kernel; LEVEL_PLAIN for one that this machine does not have. */
static level level_of(cframe_kernel kernel)
{
    const level best = best_level();
    switch (kernel) {
    case CFRAME_KERNEL_PLAIN:
        break;
    case CFRAME_KERNEL_SSE:
        if (best == LEVEL_SSE2)
            return LEVEL_SSE2;
        return best == LEVEL_SSSE3 || best == LEVEL_AVX2 ? LEVEL_SSSE3 : LEVEL_PLAIN;
    case CFRAME_KERNEL_AVX2:
        return best == LEVEL_AVX2 ? LEVEL_AVX2 : LEVEL_PLAIN;
    case CFRAME_KERNEL_NEON:
        return best == LEVEL_NEON ? LEVEL_NEON : LEVEL_PLAIN;
    }
    return LEVEL_PLAIN;
}

int cframe_kernel_available(cframe_kernel kernel)
{
    return kernel == CFRAME_KERNEL_PLAIN || level_of(kernel) != LEVEL_PLAIN;
}

int cframe_kernel_use(cframe_kernel kernel)
{
    if (!cframe_kernel_available(kernel))
        return 1;
    set_level(level_of(kernel));
    return 0;
}

cframe_kernel cframe_kernel_current(void)
{
    switch (current_level()) {
    case LEVEL_SSE2:
    case LEVEL_SSSE3:
        return CFRAME_KERNEL_SSE;
    case LEVEL_AVX2:
        return CFRAME_KERNEL_AVX2;
    case LEVEL_NEON:
        return CFRAME_KERNEL_NEON;
    case LEVEL_PLAIN:
        break;
    }
    return CFRAME_KERNEL_PLAIN;
}

const char *cframe_kernel_name(cframe_kernel kernel)
{
    switch (kernel) {
    case CFRAME_KERNEL_PLAIN:
        return "plain";
    case CFRAME_KERNEL_SSE:
        return "sse";
    case CFRAME_KERNEL_AVX2:
        return "avx2";
    case CFRAME_KERNEL_NEON:
        return "neon";
    }
    return "unknown";
}
