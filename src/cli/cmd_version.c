/* apphost version */
#include "base/installed.h"
#include "library/inventory.h"
#include "session/context.h"

static int run(struct context *context, struct error *err)
{
    (void)err;
    if (!context->output.json) {
        printf("apphost %s\n", APPHOST_VERSION);
        return 0;
    }

    cleanup_inventory struct library_inventory libraries;
    cleanup_json cJSON *document = cJSON_CreateObject();
    library_inventory(&libraries);
    json_add_string(document, "version", APPHOST_VERSION);
    json_add_string(document, "installed", installed_as());
    cJSON_AddItemToObject(document, "libraries", library_inventory_json(&libraries));
    output_json(document);
    return 0;
}

const struct command cmd_version = {
    .name = "version",
    .summary = "print the version",
    .usage = "",
    .description =
        "Prints the version of apphost. With -o json as an object, with how it was installed (source, "
        "package, tarball or image) and each library that it works with: its version, its file, whether "
        "it is linked, opened when it is needed, or within the program. apphost doctor tells the "
        "engine's.",
    .examples = "apphost version\n"
                "apphost version -o json\n",
    .group = GROUP_OTHER,
    .run = run,
};
