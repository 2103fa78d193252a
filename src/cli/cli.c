/* Entry of the command line: parse, provide what the command needs, run it, turn its failure into words and a
 * code.
 *
 * Nothing is done before the verb is known: `apphost version` touches no library. */
#include "cli/cli.h"
#include "cli/exit.h"
#include "session/heal.h"
#include "session/session.h"
#include "cli/commands.h"
#include "cli/look_swarm.h"

#include "base/coredump.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/signals.h"
#include "base/stall.h"
#include "session/context.h"
#include "args/help.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* A program that was started with one of 0–2 closed would otherwise use its sockets as standard output. */
static void hold_standard_descriptors(void)
{
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

static int usage_error(struct context *context, const struct error *error)
{
    struct result result = {.outcome = OUTCOME_FAILED, .error = error};
    output_error(&context->output, error);
    return exit_code(context, &result);
}

static int show_help(const struct context *context)
{
    cleanup_strbuf struct strbuf text = {0};
    help_text(&cli_commands, context->args.command, output_width(STDOUT_FILENO), &text);
    if (!context->output.unicode)
        help_plain(&text);
    fputs(strbuf_text(&text), stdout);
    return 0;
}

static int no_verb(struct context *context)
{
    if (args_flag(&context->args, "help"))
        return show_help(context);
    if (args_flag(&context->args, "version")) {
        context->args.command = command_find(&cli_commands, "version");
        return context->args.command->run(context, NULL);
    }
    cleanup_strbuf struct strbuf text = {0};
    help_text(&cli_commands, NULL, output_width(STDERR_FILENO), &text);
    if (!context->output.unicode)
        help_plain(&text);
    fputs(strbuf_text(&text), stderr);
    return exit_misused();
}

static int enter_folder(const struct context *context, struct error *err)
{
    const char *folder = args_value(&context->args, "project-directory");
    if (!folder || !chdir(folder))
        return 0;
    cleanup_free char *shown = str_printable(folder);
    return error_set(err, ERROR_MANIFEST, "cannot work in %s: %s", shown, strerror(errno));
}

static int connect_running(struct context *context, struct error *err)
{
    if (!session_connect(context, err))
        return 0;
    if (err->code == ERROR_NOT_RUNNING)
        error_hint(err, "apphost up -d starts it");
    return -1;
}

/* In a swarm, not here. */
static bool is_elsewhere(const struct context *context)
{
    static const struct command *const looking[] = {&cmd_ps, &cmd_logs, &cmd_events};
    for (size_t i = 0; i < sizeof looking / sizeof *looking; i++)
        if (context->args.command == looking[i])
            return looks_at_swarm(context);
    return false;
}

static int provide_project(struct context *context, unsigned needs, struct error *err)
{
    struct project_options options = context_project_options(context);
    options.is_elsewhere = is_elsewhere(context);
    options.is_model_only = needs & NEEDS_MODEL;
    if (context->args.command == &cmd_up)
        options.adopt = args_value(&context->args, "adopt");
    if (!(needs & (NEEDS_MANIFEST | NEEDS_MODEL)))
        return project_identify(&context->project, &options, err);

    int failed = project_load(&context->project, &options, err);
    if (failed || !context->output.quiet)
        output_problems(&context->output, &context->project.problems);
    return failed;
}

static int provide(struct context *context, struct error *err)
{
    unsigned needs = context->args.command->needs;
    if (enter_folder(context, err))
        return -1;
    if (!(needs & (NEEDS_PROJECT | NEEDS_RUNNING | NEEDS_MANIFEST | NEEDS_MODEL)))
        return 0;
    if (provide_project(context, needs, err))
        return -1;
    if (!(needs & TAKES_OVER))
        heal_project(context);
    if ((needs & NEEDS_RUNNING) && !is_elsewhere(context))
        return connect_running(context, err);
    return 0;
}

/* With -o json the problems of a manifest go into the error's document. */
static void report(struct context *context, const struct error *error)
{
    if (!context->output.json || !context->project.problems.count) {
        output_error(&context->output, error);
        return;
    }
    cleanup_json cJSON *document = cJSON_CreateObject();
    cJSON *object = control_error_to_json(error);
    cJSON_AddItemToObject(object, "problems", manifest_problems_to_json(&context->project.problems));
    cJSON_AddItemToObject(document, "error", object);
    output_json(document);
}

static int run_command(struct context *context)
{
    const struct command *command = context->args.command;
    cleanup_error struct error error = {0};
    int code = provide(context, &error);
    if (!code)
        code = command->run(context, &error);
    if (code < 0 && !error_is_set(&error))
        error_set(&error, ERROR_FAILED, "%s failed", command->name);
    struct result result = exit_result(context, code, &error);
    if (result.outcome == OUTCOME_FAILED && !context->is_told)
        report(context, &error);
    return exit_code(context, &result);
}

/* A reader that went away, or stalled when a signal came, is no failure worth words; a full disk is. */
static int finish_output(int code)
{
    if (!fflush(stdout) && !ferror(stdout))
        return code;
    int reason = errno;
    struct pollfd fd = {.fd = STDOUT_FILENO};
    int signum = stall_gave_up();
    if (signum && (!code || code == EXIT_BROKEN_PIPE))
        return signals_exit_code(signum);
    if (signum)
        return code;
    if (reason == EPIPE || (poll(&fd, 1, 0) > 0 && fd.revents & POLLERR))
        return code ? code : EXIT_BROKEN_PIPE;
    fprintf(stderr, "apphost: error: cannot write to standard output: %s\n", strerror(reason ? reason : EIO));
    return code ? code : 1;
}

static int dispatch(struct context *context)
{
    if (!context->args.command)
        return no_verb(context);
    if (args_flag(&context->args, "help"))
        return show_help(context);
    context->dry_run = args_flag(&context->args, "dry-run");
    context->yes = args_flag(&context->args, "yes");
    context->wait_timeout_ms = args_duration_ms(&context->args, "wait-timeout", 0);
    enum log_level level = LOG_WARN;
    if (context->output.verbose)
        level = LOG_INFO;
    if (context->output.debug)
        level = LOG_DEBUG;
    log_setup(level, NULL, NULL);
    return run_command(context);
}

int cli_main(int argc, char **argv)
{
    cleanup_error struct error error = {0};
    struct context *context = xcalloc(1, sizeof *context);
    coredump_forbid();
    signals_remember();
    hold_standard_descriptors();
    context->environment = environ;
    context->client.lease_fd = -1;

    int failed = args_parse(&context->args, &cli_commands, argc, argv, environ, &error);
    output_init(&context->output, &context->args, environ);
    int code = failed ? usage_error(context, &error) : dispatch(context);
    code = finish_output(code);

    client_close(&context->client);
    project_free(&context->project);
    args_free(&context->args);
    free(context);
    return code;
}
