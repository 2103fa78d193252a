/* See native.h. */
#include "project/native.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"
#include "base/tool.h"
#include "redis/redis.h"
#include "state/state.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static const char *path_of(char *const *environment)
{
    for (char *const *entry = environment; *entry; entry++)
        if (str_starts(*entry, "PATH="))
            return *entry + 5;
    return NULL;
}

/* The program that this machine has for the kind, or NULL. */
static const char *find_program(char *const *environment, enum model_kind kind)
{
    const struct redis_native *native = redis_native(kind);
    for (size_t i = 0; native && native->programs[i]; i++)
        if (tool_is_there(path_of(environment), native->programs[i]))
            return native->programs[i];
    return NULL;
}

static int miss(char *const *environment, const struct plan_resource *resource, struct error *err)
{
    const struct redis_native *native = redis_native(resource->kind);
    const char *kind = model_kind_name(resource->kind);
    error_set(err, ERROR_ENGINE, "\"%s\" needs %s on this machine, which is not in PATH", resource->name,
              native->programs[0]);
    cleanup_free char *passed = NULL;
    free(tool_find(path_of(environment), native->programs[0], &passed)); /* none that counts */
    error_resource(err, resource->name);
    error_at(err, resource->pos.file, resource->pos.line, resource->pos.column);
    bool has_redis = resource->kind != MODEL_REDIS && find_program(environment, MODEL_REDIS);
    cleanup_strbuf struct strbuf hint = {0};

    if (passed)
        strbuf_addf(&hint, "%s is passed over, since others may write it or its folder; ", passed);
    if (native->package)
        strbuf_addf(&hint, "install it (Debian, Ubuntu: apt install %s), or use containers: --engine docker",
                    native->package);
    else
        strbuf_addf(&hint, "put %s into a folder of PATH, or use containers: --engine docker",
                    native->programs[0]);
    if (has_redis)
        strbuf_addf(&hint, "; redis-server is there: `type: redis` instead of `%s` would run", kind);
    error_hint(err, "%s", strbuf_text(&hint));
    return -1;
}

int native_check(const struct plan *plan, char *const *environment, struct error *err)
{
    for (size_t i = 0; str_eq(plan->engine_kind, "native") && i < plan->resource_count; i++) {
        const struct plan_resource *resource = &plan->resources[i];
        if (model_is_server(resource->kind) && !find_program(environment, resource->kind))
            return miss(environment, resource, err);
    }
    return 0;
}

/* Every server of the plan could run here, and nothing but servers needs containers. */
static const char *program_for_all(const struct plan *plan, char *const *environment)
{
    const char *program = NULL;
    for (size_t i = 0; plan && i < plan->resource_count; i++) {
        const struct plan_resource *resource = &plan->resources[i];
        if (resource->kind == MODEL_CONTAINER && !resource->optional)
            return NULL;
        if (model_is_server(resource->kind) && !(program = find_program(environment, resource->kind)))
            return NULL;
    }
    return program;
}

void native_offer(const struct project *project, char *const *environment, struct error *error)
{
    const char *program = NULL;
    if (error->code == ERROR_ENGINE)
        program = program_for_all(project->plan, environment);
    if (!program || project->is_native)
        return;
    cleanup_free char *old = xstrdup_null(error->hint);
    error_hint(error, "%s%srun without containers: --engine native (%s is in PATH)", text_or_empty(old),
               text_if(old, "; or "), program);
}

bool native_has_left(const struct project *project)
{
    cleanup_free char *folder = project_folder(project);
    struct state *state = NULL;
    if (folder)
        state = state_open(folder, false, NULL);
    if (!state)
        return false;

    cleanup_servers struct state_servers servers = {0};
    state_servers(state, &servers);
    bool found = servers.count > 0;
    cleanup_free char *volumes = path_join(folder, "volumes");
    DIR *dir = opendir(volumes);
    for (struct dirent *entry; dir && !found && (entry = readdir(dir));)
        found = entry->d_name[0] != '.';
    if (dir)
        closedir(dir);
    state_close(state);
    return found;
}
