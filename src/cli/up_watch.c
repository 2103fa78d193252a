/* `up --watch`: the manifest's files are watched through their folders, because editors replace files. See
 * up.h.
 *
 * A change arms a short timer; when nothing more comes, the manifest is loaded again and the running project
 * converges to it. A manifest with errors changes nothing: its problems are printed, and the next change is
 * awaited. */
#include "cli/up.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { SETTLE_MS = 100 };

static void on_settled(void *data)
{
    struct up *up = data;
    up->changed = true;
}

static void on_event(uv_fs_event_t *handle, const char *name, int events, int status)
{
    (void)events;
    struct up *up = handle->data;
    if (status >= 0 && name && strlist_has(&up->file_names, name))
        timer_start(&up->settle, SETTLE_MS);
}

static int add_folder(struct up *up, const char *folder, struct error *err)
{
    if (up->folder_count == UP_WATCHED_FOLDERS)
        return 0;
    struct up_folder *slot = &up->folders[up->folder_count];
    int failed = uv_fs_event_init(&up->context->client.loop.uv, &slot->event);
    if (!failed) {
        up->folder_count++;
        slot->event.data = up;
        failed = uv_fs_event_start(&slot->event, on_event, folder, 0);
    }
    return failed ? error_set(err, ERROR_FAILED, "cannot watch %s: %s", folder, uv_strerror(failed)) : 0;
}

static void list_files(struct up *up, struct strlist *files)
{
    const struct args *args = &up->context->args;
    args_values(args, "file", files);
    if (!files->count)
        strlist_add(files, up->context->project.manifest);
    args_values(args, "env-file", files);
}

int up_watch_start(struct up *up, struct error *err)
{
    cleanup_strlist struct strlist files = {0};
    cleanup_strlist struct strlist folders = {0};
    list_files(up, &files);
    timer_init(&up->context->client.loop, &up->settle, on_settled, up);
    for (size_t i = 0; i < files.count; i++) {
        cleanup_free char *folder = path_dirname(files.items[i]);
        strlist_add(&up->file_names, path_basename(files.items[i]));
        if (strlist_has(&folders, folder))
            continue;
        strlist_add(&folders, folder);
        if (add_folder(up, folder, err))
            return -1;
    }
    static const char *const beside[] = {"apphost.override.yaml", "apphost.override.yml", ".env"};
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
        strlist_add(&up->file_names, beside[i]);
    output_note(&up->context->output, "watching the manifest");
    return 0;
}

void up_watch_end(struct up *up)
{
    if (up->folder_count)
        timer_stop(&up->settle);
    for (int i = 0; i < up->folder_count; i++)
        uv_close((uv_handle_t *)&up->folders[i].event, NULL);
    /* The handles live in *up: their closing must be over before it goes. */
    if (up->folder_count)
        uv_run(&up->context->client.loop.uv, UV_RUN_NOWAIT);
    up->folder_count = 0;
    strlist_free(&up->file_names);
}

static int reload(struct up *up, struct error *err)
{
    struct context *context = up->context;
    struct project fresh = {0};
    struct project_options options = {.args = &context->args, .environment = context->environment};
    int failed = project_load(&fresh, &options, err);
    output_problems(&context->output, &fresh.problems);
    if (!failed && !str_eq(fresh.prefix, context->project.prefix))
        failed =
            error_set(err, ERROR_MANIFEST, "the project's name has changed: this takes a down and an up");
    if (!failed) {
        struct project old = context->project;
        context->project = fresh;
        fresh = old;
    }
    project_free(&fresh);
    return failed;
}

void up_watch_apply(struct up *up)
{
    struct output *output = &up->context->output;
    cleanup_error struct error error = {0};
    cleanup_json cJSON *view = NULL;
    up->changed = false;
    if (reload(up, &error)) {
        output_error(output, &error);
        output_note(output, "nothing was changed; waiting for the next change");
        return;
    }
    output_note(output, "the manifest has changed");
    up->applying = true;
    int answer = up_converge(up, &view, &error);
    up->applying = false;
    if (answer < 0)
        session_report(up->context, &error, view, NULL);
    else if (!answer)
        up_print_ready(up, view);
}
