/* apphost wait [RES…]: until they are ready. */
#include "session/await.h"
#include "session/context.h"
#include "ui/render.h"
#include "ui/view.h"

#include "base/mem.h"
#include "base/pick.h"

static const struct option options[] = {
    {.name = "for",
     .type = OPTION_CHOICE,
     .value = "STATE",
     .choices = "healthy|started|completed",
     .help = "what to wait for (default healthy)"},
    {.name = NULL},
};

static void on_record(const struct transition *transition, void *data)
{
    render_record(data, transition);
}

static int wait_for(struct context *context, const struct ask_resources *request, struct error *err)
{
    struct client *client = &context->client;
    struct render *render = render_new(&context->output, &client->loop, stderr);
    struct client_call call = {.on_record = on_record, .data = render};
    struct wait wait = {
        .fact = &call.done,
        .what = "the answer to wait",
        .limit = FOREVER, /* the supervisor has the deadline: --wait-timeout */
    };

    client_begin(client, &call, ASK_WAIT, record_to_json(&ask_resources_record, request));
    int failed = await_supervisor(client, &wait, err);
    render_free(render);
    if (error_is_set(&call.error))
        failed = -1;
    error_copy(err, &call.error);
    client_end(client, &call);
    return failed;
}

static int run(struct context *context, struct error *err)
{
    cleanup_view struct view *view = NULL;
    if (client_view(&context->client, ANSWER_LIMIT, &view, err) ||
        view_check_names(view, &context->args.names, err))
        return -1;
    struct ask_resources request = client_names(&context->args.names);
    request.until = text_or(args_value(&context->args, "for"), "healthy");
    request.timeout_ms = context->wait_timeout_ms;
    if (wait_for(context, &request, err))
        return -1;

    if (context->output.json) {
        cleanup_view struct view *after = NULL;
        if (client_view(&context->client, ANSWER_LIMIT, &after, err))
            return -1;
        output_json(after->json);
    }

    return 0;
}

const struct command cmd_wait = {
    .name = "wait",
    .summary = "wait until resources are ready",
    .usage = "[RES…]",
    .description =
        "Waits until the resources (all, without names) are healthy, started or completed. Fails with code 6 "
        "as soon as one of them failed, with 7 when --wait-timeout is over, with 10 at once for a resource "
        "that "
        "nobody will start: one that is manual or was stopped.",
    .examples = "apphost up -d --no-wait && apphost wait cache api\n"
                "apphost wait migrate --for completed --wait-timeout 60s\n",
    .options = options,
    .group = GROUP_LOOK,
    .needs = NEEDS_RUNNING,
    .arguments = NAMES_RESOURCES,
    .most = -1,
    .run = run,
};
