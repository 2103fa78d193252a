/* Kubernetes: one file a service, its secrets apart (mode 0600, ignored by git), and a kustomization.
 *
 * What has data, and every server, is a StatefulSet whose claims outlive it; others are Deployments; tasks
 * are Jobs named by a digest of what they are, since a Job cannot change. Labels that select hold nothing
 * that changes from one version to the next. Secrets hold finished values: nothing is put together from
 * variables there. */
#include "publish/kubernetes.h"
#include "base/mem.h"
#include "base/pick.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* No resource has a dot in its name: these are nobody else's. */
#define GENERATED ".generated"
#define CLAIMS "volumes.claims.yaml"

enum { NAME_MOST = 63, STATEFUL_MOST = 52, JOB_HASH = 8 };

/* ---- names ---- */

char *kubernetes_name(const char *name)
{
    char *out = str_lower(name);
    for (char *p = out; *p; p++)
        if (!isalnum((unsigned char)*p))
            *p = '-';
    return out;
}

char *kubernetes_secret_name(const struct kubernetes *k, const struct deployment_service *s)
{
    cleanup_free char *whole = xasprintf("%s-%s", k->d->project, s->name);
    return kubernetes_name(whole);
}

int kubernetes_claim(struct kubernetes *k, const char *kind, const char *name, size_t most,
                     const struct deployment_service *s)
{
    cleanup_free char *whole = xasprintf("%s/%s", kind, name);
    if (strlen(name) > most) {
        error_set(k->err, ERROR_MANIFEST,
                  "%s is too long for the name of a %s: Kubernetes takes %zu characters", name, kind, most);
    } else if (strlist_has(&k->names, whole)) {
        error_set(k->err, ERROR_MANIFEST, "two resources come to the %s %s there", kind, name);
    } else {
        strlist_add(&k->names, whole);
        return 0;
    }
    error_at(k->err, s->pos.file, s->pos.line, s->pos.column);
    error_hint(k->err, "call the resource \"%s\" otherwise", s->name);
    return -1;
}

static int claim_volume(struct kubernetes *k, const char *kind, const char *name,
                        const struct deployment_service *s)
{
    if (kubernetes_claim(k, kind, name, NAME_MOST, s) == 0)
        return 0;
    error_hint(k->err, "call one of the volumes otherwise");
    return -1;
}

/* Those of one pod have names of their own. */
static int claim_volumes(struct kubernetes *k, const struct deployment_service *s)
{
    cleanup_free char *kind = xasprintf("volume of %s", s->name);
    for (size_t i = 0; i < s->mount_count; i++) {
        cleanup_free char *name = kubernetes_volume_name(s, &s->mounts[i]);
        if (kubernetes_is_first_of_volume(s, i) && claim_volume(k, kind, name, s) < 0)
            return -1;
    }
    return 0;
}

/* ---- objects ---- */

void kubernetes_add_selector(const struct kubernetes *k, cJSON *object, const char *component)
{
    json_add_string(object, "app.kubernetes.io/name", component);
    json_add_string(object, "app.kubernetes.io/part-of", k->d->project);
}

cJSON *kubernetes_object(const struct kubernetes *k, const char *version, const char *kind, const char *name,
                         const char *component)
{
    cJSON *object = cJSON_CreateObject();
    json_add_string(object, "apiVersion", version);
    json_add_string(object, "kind", kind);
    cJSON *metadata = json_add_object(object, "metadata");
    json_add_string(metadata, "name", name);
    cJSON *labels = json_add_object(metadata, "labels");
    kubernetes_add_selector(k, labels, component);
    json_add_string(labels, "app.kubernetes.io/managed-by", "apphost");
    return object;
}

static void add_file(struct kubernetes *k, const char *name, cJSON *list, bool is_secret)
{
    size_t count = (size_t)cJSON_GetArraySize(list);
    const cJSON **documents = xcalloc(count + 1, sizeof *documents);
    for (size_t i = 0; i < count; i++)
        documents[i] = cJSON_GetArrayItem(list, (int)i);
    char *text = NULL;
    if (!k->is_refused)
        text = publish_yaml(documents, count, k->err);
    k->is_refused = !text;
    if (text && is_secret)
        publish_add_secret(k->files, PUBLISH_WHOLE, name, text);
    else if (text)
        publish_add(k->files, PUBLISH_WHOLE, name, text);
    k->files->items[k->files->count - 1].service = k->service;
    cJSON_AddItemToArray(k->resources, cJSON_CreateString(name));
    free(documents);
}

