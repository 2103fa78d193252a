/* A deploy from its beginning to its end: look, compare, check, ask, change level by level, clean. See
 * deploy.h. */
#include "deploy/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Values are made only once it is known that none are in use already that nobody knows here. */
static int start(struct swarm *swarm, struct deployment *d, struct swarm_changes *changes, struct error *err)
{
    const struct deployment_store *store = swarm->wish->store;
    snprintf(swarm->turn, sizeof swarm->turn, "%lld",
             (long long)(loop_wall_ns(&swarm->once->loop) / 1000000));
    if (swarm_check_names(d, err) || deploy_look(swarm->once, swarm->project, &swarm->seen, err))
        return -1;
    const char *key = store->get(DEPLOYMENT_KEY_NAME, store->data);
    if (!swarm->wish->takes_over && swarm_check_key(&swarm->seen, key, err))
        return -1;
    if (deployment_settle(d, store, err))
        return -1;
    swarm_changes_make(d, &swarm->seen, changes);
    return 0;
}

/* ---- checks ---- */

/* A service of this name that is not ours would be found too late. */
static int check_foreign(struct swarm *swarm, const struct swarm_changes *changes, struct error *err)
{
    cleanup_json cJSON *all = NULL;
    for (size_t i = 0; i < changes->count; i++) {
        const struct swarm_change *change = &changes->items[i];
        if (change->verb != DEPLOY_CREATE)
            continue;
        if (!all && swarm_read(swarm, ENGINE_SERVICES, true, &all, err))
            return -1;
        cleanup_free char *name = swarm_name(swarm->project, change->service->name);
        if (!swarm_find(all, "Spec.Name", name))
            continue;
        error_set(err, ERROR_CONFLICT, "the service %s is there and is not this deployment's", name);
        error_hint(err, "another tool made it (docker stack): remove it, or give the project another name");
        return -1;
    }
    return 0;
}

static int check(struct swarm *swarm, struct swarm_changes *changes, struct error *err)
{
    if (swarm_read(swarm, ENGINE_OVERLAYS, false, &swarm->networks, err) ||
        swarm_read(swarm, ENGINE_SECRETS, false, &swarm->secrets, err))
        return -1;
    if (swarm_check_network(swarm, err) || check_foreign(swarm, changes, err) ||
        swarm_check_places(swarm, changes, err))
        return -1;
    return swarm_find_images(swarm, changes, err);
}

/* ---- changing ---- */

static void tell_change(const struct swarm *swarm, const struct swarm_change *change, bool is_planned)
{
    cleanup_strlist struct strlist lines = {0};
    if (swarm->d)
        swarm_explain(swarm->d, change, &lines);
    cleanup_strbuf struct strbuf why = {0};
    for (size_t i = 0; i < lines.count; i++)
        strbuf_addf(&why, "%s%s", text_if(i > 0, "; "), lines.items[i]);
    struct deploy_news news = {.verb = change->verb,
                               .kind = swarm_kind(change),
                               .name = swarm_change_name(change),
                               .is_planned = is_planned};
    if (why.length)
        news.why = strbuf_text(&why);
    swarm_tell(swarm, &news);
}

static void tell_plan(const struct swarm *swarm, const struct swarm_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        if (changes->items[i].verb != DEPLOY_KEEP)
            tell_change(swarm, &changes->items[i], true);
}

static int remove_service(struct swarm *swarm, const cJSON *service, struct error *err)
{
    engine_service_remove(swarm->once->engine, json_string(service, "ID", ""), engine_once_done, swarm->once);
    return engine_once_wait(swarm->once, err);
}

static int send_update(struct swarm *swarm, const struct swarm_change *change, const cJSON *seen,
                       const cJSON *body, struct error *err)
{
    struct engine_update update = {
        .id = json_string(seen, "ID", ""),
        .name = change->service->name,
        .version = swarm_version(seen),
        .image = change->service->image,
        .body = body,
    };
    engine_service_update(swarm->once->engine, &update, engine_once_done, swarm->once);
    return engine_once_wait(swarm->once, err);
}

/* The version that was read is not the last one: the swarm notes the course of an update there, and so does
 * who deploys at the same time. Only the second has another hash. */
static int send_again(struct swarm *swarm, const struct swarm_change *change, const cJSON *body,
                      struct error *err)
{
    if (swarm_read_again(swarm, err))
        return -1;
    const cJSON *found = swarm_find_service(swarm->now.services, change->service->name);
    const char *hash = text_or_empty(swarm_label(found, SWARM_HASH));
    if (str_eq(hash, change->digest) && change->verb == DEPLOY_UPDATE)
        return 0;
    if (!found || !str_eq(hash, swarm_label(change->seen, SWARM_HASH))) {
        error_set(err, ERROR_OWNER,
                  "somebody else deploys %s at this moment: theirs goes on, this one ends here",
                  change->service->name);
        error_hint(err, "deploy again when it is over");
        return -1;
    }
    return send_update(swarm, change, found, body, err);
}

