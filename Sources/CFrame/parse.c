// SPDX-License-Identifier: Apache-2.0
/*
 * The parser stands either between frames (frame_remaining is 0) or inside a data frame
 * (frame_remaining octets of it are still to come, key and utf8_tail are turned to the next one).
 * Between frames a message may be open (message_b0 is not 0); when none is, message_length,
 * fragments and utf8_tail are 0. It never stands inside a header or a control frame: these are
 * taken whole. `status` and `closed` end it for good.
 */
#include "CFrame.h"
#include "mask_plain.h"
#include "utf8_plain.h"
#include "utf8_tables.h"

enum { OPCODE_TEXT = 1, OPCODE_BINARY = 2, OPCODE_CLOSE = 8, OPCODE_PING = 9, OPCODE_PONG = 10 };
enum { FIN = 0x80, RESERVED_BITS = 0x70, RSV1 = 0x40, OPCODE = 0x0F, CONTROL = 0x08, MASK = 0x80 };
enum {
    WHOLE_MESSAGE =
        CFRAME_FRAME_BEGIN | CFRAME_FRAME_END | CFRAME_MESSAGE_BEGIN | CFRAME_MESSAGE_END
};
/* Octets of a masked frame's header when the payload is 125 octets or less. */
enum { SHORT_HEADER = 6, SHORT_PAYLOAD_MAX = 125 };
/* RFC 6455 section 7.4.1: what a close frame without a code stands for. */
enum { NO_CLOSE_CODE = 1005 };

#define TEMPLATE "parse_kernel.h"
#include "each_simd.h"

uint16_t cframe_status_close_code(cframe_status status)
{
    switch (status) {
    case CFRAME_OK:
        return 0;
    case CFRAME_INVALID_UTF8:
    case CFRAME_INVALID_CLOSE_REASON:
        return 1007;
    case CFRAME_FRAME_TOO_BIG:
    case CFRAME_MESSAGE_TOO_BIG:
    case CFRAME_TOO_MANY_FRAGMENTS:
        return 1009;
    default:
        return 1002;
    }
}

void cframe_parser_init(
    cframe_parser *parser, cframe_role role, uint64_t max_frame, uint64_t max_message,
    uint32_t max_fragments)
{
    memset(parser, 0, sizeof *parser);
    parser->max_frame = max_frame;
    parser->max_message = max_message;
    parser->max_fragments = max_fragments;
    parser->role = (uint8_t)role;
}

typedef struct header {
    uint64_t length;
    uint32_t key;
    /* Octets of the header; 0 while it is unfinished. */
    uint32_t size;
} header;

static cframe_status check_b0(const cframe_parser *parser, uint8_t b0)
{
    const uint8_t opcode = b0 & OPCODE;
    const int starts_message = opcode == OPCODE_TEXT || opcode == OPCODE_BINARY;
    /* RFC 7692 section 6.1: RSV1 is on a message's first frame only. */
    const uint8_t allowed = starts_message ? parser->reserved_bits_allowed : 0;
    if (b0 & RESERVED_BITS & ~allowed)
        return CFRAME_RESERVED_BITS;
    if (b0 & CONTROL) {
        if (opcode > OPCODE_PONG)
            return CFRAME_RESERVED_OPCODE;
        return b0 & FIN ? CFRAME_OK : CFRAME_FRAGMENTED_CONTROL_FRAME;
    }
    if (opcode > OPCODE_BINARY)
        return CFRAME_RESERVED_OPCODE;
    if (starts_message)
        return parser->message_b0 ? CFRAME_INTERRUPTED_MESSAGE : CFRAME_OK;
    if (!parser->message_b0)
        return CFRAME_UNEXPECTED_CONTINUATION;
    return parser->fragments >= parser->max_fragments ? CFRAME_TOO_MANY_FRAGMENTS : CFRAME_OK;
}

/* How many octets the next data frame may have, and what it breaks by having more. One bound, the
 * tighter, so that the verdict does not hang on how much of the length is there. */
static uint64_t length_limit(const cframe_parser *parser, uint8_t b0, cframe_status *beyond)
{
    uint64_t max_message = parser->max_message;
    const uint8_t message_b0 = parser->message_b0 ? parser->message_b0 : b0;
    if (message_b0 & RSV1) {
        const uint64_t slack = max_message / 256 + 1024;
        max_message = max_message > UINT64_MAX - slack ? UINT64_MAX : max_message + slack;
    }
    const uint64_t length = parser->message_length;
    const uint64_t left = length < max_message ? max_message - length : 0;
    *beyond = parser->max_frame <= left ? CFRAME_FRAME_TOO_BIG : CFRAME_MESSAGE_TOO_BIG;
    return parser->max_frame <= left ? parser->max_frame : left;
}

