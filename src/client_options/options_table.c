/*
 * The table of option keys, and what a value of each type looks like.
 *
 * Order, spelling, defaults and error texts are those of StackExchange.Redis 2.11 (ConfigurationOptions.cs):
 * our users paste strings from there and search for its texts. Keys of ours come last and cannot stand in a
 * string.
 */
#include "client_base/fail.h"
#include "client_base/pick.h"
#include "client_options/options.h"
#include "client_base/text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const struct option_row option_rows[OPT_COUNT] = {
    [OPT_NAME] = {"name", "ClientName", OPTION_TEXT, 0, 0, false},
    [OPT_SERVICE_NAME] = {"serviceName", "ServiceName", OPTION_TEXT, 0, 0, false},
    [OPT_KEEP_ALIVE] = {"keepAlive", "KeepAlive", OPTION_INT, INT_MIN, 60, false},
    [OPT_SYNC_TIMEOUT] = {"syncTimeout", "SyncTimeout", OPTION_INT, 1, 5000, false},
    [OPT_ASYNC_TIMEOUT] = {"asyncTimeout", "AsyncTimeout", OPTION_INT, 1, 5000, false},
    [OPT_ALLOW_ADMIN] = {"allowAdmin", "AllowAdmin", OPTION_BOOL, 0, 0, false},
    [OPT_VERSION] = {"version", "DefaultVersion", OPTION_VERSION, 0, 0, true},
    [OPT_CONNECT_TIMEOUT] = {"connectTimeout", "ConnectTimeout", OPTION_INT, INT_MIN, 5000, false},
    [OPT_USER] = {"user", "User", OPTION_TEXT, 0, 0, false},
    [OPT_SENTINEL_USER] = {"sentinelUser", "SentinelUser", OPTION_TEXT, 0, 0, false},
    [OPT_PASSWORD] = {"password", "Password", OPTION_SECRET, 0, 0, false},
    [OPT_SENTINEL_PASSWORD] = {"sentinelPassword", "SentinelPassword", OPTION_SECRET, 0, 0, false},
    [OPT_TIEBREAKER] = {"tiebreaker", "TieBreaker", OPTION_TEXT, 0, 0, true},
    [OPT_SSL] = {"ssl", "Ssl", OPTION_BOOL, 0, 0, false},
    [OPT_SSL_PROTOCOLS] = {"sslProtocols", "SslProtocols", OPTION_SSL_PROTOCOLS, 0, 0, false},
    [OPT_CHECK_REVOCATION] = {"checkCertificateRevocation", "CheckCertificateRevocation", OPTION_BOOL, 0, 1,
                              true},
    [OPT_SSL_HOST] = {"sslHost", "SslHost", OPTION_TEXT, 0, 0, false},
    [OPT_CONFIG_CHANNEL] = {"configChannel", "ConfigurationChannel", OPTION_TEXT, 0, 0, true},
    [OPT_ABORT_CONNECT] = {"abortConnect", "AbortOnConnectFail", OPTION_BOOL, 0, 1, false},
    [OPT_RESOLVE_DNS] = {"resolveDns", "ResolveDns", OPTION_BOOL, 0, 0, true},
    [OPT_CHANNEL_PREFIX] = {"channelPrefix", NULL, OPTION_TEXT, 0, 0, true},
    [OPT_CONNECT_RETRY] = {"connectRetry", "ConnectRetry", OPTION_INT, INT_MIN, 3, false},
    [OPT_PROXY] = {"proxy", "Proxy", OPTION_PROXY, 0, 0, false},
    [OPT_CONFIG_CHECK_SECONDS] = {"configCheckSeconds", "ConfigCheckSeconds", OPTION_INT, INT_MIN, 60, true},
    [OPT_RESPONSE_TIMEOUT] = {"responseTimeout", NULL, OPTION_IGNORED, 0, 0, true},
    [OPT_WRITE_BUFFER] = {"writeBuffer", NULL, OPTION_IGNORED, 0, 0, true},
    [OPT_HIGH_PRIORITY_THREADS] = {"highPriorityThreads", NULL, OPTION_IGNORED, 0, 0, true},
    [OPT_PRESERVE_ASYNC_ORDER] = {"preserveAsyncOrder", NULL, OPTION_IGNORED, 0, 0, true},
    [OPT_DEFAULT_DATABASE] = {"defaultDatabase", "DefaultDatabase", OPTION_INT, INT_MIN, 0, false},
    [OPT_SETLIB] = {"setlib", "SetClientLibrary", OPTION_BOOL, 0, 1, false},
    [OPT_HIGH_INTEGRITY] = {"highIntegrity", "HighIntegrity", OPTION_BOOL, 0, 0, false},
    [OPT_PROTOCOL] = {"protocol", "Protocol", OPTION_PROTOCOL, 0, 2, false},
    [OPT_TCP_KEEP_ALIVE] = {"tcpKeepAlive", "TcpKeepAlive", OPTION_BOOL, 0, 1, false},
    [OPT_TUNNEL] = {"tunnel", NULL, OPTION_TUNNEL, 0, 0, false},
    [OPT_LIBRARY_NAME] = {NULL, "LibraryName", OPTION_TEXT, 0, 0, false},
    [OPT_HEARTBEAT_INTERVAL] = {NULL, "HeartbeatInterval", OPTION_TEXT, 0, 0, true},
    [OPT_HEARTBEAT_CHECKS] = {NULL, "HeartbeatConsistencyChecks", OPTION_BOOL, 0, 0, true},
    [OPT_INCLUDE_DETAIL] = {NULL, "IncludeDetailInExceptions", OPTION_BOOL, 0, 1, true},
    [OPT_INCLUDE_COUNTERS] = {NULL, "IncludePerformanceCountersInExceptions", OPTION_BOOL, 0, 0, true},
    [OPT_CA_FILE] = {NULL, "CaFile", OPTION_TEXT, 0, 0, false},
    [OPT_CERT_FILE] = {NULL, "CertFile", OPTION_TEXT, 0, 0, false},
    [OPT_KEY_FILE] = {NULL, "KeyFile", OPTION_TEXT, 0, 0, false},
    [OPT_DEAD_PEER_TIMEOUT] = {NULL, "DeadPeerTimeout", OPTION_INT, 1, 10000, false},
    [OPT_BACKLOG] = {NULL, "Backlog", OPTION_INT, 0, 4096, false},
    [OPT_RECONNECT_DELAY] = {NULL, "ReconnectDelay", OPTION_INT, 1, 250, false},
    [OPT_RECONNECT_MAX_DELAY] = {NULL, "ReconnectMaxDelay", OPTION_INT, 1, 4000, false},
    [OPT_REPLY_LIMIT] = {NULL, "ReplyLimit", OPTION_INT, 1, 536870912, false},
};

