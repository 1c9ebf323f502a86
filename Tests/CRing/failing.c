// SPDX-License-Identifier: Apache-2.0
/* Opening, and what stands outside of a ring, where the kernel has no memory, forbids or is old. */
#define _GNU_SOURCE
#include "../../Sources/CRing/ring.h"
#include "faults.h"
#include "ring_test.h"

#include <errno.h>
#include <liburing.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* ---- Opening ------------------------------------------------------------------- */

/* Every call that opening makes fails once, and once only: nothing is left behind. */
static void
every_call_of_opening_may_fail(cring_kind kind)
{
    static const char *const calls[] = {
        "calloc", "malloc", "realloc", "mmap", "eventfd", "epoll_create1", "epoll_ctl",
        "socketpair", "send", "io_uring_queue_init_params", "io_uring_register_probe",
        "io_uring_register_buf_ring", "io_uring_submit_and_wait_timeout",
    };
    int failed = 0;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        bool has_failed = true;
        for (int skipped = 0; has_failed; skipped++) {
            int before = open_descriptors();
            cring *ring;
            cring_failure failure;
            cring_options options = {.kind = kind, .submission_entries = 1};
            fail(calls[i], skipped, 1, ENOMEM);
            int result = cring_open(&ring, &options, &failure);
            has_failed = heal() > 0;
            failed += has_failed;
            CHECK_EQUAL(result, has_failed ? -ENOMEM : 0);
            CHECK_EQUAL(failure.error, has_failed ? ENOMEM : 0);
            CHECK((failure.step != NULL) == has_failed && (ring == NULL) == has_failed);
            cring_free(ring);
            CHECK_EQUAL(open_descriptors(), before);
        }
    }
    CHECK(failed >= 6);
}

/* What sandboxes and older kernels answer leads to epoll, and says why. */
static void
refusals_lead_to_epoll(void)
{
    static const int errors[] = {EPERM, EACCES, ENOSYS, EINVAL, EOPNOTSUPP};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        cring *ring;
        cring_failure failure;
        fail("io_uring_queue_init_params", 0, FOR_EVER, errors[i]);
        CHECK_EQUAL(cring_open(&ring, NULL, &failure), 0);
        heal();
        CHECK_EQUAL(failure.error, errors[i]);
        CHECK(strcmp(failure.step, "io_uring_setup") == 0);
        CHECK_EQUAL(cring_kind_of(ring), CRING_EPOLL);
        cring_free(ring);
        /* If that fails too, it is epoll's failure that counts. */
        fail("io_uring_queue_init_params", 0, FOR_EVER, errors[i]);
        fail("epoll_create1", 0, 1, EMFILE);
        CHECK_EQUAL(cring_open(&ring, NULL, &failure), -EMFILE);
        heal();
        CHECK(ring == NULL && strcmp(failure.step, "epoll_create1") == 0);
    }
}

/* Want of memory or descriptors is told, not hidden behind another backend. */
static void
shortages_are_told(void)
{
    static const int errors[] = {ENOMEM, EMFILE, ENFILE};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        cring *ring;
        cring_failure failure;
        fail("io_uring_queue_init_params", 0, 1, errors[i]);
        CHECK_EQUAL(cring_open(&ring, NULL, &failure), -errors[i]);
        heal();
        CHECK(ring == NULL && failure.error == errors[i]);
    }
}

/* epoll_pwait2 is newer than some kernels and sandboxes: without it milliseconds do. */
static void
a_kernel_without_precise_waits(void)
{
    cring *ring;
    cring_completion out;
    cring_options options = {.kind = CRING_EPOLL};
    fail("syscall", 0, FOR_EVER, ENOSYS);
    CHECK_EQUAL(cring_open(&ring, &options, NULL), 0);
    CHECK_EQUAL(cring_features(ring) & CRING_FEATURE_PRECISE_WAIT, 0);
    CHECK_EQUAL(cring_wait(ring, 1500000, &out, 1), 0);
    CHECK_EQUAL(heal(), 1);
    cring_free(ring);
}

