/*
 * The registry. Lists, newest first, so that the first match is the one that was added last.
 *
 * A connection name that is added twice without a key gives two clients, as two registrations do in .NET, but
 * one health check: the checks are named after the key, not after the client.
 */
#include "client/host.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/pick.h"
#include "client/cache_settings.h"
#include "client/metrics.h"
#include "client_telemetry/trace.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct apphost_config *load_config(const struct apphost_host_options *options,
                                          struct apphost_error *error)
{
    struct apphost_config *config;
    if (options->config)
        config = apphost_config_copy(options->config);
    else
        config = apphost_config_new();

    if (!config) {
        fail_memory(error);
        return NULL;
    }
    if (options->config ||
        apphost_config_add_defaults(config, options->directory, options->environment, error) == 0)
        return config;
    apphost_config_free(config);
    return NULL;
}

/* On the exporter's thread, or at the end: caches come while it runs, and go only after it has stopped. */
static void collect_metrics(void *user, struct text *out)
{
    struct apphost_host *host = user;
    struct host_cache *first = atomic_load(&host->caches);
    size_t count = 0, used = 0;

    for (struct host_cache *at = first; at; at = at->next)
        count++;
    struct metrics_source *sources = NULL;
    if (count)
        sources = calloc(count, sizeof(*sources));
    for (struct host_cache *at = first; at && sources; at = at->next)
        sources[used++] = (struct metrics_source){at->key, at->cache};
    metrics_encode(out, sources, used, host->started_unix_ns);
    free(sources);
}

/* Nobody uses it any more: by the owner, or by the last call that was still under way. */
static void end_host(struct life *life)
{
    struct apphost_host *host = (struct apphost_host *)((char *)life - offsetof(struct apphost_host, life));

    for (struct host_cache *at = atomic_load(&host->caches), *next; at; at = next) {
        next = at->next;
        cache_free(at->cache);
        free(at->key);
        free(at);
    }
    while (host->clients) {
        struct host_client *next = host->clients->next;

        redis_free(host->clients->redis);
        free(host->clients->key);
        free(host->clients);
        host->clients = next;
    }
    tracer_free(host->tracer);
    otlp_free(host->otlp);
    apphost_config_free(host->config);
    free(host);
}

struct apphost_host *apphost_host_new(const struct apphost_host_options *options, struct apphost_error *error)
{
    static const struct apphost_host_options none = {0};
    struct apphost_host *host = calloc(1, sizeof(*host));

    if (!host) {
        fail_memory(error);
        return NULL;
    }
    if (!options)
        options = &none;
    atomic_init(&host->life.users, 1);
    host->life.end = end_host;
    host->config = load_config(options, error);
    host->health = NULL;
    if (host->config)
        host->health = apphost_health_new();
    if (host->config && !host->health)
        fail_memory(error);
    if (!host->health) {
        apphost_host_free(host);
        return NULL;
    }
    log_init(&host->log, options->log, options->log_user);
    apphost_config_each(host->config, LOG_LEVELS, log_add_rule, &host->log);
    host->started_unix_ns = clock_unix_ns();
    host->otlp = otlp_new(host->config, &host->log, collect_metrics, host);
    host->tracer = tracer_new(host->config, host->otlp, options->span, options->span_user);
    return host;
}

void apphost_host_free(struct apphost_host *host)
{
    if (!host)
        return;
    apphost_health_free(host->health);
    otlp_close(host->otlp);
    for (struct host_client *at = host->clients; at; at = at->next)
        redis_disconnect(at->redis);
    atomic_store(&host->log.is_silent, true);
    life_release(&host->life);
}

const struct apphost_config *apphost_host_config(const struct apphost_host *host)
{
    if (host)
        return host->config;
    return NULL;
}

struct apphost_health *apphost_host_health(struct apphost_host *host)
{
    if (host)
        return host->health;
    return NULL;
}

/* ---- Clients ---- */

static bool is_key(const char *a, const char *b)
{
    if (a && b)
        return strcmp(a, b) == 0;
    return a == b;
}

