/*
 * Inside the library: a cache, and what its operations share.
 *
 * Every operation goes through cache_call(): circuit breaker, connection, spans, latency. An outage is a
 * failure of the way to Redis, not of a command; fail-open turns it into a miss or a success with
 * cache_absorb().
 */
#ifndef CLIENT_CACHE_CACHE_H
#define CLIENT_CACHE_CACHE_H

#include "client_cache/entry.h"
#include "client_cache/level.h"
#include "client_cache/value.h"
#include "client_redis/redis.h"

enum cache_counter {
    COUNT_HITS,
    COUNT_MISSES,
    COUNT_SETS,
    COUNT_REFRESHES,
    COUNT_REMOVES,
    COUNT_ERRORS,
    COUNT_SHORT,
    COUNT_ABSORBED,
    COUNT_PACKED,
    COUNT_PACKED_SAVED,
    COUNT_STALE,
    COUNT_EAGER,
    COUNT_CREATED,
    COUNT_CREATE_FAILURES,
    COUNT_MARKS,
    COUNT_OPERATIONS,
    COUNT_LATENCY,
    COUNT_COUNTERS,
};

struct breaker {
    _Atomic int failures;
    _Atomic int64_t open_until_ms;  /* 0: closed */
    _Atomic int64_t probe_until_ms; /* nobody else probes before */
};

enum { BIG_KEYS = 64, THROTTLES = 64 };

/* A key whose creation has failed: it is not tried again before. */
struct throttle {
    uint64_t hash;
    int64_t until_ms;
};

/* What the configuration says of entries of apphost/hybrid.h, for calls that do not; zero: nothing. */
struct hybrid_defaults {
    int64_t expire_ms, jitter_ms, stale_ms;
    int soft_ms, hard_ms, throttle_ms, eager_percent;
};

struct flight; /* one creation under way, see cache_create.c */

/* What the threads of a cache do (makers.h). */
enum makers_kind { MAKERS_ASK, MAKERS_CREATE, MAKERS_KINDS };
struct makers {
    int threads;
    struct job *first, *last; /* that wait for one */
    size_t waiting;
};

struct apphost_cache {
    struct apphost_redis *redis;
    struct apphost_host *owned_host; /* of apphost_cache_open() */
    struct apphost_cache_options options;
    struct hybrid_defaults hybrid; /* set before the cache is used */
    char *prefix;
    size_t prefix_len;
    struct breaker breaker;
    struct level *level; /* NULL: off */
    atomic_bool is_tracked;
    atomic_bool has_no_unlink; /* the server is older than 4.0 */
    atomic_bool has_big;       /* whether any of big_keys is set */
    _Atomic uint64_t big_keys[BIG_KEYS];
    _Atomic int64_t last_warning_ms;
    _Atomic uint64_t counters[COUNT_COUNTERS];
    _Atomic uint64_t latency_max;
    _Atomic uint64_t latency[APPHOST_LATENCY_BUCKETS];
    pthread_mutex_t flights_lock;
    pthread_cond_t flights_changed;
    struct flight *flights;
    struct throttle throttles[THROTTLES]; /* of hybrid.c, under the lock of the flights */
    struct makers makers[MAKERS_KINDS];   /* under that lock too, and the next two */
    int64_t keeper_ms;                    /* when the keeper looks next; 0: there is none */
    pthread_cond_t keeper_changed;
};

struct apphost_cache *cache_new(struct apphost_redis *redis, const struct apphost_cache_options *options,
                                const char *instance_name, struct apphost_error *error);
void cache_free(struct apphost_cache *cache);

/* The key as Redis sees it. */
struct full_key {
    char *data;
    size_t len;
    uint64_t hash;
    char small[192];
};

int full_key_init(struct full_key *full, const struct apphost_cache *cache, struct apphost_bytes key,
                  struct apphost_error *error);
void full_key_fini(struct full_key *full);

