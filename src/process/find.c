/* Looks for a command the way the child's execvp() would: in the child's PATH, from the child's working
 * directory. One of our own is passed over where anybody could have put it (base/tool.h).
 *
 * A candidate that exists but cannot be executed is remembered: when nothing better comes, the error is "not
 * executable" instead of "not found", as shells do (126 and 127). */
#include "process/find.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/tool.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";

enum candidate { MISSING, UNUSABLE, USABLE };

int find_working_dir(const char *working_dir, struct error *err)
{
    struct stat st;
    if (!working_dir)
        return 0;
    if (stat(working_dir, &st) < 0) {
        if (errno == ENOENT)
            return error_set(err, ERROR_RESOURCE, "working directory %s does not exist", working_dir);
        return error_set(err, ERROR_RESOURCE, "cannot use working directory %s: %s", working_dir,
                         strerror(errno));
    }
    if (!S_ISDIR(st.st_mode))
        return error_set(err, ERROR_RESOURCE, "working directory %s is not a directory", working_dir);
    if (access(working_dir, X_OK) < 0)
        return error_set(err, ERROR_RESOURCE, "cannot enter working directory %s: %s", working_dir,
                         strerror(errno));
    return 0;
}

static const char *child_path(const char *const *environment)
{
    for (; environment && *environment; environment++)
        if (str_starts(*environment, "PATH="))
            return *environment + strlen("PATH=");
    return default_path;
}

static enum candidate look_at(const char *working_dir, const char *path)
{
    cleanup_free char *seen = NULL;
    struct stat st;
    if (path[0] != '/' && working_dir)
        seen = xasprintf("%s/%s", working_dir, path);
    const char *file = seen;
    if (!file)
        file = path;
    if (stat(file, &st) < 0) {
        if (errno == EACCES)
            return UNUSABLE;
        return MISSING;
    }
    if (S_ISREG(st.st_mode) && access(file, X_OK) == 0)
        return USABLE;
    return UNUSABLE;
}

static char *fail_unusable(const char *path, struct error *err)
{
    error_set(err, ERROR_NOT_EXECUTABLE, "cannot execute %s: it is not an executable file", path);
    error_hint(err, "make it executable (chmod +x), or name the interpreter as the command");
    return NULL;
}

static char *find_by_path(const struct process_options *options, struct error *err)
{
    const char *command = options->argv[0];
    switch (look_at(options->working_dir, command)) {
    case USABLE:
        return xstrdup(command);
    case UNUSABLE:
        return fail_unusable(command, err);
    case MISSING:
        break;
    }
    if (command[0] != '/' && options->working_dir)
        error_set(err, ERROR_NOT_FOUND, "command %s does not exist in %s", command, options->working_dir);
    else
        error_set(err, ERROR_NOT_FOUND, "command %s does not exist", command);
    return NULL;
}

static void fail_missing(const char *command, const char *path, const char *passed, struct error *err)
{
    error_set(err, ERROR_NOT_FOUND, "command %s was not found in PATH", command);
    if (passed)
        error_hint(err, "%s is passed over, since others may write it or its folder; PATH is %s", passed,
                   path);
    else
        error_hint(err, "PATH is %s", path);
}

char *find_command(const struct process_options *options, struct error *err)
{
    const char *command = options->argv[0], *path = child_path(options->environment);
    cleanup_free char *unusable = NULL, *passed = NULL;
    if (!command || !command[0]) {
        error_set(err, ERROR_NOT_FOUND, "the command is empty");
        return NULL;
    }
    if (strchr(command, '/'))
        return find_by_path(options, err);

    for (const char *at = path;; at++) {
        size_t length = strcspn(at, ":");
        /* An empty element means the current folder, as for execvp(). */
        cleanup_free char *file = xasprintf("%.*s%s%s", (int)length, at, length ? "/" : "./", command);
        enum candidate found = look_at(options->working_dir, file);
        bool is_passed = found == USABLE && options->is_tool && !tool_is_safe(file);
        if (found == USABLE && !is_passed)
            return take_ptr(&file);
        if (is_passed && !passed)
            passed = take_ptr(&file);
        if (found == UNUSABLE && !unusable)
            unusable = take_ptr(&file);
        at += length;
        if (!*at)
            break;
    }

    if (unusable)
        return fail_unusable(unusable, err);
    fail_missing(command, path, passed, err);
    return NULL;
}

int process_check(const struct process_options *options, struct error *err)
{
    if (find_working_dir(options->working_dir, err) < 0)
        return -1;
    cleanup_free char *file = find_command(options, err);
    if (file)
        return 0;
    return -1;
}
