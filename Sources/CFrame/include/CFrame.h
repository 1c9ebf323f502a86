// SPDX-License-Identifier: Apache-2.0
#ifndef CFRAME_H
#define CFRAME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The octet work of RFC 6455: finding frames, masking, UTF-8, and the two codings of the opening
 * handshake. Nothing here allocates, waits, or keeps state outside what the caller passes in, and
 * no function reads or writes an octet outside the ranges it is given. Pointers need no alignment;
 * one that goes with a length of 0 may be null.
 *
 * A masking key is its four wire octets copied into a uint32_t with memcpy.
 */

/// What is wrong with the peer's octets; each has its close code (cframe_status_close_code).
typedef enum cframe_status {
    CFRAME_OK = 0,

    /* 1002, protocol error */

    /// RFC 6455 section 5.1: a client's frame must be masked.
    CFRAME_UNMASKED_CLIENT_FRAME,
    /// RFC 6455 section 5.1: a server's frame must not be masked.
    CFRAME_MASKED_SERVER_FRAME,
    /// RFC 6455 section 5.2: a reserved bit is set that no extension gave a meaning here.
    CFRAME_RESERVED_BITS,
    /// RFC 6455 section 5.2: opcode 3 to 7 or 11 to 15.
    CFRAME_RESERVED_OPCODE,
    /// RFC 6455 section 5.5: a control frame without FIN.
    CFRAME_FRAGMENTED_CONTROL_FRAME,
    /// RFC 6455 section 5.5: a control frame of more than 125 octets.
    CFRAME_OVERSIZED_CONTROL_FRAME,
    /// RFC 6455 section 5.2: a length not written in the fewest octets.
    CFRAME_NON_MINIMAL_LENGTH,
    /// RFC 6455 section 5.2: a 64-bit length whose top bit is set.
    CFRAME_LENGTH_TOP_BIT,
    /// RFC 6455 section 5.4: a continuation frame with no message to continue.
    CFRAME_UNEXPECTED_CONTINUATION,
    /// RFC 6455 section 5.4: a new message before the last one ended.
    CFRAME_INTERRUPTED_MESSAGE,
    /// RFC 6455 section 5.5.1: a close frame of one octet.
    CFRAME_CLOSE_PAYLOAD_LENGTH,
    /// RFC 6455 section 7.4: a close code that must not be on the wire.
    CFRAME_INVALID_CLOSE_CODE,

    /* 1007, invalid payload */

    /// RFC 6455 section 8.1: a text message that is not UTF-8.
    CFRAME_INVALID_UTF8,
    /// RFC 6455 section 5.5.1: a close reason that is not UTF-8.
    CFRAME_INVALID_CLOSE_REASON,

    /* 1009, too big */

    /// A data frame longer than max_frame.
    CFRAME_FRAME_TOO_BIG,
    /// A message longer than max_message.
    CFRAME_MESSAGE_TOO_BIG,
    /// A message of more frames than max_fragments.
    CFRAME_TOO_MANY_FRAGMENTS
} cframe_status;

/// The close code that answers a violation: 1002, 1007 or 1009; 0 for CFRAME_OK.
uint16_t cframe_status_close_code(cframe_status status);

/// Who we are: a server wants masked frames, a client unmasked ones (RFC 6455 section 5.1).
typedef enum cframe_role { CFRAME_SERVER = 0, CFRAME_CLIENT = 1 } cframe_role;

/// Bits of cframe_record.flags. A message in one whole frame, and any control frame, has all four.
enum {
    CFRAME_FRAME_BEGIN = 1,
    CFRAME_FRAME_END = 2,
    CFRAME_MESSAGE_BEGIN = 4,
    CFRAME_MESSAGE_END = 8
};

/// A whole control frame, or a whole or partial data frame, lying unmasked in the parsed octets.
typedef struct cframe_record {
    /// Where the payload starts in the octets given to cframe_parse.
    uint32_t offset;
    /// Octets of payload; a close frame's code is among them.
    uint32_t length;
    /// First octet of the frame: FIN, reserved bits, opcode.
    uint8_t b0;
    /// First octet of the message's first frame, which tells text from binary. Control frames: b0.
    uint8_t message_b0;
    /// CFRAME_FRAME_BEGIN and so on.
    uint8_t flags;
    uint8_t reserved;
    /// Close frames: the code, 1005 when the payload is empty. 0 in all others.
    uint16_t close_code;
    uint16_t reserved2;
} cframe_record;

/// One direction of one connection. Set up by cframe_parser_init; holds no pointers, may be moved.
typedef struct cframe_parser {
    /// Octets of the open data frame still to come.
    uint64_t frame_remaining;
    /// Payload octets of the open message, with all of its open frame.
    uint64_t message_length;
    uint64_t max_frame;
    uint64_t max_message;
    uint32_t max_fragments;
    /// Frames of the open message so far.
    uint32_t fragments;
    /// Key of the open frame, turned to its next octet.
    uint32_t key;
    /// Octets of a character begun in the open text message, the newest in the top octet.
    uint32_t utf8_tail;
    /// A cframe_role.
    uint8_t role;
    /// Reserved bits a text or binary message may start with: 0x40 with permessage-deflate. The
    /// caller may set this after cframe_parser_init.
    uint8_t reserved_bits_allowed;
    /// First octet of the open message, 0 when none is open.
    uint8_t message_b0;
    /// First octet of the open or latest data frame.
    uint8_t frame_b0;
    /// 1 behind a close frame.
    uint8_t closed;
    /// The cframe_status that stopped the parser.
    uint8_t status;
    /// CFRAME_FRAME_BEGIN and CFRAME_MESSAGE_BEGIN that no record has carried yet.
    uint8_t pending_flags;
    uint8_t reserved;
} cframe_parser;

