/*
 * Inside the library: one connected stream, plain or TLS, over TCP or a unix socket.
 *
 * One thread may receive while another sends; opening and closing belong to one thread with nobody else
 * about. Nothing here raises SIGPIPE. Receiving on a plain socket is one blocking recv(2) with a receive
 * timeout of TRANSPORT_SLICE_MS, which spares a poll(2) per reply; everything else is non-blocking plus poll.
 */
#ifndef CLIENT_CONN_TRANSPORT_H
#define CLIENT_CONN_TRANSPORT_H

#include "client_options/options.h"

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

enum { TRANSPORT_SLICE_MS = 50, TRANSPORT_AGAIN = -2 };

struct tls;

struct transport {
    int fd; /* -1: not connected */
    struct tls *tls;
};

/* What to connect to, for how long, and who may call it off. */
struct attempt {
    const struct apphost_options *options;
    int64_t deadline_ms;
    const atomic_bool *is_cancelled;
};

/* Connects, through the tunnel and with TLS where the options ask for it. A host name is resolved here,
 * blocking. */
int transport_open(struct transport *transport, const struct attempt *attempt,
                   const struct endpoint *endpoint, int port, struct apphost_error *error);
/* The first of these addresses that connects: a descriptor that does not block, or -1 with errno. */
struct addrinfo;
int transport_connect_any(const struct addrinfo *list, const struct attempt *attempt);

void transport_close(struct transport *transport);

/* Makes the peer and any thread that waits in transport_recv() see the end of the stream. */
void transport_shutdown(struct transport *transport);

/* > 0 bytes sent, TRANSPORT_AGAIN when the socket is full, -1 when the stream is broken. */
ssize_t transport_send(struct transport *transport, const void *data, size_t len);

/* > 0 bytes received, 0 at the end of the stream, TRANSPORT_AGAIN after `wait_ms`, -1 when the stream is
 * broken. */
ssize_t transport_recv(struct transport *transport, void *data, size_t len, int wait_ms);

/* Waits for poll(2) events; 0 after `wait_ms`. */
int transport_wait(const struct transport *transport, short events, int wait_ms);

/* Sends all, or fails by the attempt's deadline. */
int transport_send_all(struct transport *transport, const struct attempt *attempt, const void *data,
                       size_t len, struct apphost_error *error);

#endif
