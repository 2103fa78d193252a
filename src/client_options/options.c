/*
 * Options as an object: parsing a connection string, single keys, effective values.
 *
 * Happy path: split at commas, trim, then each token is a command alias ($NAME=alias), a key with a value, or
 * an endpoint. What the original drops without a word, the strict flag turns into an error that names it.
 */
#include "client_options/options.h"
#include "client_base/pick.h"
#include "client_base/fail.h"
#include "client_base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct apphost_options *apphost_options_new(void)
{
    return calloc(1, sizeof(struct apphost_options));
}

void apphost_options_free(struct apphost_options *options)
{
    if (!options)
        return;
    for (int i = 0; i < OPT_COUNT; i++)
        free(options->values[i].text);
    for (size_t i = 0; i < options->alias_count; i++) {
        free(options->aliases[i].name);
        free(options->aliases[i].alias);
    }
    apphost_options_clear_endpoints(options);
    free(options->endpoints);
    free(options->aliases);
    free(options);
}

static int copy_parts(struct apphost_options *copy, const struct apphost_options *from)
{
    struct endpoint endpoint;

    for (int i = 0; i < OPT_COUNT; i++) {
        copy->values[i] = from->values[i];
        if (from->values[i].text && !(copy->values[i].text = strdup(from->values[i].text)))
            return -1;
    }
    for (size_t i = 0; i < from->endpoint_count; i++)
        if (endpoint_parse(from->endpoints[i].text, &endpoint, NULL) <= 0 ||
            options_push_endpoint(copy, &endpoint, NULL) < 0)
            return -1;
    for (size_t i = 0; i < from->alias_count; i++)
        if (option_add_alias(copy, from->aliases[i].name, from->aliases[i].alias, NULL) < 0)
            return -1;
    copy->is_abort_default_false = from->is_abort_default_false;
    return 0;
}

struct apphost_options *apphost_options_copy(const struct apphost_options *options)
{
    struct apphost_options *copy = apphost_options_new();

    if (copy && copy_parts(copy, options) < 0) {
        apphost_options_free(copy);
        return NULL;
    }
    return copy;
}

/* ---- Parsing ---- */

static char *upper_case(const char *text)
{
    char *copy = strdup(text);

    for (char *p = copy; p && *p; p++)
        *p = (char)toupper((unsigned char)*p);
    return copy;
}

int option_add_alias(struct apphost_options *options, const char *name, const char *alias,
                     struct apphost_error *error)
{
    struct command_alias entry = {upper_case(name), upper_case(alias)};
    struct command_alias *grown = realloc(options->aliases, (options->alias_count + 1) * sizeof(*grown));

    if (grown)
        options->aliases = grown;
    if (!grown || !entry.name || !entry.alias) {
        free(entry.name);
        free(entry.alias);
        return fail_memory(error);
    }
    for (size_t i = 0; i < options->alias_count; i++) {
        if (strcmp(options->aliases[i].name, entry.name) == 0) {
            free(entry.name);
            free(options->aliases[i].alias);
            options->aliases[i].alias = entry.alias;
            return 0;
        }
    }
    options->aliases[options->alias_count++] = entry;
    return 0;
}

static int apply_alias(struct apphost_options *options, const char *name, const char *value, unsigned flags,
                       struct apphost_error *error)
{
    if (option_is_known_command(name))
        return option_add_alias(options, name, value, error);
    if (flags & APPHOST_PARSE_STRICT)
        return fail_set(error, APPHOST_E_ARGUMENT, "$", "'$%.60s' maps a command that nobody knows", name);
    return 0;
}

static int apply_key(struct apphost_options *options, const char *key, const char *value, unsigned flags,
                     struct apphost_error *error)
{
    enum option_id id = option_find(key);

    if (key[0] == '$')
        return apply_alias(options, key + 1, value, flags, error);
    if (id != OPT_COUNT && option_set_text(options, id, key, value, error) < 0)
        return -1;
    if (id != OPT_COUNT && (flags & APPHOST_PARSE_STRICT) && option_is_missed(options, id))
        return fail_set(error, APPHOST_E_ARGUMENT, key, "Keyword '%.60s' is known and has no effect here.",
                        key);
    if (id != OPT_COUNT || (flags & APPHOST_PARSE_IGNORE_UNKNOWN))
        return 0;
    return fail_set(error, APPHOST_E_ARGUMENT, key, "Keyword '%.60s' is not supported.", key);
}

