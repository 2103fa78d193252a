/*
 * Subscriptions: their names, and the thread that has a connection for them.
 *
 * The thread connects, asks for every name that is wanted, and reads. A name that was added or removed wakes
 * it. When the connection is lost, or nothing answers a PING after a long silence, it connects again after a
 * pause that grows, and asks for everything anew.
 */
#include "client_redis/subscription.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/lock.h"
#include "client_base/thread.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- Names ---- */

static struct name *find_name(struct apphost_subscription *subscription, struct apphost_bytes text,
                              bool is_pattern)
{
    struct name *at = subscription->names;

    while (at &&
           (at->is_pattern != is_pattern || at->len != text.len || memcmp(at->text, text.data, text.len)))
        at = at->next;
    return at;
}

static int check_name(const struct apphost_subscription *subscription, struct apphost_bytes name,
                      struct apphost_error *error)
{
    if (!subscription || !name.data)
        return fail_null(error, subscription, "subscription", "name");
    if (atomic_load(&subscription->own.ended))
        return fail_set(error, APPHOST_E_CLOSED, NULL, "the connection was closed");
    return 0;
}

int apphost_subscription_add(struct apphost_subscription *subscription, struct apphost_bytes name,
                             bool is_pattern, struct apphost_error *error)
{
    if (check_name(subscription, name, error) < 0)
        return -1;
    if (is_pattern && subscription->options.is_sharded)
        return fail_argument(error, "name", "is a pattern, and sharded channels have none");

    struct name *fresh = calloc(1, sizeof(*fresh) + name.len + 1);
    if (!fresh)
        return fail_memory(error);
    fresh->is_pattern = is_pattern;
    fresh->len = name.len;
    memcpy(fresh->text, name.data, name.len);
    lock_take(&subscription->lock);
    struct name *known = find_name(subscription, name, is_pattern);
    if (!known) {
        fresh->next = subscription->names;
        subscription->names = fresh;
        known = fresh;
        fresh = NULL;
    }

    if (!known->is_wanted)
        subscription->is_up = false;
    known->is_wanted = true;
    lock_drop(&subscription->lock);
    free(fresh);
    own_wake(&subscription->own);
    return 0;
}

int apphost_subscription_remove(struct apphost_subscription *subscription, struct apphost_bytes name,
                                bool is_pattern, struct apphost_error *error)
{
    if (check_name(subscription, name, error) < 0)
        return -1;
    lock_take(&subscription->lock);
    struct name *known = find_name(subscription, name, is_pattern);
    if (known)
        known->is_wanted = false;
    lock_drop(&subscription->lock);
    own_wake(&subscription->own);
    return 0;
}

static void forget_connection(struct apphost_subscription *subscription)
{
    lock_take(&subscription->lock);
    for (struct name *at = subscription->names; at; at = at->next)
        at->is_asked = at->is_confirmed = false;
    subscription->is_up = false;
    lock_drop(&subscription->lock);
}

/* Plain, pattern, sharded. */
static int kind_of(const struct apphost_subscription *subscription, const struct name *name)
{
    if (subscription->options.is_sharded)
        return 2;
    return name->is_pattern;
}

