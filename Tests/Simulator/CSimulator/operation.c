// SPDX-License-Identifier: Apache-2.0
/* Theory. An operation is in `operations` from its submission to its last completion, and its last
 * completion in `completions` until the ring has taken it; the socket counts it as `owed` for all
 * that time. What comes of an operation is decided when it moves, in whatever order the simulation
 * likes, and is seen when the ring takes it. */
#define _GNU_SOURCE
#include "kernel.h"

#include <errno.h>
#include <string.h>

#define DELAY_MAX UINT64_C(20000000)
#define ACCEPT_FAILURE_MAX UINT64_C(2000000000)

static uint64_t
checksum(const uint8_t *octets, size_t count)
{
    uint64_t sum = count;
    for (size_t i = 0; i < count; i++)
        sum = (sum ^ octets[i]) * UINT64_C(0x100000001B3);
    return sum;
}

/* ---- Beginning --------------------------------------------------------------------- */

/* A token belongs to one socket for ever. */
static void
check_token(sim_kernel *kernel, const struct sim_socket *socket, const struct operation *operation)
{
    if (operation->kind == OPERATION_ACCEPT)
        return;
    for (size_t i = 0; i < kernel->sockets_count; i++) {
        const struct sim_socket *other = kernel->sockets[i];
        if (other != socket
            && (other->receive_token == operation->token
                || other->send_token == operation->token))
            sim_break(kernel, "token %llx of client %d names client %d too",
                      (unsigned long long)operation->token, other->client, socket->client);
    }
}

void
sim_begin(sim_kernel *kernel, int fd, struct operation operation)
{
    struct sim_socket *socket = sim_socket_at(kernel, fd);
    if (socket == NULL || (socket->backlog != NULL) != (operation.kind == OPERATION_ACCEPT)) {
        sim_break(kernel, "operation %d on descriptor %d, which is not open for it",
                  (int)operation.kind, fd);
        return;
    }
    check_token(kernel, socket, &operation);
    switch (operation.kind) {
    case OPERATION_ACCEPT:
        break;
    case OPERATION_RECEIVE:
        if (socket->is_receiving)
            sim_break(kernel, "two receives at once on descriptor %d", fd);
        socket->is_receiving = true;
        socket->receive_token = operation.token;
        break;
    case OPERATION_SEND:
        if (socket->is_sending)
            sim_break(kernel, "two sends at once on descriptor %d", fd);
        socket->is_sending = true;
        socket->send_token = operation.token;
        operation.checksum = checksum(operation.octets, operation.count);
        break;
    }
    socket->owed++;
    operation.socket = socket;
    kernel->operations
        = sim_grow(kernel->operations, &kernel->operations_capacity, kernel->operations_count + 1,
                   sizeof *kernel->operations);
    kernel->operations[kernel->operations_count++] = operation;
    sim_note(kernel, "begin", operation.kind, fd, socket->client);
}

void
sim_cancel(sim_kernel *kernel, uint64_t token)
{
    for (size_t i = 0; i < kernel->operations_count; i++) {
        struct operation *operation = &kernel->operations[i];
        if (operation->token != token)
            continue;
        operation->is_cancelled = true;
        operation->is_late = sim_happens(kernel, SIM_CANCEL_LATE);
        sim_note(kernel, "cancel", operation->kind, operation->socket->client, operation->is_late);
        return;
    }
    sim_note(kernel, "cancel", -ENOENT, 0, 0);
}

/* ---- Completing -------------------------------------------------------------------- */

/* What one move of an operation comes to. */
struct outcome {
    int result;
    bool is_terminal;
    bool has_buffer;
    uint16_t buffer;
};

static struct outcome
ended(int result)
{
    return (struct outcome){.result = result, .is_terminal = true};
}

/* Completes the operation at `index`; a terminal completion takes it out. */
static void
complete(sim_kernel *kernel, size_t index, struct outcome outcome)
{
    struct operation *operation = &kernel->operations[index];
    if (operation->visible_at < kernel->now)
        operation->visible_at = kernel->now;
    if (sim_happens(kernel, SIM_DELAY))
        operation->visible_at += 1 + sim_draw(kernel, DELAY_MAX);
    kernel->completions
        = sim_grow(kernel->completions, &kernel->completions_capacity,
                   kernel->completions_count + 1, sizeof *kernel->completions);
    kernel->completions[kernel->completions_count++] = (struct completion){
        .kind = operation->kind,
        .socket = operation->socket,
        .token = operation->token,
        .visible_at = operation->visible_at,
        .octets = operation->octets,
        .count = operation->count,
        .checksum = operation->checksum,
        .result = outcome.result,
        .buffer = outcome.buffer,
        .has_buffer = outcome.has_buffer,
        .is_terminal = outcome.is_terminal,
    };
    sim_note(kernel, outcome.is_terminal ? "complete, last" : "complete", operation->kind,
             operation->socket->client, outcome.result);
    if (outcome.is_terminal) {
        kernel->operations_count--;
        memmove(operation, operation + 1,
                (kernel->operations_count - index) * sizeof *operation);
    }
}

