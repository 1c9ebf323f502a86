// SPDX-License-Identifier: Apache-2.0
/*
 * The open loop: messages leave when they are due, whatever the echoes do. Latency counts from then,
 * so that a server that stalls is charged for all that was due meanwhile.
 *
 * Each connection has a schedule of its own, and the sum of them is the rate: constant ones follow
 * each other at even distances, and Poisson processes add up to one. So a connection draws its next
 * time only when the message before it has left, and what waits for room takes no memory.
 */
#define _GNU_SOURCE
#include "load.h"

#include <math.h>
#include <stdlib.h>

/* A message that leaves later than this after it was due is the load generator's fault. */
static const uint64_t LATE_NS = 1000000;

/* ---- when ---- */

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
    uint64_t word = *state += 0x9E3779B97F4A7C15ULL;
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9ULL;
    word = (word ^ (word >> 27)) * 0x94D049BB133111EBULL;
    return word ^ (word >> 31);
}

/* The time between two messages of a connection. */
static double next_interval(const cload *load, connection *c)
{
    const double mean = 1e9 / load->rate * load->connections;
    if (!load->is_poisson)
        return mean;
    /* Of 53 bits, above 0 and at most 1. */
    const double even = (double)((next_random(&c->random) >> 11) + 1) * 0x1p-53;
    return -log(even) * mean;
}

static uint64_t due_time(const cload *load, double due) { return load->epoch + (uint64_t)due; }

/* ---- the queue: a binary heap ---- */

static void sift_down(cload *load, uint32_t at)
{
    const appointment moved = load->queue[at];
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= load->queue_n)
            break;
        if (child + 1 < load->queue_n && load->queue[child + 1].due < load->queue[child].due)
            child++;
        if (moved.due <= load->queue[child].due)
            break;
        load->queue[at] = load->queue[child];
        at = child;
    }
    load->queue[at] = moved;
}

static void push(cload *load, connection *c)
{
    uint32_t at = load->queue_n++;
    while (at > 0 && c->next_due < load->queue[(at - 1) / 2].due) {
        load->queue[at] = load->queue[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    load->queue[at] = (appointment){.due = c->next_due, .connection = c};
    c->is_queued = 1;
}

static void pop(cload *load)
{
    load->queue[0].connection->is_queued = 0;
    load->queue[0] = load->queue[--load->queue_n];
    sift_down(load, 0);
}

/* ---- driving ---- */

int pace_begin(cload *load, uint64_t time, cload_failure *failure)
{
    const int is_first = load->queue == NULL;
    if (is_first) {
        load->queue = calloc(load->connections, sizeof *load->queue);
        load->epoch = time;
    }
    if (load->queue == NULL)
        return FAIL("no memory for the queue");
    for (uint32_t i = 0; i < load->connections; i++) {
        connection *const c = &load->all[i];
        if (is_first) {
            c->random = load->seed + i;
            c->random = next_random(&c->random);
            c->next_due = load->is_poisson ? next_interval(load, c) : 1e9 / load->rate * i;
        }
        pace_admit(load, c, time);
    }
    return 0;
}

void pace_admit(cload *load, connection *c, uint64_t time)
{
    if (c->is_queued || c->sent - c->received >= load->depth)
        return;
    c->room_at = time;
    push(load, c);
}

/* Sends what is due on one connection at `time`, as far as there is room. */
static int send_on(cload *load, connection *c, uint64_t time, cload_failure *failure)
{
    cload_tally *const tally = load->tally;
    uint64_t due = due_time(load, c->next_due);
    while (due <= time && c->sent - c->received < load->depth) {
        append_message(load, c, due);
        tally->sent++;
        if (due < c->room_at)
            tally->held++;
        const uint64_t lag = time - (due < c->room_at ? c->room_at : due);
        if (lag > LATE_NS)
            tally->late++;
        if (lag > tally->lag_max_ns)
            tally->lag_max_ns = lag;
        c->next_due += next_interval(load, c);
        due = due_time(load, c->next_due);
    }
    return flush(load, c, failure);
}

int pace_send(cload *load, uint64_t time, cload_failure *failure)
{
    while (load->queue_n > 0 && due_time(load, load->queue[0].due) <= time) {
        connection *const c = load->queue[0].connection;
        /* What is sent to many connections takes time, and that counts as lag too. */
        if (send_on(load, c, now(), failure) != 0)
            return -1;
        if (c->sent - c->received >= load->depth) {
            pop(load);
        } else {
            load->queue[0].due = c->next_due;
            sift_down(load, 0);
        }
    }
    return 0;
}

uint64_t pace_wait(const cload *load, uint64_t time)
{
    if (load->queue_n == 0)
        return UINT64_MAX;
    const uint64_t due = due_time(load, load->queue[0].due);
    return due > time ? due - time : 0;
}

uint64_t pace_oldest(const cload *load, uint64_t time)
{
    uint64_t oldest = time;
    for (uint32_t i = 0; i < load->connections; i++) {
        const connection *const c = &load->all[i];
        const uint64_t due = c->received < c->sent ? c->due_at[c->received % load->depth]
                                                   : due_time(load, c->next_due);
        if (due < oldest)
            oldest = due;
    }
    return time - oldest;
}
