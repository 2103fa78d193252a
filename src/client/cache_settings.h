/*
 * Inside the library: what a cache may be told by the configuration, in the sections of its client and, for a
 * keyed cache, in its own: the names and values are those that .NET's binder would take. What the program
 * sets itself wins.
 */
#ifndef CLIENT_CACHE_SETTINGS_H
#define CLIENT_CACHE_SETTINGS_H

#include "client_cache/cache.h"

#include <apphost/config.h>

struct cache_told {
    struct apphost_cache_options options;
    struct hybrid_defaults
        hybrid; /* section DefaultEntryOptions, as HybridCache's and FusionCache's options */
};

/* Fills in what is not set, from "Aspire:StackExchange:Redis" and its sections of these names, of which the
 * later wins and each may be NULL. 0, -1 for a value that does not convert. */
int cache_settings_fill(struct cache_told *told, const struct apphost_config *config,
                        const char *const names[2], struct apphost_error *error);

/* "[days.]hours:minutes[:seconds[.fraction]]" or days, as .NET reads a TimeSpan: 0 with milliseconds, -1. */
int span_parse(const char *text, int64_t *ms);

#endif
