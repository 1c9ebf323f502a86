// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CRing.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Lock-free atomics are all a handler may touch. */
static _Atomic(cring *) waker;
static atomic_int taken;
static atomic_int running; /* handlers inside, on any thread */
static atomic_bool is_on;

static const int signals[] = {SIGTERM, SIGINT};
enum { SIGNALS = sizeof signals / sizeof *signals };
static struct sigaction previous[SIGNALS];

static void
handle(int number)
{
    (void)number;
    atomic_fetch_add(&running, 1);
    atomic_fetch_add(&taken, 1);
    cring *ring = atomic_load(&waker);
    if (ring != NULL)
        cring_wake(ring);
    atomic_fetch_sub(&running, 1);
}

static void
restore(int count)
{
    for (int i = 0; i < count; i++)
        sigaction(signals[i], &previous[i], NULL);
    atomic_store(&waker, NULL);
    /* A handler on another thread may have loaded the ring just before. */
    while (atomic_load(&running) > 0)
        sched_yield();
    atomic_store(&is_on, false);
}

int
cring_signals_begin(cring *to_wake)
{
    if (atomic_exchange(&is_on, true))
        return -EBUSY;
    atomic_store(&taken, 0);
    atomic_store(&waker, to_wake);
    struct sigaction action = {.sa_handler = handle, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNALS; i++)
        sigaddset(&action.sa_mask, signals[i]);
    for (int i = 0; i < SIGNALS; i++) {
        if (sigaction(signals[i], &action, &previous[i]) != 0) {
            int error = -errno;
            restore(i);
            return error;
        }
    }
    return 0;
}

int
cring_signals_taken(void)
{
    return atomic_load(&taken);
}

void
cring_signals_end(void)
{
    if (atomic_load(&is_on))
        restore(SIGNALS);
}
