/* The configuration: one flat list of keys, and the layers that are not JSON. */
#include "client_base/fail.h"
#include "client_base/pick.h"
#include "client_base/text.h"

#include <apphost/config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

extern char **environ;

struct config_pair {
    char *key, *value;
};

struct apphost_config {
    struct config_pair *pairs;
    size_t count, cap;
};

struct apphost_config *apphost_config_new(void)
{
    return calloc(1, sizeof(struct apphost_config));
}

void apphost_config_free(struct apphost_config *config)
{
    for (size_t i = 0; config && i < config->count; i++) {
        free(config->pairs[i].key);
        free(config->pairs[i].value);
    }
    if (config)
        free(config->pairs);
    free(config);
}

struct apphost_config *apphost_config_copy(const struct apphost_config *config)
{
    struct apphost_config *copy = apphost_config_new();

    for (size_t i = 0; copy && i < config->count; i++) {
        if (apphost_config_set(copy, config->pairs[i].key, config->pairs[i].value, NULL) < 0) {
            apphost_config_free(copy);
            return NULL;
        }
    }
    return copy;
}

static struct config_pair *find(const struct apphost_config *config, const char *key)
{
    for (size_t i = 0; i < config->count; i++)
        if (strcasecmp(config->pairs[i].key, key) == 0)
            return &config->pairs[i];
    return NULL;
}

const char *apphost_config_get(const struct apphost_config *config, const char *key)
{
    const struct config_pair *pair = NULL;
    if (config && key)
        pair = find(config, key);

    if (pair)
        return pair->value;
    return NULL;
}

static int append(struct apphost_config *config, const char *key, char *value)
{
    if (config->count == config->cap) {
        size_t cap = 32;
        if (config->cap)
            cap = config->cap * 2;
        struct config_pair *grown = realloc(config->pairs, cap * sizeof(*grown));

        if (!grown)
            return -1;
        config->pairs = grown;
        config->cap = cap;
    }
    char *copy = strdup(key);
    if (!copy)
        return -1;
    config->pairs[config->count++] = (struct config_pair){copy, value};
    return 0;
}

int apphost_config_set(struct apphost_config *config, const char *key, const char *value,
                       struct apphost_error *error)
{
    if (!config || !key)
        return fail_null(error, config, "config", "key");
    if (!value)
        return fail_argument(error, "value", "is NULL");
    struct config_pair *pair = find(config, key);
    char *copy = strdup(value);
    if (!copy || (!pair && append(config, key, copy) < 0)) {
        free(copy);
        return fail_memory(error);
    }
    if (pair) {
        free(pair->value);
        pair->value = copy;
    }
    return 0;
}

void apphost_config_each(const struct apphost_config *config, const char *prefix, apphost_config_fn visit,
                         void *user)
{
    size_t len = strlen(prefix);

    for (size_t i = 0; config && i < config->count; i++)
        if (strncasecmp(config->pairs[i].key, prefix, len) == 0 && config->pairs[i].key[len] == ':')
            visit(user, config->pairs[i].key + len + 1, config->pairs[i].value);
}

/* ---- Environment ---- */

/* Prefixes under which cloud platforms hand out connection strings. */
static const char *const connection_prefixes[] = {
    "CUSTOMCONNSTR_", "SQLCONNSTR_",        "SQLAZURECONNSTR_",
    "MYSQLCONNSTR_",  "POSTGRESQLCONNSTR_", "REDISCACHECONNSTR_",
};

static char *key_of_variable(const char *name, size_t len)
{
    struct text key = {0};
    size_t i = 0;

    for (size_t k = 0; k < sizeof(connection_prefixes) / sizeof(connection_prefixes[0]); k++) {
        size_t prefix = strlen(connection_prefixes[k]);

        if (len > prefix && strncasecmp(name, connection_prefixes[k], prefix) == 0) {
            text_adds(&key, "ConnectionStrings:");
            i = prefix;
        }
    }
    while (i < len) {
        bool is_separator = i + 1 < len && name[i] == '_' && name[i + 1] == '_';

        if (is_separator) {
            text_add(&key, ":", 1);
            i += 2;
        } else {
            text_add(&key, name + i, 1);
            i += 1;
        }
    }
    return text_take(&key);
}

int apphost_config_add_environment(struct apphost_config *config, const char *prefix,
                                   struct apphost_error *error)
{
    size_t cut = 0;
    if (prefix)
        cut = strlen(prefix);

    for (char **at = environ; at && *at; at++) {
        const char *equals = strchr(*at, '=');

        if (!equals || strncasecmp(*at, text_or_empty(prefix), cut) != 0 || (size_t)(equals - *at) < cut)
            continue;
        char *key = key_of_variable(*at + cut, (size_t)(equals - *at) - cut);
        int rc;
        if (key)
            rc = apphost_config_set(config, key, equals + 1, error);
        else
            rc = fail_memory(error);
        free(key);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* ---- Command line ---- */

int apphost_config_add_arguments(struct apphost_config *config, int argc, char *const argv[],
                                 struct apphost_error *error)
{
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i], *equals = strchr(arg, '=');
        const char *value = NULL;
        size_t dashes = 0;

        if (strncmp(arg, "--", 2) == 0)
            dashes = 2;
        else if (arg[0] == '/')
            dashes = 1;
        if (equals)
            value = equals + 1;
        if (!value && dashes && i + 1 < argc)
            value = argv[++i];
        if (!value)
            continue;
        size_t len;
        if (equals)
            len = (size_t)(equals - arg);
        else
            len = strlen(arg);
        char *key = strndup(arg + dashes, len - dashes);
        int rc;
        if (key)
            rc = apphost_config_set(config, key, value, error);
        else
            rc = fail_memory(error);
        free(key);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* ---- The usual layers ---- */

static const char *environment_name(void)
{
    const char *name = getenv("DOTNET_ENVIRONMENT");

    if (!name || !*name)
        name = getenv("ASPNETCORE_ENVIRONMENT");
    if (name && *name)
        return name;
    return "Production";
}

int apphost_config_add_defaults(struct apphost_config *config, const char *directory, const char *environment,
                                struct apphost_error *error)
{
    char path[4096];

    if (!config)
        return fail_argument(error, "config", "is NULL");
    if (!directory)
        directory = ".";
    if (!environment)
        environment = environment_name();
    snprintf(path, sizeof(path), "%s/appsettings.json", directory);
    if (apphost_config_add_json_file(config, path, true, error) < 0)
        return -1;
    snprintf(path, sizeof(path), "%s/appsettings.%s.json", directory, environment);
    if (apphost_config_add_json_file(config, path, true, error) < 0)
        return -1;
    return apphost_config_add_environment(config, NULL, error);
}
