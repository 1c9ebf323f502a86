// SPDX-License-Identifier: Apache-2.0
/* TCP as far as its two ends can tell: octets in order with a bound on how many are under way, the
 * end of each direction, resets, and what a close does to octets that were not read. */
#define _GNU_SOURCE
#include "kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* ---- Octets under way ------------------------------------------------------------ */

size_t
stream_room(const struct stream *stream)
{
    return stream->capacity - stream->count;
}

void
stream_put(struct stream *stream, const uint8_t *octets, size_t count)
{
    for (size_t done = 0; done < count;) {
        size_t at = (stream->first + stream->count) % stream->capacity;
        size_t piece = stream->capacity - at;
        if (piece > count - done)
            piece = count - done;
        memcpy(stream->octets + at, octets + done, piece);
        stream->count += piece;
        done += piece;
    }
}

void
stream_take(struct stream *stream, uint8_t *into, size_t count)
{
    for (size_t done = 0; done < count;) {
        size_t piece = stream->capacity - stream->first;
        if (piece > count - done)
            piece = count - done;
        memcpy(into + done, stream->octets + stream->first, piece);
        stream->first = (stream->first + piece) % stream->capacity;
        stream->count -= piece;
        done += piece;
    }
}

static void
stream_clear(struct stream *stream)
{
    stream->first = stream->count = 0;
}

/* ---- Descriptors ------------------------------------------------------------------ */

struct sim_socket *
sim_socket_at(const sim_kernel *kernel, int fd)
{
    return fd >= 0 && fd < DESCRIPTORS_MAX ? kernel->by_descriptor[fd] : NULL;
}

static int
open_descriptor(sim_kernel *kernel, struct sim_socket *socket)
{
    for (int fd = DESCRIPTOR_FIRST; fd < DESCRIPTORS_MAX; fd++) {
        if (kernel->by_descriptor[fd] == NULL) {
            kernel->by_descriptor[fd] = socket;
            socket->fd = fd;
            return fd;
        }
    }
    return -EMFILE;
}

unsigned
sim_descriptors(const sim_kernel *kernel)
{
    unsigned count = 0;
    for (int fd = DESCRIPTOR_FIRST; fd < DESCRIPTORS_MAX; fd++)
        count += kernel->by_descriptor[fd] != NULL;
    return count;
}

void
sim_socket_free(struct sim_socket *socket)
{
    if (socket == NULL)
        return;
    free(socket->backlog);
    free(socket->in.octets);
    free(socket->out.octets);
    free(socket);
}

/* ---- Breaking --------------------------------------------------------------------- */

/* The server's kernel answers with a reset. What the client has not read may be lost with it. */
static void
reset_client(sim_kernel *kernel, struct sim_socket *socket, bool drops)
{
    socket->is_broken = true;
    socket->facts.is_reset_by_server = true;
    if (!socket->is_client_open)
        return;
    socket->client_sees_reset = true;
    if (drops || sim_draw(kernel, 2) == 0)
        stream_clear(&socket->out);
}

void
sim_lose(sim_kernel *kernel, struct sim_socket *socket, int error, bool client_sees)
{
    if (socket->is_broken)
        return;
    socket->is_broken = true;
    socket->error = error;
    socket->facts.excuse = error;
    stream_clear(&socket->in);
    if (client_sees)
        socket->client_sees_reset = true;
    sim_note(kernel, "lose", socket->client, error, client_sees);
}

static void
leave_descriptor(sim_kernel *kernel, struct sim_socket *socket)
{
    kernel->by_descriptor[socket->fd] = NULL;
    socket->fd = -1;
    if (socket->backlog != NULL)
        return;
    socket->facts.is_closed = true;
    socket->facts.closed_at = kernel->now;
    if (socket->is_broken)
        return;
    /* What nobody will read is answered with a reset (RFC 9112 section 9.6). */
    if (socket->resets_on_close)
        reset_client(kernel, socket, true);
    else if (socket->in.count > 0)
        reset_client(kernel, socket, false);
    else
        socket->has_out_ended = true;
}

