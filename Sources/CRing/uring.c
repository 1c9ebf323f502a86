// SPDX-License-Identifier: Apache-2.0
/* Theory. An operation goes into the submission queue at once; what finds it full and the kernel
 * unwilling waits in `pending`, and everything behind it too, so that order is kept. Shutting down
 * has no inline road in the kernel (it would cost a worker thread), so it is a plain system call
 * made `after` the submission that carries the sends queued before it.
 *
 * `in_flight` counts terminal completions still owed by the kernel. Freeing brings it to 0 first:
 * the kernel tears a ring down in the background, and an accept still armed then would hold the
 * listener's port for tens of milliseconds. */
#define _GNU_SOURCE
#include "ring.h"

#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER_GROUP = 0 };

#define FREE_PATIENCE_NS UINT64_C(1000000000)
#define FREE_STEP_NS INT64_C(20000000)

enum operation_kind { ACCEPT, RECEIVE, SEND, CANCEL, CLOSE, WAKE };

struct operation {
    enum operation_kind kind;
    int fd;
    const uint8_t *octets;
    size_t count;
    uint64_t token; /* the target, for CANCEL */
};

/* A system call to make once what was queued before it has been submitted. */
struct call {
    int fd;
    int how; /* as in shutdown(2), or CALL_CLOSE */
};
enum { CALL_CLOSE = -1 };

struct uring {
    cring base;
    struct io_uring ring;
    bool has_ring;
    bool wake_is_armed;

    struct io_uring_buf *entries; /* the buffer ring, as the kernel reads it */
    uint16_t *entries_tail;
    uint16_t entries_mask;

    uint64_t in_flight;

    struct operation *pending;
    size_t pending_count, pending_capacity;

    struct call *after;
    size_t after_count, after_capacity;

    uint64_t *accepts; /* tokens of the accepts in flight */
    size_t accepts_count, accepts_capacity;
};

static struct uring *
uring_of(cring *ring)
{
    return (struct uring *)ring; /* `base` is the first member */
}

/* ---- Submitting --------------------------------------------------------------- */

/* Refused for now: completions have to be reaped, or memory to be found, and then it goes on. */
static bool
is_passing(int error)
{
    return error == -EAGAIN || error == -EBUSY || error == -EINTR || error == -ETIME;
}

static void
prepare(struct uring *u, struct io_uring_sqe *entry, const struct operation *operation)
{
    uint32_t features = u->base.features;
    uint64_t user_data = TOKEN_NONE;
    switch (operation->kind) {
    case ACCEPT:
        io_uring_prep_accept(entry, operation->fd, NULL, NULL, SOCK_CLOEXEC);
        if (features & CRING_FEATURE_MULTISHOT_ACCEPT)
            entry->ioprio |= IORING_ACCEPT_MULTISHOT;
        user_data = operation->token;
        break;
    case RECEIVE:
        io_uring_prep_recv(entry, operation->fd, NULL, 0, 0);
        if (features & CRING_FEATURE_MULTISHOT_RECEIVE)
            entry->ioprio |= IORING_RECV_MULTISHOT;
        entry->flags |= IOSQE_BUFFER_SELECT;
        entry->buf_group = BUFFER_GROUP;
        user_data = operation->token;
        break;
    case SEND:
        io_uring_prep_send(entry, operation->fd, operation->octets, operation->count,
                           MSG_NOSIGNAL);
        user_data = operation->token;
        break;
    case CANCEL:
        io_uring_prep_cancel64(entry, operation->token, 0);
        break;
    case CLOSE:
        io_uring_prep_close(entry, operation->fd);
        break;
    case WAKE:
        io_uring_prep_poll_multishot(entry, operation->fd, POLLIN);
        user_data = TOKEN_WAKE;
        break;
    }
    io_uring_sqe_set_data64(entry, user_data);
    if (user_data == TOKEN_NONE && (features & CRING_FEATURE_COMPLETION_SKIP))
        entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
}

/* Moves pending operations into the submission queue, submitting when it is full, until none is
 * left or the kernel takes no more. Returns 0 or a fatal -errno. */
