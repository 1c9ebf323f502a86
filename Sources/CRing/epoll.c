// SPDX-License-Identifier: Apache-2.0
/* Theory. Every descriptor is registered once, edge-triggered, for input; output is added the first
 * time a send finds the socket full. An edge says that something changed, so each descriptor
 * remembers what it may still have: `is_readable` is set by an edge and cleared only when the
 * kernel has said that nothing is left (EAGAIN, or a short read with no end of stream in sight).
 * So a receive may be disarmed, or find no free buffer, and nothing is lost: arming it again looks
 * at once.
 *
 * What may be done now stands in `ready`, what is to be sent in `sends`; a descriptor is in each at
 * most once, linked through the table, so joining them cannot fail. Completions that come of a call
 * rather than of a wait (cancelling, a bad descriptor) go through `reports`. */
#define _GNU_SOURCE
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

enum {
    EVENTS_MAX = 256,
    ACCEPTS_PER_TURN = 64, /* so that a flood of connections does not starve the others */
    NOBODY = -1,
};

struct descriptor {
    uint64_t accepting, receiving, sending; /* tokens of what is armed, or TOKEN_NONE */
    const uint8_t *octets;                  /* what is being sent */
    size_t count;
    uint32_t generation; /* tells this use of the number from earlier ones */
    int next_ready, next_send;
    bool is_in_ready, is_in_sends;
    bool is_registered;    /* with epoll, for input */
    bool watches_output;   /* and for output */
    bool is_readable;
    bool has_ended;        /* end of stream or error seen: a short read does not mean empty */
    bool waits_for_output; /* the send found the socket full */
    bool may_be_writable;  /* an edge since */
};

/* First in, first out. */
struct list {
    int first, last;
    size_t count;
};

struct epoll {
    cring base;
    int epoll;
    struct descriptor *descriptors; /* by number */
    size_t descriptors_capacity;
    struct list ready, sends;
    cring_completion *reports; /* [reports_first, reports_count) */
    size_t reports_first, reports_count, reports_capacity;
    uint16_t *free_buffers; /* a stack: the last one used is the warmest */
    uint32_t free_count;
};

/* Where the completions of a turn go. */
struct turn {
    cring_completion *out;
    unsigned capacity, count;
};

static struct epoll *
epoll_of(cring *ring)
{
    return (struct epoll *)ring; /* `base` is the first member */
}

/* ---- Descriptors and lists ---------------------------------------------------- */

/* The state of `fd`, or NULL when there is no memory for it. The table may move. */
static struct descriptor *
descriptor_of(struct epoll *e, int fd)
{
    size_t old = e->descriptors_capacity;
    if ((size_t)fd >= old) {
        struct descriptor *grown = cring_grow(e->descriptors, &e->descriptors_capacity,
                                              (size_t)fd + 1, sizeof *grown);
        if (grown == NULL)
            return NULL;
        e->descriptors = grown;
        memset(e->descriptors + old, 0, (e->descriptors_capacity - old) * sizeof *e->descriptors);
    }
    return &e->descriptors[fd];
}

/* A new use of the number begins. Its place in the lists stays. */
static void
renew(struct descriptor *d)
{
    *d = (struct descriptor){
        .generation = d->generation + 1,
        .next_ready = d->next_ready,
        .next_send = d->next_send,
        .is_in_ready = d->is_in_ready,
        .is_in_sends = d->is_in_sends,
    };
}

static void
join_ready(struct epoll *e, int fd)
{
    struct descriptor *d = &e->descriptors[fd];
    if (d->is_in_ready)
        return;
    d->is_in_ready = true;
    d->next_ready = NOBODY;
    if (e->ready.count++ == 0)
        e->ready.first = fd;
    else
        e->descriptors[e->ready.last].next_ready = fd;
    e->ready.last = fd;
}

static int
leave_ready(struct epoll *e)
{
    int fd = e->ready.first;
    struct descriptor *d = &e->descriptors[fd];
    e->ready.first = d->next_ready;
    e->ready.count--;
    d->is_in_ready = false;
    return fd;
}