/// Starts a parser at the first octet behind the opening handshake.
///
/// `max_frame` and `max_message` are payload octets, `max_fragments` is frames in a message (0 does
/// as 1). They bound data frames only; a control frame has its own bound of 125 octets.
void cframe_parser_init(
    cframe_parser *parser, cframe_role role, uint64_t max_frame, uint64_t max_message,
    uint32_t max_fragments);

/// Finds frames in the `n` octets of `buf` (n <= 2^31), unmasks and validates them in place, and
/// writes what it found to `out`. Returns the number of records, at most `cap`; `*used` is the
/// octets consumed. Call again with what was not consumed, and more behind it, as soon as a call
/// made records or consumed octets and octets are left.
///
/// - Data payloads are taken as they come: a record without CFRAME_FRAME_END is a part of a frame.
///   A part of no octets makes no record, nor does an empty frame that does not end its message
///   (the BEGIN flags are then on the next record); an empty frame that ends its message does.
/// - Control frames are taken whole and headers are taken whole. An unfinished one (139 octets at
///   most) is left unconsumed, but the header octets that are there have been checked, so a
///   violation is reported on the earliest octet that shows it, however the stream was cut.
/// - `*status` names a violation. The records before it are good, `*used` is where its frame or
///   part starts, octets behind that may or may not be unmasked, and later calls consume nothing.
/// - Parsing stops behind a close frame. Later calls consume everything and report nothing
///   (RFC 6455 section 5.5.1: what follows a close frame is ignored).
/// - Text is validated across fragments and fails on the first octet that cannot be right.
///   Messages with RSV1 set are unmasked only, and for them the sum of frame lengths may reach
///   max_message + max_message / 256 + 1024: the inflated size is the caller's to check.
size_t cframe_parse(
    cframe_parser *parser, uint8_t *buf, size_t n, cframe_record *out, size_t cap, size_t *used,
    cframe_status *status);

/// XORs `n` octets of `src` with the masking key into `dst` (RFC 6455 section 5.3), which masks and
/// unmasks alike. `dst` is `src` or does not overlap it.
void cframe_mask(uint8_t *dst, const uint8_t *src, size_t n, uint32_t key);

/// cframe_mask and cframe_utf8 of the result in one pass. After an invalid result `dst` holds
/// unmasked octets for all `n` or for some of them.
int32_t cframe_mask_utf8(
    uint8_t *dst, const uint8_t *src, size_t n, uint32_t key, uint32_t *tail);

/// Validates one piece of a UTF-8 text (RFC 3629). Returns 0 while every octet so far can be part
/// of a valid text, nonzero as soon as one cannot; `*tail` then means nothing.
///
/// `*tail` carries an unfinished character from piece to piece: 0 at first; the text is valid when
/// it is 0 again at the end.
int32_t cframe_utf8(const uint8_t *src, size_t n, uint32_t *tail);

/// The key for the octets that follow the first `n` of a payload.
static inline uint32_t cframe_key_advance(uint32_t key, size_t n)
{
    const unsigned bits = 8U * (unsigned)(n & 3U);
    return (key >> bits) | (key << ((32U - bits) & 31U));
}

/// Octets of a frame with `length` octets of payload: header and payload.
static inline size_t cframe_frame_size(size_t length, int masked)
{
    const size_t extended = length <= 125 ? 0 : length <= 0xFFFF ? 2 : 8;
    return 2 + extended + (masked ? 4 : 0) + length;
}

/// Writes a frame header and returns its length, 2 to 14. `b0` is written as it is given.
size_t cframe_encode_header(
    uint8_t dst[14], uint8_t b0, uint64_t length, int masked, uint32_t key);

/// Writes one whole frame, masked with `key` if `masked`, and returns its length. `dst` has room
/// for cframe_frame_size(length, masked) octets and does not overlap `payload`.
size_t cframe_encode(
    uint8_t *dst, uint8_t b0, const uint8_t *payload, size_t length, int masked, uint32_t key);

/// The instruction sets that masking and validation are written for.
typedef enum cframe_kernel {
    CFRAME_KERNEL_PLAIN,
    CFRAME_KERNEL_SSE,
    CFRAME_KERNEL_AVX2,
    CFRAME_KERNEL_NEON
} cframe_kernel;

/// Nonzero if this machine can run `kernel`.
int cframe_kernel_available(cframe_kernel kernel);

/// Makes the whole process use `kernel`; nonzero if this machine cannot. For tests and benchmarks:
/// without it the best one is chosen at first use.
int cframe_kernel_use(cframe_kernel kernel);

/// The kernel in use.
cframe_kernel cframe_kernel_current(void);

/// "plain", "sse", "avx2" or "neon"; "unknown" for any other value.
const char *cframe_kernel_name(cframe_kernel kernel);

/// SHA-1 (FIPS 180-4), for the accept key only: no security rests on it (RFC 6455 section 10.8).
void cframe_sha1(const uint8_t *data, size_t n, uint8_t digest[20]);

/// Base64 with padding (RFC 4648 section 4). Writes and returns 4 * ((n + 2) / 3) characters; no
/// NUL follows.
size_t cframe_base64_encode(const uint8_t *data, size_t n, char *out);

/// Strict Base64: whole groups of four, canonical padding, zero trailing bits, nothing else.
/// Returns the octets written, or -1 if the text is not such or they are more than `capacity`.
int cframe_base64_decode(const char *text, size_t n, uint8_t *out, size_t capacity);

/// Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 section 4.2.2). No NUL on either side.
void cframe_accept_key(const char key[24], char accept[28]);

#ifdef __cplusplus
}
#endif

#endif
