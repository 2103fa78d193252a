/* Looking for dead sessions, and cleaning up after them; see heal.h. */
#include "session/heal.h"
#include "session/session.h"
#include "project/owner.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

enum { HEAL_MS = 600000 }; /* for the sum of what has limits of its own */

bool heal_finds(const char *folder, struct state_session *session)
{
    struct state *state = state_open(folder, false, NULL);
    bool is_dead = state && !state_is_locked(state) && !state_session_recall(state, session, NULL);
    state_close(state);
    return is_dead;
}

/* ---- one session ---- */

int heal_engine_of(const struct context *context, const struct state_session *session,
                   struct engine_address *address, struct error *err)
{
    bool without = session->engine && !engine_address_host(session->engine);
    if (without || (session->engine && !engine_address_from_json(session->engine, address, NULL)))
        return 0;
    const struct args *args = &context->args;
    return engine_resolve(context->environment, args_value(args, "host"), args_value(args, "context"),
                          address, err);
}

/* A lock that is free here does not tell of owners whose state is elsewhere. */
static int refuse_owned(const struct context *context, const struct project *project, struct error *err)
{
    const struct project_options options = context_project_options(context);
    if (owner_check(project->root, project->hash, err))
        return -1;
    return owner_check_engine(project, &options, err);
}

static void add_removed(struct strlist *removed, const struct view_down *down)
{
    for (size_t i = 0; i < down->removed_count; i++) {
        const struct view_object *object = &down->removed[i];
        strlist_addf(removed, "%s %s", text_or_empty(object->kind),
                     text_or(object->name, text_or_empty(object->resource)));
    }
}

/* The context has the dead session's project. */
static int take_down(struct context *context, const struct heal_task *task, struct strlist *removed,
                     struct error *err)
{
    const struct ask_down down = {.timeout_ms = HEAL_MS};
    cleanup_view_down struct view_down *what = NULL;
    if (refuse_owned(context, &context->project, err))
        return -1;

    int failed = session_open_to_end(context, true, removed, err);
    if (!failed && task->is_asked)
        failed = session_down_shown(context, &down, &what, err);
    else if (!failed)
        failed = session_down(context, &down, NULL, &what, err);
    if (what)
        add_removed(removed, what);
    client_close(&context->client);
    return failed;
}

int heal_session(const struct context *context, const struct heal_task *task, struct strlist *removed,
                 struct error *err)
{
    const struct state_session *session = task->session;
    cleanup_identity struct identity identity = {0};
    if (!identity_parse(path_basename(task->folder), &identity))
        return error_set(err, ERROR_FAILED, "%s is no project's folder", task->folder);

    struct context own = {
        .args = context->args, /* borrowed, as what is cast below */
        .environment = context->environment,
        .output = context->output,
        .project = {.name = (char *)text_or(session->project, identity.name),
                    .manifest = session->manifest,
                    .root = path_dirname(task->folder),
                    .prefix = xstrdup(path_basename(task->folder))},
    };
    memcpy(own.project.hash, identity.hash, sizeof own.project.hash);
    int failed = heal_engine_of(context, session, &own.project.engine, err);
    own.project.has_engine = own.project.engine.host != NULL;
    if (!failed)
        failed = take_down(&own, task, removed, err);
    engine_address_free(&own.project.engine);
    free(own.project.prefix);
    free(own.project.root);
    return failed;
}

/* ---- what commands do ---- */

static void add_words(struct strbuf *text, const struct strlist *list)
{
    for (size_t i = 0; i < list->count; i++)
        strbuf_addf(text, "%s%s", text_if(i > 0, ", "), list->items[i]);
}

static void heal_folder(const struct context *context, const char *folder, heal_report_cb *report, void *data)
{
    struct state_session session = {0};
    cleanup_error struct error error = {0};
    cleanup_strlist struct strlist removed = {0};
    cleanup_strbuf struct strbuf words = {0};
    if (!heal_finds(folder, &session))
        return;

    const struct heal_task task = {.folder = folder, .session = &session};
    if (!context->dry_run)
        heal_session(context, &task, &removed, &error);
    add_words(&words, &removed);
    struct heal_report what = {.project = session.project, .removed = strbuf_text(&words)};
    if (error_is_set(&error))
        what.error = &error;

    bool is_anothers = error.code == ERROR_OWNER || error.code == ERROR_NOT_RUNNING;
    if (!is_anothers)
        report(&what, data);
    state_session_free(&session);
}

void heal_all(const struct context *context, heal_report_cb *report, void *data)
{
    cleanup_strlist struct strlist prefixes = {0};
    cleanup_free char *root = state_root(context->environment, NULL);
    if (!root || state_list(root, &prefixes, NULL))
        return;

    for (size_t i = 0; i < prefixes.count; i++) {
        cleanup_free char *folder = state_folder(root, prefixes.items[i]);
        heal_folder(context, folder, report, data);
    }
}

static void note(const struct heal_report *report, void *data)
{
    const struct context *context = data;
    const struct output *output = &context->output;
    cleanup_free char *cause = NULL;
    if (report->error)
        cause = str_printable(report->error->text);

    if (cause)
        output_note(output, "the last session of %s was killed, and what it left could not be removed: %s",
                    report->project, cause);
    else if (context->dry_run)
        output_note(output, "the last session of %s was killed; what it left goes with: apphost gc",
                    report->project);
    else if (*report->removed)
        output_note(output, "the last session of %s was killed; removed what it left: %s", report->project,
                    report->removed);
    else
        output_note(output, "the last session of %s was killed; it left nothing", report->project);
}

void heal_project(const struct context *context)
{
    cleanup_free char *folder = project_folder(&context->project);
    if (folder)
        heal_folder(context, folder, note, (void *)context);
}
