// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ring.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    SUBMISSION_ENTRIES_DEFAULT = 1024,
    COMPLETION_ENTRIES_DEFAULT = 4096,
    BUFFER_COUNT_DEFAULT = 64,
    BUFFER_COUNT_MAX = 32768, /* the kernel's limit on a buffer ring */
    BUFFER_SIZE_DEFAULT = 32768,
    BUFFER_SIZE_MAX = 1 << 30,
};

/* ---- Opening --------------------------------------------------------------- */

static int
settings_from(cring_settings *settings, const cring_options *options)
{
    *settings = options != NULL ? *options : (cring_options){.kind = CRING_AUTO};
    if (settings->submission_entries == 0)
        settings->submission_entries = SUBMISSION_ENTRIES_DEFAULT;
    if (settings->completion_entries == 0)
        settings->completion_entries = COMPLETION_ENTRIES_DEFAULT;
    if (settings->buffer_count == 0)
        settings->buffer_count = BUFFER_COUNT_DEFAULT;
    if (settings->buffer_size == 0)
        settings->buffer_size = BUFFER_SIZE_DEFAULT;
    bool is_power_of_two = (settings->buffer_count & (settings->buffer_count - 1)) == 0;
    if (!is_power_of_two || settings->buffer_count > BUFFER_COUNT_MAX)
        return -EINVAL;
    if (settings->buffer_size > BUFFER_SIZE_MAX)
        return -EINVAL;
    if (settings->kind != CRING_AUTO && settings->kind != CRING_URING
        && settings->kind != CRING_EPOLL)
        return -EINVAL;
    return 0;
}

/* Whether io_uring is missing or forbidden here, rather than something else being amiss. */
static bool
is_refusal(int error)
{
    switch (-error) {
    case EPERM:  /* seccomp (Docker, Kubernetes), io_uring_disabled */
    case EACCES: /* other sandboxes */
    case ENOSYS: /* a kernel without it */
    case EINVAL:
    case EOPNOTSUPP: /* a kernel with too little of it */
        return true;
    default:
        return false;
    }
}

int
cring_open(cring **ring, const cring_options *options, cring_failure *failure)
{
    cring_failure ignored;
    if (failure == NULL)
        failure = &ignored;
    *failure = (cring_failure){0};
    *ring = NULL;
    cring_settings settings;
    if (settings_from(&settings, options) != 0)
        return cring_failed(failure, "options", -EINVAL);
    const cring_opening *opening = (const cring_opening *)settings.opening;
    if (opening != NULL)
        return opening->open(opening, ring, &settings, failure);
    if (settings.kind != CRING_EPOLL) {
        int error = cring_uring_open(ring, &settings, failure);
        if (error == 0 || settings.kind == CRING_URING || !is_refusal(error))
            return error;
    }
    cring_failure epoll_failure = {0};
    int error = cring_epoll_open(ring, &settings, &epoll_failure);
    if (error != 0)
        *failure = epoll_failure;
    return error;
}

int
cring_failed(cring_failure *failure, const char *step, int error)
{
    *failure = (cring_failure){.error = -error, .step = step};
    return error;
}

int
cring_base_open(cring *ring, const cring_settings *settings, cring_failure *failure)
{
    ring->buffer_count = settings->buffer_count;
    ring->buffer_size = settings->buffer_size;
    ring->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ring->wake < 0)
        return cring_failed(failure, "eventfd", -errno);
    ring->is_out = calloc(ring->buffer_count, sizeof *ring->is_out);
    if (ring->is_out == NULL)
        return cring_failed(failure, "buffers", -ENOMEM);
    /* Pages come with the first octets, so that an idle ring is small. */
    void *buffers = mmap(NULL, (size_t)ring->buffer_count * ring->buffer_size,
                         PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (buffers == MAP_FAILED)
        return cring_failed(failure, "buffers", -errno);
    ring->buffers = buffers;
    return 0;
}

void
cring_base_free(cring *ring)
{
    if (ring->buffers != NULL)
        munmap(ring->buffers, (size_t)ring->buffer_count * ring->buffer_size);
    free(ring->is_out);
    if (ring->wake >= 0)
        close(ring->wake);
}

/* ---- The table's front ------------------------------------------------------ */

void
cring_free(cring *ring)
{
    if (ring != NULL)
        ring->operations->free(ring);
}

cring_kind
cring_kind_of(const cring *ring)
{
    return ring->kind;
}

uint32_t
cring_features(const cring *ring)
{
    return ring->features;
}

