// SPDX-License-Identifier: Apache-2.0
/* The opening of a connection: to connect, to ask, and to check the answer, never blocking. */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* The sample key of RFC 6455 section 1.3 and its answer. A client is to draw its key at random; one
 * that only measures spares itself the SHA-1. */
static const char KEY[] = "dGhlIHNhbXBsZSBub25jZQ==";
static const char ACCEPT[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

static const char OFFER[] = "Sec-WebSocket-Extensions: permessage-deflate; "
                            "client_no_context_takeover; client_max_window_bits=12\r\n";

/* As many connections come from one of our addresses: by default 28,232 ports are there to be had,
 * and others want some. */
enum { PER_ADDRESS = 20000 };

int prepare_request(cload *load, const cload_options *options, cload_failure *failure)
{
    load->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(options->port)};
    if (inet_pton(AF_INET, options->host, &load->address.sin_addr) != 1)
        return FAIL("'%s' is not an IPv4 address", options->host);
    const int n = asprintf(
        &load->request,
        "GET %s HTTP/1.1\r\nHost: %s:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n%s\r\n",
        options->path, options->host, options->port, KEY, load->compresses ? OFFER : "");
    if (n < 0) {
        load->request = NULL;
        return FAIL("no memory for the request");
    }
    load->request_n = (size_t)n;
    return 0;
}

/* Lets the connections to a loopback address come from several, where one has too few ports. */
static int choose_source(const cload *load, const connection *c)
{
    const uint32_t host = ntohl(load->address.sin_addr.s_addr);
    if (load->connections <= PER_ADDRESS || host >> 24 != 127)
        return 0;
    const int on = 1;
    struct sockaddr_in source = {.sin_family = AF_INET};
    source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + c->index / PER_ADDRESS);
    /* The port is chosen when we connect, for the destination counts then. */
    if (setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on) != 0)
        return -1;
    return bind(c->fd, (const struct sockaddr *)&source, sizeof source);
}

static int fail_to_connect(const cload *load, int error, cload_failure *failure)
{
    char host[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &load->address.sin_addr, host, sizeof host);
    return FAIL("connecting to %s:%u: %s", host, ntohs(load->address.sin_port), strerror(error));
}

/* Writes what the socket takes of the request. */
static int ask(cload *load, connection *c, cload_failure *failure)
{
    const ssize_t n = send(
        c->fd, load->request + c->asked_n, load->request_n - c->asked_n,
        MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return FAIL("connection %u: handshake: %s", c->index, strerror(errno));
    c->asked_n += n < 0 ? 0 : (size_t)n;
    c->stage = ASKING;
    return 0;
}

int begin_handshake(cload *load, connection *c, cload_failure *failure)
{
    if (c->head == NULL)
        c->head = malloc(HEAD_MAX + 1);
    if (c->head == NULL)
        return FAIL("no memory for connection %u", c->index);
    c->head_n = 0;
    c->asked_n = 0;
    c->opened_at = now();
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (c->fd < 0)
        return FAIL("socket: %s", strerror(errno));
    const int on = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (choose_source(load, c) != 0)
        return FAIL("connection %u: bind: %s", c->index, strerror(errno));
    c->stage = CONNECTING;
    if (connect(c->fd, (const struct sockaddr *)&load->address, sizeof load->address) == 0) {
        if (ask(load, c, failure) != 0)
            return -1;
    } else if (errno != EINPROGRESS) {
        return fail_to_connect(load, errno, failure);
    }
    c->waits_to_write = c->asked_n < load->request_n;
    struct epoll_event event = {
        .events = EPOLLIN | (c->waits_to_write ? (uint32_t)EPOLLOUT : 0), .data.ptr = c};
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, c->fd, &event) != 0)
        return FAIL("epoll_ctl: %s", strerror(errno));
    return 0;
}

/* The value of a header field without the space around it, and its length; NULL without such. */
static const char *field(const char *head, const char *name, size_t *length)
{
    const size_t name_n = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, name_n) != 0 || line[name_n] != ':')
            continue;
        const char *value = line + name_n + 1;
        value += strspn(value, " \t");
        *length = strcspn(value, "\r");
        while (*length > 0 && (value[*length - 1] == ' ' || value[*length - 1] == '\t'))
            --*length;
        return value;
    }
    return NULL;
}

static int check_answer(const cload *load, const char *head, cload_failure *failure)
{
    if (strncmp(head, "HTTP/1.1 101 ", 13) != 0)
        return FAIL("the server answers the handshake: %.*s", (int)strcspn(head, "\r"), head);
    size_t n = 0;
    const char *const accept = field(head, "Sec-WebSocket-Accept", &n);
    if (accept == NULL || n != sizeof ACCEPT - 1 || memcmp(accept, ACCEPT, n) != 0)
        return FAIL("the server's answer has not the right Sec-WebSocket-Accept");
    if (!load->compresses)
        return 0;
    const char *const extensions = field(head, "Sec-WebSocket-Extensions", &n);
    if (extensions == NULL || strncmp(extensions, "permessage-deflate", 18) != 0)
        return FAIL("the server declines permessage-deflate");
    return 0;
}

/* Reads a part of the answer, and checks it when it is whole. */
static int hear(cload *load, connection *c, cload_failure *failure)
{
    const ssize_t n = recv(c->fd, c->head + c->head_n, HEAD_MAX - c->head_n, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0)
        return FAIL("connection %u: handshake: %s", c->index, strerror(errno));
    if (n == 0)
        return FAIL("connection %u: ended by the server during the handshake", c->index);
    c->head_n += (size_t)n;
    c->head[c->head_n] = '\0';
    char *const end = memmem(c->head, c->head_n, "\r\n\r\n", 4);
    if (end == NULL && c->head_n == HEAD_MAX)
        return FAIL("connection %u: an answer of more than %d octets", c->index, HEAD_MAX);
    if (end == NULL)
        return 0;
    end[2] = '\0';
    if (check_answer(load, c->head, failure) != 0)
        return -1;
    c->stage = OPEN;
    if (load->duty == KNOCK)
        return 0;
    const char *const rest = end + 4;
    return take(
        load, c, (const uint8_t *)rest, c->head_n - (size_t)(rest - c->head), now(), failure);
}

int advance_handshake(cload *load, connection *c, uint32_t events, cload_failure *failure)
{
    if (c->stage == CONNECTING) {
        int error = 0;
        socklen_t size = sizeof error;
        if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
            error = errno;
        if (error != 0)
            return fail_to_connect(load, error, failure);
    }
    if ((events & EPOLLOUT) && c->asked_n < load->request_n && ask(load, c, failure) != 0)
        return -1;
    /* There is nothing to flush yet, and it stops waiting to write. */
    if (c->waits_to_write && c->asked_n == load->request_n && flush(load, c, failure) != 0)
        return -1;
    return (events & ~(uint32_t)EPOLLOUT) ? hear(load, c, failure) : 0;
}
