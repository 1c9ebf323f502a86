// SPDX-License-Identifier: Apache-2.0
/*
 * Goal: cframe_parse finds the frames of RFC 6455 section 5 and the first fault in a stream, and
 * does not care how the stream was cut or how many records a call may write.
 * Method: a parser that takes one octet at a time, written for plainness, reads the same stream.
 * Both write a log: the frames they saw, then what ended them. The logs must be equal for the
 * stream whole, cut at every point, cut at random, octet by octet, and with room for one record.
 * Octet by octet, the violation must come with the same octet.
 */
#include "test.h"

enum { STREAM_MAX = 200 << 10, LOG_MAX = STREAM_MAX + (1 << 16), PENDING_MAX = 139 };
enum { FIN = 0x80, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };
enum { ALL_FLAGS = 15 };

typedef struct limits {
    cframe_role role;
    uint8_t reserved_bits_allowed;
    uint64_t max_frame, max_message;
    uint32_t max_fragments;
} limits;

static const limits SERVER = {CFRAME_SERVER, 0, UINT64_MAX, UINT64_MAX, UINT32_MAX};
static const limits CLIENT = {CFRAME_CLIENT, 0, UINT64_MAX, UINT64_MAX, UINT32_MAX};

typedef struct stream_log {
    uint8_t octets[LOG_MAX];
    size_t n;
    cframe_status status;
    /* Octets of the stream that were needed to see the violation. */
    size_t seen;
} stream_log;

static stream_log naive_log, parser_log;
static guarded page;

static void log_octets(stream_log *log, const void *p, size_t n)
{
    if (n > LOG_MAX - log->n)
        abort();
    if (n != 0)
        memcpy(log->octets + log->n, p, n);
    log->n += n;
}

static void log_frame(
    stream_log *log, uint8_t b0, uint8_t message_b0, uint8_t message_flags, uint16_t close_code,
    const uint8_t *payload, size_t n)
{
    const uint8_t head[5] = {
        b0, message_b0, message_flags, (uint8_t)(close_code >> 8), (uint8_t)close_code};
    log_octets(log, head, sizeof head);
    log_octets(log, &n, sizeof n);
    log_octets(log, payload, n);
}

/* ---- the naive parser ---- */

typedef struct naive {
    limits limits;
    bool message_open, message_begin_logged, closed, in_payload;
    uint8_t message_b0;
    uint64_t message_length, frames;
    uint8_t header[14];
    size_t header_n;
    uint64_t length;
    uint8_t *payload;
    size_t payload_n;
    /* The character that the text stands in. */
    uint8_t character[4];
    size_t character_n;
} naive;

static uint8_t naive_payload[STREAM_MAX];

static cframe_status naive_b0(const naive *p)
{
    const unsigned b0 = p->header[0], opcode = b0 & 15;
    const bool begins = opcode == 1 || opcode == 2;
    if ((b0 >> 4 & 7) & ~(begins ? p->limits.reserved_bits_allowed >> 4 & 7u : 0u))
        return CFRAME_RESERVED_BITS;
    if ((opcode >= 3 && opcode <= 7) || opcode >= 11)
        return CFRAME_RESERVED_OPCODE;
    if (opcode >= 8)
        return b0 >= 0x80 ? CFRAME_OK : CFRAME_FRAGMENTED_CONTROL_FRAME;
    if (begins)
        return p->message_open ? CFRAME_INTERRUPTED_MESSAGE : CFRAME_OK;
    if (!p->message_open)
        return CFRAME_UNEXPECTED_CONTINUATION;
    return p->frames + 1 > p->limits.max_fragments && p->frames > 0 ? CFRAME_TOO_MANY_FRAGMENTS
                                                                     : CFRAME_OK;
}

static cframe_status naive_too_big(const naive *p, uint64_t at_least)
{
    const uint8_t first = p->message_open ? p->message_b0 : p->header[0];
    const uint64_t before = p->message_open ? p->message_length : 0;
    uint64_t most = p->limits.max_message;
    if (first & 0x40) {
        const uint64_t more = most / 256 + 1024;
        most = most + more < most ? UINT64_MAX : most + more;
    }
    const uint64_t room = most > before ? most - before : 0;
    if (at_least > p->limits.max_frame && p->limits.max_frame <= room)
        return CFRAME_FRAME_TOO_BIG;
    return at_least > room ? CFRAME_MESSAGE_TOO_BIG : CFRAME_OK;
}

