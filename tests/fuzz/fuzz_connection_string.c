/* room: client */
/*
 * Any text as a connection string: lenient, strict, and as a URI. What parses must print as a string that
 * parses to the same print.
 */
#include <apphost/options.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const char *text, unsigned flags)
{
    struct apphost_error error = {0};
    struct apphost_options *options = apphost_options_parse(text, flags, &error);

    if (!options) {
        if (error.code == APPHOST_OK || !error.text[0])
            abort();
        return;
    }
    char *printed = apphost_options_format(options, APPHOST_FORMAT_SECRETS);
    struct apphost_options *again = printed && *printed ? apphost_options_parse(printed, 0, &error) : NULL;
    char *reprinted = again ? apphost_options_format(again, APPHOST_FORMAT_SECRETS) : NULL;
    /* A URI may carry what a string cannot: commas and spaces. */
    if (!(flags & APPHOST_PARSE_URI) && reprinted && strcmp(printed, reprinted) != 0)
        abort();
    for (size_t i = 0; i < apphost_options_endpoint_count(options); i++)
        if (apphost_options_endpoint_port(options, i) > 65535 || !apphost_options_endpoint(options, i))
            abort();
    free(reprinted);
    free(printed);
    apphost_options_free(again);
    apphost_options_free(options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    check(text, 0);
    check(text, APPHOST_PARSE_IGNORE_UNKNOWN);
    check(text, APPHOST_PARSE_STRICT);
    check(text, APPHOST_PARSE_URI);
    free(text);
    return 0;
}