static int
move_pending(struct uring *u)
{
    size_t moved = 0;
    int error = 0;
    while (moved < u->pending_count) {
        struct io_uring_sqe *entry = io_uring_get_sqe(&u->ring);
        if (entry == NULL) {
            int submitted = io_uring_submit(&u->ring);
            if (submitted < 0 && !is_passing(submitted))
                error = submitted;
            entry = io_uring_get_sqe(&u->ring);
            if (entry == NULL)
                break;
        }
        prepare(u, entry, &u->pending[moved++]);
    }
    if (moved > 0) {
        u->pending_count -= moved;
        memmove(u->pending, u->pending + moved, u->pending_count * sizeof *u->pending);
    }
    return error;
}

static int
queue(struct uring *u, struct operation operation)
{
    if (u->pending_count == 0) {
        struct io_uring_sqe *entry = io_uring_get_sqe(&u->ring);
        if (entry == NULL) {
            /* An error that is not passing comes again in the next wait, which reports it. */
            (void)io_uring_submit(&u->ring);
            entry = io_uring_get_sqe(&u->ring);
        }
        if (entry != NULL) {
            prepare(u, entry, &operation);
            return 0;
        }
    }
    struct operation *pending
        = cring_grow(u->pending, &u->pending_capacity, u->pending_count + 1, sizeof *pending);
    if (pending == NULL)
        return -ENOMEM;
    u->pending = pending;
    u->pending[u->pending_count++] = operation;
    return 0;
}

/* Queues an operation whose terminal completion is waited for. */
static int
queue_counted(struct uring *u, struct operation operation)
{
    int error = queue(u, operation);
    if (error == 0)
        u->in_flight++;
    return error;
}

static int
arm_wake(struct uring *u)
{
    int error = queue_counted(u, (struct operation){.kind = WAKE, .fd = u->base.wake});
    u->wake_is_armed = error == 0;
    return error;
}

/* ---- Operations --------------------------------------------------------------- */

static int
uring_accept(cring *ring, int listener, uint64_t token)
{
    struct uring *u = uring_of(ring);
    uint64_t *accepts
        = cring_grow(u->accepts, &u->accepts_capacity, u->accepts_count + 1, sizeof *accepts);
    if (accepts == NULL)
        return -ENOMEM;
    u->accepts = accepts;
    struct operation operation = {.kind = ACCEPT, .fd = listener, .token = token};
    int error = queue_counted(u, operation);
    if (error == 0)
        u->accepts[u->accepts_count++] = token;
    return error;
}

static int
uring_receive(cring *ring, int fd, uint64_t token)
{
    struct operation operation = {.kind = RECEIVE, .fd = fd, .token = token};
    return queue_counted(uring_of(ring), operation);
}

static int
uring_send(cring *ring, int fd, const uint8_t *octets, size_t count, uint64_t token)
{
    struct operation operation
        = {.kind = SEND, .fd = fd, .octets = octets, .count = count, .token = token};
    return queue_counted(uring_of(ring), operation);
}

static int
uring_cancel(cring *ring, int fd, uint64_t target)
{
    return queue(uring_of(ring), (struct operation){.kind = CANCEL, .fd = fd, .token = target});
}

static void
make(struct call call)
{
    if (call.how == CALL_CLOSE)
        close(call.fd);
    else
        shutdown(call.fd, call.how);
}

static bool
has_unsubmitted(const struct uring *u)
{
    return u->pending_count > 0 || io_uring_sq_ready(&u->ring) > 0;
}

static int
call_after(struct uring *u, struct call call)
{
    struct call *after
        = cring_grow(u->after, &u->after_capacity, u->after_count + 1, sizeof *after);
    if (after == NULL)
        return -ENOMEM;
    u->after = after;
    u->after[u->after_count++] = call;
    return 0;
}

static int
uring_shutdown(cring *ring, int fd, int how)
{
    struct uring *u = uring_of(ring);
    struct call call = {.fd = fd, .how = how};
    if (has_unsubmitted(u))
        return call_after(u, call);
    make(call);
    return 0;
}

static int
uring_close(cring *ring, int fd)
{
    struct uring *u = uring_of(ring);
    /* Behind a shutdown that still waits: the number could name another socket by then. */
    if (u->after_count > 0)
        return call_after(u, (struct call){.fd = fd, .how = CALL_CLOSE});
    return queue(u, (struct operation){.kind = CLOSE, .fd = fd});
}

