/* TLS. The BIO is our own because OpenSSL's writes with write(2), which raises SIGPIPE. */
#include "client_conn/tls.h"
#include "client_base/pick.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/lock.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct tls {
    pthread_mutex_t lock;
    SSL_CTX *context;
    SSL *ssl;
};

static int fd_of(BIO *bio)
{
    return (int)(intptr_t)BIO_get_data(bio);
}

static int write_bio(BIO *bio, const char *data, int len)
{
    ssize_t sent = send(fd_of(bio), data, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);

    BIO_clear_retry_flags(bio);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_write(bio);
    return (int)sent;
}

static int read_bio(BIO *bio, char *data, int len)
{
    ssize_t got = recv(fd_of(bio), data, (size_t)len, MSG_DONTWAIT);

    BIO_clear_retry_flags(bio);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        BIO_set_retry_read(bio);
    return (int)got;
}

static long control_bio(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *bio_method;

static void make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "apphost socket");
    if (!bio_method)
        return;
    BIO_meth_set_write(bio_method, write_bio);
    BIO_meth_set_read(bio_method, read_bio);
    BIO_meth_set_ctrl(bio_method, control_bio);
}

static BIO *new_bio(int fd)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_bio_method);
    BIO *bio = NULL;
    if (bio_method)
        bio = BIO_new(bio_method);
    if (bio) {
        BIO_set_data(bio, (void *)(intptr_t)fd);
        BIO_set_init(bio, 1);
    }
    return bio;
}

static int fail_tls(struct apphost_error *error, const char *host, const char *what, const SSL *ssl)
{
    long verify = X509_V_OK;
    if (ssl)
        verify = SSL_get_verify_result(ssl);
    unsigned long code = ERR_peek_last_error();
    const char *why = "the connection was closed";
    if (verify != X509_V_OK)
        why = X509_verify_cert_error_string(verify);
    else if (code)
        why = ERR_reason_error_string(code);

    fail_set(error, APPHOST_E_TLS, "ssl", "TLS with '%.100s': %s: %s", host, what,
             text_or(why, "unknown error"));
    ERR_clear_error();
    return -1;
}

struct version_bit {
    int bits, version;
};

static void limit_versions(SSL_CTX *context, int bits)
{
    static const struct version_bit versions[] = {
        {TLS_BIT_10, TLS1_VERSION},
        {TLS_BIT_11, TLS1_1_VERSION},
        {TLS_BIT_12, TLS1_2_VERSION},
        {TLS_BIT_13, TLS1_3_VERSION},
    };
    int lowest = 0, highest = 0;

    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        if (!(bits & versions[i].bits))
            continue;
        if (!lowest)
            lowest = versions[i].version;
        highest = versions[i].version;
    }
    SSL_CTX_set_min_proto_version(context, (int)set_or(lowest, TLS1_2_VERSION));
    SSL_CTX_set_max_proto_version(context, highest);
}

static int configure(SSL_CTX *context, const struct apphost_options *options, const char *host,
                     struct apphost_error *error)
{
    const char *ca = option_text(options, OPT_CA_FILE), *cert = option_text(options, OPT_CERT_FILE);
    const char *key = option_text(options, OPT_KEY_FILE);

    limit_versions(context, option_number(options, OPT_SSL_PROTOCOLS));
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (ca && SSL_CTX_load_verify_locations(context, ca, NULL) != 1)
        return fail_tls(error, host, ca, NULL);
    if (!ca && SSL_CTX_set_default_verify_paths(context) != 1)
        return fail_tls(error, host, "the system's authorities", NULL);
    if (cert && SSL_CTX_use_certificate_chain_file(context, cert) != 1)
        return fail_tls(error, host, cert, NULL);
    key = text_or(key, cert);
    if (cert && SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        return fail_tls(error, host, key, NULL);
    return 0;
}

/* An address is looked for among the certificate's addresses, a name among its names (and announced, SNI). */
static int expect_host(SSL *ssl, const char *host)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

    if (X509_VERIFY_PARAM_set1_ip_asc(param, host) == 1)
        return 0;
    ERR_clear_error();
    if (SSL_set_tlsext_host_name(ssl, host) != 1 || SSL_set1_host(ssl, host) != 1)
        return -1;
    return 0;
}

static int handshake(struct tls *tls, int fd, const struct attempt *attempt, const char *host,
                     struct apphost_error *error)
{
    for (;;) {
        ERR_clear_error();
        int rc = SSL_connect(tls->ssl);
        int why = SSL_get_error(tls->ssl, rc);

        if (rc == 1)
            return 0;
        if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE)
            return fail_tls(error, host, "handshake failed", tls->ssl);
        if (clock_left(attempt->deadline_ms) == 0 || atomic_load(attempt->is_cancelled))
            return fail_set(error, APPHOST_E_TIMEOUT, "connectTimeout", "TLS with '%.100s' took too long",
                            host);
        struct pollfd poll_fd = {.fd = fd, .events = why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT};
        poll(&poll_fd, 1, TRANSPORT_SLICE_MS);
    }
}

static int start(struct tls *tls, int fd, const struct attempt *attempt, const char *host,
                 struct apphost_error *error)
{
    tls->context = SSL_CTX_new(TLS_client_method());
    if (!tls->context)
        return fail_memory(error);
    if (configure(tls->context, attempt->options, host, error) < 0)
        return -1;
    tls->ssl = SSL_new(tls->context);
    BIO *bio = NULL;
    if (tls->ssl)
        bio = new_bio(fd);
    if (!bio || expect_host(tls->ssl, host) < 0) {
        BIO_free(bio);
        return fail_memory(error);
    }
    SSL_set_bio(tls->ssl, bio, bio);
    return handshake(tls, fd, attempt, host, error);
}

struct tls *tls_open(int fd, const struct attempt *attempt, const char *host, struct apphost_error *error)
{
    struct tls *tls = calloc(1, sizeof(*tls));

    if (!tls) {
        fail_memory(error);
        return NULL;
    }
    pthread_mutex_init(&tls->lock, NULL);
    if (start(tls, fd, attempt, host, error) == 0)
        return tls;
    tls_free(tls);
    return NULL;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    SSL_CTX_free(tls->context);
    pthread_mutex_destroy(&tls->lock);
    free(tls);
}

static ssize_t explain(struct tls *tls, int rc)
{
    int why = SSL_get_error(tls->ssl, rc);

    ERR_clear_error();
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return TRANSPORT_AGAIN;
    if (why == SSL_ERROR_ZERO_RETURN)
        return 0;
    return -1;
}

ssize_t tls_send(struct tls *tls, const void *data, size_t len)
{
    size_t sent = 0;

    lock_take(&tls->lock);
    int rc = SSL_write_ex(tls->ssl, data, len, &sent);
    ssize_t result;
    if (rc == 1)
        result = (ssize_t)sent;
    else
        result = explain(tls, rc);
    lock_drop(&tls->lock);
    if (result == 0)
        return -1;
    return result;
}

ssize_t tls_recv(struct tls *tls, void *data, size_t len)
{
    size_t got = 0;

    lock_take(&tls->lock);
    int rc = SSL_read_ex(tls->ssl, data, len, &got);
    ssize_t result;
    if (rc == 1)
        result = (ssize_t)got;
    else
        result = explain(tls, rc);
    lock_drop(&tls->lock);
    return result;
}
