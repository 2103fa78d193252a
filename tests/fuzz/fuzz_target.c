/* Any text as a connection string of the program: no crash, and what is read names a server. */
#include "redis/redis.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_free char *text = xstrndup((const char *)data, size);
    struct redis_target target;
    if (redis_target_parse(&target, text)) {
        bool has_place = (target.host && *target.host) != (target.unix_path != NULL);
        if (!has_place || target.port < 1 || target.port > 65535 || target.database < 0)
            abort();
    }
    redis_target_fini(&target);
    return 0;
}
