/* A stream of one's own: opening, sending, receiving, ending. See own.h. */
#include "client_redis/own.h"
#include "client_base/pick.h"
#include "client_redis/scatter.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/lock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { RECEIVE_SIZE = 16 * 1024, KEEP_CAPACITY = 1024 * 1024, DEFAULT_CONNECT_MS = 5000 };

/* ---- Life ---- */

static void link_to(struct own *own)
{
    struct apphost_redis *redis = own->redis;

    lock_take(&redis->lock);
    own->next = redis->owns;
    own->previous = NULL;
    if (redis->owns)
        redis->owns->previous = own;
    redis->owns = own;
    bool is_closed = redis->is_closed;
    lock_drop(&redis->lock);
    if (is_closed)
        own_end(own, APPHOST_E_CLOSED);
}

static void unlink_from(struct own *own)
{
    struct apphost_redis *redis = own->redis;

    lock_take(&redis->lock);
    if (own->previous)
        own->previous->next = own->next;
    else
        redis->owns = own->next;
    if (own->next)
        own->next->previous = own->previous;
    lock_drop(&redis->lock);
}

int own_init(struct own *own, struct apphost_redis *redis, enum dial_role role, struct apphost_error *error)
{
    const struct apphost_options *options = apphost_redis_options(redis, error);

    if (!options)
        return -1;
    *own = (struct own){.redis = redis, .role = role, .dialed = {.transport = {.fd = -1}}};
    own->out.limit = SIZE_MAX / 2;
    own->end = own_end;
    own->options = apphost_options_copy(options);
    own->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!own->options || own->wake_fd < 0) {
        if (own->wake_fd >= 0)
            close(own->wake_fd);
        apphost_options_free(own->options);
        return fail_memory(error);
    }
    if (!own->options->values[OPT_PROTOCOL].is_set && option_number(own->options, OPT_PROXY) == 0)
        option_set_text(own->options, OPT_PROTOCOL, "protocol", "resp3", NULL);
    own->life = redis->life;
    life_hold(own->life);
    link_to(own);
    return 0;
}

int own_aim(struct own *own, const struct apphost_options *at, struct apphost_error *error)
{
    int rc = 0;

    apphost_options_clear_endpoints(own->options);
    for (size_t i = 0; i < apphost_options_endpoint_count(at) && rc == 0; i++)
        rc = apphost_options_add_endpoint(own->options, apphost_options_endpoint(at, i), error);
    return rc;
}

/* Whose it is, any node says when it is asked about the key. */
int own_aim_at_key(struct own *own, struct apphost_bytes key, struct apphost_error *error)
{
    const char *const argv[] = {"EXISTS", key.data};
    const size_t lens[] = {6, key.len};
    const struct conn_command command = {2, argv, lens};
    const struct batch batch = {.commands = &command, .count = 1, .is_idempotent = true, .is_read = true};
    struct replies replies;

    if (redis_run(own->redis, DIAL_PRIMARY, &batch, &replies, error) < 0)
        return -1;
    replies_free(&replies);
    const struct lanes *lanes = scatter_lanes(own->redis, &command);
    if (!lanes->options)
        return 0;
    return own_aim(own, lanes->options, error);
}

void own_fini(struct own *own)
{
    unlink_from(own);
    own_hang_up(own);
    resp_buffer_fini(&own->out);
    apphost_options_free(own->options);
    close(own->wake_fd);
    life_release(own->life);
}

void own_hang_up(struct own *own)
{
    if (own->dialed.transport.fd >= 0 || own->dialed.reader)
        dial_close(&own->dialed);
    own->out.len = 0;
}

void own_wake(struct own *own)
{
    uint64_t one = 1;

    if (write(own->wake_fd, &one, sizeof(one)) < 0)
        errno = 0; /* full: then it is readable already */
}

void own_end(struct own *own, enum apphost_code code)
{
    int none = APPHOST_OK;

    atomic_compare_exchange_strong(&own->ended, &none, (int)code);
    atomic_store(&own->is_cancelled, true);
    own_wake(own);
}

static enum own_result fail_ended(struct own *own, struct apphost_error *error)
{
    enum apphost_code code = (enum apphost_code)atomic_load(&own->ended);

    fail_set(error, code, NULL, "%s",
             pick(code == APPHOST_E_CANCELLED, "interrupted", "the connection was closed"));
    return OWN_FAILED;
}

