// SPDX-License-Identifier: Apache-2.0
/*
 * Each connection is a stream of messages numbered from 0. `depth` of them are under way at any
 * time: when echoes come, as many new messages leave in one write.
 *
 *     | echoed | under way, at most `depth` | not sent |
 *     0     received                       sent
 *
 * The payload of message i on connection c is `filler`, its first octets replaced by digits that
 * tell c and i, so that an echo that is late, doubled or of another connection is seen. Or it is
 * one of `texts`, which follow each other, from a different one on for each connection; they are
 * compressed once, each by itself, and what comes back is decompressed and compared.
 */
#define _GNU_SOURCE
#include "CLoad.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#define ZLIB_CONST /* zlib reads its input and does not write it */
#include <zlib.h>

enum { RECEIVE_SIZE = 256 << 10, EVENTS = 256, DIGITS = 16, HEADER_MAX = 14, CONTROL_MAX = 125 };
enum { WINDOW_BITS = 12, TAIL = 4, INFLATED_SIZE = 64 << 10 };
enum { FIN = 0x80, RSV1 = 0x40, RSV = 0x70, MASK = 0x80, OPCODE = 0x0F, CLOSE = 8, PING = 9, PONG = 10 };
static const uint64_t STALL_NS = 5000000000ULL;

/* A message that is sent again and again: what it is, and what goes into the frame. */
typedef struct text {
    uint8_t *octets, *wire;
    size_t size, wire_size;
} text;

typedef struct connection {
    int fd;
    uint32_t index;
    uint64_t sent, received;
    /* When each message under way was written. */
    uint64_t *written_at;

    /* What was made but not written. */
    uint8_t *output;
    size_t output_start, output_end;
    int waits_to_write;

    /* The frame being received. */
    uint8_t header[HEADER_MAX];
    uint32_t header_n;
    int in_payload;
    uint64_t payload_left;
    /* Octets of the message received in frames so far. */
    uint64_t message_at;
    int in_message, is_compressed;
    z_stream *inflater;
    uint8_t control[CONTROL_MAX];
    size_t control_n;
} connection;

struct cload {
    int epoll;
    uint32_t connections, depth;
    size_t size;
    uint8_t opcode;
    uint8_t *filler;
    text *texts;
    uint32_t text_count;
    int compresses;
    /* The most that one message takes in a frame. */
    size_t wire_max;
    uint8_t *buffer, *inflated;
    connection *all;
    uint64_t random;
    int is_started;
};

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static uint64_t thread_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

int cload_pin(int core)
{
    if (core < 0 || core >= CPU_SETSIZE)
        return -EINVAL;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : -errno;
}

#define FAIL(...) (snprintf(failure->text, sizeof failure->text, __VA_ARGS__), -1)

/* ---- writing ---- */

/* Unpredictable enough for frames that no proxy sees, and cheap (xorshift64*). */
static uint32_t next_key(cload *load)
{
    load->random ^= load->random >> 12;
    load->random ^= load->random << 25;
    load->random ^= load->random >> 27;
    return (uint32_t)((load->random * 0x2545F4914F6CDD1DULL) >> 32);
}

static void write_digits(uint8_t digits[DIGITS], uint32_t index, uint64_t number)
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

static void make_frame(cload *load, connection *c, uint8_t b0, const uint8_t *payload, size_t n)
{
    const uint32_t key = next_key(load);
    uint8_t *out = c->output + c->output_end;
    out += write_header(out, b0, n, key);
    if (n != 0)
        memcpy(out, payload, n);
    if (payload == load->filler && n != 0) {
        uint8_t digits[DIGITS];
        write_digits(digits, c->index, c->sent);
        memcpy(out, digits, n < DIGITS ? n : DIGITS);
    }
    mask(out, n, key);
    c->output_end = (size_t)(out - c->output) + n;
}

/* The text that is message `number` of a connection. */
static const text *text_of(const cload *load, const connection *c, uint64_t number)
{
    return &load->texts[(c->index * 7ULL + number) % load->text_count];
}

