/* The engine's word on who owns: the labels of a session's containers; see owner.h.
 *
 * Asked where /proc does not show everybody who may own the same project: in a container, in a pid namespace,
 * under an identity that was given (APPHOST_PROJECT_NAME), which several machines and users may share. Proof
 * that an owner lives is his lock, where his state folder can be seen; another user's process; or the
 * container that he runs in. One outside of our container can neither be seen nor asked for: what runs is his
 * until somebody says otherwise there. Without proof a session is dead, and healed. */
#include "project/owned.h"
#include "project/owner.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/ours.h"
#include "base/pick.h"
#include "base/str.h"
#include "engine/once.h"
#include "machine/self.h"
#include "machine/user.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct claim {
    const char *project, *container, *folder; /* of the labels, borrowed; container "": none */
    int64_t pid, uid;
};

static bool may_be_hidden(const struct args *args)
{
    cleanup_free char *container = machine_container_id();
    return container || !machine_sees_all_processes() || args_from_environment(args, "project-name");
}

/* What runs for a session, and says whose it is. */
static bool read_claim(const cJSON *object, struct claim *claim)
{
    const struct owned owned = owned_of(object);
    const char *blank = strchr(owned.owner, ' ');
    bool is_live = str_eq(owned.state, "running") && owned.is_session;
    if (!is_live || !blank)
        return false;

    *claim = (struct claim){
        .project = owned.project, .container = owned.container, .folder = blank + 1, .uid = owned.uid};
    cleanup_free char *pid = xstrndup(owned.owner, (size_t)(blank - owned.owner));
    return str_to_int64(pid, 1, INT32_MAX, &claim->pid) && claim->uid >= 0;
}

static bool is_locked(const char *folder)
{
    struct state *state = state_open(folder, false, NULL);
    bool locked = state && state_is_locked(state);
    state_close(state);
    return locked;
}

static bool is_container_running(struct engine_once *once, const char *id)
{
    engine_container_inspect(once->engine, id, engine_once_done, once);
    return engine_once_wait(once, NULL) == 0 && json_bool(json_get(once->json, "State"), "Running", false);
}

/* Whose folder is closed to us, and the files of his processes too; its title is for everybody, where /proc
 * shows it at all. */
static bool is_process(const struct claim *claim)
{
    static const char title[] = "apphost: ";
    cleanup_free char *path = xasprintf("/proc/%lld/cmdline", (long long)claim->pid);
    size_t length = 0;
    cleanup_free char *text = file_read(path, 4096, &length, NULL);
    if (text)
        return str_starts(text, title);
    return kill((pid_t)claim->pid, 0) < 0 && errno == EPERM;
}

static bool is_alive(struct engine_once *once, const struct claim *claim)
{
    cleanup_free char *own = machine_container_id();
    if (str_eq(claim->container, text_or_empty(own)))
        return is_locked(claim->folder) || (claim->uid != getuid() && is_process(claim));
    return !*claim->container || is_container_running(once, claim->container);
}

static int refuse(const struct claim *claim, struct error *err)
{
    cleanup_free char *own = machine_container_id(), *where = NULL;
    if (!str_eq(claim->container, text_or_empty(own)) && *claim->container)
        where = xasprintf(", container %.12s", claim->container);
    else if (!str_eq(claim->container, text_or_empty(own)))
        where = xstrdup(", outside of this container");
    else if (claim->uid != getuid())
        where = xasprintf(" of user %lld", (long long)claim->uid);
    error_set(err, ERROR_OWNER, "%s runs already, with its state elsewhere: pid %lld%s, state in %s",
              claim->project, (long long)claim->pid, text_or_empty(where), claim->folder);
    error_hint(err, "end it there: apphost down; what a dead one left goes with apphost gc there");
    return -1;
}

int owner_check_engine(const struct project *project, const struct project_options *options,
                       struct error *err)
{
    struct engine_once once = {0};
    cleanup_free char *label = xasprintf(LABEL_PROJECT_HASH "=%s", project->hash);
    const char *const labels[] = {label, NULL};
    cleanup_free char *folder = project_folder(project);
    if (!project->has_engine || !may_be_hidden(options->args) || (folder && is_locked(folder)))
        return 0;

    int refused = 0;
    cleanup_json cJSON *containers = NULL;
    if (engine_once_open(&once, &project->engine, options->environment, NULL) == 0) {
        engine_container_list(once.engine, labels, engine_once_done, &once);
        if (engine_once_wait(&once, NULL) == 0)
            containers = take_ptr(&once.json);
    }
    const cJSON *object;
    cJSON_ArrayForEach(object, containers)
    {
        struct claim claim = {0};
        if (!refused && read_claim(object, &claim) && is_alive(&once, &claim))
            refused = refuse(&claim, err);
    }
    engine_once_close(&once);
    return refused;
}
