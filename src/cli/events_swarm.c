/* `events --target swarm`: changes of a deployment's services as JSON lines. See look_swarm.h.
 *
 * A swarm has no events of tasks, and those of containers are each node's own: the manager's lists are looked
 * at twice a second, and what differs from the last look is a line; the first tells how it is. The end is
 * that of our reader, of the deployment, or an interruption. */
#include "cli/look_swarm.h"
#include "deploy/deploy.h"
#include "session/audience.h"

#include "base/mem.h"

#include <stdlib.h>
#include <unistd.h>

enum { LOOK_MS = 500, LATE_MS = 60000 };

struct swarm_watch {
    const struct context *context;
    struct engine_once once;
    struct audience audience;
    struct deploy_services before; /* what was there at the last look */
    struct timer timer;
    bool is_due;
};

static void print(struct swarm_watch *watch, const struct deploy_service *service, const char *state)
{
    if (!look_swarm_is_meant(watch->context, service->name))
        return;
    cleanup_json cJSON *line = cJSON_CreateObject();
    json_add_int(line, "timeMs", loop_wall_ns(&watch->once.loop) / 1000000);
    json_add_string(line, "resource", service->name);
    json_add_string(line, "kind", service->kind);
    json_add_string(line, "state", state);
    json_add_int(line, "running", service->running);
    json_add_int(line, "wanted", service->wanted);
    json_add_string(line, "image", service->image);
    json_add_string(line, "detail", service->problem);
    output_json(line);
}

static void compare(struct swarm_watch *watch, const struct deploy_services *now)
{
    const struct deploy_services *before = &watch->before;
    for (size_t i = 0; i < now->count; i++) {
        const struct deploy_service *service = &now->items[i];
        const struct deploy_service *old = deploy_service_find(before, service->name);
        if (!old || !deploy_service_is_same(old, service))
            print(watch, service, service->state);
    }
    for (size_t i = 0; i < before->count; i++)
        if (!deploy_service_find(now, before->items[i].name))
            print(watch, &before->items[i], "removed");
}

/* 1: there is nothing more to come. */
static int look(struct swarm_watch *watch, struct error *err)
{
    struct deploy_seen seen;
    if (deploy_look(&watch->once, watch->context->project.name, &seen, err))
        return -1;
    struct deploy_services now;
    deploy_status(&seen, &now);
    deploy_seen_free(&seen);
    bool is_gone = watch->before.count && !now.count;
    compare(watch, &now);
    deploy_services_free(&watch->before);
    watch->before = now;
    if (is_gone)
        return 1;
    return 0;
}

static void on_due(void *data)
{
    struct swarm_watch *watch = data;
    watch->is_due = true;
}

static void judge(void *data)
{
    struct swarm_watch *watch = data;
    watch->is_due = watch->is_due || watch->audience.is_gone;
}

static int pause_watch(struct swarm_watch *watch, struct error *err)
{
    struct wait wait = {.fact = &watch->is_due,
                        .what = "the next look",
                        .limit = LIMIT_MS(LATE_MS),
                        .judge = judge,
                        .data = watch};
    watch->is_due = false;
    timer_start(&watch->timer, LOOK_MS);
    return engine_once_await(&watch->once, &wait, err);
}

static int follow(struct swarm_watch *watch, struct error *err)
{
    int over;
    timer_init(&watch->once.loop, &watch->timer, on_due, watch);
    audience_watch(&watch->audience, &watch->once.loop, STDOUT_FILENO);
    while (!(over = look(watch, err))) {
        if (!output_flush() || watch->audience.is_gone)
            over = EXIT_BROKEN_PIPE;
        else if (pause_watch(watch, err))
            over = -1;
        if (over)
            break;
    }
    timer_stop(&watch->timer);
    audience_end(&watch->audience);
    return over;
}

int events_swarm(struct context *context, struct error *err)
{
    struct swarm_watch watch = {.context = context};
    int code = look_swarm_open(context, &watch.once, err);
    if (!code)
        code = follow(&watch, err);
    engine_once_close(&watch.once);
    deploy_services_free(&watch.before);
    if (code == 1)
        return 0;
    return code;
}