static int apply_endpoint(struct apphost_options *options, const char *token, unsigned flags,
                          struct apphost_error *error)
{
    struct endpoint endpoint;
    int rc = endpoint_parse(token, &endpoint, error);

    if (rc > 0)
        return options_push_endpoint(options, &endpoint, error);
    if (rc == 0 && (flags & APPHOST_PARSE_STRICT))
        return fail_set(error, APPHOST_E_ARGUMENT, "endpoint", "'%.200s' is not a host, host:port or !socket",
                        token);
    return rc;
}

static int apply_token(struct apphost_options *options, char *token, unsigned flags,
                       struct apphost_error *error)
{
    char *equals = strchr(token, '=');

    if (!*token)
        return 0;
    if (!equals || equals == token)
        return apply_endpoint(options, token, flags, error);
    char *key = text_trimmed(token, (size_t)(equals - token));
    char *value = text_trimmed(equals + 1, strlen(equals + 1));
    int rc;
    if (key && value)
        rc = apply_key(options, key, value, flags, error);
    else
        rc = fail_memory(error);
    free(key);
    free(value);
    return rc;
}

static int parse_tokens(struct apphost_options *options, const char *text, unsigned flags,
                        struct apphost_error *error)
{
    for (const char *p = text; p; p = text_after(p, ',')) {
        char *token = text_trimmed(p, strcspn(p, ","));
        int rc;
        if (token)
            rc = apply_token(options, token, flags, error);
        else
            rc = fail_memory(error);

        free(token);
        if (rc < 0)
            return -1;
    }
    return 0;
}

struct apphost_options *apphost_options_parse(const char *text, unsigned flags, struct apphost_error *error)
{
    if (!text) {
        fail_argument(error, "configuration", "is NULL");
        return NULL;
    }
    if (!text[strspn(text, " \t\r\n\v\f")]) {
        fail_argument(error, "configuration", "is empty");
        return NULL;
    }

    struct apphost_options *options = apphost_options_new();
    if (!options) {
        fail_memory(error);
        return NULL;
    }
    int rc;
    if ((flags & APPHOST_PARSE_URI) && options_is_uri(text))
        rc = options_parse_uri(options, text, error);
    else
        rc = parse_tokens(options, text, flags, error);
    if (rc == 0)
        return options;
    apphost_options_free(options);
    return NULL;
}

/* ---- Single keys ---- */

static enum option_id find_any(const char *key)
{
    enum option_id id = option_find(key);

    if (id == OPT_COUNT)
        return option_find_config(key);
    return id;
}

int apphost_options_set(struct apphost_options *options, const char *key, const char *value,
                        struct apphost_error *error)
{
    if (!options || !key)
        return fail_null(error, options, "options", "key");
    enum option_id id = find_any(key);
    if (key[0] == '$')
        return apply_alias(options, key + 1, text_or(value, key + 1), APPHOST_PARSE_STRICT, error);
    if (id == OPT_COUNT)
        return fail_set(error, APPHOST_E_ARGUMENT, key, "Keyword '%.60s' is not supported.", key);
    if (value)
        return option_set_text(options, id, key, value, error);
    option_unset(options, id);
    return 0;
}

bool apphost_options_bool(const struct apphost_options *options, const char *key)
{
    return apphost_options_int(options, key) != 0;
}

int apphost_options_int(const struct apphost_options *options, const char *key)
{
    enum option_id id = OPT_COUNT;
    if (options && key)
        id = find_any(key);

    if (id == OPT_COUNT)
        return 0;
    return option_number(options, id);
}

/* ---- Effective values ---- */

struct cloud {
    const char *suffix;
    bool is_always_tls;
};

/* Host names whose defaults differ, as in the original's AzureOptionsProvider. */
static const struct cloud clouds[] = {
    {".redis.cache.windows.net", false},        {".redis.cache.chinacloudapi.cn", false},
    {".redis.cache.usgovcloudapi.net", false},  {".redis.cache.sovcloud-api.de", false},
    {".redis.cache.sovcloud-api.fr", false},    {".redis.azure.net", true},
    {".redisenterprise.cache.azure.net", true},
};

