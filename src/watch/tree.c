/* The folders that are watched: walked in slices so that a large tree holds nobody up, kept by the kernel's
 * numbers.
 *
 * A folder is watched before it is read: what appears in between is seen twice, never not at all. Links to
 * folders are not followed. */
#include "watch/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <utlist.h>

enum { FOLDERS_A_TURN = 64, RETRY_MS = 2000, MOST_FOLDERS = 100000 };

static const uint32_t mask = IN_CREATE | IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                             IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK;

static char *join(const char *folder, const char *name)
{
    if (*folder)
        return xasprintf("%s/%s", folder, name);
    return xstrdup(name);
}

/* ---- the table ---- */

struct watch_folder *tree_find(struct watch *watch, int number)
{
    struct watch_folder *folder = NULL;
    HASH_FIND_INT(watch->folders, &number, folder);
    return folder;
}

void tree_forget(struct watch *watch, struct watch_folder *folder)
{
    HASH_DEL(watch->folders, folder);
    free(folder->path);
    free(folder);
}

static bool is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    return !length || (strncmp(path, folder, length) == 0 && (!path[length] || path[length] == '/'));
}

static void free_visit(struct watch *watch, struct watch_visit *visit)
{
    DL_DELETE(watch->visits, visit);
    free(visit->path);
    free(visit);
}

bool tree_drop(struct watch *watch, const char *path)
{
    struct watch_folder *folder, *next;
    struct watch_visit *visit, *next_visit;
    bool had_any = false;

    HASH_ITER(hh, watch->folders, folder, next)
    {
        if (!is_below(folder->path, path))
            continue;
        had_any = true;
        inotify_rm_watch(watch->fd, folder->number);
        tree_forget(watch, folder);
    }
    DL_FOREACH_SAFE(watch->visits, visit, next_visit)
    {
        if (is_below(visit->path, path))
            free_visit(watch, visit);
    }
    return had_any;
}

/* ---- walking ---- */

static void queue(struct watch *watch, const char *path, bool is_new)
{
    struct watch_visit *visit = xcalloc(1, sizeof *visit);
    visit->path = xstrdup(path);
    visit->is_new = is_new;
    DL_APPEND(watch->visits, visit);
    loop_post(watch->loop, &watch->walk);
}

static bool is_young(const struct watch *watch, int folder_fd, const char *name)
{
    struct stat st;
    if (fstatat(folder_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return false;
    return st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec > watch->since_ns;
}

static bool is_folder(int folder_fd, const struct dirent *entry)
{
    struct stat st;
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(folder_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static void look_at(struct watch *watch, const struct watch_visit *visit, int folder_fd,
                    const struct dirent *entry)
{
    cleanup_free char *path = join(visit->path, entry->d_name);
    if (is_folder(folder_fd, entry)) {
        if (globs_reach(&watch->globs, path))
            queue(watch, path, visit->is_new);
        return;
    }
    if (globs_match(&watch->globs, path) && (visit->is_new || is_young(watch, folder_fd, entry->d_name)))
        watch_note(watch, path);
}

static void read_folder(struct watch *watch, const struct watch_visit *visit, const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder && (entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            look_at(watch, visit, dirfd(folder), entry);
    }
    if (folder)
        closedir(folder);
}

/* A folder that is known under this number was moved within the tree. */
static void keep(struct watch *watch, int number, const char *path)
{
    struct watch_folder *folder = tree_find(watch, number);
    if (!folder) {
        folder = xcalloc(1, sizeof *folder);
        folder->number = number;
        HASH_ADD_INT(watch->folders, number, folder);
    }
    free(folder->path);
    folder->path = xstrdup(path);
}

static void give_up_walking(struct watch *watch)
{
    while (watch->visits)
        free_visit(watch, watch->visits);
}

/* False: nothing more can be watched. */
static bool visit_folder(struct watch *watch, const struct watch_visit *visit)
{
    size_t most = size_or(watch->options.most_folders, MOST_FOLDERS);
    bool is_top = !*visit->path;
    cleanup_free char *path = NULL;
    if (is_top)
        path = xstrdup(watch->folder);
    else
        path = xasprintf("%s/%s", watch->folder, visit->path);
    if (HASH_COUNT(watch->folders) >= most) {
        watch_trouble(watch, "there are too many folders", NULL);
        return false;
    }

    /* The top itself may be a link. */
    int number = inotify_add_watch(watch->fd, path, is_top ? mask & ~(uint32_t)IN_DONT_FOLLOW : mask);
    if (number < 0 && errno == ENOSPC) {
        watch_trouble(watch, "the kernel's limit of watches is reached", "max_user_watches");
        return false;
    }

    if (number < 0 && is_top) {
        watch->is_new = true;
        timer_start(&watch->retry, RETRY_MS);
    }
    if (number < 0)
        return true; /* gone again, or nobody may read it */
    keep(watch, number, visit->path);
    read_folder(watch, visit, path);
    return true;
}

static void walk(void *data)
{
    struct watch *watch = data;
    for (int i = 0; i < FOLDERS_A_TURN && watch->visits; i++) {
        bool goes_on = visit_folder(watch, watch->visits);
        if (goes_on)
            free_visit(watch, watch->visits);
        else
            give_up_walking(watch);
    }
    if (watch->visits)
        loop_post(watch->loop, &watch->walk);
}

void tree_add(struct watch *watch, const char *path)
{
    if (globs_reach(&watch->globs, path))
        queue(watch, path, true);
}

static void start_again(void *data)
{
    struct watch *watch = data;
    tree_drop(watch, "");
    queue(watch, "", watch->is_new);
    watch->is_new = false;
}

void tree_start(struct watch *watch)
{
    turn_init(&watch->walk, walk, watch);
    timer_init(watch->loop, &watch->retry, start_again, watch);
    queue(watch, "", false);
}

void tree_free(struct watch *watch)
{
    struct watch_folder *folder, *next;
    loop_unpost(watch->loop, &watch->walk);
    timer_stop(&watch->retry);
    give_up_walking(watch);
    HASH_ITER(hh, watch->folders, folder, next)
    tree_forget(watch, folder);
}
