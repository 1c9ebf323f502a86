// SPDX-License-Identifier: Apache-2.0
/* The loop that everything runs in: waits for sockets, and goes on with what it is about. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256 };
/* Connections that are opened, or exchange their first message, at the same time. */
enum { SLOTS = 128 };
static const uint64_t STALL_NS = 5000000000ULL, TURN_NS = 100000000ULL, FOREVER = UINT64_MAX;
/* A sleep ends late by about 50 us, and waking takes its time, so that the last of the wait for a
 * message to be due is spent spinning. */
static const uint64_t SPIN_NS = 100000;
/* The most that counts as spinning of a turn without events, which takes less than 1 us: what is
 * longer was preempted. */
static const uint64_t SPIN_TURN_NS = 10000;

static uint64_t thread_cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* ---- opening ---- */

/* Gives a connection what it needs to exchange messages. */
static int equip(cload *load, connection *c, cload_failure *failure)
{
    c->output = malloc(load->depth * load->message_max + HEADER_MAX + CONTROL_MAX);
    c->due_at = calloc(load->depth, sizeof *c->due_at);
    if (c->output == NULL || c->due_at == NULL)
        return FAIL("no memory for connection %u", c->index);
    if (load->compresses) {
        c->inflater = calloc(1, sizeof *c->inflater);
        if (c->inflater == NULL || inflateInit2(c->inflater, -15) != Z_OK)
            return FAIL("no memory for connection %u", c->index);
    }
    return 0;
}

/* Begins to open connections that are wanted, as far as there are slots. */
static int open_more(cload *load, cload_failure *failure)
{
    while (load->opening < SLOTS && load->begun < load->wanted) {
        connection *const c = &load->all[load->begun++];
        load->opening++;
        if (equip(load, c, failure) != 0 || begin_handshake(load, c, failure) != 0)
            return -1;
    }
    return 0;
}

static void hang_up(connection *c)
{
    /* Reset, for a connection that ends properly keeps its port for a minute. */
    const struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(c->fd);
    c->fd = -1;
    c->stage = UNOPENED;
}

static int open_further(cload *load, connection *c, uint32_t events, cload_failure *failure)
{
    if (advance_handshake(load, c, events, failure) != 0)
        return -1;
    if (c->stage != OPEN)
        return 0;
    const uint64_t time = now();
    load->progressed_at = time;
    load->tally->handshakes++;
    record_latency(load, time - c->opened_at);
    if (load->duty == KNOCK) {
        hang_up(c);
        return begin_handshake(load, c, failure);
    }
    free(c->head);
    c->head = NULL;
    load->opening--;
    /* A pong to what came behind the answer. */
    if (c->output_end != 0 && flush(load, c, failure) != 0)
        return -1;
    return open_more(load, failure);
}

/* ---- exchanging ---- */

/* Sends new messages for those that have come back. */
static int refill(cload *load, connection *c, cload_failure *failure)
{
    const uint64_t time = now();
    while (c->sent - c->received < load->depth)
        append_message(load, c, time);
    return flush(load, c, failure);
}

/* Sends first messages, as far as there are slots. */
static int touch_more(cload *load, cload_failure *failure)
{
    while (load->under_way < SLOTS && load->touched < load->begun) {
        connection *const c = &load->all[load->touched++];
        append_message(load, c, now());
        if (flush(load, c, failure) != 0)
            return -1;
    }
    return 0;
}

static int receive(cload *load, connection *c, cload_failure *failure)
{
    const ssize_t n = recv(c->fd, load->buffer, RECEIVE_SIZE, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0)
        return FAIL("connection %u: recv: %s", c->index, strerror(errno));
    if (n == 0)
        return FAIL(
            "connection %u: ended by the server after %llu echoes", c->index,
            (unsigned long long)c->received);
    const uint64_t time = now(), before = c->received;
    if (take(load, c, load->buffer, (size_t)n, time, failure) != 0)
        return -1;
    if (c->received != before)
        load->progressed_at = time;
    if (load->duty == CLOSED_LOOP)
        return refill(load, c, failure);
    if (load->duty == OPEN_LOOP)
        pace_admit(load, c, time);
    /* A pong. */
    if (c->output_end != 0 && flush(load, c, failure) != 0)
        return -1;
    return load->duty == TOUCH ? touch_more(load, failure) : 0;
}

static int handle(cload *load, connection *c, uint32_t events, cload_failure *failure)
{
    if (c->stage != OPEN)
        return open_further(load, c, events, failure);
    if ((events & EPOLLOUT) && flush(load, c, failure) != 0)
        return -1;
    return (events & ~(uint32_t)EPOLLOUT) ? receive(load, c, failure) : 0;
}

/* ---- the loop ---- */

static int begin(cload *load, uint64_t time, cload_failure *failure)
{
    /* What the load generator did between two runs is no time in which the server was slow. */
    const uint64_t pause = time - load->paused_at;
    load->progressed_at += pause;
    load->epoch += pause;
    switch (load->duty) {
    case CLOSED_LOOP:
        for (uint32_t i = 0; i < load->begun; i++) {
            if (refill(load, &load->all[i], failure) != 0)
                return -1;
        }
        return 0;
    case OPEN_LOOP:
        return pace_begin(load, time, failure);
    case TOUCH:
        return touch_more(load, failure);
    case CONNECT:
        load->progressed_at = time;
        return open_more(load, failure);
    case KNOCK:
        load->progressed_at = time;
        for (; load->begun < load->connections; load->begun++) {
            if (begin_handshake(load, &load->all[load->begun], failure) != 0)
                return -1;
        }
        return 0;
    case DRAIN:
    case REST:
        return 0;
    }
    return 0;
}

