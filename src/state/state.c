/* The folder itself: where it is, whose it is, which version wrote it, and who holds its lock.
 *
 * The lock belongs to the open file (F_OFD_SETLK), not to a process: guard and supervisor inherit it through
 * fork, it lasts until the last of them is gone, and asking whether it is held (F_OFD_GETLK) never takes it,
 * so that a question cannot make somebody else's attempt fail. */
#include "state/internal.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_VERSION "1\n"

static const char *find_variable(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; environment && *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

/* It is there, or the nearest folder above it that is there lets us make it. What we may not even look into
 * is ours when its folder is: then whoever opens it says why not. Somebody else's home is none (setpriv, su
 * -m). */
static bool can_be(const char *folder)
{
    cleanup_free char *at = xstrdup(folder);
    bool is_shut = false;
    struct stat st = {0};
    while (stat(at, &st) < 0 && (errno == ENOENT || errno == EACCES) && strcmp(at, "/") != 0) {
        is_shut = is_shut || errno == EACCES;
        char *above = path_dirname(at);
        free(at);
        at = above;
    }
    bool is_ours = st.st_uid == geteuid();
    return (is_ours && (is_shut || str_eq(at, folder))) || access(at, W_OK | X_OK) == 0;
}

/* A uid that nobody knows (containers, CI), a home that cannot be written: a private folder that lasts as
 * long as /tmp does. */
static char *root_without_home(struct error *err)
{
    cleanup_free char *folder = xasprintf("/tmp/apphost-%ld", (long)geteuid());
    if (file_make_private(folder, err) == 0)
        return path_join(folder, "state");
    error_wrap(err, "cannot tell where to keep state, there is no home folder that you may write");
    error_hint(err, "set XDG_STATE_HOME to a folder of yours");
    return NULL;
}

char *state_root(char *const *environment, struct error *err)
{
    const char *xdg = find_variable(environment, "XDG_STATE_HOME");
    if (xdg && xdg[0] == '/')
        return path_join(xdg, "apphost");
    const char *home = find_variable(environment, "HOME");
    if (!home || home[0] != '/') {
        const struct passwd *user = getpwuid(geteuid());
        home = NULL;
        if (user)
            home = user->pw_dir;
    }

    cleanup_free char *root = NULL;
    if (home && home[0] == '/')
        root = path_join(home, ".local/state/apphost");
    if (root && can_be(root))
        return take_ptr(&root);
    return root_without_home(err);
}

char *state_folder(const char *root, const char *prefix)
{
    return path_join(root, prefix);
}

/* One of ours that cannot be looked into is one, too: who opens it says why not. */
static bool is_projects(const char *folder)
{
    cleanup_free char *version = path_join(folder, "version");
    struct stat st;
    bool is_shut = access(version, F_OK) < 0 && errno == EACCES;
    if (is_shut)
        return stat(folder, &st) == 0 && st.st_uid == geteuid();
    return file_exists(version);
}

int state_list(const char *root, struct strlist *prefixes, struct error *err)
{
    DIR *dir = opendir(root);
    if (!dir && errno == ENOENT)
        return 0;
    if (!dir)
        return error_set(err, ERROR_FAILED, "cannot list %s: %s", root, strerror(errno));
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.')
            continue;
        cleanup_free char *folder = state_folder(root, entry->d_name);
        if (is_projects(folder))
            strlist_add(prefixes, entry->d_name);
    }
    closedir(dir);
    return 0;
}

char *state_file(const struct state *state, const char *name)
{
    return xasprintf("%s/%s", state->path, name);
}

static int refuse_owner(const char *folder, uid_t uid, struct error *err)
{
    const struct passwd *user = getpwuid(uid);
    error_set(err, ERROR_OWNER, "the state folder %s belongs to %s (uid %ld), not to you (uid %ld)", folder,
              user ? user->pw_name : "another user", (long)uid, (long)geteuid());
    return error_hint(err, "use the same user as before, or another project name (-p)"), -1;
}

static int make_folder(const char *folder, struct error *err)
{
    struct error cause = {0};
    if (file_mkdirs(folder, 0700, &cause) == 0)
        return 0;
    if (cause.code == ERROR_SPACE)
        error_hint(&cause, "free some space there, or set XDG_STATE_HOME to a folder that has room");
    else
        error_hint(&cause, "set XDG_STATE_HOME to a folder that you may write");
    error_move(err, &cause);
    return -1;
}

