/* Inside the library: what a host holds. */
#ifndef CLIENT_HOST_H
#define CLIENT_HOST_H

#include "client_cache/cache.h"
#include "client_telemetry/otlp.h"

#include <apphost/host.h>

struct apphost_host {
    struct life life;
    struct apphost_config *config;
    struct log log;
    struct otlp *otlp; /* NULL: nothing is exported */
    struct tracer *tracer;
    int64_t started_unix_ns;
    struct apphost_health *health;
    struct host_client *clients;         /* newest first: the first unkeyed one is the default */
    _Atomic(struct host_cache *) caches; /* read by the exporter too */
};

struct host_client {
    struct host_client *next;
    char *key; /* NULL: unkeyed */
    struct apphost_redis *redis;
};

struct host_cache {
    struct host_cache *next;
    char *key;
    struct apphost_cache *cache;
};

/* The health check of one client, health_redis.c. `user` is a struct apphost_redis. */
enum apphost_health_status health_check_redis(void *user, char *description, size_t size);

#endif
