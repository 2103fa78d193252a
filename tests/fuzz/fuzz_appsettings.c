/* room: client */
/* Any bytes as appsettings.json: it parses into a configuration, or there is an error with a text. */
#include <apphost/config.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void visit(void *user, const char *rest, const char *value)
{
    *(size_t *)user += strlen(rest) + strlen(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct apphost_config *config = apphost_config_new();
    struct apphost_error error = {0};
    size_t sum = 0;

    if (!config)
        return 0;
    int rc = apphost_config_add_json(config, (const char *)data, size, "fuzz.json", &error);
    if ((rc < 0) != (error.code != APPHOST_OK))
        abort();
    apphost_config_each(config, "Logging:LogLevel", visit, &sum);
    apphost_config_get(config, "ConnectionStrings:cache");
    apphost_config_free(config);
    return 0;
}
