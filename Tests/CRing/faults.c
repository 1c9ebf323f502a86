// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "faults.h"
#include "ring_test.h"

#include <errno.h>
#include <liburing.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* The sanitizers' own calls come through here too, before they are ready for any code of theirs. */
#define UNCHECKED __attribute__((no_sanitize("address", "undefined")))

/* ---- Which call fails ----------------------------------------------------------- */

struct fault {
    const char *call;
    int skipped, times, error;
};

enum { FAULTS_MAX = 4 };

/* Of one thread, so that the allocations of others are left alone. */
static _Thread_local struct fault faults[FAULTS_MAX];
static _Thread_local int faults_count, failed_count;

void
fail(const char *call, int skipped, int times, int error)
{
    if (faults_count == FAULTS_MAX)
        abort();
    faults[faults_count++]
        = (struct fault){.call = call, .skipped = skipped, .times = times, .error = error};
}

int
heal(void)
{
    int count = failed_count;
    faults_count = failed_count = 0;
    return count;
}

/* The error that this call is to fail with, or 0. */
UNCHECKED static int
error_of(const char *call)
{
    for (int i = 0; i < faults_count; i++) {
        struct fault *fault = &faults[i];
        if (strcmp(fault->call, call) != 0)
            continue;
        if (fault->skipped > 0) {
            fault->skipped--;
        } else if (fault->times > 0) {
            if (fault->times != FOR_EVER)
                fault->times--;
            failed_count++;
            return fault->error;
        }
    }
    return 0;
}

/* ---- The calls ------------------------------------------------------------------- */

/* A call with `parameters` that shows failure by `failure`, where `error` is the errno value. */
#define CALL(type, name, parameters, arguments, failure)                                           \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    UNCHECKED type __wrap_##name parameters                                                        \
    {                                                                                              \
        int error = error_of(#name);                                                               \
        return error != 0 ? failure : __real_##name arguments;                                     \
    }

#define SETS_ERRNO(value) (errno = error, value)

CALL(void *, malloc, (size_t size), (size), SETS_ERRNO(NULL))
CALL(void *, calloc, (size_t count, size_t size), (count, size), SETS_ERRNO(NULL))
CALL(void *, realloc, (void *memory, size_t size), (memory, size), SETS_ERRNO(NULL))
CALL(void *, mmap, (void *at, size_t size, int protection, int flags, int fd, off_t offset),
     (at, size, protection, flags, fd, offset), SETS_ERRNO(MAP_FAILED))
CALL(int, eventfd, (unsigned value, int flags), (value, flags), SETS_ERRNO(-1))
CALL(ssize_t, getrandom, (void *into, size_t size, unsigned flags), (into, size, flags),
     SETS_ERRNO(-1))
CALL(int, setrlimit, (int resource, const struct rlimit *limit), (resource, limit),
     SETS_ERRNO(-1))
CALL(int, sigaction, (int number, const struct sigaction *action, struct sigaction *old),
     (number, action, old), SETS_ERRNO(-1))
CALL(int, epoll_create1, (int flags), (flags), SETS_ERRNO(-1))
CALL(int, epoll_ctl, (int epoll, int operation, int fd, struct epoll_event *event),
     (epoll, operation, fd, event), SETS_ERRNO(-1))
CALL(int, epoll_wait, (int epoll, struct epoll_event *events, int count, int timeout),
     (epoll, events, count, timeout), SETS_ERRNO(-1))
CALL(int, socket, (int domain, int type, int protocol), (domain, type, protocol), SETS_ERRNO(-1))
CALL(int, socketpair, (int domain, int type, int protocol, int *pair),
     (domain, type, protocol, pair), SETS_ERRNO(-1))
CALL(int, setsockopt, (int fd, int level, int option, const void *value, socklen_t size),
     (fd, level, option, value, size), SETS_ERRNO(-1))
CALL(int, getsockname, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size),
     SETS_ERRNO(-1))
CALL(int, listen, (int fd, int backlog), (fd, backlog), SETS_ERRNO(-1))
CALL(int, accept4, (int fd, struct sockaddr *address, socklen_t *size, int flags),
     (fd, address, size, flags), SETS_ERRNO(-1))
CALL(ssize_t, send, (int fd, const void *octets, size_t count, int flags),
     (fd, octets, count, flags), SETS_ERRNO(-1))
CALL(ssize_t, recv, (int fd, void *octets, size_t count, int flags), (fd, octets, count, flags),
     SETS_ERRNO(-1))
CALL(int, pthread_mutex_init, (pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes),
     (mutex, attributes), error)
CALL(int, pthread_attr_init, (pthread_attr_t *attributes), (attributes), error)
CALL(int, pthread_create,
     (pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument),
     (thread, attributes, run, argument), error)
CALL(int, io_uring_register_buf_ring,
     (struct io_uring *ring, struct io_uring_buf_reg *registration, unsigned flags),
     (ring, registration, flags), -error)
CALL(int, io_uring_get_events, (struct io_uring *ring), (ring), -error)

