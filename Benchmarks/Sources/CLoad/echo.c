// SPDX-License-Identifier: Apache-2.0
/* Frames from the server: each message is compared with what was sent, octet by octet. */
#define _GNU_SOURCE
#include "load.h"

#include <string.h>

size_t expected_size(const cload *load, const connection *c)
{
    return load->texts == NULL ? load->size : text_of(load, c, c->received)->size;
}

static int is_echo(const cload *load, const connection *c, const uint8_t *octets, size_t n)
{
    uint64_t at = c->message_at;
    if (n > expected_size(load, c) - at)
        return 0;
    if (load->texts != NULL)
        return memcmp(octets, text_of(load, c, c->received)->octets + at, n) == 0;
    if (at < DIGITS) {
        uint8_t digits[DIGITS];
        write_digits(digits, c->index, c->received);
        const size_t left = DIGITS - (size_t)at;
        const size_t part = n < left ? n : left;
        if (memcmp(octets, digits + at, part) != 0)
            return 0;
        octets += part;
        n -= part;
        at += part;
    }
    return memcmp(octets, load->filler + at, n) == 0;
}

/* Decompresses a part of the message and compares it. */
static int inflate_echo(cload *load, connection *c, const uint8_t *octets, size_t n)
{
    c->inflater->next_in = octets;
    c->inflater->avail_in = (uInt)n;
    do {
        c->inflater->next_out = load->inflated;
        c->inflater->avail_out = INFLATED_SIZE;
        const int result = inflate(c->inflater, Z_SYNC_FLUSH);
        if (result != Z_OK && result != Z_BUF_ERROR)
            return 0;
        const size_t made = INFLATED_SIZE - c->inflater->avail_out;
        if (!is_echo(load, c, load->inflated, made))
            return 0;
        c->message_at += made;
    } while (c->inflater->avail_out == 0);
    return c->inflater->avail_in == 0;
}

/* Whether the header is all there. */
static int header_is_whole(const connection *c)
{
    if (c->header_n < 2)
        return 0;
    const unsigned length = c->header[1] & 0x7F;
    return c->header_n == 2U + (length == 126 ? 2 : length == 127 ? 8 : 0);
}

static int begin_frame(cload *load, connection *c, cload_failure *failure)
{
    const uint8_t b0 = c->header[0], opcode = b0 & OPCODE;
    uint64_t length = c->header[1] & 0x7F;
    if (length > 125) {
        length = 0;
        for (uint32_t i = 2; i < c->header_n; i++)
            length = length << 8 | c->header[i];
    }
    if (c->header[1] & MASK)
        return FAIL("connection %u: a masked frame from the server", c->index);
    if (opcode >= CLOSE) {
        if (length > CONTROL_MAX)
            return FAIL(
                "connection %u: a control frame of %llu octets", c->index,
                (unsigned long long)length);
        if ((b0 & (FIN | RSV)) != FIN)
            return FAIL("connection %u: a control frame that begins with %02x", c->index, b0);
        c->control_n = 0;
    } else {
        const uint8_t reserved = load->compresses && !c->in_message ? RSV & ~RSV1 : RSV;
        if (opcode != (c->in_message ? 0 : load->opcode) || (b0 & reserved) != 0)
            return FAIL("connection %u: a frame that begins with %02x", c->index, b0);
        if (!c->in_message && c->received == c->sent)
            return FAIL("connection %u: a message more than were sent", c->index);
        if (!c->in_message)
            c->is_compressed = (b0 & RSV1) != 0;
        c->in_message = 1;
    }
    c->payload_left = length;
    c->in_payload = 1;
    return 0;
}

void record_latency(cload *load, uint64_t ns)
{
    load->latencies[load->latency_n++] = ns;
    if (load->latency_n == LATENCIES)
        hand_over_latencies(load);
}

void hand_over_latencies(cload *load)
{
    if (load->latency_n != 0 && load->tally->record != NULL)
        load->tally->record(load->tally->context, load->latencies, load->latency_n);
    load->latency_n = 0;
}

static int end_frame(cload *load, connection *c, uint64_t time, cload_failure *failure)
{
    const uint8_t b0 = c->header[0], opcode = b0 & OPCODE;
    c->header_n = 0;
    c->in_payload = 0;
    if (opcode == CLOSE)
        return FAIL(
            "connection %u: closed by the server with code %d after %llu echoes", c->index,
            c->control_n < 2 ? 1005 : c->control[0] << 8 | c->control[1],
            (unsigned long long)c->received);
    if (opcode == PING) {
        /* The output has room for one pong beside all messages. With more to write we are busy
         * enough that the server sees us live. */
        if (c->output_end == 0)
            append_pong(load, c);
        return 0;
    }
    if (opcode == PONG || (b0 & FIN) == 0)
        return 0;
    static const uint8_t tail[TAIL] = {0x00, 0x00, 0xFF, 0xFF};
    if (c->is_compressed && !inflate_echo(load, c, tail, TAIL))
        return FAIL("connection %u: an echo whose end is not compressed data", c->index);
    if (c->message_at != expected_size(load, c))
        return FAIL(
            "connection %u: echo %llu is too short: %llu of %zu octets", c->index,
            (unsigned long long)c->received, (unsigned long long)c->message_at,
            expected_size(load, c));
    load->tally->message_octets += c->message_at;
    load->tally->messages++;
    record_latency(load, time - c->due_at[c->received % load->depth]);
    c->received++;
    load->under_way--;
    c->message_at = 0;
    c->in_message = 0;
    return 0;
}

int take(
    cload *load, connection *c, const uint8_t *octets, size_t n, uint64_t time,
    cload_failure *failure)
{
    size_t at = 0;
    while (at < n || (c->in_payload && c->payload_left == 0)) {
        if (!c->in_payload) {
            c->header[c->header_n++] = octets[at++];
            if (header_is_whole(c) && begin_frame(load, c, failure) != 0)
                return -1;
            continue;
        }
        const size_t part = c->payload_left < n - at ? (size_t)c->payload_left : n - at;
        if ((c->header[0] & OPCODE) >= CLOSE) {
            memcpy(c->control + c->control_n, octets + at, part);
            c->control_n += part;
        } else {
            const int is_good = c->is_compressed ? inflate_echo(load, c, octets + at, part)
                                                 : is_echo(load, c, octets + at, part);
            if (!is_good)
                return FAIL(
                    "connection %u: echo %llu is not what was sent", c->index,
                    (unsigned long long)c->received);
            if (!c->is_compressed)
                c->message_at += part;
            load->tally->wire_octets += part;
        }
        at += part;
        c->payload_left -= part;
        if (c->payload_left == 0 && end_frame(load, c, time, failure) != 0)
            return -1;
    }
    return 0;
}
