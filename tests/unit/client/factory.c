/* room: client_cache */
#include "factory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct factory f = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int make(void *user, void **data, size_t *len, struct apphost_error *error)
{
    char text[32];

    (void)user;
    pthread_mutex_lock(&f.lock);
    f.count++;
    pthread_cond_broadcast(&f.changed);
    while (f.is_closed)
        pthread_cond_wait(&f.changed, &f.lock);
    int number = f.count;
    bool is_broken = f.is_broken, is_empty = f.is_empty;
    pthread_mutex_unlock(&f.lock);
    if (is_empty)
        return APPHOST_NOTHING;
    if (is_broken) {
        snprintf(error->text, sizeof(error->text), "the factory is broken");
        return -1;
    }
    *len = (size_t)snprintf(text, sizeof(text), "made %d", number);
    *data = strdup(text);
    return 0;
}

static void release(void *user)
{
    (void)user;
    pthread_mutex_lock(&f.lock);
    f.released++;
    pthread_cond_broadcast(&f.changed);
    pthread_mutex_unlock(&f.lock);
}

void change(bool *what, bool value)
{
    pthread_mutex_lock(&f.lock);
    *what = value;
    pthread_cond_broadcast(&f.changed);
    pthread_mutex_unlock(&f.lock);
}

void await_count(const int *what, int count)
{
    struct timespec until = {time(NULL) + PATIENCE_S, 0};

    pthread_mutex_lock(&f.lock);
    while (*what < count)
        assert_int_equal(pthread_cond_timedwait(&f.changed, &f.lock, &until), 0);
    pthread_mutex_unlock(&f.lock);
}

struct apphost_hybrid plan(void)
{
    pthread_mutex_lock(&f.lock);
    f.count = f.released = 0;
    f.is_closed = f.is_broken = f.is_empty = false;
    pthread_mutex_unlock(&f.lock);
    return (struct apphost_hybrid){.create = make, .release = release, .expire_ms = 600000};
}

void expect_made(const struct apphost_hybrid *how, int rc, const char *data)
{
    struct apphost_error error = {0};
    struct apphost_value value;
    int got = apphost_hybrid_get_or_create(world.cache, apphost_str("k"), how, &value, &error);

    if (got != rc)
        fail_msg("%d: %s", got, error.text);
    if (data)
        assert_string_equal(value.data, data);
    else
        assert_null(value.data);
    apphost_value_free(&value);
}

void expect_hybrid(const char *key, const char *data)
{
    struct apphost_error error = {0};
    struct apphost_value value;
    int rc = apphost_hybrid_get(world.cache, apphost_str(key), &value, &error);

    ok(rc, &error);
    assert_int_equal(rc, data != NULL);
    if (data)
        assert_string_equal(value.data, data);
    apphost_value_free(&value);
}

void put(const char *key, const char *data, const struct apphost_hybrid *how)
{
    struct apphost_error error;

    ok(apphost_hybrid_set(world.cache, apphost_str(key), apphost_str(data), how, &error), &error);
}

void put_old(const char *data)
{
    const struct apphost_hybrid how = {.expire_ms = 1, .stale_ms = 600000};

    put("k", data, &how);
    for (time_t began = time(NULL);; assert_true(time(NULL) - began < PATIENCE_S)) {
        struct apphost_value value;

        if (apphost_hybrid_get(world.cache, apphost_str("k"), &value, NULL) == 0)
            return;
        apphost_value_free(&value);
    }
}
