/*
 * apphost/host.h - the registry: configuration, connections, caches and health checks of one program.
 *
 * It stands where dependency injection stands in .NET, with the same rules: the unkeyed client (or cache) is
 * the last one that was added; a keyed one is found by its name only; several caches may share one
 * connection. Adding never fails for what is in the configuration, and connects nothing: a mistake there is
 * reported at first use.
 *
 * Settings of a client, the later winning: defaults, section Aspire:StackExchange:Redis, section
 * Aspire:StackExchange:Redis:{name}, ConnectionStrings:{name}, the `settings` callback. Options: the
 * connection string, the ConfigurationOptions of both sections, the `options` callback. Ours besides:
 * InstanceName in either section, and what a cache may be told (StrictWire, PreciseExpiry, ReadFromReplica,
 * FailOpen, BreakerFailures, BreakerPause, Timeout, LocalCacheBytes, LocalCacheExpiration, CompressAbove;
 * times as "00:00:30"), where its options do not say it; section DefaultEntryOptions in either, with the
 * names of HybridCache and FusionCache, for entries of apphost/hybrid.h where a call does not say it
 * (Expiration or Duration, LocalCacheExpiration, JitterMaxDuration, FailSafeMaxDuration,
 * FailSafeThrottleDuration, FactorySoftTimeout, FactoryHardTimeout; EagerRefreshThreshold as 0.9); {NAME}_URI
 * when there is no connection string; {NAME}_CA_FILE for the authorities to trust with ssl.
 *
 * Add everything from one thread; afterwards every thread may look up and use.
 */
#ifndef APPHOST_HOST_H
#define APPHOST_HOST_H

#include <apphost/cache.h>
#include <apphost/config.h>
#include <apphost/error.h>
#include <apphost/health.h>
#include <apphost/options.h>
#include <apphost/redis.h>
#include <apphost/telemetry.h>

#ifdef __cplusplus
extern "C" {
#endif

struct apphost_host;

/* Zero is a good value for every field. */
struct apphost_host_options {
    const struct apphost_config *config; /* copied; NULL: appsettings files and environment */
    const char *directory;               /* of the appsettings files; NULL: the working directory */
    const char *environment;             /* NULL: DOTNET_ENVIRONMENT, ASPNETCORE_ENVIRONMENT, Production */
    apphost_log_fn log;
    void *log_user;
    apphost_span_fn span; /* besides the export to OTEL_EXPORTER_OTLP_ENDPOINT */
    void *span_user;
};

/* Fails for configuration files that cannot be read. */
struct apphost_host *apphost_host_new(const struct apphost_host_options *options,
                                      struct apphost_error *error);

/* Closes every connection and frees every client and cache. Your threads must have left the library before:
   apphost_redis_close() sends them home. */
void apphost_host_free(struct apphost_host *host);

const struct apphost_config *apphost_host_config(const struct apphost_host *host);

/* Settings by key: ConnectionString, DisableHealthChecks, DisableTracing, DisableAutoActivation,
 * InstanceName. */
struct apphost_settings;
int apphost_settings_set(struct apphost_settings *settings, const char *key, const char *value,
                         struct apphost_error *error);
const char *apphost_settings_get(const struct apphost_settings *settings, const char *key);

/* The inline delegates: `settings` runs while the client is added, `options` at its first use. */
struct apphost_client_options {
    void (*settings)(struct apphost_settings *settings, void *user);
    void (*options)(struct apphost_options *options, void *user);
    void *user;
};

/* The client of a connection name; `client` may be NULL. */
int apphost_host_add_redis_client(struct apphost_host *host, const char *connection_name,
                                  const struct apphost_client_options *client, struct apphost_error *error);
int apphost_host_add_keyed_redis_client(struct apphost_host *host, const char *name,
                                        const struct apphost_client_options *client,
                                        struct apphost_error *error);

/* A client and a cache on it. The keyed cache is found under its name only. */
int apphost_host_add_redis_distributed_cache(struct apphost_host *host, const char *connection_name,
                                             const struct apphost_client_options *client,
                                             const struct apphost_cache_options *cache,
                                             struct apphost_error *error);
int apphost_host_add_keyed_redis_distributed_cache(struct apphost_host *host, const char *name,
                                                   const struct apphost_client_options *client,
                                                   const struct apphost_cache_options *cache,
                                                   struct apphost_error *error);

/* One more cache on a client that was added: client_key NULL is the unkeyed one, key NULL makes the unkeyed
 * cache. */
int apphost_host_with_distributed_cache(struct apphost_host *host, const char *client_key, const char *key,
                                        const struct apphost_cache_options *cache,
                                        struct apphost_error *error);

/* NULL with an error when nothing was added under that key (NULL: unkeyed). They live as long as the host. */
struct apphost_redis *apphost_host_redis(struct apphost_host *host, const char *key,
                                         struct apphost_error *error);
struct apphost_cache *apphost_host_cache(struct apphost_host *host, const char *key,
                                         struct apphost_error *error);

/* The health checks: one per client unless disabled ("StackExchange.Redis", "StackExchange.Redis_{key}"), and
 * yours. */
struct apphost_health *apphost_host_health(struct apphost_host *host);

/* Connects the clients whose DisableAutoActivation is false, without waiting for them. */
void apphost_host_start(struct apphost_host *host);

#ifdef __cplusplus
}
#endif
#endif
