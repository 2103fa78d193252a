/* Where a server is, as consumers are told it: its properties (CACHE_HOST and its kin), or a connection
 * string. */
#include "redis/redis.h"

#include "base/mem.h"

#include <stdlib.h>

/* The property that ends like this: "_HOST" of CACHE_HOST. */
static const char *property(const cJSON *environment, const char *ending)
{
    const cJSON *variable;
    cJSON_ArrayForEach(variable, environment)
    {
        if (!str_starts(variable->string, "ConnectionStrings__") && str_ends(variable->string, ending))
            return json_string(variable, "value", NULL);
    }
    return NULL;
}

static bool read_properties(struct redis_target *out, const cJSON *environment)
{
    int64_t port = 0;
    const char *host = property(environment, "_HOST"), *number = property(environment, "_PORT");
    const char *uri = property(environment, "_URI"), *password = property(environment, "_PASSWORD");
    if (!host || !number || !str_to_int64(number, 1, 65535, &port))
        return false;
    *out = (struct redis_target){.host = xstrdup(host), .port = (int)port};
    if (password && *password)
        out->password = xstrdup(password);
    out->tls = uri && str_starts(uri, "rediss:");
    return true;
}

bool redis_target_of(struct redis_target *out, const struct redis_question *question, const char **ca_file)
{
    cleanup_free char *name = xasprintf("ConnectionStrings__%s", question->resource);
    *out = (struct redis_target){0};
    *ca_file = property(question->environment, "_CA_FILE");
    if (question->is_ours)
        return read_properties(out, question->environment);
    return redis_target_parse(out, json_string(json_get(question->environment, name), "value", ""));
}