static void
give(struct uring *u, uint16_t buffer)
{
    uint16_t tail = *u->entries_tail;
    struct io_uring_buf *entry = &u->entries[tail & u->entries_mask];
    /* The last field of the first entry is the tail itself: set fields, never whole entries. */
    entry->addr = (uintptr_t)(u->base.buffers + (size_t)buffer * u->base.buffer_size);
    entry->len = u->base.buffer_size;
    entry->bid = buffer;
    __atomic_store_n(u->entries_tail, (uint16_t)(tail + 1), __ATOMIC_RELEASE);
}

static void
uring_recycle(cring *ring, uint16_t buffer)
{
    give(uring_of(ring), buffer);
}

/* ---- Reaping ------------------------------------------------------------------- */

/* Whether `token` was an accept, which is then forgotten if this was its last completion. */
static bool
end_accept(struct uring *u, uint64_t token, bool is_terminal)
{
    for (size_t i = 0; i < u->accepts_count; i++) {
        if (u->accepts[i] == token) {
            if (is_terminal)
                u->accepts[i] = u->accepts[--u->accepts_count];
            return true;
        }
    }
    return false;
}

/* Makes `*out` from one entry; false when it is nobody's business. */
static bool
translate(struct uring *u, const struct io_uring_cqe *entry, cring_completion *out)
{
    uint64_t token = entry->user_data;
    if (token == TOKEN_NONE)
        return false;
    bool is_terminal = (entry->flags & IORING_CQE_F_MORE) == 0;
    if (is_terminal)
        u->in_flight--;
    if (token == TOKEN_WAKE) {
        if (is_terminal)
            u->wake_is_armed = false; /* the next wait arms it again */
        return false;
    }
    if (is_terminal)
        end_accept(u, token, true);
    *out = (cring_completion){
        .token = token,
        .result = entry->res,
        .flags = is_terminal ? 0 : CRING_MORE,
    };
    if (entry->flags & IORING_CQE_F_BUFFER) {
        uint16_t buffer = (uint16_t)(entry->flags >> IORING_CQE_BUFFER_SHIFT);
        if (entry->res > 0)
            cring_lend(&u->base, out, buffer);
        else
            give(u, buffer); /* taken for nothing */
    }
    return true;
}

static unsigned
reap(struct uring *u, cring_completion *out, unsigned capacity)
{
    struct io_uring_cqe *entry;
    unsigned head, seen = 0, count = 0;
    io_uring_for_each_cqe(&u->ring, head, entry)
    {
        if (count == capacity)
            break;
        count += translate(u, entry, &out[count]);
        seen++;
    }
    io_uring_cq_advance(&u->ring, seen);
    return count;
}

