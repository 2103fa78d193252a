/* A dashboard in a process of its own, a supervisor that answers as it is told, a Redis that does, and a
 * client of HTTP: all of them but the dashboard in the test's process, on one loop. */
#ifndef TEST_DASHBOARD_RIG_H
#define TEST_DASHBOARD_RIG_H

#include "base/json.h"
#include "control/control.h"
#include "loop/loop.h"
#include "resp/resp.h"
#include "state/state.h"
#include "web/keys.h"

struct rig {
    char base[32];
    char *folder;
    struct loop loop;
    struct state *state;
    int lock_fd;
    pid_t child;
    int port;
    char token[WEB_TOKEN_SIZE];

    struct control_server *server;
    struct control_client *watcher;
    int64_t watch_id;
    bool is_old;    /* a supervisor that knows no records */
    cJSON *answers; /* verb → data, or {"error": {…}} */
    cJSON *asked;   /* the messages that came, in order */
    struct redis *redis;
};

struct rig *rig_start(void);
void rig_end(struct rig *rig);
/* The dashboard is asked to end, and started again. */
void rig_restart(struct rig *rig);
/* A session begins, and ends. */
void rig_begin_session(struct rig *rig);
void rig_end_session(struct rig *rig);
/* What a verb answers from now on; text is JSON. */
void rig_answers(struct rig *rig, const char *verb, const char *text);
/* To whoever watches. */
void rig_tell(struct rig *rig, const char *text);
/* The last message with that verb; NULL: none came. */
const cJSON *rig_asked(const struct rig *rig, const char *verb);

struct reply {
    int status;
    char *text; /* of the whole answer, head and body */
    const char *body;
    cJSON *json; /* of the body, where it is any */
    int fd;
};
/* What is sent is "METHOD PATH"; headers have line ends; body may be NULL. With the token unless `headers`
 * say who it is. */
struct reply rig_ask(struct rig *rig, const char *line, const char *headers, const char *body);
/* A plain question with the token: its JSON, which the caller deletes; the status has to be that. */
cJSON *rig_get(struct rig *rig, const char *path, int status);
cJSON *rig_post(struct rig *rig, const char *path, const char *body, int status);
void reply_free(struct reply *reply);
/* Opens a stream, and waits until it has said something. */
struct reply rig_open(struct rig *rig, const char *path);
void rig_wait_said(struct rig *rig, struct reply *stream, const char *text);
/* Asks for the session until it is in that state. */
void rig_wait_state(struct rig *rig, const char *state);

/* A Redis that answers a command by its first word with these bytes, +OK by default. */
void rig_redis(struct rig *rig);
void rig_redis_answers(struct rig *rig, const char *command, const char *bytes);
/* All that it was asked, a line a command. */
const char *rig_redis_asked(const struct rig *rig);

#endif
