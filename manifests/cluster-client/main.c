/*
 * A cluster seen as one cache: a hundred entries written and read in one call each, whatever node they are
 * on; an entry with a tag, created once; and a message on a sharded channel. `./with-cluster
 * ./cluster-client` brings three nodes up, runs it, and takes them down.
 */
#define _POSIX_C_SOURCE 200809L
#include <apphost/apphost.h>

#include <err.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 100 };

static void must(int rc, const struct apphost_error *error)
{
    if (rc < 0)
        errx(1, "%s", error->text);
}

static void many(struct apphost_cache *cache)
{
    static char names[COUNT][16];
    struct apphost_entry entries[COUNT];
    struct apphost_bytes keys[COUNT];
    struct apphost_value values[COUNT];
    struct apphost_error error;

    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof(names[i]), "entry-%d", i);
        keys[i] = apphost_str(names[i]);
        entries[i] = (struct apphost_entry){keys[i], keys[i], apphost_expire_in(60000)};
    }
    must(apphost_cache_set_many(cache, entries, COUNT, &error), &error);
    int hits = apphost_cache_get_many(cache, keys, COUNT, values, &error);
    must(hits, &error);
    printf("%d of %d entries read back, from all nodes at once\n", hits, COUNT);
    for (int i = 0; i < COUNT; i++)
        apphost_value_free(&values[i]);
}

static int load(void *user, void **data, size_t *len, struct apphost_error *error)
{
    (void)user;
    (void)error;
    *data = strdup("loaded");
    *len = 6;
    return 0;
}

static void tagged(struct apphost_cache *cache)
{
    const struct apphost_bytes tag = apphost_str("users");
    const struct apphost_hybrid how = {.create = load, .expire_ms = 60000, .tags = &tag, .tag_count = 1};
    struct apphost_error error;

    for (int i = 0; i < 3; i++) {
        struct apphost_value value;
        int rc = apphost_hybrid_get_or_create(cache, apphost_str("user:7"), &how, &value, &error);

        must(rc, &error);
        printf("user:7 is %s, %s\n", value.data, rc == APPHOST_FRESH ? "and was there" : "just now");
        apphost_value_free(&value);
        if (i == 1)
            must(apphost_hybrid_remove_by_tag(cache, tag, &error), &error);
    }
}

static atomic_int up, heard;

static void on_message(void *user, const struct apphost_message *message)
{
    (void)user;
    printf("%s: %s\n", (const char *)message->channel.data, (const char *)message->data.data);
    heard++;
}

static void on_state(void *user, enum apphost_subscription_state state, const struct apphost_error *why)
{
    (void)user;
    (void)why;
    if (state == APPHOST_SUBSCRIPTION_UP)
        up++;
}

static void await(atomic_int *what)
{
    for (int i = 0; !*what; i++) {
        if (i > 10000)
            errx(1, "nothing came");
        poll(NULL, 0, 2);
    }
}

static void shout(struct apphost_redis *redis)
{
    const struct apphost_subscription_options options = {
        .message = on_message, .state = on_state, .is_sharded = true, .key = apphost_str("news")};
    struct apphost_error error;
    struct apphost_reply *reply = NULL;
    struct apphost_subscription *subscription = apphost_subscription_open(redis, &options, &error);

    if (!subscription)
        errx(1, "%s", error.text);
    must(apphost_subscription_add(subscription, apphost_str("news"), false, &error), &error);
    await(&up);
    must(apphost_redis_execute(redis, &reply, &error, "SPUBLISH", "news", "from the node of the channel",
                               NULL),
         &error);
    apphost_reply_free(reply);
    await(&heard);
    apphost_subscription_close(subscription);
}

int main(void)
{
    struct apphost_error error;
    struct apphost_cache *cache = apphost_cache_open("cache", NULL, &error);

    if (!cache)
        errx(1, "%s", error.text);
    many(cache);
    tagged(cache);
    shout(apphost_cache_redis(cache));
    apphost_cache_close(cache);
    return 0;
}
