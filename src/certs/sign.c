/* X.509 with OpenSSL 3: a self-signed authority and server certificates, EC P-256, SHA-256. Servers that are
 * one are each other's clients, and show the same certificate then.
 *
 * Every function parses PEM, works and frees again: nothing is kept. Serial numbers are 127 random bits. */
#include "certs/sign.h"
#include "base/mem.h"
#include "base/pick.h"
#include "base/str.h"
#include "library/openssl.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CA_DAYS = 3650, SERVER_DAYS = 397, DAY_S = 86400 };

static X509 *parse_cert(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return cert;
}

/* An encrypted key must not make OpenSSL ask on the terminal. */
static int no_passphrase(char *buffer, int size, int writing, void *data)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)data;
    return -1;
}

static EVP_PKEY *parse_key(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    return key;
}

static char *take_bio(BIO *bio)
{
    char *data;
    long length = BIO_get_mem_data(bio, &data);
    char *text = xstrndup(data, (size_t)length);
    BIO_free(bio);
    return text;
}

static void to_pem(X509 *cert, EVP_PKEY *key, struct certs_pair *pair)
{
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, cert);
    pair->cert = take_bio(bio);
    bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
    pair->key = take_bio(bio);
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool ok = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return ok;
}

static X509 *new_cert(EVP_PKEY *key, const char *common_name, int days)
{
    X509 *cert = X509_new();
    BIGNUM *serial = BN_new();
    bool ok = BN_rand(serial, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
              BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert));
    BN_free(serial);
    ok = ok && X509_set_version(cert, X509_VERSION_3) && X509_set_pubkey(cert, key);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), (long)days * DAY_S);
    X509_NAME *name = X509_get_subject_name(cert);
    ok = ok &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0);
    if (ok)
        return cert;
    X509_free(cert);
    return NULL;
}

static int fail(struct error *err, const char *what)
{
    unsigned long code = ERR_get_error();
    ERR_clear_error();
    return error_set(err, ERROR_FAILED, "cannot make %s: %s", what,
                     code ? ERR_reason_error_string(code) : "OpenSSL failed");
}

int sign_ca(struct certs_pair *ca, struct error *err)
{
    char name[128] = "apphost development CA";
    char host[64] = "";
    if (gethostname(host, sizeof host - 1) == 0 && host[0])
        snprintf(name, sizeof name, "apphost development CA (%.30s)", host);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = NULL;
    if (key)
        cert = new_cert(key, name, CA_DAYS);

    bool ok = cert && X509_set_issuer_name(cert, X509_get_subject_name(cert)) &&
              add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
              add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
              add_extension(cert, cert, NID_subject_key_identifier, "hash") &&
              X509_sign(cert, key, EVP_sha256());
    if (ok)
        to_pem(cert, key, ca);
    X509_free(cert);
    EVP_PKEY_free(key);
    if (ok)
        return 0;
    return fail(err, "the development certificate authority");
}

static bool is_address(const char *host)
{
    unsigned char raw[16];
    return inet_pton(AF_INET, host, raw) == 1 || inet_pton(AF_INET6, host, raw) == 1;
}

static bool add_hosts(X509 *cert, X509 *issuer, const struct sign_hosts *hosts)
{
    struct strbuf names = {0};
    for (size_t i = 0; i < hosts->count; i++)
        strbuf_addf(&names, "%s%s:%s", text_if(i, ","), is_address(hosts->items[i]) ? "IP" : "DNS",
                    hosts->items[i]);
    bool ok = add_extension(cert, issuer, NID_subject_alt_name, strbuf_text(&names));
    strbuf_free(&names);
    return ok;
}

static bool sign_with(X509 *cert, X509 *issuer, EVP_PKEY *issuer_key, const struct sign_hosts *hosts)
{
    return X509_set_issuer_name(cert, X509_get_subject_name(issuer)) &&
           add_extension(cert, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(cert, issuer, NID_key_usage, "critical,digitalSignature") &&
           add_extension(cert, issuer, NID_ext_key_usage, "serverAuth,clientAuth") &&
           add_extension(cert, issuer, NID_subject_key_identifier, "hash") &&
           add_extension(cert, issuer, NID_authority_key_identifier, "keyid") &&
           add_hosts(cert, issuer, hosts) && X509_sign(cert, issuer_key, EVP_sha256());
}

int sign_server(const struct certs_pair *ca, const struct sign_hosts *hosts, struct certs_pair *pair,
                struct error *err)
{
    X509 *issuer = parse_cert(ca->cert);
    EVP_PKEY *issuer_key = parse_key(ca->key), *key = EVP_EC_gen("P-256");
    X509 *cert = NULL;
    if (key && hosts->count)
        cert = new_cert(key, hosts->items[0], SERVER_DAYS);
    bool ok = issuer && issuer_key && cert && sign_with(cert, issuer, issuer_key, hosts);
    if (ok)
        to_pem(cert, key, pair);
    X509_free(cert);
    X509_free(issuer);
    EVP_PKEY_free(key);
    EVP_PKEY_free(issuer_key);
    if (ok)
        return 0;
    return fail(err, "a server certificate");
}

bool sign_belong_together(const struct certs_pair *pair)
{
    X509 *cert = parse_cert(pair->cert);
    EVP_PKEY *key = parse_key(pair->key);
    bool ok = cert && key && X509_check_private_key(cert, key) == 1;
    X509_free(cert);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return ok;
}

bool sign_is_usable(const struct certs_pair *pair, int days)
{
    if (!sign_belong_together(pair))
        return false;
    X509 *cert = parse_cert(pair->cert);
    time_t later = time(NULL) + (time_t)days * DAY_S;
    bool ok = X509_cmp_current_time(X509_get0_notBefore(cert)) < 0 &&
              X509_cmp_time(X509_get0_notAfter(cert), &later) > 0;
    X509_free(cert);
    return ok;
}

bool sign_is_by(const struct certs_pair *pair, const struct certs_pair *ca)
{
    X509 *cert = parse_cert(pair->cert), *issuer = parse_cert(ca->cert);
    EVP_PKEY *key = NULL;
    if (issuer)
        key = X509_get_pubkey(issuer);
    bool ok = cert && key && X509_verify(cert, key) == 1;
    EVP_PKEY_free(key);
    X509_free(cert);
    X509_free(issuer);
    ERR_clear_error();
    return ok;
}

bool sign_names(const struct certs_pair *pair, const struct sign_hosts *hosts)
{
    X509 *cert = parse_cert(pair->cert);
    bool ok = cert && X509_check_purpose(cert, X509_PURPOSE_SSL_CLIENT, 0) == 1;
    for (size_t i = 0; ok && i < hosts->count; i++) {
        if (is_address(hosts->items[i]))
            ok = X509_check_ip_asc(cert, hosts->items[i], 0) == 1;
        else
            ok = X509_check_host(cert, hosts->items[i], 0, 0, NULL) == 1;
    }
    X509_free(cert);
    return ok;
}
