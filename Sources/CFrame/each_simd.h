// SPDX-License-Identifier: Apache-2.0
/*
 * Includes the kernel template TEMPLATE once for each vector instruction set of the machine that
 * is compiled for, and so defines its kernels under the names K(kernel): mask_avx2 and so on.
 *
 *   SIMD    the instruction set: the prefix of the words of simd_x86.h or simd_arm.h
 *   HALF    the same for sixteen octets, which the wide set can use as well; its kernels are
 *           KH(kernel)
 *   WIDTH   octets of a vector of SIMD
 *   TARGET  attribute of a function that uses these words. Vectors wider than the base instruction
 *           set go between functions through memory, so they may only be passed to INLINE ones.
 *           OUTLINE ones keep their registers to themselves.
 *
 * Nothing here needs a compiler flag, and nothing runs that cpu.c has not found on the machine.
 */
#include "level.h"

#define CFRAME_PASTE_(a, b) a##_##b
#define CFRAME_PASTE(a, b) CFRAME_PASTE_(a, b)
#define V(word) CFRAME_PASTE(SIMD, word)
#define H(word) CFRAME_PASTE(HALF, word)
#define K(kernel) CFRAME_PASTE(kernel, SIMD)
#define KH(kernel) CFRAME_PASTE(kernel, HALF)
#define INLINE static inline __attribute__((always_inline)) TARGET
#define OUTLINE static __attribute__((noinline, unused)) TARGET

#if CFRAME_X86
#include "simd_x86.h"

#define SIMD sse
#define HALF sse
#define WIDTH 16
#ifndef SSE_TARGET
#define SSE_TARGET __attribute__((target("ssse3")))
#endif
#define TARGET SSE_TARGET
#include TEMPLATE
#undef TARGET
#undef WIDTH
#undef SIMD

#define SIMD avx2
#define WIDTH 32
#define TARGET __attribute__((target("avx2")))
#include TEMPLATE
#undef TARGET
#undef WIDTH
#undef HALF
#undef SIMD
#endif

#if CFRAME_ARM
#include "simd_arm.h"

#define SIMD neon
#define HALF neon
#define WIDTH 16
#define TARGET
#include TEMPLATE
#undef TARGET
#undef WIDTH
#undef HALF
#undef SIMD
#endif

#undef OUTLINE
#undef INLINE
#undef KH
#undef K
#undef H
#undef V
#undef CFRAME_PASTE
#undef CFRAME_PASTE_
#undef TEMPLATE