/* Reads a header of which `n` octets, at least one, are there. All that they show is checked. */
static cframe_status
read_header(const cframe_parser *parser, const uint8_t *octets, size_t n, header *h)
{
    h->size = 0;
    const uint8_t b0 = octets[0];
    const cframe_status status = check_b0(parser, b0);
    if (status != CFRAME_OK || n < 2)
        return status;

    const uint8_t b1 = octets[1];
    const int masked = (b1 & MASK) != 0;
    if (masked != (parser->role == CFRAME_SERVER))
        return masked ? CFRAME_MASKED_SERVER_FRAME : CFRAME_UNMASKED_CLIENT_FRAME;

    uint64_t length = b1 & 0x7F;
    size_t width = 0;
    if (b0 & CONTROL) {
        if (length > 125)
            return CFRAME_OVERSIZED_CONTROL_FRAME;
        if ((b0 & OPCODE) == OPCODE_CLOSE && length == 1)
            return CFRAME_CLOSE_PAYLOAD_LENGTH;
    } else {
        if (length > 125) {
            width = length == 126 ? 2 : 8;
            const uint64_t least = length == 126 ? 126 : 65536;
            const size_t present = n - 2 < width ? n - 2 : width;
            if (present == 0)
                return CFRAME_OK;
            uint64_t read = 0;
            for (size_t i = 0; i < present; i++)
                read = read << 8 | octets[2 + i];
            /* The length is at least `length` and at most `most` whatever follows. */
            const size_t missing_bits = 8 * (width - present);
            length = read << missing_bits;
            const uint64_t most = length | (((uint64_t)1 << missing_bits) - 1);
            if (length >> 63)
                return CFRAME_LENGTH_TOP_BIT;
            if (most < least)
                return CFRAME_NON_MINIMAL_LENGTH;
        }
        cframe_status beyond;
        if (length > length_limit(parser, b0, &beyond))
            return beyond;
    }

    const size_t size = 2 + width + (masked ? 4 : 0);
    if (n < size)
        return CFRAME_OK;
    h->length = length;
    h->key = masked ? load32(octets + 2 + width) : 0;
    h->size = (uint32_t)size;
    return CFRAME_OK;
}

/* RFC 6455 section 7.4 and its registry: 1000 to 1003 and 1007 to 1014 are defined for the wire,
 * 3000 to 4999 are free to libraries and applications. */
static int is_close_code(uint16_t code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014)
        || (code >= 3000 && code <= 4999);
}

/* Checks an unmasked close payload, whose length is not 1 (RFC 6455 section 5.5.1). */
static cframe_status check_close(const uint8_t *payload, size_t n, uint16_t *code)
{
    *code = NO_CLOSE_CODE;
    if (n == 0)
        return CFRAME_OK;
    *code = __builtin_bswap16(load16(payload));
    if (!is_close_code(*code))
        return CFRAME_INVALID_CLOSE_CODE;
    uint32_t tail = 0;
    if (cframe_utf8(payload + 2, n - 2, &tail) || tail != 0)
        return CFRAME_INVALID_CLOSE_REASON;
    return CFRAME_OK;
}

/* Takes a whole control frame, whose payload lies at `offset`. */
static cframe_status take_control(
    cframe_parser *parser, uint8_t *buf, size_t offset, uint8_t b0, const header *h,
    cframe_record *record)
{
    const size_t length = (size_t)h->length;
    cframe_mask(buf + offset, buf + offset, length, h->key);
    uint16_t code = 0;
    if ((b0 & OPCODE) == OPCODE_CLOSE) {
        const cframe_status status = check_close(buf + offset, length, &code);
        if (status != CFRAME_OK)
            return status;
        parser->closed = 1;
    }
    *record = (cframe_record){
        .offset = (uint32_t)offset, .length = (uint32_t)length, .b0 = b0, .message_b0 = b0,
        .flags = WHOLE_MESSAGE, .close_code = code};
    return CFRAME_OK;
}

/* Opens a data frame; its payload comes through take_part. */
static void open_frame(cframe_parser *parser, uint8_t b0, const header *h)
{
    parser->pending_flags |= CFRAME_FRAME_BEGIN;
    if (!parser->message_b0) {
        parser->pending_flags |= CFRAME_MESSAGE_BEGIN;
        parser->message_b0 = b0;
    }
    parser->message_length += h->length;
    parser->fragments++;
    parser->frame_b0 = b0;
    parser->frame_remaining = h->length;
    parser->key = h->key;
}

