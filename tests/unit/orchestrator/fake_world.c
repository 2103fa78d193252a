/* The fake engine's world: what each request does to it and answers. Bodies and statuses as Engine 20.10
 * gives them. */
#include "fake_http.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fake_init(struct fake *fake, struct loop *loop)
{
    memset(fake, 0, sizeof *fake);
    fake->loop = loop;
}

static void free_container(struct fake *fake, struct fake_container *container)
{
    DL_DELETE(fake->containers, container);
    cJSON_Delete(container->body);
    free(container);
}

void fake_free_object(struct fake_object **list, struct fake_object *object)
{
    DL_DELETE(*list, object);
    cJSON_Delete(object->labels);
    free(object);
}

void fake_fini(struct fake *fake)
{
    while (fake->containers)
        free_container(fake, fake->containers);
    while (fake->networks)
        fake_free_object(&fake->networks, fake->networks);
    while (fake->volumes)
        fake_free_object(&fake->volumes, fake->volumes);
    strlist_free(&fake->images);
    strlist_free(&fake->pullable);
    strlist_free(&fake->log);
}

/* ---- answers ---- */

void fake_reply(struct fake_call *call, int status, cJSON *json)
{
    call->status = status;
    free(call->answer);
    call->answer = json ? json_print(json) : xstrdup("");
    cJSON_Delete(json);
}

void fake_message(struct fake_call *call, int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cleanup_free char *text = xvasprintf(format, args);
    va_end(args);
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "message", text);
    fake_reply(call, status, json);
}

char *fake_decode(const char *text, size_t length)
{
    char *out = xmalloc(length + 1);
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '%' && i + 2 < length + 0 && isxdigit((unsigned char)text[i + 1])) {
            const char hex[] = {text[i + 1], text[i + 2], '\0'};
            out[used++] = (char)strtol(hex, NULL, 16);
            i += 2;
        } else
            out[used++] = text[i];
    }
    out[used] = '\0';
    return out;
}

char *fake_parameter(const struct fake_call *call, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = call->query; at && *at;) {
        size_t part = strcspn(at, "&");
        if (part > length && !strncmp(at, name, length) && at[length] == '=')
            return fake_decode(at + length + 1, part - length - 1);
        at += part + (at[part] == '&');
    }
    return NULL;
}

bool fake_matches(const cJSON *labels, const char *filters)
{
    cleanup_json cJSON *json = filters ? json_parse(filters, strlen(filters), NULL) : NULL;
    const cJSON *wanted;
    cJSON_ArrayForEach(wanted, json_get(json, "label"))
    {
        cleanup_free char *key = xstrdup(wanted->valuestring);
        char *value = strchr(key, '=');
        if (value)
            *value++ = '\0';
        const char *found = json_string(labels, key, NULL);
        if (!found || (value && strcmp(found, value) != 0))
            return false;
    }
    return true;
}

/* ---- containers ---- */

static const cJSON *labels_of(const struct fake_container *container)
{
    return json_get(container->body, "Labels");
}

struct fake_container *fake_find(struct fake *fake, const char *name)
{
    struct fake_container *container;
    DL_FOREACH(fake->containers, container)
    {
        if (!strcmp(container->name, name) || !strcmp(container->id, name))
            return container;
    }
    return NULL;
}

int fake_container_count(const struct fake *fake)
{
    int count = 0;
    const struct fake_container *container;
    DL_FOREACH(fake->containers, container)
    count++;
    return count;
}

static void publish(struct fake *fake, const struct fake_container *container, const char *action,
                    int exit_code)
{
    cleanup_json cJSON *attributes = cJSON_Duplicate(labels_of(container), true);
    if (!attributes)
        attributes = cJSON_CreateObject();
    json_add_string(attributes, "name", container->name);
    char code[16];
    snprintf(code, sizeof code, "%d", exit_code);
    json_add_string(attributes, "exitCode", exit_code >= 0 ? code : NULL);
    char id[65];
    snprintf(id, sizeof id, "%s", container->id);
    fake_publish(fake, "container", action, id, attributes);
}

void fake_make_id(struct fake *fake, char id[65])
{
    snprintf(id, 65, "%064llx", (unsigned long long)(0xABC000 + ++fake->serial));
}

