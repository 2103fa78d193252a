/* Names and labels of what a deployment is in a swarm, and finding things by them.
 *
 * Labels are others than those of containers that `up` starts: on a machine that is both, neither takes the
 * other's for its own. */
#include "deploy/internal.h"

#include "base/digest.h"
#include "base/mem.h"
#include "base/ours.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

char *swarm_name(const char *project, const char *name)
{
    return xasprintf("%s_%s", project, name);
}

char *swarm_filter(const char *project)
{
    return xasprintf(SWARM_PROJECT "=%s", project);
}

char *swarm_volume_name(const struct deployment *d, const char *volume)
{
    for (size_t i = 0; i < d->volume_count; i++)
        if (str_eq(d->volumes[i].name, volume) && d->volumes[i].external)
            return xstrdup(volume);
    return swarm_name(d->project, volume);
}

char *swarm_volume_label(const char *volume)
{
    return xasprintf(LABEL_VOLUME "%s", volume);
}

static int check_name(const struct deployment *d, const struct deployment_service *service, struct error *err)
{
    cleanup_free char *name = swarm_name(d->project, service->name);
    if (strlen(name) <= SWARM_NAME_MOST)
        return 0;
    error_set(err, ERROR_MANIFEST,
              "%s would be called %s in the swarm, and names of services have at most %d characters",
              service->name, name, SWARM_NAME_MOST);
    error_at(err, service->pos.file, service->pos.line, service->pos.column);
    error_hint(err, "shorten the name of the project or of the resource");
    return -1;
}

int swarm_check_names(const struct deployment *d, struct error *err)
{
    for (size_t i = 0; i < d->service_count; i++)
        if (check_name(d, &d->services[i], err))
            return -1;
    return 0;
}

cJSON *swarm_labels(const char *project, const char *resource)
{
    cJSON *labels = cJSON_CreateObject();
    json_add_string(labels, SWARM_PROJECT, project);
    json_add_string(labels, SWARM_RESOURCE, resource);
    return labels;
}

void swarm_key_id(const char *key, char out[17])
{
    static const char said[] = "which machine deployed";
    char whole[65];
    digest_hmac(key, strlen(key), said, sizeof said - 1, whole);
    memcpy(out, whole, 16);
    out[16] = '\0';
}

const char *swarm_label(const cJSON *object, const char *label)
{
    return json_string(json_get(json_get(object, "Spec"), "Labels"), label, NULL);
}

const char *swarm_resource(const cJSON *object)
{
    return text_or_empty(swarm_label(object, SWARM_RESOURCE));
}

const cJSON *swarm_find(const cJSON *array, const char *dotted, const char *value)
{
    const cJSON *element;
    cJSON_ArrayForEach(element, array)
    {
        const char *text = cJSON_GetStringValue(json_path(element, dotted));
        if (text && str_eq(text, value))
            return element;
    }
    return NULL;
}

const cJSON *swarm_find_service(const cJSON *services, const char *resource)
{
    const cJSON *service;
    cJSON_ArrayForEach(service, services)
    {
        if (str_eq(swarm_label(service, SWARM_RESOURCE), resource))
            return service;
    }
    return NULL;
}

int64_t swarm_version(const cJSON *object)
{
    return json_int(json_get(object, "Version"), "Index", 0);
}