static struct host_client *find_client(struct apphost_host *host, const char *key)
{
    struct host_client *at = host->clients;

    while (at && !is_key(at->key, key))
        at = at->next;
    return at;
}

static int add_check(struct apphost_host *host, const char *key, struct apphost_redis *redis,
                     struct apphost_error *error)
{
    char name[128];
    const struct apphost_health_check check = {.name = name, .check = health_check_redis, .user = redis};
    struct apphost_error local;

    if (setting_bool(&redis->settings, SETTING_DISABLE_HEALTH_CHECKS))
        return 0;
    snprintf(name, sizeof(name), "StackExchange.Redis%s%.100s", pick(key, "_", ""), text_or(key, ""));
    if (apphost_health_add(host->health, &check, &local) == 0 || local.code == APPHOST_E_ARGUMENT)
        return 0;
    if (error)
        *error = local;
    return -1;
}

static int add_client(struct apphost_host *host, const char *name, const char *key,
                      const struct apphost_client_options *options, struct apphost_error *error)
{
    struct host_client *client = calloc(1, sizeof(*client));

    if (client)
        client->redis = redis_new(name, options, host->config, &host->log, error);
    if (client && client->redis)
        client->redis->life = &host->life;
    if (!client || !client->redis || (key && !(client->key = strdup(key)))) {
        if (client)
            redis_free(client->redis);
        free(client);
        return fail_memory(error);
    }
    if (!setting_bool(&client->redis->settings, SETTING_DISABLE_TRACING))
        client->redis->tracer = host->tracer;
    client->next = host->clients;
    host->clients = client;
    return add_check(host, key, client->redis, error);
}

static int check_name(struct apphost_host *host, const char *parameter, const char *name,
                      struct apphost_error *error)
{
    if (!host)
        return fail_argument(error, "builder", "is NULL");
    if (!name || !*name)
        return fail_argument(error, parameter, pick(name, "is empty", "is NULL"));
    return 0;
}

int apphost_host_add_redis_client(struct apphost_host *host, const char *connection_name,
                                  const struct apphost_client_options *client, struct apphost_error *error)
{
    if (check_name(host, "connectionName", connection_name, error) < 0)
        return -1;
    return add_client(host, connection_name, NULL, client, error);
}

int apphost_host_add_keyed_redis_client(struct apphost_host *host, const char *name,
                                        const struct apphost_client_options *client,
                                        struct apphost_error *error)
{
    if (check_name(host, "name", name, error) < 0)
        return -1;
    return add_client(host, name, name, client, error);
}

struct apphost_redis *apphost_host_redis(struct apphost_host *host, const char *key,
                                         struct apphost_error *error)
{
    struct host_client *client = NULL;
    if (host)
        client = find_client(host, key);

    if (client)
        return client->redis;
    fail_set(error, APPHOST_E_ARGUMENT, "key", "no Redis client was added %s%.100s",
             pick(key, "under the key ", "without a key"), text_or(key, ""));
    return NULL;
}

void apphost_host_start(struct apphost_host *host)
{
    for (struct host_client *at = host ? host->clients : NULL; at; at = at->next) {
        const char *const argv[] = {"PING"};
        const struct conn_command command = {1, argv, NULL};

        if (!setting_bool(&at->redis->settings, SETTING_DISABLE_AUTO_ACTIVATION))
            redis_post(at->redis, &command, KEY_NONE);
    }
}

/* ---- Caches ---- */

/* A keyed cache may have a section of its own besides its client's. */
static const char *find_instance_name(struct apphost_host *host, struct apphost_redis *redis, const char *key,
                                      const struct apphost_cache_options *options)
{
    char path[512];

    if (options && options->instance_name)
        return options->instance_name;
    snprintf(path, sizeof(path), "%s:%s:InstanceName", SETTINGS_SECTION, text_or(key, ""));
    const char *own = NULL;
    if (key)
        own = apphost_config_get(host->config, path);
    if (own)
        return own;
    return setting_text(&redis->settings, SETTING_INSTANCE_NAME);
}