/* What the newest octet of the header shows; *complete and p->length when it was the last. */
static cframe_status naive_header(naive *p, bool *complete)
{
    const uint8_t *const h = p->header;
    const size_t n = p->header_n;
    *complete = false;
    if (n == 1)
        return naive_b0(p);
    const bool masked = h[1] >= 0x80;
    const unsigned short_length = h[1] & 0x7F;
    const bool control = (h[0] & 15) >= 8;
    if (n == 2) {
        if (masked && p->limits.role == CFRAME_CLIENT)
            return CFRAME_MASKED_SERVER_FRAME;
        if (!masked && p->limits.role == CFRAME_SERVER)
            return CFRAME_UNMASKED_CLIENT_FRAME;
        if (control && short_length > 125)
            return CFRAME_OVERSIZED_CONTROL_FRAME;
        if ((h[0] & 15) == 8 && short_length == 1)
            return CFRAME_CLOSE_PAYLOAD_LENGTH;
        if (!control && short_length <= 125) {
            const cframe_status status = naive_too_big(p, short_length);
            if (status != CFRAME_OK)
                return status;
        }
    }
    const size_t width = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
    p->length = width == 0 ? short_length : 0;
    if (n > 2 && n <= 2 + width) {
        /* The least and the greatest length that can come of this. */
        uint64_t least = 0, greatest = 0;
        for (size_t i = 2; i < 2 + width; i++) {
            least = least * 256 + (i < n ? h[i] : 0);
            greatest = greatest * 256 + (i < n ? h[i] : 255);
        }
        if (least >= (uint64_t)1 << 63)
            return CFRAME_LENGTH_TOP_BIT;
        if (greatest <= (width == 2 ? 125u : 65535u))
            return CFRAME_NON_MINIMAL_LENGTH;
        const cframe_status status = naive_too_big(p, least);
        if (status != CFRAME_OK)
            return status;
    }
    for (size_t i = 2; i < 2 + width && i < n; i++)
        p->length = p->length * 256 + h[i];
    *complete = n == 2 + width + (masked ? 4 : 0);
    return CFRAME_OK;
}

static cframe_status naive_close(const uint8_t *payload, size_t n, uint16_t *code)
{
    *code = 1005;
    if (n == 0)
        return CFRAME_OK;
    *code = (uint16_t)(payload[0] * 256 + payload[1]);
    const bool registered = (*code >= 1000 && *code <= 1014) && *code != 1004 && *code != 1005
        && *code != 1006;
    if (!registered && !(*code >= 3000 && *code < 5000))
        return CFRAME_INVALID_CLOSE_CODE;
    uint32_t tail;
    return naive_utf8(payload + 2, n - 2, &tail) == n - 2 && tail == 0
        ? CFRAME_OK
        : CFRAME_INVALID_CLOSE_REASON;
}

static cframe_status naive_frame_end(naive *p, stream_log *log)
{
    const uint8_t b0 = p->header[0];
    const bool final = b0 >= 0x80;
    if ((b0 & 15) >= 8) {
        uint16_t code = 0;
        if ((b0 & 15) == CLOSE) {
            const cframe_status status = naive_close(p->payload, p->payload_n, &code);
            if (status != CFRAME_OK)
                return status;
            p->closed = true;
        }
        log_frame(
            log, b0, b0, CFRAME_MESSAGE_BEGIN | CFRAME_MESSAGE_END, code, p->payload, p->payload_n);
        return CFRAME_OK;
    }
    if (final && p->character_n != 0)
        return CFRAME_INVALID_UTF8;
    if (final || p->payload_n != 0) {
        const unsigned flags = (p->message_begin_logged ? 0u : CFRAME_MESSAGE_BEGIN)
            | (final ? CFRAME_MESSAGE_END : 0u);
        log_frame(log, b0, p->message_b0, (uint8_t)flags, 0, p->payload, p->payload_n);
        p->message_begin_logged = true;
    }
    if (final)
        p->message_open = false;
    return CFRAME_OK;
}

static cframe_status naive_octet(naive *p, uint8_t octet, stream_log *log)
{
    if (p->closed)
        return CFRAME_OK;
    if (!p->in_payload) {
        p->header[p->header_n++] = octet;
        bool complete;
        const cframe_status status = naive_header(p, &complete);
        if (status != CFRAME_OK || !complete)
            return status;
        if ((p->header[0] & 15) < 8) {
            if (!p->message_open) {
                p->message_open = true;
                p->message_begin_logged = false;
                p->message_b0 = p->header[0];
                p->message_length = p->frames = 0;
                p->character_n = 0;
            }
            p->message_length += p->length;
            p->frames++;
        }
        p->in_payload = true;
        p->payload_n = 0;
    } else {
        if (p->header[1] >= 0x80)
            octet ^= p->header[p->header_n - 4 + p->payload_n % 4];
        p->payload[p->payload_n++] = octet;
        if ((p->header[0] & 15) < 8 && (p->message_b0 & 0x4F) == TEXT) {
            p->character[p->character_n++] = octet;
            uint32_t tail;
            if (naive_utf8(p->character, p->character_n, &tail) != p->character_n)
                return CFRAME_INVALID_UTF8;
            if (tail == 0)
                p->character_n = 0;
        }
    }
    if (p->payload_n < p->length)
        return CFRAME_OK;
    p->in_payload = false;
    p->header_n = 0;
    return naive_frame_end(p, log);
}

