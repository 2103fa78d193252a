/*
 * apphost/cache.h - a distributed cache in Redis that shares its entries with .NET's IDistributedCache.
 *
 *     struct apphost_cache *cache = apphost_cache_open("cache", NULL, &error);
 *     apphost_cache_set(cache, apphost_str("greeting"), "hello", 5, apphost_expire_in(60000), &error);
 *     if (apphost_cache_get(cache, apphost_str("greeting"), &value, &error) == 1) ...
 *
 * An entry is a hash with the fields absexp, sldexp (ticks of .NET, -1 for none) and data, under the instance
 * name followed by the key. Expiration is the key's: absolute, relative to now (wins over absolute), sliding,
 * or both. As in .NET the first time to live is cut to whole seconds, and one below a second removes the
 * entry at once; `precise_expiry` in the options keeps milliseconds. Where .NET is not atomic this is: no
 * entry without its expiry, no stale expiry left by an overwrite.
 *
 * Every call is safe for any number of threads, and bounded in time by `syncTimeout` (5 s) or the options'
 * timeout.
 */
#ifndef APPHOST_CACHE_H
#define APPHOST_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <apphost/error.h>
#include <apphost/redis.h>
#include <apphost/telemetry.h>

#ifdef __cplusplus
extern "C" {
#endif

struct apphost_cache;

/* Bytes of the caller. A key may be empty and may contain NULs; it may not pass 512 MiB. */
struct apphost_bytes {
    const void *data;
    size_t len;
};

static inline struct apphost_bytes apphost_str(const char *text)
{
    struct apphost_bytes bytes = {text, text ? strlen(text) : 0};
    return bytes;
}

static inline struct apphost_bytes apphost_bytes(const void *data, size_t len)
{
    struct apphost_bytes bytes = {data, len};
    return bytes;
}

/* Bytes of the library: a NUL follows them. Give every value that was filled to apphost_value_free(). */
struct apphost_value {
    const char *data; /* NULL: no such entry; an empty entry is not NULL */
    size_t len;
    void *owner;
    enum apphost_code code; /* get-many: why this key could not be read; APPHOST_OK: it could */
};

void apphost_value_free(struct apphost_value *value);

/* ---- Expiration ---- */

enum apphost_expiry_flags { APPHOST_ABSOLUTE = 1, APPHOST_RELATIVE = 2, APPHOST_SLIDING = 4 };

/* Zero: never expires. A flag says that its field counts; values that are not positive or overflow are
 * errors. */
struct apphost_expiry {
    unsigned flags;
    int64_t absolute_unix_ms; /* a moment in the future */
    int64_t relative_ms;
    int64_t sliding_ms; /* every get and refresh starts this anew, up to the absolute end */
};

static inline struct apphost_expiry apphost_expire_never(void)
{
    struct apphost_expiry expiry = {0, 0, 0, 0};
    return expiry;
}

static inline struct apphost_expiry apphost_expire_in(int64_t relative_ms)
{
    struct apphost_expiry expiry = {APPHOST_RELATIVE, 0, relative_ms, 0};
    return expiry;
}

static inline struct apphost_expiry apphost_expire_at(int64_t absolute_unix_ms)
{
    struct apphost_expiry expiry = {APPHOST_ABSOLUTE, absolute_unix_ms, 0, 0};
    return expiry;
}

static inline struct apphost_expiry apphost_expire_sliding(int64_t sliding_ms)
{
    struct apphost_expiry expiry = {APPHOST_SLIDING, 0, 0, sliding_ms};
    return expiry;
}

/* ---- Opening ---- */

/* Zero is a good value for every field. */
struct apphost_cache_options {
    const char *instance_name; /* before every key; NULL: InstanceName of the configuration, else none */
    bool strict_wire;          /* exactly the commands of .NET 9, in its order, without MULTI */
    bool precise_expiry;       /* milliseconds in the first time to live */
    bool read_from_replica;    /* get and get-many ask a replica, the primary when there is none */
    bool fail_open;       /* no connection, or a server of no use (OOM, LOADING, READONLY, ...), is a miss on
                             reading and a success on writing */
    int breaker_failures; /* consecutive connection failures that open the circuit breaker; 0: never */
    int breaker_pause_ms; /* how long it stays open before one call may try again; 0: 30000 */
    int timeout_ms;       /* of one call; 0: syncTimeout */
    apphost_log_fn log;   /* only for apphost_cache_open(): where log lines go; a host has its own */
    void *log_user;
    size_t level_one_bytes; /* values kept in this process, see below; 0: none */
    int level_one_ms;       /* the longest that one is kept there; 0: 300000 */
    size_t compress_above;  /* values of more bytes are compressed where that pays, see below; 0: none */
};

/*
 * Level one: what get, get-many and get-or-create read is kept in the process, within level_one_bytes (with
 * keys and what each entry costs), and read again without a word to the server. It is kept right by the
 * server: over a connection of its own (CLIENT TRACKING, broadcast for the instance name) it tells what was
 * written, removed or has expired, by whomever. While that connection is not up, nothing is kept, and when it
 * is lost nothing of it is read any more (what apphost/hybrid.h may give as a stale value stays until it is
 * up again, all else is forgotten at once); a server that falls silent is found out within `deadPeerTimeout`
 * (10 s), which is how old a value can get in the worst case, and otherwise it is as old as the message
 * takes. What this process wrote, by this cache, is read at once.
 *
 * Not kept are entries with a sliding window (a read here would not start it anew), and values of more than
 * an eighth of the bound. What has to go is chosen by SIEVE. With a server before 6.0, Garnet, a cluster or
 * `protocol=2` it stays off, which the log says, and with read_from_replica. The asynchronous get and
 * get-many read there too; the other calls ask the server as ever. A hit is no span, and is counted in `hits`
 * and `level_one_hits`.
 */

/*
 * A compressed value is a frame of zstd behind a magic of eight bytes. Every read of this library gives the
 * value, whatever the reader's options; .NET sees the compressed bytes, and HybridCache takes them for a
 * miss. A strict-wire cache writes none.
 */

/*
 * Opens the cache of a connection name on its own: configuration from the working directory and the
 * environment. Nothing is connected and nothing is validated before the first use. For several caches,
 * callbacks, health checks and telemetry use a host (apphost/host.h).
 */
struct apphost_cache *apphost_cache_open(const char *connection_name,
                                         const struct apphost_cache_options *options,
                                         struct apphost_error *error);

/* Only for caches of apphost_cache_open(); those of a host end with it. No other thread may use it any more,
 * but asynchronous calls may be under way: they call back with APPHOST_E_CLOSED. NULL is allowed. */
void apphost_cache_close(struct apphost_cache *cache);

/* ---- What IDistributedCache has ---- */

/* 1 with *value, 0 when there is no entry (*value is empty then), -1. */
int apphost_cache_get(struct apphost_cache *cache, struct apphost_bytes key, struct apphost_value *value,
                      struct apphost_error *error);

/* NULL with a length of 0 is an empty value. */
int apphost_cache_set(struct apphost_cache *cache, struct apphost_bytes key, const void *data, size_t len,
                      struct apphost_expiry expiry, struct apphost_error *error);

/* Starts the sliding window anew. 1, 0 when there is no entry, -1. */
int apphost_cache_refresh(struct apphost_cache *cache, struct apphost_bytes key, struct apphost_error *error);

/* 1 when there was an entry, 0, -1. */
int apphost_cache_remove(struct apphost_cache *cache, struct apphost_bytes key, struct apphost_error *error);

/* With C strings, UTF-8 as in .NET. *text is for free(3). */
int apphost_cache_get_string(struct apphost_cache *cache, const char *key, char **text,
                             struct apphost_error *error);
int apphost_cache_set_string(struct apphost_cache *cache, const char *key, const char *text,
                             struct apphost_expiry expiry, struct apphost_error *error);

/* ---- What its users ask for ---- */

/*
 * values[i] for keys[i], one round trip for those that level one does not have. The number of hits; -1 when
 * none of the keys could be read. A key that could not, for example one of another type, has no value but a
 * code, and *error says why of the first of them (its code is APPHOST_OK when there is none). Free each
 * value.
 */
int apphost_cache_get_many(struct apphost_cache *cache, const struct apphost_bytes *keys, size_t count,
                           struct apphost_value *values, struct apphost_error *error);

/* What became of one key of several. */
struct apphost_outcome {
    int rc;                 /* as of the call about one key */
    enum apphost_code code; /* why it is -1 */
};

/* outcomes[i] for keys[i], one round trip: 1 there was an entry, 0, -1. The number of entries that there
 * were; -1 when none of the keys could be removed. *error says why of the first that could not, as get-many
 * does. */
int apphost_cache_remove_many(struct apphost_cache *cache, const struct apphost_bytes *keys, size_t count,
                              struct apphost_outcome *outcomes, struct apphost_error *error);

struct apphost_entry {
    struct apphost_bytes key, data;
    struct apphost_expiry expiry;
};

/* All or nothing, one round trip; in a cluster that is so for each entry, and the nodes are asked at once:
 * when one of them cannot be had, the error says how many entries others have written all the same. */
int apphost_cache_set_many(struct apphost_cache *cache, const struct apphost_entry *entries, size_t count,
                           struct apphost_error *error);

/* Makes the data of an entry that is missing: 0 with *data from malloc(3), which the library frees,
 * APPHOST_NOTHING when it is known that there is no value (only with nothing_ms), or -1. */
enum { APPHOST_NOTHING = 1 };
typedef int (*apphost_create_fn)(void *user, void **data, size_t *len, struct apphost_error *error);

struct apphost_create {
    apphost_create_fn create;
    void *user;
    struct apphost_expiry expiry;
    int lease_ms; /* how long other processes wait for this one before they create too; 0: 10000 */
    /* How long it is kept that there is no value: the call then succeeds with a value whose data is NULL, and
     * other calls, and .NET, see a miss. 0: not at all, and each caller of those with 0 creates. */
    int64_t nothing_ms;
    int64_t jitter_ms; /* by chance up to so much is added to a relative expiry; 0: nothing */
};

/*
 * Gets, or creates and sets. Among the threads of this process one creates and the others wait for its
 * result; among processes a lease in Redis (the key "<key>:lease") does the same. 1 when it was there, 0 when
 * it was created (by anyone, just now), -1. When Redis is away and fail_open is set, the value is created and
 * not kept.
 */
int apphost_cache_get_or_create(struct apphost_cache *cache, struct apphost_bytes key,
                                const struct apphost_create *create, struct apphost_value *value,
                                struct apphost_error *error);

/* Adds to a number kept as decimal text (0 when there is none) and gives the sum. Atomic. The expiry is for a
   new entry; an existing one keeps its own, and its sliding window starts anew. */
int apphost_cache_increment(struct apphost_cache *cache, struct apphost_bytes key, int64_t by,
                            struct apphost_expiry expiry, int64_t *sum, struct apphost_error *error);

/* 1 with the milliseconds until the entry expires, -1 in *remaining_ms for never; 0 when there is no entry;
 * -1. */
int apphost_cache_remaining(struct apphost_cache *cache, struct apphost_bytes key, int64_t *remaining_ms,
                            struct apphost_error *error);

/* Counters since the cache was made. */
void apphost_cache_stats(const struct apphost_cache *cache, struct apphost_cache_stats *stats);

/* The connection below, for raw commands. Lives as long as the cache. */
struct apphost_redis *apphost_cache_redis(struct apphost_cache *cache);

#ifdef __cplusplus
}
#endif
#endif
