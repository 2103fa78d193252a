/* Fields of external: a service that others run, reached at a URL. The URL is taken apart here, so that
 * consumers get its host and port; late values may stand in it, but not in place of its scheme. */
#include "manifest/tables.h"

#include "base/url.h"

#include <ctype.h>
#include <string.h>

/* ---- the URL: late parts stand as two bytes while it is taken apart ---- */

enum { LATE = 1, FIRST_LATE = 0x80, MOST_LATE = 0x7F };

static char *template_of(const struct model_text *text)
{
    struct strbuf out = {0};
    for (size_t i = 0; i < text->count; i++) {
        if (text->parts[i].literal)
            strbuf_adds(&out, text->parts[i].literal);
        else
            strbuf_addf(&out, "%c%c", LATE, (int)(FIRST_LATE + i));
    }
    return strbuf_take(&out);
}

/* The piece as a text, with the late parts back in their places. */
static struct model_text text_of(struct loader *l, const struct model_text *whole, struct url_piece piece)
{
    struct model_text text = {.given = piece.length, .pos = whole->pos};
    text.parts = arena_alloc(l->arena, (piece.length + 1) * sizeof *text.parts);

    for (size_t at = 0; at < piece.length;) {
        struct model_part *part = &text.parts[text.count++];
        const char *from = piece.at + at, *late = memchr(from, LATE, piece.length - at);
        if (late == from) {
            *part = whole->parts[(unsigned char)from[1] - FIRST_LATE];
            at += 2;
            continue;
        }
        size_t length = piece.length - at;
        if (late)
            length = (size_t)(late - from);
        *part = (struct model_part){.literal = arena_strndup(l->arena, from, length), .pos = whole->pos};
        at += length;
    }
    return text;
}

static bool is_late(struct url_piece piece)
{
    return piece.length && memchr(piece.at, LATE, piece.length);
}

static void problem(struct loader *l, const struct yaml_node *node, const char *text, const char *hint)
{
    manifest_problem(l, node, "%s", text);
    manifest_hint(l, "%s", hint);
}

static void check_url(struct loader *l, const struct yaml_node *node, const struct url *url)
{
    bool has_port = is_late(url->port) || url_port(url);
    if (url->password.length && !is_late(url->password)) {
        problem(l, node, "`url` has a password in it",
                "make it a parameter: `${parameters.NAME}`, with `secret: true`");
        manifest_hide_source(l);
    }
    if (has_port)
        return;
    if (url->port.length)
        problem(l, node, "`url` has no valid port", "ports are numbers from 1 to 65535");
    else
        problem(l, node, "`url` needs a port", "only http, https, ws and wss have one by themselves");
}

static const char *lower_case(struct loader *l, struct url_piece piece)
{
    char *text = arena_strndup(l->arena, piece.at, piece.length);
    for (char *at = text; *at; at++)
        *at = (char)tolower((unsigned char)*at);
    return text;
}

static void take_url(struct loader *l, const struct yaml_node *node, struct model_external *external)
{
    cleanup_free char *template = template_of(&external->url);
    struct url url;
    if (external->url.count > MOST_LATE || !url_parse(&url, template)) {
        problem(l, node, "`url` is no URL",
                "for example https://api.example.com/v1; its scheme is written out");
        return;
    }

    check_url(l, node, &url);
    cleanup_free char *port = xasprintf("%d", url_default_port(&url));
    external->scheme = lower_case(l, url.scheme);
    external->host = text_of(l, &external->url, url.host);
    external->port = model_literal(l->arena, port);
    if (url.port.length)
        external->port = text_of(l, &external->url, url.port);
}

static void finish_external(struct loader *l, struct yaml_node *map, void *object)
{
    struct model_resource *resource = object;
    const struct model_ready *ready = &resource->ready;
    struct model_external *external = &resource->external;
    const struct yaml_node *given = manifest_get(map, "url");
    if (!given || manifest_is_null(given)) {
        manifest_problem_at(l, resource->pos, (int)strlen(resource->name), "`%s` needs a `url`",
                            resource->name);
        manifest_hint(l, "where it is reached, for example `url: https://api.example.com`");
        return;
    }

    if (external->url.given)
        take_url(l, given, external);
    bool is_http = external->scheme && str_starts(external->scheme, "http");
    if (external->scheme && ready->kind == MODEL_READY_HTTP && !is_http)
        problem(l, manifest_get_key(map, "ready"), "`http` asks a URL of http or https", "write `tcp: true`");
}

/* ---- ready ---- */

static int read_http(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_ready *ready = object;
    ready->http_path = manifest_final(l, value);
    ready->kind = MODEL_READY_HTTP;
    if (ready->http_path && *ready->http_path == '/')
        return 0;
    if (ready->http_path) {
        manifest_problem(l, value, "`%s` must be a path that starts with /", field->name);
        manifest_hint(l, "the host and the port come from `url`");
    }
    return -1;
}

static int read_tcp(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_ready *ready = object;
    bool is_on = false;
    if (manifest_read_bool_value(l, field, value, &is_on) < 0)
        return -1;
    if (is_on)
        ready->kind = MODEL_READY_TCP;
    return 0;
}

static void finish_ready(struct loader *l, struct yaml_node *map, void *object)
{
    struct model_ready *ready = object;
    const struct yaml_node *http = manifest_get_key(map, "http"), *tcp = manifest_get_key(map, "tcp");
    const struct yaml_node *status = manifest_get_key(map, "status");
    ready->pos = map->pos;
    if (http && tcp)
        manifest_problem(l, tcp, "`ready` has both `http` and `tcp`; one of them decides");
    if (status && !http)
        manifest_problem(l, status, "`status` goes with `http`");
}

typedef struct model_ready shape_http_value;
static const struct shape shape_http = {
    .words = "a path such as /health", .accept = ACCEPT_TEXT, .read = read_http};
typedef struct model_ready shape_connect_value;
static const struct shape shape_connect = {.words = "true or false", .accept = ACCEPT_BOOL, .read = read_tcp};

static const struct field ready_fields[] = {
    {.name = "http",
     WHOLE(shape_http, struct model_ready),
     .help = "GET this path of the URL's host until it answers `status`."},
    {.name = "status",
     VALUE(shape_number, struct model_ready, http_status),
     .min = 100,
     .max = 599,
     .fallback = "any from 200 to 399",
     .help = "The answer that means ready."},
    {.name = "tcp", WHOLE(shape_connect, struct model_ready), .help = "Connect to the URL's host and port."},
};
static const struct table table_ready = {.name = "external_ready",
                                         .help = "`ready` of an external",
                                         .fields = ready_fields,
                                         .count = FIELD_COUNT(ready_fields),
                                         .base = &table_ping,
                                         .finish = finish_ready};

static int read_ready(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    return manifest_read_table(l, &table_ready, value, manifest_slot(object, field->offset));
}

typedef struct model_ready shape_external_ready_value;
static const struct shape shape_external_ready = {
    .words = "a map with http or tcp", .accept = ACCEPT_TABLE, .read = read_ready, .table = &table_ready};

static const struct field external_fields[] = {
    {.name = "url",
     VALUE(shape_late, struct model_resource, external.url),
     .help = "Where it is reached. Required."},
    {.name = "ready",
     RESOURCE(shape_external_ready, ready),
     .fallback = "it is taken to be there",
     .help = "How to tell that it is there."},
};
const struct table table_external = {.name = "external",
                                     .help = "an `external`",
                                     .fields = external_fields,
                                     .count = FIELD_COUNT(external_fields),
                                     .base = &table_common,
                                     .finish = finish_external};
