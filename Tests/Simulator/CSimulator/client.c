// SPDX-License-Identifier: Apache-2.0
/* The clients' ends of the connections. */
#define _GNU_SOURCE
#include "kernel.h"

#include <errno.h>
#include <stdlib.h>

int
sim_connect(sim_kernel *kernel, size_t to_server, size_t to_client, uint32_t network)
{
    if (!sim_listens(kernel))
        return -ECONNREFUSED;
    struct backlog *backlog = kernel->listener->backlog;
    if (backlog->count >= backlog->limit)
        return -ECONNREFUSED;
    struct sim_socket *socket = calloc(1, sizeof *socket);
    if (socket == NULL)
        abort();
    socket->in.octets = malloc(to_server);
    socket->out.octets = malloc(to_client);
    if (socket->in.octets == NULL || socket->out.octets == NULL)
        abort();
    socket->in.capacity = to_server;
    socket->out.capacity = to_client;
    socket->network = network;
    socket->fd = -1;
    socket->is_client_open = true;
    socket->facts.taken_at = socket->facts.read_at = kernel->now;
    kernel->sockets = sim_grow(kernel->sockets, &kernel->sockets_capacity,
                               kernel->sockets_count + 1, sizeof(struct sim_socket *));
    socket->client = (int)kernel->sockets_count;
    kernel->sockets[kernel->sockets_count++] = socket;
    backlog->waiting[backlog->count++] = socket;
    sim_note(kernel, "connect", socket->client, (int64_t)to_server, (int64_t)to_client);
    return socket->client;
}

static struct sim_socket *
socket_of(const sim_kernel *kernel, int client)
{
    return kernel->sockets[client];
}

size_t
sim_client_room(const sim_kernel *kernel, int client)
{
    const struct sim_socket *socket = socket_of(kernel, client);
    if (!socket->is_client_open || socket->has_in_ended || socket->is_broken)
        return 0;
    /* Nobody is there to be overrun: what is sent is answered with a reset. */
    return socket->facts.is_closed ? socket->in.capacity : stream_room(&socket->in);
}

size_t
sim_client_send(sim_kernel *kernel, int client, const uint8_t *octets, size_t count)
{
    struct sim_socket *socket = socket_of(kernel, client);
    size_t room = sim_client_room(kernel, client);
    if (count > room)
        count = room;
    if (count == 0)
        return 0;
    sim_note(kernel, "client sends", client, (int64_t)count, octets[0]);
    if (socket->facts.is_closed || socket->is_read_shut) {
        socket->is_broken = true;
        socket->client_sees_reset = true;
        if (sim_draw(kernel, 2) == 0)
            socket->out.first = socket->out.count = 0;
        return count;
    }
    stream_put(&socket->in, octets, count);
    return count;
}

bool
sim_client_has_news(const sim_kernel *kernel, int client)
{
    const struct sim_socket *socket = socket_of(kernel, client);
    return socket->is_client_open
           && (socket->out.count > 0 || socket->has_out_ended || socket->client_sees_reset);
}

int64_t
sim_client_receive(sim_kernel *kernel, int client, uint8_t *into, size_t count)
{
    struct sim_socket *socket = socket_of(kernel, client);
    if (socket->out.count > 0) {
        if (count > socket->out.count)
            count = socket->out.count;
        stream_take(&socket->out, into, count);
        socket->facts.read_at = kernel->now;
        sim_note(kernel, "client receives", client, (int64_t)count, into[0]);
        return (int64_t)count;
    }
    if (socket->client_sees_reset) {
        sim_note(kernel, "client sees a reset", client, 0, 0);
        return -ECONNRESET;
    }
    if (socket->has_out_ended) {
        sim_note(kernel, "client sees the end", client, 0, 0);
        return 0;
    }
    return -EAGAIN;
}

void
sim_client_end(sim_kernel *kernel, int client)
{
    sim_note(kernel, "client ends", client, 0, 0);
    socket_of(kernel, client)->has_in_ended = true;
}

void
sim_client_reset(sim_kernel *kernel, int client)
{
    struct sim_socket *socket = socket_of(kernel, client);
    sim_note(kernel, "client resets", client, 0, 0);
    socket->is_client_open = false;
    socket->out.first = socket->out.count = 0;
    if (!socket->is_broken) {
        socket->is_broken = true;
        socket->error = ECONNRESET;
    }
}

void
sim_client_close(sim_kernel *kernel, int client)
{
    struct sim_socket *socket = socket_of(kernel, client);
    if (!socket->is_client_open)
        return;
    if (socket->out.count > 0) {
        sim_client_reset(kernel, client);
        return;
    }
    sim_note(kernel, "client closes", client, 0, 0);
    socket->is_client_open = false;
    socket->has_in_ended = true;
}

sim_connection
sim_connection_of(const sim_kernel *kernel, int client)
{
    return socket_of(kernel, client)->facts;
}
