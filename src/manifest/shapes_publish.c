/* The shape of `publish`: what becomes of a resource on other engines. A process has no image of its own:
 * here it says which one is meant there, and where its program listens inside. Nothing of it counts on this
 * machine. */
#include "manifest/field.h"

#include <string.h>

enum { MOST_PORTS = 100, MOST_PLACEMENT = 256 };

/* --- ports: a map from endpoints to the ports inside --- */

static bool has_endpoint(const struct model_inner_port *ports, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(ports[i].endpoint, name) == 0)
            return true;
    return false;
}

static int read_inner_ports(struct loader *l, const struct field *field, struct yaml_node *value,
                            void *object)
{
    struct model_publish *publish = object;
    (void)field;
    publish->ports = arena_alloc(l->arena, (value->count + 1) * sizeof *publish->ports);

    for (size_t i = 0; i < value->count; i++) {
        static const struct field number = {.name = "ports", .shape = &shape_port, .min = 1, .max = 65535};
        const struct yaml_node *key = value->keys[i];
        int64_t inside = 0;
        if (value->items[i]->kind != NODE_SCALAR)
            manifest_bad_value(l, &number, value->items[i]);
        else if (!has_endpoint(publish->ports, publish->port_count, key->text) &&
                 manifest_read_int64(l, &number, value->items[i], &inside) == 0)
            publish->ports[publish->port_count++] =
                (struct model_inner_port){key->text, (int)inside, key->pos};
    }
    return 0;
}
typedef struct model_publish shape_inner_ports_value;
static const struct shape shape_inner_ports = {.words =
                                                   "a map from endpoints to ports inside of the container",
                                               .accept = ACCEPT_MAP,
                                               .read = read_inner_ports,
                                               .item = &shape_port,
                                               .most = MOST_PORTS};

/* --- placement --- */

static int read_placement(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.=! /:";
    const char *text = manifest_final(l, value);
    if (!text)
        return -1;
    size_t length = strlen(text);
    if (!length || length > MOST_PLACEMENT || strspn(text, allowed) != length)
        return manifest_bad_value(l, field, value);
    *(const char **)manifest_slot(object, field->offset) = text;
    return 0;
}
typedef const char *shape_placement_value;
static const struct shape shape_placement = {
    .words = "a node's name, or a constraint such as node.labels.disk==ssd",
    .accept = ACCEPT_TEXT,
    .read = read_placement};

/* --- the whole --- */

static void note(const struct yaml_node *map, const char *name, struct model_pos *pos)
{
    const struct yaml_node *at = manifest_get(map, name);
    if (at)
        *pos = at->pos;
}

static void finish_publish(struct loader *l, struct yaml_node *map, void *object)
{
    struct model_publish *publish = object;
    (void)l;
    publish->given = true;
    note(map, "image", &publish->image_pos);
    note(map, "build", &publish->build_pos);
    note(map, "replicas", &publish->replicas_pos);
    note(map, "placement", &publish->placement_pos);
}

static const struct field publish_fields[] = {
    {.name = "image",
     VALUE(shape_image, struct model_publish, image),
     .help = "The image that is a process there."},
    {.name = "build",
     VALUE(shape_path, struct model_publish, build),
     .help = "The folder that compose builds the image of a process from; other targets need `image`."},
    {.name = "dockerfile",
     VALUE(shape_text, struct model_publish, build_file),
     .fallback = "Dockerfile",
     .help = "The file in `build` that says how."},
    {.name = "command",
     LIST(shape_words, struct model_publish, command, command_count),
     .fallback = "the image's",
     .help = "What a process runs there."},
    {.name = "ports",
     WHOLE(shape_inner_ports, struct model_publish),
     .fallback = "the endpoint's own port, else 8080 and those after it where a variable tells the program",
     .help = "Where a process listens there, by endpoint."},
    {.name = "replicas",
     VALUE(shape_number, struct model_publish, replicas),
     .min = 1,
     .max = 100,
     .fallback = "as many as locally",
     .help = "How many of it run there; what has data is alone."},
    {.name = "expose",
     VALUE(shape_bool, struct model_publish, expose),
     .fallback = "false",
     .help = "Whether its ports are reached from outside: on all interfaces with compose and Swarm, by a "
             "load balancer with Kubernetes. Otherwise only compose publishes those that have a number, on "
             "127.0.0.1."},
    {.name = "placement",
     VALUE(shape_placement, struct model_publish, placement),
     .fallback = "anywhere; data needs it where Swarm has several nodes",
     .help = "The node of a swarm that it runs on."},
};
static const struct table table_publish = {.name = "publish",
                                           .help = "`publish`",
                                           .fields = publish_fields,
                                           .count = FIELD_COUNT(publish_fields),
                                           .finish = finish_publish};

static const char *const of_processes[] = {"image", "build", "dockerfile", "command", "ports"};

static void check_kind(struct loader *l, const struct yaml_node *map, const struct model_resource *resource)
{
    const struct yaml_node *replicas = manifest_get_key(map, "replicas");
    if (model_is_server(resource->kind) && replicas)
        manifest_problem(l, replicas, "a server has no replicas");
    if (resource->kind == MODEL_PROCESS)
        return;
    for (size_t i = 0; i < FIELD_COUNT(of_processes); i++) {
        const struct yaml_node *at = manifest_get_key(map, of_processes[i]);
        if (at)
            manifest_problem(l, at, "`%s` of `publish` is for processes: `%s` is no process", of_processes[i],
                             resource->name);
    }
}

static int read_publish(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_resource *resource = object;
    bool is_published = true;
    resource->publish.pos = value->pos;
    if (value->kind == NODE_MAP) {
        check_kind(l, value, resource);
        return manifest_read_table(l, &table_publish, value, &resource->publish);
    }
    if (manifest_read_bool_value(l, field, value, &is_published) < 0)
        return -1;
    resource->publish.given = true;
    resource->publish.off = !is_published;
    return 0;
}
const struct shape shape_publish = {.words = "a map, or false",
                                    .accept = ACCEPT_BOOL | ACCEPT_TABLE,
                                    .read = read_publish,
                                    .table = &table_publish};
