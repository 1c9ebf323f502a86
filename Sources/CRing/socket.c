// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_storage room;
};

static socklen_t
address_size(const union address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

static int
address_from(union address *address, const char *host, uint16_t port)
{
    *address = (union address){0};
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (inet_pton(AF_INET, host, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        return 0;
    }
    /* The failed attempt may have written where IPv6 keeps other fields. */
    *address = (union address){0};
    if (inet_pton(AF_INET6, host, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(port);
        return 0;
    }
    return -EINVAL;
}

static int
turn_on(int fd, int level, int option)
{
    int on = 1;
    return setsockopt(fd, level, option, &on, sizeof on);
}

static int
bind_and_listen(int fd, const union address *address, int backlog, bool shares)
{
    if (turn_on(fd, SOL_SOCKET, SO_REUSEADDR) != 0 || turn_on(fd, IPPROTO_TCP, TCP_NODELAY) != 0)
        return -errno;
    if (shares && turn_on(fd, SOL_SOCKET, SO_REUSEPORT) != 0)
        return -errno;
    if (bind(fd, &address->any, address_size(address)) != 0)
        return -errno;
    /* Bound alone; from here on the other loops of this process may join. Before listening, so
     * that the kernel makes the group of listeners right away. */
    if (!shares && turn_on(fd, SOL_SOCKET, SO_REUSEPORT) != 0)
        return -errno;
    return listen(fd, backlog) == 0 ? 0 : -errno;
}

static int
port_of(int fd, uint16_t *port)
{
    union address address;
    socklen_t size = sizeof address;
    if (getsockname(fd, &address.any, &size) != 0)
        return -errno;
    bool is_v6 = address.any.sa_family == AF_INET6;
    *port = ntohs(is_v6 ? address.v6.sin6_port : address.v4.sin_port);
    return 0;
}

static int
kernel_listen(cring *ring, const char *host, uint16_t port, int backlog, int share,
              uint16_t *bound_port)
{
    (void)ring;
    union address address;
    if (address_from(&address, host, port) != 0)
        return -EINVAL;
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int error = bind_and_listen(fd, &address, backlog, share != 0);
    if (error == 0 && bound_port != NULL)
        error = port_of(fd, bound_port);
    if (error != 0) {
        close(fd);
        return error;
    }
    return fd;
}

/* An IPv4 address as text. As inet_ntop writes it, which takes a printf for it. */
static void
write_dotted(const uint8_t octets[4], char *text)
{
    for (int i = 0; i < 4; i++) {
        unsigned octet = octets[i];
        if (i > 0)
            *text++ = '.';
        if (octet >= 100)
            *text++ = (char)('0' + octet / 100);
        if (octet >= 10)
            *text++ = (char)('0' + octet / 10 % 10);
        *text++ = (char)('0' + octet % 10);
    }
    *text = 0;
}

static int
kernel_peer_address(cring *ring, int fd, char *out, size_t capacity)
{
    (void)ring;
    union address address;
    socklen_t size = sizeof address;
    if (getpeername(fd, &address.any, &size) != 0)
        return -errno;
    char text[INET6_ADDRSTRLEN] = "unix";
    if (address.any.sa_family == AF_INET) {
        write_dotted((const uint8_t *)&address.v4.sin_addr, text);
    } else if (address.any.sa_family == AF_INET6) {
        const struct in6_addr *v6 = &address.v6.sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(v6))
            write_dotted(&v6->s6_addr[12], text);
        else
            inet_ntop(AF_INET6, v6, text, sizeof text);
    }
    size_t length = strlen(text);
    if (length >= capacity)
        return -ENOSPC;
    memcpy(out, text, length + 1);
    return (int)length;
}

/* Octets as a number, the first the highest. */
static uint64_t
number_from(const uint8_t *octets, int count)
{
    uint64_t number = 0;
    for (int i = 0; i < count; i++)
        number = number << 8 | octets[i];
    return number;
}

static uint64_t
kernel_peer_network(cring *ring, int fd)
{
    (void)ring;
    union address address;
    socklen_t size = sizeof address;
    if (getpeername(fd, &address.any, &size) != 0)
        return 0;
    /* No network of IPv6 begins as the addresses of IPv4 do here. */
    const uint64_t ipv4 = UINT64_C(0xFFFF) << 32;
    if (address.any.sa_family == AF_INET)
        return ipv4 | number_from((const uint8_t *)&address.v4.sin_addr, 4);
    if (address.any.sa_family != AF_INET6)
        return 0;
    const uint8_t *v6 = address.v6.sin6_addr.s6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&address.v6.sin6_addr))
        return ipv4 | number_from(&v6[12], 4);
    return number_from(v6, 8);
}

static int
kernel_reset_on_close(cring *ring, int fd)
{
    (void)ring;
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    return setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0 ? 0 : -errno;
}

static int
kernel_reserve(cring *ring)
{
    (void)ring;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fd >= 0 ? fd : -errno;
}

static int
kernel_accept_now(cring *ring, int listener)
{
    (void)ring;
    int flags = fcntl(listener, F_GETFL);
    if (flags < 0)
        return -errno;
    /* io_uring's listeners are blocking. */
    bool blocks = (flags & O_NONBLOCK) == 0;
    if (blocks && fcntl(listener, F_SETFL, flags | O_NONBLOCK) != 0)
        return -errno;
    int fd;
    do
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    int result = fd >= 0 ? fd : -errno;
    if (blocks)
        fcntl(listener, F_SETFL, flags);
    return result;
}

static void
kernel_close_now(cring *ring, int fd)
{
    (void)ring;
    close(fd);
}

static void
kernel_turn_away(cring *ring, int fd, const uint8_t *octets, size_t count)
{
    (void)ring;
    /* A full buffer of a fresh socket does not happen; if the peer is gone, so is the reply. */
    send(fd, octets, count, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(fd, SHUT_WR);
    uint8_t request[16 * 1024];
    recv(fd, request, sizeof request, MSG_DONTWAIT);
    close(fd);
}

const struct cring_calls cring_kernel_calls = {
    .now = cring_kernel_now,
    .calendar = cring_kernel_calendar,
    .random = cring_kernel_random,
    .listen = kernel_listen,
    .accept_now = kernel_accept_now,
    .reserve = kernel_reserve,
    .close_now = kernel_close_now,
    .turn_away = kernel_turn_away,
    .peer_address = kernel_peer_address,
    .peer_network = kernel_peer_network,
    .reset_on_close = kernel_reset_on_close,
};

int64_t
cring_descriptor_limit(int raise_to_hard)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return -errno;
    if (raise_to_hard && limit.rlim_cur < limit.rlim_max) {
        struct rlimit raised = {.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
            limit = raised;
    }
    return limit.rlim_cur > (rlim_t)INT64_MAX ? INT64_MAX : (int64_t)limit.rlim_cur;
}
