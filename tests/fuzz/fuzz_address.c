/* room: engine */
/* Any text as the address of an engine, from DOCKER_HOST and from --host: an address that says how to
 * connect, survives its way through JSON and can be copied, or an error that says something. */
#include "engine/engine.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct engine_address *address)
{
    struct engine_address again = {0}, copy = {0};
    if (!address->host || !address->origin)
        abort();
    if (!address->unix_path && !address->url && strncmp(address->host, "ssh://", 6) != 0)
        abort();
    cleanup_json cJSON *json = engine_address_to_json(address);
    if (engine_address_from_json(json, &again, NULL) < 0 || strcmp(again.host, address->host) != 0)
        abort();
    engine_address_copy(&copy, &again);
    engine_address_free(&copy);
    engine_address_free(&again);
}

static void resolve(char *const *environment, const char *flag)
{
    struct engine_address address = {0};
    cleanup_error struct error err = {0};
    if (engine_resolve(environment, flag, NULL, &address, &err) == 0)
        check(&address);
    else if (!err.text || !*err.text)
        abort();
    engine_address_free(&address);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_free char *text = xstrndup((const char *)data, size);
    if (!*text)
        return 0;
    struct strlist environment = {0};
    strlist_addf(&environment, "DOCKER_HOST=%s", text);
    strlist_add(&environment, "HOME=/nonexistent");
    resolve(environment.items, NULL);
    resolve(environment.items, text);
    strlist_free(&environment);
    return 0;
}
