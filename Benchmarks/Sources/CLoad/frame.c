// SPDX-License-Identifier: Apache-2.0
/* Frames to the server: made in a connection's output, and written from there. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Unpredictable enough for frames that no proxy sees, and cheap (xorshift64*). */
static uint32_t next_key(cload *load)
{
    load->random ^= load->random >> 12;
    load->random ^= load->random << 25;
    load->random ^= load->random >> 27;
    return (uint32_t)((load->random * 0x2545F4914F6CDD1DULL) >> 32);
}

void write_digits(uint8_t digits[DIGITS], uint32_t index, uint64_t number)
{
    const uint64_t value = (uint64_t)index << 40 ^ number;
    for (unsigned i = 0; i < DIGITS; i++)
        digits[i] = (uint8_t)"0123456789abcdef"[value >> 4 * i & 15];
}

static void mask(uint8_t *octets, size_t n, uint32_t key)
{
    const uint64_t wide = (uint64_t)key << 32 | key;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t word;
        memcpy(&word, octets + i, 8);
        word ^= wide;
        memcpy(octets + i, &word, 8);
    }
    for (; i < n; i++)
        octets[i] ^= (uint8_t)(key >> 8 * (i & 3));
}

static size_t write_header(uint8_t *out, uint8_t b0, size_t length, uint32_t key)
{
    size_t n = 2;
    out[0] = b0;
    if (length < 126) {
        out[1] = (uint8_t)(MASK | length);
    } else {
        const unsigned width = length < 65536 ? 2 : 8;
        out[1] = (uint8_t)(MASK | (width == 2 ? 126 : 127));
        for (unsigned i = 0; i < width; i++)
            out[n++] = (uint8_t)((uint64_t)length >> 8 * (width - 1 - i));
    }
    memcpy(out + n, &key, 4);
    return n + 4;
}

/* Appends a frame whose first `digits_n` octets are `digits` and the others those of `payload`. */
static void append_frame(
    cload *load, connection *c, uint8_t b0, const uint8_t *payload, size_t n, const uint8_t *digits,
    size_t digits_n)
{
    const uint32_t key = next_key(load);
    uint8_t *out = c->output + c->output_end;
    out += write_header(out, b0, n, key);
    if (n != 0)
        memcpy(out, payload, n);
    if (digits_n != 0)
        memcpy(out, digits, digits_n);
    mask(out, n, key);
    c->output_end = (size_t)(out - c->output) + n;
}

/* Makes room behind the output by moving it to the front. */
static void compact(connection *c)
{
    if (c->output_start == 0)
        return;
    memmove(c->output, c->output + c->output_start, c->output_end - c->output_start);
    c->output_end -= c->output_start;
    c->output_start = 0;
}

void append_message(cload *load, connection *c, uint64_t due)
{
    const text *const t = load->texts == NULL ? NULL : text_of(load, c, c->sent);
    const uint8_t *const payload = t == NULL ? load->filler : t->wire;
    const size_t n = t == NULL ? load->size : t->wire_size;
    uint8_t digits[DIGITS];
    if (t == NULL)
        write_digits(digits, c->index, c->sent);
    compact(c);
    uint8_t b0 = load->opcode | (load->compresses ? RSV1 : 0);
    size_t at = 0;
    for (uint32_t i = 1; i <= load->fragments; i++) {
        const size_t end = i == load->fragments ? n : n * i / load->fragments;
        const size_t marked_end = t != NULL ? 0 : end < DIGITS ? end : DIGITS;
        const size_t marked = at < marked_end ? marked_end - at : 0;
        append_frame(
            load, c, i == load->fragments ? b0 | FIN : b0, payload + at, end - at,
            marked == 0 ? NULL : digits + at, marked);
        b0 = 0;
        at = end;
    }
    c->due_at[c->sent % load->depth] = due;
    c->sent++;
    /* Only now does anything have to come. */
    if (load->under_way++ == 0 && due > load->progressed_at)
        load->progressed_at = due;
}

void append_pong(cload *load, connection *c)
{
    append_frame(load, c, FIN | PONG, c->control, c->control_n, NULL, 0);
}

static int watch(cload *load, connection *c, int for_writing)
{
    if (c->waits_to_write == for_writing)
        return 0;
    c->waits_to_write = for_writing;
    struct epoll_event event = {
        .events = EPOLLIN | (for_writing ? (uint32_t)EPOLLOUT : 0), .data.ptr = c};
    return epoll_ctl(load->epoll, EPOLL_CTL_MOD, c->fd, &event);
}

int flush(cload *load, connection *c, cload_failure *failure)
{
    while (c->output_start < c->output_end) {
        const ssize_t n = send(
            c->fd, c->output + c->output_start, c->output_end - c->output_start,
            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return watch(load, c, 1) == 0 ? 0 : FAIL("epoll_ctl: %s", strerror(errno));
        if (n < 0)
            return FAIL("connection %u: send: %s", c->index, strerror(errno));
        c->output_start += (size_t)n;
    }
    c->output_start = 0;
    c->output_end = 0;
    return watch(load, c, 0) == 0 ? 0 : FAIL("epoll_ctl: %s", strerror(errno));
}