static void
join_sends(struct epoll *e, int fd)
{
    struct descriptor *d = &e->descriptors[fd];
    if (d->is_in_sends)
        return;
    d->is_in_sends = true;
    d->next_send = NOBODY;
    if (e->sends.count++ == 0)
        e->sends.first = fd;
    else
        e->descriptors[e->sends.last].next_send = fd;
    e->sends.last = fd;
}

static int
leave_sends(struct epoll *e)
{
    int fd = e->sends.first;
    struct descriptor *d = &e->descriptors[fd];
    e->sends.first = d->next_send;
    e->sends.count--;
    d->is_in_sends = false;
    return fd;
}

static int
change_registration(struct epoll *e, int fd, const struct descriptor *d, int operation,
                    uint32_t events)
{
    struct epoll_event event = {
        .events = events,
        .data.u64 = (uint64_t)d->generation << 32 | (uint32_t)fd,
    };
    return epoll_ctl(e->epoll, operation, fd, &event) == 0 ? 0 : -errno;
}

/* Registers for input, and for output too if asked. Either way the kernel looks at once, so
 * readiness from before is reported. Returns 0 or -errno. */
static int
watch(struct epoll *e, int fd, struct descriptor *d, bool output)
{
    uint32_t events = EPOLLIN | EPOLLRDHUP | EPOLLET | (output ? (uint32_t)EPOLLOUT : 0);
    int operation = d->is_registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int error = change_registration(e, fd, d, operation, events);
    /* A descriptor closed behind the ring's back took its registration along. */
    if (error == -ENOENT)
        error = change_registration(e, fd, d, EPOLL_CTL_ADD, events);
    else if (error == -EEXIST)
        error = change_registration(e, fd, d, EPOLL_CTL_MOD, events);
    if (error == 0) {
        d->is_registered = true;
        d->watches_output = output;
    }
    return error;
}

/* ---- Completions made outside a wait -------------------------------------------- */

/* Makes sure of a place for one report. Returns 0 or -ENOMEM. */
static int
reserve_report(struct epoll *e)
{
    cring_completion *reports
        = cring_grow(e->reports, &e->reports_capacity, e->reports_count + 1, sizeof *reports);
    if (reports == NULL)
        return -ENOMEM;
    e->reports = reports;
    return 0;
}

/* Needs a place reserved. */
static void
report(struct epoll *e, uint64_t token, int result)
{
    e->reports[e->reports_count++] = (cring_completion){.token = token, .result = result};
}

static void
deliver_reports(struct epoll *e, struct turn *turn)
{
    while (e->reports_first < e->reports_count && turn->count < turn->capacity)
        turn->out[turn->count++] = e->reports[e->reports_first++];
    if (e->reports_first == e->reports_count)
        e->reports_first = e->reports_count = 0;
}

static void
deliver(struct turn *turn, uint64_t token, int result, uint16_t flags)
{
    turn->out[turn->count++]
        = (cring_completion){.token = token, .result = result, .flags = flags};
}

/* ---- Operations --------------------------------------------------------------- */

/* Arms accepting or receiving: `*armed` becomes `token`, or the failure is reported. */
static int
arm(struct epoll *e, int fd, uint64_t token, bool is_listener)
{
    int error = reserve_report(e);
    if (error != 0)
        return error;
    if (fd < 0) {
        report(e, token, -EBADF);
        return 0;
    }
    struct descriptor *d = descriptor_of(e, fd);
    if (d == NULL)
        return -ENOMEM;
    if (is_listener && !d->is_registered) {
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
            error = -errno;
    }
    if (error == 0 && !d->is_registered)
        error = watch(e, fd, d, false);
    if (error != 0) {
        report(e, token, error);
        return 0;
    }
    if (is_listener)
        d->accepting = token;
    else
        d->receiving = token;
    if (d->is_readable)
        join_ready(e, fd);
    return 0;
}

static int
epoll_accept(cring *ring, int listener, uint64_t token)
{
    return arm(epoll_of(ring), listener, token, true);
}

static int
epoll_receive(cring *ring, int fd, uint64_t token)
{
    return arm(epoll_of(ring), fd, token, false);
}