static void run_naive(const limits *l, const uint8_t *stream, size_t n, stream_log *log)
{
    naive p = {.limits = *l, .payload = naive_payload};
    log->n = 0;
    log->status = CFRAME_OK;
    log->seen = n;
    for (size_t i = 0; i < n; i++) {
        log->status = naive_octet(&p, stream[i], log);
        if (log->status != CFRAME_OK) {
            log->seen = i + 1;
            return;
        }
    }
    /* A data frame that the stream ends in: what there is of it. */
    if (p.in_payload && (p.header[0] & 15) < 8 && p.payload_n != 0) {
        log_octets(log, "part", 4);
        log_octets(log, p.payload, p.payload_n);
    }
}

/* ---- the parser under test, driven ---- */

static uint8_t frame_octets[STREAM_MAX];

/* Feeds the stream in pieces that end at `cuts`, the last at `n`. */
static void run_parser(
    const limits *l, const uint8_t *stream, size_t n, const size_t *cuts, size_t cut_count,
    size_t cap, stream_log *log)
{
    cframe_parser parser;
    cframe_parser_init(&parser, l->role, l->max_frame, l->max_message, l->max_fragments);
    parser.reserved_bits_allowed = l->reserved_bits_allowed;
    log->n = 0;
    log->status = CFRAME_OK;
    log->seen = n;
    size_t frame_n = 0, consumed = 0;
    bool in_frame = false;
    uint8_t message_begin = 0;

    for (size_t piece = 0; piece <= cut_count; piece++) {
        const size_t end = piece < cut_count ? cuts[piece] : n;
        /* What the last call left, and the new octets, against a dead page on one side. */
        size_t left = end - consumed;
        uint8_t *buf = piece % 2 ? page.begin : page.end - left;
        if (left != 0)
            memcpy(buf, stream + consumed, left);
        for (;;) {
            cframe_record records[64];
            memset(records, 0xEE, sizeof records);
            size_t used = SIZE_MAX;
            cframe_status status;
            const size_t count = cframe_parse(&parser, buf, left, records, cap, &used, &status);
            CHECK(count <= cap && used <= left, "count %zu used %zu", count, used);
            if (cap < 64)
                CHECK(records[cap].flags == 0xEE, "wrote behind cap %zu", cap);
            size_t last_end = 0;
            for (size_t i = 0; i < count; i++) {
                const cframe_record *const r = &records[i];
                CHECK(r->offset >= last_end && r->offset + r->length <= used, "record %zu", i);
                last_end = r->offset + r->length;
                const bool control = (r->b0 & 8) != 0;
                if (control)
                    CHECK(r->flags == ALL_FLAGS && r->message_b0 == r->b0, "flags %u", r->flags);
                CHECK(
                    control || r->length != 0 || (r->flags & 10) == 10, "empty part, flags %u",
                    r->flags);
                CHECK(!(r->flags & CFRAME_MESSAGE_BEGIN) || r->flags & 1, "flags %u", r->flags);
                CHECK(!(r->flags & CFRAME_MESSAGE_END) || r->flags & 2, "flags %u", r->flags);
                CHECK(in_frame == !(r->flags & CFRAME_FRAME_BEGIN), "flags %u", r->flags);
                if (r->flags & CFRAME_FRAME_BEGIN) {
                    frame_n = 0;
                    message_begin = r->flags & CFRAME_MESSAGE_BEGIN;
                }
                memcpy(frame_octets + frame_n, buf + r->offset, r->length);
                frame_n += r->length;
                in_frame = !(r->flags & CFRAME_FRAME_END);
                if (!in_frame)
                    log_frame(
                        log, r->b0, r->message_b0,
                        (uint8_t)(message_begin | (r->flags & CFRAME_MESSAGE_END)), r->close_code,
                        frame_octets, frame_n);
            }
            consumed += used;
            buf += used;
            left -= used;
            if (status != CFRAME_OK) {
                log->status = status;
                log->seen = end;
                size_t used_again;
                cframe_status again;
                const size_t count_again =
                    cframe_parse(&parser, buf, left, records, cap, &used_again, &again);
                CHECK(count_again == 0 && used_again == 0 && again == status, "not sticky");
                return;
            }
            if (left == 0 || (count == 0 && used == 0))
                break;
        }
        CHECK(left <= PENDING_MAX, "%zu octets left", left);
        if (left != 0)
            CHECK(memcmp(buf, stream + consumed, left) == 0, "unconsumed octets changed");
        if (parser.closed)
            CHECK(left == 0, "octets left behind a close frame");
    }
    if (in_frame) {
        log_octets(log, "part", 4);
        log_octets(log, frame_octets, frame_n);
    }
}

