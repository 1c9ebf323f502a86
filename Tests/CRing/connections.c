// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "faults.h"
#include "ring_test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPT = 1, RECEIVE = 2, SEND = 3 };

/* Accepts one connection, arming the accept again when it has ended. */
static int
accept_one(cring *ring, int listener)
{
    cring_completion accepted;
    if (!CHECK(next(ring, ACCEPT, PATIENCE_MS, &accepted)) || !CHECK(accepted.result >= 0))
        return -1;
    if (!(accepted.flags & CRING_MORE))
        cring_accept(ring, listener, ACCEPT);
    return accepted.result;
}

static void
accepted_sockets_inherit(int fd)
{
    int on = 0;
    socklen_t size = sizeof on;
    CHECK(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size) == 0 && on != 0);
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    char address[46];
    CHECK_EQUAL(cring_peer_address(NULL, fd, address, sizeof address), 9);
    CHECK(strcmp(address, "127.0.0.1") == 0);
}

/* Sizes around the buffer size, up to many buffers. */
static void
echoes(cring *ring, int fd, int peer)
{
    static const size_t sizes[] = {1, 2, 4095, 4096, 4097, 8192, 100000};
    static uint8_t sent[100000], received[100000];
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        fill_pattern(sent, i, 0, sizes[i]);
        CHECK(write_all(peer, sent, sizes[i]));
        CHECK(receive_all(ring, fd, RECEIVE, false, received, sizes[i]));
        CHECK(memcmp(sent, received, sizes[i]) == 0);
        CHECK(send_all(ring, fd, SEND, received, sizes[i]));
        memset(received, 0, sizes[i]);
        CHECK(read_all(peer, received, sizes[i]));
        CHECK(memcmp(sent, received, sizes[i]) == 0);
    }
}

static void
accept_echo_and_end(const struct variant *variant)
{
    cring_options options = {.buffer_count = 8, .buffer_size = 4096};
    cring *ring = open_ring(variant, &options);
    uint16_t port;
    int listener = listen_anywhere(&port);
    CHECK_EQUAL(cring_accept(ring, listener, ACCEPT), 0);
    for (int i = 0; i < 3; i++) {
        int peer = connect_to(port);
        int fd = accept_one(ring, listener);
        accepted_sockets_inherit(fd);
        echoes(ring, fd, peer);
        cring_receive(ring, fd, RECEIVE);
        shutdown(peer, SHUT_WR);
        cring_completion end = {0};
        CHECK(next(ring, RECEIVE, PATIENCE_MS, &end));
        CHECK_EQUAL(end.result, 0);
        CHECK_EQUAL(end.flags, 0);
        CHECK(end.data == NULL);
        cring_close(ring, fd);
        uint8_t octet;
        CHECK(none(ring, RECEIVE, 0));
        CHECK_EQUAL(read(peer, &octet, 1), 0);
        close(peer);
    }
    CHECK_EQUAL(cring_buffers_out(ring), 0);
    cring_free(ring);
    close(listener);
}

/* What was sent before the end arrives before the end, even when both came before the receive. */
static void
octets_before_the_end(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    for (int i = 0; i < 20; i++) {
        int pair[2];
        tcp_pair(pair);
        bool armed = i % 2 == 0;
        if (armed)
            cring_receive(ring, pair[0], RECEIVE);
        if (i % 4 < 2)
            CHECK_EQUAL(cring_wait(ring, 0, &(cring_completion){0}, 1), 0);
        CHECK(write_all(pair[1], "abc", 3));
        shutdown(pair[1], SHUT_WR);
        if (!armed)
            cring_receive(ring, pair[0], RECEIVE);
        cring_completion got = {0};
        CHECK(next(ring, RECEIVE, PATIENCE_MS, &got));
        CHECK_EQUAL(got.result, 3);
        if (CHECK(got.flags & CRING_BUFFER))
            cring_recycle(ring, got.buffer);
        if (!(got.flags & CRING_MORE))
            cring_receive(ring, pair[0], RECEIVE);
        CHECK(next(ring, RECEIVE, PATIENCE_MS, &got));
        CHECK_EQUAL(got.result, 0);
        CHECK_EQUAL(got.flags, 0);
        cring_close(ring, pair[0]);
        close(pair[1]);
    }
    cring_free(ring);
}

