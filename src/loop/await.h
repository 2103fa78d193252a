/* Waiting, the one way of it: whoever waits in a blocking way waits for a fact, and nothing but the fact is
 * success.
 *
 * A wait says what it waits for (in words, for texts), the variable that becomes true when it is so, and how
 * long at most; FOREVER is spelled out where something else bounds it. It ends with the fact; interrupted, by
 * whoever watches; late; or when nothing is left in the loop that could still make the fact true. An empty
 * loop, a closed descriptor, an empty set are never the fact.
 *
 * What follows from more than one thing is one fact: `judge` runs before the first round and after each one,
 * and says so by setting the variable. A wait that passes signals on itself is `steady`. */
#ifndef LOOP_AWAIT_H
#define LOOP_AWAIT_H

#include "loop/loop.h"

struct wait {
    const bool *fact;
    const char *what; /* "the answer to up" */
    struct limit limit;
    loop_cb *judge; /* or NULL */
    void *data;
    bool is_steady; /* the user's signals do not end it: judge acts on them */
};
enum { AWAIT_INTERRUPTED = 1 };

/* Somebody who is asked after each round, before `judge`: true ends the wait, where the fact is not there. */
struct await_watch {
    bool (*is_interrupted)(void *data);
    void *data;
};

/* 0: *fact. AWAIT_INTERRUPTED: the watch said so. -1: ERROR_TIMEOUT, or ERROR_FAILED when nothing is left
 * that could happen. watch may be NULL. */
int loop_await(struct loop *loop, const struct wait *wait, const struct await_watch *watch,
               struct error *err);

/* The same for the next bytes of a descriptor, or their end: of any, also of a file, which no loop can watch.
 * FOREVER: it is up to whoever writes. -1: it cannot be waited for, see errno. */
int loop_await_input(struct loop *loop, int fd, const struct await_watch *watch);

/* What has happened meanwhile, without waiting for anything. */
void loop_catch_up(struct loop *loop);

#endif
