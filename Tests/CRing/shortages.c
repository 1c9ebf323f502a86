// SPDX-License-Identifier: Apache-2.0
/* Operations and turns while the kernel refuses, or while there is no memory. */
#define _GNU_SOURCE
#include "faults.h"
#include "ring_test.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACCEPT = 1, RECEIVE = 2, SEND = 3, PAIRS = 40 };

static int pairs[PAIRS][2];

static void
open_pairs(void)
{
    for (int i = 0; i < PAIRS; i++)
        tcp_pair(pairs[i]);
}

static void
close_pairs(void)
{
    for (int i = 0; i < PAIRS; i++) {
        close(pairs[i][0]);
        close(pairs[i][1]);
    }
}

/* An accept without memory was not queued; tried again it is. */
static void
accept_without_memory(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    uint16_t port;
    int listener = listen_anywhere(&port), client = connect_to(port);
    fail("realloc", 0, 1, ENOMEM);
    CHECK_EQUAL(cring_accept(ring, listener, ACCEPT), -ENOMEM);
    CHECK_EQUAL(heal(), 1);
    CHECK(none(ring, ACCEPT, 0));
    CHECK_EQUAL(cring_accept(ring, listener, ACCEPT), 0);
    cring_completion got = {.result = -1};
    CHECK(next(ring, ACCEPT, PATIENCE_MS, &got));
    CHECK(got.result >= 0);
    close(got.result);
    cring_free(ring);
    close(listener);
    close(client);
}

/* ---- io_uring ------------------------------------------------------------------- */

/* A receive, a send and a shutdown for each pair, which peers see in that order. */
static void
queue_on_all(cring *ring)
{
    for (uint64_t i = 0; i < PAIRS; i++) {
        CHECK(write_all(pairs[i][1], "x", 1));
        CHECK_EQUAL(cring_receive(ring, pairs[i][0], 100 + i), 0);
        CHECK_EQUAL(cring_send(ring, pairs[i][0], (const uint8_t *)"y", 1, 200 + i), 0);
        CHECK_EQUAL(cring_shutdown(ring, pairs[i][0], SHUT_WR), 0);
    }
}

static void
see_on_all(cring *ring)
{
    for (uint64_t i = 0; i < PAIRS; i++) {
        cring_completion got = {0};
        CHECK(next(ring, 100 + i, PATIENCE_MS, &got));
        CHECK_EQUAL(got.result, 1);
        if (got.flags & CRING_BUFFER)
            cring_recycle(ring, got.buffer);
        CHECK(next(ring, 200 + i, PATIENCE_MS, &got));
        CHECK_EQUAL(got.result, 1);
    }
    cring_completion any;
    CHECK(!next_any(ring, 0, &any)); /* a turn for the last shutdowns */
    for (int i = 0; i < PAIRS; i++) {
        char octet;
        CHECK(read_all(pairs[i][1], &octet, 1) && octet == 'y');
        CHECK_EQUAL(read(pairs[i][1], &octet, 1), 0);
    }
}

/* What the submission queue cannot hold and the kernel does not take waits, in order. */
static void
a_kernel_that_takes_little(const struct variant *variant)
{
    static const int refusals[] = {0, 100, FOR_EVER};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        cring_options options = {.submission_entries = 8};
        cring *ring = open_ring(variant, &options);
        open_pairs();
        fail("io_uring_submit", 0, FOR_EVER, EBUSY);
        queue_on_all(ring);
        CHECK(heal() > 0);
        fail("io_uring_submit", 0, refusals[i], EAGAIN);
        see_on_all(ring);
        heal();
        cring_free(ring);
        close_pairs();
    }
}