/* The next connection gets the number of the one just closed; nothing of the old one shows. */
static void
numbers_are_reused(const struct variant *variant)
{
    enum { ROUNDS = 300 };
    cring *ring = open_ring(variant, NULL);
    uint16_t port;
    int listener = listen_anywhere(&port);
    cring_accept(ring, listener, ACCEPT);
    int reused = 0, last = -1;
    for (uint64_t i = 0; i < ROUNDS; i++) {
        uint64_t receive = 1000 + 2 * i, send = receive + 1;
        int peer = connect_to(port);
        int fd = accept_one(ring, listener);
        reused += fd == last;
        last = fd;
        uint8_t octet = (uint8_t)i, echo = 0;
        cring_receive(ring, fd, receive);
        CHECK(write_all(peer, &octet, 1));
        cring_completion got = {0};
        CHECK(next(ring, receive, PATIENCE_MS, &got));
        CHECK_EQUAL(got.result, 1);
        if (got.flags & CRING_BUFFER) {
            CHECK_EQUAL(got.data[0], octet);
            CHECK(send_all(ring, fd, send, got.data, 1));
            cring_recycle(ring, got.buffer);
        }
        CHECK(read_all(peer, &echo, 1) && echo == octet);
        if (got.flags & CRING_MORE) {
            if (i % 2 == 0)
                cring_cancel(ring, fd, receive);
            else
                shutdown(peer, SHUT_WR);
            CHECK(next(ring, receive, PATIENCE_MS, &got));
            CHECK_EQUAL(got.result, i % 2 == 0 ? -ECANCELED : 0);
            CHECK_EQUAL(got.flags, 0);
        }
        /* The peer's late octets and end must not reach the next owner of the number. */
        write_all(peer, "late", 4);
        cring_close(ring, fd);
        cring_completion any;
        CHECK(!next_any(ring, 0, &any));
        close(peer);
    }
    CHECK(reused > ROUNDS / 2);
    CHECK_EQUAL(cring_buffers_out(ring), 0);
    cring_free(ring);
    close(listener);
}

