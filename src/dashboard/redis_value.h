/* What a key holds, by its type. See redis_value.c. */
#ifndef DASHBOARD_REDIS_VALUE_H
#define DASHBOARD_REDIS_VALUE_H

#include <cjson/cJSON.h>

/* The command that tells how much there is: "LLEN" of "list"; NULL for types that are not known. */
const char *redis_length_command(const char *type);
/* A hash's fields as an entry of the distributed cache, {"absexp","sldexp","data","length"}: times in ms,
 * absexp since 1970, null where there is none. NULL: it is none. */
cJSON *redis_cache_entry(const cJSON *fields);

#endif
