// SPDX-License-Identifier: Apache-2.0
#ifndef CYARDSTICK_H
#define CYARDSTICK_H

#include <stddef.h>
#include <stdint.h>

/*
 * What `wsbench codec` holds against the codec, and the loops that time both. All of them are timed
 * alike: one loop over pieces of memory, one call for each, through a function pointer that the
 * compiler cannot see through, with a length that it does not know.
 */

/// Octets at the same offset in the source and in the target.
typedef struct yardstick_piece {
    size_t offset, size;
} yardstick_piece;

/// What is copied from where to where, piece by piece. What works in place does so in the target,
/// what only reads reads the source.
typedef struct yardstick_block {
    uint8_t *target;
    const uint8_t *source;
    const yardstick_piece *pieces;
    size_t count;
    uint32_t key;
} yardstick_block;

/// Two passes are one over a whole piece, then the other.
typedef enum yardstick_work {
    YARDSTICK_MEMCPY,
    /// cframe_mask in place.
    YARDSTICK_MASK,
    YARDSTICK_MASK_NAIVE,
    /// cframe_utf8.
    YARDSTICK_UTF8,
    YARDSTICK_UTF8_NAIVE,
    /// Only when yardstick_simdutf_open has found it.
    YARDSTICK_UTF8_SIMDUTF,
    /// cframe_mask_utf8 in place.
    YARDSTICK_FUSED,
    /// cframe_mask in place, then cframe_utf8.
    YARDSTICK_TWO_PASSES,
    YARDSTICK_TWO_PASSES_NAIVE,
    /// cframe_mask_utf8 from the source to the target.
    YARDSTICK_FUSED_COPY,
    /// cframe_mask from the source to the target, then cframe_utf8 of that.
    YARDSTICK_TWO_PASSES_COPY,
    YARDSTICK_TWO_PASSES_COPY_NAIVE,
    /// cframe_encode of one frame behind the other, by a server and by a client. The target has
    /// room for all of them.
    YARDSTICK_ENCODE,
    YARDSTICK_ENCODE_MASKED
} yardstick_work;

/// Does `work` on all pieces, `passes` times. Returns nanoseconds; `*invalid` is how many pieces
/// were found not to be UTF-8.
uint64_t yardstick_run(
    yardstick_work work, const yardstick_block *block, size_t passes, uint64_t *invalid);

/// What a parser saw in all passes together.
typedef struct yardstick_parsed {
    uint64_t frames, octets;
    /// The first violation, a cframe_status.
    int status;
} yardstick_parsed;

/// Parses the `n` octets of whole masked frames, `passes` times, by the C parser of a server.
/// Returns nanoseconds.
uint64_t yardstick_parse(uint8_t *octets, size_t n, size_t passes, yardstick_parsed *parsed);

/// The plain loop over octets: not vectorized, not unrolled.
void yardstick_mask_naive(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);

/// The automaton of RFC 3629 section 4, an octet a step. Nonzero if the octets are UTF-8.
int yardstick_utf8_naive(const uint8_t *src, size_t n);

/// Loads simdutf from the library at `path`. 0, or -1 and the reason in `why`, which has room for
/// `capacity` characters.
int yardstick_simdutf_open(const char *path, char *why, size_t capacity);

/// By a clock that does not jump.
uint64_t yardstick_now(void);

/// Takes a value that nothing else takes, so that it has to be computed.
void yardstick_sink(uint64_t value);

/// How often this thread has allocated memory since it started. Stays 0 where allocations cannot
/// be counted: see yardstick_counts_allocations.
uint64_t yardstick_allocations(void);

/// Nonzero if this program's allocations are counted: with the GNU C library, and not under a
/// sanitizer that has an allocator of its own.
int yardstick_counts_allocations(void);

#endif
