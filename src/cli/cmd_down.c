/* apphost down: take the project down, whoever started it, and whatever became of its supervisor.
 *
 * A supervisor that runs is told. Where none runs, what a dead one left is cleaned up: by its session record,
 * or, when even that is gone, by the labels of the engine's objects, with a supervisor of our own that has
 * nothing but this to do. */
#include "engine/once.h"
#include "project/find.h"
#include "project/native.h"
#include "project/owned.h"
#include "project/owner.h"
#include "session/heal.h"
#include "session/session.h"
#include "ui/view.h"

#include "base/mem.h"
#include "base/ours.h"
#include "base/pick.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNAL_WAIT_MS = 60000 };

static const struct option options[] = {
    {.name = "volumes", .letter = 'v', .type = OPTION_FLAG, .help = "remove the data volumes as well"},
    {.name = "all", .letter = 'a', .type = OPTION_FLAG, .help = "remove what is persistent as well"},
    {.name = "everything", .type = OPTION_FLAG, .help = "all projects of this user"},
    {.name = "kill", .letter = 'k', .type = OPTION_FLAG, .help = "kill instead of asking to stop"},
    {.name = "timeout",
     .letter = 't',
     .type = OPTION_DURATION,
     .value = "TIME",
     .help = "bound of stopping, for each resource"},
    {.name = "remove-orphans", .type = OPTION_FLAG, .hidden = true, .help = ""},
    {.name = NULL},
};

struct objects {
    struct view_object *items;
    size_t count;
};

/* What went, over all projects of this command. */
struct harvest {
    struct objects removed, kept;
    struct arena arena; /* of their texts */
    bool any_project;
};

static const char *keep_text(struct arena *arena, const char *text)
{
    if (text)
        return arena_strdup(arena, text);
    return NULL;
}

static void add_object(struct harvest *harvest, struct objects *to, const struct view_object *object)
{
    struct arena *arena = &harvest->arena;
    to->items = xreallocarray(to->items, to->count + 1, sizeof *to->items);
    to->items[to->count++] = (struct view_object){
        .kind = arena_strdup(arena, text_or_empty(object->kind)),
        .name = keep_text(arena, object->name),
        .resource = keep_text(arena, object->resource),
    };
}

static void add_result(struct harvest *harvest, const struct view_down *down)
{
    for (size_t i = 0; i < down->removed_count; i++)
        add_object(harvest, &harvest->removed, &down->removed[i]);
    for (size_t i = 0; i < down->kept_count; i++)
        add_object(harvest, &harvest->kept, &down->kept[i]);
}

static void harvest_free(struct harvest *harvest)
{
    free(harvest->removed.items);
    free(harvest->kept.items);
    arena_free(&harvest->arena);
}

static struct ask_down down_options(const struct context *context)
{
    const struct args *args = &context->args;
    return (struct ask_down){
        .persistent = args_flag(args, "all"),
        .volumes = args_flag(args, "volumes"),
        .kill = args_flag(args, "kill"),
        .timeout_ms = args_duration_ms(args, "timeout", context->wait_timeout_ms),
    };
}

/* Nothing is done: what would go is what runs. */
static int preview(struct context *context, struct error *err)
{
    cleanup_view struct view *view = NULL;
    if (client_view(&context->client, ANSWER_LIMIT, &view, err))
        return -1;
    for (size_t i = 0; i < view->resource_count; i++)
        printf("would stop %s (%s)\n", text_or_empty(view->resources[i].name),
               view_state_name(view->resources[i].state));
    return 0;
}

static int down_connected(struct context *context, struct harvest *harvest, struct error *err)
{
    struct ask_down down = down_options(context);
    cleanup_view_down struct view_down *result = NULL;
    harvest->any_project = true;
    if (context->dry_run)
        return preview(context, err);
    int failed = session_down_shown(context, &down, &result, err);
    if (result)
        add_result(harvest, result);
    return failed;
}

/* ---- no supervisor ---- */

static void add_removed(struct harvest *harvest, const struct strlist *removed)
{
    for (size_t i = 0; i < removed->count; i++) {
        const char *name = removed->items[i], *space = strchr(name, ' ');
        cleanup_free char *kind = xstrdup("");
        if (space) {
            free(kind);
            kind = xstrndup(name, (size_t)(space - name));
            name = space + 1;
        }
        const struct view_object object = {.kind = kind, .name = name};
        add_object(harvest, &harvest->removed, &object);
    }
}

/* Something of the project is with the engine: 1. Its name is learnt from the labels where it is not known.
 */
