// SPDX-License-Identifier: Apache-2.0
#ifndef CZLIB_H
#define CZLIB_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Raw DEFLATE (RFC 1951) as permessage-deflate uses it (RFC 7692), over zlib: one stream for each
 * direction. No call here blocks, and every one is bounded by the octets it is given and may make.
 * A pointer that goes with a length of 0 may be null.
 */

/// A compressor or a decompressor with its window.
typedef struct czlib_stream czlib_stream;

typedef enum czlib_status {
    /// It has gone as far as the input, or the room for output, reaches.
    CZLIB_OK = 0,
    /// The octets are not DEFLATE. The stream is good for nothing more.
    CZLIB_CORRUPT,
    /// An allocation failed. The stream is good for nothing more.
    CZLIB_NO_MEMORY
} czlib_status;

/// A compressor with a window of 2^window_bits octets, 9 to 15; `level` 1 to 9, `mem_level` 1 to
/// 9. NULL without memory, or when zlib does not know such a compressor.
czlib_stream *czlib_deflate_open(int level, int window_bits, int mem_level);

/// A decompressor for windows up to 2^window_bits octets, 8 to 15. NULL as above.
czlib_stream *czlib_inflate_open(int window_bits);

/// Frees a stream of either kind; NULL does nothing.
void czlib_close(czlib_stream *stream);

/// Forgets everything: the stream is as it was when opened.
void czlib_reset(czlib_stream *stream);

/// Octets that a compressor of this shape takes at the most.
size_t czlib_deflate_memory(int window_bits, int mem_level);

/// Octets that a decompressor of this shape takes at the most.
size_t czlib_inflate_memory(int window_bits);

/// Octets that `stream` has taken from the allocator.
size_t czlib_memory(const czlib_stream *stream);

/// How far a compressor goes.
typedef enum czlib_flush {
    /// Octets may stay inside until later ones come.
    CZLIB_KEEP = 0,
    /// Everything comes out, with an empty stored block (00 00 FF FF) at the end, unless nothing
    /// went in since the last one.
    CZLIB_FLUSH
} czlib_flush;

/// Compresses from the `n` octets of `in`, writes to the `capacity` octets of `out`, and says how
/// many of each were used. All is done when fewer than `capacity` octets were made; else call it
/// again with the rest.
czlib_status czlib_deflate(
    czlib_stream *stream, czlib_flush flush, const uint8_t *in, size_t n, size_t *used,
    uint8_t *out, size_t capacity, size_t *made);

/// Decompresses likewise. A block marked as the last is taken as any other: what follows it is
/// decompressed in the same window, as RFC 7692 section 7.2.3.4 wants it. What was made before
/// octets that are not DEFLATE is good.
czlib_status czlib_inflate(
    czlib_stream *stream, const uint8_t *in, size_t n, size_t *used, uint8_t *out,
    size_t capacity, size_t *made);

/// Nonzero if the octets so far end where a block does, at an octet's end.
int czlib_inflate_is_between_blocks(const czlib_stream *stream);

/// Nonzero if the octets so far end with the block marked as the last, and nothing behind it.
int czlib_inflate_is_behind_last(const czlib_stream *stream);

/// For tests: the allocation after `count` further ones fails, and all after it, on this thread; a
/// negative count ends that.
void czlib_refuse_allocations(long count);

#ifdef __cplusplus
}
#endif

#endif