static int
epoll_send(cring *ring, int fd, const uint8_t *octets, size_t count, uint64_t token)
{
    struct epoll *e = epoll_of(ring);
    if (fd < 0) {
        int error = reserve_report(e);
        if (error == 0)
            report(e, token, -EBADF);
        return error;
    }
    struct descriptor *d = descriptor_of(e, fd);
    if (d == NULL)
        return -ENOMEM;
    d->sending = token;
    d->octets = octets;
    d->count = count;
    d->waits_for_output = false;
    join_sends(e, fd);
    return 0;
}

/* Sends what it can. Returns the completion's result, or -EAGAIN when it waits for output. */
static int
try_send(struct epoll *e, int fd, struct descriptor *d)
{
    ssize_t sent;
    do
        sent = send(fd, d->octets, d->count, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    int result = sent >= 0 ? (int)sent : -errno;
    if (result == -EAGAIN) {
        d->may_be_writable = false;
        int error = d->watches_output ? 0 : watch(e, fd, d, true);
        if (error != 0)
            result = error;
    }
    d->waits_for_output = result == -EAGAIN;
    return result;
}

/* Performs a send that is queued and not tried yet. Needs a place for a report. */
static void
hurry_send(struct epoll *e, int fd, struct descriptor *d)
{
    if (d->sending == TOKEN_NONE || d->waits_for_output)
        return;
    int result = try_send(e, fd, d);
    if (result != -EAGAIN) {
        report(e, d->sending, result);
        d->sending = TOKEN_NONE;
    }
}

static int
epoll_cancel(cring *ring, int fd, uint64_t target)
{
    struct epoll *e = epoll_of(ring);
    if (fd < 0 || (size_t)fd >= e->descriptors_capacity || target == TOKEN_NONE)
        return 0;
    int error = reserve_report(e);
    if (error != 0)
        return error;
    struct descriptor *d = &e->descriptors[fd];
    if (d->sending == target) {
        hurry_send(e, fd, d); /* queued before this, so it comes first */
        if (d->sending == target) {
            d->sending = TOKEN_NONE;
            d->waits_for_output = false;
            report(e, target, -ECANCELED);
        }
    } else if (d->receiving == target) {
        d->receiving = TOKEN_NONE;
        report(e, target, -ECANCELED);
    } else if (d->accepting == target) {
        d->accepting = TOKEN_NONE;
        report(e, target, -ECANCELED);
    }
    return 0;
}

static int
epoll_shutdown(cring *ring, int fd, int how)
{
    struct epoll *e = epoll_of(ring);
    if (fd >= 0 && (size_t)fd < e->descriptors_capacity) {
        int error = reserve_report(e);
        if (error != 0)
            return error;
        hurry_send(e, fd, &e->descriptors[fd]);
    }
    shutdown(fd, how);
    return 0;
}

static int
epoll_close(cring *ring, int fd)
{
    struct epoll *e = epoll_of(ring);
    if (fd >= 0 && (size_t)fd < e->descriptors_capacity)
        renew(&e->descriptors[fd]);
    close(fd); /* and with it the registration */
    return 0;
}

static void
epoll_recycle(cring *ring, uint16_t buffer)
{
    struct epoll *e = epoll_of(ring);
    e->free_buffers[e->free_count++] = buffer;
}

/* ---- Waiting ------------------------------------------------------------------- */

static void
send_queued(struct epoll *e, struct turn *turn)
{
    while (e->sends.count > 0 && turn->count < turn->capacity) {
        int fd = leave_sends(e);
        struct descriptor *d = &e->descriptors[fd];
        if (d->sending == TOKEN_NONE || d->waits_for_output)
            continue; /* it has been hurried, or cancelled */
        int result = try_send(e, fd, d);
        if (result != -EAGAIN) {
            deliver(turn, d->sending, result, 0);
            d->sending = TOKEN_NONE;
        }
    }
}

static void
accept_some(struct epoll *e, int fd, struct turn *turn)
{
    for (int i = 0; i < ACCEPTS_PER_TURN && turn->count < turn->capacity; i++) {
        struct descriptor *d = &e->descriptors[fd];
        int accepted = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted < 0 && errno == EINTR)
            continue;
        if (accepted < 0 && errno == EAGAIN) {
            d->is_readable = false;
            return;
        }
        int result = accepted >= 0 ? accepted : -errno;
        if (accepted >= 0) {
            struct descriptor *new = descriptor_of(e, accepted);
            d = &e->descriptors[fd]; /* the table may have moved */
            if (new == NULL) {
                close(accepted);
                result = -ENOMEM;
            } else {
                renew(new);
            }
        }
        deliver(turn, d->accepting, result, result >= 0 ? CRING_MORE : 0);
        if (result < 0) {
            d->accepting = TOKEN_NONE;
            return;
        }
    }
}

