/* Where something that exists elsewhere is asked: taken out of its connection string or its URL. */
#include "orchestrator/internal.h"

#include "base/url.h"
#include "redis/redis.h"

#include <string.h>

static bool find_redis(struct elsewhere *place, const char *text)
{
    struct redis_target *target = &place->target;
    place->why = "its connection string names no Redis server";
    if (!redis_target_parse(target, text))
        return false;
    place->options.host = target->host;
    place->options.port = target->port;
    place->options.unix_path = target->unix_path;
    place->options.username = target->user;
    place->options.password = target->password;
    place->options.tls = target->tls;
    place->options.tls_name = target->tls_name;
    return true;
}

static bool find_service(struct elsewhere *place, const char *text)
{
    struct url url;
    place->why = "its URL names no host and port";
    if (!url_parse(&url, text) || !url_port(&url))
        return false;
    place->host = xstrndup(url.host.at, url.host.length);
    place->options.host = place->host;
    place->options.port = url_port(&url);
    place->options.tls = url_is_tls(&url);
    return true;
}

bool elsewhere_find(struct elsewhere *place, const struct plan_node *spec, const char *text)
{
    static const enum probe_kind kinds[PLAN_PROBE_KIND_COUNT] = {
        /* not all: nothing of it runs here */
        [PLAN_PROBE_PING] = PROBE_PING,
        [PLAN_PROBE_HTTP] = PROBE_HTTP,
        [PLAN_PROBE_TCP] = PROBE_TCP,
    };

    const struct plan_probe *check = &spec->check;
    place->options = (struct probe_options){
        .kind = kinds[check->kind],
        .ca_file = check->ca_file,
        .http_path = check->http_path,
        .http_status = check->http_status,
        .interval_ms = check->interval_ms,
    };

    if (check->kind == PLAN_PROBE_PING)
        return find_redis(place, text);
    return find_service(place, text);
}

void elsewhere_fini(struct elsewhere *place)
{
    redis_target_fini(&place->target);
    free(place->host);
}
