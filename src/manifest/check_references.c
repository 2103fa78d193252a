/* Who refers to whom: references, wait_for, ${…} in texts, endpoints of `ready`; and connection strings that
 * have no value.
 *
 * A consumer that no active profile has is not held to the state of what it refers to, only to its names. */
#include "manifest/loader.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

/* A name that stands somewhere and the resource that uses it. */
struct use {
    const struct model_resource *consumer;
    const char *name;
    struct model_pos pos;
    int length;
    bool optional;
};

static int name_length(const char *name)
{
    return (int)strlen(name);
}

/* What the name would be a replica of, or NULL. */
static const struct model_resource *find_whole(struct loader *l, const char *name)
{
    const char *hyphen = strrchr(name, '-');
    if (!hyphen)
        return NULL;
    cleanup_free char *stem = xstrndup(name, (size_t)(hyphen - name));
    const struct model_resource *whole = model_find(l->model, stem);
    if (!whole || !model_replica_count(whole))
        return NULL;
    return whole;
}

/* NULL after it was reported. */
static struct model_resource *look_up(struct loader *l, const struct use *use)
{
    struct model_resource *target = model_find(l->model, use->name);
    if (target)
        return target;
    manifest_problem_at(l, use->pos, use->length, "there is no resource `%s`", use->name);
    const struct model_resource *whole = find_whole(l, use->name);
    if (whole)
        manifest_hint(l, "it is a replica of `%s`, which is referred to as a whole", whole->name);
    else
        manifest_hint_declared(l, l->resources, use->name, NULL);
    return NULL;
}

/* Whether it will be there. */
static bool check_presence(struct loader *l, const struct use *use, const struct model_resource *target)
{
    if (use->optional || use->consumer->inactive || use->consumer == target)
        return true;
    if (target->inactive) {
        const char *profile = "NAME";
        if (target->profile_count)
            profile = target->profiles[0];
        manifest_problem_at(l, use->pos, use->length, "`%s` is not there: none of its profiles is on",
                            use->name);
        manifest_hint(l, "--profile %s turns it on; {resource: %s, optional: true} does without", profile,
                      use->name);
        return false;
    }

    if (target->manual) {
        manifest_problem_at(l, use->pos, use->length, "`%s` is started by hand only (`start: manual`)",
                            use->name);
        manifest_hint(l, "{resource: %s, optional: true} does without", use->name);
        return false;
    }
    return true;
}

/* --- references --- */

static void check_twin(struct loader *l, const struct model_resource *consumer, size_t index)
{
    const struct model_reference *mine = &consumer->references[index];
    const char *name = text_or(mine->as, mine->resource);
    for (size_t i = 0; i < index; i++) {
        const struct model_reference *other = &consumer->references[i];
        if (strcasecmp(text_or(other->as, other->resource), name) != 0)
            continue;
        manifest_problem_at(l, mine->pos, name_length(mine->resource),
                            "`%s` is referenced twice under one name", name);
        manifest_hint(l, "give one of them another name with `as`");
        return;
    }
}

static void check_user(struct loader *l, const struct model_reference *reference,
                       const struct model_resource *target)
{
    const char *name = reference->user;
    if (!name || model_find_user(target, name))
        return;
    size_t count = model_is_server(target->kind) ? target->redis.user_count : 0;
    const char **names = arena_alloc(l->arena, (count + 1) * sizeof *names);

    for (size_t i = 0; i < count; i++)
        names[i] = target->redis.users[i].name;
    manifest_problem_at(l, reference->user_pos, name_length(name), "`%s` has no user `%s`", target->name,
                        name);
    manifest_hint_nearest(l, name, names, count, "a server's users stand in its `users`");
}

static bool gives_something(const struct model_resource *target)
{
    return !model_has_endpoints(target->kind) || target->endpoint_count || model_has_string(target);
}

static void check_reference(struct loader *l, struct model_resource *consumer, size_t index)
{
    const struct model_reference *reference = &consumer->references[index];
    struct use use = {consumer, reference->resource, reference->pos, name_length(reference->resource),
                      reference->optional};
    const struct model_resource *target = look_up(l, &use);
    if (!target)
        return;

    check_twin(l, consumer, index);
    if (target == consumer) {
        manifest_problem_at(l, use.pos, use.length, "`%s` references itself", use.name);
        manifest_hint(l, "its own address is ${%s.ENDPOINT.url}", use.name);
        return;
    }
    if (target->kind == MODEL_KIND_COUNT || !check_presence(l, &use, target))
        return;
    check_user(l, reference, target);
    if (!gives_something(target)) {
        manifest_problem_at(l, use.pos, use.length, "`%s` has no endpoints: a reference to it gives nothing",
                            use.name);
        manifest_hint(l, "`wait_for` waits for it");
    }
}

