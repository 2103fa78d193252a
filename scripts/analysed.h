/* Read in front of every source by scripts/analyse: what an analyser cannot see from one file alone. Whatever
 * makes an error returns -1, so what follows a success has all that the success promises; what cJSON calls a
 * string is one, and no NULL; the table of uthash that is freed with its last item is not looked at again, and
 * an item that was taken out of one is in none.
 * Not for the files that define them. */
#define uthash_free(table, size) analysed_freed(table)
#include "base/error.h"
#include "client_base/fail.h"
#include <cjson/cJSON.h>
#include <uthash.h>

#undef HASH_DEL
#define HASH_DEL(head, item) analysed_removed(&(head), (item))
void analysed_removed(void *head, const void *item);

static inline void analysed_freed(const void *table)
{
    (void)table;
}

static inline int analysed_failure(int rc)
{
    (void)rc;
    return -1;
}

#define cJSON_IsString(item) ((item) && (cJSON_IsString)(item))
#define cJSON_IsNumber(item) ((item) && (cJSON_IsNumber)(item))
#define cJSON_IsArray(item) ((item) && (cJSON_IsArray)(item))
#define cJSON_IsObject(item) ((item) && (cJSON_IsObject)(item))
#define error_set(...) analysed_failure(error_set(__VA_ARGS__))
#define error_wrap(...) analysed_failure(error_wrap(__VA_ARGS__))
#define fail_set(...) analysed_failure(fail_set(__VA_ARGS__))
#define fail_memory(...) analysed_failure(fail_memory(__VA_ARGS__))
#define fail_argument(...) analysed_failure(fail_argument(__VA_ARGS__))
#define fail_null(...) analysed_failure(fail_null(__VA_ARGS__))
