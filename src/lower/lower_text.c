/* Texts: building them from parts, and what a reference means to a consumer.
 *
 * Adjacent literals are merged, so that equal texts look equal to the hash. Everything is settled here but
 * ports that are chosen at run time and secrets. */
#include "lower/internal.h"
#include "base/pick.h"
#include "redis/redis.h"

#include <stdlib.h>
#include <string.h>

static struct plan_part *add_part(struct text_builder *b)
{
    if (b->text.count == b->capacity) {
        size_t capacity = grown(b->capacity, 4);
        b->text.parts = arena_grow(b->arena, b->text.parts, b->capacity, capacity, sizeof *b->text.parts);
        b->capacity = capacity;
    }
    return &b->text.parts[b->text.count++];
}

static void flush_literal(struct text_builder *b)
{
    if (b->literal.length)
        *add_part(b) =
            (struct plan_part){.kind = PLAN_LITERAL, .text = arena_strdup(b->arena, b->literal.data)};
    strbuf_free(&b->literal);
}

void text_literal(struct text_builder *b, const char *text)
{
    strbuf_adds(&b->literal, text);
}

void text_port(struct text_builder *b, const char *node, const char *endpoint)
{
    flush_literal(b);
    *add_part(b) = (struct plan_part){.kind = PLAN_PORT, .text = node, .endpoint = endpoint};
}

void text_secret(struct text_builder *b, const char *name, enum plan_filter filter)
{
    flush_literal(b);
    *add_part(b) = (struct plan_part){.kind = PLAN_SECRET, .text = name, .filter = filter};
}

void text_append(struct text_builder *b, const struct plan_text *text)
{
    for (size_t i = 0; i < text->count; i++) {
        const struct plan_part *part = &text->parts[i];
        if (part->kind == PLAN_LITERAL) {
            text_literal(b, part->text);
            continue;
        }
        flush_literal(b);
        *add_part(b) = *part;
    }
}

void text_host(struct text_builder *b, const char *host)
{
    if (host) {
        text_literal(b, host);
        return;
    }
    flush_literal(b);
    *add_part(b) = (struct plan_part){.kind = PLAN_HOST, .text = PLAN_HOST_PUBLISHED};
}

void text_gateway(struct text_builder *b)
{
    flush_literal(b);
    *add_part(b) = (struct plan_part){.kind = PLAN_HOST, .text = PLAN_HOST_GATEWAY};
}

void text_number(struct text_builder *b, int number)
{
    cleanup_free char *text = xasprintf("%d", number);
    text_literal(b, text);
}

struct plan_text text_finish(struct text_builder *b)
{
    flush_literal(b);
    return b->text;
}

struct plan_text text_of(struct arena *arena, const char *literal)
{
    struct text_builder b = {.arena = arena};
    text_literal(&b, literal);
    return text_finish(&b);
}

void text_address_host(struct text_builder *b, const struct address *address)
{
    if (address->at_gateway)
        text_gateway(b);
    else
        text_host(b, address->host);
}

void text_address_port(struct text_builder *b, const struct address *address)
{
    if (address->port)
        text_number(b, address->port);
    else
        text_port(b, address->node, address->endpoint);
}

void text_address(struct text_builder *b, const struct address *address)
{
    text_address_host(b, address);
    text_literal(b, ":");
    text_address_port(b, address);
}

/* redis-cli and valkey-cli take "redis://:password@" for a user without a name, so the user is said. */
static void add_server_uri(struct lower *l, const struct model_resource *server,
                           const struct model_part *part, const struct address *address,
                           struct text_builder *out)
{
    const char *password = lower_user_password(l, server, part->user);
    const char *user = part->user;
    if (!user && l->native)
        user = redis_default_user(server->kind, NULL);
    else if (!user)
        user = redis_default_user(server->kind, server->image);

    text_literal(out, address->scheme);
    text_literal(out, "://");
    if (password || part->user) {
        text_literal(out, text_or_empty(user));
        text_literal(out, ":");
        if (password)
            text_secret(out, password, PLAN_FILTER_URI);
        text_literal(out, "@");
    }
    text_address(out, address);
}