struct fake_object *fake_find_object(struct fake_object *list, const char *name)
{
    struct fake_object *object;
    DL_FOREACH(list, object)
    {
        if (!strcmp(object->name, name) || !strcmp(object->id, name))
            return object;
    }
    return NULL;
}

struct fake_object *fake_add_object(struct fake_object **list, const char *id, const char *name,
                                    const cJSON *labels)
{
    struct fake_object *object = xcalloc(1, sizeof *object);
    snprintf(object->id, sizeof object->id, "%s", id);
    snprintf(object->name, sizeof object->name, "%s", name);
    object->labels = labels ? cJSON_Duplicate(labels, true) : cJSON_CreateObject();
    DL_APPEND(*list, object);
    return object;
}

bool fake_has_image(const struct fake *fake, const char *name)
{
    return strlist_has(&fake->images, name);
}

static void create(struct fake_call *call)
{
    struct fake *fake = call->fake;
    cleanup_free char *name = fake_parameter(call, "name");
    const char *image = json_string(call->body, "Image", "");
    struct fake_container *old = fake_find(fake, name);
    if (!fake_has_image(fake, image)) {
        fake_message(call, 404, "No such image: %s", image);
        return;
    }
    if (old) {
        fake_message(
            call, 409,
            "Conflict. The container name \"/%s\" is already in use by container \"%s\". You have to remove "
            "(or rename) that container to be able to reuse that name.",
            name, old->id);
        return;
    }
    struct fake_container *container = xcalloc(1, sizeof *container);
    fake_make_id(fake, container->id);
    snprintf(container->name, sizeof container->name, "%s", name);
    strcpy(container->state, "created");
    container->body = cJSON_Duplicate(call->body, true);
    snprintf(container->network, sizeof container->network, "%s",
             json_string(json_get(call->body, "HostConfig"), "NetworkMode", "bridge"));
    const cJSON *mount;
    cJSON_ArrayForEach(mount, json_path(call->body, "HostConfig.Mounts"))
    {
        const char *source = json_string(mount, "Source", "");
        if (!strcmp(json_string(mount, "Type", ""), "volume") && !fake_find_object(fake->volumes, source))
            fake_add_object(&fake->volumes, source, source, NULL);
    }
    DL_APPEND(fake->containers, container);
    fake->effects++;
    publish(fake, container, "create", -1);
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "Id", container->id);
    json_add_array(json, "Warnings");
    fake_reply(call, 201, json);
}

static bool has_port(const struct fake_container *container, int port)
{
    for (int i = 0; i < container->port_count; i++) {
        if (container->ports[i] == port)
            return true;
    }
    return false;
}

static bool is_allocated(struct fake *fake, int port)
{
    const struct fake_container *container;
    DL_FOREACH(fake->containers, container)
    {
        if (container->running && has_port(container, port))
            return true;
    }
    return fake->taken[port];
}

/* 0, or the port that is taken. */
static int bind_ports(struct fake *fake, struct fake_container *container)
{
    const cJSON *target;
    container->port_count = 0;
    cJSON_ArrayForEach(target, json_path(container->body, "HostConfig.PortBindings"))
    {
        int port = (int)strtol(json_string(target->child, "HostPort", "0"), NULL, 10);
        if (!port)
            port = 32768 + (int)(++fake->serial % 20000);
        if (is_allocated(fake, port))
            return port;
        container->ports[container->port_count++] = port;
    }
    return 0;
}

static void ends(struct fake *fake, struct fake_container *container, int exit_code, bool oom)
{
    container->running = false;
    container->exit_code = exit_code;
    container->oom = oom;
    container->port_count = 0;
    strcpy(container->state, "exited");
    publish(fake, container, "die", exit_code);
    fake_end_follows(fake, container->id);
}

void fake_crash(struct fake *fake, struct fake_container *container, int exit_code, bool oom)
{
    ends(fake, container, exit_code, oom);
}

