/* Reading the state folders, and picking one; see find.h. */
#include "project/find.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the list ---- */

static int64_t changed_ns(const char *folder)
{
    struct stat st;
    if (stat(folder, &st))
        return 0;
    return st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec;
}

static void look(struct find_project *project, const char *folder)
{
    struct state *state = state_open(folder, false, NULL);
    struct state_session session = {0};
    if (state && !state_session_read(state, &session, NULL)) {
        project->rank = FIND_DEAD;
        if (state_is_locked(state))
            project->rank = FIND_RUNS;
        project->manifest = take_ptr(&session.manifest);
    }
    if (state && !project->manifest)
        project->manifest = state_manifest(folder);
    state_session_free(&session);
    state_close(state);
}

int find_all(const char *root, struct find_list *list, struct error *err)
{
    cleanup_strlist struct strlist prefixes = {0};
    if (state_list(root, &prefixes, err))
        return -1;

    list->items = xcalloc(prefixes.count + 1, sizeof *list->items);
    for (size_t i = 0; i < prefixes.count; i++) {
        struct find_project *project = &list->items[list->count];
        cleanup_free char *folder = state_folder(root, prefixes.items[i]);
        if (!identity_parse(prefixes.items[i], &project->identity))
            continue;
        project->prefix = xstrdup(prefixes.items[i]);
        project->changed_ns = changed_ns(folder);
        look(project, folder);
        list->count++;
    }
    return 0;
}

void find_free(struct find_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].prefix);
        free(list->items[i].manifest);
        identity_free(&list->items[i].identity);
    }
    free(list->items);
    *list = (struct find_list){0};
}

/* ---- picking ---- */

static bool is_better(const struct find_project *project, const struct find_project *best)
{
    if (!best || project->rank != best->rank)
        return !best || project->rank > best->rank;
    return project->changed_ns > best->changed_ns;
}

const struct find_project *find_by_hash(const struct find_list *list, const char *hash)
{
    const struct find_project *best = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct find_project *project = &list->items[i];
        if (!strcmp(project->identity.hash, hash) && is_better(project, best))
            best = project;
    }
    return best;
}

const struct find_project *find_by_prefix(const struct find_list *list, const char *prefix)
{
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->items[i].prefix, prefix))
            return &list->items[i];
    return NULL;
}

/* The length of the manifest's folder when that is here or above, else 0. */
static size_t nearness(const char *manifest, const char *here)
{
    cleanup_free char *folder = NULL;
    if (manifest)
        folder = path_dirname(manifest);
    size_t length = 0;
    if (folder)
        length = strlen(folder);
    if (!length || strncmp(here, folder, length) != 0)
        return 0;
    if (here[length] == '/' || !here[length] || length == 1)
        return length;
    return 0;
}

const struct find_project *find_by_folder(const struct find_list *list, const char *folder)
{
    const struct find_project *best = NULL;
    size_t best_near = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct find_project *project = &list->items[i];
        size_t near = 0;
        if (project->rank != FIND_OVER)
            near = nearness(project->manifest, folder);
        if (near && (near > best_near || (near == best_near && is_better(project, best)))) {
            best = project;
            best_near = near;
        }
    }
    return best;
}

/* ---- names ---- */

static void add_place(struct strbuf *text, const struct find_project *project)
{
    cleanup_free char *folder = NULL;
    if (project->manifest)
        folder = path_dirname(project->manifest);
    strbuf_addf(text, "%s%s (%s)", text_if(text->length, ", "), project->identity.name,
                folder ? folder : project->prefix);
}

static bool is_called(const struct find_project *project, const char *name, enum find_rank least)
{
    return !strcmp(project->identity.name, name) && project->rank >= least;
}

static size_t count_called(const struct find_list *list, const char *name, enum find_rank least)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (is_called(&list->items[i], name, least))
            count += 1;
    }
    return count;
}

static int refuse_several(const struct find_list *list, const char *name, enum find_rank least,
                          struct error *err)
{
    cleanup_strbuf struct strbuf places = {0};
    for (size_t i = 0; i < list->count; i++)
        if (is_called(&list->items[i], name, least))
            add_place(&places, &list->items[i]);
    error_set(err, ERROR_USAGE, "there are several projects called \"%s\": %s", name, strbuf_text(&places));
    error_hint(err, "say which one with its folder: -C FOLDER, or -f FOLDER/apphost.yaml");
    return -1;
}

int find_by_name(const struct find_list *list, const char *name, const struct find_project **found,
                 struct error *err)
{
    enum find_rank least = FIND_OVER;
    if (count_called(list, name, FIND_DEAD))
        least = FIND_DEAD;
    size_t count = count_called(list, name, least);
    if (count > 1)
        return refuse_several(list, name, least, err);

    for (size_t i = 0; i < list->count && count; i++)
        if (is_called(&list->items[i], name, least))
            *found = &list->items[i];
    return (int)count;
}

int find_refuse_name(const struct find_list *list, const char *name, struct error *err)
{
    cleanup_strbuf struct strbuf running = {0};
    cleanup_free char *shown = str_printable(name);
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].rank == FIND_RUNS)
            add_place(&running, &list->items[i]);

    error_set(err, ERROR_NOT_RUNNING, "no project is called \"%s\"", shown);
    if (running.length)
        error_hint(err, "running: %s", strbuf_text(&running));
    else
        error_hint(err, "nothing is running; apphost up -d starts the project of a folder");
    return -1;
}