/* What is wanted and not asked for yet, or the reverse, is put on the wire. */
static int ask_names(struct apphost_subscription *subscription, struct apphost_error *error)
{
    static const char *const words[2][3] = {{"UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"},
                                            {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE"}};
    int rc = 0;

    lock_take(&subscription->lock);
    for (struct name **at = &subscription->names; *at && rc == 0;) {
        struct name *name = *at;

        if (name->is_asked != name->is_wanted) {
            const char *const argv[] = {words[name->is_wanted][kind_of(subscription, name)], name->text};
            const size_t lens[] = {strlen(argv[0]), name->len};

            rc = resp_append_command(&subscription->own.out, 2, argv, lens);
            name->is_asked = name->is_wanted;
            name->is_confirmed = false;
        }
        if (name->is_wanted) {
            at = &name->next;
            continue;
        }
        *at = name->next;
        free(name);
    }
    lock_drop(&subscription->lock);
    if (rc < 0)
        return fail_memory(error);
    return 0;
}

/* ---- What comes ---- */

static struct apphost_bytes bytes_of(const struct resp_reply *reply)
{
    return (struct apphost_bytes){reply->str, reply->len};
}

static void confirm(struct apphost_subscription *subscription, const struct resp_reply *reply,
                    bool is_pattern)
{
    bool is_up = true;

    lock_take(&subscription->lock);
    struct name *name = find_name(subscription, bytes_of(&reply->elements[1]), is_pattern);
    if (name && name->is_asked)
        name->is_confirmed = true;
    for (const struct name *at = subscription->names; at; at = at->next)
        is_up = is_up && at->is_confirmed;
    bool is_news = is_up && !subscription->is_up;
    subscription->is_up = is_up;
    if (is_news)
        subscription->is_lost = false;
    lock_drop(&subscription->lock);
    if (is_news)
        subscription_tell_state(subscription, APPHOST_SUBSCRIPTION_UP, NULL);
}

/* Once an outage. */
static void tell_lost(struct apphost_subscription *subscription, const struct apphost_error *why)
{
    lock_take(&subscription->lock);
    bool is_news = !subscription->is_lost;
    subscription->is_lost = true;
    lock_drop(&subscription->lock);
    if (is_news)
        subscription_tell_state(subscription, APPHOST_SUBSCRIPTION_LOST, why);
}

/* The slot has another node: -1, so that it is looked for; else 0. */
static int take_refusal(struct apphost_subscription *subscription, const struct resp_reply *reply,
                        struct apphost_error *error)
{
    redis_explain_reply(reply, error);
    if (subscription->options.is_sharded && resp_reply_is_error(reply, "MOVED"))
        return -1;
    tell_lost(subscription, error);
    return 0;
}

/* A shard sends its listeners away when the slot goes. */
static int take_farewell(struct apphost_subscription *subscription, const struct resp_reply *name,
                         struct apphost_error *error)
{
    lock_take(&subscription->lock);
    bool is_wanted = find_name(subscription, bytes_of(name), false) != NULL;
    lock_drop(&subscription->lock);
    if (!is_wanted)
        return 0;
    return fail_set(error, APPHOST_E_CONNECT, "endpoint", "the slot of the channel has left %s",
                    subscription->own.dialed.address);
}

static void take_parts(struct apphost_subscription *subscription, const struct resp_reply *reply)
{
    const struct resp_reply *parts = reply->elements;

    if (resp_reply_is(&parts[0], "message") || resp_reply_is(&parts[0], "smessage")) {
        const struct apphost_message message = {.channel = bytes_of(&parts[1]), .data = bytes_of(&parts[2])};

        subscription_tell_message(subscription, &message);
    } else if (resp_reply_is(&parts[0], "pmessage") && reply->count > 3) {
        const struct apphost_message message = {bytes_of(&parts[2]), bytes_of(&parts[1]),
                                                bytes_of(&parts[3])};

        subscription_tell_message(subscription, &message);
    } else if (resp_reply_is(&parts[0], "subscribe") || resp_reply_is(&parts[0], "ssubscribe")) {
        confirm(subscription, reply, false);
    } else if (resp_reply_is(&parts[0], "psubscribe")) {
        confirm(subscription, reply, true);
    }
}

/* 0, -1 when this is not the place for it any more. */
static int take_reply(struct apphost_subscription *subscription, const struct resp_reply *reply,
                      struct apphost_error *error)
{
    if (reply->type == RESP_ERROR)
        return take_refusal(subscription, reply, error);
    if ((reply->type != RESP_ARRAY && reply->type != RESP_PUSH) || reply->count < 3)
        return 0; /* the answer to a PING */
    if (resp_reply_is(&reply->elements[0], "sunsubscribe"))
        return take_farewell(subscription, &reply->elements[1], error);
    take_parts(subscription, reply);
    return 0;
}

/* ---- The thread ---- */

struct silence {
    int64_t heard_ms;
    bool is_asked; /* whether anybody is there */
};

/* When to look again. */
static int64_t patience(const struct apphost_subscription *subscription, const struct silence *silence)
{
    const struct apphost_options *options = subscription->own.options;
    int keep_alive_s = option_number(options, OPT_KEEP_ALIVE);

    if (silence->is_asked)
        return silence->heard_ms + option_number(options, OPT_DEAD_PEER_TIMEOUT);
    if (keep_alive_s <= 0)
        keep_alive_s = 60;
    return silence->heard_ms + (int64_t)keep_alive_s * 1000;
}

/* Nothing came for long. */
static int ask_peer(struct apphost_subscription *subscription, struct silence *silence,
                    struct apphost_error *error)
{
    static const char *const ping[] = {"PING", NULL};

    if (silence->is_asked)
        return fail_set(error, APPHOST_E_CONNECT, "endpoint",
                        "the connection to %s was lost: no answer for too long",
                        subscription->own.dialed.address);
    silence->is_asked = true;
    silence->heard_ms = clock_ms();
    if (resp_append_words(&subscription->own.out, ping) < 0)
        return fail_memory(error);
    return 0;
}

/* Who has to dispatch is slow: the server keeps the rest. */
static void await_room(struct apphost_subscription *subscription)
{
    struct pollfd woken = {.fd = subscription->own.wake_fd, .events = POLLIN};
    uint64_t ignored;

    while (subscription->options.is_polled && !atomic_load(&subscription->own.ended) &&
           subscription_is_full(subscription))
        if (poll(&woken, 1, -1) > 0 && read(woken.fd, &ignored, sizeof(ignored)) < 0)
            return;
}

/* As long as the connection lives. */
static void serve(struct apphost_subscription *subscription, struct apphost_error *error)
{
    struct silence silence = {.heard_ms = clock_ms()};
    int64_t patience_ms = option_number(subscription->own.options, OPT_DEAD_PEER_TIMEOUT);

    for (;;) {
        struct resp_reply *reply = NULL;

        if (ask_names(subscription, error) < 0)
            return;
        enum own_result result = own_flush(&subscription->own, clock_ms() + patience_ms, error);
        if (result == OWN_LATE)
            fail_set(error, APPHOST_E_CONNECT, "endpoint", "%s does not take what is sent to it",
                     subscription->own.dialed.address);
        if (result != OWN_DONE)
            return;
        result = own_next(&subscription->own, patience(subscription, &silence), &reply, error);
        if (result == OWN_FAILED || (result == OWN_LATE && ask_peer(subscription, &silence, error) < 0))
            return;
        if (result != OWN_DONE)
            continue;
        silence = (struct silence){.heard_ms = clock_ms()};
        int rc = take_reply(subscription, reply, error);
        resp_reply_free(reply);
        if (rc < 0)
            return;
        await_room(subscription);
    }
}

static void pause_before(struct apphost_subscription *subscription, unsigned attempts)
{
    struct pollfd woken = {.fd = subscription->own.wake_fd, .events = POLLIN};
    int64_t pause_ms = option_number(subscription->own.options, OPT_RECONNECT_DELAY);
    int64_t most_ms = option_number(subscription->own.options, OPT_RECONNECT_MAX_DELAY);
    uint64_t ignored;

    for (unsigned i = 0; i < attempts && pause_ms < most_ms; i++)
        pause_ms += pause_ms / 2 + 1;
    if (pause_ms > most_ms)
        pause_ms = most_ms;
    int64_t until_ms = clock_ms() + pause_ms / 2 + (int64_t)clock_random((uint64_t)pause_ms / 2 + 1);
    while (!atomic_load(&subscription->own.ended) && clock_left(until_ms) > 0)
        if (poll(&woken, 1, clock_left(until_ms)) > 0 && read(woken.fd, &ignored, sizeof(ignored)) < 0)
            return;
}

static int connect_to(struct apphost_subscription *subscription, struct apphost_error *error)
{
    const struct apphost_subscription_options *options = &subscription->options;

    if (options->is_sharded && options->key.data &&
        own_aim_at_key(&subscription->own, options->key, error) < 0)
        return -1;
    return own_dial(&subscription->own, 0, error);
}

static void *work(void *user)
{
    struct apphost_subscription *subscription = user;
    unsigned attempts = 0;

    while (!atomic_load(&subscription->own.ended)) {
        struct apphost_error error = {0};

        if (connect_to(subscription, &error) == 0) {
            attempts = 0;
            serve(subscription, &error);
        }
        own_hang_up(&subscription->own);
        forget_connection(subscription);
        tell_lost(subscription, &error);
        pause_before(subscription, attempts++);
    }
    subscription_release(subscription);
    return NULL;
}

/* ---- The beginning ---- */

static int start(struct apphost_subscription *subscription, struct apphost_error *error)
{
    subscription->references = 2;
    if (thread_start(work, subscription) == 0)
        return 0;
    subscription->references = 1;
    return fail_set(error, APPHOST_E_MEMORY, NULL, "cannot start a thread for the subscription");
}

struct apphost_subscription *apphost_subscription_open(struct apphost_redis *redis,
                                                       const struct apphost_subscription_options *options,
                                                       struct apphost_error *error)
{
    if (!redis || !options) {
        fail_null(error, redis, "redis", "options");
        return NULL;
    }
    if (!options->message) {
        fail_argument(error, "message", "is NULL");
        return NULL;
    }

    struct apphost_subscription *subscription = calloc(1, sizeof(*subscription) + options->key.len + 1);

    if (!subscription || own_init(&subscription->own, redis, DIAL_PRIMARY, error) < 0) {
        if (!subscription)
            fail_memory(error);
        free(subscription);
        return NULL;
    }

    subscription->options = *options;
    if (options->key.data) {
        memcpy(subscription->key, options->key.data, options->key.len);
        subscription->options.key.data = subscription->key;
    }
    subscription->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&subscription->lock, NULL);
    pthread_cond_init(&subscription->changed, NULL);
    if (subscription->fd >= 0 && start(subscription, error) == 0)
        return subscription;
    if (subscription->fd < 0)
        fail_set(error, APPHOST_E_MEMORY, NULL, "no descriptor for a subscription");
    subscription->references = 1;
    subscription_release(subscription);
    return NULL;
}
