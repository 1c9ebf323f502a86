// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ring_test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { RECEIVE = 1 };

static void
sleep_ms(int milliseconds)
{
    struct timespec time = {.tv_nsec = milliseconds * 1000000L};
    nanosleep(&time, NULL);
}

static void
time_outs(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    cring_completion out[4];
    static const int64_t microseconds[] = {0, 1, 500, 5000, 30000};
    for (size_t i = 0; i < sizeof microseconds / sizeof *microseconds; i++) {
        uint64_t start = cring_now(NULL);
        CHECK_EQUAL(cring_wait(ring, microseconds[i] * 1000, out, 4), 0);
        int64_t passed = (int64_t)(cring_now(NULL) - start) / 1000;
        CHECK(passed >= microseconds[i]);
        CHECK(passed < microseconds[i] + 500000);
    }
    cring_free(ring);
}

/* A turn that may not wait still finds what has happened. */
static void
polling_reaps(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    int pair[2];
    tcp_pair(pair);
    cring_receive(ring, pair[0], RECEIVE);
    cring_completion out[4];
    CHECK_EQUAL(cring_wait(ring, 0, out, 4), 0);
    for (int i = 0; i < 20; i++) {
        CHECK(write_all(pair[1], "x", 1));
        int64_t deadline = now_ms() + PATIENCE_MS;
        int count = 0;
        while (count == 0 && now_ms() < deadline)
            count = cring_wait(ring, 0, out, 4);
        if (!CHECK_EQUAL(count, 1))
            break;
        CHECK_EQUAL(out[0].result, 1);
        cring_recycle(ring, out[0].buffer);
        if (!(out[0].flags & CRING_MORE))
            cring_receive(ring, pair[0], RECEIVE);
    }
    cring_free(ring);
    close(pair[0]);
    close(pair[1]);
}

struct waker {
    cring *ring;
    cring_lock *lock;
    int made; /* under the lock */
    atomic_int delay_ms;
};

static void *
wake_later(void *context)
{
    struct waker *waker = context;
    sleep_ms(atomic_load(&waker->delay_ms));
    cring_wake(waker->ring);
    return NULL;
}

static void
wakes(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    cring_completion out[4];
    struct waker waker = {.ring = ring};
    atomic_store(&waker.delay_ms, 20);
    for (int i = 0; i < 5; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, wake_later, &waker);
        int64_t start = now_ms();
        CHECK_EQUAL(cring_wait(ring, i % 2 == 0 ? -1 : INT64_C(60000000000), out, 4), 0);
        CHECK(now_ms() - start < PATIENCE_MS);
        pthread_join(thread, NULL);
    }
    /* A wake before the wait counts; several merge; then it is quiet again. */
    for (int i = 0; i < 100; i++)
        cring_wake(ring);
    int64_t start = now_ms();
    CHECK_EQUAL(cring_wait(ring, INT64_C(60000000000), out, 4), 0);
    CHECK(now_ms() - start < PATIENCE_MS);
    for (int i = 0; i < 4; i++)
        cring_wait(ring, 0, out, 4);
    start = now_ms();
    CHECK_EQUAL(cring_wait(ring, 20000000, out, 4), 0);
    CHECK(now_ms() - start >= 20);
    cring_free(ring);
}

/* The longest time-out there is does not turn into a short one, nor into an error. */
static void
the_longest_time_out(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    cring_completion out;
    struct waker waker = {.ring = ring};
    atomic_store(&waker.delay_ms, 5);
    pthread_t thread;
    pthread_create(&thread, NULL, wake_later, &waker);
    CHECK_EQUAL(cring_wait(ring, INT64_MAX, &out, 1), 0);
    pthread_join(thread, NULL);
    cring_free(ring);
}

enum { PRODUCERS = 3, EACH = 3000 };

static void *
produce(void *context)
{
    struct waker *waker = context;
    for (int i = 0; i < EACH; i++) {
        cring_lock_acquire(waker->lock);
        waker->made++;
        cring_lock_release(waker->lock);
        cring_wake(waker->ring);
        if (i % 100 == 0)
            sleep_ms(1);
    }
    return NULL;
}