static int look_for_objects(struct context *context, struct error *err)
{
    struct engine_once once;
    struct project *project = &context->project;
    cleanup_free char *label = xasprintf(LABEL_PROJECT_HASH "=%s", project->hash);
    const char *labels[] = {label, NULL};
    if (engine_once_open(&once, &project->engine, context->environment, err))
        return -1;
    engine_container_list(once.engine, labels, engine_once_done, &once);
    int found = 0;
    if (engine_once_wait(&once, err))
        found = -1;
    const cJSON *container;

    cJSON_ArrayForEach(container, once.json)
    {
        const struct owned owned = owned_of(container);
        if (owned.is_persistent && !args_flag(&context->args, "all"))
            continue;
        if (!project->prefix && *owned.project)
            project->prefix = identity_prefix(owned.project, project->hash);
        if (!project->name && *owned.project)
            project->name = xstrdup(owned.project);
        if (project->prefix)
            found = 1;
    }
    engine_once_close(&once);

    return found;
}

/* A supervisor with nothing to do but this `down`. */
static int down_with_helper(struct context *context, struct harvest *harvest, struct error *err)
{
    cleanup_strlist struct strlist swept = {0};
    int failed = session_open_to_end(context, false, &swept, err);
    add_removed(harvest, &swept);
    if (failed)
        return -1;
    return down_connected(context, harvest, err);
}

/* Is anything left of what no record tells? may_lack: it can be removed without an engine that does not
 * answer. */
static bool is_left(struct context *context, bool is_thorough, bool may_lack)
{
    struct project *project = &context->project;
    cleanup_error struct error why = {0};
    bool knows_all = is_thorough && project->prefix;
    if (knows_all && !(may_lack && project->has_engine))
        return true;
    int found = 0;
    if (project->has_engine)
        found = look_for_objects(context, &why);
    if (found < 0 && knows_all)
        engine_address_free(&project->engine);
    return found > 0 || knows_all;
}

static int down_dead(struct context *context, struct harvest *harvest, struct error *err)
{
    struct state_session session = {0};
    struct project_options resolve = context_project_options(context);
    bool thorough = args_flag(&context->args, "all") || args_flag(&context->args, "volumes");
    cleanup_free char *folder = project_folder(&context->project);
    bool is_dead = folder && heal_finds(folder, &session);
    bool without = session.engine && !engine_address_host(session.engine);

    /* What it left is with the engine that it used, which need not be today's. */
    if (session.engine && !engine_address_from_json(session.engine, &context->project.engine, NULL))
        context->project.has_engine = true;
    state_session_free(&session);

    /* Without an engine and without a record there is nothing that we could have left. */
    cleanup_error struct error why = {0};
    bool may_lack = without || native_has_left(&context->project);
    if (!(without && !thorough) && project_resolve_engine(&context->project, &resolve, &why) && !may_lack) {
        if (is_dead)
            error_move(err, &why);
        if (is_dead)
            return -1;
        return 0;
    }
    if (context->dry_run)
        return 0;
    if (owner_check_engine(&context->project, &resolve, err))
        return -1;
    /* Of the native engine's things we can get rid without a container engine; a dead session's is asked. */
    bool is_asked = is_dead && !without;
    if ((is_dead && !thorough) || is_left(context, thorough, may_lack && !is_asked))
        return down_with_helper(context, harvest, err);
    return 0;
}

/* ---- a supervisor that cannot be talked to ---- */

/* The second way: a signal, which takes everything down as Ctrl-C does. It is over when the lock is free. */
static int down_by_signal(struct context *context, struct harvest *harvest, struct error *silence,
                          struct error *err)
{
    const struct project *project = &context->project;
    const struct args *args = &context->args;
    long pid = (long)context->client.supervisor;
    bool is_thorough = args_flag(args, "volumes") || args_flag(args, "all");
    if (context->dry_run || !supervisor_signal(project->root, project->prefix, (pid_t)pid, SIGTERM)) {
        error_move(err, silence);
        return -1;
    }

    /* A stopped one has to run to end. */
    supervisor_signal(project->root, project->prefix, (pid_t)pid, SIGCONT);
    output_note(&context->output, "the supervisor (pid %ld) does not answer: told by a signal", pid);
    harvest->any_project = true;
    client_close(&context->client);
    if (client_open_alone(&context->client, err) || client_watch_signals(&context->client, err))
        return -1;
    struct limit limit = limit_or(args_duration_ms(args, "timeout", 0), LIMIT_MS(SIGNAL_WAIT_MS));
    int answer = session_wait_until_over(context, limit, err);
    client_close(&context->client);
    if (answer == 0 && is_thorough)
        return down_dead(context, harvest, err);
    return answer;
}