/* What follows the address, or the addresses. */
static void add_server_options(const struct address *address, const char *user, const char *password,
                               struct text_builder *out)
{
    if (user) {
        text_literal(out, ",user=");
        text_literal(out, user);
    }
    if (password) {
        text_literal(out, ",password=");
        text_secret(out, password, PLAN_FILTER_NONE);
    }
    if (strcmp(address->scheme, "rediss") == 0)
        text_literal(out, ",ssl=true");
}

/* host, port, url: of whatever has an address. */
static bool get_address(struct lower *l, struct consumer *c, const struct model_part *part,
                        const struct model_resource *target, struct text_builder *out)
{
    struct address address;
    if (!lower_address(l, c, target, part->endpoint, &address))
        return false;
    switch (part->get) {
    case MODEL_GET_HOST:
        text_address_host(out, &address);
        return true;
    case MODEL_GET_URL: {
        text_literal(out, address.scheme);
        text_literal(out, "://");
        text_address(out, &address);
        return true;
    }
    case MODEL_GET_PORT:
        text_address_port(out, &address);
        return true;
    default:
        return false;
    }
}

/* Where this consumer finds the authority: the file itself, or the place inside a container that it is
 * mounted to. */
static bool get_ca_file(struct lower *l, struct consumer *c, const struct model_resource *target,
                        struct text_builder *out)
{
    const char *path = lower_ca_file(l, target);
    if (!path)
        return false;
    if (!c->in_container) {
        text_literal(out, path);
        return true;
    }
    cleanup_free char *inside = xasprintf("/run/apphost-ca/%s.pem", target->name);
    cleanup_free char *mount = xasprintf("%s\t%s", path, inside);
    if (!strlist_has(&c->ca_mounts, mount))
        strlist_add(&c->ca_mounts, mount);
    text_literal(out, inside);
    return true;
}

static bool get_server(struct lower *l, struct consumer *c, const struct model_part *part,
                       const struct model_resource *target, struct text_builder *out)
{
    struct address address;
    const char *password = lower_user_password(l, target, part->user);
    if (!lower_address(l, c, target, NULL, &address))
        return false;
    switch (part->get) {
    case MODEL_GET_CONNECTION_STRING:
        lower_topology_string(l, c, target, out);
        add_server_options(&address, part->user, password, out);
        return true;
    case MODEL_GET_NODES:
        lower_topology_nodes(l, c, target, out);
        return true;
    case MODEL_GET_SENTINELS:
        return lower_topology_sentinels(l, c, target, out);
    case MODEL_GET_SENTINEL_NAME:
        return lower_topology_sentinel_name(target, out);
    case MODEL_GET_URI:
    case MODEL_GET_URL:
        add_server_uri(l, target, part, &address, out);
        return true;
    case MODEL_GET_PASSWORD:
        if (password)
            text_secret(out, password, PLAN_FILTER_NONE);
        return true;
    case MODEL_GET_USER:
        text_literal(out, part->user);
        return true;
    case MODEL_GET_CA_FILE:
        return get_ca_file(l, c, target, out);
    default:
        return get_address(l, c, part, target, out);
    }
}

static void add_literal_uri(const struct connection_parts *parts, const char *secret,
                            struct text_builder *out)
{
    if (parts->unix_path)
        text_literal(out, "unix://");
    else
        text_literal(out, text_pick(parts->tls, "rediss://", "redis://"));
    if (secret || parts->user) {
        cleanup_free char *user = str_percent_encode(text_or_empty(parts->user));
        text_literal(out, user);
        text_literal(out, ":");
        if (secret)
            text_secret(out, secret, PLAN_FILTER_URI);
        text_literal(out, "@");
    }

    if (parts->unix_path) {
        text_literal(out, parts->unix_path);
    } else {
        text_literal(out, parts->host);
        text_literal(out, ":");
        text_number(out, parts->port);
    }
    if (parts->database > 0) {
        text_literal(out, text_pick(parts->unix_path, "?db=", "/"));
        text_number(out, parts->database);
    }
}

static void add_whole_connection(struct lower *l, struct consumer *c, const struct model_resource *target,
                                 struct text_builder *out)
{
    const char *secret = lower_connection_secret(l, target);
    if (secret) {
        text_secret(out, secret, PLAN_FILTER_NONE);
        return;
    }
    struct plan_text value = lower_text(l, c, &target->connection.value);
    text_append(out, &value);
}