enum option_id option_find(const char *key)
{
    for (int i = 0; i < OPT_COUNT; i++)
        if (option_rows[i].key && strcasecmp(option_rows[i].key, key) == 0)
            return (enum option_id)i;
    return OPT_COUNT;
}

enum option_id option_find_config(const char *config_name)
{
    for (int i = 0; i < OPT_COUNT; i++)
        if (option_rows[i].config_name && strcasecmp(option_rows[i].config_name, config_name) == 0)
            return (enum option_id)i;
    return OPT_COUNT;
}

/* ---- Values ---- */

struct word {
    const char *name;
    int number;
};

static int find_word(const struct word *words, const char *text, int *out)
{
    for (size_t i = 0; words[i].name; i++) {
        if (strcasecmp(words[i].name, text) == 0) {
            *out = words[i].number;
            return 0;
        }
    }
    return -1;
}

static const struct word boolean_words[] = {
    {"true", 1}, {"yes", 1}, {"on", 1}, {"1", 1}, {"false", 0}, {"no", 0}, {"off", 0}, {"0", 0}, {NULL, 0},
};

static const struct word proxy_words[] = {
    {"None", 0}, {"Twemproxy", 1}, {"Envoyproxy", 2}, {"0", 0}, {"1", 1}, {"2", 2}, {NULL, 0},
};

static const struct word protocol_words[] = {{"2", 2}, {"resp2", 2}, {"3", 3}, {"resp3", 3}, {NULL, 0}};

/* Default is what .NET has called SSL 3 and TLS 1.0 together. */
static const struct word ssl_words[] = {
    {"None", 0},           {"Ssl2", 12},          {"Ssl3", 48},
    {"Tls", TLS_BIT_10},   {"Tls11", TLS_BIT_11}, {"Tls12", TLS_BIT_12},
    {"Tls13", TLS_BIT_13}, {"Default", 240},      {NULL, 0},
};

static int parse_ssl_protocols(const char *text, struct option_value *value)
{
    struct text printed = {0};
    int bits = 0;

    for (const char *p = text; p; p = text_after(p, '|')) {
        char *word = text_trimmed(p, strcspn(p, "|"));
        int bit;
        bool is_good = word && (find_word(ssl_words, word, &bit) == 0 || text_to_int(word, &bit) == 0);

        free(word);
        if (!is_good)
            return -1;
        bits |= bit;
    }
    for (size_t i = 0; ssl_words[i].name; i++)
        if (ssl_words[i].number && ssl_words[i].number != 240 &&
            (bits & ssl_words[i].number) == ssl_words[i].number)
            text_addf(&printed, "%s%s", pick(printed.len, "| ", ""), ssl_words[i].name);
    if (bits == 0)
        text_adds(&printed, "None");
    value->number = bits;
    value->text = text_take(&printed);
    return 0;
}

