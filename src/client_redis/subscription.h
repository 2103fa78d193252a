/*
 * Inside the library: what a subscription is made of. subscription.c has its names and its thread,
 * subscription_tell.c what its owner is told, and when that is over.
 *
 * `lock` guards everything but `own`, which is the thread's. Callbacks run without it: `teller` says who is
 * in one.
 */
#ifndef CLIENT_REDIS_SUBSCRIPTION_H
#define CLIENT_REDIS_SUBSCRIPTION_H

#include "client_redis/own.h"

#include <apphost/connection.h>

struct name {
    struct name *next;
    bool is_pattern;
    bool is_wanted;    /* else it goes, once the server knows */
    bool is_asked;     /* on this connection */
    bool is_confirmed; /* on this connection */
    size_t len;
    char text[];
};

/* What is to be told, in polled mode. */
struct news {
    struct news *next;
    bool is_state;
    enum apphost_subscription_state state;
    struct apphost_error why; /* of LOST */
    struct apphost_message message;
    char text[]; /* channel, pattern and data, with a NUL after each */
};

struct apphost_subscription {
    struct own own;
    struct apphost_subscription_options options;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t references; /* the owner's, the thread's, of each dispatch */
    bool is_over;
    bool is_telling;
    pthread_t teller;
    struct name *names;
    bool is_up; /* told so */
    bool is_lost;
    int fd;
    struct news *first, *last;
    size_t backlog;
    char key[]; /* of options.key */
};

/* Not after the end. In polled mode it is kept for dispatch. */
void subscription_tell_state(struct apphost_subscription *subscription, enum apphost_subscription_state state,
                             const struct apphost_error *why);
void subscription_tell_message(struct apphost_subscription *subscription,
                               const struct apphost_message *message);

/* Whether so much waits to be dispatched that nothing more is to be read. */
bool subscription_is_full(struct apphost_subscription *subscription);
void subscription_release(struct apphost_subscription *subscription);

#endif