static void check_wait(struct loader *l, const struct model_resource *consumer, size_t index)
{
    const struct model_wait *wait = &consumer->wait_for[index];
    struct use use = {consumer, wait->resource, wait->pos, name_length(wait->resource), false};
    const struct model_resource *target = look_up(l, &use);
    if (!target || target->kind == MODEL_KIND_COUNT)
        return;
    if (target == consumer) {
        manifest_problem_at(l, use.pos, use.length, "`%s` waits for itself", use.name);
        return;
    }

    for (size_t i = 0; i < index; i++)
        if (strcmp(consumer->wait_for[i].resource, use.name) == 0)
            manifest_problem_at(l, use.pos, use.length, "`%s` stands twice in `wait_for`", use.name);
    if (!check_presence(l, &use, target))
        return;
    bool never_ends = target->kind != MODEL_CONTAINER && !model_is_task(target);
    if (wait->until == MODEL_UNTIL_COMPLETED && never_ends) {
        manifest_problem_at(l, use.pos, use.length, "`%s` does not run to completion", use.name);
        if (target->kind == MODEL_PROCESS)
            manifest_hint(l, "a process with `task: true` does");
    }
}

/* --- ready --- */

static const struct model_endpoint *find_endpoint(const struct model_resource *resource, const char *name)
{
    for (size_t i = 0; i < resource->endpoint_count; i++)
        if (strcmp(resource->endpoints[i].name, name) == 0)
            return &resource->endpoints[i];
    return NULL;
}

static void hint_endpoints(struct loader *l, const struct model_resource *resource, const char *name)
{
    const char **names = xcalloc(resource->endpoint_count + 1, sizeof *names);
    for (size_t i = 0; i < resource->endpoint_count; i++)
        names[i] = resource->endpoints[i].name;
    cleanup_free char *first = NULL;
    if (resource->endpoint_count)
        first = xasprintf("it has `%s`", names[0]);
    manifest_hint_nearest(l, name, names, resource->endpoint_count, text_or(first, "it has no endpoints"));
    free(names);
}

static void check_ready(struct loader *l, const struct model_resource *resource)
{
    const struct model_ready *ready = &resource->ready;
    bool asks = ready->kind == MODEL_READY_HTTP || ready->kind == MODEL_READY_TCP;
    if (!asks || !model_has_endpoints(resource->kind))
        return;
    if (!resource->endpoint_count) {
        manifest_problem_at(l, ready->pos, 1, "`ready` asks an endpoint, and `%s` has none", resource->name);
        manifest_hint(l, "for example `endpoints: {http: {env: PORT}}`");
    } else if (ready->endpoint && !find_endpoint(resource, ready->endpoint)) {
        manifest_problem_at(l, ready->pos, 1, "`%s` has no endpoint `%s`", resource->name, ready->endpoint);
        hint_endpoints(l, resource, ready->endpoint);
    }
}

/* --- ${…} --- */

static void check_endpoint_use(struct loader *l, const struct late_use *late,
                               const struct model_resource *target)
{
    const struct model_part *part = &late->part;
    if (!find_endpoint(target, part->endpoint)) {
        manifest_problem_at(l, part->pos, late->length, "`%s` has no endpoint `%s`", target->name,
                            part->endpoint);
        if (model_is_server(target->kind))
            manifest_hint(l, "write ${%s.host}, ${%s.port}, ${%s.uri} …", target->name, target->name,
                          target->name);
        else
            hint_endpoints(l, target, part->endpoint);
    } else if (part->get != MODEL_GET_URL && part->get != MODEL_GET_HOST && part->get != MODEL_GET_PORT) {
        manifest_problem_at(l, part->pos, late->length, "an endpoint has url, host and port");
    }
}