/* Whether the kernel has work that only entering it brings out. */
static bool
kernel_has_more(const struct uring *u)
{
    if ((u->base.features & CRING_FEATURE_TASKRUN_FLAG) == 0)
        return true;
    unsigned flags = __atomic_load_n(u->ring.sq.kflags, __ATOMIC_RELAXED);
    return (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

/* Submits, and waits unless something is there to be reaped. Returns 0 or a fatal -errno. */
static int
enter(struct uring *u, int64_t timeout_ns)
{
    int result;
    if (timeout_ns == 0 || u->pending_count > 0 || io_uring_cq_ready(&u->ring) > 0) {
        if (io_uring_sq_ready(&u->ring) == 0 && !kernel_has_more(u))
            return 0;
        /* A submission alone would not run the kernel's deferred work. */
        result = io_uring_submit_and_get_events(&u->ring);
    } else {
        struct __kernel_timespec timeout = {
            .tv_sec = timeout_ns / 1000000000,
            .tv_nsec = timeout_ns % 1000000000,
        };
        struct io_uring_cqe *entry;
        result = io_uring_submit_and_wait_timeout(&u->ring, &entry, 1,
                                                  timeout_ns > 0 ? &timeout : NULL, NULL);
    }
    if (result >= 0)
        return 0;
    if ((result == -EAGAIN || result == -EBUSY) && io_uring_cq_ready(&u->ring) == 0) {
        /* The kernel is out of memory and there is nothing to reap: do not spin on it. */
        struct timespec moment = {.tv_nsec = 1000000};
        nanosleep(&moment, NULL);
    }
    return is_passing(result) ? 0 : result;
}

/* Makes the calls that wait for a submission, when it has happened. */
static int
make_calls(struct uring *u)
{
    if (u->after_count == 0)
        return 0;
    int result = io_uring_submit(&u->ring);
    if (result < 0 && !is_passing(result))
        return result;
    if (has_unsubmitted(u))
        return 0;
    for (size_t i = 0; i < u->after_count; i++)
        make(u->after[i]);
    u->after_count = 0;
    return 0;
}

static int
uring_wait(cring *ring, int64_t timeout_ns, cring_completion *out, unsigned capacity)
{
    struct uring *u = uring_of(ring);
    if (!u->wake_is_armed && arm_wake(u) != 0)
        timeout_ns = 0; /* without it a wait might never end */
    int error = move_pending(u);
    if (error == 0)
        error = make_calls(u);
    if (error == 0)
        error = enter(u, timeout_ns);
    if (error != 0)
        return error;
    unsigned count = reap(u, out, capacity);
    if (io_uring_cq_has_overflow(&u->ring)) {
        u->base.overflows++;
        while (count < capacity && io_uring_cq_has_overflow(&u->ring)) {
            int result = io_uring_get_events(&u->ring);
            if (result < 0 && !is_passing(result))
                return count > 0 ? (int)count : result;
            if (io_uring_cq_ready(&u->ring) == 0)
                break;
            count += reap(u, out + count, capacity - count);
        }
    }
    return (int)count;
}

/* ---- Opening and freeing --------------------------------------------------------- */

/* Drops what is reaped, and closes what was accepted for nobody. Returns how much that was. */
static unsigned
discard(struct uring *u)
{
    struct io_uring_cqe *entry;
    unsigned head, seen = 0;
    io_uring_for_each_cqe(&u->ring, head, entry)
    {
        bool is_terminal = (entry->flags & IORING_CQE_F_MORE) == 0;
        uint64_t token = entry->user_data;
        if (token != TOKEN_NONE) {
            if (is_terminal)
                u->in_flight--;
            if (token != TOKEN_WAKE && end_accept(u, token, is_terminal) && entry->res >= 0)
                close(entry->res);
        }
        seen++;
    }
    io_uring_cq_advance(&u->ring, seen);
    return seen;
}

/* Submits what is queued, cancels everything, and reaps until the kernel owes nothing. */
static void
quiet(struct uring *u)
{
    uint64_t deadline = cring_now(&u->base) + FREE_PATIENCE_NS;
    bool is_progressing = false;
    do {
        if (move_pending(u) != 0 || make_calls(u) != 0)
            return;
        if (u->in_flight > 0 && u->pending_count == 0 && !is_progressing) {
            struct io_uring_sqe *entry = io_uring_get_sqe(&u->ring);
            if (entry != NULL) {
                io_uring_prep_cancel64(entry, 0, IORING_ASYNC_CANCEL_ANY);
                io_uring_sqe_set_data64(entry, TOKEN_NONE);
            }
        }
        if (enter(u, u->in_flight > 0 ? FREE_STEP_NS : 0) != 0)
            return;
        is_progressing = discard(u) > 0;
    } while ((u->in_flight > 0 || has_unsubmitted(u) || u->after_count > 0)
             && cring_now(&u->base) < deadline);
}

static void
uring_free(cring *ring)
{
    struct uring *u = uring_of(ring);
    if (u->has_ring) {
        quiet(u);
        io_uring_queue_exit(&u->ring);
    }
    if (u->entries != NULL)
        munmap(u->entries, ((size_t)u->entries_mask + 1) * sizeof *u->entries);
    cring_base_free(&u->base);
    free(u->pending);
    free(u->after);
    free(u->accepts);
    free(u);
}

static const struct cring_operations uring_operations = {
    .free = uring_free,
    .accept = uring_accept,
    .receive = uring_receive,
    .send = uring_send,
    .cancel = uring_cancel,
    .shutdown = uring_shutdown,
    .close = uring_close,
    .wait = uring_wait,
    .recycle = uring_recycle,
};

struct setup {
    uint32_t feature;
    uint32_t flag;
};

static const struct setup setups[] = {
    {CRING_FEATURE_SINGLE_ISSUER, IORING_SETUP_SINGLE_ISSUER},
    {CRING_FEATURE_DEFER_TASKRUN, IORING_SETUP_DEFER_TASKRUN},
    {CRING_FEATURE_COOP_TASKRUN, IORING_SETUP_COOP_TASKRUN},
    {CRING_FEATURE_TASKRUN_FLAG, IORING_SETUP_TASKRUN_FLAG},
    {CRING_FEATURE_SUBMIT_ALL, IORING_SETUP_SUBMIT_ALL},
};

/* Best first; each is what a kernel some versions older takes. */
static const uint32_t attempts[] = {
    CRING_FEATURE_SINGLE_ISSUER | CRING_FEATURE_DEFER_TASKRUN | CRING_FEATURE_TASKRUN_FLAG
        | CRING_FEATURE_SUBMIT_ALL,
    CRING_FEATURE_SINGLE_ISSUER | CRING_FEATURE_COOP_TASKRUN | CRING_FEATURE_TASKRUN_FLAG
        | CRING_FEATURE_SUBMIT_ALL,
    CRING_FEATURE_COOP_TASKRUN | CRING_FEATURE_TASKRUN_FLAG | CRING_FEATURE_SUBMIT_ALL,
    CRING_FEATURE_SUBMIT_ALL,
    0,
};

/* Takes from an attempt what is masked, and what the kernel refuses without it. */
static uint32_t
allowed(uint32_t attempt, uint32_t masked)
{
    uint32_t features = attempt & ~masked;
    if ((features & CRING_FEATURE_SINGLE_ISSUER) == 0)
        features &= ~(uint32_t)CRING_FEATURE_DEFER_TASKRUN;
    if ((features & (CRING_FEATURE_DEFER_TASKRUN | CRING_FEATURE_COOP_TASKRUN)) == 0)
        features &= ~(uint32_t)CRING_FEATURE_TASKRUN_FLAG;
    return features;
}

static int
open_ring(struct uring *u, const cring_settings *settings, cring_failure *failure)
{
    uint32_t masked = settings->features_masked;
    uint32_t entries = settings->submission_entries;
    if (entries > settings->completion_entries)
        entries = settings->completion_entries; /* the kernel wants it so */
    int error = -EINVAL;
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts && error == -EINVAL; i++) {
        uint32_t features = allowed(attempts[i], masked);
        /* The way work is run is what tells the first attempts apart. */
        uint32_t way = CRING_FEATURE_DEFER_TASKRUN | CRING_FEATURE_COOP_TASKRUN;
        if ((features & way) != (attempts[i] & way))
            continue;
        struct io_uring_params params = {
            .flags = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE,
            .cq_entries = settings->completion_entries,
        };
        for (size_t j = 0; j < sizeof setups / sizeof *setups; j++) {
            if (features & setups[j].feature)
                params.flags |= setups[j].flag;
        }
        error = io_uring_queue_init_params(entries, &u->ring, &params);
        if (error == 0) {
            u->has_ring = true;
            u->base.features = features;
            if (params.features & IORING_FEAT_CQE_SKIP)
                u->base.features |= CRING_FEATURE_COMPLETION_SKIP & ~masked;
            const uint32_t needed = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP;
            if ((params.features & needed) != needed)
                return cring_failed(failure, "io_uring features", -EOPNOTSUPP);
        }
    }
    return error != 0 ? cring_failed(failure, "io_uring_setup", error) : 0;
}

static int
check_opcodes(struct uring *u, cring_failure *failure)
{
    static const uint8_t needed[] = {
        IORING_OP_NOP,  IORING_OP_POLL_ADD,     IORING_OP_ACCEPT, IORING_OP_RECV,
        IORING_OP_SEND, IORING_OP_ASYNC_CANCEL, IORING_OP_CLOSE,
    };
    enum { OPCODES = 256 };
    struct io_uring_probe *probe
        = calloc(1, sizeof *probe + OPCODES * sizeof(struct io_uring_probe_op));
    if (probe == NULL)
        return cring_failed(failure, "io_uring_register (probe)", -ENOMEM);
    int error = io_uring_register_probe(&u->ring, probe, OPCODES);
    if (error != 0) {
        cring_failed(failure, "io_uring_register (probe)", error);
    } else {
        for (size_t i = 0; i < sizeof needed; i++) {
            if (!io_uring_opcode_supported(probe, needed[i]))
                error = cring_failed(failure, "io_uring operations", -EOPNOTSUPP);
        }
    }
    free(probe);
    return error;
}

/* liburing 2.3 cannot set a buffer ring up, only register one. */
static int
register_buffers(struct uring *u, cring_failure *failure)
{
    size_t size = u->base.buffer_count * sizeof *u->entries;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return cring_failed(failure, "buffers", -errno);
    u->entries = memory;
    u->entries_tail = &((struct io_uring_buf_ring *)memory)->tail;
    u->entries_mask = (uint16_t)(u->base.buffer_count - 1);
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)memory,
        .ring_entries = u->base.buffer_count,
        .bgid = BUFFER_GROUP,
    };
    int error = io_uring_register_buf_ring(&u->ring, &registration, 0);
    if (error != 0)
        return cring_failed(failure, "io_uring_register (buffers)", error);
    for (uint32_t i = 0; i < u->base.buffer_count; i++)
        give(u, (uint16_t)i);
    return 0;
}

