/* apphost gc: remove what dead sessions left. With the hidden --session ID it is what a guard executes when
 * its supervisor died: that session only, by the record in its state folder. */
#include "session/cleaning.h"
#include "session/heal.h"
#include "cli/gc_volumes.h"
#include "project/drafts.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    {.name = "volumes", .type = OPTION_FLAG, .help = "remove volumes whose project's folder is gone as well"},
    {.name = "session", .type = OPTION_TEXT, .hidden = true, .value = "ID", .help = ""},
    {.name = NULL},
};

/* Something that went, of a project or (project "") of the user; texts in the sweep's arena. */
struct gc_removed {
    const char *project, *what;
};

struct sweep {
    struct context *context;
    const char *root;
    const char *only; /* --session, or NULL: every dead one */
    struct gc_removed *removed;
    size_t removed_count;
    struct arena arena;
    int found;
};

/* For a guard, whose lock we have: nobody else is asked. */
static int clean_after_guard(const struct context *context, const char *folder,
                             const struct state_session *session, struct strlist *removed, struct error *err)
{
    struct engine_address address = {0};
    int failed = heal_engine_of(context, session, &address, err);
    if (!failed)
        failed = supervisor_clean(folder, session->id, &address, context->environment, removed, err);
    engine_address_free(&address);
    return failed;
}

static void note_removed(struct sweep *sweep, const char *project, const char *what)
{
    struct arena *arena = &sweep->arena;
    size_t count = sweep->removed_count++;
    sweep->removed = arena_grow(arena, sweep->removed, count, count + 1, sizeof *sweep->removed);
    sweep->removed[count] =
        (struct gc_removed){arena_strdup(arena, text_or_empty(project)), arena_strdup(arena, what)};
}

static int clean(struct sweep *sweep, const char *folder, const struct state_session *session,
                 struct error *err)
{
    cleanup_strlist struct strlist removed = {0};
    const struct context *context = sweep->context;
    const struct heal_task task = {.folder = folder, .session = session, .is_asked = true};
    int failed = 0;
    sweep->found++;
    if (context->dry_run)
        printf("would clean up session %s of %s\n", session->id, session->project);
    else if (sweep->only)
        failed = clean_after_guard(context, folder, session, &removed, err);
    else
        failed = heal_session(context, &task, &removed, err);

    for (size_t i = 0; i < removed.count; i++)
        note_removed(sweep, session->project, removed.items[i]);
    return failed;
}

/* Persistent servers of the native engine stay; said, because somebody may look for what still runs. */
static void tell_kept(struct sweep *sweep, struct state *state, const char *prefix)
{
    cleanup_servers struct state_servers servers = {0};
    cleanup_identity struct identity identity = {0};
    if (sweep->only || !identity_parse(prefix, &identity))
        return;
    state_servers(state, &servers);
    for (size_t i = 0; i < servers.count; i++) {
        const struct state_server *server = &servers.items[i];
        if (server->is_persistent && supervisor_server_runs(server))
            output_note(&sweep->context->output,
                        "kept persistent server %s of %s: apphost down --all ends it",
                        text_or(server->resource, server->node), identity.name);
    }
}

/* Lives, and cannot be talked to: not ours to end, but not to be passed over in silence. */
static void tell_silent(struct sweep *sweep, struct state *state, const struct state_session *session)
{
    output_note(&sweep->context->output,
                "the supervisor of %s (pid %ld, state in %s) lives and does not answer: apphost down -p %s",
                session->project, (long)session->supervisor, state_path(state), session->project);
}

/* A guard that has not come to its end, for one: nothing that is left is ours to remove yet. */
static void tell_unseen(struct sweep *sweep, struct state *state, const struct state_session *session)
{
    const struct output *output = &sweep->context->output;
    long guard = (long)cleaning_guard(state_path(state));
    if (guard)
        output_note(output, "the guard of %s (pid %ld) still cleans up what its last session left",
                    session->project, guard);
    else
        output_note(output,
                    "the supervisor of %s is not to be seen, and its lock is held: see %s/supervisor.log",
                    session->project, state_path(state));
}

/* Of one that lives the record is the truth, or about to be; of a dead one whatever is left. */
static bool read_session(struct state *state, bool lives, struct state_session *session)
{
    if (lives)
        return !state_session_read(state, session, NULL);
    return !state_session_recall(state, session, NULL);
}

/* With --session the lock is our own. */
static enum supervisor_sign sign_of(const struct sweep *sweep, struct state *state)
{
    if (!state || sweep->only)
        return SUPERVISOR_GONE;
    return supervisor_await_sign(state, SUPERVISOR_SILENCE);
}