static void hint_endpoint(struct loader *l, const struct model_resource *target)
{
    const char *endpoint = "ENDPOINT";
    if (target->endpoint_count)
        endpoint = target->endpoints[0].name;
    manifest_hint(l, "write ${%s.%s.url}, ${%s.%s.host} or ${%s.%s.port}", target->name, endpoint,
                  target->name, endpoint, target->name, endpoint);
}

static void check_plain_use(struct loader *l, const struct late_use *late,
                            const struct model_resource *target)
{
    const struct model_part *part = &late->part;
    bool is_server = model_is_server(target->kind);

    if (is_server && part->get == MODEL_GET_CA_FILE && !target->redis.tls.on) {
        manifest_problem_at(l, part->pos, late->length, "`%s` has no authority file: its `tls` is off",
                            target->name);
    } else if (target->kind == MODEL_CONNECTION_STRING && part->get == MODEL_GET_CA_FILE) {
        manifest_problem_at(l, part->pos, late->length, "a connection-string has no authority file");
    } else if (model_kind_info(target->kind)->may_have_string && part->get == MODEL_GET_CONNECTION_STRING) {
        if (!model_has_string(target))
            manifest_problem_at(l, part->pos, late->length, "`%s` has no `connection_string`", target->name);
    } else if (target->kind == MODEL_EXTERNAL) {
        if (part->get != MODEL_GET_URL && part->get != MODEL_GET_HOST && part->get != MODEL_GET_PORT)
            manifest_problem_at(l, part->pos, late->length, "an external has url, host and port");
    } else if (model_has_endpoints(target->kind)) {
        manifest_problem_at(l, part->pos, late->length, "this needs an endpoint of `%s`", target->name);
        hint_endpoint(l, target);
    }
}

static void check_late_use(struct loader *l, const struct late_use *late)
{
    const struct model_resource *consumer = &l->model->resources[late->consumer];
    struct use use = {consumer, late->part.resource, late->part.pos, late->length, false};
    const struct model_resource *target = look_up(l, &use);
    if (!target || target->kind == MODEL_KIND_COUNT || !check_presence(l, &use, target))
        return;
    if (late->part.endpoint)
        check_endpoint_use(l, late, target);
    else
        check_plain_use(l, late, target);
    if (model_is_missing(target) && !consumer->inactive)
        manifest_problem_at(l, use.pos, use.length, "`%s` has no value", target->name);
}

/* --- connection strings without a value --- */

static void report_missing(struct loader *l, const struct model_resource *resource)
{
    cleanup_free char *encoded = xstrdup(resource->name);
    for (char *p = encoded; *p; p++)
        if (*p == '-')
            *p = '_';
    manifest_problem_at(l, resource->pos, name_length(resource->name),
                        "the connection string `%s` has no value", resource->name);
    manifest_hint(l, "write `value`, or set ConnectionStrings__%s in the environment or .env", encoded);
}

/* Which missing ones somebody needs, and which somebody refers to at all. */
static void check_missing(struct loader *l)
{
    struct model *model = l->model;
    bool *optional = xcalloc(model->resource_count + 1, sizeof *optional);
    bool *needed = xcalloc(model->resource_count + 1, sizeof *needed);

    for (size_t i = 0; i < model->resource_count; i++)
        for (size_t j = 0; !model->resources[i].inactive && j < model->resources[i].reference_count; j++) {
            const struct model_reference *reference = &model->resources[i].references[j];
            const struct model_resource *target = model_find(model, reference->resource);
            if (target && reference->optional)
                optional[target - model->resources] = true;
            else if (target)
                needed[target - model->resources] = true;
        }

    for (size_t i = 0; i < model->resource_count; i++) {
        const struct model_resource *resource = &model->resources[i];
        if (model_is_missing(resource) && !resource->inactive && !resource->optional &&
            (needed[i] || !optional[i]))
            report_missing(l, resource);
    }
    free(optional);
    free(needed);
}

void manifest_check_references(struct loader *l)
{
    struct model *model = l->model;
    for (size_t i = 0; i < model->resource_count; i++) {
        struct model_resource *resource = &model->resources[i];
        for (size_t j = 0; j < resource->reference_count; j++)
            check_reference(l, resource, j);
        for (size_t j = 0; j < resource->wait_count; j++)
            check_wait(l, resource, j);
        check_ready(l, resource);
    }
    for (size_t i = 0; i < l->use_count; i++)
        check_late_use(l, &l->uses[i]);
    check_missing(l);
}
