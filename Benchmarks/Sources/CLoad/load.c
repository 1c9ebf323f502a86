// SPDX-License-Identifier: Apache-2.0
/* Making a load ready, and giving it back. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

/* Descriptors that are for something else than connections. */
enum { OTHERS = 32 };

int cload_pin(int core)
{
    if (core < 0 || core >= CPU_SETSIZE)
        return -EINVAL;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0 ? 0 : -errno;
}

/* Raises the limit of open descriptors as far as we may without privileges. */
static int allow_descriptors(uint32_t connections, cload_failure *failure)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return FAIL("getrlimit: %s", strerror(errno));
    const rlim_t needed = (rlim_t)connections + OTHERS;
    if (limit.rlim_cur >= needed)
        return 0;
    if (limit.rlim_max < needed)
        return FAIL(
            "%u connections need %llu descriptors, but this process may have only %llu open "
            "(ulimit -Hn)",
            connections, (unsigned long long)needed, (unsigned long long)limit.rlim_max);
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? 0 : FAIL("setrlimit: %s", strerror(errno));
}

static int prepare(cload *load, const cload_options *options, cload_failure *failure)
{
    if (allow_descriptors(load->connections, failure) != 0
        || prepare_request(load, options, failure) != 0)
        return -1;
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->buffer = malloc(RECEIVE_SIZE);
    load->all = calloc(load->connections, sizeof *load->all);
    load->filler = malloc(load->size + DIGITS);
    load->inflated = malloc(INFLATED_SIZE);
    if (load->epoll < 0 || load->buffer == NULL || load->all == NULL || load->filler == NULL
        || load->inflated == NULL)
        return FAIL("setting up: %s", strerror(errno));
    for (size_t i = 0; i < load->size + DIGITS; i++)
        load->filler[i] = (uint8_t)(0x20 + i % 95);
    if (getrandom(&load->random, sizeof load->random, 0) != (ssize_t)sizeof load->random)
        return FAIL("getrandom: %s", strerror(errno));
    load->random |= 1;
    for (uint32_t i = 0; i < load->connections; i++) {
        load->all[i].index = i;
        load->all[i].fd = -1;
    }
    load->message_max = load->size;
    if (options->text_count > 0 && texts_copy(load, options, failure) != 0)
        return -1;
    load->message_max += (size_t)load->fragments * HEADER_MAX;
    load->paused_at = now();
    return 0;
}

cload *cload_create(const cload_options *options, cload_failure *failure)
{
    cload *const load = calloc(1, sizeof *load);
    if (load == NULL) {
        (void)FAIL("no memory for the load");
        return NULL;
    }
    load->epoll = -1;
    load->connections = options->connections;
    load->depth = options->depth;
    load->fragments = options->fragments;
    load->size = options->size;
    load->opcode = options->is_binary ? 2 : 1;
    load->compresses = options->compresses && options->text_count > 0;
    load->rate = options->rate;
    load->is_poisson = options->is_poisson;
    load->seed = options->seed;
    if (prepare(load, options, failure) != 0) {
        cload_close(load);
        return NULL;
    }
    return load;
}

void cload_close(cload *load)
{
    for (uint32_t i = 0; load->all != NULL && i < load->connections; i++) {
        if (load->all[i].fd >= 0)
            close(load->all[i].fd);
        if (load->all[i].inflater != NULL)
            inflateEnd(load->all[i].inflater);
        free(load->all[i].inflater);
        free(load->all[i].output);
        free(load->all[i].due_at);
        free(load->all[i].head);
    }
    texts_free(load);
    if (load->epoll >= 0)
        close(load->epoll);
    free(load->request);
    free(load->inflated);
    free(load->all);
    free(load->buffer);
    free(load->filler);
    free(load->queue);
    free(load);
}