static void check_run(
    const char *how, const limits *l, const uint8_t *stream, size_t n, const size_t *cuts,
    size_t cut_count, size_t cap)
{
    run_parser(l, stream, n, cuts, cut_count, cap, &parser_log);
    CHECK(
        parser_log.status == naive_log.status, "%s: status %d, expected %d, n %zu", how,
        (int)parser_log.status, (int)naive_log.status, n);
    CHECK(
        parser_log.n == naive_log.n
            && memcmp(parser_log.octets, naive_log.octets, naive_log.n) == 0,
        "%s: other frames than expected (log %zu, expected %zu), n %zu", how, parser_log.n,
        naive_log.n, n);
}

static size_t every_cut[STREAM_MAX];

static void check_stream(const limits *l, const uint8_t *stream, size_t n)
{
    run_naive(l, stream, n, &naive_log);
    check_run("whole", l, stream, n, NULL, 0, 64);
    check_run("whole, one record", l, stream, n, NULL, 0, 1);
    check_run("whole, some records", l, stream, n, NULL, 0, 2 + random_below(8));
    if (n <= 3000) {
        for (size_t i = 0; i < n; i++)
            every_cut[i] = i;
        check_run("octet by octet", l, stream, n, every_cut, n, 64);
        CHECK(
            parser_log.seen == naive_log.seen, "violation %d seen with octet %zu, not %zu",
            (int)naive_log.status, parser_log.seen, naive_log.seen);
    }
    if (n <= (quick ? 60 : 250)) {
        for (size_t cut = 0; cut <= n; cut++)
            check_run("cut", l, stream, n, &cut, 1, cut % 3 ? 64 : 1);
    }
    size_t cuts[6], cut_count = 0;
    for (size_t at = 0; cut_count < 6 && n != 0;) {
        at += random_below(n / 2 + 1);
        if (at > n)
            break;
        cuts[cut_count++] = at;
    }
    check_run("random cuts", l, stream, n, cuts, cut_count, 1 + random_below(64));
}

/* ---- streams ---- */

static uint8_t wire[STREAM_MAX];
static size_t wire_n;

static size_t room(void)
{
    return sizeof wire - wire_n;
}

/* Appends a frame; `width` 0 for the shortest length field, else 2 or 8 octets. */
static void add_frame(
    cframe_role receiver, uint8_t b0, const uint8_t *payload, size_t n, size_t width)
{
    const uint32_t key = (uint32_t)random_bits();
    const uint8_t mask_bit = receiver == CFRAME_SERVER ? 0x80 : 0;
    if (n + 14 > room())
        abort();
    if (width == 0)
        width = n > 65535 ? 8 : n > 125 ? 2 : 0;
    wire[wire_n++] = b0;
    wire[wire_n++] = (uint8_t)(mask_bit | (width == 8 ? 127 : width == 2 ? 126 : n));
    for (size_t i = width; i != 0; i--)
        wire[wire_n++] = (uint8_t)((uint64_t)n >> (8 * (i - 1)));
    if (mask_bit) {
        memcpy(wire + wire_n, &key, 4);
        wire_n += 4;
        naive_mask(wire + wire_n, payload, n, key);
    } else if (n != 0) {
        memcpy(wire + wire_n, payload, n);
    }
    wire_n += n;
}

static uint8_t content[STREAM_MAX];

static void add_random_control(cframe_role receiver)
{
    const size_t n = random_below(3) ? random_below(20) : random_below(126);
    random_fill(content, n);
    add_frame(receiver, random_below(2) ? FIN | PING : FIN | PONG, content, n, 0);
}

static void add_random_close(cframe_role receiver)
{
    static const uint16_t codes[] = {1000, 1001, 1003, 1007, 1014, 3000, 4999, 1005, 1015, 2999, 0};
    const size_t n = random_below(4) ? 2 + random_below(124) : random_below(3);
    const uint16_t code = codes[random_below(random_below(3) ? 7 : 11)];
    random_text(content + 2, n < 2 ? 0 : n - 2);
    content[0] = (uint8_t)(code >> 8);
    content[1] = (uint8_t)code;
    if (n > 2 && random_below(6) == 0)
        content[2 + random_below(n - 2)] ^= 0x80;
    add_frame(receiver, FIN | CLOSE, content, n, 0);
}

