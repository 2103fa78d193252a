/*
 * apphost/options.h - how to reach a Redis: the connection string of StackExchange.Redis, parsed, changed,
 * rendered.
 *
 *     struct apphost_options *options = apphost_options_parse("cache:6380,password=x,ssl=true", 0, &error);
 *
 * The grammar is that of the original: tokens between commas, `key=value` or an endpoint (`host`,
 * `host:port`,
 * `[v6]:port`, `!/path/of/socket`), no quoting. Keys ignore case. By default the parser is as lenient as the
 * original, which silently drops an endpoint that it cannot read; APPHOST_PARSE_STRICT names the token, and
 * every key that would have no effect, instead.
 *
 * An options object belongs to one thread at a time. The strings that it hands out live until the next change
 * or free.
 */
#ifndef APPHOST_OPTIONS_H
#define APPHOST_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <apphost/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum apphost_parse_flags {
    APPHOST_PARSE_IGNORE_UNKNOWN = 1, /* skip keys that nobody knows */
    APPHOST_PARSE_STRICT = 2, /* a token that would be dropped or have no effect is an error that names it */
    APPHOST_PARSE_URI = 4,    /* also take redis://, rediss:// and unix:// (percent-encoding as in URIs) */
};

enum apphost_format_flags {
    APPHOST_FORMAT_SECRETS = 1, /* print passwords; without it they are ***** */
};

struct apphost_options;

/* Empty options: no endpoint, every key at its default. NULL when memory is out. */
struct apphost_options *apphost_options_new(void);
struct apphost_options *apphost_options_copy(const struct apphost_options *options);
void apphost_options_free(struct apphost_options *options);

/* NULL with the error text of the original (`parameter` is the key as typed). */
struct apphost_options *apphost_options_parse(const char *text, unsigned flags, struct apphost_error *error);

/*
 * The connection string that parses to these options: only what was set, in the original's order and
 * spelling. Returns a string for free(3), NULL when memory is out.
 */
char *apphost_options_format(const struct apphost_options *options, unsigned flags);

/*
 * Sets one key as if it stood in the string, or, with a NULL value, takes it back to its default.
 *
 * Some keys of the original are known, kept and printed, and have no effect here: tiebreaker, configChannel,
 * configCheckSeconds, resolveDns (every attempt to connect resolves anew), channelPrefix, version,
 * checkCertificateRevocation (no revocation list is fetched), and those that it ignores itself
 * (responseTimeout, writeBuffer, highPriorityThreads, preserveAsyncOrder). The strict flag refuses them, a
 * client that uses them says so in its log.
 *
 * Besides the keys of the original there are these of ours, which a connection string cannot carry:
 * - caFile: PEM file of the authorities to trust instead of the system's
 * - certFile, keyFile: PEM files of a client certificate
 * - deadPeerTimeout: milliseconds without a byte, with answers due, until a connection is dropped (10000)
 * - backlog: callers that may wait for a connection at one time (4096)
 * - reconnectDelay: first pause between attempts in milliseconds (250), growing to reconnectMaxDelay (4000)
 * - replyLimit: bytes that one string of a reply may have (536870912)
 */
int apphost_options_set(struct apphost_options *options, const char *key, const char *value,
                        struct apphost_error *error);

/* The value as text, or NULL when it was not set. "" is a value. Unknown keys are NULL as well. */
const char *apphost_options_get(const struct apphost_options *options, const char *key);

/* Effective values: what was set, else the default, which for ssl and abortConnect depends on the endpoints.
 */
bool apphost_options_bool(const struct apphost_options *options, const char *key);
int apphost_options_int(const struct apphost_options *options, const char *key);

/* Endpoints. Adding takes one endpoint token; an unreadable one is an error here. A duplicate is ignored. */
int apphost_options_add_endpoint(struct apphost_options *options, const char *text,
                                 struct apphost_error *error);
void apphost_options_clear_endpoints(struct apphost_options *options);
size_t apphost_options_endpoint_count(const struct apphost_options *options);
/* As given, without a default port. NULL beyond the last. */
const char *apphost_options_endpoint(const struct apphost_options *options, size_t index);
/* The port that a connection would use: the given one, else 26379, 6380 or 6379; 0 for a unix socket. */
int apphost_options_endpoint_port(const struct apphost_options *options, size_t index);

#ifdef __cplusplus
}
#endif
#endif
