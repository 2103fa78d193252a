/* room: client_conn */
/*
 * A way to a server that can be shut: it relays bytes on loopback, and holds those of one connection and
 * direction back from a given byte on, until it is told to let them go. Or hangs up there, or lets them
 * through one by one.
 */
#ifndef TEST_GATE_H
#define TEST_GATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum { GATE_CONNECTIONS = 16 };
enum gate_way { GATE_UP, GATE_DOWN, GATE_WAYS }; /* to the server, to the client */

struct gate_connection {
    int fds[2];                            /* the client's, the server's; -1: closed */
    _Atomic uint64_t passed[GATE_WAYS];    /* bytes */
    _Atomic uint64_t shut_from[GATE_WAYS]; /* UINT64_MAX: open */
    uint64_t cut_at[GATE_WAYS];
};

struct gate {
    int fd, port, target, wake[2];
    pthread_t thread;
    pthread_mutex_t lock; /* of what passes */
    atomic_bool is_over;
    atomic_bool is_slow; /* a byte at a time */
    /* The first connection, once it comes: where it is shut, and where it hangs up; UINT64_MAX: nowhere. */
    uint64_t first_shut[GATE_WAYS], first_cut[GATE_WAYS];
    _Atomic size_t count;
    struct gate_connection connections[GATE_CONNECTIONS]; /* in the order in which they came */
};

void gate_start(struct gate *gate, int target_port);

/* Before anything has connected: the first connection ends, or is shut, at that byte. */
void gate_plan(struct gate *gate, enum gate_way way, uint64_t cut_at, uint64_t shut_from);

void gate_stop(struct gate *gate);

/* From that many bytes on, counted from now, nothing passes. */
void gate_shut(struct gate *gate, size_t connection, enum gate_way way, uint64_t after);
void gate_open(struct gate *gate, size_t connection, enum gate_way way);

/* Bytes that have passed so far. */
uint64_t gate_passed(struct gate *gate, size_t connection, enum gate_way way);

#endif
