/* The supervisor's end: listens, checks who comes, hands out requests, sends answers.
 *
 * A client's answers are queued up to LOSSY_QUEUE; then it gets one "lost" record and no more transitions
 * until it has read everything, and its further requests wait (its wire is paused). Answers to requests are
 * never dropped; a client that leaves WIRE_QUEUE_LIMIT unread is given up. Ownership: the server owns its
 * clients, the caller owns the server until control_server_close(). */
#include "control/internal.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utlist.h>

enum { LOSSY_QUEUE = 1 << 20, FLUSH_MS = 1000, BACKLOG = 128, MANY_CLIENTS = 1000, BREATH_MS = 100 };

struct control_client {
    struct wire wire; /* first: events of the wire find the client */
    struct control_server *server;
    pid_t pid;
    void *data;
    bool lossy;      /* "lost" was said, records are dropped */
    bool has_spoken; /* a whole line */
    bool is_leaving; /* it made room for somebody */
    struct control_client *prev, *next;
};

/* The listening socket. A server that moves leaves one behind, which closes by itself. */
struct listener {
    uv_poll_t poll;
    struct control_server *server; /* NULL: left behind */
    int fd;
    dev_t device; /* of the name in the file system */
    ino_t inode;
};

struct control_server {
    struct loop *loop;
    struct control_handlers handlers;
    char *path;
    struct listener *listener;
    struct control_client *clients;
    int client_count, leaving_count;
    int reserve_fd; /* or -1 */
    struct timer flush_timer, breath;
    bool closing, handle_closed;
    loop_cb *on_closed;
    void *on_closed_data;
};

static void finish_if_empty(struct control_server *server)
{
    if (!server->closing || !server->handle_closed || server->clients)
        return;
    timer_stop(&server->flush_timer);
    timer_stop(&server->breath);
    if (server->reserve_fd >= 0)
        close(server->reserve_fd);
    loop_cb *on_closed = server->on_closed;
    void *data = server->on_closed_data;
    free(server->path);
    free(server);
    if (on_closed)
        on_closed(data);
}

static void on_client_closed(struct wire *wire)
{
    struct control_client *client = (struct control_client *)wire;
    struct control_server *server = client->server;
    DL_DELETE(server->clients, client);
    server->client_count--;
    server->leaving_count -= client->is_leaving;
    server->handlers.on_gone(client, server->handlers.data);
    free(client);
    finish_if_empty(server);
}

static void refuse(struct control_client *client, int64_t id, const char *why)
{
    cleanup_error struct error error = {0};
    error_set(&error, ERROR_PROTOCOL, "the request is none: %s", why);
    control_send_done(client, id, &error, NULL);
}

static void on_client_line(struct wire *wire, const char *line, size_t length)
{
    struct control_client *client = (struct control_client *)wire;
    if (client->server->closing || client->is_leaving)
        return;
    client->has_spoken = true;
    cleanup_error struct error cause = {0};
    cleanup_json cJSON *message = json_parse(line, length, &cause);
    if (!cJSON_IsObject(message)) {
        refuse(client, 0, cause.text ? cause.text : "it is not a JSON object");
        wire_close(wire);
        return;
    }

    int64_t id = json_int(message, "id", 0);
    const char *verb = json_string(message, "verb", NULL);
    if (id <= 0 || !verb) {
        refuse(client, id > 0 ? id : 0, "it needs an id above 0 and a verb");
        return;
    }
    client->server->handlers.on_request(client, id, verb, message, client->server->handlers.data);
    wire_pause(wire, wire_queued(wire) > LOSSY_QUEUE);
}

static void on_client_end(struct wire *wire, const char *why)
{
    log_debug("control client %ld: %s", (long)((struct control_client *)wire)->pid, why);
    wire_close(wire);
}

static void on_client_drain(struct wire *wire)
{
    struct control_client *client = (struct control_client *)wire;
    client->lossy = false;
    if (client->server->closing)
        wire_close(wire);
    else
        wire_pause(wire, false);
    if (!client->server->closing && client->server->handlers.on_drain)
        client->server->handlers.on_drain(client, client->server->handlers.data);
}

static const struct wire_events client_events = {
    .on_line = on_client_line,
    .on_end = on_client_end,
    .on_drain = on_client_drain,
    .on_closed = on_client_closed,
};

static void admit(struct control_server *server, int fd)
{
    struct ucred peer = {0};
    socklen_t length = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0 || peer.uid != geteuid()) {
        log_warn("turned away process %ld of uid %ld", (long)peer.pid, (long)peer.uid);
        close(fd);
        return;
    }

    struct control_client *client = xcalloc(1, sizeof *client);
    client->server = server;
    client->pid = peer.pid;
    if (wire_open(&client->wire, server->loop, fd, &client_events, NULL) < 0) {
        free(client);
        return;
    }
    DL_APPEND(server->clients, client);
    server->client_count++;
}

