// SPDX-License-Identifier: Apache-2.0

/* The physical limit as a yardstick: the least that an echo server on io_uring can do.
 *
 * One thread, multishot accept and receive, a ring of provided buffers, one send under way for each
 * connection, everything of a turn in one submission. It unmasks and echoes data frames, and that
 * is all: no UTF-8, no limits, no control frames, no fragments put together, no time-outs, no
 * errors but the end. No server: only for a load generator on the same machine.
 *
 * Usage: wslimit [--port N]     (0, the default, picks one)
 */

#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* strcasestr */
#endif

#include <arpa/inet.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "CFrame.h"

enum { BUFFERS = 64, BUFFER_SIZE = 32 * 1024, GROUP = 0, CONNECTIONS_MAX = 1 << 16 };
enum { ENTRIES = 1024, COMPLETIONS = 16 * 1024 };
enum operation { ACCEPT, RECEIVE, SEND };

typedef struct {
    uint8_t *octets;
    size_t n, capacity;
} block;

typedef struct {
    int descriptor, is_open, is_upgraded, is_sending, is_dirty;
    block unfinished;       // a request head or a frame whose rest has not come
    block filling, leaving; // replies: gathered, and with the kernel
    size_t left;            // octets of `leaving` that the kernel has taken
} connection;

static struct io_uring ring;
static struct io_uring_buf_ring *buffers;
static uint8_t *buffer_memory;
static connection connections[CONNECTIONS_MAX];
static uint32_t dirty[CONNECTIONS_MAX], dirty_n;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static struct io_uring_sqe *operation(void)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    if (sqe == NULL) {
        io_uring_submit(&ring);
        sqe = io_uring_get_sqe(&ring);
        if (sqe == NULL)
            die("submission queue");
    }
    return sqe;
}

/* After the preparing functions, which clear what identifies the operation. */
static void identify(struct io_uring_sqe *sqe, enum operation kind, uint32_t index)
{
    io_uring_sqe_set_data64(sqe, (uint64_t)kind << 32 | index);
}

static void receive(uint32_t index)
{
    struct io_uring_sqe *sqe = operation();
    io_uring_prep_recv_multishot(sqe, connections[index].descriptor, NULL, 0, 0);
    identify(sqe, RECEIVE, index);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
}

static void give_buffer(uint16_t id)
{
    io_uring_buf_ring_add(
        buffers, buffer_memory + (size_t)id * BUFFER_SIZE, BUFFER_SIZE, id,
        io_uring_buf_ring_mask(BUFFERS), 0);
    io_uring_buf_ring_advance(buffers, 1);
}

/* Room for `n` more octets. */
static uint8_t *reserve(block *b, size_t n)
{
    if (b->capacity - b->n < n) {
        size_t capacity = b->capacity ? b->capacity : 4096;
        while (capacity - b->n < n)
            capacity *= 2;
        b->octets = realloc(b->octets, capacity);
        if (b->octets == NULL)
            die("memory");
        b->capacity = capacity;
    }
    return b->octets + b->n;
}

static void append(block *b, const void *octets, size_t n)
{
    memcpy(reserve(b, n), octets, n);
    b->n += n;
}

static void mark_dirty(connection *c, uint32_t index)
{
    if (c->is_dirty)
        return;
    c->is_dirty = 1;
    dirty[dirty_n++] = index;
}

/* Octets of the whole frame; 0 when not enough of it is there to tell. */
static size_t frame_size(const uint8_t *octets, size_t n)
{
    if (n < 2)
        return 0;
    const unsigned length = octets[1] & 0x7F;
    const size_t header = length == 127 ? 14 : length == 126 ? 8 : 6;
    if (n < header)
        return 0;
    if (length < 126)
        return header + length;
    uint64_t extended = 0;
    for (size_t i = 2; i < header - 4; i++)
        extended = extended << 8 | octets[i];
    return header + (size_t)extended;
}

