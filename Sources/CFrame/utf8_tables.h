// SPDX-License-Identifier: Apache-2.0
#ifndef CFRAME_UTF8_TABLES_H
#define CFRAME_UTF8_TABLES_H

#include <stdint.h>

/*
 * What is wrong with two neighbouring octets, by three lookups of four bits each: the high and low
 * half of the first, the high half of the second (Keiser and Lemire, "Validating UTF-8 in less than
 * one instruction per byte", 2021). A bit is a fault; it holds where all three lookups have it.
 */
enum {
    TOO_SHORT = 0x01,      /* 11______ 0_______, 11______ 11______ */
    TOO_LONG = 0x02,       /* 0_______ 10______ */
    OVERLONG_3 = 0x04,     /* 11100000 100_____ */
    TOO_LARGE = 0x08,      /* 11110100 1001____, 11110100 101_____, 11110101 and above */
    SURROGATE = 0x10,      /* 11101101 101_____ */
    OVERLONG_2 = 0x20,     /* 1100000_ 10______ */
    OVERLONG_4 = 0x40,     /* 11110000 1000____ */
    TOO_LARGE_1000 = 0x40, /* 11110101 1000____ and above; shares its bit, the low halves differ */
    TWO_CONTINUATIONS = 0x80 /* 10______ 10______: a fault unless the second is octet 3 or 4 */
};

/* Faults that do not depend on the low half of the first octet. */
#define ANY_LOW (TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS)

/* The tables hold the faults inverted, so that `or` collects them, and expect the first octet with
 * its top bit flipped: a lookup by the low half is then 0 for ASCII without a mask of its own. 0 is
 * "any fault", which is right: the high half leaves ASCII only TOO_LONG. */
#define NOT(faults) ((uint8_t)(0xFF & ~(unsigned)(faults)))

static const uint8_t FIRST_HIGH[16] = {
    /* 1000 to 1011, from 0000: continuations */
    NOT(TWO_CONTINUATIONS), NOT(TWO_CONTINUATIONS), NOT(TWO_CONTINUATIONS), NOT(TWO_CONTINUATIONS),
    /* 1100 to 1111, from 0100: leads of two, two, three, four */
    NOT(TOO_SHORT | OVERLONG_2),
    NOT(TOO_SHORT),
    NOT(TOO_SHORT | OVERLONG_3 | SURROGATE),
    NOT(TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4),
    /* 0000 to 0111, from 1000: ASCII */
    NOT(TOO_LONG), NOT(TOO_LONG), NOT(TOO_LONG), NOT(TOO_LONG),
    NOT(TOO_LONG), NOT(TOO_LONG), NOT(TOO_LONG), NOT(TOO_LONG),
};

static const uint8_t FIRST_LOW[16] = {
    NOT(ANY_LOW | OVERLONG_3 | OVERLONG_2 | OVERLONG_4),
    NOT(ANY_LOW | OVERLONG_2),
    NOT(ANY_LOW),
    NOT(ANY_LOW),
    NOT(ANY_LOW | TOO_LARGE),
    NOT(ANY_LOW | TOO_LARGE | TOO_LARGE_1000),
    NOT(ANY_LOW | TOO_LARGE | TOO_LARGE_1000),
    NOT(ANY_LOW | TOO_LARGE | TOO_LARGE_1000),
    NOT(ANY_LOW | TOO_LARGE | TOO_LARGE_1000),
    NOT(ANY_LOW | TOO_LARGE | TOO_LARGE_1000),
    NOT(ANY_LOW | TOO_LARGE | TOO_LARGE_1000),
    NOT(ANY_LOW | TOO_LARGE | TOO_LARGE_1000),
    NOT(ANY_LOW | TOO_LARGE | TOO_LARGE_1000),
    NOT(ANY_LOW | TOO_LARGE | TOO_LARGE_1000 | SURROGATE),
    NOT(ANY_LOW | TOO_LARGE | TOO_LARGE_1000),
    NOT(ANY_LOW | TOO_LARGE | TOO_LARGE_1000),
};

static const uint8_t SECOND_HIGH[16] = {
    /* 0000 to 0111 */
    NOT(TOO_SHORT), NOT(TOO_SHORT), NOT(TOO_SHORT), NOT(TOO_SHORT),
    NOT(TOO_SHORT), NOT(TOO_SHORT), NOT(TOO_SHORT), NOT(TOO_SHORT),
    /* 1000, 1001, 1010, 1011 */
    NOT(TOO_LONG | TWO_CONTINUATIONS | OVERLONG_2 | OVERLONG_3 | OVERLONG_4 | TOO_LARGE_1000),
    NOT(TOO_LONG | TWO_CONTINUATIONS | OVERLONG_2 | OVERLONG_3 | TOO_LARGE),
    NOT(TOO_LONG | TWO_CONTINUATIONS | OVERLONG_2 | SURROGATE | TOO_LARGE),
    NOT(TOO_LONG | TWO_CONTINUATIONS | OVERLONG_2 | SURROGATE | TOO_LARGE),
    /* 1100 to 1111 */
    NOT(TOO_SHORT), NOT(TOO_SHORT), NOT(TOO_SHORT), NOT(TOO_SHORT),
};

#undef NOT
#undef ANY_LOW

#endif