static void
check_send(sim_kernel *kernel, const struct sim_socket *socket, const uint8_t *octets, size_t count,
           uint64_t expected)
{
    if (checksum(octets, count) != expected)
        sim_break(kernel, "the octets of a send to client %d changed before it completed",
                  socket->client);
}

static struct outcome
move_accept(sim_kernel *kernel, const struct operation *operation)
{
    struct sim_socket *listener = operation->socket;
    if (kernel->now < kernel->accepts_fail_until)
        return ended(-kernel->accept_error);
    if (sim_happens(kernel, SIM_ACCEPT_FAILURE)) {
        static const int errors[] = {EMFILE, ENFILE, ENOMEM, ECONNABORTED};
        int error = errors[sim_draw(kernel, sizeof errors / sizeof *errors)];
        if (error == ECONNABORTED) {
            sim_abort_first(kernel, listener);
        } else {
            kernel->accept_error = error;
            kernel->accepts_fail_until = kernel->now + sim_draw(kernel, ACCEPT_FAILURE_MAX);
        }
        return ended(-error);
    }
    int fd = sim_accept_first(kernel, listener);
    bool is_terminal = fd < 0 || !operation->is_multishot;
    if (!is_terminal)
        is_terminal = sim_happens(kernel, SIM_MULTISHOT_END);
    return (struct outcome){.result = fd, .is_terminal = is_terminal};
}

/* The error a call on a broken socket gives: the cause once, then what any use of it gives. */
static int
take_error(struct sim_socket *socket, int otherwise)
{
    int error = socket->error != 0 ? socket->error : otherwise;
    socket->error = 0;
    return -error;
}

static void
check_poison(sim_kernel *kernel, uint16_t buffer, const uint8_t *octets, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (octets[i] != POISON) {
            sim_break(kernel, "buffer %u was written to after it was given back", buffer);
            return;
        }
    }
}

static struct outcome
move_receive(sim_kernel *kernel, const struct operation *operation)
{
    struct sim_socket *socket = operation->socket;
    if (socket->in.count == 0)
        return ended(socket->is_broken ? take_error(socket, 0) : 0);
    uint16_t buffer;
    uint8_t *octets;
    size_t size;
    if (sim_happens(kernel, SIM_NO_BUFFERS)
        || !kernel->front->take_buffer(kernel->ring, &buffer, &octets, &size))
        return ended(-ENOBUFS);
    check_poison(kernel, buffer, octets, size);
    size_t count = socket->in.count < size ? socket->in.count : size;
    if (sim_happens(kernel, SIM_SHORT_RECEIVE))
        count = 1 + sim_draw(kernel, count);
    stream_take(&socket->in, octets, count);
    socket->facts.taken_at = kernel->now;
    socket->facts.octets_taken += count;
    bool is_terminal = !operation->is_multishot || sim_happens(kernel, SIM_MULTISHOT_END);
    return (struct outcome){
        .result = (int)count,
        .is_terminal = is_terminal,
        .has_buffer = true,
        .buffer = buffer,
    };
}

static struct outcome
move_send(sim_kernel *kernel, const struct operation *operation)
{
    struct sim_socket *socket = operation->socket;
    check_send(kernel, socket, operation->octets, operation->count, operation->checksum);
    if (socket->is_broken || socket->has_out_ended)
        return ended(take_error(socket, EPIPE));
    size_t count = operation->count;
    if (!socket->is_client_open) {
        /* Taken, and answered with a reset: nobody is there to read it. */
        socket->is_broken = true;
        socket->error = ECONNRESET;
        return ended((int)count);
    }
    size_t room = stream_room(&socket->out);
    if (count > room)
        count = room;
    if (sim_happens(kernel, SIM_SHORT_SEND))
        count = sim_draw(kernel, count + 1);
    stream_put(&socket->out, operation->octets, count);
    return ended((int)count);
}

static bool
is_ready(const struct operation *operation)
{
    const struct sim_socket *socket = operation->socket;
    if (operation->is_cancelled)
        return true;
    switch (operation->kind) {
    case OPERATION_ACCEPT:
        return socket->backlog->count > 0;
    case OPERATION_RECEIVE:
        return socket->in.count > 0 || socket->has_in_ended || socket->is_broken
               || socket->is_read_shut;
    case OPERATION_SEND:
        return stream_room(&socket->out) > 0 || socket->is_broken || socket->has_out_ended
               || !socket->is_client_open;
    }
    return false;
}

static struct outcome
outcome_of(sim_kernel *kernel, struct operation *operation)
{
    if (operation->is_cancelled) {
        bool is_late = operation->is_late;
        operation->is_late = operation->is_cancelled = false;
        bool could = is_ready(operation);
        operation->is_cancelled = true;
        if (!is_late || !could)
            return ended(-ECANCELED);
    }
    switch (operation->kind) {
    case OPERATION_ACCEPT:
        return move_accept(kernel, operation);
    case OPERATION_RECEIVE:
        return move_receive(kernel, operation);
    case OPERATION_SEND:
        return move_send(kernel, operation);
    }
    return ended(-EINVAL);
}

