/*
 * /health and /alive over HTTP: the response as text, and a little server that sends it.
 *
 * The server is one thread: it listens to all its clients at once, and answers the one whose request is
 * complete. Clients that say nothing cost the others nothing: each has ten seconds, and when there are too
 * many the oldest goes.
 */
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/pick.h"
#include "client/health.h"
#include "client_options/options.h"
#include "client_base/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_SIZE = 8192, CLIENT_MS = 10000, MAX_CLIENTS = 64 };

static char *format_response(int status, const char *reason, const char *body, int is_head, size_t *len)
{
    struct text text = {0};

    text_addf(
        &text,
        "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
        "Cache-Control: no-store, no-cache\r\nPragma: no-cache\r\nExpires: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        "Connection: close\r\n\r\n%s",
        status, reason, strlen(body), pick(is_head, "", body));
    *len = text.len;
    return text_take(&text);
}

static bool is_path(const char *path, const char *wanted)
{
    size_t len = strlen(wanted);

    return strncmp(path, wanted, len) == 0 && (path[len] == '\0' || path[len] == '?');
}

char *apphost_health_respond(struct apphost_health *health, const char *path, int is_head, size_t *len)
{
    struct apphost_health_report report;
    size_t ignored;

    if (!len)
        len = &ignored;
    if (!path || !health || (!is_path(path, "/health") && !is_path(path, "/alive")))
        return format_response(404, "Not Found", "Not Found", is_head, len);
    if (apphost_health_run(health, pick(is_path(path, "/alive"), "live", NULL), &report, NULL) < 0)
        return NULL;
    enum apphost_health_status status = report.status;
    apphost_health_report_free(&report);
    const char *name = apphost_health_status_name(status);
    if (status == APPHOST_UNHEALTHY)
        return format_response(503, "Service Unavailable", name, is_head, len);
    return format_response(200, "OK", name, is_head, len);
}

/* ---- The server ---- */

static void send_all(int fd, const char *data, size_t len, int64_t deadline)
{
    while (len > 0) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
        ssize_t sent = -1;
        if (poll(&poll_fd, 1, clock_left(deadline)) > 0)
            sent = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent <= 0)
            return;
        data += sent;
        len -= (size_t)sent;
    }
}

struct http_client {
    int fd;
    int64_t deadline_ms;
    size_t len;
    char head[REQUEST_SIZE];
};

/* In the order in which they came. */
struct clients {
    struct http_client *list[MAX_CLIENTS];
    size_t count;
};

static void drop(struct clients *clients, size_t index)
{
    close(clients->list[index]->fd);
    free(clients->list[index]);
    clients->count--;
    memmove(&clients->list[index], &clients->list[index + 1],
            (clients->count - index) * sizeof(clients->list[0]));
}

static void admit(struct clients *clients, int fd)
{
    struct http_client *client = malloc(sizeof(*client));

    if (!client) {
        close(fd);
        return;
    }
    if (clients->count == MAX_CLIENTS)
        drop(clients, 0);
    client->fd = fd;
    client->len = 0;
    client->deadline_ms = clock_ms() + CLIENT_MS;
    clients->list[clients->count++] = client;
}

static void answer(struct apphost_health *health, const struct http_client *client)
{
    char method[8], target[1024];
    size_t len = 0;
    char *response;

    if (sscanf(client->head, "%7s %1023s HTTP/", method, target) != 2)
        response = format_response(400, "Bad Request", "Bad Request", 0, &len);
    else if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        response = format_response(405, "Method Not Allowed", "Method Not Allowed", 0, &len);
    else
        response = apphost_health_respond(health, target, strcmp(method, "HEAD") == 0, &len);
    if (response)
        send_all(client->fd, response, len, clock_ms() + CLIENT_MS);
    free(response);
    shutdown(client->fd, SHUT_WR);
}

/* Reads what has come, and answers when the head is complete; the first line is all that matters of it. False
 * when the client is done with. */
static bool advance(struct apphost_health *health, struct http_client *client)
{
    ssize_t got = recv(client->fd, client->head + client->len, REQUEST_SIZE - 1 - client->len, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got <= 0)
        return false;
    client->len += (size_t)got;
    client->head[client->len] = '\0';
    if (!strstr(client->head, "\r\n\r\n") && !strstr(client->head, "\n\n"))
        return client->len < REQUEST_SIZE - 1;
    answer(health, client);
    return false;
}

