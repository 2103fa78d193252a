/* Members of views as documents, by their names. See documents.h. */
#include "control/documents.h"
#include "control/internal.h"

#include <string.h>

static cJSON *find(const cJSON *list, const char *node)
{
    cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (str_eq(json_string(item, "node", NULL), node))
            return item;
    }
    return NULL;
}

/* What is new comes last. */
static void merge_list(cJSON *view, const cJSON *changes, const char *name)
{
    const cJSON *record;
    cJSON *list = json_get(view, name);
    if (!list)
        list = json_add_array(view, name);
    cJSON_ArrayForEach(record, json_get(changes, name))
    {
        cJSON *old = find(list, json_string(record, "node", NULL));
        if (old)
            cJSON_ReplaceItemViaPointer(list, old, cJSON_Duplicate(record, 1));
        else
            cJSON_AddItemToArray(list, cJSON_Duplicate(record, 1));
    }
}

static void drop(cJSON *list, const char *node)
{
    cJSON *old = find(list, node);
    if (old)
        cJSON_Delete(cJSON_DetachItemViaPointer(list, old));
}

static void merge(cJSON *view, const cJSON *changes)
{
    const cJSON *engine = json_get(changes, "engine"), *gone;
    if (engine && json_get(view, "engine"))
        cJSON_ReplaceItemInObjectCaseSensitive(view, "engine", cJSON_Duplicate(engine, 1));
    else if (engine)
        cJSON_AddItemToObject(view, "engine", cJSON_Duplicate(engine, 1));
    merge_list(view, changes, "resources");
    merge_list(view, changes, "others");
    cJSON_ArrayForEach(gone, json_get(changes, "gone"))
    {
        drop(json_get(view, "resources"), cJSON_GetStringValue(gone));
        drop(json_get(view, "others"), cJSON_GetStringValue(gone));
    }
}

void document_take(cJSON **view, int64_t *rev, const cJSON *record)
{
    const cJSON *whole = json_get(record, "view");
    *rev = json_int(record, "rev", *rev);
    if (whole) {
        cJSON_Delete(*view);
        *view = cJSON_Duplicate(whole, 1);
    } else if (*view) {
        merge(*view, record);
    }
}

enum view_news document_news(const cJSON *record)
{
    int news = names_find(&view_news_names, json_string(record, "type", ""));
    if (news < 0)
        return NEWS_NONE;
    return (enum view_news)news;
}

const cJSON *document_resource(const cJSON *view, const char *name)
{
    const cJSON *resource;
    cJSON_ArrayForEach(resource, json_get(view, "resources"))
    {
        if (str_eq(json_string(resource, "name", NULL), name) ||
            str_eq(json_string(resource, "replicaOf", NULL), name))
            return resource;
    }
    return NULL;
}

const char *document_kind(const cJSON *resource)
{
    return json_string(resource, "kind", "");
}

void view_drop_resource(struct view *view, size_t at)
{
    size_t behind = --view->resource_count - at;
    cJSON_DeleteItemFromArray(json_get(view->json, "resources"), (int)at);
    memmove(&view->resources[at], &view->resources[at + 1], behind * sizeof *view->resources);
}
