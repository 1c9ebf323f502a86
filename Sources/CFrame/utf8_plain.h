// SPDX-License-Identifier: Apache-2.0
#ifndef CFRAME_UTF8_PLAIN_H
#define CFRAME_UTF8_PLAIN_H

#include "CFrame.h"
#include "octets.h"

/*
 * The state of a text between pieces is its tail: the octets of a character begun and not
 * finished, the newest in the top octet, zeros below the oldest. Those octets are valid so far.
 *
 *     nothing          00 00 00 00      (low octet ... top octet)
 *     E2               00 00 00 E2
 *     F0 9F            00 00 F0 9F
 *     F0 9F 98         00 F0 9F 98
 */

/* No tail: its top octet would be a continuation with nothing before it. */
#define UTF8_INVALID 0x80000000U

/* The tail after `octet`, UTF8_INVALID if no valid text goes on so (RFC 3629 section 4). */
static inline uint32_t utf8_step(uint32_t tail, uint8_t octet)
{
    if (tail == 0) {
        if (octet < 0x80)
            return 0;
        return octet >= 0xC2 && octet <= 0xF4 ? (uint32_t)octet << 24 : UTF8_INVALID;
    }
    if ((octet & 0xC0) != 0x80)
        return UTF8_INVALID;
    const uint32_t longer = tail >> 8 | (uint32_t)octet << 24;
    if ((tail & 0x00FFFFFF) == 0) {
        const uint32_t lead = tail >> 24;
        if ((lead == 0xE0 && octet < 0xA0) || (lead == 0xED && octet > 0x9F)
            || (lead == 0xF0 && octet < 0x90) || (lead == 0xF4 && octet > 0x8F))
            return UTF8_INVALID;
        return lead < 0xE0 ? 0 : longer;
    }
    if ((tail & 0x0000FFFF) == 0)
        return (tail >> 16 & 0xFF) < 0xF0 ? 0 : longer;
    return 0;
}

/* The tail of a text whose last octets are `last` (laid out like a tail) and of which all pairs and
 * all characters that ended have been checked. A lead that no second octet can save is invalid at
 * once: pairs would show it one octet later. */
static inline uint32_t utf8_tail_of(uint32_t last)
{
    if ((last & HIGH_BITS32) == 0)
        return 0;
    const uint32_t newest = last >> 24;
    if (newest >= 0xC0)
        return newest >= 0xC2 && newest <= 0xF4 ? newest << 24 : UTF8_INVALID;
    if ((last >> 16 & 0xFF) >= 0xE0)
        return last & 0xFFFF0000;
    if ((last >> 8 & 0xFF) >= 0xF0)
        return last & 0xFFFFFF00;
    return 0;
}

/* Octet by octet to the end of the character that `*tail` began, if `n` reaches so far. Returns
 * the octets taken; `*tail` is 0, UTF8_INVALID, or all `n` were taken. */
static inline size_t utf8_finish_character(const uint8_t *src, size_t n, uint32_t *tail)
{
    size_t i = 0;
    while (i < n && *tail != 0 && *tail != UTF8_INVALID)
        *tail = utf8_step(*tail, src[i++]);
    return i;
}

/* The tail after `n` more octets, or UTF8_INVALID. */
static inline uint32_t utf8_plain(const uint8_t *src, size_t n, uint32_t tail)
{
    size_t i = utf8_finish_character(src, n, &tail);
    if (tail != 0)
        return tail;
    const uint8_t *p = src + i;
    const uint8_t *const end = src + n;
    /* While four octets are left a whole character is. */
    while (end - p >= 4) {
        uint32_t w = load32(p);
        if ((w & HIGH_BITS32) == 0) {
            p += 4;
            while (end - p >= 16 && ((load64(p) | load64(p + 8)) & HIGH_BITS64) == 0)
                p += 16;
            continue;
        }
        const unsigned ascii = (unsigned)__builtin_ctz(w & HIGH_BITS32) / 8;
        if (ascii != 0) {
            p += ascii;
            if (end - p < 4)
                break;
            w = load32(p);
        }
        /* Lead and continuation bits of the three lengths, then what they exclude. */
        if ((w & 0x0000C0E0) == 0x000080C0) {
            if ((w & 0x1E) == 0)
                return UTF8_INVALID;
            p += 2;
        } else if ((w & 0x00C0C0F0) == 0x008080E0) {
            const uint32_t value = (w & 0x0F) << 4 | (w >> 10 & 0x0F);
            /* Top eight bits of the code point: over-long below 0x08, surrogates 0xD8 to 0xDF. */
            if (value < 0x08 || (value & 0xF8) == 0xD8)
                return UTF8_INVALID;
            p += 3;
        } else if ((w & 0xC0C0C0F8) == 0x808080F0) {
            /* Its plane: 1 to 16. */
            const uint32_t plane = (w & 0x07) << 2 | (w >> 12 & 0x03);
            if (plane - 1 > 15)
                return UTF8_INVALID;
            p += 4;
        } else {
            return UTF8_INVALID;
        }
    }
    while (p != end && tail != UTF8_INVALID)
        tail = utf8_step(tail, *p++);
    return tail;
}

#endif
