/* The control protocol, both ends: JSON lines over a unix socket between commands and the supervisor.
 *
 * The socket is 0600 in a private folder, peers of another uid are turned away, lines are bounded (16 MiB
 * each way: a plan and a view are one line each). Each client has a bounded queue: what overflows is replaced
 * by one {"type":"lost"} record, after which the client asks for a view. Log lines cross it in pages only.
 *
 * Request:  {"id":N,"verb":"up",…}       one object a line, ids chosen by the client, > 0
 * Answers:  {"id":N,"type":"transition",…}   while the request works (and for `watch`)
 *           {"id":N,"type":"done","code":exit code,"error":{…}?,"data":…?}
 * An error: {"code","message","resource"?,"hint"?,"source":{"file","line","column"}?}
 *
 * Verbs, their fields, and the data of their answers; as structures: requests.h and view.h:
 *   hello     {protocol:1, version, lease:bool}
 *             {session, project, version, pid, owner, detached, logs, ending}
 *             owner: pid of the command that started the session, 0 when it is detached
 *             ending: a down is under way; whoever wants something up comes again when it is over
 *   up        {plan, engine, resources:[…], only, replace, defaultsOnly, forceRecreate, startedOnly, dryRun,
 *             timeoutMs, lease:bool}
 *             the view, and when it failed a "report" in it
 *   down      {persistent, volumes, kill, timeoutMs, leave:bool}
 *             {removed:[{"kind","name","resource"}], kept:[…], left:bool}
 *             leave: gives this client's lease back, and is a down only when nobody else holds the session
 * and it is not detached (else left). Several at once are answered together start, stop, restart, kill
 *             {resources:[…], signal, timeoutMs}; the view
 *   wait      {resources, until:"started"|"healthy"|"completed"…, timeoutMs}; the view
 *   view      {}; the view: orchestrator_view()
 *   watch     {records:bool, moments:bool, session, since}; transitions; with `records` also what changed in
 *             the view, with `moments` what happened, both from revision `since` of that session on: watch.h;
 *             and done when the session has ended in order
 *   usage     {}; what the running resources use: usage.h
 *   logs      {resources, before, count, sinceMs, grep}; a page of logs, backwards: pages.h
 *   edges     {}; details {resource}: details.h
 *   history   {session, since}; what happened lately: watch.h
 *   env       {resources, for}; orchestrator_environment()
 *   exec-info {resource}; orchestrator_exec_info()
 *   secrets   {}; {secrets:[values]}, for whoever takes them out of a text
 *   hurry     {kill:bool}; second Ctrl-C
 *   bye       {}; a holder ends in order, and what runs goes on: the session is detached from now on
 *
 * A transition: {"id","type":"transition","rev","timeMs","resource"?,"node","kind","state","goal","detail",
 *   "elapsedMs","current"?,"total"?,"error":{…}?}; timeMs is
 * milliseconds since 1970. {"type":"lost"} has no id. A session that is ending answers ERROR_NOT_RUNNING to
 * every request: start another. Leases: a connection whose `hello` or `up` said lease:true holds the session;
 * when the last lease ends without `bye` the session is taken down with short stop times; a detached session
 * ends on `down`.
 *
 * Promise: callbacks never run before the starting function returned; on_close once. Ownership as noted. */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "base/error.h"
#include "base/json.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- socket path ---- */
/* A path for a new control socket: $XDG_RUNTIME_DIR/apphost/<name>.sock, else a private folder in /tmp
 * ("apphost-<uid>", checked to be ours and 0700). Too long (107 bytes) falls back to /tmp as well. The caller
 * frees. */
char *control_socket_path(char *const *environment, const char *name, struct error *err);

/* ---- server ---- */
struct control_server;
struct control_client; /* one connection, server side */
struct control_handlers {
    /* A complete request; message is borrowed during the call. */
    void (*on_request)(struct control_client *client, int64_t id, const char *verb, const cJSON *message,
                       void *data);
    /* Everything that was sent has been read. NULL: nobody wants to know. */
    void (*on_drain)(struct control_client *client, void *data);
    /* The connection is gone; the client is freed after this returns. */
    void (*on_gone)(struct control_client *client, void *data);
    void *data;
};
/* Binds (atomically replacing a stale file) and listens. */
struct control_server *control_listen(struct loop *loop, const char *path,
                                      const struct control_handlers *handlers, struct error *err);
/* The name that it listens at still leads to it. Folders of sockets are swept: at a logout, by cleaners of
 * /tmp.
 */
bool control_server_is_there(const struct control_server *server);
/* Listens at path from now on, which may be where it listened before; clients stay connected. */
int control_server_move(struct control_server *server, const char *path, struct error *err);
/* Queues one line; takes the message. A record without a type "done" is dropped while the client's queue is
 * full. */
void control_send(struct control_client *client, cJSON *message);
/* A "done" answer. data is taken (may be NULL). */
void control_send_done(struct control_client *client, int64_t id, const struct error *error, cJSON *data);
/* It has not read yet what it was sent. */
bool control_client_is_behind(const struct control_client *client);
/* The process at the other end when it connected. */
pid_t control_client_pid(const struct control_client *client);
void control_client_set_data(struct control_client *client, void *data);
void *control_client_data(const struct control_client *client);
/* Flushes queues (bounded by 1 s), closes, unlinks the path. on_gone runs for each client before on_closed,
 * which runs once; the server is freed then. */
void control_server_close(struct control_server *server, loop_cb *on_closed, void *data);

/* ---- client ---- */
struct control_connection;
struct control_request_handlers {
    void (*on_record)(const cJSON *record, void *data); /* transition, lost; may be NULL */
    /* error: the answer's (NULL: none), or ERROR_OWNER when the connection broke. result: the answer's data,
     * borrowed, may be NULL. May close the connection. */
    void (*on_done)(const struct error *error, const cJSON *result, void *data);
    void *data;
};
/* Connects (blocking connect(2) on a local socket). ERROR_NOT_RUNNING: nobody listens; ERROR_OWNER: not
 * allowed. */
struct control_connection *control_connect(struct loop *loop, const char *path, struct error *err);
/* Sends a request; message (NULL: no fields) gets "id" and "verb" and is taken. handlers are copied. Returns
 * the id. */
int64_t control_request(struct control_connection *connection, const char *verb, cJSON *message,
                        const struct control_request_handlers *handlers);
/* The other side has closed it, or does not read; and did not turn us away, which is an answer. */
bool control_is_broken(const struct control_connection *connection);
void control_forget(struct control_connection *connection, int64_t id);
void control_close(struct control_connection *connection); /* no callbacks afterwards; freed by the loop */

/* ---- shared ---- */
cJSON *control_error_to_json(const struct error *error);
void control_error_from_json(const cJSON *json, struct error *error);

#endif
