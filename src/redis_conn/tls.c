/* OpenSSL on a pair of memory BIOs: `in` holds what came from the peer, `out` what goes to it. SSL owns both.
 */
#include "redis_conn/tls.h"
#include "base/mem.h"
#include "base/pick.h"
#include "library/openssl.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>

struct redis_tls {
    SSL_CTX *context;
    SSL *ssl;
    BIO *in, *out;
    char *name;
};

static const char *last_reason(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = NULL;
    if (code)
        reason = ERR_reason_error_string(code);
    return text_or(reason, "unknown reason");
}

static bool is_address(const char *name)
{
    unsigned char bytes[16];
    return inet_pton(AF_INET, name, bytes) == 1 || inet_pton(AF_INET6, name, bytes) == 1;
}

static int set_name(struct redis_tls *tls, struct error *err)
{
    bool done;
    if (is_address(tls->name))
        done = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls->ssl), tls->name) == 1;
    else
        done = SSL_set1_host(tls->ssl, tls->name) == 1 && SSL_set_tlsext_host_name(tls->ssl, tls->name) == 1;
    if (done)
        return 0;
    return error_set(err, ERROR_FAILED, "cannot use TLS with %s: %s", tls->name, last_reason());
}

static int set_up(struct redis_tls *tls, const char *ca_file, struct error *err)
{
    tls->context = SSL_CTX_new(TLS_client_method());
    if (!tls->context)
        return error_set(err, ERROR_FAILED, "cannot use TLS: %s", last_reason());
    SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION);
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls->context, SSL_MODE_RELEASE_BUFFERS); /* most connections are silent */
    int loaded;
    if (ca_file)
        loaded = SSL_CTX_load_verify_file(tls->context, ca_file);
    else
        loaded = SSL_CTX_set_default_verify_paths(tls->context);
    if (loaded != 1)
        return error_set(err, ERROR_FAILED, "cannot read certificate authorities from %s: %s",
                         text_or(ca_file, "the system"), last_reason());

    tls->ssl = SSL_new(tls->context);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (!tls->ssl || !tls->in || !tls->out) {
        BIO_free(tls->in);
        BIO_free(tls->out);
        return error_set(err, ERROR_FAILED, "cannot use TLS: %s", last_reason());
    }
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_connect_state(tls->ssl);
    return set_name(tls, err);
}

struct redis_tls *tls_new(const char *name, const char *ca_file, struct error *err)
{
    if (libssl_open(err) < 0)
        return NULL;
    struct redis_tls *tls = xcalloc(1, sizeof *tls);
    tls->name = xstrdup(name);
    ERR_clear_error();
    if (set_up(tls, ca_file, err) == 0)
        return tls;
    tls_free(tls);
    return NULL;
}

void tls_free(struct redis_tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    SSL_CTX_free(tls->context);
    free(tls->name);
    free(tls);
}

int tls_handshake(struct redis_tls *tls, bool *is_final, struct error *err)
{
    ERR_clear_error();
    int rc = SSL_do_handshake(tls->ssl);
    if (rc == 1)
        return 1;
    int why = SSL_get_error(tls->ssl, rc);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return 0;

    long verdict = SSL_get_verify_result(tls->ssl);
    *is_final = verdict != X509_V_OK;
    if (*is_final) {
        error_set(err, ERROR_RESOURCE, "the certificate of %s is not trusted: %s", tls->name,
                  X509_verify_cert_error_string(verdict));
        error_is_exactly(err, DETAIL_NOT_TRUSTED);
        return -1;
    }
    return error_set(err, ERROR_PROTOCOL, "TLS handshake with %s failed: %s", tls->name, last_reason());
}

int tls_feed(struct redis_tls *tls, const char *bytes, size_t length)
{
    if (BIO_write(tls->in, bytes, (int)length) == (int)length)
        return 0;
    return -1;
}

int tls_read(struct redis_tls *tls, char *bytes, size_t size)
{
    ERR_clear_error();
    int n = SSL_read(tls->ssl, bytes, (int)size_min(size, INT_MAX));
    if (n > 0)
        return n;
    int why = SSL_get_error(tls->ssl, n);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return 0;
    return -1;
}

int tls_write(struct redis_tls *tls, const char *bytes, size_t length)
{
    ERR_clear_error();
    while (length > 0) { /* memory BIOs take everything */
        int n = SSL_write(tls->ssl, bytes, (int)size_min(length, INT_MAX));
        if (n <= 0)
            return -1;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

void tls_take(struct redis_tls *tls, struct strbuf *out)
{
    char bytes[4096];
    int n;
    while ((n = BIO_read(tls->out, bytes, sizeof bytes)) > 0)
        strbuf_add(out, bytes, (size_t)n);
}
