// SPDX-License-Identifier: Apache-2.0
#ifndef RING_TEST_H
#define RING_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "CRing.h"

/* ---- Checks ------------------------------------------------------------------ */

/* Counts a check and prints it when it fails. Gives its condition. */
bool check(bool holds, const char *condition, const char *file, int line);
#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
/* The same for two whole numbers, printing both. */
bool check_equal(int64_t a, int64_t b, const char *condition, const char *file, int line);
#define CHECK_EQUAL(a, b)                                                                          \
    check_equal((int64_t)(a), (int64_t)(b), #a " == " #b, __FILE__, __LINE__)

/* ---- Rings ------------------------------------------------------------------- */

/* A backend and what it may not use; most tests run on each. */
struct variant {
    const char *name;
    cring_kind kind;
    uint32_t masked;
};

/* Opens a ring of this variant; `options` or NULL gives the sizes. Ends the program on failure. */
cring *open_ring(const struct variant *variant, const cring_options *options);

/* Waits for the next completion of `token`, keeping those of others for later calls. False after
 * `patience_ms`. */
bool next(cring *ring, uint64_t token, int patience_ms, cring_completion *out);

/* Whether no completion of `token` comes for `patience_ms`. */
bool none(cring *ring, uint64_t token, int patience_ms);

/* The next completion of any token. */
bool next_any(cring *ring, int patience_ms, cring_completion *out);

/* Receives until `count` octets have come to `into`, re-arming as needed; the receive may be armed
 * already. True when they have. */
bool receive_all(cring *ring, int fd, uint64_t token, bool is_armed, uint8_t *into, size_t count);

/* Sends all of `octets`, going on after short sends. */
bool send_all(cring *ring, int fd, uint64_t token, const uint8_t *octets, size_t count);

/* Patience for what must happen. */
enum { PATIENCE_MS = 5000 };

/* ---- Peers ------------------------------------------------------------------- */

/* A listener on a port the kernel chose. */
int listen_anywhere(uint16_t *port);

/* A blocking client connected to `port`. */
int connect_to(uint16_t port);

/* A connected pair over TCP: `[0]` is for the ring, `[1]` is the blocking peer. */
void tcp_pair(int pair[2]);

/* Reads or writes exactly `count` octets on a blocking descriptor. */
bool read_all(int fd, void *into, size_t count);
bool write_all(int fd, const void *octets, size_t count);

/* An octet of a stream that differs from its neighbours and from other streams. */
uint8_t pattern(size_t stream, size_t position);
void fill_pattern(uint8_t *into, size_t stream, size_t position, size_t count);
bool is_pattern(const uint8_t *octets, size_t stream, size_t position, size_t count);

/* Descriptors this process has open. */
int open_descriptors(void);

/* Milliseconds of the monotonic clock. */
int64_t now_ms(void);

/* ---- Subjects ---------------------------------------------------------------- */

void test_connections(const struct variant *variant);
void test_sends(const struct variant *variant);
void test_cancelling(const struct variant *variant);
void test_buffers(const struct variant *variant);
void test_queues(const struct variant *variant);
void test_waiting(const struct variant *variant);
void test_freeing(const struct variant *variant);
void test_shortages(const struct variant *variant);
void test_opening(void);
void test_sockets(void);
void test_threads(void);
void test_failing(void);

#endif
