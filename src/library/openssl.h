/* OpenSSL: libcrypto for certificates and checksums of files, and libssl for connections. See library.h. */
#ifndef LIBRARY_OPENSSL_H
#define LIBRARY_OPENSSL_H

#include "library/library.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* clang-format off */
#define CRYPTO_FUNCTIONS(X) \
    X(BIO_ctrl) X(BIO_free) X(BIO_new) X(BIO_new_mem_buf) X(BIO_read) X(BIO_s_mem) X(BIO_write) \
    X(BN_free) X(BN_new) X(BN_rand) X(BN_to_ASN1_INTEGER) X(ERR_clear_error) X(ERR_get_error) \
    X(ERR_peek_last_error) X(ERR_reason_error_string) X(EVP_Digest) X(EVP_DigestFinal_ex) \
    X(EVP_DigestInit_ex) X(EVP_DigestUpdate) X(EVP_MD_CTX_free) X(EVP_MD_CTX_new) X(EVP_PKEY_Q_keygen) \
    X(EVP_PKEY_free) X(EVP_sha256) X(OpenSSL_version) X(PEM_read_bio_PrivateKey) X(PEM_read_bio_X509) \
    X(PEM_write_bio_PrivateKey) X(PEM_write_bio_X509) X(X509V3_EXT_conf_nid) X(X509V3_set_ctx) \
    X(X509_EXTENSION_free) X(X509_NAME_add_entry_by_txt) X(X509_VERIFY_PARAM_set1_ip_asc) \
    X(X509_add_ext) X(X509_check_host) X(X509_check_ip_asc) X(X509_check_private_key) \
    X(X509_check_purpose) X(X509_cmp_current_time) X(X509_cmp_time) X(X509_free) X(X509_get0_notAfter) \
    X(X509_get0_notBefore) X(X509_get_pubkey) X(X509_get_serialNumber) X(X509_get_subject_name) \
    X(X509_getm_notAfter) X(X509_getm_notBefore) X(X509_gmtime_adj) X(X509_new) X(X509_set_issuer_name) \
    X(X509_set_pubkey) X(X509_set_version) X(X509_sign) X(X509_verify) X(X509_verify_cert_error_string)
/* clang-format on */
struct crypto_functions {
    CRYPTO_FUNCTIONS(LIBRARY_MEMBER)
};

extern const struct library libcrypto_library;
/* 0, or -1. */
int libcrypto_open(struct error *err);
/* Its functions; NULL members before it was opened. */
const struct crypto_functions *libcrypto(void);

/* clang-format off */
#define SSL_FUNCTIONS(X) \
    X(SSL_CTX_ctrl) X(SSL_CTX_free) X(SSL_CTX_load_verify_file) X(SSL_CTX_new) \
    X(SSL_CTX_set_default_verify_paths) X(SSL_CTX_set_verify) X(SSL_ctrl) X(SSL_do_handshake) \
    X(SSL_free) X(SSL_get0_param) X(SSL_get_error) X(SSL_get_verify_result) X(SSL_new) X(SSL_read) \
    X(SSL_set1_host) X(SSL_set_bio) X(SSL_set_connect_state) X(SSL_shutdown) X(SSL_write) \
    X(TLS_client_method)
/* clang-format on */
struct ssl_functions {
    SSL_FUNCTIONS(LIBRARY_MEMBER)
};

extern const struct library libssl_library;
/* Opens libcrypto as well. 0, or -1. */
int libssl_open(struct error *err);
/* Its functions; NULL members before it was opened. */
const struct ssl_functions *libssl(void);

