// SPDX-License-Identifier: Apache-2.0
/* A ring of CRing on the simulated kernel: the third backend. What is queued waits until the ring
 * waits, then begins in order; what completes is taken in the order in which it can be seen. */
#define _GNU_SOURCE
#include "kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum queued_kind { QUEUED_OPERATION, QUEUED_CANCEL, QUEUED_SHUTDOWN, QUEUED_CLOSE };

struct queued {
    enum queued_kind kind;
    int fd, how;
    uint64_t target;
    struct operation operation;
};

struct sim_ring {
    cring base;
    struct queued *queued;
    size_t queued_count, queued_capacity;
    uint16_t *free_buffers; /* first in, first out, so that each is used */
    uint32_t free_first, free_count;
};

static struct sim_ring *
ring_of(cring *ring)
{
    return (struct sim_ring *)ring; /* `base` is the first member */
}

/* ---- Queueing ------------------------------------------------------------------------ */

static int
queue(cring *ring, struct queued entry)
{
    struct sim_ring *r = ring_of(ring);
    if (sim_happens(sim_current, SIM_QUEUE_REFUSAL)) {
        struct sim_socket *socket = sim_socket_at(sim_current, entry.fd);
        if (socket != NULL)
            socket->facts.excuse = ENOMEM;
        sim_note(sim_current, "refuse", entry.kind, entry.fd, 0);
        return -ENOMEM;
    }
    r->queued
        = sim_grow(r->queued, &r->queued_capacity, r->queued_count + 1, sizeof *r->queued);
    r->queued[r->queued_count++] = entry;
    return 0;
}

static int
ring_accept(cring *ring, int listener, uint64_t token)
{
    struct operation operation = {.kind = OPERATION_ACCEPT, .token = token, .is_multishot = true};
    return queue(ring, (struct queued){.fd = listener, .operation = operation});
}

static int
ring_receive(cring *ring, int fd, uint64_t token)
{
    struct operation operation = {.kind = OPERATION_RECEIVE, .token = token, .is_multishot = true};
    return queue(ring, (struct queued){.fd = fd, .operation = operation});
}

static int
ring_send(cring *ring, int fd, const uint8_t *octets, size_t count, uint64_t token)
{
    struct operation operation
        = {.kind = OPERATION_SEND, .token = token, .octets = octets, .count = count};
    return queue(ring, (struct queued){.fd = fd, .operation = operation});
}

static int
ring_cancel(cring *ring, int fd, uint64_t target)
{
    return queue(ring, (struct queued){.kind = QUEUED_CANCEL, .fd = fd, .target = target});
}

static int
ring_shutdown(cring *ring, int fd, int how)
{
    return queue(ring, (struct queued){.kind = QUEUED_SHUTDOWN, .fd = fd, .how = how});
}

static int
ring_close(cring *ring, int fd)
{
    return queue(ring, (struct queued){.kind = QUEUED_CLOSE, .fd = fd});
}

/* ---- Waiting -------------------------------------------------------------------------- */

static void
begin(sim_kernel *kernel, const struct queued *entry)
{
    struct sim_socket *socket = sim_socket_at(kernel, entry->fd);
    switch (entry->kind) {
    case QUEUED_OPERATION:
        sim_begin(kernel, entry->fd, entry->operation);
        break;
    case QUEUED_CANCEL:
        sim_cancel(kernel, entry->target);
        break;
    case QUEUED_SHUTDOWN:
        /* What was queued for sending before has been tried when the socket is shut down. */
        if (socket != NULL)
            sim_hurry_send(kernel, socket);
        sim_shutdown(kernel, entry->fd, entry->how);
        break;
    case QUEUED_CLOSE:
        sim_close(kernel, entry->fd);
        break;
    }
}

/* Begins what is queued, or perhaps the first of it only. */
static void
submit(sim_kernel *kernel, struct sim_ring *r)
{
    size_t count = r->queued_count;
    if (count > 1 && sim_happens(kernel, SIM_SHORT_SUBMIT))
        count = 1 + sim_draw(kernel, count - 1);
    for (size_t i = 0; i < count; i++)
        begin(kernel, &r->queued[i]);
    r->queued_count -= count;
    memmove(r->queued, r->queued + count, r->queued_count * sizeof *r->queued);
}

static bool
take_wake(const cring *ring)
{
    uint64_t wakes;
    return read(ring->wake, &wakes, sizeof wakes) == sizeof wakes;
}

