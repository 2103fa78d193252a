/* Fields of container, and the rules that concern several of them. */
#include "manifest/tables.h"

#include <string.h>

static void finish_container(struct loader *l, struct node *map, void *object)
{
    struct model_resource *resource = object;
    if (!manifest_get(map, "image")) {
        struct node at = {.pos = resource->pos, .length = (int)strlen(resource->name)};
        manifest_problem(l, &at, "the container `%s` needs an `image`", resource->name);
    }
}

static const struct field container_fields[] = {
    {.name = "image", .shape = &shape_image, RESOURCE(image), .help = "The image. Required."},
    {.name = "entrypoint",
     .shape = &shape_words,
     RESOURCE_LIST(container.entrypoint, container.entrypoint_count),
     .fallback = "the image's",
     .help = "What to run, before `command`."},
    {.name = "command",
     .shape = &shape_words,
     RESOURCE_LIST(container.command, container.command_count),
     .fallback = "the image's",
     .help = "Arguments of the entrypoint."},
    {.name = "init",
     .shape = &shape_bool,
     RESOURCE(container.init),
     .fallback = "true",
     .help = "Run a small init process as number 1."},
    {.name = "working_dir",
     .shape = &shape_inner_path,
     RESOURCE(container.working_dir),
     .fallback = "the image's",
     .help = "Where it runs, inside."},
    ROW_ENV_FILE,
    ROW_REFERENCES,
    {.name = "endpoints",
     .shape = &shape_container_endpoints,
     .help = "Ports that it listens on; published on 127.0.0.1."},
    ROW_READY("the image's health check, else tcp on the first endpoint, else a second after its start"),
    {.name = "volumes", .shape = &shape_volumes, .help = "Volumes that it keeps data in."},
    {.name = "bind_mounts", .shape = &shape_bind_mounts, .help = "Files and folders of this machine."},
    {.name = "tmpfs",
     .shape = &shape_tmpfs,
     RESOURCE_LIST(container.tmpfs, container.tmpfs_count),
     .help = "Folders in memory."},
    {.name = "platform",
     .shape = &shape_text,
     RESOURCE(container.platform),
     .fallback = "the engine's",
     .help = "Such as linux/amd64."},
    {.name = "extra_hosts",
     .shape = &shape_extra_hosts,
     RESOURCE_LIST(container.extra_hosts, container.extra_host_count),
     .help = "More names, as name:address."},
    {.name = "connection_string",
     .shape = &shape_late,
     RESOURCE(container.connection_string),
     .help = "Makes it referable like a server; may hold references, to itself too."},
};
const struct table table_container = {.name = "container",
                                      .help = "a `container`",
                                      .fields = container_fields,
                                      .count = FIELD_COUNT(container_fields),
                                      .base = &table_hosted,
                                      .finish = finish_container};
