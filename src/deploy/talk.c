/* One request to the engine and its answer, waited for; telling and asking. See internal.h. */
#include "deploy/internal.h"

#include "base/mem.h"
#include "base/pick.h"
#include "loop/await.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LATE_MS = 60000 };

NAMES(deploy_verb_names, DEPLOY_VERB_COUNT, [DEPLOY_CREATE] = "create", [DEPLOY_UPDATE] = "update",
      [DEPLOY_REPLACE] = "replace", [DEPLOY_RUN] = "run", [DEPLOY_REMOVE] = "remove",
      [DEPLOY_ROLL_BACK] = "roll back", [DEPLOY_KEEP] = "keep", [DEPLOY_WAIT] = "wait",
      [DEPLOY_READY] = "ready", [DEPLOY_FAIL] = "fail", [DEPLOY_SAY] = "note");

int swarm_read(struct swarm *swarm, enum engine_swarm_kind kind, bool all, cJSON **list, struct error *err)
{
    cleanup_free char *filter = NULL;
    if (!all)
        filter = swarm_filter(swarm->project);
    engine_swarm_list(swarm->once->engine, kind, filter, engine_once_done, swarm->once);
    if (engine_once_wait(swarm->once, err))
        return -1;
    cJSON_Delete(*list);
    *list = take_ptr(&swarm->once->json);
    return 0;
}

int swarm_read_again(struct swarm *swarm, struct error *err)
{
    if (swarm_read(swarm, ENGINE_SERVICES, false, &swarm->now.services, err))
        return -1;
    return swarm_read(swarm, ENGINE_TASKS, false, &swarm->now.tasks, err);
}

const struct deploy_seen *swarm_current(const struct swarm *swarm)
{
    if (swarm->now.services)
        return &swarm->now;
    return &swarm->seen;
}

static void on_over(void *data)
{
    *(bool *)data = true;
}

int swarm_pause(struct swarm *swarm, int64_t ms, struct error *err)
{
    bool is_over = false;
    struct timer timer;
    timer_init(&swarm->once->loop, &timer, on_over, &is_over);
    timer_start(&timer, ms);
    struct wait wait = {.fact = &is_over, .what = "the next look", .limit = LIMIT_MS(ms + LATE_MS)};
    int failed = engine_once_await(swarm->once, &wait, err);
    timer_stop(&timer);
    return failed;
}

void swarm_tell(const struct swarm *swarm, const struct deploy_news *news)
{
    if (swarm->wish->tell)
        swarm->wish->tell(news, swarm->wish->data);
}

void swarm_say(const struct swarm *swarm, const char *name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    cleanup_free char *text = xvasprintf(format, args);
    va_end(args);
    swarm_tell(swarm, &(struct deploy_news){.verb = DEPLOY_SAY, .name = name, .why = text});
}

int swarm_ask(const struct swarm *swarm, int changes, struct error *err)
{
    if (!swarm->wish->confirm)
        return 0;
    return swarm->wish->confirm(changes, swarm->wish->data, err);
}

void swarm_fini(struct swarm *swarm)
{
    deploy_seen_free(&swarm->seen);
    deploy_seen_free(&swarm->now);
    json_free(&swarm->secrets);
    json_free(&swarm->networks);
    json_free(&swarm->nodes);
}

#define UNFINISHED "swarm:unfinished"

int swarm_remember(const struct swarm *swarm, bool is_unfinished, struct error *err)
{
    const struct deployment_store *store = swarm->wish->store;
    if (is_unfinished == swarm_was_unfinished(swarm))
        return 0;
    return store->set(UNFINISHED, text_if(is_unfinished, "yes"), store->data, err);
}

bool swarm_was_unfinished(const struct swarm *swarm)
{
    const struct deployment_store *store = swarm->wish->store;
    return *text_or_empty(store->get(UNFINISHED, store->data));
}

/* ---- what is there ---- */

int deploy_look(struct engine_once *once, const char *project, struct deploy_seen *seen, struct error *err)
{
    struct swarm swarm = {.once = once, .project = project};
    if (swarm_read_again(&swarm, err)) {
        deploy_seen_free(&swarm.now);
        return -1;
    }
    *seen = swarm.now;
    return 0;
}

void deploy_seen_free(struct deploy_seen *seen)
{
    json_free(&seen->services);
    json_free(&seen->tasks);
}

int swarm_check_key(const struct deploy_seen *seen, const char *key, struct error *err)
{
    char own[17] = "";
    if (key && *key)
        swarm_key_id(key, own);

    const cJSON *service;
    cJSON_ArrayForEach(service, seen->services)
    {
        if (str_eq(swarm_label(service, SWARM_KEY), own))
            continue;
        error_set(err, ERROR_OWNER,
                  "%s was deployed from another machine, or by another manifest: its passwords are not known "
                  "here, and a swarm does not tell them",
                  swarm_resource(service));
        error_hint(err,
                   "deploy from there, or copy deployed.json of its state folder to this one's; --take-over "
                   "gives everything new passwords");
        return -1;
    }
    return 0;
}
