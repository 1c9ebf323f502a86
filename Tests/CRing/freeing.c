// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ring_test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPT = 1, CONNECTIONS = 50 };

/* The port is free as soon as the ring and the listener are, whatever was armed. */
static void
port_is_free_at_once(const struct variant *variant)
{
    enum { RESTARTS = 12, SIZE = 1 << 20 };
    uint8_t *octets = calloc(1, SIZE);
    uint16_t port = 0;
    for (int i = 0; i < RESTARTS; i++) {
        int listener = cring_listen(NULL, "127.0.0.1", port, 128, 0, &port);
        if (!CHECK(listener >= 0))
            break;
        cring *ring = open_ring(variant, NULL);
        cring_accept(ring, listener, ACCEPT);
        int peers[CONNECTIONS], fds[CONNECTIONS];
        for (uint64_t j = 0; j < CONNECTIONS; j++) {
            peers[j] = connect_to(port);
            cring_completion got = {.result = -1};
            CHECK(next(ring, ACCEPT, PATIENCE_MS, &got));
            if (!(got.flags & CRING_MORE))
                cring_accept(ring, listener, ACCEPT);
            fds[j] = got.result;
            cring_receive(ring, fds[j], 100 + j);
            cring_send(ring, fds[j], octets, SIZE, 1000 + j);
        }
        if (i % 2 == 0)
            CHECK(none(ring, ACCEPT, 1));
        cring_free(ring);
        close(listener);
        for (int j = 0; j < CONNECTIONS; j++) {
            cring_reset_on_close(NULL, fds[j]);
            close(fds[j]);
            close(peers[j]);
        }
    }
    free(octets);
}

/* Connections accepted but not taken are closed; the descriptor count in main checks it too. */
static void
undelivered_connections_are_closed(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    uint16_t port;
    int listener = listen_anywhere(&port);
    cring_accept(ring, listener, ACCEPT);
    cring_completion out;
    CHECK_EQUAL(cring_wait(ring, 0, &out, 1), 0);
    int peers[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++)
        peers[i] = connect_to(port);
    CHECK_EQUAL(cring_wait(ring, 1000000000, &out, 1), 1); /* one is taken, the others are not */
    CHECK(out.result >= 0);
    cring_free(ring);
    close(listener);
    close(out.result);
    for (int i = 0; i < CONNECTIONS; i++) {
        char octet;
        CHECK(read(peers[i], &octet, 1) <= 0);
        close(peers[i]);
    }
}

/* What was queued last still happens: a final send, a shutdown, a close. */
static void
queued_closes_happen(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    int pair[2];
    tcp_pair(pair);
    cring_send(ring, pair[0], (const uint8_t *)"end", 3, 5);
    cring_shutdown(ring, pair[0], SHUT_WR);
    int other[2];
    tcp_pair(other);
    cring_close(ring, other[0]);
    cring_free(ring);
    char text[3], octet;
    CHECK_EQUAL(read(other[1], &octet, 1), 0);
    CHECK(read_all(pair[1], text, 3));
    CHECK_EQUAL(read(pair[1], &octet, 1), 0);
    close(pair[0]);
    close(pair[1]);
    close(other[1]);
}

void
test_freeing(const struct variant *variant)
{
    port_is_free_at_once(variant);
    undelivered_connections_are_closed(variant);
    queued_closes_happen(variant);
    cring_free(NULL);
    for (int i = 0; i < 20; i++)
        cring_free(open_ring(variant, NULL));
}
