// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ring_test.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAIRS = 500, ROUNDS = 4 };

static int pairs[PAIRS][2];

static void
open_pairs(void)
{
    uint16_t port;
    int listener = listen_anywhere(&port);
    for (int i = 0; i < PAIRS; i++) {
        pairs[i][1] = connect_to(port);
        pairs[i][0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    }
    close(listener);
}

/* Takes completions, `capacity` at a time, until each pair has had its send and its octet. */
static void
take_all(cring *ring, unsigned capacity, uint8_t octet, uint8_t *sent, uint8_t *received)
{
    cring_completion out[64];
    size_t missing = 2 * PAIRS;
    int64_t deadline = now_ms() + PATIENCE_MS;
    while (missing > 0 && now_ms() < deadline) {
        int count = cring_wait(ring, 50000000, out, capacity);
        if (!CHECK(count >= 0 && count <= (int)capacity))
            return;
        for (int i = 0; i < count; i++) {
            size_t number = (size_t)(out[i].token >> 1) - 500;
            bool is_send = out[i].token & 1;
            if (is_send) {
                CHECK(out[i].result == 1 && out[i].flags == 0);
                sent[number]++;
                missing--;
                continue;
            }
            if (out[i].flags & CRING_BUFFER) {
                CHECK(out[i].result == 1 && out[i].data[0] == octet);
                received[number]++;
                missing--;
                cring_recycle(ring, out[i].buffer);
            } else {
                CHECK_EQUAL(out[i].result, -ENOBUFS);
            }
            if (!(out[i].flags & CRING_MORE))
                cring_receive(ring, pairs[number][0], out[i].token);
        }
    }
    CHECK_EQUAL(missing, 0);
}

/* Far more operations than either queue holds, all completing at once: each is reported once. */
static void
nothing_is_lost(const struct variant *variant, cring_options options, unsigned capacity)
{
    cring *ring = open_ring(variant, &options);
    open_pairs();
    for (uint64_t i = 0; i < PAIRS; i++)
        CHECK_EQUAL(cring_receive(ring, pairs[i][0], (500 + i) << 1), 0);
    for (uint8_t round = 1; round <= ROUNDS; round++) {
        uint8_t sent[PAIRS] = {0}, received[PAIRS] = {0}, octet = round, back;
        for (uint64_t i = 0; i < PAIRS; i++) {
            CHECK(write_all(pairs[i][1], &octet, 1));
            CHECK_EQUAL(cring_send(ring, pairs[i][0], &octet, 1, (500 + i) << 1 | 1), 0);
        }
        take_all(ring, capacity, octet, sent, received);
        for (int i = 0; i < PAIRS; i++) {
            CHECK(sent[i] == 1 && received[i] == 1);
            CHECK(read_all(pairs[i][1], &back, 1) && back == octet);
        }
    }
    CHECK_EQUAL(cring_buffers_out(ring), 0);
    if (variant->kind == CRING_URING && options.completion_entries == 16)
        CHECK(cring_overflows(ring) > 0);
    for (uint64_t i = 0; i < PAIRS; i++)
        cring_cancel(ring, pairs[i][0], (500 + i) << 1);
    for (uint64_t i = 0; i < PAIRS; i++) {
        cring_completion got = {0};
        CHECK(next(ring, (500 + i) << 1, PATIENCE_MS, &got));
        CHECK_EQUAL(got.result, -ECANCELED);
        cring_close(ring, pairs[i][0]);
        close(pairs[i][1]);
    }
    cring_free(ring);
}

void
test_queues(const struct variant *variant)
{
    nothing_is_lost(variant, (cring_options){.completion_entries = 16}, 64);
    nothing_is_lost(variant, (cring_options){.submission_entries = 8}, 64);
    nothing_is_lost(variant, (cring_options){.completion_entries = 16}, 1);
    nothing_is_lost(variant, (cring_options){.buffer_count = 4, .buffer_size = 16}, 7);
    nothing_is_lost(variant, (cring_options){0}, 64);
}