static const struct cloud *find_cloud(const struct endpoint *endpoint)
{
    size_t len = strlen(endpoint->host);

    for (size_t i = 0; endpoint->kind == ENDPOINT_DNS && i < sizeof(clouds) / sizeof(clouds[0]); i++) {
        size_t suffix = strlen(clouds[i].suffix);

        if (len > suffix && strcasecmp(endpoint->host + len - suffix, clouds[i].suffix) == 0)
            return &clouds[i];
    }
    return NULL;
}

static int fallback_of(const struct apphost_options *options, enum option_id id)
{
    for (size_t i = 0; i < options->endpoint_count && (id == OPT_SSL || id == OPT_ABORT_CONNECT); i++) {
        const struct cloud *cloud = find_cloud(&options->endpoints[i]);

        if (cloud) {
            if (id == OPT_SSL)
                return cloud->is_always_tls || options->endpoints[i].port == 6380;
            return 0;
        }
    }
    if (id == OPT_ABORT_CONNECT && options->is_abort_default_false)
        return 0;
    if (id == OPT_ASYNC_TIMEOUT)
        return option_number(options, OPT_SYNC_TIMEOUT);
    if (id == OPT_CONNECT_TIMEOUT) {
        int sync = option_number(options, OPT_SYNC_TIMEOUT);
        if (sync > option_rows[id].fallback)
            return sync;
        return option_rows[id].fallback;
    }
    return option_rows[id].fallback;
}

int option_number(const struct apphost_options *options, enum option_id id)
{
    if (options->values[id].is_set)
        return options->values[id].number;
    return fallback_of(options, id);
}

bool option_is_missed(const struct apphost_options *options, enum option_id id)
{
    const struct option_value *value = &options->values[id];

    if (!option_rows[id].is_idle)
        return false;
    if (option_rows[id].type == OPTION_IGNORED)
        return true;
    if (!value->is_set)
        return false;
    if (option_rows[id].type == OPTION_BOOL)
        return value->number != 0;
    return option_rows[id].type != OPTION_TEXT || option_text(options, id);
}

bool option_has_map(const struct apphost_options *options)
{
    return options->alias_count > 0 || option_number(options, OPT_PROXY) != 0;
}

const char *option_command(const struct apphost_options *options, const char *name, size_t len)
{
    for (size_t i = 0; i < options->alias_count; i++) {
        const struct command_alias *at = &options->aliases[i];

        if (strlen(at->name) == len && strncasecmp(at->name, name, len) == 0) {
            if (*at->alias)
                return at->alias;
            return NULL;
        }
    }
    if (option_proxy_lacks(option_number(options, OPT_PROXY), name, len))
        return NULL;
    return name;
}

/* ---- Endpoints ---- */

int apphost_options_add_endpoint(struct apphost_options *options, const char *text,
                                 struct apphost_error *error)
{
    if (!options || !text)
        return fail_null(error, options, "options", "text");
    return apply_endpoint(options, text, APPHOST_PARSE_STRICT, error);
}

void apphost_options_clear_endpoints(struct apphost_options *options)
{
    for (size_t i = 0; i < options->endpoint_count; i++)
        endpoint_fini(&options->endpoints[i]);
    options->endpoint_count = 0;
}

size_t apphost_options_endpoint_count(const struct apphost_options *options)
{
    if (options)
        return options->endpoint_count;
    return 0;
}

const char *apphost_options_endpoint(const struct apphost_options *options, size_t index)
{
    if (options && index < options->endpoint_count)
        return options->endpoints[index].text;
    return NULL;
}

int apphost_options_endpoint_port(const struct apphost_options *options, size_t index)
{
    if (!options || index >= options->endpoint_count || options->endpoints[index].kind == ENDPOINT_UNIX)
        return 0;
    if (options->endpoints[index].port)
        return options->endpoints[index].port;
    if (option_text(options, OPT_SERVICE_NAME))
        return 26379;
    if (option_number(options, OPT_SSL))
        return 6380;
    return 6379;
}
