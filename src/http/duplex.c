/* A connection that was taken over: after the head of the answer both sides send bytes as they like. What the
 * engine calls hijacking, for the input of commands that run in containers.
 *
 * libcurl connects (CONNECT_ONLY: socket or TCP, TLS, deadlines) and then only moves bytes for us, through
 * curl_easy_send() and curl_easy_recv(); the request's head is written and the answer's head is read here.
 * The easy handle stays with its multi handle: that is where its connection lives. Its TLS session is asked
 * for two things that libcurl has no word for: output that may move while it waits, and the half-close.
 *
 * Happy path: http_duplex_new() prepares the head → libcurl is done connecting, http_duplex_begin() → head
 * out, head in → on_open, then on_data and on_drained as it goes → the peer ends, `done`. An answer of 400 or
 * more ends like that of a call, with its body. A peer that reads no more (the command closed its input) is
 * no failure: what we send is dropped, and its output is read to the end. Nor is a reset once the stream is
 * open: a peer that ends without having read everything resets. What came of the command is asked elsewhere.
 */
#include "http/internal.h"
#include "library/openssl.h"

#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { HEAD_LIMIT = 64 << 10, PIECE = 32 << 10, PIECES_AT_ONCE = 16 };

/* Outlives its call until the poll is closed. */
struct http_duplex {
    uv_poll_t poll;
    struct turn more; /* there may be input that the socket does not show: TLS holds it */
    struct real_transport *transport;
    struct http_call *call; /* NULL: dropped */
    curl_socket_t fd;
    bool is_open;
    struct strbuf out; /* [sent..] waits to go */
    size_t sent;
    bool ends, has_ended; /* nothing follows `out`; and the peer knows */
    bool is_deaf;         /* the peer reads no more */
    struct strbuf head;   /* of the answer, as far as it is here */
    int64_t body_left;    /* of an answer that refuses; -1: to the end of the connection */
    bool is_chunked;
};

static void on_more(void *data);

static void add_host(struct strbuf *out, const struct real_transport *transport)
{
    const char *host = "localhost";
    if (!transport->unix_path)
        host = strstr(transport->url, "://") + 3;
    strbuf_addf(out, "Host: %.*s\r\n", (int)strcspn(host, "/"), host);
}

void http_duplex_new(struct http_call *call, const struct http_request *request)
{
    struct http_duplex *duplex = xcalloc(1, sizeof *duplex);
    struct strbuf *out = &duplex->out;

    duplex->transport = call->transport;
    duplex->call = call;
    duplex->head.limit = HEAD_LIMIT;
    duplex->body_left = -1;
    turn_init(&duplex->more, on_more, duplex);
    call->duplex = duplex;
    strbuf_addf(out, "%s %s HTTP/1.1\r\n", request->method, request->path);

    add_host(out, call->transport);
    strbuf_adds(out, "User-Agent: apphost/" APPHOST_VERSION "\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n");
    for (size_t i = 0; request->headers && request->headers[i]; i++)
        strbuf_addf(out, "%s\r\n", request->headers[i]);
    strbuf_addf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n", request->body_length);
    strbuf_add(out, request->body, request->body_length);
    curl_easy_setopt(call->easy, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 0L); /* it would close what was connected */
}

static void free_duplex(struct http_duplex *duplex)
{
    strbuf_free(&duplex->out);
    strbuf_free(&duplex->head);
    free(duplex);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct http_duplex *duplex = handle->data;
    struct real_transport *transport = duplex->transport;
    free_duplex(duplex);
    http_handle_closed(transport);
}

void http_duplex_drop(struct http_call *call)
{
    struct http_duplex *duplex = take_ptr(&call->duplex);
    if (!duplex)
        return;
    duplex->call = NULL;
    loop_unpost(duplex->transport->loop, &duplex->more);
    if (!duplex->is_open) {
        free_duplex(duplex);
        return;
    }
    uv_poll_stop(&duplex->poll);
    uv_close((uv_handle_t *)&duplex->poll, on_poll_closed);
}

/* ---- input ---- */

static void note_length(struct http_duplex *duplex, const char *line)
{
    static const char length[] = "Content-Length:", encoding[] = "Transfer-Encoding:";
    if (strncasecmp(line, length, sizeof length - 1) == 0)
        duplex->body_left = strtoll(line + sizeof length - 1, NULL, 10);
    else if (strncasecmp(line, encoding, sizeof encoding - 1) == 0)
        duplex->is_chunked = true;
}

/* Chunks are not taken apart: a refusal is an error's text, and short. */
static bool is_complete(const struct http_duplex *duplex, const struct strbuf *answer)
{
    if (duplex->is_chunked)
        return answer->full || str_ends(strbuf_text(answer), "0\r\n\r\n");
    return duplex->body_left == 0;
}

static void take_body(struct http_call *call, const char *bytes, size_t length)
{
    struct http_duplex *duplex = call->duplex;
    if (length)
        http_call_body(call, bytes, length); /* bounded by what read_some() reads */
    if (call->status < 400)
        return;
    if (duplex->body_left > 0) {
        if ((int64_t)length < duplex->body_left)
            duplex->body_left -= (int64_t)length;
        else
            duplex->body_left -= duplex->body_left;
    }
    if (is_complete(duplex, &call->answer))
        http_call_end(call);
}

