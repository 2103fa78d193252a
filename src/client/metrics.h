/*
 * Inside the library: the counters of caches as OpenTelemetry metrics.
 *
 * Scope Microsoft.Extensions.Caching.StackExchangeRedis; the names rediscache-hits, -misses, -sets and
 * -refreshes are those that were proposed for the original, the rest follows them. Counters are cumulative
 * and monotonic, rediscache-duration is a histogram in seconds. Attributes of a point: the connection's name,
 * the cache's key, its instance name.
 */
#ifndef CLIENT_METRICS_H
#define CLIENT_METRICS_H

#include "client_cache/cache.h"
#include "client_base/text.h"

struct metrics_source {
    const char *key; /* NULL: unkeyed */
    const struct apphost_cache *cache;
};

/* Appends one ScopeMetrics message as field 2; nothing without sources. Sources with the same attributes are
 * one series. */
void metrics_encode(struct text *out, const struct metrics_source *sources, size_t count,
                    int64_t started_unix_ns);

#endif
