/* Certificates of servers with TLS: where they are, which secrets hold them, whom consumers have to trust.
 * What the secrets hold is made or read by whoever sends the plan. */
#include "lower/internal.h"
#include "base/pick.h"
#include "redis/redis.h"

#include <stdlib.h>

const char *lower_conf_quote(struct lower *l, const char *path)
{
    cleanup_free char *quoted = redis_conf_quote(path);
    return arena_strdup(l->arena, quoted);
}

const char *lower_cert_file(struct lower *l, const struct model_resource *resource, bool key)
{
    const struct model_tls *tls = &resource->redis.tls;
    const char *folder = text_or_empty(l->context->certs_folder);
    if (tls->cert)
        return lower_conf_quote(l, text_pick(key, tls->key, tls->cert));
    return lower_conf_quote(l, arena_printf(l->arena, "%s/%s-%s%s.pem", folder, l->plan->prefix,
                                            resource->name, text_if(key, "-key")));
}

/* What the secrets hold is made or read by whoever sends the plan: here only their places are known. */
void lower_certificate(struct lower *l, const struct model_resource *resource)
{
    const struct model_tls *tls = &resource->redis.tls;
    if (!tls->on)
        return;
    if (!tls->cert && !l->context->certs_folder) {
        const struct model_pos *pos = &resource->pos;
        if (tls->pos.line)
            pos = &tls->pos;
        lower_problem(l, pos, NULL, "no folder for certificates is known");
        return;
    }

    struct plan_secret *cert = lower_secret(l, arena_printf(l->arena, "%s-tls-cert", resource->name), NULL);
    struct plan_secret *key = lower_secret(l, arena_printf(l->arena, "%s-tls-key", resource->name), NULL);
    if (lower_is_reached_at_gateway(l, resource))
        cert->issued = key->issued =
            arena_printf(l->arena, "%s/%s-%s", l->context->certs_folder, l->plan->prefix, resource->name);
    if (lower_ca_file(l, resource))
        lower_secret(l, arena_printf(l->arena, "%s-tls-ca", resource->name), NULL);
}

/* The server itself, or the one with TLS that a connection string refers to; NULL: none. */
static const struct model_resource *find_server(struct lower *l, const struct model_resource *resource)
{
    if (model_is_server(resource->kind))
        return resource;
    if (resource->kind != MODEL_CONNECTION_STRING)
        return NULL;

    const struct model_text *value = &resource->connection.value;
    for (size_t i = 0; i < value->count; i++) {
        const struct model_part *part = &value->parts[i];
        if (part->literal || part->get == MODEL_GET_PARAMETER)
            continue;
        const struct model_resource *server = model_find(l->model, part->resource);
        if (server && model_is_server(server->kind) && server->redis.tls.on)
            return server;
    }
    return NULL;
}

const char *lower_ca_file(struct lower *l, const struct model_resource *resource)
{
    const struct model_resource *server = find_server(l, resource);
    if (!server)
        return NULL;
    const struct model_tls *tls = &server->redis.tls;
    if (!tls->on || tls->cert)
        return tls->ca;
    if (!l->context->certs_folder)
        return NULL;
    return arena_printf(l->arena, "%s/ca.pem", l->context->certs_folder);
}
