/* The container of a service's tasks, as JSON of the Engine API. See internal.h.
 *
 * What holds secrets comes as files. Variables that hold some are one file, and a shell in front of the
 * program reads it and is replaced by it: nothing of that can be seen in the swarm. Variables, mounts and the
 * host name are templates to Swarm, so braces are escaped. */
#include "deploy/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { READABLE = 0444, MS = 1000000 };

char *swarm_escape(const char *text)
{
    struct strbuf out = {0};
    for (const char *c = text; *c;) {
        if (str_starts(c, "{{")) {
            strbuf_adds(&out, "{{ \"{{\" }}");
            c += 2;
        } else
            strbuf_addc(&out, *c++);
    }
    return strbuf_take(&out);
}

static void take_text(cJSON *array, char *text)
{
    cJSON_AddItemToArray(array, cJSON_CreateString(text));
    free(text);
}

static void add_texts(cJSON *array, const struct deployment *d, const struct plan_text *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        take_text(array, deployment_text(d, &texts[i]));
}

static void add_all(cJSON *array, const cJSON *texts)
{
    const cJSON *text;
    cJSON_ArrayForEach(text, texts)
    {
        cJSON_AddItemToArray(array, cJSON_Duplicate(text, true));
    }
}

/* ---- the command ---- */

bool swarm_needs_config(const struct deployment_service *service)
{
    return swarm_has_secret_environment(service) && !service->entrypoint_count;
}

/* What the shell is replaced by: as the engine puts together what the image and the manifest say. */
static void add_whole_command(cJSON *args, const struct deployment *d,
                              const struct deployment_service *service, const cJSON *config)
{
    if (service->entrypoint_count)
        add_texts(args, d, service->entrypoint, service->entrypoint_count);
    else
        add_all(args, json_get(config, "Entrypoint"));
    if (service->command_count)
        add_texts(args, d, service->command, service->command_count);
    else if (!service->entrypoint_count)
        add_all(args, json_get(config, "Cmd"));
}

static void add_shell(cJSON *spec, const struct deployment *d, const struct deployment_service *service,
                      const cJSON *config)
{
    cJSON *command = json_add_array(spec, "Command");
    take_text(command, xstrdup("/bin/sh"));
    take_text(command, xstrdup("-c"));
    take_text(command, xasprintf("set -a; . " DEPLOYMENT_SECRETS_FOLDER "/%s.env; set +a; exec \"$0\" \"$@\"",
                                 service->name));
    add_whole_command(json_add_array(spec, "Args"), d, service, config);
}

static void add_command(cJSON *spec, const struct deployment *d, const struct deployment_service *service,
                        const cJSON *config)
{
    if (swarm_has_secret_environment(service)) {
        add_shell(spec, d, service, config);
        return;
    }
    if (service->entrypoint_count)
        add_texts(json_add_array(spec, "Command"), d, service->entrypoint, service->entrypoint_count);
    if (service->command_count)
        add_texts(json_add_array(spec, "Args"), d, service->command, service->command_count);
}

/* ---- variables ---- */

/* Behind a shell a variable whose name is none to it is gone: it has another name there. */
static char *variable_name(const struct deployment_service *service, const char *name)
{
    if (swarm_has_secret_environment(service))
        return swarm_variable(name);
    return xstrdup(name);
}

static void add_environment(cJSON *spec, const struct deployment *d, const struct deployment_service *service)
{
    cJSON *environment = json_add_array(spec, "Env");
    for (size_t i = 0; i < service->environment_count; i++) {
        const struct deployment_variable *variable = &service->environment[i];
        if (plan_has_secret(&variable->value))
            continue;
        cleanup_free char *value = deployment_text(d, &variable->value);
        cleanup_free char *escaped = swarm_escape(value);
        cleanup_free char *name = variable_name(service, variable->name);
        take_text(environment, xasprintf("%s=%s", name, escaped));
    }
}

/* ---- files, volumes ---- */

static void add_secrets(cJSON *spec, const struct deployment *d, const struct deployment_service *service,
                        const cJSON *known)
{
    cleanup_swarm_secrets struct swarm_secrets secrets;
    swarm_secrets_of(d, service, &secrets);
    if (!secrets.count)
        return;

    cJSON *array = json_add_array(spec, "Secrets");
    for (size_t i = 0; i < secrets.count; i++) {
        const cJSON *found = swarm_find(known, "Spec.Name", secrets.items[i].name);
        cJSON *secret = cJSON_CreateObject();
        cJSON_AddItemToArray(array, secret);
        json_add_string(secret, "SecretID", json_string(found, "ID", ""));
        json_add_string(secret, "SecretName", secrets.items[i].name);
        cJSON *file = json_add_object(secret, "File");
        json_add_string(file, "Name", secrets.items[i].file);
        json_add_string(file, "UID", "0");
        json_add_string(file, "GID", "0");
        json_add_int(file, "Mode", READABLE);
    }
}

/* The next task's container is made while the last one runs, and a volume without a file gets the image's
 * owner then: a server that has nothing saved yet could not save any more. Images of these two give the
 * folder to their user as they start. */
static bool takes_its_folder(const struct deployment_service *service)
{
    return (service->kind == MODEL_REDIS || service->kind == MODEL_VALKEY) && !service->user;
}

