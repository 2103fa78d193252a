/* apphost logs [RES…]: from the files that the supervisor writes, while it runs and after it is gone. */
#include "cli/look_swarm.h"
#include "session/await.h"
#include "session/context.h"
#include "ui/log_view.h"
#include "ui/view.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ASK_TIMEOUT_MS = 1000, MUCH = 256 << 10 };

static const struct option options[] = {
    {.name = "follow",
     .letter = 'f',
     .type = OPTION_FLAG,
     .help = "go on with what comes, until the project is down"},
    {.name = "tail",
     .letter = 'n',
     .type = OPTION_TEXT,
     .value = "LINES",
     .help = "only the last LINES (all: everything)"},
    {.name = "since",
     .type = OPTION_TEXT,
     .value = "TIME",
     .help = "only what came since: 10m, or 2026-11-23T00:11:38Z"},
    {.name = "timestamps", .letter = 't', .type = OPTION_FLAG, .help = "put the time before each line"},
    {.name = "grep", .type = OPTION_TEXT, .value = "ERE", .help = "only lines that match"},
    {.name = "raw", .type = OPTION_FLAG, .help = "on a terminal too: every byte as the program wrote it"},
    {.name = "no-prefix", .type = OPTION_FLAG, .help = "lines alone, without names"},
    TARGET_OPTION,
    {.name = "no-log-prefix", .type = OPTION_FLAG, .hidden = true, .alias = "no-prefix", .help = ""},
    {.name = NULL},
};

struct logs {
    struct context *context;
    struct client client; /* of its own: a loop */
    struct log_view view;
    struct strbuf out;
    struct log_reader *reader;
    struct control_connection *connection; /* while following a running project */
    bool has_ended, is_broken, is_cut;     /* the reader, our reader, the project */
    bool is_over;
    struct strlist names; /* of log files: those asked for, replicas one by one */
    struct view *now;     /* the view of a running project, or NULL */
};

static void on_line(const struct log_line *line, void *data)
{
    struct logs *logs = data;
    log_view_print(&logs->view, line);
    if (logs->out.length >= MUCH && !log_view_write(&logs->view, STDOUT_FILENO))
        logs->is_broken = true;
}

static void on_end(void *data)
{
    struct logs *logs = data;
    logs->has_ended = true;
}

static void on_gone(const struct error *error, const cJSON *result, void *data)
{
    (void)error, (void)result;
    struct logs *logs = data;
    logs->is_cut = true;
}

static int parse_since(const char *text, int64_t *since_ns, struct error *err)
{
    struct tm parts = {0};
    int64_t ms;
    if (str_to_duration_ms(text, &ms)) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        *since_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec - ms * 1000000;
        return 0;
    }

    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (end && (!*end || !strcmp(end, "Z"))) {
        *since_ns = (int64_t)(*end ? timegm(&parts) : mktime(&parts)) * 1000000000;
        return 0;
    }
    cleanup_free char *shown = str_printable(text);
    return error_set(err, ERROR_USAGE, "--since wants a time like 10m or 2026-11-23T00:11:38Z, not \"%s\"",
                     shown);
}

static int parse_options(const struct args *args, struct log_reader_options *reader, regex_t *grep,
                         struct error *err)
{
    const char *tail = args_value(args, "tail");
    const char *since = args_value(args, "since");
    const char *pattern = args_value(args, "grep");
    reader->tail = -1;
    reader->follow = args_flag(args, "follow");
    if (tail && strcmp(tail, "all") && !str_to_int64(tail, 0, INT64_MAX, &reader->tail)) {
        cleanup_free char *shown = str_printable(tail);
        return error_set(err, ERROR_USAGE, "--tail wants a number or \"all\", not \"%s\"", shown);
    }
    if (since && parse_since(since, &reader->since_ns, err))
        return -1;

