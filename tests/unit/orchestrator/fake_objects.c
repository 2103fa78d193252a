/* The fake engine's networks, volumes and images: what each request does to them and answers. */
#include "fake_http.h"

#include <stdlib.h>
#include <string.h>

/* ---- networks ---- */

static cJSON *object_json(const struct fake *fake, const struct fake_object *object)
{
    cJSON *json = cJSON_CreateObject();
    cJSON *config = json_add_array(json_add_object(json, "IPAM"), "Config"), *entry = cJSON_CreateObject();
    json_add_string(entry, "Gateway", fake->gateway);
    cJSON_AddItemToArray(config, entry);
    json_add_string(json, "Id", object->id);
    json_add_string(json, "Name", object->name);
    cJSON_AddItemToObject(json, "Labels", cJSON_Duplicate(object->labels, true));
    return json;
}

cJSON *fake_list_objects(struct fake_call *call, const struct fake_object *list)
{
    cleanup_free char *filters = fake_parameter(call, "filters");
    cJSON *json = cJSON_CreateArray();
    const struct fake_object *object;
    DL_FOREACH(list, object)
    {
        if (fake_matches(object->labels, filters))
            cJSON_AddItemToArray(json, object_json(call->fake, object));
    }
    return json;
}

static void create_network(struct fake_call *call)
{
    struct fake *fake = call->fake;
    const char *name = json_string(call->body, "Name", "");
    if (fake_find_object(fake->networks, name)) {
        fake_message(call, 409, "network with name %s already exists", name);
        return;
    }
    char id[65];
    fake_make_id(fake, id);
    const struct fake_object *network =
        fake_add_object(&fake->networks, id, name, json_get(call->body, "Labels"));
    fake->effects++;
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "Id", network->id);
    json_add_string(json, "Warning", "");
    fake_reply(call, 201, json);
}

static bool is_member(const struct fake_container *container, const struct fake_object *network)
{
    return !strcmp(container->network, network->id) || !strcmp(container->network, network->name);
}

static void connect_network(struct fake_call *call, struct fake_object *network)
{
    struct fake_container *container = fake_find(call->fake, json_string(call->body, "Container", ""));
    if (!container)
        fake_message(call, 404, "No such container: %s", json_string(call->body, "Container", ""));
    else if (is_member(container, network))
        fake_message(call, 403, "endpoint with name %s already exists in network %s", container->name,
                     network->name);
    else {
        snprintf(container->network, sizeof container->network, "%.64s", network->id);
        call->fake->effects++;
        fake_reply(call, 200, NULL);
    }
}

static void disconnect_network(struct fake_call *call, const struct fake_object *network)
{
    struct fake_container *container = fake_find(call->fake, json_string(call->body, "Container", ""));
    if (!container || !is_member(container, network)) {
        fake_message(call, 500, "container %s is not connected to network %s",
                     json_string(call->body, "Container", ""), network->name);
        return;
    }
    strcpy(container->network, "none");
    call->fake->effects++;
    fake_reply(call, 200, NULL);
}

static void remove_network(struct fake_call *call, struct fake_object *network)
{
    const struct fake_container *container;
    DL_FOREACH(call->fake->containers, container)
    {
        if (container->running && is_member(container, network)) {
            fake_message(call, 403, "error while removing network: network %s id %s has active endpoints",
                         network->name, network->id);
            return;
        }
    }
    fake_publish(call->fake, "network", "destroy", network->id, NULL);
    fake_free_object(&call->fake->networks, network);
    call->fake->effects++;
    fake_reply(call, 204, NULL);
}

void fake_serve_network(struct fake_call *call, char *rest)
{
    char *verb = strchr(rest, '/');
    if (verb)
        *verb = '\0';
    struct fake_object *network = fake_find_object(call->fake->networks, rest);
    if (!strcmp(rest, "create"))
        create_network(call);
    else if (!network)
        fake_message(call, 404, "network %s not found", rest);
    else if (verb && !strcmp(verb + 1, "disconnect"))
        disconnect_network(call, network);
    else if (verb)
        connect_network(call, network);
    else
        remove_network(call, network);
}

/* ---- volumes ---- */

static void create_volume(struct fake_call *call)
{
    struct fake *fake = call->fake;
    const char *name = json_string(call->body, "Name", "");
    struct fake_object *volume = fake_find_object(fake->volumes, name);
    if (!volume) {
        volume = fake_add_object(&fake->volumes, name, name, json_get(call->body, "Labels"));
        fake->effects++;
    }
    fake_reply(call, 201, object_json(call->fake, volume));
}

static bool mounts(const struct fake_container *container, const char *volume)
{
    const cJSON *mount;
    cJSON_ArrayForEach(mount, json_path(container->body, "HostConfig.Mounts"))
    {
        if (!strcmp(json_string(mount, "Source", ""), volume))
            return true;
    }
    return false;
}

static void remove_volume(struct fake_call *call, struct fake_object *volume)
{
    const struct fake_container *container;
    DL_FOREACH(call->fake->containers, container)
    {
        if (mounts(container, volume->name)) {
            fake_message(call, 409, "remove %s: volume is in use - [%s]", volume->name, container->id);
            return;
        }
    }
    fake_free_object(&call->fake->volumes, volume);
    call->fake->effects++;
    fake_reply(call, 204, NULL);
}

void fake_serve_volume(struct fake_call *call, const char *rest)
{
    struct fake_object *volume = fake_find_object(call->fake->volumes, rest);
    if (!strcmp(rest, "create"))
        create_volume(call);
    else if (!volume)
        fake_message(call, 404, "get %s: no such volume", rest);
    else if (!strcmp(call->method, "DELETE"))
        remove_volume(call, volume);
    else
        fake_reply(call, 200, object_json(call->fake, volume));
}

/* ---- images ---- */

static const char *short_name(const char *name)
{
    static const char *const prefixes[] = {"docker.io/library/", "docker.io/"};
    for (size_t i = 0; i < 2; i++) {
        if (str_starts(name, prefixes[i]))
            return name + strlen(prefixes[i]);
    }
    return name;
}

static void pull(struct fake_call *call)
{
    cleanup_free char *from = fake_parameter(call, "fromImage"), *tag = fake_parameter(call, "tag");
    cleanup_free char *name = xasprintf("%s:%s", short_name(from), tag);
    if (!strlist_has(&call->fake->pullable, name)) {
        fake_message(call, 404, "manifest for %s not found: manifest unknown: manifest unknown", name);
        return;
    }
    strlist_add(&call->fake->images, name);
    call->fake->effects++;
    call->status = 200;
    call->answer =
        xasprintf("{\"status\":\"Pulling from x\",\"id\":\"1\"}\r\n{\"status\":\"Status: Downloaded newer "
                  "image for %s\"}\r\n",
                  name);
}

void fake_serve_image(struct fake_call *call, const char *rest)
{
    cleanup_free char *name = fake_decode(rest, strlen(rest));
    if (str_ends(name, "/json"))
        name[strlen(name) - 5] = '\0';
    if (!strcmp(name, "create")) {
        pull(call);
        return;
    }
    if (!fake_has_image(call->fake, short_name(name))) {
        fake_message(call, 404, "no such image: %s: No such image: %s", name, name);
        return;
    }
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "Id", "sha256:1");
    fake_reply(call, 200, json);
}
