/* See variables.h. */
#include "control/variables.h"

#include "base/mem.h"

#include <string.h>

static const char value_key[] = "value", secret_key[] = "secret", resource_key[] = "resource";

void answer_variable_add(cJSON *answer, const struct answer_variable *variable)
{
    cJSON *entry = cJSON_CreateObject();
    json_add_string(entry, value_key, variable->value);
    json_add_bool(entry, secret_key, variable->is_secret);
    json_add_string(entry, resource_key, variable->resource);
    cJSON_DeleteItemFromObjectCaseSensitive(answer, variable->name);
    cJSON_AddItemToObject(answer, variable->name, entry);
}

bool answer_variable_next(const cJSON *answer, const cJSON **at, struct answer_variable *variable)
{
    if (*at)
        *at = (*at)->next;
    else if (cJSON_IsObject(answer))
        *at = answer->child;
    if (!*at)
        return false;
    *variable = (struct answer_variable){.name = (*at)->string,
                                         .value = json_string(*at, value_key, ""),
                                         .is_secret = json_bool(*at, secret_key, false),
                                         .resource = json_string(*at, resource_key, NULL)};
    return true;
}

bool answer_variable_find(const cJSON *answer, const char *name, struct answer_variable *variable)
{
    const cJSON *at = NULL;
    while (answer_variable_next(answer, &at, variable))
        if (strcmp(variable->name, name) == 0)
            return true;
    return false;
}

void answer_variables_wipe(cJSON *answer)
{
    struct answer_variable variable;
    const cJSON *at = NULL;
    while (answer_variable_next(answer, &at, &variable))
        mem_wipe((char *)variable.value, strlen(variable.value));
}