static int check_folder(const char *folder, bool create, struct error *err)
{
    struct stat st;
    if (create && !file_is_dir(folder) && make_folder(folder, err) < 0)
        return -1;

    if (stat(folder, &st) < 0) {
        if (errno == EACCES)
            return error_set(err, ERROR_OWNER, "the state folder %s is not yours: %s", folder,
                             strerror(errno));
        if (errno == ENOENT)
            return error_set(err, ERROR_NOT_RUNNING, "there is no state in %s", folder);
        return error_set(err, ERROR_FAILED, "cannot read the state folder %s: %s", folder, strerror(errno));
    }
    if (!S_ISDIR(st.st_mode))
        return error_set(err, ERROR_FAILED, "the state folder %s is not a folder", folder);
    if (st.st_uid != geteuid())
        return refuse_owner(folder, st.st_uid, err);
    if ((st.st_mode & 077) && chmod(folder, 0700) < 0)
        return error_set(err, ERROR_FAILED, "cannot make %s private: %s", folder, strerror(errno));

    return 0;
}

static void hint_space(const struct state *state, struct error *cause)
{
    if (cause->code == ERROR_SPACE)
        error_hint(cause, "free some space in %s, or set XDG_STATE_HOME to a folder that has room",
                   state->path);
}

static int check_version(const struct state *state, bool create, struct error *err)
{
    cleanup_free char *path = state_file(state, "version");
    cleanup_error struct error cause = {0};
    size_t length = 0;
    cleanup_free char *text = file_read_own(path, 4096, &length, &cause);
    if (text && strcmp(text, STATE_VERSION) == 0)
        return 0;

    if (text) {
        text[strcspn(text, "\n")] = '\0';
        cleanup_free char *shown = str_printable(text);
        error_set(
            err, ERROR_FAILED,
            "the state folder %s was written by another version of apphost (format %.20s; this is %.1s)",
            state->path, shown, STATE_VERSION);
        return error_hint(err, "take the project down with that version, or remove the folder"), -1;
    }
    if (cause.code != ERROR_NO_FILE)
        return error_move(err, &cause), -1;
    if (!create)
        return error_set(err, ERROR_NOT_RUNNING, "there is no state in %s", state->path);

    error_clear(&cause);
    if (file_write_atomic(path, STATE_VERSION, strlen(STATE_VERSION), 0600, &cause) == 0)
        return 0;
    hint_space(state, &cause);
    return error_move(err, &cause), -1;
}

struct state *state_open(const char *folder, bool create, struct error *err)
{
    if (check_folder(folder, create, err) < 0)
        return NULL;
    struct state *state = xcalloc(1, sizeof *state);
    state->path = path_canonical(folder);
    cleanup_free char *logs = state_logs_folder(state);
    if (check_version(state, create, err) < 0 || (create && make_folder(logs, err) < 0)) {
        state_close(state);
        return NULL;
    }
    return state;
}

int state_restore(struct state *state, struct error *err)
{
    cleanup_free char *logs = state_logs_folder(state);
    if (check_folder(state->path, true, err) < 0 || check_version(state, true, err) < 0 ||
        make_folder(logs, err) < 0)
        return -1;
    return state_write_all(state, err);
}

void state_close(struct state *state)
{
    if (!state)
        return;
    state_forget(state);
    free(state->path);
    free(state);
}

const char *state_path(const struct state *state)
{
    return state->path;
}

char *state_logs_folder(const struct state *state)
{
    return state_file(state, "logs");
}

int state_lock(struct state *state, struct error *err)
{
    cleanup_free char *path = state_file(state, LOCK_FILE);
    struct error cause = {0};
    int fd = file_open_own(path, O_RDWR | O_CREAT, &cause);
    if (fd < 0) {
        if (cause.code == ERROR_OWNER) /* something else stands there: nobody to wait for */
            cause.code = ERROR_FAILED;
        hint_space(state, &cause);
        return error_move(err, &cause), -1;
    }

    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
        return fd;
    int number = errno;
    close(fd);
    if (number == EAGAIN || number == EACCES)
        return error_set(err, ERROR_OWNER, "another apphost holds the project's lock (%s)", path);
    return error_set(err, ERROR_FAILED, "cannot lock %s: %s", path, strerror(number));
}

static bool is_same_file(const char *path, const struct stat *file)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

bool state_is_owner(const struct state *state, pid_t pid)
{
    cleanup_free char *lock = state_file(state, LOCK_FILE);
    cleanup_free char *folder = xasprintf("/proc/%ld/fd", (long)pid);
    struct stat file;
    bool is_owner = false;
    DIR *dir = NULL;
    if (stat(lock, &file) == 0)
        dir = opendir(folder);
    for (struct dirent *entry; dir && !is_owner && (entry = readdir(dir));) {
        cleanup_free char *path = path_join(folder, entry->d_name);
        is_owner = entry->d_name[0] != '.' && is_same_file(path, &file);
    }
    if (dir)
        closedir(dir);
    return is_owner;
}

bool state_is_locked(struct state *state)
{
    cleanup_free char *path = state_file(state, LOCK_FILE);
    cleanup_error struct error why = {0};
    int fd = file_open_own(path, O_RDWR, &why);
    if (fd < 0)
        return why.code != ERROR_NO_FILE; /* who cannot ask does not take it for free */
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool held = fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
    close(fd);
    return held;
}
