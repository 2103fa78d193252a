/*
 * The thread that listens to invalidations. See tracking.h.
 *
 * It connects, asks whether this is a cluster (there each node would have to be heard: level one stays shut),
 * asks for tracking, opens the level with the answer, and drops what it is told. A server that cannot do it
 * (before 6.0, Garnet, RESP2, no permission) is said once in the log, and the thread ends. When the
 * connection is lost the level is shut before anything else, and the thread connects again after a pause.
 *
 * A peer that fell silent is asked after half of deadPeerTimeout: that long at most, and the other half, a
 * value may be older than the server's.
 */
#include "client_cache/tracking.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/pick.h"
#include "client_base/thread.h"
#include "client_redis/own.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LEAST_SILENCE_MS = 100 };

struct tracking {
    struct own own;
    struct level *level;
    size_t prefix_len;
    char prefix[];
};

static void tracking_free(struct tracking *tracking)
{
    level_release(tracking->level);
    own_fini(&tracking->own);
    free(tracking);
}

/* ---- What comes ---- */

/* ["invalidate", [key, …]]; no keys: all of them. */
static void take_push(struct tracking *tracking, const struct resp_reply *push)
{
    if (push->type != RESP_PUSH || push->count < 2 || !resp_reply_is(&push->elements[0], "invalidate"))
        return;
    const struct resp_reply *keys = &push->elements[1];
    if (keys->type != RESP_ARRAY) {
        level_clear(tracking->level);
        return;
    }
    for (size_t i = 0; i < keys->count; i++)
        level_drop(tracking->level, conn_hash_key(keys->elements[i].str, keys->elements[i].len));
}

/* ---- Asking for it ---- */

static int ask(struct tracking *tracking, size_t argc, const char *const *argv, const size_t *lens,
               struct resp_reply **reply, struct apphost_error *error)
{
    int64_t deadline_ms = clock_ms() + option_number(tracking->own.options, OPT_SYNC_TIMEOUT);
    enum own_result result = OWN_WOKEN;

    if (resp_append_command(&tracking->own.out, argc, argv, lens) < 0)
        return fail_memory(error);
    if (own_flush(&tracking->own, deadline_ms, error) != OWN_DONE)
        return -1;
    while (result == OWN_WOKEN)
        result = own_next(&tracking->own, deadline_ms, reply, error);
    if (result == OWN_LATE)
        fail_set(error, APPHOST_E_TIMEOUT, "syncTimeout", "%s did not answer in time",
                 tracking->own.dialed.address);
    return result == OWN_DONE ? 0 : -1;
}

/* 1 it is one, 0, -1. */
static int is_cluster(struct tracking *tracking, struct apphost_error *error)
{
    static const char *const argv[] = {"CLUSTER", "INFO"};
    static const size_t lens[] = {7, 4};
    struct resp_reply *reply = NULL;

    if (ask(tracking, 2, argv, lens, &reply, error) < 0)
        return -1;
    bool is_one = reply->type != RESP_ERROR;
    resp_reply_free(reply);
    return is_one;
}

/* 1, 0 with the reason why there will be none, -1 when the connection was lost. */
static int switch_on(struct tracking *tracking, struct apphost_error *error)
{
    const char *const argv[] = {"CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", tracking->prefix};
    const size_t lens[] = {6, 8, 2, 5, 6, tracking->prefix_len};
    struct resp_reply *reply = NULL;
    int rc = 1;

    if (tracking->own.dialed.protocol != 3) {
        fail_set(error, APPHOST_E_UNSUPPORTED, "protocol", "it needs RESP3");
        return 0;
    }
    rc = is_cluster(tracking, error);
    if (rc != 0) {
        if (rc < 0)
            return -1;
        fail_set(error, APPHOST_E_UNSUPPORTED, NULL, "%s belongs to a cluster", tracking->own.dialed.address);
        return 0;
    }
    if (ask(tracking, 4 + 2 * (size_t)(tracking->prefix_len > 0), argv, lens, &reply, error) < 0)
        return -1;
    bool is_refused = reply->type == RESP_ERROR;
    if (is_refused)
        redis_explain_reply(reply, error);
    resp_reply_free(reply);
    return !is_refused;
}

/* ---- The thread ---- */

struct tracking_silence {
    int64_t heard_ms;
    bool is_asked;
};