/* Then nothing is left to keep it in: the caller is told, and what was queued before happens. */
static void
operations_without_room(const struct variant *variant)
{
    cring_options options = {.submission_entries = 8};
    cring *ring = open_ring(variant, &options);
    open_pairs();
    fail("io_uring_submit", 0, FOR_EVER, EBUSY);
    fail("realloc", 0, FOR_EVER, ENOMEM);
    uint64_t queued = 0;
    int error = 0;
    while (queued < PAIRS && error == 0) {
        error = cring_receive(ring, pairs[queued][0], 100 + queued);
        queued += error == 0;
    }
    CHECK_EQUAL(error, -ENOMEM);
    CHECK(queued > 0 && queued < PAIRS);
    CHECK_EQUAL(cring_shutdown(ring, pairs[0][0], SHUT_WR), -ENOMEM);
    CHECK_EQUAL(cring_cancel(ring, pairs[0][0], 100), -ENOMEM);
    CHECK_EQUAL(cring_close(ring, pairs[PAIRS - 1][0]), -ENOMEM);
    heal();
    for (uint64_t i = 0; i < PAIRS; i++)
        CHECK(write_all(pairs[i][1], "x", 1));
    for (uint64_t i = 0; i < PAIRS; i++) {
        cring_completion got = {0};
        bool is_queued = i < queued;
        CHECK_EQUAL(next(ring, 100 + i, is_queued ? PATIENCE_MS : 0, &got), is_queued);
        if (got.flags & CRING_BUFFER)
            cring_recycle(ring, got.buffer);
    }
    cring_free(ring);
    close_pairs();
}

/* An accept has room in its own list, but not in the queue. */
static void
accept_without_room(const struct variant *variant)
{
    cring_options options = {.submission_entries = 1};
    cring *ring = open_ring(variant, &options);
    uint16_t port;
    int listener = listen_anywhere(&port), pair[2];
    tcp_pair(pair);
    CHECK_EQUAL(cring_receive(ring, pair[0], RECEIVE), 0);
    fail("io_uring_submit", 0, FOR_EVER, EBUSY);
    fail("realloc", 1, 1, ENOMEM);
    CHECK_EQUAL(cring_accept(ring, listener, ACCEPT), -ENOMEM);
    CHECK(heal() > 1);
    int client = connect_to(port);
    CHECK(none(ring, ACCEPT, 5));
    cring_free(ring);
    close(listener);
    close(client);
    close(pair[0]);
    close(pair[1]);
}

/* The watch for wakes can end, as anything can; the next turn begins it again. As long as it
 * cannot, no turn waits. */
static void
wakes_are_watched_for_again(const struct variant *variant)
{
    const uint64_t watch = UINT64_MAX - 1;
    cring_options options = {.submission_entries = 8};
    cring *ring = open_ring(variant, &options);
    cring_completion out;
    CHECK_EQUAL(cring_wait(ring, 0, &out, 1), 0);
    CHECK_EQUAL(cring_cancel(ring, -1, watch), 0);
    CHECK_EQUAL(cring_wait(ring, 1000000, &out, 1), 0);
    cring_wake(ring);
    CHECK_EQUAL(cring_wait(ring, -1, &out, 1), 0);
    CHECK_EQUAL(cring_wait(ring, 0, &out, 1), 0);

    CHECK_EQUAL(cring_cancel(ring, -1, watch), 0);
    CHECK_EQUAL(cring_wait(ring, 1000000, &out, 1), 0);
    open_pairs();
    fail("io_uring_submit", 0, FOR_EVER, EBUSY);
    fail("realloc", 0, FOR_EVER, ENOMEM);
    for (uint64_t i = 0; i < PAIRS; i++) {
        if (cring_receive(ring, pairs[i][0], 100 + i) != 0)
            break;
    }
    CHECK_EQUAL(cring_wait(ring, -1, &out, 1), 0);
    heal();
    cring_wake(ring);
    CHECK_EQUAL(cring_wait(ring, -1, &out, 1), 0);
    cring_free(ring);
    close_pairs();
}

/* The kernel is short of memory, or busy, or was interrupted: the turn brings nothing, and the
 * next one all. */
static void
passing_refusals(const struct variant *variant)
{
    static const int errors[] = {EAGAIN, EBUSY, EINTR, ETIME};
    cring *ring = open_ring(variant, NULL);
    int pair[2];
    tcp_pair(pair);
    cring_completion out;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        CHECK_EQUAL(cring_send(ring, pair[0], (const uint8_t *)"x", 1, SEND), 0);
        fail("io_uring_submit_and_wait_timeout", 0, 1, errors[i]);
        CHECK_EQUAL(cring_wait(ring, -1, &out, 1), 0);
        CHECK_EQUAL(heal(), 1);
        fail("io_uring_submit_and_get_events", 0, 1, errors[i]);
        CHECK_EQUAL(cring_wait(ring, 0, &out, 1), 0);
        CHECK_EQUAL(heal(), 1);
        CHECK(next(ring, SEND, PATIENCE_MS, &out));
        CHECK_EQUAL(out.result, 1);
    }
    /* What has completed already is given out all the same. */
    int other[2];
    tcp_pair(other);
    CHECK_EQUAL(cring_send(ring, pair[0], (const uint8_t *)"x", 1, SEND), 0);
    CHECK_EQUAL(cring_send(ring, other[0], (const uint8_t *)"x", 1, SEND + 1), 0);
    CHECK_EQUAL(cring_wait(ring, -1, &out, 1), 1);
    uint64_t first = out.token;
    CHECK_EQUAL(cring_receive(ring, pair[0], RECEIVE), 0);
    fail("io_uring_submit_and_get_events", 0, 1, EBUSY);
    CHECK_EQUAL(cring_wait(ring, -1, &out, 1), 1);
    CHECK_EQUAL(heal(), 1);
    CHECK_EQUAL(out.token, first == SEND ? SEND + 1 : SEND);
    cring_free(ring);
    for (int i = 0; i < 2; i++) {
        close(pair[i]);
        close(other[i]);
    }
}

