/* Going back: every service that the last deploy changed becomes again what it was before that. The swarm
 * keeps one specification of before for each; which deploy it was stands on a label. A way back that needs a
 * secret which is gone (a password that was replaced) is none, and is refused before anything is changed. */
#include "deploy/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

enum { BACK_MS = 120000, STEP_MS = 300 };

static int64_t turn_of(const cJSON *service)
{
    int64_t turn = 0;
    str_to_int64(text_or_empty(swarm_label(service, SWARM_TURN)), 0, INT64_MAX, &turn);
    return turn;
}

static int64_t last_turn(const cJSON *services)
{
    int64_t last = 0;
    const cJSON *service;
    cJSON_ArrayForEach(service, services)
    {
        last = int64_max(last, turn_of(service));
    }
    return last;
}

/* A task that ran cannot be taken back. */
static bool goes_back(const cJSON *service, int64_t turn)
{
    return turn_of(service) == turn && json_get(service, "PreviousSpec") &&
           !json_path(service, "Spec.Mode.ReplicatedJob");
}

static int check_secrets(struct swarm *swarm, const cJSON *service, struct error *err)
{
    const cJSON *secret;
    cJSON_ArrayForEach(secret, json_path(service, "PreviousSpec.TaskTemplate.ContainerSpec.Secrets"))
    {
        if (swarm_find(swarm->secrets, "ID", json_string(secret, "SecretID", "")))
            continue;
        error_set(err, ERROR_FAILED,
                  "%s cannot go back: what it was before had the secret %s, which was replaced",
                  swarm_resource(service), json_string(secret, "SecretName", ""));
        error_hint(err, "deploy the manifest as it was; nothing was changed");
        return -1;
    }
    return 0;
}

static int check(struct swarm *swarm, int64_t turn, int *count, struct error *err)
{
    const cJSON *service;
    if (swarm_read(swarm, ENGINE_SECRETS, false, &swarm->secrets, err))
        return -1;
    cJSON_ArrayForEach(service, swarm->seen.services)
    {
        if (!goes_back(service, turn))
            continue;
        if (check_secrets(swarm, service, err))
            return -1;
        ++*count;
    }

    if (*count)
        return 0;
    error_set(err, ERROR_NOT_RUNNING, "there is nothing before the last deploy of %s to go back to",
              swarm->project);
    error_hint(err, "deploy the manifest as it was");
    return -1;
}

static int send_back(struct swarm *swarm, const cJSON *service, struct error *err)
{
    struct engine_update update = {
        .id = json_string(service, "ID", ""),
        .name = swarm_resource(service),
        .version = swarm_version(service),
        .body = json_get(service, "Spec"),
        .to_previous = true,
    };
    swarm_tell(swarm, &(struct deploy_news){
                          .verb = DEPLOY_ROLL_BACK, .kind = "service", .name = swarm_resource(service)});
    engine_service_update(swarm->once->engine, &update, engine_once_done, swarm->once);
    return engine_once_wait(swarm->once, err);
}

static int send_all(struct swarm *swarm, int64_t turn, struct error *err)
{
    const cJSON *service;
    cJSON_ArrayForEach(service, swarm->seen.services)
    {
        if (goes_back(service, turn) && send_back(swarm, service, err))
            return -1;
        if (turn_of(service) == turn && !json_get(service, "PreviousSpec"))
            swarm_say(swarm, swarm_resource(service), "is new in that deploy, and stays");
    }
    return 0;
}

/* The first that does not run as it should; NULL: all do. */
static const char *unsettled(const struct swarm *swarm)
{
    const cJSON *service;
    cJSON_ArrayForEach(service, swarm->now.services)
    {
        bool is_job = json_path(service, "Spec.Mode.ReplicatedJob") != NULL;
        if (!is_job && !swarm_is_settled(service, swarm->now.tasks))
            return swarm_resource(service);
    }
    return NULL;
}

static int wait_back(struct swarm *swarm, struct error *err)
{
    int64_t limit_ms = BACK_MS, begun_ms = loop_now_ms(&swarm->once->loop);
    if (swarm->wish->wait_ms)
        limit_ms = swarm->wish->wait_ms;
    for (;;) {
        if (swarm_read_again(swarm, err))
            return -1;
        const char *name = unsettled(swarm);
        if (!name)
            return 0;
        if (loop_now_ms(&swarm->once->loop) - begun_ms >= limit_ms)
            return error_set(err, ERROR_TIMEOUT, "%s went back and is not ready yet", name);
        if (swarm_pause(swarm, STEP_MS, err))
            return -1;
    }
}

int deploy_swarm_roll_back(struct engine_once *once, const char *project, const struct deploy_wish *wish,
                           struct error *err)
{
    struct swarm swarm = {.once = once, .project = project, .wish = wish};
    int count = 0, failed = deploy_look(once, project, &swarm.seen, err);
    int64_t turn = last_turn(swarm.seen.services);
    if (!failed)
        failed = check(&swarm, turn, &count, err) || swarm_ask(&swarm, count, err) ||
                 send_all(&swarm, turn, err) || wait_back(&swarm, err);
    swarm_fini(&swarm);
    return -(failed != 0);
}
