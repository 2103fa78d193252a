/* room: client_cache */
/* What the tests of hybrid entries share: a creation that is held back or fails as the test likes, and short
 * words for what is asked. */
#ifndef TEST_FACTORY_H
#define TEST_FACTORY_H

#include "cachetest.h"

#include <apphost/hybrid.h>

#include <pthread.h>

enum { PATIENCE_S = 60 };

/* Makes "made 1", "made 2", …; held back while it is closed, failing while it is broken. */
struct factory {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count, released;
    bool is_closed, is_broken, is_empty;
};

extern struct factory f;

void change(bool *what, bool value);
void await_count(const int *what, int count);

/* The factory as new, and what to ask it with. */
struct apphost_hybrid plan(void);

/* What it gives for "k" must be this, by that way. */
void expect_made(const struct apphost_hybrid *how, int rc, const char *data);

void expect_hybrid(const char *key, const char *data);
void put(const char *key, const char *data, const struct apphost_hybrid *how);

/* "k" is old at once, and kept. */
void put_old(const char *data);

#endif