/* Receives one octet in one receive: its completion, or -errno. */
static int
try_receive(struct uring *u, int receiver, int sender, cring_completion *out)
{
    enum { TOKEN = 1 };
    int error = uring_receive(&u->base, receiver, TOKEN);
    if (error == 0 && send(sender, "", 1, MSG_NOSIGNAL) != 1)
        error = -errno;
    uint64_t deadline = cring_now(&u->base) + FREE_PATIENCE_NS;
    while (error == 0 && cring_now(&u->base) < deadline) {
        error = enter(u, FREE_STEP_NS);
        if (error == 0 && reap(u, out, 1) == 1)
            return 0;
    }
    return error != 0 ? error : -EOPNOTSUPP;
}

/* Multishot receiving has no bit to ask for: it is there if it works. This also shows that entering
 * the kernel is allowed. */
static int
probe_receive(struct uring *u, const cring_settings *settings, cring_failure *failure)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return cring_failed(failure, "socketpair", -errno);
    uint32_t multishot
        = (CRING_FEATURE_MULTISHOT_ACCEPT | CRING_FEATURE_MULTISHOT_RECEIVE)
          & ~settings->features_masked;
    u->base.features |= multishot;
    cring_completion completion = {0};
    int error = try_receive(u, pair[0], pair[1], &completion);
    if (error == 0 && completion.result == -EINVAL
        && (u->base.features & CRING_FEATURE_MULTISHOT_RECEIVE)) {
        u->base.features &= ~(uint32_t)CRING_FEATURE_MULTISHOT_RECEIVE;
        error = try_receive(u, pair[0], pair[1], &completion);
    }
    if (error == 0 && (completion.flags & CRING_BUFFER) == 0)
        error = completion.result < 0 ? completion.result : -EOPNOTSUPP;
    if (completion.flags & CRING_BUFFER)
        cring_recycle(&u->base, completion.buffer);
    close(pair[1]); /* the end of the stream ends the receive */
    uint64_t deadline = cring_now(&u->base) + FREE_PATIENCE_NS;
    while (error == 0 && u->in_flight > 0 && cring_now(&u->base) < deadline) {
        error = enter(u, FREE_STEP_NS);
        (void)reap(u, &completion, 1); /* no octets: there was one */
    }
    close(pair[0]);
    if (error == 0 && u->in_flight > 0)
        error = -EOPNOTSUPP; /* its end would be taken for that of somebody else's receive */
    return error != 0 ? cring_failed(failure, "io_uring_enter", error) : 0;
}

int
cring_uring_open(cring **ring, const cring_settings *settings, cring_failure *failure)
{
    struct uring *u = calloc(1, sizeof *u);
    if (u == NULL)
        return cring_failed(failure, "memory", -ENOMEM);
    u->base.calls = &cring_kernel_calls;
    u->base.operations = &uring_operations;
    u->base.kind = CRING_URING;
    u->base.wake = -1;
    int error = open_ring(u, settings, failure);
    if (error == 0)
        error = check_opcodes(u, failure);
    if (error == 0)
        error = cring_base_open(&u->base, settings, failure);
    if (error == 0)
        error = register_buffers(u, failure);
    if (error == 0)
        error = probe_receive(u, settings, failure);
    if (error != 0) {
        uring_free(&u->base);
        return error;
    }
    *ring = &u->base;
    return 0;
}
