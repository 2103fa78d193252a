/* `logs --target swarm`: what the tasks of a deployment print, on whichever nodes they run: the manager asks
 * those. See look_swarm.h.
 *
 * What is there already comes service by service: it is kept until all of it is here, and printed in the
 * order of its times. Followed, it is printed as it comes. The end is that of all streams, or of our reader;
 * a service that is removed meanwhile ends its own. */
#include "cli/look_swarm.h"
#include "deploy/deploy.h"
#include "engine/swarm.h"
#include "session/audience.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct swarm_output {
    struct swarm_logs *logs;
    char *name;
};

struct swarm_logs {
    const struct log_reader_options *options;
    struct log_view *view;
    struct audience audience;
    struct arena arena;
    struct swarm_output *outputs;
    size_t output_count;
    struct log_line *lines; /* not followed: all of them */
    size_t line_count, line_room;
    size_t open; /* streams */
    struct error trouble;
    bool is_broken, is_over;
};

/* ---- lines ---- */

static bool is_wanted(const struct swarm_logs *logs, const char *line, size_t length)
{
    regmatch_t range = {.rm_so = 0, .rm_eo = (regoff_t)length};
    return !logs->options->grep || !regexec(logs->options->grep, line, 1, &range, REG_STARTEND);
}

static void keep(struct swarm_logs *logs, const struct log_line *line)
{
    if (logs->line_count == logs->line_room) {
        logs->line_room = logs->line_room * 2 + 64;
        logs->lines = xreallocarray(logs->lines, logs->line_room, sizeof *logs->lines);
    }
    struct log_line *kept = &logs->lines[logs->line_count++];
    char *text = arena_alloc(&logs->arena, line->length + 1);
    *kept = *line;
    kept->text = memcpy(text, line->text, line->length);
}

static void on_line(int stream, const char *text, size_t length, int64_t time_ns, void *data)
{
    const struct swarm_output *output = data;
    struct swarm_logs *logs = output->logs;
    const struct log_line line = {
        .resource = output->name, .stream = stream, .time_ns = time_ns, .text = text, .length = length};
    if (!is_wanted(logs, text, length))
        return;
    if (logs->options->follow)
        log_view_print(logs->view, &line);
    else
        keep(logs, &line);
}

static int by_time(const void *a, const void *b)
{
    const struct log_line *left = a, *right = b;
    if (left->time_ns != right->time_ns)
        return left->time_ns < right->time_ns ? -1 : 1;
    return left->text < right->text ? -1 : 1; /* one arena: as they came */
}

static void print_kept(struct swarm_logs *logs)
{
    size_t first = 0, most = (size_t)logs->options->tail;
    if (logs->line_count)
        qsort(logs->lines, logs->line_count, sizeof *logs->lines, by_time);
    if (logs->options->tail >= 0 && most < logs->line_count)
        first = logs->line_count - most;
    for (size_t i = first; i < logs->line_count; i++)
        log_view_print(logs->view, &logs->lines[i]);
    log_view_end(logs->view);
}

/* ---- streams ---- */

static void on_done(const struct engine_result *result, const struct error *err, void *data)
{
    const struct swarm_output *output = data;
    struct swarm_logs *logs = output->logs;
    (void)result;
    logs->open--;
    bool is_gone = err && err->code == ERROR_GONE;
    if (err && error_is_set(err) && !is_gone && !error_is_set(&logs->trouble))
        error_copy(&logs->trouble, err);
}

static void start(struct swarm_logs *logs, struct engine *engine, const char *project)
{
    const struct log_reader_options *options = logs->options;
    for (size_t i = 0; i < logs->output_count; i++) {
        cleanup_free char *service = xasprintf("%s_%s", project, logs->outputs[i].name);
        struct engine_service_output output = {
            .id = service,
            .name = service,
            .tail = options->grep ? -1 : (int)int64_min(options->tail, INT32_MAX),
            .since_ns = options->since_ns,
            .is_followed = options->follow,
            .on_line = on_line,
        };
        logs->open++;
        engine_service_logs(engine, &output, on_done, &logs->outputs[i]);
    }
}

static int find(struct swarm_logs *logs, const struct context *context, struct engine_once *once,
                struct error *err)
{
    struct deploy_seen seen;
    if (deploy_look(once, context->project.name, &seen, err))
        return -1;
    cleanup_services struct deploy_services services = {0};
    deploy_status(&seen, &services);
    deploy_seen_free(&seen);
    if (look_swarm_check_names(context, &services, err))
        return -1;

    logs->outputs = arena_alloc(&logs->arena, (services.count + 1) * sizeof *logs->outputs);
    for (size_t i = 0; i < services.count; i++) {
        const char *name = services.items[i].name;
        if (!look_swarm_is_meant(context, name))
            continue;
        logs->outputs[logs->output_count++] = (struct swarm_output){logs, arena_strdup(&logs->arena, name)};
        log_view_add_name(logs->view, name);
    }
    if (logs->output_count)
        return 0;
    return error_set(err, ERROR_NOT_RUNNING, "%s has nothing in this swarm", context->project.name);
}

static void judge(void *data)
{
    struct swarm_logs *logs = data;
    logs->is_broken = !log_view_write(logs->view, STDOUT_FILENO) || logs->audience.is_gone;
    logs->is_over = !logs->open || logs->is_broken;
}

static int read_all(struct swarm_logs *logs, struct engine_once *once, struct error *err)
{
    struct wait wait = {
        .fact = &logs->is_over,
        .what = "the end of the logs",
        .limit = FOREVER, /* with -f until interrupted; else as long as the logs are */
        .judge = judge,
        .data = logs,
    };

    audience_watch(&logs->audience, &once->loop, STDOUT_FILENO);
    int failed = engine_once_await(once, &wait, err);
    print_kept(logs);
    judge(logs);
    audience_end(&logs->audience);
    if (!failed && !logs->is_broken && error_is_set(&logs->trouble)) {
        error_move(err, &logs->trouble);
        return -1;
    }
    return failed;
}

int logs_swarm(struct context *context, struct log_view *view, const struct log_reader_options *options,
               struct error *err)
{
    struct swarm_logs logs = {.options = options, .view = view};
    struct engine_once once = {0};
    int failed = look_swarm_open(context, &once, err) || find(&logs, context, &once, err);
    if (!failed) {
        start(&logs, once.engine, context->project.name);
        failed = read_all(&logs, &once, err);
    }

    engine_once_close(&once);
    error_clear(&logs.trouble);
    free(logs.lines);
    arena_free(&logs.arena);
    if (failed)
        return -1;
    if (logs.is_broken)
        return EXIT_BROKEN_PIPE;
    return 0;
}
