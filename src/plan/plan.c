/* The plan as a document: JSON both ways, look-ups, end of life. The lowering stands in lower*.c.
 */
#include "plan/internal.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { PLAN_FORMAT = 1 };

struct entry {
    const char *name;
    void *item;
    UT_hash_handle hh;
};
struct plan_index {
    struct entry *nodes, *resources, *secrets;
    struct entry *storage;
};

static void add_entry(struct entry **table, struct entry *entry, const char *name, void *item)
{
    *entry = (struct entry){.name = name, .item = item};
    HASH_ADD_KEYPTR(hh, *table, name, strlen(name), entry);
}

void plan_build_index(struct plan *plan)
{
    size_t count = plan->node_count + plan->resource_count + plan->replica_count + plan->secret_count;
    struct plan_index *index = xcalloc(1, sizeof *index);
    struct entry *entry = index->storage = xcalloc(count, sizeof *entry);
    for (size_t i = 0; i < plan->node_count; i++)
        add_entry(&index->nodes, entry++, plan->nodes[i].id, &plan->nodes[i]);
    for (size_t i = 0; i < plan->resource_count; i++)
        add_entry(&index->resources, entry++, plan->resources[i].name, &plan->resources[i]);
    for (size_t i = 0; i < plan->replica_count; i++)
        add_entry(&index->resources, entry++, plan->replicas[i].name, &plan->replicas[i]);
    for (size_t i = 0; i < plan->secret_count; i++)
        add_entry(&index->secrets, entry++, plan->secrets[i].name, &plan->secrets[i]);
    plan->index = index;
}

static void *find_entry(struct entry *table, const char *name)
{
    struct entry *entry = NULL;
    HASH_FIND_STR(table, name, entry);
    return entry ? entry->item : NULL;
}

struct plan_node *plan_find(const struct plan *plan, const char *id)
{
    return plan->index ? find_entry(plan->index->nodes, id) : NULL;
}

struct plan_resource *plan_find_resource(const struct plan *plan, const char *name)
{
    return plan->index ? find_entry(plan->index->resources, name) : NULL;
}

/* The lowering makes them one after the other; what each of them needs may stand between. */
struct plan_node *plan_node_of(const struct plan *plan, const struct plan_resource *resource, size_t index)
{
    struct plan_node *node = plan_find(plan, resource->node);
    if (!node || !index)
        return node;
    for (node++; node < plan->nodes + plan->node_count; node++)
        if (str_eq(node->run.replica_of, resource->name) && --index == 0)
            return node;
    return NULL;
}

bool plan_is_main(const struct plan_node *node)
{
    return node->kind == PLAN_CONTAINER || node->kind == PLAN_PROCESS || node->kind == PLAN_VALUE;
}

const struct plan_probe *plan_node_probe(const struct plan_node *node)
{
    if (node->kind == PLAN_VALUE)
        return &node->check;
    return &node->run.ready;
}

const struct plan_secret *plan_find_secret(const struct plan *plan, const char *name)
{
    return plan->index ? find_entry(plan->index->secrets, name) : NULL;
}

void plan_give_secret(struct plan *plan, const char *name, const char *value)
{
    struct plan_secret *secret = NULL;
    if (plan->index)
        secret = find_entry(plan->index->secrets, name);
    if (secret)
        secret->value = arena_strdup(&plan->arena, value);
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    if (plan->index) {
        HASH_CLEAR(hh, plan->index->nodes);
        HASH_CLEAR(hh, plan->index->resources);
        HASH_CLEAR(hh, plan->index->secrets);
        free(plan->index->storage);
        free(plan->index);
    }

    for (size_t i = 0; i < plan->secret_count; i++)
        if (plan->secrets[i].value)
            mem_wipe((char *)plan->secrets[i].value, strlen(plan->secrets[i].value));
    for (size_t i = 0; i < plan->warning_count; i++)
        error_clear(&plan->warnings[i]);
    free(plan->warnings);

    struct arena arena = plan->arena;
    arena_free(&arena);
    free(plan);
}

/* Where an array of the plan begins and how long it is. */
struct list {
    void **items;
    size_t *count;
};

static void write_list(cJSON *json, const char *name, const struct record *record, const void *items,
                       size_t count)
{
    cJSON *array = json_add_array(json, name);
    for (size_t i = 0; i < count; i++) {
        cJSON *item = cJSON_CreateObject();
        record_write(record, (const char *)items + i * record->size, false, item);
        cJSON_AddItemToArray(array, item);
    }
}

static void write_private(const struct plan *plan, cJSON *json)
{
    cJSON *environment = json_add_array(json, "environment");
    for (char **entry = plan->environment; entry && *entry; entry++)
        cJSON_AddItemToArray(environment, cJSON_CreateString(*entry));
}

static void hide_secrets(const struct plan *plan, cJSON *json)
{
    cJSON *item;
    size_t i = 0;
    cJSON_ArrayForEach(item, json_get(json, "secrets"))
    {
        if (plan->secrets[i++].secret && json_get(item, "value"))
            cJSON_ReplaceItemInObjectCaseSensitive(item, "value", cJSON_CreateString("***"));
    }
}