static void make_message(cload *load, connection *c)
{
    const uint8_t b0 = FIN | load->opcode;
    if (load->texts == NULL) {
        make_frame(load, c, b0, load->filler, load->size);
    } else {
        const text *const t = text_of(load, c, c->sent);
        make_frame(load, c, load->compresses ? b0 | RSV1 : b0, t->wire, t->wire_size);
    }
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

static int flush(cload *load, connection *c, cload_failure *failure)
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

/* Sends new messages for those that have come back. */
static int refill(cload *load, connection *c, cload_failure *failure)
{
    if (c->output_start != 0) {
        memmove(c->output, c->output + c->output_start, c->output_end - c->output_start);
        c->output_end -= c->output_start;
        c->output_start = 0;
    }
    const uint64_t time = now();
    while (c->sent - c->received < load->depth) {
        make_message(load, c);
        c->written_at[c->sent % load->depth] = time;
        c->sent++;
    }
    return flush(load, c, failure);
}

/* ---- receiving ---- */

/* Octets of the message that is to come back next. */
static size_t expected_size(const cload *load, const connection *c)
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
            return FAIL("connection %u: a control frame of %llu octets", c->index,
                        (unsigned long long)length);
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

static int end_frame(
    cload *load, connection *c, uint64_t time, cload_tally *tally, cload_failure *failure)
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
            make_frame(load, c, FIN | PONG, c->control, c->control_n);
        return 0;
    }
    if (opcode == PONG || (b0 & FIN) == 0)
        return 0;
    static const uint8_t tail[TAIL] = {0x00, 0x00, 0xFF, 0xFF};
    if (c->is_compressed && !inflate_echo(load, c, tail, TAIL))
        return FAIL("connection %u: an echo whose end is not compressed data", c->index);
    if (c->message_at != expected_size(load, c))
        return FAIL("connection %u: an echo that is too short", c->index);
    tally->message_octets += c->message_at;
    const uint64_t written = c->written_at[c->received % load->depth];
    cload_histogram_add(&tally->latency, time - written);
    c->received++;
    tally->messages++;
    c->message_at = 0;
    c->in_message = 0;
    return 0;
}

static int take(
    cload *load, connection *c, const uint8_t *octets, size_t n, uint64_t time, cload_tally *tally,
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
            tally->wire_octets += part;
        }
        at += part;
        c->payload_left -= part;
        if (c->payload_left == 0 && end_frame(load, c, time, tally, failure) != 0)
            return -1;
    }
    return 0;
}

static int
receive(cload *load, connection *c, uint64_t *time, cload_tally *tally, cload_failure *failure)
{
    const ssize_t n = recv(c->fd, load->buffer, RECEIVE_SIZE, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0)
        return FAIL("connection %u: recv: %s", c->index, strerror(errno));
    if (n == 0)
        return FAIL(
            "connection %u: ended by the server after %llu echoes", c->index,
            (unsigned long long)c->received);
    *time = now();
    if (take(load, c, load->buffer, (size_t)n, *time, tally, failure) != 0)
        return -1;
    return refill(load, c, failure);
}

int cload_drive(
    cload *load, uint64_t duration_ns, uint64_t messages, cload_tally *tally,
    cload_failure *failure)
{
    memset(tally, 0, sizeof *tally);
    const uint64_t started = now(), cpu_started = thread_cpu();
    if (!load->is_started) {
        load->is_started = 1;
        for (uint32_t i = 0; i < load->connections; i++) {
            if (refill(load, &load->all[i], failure) != 0)
                return -1;
        }
    }
    uint64_t time = started, progressed = started;
    while (time - started < duration_ns && (messages == 0 || tally->messages < messages)) {
        struct epoll_event events[EVENTS];
        const int n = epoll_wait(load->epoll, events, EVENTS, 100);
        if (n < 0 && errno != EINTR)
            return FAIL("epoll_wait: %s", strerror(errno));
        time = now();
        const uint64_t before = tally->messages;
        for (int i = 0; i < n; i++) {
            connection *const c = events[i].data.ptr;
            if ((events[i].events & EPOLLOUT) && flush(load, c, failure) != 0)
                return -1;
            if ((events[i].events & ~(uint32_t)EPOLLOUT)
                && receive(load, c, &time, tally, failure) != 0)
                return -1;
        }
        if (tally->messages != before)
            progressed = time;
        if (time - progressed > STALL_NS)
            return FAIL("no echo for five seconds");
    }
    tally->elapsed_ns = now() - started;
    tally->cpu_ns = thread_cpu() - cpu_started;
    return 0;
}

