/* What consumers get (`env`), and how to run something in a resource's place (`exec`, `run TASK`). These
 * answers contain secrets: they go to the project's owner only, and every value says whether it is one. */
#include "orchestrator/internal.h"

#include "base/ours.h"
#include "control/requests.h"
#include "control/variables.h"

#include <stdlib.h>
#include <string.h>

static void add_value(cJSON *out, const struct plan_variable *variable, const char *value,
                      const char *resource)
{
    const struct answer_variable entry = {variable->name, value, plan_has_secret(&variable->value), resource};
    answer_variable_add(out, &entry);
}

static int add_variables(const struct plan_lookup *lookup, cJSON *out, const struct plan_variable *variables,
                         size_t count, const char *resource, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *missing = NULL;
        char *value = plan_resolve(&variables[i].value, lookup, &missing);
        if (!value) {
            error_resource(err, resource);
            return error_set(err, ERROR_NOT_RUNNING, "%s is not known yet: %s has no value for %s",
                             variables[i].name, resource, text_or(missing, "it"));
        }
        add_value(out, &variables[i], value, resource);
        mem_wipe(value, strlen(value));
        free(value);
    }
    return 0;
}

static bool is_usable(const struct node *node)
{
    return node && (node->want == WANT_UP || node->state == STATE_READY || node->kind->is_elsewhere);
}

/* Whom its address names now: of servers that are one who is primary. */
static const struct node *node_of(struct orchestrator *o, const struct plan_resource *resource)
{
    struct node *node = node_find(o, resource->node);
    if (!node)
        return NULL;
    return present_node(node);
}

static int add_resource(struct orchestrator *o, cJSON *out, const struct plan_resource *resource,
                        struct error *err)
{
    const struct plan_lookup lookup = values_lookup_present(o);
    if (!is_usable(node_of(o, resource)))
        return error_set(err, ERROR_NOT_RUNNING, "%s is not running", resource->name);
    return add_variables(&lookup, out, resource->exports, resource->export_count, resource->name, err);
}

/* Itself, whatever its role. */
static int add_replica(struct orchestrator *o, cJSON *out, const struct plan_resource *replica,
                       struct error *err)
{
    const struct plan_lookup lookup = values_lookup(o);
    if (!is_usable(node_find(o, replica->node)))
        return error_set(err, ERROR_NOT_RUNNING, "%s is not running", replica->name);
    return add_variables(&lookup, out, replica->exports, replica->export_count, replica->name, err);
}

static int add_exports(struct orchestrator *o, cJSON *out, const struct strlist *names, struct error *err)
{
    const struct plan *plan = o->plan->plan;
    bool named = names && names->count;

    for (size_t i = 0; i < plan->resource_count; i++) {
        const struct plan_resource *resource = &plan->resources[i];
        bool meant = is_usable(node_of(o, resource));
        if (named)
            meant = strlist_has(names, resource->name);
        if (meant && add_resource(o, out, resource, err) < 0)
            return -1;
    }

    for (size_t i = 0; named && i < plan->replica_count; i++) {
        const struct plan_resource *replica = &plan->replicas[i];
        if (strlist_has(names, replica->name) && add_replica(o, out, replica, err) < 0)
            return -1;
    }

    for (size_t i = 0; names && i < names->count; i++) {
        if (!plan_find_resource(plan, names->items[i]))
            return error_set(err, ERROR_NOT_RUNNING, "no such resource: %s", names->items[i]);
    }
    return 0;
}

static int refuse_without_plan(struct error *err)
{
    return error_set(err, ERROR_NOT_RUNNING, "nobody has asked for a resource yet");
}

static struct node *find_resource(struct orchestrator *o, const char *name, struct error *err)
{
    struct node *node = node_of_resource(o, name);
    if (node && node->spec)
        return node;
    error_set(err, ERROR_NOT_RUNNING, "no such resource: %s", name);
    return NULL;
}

