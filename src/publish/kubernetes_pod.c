/* A pod: its container, its volumes, who it is, and what it waits for.
 *
 * No token of the cluster, no variables about other services (a Service called "cache" would put CACHE_PORT
 * into every pod, a name of ours), no more rights than it needs. A server writes nothing but its data. */
#include "publish/kubernetes.h"
#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

/* The volume of the files that hold secrets. */
#define CONF "conf"

enum { SERVER_USER = 999, FILE_MODE = 0444, MOST_GROUPS = 32 };

char *kubernetes_escaped(const char *text)
{
    struct strbuf out = {0};
    for (const char *p = text; *p; p++) {
        if (*p == '$' && (p[1] == '(' || p[1] == '$'))
            strbuf_addc(&out, '$');
        strbuf_addc(&out, *p);
    }
    return strbuf_take(&out);
}

/* ---- volumes ---- */

static bool is_external(const struct kubernetes *k, const char *name)
{
    for (size_t i = 0; i < k->d->volume_count; i++)
        if (strcmp(k->d->volumes[i].name, name) == 0)
            return k->d->volumes[i].external;
    return false;
}

bool kubernetes_is_own_claim(const struct kubernetes *k, const struct deployment_mount *mount)
{
    int users = 0;
    if (!mount->is_volume || is_external(k, mount->source))
        return false;
    for (size_t i = 0; i < k->d->service_count; i++) {
        const struct deployment_service *s = &k->d->services[i];
        for (size_t m = 0; m < s->mount_count; m++)
            users += s->mounts[m].is_volume && strcmp(s->mounts[m].source, mount->source) == 0;
    }
    return users == 1;
}

/* Without the service's own name in front. */
static const char *short_name(const struct deployment_service *s, const char *volume)
{
    size_t length = strlen(s->name);
    if (strncmp(volume, s->name, length) == 0 && volume[length] == '-')
        return volume + length + 1;
    return volume;
}

/* Has the pod a volume of that name besides? */
static bool is_taken(const struct deployment_service *s, const struct deployment_mount *mount,
                     const char *name)
{
    for (size_t i = 0; i < s->mount_count; i++) {
        const char *other = s->mounts[i].source;
        cleanup_free char *whole = kubernetes_name(other);
        if (strcmp(other, mount->source) != 0 && strcmp(whole, name) == 0)
            return true;
    }
    return s->file_count && strcmp(name, CONF) == 0;
}

/* "cache-data" of cache is its "data", unless something else in the pod is called so. */
char *kubernetes_volume_name(const struct deployment_service *s, const struct deployment_mount *mount)
{
    char *name = kubernetes_name(short_name(s, mount->source));
    if (!is_taken(s, mount, name))
        return name;
    free(name);
    cleanup_free char *whole = xasprintf("volume-%s", mount->source);
    return kubernetes_name(whole);
}

bool kubernetes_is_first_of_volume(const struct deployment_service *s, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(s->mounts[i].source, s->mounts[index].source) == 0)
            return false;
    return true;
}

static cJSON *add_mount(cJSON *container, const char *name, const char *path, bool read_only)
{
    cJSON *mount = cJSON_CreateObject();
    json_add_string(mount, "name", name);
    json_add_string(mount, "mountPath", path);
    if (read_only)
        json_add_bool(mount, "readOnly", true);
    cJSON_AddItemToArray(publish_list(container, "volumeMounts"), mount);
    return mount;
}

static cJSON *add_volume(cJSON *pod, const char *name)
{
    cJSON *volume = cJSON_CreateObject();
    json_add_string(volume, "name", name);
    cJSON_AddItemToArray(publish_list(pod, "volumes"), volume);
    return volume;
}

static void add_volumes(const struct kubernetes *k, cJSON *pod, cJSON *container,
                        const struct deployment_service *s)
{
    for (size_t i = 0; i < s->mount_count; i++) {
        const struct deployment_mount *mount = &s->mounts[i];
        cleanup_free char *name = kubernetes_volume_name(s, mount), *claim = kubernetes_name(mount->source);
        add_mount(container, name, mount->target, mount->read_only);
        if ((kubernetes_is_own_claim(k, mount) && !s->is_task) || !kubernetes_is_first_of_volume(s, i))
            continue;
        cJSON *volume = add_volume(pod, name);
        json_add_string(json_add_object(volume, "persistentVolumeClaim"), "claimName", claim);
    }

    if (s->is_server && !s->mount_count) {
        add_mount(container, "data", "/data", false);
        json_add_object(add_volume(pod, "data"), "emptyDir");
    }
    for (size_t i = 0; i < s->tmpfs_count; i++) {
        cleanup_free char *name = xasprintf("memory-%zu", i);
        add_mount(container, name, s->tmpfs[i], false);
        json_add_string(json_add_object(add_volume(pod, name), "emptyDir"), "medium", "Memory");
    }
}

