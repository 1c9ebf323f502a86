// SPDX-License-Identifier: Apache-2.0
#ifndef CFRAME_LEVEL_H
#define CFRAME_LEVEL_H

#include <stdatomic.h>

#if defined(__x86_64__)
#define CFRAME_X86 1
#else
#define CFRAME_X86 0
#endif
#if defined(__aarch64__)
#define CFRAME_ARM 1
#else
#define CFRAME_ARM 0
#endif

/* What the kernels need to know of the machine, finer than cframe_kernel: SSE2 masks, but the
 * UTF-8 lookup takes SSSE3. */
typedef enum level {
    LEVEL_PLAIN,
    LEVEL_SSE2,
    LEVEL_SSSE3,
    LEVEL_AVX2,
    LEVEL_NEON
} level;

extern _Atomic(unsigned char) cframe_level __attribute__((visibility("hidden")));

/* The level in use: the best of this machine from the time that the program's initialisers run, the
 * plain one before. Relaxed is enough: every value is a working choice and nothing else hangs on
 * it. A flag is as fast as a function pointer, and unlike ifunc works under sanitizers and on
 * Darwin. Nothing is called here, so that kernels can be left for without a register saved. */
static inline level current_level(void)
{
    return (level)atomic_load_explicit(&cframe_level, memory_order_relaxed);
}

#endif
