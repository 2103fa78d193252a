/* `up` once: converging, and what is printed when it is ready. See up.h. */
#include "cli/up.h"
#include "ui/view.h"

int up_converge(struct up *up, struct view **view, struct error *err)
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

static bool prints_json(const struct up *up, const struct view *view)
{
    if (!up->context->output.json)
        return false;
    output_json(view->json);
    output_flush();
    return true;
}

void up_print_decisions(struct up *up, const struct view *view)
{
    const struct view_report *report = &view->report;
    if (!prints_json(up, view))
        view_print_explain(&up->context->output, report->resources, report->resource_count, stderr);
}

void up_print_ready(struct up *up, const struct view *view)
{
    const struct context *context = up->context;
    const struct output *output = &context->output;
    if (prints_json(up, view))
        return;
    if (args_flag(&context->args, "explain")) {
        view_print_explain(output, view->resources, view->resource_count, stderr);
        view_print_published(view, stderr);
    }
    if (args_flag(&context->args, "timings"))
        up_print_timings(up, view);
    if (output->progress != PROGRESS_QUIET && output->progress != PROGRESS_JSON)
        view_print_short(output, view, stderr);
}
