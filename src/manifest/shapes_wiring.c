/* Shapes that tie resources together and rule their lives: references, wait_for, endpoints, ready, restart,
 * stop.
 *
 * Names of other resources are only read here; check_references.c looks them up when all resources are known.
 */
#include "manifest/field.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

/* A non-empty final text, or NULL after a problem. */
static const char *read_name(struct loader *l, const struct field *field, const struct yaml_node *node)
{
    const char *text = manifest_final(l, node);
    if (text && !*text) {
        manifest_problem(l, node, "a name in `%s` is empty", field->name);
        return NULL;
    }
    return text;
}

/* --- references --- */

static int check_variable(struct loader *l, struct yaml_node *map, const char *key, const char *text)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
    if (!text || (strspn(text, allowed) == strlen(text) && !(*text >= '0' && *text <= '9')))
        return 0;
    return manifest_problem(l, manifest_get(map, key), "`%s` must be the name of a variable, not `%s`", key,
                            text);
}

static void finish_reference(struct loader *l, struct yaml_node *map, void *object)
{
    struct model_reference *reference = object;
    if (!manifest_get(map, "resource"))
        manifest_problem(l, map, "a reference needs `resource`");
    if (reference->as)
        manifest_check_name(l, manifest_get(map, "as"), "reference", reference->as);
    check_variable(l, map, "env", reference->env);
    if (reference->user)
        reference->user_pos = manifest_get(map, "user")->pos;
}

/* By the number of the bit. */
static NAMES(injections, 4, "connection_string", "properties", "services", "endpoints");
static_assert(MODEL_INJECT_ALL == (1 << 4) - 1, "a name for each bit");

/* The bit of one word; 0 after a problem. */
static unsigned read_injection(struct loader *l, const struct field *field, const struct yaml_node *item)
{
    const char *text = NULL;
    if (item->kind == NODE_SCALAR)
        text = manifest_final(l, item);
    if (item->kind == NODE_SCALAR && !text)
        return 0;
    int bit = names_find(&injections, text);
    if (bit >= 0)
        return 1U << bit;
    manifest_bad_value(l, field, item);
    if (text)
        manifest_hint_nearest(l, text, injections.texts, injections.count, NULL);
    return 0;
}

/* A list or a word says what is injected, and so what is not; true and false are all and nothing. */
static int read_inject(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    unsigned *without = manifest_slot(object, field->offset), wanted = 0;
    bool is_bool =
        value->kind == NODE_SCALAR && (!strcmp(value->text, "true") || !strcmp(value->text, "false"));
    if (is_bool) {
        wanted = MODEL_INJECT_ALL;
        if (strcmp(value->text, "true"))
            wanted = 0;
    }

    for (size_t i = 0; !is_bool && i < manifest_item_count(value); i++) {
        unsigned bit = read_injection(l, field, manifest_item(value, i));
        if (!bit)
            return -1;
        wanted |= bit;
    }
    *without = MODEL_INJECT_ALL & ~wanted;
    return 0;
}

static const struct shape shape_injection = {
    .words = "a kind of variable", .accept = ACCEPT_TEXT, .choices = &injections};
typedef unsigned shape_inject_value;
static const struct shape shape_inject = {
    .words = "a list of `connection_string`, `properties`, `services` and `endpoints`, or a boolean",
    .accept = ACCEPT_BOOL | ACCEPT_TEXT | ACCEPT_LIST,
    .read = read_inject,
    .choices = &injections,
    .item = &shape_injection,
    .most = 4};

static const struct field reference_fields[] = {
    {.name = "resource",
     VALUE(shape_text, struct model_reference, resource),
     .help = "The resource that is referenced."},
    {.name = "as",
     VALUE(shape_text, struct model_reference, as),
     .help = "The name in the injected variables.",
     .fallback = "the resource's"},
    {.name = "env",
     VALUE(shape_text, struct model_reference, env),
     .help = "One more variable that holds the URI."},
    {.name = "user",
     VALUE(shape_text, struct model_reference, user),
     .fallback = "default",
     .help = "Whose credentials the variables hold: one of the server's `users`."},
    {.name = "inject",
     VALUE(shape_inject, struct model_reference, without),
     .fallback = "all",
     .help = "Which variables the consumer gets: `connection_string`, `properties` (_HOST, _PORT, …), "
             "`services` (services__…), `endpoints` (NAME_ENDPOINT). false: none, only waiting."},
    {.name = "optional",
     VALUE(shape_bool, struct model_reference, optional),
     .fallback = "false",
     .help = "Whether the consumer runs without it too."},
    {.name = "wait",
     VALUE(shape_bool, struct model_reference, wait),
     .fallback = "true",
     .help = "Whether to wait until it is healthy."},
};
static const struct table table_reference = {.name = "reference",
                                             .help = "a reference",
                                             .fields = reference_fields,
                                             .count = FIELD_COUNT(reference_fields),
                                             .finish = finish_reference};

