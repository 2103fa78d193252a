/* Leases: who holds the session, and what follows when nobody does.
 *
 * The command that started the session holds it through a socket pair that was made before the fork, so there
 * is no moment without a holder; others through their connection, from their first word. A holder that is
 * done leaves, and the last one to leave takes the session down. One that says `bye` wants it to go on: from
 * then on it is detached, and nobody's end is its end. One that just ends was killed: when it was the last,
 * the session is taken down with short stop times. A session in which nothing runs ends when nobody holds it.
 */
#include "supervisor/internal.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

bool lease_is_held(const struct supervisor *s)
{
    return s->watches_lease || s->client_leases > 0;
}

static void on_fd_closed(uv_handle_t *handle)
{
    struct supervisor *s = handle->data;
    close(s->lease_fd);
    s->lease_fd = -1;
}

static void stop_watching(struct supervisor *s)
{
    if (!s->watches_lease)
        return;
    s->watches_lease = false;
    uv_close((uv_handle_t *)&s->lease_poll, on_fd_closed);
}

void lease_look(struct supervisor *s)
{
    if (s->phase != PHASE_RUNNING || lease_is_held(s))
        return;
    supervisor_look_idle(s);
    if (s->detached || !s->lease_lost)
        return;
    log_info("the last holder of the session is gone");
    supervisor_leave(s, true);
}

static void on_lease(uv_poll_t *poll, int status, int events)
{
    struct supervisor *s = poll->data;
    char byte;
    (void)events;
    ssize_t n = 0;
    if (status >= 0)
        n = read(s->lease_fd, &byte, 1);
    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    log_info("the command that started the session (pid %ld) is gone", (long)s->starter);
    stop_watching(s);
    s->lease_lost = true;
    lease_look(s);
}

/* A session that was started for somebody who never came. */
static void on_empty(void *data)
{
    struct supervisor *s = data;
    if (s->was_used || s->phase != PHASE_RUNNING || lease_is_held(s))
        return;
    log_info("nobody asked for anything");
    supervisor_part(s);
    supervisor_end(s, 0);
}

void lease_init(struct supervisor *s, int fd)
{
    s->lease_fd = fd;
    timer_init(&s->loop, &s->empty_timer, on_empty, s);
    timer_start(&s->empty_timer, SUPERVISOR_EMPTY_MS);
    if (fd < 0 || uv_poll_init(&s->loop.uv, &s->lease_poll, fd) < 0)
        return;
    s->lease_poll.data = s;
    s->watches_lease = true;
    uv_poll_start(&s->lease_poll, UV_READABLE | UV_DISCONNECT, on_lease);
}

void lease_fini(struct supervisor *s)
{
    timer_stop(&s->empty_timer);
    stop_watching(s);
}

void lease_take(struct supervisor *s, struct control_client *client)
{
    struct guest *guest = control_client_data(client);
    if (!guest) {
        guest = xcalloc(1, sizeof *guest);
        control_client_set_data(client, guest);
    }
    if (guest->lease)
        s->client_leases += 0;
    else
        s->client_leases += 1;
    guest->lease = true;
}

bool lease_leave(struct supervisor *s, struct control_client *client)
{
    struct guest *guest = control_client_data(client);
    bool held = guest && guest->lease;
    if (control_client_pid(client) == s->starter && s->watches_lease) {
        stop_watching(s);
        held = true;
    }
    if (guest && guest->lease) {
        guest->lease = false;
        s->client_leases--;
    }
    return held;
}

void lease_detach(struct supervisor *s, struct control_client *client)
{
    if (lease_leave(s, client) && !s->detached) {
        log_info("the session goes on without a holder");
        s->detached = true;
        supervisor_write_record(s, NULL);
    }
    lease_look(s);
}

void lease_gone(struct supervisor *s, struct control_client *client)
{
    struct guest *guest = control_client_data(client);
    bool held = guest && guest->lease;
    free(guest);
    if (!held)
        return;
    s->client_leases--;
    s->lease_lost = true;
    lease_look(s);
}
