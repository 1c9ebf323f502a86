// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "kernel.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)

_Thread_local sim_kernel *sim_current;

/* ---- Making and freeing --------------------------------------------------------- */

static int
open_on(const cring_opening *opening, cring **ring, const cring_options *options,
        cring_failure *failure)
{
    sim_kernel *kernel = sim_current;
    if (kernel == NULL || opening != &kernel->opening)
        return cring_failed(failure, "simulated kernel of another thread", -22);
    return sim_ring_open(kernel, ring, options, failure);
}

sim_kernel *
sim_kernel_new(uint64_t seed)
{
    sim_kernel *kernel = calloc(1, sizeof *kernel);
    if (kernel == NULL)
        return NULL;
    kernel->opening.open = open_on;
    kernel->random_state = seed;
    kernel->now = SECOND; /* a loop's clock is never at 0 */
    sim_current = kernel;
    return kernel;
}

void
sim_kernel_free(sim_kernel *kernel)
{
    if (kernel == NULL)
        return;
    for (size_t i = 0; i < kernel->sockets_count; i++)
        sim_socket_free(kernel->sockets[i]);
    sim_socket_free(kernel->listener);
    free(kernel->sockets);
    free(kernel->operations);
    free(kernel->ready);
    free(kernel->completions);
    if (sim_current == kernel)
        sim_current = NULL;
    free(kernel);
}

uintptr_t
sim_opening(sim_kernel *kernel)
{
    return (uintptr_t)&kernel->opening;
}

void
sim_set_world(sim_kernel *kernel, sim_world world, void *context)
{
    kernel->world = world;
    kernel->context = context;
}

void *
sim_grow(void *memory, size_t *capacity, size_t count, size_t size)
{
    void *grown = cring_grow(memory, capacity, count, size);
    if (grown == NULL)
        abort();
    return grown;
}

/* ---- Chance --------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t
next_random(sim_kernel *kernel)
{
    kernel->random_state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t mixed = kernel->random_state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
    return mixed ^ (mixed >> 31);
}

uint64_t
sim_draw(sim_kernel *kernel, uint64_t bound)
{
    /* The small bias of a remainder does no harm here. */
    return bound > 1 ? next_random(kernel) % bound : 0;
}

bool
sim_happens(sim_kernel *kernel, sim_fault fault)
{
    unsigned rate = kernel->rates[fault];
    if (rate == 0 || sim_draw(kernel, 1000) >= rate)
        return false;
    kernel->fault_counts[fault]++;
    return true;
}

const char *
sim_fault_name(sim_fault fault)
{
    switch (fault) {
    case SIM_SHORT_RECEIVE:
        return "short receive";
    case SIM_SHORT_SEND:
        return "short send";
    case SIM_DELAY:
        return "delay";
    case SIM_NO_BUFFERS:
        return "no buffers";
    case SIM_MULTISHOT_END:
        return "multishot end";
    case SIM_CANCEL_LATE:
        return "cancel late";
    case SIM_INTERRUPTED:
        return "interrupted";
    case SIM_AGAIN:
        return "again";
    case SIM_RESET:
        return "reset";
    case SIM_TIMED_OUT:
        return "timed out";
    case SIM_NO_MEMORY:
        return "no memory";
    case SIM_ACCEPT_FAILURE:
        return "accept failure";
    case SIM_SHORT_SUBMIT:
        return "short submit";
    case SIM_EMPTY_WAIT:
        return "empty wait";
    case SIM_QUEUE_REFUSAL:
        return "queue refusal";
    case SIM_FAULT_COUNT:
        break;
    }
    return "unknown";
}

void
sim_set_rate(sim_kernel *kernel, sim_fault fault, unsigned permille)
{
    kernel->rates[fault] = permille;
}

uint64_t
sim_fault_count(const sim_kernel *kernel, sim_fault fault)
{
    return kernel->fault_counts[fault];
}

/* ---- Time ----------------------------------------------------------------------- */

uint64_t
sim_now(const sim_kernel *kernel)
{
    return kernel->now;
}

void
sim_advance(sim_kernel *kernel, uint64_t time)
{
    if (time > kernel->now)
        kernel->now = time;
}

/* ---- The trace ------------------------------------------------------------------ */

void
sim_note(sim_kernel *kernel, const char *what, int64_t a, int64_t b, int64_t c)
{
    const uint64_t figures[] = {kernel->now, (uint64_t)a, (uint64_t)b, (uint64_t)c};
    uint64_t hash = kernel->hash;
    for (const char *letter = what; *letter != '\0'; letter++)
        hash = (hash ^ (uint8_t)*letter) * UINT64_C(0x100000001B3);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        hash = (hash ^ figures[i]) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 32;
    }
    kernel->hash = hash;
    if (kernel->prints)
        printf("%14.6f s  %-24s %" PRId64 " %" PRId64 " %" PRId64 "\n",
               (double)(kernel->now - SECOND) / 1e9, what, a, b, c);
}

uint64_t
sim_trace_hash(const sim_kernel *kernel)
{
    return kernel->hash;
}

void
sim_print_trace(sim_kernel *kernel, bool prints)
{
    kernel->prints = prints;
}

const char *
sim_violation(const sim_kernel *kernel)
{
    return kernel->is_violated ? kernel->violation : NULL;
}

void
sim_violate(sim_kernel *kernel, const char *text)
{
    sim_break(kernel, "%s", text);
}

void
sim_break(sim_kernel *kernel, const char *format, ...)
{
    if (kernel->is_violated)
        return;
    kernel->is_violated = true;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(kernel->violation, sizeof kernel->violation, format, arguments);
    va_end(arguments);
    if (kernel->prints)
        printf("%14.6f s  violation: %s\n", (double)(kernel->now - SECOND) / 1e9,
               kernel->violation);
}