static void
take_no_multishot(struct io_uring_sqe *entry)
{
    /* A bit that no kernel knows: it answers EINVAL, as Linux 5.19 does to multishot. */
    if (entry->ioprio & IORING_RECV_MULTISHOT)
        entry->ioprio = 1 << 15;
}

static void
take_no_receive(struct io_uring_sqe *entry)
{
    entry->ioprio = 1 << 15;
}

static void
select_no_buffer(struct io_uring_sqe *entry)
{
    entry->flags = 0;
}

static void
do_nothing(struct io_uring_sqe *entry)
{
    uint64_t token = entry->user_data;
    io_uring_prep_nop(entry);
    entry->user_data = token;
}

/* Opens on the kernel that `older_kernel` describes. */
static int
open_on_older(cring **ring, uint32_t masked, cring_failure *failure)
{
    cring_options options = {.kind = CRING_URING, .features_masked = masked};
    int result = cring_open(ring, &options, failure);
    older_kernel = (struct older_kernel){0};
    return result;
}

static void
older_kernels_are_found_out(void)
{
    cring *ring;
    cring_failure failure;
    older_kernel.features = IORING_FEAT_EXT_ARG;
    CHECK_EQUAL(open_on_older(&ring, 0, &failure), -EOPNOTSUPP);
    CHECK(strcmp(failure.step, "io_uring features") == 0);
    older_kernel.opcode = IORING_OP_SEND;
    CHECK_EQUAL(open_on_older(&ring, 0, &failure), -EOPNOTSUPP);
    CHECK(strcmp(failure.step, "io_uring operations") == 0);

    static const struct {
        void (*receive)(struct io_uring_sqe *entry);
        uint32_t masked;
        int error;
    } useless[] = {
        {take_no_receive, 0, EINVAL},
        {take_no_receive, CRING_FEATURE_MULTISHOT_RECEIVE, EINVAL},
        {do_nothing, 0, EOPNOTSUPP},
    };
    for (size_t i = 0; i < sizeof useless / sizeof *useless; i++) {
        older_kernel.receive = useless[i].receive;
        CHECK_EQUAL(open_on_older(&ring, useless[i].masked, &failure), -useless[i].error);
        CHECK(ring == NULL && strcmp(failure.step, "io_uring_enter") == 0);
    }
    /* Without a buffer of the ring's there is nowhere to put an octet. */
    older_kernel.receive = select_no_buffer;
    CHECK(open_on_older(&ring, 0, &failure) < 0);
    CHECK(ring == NULL && strcmp(failure.step, "io_uring_enter") == 0);

    older_kernel.features = IORING_FEAT_CQE_SKIP;
    CHECK_EQUAL(open_on_older(&ring, 0, &failure), 0);
    CHECK_EQUAL(cring_features(ring) & CRING_FEATURE_COMPLETION_SKIP, 0);
    cring_free(ring);

    older_kernel.receive = take_no_multishot;
    CHECK_EQUAL(open_on_older(&ring, 0, &failure), 0);
    CHECK_EQUAL(cring_features(ring) & CRING_FEATURE_MULTISHOT_RECEIVE, 0);
    int pair[2];
    tcp_pair(pair);
    uint8_t received[2];
    CHECK(write_all(pair[1], "ab", 2));
    CHECK(receive_all(ring, pair[0], 1, false, received, 2) && memcmp(received, "ab", 2) == 0);
    cring_close(ring, pair[0]);
    cring_free(ring);
    close(pair[1]);
}

/* A kernel that never completes the trial receive, or not to its end, is given up after a
 * second. */
static void
a_kernel_that_does_not_answer(void)
{
    for (int answers = 0; answers < 2; answers++) {
        cring *ring;
        cring_failure failure;
        fail("io_uring_submit_and_wait_timeout", answers, FOR_EVER, EBUSY);
        CHECK_EQUAL(cring_open(&ring, NULL, &failure), 0);
        heal();
        CHECK_EQUAL(failure.error, EOPNOTSUPP);
        CHECK(strcmp(failure.step, "io_uring_enter") == 0);
        CHECK_EQUAL(cring_kind_of(ring), CRING_EPOLL);
        cring_free(ring);
    }
}

