/* Environments as lists. See environment.h. */
#include "session/environment.h"

#include "base/mem.h"

#include <string.h>

static void merge_entry(struct strlist *list, const char *entry)
{
    const char *equals = strchr(entry, '=');
    if (!equals)
        return;
    cleanup_free char *name = xstrndup(entry, (size_t)(equals - entry));
    strlist_setenv(list, name, equals + 1);
}

void environment_merge(struct strlist *list, const cJSON *variables)
{
    const cJSON *variable;
    cJSON_ArrayForEach(variable, variables)
    {
        if (cJSON_IsArray(variables) && cJSON_IsString(variable))
            merge_entry(list, variable->valuestring);
        else if (cJSON_IsString(variable))
            strlist_setenv(list, variable->string, variable->valuestring);
        else if (variable->string)
            strlist_setenv(list, variable->string, json_string(variable, "value", ""));
    }
}
