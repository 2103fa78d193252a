/* apphost events: transitions as they happen, one JSON object a line, until interrupted or the project is
 * down. */
#include "cli/look_swarm.h"
#include "session/await.h"
#include "session/context.h"
#include "ui/view.h"

#include "base/mem.h"

#include <unistd.h>

struct events {
    struct context *context;
    struct client_call watch;
    bool is_broken; /* our reader is gone */
    bool is_over;
};

static bool is_meant(const struct strlist *names, const struct transition *transition)
{
    for (size_t i = 0; i < names->count; i++)
        if (transition_is_named(transition, names->items[i]))
            return true;
    return !names->count;
}

static void on_record(const struct transition *transition, void *data)
{
    struct events *events = data;
    if (!is_meant(&events->context->args.names, transition))
        return;
    cleanup_json cJSON *copy = cJSON_Duplicate(transition->json, 1);
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "id");
    output_json(copy);
    events->is_broken = !output_flush();
}

static void judge(void *data)
{
    struct events *events = data;
    events->is_broken = events->is_broken || events->context->client.audience.is_gone;
    events->is_over = events->watch.done || events->is_broken;
}

static int follow(struct events *events, struct error *err)
{
    struct client *client = &events->context->client;
    struct wait wait = {
        .fact = &events->is_over,
        .what = "the end of the project",
        .limit = FOREVER, /* until interrupted */
        .judge = judge,
        .data = events,
    };

    events->watch = (struct client_call){.on_record = on_record, .data = events};
    client_begin(client, &events->watch, ASK_WATCH, NULL);
    audience_watch(&client->audience, &client->loop, STDOUT_FILENO);
    int failed = await_supervisor(client, &wait, err);
    if (!failed && !events->is_broken && error_is_set(&events->watch.error)) {
        error_copy(err, &events->watch.error);
        failed = -1;
    }

    client_end(client, &events->watch);
    return failed;
}

static int run(struct context *context, struct error *err)
{
    struct events events = {.context = context};
    cleanup_view struct view *view = NULL;
    if (looks_at_swarm(context))
        return events_swarm(context, err);
    if (client_view(&context->client, ANSWER_LIMIT, &view, err) ||
        view_check_names(view, &context->args.names, err) || follow(&events, err))
        return -1;
    if (events.is_broken)
        return EXIT_BROKEN_PIPE;
    return 0;
}

static const struct option options[] = {
    TARGET_OPTION,
    {.name = NULL},
};

const struct command cmd_events = {
    .name = "events",
    .summary = "stream changes of state as JSON lines",
    .usage = "[RES…]",
    .description =
        "Prints every change of state as one JSON object a line, until interrupted or until the project is "
        "down. timeMs is milliseconds since 1970, elapsedMs since the resource was asked for. With --target "
        "swarm: how the services there are, and what changes, seen twice a second, until they are removed.",
    .examples = "apphost events\n"
                "apphost events cache | jq --unbuffered -r .state\n",
    .options = options,
    .group = GROUP_LOOK,
    .needs = NEEDS_RUNNING,
    .arguments = NAMES_RESOURCES,
    .most = -1,
    .run = run,
};