/* Those whom a listener has not accepted end with it. */
static void
abort_backlog(sim_kernel *kernel, struct sim_socket *socket)
{
    while (socket->backlog != NULL && socket->backlog->count > 0)
        sim_abort_first(kernel, socket);
}

void
sim_close(sim_kernel *kernel, int fd)
{
    struct sim_socket *socket = sim_socket_at(kernel, fd);
    if (socket == NULL) {
        sim_break(kernel, "close of descriptor %d, which is not open", fd);
        return;
    }
    /* A listener's accept holds nothing of ours, and its cancellation comes before. */
    if (socket->owed > 0 && socket->backlog == NULL)
        sim_break(kernel, "close of descriptor %d (client %d) with %u operations in flight", fd,
                  socket->client, socket->owed);
    sim_note(kernel, "close", fd, socket->client, 0);
    leave_descriptor(kernel, socket);
    abort_backlog(kernel, socket);
}

int
sim_shutdown(sim_kernel *kernel, int fd, int how)
{
    struct sim_socket *socket = sim_socket_at(kernel, fd);
    if (socket == NULL) {
        sim_break(kernel, "shutdown of descriptor %d, which is not open", fd);
        return -EBADF;
    }
    sim_note(kernel, "shutdown", fd, socket->client, how);
    if (how == SHUT_WR || how == SHUT_RDWR)
        socket->has_out_ended = true;
    if (how == SHUT_RD || how == SHUT_RDWR)
        socket->is_read_shut = true;
    return 0;
}

/* ---- Accepting -------------------------------------------------------------------- */

static struct sim_socket *
leave_backlog(struct sim_socket *listener)
{
    struct backlog *backlog = listener->backlog;
    struct sim_socket *first = backlog->waiting[0];
    backlog->count--;
    memmove(backlog->waiting, backlog->waiting + 1,
            backlog->count * sizeof *backlog->waiting);
    return first;
}

int
sim_accept_first(sim_kernel *kernel, struct sim_socket *listener)
{
    if (listener->backlog->count == 0)
        return -EAGAIN;
    int fd = open_descriptor(kernel, listener->backlog->waiting[0]);
    if (fd < 0)
        return fd;
    struct sim_socket *socket = leave_backlog(listener);
    socket->facts.is_accepted = true;
    socket->facts.accepted_at = kernel->now;
    return fd;
}

void
sim_abort_first(sim_kernel *kernel, struct sim_socket *listener)
{
    if (listener->backlog->count > 0)
        sim_lose(kernel, leave_backlog(listener), ECONNABORTED, true);
}

bool
sim_listens(const sim_kernel *kernel)
{
    /* Closed, it listens as long as an operation holds it. */
    return kernel->listener != NULL
           && (kernel->listener->fd >= 0 || kernel->listener->owed > 0);
}

/* ---- Calls that return at once ----------------------------------------------------- */

static uint64_t
now(cring *ring)
{
    (void)ring;
    return sim_current->now;
}

static int64_t
calendar(cring *ring)
{
    (void)ring;
    const int64_t start = 1700000000;
    return start + (int64_t)(sim_current->now / UINT64_C(1000000000));
}

static uint64_t
any_bits(cring *ring)
{
    (void)ring;
    return sim_draw(sim_current, UINT64_MAX);
}

