/* See redis.h: connection strings. Options first, then defaults: whether TLS is on decides about the port. */
#include "redis/redis.h"
#include "base/mem.h"
#include "base/pick.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { TLS_PORT = 6380, MAX_DATABASE = 1 << 20 };

/* ---- host and port ---- */

static void set_host(struct redis_target *out, const char *text, size_t length)
{
    bool is_bracketed = length > 1 && text[0] == '[' && text[length - 1] == ']';
    if (is_bracketed)
        out->host = xstrndup(text + 1, length - 2);
    else
        out->host = xstrndup(text, length);
}

/* The colon before a port, or NULL: "host:port", "[::1]:6379", "::1", "host". */
static const char *find_port(const char *text)
{
    const char *colon = strrchr(text, ':'), *bracket = strrchr(text, ']');
    bool is_port = strchr(text, ':') == colon;
    if (text[0] == '[')
        is_port = bracket && colon == bracket + 1;
    if (is_port)
        return colon;
    return NULL;
}

static bool read_endpoint(struct redis_target *out, const char *text)
{
    const char *colon = find_port(text);
    size_t length = strlen(text);
    int64_t port;
    if (colon && !str_to_int64(colon + 1, 1, 65535, &port))
        return false;
    if (colon) {
        out->port = (int)port;
        length = (size_t)(colon - text);
    }
    set_host(out, text, length);
    return *out->host && !strpbrk(out->host, "!/; \t");
}

/* ---- StackExchange.Redis ---- */

static bool is_true(const char *value)
{
    return !strcasecmp(value, "true") || !strcasecmp(value, "yes") || !strcasecmp(value, "on") ||
           !strcmp(value, "1");
}

static void replace(char **into, const char *value)
{
    free(*into);
    *into = NULL;
    if (*value)
        *into = xstrdup(value);
}

static void take_option(struct redis_target *out, const char *name, const char *value)
{
    int64_t number;
    if (!strcasecmp(name, "password"))
        replace(&out->password, value);
    else if (!strcasecmp(name, "user"))
        replace(&out->user, value);
    else if (!strcasecmp(name, "sslHost"))
        replace(&out->tls_name, value);
    else if (!strcasecmp(name, "ssl"))
        out->tls = is_true(value);
    else if (!strcasecmp(name, "defaultDatabase") && str_to_int64(value, 0, MAX_DATABASE, &number))
        out->database = (int)number;
}

static char *trim(char *text)
{
    text += strspn(text, " \t");
    for (size_t length = strlen(text); length && isspace((unsigned char)text[length - 1]); length--)
        text[length - 1] = '\0';
    return text;
}

/* One item between commas. */
static bool take_item(struct redis_target *out, char *item)
{
    char *equals = strchr(item, '=');
    bool is_path = item[0] == '!' && item[1];
    if (!*item || (!is_path && !equals && (out->host || out->unix_path)))
        return true;
    if (is_path) {
        if (!out->host && !out->unix_path)
            out->unix_path = xstrdup(item + 1);
        return true;
    }
    if (!equals)
        return read_endpoint(out, item);
    *equals = '\0';
    take_option(out, trim(item), trim(equals + 1));
    return true;
}

static bool read_items(struct redis_target *out, const char *text)
{
    char *copy = xstrdup(text), *save = NULL;
    bool is_good = true;
    for (char *item = strtok_r(copy, ",", &save); item && is_good; item = strtok_r(NULL, ",", &save))
        is_good = take_item(out, trim(item));
    mem_wipe(copy, strlen(text));
    free(copy);
    return is_good && (out->host || out->unix_path);
}

/* ---- URIs ---- */

static int hex_digit(char c)
{
    if (isdigit((unsigned char)c))
        return c - '0';
    if (isxdigit((unsigned char)c))
        return (c | 0x20) - 'a' + 10;
    return -1;
}

