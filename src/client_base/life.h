/*
 * Inside the library: how long a host lives. Its owner ends it, and calls under way may outlive that: each
 * holds the host's life, and the last to let go frees what it needs, on whatever thread.
 */
#ifndef CLIENT_BASE_LIFE_H
#define CLIENT_BASE_LIFE_H

#include <stdatomic.h>
#include <stddef.h>

struct life {
    _Atomic size_t users;
    void (*end)(struct life *life); /* by the last that lets go */
};

static inline void life_hold(struct life *life)
{
    if (life)
        atomic_fetch_add(&life->users, 1);
}

static inline void life_release(struct life *life)
{
    if (life && atomic_fetch_sub(&life->users, 1) == 1)
        life->end(life);
}

#endif