/* "5" is 5.0; otherwise two to four numbers with points between. */
static int parse_version(const char *text, struct option_value *value)
{
    int part, count = 0;
    struct text printed = {0};

    for (const char *p = text; p; p = text_after(p, '.')) {
        char *word = text_trimmed(p, strcspn(p, "."));
        int rc = -1;
        if (word)
            rc = text_to_int(word, &part);

        free(word);
        if (rc < 0 || part < 0 || ++count > 4) {
            text_drop(&printed);
            return -1;
        }
        text_addf(&printed, "%s%d", pick(count > 1, ".", ""), part);
    }
    if (count == 1)
        text_adds(&printed, ".0");
    value->text = text_take(&printed);
    return 0;
}

static int parse_tunnel(const char *text, struct option_value *value, struct apphost_error *error)
{
    const char *rest = text;
    char *printed = NULL;

    if (!*text)
        return 0;
    if (strncasecmp(rest, "http:", 5) != 0)
        return fail_set(error, APPHOST_E_ARGUMENT, "tunnel", "Tunnel cannot be parsed: %.200s", text);
    if (strncmp(rest + 5, "//", 2) == 0)
        rest += 7;
    else
        rest += 5;
    if (!strchr(rest, ':') || asprintf(&printed, "http:%s", rest) < 0)
        return fail_set(error, APPHOST_E_ARGUMENT, "tunnel", "Tunnel cannot be parsed: %.200s", text);
    value->text = printed;
    return 0;
}

static int refuse(struct apphost_error *error, const char *key, const char *kind, const char *text)
{
    return fail_set(error, APPHOST_E_ARGUMENT, key,
                    "Keyword '%.60s' requires %s; the value '%.200s' is not recognised.", key, kind, text);
}

static int parse_int(const struct option_row *row, const char *key, const char *text,
                     struct option_value *value, struct apphost_error *error)
{
    if (text_to_int(text, &value->number) < 0)
        return refuse(error, key, "an integer value", text);
    if (value->number < row->minimum)
        return fail_set(error, APPHOST_E_ARGUMENT, key,
                        "Keyword '%.60s' has a minimum value of '%d'; the value '%.200s' is not permitted.",
                        key, row->minimum, text);
    return 0;
}

static int parse_value(const struct option_row *row, const char *key, const char *text,
                       struct option_value *value, struct apphost_error *error)
{
    switch (row->type) {
    case OPTION_BOOL:
        if (find_word(boolean_words, text, &value->number))
            return refuse(error, key, "a boolean value", text);
        return 0;
    case OPTION_INT:
        return parse_int(row, key, text, value, error);
    case OPTION_VERSION:
        if (parse_version(text, value))
            return refuse(error, key, "a version value", text);
        return 0;
    case OPTION_PROXY:
        if (find_word(proxy_words, text, &value->number))
            return refuse(error, key, "a proxy value", text);
        return 0;
    case OPTION_SSL_PROTOCOLS:
        if (parse_ssl_protocols(text, value) < 0)
            return refuse(error, key, "an SslProtocol value (multiple values separated by '|')", text);
        return 0;
    case OPTION_PROTOCOL:
        if (find_word(protocol_words, text, &value->number))
            return refuse(error, key, "a RedisProtocol value or a known protocol version number", text);
        return 0;
    case OPTION_TUNNEL:
        return parse_tunnel(text, value, error);
    default:
        value->text = strdup(text);
        if (value->text)
            return 0;
        return fail_memory(error);
    }
}

int option_set_text(struct apphost_options *options, enum option_id id, const char *key, const char *text,
                    struct apphost_error *error)
{
    struct option_value value = {.is_set = true};

    if (option_rows[id].type == OPTION_IGNORED)
        return 0;
    if (parse_value(&option_rows[id], key, text, &value, error) < 0)
        return -1;
    option_unset(options, id);
    options->values[id] = value;
    return 0;
}

void option_unset(struct apphost_options *options, enum option_id id)
{
    free(options->values[id].text);
    options->values[id] = (struct option_value){0};
}

const char *option_text(const struct apphost_options *options, enum option_id id)
{
    const char *text = options->values[id].text;

    if (text && text[strspn(text, " \t")])
        return text;
    return NULL;
}