static void
receive_once(struct epoll *e, int fd, struct descriptor *d, struct turn *turn)
{
    if (e->free_count == 0) {
        deliver(turn, d->receiving, -ENOBUFS, 0);
        d->receiving = TOKEN_NONE;
        return;
    }
    uint16_t buffer = e->free_buffers[e->free_count - 1];
    size_t size = e->base.buffer_size;
    ssize_t received;
    do
        received = recv(fd, e->base.buffers + buffer * size, size, MSG_DONTWAIT);
    while (received < 0 && errno == EINTR);
    if (received < 0 && errno == EAGAIN) {
        d->is_readable = false;
        return;
    }
    if (received <= 0) {
        deliver(turn, d->receiving, received == 0 ? 0 : -errno, 0);
        d->receiving = TOKEN_NONE;
        return;
    }
    e->free_count--;
    deliver(turn, d->receiving, (int)received, CRING_MORE);
    cring_lend(&e->base, &turn->out[turn->count - 1], buffer);
    /* A short read has emptied the socket; what comes later makes an edge. The end of the stream
     * may have been announced already, though, and makes no second one. */
    if ((size_t)received < size && !d->has_ended)
        d->is_readable = false;
}

/* Serves what is in `ready` now, each once. */
static void
serve_ready(struct epoll *e, struct turn *turn)
{
    for (size_t left = e->ready.count; left > 0 && turn->count < turn->capacity; left--) {
        int fd = leave_ready(e);
        struct descriptor *d = &e->descriptors[fd];
        if (d->waits_for_output && d->may_be_writable) {
            int result = try_send(e, fd, d);
            if (result != -EAGAIN) {
                deliver(turn, d->sending, result, 0);
                d->sending = TOKEN_NONE;
            }
        }
        if (d->is_readable && turn->count < turn->capacity) {
            if (d->accepting != TOKEN_NONE)
                accept_some(e, fd, turn);
            else if (d->receiving != TOKEN_NONE)
                receive_once(e, fd, d, turn);
        }
        d = &e->descriptors[fd];
        if (d->is_readable && (d->accepting != TOKEN_NONE || d->receiving != TOKEN_NONE))
            join_ready(e, fd);
    }
}