int own_dial(struct own *own, int timeout_ms, struct apphost_error *error)
{
    struct attempt attempt = {own->options, 0, &own->is_cancelled};

    if (timeout_ms <= 0)
        timeout_ms = option_number(own->options, OPT_CONNECT_TIMEOUT);
    if (timeout_ms <= 0)
        timeout_ms = DEFAULT_CONNECT_MS;
    attempt.deadline_ms = clock_ms() + timeout_ms;
    int rc = -1;
    if (!atomic_load(&own->ended))
        rc = dial(&attempt, own->role, "", &own->dialed, error);
    if (atomic_load(&own->ended)) {
        own_hang_up(own);
        return fail_ended(own, error);
    }
    return rc;
}

/* ---- Waiting ---- */

/* For the socket, or to be woken. OWN_DONE: look at the socket. */
static enum own_result wait_for(struct own *own, short events, int64_t deadline_ms,
                                struct apphost_error *error)
{
    struct pollfd fds[2] = {{.fd = own->dialed.transport.fd, .events = events},
                            {.fd = own->wake_fd, .events = POLLIN}};
    uint64_t ignored;
    int wait_ms = -1;

    if (deadline_ms != INT64_MAX)
        wait_ms = clock_left(deadline_ms);
    int count = poll(fds, 2, wait_ms);
    if (fds[1].revents && read(own->wake_fd, &ignored, sizeof(ignored)) < 0)
        errno = 0;
    if (atomic_load(&own->ended))
        return fail_ended(own, error);
    if (fds[1].revents)
        return OWN_WOKEN;
    if (count == 0 && wait_ms >= 0)
        return OWN_LATE;
    return OWN_DONE;
}

static enum own_result fail_lost(struct own *own, const char *why, struct apphost_error *error)
{
    fail_set(error, APPHOST_E_CONNECT, "endpoint", "the connection to %s was lost: %s", own->dialed.address,
             why);
    return OWN_FAILED;
}

/* Reads what is there. OWN_LATE: nothing is. */
static enum own_result take_in(struct own *own, struct apphost_error *error)
{
    size_t want = resp_reader_missing(own->dialed.reader), room;

    if (want < RECEIVE_SIZE)
        want = RECEIVE_SIZE;
    char *space = resp_reader_space(own->dialed.reader, want, &room);
    if (!space)
        return fail_lost(own, "out of memory", error);
    ssize_t got = transport_recv(&own->dialed.transport, space, room, 0);
    if (got == TRANSPORT_AGAIN)
        return OWN_LATE;
    if (got == 0)
        return fail_lost(own, "the server hung up", error);
    if (got < 0)
        return fail_lost(own, strerror(errno), error);
    resp_reader_commit(own->dialed.reader, (size_t)got);
    return OWN_DONE;
}

enum own_result own_flush(struct own *own, int64_t deadline_ms, struct apphost_error *error)
{
    size_t sent = 0;
    enum own_result result = OWN_DONE;

    while (sent < own->out.len && result != OWN_FAILED && result != OWN_LATE) {
        ssize_t rc = transport_send(&own->dialed.transport, own->out.data + sent, own->out.len - sent);

        if (rc == -1)
            return fail_lost(own, strerror(errno), error);
        if (rc > 0) {
            sent += (size_t)rc;
            continue;
        }
        result = wait_for(own, POLLIN | POLLOUT, deadline_ms, error);
        if (result == OWN_DONE && take_in(own, error) == OWN_FAILED)
            result = OWN_FAILED;
    }
    resp_buffer_consume(&own->out, sent);
    if (own->out.len == 0 && own->out.cap > KEEP_CAPACITY)
        resp_buffer_fini(&own->out);
    if (result == OWN_WOKEN)
        return OWN_DONE;
    return result;
}

enum own_result own_next(struct own *own, int64_t deadline_ms, struct resp_reply **reply,
                         struct apphost_error *error)
{
    for (;;) {
        int rc = resp_reader_next(own->dialed.reader, reply);

        if (rc > 0)
            return OWN_DONE;
        if (rc < 0) {
            fail_set(error, APPHOST_E_PROTOCOL, "endpoint", "%s: %s", own->dialed.address,
                     resp_reader_error(own->dialed.reader));
            return OWN_FAILED;
        }
        if (atomic_load(&own->ended))
            return fail_ended(own, error);
        enum own_result result = take_in(own, error);
        if (result == OWN_LATE)
            result = wait_for(own, POLLIN, deadline_ms, error);
        if (result != OWN_DONE)
            return result;
    }
}