/* No wake is lost: whatever was made before it is seen without a time-out. */
static void
wakes_from_many_threads(const struct variant *variant)
{
    cring_options options = {.completion_entries = 16};
    cring *ring = open_ring(variant, &options);
    struct waker waker = {.ring = ring, .lock = cring_lock_new()};
    pthread_t threads[PRODUCERS];
    for (int i = 0; i < PRODUCERS; i++)
        pthread_create(&threads[i], NULL, produce, &waker);
    cring_completion out[4];
    int seen = 0;
    int64_t deadline = now_ms() + 2 * PATIENCE_MS;
    while (seen < PRODUCERS * EACH && now_ms() < deadline) {
        CHECK_EQUAL(cring_wait(ring, -1, out, 4), 0);
        cring_lock_acquire(waker.lock);
        seen = waker.made;
        cring_lock_release(waker.lock);
    }
    CHECK_EQUAL(seen, PRODUCERS * EACH);
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    cring_free(ring);
    cring_lock_free(waker.lock);
}

static atomic_int alarms;

static void
count_alarm(int number)
{
    (void)number;
    atomic_fetch_add(&alarms, 1);
}

/* Signals that are nobody's business never show as an error, and octets keep coming. */
static void
signals_interrupt_nothing(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    int pair[2];
    tcp_pair(pair);
    struct sigaction action = {.sa_handler = count_alarm}, previous;
    sigaction(SIGUSR1, &action, &previous);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    CHECK_EQUAL(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    struct itimerspec every = {.it_interval.tv_nsec = 1000000, .it_value.tv_nsec = 1000000};
    timer_settime(timer, 0, &every, NULL);
    cring_completion out[4];
    int64_t start = now_ms();
    while (now_ms() - start < 50)
        CHECK_EQUAL(cring_wait(ring, 10000000, out, 4), 0);
    CHECK(atomic_load(&alarms) > 0);
    for (int i = 0; i < 100; i++) {
        uint8_t octet = (uint8_t)i, received = 0;
        CHECK_EQUAL(write(pair[1], &octet, 1), 1);
        CHECK(receive_all(ring, pair[0], RECEIVE, false, &received, 1) && received == octet);
    }
    timer_delete(timer);
    sigaction(SIGUSR1, &previous, NULL);
    cring_free(ring);
    close(pair[0]);
    close(pair[1]);
}

static void
termination_signals(const struct variant *variant)
{
    cring *ring = open_ring(variant, NULL);
    cring_completion out[4];
    /* A shell starts background jobs with SIGINT ignored, so nothing is assumed of it. */
    struct sigaction ours = {.sa_handler = count_alarm}, inherited, found;
    sigaction(SIGTERM, &ours, NULL);
    sigaction(SIGINT, NULL, &inherited);
    CHECK_EQUAL(cring_signals_begin(ring), 0);
    CHECK_EQUAL(cring_signals_begin(ring), -EBUSY);
    CHECK_EQUAL(cring_signals_taken(), 0);
    for (int i = 1; i <= 4; i++) {
        kill(getpid(), i % 2 == 0 ? SIGINT : SIGTERM);
        int64_t start = now_ms();
        CHECK_EQUAL(cring_wait(ring, INT64_C(60000000000), out, 4), 0);
        CHECK(now_ms() - start < PATIENCE_MS);
        CHECK_EQUAL(cring_signals_taken(), i);
    }
    cring_signals_end();
    cring_signals_end();
    sigaction(SIGTERM, NULL, &found);
    CHECK(found.sa_handler == count_alarm);
    sigaction(SIGINT, NULL, &found);
    CHECK(found.sa_handler == inherited.sa_handler);
    CHECK_EQUAL(cring_signals_begin(ring), 0);
    CHECK_EQUAL(cring_signals_taken(), 0);
    cring_signals_end();
    signal(SIGTERM, SIG_DFL);
    cring_free(ring);
}

void
test_waiting(const struct variant *variant)
{
    time_outs(variant);
    polling_reaps(variant);
    wakes(variant);
    the_longest_time_out(variant);
    wakes_from_many_threads(variant);
    signals_interrupt_nothing(variant);
    termination_signals(variant);
}