static void
resets_are_reported(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    int pair[2];
    tcp_pair(pair);
    cring_receive(ring, pair[0], RECEIVE);
    CHECK_EQUAL(cring_reset_on_close(NULL, pair[1]), 0);
    close(pair[1]);
    cring_completion got = {0};
    CHECK(next(ring, RECEIVE, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, -ECONNRESET);
    CHECK_EQUAL(got.flags, 0);
    cring_send(ring, pair[0], (const uint8_t *)"x", 1, SEND);
    CHECK(next(ring, SEND, PATIENCE_MS, &got));
    CHECK(got.result == -EPIPE || got.result == -ECONNRESET); /* and no SIGPIPE */
    cring_close(ring, pair[0]);

    cring_receive(ring, 9999, RECEIVE);
    CHECK(next(ring, RECEIVE, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, -EBADF);
    CHECK_EQUAL(got.flags, 0);
    cring_send(ring, 9999, (const uint8_t *)"x", 1, SEND);
    CHECK(next(ring, SEND, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, -EBADF);
    cring_receive(ring, -1, RECEIVE);
    CHECK(next(ring, RECEIVE, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, -EBADF);
    for (int fd = -1; fd <= 9999; fd += 10000) {
        cring_accept(ring, fd, ACCEPT);
        CHECK(next(ring, ACCEPT, PATIENCE_MS, &got));
        CHECK_EQUAL(got.result, -EBADF);
    }
    /* Nothing to shut down or to close, and nobody to tell. */
    static const int nowhere[] = {-1, 99999};
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++) {
        CHECK_EQUAL(cring_shutdown(ring, nowhere[i], SHUT_RDWR), 0);
        CHECK_EQUAL(cring_close(ring, nowhere[i]), 0);
        CHECK_EQUAL(cring_cancel(ring, nowhere[i], 777), 0);
    }
    CHECK(!next_any(ring, 5, &got));
    cring_free(ring);
}

/* Running out of descriptors ends the accept; armed again, it takes the waiting connection. The
 * limit is lowered before arming, as io_uring keeps the one it finds then. */
static void
accept_survives_the_descriptor_limit(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    uint16_t port;
    int listener = listen_anywhere(&port);
    int peer = connect_to(port);
    struct rlimit limit, full;
    getrlimit(RLIMIT_NOFILE, &limit);
    full = limit;
    int lowest_free = dup(0);
    close(lowest_free);
    full.rlim_cur = (rlim_t)lowest_free;
    setrlimit(RLIMIT_NOFILE, &full);
    cring_completion got = {0};
    for (int i = 0; i < 3; i++) {
        cring_accept(ring, listener, ACCEPT);
        CHECK(next(ring, ACCEPT, PATIENCE_MS, &got));
        CHECK_EQUAL(got.result, -EMFILE);
        CHECK_EQUAL(got.flags, 0);
    }
    setrlimit(RLIMIT_NOFILE, &limit);
    cring_accept(ring, listener, ACCEPT);
    CHECK(next(ring, ACCEPT, PATIENCE_MS, &got));
    CHECK(got.result >= 0);
    cring_close(ring, got.result);
    close(peer);
    cring_free(ring);
    close(listener);
}

/* More connections at once than a turn takes: each comes, once. */
static void
many_connections_at_once(const struct variant *variant)
{
    enum { CLIENTS = 150 };
    cring *ring = open_ring(variant, NULL);
    uint16_t port;
    int listener = listen_anywhere(&port), clients[CLIENTS], accepted = 0;
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = connect_to(port);
    CHECK_EQUAL(cring_accept(ring, listener, ACCEPT), 0);
    cring_completion out[CLIENTS];
    int64_t deadline = now_ms() + PATIENCE_MS;
    while (accepted < CLIENTS && now_ms() < deadline) {
        int count = cring_wait(ring, 10000000, out, CLIENTS);
        for (int i = 0; i < count; i++) {
            CHECK(out[i].result >= 0);
            close(out[i].result);
            accepted++;
            if (!(out[i].flags & CRING_MORE))
                cring_accept(ring, listener, ACCEPT);
        }
    }
    CHECK_EQUAL(accepted, CLIENTS);
    cring_free(ring);
    close(listener);
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
}

/* Sockets that others hold open too, as a child process does: neither their events nor what the
 * kernel remembers of them reach the next owner of the number. */
static void
shared_sockets(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    int pair[2], other[2];
    tcp_pair(pair);
    tcp_pair(other);
    cring_completion got = {0};
    uint8_t octet = 0;
    CHECK_EQUAL(cring_receive(ring, pair[0], RECEIVE), 0);
    CHECK(none(ring, RECEIVE, 0));
    CHECK_EQUAL(cring_cancel(ring, pair[0], RECEIVE), 0);
    CHECK(next(ring, RECEIVE, PATIENCE_MS, &got));
    int held = dup(pair[0]);
    CHECK_EQUAL(cring_close(ring, pair[0]), 0);
    CHECK(!next_any(ring, 0, &got));
    CHECK(write_all(pair[1], "a", 1));
    CHECK(!next_any(ring, 5, &got));
    /* The same socket comes back under its number. */
    CHECK_EQUAL(dup2(held, pair[0]), pair[0]);
    CHECK(receive_all(ring, pair[0], RECEIVE, false, &octet, 1) && octet == 'a');
    /* Another one comes under it, while the ring was not told of the end of the first. */
    CHECK_EQUAL(dup2(other[0], pair[0]), pair[0]);
    close(held);
    fail("send", 0, 1, EAGAIN); /* so that epoll has to watch it */
    CHECK(send_all(ring, pair[0], SEND, (const uint8_t *)"b", 1));
    heal();
    CHECK(read_all(other[1], &octet, 1) && octet == 'b');
    cring_free(ring);
    for (int i = 0; i < 2; i++) {
        close(pair[i]);
        close(other[i]);
    }
}

void
test_connections(const struct variant *variant)
{
    accept_echo_and_end(variant);
    octets_before_the_end(variant);
    numbers_are_reused(variant);
    resets_are_reported(variant);
    accept_survives_the_descriptor_limit(variant);
    many_connections_at_once(variant);
    shared_sockets(variant);
}