/* ---- one, or all ---- */

static int down_one(struct context *context, struct harvest *harvest, struct error *err)
{
    cleanup_error struct error why = {0};
    bool is_connected = !session_connect(context, &why);
    if (is_connected && !down_connected(context, harvest, &why))
        return 0;
    if (is_connected && !context->client.is_silent) {
        error_move(err, &why);
        return -1;
    }
    if (why.code == ERROR_OWNER && context->client.supervisor)
        return down_by_signal(context, harvest, &why, err);
    client_close(&context->client);
    if (!error_is_set(&why) || why.code == ERROR_NOT_RUNNING)
        return down_dead(context, harvest, err);
    error_move(err, &why);
    return -1;
}

/* One failure does not keep the others up; the first one is told. */
static int down_everything(struct context *context, struct harvest *harvest, struct error *err)
{
    cleanup_free char *root = state_root(context->environment, err);
    cleanup_strlist struct strlist prefixes = {0};
    int failed = 0;
    if (!root || state_list(root, &prefixes, err))
        return -1;

    for (size_t i = 0; i < prefixes.count; i++) {
        cleanup_identity struct identity identity = {0};
        if (!identity_parse(prefixes.items[i], &identity))
            continue;
        project_free(&context->project);
        context->project.root = xstrdup(root);
        project_take(&context->project, &identity);
        if (down_one(context, harvest, err))
            failed = -1;
        client_close(&context->client);
    }

    return failed;
}

static void print_objects(const char *what, const struct objects *objects)
{
    for (size_t i = 0; i < objects->count; i++) {
        const struct view_object *object = &objects->items[i];
        printf("%s %s %s\n", what, object->kind, text_or(object->name, text_or_empty(object->resource)));
    }
}

static void print_harvest(const struct context *context, const struct harvest *harvest)
{
    if (context->output.json) {
        cleanup_json cJSON *document = cJSON_CreateObject();
        const struct objects *removed = &harvest->removed, *kept = &harvest->kept;
        cJSON_AddItemToObject(document, "removed", view_objects_to_json(removed->items, removed->count));
        cJSON_AddItemToObject(document, "kept", view_objects_to_json(kept->items, kept->count));
        output_json(document);
        return;
    }

    if (!harvest->any_project && !harvest->removed.count) {
        session_note_nothing(context);
        return;
    }
    if (context->output.quiet)
        return;
    print_objects("removed", &harvest->removed);
    print_objects("kept", &harvest->kept);
}

/* Nothing was there, and nobody is called so: a slip of the pen. */
static int refuse_unknown(const struct context *context, const struct harvest *harvest, struct error *err)
{
    cleanup_find struct find_list list = {0};
    bool is_found = harvest->any_project || harvest->removed.count > 0;
    if (!context->project.is_unknown || is_found)
        return 0;
    if (find_all(context->project.root, &list, err))
        return -1;
    return find_refuse_name(&list, args_value(&context->args, "project-name"), err);
}

static int down_project(struct context *context, struct harvest *harvest, struct error *err)
{
    struct project_options options_of = {
        .args = &context->args, .environment = context->environment, .may_be_unknown = true};
    if (project_identify(&context->project, &options_of, err) || down_one(context, harvest, err))
        return -1;
    return refuse_unknown(context, harvest, err);
}

static int run(struct context *context, struct error *err)
{
    struct harvest harvest = {0};
    int failed;
    context->awaits_guard = true;
    if (args_flag(&context->args, "everything"))
        failed = down_everything(context, &harvest, err);
    else
        failed = down_project(context, &harvest, err);
    if (!failed)
        print_harvest(context, &harvest);
    harvest_free(&harvest);
    return failed;
}

const struct command cmd_down = {
    .name = "down",
    .summary = "stop and remove everything",
    .usage = "",
    .description = "Stops and removes what the project has running: in order, children before the servers "
                   "they use. Data "
                   "volumes and persistent resources stay unless asked for. Works without the manifest, "
                   "after a crash, and "
                   "twice: with nothing to do it exits 0. Ctrl-C says what goes on, a second one kills what "
                   "is still stopping, a third one leaves the rest to the supervisor.",
    .examples = "apphost down\n"
                "apphost down -v --all\n"
                "apphost down -p shop\n",
    .options = options,
    .group = GROUP_RUN,
    .run = run,
};