/* Its arguments are words, whatever they mean. */
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
UNCHECKED long
__wrap_syscall(long number, ...)
{
    int error = error_of("syscall");
    if (error != 0)
        return SETS_ERRNO(-1);
    long words[6];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        words[i] = va_arg(arguments, long);
    va_end(arguments);
    return __real_syscall(number, words[0], words[1], words[2], words[3], words[4], words[5]);
}

int __real_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...);
UNCHECKED int
__wrap_fcntl(int fd, int command, ...)
{
    int error = error_of("fcntl");
    if (error != 0)
        return SETS_ERRNO(-1);
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    return __real_fcntl(fd, command, argument);
}

bool descriptors_are_unlimited;

int __real_getrlimit(int resource, struct rlimit *limit);
int __wrap_getrlimit(int resource, struct rlimit *limit);
UNCHECKED int
__wrap_getrlimit(int resource, struct rlimit *limit)
{
    int error = error_of("getrlimit");
    if (error != 0)
        return SETS_ERRNO(-1);
    int result = __real_getrlimit(resource, limit);
    if (descriptors_are_unlimited)
        *limit = (struct rlimit){.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    return result;
}

/* ---- An older io_uring ------------------------------------------------------------- */

struct older_kernel older_kernel;

/* The ring, whose receives an older kernel is about to take. */
static struct io_uring *
aged(struct io_uring *ring)
{
    if (older_kernel.receive == NULL)
        return ring;
    for (unsigned i = ring->sq.sqe_head; i != ring->sq.sqe_tail; i++) {
        struct io_uring_sqe *entry = &ring->sq.sqes[i & *ring->sq.kring_mask];
        if (entry->opcode == IORING_OP_RECV)
            older_kernel.receive(entry);
    }
    return ring;
}

CALL(int, io_uring_submit, (struct io_uring *ring), (aged(ring)), -error)
CALL(int, io_uring_submit_and_get_events, (struct io_uring *ring), (aged(ring)), -error)
CALL(int, io_uring_submit_and_wait_timeout,
     (struct io_uring *ring, struct io_uring_cqe **entry, unsigned count,
      struct __kernel_timespec *timeout, sigset_t *mask),
     (aged(ring), entry, count, timeout, mask), -error)

int __real_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *params);
int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *params);
UNCHECKED int
__wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                  struct io_uring_params *params)
{
    int error = error_of("io_uring_queue_init_params");
    if (error != 0)
        return -error;
    int result = __real_io_uring_queue_init_params(entries, ring, params);
    params->features &= ~older_kernel.features;
    return result;
}

int __real_io_uring_register_probe(struct io_uring *ring, struct io_uring_probe *probe,
                                   unsigned count);
int __wrap_io_uring_register_probe(struct io_uring *ring, struct io_uring_probe *probe,
                                   unsigned count);
UNCHECKED int
__wrap_io_uring_register_probe(struct io_uring *ring, struct io_uring_probe *probe, unsigned count)
{
    int error = error_of("io_uring_register_probe");
    if (error != 0)
        return -error;
    int result = __real_io_uring_register_probe(ring, probe, count);
    if (older_kernel.opcode != 0)
        probe->ops[older_kernel.opcode].flags = 0;
    return result;
}

/* ---- The end of the program -------------------------------------------------------- */

static jmp_buf *on_abort;

_Noreturn void __real_abort(void);
_Noreturn void __wrap_abort(void);
UNCHECKED _Noreturn void
__wrap_abort(void)
{
    if (on_abort != NULL)
        longjmp(*on_abort, 1);
    __real_abort();
}

bool
recycling_aborts(struct cring *ring, uint16_t buffer)
{
    jmp_buf here;
    on_abort = &here;
    if (setjmp(here) == 0) {
        cring_recycle(ring, buffer);
        on_abort = NULL;
        return false;
    }
    on_abort = NULL;
    return true;
}

/* ---- Writes that last --------------------------------------------------------------- */

static _Thread_local bool holds_writes; /* this thread is the one that must yield */
static atomic_bool are_held, is_one_held, has_yielded;

ssize_t __real_write(int fd, const void *octets, size_t count);
ssize_t __wrap_write(int fd, const void *octets, size_t count);
UNCHECKED ssize_t
__wrap_write(int fd, const void *octets, size_t count)
{
    if (atomic_load(&are_held) && !holds_writes) {
        atomic_store(&is_one_held, true);
        while (atomic_load(&are_held))
            usleep(100);
    }
    return __real_write(fd, octets, count);
}

int __real_sched_yield(void);
int __wrap_sched_yield(void);
UNCHECKED int
__wrap_sched_yield(void)
{
    if (holds_writes) {
        atomic_store(&has_yielded, true);
        atomic_store(&are_held, false);
    }
    return __real_sched_yield();
}

void
hold_writes(void)
{
    holds_writes = true;
    atomic_store(&has_yielded, false);
    atomic_store(&is_one_held, false);
    atomic_store(&are_held, true);
}

bool
write_is_held(int patience_ms)
{
    int64_t deadline = now_ms() + patience_ms;
    while (!atomic_load(&is_one_held) && now_ms() < deadline)
        usleep(100);
    return atomic_load(&is_one_held);
}

bool
release_writes(void)
{
    holds_writes = false;
    atomic_store(&are_held, false);
    return atomic_load(&has_yielded);
}
