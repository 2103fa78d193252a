/*
 * How callers of a connection sleep, are woken, and make room for each other. A lone caller never sleeps but
 * in recv; in a crowd most of what a call costs is sleeping and waking.
 */
#include "client_base/clock.h"
#include "client_base/limits.h"
#include "client_conn/conn_internal.h"

#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PATIENCE = 3, DEAR_US = 1000, DEAR_FOR_US = 1000000 };

/*
 * Callers sleep on one word of the connection, told apart by a bit each: a single system call wakes all that
 * one receive has answered. A wake-up per caller would let each of them take the processor from the leader
 * before it is done.
 */
void conn_wake(struct conn *conn, uint32_t bits)
{
    if (bits == 0)
        return;
    atomic_fetch_add(&conn->doorbell, 1);
    syscall(SYS_futex, &conn->doorbell, FUTEX_WAKE_BITSET_PRIVATE, INT_MAX, NULL, NULL, bits);
}

uint32_t request_set_word(struct conn_request *request, enum wake what)
{
    uint32_t bit = request->bit;

    if (atomic_exchange_explicit(&request->wake, what, memory_order_acq_rel) == WAKE_SLEEPING)
        return bit;
    return 0;
}

/*
 * Stepping aside is for others of our own. Where other programs want the processor too, it is theirs for
 * whole slices, and a crowd that steps aside once a call does a tenth of what it could: one that took long is
 * noticed, and then callers sleep instead, whom a wake-up brings back before others.
 */
bool conn_yields_dearly(struct conn *conn)
{
    return atomic_load_explicit(&conn->dear_until_us, memory_order_relaxed) > clock_us();
}

void conn_yield(struct conn *conn)
{
    int64_t before_us = clock_us();

    sched_yield();
    int64_t now_us = clock_us();
    if (now_us - before_us > DEAR_US)
        atomic_store_explicit(&conn->dear_until_us, now_us + DEAR_FOR_US, memory_order_relaxed);
}

/* In a crowd the reply is about to come with the next receive. Stepping aside for the others a few times
 * costs less than to sleep and to be woken, which is most of what a call costs. */
static uint32_t step_aside(struct conn *conn, const struct conn_request *request)
{
    uint32_t word = atomic_load_explicit(&request->wake, memory_order_acquire);

    for (int i = 0; i < PATIENCE && word == WAKE_WAITING && !conn_yields_dearly(conn); i++) {
        conn_yield(conn);
        word = atomic_load_explicit(&request->wake, memory_order_acquire);
    }
    return word;
}

uint32_t request_wait(struct conn *conn, struct conn_request *request, int64_t deadline_ms)
{
    uint32_t now = step_aside(conn, request);

    if (now > WAKE_SLEEPING)
        return now;
    for (;;) {
        uint32_t rung = atomic_load(&conn->doorbell), word = WAKE_WAITING;

        if (!atomic_compare_exchange_strong(&request->wake, &word, WAKE_SLEEPING) && word > WAKE_SLEEPING)
            return word;
        if (clock_left(deadline_ms) == 0 || limits_are_cancelled())
            return WAKE_SLEEPING;
        int64_t until_ms = limits_slice(deadline_ms);
        struct timespec until = {until_ms / 1000, (until_ms % 1000) * 1000000L};
        syscall(SYS_futex, &conn->doorbell, FUTEX_WAIT_BITSET_PRIVATE, rung, &until, NULL, request->bit);
        word = atomic_load_explicit(&request->wake, memory_order_acquire);
        if (word > WAKE_SLEEPING)
            return word;
    }
}