/* Whether all is done that was to be done, however long it took. */
static int is_done(const cload *load, uint64_t messages)
{
    switch (load->duty) {
    case CLOSED_LOOP:
    case OPEN_LOOP:
        return messages != 0 && load->tally->messages >= messages;
    case DRAIN:
        return load->under_way == 0;
    case TOUCH:
        return load->under_way == 0 && load->touched == load->begun;
    case CONNECT:
        return load->opening == 0 && load->begun == load->wanted;
    case KNOCK:
    case REST:
        return 0;
    }
    return 1;
}

static int is_stalled(const cload *load, uint64_t time)
{
    const int waits =
        load->duty == CONNECT || load->duty == KNOCK || (load->duty != REST && load->under_way > 0);
    return waits && time > load->progressed_at && time - load->progressed_at > STALL_NS;
}

static int fail_stalled(const cload *load, cload_failure *failure)
{
    if (load->duty == CONNECT || load->duty == KNOCK)
        return FAIL("no answer to a handshake for five seconds");
    const connection *c = load->all;
    while (c->sent == c->received)
        c++;
    return FAIL(
        "no echo for five seconds: connection %u has %llu of %zu octets of echo %llu", c->index,
        (unsigned long long)c->message_at, expected_size(load, c), (unsigned long long)c->received);
}

/* Waits for events until `most_ns` are over, or a message is due. */
static int wait_for_events(
    const cload *load, struct epoll_event *events, uint64_t time, uint64_t most_ns)
{
    uint64_t wait = most_ns < TURN_NS ? most_ns : TURN_NS;
    if (load->duty != OPEN_LOOP)
        return epoll_wait(load->epoll, events, EVENTS, (int)((wait + 999999) / 1000000));
    const uint64_t due = pace_wait(load, time);
    if (due < wait)
        wait = due;
    if (wait > SPIN_NS) {
        /* epoll_wait knows only milliseconds. */
        const struct timespec until_spinning = {.tv_nsec = (long)(wait - SPIN_NS)};
        struct pollfd any = {.fd = load->epoll, .events = POLLIN};
        if (ppoll(&any, 1, &until_spinning, NULL) < 0)
            return -1;
    }
    return epoll_wait(load->epoll, events, EVENTS, 0);
}

static int
run(cload *load, duty what, uint64_t duration_ns, uint64_t messages, cload_tally *tally,
    cload_failure *failure)
{
    const uint64_t started = now(), cpu_started = thread_cpu();
    uint64_t time = started, spun = 0;
    load->duty = what;
    load->tally = tally;
    if (begin(load, time, failure) != 0)
        return -1;
    while (time - started < duration_ns && !is_done(load, messages)) {
        struct epoll_event events[EVENTS];
        const int n = wait_for_events(load, events, time, duration_ns - (time - started));
        if (n < 0 && errno != EINTR)
            return FAIL("epoll_wait: %s", strerror(errno));
        const uint64_t woken = now();
        for (int i = 0; i < n; i++) {
            if (handle(load, events[i].data.ptr, events[i].events, failure) != 0)
                return -1;
        }
        const uint64_t sent = tally->sent;
        if (what == OPEN_LOOP && pace_send(load, woken, failure) != 0)
            return -1;
        if (what == OPEN_LOOP && n == 0 && tally->sent == sent)
            spun += woken - time < SPIN_TURN_NS ? woken - time : SPIN_TURN_NS;
        /* Handling takes no time off a sleep until a message is due. */
        time = what == OPEN_LOOP ? now() : woken;
        hand_over_latencies(load);
        if (is_stalled(load, time))
            return fail_stalled(load, failure);
    }
    load->paused_at = now();
    const uint64_t cpu = thread_cpu() - cpu_started;
    tally->elapsed_ns += load->paused_at - started;
    tally->cpu_ns += cpu > spun ? cpu - spun : 0;
    if (what == OPEN_LOOP)
        tally->oldest_ns = pace_oldest(load, load->paused_at);
    return 0;
}

int cload_connect(cload *load, uint32_t connections, cload_tally *tally, cload_failure *failure)
{
    load->wanted = connections < load->connections ? connections : load->connections;
    return run(load, CONNECT, FOREVER, 0, tally, failure);
}

int cload_drive(
    cload *load, uint64_t duration_ns, uint64_t messages, cload_tally *tally,
    cload_failure *failure)
{
    const duty what = load->rate > 0 ? OPEN_LOOP : CLOSED_LOOP;
    return run(load, what, duration_ns, messages, tally, failure);
}

int cload_drain(cload *load, cload_tally *tally, cload_failure *failure)
{
    return run(load, DRAIN, FOREVER, 0, tally, failure);
}

int cload_touch(cload *load, cload_tally *tally, cload_failure *failure)
{
    return run(load, TOUCH, FOREVER, 0, tally, failure);
}

int cload_rest(cload *load, uint64_t duration_ns, cload_failure *failure)
{
    cload_tally tally = {0};
    return run(load, REST, duration_ns, 0, &tally, failure);
}

int cload_knock(cload *load, uint64_t duration_ns, cload_tally *tally, cload_failure *failure)
{
    return run(load, KNOCK, duration_ns, 0, tally, failure);
}
