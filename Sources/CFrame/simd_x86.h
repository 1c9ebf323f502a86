// SPDX-License-Identifier: Apache-2.0
#ifndef CFRAME_SIMD_X86_H
#define CFRAME_SIMD_X86_H

/*
 * The words the kernels are written in, for x86-64. simd_arm.h says the same words for NEON.
 *
 *     load store xor or and max     as they say, octet by octet, any alignment
 *     subs(v, c)                    v - c, not below 0
 *     zero ones splat(c) key(k)     all octets 0, all 0xFF, all c, the key over and over
 *     table(t)                      sixteen octets, in every lane that lookups need it in
 *     lookup_low(t, v)              t[v & 15], 0 where the top bit of v is set
 *     lookup_high(t, v)             t[v >> 4]
 *     any_high(v) any_lead3(v)      whether an octet is >= 0x80, >= 0xE0
 *     all_ones(v)                   whether every octet is 0xFF
 *     before(w)                     zeros, and the four octets of w at the end
 *     last(v)                       the last four octets of v
 *     previous1(v, b) 2 3           v moved up by one octet, the last of b moving in
 *     join(lo, hi)                  sixteen octets from two words
 *
 * SSE words are SSE2 except for the lookups and previousN, which are SSSE3.
 */

#include <immintrin.h>
#include <stdint.h>

#define SSE2 static inline __attribute__((always_inline))
#define SSSE3 static inline __attribute__((always_inline, target("ssse3")))
#define AVX2 static inline __attribute__((always_inline, target("avx2")))

typedef __m128i sse_vec;

SSE2 sse_vec sse_load(const uint8_t *p)
{
    return _mm_loadu_si128((const __m128i *)(const void *)p);
}
SSE2 void sse_store(uint8_t *p, sse_vec v) { _mm_storeu_si128((__m128i *)(void *)p, v); }
SSE2 sse_vec sse_xor(sse_vec a, sse_vec b) { return _mm_xor_si128(a, b); }
SSE2 sse_vec sse_or(sse_vec a, sse_vec b) { return _mm_or_si128(a, b); }
SSE2 sse_vec sse_and(sse_vec a, sse_vec b) { return _mm_and_si128(a, b); }
SSE2 sse_vec sse_max(sse_vec a, sse_vec b) { return _mm_max_epu8(a, b); }
SSE2 sse_vec sse_zero(void) { return _mm_setzero_si128(); }
SSE2 sse_vec sse_splat(uint8_t c) { return _mm_set1_epi8((char)c); }
SSE2 sse_vec sse_ones(void) { return sse_splat(0xFF); }
SSE2 sse_vec sse_key(uint32_t k) { return _mm_set1_epi32((int)k); }
SSE2 sse_vec sse_subs(sse_vec v, uint8_t c) { return _mm_subs_epu8(v, sse_splat(c)); }
SSE2 sse_vec sse_table(const uint8_t t[16]) { return sse_load(t); }
SSE2 int sse_any_high(sse_vec v) { return _mm_movemask_epi8(v) != 0; }
SSE2 int sse_any_lead3(sse_vec v) { return sse_any_high(sse_subs(v, 0xE0 - 0x80)); }
SSE2 int sse_all_ones(sse_vec v)
{
    return _mm_movemask_epi8(_mm_cmpeq_epi8(v, sse_ones())) == 0xFFFF;
}
SSE2 sse_vec sse_before(uint32_t w) { return _mm_slli_si128(_mm_cvtsi32_si128((int)w), 12); }
SSE2 uint32_t sse_last(sse_vec v) { return (uint32_t)_mm_cvtsi128_si32(_mm_srli_si128(v, 12)); }
SSE2 sse_vec sse_join(uint64_t lo, uint64_t hi)
{
    return _mm_set_epi64x((long long)hi, (long long)lo);
}

