/* `up --watch`: the manifest's files are watched through their folders, because editors replace files. See
 * up.h.
 *
 * A change loads the manifest again, and the running project converges to it. A manifest with errors changes
 * nothing: its problems are printed, and the next change is awaited.
 *
 * What was edited before the watch began, while everything started, is found by a first look: the manifest is
 * read again once the watch stands, and compared with what was loaded. */
#include "cli/up.h"

#include "base/file.h"
#include "base/mem.h"
#include "watch/watch.h"

#include <stdlib.h>
#include <string.h>

static const char *const beside[] = {"apphost.override.yaml", "apphost.override.yml", ".env"};
enum { BESIDE_COUNT = sizeof beside / sizeof *beside };

static void on_change(const char *path, bool more, int64_t changed_ms, void *data)
{
    struct up *up = data;
    (void)path, (void)more, (void)changed_ms;
    up->changed = true;
}

static void on_trouble(const struct error *err, void *data)
{
    const struct up *up = data;
    output_warn(&up->context->output, "%s", err->text);
}

/* The names in one folder: what was named, and what is read without being named. */
static void watch_folder(struct up *up, const char *folder, const struct strlist *files)
{
    cleanup_strlist struct strlist globs = {0};
    cleanup_free char *absolute = path_canonical(folder);
    for (size_t i = 0; i < files->count; i++) {
        cleanup_free char *of = path_dirname(files->items[i]);
        if (str_eq(of, folder))
            strlist_add(&globs, path_basename(files->items[i]));
    }
    for (int i = 0; i < BESIDE_COUNT; i++)
        strlist_add(&globs, beside[i]);

    struct watch_options options = {
        .folder = absolute ? absolute : folder,
        .globs = (const char *const *)globs.items,
        .glob_count = globs.count,
        .on_change = on_change,
        .on_trouble = on_trouble,
        .data = up,
    };
    up->watches = xreallocarray(up->watches, up->watch_count + 1, sizeof *up->watches);
    up->watches[up->watch_count++] = watch_new(&up->context->client.loop, &options);
}

static void list_files(const struct up *up, struct strlist *files)
{
    const struct args *args = &up->context->args;
    args_values(args, "file", files);
    if (!files->count)
        strlist_add(files, up->context->project.manifest);
    args_values(args, "env-file", files);
}

void up_watch_start(struct up *up)
{
    cleanup_strlist struct strlist files = {0}, folders = {0};
    list_files(up, &files);
    for (size_t i = 0; i < files.count; i++) {
        cleanup_free char *folder = path_dirname(files.items[i]);
        if (strlist_has(&folders, folder))
            continue;
        strlist_add(&folders, folder);
        watch_folder(up, folder, &files);
    }
    output_note(&up->context->output, "watching the manifest");
    /* Standard input cannot be read a second time. */
    up->changed = up->is_first_look = !strlist_has(&files, "-");
}

void up_watch_end(struct up *up)
{
    for (size_t i = 0; i < up->watch_count; i++)
        watch_free(up->watches[i]);
    free(up->watches);
    up->watches = NULL;
    up->watch_count = 0;
}

char *up_watch_look(const struct project *project)
{
    cleanup_json cJSON *plan = plan_to_json(project->plan, true);
    return json_print(plan);
}

static int load(struct up *up, struct project *fresh, struct error *err)
{
    struct context *context = up->context;
    struct project_options options = context_project_options(context);
    int failed = project_load(fresh, &options, err);
    if (!failed && !str_eq(fresh->prefix, context->project.prefix))
        failed =
            error_set(err, ERROR_MANIFEST, "the project's name has changed: this takes a down and an up");
    return failed;
}

/* It says what the loaded one said: nobody has edited it. */
static bool is_as_loaded(const struct up *up, const struct project *fresh)
{
    cleanup_free char *now = up_watch_look(fresh);
    return str_eq(now, up->loaded);
}

static void converge(struct up *up)
{
    cleanup_error struct error error = {0};
    cleanup_view struct view *view = NULL;
    output_note(&up->context->output, "the manifest has changed");
    up->applying = true;
    int answer = up_converge(up, &view, &error);
    up->applying = false;
    if (answer < 0)
        session_report(up->context, &error, view, NULL);
    else if (!answer)
        up_print_ready(up, view);
}

void up_watch_apply(struct up *up)
{
    struct context *context = up->context;
    struct project fresh = {0};
    cleanup_error struct error error = {0};
    bool is_first_look = up->is_first_look;
    up->changed = up->is_first_look = false;
    int failed = load(up, &fresh, &error);
    bool is_news = failed || !is_first_look || !is_as_loaded(up, &fresh);

    if (is_news)
        output_problems(&context->output, &fresh.problems);
    if (failed) {
        output_error(&context->output, &error);
        output_note(&context->output, "nothing was changed; waiting for the next change");
    } else if (is_news) {
        struct project old = context->project;
        context->project = fresh;
        fresh = old;
        converge(up);
    }
    project_free(&fresh);
}
