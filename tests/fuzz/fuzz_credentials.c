/* room: engine */
/* Any JSON as Docker's configuration with credentials, and as the container that we run in: a choice that
 * makes a header of one line, or none; places that have an address. */
#include "engine/internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void choose(const char *configuration, const char *registry)
{
    cleanup_free char *inlined = xasprintf("DOCKER_AUTH_CONFIG=%s", configuration);
    struct strlist environment = {0};
    struct auth_choice choice = {0};
    strlist_add(&environment, inlined);
    strlist_add(&environment, "DOCKER_CONFIG=/nowhere");
    strlist_add(&environment, "PATH=/nowhere");
    engine_auth_choose(&environment, registry, &choice);

    cleanup_free char *header = engine_auth_header(&choice);
    if (header && strpbrk(header, "\r\n"))
        abort();
    engine_auth_choice_free(&choice);
    strlist_free(&environment);
}

static void find(const char *text, size_t size)
{
    cleanup_json cJSON *document = json_parse(text, size, NULL);
    struct engine_where where = {0};
    const char *shares = NULL;
    if (!engine_where_in_container(document, &where, &shares) && !shares)
        abort();
    if (where.count < 0 || where.count > ENGINE_PLACES || (!shares && !*where.how))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_free char *text = xstrndup((const char *)data, size);
    choose(text, "docker.io");
    choose(text, "127.0.0.1:5000");
    find(text, strlen(text));
    return 0;
}