/* ---- more than can be served ---- */

static void hold_reserve(struct control_server *server)
{
    if (server->reserve_fd < 0)
        server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* Nobody waits for it to read that: it fits into the socket's buffer, or is lost. */
static void turn_away(int fd, const char *why)
{
    cleanup_error struct error error = {0};
    error_set(&error, ERROR_OWNER, "the supervisor (pid %ld) cannot take another connection: %s",
              (long)getpid(), why);
    error_hint(&error, "end some of the commands that are connected to it, or raise its limits (ulimit -n)");
    cleanup_json cJSON *message = cJSON_CreateObject();
    json_add_int(message, "id", 0);
    json_add_string(message, "type", "done");
    cJSON_AddItemToObject(message, "error", control_error_to_json(&error));
    cleanup_free char *text = json_print(message), *line = xasprintf("%s\n", text);
    if (send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_debug("could not tell somebody that he is turned away: %s", strerror(errno));
    close(fd);
}

/* Of many, the one that has come first and has not said a word makes room: a crowd of silent ones keeps
 * nobody out who has something to say. */
static bool make_room(struct control_server *server)
{
    struct control_client *client = server->clients;
    while (client && (client->has_spoken || client->is_leaving))
        client = client->next;
    if (!client)
        return false;

    cleanup_error struct error error = {0};
    error_set(&error, ERROR_OWNER, "the supervisor (pid %ld) let you go: others came, and you said nothing",
              (long)getpid());
    client->is_leaving = true;
    server->leaving_count++;
    control_send_done(client, 0, &error, NULL);
    wire_close(&client->wire);
    return true;
}

static bool has_room(struct control_server *server)
{
    return server->client_count - server->leaving_count < MANY_CLIENTS || make_room(server);
}

static int accept_one(const struct listener *listener)
{
    return accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

static void take_breath(struct control_server *server)
{
    uv_poll_stop(&server->listener->poll);
    timer_start(&server->breath, BREATH_MS);
}

/* False when nobody can be accepted for now. */
static bool turn_away_for_lack(struct listener *listener)
{
    struct control_server *server = listener->server;
    bool is_full = errno == EMFILE || errno == ENFILE;
    if (is_full && server->reserve_fd >= 0) {
        close(server->reserve_fd);
        server->reserve_fd = -1;
        int fd = accept_one(listener);
        bool is_over = fd < 0 && errno == EAGAIN;
        if (fd >= 0)
            turn_away(fd, "it has no descriptor left");
        hold_reserve(server);
        if (server->reserve_fd >= 0 && (fd >= 0 || is_over))
            return !is_over;
    }
    take_breath(server);
    return false;
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;
    (void)events;
    for (int i = 0; status == 0 && listener->server && i < BACKLOG; i++) {
        int fd = accept_one(listener);
        if (fd < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
            return;
        if (fd < 0 && !turn_away_for_lack(listener))
            return;
        if (fd < 0)
            continue;
        if (has_room(listener->server))
            admit(listener->server, fd);
        else
            turn_away(fd, "too many are connected");
    }
}

static void on_breath(void *data)
{
    struct control_server *server = data;
    hold_reserve(server);
    if (!server->closing)
        uv_poll_start(&server->listener->poll, UV_READABLE, on_connection);
}

/* Under another name until it listens with the right mode, so that nobody ever meets a half-made socket. */
static int listen_at(const char *path, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) + 2 > sizeof address.sun_path)
        return error_set(err, ERROR_FAILED, "the path of the control socket %s is too long", path);
    memcpy(address.sun_path, path, strlen(path));
    address.sun_path[strlen(path)] = '~';

    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) {
        unlink(address.sun_path);
        if (bind(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
            chmod(address.sun_path, 0600) == 0 && listen(fd, BACKLOG) == 0 &&
            rename(address.sun_path, path) == 0)
            return fd;
    }

    int number = errno;
    if (fd >= 0) {
        unlink(address.sun_path);
        close(fd);
    }
    return error_set(err, number == ENOSPC || number == EDQUOT ? ERROR_SPACE : ERROR_FAILED,
                     "cannot listen on the control socket %s: %s", path, strerror(number));
}

static void on_flush_timeout(void *data)
{
    struct control_server *server = data;
    struct control_client *client;
    DL_FOREACH(server->clients, client)
    wire_close(&client->wire);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    struct control_server *server = listener->server;
    close(listener->fd);
    free(listener);
    if (!server)
        return;
    server->handle_closed = true;
    finish_if_empty(server);
}

/* Binds and listens at path, and remembers which name that made. */
static struct listener *listener_open(struct control_server *server, const char *path, struct error *err)
{
    struct stat st = {0};
    int fd = listen_at(path, err);
    if (fd < 0)
        return NULL;

    struct listener *listener = xcalloc(1, sizeof *listener);
    int rc = uv_poll_init(&server->loop->uv, &listener->poll, fd);
    if (rc < 0 || lstat(path, &st) < 0) {
        error_set(err, ERROR_FAILED, "cannot watch the control socket %s: %s", path,
                  rc < 0 ? uv_strerror(rc) : strerror(errno));
        unlink(path);
        close(fd);
        free(listener);
        return NULL;
    }

    listener->server = server;
    listener->fd = fd;
    listener->device = st.st_dev;
    listener->inode = st.st_ino;
    listener->poll.data = listener;
    uv_poll_start(&listener->poll, UV_READABLE, on_connection);
    return listener;
}

struct control_server *control_listen(struct loop *loop, const char *path,
                                      const struct control_handlers *handlers, struct error *err)
{
    struct control_server *server = xcalloc(1, sizeof *server);
    server->loop = loop;
    server->handlers = *handlers;
    server->listener = listener_open(server, path, err);
    if (!server->listener) {
        free(server);
        return NULL;
    }
    server->path = xstrdup(path);
    timer_init(loop, &server->flush_timer, on_flush_timeout, server);
    timer_init(loop, &server->breath, on_breath, server);
    server->reserve_fd = -1;
    hold_reserve(server);
    return server;
}

bool control_server_is_there(const struct control_server *server)
{
    struct stat st;
    return lstat(server->path, &st) == 0 && st.st_dev == server->listener->device &&
           st.st_ino == server->listener->inode;
}

int control_server_move(struct control_server *server, const char *path, struct error *err)
{
    struct listener *listener = listener_open(server, path, err);
    if (!listener)
        return -1;
    server->listener->server = NULL;
    uv_close((uv_handle_t *)&server->listener->poll, on_listener_closed);
    server->listener = listener;
    free(server->path);
    server->path = xstrdup(path);
    return 0;
}

static void send_record(struct control_client *client, const cJSON *message)
{
    char *text = json_print(message);
    size_t length = strlen(text);
    if (length <= WIRE_LINE_LIMIT)
        wire_send(&client->wire, text, length);
    else
        refuse(client, json_int(message, "id", 0), "its answer is too long");
    mem_wipe(text, length); /* environments hold secrets */
    free(text);
}

void control_send(struct control_client *client, cJSON *message)
{
    bool is_answer = strcmp(json_string(message, "type", ""), "done") == 0;
    if (is_answer) {
        send_record(client, message);
    } else if (!client->lossy && wire_queued(&client->wire) > LOSSY_QUEUE) {
        static const char lost[] = "{\"type\":\"lost\"}";
        client->lossy = true;
        wire_send(&client->wire, lost, sizeof lost - 1);
    } else if (!client->lossy) {
        send_record(client, message);
    }
    cJSON_Delete(message);
}

void control_send_done(struct control_client *client, int64_t id, const struct error *error, cJSON *data)
{
    cJSON *message = cJSON_CreateObject();
    json_add_int(message, "id", id);
    json_add_string(message, "type", "done");
    json_add_int(message, "code", error ? error_exit_code(error) : 0);
    if (error_is_set(error))
        cJSON_AddItemToObject(message, "error", control_error_to_json(error));
    if (data)
        cJSON_AddItemToObject(message, "data", data);
    control_send(client, message);
}

bool control_client_is_behind(const struct control_client *client)
{
    return wire_queued(&client->wire) > 0;
}

pid_t control_client_pid(const struct control_client *client)
{
    return client->pid;
}

void control_client_set_data(struct control_client *client, void *data)
{
    client->data = data;
}

void *control_client_data(const struct control_client *client)
{
    return client->data;
}

void control_server_close(struct control_server *server, loop_cb *on_closed, void *data)
{
    struct control_client *client;
    server->closing = true;
    server->on_closed = on_closed;
    server->on_closed_data = data;
    if (control_server_is_there(server))
        unlink(server->path);
    uv_close((uv_handle_t *)&server->listener->poll, on_listener_closed);
    timer_start(&server->flush_timer, FLUSH_MS);
    DL_FOREACH(server->clients, client)
    {
        if (wire_queued(&client->wire) == 0)
            wire_close(&client->wire);
    }
}
