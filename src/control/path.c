/* Where a control socket may lie: the user's runtime folder, else a folder of ours in /tmp that nobody else
 * can have prepared for us. Also the form of errors on the wire. */
#include "control/control.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static const char *find_variable(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (; environment && *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return NULL;
}

/* Makes the folder, or finds it as it should be: a folder, not a link, ours, closed to others. */
static int make_private(const char *folder, struct error *err)
{
    struct stat st;
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return error_set(err, errno == ENOSPC || errno == EDQUOT ? ERROR_SPACE : ERROR_FAILED,
                         "cannot create the folder %s for the control socket: %s", folder, strerror(errno));
    if (lstat(folder, &st) < 0)
        return error_set(err, ERROR_FAILED, "cannot use the folder %s: %s", folder, strerror(errno));
    if (S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0)
        return 0;
    error_set(err, ERROR_OWNER, "cannot use %s for the control socket: it is not a private folder of yours",
              folder);
    error_hint(err, "remove it, or set XDG_RUNTIME_DIR to a folder of yours");
    return -1;
}

/* One byte is left for the name that a socket has until it listens. */
static char *fit(const char *folder, const char *name)
{
    char *path = xasprintf("%s/%s.sock", folder, name);
    if (strlen(path) + 2 <= sizeof((struct sockaddr_un *)0)->sun_path)
        return path;
    cleanup_free_ptr(&path);
    return NULL;
}

char *control_socket_path(char *const *environment, const char *name, struct error *err)
{
    const char *runtime = find_variable(environment, "XDG_RUNTIME_DIR");
    if (runtime && runtime[0] == '/') {
        cleanup_free char *folder = path_join(runtime, "apphost");
        char *path = fit(folder, name);
        if (path && make_private(folder, NULL) == 0)
            return path;
        cleanup_free_ptr(&path);
    }
    cleanup_free char *folder = xasprintf("/tmp/apphost-%ld", (long)geteuid());
    char *path = fit(folder, name);
    if (!path) {
        error_set(err, ERROR_FAILED, "the path of the control socket %s/%s.sock is too long", folder, name);
        return NULL;
    }
    if (make_private(folder, err) < 0)
        cleanup_free_ptr(&path);
    return path;
}

cJSON *control_error_to_json(const struct error *error)
{
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "code", error_name(error->code));
    json_add_string(json, "message", error->text);
    json_add_string(json, "resource", error->resource);
    json_add_string(json, "hint", error->hint);
    if (error->source.file) {
        cJSON *source = json_add_object(json, "source");
        json_add_string(source, "file", error->source.file);
        json_add_int(source, "line", error->source.line);
        json_add_int(source, "column", error->source.column);
    }
    return json;
}

void control_error_from_json(const cJSON *json, struct error *error)
{
    const cJSON *source = json_get(json, "source");
    const char *file = json_string(source, "file", NULL), *hint = json_string(json, "hint", NULL);
    enum error_code code = error_by_name(json_string(json, "code", ""));
    error_set(error, code ? code : ERROR_FAILED, "%s", json_string(json, "message", "it failed"));
    error_resource(error, json_string(json, "resource", NULL));
    if (hint)
        error_hint(error, "%s", hint);
    if (file)
        error_at(error, file, (int)json_int(source, "line", 0), (int)json_int(source, "column", 0));
}
