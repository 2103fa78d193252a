/* What ps, logs and events of a swarm share. See look_swarm.h. */
#include "cli/look_swarm.h"

#include "base/mem.h"

int look_swarm_open(struct context *context, struct engine_once *once, struct error *err)
{
    struct project_options how = context_project_options(context);
    struct project *project = &context->project;
    if (!project->name) {
        error_set(err, ERROR_NOT_RUNNING, "nothing was deployed from this folder");
        error_hint(err, "-p NAME says which project is meant");
        return -1;
    }
    if (project_resolve_engine(project, &how, err))
        return -1;
    return engine_once_open(once, &project->engine, context->environment, err);
}

bool look_swarm_is_meant(const struct context *context, const char *name)
{
    const struct strlist *names = &context->args.names;
    return !names->count || strlist_has(names, name);
}

int look_swarm_check_names(const struct context *context, const struct deploy_services *services,
                           struct error *err)
{
    const struct strlist *names = &context->args.names;
    for (size_t i = 0; i < names->count; i++)
        if (!deploy_service_find(services, names->items[i]))
            return error_set(err, ERROR_NOT_RUNNING, "%s has no %s in this swarm", context->project.name,
                             names->items[i]);
    return 0;
}
