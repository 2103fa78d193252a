/* See openssl.h. Which libraries they are is said by the headers that we were compiled with. */
#include "library/openssl.h"

#include <assert.h>

#define TEXT(number) #number
#define VERSIONED(name, number) name TEXT(number)

static struct crypto_functions crypto_functions;

int libcrypto_open(struct error *err)
{
    static const char *const names[] = {CRYPTO_FUNCTIONS(LIBRARY_NAME)};
    static const struct library library = {
        .file = VERSIONED("libcrypto.so.", OPENSSL_SHLIB_VERSION),
        .package = "libssl3",
        .what_for = "certificates and checksums are made with it",
        .names = names,
        .count = sizeof names / sizeof *names,
        .functions = &crypto_functions,
    };
    static_assert(sizeof crypto_functions == sizeof names, "a pointer for each name");
    return library_open(&library, err);
}

const struct crypto_functions *libcrypto(void)
{
    return &crypto_functions;
}

static struct ssl_functions ssl_functions;

int libssl_open(struct error *err)
{
    static const char *const names[] = {SSL_FUNCTIONS(LIBRARY_NAME)};
    static const struct library library = {
        .file = VERSIONED("libssl.so.", OPENSSL_SHLIB_VERSION),
        .package = "libssl3",
        .what_for = "TLS connections need it",
        .names = names,
        .count = sizeof names / sizeof *names,
        .functions = &ssl_functions,
    };
    static_assert(sizeof ssl_functions == sizeof names, "a pointer for each name");
    if (libcrypto_open(err) < 0)
        return -1;
    return library_open(&library, err);
}

const struct ssl_functions *libssl(void)
{
    return &ssl_functions;
}