static void add_files(const struct kubernetes *k, cJSON *pod, cJSON *container,
                      const struct deployment_service *s)
{
    if (!s->file_count)
        return;
    cleanup_free char *name = kubernetes_secret_name(k, s);
    cJSON *secret = json_add_object(add_volume(pod, CONF), "secret");
    json_add_string(secret, "secretName", name);
    json_add_int(secret, "defaultMode", FILE_MODE);
    cJSON *items = json_add_array(secret, "items");
    add_mount(container, CONF, DEPLOYMENT_CONF_FOLDER, true);
    for (size_t i = 0; i < s->file_count; i++) {
        cJSON *item = cJSON_CreateObject();
        json_add_string(item, "key", s->files[i].file);
        json_add_string(item, "path", s->files[i].file);
        cJSON_AddItemToArray(items, item);
    }
}

/* ---- the container ---- */

static void add_words(const struct kubernetes *k, cJSON *container, const char *key,
                      const struct plan_text *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        cleanup_free char *text = deployment_text(k->d, &words[i]), *safe = kubernetes_escaped(text);
        cJSON_AddItemToArray(publish_list(container, key), cJSON_CreateString(safe));
    }
}

static void refer_to_secret(cJSON *variable, const char *secret, const char *key)
{
    cJSON *reference = json_add_object(json_add_object(variable, "valueFrom"), "secretKeyRef");
    json_add_string(reference, "name", secret);
    json_add_string(reference, "key", key);
}

static void add_environment(const struct kubernetes *k, cJSON *container, const struct deployment_service *s)
{
    cleanup_free char *secret = kubernetes_secret_name(k, s);
    for (size_t i = 0; i < s->environment_count; i++) {
        const struct deployment_variable *from = &s->environment[i];
        cJSON *variable = cJSON_CreateObject();
        json_add_string(variable, "name", from->name);
        if (plan_has_secret(&from->value)) {
            refer_to_secret(variable, secret, from->name);
        } else {
            cleanup_free char *text = deployment_text(k->d, &from->value);
            publish_take_text(variable, "value", kubernetes_escaped(text));
        }
        cJSON_AddItemToArray(publish_list(container, "env"), variable);
    }
}

static void add_ports(cJSON *container, const struct deployment_service *s)
{
    for (size_t i = 0; i < s->port_count; i++) {
        cJSON *port = cJSON_CreateObject();
        json_add_int(port, "containerPort", s->ports[i].inside);
        cJSON_AddItemToArray(publish_list(container, "ports"), port);
    }
}

static void add_limits(cJSON *container, const struct deployment_service *s)
{
    if (!s->memory)
        return;
    cJSON *resources = json_add_object(container, "resources");
    publish_take_text(json_add_object(resources, "requests"), "memory",
                      xasprintf("%lld", (long long)s->memory));
    publish_take_text(json_add_object(resources, "limits"), "memory",
                      xasprintf("%lld", (long long)s->memory));
}

static void add_rights(cJSON *container, const struct deployment_service *s)
{
    cJSON *rights = json_add_object(container, "securityContext");
    json_add_bool(rights, "allowPrivilegeEscalation", false);
    if (!s->is_server)
        return;
    if (s->kind != MODEL_GARNET)
        json_add_bool(rights, "readOnlyRootFilesystem", true);
    cJSON *drop = json_add_array(json_add_object(rights, "capabilities"), "drop");
    cJSON_AddItemToArray(drop, cJSON_CreateString("ALL"));
}

static cJSON *add_container(const struct kubernetes *k, cJSON *pod, const struct deployment_service *s)
{
    static const char *const policies[MODEL_PULL_COUNT] = {
        [MODEL_PULL_MISSING] = "IfNotPresent", [MODEL_PULL_ALWAYS] = "Always", [MODEL_PULL_NEVER] = "Never"};
    cJSON *container = cJSON_CreateObject();
    cleanup_free char *name = kubernetes_name(s->name);
    cJSON_AddItemToArray(json_add_array(pod, "containers"), container);
    json_add_string(container, "name", name);
    json_add_string(container, "image", s->image);
    json_add_string(container, "imagePullPolicy", policies[s->pull]);

    add_words(k, container, "command", s->entrypoint, s->entrypoint_count);
    add_words(k, container, "args", s->command, s->command_count);
    json_add_string(container, "workingDir", s->working_dir);
    add_environment(k, container, s);
    add_ports(container, s);
    add_rights(container, s);
    add_limits(container, s);
    kubernetes_add_probes(container, s);
    return container;
}

