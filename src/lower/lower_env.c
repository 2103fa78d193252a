/* The environment of a consumer: env_file entries, what its references inject, its own variables; later wins.
 *
 * Names follow .NET Aspire: ConnectionStrings__NAME as written (and with underscores where a shell would drop
 * hyphens), NAME_HOST and its kin in upper case, services__NAME__SCHEME__INDEX for endpoints. */
#include "lower/internal.h"
#include "base/ours.h"
#include "base/pick.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void grow(struct lower *l, struct environment *e)
{
    size_t capacity = grown(e->capacity, 16);
    e->items = arena_grow(l->arena, e->items, e->count, capacity, sizeof *e->items);
    e->claimants = arena_grow(l->arena, e->claimants, e->count, capacity, sizeof *e->claimants);
    e->capacity = capacity;
}

static void check_claim(struct lower *l, struct environment *e, const char *name,
                        const struct model_pos *first)
{
    if (!first || !e->claimant || first == e->claimant || e->has_clashed)
        return;
    e->has_clashed = true;
    lower_problem(l, e->claimant, "another name with `as` or `env`, or less with `inject`",
                  "the variable \"%s\" is given already, at %s:%d:%d", name, text_or(first->file, "-"),
                  first->line, first->column);
}

void environment_set(struct lower *l, struct environment *e, const char *name, struct plan_text value)
{
    for (size_t i = 0; i < e->count; i++)
        if (strcmp(e->items[i].name, name) == 0) {
            check_claim(l, e, name, e->claimants[i]);
            e->items[i].value = value;
            e->claimants[i] = e->claimant;
            return;
        }
    if (e->count == e->capacity)
        grow(l, e);
    e->claimants[e->count] = e->claimant;
    e->items[e->count++] = (struct plan_variable){arena_strdup(l->arena, name), value};
}

/* Whoever sets variables from here on; NULL: nobody who would mind another. */
static void claim(struct environment *e, const struct model_pos *claimant)
{
    e->claimant = claimant;
    e->has_clashed = false;
}

/* "my-cache" → "MY_CACHE", "1x" → "_1X"; upper false keeps the case. */
static char *variable_name(const char *name, bool upper)
{
    char *out = xasprintf("%s%s", text_if(isdigit((unsigned char)name[0]), "_"), name);
    for (char *p = out; *p; p++) {
        if (!isalnum((unsigned char)*p))
            *p = '_';
        else if (upper)
            *p = (char)toupper((unsigned char)*p);
    }
    return out;
}

static void set_property(struct lower *l, struct consumer *c, struct environment *out, const char *name,
                         const struct model_part *part)
{
    struct text_builder b = {.arena = l->arena};
    lower_get(l, c, part, &b);
    environment_set(l, out, name, text_finish(&b));
}

static struct model_part part_of(const struct injection *how, enum model_get get)
{
    const struct model_resource *target = how->target;
    return (struct model_part){.get = get, .resource = target->name, .user = how->user, .pos = target->pos};
}

static void inject_connection_string(struct lower *l, struct consumer *c, const struct injection *how,
                                     struct environment *out)
{
    struct model_part part = part_of(how, MODEL_GET_CONNECTION_STRING);
    const char *name = how->name;
    cleanup_free char *variable = xasprintf("ConnectionStrings__%s", name);
    set_property(l, c, out, variable, &part);
    if (!strchr(name, '-'))
        return;
    cleanup_free char *plain = variable_name(name, false);
    cleanup_free char *shell = xasprintf("ConnectionStrings__%s", plain);
    set_property(l, c, out, shell, &part);
}

static bool has_property(struct lower *l, const struct injection *how, enum model_get get)
{
    const struct model_topology *topology = model_topology(how->target);
    switch (get) {
    case MODEL_GET_PASSWORD:
        return lower_user_password(l, how->target, how->user) != NULL;
    case MODEL_GET_USER:
        return how->user != NULL;
    case MODEL_GET_NODES:
        return topology != NULL;
    case MODEL_GET_SENTINELS:
    case MODEL_GET_SENTINEL_NAME:
        return topology && topology->sentinels;
    case MODEL_GET_CA_FILE:
        return lower_ca_file(l, how->target) != NULL;
    case MODEL_GET_URI:
        return model_kind_info(how->target->kind)->has_string;
    default:
        return true;
    }
}

static void inject_properties(struct lower *l, struct consumer *c, const struct injection *how,
                              struct environment *out)
{
    static const struct {
        const char *suffix;
        enum model_get get;
    } properties[] = {
        {"HOST", MODEL_GET_HOST},
        {"PORT", MODEL_GET_PORT},
        {"USERNAME", MODEL_GET_USER},
        {"PASSWORD", MODEL_GET_PASSWORD},
        {"URI", MODEL_GET_URI},
        {"URL", MODEL_GET_URL},
        {"CA_FILE", MODEL_GET_CA_FILE},
        {"NODES", MODEL_GET_NODES},
        {"SENTINELS", MODEL_GET_SENTINELS},
        {"SENTINEL_NAME", MODEL_GET_SENTINEL_NAME},
    };
    cleanup_free char *prefix = variable_name(how->name, true);

    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        if (!has_property(l, how, properties[i].get))
            continue;
        struct model_part part = part_of(how, properties[i].get);
        cleanup_free char *variable = xasprintf("%s_%s", prefix, properties[i].suffix);
        set_property(l, c, out, variable, &part);
    }
}

