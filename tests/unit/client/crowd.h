/* room: client_redis */
/*
 * Sixty-four threads that write numbers that grow, and read them back, while a test does something to the
 * servers. A read may find an older number, which a failover brought back, but never one that was not
 * written, and never another's.
 */
#ifndef TEST_CROWD_H
#define TEST_CROWD_H

#include <apphost/apphost.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum { CROWD_THREADS = 64 };

struct worker {
    struct apphost_cache *cache;
    atomic_bool *is_over;
    int id;
    char name[48];                   /* its key */
    atomic_int rounds, failed, lost; /* lost: an older value came back */
    _Atomic int64_t first_failure_ms, back_ms;
    char trouble[256];
};

struct crowd {
    struct apphost_host *host;
    atomic_bool is_over;
    struct worker workers[CROWD_THREADS];
    pthread_t threads[CROWD_THREADS];
};

/* On the host's cache; the host is freed at the end. */
void crowd_begin(struct crowd *crowd, struct apphost_host *host);

/* Until each has done so many rounds more. */
void crowd_await_rounds(struct crowd *crowd, int more);

/* Until everybody who had a failure had a success since. */
void crowd_await_recovery(struct crowd *crowd);

/* Fails the test when one has seen a wrong value. */
void crowd_end(struct crowd *crowd);
void crowd_print_figures(const struct crowd *crowd, const char *what, int64_t since_ms);

#endif
