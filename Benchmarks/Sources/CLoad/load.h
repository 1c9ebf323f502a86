// SPDX-License-Identifier: Apache-2.0
#ifndef LOAD_H
#define LOAD_H

/*
 * What the files of the load share. Each connection is a stream of messages numbered from 0:
 *
 *     | echoed | under way, at most `depth` | not sent |
 *     0     received                       sent
 *
 * The payload of message i on connection c is `filler`, its first octets replaced by digits that
 * tell c and i, so that an echo that is late, doubled or of another connection is seen. Or it is
 * one of `texts`, which follow each other, from a different one on for each connection; they are
 * compressed once, each by itself, and what comes back is decompressed and compared.
 */

#include "CLoad.h"

#include <netinet/in.h>
#include <stdio.h>
#include <time.h>
#define ZLIB_CONST /* zlib reads its input and does not write it */
#include <zlib.h>

enum { RECEIVE_SIZE = 256 << 10, INFLATED_SIZE = 64 << 10, HEAD_MAX = 8 << 10, LATENCIES = 4096 };
enum { DIGITS = 16, HEADER_MAX = 14, CONTROL_MAX = 125 };
enum { FIN = 0x80, RSV1 = 0x40, RSV = 0x70, MASK = 0x80, OPCODE = 0x0F, CLOSE = 8, PING = 9, PONG = 10 };
/* What deflate ends a message with and permessage-deflate leaves out (RFC 7692 section 7.2.1). */
enum { TAIL = 4, WINDOW_BITS = 12 };

#define FAIL(...) (snprintf(failure->text, sizeof failure->text, __VA_ARGS__), -1)

/* A message that is sent again and again: what it is, and what goes into the frames. */
typedef struct text {
    uint8_t *octets, *wire;
    size_t size, wire_size;
} text;

typedef enum stage { UNOPENED, CONNECTING, ASKING, OPEN } stage;

typedef struct connection {
    int fd;
    uint32_t index;
    stage stage;
    uint64_t sent, received;
    /* When each message under way was due; in a closed loop that is when it was made. */
    uint64_t *due_at;

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

    /* The handshake, while that lasts: octets of the request written, and the answer. */
    size_t asked_n;
    char *head;
    size_t head_n;
    uint64_t opened_at;

    /* Open loop: when the next message is due, in nanoseconds from the load's epoch; since when
     * there has been room for it; whether it is among `queue`. */
    double next_due;
    uint64_t room_at, random;
    int is_queued;
} connection;

/* A connection that has room, and when its next message is due. */
typedef struct appointment {
    double due;
    connection *connection;
} appointment;

/* What is being done with all connections. */
typedef enum duty { CLOSED_LOOP, OPEN_LOOP, DRAIN, TOUCH, REST, CONNECT, KNOCK } duty;

struct cload {
    duty duty;
    int epoll;
    struct sockaddr_in address;
    char *request;
    size_t request_n;
    uint32_t connections, depth, fragments;
    size_t size;
    uint8_t opcode;
    uint8_t *filler;
    text *texts;
    uint32_t text_count;
    int compresses;
    /* The most that one message takes in frames, headers and all. */
    size_t message_max;
    uint8_t *buffer, *inflated;
    connection *all;
    uint64_t random;

    /* Connections whose opening has begun, those of them that are not open yet, and those that have
     * sent their first message. */
    uint32_t begun, opening, touched;
    /* How many `cload_connect` wants. */
    uint32_t wanted;
    uint64_t under_way;

    /* Latencies that nobody has recorded yet. */
    uint64_t latencies[LATENCIES];
    size_t latency_n;
    cload_tally *tally;

    /* When an echo or the answer to a handshake came last, and when driving stopped last. */
    uint64_t progressed_at, paused_at;

    /* Open loop: a heap of the connections that have room, the next due first. */
    double rate;
    int is_poisson;
    uint64_t seed, epoch;
    appointment *queue;
    uint32_t queue_n;
};

static inline uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* The text that is message `number` of a connection. */
static inline const text *text_of(const cload *load, const connection *c, uint64_t number)
{
    return &load->texts[(c->index * 7ULL + number) % load->text_count];
}

/* ---- text.c ---- */

int texts_copy(cload *load, const cload_options *options, cload_failure *failure);
void texts_free(cload *load);

/* ---- frame.c ---- */

void write_digits(uint8_t digits[DIGITS], uint32_t index, uint64_t number);
/* Appends the next message to the output, which has room for `depth` of them and a pong. */
void append_message(cload *load, connection *c, uint64_t due);
void append_pong(cload *load, connection *c);
/* Writes what the socket takes now. */
int flush(cload *load, connection *c, cload_failure *failure);

/* ---- echo.c ---- */

/* Takes octets that the server sent behind its handshake, at `time`. */
int take(
    cload *load, connection *c, const uint8_t *octets, size_t n, uint64_t time,
    cload_failure *failure);
/* Octets of the message that is to come back next. */
size_t expected_size(const cload *load, const connection *c);
void record_latency(cload *load, uint64_t ns);
void hand_over_latencies(cload *load);

/* ---- handshake.c ---- */

int prepare_request(cload *load, const cload_options *options, cload_failure *failure);
/* Begins to connect, and asks as soon as that has succeeded. */
int begin_handshake(cload *load, connection *c, cload_failure *failure);
/* Goes on after the socket became writable or readable. The stage is OPEN when the answer is good;
 * what came behind it has been taken. */
int advance_handshake(cload *load, connection *c, uint32_t events, cload_failure *failure);

/* ---- pace.c ---- */

/* Queues the connections that have room; the first time their schedules begin at `time`. */
int pace_begin(cload *load, uint64_t time, cload_failure *failure);
/* Queues a connection that has room, if it is not queued. */
void pace_admit(cload *load, connection *c, uint64_t time);
/* Sends what is due. */
int pace_send(cload *load, uint64_t time, cload_failure *failure);
/* Nanoseconds until a message is due, UINT64_MAX where no connection has room. */
uint64_t pace_wait(const cload *load, uint64_t time);
/* For how long the oldest message without echo has been due. */
uint64_t pace_oldest(const cload *load, uint64_t time);

#endif