    int wrong = 0;
    if (pattern)
        wrong = regcomp(grep, pattern, REG_EXTENDED | REG_NOSUB);
    if (wrong) {
        char why[128];
        cleanup_free char *shown = str_printable(pattern);
        regerror(wrong, grep, why, sizeof why);
        return error_set(err, ERROR_USAGE, "--grep \"%s\" is no extended regular expression: %s", shown, why);
    }
    if (pattern)
        reader->grep = grep;
    return 0;
}

/* "api-2" for "api" */
static bool is_replica_name(const char *name, const char *of)
{
    size_t length = strlen(of);
    int64_t number;
    return strncmp(name, of, length) == 0 && name[length] == '-' &&
           str_to_int64(name + length + 1, 1, INT32_MAX, &number);
}

/* A running project says which replicas a name has; of one that is down only the files are left: there they
 * are meant when nothing wrote under the name itself. False when no log is there for any. */
static bool expand_name(struct logs *logs, const struct strlist *known, const char *name)
{
    size_t before = logs->names.count;
    for (size_t i = 0; logs->now && i < logs->now->resource_count; i++)
        if (view_is_named(&logs->now->resources[i], name))
            strlist_add(&logs->names, text_or(logs->now->resources[i].name, name));
    bool is_listed = logs->names.count > before;
    for (size_t i = 0; i < known->count && !is_listed && !strlist_has(known, name); i++)
        if (is_replica_name(known->items[i], name))
            strlist_add(&logs->names, known->items[i]);
    if (logs->names.count == before)
        strlist_add(&logs->names, name);
    bool has_log = false;
    for (size_t i = before; i < logs->names.count; i++)
        has_log = has_log || strlist_has(known, logs->names.items[i]);
    return has_log;
}

static int no_such_log(const struct strlist *known, const char *name, struct error *err)
{
    cleanup_free char *shown = str_printable(name);
    error_set(err, ERROR_NOT_RUNNING, "there are no logs of \"%s\"", shown);
    const char *nearest = str_nearest(name, (const char *const *)known->items, known->count);
    if (nearest)
        error_hint(err, "did you mean %s?", nearest);
    return -1;
}

/* Names are those of log files; a resource that has not written a line yet is known to the supervisor only.
 */
static int check_names(struct logs *logs, const char *folder, const struct strlist *names, struct error *err)
{
    cleanup_strlist struct strlist known = {0};
    if (!file_is_dir(folder) || log_list(folder, &known, err) || !known.count) {
        if (!error_is_set(err))
            error_set(err, ERROR_NOT_RUNNING, "there are no logs: nothing has run yet");
        return -1;
    }
    for (size_t i = 0; i < names->count; i++)
        if (!expand_name(logs, &known, names->items[i]))
            return no_such_log(&known, names->items[i], err);
    for (size_t i = 0; i < known.count; i++)
        if (!names->count || strlist_has(&logs->names, known.items[i]))
            log_view_add_name(&logs->view, known.items[i]);
    return 0;
}

/* Following ends with the project: its connection tells. */
static void watch_supervisor(struct logs *logs)
{
    struct state_session session = {0};
    const struct project *project = &logs->context->project;
    if (!supervisor_find(project->root, project->prefix, &session, NULL))
        logs->connection = supervisor_connect(&logs->client.loop, &session, NULL);
    state_session_free(&session);
    if (!logs->connection) {
        logs->is_cut = true;
        return;
    }
    struct control_request_handlers handlers = {.on_done = on_gone, .data = logs};
    control_request(logs->connection, ask_name(ASK_WATCH), NULL, &handlers);
}

static void judge(void *data)
{
    struct logs *logs = data;
    if (!log_view_write(&logs->view, STDOUT_FILENO))
        logs->is_broken = true;
    logs->is_broken = logs->is_broken || logs->client.audience.is_gone;
    logs->is_over = logs->has_ended || logs->is_broken || logs->is_cut;
}

static int follow(struct logs *logs, const char *folder, const struct log_reader_options *reader,
                  struct error *err)
{
    struct wait wait = {
        .fact = &logs->is_over,
        .what = "the end of the logs",
        .limit = FOREVER, /* with -f until the project is down; else as long as the files are */
        .judge = judge,
        .data = logs,
    };
    if (reader->follow)
        watch_supervisor(logs);

