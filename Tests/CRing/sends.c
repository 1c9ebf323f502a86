// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ring_test.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
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

/* A local pair: it is full when it is. Over TCP the kernel finds more room a moment later. */
static void
local_pair(int pair[2])
{
    CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
}

/* Fills the socket until a send waits. Returns the octets that were taken before it. */
static size_t
fill(cring *ring, int fd, const uint8_t *octets, size_t size, uint64_t token)
{
    size_t taken = 0;
    cring_completion got;
    for (;;) {
        CHECK_EQUAL(cring_send(ring, fd, octets, size, token), 0);
        if (!next(ring, token, 20, &got))
            return taken;
        if (!CHECK(got.result > 0))
            return taken;
        taken += (size_t)got.result;
    }
}

/* Reads `count` octets of a full socket, whatever they are. */
static void
skip(int peer, uint8_t *into, size_t capacity, size_t count)
{
    while (count > 0) {
        size_t size = count < capacity ? count : capacity;
        if (!CHECK(read_all(peer, into, size)))
            return;
        count -= size;
    }
}

/* A send that waits goes on by itself when the peer reads, again and again; what is read meanwhile
 * does not disturb it, even where a turn has room for one completion only. */
static void
a_waiting_send_goes_on(const struct variant *variant)
{
    enum { SIZE = 1 << 20, ROUNDS = 3 };
    uint8_t *octets = calloc(1, SIZE), *read = malloc(SIZE);
    cring *ring = open_ring(variant, NULL);
    int pair[2];
    local_pair(pair);
    CHECK_EQUAL(cring_receive(ring, pair[0], RECEIVE), 0);
    for (int i = 0; i < ROUNDS; i++) {
        skip(pair[1], read, SIZE, fill(ring, pair[0], octets, SIZE, SEND));
        CHECK(write_all(pair[1], "x", 1));
        /* So that epoll finds both at once. io_uring takes the octet as it comes. */
        struct pollfd both = {.fd = pair[0], .events = POLLIN | POLLOUT};
        while (variant->kind == CRING_EPOLL && both.revents != both.events
               && poll(&both, 1, PATIENCE_MS) == 1) {
        }
        cring_completion got;
        size_t sent = 0, received = 0;
        int64_t deadline = now_ms() + PATIENCE_MS;
        while ((sent == 0 || received == 0) && now_ms() < deadline) {
            if (cring_wait(ring, 10000000, &got, 1) != 1)
                continue;
            if (!CHECK(got.result > 0))
                break;
            if (got.token == SEND) {
                sent = (size_t)got.result;
                continue;
            }
            received = (size_t)got.result;
            cring_recycle(ring, got.buffer);
            if (!(got.flags & CRING_MORE))
                CHECK_EQUAL(cring_receive(ring, pair[0], RECEIVE), 0);
        }
        CHECK_EQUAL(received, 1);
        CHECK(sent > 0);
        skip(pair[1], read, SIZE, sent);
    }
    cring_free(ring);
    close(pair[0]);
    close(pair[1]);
    free(octets);
    free(read);
}

/* A send to a full socket that is cancelled, or followed by a shutdown, in the turn it was queued
 * in: it ends once, or waits. */
static void
sends_to_a_full_socket(const struct variant *variant)
{
    enum { SIZE = 1 << 20 };
    uint8_t *octets = calloc(1, SIZE), *read = malloc(SIZE);
    cring *ring = open_ring(variant, NULL);
    int pair[2];
    local_pair(pair);
    size_t full = fill(ring, pair[0], octets, SIZE, SEND);
    cring_completion got = {0};
    CHECK_EQUAL(cring_cancel(ring, pair[0], SEND), 0);
    CHECK(next(ring, SEND, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, -ECANCELED);
    CHECK_EQUAL(cring_send(ring, pair[0], octets, SIZE, SEND), 0);
    CHECK_EQUAL(cring_cancel(ring, pair[0], SEND), 0);
    CHECK(next(ring, SEND, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, -ECANCELED);
    /* What comes in the other direction does not end it. */
    CHECK_EQUAL(cring_send(ring, pair[0], octets, SIZE, SEND), 0);
    CHECK_EQUAL(cring_receive(ring, pair[0], RECEIVE), 0);
    CHECK(write_all(pair[1], "x", 1));
    CHECK(next(ring, RECEIVE, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, 1);
    cring_recycle(ring, got.buffer);
    CHECK(none(ring, SEND, 0));
    if (variant->kind == CRING_EPOLL) {
        CHECK_EQUAL(cring_cancel(ring, pair[0], SEND), 0);
        CHECK(next(ring, SEND, PATIENCE_MS, &got));
        CHECK_EQUAL(got.result, -ECANCELED);
        CHECK_EQUAL(cring_send(ring, pair[0], octets, SIZE, SEND), 0);
        CHECK_EQUAL(cring_shutdown(ring, pair[0], SHUT_RD), 0);
        CHECK(none(ring, SEND, 0));
    }
    skip(pair[1], read, SIZE, full);
    CHECK(next(ring, SEND, PATIENCE_MS, &got));
    CHECK(got.result > 0);
    cring_free(ring);
    close(pair[0]);
    close(pair[1]);
    free(octets);
    free(read);
}

/* A send that ended early leaves nothing behind that the next one could stumble over. */
static void
sends_follow_each_other(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    int pair[2];
    tcp_pair(pair);
    cring_completion got = {0};
    for (uint64_t i = 0; i < 4; i++) {
        CHECK_EQUAL(cring_send(ring, pair[0], (const uint8_t *)"ab", 2, 10 + i), 0);
        CHECK_EQUAL(cring_cancel(ring, pair[0], 10 + i), 0);
        int64_t deadline = now_ms() + PATIENCE_MS;
        while (cring_wait(ring, 10000000, &got, 1) != 1 && now_ms() < deadline) {
        }
        CHECK_EQUAL(got.token, 10 + i);
        CHECK_EQUAL(got.result, 2);
    }
    char text[8];
    CHECK(read_all(pair[1], text, 8));
    cring_free(ring);
    close(pair[0]);
    close(pair[1]);
}

/* More than a 32-bit result could count: as much as it can, and no error. */
static void
the_longest_send(const struct variant *variant)
{
    const size_t size = ((size_t)1 << 31) + 10;
    /* Never written, so never more than one page of zeros. */
    void *octets = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(octets != MAP_FAILED);
    cring *ring = open_ring(variant, NULL);
    int pair[2];
    tcp_pair(pair);
    CHECK_EQUAL(cring_send(ring, pair[0], octets, size, SEND), 0);
    cring_completion got = {0};
    CHECK(next(ring, SEND, PATIENCE_MS, &got));
    CHECK(got.result > 0 && got.result <= 1 << 30);
    CHECK_EQUAL(cring_send(ring, -1, octets, 1, SEND), 0);
    CHECK(next(ring, SEND, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, -EBADF);
    cring_free(ring);
    close(pair[0]);
    close(pair[1]);
    munmap(octets, size);
}

void
test_sends(const struct variant *variant)
{
    short_sends_add_up(variant);
    shutdown_follows_the_send(variant);
    close_follows_the_shutdown(variant);
    a_waiting_send_goes_on(variant);
    sends_to_a_full_socket(variant);
    sends_follow_each_other(variant);
    the_longest_send(variant);
}
