// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "ring_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs in a child, which exits with the errno of its attempt. */
static int
listen_in_another_process(uint16_t port)
{
    pid_t child = fork();
    if (child == 0) {
        int fd = cring_listen(NULL, "127.0.0.1", port, 16, 0, NULL);
        _exit(fd < 0 ? -fd : 0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The loops of a process share the port; another server is refused until they are gone. */
static void
sharing(void)
{
    enum { LOOPS = 3, CLIENTS = 60 };
    uint16_t port, same;
    int listeners[LOOPS];
    listeners[0] = listen_anywhere(&port);
    CHECK_EQUAL(listen_in_another_process(port), EADDRINUSE);
    for (int i = 1; i < LOOPS; i++) {
        listeners[i] = cring_listen(NULL, "127.0.0.1", port, 128, 1, &same);
        CHECK(listeners[i] >= 0);
        CHECK_EQUAL(same, port);
    }
    CHECK_EQUAL(listen_in_another_process(port), EADDRINUSE);
    CHECK_EQUAL(cring_listen(NULL, "127.0.0.1", port, 128, 0, NULL), -EADDRINUSE);
    int clients[CLIENTS], accepted = 0, busy = 0;
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = connect_to(port);
    for (int i = 0; i < LOOPS; i++) {
        int before = accepted, fd;
        while ((fd = cring_accept_now(NULL, listeners[i])) >= 0) {
            accepted++;
            cring_reset_on_close(NULL, fd);
            close(fd);
        }
        CHECK_EQUAL(fd, -EAGAIN);
        busy += accepted > before;
        close(listeners[i]);
    }
    CHECK_EQUAL(accepted, CLIENTS);
    CHECK(busy > 1); /* all on one: once in 3^59 */
    for (int i = 0; i < CLIENTS; i++)
        close(clients[i]);
    CHECK_EQUAL(listen_in_another_process(port), 0);
}

static void
addresses(void)
{
    uint16_t port = 0;
    static const char *const good[] = {"127.0.0.1", "localhost", "0.0.0.0"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        int fd = cring_listen(NULL, good[i], 0, 1, 0, &port);
        CHECK(fd >= 0 && port != 0);
        close(fd);
    }
    static const char *const bad[] = {"", "example.org", "127.0.0.1:80", "[::1]", "127.1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_EQUAL(cring_listen(NULL, bad[i], 0, 1, 0, &port), -EINVAL);
    int fd = cring_listen(NULL, "::1", 0, 1, 0, &port);
    if (fd >= 0) { /* where IPv6 is */
        CHECK(port != 0);
        struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        to.sin6_addr.s6_addr[15] = 1;
        int client = socket(AF_INET6, SOCK_STREAM, 0);
        CHECK_EQUAL(connect(client, (struct sockaddr *)&to, sizeof to), 0);
        int peer = accept(fd, NULL, NULL);
        CHECK(cring_peer_network(NULL, peer) == 0); /* of ::1, the first half */
        char text[46];
        CHECK_EQUAL(cring_peer_address(NULL, peer, text, sizeof text), 3);
        CHECK(strcmp(text, "::1") == 0);
        close(peer);
        close(client);
        close(fd);
    } else {
        CHECK(fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT);
    }
    fd = cring_listen(NULL, "::", 0, 4, 0, &port);
    if (fd >= 0) { /* IPv4 clients of an IPv6 socket are shown as what they are */
        int client = connect_to(port), peer = accept(fd, NULL, NULL);
        char address[46];
        CHECK_EQUAL(cring_peer_address(NULL, peer, address, sizeof address), 9);
        CHECK(strcmp(address, "127.0.0.1") == 0);
        CHECK_EQUAL(cring_peer_address(NULL, peer, address, 9), -ENOSPC);
        CHECK(cring_peer_network(NULL, peer) == 0xFFFF7F000001);
        close(peer);
        close(client);
        close(fd);
    }
    static const char *const clients[] = {"127.0.0.1", "127.10.99.100", "127.255.200.9"};
    for (size_t i = 0; i < sizeof clients / sizeof *clients; i++) {
        fd = cring_listen(NULL, "127.0.0.1", 0, 4, 0, &port);
        struct sockaddr_in from = {.sin_family = AF_INET}, to = from;
        inet_pton(AF_INET, clients[i], &from.sin_addr);
        inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
        to.sin_port = htons(port);
        int client = socket(AF_INET, SOCK_STREAM, 0);
        CHECK_EQUAL(bind(client, (struct sockaddr *)&from, sizeof from), 0);
        CHECK_EQUAL(connect(client, (struct sockaddr *)&to, sizeof to), 0);
        int peer = accept(fd, NULL, NULL);
        char text[46];
        CHECK_EQUAL(cring_peer_address(NULL, peer, text, sizeof text), (int)strlen(clients[i]));
        CHECK(strcmp(text, clients[i]) == 0);
        CHECK(cring_peer_network(NULL, peer) == (UINT64_C(0xFFFF) << 32 | ntohl(from.sin_addr.s_addr)));
        close(peer);
        close(client);
        close(fd);
    }
    int pair[2];
    char address[46];
    socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    CHECK_EQUAL(cring_peer_address(NULL, pair[0], address, sizeof address), 4);
    CHECK(strcmp(address, "unix") == 0);
    CHECK(cring_peer_network(NULL, pair[0]) == 0);
    CHECK(cring_peer_network(NULL, -1) == 0);
    close(pair[0]);
    close(pair[1]);
    CHECK_EQUAL(cring_peer_address(NULL, -1, address, sizeof address), -EBADF);
    CHECK_EQUAL(cring_reset_on_close(NULL, -1), -EBADF);
    CHECK_EQUAL(cring_accept_now(NULL, -1), -EBADF);
}

static void
reset_on_close(void)
{
    int pair[2];
    tcp_pair(pair);
    CHECK_EQUAL(cring_reset_on_close(NULL, pair[0]), 0);
    close(pair[0]);
    char octet;
    CHECK(read(pair[1], &octet, 1) < 0 && errno == ECONNRESET);
    close(pair[1]);
}

static void
descriptor_limit(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    struct rlimit lower = {.rlim_cur = 512, .rlim_max = limit.rlim_max};
    setrlimit(RLIMIT_NOFILE, &lower);
    CHECK_EQUAL(cring_descriptor_limit(0), 512);
    CHECK_EQUAL(cring_descriptor_limit(1), (int64_t)limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &lower);

    int reserve = cring_reserve(NULL);
    CHECK(reserve >= 0);
    char octet;
    CHECK_EQUAL(read(reserve, &octet, 1), 0);
    struct rlimit full = {.rlim_cur = (rlim_t)reserve, .rlim_max = limit.rlim_max};
    close(reserve);
    setrlimit(RLIMIT_NOFILE, &full);
    CHECK_EQUAL(cring_reserve(NULL), -EMFILE);
    setrlimit(RLIMIT_NOFILE, &lower);
    cring_descriptor_limit(1); /* the queue tests want more than the default of 1024 */
}

void
test_sockets(void)
{
    sharing();
    addresses();
    reset_on_close();
    descriptor_limit();
}
