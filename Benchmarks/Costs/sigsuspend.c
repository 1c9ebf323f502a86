// SPDX-License-Identifier: Apache-2.0
/*
 * Preloaded into wsserve under valgrind. libdispatch waits for signals with a set that lies in
 * read-only memory, and valgrind writes to the set it is given: it gets a copy.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int sigsuspend(const sigset_t *set)
{
    sigset_t copy = *set;
    /* The kernel's sets have 64 signals. */
    return (int)syscall(SYS_rt_sigsuspend, &copy, 8);
}
