/* See curl.h. */
#include "library/curl.h"

#include <assert.h>

static struct curl_functions curl_functions;

int libcurl_open(struct error *err)
{
    static const char *const names[] = {CURL_FUNCTIONS(LIBRARY_NAME)};
    static const struct library library = {
        .file = "libcurl.so.4",
        .package = "libcurl4",
        .what_for = "engines are called with it",
        .names = names,
        .count = sizeof names / sizeof *names,
        .functions = &curl_functions,
    };
    static_assert(sizeof curl_functions == sizeof names, "a pointer for each name");
    return library_open(&library, err);
}

const struct curl_functions *libcurl(void)
{
    return &curl_functions;
}
