/* One request: an easy handle, what its callbacks collect, and telling the caller.
 *
 * Happy path: http_call_new() → (look-up) → http_call_begin() → libcurl's callbacks collect head and body →
 * http_call_end() → http_dispatch() tells on_open, on_data, done, and frees the call. Deadlines end a call
 * the same way. A head that never ended is an error here: libcurl reports a cut head as an empty 200. */
#include "http/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <utlist.h>

enum { DEFAULT_LIMIT = 16 << 20, ERROR_BODY_LIMIT = 64 << 10, CONNECT_TIMEOUT_MS = 30000 };
/* A stream may live as long as we do, one for each container's output, and gets small pieces: libcurl's 16
 * KiB for each would be most of a supervisor's memory. */
enum { STREAM_BUFFER = 4096 };

void http_call_ready(struct http_call *call)
{
    if (call->is_ready)
        return;
    call->is_ready = true;
    DL_APPEND2(call->transport->ready, call, ready_prev, ready_next);
}

void http_call_drained(struct http_call *call)
{
    call->drained_due = true;
    http_call_ready(call);
}

static void copy_header(char *to, size_t size, const char *value, size_t length)
{
    while (length && (*value == ' ' || *value == '\t')) {
        value++;
        length--;
    }
    while (length && strchr(" \t\r\n", value[length - 1]))
        length--;
    if (length >= size)
        length = size - 1;
    memcpy(to, value, length);
    to[length] = '\0';
}

static bool is_header(const char *line, size_t length, const char *name)
{
    size_t n = strlen(name);
    return length > n && strncasecmp(line, name, n) == 0;
}

static void end_head(struct http_call *call)
{
    if (call->status < 200 && call->status != 101)
        return; /* 100 Continue: the real head follows */
    call->head_done = true;
    timer_stop(&call->head);
    if (!call->is_stream || call->status >= 400)
        return;
    call->open_due = true;
    http_call_ready(call);
}

void http_call_header(struct http_call *call, const char *line, size_t length)
{
    call->last_ms = loop_now_ms(call->transport->loop);
    if (call->head_done)
        return; /* trailers */
    if (length > 9 && memcmp(line, "HTTP/", 5) == 0) {
        const char *space = memchr(line, ' ', length);
        call->status = 0;
        if (space)
            call->status = atoi(space + 1);
    } else if (is_header(line, length, "Api-Version:")) {
        copy_header(call->api_version, sizeof call->api_version, line + 12, length - 12);
    } else if (is_header(line, length, "Server:")) {
        copy_header(call->server, sizeof call->server, line + 7, length - 7);
    } else if (length <= 2) {
        end_head(call);
    }
}

static size_t on_header(char *line, size_t size, size_t count, void *data)
{
    http_call_header(data, line, size * count);
    return size * count;
}

bool http_call_body(struct http_call *call, const char *bytes, size_t length)
{
    call->last_ms = loop_now_ms(call->transport->loop);
    if (!call->head_done) /* libcurl takes a status below 200 for the last one that we do not */
        return error_set(&call->error, ERROR_PROTOCOL, "%s does not speak HTTP (status %d)",
                         call->transport->name, call->status) == 0;
    if (call->is_stream && call->status < 400) {
        http_call_ready(call);
        return strbuf_add(&call->pending, bytes, length);
    }
    return strbuf_add(&call->answer, bytes, length) ||
           call->is_stream; /* of an error answer the beginning is enough */
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
    if (http_call_body(data, bytes, size * count))
        return size * count;
    return 0;
}

