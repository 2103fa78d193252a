/*
 * Endpoints: `host`, `host:port`, `v6`, `[v6]:port`, `!/socket`, `!@abstract`.
 *
 * The rules are those of StackExchange.Redis' Format.TryParseEndPoint: two or more colons without brackets
 * are one IPv6 address and no port; a port that is no number makes the token unreadable (0, the caller
 * decides what that means); a number that is no port is an error. Addresses may be short as for inet_aton(3)
 * and are printed in full.
 */
#include "client_base/fail.h"
#include "client_options/options.h"
#include "client_base/text.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

struct pieces {
    char *host;
    int port;
    bool is_readable;
    bool is_bracketed; /* what is inside then is an address, or at least looks like a name */
};

static void read_port(const char *text, struct pieces *pieces)
{
    pieces->is_readable = text_to_int(text, &pieces->port) == 0;
}

static struct pieces split(const char *token)
{
    struct pieces pieces = {.is_readable = true};
    const char *last = strrchr(token, ':'), *close = strrchr(token, ']');

    if (close && close > token) {
        pieces.host = strndup(token + 1, (size_t)(close - token) - 1);
        pieces.is_bracketed = true;
        pieces.is_readable = token[0] == '[';
        if (pieces.is_readable && last && last > close)
            read_port(last + 1, &pieces);
    } else if (last && last > token && strchr(token, ':') == last) {
        pieces.host = text_trimmed(token, (size_t)(last - token));
        read_port(last + 1, &pieces);
    } else {
        pieces.host = strdup(token);
    }
    return pieces;
}

/* fe80::1%eth0 */
static bool is_scoped(const char *host)
{
    char address[INET6_ADDRSTRLEN];
    size_t len = strcspn(host, "%");
    struct in6_addr v6;

    if (len >= sizeof(address) || !host[len + 1] || strpbrk(host + len + 1, "%[]: \t\r\n\v\f"))
        return false;
    memcpy(address, host, len);
    address[len] = '\0';
    return inet_pton(AF_INET6, address, &v6) == 1;
}

/* The canonical address for free(3), or NULL when `host` is none. */
static char *canonical_address(const char *host)
{
    char text[INET6_ADDRSTRLEN];
    struct in6_addr v6;
    struct in_addr v4;

    if (strchr(host, '%')) {
        if (is_scoped(host))
            return strdup(host);
        return NULL;
    }
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return strdup(inet_ntop(AF_INET6, &v6, text, sizeof(text)));
    if (!strpbrk(host, " \t") && inet_aton(host, &v4))
        return strdup(inet_ntop(AF_INET, &v4, text, sizeof(text)));
    return NULL;
}

static char *print(const struct endpoint *endpoint)
{
    char *text = NULL;
    int rc;

    if (endpoint->kind == ENDPOINT_UNIX)
        rc = asprintf(&text, "!%s", endpoint->host);
    else if (endpoint->port == 0)
        rc = asprintf(&text, "%s", endpoint->host);
    else if (strchr(endpoint->host, ':'))
        rc = asprintf(&text, "[%s]:%d", endpoint->host, endpoint->port);
    else
        rc = asprintf(&text, "%s:%d", endpoint->host, endpoint->port);
    if (rc < 0)
        return NULL;
    return text;
}

static int complete(struct endpoint *out, struct apphost_error *error)
{
    out->text = NULL;
    if (out->host)
        out->text = print(out);
    if (out->text)
        return 1;
    endpoint_fini(out);
    return fail_memory(error);
}

int endpoint_parse(const char *token, struct endpoint *out, struct apphost_error *error)
{
    *out = (struct endpoint){.kind = ENDPOINT_DNS};
    if (token[0] == '!') {
        if (!token[1])
            return 0;
        out->kind = ENDPOINT_UNIX;
        out->host = strdup(token + 1);
        return complete(out, error);
    }

    struct pieces pieces = split(token);
    if (!pieces.is_readable || (pieces.host && !*pieces.host)) {
        free(pieces.host);
        return 0;
    }
    if (pieces.port < 0 || pieces.port > 65535) {
        free(pieces.host);
        return fail_set(error, APPHOST_E_ARGUMENT, "port", "the port of '%.200s' is not within 0 and 65535",
                        token);
    }

    char *address = NULL;
    if (pieces.host)
        address = canonical_address(pieces.host);
    if (!address && pieces.host && pieces.is_bracketed && pieces.host[strspn(pieces.host, HOST_CHARACTERS)]) {
        free(pieces.host);
        return 0;
    }
    if (address) {
        free(pieces.host);
        pieces.host = address;
        out->kind = ENDPOINT_IP;
    }
    out->host = pieces.host;
    out->port = pieces.port;
    return complete(out, error);
}

void endpoint_fini(struct endpoint *endpoint)
{
    free(endpoint->host);
    free(endpoint->text);
    *endpoint = (struct endpoint){0};
}

bool endpoint_is_same(const struct endpoint *a, const struct endpoint *b)
{
    if (a->kind != b->kind || a->port != b->port)
        return false;
    if (a->kind == ENDPOINT_UNIX)
        return strcmp(a->host, b->host) == 0;
    return strcasecmp(a->host, b->host) == 0;
}

int options_push_endpoint(struct apphost_options *options, struct endpoint *endpoint,
                          struct apphost_error *error)
{
    for (size_t i = 0; i < options->endpoint_count; i++) {
        if (endpoint_is_same(&options->endpoints[i], endpoint)) {
            endpoint_fini(endpoint);
            return 0;
        }
    }
    struct endpoint *grown = realloc(options->endpoints, (options->endpoint_count + 1) * sizeof(*grown));
    if (!grown) {
        endpoint_fini(endpoint);
        return fail_memory(error);
    }
    options->endpoints = grown;
    options->endpoints[options->endpoint_count++] = *endpoint;
    *endpoint = (struct endpoint){0};
    return 0;
}
