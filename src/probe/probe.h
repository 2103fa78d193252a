/* Probes: is it ready, and is it still there?
 *
 * A probe tries at once, then again with growing pauses (2 ms to 250 ms unless an interval is given), until
 * it succeeds; then it becomes a sensor: a kept PING connection reports its loss at once and a PING every few
 * seconds, the other kinds look again every `interval`. Every change of state is reported through on_change;
 * the text of the last failure is kept for reports. A probe has no deadline: whoever owns it has.
 *
 * Ping knows the server's answers: LOADING waits, NOAUTH, WRONGPASS, DENIED, MISCONF have a sentence each;
 * those that will not go away by waiting are `final`. Only PONG counts.
 *
 * Promise: on_change never runs before probe_start() returned and not after probe_free(). */
#ifndef PROBE_PROBE_H
#define PROBE_PROBE_H

#include "base/error.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stdint.h>

enum probe_kind { PROBE_PING, PROBE_HTTP, PROBE_TCP, PROBE_EXEC, PROBE_KIND_COUNT };

struct probe_options { /* strings are copied */
    enum probe_kind kind;
    const char *host; /* an address or a name */
    int port;
    const char *unix_path; /* ping: instead of host and port */
    const char *username;  /* ping: NULL: the default user */
    const char *password;  /* ping: AUTH; NULL none */
    bool tls;
    const char *ca_file, *tls_name;
    /* tcp: the port is that of a proxy, which accepts connections whether or not something listens on this
     * port behind it: a connection has to stay for a moment, or bytes have to come. 0: connecting is enough.
     */
    int proxied_port;
    const char *http_path;
    int http_status;                                            /* 0: any 200–399 */
    const char *const *argv, *const *environment, *working_dir; /* exec: exit code 0 is success */
    int64_t interval_ms;        /* 0: growing from 2 to 250 while not ready, 5 s afterwards */
    int64_t attempt_timeout_ms; /* of one try; 0: 2 s */
};

enum probe_state { PROBE_TRYING, PROBE_READY, PROBE_LOST };
struct probe;
/* err: why it is not ready (PROBE_TRYING with a final error: waiting will not help; PROBE_LOST: what
 * happened). */
typedef void probe_change_cb(enum probe_state state, const struct error *err, bool final, void *data);

struct probe *probe_start(struct loop *loop, const struct probe_options *options, probe_change_cb *on_change,
                          void *data);
/* The last failure, or NULL when there was none. Borrowed; valid until the next event. */
const struct error *probe_last_error(const struct probe *probe);
void probe_free(struct probe *probe);

#endif
