/* The images of what changes, looked for before anything is changed: a tag that is wrong takes a server with
 * data down, because its old task is stopped first.
 *
 * The registry is asked through the engine, and what it answers is pinned by its digest, so that all nodes
 * run the same. One that does not answer is no obstacle where the engine has the image already. */
#include "deploy/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

enum { PULL_IDLE_MS = 60000 };

static bool has_local(struct swarm *swarm, const char *image, struct error *err)
{
    engine_image_inspect(swarm->once->engine, image, engine_once_done, swarm->once);
    return engine_once_wait(swarm->once, err) == 0;
}

static char *pinned(const char *image, const cJSON *answer)
{
    const char *digest = json_string(json_get(answer, "Descriptor"), "digest", NULL);
    if (!digest || strchr(image, '@'))
        return xstrdup(image);
    return xasprintf("%s@%s", image, digest);
}

static int refuse(const struct deployment_service *service, const struct error *registry, struct error *err)
{
    error_set(err, ERROR_PULL, "%s: image %s is not in its registry, nor has the engine got it: %s",
              service->name, service->image, registry->text);
    error_at(err, service->image_pos.file, service->image_pos.line, service->image_pos.column);
    error_hint(err, "%s", text_or(registry->hint, "check its name and tag; nothing was changed"));
    return -1;
}

/* The reference to be sent. The caller frees; NULL with the error. */
static char *resolve(struct swarm *swarm, const struct deployment_service *service, struct error *err)
{
    cleanup_error struct error registry = {0};
    cleanup_free char *name = engine_image_name(swarm->once->engine, service->image);
    if (service->pull != MODEL_PULL_NEVER) {
        engine_image_digest(swarm->once->engine, service->image, engine_once_done, swarm->once);
        if (!engine_once_wait(swarm->once, &registry))
            return pinned(name, swarm->once->json);
    } else
        error_set(&registry, ERROR_PULL, "`pull: never`");

    if (registry.code == ERROR_ENGINE) {
        error_move(err, &registry);
        return NULL;
    }
    if (has_local(swarm, service->image, NULL))
        return take_ptr(&name);
    refuse(service, &registry, err);
    return NULL;
}

/* One that was looked for already for another service. */
static const char *known(const struct swarm_changes *changes, const struct swarm_change *change)
{
    for (const struct swarm_change *other = changes->items; other < change; other++)
        if (other->image && str_eq(other->service->image, change->service->image))
            return other->image;
    return NULL;
}

/* The image's own command can be read from the engine alone: it has to be there. */
static int read_config(struct swarm *swarm, struct swarm_change *change, struct error *err)
{
    const char *image = change->service->image;
    if (!has_local(swarm, image, NULL)) {
        struct engine_pull pull = {.reference = image, .idle = LIMIT_MS(PULL_IDLE_MS)};
        engine_image_pull(swarm->once->engine, &pull, engine_once_done, swarm->once);
        if (engine_once_wait_for(swarm->once, FOREVER, err) || !has_local(swarm, image, err))
            return -1;
    }
    change->config = cJSON_Duplicate(json_get(swarm->once->json, "Config"), true);
    return 0;
}

static int find_image(struct swarm *swarm, const struct swarm_changes *changes, struct swarm_change *change,
                      struct error *err)
{
    const char *found = known(changes, change);
    if (found)
        change->image = xstrdup(found);
    else
        change->image = resolve(swarm, change->service, err);
    if (!change->image)
        return -1;
    if (swarm_needs_config(change->service))
        return read_config(swarm, change, err);
    return 0;
}

int swarm_find_images(struct swarm *swarm, struct swarm_changes *changes, struct error *err)
{
    for (size_t i = 0; i < changes->count; i++) {
        struct swarm_change *change = &changes->items[i];
        if (!change->service || change->verb == DEPLOY_KEEP)
            continue;
        if (find_image(swarm, changes, change, err))
            return -1;
    }
    return 0;
}