static void echo(connection *c, const uint8_t *frame, size_t size)
{
    const unsigned length = frame[1] & 0x7F;
    const size_t header = length == 127 ? 10 : length == 126 ? 4 : 2;
    const size_t payload = size - header - 4;
    uint32_t key;
    memcpy(&key, frame + header, 4);
    uint8_t *reply = reserve(&c->filling, header + payload);
    memcpy(reply, frame, header);
    reply[1] &= 0x7F;
    cframe_mask(reply + header, frame + header + 4, payload, key);
    c->filling.n += header + payload;
}

/* The frames in `octets`; gives how many octets they are. */
static size_t echo_frames(connection *c, const uint8_t *octets, size_t n)
{
    size_t used = 0;
    while (used < n) {
        const size_t size = frame_size(octets + used, n - used);
        if (size == 0 || size > n - used)
            break;
        echo(c, octets + used, size);
        used += size;
    }
    return used;
}

/* The reply to a request that has come whole; 0 when it has not. */
static int upgrade(connection *c)
{
    static const char key_name[] = "\r\nSec-WebSocket-Key: ";
    append(&c->unfinished, "", 1);
    c->unfinished.n--;
    const char *head = (const char *)c->unfinished.octets;
    const char *end = strstr(head, "\r\n\r\n"), *key = strcasestr(head, key_name);
    if (end == NULL)
        return 0;
    char accept[28];
    if (key == NULL || end - key < (long)sizeof key_name + 23)
        return 0;
    cframe_accept_key(key + sizeof key_name - 1, accept);
    static const char reply[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\nSec-WebSocket-Accept: ";
    append(&c->filling, reply, sizeof reply - 1);
    append(&c->filling, accept, sizeof accept);
    append(&c->filling, "\r\n\r\n", 4);
    c->unfinished.n = 0;
    c->is_upgraded = 1;
    return 1;
}

static void received(connection *c, uint32_t index, const uint8_t *octets, size_t n)
{
    if (!c->is_upgraded) {
        append(&c->unfinished, octets, n);
        if (upgrade(c))
            mark_dirty(c, index);
        return;
    }
    // What is unfinished takes just the octets that it lacks; the rest is parsed where it lies.
    while (c->unfinished.n > 0 && n > 0) {
        const size_t size = frame_size(c->unfinished.octets, c->unfinished.n);
        size_t part = size == 0 ? 1 : size - c->unfinished.n;
        if (part > n)
            part = n;
        reserve(&c->unfinished, size == 0 ? 1 : size - c->unfinished.n);
        append(&c->unfinished, octets, part);
        octets += part;
        n -= part;
        if (echo_frames(c, c->unfinished.octets, c->unfinished.n) > 0)
            c->unfinished.n = 0;
    }
    const size_t used = echo_frames(c, octets, n);
    if (used < n)
        append(&c->unfinished, octets + used, n - used);
    if (c->filling.n > 0)
        mark_dirty(c, index);
}

static void end(connection *c)
{
    if (c->is_sending)
        return;
    close(c->descriptor);
    c->is_open = 0;
    c->is_upgraded = 0;
    c->unfinished.n = c->filling.n = c->leaving.n = c->left = 0;
}

static void flush(connection *c, uint32_t index)
{
    c->is_dirty = 0;
    if (c->is_sending || !c->is_open)
        return;
    if (c->left == c->leaving.n) {
        const block taken = c->leaving;
        c->leaving = c->filling;
        c->filling = taken;
        c->filling.n = 0;
        c->left = 0;
    }
    if (c->leaving.n == 0)
        return;
    struct io_uring_sqe *sqe = operation();
    io_uring_prep_send(
        sqe, c->descriptor, c->leaving.octets + c->left, c->leaving.n - c->left, MSG_NOSIGNAL);
    identify(sqe, SEND, index);
    c->is_sending = 1;
}

static void completed(const struct io_uring_cqe *cqe)
{
    const uint32_t index = (uint32_t)cqe->user_data;
    connection *c = &connections[index];
    switch ((enum operation)(cqe->user_data >> 32)) {
    case ACCEPT: {
        if (cqe->res < 0 || cqe->res >= CONNECTIONS_MAX)
            die("accept");
        // The descriptor is the index, so that there is nothing to look up.
        c = &connections[cqe->res];
        c->descriptor = cqe->res;
        c->is_open = 1;
        const int yes = 1;
        setsockopt(cqe->res, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        receive((uint32_t)cqe->res);
        break;
    }
    case RECEIVE: {
        if (cqe->flags & IORING_CQE_F_BUFFER) {
            const uint16_t id = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
            if (cqe->res > 0)
                received(c, index, buffer_memory + (size_t)id * BUFFER_SIZE, (size_t)cqe->res);
            give_buffer(id);
        }
        if (cqe->flags & IORING_CQE_F_MORE)
            break;
        if (cqe->res > 0 || cqe->res == -ENOBUFS)
            receive(index);
        else
            end(c);
        break;
    }
    case SEND:
        c->is_sending = 0;
        if (cqe->res < 0) {
            shutdown(c->descriptor, SHUT_RDWR);
            c->filling.n = c->leaving.n = c->left = 0;
            break;
        }
        c->left += (size_t)cqe->res;
        if (c->left < c->leaving.n || c->filling.n > 0)
            mark_dirty(c, index);
        break;
    }
}

static int listener(uint16_t port)
{
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (descriptor < 0 || bind(descriptor, (struct sockaddr *)&address, sizeof address) != 0
        || listen(descriptor, 1024) != 0
        || getsockname(descriptor, (struct sockaddr *)&address, &size) != 0)
        die("listen");
    printf("listening on ws://127.0.0.1:%u/\n", ntohs(address.sin_port));
    fflush(stdout);
    return descriptor;
}

static void open_ring(void)
{
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
        .cq_entries = COMPLETIONS};
    if (io_uring_queue_init_params(ENTRIES, &ring, &parameters) != 0)
        die("io_uring");
    const size_t size = BUFFERS * (sizeof(struct io_uring_buf) + BUFFER_SIZE);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_PRIVATE, -1, 0);
    if (memory == MAP_FAILED)
        die("memory");
    buffers = memory;
    buffer_memory = (uint8_t *)memory + BUFFERS * sizeof(struct io_uring_buf);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)memory, .ring_entries = BUFFERS, .bgid = GROUP};
    io_uring_buf_ring_init(buffers);
    if (io_uring_register_buf_ring(&ring, &registration, 0) != 0)
        die("buffer ring");
    for (uint16_t id = 0; id < BUFFERS; id++)
        give_buffer(id);
}

int main(int count, char **words)
{
    const int has_port = count == 3 && strcmp(words[1], "--port") == 0;
    if (count != 1 && !has_port) {
        fprintf(stderr, "Usage: wslimit [--port N]\n");
        return 2;
    }
    open_ring();
    const int descriptor = listener(has_port ? (uint16_t)atoi(words[2]) : 0);
    struct io_uring_sqe *sqe = operation();
    io_uring_prep_multishot_accept(sqe, descriptor, NULL, NULL, SOCK_CLOEXEC);
    identify(sqe, ACCEPT, 0);
    for (;;) {
        for (uint32_t i = 0; i < dirty_n; i++)
            flush(&connections[dirty[i]], dirty[i]);
        dirty_n = 0;
        const int result = io_uring_submit_and_wait(&ring, 1);
        if (result < 0 && result != -EINTR)
            die("wait");
        struct io_uring_cqe *cqe;
        unsigned head, seen = 0;
        io_uring_for_each_cqe(&ring, head, cqe)
        {
            completed(cqe);
            seen++;
        }
        io_uring_cq_advance(&ring, seen);
    }
}
