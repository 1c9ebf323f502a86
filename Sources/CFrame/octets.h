// SPDX-License-Identifier: Apache-2.0
#ifndef CFRAME_OCTETS_H
#define CFRAME_OCTETS_H

#include <stdint.h>
#include <string.h>

/* Octet n of a word is bits 8n to 8n+7 throughout: keys, tails, and the words the kernels load. */
_Static_assert(
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "CFrame is written for little-endian machines");

static inline uint16_t load16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint32_t load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline void store16(uint8_t *p, uint16_t v)
{
    memcpy(p, &v, sizeof v);
}

static inline void store32(uint8_t *p, uint32_t v)
{
    memcpy(p, &v, sizeof v);
}

static inline void store64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, sizeof v);
}

/* The key twice over, for eight octets at once. */
static inline uint64_t key64(uint32_t key)
{
    return (uint64_t)key << 32 | key;
}

#define HIGH_BITS64 0x8080808080808080U
#define HIGH_BITS32 0x80808080U

/* Hides a pointer's value from the compiler. Used where two branches begin, lest it do the work
 * that they share before it knows which to take, and run out of registers. */
#define HIDE(pointer) __asm__("" : "+r"(pointer))

#endif