/* Any other refusal is told, wherever it comes, and the ring can still be freed. */
static void
lasting_refusals(const struct variant *variant)
{
    enum { PENDING, CALLED_AFTER, POLLING, WAITING, FREEING, PLACES };
    cring_completion out;
    for (int place = PENDING; place < PLACES; place++) {
        cring_options options = {.submission_entries = 8};
        cring *ring = open_ring(variant, &options);
        open_pairs();
        if (place == PENDING) {
            fail("io_uring_submit", 0, FOR_EVER, EBUSY);
            queue_on_all(ring);
            heal();
        } else {
            CHECK_EQUAL(cring_send(ring, pairs[0][0], (const uint8_t *)"x", 1, SEND), 0);
        }
        if (place == CALLED_AFTER)
            CHECK_EQUAL(cring_shutdown(ring, pairs[0][0], SHUT_WR), 0);
        fail("io_uring_submit", 0, FOR_EVER, EBADFD);
        fail("io_uring_submit_and_get_events", 0, FOR_EVER, EBADFD);
        fail("io_uring_submit_and_wait_timeout", 0, FOR_EVER, EBADFD);
        if (place != FREEING)
            CHECK_EQUAL(cring_wait(ring, place == POLLING ? 0 : -1, &out, 1), -EBADFD);
        cring_free(ring);
        CHECK(heal() > 0);
        close_pairs();
    }
}

/* Freeing while the kernel takes little: what was queued still happens. */
static void
freeing_a_ring_that_is_full(const struct variant *variant)
{
    cring_options options = {.submission_entries = 8};
    cring_completion out;
    for (int refused = 0; refused < 2; refused++) {
        cring *ring = open_ring(variant, &options);
        open_pairs();
        CHECK_EQUAL(cring_wait(ring, 0, &out, 1), 0);
        fail("io_uring_submit", 0, FOR_EVER, EBUSY);
        /* As many as there are entries, or more. */
        int count = refused ? PAIRS : 8;
        for (int i = 0; i < count; i++)
            CHECK_EQUAL(cring_receive(ring, pairs[i][0], 100 + (uint64_t)i), 0);
        heal();
        CHECK_EQUAL(cring_shutdown(ring, pairs[0][0], SHUT_WR), 0);
        fail("io_uring_submit", 0, refused * 3, EBUSY);
        cring_free(ring);
        heal();
        char octet;
        CHECK_EQUAL(read(pairs[0][1], &octet, 1), 0);
        close_pairs();
    }
}

/* The last shutdown and the last close wait for a kernel that is busy for a moment. */
static void
freeing_while_the_kernel_is_busy(const struct variant *variant)
{
    for (int refused = 1; refused <= 2; refused++) {
        cring *ring = open_ring(variant, NULL);
        int pair[2], other[2];
        tcp_pair(pair);
        tcp_pair(other);
        CHECK_EQUAL(cring_close(ring, other[0]), 0);
        CHECK_EQUAL(cring_shutdown(ring, pair[0], SHUT_WR), 0);
        fail("io_uring_submit", 0, refused, EBUSY);
        fail("io_uring_submit_and_get_events", 0, refused - 1, EBUSY);
        cring_free(ring);
        CHECK_EQUAL(heal(), 2 * refused - 1);
        char octet;
        CHECK_EQUAL(read(other[1], &octet, 1), 0);
        CHECK_EQUAL(read(pair[1], &octet, 1), 0);
        close(pair[0]);
        close(pair[1]);
        close(other[1]);
    }
}