static bool get_connection(struct lower *l, struct consumer *c, const struct model_part *part,
                           const struct model_resource *target, struct text_builder *out)
{
    struct connection_parts parts;
    if (part->get == MODEL_GET_CONNECTION_STRING) {
        add_whole_connection(l, c, target, out);
        return true;
    }
    if (part->get == MODEL_GET_CA_FILE)
        return get_ca_file(l, c, target, out);
    bool is_parsed = lower_parse_connection(l, target, &parts);
    bool is_place = part->get == MODEL_GET_HOST || part->get == MODEL_GET_PORT;
    if (!is_parsed || (is_place && !parts.host))
        return false;

    switch (part->get) {
    case MODEL_GET_HOST:
        text_literal(out, parts.host);
        return true;
    case MODEL_GET_PORT:
        text_number(out, parts.port);
        return true;
    case MODEL_GET_URL:
    case MODEL_GET_URI:
        add_literal_uri(&parts, lower_password(l, target), out);
        return true;
    case MODEL_GET_PASSWORD:
        if (lower_password(l, target))
            text_secret(out, lower_password(l, target), PLAN_FILTER_NONE);
        return true;
    default:
        return false;
    }
}

static bool get_external(struct lower *l, struct consumer *c, const struct model_part *part,
                         const struct model_resource *target, struct text_builder *out)
{
    const struct model_external *external = &target->external;
    const struct model_text *text = NULL;
    if (part->get == MODEL_GET_URL || part->get == MODEL_GET_URI)
        text = &external->url;
    else if (part->get == MODEL_GET_HOST)
        text = &external->host;
    else if (part->get == MODEL_GET_PORT)
        text = &external->port;
    if (!text)
        return false;
    struct plan_text value = lower_text(l, c, text);
    text_append(out, &value);
    return true;
}

static bool get_parameter(struct lower *l, const struct model_part *part, struct text_builder *out)
{
    const struct model_parameter *p = model_find_parameter(l->model, part->resource);
    if (!p)
        return false;
    if (p->secret || p->generate)
        text_secret(out, arena_printf(l->arena, "parameters.%s", p->name), PLAN_FILTER_NONE);
    else
        text_literal(out, text_or_empty(text_or(p->value, p->fallback)));
    return true;
}

static bool get_of(struct lower *l, struct consumer *c, const struct model_part *part,
                   const struct model_resource *target, struct text_builder *out)
{
    if (part->endpoint)
        return get_address(l, c, part, target, out);
    if (model_is_server(target->kind))
        return get_server(l, c, part, target, out);
    if (target->kind == MODEL_CONNECTION_STRING)
        return get_connection(l, c, part, target, out);
    if (target->kind == MODEL_EXTERNAL)
        return get_external(l, c, part, target, out);
    if (part->get == MODEL_GET_CONNECTION_STRING && model_has_string(target)) {
        struct plan_text value = lower_text(l, c, &target->container.connection_string);
        text_append(out, &value);
        return true;
    }
    return get_address(l, c, part, target, out);
}

/* A server that is only named in a text must at least have its port before the consumer starts. */
static void add_text_edge(struct lower *l, struct consumer *c, const struct model_resource *target)
{
    if (!c->node || !model_is_server(target->kind) || target == c->resource)
        return;
    struct plan_edge edge = {.until = PLAN_STARTED, .required = true};
    lower_wait_for(l, c->node, target, &edge);
}

bool lower_get(struct lower *l, struct consumer *c, const struct model_part *part, struct text_builder *out)
{
    if (part->get == MODEL_GET_PARAMETER)
        return get_parameter(l, part, out);
    const struct model_resource *target = model_find(l->model, part->resource);
    if (lower_is_absent(l, target))
        target = NULL;
    if (target && get_of(l, c, part, target, out)) {
        add_text_edge(l, c, target);
        return true;
    }
    lower_problem(l, &part->pos, NULL, "\"%s\" has no such value to refer to here", part->resource);
    return false;
}

struct plan_text lower_text(struct lower *l, struct consumer *c, const struct model_text *text)
{
    struct text_builder b = {.arena = l->arena};
    for (size_t i = 0; i < text->count; i++) {
        if (text->parts[i].literal)
            text_literal(&b, text->parts[i].literal);
        else
            lower_get(l, c, &text->parts[i], &b);
    }
    return text_finish(&b);
}
