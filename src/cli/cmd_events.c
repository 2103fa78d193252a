/* apphost events: transitions as they happen, one JSON object a line, until interrupted or the project is
 * down. */
#include "cli/context.h"
#include "cli/view.h"

#include "base/mem.h"

struct events {
    struct context *context;
    bool is_broken; /* our reader is gone */
};

static void on_record(const cJSON *record, void *data)
{
    struct events *events = data;
    const struct strlist *names = &events->context->args.names;
    bool is_meant = !names->count;
    for (size_t i = 0; i < names->count; i++)
        is_meant = is_meant || view_is_named(record, names->items[i]);
    if (!is_meant)
        return;
    cleanup_json cJSON *copy = cJSON_Duplicate(record, 1);
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "id");
    output_json(copy);
    events->is_broken = !output_flush();
}

static int run(struct context *context, struct error *err)
{
    struct events events = {.context = context};
    struct client *client = &context->client;
    struct client_call call = {.on_record = on_record, .data = &events};
    (void)err;
    client_begin(client, &call, "watch", NULL);
    while (!call.done && !events.is_broken && client_turn(client))
        continue;
    client_end(client, &call);
    return events.is_broken ? EXIT_BROKEN_PIPE : 0;
}

const struct command cmd_events = {
    .name = "events",
    .summary = "stream changes of state as JSON lines",
    .usage = "[RES…]",
    .description =
        "Prints every change of state as one JSON object a line, until interrupted or until the project is "
        "down. timeMs is milliseconds since 1970, elapsedMs since the resource was asked for.",
    .examples = "apphost events\n"
                "apphost events cache | jq --unbuffered -r .state\n",
    .group = GROUP_LOOK,
    .needs = NEEDS_RUNNING,
    .arguments = ARGUMENT_RESOURCE,
    .most = -1,
    .run = run,
};