/* A completion queue that overflowed cannot be flushed now, or not at all. */
static void
overflows_that_stay(const struct variant *variant)
{
    cring_options options = {.completion_entries = 16};
    cring *ring = open_ring(variant, &options);
    cring_completion out[2 * PAIRS];
    open_pairs();
    for (uint64_t i = 0; i < PAIRS; i++) {
        CHECK_EQUAL(cring_receive(ring, pairs[i][0], 100 + i), 0);
        CHECK(write_all(pairs[i][1], "x", 1));
    }
    fail("io_uring_get_events", 0, FOR_EVER, EBUSY);
    int seen = cring_wait(ring, -1, out, PAIRS);
    CHECK(seen > 0 && seen < PAIRS);
    CHECK(heal() > 0);
    for (int i = 0; i < seen; i++)
        cring_recycle(ring, out[i].buffer);
    fail("io_uring_get_events", 0, FOR_EVER, EBADFD);
    int more = cring_wait(ring, -1, out, PAIRS);
    CHECK(more > 0);
    for (int i = 0; i < more; i++)
        cring_recycle(ring, out[i].buffer);
    fail("io_uring_submit_and_wait_timeout", 0, 1, EBUSY);
    int last = cring_wait(ring, -1, out, PAIRS);
    CHECK_EQUAL(last, -EBADFD);
    CHECK(heal() > 0);
    CHECK(cring_overflows(ring) > 0);
    cring_free(ring);
    close_pairs();
}

/* ---- epoll ------------------------------------------------------------------------ */

