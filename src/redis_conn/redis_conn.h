/* One asynchronous connection to a server of the Redis family: TCP or unix socket, TLS, AUTH, commands in a
 * pipeline.
 *
 * redis_conn_open() returns at once; commands may be queued from then on and are sent when the connection
 * stands, after AUTH. Each command's reply callback runs exactly once, in the order of the commands: with the
 * reply, or with NULL when the connection ended first. on_closed runs once, after them, when the connection
 * could not be made or was lost; not after redis_conn_free(), which is the only way to get rid of the object.
 *
 * Happy path: resolve → connect (each address in turn) → TLS handshake → AUTH → commands. Failures: refused,
 * name not found, certificate not trusted, password refused, reset, nonsense from the peer. There is no
 * deadline in here: whoever opened it has one.
 *
 * Promise: no callback runs before the start function returned, and none after redis_conn_free(). Callbacks
 * may free the connection. Everything on the loop's thread. Error texts never contain the password. */
#ifndef REDIS_CONN_REDIS_CONN_H
#define REDIS_CONN_REDIS_CONN_H

#include "base/error.h"
#include "loop/loop.h"
#include "resp/resp.h"

#include <stdbool.h>
#include <stddef.h>

struct redis_conn;

/* The reply is valid during the callback; NULL: the connection ended before it came. */
typedef void redis_reply_cb(const struct resp_reply *reply, void *data);
/* final: another try would end the same way (wrong password, untrusted certificate, protected mode). */
typedef void redis_closed_cb(const struct error *err, bool final, void *data);

struct redis_conn_options { /* strings are copied */
    const char *host;       /* an address or a name, with port */
    int port;
    const char *unix_path; /* instead of host and port */
    const char *username;  /* NULL: the default user */
    const char *password;  /* NULL: no AUTH */
    bool tls;
    const char *ca_file;       /* NULL: the system's authorities */
    const char *tls_name;      /* whom the certificate has to name; NULL: the host */
    size_t out_limit;          /* bytes of commands not yet sent; 0: 64 MiB */
    struct resp_limits limits; /* of one reply; zeroes: the codec's defaults */
    /* The transport stands (TCP connected; nothing was sent, no handshake made). May be NULL. */
    loop_cb *on_connected;
    /* The peer is asked nothing and may speak anything: bytes came, and they are dropped. NULL: RESP. */
    loop_cb *on_bytes;
    redis_closed_cb *on_closed;
    /* RESP3 pushes, or NULL to ignore them. */
    redis_reply_cb *on_push;
    /* After SUBSCRIBE or MONITOR a RESP2 server talks unasked: what no command waits for goes to on_push,
     * too. */
    bool push_unasked;
    void *data;
};

struct redis_conn *redis_conn_open(struct loop *loop, const struct redis_conn_options *options);
/* Queues a NULL-terminated command, or one of counted arguments (lengths NULL: C strings). on_reply may be
 * NULL. -1 with ERROR_NOT_RUNNING when the connection has ended, ERROR_SPACE when out_limit would be passed:
 * then on_reply will not run. */
int redis_conn_words(struct redis_conn *conn, const char *const *words, redis_reply_cb *on_reply, void *data,
                     struct error *err);
struct redis_command {
    size_t count;
    const char *const *arguments;
    const size_t *lengths;
    redis_reply_cb *on_reply;
    void *data;
};
int redis_conn_command(struct redis_conn *conn, const struct redis_command *command, struct error *err);
/* Commands whose reply has not come. */
size_t redis_conn_pending(const struct redis_conn *conn);
/* Closes; no more callbacks. NULL is allowed. */
void redis_conn_free(struct redis_conn *conn);

/* A server's error reply as a sentence in *err (ERROR_RESOURCE). True when waiting will not help. Wordings of
 * the servers: Redis 6–8 and Valkey 7–8, src/server.c and src/acl.c. */
bool redis_explain(const struct resp_reply *reply, struct error *err);

#endif
