/* A command's end: sends requests, sorts answers by their id.
 *
 * A connection that broke tells every request under way, and every later one, from a turn or an event, never
 * from the call that started it. Callbacks may start requests, forget them and close the connection; its
 * memory goes when the loop has closed its handle. */
#include "control/internal.h"
#include "base/mem.h"
#include "machine/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

enum { CROWD_MS = 5000 }; /* for whoever stands before us to be let in */

struct open_request {
    int64_t id;
    struct control_request_handlers handlers;
    struct open_request *prev, *next;
};

struct control_connection {
    struct wire wire; /* first: events of the wire find the connection */
    struct loop *loop;
    int64_t last_id;
    struct open_request *requests; /* by id, ascending */
    char *broken;                  /* why, once it is */
    struct turn fail_turn;
    bool closed, refused;
};

static void finish(struct control_connection *connection, struct open_request *request,
                   const struct error *error, const cJSON *result)
{
    struct control_request_handlers handlers = request->handlers;
    DL_DELETE(connection->requests, request);
    free(request);
    if (handlers.on_done)
        handlers.on_done(error, result, handlers.data);
}

static void fail_all(void *data)
{
    struct control_connection *connection = data;
    cleanup_error struct error error = {0};
    error_set(&error, ERROR_OWNER, "the supervisor does not answer: %s", connection->broken);
    while (connection->requests && !connection->closed)
        finish(connection, connection->requests, &error, NULL);
}

static struct open_request *find_request(const struct control_connection *connection, int64_t id)
{
    struct open_request *request = connection->requests;
    while (request && request->id != id)
        request = request->next;
    return request;
}

static struct open_request *find_after(const struct control_connection *connection, int64_t id)
{
    struct open_request *request = connection->requests;
    while (request && request->id <= id)
        request = request->next;
    return request;
}

/* A record without an id concerns everybody. Any callback may forget any request, so go by id. */
static void tell_all(struct control_connection *connection, const cJSON *record)
{
    int64_t id = 0;
    for (struct open_request *request; !connection->closed && (request = find_after(connection, id));) {
        id = request->id;
        if (request->handlers.on_record)
            request->handlers.on_record(record, request->handlers.data);
    }
}

/* We are turned away: an answer to whatever we asked, or are about to. */
static void refuse_all(struct control_connection *connection, const cJSON *failure)
{
    cleanup_error struct error error = {0};
    control_error_from_json(failure, &error);
    connection->refused = true;
    for (struct open_request *request; !connection->closed && (request = connection->requests);)
        finish(connection, request, &error, NULL);
}

/* Nothing more is heard on this connection. */
static void break_off(struct control_connection *connection, const char *why)
{
    if (connection->broken)
        return;
    connection->broken = xstrdup(why);
    fail_all(connection);
}

static void on_line(struct wire *wire, const char *line, size_t length)
{
    struct control_connection *connection = (struct control_connection *)wire;
    cleanup_json cJSON *record = json_parse(line, length, NULL);
    if (connection->broken)
        return;
    if (!cJSON_IsObject(record)) { /* what else it says would be guessed */
        break_off(connection, "it answered with what is no JSON object");
        return;
    }
    int64_t id = json_int(record, "id", 0);
    bool is_done = strcmp(json_string(record, "type", ""), "done") == 0;
    struct open_request *request = find_request(connection, id);

    if (!id && !is_done) {
        tell_all(connection, record);
    } else if (!id) {
        refuse_all(connection, json_get(record, "error"));
    } else if (request && is_done) {
        const cJSON *failure = json_get(record, "error");
        cleanup_error struct error error = {0};
        if (failure)
            control_error_from_json(failure, &error);
        finish(connection, request, failure ? &error : NULL, json_get(record, "data"));
    } else if (request && request->handlers.on_record) {
        request->handlers.on_record(record, request->handlers.data);
    }
}

static void on_end(struct wire *wire, const char *why)
{
    struct control_connection *connection = (struct control_connection *)wire;
    break_off(connection, why);
}

static void on_drain(struct wire *wire)
{
    (void)wire;
}

static void on_closed(struct wire *wire)
{
    struct control_connection *connection = (struct control_connection *)wire;
    free(connection->broken);
    free(connection);
}

static const struct wire_events events = {
    .on_line = on_line,
    .on_end = on_end,
    .on_drain = on_drain,
    .on_closed = on_closed,
};

static int explain(int number, const char *path, struct error *err)
{
    if (number == ENOENT || number == ECONNREFUSED)
        return error_set(err, ERROR_NOT_RUNNING, "no supervisor listens on %s", path);
    if (number == EACCES || number == EPERM)
        return error_set(err, ERROR_OWNER, "the supervisor on %s belongs to another user: %s", path,
                         strerror(number));
    if (number == EAGAIN)
        return error_set(err, ERROR_OWNER, "the supervisor on %s does not answer: too many wait already",
                         path);
    return error_set(err, ERROR_OWNER, "cannot reach the supervisor on %s: %s", path, strerror(number));
}

static int check_peer(int fd, const char *path, struct error *err)
{
    struct ucred peer = {0};
    socklen_t length = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == geteuid())
        return 0;
    return error_set(err, ERROR_OWNER, "the supervisor on %s belongs to another user (uid %ld)", path,
                     (long)peer.uid);
}

static int connect_to(const char *path, struct error *err)
{
    int fd = machine_connect_within(path, CROWD_MS);
    if (fd == -ENAMETOOLONG)
        return error_set(err, ERROR_FAILED, "the path of the control socket %s is too long", path);
    if (fd < 0)
        return explain(-fd, path, err);
    if (check_peer(fd, path, err) == 0)
        return fd;
    close(fd);
    return -1;
}

struct control_connection *control_connect(struct loop *loop, const char *path, struct error *err)
{
    int fd = connect_to(path, err);
    if (fd < 0)
        return NULL;
    struct control_connection *connection = xcalloc(1, sizeof *connection);
    if (wire_open(&connection->wire, loop, fd, &events, err) < 0) {
        free(connection);
        return NULL;
    }
    connection->loop = loop;
    turn_init(&connection->fail_turn, fail_all, connection);
    return connection;
}

int64_t control_request(struct control_connection *connection, const char *verb, cJSON *message,
                        const struct control_request_handlers *handlers)
{
    struct open_request *request = xcalloc(1, sizeof *request);
    request->id = ++connection->last_id;
    request->handlers = *handlers;
    DL_APPEND(connection->requests, request);

    if (!message)
        message = cJSON_CreateObject();
    json_add_int(message, "id", request->id);
    json_add_string(message, "verb", verb);

    if (connection->broken) {
        loop_post(connection->loop, &connection->fail_turn);
    } else {
        char *text = json_print(message);
        wire_send(&connection->wire, text, strlen(text));
        mem_wipe(text, strlen(text)); /* plans hold secrets */
        free(text);
    }
    cJSON_Delete(message);
    return request->id;
}

bool control_is_broken(const struct control_connection *connection)
{
    return connection->broken && !connection->refused;
}

void control_forget(struct control_connection *connection, int64_t id)
{
    struct open_request *request = find_request(connection, id);
    if (!request)
        return;
    DL_DELETE(connection->requests, request);
    free(request);
}

void control_close(struct control_connection *connection)
{
    if (connection->closed)
        return;
    connection->closed = true;
    loop_unpost(connection->loop, &connection->fail_turn);
    while (connection->requests)
        control_forget(connection, connection->requests->id);
    wire_close(&connection->wire);
}