    audience_watch(&logs->client.audience, &logs->client.loop, STDOUT_FILENO);
    logs->reader = log_reader_start(&logs->client.loop, folder, reader, on_line, on_end, logs);
    if (!logs->reader)
        return error_set(err, ERROR_FAILED, "cannot read the logs in %s", folder);
    int failed = await(&logs->client, &wait, err);
    if (!failed && logs->is_cut)
        log_reader_drain(logs->reader);
    log_view_end(&logs->view);
    if (!logs->is_broken && !log_view_write(&logs->view, STDOUT_FILENO))
        logs->is_broken = true;
    log_reader_free(logs->reader);
    if (logs->connection)
        control_close(logs->connection);
    return failed;
}

/* Where a running project writes (--log-dir may have moved it), else where its last run did. */
static char *logs_folder(struct logs *logs, struct error *err)
{
    struct context *context = logs->context;
    const struct project *project = &context->project;
    struct client_options running = {
        .state_root = project->root, .prefix = project->prefix, .timeout_ms = ASK_TIMEOUT_MS};
    cleanup_free char *folder = project_folder(project);
    struct state *state = NULL;
    char *found = NULL;
    if (folder)
        state = state_open(folder, false, NULL);

    if (state && state_is_locked(state) && !client_open(&context->client, &running, NULL))
        found = xstrdup_null(context->client.logs_folder);
    if (found && context->args.names.count)
        client_view(&context->client, LIMIT_MS(ASK_TIMEOUT_MS), &logs->now, NULL);
    client_close(&context->client);
    if (state && !found)
        found = state_logs_folder(state);
    if (state)
        state_close(state);
    if (!found)
        error_set(err, ERROR_NOT_RUNNING, "there are no logs: nothing has run yet");
    return found;
}

/* Of what runs here, or ran. */
static int read_files(struct logs *logs, struct log_reader_options *reader, struct error *err)
{
    cleanup_free char *folder = logs_folder(logs, err);
    if (!folder || check_names(logs, folder, &logs->context->args.names, err) ||
        client_open_alone(&logs->client, err))
        return -1;
    strlist_copy(&reader->resources, &logs->names);
    int failed = follow(logs, folder, reader, err);
    client_close(&logs->client);
    if (!failed && logs->is_broken)
        return EXIT_BROKEN_PIPE;
    return failed;
}

static int run(struct context *context, struct error *err)
{
    struct logs logs = {.context = context};
    struct log_reader_options reader = {0};
    regex_t grep;
    log_view_init(&logs.view, &context->output, &logs.out, STDOUT_FILENO);
    if (args_flag(&context->args, "raw"))
        logs.view.is_terminal = false;
    logs.view.timestamps = args_flag(&context->args, "timestamps");
    logs.view.prefix = !args_flag(&context->args, "no-prefix");
    if (parse_options(&context->args, &reader, &grep, err))
        return -1;

    int code;
    if (looks_at_swarm(context))
        code = logs_swarm(context, &logs.view, &reader, err);
    else
        code = read_files(&logs, &reader, err);

    log_view_fini(&logs.view);
    strbuf_free(&logs.out);
    strlist_free(&reader.resources);
    strlist_free(&logs.names);
    view_free(logs.now);
    if (reader.grep)
        regfree(&grep);
    return code;
}

const struct command cmd_logs = {
    .name = "logs",
    .summary = "show what resources print",
    .usage = "[RES…]",
    .description =
        "Shows the merged output of the resources (all, without names), of the running project or of its "
        "last run; with --target swarm of what was deployed there, from whichever nodes it runs on.",
    .examples = "apphost logs -f api\n"
                "apphost logs --tail 200 --timestamps\n"
                "apphost logs --since 5m --grep 'error|warn'\n"
                "apphost logs --target swarm cache\n",
    .options = options,
    .group = GROUP_LOOK,
    .needs = NEEDS_PROJECT,
    .arguments = NAMES_RESOURCES,
    .most = -1,
    .run = run,
};