/* 0 with replies, of which none is looked at; -1. cache_call() is for commands that may be sent twice. */
int cache_run(struct apphost_cache *cache, enum dial_role role, const struct batch *batch,
              struct replies *replies, struct apphost_error *error);
int cache_call(struct apphost_cache *cache, enum dial_role role, const struct batch *batch,
               struct replies *replies, struct apphost_error *error);

/* What is needed of a batch about one key (NULL: several); and of one that changes nothing. */
struct batch cache_batch(const struct full_key *key, const struct conn_command *commands, size_t count);
struct batch cache_question(const struct full_key *key, const struct conn_command *commands, size_t count);

/* The end of an operation that began at `started_us`: latency and circuit breaker. `failure` is NULL for a
 * success. */
void cache_finish(struct apphost_cache *cache, int64_t started_us, const struct apphost_error *failure);

/* Whether the way to Redis was the trouble, or a server that is of no use now. */
bool cache_is_away(const struct apphost_error *error);

/* Whether a failure is to be passed over: fail-open, and Redis is away. */
bool cache_absorb(struct apphost_cache *cache, const struct apphost_error *error);

void cache_count(struct apphost_cache *cache, enum cache_counter counter, uint64_t by);
void cache_count_read(struct apphost_cache *cache, bool is_hit);
/* One operation that took this long. */
void cache_count_latency(struct apphost_cache *cache, int64_t elapsed_us);

/* Ends a failed operation: absorbed (returns `absorbed`), or counted and reported (-1). */
int cache_give_up(struct apphost_cache *cache, const struct apphost_error *local, int absorbed,
                  struct apphost_error *error);

/* The circuit breaker, breaker.c. */
int breaker_enter(struct apphost_cache *cache, struct apphost_error *error);
void breaker_leave(struct apphost_cache *cache, const struct apphost_error *failure);
bool is_outage(enum apphost_code code);

/* What one HMGET absexp sldexp [data] reply says. */
struct reading {
    bool is_sliding;
    bool is_nothing;            /* an entry without data: it is known that there is no value */
    bool is_kept;               /* level one keeps it while Redis is away */
    int64_t ttl_ms;             /* the new time to live of one that slides */
    int64_t left_ms;            /* until its absolute end; INT64_MAX: it has none */
    struct apphost_value value; /* with data: owns the reply, or what was made of it */
};

/* Hands the value on, and with it the reply where that is its memory. */
void reading_give(struct reading *reading, struct resp_reply **reply, struct apphost_value *value);
/* Nobody wants it. */
void reading_drop(struct reading *reading, const struct resp_reply *reply);

/* 1 with data (or, where none was asked for, with an entry), 0, -1. */
int cache_decode(struct apphost_cache *cache, struct resp_reply *reply, struct reading *reading,
                 struct apphost_error *error);

/* apphost_cache_get(), which also says of a miss whether it is known that there is no value. */
int cache_get(struct apphost_cache *cache, struct apphost_bytes key, struct apphost_value *value,
              bool *is_nothing, struct apphost_error *error);

/* Whether there is an entry, whose window then starts anew. 1, 0, -1. */
int cache_read(struct apphost_cache *cache, const struct full_key *key, struct resp_reply *reply,
               struct apphost_error *error);

/* One command about one key, with an integer reply. 0, -1. */
int cache_ask_integer(struct apphost_cache *cache, const char *name, const struct full_key *key,
                      long long *out, struct apphost_error *error);

/* Whether UNLINK failed because it cannot be had. It frees in the background; servers before 4.0, users who
 * may not, and command maps without it have DEL. */
bool cache_lacks_unlink(const struct apphost_error *error);

/* A proxy, or a command map without it, takes no transaction: then commands that belong together go without,
 * in one send. */
bool cache_has_transactions(const struct apphost_cache *cache);

/* The most telling error among the replies of a transaction (EXECABORT only says that there was one): -1; 0
 * when there is none. */
int cache_check_replies(struct apphost_cache *cache, const struct replies *replies,
                        struct apphost_error *error);

