/* What would change: what is wanted beside what is there, by the keyed hash on the labels. See internal.h. */
#include "deploy/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

const char *swarm_kind(const struct swarm_change *change)
{
    bool is_task = change->seen && json_path(change->seen, "Spec.Mode.ReplicatedJob");
    if (change->service)
        is_task = change->service->is_task;
    if (is_task)
        return "task";
    return "service";
}

const char *swarm_change_name(const struct swarm_change *change)
{
    if (change->service)
        return change->service->name;
    return swarm_resource(change->seen);
}

/* ---- which ---- */

static bool is_same_mode(const struct deployment_service *service, const cJSON *seen)
{
    bool is_job = json_path(seen, "Spec.Mode.ReplicatedJob") != NULL;
    return is_job == service->is_task;
}

/* A task that has ended well is done; one that runs is waited for; one that failed runs again. */
static bool is_spent(const struct swarm_change *change, const cJSON *tasks)
{
    return change->service->is_task && swarm_judge(change, change->seen, tasks).verdict == SWARM_FAILED;
}

static enum deploy_verb verb_of(const struct swarm_change *change, const cJSON *tasks)
{
    if (!change->seen)
        return DEPLOY_CREATE;
    if (!is_same_mode(change->service, change->seen))
        return DEPLOY_REPLACE;
    if (!str_eq(swarm_label(change->seen, SWARM_HASH), change->digest)) {
        if (change->service->is_task)
            return DEPLOY_RUN;
        return DEPLOY_UPDATE;
    }
    if (is_spent(change, tasks))
        return DEPLOY_RUN;
    return DEPLOY_KEEP;
}

/* One more than the highest of those that it needs, which stand before it. */
static int level_of(const struct swarm_changes *changes, const struct deployment_service *service)
{
    int level = 0;
    for (size_t i = 0; i < service->need_count; i++)
        for (size_t k = 0; k < changes->count; k++)
            if (str_eq(changes->items[k].service->name, service->needs[i].service))
                level = int_max(level, changes->items[k].level + 1);
    return level;
}

static void add_wanted(const struct deployment *d, const struct deploy_seen *seen,
                       struct swarm_changes *changes)
{
    for (size_t i = 0; i < d->service_count; i++) {
        const struct deployment_service *service = &d->services[i];
        struct swarm_change *change = &changes->items[changes->count];
        change->service = service;
        change->seen = swarm_find_service(seen->services, service->name);
        change->level = level_of(changes, service);
        deployment_service_digest(d, service, change->digest);
        change->verb = verb_of(change, seen->tasks);
        swarm_note_past(change, seen->tasks);
        changes->levels = int_max(changes->levels, change->level + 1);
        changes->count++;
    }
}

void swarm_changes_make(const struct deployment *d, const struct deploy_seen *seen,
                        struct swarm_changes *changes)
{
    size_t most = d->service_count + (size_t)json_count(seen->services);
    *changes = (struct swarm_changes){.items = xcalloc(most + 1, sizeof *changes->items)};
    add_wanted(d, seen, changes);

    const cJSON *service;
    cJSON_ArrayForEach(service, seen->services)
    {
        if (!deployment_find(d, swarm_resource(service)))
            changes->items[changes->count++] =
                (struct swarm_change){.verb = DEPLOY_REMOVE, .seen = service, .level = changes->levels};
    }
    for (size_t i = 0; i < changes->count; i++)
        changes->changing += changes->items[i].verb != DEPLOY_KEEP;
}

void swarm_changes_free(struct swarm_changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        free(changes->items[i].image);
        cJSON_Delete(changes->items[i].config);
    }
    free(changes->items);
    *changes = (struct swarm_changes){0};
}

/* ---- why ---- */

/* What people call the places of a specification. */
static const char *const places[][2] = {
    {"TaskTemplate.ContainerSpec.", ""},
    {"TaskTemplate.", ""},
    {"Mode.Replicated.Replicas", "replicas"},
    {"EndpointSpec.Ports", "ports"},
};

static char *place_name(const char *path)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (str_starts(path, places[i][0])) {
            cleanup_free char *rest = xasprintf("%s%s", places[i][1], path + strlen(places[i][0]));
            return str_lower(rest);
        }
    return str_lower(path);
}

/* The image as somebody wrote it, without the digest that was found for it. */
static char *shown(const cJSON *value)
{
    const char *text = cJSON_GetStringValue(value);
    if (!text) {
        if (value)
            return json_print_canonical(value);
        return xstrdup("nothing");
    }
    const char *digest = strstr(text, "@sha256:");
    if (digest)
        return xstrndup(text, (size_t)(digest - text));
    return xstrdup(text);
}

static void compare(const char *path, const cJSON *from, const cJSON *to, struct strlist *lines);