/* The lines of the head, each with its end; what follows the empty one is body. */
static void take_head(struct http_call *call, const char *bytes, size_t length)
{
    struct http_duplex *duplex = call->duplex;
    char *end;
    strbuf_add(&duplex->head, bytes, length);
    while (!call->head_done && (end = strstr(strbuf_text(&duplex->head), "\r\n"))) {
        size_t size = (size_t)(end + 2 - duplex->head.data);
        note_length(duplex, duplex->head.data);
        http_call_header(call, duplex->head.data, size);
        strbuf_consume(&duplex->head, size);
    }

    if (call->head_done) {
        take_body(call, duplex->head.data, duplex->head.length);
    } else if (duplex->head.full) {
        error_set(&call->error, ERROR_PROTOCOL, "%s does not speak HTTP (an endless head)",
                  call->transport->name);
        http_call_end(call);
    }
}

static void take_end(struct http_call *call, CURLcode code)
{
    if (call->head_done)
        code = CURLE_OK;
    http_set_error(call, code);
    http_call_end(call);
}

static void read_some(struct http_call *call)
{
    char bytes[PIECE];
    for (int i = 0; !call->finished && i < PIECES_AT_ONCE; i++) {
        size_t length = 0;
        CURLcode code = curl_easy_recv(call->easy, bytes, sizeof bytes, &length);
        if (code == CURLE_AGAIN)
            return;
        if (code != CURLE_OK || !length)
            take_end(call, code);
        else if (call->head_done)
            take_body(call, bytes, length);
        else
            take_head(call, bytes, length);
    }
    if (!call->finished)
        loop_post(call->transport->loop, &call->duplex->more);
}

/* ---- output ---- */

static SSL *tls_session(const struct http_call *call)
{
    struct curl_tlssessioninfo *tls = NULL;
    curl_easy_getinfo(call->easy, CURLINFO_TLS_SSL_PTR, &tls);
    if (tls && tls->backend == CURLSSLBACKEND_OPENSSL && libssl_open(NULL) == 0)
        return tls->internals;
    return NULL;
}

/* The peer's reader learns that this was all; its own bytes still come. */
static void end_output(struct http_duplex *duplex)
{
    SSL *tls = tls_session(duplex->call);
    if (tls)
        duplex->has_ended = SSL_get_error(tls, SSL_shutdown(tls)) != SSL_ERROR_WANT_WRITE;
    else
        duplex->has_ended = !shutdown(duplex->fd, SHUT_WR) || errno != EINTR;
}

static bool has_output(const struct http_duplex *duplex)
{
    return !duplex->is_deaf && (duplex->out.length || (duplex->ends && !duplex->has_ended));
}

static void write_some(struct http_duplex *duplex)
{
    while (!duplex->is_deaf && duplex->sent < duplex->out.length) {
        size_t sent = 0;
        CURLcode code = curl_easy_send(duplex->call->easy, duplex->out.data + duplex->sent,
                                       duplex->out.length - duplex->sent, &sent);
        if (code == CURLE_AGAIN)
            return;
        duplex->is_deaf = code != CURLE_OK;
        duplex->sent += sent;
    }
    strbuf_truncate(&duplex->out, 0);
    duplex->sent = 0;
    if (duplex->ends && !duplex->has_ended && !duplex->is_deaf)
        end_output(duplex);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct http_duplex *duplex)
{
    int events = UV_READABLE;
    if (has_output(duplex))
        events |= UV_WRITABLE;
    uv_poll_start(&duplex->poll, events, on_poll);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct http_duplex *duplex = poll->data;
    struct http_call *call = duplex->call;
    bool had_output = duplex->out.length > 0;
    if (!call)
        return;
    write_some(duplex);
    if (had_output && !duplex->out.length && call->head_done)
        http_call_drained(call);
    if (events & UV_READABLE || status < 0)
        read_some(call);
    if (call->duplex) /* it has not ended */
        watch(duplex);
    http_dispatch(duplex->transport);
}

static void on_more(void *data)
{
    struct http_duplex *duplex = data;
    read_some(duplex->call);
    http_dispatch(duplex->transport);
}

void http_duplex_begin(struct http_call *call)
{
    struct http_duplex *duplex = call->duplex;
    struct real_transport *transport = call->transport;
    curl_socket_t fd = CURL_SOCKET_BAD;

    if (curl_easy_getinfo(call->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd == CURL_SOCKET_BAD ||
        uv_poll_init(&transport->loop->uv, &duplex->poll, fd) < 0) {
        http_set_error(call, CURLE_SEND_ERROR);
        http_call_end(call);
        return;
    }
    SSL *tls = tls_session(call);
    if (tls)
        SSL_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    duplex->fd = fd;
    duplex->poll.data = duplex;
    duplex->is_open = true;
    transport->handles++;
    watch(duplex);
}

/* ---- the front door ---- */

size_t http_write(struct http_call *call, const char *bytes, size_t length)
{
    struct http_duplex *duplex = call->duplex;
    if (!duplex || !duplex->is_open || duplex->ends || duplex->is_deaf)
        return 0;
    strbuf_add(&duplex->out, bytes, length);
    watch(duplex);
    return duplex->out.length - duplex->sent;
}

void http_write_end(struct http_call *call)
{
    struct http_duplex *duplex = call->duplex;
    if (!duplex || !duplex->is_open || duplex->ends)
        return;
    duplex->ends = true;
    watch(duplex);
}
