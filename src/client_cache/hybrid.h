/*
 * Inside the library: reading and writing entries of HybridCache, and creating them on whatever thread.
 */
#ifndef CLIENT_CACHE_HYBRID_H
#define CLIENT_CACHE_HYBRID_H

#include "client_cache/flight.h"
#include "client_cache/marks.h"

#include <apphost/hybrid.h>

enum hybrid_state { HYBRID_MISS, HYBRID_OLD, HYBRID_FRESH };

/* What a look found. */
struct finding {
    enum hybrid_state state;
    int64_t created, duration;  /* ticks */
    struct apphost_value value; /* of one that is old or fresh */
    bool is_away;               /* Redis could not be asked */
};

/* With what the configuration says where it says nothing. */
struct apphost_hybrid hybrid_told(const struct apphost_cache *cache, const struct apphost_hybrid *how);

/* Of these tags it is known beforehand that they may matter. 0, -1 (nothing is to be freed). */
int hybrid_look(struct apphost_cache *cache, struct apphost_bytes key, const struct apphost_hybrid *how,
                struct finding *finding, struct apphost_error *error);

/* Whether level one alone has a fresh value, which is not due for an eager refresh. */
bool hybrid_peek(struct apphost_cache *cache, struct apphost_bytes key, const struct apphost_hybrid *how,
                 struct finding *finding);

/* Redis is away: whether what was known last may be given as an old value, by stale_ms and by all that is
 * known of what was removed. */
bool hybrid_recall(struct apphost_cache *cache, struct apphost_bytes key, const struct apphost_hybrid *how,
                   struct finding *finding);

bool hybrid_is_due(const struct finding *finding, const struct apphost_hybrid *how);

/* Writes a value that is of that moment. */
struct dated {
    struct apphost_bytes key, data;
    int64_t created;
};
int hybrid_write(struct apphost_cache *cache, const struct dated *dated, const struct apphost_hybrid *how,
                 struct apphost_error *error);

/* A creation, which the thread that it may run on owns. */
struct making;

/* A copy of key and tags; NULL when memory is out. What was created at `seen` is not good enough. */
struct making *making_new(struct apphost_cache *cache, struct apphost_bytes key,
                          const struct apphost_hybrid *how, int64_t seen);
void making_free(struct making *making); /* and says that `user` is free */

/* Creates here, or on a thread (-1 when there is none) that lands the flight and frees the making. */
int making_run(struct making *making, struct apphost_value *value, struct apphost_error *error);
int making_start(struct making *making, struct flight *flight);

/* Says that `user` is free. */
void hybrid_release(const struct apphost_hybrid *how);

/* Whether it makes sense. 0, -1. */
int hybrid_check(const struct apphost_cache *cache, const struct apphost_hybrid *how,
                 struct apphost_error *error);

#endif