/* NULL: a NUL inside, or a broken escape. */
static char *percent_decode(const char *text, size_t length)
{
    char *decoded = xstrndup(text, length), *to = decoded;

    for (size_t i = 0; i < length; i++) {
        bool is_escape = text[i] == '%';
        int high = -1;
        if (is_escape && i + 2 < length)
            high = hex_digit(text[i + 1]);
        int low = -1;
        if (high >= 0)
            low = hex_digit(text[i + 2]);
        if (is_escape)
            *to++ = (char)(high * 16 + low);
        else
            *to++ = text[i];
        if (is_escape)
            i += 2;
        if (is_escape && (low < 0 || high + low == 0)) {
            mem_wipe(decoded, length);
            free(decoded);
            return NULL;
        }
    }

    *to = '\0';
    return decoded;
}

/* "user:password", either of them may be missing. */
static bool read_user(struct redis_target *out, const char *text, size_t length)
{
    const char *colon = memchr(text, ':', length);
    size_t name = length;
    if (colon)
        name = (size_t)(colon - text);
    out->user = NULL;
    if (name)
        out->user = percent_decode(text, name);
    if (name && !out->user)
        return false;
    if (!colon || name + 1 == length)
        return true;
    out->password = percent_decode(colon + 1, length - name - 1);
    return out->password != NULL;
}

static bool read_database(struct redis_target *out, const char *text)
{
    int64_t number = 0;
    if (*text && !str_to_int64(text, 0, MAX_DATABASE, &number))
        return false;
    out->database = (int)number;
    return true;
}

/* What stands between "scheme://" and the query. */
static bool read_place(struct redis_target *out, const char *text, bool is_unix)
{
    const char *at = strrchr(text, '@');
    if (at && !read_user(out, text, (size_t)(at - text)))
        return false;
    if (at)
        text = at + 1;
    if (is_unix) {
        out->unix_path = percent_decode(text, strlen(text));
        return out->unix_path && *out->unix_path == '/';
    }
    size_t length = strcspn(text, "/");
    cleanup_free char *endpoint = xstrndup(text, length);
    return read_endpoint(out, endpoint) && (!text[length] || read_database(out, text + length + 1));
}

static bool read_uri(struct redis_target *out, const char *rest, bool is_unix)
{
    const char *behind = text_or(strrchr(rest, '@'), rest);
    size_t length = (size_t)(behind - rest) + strcspn(behind, "?#");
    char *place = xstrndup(rest, length);
    bool is_good = read_place(out, place, is_unix);
    if (is_good && is_unix && str_starts(rest + length, "?db=")) {
        const char *text = rest + length + strlen("?db=");
        cleanup_free char *number = xstrndup(text, strcspn(text, "&#"));
        is_good = read_database(out, number);
    }
    mem_wipe(place, length);
    free(place);
    return is_good;
}

/* ---- the front door ---- */

static bool read_text(struct redis_target *out, const char *text)
{
    static const struct {
        const char *scheme;
        bool is_tls, is_unix;
    } schemes[] = {{"redis://", false, false},
                   {"rediss://", true, false},
                   {"valkey://", false, false},
                   {"valkeys://", true, false},
                   {"unix://", false, true}};

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t length = strlen(schemes[i].scheme);
        if (strncasecmp(text, schemes[i].scheme, length) != 0)
            continue;
        out->tls = schemes[i].is_tls;
        return read_uri(out, text + length, schemes[i].is_unix);
    }

    return !strstr(text, "://") && read_items(out, text);
}

bool redis_target_parse(struct redis_target *out, const char *text)
{
    *out = (struct redis_target){0};
    if (!read_text(out, text)) {
        redis_target_fini(out);
        return false;
    }
    bool is_uri = strstr(text, "://") != NULL;
    if (!out->port) {
        out->port = REDIS_PORT;
        if (out->tls && !is_uri)
            out->port = TLS_PORT;
    }
    return true;
}

void redis_target_fini(struct redis_target *target)
{
    if (target->password)
        mem_wipe(target->password, strlen(target->password));
    free(target->host);
    free(target->unix_path);
    free(target->user);
    free(target->password);
    free(target->tls_name);
    *target = (struct redis_target){0};
}
