/*
 * apphost/redis.h - a named connection to a Redis, shared by everything that uses it, and raw commands on it.
 *
 * One object is one multiplexed connection (and one more for values of a mebibyte and above, as far as that
 * is known beforehand): every thread may call it at any time, commands of different callers share one stream,
 * and it connects at the first use and reconnects by itself. Where the server is a node of a Redis Cluster,
 * there is one for each node, and commands go to the node that has their key. Obtain one from a host
 * (apphost/host.h).
 */
#ifndef APPHOST_REDIS_H
#define APPHOST_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <apphost/error.h>
#include <apphost/options.h>

#ifdef __cplusplus
extern "C" {
#endif

struct apphost_redis;
struct apphost_reply;

enum apphost_reply_type {
    APPHOST_REPLY_NIL,
    APPHOST_REPLY_STATUS,
    APPHOST_REPLY_ERROR,
    APPHOST_REPLY_INTEGER,
    APPHOST_REPLY_STRING,
    APPHOST_REPLY_ARRAY,
    APPHOST_REPLY_BOOL,
    APPHOST_REPLY_DOUBLE,
    APPHOST_REPLY_BIG_NUMBER,
    APPHOST_REPLY_VERBATIM,
    APPHOST_REPLY_MAP,
    APPHOST_REPLY_SET,
    APPHOST_REPLY_PUSH,
};

/*
 * Sends one command and waits for its reply. `lens` may be NULL when all arguments are C strings. An error
 * reply of the server is a failure (APPHOST_E_SERVER). On success the caller frees *reply.
 *
 * Commands that would change what others on the connection are answered, or keep them waiting, are refused,
 * by subcommand and argument where these decide (CLIENT REPLY, SUBSCRIBE, MULTI, SELECT, XREAD with BLOCK):
 * APPHOST_E_UNSUPPORTED. About a command that the library does not know, the server is asked once (COMMAND
 * INFO): its flags `blocking`, `pubsub` and `no_multi` refuse it, too. Those that administer a server
 * (FLUSHALL, CONFIG, ...) need `allowAdmin=true`.
 */
int apphost_redis_command(struct apphost_redis *redis, size_t argc, const char *const argv[],
                          const size_t lens[], struct apphost_reply **reply, struct apphost_error *error);

/* The same for C strings, ended by a NULL: apphost_redis_execute(redis, &reply, &error, "SET", "k", "v",
 * NULL). */
int apphost_redis_execute(struct apphost_redis *redis, struct apphost_reply **reply,
                          struct apphost_error *error, ...)
#if defined(__GNUC__)
    __attribute__((sentinel))
#endif
    ;

struct apphost_command {
    size_t argc;
    const char *const *argv;
    const size_t *lens; /* may be NULL */
};

/* Many commands in one round trip. On success replies[i] belongs to commands[i] and may be an error reply;
 * free each. */
int apphost_redis_pipeline(struct apphost_redis *redis, const struct apphost_command *commands, size_t count,
                           struct apphost_reply **replies, struct apphost_error *error);

/* A PING and how long it took; latency_us may be NULL. */
int apphost_redis_ping(struct apphost_redis *redis, int64_t *latency_us, struct apphost_error *error);

/*
 * Ends every call under way, of any thread, and every later one with APPHOST_E_CLOSED, of the caches on this
 * connection too. The object itself lives as long as its host: this is how to get threads out of the library
 * before that is freed. NULL and a second time are allowed.
 */
void apphost_redis_close(struct apphost_redis *redis);

/* Whether the connection is established now. Connects nothing. */
bool apphost_redis_is_connected(struct apphost_redis *redis);

/* The options in use, after configuration and callbacks; NULL with the error that first use would give. */
const struct apphost_options *apphost_redis_options(struct apphost_redis *redis, struct apphost_error *error);

enum apphost_reply_type apphost_reply_type(const struct apphost_reply *reply);
int64_t apphost_reply_integer(const struct apphost_reply *reply);
double apphost_reply_double(const struct apphost_reply *reply);
/* The bytes, followed by a NUL that *len (may be NULL) does not count; NULL when the reply has none. */
const char *apphost_reply_string(const struct apphost_reply *reply, size_t *len);
/* Elements of arrays, sets and pushes; a map has its keys and values in turn. NULL beyond the last. */
size_t apphost_reply_count(const struct apphost_reply *reply);
const struct apphost_reply *apphost_reply_element(const struct apphost_reply *reply, size_t index);
void apphost_reply_free(struct apphost_reply *reply);

#ifdef __cplusplus
}
#endif
#endif
