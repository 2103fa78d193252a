/* Environments as lists. See environment.h. */
#include "session/environment.h"

#include "base/mem.h"
#include "control/variables.h"

#include <string.h>

static void merge_entry(struct strlist *list, const char *entry)
{
    const char *equals = strchr(entry, '=');
    if (!equals)
        return;
    cleanup_free char *name = xstrndup(entry, (size_t)(equals - entry));
    strlist_setenv(list, name, equals + 1);
}

void environment_merge(struct strlist *list, const cJSON *answer)
{
    struct answer_variable variable;
    const cJSON *at = NULL;
    while (answer_variable_next(answer, &at, &variable))
        strlist_setenv(list, variable.name, variable.value);
}

void environment_add(struct strlist *list, const char *const *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        merge_entry(list, entries[i]);
}
