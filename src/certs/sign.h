/* Making and checking certificates; everything as PEM text, so that nobody else needs OpenSSL's types.
 * Internal. */
#ifndef CERTS_SIGN_H
#define CERTS_SIGN_H

#include "base/error.h"
#include "certs/certs.h"

#include <stdbool.h>

struct sign_hosts {
    const char *const *items;
    size_t count;
};
int sign_ca(struct certs_pair *ca, struct error *err);
int sign_server(const struct certs_pair *ca, const struct sign_hosts *hosts, struct certs_pair *pair,
                struct error *err);
/* Certificate and key parse, belong together, and are valid now and for `days` more. */
bool sign_is_usable(const struct certs_pair *pair, int days);
bool sign_belong_together(const struct certs_pair *pair);
bool sign_is_by(const struct certs_pair *pair, const struct certs_pair *ca);
/* The certificate names all the hosts, and is good for servers and for clients. */
bool sign_names(const struct certs_pair *pair, const struct sign_hosts *hosts);

#endif