static void
note(struct epoll *e, const struct epoll_event *event)
{
    int fd = (int)(uint32_t)event->data.u64;
    uint32_t generation = (uint32_t)(event->data.u64 >> 32);
    if (event->data.u64 == TOKEN_WAKE)
        return;
    struct descriptor *d = &e->descriptors[fd];
    if (d->generation != generation)
        return; /* a socket that a child process still holds open */
    if (event->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        d->has_ended = true;
    if (event->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        d->is_readable = true;
    if (event->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        d->may_be_writable = true;
    bool can_read = d->is_readable && (d->accepting != TOKEN_NONE || d->receiving != TOKEN_NONE);
    if (can_read || (d->waits_for_output && d->may_be_writable))
        join_ready(e, fd);
}

static int
wait_events(const struct epoll *e, struct epoll_event *events, int64_t timeout_ns)
{
    int count;
    if (timeout_ns > 0 && (e->base.features & CRING_FEATURE_PRECISE_WAIT)) {
        struct timespec timeout = {
            .tv_sec = timeout_ns / 1000000000,
            .tv_nsec = timeout_ns % 1000000000,
        };
        count = (int)syscall(SYS_epoll_pwait2, e->epoll, events, EVENTS_MAX, &timeout, NULL, 0);
    } else {
        int64_t milliseconds = timeout_ns < 0 ? -1 : timeout_ns / 1000000;
        if (timeout_ns > 0 && timeout_ns % 1000000 != 0)
            milliseconds++; /* never early, so that a deadline has passed when we return */
        if (milliseconds > INT_MAX)
            milliseconds = INT_MAX;
        count = epoll_wait(e->epoll, events, EVENTS_MAX, (int)milliseconds);
    }
    if (count >= 0)
        return count;
    return errno == EINTR ? 0 : -errno;
}

static int
epoll_turn(cring *ring, int64_t timeout_ns, cring_completion *out, unsigned capacity)
{
    struct epoll *e = epoll_of(ring);
    struct turn turn = {.out = out, .capacity = capacity};
    deliver_reports(e, &turn);
    send_queued(e, &turn);
    if (turn.count > 0 || e->ready.count > 0)
        timeout_ns = 0;
    struct epoll_event events[EVENTS_MAX];
    int count = wait_events(e, events, timeout_ns);
    if (count < 0)
        return turn.count > 0 ? (int)turn.count : count;
    for (int i = 0; i < count; i++)
        note(e, &events[i]);
    serve_ready(e, &turn);
    return (int)turn.count;
}

/* ---- Opening and freeing --------------------------------------------------------- */

static void
epoll_free(cring *ring)
{
    struct epoll *e = epoll_of(ring);
    if (e->epoll >= 0)
        close(e->epoll);
    cring_base_free(&e->base);
    free(e->descriptors);
    free(e->reports);
    free(e->free_buffers);
    free(e);
}

static const struct cring_operations epoll_operations = {
    .free = epoll_free,
    .accept = epoll_accept,
    .receive = epoll_receive,
    .send = epoll_send,
    .cancel = epoll_cancel,
    .shutdown = epoll_shutdown,
    .close = epoll_close,
    .wait = epoll_turn,
    .recycle = epoll_recycle,
};

static int
open_epoll(struct epoll *e, cring_failure *failure)
{
    e->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (e->epoll < 0)
        return cring_failed(failure, "epoll_create1", -errno);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = TOKEN_WAKE};
    if (epoll_ctl(e->epoll, EPOLL_CTL_ADD, e->base.wake, &event) != 0)
        return cring_failed(failure, "epoll_ctl", -errno);
    return 0;
}

/* Whether the kernel, and the sandbox we are in, know the call. */
static bool
has_precise_wait(const struct epoll *e)
{
    struct epoll_event event;
    struct timespec none = {0};
    return syscall(SYS_epoll_pwait2, e->epoll, &event, 1, &none, NULL, 0) >= 0;
}

int
cring_epoll_open(cring **ring, const cring_settings *settings, cring_failure *failure)
{
    struct epoll *e = calloc(1, sizeof *e);
    if (e == NULL)
        return cring_failed(failure, "memory", -ENOMEM);
    e->base.calls = &cring_kernel_calls;
    e->base.operations = &epoll_operations;
    e->base.kind = CRING_EPOLL;
    e->base.wake = e->epoll = -1;
    int error = cring_base_open(&e->base, settings, failure);
    if (error == 0)
        error = open_epoll(e, failure);
    if (error == 0) {
        e->free_buffers = malloc(settings->buffer_count * sizeof *e->free_buffers);
        if (e->free_buffers == NULL)
            error = cring_failed(failure, "memory", -ENOMEM);
    }
    if (error != 0) {
        epoll_free(&e->base);
        return error;
    }
    for (uint32_t i = 0; i < settings->buffer_count; i++)
        epoll_recycle(&e->base, (uint16_t)(settings->buffer_count - 1 - i));
    e->base.features = CRING_FEATURE_MULTISHOT_ACCEPT | CRING_FEATURE_MULTISHOT_RECEIVE;
    if (!(settings->features_masked & CRING_FEATURE_PRECISE_WAIT) && has_precise_wait(e))
        e->base.features |= CRING_FEATURE_PRECISE_WAIT;
    *ring = &e->base;
    return 0;
}
