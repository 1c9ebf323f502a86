// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ring.h"

#include <sys/random.h>
#include <time.h>

uint64_t
cring_kernel_now(cring *ring)
{
    (void)ring;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

int64_t
cring_kernel_calendar(cring *ring)
{
    (void)ring;
    return time(NULL);
}

uint64_t
cring_kernel_random(cring *ring)
{
    uint64_t bits;
    /* Only a sandbox makes it fail, and what this is for, a jitter, needs no secret. */
    if (getrandom(&bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        bits = cring_kernel_now(ring) * UINT64_C(0x9E3779B97F4A7C15);
    return bits;
}
