// SPDX-License-Identifier: Apache-2.0
#ifndef CFRAME_SIMD_ARM_H
#define CFRAME_SIMD_ARM_H

/* The words of simd_x86.h, for NEON on aarch64. */

#include <arm_neon.h>
#include <stdint.h>

#define NEON static inline __attribute__((always_inline))

typedef uint8x16_t neon_vec;

NEON neon_vec neon_load(const uint8_t *p) { return vld1q_u8(p); }
NEON void neon_store(uint8_t *p, neon_vec v) { vst1q_u8(p, v); }
NEON neon_vec neon_xor(neon_vec a, neon_vec b) { return veorq_u8(a, b); }
NEON neon_vec neon_or(neon_vec a, neon_vec b) { return vorrq_u8(a, b); }
NEON neon_vec neon_and(neon_vec a, neon_vec b) { return vandq_u8(a, b); }
NEON neon_vec neon_max(neon_vec a, neon_vec b) { return vmaxq_u8(a, b); }
NEON neon_vec neon_splat(uint8_t c) { return vdupq_n_u8(c); }
NEON neon_vec neon_zero(void) { return neon_splat(0); }
NEON neon_vec neon_ones(void) { return neon_splat(0xFF); }
NEON neon_vec neon_key(uint32_t k) { return vreinterpretq_u8_u32(vdupq_n_u32(k)); }
NEON neon_vec neon_subs(neon_vec v, uint8_t c) { return vqsubq_u8(v, neon_splat(c)); }
NEON neon_vec neon_table(const uint8_t t[16]) { return vld1q_u8(t); }
NEON int neon_any_high(neon_vec v) { return vmaxvq_u8(v) >= 0x80; }
NEON int neon_any_lead3(neon_vec v) { return vmaxvq_u8(v) >= 0xE0; }
NEON int neon_all_ones(neon_vec v) { return vminvq_u8(v) == 0xFF; }
NEON neon_vec neon_before(uint32_t w)
{
    return vreinterpretq_u8_u32(vsetq_lane_u32(w, vdupq_n_u32(0), 3));
}
NEON uint32_t neon_last(neon_vec v) { return vgetq_lane_u32(vreinterpretq_u32_u8(v), 3); }
NEON neon_vec neon_join(uint64_t lo, uint64_t hi)
{
    return vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(lo), vcreate_u64(hi)));
}
/* vqtbl1q_u8 gives 0 for every index above 15, so the top bit is all that may stay above four. */
NEON neon_vec neon_lookup_low(neon_vec t, neon_vec v)
{
    return vqtbl1q_u8(t, vandq_u8(v, neon_splat(0x8F)));
}
NEON neon_vec neon_lookup_high(neon_vec t, neon_vec v) { return vqtbl1q_u8(t, vshrq_n_u8(v, 4)); }
NEON neon_vec neon_previous1(neon_vec v, neon_vec b) { return vextq_u8(b, v, 15); }
NEON neon_vec neon_previous2(neon_vec v, neon_vec b) { return vextq_u8(b, v, 14); }
NEON neon_vec neon_previous3(neon_vec v, neon_vec b) { return vextq_u8(b, v, 13); }

#undef NEON

#endif