/* What cannot be queued is refused, and nothing of it comes. */
static void
readiness_without_memory(const struct variant *variant)
{
    int pair[2];
    tcp_pair(pair);
    cring_completion got = {0};
    /* First no room for a report, then none for the descriptor. */
    for (int skipped = 0; skipped < 2; skipped++) {
        cring *ring = open_ring(variant, NULL);
        fail("realloc", skipped, 1, ENOMEM);
        CHECK_EQUAL(cring_receive(ring, pair[0], RECEIVE), -ENOMEM);
        CHECK_EQUAL(heal(), 1);
        CHECK(none(ring, RECEIVE, 0));
        cring_free(ring);
    }
    cring *ring = open_ring(variant, NULL);
    fail("realloc", 0, FOR_EVER, ENOMEM);
    CHECK_EQUAL(cring_send(ring, -1, (const uint8_t *)"x", 1, SEND), -ENOMEM);
    CHECK_EQUAL(cring_send(ring, pair[0], (const uint8_t *)"x", 1, SEND), -ENOMEM);
    heal();
    CHECK_EQUAL(cring_send(ring, pair[0], (const uint8_t *)"x", 1, SEND), 0);
    fail("realloc", 0, FOR_EVER, ENOMEM);
    CHECK_EQUAL(cring_cancel(ring, pair[0], SEND), -ENOMEM);
    CHECK_EQUAL(cring_shutdown(ring, pair[0], SHUT_WR), -ENOMEM);
    heal();
    CHECK(next(ring, SEND, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, 1);
    CHECK_EQUAL(cring_cancel(ring, pair[0], 0), 0); /* nothing has no end */
    CHECK(!next_any(ring, 0, &got));
    cring_free(ring);
    close(pair[0]);
    close(pair[1]);
}

/* A connection that there is no memory for is closed, and the accept ends with the reason. */
static void
connections_without_memory(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    uint16_t port;
    int listener = listen_anywhere(&port), client = connect_to(port);
    CHECK_EQUAL(cring_accept(ring, listener, ACCEPT), 0);
    /* Beyond what the table for the listener has room for. */
    int fillers[4096], count = 0;
    do
        fillers[count] = dup(0);
    while (fillers[count++] < 4 * listener + 64);
    fail("realloc", 0, FOR_EVER, ENOMEM);
    cring_completion got = {0};
    CHECK(next(ring, ACCEPT, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, -ENOMEM);
    CHECK_EQUAL(got.flags, 0);
    CHECK(heal() > 0);
    char octet;
    CHECK_EQUAL(read(client, &octet, 1), 0);
    while (count > 0)
        close(fillers[--count]);
    cring_free(ring);
    close(listener);
    close(client);
}

/* Failures of the kernel are completions of the operation they hit. */
static void
calls_that_fail(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    uint16_t port;
    int listener = listen_anywhere(&port), pair[2];
    tcp_pair(pair);
    cring_completion got = {0};
    fail("fcntl", 1, 1, EPERM);
    CHECK_EQUAL(cring_accept(ring, listener, ACCEPT), 0);
    heal();
    CHECK(next(ring, ACCEPT, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, -EPERM);
    fail("epoll_ctl", 0, 1, ENOSPC);
    CHECK_EQUAL(cring_receive(ring, pair[0], RECEIVE), 0);
    heal();
    CHECK(next(ring, RECEIVE, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, -ENOSPC);
    /* The socket is full, and nobody can say when it is no more. */
    fail("send", 0, 1, EAGAIN);
    fail("epoll_ctl", 0, 1, ENOSPC);
    CHECK_EQUAL(cring_send(ring, pair[0], (const uint8_t *)"x", 1, SEND), 0);
    CHECK(next(ring, SEND, PATIENCE_MS, &got));
    CHECK_EQUAL(heal(), 2);
    CHECK_EQUAL(got.result, -ENOSPC);
    cring_free(ring);
    close(listener);
    close(pair[0]);
    close(pair[1]);
}

/* A signal in the middle of a call, and readiness that was a false alarm. */
static void
calls_that_are_interrupted(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    uint16_t port;
    int listener = listen_anywhere(&port), client = connect_to(port);
    cring_completion got = {.result = -1};
    fail("accept4", 0, 3, EINTR);
    CHECK_EQUAL(cring_accept(ring, listener, ACCEPT), 0);
    CHECK(next(ring, ACCEPT, PATIENCE_MS, &got));
    CHECK_EQUAL(heal(), 3);
    int fd = got.result;
    fail("send", 0, 3, EINTR);
    CHECK(send_all(ring, fd, SEND, (const uint8_t *)"x", 1));
    CHECK_EQUAL(heal(), 3);
    CHECK(write_all(client, "x", 1));
    uint8_t octet = 0;
    fail("recv", 0, 3, EINTR);
    CHECK(receive_all(ring, fd, RECEIVE, false, &octet, 1) && octet == 'x');
    CHECK_EQUAL(heal(), 3);
    CHECK(write_all(client, "y", 1));
    fail("recv", 0, 1, EAGAIN);
    CHECK_EQUAL(cring_receive(ring, fd, RECEIVE), 0);
    CHECK(none(ring, RECEIVE, 0));
    CHECK_EQUAL(heal(), 1);
    CHECK(write_all(client, "z", 1));
    uint8_t both[2];
    CHECK(receive_all(ring, fd, RECEIVE, true, both, 2) && both[0] == 'y' && both[1] == 'z');
    fail("send", 0, 2, EAGAIN);
    CHECK_EQUAL(cring_send(ring, fd, (const uint8_t *)"x", 1, SEND), 0);
    CHECK(none(ring, SEND, 5));
    CHECK_EQUAL(heal(), 2);
    CHECK_EQUAL(cring_cancel(ring, fd, SEND), 0);
    CHECK(next(ring, SEND, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, -ECANCELED);
    cring_free(ring);
    close(fd);
    close(listener);
    close(client);
}

/* A turn that cannot wait tells so, unless it has something to give out first. */
static void
turns_that_fail(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    int pair[2];
    tcp_pair(pair);
    cring_completion out;
    fail("epoll_wait", 0, FOR_EVER, EBADF);
    fail("syscall", 0, FOR_EVER, EBADF);
    CHECK_EQUAL(cring_wait(ring, 1000000, &out, 1), -EBADF);
    CHECK_EQUAL(cring_send(ring, pair[0], (const uint8_t *)"x", 1, SEND), 0);
    CHECK_EQUAL(cring_wait(ring, 1000000, &out, 1), 1);
    CHECK_EQUAL(out.result, 1);
    CHECK_EQUAL(heal(), 2);
    cring_free(ring);
    close(pair[0]);
    close(pair[1]);
}

void
test_shortages(const struct variant *variant)
{
    accept_without_memory(variant);
    if (variant->kind == CRING_URING) {
        a_kernel_that_takes_little(variant);
        operations_without_room(variant);
        accept_without_room(variant);
        wakes_are_watched_for_again(variant);
        passing_refusals(variant);
        lasting_refusals(variant);
        freeing_a_ring_that_is_full(variant);
        freeing_while_the_kernel_is_busy(variant);
        overflows_that_stay(variant);
    } else {
        readiness_without_memory(variant);
        connections_without_memory(variant);
        calls_that_fail(variant);
        calls_that_are_interrupted(variant);
        turns_that_fail(variant);
    }
}