static void add_plain(cJSON *out, const char *name, const char *value, const char *resource)
{
    const struct plan_variable variable = {.name = name};
    add_value(out, &variable, value, resource);
}

/* All that is put on top of what a process inherits; all of a container's. */
static int add_own(struct node *node, cJSON *out, struct error *err)
{
    struct orchestrator *o = node->o;
    const struct plan_run *run = &node->spec->run;
    const struct plan_lookup lookup = values_lookup_for(node);
    if (add_variables(&lookup, out, run->environment, run->environment_count, node->resource, err) < 0)
        return -1;
    if (!node->kind->is_child)
        return 0;
    add_plain(out, VARIABLE_SESSION, o->services.session, node->resource);
    add_plain(out, VARIABLE_PROJECT, node->origin->plan->project, node->resource);
    add_plain(out, VARIABLE_RESOURCE, node->resource, node->resource);
    return 0;
}

cJSON *orchestrator_environment(struct orchestrator *o, const struct strlist *resources,
                                const char *for_resource, struct error *err)
{
    cJSON *out = cJSON_CreateObject();
    int rc;
    if (!o->plan)
        rc = refuse_without_plan(err);
    else if (for_resource) {
        struct node *node = find_resource(o, for_resource, err);
        rc = -1;
        if (node)
            rc = add_own(node, out, err);
    } else
        rc = add_exports(o, out, resources, err);
    if (rc == 0)
        return out;
    cJSON_Delete(out);
    return NULL;
}

/* What the server's own command-line clients log in with, so that no password is typed or stands in an
 * argument list. valkey-cli of some versions reads the one, of others the other. */
static void add_login(struct node *node, struct strlist *environment)
{
    static const char *const variables[] = {"REDISCLI_AUTH", "VALKEYCLI_AUTH"};
    const struct plan_probe *probe = &node->spec->run.ready;
    if (probe->kind != PLAN_PROBE_PING || !probe->password.count)
        return;
    char *password = values_resolve(node->o, &probe->password);
    for (size_t i = 0; password && i < sizeof variables / sizeof *variables; i++)
        strlist_addf(environment, "%s=%s", variables[i], password);
    if (password)
        mem_wipe(password, strlen(password));
    free(password);
}

static cJSON *exec_answer(struct answer_exec answer, const struct strlist *environment)
{
    answer.environment = (const char **)environment->items;
    answer.environment_count = environment->count;
    return answer_exec_to_json(&answer);
}

static cJSON *exec_info_of_process(struct node *node, struct error *err)
{
    const struct plan_run *run = &node->spec->run;
    cleanup_strlist struct strlist argv = {0}, environment = {0};
    bool known = values_list(node, run->entrypoint, run->entrypoint_count, &argv) &&
                 values_list(node, run->command, run->command_count, &argv) &&
                 values_environment(node, &environment);
    if (!known) {
        error_set(err, ERROR_NOT_RUNNING, "a value that %s needs is not known yet", node->resource);
        return NULL;
    }

    add_login(node, &environment);
    return exec_answer((struct answer_exec){.argv = (const char **)argv.items,
                                            .argv_count = argv.count,
                                            .folder = run->working_dir},
                       &environment);
}

cJSON *orchestrator_exec_info(struct orchestrator *o, const char *resource, struct error *err)
{
    if (!o->plan) {
        refuse_without_plan(err);
        return NULL;
    }
    struct node *node = find_resource(o, resource, err);
    if (!node)
        return NULL;
    if (node->kind->is_child)
        return exec_info_of_process(node, err);
    if (!node->kind->at_engine || !node->facts.running) {
        error_set(err, ERROR_NOT_RUNNING, "%s is not running", resource);
        return NULL;
    }

    cleanup_strlist struct strlist environment = {0};
    add_login(node, &environment);
    return exec_answer((struct answer_exec){.container_id = node->facts.object}, &environment);
}