const char *
cring_feature_name(uint32_t bit)
{
    switch (bit) {
    case CRING_FEATURE_SINGLE_ISSUER:
        return "single-issuer";
    case CRING_FEATURE_DEFER_TASKRUN:
        return "defer-taskrun";
    case CRING_FEATURE_COOP_TASKRUN:
        return "coop-taskrun";
    case CRING_FEATURE_TASKRUN_FLAG:
        return "taskrun-flag";
    case CRING_FEATURE_SUBMIT_ALL:
        return "submit-all";
    case CRING_FEATURE_COMPLETION_SKIP:
        return "completion-skip";
    case CRING_FEATURE_MULTISHOT_ACCEPT:
        return "multishot-accept";
    case CRING_FEATURE_MULTISHOT_RECEIVE:
        return "multishot-receive";
    case CRING_FEATURE_PRECISE_WAIT:
        return "precise-wait";
    default:
        return NULL;
    }
}

int
cring_accept(cring *ring, int listener, uint64_t token)
{
    return ring->operations->accept(ring, listener, token);
}

int
cring_receive(cring *ring, int fd, uint64_t token)
{
    return ring->operations->receive(ring, fd, token);
}

int
cring_send(cring *ring, int fd, const uint8_t *octets, size_t count, uint64_t token)
{
    return ring->operations->send(ring, fd, octets, count < SEND_MAX ? count : SEND_MAX, token);
}

int
cring_cancel(cring *ring, int fd, uint64_t target)
{
    return ring->operations->cancel(ring, fd, target);
}

int
cring_shutdown(cring *ring, int fd, int how)
{
    return ring->operations->shutdown(ring, fd, how);
}

int
cring_close(cring *ring, int fd)
{
    return ring->operations->close(ring, fd);
}

int
cring_wait(cring *ring, int64_t timeout_ns, cring_completion *out, unsigned capacity)
{
    return ring->operations->wait(ring, timeout_ns, out, capacity);
}

void
cring_recycle(cring *ring, uint16_t buffer)
{
    /* A buffer given back twice would be filled for two connections at once: stop before that. */
    if (buffer >= ring->buffer_count || !ring->is_out[buffer])
        abort();
    ring->is_out[buffer] = false;
    ring->buffers_out--;
    ring->operations->recycle(ring, buffer);
}

uint32_t
cring_buffers_out(const cring *ring)
{
    return ring->buffers_out;
}

uint64_t
cring_overflows(const cring *ring)
{
    return ring->overflows;
}

void
cring_wake(cring *ring)
{
    /* In a signal handler errno belongs to whoever was interrupted. */
    int saved = errno;
    uint64_t one = 1;
    ssize_t written = write(ring->wake, &one, sizeof one);
    (void)written;
    errno = saved;
}

static const struct cring_calls *
calls_of(const cring *ring)
{
    return ring != NULL ? ring->calls : &cring_kernel_calls;
}

uint64_t
cring_now(cring *ring)
{
    return calls_of(ring)->now(ring);
}

int64_t
cring_calendar(cring *ring)
{
    return calls_of(ring)->calendar(ring);
}

uint64_t
cring_random(cring *ring)
{
    return calls_of(ring)->random(ring);
}

int
cring_listen(cring *ring, const char *host, uint16_t port, int backlog, int share,
             uint16_t *bound_port)
{
    return calls_of(ring)->listen(ring, host, port, backlog, share, bound_port);
}

int
cring_reserve(cring *ring)
{
    return calls_of(ring)->reserve(ring);
}

int
cring_accept_now(cring *ring, int listener)
{
    return calls_of(ring)->accept_now(ring, listener);
}

void
cring_close_now(cring *ring, int fd)
{
    calls_of(ring)->close_now(ring, fd);
}

void
cring_turn_away(cring *ring, int fd, const uint8_t *octets, size_t count)
{
    calls_of(ring)->turn_away(ring, fd, octets, count);
}

int
cring_peer_address(cring *ring, int fd, char *out, size_t capacity)
{
    return calls_of(ring)->peer_address(ring, fd, out, capacity);
}

uint64_t
cring_peer_network(cring *ring, int fd)
{
    return calls_of(ring)->peer_network(ring, fd);
}

int
cring_reset_on_close(cring *ring, int fd)
{
    return calls_of(ring)->reset_on_close(ring, fd);
}

void *
cring_grow(void *memory, size_t *capacity, size_t count, size_t size)
{
    if (count <= *capacity)
        return memory;
    size_t wanted = *capacity > 0 ? *capacity : 16;
    while (wanted < count) {
        if (wanted > SIZE_MAX / 2 / size)
            return NULL;
        wanted *= 2;
    }
    void *grown = realloc(memory, wanted * size);
    if (grown != NULL)
        *capacity = wanted;
    return grown;
}