/* A mistake there is said at first use. */
static void fill_options(struct apphost_host *host, struct apphost_redis *redis, const char *key,
                         struct cache_told *told)
{
    const char *const names[2] = {redis->name, key};
    struct apphost_error error;

    if (cache_settings_fill(told, host->config, names, &error) < 0 && !redis->settings_error.code)
        redis->settings_error = error;
}

static int add_cache(struct apphost_host *host, struct apphost_redis *redis, const char *key,
                     const struct apphost_cache_options *options, struct apphost_error *error)
{
    struct host_cache *entry = calloc(1, sizeof(*entry));
    const char *instance_name = find_instance_name(host, redis, key, options);
    struct cache_told told = {0};

    if (options)
        told.options = *options;
    fill_options(host, redis, key, &told);
    if (entry)
        entry->cache = cache_new(redis, &told.options, instance_name, error);
    if (!entry || !entry->cache || (key && !(entry->key = strdup(key)))) {
        if (entry)
            cache_free(entry->cache);
        free(entry);
        return fail_memory(error);
    }
    entry->cache->hybrid = told.hybrid;
    snprintf(redis->suffix, sizeof(redis->suffix), "-DC");
    entry->next = atomic_load(&host->caches);
    atomic_store(&host->caches, entry);
    return 0;
}

int apphost_host_add_redis_distributed_cache(struct apphost_host *host, const char *connection_name,
                                             const struct apphost_client_options *client,
                                             const struct apphost_cache_options *cache,
                                             struct apphost_error *error)
{
    if (apphost_host_add_redis_client(host, connection_name, client, error) < 0)
        return -1;
    return add_cache(host, host->clients->redis, NULL, cache, error);
}

int apphost_host_add_keyed_redis_distributed_cache(struct apphost_host *host, const char *name,
                                                   const struct apphost_client_options *client,
                                                   const struct apphost_cache_options *cache,
                                                   struct apphost_error *error)
{
    if (apphost_host_add_keyed_redis_client(host, name, client, error) < 0)
        return -1;
    return add_cache(host, host->clients->redis, name, cache, error);
}

int apphost_host_with_distributed_cache(struct apphost_host *host, const char *client_key, const char *key,
                                        const struct apphost_cache_options *cache,
                                        struct apphost_error *error)
{
    struct apphost_redis *redis = NULL;
    if (host)
        redis = apphost_host_redis(host, client_key, error);

    if (!host)
        return fail_argument(error, "builder", "is NULL");
    if (redis)
        return add_cache(host, redis, key, cache, error);
    return -1;
}

struct apphost_cache *apphost_host_cache(struct apphost_host *host, const char *key,
                                         struct apphost_error *error)
{
    struct host_cache *at = NULL;
    if (host)
        at = atomic_load(&host->caches);

    while (at && !is_key(at->key, key))
        at = at->next;
    if (at)
        return at->cache;
    fail_set(error, APPHOST_E_ARGUMENT, "key", "no distributed cache was added %s%.100s",
             pick(key, "under the key ", "without a key"), text_or(key, ""));
    return NULL;
}

/* ---- One cache on its own ---- */

struct apphost_cache *apphost_cache_open(const char *connection_name,
                                         const struct apphost_cache_options *options,
                                         struct apphost_error *error)
{
    struct apphost_host_options own = {0};

    if (options) {
        own.log = options->log;
        own.log_user = options->log_user;
    }
    struct apphost_host *host = apphost_host_new(&own, error);

    if (!host)
        return NULL;
    if (apphost_host_add_redis_distributed_cache(host, connection_name, NULL, options, error) < 0) {
        apphost_host_free(host);
        return NULL;
    }
    struct apphost_cache *cache = atomic_load(&host->caches)->cache;
    cache->owned_host = host;
    return cache;
}

void apphost_cache_close(struct apphost_cache *cache)
{
    if (cache && cache->owned_host)
        apphost_host_free(cache->owned_host);
}