static void add_one(struct kubernetes *k, const char *name, cJSON *object, bool is_secret)
{
    cJSON *list = cJSON_CreateArray();
    cJSON_AddItemToArray(list, object);
    add_file(k, name, list, is_secret);
    cJSON_Delete(list);
}

/* ---- Secrets ---- */

static void add_value(const struct kubernetes *k, cJSON *data, const char *key, const struct plan_text *text)
{
    publish_take_text(data, key, deployment_text(k->d, text));
}

static void add_secret(struct kubernetes *k, const struct deployment_service *s)
{
    if (!deployment_has_secret(s))
        return;
    cleanup_free char *name = kubernetes_secret_name(k, s), *lower = kubernetes_name(s->name);
    cleanup_free char *file = xasprintf("secrets/%s.yaml", lower);
    cJSON *secret = kubernetes_object(k, "v1", "Secret", name, lower);
    cJSON *data = json_add_object(secret, "stringData");
    for (size_t i = 0; i < s->file_count; i++)
        add_value(k, data, s->files[i].file, &s->files[i].text);
    for (size_t i = 0; i < s->environment_count; i++)
        if (plan_has_secret(&s->environment[i].value))
            add_value(k, data, s->environment[i].name, &s->environment[i].value);
    add_one(k, file, secret, true);
}

/* What nobody gave, by its name: read back by the next one who publishes or deploys. */
static void add_generated(struct kubernetes *k)
{
    cleanup_free char *lower = kubernetes_name(k->d->project);
    cleanup_free char *name = xasprintf("%s" GENERATED, lower);
    cJSON *secret = kubernetes_object(k, "v1", "Secret", name, "generated");
    cJSON_AddItemToObject(secret, "stringData", publish_generated(k->d));
    add_one(k, PUBLISH_GENERATED, secret, true);
}

/* ---- Services ---- */

/* At most 15 lower-case letters, digits and hyphens; an endpoint's own where it is such a name. */
static char *port_name(const struct deployment_port *port, bool is_public)
{
    cleanup_free char *lower = kubernetes_name(port->name);
    size_t most = 15;
    if (is_public)
        return xasprintf("public-%d", port->outside);
    if (strlen(lower) <= most)
        return xstrdup(lower);
    return xasprintf("port-%d", port->inside);
}

static void add_port(cJSON *list, const struct deployment_port *port, bool is_public)
{
    cJSON *one = cJSON_CreateObject();
    publish_take_text(one, "name", port_name(port, is_public));
    json_add_int(one, "port", is_public ? port->outside : port->inside);
    json_add_int(one, "targetPort", port->inside);
    cJSON_AddItemToArray(list, one);
}

static void add_service_spec(const struct kubernetes *k, cJSON *service, const struct deployment_service *s,
                             bool is_headless)
{
    cJSON *spec = json_add_object(service, "spec");
    cleanup_free char *lower = kubernetes_name(s->name);
    if (is_headless)
        json_add_string(spec, "clusterIP", "None");
    else if (s->is_exposed)
        json_add_string(spec, "type", "LoadBalancer");
    kubernetes_add_selector(k, json_add_object(spec, "selector"), lower);
    cJSON *ports = json_add_array(spec, "ports");
    for (size_t i = 0; i < s->port_count; i++) {
        const struct deployment_port *port = &s->ports[i];
        add_port(ports, port, false);
        if (!is_headless && port->is_public && port->outside != port->inside)
            add_port(ports, port, true);
    }
}

/* The name that consumers have, and one for the StatefulSet. */
static int add_services(struct kubernetes *k, cJSON *list, const struct deployment_service *s,
                        bool is_stateful)
{
    cleanup_free char *lower = kubernetes_name(s->name), *headless = xasprintf("%s-headless", lower);
    if (!s->port_count || s->is_task)
        return 0;
    if (!s->is_set) { /* whose nodes have names of their own: not each takes what another does */
        if (kubernetes_claim(k, "Service", lower, NAME_MOST, s) < 0)
            return -1;
        cJSON *service = kubernetes_object(k, "v1", "Service", lower, lower);
        add_service_spec(k, service, s, false);
        cJSON_AddItemToArray(list, service);
    }
    if (!is_stateful)
        return 0;

    if (kubernetes_claim(k, "Service", headless, NAME_MOST, s) < 0)
        return -1;
    cJSON *service = kubernetes_object(k, "v1", "Service", headless, lower);
    add_service_spec(k, service, s, true);
    cJSON_AddItemToArray(list, service);
    return 0;
}

/* ---- workloads ---- */