static int update(struct swarm *swarm, const struct swarm_change *change, const cJSON *body,
                  struct error *err)
{
    cleanup_error struct error trouble = {0};
    if (!send_update(swarm, change, change->seen, body, &trouble))
        return 0;
    if (trouble.detail == DETAIL_OUT_OF_SEQUENCE)
        return send_again(swarm, change, body, err);
    error_move(err, &trouble);
    return -1;
}

static int create(struct swarm *swarm, const struct swarm_change *change, const cJSON *body,
                  struct error *err)
{
    cleanup_error struct error trouble = {0};
    engine_service_create(swarm->once->engine, change->service->image, body, engine_once_done, swarm->once);
    if (!engine_once_wait(swarm->once, &trouble))
        return 0;
    if (trouble.code != ERROR_CONFLICT) {
        error_move(err, &trouble);
        return -1;
    }
    error_set(err, ERROR_OWNER, "somebody else deploys %s at this moment: theirs goes on, this one ends here",
              change->service->name);
    error_hint(err, "deploy again when it is over");
    return -1;
}

static int send_change(struct swarm *swarm, struct swarm_change *change, struct error *err)
{
    struct swarm_parts parts = {
        .network = swarm_network(swarm),
        .image = change->image,
        .config = change->config,
        .secrets = swarm->secrets,
        .turn = swarm->turn,
    };
    cleanup_json cJSON *body = swarm_service_body(swarm->d, change->service, &parts);
    if (change->verb == DEPLOY_REPLACE && remove_service(swarm, change->seen, err))
        return -1;
    if (change->verb == DEPLOY_UPDATE || change->verb == DEPLOY_RUN)
        return update(swarm, change, body, err);
    return create(swarm, change, body, err);
}

static int apply(struct swarm *swarm, struct swarm_change *change, struct error *err)
{
    tell_change(swarm, change, false);
    if (change->verb == DEPLOY_REMOVE)
        return remove_service(swarm, change->seen, err);
    if (swarm_make_secrets(swarm, change, err) || send_change(swarm, change, err)) {
        error_at(err, change->service->pos.file, change->service->pos.line, change->service->pos.column);
        return -1;
    }
    change->begun_ms = loop_now_ms(&swarm->once->loop);
    return 0;
}

static int apply_level(struct swarm *swarm, struct swarm_changes *changes, int level, struct error *err)
{
    int changed = 0;
    for (size_t i = 0; i < changes->count; i++) {
        struct swarm_change *change = &changes->items[i];
        if (change->level != level || change->verb == DEPLOY_KEEP)
            continue;
        changed = 1;
        if (apply(swarm, change, err))
            return -1;
    }
    if (changed && swarm_read_again(swarm, err))
        return -1;
    return 0;
}

/* What goes stands on a level behind all others. */
static int change_all(struct swarm *swarm, struct swarm_changes *changes, struct error *err)
{
    if (swarm_remember(swarm, true, err) || swarm_make_network(swarm, err) ||
        swarm_place(swarm, changes, err))
        return -1;
    for (int level = 0; level <= changes->levels; level++)
        if (apply_level(swarm, changes, level, err) || swarm_wait(swarm, changes, level, err))
            return -1;
    if (swarm_clean_secrets(swarm, err))
        return -1;
    return swarm_remember(swarm, false, err);
}

/* Nothing changes, but it may not run yet, and an earlier deploy may not have come to its end. */
static int keep_all(struct swarm *swarm, struct swarm_changes *changes, struct error *err)
{
    for (int level = 0; level < changes->levels; level++)
        if (swarm_wait(swarm, changes, level, err))
            return -1;
    if (!swarm_was_unfinished(swarm))
        return 0;
    if (swarm_clean_secrets(swarm, err))
        return -1;
    return swarm_remember(swarm, false, err);
}

static int run(struct swarm *swarm, struct swarm_changes *changes, struct error *err)
{
    if (!changes->changing)
        return keep_all(swarm, changes, err);
    if (check(swarm, changes, err))
        return -1;
    if (swarm->wish->confirm)
        tell_plan(swarm, changes);
    if (swarm_ask(swarm, changes->changing, err))
        return -1;
    return change_all(swarm, changes, err);
}

int deploy_swarm(struct engine_once *once, struct deployment *d, const struct deploy_wish *wish,
                 struct error *err)
{
    struct swarm swarm = {.once = once, .d = d, .project = d->project, .wish = wish};
    struct swarm_changes changes = {0};
    int failed = start(&swarm, d, &changes, err);
    if (!failed)
        failed = run(&swarm, &changes, err);
    swarm_changes_free(&changes);
    swarm_fini(&swarm);
    return failed;
}

int deploy_swarm_diff(struct engine_once *once, struct deployment *d, const struct deploy_wish *wish,
                      struct error *err)
{
    struct swarm swarm = {.once = once, .d = d, .project = d->project, .wish = wish};
    struct swarm_changes changes = {0};
    int count = start(&swarm, d, &changes, err);
    if (!count) {
        tell_plan(&swarm, &changes);
        count = changes.changing;
    }
    swarm_changes_free(&changes);
    swarm_fini(&swarm);
    return count;
}