/* ---- who it is ---- */

/* "999:1000"; a server of ours runs as its images' user. */
static void add_user(cJSON *pod, const struct deployment_service *s)
{
    cJSON *context = json_add_object(pod, "securityContext");
    int64_t user = 0, group = 0;

    if (s->user) {
        size_t length = strcspn(s->user, ":");
        cleanup_free char *first = xstrndup(s->user, length);
        const char *second = s->user + length + (s->user[length] == ':');
        if (str_to_int64(first, 0, INT32_MAX, &user))
            json_add_int(context, "runAsUser", user);
        if (str_to_int64(second, 0, INT32_MAX, &group))
            json_add_int(context, "runAsGroup", group);
    } else if (s->is_server && s->kind != MODEL_GARNET) {
        json_add_bool(context, "runAsNonRoot", true);
        json_add_int(context, "runAsUser", SERVER_USER);
        json_add_int(context, "runAsGroup", SERVER_USER);
        json_add_int(context, "fsGroup", SERVER_USER);
        json_add_string(context, "fsGroupChangePolicy", "OnRootMismatch");
    }

    json_add_string(json_add_object(context, "seccompProfile"), "type", "RuntimeDefault");
}

/* "linux/arm64" */
static void add_platform(cJSON *pod, const struct deployment_service *s)
{
    const char *slash = s->platform ? strchr(s->platform, '/') : NULL;
    if (!slash)
        return;
    cJSON *nodes = json_add_object(pod, "nodeSelector");
    publish_take_text(nodes, "kubernetes.io/os", xstrndup(s->platform, (size_t)(slash - s->platform)));
    publish_take_text(nodes, "kubernetes.io/arch", xstrndup(slash + 1, strcspn(slash + 1, "/")));
}

static void add_hosts(cJSON *pod, const struct deployment_service *s)
{
    for (size_t i = 0; i < s->extra_host_count; i++) {
        const char *colon = strchr(s->extra_hosts[i], ':');
        if (!colon)
            continue;
        cJSON *alias = cJSON_CreateObject();
        cleanup_free char *name = xstrndup(s->extra_hosts[i], (size_t)(colon - s->extra_hosts[i]));
        json_add_string(alias, "ip", colon + 1);
        cJSON_AddItemToArray(json_add_array(alias, "hostnames"), cJSON_CreateString(name));
        cJSON_AddItemToArray(publish_list(pod, "hostAliases"), alias);
    }
}

static void add_metadata(struct kubernetes *k, cJSON *template, const struct deployment_service *s)
{
    cleanup_free char *lower = kubernetes_name(s->name);
    cJSON *metadata = json_add_object(template, "metadata");
    cJSON *labels = json_add_object(metadata, "labels");
    kubernetes_add_selector(k, labels, lower);
    for (size_t i = 0; i < s->label_count; i++)
        json_add_string(publish_object(metadata, "annotations"), s->labels[i].name, s->labels[i].value);
    if (!deployment_has_secret(s))
        return;
    /* A Secret that changes restarts nobody by itself. */
    char digest[17];
    deployment_secrets_digest(k->d, s, digest);
    json_add_string(publish_object(metadata, "annotations"), "apphost.io/config-hash", digest);
}

void kubernetes_add_pod(struct kubernetes *k, cJSON *spec, const struct deployment_service *s)
{
    cJSON *template = json_add_object(spec, "template");
    add_metadata(k, template, s);
    cJSON *pod = json_add_object(template, "spec");
    json_add_bool(pod, "automountServiceAccountToken", false);
    json_add_bool(pod, "enableServiceLinks", false);
    json_add_int(pod, "terminationGracePeriodSeconds", (s->stop_timeout_ms + 999) / 1000);
    if (s->is_task)
        json_add_string(pod, "restartPolicy", "Never");

    add_user(pod, s);
    add_platform(pod, s);
    add_hosts(pod, s);
    kubernetes_add_waits(k, pod, s);
    cJSON *container = add_container(k, pod, s);
    add_files(k, pod, container, s);
    add_volumes(k, pod, container, s);
}
