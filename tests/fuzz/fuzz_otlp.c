/* Any text in the variables of OpenTelemetry: no crash, no leak; a header line is one line and has its end.
 */
#include "client_telemetry/otlp_encode.h"
#include "client_telemetry/otlp_target.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each line of the input is the value of one variable. */
static const char *const keys[] = {
    "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_EXPORTER_OTLP_TIMEOUT",  "OTEL_SERVICE_NAME",          "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
};

static void check_headers(const char *headers)
{
    for (const char *line = headers; *line;) {
        const char *end = strstr(line, "\r\n");

        if (!end || !memchr(line, ':', (size_t)(end - line)) || memchr(line, '\n', (size_t)(end - line)))
            abort();
        line = end + 2;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct apphost_config *config = apphost_config_new();
    char *text = malloc(size + 1), *rest = text;
    struct otlp_target target;
    struct text resource = {0};

    if (!config || !text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]) && rest; i++)
        apphost_config_set(config, keys[i], strsep(&rest, "\n"), NULL);
    if (otlp_target_init(&target, config, "TRACES", "/v1/traces", NULL) > 0) {
        if (target.path[0] != '/' && target.path[0] != '?' && target.path[0] != '#')
            abort();
        check_headers(target.headers);
        otlp_target_fini(&target);
    }
    otlp_encode_resource(&resource, config);
    text_drop(&resource);
    apphost_config_free(config);
    free(text);
    return 0;
}
