/*
 * Inside the library: a named client. It knows its configuration from the beginning and makes its connection
 * at first use.
 */
#ifndef CLIENT_REDIS_REDIS_H
#define CLIENT_REDIS_REDIS_H

#include "client_base/life.h"
#include "client_conn/conn.h"
#include "client_options/settings.h"
#include "client_redis/lanes.h"
#include "client_telemetry/trace.h"

#include <apphost/redis.h>
#include <pthread.h>
#include <string.h>

struct apphost_redis {
    char *name; /* of the connection */
    bool is_keyed;
    const struct apphost_config *config;
    const struct log *log;
    struct life *life;     /* of the host; NULL: nobody outlives it */
    struct tracer *tracer; /* NULL: no spans */
    struct apphost_settings settings;
    struct apphost_error settings_error;
    struct apphost_client_options callbacks;
    char suffix[8];

    pthread_mutex_t lock; /* of what first use makes */
    bool is_closed;
    bool is_resolving; /* `resolver` makes the options, without the lock */
    pthread_t resolver;
    pthread_cond_t resolved;
    struct apphost_options *options;
    struct lanes lanes;
    _Atomic(struct cluster *) cluster; /* NULL: nobody has asked for it yet */
    struct asked *asked;               /* what the server said about commands, redis_asked.c */
    size_t asked_count;
    struct own *owns; /* streams that somebody has for himself, own.h */
};

struct apphost_redis *redis_new(const char *name, const struct apphost_client_options *callbacks,
                                const struct apphost_config *config, const struct log *log,
                                struct apphost_error *error);
/* Closes and lets go of the connections; every later call fails with APPHOST_E_CLOSED. */
void redis_disconnect(struct apphost_redis *redis);
void redis_free(struct apphost_redis *redis);

/* The connection for a role, made when needed. NULL with the delayed error of the configuration. */
struct conn *redis_conn(struct apphost_redis *redis, enum dial_role role, struct apphost_error *error);

/* Every connection to the primary is dialed again: it is not what it was. */
void redis_redial(struct apphost_redis *redis);

/* Whether a cluster is known to be behind it. */
bool redis_is_cluster(struct apphost_redis *redis);

/* conn_call() with spans; a replica that is not there is replaced by the primary, and what is big has a
 * connection of its own. */
int redis_run(struct apphost_redis *redis, enum dial_role role, const struct batch *batch,
              struct replies *replies, struct apphost_error *error);

/* conn_start() on the connection, or the node, that the batch takes. *role is the one that was taken. */
int redis_start(struct apphost_redis *redis, enum dial_role *role, const struct batch *batch,
                conn_done_fn done, void *user, struct apphost_error *error);

/* Whether a replica answered that it cannot: it loads, or has lost its primary. */
bool redis_wants_primary(const struct replies *replies);

static inline size_t redis_word_length(const struct apphost_command *command, size_t word)
{
    if (command->lens)
        return command->lens[word];
    return strlen(command->argv[word]);
}

/*
 * Whether callers may send this on a shared connection, as far as is known here: 0; 1 when the command is
 * unknown and its server has to say, which redis_ask_command() asks and redis_asked_judge() makes of the
 * answer; -1.
 */
int redis_check_command(struct apphost_redis *redis, const struct apphost_command *command,
                        struct apphost_error *error);

/* The question about a command, COMMAND INFO name, which points into itself and the command. */
struct asked_question {
    char name[64];
    const char *argv[3];
    struct conn_command command;
    struct batch batch;
};
void redis_ask_command(struct apphost_redis *redis, const struct apphost_command *command,
                       struct asked_question *question);

/* Remembers what the server said. 0, -1 when the command is refused for it. */
int redis_asked_judge(struct apphost_redis *redis, const struct apphost_command *command,
                      const struct replies *replies, struct apphost_error *error);
void redis_asked_free(struct apphost_redis *redis);

/* What is known: 0 it may be sent, -1 it may not, 1 nothing. */
int redis_asked_known(struct apphost_redis *redis, const struct apphost_command *command,
                      struct apphost_error *error);

/* The same, waiting for the server where it has to say. 0, -1. */
int redis_clear_command(struct apphost_redis *redis, const struct apphost_command *command,
                        struct apphost_error *error);

/* conn_post() on the primary, which may have to be connected first. */
void redis_post(struct apphost_redis *redis, const struct conn_command *command, uint64_t key);

/* What an error reply means to a caller; -1. */
int redis_explain_reply(const struct resp_reply *reply, struct apphost_error *error);

/* Parts of redis_check_command(), for connections that are not shared. */
int redis_check_words(const struct apphost_command *command, struct apphost_error *error);
int redis_check_admin(const struct apphost_command *command, const struct apphost_options *options,
                      struct apphost_error *error);

/* The same. A redirection or a read-only server is explained, the latter
 * redialed. */
int redis_fail_reply(struct apphost_redis *redis, const struct resp_reply *reply,
                     struct apphost_error *error);

#endif