cJSON *plan_to_json(const struct plan *plan, bool with_secrets)
{
    cJSON *json = cJSON_CreateObject();
    json_add_int(json, "format", PLAN_FORMAT);
    json_add_string(json, "project", plan->project);
    json_add_string(json, "projectHash", plan->project_hash);
    json_add_string(json, "prefix", plan->prefix);
    json_add_string(json, "manifest", plan->manifest_file);
    json_add_string(json, "folder", plan->folder);
    json_add_string(json, "engine", plan->engine_kind);
    json_add_string(json, "otlpEndpoint", plan->otlp_endpoint);

    write_list(json, "resources", &plan_record_resource, plan->resources, plan->resource_count);
    if (plan->replica_count)
        write_list(json, "replicas", &plan_record_resource, plan->replicas, plan->replica_count);
    write_list(json, "nodes", &plan_record_node, plan->nodes, plan->node_count);
    write_list(json, "secrets", &plan_record_secret, plan->secrets, plan->secret_count);

    if (with_secrets)
        write_private(plan, json);
    else
        hide_secrets(plan, json);
    return json;
}

static const char *read_string(const cJSON *json, const char *name, struct arena *arena)
{
    const char *text = json_string(json, name, NULL);
    return text ? arena_strdup(arena, text) : NULL;
}

/* An array of records; *items and *count are the plan's. */
static int read_list(const cJSON *array, const struct record *record, struct plan *plan, struct list *list,
                     struct error *err)
{
    const cJSON *item;
    char *at = *list->items = arena_alloc(&plan->arena, ((size_t)json_count(array) + 1) * record->size);
    cJSON_ArrayForEach(item, array)
    {
        if (record_read(record, item, &plan->arena, at, err) < 0)
            return error_wrap(err, "the plan is damaged");
        at += record->size;
        ++*list->count;
    }
    return 0;
}

static void read_environment(const cJSON *json, struct plan *plan)
{
    const cJSON *array = json_get(json, "environment"), *item;
    char **at = plan->environment = arena_alloc(&plan->arena, ((size_t)json_count(array) + 1) * sizeof *at);
    cJSON_ArrayForEach(item, array)
    {
        if (cJSON_IsString(item))
            *at++ = arena_strdup(&plan->arena, item->valuestring);
    }
}

static int read_lists(const cJSON *json, struct plan *plan, struct error *err)
{
    struct list resources = {(void **)&plan->resources, &plan->resource_count};
    struct list replicas = {(void **)&plan->replicas, &plan->replica_count};
    struct list nodes = {(void **)&plan->nodes, &plan->node_count};
    struct list secrets = {(void **)&plan->secrets, &plan->secret_count};
    if (read_list(json_get(json, "resources"), &plan_record_resource, plan, &resources, err) < 0)
        return -1;
    if (read_list(json_get(json, "replicas"), &plan_record_resource, plan, &replicas, err) < 0)
        return -1;
    if (read_list(json_get(json, "nodes"), &plan_record_node, plan, &nodes, err) < 0)
        return -1;
    return read_list(json_get(json, "secrets"), &plan_record_secret, plan, &secrets, err);
}

/* Names that later rooms rely on without asking. */
static int check_names(const struct plan *plan, struct error *err)
{
    bool complete = plan->project && plan->project_hash && plan->prefix;
    for (size_t i = 0; i < plan->node_count; i++)
        complete = complete && plan->nodes[i].id && plan->nodes[i].name;
    for (size_t i = 0; i < plan->resource_count; i++)
        complete = complete && plan->resources[i].name && plan->resources[i].node;
    for (size_t i = 0; i < plan->replica_count; i++)
        complete = complete && plan->replicas[i].name && plan->replicas[i].node;
    for (size_t i = 0; i < plan->secret_count; i++)
        complete = complete && plan->secrets[i].name;
    if (complete)
        return 0;
    return error_set(err, ERROR_PROTOCOL, "the plan is damaged: something has no name");
}

struct plan *plan_from_json(const cJSON *json, struct error *err)
{
    if (json_int(json, "format", 0) != PLAN_FORMAT) {
        error_set(err, ERROR_PROTOCOL, "the plan has another format than this version of apphost reads");
        error_hint(err, "run the same version of apphost that started the project, or `apphost down` first");
        return NULL;
    }

    struct plan *plan = xcalloc(1, sizeof *plan);
    plan->project = read_string(json, "project", &plan->arena);
    plan->project_hash = read_string(json, "projectHash", &plan->arena);
    plan->prefix = read_string(json, "prefix", &plan->arena);
    plan->manifest_file = read_string(json, "manifest", &plan->arena);
    plan->folder = read_string(json, "folder", &plan->arena);
    plan->engine_kind = read_string(json, "engine", &plan->arena);
    plan->otlp_endpoint = read_string(json, "otlpEndpoint", &plan->arena);

    read_environment(json, plan);
    if (read_lists(json, plan, err) < 0 || check_names(plan, err) < 0) {
        plan_free(plan);
        return NULL;
    }
    plan_build_index(plan);
    return plan;
}

struct plan *plan_new(const struct plan_context *context)
{
    struct plan *plan = xcalloc(1, sizeof *plan);
    plan->project = arena_strdup(&plan->arena, context->project);
    plan->project_hash = arena_strdup(&plan->arena, context->project_hash);
    plan->prefix = arena_printf(&plan->arena, "%s-%s", context->project, context->project_hash);
    return plan;
}

struct plan *plan_empty(const struct plan_context *context)
{
    struct plan *plan = plan_new(context);
    plan_build_index(plan);
    return plan;
}
