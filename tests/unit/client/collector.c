/* room: client_telemetry */
/* Accepting, reading one request a connection, answering; and a reader of protobuf. */
#include "collector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_LIMIT = 1024 * 1024 };

struct stream {
    int fd;
    SSL *ssl;
};

static ssize_t stream_read(struct stream *stream, void *data, size_t len)
{
    return stream->ssl ? SSL_read(stream->ssl, data, (int)len) : recv(stream->fd, data, len, 0);
}

static void stream_write(struct stream *stream, const char *text)
{
    if (stream->ssl)
        SSL_write(stream->ssl, text, (int)strlen(text));
    else
        send(stream->fd, text, strlen(text), MSG_NOSIGNAL);
}

/* True when a whole request is there. */
static bool read_request(struct stream *stream, struct received *into)
{
    char *data = malloc(REQUEST_LIMIT), *body = NULL;
    size_t len = 0, need = SIZE_MAX;

    while (len < need && len < REQUEST_LIMIT - 1) {
        ssize_t got = stream_read(stream, data + len, REQUEST_LIMIT - 1 - len);

        if (got <= 0)
            break;
        len += (size_t)got;
        data[len] = '\0';
        if (!body && (body = memmem(data, len, "\r\n\r\n", 4))) {
            body += 4;
            const char *length = strcasestr(data, "content-length: ");
            need = (size_t)(body - data) + (length ? strtoul(length + 16, NULL, 10) : 0);
        }
    }
    if (len >= need) {
        snprintf(into->head, sizeof(into->head), "%.*s", (int)(body - data), data);
        into->len = need - (size_t)(body - data);
        into->body = malloc(into->len + 1);
        memcpy(into->body, body, into->len);
    }
    free(data);
    return len >= need;
}

static void serve(struct collector *collector, struct stream *stream)
{
    struct received request = {.body = NULL};

    if (!read_request(stream, &request))
        return;
    pthread_mutex_lock(&collector->lock);
    bool is_refused = collector->refusals > 0;
    collector->refusals -= is_refused;
    bool is_kept = !is_refused && collector->count < COLLECTOR_REQUESTS;
    if (is_kept)
        collector->requests[collector->count++] = request;
    else
        free(request.body);
    pthread_mutex_unlock(&collector->lock);
    stream_write(stream, is_refused ? "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
                                    : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

static void *collect(void *user)
{
    struct collector *collector = user;
    sigset_t broken_pipe;
    int fd;

    /* TLS writes to clients that are gone; the signal stays with this thread, the library gets its own. */
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken_pipe, NULL);
    while ((fd = accept(collector->fd, NULL, NULL)) >= 0) {
        struct stream stream = {.fd = fd};

        if (collector->is_mute) {
            char ignored[4096];
            while (recv(fd, ignored, sizeof(ignored), 0) > 0)
                ;
        } else if (collector->tls) {
            stream.ssl = SSL_new(collector->tls);
            SSL_set_fd(stream.ssl, fd);
            if (SSL_accept(stream.ssl) == 1)
                serve(collector, &stream);
            SSL_shutdown(stream.ssl);
            SSL_free(stream.ssl);
        } else {
            serve(collector, &stream);
        }
        close(fd);
    }
    return NULL;
}

void collector_start(struct collector *collector, const char *folder)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    char path[256];

    pthread_mutex_init(&collector->lock, NULL);
    if (folder) {
        collector->tls = SSL_CTX_new(TLS_server_method());
        snprintf(path, sizeof(path), "%s/cert.pem", folder);
        assert_int_equal(SSL_CTX_use_certificate_chain_file(collector->tls, path), 1);
        snprintf(path, sizeof(path), "%s/key.pem", folder);
        assert_int_equal(SSL_CTX_use_PrivateKey_file(collector->tls, path, SSL_FILETYPE_PEM), 1);
    }
    collector->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(collector->fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(collector->fd, (struct sockaddr *)&address, &len), 0);
    collector->port = ntohs(address.sin_port);
    assert_int_equal(listen(collector->fd, 16), 0);
    assert_int_equal(pthread_create(&collector->thread, NULL, collect, collector), 0);
}

void collector_stop(struct collector *collector)
{
    shutdown(collector->fd, SHUT_RDWR);
    pthread_join(collector->thread, NULL);
    close(collector->fd);
    SSL_CTX_free(collector->tls);
}

void collector_fini(struct collector *collector)
{
    for (size_t i = 0; i < collector->count; i++)
        free(collector->requests[i].body);
}

static bool begins(const struct received *request, const char *start)
{
    return strncmp(request->head, start, strlen(start)) == 0;
}

size_t collector_count(struct collector *collector, const char *start)
{
    size_t count = 0;

    pthread_mutex_lock(&collector->lock);
    for (size_t i = 0; i < collector->count; i++)
        count += begins(&collector->requests[i], start);
    pthread_mutex_unlock(&collector->lock);
    return count;
}

const struct received *collector_last(struct collector *collector, const char *start)
{
    const struct received *last = NULL;

    pthread_mutex_lock(&collector->lock);
    for (size_t i = 0; i < collector->count; i++)
        if (begins(&collector->requests[i], start))
            last = &collector->requests[i];
    pthread_mutex_unlock(&collector->lock);
    return last;
}

/* ---- Protobuf ---- */

static unsigned long long take_varint(struct field *rest)
{
    unsigned long long value = 0;

    for (unsigned shift = 0; rest->len > 0 && shift < 64; shift += 7) {
        unsigned char byte = *rest->data++;

        rest->len--;
        value |= (unsigned long long)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return value;
}

/* The next field, whose number is in *number; {NULL} at the end. Anything else than OTLP uses fails the test.
 */
static struct field take_field(struct field *rest, unsigned *number)
{
    struct field field = {NULL, 0, 0};

    if (rest->len == 0)
        return field;
    unsigned long long tag = take_varint(rest);
    *number = (unsigned)(tag >> 3);
    field.data = rest->data;
    if ((tag & 7) == 0) {
        field.number = take_varint(rest);
        return field;
    }
    assert_true((tag & 7) == 1 || (tag & 7) == 2);
    field.len = (tag & 7) == 1 ? 8 : take_varint(rest);
    assert_true(field.len <= rest->len);
    field.data = rest->data;
    for (size_t i = 0; (tag & 7) == 1 && i < 8; i++)
        field.number |= (unsigned long long)field.data[i] << (8 * i);
    rest->data += field.len;
    rest->len -= field.len;
    return field;
}

struct field field_at(struct field message, unsigned number, size_t n)
{
    struct field field;
    unsigned found = 0;

    while ((field = take_field(&message, &found)).data)
        if (found == number && n-- == 0)
            return field;
    return field;
}

size_t field_count(struct field message, unsigned number)
{
    size_t count = 0;

    while (field_at(message, number, count).data)
        count++;
    return count;
}

bool field_is(struct field field, const char *text)
{
    return field.data && field.len == strlen(text) && memcmp(field.data, text, field.len) == 0;
}
