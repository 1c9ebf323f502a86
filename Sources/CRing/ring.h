// SPDX-License-Identifier: Apache-2.0
#ifndef CRING_PRIVATE_H
#define CRING_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CRing.h"

/* Tokens the application may not use. */
#define TOKEN_NONE UINT64_C(0)              /* a completion with it is dropped */
#define TOKEN_WAKE (UINT64_MAX - 1)         /* UINT64_MAX is liburing's own */

/* The most octets one send asks for, so that a count fits a 32-bit result. */
#define SEND_MAX ((size_t)1 << 30)

/* What a backend does. Each entry has the contract of the public function of its name. */
struct cring_operations {
    void (*free)(cring *ring);
    int (*accept)(cring *ring, int listener, uint64_t token);
    int (*receive)(cring *ring, int fd, uint64_t token);
    int (*send)(cring *ring, int fd, const uint8_t *octets, size_t count, uint64_t token);
    int (*cancel)(cring *ring, int fd, uint64_t target);
    int (*shutdown)(cring *ring, int fd, int how);
    int (*close)(cring *ring, int fd);
    int (*wait)(cring *ring, int64_t timeout_ns, cring_completion *out, unsigned capacity);
    void (*recycle)(cring *ring, uint16_t buffer);
};

/* What does not go through the ring: clocks, randomness, and calls on sockets that return at once.
 * Each entry has the contract of the public function of its name. */
struct cring_calls {
    uint64_t (*now)(cring *ring);
    int64_t (*calendar)(cring *ring);
    uint64_t (*random)(cring *ring);
    int (*listen)(cring *ring, const char *host, uint16_t port, int backlog, int share,
                  uint16_t *bound_port);
    int (*accept_now)(cring *ring, int listener);
    int (*reserve)(cring *ring);
    void (*close_now)(cring *ring, int listener);
    void (*turn_away)(cring *ring, int fd, const uint8_t *octets, size_t count);
    int (*peer_address)(cring *ring, int fd, char *out, size_t capacity);
    uint64_t (*peer_network)(cring *ring, int fd);
    int (*reset_on_close)(cring *ring, int fd);
};

/* The real ones. */
extern const struct cring_calls cring_kernel_calls;
uint64_t cring_kernel_now(cring *ring);
int64_t cring_kernel_calendar(cring *ring);
uint64_t cring_kernel_random(cring *ring);

/* What every backend has; the first member of its own structure. */
struct cring {
    const struct cring_operations *operations;
    const struct cring_calls *calls;
    cring_kind kind;
    uint32_t features;
    int wake;           /* eventfd, never read: every write is an edge of its own */
    uint32_t buffer_count;
    uint32_t buffer_size;
    uint32_t buffers_out;
    uint8_t *buffers;   /* buffer_count x buffer_size octets */
    bool *is_out;       /* buffer_count; guards against giving a buffer back twice */
    uint64_t overflows;
};

/* Options with every default filled in. */
typedef cring_options cring_settings;

int cring_uring_open(cring **ring, const cring_settings *settings, cring_failure *failure);
int cring_epoll_open(cring **ring, const cring_settings *settings, cring_failure *failure);

/* The common part, wake-up and buffers: 0 or -errno. `cring_base_free` takes either outcome. */
int cring_base_open(cring *ring, const cring_settings *settings, cring_failure *failure);
void cring_base_free(cring *ring);

/* Notes a failed step and returns `error` (-errno). */
int cring_failed(cring_failure *failure, const char *step, int error);

/* Puts received octets into `*out`; `buffer` is the application's until it is given back. */
static inline void
cring_lend(cring *ring, cring_completion *out, uint16_t buffer)
{
    out->data = ring->buffers + (size_t)buffer * ring->buffer_size;
    out->buffer = buffer;
    out->flags |= CRING_BUFFER;
    ring->is_out[buffer] = true;
    ring->buffers_out++;
}

/* `memory` with room for at least `count` > 0 elements of `size` octets, perhaps in a new place and
 * with a doubled `*capacity`; NULL when there is no memory, and then nothing has changed. */
void *cring_grow(void *memory, size_t *capacity, size_t count, size_t size);

#endif