/* An item that is a name alone, or a table that has it as its member `resource`. */
struct named_item {
    const struct table *table;
    void *object; /* which the table fills in, and of which these are: */
    const char **resource;
    struct model_pos *pos;
};

static int read_named_item(struct loader *l, const struct field *field, struct yaml_node *item,
                           const struct named_item *out)
{
    if (item->kind == NODE_LIST)
        return manifest_problem(l, item, "an item of `%s` must be %s", field->name,
                                field->shape->item->words);
    if (item->kind == NODE_SCALAR) {
        *out->resource = read_name(l, field, item);
        if (!*out->resource)
            return -1;
        return 0;
    }
    if (manifest_read_table(l, out->table, item, out->object) < 0 || !*out->resource)
        return -1;
    *out->pos = manifest_get(item, "resource")->pos;
    return 0;
}

static int read_reference(struct loader *l, const struct field *field, struct yaml_node *item,
                          struct model_reference *out)
{
    const struct named_item named = {&table_reference, out, &out->resource, &out->pos};
    *out = (struct model_reference){.wait = true, .pos = item->pos};
    return read_named_item(l, field, item, &named);
}

static int read_references(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_resource *resource = object;
    resource->references = arena_alloc(l->arena, (value->count + 1) * sizeof *resource->references);
    for (size_t i = 0; i < value->count; i++)
        if (read_reference(l, field, value->items[i], &resource->references[resource->reference_count]) == 0)
            resource->reference_count++;
    return 0;
}

/* --- wait_for --- */

static int read_until(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    int index = manifest_read_choice(l, field, value);

    if (index >= 0)
        *(enum model_until *)manifest_slot(object, field->offset) = (enum model_until)index;
    if (index < 0)
        return -1;
    return 0;
}

static void finish_wait(struct loader *l, struct yaml_node *map, void *object)
{
    (void)object;
    if (!manifest_get(map, "resource"))
        manifest_problem(l, map, "an item of `wait_for` needs `resource`");
}

typedef enum model_until shape_until_value;
static const struct shape shape_until = {.words = "`started`, `healthy` or `completed`",
                                         .accept = ACCEPT_TEXT,
                                         .read = read_until,
                                         .choices = &model_until_names,
                                         .first_choice = MODEL_UNTIL_DEFAULT + 1};
static const struct field wait_fields[] = {
    {.name = "resource", VALUE(shape_text, struct model_wait, resource), .help = "The resource to wait for."},
    {.name = "until",
     VALUE(shape_until, struct model_wait, until),
     .fallback = "completed for a task, else healthy",
     .help = "What to wait for."},
};
static const struct table table_wait = {.name = "wait",
                                        .help = "an item of `wait_for`",
                                        .fields = wait_fields,
                                        .count = FIELD_COUNT(wait_fields),
                                        .finish = finish_wait};

static int read_wait(struct loader *l, const struct field *field, struct yaml_node *item,
                     struct model_wait *out)
{
    const struct named_item named = {&table_wait, out, &out->resource, &out->pos};
    *out = (struct model_wait){.pos = item->pos};
    return read_named_item(l, field, item, &named);
}

static int read_wait_for(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_resource *resource = object;
    size_t count = manifest_item_count(value);
    resource->wait_for = arena_alloc(l->arena, (count + 1) * sizeof *resource->wait_for);
    for (size_t i = 0; i < count; i++)
        if (read_wait(l, field, manifest_item(value, i), &resource->wait_for[resource->wait_count]) == 0)
            resource->wait_count++;
    return 0;
}

/* --- endpoints --- */

static void finish_endpoint(struct loader *l, struct yaml_node *map, void *object)
{
    struct model_endpoint *endpoint = object;
    check_variable(l, map, "env", endpoint->env);
}

static const struct field endpoint_fields[] = {
    {.name = "port",
     VALUE(shape_port, struct model_endpoint, port),
     .fallback = "chosen",
     .help = "The port that the process listens on."},
    {.name = "scheme",
     VALUE(shape_scheme, struct model_endpoint, scheme),
     .fallback = "http or https for an endpoint of that name, else tcp",
     .help = "What stands before :// in its URL."},
    {.name = "env",
     VALUE(shape_text, struct model_endpoint, env),
     .help = "The variable that tells the process its port."},
};
static const struct table table_endpoint = {.name = "endpoint",
                                            .help = "an endpoint of a process",
                                            .fields = endpoint_fields,
                                            .count = FIELD_COUNT(endpoint_fields),
                                            .finish = finish_endpoint};

static void finish_container_endpoint(struct loader *l, struct yaml_node *map, void *object)
{
    (void)object;
    if (!manifest_get(map, "target_port"))
        manifest_problem(l, map, "an endpoint of a container needs `target_port`");
}

