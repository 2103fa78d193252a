/* The development certificate authority of a user, and server certificates signed by it. OpenSSL does the
 * work.
 *
 * One authority per user, made at first need and kept below the state root: ca.pem (may be read by everybody:
 * consumers get its path), ca-key.pem (0600). Server certificates are kept beside it and used again while
 * they are valid, name the same hosts and come from the same authority, so that a server is not recreated for
 * a new certificate every time.
 *
 * Keys are EC P-256; the authority is valid ten years, a server certificate 397 days (the longest that
 * clients commonly accept), renewed when less than 30 days are left. Blocking, small files. Threads: none. */
#ifndef CERTS_CERTS_H
#define CERTS_CERTS_H

#include "base/error.h"

#include <stddef.h>

struct certs_pair {
    char *cert; /* PEM; the certificate alone */
    char *key;  /* PEM, unencrypted: a secret */
};
void certs_pair_free(struct certs_pair *pair); /* wipes the key */

/* Makes sure that the authority exists in `folder` (created 0700 when missing). *ca_file (the caller frees)
 * is the path of ca.pem. Two processes at once end with the same authority. */
int certs_ensure_ca(const char *folder, char **ca_file, struct error *err);
/* The server certificate `name` for the hosts (DNS names or numeric addresses), signed by the folder's
 * authority. */
int certs_server(const char *folder, const char *name, const char *const *hosts, size_t host_count,
                 struct certs_pair *pair, struct error *err);
/* Reads a certificate and a key of the user's and checks that they belong together (ERROR_MANIFEST that says
 * which file). */
int certs_load(const char *cert_file, const char *key_file, struct certs_pair *pair, struct error *err);

#endif
