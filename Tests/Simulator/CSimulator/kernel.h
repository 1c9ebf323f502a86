// SPDX-License-Identifier: Apache-2.0
#ifndef CSIMULATOR_PRIVATE_H
#define CSIMULATOR_PRIVATE_H

#include "../../../Sources/CRing/ring.h"
#include "CSimulator.h"

enum {
    DESCRIPTOR_FIRST = 3, /* below are everybody's standard streams */
    DESCRIPTORS_MAX = 1024,
    BACKLOG_MAX = 256,
};

/* Received buffers hold this while they are the kernel's. */
#define POISON 0xDB

/* Octets under way in one direction, in a circle. */
struct stream {
    uint8_t *octets;
    size_t first, count, capacity;
};

struct backlog {
    struct sim_socket *waiting[BACKLOG_MAX];
    unsigned count, limit;
};

struct sim_socket {
    int client; /* -1 for a listener, -2 for the reserve */
    int fd;     /* -1 before it is accepted and after it is closed */
    struct backlog *backlog; /* of a listener */
    struct stream in, out;   /* to the server, to the client */
    uint32_t network;
    bool has_in_ended;       /* the client's end is behind `in` */
    bool has_out_ended;      /* the server's is behind `out` */
    bool is_read_shut;       /* the server has shut its receiving half */
    bool is_broken;          /* reset: nothing passes any more */
    bool is_client_open;
    bool client_sees_reset;
    bool resets_on_close;
    int error;               /* what the server's next call reports, once */
    unsigned owed;           /* operations whose last completion is not seen */
    bool is_receiving, is_sending;
    uint64_t receive_token, send_token;
    sim_connection facts;
};

enum operation_kind { OPERATION_ACCEPT, OPERATION_RECEIVE, OPERATION_SEND };

/* What the kernel has begun and not completed for the last time. */
struct operation {
    enum operation_kind kind;
    struct sim_socket *socket;
    uint64_t token;
    const uint8_t *octets;
    size_t count;
    uint64_t checksum;
    uint64_t visible_at; /* its latest completion; the next is not seen before */
    bool is_multishot;
    bool is_cancelled;
    bool is_late; /* cancelled, and about to complete anyway */
};

/* What happened to an operation, until the ring takes it. */
struct completion {
    enum operation_kind kind;
    struct sim_socket *socket;
    uint64_t token;
    uint64_t visible_at;
    const uint8_t *octets;
    size_t count;
    uint64_t checksum;
    int32_t result;
    uint16_t buffer;
    bool has_buffer;
    bool is_terminal;
};

/* How the kernel reaches the ring's received buffers. */
struct sim_front {
    /* Takes a free buffer: its number and memory; false when there is none. */
    bool (*take_buffer)(cring *ring, uint16_t *buffer, uint8_t **octets, size_t *size);
    /* Buffers the kernel could still take. */
    uint32_t (*buffers_free)(const cring *ring);
};

struct sim_kernel {
    cring_opening opening; /* first, so that the one's address is the other's */
    uint64_t random_state;
    uint64_t now;
    uint64_t hash;
    bool prints;
    bool is_violated;
    char violation[512];

    sim_world world;
    void *context;

    unsigned rates[SIM_FAULT_COUNT];
    uint64_t fault_counts[SIM_FAULT_COUNT];
    uint64_t accepts_fail_until;
    int accept_error;

    struct sim_socket **sockets; /* by client */
    size_t sockets_count, sockets_capacity;
    struct sim_socket *listener;
    struct sim_socket reserve;
    struct sim_socket *by_descriptor[DESCRIPTORS_MAX];

    struct operation *operations;
    size_t operations_count, operations_capacity;
    unsigned *ready;
    size_t ready_count, ready_capacity;
    struct completion *completions;
    size_t completions_count, completions_capacity;

    cring *ring;
    const struct sim_front *front;
};

/* The kernel of this thread. */
extern _Thread_local sim_kernel *sim_current;

/* Whether `fault` happens this time; counts it. */
bool sim_happens(sim_kernel *kernel, sim_fault fault);

/* Notes a broken rule, as printf. */
void sim_break(sim_kernel *kernel, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* `memory` with room for `count` elements, or the end of the process: tests have memory. */
void *sim_grow(void *memory, size_t *capacity, size_t count, size_t size);

/* ---- Sockets ------------------------------------------------------------------ */

extern const struct cring_calls sim_calls;

size_t stream_room(const struct stream *stream);
void stream_put(struct stream *stream, const uint8_t *octets, size_t count);
void stream_take(struct stream *stream, uint8_t *into, size_t count);

/* The socket behind a descriptor; NULL when it is not open. */
struct sim_socket *sim_socket_at(const sim_kernel *kernel, int fd);

/* Takes the first connection that waits and gives it the lowest free descriptor; -EAGAIN, -EMFILE. */
int sim_accept_first(sim_kernel *kernel, struct sim_socket *listener);

/* Kills the first connection that waits. */
void sim_abort_first(sim_kernel *kernel, struct sim_socket *listener);

/* The network ends a connection: the server's next call gives `error`. */
void sim_lose(sim_kernel *kernel, struct sim_socket *socket, int error, bool client_sees);

/* As shutdown(2) and close(2). */
int sim_shutdown(sim_kernel *kernel, int fd, int how);
void sim_close(sim_kernel *kernel, int fd);

void sim_socket_free(struct sim_socket *socket);

/* ---- Operations ----------------------------------------------------------------- */

/* Begins an operation on a descriptor. A descriptor that is not open completes with -EBADF. */
void sim_begin(sim_kernel *kernel, int fd, struct operation operation);

/* Asks the operation with this token to end. */
void sim_cancel(sim_kernel *kernel, uint64_t token);

/* Has a send that has just begun move before anything else does, as submitting it does. */
void sim_hurry_send(sim_kernel *kernel, struct sim_socket *socket);

/* Takes the first completion that can be seen; false when there is none. */
bool sim_take_completion(sim_kernel *kernel, struct completion *out);

/* The rules about buffers hold, or are noted as broken. */
void sim_check_buffers(sim_kernel *kernel);

/* ---- The ring --------------------------------------------------------------------- */

int sim_ring_open(sim_kernel *kernel, cring **ring, const cring_options *options,
                  cring_failure *failure);

#endif