static void compare_member(const char *path, const char *name, const cJSON *from, const cJSON *to,
                           struct strlist *lines)
{
    cleanup_free char *below = NULL;
    if (*path)
        below = xasprintf("%s.%s", path, name);
    else
        below = xstrdup(name);
    compare(below, json_get(from, name), json_get(to, name), lines);
}

static void compare_members(const char *path, const cJSON *from, const cJSON *to, struct strlist *lines)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, to) compare_member(path, member->string, from, to, lines);
    cJSON_ArrayForEach(member, from)
    {
        if (!json_get(to, member->string))
            compare_member(path, member->string, from, to, lines);
    }
}

/* Volatile, ids, said in other words, or the engine's own defaults. */
static bool is_passed_over(const char *path)
{
    static const char *const over[] = {
        "Labels",
        "TaskTemplate.ContainerSpec.Labels." SWARM_HASH,
        "TaskTemplate.ContainerSpec.Secrets",
        "TaskTemplate.ContainerSpec.Isolation",
        "TaskTemplate.Networks",
        "TaskTemplate.Runtime",
    };
    for (size_t i = 0; i < sizeof over / sizeof *over; i++)
        if (str_eq(path, over[i]))
            return true;
    return false;
}

/* Empty and not there are the same. */
static bool is_nothing(const cJSON *value)
{
    return !value || cJSON_IsNull(value) || cJSON_IsFalse(value) ||
           ((cJSON_IsArray(value) || cJSON_IsObject(value)) && !value->child) ||
           (cJSON_IsNumber(value) && value->valuedouble == 0) ||
           (cJSON_IsString(value) && !*value->valuestring);
}

static void compare(const char *path, const cJSON *from, const cJSON *to, struct strlist *lines)
{
    if (is_passed_over(path) || (is_nothing(from) && is_nothing(to)))
        return;
    if (cJSON_IsObject(to) || (cJSON_IsObject(from) && !to)) {
        compare_members(path, from, to, lines);
        return;
    }
    cleanup_free char *old = shown(from), *new = shown(to);
    if (str_eq(old, new))
        return;
    cleanup_free char *name = place_name(path);
    strlist_addf(lines, "%s: %s → %s", name, old, new);
}

static const cJSON *secrets_in(const cJSON *spec)
{
    return json_path(spec, "TaskTemplate.ContainerSpec.Secrets");
}

/* By the file: the name holds the digest of the content. */
static void compare_secrets(const cJSON *from, const cJSON *to, struct strlist *lines)
{
    const cJSON *secret;
    cJSON_ArrayForEach(secret, to)
    {
        const char *file = cJSON_GetStringValue(json_path(secret, "File.Name"));
        const cJSON *old = swarm_find(from, "File.Name", file);
        if (!old)
            strlist_addf(lines, "secret %s: new", file);
        else if (!str_eq(json_string(old, "SecretName", ""), json_string(secret, "SecretName", "")))
            strlist_addf(lines, "secret %s: changed", file);
    }

    cJSON_ArrayForEach(secret, from)
    {
        const char *file = cJSON_GetStringValue(json_path(secret, "File.Name"));
        if (file && !swarm_find(to, "File.Name", file))
            strlist_addf(lines, "secret %s: goes", file);
    }
}

/* Where nothing of what is compared differs. */
static const char *other_reason(const struct swarm_change *change)
{
    if (str_eq(swarm_label(change->seen, SWARM_HASH), change->digest))
        return "it failed the last time";
    return "its command";
}

/* The image's part of it is not known yet: what the manifest says stands at its end. */
static void compare_commands(cJSON *from, cJSON *to, struct strlist *lines)
{
    cJSON *old = cJSON_DetachItemFromObjectCaseSensitive(from, "Args");
    cJSON *new = cJSON_DetachItemFromObjectCaseSensitive(to, "Args");
    int more = json_count(old) - json_count(new);
    while (more-- > 0)
        cJSON_DeleteItemFromArray(old, 0);
    compare("command", old, new, lines);
    cJSON_Delete(old);
    cJSON_Delete(new);
}

void swarm_explain(const struct deployment *d, const struct swarm_change *change, struct strlist *lines)
{
    static const char container[] = "TaskTemplate.ContainerSpec";
    if (!change->service || !change->seen || change->verb == DEPLOY_KEEP)
        return;
    struct swarm_parts parts = {.image = change->service->image, .network = "", .turn = ""};
    cleanup_json cJSON *wanted = swarm_service_body(d, change->service, &parts);
    cleanup_json cJSON *spec = cJSON_Duplicate(json_get(change->seen, "Spec"), true);
    if (swarm_needs_config(change->service))
        compare_commands(json_path(spec, container), json_path(wanted, container), lines);
    compare("", spec, wanted, lines);
    compare_secrets(secrets_in(spec), secrets_in(wanted), lines);
    if (!lines->count)
        strlist_add(lines, other_reason(change));
}
