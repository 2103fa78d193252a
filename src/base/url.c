/* See url.h. */
#include "base/url.h"
#include "base/pick.h"

#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *scheme;
    int port;
    bool tls;
} schemes[] = {{"http", 80, false}, {"https", 443, true}, {"ws", 80, false}, {"wss", 443, true}};

static bool is_scheme(const char *text, const char *end)
{
    bool is_good = end > text && isalpha((unsigned char)*text);
    for (const char *at = text; at < end; at++)
        is_good = is_good && (isalnum((unsigned char)*at) || strchr("+-.", *at));
    return is_good;
}

/* A URL is one word: what else it holds is percent-encoded. */
static bool is_one_word(const char *text)
{
    return !text[strcspn(text, " \t\r\n\v\f")];
}

/* user[:password] */
static void take_user(struct url *url, const char *at, const char *end)
{
    const char *colon = memchr(at, ':', (size_t)(end - at));
    const char *user_end = text_or(colon, end);
    url->user = (struct url_piece){at, (size_t)(user_end - at)};
    if (colon)
        url->password = (struct url_piece){colon + 1, (size_t)(end - colon - 1)};
}

/* host[:port], or [address][:port] */
static bool take_host(struct url *url, const char *at, const char *end)
{
    const char *host_end = memchr(at, ':', (size_t)(end - at)), *rest;
    if (*at == '[') {
        at++;
        host_end = memchr(at, ']', (size_t)(end - at));
        if (!host_end)
            return false;
    }

    rest = text_or(host_end, end);
    url->host = (struct url_piece){at, (size_t)(rest - at)};
    if (rest < end && *rest == ']')
        rest++;
    if (rest == end)
        return url->host.length;
    url->port = (struct url_piece){rest + 1, (size_t)(end - rest - 1)};
    return url->host.length && *rest == ':' && url->port.length;
}

bool url_parse(struct url *url, const char *text)
{
    const char *colon = strstr(text, "://");
    *url = (struct url){0};
    if (!colon || !is_scheme(text, colon) || !is_one_word(text))
        return false;

    const char *at = colon + 3, *end = at + strcspn(at, "/?#");
    url->scheme = (struct url_piece){text, (size_t)(colon - text)};
    url->path = (struct url_piece){end, strlen(end)};
    const char *user_end = memrchr(at, '@', (size_t)(end - at));
    if (user_end) {
        take_user(url, at, user_end);
        at = user_end + 1;
    }
    return at < end && take_host(url, at, end);
}

bool url_scheme_is(const struct url *url, const char *scheme)
{
    return url->scheme.length == strlen(scheme) &&
           strncasecmp(url->scheme.at, scheme, url->scheme.length) == 0;
}

int url_default_port(const struct url *url)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (url_scheme_is(url, schemes[i].scheme))
            return schemes[i].port;
    return 0;
}

bool url_is_tls(const struct url *url)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (url_scheme_is(url, schemes[i].scheme))
            return schemes[i].tls;
    return false;
}

int url_port(const struct url *url)
{
    int64_t port = 0;
    if (!url->port.length)
        return url_default_port(url);
    cleanup_free char *text = xstrndup(url->port.at, url->port.length);
    return str_to_int64(text, 1, 65535, &port) ? (int)port : 0;
}