static void add_volume(cJSON *object, const struct deployment *d, const struct deployment_service *service,
                       const struct deployment_mount *mount)
{
    cleanup_free char *source = swarm_volume_name(d, mount->source);
    json_add_string(object, "Type", "volume");
    json_add_string(object, "Source", source);
    cJSON *options = cJSON_CreateObject();
    if (takes_its_folder(service))
        json_add_bool(options, "NoCopy", true);
    if (!str_eq(source, mount->source)) /* else it is somebody else's */
        cJSON_AddItemToObject(options, "Labels", swarm_labels(d->project, NULL));
    cJSON_AddItemToObject(object, "VolumeOptions", options);
}

static void add_mount(cJSON *array, const struct deployment *d, const struct deployment_service *service,
                      const struct deployment_mount *mount)
{
    cJSON *object = cJSON_CreateObject();
    cJSON_AddItemToArray(array, object);
    if (mount->is_volume)
        add_volume(object, d, service, mount);
    else {
        cleanup_free char *source = swarm_escape(mount->source);
        json_add_string(object, "Type", "bind");
        json_add_string(object, "Source", source);
    }
    cleanup_free char *target = swarm_escape(mount->target);
    json_add_string(object, "Target", target);
    if (mount->read_only)
        json_add_bool(object, "ReadOnly", true);
}

static void add_mounts(cJSON *spec, const struct deployment *d, const struct deployment_service *service)
{
    if (!service->mount_count && !service->tmpfs_count)
        return;
    cJSON *array = json_add_array(spec, "Mounts");
    for (size_t i = 0; i < service->mount_count; i++)
        add_mount(array, d, service, &service->mounts[i]);
    for (size_t i = 0; i < service->tmpfs_count; i++) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToArray(array, object);
        cleanup_free char *target = xstrndup(service->tmpfs[i], strcspn(service->tmpfs[i], ":"));
        json_add_string(object, "Type", "tmpfs");
        json_add_string(object, "Target", target);
    }
}

/* "name:address" is "address name" here. */
static void add_hosts(cJSON *spec, const struct deployment_service *service)
{
    if (!service->extra_host_count)
        return;
    cJSON *array = json_add_array(spec, "Hosts");
    for (size_t i = 0; i < service->extra_host_count; i++) {
        const char *host = service->extra_hosts[i];
        size_t length = strcspn(host, ":");
        const char *address = host + length + (host[length] == ':');
        take_text(array, xasprintf("%s %.*s", address, (int)length, host));
    }
}

/* ---- health ---- */

static void add_test(cJSON *health, const struct deployment_check *check)
{
    cJSON *test = json_add_array(health, "Test");
    if (check->kind != DEPLOYMENT_CHECK_EXEC) {
        take_text(test, xstrdup("CMD-SHELL"));
        take_text(test, xstrdup(text_or_empty(check->shell)));
        return;
    }
    take_text(test, xstrdup("CMD"));
    for (const char **word = check->exec; word && *word; word++)
        take_text(test, xstrdup(*word));
}

static void add_health(cJSON *spec, const struct deployment_check *check)
{
    if (check->kind == DEPLOYMENT_CHECK_NONE || check->kind == DEPLOYMENT_CHECK_IMAGE)
        return;
    cJSON *health = json_add_object(spec, "Healthcheck");
    add_test(health, check);
    json_add_int(health, "Interval", check->interval_ms * MS);
    json_add_int(health, "Timeout", check->timeout_ms * MS);
    json_add_int(health, "StartPeriod", check->start_ms * MS);
    json_add_int(health, "Retries", check->retries);
}

/* ---- the whole ---- */

static void add_labels(cJSON *spec, const struct deployment *d, const struct deployment_service *service,
                       const char *digest)
{
    cJSON *labels = swarm_labels(d->project, service->name);
    for (size_t i = 0; i < service->label_count; i++)
        json_add_string(labels, service->labels[i].name, service->labels[i].value);
    json_add_string(labels, SWARM_HASH, digest); /* tells tasks apart */
    cJSON_AddItemToObject(spec, "Labels", labels);
}

cJSON *swarm_container_spec(const struct deployment *d, const struct deployment_service *service,
                            const struct swarm_parts *parts)
{
    cJSON *spec = cJSON_CreateObject();
    json_add_string(spec, "Image", parts->image);
    add_labels(spec, d, service, parts->digest);
    add_command(spec, d, service, parts->config);
    json_add_string(spec, "Hostname", service->name);
    add_environment(spec, d, service);
    json_add_string(spec, "Dir", service->working_dir);
    json_add_string(spec, "User", service->user);
    json_add_bool(spec, "Init", service->init);
    if (service->stop_signal > 0 && service->stop_signal != SIGTERM) {
        cleanup_free char *signal = xasprintf("%d", service->stop_signal);
        json_add_string(spec, "StopSignal", signal);
    }
    json_add_int(spec, "StopGracePeriod", service->stop_timeout_ms * MS);

    add_secrets(spec, d, service, parts->secrets);
    add_mounts(spec, d, service);
    add_hosts(spec, service);
    add_health(spec, &service->check);
    return spec;
}