/* Of a connection string that is put together from a server's: its parts are not known, but whom to trust is.
 */
static void inject_authority(struct lower *l, struct consumer *c, const struct model_resource *target,
                             const char *name, struct environment *out)
{
    struct model_part part = {.get = MODEL_GET_CA_FILE, .resource = target->name, .pos = target->pos};
    cleanup_free char *prefix = variable_name(name, true);
    cleanup_free char *variable = xasprintf("%s_CA_FILE", prefix);
    set_property(l, c, out, variable, &part);
}

/* How many of the first `count` endpoints have this scheme. */
static int count_scheme(const struct model_resource *target, const char *scheme, size_t count)
{
    int found = 0;
    for (size_t i = 0; i < count; i++)
        found += str_eq(target->endpoints[i].scheme, scheme);
    return found;
}

static struct model_part endpoint_part(const struct model_resource *target, size_t index)
{
    const struct model_endpoint *endpoint = &target->endpoints[index];
    return (struct model_part){
        .get = MODEL_GET_URL, .resource = target->name, .endpoint = endpoint->name, .pos = endpoint->pos};
}

/* services__NAME__SCHEME__INDEX: all endpoints of the first replica, then all of the second: one more replica
 * only adds variables. */
static void inject_replicas(struct lower *l, struct consumer *c, const struct injection *how, size_t index,
                            struct environment *out)
{
    const struct model_resource *target = how->target;
    const struct model_endpoint *endpoint = &target->endpoints[index];
    const struct model_part part = endpoint_part(target, index);
    const char *scheme = text_or(endpoint->scheme, "tcp");
    int first = count_scheme(target, endpoint->scheme, index);
    int step = count_scheme(target, endpoint->scheme, target->endpoint_count);
    int one = c->target_replica, count = 1;
    if (!one)
        count = lower_node_count(target);

    for (int i = 0; i < count; i++) {
        cleanup_free char *service = xasprintf("services__%s__%s__%d", how->name, scheme, first + i * step);
        if (!one && count > 1)
            c->target_replica = i + 1;
        set_property(l, c, out, service, &part);
    }
    c->target_replica = one;
}

static void inject_service(struct lower *l, struct consumer *c, const struct injection *how, size_t index,
                           struct environment *out)
{
    const struct model_part part = endpoint_part(how->target, index);
    if (!(how->without & MODEL_INJECT_SERVICES))
        inject_replicas(l, c, how, index, out);
    if (how->without & MODEL_INJECT_ENDPOINTS)
        return;

    cleanup_free char *prefix = variable_name(how->name, true);
    cleanup_free char *suffix = variable_name(part.endpoint, true);
    cleanup_free char *flat = xasprintf("%s_%s", prefix, suffix);
    set_property(l, c, out, flat, &part);
}

static void inject_external_service(struct lower *l, struct consumer *c, const struct injection *how,
                                    struct environment *out)
{
    const struct model_resource *target = how->target;
    struct model_part part = {.get = MODEL_GET_URL, .resource = target->name, .pos = target->pos};
    cleanup_free char *service = xasprintf("services__%s__%s__0", how->name, target->external.scheme);
    set_property(l, c, out, service, &part);
}

static void inject_uri(struct lower *l, struct consumer *c, const struct injection *how,
                       struct environment *out)
{
    struct model_part part = part_of(how, MODEL_GET_URL);
    if (model_kind_info(how->target->kind)->has_string)
        part.get = MODEL_GET_URI;
    set_property(l, c, out, how->uri_variable, &part);
}

void lower_inject(struct lower *l, struct consumer *c, const struct injection *how, struct environment *out)
{
    const struct model_resource *target = how->target;
    const char *name = how->name;
    struct connection_parts parts;

    if (model_has_string(target) && !(how->without & MODEL_INJECT_CONNECTION_STRING))
        inject_connection_string(l, c, how, out);
    bool has_parts =
        model_is_server(target->kind) || target->kind == MODEL_EXTERNAL ||
        (target->kind == MODEL_CONNECTION_STRING && lower_parse_connection(l, target, &parts) && parts.host);
    if (has_parts && !(how->without & MODEL_INJECT_PROPERTIES))
        inject_properties(l, c, how, out);
    else if (target->kind == MODEL_CONNECTION_STRING && lower_ca_file(l, target) &&
             !(how->without & MODEL_INJECT_PROPERTIES))
        inject_authority(l, c, target, name, out);

    if (target->kind == MODEL_EXTERNAL && !(how->without & MODEL_INJECT_SERVICES))
        inject_external_service(l, c, how, out);
    for (size_t i = 0; model_has_endpoints(target->kind) && i < target->endpoint_count; i++)
        inject_service(l, c, how, i, out);
    if (how->uri_variable)
        inject_uri(l, c, how, out);
}