static int
open_nothing(const cring_opening *opening, cring **ring, const cring_options *options,
             cring_failure *failure)
{
    (void)failure;
    CHECK(options->opening == (uintptr_t)opening);
    CHECK(options->buffer_count != 0 && options->buffer_size != 0);
    CHECK(*ring == NULL);
    return -ENXIO;
}

/* Another kernel is asked with every default filled in, and its answer is passed on. */
static void
openings_are_asked(void)
{
    cring_opening opening = {.open = open_nothing};
    cring_options options = {.opening = (uintptr_t)&opening};
    cring *ring;
    CHECK_EQUAL(cring_open(&ring, &options, NULL), -ENXIO);
}

/* ---- Outside of a ring ------------------------------------------------------------ */

static void
listening_may_fail(void)
{
    static const struct {
        const char *call;
        int skipped, share;
    } faults[] = {
        {"socket", 0, 0},     {"setsockopt", 0, 0}, {"setsockopt", 1, 0},
        {"setsockopt", 2, 0}, {"setsockopt", 2, 1}, {"getsockname", 0, 0},
        {"listen", 0, 0},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        uint16_t port;
        fail(faults[i].call, faults[i].skipped, 1, ENOBUFS);
        CHECK_EQUAL(cring_listen(NULL, "127.0.0.1", 0, 1, faults[i].share, &port), -ENOBUFS);
        CHECK_EQUAL(heal(), 1);
    }
    /* Whoever names the port need not be told it. */
    int fd = cring_listen(NULL, "127.0.0.1", 0, 1, 1, NULL);
    CHECK(fd >= 0);
    close(fd);
}

static void
accepting_now_may_fail(void)
{
    uint16_t port;
    int listener = listen_anywhere(&port);
    fail("fcntl", 1, 1, EPERM);
    CHECK_EQUAL(cring_accept_now(NULL, listener), -EPERM);
    CHECK_EQUAL(heal(), 1);
    int client = connect_to(port);
    fail("accept4", 0, 3, EINTR);
    int accepted = cring_accept_now(NULL, listener);
    CHECK_EQUAL(heal(), 3);
    CHECK(accepted >= 0);
    close(accepted);
    close(client);
    close(listener);
}

static void
descriptor_limits(void)
{
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    fail("getrlimit", 0, 1, EPERM);
    CHECK_EQUAL(cring_descriptor_limit(0), -EPERM);
    heal();
    struct rlimit lower = {.rlim_cur = 256, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_NOFILE, &lower);
    /* What cannot be raised stays, and what is as high as it can be too. */
    fail("setrlimit", 0, 1, EPERM);
    CHECK_EQUAL(cring_descriptor_limit(1), 256);
    CHECK_EQUAL(heal(), 1);
    CHECK_EQUAL(cring_descriptor_limit(1), (int64_t)before.rlim_max);
    CHECK_EQUAL(cring_descriptor_limit(1), (int64_t)before.rlim_max);
    descriptors_are_unlimited = true;
    CHECK_EQUAL(cring_descriptor_limit(1), INT64_MAX);
    descriptors_are_unlimited = false;
    setrlimit(RLIMIT_NOFILE, &before);
}

static void
turning_away(void)
{
    int pair[2];
    tcp_pair(pair);
    CHECK(write_all(pair[1], "GET / HTTP/1.1\r\n\r\n", 18));
    cring_turn_away(NULL, pair[0], (const uint8_t *)"no", 2);
    char reply[3];
    /* The reply and the end, and no reset in spite of the request that nobody wanted. */
    CHECK(read_all(pair[1], reply, 2) && memcmp(reply, "no", 2) == 0);
    CHECK_EQUAL(read(pair[1], reply, 1), 0);
    close(pair[1]);
    tcp_pair(pair);
    cring_close_now(NULL, pair[0]);
    CHECK_EQUAL(read(pair[1], reply, 1), 0);
    close(pair[1]);
}