/* ---- opening ---- */

/* The sample key of RFC 6455 section 1.3 and its answer. A client is to draw its key at random; one
 * that only measures spares itself the SHA-1. */
static const char KEY[] = "dGhlIHNhbXBsZSBub25jZQ==";
static const char ACCEPT[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

static const char OFFER[] = "Sec-WebSocket-Extensions: permessage-deflate; "
                            "client_no_context_takeover; client_max_window_bits=12\r\n";

static int shake_hands(
    const cload_options *options, connection *c, char *head, size_t capacity,
    cload_failure *failure)
{
    const int length = snprintf(
        head, capacity,
        "GET %s HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
        options->path, options->host, options->port, KEY, options->compresses ? OFFER : "");
    if (length < 0 || (size_t)length >= capacity)
        return FAIL("the path is too long");
    if (send(c->fd, head, (size_t)length, MSG_NOSIGNAL) != length)
        return FAIL("connection %u: handshake: %s", c->index, strerror(errno));
    size_t n = 0;
    /* One octet at a time, so that no frame behind the head is taken with it. */
    while (n < 4 || memcmp(head + n - 4, "\r\n\r\n", 4) != 0) {
        if (n == capacity - 1 || recv(c->fd, head + n, 1, 0) != 1)
            return FAIL("connection %u: no answer to the handshake", c->index);
        n++;
    }
    head[n] = '\0';
    if (strncmp(head, "HTTP/1.1 101 ", 13) != 0)
        return FAIL("the server answers the handshake: %.*s", (int)strcspn(head, "\r"), head);
    if (strstr(head, ACCEPT) == NULL)
        return FAIL("the server's answer has not the right Sec-WebSocket-Accept");
    if (options->compresses && strstr(head, "permessage-deflate") == NULL)
        return FAIL("the server declines permessage-deflate");
    return 0;
}

static int open_connection(
    cload *load, const cload_options *options, connection *c, cload_failure *failure)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(options->port)};
    if (inet_pton(AF_INET, options->host, &address.sin_addr) != 1)
        return FAIL("'%s' is not an IPv4 address", options->host);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0)
        return FAIL("socket: %s", strerror(errno));
    const int on = 1;
    const struct timeval patience = {.tv_sec = 10};
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(c->fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return FAIL("connecting to %s:%u: %s", options->host, options->port, strerror(errno));
    if (shake_hands(options, c, (char *)load->buffer, RECEIVE_SIZE, failure) != 0)
        return -1;
    c->output = malloc(load->depth * (HEADER_MAX + load->wire_max) + HEADER_MAX + CONTROL_MAX);
    c->written_at = calloc(load->depth, sizeof *c->written_at);
    if (c->output == NULL || c->written_at == NULL)
        return FAIL("no memory for connection %u", c->index);
    if (load->compresses) {
        c->inflater = calloc(1, sizeof *c->inflater);
        if (c->inflater == NULL || inflateInit2(c->inflater, -15) != Z_OK)
            return FAIL("no memory for connection %u", c->index);
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        return FAIL("epoll_ctl: %s", strerror(errno));
    return 0;
}

/* Compresses `t` by itself, without the tail of a sync flush (RFC 7692 section 7.2.1). */
static int compress_text(text *t, z_stream *deflater)
{
    const size_t room = deflateBound(deflater, t->size) + 16;
    t->wire = malloc(room);
    if (t->wire == NULL || deflateReset(deflater) != Z_OK)
        return -1;
    deflater->next_in = t->octets;
    deflater->avail_in = (uInt)t->size;
    deflater->next_out = t->wire;
    deflater->avail_out = (uInt)room;
    if (deflate(deflater, Z_SYNC_FLUSH) != Z_OK || deflater->avail_out == 0)
        return -1;
    t->wire_size = room - deflater->avail_out - TAIL;
    return 0;
}

static int copy_texts(cload *load, const cload_options *options, cload_failure *failure)
{
    z_stream deflater = {0};
    if (deflateInit2(&deflater, 6, Z_DEFLATED, -WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return FAIL("no memory to compress");
    load->texts = calloc(options->text_count, sizeof *load->texts);
    int result = load->texts == NULL ? -1 : 0;
    for (uint32_t i = 0; i < options->text_count && result == 0; i++) {
        text *const t = &load->texts[i];
        t->size = options->texts[i].size;
        t->octets = malloc(t->size + 1);
        if (t->octets == NULL) {
            result = -1;
            break;
        }
        memcpy(t->octets, options->texts[i].octets, t->size);
        t->wire = t->octets;
        t->wire_size = t->size;
        if (load->compresses)
            result = compress_text(t, &deflater);
        if (t->wire_size > load->wire_max)
            load->wire_max = t->wire_size;
        load->text_count = i + 1;
    }
    deflateEnd(&deflater);
    return result == 0 ? 0 : FAIL("no memory for the texts");
}

static int open_all(cload *load, const cload_options *options, cload_failure *failure)
{
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->buffer = malloc(RECEIVE_SIZE);
    load->all = calloc(load->connections, sizeof *load->all);
    load->filler = malloc(load->size + DIGITS);
    load->inflated = malloc(INFLATED_SIZE);
    if (load->epoll < 0 || load->buffer == NULL || load->all == NULL || load->filler == NULL
        || load->inflated == NULL)
        return FAIL("setting up: %s", strerror(errno));
    for (size_t i = 0; i < load->size + DIGITS; i++)
        load->filler[i] = (uint8_t)(0x20 + i % 95);
    if (getrandom(&load->random, sizeof load->random, 0) != (ssize_t)sizeof load->random)
        return FAIL("getrandom: %s", strerror(errno));
    load->random |= 1;
    for (uint32_t i = 0; i < load->connections; i++)
        load->all[i].fd = -1;
    load->wire_max = load->size;
    if (options->text_count > 0 && copy_texts(load, options, failure) != 0)
        return -1;
    for (uint32_t i = 0; i < load->connections; i++) {
        load->all[i].index = i;
        if (open_connection(load, options, &load->all[i], failure) != 0)
            return -1;
    }
    return 0;
}

cload *cload_open(const cload_options *options, cload_failure *failure)
{
    cload *const load = calloc(1, sizeof *load);
    if (load == NULL)
        return NULL;
    load->epoll = -1;
    load->connections = options->connections;
    load->depth = options->depth;
    load->size = options->size;
    load->opcode = options->is_binary ? 2 : 1;
    load->compresses = options->compresses && options->text_count > 0;
    if (open_all(load, options, failure) != 0) {
        cload_close(load);
        return NULL;
    }
    return load;
}

void cload_close(cload *load)
{
    for (uint32_t i = 0; load->all != NULL && i < load->connections; i++) {
        if (load->all[i].fd >= 0)
            close(load->all[i].fd);
        if (load->all[i].inflater != NULL)
            inflateEnd(load->all[i].inflater);
        free(load->all[i].inflater);
        free(load->all[i].output);
        free(load->all[i].written_at);
    }
    for (uint32_t i = 0; i < load->text_count; i++) {
        if (load->texts[i].wire != load->texts[i].octets)
            free(load->texts[i].wire);
        free(load->texts[i].octets);
    }
    if (load->epoll >= 0)
        close(load->epoll);
    free(load->texts);
    free(load->inflated);
    free(load->all);
    free(load->buffer);
    free(load->filler);
    free(load);
}
