/* Files and reuse: when a kept authority or server certificate is good enough, and how a new one gets to its
 * place.
 *
 * Making and signing stands in sign.c. The authority's key is written before its certificate, both by rename,
 * under a lock file, so that whoever sees ca.pem finds the key that belongs to it. */
#include "certs/certs.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/pause.h"
#include "base/str.h"
#include "certs/sign.h"
#include "library/openssl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { PEM_LIMIT = 256 * 1024, RENEW_DAYS = 30, LOCK_MS = 20000, LOCK_PAUSE_MS = 10 };

void certs_pair_free(struct certs_pair *pair)
{
    if (pair->key)
        mem_wipe(pair->key, strlen(pair->key));
    free(pair->key);
    free(pair->cert);
    *pair = (struct certs_pair){0};
}

/* Many at once, on a busy machine, take seconds; one that was stopped meanwhile must not stop everybody. */
static int lock_in_time(int fd)
{
    for (int ms = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; ms += LOCK_PAUSE_MS) {
        if (errno != EWOULDBLOCK || ms >= LOCK_MS)
            return -1;
        pause_ms(LOCK_PAUSE_MS);
    }
    return 0;
}

static int lock_folder(const char *folder, struct error *err)
{
    if (libcrypto_open(err) < 0 || file_mkdirs(folder, 0700, err) < 0)
        return -1;
    cleanup_free char *path = path_join(folder, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || lock_in_time(fd) < 0) {
        error_set(err, ERROR_FAILED, "cannot lock %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

typedef char *reader(const char *path, size_t limit, size_t *length, struct error *err);

/* read: file_read_own() for what we wrote, file_read() for what the user names. */
static int read_pair(const char *cert_file, const char *key_file, reader *read, struct certs_pair *pair,
                     struct error *err)
{
    pair->cert = read(cert_file, PEM_LIMIT, NULL, err);
    pair->key = NULL;
    if (pair->cert)
        pair->key = read(key_file, PEM_LIMIT, NULL, err);
    if (pair->key)
        return 0;
    certs_pair_free(pair);
    return -1;
}

static int write_pair(const char *cert_file, const char *key_file, const struct certs_pair *pair,
                      struct error *err)
{
    if (file_write_atomic(key_file, pair->key, strlen(pair->key), 0600, err) < 0)
        return -1;
    return file_write_atomic(cert_file, pair->cert, strlen(pair->cert), 0644, err);
}

static int load_ca(const char *folder, struct certs_pair *ca, struct error *err)
{
    cleanup_free char *cert = path_join(folder, "ca.pem"), *key = path_join(folder, "ca-key.pem");
    struct error ignored = {0};
    if (read_pair(cert, key, file_read_own, ca, &ignored) == 0 && sign_is_usable(ca, RENEW_DAYS))
        return 0;
    error_clear(&ignored);
    certs_pair_free(ca);
    if (sign_ca(ca, err) < 0)
        return -1;
    return write_pair(cert, key, ca, err);
}

int certs_ensure_ca(const char *folder, char **ca_file, struct error *err)
{
    struct certs_pair ca = {0};
    int lock = lock_folder(folder, err);
    if (lock < 0)
        return -1;
    int rc = load_ca(folder, &ca, err);
    close(lock);
    certs_pair_free(&ca);
    if (rc == 0)
        *ca_file = path_join(folder, "ca.pem");
    return rc;
}

static int issue(const char *folder, const char *name, const struct sign_hosts *hosts,
                 struct certs_pair *pair, struct error *err)
{
    struct certs_pair ca = {0};
    cleanup_free char *cert_name = xasprintf("%s.pem", name), *key_name = xasprintf("%s-key.pem", name);
    cleanup_free char *cert = path_join(folder, cert_name), *key = path_join(folder, key_name);
    if (load_ca(folder, &ca, err) < 0)
        return -1;

    struct error ignored = {0};
    bool good = read_pair(cert, key, file_read_own, pair, &ignored) == 0 &&
                sign_is_usable(pair, RENEW_DAYS) && sign_is_by(pair, &ca) && sign_names(pair, hosts);
    error_clear(&ignored);
    int rc = 0;
    if (!good) {
        certs_pair_free(pair);
        rc = sign_server(&ca, hosts, pair, err);
        if (rc == 0)
            rc = write_pair(cert, key, pair, err);
    }
    certs_pair_free(&ca);
    return rc;
}

int certs_server(const char *folder, const char *name, const char *const *hosts, size_t host_count,
                 struct certs_pair *pair, struct error *err)
{
    struct sign_hosts list = {hosts, host_count};
    int lock = lock_folder(folder, err);
    if (lock < 0)
        return -1;
    int rc = issue(folder, name, &list, pair, err);
    close(lock);
    if (rc < 0)
        certs_pair_free(pair);
    return rc;
}

int certs_load(const char *cert_file, const char *key_file, struct certs_pair *pair, struct error *err)
{
    if (libcrypto_open(err) < 0 || read_pair(cert_file, key_file, file_read, pair, err) < 0)
        return -1;
    if (sign_belong_together(pair))
        return 0;
    certs_pair_free(pair);
    error_set(err, ERROR_MANIFEST,
              "the certificate %s and the key %s do not belong together, or one of them cannot be read",
              cert_file, key_file);
    error_hint(err, "both must be PEM, the key without a passphrase");
    return -1;
}
