/* apphost ls: all projects of this machine that run, or whose owner died. */
#include "session/context.h"

#include "base/mem.h"
#include "base/pick.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct project_row {
    struct state_session session;
    bool is_running;
    bool is_over; /* only persistent servers of the native engine are there */
    struct strlist persistent;
};

static const char *state_of(const struct project_row *row)
{
    if (row->is_over)
        return "persistent";
    if (row->is_running)
        return "running";
    return "dead";
}

static void add_json(cJSON *list, const char *prefix, const struct project_row *row)
{
    cJSON *object = cJSON_CreateObject();
    json_add_string(object, "project", row->session.project);
    json_add_string(object, "prefix", prefix);
    json_add_string(object, "state", state_of(row));
    json_add_string(object, "manifest", row->session.manifest);
    json_add_int(object, "pid", row->session.supervisor);
    json_add_bool(object, "detached", row->session.detached);
    json_add_int(object, "startedAt", row->session.started_ns / 1000000);
    json_add_int(object, "startedNs", row->session.started_ns);
    json_add_strings(object, "persistent", &row->persistent);
    cJSON_AddItemToArray(list, object);
}

static const char *kind_of(const struct project_row *row)
{
    if (row->is_over)
        return "-";
    if (row->session.detached)
        return "detached";
    return "foreground";
}

static void add_row(struct text_table *table, const struct project_row *row)
{
    char pid[24], age[24];
    snprintf(pid, sizeof pid, "%ld", (long)row->session.supervisor);
    str_elapsed((int64_t)time(NULL) * 1000 - row->session.started_ns / 1000000, age);
    const char *const cells[] = {row->session.project, state_of(row), kind_of(row), pid, age,
                                 row->session.manifest};
    table_row(table, cells);
}

static char *name_of(const char *prefix)
{
    struct identity identity = {0};
    if (identity_parse(prefix, &identity))
        return identity.name;
    return xstrdup(prefix);
}

/* Where no session is, the first persistent server stands for its project. */
static void read_servers(struct project_row *row, struct state *state, const char *prefix)
{
    cleanup_servers struct state_servers servers = {0};
    state_servers(state, &servers);
    for (size_t i = 0; i < servers.count; i++) {
        const struct state_server *server = &servers.items[i];
        if (!server->is_persistent || !supervisor_server_runs(server))
            continue;
        strlist_add(&row->persistent, text_or(server->resource, server->node));
        if (row->session.id || row->is_over)
            continue;
        row->is_over = true;
        row->session.project = name_of(prefix);
        row->session.manifest = xstrdup(text_or_empty(server->manifest));
        row->session.supervisor = (pid_t)server->pid;
        row->session.started_ns = server->started_ms * 1000000;
    }
}

/* False when the folder holds neither a session nor what outlived one. */
static bool read_row(const char *root, const char *prefix, struct project_row *row)
{
    cleanup_free char *folder = state_folder(root, prefix);
    struct state *state = state_open(folder, false, NULL);
    if (!state)
        return false;
    bool found = !state_session_read(state, &row->session, NULL);
    row->is_running = found && state_is_locked(state);
    read_servers(row, state, prefix);
    state_close(state);
    return found || row->is_over;
}

static int run(struct context *context, struct error *err)
{
    cleanup_free char *root = state_root(context->environment, err);
    cleanup_strlist struct strlist prefixes = {0};
    if (!root || state_list(root, &prefixes, err))
        return -1;

    struct text_table table = {.columns = 6};
    const char *const head[] = {"PROJECT", "STATE", "SESSION", "PID", "AGE", "MANIFEST"};
    cleanup_json cJSON *document = cJSON_CreateObject();
    cJSON *list = json_add_array(document, "projects");
    bool any_dead = false;

    table_row(&table, head);
    for (size_t i = 0; i < prefixes.count; i++) {
        struct project_row row = {0};
        if (!read_row(root, prefixes.items[i], &row))
            continue;
        any_dead |= !row.is_running && !row.is_over;
        add_json(list, prefixes.items[i], &row);
        add_row(&table, &row);
        state_session_free(&row.session);
        strlist_free(&row.persistent);
    }

    if (context->output.json)
        output_json(document);
    else if (json_count(list))
        table_print(&table, stdout, context->output.colour_out);
    else
        output_note(&context->output, "no project is running");
    if (any_dead)
        output_note(&context->output, "apphost gc removes what the dead ones left");
    table_free(&table);
    return 0;
}

const struct command cmd_ls = {
    .name = "ls",
    .summary = "list all projects of this machine",
    .usage = "",
    .description =
        "Lists the projects of this user that are running, and those whose owner died before it could clean "
        "up.",
    .examples = "apphost ls\n"
                "apphost ls -o json | jq -r '.projects[].manifest'\n",
    .group = GROUP_LOOK,
    .run = run,
};