static const struct field container_endpoint_fields[] = {
    {.name = "target_port",
     VALUE(shape_port, struct model_endpoint, target_port),
     .help = "The port inside of the container. Required."},
    {.name = "host_port",
     VALUE(shape_port, struct model_endpoint, port),
     .fallback = "chosen",
     .help = "The port on this machine; published on 127.0.0.1."},
    {.name = "scheme",
     VALUE(shape_scheme, struct model_endpoint, scheme),
     .fallback = "http or https for an endpoint of that name, else tcp",
     .help = "What stands before :// in its URL."},
};
static const struct table table_container_endpoint = {.name = "container_endpoint",
                                                      .help = "an endpoint of a container",
                                                      .fields = container_endpoint_fields,
                                                      .count = FIELD_COUNT(container_endpoint_fields),
                                                      .finish = finish_container_endpoint};

static const char *default_scheme(const char *name)
{
    if (strcasecmp(name, "http") == 0)
        return "http";
    return text_pick(strcasecmp(name, "https") == 0, "https", "tcp");
}

static int read_endpoint(struct loader *l, const struct field *field, struct yaml_node *item,
                         struct model_endpoint *out)
{
    const struct table *table = field->shape->item->table;
    const struct field process = {.name = out->name, VALUE(shape_port, struct model_endpoint, port)};
    const struct field container = {.name = out->name, VALUE(shape_port, struct model_endpoint, target_port)};
    const struct field *short_form;
    if (table == &table_endpoint)
        short_form = &process;
    else
        short_form = &container;
    if (item->kind == NODE_MAP)
        return manifest_read_table(l, table, item, out);
    if (item->kind == NODE_LIST)
        return manifest_problem(l, item, "an endpoint must be %s", field->shape->item->words);
    if (manifest_is_null(item) && table == &table_endpoint)
        return 0;
    return shape_port.read(l, short_form, item, out);
}

static bool has_twin(const struct model_resource *resource, const char *name)
{
    for (size_t i = 0; i < resource->endpoint_count; i++)
        if (strcasecmp(resource->endpoints[i].name, name) == 0)
            return true;
    return false;
}

static int read_endpoints(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_resource *resource = object;
    resource->endpoints = arena_alloc(l->arena, (value->count + 1) * sizeof *resource->endpoints);
    for (size_t i = 0; i < value->count; i++) {
        const struct yaml_node *key = value->keys[i];
        struct model_endpoint endpoint = {.name = key->text, .pos = value->items[i]->pos};
        endpoint.scheme = default_scheme(key->text);
        if (manifest_check_name(l, key, "endpoint", key->text) < 0)
            continue;
        if (has_twin(resource, key->text))
            manifest_problem(l, key, "another endpoint is called `%s` in another case", key->text);
        if (read_endpoint(l, field, value->items[i], &endpoint) == 0)
            resource->endpoints[resource->endpoint_count++] = endpoint;
    }
    return 0;
}

static const struct shape shape_reference_item = {
    .words = "a resource's name, or {resource, as, env, user, inject, optional, wait}",
    .accept = ACCEPT_TEXT | ACCEPT_TABLE,
    .table = &table_reference};
static const struct shape shape_wait_item = {.words = "a resource's name, or {resource, until}",
                                             .accept = ACCEPT_TEXT | ACCEPT_TABLE,
                                             .table = &table_wait};
static const struct shape shape_endpoint_item = {
    .words = "a port, or {port, scheme, env}", .accept = ACCEPT_INT | ACCEPT_TABLE, .table = &table_endpoint};
static const struct shape shape_container_endpoint_item = {.words =
                                                               "a port, or {target_port, host_port, scheme}",
                                                           .accept = ACCEPT_INT | ACCEPT_TABLE,
                                                           .table = &table_container_endpoint};

const struct shape shape_references = {.words = "a list of resources",
                                       .accept = ACCEPT_LIST,
                                       .read = read_references,
                                       .item = &shape_reference_item,
                                       .most = MANIFEST_MOST_ITEMS};
const struct shape shape_wait_for = {.words = "a list of resources",
                                     .accept = ACCEPT_TEXT | ACCEPT_LIST,
                                     .read = read_wait_for,
                                     .item = &shape_wait_item,
                                     .most = MANIFEST_MOST_ITEMS};
const struct shape shape_endpoints = {.words = "a map from names to endpoints",
                                      .accept = ACCEPT_MAP,
                                      .read = read_endpoints,
                                      .item = &shape_endpoint_item,
                                      .most = MANIFEST_MOST_ITEMS};
const struct shape shape_container_endpoints = {.words = "a map from names to endpoints",
                                                .accept = ACCEPT_MAP,
                                                .read = read_endpoints,
                                                .item = &shape_container_endpoint_item,
                                                .most = MANIFEST_MOST_ITEMS};
