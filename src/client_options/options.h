/*
 * Inside the library: what the public options are made of.
 *
 * One table (options_table.c) has a row per key, in the order in which the original prints them. A row drives
 * parsing, its error texts, printing, and the binding of the ConfigurationOptions section. An options object
 * is an array of values with the same index, plus endpoints and the command map.
 */
#ifndef CLIENT_OPTIONS_OPTIONS_H
#define CLIENT_OPTIONS_OPTIONS_H

#include <apphost/options.h>

enum option_id {
    OPT_NAME,
    OPT_SERVICE_NAME,
    OPT_KEEP_ALIVE,
    OPT_SYNC_TIMEOUT,
    OPT_ASYNC_TIMEOUT,
    OPT_ALLOW_ADMIN,
    OPT_VERSION,
    OPT_CONNECT_TIMEOUT,
    OPT_USER,
    OPT_SENTINEL_USER,
    OPT_PASSWORD,
    OPT_SENTINEL_PASSWORD,
    OPT_TIEBREAKER,
    OPT_SSL,
    OPT_SSL_PROTOCOLS,
    OPT_CHECK_REVOCATION,
    OPT_SSL_HOST,
    OPT_CONFIG_CHANNEL,
    OPT_ABORT_CONNECT,
    OPT_RESOLVE_DNS,
    OPT_CHANNEL_PREFIX,
    OPT_CONNECT_RETRY,
    OPT_PROXY,
    OPT_CONFIG_CHECK_SECONDS,
    OPT_RESPONSE_TIMEOUT,
    OPT_WRITE_BUFFER,
    OPT_HIGH_PRIORITY_THREADS,
    OPT_PRESERVE_ASYNC_ORDER,
    OPT_DEFAULT_DATABASE,
    OPT_SETLIB,
    OPT_HIGH_INTEGRITY,
    OPT_PROTOCOL,
    OPT_TCP_KEEP_ALIVE,
    OPT_TUNNEL,
    OPT_LIBRARY_NAME,
    OPT_HEARTBEAT_INTERVAL,
    OPT_HEARTBEAT_CHECKS,
    OPT_INCLUDE_DETAIL,
    OPT_INCLUDE_COUNTERS,
    OPT_CA_FILE,
    OPT_CERT_FILE,
    OPT_KEY_FILE,
    OPT_DEAD_PEER_TIMEOUT,
    OPT_BACKLOG,
    OPT_RECONNECT_DELAY,
    OPT_RECONNECT_MAX_DELAY,
    OPT_REPLY_LIMIT,
    OPT_COUNT,
};

enum option_type {
    OPTION_TEXT,
    OPTION_SECRET,
    OPTION_BOOL,
    OPTION_INT,
    OPTION_VERSION,
    OPTION_PROXY,
    OPTION_SSL_PROTOCOLS,
    OPTION_PROTOCOL,
    OPTION_TUNNEL,
    OPTION_IGNORED, /* accepted with any value, kept nowhere */
};

struct option_row {
    const char *key;         /* as in a connection string; NULL: not possible there */
    const char *config_name; /* as in a ConfigurationOptions section; NULL: not bound */
    enum option_type type;
    int minimum;
    int fallback; /* the default of numbers and booleans */
    bool is_idle; /* known, kept, printed, and without effect here */
};

extern const struct option_row option_rows[OPT_COUNT];

struct option_value {
    bool is_set;
    int number;
    char *text; /* texts, and the canonical form of versions, enumerations and tunnels */
};

enum endpoint_kind { ENDPOINT_DNS, ENDPOINT_IP, ENDPOINT_UNIX };

struct endpoint {
    enum endpoint_kind kind;
    char *host; /* name, canonical address, or path; a path that begins with '@' is an abstract socket */
    int port;   /* 0: the default */
    char *text; /* as the original prints it */
};

struct command_alias {
    char *name;  /* upper case */
    char *alias; /* upper case; "" is disabled */
};

struct apphost_options {
    struct option_value values[OPT_COUNT];
    struct endpoint *endpoints;
    size_t endpoint_count;
    struct command_alias *aliases;
    size_t alias_count;
    bool is_abort_default_false; /* under Aspire nothing but the caller asks for an early failure */
};

enum tls_bits { TLS_BIT_10 = 192, TLS_BIT_11 = 768, TLS_BIT_12 = 3072, TLS_BIT_13 = 12288 };

/* The row of a connection-string key, or OPT_COUNT. Ignores case. */
enum option_id option_find(const char *key);
enum option_id option_find_config(const char *config_name);

/* Sets a value from text; error texts as in the original with `key` as typed. */
int option_set_text(struct apphost_options *options, enum option_id id, const char *key, const char *text,
                    struct apphost_error *error);
void option_unset(struct apphost_options *options, enum option_id id);
int option_add_alias(struct apphost_options *options, const char *name, const char *alias,
                     struct apphost_error *error);

int option_number(const struct apphost_options *options, enum option_id id);
/* NULL when not set or blank. */
const char *option_text(const struct apphost_options *options, enum option_id id);

/* Whether an idle key is set to something that its owner may miss: "no" and "" ask for nothing. */
bool option_is_missed(const struct apphost_options *options, enum option_id id);

/* Whether names of commands have to be looked up at all: there are aliases, or a proxy. */
bool option_has_map(const struct apphost_options *options);

/* The name to put on the wire for a command: itself, its alias, or NULL when the command map or the proxy
 * disables it. */
const char *option_command(const struct apphost_options *options, const char *name, size_t len);

/* Whether a command does not pass a proxy (1 Twemproxy, 2 Envoyproxy), by the lists of the original. */
bool option_proxy_lacks(int proxy, const char *name, size_t len);

/* 1 and *out for a readable token; 0 for one that the original drops; -1 with an error. */
int endpoint_parse(const char *token, struct endpoint *out, struct apphost_error *error);
void endpoint_fini(struct endpoint *endpoint);
bool endpoint_is_same(const struct endpoint *a, const struct endpoint *b);
/* Takes ownership of *endpoint; a duplicate is dropped. */
int options_push_endpoint(struct apphost_options *options, struct endpoint *endpoint,
                          struct apphost_error *error);

/* Whether `text` begins with a scheme that options_parse_uri() reads. */
bool options_is_uri(const char *text);
int options_parse_uri(struct apphost_options *options, const char *text, struct apphost_error *error);

/* redis_command_exists: whether StackExchange.Redis knows a command of this name (any case). */
bool option_is_known_command(const char *name);

#endif
