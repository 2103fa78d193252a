/*
 * Inside the library: TLS over a connected socket, by OpenSSL.
 *
 * The certificate is verified against the system's authorities or `caFile`, and its names against `sslHost`,
 * else the endpoint's host. An SSL object is not safe for two threads; every call takes its lock, and none
 * blocks inside it.
 */
#ifndef CLIENT_CONN_TLS_H
#define CLIENT_CONN_TLS_H

#include "client_conn/transport.h"

struct tls *tls_open(int fd, const struct attempt *attempt, const char *host, struct apphost_error *error);
void tls_free(struct tls *tls);
ssize_t tls_send(struct tls *tls, const void *data, size_t len);
ssize_t tls_recv(struct tls *tls, void *data, size_t len);

#endif
