// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ring_test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPT = 1, RECEIVE = 2, SEND = 3 };

/* An armed receive ends once; what comes meanwhile waits in the socket for the next one. */
static void
receive(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    int pair[2];
    tcp_pair(pair);
    cring_completion got = {0};
    for (int i = 0; i < 50; i++) {
        cring_receive(ring, pair[0], RECEIVE);
        if (i % 2 == 0)
            CHECK(none(ring, RECEIVE, 0)); /* armed in the kernel, not only queued */
        cring_cancel(ring, pair[0], RECEIVE);
        CHECK(next(ring, RECEIVE, PATIENCE_MS, &got));
        CHECK_EQUAL(got.result, -ECANCELED);
        CHECK_EQUAL(got.flags, 0);
        uint8_t octet = (uint8_t)i;
        CHECK(write_all(pair[1], &octet, 1));
        CHECK(none(ring, RECEIVE, 0));
        uint8_t received = 0;
        CHECK(receive_all(ring, pair[0], RECEIVE, false, &received, 1));
        CHECK_EQUAL(received, octet);
    }
    /* Cancelling what is over, or never was, reports nothing. */
    cring_cancel(ring, pair[0], RECEIVE);
    cring_cancel(ring, pair[0], 777);
    cring_cancel(ring, 9999, 777);
    CHECK(!next_any(ring, 5, &got));
    CHECK_EQUAL(cring_buffers_out(ring), 0);
    cring_close(ring, pair[0]);
    cring_free(ring);
    close(pair[1]);
}

/* Octets that arrive as the receive is cancelled come before its end or with the next one. */
static void
receive_with_octets_under_way(const struct variant *variant)
{
    enum { ROUNDS = 100, SIZE = 3000 };
    cring_options options = {.buffer_size = 1024};
    cring *ring = open_ring(variant, &options);
    int pair[2];
    tcp_pair(pair);
    uint8_t octets[SIZE], received[SIZE];
    for (size_t i = 0; i < ROUNDS; i++) {
        fill_pattern(octets, i, 0, SIZE);
        cring_receive(ring, pair[0], RECEIVE);
        if (i % 2 == 0)
            CHECK(none(ring, RECEIVE, 0));
        CHECK(write_all(pair[1], octets, SIZE));
        cring_cancel(ring, pair[0], RECEIVE);
        size_t have = 0;
        cring_completion got = {.flags = CRING_MORE};
        while (got.flags & CRING_MORE) {
            if (!CHECK(next(ring, RECEIVE, PATIENCE_MS, &got)))
                break;
            if (got.flags & CRING_BUFFER) {
                CHECK(is_pattern(got.data, i, have, (size_t)got.result));
                have += (size_t)got.result;
                cring_recycle(ring, got.buffer);
            } else {
                CHECK_EQUAL(got.result, -ECANCELED);
            }
        }
        CHECK(none(ring, RECEIVE, 0));
        CHECK(receive_all(ring, pair[0], RECEIVE, false, received, SIZE - have));
        CHECK(is_pattern(received, i, have, SIZE - have));
    }
    CHECK_EQUAL(cring_buffers_out(ring), 0);
    cring_close(ring, pair[0]);
    cring_free(ring);
    close(pair[1]);
}

/* A send to a peer that does not read: it ends once, and the peer gets exactly what was counted. */
static void
send_to_a_full_peer(const struct variant *variant)
{
    enum { SIZE = 4 << 20 };
    uint8_t *octets = malloc(SIZE);
    fill_pattern(octets, 0, 0, SIZE);
    cring *ring = open_ring(variant, NULL);
    int pair[2];
    tcp_pair(pair);
    /* The kernel enlarges the peer's window while it is filled, so several sends may complete. */
    size_t sent = 0;
    cring_completion got = {0};
    for (;;) {
        cring_send(ring, pair[0], octets + sent % 1000, SIZE / 2, SEND);
        if (!next(ring, SEND, 100, &got))
            break;
        CHECK(got.result > 0);
        sent += (size_t)got.result;
    }
    cring_cancel(ring, pair[0], SEND);
    CHECK(next(ring, SEND, PATIENCE_MS, &got));
    CHECK(got.result == -ECANCELED || got.result > 0);
    CHECK_EQUAL(got.flags, 0);
    if (got.result > 0)
        sent += (size_t)got.result;
    CHECK(none(ring, SEND, 10));
    cring_shutdown(ring, pair[0], SHUT_WR);
    uint8_t *read_back = malloc(SIZE);
    size_t received = 0;
    ssize_t size;
    while ((size = read(pair[1], read_back, SIZE)) > 0)
        received += (size_t)size;
    CHECK_EQUAL(received, sent);
    free(octets);
    free(read_back);
    cring_close(ring, pair[0]);
    cring_free(ring);
    close(pair[1]);
}

/* A send queued in the same turn is tried before it is cancelled. */
static void
send_not_yet_tried(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    int pair[2];
    tcp_pair(pair);
    cring_send(ring, pair[0], (const uint8_t *)"abc", 3, SEND);
    cring_cancel(ring, pair[0], SEND);
    cring_completion got = {0};
    CHECK(next(ring, SEND, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, 3);
    CHECK(none(ring, SEND, 5));
    cring_close(ring, pair[0]);
    cring_free(ring);
    close(pair[1]);
}

/* A cancelled accept takes no more connections; those in the backlog stay there. */
static void
accept_leaves_the_backlog(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    uint16_t port;
    int listener = listen_anywhere(&port);
    CHECK_EQUAL(cring_accept_now(NULL, listener), -EAGAIN);
    cring_accept(ring, listener, ACCEPT);
    CHECK(none(ring, ACCEPT, 0));
    cring_cancel(ring, listener, ACCEPT);
    cring_completion got = {0};
    CHECK(next(ring, ACCEPT, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, -ECANCELED);
    CHECK_EQUAL(got.flags, 0);
    int first = connect_to(port), second = connect_to(port);
    CHECK(none(ring, ACCEPT, 5));
    int accepted = cring_accept_now(NULL, listener);
    CHECK(accepted >= 0);
    close(accepted);
    cring_accept(ring, listener, ACCEPT);
    CHECK(next(ring, ACCEPT, PATIENCE_MS, &got));
    CHECK(got.result >= 0);
    cring_close(ring, got.result);
    CHECK_EQUAL(cring_accept_now(NULL, listener), -EAGAIN);
    cring_free(ring);
    close(listener);
    close(first);
    close(second);
}

void
test_cancelling(const struct variant *variant)
{
    receive(variant);
    receive_with_octets_under_way(variant);
    send_to_a_full_peer(variant);
    send_not_yet_tried(variant);
    accept_leaves_the_backlog(variant);
}