static void start(struct fake_call *call, struct fake_container *container)
{
    struct fake *fake = call->fake;
    bool bridged = !strcmp(container->network, "bridge") || !strcmp(container->network, "host") ||
                   !strcmp(container->network, "none");
    const cJSON *first = cJSON_GetArrayItem(json_get(container->body, "Cmd"), 0);
    if (container->running) {
        fake_reply(call, 304, NULL);
        return;
    }
    if (!bridged && !fake_find_object(fake->networks, container->network)) {
        fake_message(call, 404, "network %s not found", container->network);
        return;
    }
    if (first && !strcmp(first->valuestring, "no-such-command")) {
        fake_message(
            call, 400,
            "failed to create shim task: OCI runtime create failed: runc create failed: unable to start "
            "container process: exec: \"no-such-command\": executable file not found in $PATH: unknown");
        return;
    }
    int taken = bind_ports(fake, container);
    if (taken || fake->start_error) {
        container->port_count = 0;
        if (taken)
            fake_message(
                call, 500,
                "driver failed programming external connectivity on endpoint %s (abc): Bind for 127.0.0.1:%d "
                "failed: port is already allocated",
                container->name, taken);
        else
            fake_message(call, 500, "%s", fake->start_error);
        return;
    }
    container->running = true;
    container->oom = false;
    strcpy(container->state, "running");
    fake->effects++;
    publish(fake, container, "start", -1);
    if (fake->crasher && strstr(container->name, fake->crasher))
        ends(fake, container, fake->crash_code, false);
    fake_reply(call, 204, NULL);
}

static void stop(struct fake_call *call, struct fake_container *container)
{
    if (!container->running) {
        fake_reply(call, 304, NULL);
        return;
    }
    publish(call->fake, container, "kill", -1);
    ends(call->fake, container, 0, false);
    publish(call->fake, container, "stop", -1);
    call->fake->effects++;
    fake_reply(call, 204, NULL);
}

static void kill_container(struct fake_call *call, struct fake_container *container)
{
    cleanup_free char *signal = fake_parameter(call, "signal");
    if (!container->running) {
        fake_message(call, 409, "Cannot kill container: %s: Container %s is not running", container->name,
                     container->id);
        return;
    }
    publish(call->fake, container, "kill", -1);
    if (!signal || !strcmp(signal, "SIGKILL") || !strcmp(signal, "KILL"))
        ends(call->fake, container, 137, false);
    fake_reply(call, 204, NULL);
}

void fake_destroy(struct fake *fake, struct fake_container *container)
{
    if (container->running)
        ends(fake, container, 137, false);
    publish(fake, container, "destroy", -1);
    free_container(fake, container);
}

static void remove_container(struct fake_call *call, struct fake_container *container)
{
    cleanup_free char *force = fake_parameter(call, "force");
    if (container->running && !force) {
        fake_message(
            call, 409,
            "You cannot remove a running container %s. Stop the container before attempting removal or force "
            "remove",
            container->id);
        return;
    }
    call->fake->effects++;
    fake_destroy(call->fake, container);
    fake_reply(call, 204, NULL);
}

static cJSON *networks_of(struct fake *fake, const struct fake_container *container)
{
    cJSON *networks = cJSON_CreateObject();
    const struct fake_object *network = fake_find_object(fake->networks, container->network);
    cJSON *entry = json_add_object(networks, network ? network->name : container->network);
    json_add_string(entry, "NetworkID", network ? network->id : container->network);
    return networks;
}

static void inspect(struct fake_call *call, const struct fake_container *container)
{
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "Id", container->id);
    cleanup_free char *name = xasprintf("/%s", container->name);
    json_add_string(json, "Name", name);
    cJSON_AddItemToObject(json, "Config", cJSON_Duplicate(container->body, true));
    cJSON *state = json_add_object(json, "State");
    json_add_string(state, "Status", container->state);
    json_add_bool(state, "Running", container->running);
    json_add_int(state, "ExitCode", container->exit_code);
    json_add_bool(state, "OOMKilled", container->oom);
    json_add_string(state, "Error", "");
    cJSON *settings = json_add_object(json, "NetworkSettings");
    cJSON_AddItemToObject(settings, "Networks", networks_of(call->fake, container));
    cJSON *ports = json_add_object(settings, "Ports");
    const cJSON *target;
    int i = 0;
    cJSON_ArrayForEach(target, json_path(container->body, "HostConfig.PortBindings"))
    {
        cJSON *binding = cJSON_CreateObject();
        char port[16];
        snprintf(port, sizeof port, "%d", container->ports[i++]);
        json_add_string(binding, "HostIp", "127.0.0.1");
        json_add_string(binding, "HostPort", port);
        if (container->running)
            cJSON_AddItemToArray(json_add_array(ports, target->string), binding);
        else
            cJSON_Delete(binding);
    }
    fake_reply(call, 200, json);
}

