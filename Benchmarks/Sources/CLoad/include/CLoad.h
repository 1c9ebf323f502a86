// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAD_H
#define CLOAD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The load that wsbench puts on an echo server, from one thread: connections that each keep a
 * number of messages under way, or send them when they are due. It shares no code with what it
 * measures. Every frame is masked with a key of its own, every echo is compared octet by octet.
 */

/// What went wrong, in words for people.
typedef struct cload_failure {
    char text[256];
} cload_failure;

/// A message to send; the octets are copied.
typedef struct cload_text {
    const uint8_t *octets;
    size_t size;
} cload_text;

typedef struct cload_options {
    const char *host;
    const char *path;
    uint16_t port;
    /// The most that there will be at a time.
    uint32_t connections;
    /// Messages under way on each connection; in an open loop the most of them.
    uint32_t depth;
    /// Octets of payload in each message.
    size_t size;
    /// Frames that each message is sent in, of about the same size; at least 1.
    uint32_t fragments;
    int is_binary;
    /// Messages to send in turn, in the place of `size` octets of a filler; NULL for the filler.
    const cload_text *texts;
    uint32_t text_count;
    /// Offers permessage-deflate without context takeover by the client, sends the texts
    /// compressed, and fails where the server declines.
    int compresses;
    /// Messages that are due in a second, over all connections; 0 for a closed loop.
    double rate;
    /// Whether the times between messages are exponentially distributed, instead of all the same.
    int is_poisson;
    /// What these times are drawn with.
    uint64_t seed;
} cload_options;

typedef struct cload cload;

/// What a stretch of driving saw. Functions that take one add to it.
typedef struct cload_tally {
    uint64_t messages;
    /// Octets of payload in the echoes' frames, and in the messages they hold.
    uint64_t wire_octets, message_octets;
    /// Those that were answered as they should be.
    uint64_t handshakes;
    /// By the clock.
    uint64_t elapsed_ns;
    /// Of this thread, without what it spun for the next message to be due.
    uint64_t cpu_ns;

    /// Open loop: messages sent; those of them that were due while their connection had no room;
    /// those that left more than a millisecond after they were due and had room; the longest that
    /// one of these was late.
    uint64_t sent, held, late, lag_max_ns;
    /// Open loop: for how long the oldest message without echo had been due at the end.
    uint64_t oldest_ns;

    /// Takes latencies in nanoseconds, some at a time: of echoes, or of handshakes where those are
    /// what is driven. May be NULL.
    void (*record)(void *context, const uint64_t *latencies, size_t count);
    void *context;
} cload_tally;

/// Makes ready for up to `connections`, of which none is open yet. NULL, and why, when that fails:
/// where the process may not have so many descriptors, for one.
cload *cload_create(const cload_options *options, cload_failure *failure);
void cload_close(cload *load);

/*
 * What the following return is 0, or -1 and why: an answer or an echo that is not what it should be,
 * a connection that ended, or five seconds in which something was to come and nothing did.
 */

/// Opens connections until there are so many.
int cload_connect(
    cload *load, uint32_t connections, cload_tally *tally, cload_failure *failure);

/// Keeps messages under way, or sends them when they are due, for `duration_ns`, or until `messages`
/// echoes have come if that is not 0. Messages stay under way when it returns.
int cload_drive(
    cload *load, uint64_t duration_ns, uint64_t messages, cload_tally *tally,
    cload_failure *failure);

/// Waits for the echoes of all messages under way.
int cload_drain(cload *load, cload_tally *tally, cload_failure *failure);

/// Exchanges one message on each connection that has not sent any.
int cload_touch(cload *load, cload_tally *tally, cload_failure *failure);

/// Sends nothing for so long, but answers pings.
int cload_rest(cload *load, uint64_t duration_ns, cload_failure *failure);

/// In the place of all the above: in `connections` slots connects, shakes hands, and resets the
/// connection, again and again for `duration_ns`.
int cload_knock(cload *load, uint64_t duration_ns, cload_tally *tally, cload_failure *failure);

/// A TCP port of the loopback that is free now; 0 when there is none.
uint16_t cload_free_port(void);

/// Keeps the calling thread on one core. 0 or -errno.
int cload_pin(int core);

/// What a process has used since it started.
typedef struct cload_usage {
    /// Exact, over all threads that live.
    uint64_t cpu_ns;
    /// Of the whole process, in clock ticks: only their proportion is of use.
    uint64_t user_ticks, system_ticks;
    uint64_t resident_bytes;
} cload_usage;

/// 0 or -errno.
int cload_usage_of(pid_t pid, cload_usage *usage);

/// The memory of a process: what is mapped and present, that with pages shared by others counted
/// in proportion, and that which no other process maps.
typedef struct cload_memory {
    uint64_t resident_bytes, proportional_bytes, private_bytes;
} cload_memory;

/// 0 or -errno. Slower than cload_usage_of: the kernel walks all pages.
int cload_memory_of(pid_t pid, cload_memory *memory);

/// How many descriptors a process may have open. 0 or -errno.
int cload_descriptors_of(pid_t pid, uint64_t *most);

/// Instructions of all threads of a process, counted by the CPU.
typedef struct cload_counters cload_counters;

/// NULL, and why, where there are no hardware counters or they are not for us.
cload_counters *cload_counters_open(pid_t pid, cload_failure *failure);
/// Instructions since it was opened.
int cload_counters_read(cload_counters *counters, uint64_t *user, uint64_t *kernel);
void cload_counters_close(cload_counters *counters);

#endif
