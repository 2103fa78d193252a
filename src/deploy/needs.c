/* What services need before they are made: the network, the secrets. Both are made once and found again: an
 * answer that was lost, and somebody who does the same at the same time, leave them there. */
#include "deploy/internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static char *network_name(const struct swarm *swarm)
{
    return swarm_name(swarm->project, "default");
}

const char *swarm_network(const struct swarm *swarm)
{
    cleanup_free char *name = network_name(swarm);
    return json_string(swarm_find(swarm->networks, "Name", name), "Id", NULL);
}

static int refuse_network(const char *name, struct error *err)
{
    error_set(err, ERROR_CONFLICT, "the network %s is there and is not this deployment's", name);
    error_hint(
        err,
        "another tool made it (docker compose, docker stack): remove it, or give the project another name");
    return -1;
}

int swarm_check_network(struct swarm *swarm, struct error *err)
{
    if (swarm_network(swarm))
        return 0;
    cleanup_free char *name = network_name(swarm);
    cleanup_json cJSON *all = NULL;
    if (swarm_read(swarm, ENGINE_OVERLAYS, true, &all, err))
        return -1;
    if (swarm_find(all, "Name", name))
        return refuse_network(name, err);
    return 0;
}

int swarm_make_network(struct swarm *swarm, struct error *err)
{
    if (swarm_network(swarm))
        return 0;
    cleanup_free char *name = network_name(swarm);
    cleanup_json cJSON *labels = swarm_labels(swarm->project, NULL);
    cleanup_error struct error trouble = {0};
    engine_overlay_create(swarm->once->engine, name, labels, engine_once_done, swarm->once);
    if (!engine_once_wait(swarm->once, &trouble))
        swarm_tell(swarm, &(struct deploy_news){.verb = DEPLOY_CREATE, .kind = "network", .name = name});
    else if (trouble.code != ERROR_CONFLICT) {
        error_move(err, &trouble);
        return -1;
    }

    if (swarm_read(swarm, ENGINE_OVERLAYS, false, &swarm->networks, err))
        return -1;
    if (swarm_network(swarm))
        return 0;
    return refuse_network(name, err);
}

static int make_secret(struct swarm *swarm, const struct swarm_secret *secret, const char *resource,
                       struct error *err)
{
    cleanup_json cJSON *labels = swarm_labels(swarm->project, resource);
    cleanup_error struct error trouble = {0};
    engine_secret_create(swarm->once->engine, secret->name, labels, secret->text, engine_once_done,
                         swarm->once);
    if (!engine_once_wait(swarm->once, &trouble))
        swarm_tell(swarm,
                   &(struct deploy_news){.verb = DEPLOY_CREATE, .kind = "secret", .name = secret->name});
    else if (trouble.code != ERROR_CONFLICT) {
        error_move(err, &trouble);
        return -1;
    }
    return swarm_read(swarm, ENGINE_SECRETS, false, &swarm->secrets, err);
}

int swarm_make_secrets(struct swarm *swarm, const struct swarm_change *change, struct error *err)
{
    cleanup_swarm_secrets struct swarm_secrets secrets;
    swarm_secrets_of(swarm->d, change->service, &secrets);
    for (size_t i = 0; i < secrets.count; i++) {
        const struct swarm_secret *secret = &secrets.items[i];
        if (swarm_find(swarm->secrets, "Spec.Name", secret->name))
            continue;
        if (make_secret(swarm, secret, change->service->name, err))
            return -1;
        if (!swarm_find(swarm->secrets, "Spec.Name", secret->name))
            return error_set(err, ERROR_CONFLICT, "the secret %s is there and is not this deployment's",
                             secret->name);
    }
    return 0;
}

/* ---- afterwards ---- */

static bool is_named_in(const cJSON *spec, const char *id)
{
    const cJSON *secrets = json_path(spec, "TaskTemplate.ContainerSpec.Secrets");
    return swarm_find(secrets, "SecretID", id) != NULL;
}

/* A server's configuration may be taken back. What else was secret before and is another one now goes: there
 * is no way back to a password that was replaced. */
static bool may_go_back(const cJSON *service)
{
    const cJSON *now = json_path(service, "Spec.TaskTemplate.ContainerSpec.Secrets");
    const cJSON *before = json_path(service, "PreviousSpec.TaskTemplate.ContainerSpec.Secrets");
    const cJSON *secret;
    cJSON_ArrayForEach(secret, before)
    {
        const char *file = cJSON_GetStringValue(json_path(secret, "File.Name"));
        bool is_conf = file && str_ends(file, ".conf");
        if (!is_conf && !swarm_find(now, "SecretID", json_string(secret, "SecretID", "")))
            return false;
    }
    return true;
}

static bool is_needed(const cJSON *services, const char *id)
{
    const cJSON *service;
    cJSON_ArrayForEach(service, services)
    {
        if (is_named_in(json_get(service, "Spec"), id))
            return true;
        if (is_named_in(json_get(service, "PreviousSpec"), id) && may_go_back(service))
            return true;
    }
    return false;
}

int swarm_clean_secrets(struct swarm *swarm, struct error *err)
{
    if (swarm_read(swarm, ENGINE_SECRETS, false, &swarm->secrets, err))
        return -1;
    const cJSON *secret;
    cJSON_ArrayForEach(secret, swarm->secrets)
    {
        const char *id = json_string(secret, "ID", "");
        if (is_needed(swarm_current(swarm)->services, id))
            continue;
        engine_secret_remove(swarm->once->engine, id, engine_once_done, swarm->once);
        if (engine_once_wait(swarm->once, err))
            return -1;
        const char *name = cJSON_GetStringValue(json_path(secret, "Spec.Name"));
        swarm_tell(swarm, &(struct deploy_news){.verb = DEPLOY_REMOVE, .kind = "secret", .name = name});
    }
    return 0;
}
