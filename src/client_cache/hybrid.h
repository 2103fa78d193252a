/*
 * Inside the library: reading and writing entries of HybridCache, and creating them on whatever thread.
 */
#ifndef CLIENT_CACHE_HYBRID_H
#define CLIENT_CACHE_HYBRID_H

#include "client_cache/flight.h"
#include "client_cache/makers.h"
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

/* Whether it is kept, and believed, that there is no value. */
bool hybrid_keeps_nothing(const struct apphost_cache *cache, const struct apphost_hybrid *how);

bool hybrid_is_due(const struct finding *finding, const struct apphost_hybrid *how);

/* Writes a value that is of that moment. */
struct dated {
    struct apphost_bytes key, data;
    int64_t created;
    bool is_nothing; /* that there is no value */
};
int hybrid_write(struct apphost_cache *cache, const struct dated *dated, const struct apphost_hybrid *how,
                 struct apphost_error *error);

/* One call under way. */
struct hybrid_call {
    struct apphost_cache *cache;
    struct apphost_bytes key;
    const struct apphost_hybrid *how;
    struct finding finding;
    bool is_settled;     /* what was found is given: nothing can be made without Redis */
    bool is_handed_over; /* `user` is a creation's to release */
    bool wants_better;   /* than the old value that was found */
    int limit_ms;        /* how long the creation may take; 0: to its end */
};

/* A value has to be made. */
enum { HYBRID_MAKE = 3 };

/* Looks, and decides: the result of the call, or HYBRID_MAKE. */
int hybrid_ask(struct hybrid_call *asking, struct apphost_value *value, struct apphost_error *error);

/* The result of the call after a wait for a creation, by what became of it: 0 with the value, -1 with why,
 * FLIGHT_LATE. */
int hybrid_conclude(struct hybrid_call *asking, int made, struct apphost_value *value,
                    struct apphost_error *error);

/* A creation, which the thread that it may run on owns. */
struct making {
    struct job job;
    struct creation creation;
    struct apphost_hybrid how;
    struct trace_parent parent; /* of what asked for it */
    int64_t seen;
    struct flight *flight;       /* of one on a thread */
    bool may_be_off;             /* nobody asked for it but calls that can be cancelled */
    struct apphost_bytes tags[]; /* then the bytes of tags and key */
};

/* The creation of a call, which from now on says that its `user` is free. */
struct making *hybrid_new_making(struct hybrid_call *asking, struct apphost_error *error);

/* A copy of key and tags; NULL when memory is out. What was created at `seen` is not good enough. */
struct making *making_new(struct apphost_cache *cache, struct apphost_bytes key,
                          const struct apphost_hybrid *how, int64_t seen);
void making_free(struct making *making); /* and says that `user` is free */

/* Creates here, or on a thread (-1 when there is none, and too many wait for one) that lands the flight and
 * frees the making. */
int making_run(struct making *making, struct apphost_value *value, struct apphost_error *error);
int making_start(struct making *making, struct flight *flight);

/* Says that `user` is free. */
void hybrid_release(const struct apphost_hybrid *how);

/* Whether it makes sense. 0, -1. */
int hybrid_check(const struct apphost_cache *cache, const struct apphost_hybrid *how,
                 struct apphost_error *error);

#endif
