// SPDX-License-Identifier: Apache-2.0
#ifndef CFRAME_TEST_H
#define CFRAME_TEST_H

#include "CFrame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// Set by --quick: fewer random cases and coarser sweeps, for emulators.
extern bool quick;
extern uint64_t checks, failures;

/// Counts a check; says where it failed, the first hundred times.
#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        checks++;                                                                                  \
        if (!(condition)) {                                                                        \
            failures++;                                                                            \
            if (failures <= 100) {                                                                 \
                printf(                                                                            \
                    "%s:%d: [%s] %s: ", __FILE__, __LINE__,                                        \
                    cframe_kernel_name(cframe_kernel_current()), #condition);                      \
                printf(__VA_ARGS__);                                                               \
                printf("\n");                                                                      \
            }                                                                                      \
        }                                                                                          \
    } while (0)

/// A reproducible random number (xorshift64*).
uint64_t random_bits(void);
/// A random number below `bound`.
size_t random_below(size_t bound);
void random_fill(uint8_t *p, size_t n);

/// Memory between two pages that cannot be touched: an access outside stops the program.
enum { GUARDED_MAX = 1 << 18 };
typedef struct guarded {
    uint8_t *begin, *end;
} guarded;
guarded guarded_new(void);

/// Longest text the tests build, with what stands around it.
enum { TEXT_MAX = 70 << 10, AROUND = 128 };

/// Runs `test` under every kernel that this machine has.
void each_kernel(void (*test)(void));

/// The first octet that no valid text can have there, `n` if there is none. `*tail` is the
/// unfinished character at the end then, laid out as cframe_utf8 does. Written from the grammar of
/// RFC 3629 section 4.
size_t naive_utf8(const uint8_t *text, size_t n, uint32_t *tail);
void naive_mask(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);

/// Writes a random valid text of exactly `n` octets: runs of one to four-octet characters.
void random_text(uint8_t *text, size_t n);

void test_mask(void);
void test_utf8(void);
void test_parse(void);
void test_encode(void);
void test_handshake(void);

#endif
