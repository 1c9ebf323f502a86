// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "faults.h"
#include "ring_test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECEIVE = 1 };

/* Each of the few buffers can be had, each once, and then -ENOBUFS; whatever happened before. */
static void
all_buffers_are_there(cring *ring, unsigned count)
{
    int pairs[16][2];
    bool seen[16] = {false};
    cring_completion held[16], got = {0};
    for (unsigned i = 0; i < count; i++) {
        tcp_pair(pairs[i]);
        CHECK(write_all(pairs[i][1], "x", 1));
        cring_receive(ring, pairs[i][0], 50);
        CHECK(next(ring, 50, PATIENCE_MS, &held[i]));
        if (CHECK(held[i].flags & CRING_BUFFER)) {
            CHECK(held[i].buffer < count && !seen[held[i].buffer]);
            seen[held[i].buffer] = true;
        }
        if (held[i].flags & CRING_MORE) {
            cring_cancel(ring, pairs[i][0], 50);
            CHECK(next(ring, 50, PATIENCE_MS, &got));
            /* io_uring may have found out meanwhile that no buffer is left. */
            CHECK(got.result == -ECANCELED || got.result == -ENOBUFS);
        }
    }
    CHECK_EQUAL(cring_buffers_out(ring), count);
    int pair[2];
    tcp_pair(pair);
    CHECK(write_all(pair[1], "y", 1));
    cring_receive(ring, pair[0], 51);
    CHECK(next(ring, 51, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, -ENOBUFS);
    CHECK_EQUAL(got.flags, 0);
    for (unsigned i = 0; i < count; i++) {
        cring_recycle(ring, held[i].buffer);
        cring_close(ring, pairs[i][0]);
        close(pairs[i][1]);
    }
    CHECK_EQUAL(cring_buffers_out(ring), 0);
    uint8_t octet = 0;
    CHECK(receive_all(ring, pair[0], 51, false, &octet, 1) && octet == 'y');
    cring_close(ring, pair[0]);
    close(pair[1]);
}

/* Ends of streams, cancelled and reset receives use no buffer up. */
static void
endings_use_no_buffer(const struct variant *variant)
{
    cring_options options = {.buffer_count = 4, .buffer_size = 512};
    cring *ring = open_ring(variant, &options);
    all_buffers_are_there(ring, 4);
    for (int i = 0; i < 60; i++) {
        int pair[2];
        tcp_pair(pair);
        cring_receive(ring, pair[0], RECEIVE);
        if (i % 2 == 0)
            CHECK(none(ring, RECEIVE, 0));
        if (i % 3 == 0)
            cring_cancel(ring, pair[0], RECEIVE);
        else if (i % 3 == 1)
            shutdown(pair[1], SHUT_WR);
        else
            cring_reset_on_close(NULL, pair[1]), close(pair[1]);
        cring_completion got = {0};
        CHECK(next(ring, RECEIVE, PATIENCE_MS, &got));
        CHECK_EQUAL(got.result, i % 3 == 0 ? -ECANCELED : i % 3 == 1 ? 0 : -ECONNRESET);
        CHECK_EQUAL(got.flags, 0);
        cring_close(ring, pair[0]);
        if (i % 3 != 2)
            close(pair[1]);
    }
    all_buffers_are_there(ring, 4);
    cring_free(ring);
}

enum { SENDERS = 64, OCTETS = 20000 };

struct sender {
    int pair[2];
    size_t written, received;
    bool is_armed, is_waiting, has_ended;
};

/* First come, first armed again. */
struct queue {
    size_t numbers[SENDERS];
    size_t first, count;
};

static void
take_completion(cring *ring, struct sender *senders, struct queue *queue, uint8_t *held,
                size_t *held_count, const cring_completion *got, int *starved)
{
    size_t number = got->token - 1000;
    struct sender *sender = &senders[number];
    sender->is_armed = (got->flags & CRING_MORE) != 0;
    if (got->flags & CRING_BUFFER) {
        CHECK(is_pattern(got->data, number, sender->received, (size_t)got->result));
        sender->received += (size_t)got->result;
        held[(*held_count)++] = (uint8_t)got->buffer;
    } else if (got->result == -ENOBUFS) {
        ++*starved;
    } else {
        CHECK_EQUAL(got->result, 0);
        sender->has_ended = true;
    }
    if (!sender->is_armed && !sender->has_ended)
        queue->numbers[(queue->first + queue->count++) % SENDERS] = number;
    (void)ring;
}

/* Four buffers for 64 senders; the application holds on to them until it is told that there are
 * none. Everybody is served, nothing is lost, no order changes. */
static void
starvation_loses_nothing(const struct variant *variant)
{
    cring_options options = {.buffer_count = 4, .buffer_size = 1024};
    cring *ring = open_ring(variant, &options);
    static struct sender senders[SENDERS];
    static uint8_t octets[OCTETS];
    struct queue queue = {0};
    uint8_t held[4];
    size_t held_count = 0;
    int starved = 0;
    memset(senders, 0, sizeof senders);
    for (size_t i = 0; i < SENDERS; i++) {
        tcp_pair(senders[i].pair);
        fill_pattern(octets, i, 0, OCTETS);
        CHECK(write_all(senders[i].pair[1], octets, OCTETS));
        shutdown(senders[i].pair[1], SHUT_WR);
        cring_receive(ring, senders[i].pair[0], 1000 + i);
        senders[i].is_armed = true;
    }
    size_t ended = 0;
    int64_t deadline = now_ms() + 2 * PATIENCE_MS;
    while (ended < SENDERS && now_ms() < deadline) {
        cring_completion got;
        if (next_any(ring, 0, &got)) {
            take_completion(ring, senders, &queue, held, &held_count, &got, &starved);
            ended += senders[got.token - 1000].has_ended;
            continue;
        }
        /* Nothing more comes: give back, then arm as many as can be served. */
        while (held_count > 0)
            cring_recycle(ring, held[--held_count]);
        for (size_t i = 0; i < 6 && queue.count > 0; i++, queue.count--) {
            size_t number = queue.numbers[queue.first];
            queue.first = (queue.first + 1) % SENDERS;
            cring_receive(ring, senders[number].pair[0], 1000 + number);
        }
    }
    CHECK(starved > 0);
    CHECK_EQUAL(ended, SENDERS);
    CHECK_EQUAL(cring_buffers_out(ring), 0);
    for (size_t i = 0; i < SENDERS; i++) {
        CHECK_EQUAL(senders[i].received, OCTETS);
        cring_close(ring, senders[i].pair[0]);
        close(senders[i].pair[1]);
    }
    cring_free(ring);
}

/* A buffer that is not out cannot be given back: it would be filled for two at once. */
static void
giving_back_twice_ends_the_program(const struct variant *variant)
{
    cring_options options = {.buffer_count = 4, .buffer_size = 16};
    cring *ring = open_ring(variant, &options);
    int pair[2];
    tcp_pair(pair);
    cring_completion got = {0};
    CHECK_EQUAL(cring_receive(ring, pair[0], RECEIVE), 0);
    CHECK(write_all(pair[1], "exactly a buffer", 16));
    CHECK(next(ring, RECEIVE, PATIENCE_MS, &got));
    CHECK_EQUAL(got.result, 16);
    CHECK(recycling_aborts(ring, 4));
    CHECK(!recycling_aborts(ring, got.buffer));
    CHECK(recycling_aborts(ring, got.buffer));
    CHECK_EQUAL(cring_buffers_out(ring), 0);
    CHECK(none(ring, RECEIVE, 0));
    cring_free(ring);
    close(pair[0]);
    close(pair[1]);
}

void
test_buffers(const struct variant *variant)
{
    endings_use_no_buffer(variant);
    starvation_loses_nothing(variant);
    giving_back_twice_ends_the_program(variant);
}
