/* Where a control socket may lie: the user's runtime folder, else a folder of ours in /tmp that nobody else
 * can have prepared for us. Also the form of errors on the wire. */
#include "control/internal.h"
#include "base/file.h"
#include "base/mem.h"

#include <string.h>
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

/* One byte is left for the name that a socket has until it listens. */
static char *fit(const char *folder, const char *name)
{
    cleanup_free char *path = xasprintf("%s/%s.sock", folder, name);
    bool fits = strlen(path) + 2 <= sizeof((struct sockaddr_un *)0)->sun_path;
    if (fits)
        return take_ptr(&path);
    return NULL;
}

char *control_path_in(const char *const *folders, const char *name, struct error *err)
{
    for (; *folders; folders++) {
        bool is_last = !folders[1];
        cleanup_free char *path = fit(*folders, name);
        if (path && file_make_private(*folders, is_last ? err : NULL) == 0)
            return take_ptr(&path);

        if (!path && is_last)
            error_set(err, ERROR_FAILED, "the path of the control socket %s/%s.sock is too long", *folders,
                      name);
        if (is_last && err && err->code == ERROR_OWNER)
            error_hint(err, "remove it, or set XDG_RUNTIME_DIR to a folder of yours");
    }
    return NULL;
}

char *control_socket_path(char *const *environment, const char *name, struct error *err)
{
    const char *runtime = find_variable(environment, "XDG_RUNTIME_DIR");
    bool is_usable = runtime && runtime[0] == '/';
    cleanup_free char *own = NULL;
    if (is_usable)
        own = path_join(runtime, "apphost");
    cleanup_free char *shared = xasprintf("/tmp/apphost-%ld", (long)geteuid());
    const char *const folders[] = {own, shared, NULL};
    return control_path_in(own ? folders : folders + 1, name, err);
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
    if (error->resource || error->code == ERROR_RESOURCE)
        error_comes_from(error, ORIGIN_RESOURCE);
    if (hint)
        error_hint(error, "%s", hint);
    if (file)
        error_at(error, file, (int)json_int(source, "line", 0), (int)json_int(source, "column", 0));
}