static int
ring_wait(cring *ring, int64_t timeout_ns, cring_completion *out, unsigned capacity)
{
    sim_kernel *kernel = sim_current;
    struct sim_ring *r = ring_of(ring);
    submit(kernel, r);
    bool hurries = r->queued_count > 0 || take_wake(ring) || sim_happens(kernel, SIM_EMPTY_WAIT);
    uint64_t deadline = kernel->now;
    if (!hurries && timeout_ns != 0)
        deadline = timeout_ns < 0 ? UINT64_MAX : kernel->now + (uint64_t)timeout_ns;
    if (kernel->world != NULL)
        kernel->world(kernel->context, deadline);
    unsigned count = 0;
    struct completion completion;
    while (count < capacity && sim_take_completion(kernel, &completion)) {
        cring_completion *entry = &out[count++];
        *entry = (cring_completion){
            .token = completion.token,
            .result = completion.result,
            .flags = completion.is_terminal ? 0 : CRING_MORE,
        };
        if (completion.has_buffer)
            cring_lend(ring, entry, completion.buffer);
    }
    sim_check_buffers(kernel);
    return (int)count;
}

/* ---- Buffers --------------------------------------------------------------------------- */

static void
ring_recycle(cring *ring, uint16_t buffer)
{
    struct sim_ring *r = ring_of(ring);
    memset(ring->buffers + (size_t)buffer * ring->buffer_size, POISON, ring->buffer_size);
    r->free_buffers[(r->free_first + r->free_count++) % ring->buffer_count] = buffer;
}

static bool
take_buffer(cring *ring, uint16_t *buffer, uint8_t **octets, size_t *size)
{
    struct sim_ring *r = ring_of(ring);
    if (r->free_count == 0)
        return false;
    *buffer = r->free_buffers[r->free_first];
    *octets = ring->buffers + (size_t)*buffer * ring->buffer_size;
    *size = ring->buffer_size;
    r->free_first = (r->free_first + 1) % ring->buffer_count;
    r->free_count--;
    return true;
}

static uint32_t
buffers_free(const cring *ring)
{
    return ((const struct sim_ring *)ring)->free_count;
}

static const struct sim_front front = {.take_buffer = take_buffer, .buffers_free = buffers_free};

/* ---- Opening and freeing ---------------------------------------------------------------- */

static void
ring_free(cring *ring)
{
    struct sim_ring *r = ring_of(ring);
    sim_kernel *kernel = sim_current;
    /* What is queued still happens, and what was accepted for nobody is closed. */
    for (size_t i = 0; i < r->queued_count; i++) {
        if (r->queued[i].kind != QUEUED_OPERATION)
            begin(kernel, &r->queued[i]);
    }
    while (kernel->operations_count > 0) {
        struct operation *operation = &kernel->operations[0];
        operation->is_cancelled = true;
        operation->is_late = false;
        sim_ready(kernel);
        sim_move(kernel, 0);
    }
    kernel->rates[SIM_DELAY] = 0;
    struct completion completion;
    while (kernel->completions_count > 0) {
        sim_advance(kernel, sim_has_news(kernel) ? 0 : sim_next_completion(kernel));
        sim_take_completion(kernel, &completion);
        if (completion.kind == OPERATION_ACCEPT && completion.result >= 0)
            sim_close(kernel, completion.result);
    }
    kernel->ring = NULL;
    cring_base_free(ring);
    free(r->queued);
    free(r->free_buffers);
    free(r);
}

static const struct cring_operations operations = {
    .free = ring_free,
    .accept = ring_accept,
    .receive = ring_receive,
    .send = ring_send,
    .cancel = ring_cancel,
    .shutdown = ring_shutdown,
    .close = ring_close,
    .wait = ring_wait,
    .recycle = ring_recycle,
};

int
sim_ring_open(sim_kernel *kernel, cring **ring, const cring_options *options,
              cring_failure *failure)
{
    struct sim_ring *r = calloc(1, sizeof *r);
    if (r == NULL)
        return cring_failed(failure, "memory", -ENOMEM);
    r->base.calls = &sim_calls;
    r->base.operations = &operations;
    r->base.kind = CRING_URING;
    r->base.wake = -1;
    r->base.features = CRING_FEATURE_MULTISHOT_ACCEPT | CRING_FEATURE_MULTISHOT_RECEIVE;
    int error = cring_base_open(&r->base, options, failure);
    if (error == 0) {
        r->free_buffers = calloc(options->buffer_count, sizeof *r->free_buffers);
        if (r->free_buffers == NULL)
            error = cring_failed(failure, "memory", -ENOMEM);
    }
    if (error != 0) {
        cring_base_free(&r->base);
        free(r->free_buffers);
        free(r);
        return error;
    }
    for (uint32_t i = 0; i < options->buffer_count; i++)
        ring_recycle(&r->base, (uint16_t)i);
    kernel->ring = &r->base;
    kernel->front = &front;
    *ring = &r->base;
    return 0;
}
