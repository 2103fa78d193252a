/* The session around a command. See nested.h. */
#include "project/nested.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/ours.h"
#include "manifest/manifest.h"

#include <stdlib.h>
#include <string.h>

/* ---- which ---- */

static bool names_a_project(const struct args *args)
{
    return args_value(args, "file") || args_value(args, "project-name") ||
           args_value(args, "project-directory");
}

static const char *value_of(char *const *environment, const char *name)
{
    size_t length = strlen(name);
    for (char *const *entry = environment; entry && *entry; entry++)
        if (!strncmp(*entry, name, length) && (*entry)[length] == '=')
            return *entry + length + 1;
    return NULL;
}

/* The nearest one: what a session's child has besides its own may be inherited from further out. */
static const char *session_of(char *const *environment)
{
    const char *parent = value_of(environment, VARIABLE_PARENT_SESSION);
    const char *session = parent;
    if (!(parent && *parent))
        session = value_of(environment, VARIABLE_SESSION);
    if (session && *session)
        return session;
    return NULL;
}

static bool take(struct nested *nested, const char *root, const char *prefix, const char *session)
{
    cleanup_free char *folder = state_folder(root, prefix);
    struct state_session record = {0};
    struct state *state = state_open(folder, false, NULL);
    bool is_it = state && !state_session_read(state, &record, NULL) && str_eq(record.id, session) &&
                 state_is_locked(state) && identity_parse(prefix, &nested->identity);
    if (is_it) {
        nested->manifest = take_ptr(&record.manifest);
        nested->engine = take_ptr(&record.engine);
    }
    state_session_free(&record);
    if (state)
        state_close(state);
    return is_it;
}

bool nested_find(struct nested *nested, const char *root, const struct args *args, char *const *environment)
{
    cleanup_strlist struct strlist prefixes = {0};
    const char *session = NULL;
    if (!names_a_project(args))
        session = session_of(environment);
    if (!session || state_list(root, &prefixes, NULL))
        return false;
    for (size_t i = 0; i < prefixes.count; i++)
        if (take(nested, root, prefixes.items[i], session))
            return true;
    return false;
}

/* ---- what it says ---- */

bool nested_means_manifest(const struct nested *nested, char *const *environment, char **file)
{
    if (!nested->manifest || !file_exists(nested->manifest))
        return false;
    cleanup_free char *found = manifest_find(".", environment, NULL);
    cleanup_free char *path = NULL;
    if (found)
        path = path_canonical(found);
    if (!path)
        *file = xstrdup(nested->manifest);
    return !path || str_eq(path, nested->manifest);
}

bool nested_engine(const struct nested *nested, const struct args *args, struct engine_address *address)
{
    bool is_told = args_value(args, "engine") || args_value(args, "host") || args_value(args, "context");
    return !is_told && engine_address_host(nested->engine) &&
           !engine_address_from_json(nested->engine, address, NULL);
}

void nested_free(struct nested *nested)
{
    identity_free(&nested->identity);
    free(nested->manifest);
    cJSON_Delete(nested->engine);
    *nested = (struct nested){0};
}