static void add_claim_spec(cJSON *claim)
{
    cJSON *spec = json_add_object(claim, "spec");
    cJSON_AddItemToArray(json_add_array(spec, "accessModes"), cJSON_CreateString("ReadWriteOnce"));
    cJSON *requests = json_add_object(json_add_object(spec, "resources"), "requests");
    json_add_string(requests, "storage", "1Gi");
}

static void add_claims(const struct kubernetes *k, cJSON *spec, const struct deployment_service *s)
{
    cleanup_free char *lower = kubernetes_name(s->name);
    for (size_t i = 0; i < s->mount_count; i++) {
        if (!kubernetes_is_own_claim(k, &s->mounts[i]))
            continue;
        cJSON *claim = cJSON_CreateObject();
        cJSON *metadata = json_add_object(claim, "metadata");
        publish_take_text(metadata, "name", kubernetes_volume_name(s, &s->mounts[i]));
        kubernetes_add_selector(k, json_add_object(metadata, "labels"), lower);
        add_claim_spec(claim);
        cJSON_AddItemToArray(publish_list(spec, "volumeClaimTemplates"), claim);
    }
}

static cJSON *workload(struct kubernetes *k, const char *kind, const struct deployment_service *s,
                       cJSON **spec)
{
    cleanup_free char *lower = kubernetes_name(s->name);
    cJSON *object = kubernetes_object(k, "apps/v1", kind, lower, lower);
    *spec = json_add_object(object, "spec");
    json_add_int(*spec, "replicas", s->is_manual ? 0 : s->replicas);
    cJSON *selector = json_add_object(*spec, "selector");
    kubernetes_add_selector(k, json_add_object(selector, "matchLabels"), lower);
    return object;
}

static cJSON *stateful_set(struct kubernetes *k, const struct deployment_service *s)
{
    cJSON *spec, *object = workload(k, "StatefulSet", s, &spec);
    cleanup_free char *lower = kubernetes_name(s->name);
    publish_take_text(spec, "serviceName", xasprintf("%s-headless", lower));
    json_add_string(json_add_object(spec, "updateStrategy"), "type", "RollingUpdate");
    cJSON *retention = json_add_object(spec, "persistentVolumeClaimRetentionPolicy");
    json_add_string(retention, "whenDeleted", "Retain");
    json_add_string(retention, "whenScaled", "Retain");
    kubernetes_add_pod(k, spec, s);
    add_claims(k, spec, s);
    return object;
}

/* The new one is ready before the old one goes. */
static cJSON *replica_set(struct kubernetes *k, const struct deployment_service *s)
{
    cJSON *spec, *object = workload(k, "Deployment", s, &spec);
    cJSON *strategy = json_add_object(spec, "strategy");
    json_add_string(strategy, "type", "RollingUpdate");
    cJSON *update = json_add_object(strategy, "rollingUpdate");
    json_add_int(update, "maxSurge", 1);
    json_add_int(update, "maxUnavailable", 0);
    kubernetes_add_pod(k, spec, s);
    return object;
}

char *publish_kubernetes_job(const struct deployment *d, const struct deployment_service *s)
{
    char digest[17];
    cleanup_free char *lower = kubernetes_name(s->name);
    deployment_service_digest(d, s, digest);
    return xasprintf("%s-%.*s", lower, JOB_HASH, digest);
}

static cJSON *job(struct kubernetes *k, const struct deployment_service *s)
{
    cleanup_free char *lower = kubernetes_name(s->name), *name = publish_kubernetes_job(k->d, s);
    if (kubernetes_claim(k, "Job", name, NAME_MOST, s) < 0)
        return NULL;

    cJSON *object = kubernetes_object(k, "batch/v1", "Job", name, lower);
    cJSON *spec = json_add_object(object, "spec");
    int retries = 0;
    if (s->restart.when != MODEL_RESTART_NEVER)
        retries = s->restart.max_retries >= 0 ? s->restart.max_retries : 6;
    json_add_int(spec, "backoffLimit", retries);
    kubernetes_add_pod(k, spec, s);
    return object;
}

static int add_service(struct kubernetes *k, const struct deployment_service *s)
{
    cleanup_free char *lower = kubernetes_name(s->name);
    bool is_kustomization = strcmp(lower, "kustomization") == 0;
    cleanup_free char *file = xasprintf("%s%s.yaml", lower, text_if(is_kustomization, ".service"));
    bool is_stateful = (s->is_server || s->has_data) && !s->is_task;
    cJSON *list = cJSON_CreateArray(), *object = NULL;
    k->service = s->name;
    add_secret(k, s);
    int rc = claim_volumes(k, s);
    if (rc == 0)
        rc = add_services(k, list, s, is_stateful);

    if (rc == 0 && s->is_task)
        object = job(k, s);
    else if (rc == 0 && is_stateful && kubernetes_claim(k, "StatefulSet", lower, STATEFUL_MOST, s) == 0)
        object = stateful_set(k, s);
    else if (rc == 0 && !is_stateful && kubernetes_claim(k, "Deployment", lower, NAME_MOST, s) == 0)
        object = replica_set(k, s);
    cJSON_AddItemToArray(list, object);
    if (object)
        add_file(k, file, list, false);
    cJSON_Delete(list);
    return object ? 0 : -1;
}

