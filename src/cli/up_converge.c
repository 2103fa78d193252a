/* `up` once: converging, and what is printed when it is ready. See up.h. */
#include "cli/up.h"
#include "ui/view.h"

int up_converge(struct up *up, cJSON **view, struct error *err)
{
    struct context *context = up->context;
    const struct args *args = &context->args;
    struct session_up request = {
        .resources = &args->names,
        .replace = !args->names.count,
        .force_recreate = args_flag(args, "force-recreate"),
        .started_only = args_flag(args, "no-wait"),
        .dry_run = context->dry_run,
        .lease = context->client.is_fresh,
    };
    int answer = session_up(context, &request, up->render, view, err);
    render_finish(up->render, false);
    return answer;
}

void up_print_ready(struct up *up, const cJSON *view)
{
    const struct context *context = up->context;
    const struct output *output = &context->output;
    if (output->json) {
        output_json(view);
        output_flush();
        return;
    }
    if (args_flag(&context->args, "explain") || context->dry_run) {
        view_print_explain(output, view, stderr);
        view_print_published(view, stderr);
    }
    if (args_flag(&context->args, "timings"))
        view_print_timings(output, view, stderr);
    if (!context->dry_run && output->progress != PROGRESS_QUIET && output->progress != PROGRESS_JSON)
        view_print_short(output, view, stderr);
}