/* Keys whose values were big when last seen, by their hashes (big_keys.c): they are read over the connection
 * for big values. A key that is not known yet costs the others once. */
enum dial_role big_keys_lane(struct apphost_cache *cache, const struct full_key *key);
void big_keys_note(struct apphost_cache *cache, const struct full_key *key, size_t len);

/* Where reading goes first. */
static inline enum dial_role cache_read_role(const struct apphost_cache *cache)
{
    if (cache->options.read_from_replica)
        return DIAL_REPLICA;
    return DIAL_PRIMARY;
}

static inline enum dial_role cache_key_role(struct apphost_cache *cache, const struct full_key *key)
{
    enum dial_role role = cache_read_role(cache);

    if (role == DIAL_PRIMARY)
        return big_keys_lane(cache, key);
    return role;
}

/* HMGET absexp sldexp [data]; it points into key, argv and lens. */
struct conn_command cache_hmget(const struct full_key *key, const char *argv[5], size_t lens[5],
                                bool with_data);

/*
 * EXPIRE or PEXPIRE. Usually nobody waits for it: the next command of this connection comes after it anyway.
 * In strict-wire mode cache_expire() waits; cache_expire_later(), for the thread of a loop, never does.
 */
typedef int (*cache_expire_fn)(struct apphost_cache *cache, const struct full_key *key, int64_t ttl_ms,
                               struct apphost_error *error);
int cache_expire(struct apphost_cache *cache, const struct full_key *key, int64_t ttl_ms,
                 struct apphost_error *error);
int cache_expire_later(struct apphost_cache *cache, const struct full_key *key, int64_t ttl_ms,
                       struct apphost_error *error);

/* ---- Level one, cache_level.c ---- */

int level_one_init(struct apphost_cache *cache, struct apphost_error *error);
bool level_one_get(struct apphost_cache *cache, const struct full_key *full, struct apphost_value *value);

/* Taken before the server is asked, for what it answers. 0: nothing is kept now. */
uint64_t level_one_ticket(struct apphost_cache *cache, const struct full_key *full);
void level_one_put(struct apphost_cache *cache, const struct full_key *full, const struct reading *reading,
                   uint64_t ticket);

/* What is known of a key besides its value, that there is none among it (marks.h). */
bool level_one_get_mark(struct apphost_cache *cache, const struct full_key *full, struct apphost_value *mark);
void level_one_put_mark(struct apphost_cache *cache, const struct full_key *full,
                        const struct apphost_value *mark, uint64_t ticket);

/* What was known last, though level one is shut, or it is old: for stale values while Redis is away. */
bool level_one_is_shut(const struct apphost_cache *cache);
bool level_one_recall(struct apphost_cache *cache, const struct full_key *full, struct apphost_value *value);
bool level_one_recall_mark(struct apphost_cache *cache, const struct full_key *full,
                           struct apphost_value *mark);

/* This process has written: known by the reply, or by its loss. */
void level_one_forget(struct apphost_cache *cache, uint64_t hash);
struct writes;
void level_one_forget_writes(struct apphost_cache *cache, const struct writes *writes);

/* ---- Get-many, cache_many.c ---- */

/* Where the answer about a key goes. */
struct many_place {
    size_t index;    /* of the caller's keys and values */
    uint64_t ticket; /* of level one */
};

struct many {
    struct apphost_cache *cache;
    cache_expire_fn expire; /* cache_expire unless it is changed */
    struct full_key *keys;  /* what the server has to be asked about */
    struct many_place *places;
    struct conn_command *commands; /* one a key */
    const char *(*argv)[5];
    size_t (*lens)[5];
    size_t count, found; /* of those; and how many were in level one */
};

/* The values, empty so far, get what level one has. Nothing is to be freed after a failure. */
int many_init(struct many *many, struct apphost_cache *cache, const struct apphost_bytes *keys, size_t count,
              struct apphost_value *values, struct apphost_error *error);
void many_fini(struct many *many);

/* The primary, by which connection. */
enum dial_role many_lane(const struct many *many);

