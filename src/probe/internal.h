/* Private to room probe: what the kinds share.
 *
 * probe.c owns the object, the pauses and the states. A kind makes one try at a time: `start` begins it, and
 * it ends in exactly one probe_succeeded() or probe_failed(), or in `cancel`. A kind may keep something open
 * between tries (ping keeps its connection) and call probe_failed() then, too: that is a loss. */
#ifndef PROBE_INTERNAL_H
#define PROBE_INTERNAL_H

#include "base/str.h"
#include "probe/probe.h"
#include "process/process.h"
#include "redis_conn/redis_conn.h"

struct http_transport;
struct http_call;

struct probe_ops {
    void (*start)(struct probe *probe);
    /* Drops the try and whatever is kept open; no probe_… call afterwards. Also when there is none. */
    void (*cancel)(struct probe *probe);
};
extern const struct probe_ops probe_ping, probe_tcp, probe_exec, probe_http;

struct probe {
    struct loop *loop;
    struct probe_options options; /* strings are ours */
    struct strlist argv, environment;
    probe_change_cb *on_change;
    void *data;
    const struct probe_ops *ops;

    enum probe_state state;
    struct error last;
    bool is_trying;   /* a try is under way */
    bool was_final;   /* on_change was told so */
    int64_t since_ms; /* not ready since then */
    struct turn first;
    struct timer next;  /* the next try */
    struct timer limit; /* of the running try */

    struct redis_conn *conn; /* ping, tcp */
    struct timer hold;       /* tcp: until the connection has stayed long enough */
    bool is_connected;       /* tcp */
    int64_t tried_ms;        /* tcp */
    struct process *process; /* exec */
    struct strbuf output;    /* exec: its last words */
    struct http_transport *transport;
    struct http_call *call;
};

/* tries.c: the first one comes with the loop's next turn. */
void probe_tries_init(struct probe *probe);
/* The try succeeded or failed (*err is moved). They may call the owner, who may free the probe: return at
 * once. */
void probe_succeeded(struct probe *probe);
void probe_failed(struct probe *probe, bool is_final, struct error *err);

#endif