/* A message in one or more frames, with control frames between them. */
static void add_random_message(cframe_role receiver, uint8_t rsv, size_t scale)
{
    const bool text = random_below(3) != 0;
    const size_t n = random_below(8) == 0 ? 0 : random_below(scale);
    size_t frames = random_below(2) ? 1 : 1 + random_below(5);
    uint8_t b0 = (uint8_t)((text ? TEXT : BINARY) | (random_below(2) ? rsv : 0));
    static uint8_t message[STREAM_MAX];
    if (text && !(b0 & 0x40))
        random_text(message, n);
    else
        random_fill(message, n);
    if (n != 0 && random_below(12) == 0)
        message[random_below(n)] ^= (uint8_t)(1 << random_below(8));
    for (size_t at = 0; frames != 0; frames--) {
        const size_t part = frames == 1 ? n - at : random_below(n - at + 1);
        if (part + 400 > room())
            return;
        add_frame(receiver, (uint8_t)(frames == 1 ? b0 | FIN : b0), message + at, part, 0);
        if (frames != 1 && random_below(3) == 0)
            add_random_control(receiver);
        at += part;
        b0 = 0;
    }
}

static void add_random_fault(cframe_role receiver)
{
    const size_t n = random_below(300);
    random_fill(content, n);
    switch (random_below(6)) {
    case 0:
        add_frame(receiver, (uint8_t)random_bits(), content, n, 0);
        break;
    case 1:
        add_frame(receiver, FIN | BINARY, content, n, 8);
        break;
    case 2:
        add_frame(receiver, FIN | BINARY, content, n, 2);
        break;
    case 3:
        receiver = receiver == CFRAME_SERVER ? CFRAME_CLIENT : CFRAME_SERVER;
        add_frame(receiver, FIN | BINARY, content, n, 0);
        break;
    case 4:
        add_frame(receiver, 0, content, n, 0);
        break;
    default:
        wire[random_below(wire_n + 1)] ^= (uint8_t)(1 << random_below(8));
    }
}

static uint64_t random_limit(size_t scale)
{
    return random_below(3) ? UINT64_MAX : random_below(2 * scale);
}

static void random_streams(void)
{
    const size_t rounds = quick ? 150 : 4000;
    for (size_t round = 0; round < rounds; round++) {
        const size_t scale =
            round % 150 == 0 ? 70000 : round % 7 == 0 ? 3000 : round % 3 ? 126 : 30;
        const uint8_t rsv = random_below(4) == 0 ? 0x40 : 0;
        const limits l = {
            .role = random_below(4) ? CFRAME_SERVER : CFRAME_CLIENT,
            .reserved_bits_allowed = random_below(5) ? rsv : 0,
            .max_frame = random_limit(scale),
            .max_message = random_limit(scale),
            .max_fragments = random_below(3) ? UINT32_MAX : (uint32_t)random_below(6)};
        wire_n = 0;
        for (size_t frames = 1 + random_below(12); frames != 0 && room() > 4 * 70000 / 3;
             frames--) {
            const size_t kind = random_below(20);
            if (kind == 0)
                add_random_close(l.role);
            else if (kind < 3)
                add_random_control(l.role);
            else if (kind == 3 && random_below(3) == 0)
                add_random_fault(l.role);
            else
                add_random_message(l.role, rsv, scale);
        }
        check_stream(&l, wire, random_below(4) ? wire_n : random_below(wire_n + 1));
    }
}

/* Many short whole messages, as the fast road takes them. */
static void short_messages(void)
{
    const size_t rounds = quick ? 30 : 600;
    for (size_t round = 0; round < rounds; round++) {
        const size_t longest = round % 3 == 0 ? 126 : round % 3 == 1 ? 34 : 10;
        wire_n = 0;
        for (size_t frames = 1 + random_below(80); frames != 0; frames--) {
            const size_t n = random_below(longest);
            const bool text = random_below(4) != 0;
            if (!text)
                random_fill(content, n);
            else if (random_below(2))
                memset(content, 'x', n);
            else
                random_text(content, n);
            if (n != 0 && random_below(120) == 0)
                content[random_below(n)] ^= 0x80;
            add_frame(CFRAME_SERVER, FIN | (text ? TEXT : BINARY), content, n, 0);
        }
        limits l = SERVER;
        if (random_below(5) == 0)
            l.max_frame = random_below(140);
        if (random_below(5) == 0)
            l.max_message = random_below(140);
        check_stream(&l, wire, wire_n);
    }
    /* Each length exactly, alone and before another. */
    for (size_t n = 0; n <= 127; n++) {
        for (int text = 0; text < 2; text++) {
            wire_n = 0;
            random_text(content, n);
            add_frame(CFRAME_SERVER, (uint8_t)(text ? FIN | TEXT : FIN | BINARY), content, n, 0);
            check_stream(&SERVER, wire, wire_n);
            add_frame(CFRAME_SERVER, FIN | TEXT, content, n, 0);
            check_stream(&SERVER, wire, wire_n);
            add_frame(CFRAME_SERVER, FIN | TEXT, (const uint8_t *)"", 0, 0);
            check_stream(&SERVER, wire, wire_n);
        }
    }
}