SSSE3 sse_vec sse_lookup_low(sse_vec t, sse_vec v) { return _mm_shuffle_epi8(t, v); }
SSSE3 sse_vec sse_lookup_high(sse_vec t, sse_vec v)
{
    return _mm_shuffle_epi8(t, _mm_and_si128(_mm_srli_epi16(v, 4), sse_splat(0x0F)));
}
SSSE3 sse_vec sse_previous1(sse_vec v, sse_vec b) { return _mm_alignr_epi8(v, b, 15); }
SSSE3 sse_vec sse_previous2(sse_vec v, sse_vec b) { return _mm_alignr_epi8(v, b, 14); }
SSSE3 sse_vec sse_previous3(sse_vec v, sse_vec b) { return _mm_alignr_epi8(v, b, 13); }

typedef __m256i avx2_vec;

AVX2 avx2_vec avx2_load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}
AVX2 void avx2_store(uint8_t *p, avx2_vec v) { _mm256_storeu_si256((__m256i *)(void *)p, v); }
AVX2 avx2_vec avx2_xor(avx2_vec a, avx2_vec b) { return _mm256_xor_si256(a, b); }
AVX2 avx2_vec avx2_or(avx2_vec a, avx2_vec b) { return _mm256_or_si256(a, b); }
AVX2 avx2_vec avx2_and(avx2_vec a, avx2_vec b) { return _mm256_and_si256(a, b); }
AVX2 avx2_vec avx2_max(avx2_vec a, avx2_vec b) { return _mm256_max_epu8(a, b); }
AVX2 avx2_vec avx2_zero(void) { return _mm256_setzero_si256(); }
AVX2 avx2_vec avx2_splat(uint8_t c) { return _mm256_set1_epi8((char)c); }
AVX2 avx2_vec avx2_ones(void) { return avx2_splat(0xFF); }
AVX2 avx2_vec avx2_key(uint32_t k) { return _mm256_set1_epi32((int)k); }
AVX2 avx2_vec avx2_subs(avx2_vec v, uint8_t c) { return _mm256_subs_epu8(v, avx2_splat(c)); }
AVX2 avx2_vec avx2_table(const uint8_t t[16]) { return _mm256_broadcastsi128_si256(sse_load(t)); }
AVX2 int avx2_any_high(avx2_vec v) { return _mm256_movemask_epi8(v) != 0; }
AVX2 int avx2_any_lead3(avx2_vec v) { return avx2_any_high(avx2_subs(v, 0xE0 - 0x80)); }
AVX2 int avx2_all_ones(avx2_vec v) { return _mm256_testc_si256(v, avx2_ones()); }
AVX2 avx2_vec avx2_before(uint32_t w)
{
    return _mm256_inserti128_si256(_mm256_setzero_si256(), sse_before(w), 1);
}
AVX2 uint32_t avx2_last(avx2_vec v) { return (uint32_t)_mm256_extract_epi32(v, 7); }
AVX2 avx2_vec avx2_lookup_low(avx2_vec t, avx2_vec v) { return _mm256_shuffle_epi8(t, v); }
AVX2 avx2_vec avx2_lookup_high(avx2_vec t, avx2_vec v)
{
    return _mm256_shuffle_epi8(t, _mm256_and_si256(_mm256_srli_epi16(v, 4), avx2_splat(0x0F)));
}
/* The upper half of b and the lower half of v: what stands sixteen octets before v. */
AVX2 avx2_vec avx2_straddle(avx2_vec v, avx2_vec b)
{
    return _mm256_permute2x128_si256(b, v, 0x21);
}
AVX2 avx2_vec avx2_previous1(avx2_vec v, avx2_vec b)
{
    return _mm256_alignr_epi8(v, avx2_straddle(v, b), 15);
}
AVX2 avx2_vec avx2_previous2(avx2_vec v, avx2_vec b)
{
    return _mm256_alignr_epi8(v, avx2_straddle(v, b), 14);
}
AVX2 avx2_vec avx2_previous3(avx2_vec v, avx2_vec b)
{
    return _mm256_alignr_epi8(v, avx2_straddle(v, b), 13);
}

#undef SSE2
#undef SSSE3
#undef AVX2

#endif