static int look_at(struct sweep *sweep, const char *prefix, struct error *err)
{
    cleanup_free char *folder = state_folder(sweep->root, prefix);
    struct state *state = state_open(folder, false, NULL);
    struct state_session session = {0};
    enum supervisor_sign sign = sign_of(sweep, state);
    bool lives = sign != SUPERVISOR_GONE;
    bool recorded = state && read_session(state, lives, &session);
    bool is_meant = !lives;
    if (sweep->only)
        is_meant = str_eq(session.id, sweep->only);
    bool is_dead = recorded && is_meant;

    if (state && !lives)
        tell_kept(sweep, state, prefix);
    if (recorded && sign == SUPERVISOR_SILENT)
        tell_silent(sweep, state, &session);
    if (recorded && sign == SUPERVISOR_UNSEEN)
        tell_unseen(sweep, state, &session);
    if (state)
        state_close(state);
    int failed = 0;
    if (is_dead)
        failed = clean(sweep, folder, &session, err);
    state_session_free(&session);
    return failed;
}

static void note_draft(const char *path, void *data)
{
    struct sweep *sweep = data;
    cleanup_free char *what = xasprintf("unfinished file %s", path);
    if (sweep->context->dry_run)
        printf("would remove %s\n", what);
    else
        note_removed(sweep, NULL, what);
    sweep->found++;
}

/* What commands that were killed did not come to the end of writing; a guard has better to do. */
static void remove_drafts(struct sweep *sweep)
{
    enum drafts_what what = DRAFTS_REMOVE;
    cleanup_free char *here = path_canonical(".");
    if (sweep->context->dry_run)
        what = DRAFTS_FIND;
    if (!sweep->only)
        drafts_left(sweep->root, here, what, note_draft, sweep);
}

static void print_json(const struct sweep *sweep)
{
    cleanup_json cJSON *document = cJSON_CreateObject();
    cJSON *list = json_add_array(document, "removed");
    for (size_t i = 0; i < sweep->removed_count; i++) {
        cJSON *item = cJSON_CreateObject();
        if (*sweep->removed[i].project)
            json_add_string(item, "project", sweep->removed[i].project);
        json_add_string(item, "removed", sweep->removed[i].what);
        cJSON_AddItemToArray(list, item);
    }
    output_json(document);
}

static void print_removed(const struct gc_removed *removed)
{
    if (*removed->project)
        printf("removed %s (%s)\n", removed->what, removed->project);
    else
        printf("removed %s\n", removed->what);
}

static void print(const struct context *context, const struct sweep *sweep)
{
    if (context->output.json) {
        print_json(sweep);
        return;
    }
    if (!sweep->found)
        output_note(&context->output, "no dead session has left anything");
    for (size_t i = 0; i < sweep->removed_count; i++)
        print_removed(&sweep->removed[i]);
}

static int run(struct context *context, struct error *err)
{
    cleanup_strlist struct strlist prefixes = {0};
    cleanup_free char *root = state_root(context->environment, err);
    if (!root || state_list(root, &prefixes, err))
        return -1;
    struct sweep sweep = {.context = context, .root = root, .only = args_value(&context->args, "session")};
    int failed = 0;
    for (size_t i = 0; i < prefixes.count; i++)
        if (look_at(&sweep, prefixes.items[i], err))
            failed = -1;
    remove_drafts(&sweep);

    bool is_about_volumes = args_flag(&context->args, "volumes");
    if (!failed && !(is_about_volumes && (context->output.json || !sweep.found)))
        print(context, &sweep);
    arena_free(&sweep.arena);
    if (!failed && is_about_volumes)
        failed = gc_volumes(context, root, err);
    return failed;
}

const struct command cmd_gc = {
    .name = "gc",
    .summary = "remove what dead sessions left",
    .usage = "",
    .description =
        "Looks for sessions whose supervisor and guard were killed, and removes their processes, containers "
        "and networks. Persistent resources and data volumes stay. Other commands do that for their own "
        "project, and doctor for all; apphost ls shows such sessions as dead. Files that a killed command "
        "did not "
        "come to the end of writing (.env.apphost-….tmp) are removed as well. --volumes also removes the "
        "volumes of projects whose folder was deleted or moved away: it lists them and asks, unless -y says "
        "so; --dry-run only lists, -p NAME means those of that project.",
    .examples = "apphost gc --dry-run\n"
                "apphost gc --volumes --dry-run\n",

    .options = options,
    .group = GROUP_MACHINE,
    .run = run,
};