static void
clocks_and_randomness(void)
{
    int64_t now = (int64_t)time(NULL), calendar = cring_calendar(NULL);
    CHECK(calendar >= now && calendar <= (int64_t)time(NULL));
    uint64_t first = cring_random(NULL);
    CHECK(first != cring_random(NULL)); /* equal once in 2^64 */
    /* A sandbox without it gets what differs from moment to moment. */
    fail("getrandom", 0, FOR_EVER, EPERM);
    first = cring_random(NULL);
    usleep(10);
    CHECK(first != cring_random(NULL));
    CHECK_EQUAL(heal(), 2);
}

/* Blocks that the allocator would map and unmap each time stay in its heap. */
static void
freed_memory_is_kept(void)
{
    enum { BLOCK = 24 << 20 };
    cring_keep_freed(SIZE_MAX);
    cring_keep_freed((size_t)BLOCK * 8);
    size_t mapped = mallinfo2().hblkhd;
    void *block = malloc(BLOCK);
    CHECK(block != NULL);
    CHECK_EQUAL(mallinfo2().hblkhd, mapped);
    free(block);
}

static void
run_nothing(void *context)
{
    (void)context;
    CHECK(false);
}

static void
threads_may_fail(void)
{
    fail("malloc", 0, 1, ENOMEM);
    CHECK(cring_lock_new() == NULL);
    heal();
    fail("pthread_mutex_init", 0, 1, EAGAIN);
    CHECK(cring_lock_new() == NULL);
    heal();
    static const char *const calls[] = {"calloc", "pthread_attr_init", "pthread_create"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        fail(calls[i], 0, 1, ENOMEM);
        CHECK_EQUAL(cring_thread_start(run_nothing, NULL, "never"), -ENOMEM);
        CHECK_EQUAL(heal(), 1);
    }
}

static void
signals_may_fail(void)
{
    struct sigaction before, after;
    sigaction(SIGTERM, NULL, &before);
    fail("sigaction", 1, 1, EINVAL);
    CHECK_EQUAL(cring_signals_begin(NULL), -EINVAL);
    heal();
    sigaction(SIGTERM, NULL, &after);
    CHECK(before.sa_handler == after.sa_handler);
    /* Nothing is taken: it can be tried again. Without a ring to wake signals are counted. */
    CHECK_EQUAL(cring_signals_begin(NULL), 0);
    raise(SIGTERM);
    CHECK_EQUAL(cring_signals_taken(), 1);
    cring_signals_end();
}

static void *
raise_here(void *context)
{
    (void)context;
    raise(SIGTERM);
    return NULL;
}

/* The ring may be freed once `cring_signals_end` has returned, so it waits for a handler that is
 * waking it. */
static void
ending_waits_for_handlers(void)
{
    cring *ring;
    CHECK_EQUAL(cring_open(&ring, NULL, NULL), 0);
    CHECK_EQUAL(cring_signals_begin(ring), 0);
    hold_writes();
    pthread_t thread;
    pthread_create(&thread, NULL, raise_here, NULL);
    CHECK(write_is_held(PATIENCE_MS));
    cring_signals_end();
    CHECK(release_writes());
    cring_free(ring);
    pthread_join(thread, NULL);
}

/* A table that cannot be counted in octets is refused, not wrapped around. */
static void
growth_is_bounded(void)
{
    size_t capacity = 0;
    CHECK(cring_grow(NULL, &capacity, SIZE_MAX / 2, 64) == NULL);
    CHECK_EQUAL(capacity, 0);
}

void
test_failing(void)
{
    every_call_of_opening_may_fail(CRING_URING);
    every_call_of_opening_may_fail(CRING_EPOLL);
    refusals_lead_to_epoll();
    shortages_are_told();
    a_kernel_without_precise_waits();
    older_kernels_are_found_out();
    a_kernel_that_does_not_answer();
    openings_are_asked();
    listening_may_fail();
    accepting_now_may_fail();
    descriptor_limits();
    turning_away();
    clocks_and_randomness();
    freed_memory_is_kept();
    growth_is_bounded();
    threads_may_fail();
    signals_may_fail();
    ending_waits_for_handlers();
}
