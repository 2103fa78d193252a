/* Private to room redis_conn: TLS as a filter between the commands and the socket. OpenSSL with memory BIOs;
 * no sockets in here. Bytes from the peer go in by tls_feed(), bytes for the peer come out of tls_take(). */
#ifndef REDIS_CONN_TLS_H
#define REDIS_CONN_TLS_H

#include "base/error.h"
#include "base/str.h"

struct redis_tls;

/* name: whom the certificate has to name, a host name or an address. ca_file NULL: the system's authorities.
 */
struct redis_tls *tls_new(const char *name, const char *ca_file, struct error *err);
void tls_free(struct redis_tls *tls);
/* Goes on with the handshake: 1 done, 0 needs more from the peer, -1 failed; *is_final when trying again
 * cannot help. */
int tls_handshake(struct redis_tls *tls, bool *is_final, struct error *err);
int tls_feed(struct redis_tls *tls, const char *bytes, size_t length);
/* Decrypted bytes: how many, 0 when none are there, -1 when the peer ended or broke the connection. */
int tls_read(struct redis_tls *tls, char *bytes, size_t size);
int tls_write(struct redis_tls *tls, const char *bytes, size_t length);
/* Moves what has to be sent to the end of *out. */
void tls_take(struct redis_tls *tls, struct strbuf *out);

#endif