/* Each violation, by hand: the octets, and which of them shows it. */
static void violations(void)
{
    static const struct {
        cframe_role role;
        const char *octets;
        size_t n, seen;
        cframe_status status;
    } cases[] = {
#define WIRE(octets) octets, sizeof octets - 1
        {CFRAME_SERVER, WIRE("\x81\x05" "Hello"), 2, CFRAME_UNMASKED_CLIENT_FRAME},
        {CFRAME_SERVER, WIRE("\x89\x00"), 2, CFRAME_UNMASKED_CLIENT_FRAME},
        {CFRAME_CLIENT, WIRE("\x81\x85\0\0\0\0Hello"), 2, CFRAME_MASKED_SERVER_FRAME},
        {CFRAME_SERVER, WIRE("\xC1"), 1, CFRAME_RESERVED_BITS},
        {CFRAME_SERVER, WIRE("\xA2\x80"), 1, CFRAME_RESERVED_BITS},
        {CFRAME_SERVER, WIRE("\x91\x80"), 1, CFRAME_RESERVED_BITS},
        {CFRAME_SERVER, WIRE("\xC9\x80"), 1, CFRAME_RESERVED_BITS},
        {CFRAME_SERVER, WIRE("\x83"), 1, CFRAME_RESERVED_OPCODE},
        {CFRAME_SERVER, WIRE("\x07"), 1, CFRAME_RESERVED_OPCODE},
        {CFRAME_SERVER, WIRE("\x8B"), 1, CFRAME_RESERVED_OPCODE},
        {CFRAME_SERVER, WIRE("\x0F"), 1, CFRAME_RESERVED_OPCODE},
        {CFRAME_SERVER, WIRE("\x09\x80"), 1, CFRAME_FRAGMENTED_CONTROL_FRAME},
        {CFRAME_SERVER, WIRE("\x08\x80"), 1, CFRAME_FRAGMENTED_CONTROL_FRAME},
        {CFRAME_SERVER, WIRE("\x89\xFE\x00\x7E"), 2, CFRAME_OVERSIZED_CONTROL_FRAME},
        {CFRAME_SERVER, WIRE("\x88\xFF"), 2, CFRAME_OVERSIZED_CONTROL_FRAME},
        {CFRAME_SERVER, WIRE("\x82\xFE\x00\x7D"), 4, CFRAME_NON_MINIMAL_LENGTH},
        {CFRAME_SERVER, WIRE("\x82\xFF\0\0\0\0\0\0"), 8, CFRAME_NON_MINIMAL_LENGTH},
        {CFRAME_SERVER, WIRE("\x82\xFF\0\0\0\0\0\0\xFF\xFF"), 8, CFRAME_NON_MINIMAL_LENGTH},
        {CFRAME_SERVER, WIRE("\x82\xFF\x80"), 3, CFRAME_LENGTH_TOP_BIT},
        {CFRAME_CLIENT, WIRE("\x82\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), 3, CFRAME_LENGTH_TOP_BIT},
        {CFRAME_SERVER, WIRE("\x80\x80"), 1, CFRAME_UNEXPECTED_CONTINUATION},
        {CFRAME_SERVER, WIRE("\x81\x80\0\0\0\0\x00"), 7, CFRAME_UNEXPECTED_CONTINUATION},
        {CFRAME_SERVER, WIRE("\x01\x80\0\0\0\0\x81"), 7, CFRAME_INTERRUPTED_MESSAGE},
        {CFRAME_SERVER, WIRE("\x02\x81\0\0\0\0x\x02"), 8, CFRAME_INTERRUPTED_MESSAGE},
        {CFRAME_SERVER, WIRE("\x88\x81\0\0\0\0x"), 2, CFRAME_CLOSE_PAYLOAD_LENGTH},
        {CFRAME_SERVER, WIRE("\x88\x82\0\0\0\0\x03\xE7"), 8, CFRAME_INVALID_CLOSE_CODE},
        {CFRAME_SERVER, WIRE("\x88\x83\0\0\0\0\x03\xE8\xFF"), 9, CFRAME_INVALID_CLOSE_REASON},
        {CFRAME_SERVER, WIRE("\x88\x84\0\0\0\0\x03\xE8\xC3\xC3"), 10, CFRAME_INVALID_CLOSE_REASON},
        {CFRAME_SERVER, WIRE("\x88\x83\0\0\0\0\x03\xE8\xC3"), 9, CFRAME_INVALID_CLOSE_REASON},
        {CFRAME_SERVER, WIRE("\x81\x84\0\0\0\0aa\xFF" "a"), 9, CFRAME_INVALID_UTF8},
        {CFRAME_SERVER, WIRE("\x81\xFE\x10\x00\0\0\0\0a\xED\xA0"), 11, CFRAME_INVALID_UTF8},
        {CFRAME_SERVER, WIRE("\x01\x81\0\0\0\0\xF4\x80\x81\0\0\0\0\x90"), 14, CFRAME_INVALID_UTF8},
        {CFRAME_SERVER, WIRE("\x01\x81\0\0\0\0\xC3\x80\x80\0\0\0\0"), 13, CFRAME_INVALID_UTF8},
        {CFRAME_CLIENT, WIRE("\x81\x01\xC3"), 3, CFRAME_INVALID_UTF8},
#undef WIRE
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        limits l = SERVER;
        l.role = cases[i].role;
        check_stream(&l, (const uint8_t *)cases[i].octets, cases[i].n);
        CHECK(naive_log.status == cases[i].status, "case %zu: %d", i, (int)naive_log.status);
        CHECK(naive_log.seen == cases[i].seen, "case %zu: octet %zu", i, naive_log.seen);
        const uint16_t code = cframe_status_close_code(cases[i].status);
        const bool payload = cases[i].status == CFRAME_INVALID_UTF8
            || cases[i].status == CFRAME_INVALID_CLOSE_REASON;
        CHECK(code == (payload ? 1007 : 1002), "case %zu: close code %u", i, code);
    }
    CHECK(cframe_status_close_code(CFRAME_OK) == 0, "ok");
    CHECK(cframe_status_close_code(CFRAME_FRAME_TOO_BIG) == 1009, "frame");
    CHECK(cframe_status_close_code(CFRAME_MESSAGE_TOO_BIG) == 1009, "message");
    CHECK(cframe_status_close_code(CFRAME_TOO_MANY_FRAGMENTS) == 1009, "fragments");

    /* Every first octet, every second, and every close code. */
    for (unsigned rsv = 0; rsv < 0x80; rsv += 0x40) {
        limits l = SERVER;
        l.reserved_bits_allowed = (uint8_t)rsv;
        for (unsigned b0 = 0; b0 < 256; b0++) {
            for (unsigned b1 = 0; b1 < 256; b1 += quick ? 5 : 1) {
                const uint8_t octets[8] = {(uint8_t)b0, (uint8_t)b1, 1, 2, 3, 4, 5, 6};
                run_naive(&l, octets, sizeof octets, &naive_log);
                check_run("b0 and b1", &l, octets, sizeof octets, NULL, 0, 64);
            }
        }
    }
    for (unsigned code = 0; code < 65536; code += quick ? 7 : 1) {
        const uint8_t octets[] = {
            FIN | CLOSE, 0x82, 0, 0, 0, 0, (uint8_t)(code >> 8), (uint8_t)code, 0x81};
        run_naive(&SERVER, octets, sizeof octets, &naive_log);
        check_run("close code", &SERVER, octets, sizeof octets, NULL, 0, 64);
    }
}

static void expect(const limits *l, cframe_status status)
{
    check_stream(l, wire, wire_n);
    CHECK(naive_log.status == status, "%d, expected %d", (int)naive_log.status, (int)status);
}

/* Each limit at its value and one above. */
static void limits_at_and_above(void)
{
    static const size_t values[] = {
        0, 1, 5, 124, 125, 126, 127, 128, 1000, 65534, 65535, 65536, 66000};
    memset(content, 'a', sizeof content);
    for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
        const size_t value = values[v];
        for (int fragmented = 0; fragmented < 2; fragmented++) {
            limits l = SERVER;
            for (size_t over = 0; over < 2; over++) {
                const size_t n = value + over;
                const uint8_t b0 = v & 1 ? TEXT : BINARY;
                wire_n = 0;
                if (fragmented) {
                    add_frame(CFRAME_SERVER, b0, content, n / 3, 0);
                    add_frame(CFRAME_SERVER, FIN | PING, content, 125, 0);
                    add_frame(CFRAME_SERVER, 0, content, 0, 0);
                    add_frame(CFRAME_SERVER, FIN, content, n - n / 3, 0);
                } else {
                    add_frame(CFRAME_SERVER, FIN | b0, content, n, 0);
                }
                l.max_frame = UINT64_MAX;
                l.max_message = value;
                expect(&l, over ? CFRAME_MESSAGE_TOO_BIG : CFRAME_OK);
                l.max_message = UINT64_MAX;
                l.max_frame = value;
                const size_t longest = fragmented ? n - n / 3 : n;
                expect(&l, longest > value ? CFRAME_FRAME_TOO_BIG : CFRAME_OK);
            }
        }
    }
    /* With RSV1 the sum of frame lengths has some slack. */
    for (size_t over = 0; over < 2; over++) {
        limits l = SERVER;
        l.reserved_bits_allowed = 0x40;
        l.max_message = 1000;
        wire_n = 0;
        add_frame(CFRAME_SERVER, 0x40 | TEXT, content, 1000, 0);
        add_frame(CFRAME_SERVER, FIN, content, 1027 + over, 0);
        expect(&l, over ? CFRAME_MESSAGE_TOO_BIG : CFRAME_OK);
        l.max_message = UINT64_MAX;
        expect(&l, CFRAME_OK);
    }
    for (uint32_t most = 0; most < 6; most++) {
        for (uint32_t frames = 1; frames < 8; frames++) {
            limits l = SERVER;
            l.max_fragments = most;
            wire_n = 0;
            for (uint32_t i = 0; i < frames; i++) {
                const uint8_t b0 = (uint8_t)((i == 0 ? BINARY : 0) | (i + 1 == frames ? FIN : 0));
                add_frame(CFRAME_SERVER, b0, content, i % 2, 0);
            }
            expect(&l, frames > (most == 0 ? 1 : most) ? CFRAME_TOO_MANY_FRAGMENTS : CFRAME_OK);
        }
    }
    /* The greatest length there is, and the sum beyond it. */
    cframe_parser parser;
    cframe_parser_init(&parser, CFRAME_SERVER, UINT64_MAX, UINT64_MAX, 10);
    uint8_t header[14] = {BINARY, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    cframe_record record;
    size_t used;
    cframe_status status;
    for (unsigned i = 0; i < 3; i++) {
        const size_t count = cframe_parse(&parser, header, 14, &record, 1, &used, &status);
        if (i < 2) {
            CHECK(count == 0 && used == 14 && status == CFRAME_OK, "%u: %d", i, (int)status);
            CHECK(parser.frame_remaining == INT64_MAX, "%u", i);
            parser.frame_remaining = 0;
        } else {
            CHECK(count == 0 && used == 0 && status == CFRAME_MESSAGE_TOO_BIG, "%d", (int)status);
        }
        header[0] = 0;
    }
}

/* Behind a close frame parsing stops; what follows is consumed and ignored. */
static void behind_close(void)
{
    uint8_t octets[] = {0x88, 0x80, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF};
    cframe_parser parser;
    cframe_record records[4];
    size_t used;
    cframe_status status;
    cframe_parser_init(&parser, CFRAME_SERVER, 100, 100, 10);
    CHECK(cframe_parse(&parser, octets, 9, records, 0, &used, &status) == 0 && used == 0, "cap 0");
    CHECK(cframe_parse(&parser, NULL, 0, records, 4, &used, &status) == 0 && used == 0, "empty");
    size_t count = cframe_parse(&parser, octets, 9, records, 4, &used, &status);
    CHECK(count == 1 && used == 6 && status == CFRAME_OK, "%zu %zu %d", count, used, (int)status);
    CHECK(records[0].close_code == 1005 && records[0].length == 0, "%u", records[0].close_code);
    count = cframe_parse(&parser, octets + 6, 3, records, 4, &used, &status);
    CHECK(count == 0 && used == 3 && status == CFRAME_OK, "%zu %zu %d", count, used, (int)status);
}

/* The samples of RFC 6455 section 5.7. */
static void rfc_samples(void)
{
    static const struct {
        cframe_role role;
        const char *octets;
        size_t n;
        const char *text;
    } cases[] = {
        {CFRAME_CLIENT, "\x81\x05\x48\x65\x6c\x6c\x6f", 7, "Hello"},
        {CFRAME_SERVER, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11, "Hello"},
        {CFRAME_CLIENT, "\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f", 9, "Hello"},
        {CFRAME_CLIENT, "\x89\x05\x48\x65\x6c\x6c\x6f", 7, "Hello"},
        {CFRAME_SERVER, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11, "Hello"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t octets[16], text[16];
        const limits l = cases[i].role == CFRAME_SERVER ? SERVER : CLIENT;
        memcpy(octets, cases[i].octets, cases[i].n);
        check_stream(&l, octets, cases[i].n);
        cframe_parser parser;
        cframe_record records[4];
        size_t used, n = 0;
        cframe_status status;
        cframe_parser_init(&parser, l.role, 5, 5, 2);
        const size_t count = cframe_parse(&parser, octets, cases[i].n, records, 4, &used, &status);
        for (size_t r = 0; r < count; r++) {
            memcpy(text + n, octets + records[r].offset, records[r].length);
            n += records[r].length;
        }
        CHECK(status == CFRAME_OK && used == cases[i].n, "sample %zu", i);
        CHECK(n == strlen(cases[i].text) && memcmp(text, cases[i].text, n) == 0, "sample %zu", i);
    }
}

static void test_kernel(void)
{
    rfc_samples();
    violations();
    limits_at_and_above();
    behind_close();
    short_messages();
    random_streams();
}

void test_parse(void)
{
    page = guarded_new();
    CHECK(sizeof(cframe_record) == 16 && sizeof(cframe_parser) == 56, "sizes");
    each_kernel(test_kernel);
}