/* Takes `n` octets of the open data frame, which lie at `offset`. */
static cframe_status
take_part(cframe_parser *parser, uint8_t *buf, size_t offset, size_t n, cframe_record *record)
{
    const int is_text = (parser->message_b0 & (RSV1 | OPCODE)) == OPCODE_TEXT;
    uint8_t *const part = buf + offset;
    if (n != 0) {
        int32_t invalid = 0;
        if (parser->role == CFRAME_CLIENT)
            invalid = is_text ? cframe_utf8(part, n, &parser->utf8_tail) : 0;
        else if (is_text)
            invalid = cframe_mask_utf8(part, part, n, parser->key, &parser->utf8_tail);
        else
            cframe_mask(part, part, n, parser->key);
        if (invalid)
            return CFRAME_INVALID_UTF8;
        parser->key = cframe_key_advance(parser->key, n);
        parser->frame_remaining -= n;
    }

    uint8_t flags = parser->pending_flags;
    parser->pending_flags = 0;
    const uint8_t message_b0 = parser->message_b0;
    if (parser->frame_remaining == 0) {
        flags |= CFRAME_FRAME_END;
        if (parser->frame_b0 & FIN) {
            if (parser->utf8_tail != 0)
                return CFRAME_INVALID_UTF8;
            flags |= CFRAME_MESSAGE_END;
            parser->message_b0 = 0;
            parser->message_length = 0;
            parser->fragments = 0;
        }
    }
    *record = (cframe_record){
        .offset = (uint32_t)offset, .length = (uint32_t)n, .b0 = parser->frame_b0,
        .message_b0 = message_b0, .flags = flags};
    return CFRAME_OK;
}

/* Takes the run of short whole messages at buf[*at], if there is one and the machine has a kernel
 * for them. */
static size_t take_small_frames(
    const cframe_parser *parser, uint8_t *buf, size_t n, cframe_record *out, size_t cap,
    size_t *at, cframe_status *status)
{
    if (parser->message_b0 || parser->role != CFRAME_SERVER)
        return 0;
    uint64_t limit = SHORT_PAYLOAD_MAX;
    limit = parser->max_frame < limit ? parser->max_frame : limit;
    limit = parser->max_message < limit ? parser->max_message : limit;
    switch (current_level()) {
#if CFRAME_X86
    case LEVEL_AVX2:
        return small_frames_avx2(buf, n, out, cap, (uint32_t)limit, at, status);
    case LEVEL_SSSE3:
        return small_frames_sse(buf, n, out, cap, (uint32_t)limit, at, status);
#endif
#if CFRAME_ARM
    case LEVEL_NEON:
        return small_frames_neon(buf, n, out, cap, (uint32_t)limit, at, status);
#endif
    default:
        (void)buf, (void)n, (void)out, (void)cap, (void)at, (void)status;
        return 0;
    }
}

size_t cframe_parse(
    cframe_parser *parser, uint8_t *buf, size_t n, cframe_record *out, size_t cap, size_t *used,
    cframe_status *status)
{
    size_t at = 0, count = 0;
    cframe_status verdict = (cframe_status)parser->status;
    if (verdict == CFRAME_OK && parser->closed)
        at = n;

    while (verdict == CFRAME_OK && at < n && count < cap) {
        if (parser->frame_remaining == 0) {
            count += take_small_frames(
                parser, buf, n, out + count, cap - count, &at, &verdict);
            if (verdict != CFRAME_OK || at == n || count == cap)
                break;
            const uint8_t b0 = buf[at];
            header h;
            verdict = read_header(parser, buf + at, n - at, &h);
            if (verdict != CFRAME_OK || h.size == 0)
                break;
            if (b0 & CONTROL) {
                if (n - at - h.size < h.length)
                    break;
                verdict = take_control(parser, buf, at + h.size, b0, &h, &out[count]);
                if (verdict != CFRAME_OK)
                    break;
                at += h.size + (size_t)h.length;
                count++;
                if (parser->closed)
                    break;
                continue;
            }
            open_frame(parser, b0, &h);
            at += h.size;
            if (h.length != 0 ? at == n : !(b0 & FIN))
                continue;
        }
        const size_t left = n - at;
        const size_t part =
            parser->frame_remaining < left ? (size_t)parser->frame_remaining : left;
        verdict = take_part(parser, buf, at, part, &out[count]);
        if (verdict != CFRAME_OK)
            break;
        at += part;
        count++;
    }

    parser->status = (uint8_t)verdict;
    *used = at;
    *status = verdict;
    return count;
}