static int64_t patience(const struct tracking *tracking, const struct tracking_silence *silence)
{
    int64_t silent_ms = option_number(tracking->own.options, OPT_DEAD_PEER_TIMEOUT) / 2;

    return silence->heard_ms + LEAST_SILENCE_MS + set_or(silent_ms - LEAST_SILENCE_MS, 0);
}

static int ask_peer(struct tracking *tracking, struct tracking_silence *silence, struct apphost_error *error)
{
    static const char *const ping[] = {"PING", NULL};

    if (silence->is_asked)
        return fail_set(error, APPHOST_E_CONNECT, "endpoint",
                        "the connection to %s was lost: no answer for too long",
                        tracking->own.dialed.address);
    *silence = (struct tracking_silence){clock_ms(), true};
    if (resp_append_words(&tracking->own.out, ping) < 0)
        return fail_memory(error);
    return 0;
}

/* As long as the connection lives. */
static void listen_on(struct tracking *tracking, struct apphost_error *error)
{
    struct tracking_silence silence = {clock_ms(), false};
    enum own_result result = OWN_DONE;

    while (result != OWN_FAILED) {
        struct resp_reply *reply = NULL;

        if (own_flush(&tracking->own, patience(tracking, &silence), error) != OWN_DONE)
            return;
        result = own_next(&tracking->own, patience(tracking, &silence), &reply, error);
        if (result == OWN_LATE && ask_peer(tracking, &silence, error) < 0)
            return;
        if (result != OWN_DONE)
            continue;
        silence = (struct tracking_silence){clock_ms(), false};
        take_push(tracking, reply);
        resp_reply_free(reply);
    }
}

static void pause_after(struct tracking *tracking, unsigned attempts)
{
    struct pollfd woken = {.fd = tracking->own.wake_fd, .events = POLLIN};
    int64_t pause_ms = option_number(tracking->own.options, OPT_RECONNECT_DELAY);
    int64_t most_ms = option_number(tracking->own.options, OPT_RECONNECT_MAX_DELAY);

    for (unsigned i = 0; i < attempts && pause_ms < most_ms; i++)
        pause_ms *= 2;
    if (pause_ms > most_ms)
        pause_ms = most_ms;
    pause_ms = pause_ms / 2 + (int64_t)clock_random((uint64_t)pause_ms / 2 + 1);
    if (!atomic_load(&tracking->own.ended))
        poll(&woken, 1, (int)pause_ms); /* woken only by the end */
}

static void say_off(const struct apphost_redis *redis, const struct apphost_error *why)
{
    log_write(redis->log, APPHOST_LOG_WARNING, LOG_CACHE, "Level one of the cache stays off: %s", why->text);
}

static void *work(void *user)
{
    struct tracking *tracking = user;
    unsigned attempts = 0;
    int rc = -1;

    while (rc != 0 && !atomic_load(&tracking->own.ended)) {
        struct apphost_error error = {0};

        rc = own_dial(&tracking->own, 0, &error);
        if (rc == 0)
            rc = switch_on(tracking, &error);
        else
            rc = -1;
        if (rc > 0) {
            attempts = 0;
            level_open(tracking->level);
            listen_on(tracking, &error);
            level_shut(tracking->level);
        }
        own_hang_up(&tracking->own);
        if (rc == 0 && !atomic_load(&tracking->own.ended))
            say_off(tracking->own.redis, &error);
        else
            pause_after(tracking, attempts++);
    }
    tracking_free(tracking);
    return NULL;
}

static struct tracking *tracking_new(struct apphost_redis *redis, struct level *level,
                                     struct apphost_bytes prefix, struct apphost_error *error)
{
    struct tracking *tracking = calloc(1, sizeof(*tracking) + prefix.len + 1);

    if (!tracking) {
        fail_memory(error);
        return NULL;
    }
    if (own_init(&tracking->own, redis, DIAL_PRIMARY, error) < 0) {
        free(tracking);
        return NULL;
    }
    tracking->level = level_hold(level);
    tracking->prefix_len = prefix.len;
    memcpy(tracking->prefix, prefix.data, prefix.len);
    return tracking;
}

void tracking_start(struct apphost_redis *redis, struct level *level, struct apphost_bytes prefix)
{
    struct apphost_error error = {0};
    struct tracking *tracking = tracking_new(redis, level, prefix, &error);

    if (tracking && thread_start(work, tracking) == 0)
        return;
    if (tracking) {
        tracking_free(tracking);
        fail_set(&error, APPHOST_E_MEMORY, NULL, "no thread can be started");
    }
    say_off(redis, &error);
}
