/* See openssl.h. Which libraries they are is said by the headers that we were compiled with. */
#include "library/openssl.h"

#include <assert.h>

#define TEXT(number) #number
#define VERSIONED(name, number) name TEXT(number)

static struct crypto_functions crypto_functions;

CRYPTO_FUNCTIONS(LIBRARY_LINKED)
static const char *const crypto_names[] = {CRYPTO_FUNCTIONS(LIBRARY_NAME)};
static_assert(sizeof crypto_functions == sizeof crypto_names, "a pointer for each name");

static const char *version_of_openssl(void)
{
    return OpenSSL_version(OPENSSL_FULL_VERSION_STRING);
}

const struct library libcrypto_library = {
    .file = VERSIONED("libcrypto.so.", OPENSSL_SHLIB_VERSION),
    .package = "libssl3",
    .what_for = "certificates and checksums are made with it",
    .names = crypto_names,
    .count = sizeof crypto_names / sizeof *crypto_names,
    .functions = &crypto_functions,
    .within = LIBRARY_ADDRESSES(CRYPTO_FUNCTIONS),
    .version = version_of_openssl,
};

int libcrypto_open(struct error *err)
{
    return library_open(&libcrypto_library, err);
}

const struct crypto_functions *libcrypto(void)
{
    return &crypto_functions;
}

static struct ssl_functions ssl_functions;

SSL_FUNCTIONS(LIBRARY_LINKED)
static const char *const ssl_names[] = {SSL_FUNCTIONS(LIBRARY_NAME)};
static_assert(sizeof ssl_functions == sizeof ssl_names, "a pointer for each name");

const struct library libssl_library = {
    .file = VERSIONED("libssl.so.", OPENSSL_SHLIB_VERSION),
    .package = "libssl3",
    .what_for = "TLS connections need it",
    .names = ssl_names,
    .count = sizeof ssl_names / sizeof *ssl_names,
    .functions = &ssl_functions,
    .within = LIBRARY_ADDRESSES(SSL_FUNCTIONS),
    .version = version_of_openssl,
};

int libssl_open(struct error *err)
{
    if (libcrypto_open(err) < 0)
        return -1;
    return library_open(&libssl_library, err);
}

const struct ssl_functions *libssl(void)
{
    return &ssl_functions;
}