static int
listen_on(cring *ring, const char *host, uint16_t port, int backlog, int share,
          uint16_t *bound_port)
{
    (void)ring;
    (void)host;
    (void)share;
    sim_kernel *kernel = sim_current;
    if (kernel->listener != NULL)
        return -EADDRINUSE;
    struct sim_socket *listener = calloc(1, sizeof *listener);
    if (listener == NULL || (listener->backlog = calloc(1, sizeof *listener->backlog)) == NULL)
        abort();
    listener->client = -1;
    listener->backlog->limit
        = backlog < 1 ? 1 : backlog > BACKLOG_MAX ? BACKLOG_MAX : (unsigned)backlog;
    kernel->listener = listener;
    if (bound_port != NULL)
        *bound_port = port != 0 ? port : 9001;
    int fd = open_descriptor(kernel, listener);
    sim_note(kernel, "listen", fd, 0, 0);
    return fd;
}

static int
reserve(cring *ring)
{
    (void)ring;
    sim_kernel *kernel = sim_current;
    if (kernel->reserve.fd > 0)
        sim_break(kernel, "a second reserve, with the first still open");
    kernel->reserve = (struct sim_socket){.client = -2};
    int fd = open_descriptor(kernel, &kernel->reserve);
    sim_note(kernel, "reserve", fd, 0, 0);
    return fd;
}

static int
accept_now(cring *ring, int fd)
{
    (void)ring;
    struct sim_socket *listener = sim_socket_at(sim_current, fd);
    if (listener == NULL || listener->backlog == NULL)
        return -EBADF;
    int result = sim_accept_first(sim_current, listener);
    sim_note(sim_current, "accept now", result, 0, 0);
    return result;
}

static void
close_now(cring *ring, int fd)
{
    (void)ring;
    sim_kernel *kernel = sim_current;
    struct sim_socket *socket = sim_socket_at(kernel, fd);
    if (socket == NULL) {
        sim_break(kernel, "close of descriptor %d, which is not open", fd);
        return;
    }
    sim_note(kernel, "close now", fd, socket->client, 0);
    leave_descriptor(kernel, socket);
    abort_backlog(kernel, socket);
}

static void
turn_away(cring *ring, int fd, const uint8_t *octets, size_t count)
{
    (void)ring;
    sim_kernel *kernel = sim_current;
    struct sim_socket *socket = sim_socket_at(kernel, fd);
    if (socket == NULL) {
        sim_break(kernel, "turning away descriptor %d, which is not open", fd);
        return;
    }
    sim_note(kernel, "turn away", fd, socket->client, (int64_t)count);
    if (!socket->is_broken && socket->is_client_open) {
        size_t taken = stream_room(&socket->out);
        stream_put(&socket->out, octets, count < taken ? count : taken);
    }
    socket->has_out_ended = true;
    socket->facts.is_turned_away = true;
    stream_clear(&socket->in);
    leave_descriptor(kernel, socket);
}

static int
peer_address(cring *ring, int fd, char *out, size_t capacity)
{
    (void)ring;
    struct sim_socket *socket = sim_socket_at(sim_current, fd);
    if (socket == NULL)
        return -EBADF;
    if (socket->is_broken)
        return -ENOTCONN;
    return snprintf(out, capacity, "10.0.%u.%u", (unsigned)(socket->network >> 8 & 0xFF),
                    (unsigned)(socket->network & 0xFF));
}

static uint64_t
peer_network(cring *ring, int fd)
{
    (void)ring;
    struct sim_socket *socket = sim_socket_at(sim_current, fd);
    return socket == NULL || socket->is_broken ? 0 : UINT64_C(0xFFFF0A000000) | socket->network;
}

static int
reset_on_close(cring *ring, int fd)
{
    (void)ring;
    struct sim_socket *socket = sim_socket_at(sim_current, fd);
    if (socket == NULL)
        return -EBADF;
    socket->resets_on_close = true;
    return 0;
}

const struct cring_calls sim_calls = {
    .now = now,
    .calendar = calendar,
    .random = any_bits,
    .listen = listen_on,
    .accept_now = accept_now,
    .reserve = reserve,
    .close_now = close_now,
    .turn_away = turn_away,
    .peer_address = peer_address,
    .peer_network = peer_network,
    .reset_on_close = reset_on_close,
};