static void
move(sim_kernel *kernel, size_t index)
{
    complete(kernel, index, outcome_of(kernel, &kernel->operations[index]));
}

unsigned
sim_ready(sim_kernel *kernel)
{
    kernel->ready = sim_grow(kernel->ready, &kernel->ready_capacity,
                             kernel->operations_count + 1, sizeof *kernel->ready);
    kernel->ready_count = 0;
    for (size_t i = 0; i < kernel->operations_count; i++) {
        if (is_ready(&kernel->operations[i]))
            kernel->ready[kernel->ready_count++] = (unsigned)i;
    }
    return (unsigned)kernel->ready_count;
}

void
sim_move(sim_kernel *kernel, unsigned index)
{
    move(kernel, kernel->ready[index]);
}

void
sim_hurry_send(sim_kernel *kernel, struct sim_socket *socket)
{
    for (size_t i = 0; i < kernel->operations_count; i++) {
        const struct operation *operation = &kernel->operations[i];
        if (operation->socket == socket && operation->kind == OPERATION_SEND) {
            if (is_ready(operation))
                move(kernel, i);
            return;
        }
    }
}

/* ---- Disturbing --------------------------------------------------------------------- */

void
sim_disturb(sim_kernel *kernel)
{
    if (kernel->operations_count == 0)
        return;
    size_t index = sim_draw(kernel, kernel->operations_count);
    const struct operation *operation = &kernel->operations[index];
    struct sim_socket *socket = operation->socket;
    int error = 0;
    if (sim_happens(kernel, SIM_INTERRUPTED))
        error = EINTR;
    else if (sim_happens(kernel, SIM_AGAIN))
        error = EAGAIN;
    else if (operation->kind == OPERATION_RECEIVE && sim_happens(kernel, SIM_NO_BUFFERS))
        error = ENOBUFS;
    else if (operation->kind != OPERATION_ACCEPT && sim_happens(kernel, SIM_NO_MEMORY))
        error = socket->facts.excuse = ENOMEM;
    else if (operation->kind != OPERATION_ACCEPT && sim_happens(kernel, SIM_RESET))
        sim_lose(kernel, socket, ECONNRESET, true);
    else if (operation->kind != OPERATION_ACCEPT && sim_happens(kernel, SIM_TIMED_OUT))
        sim_lose(kernel, socket, ETIMEDOUT, false);
    if (error != 0)
        complete(kernel, index, ended(-error));
}

/* ---- Taking ------------------------------------------------------------------------- */

bool
sim_take_completion(sim_kernel *kernel, struct completion *out)
{
    for (size_t i = 0; i < kernel->completions_count; i++) {
        struct completion *completion = &kernel->completions[i];
        if (completion->visible_at > kernel->now)
            continue;
        *out = *completion;
        kernel->completions_count--;
        memmove(completion, completion + 1,
                (kernel->completions_count - i) * sizeof *completion);
        struct sim_socket *socket = out->socket;
        if (out->is_terminal) {
            socket->owed--;
            if (out->kind == OPERATION_RECEIVE)
                socket->is_receiving = false;
            if (out->kind == OPERATION_SEND) {
                socket->is_sending = false;
                check_send(kernel, socket, out->octets, out->count, out->checksum);
            }
            /* Nobody is left to accept those who came meanwhile. */
            while (socket->backlog != NULL && socket->fd < 0 && socket->backlog->count > 0)
                sim_abort_first(kernel, socket);
        }
        sim_note(kernel, "see", out->kind, socket->client, out->result);
        return true;
    }
    return false;
}

bool
sim_has_news(sim_kernel *kernel)
{
    for (size_t i = 0; i < kernel->completions_count; i++) {
        if (kernel->completions[i].visible_at <= kernel->now)
            return true;
    }
    return false;
}

uint64_t
sim_next_completion(const sim_kernel *kernel)
{
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < kernel->completions_count; i++) {
        uint64_t at = kernel->completions[i].visible_at;
        if (at > kernel->now && at < next)
            next = at;
    }
    return next;
}

unsigned
sim_owed(const sim_kernel *kernel)
{
    unsigned owed = kernel->listener != NULL ? kernel->listener->owed : 0;
    for (size_t i = 0; i < kernel->sockets_count; i++)
        owed += kernel->sockets[i]->owed;
    return owed;
}

void
sim_check_buffers(sim_kernel *kernel)
{
    uint32_t count = kernel->front->buffers_free(kernel->ring) + kernel->ring->buffers_out;
    for (size_t i = 0; i < kernel->completions_count; i++)
        count += kernel->completions[i].has_buffer;
    if (count != kernel->ring->buffer_count)
        sim_break(kernel, "%u buffers of %u have an owner", count, kernel->ring->buffer_count);
}