/* The number of hits, whose values own their replies from now on; -1 when no key could be read. *error is why
 * of the first that could not, and its code APPHOST_OK without any. */
int many_read(const struct many *many, struct replies *replies, struct apphost_value *values,
              struct apphost_error *error);

/* The end of the operation: counters, and what fail-open makes of a failure. */
int many_finish(const struct many *many, int hits, struct apphost_value *values,
                const struct apphost_error *local, struct apphost_error *error);

/* ---- Set and set-many, cache_set.c ---- */

enum { WRITE_WORDS = 8 }; /* of HMSET, the data last */

/* What one entry puts on the wire. */
struct write {
    struct full_key key;
    char absolute[24], sliding[24], ttl[24];
    const char *argv[WRITE_WORDS], *ttl_argv[3];
    size_t lens[WRITE_WORDS], ttl_lens[3];
    size_t ttl_argc; /* 0: no second command */
    void *packed;    /* the data, compressed; NULL: as it is */
};

/* Points into itself and to the data of the entries. */
struct writes {
    struct write one, *items;
    struct conn_command few[4], *commands;
    size_t count, command_count;
};

/* Nothing is to be freed after a failure. */
int writes_init(struct writes *writes, struct apphost_cache *cache, const struct apphost_entry *entries,
                size_t count, struct apphost_error *error);
void writes_fini(struct writes *writes);
struct batch writes_batch(const struct writes *writes);

/* Remembers which of the keys have big values. */
void writes_note(struct apphost_cache *cache, const struct writes *writes);

/* ---- Remove-many, cache_remove.c ---- */

struct removal {
    struct full_key key;
    const char *argv[2];
    size_t lens[2];
};

/* What is removed by one call. */
struct removals {
    struct apphost_cache *cache;
    struct removal *items;
    struct conn_command *commands; /* one a key */
    size_t count;
};

/* Nothing is to be freed after a failure. */
int removals_init(struct removals *removals, struct apphost_cache *cache, const struct apphost_bytes *keys,
                  size_t count, struct apphost_error *error);
void removals_fini(struct removals *removals);

/* Fills in the commands: UNLINK or DEL. */
void removals_use(struct removals *removals, const char *word);

/* The number that were there; -1 when nothing could be removed. *error is why of the first that could not,
 * and its code APPHOST_OK without any. */
int removals_read(const struct removals *removals, const struct replies *replies,
                  struct apphost_outcome *outcomes, struct apphost_error *error);

/* The end of a call that has failed, and of any. */
int removals_give_up(const struct removals *removals, struct apphost_outcome *outcomes,
                     const struct apphost_error *local, struct apphost_error *error);
void removals_forget(const struct removals *removals);

/* ---- Increment, cache_increment.c ---- */

enum { INCREMENT_COMMANDS = 9, INCREMENT_WORDS = 6 };

struct increment {
    const struct full_key *key; /* the caller's, and set by it */
    struct entry_plan plan;
    cache_expire_fn expire; /* cache_expire unless it is changed */
};

/* Only needed until it is sent. */
struct increment_wire {
    const struct increment *increment;
    char *fresh; /* the name of a new number until it has its expiry */
    size_t fresh_len;
    char absolute[24], sliding[24], by[24], ttl[24];
    size_t count;
    const char *argv[INCREMENT_COMMANDS][INCREMENT_WORDS];
    size_t lens[INCREMENT_COMMANDS][INCREMENT_WORDS];
    struct conn_command commands[INCREMENT_COMMANDS];
};

int increment_init(struct increment *increment, const struct apphost_cache *cache,
                   struct apphost_expiry expiry, struct apphost_error *error);
int increment_encode(const struct increment *increment, int64_t by, struct increment_wire *wire,
                     struct apphost_error *error);
void increment_wire_fini(struct increment_wire *wire);

/* 0 with the sum, -1. */
int increment_finish(struct apphost_cache *cache, const struct increment *increment,
                     const struct replies *replies, int64_t *sum, struct apphost_error *error);

#endif
