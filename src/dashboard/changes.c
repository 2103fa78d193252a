/* The view as it is known here, kept up to date by the records that change. */
#include "dashboard/internal.h"

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

void changes_merge(cJSON *view, const cJSON *changes)
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
