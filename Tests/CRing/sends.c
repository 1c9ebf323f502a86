// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ring_test.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECEIVE = 2, SEND = 3 };

/* Reads what is there without waiting; checks it against the pattern. Returns the new position. */
static size_t
drain(int peer, uint8_t *into, size_t capacity, size_t position)
{
    ssize_t size = recv(peer, into, capacity, MSG_DONTWAIT);
    if (size <= 0)
        return position;
    CHECK(is_pattern(into, 0, position, (size_t)size));
    return position + (size_t)size;
}

/* More than the socket holds, to a peer that reads a little now and then: short sends, and waits
 * for room, and every octet once and in order. */
static void
short_sends_add_up(const struct variant *variant)
{
    enum { TOTAL = 8 << 20, READ = 1 << 18 };
    uint8_t *octets = malloc(TOTAL), *read = malloc(READ);
    fill_pattern(octets, 0, 0, TOTAL);
    cring *ring = open_ring(variant, NULL);
    int pair[2];
    tcp_pair(pair);
    size_t sent = 0, received = 0, sends = 0;
    bool is_armed = false;
    int64_t deadline = now_ms() + PATIENCE_MS;
    while (received < TOTAL && now_ms() < deadline) {
        if (!is_armed && sent < TOTAL) {
            cring_send(ring, pair[0], octets + sent, TOTAL - sent, SEND);
            is_armed = true;
        }
        cring_completion got;
        if (is_armed && next(ring, SEND, 0, &got)) {
            if (!CHECK(got.result > 0))
                break;
            sent += (size_t)got.result;
            sends++;
            is_armed = false;
        }
        received = drain(pair[1], read, READ, received);
    }
    CHECK_EQUAL(sent, TOTAL);
    CHECK_EQUAL(received, TOTAL);
    CHECK(sends > 1);
    cring_close(ring, pair[0]);
    cring_free(ring);
    close(pair[1]);
    free(octets);
    free(read);
}

/* A send and a shutdown of the same turn: the octets first, then the end. Many at once, so that
 * the submission queue is full in between. */
static void
shutdown_follows_the_send(const struct variant *variant)
{
    enum { PAIRS = 40 };
    cring_options options = {.submission_entries = 16};
    cring *ring = open_ring(variant, &options);
    int pairs[PAIRS][2];
    for (uint64_t i = 0; i < PAIRS; i++) {
        tcp_pair(pairs[i]);
        CHECK_EQUAL(cring_send(ring, pairs[i][0], (const uint8_t *)"last words", 10, 100 + i), 0);
        CHECK_EQUAL(cring_shutdown(ring, pairs[i][0], SHUT_WR), 0);
    }
    for (uint64_t i = 0; i < PAIRS; i++) {
        cring_completion sent = {0};
        CHECK(next(ring, 100 + i, PATIENCE_MS, &sent));
        CHECK_EQUAL(sent.result, 10);
    }
    for (int i = 0; i < PAIRS; i++) {
        char text[11] = {0};
        CHECK(read_all(pairs[i][1], text, 10));
        CHECK_EQUAL(read(pairs[i][1], text, 1), 0);
        cring_shutdown(ring, pairs[i][0], SHUT_RDWR);
        cring_close(ring, pairs[i][0]);
    }
    cring_completion any;
    CHECK(!next_any(ring, 0, &any));
    for (int i = 0; i < PAIRS; i++)
        close(pairs[i][1]);
    cring_free(ring);
}

/* A close behind a shutdown that waits for its submission must not shut down the next owner of
 * the number. */
static void
close_follows_the_shutdown(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    int a[2], b[2];
    tcp_pair(a);
    tcp_pair(b);
    cring_receive(ring, b[0], RECEIVE); /* so that something is unsubmitted */
    cring_shutdown(ring, a[0], SHUT_RDWR);
    cring_close(ring, a[0]);
    cring_completion got = {0};
    CHECK(none(ring, RECEIVE, 1));
    char octet;
    CHECK_EQUAL(read(a[1], &octet, 1), 0);
    struct pollfd gone = {.fd = a[0], .events = POLLIN};
    CHECK_EQUAL(poll(&gone, 1, 0), 1);
    CHECK(gone.revents & POLLNVAL);
    CHECK(write_all(b[1], "x", 1));
    CHECK(next(ring, RECEIVE, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, 1);
    cring_recycle(ring, got.buffer);
    cring_free(ring);
    close(a[1]);
    close(b[0]);
    close(b[1]);
}

void
test_sends(const struct variant *variant)
{
    short_sends_add_up(variant);
    shutdown_follows_the_send(variant);
    close_follows_the_shutdown(variant);
}