/* clang-format off */
#define BIO_ctrl (libcrypto()->BIO_ctrl)
#define BIO_free (libcrypto()->BIO_free)
#define BIO_new (libcrypto()->BIO_new)
#define BIO_new_mem_buf (libcrypto()->BIO_new_mem_buf)
#define BIO_read (libcrypto()->BIO_read)
#define BIO_s_mem (libcrypto()->BIO_s_mem)
#define BIO_write (libcrypto()->BIO_write)
#define BN_free (libcrypto()->BN_free)
#define BN_new (libcrypto()->BN_new)
#define BN_rand (libcrypto()->BN_rand)
#define BN_to_ASN1_INTEGER (libcrypto()->BN_to_ASN1_INTEGER)
#define ERR_clear_error (libcrypto()->ERR_clear_error)
#define ERR_get_error (libcrypto()->ERR_get_error)
#define ERR_peek_last_error (libcrypto()->ERR_peek_last_error)
#define ERR_reason_error_string (libcrypto()->ERR_reason_error_string)
#define EVP_Digest (libcrypto()->EVP_Digest)
#define EVP_DigestFinal_ex (libcrypto()->EVP_DigestFinal_ex)
#define EVP_DigestInit_ex (libcrypto()->EVP_DigestInit_ex)
#define EVP_DigestUpdate (libcrypto()->EVP_DigestUpdate)
#define EVP_MD_CTX_free (libcrypto()->EVP_MD_CTX_free)
#define EVP_MD_CTX_new (libcrypto()->EVP_MD_CTX_new)
#define EVP_PKEY_Q_keygen (libcrypto()->EVP_PKEY_Q_keygen)
#define EVP_PKEY_free (libcrypto()->EVP_PKEY_free)
#define EVP_sha256 (libcrypto()->EVP_sha256)
#define OpenSSL_version (libcrypto()->OpenSSL_version)
#define PEM_read_bio_PrivateKey (libcrypto()->PEM_read_bio_PrivateKey)
#define PEM_read_bio_X509 (libcrypto()->PEM_read_bio_X509)
#define PEM_write_bio_PrivateKey (libcrypto()->PEM_write_bio_PrivateKey)
#define PEM_write_bio_X509 (libcrypto()->PEM_write_bio_X509)
#define X509V3_EXT_conf_nid (libcrypto()->X509V3_EXT_conf_nid)
#define X509V3_set_ctx (libcrypto()->X509V3_set_ctx)
#define X509_EXTENSION_free (libcrypto()->X509_EXTENSION_free)
#define X509_NAME_add_entry_by_txt (libcrypto()->X509_NAME_add_entry_by_txt)
#define X509_VERIFY_PARAM_set1_ip_asc (libcrypto()->X509_VERIFY_PARAM_set1_ip_asc)
#define X509_add_ext (libcrypto()->X509_add_ext)
#define X509_check_host (libcrypto()->X509_check_host)
#define X509_check_ip_asc (libcrypto()->X509_check_ip_asc)
#define X509_check_private_key (libcrypto()->X509_check_private_key)
#define X509_check_purpose (libcrypto()->X509_check_purpose)
#define X509_cmp_current_time (libcrypto()->X509_cmp_current_time)
#define X509_cmp_time (libcrypto()->X509_cmp_time)
#define X509_free (libcrypto()->X509_free)
#define X509_get0_notAfter (libcrypto()->X509_get0_notAfter)
#define X509_get0_notBefore (libcrypto()->X509_get0_notBefore)
#define X509_get_pubkey (libcrypto()->X509_get_pubkey)
#define X509_get_serialNumber (libcrypto()->X509_get_serialNumber)
#define X509_get_subject_name (libcrypto()->X509_get_subject_name)
#define X509_getm_notAfter (libcrypto()->X509_getm_notAfter)
#define X509_getm_notBefore (libcrypto()->X509_getm_notBefore)
#define X509_gmtime_adj (libcrypto()->X509_gmtime_adj)
#define X509_new (libcrypto()->X509_new)
#define X509_set_issuer_name (libcrypto()->X509_set_issuer_name)
#define X509_set_pubkey (libcrypto()->X509_set_pubkey)
#define X509_set_version (libcrypto()->X509_set_version)
#define X509_sign (libcrypto()->X509_sign)
#define X509_verify (libcrypto()->X509_verify)
#define X509_verify_cert_error_string (libcrypto()->X509_verify_cert_error_string)
#define SSL_CTX_ctrl (libssl()->SSL_CTX_ctrl)
#define SSL_CTX_free (libssl()->SSL_CTX_free)
#define SSL_CTX_load_verify_file (libssl()->SSL_CTX_load_verify_file)
#define SSL_CTX_new (libssl()->SSL_CTX_new)
#define SSL_CTX_set_default_verify_paths (libssl()->SSL_CTX_set_default_verify_paths)
#define SSL_CTX_set_verify (libssl()->SSL_CTX_set_verify)
#define SSL_ctrl (libssl()->SSL_ctrl)
#define SSL_do_handshake (libssl()->SSL_do_handshake)
#define SSL_free (libssl()->SSL_free)
#define SSL_get0_param (libssl()->SSL_get0_param)
#define SSL_get_error (libssl()->SSL_get_error)
#define SSL_get_verify_result (libssl()->SSL_get_verify_result)
#define SSL_new (libssl()->SSL_new)
#define SSL_read (libssl()->SSL_read)
#define SSL_set1_host (libssl()->SSL_set1_host)
#define SSL_set_bio (libssl()->SSL_set_bio)
#define SSL_set_connect_state (libssl()->SSL_set_connect_state)
#define SSL_shutdown (libssl()->SSL_shutdown)
#define SSL_write (libssl()->SSL_write)
#define TLS_client_method (libssl()->TLS_client_method)
/* clang-format on */
#endif
