/*
 * Inside the library: threads for what takes long, a bounded number of a cache's, and a queue before them.
 *
 * There are two kinds of work, so that none waits for the other: asking Redis, which ends by itself, and
 * running a function of the caller's, which ends when that likes. Who waits for a creation takes no thread
 * (struct rider). A thread ends when nothing waits for it. The keeper is one more, there while something
 * waits that has a deadline.
 */
#ifndef CLIENT_CACHE_MAKERS_H
#define CLIENT_CACHE_MAKERS_H

#include "client_cache/cache.h"

struct job {
    struct job *next;
    struct apphost_cache *cache;
    enum makers_kind kind;
    void (*work)(struct job *job); /* owns it */
    void (*late)(struct job *job); /* the same, when its time was up before there was a thread */
    int64_t due_ms;                /* of that; 0: it has time */
};

/* Whose cache and work are set. 0; -1 and nothing has happened: there is no thread, and too many wait. */
int makers_begin(struct job *job, enum makers_kind kind);

/* Somebody waits until then. Under the lock of the flights; -1 when no thread can be had. */
int keeper_need(struct apphost_cache *cache, int64_t due_ms);

#endif