static bool is_available(const struct lower *l, const struct model_resource *target)
{
    if (lower_is_absent(l, target))
        return false;
    return !model_is_missing(target);
}

static void add_reference(struct lower *l, struct consumer *c, const struct model_reference *reference,
                          struct environment *out)
{
    const struct model_resource *target = model_find(l->model, reference->resource);
    if (!is_available(l, target)) {
        if (!reference->optional)
            lower_problem(l, &reference->pos, NULL, "the resource \"%s\" is not available to refer to",
                          reference->resource);
        return;
    }

    struct injection how = {.target = target,
                            .name = text_or(reference->as, target->name),
                            .uri_variable = reference->env,
                            .user = reference->user,
                            .without = reference->without};
    claim(out, &reference->pos);
    lower_inject(l, c, &how, out);
    claim(out, NULL);

    if (!reference->wait || !c->node || (reference->optional && target->manual))
        return;
    struct plan_edge edge = {.until = lower_usual_wait(target), .required = true};
    lower_wait_for(l, c->node, target, &edge);
}

static bool user_has(const struct lower *l, const char *name)
{
    size_t length = strlen(name);
    for (char **entry = l->context->environment; entry && *entry; entry++)
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=')
            return true;
    return false;
}

static void set_default(struct lower *l, struct consumer *c, struct environment *out, const char *name,
                        const char *value)
{
    if (c->in_container || !user_has(l, name))
        environment_set(l, out, name, text_of(l->arena, value));
}

static void add_telemetry(struct lower *l, struct consumer *c, struct environment *out)
{
    const struct model_resource *r = c->resource;
    cleanup_free char *attributes =
        xasprintf("service.namespace=%s,service.instance.id=%s-%s", l->plan->project, l->plan->prefix,
                  lower_replica_name(l, r, c->replica));
    set_default(l, c, out, "OTEL_SERVICE_NAME", r->name);
    set_default(l, c, out, "OTEL_RESOURCE_ATTRIBUTES", attributes);
    if (!l->model->otlp_endpoint)
        return;
    set_default(l, c, out, "OTEL_EXPORTER_OTLP_ENDPOINT", l->model->otlp_endpoint);
    set_default(l, c, out, "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
}

static void add_own_ports(struct lower *l, struct consumer *c, struct environment *out)
{
    for (size_t i = 0; i < c->resource->endpoint_count; i++) {
        const struct model_endpoint *endpoint = &c->resource->endpoints[i];
        if (!endpoint->env)
            continue;
        struct text_builder b = {.arena = l->arena};
        int port = endpoint->port;
        if (c->in_container)
            port = endpoint->target_port;

        if (port)
            text_number(&b, port);
        else
            text_port(&b, lower_replica_id(l, c->resource, c->replica), endpoint->name);
        claim(out, &endpoint->pos);
        environment_set(l, out, endpoint->env, text_finish(&b));
        claim(out, NULL);
    }
}

static void add_given(struct lower *l, struct consumer *c, size_t from, size_t to, struct environment *out)
{
    for (size_t i = from; i < to; i++)
        environment_set(l, out, c->resource->environment[i].name,
                        lower_text(l, c, &c->resource->environment[i].value));
}

struct environment lower_environment(struct lower *l, struct consumer *c)
{
    struct environment out = {0};
    const struct model_resource *r = c->resource;
    add_given(l, c, 0, r->env_file_count, &out);
    add_telemetry(l, c, &out);
    add_own_ports(l, c, &out);
    environment_set(l, &out, VARIABLE_PROJECT, text_of(l->arena, l->plan->project));
    environment_set(l, &out, VARIABLE_RESOURCE, text_of(l->arena, lower_replica_name(l, r, c->replica)));
    for (size_t i = 0; i < r->reference_count; i++)
        add_reference(l, c, &r->references[i], &out);
    add_given(l, c, r->env_file_count, r->environment_count, &out);
    return out;
}

struct plan_text lower_display(struct lower *l, struct consumer *host)
{
    const struct model_resource *resource = host->resource;
    struct text_builder b = {.arena = l->arena};
    struct model_part part = {
        .get = MODEL_GET_CONNECTION_STRING, .resource = resource->name, .pos = resource->pos};
    struct connection_parts parts;
    bool has_string = model_kind_info(resource->kind)->has_string;

    if (resource->kind == MODEL_CONNECTION_STRING &&
        (resource->connection.missing || !resource->connection.value.given))
        return (struct plan_text){0};
    if (resource->kind == MODEL_CONNECTION_STRING && lower_parse_connection(l, resource, &parts) &&
        parts.host && parts.password) {
        cleanup_free char *address = xasprintf("%s:%d,password=", parts.host, parts.port);
        text_literal(&b, address);
        text_secret(&b, lower_password(l, resource), PLAN_FILTER_NONE);
        return text_finish(&b);
    }

    if (!has_string && !resource->endpoint_count && resource->kind != MODEL_EXTERNAL)
        return (struct plan_text){0};
    if (!has_string)
        part.get = MODEL_GET_URL;
    lower_get(l, host, &part, &b);
    return text_finish(&b);
}
