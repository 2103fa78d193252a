/* apphost version */
#include "session/context.h"

static int run(struct context *context, struct error *err)
{
    (void)err;
    if (!context->output.json) {
        printf("apphost %s\n", APPHOST_VERSION);
        return 0;
    }
    cleanup_json cJSON *document = cJSON_CreateObject();
    json_add_string(document, "version", APPHOST_VERSION);
    output_json(document);
    return 0;
}

const struct command cmd_version = {
    .name = "version",
    .summary = "print the version",
    .usage = "",
    .description =
        "Prints the version of apphost. With -o json as an object. apphost doctor tells the engine's.",
    .examples = "apphost version\n",
    .group = GROUP_OTHER,
    .run = run,
};
