// SPDX-License-Identifier: Apache-2.0
/* An echo server on libwebsockets: one thread, whole messages, one written each time the socket may
 * be written to, as the library wants it.
 *
 * Usage: libwebsockets [--port N] */

#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct message {
    struct message *next;
    size_t n, capacity;
    int is_binary;
    unsigned char octets[]; /* LWS_PRE first */
} message;

typedef struct {
    message *first, *last, *unfinished;
} session;

static message *grown(message *m, size_t more)
{
    const size_t n = m == NULL ? 0 : m->n;
    if (m != NULL && m->capacity - n >= more)
        return m;
    const size_t capacity = n + more + (n > 0 ? n : 0);
    message *const new = realloc(m, sizeof *m + LWS_PRE + capacity);
    if (new == NULL)
        abort();
    new->next = NULL;
    new->n = n;
    new->capacity = capacity;
    return new;
}

static void take(struct lws *wsi, session *s, const void *octets, size_t n)
{
    message *const m = grown(s->unfinished, n);
    memcpy(m->octets + LWS_PRE + m->n, octets, n);
    m->n += n;
    m->is_binary = lws_frame_is_binary(wsi);
    s->unfinished = m;
    if (!lws_is_final_fragment(wsi) || lws_remaining_packet_payload(wsi) != 0)
        return;
    s->unfinished = NULL;
    if (s->first == NULL)
        s->first = m;
    else
        s->last->next = m;
    s->last = m;
    lws_callback_on_writable(wsi);
}

static int give(struct lws *wsi, session *s)
{
    message *const m = s->first;
    if (m == NULL)
        return 0;
    s->first = m->next;
    const int written = lws_write(
        wsi, m->octets + LWS_PRE, m->n, m->is_binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT);
    free(m);
    if (written < 0)
        return -1;
    if (s->first != NULL)
        lws_callback_on_writable(wsi);
    return 0;
}

static int on_event(
    struct lws *wsi, enum lws_callback_reasons reason, void *user, void *octets, size_t n)
{
    session *const s = user;
    switch (reason) {
    case LWS_CALLBACK_RECEIVE:
        take(wsi, s, octets, n);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return give(wsi, s);
    case LWS_CALLBACK_CLOSED:
        free(s->unfinished);
        while (s->first != NULL) {
            message *const next = s->first->next;
            free(s->first);
            s->first = next;
        }
        return 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, octets, n);
    }
}

int main(int count, char **words)
{
    int port = 0;
    for (int i = 1; i + 1 < count; i++) {
        if (strcmp(words[i], "--port") == 0)
            port = atoi(words[i + 1]);
    }
    static const struct lws_protocols protocols[] = {
        {.name = "echo",
         .callback = on_event,
         .per_session_data_size = sizeof(session),
         .rx_buffer_size = 65536},
        {.name = NULL}};
    const struct lws_context_creation_info info = {
        .port = port,
        .iface = "lo",
        .protocols = protocols,
        .pt_serv_buf_size = 65536,
        .options = LWS_SERVER_OPTION_DISABLE_IPV6 | LWS_SERVER_OPTION_VALIDATE_UTF8,
    };
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context *const context = lws_create_context(&info);
    if (context == NULL)
        return 1;
    struct lws_vhost *const host = lws_get_vhost_by_name(context, "default");
    printf("listening on ws://127.0.0.1:%d/\n", lws_get_vhost_listen_port(host));
    fflush(stdout);
    while (lws_service(context, 0) >= 0) {
    }
    lws_context_destroy(context);
}
