/* A tiny HTTP server over a unix socket, on the test's own loop: every request takes the next answer of a
 * script and is recorded. It says exactly the bytes it is given, so that it can be as broken as a test needs.
 */
#ifndef TESTS_HTTP_SERVER_H
#define TESTS_HTTP_SERVER_H

#include "base/str.h"
#include "loop/testing.h"

enum server_then {
    SERVER_KEEP,  /* the connection stays open */
    SERVER_CLOSE, /* end of file after the bytes */
};
struct server_answer {
    char *bytes;
    size_t length;
    int delay_ms; /* before the bytes */
    enum server_then then;
};
enum { SERVER_ANSWERS = 64 };
struct server {
    struct loop *loop;
    char path[96];
    uv_pipe_t listener;
    struct server_connection *connections;
    struct server_answer answers[SERVER_ANSWERS];
    int answer_count, answered;
    int connection_count; /* accepted so far */
    int open_count;
    struct strlist requests; /* head and body, whole */
};
void server_start(struct server *server, struct loop *loop);
/* The next answer. */
void server_add(struct server *server, const char *bytes, enum server_then then);
void server_add_bytes(struct server *server, char *bytes, size_t length, int delay_ms, enum server_then then);
/* Closes connections that are idle (kept by the client), as a server that restarts does. */
void server_drop_connections(struct server *server);
void server_stop(struct server *server);

#endif
