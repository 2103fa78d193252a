/* Fields of container, and the rules that concern several of them. */
#include "manifest/tables.h"

#include <string.h>

static void finish_container(struct loader *l, struct yaml_node *map, void *object)
{
    struct model_resource *resource = object;
    if (!manifest_get(map, "image")) {
        struct yaml_node at = {.pos = resource->pos, .length = (int)strlen(resource->name)};
        manifest_problem(l, &at, "the container `%s` needs an `image`", resource->name);
    }
}

static const struct field container_fields[] = {
    {.name = "image", RESOURCE(shape_image, image), .help = "The image. Required."},
    {.name = "entrypoint",
     RESOURCE_LIST(shape_words, container.entrypoint, container.entrypoint_count),
     .fallback = "the image's",
     .help = "What to run, before `command`."},
    {.name = "command",
     RESOURCE_LIST(shape_words, container.command, container.command_count),
     .fallback = "the image's",
     .help = "Arguments of the entrypoint."},
    {.name = "init",
     RESOURCE(shape_bool, container.init),
     .fallback = "true",
     .help = "Run a small init process as number 1."},
    {.name = "working_dir",
     RESOURCE(shape_inner_path, container.working_dir),
     .fallback = "the image's",
     .help = "Where it runs, inside."},
    ROW_ENV_FILE,
    ROW_REFERENCES,
    {.name = "endpoints",
     WHOLE(shape_container_endpoints, struct model_resource),
     .help = "Ports that it listens on; published on 127.0.0.1."},
    ROW_READY("the image's health check, else tcp on the first endpoint, else a second after its start"),
    {.name = "volumes",
     WHOLE(shape_volumes, struct model_resource),
     .help = "Volumes that it keeps data in."},
    {.name = "bind_mounts",
     WHOLE(shape_bind_mounts, struct model_resource),
     .help = "Files and folders of this machine."},
    {.name = "tmpfs",
     RESOURCE_LIST(shape_tmpfs, container.tmpfs, container.tmpfs_count),
     .help = "Folders in memory."},
    {.name = "platform",
     RESOURCE(shape_text, container.platform),
     .fallback = "the engine's",
     .help = "Such as linux/amd64."},
    {.name = "extra_hosts",
     RESOURCE_LIST(shape_extra_hosts, container.extra_hosts, container.extra_host_count),
     .help = "More names, as name:address."},
    {.name = "connection_string",
     RESOURCE(shape_late, container.connection_string),
     .help = "Makes it referable like a server; may hold references, to itself too."},
};
const struct table table_container = {.name = "container",
                                      .help = "a `container`",
                                      .fields = container_fields,
                                      .count = FIELD_COUNT(container_fields),
                                      .base = &table_hosted,
                                      .finish = finish_container};
