// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ring_test.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- Rings ------------------------------------------------------------------- */

enum { KEPT_MAX = 8192, BATCH = 32 };

static cring_completion kept[KEPT_MAX]; /* of the ring opened last */
static size_t kept_count;

static void
fatal(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(2);
}

cring *
open_ring(const struct variant *variant, const cring_options *options)
{
    cring_options own = options != NULL ? *options : (cring_options){0};
    own.kind = variant->kind;
    own.features_masked = variant->masked;
    cring *ring;
    cring_failure failure;
    int error = cring_open(&ring, &own, &failure);
    if (error != 0) {
        fprintf(stderr, "%s: %s\n", failure.step, strerror(failure.error));
        exit(2);
    }
    kept_count = 0;
    return ring;
}

static bool
take_kept(uint64_t token, bool is_any, cring_completion *out)
{
    for (size_t i = 0; i < kept_count; i++) {
        if (is_any || kept[i].token == token) {
            *out = kept[i];
            memmove(&kept[i], &kept[i + 1], (--kept_count - i) * sizeof *kept);
            return true;
        }
    }
    return false;
}

static bool
next_of(cring *ring, uint64_t token, bool is_any, int patience_ms, cring_completion *out)
{
    int64_t deadline = now_ms() + patience_ms;
    for (;;) {
        if (take_kept(token, is_any, out))
            return true;
        int64_t left = deadline - now_ms();
        if (left < 0)
            return false;
        if (kept_count + BATCH > KEPT_MAX) {
            fprintf(stderr, "too many completions kept\n");
            exit(2);
        }
        int count = cring_wait(ring, left * 1000000, &kept[kept_count], BATCH);
        if (count < 0) {
            errno = -count;
            fatal("cring_wait");
        }
        kept_count += (size_t)count;
    }
}

bool
next(cring *ring, uint64_t token, int patience_ms, cring_completion *out)
{
    return next_of(ring, token, false, patience_ms, out);
}

bool
none(cring *ring, uint64_t token, int patience_ms)
{
    cring_completion ignored;
    return !next_of(ring, token, false, patience_ms, &ignored);
}

bool
next_any(cring *ring, int patience_ms, cring_completion *out)
{
    return next_of(ring, 0, true, patience_ms, out);
}

bool
receive_all(cring *ring, int fd, uint64_t token, bool is_armed, uint8_t *into, size_t count)
{
    size_t have = 0;
    while (have < count) {
        if (!is_armed && cring_receive(ring, fd, token) != 0)
            return false;
        cring_completion got;
        if (!next(ring, token, PATIENCE_MS, &got))
            return false;
        is_armed = (got.flags & CRING_MORE) != 0;
        if (got.flags & CRING_BUFFER) {
            size_t size = (size_t)got.result;
            bool fits = size <= count - have;
            if (fits)
                memcpy(into + have, got.data, size);
            cring_recycle(ring, got.buffer);
            if (!fits)
                return false;
            have += size;
        } else if (got.result != -ENOBUFS) {
            return false;
        }
    }
    if (is_armed) {
        cring_cancel(ring, fd, token);
        cring_completion end;
        return next(ring, token, PATIENCE_MS, &end) && end.result == -ECANCELED;
    }
    return true;
}

bool
send_all(cring *ring, int fd, uint64_t token, const uint8_t *octets, size_t count)
{
    while (count > 0) {
        cring_completion sent;
        if (cring_send(ring, fd, octets, count, token) != 0)
            return false;
        if (!next(ring, token, PATIENCE_MS, &sent) || sent.result <= 0 || sent.flags != 0)
            return false;
        octets += sent.result;
        count -= (size_t)sent.result;
    }
    return true;
}

/* ---- Peers ------------------------------------------------------------------- */

int
listen_anywhere(uint16_t *port)
{
    int fd = cring_listen(NULL, "127.0.0.1", 0, 1024, 0, port);
    if (fd < 0) {
        errno = -fd;
        fatal("cring_listen");
    }
    return fd;
}

int
connect_to(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fatal("connect");
    return fd;
}

void
tcp_pair(int pair[2])
{
    uint16_t port;
    int listener = listen_anywhere(&port);
    pair[1] = connect_to(port);
    pair[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (pair[0] < 0)
        fatal("accept4");
    close(listener);
}

bool
read_all(int fd, void *into, size_t count)
{
    uint8_t *end = into;
    while (count > 0) {
        ssize_t size = read(fd, end, count);
        if (size <= 0)
            return false;
        end += size;
        count -= (size_t)size;
    }
    return true;
}

bool
write_all(int fd, const void *octets, size_t count)
{
    const uint8_t *end = octets;
    while (count > 0) {
        ssize_t size = send(fd, end, count, MSG_NOSIGNAL);
        if (size <= 0)
            return false;
        end += size;
        count -= (size_t)size;
    }
    return true;
}

uint8_t
pattern(size_t stream, size_t position)
{
    uint64_t mixed = position + stream * UINT64_C(0x9E3779B97F4A7C15);
    mixed *= UINT64_C(0xD6E8FEB86659FD93);
    return (uint8_t)(mixed >> 56);
}

void
fill_pattern(uint8_t *into, size_t stream, size_t position, size_t count)
{
    for (size_t i = 0; i < count; i++)
        into[i] = pattern(stream, position + i);
}

bool
is_pattern(const uint8_t *octets, size_t stream, size_t position, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (octets[i] != pattern(stream, position + i))
            return false;
    }
    return true;
}

int
open_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        fatal("/proc/self/fd");
    int count = 0;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

int64_t
now_ms(void)
{
    return (int64_t)(cring_now(NULL) / 1000000);
}
