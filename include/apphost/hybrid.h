/*
 * apphost/hybrid.h - entries as HybridCache of .NET keeps them: with tags, and with values that may be given
 * when they are old.
 *
 *     struct apphost_hybrid how = {.create = load, .user = &id, .expire_ms = 60000, .stale_ms = 3600000,
 *                                  .soft_ms = 100, .tags = tags, .tag_count = 1};
 *     int rc = apphost_hybrid_get_or_create(cache, apphost_str("user:7"), &how, &value, &error);
 *     apphost_hybrid_remove_by_tag(cache, apphost_str("users"), &error);
 *
 * They are entries of a distributed cache (apphost/cache.h) whose data is HybridCache's envelope: .NET reads
 * what is written here and the other way round, as bytes or UTF-8 text, and tags removed by either are
 * removed for both. A plain get of such an entry gives the envelope; apphost_cache_remove() removes it. What
 * is more than HybridCache has is modelled on FusionCache: stale values, soft and hard time-outs, eager
 * refresh.
 *
 * With level one (level_one_bytes) a read of an entry and of all that may have removed it stays in the
 * process.
 */
#ifndef APPHOST_HYBRID_H
#define APPHOST_HYBRID_H

#include <apphost/cache.h>
#include <apphost/queue.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Zero is a good value for every field: what the configuration says (DefaultEntryOptions, see
 * apphost/host.h), else what stands there.
 *
 * With soft_ms, hard_ms or eager_percent, and when it is asked for without waiting, a creation may run on a
 * thread of the library, and go on when its caller has left; what it made is kept for the next. A cache has
 * 64 threads for that; others wait for one (65536 may, then APPHOST_E_BUSY), and limits hold meanwhile.
 * `release` says when `user` is not needed any more: it is called once for each call that was given it,
 * before that call returns or, when its creation goes on, after it. A host that is freed waits for no
 * creation.
 */
struct apphost_hybrid {
    apphost_create_fn create; /* APPHOST_NOTHING: a result without data, kept for nothing_ms */
    void *user;
    void (*release)(void *user); /* NULL: nothing to do */

    int64_t expire_ms; /* how long the value is fresh; 0: 300000 */
    int64_t jitter_ms; /* by chance up to so much is added to it */
    int lease_ms;      /* as in struct apphost_create */

    int64_t stale_ms; /* how long after that it is kept, to be given when there is nothing better; 0: not */
    int soft_ms;      /* how long to wait for a creation while there is a stale value; 0: until its end */
    int hard_ms;      /* the same without one, then APPHOST_E_TIMEOUT; 0: until its end */
    int throttle_ms;  /* after a failure, or a wait in vain, the stale value is given without trying; 0: 30000
                       */
    int eager_percent; /* from so much of its life on a read has the value made anew, for later ones; 0: never
                        */

    const struct apphost_bytes *tags;
    size_t tag_count;

    int64_t nothing_ms; /* how long it is kept that there is no value; 0: not at all, and who has 0 creates */
};

enum { APPHOST_CREATED = 0, APPHOST_FRESH = 1, APPHOST_STALE = 2 };

/*
 * APPHOST_FRESH with the value that there was, APPHOST_CREATED with one that was made just now by anyone,
 * APPHOST_STALE with an old one because making it failed or takes long; -1. Among the threads of this process
 * and, by a lease, among processes one creates at a time. A value that was removed, also by tag or prefix, is
 * never given; one that level one has as removed is asked for once more, for there may be a new one.
 *
 * When Redis is away (also when the circuit breaker is open) and fail_open is set, the value is created and
 * not kept. With stale_ms and level one, what this process has read before and knows of no removal of is a
 * stale value then: given at once without fail_open, for nothing can be created, else by the rules above; and
 * soft_ms is also how long Redis is waited for. What others have removed meanwhile is not known then.
 */
int apphost_hybrid_get_or_create(struct apphost_cache *cache, struct apphost_bytes key,
                                 const struct apphost_hybrid *how, struct apphost_value *value,
                                 struct apphost_error *error);

/* 1 with a fresh value, 0, -1. */
int apphost_hybrid_get(struct apphost_cache *cache, struct apphost_bytes key, struct apphost_value *value,
                       struct apphost_error *error);

/* Of `how` count expiry, jitter, stale_ms and tags; NULL: all zero. */
int apphost_hybrid_set(struct apphost_cache *cache, struct apphost_bytes key, struct apphost_bytes data,
                       const struct apphost_hybrid *how, struct apphost_error *error);

/*
 * Everything that was created before now with that tag, or under keys that begin with that prefix (an empty
 * one: everything), is gone: one short write, however much that is. Tag "*" is all entries. Clocks of
 * machines are compared. .NET honours tags, not prefixes. Each prefix that was ever removed is read with
 * every entry: a few hundred of them are fine.
 */
int apphost_hybrid_remove_by_tag(struct apphost_cache *cache, struct apphost_bytes tag,
                                 struct apphost_error *error);
int apphost_hybrid_remove_by_prefix(struct apphost_cache *cache, struct apphost_bytes prefix,
                                    struct apphost_error *error);

struct apphost_hybrid_request {
    struct apphost_bytes key;
    struct apphost_hybrid how; /* copied, with its tags */
};

/* Without waiting: see apphost/queue.h. Redis is asked and values are created on threads of the library, of
 * which waiting takes none; hard_ms counts from here on, and a call that Redis could
 * not be asked for within that, or asyncTimeout, fails. A creation that only calls wait for that were
 * cancelled does not begin. `user` is released when it is not needed any more, also then, and before this
 * returns when it fails. result->rc is as above, result->data the value. */
struct apphost_call *apphost_hybrid_get_or_create_start(struct apphost_cache *cache,
                                                        struct apphost_queue *queue,
                                                        const struct apphost_hybrid_request *request,
                                                        apphost_result_fn done, void *user,
                                                        struct apphost_error *error);

#ifdef __cplusplus
}
#endif
#endif
