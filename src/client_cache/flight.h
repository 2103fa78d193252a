/*
 * Inside the library: one creation a key in this process, and over processes.
 *
 * In the process: the first caller that misses owns a *flight*; later callers of the same key wait for it and
 * copy its result, as riders without a thread. Who owns it lands it, once, on whatever thread.
 *
 * Across processes: who creates takes a lease first (SET key:lease NX PX). Who does not get it polls for the
 * entry until it is there, the lease is gone, or its time is up. Every failure on the way leads to creating:
 * the worst case is two creators, never none.
 */
#ifndef CLIENT_CACHE_FLIGHT_H
#define CLIENT_CACHE_FLIGHT_H

#include "client_cache/cache.h"

enum { LEASE_MS = 10000 };

enum flight_kind { FLIGHT_PLAIN, FLIGHT_HYBRID };

struct flight;

/* Joins the flight of this key, which outlives it, or begins one; NULL when memory is out. */
struct flight *flight_join(struct apphost_cache *cache, struct apphost_bytes key, enum flight_kind kind,
                           bool *is_owner);

/* A thread will land it, whose key this is: the caller's may go first. */
void flight_hand_over(struct apphost_cache *cache, struct flight *flight, struct apphost_bytes key);

/* The owner waits too, for a thread that lands it. */
void flight_hold(struct apphost_cache *cache, struct flight *flight);

/* Lets go of it without waiting. */
void flight_leave(struct apphost_cache *cache, struct flight *flight);

void flight_land(struct apphost_cache *cache, struct flight *flight, int rc,
                 const struct apphost_value *value, const struct apphost_error *error);

enum { FLIGHT_LATE = -2 };

/* Waits, and lets go of it: 0 with a copy of the result, -1 with its error; FLIGHT_LATE. */
int flight_ride(struct apphost_cache *cache, struct flight *flight, int64_t deadline_ms,
                struct apphost_value *value, struct apphost_error *error);

/*
 * Waits without a thread. `done` is called once, by whoever lands the flight, by the keeper at due_ms with
 * FLIGHT_LATE (the creation goes on), or before flight_board() returns; under no lock.
 */
struct rider {
    struct rider *next;
    struct apphost_cache *cache;
    struct flight *flight;
    int64_t due_ms; /* 0: it waits to the end */
    void (*done)(struct rider *rider, int rc, const struct apphost_value *value,
                 const struct apphost_error *error);
    bool (*is_off)(const struct rider *rider); /* nobody wants its result any more; takes no lock of ours */
};

/* The caller's hold of the flight is the rider's from now on. */
void flight_board(struct flight *flight, struct rider *rider);

/* Whether all that rode it were called off; who left because of the time wants it to go on. */
bool flight_is_off(struct apphost_cache *cache, const struct flight *flight);

/* For the keeper: takes out who is late (under the lock), when the next will be; and tells them. */
int64_t flights_take_late(struct apphost_cache *cache, int64_t now_ms, struct rider **late);
void riders_tell_late(struct rider *late);

/* What the owner of a flight does. */
struct creation {
    struct apphost_cache *cache;
    struct apphost_bytes key;
    const void *how;
    int lease_ms; /* 0: LEASE_MS */

    /* Is there what is wanted? 1, 0, -1. */
    int (*look)(const struct creation *creation, struct apphost_value *value, struct apphost_error *error);
    /* Makes it, and keeps it where there is a way to Redis. 0, -1. */
    int (*make)(const struct creation *creation, bool is_kept, struct apphost_value *value,
                struct apphost_error *error);
};

/* Runs the caller's function, in a span of its own: 0 with a value, APPHOST_NOTHING, -1. */
int creation_call(struct apphost_cache *cache, apphost_create_fn create, void *user,
                  struct apphost_value *value, struct apphost_error *error);

/* 0 with a value, -1. */
int creation_run(const struct creation *creation, struct apphost_value *value, struct apphost_error *error);

#endif
