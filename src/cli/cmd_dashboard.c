/* apphost dashboard: starts the page's process where none runs, and says where it is. __dashboard is that
 * process. */
#include "session/context.h"
#include "cli/dashboard_open.h"
#include "dashboard/dashboard.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { READY_FD = 3 };

static const struct option options[] = {
    {.name = "open", .type = OPTION_FLAG, .help = "open it in the browser, logged in"},
    {.name = "url", .type = OPTION_FLAG, .help = "print its address and start nothing"},
    {.name = "stop", .type = OPTION_FLAG, .help = "end it"},
    {.name = "port",
     .type = OPTION_COUNT,
     .value = "N",
     .help = "listen there (default: the port it had, else any that is free)"},
    {.name = "allow-host",
     .type = OPTION_TEXT,
     .repeat = true,
     .value = "NAME",
     .help = "it may be asked under this name too: a proxy's or a tunnel's"},
    {.name = NULL},
};

/* Of a project that never ran, only the manifest tells the name. */
static char *find_folder(struct context *context, struct error *err)
{
    const struct project_options how = context_project_options(context);
    if (!context->project.prefix && project_load(&context->project, &how, err))
        return NULL;
    return project_folder(&context->project);
}

static int print_url(const char *folder, struct error *err)
{
    char *url = dashboard_url(folder, false, err);
    if (!url)
        return -1;
    printf("%s\n", url);
    mem_wipe(url, strlen(url));
    free(url);
    return 0;
}

static int check_options(const struct args *args, struct error *err)
{
    static const char *const modes[] = {"url", "stop"};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (args_flag(args, modes[i]) && (args_flag(args, "open") || args_flag(args, "port") ||
                                          args_flag(args, "allow-host") || args_flag(args, modes[!i])))
            return error_set(err, ERROR_USAGE, "--%s goes with no other option", modes[i]);
    if (args_count(args, "port", 0) > 65535)
        return error_set(err, ERROR_USAGE, "--port wants a number up to 65535");
    return 0;
}

/* One that runs keeps the port and the names that it has. */
static int check_running(const struct context *context, const char *folder, struct error *err)
{
    struct dashboard_record record;
    int64_t port = args_count(&context->args, "port", 0);
    if (dashboard_find(folder, &record, err))
        return -1;
    if ((!port || port == record.port) && !args_flag(&context->args, "allow-host"))
        return 0;
    error_set(err, ERROR_USAGE, "the dashboard runs already, on port %d", record.port);
    error_hint(err, "apphost dashboard --stop, then start it with these options");
    return -1;
}

static int start(struct context *context, const char *folder, struct error *err)
{
    struct dashboard_options how = {
        .folder = folder,
        .port = (int)args_count(&context->args, "port", -1),
        .environment = context->environment,
    };
    args_values(&context->args, "allow-host", &how.guests);
    int answer = dashboard_start(&how, err);
    strlist_free(&how.guests);
    if (answer == 1)
        return check_running(context, folder, err);
    return answer;
}

static int run(struct context *context, struct error *err)
{
    const struct args *args = &context->args;
    cleanup_free char *folder = NULL;
    if (check_options(args, err) || !(folder = find_folder(context, err)))
        return -1;
    if (args_flag(args, "stop"))
        return dashboard_stop(folder, err);
    if (args_flag(args, "url"))
        return print_url(folder, err);
    if (start(context, folder, err))
        return -1;
    if (args_flag(args, "open"))
        return dashboard_open(context, folder, err);
    return print_url(folder, err);
}

const struct command cmd_dashboard = {
    .name = "dashboard",
    .summary = "the local web page: state, logs, actions",
    .usage = "",
    .description =
        "Starts the project's web page where none runs, as a process of its own that stays until --stop, and "
        "prints "
        "its address. The address holds a token: whoever has it can do what you can. The page is for "
        "this user of this machine only; it shows what runs, and says so when nothing does.",
    .examples = "apphost dashboard\n"
                "apphost dashboard --open\n"
                "apphost dashboard --stop\n",
    .options = options,
    .group = GROUP_LOOK,
    .needs = NEEDS_PROJECT,
    .run = run,
};

/* ---- the process itself ---- */

static const struct option serve_options[] = {
    {.name = "folder", .type = OPTION_TEXT, .value = "DIR", .help = ""},
    {.name = "port", .type = OPTION_COUNT, .value = "N", .help = ""},
    {.name = "allow-host", .type = OPTION_TEXT, .repeat = true, .value = "NAME", .help = ""},
    {.name = NULL},
};

static int run_serve(struct context *context, struct error *err)
{
    const struct args *args = &context->args;
    struct dashboard_options how = {
        .folder = args_value(args, "folder"),
        .port = (int)args_count(args, "port", -1),
        .environment = context->environment,
    };
    if (!how.folder)
        return error_set(err, ERROR_USAGE, "__dashboard wants --folder");
    args_values(args, "allow-host", &how.guests);
    int failed = dashboard_serve(&how, READY_FD, err);
    strlist_free(&how.guests);
    return failed;
}

const struct command cmd_dashboard_serve = {
    .name = "__dashboard",
    .summary = "the page's process",
    .usage = "",
    .description = "",
    .options = serve_options,
    .hidden = true,
    .run = run_serve,
};