/* shutdown() on a listening socket is how health_stop_listening() says that it is over. */
static bool is_over(int fd)
{
    int is_listening = 0;
    socklen_t size = sizeof(is_listening);

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) < 0 || !is_listening;
}

static int next_wait(const struct clients *clients)
{
    if (clients->count > 0)
        return clock_left(clients->list[0]->deadline_ms);
    return -1;
}

static void serve_ready(struct apphost_health *health, struct clients *clients, const struct pollfd *fds)
{
    for (size_t i = clients->count; i-- > 0;) {
        struct http_client *client = clients->list[i];
        bool stays;
        if (fds[i].revents)
            stays = advance(health, client);
        else
            stays = clock_left(client->deadline_ms) > 0;

        if (!stays)
            drop(clients, i);
    }
}

static void *listen_thread(void *user)
{
    struct apphost_health *health = user;
    struct clients clients = {.count = 0};
    struct pollfd fds[MAX_CLIENTS + 1];

    for (;;) {
        size_t count = clients.count;

        for (size_t i = 0; i < count; i++)
            fds[i] = (struct pollfd){.fd = clients.list[i]->fd, .events = POLLIN};
        fds[count] = (struct pollfd){.fd = health->listener.fd, .events = POLLIN};
        poll(fds, count + 1, next_wait(&clients));
        serve_ready(health, &clients, fds);
        if (!fds[count].revents)
            continue;
        int fd = accept4(health->listener.fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            admit(&clients, fd);
        else if (is_over(health->listener.fd))
            break;
        else
            poll(NULL, 0, 10); /* no descriptors: others may give some back */
    }
    while (clients.count > 0)
        drop(&clients, 0);
    return NULL;
}

static int bind_address(const char *host, int port, struct apphost_error *error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list = NULL;
    char service[16];
    int fd = -1, one = 1;

    snprintf(service, sizeof(service), "%d", port);
    int rc = getaddrinfo(host, service, &hints, &list);
    if (rc != 0)
        return fail_set(error, APPHOST_E_ARGUMENT, "address", "cannot listen on '%.100s': %s", host,
                        gai_strerror(rc));
    for (struct addrinfo *at = list; at && fd < 0; at = at->ai_next) {
        /* Who has hung up before he is accepted must not keep the others waiting. */
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd >= 0)
            setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (fd >= 0 && (bind(fd, at->ai_addr, at->ai_addrlen) < 0 || listen(fd, 16) < 0)) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    if (fd < 0)
        return fail_set(error, APPHOST_E_CONNECT, "address", "cannot listen on '%.100s' port %d: %s", host,
                        port, strerror(errno));
    return fd;
}

static int bound_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof(address);

    if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        return 0;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

int apphost_health_listen(struct apphost_health *health, const char *address, int *port,
                          struct apphost_error *error)
{
    struct endpoint endpoint;
    char local[128];

    if (!health || !address)
        return fail_null(error, health, "health", "address");
    if (health->listener.fd >= 0)
        return fail_argument(error, "health", "listens already");
    snprintf(local, sizeof(local), "%s%.100s", pick(address[0] == ':', "127.0.0.1", ""), address);
    if (endpoint_parse(local, &endpoint, error) <= 0 || endpoint.kind == ENDPOINT_UNIX)
        return fail_argument(error, "address", "is not host:port");
    int fd = bind_address(endpoint.host, endpoint.port, error);
    endpoint_fini(&endpoint);
    if (fd < 0)
        return -1;
    health->listener.fd = fd;
    if (port)
        *port = bound_port(fd);
    if (pthread_create(&health->listener.thread, NULL, listen_thread, health) == 0)
        return 0;
    close(fd);
    health->listener.fd = -1;
    return fail_set(error, APPHOST_E_MEMORY, NULL, "cannot start a thread");
}

void health_stop_listening(struct apphost_health *health)
{
    if (health->listener.fd < 0)
        return;
    shutdown(health->listener.fd, SHUT_RDWR);
    pthread_join(health->listener.thread, NULL);
    close(health->listener.fd);
    health->listener.fd = -1;
}
