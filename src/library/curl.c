/* See curl.h. */
#include "library/curl.h"

#include <assert.h>

static struct curl_functions curl_functions;

CURL_FUNCTIONS(LIBRARY_LINKED)
static const char *const curl_names[] = {CURL_FUNCTIONS(LIBRARY_NAME)};
static_assert(sizeof curl_functions == sizeof curl_names, "a pointer for each name");

static const char *version_of_curl(void)
{
    return curl_version_info(CURLVERSION_NOW)->version;
}

const struct library libcurl_library = {
    .file = "libcurl.so.4",
    .package = "libcurl4",
    .what_for = "engines are called with it",
    .names = curl_names,
    .count = sizeof curl_names / sizeof *curl_names,
    .functions = &curl_functions,
    .within = LIBRARY_ADDRESSES(CURL_FUNCTIONS),
    .version = version_of_curl,
};

int libcurl_open(struct error *err)
{
    return library_open(&libcurl_library, err);
}

const struct curl_functions *libcurl(void)
{
    return &curl_functions;
}
