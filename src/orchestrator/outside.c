/* What of our files the engine sees, where we run in one of its containers.
 *
 * An engine mounts folders of its own machine. What stands at /work here is there where our own container got
 * it from: the engine says so (Mounts of our container), and a bind mount's source is told as it is there.
 * What our container was not given is in its own layers: the engine would mount something else of that name,
 * or nothing, and so it is refused. A socket or a volume's folder is found by the same table. */
#include "orchestrator/internal.h"

#include "base/file.h"

#include <string.h>

void outside_note(struct orchestrator *o, const cJSON *mounts)
{
    cJSON_Delete(o->mounts);
    o->mounts = NULL;
    if (mounts)
        o->mounts = cJSON_Duplicate(mounts, true);
}

/* What is left of path below folder: "" or "/…"; NULL: it is not there. */
static const char *below(const char *path, const char *folder)
{
    size_t length = strlen(folder);
    if (length && folder[length - 1] == '/')
        length--;
    if (strncmp(path, folder, length) != 0 || (path[length] && path[length] != '/'))
        return NULL;
    return path + length;
}

/* By the deepest mount that holds it. */
static char *path_outside(const cJSON *mounts, const char *path)
{
    cleanup_free char *canonical = path_canonical(path);
    const char *source = "", *rest = NULL;
    const cJSON *mount;
    cJSON_ArrayForEach(mount, mounts)
    {
        cleanup_free char *point = path_canonical(json_string(mount, "Destination", "/"));
        const char *left = below(canonical, point);
        if (!left || (rest && strlen(left) >= strlen(rest)))
            continue;
        rest = left;
        source = json_string(mount, "Source", "");
    }

    if (!rest || !*source)
        return NULL;
    return xasprintf("%s%s", source, rest);
}

char *outside_source(const struct orchestrator *o, const struct plan_mount *mount)
{
    if (mount->is_volume || !o->mounts)
        return xstrdup(mount->source);
    return path_outside(o->mounts, mount->source);
}

bool outside_refuses(struct node *node)
{
    const struct plan_run *run = &node->spec->run;
    for (size_t i = 0; i < run->mount_count; i++) {
        cleanup_free char *source = outside_source(node->o, &run->mounts[i]);
        if (source)
            continue;
        cleanup_error struct error err = {0};
        error_set(
            &err, ERROR_RESOURCE,
            "%s cannot be given %s: apphost runs in a container of this engine, and the engine does not "
            "see that container's own files",
            node_exact_name(node), run->mounts[i].source);
        error_hint(&err, "mount a folder that holds it into apphost's container (docker run -v …); what is "
                         "apphost's own lies in XDG_STATE_HOME");
        node_fail(node, &err);
        return true;
    }

    return false;
}