/* libcurl 7.88 leaves its sockets open across exec: a spawned child could read the engine's answers. */
static curl_socket_t on_open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)data, (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static void fail_late(struct http_call *call, const char *what, int64_t ms)
{
    error_set(&call->error, ERROR_TIMEOUT, "%s %s %.3g s", call->transport->name, what, (double)ms / 1000);
    http_call_end(call);
    http_dispatch(call->transport); /* frees the call */
}

static void on_head(void *data)
{
    struct http_call *call = data;
    fail_late(call, "did not answer within", call->limits.head.ms);
}

static void on_whole(void *data)
{
    struct http_call *call = data;
    fail_late(call, "did not answer within", call->limits.whole.ms);
}

static void on_idle(void *data)
{
    struct http_call *call = data;
    int64_t silent = loop_now_ms(call->transport->loop) - call->last_ms;
    if (silent < call->limits.idle.ms)
        timer_start(&call->idle, call->limits.idle.ms - silent);
    else
        fail_late(call, "sent nothing for", call->limits.idle.ms);
}

static void arm(struct http_call *call, struct timer *timer, struct limit limit, loop_cb *run)
{
    limit_check(limit);
    timer_init(call->transport->loop, timer, run, call);
    if (!limit.is_forever)
        timer_start(timer, limit.ms);
}

static void start_clocks(struct http_call *call, const struct http_limits *limits)
{
    call->limits = *limits;
    call->last_ms = loop_now_ms(call->transport->loop);
    arm(call, &call->head, limits->head, on_head);
    arm(call, &call->whole, limits->whole, on_whole);
    arm(call, &call->idle, limits->idle, on_idle);
}

static void set_method(CURL *easy, const struct http_request *request)
{
    curl_off_t length = 0;
    if (request->body)
        length = (curl_off_t)request->body_length;
    if (request->body || strcmp(request->method, "POST") == 0) {
        /* CURLOPT_POST alone would read standard input. */
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, length);
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, text_or_empty(request->body));
    }
    if (strcmp(request->method, "HEAD") == 0)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "POST") != 0)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_headers(struct http_call *call, const struct http_request *request)
{
    cleanup_free char *type = NULL;
    call->headers = curl_slist_append(call->headers, "Expect:");
    if (request->body)
        type = xasprintf("Content-Type: %s", text_or(request->content_type, "application/json"));
    call->headers = curl_slist_append(call->headers, text_or(type, "Content-Type:"));
    for (size_t i = 0; request->headers && request->headers[i]; i++)
        call->headers = curl_slist_append(call->headers, request->headers[i]);
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_address(struct http_call *call, const char *path)
{
    struct real_transport *t = call->transport;
    const char *base = t->url;
    if (t->unix_path)
        base = "http://localhost";
    cleanup_free char *url = xasprintf("%s%s", base, path);

    curl_easy_setopt(call->easy, CURLOPT_URL, url);
    curl_easy_setopt(call->easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(call->easy, CURLOPT_PROXY, "");
    if (t->unix_path)
        curl_easy_setopt(call->easy, CURLOPT_UNIX_SOCKET_PATH, t->unix_path);
    if (t->ca_file)
        curl_easy_setopt(call->easy, CURLOPT_CAINFO, t->ca_file);
    if (t->cert_file)
        curl_easy_setopt(call->easy, CURLOPT_SSLCERT, t->cert_file);
    if (t->key_file)
        curl_easy_setopt(call->easy, CURLOPT_SSLKEY, t->key_file);

    if (t->skip_verify) {
        curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(call->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

static void set_callbacks(struct http_call *call)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, (void *)call);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->errors);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "apphost/" APPHOST_VERSION);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
}

struct http_call *http_call_new(struct real_transport *transport, const struct http_request *request,
                                const struct http_handlers *handlers)
{
    struct http_call *call = xcalloc(1, sizeof *call);

    call->transport = transport;
    call->handlers = *handlers;
    call->is_stream = handlers->on_data || handlers->on_open;
    if (call->is_stream) {
        call->multi = &transport->streams_multi;
        call->answer.limit = ERROR_BODY_LIMIT;
    } else {
        call->multi = &transport->calls_multi;
        call->answer.limit = size_or(request->limit, DEFAULT_LIMIT);
    }
    call->easy = curl_easy_init();
    if (!call->easy)
        abort(); /* out of memory, as xmalloc */
    set_callbacks(call);
    set_address(call, request->path);
    set_method(call->easy, request);
    set_headers(call, request);

    if (request->fresh || call->is_stream) {
        curl_easy_setopt(call->easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(call->easy, CURLOPT_FORBID_REUSE, 1L);
    }

    if (call->is_stream)
        curl_easy_setopt(call->easy, CURLOPT_BUFFERSIZE, (long)STREAM_BUFFER);
    if (request->duplex)
        http_duplex_new(call, request);
    start_clocks(call, &request->limits);
    DL_APPEND(transport->calls, call);
    return call;
}

void http_call_begin(struct http_call *call)
{
    curl_multi_add_handle(call->multi->multi, call->easy);
    call->is_added = true;
}

static void stop_transfer(struct http_call *call)
{
    timer_stop(&call->head);
    timer_stop(&call->whole);
    timer_stop(&call->idle);
    http_lookup_drop(call);
    http_duplex_drop(call);
    if (call->is_added)
        curl_multi_remove_handle(call->multi->multi, call->easy);
    call->is_added = false;
}

void http_call_end(struct http_call *call)
{
    stop_transfer(call);
    call->finished = true;
    http_call_ready(call);
}

/* Leaves both lists; the memory stays. */
static void unlink_call(struct http_call *call)
{
    struct real_transport *transport = call->transport;
    stop_transfer(call);
    if (call->is_ready)
        DL_DELETE2(transport->ready, call, ready_prev, ready_next);
    call->is_ready = false;
    DL_DELETE(transport->calls, call);
    if (transport->current == call)
        transport->current = NULL;
}

static void release(struct http_call *call)
{
    curl_easy_cleanup(call->easy);
    curl_slist_free_all(call->headers);
    curl_slist_free_all(call->resolve);
    strbuf_free(&call->answer);
    strbuf_free(&call->pending);
    error_clear(&call->error);
    free(call);
}

void http_call_free(struct http_call *call)
{
    unlink_call(call);
    release(call);
}

/* NULL for what the head did not say. */
static const char *text_said(const char *text)
{
    return *text ? text : NULL;
}

static void tell_done(struct http_call *call)
{
    unlink_call(call);
    struct http_response response = {
        .status = call->status,
        .body = strbuf_text(&call->answer),
        .length = call->answer.length,
        .api_version = text_said(call->api_version),
        .server = text_said(call->server),
    };

    const struct http_response *answer = NULL;
    const struct error *failure = NULL;
    if (call->head_done)
        answer = &response;
    if (error_is_set(&call->error))
        failure = &call->error;
    call->handlers.done(answer, failure, call->handlers.data);
    release(call);
}

static void tell_data(struct http_call *call)
{
    /* Out of the call: the caller may cancel and go on reading. */
    struct strbuf bytes = call->pending;
    call->pending = (struct strbuf){0};
    if (call->handlers.on_data)
        call->handlers.on_data(strbuf_text(&bytes), bytes.length, call->handlers.data);
    strbuf_free(&bytes);
}

static void tell_drained(struct http_call *call)
{
    call->drained_due = false;
    if (call->handlers.on_drained)
        call->handlers.on_drained(call->handlers.data);
}

static void tell(struct http_call *call)
{
    struct real_transport *transport = call->transport;
    transport->current = call;
    if (call->open_due) {
        call->open_due = false;
        if (call->handlers.on_open)
            call->handlers.on_open(call->status, call->handlers.data);
    }
    if (transport->current == call && call->pending.length)
        tell_data(call);
    if (transport->current == call && call->drained_due)
        tell_drained(call);
    if (transport->current == call && call->finished)
        tell_done(call);
    transport->current = NULL;
}

void http_dispatch(struct real_transport *transport)
{
    while (transport->ready) {
        struct http_call *call = transport->ready;
        DL_DELETE2(transport->ready, call, ready_prev, ready_next);
        call->is_ready = false;
        tell(call);
    }
}