static cJSON *list_entry(struct fake *fake, const struct fake_container *container)
{
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "Id", container->id);
    cleanup_free char *name = xasprintf("/%s", container->name);
    cJSON_AddItemToArray(json_add_array(json, "Names"), cJSON_CreateString(name));
    json_add_string(json, "Image", json_string(container->body, "Image", ""));
    json_add_string(json, "State", container->state);
    json_add_string(json, "Status", container->running ? "Up 2 seconds" : "Exited (0) 1 second ago");
    cJSON_AddItemToObject(json, "Labels", cJSON_Duplicate(labels_of(container), true));
    cJSON_AddItemToObject(json_add_object(json, "NetworkSettings"), "Networks", networks_of(fake, container));
    cJSON *ports = json_add_array(json, "Ports");
    const cJSON *target;
    int i = 0;
    cJSON_ArrayForEach(target, json_path(container->body, "HostConfig.PortBindings"))
    {
        if (!container->running)
            break;
        cJSON *port = cJSON_CreateObject();
        json_add_string(port, "IP", "127.0.0.1");
        json_add_int(port, "PrivatePort", strtol(target->string, NULL, 10));
        json_add_int(port, "PublicPort", container->ports[i++]);
        json_add_string(port, "Type", "tcp");
        cJSON_AddItemToArray(ports, port);
    }
    return json;
}

static void list_containers(struct fake_call *call)
{
    cleanup_free char *filters = fake_parameter(call, "filters");
    cJSON *json = cJSON_CreateArray();
    const struct fake_container *container;
    DL_FOREACH(call->fake->containers, container)
    {
        if (fake_matches(labels_of(container), filters))
            cJSON_AddItemToArray(json, list_entry(call->fake, container));
    }
    fake_reply(call, 200, json);
}

static void logs(struct fake_call *call, const struct fake_container *container)
{
    cleanup_free char *follow = fake_parameter(call, "follow");
    call->status = 200;
    call->is_follow = follow && container->running;
    snprintf(call->follows, sizeof call->follows, "%s", container->id);
    free(call->answer);
    call->answer = xstrdup(follow ? "" : "the last words\n"); /* raw, as of a terminal */
}

static void serve_container(struct fake_call *call, char *rest)
{
    struct fake *fake = call->fake;
    char *verb = strchr(rest, '/');
    if (verb)
        *verb++ = '\0';
    struct fake_container *container = fake_find(fake, rest);
    if (!container)
        fake_message(call, 404, "No such container: %s", rest);
    else if (!verb)
        remove_container(call, container);
    else if (!strcmp(verb, "start"))
        start(call, container);
    else if (!strcmp(verb, "stop"))
        stop(call, container);
    else if (!strcmp(verb, "kill"))
        kill_container(call, container);
    else if (!strcmp(verb, "json"))
        inspect(call, container);
    else if (!strcmp(verb, "logs"))
        logs(call, container);
    else
        fake_message(call, 404, "page not found");
}

/* ---- all ---- */

void fake_serve(struct fake_call *call)
{
    cleanup_free char *path = fake_decode(call->path, strlen(call->path));
    bool get = !strcmp(call->method, "GET");
    if (!strcmp(path, "/_ping")) {
        call->status = 200;
        call->answer = xstrdup("OK");
    } else if (!strcmp(path, "/events")) {
        call->is_events = true;
        call->status = 200;
    } else if (!strcmp(path, "/containers/json"))
        list_containers(call);
    else if (!strcmp(path, "/containers/create"))
        create(call);
    else if (str_starts(path, "/containers/"))
        serve_container(call, path + strlen("/containers/"));
    else if (get && !strcmp(path, "/networks"))
        fake_reply(call, 200, fake_list_objects(call, call->fake->networks));
    else if (str_starts(path, "/networks/"))
        fake_serve_network(call, path + strlen("/networks/"));
    else if (get && !strcmp(path, "/volumes")) {
        cJSON *json = cJSON_CreateObject();
        cJSON_AddItemToObject(json, "Volumes", fake_list_objects(call, call->fake->volumes));
        fake_reply(call, 200, json);
    } else if (str_starts(path, "/volumes/"))
        fake_serve_volume(call, path + strlen("/volumes/"));
    else if (str_starts(path, "/images/"))
        fake_serve_image(call, path + strlen("/images/"));
    else
        fake_message(call, 404, "page not found");
}