/* Volumes that several services use are claims of their own. */
static int add_shared_claims(struct kubernetes *k)
{
    int rc = 0;
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; rc == 0 && i < k->d->volume_count; i++) {
        const struct deployment_volume *volume = &k->d->volumes[i];
        const struct deployment_mount mount = {.source = volume->name, .is_volume = true};
        if (volume->external || kubernetes_is_own_claim(k, &mount))
            continue;

        cleanup_free char *name = kubernetes_name(volume->name),
                          *component = kubernetes_name(volume->resource);
        cJSON *claim = kubernetes_object(k, "v1", "PersistentVolumeClaim", name, component);
        rc = claim_volume(k, "PersistentVolumeClaim", name, deployment_find(k->d, volume->resource));
        add_claim_spec(claim);
        cJSON_AddItemToArray(list, claim);
    }

    if (list->child)
        add_file(k, CLAIMS, list, false);
    cJSON_Delete(list);
    return rc;
}

/* ---- the kustomization ---- */

/* The colon in front of a tag; NULL: it has none, or is held by its digest. */
static const char *tag_of(const char *image)
{
    const char *slash = strrchr(image, '/');
    if (strchr(image, '@'))
        return NULL;
    return strchr(text_or(slash, image), ':');
}

/* Does a service use the same image with another tag? */
static bool has_other_tag(const struct deployment *d, const char *image, const char *tag)
{
    size_t length = (size_t)(tag - image);
    for (size_t i = 0; i < d->service_count; i++) {
        const char *other = d->services[i].image, *colon = tag_of(other);
        bool is_same = colon && (size_t)(colon - other) == length && strncmp(other, image, length) == 0;
        if (is_same && strcmp(colon, tag) != 0)
            return true;
    }
    return false;
}

/* Where others set another tag: name and tag of each image, once. The entry counts for the image wherever it
 * is used, so that one with several tags has none: it would get the same everywhere. */
static void add_images(const struct deployment *d, cJSON *kustomization)
{
    cleanup_strlist struct strlist seen = {0};
    for (size_t i = 0; i < d->service_count; i++) {
        const char *image = d->services[i].image, *tag = tag_of(image);
        if (!tag || strlist_has(&seen, image) || has_other_tag(d, image, tag))
            continue;

        strlist_add(&seen, image);
        cJSON *one = cJSON_CreateObject();
        publish_take_text(one, "name", xstrndup(image, (size_t)(tag - image)));
        json_add_string(one, "newTag", tag + 1);
        cJSON_AddItemToArray(publish_list(kustomization, "images"), one);
    }
}

static void add_kustomization(struct kubernetes *k)
{
    cJSON *kustomization = cJSON_CreateObject();
    json_add_string(kustomization, "apiVersion", "kustomize.config.k8s.io/v1beta1");
    json_add_string(kustomization, "kind", "Kustomization");
    cJSON_AddItemToObject(kustomization, "resources", cJSON_Duplicate(k->resources, true));
    add_images(k->d, kustomization);
    const cJSON *all[] = {kustomization};
    char *text = NULL;
    if (!k->is_refused)
        text = publish_yaml(all, 1, k->err);
    k->is_refused = !text;
    if (text)
        publish_add(k->files, PUBLISH_WHOLE, "kustomization.yaml", text);
    cJSON_Delete(kustomization);
}

int publish_kubernetes(struct publish_files *files, const struct deployment *d, struct error *err)
{
    struct kubernetes k = {.d = d, .files = files, .resources = cJSON_CreateArray(), .err = err};
    publish_add_missing_line(files, ".gitignore", "/secrets/"); /* before there is one */
    add_generated(&k);
    int rc = add_shared_claims(&k);
    for (size_t i = 0; rc == 0 && i < d->service_count; i++)
        rc = add_service(&k, &d->services[i]);
    if (rc == 0)
        add_kustomization(&k);
    if (k.is_refused)
        rc = -1;
    cJSON_Delete(k.resources);
    strlist_free(&k.names);
    return rc;
}
