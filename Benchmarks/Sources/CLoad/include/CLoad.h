// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAD_H
#define CLOAD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The load that wsbench puts on an echo server, from one thread: connections that each keep a
 * number of messages under way. It shares no code with what it measures. Every frame is masked with
 * a key of its own, every echo is compared octet by octet.
 */

/// What went wrong, in words for people.
typedef struct cload_failure {
    char text[256];
} cload_failure;

/// Times in nanoseconds, counted in buckets of at most 1/64 of their value.
typedef struct cload_histogram {
    uint64_t counts[64 * 40];
    uint64_t total;
} cload_histogram;

void cload_histogram_add(cload_histogram *histogram, uint64_t ns);
/// The time that `fraction` of all are at or below: the upper end of its bucket; 0 when empty.
uint64_t cload_histogram_quantile(const cload_histogram *histogram, double fraction);

/// A message to send; the octets are copied.
typedef struct cload_text {
    const uint8_t *octets;
    size_t size;
} cload_text;

typedef struct cload_options {
    const char *host;
    const char *path;
    uint16_t port;
    uint32_t connections;
    /// Messages under way on each connection.
    uint32_t depth;
    /// Octets of payload in each message.
    size_t size;
    int is_binary;
    /// Messages to send in turn, in the place of `size` octets of a filler; NULL for the filler.
    const cload_text *texts;
    uint32_t text_count;
    /// Offers permessage-deflate without context takeover by the client, sends the texts
    /// compressed, and fails where the server declines.
    int compresses;
} cload_options;

typedef struct cload cload;

/// Connects and shakes hands. NULL, and why, when that fails.
cload *cload_open(const cload_options *options, cload_failure *failure);
void cload_close(cload *load);

/// What a stretch of driving saw.
typedef struct cload_tally {
    uint64_t messages;
    /// Octets of payload in the echoes' frames, and in the messages they hold.
    uint64_t wire_octets, message_octets;
    /// By the clock.
    uint64_t elapsed_ns;
    /// Of this thread.
    uint64_t cpu_ns;
    cload_histogram latency;
} cload_tally;

/// Keeps messages under way for `duration_ns`, or until `messages` echoes have come if that is not
/// 0. Messages stay under way when it returns. 0, or -1 and why: an echo that is not what was sent,
/// a connection that ended, or five seconds without an echo.
int cload_drive(
    cload *load, uint64_t duration_ns, uint64_t messages, cload_tally *tally,
    cload_failure *failure);

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

/// Instructions of all threads of a process, counted by the CPU.
typedef struct cload_counters cload_counters;

/// NULL, and why, where there are no hardware counters or they are not for us.
cload_counters *cload_counters_open(pid_t pid, cload_failure *failure);
/// Instructions since it was opened.
int cload_counters_read(cload_counters *counters, uint64_t *user, uint64_t *kernel);
void cload_counters_close(cload_counters *counters);

#endif
