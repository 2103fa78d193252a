/*
 * The extension: URIs besides connection strings.
 *
 *     redis[s]://[[user]:password@]host[:port][/db][?key=value&...]
 *     unix://[[user]:password@]/path[?db=N&key=value...]
 *
 * Everything may be percent-encoded, which is the way out for a password with a comma. Query keys are the
 * keys of a connection string, plus `db`.
 */
#include "client_base/fail.h"
#include "client_base/pick.h"
#include "client_options/options.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct scheme {
    const char *prefix;
    bool is_tls, is_unix;
};

static const struct scheme schemes[] = {
    {"redis://", false, false},
    {"rediss://", true, false},
    {"unix://", false, true},
};

static const struct scheme *find_scheme(const char *text)
{
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
        if (strncasecmp(text, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
            return &schemes[i];
    return NULL;
}

bool options_is_uri(const char *text)
{
    return find_scheme(text + strspn(text, " \t\r\n")) != NULL;
}

static int hex(char c)
{
    if (isdigit((unsigned char)c))
        return c - '0';
    return tolower((unsigned char)c) - 'a' + 10;
}

/* For free(3); NULL with an error for a broken escape, or one that hides a NUL. */
static char *decode(const char *text, size_t len, struct apphost_error *error)
{
    char *out = malloc(len + 1), *p = out;

    if (!out) {
        fail_memory(error);
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '%') {
            *p++ = text[i];
            continue;
        }
        if (i + 2 >= len || !isxdigit((unsigned char)text[i + 1]) || !isxdigit((unsigned char)text[i + 2]) ||
            strncmp(text + i, "%00", 3) == 0) {
            free(out);
            fail_argument(error, "uri", "a '%' that two hexadecimal digits (not 00) must follow");
            return NULL;
        }
        *p++ = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
        i += 2;
    }
    *p = '\0';
    return out;
}

static int set_decoded(struct apphost_options *options, const char *key, const char *text, size_t len,
                       struct apphost_error *error)
{
    char *value = decode(text, len, error);
    int rc = -1;
    if (value)
        rc = apphost_options_set(options, key, value, error);

    free(value);
    return rc;
}

static int read_credentials(struct apphost_options *options, const char *text, size_t len,
                            struct apphost_error *error)
{
    const char *colon = memchr(text, ':', len);
    size_t user = len;
    if (colon)
        user = (size_t)(colon - text);

    if (user > 0 && set_decoded(options, "user", text, user, error) < 0)
        return -1;
    if (colon)
        return set_decoded(options, "password", colon + 1, len - user - 1, error);
    return 0;
}

static int read_endpoint(struct apphost_options *options, const struct scheme *scheme, const char *text,
                         size_t len, struct apphost_error *error)
{
    char *host = decode(text, len, error), *token = NULL;

    if (!host)
        return -1;
    int rc;
    if (scheme->is_unix)
        rc = asprintf(&token, "!%s", host);
    else
        rc = asprintf(&token, "%s", pick(*host, host, "localhost"));
    free(host);
    if (rc < 0)
        return fail_memory(error);
    rc = apphost_options_add_endpoint(options, token, error);
    free(token);
    return rc;
}

static int read_query(struct apphost_options *options, const char *text, struct apphost_error *error)
{
    while (*text) {
        size_t len = strcspn(text, "&"), key_len = strcspn(text, "=&");
        char *key = decode(text, key_len, error);
        int rc = -1;

        if (key && key_len == len)
            rc = fail_set(error, APPHOST_E_ARGUMENT, "uri", "'%.60s' in the query has no value", key);
        else if (key)
            rc = set_decoded(options, pick(strcasecmp(key, "db") == 0, "defaultDatabase", key),
                             text + key_len + 1, len - key_len - 1, error);
        free(key);
        if (rc < 0)
            return -1;
        text += len + (text[len] == '&');
    }
    return 0;
}

int options_parse_uri(struct apphost_options *options, const char *text, struct apphost_error *error)
{
    text += strspn(text, " \t\r\n");
    const struct scheme *scheme = find_scheme(text);
    const char *rest = text + strlen(scheme->prefix);
    size_t len = strcspn(rest, "?");
    while (!rest[len] && len > 0 && isspace((unsigned char)rest[len - 1]))
        len--;
    size_t authority = strcspn(rest, "/?");
    size_t most = authority;
    if (!scheme->is_unix)
        most = size_min(authority, len);
    const char *at = memrchr(rest, '@', most);

    if (at && read_credentials(options, rest, (size_t)(at - rest), error) < 0)
        return -1;
    const char *host = rest;
    if (at)
        host = at + 1;
    size_t host_len;
    if (scheme->is_unix)
        host_len = len - (size_t)(host - rest);
    else
        host_len = strcspn(host, "/?");
    if (host + host_len > rest + len)
        host_len = (size_t)(rest + len - host);
    if (read_endpoint(options, scheme, host, host_len, error) < 0)
        return -1;
    if (scheme->is_tls && apphost_options_set(options, "ssl", "true", error) < 0)
        return -1;
    const char *path = host + host_len;
    if (path < rest + len && *path == '/' && path + 1 < rest + len &&
        set_decoded(options, "defaultDatabase", path + 1, (size_t)(rest + len - path - 1), error) < 0)
        return -1;
    if (rest[len] == '?')
        return read_query(options, rest + len + 1, error);
    return 0;
}
